"""What quotes a source that somebody narrowed or deleted by hand, or keeps inside, goes no further."""

from dataclasses import replace

import pytest

from km365.core.audience import Audience
from km365.core.knowledge import KnowledgeItem, Link, Maturity, Reach, Relation
from km365.core.moves import Move
from km365.core.promotion import as_sources_allow
from km365.core.refusals import MoveRefused, Why
from km365.errors import InputRefused
from km365.graph import lists
from km365.services import capture, deciding, derived, life, review
from km365.services.life import Wanted
from km365.store import outbox

from ..conftest import Provisioned
from .lessons import NOW
from .published import Shelf as Volumes
from .test_promotion import ANN, EVE, MINE, THEIRS, Shelf

QUOTING = replace(
    MINE,
    id="KM-9",
    title="Ask drivers first",
    description="Fridges failed in the rains.",
    advice="Drivers know which road floods.",
    links=(Link(relation=Relation.DERIVED_FROM, to="KM-1"), Link(relation=Relation.DERIVED_FROM, to="KM-2")),
    sources="title 1: KM-1\ndescription 1: KM-1\nadvice 1: KM-2",
)
"""What was drafted of the two."""


@pytest.fixture
def shelf(provisioned: Provisioned) -> Shelf:
    return Shelf(provisioned)


async def by_hand(shelf: Shelf, km_id: str, **columns: str) -> None:
    """Somebody edits the list in SharePoint, or deletes the item."""
    graph = shelf.app.graph
    place = await capture.knowledge_list(graph, shelf.app.settings)
    row = await capture.find(graph, place, km_id)
    if columns:
        await lists.update_fields(graph, place.site_id, place.list_id, row.id, columns)
    else:
        await lists.delete_item(graph, place.site_id, place.list_id, row.id)


async def item(shelf: Shelf, km_id: str) -> KnowledgeItem:
    return (await review.get_item(shelf.app.graph, shelf.app.settings, km_id)).item


def test_what_all_readers_may_still_read_stays_as_it_is() -> None:
    both = {"KM-1": MINE, "KM-2": THEIRS}
    assert as_sources_allow(QUOTING, both) is QUOTING
    in_office = replace(QUOTING, audience=Audience.OFFICE)
    assert as_sources_allow(in_office, both) is in_office
    elsewhere = replace(THEIRS, audience=Audience.OFFICE)
    assert as_sources_allow(in_office, {**both, "KM-2": elsewhere}).advice == ""


@pytest.mark.parametrize("columns", [{"KMAudience": "O"}, {"KMAudience": "R"}, {}], ids=["O", "R", "deleted"])
async def test_a_source_narrowed_or_deleted_by_hand_stops_publishing_and_is_in_no_volume(
    shelf: Shelf, provisioned: Provisioned, columns: dict[str, str]
) -> None:
    await shelf.holds(MINE, THEIRS, replace(QUOTING, maturity=Maturity.VALIDATED))
    await by_hand(shelf, "KM-2", **columns)
    with pytest.raises(MoveRefused, match="quotes an item that is gone") as refused:
        await shelf.moves(Move.PUBLISH, "KM-9", EVE)
    assert refused.value.why is Why.SOURCES
    await by_hand(shelf, "KM-9", KMMaturity=Maturity.PUBLISHED, KMPublishedTo=Reach.INTERNAL)
    await by_hand(shelf, "KM-1", KMMaturity=Maturity.VALIDATED)
    with pytest.raises(InputRefused, match="No item that is asked for"):
        await Volumes(provisioned).builds()


async def test_within_a_day_its_sentences_are_out_and_who_decides_is_told(shelf: Shelf) -> None:
    await shelf.holds(MINE, THEIRS, replace(QUOTING, maturity=Maturity.PUBLISHED))
    graph, settings = shelf.app.graph, shelf.app.settings
    assert await derived.look(graph, settings) == 0
    await by_hand(shelf, "KM-1", KMAudience="O")
    assert await derived.look(graph, settings, dry_run=True) == 1
    assert await derived.look(graph, settings) == 1
    now = await item(shelf, "KM-9")
    assert (now.maturity, now.description, now.advice) == (
        Maturity.IN_REVIEW,
        "",
        "Drivers know which road floods.",
    )
    assert "KM-1" in now.reason
    assert await derived.look(graph, settings) == 0
    await deciding.tell(shelf.desk, at=NOW)
    told = [one.message.person_id for one in await shelf.app.db.run(outbox.list_)]
    assert EVE.person_id in told


async def test_a_no_to_going_further_reaches_what_was_drafted_of_it(shelf: Shelf) -> None:
    further = replace(
        QUOTING, maturity=Maturity.PUBLISHED, consent=Reach.PARTNERS, published_to=Reach.PARTNERS
    )
    await shelf.holds(replace(MINE, consent=Reach.PARTNERS), THEIRS, further)
    place = await capture.knowledge_list(shelf.app.graph, shelf.app.settings)
    row = await capture.find(shelf.app.graph, place, "KM-9")
    kind = {"KMKind": "good practice"}
    await lists.update_fields(shelf.app.graph, place.site_id, place.list_id, row.id, kind)
    await life.make(shelf.desk, "KM-1", Wanted(move=Move.DISALLOW, reader=ANN, words="No"), at=NOW)
    now = await item(shelf, "KM-9")
    assert (now.consent, now.published_to, now.description) == (Reach.INTERNAL, None, "")
