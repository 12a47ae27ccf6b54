"""What happened, to what, by whom: the record an administrator and the person concerned can read."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from km365.store.rows import Json
from km365.store.tables import event


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened."""

    at: datetime
    kind: str
    subject: str
    who: str
    what: Json


def append(c: Connection, *, kind: str, subject: str, who: str, what: Json, at: datetime) -> None:
    """Writes one line. `who` is a person id or a flow's name; `what` never holds answer text or a name."""
    c.execute(event.insert(), {"kind": kind, "subject": subject, "who": who, "what": what, "at": at})


def list_(
    c: Connection, *, subject: str | None = None, kind: str | None = None, limit: int = 200
) -> list[Event]:
    """The newest events first, at most `limit`."""
    query = select(event).order_by(event.c.at.desc(), event.c.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(event.c.subject == subject)
    if kind is not None:
        query = query.where(event.c.kind == kind)
    return [
        Event(at=row.at, kind=row.kind, subject=row.subject, who=row.who, what=row.what)
        for row in c.execute(query)
    ]
