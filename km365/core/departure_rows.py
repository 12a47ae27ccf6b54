"""The rows of an HR file as departures; what is not understood is named by row and column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from km365.core.departures import CANCELLED
from km365.core.sheet_rows import Headings, Row, Sheet, Table


class Field(StrEnum):
    """What a column of the file says, by the name of its words in `templates/messages/departures`."""

    PERSON = "person"
    LAST_DAY = "last_day"
    POST = "post"
    OFFICE = "office"
    KIND = "kind"
    SUCCESSOR = "successor"
    SUPERVISOR = "supervisor"
    STATE = "state"
    KEY = "key"


NEEDED = (Field.PERSON,)
ALONE = frozenset({Field.LAST_DAY, Field.SUCCESSOR, Field.SUPERVISOR})
"""Of which a file may have one column only: a contract ends on another day than work does, and a manager need
not be the first reporting officer."""
FILLS = {
    Field.POST: "KMPost",
    Field.OFFICE: "KMOffice",
    Field.KIND: "KMKind",
    Field.SUCCESSOR: "KMSuccessor",
    Field.SUPERVISOR: "KMSupervisor",
}
"""The columns of the list that the file fills in where they are empty, and never changes."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What HR files write, in all languages; every word as `plain` makes it."""

    headings: Headings[Field]
    kinds: Mapping[str, str]
    states: Mapping[str, str]
    months: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A departure as the file has it. People are named as the file names them, by sign-in name, mail or id.

    `leaves_on` is None only for one that was called off.
    """

    place: str
    columns: Mapping[Field, str]
    """Where each column stands, in words."""
    person: str
    leaves_on: date | None
    is_cancelled: bool = False
    key: str = ""
    fills: Mapping[Field, str]
    """What else the row says, of the columns in `FILLS`; what it leaves empty is not among them."""

    def at(self, column: Field) -> str:
        """The place of a column of this row, in words."""
        return f"{self.place}, {self.columns.get(column, f'the column {column}')}"

    @property
    def says(self) -> str:
        """What the row says of the last day, as the list keeps it."""
        return CANCELLED if self.is_cancelled or self.leaves_on is None else self.leaves_on.isoformat()


@dataclass(frozen=True, kw_only=True)
class Read:
    """The entries of a file; with any problem, none of them is to be used. `ignored` are sheets left out."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]
    ignored: tuple[str, ...]


def read(sheets: Iterable[Sheet], words: Vocabulary) -> Read:
    """The departures of all sheets with headings."""
    entries: list[Entry] = []
    problems: list[str] = []
    ignored: list[str] = []
    for sheet in sheets:
        table = Table.find(sheet, words.headings, needed=NEEDED, alone=ALONE)
        if table is None:
            ignored.append(sheet.name)
            continue
        if not table.has(Field.LAST_DAY) and not table.has(Field.STATE):  # who calls off need not say a day
            table.lacks(Field.LAST_DAY)
        problems += table.problems
        for row in table.rows() if not table.problems else ():
            entry = _entry(row, words)
            problems += row.problems
            if not row.problems:
                entries.append(entry)
    return Read(entries=tuple(entries), problems=tuple(problems), ignored=tuple(ignored))


def _entry(row: Row[Field], words: Vocabulary) -> Entry:
    """The departure of the row, of use where the row has no problems."""
    is_cancelled = row.choice(Field.STATE, words.states) == CANCELLED
    found = {
        column: row.choice(column, words.kinds) if column is Field.KIND else row.optional(column)
        for column in FILLS
    }
    return Entry(
        place=row.place,
        columns=row.columns,
        person=row.text(Field.PERSON, needed=True),
        leaves_on=row.day(Field.LAST_DAY, words.months, needed=not is_cancelled),
        is_cancelled=is_cancelled,
        key=row.text(Field.KEY),
        fills={column: said for column, said in found.items() if said},
    )
