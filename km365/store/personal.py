"""What our tables hold of one person: found, shown and erased as `personal_places` says."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Table, and_, delete, func, inspect, select, update

from km365.core.schedule import Outcome
from km365.store import group_reflections
from km365.store import tables as t
from km365.store.database import Connection
from km365.store.personal_places import PLACES, Erase, Place, Traces

KEEP_KEYS = timedelta(days=365)
"""So long after its day a campaign keeps the id of whom it asked, so that they are not asked once more."""


def traces(c: Connection, person_id: str, *, today: date) -> Traces:
    """By what the person is found in our tables."""
    interviews = select(t.interview.c.id).where(t.interview.c.person_id == person_id)
    chats = select(t.address.c.conversation_id).where(t.address.c.person_id == person_id)
    written = select(t.reply.c.conversation_id).where(t.reply.c.person_id == person_id)
    return Traces(
        person_id=person_id,
        since=today - KEEP_KEYS,
        interviews=sorted(c.execute(interviews).scalars()),
        chats=sorted({*c.execute(chats).scalars(), *c.execute(written).scalars()}),
    )


def places(c: Connection) -> list[Place]:
    """The places of this database: on PostgreSQL the queue has tables of its own (`OUTSIDE`)."""
    there = set(inspect(c).get_table_names())
    return [place for place in PLACES if place.table.name in there]


def held(c: Connection, of: Traces) -> dict[str, list[dict[str, Any]]]:
    """The rows of every place that has any, by the place's name, with the columns that an export shows."""
    found = {}
    for place in places(c):
        columns = [place.table.c[name] for name in place.show] or list(place.table.c)
        rows = c.execute(select(*columns).where(place.found(of)).order_by(*place.table.primary_key)).all()
        if rows:
            found[place.name] = [dict(row._mapping) for row in rows]
    return found


def counts(c: Connection, of: Traces) -> dict[str, int]:
    """How many rows every place has, by its name; places with none are left out."""
    found = {
        place.name: c.execute(select(func.count()).select_from(place.table).where(place.found(of))).scalar()
        for place in places(c)
    }
    return {name: count for name, count in found.items() if count}


def erase(c: Connection, of: Traces, *, mark: str, at: datetime) -> dict[str, int]:
    """Does with every place what it says, and counts the rows. `mark` stands where the person's id stood.

    Open invitations that are kept are closed, so that nothing more is sent. In the caller's transaction: all
    of it happens or nothing.
    """
    found = counts(c, of)
    group_reflections.erase_subjects(c, closed_before=at, begun_by=of.person_id)
    for place in PLACES:
        if place.name not in found:
            continue
        if place.erase is Erase.DELETE:
            c.execute(delete(place.table).where(place.found(of)))
        elif place.erase is Erase.CLEAR:
            _clear(c, place, of, mark)
    mine = (t.prompt.c.person_id == of.person_id) & (t.prompt.c.state == Outcome.OPEN)
    c.execute(update(t.prompt).where(mine).values(state=Outcome.OPTED_OUT, next_at=None))
    return found


def _clear(c: Connection, place: Place, of: Traces, mark: str) -> None:
    """Empties the words of these rows, and puts the mark wherever an id stands; row by row, for JSON."""
    keys = list(place.table.primary_key)
    columns = [place.table.c[name] for name in (*place.words, *place.ids)]
    for row in c.execute(select(*keys, *columns).where(place.found(of))).all():
        values: dict[str, object] = {name: _empty(place.table, name) for name in place.words}
        for name in place.ids:
            values[name] = _marked(row._mapping[name], of.person_id, mark)
        here = and_(*(key == row._mapping[key.name] for key in keys))
        c.execute(update(place.table).where(here).values(**values))


def _empty(table: Table, name: str) -> object:
    column = table.c[name]
    if isinstance(column.type, JSON):
        return {}
    return None if column.nullable else ""


def _marked(value: Any, person_id: str, mark: str) -> Any:
    """The value with the mark wherever the id stood, in JSON at any depth."""
    if isinstance(value, str):
        return value.replace(person_id, mark)
    if isinstance(value, dict):
        return {key.replace(person_id, mark): _marked(one, person_id, mark) for key, one in value.items()}
    if isinstance(value, list):
        return [_marked(one, person_id, mark) for one in value]
    return value
