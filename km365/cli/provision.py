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
@json_option
@with_app
async def apply(app: "App", *, as_json: bool) -> None:
    """Create what is missing. Safe to repeat; nothing is deleted or renamed.

    \b
    Example:
      km365 provision apply
    """
    from km365.core.schema import LISTS
    from km365.services import provision, taxonomy

    wanted = taxonomy.shipped(app.templates)
    with Progress("Creating", len(await provision.plan(app.graph, app.settings, wanted))) as progress:
        steps = await provision.apply(app.graph, app.settings, wanted, done=lambda _: progress.advance())
    if as_json:
        print_json([asdict(step) for step in steps])
    else:
        say(f"Created: {len(steps)}." if steps else "Nothing was missing.")
    if any(step.what == "list" and LISTS[step.name].restricted for step in steps):
        say(provision.RESTRICT)
