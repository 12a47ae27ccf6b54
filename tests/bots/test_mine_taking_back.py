"""People take back and narrow what they contributed: transcripts over a small Microsoft 365."""

from datetime import timedelta

import pytest
from km365_bots.conversation import compose

from km365.core.audience import Audience, Reader
from km365.core.chat import Card
from km365.core.contributions import WishState
from km365.core.interviews import InterviewState
from km365.core.moves import Move
from km365.core.said import Verb
from km365.core.used import Tally, Use
from km365.errors import InputRefused, NotFound
from km365.services import interview as service
from km365.services import wishes
from km365.store import interviews as store
from km365.store import outbox, used
from km365.store.outbox import Delivery

from ..conftest import person_id
from .chatting import invite
from .contributing import BEN, ROLE, STORY, Contributing

# Taking back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", [False, True])
async def test_before_it_is_published_it_is_taken_back_after_a_second_yes(
    ann: Contributing, accepted: bool
) -> None:
    await ann.contributes("i1")
    if accepted:
        await ann.decides(Move.VALIDATE)
    await ann.says("my contributions")
    await ann.says("1")
    await ann.says("withdraw")
    ann.heard("delete it with all answers you gave", "Is that what you want?")
    await ann.says("no")
    ann.heard("everything stays as it was")
    assert "KM-i1" in await ann.items()
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes", activity="yes")
    ann.heard("All answers you gave for it are deleted", "tell you when it is gone")
    assert await ann.here.app.db.run(store.answers, "i1") == []
    await ann.works()
    ann.heard("it is not in the list any more")
    assert await ann.items() == {}
    await ann.says("yes", activity="yes")
    ann.heard("I have that already")
    await ann.says("my contributions")
    ann.heard("not contributed anything")


async def test_with_it_go_what_was_said_of_it_and_what_was_still_to_be_told(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.VALIDATE)
    db = ann.here.app.db
    said = {"person_id": BEN.person_id, "words": "no roads here", "at": ann.at}
    await db.run(used.say, "KM-i1", Use.DID_NOT_FIT, **said)
    (before,) = await db.run(outbox.list_, prefix="decided:KM-i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    await ann.works()
    (after,) = await db.run(outbox.list_, prefix="decided:KM-i1")
    assert (before.state, after.state) == (Delivery.WAITING, Delivery.CANCELLED)
    assert await db.run(used.tally_of, "KM-i1") == Tally()


async def test_what_was_taken_back_before_it_left_is_not_listed_as_sent(ann: Contributing) -> None:
    await ann.contributes("i1", send=False)
    for verb in (Verb.DRAFT, Verb.SEND, Verb.WITHDRAW, Verb.YES):
        await ann._turn("i1", verb)
    await ann.says("my contributions")
    ann.heard("not contributed anything")


async def _is_invited(ann: Contributing) -> Card:
    """A message the bot sends by itself, which has arrived; its card."""
    db, me = ann.here.app.db, person_id(ann.person)
    message = await invite(db, me, bank="midterm_review")
    await db.run(outbox.claim, message.key, at=ann.at)
    await db.run(outbox.sent, message.key, activity_id="x", at=ann.at + timedelta(seconds=5))
    card = compose(ann.parts, message).card
    assert card is not None
    return card


async def test_a_yes_to_an_invitation_withdraws_nothing(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    ann.heard("I would take it out of the list")
    await _is_invited(ann)
    await ann.says("yes")
    ann.heard("I would take it out of the list")
    await ann.works()
    assert await ann.items()
    await ann.says("yes")
    await ann.works()
    assert not await ann.items()


async def test_a_yes_after_an_interviews_card_was_pressed_withdraws_nothing(ann: Contributing) -> None:
    await ann.contributes("i1")
    invitation = await _is_invited(ann)
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    ann.card = invitation
    await ann.presses("start")
    await ann.says("yes")
    ann.not_heard("I would take it out of the list")
    await ann.works()
    assert await ann.items()


async def test_a_yes_after_a_quarter_of_an_hour_is_asked_for_again(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    ann.number += 3 * 16
    await ann.says("yes")
    ann.heard("I would take it out of the list")
    await ann.works()
    assert await ann.items()


async def test_a_change_that_begins_like_a_search_is_a_change(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.VALIDATE)
    await ann.says("my contributions")
    await ann.says("change 1")
    await ann.says("Look for the second sentence and leave it out.")
    ann.heard("I pass it on to the focal point")


async def test_what_was_never_sent_is_deleted_at_once(ann: Contributing) -> None:
    await ann.contributes("i1", send=False, story=STORY)
    await ann.says("my contributions")
    await ann.says("delete 1")
    ann.heard("I would delete for good")
    await ann.presses("yes")
    ann.heard("nothing of it is left with me")
    assert await ann.here.app.db.run(store.answers, "i1") == []


async def test_once_published_a_focal_point_is_asked_and_answers(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.edits(KMMaturity="published")
    await ann.says("my contributions")
    await ann.presses("show", {"which": "KM-i1"})
    ann.heard("Ask to take it back")
    await ann.presses("withdraw")
    await ann.presses("yes")
    ann.heard("I pass it on", "Until then nothing changes")
    await ann.works()
    assert "KM-i1" in await ann.items()
    assert (await ann.here.app.db.run(store.answers, "i1")) != []
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    ann.heard("You asked for that before")
    with pytest.raises(InputRefused, match="reason"):
        await wishes.settle(ann.desk, "KM-i1", grant=False, reason=" ", reader=BEN)
    with pytest.raises(InputRefused, match="focal point"):
        sue = Reader(person_id=person_id("sue"), office="CO-BEL")
        await wishes.settle(ann.desk, "KM-i1", grant=True, reason="", reader=sue)
    await wishes.settle(ann.desk, "KM-i1", grant=True, reason="", reader=BEN)
    assert await ann.items() == {}
    assert await ann.here.app.db.run(store.answers, "i1") == []
    with pytest.raises(NotFound):
        await wishes.settle(ann.desk, "KM-i1", grant=True, reason="", reader=BEN)
    assert [one.data["state"] for one in await ann.settled()] == ["done"]


async def test_published_between_the_yes_and_the_deed_it_stays_and_is_said(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    await ann.edits(KMMaturity="published")
    await ann.works()
    ann.heard("It was published in the meantime", "The answers I held are deleted")
    assert (await ann.items())["KM-i1"]["KMDescription"] == STORY
    assert [one.card for one in await ann.told("ben")] == ["wish_asked"]


async def test_the_lesson_beside_a_note_goes_and_does_not_come_back(ann: Contributing) -> None:
    await ann.contributes("i1", bank="handover", role=ROLE, proud=STORY)
    await ann.says("my contributions")
    await ann.presses("show", {"which": "KM-i1"})
    await ann.presses("withdraw")
    ann.heard("Your handover note stays as it is")
    await ann.presses("yes")
    await ann.works()
    assert await ann.items() == {}
    await ann.says("my contributions")
    ann.heard("1 contribution of yours", "the note is in the library")
    await ann.says("change 1")
    ann.heard(ROLE, STORY)
    await ann.says("send")
    await ann.works()
    assert await ann.items() == {}
    assert (
        await service.get(ann.here.app.db, ann.parts.banks, "i1", person_id=person_id("ann"))
    ).interview.state is (InterviewState.FINISHED)


async def test_a_handover_note_is_taken_back_by_a_focal_point_only(ann: Contributing) -> None:
    await ann.contributes("i1", bank="handover", role=ROLE)
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    await ann.works()
    (message,) = await ann.told("ben")
    assert "a handover note" in compose(ann.parts, message).text
    (wish,) = await wishes.settle(ann.desk, "note:i1", grant=False, reason="It is in use.", reader=BEN)
    assert wish.state is WishState.DECLINED
    (told,) = await ann.settled()
    assert "It is in use." in compose(ann.parts, told).text


# Narrowing ---------------------------------------------------------------------------------------------


async def test_it_is_narrowed_to_the_office_and_stays_so_when_sent_again(ann: Contributing) -> None:
    await ann.contributes("i1", everyone=True)
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.EVERYONE
    await ann.says("my contributions")
    await ann.says("my office only 1")
    ann.heard("I now let only your office read it")
    await ann.works()
    ann.heard("only your office reads it now")
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.OFFICE
    await ann.says("my contributions")
    await ann.says("narrow 1")
    ann.heard("no more than your office reads it")
    await ann.says("change")
    await ann.says("1: Another title")
    await ann.says("send")
    await ann.works()
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.OFFICE


async def test_narrowing_what_is_published_is_asked_for(ann: Contributing) -> None:
    await ann.contributes("i1", everyone=True)
    await ann.edits(KMMaturity="published")
    await ann.says("my contributions")
    await ann.says("narrow 1")
    await ann.says("yes")
    await ann.works()
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.EVERYONE
    await wishes.settle(ann.desk, "KM-i1", grant=True, reason="", reader=BEN)
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.OFFICE


@pytest.mark.parametrize("said", ["withdraw 1", "retirer 1", "my office only 1"])
async def test_a_number_said_before_the_list_shows_it_and_asks_which_is_meant(
    ann: Contributing, said: str
) -> None:
    await ann.contributes("i1")
    await ann.says(said)
    ann.heard("Numbers count in this list", "Which one do you mean?", "1. Send parts early")
    assert await ann.wish("withdraw") is None
    await ann.says("withdraw 1")
    ann.heard("Is that what you want?")
