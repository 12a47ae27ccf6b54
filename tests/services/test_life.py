"""Moves in the life of a lesson, over a small Microsoft 365: what the list says, and what is recorded."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Effect, KnowledgeItem, Maturity, Reach
from km365.core.moves import Actor, Made, Move, Step
from km365.errors import GraphChangedMeanwhile, GraphError, GraphUnreachable, InputRefused, NotFound
from km365.graph import lists
from km365.local import users
from km365.services import capture, life, life_news, review
from km365.services.life import LifeDesk, Outcome, Wanted
from km365.store import moves, outbox

from ..conftest import Provisioned, person_id
from .lessons import NOW, lesson

ANN = Reader(person_id=person_id("ann"), office="CO-BEL")
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
SUE = Reader(person_id=person_id("sue"), office="CO-BEL")
EVE = Reader(person_id=person_id("eve"), office="CO-ARD")
LATER = NOW.replace(hour=15)


class Shelf:
    """The *Knowledge* list, and people who move what is in it. Eve is a reviewer, Ben a focal point."""

    def __init__(self, here: Provisioned) -> None:
        self.here, self.app = here, here.app
        self.desk = LifeDesk(
            graph=here.app.graph, db=here.app.db, jobs=here.app.jobs, settings=here.app.settings
        )
        users.join_group(here.m365.state, "Knowledge reviewers", EVE.person_id)

    async def holds(self, item: KnowledgeItem) -> None:
        place = await capture.knowledge_list(self.app.graph, self.app.settings)
        fields = capture.to_fields(replace(item, submitted_at=NOW))
        await lists.create_item(self.app.graph, place.site_id, place.list_id, fields)

    async def edits(self, item_id: str = "KM-1", **fields: str) -> None:
        place = await capture.knowledge_list(self.app.graph, self.app.settings)
        row = await capture.find(self.app.graph, place, item_id)
        await lists.update_fields(self.app.graph, place.site_id, place.list_id, row.id, fields)

    async def moves(
        self, move: Move, by: Reader = BEN, *, item_id: str = "KM-1", dry_run: bool = False, **how: Any
    ) -> Outcome:
        wanted = Wanted(move=move, reader=by, **how)
        return await life.make(self.desk, item_id, wanted, at=LATER, dry_run=dry_run)

    async def item(self, item_id: str = "KM-1") -> KnowledgeItem:
        return (await review.get_item(self.app.graph, self.app.settings, item_id)).item

    async def recorded(self) -> list[Made]:
        return await self.app.db.run(moves.list_, "KM-1")

    async def history(self, reader: Reader = ANN) -> list[Step]:
        app = self.app
        return await life.history_of(app.graph, app.db, app.settings, await self.item(), reader)

    async def told(self) -> list[str]:
        rows = await self.app.db.run(outbox.list_)
        return [one.message.data["decision"] for one in rows if one.message.card == life_news.DECIDED]


@pytest.fixture
def shelf(provisioned: Provisioned) -> Shelf:
    return Shelf(provisioned)


IN_REVIEW = lesson(maturity=Maturity.IN_REVIEW)
VALIDATED = lesson(maturity=Maturity.VALIDATED)


async def test_a_lesson_goes_from_review_to_the_public_and_off_the_shelf_again(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    await shelf.holds(replace(VALIDATED, id="KM-2"))
    await shelf.moves(Move.VALIDATE)
    await shelf.moves(Move.PUBLISH)
    await shelf.edits(KMConsent="public")
    await shelf.moves(Move.PUBLISH, EVE, reach=Reach.PUBLIC)
    assert (await shelf.item()).published_to is Reach.PUBLIC
    await shelf.moves(Move.SUPERSEDE, words="Better told.", successor="KM-2")
    after = await shelf.item()
    assert (after.maturity, after.superseded_by) == (Maturity.SUPERSEDED, "KM-2")
    assert [(one.who, one.after, one.words, one.detail) for one in await shelf.recorded()] == [
        (BEN.person_id, "validated", "", ""),
        (BEN.person_id, "published", "", "internal"),
        (EVE.person_id, "published", "", "public"),
        (BEN.person_id, "superseded", "Better told.", "KM-2"),
    ]
    assert sorted(await shelf.told()) == ["published", "published", "superseded", "validated"]


async def test_what_is_published_wider_than_allowed_is_refused_and_nothing_is_changed(shelf: Shelf) -> None:
    await shelf.holds(VALIDATED)
    with pytest.raises(InputRefused, match="have not agreed that it is for partners"):
        await shelf.moves(Move.PUBLISH, EVE, reach=Reach.PARTNERS)
    assert (await shelf.item()).maturity is Maturity.VALIDATED
    assert await shelf.recorded() == []


async def test_two_people_validate_where_the_organisation_wants_it(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    shelf.desk = replace(shelf.desk, settings=replace(shelf.desk.settings, validations_needed=2))
    first = await shelf.moves(Move.VALIDATE)
    assert (first.after, first.missing, await shelf.told()) == ("in review", 1, [])
    assert (await shelf.item()).validated_by == (BEN.person_id,)
    again = await shelf.moves(Move.VALIDATE)
    assert (again.missing, len(await shelf.recorded())) == (1, 1)
    second = await shelf.moves(Move.VALIDATE, EVE)
    assert (second.after, second.missing, await shelf.told()) == ("validated", 0, ["validated"])
    assert [one.who for one in await shelf.recorded()] == [BEN.person_id, EVE.person_id]


async def test_where_one_validation_is_enough_again_the_first_can_complete_it(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    two, one = (replace(shelf.desk.settings, validations_needed=needed) for needed in (2, 1))
    shelf.desk = replace(shelf.desk, settings=two)
    await shelf.moves(Move.VALIDATE)
    shelf.desk = replace(shelf.desk, settings=one)
    assert (await shelf.moves(Move.VALIDATE)).after == "validated"


async def test_what_was_submitted_by_hand_is_taken_up_by_the_first_decision(shelf: Shelf) -> None:
    await shelf.holds(lesson(maturity=Maturity.SUBMITTED))
    await shelf.moves(Move.RETURN, words="Where?")
    assert [(one.move, one.before, one.after) for one in await shelf.recorded()] == [
        (Move.TAKE_UP, "submitted", "in review"),
        (Move.RETURN, "in review", "returned"),
    ]
    assert [step.made is None for step in await shelf.history()] == [True, False, False]


async def test_what_is_changed_by_hand_is_accepted_and_shown_as_such(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    await shelf.edits(KMMaturity="validated")
    await shelf.moves(Move.PUBLISH)
    await shelf.edits(KMMaturity="retired")
    steps = await shelf.history()
    assert [(one.before, one.after, one.made is None) for one in steps] == [
        ("draft", "validated", True),
        ("validated", "published", False),
        ("published", "retired", True),
    ]


async def test_only_contributors_and_those_who_decide_read_the_history(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    await shelf.moves(Move.RETURN, words="Where?")
    for reader, reads in ((ANN, True), (BEN, True), (EVE, True), (SUE, False)):
        assert bool(await shelf.history(reader)) is reads


@pytest.mark.parametrize("crash", [(moves, "finish"), (outbox, "put")])
@pytest.mark.parametrize(
    ("start", "move", "how"),
    [
        (IN_REVIEW, Move.VALIDATE, {}),
        (IN_REVIEW, Move.RETURN, {"words": "Where?"}),
        (VALIDATED, Move.PUBLISH, {}),
        (VALIDATED, Move.SUPERSEDE, {"successor": "KM-2"}),
        (VALIDATED, Move.RETIRE, {"words": "Old."}),
    ],
)
async def test_a_move_cut_off_before_it_was_recorded_is_made_up_for_by_the_same_command(
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    crash: tuple[Any, str],
    start: KnowledgeItem,
    move: Move,
    how: dict[str, str],
) -> None:
    await shelf.holds(start)
    await shelf.holds(replace(VALIDATED, id="KM-2"))

    def end(*_: Any, **__: Any) -> None:
        raise GraphUnreachable("The process ended here.")

    with monkeypatch.context() as patched:
        patched.setattr(*crash, end)
        with pytest.raises(GraphUnreachable):
            await shelf.moves(move, **how)
    steps = [step.made for step in await shelf.history() if step.made]
    assert [(one.move, one.who) for one in steps] == [(move, BEN.person_id)]
    for _ in range(2):
        await shelf.moves(move, **how)
    (made,) = await shelf.recorded()
    assert (made.move, made.before, made.who) == (move, start.maturity, BEN.person_id)
    assert len(await shelf.told()) == 1


async def test_a_move_that_was_not_written_is_not_recorded_and_one_whose_answer_was_lost_is(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.holds(IN_REVIEW)
    write = lists.update_fields

    async def refused(*_: Any, **__: Any) -> None:
        raise GraphChangedMeanwhile("Somebody was faster.")

    async def lost(*words: Any, **how: Any) -> None:
        await write(*words, **how)
        raise GraphUnreachable("The answer was lost.")

    for answer, recorded in ((refused, 0), (lost, 1)):
        with monkeypatch.context() as patched:
            patched.setattr(lists, "update_fields", answer)
            with pytest.raises(GraphError):
                await shelf.moves(Move.VALIDATE)
        assert len(await shelf.recorded()) == recorded
    await shelf.moves(Move.VALIDATE)
    assert [(one.move, one.done) for one in await shelf.recorded()] == [(Move.VALIDATE, True)]
    assert await shelf.told() == ["validated"]


async def test_nobody_is_recorded_for_what_another_did(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    await shelf.moves(Move.RETURN, words="Where?")
    with pytest.raises(InputRefused, match="This item is returned"):
        await shelf.moves(Move.RETURN, EVE, words="Where?")
    assert [one.who for one in await shelf.recorded()] == [BEN.person_id]


async def test_a_trial_changes_nothing(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    tried = await shelf.moves(Move.VALIDATE, dry_run=True)
    assert (tried.before, tried.after) == ("in review", "validated")
    assert (await shelf.item(), await shelf.recorded(), await shelf.told()) == (
        replace(IN_REVIEW, submitted_at=NOW),
        [],
        [],
    )


async def test_a_successor_that_the_reviewer_may_not_read_does_not_exist(shelf: Shelf) -> None:
    await shelf.holds(VALIDATED)
    await shelf.holds(replace(VALIDATED, id="KM-2", audience=Audience.OFFICE))
    with pytest.raises(NotFound, match="no knowledge item KM-2"):
        await shelf.moves(Move.SUPERSEDE, EVE, successor="KM-2")


async def test_a_contributor_says_what_changed_and_the_maturity_stays(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    await shelf.moves(Move.AGREE, ANN, words="Ask by May.", owner=ANN, due=LATER.date())
    with pytest.raises(InputRefused, match="--link"):
        await shelf.moves(Move.CHANGE, ANN)
    await shelf.moves(Move.CHANGE, ANN, link="https://x.example/plan")
    item = await shelf.item()
    assert (item.maturity, item.effect, item.proof) == (
        Maturity.IN_REVIEW,
        Effect.CHANGED,
        "https://x.example/plan",
    )
    with pytest.raises(InputRefused, match="Nobody decides on their own"):
        await shelf.moves(Move.CONFIRM, ANN, link="https://x.example/plan")
    assert [one.move for one in await shelf.recorded()] == [Move.AGREE, Move.CHANGE]
    assert await shelf.told() == []


async def test_sending_again_takes_back_validations_and_consent_and_leaves_the_effect(shelf: Shelf) -> None:
    await shelf.holds(replace(IN_REVIEW, consent=Reach.PUBLIC, validated_by=(BEN.person_id,)))
    await shelf.moves(Move.CHANGE, ANN, link="https://x.example/plan")
    again = lesson(description="Fridges failed in June.")
    await capture.submit_item(shelf.app.graph, shelf.app.settings, again, terms={}, at=LATER)
    item = await shelf.item()
    assert (item.description, item.consent, item.validated_by) == (again.description, Reach.INTERNAL, ())
    assert (item.effect, item.proof) == (Effect.CHANGED, "https://x.example/plan")


async def test_an_effect_that_answers_raised_is_recorded_without_who_answered(shelf: Shelf) -> None:
    await shelf.holds(VALIDATED)
    item = await shelf.item()
    await life.note_effect(shelf.app.db, item, Effect.NOTED, at=LATER)
    await life.note_effect(shelf.app.db, item, Effect.CONFIRMED_ELSEWHERE, at=LATER)
    (made,) = await shelf.recorded()
    assert (made.before, made.after, made.who) == ("noted", "confirmed elsewhere", Actor.KM365)


async def test_focal_points_hear_nothing_of_what_they_may_not_read(shelf: Shelf) -> None:
    await shelf.holds(IN_REVIEW)
    await shelf.moves(Move.RETURN, EVE, words="Where?")
    later = LATER.replace(hour=16)
    narrow = {"KMAudience": Audience.NAMED.value, "KMMaturity": "in review"}
    await shelf.edits(**narrow, KMSubmittedAt=f"{later:%Y-%m-%dT%H:%M:%SZ}")
    kept = await review.get_item(shelf.app.graph, shelf.app.settings, "KM-1")
    await life.note_sent(shelf.desk, kept, who=ANN.person_id, at=later)
    assert [one.move for one in await shelf.recorded()] == [Move.RETURN, Move.SUBMIT, Move.TAKE_UP]
    told = await shelf.app.db.run(outbox.list_)
    assert [one for one in told if one.message.card == life_news.ANSWERED] == []


async def test_the_last_yes_cut_off_before_it_was_recorded_is_made_up_for_by_saying_it_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.holds(VALIDATED)
    await shelf.moves(Move.ASK, EVE, reach=Reach.PUBLIC)

    def end(*_: Any, **__: Any) -> None:
        raise GraphUnreachable("The process ended here.")

    with monkeypatch.context() as patched:
        patched.setattr(moves, "finish", end)
        with pytest.raises(GraphUnreachable):
            await shelf.moves(Move.ALLOW, ANN, reach=Reach.PUBLIC)
    assert (await shelf.item()).consent is Reach.PUBLIC
    await shelf.moves(Move.ALLOW, ANN, reach=Reach.PUBLIC)
    assert [(one.move, one.done) for one in await shelf.recorded()] == [(Move.ASK, True), (Move.ALLOW, True)]
    told = await shelf.app.db.run(outbox.list_)
    assert [one.message.person_id for one in told if one.message.card == life_news.CONSENT_ANSWERED] == [
        EVE.person_id
    ]


async def test_by_today_means_the_day_it_is_where_it_is_said(shelf: Shelf) -> None:
    await shelf.holds(replace(VALIDATED, office="CO-CAS"))
    there = replace(EVE, office="CO-CAS")
    evening = NOW.replace(hour=23) + timedelta(hours=4)  # 22:00 of the day before, in Bogota
    wanted = Wanted(move=Move.AGREE, reader=there, words="Ask them", owner=there, due=NOW.date())
    agreed = await life.make(shelf.desk, "KM-1", wanted, at=evening)
    assert agreed.kept.item.action_due == NOW.date()
