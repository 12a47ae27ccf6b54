"""Whatever is posted to the bot, it answers without a failure and says nothing that is another person's.

`KM365_TEST_FUZZ=10000` posts ten thousand activities instead of a few hundred.
"""

import asyncio
import copy
import http.client
import json
import logging
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from km365_bots.campaign_pages import CampaignPages
from km365_bots.connector import open_connector
from km365_bots.conversation import respond
from km365_bots.desk import Desk
from km365_bots.host import Host, SignIn
from km365_bots.loop_page import LoopPage
from km365_bots.parts import open_parts
from km365_bots.turn import Turns
from km365_bots.web import Workspace, application

from km365.app import open_app
from km365.documents.words import Words
from km365.local import users
from km365.local.server import start_server
from km365.settings import Settings
from km365.templates import Templates

from .activities import activity, execute, submit
from .chatting import STORY, Chat, Office, interview
from .conftest import no_token
from .fake_connector import FakeConnector, fake_connector
from .serving import LABELS, PACE, site

MANY = int(os.environ.get("KM365_TEST_FUZZ", "250")) // 2
SECRET = "the grey heron sleeps behind the third warehouse"
PEOPLE = [f"6f3c1a52-0000-4000-8000-0000000000{number:02d}" for number in range(6)]
LEAKS = ("Traceback", 'File "', ".py", "Error at", SECRET)
PHRASES = (
    *(
        "start",
        "1",
        STORY,
        "skip",
        "back",
        "pause",
        "continue",
        "later",
        "yes",
        "no",
        "help",
        "draft",
        "send",
    ),
    *("who reads this", "show my draft", "withdraw", "start over", "stop asking me", "2: other words"),
    *("français", "العربية", "commencer", "plus tard", "ابدأ", "لاحقاً", "начать", "稍后", "começar"),
    *(
        "what do we know about floods",
        "share a lesson",
        "",
        " ",
        "\x00",
        "🤷" * 40,
        "a" * 40_000,
        "<at>km365</at>",
    ),
)


class Log(logging.Handler):
    """What km365 logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Served:
    """The bot as it is served, in a thread of its own, with one person's words to keep to itself."""

    address: str
    teams: FakeConnector
    cards: list[dict[str, Any]] = field(default_factory=list)
    """What the buttons of real cards send: everybody's, those of the person with the secret too."""
    shown: int = 0
    logged: "Log" = field(default_factory=lambda: Log())
    outcomes: Counter[int] = field(default_factory=Counter)

    def post(self, body: bytes) -> None:
        """Posts, and looks at the answer and at all that was said since."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/api/messages", body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        self.outcomes[answer.status] += 1
        assert answer.status < 500, (answer.status, text)
        assert not [line for line in self.logged.lines if "A turn failed" in line], self.logged.lines[-1]
        said = self.teams.calls[self.shown :]
        self.shown += len(said)
        for told in (text, *(json.dumps(call.body, ensure_ascii=False) for call in said)):
            assert not [leak for leak in LEAKS if leak in told], told


async def prepared(office: Office) -> list[dict[str, Any]]:
    """Everybody is invited and has begun; the one with the secret has told it."""
    cards = []
    for person in (*PEOPLE, "the one with the secret"):
        chat = Chat(office=office, person=person)
        await chat.is_invited(bank="handover" if person == PEOPLE[0] else "midterm_review")
        cards.append(chat.card.action_data)
        for said in ("start", "1"):
            await chat.says(said)
        if person not in PEOPLE:
            await chat.says(f"{STORY} And {SECRET}.")
            assert SECRET in (await interview(office, person)).answers[1].text
            await chat.says("show my draft")
        cards.append(chat.card.action_data)
    return [dict(data) for data in cards]


async def serve(home: Path, stop: asyncio.Event, ready: "Future[Served]") -> None:
    async with AsyncExitStack() as stack:
        m365 = await stack.enter_async_context(await start_server())
        for number, person in enumerate(PEOPLE):
            users.create(m365.state, id=person, upn=f"p{number}@childrensagency.example", display_name="P")
        chosen = Settings(home=home, database_url="sqlite://", graph_url=m365.graph_url)
        app = await stack.enter_async_context(open_app(chosen))
        office = Office(db=app.db)
        cards = await prepared(office)
        parts = replace(await open_parts(app), secret=office.parts().secret)
        teams = await stack.enter_async_context(fake_connector())
        connector = await stack.enter_async_context(open_connector(no_token, PACE))
        desk = Desk(app.db, app.jobs, partial(respond, parts))
        turns = Turns(connector=connector, desk=desk, labels=LABELS, clock=lambda: datetime.now(UTC))
        host = Host(sign_in=SignIn(), turns=turns, connector=connector)
        words = Words.read(Templates(), "messages/workspace")
        pages = Workspace(
            organisation="x",
            words=words,
            app_words=words,
            panels={},
            campaigns=CampaignPages(app, words, parts.catalogue),
            loop=LoopPage(app),
            checks={},
            open_to_all=True,
        )
        url = await stack.enter_async_context(site(application(pages, host.messages)))
        ready.set_result(Served(address=url, teams=teams, cards=cards))
        await stop.wait()
        await turns.close(within_s=1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    loop, ready, stop = asyncio.new_event_loop(), Future[Served](), asyncio.Event()

    home = tmp_path_factory.mktemp("fuzz")

    def run() -> None:
        try:
            loop.run_until_complete(serve(home, stop, ready))
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        bot = ready.result(timeout=60)
        logging.getLogger("km365").addHandler(bot.logged)
        yield bot
        assert not [line for line in bot.logged.lines if SECRET in line or STORY in line]
        assert bot.outcomes[202] and bot.outcomes[400], "both kinds were posted"
        assert len(bot.teams.calls) > MANY // 4, "and answered"
    finally:
        if ready.done() and ready.exception() is None:
            logging.getLogger("km365").removeHandler(ready.result().logged)
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=50)
    | st.sampled_from(PHRASES)
    | st.sampled_from(
        ["x" * 600, "19:chat@unq.gbl.spaces", "\ud800", "{{}}", "../..", "1e999", "http://[::1"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "action", "tenant", "type", "data", "text", "verb", "answer", "name"]),
            inner,
        )
    ),
    max_leaves=8,
)
PAGES = [
    {"contentType": "text/html", "content": begin + part * (150_000 // len(part))}
    for begin in ("", '<blockquote itemtype="http://schema.skype.com/Forward">', "<script>")
    for part in ("<a ", "<!--", "&", "</", "<b>", "</i>", "<![CDATA[", "<a b='", "\x00", "<p>words")
]
KEYS = st.sampled_from(
    [*activity("http://127.0.0.1:1"), "value", "name", "action", "replyToId", "membersRemoved"]
)


def someone(number: int) -> dict[str, Any]:
    person = PEOPLE[number % len(PEOPLE)]
    return {
        "from": {"id": f"29:{person}", "name": "A Person", "aadObjectId": person},
        "conversation": {"conversationType": "personal", "id": f"chat-{person}"},
    }


@given(
    changes=st.dictionaries(KEYS, JUNK, max_size=4), number=st.integers(0, 5), said=st.sampled_from(PHRASES)
)
@settings(
    max_examples=MANY,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_activities_with_any_parts_at_all_are_never_a_failure(served: Served, changes, number, said):
    whole = activity(served.teams.url, text=said, **someone(number))
    served.post(json.dumps({**whole, **changes}).encode())


def real(chance: random.Random, served: Served) -> dict[str, Any]:
    """An activity as Teams sends them: words, cards of one's own and of others, what happens to the app."""
    url, who = served.teams.url, someone(chance.randrange(6))
    data = {**chance.choice(served.cards), "answer": chance.choice(PHRASES)}
    data |= {"verb": chance.choice(["answer", "skip", "start", "send", "edit", "withdraw", "pause", "later"])}
    happened = chance.choice(
        [
            {"type": "installationUpdate", "action": chance.choice(["add", "remove", "add-upgrade"])},
            {"type": "conversationUpdate", "membersAdded": [{"id": "28:bot"}]},
            {"type": "messageReaction", "reactionsAdded": [{"type": "like"}]},
            {"type": "invoke", "name": "composeExtension/query", "value": {}},
            {
                "type": "event",
                "name": "application/vnd.microsoft.readReceipt",
                "value": {"lastReadMessageId": "1"},
            },
            {"conversation": {"conversationType": "channel", "id": "19:channel", "isGroup": True}},
            {"attachments": [chance.choice(PAGES)]},
        ]
    )
    verb = data.pop("verb")
    return chance.choice(
        [
            lambda: activity(url, text=chance.choice(PHRASES), **who),
            lambda: submit(url, verb=verb, **data) | who,
            lambda: execute(url, verb, **data) | who,
            lambda: activity(url, **who) | happened,
        ]
    )()


def mutated(chance: random.Random, whole: Any) -> Any:
    """The activity with one place changed, taken away or put somewhere else."""
    changed = copy.deepcopy(whole)
    places = [(changed, key) for key in changed]
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, dict) and inner:
            places += [(inner, name) for name in inner]
        elif isinstance(inner, list) and inner:
            places += [(inner, at) for at in range(len(inner))]
    holder, key = chance.choice(places)
    if isinstance(holder, dict) and chance.random() < 0.3:
        del holder[key]
    else:
        other, name = chance.choice(places)
        strange = (None, True, 0, -1, 2**80, 0.1, "", "x" * 5000, [], {}, [[]], {"id": {"id": []}})
        holder[key] = copy.deepcopy(
            chance.choice([*strange, other.get(name) if isinstance(other, dict) else 1])
        )
    return changed


def scratched(chance: random.Random, body: bytes) -> bytes:
    """The bytes with some lost, doubled or replaced."""
    at = chance.randrange(len(body))
    return chance.choice(
        [body[:at], body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :], body[:at] + body[at // 2 :]]
    )


def test_real_activities_with_a_scratch_are_never_a_failure(served: Served):
    chance = random.Random(365)
    for _ in range(MANY):
        whole = real(chance, served)
        for _ in range(chance.randrange(4)):
            whole = mutated(chance, whole) if whole else whole
        body = json.dumps(whole, ensure_ascii=chance.random() < 0.5).encode(errors="replace")
        served.post(scratched(chance, body) if chance.random() < 0.2 else body)
