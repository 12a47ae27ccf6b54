"""A lesson reaches the *Knowledge* list once, with its tags; a reviewer decides, its authors hear once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import KnowledgeItem, Maturity
from km365.core.moves import Move
from km365.errors import GraphChangedMeanwhile, GraphError, GraphUnreachable, InputRefused, NotFound
from km365.graph import lists, people
from km365.graph.metadata import TermRef
from km365.local import users
from km365.services import capture, life, review, suggest
from km365.services.capture import Kept
from km365.services.life import LifeDesk, Wanted
from km365.store import outbox
from km365.store.database import Connection
from km365.store.outbox import Message
from km365.suggest.vocabulary import Vocabulary

from ..conftest import Provisioned, person_id
from .lessons import NOW, lesson

BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
EVE = Reader(person_id=person_id("eve"), office="CO-ARD")
SUE = Reader(person_id=person_id("sue"), office="CO-BEL")
ANN = Reader(person_id=person_id("ann"), office="CO-BEL")
LATER = NOW.replace(hour=15)
Terms = Mapping[str, tuple[TermRef, ...]]


async def submit(
    here: Provisioned,
    item: KnowledgeItem | None = None,
    terms: Terms | None = None,
    at: datetime = NOW,
) -> Kept:
    app = here.app
    return await capture.submit_item(app.graph, app.settings, item or lesson(), terms=terms or {}, at=at)


async def listed(here: Provisioned, reader: Reader | None = None) -> list[Kept]:
    return [kept async for kept in review.list_items(here.app.graph, here.app.settings, reader=reader)]


async def decide(
    here: Provisioned, decision: Move, *, reason: str = "", reviewer: Reader = BEN, item_id: str = "KM-1"
) -> Kept:
    app = here.app
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    wanted = Wanted(move=decision, reader=reviewer, words=reason)
    return (await life.make(desk, item_id, wanted, at=NOW)).kept


def told(here: Provisioned) -> list[Message]:
    def read(c: Connection) -> list[Message]:
        return [one.message for one in outbox.list_(c)]

    with here.app.db.begin() as c:
        return read(c)


async def fail_next(here: Provisioned, **settings: Any) -> None:
    async with httpx.AsyncClient(base_url=here.m365.base_url) as http:
        answer = await http.put("/_local/faults/next_requests", json=settings)
        assert answer.status_code == 200, answer.text


def topics(words: Vocabulary, *numbers: int) -> Terms:
    concepts = words.taxonomy.by_key["topic"].concepts
    return {
        "KMTopic": tuple(TermRef(id=str(concepts[n].term_id), label=concepts[n].label()) for n in numbers)
    }


# capture -------------------------------------------------------------------------------------------------


async def test_a_lesson_is_in_review_with_its_words_and_tags(
    provisioned: Provisioned, vocabulary: Vocabulary
) -> None:
    terms = topics(vocabulary, 0, 1)
    kept = await submit(provisioned, terms=terms)
    (found,) = await listed(provisioned)
    assert found.item == replace(lesson(), maturity=Maturity.IN_REVIEW, submitted_at=NOW)
    assert found.tags == {"Topic": tuple(term.label for term in terms["KMTopic"])}
    assert (found.etag, found.web_url) == (kept.etag, kept.web_url)


async def test_a_text_gets_the_terms_it_is_about(vocabulary: Vocabulary) -> None:
    found = suggest.terms_for_text(
        vocabulary, "Vaccines arrived late because the cold chain failed.", title="Immunization"
    )
    assert any("mmuni" in term.label for terms in found.values() for term in terms)


async def test_submitting_again_makes_no_second_item(
    provisioned: Provisioned, vocabulary: Vocabulary
) -> None:
    first = await submit(provisioned)
    again = await submit(provisioned, terms=topics(vocabulary, 0))
    assert again.list_item_id == first.list_item_id
    (found,) = await listed(provisioned)
    assert found.tags, "the second attempt brought the tags"


async def test_a_lost_reply_makes_no_second_item(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = lists.create_item

    async def create_and_lose(*words: Any) -> Any:
        await create(*words)
        raise GraphUnreachable("The answer was lost.")

    monkeypatch.setattr(lists, "create_item", create_and_lose)
    with pytest.raises(GraphUnreachable):
        await submit(provisioned)
    monkeypatch.undo()
    await submit(provisioned)
    assert len(await listed(provisioned)) == 1


async def test_tags_that_a_person_chose_are_not_replaced(
    provisioned: Provisioned, vocabulary: Vocabulary
) -> None:
    chosen = topics(vocabulary, 2)
    await submit(provisioned, terms=chosen)
    await submit(provisioned, terms=topics(vocabulary, 0))
    (found,) = await listed(provisioned)
    assert found.tags == {"Topic": (chosen["KMTopic"][0].label,)}


async def test_a_term_that_sharepoint_does_not_take_costs_the_tag_and_not_the_lesson(
    provisioned: Provisioned, caplog: pytest.LogCaptureFixture
) -> None:
    await submit(provisioned, terms={"KMNoColumn": (TermRef(id=person_id("x"), label="X"),)})
    (found,) = await listed(provisioned)
    assert found.tags == {}
    assert "goes without some of its suggested terms" in caplog.text
    assert lesson().description not in caplog.text


async def test_what_a_reviewer_decided_stays_when_the_lesson_is_sent_again(provisioned: Provisioned) -> None:
    await submit(provisioned)
    await decide(provisioned, Move.VALIDATE)
    again = await submit(provisioned)
    assert again.item.maturity is Maturity.VALIDATED
    assert (await listed(provisioned))[0].item.maturity is Maturity.VALIDATED


async def test_a_returned_lesson_comes_back_with_new_words(provisioned: Provisioned) -> None:
    await submit(provisioned)
    await decide(provisioned, Move.RETURN, reason="When was this?")
    await submit(provisioned)  # a late repetition of the first submission
    assert (await listed(provisioned))[0].item.maturity is Maturity.RETURNED

    await submit(provisioned, lesson(context="In June."), at=LATER)
    (found,) = await listed(provisioned)
    assert found.item.context == "In June."
    assert (found.item.maturity, found.item.reason) == (Maturity.IN_REVIEW, "")


async def test_words_submitted_later_take_the_place_of_those_still_in_review(
    provisioned: Provisioned,
) -> None:
    await submit(provisioned)
    await submit(provisioned, lesson(description="Fridges failed in June."), at=LATER)
    (found,) = await listed(provisioned)
    assert (found.item.description, found.item.submitted_at) == ("Fridges failed in June.", LATER)


async def test_what_was_corrected_in_the_list_stays_when_the_same_submission_is_repeated(
    provisioned: Provisioned,
) -> None:
    kept = await submit(provisioned, at=LATER.replace(microsecond=250_000))
    graph = provisioned.app.graph
    place = await capture.knowledge_list(graph, provisioned.app.settings)
    corrected = {"KMAdvice": "Ask two drivers.", "KMSubmittedAt": "2026-03-02T15:00:00Z"}
    await lists.update_fields(graph, place.site_id, place.list_id, kept.list_item_id, corrected)
    await submit(provisioned, at=LATER.replace(microsecond=250_000))
    assert (await listed(provisioned))[0].item.advice == "Ask two drivers."


async def test_words_submitted_later_do_not_undo_a_decision(provisioned: Provisioned) -> None:
    await submit(provisioned)
    await decide(provisioned, Move.VALIDATE)
    await submit(provisioned, lesson(description="Fridges failed in June."), at=LATER)
    (found,) = await listed(provisioned)
    assert (found.item.maturity, found.item.description) == (Maturity.VALIDATED, lesson().description)


async def test_a_lesson_longer_than_a_line_of_sharepoint_is_kept_whole(provisioned: Provisioned) -> None:
    long = "What we saw. " * 2300
    await submit(provisioned, lesson(description=long, title="T" * 300))
    (found,) = await listed(provisioned)
    assert found.item.description == long
    assert len(found.item.title) == 255


async def test_an_empty_lesson_is_refused_and_nothing_is_stored(provisioned: Provisioned) -> None:
    with pytest.raises(InputRefused, match="needs a title"):
        await submit(provisioned, lesson(description=" "))
    assert await listed(provisioned) == []


# reading -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "readers"),
    [
        (Audience.EVERYONE, {"ann", "ben", "eve"}),
        (Audience.OFFICE, {"ann", "ben"}),
        (Audience.SUCCESSOR, {"ann"}),
        (Audience.NAMED, {"ann"}),
    ],
)
async def test_only_its_audience_learns_of_a_lesson(
    provisioned: Provisioned, audience: Audience, readers: set[str]
) -> None:
    await submit(provisioned, lesson(audience=audience))
    app = provisioned.app
    for name, reader in {"ann": ANN, "ben": BEN, "eve": EVE}.items():
        assert len(await listed(provisioned, reader)) == (name in readers)
        if name in readers:
            await review.get_item(app.graph, app.settings, "KM-1", reader=reader)
        else:
            with pytest.raises(NotFound, match="no knowledge item KM-1"):
                await review.get_item(app.graph, app.settings, "KM-1", reader=reader)
            with pytest.raises(NotFound, match="no knowledge item KM-1"):
                await decide(provisioned, Move.VALIDATE, reviewer=reader)


async def test_an_id_with_a_quote_finds_nothing(provisioned: Provisioned) -> None:
    await submit(provisioned)
    with pytest.raises(NotFound):
        await review.get_item(provisioned.app.graph, provisioned.app.settings, "x' or 'a' eq 'a")


async def test_lessons_are_listed_by_maturity(provisioned: Provisioned) -> None:
    await submit(provisioned)
    await submit(provisioned, lesson(id="KM-2"))
    await decide(provisioned, Move.VALIDATE)
    app = provisioned.app
    validated = review.list_items(app.graph, app.settings, maturity=Maturity.VALIDATED)
    assert [kept.item.id async for kept in validated] == ["KM-1"]


# deciding ------------------------------------------------------------------------------------------------


async def test_a_decision_is_kept_and_its_authors_are_told_once(provisioned: Provisioned) -> None:
    await submit(provisioned)
    decided = await decide(provisioned, Move.RETURN, reason="When was this?")
    assert decided.item.maturity is Maturity.RETURNED
    (message,) = told(provisioned)
    assert message.person_id == person_id("ann")
    assert message.data["reason"] == "When was this?"

    await decide(provisioned, Move.RETURN, reason="When was this?")
    assert len(told(provisioned)) == 1


async def test_a_crash_before_the_telling_is_made_up_for(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    await submit(provisioned)

    def crash(*_: Any, **__: Any) -> None:
        raise GraphUnreachable("The process ended here.")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "put", crash)
        with pytest.raises(GraphUnreachable):
            await decide(provisioned, Move.VALIDATE)
    await decide(provisioned, Move.VALIDATE)
    assert len(told(provisioned)) == 1


async def test_an_item_returned_twice_is_told_twice(provisioned: Provisioned) -> None:
    await submit(provisioned)
    first = await decide(provisioned, Move.RETURN, reason="When?")
    app = provisioned.app
    await capture.submit_item(app.graph, app.settings, first.item, terms={}, at=NOW.replace(hour=15))
    await decide(provisioned, Move.RETURN, reason="Where?")
    assert sorted(message.data["reason"] for message in told(provisioned)) == ["When?", "Where?"]


@pytest.mark.parametrize("settled", [False, True])
async def test_a_colleague_who_is_no_focal_point_decides_nothing(
    provisioned: Provisioned, settled: bool
) -> None:
    await submit(provisioned)
    if settled:
        await decide(provisioned, Move.VALIDATE)
    before = len(told(provisioned))
    for reader in (SUE, EVE):
        with pytest.raises(InputRefused, match="focal point of CO-BEL or a knowledge reviewer"):
            await decide(provisioned, Move.VALIDATE, reviewer=reader)
    assert len(told(provisioned)) == before


async def test_a_focal_point_decides_for_their_own_office_alone(provisioned: Provisioned) -> None:
    await submit(provisioned)
    users.join_group(provisioned.m365.state, "Knowledge focal points", EVE.person_id)
    with pytest.raises(InputRefused, match="focal point of CO-BEL"):
        await decide(provisioned, Move.VALIDATE, reviewer=EVE)
    await decide(provisioned, Move.VALIDATE, reviewer=BEN)


async def test_a_reviewer_decides_for_every_office(provisioned: Provisioned) -> None:
    await submit(provisioned)
    users.join_group(provisioned.m365.state, "Knowledge reviewers", EVE.person_id)
    decided = await decide(provisioned, Move.VALIDATE, reviewer=EVE)
    assert decided.item.maturity is Maturity.VALIDATED


async def test_the_groups_are_those_that_are_set_by_name_or_id(provisioned: Provisioned) -> None:
    await submit(provisioned)
    users.join_group(provisioned.m365.state, "Editors", EVE.person_id)
    app = provisioned.app
    (editors,) = [group async for group in people.list_groups(app.graph, EVE.person_id)]
    for reviewers, focal_points, may in (
        ("", "", False),
        ("Knowledge reviewers", "Editors", False),
        ("editors", "", True),
        (editors.id.upper(), "", True),
    ):
        settings = replace(app.settings, reviewer_group=reviewers, focal_point_group=focal_points)
        here = replace(provisioned, app=replace(app, settings=settings))
        if may:
            await decide(here, Move.VALIDATE, reviewer=EVE)
        else:
            with pytest.raises(InputRefused):
                await decide(here, Move.VALIDATE, reviewer=EVE)


@pytest.mark.parametrize("closed", ["*/memberOf", "*/groups"])
async def test_the_focal_points_are_asked_of_their_group_and_where_that_is_refused_of_each_colleague(
    provisioned: Provisioned, closed: str
) -> None:
    app = provisioned.app
    users.join_group(provisioned.m365.state, "Knowledge reviewers", EVE.person_id)
    users.join_group(provisioned.m365.state, "Knowledge reviewers", BEN.person_id)
    await fail_next(provisioned, verb="GET", path=closed, status=403)
    found = [one.id async for one in review.focal_points(app.graph, app.settings, "CO-BEL")]
    assert found == [BEN.person_id]


async def test_nobody_reviews_their_own_contribution(provisioned: Provisioned) -> None:
    await submit(provisioned)
    with pytest.raises(InputRefused, match="own contribution"):
        await decide(provisioned, Move.VALIDATE, reviewer=ANN)
    assert told(provisioned) == []


@pytest.mark.parametrize("decision", [Move.RETURN, Move.RETIRE])
async def test_a_refusal_needs_a_reason(provisioned: Provisioned, decision: Move) -> None:
    await submit(provisioned)
    with pytest.raises(InputRefused, match="reason"):
        await decide(provisioned, decision, reason="  ")


async def test_a_decision_on_what_changed_meanwhile_is_not_written(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await submit(provisioned)
    app = provisioned.app
    place = await capture.knowledge_list(app.graph, app.settings)
    find = capture.find

    async def find_then_edit(*words: Any) -> Any:
        row = await find(*words)
        await lists.update_fields(app.graph, place.site_id, place.list_id, row.id, {"KMAdvice": "Else."})
        return row

    monkeypatch.setattr(life, "find", find_then_edit)
    with pytest.raises(GraphChangedMeanwhile):
        await decide(provisioned, Move.VALIDATE)
    (found,) = await listed(provisioned)
    assert (found.item.maturity, found.item.advice) == (Maturity.IN_REVIEW, "Else.")
    assert found.etag != kept.etag
    assert told(provisioned) == []


async def test_a_decision_that_graph_refuses_tells_nobody(provisioned: Provisioned) -> None:
    await submit(provisioned)
    await fail_next(provisioned, verb="PATCH", path="*/fields", status=403)
    with pytest.raises(GraphError):
        await decide(provisioned, Move.VALIDATE)
    assert told(provisioned) == []
