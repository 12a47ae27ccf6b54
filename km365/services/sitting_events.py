"""The sittings of a handover in the Outlook calendar of the person, with their yes and only that long.

What is to stand there follows from the interview and is worked out anew every minute, so it moves with the
plan, and goes when the sitting was held, the departure is called off, or the person takes the yes back. What
was written is known from our table; nothing is read from the calendar (`services/outlook.py`).
"""

from datetime import datetime

from km365.core.interviews import WAITING
from km365.core.outlook import Event, Kept, next_step
from km365.core.schedule import Hours, day_at
from km365.core.sittings import left
from km365.documents.messages import Catalogue
from km365.errors import GraphError
from km365.graph.client import Graph
from km365.services import calendar
from km365.services.departure_moves import interview_of
from km365.services.outlook import Keeper
from km365.services.preferences import hours_of_person
from km365.settings import Settings
from km365.store import campaigns, cursors, preferences
from km365.store import outlook as store
from km365.store.database import Connection, Database
from km365.templates import Templates

JOB = "sittings"
"""The job that keeps the events; it is asked for while something is to be done about them."""

_TROUBLE = "sittings:trouble"
"""The bookmark of the hour in which a calendar could not be reached: it is tried again in the next."""
_Wanted = dict[str, dict[str, Event]]


async def keep(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> tuple[str, ...]:
    """Makes, moves and takes out events until they are as the sittings are; in words what Graph refused.

    Doing it again changes nothing. A calendar that cannot be reached stops no other. Needs
    Calendars.ReadWrite on the mailboxes of those who said yes.
    """
    words = Catalogue(Templates(settings.templates or None))
    wanted, known = await db.run(_look, words, calendar.hours_of(settings), now=now)
    problems = []
    for person_id, sittings in wanted.items():
        keeper = Keeper(graph, db, person_id, settings.knowledge_site, dry_run=False)
        kept = known[person_id]
        try:
            for name in [*sittings, *(kept.keys() - sittings.keys())]:
                await keeper.settle(name, kept.get(name), sittings.get(name))
        except GraphError as error:
            problems.append(f"A calendar did not take the sittings of a handover: {error.status}")
            await db.run(cursors.put, _TROUBLE, f"{now:%Y-%m-%dT%H}", at=now)
        problems += ["Graph refused an event of a sitting." for _ in keeper.problems]
        await db.run(_forget, person_id)
    return tuple(problems)


def is_due(c: Connection, settings: Settings, words: Catalogue, *, now: datetime) -> bool:
    """Whether an event is to be made, moved or taken out."""
    if cursors.get(c, _TROUBLE) == f"{now:%Y-%m-%dT%H}":
        return False
    wanted, known = _look(c, words, calendar.hours_of(settings), now=now)
    return any(
        next_step(known[person].get(name), sittings.get(name)) is not None
        for person, sittings in wanted.items()
        for name in known[person].keys() | sittings.keys()
    )


def _look(
    c: Connection, words: Catalogue, usual: Hours, *, now: datetime
) -> tuple[_Wanted, dict[str, dict[str, Kept]]]:
    """What is to stand in whose calendar, and what we know to stand there; days that have passed stay."""
    wanted: _Wanted = {}
    known: dict[str, dict[str, Kept]] = {}
    said_yes = preferences.with_calendar(c)
    for person_id in sorted(said_yes | store.with_sittings(c)):
        today = day_at(now, hours_of_person(c, person_id, usual))
        of_sittings = store.list_(c, person_id)
        known[person_id] = {
            name: one
            for name, one in of_sittings.items()
            if name.startswith(store.SITTING) and one.event.day >= today
        }
        wanted[person_id] = _events(c, words, person_id, usual, now=now) if person_id in said_yes else {}
    return wanted, known


def _events(
    c: Connection, words: Catalogue, person_id: str, usual: Hours, *, now: datetime
) -> dict[str, Event]:
    """The sittings to come of departures that are not called off, by their names."""
    found: dict[str, Event] = {}
    for campaign in campaigns.of_person(c, person_id, kind="departure"):
        talk = interview_of(c, campaign.id, person_id)
        if campaign.state not in campaigns.ASKING or talk is None or talk.state not in WAITING:
            continue
        hours = hours_of_person(c, person_id, usual.of(talk.office))
        say, today = words.get(talk.language).say, day_at(now, hours)
        for number, part in enumerate(talk.parts, start=1):
            open_ = left(talk, (part,))
            if part.on < today or not open_:
                continue
            found[f"{store.SITTING}{campaign.id}:{number}"] = Event(
                title=say("sittings.event", number=number, count=len(talk.parts)),
                day=part.on,
                time_zone=str(hours.zone),
                kind="",
                about=say("sittings.event_about", n=len(open_[0].questions)),
            )
    return found


def _forget(c: Connection, person_id: str) -> None:
    """Of an interview that was erased nothing is known once its events are taken out."""
    for name, kept in store.list_(c, person_id).items():
        campaign_id = name.removeprefix(store.SITTING).rpartition(":")[0]
        if kept.event_id or not name.startswith(store.SITTING):
            continue
        if interview_of(c, campaign_id, person_id) is None:
            store.forget(c, person_id, name)
