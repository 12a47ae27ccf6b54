"""A Graph of our own against the small Microsoft 365, and against little servers that fail on demand."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from km365.graph.auth import LocalCredential, Token
from km365.graph.client import Graph
from km365.graph.governor import Governor, MemoryAccount
from km365.graph.pacing import Limits, Service, Spending
from km365.local.server import M365


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answerer = Callable[[Seen], web.Response | Awaitable[web.Response]]


@dataclass
class Stub:
    """A server that answers as the test says and remembers what it was asked."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answers: list[Answerer] = field(default_factory=list)
    otherwise: Answerer | None = None
    stream: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None

    def then(self, status: int = 200, body: Any = None, **headers: str) -> None:
        """The next answer. `Retry_After="3"` writes the header Retry-After."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers.append(lambda _: answer(status, body, named))

    def always(self, answerer: Answerer) -> None:
        self.otherwise = answerer

    @property
    def asked(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.seen]

    async def take(self, request: web.Request) -> web.StreamResponse:
        if self.stream is not None:
            return await self.stream(request)
        one = Seen(request.method, request.raw_path, dict(request.headers), await request.read())
        self.seen.append(one)
        answerer = self.answers.pop(0) if self.answers else self.otherwise
        assert answerer is not None, f"nothing was said about {one.method} {one.path}"
        given = answerer(one)
        return given if isinstance(given, web.StreamResponse) else await given


def answer(status: int = 200, body: Any = None, headers: dict[str, str] | None = None) -> web.Response:
    if isinstance(body, bytes):
        return web.Response(status=status, body=body, headers=headers)
    text = "" if body is None else json.dumps(body)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def refused(status: int, code: str, message: str = "", headers: dict[str, str] | None = None) -> web.Response:
    """An error as Graph writes it."""
    inner = {"request-id": "11111111-2222-3333-4444-555555555555"}
    return answer(status, {"error": {"code": code, "message": message, "innerError": inner}}, headers)


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """A server of one's own on a free port."""
    given = Stub()
    app = web.Application(client_max_size=2**28)
    app.router.add_route("*", "/{tail:.*}", given.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    given.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield given
    await runner.cleanup()


@pytest.fixture
def time() -> Time:
    return Time()


@dataclass
class Paced:
    """A Graph whose waiting costs no time, and the account it charges."""

    graph: Graph
    account: MemoryAccount

    @property
    def spending(self) -> Spending:
        return self.account.spending.get(Service.SHAREPOINT, Spending())


class StaticCredential:
    """One token for everything, which never ends: the local server takes any while it is not strict."""

    def __init__(self, token: str = "local") -> None:
        self._token = token

    async def get_token(self, *scopes: str, **kwargs: object) -> Token:
        return Token(self._token, 2**40)

    async def close(self) -> None:
        pass


@pytest.fixture
async def client(stub: Stub, time: Time) -> AsyncIterator[Paced]:
    """A Graph pointed at the stub."""
    account = MemoryAccount()
    governor = Governor(
        Limits.for_licences(1_000), account=account, clock=time, sleep=time.sleep, chance=lambda: 0.5
    )
    graph = Graph(
        base_url=f"{stub.url}/v1.0",
        credential=StaticCredential("a-token"),
        limits=governor.limits,
        governor=governor,
        clock=time,
    )
    yield Paced(graph, account)
    await graph.aclose()


@pytest.fixture
async def graph(m365: M365, time: Time) -> AsyncIterator[Graph]:
    """A Graph signed in at one's own small Microsoft 365."""
    async with AsyncExitStack() as stack:
        governor = Governor(Limits.for_licences(50_000), clock=time, sleep=time.sleep)
        opened = Graph(
            base_url=m365.graph_url,
            credential=LocalCredential(m365.graph_url),
            limits=governor.limits,
            governor=governor,
        )
        stack.push_async_callback(opened.aclose)
        yield opened
