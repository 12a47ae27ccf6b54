"""A programme cycle laid out from the day it ends: which milestones, and when."""

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from km365.core.sheet_rows import LONGEST_LINE

MOST_YEARS = 15


class Anchor(StrEnum):
    """The day that a step counts from."""

    START = "start"  # the first day of the programme
    MIDDLE = "middle"  # half-way
    END = "end"  # its last day
    YEAR = "year"  # the first day of each of its years: one milestone a year


@dataclass(frozen=True, kw_only=True)
class Step:
    """One milestone of a cycle, or one a year. `titles` are by language; `source` says why it is then."""

    key: str
    kind: str
    anchor: Anchor
    months: int
    days: int
    titles: Mapping[str, str]
    source: str


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """A kind of programme. `years` is how long it usually runs."""

    key: str
    names: Mapping[str, str]
    years: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """One milestone of a plan. `key` is the same whenever the cycle is laid out to end in that year."""

    key: str
    office: str
    programme: str
    kind: str
    title: str
    due_on: date
    source: str


def lay_out(
    cycle: Cycle,
    *,
    office: str,
    programme: str,
    ends_on: date,
    years: int | None = None,
    language: str = "en",
    works_on: Callable[[date], bool] = lambda _: True,
) -> list[Proposed]:
    """The milestones of one programme of the office, the earliest first.

    A day on which nobody works becomes the last working day before it. Where the office names no
    programme, the titles name the office.
    """
    found = []
    for step, from_day in _days(cycle, ends_on, years or cycle.years):
        day = add_months(from_day, step.months) + timedelta(days=step.days)
        while not works_on(day):
            day -= timedelta(days=1)
        of_year = f":{from_day.year}" if step.anchor is Anchor.YEAR else ""
        title = in_language(step.titles, language).format(programme=programme or office, year=from_day.year)
        found.append(
            Proposed(
                key=f"{office}:{cycle.key}:{ends_on.year}:{step.key}{of_year}",
                office=office,
                programme=programme,
                kind=step.kind,
                title=title[:LONGEST_LINE],
                due_on=day,
                source=step.source,
            )
        )
    return sorted(found, key=lambda one: one.due_on)


def _days(cycle: Cycle, ends_on: date, years: int) -> Iterator[tuple[Step, date]]:
    """Each step with every day it counts from."""
    starts_on = add_months(ends_on + timedelta(days=1), -12 * years)
    days = {
        Anchor.START: [starts_on],
        Anchor.MIDDLE: [add_months(starts_on, 6 * years)],
        Anchor.END: [ends_on],
        Anchor.YEAR: [add_months(starts_on, 12 * number) for number in range(years)],
    }
    for step in cycle.steps:
        for day in days[step.anchor]:
            yield step, day


def add_months(day: date, months: int) -> date:
    """The same day of another month, or its last where it has no such day."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return date(year, month, min(day.day, last))


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in the language, else in English, else in whichever there is."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()))
