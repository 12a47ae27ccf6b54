"""`km365 departure import`: a file of personnel into the *Departures* list."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli import sheets
from km365.cli.console import Progress, json_option, print_json, say, table, with_app

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.departure_changes import Wanted


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--apply", "is_applied", is_flag=True, help="Write it; without this, only say what would be done."
)
@json_option
@with_app
async def import_(app: "App", *, file: Path, is_applied: bool, as_json: bool) -> int | None:
    """Take the departures of an Excel workbook or a CSV file into the Departures list.

    Without --apply nothing is written: what is new, moved, cancelled or in conflict with the list is shown.
    Every row is checked before the first is written: what is not understood is listed by row and column,
    and then nothing is changed. A second import of the same file changes nothing. Who is missing from a
    later file stays; a departure ends only where the file says cancelled.

    Exit code 3: done, except for what is listed. 4: the file was refused.

    \b
    Example:
      km365 departure import departures.csv
      km365 departure import departures.xlsx --apply
    """
    from km365.core.departure_changes import Change
    from km365.core.schedule import day_at
    from km365.documents.departure_words import vocabulary
    from km365.services import calendar, calendar_import, departure_import

    words = vocabulary(app.templates)
    today = day_at(app.clock.now(), calendar.hours_of(app.settings))
    found = await departure_import.plan(app.graph, app.settings, file, words, today=today)
    if not as_json:
        _print([one for one in found.wanted if one.change not in {Change.UNCHANGED, Change.OVER}])
        counts = ", ".join(f"{found.count(change)} {change}" for change in Change if found.count(change))
        click.echo(counts or "nothing")
        for name in found.ignored:
            say(f"km365: the sheet {name!r} has no headings we know, so it was left out.")
        for one in found.wanted:
            for note in one.notes:
                say(f"km365: {one.entry.place}: {note}.")
    if not is_applied or not found.writes:
        if as_json:
            print_json(_as_json(found.wanted, written=0, problems=()))
        elif found.writes:
            click.echo("Nothing was changed; --apply does it.")
        return None
    with Progress("departures", len(found.writes)) as progress:
        done = await departure_import.apply(app.graph, app.settings, found, done=progress.advance)
    await calendar_import.follow(app.db, app.jobs)
    told = _as_json(found.wanted, written=done.written, problems=done.problems) if as_json else None
    return sheets.ended(done, as_json=told)


def _print(changes: "list[Wanted]") -> None:
    """The rows that change something or are disputed, with what it is."""
    if changes:
        rows = [(one.change, one.entry.place, _days(one), _what(one)) for one in changes]
        table(rows, headings=("change", "where", "last day", "columns"))


def _days(one: "Wanted") -> str:
    before = one.before.says if one.before else ""
    return one.entry.says if before in {"", one.entry.says} else f"{before} -> {one.entry.says}"


def _what(one: "Wanted") -> str:
    """The columns that change, as people see them."""
    from km365.core.schema import DEPARTURES

    if one.before is None:
        return "all"
    return sheets.titles(one.fields, DEPARTURES) or "none"


def _as_json(wanted: "tuple[Wanted, ...]", *, written: int, problems: tuple[str, ...]) -> object:
    return {
        "departures": [
            {
                "change": one.change,
                "where": one.entry.place,
                "id": one.before.id if one.before else None,
                "person_id": one.entry.person,
                "fields": dict(one.fields),
                "was": one.before.says if one.before else None,
                "notes": list(one.notes),
            }
            for one in wanted
        ],
        "written": written,
        "problems": list(problems),
    }
