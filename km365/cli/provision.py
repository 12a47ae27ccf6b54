"""`km365 provision`: the lists, columns, content types and term sets in SharePoint."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import Progress, json_option, print_json, say, table, with_app

if TYPE_CHECKING:
    from km365.app import App


@click.group()
def command() -> None:
    """Create the lists, columns and term sets in SharePoint.

    \b
    Example:
      km365 provision plan
    """


@command.command()
@json_option
@with_app
async def plan(app: "App", *, as_json: bool) -> None:
    """Say what is missing; nothing is changed.

    \b
    Example:
      km365 provision plan --json
    """
    from km365.services import provision, taxonomy

    steps = await provision.plan(app.graph, app.settings, taxonomy.shipped(app.templates))
    if as_json:
        print_json([asdict(step) for step in steps])
    elif steps:
        table([(step.what, step.name, step.where) for step in steps], headings=("what", "name", "where"))
        say(f"Missing: {len(steps)}. `km365 provision apply` creates it.")
    else:
        say("Nothing is missing.")


@command.command()
@click.option(
    "--accept-readers",
    "readers_are_meant",
    is_flag=True,
    help="Keep who may open the library of handover notes now as what is meant.",
)
@json_option
@with_app
async def apply(app: "App", *, readers_are_meant: bool, as_json: bool) -> None:
    """Create what is missing. Safe to repeat; nothing is deleted or renamed.

    With --accept-readers, permissions of its own that the library of handover notes has are kept as meant:
    from then on `km365 doctor` and the daily scan report that somebody may do more in it.

    \b
    Example:
      km365 provision apply
    """
    from km365.core.schema import LISTS
    from km365.services import provision, restricted, taxonomy

    wanted = taxonomy.shipped(app.templates)
    with Progress("Creating", len(await provision.plan(app.graph, app.settings, wanted))) as progress:
        steps = await provision.apply(app.graph, app.settings, wanted, done=lambda _: progress.advance())
    if as_json:
        print_json([asdict(step) for step in steps])
    else:
        say(f"Created: {len(steps)}." if steps else "Nothing was missing.")
    if readers_are_meant:
        kept = await restricted.keep_as_meant(app.graph, app.db, app.settings, now=app.clock.now())
        say(f"km365: {kept.words}")
    elif any(step.what == "list" and LISTS[step.name].restricted for step in steps):
        say(f"km365: {(await restricted.look(app.graph, app.db, app.settings, now=app.clock.now())).words}")
