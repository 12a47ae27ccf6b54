"""Groups that reflect together: where, who began it, until when. The people asked are its campaign's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from km365.store import rows
from km365.store.tables import campaign, interview
from km365.store.tables import group_reflection as table


@dataclass(frozen=True, kw_only=True)
class GroupReflection:
    """One group's reflection. `id` is its campaign's; a channel's `conversation_id` names the thread.

    `names` are those of its members, which must not be shown; they are forgotten when it closes.
    `begun_with` is the activity that began it, which may come twice.
    """

    id: str
    conversation_id: str
    service_url: str
    tenant_id: str
    begun_by: str
    begun_with: str
    begun_at: datetime
    language: str
    names: Sequence[str]
    closes_at: datetime
    closed_at: datetime | None = None


def add(c: Connection, wanted: GroupReflection) -> None:
    """Keeps a new one; its campaign is there already."""
    values = {**vars(wanted), "names": list(wanted.names)}
    c.execute(table.insert().values(**values))


def get(c: Connection, reflection_id: str) -> GroupReflection | None:
    """The reflection, or None."""
    row = c.execute(select(table).where(table.c.id == reflection_id)).first()
    return _read(row._mapping) if row else None


def begun_with(c: Connection, activity_key: str) -> GroupReflection | None:
    """The one that this activity began, or None."""
    row = c.execute(select(table).where(table.c.begun_with == activity_key)).first()
    return _read(row._mapping) if row else None


def open_in(c: Connection, conversation_id: str) -> GroupReflection | None:
    """The one that is open in this conversation, or None; the threads of a channel are one conversation."""
    whole = conversation_id.partition(";")[0]
    there = table.c.conversation_id
    here = (there == whole) | there.startswith(f"{whole};", autoescape=True)
    row = c.execute(
        select(table).where(here & table.c.closed_at.is_(None)).order_by(table.c.begun_at)
    ).first()
    return _read(row._mapping) if row else None


def open_ids(c: Connection) -> list[str]:
    """The ids of those still open, the first to close first."""
    still = select(table.c.id).where(table.c.closed_at.is_(None)).order_by(table.c.closes_at)
    return list(c.execute(still).scalars())


def change_end(c: Connection, reflection_id: str, *, closes_at: datetime) -> None:
    """Moves the moment at which it closes by itself."""
    mine = (table.c.id == reflection_id) & table.c.closed_at.is_(None)
    c.execute(update(table).where(mine).values(closes_at=closes_at))


def add_names(c: Connection, reflection: GroupReflection, names: Sequence[str]) -> None:
    """Names of members who came later, which must not be shown either."""
    mine = (table.c.id == reflection.id) & table.c.closed_at.is_(None)
    c.execute(update(table).where(mine).values(names=[*reflection.names, *names]))


def close(c: Connection, reflection_id: str, *, at: datetime) -> bool:
    """Ends it and forgets its members' names; False, and nothing changes, where it had ended."""
    mine = (table.c.id == reflection_id) & table.c.closed_at.is_(None)
    return c.execute(update(table).where(mine).values(closed_at=at, names=[])).rowcount == 1


def erase_subjects(c: Connection, *, closed_before: datetime, begun_by: str | None = None) -> int:
    """Deletes what those closed before were about, and counts them; that they were stays."""
    old = select(table.c.id).where(table.c.closed_at < closed_before)
    if begun_by is not None:
        old = old.where(table.c.begun_by == begun_by)
    named = campaign.c.id.in_(old) & (campaign.c.title != "")
    ids = list(c.execute(select(campaign.c.id).where(named)).scalars())
    for one in ids:
        c.execute(update(campaign).where(campaign.c.id == one).values(title="", data={}))
        asked = select(interview.c.id, interview.c.data).where(
            interview.c.key.startswith(f"{one}:", autoescape=True)
        )
        for row in c.execute(asked).all():
            data = {**row.data, "subject_title": ""}
            c.execute(update(interview).where(interview.c.id == row.id).values(data=data))
    return len(ids)


def _read(row: rows.Row) -> GroupReflection:
    return GroupReflection(**row)
