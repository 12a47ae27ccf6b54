"""What of a note fits on its five pages, and what goes to the annexes behind them.

Nothing is cut: a line that does not fit stands whole in an annex, and the body says so in its place. How much
fits is worked out from the width of letters, on the safe side, because who opens the file has fonts of their
own; `docs/handover.md` says how it was measured.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from km365.core.handover_note import HANDOVER
from km365.core.note_lines import COLUMNS, Entry, Shown, Table
from km365.core.sorting import sentences

PAGES = 5
"""That the body of a note has at most (UN practice: three or four, facts and no essays)."""
_FIRST = frozenset(
    f"{HANDOVER}{name}"
    for name in ("work", "deadlines", "people", "documents", "systems", "watch", "promises", "first_days")
)
_WEIGHT_OF_FIRST = 2.0
"""The sections nobody can start without get so many times as much of the room that is left."""

# Heights are in lines of text.
_OPENING = 16.0
"""The title, the facts of the departure, and what the note is."""
_HEADING, _HEADER_ROW, _MORE, _MOVED = 2.6, 1.6, 1.4, 1.3
_AFTER_LINE, _AROUND_ROW = 0.3, 0.5
_LOST_AT_A_PAGE = 4.0
"""A heading stays with what follows it, a row in one piece, and a header row is repeated."""
_LEAST_LEAD = 3.0
_BULLET, _CELL = 1.8, 1.3
"""Em that the sign of a list and the edges of a cell take of the width."""
_SPACE = 0.27
_FILLED = 0.99
"""How much of a line words may fill."""
_ADVANCE: Mapping[str, float] = {
    **dict.fromkeys("fijlrtI.,;:!|'’()[]- \t", 0.37),
    **dict.fromkeys("mwMW@%—…&ШЩЖЮшщжюыЫ", 0.93),
}


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The page between its margins, in points, and the size of the letters."""

    width_pt: float
    height_pt: float
    letters_pt: float


@dataclass(frozen=True, kw_only=True)
class Page:
    """The room on the body's pages: how many lines in all, and how many em a line is wide."""

    lines: float
    em: float


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section in the body or, as the annex of that number, behind it."""

    target: str
    heading: str
    table: Table | None
    rows: tuple[Entry, ...]
    lines: tuple[Entry, ...]
    annex: int = 0
    """In the body: the annex in which it goes on. 0 where all of it is here."""
    moved: int = 0
    """How many lines the annex holds."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that stands under the heading."""
        return (*self.rows, *self.lines)


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The body of a note, and its annexes; each section of the body names the annex it goes on in."""

    body: tuple[Section, ...]
    annexes: tuple[Section, ...]


def page_of(paper: Paper, language: str) -> Page:
    """The room that the body has: `PAGES` less what stands on top of it and what is lost between pages."""
    leading = {"ar": 1.45, "zh": 1.45}.get(language, 1.37)
    lines = PAGES * paper.height_pt / (paper.letters_pt * leading)
    lost = _LOST_AT_A_PAGE * (PAGES - 1)
    return Page(lines=lines - lost - _OPENING, em=paper.width_pt / paper.letters_pt)


def lay_out(shown: Sequence[Shown], page: Page) -> Pages:
    """What of the sections stands in the body, and what in annexes.

    What is short stands there whole. The rest shares the room that is left, the first lines of each.
    """
    whole = [_height(one, page, at_most=page.lines) for one in shown]
    if sum(whole) <= page.lines:
        return Pages(body=tuple(_section(one, one.entries) for one in shown), annexes=())
    body: list[Section] = []
    annexes: list[Section] = []
    for one, (here, there) in zip(shown, _share_out(shown, whole, page), strict=True):
        if not there:
            body.append(_section(one, here))
            continue
        number = len(annexes) + 1
        body.append(replace(_section(one, here), annex=number, moved=len(there)))
        annexes.append(replace(_section(one, there), annex=number, moved=len(there)))
    return Pages(body=tuple(body), annexes=tuple(annexes))


def _share_out(
    shown: Sequence[Shown], whole: Sequence[float], page: Page
) -> list[tuple[Sequence[Entry], Sequence[Entry]]]:
    """Of each section what stands in the body, and what does not."""
    parted: dict[int, tuple[list[Entry], list[Entry], float]] = {}
    spare = 0.0
    for n, room in enumerate(_rooms(shown, whole, page.lines)):
        if whole[n] > room:
            parted[n] = _parted(shown[n], page, room)
            spare += room - parted[n][2]
    for n in sorted(parted, key=lambda n: len(parted[n][0]) > 0):  # first those of which nothing fitted
        used = parted[n][2]
        parted[n] = _parted(shown[n], page, used + spare)
        spare -= parted[n][2] - used
    return [parted[n][:2] if n in parted else (one.entries, ()) for n, one in enumerate(shown)]


def _section(shown: Shown, entries: Iterable[Entry]) -> Section:
    entries = tuple(entries)
    return Section(
        target=shown.target,
        heading=shown.heading,
        table=shown.table,
        rows=tuple(one for one in entries if one.cells),
        lines=tuple(one for one in entries if not one.cells),
    )


def _rooms(shown: Sequence[Shown], whole: Sequence[float], lines: float) -> list[float]:
    """The lines that each section may take: what it needs, as long as it needs less than its share."""
    least = [min(height, _HEADING + _MORE + _MOVED) for height in whole]
    weights = [_WEIGHT_OF_FIRST if one.target in _FIRST else 1.0 for one in shown]
    wanted = [height - low for height, low in zip(whole, least, strict=True)]
    left, open_ = lines - sum(least), set(range(len(shown)))
    rooms = list(least)
    while open_:
        unit = max(left, 0.0) / sum(weights[n] for n in open_)
        full = {n for n in open_ if wanted[n] <= unit * weights[n]}
        for n in full or open_:
            more = wanted[n] if full else unit * weights[n]
            rooms[n] += more
            left -= more
        open_ -= full or open_
    return rooms


def _parted(shown: Shown, page: Page, room: float) -> tuple[list[Entry], list[Entry], float]:
    """What of a section fits, what does not, and the room that is used.

    Of a line that does not fit, its first sentences stand in the body and the whole of it in the annex.
    """
    used = _HEADING + _MORE + _MOVED
    here: list[Entry] = []
    for at, one in enumerate(shown.entries):
        header = _HEADER_ROW if one.cells and not here else 0.0
        height = _entry_height(one, shown.table, page, at_most=room) + header
        if used + height <= room:
            here.append(one)
            used += height
            continue
        lead = _lead(one, page, room - used)
        if lead is not None:
            here.append(lead)
            used += _entry_height(lead, shown.table, page, at_most=room)
        return here, list(shown.entries[at:]), used
    return here, [], used


def _lead(entry: Entry, page: Page, room: float) -> Entry | None:
    """The first sentences of a line that fit; None where it is a row, or none fits."""
    if entry.cells or room < _LEAST_LEAD:
        return None
    text = ""
    for one in sentences(entry.text[: int(page.em * room * 4)]):
        more = text + one.before + one.text
        if (
            more == entry.text
            or _lines(more + " …", page.em - _BULLET, at_most=room) + _AFTER_LINE > room - 1
        ):
            break
        text = more
    return replace(entry, text=text, torn=True) if text else None


def _height(shown: Shown, page: Page, *, at_most: float) -> float:
    """The lines of a section; more than `at_most` only says that it is more."""
    height = _HEADING + (_HEADER_ROW if shown.table else 0.0)
    for one in shown.entries:
        if height > at_most:
            break
        height += _entry_height(one, shown.table, page, at_most=at_most)
    return height


def _entry_height(entry: Entry, table: Table | None, page: Page, *, at_most: float) -> float:
    mark = f" [{entry.source.number}]"
    if not entry.cells or table is None:
        return _lines(entry.text + mark, page.em - _BULLET, at_most=at_most) + _AFTER_LINE
    widths = [share * page.em - _CELL for _, share in COLUMNS[table]]
    cells = zip(entry.cells, widths, strict=True)
    return max(_lines(str(cell), width, at_most=at_most) for cell, width in cells) + _AROUND_ROW


def _lines(text: str, em: float, *, at_most: float) -> float:
    """How many lines of that width the text takes; it stops counting beyond `at_most`."""
    em *= _FILLED
    lines, used = 1, 0.0
    for word in text[: int(em * 8 * (at_most + 1))].split():
        wide = sum(map(_advance, word))
        if used and used + _SPACE + wide > em and not _breaks_anywhere(word):
            lines, used = lines + 1, 0.0
        used += wide + (_SPACE if used else 0.0)
        while used > em:
            lines, used = lines + 1, used - em
        if lines > at_most:
            break
    return float(lines)


def _breaks_anywhere(word: str) -> bool:
    """Whether a line may end within the word, as in Chinese."""
    return "\u3000" <= word[0] <= "\uffef"


@cache
def _advance(letter: str) -> float:
    """How wide a letter is, in em: at least as wide as in the fonts that offices use."""
    if letter in _ADVANCE:
        return _ADVANCE[letter]
    if letter < "\u0250":
        return 0.66 if letter.isupper() else 0.59
    if letter < "\u0530":
        return 0.72 if letter.isupper() else 0.64
    if "\u0600" <= letter < "\u0700":
        return 0.62
    return 1.0
