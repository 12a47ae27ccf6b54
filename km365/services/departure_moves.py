"""What a departure that was moved, called off or forgotten by all does to what is pending about it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from km365.core import schedule
from km365.core.departures import BANK, CANCELLED, GONE_WITHIN, HORIZON, SAME_DEPARTURE, Leaver, handover_plan
from km365.core.interviews import Interview, InterviewState
from km365.core.schedule import Hours, Outcome
from km365.core.sittings import rested, woken
from km365.services import calendar_moves
from km365.services import interview as service
from km365.services.departures import Departures
from km365.services.preferences import hours_of_person
from km365.store import campaigns, interviews
from km365.store.campaigns import Campaign
from km365.store.database import Connection

FILED = frozenset({InterviewState.SENDING, InterviewState.FINISHED})
"""A note of these is filed, or on its way."""
_SETTLED = frozenset({CANCELLED, "declined", "note filed"})


def campaign_of(c: Connection, person_id: str, leaves_on: date, *, today: date) -> Campaign | None:
    """The campaign about this departure, whatever day it began with, so that nobody is asked twice.

    That is one about a day near by; or one that still asks and whose day has not passed, for nobody leaves
    twice at a time, however far their last day was moved.
    """
    theirs = campaigns.of_person(c, person_id, kind="departure")
    near = [one for one in theirs if abs(one.due_on - leaves_on) < SAME_DEPARTURE]
    waiting = [one for one in theirs if one.state in campaigns.ASKING and one.due_on + GONE_WITHIN >= today]
    return next(iter(sorted(near, key=lambda one: abs(one.due_on - leaves_on)) or waiting), None)


def person_of(campaign: Campaign) -> str:
    """Whom the campaign of a departure is about."""
    return campaign.id.split(":")[1]


def called_off(c: Connection, found: Departures, *, today: date) -> Mapping[str, str]:
    """The campaigns of departures that ask nobody any more, with the reason.

    Where a source could not be read, silence about a person means nothing.
    """
    leavers = {one.person_id: one for one in found.leavers}
    over = {}
    for campaign in campaigns.asking(c, kind="departure"):
        leaver = leavers.get(person_of(campaign))
        if leaver is None:
            if found.complete and campaign.due_on >= today:
                over[campaign.id] = "nothing says any more that they leave"
        elif leaver.state in _SETTLED:
            over[campaign.id] = f"the departure is {leaver.state}"
        elif not leaver.active:
            over[campaign.id] = "the account does not work any more"
    return over


def put_off(c: Connection, leavers: Iterable[Leaver], hours: Hours, *, who: str, now: datetime) -> None:
    """Whose last day was moved far away is invited and reminded no more before the new day is near."""
    today = schedule.day_at(now, hours)
    known = {one.person_id: one for one in leavers if one.state not in _SETTLED}
    for before in campaigns.asking(c, kind="departure"):
        one = known.get(person_of(before))
        if one is None or before.due_on == one.leaves_on or before.due_on + GONE_WITHIN < today:
            continue
        asks_on = one.leaves_on - HORIZON
        if asks_on <= today:
            continue
        until = schedule.next_open(schedule.midnight(asks_on, hours), hours)
        after = replace(
            before,
            due_on=one.leaves_on,
            plan=handover_plan(one.leaves_on, today=asks_on),
            data=before.data | {"leaves_on": one.leaves_on.isoformat()},
        )
        campaigns.postpone(c, before.id, due_on=one.leaves_on, until=until, at=now)
        campaigns.change(c, after, at=now)
        calendar_moves.carry(c, after, now=now, not_before=until)
        calendar_moves.note(c, before, after, who=who, now=now)


def move(c: Connection, before: Campaign, after: Campaign, hours: Hours, *, who: str, now: datetime) -> None:
    """The last day was moved while somebody is asked: what follows keeps the distances of the new plan.

    What waits in the outbox says the new day.
    """
    calendar_moves.carry(c, after, now=now, not_before=None)
    for prompt in campaigns.people(c, after.id):
        stands = prompt.progress
        if stands.state is Outcome.OPEN and stands.next_at is not None:
            next_at = schedule.next_step_at(stands, after.plan, now, hours)
            campaigns.save(c, replace(prompt, progress=replace(stands, next_at=next_at)), at=now)
    calendar_moves.note(c, before, after, who=who, now=now)


def rest(c: Connection, campaign_id: str, *, now: datetime) -> None:
    """The departure was called off: its interview rests, and nobody is reminded of it."""
    if (talk := _talk(c, campaign_id)) is not None:
        service.replan(c, talk, rested(talk), now=now)


def wake(c: Connection, campaign_id: str, hours: Hours, *, now: datetime) -> None:
    """The departure is on again: its interview goes on where it was."""
    if (talk := _talk(c, campaign_id)) is not None:
        at = schedule.next_open(now, hours_of_person(c, talk.person_id, hours))
        service.replan(c, talk, woken(talk, at=at), now=now)


def _talk(c: Connection, campaign_id: str) -> Interview | None:
    kind, _, rest = campaign_id.partition(":")
    return interview_of(c, campaign_id, rest.split(":")[0]) if kind == "departure" else None


def interview_of(c: Connection, campaign_id: str, person_id: str) -> Interview | None:
    """The conversation about this departure; None before it has begun."""
    found = interviews.by_keys(c, [f"{campaign_id}:{person_id}"])
    return service.load(c, found[0].id) if found else None


def last_interview(c: Connection, person_id: str) -> Interview | None:
    """This person's interview about leaving that was touched last, with its words; None without one."""
    last = interviews.list_(c, person_id=person_id, bank_id=BANK, limit=1)
    return service.load(c, last[0].id) if last else None


def filed(c: Connection, person_id: str) -> Interview | None:
    """This person's last interview about leaving, where its note is filed; None while it is not."""
    talk = last_interview(c, person_id)
    return talk if talk is not None and talk.state in FILED else None
