"""The same turns under the Microsoft 365 Agents SDK, over HTTP: `host.py` can be replaced."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import km365_bots
import pytest
from aiohttp import web
from km365_bots.connector import open_connector
from km365_bots.conversation import respond
from km365_bots.desk import Desk
from km365_bots.turn import Turns
from microsoft_agents.hosting.core import AgentAuthConfiguration

from .activities import PERSON, activity, execute
from .agents_host import AgentsHost
from .chatting import STORY, Office, interview
from .conftest import no_token
from .fake_connector import FakeConnector, fake_connector
from .serving import APP_ID, LABELS, PACE, site

pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web")
"""The SDK keeps its configuration and the caller under plain names."""


@dataclass
class Served:
    url: str
    teams: FakeConnector
    http: aiohttp.ClientSession

    async def post(self, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
        async with self.http.post(f"{self.url}/api/messages", json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    def card(self) -> dict[str, Any]:
        """The newest card with buttons."""
        cards = [a["content"] for sent in self.teams.sent for a in sent.get("attachments", ())]
        return next(card for card in reversed(cards) if card.get("actions") or "Action." in json.dumps(card))


def button(card: Any, verb: str) -> dict[str, Any]:
    """The data of the button with that verb, wherever it stands in the card."""
    if isinstance(card, list):
        return next((found for part in card if (found := button(part, verb))), {})
    if isinstance(card, dict):
        if card.get("type", "").startswith("Action.") and card.get("verb") == verb:
            return card["data"]
        return next((found for part in card.values() if (found := button(part, verb))), {})
    return {}


@pytest.fixture
async def serve(office: Office) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:

        async def begin(auth: AgentAuthConfiguration) -> Served:
            teams = await stack.enter_async_context(fake_connector())
            desk = Desk(office.db, office.jobs, partial(respond, office.parts()))
            connector = await stack.enter_async_context(open_connector(no_token, PACE))
            turns = Turns(connector=connector, desk=desk, labels=LABELS, clock=lambda: datetime.now(UTC))
            host = AgentsHost(turns=turns, auth=auth)
            app = web.Application()
            app["agent_configuration"] = host.auth
            app.router.add_post("/api/messages", host.messages)
            url = await stack.enter_async_context(site(app))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            stack.push_async_callback(turns.close, within_s=0.1)
            return Served(url=url, teams=teams, http=http)

        yield begin


async def test_a_reflection_is_begun_and_answered_by_typing_and_on_a_card(serve, office: Office):
    bot = await serve(AgentAuthConfiguration(anonymous_allowed=True))
    assert await bot.post(activity(bot.teams.url, type="installationUpdate", action="add", locale="en")) == (
        202,
        None,
    )
    assert "km365" in bot.teams.sent[0]["text"]
    await office.invites(PERSON, bank="midterm_review")
    for said in ("start", "1", STORY):
        assert await bot.post(activity(bot.teams.url, text=said, locale="en")) == (202, None)
    kept = await interview(office, PERSON)
    assert kept.answers[1].text == STORY
    pressed = button(bot.card(), "answer") | {"answer": "Two northern districts, in the rainy season."}
    pressed.pop("verb", None)
    status, answer = await bot.post(execute(bot.teams.url, "answer", **pressed))
    assert (status, answer["type"]) == (200, "application/vnd.microsoft.card.adaptive")
    assert answer["value"]["version"] == "1.5"
    assert (await interview(office, PERSON)).answers[2].text == "Two northern districts, in the rainy season."


async def test_the_sdk_lets_nobody_in_without_a_token(serve, office: Office):
    bot = await serve(AgentAuthConfiguration(client_id=APP_ID, tenant_id="t", client_secret="s"))
    assert (await bot.post(activity(bot.teams.url)))[0] == 401
    assert (await bot.post(activity(bot.teams.url), Authorization="Bearer a.b.c"))[0] == 401
    assert bot.teams.calls == []


async def test_what_is_no_activity_is_refused(serve):
    bot = await serve(AgentAuthConfiguration(anonymous_allowed=True))
    assert (await bot.post({"type": "message"}))[0] == 400


def test_only_the_host_knows_an_sdk():
    rooms = Path(km365_bots.__file__).parent.rglob("*.py")
    knows = re.compile(r"^\s*(?:from|import) (?:botbuilder|botframework|microsoft_agents)", re.M)
    assert [room.name for room in rooms if knows.search(room.read_text(encoding="utf-8"))] == ["host.py"]
