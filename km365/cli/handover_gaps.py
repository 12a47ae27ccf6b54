"""`km365 handover gaps`: what a handover leaves open, who closes it, how and by when."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, table, with_app

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.gaps import Gap
    from km365.documents.gap_words import GapWords
    from km365.services.gaps import Shown, Wanted

_METHODS = ("shadowing", "overlap", "colleagues", "screen", "one_page", "introduce", "access")


@click.command("gaps")
@click.argument("person", metavar="[PERSON]", required=False)
@click.option("--as", "sign_in", metavar="SIGN-IN", required=True, help="Who you are.")
@click.option("--set", "number", metavar="N", type=int, help="Change who closes gap N, how, or by when.")
@click.option("--owner", metavar="SIGN-IN", help="Who closes it; with --set.")
@click.option("--due", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="By which day; with --set.")
@click.option("--method", type=click.Choice(_METHODS), help="How; with --set.")
@click.option("--close", "closed", metavar="N", type=int, help="Say that gap N is closed; with --because.")
@click.option("--because", default="", help="What was done; whoever sees the gap reads it.")
@click.option("--open", "opened", metavar="N", type=int, help="Say that gap N is not closed after all.")
@json_option
@with_app
async def command(
    app: "App",
    *,
    person: str | None,
    sign_in: str,
    number: int | None,
    owner: str | None,
    due: datetime | None,
    method: str | None,
    closed: int | None,
    because: str,
    opened: int | None,
    as_json: bool,
) -> None:
    """List what handovers leave open, and follow it until it is closed.

    PERSON is the sign-in name or object id of whoever leaves or left; without one, all are listed that you
    may see. The supervisor sees and changes all gaps; the person and the successor, once the note is theirs,
    see them; whoever is named for a gap sees that one, and closes it. Nobody else does.

    \b
    Example:
      km365 handover gaps --as zodwa.thimblesea@childrensagency.example
    """
    from km365.documents.gap_words import GapWords
    from km365.graph import people
    from km365.services import calendar, gaps
    from km365.services.gaps import GapDesk

    desk = GapDesk.of(app.graph, app.db, app.jobs, app.settings, app.templates)
    _check(person, number, closed, opened, sets=bool(owner or due or method), because=because)
    me = await people.get_person(app.graph, sign_in)
    reader = me.id
    at = app.clock.now()
    if person is None:
        shown = await gaps.list_(desk, reader)
    elif number is not None:
        wanted = _wanted(owner, due, method)
        shown = [await gaps.set_(desk, person, number, wanted, reader=reader, at=at)]
    elif closed is not None:
        shown = [await gaps.close(desk, person, closed, because, reader=reader, at=at)]
    elif opened is not None:
        shown = [await gaps.open_again(desk, person, opened, reader=reader, at=at)]
    else:
        shown = [await gaps.get(desk, person, reader)]
    words = GapWords.of(desk.banks, desk.rules(), "en")
    if as_json:
        print_json([_as_json(one, words) for one in shown])
        return
    if not shown:
        click.echo("No handover that you may see leaves anything open.")
    for one in shown:
        _print(one, words, today=calendar.today(app.settings, at, me.office))


def _check(
    person: str | None,
    number: int | None,
    closed: int | None,
    opened: int | None,
    *,
    sets: bool,
    because: str,
) -> None:
    """Raises UsageError for options that do not go together."""
    said = [one for one in (number, closed, opened) if one is not None]
    if len(said) > 1:
        raise click.UsageError("Use one of --set, --close and --open at a time.")
    if said and person is None:
        raise click.UsageError("Say whose handover it is: PERSON, a sign-in name or object id.")
    if (number is not None) != sets:
        raise click.UsageError("--set N goes with --owner, --due or --method, and they with it.")
    if (closed is not None) != bool(because.strip()):
        raise click.UsageError("--close N goes with --because, which says what was done.")


def _wanted(owner: str | None, due: datetime | None, method: str | None) -> "Wanted":
    from km365.core.gaps import Method
    from km365.services.gaps import Wanted

    return Wanted(owner=owner, due_on=due.date() if due else None, method=Method(method) if method else None)


def _print(shown: "Shown", words: "GapWords", *, today: date) -> None:
    """The most important open gaps; how many more there are; and how many are closed."""
    handover, open_ = shown.handover, shown.open
    facts = (shown.person or handover.person_id, handover.post, handover.office)
    click.echo(", ".join(one for one in facts if one))
    when = "left" if handover.last_on < today else "last day"
    click.echo(f"{when} {handover.last_on}; {len(open_)} open, {len(shown.gaps) - len(open_)} closed")
    if shown.note_url:
        click.echo(f"note {shown.note_url}")
    first = open_[: words.rules.most]
    if first:
        table(
            [(one.number, one.method, one.due_on, _owner(shown, one), words.what(one)) for one in first],
            headings=("gap", "method", "due", "owner", "open"),
        )
    if left := len(open_) - len(first):
        click.echo(f"and {left} that matter less: --json lists them")


def _owner(shown: "Shown", gap: "Gap") -> str:
    return shown.names.get(shown.circle.owner_of(gap), "")


def _as_json(shown: "Shown", words: "GapWords") -> dict[str, Any]:
    handover = shown.handover
    return {
        "person_id": handover.person_id,
        "person": shown.person,
        "post": handover.post,
        "office": handover.office,
        "last_day": handover.last_on,
        "note": shown.note_url,
        "source": words.rules.source,
        "gaps": [
            {
                "number": one.number,
                "about": one.about,
                "kind": one.kind,
                "detail": one.detail,
                "what": words.what(one),
                "why": words.why(one),
                "method": one.method,
                "owner_id": shown.circle.owner_of(one),
                "owner": _owner(shown, one),
                "due": one.due_on,
                "open": one.is_open,
                "closed_at": one.closed_at,
                "closed_by": one.closed_by,
                "because": one.because,
            }
            for one in shown.gaps
        ],
    }
