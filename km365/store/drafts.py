"""Drafts between the interview and the submission: shown to their author, edited, then sent or dropped."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from km365.errors import ChangedMeanwhile
from km365.store import rows
from km365.store.rows import Json
from km365.store.tables import draft


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One draft as JSON; `version` counts the saves, `kind` says what it becomes."""

    interview_id: str
    kind: str
    data: Json
    version: int
    changed_at: datetime


def get(c: Connection, interview_id: str) -> Draft | None:
    """The draft made from the interview, or None."""
    row = c.execute(select(draft).where(draft.c.interview_id == interview_id)).first()
    return Draft(**row._mapping) if row else None


def save(c: Connection, interview_id: str, *, kind: str, data: Json, version: int, at: datetime) -> int:
    """Stores the draft and returns the new version; `version` is the one that was read, 0 for a new draft.

    Raises ChangedMeanwhile when it was edited elsewhere since; nothing is written then.
    """
    values = {"kind": kind, "data": data, "version": version + 1, "changed_at": at}
    if version == 0:
        done = rows.insert_new(c, draft, values | {"interview_id": interview_id})
    else:
        mine = (draft.c.interview_id == interview_id) & (draft.c.version == version)
        done = c.execute(update(draft).where(mine).values(**values)).rowcount == 1
    if not done:
        raise ChangedMeanwhile("This draft was changed elsewhere since; its newest form was kept.")
    return version + 1


def remove(c: Connection, interview_id: str) -> None:
    """Deletes the draft; deleting it twice succeeds."""
    c.execute(delete(draft).where(draft.c.interview_id == interview_id))
