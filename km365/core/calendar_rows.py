"""The rows of a focal point's sheet as milestones; what is not understood is named by row and column."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from km365.core.sheet_rows import EMPTIES, Headings, Row, Sheet, Table, plain

MOST_NAMES = 500
"""People named in one cell."""


class Field(StrEnum):
    """What a column of the sheet says, by the name of its words in `templates/messages/calendar`."""

    OFFICE = "office"
    PROGRAMME = "programme"
    KIND = "kind"
    TITLE = "title"
    DATE = "date"
    ASKED = "asked"
    STATE = "state"
    KEY = "key"


NEEDED = (Field.OFFICE, Field.KIND, Field.TITLE, Field.DATE)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What focal points write, in all languages; every word as `plain` makes it."""

    headings: Headings[Field]
    kinds: Mapping[str, str]
    states: Mapping[str, str]
    everyone: frozenset[str]
    months: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A milestone as the sheet has it. None is what the sheet does not say and the list keeps.

    `asked` are sign-in names, person ids or lines of a rule; none of them means the whole office.
    """

    place: str
    columns: Mapping[Field, str]
    """Where each column stands, in words."""
    office: str
    kind: str
    title: str
    due_on: date | None
    key: str = ""
    programme: str | None = None
    asked: tuple[str, ...] | None = None
    state: str | None = None

    def at(self, column: Field) -> str:
        """The place of a column of this row, in words."""
        return f"{self.place}, {self.columns.get(column, f'the column {column}')}"


@dataclass(frozen=True, kw_only=True)
class Read:
    """The entries of a file; with any problem, none of them is to be used. `ignored` are sheets left out."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]
    ignored: tuple[str, ...]


def read(sheets: Iterable[Sheet], words: Vocabulary, *, office: str = "") -> Read:
    """The milestones of all sheets with headings. `office` is that of sheets without a column for it."""
    entries: list[Entry] = []
    problems: list[str] = []
    ignored: list[str] = []
    needed = [one for one in NEEDED if not (one is Field.OFFICE and office)]
    for sheet in sheets:
        table = Table.find(sheet, words.headings, needed=needed)
        if table is None:
            ignored.append(sheet.name)
            continue
        problems += table.problems
        for row in table.rows() if not table.problems else ():
            entry = _entry(row, words, office)
            problems += row.problems
            if not row.problems:
                entries.append(entry)
    return Read(entries=tuple(entries), problems=tuple(problems), ignored=tuple(ignored))


def _entry(row: Row[Field], words: Vocabulary, office: str) -> Entry:
    """The milestone of the row, of use where the row has no problems."""
    state = row.choice(Field.STATE, words.states)
    return Entry(
        place=row.place,
        columns=row.columns,
        office=row.text(Field.OFFICE, needed=not office) or office,
        kind=row.choice(Field.KIND, words.kinds, needed=True) or "",
        title=row.text(Field.TITLE, needed=True),
        due_on=row.day(Field.DATE, words.months, needed=state != "cancelled"),
        key=row.text(Field.KEY),
        programme=row.optional(Field.PROGRAMME),
        asked=_asked(row, words.everyone),
        state=state,
    )


def _asked(row: Row[Field], everyone: frozenset[str]) -> tuple[str, ...] | None:
    text = row.text(Field.ASKED, lines=True)
    if not text:
        return None
    names = tuple(dict.fromkeys(_lines(text)))
    if all(one in EMPTIES or plain(one) in everyone for one in names):
        return ()
    if len(names) > MOST_NAMES:
        row.problem(Field.ASKED, f"names {len(names)} people; {MOST_NAMES} fit.")
    return names


def _lines(text: str) -> Iterator[str]:
    """The lines of who is asked. Sign-in names may stand beside one another, what a rule says may not."""
    for line in re.split(r"[\n\r;؛；]+", text):
        for one in re.split(r"[,،，、]+", line) if "@" in line else [line]:
            if one.strip():
                yield one.strip()
