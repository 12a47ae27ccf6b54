"""Messages that still wait although what they speak of was moved: they get its new day, and wait for it."""

from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from km365.store.outbox import Delivery
from km365.store.rows import Json
from km365.store.tables import message


def reschedule(
    c: Connection, prefix: str, data: Json, *, at: datetime, not_before: datetime | None, not_after: datetime
) -> int:
    """Gives what waits under the key `prefix` the values of `data`, and counts it.

    What would go out before `not_before` waits until then, whatever held it so far; what was to wait beyond
    `not_after` is due then.
    """
    below = or_(message.c.key == prefix, message.c.key.startswith(f"{prefix}:", autoescape=True))
    waiting = (message.c.state == Delivery.WAITING) & below
    found = c.execute(select(message.c.key, message.c.data, message.c.due_at, message.c.note).where(waiting))
    count = 0
    for row in found.all():
        due_at, note = row.due_at, row.note
        if not_before is not None and due_at < not_before:
            due_at, note = not_before, None  # `outbox.release` frees what has a note
        elif not_before is None and due_at > not_after:
            due_at = not_after
        values = {"data": row.data | data, "due_at": due_at, "note": note, "changed_at": at}
        still = waiting & (message.c.key == row.key)
        count += c.execute(update(message).where(still).values(**values)).rowcount
    return count
