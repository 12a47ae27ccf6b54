"""What every job runner promises (`km365/jobs/port.py`), run against each adapter."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from km365.errors import InputRefused, Throttled
from km365.jobs import JobState


async def test_a_job_runs_with_its_arguments(bench, until) -> None:
    jobs, seen = bench.make(), []

    async def work(args) -> None:
        seen.append(dict(args))

    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1", person="ann")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs) == {"k1": JobState.DONE})
    assert seen == [{"person": "ann"}]


async def test_a_job_enqueued_while_running_starts_soon(bench, until) -> None:
    jobs, done = bench.make(), asyncio.Event()

    async def work(args) -> None:
        done.set()

    jobs.register("greet", work)
    async with bench.running(jobs):
        await asyncio.to_thread(bench.enqueue, jobs, "greet", "k1")
        await until(done.is_set)


async def test_a_job_exists_only_if_its_transaction_commits(bench) -> None:
    jobs = bench.make()
    with pytest.raises(RuntimeError), bench.db.begin() as c:
        assert jobs.enqueue(c, "greet", key="k1", args={})
        raise RuntimeError
    assert bench.states(jobs) == {}


async def test_a_key_waits_once_and_may_come_again_later(bench, until) -> None:
    jobs, seen = bench.make(), Counter()

    async def work(args) -> None:
        seen["k1"] += 1

    jobs.register("greet", work)
    assert bench.enqueue(jobs, "greet", "k1")
    assert not bench.enqueue(jobs, "greet", "k1")
    assert bench.enqueue(jobs, "other", "k1"), "another name is another job"
    async with bench.running(jobs):
        await until(lambda: seen["k1"] == 1 and bench.states(jobs)["k1"] != JobState.RUNNING)
        assert bench.enqueue(jobs, "greet", "k1")
        await until(lambda: seen["k1"] == 2)


async def test_work_asked_for_while_it_runs_is_done_again_after(bench, until) -> None:
    jobs, begun, go_on, runs = bench.make(), asyncio.Event(), asyncio.Event(), Counter()

    async def work(args) -> None:
        runs["k1"] += 1
        begun.set()
        await go_on.wait()

    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(begun.is_set)
        assert bench.enqueue(jobs, "greet", "k1")
        go_on.set()
        await until(lambda: runs["k1"] == 2)


async def test_a_failure_is_tried_again_later_each_time_and_then_recorded(bench, until) -> None:
    jobs, tries = bench.make(), []

    async def work(args) -> None:
        tries.append(bench.clock.now)
        raise InputRefused("the list is not there")

    jobs.register("greet", work, attempts=3)
    bench.enqueue(jobs, "greet", "k1")

    def settled(count: int) -> bool:
        return len(tries) == count and bench.states(jobs)["k1"] != JobState.RUNNING

    async with bench.running(jobs):
        await until(lambda: settled(1))
        assert bench.states(jobs) == {"k1": JobState.WAITING}
        bench.clock.advance(minutes=1)
        await until(lambda: settled(2))
        bench.clock.advance(minutes=1)
        await until(lambda: settled(3))
    with bench.db.begin() as c:
        (job,) = jobs.list_(c)
    assert (job.state, job.attempts, job.error) == (JobState.FAILED, 3, "the list is not there")


async def test_a_job_waits_as_long_as_the_refusal_asks(bench, until) -> None:
    jobs, tries = bench.make(), Counter()

    async def work(args) -> None:
        tries["k1"] += 1
        if tries["k1"] == 1:
            raise Throttled("slow down", retry_after_s=300)

    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["k1"] == JobState.WAITING and tries["k1"] == 1)
        with bench.db.begin() as c:
            (job,) = jobs.list_(c)
        late = job.due_at - bench.clock.now - timedelta(seconds=300)
        assert timedelta() <= late < timedelta(seconds=30)
        bench.clock.advance(seconds=301)
        await until(lambda: bench.states(jobs)["k1"] == JobState.DONE)


async def test_a_job_that_another_version_queued_fails_at_once_and_says_so(bench, until) -> None:
    jobs, tries = bench.make(), Counter()

    async def work(args) -> None:
        tries["k1"] += 1
        args["drive"]

    jobs.register("tag", work)
    bench.enqueue(jobs, "tag", "k1", library="Documents")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["k1"] == JobState.FAILED)
    with bench.db.begin() as c:
        (job,) = jobs.list_(c)
    assert tries["k1"] == job.attempts == 1
    assert "it lacks 'drive' and has 'library'" in (job.error or "")


async def test_the_text_of_a_foreign_error_is_not_kept(bench, until) -> None:
    jobs = bench.make()

    async def work(args) -> None:
        raise ValueError("Ann said that the office")

    jobs.register("greet", work, attempts=1)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["k1"] == JobState.FAILED)
    with bench.db.begin() as c:
        assert jobs.list_(c)[0].error == "ValueError"


async def test_one_failing_job_does_not_stop_the_others(bench, until) -> None:
    jobs, seen = bench.make(), set()

    async def work(args) -> None:
        if args["n"] == "0":
            raise ValueError
        seen.add(args["n"])

    jobs.register("greet", work)
    for n in range(30):
        bench.enqueue(jobs, "greet", f"k{n}", n=str(n))
    async with bench.running(jobs):
        await until(lambda: len(seen) == 29)


async def test_a_waiting_job_can_be_cancelled(bench) -> None:
    jobs = bench.make()
    bench.enqueue(jobs, "greet", "k1")
    with bench.db.begin() as c:
        assert jobs.cancel(c, "k1") == 1
        assert jobs.cancel(c, "k1") == 0
        assert jobs.list_(c, state=JobState.WAITING) == []
    assert bench.states(jobs) == {"k1": JobState.CANCELLED}


async def test_jobs_nobody_registered_wait(bench, until) -> None:
    jobs, seen = bench.make(), []

    async def work(args) -> None:
        seen.append(1)

    bench.enqueue(jobs, "later", "k1")
    bench.enqueue(jobs, "greet", "k2")
    jobs.register("greet", work)
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["k2"] == JobState.DONE)
        assert bench.states(jobs)["k1"] == JobState.WAITING
        jobs.register("later", work)
        await until(lambda: bench.states(jobs)["k1"] == JobState.DONE)


async def test_the_tick_comes_at_the_start_and_again_and_outlives_its_failures(bench, until) -> None:
    jobs, ticks, at_once = bench.make(), [], Counter()

    async def tick() -> None:
        at_once["now"] += 1
        assert at_once["now"] == 1, "two at once"
        ticks.append(1)
        await asyncio.sleep(0)
        at_once["now"] -= 1
        if len(ticks) == 2:
            raise ValueError("once")

    async with bench.running(jobs):
        jobs.every_minute("tick", tick)
        await until(lambda: len(ticks) >= 4)


async def test_stopping_lets_a_running_job_end(bench, until) -> None:
    jobs, begun, go_on = bench.make(), asyncio.Event(), asyncio.Event()

    async def work(args) -> None:
        begun.set()
        await go_on.wait()

    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(begun.is_set)
        asyncio.get_running_loop().call_later(0.01, go_on.set)
    assert bench.states(jobs) == {"k1": JobState.DONE}


async def test_what_a_dead_worker_left_is_run_by_the_next(bench, until) -> None:
    jobs, seen = bench.make(), []

    async def work(args) -> None:
        seen.append(args["n"])

    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1", n="1")
    bench.die_in_the_middle_of("k1")
    assert bench.states(jobs) == {"k1": JobState.RUNNING}
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs) == {"k1": JobState.DONE})
    assert seen == ["1"]


async def test_a_job_that_kills_its_worker_each_time_is_given_up(bench, until) -> None:
    async def work(args) -> None:
        raise AssertionError("it must not run a third time")

    bench.enqueue(bench.make(), "greet", "k1")
    for _ in range(2):
        bench.die_in_the_middle_of("k1")
    jobs = bench.make()
    jobs.register("greet", work, attempts=2)
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs) == {"k1": JobState.FAILED})


async def test_taking_over_a_job_asked_for_again_meanwhile_runs_it_once(bench, until) -> None:
    jobs, runs = bench.make(), Counter()

    async def work(args) -> None:
        runs["k1"] += 1

    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    bench.die_in_the_middle_of("k1")
    assert bench.enqueue(jobs, "greet", "k1")
    async with bench.running(jobs):
        await until(lambda: set(bench.states(jobs).values()) == {JobState.DONE})
    assert runs["k1"] == 1


async def test_finished_jobs_are_forgotten_after_their_time(bench, until) -> None:
    jobs = bench.make()

    async def work(args) -> None:
        pass

    jobs.register("greet", work)
    bench.enqueue(jobs, "greet", "k1")
    bench.enqueue(jobs, "other", "k2")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["k1"] == JobState.DONE)
    with bench.db.begin() as c:
        assert jobs.forget(c, finished_before=bench.clock.now) == 0
        assert jobs.forget(c, finished_before=bench.clock.now + timedelta(days=1)) == 1
    assert bench.states(jobs) == {"k2": JobState.WAITING}


async def test_a_job_may_be_asked_for_in_some_seconds(bench, until) -> None:
    jobs, seen = bench.make(), []

    async def work(args) -> None:
        seen.append(args["n"])

    jobs.register("greet", work)
    with bench.db.begin() as c:
        assert jobs.enqueue(c, "greet", key="soon", args={"n": "1"}, wait_s=30)
        assert not jobs.enqueue(c, "greet", key="soon", args={"n": "2"})
    bench.enqueue(jobs, "greet", "now", n="0")
    async with bench.running(jobs):
        await until(lambda: bench.states(jobs)["now"] == JobState.DONE)
        assert seen == ["0"]
        bench.clock.advance(seconds=31)
        await until(lambda: seen == ["0", "1"])


async def test_a_failed_job_counts_until_its_work_has_ended_well(bench, until) -> None:
    jobs, broken = bench.make(), ["k1", "k2"]

    async def work(args) -> None:
        if args["n"] in broken:
            raise InputRefused("the list is not there")

    def unmended() -> list[str]:
        with bench.db.begin() as c:
            return [one.key for one in jobs.unmended(c)]

    jobs.register("scan", work, attempts=1)
    async with bench.running(jobs):
        for _ in range(2):
            for key in ("k1", "k2"):
                bench.enqueue(jobs, "scan", key, n=key)
            await until(lambda: set(bench.states(jobs).values()) == {JobState.FAILED})
        assert unmended() == ["k2", "k1"]
        broken.remove("k1")
        bench.enqueue(jobs, "scan", "k1", n="k1")
        await until(lambda: unmended() == ["k2"])
