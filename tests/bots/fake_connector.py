"""A Bot Connector that answers as it is told and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

HANG = 0
"""In place of a status: take the message and never answer."""


@dataclass
class Call:
    method: str
    path: str
    body: dict[str, Any]
    authorization: str | None
    size_bytes: int


@dataclass
class FakeConnector:
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    script: list[int | tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses (with headers) for the next calls, first come, first served; after them 201."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of all calls that were answered with success, in order."""
    at_once: int = 0
    """No call is answered before so many are under way together."""
    most_at_once: int = 0
    _under_way: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def called(self, times: int) -> None:
        """Returns once it was called so often."""
        async with asyncio.timeout(60):
            async with self._news:
                await self._news.wait_for(lambda: len(self.calls) >= times)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies of all messages posted, in order."""
        return [call.body for call in self.calls if call.method == "POST"]

    async def handle(self, request: web.Request) -> web.Response:
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        size_bytes = len(await request.read())
        authorization = request.headers.get("Authorization")
        self.calls.append(
            Call(request.method, request.raw_path, await request.json(), authorization, size_bytes)
        )
        async with self._news:
            self._news.notify_all()
        if self._under_way >= self.at_once:
            self._gate.set()
        await self._gate.wait()
        told = self.script.pop(0) if self.script else 201
        call = self.calls[-1]
        status, headers = told if isinstance(told, tuple) else (told, {})
        if status == HANG:
            await asyncio.sleep(3600)
        self._under_way -= 1
        if status < 300:
            self.taken.append(call.body)
        body = {"id": f"m{len(self.calls)}"} if status < 300 else {"error": {"code": "Fake", "message": "no"}}
        return web.json_response(body, status=status, headers=headers)


@asynccontextmanager
async def fake_connector() -> AsyncIterator[FakeConnector]:
    fake = FakeConnector()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
