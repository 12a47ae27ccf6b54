"""Good practices out of lessons, over a small Microsoft 365: proposed, drafted, judged like any item."""

from dataclasses import replace
from datetime import timedelta

import pytest

from km365.core.audience import Audience, Reader
from km365.core.contributions import Wish, WishKind, WishState
from km365.core.knowledge import Kind, KnowledgeItem, Link, Maturity, Relation
from km365.core.moves import Move
from km365.core.preferences import Asked, Preferences
from km365.core.promotion import unsupported
from km365.core.schedule import ALWAYS
from km365.documents.questions import Banks
from km365.errors import InputRefused, NotFound
from km365.graph import lists
from km365.local import users
from km365.services import capture, life, promotion, review, wishes
from km365.services.life import LifeDesk, Wanted
from km365.services.promotion import Promoted
from km365.store import outbox, preferences
from km365.store import wishes as kept_wishes
from km365.store.database import Connection
from km365.store.outbox import Message

from ..conftest import Provisioned, person_id
from .lessons import NOW, all_sent, lesson

ANN = Reader(person_id=person_id("ann"), office="CO-BEL")
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
EVE = Reader(person_id=person_id("eve"), office="CO-ARD")
MINE = lesson(maturity=Maturity.PUBLISHED)
THEIRS = lesson(
    id="KM-2",
    office="CO-ARD",
    contributors=(person_id("sue"),),
    advice="Drivers know which road floods.",
    maturity=Maturity.VALIDATED,
    links=(Link(relation=Relation.CONFIRMS, to="KM-1"),),
)


class Shelf:
    """Lessons of two countries; Ben is a focal point of one, Eve a reviewer."""

    def __init__(self, here: Provisioned) -> None:
        self.app = here.app
        self.desk = LifeDesk(
            graph=here.app.graph, db=here.app.db, jobs=here.app.jobs, settings=here.app.settings
        )
        users.join_group(here.m365.state, "Knowledge reviewers", EVE.person_id)

    async def holds(self, *items: KnowledgeItem) -> None:
        place = await capture.knowledge_list(self.app.graph, self.app.settings)
        for item in items:
            fields = capture.to_fields(replace(item, submitted_at=NOW))
            await lists.create_item(self.app.graph, place.site_id, place.list_id, fields)

    async def proposed(self, reader: Reader = BEN) -> list[list[str]]:
        found = await promotion.proposals(self.desk, self.app.templates, reader)
        return [[item.id for item in one.agreement.items] for one in found]

    async def promotes(
        self, *ids: str, by: Reader = BEN, kind: Kind = Kind.GOOD_PRACTICE, dry_run: bool = False
    ) -> Promoted:
        return await promotion.promote(
            self.desk, self.app.templates, ids, by, kind=kind, at=NOW, dry_run=dry_run
        )

    async def moves(self, move: Move, item_id: str, by: Reader) -> None:
        await life.make(self.desk, item_id, Wanted(move=move, reader=by), at=NOW)


@pytest.fixture
def shelf(provisioned: Provisioned) -> Shelf:
    return Shelf(provisioned)


async def test_lessons_of_two_countries_are_proposed_drafted_once_and_judged_by_others(shelf: Shelf) -> None:
    await shelf.holds(MINE, THEIRS, lesson(id="KM-3", maturity=Maturity.PUBLISHED))
    assert await shelf.proposed() == [["KM-1", "KM-2"]]
    tried = await shelf.promotes("KM-1", "KM-2", dry_run=True)
    assert tried.kept is None and await shelf.proposed() == [["KM-1", "KM-2"]]
    made = await shelf.promotes("KM-1", "KM-2")
    again = await shelf.promotes("KM-2", "KM-1")
    assert (made.draft.id, made.was_there, again.was_there) == (again.draft.id, False, True)
    there = (await review.get_item(shelf.app.graph, shelf.app.settings, made.draft.id)).item
    assert (there.kind, there.maturity, there.title) == (Kind.GOOD_PRACTICE, Maturity.IN_REVIEW, MINE.title)
    assert unsupported(there, {"KM-1": MINE, "KM-2": THEIRS}) == []
    assert "advice 2: KM-2" in there.sources and "Drivers know which road floods." in there.advice
    assert await shelf.proposed() == []
    with pytest.raises(InputRefused, match="Nobody decides on their own"):
        await shelf.moves(Move.VALIDATE, there.id, BEN)
    await shelf.moves(Move.VALIDATE, there.id, EVE)
    await shelf.moves(Move.PUBLISH, there.id, EVE)
    history = await life.history_of(shelf.app.graph, shelf.app.db, shelf.app.settings, there, ANN)
    first = next(step.made for step in history if step.made)
    assert (first.after, first.who) == ("submitted", BEN.person_id)


async def test_nothing_is_proposed_or_drafted_of_what_the_reader_may_not_read(shelf: Shelf) -> None:
    await shelf.holds(MINE, replace(THEIRS, audience=Audience.OFFICE))
    assert await shelf.proposed() == []
    with pytest.raises(NotFound, match="no knowledge item KM-2"):
        await shelf.promotes("KM-1", "KM-2")
    made = await shelf.promotes("KM-1", "KM-2", by=EVE)
    assert (made.draft.audience, made.draft.office) == (Audience.OFFICE, "CO-ARD")


@pytest.mark.parametrize("kind", [WishKind.WITHDRAW, WishKind.NARROW])
async def test_what_an_author_takes_back_or_narrows_leaves_what_was_drafted_of_it(
    shelf: Shelf, kind: WishKind
) -> None:
    await shelf.holds(MINE, THEIRS)
    made = (await shelf.promotes("KM-1", "KM-2")).draft
    await shelf.moves(Move.VALIDATE, made.id, EVE)
    await shelf.moves(Move.PUBLISH, made.id, EVE)
    app = shelf.app
    asked = Wish(
        item_id="KM-1",
        kind=kind,
        person_id=ANN.person_id,
        interview_id="",
        office="CO-BEL",
        language="en",
        state=WishState.ASKED,
        asked_at=NOW,
        changed_at=NOW,
    )
    await app.db.run(kept_wishes.put, asked)
    desk = wishes.WishDesk(
        graph=app.graph,
        db=app.db,
        jobs=app.jobs,
        settings=app.settings,
        banks=Banks(app.templates),
        now=lambda: NOW,
    )
    await wishes.settle(desk, "KM-1", grant=True, reason="", reader=BEN)
    now = (await review.get_item(app.graph, app.settings, made.id)).item
    assert (now.maturity, now.published_to, now.validated_by) == (Maturity.IN_REVIEW, None, ())
    assert (now.title, now.description, now.advice) == (now.id, "", "Drivers know which road floods.")
    assert (now.sources, now.reason.partition(" is left out")[0]) == (
        "advice 1: KM-2",
        "What was taken from KM-1",
    )


async def test_what_speaks_against_it_is_shown_once_it_was_checked(shelf: Shelf) -> None:
    links = (Link(relation=Relation.CONTRADICTS, to="KM-1", words="where it floods"),)
    other = lesson(id="KM-8", maturity=Maturity.PUBLISHED, links=links)
    await shelf.holds(MINE, THEIRS, other, replace(other, id="KM-9", maturity=Maturity.IN_REVIEW))
    (found,) = await promotion.proposals(shelf.desk, shelf.app.templates, BEN)
    assert [(one.by, one.words) for one in found.against] == [("KM-8", "where it floods")]


async def test_focal_points_are_told_once_of_lessons_for_everyone_that_agree(shelf: Shelf) -> None:
    await shelf.holds(MINE, replace(THEIRS, audience=Audience.OFFICE))
    told = promotion.propose
    assert await told(shelf.desk, shelf.app.templates, ALWAYS, at=NOW) == 0
    await shelf.holds(replace(THEIRS, id="KM-4"))
    assert await told(shelf.desk, shelf.app.templates, ALWAYS, at=NOW, dry_run=True) == 2
    assert [await told(shelf.desk, shelf.app.templates, ALWAYS, at=NOW) for _ in range(2)] == [2, 0]
    messages = [row.message for row in await shelf.app.db.run(outbox.list_)]
    assert {one.person_id for one in messages} == {BEN.person_id, EVE.person_id}
    assert messages[0].data["items"] == "KM-1 KM-4"
    await shelf.holds(lesson(id="KM-5", maturity=Maturity.PUBLISHED, office="CO-CAS", links=THEIRS.links))
    assert await told(shelf.desk, shelf.app.templates, ALWAYS, at=NOW) == 0, "one more that agrees is no news"


async def test_a_proposal_keeps_to_what_a_person_wants_and_to_their_week(shelf: Shelf) -> None:
    await shelf.holds(MINE, THEIRS)
    db, tell = shelf.app.db, promotion.propose

    def one_waits(c: Connection) -> None:
        waits = Message(key="w", person_id=EVE.person_id, card="x", data={}, language="en", reason="action")
        outbox.put(c, waits, at=NOW)
        preferences.put(c, BEN.person_id, Preferences(asked=Asked.NONE), at=NOW)

    await db.run(one_waits)
    assert await tell(shelf.desk, shelf.app.templates, ALWAYS, at=NOW) == 0
    await db.run(all_sent, at=NOW)
    assert await tell(shelf.desk, shelf.app.templates, ALWAYS, at=NOW + timedelta(days=8)) == 1
    await db.run(lambda c: preferences.put(c, BEN.person_id, Preferences(), at=NOW))
    at = NOW + timedelta(days=9)
    assert await tell(shelf.desk, shelf.app.templates, ALWAYS, at=at) == 1


async def test_what_does_not_agree_or_is_not_theirs_to_promote_is_refused_with_the_reason(
    shelf: Shelf,
) -> None:
    await shelf.holds(MINE, THEIRS, lesson(id="KM-3", office="CO-CAS", maturity=Maturity.PUBLISHED))
    for ids, by, says in (
        (("KM-1",), BEN, "It takes 2 checked lessons"),
        (("KM-1", "KM-2", "KM-3"), BEN, "KM-3 does not confirm KM-1"),
        (("KM-1", "KM-2"), ANN, "focal point of one of their offices"),
    ):
        with pytest.raises(InputRefused, match=says):
            await shelf.promotes(*ids, by=by)


async def test_sources_in_another_language_are_linked_and_not_quoted(shelf: Shelf) -> None:
    await shelf.holds(MINE, replace(THEIRS, language="fr", advice="Demandez aux chauffeurs."))
    made = await shelf.promotes("KM-1", "KM-2")
    assert made.unquoted == ("KM-2",) and "chauffeurs" not in made.draft.advice
    assert [link.to for link in made.draft.links] == ["KM-1", "KM-2"]


async def test_an_innovation_becomes_a_lesson_that_names_it_and_can_take_its_place(shelf: Shelf) -> None:
    await shelf.holds(replace(MINE, kind=Kind.INNOVATION))
    with pytest.raises(InputRefused, match="180 days later"):
        await shelf.promotes("KM-1", kind=Kind.LESSON)
    place = await capture.knowledge_list(shelf.app.graph, shelf.app.settings)
    row = await capture.find(shelf.app.graph, place, "KM-1")
    await lists.update_fields(
        shelf.app.graph, place.site_id, place.list_id, row.id, {"KMSubmittedAt": "2025-01-02T09:00:00Z"}
    )
    made = await shelf.promotes("KM-1", kind=Kind.LESSON)
    await shelf.moves(Move.VALIDATE, made.draft.id, EVE)
    instead = Wanted(move=Move.SUPERSEDE, reader=EVE, successor=made.draft.id)
    after = await life.make(shelf.desk, "KM-1", instead, at=NOW)
    assert after.kept.item.superseded_by == made.draft.id
    assert made.draft.links == (Link(relation=Relation.DERIVED_FROM, to="KM-1"),)
