"""Where reading stopped: delta links and other bookmarks, by name."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from km365.store import rows
from km365.store.tables import cursor


def get(c: Connection, name: str) -> str | None:
    """The bookmark called `name`, or None when reading starts from the beginning."""
    return c.execute(select(cursor.c.value).where(cursor.c.name == name)).scalar()


def get_with_time(c: Connection, name: str) -> tuple[str, datetime] | None:
    """The bookmark called `name` and when it was put, or None."""
    row = c.execute(select(cursor.c.value, cursor.c.changed_at).where(cursor.c.name == name)).first()
    return (row.value, row.changed_at) if row else None


def put(c: Connection, name: str, value: str, *, at: datetime) -> None:
    """Remembers the bookmark; write it in the transaction that stores what was read up to it."""
    rows.put(c, cursor, {"name": name, "value": value, "changed_at": at})


def forget(c: Connection, name: str) -> None:
    """Reading starts from the beginning next time."""
    c.execute(delete(cursor).where(cursor.c.name == name))
