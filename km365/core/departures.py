"""Who leaves and when, what notice there is, and so what they are asked and when.

Values in, values out; a day is the day at the duty station.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

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


@dataclass(frozen=True, kw_only=True)
class Leaver:
    """Somebody who leaves a post. `departure_id` is the item of the *Departures* list, empty without one."""

    person_id: str
    leaves_on: date
    departure_id: str = ""
    post: str = ""
    office: str = ""
    successor_id: str = ""
    supervisor_id: str = ""
    state: str = "planned"
    """As in the list: planned, invited, in interview, note filed, declined or cancelled."""
    active: bool = True
    """Whether the account still works."""


def one_departure_each(listed: Iterable[Leaver], directory: Iterable[Leaver], *, today: date) -> list[Leaver]:
    """Everyone who leaves, once. Where both know a person the list decides, because people keep it for this.

    Departures long past are left out; of several entries for one person the one that leaves first counts.
    What the list leaves empty the directory fills in.
    """
    recent = [one for one in listed if one.leaves_on + GONE_WITHIN >= today]
    known: dict[str, Leaver] = {}
    for leaver in sorted(recent, key=lambda one: (one.leaves_on, one.departure_id)):
        known.setdefault(leaver.person_id, leaver)
    for found in sorted(directory, key=lambda one: one.leaves_on):
        mine = known.setdefault(found.person_id, found)
        known[found.person_id] = replace(
            mine,
            office=mine.office or found.office,
            post=mine.post or found.post,
            supervisor_id=mine.supervisor_id or found.supervisor_id,
            active=found.active,
        )
    return list(known.values())


def due_leavers(leavers: Iterable[Leaver], *, today: date) -> list[Leaver]:
    """The leavers to ask now, the earliest last day first; one who has left only while the account works."""
    near = (one for one in leavers if one.leaves_on - HORIZON <= today <= one.leaves_on + GONE_WITHIN)
    asked = (one for one in near if one.state in {"planned", "invited"})
    able = (one for one in asked if one.active or one.leaves_on >= today)
    return sorted(able, key=lambda one: (one.leaves_on, one.person_id))
