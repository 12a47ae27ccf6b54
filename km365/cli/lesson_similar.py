"""`km365 lesson similar|link`: which items say much the same as another, and what one says of another."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, with_app
from km365.cli.lesson import as_option, reader_of
from km365.cli.lesson_check import is_text, text_in
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from km365.app import App
    from km365.core.audience import Reader
    from km365.core.knowledge import KnowledgeItem
    from km365.services.near_links import Linked


@click.command("similar")
@click.argument("what", metavar="FILE|ID")
@as_option
@click.option(
    "--language", type=click.Choice(LANGUAGES), help="The language of the text; else what it seems to be."
)
@json_option
@with_app
async def similar(app: "App", *, what: str, sign_in: str, language: str | None, as_json: bool) -> None:
    """List the items most like a text or an item, in any language, that you may read and did not write.

    FILE is a text (UTF-8; - for standard input), ID an item of the Knowledge list or the beginning of one. At
    most three are listed; what only your office has sent is marked, as nobody has checked it.

    \b
    Example:
      km365 lesson similar draft.txt --as zodwa.thimblesea@childrensagency.example
      km365 lesson similar KM-8f3a --as zodwa.thimblesea@childrensagency.example
    """
    from km365.services.learnt import model_of_all_languages
    from km365.services.near import Near
    from km365.services.search import SearchTerms

    reader = await reader_of(app, sign_in)
    item = await _item(app, what, reader, language)
    terms = SearchTerms(app.graph, app.settings, app.templates)
    near = Near(app.graph, app.db, app.settings, terms, model_of_all_languages())
    while await near.keep_up():
        say("Reading what the search index holds and nobody has compared yet …")
    found = await near.like(item, reader.person_id, language=item.language)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        waits = "" if one.checked else ", not yet checked"
        click.echo(f"{one.item_id}  {one.likeness:.2f}  {one.office} {one.year or ''}{waits}\n  {one.title}")
        if one.sentence:
            click.echo(f"  “{one.sentence}”")
        if one.about:
            click.echo(f"  topic in common: {', '.join(one.about)}")
        if one.words:
            click.echo(f"  words in common: {', '.join(one.words)}")
        click.echo(f"  {one.web_url}\n")
    if not found:
        say("There is no item like this one that you may read.")


async def _item(app: "App", what: str, reader: "Reader", language: str | None) -> "KnowledgeItem":
    """The item of that id, or the draft that the text would make."""
    from km365.core.knowledge import KnowledgeItem
    from km365.core.languages import best
    from km365.core.sorting import sorted_fields
    from km365.core.written_in import language_of
    from km365.documents.questions import Banks
    from km365.services import review

    if not is_text(what):
        item_id = await review.whole_id(app.graph, app.settings, what, reader=reader)
        return (await review.get_item(app.graph, app.settings, item_id, reader=reader)).item
    text = text_in(what)
    spoken = language or best([language_of(text)])
    fields = sorted_fields(text, Banks(app.templates).get("lesson", spoken))
    return KnowledgeItem(
        id="",
        title=fields.get("title", ""),
        description=fields.get("description", ""),
        cause=fields.get("cause", ""),
        advice=fields.get("advice", ""),
        office=reader.office,
        contributors=(reader.person_id,),
        language=spoken,
    )


@click.command("link")
@click.argument("item_id", metavar="ID")
@click.option("--confirms", metavar="OTHER", help="It confirms the other item.")
@click.option("--nuances", metavar="OTHER", help="It adds a nuance to the other item.")
@click.option("--contradicts", metavar="OTHER", help="It contradicts the other item; say why with --words.")
@click.option("--words", default="", help="What is different in its context, or what it adds; one sentence.")
@as_option
@json_option
@with_app
async def link(
    app: "App",
    *,
    item_id: str,
    confirms: str | None,
    nuances: str | None,
    contradicts: str | None,
    words: str,
    sign_in: str,
    as_json: bool,
) -> int:
    """Say what an item says of another: it confirms it, adds a nuance to it or contradicts it.

    You contributed to ID, or decide on it. The link stands in its column Links; an item that confirms another
    counts as one more office for which the other is still true. Each may be the beginning of an id.

    \b
    Example:
      km365 lesson link KM-8f3a --confirms KM-77b0 --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.keepout import keep_out
    from km365.core.knowledge import Link, Relation
    from km365.documents.messages import catalogue
    from km365.services import near_links, review
    from km365.services.verdicts import VerdictDesk

    said = {Relation.CONFIRMS: confirms, Relation.NUANCES: nuances, Relation.CONTRADICTS: contradicts}
    given = [(relation, other) for relation, other in said.items() if other]
    if len(given) != 1:
        raise click.UsageError(
            "Say one of --confirms, --nuances and --contradicts, with the id of the other."
        )
    if kept_out := keep_out(words, catalogue(app.templates).keep_out):
        say(f"These words are not kept ({kept_out}); docs/security.md says where they belong.")
        return ExitCode.REFUSED
    ((relation, other),) = given
    reader = await reader_of(app, sign_in)
    item_id, other = [
        await review.whole_id(app.graph, app.settings, one, reader=reader) for one in (item_id, other)
    ]
    desk = VerdictDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=app.clock.now)
    kept = await near_links.link(desk, item_id, Link(relation=relation, to=other, words=words), reader=reader)
    if as_json:
        print_json(asdict(kept))
        return ExitCode.DONE
    say(f"{item_id} {relation} {other}; `km365 lesson show` shows it on both.")
    return ExitCode.DONE


def in_lines(links: "Iterable[Linked]") -> "Iterator[str]":
    """The links of an item, from it and to it, a line each."""
    for one in links:
        words = f": {one.words}" if one.words else ""
        other = f"{one.item_id} “{one.title}” ({one.office})"
        yield f"{other} {one.relation} this{words}" if one.back else f"It {one.relation} {other}{words}"
