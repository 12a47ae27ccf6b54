"""Every adapter of the port, each on a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from km365.jobs import Jobs
from km365.jobs.sqlite import SqliteJobs
from km365.store.database import Database
from km365.store.tables import job


class Clock:
    """A clock that moves when told."""

    def __init__(
        self,
        now: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC),
        passed: Callable[[timedelta], None] = lambda by: None,
    ) -> None:
        self.now = now
        self._passed = passed

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)
        self._passed(timedelta(**by))


@dataclass
class Bench:
    """One database and what is needed to run jobs on it."""

    db: Database
    clock: Clock
    make: Callable[[], Jobs]
    die_in_the_middle_of: Callable[[str], None]
    """Leaves the job of that key as a worker does that is killed while it runs it."""

    def enqueue(self, jobs: Jobs, name: str, key: str, **args: str) -> bool:
        with self.db.begin() as c:
            return jobs.enqueue(c, name, key=key, args=args)

    def states(self, jobs: Jobs) -> dict[str, str]:
        with self.db.begin() as c:
            return {job.key: job.state for job in reversed(jobs.list_(c))}

    @asynccontextmanager
    async def running(self, jobs: Jobs) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(jobs.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


def _sqlite(db: Database) -> Bench:
    clock = Clock()

    def die(key: str) -> None:
        left = {"state": "running", "worker": "dead", "beat_at": clock(), "attempts": job.c.attempts + 1}
        with db.begin() as c:
            c.execute(update(job).where(job.c.key == key).values(**left))

    return Bench(db, clock, lambda: SqliteJobs(db, clock=clock, poll_s=0.01, tick_s=0.02), die)


def _postgresql(db: Database) -> Bench:
    """The clock is the server's: a minute passes when everything there is to be a minute older."""
    from km365.jobs.postgresql import PostgresqlJobs
    from km365.store.postgresql import PostgresqlDatabase

    assert isinstance(db, PostgresqlDatabase)

    def pass_(by: timedelta) -> None:
        with db.begin() as c:
            c.execute(text("UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - :by"), {"by": by})
            c.execute(
                text("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - :by"), {"by": by}
            )

    def die(key: str) -> None:
        silent = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '2 min')"
        begun = """
            UPDATE procrastinate_jobs
               SET status = 'doing', worker_id = :worker, attempts = attempts + CAST(status = 'doing' AS int)
             WHERE queueing_lock LIKE '%:' || :key"""
        with db.begin() as c:
            worker = c.execute(text(f"{silent} RETURNING id")).scalar_one()
            c.execute(text(begun), {"key": key, "worker": worker})

    clock = Clock(now=datetime.now(UTC), passed=pass_)
    return Bench(db, clock, lambda: PostgresqlJobs(db, poll_s=0.02, tick_s=0.02), die)


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    with closing(Database.open(database_url)) as db:
        yield (_sqlite if db.path else _postgresql)(db)


async def until(true: Callable[[], bool]) -> None:
    """Returns when it is so; the test's own patience ends after half a minute."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.005)


@pytest.fixture(name="until")
def until_fixture():
    return until
