"""The loop of knowledge in numbers: how far what was captured has come, by office, region or period.

An item belongs to the day on which it was captured, and is counted at each step it has reached since, so
that a row tells what became of one year's or one office's items. Small numbers are not told, nor what would
give one away (`told`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from km365.core.knowledge import Effect, KnowledgeItem, Maturity
from km365.core.moves import Move

FEWEST = 5
"""Smaller numbers are not told, apart from 0. Statistical agencies ask for three or five in a cell (Glossary
of Statistical Disclosure Control, UNECE and Eurostat, 2005, "threshold rule"); what leaves the office, and is
laid beside other tables, takes the five."""


class Step(StrEnum):
    """How far an item has come, from the first to the last."""

    CAPTURED = "captured"
    VALIDATED = "validated"
    PUBLISHED = "published"
    READ = "read"
    USED = "used"
    CHANGED = "changed"


class People(StrEnum):
    """What people did who were asked, or who left. Never beside their sum, which would tell the other one."""

    ANSWERED = "answered"
    SILENT = "did not answer"
    WITH_NOTE = "left with a note"
    WITHOUT_NOTE = "left without a note"


class By(StrEnum):
    """What a row stands for."""

    OFFICE = "office"
    REGION = "region"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Hidden(StrEnum):
    """What stands in the place of a number that is not told."""

    SMALL = "<5"
    """1 to 4."""
    KEPT = "…"
    """More than that, and another one could be worked out from it."""


Measure = Step | People
Cell = int | Hidden


@dataclass(frozen=True, kw_only=True)
class Captured:
    """What is counted of an item of the list, and since when it is there."""

    id: str
    office: str
    maturity: Maturity
    effect: Effect
    was_published: bool
    was_used: bool
    captured_on: date

    @classmethod
    def of(cls, item: KnowledgeItem, *, on: date | None, used: int) -> "Captured | None":
        """The item as it is counted; None for a draft, which is not captured yet."""
        if item.maturity is Maturity.DRAFT or on is None:
            return None
        return cls(
            id=item.id,
            office=item.office,
            maturity=item.maturity,
            effect=item.effect,
            was_published=item.maturity is Maturity.PUBLISHED or item.published_to is not None,
            was_used=used > 0,
            captured_on=on,
        )


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One item of an office: the steps it has reached, each with its first day as far as that is known."""

    office: str
    captured_on: date
    reached: Mapping[Step, date | None]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One person, without who: what they did, of which office, and the day it belongs to."""

    what: People
    office: str
    on: date


@dataclass(frozen=True, kw_only=True)
class Row:
    """One office, region or period. `shares` are of those at the step before, 0 to 1.

    `days` are half of the items' days since they were captured. What is not told is not in them.
    """

    name: str
    cells: Mapping[Measure, Cell]
    shares: Mapping[Step, float]
    days: Mapping[Step, int]


@dataclass(frozen=True, kw_only=True)
class Loop:
    """The table: a row for each name, in order, and what they come to together."""

    by: By
    first: date
    last: date
    rows: tuple[Row, ...]
    total: Row


COUNTED = frozenset({Move.VALIDATE, Move.PUBLISH, Move.CHANGE, Move.CONFIRM})
"""The moves of which the loop wants to know the day."""


def follow(
    item: Captured, first: Mapping[Move, date], *, read_on: date | None, used_on: date | None
) -> Followed:
    """How far the item has come. The list says whether a step was reached, `first` when each move was made.

    So what was recorded may be lost, and only days are missing. What was used was read.
    """
    reads = [on for on in (read_on, used_on) if on is not None]
    known = {
        Step.VALIDATED: first.get(Move.VALIDATE),
        Step.PUBLISHED: first.get(Move.PUBLISH),
        Step.READ: min(reads, default=None),
        Step.USED: used_on,
        Step.CHANGED: min(
            (first[move] for move in (Move.CHANGE, Move.CONFIRM) if move in first), default=None
        ),
    }
    used = item.was_used or used_on is not None
    stands = {
        Step.READ: used,
        Step.USED: used,
        Step.VALIDATED: item.maturity in _WERE_VALIDATED,
        Step.PUBLISHED: item.was_published,
        Step.CHANGED: item.effect in {Effect.CHANGED, Effect.CONFIRMED_ELSEWHERE},
    }
    reached: dict[Step, date | None] = {Step.CAPTURED: item.captured_on}
    reached |= {step: on for step, on in known.items() if on is not None or stands.get(step)}
    return Followed(office=item.office, captured_on=item.captured_on, reached=reached)


_WERE_VALIDATED = frozenset({Maturity.VALIDATED, Maturity.PUBLISHED, Maturity.SUPERSEDED})


def months(first: date, last: date) -> tuple[date, date]:
    """The first day of the month of `first`, and the last one of that of `last`.

    Tables that differ by a few days could be subtracted from each other, so they are of whole months.
    """
    after = (last.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.replace(day=1), after - timedelta(days=1)


def a_year_to(today: date) -> date:
    """The first day of the twelve months that end with this one."""
    return date(today.year, 1, 1) if today.month == 12 else date(today.year - 1, today.month + 1, 1)


def table(
    items: Iterable[Followed],
    people: Iterable[Counted],
    *,
    by: By,
    first: date,
    last: date,
    regions: Mapping[str, str],
) -> Loop:
    """What became of the items captured from `first` to `last`, and of the people asked or leaving then.

    `regions` says in which region an office is; each it names has a row, be it of zeros.
    """

    def name(office: str, on: date) -> str:
        if by is By.OFFICE:
            return office
        return regions.get(office, "") if by is By.REGION else period(on, by)

    groups: dict[str, tuple[list[Followed], list[Counted]]] = {
        one: ([], []) for one in sorted(_names(by, first, last, regions))
    }
    for item in items:
        if first <= item.captured_on <= last:
            groups.setdefault(name(item.office, item.captured_on), ([], []))[0].append(item)
    for one in people:
        if first <= one.on <= last:
            groups.setdefault(name(one.office, one.on), ([], []))[1].append(one)
    names = sorted(groups)
    columns = {
        measure: told([_number(measure, *groups[one]) for one in names]) for measure in (*Step, *People)
    }
    rows = tuple(
        _row(one, groups[one][0], {measure: cells[place] for measure, (cells, _) in columns.items()})
        for place, one in enumerate(names)
    )
    every = [item for group, _ in groups.values() for item in group]
    total = _row("", every, {measure: together for measure, (_, together) in columns.items()})
    return Loop(by=by, first=first, last=last, rows=rows, total=total)


def period(on: date, by: By) -> str:
    """The month, quarter or year that a day is in: 2026-11, 2026-Q4, 2026."""
    if by is By.MONTH:
        return f"{on:%Y-%m}"
    return f"{on:%Y}-Q{(on.month + 2) // 3}" if by is By.QUARTER else f"{on:%Y}"


def _names(by: By, first: date, last: date, regions: Mapping[str, str]) -> set[str]:
    """The names that have a row whatever was counted."""
    if by is By.OFFICE:
        return set(regions)
    if by is By.REGION:
        return set(regions.values())
    days = (last - first).days + 1
    return {period(first + timedelta(days=n), by) for n in range(days)}


def _number(measure: Measure, items: Sequence[Followed], people: Sequence[Counted]) -> int:
    if isinstance(measure, Step):
        return sum(measure in one.reached for one in items)
    return sum(one.what is measure for one in people)


def _row(name: str, items: Sequence[Followed], cells: Mapping[Measure, Cell]) -> Row:
    shares, days = {}, {}
    for before, step in pairwise(Step):
        both = sum(before in one.reached and step in one.reached for one in items)
        whole, part = cells[before], cells[step]
        if isinstance(whole, int) and isinstance(part, int) and whole and (both >= FEWEST or part == 0):
            shares[step] = both / whole
        took = [
            max(0, (on - one.captured_on).days) for one in items if (on := one.reached.get(step)) is not None
        ]
        if isinstance(part, int) and len(took) >= FEWEST:
            days[step] = round(median(took))
    return Row(name=name, cells=cells, shares=shares, days=days)


# What is not told ------------------------------------------------------------------------------------------


def told(numbers: Sequence[int]) -> tuple[list[Cell], Cell]:
    """The numbers of a column and their sum, as far as they may be told.

    1 to 4 is never told, and each of them stays anything from 1 to 4 to whoever subtracts what is told from
    the sum: for that larger numbers are kept as well, as few as will do, and the sum where none do.
    """
    small = {place for place, number in enumerate(numbers) if 0 < number < FEWEST}
    larger = sorted((number, place) for place, number in enumerate(numbers) if number >= FEWEST)
    kept: set[int] = set()
    total: Cell = sum(numbers)
    while small and (lacks := _lacking([numbers[one] for one in small], [numbers[one] for one in kept])):
        if not larger:
            kept, total = set(), Hidden.KEPT
            break
        enough = next((one for one in larger if one[0] - FEWEST >= lacks), larger[-1])
        larger.remove(enough)
        kept.add(enough[1])
    cells: list[Cell] = [
        Hidden.SMALL if place in small else Hidden.KEPT if place in kept else number
        for place, number in enumerate(numbers)
    ]
    return cells, total


def _lacking(small: Sequence[int], kept: Sequence[int]) -> int:
    """How much more, over 5, must be kept for each small number to be anything from 1 to 4; 0: nothing.

    One of them can be 4 if the sum leaves 1 for each other small one and 5 for each kept one. It can be 1 if
    the others can make up for it: a kept one without end, small ones up to 4 each.
    """
    most = FEWEST - 1
    for_four = most + (len(small) - 1) + FEWEST * len(kept) - (sum(small) + sum(kept))
    for_one = 0 if kept else sum(small) - (1 + most * (len(small) - 1))
    return max(for_four, for_one, 0)
