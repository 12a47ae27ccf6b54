"""Deletes what our database no longer needs, once a day."""

from datetime import datetime, timedelta

from km365.jobs import Jobs
from km365.store import conversations, cursors
from km365.store.database import Connection, Database

LAST_TIDY = "flow:tidy"
"""The bookmark of the last day this was done."""
_KEEP_JOBS = timedelta(days=30)
_KEEP_ACTIVITIES = timedelta(days=7)


async def tidy(db: Database, jobs: Jobs, *, now: datetime) -> int:
    """Deletes jobs that ended 30 days ago and the ids of activities seen 7 days ago, and counts them."""
    return await db.run(_tidy, jobs, now=now)


def _tidy(c: Connection, jobs: Jobs, *, now: datetime) -> int:
    count = jobs.forget(c, finished_before=now - _KEEP_JOBS)
    count += conversations.forget_activities(c, before=now - _KEEP_ACTIVITIES)
    cursors.put(c, LAST_TIDY, now.date().isoformat(), at=now)
    return count
