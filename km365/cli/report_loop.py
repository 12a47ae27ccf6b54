"""`km365 report loop`: how far what was captured has come, by office, region or period."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app, write_file
from km365.core.languages import LANGUAGES
from km365.core.loop import By, People, Step, a_year_to

if TYPE_CHECKING:
    from datetime import date

    from km365.app import App
    from km365.core.loop import Loop, Row

MONTH = click.DateTime(["%Y-%m"])
_ENDINGS = (".html", ".csv", ".json")


@click.command("loop")
@click.option("--from", "first", type=MONTH, help="The first month, 2026-01; without it a year back.")
@click.option("--to", "last", type=MONTH, help="The last month, 2026-12; without it this one.")
@click.option(
    "--by", type=click.Choice([*map(str, By)]), default="office", show_default=True, help="What a row is."
)
@click.option("--office", "offices", multiple=True, help="Its code, or CO-* for several; repeatable.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", help="The language of the .html.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write: .html, .csv or .json.",
)
@json_option
@with_app
async def command(
    app: "App",
    *,
    first: datetime | None,
    last: datetime | None,
    by: By,
    offices: tuple[str, ...],
    language: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show what became of what was captured in these months, as it stands now.

    Each lesson is counted at every step it has reached since: captured, validated, published, read, used,
    changed. Beside it, how many of those asked by milestones answered, and how many left with a handover
    note. Numbers of 1 to 4 are not told, nor what would give one away.

    \b
    Example:
      km365 report loop --from 2026-01 --to 2026-12 --by region -o loop.html
    """
    from km365.core.loop_file import as_json as json_of
    from km365.core.schedule import day_at
    from km365.services import calendar
    from km365.services.loop import loop

    if output is not None and output.suffix.lower() not in _ENDINGS:
        raise click.UsageError(f"-o names a file with one of the endings {', '.join(_ENDINGS)}.")
    today = day_at(app.clock.now(), calendar.hours_of(app.settings))
    begin = first.date() if first else a_year_to(today)
    end = last.date() if last else today
    if end < begin:
        raise click.UsageError("--to is before --from.")
    found = await loop(
        app.graph,
        app.db,
        app.settings,
        app.templates,
        by=By(by),
        first=begin,
        last=end,
        offices=offices,
        now=app.clock.now(),
    )
    if output is not None:
        write_file(output, _file(app, found, output.suffix.lower(), language=language, today=today).encode())
        say(f"{len(found.rows)} rows written to {output}")
    if as_json:
        print_json(json_of(found, today=today))
    elif output is None:
        _print(found)


def _file(app: "App", found: "Loop", ending: str, *, language: str, today: "date") -> str:
    import json

    from km365.core import csv_text
    from km365.core.loop_file import as_json, as_rows
    from km365.documents import loop_html

    if ending == ".csv":
        return "\ufeff" + csv_text.write(as_rows(found))
    if ending == ".json":
        return json.dumps(as_json(found, today=today), ensure_ascii=False, indent=2, default=str) + "\n"
    return loop_html.page(
        found, app.templates, language=language, today=today, organisation=app.settings.organisation
    )


def _print(found: "Loop") -> None:
    rows = [_texts(row, row.name or "(none)") for row in found.rows]
    say(f"Captured from {found.first} to {found.last}:")
    table([*rows, _texts(found.total, "all")], headings=(found.by, *Step, *People))
    say("<5 is 1 to 4; … is kept because such a small number could be worked out from it.")


def _texts(row: "Row", name: str) -> list[str]:
    return [name, *(str(row.cells[measure]) for measure in (*Step, *People))]
