"""What is particular to the runner on SQLite: one process at a time, and `kill -9` at any moment."""

import asyncio
import contextlib
import random
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from km365.errors import StoreError
from km365.jobs import JobState, open_jobs
from km365.jobs.sqlite import SqliteJobs
from km365.store import outbox
from km365.store.database import Database
from km365.store.outbox import Delivery, Message
from km365.store.tables import job

WORKER = Path(__file__).with_name("worker.py")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'km365.sqlite'}"


async def test_only_one_runner_at_a_time_works_and_the_next_follows_at_once(bench, until) -> None:
    first, second, seen = bench.make(), bench.make(), []

    def worker(name: str):
        async def work(args) -> None:
            seen.append(name)

        return work

    first.register("greet", worker("first"))
    second.register("greet", worker("second"))
    async with bench.running(first):
        bench.enqueue(first, "greet", "k1")
        await until(lambda: seen == ["first"])
        waiting = contextlib.AsyncExitStack()
        await waiting.enter_async_context(bench.running(second))
        bench.enqueue(first, "greet", "k2")
        await until(lambda: len(seen) == 2)
    bench.enqueue(first, "greet", "k3")
    await until(lambda: len(seen) == 3)
    await waiting.aclose()
    assert seen == ["first", "first", "second"]


async def test_a_runner_that_waits_can_be_stopped(bench, until) -> None:
    async with bench.running(bench.make()), bench.running(bench.make()):
        await asyncio.sleep(0)


async def test_a_job_whose_worker_fell_silent_is_taken_over_while_we_run(bench, until) -> None:
    jobs, seen = bench.make(), []

    async def work(args) -> None:
        seen.append(1)

    jobs.register("greet", work)
    async with bench.running(jobs):
        with bench.db.begin() as c:
            jobs.enqueue(c, "greet", key="k1", args={})
            silent = {"state": JobState.RUNNING, "worker": "silent", "beat_at": bench.clock()}
            c.execute(update(job).values(**silent))
        bench.clock.advance(seconds=61)
        await until(lambda: bench.states(jobs) == {"k1": JobState.DONE})
    assert seen == [1]


async def test_a_job_that_hangs_counts_as_failed(bench, until, monkeypatch) -> None:
    jobs = bench.make()

    async def work(args) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("km365.jobs.sqlite.LONGEST_RUN_S", 0.01)
    jobs.register("greet", work, attempts=1)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["k1"] == JobState.FAILED)


async def test_a_job_that_does_not_end_in_time_is_given_back_when_we_stop(bench, until, monkeypatch) -> None:
    jobs, begun = bench.make(), asyncio.Event()

    async def work(args) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("km365.jobs.sqlite.GRACE_S", 0.01)
    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(begun.is_set)
    with bench.db.begin() as c:
        (left,) = jobs.list_(c)
    assert (left.state, left.attempts) == (JobState.WAITING, 0)


async def test_a_database_in_trouble_delays_the_jobs_says_so_once_and_loses_none(
    bench, until, monkeypatch, caplog
) -> None:
    jobs, seen, original = bench.make(), [], SqliteJobs._claim
    troubles = iter([StoreError("The disk is full."), StoreError("The disk is full.")])

    def claim(self, c, limit):
        trouble = next(troubles, None)
        if trouble:
            raise trouble
        return original(self, c, limit)

    async def work(args) -> None:
        seen.append(1)

    monkeypatch.setattr(SqliteJobs, "_claim", claim)
    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(lambda: seen == [1])
    assert caplog.messages == ["jobs wait: The disk is full."]


def test_jobs_in_memory_need_no_lock() -> None:
    async def main() -> None:
        with closing(Database.open("sqlite://")) as db:
            jobs, stop = open_jobs(db), asyncio.Event()

            async def work(args) -> None:
                stop.set()

            jobs.register("greet", work)
            with db.begin() as c:
                jobs.enqueue(c, "greet", key="k1", args={})
            await jobs.run(stop)

    asyncio.run(main())


def test_killed_at_random_moments_every_message_is_sent_at_most_once_and_none_is_forgotten(
    tmp_path: Path,
) -> None:
    chance, kills, count = random.Random(1), 5, 250
    with closing(Database.open(tmp_path / "km365.sqlite")) as db:
        jobs = open_jobs(db)
        with db.begin() as c:
            for n in range(count):
                key = f"invite:7:{n:03}"
                wanted = Message(
                    key=key, person_id="p", card="invitation", data={}, language="en", reason="milestone"
                )
                outbox.put(c, wanted, at=NOON)
                jobs.enqueue(c, "send_message", key=key, args={"key": key})
        for life in range(kills + 1):
            worker = subprocess.Popen([sys.executable, WORKER, tmp_path], stdout=subprocess.PIPE)
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
            if life == kills:
                wait_for_the_end(db, jobs, worker)
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.wait(chance.uniform(0.0, 0.25))
            worker.kill()
            worker.wait()
            worker.stdout.close()
        with db.begin() as c:
            states = {one.message.key: one.state for one in outbox.list_(c, limit=count)}
            unfinished = [one for one in jobs.list_(c, limit=count) if one.state is not JobState.DONE]
    sent = Counter((tmp_path / "sent.txt").read_text().split())
    assert max(sent.values()) == 1
    assert {key for key, state in states.items() if state is Delivery.SENT} <= set(sent)
    assert set(states.values()) <= {Delivery.SENT, Delivery.UNKNOWN}
    assert Counter(states.values())[Delivery.UNKNOWN] <= kills * 8
    assert unfinished == []


def wait_for_the_end(db: Database, jobs, worker: subprocess.Popen[bytes]) -> None:
    """Returns when no job waits or runs any more."""
    while worker.poll() is None:
        with db.begin() as c:
            if not jobs.list_(c, state=JobState.WAITING) and not jobs.list_(c, state=JobState.RUNNING):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(0.05)
    raise AssertionError("the worker ended by itself")
