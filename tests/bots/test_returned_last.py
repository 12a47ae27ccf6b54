"""A lesson comes back with questions while something else waits: what is typed next is about the lesson."""

from datetime import date
from typing import Any

import pytest
from km365_bots.conversation import compose

from km365.core.languages import LANGUAGES
from km365.core.moves import Move
from km365.store import outbox
from km365.store.database import Connection
from km365.store.outbox import Message

from ..conftest import person_id
from .chatting import CATALOGUE, invite
from .contributing import Contributing, speaks

ASKED = "In which districts?\nSince when?"
OPEN_TOO = "We reached nine schools of forty, because the lorries came after the rains."


async def comes_back(ann: Contributing) -> None:
    """The last that reaches Ann is that her lesson has come back."""
    ann.number += 1
    await ann.decides(Move.RETURN, ASKED)
    (message,) = [one for one in await ann.told("ann") if one.card == "lesson_decided"]
    await arrives(ann, message)


async def arrives(ann: Contributing, message: Message) -> None:
    ann.number += 1
    await ann.here.app.db.run(_sent, message, ann.at)
    ann.replies = [compose(ann.parts, message)]
    ann.card = ann.replies[0].card


def _sent(c: Connection, message: Message, at: Any) -> None:
    assert outbox.claim(c, message.key, at=at)
    outbox.sent(c, message.key, activity_id=None, at=at)


async def invited(ann: Contributing) -> None:
    message = await invite(ann.here.app.db, person_id("ann"), bank="midterm_review", due_on=date(2026, 3, 9))
    await arrives(ann, message)


async def paused(ann: Contributing) -> None:
    await ann.contributes("i2", send=False, story=OPEN_TOO)
    await ann.says("pause")


async def asked(ann: Contributing) -> None:
    await ann.contributes("i2", send=False, story=OPEN_TOO)
    await ann.says("1")


@pytest.mark.parametrize("other", [invited, paused, asked])
async def test_continue_goes_to_the_lesson_that_came_back_last(ann: Contributing, other: Any) -> None:
    await ann.contributes("i1")
    await other(ann)
    await comes_back(ann)
    await ann.says("continue", activity="again")
    ann.heard("Question 1 of 2 about what you contributed", "In which districts?")
    await ann.says("In the north.")
    ann.heard("Question 2 of 2")
    await ann.says("Since March.")
    ann.heard("Your answers are in the draft", "In the north.", "Since March.")


@pytest.mark.parametrize("other", [invited, paused, asked])
async def test_own_words_are_offered_as_the_answer_and_are_it_after_a_yes(
    ann: Contributing, other: Any
) -> None:
    await ann.contributes("i1")
    await other(ann)
    await comes_back(ann)
    await ann.says("In the north.")
    ann.heard("Is this your answer to “In which districts?”?")
    ann.not_heard("Pumps", "mid-term")
    await ann.says("And in the east.")
    await ann.says("My password is hunter2")
    ann.heard("service desk")
    await ann.says("yes", activity="again")
    ann.heard("Question 2 of 2", "Since when?")
    await ann.says("yes", activity="again")
    ann.heard("Question 2 of 2")
    await ann.says("Since March.")
    ann.heard("Your answers are in the draft", "In the north.\n\nAnd in the east.", "Since March.")


async def test_a_no_says_the_words_to_the_question_that_was_open(ann: Contributing) -> None:
    await ann.contributes("i1")
    await asked(ann)
    await comes_back(ann)
    await ann.says("Two districts in the rainy season.")
    await ann.presses("no")
    ann.not_heard("did not keep")
    await ann.says("show my draft")
    ann.heard("Two districts in the rainy season.", OPEN_TOO)


async def test_a_no_offers_a_story_to_the_invitation_and_forgets_a_few_words(ann: Contributing) -> None:
    await ann.contributes("i1")
    await invited(ann)
    await comes_back(ann)
    await ann.says(OPEN_TOO)
    await ann.says("no")
    ann.heard("Is this your answer on “Ardania, mid-term review”?")
    await ann.says("leave it")
    await ann.says("continue")
    ann.not_heard("In which districts?")


async def test_a_no_at_a_break_keeps_nothing_and_shows_the_break(ann: Contributing) -> None:
    await ann.contributes("i1")
    await paused(ann)
    await comes_back(ann)
    await ann.says("In the north.")
    await ann.says("no")
    ann.heard("I kept nothing of it", "A break")


@pytest.mark.parametrize("other", [invited, paused])
async def test_once_something_else_was_asked_continue_is_said_to_that(ann: Contributing, other: Any) -> None:
    await ann.contributes("i1")
    await other(ann)
    await comes_back(ann)
    await ann.says("thank you")
    assert ann.card is not None
    await ann.says("continue")
    ann.not_heard("In which districts?")


async def test_where_nothing_else_waits_words_answer_the_lesson_that_came_back_not_the_latest(
    ann: Contributing,
) -> None:
    await ann.contributes("i1")
    await ann.contributes("i2", story=OPEN_TOO)
    await comes_back(ann)
    await ann.says("In the north.")
    ann.heard("Question 2 of 2")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_asked_and_answered_in_every_language(ann: Contributing, language: str) -> None:
    await ann.contributes("i1")
    await invited(ann)
    await comes_back(ann)
    await ann.here.app.db.run(speaks, "ann", language)
    say = CATALOGUE.get(language).say
    await ann.says("Mara.")
    shown = "\u2068In which districts?\u2069" if language == "ar" else "In which districts?"
    ann.heard(say("mine.returned_title", question=shown))
    await ann.says(say("mine.returned_no"))
    ann.not_heard("In which districts?")
