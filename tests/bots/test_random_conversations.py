"""Whole conversations at random: typed, pressed, twice, out of order, in seven languages, with every topic.

Whatever two people say and press beside one another: nothing fails, nobody meets silence, what was said to be
noted is kept once, nobody hears the other's words, and every interview still comes to its end.
`KM365_TEST_FUZZ=10000` has ten thousand of them instead of a few.
"""

import itertools
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from km365_bots.cards import render
from km365_bots.topics.find import Find
from km365_bots.topics.later import Later
from km365_bots.topics.prompts import Prompts
from km365_bots.topics.tell import Tell
from km365_bots.topics.text import Text

from km365.core.chat import Card
from km365.core.interviews import PromptKind
from km365.core.languages import LANGUAGES
from km365.core.schedule import ALWAYS
from km365.local import users
from km365.services import interview as service
from km365.services.tell import Linked
from km365.store import interviews as store
from km365.store.database import Connection

from ..conftest import Provisioned
from .chatting import BANKS, CATALOGUE, LABELS, Chat, Office

MANY = int(os.environ.get("KM365_TEST_FUZZ", "8"))
WORDS = CATALOGUE.vocabulary
COMMANDS = sorted(
    {phrases[0] for tag in LANGUAGES for phrases in WORDS.commands[tag].values()}
    | {
        phrase.replace("…", "friday")
        for tag in LANGUAGES
        for topic in ("tell", "find", "later", "prompts", "text")
        for phrases in WORDS.topics[tag][topic].values()
        for phrase in phrases[:2]
    }
)
FREQUENT = ["start", "continue", "1", "skip", "back", "pause", "yes", "no", "show my draft", "send"]
FREQUENT += ["later on friday", "not before 9", "text only", "with cards", "العربية", "français", "english"]
OWN = [
    "We expected forty schools and {} reached nine, because the lorries came only after the rains.",
    "Too late, {}.",
    "Lesson: We trained committees in the dry season. Because {} kept seals, pumps were down for two days.",
    "https://childrensagency.sharepoint.example/{}.docx",
    "1: {} other words",
    "what do we know about {}",
    "Why did {} happen at all?",
]
"""What people say themselves; in the braces comes a word that nobody else ever says."""
NOTED = [text for tag in LANGUAGES for text in CATALOGUE.get(tag).texts["notes.saved"]]
SEVERAL = 60
"""Turns within which everything that is open has its end."""

who = st.integers(0, 1)
MOVES = st.one_of(
    st.tuples(st.just("types"), who, st.sampled_from(FREQUENT) | st.sampled_from(COMMANDS)),
    st.tuples(st.just("tells"), who, st.sampled_from(OWN)),
    st.tuples(
        st.just("presses"), who, st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans(), st.booleans())
    ),
    st.tuples(st.just("again"), who, st.integers(1, 3)),
    st.tuples(st.just("early"), who, st.sampled_from(FREQUENT)),
)


@dataclass
class Person:
    """One of the two, with all that they said and pressed."""

    chat: Chat
    mark: str
    done: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    own: list[str] = field(default_factory=list)

    async def does(self, how: str, what: Any) -> None:
        """One move. What was done is remembered, so that it can come again."""
        if how == "again":
            if what <= len(self.done):
                await self.done[-what]()
            return
        number = f"r{next(_ACTIVITIES)}"
        if how == "presses":
            act = self._press(*what, activity=number)
        else:
            said = self._own(what) if how == "tells" else what
            early = timedelta(minutes=5 if how == "early" else 0)

            async def act() -> None:
                self.chat.at -= early
                await self.chat.says(said, activity=number)
                self.chat.at += early

        self.done.append(act)
        await act()

    def _own(self, what: str) -> str:
        self.own.append(f"{self.mark}{len(self.own)}x")
        return what.format(self.own[-1])

    def _press(
        self, age: int, which: int, filled: bool, twice: bool, *, activity: str
    ) -> Callable[[], Awaitable[None]]:
        cards = self.chat.cards
        card = cards[max(0, len(cards) - 1 - age)]
        rendered = render(card, LABELS)
        buttons = [one for one in rendered.get("actions", []) if "verb" in one]
        button = buttons[which % len(buttons)]
        inputs = self._filled(card, rendered) if filled else {}

        async def act() -> None:
            for _ in range(1 + twice):
                await self.chat.presses(button["verb"], inputs, card=card, activity=activity)

        return act

    def _filled(self, card: Card, rendered: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in rendered["body"]:
            if part["type"] == "Input.Text" and not part.get("value"):
                found[part["id"]] = self._own(OWN[0])
            if part["type"] == "Input.ChoiceSet":
                found[part["id"]] = part["choices"][0]["value"]
        return found


_ACTIVITIES = itertools.count(1)
_PEOPLE = itertools.count(1)


async def look_up(text: str, person_id: str) -> list[Linked]:
    if "https://" not in text:
        return []
    address = next(word for word in text.split() if word.startswith("https://"))
    return [Linked(address=address, title="")]


@pytest.fixture
def staff(provisioned: Provisioned) -> Office:
    app = provisioned.app
    topics = [Tell(look_up), Find(app.graph, app.settings, app.templates), Prompts(ALWAYS), Later(), Text()]
    return Office(db=app.db, topics=topics)


async def kept(office: Office, person: str) -> str:
    """All answers of the person, in every interview."""

    def read(c: Connection) -> list[str]:
        mine = store.list_(c, person_id=person)
        return [answer.value or "" for one in mine for answer in store.answers(c, one.id)]

    return "\n\n".join(await office.db.run(read))


async def looked_at(office: Office, one: Person, other: Person) -> None:
    """The laws that hold after every move."""
    said = [reply.text for reply in one.chat.replies]
    assert all(text.strip() for text in said), "a reply without words"
    assert not [text for text in said if other.mark in text], "somebody else's words"
    if one.own:
        stored = await kept(office, one.chat.person)
        assert not [word for word in one.own if stored.count(word) > 1], "kept twice"


async def ended(office: Office, one: Person) -> None:
    """Goes on with everything that is open, to its end."""
    said = []
    await one.chat.says("with cards")
    for _ in range(SEVERAL):
        turn = await service.current(office.db, BANKS, one.chat.person)
        if turn is None:
            return
        said.append(_next(turn.prompt.kind, said[-1:]))
        await one.chat.says(said[-1])
    raise AssertionError(f"no end: {said}")


def _next(kind: PromptKind, before: list[str]) -> str:
    if kind is PromptKind.CONFIRM:
        return "yes" if before == ["withdraw"] else "no"
    if kind is PromptKind.DRAFT:
        return "withdraw" if before == ["send"] else "send"
    if kind is PromptKind.CONSENT:
        return "I agree"
    return "skip" if kind in {PromptKind.QUESTION, PromptKind.PROBE} else "continue"


@given(moves=st.lists(MOVES, min_size=8, max_size=24))
@settings(
    max_examples=MANY,
    deadline=None,
    derandomize="KM365_TEST_FUZZ" not in os.environ,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
async def test_whatever_is_said_and_pressed_a_conversation_keeps_its_word(
    provisioned: Provisioned, staff: Office, moves: list[tuple[str, int, Any]]
) -> None:
    people = []
    for _ in range(2):
        number = next(_PEOPLE)
        who = f"6f3c1a52-0000-4000-8000-{number:012d}"
        users.create(
            provisioned.m365.state, id=who, upn=f"p{number}@childrensagency.example", display_name="P"
        )
        people.append(Person(chat=Chat(office=staff, person=who), mark=f"heron{number}n"))
        await people[-1].chat.is_invited()
    for how, index, what in moves:
        one, other = people[index], people[1 - index]
        one.chat.replies = []
        before = len(one.own)
        await one.does(how, what)
        assert one.chat.replies or how == "again", "silence"
        await looked_at(staff, one, other)
        noted = [reply for reply in one.chat.replies if any(text in reply.text for text in NOTED)]
        if how == "tells" and what.startswith("We expected") and noted:
            assert one.own[before] in await kept(staff, one.chat.person), "noted and not kept"
    for one in people:
        await ended(staff, one)
