"""The runner for several machines: procrastinate keeps the jobs in PostgreSQL; a worker runs what it knows.

procrastinate calls what a job does a task, and our key is its queueing lock; each name is a queue of its own,
so that a worker fetches only what it has registered. Why a job failed is kept among its arguments, because
procrastinate has no place for it. What happens every minute is done by one process at a time: the one that
holds a lock of the server, which ends with its connection.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job as TheirJob
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from sqlalchemy import Connection, Row, text

from km365.errors import NotAvailable
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
from km365.store.postgresql import PostgresqlDatabase

_log = logging.getLogger("km365.jobs")
for _theirs in ("procrastinate", "psycopg.pool"):  # what is worth saying we say, and say once
    logging.getLogger(_theirs).setLevel(logging.CRITICAL)

_CONNECTIONS = 6
_RECORDED_WITHIN_S = 60.0
_USUAL_ATTEMPTS = 5
_ERROR = "_error"
"""The name among the arguments under which the last failure is kept; no job has an argument of that name."""

_STATES = {
    JobState.WAITING: ("todo",),
    JobState.RUNNING: ("doing", "aborting"),
    JobState.DONE: ("succeeded",),
    JobState.FAILED: ("failed", "aborted"),
    JobState.CANCELLED: ("cancelled",),
}
_STATE = {theirs: ours for ours, names in _STATES.items() for theirs in names}

_JOBS = """
SELECT id, task_name, queueing_lock, args, status::text AS status, attempts,
       coalesce(scheduled_at, (SELECT min(at) FROM procrastinate_events AS e WHERE e.job_id = j.id)) AS due_at
  FROM procrastinate_jobs AS j
"""
_LIST = """
 WHERE status = ANY(CAST(:states AS procrastinate_job_status[])) ORDER BY id DESC LIMIT :most
"""
_UNMENDED = """
 WHERE status IN ('failed', 'aborted') AND NOT EXISTS (
       SELECT 1 FROM procrastinate_jobs AS later
        WHERE later.queueing_lock = j.queueing_lock AND later.id > j.id
          AND later.status IN ('succeeded', 'failed', 'aborted'))
 ORDER BY id DESC
"""
_CANCEL = """
UPDATE procrastinate_jobs SET status = 'cancelled'
 WHERE status = 'todo' AND substr(queueing_lock, strpos(queueing_lock, ':') + 1) = :key
"""
_FORGET = """
DELETE FROM procrastinate_jobs AS j
 WHERE j.status NOT IN ('todo', 'doing') AND :before > (
       SELECT max(at) FROM procrastinate_events AS e
        WHERE e.job_id = j.id AND e.type IN ('succeeded', 'failed', 'aborted', 'cancelled'))
"""
_NOTE = "UPDATE procrastinate_jobs SET args = args || %(said)s WHERE id = %(job_id)s"
_UNCOUNT = "UPDATE procrastinate_jobs SET attempts = attempts - 1 WHERE id = %(job_id)s AND status = 'todo'"
_LOST = """
SELECT j.id, j.task_name, j.queueing_lock, j.attempts, EXISTS (
       SELECT 1 FROM procrastinate_jobs AS later
        WHERE later.queueing_lock = j.queueing_lock AND later.id > j.id
          AND later.status IN ('todo', 'doing', 'succeeded'))
  FROM procrastinate_jobs AS j LEFT JOIN procrastinate_workers AS w ON w.id = j.worker_id
 WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %(silent_s)s))
 ORDER BY j.id
"""
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%(what)s, 0))"
_NOTICE_BREAKS = (
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
)


class PostgresqlJobs:
    """The port `Jobs` on PostgreSQL.

    `poll_s` is how soon a job that had to wait some seconds is noticed (a new one is told at once), `lease_s`
    how long a worker may be silent before its jobs are taken over.
    """

    def __init__(
        self, db: PostgresqlDatabase, *, poll_s: float = 1.0, tick_s: float = 60.0, lease_s: float = 60.0
    ) -> None:
        self._db = db
        self._poll_s = poll_s
        self._tick_s = tick_s
        self._lease_s = lease_s
        self._work: dict[str, tuple[Work, int]] = {}
        self._ticks: dict[str, Callable[[], Awaitable[None]]] = {}
        self._trouble = ""
        # It only ever writes on the connection of the caller's transaction, so it is never opened.
        self._producer = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

    def register(self, name: str, work: Work, *, attempts: int = _USUAL_ATTEMPTS) -> None:
        """See the port."""
        self._work[name] = (work, attempts)

    def every_minute(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """See the port."""
        self._ticks[name] = work

    def enqueue(self, c: Connection, name: str, *, key: str, args: Args, wait_s: float = 0.0) -> bool:
        """See the port."""
        wanted = self._producer.configure_task(
            name,
            queue=name,
            queueing_lock=f"{name}:{key}",
            schedule_at=datetime.now(UTC) + timedelta(seconds=wait_s) if wait_s else None,
            connection=c.connection.driver_connection,
        )
        try:
            with c.begin_nested():  # without it a job that waits already would spoil the transaction
                wanted.defer(**args)
        except AlreadyEnqueued:
            return False
        except ConnectorException as error:
            raise error.__cause__ or error from None  # as the database says it: this may be to be begun again
        return True

    def cancel(self, c: Connection, key: str) -> int:
        """See the port."""
        return c.execute(text(_CANCEL), {"key": key}).rowcount

    def list_(self, c: Connection, *, state: JobState | None = None, limit: int = 200) -> list[Job]:
        """See the port."""
        states = [name for one in ([state] if state else JobState) for name in _STATES[one]]
        return [_job(row) for row in c.execute(text(_JOBS + _LIST), {"states": states, "most": limit})]

    def unmended(self, c: Connection) -> list[Job]:
        """See the port."""
        return [_job(row) for row in c.execute(text(_JOBS + _UNMENDED))]

    def forget(self, c: Connection, *, finished_before: datetime) -> int:
        """See the port."""
        return c.execute(text(_FORGET), {"before": finished_before}).rowcount

    # Running ----------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """See the port. Other processes may run jobs of the same database at the same time."""
        if os.name == "nt":
            raise NotAvailable(
                "On Windows km365 runs no jobs of a PostgreSQL database, whose driver wants another loop; "
                "start it on Linux or macOS, or leave database_url out."
            )
        keeping = asyncio.create_task(self._again_and_again(self._keep_time, stop))
        try:
            await self._again_and_again(self._serve, stop)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _again_and_again(
        self, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Until `stop`: a worker ends when the server does, or when the machine slept."""
        pause_s = self._poll_s
        while not stop.is_set():
            begun = asyncio.get_running_loop().time()
            try:
                await work(stop)
            except (ConnectorException, psycopg.Error, OSError, TimeoutError) as error:
                self._say_trouble(error)
            if stop.is_set():
                return
            lasted_s = asyncio.get_running_loop().time() - begun
            pause_s = self._poll_s if lasted_s > self._lease_s else min(2 * pause_s, 30.0)
            await first_of(stop, timeout_s=pause_s)

    def _say_trouble(self, error: Exception) -> None:
        cause = error.__cause__ or error
        said = str(self._db.explained(cause, self._db.where) or type(cause).__name__)
        if said != self._trouble:
            self._trouble = said
            _log.warning("jobs wait: %s", said)

    async def _serve(self, stop: asyncio.Event) -> None:
        """One connection to procrastinate: a worker for what is registered, another for what comes later."""
        connector = procrastinate.PsycopgConnector(
            kwargs=self._db.connecting(), min_size=1, max_size=_CONNECTIONS, timeout=10.0
        )
        app = procrastinate.App(connector=connector)
        app.job_manager = manager = _Recorder(connector)
        async with app.open_async():
            served: set[str] = set()
            workers: list[asyncio.Task[None]] = []
            try:
                while not stop.is_set() and not any(worker.done() for worker in workers):
                    if names := self._work.keys() - served:
                        for name in names:
                            self._add_task(app, manager, name)
                        served |= names
                        workers.append(asyncio.create_task(self._run_worker(app, sorted(names))))
                    await first_of(stop, timeout_s=self._poll_s)
            finally:
                for worker in workers:
                    worker.cancel()  # it takes no new job, and lets those begun end
                ended = await asyncio.gather(*workers, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    async def _run_worker(self, app: procrastinate.App, queues: list[str]) -> None:
        self._trouble = ""
        await app.run_worker_async(
            queues=queues,
            concurrency=CONCURRENT,
            fetch_job_polling_interval=self._poll_s,
            shutdown_graceful_timeout=GRACE_S,
            update_heartbeat_interval=self._lease_s / 4,
            stalled_worker_timeout=self._lease_s,
            install_signal_handlers=False,
            delete_jobs="never",  # `forget` does, after it was seen that a failure was mended
        )

    def _add_task(self, app: procrastinate.App, manager: "_Recorder", name: str) -> None:
        async def do(context: JobContext, /, **args: Any) -> None:
            args.pop(_ERROR, None)
            try:
                async with asyncio.timeout(LONGEST_RUN_S):
                    await self._work[name][0](Given(args))
            except Exception as error:
                tried, said = context.job.attempts + 1, one_line(error)
                _log.warning("job %s %s failed (attempt %d): %s", name, _key(context.job), tried, said)
                await manager.note(context.job, said)
                final = isinstance(error, NotUnderstood)
                raise _Failed(None if final else wait_after(error, tried=tried)) from None

        app.task(name=name, queue=name, pass_context=True, retry=_Again(manager, self._work[name][1]))(do)

    # What happens every minute ----------------------------------------------------------------------------

    async def _keep_time(self, stop: asyncio.Event) -> None:
        """Does what is done every minute while no other process does, and takes over what the dead left."""
        connection = psycopg.AsyncConnection.connect(**self._db.connecting(), autocommit=True)
        async with await connection as held, contextlib.AsyncExitStack() as stack:
            await held.execute(_NOTICE_BREAKS)
            tasks: dict[str, asyncio.Task[None]] = {}
            stack.push_async_callback(_end_all, tasks)
            tasks[""] = asyncio.create_task(
                self._alone(held, "jobs", lambda: self._take_over(held), self._lease_s / 4, stop)
            )
            while not stop.is_set():
                for name in self._ticks.keys() - tasks.keys():  # a service may register after the start
                    tick = self._alone(held, f"tick {name}", partial(self._tick, name), self._tick_s, stop)
                    tasks[name] = asyncio.create_task(tick)
                await first_of(stop, timeout_s=self._poll_s)
                for task in tasks.values():
                    if task.done():
                        task.result()  # the connection is lost, and with it the locks

    async def _alone(
        self,
        held: psycopg.AsyncConnection[Any],
        what: str,
        work: Callable[[], Awaitable[None]],
        every_s: float,
        stop: asyncio.Event,
    ) -> None:
        mine = False
        while not stop.is_set():
            # asked each time, for a connection that is lost holds no lock any more
            asked = await held.execute("SELECT true" if mine else _LOCK, {"what": f"km365 {what}"})
            mine = bool((await asked.fetchone() or [False])[0])
            if mine:
                await work()
            await first_of(stop, timeout_s=every_s if mine else min(every_s, self._poll_s))

    async def _tick(self, name: str) -> None:
        try:
            await self._ticks[name]()
        except Exception as error:
            _log.warning("every minute, %s: %s", name, one_line(error))

    async def _take_over(self, held: psycopg.AsyncConnection[Any]) -> None:
        """Puts back the jobs of workers that died or have long been silent."""
        rows = await (await held.execute(_LOST, {"silent_s": self._lease_s})).fetchall()
        if not rows:
            return
        async with procrastinate.App(
            connector=procrastinate.PsycopgConnector(kwargs=self._db.connecting(), min_size=1, max_size=1)
        ).open_async() as app:
            manager = _Recorder(app.connector)
            for number, name, lock, attempts, asked_for_again in rows:
                lost = TheirJob(
                    id=number, task_name=name, queue=name, queueing_lock=lock, lock=None, attempts=attempts
                )
                allowed = self._work[name][1] if name in self._work else _USUAL_ATTEMPTS
                await manager.note(lost, "its worker stopped in the middle")
                if asked_for_again:  # the other one does it, or has done it
                    await manager.finish_job(lost, Status.SUCCEEDED, delete_job=False)
                elif attempts + 1 >= allowed:
                    await manager.finish_job(lost, Status.FAILED, delete_job=False)
                else:
                    await manager.retry_job(lost)


class _Failed(Exception):
    """A try failed; the next one is to wait, or there is none."""

    def __init__(self, wait_s: float | None) -> None:
        super().__init__()
        self.wait_s = wait_s


class _Again(BaseRetryStrategy):
    """When a job that did not end well is tried again."""

    def __init__(self, manager: "_Recorder", attempts: int) -> None:
        self._manager = manager
        self._attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: TheirJob) -> RetryDecision | None:
        """At once and without being counted when we stopped it; later, as often as it may, when it failed."""
        if isinstance(exception, asyncio.CancelledError):
            self._manager.given_back.add(job.id)
            return RetryDecision(retry_at=datetime.now(UTC))
        wait_s = exception.wait_s if isinstance(exception, _Failed) else None
        if wait_s is not None and job.attempts + 1 < self._attempts:
            return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait_s))
        return None


class _Recorder(JobManager):
    """Records what became of jobs, also when the server is away for a moment or the same waits again."""

    def __init__(self, connector: Any) -> None:
        super().__init__(connector)
        self.given_back: set[int | None] = set()

    async def note(self, job: TheirJob, said: str) -> None:
        """Keeps why the job failed."""
        given = {"said": {_ERROR: said.replace("\0", " ")}, "job_id": job.id}
        await self._insist(job, lambda: self.connector.execute_query_async(_NOTE, **given))

    async def finish_job(self, job: TheirJob, status: Status, delete_job: bool) -> None:
        """See procrastinate."""
        await self._insist(job, lambda: super(_Recorder, self).finish_job(job, status, delete_job))

    async def retry_job(self, job: TheirJob, *args: Any, **kwargs: Any) -> None:
        """See procrastinate. Where the same work waits already, that job will do it, and this one is done."""
        try:
            await self._insist(job, lambda: super(_Recorder, self).retry_job(job, *args, **kwargs))
        except UniqueViolation:
            await self.finish_job(job, Status.SUCCEEDED, delete_job=False)
            return
        if job.id in self.given_back:
            self.given_back.discard(job.id)
            await self._insist(job, lambda: self.connector.execute_query_async(_UNCOUNT, job_id=job.id))

    async def _insist(self, job: TheirJob, write: Callable[[], Awaitable[None]]) -> None:
        """Writes, for a minute if need be: a job whose end is not written would be run by nobody again."""
        loop = asyncio.get_running_loop()
        give_up_at, pause_s = loop.time() + _RECORDED_WITHIN_S, 0.05
        while True:
            try:
                await write()
                return
            except UniqueViolation:
                raise
            except ConnectorException as error:
                ended = isinstance(
                    error.__cause__, psycopg.errors.RaiseException
                )  # somebody else took it over
                if ended or loop.time() > give_up_at:
                    said = "another worker had taken it over" if ended else "the database cannot be reached"
                    _log.warning(
                        "job %s %s: its outcome was not recorded: %s", job.task_name, _key(job), said
                    )
                    return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 5.0)


async def _end_all(tasks: dict[str, asyncio.Task[None]]) -> None:
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


def _key(job: TheirJob) -> str:
    return (job.queueing_lock or "").partition(":")[2]


def _job(row: Row[Any]) -> Job:
    state = _STATE[row.status]
    return Job(
        id=row.id,
        name=row.task_name,
        key=(row.queueing_lock or "").partition(":")[2],
        args={name: value for name, value in row.args.items() if name != _ERROR},
        state=state,
        attempts=row.attempts + (state is JobState.RUNNING),  # theirs are counted when they end
        due_at=row.due_at.astimezone(UTC),
        error=row.args.get(_ERROR),
    )
