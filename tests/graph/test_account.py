"""One budget for all processes of an app: bulk work sees what people spend elsewhere, and waits for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from km365.errors import StoreError
from km365.graph.account import SharedAccount
from km365.graph.governor import Governor, bulk
from km365.graph.pacing import Budget, Limits, Service, Signal, Spending
from km365.store.database import Database
from tests.graph.conftest import Time

LIMITS = Limits(budgets={Service.SHAREPOINT: Budget(per_minute=1_250, per_day=1_200_000)})


@pytest.fixture
def path(database_url: str) -> str:
    return database_url


@contextmanager
def process(path: str, time: Time) -> Iterator[Governor]:
    """What one process has: a database of its own on the same file, and a governor on it."""
    db = Database.open(path)
    yield Governor(LIMITS, account=SharedAccount(db), clock=time, sleep=time.sleep)
    db.close()


def kept(path: str) -> Spending:
    """The row as a newcomer reads it."""
    found: list[Spending] = []

    async def look() -> None:
        db = Database.open(path)
        account = SharedAccount(db)
        await account.change(Service.SHAREPOINT, lambda spending: (found.append(spending) or spending, 0.0))
        db.close()

    asyncio.run(look())
    return found[0]


async def test_two_processes_spend_one_budget(path: str, time: Time) -> None:
    with process(path, time) as job, process(path, time) as other, bulk():
        start = time.now
        for _ in range(100):
            await job.admit({Service.SHAREPOINT: 40}, patience_s=900)
            await other.admit({Service.SHAREPOINT: 40}, patience_s=900)
        assert 199 * 40 / (time.now - start) == pytest.approx(1_190 / 60, rel=0.05), "together, not each"


async def test_a_block_of_bulk_work_is_charged_once_and_spent_evenly(path: str, time: Time) -> None:
    with process(path, time) as job, bulk():
        start = time.now
        for _ in range(79):
            await job.admit({Service.SHAREPOINT: 1}, patience_s=900)
        assert job.account.note(Service.SHAREPOINT, lambda one: (one, one.spent)) == pytest.approx(
            79.33, 0.01
        )
        assert time.now - start == pytest.approx(78 / (1_190 / 60), rel=0.01)
        assert max(time.slept) == pytest.approx(60 / 1_190, rel=0.01)


async def test_what_a_job_did_not_use_is_given_back(path: str, time: Time) -> None:
    with process(path, time) as job:
        with bulk():
            await job.admit({Service.SHAREPOINT: 1}, patience_s=900)
        await job.close()
    spent = (await asyncio.to_thread(kept, path)).day_spent
    assert spent == pytest.approx(1)


async def test_people_charge_the_account_and_wait_for_nobody(path: str, time: Time) -> None:
    with process(path, time) as person, process(path, time) as holder, holder.account._db.begin():  # type: ignore[attr-defined]
        # somebody else is writing to the database all the while
        for _ in range(100):
            assert await person.admit({Service.SHAREPOINT: 1}, patience_s=20) == 0
    assert time.slept == []


async def test_a_job_in_another_process_makes_room_for_people(path: str, time: Time) -> None:
    with process(path, time) as job, process(path, time) as person:
        with bulk():
            await job.admit({Service.SHAREPOINT: 80}, patience_s=900)
        await person.admit({Service.SHAREPOINT: 100}, patience_s=20)
        await person.close()
        before = time.now
        with bulk():
            await job.admit({Service.SHAREPOINT: 40}, patience_s=900)
        assert time.now - before > 6, "a hundred units less, but for what was left free"


async def test_a_refusal_in_one_process_rests_the_other(path: str, time: Time) -> None:
    with process(path, time) as one, process(path, time) as other:
        one.learn(Service.SHAREPOINT, Signal(status=429, retry_after_s=30))
        await one.close()
        with bulk():
            waited = await other.admit({Service.SHAREPOINT: 2}, patience_s=900)
        assert waited == pytest.approx(30)


async def test_a_learned_limit_outlives_the_process(path: str, time: Time) -> None:
    with process(path, time) as one:
        one.learn(Service.SHAREPOINT, Signal(status=200, limit=600, remaining=100, reset_s=5))
        await one.close()
    assert (await asyncio.to_thread(kept, path)).learned == 600


async def test_no_call_of_a_person_fails_for_the_account(
    path: str, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise StoreError("The disk is full.")

    with process(path, time) as person:
        monkeypatch.setattr(Database, "run", busy)
        await person.admit({Service.SHAREPOINT: 1}, patience_s=20)
        await person.close()
