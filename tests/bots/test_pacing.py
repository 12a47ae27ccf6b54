"""The pace that all processes of the bot keep together."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from km365_bots.pacing import Allowance, Given, Governor, Pace
from km365_bots.shared_pace import SharedAccount, open_account

from km365.errors import StoreError
from km365.store.database import Database

PACE = Pace(per_conversation=((1000, 1.0),), per_tenant=(30, 1.0))
LONG = {"tenant": "t", "patience_s": 3600.0}


@dataclass
class Time:
    """A clock that only sleepers move, each to the moment it sleeps to."""

    now: float = 1_000_000.0
    left: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


def governor(time: Time, account: SharedAccount | None = None) -> Governor:
    return Governor(PACE, account=account, clock=time, sleep=time.sleep)


async def sends(one: Governor, time: Time, count: int, **how: object) -> list[float]:
    """The moments at which so many sends leave, one after the other."""
    left = []
    for number in range(count):
        await one.admit(conversation=f"c{number}", **(LONG | how))
        left.append(time.now)
    return left


def most_in_a_second(left: list[float]) -> int:
    ordered = sorted(left)
    return max(sum(at <= other < at + 1.0 for other in ordered) for at in ordered)


async def test_few_are_sent_at_once_and_many_evenly_and_never_more_than_the_limit():
    time = Time()
    left = await sends(governor(time), time, 200)
    assert left[29] == left[0], "the first are not held up"
    assert most_in_a_second(left) <= 30
    rate = 150 / (left[199] - left[49])
    assert 0.95 * 30 <= rate <= 30


async def test_a_campaign_asks_for_every_moment_from_the_first():
    time = Time()
    left = await sends(governor(time), time, 60, bulk=True)
    gaps = {round(after - before, 6) for before, after in itertools.pairwise(left)}
    assert gaps == {round(PACE.every_s, 6)}


async def test_processes_share_the_rate(db: Database, database_url: str):
    time = Time()
    other_db = Database.open(database_url)
    async with open_account(db) as one, open_account(other_db) as two:
        first, second = governor(time, one), governor(time, two)
        for number in range(60):
            for each in (first, second):
                await each.admit(conversation=f"c{number}", bulk=True, **LONG)
                time.left.append(time.now)
    other_db.close()
    assert most_in_a_second(time.left) <= 30
    assert 120 / (time.left[-1] - time.left[0]) >= 0.95 * 30


async def test_a_pause_that_one_process_is_asked_for_is_kept_by_the_other(db: Database, database_url: str):
    time = Time()
    other_db = Database.open(database_url)
    async with open_account(db) as one, open_account(other_db) as two:
        governor(time, one).pause("t", 600.0)
        await one.close()
        waits = await governor(time, two).admit(tenant="t", conversation="c", patience_s=5.0, bulk=True)
    other_db.close()
    assert waits == pytest.approx(-600.0)


async def test_after_a_pause_not_everybody_leaves_at_once():
    time = Time()
    one = governor(time)
    one.pause("t", 10.0)
    assert one.paused_s("t") == 10.0
    began = time.now
    left = await sends(one, time, 20)
    assert left[0] == pytest.approx(began + 10.0)
    assert left[-1] - left[0] == pytest.approx(19 * PACE.every_s)


async def test_who_has_no_patience_is_told_how_long_it_would_take_and_takes_nothing():
    time = Time()
    one = governor(time)
    one.pause("t", 10.0)
    assert await one.admit(tenant="t", conversation="c", patience_s=5.0) == -10.0
    assert await one.admit(tenant="t", conversation="c", patience_s=10.0) == 10.0


async def test_a_database_that_does_not_answer_holds_nobody_up(db: Database, monkeypatch, caplog):
    async def fails(*_: object, **__: object) -> None:
        raise StoreError("The database is held by another process.")

    monkeypatch.setattr(type(db), "run", fails)
    time = Time()
    async with open_account(db) as account:
        left = await sends(governor(time, account), time, 90)
    assert most_in_a_second(left) <= 30
    assert "could not be agreed on" in caplog.text


async def test_a_chat_that_goes_over_to_another_process_takes_its_windows_along():
    time = Time()
    pace = Pace(per_tenant=(1000, 1.0))
    one, two = (Governor(pace, clock=time, sleep=time.sleep) for _ in range(2))
    for _ in range(7):
        await one.admit(conversation="c", **LONG)
    two.hear("c", one.lately("c"))
    two.hear("c", one.lately("c"))
    assert await two.admit(conversation="c", tenant="t", patience_s=0.0) == pytest.approx(-1.0)


async def test_of_a_quiet_chat_nothing_is_told():
    time = Time()
    one = governor(time)
    await one.admit(conversation="c", **LONG)
    assert one.lately("c") == []
    assert one.lately("another") == []


async def test_a_chat_that_is_busy_holds_up_itself_alone():
    time = Time()
    one = governor(time)
    one.pause_chat("c", 3.0)
    assert await one.admit(conversation="another", **LONG) == 0.0
    assert await one.admit(conversation="c", **LONG) == pytest.approx(3.0)


@given(st.lists(st.floats(0.0, 5.0), max_size=60))
def test_moments_given_out_never_come_closer_than_the_pace(gaps):
    account, now, left = Given(), 1_000.0, []
    for gap in gaps:
        now += gap
        account, moments = account.give(now, PACE, [now + 100.0] * 3)
        left += moments
    assert left == sorted(left)
    assert all(after - before >= PACE.every_s - 1e-6 for before, after in itertools.pairwise(left))


def test_a_send_that_never_left_is_not_counted():
    allowance = Allowance(((1, 10.0),))
    allowance.take(5.0)
    allowance.move(5.0, None)
    assert allowance.free_at(6.0) == 6.0
