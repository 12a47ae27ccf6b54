"""The defects of botbuilder 4.17.1 that `host.py` works round: each shown in the SDK as it comes, then gone.

Where the SDK's half fails, a newer SDK has mended it and the work-round can go.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botbuilder.core import ActivityHandler, ConversationState, MemoryStorage, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity, AdaptiveCardInvokeResponse
from botbuilder.schema._models_py3 import ErrorResponseException

from km365.core.chat import Event, Reply
from km365.errors import ChangedMeanwhile
from km365.store import conversations
from km365.store.database import Connection, Database

from .activities import TENANT, activity, execute
from .cards_for_tests import card
from .channel import Channel
from .fake_connector import FakeConnector, fake_connector
from .serving import APP_ID, Start, site

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""The SDK uses what Python is about to drop."""


class StockBot(ActivityHandler):
    """A bot as the SDK's samples have it."""

    def __init__(self) -> None:
        self.turns: list[Activity] = []

    async def on_turn(self, turn_context: TurnContext) -> None:
        self.turns.append(turn_context.activity)
        await super().on_turn(turn_context)

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        if turn_context.activity.text == "echo":
            await turn_context.send_activity("echo")

    async def on_adaptive_card_invoke(self, turn_context: TurnContext, invoke_value: Any) -> Any:
        if invoke_value.action["verb"] == "fail":
            raise ValueError("said in confidence")
        return AdaptiveCardInvokeResponse(status_code=200, type="application/vnd.microsoft.card.adaptive")


@dataclass
class Stock:
    """The SDK's own adapter, served."""

    adapter: CloudAdapter
    bot: StockBot
    teams: FakeConnector
    http: aiohttp.ClientSession
    url: str = ""

    async def post(self, body: dict[str, Any], **headers: str) -> int:
        async with self.http.post(f"{self.url}/api/messages", json=body, headers=headers) as answer:
            return answer.status


@pytest.fixture
async def stock(channel: Channel) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:

        async def begin(*, app_id: str = "") -> Stock:
            where = {"TO_BOT_FROM_CHANNEL_TOKEN_ISSUER": channel.sign_in.issuer, "VALIDATE_AUTHORITY": True}
            where |= dict.fromkeys(
                (
                    "TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL",
                    "TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL",
                    "TO_CHANNEL_FROM_BOT_OAUTH_SCOPE",
                ),
                channel.url,
            )
            signed_in = {"APP_ID": app_id, "APP_PASSWORD": "s", **where} if app_id else {"APP_ID": ""}
            settings = SimpleNamespace(**signed_in)
            adapter, bot = CloudAdapter(ConfigurationBotFrameworkAuthentication(settings)), StockBot()
            app = web.Application()

            async def messages(request: web.Request) -> web.StreamResponse:
                return await adapter.process(request, bot)

            app.router.add_post("/api/messages", messages)
            teams = await stack.enter_async_context(fake_connector())
            http = await stack.enter_async_context(aiohttp.ClientSession())
            url = await stack.enter_async_context(site(app))
            return Stock(adapter=adapter, bot=bot, teams=teams, http=http, url=url)

        yield begin


async def replace_card(event: Event) -> list[Reply]:
    return [Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to)]


async def test_an_invoke_with_an_answer_is_500_there_and_a_card_here(stock, start: Start):
    """The body is serialised twice: 'dict' object has no attribute 'is_xml_model'."""
    sdk = await stock()
    assert await sdk.post(execute(sdk.teams.url, "answer")) == 500
    ours = await start(replace_card)
    status, answer = await ours.post(execute(ours.teams.url, "answer"))
    assert (status, answer["statusCode"], answer["value"]["type"]) == (200, 200, "AdaptiveCard")


async def test_a_failing_button_is_500_or_501_there_and_an_apology_here(stock, start: Start):
    sdk = await stock()
    assert await sdk.post(execute(sdk.teams.url, "fail")) in {500, 501}

    async def fail(event: Event) -> list[Reply]:
        raise ValueError("said in confidence")

    ours = await start(fail)
    status, answer = await ours.post(execute(ours.teams.url, "fail"))
    await ours.turns.close()
    assert status == 200
    assert "confidence" not in json.dumps(answer) + json.dumps(ours.teams.sent)
    assert "Référence" in json.dumps(ours.teams.sent, ensure_ascii=False)


async def test_the_tenant_of_a_conversation_is_lost_there_and_known_here(stock, start: Start):
    """Its schema reads `tenantID` where Teams writes `tenantId`."""
    sdk, ours = await stock(), await start()
    await sdk.post(activity(sdk.teams.url, channelData=None))
    assert sdk.bot.turns[0].conversation.tenant_id is None
    await ours.says(channelData=None)
    assert ours.desk.events[0].tenant_id == TENANT


async def test_an_activity_without_a_conversation_is_500_there_and_400_here(stock, start: Start):
    sdk, ours = await stock(), await start()
    assert await sdk.post(activity(sdk.teams.url, conversation=None, text="echo")) == 500
    assert (await ours.says("echo", conversation=None))[0] == 400


async def test_a_malformed_token_is_500_there_and_401_here(stock, start: Start, channel: Channel):
    sdk, ours = await stock(app_id=APP_ID), await start(sign_in=channel.sign_in)
    bad = "Bearer a.b.c"
    assert await sdk.post(activity(sdk.teams.url), Authorization=bad) == 500
    assert (await ours.post(activity(ours.teams.url), Authorization=bad))[0] == 401


async def test_the_caller_chooses_whom_we_answer_there_and_not_here(stock, start: Start):
    """Without an app id nobody signs in, and any address is believed."""
    sdk, ours = await stock(), await start()
    assert await sdk.post(activity("http://10.0.0.1")) == 201
    assert (await ours.says(serviceUrl="http://10.0.0.1/"))[0] == 400


async def told_proactively(sdk: Stock) -> None:
    """A message outside a turn, as the SDK does it."""
    await sdk.post(activity(sdk.teams.url))
    reference = TurnContext.get_conversation_reference(sdk.bot.turns[0])

    async def tell(context: TurnContext) -> None:
        await context.send_activity("hello")

    await sdk.adapter.continue_conversation(reference, tell, bot_app_id=APP_ID)


async def test_what_the_bot_says_by_itself_is_a_reply_to_nothing_there_and_a_message_here(
    stock, start: Start
):
    sdk, ours = await stock(), await start()
    await told_proactively(sdk)
    assert sdk.teams.calls[0].path.partition("/activities")[2], "an id of its own invention"
    await ours.says()
    assert ours.teams.calls[0].path.endswith("/activities")


@pytest.mark.parametrize("status", [429, 412])
async def test_a_certain_refusal_ends_it_there_and_is_repeated_here(stock, start: Start, status):
    sdk, ours = await stock(), await start()
    sdk.teams.script = [(status, {"Retry-After": "0"})]
    with pytest.raises(ErrorResponseException):
        await told_proactively(sdk)
    assert len(sdk.teams.calls) == 1
    ours.teams.script = [(status, {"Retry-After": "0"})]
    await ours.says("bonjour")
    assert [sent["text"] for sent in ours.teams.sent] == ["bonjour"] * 2


async def test_ten_turns_that_add_one_make_one_there_and_ten_here(tmp_path: Path):
    """MemoryStorage has no e-tag; our row has a version, and whoever comes second begins again."""
    state = ConversationState(MemoryStorage())
    count = state.create_property("count")

    class Nowhere(CloudAdapter):
        def __init__(self) -> None:
            pass

    async def add_one_there() -> None:
        context = TurnContext(Nowhere(), Activity().deserialize(activity("http://127.0.0.1:1")))
        read = await count.get(context, lambda: 0)
        await asyncio.sleep(0.01)
        await count.set(context, read + 1)
        await state.save_changes(context)

    await asyncio.gather(*(add_one_there() for _ in range(10)))
    context = TurnContext(Nowhere(), Activity().deserialize(activity("http://127.0.0.1:1")))
    assert await count.get(context) == 1

    db = Database.open(tmp_path / "km365.sqlite")

    def add_one(c: Connection, found: conversations.Conversation | None) -> None:
        state = {"count": (found.state["count"] if found else 0) + 1}
        conversations.save(c, "chat", state, found.version if found else 0, at=datetime.now(UTC))

    async def add_one_here() -> None:
        while True:
            found = await db.run(conversations.get, "chat")
            try:
                return await db.run(add_one, found)
            except ChangedMeanwhile:
                continue

    await asyncio.gather(*(add_one_here() for _ in range(10)))
    kept = await db.run(conversations.get, "chat")
    assert (kept.state, kept.version) == ({"count": 10}, 10)
    db.close()
