"""How far what was captured has come: the list says what was reached, our records when.

Nothing here says who: people are counted, and small numbers are not told (`core.loop`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from km365.core.calendar_filter import fits
from km365.core.departures import CANCELLED
from km365.core.interviews import InterviewState
from km365.core.knowledge import from_fields
from km365.core.loop import COUNTED, By, Captured, Counted, Followed, Loop, People, follow, months, table
from km365.core.moves import Move
from km365.core.schedule import Hours, day_at
from km365.core.schema import DEPARTURES
from km365.core.standing import Stand
from km365.core.tag_plan import list_container
from km365.documents.duty_stations import regions
from km365.graph import lists
from km365.graph.client import Graph
from km365.services import calendar
from km365.services.capture import knowledge_list
from km365.services.search_index import LIST_READ
from km365.services.search_shelving import captured
from km365.settings import Settings
from km365.store import campaigns, cursors, interviews, loop_items, moves, reads, standing, used
from km365.store.database import Connection, Database
from km365.templates import Templates


async def loop(
    graph: Graph,
    db: Database,
    settings: Settings,
    templates: Templates,
    *,
    by: By,
    first: date,
    last: date,
    offices: Sequence[str] = (),
    now: datetime,
) -> Loop:
    """What became of what was captured in these months, as it stands now.

    `offices` are codes or such as `CO-*`; none means all. Departures are counted once the last day has
    passed. Needs User.Read.All and Sites.Selected with read.
    """
    first, last = months(first, last)
    hours = calendar.hours_of(settings)
    known = await db.run(_known)
    there = await _captured(graph, db, settings, now=now)
    items = await asyncio.to_thread(_followed, there, hours, *known)
    people = await db.run(_asked, first=first, last=last)
    people += await _left(graph, db, settings, today=day_at(now, hours))

    def wanted(office: str) -> bool:
        return not offices or fits(office, offices)

    return table(
        [one for one in items if wanted(one.office)],
        [one for one in people if wanted(one.office)],
        by=by,
        first=first,
        last=last,
        regions={office: region for office, region in regions(templates).items() if wanted(office)},
    )


_ENDED = {
    Stand.ANSWERED: People.ANSWERED,
    Stand.DECLINED: People.SILENT,
    Stand.NO_ANSWER: People.SILENT,
}


_DAYS = Mapping[str, date]
_FRESH = timedelta(days=1)
"""So old may be what the search index has read of the list; then the list itself is read."""


async def _captured(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> list[Captured]:
    """Every item of the list as it is counted: as the search index read it, where it does, else read now."""
    place = await knowledge_list(graph, settings)
    container = list_container(place.site_id, place.list_id)
    read = await db.run(cursors.get_with_time, LIST_READ)
    if read is not None and read[0] == container and now - read[1] < _FRESH:
        return await db.run(loop_items.list_, container)
    hours = calendar.hours_of(settings)
    rows = lists.list_items(graph, place.site_id, place.list_id)
    found = [captured(row, from_fields(row.fields), hours) async for row in rows]
    return [one for one in found if one is not None]


def _known(c: Connection) -> tuple[Mapping[str, Mapping[Move, datetime]], _DAYS, _DAYS]:
    return moves.first_at(c, COUNTED), reads.first_days(c), used.first_days(c)


def _followed(
    items: Sequence[Captured],
    hours: Hours,
    made: Mapping[str, Mapping[Move, datetime]],
    read: _DAYS,
    use: _DAYS,
) -> list[Followed]:
    return [
        follow(
            item,
            {move: day_at(at, hours.of(item.office)) for move, at in made.get(item.id, {}).items()},
            read_on=read.get(item.id),
            used_on=use.get(item.id),
        )
        for item in items
    ]


def _asked(c: Connection, *, first: date, last: date) -> list[Counted]:
    """Who answered when a milestone of these days asked, and who did not; not yet who still may."""
    near = {one.id: one for one in campaigns.list_(c, kind="milestone") if first <= one.due_on <= last}
    return [
        Counted(what=_ENDED[row.stand], office=str(near[one].data.get("office") or ""), on=near[one].due_on)
        for one, rows in standing.read(c, list(near)).items()
        for row in rows
        if row.stand in _ENDED
    ]


async def _left(graph: Graph, db: Database, settings: Settings, *, today: date) -> list[Counted]:
    """Who has left by the *Departures* list, else by our own campaigns, and whether a note is filed."""
    found = []
    async for row in calendar.items(graph, settings, DEPARTURES.title):
        state, on = calendar.text(row, "KMState"), calendar.day_of(row.fields.get("KMLastDay"))
        if on is not None and on < today and state != CANCELLED:
            found.append(_leaver(calendar.text(row, "KMOffice"), on, filed=state == "note filed"))
    return found + await db.run(_asked_to_hand_over, today=today)


def _asked_to_hand_over(c: Connection, *, today: date) -> list[Counted]:
    """Those whom no entry of the list names: the directory alone said when they leave."""
    known = [one for one in campaigns.list_(c, kind="departure") if one.due_on < today]
    found = []
    for one in known:
        if one.data.get("departure") or one.state == "cancelled":
            continue
        keys = [f"{one.id}:{person.person_id}" for person in campaigns.people(c, one.id)]
        talks = interviews.by_keys(c, keys)
        filed = any(talk.state == InterviewState.FINISHED for talk in talks)
        found.append(_leaver(str(one.data.get("office") or ""), one.due_on, filed=filed))
    return found


def _leaver(office: str, on: date, *, filed: bool) -> Counted:
    return Counted(what=People.WITH_NOTE if filed else People.WITHOUT_NOTE, office=office, on=on)
