"""What a person chose of km365's messages, changed and kept to, and what waits for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core.asking import RuleWords, read_rule, speaks_of
from km365.core.interviews import WAITING, Interview
from km365.core.preferences import Asked, Preferences, hours_for, may_ask
from km365.core.schedule import (
    Hours,
    Milestone,
    Outcome,
    day_at,
    is_too_late,
    next_open,
    sort_milestones,
)
from km365.errors import GraphError
from km365.graph import people
from km365.graph.client import Graph
from km365.services import interview as service
from km365.services.calendar import colleague, hours_of, milestones
from km365.settings import Settings
from km365.store import (
    campaigns,
    conversations,
    duty_stations,
    events,
    interviews,
    outbox,
    preferences,
    pushes,
)
from km365.store.campaigns import Campaign, Prompt
from km365.store.database import Connection, Database
from km365.store.outbox import Delivery, Message

ANSWERS = frozenset({"handed_on", "not_handed_on", "wish_settled", "group_summary"})
"""The cards that answer what a person, or a group, has just done; they may come while they are there."""
PRESENT = timedelta(minutes=15)
"""How long after their last word a person is taken to be there."""
_OPTED_OUT = "the person wants no such messages"
_LEFT_ALONE = "nothing further is asked of the person now"


@dataclass(frozen=True, kw_only=True)
class Coming:
    """What waits for a person: a campaign that asks or will ask, or an interview left open. One is set.

    `at` is when the next message about it comes, None where none does.
    """

    campaign: Campaign | None = None
    interview: Interview | None = None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A person's choices, the hours they come to, and what waits, the next message first."""

    wanted: Preferences
    hours: Hours
    waiting: tuple[Coming, ...]


async def overview(db: Database, hours: Hours, person_id: str, *, now: datetime) -> Overview:
    """What the person chose and what waits for them. `hours` are those that are set."""
    return await db.run(_overview, hours, person_id, now=now)


async def change(
    db: Database,
    hours: Hours,
    person_id: str,
    to: Callable[[Preferences], Preferences],
    *,
    now: datetime,
) -> Overview:
    """Keeps what `to` makes of the person's choices, and carries it out at once.

    What may not be asked any more is called off; what may be asked again is taken up where it was, if there
    is time. Doing it twice changes nothing more.
    """
    return await db.run(_change, hours, person_id, to, now=now)


def without_lessons(before: Preferences) -> Preferences:
    """The same choices, and no lessons that the person did not ask for."""
    return replace(before, lessons=False)


async def next_milestone(
    graph: Graph, settings: Settings, words: RuleWords, person_id: str, *, now: datetime
) -> Milestone | None:
    """The next milestone that will ask this person and has not begun to; None where none is planned.

    None too where SharePoint or the directory cannot be read now. Needs Sites.Selected and User.Read.All.
    """
    today = day_at(now, hours_of(settings))
    try:
        person = await people.get_person(graph, person_id)
        later = sort_milestones(await milestones(graph, settings), today=today).later
    except GraphError:
        return None
    asked = colleague(person)
    rules = ((one, read_rule("\n".join(one.asked), words=words, office=one.office)) for one in later)
    return next((one for one, rule in rules if speaks_of(rule, asked)), None)


def opens_at(c: Connection, message: Message, hours: Hours, *, at: datetime) -> datetime:
    """The first moment at or after `at` at which the message may be sent to its reader."""
    if message.card == service.RESUME:
        return at  # the person chose the moment
    if message.card in ANSWERS:
        address = conversations.address_of(c, message.person_id)
        if address is not None and at - address.heard_at <= PRESENT:
            return at
    return next_open(at, hours_of_person(c, message.person_id, hours))


def hours_of_person(c: Connection, person_id: str, hours: Hours) -> Hours:
    """When this person may be written to: what they chose, else the hours of their office, else `hours`."""
    return hours_for(preferences.get(c, person_id), hours.of(duty_stations.office_of(c, person_id)))


async def leave_alone(db: Database, person_id: str, *, now: datetime) -> None:
    """Asks a person nothing further of what they have been asked, and reminds them of nothing."""

    def stop(c: Connection) -> None:
        for _, campaign in campaigns.of(c, person_id):
            campaigns.stop(c, person_id, campaign.id, outcome=Outcome.CLOSED, at=now)
        _cancel_reminders(c, person_id, note=_LEFT_ALONE, now=now)

    await db.run(stop)


def _cancel_reminders(c: Connection, person_id: str, *, note: str, now: datetime) -> None:
    for row in outbox.list_(c, state=Delivery.WAITING, person_id=person_id):
        if row.message.card == service.RESUME:
            outbox.cancel(c, row.message.key, note=note, at=now)


def _change(
    c: Connection,
    hours: Hours,
    person_id: str,
    to: Callable[[Preferences], Preferences],
    *,
    now: datetime,
) -> Overview:
    before = preferences.get(c, person_id)
    after = to(before)
    if after != before:
        preferences.put(c, person_id, after, at=now)
    if not after.takes_lessons:
        _cancel_lessons(c, person_id, now=now)
    if after.asked is not before.asked:
        what = {"from": before.asked.value, "to": after.asked.value}
        events.append(c, kind="asking changed", subject=person_id, who=person_id, what=what, at=now)
        _call_off(c, person_id, after, now=now)
        _take_up(c, person_id, after, hours_of_person(c, person_id, hours), now=now)
    _free_what_may_come(c, person_id, hours_of_person(c, person_id, hours), now=now)
    return _overview(c, hours, person_id, now=now)


def _cancel_lessons(c: Connection, person_id: str, *, now: datetime) -> None:
    for row in outbox.list_(c, state=Delivery.WAITING, person_id=person_id):
        if row.message.reason == pushes.REASON:
            outbox.cancel(c, row.message.key, note=_OPTED_OUT, at=now)


def _call_off(c: Connection, person_id: str, wanted: Preferences, *, now: datetime) -> None:
    """Ends the person's part in what may not ask them any more, reminders they once asked for included."""
    for prompt, campaign in campaigns.of(c, person_id):
        if not may_ask(campaign.kind, wanted.asked, sent=prompt.progress.sent):
            out = replace(prompt.progress, state=Outcome.OPTED_OUT, next_at=None)
            campaigns.save(c, replace(prompt, progress=out), at=now)
            outbox.cancel(c, prompt.key, note=_OPTED_OUT, at=now)
    if wanted.asked is Asked.NONE:
        _cancel_reminders(c, person_id, note=_OPTED_OUT, now=now)


def _take_up(c: Connection, person_id: str, wanted: Preferences, hours: Hours, *, now: datetime) -> None:
    """Goes on asking where the person may be asked again and it is of use."""
    for prompt, campaign in campaigns.of(c, person_id, state=Outcome.OPTED_OUT):
        stands = prompt.progress
        late = is_too_late(stands, campaign.plan, campaign.due_on, now, hours)
        if may_ask(campaign.kind, wanted.asked, sent=stands.sent) and not late:
            back = replace(stands, state=Outcome.OPEN, next_at=next_open(now, hours))
            campaigns.save(c, replace(prompt, progress=back), at=now)


def _free_what_may_come(c: Connection, person_id: str, hours: Hours, *, now: datetime) -> None:
    """Messages that wait for the reader's hours wait for the new ones."""
    for row in outbox.list_(c, state=Delivery.WAITING, person_id=person_id):
        if row.note == outbox.QUIET:
            outbox.hold(c, row.message.key, at=now, due_at=next_open(now, hours), note=outbox.QUIET)


def _overview(c: Connection, hours: Hours, person_id: str, *, now: datetime) -> Overview:
    wanted = preferences.get(c, person_id)
    theirs = hours_of_person(c, person_id, hours)
    rows = outbox.list_(c, state=Delivery.WAITING, person_id=person_id)

    def due(prefix: str) -> datetime | None:
        mine = [row.due_at for row in rows if row.message.key == prefix or _under(row.message.key, prefix)]
        return next_open(max(min(mine), now), theirs) if mine else None

    asked = [
        Coming(campaign=campaign, at=due(prompt.key) or _reminder(prompt, campaign, theirs, now))
        for prompt, campaign in campaigns.of(c, person_id)
    ]
    left = [
        Coming(interview=found, at=due(f"{service.RESUME}:{found.id}"))
        for stored in interviews.open_for(c, person_id)
        for found in (service.load(c, stored.id),)
        if found.state in WAITING
    ]
    waiting = sorted([*asked, *left], key=lambda one: (one.at is None, one.at or now))
    return Overview(wanted=wanted, hours=theirs, waiting=tuple(waiting))


def _under(key: str, prefix: str) -> bool:
    return key.startswith(f"{prefix}:")


def _reminder(prompt: Prompt, campaign: Campaign, hours: Hours, now: datetime) -> datetime | None:
    """When the next message of the campaign comes; None after the last, and while it is paused."""
    stands = prompt.progress
    if campaign.state == "paused" or stands.next_at is None or stands.sent >= len(campaign.plan.days):
        return None
    return next_open(max(stands.next_at, now), hours)
