"""The bot over HTTP: what Teams sends in, what goes back, and what bad input gets."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm
from km365_bots import host
from km365_bots.activities import Incoming, Malformed, read_activity
from km365_bots.connector import open_connector
from km365_bots.host import Host, SignIn
from km365_bots.pacing import Pace
from km365_bots.turn import Turns, portions
from km365_bots.words import Words

from km365.core.chat import Card, Event, EventKind, Reply
from km365.templates import Templates

from .activities import PERSON, TENANT, activity, execute, submit
from .cards_for_tests import card
from .fake_connector import FakeConnector, fake_connector

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

    async def received(self, incoming: Incoming, *, at: datetime) -> bool:
        self.places.append(incoming)
        return incoming.key not in self.done

    async def respond(self, event: Event) -> list[Reply]:
        self.events.append(event)
        return await self.respond_with(event)

    async def answered(self, incoming: Incoming, *, at: datetime) -> None:
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


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a bot with its own Teams to talk to."""
    async with AsyncExitStack() as stack:

        async def begin(
            respond: Respond = echo, *, sign_in: SignIn | None = None, acknowledge_after_s: float = 5.0
        ) -> Bot:
            teams = await stack.enter_async_context(fake_connector())
            desk = Desk(respond_with=respond)
            token = asyncio.sleep
            connector = await stack.enter_async_context(open_connector(lambda: token(0, None), PACE))
            turns = Turns(
                connector=connector,
                desk=desk,
                labels=LABELS,
                clock=lambda: datetime(2026, 11, 21, tzinfo=UTC),
                acknowledge_after_s=acknowledge_after_s,
            )
            doors = Host(sign_in=sign_in or SignIn(), turns=turns, connector=connector)
            app = web.Application()
            app.router.add_post("/api/messages", doors.messages)
            url = await stack.enter_async_context(site(app))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            stack.push_async_callback(turns.close, within_s=0.1)
            return Bot(url=url, desk=desk, teams=teams, http=http, turns=turns)

        yield begin


# what is heard, what is said ------------------------------------------------------------------------------


async def test_a_typed_message_is_answered_in_text(start: Start):
    bot = await start()
    assert await bot.says("bonjour") == (202, None)
    assert bot.teams.sent == [{"type": "message", "locale": "fr", "text": "bonjour", "textFormat": "plain"}]
    [event] = bot.desk.events
    assert (event.kind, event.text, event.locale) == (EventKind.MESSAGE, "bonjour", "fr-FR")


async def test_the_person_and_the_tenant_are_known(start: Start):
    bot = await start()
    await bot.says()
    [event] = bot.desk.events
    assert event.person_id == PERSON
    assert event.tenant_id == TENANT


async def test_the_tenant_is_known_without_channel_data(start: Start):
    bot = await start()
    await bot.says(channelData=None)
    assert bot.desk.events[0].tenant_id == TENANT


async def test_the_bots_own_name_is_not_part_of_what_was_said(start: Start):
    bot = await start()
    mention = {"type": "mention", "mentioned": {"id": "28:bot"}, "text": "<at>km365</at>"}
    await bot.says("<at>km365</at> what do we know", entities=[mention])
    assert bot.desk.events[0].text == "what do we know"


async def test_a_card_goes_out_as_a_card_with_a_summary(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?\nOne is enough.", card=card("question", "ar"))]

    bot = await start(ask)
    await bot.says()
    [sent] = bot.teams.sent
    assert sent["summary"] == "Which risk?"
    assert "text" not in sent
    assert sent["locale"] == "ar"
    assert sent["attachments"][0]["content"]["rtl"] is True


async def test_an_executed_button_is_answered_with_the_card_that_takes_its_place(start: Start):
    async def next_question(event: Event) -> list[Reply]:
        assert event.value == {"answer": "The floods", "question": "risk", "verb": "answer"}
        return [
            Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to),
            Reply(text="Which partner?", card=card("question")),
        ]

    bot = await start(next_question)
    status, answer = await bot.post(execute(bot.teams.url, "answer", answer="The floods", question="risk"))
    assert status == 200
    assert answer["statusCode"] == 200
    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    assert answer["value"]["body"][0]["text"] == "A handover note was filed"
    await bot.turns.close()
    assert [call.method for call in bot.teams.calls] == ["POST"], "the second reply is a message of its own"


async def test_a_replacement_in_words_becomes_a_card_of_words(start: Start):
    async def thank(event: Event) -> list[Reply]:
        return [Reply(text="شكراً", replaces=event.reply_to)]

    bot = await start(thank)
    _, answer = await bot.post(execute(bot.teams.url, "answer"))
    assert [element["text"] for element in answer["value"]["body"]] == ["شكراً"]


async def test_an_executed_button_without_replacement_is_answered_all_the_same(start: Start):
    bot = await start()
    status, answer = await bot.post(execute(bot.teams.url, "pause"))
    assert (status, answer["statusCode"]) == (200, 200)


async def test_a_submitted_button_has_its_card_updated(start: Start):
    async def thank(event: Event) -> list[Reply]:
        return [Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to)]

    bot = await start(thank)
    assert (await bot.post(submit(bot.teams.url, verb="answer", answer="yes")))[0] == 202
    [call] = bot.teams.calls
    assert (call.method, call.path.rsplit("/", 1)[1]) == ("PUT", "1600000000000")
    assert bot.desk.events[0].value == {"verb": "answer", "answer": "yes"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "installationUpdate", "action": "add"}, EventKind.INSTALLED),
        ({"type": "installationUpdate", "action": "remove"}, EventKind.REMOVED),
    ],
)
async def test_installing_and_removing_are_heard(start: Start, changes, kind):
    bot = await start()
    await bot.says(**changes)
    assert [event.kind for event in bot.desk.events] == [kind]


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "conversationUpdate", "membersAdded": [{"id": "28:bot"}]},
        {"type": "typing"},
        {"type": "messageReaction"},
        {"type": "messageUpdate"},
        {"type": "event", "name": "application/vnd.microsoft.readReceipt"},
        {"type": "invoke", "name": "composeExtension/query"},
        {"from": {"id": "29:guest"}},
    ],
)
async def test_other_activities_are_noted_and_not_answered(start: Start, changes):
    bot = await start()
    status, _ = await bot.says(**changes)
    assert status == 202
    assert bot.desk.events == []
    assert bot.teams.calls == []
    assert len(bot.desk.places) == 1


# once, in order, and safe --------------------------------------------------------------------------------


async def test_a_repeated_activity_is_dropped(start: Start):
    bot = await start()
    twice = activity(bot.teams.url)
    assert [await bot.post(twice), await bot.post(twice)] == [(202, None)] * 2
    assert len(bot.desk.events) == 1


async def test_the_same_number_in_another_chat_is_another_activity(start: Start):
    bot = await start()
    await bot.says(id="1")
    await bot.says(id="1", conversation={"id": "19:other"})
    assert len(bot.desk.events) == 2


async def test_an_activity_repeated_while_its_turn_runs_is_dropped(start: Start):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> list[Reply]:
        begun.set()
        await go_on.wait()
        return [Reply(text="done")]

    bot = await start(slow)
    twice = activity(bot.teams.url)
    first = asyncio.create_task(bot.post(twice))
    await begun.wait()
    assert await bot.post(twice) == (202, None)
    go_on.set()
    assert await first == (202, None)
    assert len(bot.desk.events) == len(bot.teams.sent) == 1


async def test_turns_of_one_conversation_never_overlap_and_lose_nothing(start: Start):
    count = 0

    async def add_one(event: Event) -> list[Reply]:
        nonlocal count
        read = count
        await asyncio.sleep(0)
        count = read + 1
        return []

    bot = await start(add_one)
    await asyncio.gather(*(bot.says() for _ in range(10)))
    assert count == 10


async def test_conversations_do_not_wait_for_each_other(start: Start):
    both = asyncio.Barrier(2)

    async def meet(event: Event) -> list[Reply]:
        await both.wait()
        return []

    bot = await start(meet)
    answers = await asyncio.gather(bot.says(conversation={"id": "a"}), bot.says(conversation={"id": "b"}))
    assert answers == [(202, None)] * 2


async def test_a_long_turn_is_acknowledged_before_teams_repeats_it_and_still_answered(start: Start):
    go_on = asyncio.Event()

    async def slow(event: Event) -> list[Reply]:
        await go_on.wait()
        return [Reply(text="done", card=card("notice"), replaces=event.reply_to)]

    bot = await start(slow, acknowledge_after_s=0.01)
    status, answer = await bot.post(execute(bot.teams.url, "send"))
    assert (status, answer["value"]) == (200, "")
    go_on.set()
    await bot.turns.close()
    assert [call.method for call in bot.teams.calls] == ["PUT"], "the card is replaced after all"


async def test_what_is_not_saved_is_not_noted_as_done(start: Start):
    async def fail(event: Event) -> list[Reply]:
        raise OSError

    bot = await start(fail)
    again = activity(bot.teams.url)
    await bot.post(again)
    await bot.post(again)
    assert len(bot.desk.events) == 2


async def test_a_failure_is_told_kindly_in_the_persons_language_and_logged_without_their_words(start, caplog):
    async def fail(event: Event) -> list[Reply]:
        raise ValueError(f"cannot store {event.text}")

    bot = await start(fail)
    with caplog.at_level(logging.DEBUG):
        status, _ = await bot.says("my private answer")
    assert status == 202
    [sent] = bot.teams.sent
    reference = sent["text"].split("Référence ")[1].rstrip(")")
    assert reference in caplog.text
    assert "ValueError" in caplog.text
    assert "private" not in caplog.text
    assert "private" not in sent["text"]


async def test_someone_who_blocked_the_bot_is_noted(start: Start):
    bot = await start()
    bot.teams.script = [403]
    assert (await bot.says())[0] == 202
    assert bot.desk.not_allowed == [PERSON]


async def test_a_card_too_large_for_teams_goes_out_as_text(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?", card=card("question"))]

    bot = await start(ask)
    bot.teams.script = [413]
    await bot.says()
    assert bot.teams.sent[1]["text"] == "Which risk?"


async def test_a_replacement_for_a_card_that_is_gone_is_a_new_message(start: Start):
    async def thank(event: Event) -> list[Reply]:
        return [Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to)]

    bot = await start(thank)
    bot.teams.script = [404]
    await bot.post(submit(bot.teams.url, verb="answer"))
    assert [call.method for call in bot.teams.calls] == ["PUT", "POST"]


async def test_a_card_nobody_knows_goes_out_as_text(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?", card=Card(name="surprise", data={}, language="en"))]

    bot = await start(ask)
    await bot.says()
    assert bot.teams.sent[0]["text"] == "Which risk?"


async def test_a_long_text_arrives_whole_in_several_messages(start: Start):
    whole = "\n\n".join(f"{n} " + "слово " * 300 for n in range(40))

    async def tell(event: Event) -> list[Reply]:
        return [Reply(text=whole)]

    bot = await start(tell)
    await bot.says()
    texts = [sent["text"] for sent in bot.teams.sent]
    assert "".join(texts) == whole
    assert max(len(text) for text in texts) <= 15_000


@given(text=st.text(alphabet="ab \n", max_size=200), longest=st.integers(1, 50))
def test_cutting_a_text_loses_nothing(text, longest):
    cut = portions(text, longest=longest)
    assert "".join(cut) == text
    assert all(0 < len(portion) <= longest for portion in cut[:-1])


async def test_where_others_read_along_no_interview_is_held_and_nothing_kept(start: Start):
    bot = await start()
    for group in ({"conversationType": "groupChat", "id": "g"}, {"conversationType": "channel", "id": "c"}):
        assert (await bot.says("my private answer", conversation=group))[0] == 202
    await bot.says("my private answer", conversation={"isGroup": True, "id": "old"})
    assert bot.desk.events == []
    assert {sent["text"] for sent in bot.teams.sent} == {LABELS.get("fr", "only_alone")}


async def test_a_reply_that_met_429_arrives(start: Start):
    bot = await start()
    bot.teams.script = [(429, {"Retry-After": "0"})]
    await bot.says("bonjour")
    assert [sent["text"] for sent in bot.teams.sent] == ["bonjour", "bonjour"]


async def test_nothing_is_kept_of_conversations_that_are_over(start: Start):
    bot = await start()
    for number in range(20):
        await bot.says(conversation={"id": str(number)})
    await bot.turns.close()
    assert bot.turns.lines._locks == {}
    assert bot.turns._in_hand == set()


def test_no_state_is_kept_by_the_bot_framework():
    assert not [name for name in vars(host) if "Storage" in name]


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


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
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
