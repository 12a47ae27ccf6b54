"""Lessons like a draft, and what items say of each other, on the small Microsoft 365."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Link, Maturity, Relation
from km365.core.moves import Move
from km365.core.search_meaning import Floats
from km365.errors import GraphNotFound, InputRefused, NotFound
from km365.services import life, near_links, provision, taxonomy, verdicts
from km365.services.capture import find, knowledge_list
from km365.services.life import LifeDesk, Wanted
from km365.services.near import Near, Shown
from km365.services.near_links import Linked
from km365.services.review import get_item
from km365.services.search import SearchTerms
from km365.services.verdicts import VerdictDesk
from km365.store import still_true

from ..conftest import person_id
from .lessons import lesson
from .shelf import Shelf

ANN = Reader(person_id=person_id("ann"), office="CO-BEL")
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
EVE = Reader(person_id=person_id("eve"), office="CO-ARD")
OTHERS = {"contributors": (person_id("eve"),), "office": "CO-ARD"}
DRAFT = lesson(id="KM-draft", title="Ask drivers first", description="The road closed.", advice="")


class Themes:
    """Knows of drivers and pumps in three languages, and of nothing else."""

    name, size, languages = "themes", 3, None
    words = (("driver", "chauffeur", "سائق"), ("pump", "pompe", "مضخة"))

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = [[float(any(word in text.lower() for word in some)) for some in self.words] for text in texts]
        found = np.array([[*row, 0.1] for row in rows], dtype=np.float32)
        return cast(Floats, found / np.linalg.norm(found, axis=1, keepdims=True))

    def let_go(self) -> None: ...


@dataclass
class Comparing:
    """The shelf, and somebody who compares drafts with what lies on it."""

    shelf: Shelf
    near: Near

    async def keeps(self, km_id: str, **changes: Any) -> None:
        await self.shelf.keeps(km_id, **{**OTHERS, "description": "", "advice": "", **changes})

    async def like(self, person: str = "ann", **changes: Any) -> list[Shown]:
        await self.shelf.looks()
        await self.near.keep_up()
        return await self.near.like(replace(DRAFT, **changes), person_id(person), language="en")

    @property
    def desk(self) -> VerdictDesk:
        app = self.shelf.here.app
        return VerdictDesk(
            graph=app.graph,
            db=app.db,
            jobs=app.jobs,
            settings=app.settings,
            now=lambda: self.shelf.now,
        )

    async def links(self, km_id: str, reader: Reader) -> list[Linked]:
        app = self.shelf.here.app
        kept = await get_item(app.graph, app.settings, km_id)
        return await near_links.links_of(app.graph, app.db, app.settings, kept.item, reader)


@pytest.fixture
def compare(shelf: Shelf) -> Comparing:
    app = shelf.here.app
    terms = SearchTerms(app.graph, app.settings, app.templates)
    return Comparing(shelf=shelf, near=Near(app.graph, app.db, app.settings, terms, Themes()))


def ids(found: Sequence[Shown]) -> list[str]:
    return [one.item_id for one in found]


async def test_what_says_the_same_in_another_language_is_shown_with_its_nearest_sentence(
    compare: Comparing,
) -> None:
    story = "La route était fermée. Les chauffeurs le savaient. Personne n'a demandé."
    await compare.keeps("KM-fr", title="Demander d'abord", description=story, language="fr")
    await compare.keeps("KM-pump", title="The pump broke")
    (found,) = await compare.like()
    assert (found.item_id, found.sentence) == ("KM-fr", "Les chauffeurs le savaient.")
    assert (found.office, found.checked, found.words) == ("CO-ARD", True, ())


async def test_of_one_language_words_in_common_are_told_and_at_most_three_are_shown(
    compare: Comparing,
) -> None:
    for number in range(4):
        await compare.keeps(f"KM-{number}", title="Drivers knew that the road closes")
    found = await compare.like()
    assert ids(found) == ["KM-0", "KM-1", "KM-2"]
    assert found[0].words == ("drivers", "road")


async def test_nobody_is_shown_what_they_may_not_read_nor_their_own(compare: Comparing) -> None:
    title = "Drivers knew"
    await compare.keeps("KM-all", title=title)
    await compare.keeps("KM-waits", title=title, maturity=Maturity.IN_REVIEW)
    await compare.keeps("KM-ard", title=title, audience=Audience.OFFICE)
    await compare.keeps("KM-few", title=title, audience=Audience.SUCCESSOR)
    await compare.keeps("KM-mine", title=title, contributors=(ANN.person_id,))
    await compare.keeps("KM-draft", title=title)
    assert ids(await compare.like("ann")) == ["KM-all"]
    assert ids(await compare.like("ben")) == ["KM-all", "KM-mine"]


async def test_what_ones_own_office_has_sent_is_shown_as_not_checked(compare: Comparing) -> None:
    waits = {"office": "CO-BEL", "contributors": (BEN.person_id,), "maturity": Maturity.IN_REVIEW}
    await compare.keeps("KM-waits", title="Drivers knew", **waits)
    (found,) = await compare.like("ann")
    assert (found.item_id, found.checked) == ("KM-waits", False)
    assert await compare.like("eve") == []


async def test_what_was_narrowed_since_it_was_read_is_not_shown(compare: Comparing) -> None:
    row = await compare.shelf.keeps("KM-1", title="Drivers knew", **OTHERS)
    assert ids(await compare.like()) == ["KM-1"]
    await compare.shelf.changes(row, KMAudience="O")
    assert await compare.near.like(DRAFT, ANN.person_id, language="en") == []


async def test_without_a_model_copies_are_found_by_their_words(compare: Comparing) -> None:
    app = compare.shelf.here.app
    compare.near = Near(
        app.graph, app.db, app.settings, SearchTerms(app.graph, app.settings, app.templates), None
    )
    await compare.keeps("KM-1", title="Ask the drivers first", description="The road was closed again.")
    await compare.keeps("KM-2", title="The pump broke", description="Nobody had parts.")
    (found,) = await compare.like()
    assert (found.item_id, found.sentence) == ("KM-1", "The road was closed again.")


# Links ----------------------------------------------------------------------------------------------------


async def test_a_confirmation_is_written_once_and_counts_for_the_office_that_makes_it(
    compare: Comparing,
) -> None:
    await compare.keeps("KM-1", title="Drivers knew")
    await compare.shelf.keeps("KM-2", title="Ask drivers", contributors=(ANN.person_id,))
    said = Link(relation=Relation.CONFIRMS, to="KM-1")
    for _ in range(2):
        kept = await near_links.link(compare.desk, "KM-2", said, reader=ANN)
        assert kept.item.links == (said,)
    assert await verdicts.bring_up(compare.desk, "KM-1")
    app = compare.shelf.here.app
    held, _ = await verdicts.held_of(app.graph, app.db, app.settings, replace(DRAFT, id="KM-1"), ANN)
    assert (held.offices, held.doubts) == (1, ())
    assert not await verdicts.bring_up(compare.desk, "KM-1")


async def test_what_an_item_confirms_counts_while_it_is_checked_and_no_longer(compare: Comparing) -> None:
    said = Link(relation=Relation.CONFIRMS, to="KM-1")
    await compare.keeps("KM-1", title="Drivers knew", office="CO-ARD")
    row = await compare.shelf.keeps(
        "KM-2", maturity=Maturity.IN_REVIEW, contributors=(ANN.person_id,), links=(said,)
    )
    app = compare.shelf.here.app
    seen = []
    for maturity in ("in review", "validated", "returned", "published", "retired"):
        await compare.shelf.changes(row, KMMaturity=maturity)
        await near_links.count(compare.desk, "KM-2")
        await near_links.count(compare.desk, "KM-2")
        await verdicts.bring_up(compare.desk, "KM-1", fewer=True)
        seen.append((await get_item(app.graph, app.settings, "KM-1")).item)
        place = await knowledge_list(app.graph, app.settings)
        fields = (await find(app.graph, place, "KM-1")).fields
        assert (fields.get("KMConfirmedBy") or 0) == (maturity in {"validated", "published"})
    assert {one.effect for one in seen} == {seen[0].effect}


async def test_a_move_of_what_confirms_has_it_counted_anew(compare: Comparing) -> None:
    await compare.keeps("KM-1", title="Drivers knew", office="CO-ARD")
    said = Link(relation=Relation.CONFIRMS, to="KM-1")
    await compare.shelf.keeps(
        "KM-2", maturity=Maturity.IN_REVIEW, contributors=(ANN.person_id,), links=(said,)
    )
    app = compare.shelf.here.app
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    await life.make(desk, "KM-2", Wanted(move=Move.VALIDATE, reader=BEN), at=compare.shelf.now)
    waits = [job.args for job in await app.db.run(app.jobs.list_) if job.name == life.CONFIRMATIONS]
    assert waits == [{"item": "KM-2"}]


async def test_a_link_of_a_focal_point_is_their_word_and_not_the_authors(compare: Comparing) -> None:
    await compare.keeps("KM-1", title="Drivers knew", office="CO-ARD")
    await compare.keeps("KM-ben", title="Drivers", contributors=(BEN.person_id,))
    await compare.shelf.keeps("KM-2", title="Ask drivers", contributors=(ANN.person_id,))
    await near_links.link(compare.desk, "KM-2", Link(relation=Relation.CONFIRMS, to="KM-1"), reader=BEN)
    db, at = compare.shelf.here.app.db, compare.shelf.now
    said = [
        await db.run(still_true.answered, one.person_id, milestone="KM-2", since=at) for one in (ANN, BEN)
    ]
    assert said == [frozenset(), {"KM-1"}]
    with pytest.raises(InputRefused, match="by the same person"):
        await near_links.link(compare.desk, "KM-2", Link(relation=Relation.CONFIRMS, to="KM-ben"), reader=BEN)


async def test_links_are_shown_from_both_ends_to_those_who_may_read_the_other(compare: Comparing) -> None:
    said = Link(relation=Relation.CONTRADICTS, to="KM-1", words="Here it floods.")
    await compare.keeps("KM-1", title="Drivers knew")
    for km_id, audience in (("KM-2", Audience.EVERYONE), ("KM-3", Audience.OFFICE)):
        await compare.shelf.keeps(km_id, title=km_id, audience=audience, links=(said,))
    await compare.shelf.keeps("KM-4", title="KM-4", maturity=Maturity.IN_REVIEW, links=(said,))
    await compare.shelf.looks()
    (out,) = await compare.links("KM-2", EVE)
    assert (out.relation, out.words, out.back, out.title) == (
        said.relation,
        said.words,
        False,
        "Drivers knew",
    )
    back = {reader.office: await compare.links("KM-1", reader) for reader in (BEN, EVE)}
    assert [one.item_id for one in back["CO-BEL"]] == ["KM-2", "KM-3", "KM-4"]
    assert [(one.item_id, one.back) for one in back["CO-ARD"]] == [("KM-2", True)]


async def test_a_link_that_cannot_be_made_is_refused_and_nothing_is_written(compare: Comparing) -> None:
    await compare.keeps("KM-1", title="Drivers knew")
    await compare.keeps("KM-hidden", title="Drivers", audience=Audience.OFFICE)
    for km_id in ("KM-2", "KM-mine"):
        await compare.shelf.keeps(km_id, title=km_id, contributors=(ANN.person_id,))
    for reader, to, relation, refusal in (
        (EVE, "KM-1", Relation.NUANCES, "Its contributors link KM-2"),
        (ANN, "KM-hidden", Relation.NUANCES, "no knowledge item KM-hidden"),
        (ANN, "KM-1", Relation.CONTRADICTS, "say what is different"),
        (BEN, "KM-mine", Relation.CONFIRMS, "by the same person"),
    ):
        with pytest.raises((InputRefused, NotFound), match=refusal):
            await near_links.link(compare.desk, "KM-2", Link(relation=relation, to=to), reader=reader)
    assert await compare.links("KM-2", ANN) == []


async def test_a_list_that_was_made_anew_is_found_again(compare: Comparing) -> None:
    app = compare.shelf.here.app
    assert await compare.like() == []
    place = await knowledge_list(app.graph, app.settings)
    await app.graph.delete(f"/sites/{place.site_id}/lists/{place.list_id}")
    with pytest.raises(GraphNotFound):
        await compare.near.like(DRAFT, person_id("ann"), language="en")
    await provision.apply(app.graph, app.settings, taxonomy.shipped(app.templates))
    await compare.keeps("KM-1", title="Drivers know", office="CO-BEL", maturity=Maturity.SUBMITTED)
    assert ids(await compare.like()) == ["KM-1"]
