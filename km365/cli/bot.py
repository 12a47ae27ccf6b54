"""`km365 bot`: the Teams app to upload, and whom the bot reaches."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, settings_in_force, table, with_app

if TYPE_CHECKING:
    from km365.app import App

_ALL_REACHED = "There is nobody whom the bot cannot reach any more; `--all` lists those it reaches."
_NOBODY_MET = "The bot has not met anybody yet: nobody has the app, or has written to it."


@click.group()
def command() -> None:
    """Make the Teams app package, and see whom the bot reaches.

    \b
    Example:
      km365 bot people
    """


@command.command("package")
@click.option("--app-id", required=True, metavar="ID", help="The bot's application id in Entra ID.")
@click.option("--domain", required=True, metavar="HOST", help="The public name that leads to the bot.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="km365.zip",
    show_default=True,
    help="Where to write it.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def package(*, app_id: str, domain: str, output: Path, overwrite: bool) -> None:
    """Make the zip file that a Teams administrator uploads: manifest, icons, seven languages.

    Nothing is uploaded and nobody is asked. docs/operations.md says what to do with it.

    \b
    Example:
      km365 bot package --app-id 22222222-0000-4000-8000-000000000002 --domain km365.example.org -o km365.zip
    """
    from km365.errors import InputRefused
    from km365.services import teams_app
    from km365.templates import Templates

    if output.exists() and not overwrite:
        raise click.UsageError(f"{output} is there already; --overwrite replaces it.")
    settings = settings_in_force()
    try:
        manifest_id, zipped = teams_app.package(
            Templates(settings.templates or None),
            app_id=app_id,
            teams_app_id=settings.teams_app_id,
            domain=domain,
            organisation=settings.organisation,
        )
    except InputRefused as error:
        raise click.UsageError(str(error)) from None
    output.write_bytes(zipped)
    click.echo(f"{output} is ready to be uploaded (Teams admin center, Manage apps).", err=True)
    if manifest_id != settings.teams_app_id:
        click.echo(f"Set teams_app_id = {manifest_id!r}, so that km365 finds the app there.", err=True)


@command.command("people")
@click.option("--all", "everybody", is_flag=True, help="Those the bot reaches as well.")
@json_option
@with_app
async def people(app: "App", *, everybody: bool, as_json: bool) -> None:
    """List whom the bot cannot reach any more, since when and why; never what anybody said.

    Whoever installs the app again, or writes to the bot, is reached again. "Last sign" is when Teams last
    told the bot of them: a message, or the app installed or removed. Names are those the directory has now.
    At most 200.

    \b
    Example:
      km365 bot people --all
    """
    from km365.services import reach

    found = await reach.people(app.graph, app.db, everybody=everybody)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        say(_NOBODY_MET if everybody else _ALL_REACHED)
        return
    rows = [(one.name or one.id, f"{one.heard_at:%Y-%m-%d %H:%M}", one.words) for one in found]
    table(rows, headings=("person", "last sign (UTC)", "how the bot reaches them"))
