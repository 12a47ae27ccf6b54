"""Once a day: gaps of those who left without an interview, who is around each handover, and the reminders."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from km365.core.departures import CANCELLED, GONE_WITHIN, Leaver, Source
from km365.core.gaps import Gap, moved, to_tell
from km365.core.interviews import InterviewState
from km365.core.languages import best
from km365.core.preferences import Asked
from km365.core.schedule import Hours, day_at
from km365.graph import people
from km365.graph.people import Person
from km365.services import calendar, departures, flows, gaps
from km365.services.accounts import at_work
from km365.services.departure_moves import campaign_of
from km365.services.gaps import GapDesk
from km365.services.leave import on_leave
from km365.services.prompts import SEND_MESSAGE, has_room
from km365.store import gaps as store
from km365.store import interviews, outbox, preferences
from km365.store.database import Connection
from km365.store.gaps import Handover
from km365.store.outbox import Message

JOB = "handover-gaps"
"""The job that looks at gaps; the scan of the calendar asks for it, once it is known whom campaigns ask."""
CARD = "open_gaps"
"""The card that says that gaps are open; which, whoever may read them sees when it is opened."""
_UNDER_WAY = frozenset(
    {
        InterviewState.CONSENTING,
        InterviewState.OPEN,
        InterviewState.PAUSED,
        InterviewState.DRAFT,
        InterviewState.SENDING,
    }
)


async def look(desk: GapDesk, hours: Hours, *, at: datetime, dry_run: bool = False) -> int:
    """Finds, refreshes and tells; counts the messages. Repeatable: what is told has a key of its day.

    Whose week has no room, or who is on leave, is looked at again the next day. With `dry_run` it only counts
    messages about gaps that are kept already. Needs what `departures.known` needs, and Presence.Read.All.
    """
    if not dry_run:
        await _find_gone(desk, at=at)
    theirs = await _refresh(desk, dry_run=dry_run)
    away = await on_leave(desk.graph, desk.db, theirs, now=at)
    count = 0
    for owner_id in sorted(set(theirs) - away):
        owner = await at_work(desk.graph, owner_id)
        if owner is not None:
            work = partial(_tell, desk=desk, owner=owner, open_=theirs[owner_id], hours=hours, at=at)
            count += await flows.run(desk.db, work, dry_run=dry_run)
    return count


async def _find_gone(desk: GapDesk, *, at: datetime) -> None:
    """Keeps the gaps of those whose last day has passed without an interview, the day after."""
    today = day_at(at, calendar.hours_of(desk.settings))
    names = await calendar.directory(desk.graph)
    known = await departures.known(desk.graph, desk.db, desk.settings, names, now=at, today=today)
    for leaver in known.leavers:
        if not _is_gone(leaver, today=today):
            continue
        wanted, campaign_id = await desk.db.run(_has_none, leaver, today=today)
        if wanted:
            manager = None if leaver.supervisor_id else await people.get_manager(desk.graph, leaver.person_id)
            handover = Handover(
                person_id=leaver.person_id,
                last_on=leaver.leaves_on,
                post=leaver.post,
                office=leaver.office,
                supervisor_id=leaver.supervisor_id or (manager.id if manager else ""),
                successor_id=leaver.successor_id,
            )
            await gaps.gone(desk, handover, campaign_id=campaign_id, at=at)


def _is_gone(leaver: Leaver, *, today: date) -> bool:
    """Whether somebody said that they leave, the day has passed, and no note was filed."""
    confirmed = leaver.decision is not None and leaver.decision.counts.source is not Source.ACCOUNT
    return confirmed and leaver.leaves_on < today and leaver.state not in {CANCELLED, "note filed"}


def _has_none(c: Connection, leaver: Leaver, *, today: date) -> tuple[bool, str]:
    """Whether no gaps are kept yet, and nothing was or is being written; and the campaign's id."""
    campaign = campaign_of(c, leaver.person_id, leaver.leaves_on, today=today)
    campaign_id = campaign.id if campaign else ""
    keys = [f"{campaign_id}:{leaver.person_id}"] if campaign else []
    states = {InterviewState(one.state) for one in interviews.by_keys(c, keys)}
    waits = bool(states & _UNDER_WAY) and today < leaver.leaves_on + GONE_WITHIN
    written = InterviewState.FINISHED in states
    known = store.of_person(c, leaver.person_id, leaver.leaves_on) is not None
    return not (waits or written or known), campaign_id


async def _refresh(desk: GapDesk, *, dry_run: bool) -> dict[str, list[Gap]]:
    """The open gaps by owner, after what is kept of who is around each handover was brought up to date."""
    waiting = await desk.db.run(store.open_)
    known = await gaps.what_is_known(desk, {one for one, _ in waiting})
    theirs: dict[str, list[Gap]] = defaultdict(list)
    for person_id, last_on in waiting:
        kept = await desk.db.run(store.of_person, person_id, last_on)
        around = await gaps.look_around(desk, kept[0], known) if kept else None
        if kept is None or around is None:
            continue
        now, circle = around
        if now != kept[0] and not dry_run:
            await desk.db.run(_bring_up, last_on, now)
        for one in kept[1]:
            if one.is_open and (owner := circle.owner_of(one)):
                theirs[owner].append(one)
    return theirs


def _bring_up(c: Connection, last_on: date, now: Handover) -> None:
    """Keeps who is around it now, and the last day; what people said of the gaps meanwhile stays."""
    if kept := store.of_person(c, now.person_id, last_on):
        before, found = kept
        store.save(c, now, [moved(one, now.last_on - before.last_on) for one in found])


def _tell(
    c: Connection, *, desk: GapDesk, owner: Person, open_: Sequence[Gap], hours: Hours, at: datetime
) -> bool:
    """Puts the message, where the owner is to hear of something and their week has room."""
    prefix = f"{CARD}:{owner.id}:"
    told = [one.created_at for one in outbox.list_(c, prefix=prefix, person_id=owner.id)]
    today = day_at(at, hours)
    count = to_tell(open_, told_at=max(told, default=None), at=at, today=today)
    if not count or preferences.get(c, owner.id).asked is Asked.NONE:
        return False
    if not has_room(c, owner.id, hours, per_week=desk.settings.prompts_per_week, at=at):
        return False
    message = Message(
        key=f"{prefix}{today}",
        person_id=owner.id,
        card=CARD,
        data={"count": count},
        language=best([owner.language]),
        reason=CARD,
    )
    if not outbox.put(c, message, at=at):
        return False
    desk.jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
    return True
