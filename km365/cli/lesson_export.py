"""`km365 lesson export`: the items you may read, as a file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import say, with_app, write_file
from km365.cli.lesson import as_option, reader_of
from km365.cli.milestone_filter import DAY
from km365.core.knowledge import Kind, Maturity
from km365.core.moves import Move
from km365.core.schedule import Hours, day_at

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.lesson_export import Exported

_DATED = {"Validated on": Move.VALIDATE, "Published on": Move.PUBLISH, "Changed on": Move.CHANGE}
"""Columns of days, from the history of an item."""


@click.command("export")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .csv for spreadsheets, .json for programs.",
)
@as_option
@click.option("--office", "offices", multiple=True, help="Its code, or CO-* for several; repeatable.")
@click.option("--maturity", type=click.Choice([*map(str, Maturity)]), help="Only items that are so far.")
@click.option("--kind", type=click.Choice([*map(str, Kind)]), help="Only items of this kind.")
@click.option("--language", default="", help="Only items in this language, such as fr.")
@click.option("--from", "first", type=DAY, help="Captured from this day, 2026-01-01.")
@click.option("--to", "last", type=DAY, help="Captured until this day, 2026-12-31.")
@with_app
async def command(
    app: "App",
    *,
    output: Path,
    sign_in: str,
    offices: tuple[str, ...],
    maturity: str | None,
    kind: str | None,
    language: str,
    first: datetime | None,
    last: datetime | None,
) -> None:
    """Write every knowledge item you may read into a file, with ids and dates.

    Each has the columns of the Knowledge list, its terms, and the day it was captured; what you wrote or
    decide on has its history as well, and who wrote it, by id. What is for fewer people than an office never
    goes into a file, nor what another office has not checked. In the .csv a text that a spreadsheet would
    take for a formula has an apostrophe in front.

    \b
    Example:
      km365 lesson export -o lessons.csv --maturity published --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core import csv_text
    from km365.services.calendar import hours_of
    from km365.services.lesson_export import Wanted, export

    ending = output.suffix.lower()
    if ending not in {".csv", ".json"}:
        raise click.UsageError("-o names a file with the ending .csv or .json.")
    wanted = Wanted(
        offices=offices,
        maturity=Maturity(maturity) if maturity else None,
        kind=Kind(kind) if kind else None,
        language=language,
        first=first.date() if first else None,
        last=last.date() if last else None,
    )
    reader = await reader_of(app, sign_in)
    found, kept_back = await export(app.graph, app.db, app.settings, wanted, reader=reader)
    if ending == ".csv":
        write_file(output, f"\ufeff{csv_text.write(_rows(found, hours_of(app.settings)))}".encode())
    else:
        as_json = {"exported_at": app.clock.now(), "items": [_item(one) for one in found]}
        write_file(output, json.dumps(as_json, ensure_ascii=False, indent=2, default=str).encode())
    say(f"{len(found)} items written to {output}")
    if kept_back:
        say(f"{kept_back} more that you may read stay out: for few, or another office's and not checked.")


def _item(one: "Exported") -> dict[str, Any]:
    """An item as the file has it: columns by their titles, and how it came to stand where it stands."""
    return {
        "id": one.kept.item.id,
        "captured_on": one.captured_on,
        "url": one.kept.web_url,
        "columns": one.columns,
        "history": [
            {
                "before": step.before,
                "after": step.after,
                "move": step.made.move if step.made else None,
                "at": step.made.at if step.made else None,
                "words": step.made.words if step.made else "",
            }
            for step in one.steps
        ],
    }


def _rows(found: Sequence["Exported"], hours: Hours) -> Iterator[list[object]]:
    """Headings, and a row for each item."""
    titles = list(found[0].columns) if found else []
    yield [*titles, "Captured on", *_DATED, "Address"]
    for one in found:
        days = [_first_day(one, move, hours.of(one.kept.item.office)) for move in _DATED.values()]
        yield [*map(_cell, one.columns.values()), one.captured_on, *days, one.kept.web_url]


def _first_day(one: "Exported", move: Move, hours: Hours) -> object:
    """The day of the first such move in the history; None where there is none, or it is not shown."""
    return next(
        (day_at(step.made.at, hours) for step in one.steps if step.made and step.made.move is move), None
    )


def _cell(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, str) else value
