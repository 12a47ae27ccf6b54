"""Messages the bot sends by itself: at most once, whatever Teams answers."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from km365_bots.connector import open_connector
from km365_bots.delivery import JOB, Post, begin, deliver, enqueue_for_newcomer, take_up
from km365_bots.pacing import Pace
from km365_bots.turn import Lines
from sqlalchemy import Connection

from km365.core.chat import Reply
from km365.core.preferences import Preferences
from km365.documents.words import Words
from km365.errors import Forbidden, GraphNotFound, StoreError, TemplateError
from km365.jobs import open_jobs
from km365.store import conversations, outbox, preferences, turns
from km365.store.database import Database
from km365.store.outbox import Delivery, Message, Sent
from km365.templates import Templates

from .cards_for_tests import card
from .fake_connector import HANG, FakeConnector, fake_connector

LABELS = Words.read(Templates(), "cards/labels")
PACE = Pace(
    per_conversation=((1000, 1.0),), per_tenant=((1000, 1.0),), timeout_s=1.0, longest_wait_s=1.0, attempts=1
)
PERSON = "6f3c1a52-0000-4000-8000-00000000000a"
START = datetime(2026, 11, 21, 9, tzinfo=UTC)


@dataclass
class Office:
    """A post office with one message to one person whose chat is known."""

    post: Post
    teams: FakeConnector
    db: Database
    clock: list[datetime] = field(default_factory=lambda: [START])
    installed: list[str] = field(default_factory=list)
    chat_id: str = "19:new@unq.gbl.spaces"
    refusal: Exception | None = None

    async def knows(self, conversation: str = "19:chat@unq.gbl.spaces") -> None:
        await self.db.run(
            conversations.remember_address,
            PERSON,
            conversation_id=conversation,
            service_url=self.teams.url,
            tenant_id="t",
            locale="fr",
            at=self.clock[0],
        )

    async def asked_for(self, key: str = "invite:7", **parts: object) -> None:
        message = Message(
            key=key, person_id=PERSON, card="invitation", data={}, language="fr", reason="milestone"
        )
        await self.db.run(outbox.put, replace(message, **parts), at=START)

    async def sends(self, key: str = "invite:7") -> Sent:
        await deliver(self.post, key)
        row = await self.db.run(outbox.get, key)
        assert row is not None
        return row

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The jobs run until the block ends; the look of every minute is taken at once."""
        stop = asyncio.Event()
        runner = asyncio.create_task(self.post.jobs.run(stop))
        try:
            yield
        finally:
            stop.set()
            await runner

    async def until_state(self, key: str, state: Delivery) -> None:
        async with asyncio.timeout(20):
            while (await self.db.run(outbox.get, key)).state is not state:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)

    @property
    def texts(self) -> Sequence[str]:
        return [body.get("summary") or body.get("text", "") for body in self.teams.sent]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "km365.sqlite")
    yield opened
    opened.close()


async def no_token() -> None:
    return None


@pytest.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        teams = await stack.enter_async_context(fake_connector())
        connector = await stack.enter_async_context(open_connector(no_token, PACE))
        clock = [START]

        async def language(message: Message) -> str:
            return {"amal": "ar"}.get(message.person_id, message.language)

        async def compose(message: Message) -> Reply:
            if message.card == "broken":
                raise KeyError("said in confidence")
            if message.card == "busy":
                raise StoreError("The database is held by another process.")
            if message.card != "invitation":
                raise TemplateError(f"There is no card {message.card!r}.")
            return Reply(text="Une invitation", card=card("invitation", message.language))

        async def install(person_id: str) -> str:
            place.installed.append(person_id)
            if place.refusal:
                raise place.refusal
            return place.chat_id

        post = Post(
            db=db,
            jobs=open_jobs(db),
            connector=connector,
            labels=LABELS,
            language=language,
            compose=compose,
            install=install,
            lines=Lines(),
            now=lambda: clock[0],
            service_url=teams.url,
            tenant_id="t",
            install_wait_s=0.0,
        )
        place = Office(post=post, teams=teams, db=db, clock=clock)
        yield place


async def test_a_message_is_sent_as_a_card_in_the_persons_language_and_rings(office):
    await office.knows()
    await office.asked_for()
    row = await office.sends()
    assert (row.state, row.activity_id) == (Delivery.SENT, "m1")
    [sent] = office.teams.sent
    assert sent["channelData"]["notification"]["alert"] is True
    assert sent["attachments"][0]["content"]["lang"] == "fr"
    assert sent["summary"] == "Une invitation"


async def test_a_message_is_sent_once_however_often_the_job_runs(office):
    await office.knows()
    await office.asked_for()
    await asyncio.gather(*(deliver(office.post, "invite:7") for _ in range(5)))
    await office.sends()
    assert len(office.teams.sent) == 1


async def test_in_quiet_hours_nothing_is_sent_and_the_reason_is_kept(office):
    await office.knows()
    await office.asked_for()
    evening = Preferences(opens=timedelta(hours=18), closes=timedelta(hours=22))
    await office.db.run(preferences.put, PERSON, evening, at=START)
    row = await office.sends()
    assert (row.state, row.attempts, row.note) == (Delivery.WAITING, 0, outbox.QUIET)
    assert row.due_at == START.replace(hour=18)
    assert office.teams.sent == []
    office.clock[0] = row.due_at
    assert (await office.sends()).state is Delivery.SENT


async def test_an_answer_to_what_somebody_just_did_comes_while_they_are_there(office):
    await office.knows()
    await office.db.run(preferences.put, PERSON, Preferences(opens=timedelta(hours=18)), at=START)
    for key, minutes in (("at once", 0), ("much later", 16)):
        await office.asked_for(key, card="handed_on")
        office.clock[0] += timedelta(minutes=minutes)
        held = (await office.sends(key)).state is Delivery.WAITING
        assert held is (minutes > 0)


async def test_the_intent_is_written_before_the_call(office):
    await office.knows()
    await office.asked_for()
    seen = []
    original = office.post.connector.send

    async def look(*args, **kwargs):
        seen.append((await office.db.run(outbox.get, "invite:7")).state)
        return await original(*args, **kwargs)

    office.post.connector.send = look
    await office.sends()
    assert seen == [Delivery.SENDING]


@pytest.mark.parametrize("answer", [500, 502, 503, HANG])
async def test_what_may_have_arrived_is_unknown_and_never_sent_again(office, answer):
    await office.knows()
    await office.asked_for()
    office.teams.script = [answer]
    assert (await office.sends()).state is Delivery.UNKNOWN
    office.clock[0] += timedelta(days=30)
    assert (await office.sends()).state is Delivery.UNKNOWN
    assert len(office.teams.calls) == 1


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


async def test_429_waits_as_long_as_teams_asks_and_is_then_sent_once(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [(429, {"Retry-After": "600"})]
    row = await office.sends()
    assert row.state is Delivery.WAITING
    assert row.due_at == START + timedelta(seconds=600)
    assert (await office.sends()).state is Delivery.WAITING, "it is not due yet"
    assert len(office.teams.calls) == 1


async def test_nothing_listening_waits_and_is_sent_later(office):
    await office.knows()
    await office.asked_for()
    real, office.teams.url = office.teams.url, "http://127.0.0.1:1"
    await office.knows()
    assert (await office.sends()).state is Delivery.WAITING
    office.teams.url = real
    await office.knows()
    office.clock[0] += timedelta(hours=1)
    assert (await office.sends()).state is Delivery.SENT


async def test_a_message_refused_for_ever_is_given_up_with_a_note(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [412] * 40
    for _ in range(40):
        row = await office.sends()
        office.clock[0] += timedelta(hours=1)
    assert row.state is Delivery.FAILED
    assert "30 attempts" in row.note
    assert len(office.teams.calls) == 30


async def test_someone_who_blocked_the_bot_is_unreachable_and_not_tried_again(office):
    await office.knows()
    await office.asked_for()
    await office.asked_for(key="invite:8")
    office.teams.script = [403]
    assert (await office.sends()).state is Delivery.UNREACHABLE
    assert (await office.sends("invite:8")).state is Delivery.UNREACHABLE
    assert len(office.teams.calls) == 1
    await office.asked_for(key="invite:9")
    await office.knows()
    assert (await office.sends("invite:9")).state is Delivery.SENT, "they installed it again"


async def test_a_chat_that_is_gone_is_found_again_once(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [404]
    assert (await office.sends()).state is Delivery.SENT
    assert office.installed == [PERSON]
    assert [call.path.split("/")[3] for call in office.teams.calls] == [
        "19:chat@unq.gbl.spaces",
        "19:new@unq.gbl.spaces",
    ]


async def test_a_chat_that_stays_gone_is_unreachable(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [404, 404]
    assert (await office.sends()).state is Delivery.UNREACHABLE
    assert len(office.teams.calls) == 2


async def test_a_card_too_large_goes_out_as_text(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [413]
    assert (await office.sends()).state is Delivery.SENT
    assert office.texts == ["Une invitation", "Une invitation"]
    assert "attachments" not in office.teams.sent[1]


async def test_a_message_teams_will_not_have_has_failed(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [400]
    assert (await office.sends()).state is Delivery.FAILED


async def test_a_message_without_words_has_failed_and_was_not_sent(office):
    await office.knows()
    await office.asked_for(card="surprise")
    row = await office.sends()
    assert row.state is Delivery.FAILED
    assert "surprise" in row.note
    assert office.teams.calls == []


async def test_a_person_the_bot_never_met_has_it_installed_first(office):
    await office.asked_for()
    assert (await office.sends()).state is Delivery.SENT
    assert office.installed == [PERSON]
    assert office.teams.calls[0].path.split("/")[3] == "19:new@unq.gbl.spaces"


async def test_without_permission_to_install_the_message_waits_and_says_why(office):
    await office.asked_for()
    office.refusal = Forbidden("Graph refused.", status=403)
    row = await office.sends()
    assert row.state is Delivery.WAITING
    assert "could not be installed" in row.note


async def test_until_the_app_is_in_the_organisations_store_messages_wait(office):
    await office.asked_for()
    office.refusal = GraphNotFound("The Teams app is not in the organisation's store.")
    row = await office.sends()
    assert row.state is Delivery.WAITING
    assert "store" in row.note


async def test_a_message_that_waits_for_an_installation_is_never_given_up_for_it(office):
    await office.asked_for()
    office.refusal = GraphNotFound("The Teams app is not in the organisation's store.")
    for _ in range(40):
        row = await office.sends()
        office.clock[0] = row.due_at
    assert (row.state, row.attempts) == (Delivery.WAITING, 0)
    assert len(office.installed) == 40
    assert row.due_at - START < timedelta(hours=41), "looked for once an hour at least"
    office.refusal = None
    assert (await office.sends()).state is Delivery.SENT


async def test_a_person_who_is_not_in_the_directory_is_unreachable(office):
    await office.asked_for()
    office.refusal = GraphNotFound("There is no such person.", status=404)
    assert (await office.sends()).state is Delivery.UNREACHABLE


async def test_after_a_start_everything_that_waits_is_queued(office):
    await office.knows()
    for number in range(3):
        await office.asked_for(key=f"invite:{number}")
    await begin(office.post)
    queued = await office.db.run(office.post.jobs.list_)
    assert sorted(job.key for job in queued) == ["invite:0", "invite:1", "invite:2"]
    assert {job.name for job in queued} == {JOB}


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


async def test_more_than_a_page_is_queued_at_a_start(office):
    await office.knows()
    for number in range(outbox.PAGE + 5):
        await office.asked_for(key=f"invite:{number}")
    await begin(office.post)
    assert len(await office.db.run(office.post.jobs.list_, limit=1000)) == outbox.PAGE + 5


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


async def test_a_defect_ends_the_message_with_a_note_that_holds_no_text(office, caplog):
    await office.knows()
    await office.asked_for(card="broken")
    row = await office.sends()
    assert row.state is Delivery.FAILED
    assert "KeyError" in row.note
    assert "in confidence" not in row.note + caplog.text
    assert "test_delivery.py" in caplog.text, "the log says where it happened"


async def test_a_defect_while_sending_is_unknown(office, monkeypatch):
    await office.knows()
    await office.asked_for()

    async def send(*args, **kwargs):
        raise KeyError("in confidence")

    monkeypatch.setattr(office.post.connector, "send", send)
    row = await office.sends()
    assert row.state is Delivery.UNKNOWN
    assert row.note == "km365 failed while sending (KeyError)."


async def test_a_database_that_is_busy_ends_no_message(office):
    await office.knows()
    await office.asked_for(card="busy")
    with pytest.raises(StoreError):
        await office.sends()
    assert (await office.db.run(outbox.get, "invite:7")).state is Delivery.WAITING


async def test_a_message_is_in_its_readers_language_not_in_its_authors(office):
    await office.asked_for(person_id="amal")
    await office.sends()
    [sent] = office.teams.sent
    assert (sent["locale"], sent["attachments"][0]["content"]["lang"]) == ("ar", "ar")


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


async def test_cancelled_messages_are_not_sent(office):
    await office.knows()
    await office.asked_for()
    await office.db.run(outbox.cancel, "invite:7", note="answered", at=START)
    assert (await office.sends()).state is Delivery.CANCELLED
    assert office.teams.calls == []


async def test_killed_at_any_moment_nothing_is_sent_twice_and_nothing_is_forgotten(db, tmp_path):
    """Three kills while sending: each message is sent once, or shown as unknown."""
    async with fake_connector() as teams:
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
                sys.executable, Path(__file__).with_name("sender.py"), db.path, teams.url
            )
            if kill_after is None:
                assert await sender.wait() == 0
                break
            await teams.called(kill_after)
            sender.kill()
            await sender.wait()
        texts = [body["text"] for body in teams.sent]
        rows = await db.run(outbox.list_, limit=500)
    assert len(texts) == len(set(texts)), "nothing twice"
    states = {row.message.key: row.state for row in rows}
    assert set(states.values()) <= {Delivery.SENT, Delivery.UNKNOWN}
    assert {key for key, state in states.items() if state is Delivery.SENT} <= set(texts)
    unknown = sum(state is Delivery.UNKNOWN for state in states.values())
    assert unknown <= 3 * 8, "at most what was under way at the kills"
