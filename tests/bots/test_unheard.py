"""Where our last words may not have arrived, what is said next is no answer to a question never seen."""

import pytest

from km365.core.chat import EventKind
from km365.store import conversations

from .chatting import STORY, Chat, Office, interview
from .serving import Start
from .test_replies import BUSY, CHAT

NEXT = "Two northern districts, in the rainy season, with one partner and little fuel."


async def lost(chat: Chat, office: Office) -> None:
    await office.db.run(conversations.note_unheard, f"chat-{chat.person}", at=chat.at)


async def begins(chat: Chat) -> None:
    await chat.is_invited()
    for text in ("start", "1", STORY):
        await chat.says(text)


async def test_the_question_is_shown_again_before_an_answer_is_taken(chat: Chat, office: Office) -> None:
    await begins(chat)
    await lost(chat, office)
    await chat.says("And then the road was closed for six weeks.", activity="twice")
    chat.heard("may not have reached you", "send it once more", "particular about the situation")
    await chat.says("And then the road was closed for six weeks.", activity="twice")
    chat.heard("may not have reached you")
    assert len((await interview(office)).answers) == 2
    await chat.says(NEXT)
    chat.heard("4 of 8")
    assert (await interview(office)).answers[2].text == NEXT


@pytest.mark.parametrize("said", ["send", "yes", "skip"])
async def test_no_command_is_carried_out_on_what_was_never_seen(
    chat: Chat, office: Office, said: str
) -> None:
    await begins(chat)
    await chat.says("show my draft")
    await lost(chat, office)
    before = await interview(office)
    await chat.says(said)
    chat.heard("may not have reached you", "Your draft")
    assert await interview(office) == before


async def test_help_is_given_and_a_pressed_card_was_seen(chat: Chat, office: Office) -> None:
    await begins(chat)
    await lost(chat, office)
    await chat.says("help")
    chat.heard("What I can do")
    chat.not_heard("may not have reached you")
    await chat.presses("answer", {"answer": NEXT})
    assert (await interview(office)).answers[2].text == NEXT
    await chat.says("Because nobody had asked the drivers, who knew when the road is closed each year.")
    chat.not_heard("may not have reached you")


async def test_what_is_said_while_a_reply_waits_is_not_taken_for_its_answer(
    chat: Chat, office: Office
) -> None:
    office.languages["ann"] = "fr"
    await begins(chat)
    await chat._event(EventKind.MESSAGE, "", text="Puis la route a été fermée.", unheard=True)
    chat.heard("ne vous est peut-être pas parvenu")
    await chat._event(EventKind.MESSAGE, "", text=NEXT, unheard=True)
    assert (await interview(office)).answers[2].text == NEXT


async def test_distress_is_heard_all_the_same(chat: Chat, office: Office) -> None:
    await begins(chat)
    await lost(chat, office)
    await chat.says("I want to kill myself")
    chat.heard("I am sorry that things are so hard")


@pytest.mark.parametrize("answer", [500, 504])
async def test_teams_saying_nothing_certain_is_noted(start: Start, answer: int) -> None:
    bot = await start()
    bot.teams.script = [answer]
    await bot.says("one")
    kept = await bot.desk.db.run(conversations.get, CHAT)
    assert kept is not None
    assert set(kept.state) == {"unheard"}


async def test_a_conversation_is_told_what_waits_before_it(start: Start) -> None:
    bot = await start()
    bot.teams.script = [BUSY]
    for text in ("one", "two"):
        await bot.says(text)
    assert [event.unheard for event in bot.desk.events] == [False, True]
