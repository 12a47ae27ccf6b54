"""The gaps of a handover as a manager sees them closed: how important, how closed, by when, and by whom.

Which gaps there are is `core.gap_finding`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from km365.core.schedule import Hours

SECTION, FACTOR = "section:", "factor:"
"""Before the heading of the note, or the factor of the risk, that a gap is about."""
WORK, DATES, LINKS, RISK = "work", "dates", "links", "risk"
"""What else it is about: lines of work, days that come too early, dead links, factors nobody knows."""
SOME = "some"
"""The detail of a heading under which something else is written."""
SOON = timedelta(days=7)
"""How long before its day somebody hears of a gap."""
WEEK = timedelta(days=7)
"""So long after one message about gaps there is no other."""
KM365 = "km365"
"""Who closed what is written by now."""
_AFTER_GONE = timedelta(days=14)
_AT_LEAST = 3
"""Working days between finding a gap and its day."""
_DAY = timedelta(days=1)
_IN_CONFIDENCE = frozenset({WORK, DATES, LINKS})
"""Whose details are of what the note says, which not every owner of a gap may read."""


class Kind(StrEnum):
    """What is open."""

    NOT_ASKED = "not_asked"
    UNWRITTEN = "unwritten"  # asked, and skipped or kept to oneself: which of the two, nobody is told
    UNCLEAR = "unclear"  # a line of work without a next step, or without who takes it
    EARLY = "early"  # a day that comes before anybody is named to see to it
    DEAD = "dead"  # a link that leads to no document
    STAYED_HIGH = "high"
    UNKNOWN = "unknown"


class Method(StrEnum):
    """How a gap may be closed."""

    SHADOWING = "shadowing"
    OVERLAP = "overlap"
    COLLEAGUES = "colleagues"
    SCREEN = "screen"
    ONE_PAGE = "one_page"
    INTRODUCE = "introduce"
    ACCESS = "access"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is done about some gaps: how, how once the person has left, and how long before the last day."""

    name: str
    about: tuple[str, ...]
    method: Method
    gone: Method
    days: int


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules, the most important first; what none is about is no gap. `most` are shown at once."""

    source: str
    most: int
    rules: tuple[Rule, ...]

    def of(self, about: str) -> Rule | None:
        """The rule for what a gap is about."""
        return next((one for one in self.rules if about in one.about), None)

    def place(self, about: str) -> int:
        """How important it is, from 0, the most important."""
        return next((n for n, one in enumerate(self.rules) if about in one.about), len(self.rules))


@dataclass(frozen=True, kw_only=True)
class Found:
    """Something open. `detail` are numbers of lines or links, a day, a factor's value, or factors."""

    about: str
    kind: Kind
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A gap as it is kept. Without an `owner` it is the supervisor's."""

    number: int
    about: str
    kind: Kind
    detail: str
    method: Method
    due_on: date
    given_at: datetime
    """Since when its owner has it."""
    owner: str = ""
    by_hand: bool = False
    """Whether somebody set its day, which then does not go along with the last day."""
    closed_at: datetime | None = None
    closed_by: str = ""
    because: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.closed_at is None


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Whose handover it is, and who is around it, by object id; "" for nobody."""

    person_id: str
    supervisor_id: str
    successor_id: str
    received: bool
    """Whether the successor has the note, or there is none to wait for."""

    def owner_of(self, gap: Gap) -> str:
        """Who sees to it."""
        return gap.owner or self.supervisor_id

    def holds(self, reader: str) -> bool:
        """Whether they may know of every gap: the leaver, the supervisor, the successor who received."""
        close = {self.person_id, self.supervisor_id, self.successor_id if self.received else ""}
        return bool(reader) and reader in close

    def may_read(self, gap: Gap, reader: str) -> bool:
        """Whether they may know of this one: the circle, and whoever owns it."""
        return self.holds(reader) or (bool(reader) and reader == gap.owner)

    def shown(self, gap: Gap, reader: str) -> Gap:
        """The gap as this reader may see it: an owner from outside is not told what the note says."""
        if self.holds(reader):
            return gap
        return replace(gap, detail="" if gap.about in _IN_CONFIDENCE else gap.detail)

    def may_set(self, reader: str) -> bool:
        """Whether they say who does what by when."""
        return bool(reader) and reader == self.supervisor_id

    def may_close(self, gap: Gap, reader: str) -> bool:
        """Whether they say that it is done, or is not after all."""
        return bool(reader) and reader in {self.supervisor_id, gap.owner}


def renewed(
    kept: Sequence[Gap],
    found: Iterable[Found],
    rules: Rules,
    *,
    first: int,
    last_on: date,
    today: date,
    hours: Hours,
    at: datetime,
) -> list[Gap]:
    """The gaps after a look, those kept before it first; the same look again changes nothing.

    What a person closed stays closed, and what they set stays set; what is open no more closes by itself.
    New ones are numbered from `first`.
    """
    wanted = {one.about: (rule, one) for one in found if (rule := rules.of(one.about))}
    after = [_again(gap, wanted[gap.about][1] if gap.about in wanted else None, at) for gap in kept]
    known = {gap.about for gap in kept}
    new = [one for about, one in wanted.items() if about not in known]
    new.sort(key=lambda one: (rules.place(one[1].about), one[1].detail == SOME))
    for number, (rule, one) in enumerate(new, start=first):
        due = due_on(rule, last_on=last_on, today=today, hours=hours)
        method = rule.gone if due > last_on else rule.method
        made = Gap(
            number=number,
            about=one.about,
            kind=one.kind,
            detail=one.detail,
            method=method,
            due_on=due,
            given_at=at,
        )
        after.append(made)
    return after


def _again(gap: Gap, found: Found | None, at: datetime) -> Gap:
    if not gap.is_open and gap.closed_by != KM365:
        return gap
    if found is None:
        return replace(gap, closed_at=at, closed_by=KM365) if gap.is_open else gap
    return replace(gap, kind=found.kind, detail=found.detail, closed_at=None, closed_by="")


def due_on(rule: Rule, *, last_on: date, today: date, hours: Hours) -> date:
    """By which working day: so long before the last day, on it where that is too soon, two weeks on after it.

    It is never before the third working day after the gap was found, so that whoever sees to it can.
    """
    soonest, to_go = today, _AT_LEAST
    while to_go:
        soonest += _DAY
        to_go -= hours.works_on(soonest)
    wanted = last_on - rule.days * _DAY
    if wanted < soonest:
        wanted = last_on if last_on >= today else today + _AFTER_GONE
    while wanted > soonest and not hours.works_on(wanted):
        wanted -= _DAY
    return max(wanted, soonest)


def moved(gap: Gap, by: timedelta) -> Gap:
    """The gap after the last day was moved: its day goes along, where nobody set it."""
    return gap if gap.by_hand or not gap.is_open else replace(gap, due_on=gap.due_on + by)


def in_order(gaps: Iterable[Gap], rules: Rules) -> list[Gap]:
    """The most important first, what is open before what is closed."""
    return sorted(gaps, key=lambda one: (not one.is_open, rules.place(one.about), one.number))


def to_tell(gaps: Iterable[Gap], *, told_at: datetime | None, at: datetime, today: date) -> int:
    """Of how many open gaps their owner is told now: at most once a week, of what is new or due soon."""
    if told_at is not None and at < told_at + WEEK:
        return 0
    open_ = [one for one in gaps if one.is_open]
    soon = any(one.due_on <= today + SOON for one in open_)
    new = any(told_at is None or one.given_at > told_at for one in open_)
    return len(open_) if soon or new else 0
