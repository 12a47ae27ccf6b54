"""Takes an HR file into the *Departures* list: all rows checked first, then each written once."""

import asyncio
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from km365.core import departure_rows
from km365.core.departure_changes import Change, Kept, Wanted, compare
from km365.core.departure_rows import FILLS, Entry, Field, Vocabulary
from km365.core.departures import GONE_WITHIN
from km365.core.schema import DEPARTURES
from km365.core.sheet_rows import HEADING_WITHIN, usual
from km365.documents import sheets
from km365.errors import InputRefused
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.services import calendar, sheet_import
from km365.services.calendar import Directory, text
from km365.services.sheet_import import Done, refuse
from km365.settings import Settings

_PEOPLE = {Field.SUCCESSOR, Field.SUPERVISOR}


@dataclass(frozen=True, kw_only=True)
class Import:
    """A file that can be taken in. `ignored` are its sheets without headings."""

    wanted: tuple[Wanted, ...]
    ignored: tuple[str, ...]
    names: Directory

    @property
    def writes(self) -> list[Wanted]:
        """The rows that change anything in the list."""
        return [one for one in self.wanted if one.fields]

    def count(self, change: Change) -> int:
        """How many of the rows are such a change."""
        return sum(one.change is change for one in self.wanted)


async def plan(graph: Graph, settings: Settings, file: Path, words: Vocabulary, *, today: date) -> Import:
    """What the file would change. Reads only.

    Raises InputRefused with a line for each thing that is wrong, by row and column; nothing of such a file is
    ever written. Needs Sites.Selected and User.Read.All.
    """
    read = await asyncio.to_thread(sheets.read, file, words.headings)
    found = await asyncio.to_thread(departure_rows.read, read, words)
    if not found.entries and not found.problems:
        raise InputRefused(
            f"{file.name}: no departure was found; one of the first {HEADING_WITHIN} rows names the columns, "
            f"“{usual(words.headings, Field.PERSON)}” and “{usual(words.headings, Field.LAST_DAY)}” among "
            "them (docs/departures.md)."
        )
    refuse(file.name, found.problems)
    names = await calendar.directory(graph)
    entries, problems = _known(found.entries, names, today=today)
    kept = [_kept(item, names) async for item in calendar.items(graph, settings, DEPARTURES.title)]
    compared = compare(entries, kept, today=today)
    refuse(file.name, [*problems, *compared.problems])
    return Import(wanted=compared.wanted, ignored=found.ignored, names=names)


def _known(entries: Iterable[Entry], names: Directory, *, today: date) -> tuple[list[Entry], list[str]]:
    """The entries with their people as object ids and offices as they are written, and what names nobody.

    Who left long ago may be gone from the directory.
    """
    offices = {one.office.casefold(): one.office for one in names.people if one.office}
    taken, problems = [], []
    for entry in entries:
        person, wrong = names.find_anyone(entry.person), []
        if person is None:
            wrong.append(
                f"{entry.at(Field.PERSON)}: the directory has no such sign-in name, mail address or id."
            )
        fills = dict(entry.fills)
        for column in _PEOPLE & fills.keys():
            other = names.find(fills[column])
            if other is not None and other != person:
                fills[column] = other.id
            elif other is not None:
                del fills[column]  # also of a row from long ago, whose problems are not told
                wrong.append(f"{entry.at(column)}: is the person who leaves; name somebody else, or nobody.")
            else:
                wrong.append(f"{entry.at(column)}: nobody with an account that works; write a sign-in name.")
        if said := fills.get(Field.OFFICE):
            fills[Field.OFFICE] = offices.get(said.casefold(), said)
            if said.casefold() not in offices:
                wrong.append(
                    f"{entry.at(Field.OFFICE)}: nobody works in an office {said!r}{_near(said, offices)}"
                )
        if entry.leaves_on is None or entry.leaves_on + GONE_WITHIN >= today:
            problems += wrong
        taken.append(replace(entry, person=person.id if person else entry.person, fills=fills))
    return taken, problems


def _near(said: str, offices: dict[str, str]) -> str:
    near = difflib.get_close_matches(said.casefold(), offices, n=1)
    return f"; is it {offices[near[0]]}?" if near else "; offices are named as in the directory."


def _kept(item: Item, names: Directory) -> Kept:
    fills = {column: text(item, name) for column, name in FILLS.items()}
    for column in _PEOPLE:
        fills[column] = _id_of(fills[column], names)
    return Kept(
        id=item.id,
        etag=item.etag,
        person=_id_of(text(item, "KMPerson"), names),
        leaves_on=calendar.day_of(item.fields.get("KMLastDay")),
        state=text(item, "KMState") or "planned",
        key=text(item, "KMKey"),
        file_says=text(item, "KMFileSays"),
        fills=fills,
    )


def _id_of(name: str, names: Directory) -> str:
    person = names.find_anyone(name)
    return person.id if person else name


async def apply(
    graph: Graph, settings: Settings, wanted: Import, *, done: Callable[[int], None] = lambda _: None
) -> Done:
    """Writes what is new or differs; see `sheet_import.write`. People are written by their sign-in names."""
    rows = [
        sheet_import.Row(
            place=one.entry.place,
            fields=_written(one, wanted.names),
            item_id=one.before.id if one.before else None,
            etag=one.before.etag if one.before else "",
        )
        for one in wanted.writes
    ]
    return await sheet_import.write(graph, settings, DEPARTURES, rows, lock="departure-import", done=done)


def _written(wanted: Wanted, names: Directory) -> dict[str, str | None]:
    """The columns as people read them; of a new entry, what the directory knows of the post besides."""
    fields: dict[str, str | None] = dict(wanted.fields)
    for name in ("KMPerson", "KMSuccessor", "KMSupervisor"):
        if person := names.find_anyone(fields.get(name) or ""):
            fields[name] = person.upn or person.id
    person = names.find_anyone(wanted.entry.person)
    if wanted.before is None and person is not None:
        post = fields.get("KMPost") or person.job_title
        known = {"KMPost": post, "KMOffice": person.office, "Title": post}
        fields |= {name: value for name, value in known.items() if value and not wanted.fields.get(name)}
        fields["Title"] = post or fields["Title"]
    return fields
