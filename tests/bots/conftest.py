"""Fixtures: a chat without Teams, and a bot with a Teams of its own to talk to over HTTP."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from km365_bots.connector import open_connector
from km365_bots.host import Host, SignIn
from km365_bots.parts import open_parts
from km365_bots.turn import Turns

from km365.store.database import Database

from ..conftest import Provisioned
from .channel import Channel, serving
from .chatting import MORNING, Chat, Office
from .contributing import Contributing
from .fake_connector import fake_connector
from .serving import LABELS, PACE, Bot, Desk, Respond, Start, echo, site


async def no_token() -> None:
    return None


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a bot with its own Teams to talk to."""
    async with AsyncExitStack() as stack:

        async def begin(
            respond: Respond = echo,
            *,
            sign_in: SignIn | None = None,
            acknowledge_after_s: float = 5.0,
            refuse_after_s: float = 9.0,
        ) -> Bot:
            teams = await stack.enter_async_context(fake_connector())
            desk = Desk(respond_with=respond)
            stack.callback(desk.close)
            connector = await stack.enter_async_context(open_connector(no_token, PACE))
            moved = [timedelta()]
            connector.governor.clock = lambda: time.time() + moved[0].total_seconds()
            turns = Turns(
                connector=connector,
                desk=desk,
                labels=LABELS,
                clock=lambda: datetime(2026, 11, 21, 9, tzinfo=UTC) + moved[0],
                acknowledge_after_s=acknowledge_after_s,
                refuse_after_s=refuse_after_s,
            )
            doors = Host(sign_in=sign_in or SignIn(), turns=turns, connector=connector)
            app = web.Application()
            app.router.add_post("/api/messages", doors.messages)
            url = await stack.enter_async_context(site(app))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            stack.push_async_callback(turns.close, within_s=0.1)
            return Bot(url=url, desk=desk, teams=teams, http=http, turns=turns, moved=moved)

        yield begin


@pytest.fixture(scope="session")
def session_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
async def channel(session_key: rsa.RSAPrivateKey) -> AsyncIterator[Channel]:
    async with serving(session_key) as told:
        yield told


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with a database of its own."""
    database = Database.open(tmp_path / "km365.sqlite")
    yield Office(db=database)
    database.close()


@pytest.fixture
def chat(office: Office) -> Chat:
    return Chat(office=office)


@pytest.fixture
async def ann(provisioned: Provisioned) -> Contributing:
    """Ann's chat over a small Microsoft 365 that keeps what she contributes."""
    made: list[Contributing] = []
    object.__setattr__(provisioned.app.clock, "now", lambda: made[0].at if made else MORNING)
    made.append(Contributing(provisioned, await open_parts(provisioned.app)))
    return made[0]
