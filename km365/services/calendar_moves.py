"""What a milestone that was moved, called off or given other people does to what is pending about it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from km365.core import schedule
from km365.core.schedule import Calendar, Hours, Milestone, Outcome
from km365.store import campaigns, events, outbox
from km365.store.campaigns import Campaign, Prompt
from km365.store.database import Connection
from km365.store.outbox import Delivery
from km365.store.rescheduled import reschedule

_HELD = timedelta(days=1)
"""What waits longer than this was put off; what waits less waits for an evening or a throttled service."""


def called_off(c: Connection, planned: Calendar) -> Mapping[str, str]:
    """The campaigns of milestones that ask nobody any more, with the reason.

    One whose day has merely passed goes on to its last reminder; one moved to a day long past does not.
    """
    every = (*planned.due, *planned.later, *planned.over, *planned.undated)
    listed = {one.subject: one for one in every}
    passed = {one.subject for one in planned.over}
    found = {}
    for campaign in campaigns.asking(c, kind="milestone"):
        milestone = listed.get(campaign.id)
        if milestone is None:
            found[campaign.id] = "the milestone is no longer in the list"
        elif milestone.is_over:
            found[campaign.id] = f"the milestone is {milestone.state}"
        elif milestone.due_on is None:
            found[campaign.id] = "the milestone has no date any more"
        elif campaign.id in passed and milestone.due_on != campaign.due_on:
            found[campaign.id] = "the milestone was moved to a day that has passed"
    return found


def put_off(c: Connection, later: Iterable[Milestone], hours: Hours, *, who: str, now: datetime) -> None:
    """Milestones moved to a later day invite and remind nobody before the new day is near.

    What waits in the outbox waits on and says the new day.
    """
    for one in later:
        before = campaigns.get(c, one.subject)
        asks = before is not None and before.state in campaigns.ASKING
        if one.due_on is None or before is None or not asks or before.due_on == one.due_on:
            continue
        until = schedule.next_open(schedule.midnight(one.due_on - schedule.LEAD, hours), hours)
        after = replace(before, due_on=one.due_on)
        campaigns.postpone(c, one.subject, due_on=one.due_on, until=until, at=now)
        carry(c, after, now=now, not_before=until)
        note(c, before, after, who=who, now=now)


def move(c: Connection, before: Campaign, after: Campaign, hours: Hours, *, who: str, now: datetime) -> None:
    """The campaign was given another day, title or kind while it asks: what waits says so.

    Whoever was put off for longer than the new day allows is taken up again as the plan has it.
    """
    carry(c, after, now=now, not_before=None)
    if before.due_on == after.due_on:
        return
    for prompt in campaigns.people(c, after.id):
        stands = prompt.progress
        if stands.state is not Outcome.OPEN or stands.next_at is None:
            continue
        soonest = schedule.next_step_at(stands, after.plan, now, hours)
        if soonest < stands.next_at:
            campaigns.save(c, replace(prompt, progress=replace(stands, next_at=soonest)), at=now)
    note(c, before, after, who=who, now=now)


def take_up(c: Connection, campaign_id: str, hours: Hours, *, now: datetime) -> None:
    """A campaign that was called off goes on: whoever was not reached because of that is asked now."""
    campaigns.reopen(c, campaign_id, at=now)
    for prompt in campaigns.people(c, campaign_id):
        stands = prompt.progress
        if stands.state is Outcome.OPEN and stands.sent and not_sent(c, prompt, stands.sent):
            soon = replace(stands, next_at=schedule.next_open(now, hours))
            campaigns.save(c, replace(prompt, progress=soon), at=now)


def take_out(c: Connection, people: Iterable[Prompt], *, now: datetime) -> None:
    """These are no longer among those asked: nothing more is sent to them, nor what still waits."""
    for prompt in people:
        out = replace(prompt.progress, state=Outcome.TAKEN_OUT, next_at=None, why=None)
        campaigns.save(c, replace(prompt, progress=out), at=now)
        outbox.cancel(c, prompt.key, note="the person is no longer among those asked", at=now)


def take_back(
    c: Connection, people: Iterable[Prompt], campaign: Campaign, hours: Hours, *, now: datetime
) -> None:
    """These are among those asked again: they go on where they were, if it is of use."""
    for prompt in people:
        stands = replace(prompt.progress, state=Outcome.OPEN)
        if schedule.is_too_late(stands, campaign.plan, campaign.due_on, now, hours):
            continue
        missed = stands.sent and not_sent(c, prompt, stands.sent)
        soonest = now if missed else schedule.next_step_at(stands, campaign.plan, now, hours)
        campaigns.save(c, replace(prompt, progress=replace(stands, next_at=soonest)), at=now)


def not_sent(c: Connection, prompt: Prompt, number: int) -> bool:
    """Whether the person's message of that number, from 1, was called off before it was sent."""
    row = outbox.get(c, schedule.message_key(prompt.key, number))
    return row is not None and row.state is Delivery.CANCELLED


def carry(c: Connection, after: Campaign, *, now: datetime, not_before: datetime | None) -> None:
    """Gives what waits in the outbox the data of the campaign, and has it wait for `not_before`."""
    data = after.data | {"due_on": after.due_on.isoformat()}
    for prompt in campaigns.people(c, after.id):
        if prompt.progress.state is Outcome.OPEN:
            reschedule(c, prompt.key, data, at=now, not_before=not_before, not_after=now + _HELD)


def note(c: Connection, before: Campaign, after: Campaign, *, who: str, now: datetime) -> None:
    """Records that the campaign was given another day."""
    what = {"from": before.due_on.isoformat(), "to": after.due_on.isoformat()}
    events.append(c, kind="campaign moved", subject=after.id, who=who, what=what, at=now)
