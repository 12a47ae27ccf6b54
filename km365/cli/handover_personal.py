"""`km365 handover export` and `erase`: what we hold of one person, given to them or erased."""

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app, write_privately
from km365.errors import ExitCode, InputRefused

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.personal_data import Erased

_BY = "command line"


@click.command("export")
@click.argument("person", metavar="PERSON")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to a new file that only you can read, instead of stdout.",
)
@with_app
async def export(app: "App", *, person: str, output: Path | None) -> None:
    """Give out everything we hold of one person, as JSON: for them, when they ask for it.

    PERSON is a sign-in name, or the object id where the account is deleted. The words of their answers are
    in it, those for nobody else included: give it to the person alone, and delete it. That it was given out
    is recorded, and nothing of what it says.

    \b
    Example:
      km365 handover export oumar.boisplume@childrensagency.example -o theirs.json
    """
    from km365.services import personal_data

    _refuse_what_is_there(output)
    who = await personal_data.whose(app.graph, person)
    found = await personal_data.export(app.graph, app.db, app.settings, who, by=_BY, now=app.clock.now())
    if output is None:
        print_json(found)
        return
    write_privately(output, f"{json.dumps(found, ensure_ascii=False, indent=2, default=str)}\n".encode())
    rows = sum(len(one["rows"]) for one in found["held"])
    say(f"{output}: {rows} rows of {len(found['held'])} places, {len(found['sharepoint'])} in SharePoint.")


def _refuse_what_is_there(output: Path | None) -> None:
    """Before anything is given out, and recorded as such."""
    if output is not None and output.exists():
        raise InputRefused(f"{output} is there already and was left alone; name a new file.")


@click.command("erase")
@click.argument("person", metavar="PERSON")
@click.option(
    "--apply", "is_applied", is_flag=True, help="Erase it; without this, only say what would be erased."
)
@json_option
@with_app
async def erase(app: "App", *, person: str, is_applied: bool, as_json: bool) -> int | None:
    """Erase what our database holds of one person, when they ask for it.

    Without --apply nothing is changed: what would be erased, emptied or kept is counted by place. What is
    published or filed in SharePoint stays, and is listed with what can be done about it. From then on
    km365 asks the person nothing by itself, until they write "ask me again" to the bot. Safe to repeat, and
    worth it where something was kept.

    Exit code 3: done, and something of theirs is left in SharePoint or kept for now.

    \b
    Example:
      km365 handover erase oumar.boisplume@childrensagency.example
    """
    from km365.services import personal_data

    who = await personal_data.whose(app.graph, person)
    done = await personal_data.erase(
        app.graph,
        app.db,
        app.settings,
        who,
        by=_BY,
        now=app.clock.now(),
        new_id=lambda: uuid.uuid4().hex,
        apply=is_applied,
    )
    if as_json:
        print_json(done.to_json())
    else:
        _print(done)
    return ExitCode.PARTLY if is_applied and done.filed else None


def _print(done: "Erased") -> None:
    from km365.services.personal_data import FROM_THEN_ON

    table(
        [(one.rows, one.becomes, one.place, one.why or one.what) for one in done.lines],
        headings=("rows", "become" if not done.applied else "are", "place", "what, or why kept"),
    )
    for one in done.filed:
        say(f"km365: stays in {one.where}: {one.title!r} {one.address} ({one.then}).")
    for where, what in done.elsewhere.items():
        say(f"km365: {where}: {what}.")
    say(f"km365: from then on: {FROM_THEN_ON}.")
    if not done.applied:
        click.echo("Nothing was changed; --apply does it.")
