"""Asks those who are in a campaign: the step of every minute decides who is due, and puts it in the outbox.

What is decided and what is to be sent are written in one transaction, with keys that never repeat, so a
restart at any moment asks nobody twice and forgets nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core import schedule
from km365.core.preferences import Asked, hours_for, may_ask, waits_for_return
from km365.core.schedule import PER_WEEK, Act, Before, Hours, Outcome, Progress
from km365.graph.client import Graph
from km365.jobs import Jobs
from km365.services import calendar_moves, flows
from km365.services.leave import on_leave
from km365.services.preferences import hours_of_person
from km365.store import campaigns, cursors, duty_stations, outbox, preferences
from km365.store.campaigns import Campaign, Prompt
from km365.store.database import Connection, Database
from km365.store.outbox import Delivery, Message, Sent

SEND_MESSAGE = "send_message"
"""The job that sends one message of the outbox; the bots service does it."""
SEND_DUE = "send_due"
"""The job that sends everything that is due: for many at once, of whom each would need a job of its own."""
LAST_PROMPTS = "flow:prompts"
"""The bookmark of the last minute people were looked at."""
_EVERYONE = 100_000


async def send_due(
    db: Database,
    jobs: Jobs,
    hours: Hours,
    *,
    graph: Graph | None = None,
    per_week: int = PER_WEEK,
    now: datetime,
) -> int:
    """Takes everyone who is due their next step, puts what is to be sent in the outbox and counts it.

    Nobody gets more than `per_week` of these in seven days, whatever comes together; whoever is on leave, as
    `graph` says, is looked at again the next day. A message whose job is lost is found in the outbox by the
    bot service, every minute.
    """
    if await db.run(flows.paused_since, "prompts"):
        return 0
    count = 0
    while True:
        due = await db.run(campaigns.people_due, at=now) if graph else ()
        away = await on_leave(graph, db, due, now=now) if graph else frozenset()
        looked, put = await db.run(_advance, jobs, hours, per_week=per_week, away=away, now=now)
        count += put
        if not looked:
            break
    await db.run(cursors.put, LAST_PROMPTS, now.isoformat(timespec="minutes"), at=now)
    return count


def has_room(c: Connection, person_id: str, hours: Hours, *, per_week: int, at: datetime) -> bool:
    """Whether the limits of a day and a week leave room to ask the person one thing more now.

    What a campaign will ask them within a week comes first, and counts as asked.
    """
    steps = (one.progress.next_at for one, _ in campaigns.of(c, person_id))
    planned = [max(at, next_at) for next_at in steps if next_at and next_at < at + schedule.WEEK]
    moments = campaigns.asked(c, [person_id], at=at)[person_id]
    before = Before(moments=[*moments, *planned], per_week=per_week)
    return before.free_at(at, hours_of_person(c, person_id, hours)) <= at


async def would_send(
    db: Database, jobs: Jobs, hours: Hours, *, graph: Graph, per_week: int, now: datetime
) -> int:
    """How many messages `send_due` would put in the outbox now; nothing is changed."""
    due = await db.run(campaigns.people_due, at=now, limit=_EVERYONE)
    away = await on_leave(graph, db, due, now=now)

    def every_portion(c: Connection) -> int:
        count = 0
        while (portion := _advance(c, jobs, hours, per_week=per_week, away=away, now=now))[0]:
            count += portion[1]
        return count

    return await db.run(flows.rehearse, every_portion)


@dataclass(frozen=True, kw_only=True)
class _Portion:
    """What is known of the people of a portion: who is away, where each works, when each was asked."""

    usual: Hours
    away: frozenset[str]
    offices: Mapping[str, str]
    moments: Mapping[str, list[datetime]]
    per_week: int


def _advance(
    c: Connection,
    jobs: Jobs,
    hours: Hours,
    *,
    per_week: int,
    away: frozenset[str] = frozenset(),
    now: datetime,
) -> tuple[int, int]:
    """One portion of the people who are due: how many were looked at, how many messages that made."""
    due = campaigns.due(c, at=now)
    people = {prompt.person_id for prompt, _ in due}
    portion = _Portion(
        usual=hours,
        away=away,
        offices=duty_stations.offices_of(c, people),
        moments=campaigns.asked(c, people, at=now),
        per_week=per_week,
    )
    count, moved = 0, []
    for prompt, campaign in due:
        after, wanted = _next_step(c, prompt, campaign, portion, now=now)
        if wanted is not None and outbox.put(c, wanted, at=now):
            portion.moments[prompt.person_id].append(now)
            count += 1
        moved.append(replace(prompt, progress=after))
    campaigns.save(c, *moved, at=now)
    if count:
        jobs.enqueue(c, SEND_DUE, key=SEND_DUE, args={})
    return len(due), count


def _next_step(
    c: Connection, prompt: Prompt, campaign: Campaign, portion: _Portion, *, now: datetime
) -> tuple[Progress, Message | None]:
    """Where the person stands now, and the message to be sent to them, if one is."""
    stands, person_id = prompt.progress, prompt.person_id
    last = outbox.get(c, schedule.message_key(prompt.key, stands.sent)) if stands.sent else None
    if last is not None and last.state is Delivery.UNREACHABLE:
        return replace(stands, state=Outcome.UNREACHABLE, next_at=None), None
    wanted = preferences.get(c, person_id)
    if not may_ask(campaign.kind, wanted.asked, sent=stands.sent):
        return replace(stands, state=Outcome.OPTED_OUT, next_at=None), None
    hours = hours_for(wanted, portion.usual.of(portion.offices[person_id]))
    if last is not None and last.state in {Delivery.WAITING, Delivery.SENDING}:
        return _still_waiting(c, stands, campaign, last, hours, now=now), None
    left = campaign.due_on - schedule.day_at(now, hours)
    waits = waits_for_return(campaign.kind, sent=stands.sent, left=left)
    act, after = schedule.step(
        stands,
        campaign.plan,
        now,
        hours,
        due_on=campaign.due_on,
        before=Before(moments=portion.moments[person_id], per_week=portion.per_week),
        away=waits and person_id in portion.away,
    )
    if act not in {Act.INVITE, Act.REMIND}:
        return after, None
    reached = sum(not calendar_moves.not_sent(c, prompt, number) for number in range(1, after.sent))
    message = _message(campaign, prompt, after.sent, reminder=reached)
    if campaign.after_leaving(schedule.day_at(now, hours)):
        message = replace(message, data=message.data | {"gone": True})
    if wanted.asked is Asked.NONE:
        message = replace(message, data=message.data | {"once": True})
    return after, message


def _still_waiting(
    c: Connection, progress: Progress, campaign: Campaign, last: Sent, hours: Hours, *, now: datetime
) -> Progress:
    """Looks again tomorrow, for a reminder of nothing helps nobody; too late, it calls the message off."""
    if not schedule.is_too_late(progress, campaign.plan, campaign.due_on, now, hours):
        return replace(progress, next_at=schedule.next_open(now + timedelta(days=1), hours))
    why = f"not delivered while there was time. {last.note or ''}".strip()
    outbox.cancel(c, last.message.key, note=why, at=now)
    return replace(progress, state=Outcome.CLOSED, next_at=None)


def _message(campaign: Campaign, prompt: Prompt, number: int, *, reminder: int) -> Message:
    """The person's message of that number; `reminder` counts those that were not called off before it."""
    return Message(
        key=schedule.message_key(prompt.key, number),
        person_id=prompt.person_id,
        card="handover_invitation" if campaign.kind == "departure" else "invitation",
        data=campaign.data
        | {"subject": campaign.id, "due_on": campaign.due_on.isoformat(), "reminder": reminder},
        language=prompt.language,
        reason=campaign.kind,
    )
