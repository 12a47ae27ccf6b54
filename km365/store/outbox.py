"""Messages the bot is to send by itself, each at most once.

A message is an intent first: `put` in the transaction that decided it, `claim` before the call, then what
became of it. One that stays at `sending` after a crash may or may not have arrived: it becomes `unknown`,
is shown, and is not sent again (ENGINE §2).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    update,
)

from km365.store import rows
from km365.store.rows import Json, Prepared
from km365.store.tables import message


class Delivery(StrEnum):
    """What became of a message."""

    WAITING = "waiting"  # to be sent at or after its due moment
    SENDING = "sending"  # claimed by a sender, the outcome not yet known
    SENT = "sent"  # the Bot Connector accepted it
    UNKNOWN = "unknown"  # a crash or time-out: it may have arrived; never sent again by itself
    UNREACHABLE = "unreachable"  # the person blocked or removed the app, or cannot be found
    FAILED = "failed"  # it cannot be sent as it is; the note says why
    CANCELLED = "cancelled"  # no longer wanted before it was sent


PAGE = 200
"""How many messages `due` gives at most, unless told otherwise."""
QUIET = "it is outside the hours in which the person may be written to"
"""The note of a message that waits for nothing but its reader's morning."""
ANSWERED = "it was answered"
"""The note of a sent message whose card has been answered, so that it is no longer what was sent."""
MAY_BE_SENT_AGAIN = frozenset({Delivery.UNKNOWN, Delivery.UNREACHABLE, Delivery.FAILED})
"""Where a person may decide to send a message again, and nobody else does."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One card for one person. `reason` says why they are asked; `data` holds values, no finished text."""

    key: str
    person_id: str
    card: str
    data: Json
    language: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A message with what became of it. `note` says why in one line; `attempts` counts the claims."""

    message: Message
    state: Delivery
    attempts: int
    due_at: datetime
    created_at: datetime
    changed_at: datetime
    activity_id: str | None
    note: str | None


def put(c: Connection, wanted: Message, *, at: datetime, due_at: datetime | None = None) -> bool:
    """Asks for the message to be sent; False, and nothing changes, when its key was ever used before."""
    values = {
        "key": wanted.key,
        "person_id": wanted.person_id,
        "card": wanted.card,
        "data": wanted.data,
        "language": wanted.language,
        "reason": wanted.reason,
        "state": Delivery.WAITING,
        "attempts": 0,
        "due_at": due_at or at,
        "created_at": at,
        "changed_at": at,
    }
    return rows.insert_new(c, message, values)


def get(c: Connection, key: str) -> Sent | None:
    """The message and its state, or None."""
    row = c.execute(select(message).where(message.c.key == key)).first()
    return _sent(row._mapping) if row else None


def due(
    c: Connection,
    *,
    at: datetime,
    person_id: str | None = None,
    after: Sent | None = None,
    limit: int = PAGE,
) -> list[Sent]:
    """Messages waiting whose moment has come (of one person, if named), the longest waiting first.

    `after` is the last of the page before, so that pages go on although nothing was sent yet.
    """
    ready = (message.c.state == Delivery.WAITING) & (message.c.due_at <= at)
    if person_id is not None:
        ready &= message.c.person_id == person_id
    if after is not None:
        same_moment = and_(message.c.due_at == after.due_at, message.c.key > after.message.key)
        ready &= or_(message.c.due_at > after.due_at, same_moment)
    query = select(message).where(ready).order_by(message.c.due_at, message.c.key).limit(limit)
    return [_sent(row._mapping) for row in c.execute(query)]


def lend(c: Connection, *, at: datetime, until: datetime, limit: int) -> list[str]:
    """Keys of messages that are due, the longest waiting first; nobody else finds them due before `until`.

    They wait as before: a borrower that dies has lost nothing.
    """
    ready = (message.c.state == Delivery.WAITING) & (message.c.due_at <= at)
    query = select(message.c.key).where(ready).order_by(message.c.due_at, message.c.key).limit(limit)
    keys = list(c.execute(query.with_for_update(skip_locked=True)).scalars())
    c.execute(update(message).where(message.c.key.in_(keys)).values(due_at=until))
    return keys


def give_back(c: Connection, keys: Sequence[str], *, at: datetime, until: datetime) -> None:
    """What was lent, at most `until` then, and not begun is due again; what was put off meanwhile is not."""
    mine = message.c.key.in_(keys) & (message.c.state == Delivery.WAITING) & (message.c.due_at <= until)
    c.execute(update(message).where(mine).values(due_at=at))


def claim(c: Connection, key: str, *, at: datetime) -> Message | None:
    """The message, now ours to send; None when it is not waiting (sent, cancelled, or another sender has it).

    Commit before calling the Bot Connector.
    """
    ready = (message.c.key == key) & (message.c.state == Delivery.WAITING)
    values = {"state": Delivery.SENDING, "attempts": message.c.attempts + 1, "changed_at": at}
    if c.execute(update(message).where(ready).values(**values)).rowcount != 1:
        return None
    found = get(c, key)
    return found.message if found else None


def put_back(c: Connection, key: str, *, at: datetime, due_at: datetime, note: str) -> None:
    """The call was certainly not accepted (429, refused connection): the message waits until `due_at`."""
    _move(c, key, Delivery.WAITING, at=at, note=note, due_at=due_at)


def hold(c: Connection, key: str, *, at: datetime, due_at: datetime, note: str) -> None:
    """Nobody could be asked to take the message yet, so that no attempt counts: it waits until `due_at`."""
    waiting = (message.c.key == key) & (message.c.state == Delivery.WAITING)
    c.execute(update(message).where(waiting).values(due_at=due_at, note=note, changed_at=at))


def release(c: Connection, person_id: str, *, at: datetime) -> int:
    """What was held for this person is due now, and counted; what is to go out later stays later."""
    held = (message.c.state == Delivery.WAITING) & message.c.note.is_not(None) & (message.c.attempts == 0)
    mine = held & (message.c.person_id == person_id)
    return c.execute(update(message).where(mine).values(due_at=at, changed_at=at)).rowcount


def send_again(c: Connection, key: str, *, at: datetime) -> bool:
    """Lets a message wait anew that is unknown, unreachable or failed; False, and nothing changes, otherwise.

    Only where a person decided it: an unknown one may then arrive twice.
    """
    ended = (message.c.key == key) & message.c.state.in_(MAY_BE_SENT_AGAIN)
    values = {"state": Delivery.WAITING, "attempts": 0, "due_at": at, "note": None, "changed_at": at}
    return c.execute(update(message).where(ended).values(**values)).rowcount == 1


def sent(c: Connection, key: str, *, activity_id: str | None, at: datetime) -> None:
    """The Bot Connector accepted it."""
    _move(c, key, Delivery.SENT, at=at, note=None, activity_id=activity_id)


def answered(c: Connection, keys: Sequence[str]) -> None:
    """Notes that the reader has answered these; when they were sent stays."""
    mine = message.c.key.in_(keys) & (message.c.state == Delivery.SENT)
    c.execute(update(message).where(mine).values(note=ANSWERED))


def unknown(c: Connection, key: str, *, note: str, at: datetime) -> None:
    """A time-out or a 5xx: it may have arrived."""
    _move(c, key, Delivery.UNKNOWN, at=at, note=note)


def unreachable(c: Connection, key: str, *, note: str, at: datetime) -> None:
    """The person cannot be reached in Teams; `note` says why."""
    _move(c, key, Delivery.UNREACHABLE, at=at, note=note)


def failed(c: Connection, key: str, *, note: str, at: datetime) -> None:
    """It cannot be sent as it is (too large, a template is wrong)."""
    _move(c, key, Delivery.FAILED, at=at, note=note)


def recover(c: Connection, *, at: datetime, begun_before: datetime) -> int:
    """Marks as unknown what has been `sending` since before then: its sender died. Their number."""
    values = {"state": Delivery.UNKNOWN, "note": "km365 stopped while sending", "changed_at": at}
    dead = (message.c.state == Delivery.SENDING) & (message.c.changed_at <= begun_before)
    return c.execute(update(message).where(dead).values(**values)).rowcount


def amend(c: Connection, key: str, data: rows.Json) -> None:
    """Gives a message that still waits other values; nothing where it is on its way or has ended."""
    waiting = (message.c.key == key) & (message.c.state == Delivery.WAITING)
    c.execute(update(message).where(waiting).values(data=data))


def cancel(c: Connection, prefix: str, *, note: str, at: datetime) -> int:
    """Cancels what still waits under the key `prefix` or below it (`prefix:...`), and counts it."""
    waiting = (message.c.state == Delivery.WAITING) & _under(prefix)
    values = {"state": Delivery.CANCELLED, "note": note, "changed_at": at}
    return c.execute(update(message).where(waiting).values(**values)).rowcount


def list_(
    c: Connection,
    *,
    state: Delivery | None = None,
    prefix: str | None = None,
    person_id: str | None = None,
    limit: int = 200,
) -> list[Sent]:
    """Messages that match, the newest first."""
    query = select(message).order_by(message.c.created_at.desc(), message.c.key).limit(limit)
    if state is not None:
        query = query.where(message.c.state == state)
    if prefix is not None:
        query = query.where(_under(prefix))
    if person_id is not None:
        query = query.where(message.c.person_id == person_id)
    return [_sent(row._mapping) for row in c.execute(query)]


_GONE = or_(*(message.c.state == one for one in (Delivery.SENDING, Delivery.SENT, Delivery.UNKNOWN)))
"""It has reached its reader, or may have."""


def last_said(c: Connection, person_id: str, *, beside: Collection[str] = ()) -> Sent | None:
    """What was, or may have been, said last to this person; the cards named `beside` do not count."""
    row = _last_said(tuple(sorted(beside))).first(c, person_id)
    return _sent(row) if row else None


@cache  # made once: every turn of a chat needs it
def _last_said(beside: tuple[str, ...]) -> Prepared:
    counted = [message.c.card != one for one in beside]
    theirs = select(message).where(message.c.person_id == bindparam("wanted"), _GONE, *counted)
    newest_first = theirs.order_by(message.c.changed_at.desc(), message.c.key)
    return Prepared(newest_first.limit(1), "wanted")


def reached_since(c: Connection, person_id: str, since: datetime) -> bool:
    """Whether a message has gone to this person from then on, or may have."""
    theirs = (message.c.person_id == person_id) & (message.c.changed_at >= since)
    return c.execute(select(message.c.key).where(_GONE & theirs).limit(1)).first() is not None


def list_troubled(c: Connection, *, limit: int = PAGE) -> list[Sent]:
    """Messages somebody should look at: unknown, unreachable, failed or held up; the latest change first."""
    query = select(message).where(_troubled()).order_by(message.c.changed_at.desc(), message.c.key)
    return [_sent(row._mapping) for row in c.execute(query.limit(limit))]


def count_troubled(c: Connection, *, since: datetime) -> Mapping[Delivery, int]:
    """How many of those changed since then are in which state; `waiting` are those held up.

    What only waits for its reader's hours is no trouble to count.
    """
    resting = (message.c.state == Delivery.WAITING) & (message.c.note == QUIET)
    recent = _troubled() & ~func.coalesce(resting, False) & (message.c.changed_at >= since)
    query = select(message.c.state, func.count()).where(recent).group_by(message.c.state)
    return {Delivery(state): number for state, number in c.execute(query)}


def forget_data(c: Connection, *, ended_before: datetime) -> int:
    """Empties the values of messages that ended before then, and counts them; what became of each stays."""
    ended = message.c.state.not_in([Delivery.WAITING, Delivery.SENDING])
    kept = cast(message.c.data, Text) != "{}"
    old = ended & kept & (message.c.changed_at < ended_before)
    return c.execute(update(message).where(old).values(data={})).rowcount


def _troubled() -> ColumnElement[bool]:
    held_up = (message.c.state == Delivery.WAITING) & message.c.note.is_not(None)
    return or_(message.c.state.in_(MAY_BE_SENT_AGAIN), held_up)


def _under(prefix: str) -> ColumnElement[bool]:
    return or_(message.c.key == prefix, message.c.key.startswith(prefix + ":", autoescape=True))


def _move(
    c: Connection, key: str, state: Delivery, *, at: datetime, note: str | None, **more: object
) -> None:
    ours = (message.c.key == key) & (message.c.state == Delivery.SENDING)
    c.execute(update(message).where(ours).values(state=state, note=note, changed_at=at, **more))


def _sent(row: rows.Row) -> Sent:
    return Sent(
        message=Message(
            key=row["key"],
            person_id=row["person_id"],
            card=row["card"],
            data=row["data"],
            language=row["language"],
            reason=row["reason"],
        ),
        state=Delivery(row["state"]),
        attempts=row["attempts"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        activity_id=row["activity_id"],
        note=row["note"],
    )
