"""The rows of a focal point's sheet as milestones; what is not understood is named by row and column."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

Cell = str | float
"""What a cell holds: text (empty for nothing), or a number, which is how a sheet keeps a day."""

HEADING_WITHIN = 20
"""Rows at the top of a sheet among which its headings are looked for."""
LONGEST_LINE = 255
"""Characters of a column of one line in SharePoint."""
MOST_NAMES = 500
"""People named in one cell."""
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
class Sheet:
    """One sheet: its rows with their numbers from 1, empty ones left out. A CSV file is one without a name.

    `day_zero` is the day before the first that the sheet counts its days from.
    """

    name: str
    rows: Sequence[tuple[int, Sequence[Cell]]]
    day_zero: date = date(1899, 12, 30)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What focal points write, in all languages; every word as `plain` makes it."""

    headings: Mapping[str, tuple[Field, int]]
    """The column that a heading means, and how far down its list of words it stands: the first counts."""
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


def read(sheets: Iterable[Sheet], words: Vocabulary, *, office: str = "") -> Read:
    """The milestones of all sheets with headings. `office` is that of sheets without a column for it."""
    entries: list[Entry] = []
    problems: list[str] = []
    ignored: list[str] = []
    for sheet in sheets:
        found = _headings(sheet, words)
        if found is None:
            ignored.append(sheet.name)
            continue
        reader = _Rows(sheet, words, found[1], office)
        if reader.problems:
            problems += reader.problems
            continue
        for number, cells in sheet.rows:
            if number > found[0] and (entry := reader.entry(number, cells)) is not None:
                entries.append(entry)
        problems += reader.problems
    return Read(entries=tuple(entries), problems=tuple(problems), ignored=tuple(ignored))


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


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _headings(sheet: Sheet, words: Vocabulary) -> tuple[int, Mapping[int, tuple[Field, int, str]]] | None:
    """The number of the row of headings, and what each column means, how well, and as it is written."""
    best: tuple[int, Mapping[int, tuple[Field, int, str]]] | None = None
    for number, cells in sheet.rows[:HEADING_WITHIN]:
        found = {
            at: (*words.headings[plain(cell)], cell.strip())
            for at, cell in enumerate(cells)
            if isinstance(cell, str) and plain(cell) in words.headings
        }
        if len(found) >= 2 and (best is None or len(found) > len(best[1])):
            best = number, found
    return best


@dataclass
class _Rows:
    """Reads the rows of one sheet, and keeps what is wrong with them."""

    sheet: Sheet
    words: Vocabulary
    found: Mapping[int, tuple[Field, int, str]]
    office: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at: dict[Field, int] = {}
        self.names: dict[Field, str] = {}
        ranks: dict[Field, int] = {}
        for at, (column, rank, heading) in self.found.items():
            if column in ranks and ranks[column] == rank:
                both = f"columns {letter(self.at[column])} and {letter(at)}"
                self.problems.append(f"{self._sheet()}{both} are both headed {heading!r}; delete one.")
            if column not in ranks or rank < ranks[column]:
                self.at[column], ranks[column] = at, rank
                self.names[column] = f"column {letter(at)} ({heading})"
        missing = [one for one in NEEDED if one not in self.at and not (one is Field.OFFICE and self.office)]
        if missing:
            self.problems.append(
                f"{self._sheet()}there is no column for {', '.join(missing)}; give each a heading of its own."
            )

    def _sheet(self) -> str:
        return f"sheet “{self.sheet.name}”: " if self.sheet.name else ""

    def entry(self, number: int, cells: Sequence[Cell]) -> Entry | None:
        """The milestone of the row, or None and what is wrong with it among the problems."""
        place = f"sheet “{self.sheet.name}”, row {number}" if self.sheet.name else f"row {number}"
        row = _Row(place, {one: cells[at] for one, at in self.at.items() if at < len(cells)}, self.names)
        if not any(str(cell).strip() for cell in row.cells.values()):
            return None
        state = row.choice(Field.STATE, self.words.states)
        entry = Entry(
            place=place,
            columns=self.names,
            office=row.text(Field.OFFICE, needed=not self.office) or self.office,
            kind=row.choice(Field.KIND, self.words.kinds, needed=True) or "",
            title=row.text(Field.TITLE, needed=True),
            due_on=row.day(self.sheet.day_zero, self.words.months, needed=state != "cancelled"),
            key=row.text(Field.KEY),
            programme=row.optional(Field.PROGRAMME),
            asked=row.asked(self.words.everyone),
            state=state,
        )
        self.problems += row.problems
        return None if row.problems else entry


class _Row:
    """The cells of one row by what they mean."""

    def __init__(self, place: str, cells: Mapping[Field, Cell], names: Mapping[Field, str]) -> None:
        self.cells = cells
        self.problems: list[str] = []
        self._place, self._names = place, names

    def problem(self, column: Field, what: str) -> None:
        self.problems.append(f"{self._place}, {self._names.get(column, f'the column {column}')}: {what}")

    def text(self, column: Field, *, needed: bool = False, lines: bool = False) -> str:
        """The cell as text of one line, or several. A formula that came as text is refused, never kept."""
        cell = self.cells.get(column, "")
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
        text = self.text(column)
        return "" if text in EMPTIES else text or None

    def choice(self, column: Field, known: Mapping[str, str], *, needed: bool = False) -> str | None:
        text = self.text(column, needed=needed)
        if not text:
            return None
        found = known.get(plain(text))
        if found is None:
            there = ", ".join(dict.fromkeys(known.values()))
            self.problem(column, f"{text!r} is not known; there are {there}.")
        return found

    def day(self, zero: date, months: Mapping[str, int], *, needed: bool) -> date | None:
        cell = self.cells.get(Field.DATE, "")
        if isinstance(cell, float):
            found = _counted(zero, cell)
            said = str(int(cell)) if cell.is_integer() else str(cell)
        else:
            said = self.text(Field.DATE, needed=needed)
            found = day_in(said, months)
        if not said:
            return None
        if found is None:
            self.problem(Field.DATE, f"{said!r} is no day, or could be two; write it as 2027-03-31.")
        elif found.year not in _YEARS:
            self.problem(Field.DATE, f"{said!r} would be in {found.year}; write it as 2027-03-31.")
        return found

    def asked(self, everyone: frozenset[str]) -> tuple[str, ...] | None:
        text = self.text(Field.ASKED, lines=True)
        if not text:
            return None
        names = tuple(dict.fromkeys(_lines(text)))
        if all(one in EMPTIES or plain(one) in everyone for one in names):
            return ()
        if len(names) > MOST_NAMES:
            self.problem(Field.ASKED, f"names {len(names)} people; {MOST_NAMES} fit.")
        return names


def _lines(text: str) -> Iterator[str]:
    """The lines of who is asked. Sign-in names may stand beside one another, what a rule says may not."""
    for line in re.split(r"[\n\r;؛；]+", text):
        for one in re.split(r"[,،，、]+", line) if "@" in line else [line]:
            if one.strip():
                yield one.strip()


def _counted(zero: date, number: float) -> date | None:
    """The day that a sheet counts so; the time of the day does not matter."""
    try:
        return zero + timedelta(days=int(number))
    except (OverflowError, ValueError):
        return None
