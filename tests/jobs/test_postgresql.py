"""What is particular to the runner on PostgreSQL: several workers, and `kill -9` at any moment."""

import asyncio
import contextlib
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from km365.jobs import JobState
from km365.jobs.postgresql import PostgresqlJobs
from km365.store import outbox
from km365.store.database import Database
from km365.store.outbox import Delivery, Message

from ..databases import fresh, needs_postgresql

WORKER = Path(__file__).with_name("worker.py")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

pytestmark = needs_postgresql


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    with fresh("postgresql", tmp_path) as url:
        yield url


async def test_workers_share_the_jobs_and_one_of_them_keeps_time(bench, until) -> None:
    done, ticks, shared = Counter(), [], asyncio.Event()
    both = bench.make(), bench.make()
    for number, jobs in enumerate(both):

        async def work(args, number=number) -> None:
            done[number] += 1
            if len(done) == 2:
                shared.set()
            await shared.wait()  # each takes as many as it may until the other has some too

        async def tick(number=number) -> None:
            ticks.append(number)

        jobs.register("greet", work)
        jobs.every_minute("tick", tick)
    for n in range(60):
        bench.enqueue(both[0], "greet", f"k{n}")
    async with bench.running(both[0]), bench.running(both[1]):
        await until(lambda: set(bench.states(both[0]).values()) == {JobState.DONE} and len(ticks) > 3)
    assert done.total() == 60
    changes = sum(one != other for one, other in pairwise(ticks))
    assert changes <= 1, "on a busy machine the other takes over, and then keeps it"


async def test_another_worker_keeps_time_when_the_first_one_has_ended(bench, until) -> None:
    first, second, ticks = bench.make(), bench.make(), Counter()

    def counting(name: str):
        async def tick() -> None:
            ticks[name] += 1

        return tick

    first.every_minute("tick", counting("first"))
    second.every_minute("tick", counting("second"))
    waiting = contextlib.AsyncExitStack()
    async with bench.running(first):
        await until(lambda: ticks["first"] > 0)
        await waiting.enter_async_context(bench.running(second))
    await until(lambda: ticks["second"] > 0)
    await waiting.aclose()


async def test_jobs_go_on_after_the_server_has_ended_every_connection(bench, until, caplog) -> None:
    jobs, seen, ticks = bench.make(), [], Counter()

    async def work(args) -> None:
        seen.append(args["n"])

    async def tick() -> None:
        ticks["t"] += 1

    jobs.register("greet", work)
    jobs.every_minute("tick", tick)
    async with bench.running(jobs):
        bench.enqueue(jobs, "greet", "k1", n="1")
        await until(lambda: seen == ["1"] and ticks["t"] > 0)
        with contextlib.suppress(Exception), bench.db.begin() as c:
            mine = "datname = current_database() AND pid <> pg_backend_pid()"
            c.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"))
        before = ticks["t"]
        bench.enqueue(jobs, "greet", "k2", n="2")
        await until(lambda: seen == ["1", "2"] and ticks["t"] > before)
    assert bench.states(jobs) == {"k1": JobState.DONE, "k2": JobState.DONE}


async def test_a_job_that_does_not_end_in_time_is_given_back_when_we_stop(bench, until, monkeypatch) -> None:
    jobs, begun = bench.make(), asyncio.Event()

    async def work(args) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("km365.jobs.postgresql.GRACE_S", 0.01)
    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(begun.is_set)
    with bench.db.begin() as c:
        (left,) = jobs.list_(c)
    assert (left.state, left.attempts) == (JobState.WAITING, 0)


async def test_a_job_that_hangs_counts_as_failed(bench, until, monkeypatch) -> None:
    jobs = bench.make()

    async def work(args) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("km365.jobs.postgresql.LONGEST_RUN_S", 0.01)
    jobs.register("greet", work, attempts=1)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["k1"] == JobState.FAILED)


async def test_a_failing_job_that_was_asked_for_again_leaves_it_to_the_other(
    bench, until, monkeypatch
) -> None:
    jobs, begun, go_on, tries = bench.make(), asyncio.Event(), asyncio.Event(), Counter()

    async def work(args) -> None:
        tries["k1"] += 1
        begun.set()
        await go_on.wait()
        if tries["k1"] == 1:
            raise ValueError

    monkeypatch.setattr("km365.jobs.postgresql.CONCURRENT", 1)
    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(begun.is_set)
        assert bench.enqueue(jobs, "greet", "k1")
        go_on.set()
        await until(lambda: set(bench.states(jobs).values()) == {JobState.DONE})
    assert tries["k1"] == 2


class Workers:
    """Processes that send an outbox, to be killed and replaced."""

    def __init__(self, folder: Path, url: str, count: int) -> None:
        self._folder, self._url = folder, url
        self.running = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, WORKER, self._folder, self._url], stdout=subprocess.PIPE)

    def ready(self) -> None:
        for worker in self.running:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"

    def kill(self, which: int) -> None:
        self._end(self.running[which])
        self.running[which] = self._start()

    def end(self) -> None:
        for worker in self.running:
            self._end(worker)

    def _end(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()


async def test_three_workers_and_four_kills_do_every_job_once_in_effect(
    tmp_path: Path, database_url: str, until
) -> None:
    chance, kills, count = random.Random(1), 4, 300
    workers = Workers(tmp_path, database_url, 3)
    with closing(Database.open(database_url)) as db:
        jobs = PostgresqlJobs(db)
        workers.ready()
        with db.begin() as c:
            for n in range(count):
                key = f"invite:7:{n:03}"
                wanted = Message(
                    key=key, person_id="p", card="invitation", data={}, language="en", reason="milestone"
                )
                outbox.put(c, wanted, at=NOON)
                jobs.enqueue(c, "send_message", key=key, args={"key": key})

        def left() -> int:
            with db.begin() as c:
                return sum(one.state is not JobState.DONE for one in jobs.list_(c, limit=count))

        try:
            for kill in range(kills):
                await until(lambda share=kill: left() <= count * (kills - share) / (kills + 1))
                workers.kill(chance.randrange(3))
            await until(lambda: left() == 0)
        finally:
            workers.end()
        with db.begin() as c:
            states = {one.message.key: one.state for one in outbox.list_(c, limit=count)}
    sent = Counter((tmp_path / "sent.txt").read_text().split())
    assert max(sent.values()) == 1
    assert {key for key, state in states.items() if state is Delivery.SENT} <= set(sent)
    assert Counter(states.values())[Delivery.SENDING] <= kills * 8, "these are shown as unknown"
    assert set(states.values()) <= {Delivery.SENT, Delivery.SENDING, Delivery.UNKNOWN}
