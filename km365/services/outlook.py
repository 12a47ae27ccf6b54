"""Keeps a whole-day event for each milestone in the Outlook calendar of one mailbox, that of the settings.

What is about to be made is written down before it is asked for, with a transaction id made from the
milestone's; so a process that is killed at any moment makes nothing twice. An event that is not in our table
is never touched, and nothing is read from the calendar.
"""

import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from km365.core.languages import best
from km365.core.outlook import CallOff, Change, Event, Finish, Kept, Make, State, next_step
from km365.core.schedule import Milestone
from km365.documents.calendar_words import CalendarWords
from km365.errors import GraphError, GraphNotFound, InputRefused
from km365.graph import events, people
from km365.graph.client import Graph
from km365.services import calendar
from km365.settings import Settings
from km365.store import cursors
from km365.store import outlook as store
from km365.store.database import Database
from km365.templates import Templates

JOB = "outlook"
"""The job that keeps the events; a scan of the calendar asks for it."""
LAST_RUN = "flow:outlook"


@dataclass(frozen=True, kw_only=True)
class Report:
    """How many events were made, changed and taken out, or with a dry run would be.

    `deleted` have none because somebody deleted it in Outlook; `problems` are those that Graph refused.
    """

    made: int
    changed: int
    called_off: int
    deleted: int
    problems: tuple[str, ...]


async def keep(
    graph: Graph, db: Database, settings: Settings, *, now: datetime, dry_run: bool = False
) -> Report:
    """Makes, changes and takes out events until they are as the *Milestones* list says.

    Doing it again changes nothing and asks Graph for nothing but the list. Needs Calendars.ReadWrite on the
    mailbox. Raises InputRefused where no mailbox is set, GraphNotFound where it does not exist.
    """
    mailbox = settings.calendar_mailbox.strip().lower()
    if not mailbox:
        raise InputRefused("No mailbox is set whose calendar shows the milestones; set calendar_mailbox.")
    keeper = Keeper(graph, db, mailbox, settings.knowledge_site, dry_run)
    language = best([(await people.get_person(graph, mailbox)).language])
    words = CalendarWords(Templates(settings.templates or None))
    wanted = {
        one.id: event
        for one in await calendar.milestones(graph, settings)
        if (event := event_of(one, words, language=language, time_zone=settings.time_zone))
    }
    known = await db.run(store.list_, mailbox)
    for milestone_id in [*wanted, *(known.keys() - wanted.keys())]:
        await keeper.settle(milestone_id, known.get(milestone_id), wanted.get(milestone_id))
    if not dry_run:
        known = await db.run(store.list_, mailbox)
        await db.run(cursors.put, LAST_RUN, now.isoformat(timespec="minutes"), at=now)
    return Report(
        made=keeper.done[Make],
        changed=keeper.done[Change],
        called_off=keeper.done[CallOff],
        deleted=sum(known[one].state is State.DELETED for one in known.keys() & wanted.keys()),
        problems=tuple(keeper.problems),
    )


def event_of(one: Milestone, words: CalendarWords, *, language: str, time_zone: str) -> Event | None:
    """The event of the milestone in `language`; None where there is to be none."""
    if one.due_on is None or one.state == "cancelled":
        return None
    kind = words.kind(language, one.kind)
    facts = ((words.say(language, "column_kind"), kind), (words.say(language, "column_office"), one.office))
    about = [f"{heading}: {fact}" for heading, fact in facts if fact]
    return Event(
        title=one.title,
        day=one.due_on,
        time_zone=time_zone,
        kind=kind,
        about="\n".join([*about, one.web_url]).strip(),
    )


@dataclass
class Keeper:
    """Takes the steps, remembers each before the next, and counts those that ended well."""

    graph: Graph
    db: Database
    mailbox: str
    site: str
    dry_run: bool
    done: Counter[type[Make | Change | CallOff]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    async def settle(self, milestone_id: str, kept: Kept | None, wanted: Event | None) -> None:
        """Every step of one milestone or sitting; that Graph refuses one of them does not stop the others."""
        while step := next_step(kept, wanted):
            if self.dry_run:
                self.done[Make if isinstance(step, Finish) else type(step)] += 1
                return
            try:
                kept = await self._take(step, milestone_id)
            except GraphError as error:
                if error.status != 400:
                    raise
                self.problems.append(f"The event of milestone {milestone_id}: {error}")
                if isinstance(step, Finish):
                    await self.db.run(store.forget, self.mailbox, milestone_id)
                return
            await self.db.run(store.put, self.mailbox, milestone_id, kept)

    async def _take(self, step: Make | Finish | Change | CallOff, milestone_id: str) -> Kept:
        """Takes the step; what is known of the event afterwards."""
        match step:
            case Make(kept):
                return kept
            case Finish(kept):
                return await self._finish(kept, milestone_id)
            case Change(kept, event):
                try:
                    await events.change(self.graph, self.mailbox, kept.event_id, kept.event, event)
                except GraphNotFound as error:
                    return _deleted(kept, error)
                after = replace(kept, event=event)
            case CallOff(kept):
                try:
                    await events.delete(self.graph, self.mailbox, kept.event_id)
                except GraphNotFound as error:
                    _deleted(kept, error)  # somebody did it already
                after = replace(kept, state=State.CALLED_OFF, event_id="")
        self.done[type(step)] += 1
        return after

    async def _finish(self, kept: Kept, milestone_id: str) -> Kept:
        name = f"{self.site}/{milestone_id}/{kept.number}".lower()
        transaction_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        try:
            event_id = await events.make(self.graph, self.mailbox, kept.event, transaction_id=transaction_id)
        except GraphError as error:
            if error.code != events.MADE_OTHERWISE:
                raise
            return replace(kept, state=State.DELETED)  # made in another life of our database; people see it
        self.done[Make] += 1
        return replace(kept, state=State.THERE, event_id=event_id)


def _deleted(kept: Kept, error: GraphNotFound) -> Kept:
    """The event that somebody deleted. Raises the error where it is the mailbox that is not there."""
    if error.code != events.GONE:
        raise error
    return replace(kept, state=State.DELETED, event_id="")
