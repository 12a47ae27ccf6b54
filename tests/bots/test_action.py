"""Actions agreed because of a lesson: the card of their owner, and the same by typing."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from km365_bots import cards
from km365_bots.conversation import compose

from km365.core.audience import Audience, Reader
from km365.core.knowledge import KnowledgeItem, Maturity, from_fields, to_fields
from km365.core.moves import Move
from km365.core.schedule import ALWAYS
from km365.graph import lists
from km365.services import actions, capture, life, promotion, review_by
from km365.services.life import LifeDesk, Wanted
from km365.store import preferences
from km365.store.outbox import Message

from ..conftest import person_id
from .chatting import LABELS, MORNING
from .contributing import BEN, Contributing

ANN = Reader(person_id=person_id("ann"), office="CO-BEL")
LESSON = KnowledgeItem(
    id="KM-1",
    title="Ask drivers first",
    description="Fridges failed in the rains.",
    advice="Ask the drivers before the season.",
    office="CO-BEL",
    contributors=(person_id("sue"),),
    language="en",
    audience=Audience.EVERYONE,
    maturity=Maturity.PUBLISHED,
    submitted_at=MORNING - timedelta(days=300),
)
DUE = (MORNING + timedelta(days=20)).date()


async def holds(ann: Contributing, item: KnowledgeItem) -> None:
    app = ann.here.app
    place = await capture.knowledge_list(app.graph, app.settings)
    await lists.create_item(app.graph, place.site_id, place.list_id, to_fields(item))


async def agrees(ann: Contributing, number: int = 1) -> None:
    """Ben agrees that Ann does something because of a lesson, and she is shown the card."""
    app = ann.here.app
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    await holds(ann, replace(LESSON, id=f"KM-{number}"))
    due = DUE + timedelta(days=number)
    wanted = Wanted(move=Move.AGREE, reader=BEN, words=f"Call the depot {number}.", owner=ANN, due=due)
    await life.make(desk, f"KM-{number}", wanted, at=ann.at)
    told = next(one for one in await ann.told("ann") if one.data.get("item") == f"KM-{number}")
    ann.replies = [compose(ann.parts, told)]
    ann.card = ann.replies[0].card


async def item(ann: Contributing, number: int = 1) -> KnowledgeItem:
    return from_fields((await ann.items())[f"KM-{number}"])


async def test_the_card_says_what_to_do_and_done_asks_for_a_link(ann: Contributing) -> None:
    await agrees(ann)
    ann.heard("Something for you to do", "Call the depot 1.", "lesson “Ask drivers first”", "“my actions”")
    assert ann.card is not None
    drawn = cards.render(ann.card, LABELS, text="twin")
    assert [one["title"] for one in drawn["actions"]] == ["Done", "Another day", "Not mine"]
    await ann.presses("done")
    ann.heard("Call the depot 1.", "Where can colleagues see what changed?")
    await ann.presses("save", {"words": "it is in the plan"})
    ann.heard("begins with https://")
    await ann.presses("save", {"words": "See https://x.example/plan."})
    ann.heard("The lesson now says what changed")
    assert (await item(ann)).proof == "https://x.example/plan"
    await ann.says("my actions")
    ann.heard("Nothing is yours to do")


async def test_the_same_is_done_by_typing_by_number_where_there_are_several(ann: Contributing) -> None:
    for number in (1, 2, 3):
        await agrees(ann, number)
    await ann.says("my actions")
    ann.heard("1. Call the depot 1.", "3. Call the depot 3.", "“1 done”")
    await ann.says("2 another day: 2026-07-01")
    ann.heard("It is now by 1 July 2026.")
    assert (await item(ann, 2)).action_due == date(2026, 7, 1)
    await ann.says("my actions")
    await ann.says("1 done https://x.example/1")
    ann.heard("Thank you.")
    await ann.says("my actions")
    await ann.says("1 not mine")
    ann.heard("Would you say why")
    await ann.says("-")
    ann.heard("It is no longer yours")
    assert (await item(ann, 3)).action_owner == ""
    assert [one.data["words"] for one in await ann.told("ben") if one.card == actions.BACK] == [""]


async def test_why_it_is_not_theirs_reaches_whoever_agreed_it_unless_it_belongs_elsewhere(
    ann: Contributing,
) -> None:
    await agrees(ann)
    await ann.presses("back")
    await ann.presses("save", {"words": "My supervisor harasses me."})
    assert (await item(ann)).action_owner == ANN.person_id
    await ann.presses("save", {"words": "The depot belongs to supply."})
    ann.heard("whoever agreed it is told")
    back = next(one for one in await ann.told("ben") if one.card == actions.BACK)
    said = compose(ann.parts, back)
    assert "The depot belongs to supply." in said.text and "km365 lesson effect KM-1" in said.text


async def test_a_day_that_is_past_is_asked_for_again_and_an_old_card_changes_nothing(
    ann: Contributing,
) -> None:
    await agrees(ann)
    card = ann.card
    await ann.presses("day")
    await ann.says("2020-01-01")
    ann.heard("I did not understand the day, or it is past.")
    await ann.says("in two weeks")
    ann.heard("I remind you on that day.")
    await ann.edits("KM-1", KMActionOwner=person_id("sue"))
    ann.card = card
    await ann.presses("done")
    ann.heard("That is not yours to do any more.")


@pytest.mark.parametrize(
    ("language", "heard"), [("ar", "إجراء مطلوب منكم"), ("fr", "Une action qui vous revient")]
)
async def test_it_is_said_in_the_readers_language(ann: Contributing, language: str, heard: str) -> None:
    await agrees(ann)
    told = replace((await ann.told("ann"))[0], language=language)
    assert heard in compose(ann.parts, told).text
    ann.language = language
    await ann.here.app.db.run(preferences.put_language, ANN.person_id, language, at=MORNING)
    await ann.says({"ar": "إجراءاتي", "fr": "mes actions"}[language])
    ann.heard("Call the depot 1.")
    await ann.says({"ar": "يوم آخر", "fr": "un autre jour"}[language])
    await ann.says({"ar": "بعد أسبوعين", "fr": "dans deux semaines"}[language])
    assert (await item(ann)).action_due == (MORNING + timedelta(days=14)).date()


@pytest.mark.parametrize(
    ("language", "heard"), [("en", "These lessons agree: Ask"), ("ar", "هذه الدروس متفقة")]
)
async def test_where_lessons_agree_is_said_with_what_to_do(
    ann: Contributing, language: str, heard: str
) -> None:
    data = {"title": "Ask drivers first", "items": "KM-1 KM-2", "lessons": "2", "countries": "2"}
    card = promotion.CARD
    message = Message(
        key="k", person_id=ANN.person_id, card=card, data=data, language=language, reason="they agree"
    )
    said = compose(ann.parts, message)
    assert heard in said.text and "km365 lesson promote KM-1 KM-2" in said.text


async def test_lessons_to_confirm_are_shown_when_opened_and_what_is_said_is_kept(ann: Contributing) -> None:
    app = ann.here.app
    theirs = replace(LESSON, contributors=(ANN.person_id,), review_by=MORNING.date() - timedelta(days=40))
    await holds(ann, theirs)
    await holds(ann, replace(theirs, id="KM-2", title="Radio reaches the hills"))
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    await review_by.ask(desk, ALWAYS, at=ann.at)
    told = next(one for one in await ann.told("ann") if one.card == review_by.CARD)
    ann.replies = [compose(ann.parts, told)]
    ann.card = ann.replies[0].card
    ann.heard("2 lessons you know well")
    ann.not_heard("Ask drivers first")
    await ann.presses("due")
    ann.heard("Do these lessons still hold?", "1. Ask drivers first", "Unconfirmed since")
    await ann.says("1 still true, 2 changed")
    ann.heard("Radio reaches the hills: what has changed?")
    await ann.says("There is a mast now.")
    ann.heard("Thank you, that is noted.")
    await ann.says("lessons to confirm")
    ann.heard("There are no lessons for you to confirm.")
