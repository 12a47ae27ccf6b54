"""Takes a focal point's sheet into the *Milestones* list: all rows checked first, then each written once."""

import asyncio
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from km365.core import calendar_rows
from km365.core.calendar_changes import Change, Wanted, compare
from km365.core.calendar_rows import Entry, Field, Vocabulary
from km365.core.schedule import Milestone
from km365.core.schema import MILESTONES
from km365.documents import sheets
from km365.errors import InputRefused
from km365.graph.client import Graph
from km365.jobs import Jobs
from km365.services import calendar, sheet_import
from km365.services.calendar import Directory
from km365.services.sheet_import import Done, refuse
from km365.settings import Settings
from km365.store.database import Database


@dataclass(frozen=True, kw_only=True)
class Import:
    """A sheet that can be taken in. `ignored` are its sheets without headings."""

    wanted: tuple[Wanted, ...]
    ignored: tuple[str, ...]

    def count(self, change: Change) -> int:
        """How many of the rows are such a change."""
        return sum(one.change is change for one in self.wanted)


async def plan(
    graph: Graph, settings: Settings, file: Path, words: Vocabulary, *, today: date, office: str = ""
) -> Import:
    """What the file would change. Reads only.

    `office` is that of rows without a column for it. Raises InputRefused with a line for each thing that is
    wrong, by row and column; nothing of such a file is ever written. Needs Sites.Selected and User.Read.All.
    """
    read = await asyncio.to_thread(sheets.read, file, words.headings)
    found = await asyncio.to_thread(calendar_rows.read, read, words, office=office)
    if not found.entries and not found.problems:
        raise InputRefused(
            f"{file.name}: no milestone was found; the first row names the columns: "
            f"{', '.join(calendar_rows.NEEDED)} (docs/calendar.md)."
        )
    refuse(file.name, found.problems)
    names = await calendar.directory(graph)
    kept = await calendar.milestones(graph, settings)
    entries, problems = _known(found.entries, names, kept, today=today)
    compared = compare(entries, kept)
    refuse(file.name, [*problems, *compared.problems])
    return Import(wanted=compared.wanted, ignored=found.ignored)


def _known(
    entries: Iterable[Entry], names: Directory, kept: Iterable[Milestone], *, today: date
) -> tuple[list[Entry], list[str]]:
    """The entries with their offices as they are written, and what names no office or nobody.

    What is over may name colleagues who have left since.
    """
    offices = {one.office.casefold(): one.office for one in kept if one.office}
    offices |= {person.office.casefold(): person.office for person in names.people if person.office}
    taken, problems = [], []
    for entry in entries:
        office = offices.get(entry.office.casefold())
        if office is None:
            near = difflib.get_close_matches(entry.office.casefold(), offices, n=1)
            hint = f"; is it {offices[near[0]]}?" if near else "; offices are named as in the directory."
            problems.append(f"{entry.at(Field.OFFICE)}: nobody works in an office {entry.office!r}{hint}")
        over = entry.state in {"closed", "cancelled"} or (entry.due_on is not None and entry.due_on < today)
        for number, name in enumerate(entry.asked or (), start=1):
            if not over and not _means_somebody(name, names):
                problems.append(
                    f"{entry.at(Field.ASKED)}: name {number} is nobody's with an account that works; "
                    "write sign-in names, one per line."
                )
        taken.append(replace(entry, office=office or entry.office))
    return taken, problems


def _means_somebody(line: str, names: Directory) -> bool:
    """Whether a line of who is asked names a colleague, if need be to take them out, or is a rule."""
    said = line.replace("：", ":")
    return ":" in said or any(names.find(one) is not None for one in (line, line.rsplit(maxsplit=1)[-1]))


async def apply(
    graph: Graph,
    settings: Settings,
    wanted: Import,
    *,
    done: Callable[[int], None] = lambda _: None,
) -> Done:
    """Writes what is new or differs; see `sheet_import.write`."""
    rows = [
        sheet_import.Row(
            place=one.entry.place,
            fields=one.fields,
            item_id=one.before.id if one.before else None,
            etag=one.before.etag if one.before else "",
        )
        for one in wanted.wanted
        if one.change is not Change.UNCHANGED
    ]
    return await sheet_import.write(graph, settings, MILESTONES, rows, lock="milestone-import", done=done)


async def follow(db: Database, jobs: Jobs) -> None:
    """Has the running service look at the calendar now: what is moved or cancelled is carried out at once."""
    await db.run(jobs.enqueue, "scan", key="scan", args={"day": "any"})
