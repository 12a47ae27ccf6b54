"""Who may speak to the bot over HTTP, and what bad input gets."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from km365_bots.activities import Malformed, read_activity
from km365_bots.host import Authentication, SigningKeys, SignInUnavailable

from km365.core.chat import Event, Reply

from .activities import activity
from .channel import Channel
from .serving import Start

# who may speak ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "http://10.0.0.1/", "http://127.0.0.1@evil.example/", "", 7]
)
async def test_without_sign_in_no_other_machine_is_answered(start: Start, address):
    bot = await start()
    status, _ = await bot.says(serviceUrl=address)
    assert status == 400
    assert bot.desk.events == []


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
    "not yet valid": lambda channel, url: channel.token(url, nbf=int(time.time()) + 3600),
    "expires never": lambda channel, url: channel.token(url, exp="never"),
    "vouched for by nobody": lambda channel, url: channel.token(url, kid="vouched for by nobody"),
    "vouched for without a word": lambda channel, url: channel.token(url, kid="vouched for without a word"),
    "odd key id": lambda channel, url: channel.token(url, kid="../../etc/passwd\x00"),
    "no claims": lambda channel, url: channel.signed([]),
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


async def test_a_token_believed_once_is_not_believed_for_anything_else(start: Start, channel: Channel):
    bot = await start(sign_in=channel.sign_in)
    token = channel.token(bot.teams.url)
    assert (await bot.post(activity(bot.teams.url), Authorization=token))[0] == 202
    for other in (
        activity(bot.teams.url, channelId="slack"),
        activity(f"{bot.teams.url}/elsewhere"),
    ):
        assert (await bot.post(other, Authorization=token))[0] == 401
    assert len(bot.desk.events) == 1


async def test_a_token_is_read_again_after_a_while_and_once_it_has_run_out(
    start: Start, channel: Channel, monkeypatch: pytest.MonkeyPatch
):
    read, look = [], Authentication._looked_at

    async def looked_at(self, activity, header):
        read.append(header)
        return await look(self, activity, header)

    monkeypatch.setattr(Authentication, "_looked_at", looked_at)
    bot = await start(sign_in=channel.sign_in)
    now = time.time()
    lasting, running_out = channel.token(bot.teams.url), channel.token(bot.teams.url, exp=int(now) + 60)
    for later, token, count in ((0, lasting, 1), (299, lasting, 1), (301, lasting, 2), (0, running_out, 3)):
        monkeypatch.setattr("km365_bots.host.time.time", lambda later=later: now + later)
        assert (await bot.post(activity(bot.teams.url), Authorization=token))[0] == 202
        assert len(read) == count
    monkeypatch.setattr("km365_bots.host.time.time", lambda: now + 61)
    await bot.post(activity(bot.teams.url), Authorization=running_out)
    assert len(read) == 4


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


async def test_keys_that_never_come_are_not_waited_for_and_the_loop_goes_on(channel: Channel):
    channel.hangs = True
    keys = SigningKeys(channel.url, timeout_s=0.2)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(SignInUnavailable):
        await keys.get("k1")
    ticking.cancel()
    assert ticks


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


@pytest.mark.parametrize("action", [{}, [], 1, None, "add\x00"])
async def test_an_odd_installation_is_noted_and_no_failure(start: Start, action):
    bot = await start()
    assert (await bot.says(type="installationUpdate", action=action))[0] == 202
    assert bot.desk.events == []


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
