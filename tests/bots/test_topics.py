"""A topic in the chat: commands and cards reach it, it can wait, an open interview goes on after it."""

from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from km365_bots.buttons import Pick
from km365_bots.chat import Chat as Turn
from km365_bots.topics import DECIDING, LEAVING, Told, Topic

from km365.core.commands import Understood
from km365.core.languages import LANGUAGES
from km365.documents.messages import Catalogue
from km365.templates import Templates

from .chatting import Chat, Office

WORDS = """
[commands]
look = ["ponder it", "ponder …", "what of … then"]
[texts]
help = "Say “ponder” and what."
help_button = "Ponder"
"""


@dataclass
class Looking(Topic):
    """Repeats what it was asked, and waits for a number after it."""

    name: str = "looking"
    heard: list[tuple[str, str]] = field(default_factory=list)

    async def typed(self, chat: Turn, wish: str, meant: Understood | None) -> Told | None:
        self.heard.append((wish, meant.text if wish and meant else chat.event.text))
        if not wish and not chat.event.text.isdecimal():
            return None
        reply = chat.speech.menu(
            self.name,
            title="Found",
            entries=[{"title": "One", "link": "https://x.example/1"}],
            buttons=[{"verb": "more", "label": "More"}],
            about="rain",
        )
        return Told(replies=[reply], waits={"seen": 1} if wish else None)

    async def pressed(self, chat: Turn, pick: Pick) -> Told:
        return Told(replies=[chat.speech.menu(self.name, title=f"{pick.verb} of {pick.about}")])


@pytest.fixture
def looking(office: Office, tmp_path: Path) -> Looking:
    folder = tmp_path / "own" / "messages" / "chat"
    folder.mkdir(parents=True)
    for tag in LANGUAGES:
        (folder / f"looking.{tag}.toml").write_text(WORDS, encoding="utf-8")
    office.catalogue = Catalogue(Templates(tmp_path / "own"))
    topic = Looking()
    office.topics = [topic]
    return topic


async def test_a_topic_gets_its_command_with_the_persons_own_words(chat: Chat, looking: Looking) -> None:
    await chat.says("Ponder: “the drivers’ strike”, please?")
    chat.heard("Found", "1. One", "https://x.example/1")
    await chat.says("What of the rains, then?")
    await chat.says("ponder it")
    assert looking.heard[:3] == [
        ("look", "the drivers’ strike”, please"),
        ("look", "the rains"),
        ("look", ""),
    ]


async def test_a_topic_that_waits_is_asked_first_and_lets_go_what_is_not_its_own(
    chat: Chat, looking: Looking
) -> None:
    await chat.says("ponder rain")
    await chat.says("2")
    assert looking.heard[-1] == ("", "2")
    await chat.says("3")
    chat.heard("I did not keep that")
    assert looking.heard[-1] == ("", "2"), "it had an answer, so it waits no more"


async def test_an_open_interview_goes_on_after_a_topic(chat: Chat, looking: Looking) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("ponder rain")
    chat.not_heard("1 of 8")
    await chat.presses("more")
    chat.heard("more of rain", "1 of 8")
    await chat.says("1")
    chat.heard("2 of 8")


async def test_a_card_of_a_topic_that_was_made_for_another_is_refused(chat: Chat, looking: Looking) -> None:
    await chat.says("ponder rain")
    other = Chat(office=chat.office, person="bob")
    await other.presses("more", card=chat.card)
    other.heard("was not made for this chat")
    await chat.sends({**chat.card.action_data, "interview": "snow", "verb": "more"})
    chat.heard("was not made for this chat")


async def test_the_help_has_a_line_of_each_topic(chat: Chat, looking: Looking) -> None:
    await chat.says("more help")
    chat.heard("Say “ponder” and what.", "skip, back, pause")


async def test_the_whole_help_stands_under_a_heading_for_each_whom_it_is_for(
    chat: Chat, looking: Looking
) -> None:
    mine, theirs = copy(looking), copy(looking)
    mine.name, theirs.name = "sittings", "deciding"
    mine.for_whom, theirs.for_whom = LEAVING, DECIDING
    chat.office.topics = [looking, mine, theirs]
    await chat.says("more help")
    entries = chat.card.data["entries"]
    assert [one["title"] for one in entries] == [
        "For everybody",
        "When you leave a post or take one over",
        "If you check and decide on lessons",
    ]
    assert "“ponder”" in entries[0]["quote"] and "skip, back" in entries[0]["quote"]
    assert "my sittings" in entries[1]["quote"] and "what waits for me" in entries[2]["quote"]
    chat.heard("For everybody\n• ")
    await chat.says("help")
    chat.not_heard("For everybody", "my sittings")


async def test_the_help_is_short_and_says_how_to_see_all_of_it(chat: Chat, looking: Looking) -> None:
    await chat.says("help")
    chat.heard("skip, back, pause", "say “more help”")
    chat.not_heard("Say “ponder” and what.")
    await chat.presses("more")
    chat.heard("Say “ponder” and what.")
    chat.not_heard("say “more help”")


async def test_a_button_of_the_help_opens_what_it_names_and_the_help_stays(
    chat: Chat, looking: Looking
) -> None:
    looking.opens = "look"
    await chat.says("help")
    helped = chat.card
    await chat.presses("looking")
    assert looking.heard == [("look", "")]
    assert not any(reply.replaces for reply in chat.replies)
    await chat.is_invited()
    await chat.says("start")
    await chat.presses("who", card=helped)
    chat.heard("before you have read the draft", "1 of 8")
    other = Chat(office=chat.office, person="bob")
    await other.presses("looking", card=helped)
    other.heard("was not made for this chat")


@pytest.mark.parametrize("said", ["ponderous rain", "we should ponder rain", "ponder"])
async def test_what_only_resembles_a_command_is_none(chat: Chat, looking: Looking, said: str) -> None:
    await chat.says(said)
    assert looking.heard == []
