"""`km365 search`: the search index, and asking it."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import Progress, json_option, print_json, say, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.search_index import Look
    from km365.services.search_meaning import Meaning

_UNREAD_SHOWN = 20


@click.group()
def command() -> None:
    """Find what is known, and keep the search index.

    \b
    Example:
      km365 search query "cold chain"
    """


@command.command()
@click.option("--anew", is_flag=True, help="Empty the index first and read everything again.")
@json_option
@with_app
async def index(app: "App", *, anew: bool, as_json: bool) -> int:
    """Bring the search index up to date with SharePoint; the running service does so every five minutes.

    Ctrl-C ends it, and nothing is lost: the same command goes on from there. Losing the index loses nothing
    either, as it is made anew from SharePoint. Documents that not everyone of their site may read are left
    out and counted. Exit code 3: done, except for what is listed.

    \b
    Example:
      km365 search index
    """
    from km365.services import push, search_index
    from km365.services.search_readers import WHY_LEFT_OUT
    from km365.store import search as store

    desk = push.desk_of(app.graph, app.db, app.jobs, app.settings, app.templates, app.clock.now)
    if anew:
        await search_index.begin_anew(app.db, app.settings)
    with Progress("Documents read", total=0) as progress:

        def found(count: int) -> None:
            progress.total = count

        look = await search_index.look(
            app.graph,
            app.db,
            app.settings,
            now=app.clock.now,
            advance=progress.advance,
            found=found,
            noticed=await push.types(desk),
        )
    vectors = await _vectors(app)
    unread = await app.db.run(store.unread, most=_UNREAD_SHOWN + 1)
    left_out = await app.db.run(store.left_out)
    if as_json:
        by_library = [{"library": name, "why": why, "documents": n} for name, why, n in left_out]
        listed = {"unread": [{"title": title, "why": why} for title, why in unread]}
        print_json(asdict(look) | listed | {"left_out_by_library": by_library, "vectors": vectors})
    else:
        _say_look(look, unread)
        for name, why, number in left_out:
            say(f"Left out: {name}: {number} documents {WHY_LEFT_OUT[why]}.")
    return ExitCode.PARTLY if look.problems or look.not_read or look.untold else ExitCode.DONE


async def _vectors(app: "App") -> int:
    """Makes the vectors of what is new, by which the same in other words is found; counts them."""
    from km365.services import learnt, near, search

    terms = search.SearchTerms(app.graph, app.settings, app.templates)
    alike = near.Near(app.graph, app.db, app.settings, terms, learnt.model_of_all_languages())
    count = 0
    while made := await alike.keep_up():
        count += made
    return count


def _say_look(look: "Look", unread: list[tuple[str, str]]) -> None:
    click.echo(
        f"Read: {look.items} knowledge items, {look.documents} documents. Taken out: {look.removed}. "
        f"Still to be read: {look.left}. Left out: {look.left_out}."
    )
    for problem in look.problems:
        say(f"Not searched: {problem}")
    for _, why in unread[:_UNREAD_SHOWN]:
        say(f"Not read: {why}")
    if len(unread) > _UNREAD_SHOWN:
        say("... and more")


@command.command()
@click.argument("words")
@click.option(
    "--as",
    "sign_in",
    metavar="SIGN-IN",
    help="Whose eyes to look with, as a sign-in name. Without it: what everyone may read.",
)
@click.option("--office", default="", help="Only of this office, such as CO-BEL.")
@click.option("--kind", default="", help="Only this kind, such as 'lesson learned', knowledge or document.")
@click.option("--language", default="", help="Only what is written in it: en, fr, es, ar, ru, zh, pt ...")
@click.option("--most", default=5, show_default=True, type=click.IntRange(1, 50), help="How many to show.")
@json_option
@with_app
async def query(
    app: "App",
    *,
    words: str,
    sign_in: str | None,
    office: str,
    kind: str,
    language: str,
    most: int,
    as_json: bool,
) -> None:
    """Find what is known about something, best first, each with the sentence that says so.

    \b
    Example:
      km365 search query "cold chain" --office CO-BEL --as zodwa.thimblesea@childrensagency.example
    """
    from km365.cli.lesson import reader_of
    from km365.core.search_question import Filters, Query
    from km365.services import calendar, search

    reader = await reader_of(app, sign_in) if sign_in else search.EVERYONE
    found = await search.search(
        app.db,
        app.graph,
        app.settings,
        Query(words=words, filters=Filters(office=office, kind=kind, language=language)),
        reader,
        concepts=await search.SearchTerms(app.graph, app.settings, app.templates).now(),
        today=calendar.today(app.settings, app.clock.now(), reader.office),
        most=most,
        meaning=meaning(app),
    )
    whose = f"what {sign_in} may read" if sign_in else "what everyone may read"
    if as_json:
        print_json({"searched": whose, **asdict(found)})
        return
    for number, hit in enumerate(found.hits, start=1):
        click.echo(f"{number}. {hit.title}")
        if hit.sentence:
            click.echo(f"   “{hit.sentence}”")
        held = f"unconfirmed since {hit.unconfirmed_since:%B %Y}" if hit.unconfirmed_since else ""
        told = (hit.kind, hit.office, str(hit.day or ""), hit.language, held, hit.record, hit.web_url)
        click.echo(f"   {', '.join(one for one in told if one)}")
    say(f"Found: {found.total}. Searched: {whose}.")
    if found.without_filters:
        say(f"Without the filters there are {found.without_filters}.")
    if found.near:
        say(f"There is something about: {', '.join(found.near)}.")
    if found.reading:
        say("What is published is being read just now, so this may not be all; please try again in a minute.")
    elif not found.readable:
        say(_why_nothing(sign_in, empty=await search.is_empty(app.db)))


def meaning(app: "App") -> "Meaning | None":
    """What finds the same in other words; None where the model is not installed."""
    from km365.services import learnt
    from km365.services.search_meaning import Meaning

    encoder = learnt.model_of_all_languages()
    return Meaning(app.db, encoder) if encoder else None


def _why_nothing(sign_in: str | None, *, empty: bool) -> str:
    if empty:
        return "There is nothing to be found yet. `km365 search index` reads what is published."
    if sign_in:
        return f"There is a search index, but it holds nothing that {sign_in} may read."
    return (
        "There is a search index, but it holds nothing that everyone may read; `--as SIGN-IN` looks with the "
        "eyes of one person."
    )
