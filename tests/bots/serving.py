"""A bot with a conversation in memory, served over HTTP, with a Teams of its own to talk to."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web
from km365_bots.activities import Incoming
from km365_bots.pacing import Pace
from km365_bots.turn import Heard, Turns

from km365.core.chat import Event, Reply
from km365.documents.words import Words
from km365.templates import Templates

from .activities import activity
from .fake_connector import FakeConnector

LABELS = Words.read(Templates(), "cards/labels")
APP_ID = "22222222-0000-4000-8000-000000000002"
PACE = Pace(per_conversation=((1000, 1.0),), per_tenant=((1000, 1.0),), timeout_s=1.0, longest_wait_s=1.0)

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
        return Heard.BEFORE if incoming.key in self.done else Heard.NOW

    async def respond(self, event: Event) -> list[Reply]:
        self.events.append(event)
        return await self.respond_with(event)

    async def ended(self, incoming: Incoming, *, at: datetime, done: bool) -> None:
        if done:
            self.done.add(incoming.key)

    async def unreachable(self, incoming: Incoming, *, at: datetime) -> None:
        self.not_allowed.append(incoming.person_id)


@dataclass
class Bot:
    url: str
    desk: Desk
    teams: FakeConnector
    http: aiohttp.ClientSession
    turns: Turns

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
