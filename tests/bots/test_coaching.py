"""What the coach says under a draft: at most two pieces, once, in the language of the chat, no wall."""

import pytest
from km365_bots.cards import render
from km365_bots.topics.tell import Tell

from km365.core.coach import Rule
from km365.documents.coach import CoachWords
from km365.templates import Templates

from .chatting import Chat, Office
from .serving import LABELS
from .test_tell import look_up

COACH = CoachWords.read(Templates())
TOLD = "A girl named Amina Bello showed us the tap in Duwara. It was dry because the pump had failed."
BAREST = "Communication is key."


@pytest.fixture
def office(office: Office) -> Office:
    office.topics, office.coach = [Tell(look_up)], COACH
    return office


async def told(chat: Chat, words: str, *answers: str) -> None:
    await chat.says(words)
    for answer in answers:
        await chat.says(answer)


async def test_a_name_is_advised_against_under_the_draft_and_can_be_sent_all_the_same(
    chat: Chat, office: Office
) -> None:
    await told(
        chat, f"Lesson: {TOLD}", "1", "In May.", "Sand.", "Check the pump.", "Not in towns.", "We saw it."
    )
    chat.heard("This is how it reads now", COACH.under["en"], "What happened (2): Somebody can be recognised")
    await chat.says("send")
    chat.heard("I pass it on now")
    await office.works(at=chat.at)
    assert "Amina Bello" in office.sent[0][1].answers[0].text


async def test_what_was_passed_over_is_not_asked_for_again(chat: Chat) -> None:
    await told(chat, f"Lesson: {BAREST}", "skip", "skip", "skip", "skip", "skip")
    chat.heard("Nobody would say the opposite", "What happened? One moment")
    chat.not_heard("When would this not hold", "What shows it?")


async def test_advice_is_not_repeated_once_the_draft_was_answered(chat: Chat) -> None:
    await told(chat, f"Lesson: {BAREST}", "skip", "skip", "skip", "skip", "skip")
    chat.heard(COACH.under["en"])
    await chat.says("2: Communication is key, they say.")
    chat.heard("Communication is key, they say.")
    chat.not_heard(COACH.under["en"], "Nobody would say the opposite")


async def test_a_draft_that_is_not_whole_yet_has_no_advice(chat: Chat) -> None:
    await told(chat, f"Lesson: {BAREST}", "show my draft")
    chat.heard("Communication is key.")
    chat.not_heard(COACH.under["en"])


@pytest.mark.parametrize(
    ("language", "words", "skip"),
    [
        ("fr", "Leçon : La communication est la clé de tout.", "passer"),
        ("ar", "درس: التواصل هو مفتاح نجاح أي مشروع.", "تخطي"),
    ],
)
async def test_advice_is_in_the_language_of_the_chat_and_stands_on_the_card(
    chat: Chat, office: Office, language: str, words: str, skip: str
) -> None:
    office.languages["ann"] = language
    await told(chat, words, skip, skip, skip, skip, skip)
    said = COACH.advice[language][Rule.PLATITUDE].say
    chat.heard(COACH.under[language], said)
    assert said in str(render(chat.cards[-1], LABELS))
