"""What turns keep in our database, and whom the bot reaches after each."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from km365_bots.activities import Incoming, read_activity
from km365_bots.desk import Desk
from km365_bots.pacing import Governor, Pace
from km365_bots.turn import Heard

from km365.core.chat import Event, Reply
from km365.jobs import open_jobs
from km365.store import conversations
from km365.store.database import Database

from .activities import PERSON, activity

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


async def nothing(event: Event) -> list[Reply]:
    return []


def came(**changes: Any) -> Incoming:
    return read_activity(json.dumps(activity("http://127.0.0.1:1", **changes)).encode())


async def hears(desk: Desk, incoming: Incoming, *, done: bool = True) -> Heard:
    heard = await desk.received(incoming, at=NOON)
    if heard is Heard.NOW:
        await desk.ended(incoming, at=NOON, done=done)
    return heard


async def reached(db: Database) -> tuple[int, int]:
    return await db.run(conversations.count_addresses)


async def test_what_is_done_with_is_dropped_when_it_comes_again_to_whichever_process(db: Database):
    one, two = (Desk(db, open_jobs(db), nothing) for _ in range(2))
    said = came()
    assert await hears(one, said, done=False) is Heard.NOW
    assert await hears(two, said) is Heard.NOW, "it was not done with"
    assert await hears(one, said) is Heard.BEFORE
    assert await hears(two, said) is Heard.BEFORE


async def test_while_one_has_the_chat_the_other_waits_and_keeps_nothing(db: Database):
    one, two = (Desk(db, open_jobs(db), nothing) for _ in range(2))
    first, second = came(), came()
    assert await one.received(first, at=NOON) is Heard.NOW
    assert await two.received(second, at=NOON) is Heard.ELSEWHERE
    await one.ended(first, at=NOON, done=True)
    assert await two.received(second, at=NOON) is Heard.NOW


@pytest.mark.parametrize(
    "gone",
    [
        {"type": "installationUpdate", "action": "remove"},
        {"type": "conversationUpdate", "membersRemoved": [{"id": "28:bot"}]},
    ],
)
async def test_a_removal_is_known_even_of_somebody_never_met_and_what_follows_it_changes_nothing(
    db: Database, gone
):
    desk = Desk(db, open_jobs(db), nothing)
    await hears(desk, came(**gone))
    assert await reached(db) == (0, 1)
    await hears(desk, came(type="conversationUpdate", membersRemoved=[{"id": "28:bot"}]))
    assert await reached(db) == (0, 1)
    await hears(desk, came(type="installationUpdate", action="add"))
    assert await reached(db) == (1, 0)
    await hears(desk, came(type="installationUpdate", action="remove-upgrade"))
    assert await reached(db) == (1, 0), "a new version of the app is no removal"


async def test_a_new_name_makes_nobody_a_second_person(db: Database):
    desk = Desk(db, open_jobs(db), nothing)
    for name in ("A Person", "A Person-Newname"):
        await hears(desk, came(**{"from": {"id": "29:1person", "name": name, "aadObjectId": PERSON}}))
    assert await reached(db) == (1, 0)


async def test_a_group_is_nobodys_address(db: Database):
    desk = Desk(db, open_jobs(db), nothing)
    await hears(desk, came(conversation={"conversationType": "groupChat", "id": "g"}))
    assert await reached(db) == (0, 0)


async def test_what_was_lately_sent_to_a_busy_chat_goes_over_with_it(db: Database):
    one, two = (Governor(Pace()) for _ in range(2))
    desks = [Desk(db, open_jobs(db), nothing, governor=governor) for governor in (one, two)]
    first, second = came(), came()
    await desks[0].received(first, at=NOON)
    for _ in range(7):
        await one.admit(tenant="t", conversation=first.conversation_id, patience_s=20.0)
    await desks[0].ended(first, at=NOON, done=True)
    await desks[1].received(second, at=NOON)
    assert await two.admit(tenant="t", conversation=first.conversation_id, patience_s=0.0) < 0


async def test_a_chat_is_lent_between_two_turns_only(db: Database):
    one, two = (Desk(db, open_jobs(db), nothing) for _ in range(2))
    said = came()
    async with one.alone(said.conversation_id) as free:
        assert free
        assert await two.received(said, at=NOON) is Heard.ELSEWHERE
    assert await two.received(said, at=NOON) is Heard.NOW
    async with one.alone(said.conversation_id) as free:
        assert not free
