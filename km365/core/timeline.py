"""The calendar laid out as a picture: rows, marks in lanes, and the scale above them. Lengths are in pixels.

Everything is measured from the side where reading begins; whoever draws it mirrors it for Arabic.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from km365.core.cycles import add_months
from km365.core.schedule import Milestone

WIDTH = 1180
"""Of the days, without the names of the rows."""
MARK = 18
"""Across a mark."""
LANE = 24
GAP = 6
TEXT = 12
"""The size of the letters."""
MOST_NAMED = 150
"""Milestones up to which each mark has its title beside it; above, a row has one lane and crowds a number."""
LONGEST_NAME = 44
"""Letters of a title beside its mark; the whole title is what the mark says when it is pointed at."""
_MARGIN = 16


class Scale(StrEnum):
    """What the scale counts."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One month, quarter or year that begins at `x`."""

    x: float
    width: float
    day: date


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One milestone or, where there is no room for each, several; `x` is its middle."""

    x: float
    lane: int
    milestones: tuple[Milestone, ...]
    name: str = ""
    """The title beside it, cut to fit; empty where there is no room."""
    name_before: bool = False
    """Whether the title stands on the side where the row begins, because the picture ends on the other."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One office or programme. `lanes` is how many marks stand above one another."""

    name: str
    marks: tuple[Mark, ...]
    lanes: int


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The whole picture. `today` is None where it lies outside; `undated` counts those without a date."""

    first: date
    last: date
    scale: Scale
    ticks: tuple[Tick, ...]
    years: tuple[Tick, ...]
    rows: tuple[Row, ...]
    today: float | None
    undated: int

    @property
    def count(self) -> int:
        """How many milestones it shows."""
        return sum(len(mark.milestones) for row in self.rows for mark in row.marks)


def lay_out(
    milestones: Iterable[Milestone], *, name_of: Callable[[Milestone], str], today: date
) -> Timeline | None:
    """The picture of the milestones that have a date, a row for each `name_of`; None where there is none."""
    every = list(milestones)
    dated = sorted((one for one in every if one.due_on), key=lambda one: (one.due_on or today, one.id))
    if not dated:
        return None
    first, last = _span([one.due_on for one in dated if one.due_on])
    days = (last - first).days + 1

    def at(day: date) -> float:
        return _MARGIN + (WIDTH - 2 * _MARGIN) * ((day - first).days / days)

    rows: dict[str, list[Milestone]] = {}
    for one in dated:
        rows.setdefault(name_of(one), []).append(one)
    place = _in_lanes if len(dated) <= MOST_NAMED else _counted
    scale = Scale.MONTH if days <= 550 else Scale.QUARTER if days <= 1700 else Scale.YEAR
    step = {Scale.MONTH: 1, Scale.QUARTER: 3, Scale.YEAR: 12}[scale]
    return Timeline(
        first=first,
        last=last,
        scale=scale,
        ticks=tuple(_ticks(first, last, step, at)),
        years=tuple(_ticks(first, last, 12, at)),
        rows=tuple(place(name, rows[name], at) for name in sorted(rows, key=_in_order)),
        today=at(today) if first <= today <= last else None,
        undated=len(every) - len(dated),
    )


def width_of(text: str) -> float:
    """About how wide the text is: East Asian letters are square, others half as wide."""
    return sum(TEXT if unicodedata.east_asian_width(one) in "WF" else TEXT * 0.56 for one in text)


def cut(text: str, longest: int) -> str:
    """The text, cut at the end with a mark of it."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _in_order(name: str) -> tuple[bool, str]:
    """Rows without a name come last."""
    return not name, name.casefold()


def _span(days: Sequence[date]) -> tuple[date, date]:
    """The first and last day of the picture: whole months, and three at least."""
    first = min(days).replace(day=1)
    after = add_months(max(days).replace(day=1), 1)
    after = max(after, add_months(first, 3))
    return first, after - timedelta(days=1)


def _ticks(first: date, last: date, months: int, at: Callable[[date], float]) -> Iterable[Tick]:
    day = first
    while day <= last:
        number = day.year * 12 + day.month - 1
        after = add_months(day.replace(day=1), months - number % months)
        x = at(day)
        yield Tick(x=x, width=at(min(after, last + timedelta(days=1))) - x, day=day)
        day = after


def _in_lanes(name: str, milestones: Sequence[Milestone], at: Callable[[date], float]) -> Row:
    """Each mark with its title beside it, in the first lane where both have room."""
    ends: list[float] = []
    marks = []
    for one in milestones:
        assert one.due_on is not None  # noqa: S101 - only dated ones are laid out
        x, title = at(one.due_on), cut(one.title, LONGEST_NAME)
        room = MARK / 2 + GAP + width_of(title)
        before = x + room > WIDTH
        begins, stops = (x - room, x + MARK / 2) if before else (x - MARK / 2, x + room)
        lane = next((n for n, end in enumerate(ends) if end + GAP <= begins), len(ends))
        ends[lane : lane + 1] = [stops]
        marks.append(Mark(x=x, lane=lane, milestones=(one,), name=title, name_before=before))
    return Row(name=name, marks=tuple(marks), lanes=len(ends))


def _counted(name: str, milestones: Sequence[Milestone], at: Callable[[date], float]) -> Row:
    """One lane: what would lie upon one another is one mark with a number."""
    groups: list[tuple[float, list[Milestone]]] = []
    for one in milestones:
        assert one.due_on is not None  # noqa: S101 - only dated ones are laid out
        x = at(one.due_on)
        if groups and x - groups[-1][0] < MARK + 2:
            groups[-1][1].append(one)
        else:
            groups.append((x, [one]))
    marks = tuple(Mark(x=x, lane=0, milestones=tuple(group)) for x, group in groups)
    return Row(name=name, marks=marks, lanes=1)
