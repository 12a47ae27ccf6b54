"""A bot with a conversation in memory, served over HTTP, with a Teams of its own to talk to."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from km365_bots.activities import Incoming
from km365_bots.pacing import Pace
from km365_bots.replies import Replies
from km365_bots.turn import Heard, Turns

from km365.core.chat import Event, Reply
from km365.documents.words import Words
from km365.jobs import Jobs, open_jobs
from km365.store import conversations, replies
from km365.store.database import Database
from km365.templates import Templates

from .activities import activity
from .fake_connector import FakeConnector

LABELS = Words.read(Templates(), "cards/labels")
APP_ID = "22222222-0000-4000-8000-000000000002"
PACE = Pace(per_conversation=((1000, 1.0),), per_tenant=(1000, 1.0), timeout_s=1.0, longest_wait_s=1.0)

EVER = datetime.max.replace(tzinfo=UTC)


@cache
def _empty() -> bytes:
    """A database in its newest form: made once, for that takes a second."""
    with tempfile.TemporaryDirectory() as folder:
        Database.open(Path(folder) / "km365.sqlite").close()
        return (Path(folder) / "km365.sqlite").read_bytes()


Respond = Callable[[Event], Awaitable[list[Reply]]]


async def echo(event: Event) -> list[Reply]:
    return [Reply(text=event.text or str(event.value.get("verb")))]


@dataclass
class Desk:
    """The rest of the bot, in memory."""

    respond_with: Respond = echo
    events: list[Event] = field(default_factory=list)
    places: list[Incoming] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    not_allowed: list[str] = field(default_factory=list)

    async def received(self, incoming: Incoming, *, at: datetime) -> Heard:
        self.places.append(incoming)
        if incoming.key in self.done:
            return Heard.BEFORE
        waits = "kept" in self.__dict__ and await self.db.run(replies.wait, incoming.conversation_id)
        return Heard.BEHIND if waits else Heard.NOW

    async def respond(self, event: Event) -> list[Reply]:
        self.events.append(event)
        return await self.respond_with(event)

    async def ended(self, incoming: Incoming, *, at: datetime, done: bool) -> None:
        if done:
            self.done.add(incoming.key)
        if "kept" in self.__dict__ and await self.db.run(conversations.was_seen, incoming.key):
            self.done.add(incoming.key)

    async def unreachable(self, person_id: str, *, at: datetime) -> None:
        self.not_allowed.append(person_id)

    @asynccontextmanager
    async def alone(self, conversation_id: str) -> AsyncIterator[bool]:
        yield True

    @property
    def replies(self) -> "Desk":
        """What waits is kept in a database, which most tests need not wait for: see `kept`."""
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kept, name)

    @cached_property
    def kept(self) -> Replies:
        return Replies(self.db, self.jobs)

    async def waiting(self) -> dict[str, list[str]]:
        """What waits in each chat, in order: the text, or the summary of the card."""
        found: dict[str, list[str]] = {}
        for chat, _ in await self.db.run(replies.due, before=EVER):
            for left in await self.db.run(replies.waiting, chat):
                said = (one["activity"] for one in left.said)
                found.setdefault(chat, []).extend(one.get("summary") or one["text"] for one in said)
        return found

    @cached_property
    def db(self) -> Database:
        path = Path(tempfile.mkdtemp()) / "km365.sqlite"
        path.write_bytes(_empty())
        return Database.open(path)

    def close(self) -> None:
        if "db" in self.__dict__:
            self.db.close()
            shutil.rmtree(self.db.path.parent)

    @cached_property
    def jobs(self) -> Jobs:
        return open_jobs(self.db)


@dataclass
class Bot:
    url: str
    desk: Desk
    teams: FakeConnector
    http: aiohttp.ClientSession
    turns: Turns
    moved: list[timedelta]

    async def later(self, wait: timedelta) -> None:
        """So much later, when the look of every minute has found what is to be said."""
        self.moved[0] += wait
        for chat, _ in await self.desk.db.run(replies.due, before=EVER):
            await self.turns.say_later(chat)

    async def post(self, body: Any, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        async with self.http.post(f"{self.url}/api/messages", data=data, headers=sent) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def says(self, text: str = "hello", **changes: Any) -> tuple[int, Any]:
        return await self.post(activity(self.teams.url, text=text, **changes))


Start = Callable[..., Awaitable[Bot]]


@asynccontextmanager
async def site(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
