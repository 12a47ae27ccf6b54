"""Who leaves and when, what notice there is, and so what they are asked and when.

Values in, values out; a day is the day at the duty station.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, TypeVar

from km365.core.schedule import Plan

BANK = "handover"
"""The question bank of handover interviews."""
HORIZON = timedelta(days=183)
"""How long before the last day a leaver is asked."""
GONE_WITHIN = timedelta(days=14)
"""How long after the last day a colleague who left is still asked, where their account works."""
SAME_DEPARTURE = timedelta(days=180)
"""Two last days of one person closer than this are one departure whose date was moved."""


class Notice(StrEnum):
    """How long before the last day we know, which decides what can still be asked."""

    MONTHS = "6 months"  # more than twelve weeks: several sittings, handover in person
    WEEKS = "6 weeks"  # more than a week: the whole interview
    DAYS = "5 days"  # a week or less: the short list of questions
    GONE = "gone"  # the last day has passed: two questions, if the account still works


def notice(leaves_on: date, *, today: date) -> Notice:
    """How much notice there is."""
    left = leaves_on - today
    if left < timedelta(0):
        return Notice.GONE
    if left <= timedelta(days=7):
        return Notice.DAYS
    return Notice.WEEKS if left <= timedelta(weeks=12) else Notice.MONTHS


def handover_plan(leaves_on: date, *, today: date) -> Plan:
    """When a leaver is asked and reminded, given the notice there is; not after a last day still to come."""
    match notice(leaves_on, today=today):
        case Notice.MONTHS:
            return Plan(days=(0, 14, 42), close_after=90, last_on=leaves_on)
        case Notice.WEEKS:
            return Plan(days=(0, 3, 10), close_after=21, last_on=leaves_on)
        case Notice.DAYS:
            return Plan(days=(0, 1, 3), close_after=5, last_on=leaves_on)
        case Notice.GONE:
            return Plan(days=(0,), close_after=7)


class Source(StrEnum):
    """Who says when somebody leaves, the strongest first."""

    LIST = "list"  # what people wrote in the Departures list
    HR_FILE = "HR file"  # what an imported file said last, and nobody changed since
    LEAVE_DATE = "leave date"  # employeeLeaveDateTime in Entra ID
    ACCOUNT = "account"  # switched off or deleted on that day; why, the directory does not say


STRONGEST_FIRST = tuple(Source)
CANCELLED = "cancelled"
"""The state of a departure that was called off, and what an HR file says of one."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one source says: the last day, or None that the departure is called off.

    A source that does not know makes no claim: an empty date neither begins nor ends a departure.
    """

    source: Source
    leaves_on: date | None

    def __str__(self) -> str:
        if self.leaves_on is None:
            return f"{self.source} says cancelled"
        verb = "off since" if self.source is Source.ACCOUNT else "says"
        return f"{self.source} {verb} {self.leaves_on.day} {self.leaves_on:%B %Y}"


class Reason(StrEnum):
    """Why a claim counts: where sources disagree, in the words that follow "because"."""

    ALONE = "nothing else is known"
    AGREED = "they agree"
    LIST = "people keep it for this"
    HR_FILE = "personnel knows before the directory does"
    LEAVE_DATE = "somebody set a day, and an account is switched off for many reasons"


_OVERRULES = {
    Source.LIST: Reason.LIST,
    Source.HR_FILE: Reason.HR_FILE,
    Source.LEAVE_DATE: Reason.LEAVE_DATE,
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Which claim counts and why; `others` are those of weaker sources, the strongest first."""

    counts: Claim
    reason: Reason
    others: tuple[Claim, ...] = ()

    def __str__(self) -> str:
        said = ", ".join(map(str, (self.counts, *self.others)))
        if self.reason in {Reason.ALONE, Reason.AGREED}:
            return f"{said}: {self.reason}"
        return f"{said}: the {self.counts.source} counts, because {self.reason}"


def decide(claims: Iterable[Claim]) -> Decision | None:
    """The rule of docs/departures.md: the strongest source that says anything counts, alone and whole.

    Each source says one thing at most; None where nobody says anything. An account that was switched off is
    overruled by every day and every cancellation; it never makes a departure end earlier.
    """
    found = sorted(claims, key=lambda one: STRONGEST_FIRST.index(one.source))
    if not found:
        return None
    first, others = found[0], tuple(found[1:])
    if not others:
        reason = Reason.ALONE
    elif all(one.leaves_on == first.leaves_on for one in others):
        reason = Reason.AGREED
    else:
        reason = _OVERRULES[first.source]
    return Decision(counts=first, reason=reason, others=others)


def listed_claims(leaves_on: date | None, *, state: str, file_says: str) -> tuple[Claim, ...]:
    """What an entry of the list says. `file_says` is the last word of the HR file about it, or empty.

    While both say the same it is the file that keeps the entry; once somebody has written another day, or
    called it off or on again, the list speaks for itself.
    """
    ours, is_known = (None, True) if state == CANCELLED else (leaves_on, leaves_on is not None)
    listed = (Claim(source=Source.LIST, leaves_on=ours),) if is_known else ()
    if not file_says:
        return listed
    theirs = Claim(source=Source.HR_FILE, leaves_on=said_day(file_says))
    return (theirs,) if is_known and theirs.leaves_on == ours else (*listed, theirs)


def said_day(text: str) -> date | None:
    """The day in what the HR file said last; None where it called the departure off."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Leaver:
    """Somebody who leaves a post. `departure_id` is the item of the *Departures* list, empty without one."""

    person_id: str
    leaves_on: date
    departure_id: str = ""
    post: str = ""
    office: str = ""
    kind: str = ""
    """As in the list: rotation, retirement, end of contract or resignation; empty where nobody says."""
    successor_id: str = ""
    supervisor_id: str = ""
    state: str = "planned"
    """As in the list: planned, invited, in interview, note filed, declined or cancelled."""
    active: bool = True
    """Whether the account still works."""
    says: tuple[Claim, ...] = ()
    """What every source says that knows of it."""

    @property
    def decision(self) -> Decision | None:
        """Which source counts, and why."""
        return decide(self.says)


class Departure(Protocol):
    """What tells the departures of one person apart."""

    @property
    def person_id(self) -> str: ...
    @property
    def departure_id(self) -> str: ...
    @property
    def leaves_on(self) -> date: ...
    @property
    def state(self) -> str: ...


D = TypeVar("D", bound=Departure)


def departure_of(
    known: Iterable[D], person_id: str, *, last_on: date | None, departure_id: str = ""
) -> D | None:
    """Which of these departures an interview or a note of this person is about, however long past.

    That of its entry in the list, else the one nearest to its last day, not further than `SAME_DEPARTURE`;
    without a last day the first. One that was called off only where there is no other.
    """

    def is_entry(one: D) -> bool:
        return bool(departure_id) and one.departure_id == departure_id

    def away(one: D) -> timedelta:
        return abs(one.leaves_on - last_on) if last_on else one.leaves_on - date.min

    theirs = (one for one in known if one.person_id == person_id)
    near = [one for one in theirs if is_entry(one) or last_on is None or away(one) < SAME_DEPARTURE]
    return min(near, key=lambda one: (one.state == CANCELLED, not is_entry(one), away(one)), default=None)


def one_departure_each(
    listed: Iterable[Leaver],
    directory: Iterable[Leaver],
    *,
    accounts: Mapping[str, date] = MappingProxyType({}),
    today: date,
) -> list[Leaver]:
    """Everyone who leaves, once. What the list leaves empty the directory fills in.

    Departures long past are left out. Of several entries for one person the first to leave counts, and one
    that was called off only where there is no other. `accounts` are those switched off or deleted, with the
    day that was noticed: they say that somebody is gone where nothing else was known about them.
    """
    listed, directory = list(listed), list(directory)
    known: dict[str, Leaver] = {}
    for entry in sorted(listed, key=lambda one: (one.state == CANCELLED, one.leaves_on, one.departure_id)):
        if _is_recent(entry.leaves_on, today):
            known.setdefault(entry.person_id, entry)
    for found in sorted(directory, key=lambda one: one.leaves_on):
        if found.person_id in known:
            known[found.person_id] = filled_in(known[found.person_id], found)
        elif _is_recent(found.leaves_on, today):
            known[found.person_id] = found
    known_days: dict[str, list[date]] = {}
    for one in (*listed, *directory):
        known_days.setdefault(one.person_id, []).append(one.leaves_on)
    for person_id, since in accounts.items():
        claim = Claim(source=Source.ACCOUNT, leaves_on=since)
        if (leaver := known.get(person_id)) is not None:
            known[person_id] = replace(leaver, says=(*leaver.says, claim), active=False)
        elif _is_recent(since, today) and not any(
            abs(day - since) < SAME_DEPARTURE for day in known_days.get(person_id, ())
        ):
            known[person_id] = Leaver(person_id=person_id, leaves_on=since, active=False, says=(claim,))
    return list(known.values())


def _is_recent(day: date, today: date) -> bool:
    return day + GONE_WITHIN >= today


def filled_in(listed: Leaver, found: Leaver) -> Leaver:
    """The entry of the list with what the directory knows besides."""
    says = (*listed.says, *found.says)
    decision = decide(says)
    return replace(
        listed,
        leaves_on=(decision and decision.counts.leaves_on) or listed.leaves_on,
        office=listed.office or found.office,
        post=listed.post or found.post,
        supervisor_id=listed.supervisor_id or found.supervisor_id,
        active=found.active,
        says=says,
    )


def due_leavers(leavers: Iterable[Leaver], *, today: date) -> list[Leaver]:
    """The leavers to ask now, the earliest last day first, and only those whose account works."""
    near = (one for one in leavers if one.leaves_on - HORIZON <= today <= one.leaves_on + GONE_WITHIN)
    asked = (one for one in near if one.state in {"planned", "invited"})
    return sorted((one for one in asked if one.active), key=lambda one: (one.leaves_on, one.person_id))
