"""A post office: one person to send messages to, with a Teams of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from km365_bots.connector import open_connector
from km365_bots.delivery import Post, deliver
from km365_bots.pacing import Pace
from km365_bots.turn import Lines

from km365.core.chat import Reply
from km365.documents.words import Words
from km365.errors import StoreError, TemplateError
from km365.jobs import open_jobs
from km365.store import conversations, outbox
from km365.store.database import Database
from km365.store.outbox import Delivery, Message, Sent
from km365.templates import Templates

from .cards_for_tests import card
from .fake_connector import FakeConnector, fake_connector

LABELS = Words.read(Templates(), "cards/labels")
PACE = Pace(
    per_conversation=((1000, 1.0),), per_tenant=(1000, 1.0), timeout_s=1.0, longest_wait_s=1.0, attempts=1
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
    words: str = ""
    """What a message `long` says, on a card if it has data."""

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
def db(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
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
            if message.card == "long":
                return Reply(text=place.words, card=card("invitation") if message.data else None)
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
