"""The lines of a note as they are shown: as rows of a table where they clearly hold its columns.

Nothing is guessed: a line without such parts stands whole in the first column, one that is long stays a line
of a list, and where no line of a section has more than one part there is no table at all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from km365.core import contacts
from km365.core.days_in_text import days_in
from km365.core.handover_note import HANDOVER, NoteLine, NoteSection, Source
from km365.core.sheet_rows import plain

NOTHING = "–"
"""Stands in a cell of which the line says nothing."""
_LONGEST_ROW = 240
"""Characters; a longer line is a story rather than a row."""
_LONGEST_NAME = 70
_NAMED = re.compile(rf"(?P<name>[^\n]{{1,{_LONGEST_NAME}}}?)(?:\s+[-–—]\s+|[:：]\s+|：)(?P<rest>\S.*)")
_LABELLED = re.compile(
    r"(?:^|[;；؛,،，.。|(–—-])\s*(?P<label>[^\W\d_][^:：;；؛,،，.。|\n]{0,24}?)\s*[:：]\s*(?!//)"
)
_ARROW = re.compile(r"\s*(?:→|->|=>)\s*")
_COMMAS = {"ar": "، ", "zh": "，"}
_AND_IN_ARABIC = "و"
"""Joined to the word behind it."""
_EDGES = " \t;؛；,،，|–—-"


class Table(StrEnum):
    """The sections that can be tables. Their columns, and how much of the width each takes, are `COLUMNS`."""

    WORK = "work"
    DATES = "deadlines"
    PEOPLE = "people"
    DOCUMENTS = "documents"
    SYSTEMS = "systems"


class Part(StrEnum):
    """What a label within a line of work announces; its words are in `docx/labels.*.toml`."""

    NEXT = "next_step"
    WHO = "by_whom"
    WHEN = "by_when"


COLUMNS: Mapping[Table, tuple[tuple[str, float], ...]] = {
    Table.WORK: (("what", 0.38), (Part.NEXT, 0.26), (Part.WHO, 0.14), (Part.WHEN, 0.15)),
    Table.DATES: (("when", 0.18), ("what_is_due", 0.75)),
    Table.PEOPLE: (("who", 0.31), ("why", 0.40), ("introduction", 0.22)),
    Table.DOCUMENTS: (("document", 0.63), ("state", 0.30)),
    Table.SYSTEMS: (("system", 0.33), ("to_transfer", 0.60)),
}
"""The rest of the width, 7 %, is the number of the answer."""


Cell = str | date


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line as it is shown: a row of `cells`, or without any a line of a list."""

    text: str
    source: Source
    cells: tuple[Cell, ...] = ()
    torn: bool = False
    """Whether `text` is only how the line begins, because the whole stands in an annex."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A section as it is shown: its rows, then the lines that are none."""

    target: str
    heading: str
    table: Table | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the lines of a note are read with, beside its language.

    `labels` are compared as `sheet_rows.plain`, `introduces` as `contacts.read` has them; `states` says of
    lines that link to documents whether these are there, `colleagues` is what `HandoverNote` has of people.
    """

    language: str
    labels: Mapping[str, Part]
    introduces: Sequence[str] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    colleagues: Mapping[str, str] = field(default_factory=dict)


def comma(language: str) -> str:
    """What stands between two parts of a line in this language."""
    return _COMMAS.get(language, ", ")


def shown(section: NoteSection, reading: Reading) -> Shown:
    """The section as it is shown."""
    name = section.target.removeprefix(HANDOVER)
    table = Table(name) if name in set(Table) else None
    entries = [_entry(line, table, reading) for line in section.lines]
    entries = [replace(one, cells=()) if _is_one_part(one) else one for one in entries]
    rows = [one for one in entries if one.cells]
    table = table if rows else None
    if table is Table.DATES:
        rows.sort(key=lambda one: _due(one, reading.language) or date.max)
    return Shown(
        target=section.target,
        heading=section.heading,
        table=table,
        entries=(*rows, *(one for one in entries if not one.cells)),
    )


def _is_one_part(entry: Entry) -> bool:
    """Whether it stands whole in the first column, with nothing beside it."""
    return entry.cells[:1] == (entry.text,) and set(entry.cells[1:]) == {NOTHING}


def _entry(line: NoteLine, table: Table | None, reading: Reading) -> Entry:
    """The line, with cells where it is to be a row."""
    entry = Entry(text=line.text, source=line.source)
    if table is None or len(line.text) > _LONGEST_ROW:
        return entry
    cells: tuple[Cell, ...]
    match table:
        case Table.WORK:
            cells = _work(entry, reading)
        case Table.DATES:
            due = _due(entry, reading.language)
            cells = (due, line.text) if due else ()
        case Table.DOCUMENTS:
            cells = (line.text, reading.states.get(line.text, NOTHING))
        case Table.PEOPLE:
            cells = _person(line.text, reading)
        case _:
            found = _NAMED.fullmatch(line.text)
            cells = (found["name"].strip(), found["rest"].strip()) if found else (line.text, NOTHING)
    return Entry(text=line.text, source=line.source, cells=cells)


def _due(entry: Entry, language: str) -> date | None:
    """The first day that the line names after it was said."""
    days = days_in(entry.text, language, after=entry.source.said_on)
    return days[0] if days else None


def _person(text: str, reading: Reading) -> tuple[Cell, ...]:
    """Who it is and where, why to meet them, and who introduces; any other line stays whole."""
    found = contacts.read(text, reading.introduces)
    if len(found) != 1:
        return (text, NOTHING, NOTHING)
    one = found[0]
    known = reading.colleagues.get(one.name or one.line)
    if not known and not (one.name and (one.why or one.introduction)):
        return (text, NOTHING, NOTHING)
    who = comma(reading.language).join(filter(None, (one.name or one.line, one.organisation)))
    if known:
        who = f"{who} ({known})"
    return (who, one.why or NOTHING, one.introduction or NOTHING)


def _work(entry: Entry, reading: Reading) -> tuple[Cell, ...]:
    """What it is and where it stands, the next step, by whom, and by when or the first day named."""
    parts = _labelled(entry.text, reading.labels)
    what = parts.pop(None, "")
    if not what:
        what, parts = entry.text, {}
    when = parts.get(Part.WHEN) or _due(entry, reading.language)
    return tuple(cell or NOTHING for cell in (what, parts.get(Part.NEXT), parts.get(Part.WHO), when))


def _labelled(text: str, labels: Mapping[str, Part]) -> dict[Part | None, str]:
    """The parts of a line by their labels, under None what stands before the first; or all of it there.

    An arrow announces the next step.
    """
    marks: list[tuple[int, int, Part | None]] = []
    for found in _LABELLED.finditer(text):
        said = plain(found["label"])
        part = labels.get(said) or labels.get(said.removeprefix(_AND_IN_ARABIC))
        if part is not None:
            marks.append((found.start("label"), found.end(), part))
    if arrow := _ARROW.search(text):
        marks.append((arrow.start(), arrow.end(), Part.NEXT))
    marks.sort()
    if len({part for _, _, part in marks}) < len(marks):
        return {None: text}  # one part twice: two pieces of work in one line
    parts: dict[Part | None, str] = {}
    begin, part = 0, None
    for edge, behind, following in [*marks, (len(text), 0, None)]:
        parts[part] = text[begin:edge].strip(_EDGES)
        begin, part = behind, following
    return parts
