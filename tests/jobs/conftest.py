"""Every adapter of the port, each on a database of its own; a second one joins by a line in `ADAPTERS`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from km365.jobs import Jobs
from km365.jobs.sqlite import SqliteJobs
from km365.store.database import Database
from km365.store.tables import job


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


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


def _sqlite(folder: Path) -> Bench:
    db, clock = Database.open(folder / "km365.sqlite"), Clock()

    def die(key: str) -> None:
        left = {"state": "running", "worker": "dead", "beat_at": clock(), "attempts": job.c.attempts + 1}
        with db.begin() as c:
            c.execute(update(job).where(job.c.key == key).values(**left))

    return Bench(db, clock, lambda: SqliteJobs(db, clock=clock, poll_s=0.01, tick_s=0.02), die)


ADAPTERS = {"sqlite": _sqlite}


@pytest.fixture(params=ADAPTERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    made = ADAPTERS[request.param](tmp_path)
    yield made
    made.db.close()


async def until(true: Callable[[], bool]) -> None:
    """Returns when it is so; the test's own patience ends after half a minute."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.005)


@pytest.fixture(name="until")
def until_fixture():
    return until
