"""A reviewer's questions reach the author in the chat, and the answer comes back to the reviewer."""

import pytest
from km365_bots.conversation import compose

from km365.core.audience import Reader
from km365.core.knowledge import Maturity
from km365.core.moves import Move
from km365.local import users
from km365.services import life, review, wishes
from km365.store import moves
from km365.store.outbox import Message

from ..conftest import person_id
from .contributing import BEN, Contributing, speaks

QUESTIONS = "In which districts?\nSince when?"


async def heard_of_return(ann: Contributing) -> None:
    """The author is told, changes the draft and sends it again."""
    (message,) = [one for one in await ann.told("ann") if one.card == "lesson_decided"]
    assert "In which districts?" in compose(ann.parts, message).text
    await ann.says("my contributions")
    await ann.says("change 1")
    await ann.says("1: Send spare parts early, to the northern districts")
    await ann.says("send")
    await ann.works()


def answered(told: list[Message]) -> list[Message]:
    return [one for one in told if one.card == "lesson_answered"]


async def test_questions_reach_the_author_and_the_answer_comes_back(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.RETURN, QUESTIONS)
    await heard_of_return(ann)
    (message,) = answered(await ann.told("ben"))
    said = compose(ann.parts, message).text
    assert "Your questions were answered" in said
    assert "Since when?" in said and "km365 lesson validate KM-i1" in said
    (item,) = (await ann.items()).values()
    assert item["KMMaturity"] == Maturity.IN_REVIEW
    await ann.decides(Move.VALIDATE)
    assert [one.move for one in await ann.here.app.db.run(moves.list_, "KM-i1")] == [
        *(Move.SUBMIT, Move.TAKE_UP, Move.RETURN),
        *(Move.SUBMIT, Move.TAKE_UP, Move.VALIDATE),
    ]


async def test_being_sent_again_is_recorded_and_told_once_however_often_the_job_runs(
    ann: Contributing,
) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.RETURN, QUESTIONS)
    await heard_of_return(ann)
    app = ann.here.app
    before = await app.db.run(moves.list_, "KM-i1")
    kept = await review.get_item(app.graph, app.settings, "KM-i1")
    assert kept.item.submitted_at is not None
    desk = life.LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    await life.note_sent(desk, kept, who=person_id("ann"), at=kept.item.submitted_at)
    assert await app.db.run(moves.list_, "KM-i1") == before
    assert len(answered(await ann.told())) == 1


async def test_where_the_reviewer_no_longer_decides_the_focal_points_hear_of_the_answer(
    ann: Contributing,
) -> None:
    await ann.contributes("i1", everyone=True)
    users.join_group(ann.here.m365.state, "Knowledge reviewers", person_id("eve"))
    app = ann.here.app
    desk = life.LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    eve = Reader(person_id=person_id("eve"), office="CO-ARD")
    wanted = life.Wanted(move=Move.RETURN, reader=eve, words=QUESTIONS)
    await life.make(desk, "KM-i1", wanted, at=ann.at)
    await ann.edits(KMAudience="O")
    await heard_of_return(ann)
    assert [one.person_id for one in answered(await ann.told())] == [person_id("ben")]


@pytest.mark.parametrize(
    ("language", "words", "line"),
    [
        (
            "en",
            "my contributions",
            "2 March 2026: returned with questions (Ben Paperboat)\nIn which districts?",
        ),
        ("fr", "mes contributions", "2 mars 2026 : renvoyée avec des questions (Ben Paperboat)"),
        ("ar", "مساهماتي", "أُعيدت مع أسئلة (Ben Paperboat)"),
    ],
)
async def test_the_author_reads_who_did_what_with_it_and_why(
    ann: Contributing, language: str, words: str, line: str
) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("1")
    ann.not_heard("How it came to stand there")
    await ann.decides(Move.RETURN, QUESTIONS)
    await ann.edits(KMMaturity="published")
    await ann.here.app.db.run(speaks, "ann", language)
    await ann.says(words)
    await ann.says("1")
    ann.heard(line)
    if language == "en":
        ann.heard("How it came to stand there", "In the list it was set to: published")


async def test_what_an_author_takes_back_leaves_no_record_of_what_was_asked(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.RETURN, QUESTIONS)
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    await ann.works()
    assert await ann.items() == {}
    assert await ann.here.app.db.run(moves.list_, "KM-i1") == []
    assert await wishes.asked(ann.here.app.graph, ann.here.app.db, ann.here.app.settings, BEN) == {}


async def test_questions_are_asked_one_by_one_and_the_answers_go_where_they_belong(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.RETURN, QUESTIONS)
    await ann.says("In the northern districts. Because the road is closed in the rains.")
    ann.heard("Question 2 of 2", "Since when?")
    ann.not_heard("My password")
    await ann.says("My password is hunter2")
    ann.heard("service desk")
    assert ann.card is None or ann.card.name != "draft"
    await ann.says("Since March.")
    ann.heard("Your answers are in the draft", "Because the road is closed in the rains.", "Since March.")
    await ann.says("send")
    await ann.works()
    (item,) = (await ann.items()).values()
    assert item["KMDescription"].endswith("In the northern districts.\n\nSince March.")
    assert item["KMCause"].endswith("Because the road is closed in the rains.")
    (message,) = answered(await ann.told("ben"))
    assert "Since when?\n– Since March." in compose(ann.parts, message).text


async def test_the_card_that_came_back_and_the_list_of_contributions_ask_them_too(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.RETURN, QUESTIONS)
    (message,) = [one for one in await ann.told("ann") if one.card == "lesson_decided"]
    ann.card = compose(ann.parts, message).card
    await ann.presses("start")
    ann.heard("Question 1 of 2", "In which districts?")
    await ann.presses("skip")
    ann.heard("Question 2 of 2")
    await ann.presses("answer", {"words": "Since March."})
    ann.heard("Your answers are in the draft", "Since March.")
    await ann.says("my contributions")
    await ann.says("1")
    await ann.says("change")
    ann.heard("Question 1 of 2")
    await ann.says("In the north.")
    await ann.says("my contributions")
    await ann.says("change 1")
    assert ann.card is not None and ann.card.name == "draft"
