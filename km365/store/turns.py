"""Whose turn it is in a conversation, between all processes of the bot: a row that runs out by itself.

Moments are those of the machine's clock, never of a clock that somebody moves; where several machines share
the database, their clocks agree to a second.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select, update

from km365.store import rows
from km365.store.rows import Prepared
from km365.store.tables import turn

LEASE = timedelta(seconds=6)
"""A turn belongs to its process for so long unless prolonged: shorter than the bot may take to acknowledge an
activity, so that one that comes again after a crash is answered before it is acknowledged."""
_OVER = datetime(1970, 1, 1, tzinfo=UTC)
_END = Prepared(
    delete(turn).where(turn.c.conversation_id == bindparam("of"), turn.c.holder == bindparam("by")),
    "of",
    "by",
)
_SENT = select(turn.c.sent).where(turn.c.conversation_id == bindparam("wanted"))
"""Made once: every turn of a chat needs them."""


def take(c: Connection, conversation_id: str, holder: str, *, at: datetime) -> bool:
    """True when the conversation is the holder's now: nobody had it, or whoever had it let it run out."""
    mine = {"conversation_id": conversation_id, "holder": holder, "until": at + LEASE}
    if rows.insert_new(c, turn, mine):
        return True
    free = (turn.c.conversation_id == conversation_id) & ((turn.c.until <= at) | (turn.c.holder == holder))
    return c.execute(update(turn).where(free).values(**mine)).rowcount == 1


def prolong(c: Connection, conversation_ids: Collection[str], holder: str, *, at: datetime) -> None:
    """The holder's turns in these conversations last anew from `at`."""
    mine = (turn.c.holder == holder) & turn.c.conversation_id.in_(conversation_ids)
    c.execute(update(turn).where(mine).values(until=at + LEASE))


def end(c: Connection, conversation_id: str, holder: str, *, sent: Sequence[float] = ()) -> None:
    """The conversation is free again, unless another has taken it since.

    `sent` are the moments of what was sent there lately, where whoever has the next turn must know of them.
    """
    if sent:
        mine = (turn.c.conversation_id == conversation_id) & (turn.c.holder == holder)
        c.execute(update(turn).where(mine).values(until=_OVER, sent=list(sent)))
    else:
        _END.run(c, [(conversation_id, holder)])


def sent(c: Connection, conversation_id: str) -> list[float]:
    """What was sent there lately, as the turn before told it; empty if nothing worth telling was."""
    row = c.execute(_SENT, {"wanted": conversation_id}).first()
    return list(row[0] or ()) if row else []


def under_way(c: Connection, conversation_id: str, *, at: datetime) -> bool:
    """Whether some process has a turn in the conversation."""
    live = (turn.c.conversation_id == conversation_id) & (turn.c.until > at)
    return c.execute(select(turn.c.holder).where(live)).first() is not None


def forget(c: Connection, *, before: datetime) -> int:
    """Drops the rows of processes that died in a turn which nobody has taken up since; their number."""
    return c.execute(delete(turn).where(turn.c.until < before)).rowcount
