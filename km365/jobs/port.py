"""What every job runner promises, whatever keeps its jobs.

A job is short, can be run again from its first line, and carries ids, never text. It runs at least once:
that running twice has one effect is the job's own care (its key in the outbox, an ETag). Waiting for days is
a row in a table that a tick reads, not a job far away; so losing every queued job loses nothing but minutes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Connection

from km365.errors import KM365Error

Args = Mapping[str, str]
"""What a job is given: ids by name."""

Work = Callable[[Args], Awaitable[None]]
"""What a job does."""

CONCURRENT = 8
"""At most so many jobs run in one process at once."""
LONGEST_RUN_S = 900.0
"""A try that takes longer is a failure."""
GRACE_S = 20.0
"""So long a runner that is stopped lets jobs end; deploying must not take longer than a minute."""
_LONGEST_WAIT_S = 3600.0


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"  # to be run at or after its due moment
    RUNNING = "running"  # a worker has it
    DONE = "done"  # it ended well
    FAILED = "failed"  # it failed as often as it may; the error says why
    CANCELLED = "cancelled"  # no longer wanted before it ran


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job as it stands. `error` is the last failure in one line, without anything personal."""

    id: int
    name: str
    key: str
    args: Args
    state: JobState
    attempts: int
    due_at: datetime
    error: str | None


class NotUnderstood(KM365Error):
    """A job was queued by another version of km365, with other arguments: trying again would not help."""


class Given(dict[str, str]):
    """What a job is given; asking for what it was not given says so in words."""

    def __missing__(self, name: str) -> str:
        raise NotUnderstood(
            f"Another version of km365 queued this job: it lacks {name!r} and has "
            f"{', '.join(map(repr, sorted(self))) or 'nothing'}. What is still to be done is queued anew by "
            "itself."
        )


class Jobs(Protocol):
    """Register at start-up, enqueue inside transactions, run until stopped."""

    def register(self, name: str, work: Work, *, attempts: int = 5) -> None:
        """`work` is what jobs called `name` do; it is tried `attempts` times before the job counts as failed.

        A try that takes over a quarter of an hour is a failure. An error with a `retry_after_s` is waited
        for; other failures wait longer each time. A job that lacks an argument it is asked for has failed.
        """

    def every_minute(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Calls `work` when the runner starts and every minute after; never twice at once."""

    def enqueue(self, c: Connection, name: str, *, key: str, args: Args, wait_s: float = 0.0) -> bool:
        """Adds a job, in the caller's transaction: it exists when that commits and not otherwise.

        It runs in `wait_s` at the soonest, which is for seconds: whatever waits longer is a row of its own.
        False, and nothing is added, while a job of this name with the same `key` waits. One that is running
        does not count, because it may have read the rows before the caller changed them.
        """

    def cancel(self, c: Connection, key: str) -> int:
        """Cancels the jobs with that key that still wait, and counts them; running ones end by themselves."""

    def list_(self, c: Connection, *, state: JobState | None = None, limit: int = 200) -> list[Job]:
        """Jobs, the newest first."""

    def unmended(self, c: Connection) -> list[Job]:
        """Jobs that failed and whose work has not ended well since, the newest first."""

    def forget(self, c: Connection, *, finished_before: datetime) -> int:
        """Deletes the jobs that ended before that moment, and counts them."""

    async def run(self, stop: asyncio.Event) -> None:
        """Runs jobs and ticks until `stop` is set; then lets begun ones end, and gives back what will not."""


def wait_after(error: Exception, *, tried: int) -> float:
    """How many seconds a job that failed for the `tried`th time waits: what was asked for, or ever longer."""
    return getattr(error, "retry_after_s", None) or min(_LONGEST_WAIT_S, 2.0**tried)


def one_line(error: Exception) -> str:
    """What may be kept of a failure: our own messages hold nothing personal; of others only the kind."""
    return str(error) if isinstance(error, KM365Error) else type(error).__name__


async def first_of(*events: asyncio.Event, timeout_s: float) -> None:
    """Returns when one of the events is set, or after `timeout_s`."""
    waits = [asyncio.ensure_future(one.wait()) for one in events]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
