"""`km365 lesson proposals|promote`: good practices of lessons that agree, lessons of innovations."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, with_app
from km365.cli.lesson import as_option, reader_of

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.life import LifeDesk
    from km365.services.promotion import Promoted, Proposal

KINDS = ("good practice", "lesson learned")
_SHOWN = len("KM-") + 8


@click.command()
@as_option
@json_option
@with_app
async def proposals(app: "App", *, sign_in: str, as_json: bool) -> None:
    """List where checked lessons agree enough for a good practice, and what proof is missing.

    Of those you may read, and of which no good practice was made. The rule and the criteria stand in
    promotion.toml. Of offices that confirm a lesson you see how many, never which.

    \b
    Example:
      km365 lesson proposals --as zodwa.thimblesea@childrensagency.example
    """
    from km365.services import promotion

    reader = await reader_of(app, sign_in)
    found = await promotion.proposals(_desk(app), app.templates, reader)
    if as_json:
        print_json([_told(one) for one in found])
        return
    if not found:
        say("No lessons agree enough for a good practice, of those that are not one already.")
    for number, one in enumerate(found, start=1):
        items = one.agreement.items
        click.echo(f"{number}. {items[0].title}")
        for line in (*_agree(one), *_judged(one)):
            click.echo(f"   {line}")
        ids = " ".join(_short(item.id) for item in items)
        click.echo(f"   Draft it: km365 lesson promote {ids} --as {sign_in}\n")


@click.command()
@click.option(
    "--as-kind", "kind", type=click.Choice(KINDS), default="good practice", show_default=True, help="What of."
)
@click.option("--dry-run", is_flag=True, help="Show the draft, and change nothing.")
@click.argument("item_ids", metavar="ID...", nargs=-1, required=True)
@as_option
@json_option
@with_app
async def promote(
    app: "App", *, item_ids: Sequence[str], kind: str, sign_in: str, dry_run: bool, as_json: bool
) -> None:
    """Draft a good practice of lessons that agree, or a lesson of an innovation, for review.

    Each sentence stands word for word in an item that it names; title and language are those of the first.
    Nobody reads the draft who may not read all of them. You do not decide on it, nor do their contributors.
    An ID may be the beginning of one, KM- and at least four characters.

    \b
    Example:
      km365 lesson promote KM-8f3a KM-77b0 --dry-run --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.knowledge import Kind
    from km365.services import promotion, review

    reader = await reader_of(app, sign_in)
    ids = [await review.whole_id(app.graph, app.settings, one, reader=reader) for one in item_ids]
    done = await promotion.promote(
        _desk(app),
        app.templates,
        list(dict.fromkeys(ids)),
        reader,
        kind=Kind(kind),
        at=app.clock.now(),
        dry_run=dry_run,
    )
    if as_json:
        print_json(_as_json(done))
        return
    for line in _draft(done):
        click.echo(line)
    say(_ended(done))


def _short(item_id: str) -> str:
    """The beginning of an id, which commands take for the whole; the whole is in the JSON."""
    return item_id[:_SHOWN]


def _desk(app: "App") -> "LifeDesk":
    from km365.services.life import LifeDesk

    return LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)


def _agree(one: "Proposal") -> Iterator[str]:
    agreement = one.agreement
    for item in agreement.items:
        yield f"{_short(item.id)}  {item.office}, {item.language}: {item.title}"
    yield f"in {agreement.offices} offices and {agreement.countries} countries"


def _judged(one: "Proposal") -> Iterator[str]:
    for proof in one.proofs:
        yield f"proved: {proof.criterion.name}, {_short(proof.item)} {proof.field}: {proof.sentence}"
    for name in one.missing:
        yield f"no proof yet: {name}"
    for said in one.against:
        why = f": {said.words}" if said.words else ""
        yield f"against it: {_short(said.by)} contradicts {_short(said.item)}{why}"


def _draft(done: "Promoted") -> Iterator[str]:
    from km365.core.promotion import traced

    field = ""
    for one in traced(done.draft):
        if one.field != field:
            field = one.field
            yield f"{field}:"
        yield f"  {one.sentence}  [{_short(one.source)}]"
    yield ""
    if done.draft.kind == "good practice":
        yield from _judged(done.proposal)


def _ended(done: "Promoted") -> str:
    item = done.draft
    unquoted = ", ".join(map(_short, done.unquoted))
    left = f" Linked and not quoted, being in another language: {unquoted}." if unquoted else ""
    who = "everyone" if item.audience == "U" else f"{item.office} alone"
    if done.kept is None:
        return f"{item.id} would be {item.kind} of {item.office}, for {who}, in review.{left}"
    if done.was_there:
        return f"{item.id} was drafted of these before, and is {item.maturity}; {done.kept.web_url}"
    return f"{item.id} is a {item.kind} of {item.office}, for {who}, in review.{left} {done.kept.web_url}"


def _told(one: "Proposal") -> dict[str, object]:
    return {
        "items": [
            {"id": item.id, "title": item.title, "office": item.office, "language": item.language}
            for item in one.agreement.items
        ],
        "offices": one.agreement.offices,
        "countries": one.agreement.countries,
        "proofs": [
            {"criterion": p.criterion.id, "item": p.item, "field": p.field, "sentence": p.sentence}
            for p in one.proofs
        ],
        "missing": list(one.missing),
        "against": [{"by": said.by, "item": said.item, "words": said.words} for said in one.against],
    }


def _as_json(done: "Promoted") -> dict[str, object]:
    from dataclasses import asdict

    from km365.core.promotion import traced

    return {
        "draft": asdict(done.draft),
        "sentences": [asdict(one) for one in traced(done.draft)],
        "proposal": _told(done.proposal),
        "not_quoted": list(done.unquoted),
        "was_there": done.was_there,
        "url": done.kept.web_url if done.kept else "",
    }
