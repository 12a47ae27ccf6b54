"""People see, change, narrow and take back what they contributed: transcripts over a small Microsoft 365."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from km365_bots.chat import Parts
from km365_bots.conversation import compose, respond
from km365_bots.parts import open_parts

from km365.core.audience import Audience, Reader
from km365.core.chat import Card, Event, EventKind, Reply
from km365.core.contributions import Wish, WishState
from km365.core.interviews import InterviewState
from km365.core.knowledge import Decision, Maturity
from km365.core.said import Said, Verb
from km365.errors import InputRefused, NotFound
from km365.graph import lists
from km365.graph.client import Graph
from km365.local import faults
from km365.services import capture, review, wishes
from km365.services import interview as service
from km365.services.handing_on import HAND_ON
from km365.services.interview import Subject
from km365.services.wishes import CARRY_OUT, WishDesk
from km365.store import interviews as store
from km365.store import outbox
from km365.store import wishes as kept_wishes
from km365.store.database import Database
from km365.store.outbox import Message

from ..conftest import Provisioned, person_id
from .chatting import MORNING, invite

STORY = "Three pumps stood still for a month, because the parts waited at the border."
ROLE = "The job became mostly procurement, with a letter to the districts every April."
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
Act = Callable[[], Awaitable[Any]]


@dataclass
class Office:
    """Ann's chat, her office's list, and the focal point in it."""

    here: Provisioned
    parts: Parts
    person: str = "ann"
    language: str = "en"
    replies: list[Reply] = field(default_factory=list)
    card: Card | None = None
    number: int = 0

    @property
    def at(self) -> Any:
        return MORNING + timedelta(seconds=20 * self.number)

    async def says(self, text: str, *, activity: str = "") -> None:
        await self._hears(EventKind.MESSAGE, activity, text=text)

    async def presses(self, verb: str, inputs: dict[str, str] | None = None) -> None:
        assert self.card is not None
        value = {**self.card.action_data, "verb": verb, **(inputs or {})}
        await self._hears(EventKind.SUBMIT, "", value=value, reply_to="card")

    async def sends(self, value: dict[str, str]) -> None:
        await self._hears(EventKind.SUBMIT, "", value=value, reply_to="card")

    async def _hears(self, kind: EventKind, activity: str, **what: Any) -> None:
        self.number += 1
        event = Event(
            kind=kind,
            activity_id=activity or f"{self.person}{self.number}",
            conversation_id=f"chat-{self.person}",
            person_id=person_id(self.person),
            tenant_id="t",
            at=self.at,
            locale=self.language,
            **what,
        )
        self.replies = await respond(self.parts, event)
        self.card = next((reply.card for reply in reversed(self.replies) if reply.card), None)

    def heard(self, *words: str) -> None:
        said = "\n\n".join(reply.text for reply in self.replies)
        for wanted in words:
            assert wanted in said, f"not heard: {wanted!r}; heard: {said!r}"

    def not_heard(self, *words: str) -> None:
        said = "\n\n".join(reply.text for reply in self.replies)
        assert not [word for word in words if word in said]

    async def contributes(
        self,
        name: str = "i1",
        *,
        bank: str = "midterm_review",
        send: bool = True,
        everyone: bool = False,
        **answers: str,
    ) -> None:
        """An interview of this person, sent and where it belongs; for `everyone` in the organisation."""
        app = self.here.app
        subject = Subject(
            key=f"{bank}:{name}", bank=bank, title="Pumps", office="CO-BEL", due_on=MORNING.date()
        )
        await service.start(
            app.db,
            self.parts.banks,
            app.jobs,
            person_id=person_id(self.person),
            subject=subject,
            language=self.language,
            said=Said(verb=Verb.START),
            now=self.at,
            new_id=lambda: name,
        )
        if bank == "handover":
            await self._turn(name, Verb.AGREE)
        for question, text in (answers or {"story": STORY, "headline": "Send parts early"}).items():
            await self._turn(name, Verb.ANSWER, text=text, question=question)
        if everyone:
            await self._turn(name, Verb.AUDIENCE, question="story", audience=Audience.EVERYONE)
            await self._turn(name, Verb.YES)
        if send:
            await self._turn(name, Verb.DRAFT)
            await self._turn(name, Verb.SEND)
            await self.works()

    async def _turn(self, name: str, verb: Verb, **what: Any) -> None:
        self.number += 1
        said = Said(verb=verb, **what)
        app = self.here.app
        mine = person_id(self.person)
        await service.take(app.db, self.parts.banks, app.jobs, name, said, person_id=mine, now=self.at)

    async def works(self) -> None:
        """Runs the jobs that hand on and carry out; what the bot then says to this person was heard."""
        jobs = self.here.app.jobs
        before = {one.key for one in await self.told()}
        for job in await self.here.app.db.run(jobs.list_):
            if job.name in {HAND_ON, CARRY_OUT} and job.state == "waiting":
                await jobs._work[job.name][0](job.args)  # type: ignore[attr-defined]
                await self.here.app.db.run(jobs.cancel, job.key)
        mine = person_id(self.person)
        new = [one for one in await self.told() if one.key not in before and one.person_id == mine]
        if new:
            self.replies = [compose(self.parts, one) for one in new]

    async def told(self, person: str = "") -> list[Message]:
        rows = await self.here.app.db.run(outbox.list_)
        return [row.message for row in rows if not person or row.message.person_id == person_id(person)]

    async def settled(self) -> list[Message]:
        """What this person was told of their wishes."""
        return [one for one in await self.told(self.person) if one.card == "wish_settled"]

    async def items(self) -> dict[str, dict[str, Any]]:
        app = self.here.app
        place = await capture.knowledge_list(app.graph, app.settings)
        rows = lists.list_items(app.graph, place.site_id, place.list_id)
        return {row.fields["KMId"]: row.fields async for row in rows}

    async def edits(self, item_id: str = "KM-i1", **fields: str) -> None:
        """Somebody else edits the list by hand."""
        app = self.here.app
        place = await capture.knowledge_list(app.graph, app.settings)
        row = await capture.find(app.graph, place, item_id)
        await lists.update_fields(app.graph, place.site_id, place.list_id, row.id, fields)

    async def decides(self, decision: Decision, reason: str = "") -> None:
        app = self.here.app
        await review.decide_item(
            app.graph,
            app.db,
            app.jobs,
            app.settings,
            "KM-i1",
            decision,
            reviewer=BEN,
            reason=reason,
            at=self.at,
        )

    async def wish(self, kind: str, item_id: str = "KM-i1") -> Wish | None:
        return await self.here.app.db.run(kept_wishes.get, item_id, kind)

    @property
    def desk(self) -> WishDesk:
        app = self.here.app
        return WishDesk(
            graph=app.graph,
            db=app.db,
            jobs=app.jobs,
            settings=app.settings,
            banks=self.parts.banks,
            now=lambda: self.at,
        )


@pytest.fixture
async def ann(provisioned: Provisioned) -> Office:
    made: list[Office] = []
    object.__setattr__(provisioned.app.clock, "now", lambda: made[0].at if made else MORNING)
    made.append(Office(provisioned, await open_parts(provisioned.app)))
    return made[0]


# Seeing -------------------------------------------------------------------------------------------------


async def test_with_nothing_contributed_it_says_so(ann: Office) -> None:
    await ann.says("What have I contributed?")
    ann.heard("You have not contributed anything yet")


async def test_all_is_listed_newest_first_with_where_it_stands(ann: Office) -> None:
    await ann.contributes("i1", everyone=True)
    await ann.contributes("i2", story="The rains came early and the ford was closed.", headline="Look up")
    await ann.edits("KM-i2", KMMaturity="published")
    await ann.contributes("i3", send=False, story=STORY)
    await ann.contributes("i4", bank="handover", role=ROLE, proud=STORY)
    await ann.says("show my lessons")
    ann.heard(
        "5 contributions of yours",
        "1. ",
        "the note is in the library Handover notes",
        "Not sent; only you have seen it",
        "4. Look up\nSent on March 2, 2026; accepted and published.",
        "5. Send parts early\nSent on March 2, 2026; it waits for the focal point's check.",
    )
    await ann.says("5")
    ann.heard(
        "Send parts early",
        STORY,
        "Who reads this: everyone",
        "Say “Change it”, “Take it back”, “My office only”",
    )
    ann.not_heard("ford")


async def test_older_ones_are_on_the_next_page(ann: Office) -> None:
    for number in range(7):
        await ann.contributes(f"i{number}", send=False, story=f"Story {number}, told in a few more words.")
    await ann.says("my contributions")
    ann.heard("7 contributions", "5. ", "say “more”")
    await ann.presses("more")
    ann.heard("2. ")
    ann.not_heard("3. ", "say “more”")
    await ann.says("7")
    ann.heard("from 1 to 2")
    await ann.says("2")
    ann.heard("Story 0")


async def test_nobody_reaches_anothers_contribution(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    sue = Office(ann.here, ann.parts, person="sue")
    await sue.contributes("s1", send=False, story="Sue's own story, told in a few words.")
    await sue.says("my contributions")
    sue.not_heard("Send parts early")
    await sue.presses("show", {"which": "KM-i1"})
    sue.heard("I do not find that")
    assert ann.card is not None
    await sue.sends({**ann.card.action_data, "verb": "show", "which": "KM-i1"})
    sue.heard("was not made for this chat")
    assert set(await ann.items()) == {"KM-i1"}


async def test_an_item_in_which_one_is_named_is_listed_but_shared_ones_are_asked_for(ann: Office) -> None:
    await ann.contributes("i1")
    both = f"{person_id('ann')};{person_id('sue')}"
    await ann.edits(KMContributors=both)
    sue = Office(ann.here, ann.parts, person="sue")
    await sue.says("my contributions")
    sue.heard("1. Send parts early")
    await sue.says("withdraw 1")
    sue.heard("I cannot take this back by myself")
    await sue.says("yes")
    await sue.works()
    assert "KM-i1" in await ann.items()
    assert [one.card for one in await ann.told("ben")] == ["wish_asked"]


async def test_without_microsoft_365_it_shows_what_it_has(ann: Office) -> None:
    await ann.contributes("i1")
    faults.switch(ann.here.m365.state, "next_requests", on=True, verb="GET", path="*", status=403, times=50)
    await ann.says("my contributions")
    ann.heard("Microsoft 365 does not answer", "I cannot see just now where it stands")
    await ann.says("withdraw 1")
    ann.heard("I have changed nothing")


# Changing -----------------------------------------------------------------------------------------------


async def test_what_is_not_accepted_yet_is_changed_and_sent_again_as_the_same_item(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.edits(KMAdvice="Ask the customs office first.")
    await ann.says("my contributions")
    await ann.says("change 1")
    ann.heard("This is the draft again", "Ask the customs office first.")
    await ann.says("1: Send spare parts early")
    await ann.says("send")
    await ann.works()
    ann.heard("with the knowledge focal point")
    (item,) = (await ann.items()).values()
    assert (item["Title"], item["KMAdvice"]) == ("Send spare parts early", "Ask the customs office first.")
    assert item["KMMaturity"] == Maturity.IN_REVIEW


async def test_a_draft_of_changes_can_be_put_away(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.presses("show", {"which": "KM-i1"})
    await ann.presses("change")
    await ann.says("1: Another title")
    await ann.says("discard")
    ann.heard("What you sent stays as it was")
    await ann.says("my contributions")
    ann.heard("1. Send parts early")
    ann.not_heard("draft of changes")


async def test_what_was_open_goes_on_once_the_changes_are_put_away(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.contributes("i2", send=False, story=STORY)
    await ann.says("my contributions")
    await ann.says("change 2")
    ann.heard("This is the draft again")
    await ann.says("discard")
    ann.heard("What you sent stays as it was", "We can go on with what was open")


async def test_a_change_of_what_is_accepted_is_put_before_the_focal_point(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.decides(Decision.ACCEPT)
    await ann.says("my contributions")
    await ann.says("change 1")
    ann.heard("Tell me what should be changed")
    await ann.says("It was two months, not one.")
    ann.heard("I pass it on to the focal point")
    await ann.works()
    (message,) = [one for one in await ann.told("ben") if one.card == "wish_asked"]
    assert message.data["words"] == "It was two months, not one."
    assert "asks for a change" in compose(ann.parts, message).text
    await ann.says("my contributions")
    ann.heard("The focal point was asked for a change")
    (done,) = await wishes.settle(ann.desk, "KM-i1", grant=True, reason="", reader=BEN)
    assert done.state is WishState.DONE
    assert [one.data["state"] for one in await ann.settled()] == ["done"]


async def test_a_change_in_words_that_stood_in_an_earlier_one_is_asked_for_too(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.decides(Decision.ACCEPT)
    for words in ["Write that forty stood still, not three.", "three", "three"]:
        await ann.says("my contributions")
        await ann.says("change 1")
        await ann.says(words)
    wish = await ann.wish("change")
    assert wish is not None
    assert wish.words == "Write that forty stood still, not three.\n\nthree"


async def test_words_for_another_channel_are_not_passed_on(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.decides(Decision.ACCEPT)
    await ann.says("my contributions")
    await ann.says("change 1")
    await ann.says("My supervisor stole the fuel money, say so.")
    ann.heard("I did not keep that")
    assert await ann.wish("change") is None
    await ann.presses("yes", {"words": "My supervisor stole the fuel money, say so."})
    ann.heard("I did not keep that", "Tell me what should be changed")
    (field,) = ann.card.data["fields"]
    assert field["value"] == "My supervisor stole the fuel money, say so."
    await ann.presses("yes", {"words": "It was two months, not one."})
    ann.heard("I pass it on to the focal point")


async def test_in_distress_nothing_more_is_asked_of_a_change(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.decides(Decision.ACCEPT)
    for words in ["my contributions", "change 1", "I want to die"]:
        await ann.says(words)
    assert len(ann.replies) == 1
    ann.not_heard("Tell me what should be changed")
    assert await ann.wish("change") is None


async def test_changes_that_come_after_it_was_accepted_are_not_lost(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("change 1")
    await ann.says("1: Too late a title")
    await ann.decides(Decision.ACCEPT)
    await ann.says("send")
    await ann.works()
    ann.heard("It had been accepted before your changes came")
    assert (await ann.items())["KM-i1"]["Title"] == "Send parts early"
    wish = await ann.wish("change")
    assert wish is not None
    assert wish.words == "Too late a title"


# Taking back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted", [False, True])
async def test_before_it_is_published_it_is_taken_back_after_a_second_yes(
    ann: Office, accepted: bool
) -> None:
    await ann.contributes("i1")
    if accepted:
        await ann.decides(Decision.ACCEPT)
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


async def test_what_was_taken_back_before_it_left_is_not_listed_as_sent(ann: Office) -> None:
    await ann.contributes("i1", send=False)
    for verb in (Verb.DRAFT, Verb.SEND, Verb.WITHDRAW, Verb.YES):
        await ann._turn("i1", verb)
    await ann.says("my contributions")
    ann.heard("not contributed anything")


async def _is_invited(ann: Office) -> Card:
    """A message the bot sends by itself, which has arrived; its card."""
    db, me = ann.here.app.db, person_id(ann.person)
    message = await invite(db, me, bank="midterm_review")
    await db.run(outbox.claim, message.key, at=ann.at)
    await db.run(outbox.sent, message.key, activity_id="x", at=ann.at + timedelta(seconds=5))
    card = compose(ann.parts, message).card
    assert card is not None
    return card


async def test_a_yes_to_an_invitation_withdraws_nothing(ann: Office) -> None:
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


async def test_a_yes_after_an_interviews_card_was_pressed_withdraws_nothing(ann: Office) -> None:
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


async def test_a_yes_after_a_quarter_of_an_hour_is_asked_for_again(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    ann.number += 3 * 16
    await ann.says("yes")
    ann.heard("I would take it out of the list")
    await ann.works()
    assert await ann.items()


async def test_a_change_that_begins_like_a_search_is_a_change(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.decides(Decision.ACCEPT)
    await ann.says("my contributions")
    await ann.says("change 1")
    await ann.says("Look for the second sentence and leave it out.")
    ann.heard("I pass it on to the focal point")


async def test_what_was_never_sent_is_deleted_at_once(ann: Office) -> None:
    await ann.contributes("i1", send=False, story=STORY)
    await ann.says("my contributions")
    await ann.says("delete 1")
    ann.heard("I would delete for good")
    await ann.presses("yes")
    ann.heard("nothing of it is left with me")
    assert await ann.here.app.db.run(store.answers, "i1") == []


async def test_once_published_a_focal_point_is_asked_and_answers(ann: Office) -> None:
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


async def test_published_between_the_yes_and_the_deed_it_stays_and_is_said(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    await ann.edits(KMMaturity="published")
    await ann.works()
    ann.heard("It was published in the meantime", "The answers I held are deleted")
    assert (await ann.items())["KM-i1"]["KMDescription"] == STORY
    assert [one.card for one in await ann.told("ben")] == ["wish_asked"]


async def test_the_lesson_beside_a_note_goes_and_does_not_come_back(ann: Office) -> None:
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


async def test_a_handover_note_is_taken_back_by_a_focal_point_only(ann: Office) -> None:
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


# Narrowing ----------------------------------------------------------------------------------------------


async def test_it_is_narrowed_to_the_office_and_stays_so_when_sent_again(ann: Office) -> None:
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


async def test_narrowing_what_is_published_is_asked_for(ann: Office) -> None:
    await ann.contributes("i1", everyone=True)
    await ann.edits(KMMaturity="published")
    await ann.says("my contributions")
    await ann.says("narrow 1")
    await ann.says("yes")
    await ann.works()
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.EVERYONE
    await wishes.settle(ann.desk, "KM-i1", grant=True, reason="", reader=BEN)
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.OFFICE


# Languages ----------------------------------------------------------------------------------------------


async def test_en_francais(ann: Office) -> None:
    ann.language = "fr"
    await ann.contributes("i1")
    await ann.here.app.db.run(_speaks, "ann", "fr")
    await ann.says("Qu'ai-je apporté ?")
    ann.heard("1 contribution de votre part", "elle attend la vérification du point focal")
    await ann.says("retirer 1")
    ann.heard("Est-ce bien ce que vous voulez ?")
    await ann.says("oui")
    ann.heard("sont effacées")
    await ann.works()
    ann.heard("elle n'est plus dans la liste")
    assert await ann.items() == {}


async def test_in_arabic(ann: Office) -> None:
    ann.language = "ar"
    await ann.contributes("i1", everyone=True)
    await ann.here.app.db.run(_speaks, "ann", "ar")
    await ann.says("مساهماتي")
    ann.heard("مساهمة واحدة لكم", "وتنتظر مراجعة المنسق")
    await ann.says("١")
    ann.heard("قولوا «تغييرها» أو «سحبها» أو «مكتبي فقط»")
    await ann.says("مكتبي فقط")
    ann.heard("أقصرها الآن على مكتبكم")
    await ann.works()
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.OFFICE
    await ann.says("مساهماتي")
    await ann.says("سحب 1")
    await ann.says("لا")
    ann.heard("يبقى كل شيء كما كان")


def _speaks(c: Any, person: str, language: str) -> None:
    from km365.store import preferences

    preferences.put_language(c, person_id(person), language, at=MORNING)


# Killed -------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """As a kill -9 would have it."""


@dataclass
class Life:
    """A process that ends before the `left`th thing it does that leaves a trace."""

    left: int

    async def does(self, act: Act) -> Any:
        self.left -= 1
        if self.left == 0:
            raise Killed
        return await act()


@pytest.mark.parametrize("published", [False, True])
async def test_killed_between_any_two_deeds_it_is_taken_back_once_and_nothing_false_is_said(
    ann: Office, published: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    if published:
        await ann.edits(KMMaturity="published")
    work = ann.here.app.jobs._work[CARRY_OUT][0]  # type: ignore[attr-defined]
    for deeds in range(1, 60):
        killed = False
        with monkeypatch.context() as patched:
            _mortal(patched, Life(left=deeds))
            try:
                await work({"item": "KM-i1", "kind": "withdraw"})
            except* Killed:
                killed = True
        told = [one.data["state"] for one in await ann.settled()]
        gone = "KM-i1" not in await ann.items()
        assert not told or told == (["asked"] if published else ["done"])
        assert gone or "done" not in told, "it is said when it is so, and not before"
        if not killed:
            break
    assert not killed
    assert gone is not published
    assert len(told) == 1
    assert len([one for one in await ann.told("ben") if one.card == "wish_asked"]) == published
    await work({"item": "KM-i1", "kind": "withdraw"})
    assert len(await ann.settled()) == 1


def _mortal(patched: pytest.MonkeyPatch, life: Life) -> None:
    send, run = Graph.send, Database.run

    async def calls(self: Graph, request: Any, **options: Any) -> Any:
        if request.method == "GET":
            return await send(self, request, **options)
        return await life.does(lambda: send(self, request, **options))

    async def commits(self: Database, *words: Any, **options: Any) -> Any:
        return await life.does(lambda: run(self, *words, **options))

    patched.setattr(Graph, "send", calls)
    patched.setattr(Database, "run", commits)


async def test_what_is_stopped_on_the_way_is_taken_up_at_the_next_start(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    jobs = ann.here.app.jobs
    await ann.here.app.db.run(jobs.cancel, f"{CARRY_OUT}:withdraw:KM-i1")
    await wishes.open_desk(ann.desk)
    await ann.works()
    assert await ann.items() == {}


async def test_what_is_sent_anew_after_the_wish_is_not_taken_away(ann: Office) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    later = (ann.at + timedelta(minutes=1)).isoformat()
    await ann.edits(KMSubmittedAt=later)
    await ann.works()
    assert (await ann.items())["KM-i1"]["KMDescription"] == STORY
