"""Once a day: copies our database, and deletes what it no longer needs."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from km365.jobs import Jobs
from km365.store import conversations, cursors
from km365.store.database import Connection, Database

LAST_TIDY = "flow:tidy"
"""The bookmark of the last day this was done."""
_KEEP_JOBS = timedelta(days=30)
_KEEP_ACTIVITIES = timedelta(days=7)
_KEEP_COPIES = 14


@dataclass(frozen=True, kw_only=True)
class Tidied:
    """What was done: the copy made (None for a database in memory) and how many rows were deleted."""

    copy: Path | None
    deleted: int


async def tidy(db: Database, jobs: Jobs, *, now: datetime) -> Tidied:
    """Copies the database into the folder `copies` beside it and keeps the newest 14 copies.

    Deletes jobs that ended 30 days ago and the ids of activities seen 7 days ago.
    """
    copy = await asyncio.to_thread(_copy, db, now)
    return Tidied(copy=copy, deleted=await db.run(_delete, jobs, now=now))


def _copy(db: Database, now: datetime) -> Path | None:
    if db.path is None:
        return None
    folder = db.path.parent / "copies"
    target = folder / f"{db.path.stem}-{now.date()}.sqlite"
    db.copy_to(target)
    for old in sorted(folder.glob(f"{db.path.stem}-*.sqlite"))[:-_KEEP_COPIES]:
        old.unlink(missing_ok=True)
    return target


def _delete(c: Connection, jobs: Jobs, *, now: datetime) -> int:
    count = jobs.forget(c, finished_before=now - _KEEP_JOBS)
    count += conversations.forget_activities(c, before=now - _KEEP_ACTIVITIES)
    cursors.put(c, LAST_TIDY, now.date().isoformat(), at=now)
    return count
