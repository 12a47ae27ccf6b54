"""`km365 handover`: where handover interviews stand. Never what was said in them."""

from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, table, with_app
from km365.cli.groups import LazyGroup

if TYPE_CHECKING:
    from km365.app import App


VERBS = {
    "plan": "km365.cli.handover_plan:command",
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
    """List departures with the state of their handover.

    \b
    Example:
      km365 handover list --json
    """
    from km365.services import handover_readers

    rows = await handover_readers.overview(app.graph, app.db, app.settings, now=app.clock.now())
    if as_json:
        print_json([row.to_json() for row in rows])
        return
    table(
        [(row.office, row.post, row.leaves_on, row.state, row.answers, row.departure_id) for row in rows],
        headings=("office", "post", "last day", "state", "answers", "departure"),
    )
