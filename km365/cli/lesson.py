"""`km365 lesson`: what colleagues have contributed, and the focal point's decision on it."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.cli.groups import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from km365.app import App
    from km365.core.audience import Reader
    from km365.core.knowledge import KnowledgeItem
    from km365.core.moves import Step
    from km365.core.still_true import Answer

as_option = click.option(
    "--as",
    "sign_in",
    required=True,
    metavar="SIGN-IN",
    help="Who you are, as a sign-in name; you see what you may read.",
)


VERBS = {
    "check": "km365.cli.lesson_check:command",
    "export": "km365.cli.lesson_export:command",
    "review": "km365.cli.lesson_moves:review_item",
    "return": "km365.cli.lesson_moves:return_",
    "validate": "km365.cli.lesson_moves:validate",
    "publish": "km365.cli.lesson_moves:publish",
    "supersede": "km365.cli.lesson_moves:supersede",
    "retire": "km365.cli.lesson_moves:retire",
    "effect": "km365.cli.lesson_moves:effect",
    "edit": "km365.cli.lesson_edit:edit",
    "ask-consent": "km365.cli.lesson_edit:ask_consent",
    "sla": "km365.cli.lesson_sla:command",
    "used": "km365.cli.lesson_used:command",
    "proposals": "km365.cli.lesson_promote:proposals",
    "promote": "km365.cli.lesson_promote:promote",
    "similar": "km365.cli.lesson_similar:similar",
    "link": "km365.cli.lesson_similar:link",
}
"""The verbs in modules of their own; the others are below."""


@click.group(cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """List, read, check, review and publish what colleagues have contributed.

    \b
    Example:
      km365 lesson list --as zodwa.thimblesea@childrensagency.example
    """


@command.command("list")
@as_option
@click.option("--maturity", default=None, help="Only items that are, for instance, 'in review'.")
@click.option("--questioned", is_flag=True, help="Only those in doubt on which you decide.")
@click.option("--overdue", is_flag=True, help="Only those that wait for you longer than they should.")
@json_option
@with_app
async def list_(
    app: "App", *, sign_in: str, maturity: str | None, questioned: bool, overdue: bool, as_json: bool
) -> None:
    """List the knowledge items you may read, and what their authors ask of you as a focal point.

    The column "asked" says what: to change it, to withdraw it, or to narrow it to the author's office.
    `km365 lesson show` says more, `km365 lesson answer` answers it. With --questioned, what colleagues
    said no longer holds or has changed, in their words and without names; `km365 lesson settle` ends that.
    With --overdue, what waits for your decision or publication longer than the settings decision_days and
    publication_days say.

    \b
    Example:
      km365 lesson list --maturity "in review" --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.knowledge import Maturity
    from km365.services import review, wishes

    if questioned or overdue:
        if maturity or (questioned and overdue):
            raise click.UsageError("--questioned, --overdue and --maturity: give one of them.")
        listed = _list_questioned if questioned else _list_overdue
        await listed(app, await reader_of(app, sign_in), as_json=as_json)
        return

    try:
        wanted = Maturity(maturity) if maturity else None
    except ValueError:
        raise click.UsageError(f"--maturity is one of: {', '.join(Maturity)}.") from None
    reader = await reader_of(app, sign_in)
    items = [
        kept async for kept in review.list_items(app.graph, app.settings, reader=reader, maturity=wanted)
    ]
    asked = await wishes.asked(app.graph, app.db, app.settings, reader)
    if as_json:
        roles = await review.roles_of(app.graph, app.settings, reader.office, reader)
        seen = [review.as_shown(one, reader, roles) for one in items]
        print_json([asdict(k) | {"asked": [one.kind for one in asked.get(k.item.id, ())]} for k in seen])
        return
    rows = [
        (
            k.item.id,
            k.item.maturity,
            k.item.office,
            k.item.language,
            ", ".join(one.kind for one in asked.get(k.item.id, ())) or "-",
            k.item.title,
        )
        for k in items
    ]
    table(rows, headings=("id", "maturity", "office", "language", "asked", "title"))
    for note, found in asked.items():
        if not note.startswith("KM-"):
            say(f"{note} (a handover note): its author asks to {', '.join(one.kind for one in found)} it.")


async def _list_questioned(app: "App", reader: "Reader", *, as_json: bool) -> None:
    from km365.services import verdicts

    found = await verdicts.doubted(app.graph, app.db, app.settings, reader)
    if as_json:
        print_json([asdict(one.kept) | {"said": _as_said(one.held.doubts)} for one in found])
        return
    rows = [
        (one.kept.item.id, one.kept.item.office, doubt.verdict, doubt.words or "-", one.kept.item.title)
        for one in found
        for doubt in one.held.doubts
    ]
    table(rows, headings=("id", "office", "said to be", "because", "title"))
    if found:
        say("Correct it in the list, then: km365 lesson settle ID. Or: km365 lesson review ID --retire.")


async def _list_overdue(app: "App", reader: "Reader", *, as_json: bool) -> None:
    from km365.services import deciding, life

    desk = life.LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    found = [one for one in await deciding.waits_for(desk, reader, at=app.clock.now()) if one.overdue]
    if as_json:
        print_json([asdict(one.kept) | {"waiting": asdict(one.waiting)} for one in found])
        return
    rows = [
        (one.kept.item.id, one.kept.item.office, one.waiting.awaits, one.waiting.due_on, one.kept.item.title)
        for one in found
    ]
    table(rows, headings=("id", "office", "awaits", "was due", "title"))


def _as_said(answers: "Iterable[Answer]") -> list[dict[str, str]]:
    """What was said, as JSON: never who, nor the day."""
    return [{"verdict": one.verdict, "words": one.words, "month": f"{one.on:%Y-%m}"} for one in answers]


@command.command()
@click.argument("item_id")
@as_option
@json_option
@with_app
async def show(app: "App", *, item_id: str, sign_in: str, as_json: bool) -> None:
    """Show one item in full; ITEM_ID may be its beginning, KM- and at least four characters.

    With what it says of other items, and they of it, where you may read them. Who decides on it also reads
    what colleagues said has changed or was done, without their names; they and its contributors, how it came
    to stand where it stands and the words that were edited away.

    \b
    Example:
      km365 lesson show KM-8f3a --as zodwa.thimblesea@childrensagency.example
    """
    from km365.cli.lesson_form import in_form
    from km365.cli.lesson_similar import in_lines
    from km365.cli.lesson_used import in_words
    from km365.core import own_words
    from km365.core.knowledge import unconfirmed_since
    from km365.documents.forms import Forms
    from km365.services import calendar, life, near_links, review, used, verdicts, wishes
    from km365.store import reads

    reader = await reader_of(app, sign_in)
    today = calendar.today(app.settings, app.clock.now(), reader.office)
    item_id = await review.whole_id(app.graph, app.settings, item_id, reader=reader)
    kept = await review.get_item(app.graph, app.settings, item_id, reader=reader)
    if reader.person_id not in kept.item.contributors:
        await app.db.run(reads.note, [item_id], on=today)
    asked = (await wishes.asked(app.graph, app.db, app.settings, reader)).get(item_id, ())
    held, said = await verdicts.held_of(app.graph, app.db, app.settings, kept.item, reader)
    tally = await used.tally_of(app.graph, app.db, app.settings, kept.item, reader)
    linked = await near_links.links_of(app.graph, app.db, app.settings, kept.item, reader)
    steps = await life.history_of(app.graph, app.db, app.settings, kept.item, reader)
    names = await life.names(app.graph, steps)
    since = unconfirmed_since(kept.item, today)
    action = await _action(app, kept.item)
    roles = await review.roles_of(app.graph, app.settings, reader.office, reader)
    kept = review.as_shown(kept, reader, roles)
    if as_json:
        told = {"offices": held.offices, "last": f"{held.last:%Y-%m}" if held.last else None}
        print_json(
            asdict(kept)
            | {"asked": [asdict(one) for one in asked], "still_true": told, "said": _as_said(said)}
            | {"used": asdict(tally), "own_words": own_words.of(kept.item)}
            | {"unconfirmed_since": since, "linked": [asdict(one) for one in linked]}
            | {"history": [asdict(step) | {"name": _by(step, names)} for step in steps]}
        )
        return
    for line in in_form(kept.item, Forms(app.templates).get("en")[kept.item.kind]):
        click.echo(line)
    for column, labels in kept.tags.items():
        click.echo(f"{column}: {', '.join(labels)}")
    click.echo(f"{_stands(kept.item)}; {kept.web_url}")
    for line in [*_unconfirmed(since), *action, *_sources(kept.item)]:
        click.echo(line)
    for line in in_lines(linked):
        click.echo(line)
    if steps:
        click.echo("\nHow it came to stand there:")
    for step in steps:
        click.echo(f"  {_line(step, names)}")
    if held.last:
        offices = f"{held.offices} office{'s' if held.offices > 1 else ''}"
        click.echo(f"Still true for {offices}, last {held.last:%Y-%m}; effect: {kept.item.effect}.")
    click.echo(in_words(tally))
    for answer in said:
        click.echo(f"Said to be {answer.verdict}: {answer.words or '(no words)'}")
    for one in asked:
        click.echo(f"\nIts author asks, on {one.asked_at:%Y-%m-%d}, to {one.kind} it.")
        if one.words:
            click.echo(one.words)
        click.echo(f"Answer: km365 lesson answer {item_id} --grant, or --decline --reason TEXT")


@command.command("answer")
@click.argument("item_id")
@click.option("--grant", "grant", flag_value=True, type=bool, default=None, help="It is done as asked.")
@click.option("--decline", "grant", flag_value=False, type=bool, help="It stays as it is, with a reason.")
@click.option("--reason", default="", help="What the author reads.")
@as_option
@with_app
async def answer(app: "App", *, item_id: str, grant: bool | None, reason: str, sign_in: str) -> None:
    """Answer what an author asks about an item; they are told.

    Granting takes the item out of the list, or narrows it to its office. Where a change is asked for, or a
    handover note is to be taken back, do that in SharePoint first. ITEM_ID may be the beginning of the id,
    KM- and at least four characters, where no other begins so.

    \b
    Example:
      km365 lesson answer KM-8f3a --grant --as zodwa.thimblesea@childrensagency.example
    """
    from km365.documents.questions import Banks
    from km365.services import review, wishes

    if grant is None:
        raise click.UsageError("Say --grant or --decline.")
    desk = wishes.WishDesk(
        graph=app.graph,
        db=app.db,
        jobs=app.jobs,
        settings=app.settings,
        banks=Banks(app.templates),
        now=app.clock.now,
    )
    reader = await reader_of(app, sign_in)
    item_id = await review.whole_id(app.graph, app.settings, item_id, reader=reader)
    for one in await wishes.settle(desk, item_id, grant=grant, reason=reason, reader=reader):
        say(f"To {one.kind} {item_id}: {one.state}. Its author is told.")


@command.command()
@click.argument("item_id")
@as_option
@with_app
async def settle(app: "App", *, item_id: str, sign_in: str) -> None:
    """Settle what colleagues doubt about an item: you have looked, and it stands as the list has it now.

    Correct its words in the list first where they are right; `km365 lesson review ID --retire` retires it.
    ITEM_ID may be the beginning of the id, KM- and at least four characters, where no other begins so.

    \b
    Example:
      km365 lesson settle KM-8f3a --as zodwa.thimblesea@childrensagency.example
    """
    from km365.services import review, verdicts

    desk = verdicts.VerdictDesk(
        graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=app.clock.now
    )
    reader = await reader_of(app, sign_in)
    item_id = await review.whole_id(app.graph, app.settings, item_id, reader=reader)
    count = await verdicts.settle(desk, item_id, reader=reader)
    say(f"{item_id}: {count} doubt{'s' if count > 1 else ''} settled; it is no longer listed as questioned.")


def _stands(item: "KnowledgeItem") -> str:
    """Where it stands on both axes."""
    reach = f" ({item.published_to})" if item.published_to and item.maturity == "published" else ""
    instead = f" by {item.superseded_by}" if item.superseded_by else ""
    proof = f": {item.proof}" if item.proof else ""
    return f"{item.maturity}{reach}{instead}; effect: {item.effect}{proof}"


def _unconfirmed(since: "date | None") -> list[str]:
    """The banner of an item that nobody has confirmed in time."""
    if since is None:
        return []
    return [f"Unconfirmed since {since:%B %Y}: nobody has said since that it still holds."]


async def _action(app: "App", item: "KnowledgeItem") -> list[str]:
    """What is to be done because of it, or was, by whom and by when, if anything."""
    from km365.services import life

    if not item.action:
        return []
    names = await life.named(app.graph, {item.action_owner} - {""})
    owner = names.get(item.action_owner, "nobody now")
    due = f" by {item.action_due}" if item.action_due else ""
    return [f"Action{due}, {owner}: {item.action}"]


def _sources(item: "KnowledgeItem") -> list[str]:
    """Where the sentences of an item stand that was drafted of others, if it was."""
    from km365.core.promotion import traced

    if not item.sources:
        return []
    found = [f"  {one.source or 'no source is named'}: {one.sentence}" for one in traced(item)]
    return ["\nWhere each sentence is taken from:", *found]


def _line(step: "Step", names: dict[str, str]) -> str:
    """A line of the history: when, from where to where, by whom, and why."""
    if step.made is None:
        return f"{'':16}  {step.before} -> {step.after}, changed in the list; km365 has no record of it"
    made = step.made
    detail = f" ({made.detail})" if made.detail else ""
    words = f": {'; '.join(made.words.splitlines())}" if made.words else ""
    where = f"{made.before} -> {made.after}" if made.before != made.after else f"{made.move}, {made.after}"
    return f"{made.at:%Y-%m-%d %H:%M}  {where}{detail}, by {_by(step, names)}{words}"


def _by(step: "Step", names: dict[str, str]) -> str:
    if step.made is None:
        return ""
    who = step.made.who
    return "km365" if who == "km365" else names.get(who, "somebody whom the directory has no more")


async def reader_of(app: "App", sign_in: str, *, option: str = "--as") -> "Reader":
    """The person with this sign-in name, which was given with `option`, as a reader. Raises NotFound."""
    from km365.errors import GraphNotFound, NotFound
    from km365.graph import people

    try:
        person = await people.get_person(app.graph, sign_in)
    except GraphNotFound:
        raise NotFound(f"{option}: the directory has nobody with the sign-in name {sign_in!r}.") from None
    return person.reader
