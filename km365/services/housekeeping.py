"""Once a day: deletes what our database no longer needs, and copies it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from km365.errors import StoreError
from km365.jobs import Jobs
from km365.services import flows
from km365.store import (
    alumni,
    conversations,
    cursors,
    events,
    feedback,
    gaps,
    group_reflections,
    handover_facts,
    headlines,
    interviews,
    loss_factors,
    outbox,
    pushes,
    replies,
    still_true,
    term_requests,
    turns,
    used,
    wishes,
)
from km365.store.database import Connection, Database

LAST_TIDY = "flow:tidy"
"""The bookmark of the last day this was done."""
LAST_FORGOTTEN = "flow:forget"
"""The bookmark of the last hour in which chats were made to forget."""
_KEEP_SAID = timedelta(hours=23)
"""How long words that wait for a yes stay in a chat; looked at once an hour, so no more than a day."""
_KEEP_JOBS = timedelta(days=30)
_KEEP_MESSAGE_DATA = timedelta(days=30)
_KEEP_ACTIVITIES = timedelta(days=7)
_KEEP_COPIES = timedelta(days=14)
"""A copy goes at this age though no newer one was made meanwhile: it holds what has expired since."""
_KEEP_EXAMPLES = timedelta(days=730)
"""How long the counted words of a judged document are kept after they were last read."""
KEEP_ANSWERS = timedelta(days=365)
"""What people are promised before the first question (`keeping` in templates/questions/): twelve months."""
_KEEP_REASONS = KEEP_ANSWERS
"""How long we keep why somebody asked for a term, after they said it."""


@dataclass(frozen=True, kw_only=True)
class Tidied:
    """What was done: the copy made (None for a database in memory) and how many rows were deleted."""

    copy: Path | None
    deleted: int


async def tidy(db: Database, jobs: Jobs, *, now: datetime) -> Tidied:
    """Deletes what is over, then copies the database.

    Over are jobs that ended 30 days ago, what messages said that ended 30 days ago (what became of them
    stays), activity ids seen 7 days ago, the counted words of documents last read two years ago, why people
    asked for a term twelve months ago, what authors asked to have changed that was settled 30 days ago or
    asked twelve months ago, the subjects of group reflections closed, headline messages decided on and words
    about older lessons and about those found said twelve months ago, documents for which lessons were looked
    for twelve months ago, lines over which leavers may be asked whose day is past, and what was asked over
    one 30 days ago, what was said of leavers of whom nothing was said for twelve months, gaps of handovers
    twelve months after the last day or 90 days after all were closed, and the answers of interviews nobody
    touched for twelve months; of those only their number is recorded. The copies of 14 days are kept in
    the folder `copies` beside it, however few those are, so an expired answer is gone from them two weeks
    later. Raises StoreError when the database is damaged, and then leaves the copies alone.
    """
    deleted = await db.run(_delete, jobs, now=now)
    return Tidied(copy=await asyncio.to_thread(_copy, db, now), deleted=deleted)


async def would_delete(db: Database, jobs: Jobs, *, now: datetime) -> int:
    """How many rows `tidy` would delete now; nothing is changed."""
    return await db.run(flows.rehearse, _delete, jobs, now=now)


async def forget_said(db: Database, *, now: datetime) -> None:
    """Once an hour: drops what people said in a chat that waits for their yes, before it is a day old.

    So it does with replies that Teams did not take.
    """
    await db.run(_forget_said, now=now)


def _forget_said(c: Connection, *, now: datetime) -> None:
    hour = now.isoformat()[:13]
    if cursors.get(c, LAST_FORGOTTEN) != hour:
        conversations.forget_said(c, before=now - _KEEP_SAID)
        replies.forget(c, before=now - replies.KEPT)
        cursors.put(c, LAST_FORGOTTEN, hour, at=now)


def _copy(db: Database, now: datetime) -> Path | None:
    if db.path is None:
        return None
    if db.problems():
        raise StoreError(f"{db.path} is damaged and was not copied; `km365 doctor` says more.")
    folder = db.path.parent / "copies"
    target = folder / f"{db.path.stem}-{now.date()}.sqlite"
    db.copy_to(target)
    oldest = f"{db.path.stem}-{now.date() - _KEEP_COPIES + timedelta(days=1)}.sqlite"
    for copy in folder.glob(f"{db.path.stem}-*.sqlite"):
        if copy.name < oldest:
            copy.unlink(missing_ok=True)
    return target


def _delete(c: Connection, jobs: Jobs, *, now: datetime) -> int:
    count = jobs.forget(c, finished_before=now - _KEEP_JOBS)
    count += outbox.forget_data(c, ended_before=now - _KEEP_MESSAGE_DATA)
    count += conversations.forget_activities(c, before=now - _KEEP_ACTIVITIES)
    count += turns.forget(c, before=now - _KEEP_ACTIVITIES)
    count += feedback.forget_examples(c, read_before=now - _KEEP_EXAMPLES)
    count += term_requests.erase_reasons(c, asked_before=now - _KEEP_REASONS)
    count += wishes.erase_words(c, settled_before=now - _KEEP_MESSAGE_DATA, asked_before=now - _KEEP_REASONS)
    if expired := interviews.erase_answers(c, untouched_since=now - KEEP_ANSWERS):
        events.append(
            c, kind="answers expired", subject="answers", who="km365", what={"count": expired}, at=now
        )
    count += expired
    count += headlines.forget(c, changed_before=now - KEEP_ANSWERS)
    count += group_reflections.erase_subjects(c, closed_before=now - KEEP_ANSWERS)
    count += still_true.forget(c, before=now - KEEP_ANSWERS)
    count += loss_factors.forget(c, before=now - KEEP_ANSWERS)
    count += handover_facts.forget(c, before=now - KEEP_ANSWERS)
    count += gaps.forget(c, today=now.date(), at=now)
    count += used.forget(c, before=now - KEEP_ANSWERS)
    count += pushes.forget(c, before=now - KEEP_ANSWERS)
    count += alumni.forget(c, today=now.date(), before=now - _KEEP_MESSAGE_DATA)
    cursors.put(c, LAST_TIDY, now.date().isoformat(), at=now)
    return count
