"""What waits is taken up: at a start, by the minute, after an installation, between turns, after a kill."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from km365_bots.delivery import enqueue_for_newcomer
from km365_bots.mailing import begin, take_up
from sqlalchemy import Connection

from km365.errors import Forbidden
from km365.services.prompts import SEND_DUE
from km365.store import conversations, outbox, turns
from km365.store.database import Database
from km365.store.outbox import Delivery, Message

from .fake_connector import fake_connector
from .post_office import PERSON, START
from .post_office import db as db
from .post_office import office as office


async def test_a_stop_while_sending_is_unknown_minutes_after_the_next_start(office):
    await office.knows()
    await office.asked_for()
    await office.db.run(outbox.claim, "invite:7", at=START)
    await begin(office.post)
    assert (await office.sends()).state is Delivery.SENDING, "another process may be sending it right now"
    office.clock[0] += timedelta(minutes=6)
    await take_up(office.post)
    assert (await office.sends()).state is Delivery.UNKNOWN
    assert office.teams.calls == []


async def test_after_a_start_everything_that_waits_is_queued(office):
    await office.knows()
    for number in range(3):
        await office.asked_for(key=f"invite:{number}")
    await begin(office.post)
    queued = await office.db.run(office.post.jobs.list_)
    assert [job.name for job in queued] == [SEND_DUE], "one job, however many they are"
    async with office.running():
        for number in range(3):
            await office.until_state(f"invite:{number}", Delivery.SENT)
    assert len(office.teams.calls) == 3


async def test_an_installation_queues_what_waits_for_that_person_only(office):
    for number in range(250):
        await office.asked_for(key=f"invite:a{number}", person_id="somebody else")
    await office.asked_for(key="invite:b")
    count = await office.db.run(enqueue_for_newcomer, office.post.jobs, at=START, person_id=PERSON)
    assert count == 1


async def test_an_installation_sends_at_once_what_was_held_for_it(office):
    await office.asked_for()
    office.refusal = Forbidden("Graph refused.", status=403)
    assert (await office.sends()).due_at > START
    await office.knows()
    assert await office.db.run(enqueue_for_newcomer, office.post.jobs, at=START, person_id=PERSON) == 1
    assert (await office.sends()).state is Delivery.SENT


async def test_what_falls_due_while_it_runs_is_sent(office):
    """Nothing but the look of every minute finds a reminder for later: no job was ever made for it."""
    await office.knows()
    await begin(office.post)
    later = Message(key="resume:1", person_id=PERSON, card="invitation", data={}, language="fr", reason="x")
    await office.db.run(outbox.put, later, at=START, due_at=START + timedelta(days=2))
    async with office.running():
        await office.until_state("resume:1", Delivery.WAITING)
    assert office.teams.calls == []
    office.clock[0] += timedelta(days=2)
    async with office.running():
        await office.until_state("resume:1", Delivery.SENT)


async def test_what_teams_asks_to_wait_seconds_for_is_sent_when_they_are_over(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [(429, {"Retry-After": "2"})]
    await office.sends()
    (job,) = await office.db.run(office.post.jobs.list_)
    assert job.key == "invite:7"
    waited_s = (job.due_at - datetime.now(UTC)).total_seconds()
    assert 0 < waited_s <= 2


async def test_a_message_does_not_cut_in_on_a_turn(office):
    await office.knows()
    await office.asked_for()
    async with office.post.lines.of("19:chat@unq.gbl.spaces"):
        sending = asyncio.create_task(office.sends())
        await asyncio.wait([sending], timeout=0.2)
        assert office.teams.calls == []
    assert (await sending).state is Delivery.SENT


async def test_a_message_does_not_cut_in_on_a_turn_of_another_process(office):
    await office.knows()
    await office.asked_for()
    chat = "19:chat@unq.gbl.spaces"
    await office.db.run(turns.take, chat, "another", at=datetime.now(UTC))
    sending = asyncio.create_task(office.sends())
    await asyncio.wait([sending], timeout=0.2)
    assert office.teams.calls == []
    await office.db.run(turns.end, chat, "another")
    assert (await sending).state is Delivery.SENT


async def test_killed_at_any_moment_nothing_is_sent_twice_and_nothing_is_forgotten(database_url):
    """Three kills while sending: each message is sent once, or shown as unknown."""
    async with fake_connector() as teams:
        db = Database.open(database_url)
        at = datetime.now(UTC)

        def fill(c: Connection) -> None:
            conversations.remember_address(
                c, PERSON, conversation_id="c", service_url=teams.url, tenant_id="t", locale="en", at=at
            )
            for number in range(120):
                outbox.put(
                    c,
                    Message(
                        key=f"k:{number}", person_id=PERSON, card="x", data={}, language="en", reason="test"
                    ),
                    at=at,
                )

        await db.run(fill)
        for kill_after in (15, 40, 70, None):
            sender = await asyncio.create_subprocess_exec(
                sys.executable, Path(__file__).with_name("sender.py"), database_url, teams.url
            )
            if kill_after is None:
                assert await sender.wait() == 0
                break
            await teams.called(kill_after)
            sender.kill()
            await sender.wait()
        texts = [body["text"] for body in teams.sent]
        rows = await db.run(outbox.list_, limit=500)
        db.close()
    assert len(texts) == len(set(texts)), "nothing twice"
    states = {row.message.key: row.state for row in rows}
    assert set(states.values()) <= {Delivery.SENT, Delivery.UNKNOWN}
    assert {key for key, state in states.items() if state is Delivery.SENT} <= set(texts)
    unknown = sum(state is Delivery.UNKNOWN for state in states.values())
    assert unknown <= 3 * 8, "at most what was under way at the kills"
