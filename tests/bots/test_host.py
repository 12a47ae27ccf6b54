"""Who may speak to the bot over HTTP, and what bad input gets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm
from km365_bots.activities import Malformed, read_activity
from km365_bots.host import SignIn

from km365.core.chat import Event, Reply

from .activities import TENANT, activity
from .serving import APP_ID, Start, site

# who may speak ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "http://10.0.0.1/", "http://127.0.0.1@evil.example/", "", 7]
)
async def test_without_sign_in_no_other_machine_is_answered(start: Start, address):
    bot = await start()
    status, _ = await bot.says(serviceUrl=address)
    assert status == 400
    assert bot.desk.events == []


@dataclass
class Channel:
    """A channel that signs in as Teams does: its own keys, served over HTTP."""

    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    fetched: int = 0
    down: bool = False

    @property
    def sign_in(self) -> SignIn:
        return SignIn(
            app_id=APP_ID, tenants=frozenset({TENANT}), issuer="https://issuer.example", keys_url=self.url
        )

    def token(
        self, service_url: str, *, key: Any = None, kid: str = "k1", algorithm: str = "RS256", **claims: Any
    ):
        whole = {
            "iss": "https://issuer.example",
            "aud": APP_ID,
            "serviceurl": service_url + "/",
            "exp": int(time.time()) + 600,
            **claims,
        }
        whole = {name: value for name, value in whole.items() if value is not None}
        return "Bearer " + jwt.encode(whole, key or self.key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="session")
def session_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
async def channel(session_key: rsa.RSAPrivateKey) -> AsyncIterator[Channel]:
    told = Channel(key=session_key)
    app = web.Application()

    async def metadata(request: web.Request) -> web.Response:
        told.fetched += 1
        if told.down:
            raise web.HTTPServiceUnavailable
        return web.json_response({"jwks_uri": f"{told.url}/keys"})

    async def keys(request: web.Request) -> web.Response:
        public = json.loads(RSAAlgorithm.to_jwk(session_key.public_key()))
        return web.json_response({"keys": [{**public, "kid": "k1", "endorsements": ["msteams"]}]})

    app.router.add_get("/", metadata)
    app.router.add_get("/keys", keys)
    async with site(app) as url:
        told.url = url
        yield told


async def test_a_signed_caller_is_heard(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    body = activity(bot.teams.url)
    assert await bot.post(body, Authorization=channel.token(bot.teams.url)) == (202, None)
    assert len(bot.desk.events) == 1


async def test_keys_are_fetched_once(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    for _ in range(3):
        await bot.post(activity(bot.teams.url), Authorization=channel.token(bot.teams.url))
    assert channel.fetched == 1
    assert len(bot.desk.events) == 3


FORGED: dict[str, Callable[[Channel, str], str]] = {
    "none": lambda channel, url: "",
    "empty": lambda channel, url: "Bearer ",
    "basic": lambda channel, url: "Basic dXNlcjpwYXNz",
    "no scheme": lambda channel, url: channel.token(url).removeprefix("Bearer "),
    "three parts": lambda channel, url: channel.token(url) + " x",
    "not a token": lambda channel, url: "Bearer nonsense",
    "almost a token": lambda channel, url: "Bearer a.b.c",
    "binary": lambda channel, url: "Bearer eyJhbGciOiJSUzI1NiJ9.eyJ9.\xff",
    "wrong key": lambda channel, url: channel.token(url, key=rsa.generate_private_key(65537, 2048)),
    "unknown key id": lambda channel, url: channel.token(url, kid="k2"),
    "no key id": lambda channel, url: channel.token(url, kid=""),
    "cut off": lambda channel, url: channel.token(url)[:-8],
    "hmac": lambda channel, url: channel.token(url, key="x" * 64, algorithm="HS256"),
    "unsigned": lambda channel, url: (
        "Bearer " + jwt.encode({"iss": "https://issuer.example"}, None, algorithm="none")
    ),
    "expired": lambda channel, url: channel.token(url, exp=1),
    "other issuer": lambda channel, url: channel.token(url, iss="https://other.example"),
    "no issuer": lambda channel, url: channel.token(url, iss=None),
    "other audience": lambda channel, url: channel.token(url, aud="33333333"),
    "no audience": lambda channel, url: channel.token(url, aud=None),
    "other service": lambda channel, url: channel.token("https://evil.example"),
    "no service": lambda channel, url: channel.token(url, serviceurl=None),
    "another bot": lambda channel, url: channel.token(url, ver="1.0", appid="444"),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
async def test_every_bad_token_is_401(start: Start, channel: Channel, forged, caplog):
    bot = await start(sign_in=channel.sign_in)
    status, answer = await bot.post(activity(bot.teams.url), Authorization=forged(channel, bot.teams.url))
    assert status == 401
    assert bot.desk.events == []
    assert "Traceback" not in caplog.text
    assert set(answer) == {"error"}


async def test_a_channel_that_does_not_vouch_for_the_key_is_401(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    body = activity(bot.teams.url, channelId="slack")
    assert (await bot.post(body, Authorization=channel.token(bot.teams.url)))[0] == 401


async def test_a_foreign_tenant_is_403(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    body = activity(bot.teams.url, channelData={"tenant": {"id": "99999999-0000-4000-8000-000000000009"}})
    assert (await bot.post(body, Authorization=channel.token(bot.teams.url)))[0] == 403
    assert bot.desk.events == []


async def test_without_keys_nobody_is_believed_and_the_answer_is_503(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    channel.down = True
    status, _ = await bot.post(activity(bot.teams.url), Authorization=channel.token(bot.teams.url))
    assert status == 503
    channel.down = False
    assert (await bot.post(activity(bot.teams.url), Authorization=channel.token(bot.teams.url)))[0] == 202


async def test_unknown_key_ids_do_not_make_us_fetch_keys_again_and_again(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    for number in range(5):
        await bot.post(activity(bot.teams.url), Authorization=channel.token(bot.teams.url, kid=f"x{number}"))
    assert channel.fetched == 1


async def test_the_loop_goes_on_while_keys_are_fetched(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    first, second = (activity(bot.teams.url, conversation={"id": c}) for c in "ab")
    token = channel.token(bot.teams.url)
    answers = await asyncio.gather(
        bot.post(first, Authorization=token), bot.post(second, Authorization=token)
    )
    assert [status for status, _ in answers] == [202, 202]
    assert channel.fetched == 1


# bad input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 50_000,
        b"{}",
        b'{"type":"message"}',
    ],
)
async def test_what_is_no_activity_is_400(start: Start, body):
    bot = await start()
    assert (await bot.post(body))[0] == 400


@pytest.mark.parametrize("part", ["type", "serviceUrl", "conversation", "from"])
async def test_an_activity_without_a_needed_part_is_400_and_names_it(start: Start, part):
    bot = await start()
    status, answer = await bot.says(**{part: None})
    assert status == 400
    assert part in answer["error"]["message"] or part == "serviceUrl"


async def test_an_invoke_without_its_action_is_400(start: Start):
    bot = await start()
    assert (await bot.says(type="invoke", name="adaptiveCard/action", value={"a": 1}))[0] == 400


async def test_half_a_character_is_stored_as_a_question_mark(start: Start):
    bot = await start()
    assert (await bot.says("broken \ud83d emoji"))[0] == 202
    assert bot.desk.events[0].text == "broken ? emoji"


async def test_an_answer_of_thirty_thousand_characters_arrives_whole(start: Start):
    async def quiet(event: Event) -> list[Reply]:
        return []

    bot = await start(quiet)
    await bot.says("ف" * 30_000)
    assert len(bot.desk.events[0].text) == 30_000


PARTS = [
    "type",
    "id",
    "serviceUrl",
    "from",
    "conversation",
    "recipient",
    "channelData",
    "value",
    "text",
    "locale",
    "entities",
    "name",
    "action",
    "replyToId",
    "channelId",
]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "action", "tenant", "type", "mentioned", "data", "text"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(st.sampled_from(PARTS), JUNK, max_size=5))
def test_no_mutated_activity_does_more_than_be_refused(changes):
    body = json.dumps({**activity("http://127.0.0.1:1"), **changes}).encode()
    try:
        incoming = read_activity(body)
    except Malformed:
        return
    assert incoming.conversation_id
    event = incoming.event(datetime(2026, 11, 21, tzinfo=UTC))
    assert event is None or event.person_id
