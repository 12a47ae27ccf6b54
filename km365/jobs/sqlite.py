"""The runner for one machine: jobs in the table `km_job`, run inside this process.

Only the process that holds the lock file beside the database runs jobs, so what a killed worker left running
is free at once. Besides there is a lease: a job whose worker has not been heard for a minute is taken over.
The clock here is the machine's own, never the demonstration's: it measures the runner.
"""

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Row, delete, event, select, update
from sqlalchemy.exc import IntegrityError

from km365.errors import KM365Error
from km365.jobs.port import (
    CONCURRENT,
    GRACE_S,
    LONGEST_RUN_S,
    Args,
    Given,
    Job,
    JobState,
    NotUnderstood,
    Work,
    first_of,
    one_line,
    wait_after,
)
from km365.store.database import Database
from km365.store.locks import lock
from km365.store.rows import insert_new
from km365.store.tables import job

_log = logging.getLogger("km365.jobs")

Clock = Callable[[], datetime]
_ENQUEUED = "km365_enqueued"
_LEASE = timedelta(seconds=60)
_BEAT_S = 15.0


def _machine_clock() -> datetime:
    return datetime.now(UTC)


class SqliteJobs:
    """The port `Jobs` on SQLite. `poll_s` is how soon a job enqueued by another process is noticed."""

    def __init__(
        self, db: Database, *, clock: Clock = _machine_clock, poll_s: float = 1.0, tick_s: float = 60.0
    ) -> None:
        self._db = db
        self._clock = clock
        self._poll_s = poll_s
        self._tick_s = tick_s
        self._worker = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._work: dict[str, tuple[Work, int]] = {}
        self._ticks: dict[str, Callable[[], Awaitable[None]]] = {}
        self._wake: Callable[[], None] = lambda: None
        self._trouble = ""
        self._running: dict[int, asyncio.Task[None]] = {}
        event.listen(db.engine, "commit", self._committed)
        event.listen(db.engine, "rollback", lambda c: c.info.pop(_ENQUEUED, None))

    def register(self, name: str, work: Work, *, attempts: int = 5) -> None:
        """See the port."""
        self._work[name] = (work, attempts)

    def every_minute(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """See the port."""
        self._ticks[name] = work

    def enqueue(self, c: Connection, name: str, *, key: str, args: Args, wait_s: float = 0.0) -> bool:
        """See the port."""
        now = self._clock()
        values = {
            "name": name,
            "key": key,
            "queue": "default",
            "args": dict(args),
            "state": JobState.WAITING,
            "attempts": 0,
            "due_at": now + timedelta(seconds=wait_s),
            "created_at": now,
        }
        added = insert_new(c, job, values)
        if added:
            c.info[_ENQUEUED] = True
        return added

    def cancel(self, c: Connection, key: str) -> int:
        """See the port."""
        waiting = (job.c.key == key) & (job.c.state == JobState.WAITING)
        values = {"state": JobState.CANCELLED, "finished_at": self._clock()}
        return c.execute(update(job).where(waiting).values(**values)).rowcount

    def list_(self, c: Connection, *, state: JobState | None = None, limit: int = 200) -> list[Job]:
        """See the port."""
        query = select(job).order_by(job.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(job.c.state == state)
        return [_job(row) for row in c.execute(query)]

    def unmended(self, c: Connection) -> list[Job]:
        """See the port."""
        later = job.alias()
        same = (later.c.name == job.c.name) & (later.c.key == job.c.key) & (later.c.id > job.c.id)
        ended = select(later.c.id).where(same, later.c.state.in_([JobState.DONE, JobState.FAILED])).exists()
        query = select(job).where(job.c.state == JobState.FAILED, ~ended).order_by(job.c.id.desc())
        return [_job(row) for row in c.execute(query)]

    def forget(self, c: Connection, *, finished_before: datetime) -> int:
        """See the port."""
        return c.execute(delete(job).where(job.c.finished_at < finished_before)).rowcount

    async def run(self, stop: asyncio.Event) -> None:
        """See the port. Waits, running nothing, while another process runs the jobs of this database."""
        loop = asyncio.get_running_loop()
        awake = asyncio.Event()
        self._wake = partial(_set, loop, awake)
        async with contextlib.AsyncExitStack() as held:
            if not await self._become_the_runner(held, stop):
                return
            ticks: dict[str, asyncio.Task[None]] = {}
            beats = asyncio.create_task(self._beat())
            try:
                while not stop.is_set():
                    awake.clear()
                    for name in self._ticks.keys() - ticks.keys():  # a service may register after the start
                        ticks[name] = asyncio.create_task(self._tick(name, stop))
                    await self._start_due()
                    await first_of(awake, stop, timeout_s=self._poll_s)
            finally:
                await self._finish()
                self._wake = lambda: None
                for task in (*ticks.values(), beats):
                    task.cancel()
                await asyncio.gather(*ticks.values(), beats, return_exceptions=True)

    async def _become_the_runner(self, held: contextlib.AsyncExitStack, stop: asyncio.Event) -> bool:
        """True once this process may run jobs, False when it was stopped first."""
        if self._db.path is None:
            return True
        told = False
        while not stop.is_set():
            mine = lock(self._db.path.with_suffix(self._db.path.suffix + ".runner"))
            if mine is not None:
                held.callback(mine.close)
                await self._db.run(self._take_over, everything=True)
                return True
            if not told:
                _log.info("another process runs the jobs of this database; waiting for it to end")
                told = True
            await first_of(stop, timeout_s=self._poll_s)
        return False

    async def _start_due(self) -> None:
        free = CONCURRENT - len(self._running)
        if free <= 0:
            return
        try:
            claimed = await self._db.run(self._claim, free)
        except KM365Error as error:  # the disk is full or the file is held: say so once and try again
            if str(error) != self._trouble:
                self._trouble = str(error)
                _log.warning("jobs wait: %s", error)
            return
        self._trouble = ""
        for one in claimed:
            task = asyncio.create_task(self._do(one))
            self._running[one.id] = task
            task.add_done_callback(partial(self._ended, one.id))

    def _ended(self, job_id: int, _task: asyncio.Task[None]) -> None:
        self._running.pop(job_id, None)
        self._wake()

    def _claim(self, c: Connection, limit: int) -> list[Job]:
        self._take_over(c)
        now = self._clock()
        ready = (job.c.state == JobState.WAITING) & (job.c.due_at <= now) & job.c.name.in_(list(self._work))
        found = c.execute(select(job).where(ready).order_by(job.c.due_at, job.c.id).limit(limit)).all()
        values = {"state": JobState.RUNNING, "worker": self._worker, "beat_at": now}
        ids = [row.id for row in found]
        c.execute(update(job).where(job.c.id.in_(ids)).values(**values, attempts=job.c.attempts + 1))
        return [_job(row) for row in found]

    def _take_over(self, c: Connection, *, everything: bool = False) -> None:
        """Puts back the jobs of workers that died: all not ours when `everything`, else those long silent."""
        lost = (job.c.state == JobState.RUNNING) & job.c.id.not_in(list(self._running))
        if not everything:
            lost &= job.c.beat_at < self._clock() - _LEASE
        for row in c.execute(select(job).where(lost)).all():
            self._again(c, _job(row), "its worker stopped in the middle", wait_s=0.0)

    async def _do(self, one: Job) -> None:
        try:
            await self._do_and_record(one)
        except (
            KM365Error
        ) as error:  # the outcome could not be written: the lease runs out and the job runs again
            _log.warning("job %s %s: its outcome was not recorded: %s", one.name, one.key, error)

    async def _do_and_record(self, one: Job) -> None:
        work, _ = self._work[one.name]
        try:
            async with asyncio.timeout(LONGEST_RUN_S):
                await work(Given(one.args))
        except asyncio.CancelledError:
            await self._db.run(self._again, one, "the service was stopped", wait_s=0.0, counts=False)
        except NotUnderstood as error:
            _log.warning("job %s %s failed: %s", one.name, one.key, error)
            await self._db.run(self._end, one, JobState.FAILED, str(error))
        except Exception as error:
            tried, said = one.attempts + 1, one_line(error)
            _log.warning("job %s %s failed (attempt %d): %s", one.name, one.key, tried, said)
            await self._db.run(self._again, one, said, wait_s=wait_after(error, tried=tried))
        else:
            await self._db.run(self._end, one, JobState.DONE, None)

    def _again(self, c: Connection, one: Job, error: str, *, wait_s: float, counts: bool = True) -> None:
        """Back to waiting, or failed when it was tried as often as it may."""
        attempts = self._work[one.name][1] if one.name in self._work else 5
        tried = c.execute(select(job.c.attempts).where(job.c.id == one.id)).scalar_one()
        if counts and tried >= attempts:
            self._end(c, one, JobState.FAILED, error)
            return
        due_at = self._clock() + timedelta(seconds=wait_s)
        values = {"state": JobState.WAITING, "error": error, "due_at": due_at, "worker": None}
        change = update(job).where(job.c.id == one.id)
        try:
            with c.begin_nested():
                c.execute(change.values(**values, attempts=tried if counts else tried - 1))
        except IntegrityError:  # the same work was asked for again meanwhile; that job will do it
            self._end(c, one, JobState.DONE, error)

    def _end(self, c: Connection, one: Job, state: JobState, error: str | None) -> None:
        values = {"state": state, "error": error, "finished_at": self._clock(), "worker": None}
        c.execute(update(job).where(job.c.id == one.id).values(**values))

    async def _tick(self, name: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._ticks[name]()
            except Exception as error:
                _log.warning("every minute, %s: %s", name, one_line(error))
            await first_of(stop, timeout_s=self._tick_s)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            if self._running:
                with contextlib.suppress(KM365Error):
                    await self._db.run(self._say_alive, list(self._running))

    def _say_alive(self, c: Connection, ids: list[int]) -> None:
        mine = job.c.id.in_(ids) & (job.c.worker == self._worker)
        c.execute(update(job).where(mine).values(beat_at=self._clock()))

    async def _finish(self) -> None:
        """Lets what runs come to its end; what takes too long is put back for the next start."""
        tasks = list(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _committed(self, c: Connection) -> None:
        if c.info.pop(_ENQUEUED, False):
            self._wake()


def _job(row: Row[tuple[object, ...]]) -> Job:
    return Job(
        id=row.id,
        name=row.name,
        key=row.key,
        args=row.args,
        state=JobState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        error=row.error,
    )


def _set(loop: asyncio.AbstractEventLoop, awake: asyncio.Event) -> None:
    loop.call_soon_threadsafe(awake.set)
