"""How long lessons wait for those who check them, counted in the working days of their office.

Both deadlines count from the day an item was sent: to a first decision, and to publication. Whoever returns
an item has decided; once it is sent again, the days count anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import ceil
from statistics import median

from km365.core.audience import Audience
from km365.core.knowledge import KnowledgeItem, Maturity
from km365.core.moves import Made, Move
from km365.core.schedule import Hours, day_at

LEAST = 5
"""A figure that fewer items stand behind is not shown."""
OTHERS = "other offices"
"""Stands for the offices with fewer than `LEAST` items, together."""
_DAY = timedelta(days=1)
_PUBLISHABLE = frozenset({Audience.EVERYONE, Audience.OFFICE})


class Awaits(StrEnum):
    """What an item waits for."""

    DECISION = "decision"
    PUBLICATION = "publication"


_AWAITS = {
    Maturity.SUBMITTED: Awaits.DECISION,
    Maturity.IN_REVIEW: Awaits.DECISION,
    Maturity.VALIDATED: Awaits.PUBLICATION,
}
WAITING = tuple(_AWAITS)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An item that waits. `since` is the day it was sent, `due_on` the last day in time; None: not known."""

    awaits: Awaits
    since: date | None
    due_on: date | None
    late_on: date | None
    """The last day within twice the time; after it more people hear."""

    def is_overdue(self, today: date) -> bool:
        """Whether the time for it is over."""
        return self.due_on is not None and today > self.due_on

    def is_late(self, today: date) -> bool:
        """Whether twice the time for it is over."""
        return self.late_on is not None and today > self.late_on


def waiting(item: KnowledgeItem, days: Mapping[Awaits, int], hours: Hours) -> Waiting | None:
    """What the item waits for and until when; None where it waits for nobody who checks.

    What is kept to fewer people than the office is not published, so it does not wait for that.
    """
    awaits = _AWAITS.get(item.maturity)
    if awaits is None or (awaits is Awaits.PUBLICATION and item.audience not in _PUBLISHABLE):
        return None
    if item.submitted_at is None:
        return Waiting(awaits=awaits, since=None, due_on=None, late_on=None)
    since = day_at(item.submitted_at, hours)
    return Waiting(
        awaits=awaits,
        since=since,
        due_on=after(since, days[awaits], hours),
        late_on=after(since, 2 * days[awaits], hours),
    )


def after(day: date, working_days: int, hours: Hours) -> date:
    """The day that many working days after this one."""
    while working_days > 0:
        day += _DAY
        working_days -= hours.works_on(day)
    return day


def between(begin: date, end: date, hours: Hours) -> int:
    """How many working days of the office came after `begin`, `end` among them."""
    days = (begin + _DAY * number for number in range(1, (end - begin).days + 1))
    return sum(hours.works_on(day) for day in days)


# Figures ---------------------------------------------------------------------------------------------------

_FIRST_DECISIONS = frozenset({Move.RETURN, Move.VALIDATE, Move.RETIRE})


@dataclass(frozen=True, kw_only=True)
class Checked:
    """When an item was first sent, first decided on and first published."""

    office: str
    sent_at: datetime
    decided_at: datetime | None = None
    published_at: datetime | None = None


def checked(item: KnowledgeItem, recorded: Iterable[Made]) -> Checked | None:
    """How the item went; None where nobody sent it, or where it is kept to fewer than an office."""
    rows = [one for one in recorded if one.done]
    sent_at = next((one.at for one in rows if one.move is Move.SUBMIT), item.submitted_at)
    if sent_at is None or item.audience not in _PUBLISHABLE:
        return None
    later = [one for one in rows if one.at >= sent_at]
    return Checked(
        office=item.office,
        sent_at=sent_at,
        decided_at=next((one.at for one in later if one.move in _FIRST_DECISIONS), None),
        published_at=next((one.at for one in later if one.move is Move.PUBLISH), None),
    )


@dataclass(frozen=True, kw_only=True)
class Span:
    """How many items came so far, and in how many working days; all None where fewer than `LEAST` did."""

    count: int | None = None
    median: float | None = None
    ninetieth: int | None = None
    """Nine of ten took no longer."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The items that an office sent. `office` is "" for all of them together."""

    office: str
    sent: int
    decided: Span
    published: Span


def figures(items: Sequence[Checked], hours_of: Callable[[str], Hours]) -> list[Figures]:
    """All together first, then office by office; nothing that fewer than `LEAST` items stand behind.

    Offices with fewer are put together, and where these are still fewer, they are left out everywhere, so
    that no difference of two figures tells theirs.
    """
    by_office: dict[str, list[Checked]] = {}
    for one in items:
        by_office.setdefault(one.office, []).append(one)
    shown = {office: of for office, of in sorted(by_office.items()) if len(of) >= LEAST}
    small = [one for office, of in by_office.items() if office not in shown for one in of]
    groups = list(shown.items()) + ([(OTHERS, small)] if len(small) >= LEAST else [])
    if not groups:
        return []
    together = [one for _, of in groups for one in of]
    return [_figures(office, of, hours_of) for office, of in [("", together), *groups]]


def _figures(office: str, items: Sequence[Checked], hours_of: Callable[[str], Hours]) -> Figures:
    def span(ends: Callable[[Checked], datetime | None]) -> Span:
        days = sorted(
            between(day_at(one.sent_at, hours), day_at(end, hours), hours)
            for one in items
            if (end := ends(one)) is not None
            for hours in (hours_of(one.office),)
        )
        if len(days) < LEAST:
            return Span()
        return Span(count=len(days), median=float(median(days)), ninetieth=days[ceil(0.9 * len(days)) - 1])

    return Figures(
        office=office,
        sent=len(items),
        decided=span(lambda one: one.decided_at),
        published=span(lambda one: one.published_at),
    )
