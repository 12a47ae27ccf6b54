"""What the bot could not say yet in answer to somebody: a row for what is left of one turn, in order.

Rows hold people's words, so they last a day at most. What is being sent when its process dies may have
arrived, and is never said again by itself; what follows it still is. Whoever claims a row has the
conversation to themselves (`turns`), so that a row found at `sending` was left by the dead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from km365.store.rows import Json, Prepared, Row
from km365.store.tables import reply

_WAITS = Prepared(select(reply.c.id).where(reply.c.conversation_id == bindparam("wanted")).limit(1), "wanted")
"""Made once: every turn of a chat needs it."""
KEPT = timedelta(hours=23)
"""How long a reply may wait; looked at once an hour, so that no word stays longer than a day."""


class Saying(StrEnum):
    """Where the first reply of a row is."""

    WAITING = "waiting"  # to be sent at or after its due moment
    SENDING = "sending"  # under way, the outcome not yet known


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where replies go; `person_id` is empty where others read along."""

    conversation_id: str
    service_url: str
    tenant_id: str
    person_id: str


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is left of a turn's replies, the next one first. `attempts` counts the claims of that one."""

    id: int
    place: Place
    said: Sequence[Json]
    attempts: int
    created_at: datetime


def put(
    c: Connection, place: Place, said: Sequence[Json], *, at: datetime, due_at: datetime, under_way: bool
) -> int:
    """Keeps the replies behind those that wait already; the row's id. `under_way` is the first of them."""
    values = {
        "conversation_id": place.conversation_id,
        "service_url": place.service_url,
        "tenant_id": place.tenant_id,
        "person_id": place.person_id,
        "said": list(said),
        "state": Saying.SENDING if under_way else Saying.WAITING,
        "attempts": int(under_way),
        "due_at": due_at,
        "created_at": at,
    }
    added = c.execute(insert(reply).values(**values)).inserted_primary_key
    assert added is not None  # noqa: S101 - the table has a key of its own
    return int(added[0])


def wait(c: Connection, conversation_id: str) -> bool:
    """Whether replies wait in this conversation."""
    return _WAITS.first(c, conversation_id) is not None


def first(c: Connection, conversation_id: str, *, at: datetime) -> tuple[Left, datetime] | None:
    """What is to be said next in the conversation, and when; None where nothing waits.

    What is too old is dropped, and so is what was being sent when its process died.
    """
    mine = reply.c.conversation_id == conversation_id
    while (row := c.execute(select(reply).where(mine).order_by(reply.c.id).limit(1)).first()) is not None:
        found, due_at = _left(row._mapping), row.due_at
        if found.created_at <= at - KEPT:
            said: Sequence[Json] = ()
        elif row.state == Saying.SENDING:
            said = found.said[1:]
        else:
            return found, due_at
        keep(c, found.id, said)
    return None


def claim(c: Connection, found: Left) -> Left:
    """Its next reply is being sent now. Commit before calling the Bot Connector."""
    values = {"state": Saying.SENDING, "attempts": found.attempts + 1}
    c.execute(update(reply).where(reply.c.id == found.id).values(**values))
    return replace(found, attempts=found.attempts + 1)


def keep(c: Connection, row_id: int, said: Sequence[Json]) -> None:
    """This is what is left now, the outcome of what came before it being known; nothing ends the row."""
    mine = reply.c.id == row_id
    if said:
        values = {"said": list(said), "state": Saying.WAITING, "attempts": 0}
        c.execute(update(reply).where(mine).values(**values))
    else:
        c.execute(delete(reply).where(mine))


def put_back(c: Connection, row_id: int, *, due_at: datetime) -> None:
    """The reply was certainly not sent: it waits until then."""
    values = {"state": Saying.WAITING, "due_at": due_at}
    c.execute(update(reply).where(reply.c.id == row_id).values(**values))


def waiting(c: Connection, conversation_id: str) -> list[Left]:
    """All that waits in the conversation and is not under way, in order."""
    mine = (reply.c.conversation_id == conversation_id) & (reply.c.state == Saying.WAITING)
    return [_left(row._mapping) for row in c.execute(select(reply).where(mine).order_by(reply.c.id))]


def drop(c: Connection, conversation_id: str) -> int:
    """Drops what waits in a conversation that lets nothing through, and counts the rows."""
    return c.execute(delete(reply).where(reply.c.conversation_id == conversation_id)).rowcount


def due(c: Connection, *, before: datetime, limit: int = 1000) -> list[tuple[str, datetime]]:
    """Conversations in which something is to be said before then, and when; the longest waiting first."""
    at = func.min(reply.c.due_at)
    query = select(reply.c.conversation_id, at).group_by(reply.c.conversation_id)
    return [(row[0], row[1]) for row in c.execute(query.having(at < before).order_by(at).limit(limit))]


def forget(c: Connection, *, before: datetime) -> int:
    """Drops what has waited since before then, and counts the rows."""
    return c.execute(delete(reply).where(reply.c.created_at < before)).rowcount


def _left(row: Row) -> Left:
    return Left(
        id=row["id"],
        place=Place(
            conversation_id=row["conversation_id"],
            service_url=row["service_url"],
            tenant_id=row["tenant_id"],
            person_id=row["person_id"],
        ),
        said=row["said"],
        attempts=row["attempts"],
        created_at=row["created_at"],
    )
