"""The rows of a sheet that somebody keeps: which column says what, and what stands in a cell.

Whatever is not understood is named by sheet, row and column, never guessed.
"""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Generic, Self, TypeVar

Cell = str | float
"""What a cell holds: text (empty for nothing), or a number, which is how a sheet keeps a day."""
Field = TypeVar("Field", bound=StrEnum)
"""What columns can say; each kind of sheet has its own."""
Headings = Mapping[str, tuple[Field, int]]
"""The column that a heading means, and how far down its list of words it stands: the first counts."""

HEADING_WITHIN = 20
"""Rows at the top of a sheet among which its headings are looked for."""
LONGEST_LINE = 255
"""Characters of a column of one line in SharePoint."""
EMPTIES = frozenset({"-", "–", "—"})
"""What empties a column; an empty cell leaves what is in the list."""
_YEARS = range(2000, 2101)
_ERRORS = frozenset({"#ref!", "#value!", "#n/a", "#name?", "#div/0!", "#null!", "#num!", "#spill!", "#calc!"})
_CALCULATES = re.compile(r"[=+@]|-.*[(|!]", re.DOTALL)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00(?::00)?.*)?")
_NUMERIC = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")
_IN_WORDS = re.compile(
    r"(\d{1,2})(?:er|º|°|st|nd|rd|th)?\.?(?:\s+de)?\s+([^\d\s.]+)\.?,?(?:\s+de)?\s+(\d{4})(?:\s*г\.?)?"
)
_MONTH_FIRST = re.compile(r"([^\d\s.]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_EAST_ASIAN = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet: its rows with their numbers from 1, empty ones left out. A CSV file is one without a name.

    `day_zero` is the day before the first that the sheet counts its days from.
    """

    name: str
    rows: Sequence[tuple[int, Sequence[Cell]]]
    day_zero: date = date(1899, 12, 30)


def plain(text: str) -> str:
    """A word as it is compared: no capitals, accents, doubled spaces or punctuation at its ends."""
    spread = unicodedata.normalize("NFKD", text)
    letters = "".join(one for one in spread if not unicodedata.combining(one))
    return " ".join(letters.replace("_", " ").split()).strip(" :*.?：？").casefold()


def letter(number: int) -> str:
    """The letter of the column with that number from 0."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def day_in(text: str, months: Mapping[str, int]) -> date | None:
    """The day a text means; None where it means none or could mean two, such as 03/04/2027."""
    text = " ".join(text.split())
    if match := _ISO.fullmatch(text) or _EAST_ASIAN.fullmatch(text):
        return _day(*(int(part) for part in match.groups()[:3]))
    if match := _NUMERIC.fullmatch(text):
        first, second, year = (int(part) for part in match.groups())
        found = {one for one in (_day(year, second, first), _day(year, first, second)) if one}
        return found.pop() if len(found) == 1 else None
    if match := _IN_WORDS.fullmatch(text):
        return _day(int(match[3]), months.get(plain(match[2]), 0), int(match[1]))
    if match := _MONTH_FIRST.fullmatch(text):
        return _day(int(match[3]), months.get(plain(match[1]), 0), int(match[2]))
    return None


def usual(headings: Headings[Field], column: Field) -> str:
    """What people head such a column, in the first language that has a word for it."""
    return next((word for word, meant in headings.items() if meant == (column, 0)), str(column))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


class Table(Generic[Field]):
    """A sheet with headings: where each column stands. With any of `problems` it cannot be used.

    Of two columns that mean the same the plainer heading counts, but not for those of `alone`: what they say
    often differs, and nobody should have to guess which of them was taken.
    """

    def __init__(
        self,
        sheet: Sheet,
        first: int,
        found: Mapping[int, tuple[Field, int, str]],
        headings: Headings[Field],
        *,
        needed: Iterable[Field],
        alone: Container[Field],
    ) -> None:
        self.problems: list[str] = []
        self._sheet, self._first, self._headings = sheet, first, headings
        self._at: dict[Field, int] = {}
        self._names = {one: f"no column “{usual(headings, one)}”" for one, _ in headings.values()}
        ranks: dict[Field, int] = {}
        for at, (column, rank, heading) in found.items():
            name = f"column {letter(at)} ({heading})"
            if column in ranks and ranks[column] == rank:
                both = f"columns {letter(self._at[column])} and {letter(at)}"
                self.problems.append(f"{self._said()}{both} are both headed {heading!r}; delete one.")
            elif column in ranks and column in alone:
                self.problems.append(
                    f"{self._said()}{self._names[column]} and {name} both mean the "
                    f"{usual(headings, column)}; delete one, or give it another heading."
                )
            if column not in ranks or rank < ranks[column]:
                self._at[column], ranks[column], self._names[column] = at, rank, name
        if missing := [one for one in needed if not self.has(one)]:
            self.lacks(*missing)

    def has(self, column: Field) -> bool:
        """Whether there is such a column."""
        return column in self._at

    def lacks(self, *columns: Field) -> None:
        """Says that the sheet cannot be used without these columns."""
        missing = ", ".join(f"“{usual(self._headings, one)}”" for one in columns)
        self.problems.append(
            f"{self._said()}there is no column headed {missing}; give each a heading of its own."
        )

    @classmethod
    def find(
        cls,
        sheet: Sheet,
        headings: Headings[Field],
        *,
        needed: Iterable[Field],
        alone: Container[Field] = (),
    ) -> Self | None:
        """The table of the sheet; None where none of its first rows holds two headings."""
        best: tuple[int, Mapping[int, tuple[Field, int, str]]] | None = None
        for number, cells in sheet.rows[:HEADING_WITHIN]:
            found = {
                at: (*headings[plain(cell)], cell.strip())
                for at, cell in enumerate(cells)
                if isinstance(cell, str) and plain(cell) in headings
            }
            if len(found) >= 2 and (best is None or len(found) > len(best[1])):
                best = number, found
        return None if best is None else cls(sheet, *best, headings, needed=needed, alone=alone)

    def _said(self) -> str:
        return f"sheet “{self._sheet.name}”: " if self._sheet.name else ""

    def rows(self) -> Iterator["Row[Field]"]:
        """The rows below the headings, without those that say nothing."""
        name = self._sheet.name
        for number, cells in self._sheet.rows:
            place = f"sheet “{name}”, row {number}" if name else f"row {number}"
            said = {one: cells[at] for one, at in self._at.items() if at < len(cells)}
            if number > self._first and any(str(cell).strip() for cell in said.values()):
                yield Row(place, said, self._names, self._sheet.day_zero)


class Row(Generic[Field]):
    """The cells of one row by what they mean. What is wrong with them is kept in `problems`."""

    def __init__(
        self, place: str, cells: Mapping[Field, Cell], columns: Mapping[Field, str], day_zero: date
    ) -> None:
        self.place, self.columns = place, columns
        self.problems: list[str] = []
        self._cells, self._day_zero = cells, day_zero

    def at(self, column: Field) -> str:
        """The place of a column of this row, in words."""
        return f"{self.place}, {self.columns.get(column, f'the column {column}')}"

    def problem(self, column: Field, what: str) -> None:
        """Says what is wrong with the cell."""
        self.problems.append(f"{self.at(column)}: {what}")

    def text(self, column: Field, *, needed: bool = False, lines: bool = False) -> str:
        """The cell as text of one line, or several. A formula that came as text is refused, never kept."""
        cell = self._cells.get(column, "")
        if isinstance(cell, float):
            cell = f"{cell:g}" if not cell.is_integer() else str(int(cell))
        text = cell.strip() if lines else " ".join(cell.split())
        if text.casefold() in _ERRORS:
            self.problem(column, f"holds the error {text}.")
        elif _CALCULATES.match(text):
            self.problem(column, "begins like a formula; write what it is to say.")
        elif any(unicodedata.category(one) == "Cc" for one in text if one not in "\n\r\t"):
            self.problem(column, "holds control characters.")
        elif not lines and len(text) > LONGEST_LINE:
            self.problem(column, f"is {len(text)} characters long; {LONGEST_LINE} fit.")
        elif needed and not text:
            self.problem(column, "is empty.")
        else:
            return text
        return ""

    def optional(self, column: Field) -> str | None:
        """The cell as text of one line; None where it says nothing, and empty where it says so."""
        text = self.text(column)
        return "" if text in EMPTIES else text or None

    def choice(self, column: Field, known: Mapping[str, str], *, needed: bool = False) -> str | None:
        """What the word in the cell means, of the words `known`; None where there is none."""
        text = self.text(column, needed=needed)
        if not text:
            return None
        found = known.get(plain(text))
        if found is None:
            there = ", ".join(dict.fromkeys(known.values()))
            self.problem(column, f"{text!r} is not known; there are {there}.")
        return found

    def day(self, column: Field, months: Mapping[str, int], *, needed: bool) -> date | None:
        """The day in the cell, however the sheet keeps it. What could be two days is a problem."""
        cell = self._cells.get(column, "")
        if isinstance(cell, float):
            found = _counted(self._day_zero, cell)
            said = str(int(cell)) if cell.is_integer() else str(cell)
        else:
            said = self.text(column, needed=needed)
            found = day_in(said, months)
        if not said:
            return None
        if found is None:
            self.problem(column, f"{said!r} is no day, or could be two; write it as 2027-03-31.")
        elif found.year not in _YEARS:
            self.problem(column, f"{said!r} would be in {found.year}; write it as 2027-03-31.")
        return found


def _counted(zero: date, number: float) -> date | None:
    """The day that a sheet counts so; the time of the day does not matter."""
    try:
        return zero + timedelta(days=int(number))
    except (OverflowError, ValueError):
        return None
