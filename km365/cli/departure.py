"""`km365 departure`: who leaves, who says so, and what happens next. Never what was said."""

from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.cli.groups import LazyGroup
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.departure_list import Row

VERBS = {"import": "km365.cli.departure_import:import_"}


@click.group(cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """See who leaves and what happens next, and take in an HR file.

    \b
    Example:
      km365 departure list
    """


@command.command("list")
@json_option
@with_app
async def list_(app: "App", *, as_json: bool) -> int | None:
    """List who leaves, the earliest first: since when it is known from whom, and what happens next.

    Exit code 3: some entries of the Departures list cannot be used.

    \b
    Example:
      km365 departure list --json
    """
    from km365.services import departure_list

    found = await departure_list.overview(app.graph, app.db, app.settings, now=app.clock.now())
    if as_json:
        print_json([_as_json(one) for one in found.rows])
    else:
        headings = ("last day", "notice", "source", "state", "office", "id", "person", "next")
        rows = [
            (
                one.leaves_on,
                one.notice,
                one.source,
                one.state,
                one.office,
                one.departure_id or "-",
                one.sign_in or one.person_id,
                one.next,
            )
            for one in found.rows
        ]
        table(rows, headings=headings)
    for problem in found.problems:
        say(f"km365: {problem}")
    return ExitCode.PARTLY if found.problems else None


@command.command("show")
@click.argument("who", metavar="PERSON|ID")
@json_option
@with_app
async def show(app: "App", *, who: str, as_json: bool) -> None:
    """Show one departure: by sign-in name, object id, or the number of the entry in the Departures list.

    \b
    Example:
      km365 departure show 1
    """
    from km365.services import departure_list

    one = await departure_list.show(app.graph, app.db, app.settings, who, now=app.clock.now())
    if as_json:
        print_json(_as_json(one))
        return
    click.echo(f"{one.person or one.person_id} ({one.sign_in or 'account deleted'})")
    click.echo(", ".join(fact for fact in (one.post, one.office) if fact))
    facts = {
        "last day": f"{one.leaves_on} (notice: {one.notice})",
        "because": str(one.decision or ""),
        "state": one.state,
        "successor": one.successor or "not known",
        "supervisor": one.supervisor or "not known",
        "next": one.next,
    }
    click.echo()
    for name, fact in facts.items():
        click.echo(f"{name:<11} {fact}")


def _as_json(one: "Row") -> dict[str, Any]:
    decision = one.decision
    return {
        "id": one.departure_id or None,
        "person": one.person,
        "sign_in": one.sign_in,
        "person_id": one.person_id,
        "office": one.office,
        "post": one.post,
        "leaves_on": one.leaves_on,
        "notice": one.notice,
        "state": one.state,
        "source": one.source or None,
        "reason": decision.reason.name.lower() if decision else None,
        "says": [
            {"source": claim.source, "leaves_on": claim.leaves_on}
            for claim in ((decision.counts, *decision.others) if decision else ())
        ],
        "successor": one.successor,
        "supervisor": one.supervisor,
        "next": one.next,
    }
