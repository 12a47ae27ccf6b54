"""Documents for whose authors lessons are looked for: noticed as they are found tagged, each told of once."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from km365.store import rows
from km365.store.tables import push

REASON = "push"
"""The reason of the messages with lessons."""
PAGE = 100
"""Documents looked at in one go."""


def notice(c: Connection, drive_id: str, item_ids: Collection[str], *, at: datetime) -> None:
    """Has lessons looked for, unless the authors were told before; again where nothing was found."""
    for item_id in item_ids:
        values = {"drive_id": drive_id, "item_id": item_id, "noticed_at": at}
        if not rows.insert_new(c, push, values):
            mine = (push.c.drive_id == drive_id, push.c.item_id == item_id, push.c.told_at.is_(None))
            c.execute(update(push).where(*mine).values(noticed_at=at, looked_at=None))


def waiting(c: Connection, *, most: int = PAGE) -> list[tuple[str, str]]:
    """The drive and item ids of documents that lessons are to be looked for, the longest noticed first."""
    query = select(push.c.drive_id, push.c.item_id).where(
        push.c.looked_at.is_(None), push.c.told_at.is_(None)
    )
    found = c.execute(query.order_by(push.c.noticed_at, push.c.item_id).limit(most))
    return [(drive_id, item_id) for drive_id, item_id in found]


def looked(c: Connection, drive_id: str, item_id: str, *, told: bool, at: datetime) -> None:
    """Lessons were looked for from `at` on; `told`: and sent to somebody, so that this never happens again.

    What was noticed again since then waits on.
    """
    mine = (push.c.drive_id == drive_id, push.c.item_id == item_id, push.c.noticed_at <= at)
    c.execute(update(push).where(*mine).values(looked_at=at, **({"told_at": at} if told else {})))


def forget(c: Connection, *, before: datetime) -> int:
    """Deletes documents noticed last before that moment; they are too old to be noticed again."""
    return c.execute(delete(push).where(push.c.noticed_at < before)).rowcount
