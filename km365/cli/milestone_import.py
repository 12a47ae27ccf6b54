"""`km365 milestone import`: a focal point's sheet into the calendar."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli import sheets
from km365.cli.console import Progress, confirm, json_option, print_json, say, table, with_app

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.calendar_changes import Wanted


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--office", default="", help="The office of rows without a column for it, by its code.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_app
async def import_(
    app: "App", *, file: Path, office: str, dry_run: bool, yes: bool, as_json: bool
) -> int | None:
    """Take the milestones of an Excel workbook or a CSV file into the calendar.

    Every row is checked before the first is written: what is not understood is listed by row and column,
    and then nothing is changed. A second import of the same file changes nothing; one that was interrupted
    goes on when it is given again. What is moved or cancelled stops what is pending within a minute, where
    the service runs.

    Exit code 3: done, except for what is listed. 4: the file was refused.

    \b
    Example:
      km365 milestone import calendar.xlsx --dry-run
      km365 milestone import calendar.csv --office CO-BEL --yes
    """
    from km365.core.calendar_changes import Change
    from km365.core.schedule import day_at
    from km365.documents.calendar_words import CalendarWords
    from km365.services import calendar, calendar_import

    words = CalendarWords(app.templates).vocabulary()
    today = day_at(app.clock.now(), calendar.hours_of(app.settings))
    found = await calendar_import.plan(app.graph, app.settings, file, words, today=today, office=office)
    changes = [one for one in found.wanted if one.change is not Change.UNCHANGED]
    if not as_json:
        _print(changes)
        counts = ", ".join(f"{found.count(change)} {change}" for change in Change if found.count(change))
        click.echo(counts or "nothing")
        for name in found.ignored:
            say(f"km365: the sheet {name!r} has no headings we know, so it was left out.")
    if dry_run or not changes:
        if as_json:
            print_json(_as_json(found.wanted, written=0, problems=()))
        elif dry_run:
            click.echo("Nothing was changed.")
        return None
    if not yes:
        confirm(f"Write {len(changes)} milestones to SharePoint?")
    with Progress("milestones", len(changes)) as progress:
        done = await calendar_import.apply(app.graph, app.settings, found, done=progress.advance)
    await calendar_import.follow(app.db, app.jobs)
    told = _as_json(found.wanted, written=done.written, problems=done.problems) if as_json else None
    return sheets.ended(done, as_json=told)


def _print(changes: "list[Wanted]") -> None:
    """The rows that change something, with what it is."""
    rows = [
        (one.change, one.entry.place, one.entry.office, _days(one), _what(one), one.entry.title)
        for one in changes
    ]
    if rows:
        table(rows, headings=("change", "where", "office", "date", "columns", "title"))


def _days(one: "Wanted") -> str:
    after = one.entry.due_on
    before = one.before.due_on if one.before else None
    if one.before is None or after is None or after == before:
        return str(after or before or "no date")
    return f"{before or 'no date'} -> {after}"


def _what(one: "Wanted") -> str:
    """The columns that change, as people see them."""
    from km365.core.schema import MILESTONES

    if one.before is None:
        return "all"
    return sheets.titles(one.fields, MILESTONES)


def _as_json(wanted: "tuple[Wanted, ...]", *, written: int, problems: tuple[str, ...]) -> object:
    return {
        "milestones": [
            {
                "change": one.change,
                "where": one.entry.place,
                "id": one.before.id if one.before else None,
                "key": one.key,
                "fields": dict(one.fields),
                "was_on": one.before.due_on if one.before else None,
            }
            for one in wanted
        ],
        "written": written,
        "problems": list(problems),
    }
