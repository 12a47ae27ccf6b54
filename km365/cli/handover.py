"""`km365 handover`: where handovers stand. Never what was said in them."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, table, with_app
from km365.cli.groups import LazyGroup

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.handover_list import Shown
    from km365.services.handover_readers import ReadersDesk


VERBS = {
    "plan": "km365.cli.handover_plan:command",
    "pack": "km365.cli.handover_pack:pack",
    "line": "km365.cli.handover_pack:line",
    "note": "km365.cli.handover_note:command",
    "gaps": "km365.cli.handover_gaps:command",
    "export": "km365.cli.handover_personal:export",
    "erase": "km365.cli.handover_personal:erase",
}


@click.group(cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """See where handovers stand and plan one; never what was said.

    \b
    Example:
      km365 handover list
    """


@command.command("list")
@json_option
@with_app
async def list_(app: "App", *, as_json: bool) -> None:
    """List departures with how far their handover has come, and what happens next.

    Notes that their successor has not read stay in it after the last day. Counts and days, no names.

    \b
    Example:
      km365 handover list --json
    """
    from km365.services import handover_list

    rows = await handover_list.overview(_desk(app), now=app.clock.now())
    if as_json:
        print_json([{key: value for key, value in asdict(row).items() if key != "person_id"} for row in rows])
        return
    table(
        [
            (
                row.office,
                row.post,
                row.leaves_on or "",
                row.state,
                row.answers,
                row.gaps,
                row.departure_id,
                row.next,
            )
            for row in rows
        ],
        headings=("office", "post", "last day", "state", "answers", "gaps", "departure", "next"),
    )


@command.command("show")
@click.argument("who", metavar="PERSON")
@json_option
@with_app
async def show(app: "App", *, who: str, as_json: bool) -> None:
    """Show how far one handover has come, who has read the note, and what happens next.

    PERSON is a sign-in name, or the number that `km365 handover list` shows. Never what was said.

    \b
    Example:
      km365 handover show ruth.cloudharrow@childrensagency.example
    """
    from km365.services import handover_list

    found = await handover_list.show(_desk(app), who, now=app.clock.now())
    if as_json:
        people = {key: value for key, value in asdict(found).items() if key != "standing"}
        print_json(asdict(found.standing) | people)
    else:
        _print(found)


def _print(found: "Shown") -> None:
    one = found.standing
    click.echo(", ".join(filter(None, (found.person or one.person_id, one.post, one.office))))
    sittings = f"{one.sittings_done} of {one.sittings} done" if one.sittings else ""
    locked = f"{found.locked_out} of its readers cannot open the file; an owner has to share it"
    if found.locked_out is None and one.filed_on:
        locked = "SharePoint does not tell km365 who may open the file; an owner has to share it"
    facts = (
        ("last day", one.leaves_on),
        ("state", one.state),
        ("answers", one.answers),
        ("sittings", sittings),
        ("filed", one.filed_on),
        ("supervisor", found.supervisor),
        ("acknowledged", one.acknowledged_on or ("not yet" if one.filed_on else "")),
        ("successor", found.successor or ("nobody is named" if one.filed_on else "")),
        ("received", one.received_on or ("not yet" if one.filed_on else "")),
        ("read", one.read_on),
        ("open gaps", one.gaps or ""),
        ("access", locked if found.locked_out != 0 and one.filed_on else ""),
        ("next", one.next),
    )
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        if value not in {"", None}:
            click.echo(f"{name:<{width}}  {value}")


def _desk(app: "App") -> "ReadersDesk":
    from km365.services.handover_readers import ReadersDesk

    return ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
