"""Colleagues who leave: what they say in the chat, each answer with a word of its own and its readers."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

import httpx
import pytest

from km365.core.audience import Audience
from km365.core.knowledge import to_fields
from km365.documents.questions import Banks
from km365.graph import lists, sites
from km365.graph.certificates import trusted
from km365.jobs.port import JobState
from km365.local import teams
from km365.services import capture
from km365.templates import Templates

from ..cli.conftest import Ran, Type
from ..conftest import Provisioned, person_id, sign_in_name
from ..journeys.product import Chat, until
from ..journeys.reading import readable
from ..services.published import published

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIX_MONTHS = timedelta(days=175)
"""Notice enough for a plan with all questions."""
COLLEAGUES = frozenset({"ann", "ben", "sam", "sue"})
EVERYBODY = COLLEAGUES | {"eve"}
EVERYONE, OFFICE, CLOSE, ALONE, NEVER = Audience
BANK = Banks(Templates()).get("handover", "en")
_UNDONE = {JobState.WAITING, JobState.RUNNING}
LAST = "bdfgkmnprtvz"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A word that stands in one text only, who said it, and who may read it."""

    word: str
    author: str
    question: str
    audience: Audience
    item: str = ""
    """The knowledge item it was written in by hand; else it was said in the chat."""
    named: frozenset[str] = frozenset()
    kept: bool = True
    """Whether it is still anywhere but in its author's own chat."""

    @property
    def readers(self) -> frozenset[str]:
        """Of everybody, who may be shown it by km365."""
        if not self.kept or self.audience is NEVER:
            return frozenset()
        close = frozenset() if self.item else frozenset({"sam", "sue"})  # an item has no successor
        around = {EVERYONE: EVERYBODY, OFFICE: COLLEAGUES, CLOSE: close, ALONE: self.named}
        return around[self.audience] | {self.author}

    @property
    def text(self) -> str:
        """What is said: long enough not to be asked about again."""
        return (
            f"The clerk in Rivermouth keeps the {self.word} register in the blue cupboard, and opens it for "
            "the district team on the first Monday of every month."
        )


def marks(author: str, *, first: str, count: int) -> list[Mark]:
    """A mark for so many questions; the readers go round, and nobody gets more than the question says."""
    found = []
    for number, question in enumerate(BANK.questions[:count]):
        wanted = EVERYONE if question.audience is EVERYONE else list(Audience)[number % 5]
        narrow = max(wanted, question.audience, key=list(Audience).index)
        word = f"zarq{first}{'aeiou'[number % 5]}{LAST[number // 5]}"
        found.append(Mark(word=word, author=author, question=question.id, audience=narrow))
    return found


@dataclass
class Desk:
    """What the driver of a chat needs of the product (`journeys.product.Up`)."""

    http: httpx.Client

    def graph(self, path: str) -> Any:
        answer = self.http.get(f"/v1.0{path}", headers={"Authorization": "Bearer test"})
        return answer.raise_for_status().json()


@dataclass
class Product:
    """The running product."""

    here: Provisioned
    url: str
    types: Type
    log: pytest.LogCaptureFixture
    marks: dict[str, Mark] = field(default_factory=dict)
    """By word."""

    @cached_property
    def desk(self) -> Desk:
        address = self.here.m365.base_url
        return Desk(httpx.Client(base_url=address, verify=trusted(), trust_env=False, timeout=60))

    # people ------------------------------------------------------------------------------------------------

    async def leaves(self, person: str, *, after: timedelta, **columns: str) -> None:
        """The person stands in the *Departures* list."""
        graph, settings = self.here.app.graph, self.here.app.settings
        site = await sites.get_site(graph, settings.knowledge_site)
        target = await lists.get_list(graph, site.id, "Departures")
        fields = {
            "Title": f"Post of {person}",
            "KMPerson": sign_in_name(person),
            "KMPost": f"Post of {person}",
            "KMLastDay": f"{(MONDAY + after).date()}T00:00:00Z",
            "KMState": "planned",
        }
        await lists.create_item(graph, site.id, target.id, fields | columns)

    async def chat(self, person: str) -> Chat:
        return await asyncio.to_thread(Chat, self.desk, f"{person.title()} ")  # type: ignore[arg-type]

    async def answers(self, said: Iterable[Mark], *, most: int = 99) -> None:
        """Somebody says this in the chat, each with its readers, up to the draft or so many of them."""
        told = {one.question: one for one in said}
        given: list[Mark] = []
        author = next(iter(told.values())).author
        await self.does(author, lambda chat: given.extend(_drive(chat, told, most)))
        self.marks |= {one.word: one for one in given}

    async def does(self, person: str, act: Callable[[Chat], None]) -> None:
        """Somebody does something in their chat, and all that comes of it has happened."""
        await asyncio.to_thread(act, await self.chat(person))
        await self.settles()

    async def writes(self, mark: Mark) -> None:
        """An item with this word is in the *Knowledge* list, published, for the readers of the mark."""
        self.marks[mark.word] = mark
        app = self.here.app
        place = await capture.knowledge_list(app.graph, app.settings)
        item = published(mark.item, title=mark.text[:60], description=mark.text, audience=mark.audience)
        fields = to_fields(replace(item, submitted_at=MONDAY))
        await lists.create_item(app.graph, place.site_id, place.list_id, fields)

    async def asks(self, person: str, *texts: str) -> None:
        """Somebody has the bot, types this, one after the other, and each is answered."""
        teams.installed(self.here.m365.state, person_id(person))
        await self.does(person, lambda chat: chat.hears("km365"))
        for text in texts:
            await self.does(person, partial(_ask, text=text))

    def becomes(self, *words: str, **changes: Any) -> None:
        """What is said of these marks from now on."""
        for word in words:
            self.marks[word] = replace(self.marks[word], **changes)

    def of(self, author: str, *audiences: Audience) -> list[Mark]:
        return [
            m
            for m in self.marks.values()
            if m.author == author and (not audiences or m.audience in audiences)
        ]

    # time --------------------------------------------------------------------------------------------------

    async def km365(self, *words: str) -> Ran:
        return await self.types(*words)

    async def runs(self, *flows: str) -> None:
        """What these automations do, and the jobs that come of it."""
        for flow in flows:
            ran = await self.types("flow", "run", flow)
            assert ran.code == 0, ran.err
            await self.settles()

    async def settles(self) -> None:
        """Until no job is due; jobs go by the clock of this machine."""
        app = self.here.app
        for _ in range(1200):
            jobs = await app.db.run(app.jobs.list_)
            due = [job for job in jobs if job.state in _UNDONE and job.due_at <= datetime.now(UTC)]
            if not due:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not done within a minute: {due}")

    async def passes(self, time: timedelta) -> None:
        self.here.m365.state.set_clock(self.here.m365.state.now() + time)
        await self.here.app.clock.refresh()

    # what lies there ---------------------------------------------------------------------------------------

    def words_in(self, text: str) -> frozenset[str]:
        low = text.casefold()
        return frozenset(word for word in self.marks if word in low)

    def tables(self, name: str) -> Mapping[str, frozenset[str]]:
        """The marks in every table of a database of the home folder."""
        path = self.here.home / name
        found = {}
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=30)) as c:
            names = [n for (n,) in c.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in names:
                rows = c.execute(f'SELECT * FROM "{table}"').fetchall()
                found[table] = self.words_in("\n".join(readable(value) for row in rows for value in row))
        return found

    def chats(self) -> Mapping[str, frozenset[str]]:
        """The marks in everybody's chat with the bot, by person."""
        rows = self.here.m365.state.all(
            "SELECT person, activity FROM chat_activity JOIN chat ON chat.id = chat"
        )
        names = {person_id(name): name for name in EVERYBODY}
        found = dict.fromkeys(EVERYBODY, frozenset[str]())
        for row in rows:
            found[names[row["person"]]] |= self.words_in(row["activity"])
        return found


@dataclass(frozen=True, kw_only=True)
class Card:
    """The newest card of a chat, with what each of its buttons sends, by verb."""

    activity: str
    buttons: Mapping[str, Any]

    def press(self, chat: Chat, verb: str, **inputs: str) -> None:
        outcome = chat.executes(self.activity, verb, self.buttons[verb] | inputs)
        assert outcome["ok"], outcome


def newest(chat: Chat) -> Card:
    """The newest card, once it has buttons."""

    def look() -> Card | None:
        activity, card = chat.cards[-1]
        buttons = {one["verb"]: one["data"] for one in card.get("actions", ()) if "verb" in one}
        return Card(activity=activity, buttons=buttons) if buttons else None

    return until(look)


def _ask(chat: Chat, *, text: str) -> None:
    before = len(chat.messages)
    chat.says(text)
    until(lambda: any(one["from"] == "bot" for one in chat.messages[before:]))


def _drive(chat: Chat, said: Mapping[str, Mark], most: int) -> list[Mark]:
    """Through the interview, up to the draft or so many answers; what was answered."""
    given: list[Mark] = []
    chat.presses("start", about=BANK.title)
    while "approve" not in (card := newest(chat)).buttons and len(given) < most:
        if "answer" in card.buttons:
            mark = said[card.buttons["answer"]["question"].removesuffix("+")]
            given.append(mark)
            card.press(chat, "answer", answer=mark.text, audience=mark.audience.value)
        else:
            card.press(chat, next(verb for verb in ("agree", "start") if verb in card.buttons))
    return given
