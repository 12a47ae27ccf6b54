"""Finding what is known, on the small Microsoft 365: the right things, and nothing that is for others."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Maturity
from km365.core.search_question import Filters
from km365.errors import GraphUnreachable, ResyncNeeded
from km365.graph import drives, lists, metadata, sites
from km365.graph.client import Graph, Page
from km365.graph.metadata import Target, TermRef
from km365.services import search, search_index
from km365.services.capture import knowledge_list
from km365.services.search import EVERYONE
from km365.store import search as store

from ..conftest import BELMORA
from .shelf import BEN, EVE, TODAY, Shelf, titles


async def test_a_lesson_is_found_with_the_sentence_that_says_so(shelf: Shelf) -> None:
    await shelf.keeps(
        "KM-1",
        title="Roads and fridges",
        description="The season was long. Fridges failed in the rains. Nobody had asked.",
    )
    await shelf.looks()
    found = await shelf.finds("fridge failures")
    (hit,) = found.hits
    assert (hit.title, hit.sentence) == ("Roads and fridges", "Fridges failed in the rains.")
    assert (hit.kind, hit.office, hit.language, found.total) == ("lesson learned", "CO-BEL", "en", 1)
    assert hit.web_url.endswith("/Lists/Knowledge/1_.000")


# Who may find what ----------------------------------------------------------------------------------------


async def test_what_is_for_one_office_is_found_by_nobody_else(shelf: Shelf) -> None:
    await shelf.keeps("KM-1", title="Fridges for all")
    await shelf.keeps("KM-2", title="Fridges for Belmora", audience=Audience.OFFICE)
    await shelf.looks()
    assert titles(await shelf.finds("fridges", BEN)) == ["Fridges for all", "Fridges for Belmora"]
    for reader in (EVE, EVERYONE, Reader(person_id="ben", office="")):
        found = await shelf.finds("fridges", reader)
        assert (titles(found), found.total, found.offices) == (["Fridges for all"], 1, ("CO-BEL",))


@pytest.mark.parametrize(
    "hidden",
    [
        {"audience": Audience.SUCCESSOR},
        {"audience": Audience.NAMED},
        {"maturity": Maturity.DRAFT},
        {"maturity": Maturity.IN_REVIEW},
        {"maturity": Maturity.RETURNED},
        {"maturity": Maturity.RETIRED},
        {"audience": Audience.OFFICE, "office": ""},
    ],
)
async def test_what_nobody_may_find_never_enters_the_index(shelf: Shelf, hidden: dict[str, Any]) -> None:
    await shelf.keeps("KM-1", **hidden)
    look = await shelf.looks()
    assert look.items == 0
    for reader in (BEN, EVE, EVERYONE):
        found = await shelf.finds("fridges", reader)
        assert (found.hits, found.total, found.readable) == ((), 0, False)


@pytest.mark.parametrize(
    "narrowed",
    [
        {"KMAudience": "O"},
        {"KMAudience": "S"},
        {"KMAudience": "R"},
        {"KMMaturity": "retired"},
        {"KMAudience": ""},
    ],
)
async def test_what_was_narrowed_since_is_shown_to_nobody_it_is_not_for(
    shelf: Shelf, narrowed: dict[str, str]
) -> None:
    row = await shelf.keeps("KM-1")
    await shelf.looks()
    await shelf.changes(row, **narrowed)
    found = await shelf.finds("fridges", EVE)
    assert (found.hits, found.total) == ((), 0), "asked of SharePoint as it is read"
    await shelf.looks()
    rows = await shelf.here.app.db.run(store.look_up, ["fridg"], ("", "co-ard"))
    assert rows == {}, "and gone from the index at the next look"


async def test_an_office_spelt_otherwise_finds_its_own_and_takes_it_from_nobody(shelf: Shelf) -> None:
    await shelf.keeps("KM-1", audience=Audience.OFFICE)
    await shelf.looks()
    for office in ("CO-BEL", "co-bel", "CO-BEL"):
        found = await shelf.finds("fridges", Reader(person_id="ben", office=office))
        assert titles(found) == ["Ask drivers first"], office


async def test_an_office_still_finds_what_was_narrowed_to_it(shelf: Shelf) -> None:
    row = await shelf.keeps("KM-1")
    await shelf.looks()
    await shelf.changes(row, KMAudience="O")
    await shelf.looks()
    assert titles(await shelf.finds("fridges", BEN)) == ["Ask drivers first"]
    assert titles(await shelf.finds("fridges", EVE)) == []


async def test_what_nobody_confirmed_in_time_is_shown_as_such(shelf: Shelf) -> None:
    await shelf.keeps("KM-1", review_by=TODAY - timedelta(days=40))
    await shelf.keeps("KM-2", review_by=TODAY + timedelta(days=40))
    await shelf.looks()
    found = {one.record: one.unconfirmed_since for one in (await shelf.finds("fridges")).hits}
    assert found == {"KM-1": TODAY - timedelta(days=40), "KM-2": None}


async def test_a_deleted_lesson_is_gone_at_once(shelf: Shelf) -> None:
    row = await shelf.keeps("KM-1")
    await shelf.looks()
    graph = shelf.here.app.graph
    place = await knowledge_list(graph, shelf.here.app.settings)
    await lists.delete_item(graph, place.site_id, place.list_id, row)
    assert (await shelf.finds("fridges")).hits == ()
    assert (await shelf.looks()).problems == ()


async def test_a_lesson_is_shown_in_its_present_words(shelf: Shelf) -> None:
    row = await shelf.keeps("KM-1")
    await shelf.looks()
    await shelf.changes(row, Title="Ask the drivers", KMDescription="Cold boxes failed. Fridges were warm.")
    (hit,) = (await shelf.finds("fridges")).hits
    assert (hit.title, hit.sentence) == ("Ask the drivers", "Fridges were warm.")


async def test_nothing_is_shown_while_sharepoint_cannot_say_who_may_read_it(shelf: Shelf) -> None:
    await shelf.keeps("KM-1")
    await shelf.looks()
    await shelf.here.m365.close()
    with pytest.raises(GraphUnreachable):
        await shelf.finds("fridges")


# Documents ------------------------------------------------------------------------------------------------


async def test_a_document_is_found_by_its_own_office_only(shelf: Shelf) -> None:
    await shelf.uploads(
        "Reports/Cold chain.txt", "The first line.\nForty fridges failed in the northern rains.\n"
    )
    assert (await shelf.looks()).documents == 1
    (hit,) = (await shelf.finds("fridges", BEN)).hits
    assert (hit.kind, hit.sentence) == ("document", "Forty fridges failed in the northern rains.")
    assert (await shelf.finds("fridges", EVE)).hits == (await shelf.finds("fridges")).hits == ()


async def test_a_library_that_is_set_open_is_found_by_all_until_it_is_not(shelf: Shelf) -> None:
    await shelf.uploads("Cold chain.txt", "Forty fridges failed.")
    shelf.settings = replace(shelf.here.app.settings, search_open_libraries=(BELMORA,))
    await shelf.looks()
    assert (await shelf.finds("fridges")).total == 1
    shelf.settings = shelf.here.app.settings
    assert (await shelf.finds("fridges")).hits == (), "the setting counts at once"
    await shelf.looks()
    assert (await shelf.finds("fridges", BEN)).total == 1


async def test_a_deleted_document_is_gone_at_once_and_from_the_index_at_the_next_look(shelf: Shelf) -> None:
    file = await shelf.uploads("Cold chain.txt", "Forty fridges failed.")
    other = await shelf.uploads("Old fridges.txt", "Two fridges failed.")
    await shelf.looks()
    for one in (file, other):
        await shelf.here.app.graph.delete(drives.file_item_path(one.drive_id, one.id))
        if one is file:
            assert titles(await shelf.finds("fridges", BEN)) == ["Old fridges"]
    assert (await shelf.looks()).removed == 2
    assert await shelf.here.app.db.run(store.look_up, ["fridg"], ("", "co-bel")) == {}


async def test_what_a_document_said_before_it_was_changed_is_not_quoted(shelf: Shelf) -> None:
    await shelf.uploads("Cold chain.txt", "Forty fridges failed.")
    await shelf.looks()
    await shelf.uploads("Cold chain.txt", "Nothing of the kind.")
    (hit,) = (await shelf.finds("fridges", BEN)).hits
    assert (hit.title, hit.sentence) == ("Cold chain", "")
    await shelf.looks()
    assert (await shelf.finds("fridges", BEN)).hits == ()


async def test_folders_that_are_left_out_are_never_read(shelf: Shelf) -> None:
    await shelf.uploads("confidential/2026/Fridges.txt", "Forty fridges failed.")
    file = await shelf.uploads("Open/Fridges.txt", "Nine fridges failed.")
    assert (await shelf.looks()).documents == 1
    assert (await shelf.finds("fridges", BEN)).total == 1
    shelf.settings = replace(shelf.here.app.settings, search_leave_out=("Open",))
    assert (await shelf.finds("fridges", BEN)).hits == ()
    assert file.name == "Fridges.txt"


async def test_a_document_is_found_by_its_tags_as_they_change(shelf: Shelf) -> None:
    file = await shelf.uploads("Note.txt", "Lorries came late.")
    await shelf.looks()
    assert (await shelf.finds("cold chain", BEN)).hits == ()
    graph = shelf.here.app.graph
    site = await sites.get_site(graph, BELMORA)
    drive = await drives.get_drive(graph, site.id, "Documents")
    notes = metadata.note_fields(await lists.list_columns(graph, site.id, drive.list_id))
    concept = shelf.concepts.taxonomy.by_id["topic/cold-chain"]
    term = TermRef(id=str(concept.term_id), label=concept.label())
    await metadata.write_terms(graph, Target.file(file.drive_id, file.id), {"KMTopic": [term]}, notes=notes)
    await shelf.looks()
    assert titles(await shelf.finds("chaîne du froid", BEN)) == ["Note"]


async def test_a_look_that_was_cut_off_is_gone_on_with(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "AT_ONCE", 2)
    for number in range(3):
        await shelf.uploads(f"{number}.txt", f"Fridge {number} failed.")
    first = await shelf.looks(most=2)
    assert (first.documents, first.left) == (2, 1)
    second = await shelf.looks()
    assert (second.documents, second.left) == (1, 0)
    assert (await shelf.finds("fridge", BEN)).total == 3


async def test_a_file_that_cannot_be_read_stops_nobody(shelf: Shelf) -> None:
    await shelf.uploads("Broken.docx", "no document at all")
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    look = await shelf.looks()
    assert (look.documents, look.not_read) == (1, 1)
    ((title, why),) = await shelf.here.app.db.run(store.unread, most=5)
    assert title == "Broken" and "Broken.docx" in why


async def test_an_index_that_is_lost_is_made_again(shelf: Shelf) -> None:
    await shelf.keeps("KM-1")
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    before = await shelf.finds("fridges", BEN)
    await search_index.begin_anew(shelf.here.app.db, shelf.here.app.settings)
    assert (await shelf.finds("fridges", BEN)).readable is False
    await shelf.looks()
    assert (await shelf.finds("fridges", BEN)).hits == before.hits


async def test_a_second_look_asks_only_what_changed(shelf: Shelf) -> None:
    await shelf.keeps("KM-1")
    await shelf.looks()
    asked: list[str] = []

    async def note(request: httpx.Request) -> None:
        asked.append(request.url.path)

    shelf.here.app.graph.http.event_hooks["request"].append(note)
    await shelf.looks()
    assert len(asked) == 2 and all("delta" in path for path in asked)


async def test_what_went_while_graph_forgot_our_place_is_not_found_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.keeps("KM-1", title="Stays")
    row = await shelf.keeps("KM-2", title="Goes")
    await shelf.looks()
    await shelf.changes(row, KMAudience="S")
    read, forgotten = lists.delta, []

    async def delta(graph: Graph, site_id: str, list_id: str, link: str | None) -> AsyncIterator[Page]:
        if link and not forgotten:
            forgotten.append(link)
            raise ResyncNeeded("410", url=None, keep_ours=False, status=410)
        async for page in read(graph, site_id, list_id, link):
            yield page

    monkeypatch.setattr(lists, "delta", delta)
    look = await shelf.looks()
    assert forgotten and look.items == 1
    assert titles(await shelf.finds("fridges", BEN)) == ["Stays"]


async def test_a_site_that_is_no_longer_named_is_forgotten(shelf: Shelf) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    shelf.settings = replace(shelf.here.app.settings, office_sites=())
    assert (await shelf.finds("fridges", BEN)).hits == (), "the setting counts at once"
    await shelf.looks()
    assert await shelf.here.app.db.run(store.look_up, ["fridg"], ("", "co-bel")) == {}


# The answer -----------------------------------------------------------------------------------------------


async def test_a_french_question_finds_an_english_lesson_by_what_it_means(shelf: Shelf) -> None:
    await shelf.keeps("KM-1", description="The cold chain broke at the border.")
    await shelf.keeps("KM-2", description="The teachers came late.", title="Teachers")
    await shelf.looks()
    found = await shelf.finds("la chaîne du froid")
    assert [hit.sentence for hit in found.hits] == ["The cold chain broke at the border."]


async def test_filters_hold_the_answer_to_an_office_a_kind_and_a_language(shelf: Shelf) -> None:
    await shelf.keeps("KM-1", title="English fridges")
    await shelf.keeps("KM-2", title="Réfrigérateurs (fridges)", language="fr", office="CO-ARD")
    await shelf.uploads("Fridges.txt", "Forty fridges failed in the rains of the north.")
    await shelf.looks()
    narrow = partial(shelf.finds, "fridges", BEN)
    assert titles(await narrow(filters=Filters(language="fr"))) == ["Réfrigérateurs (fridges)"]
    assert titles(await narrow(filters=Filters(kind="knowledge", office="co-bel"))) == ["English fridges"]
    assert titles(await narrow(filters=Filters(kind="document"))) == ["Fridges"]
    nothing = await narrow(filters=Filters(language="ru"))
    assert (nothing.hits, nothing.without_filters) == ((), 3)
    assert (await narrow()).kinds == ("document", "lesson learned")


async def test_the_next_five_are_others(shelf: Shelf) -> None:
    for number in range(7):
        await shelf.keeps(f"KM-{number}", title=f"Fridge {number}")
    await shelf.looks()
    first = await shelf.finds("fridge")
    assert (len(first.hits), first.total, first.more) == (5, 7, 5)
    second = await shelf.finds("fridge", start=5)
    assert (len(second.hits), second.more) == (2, None)
    assert not set(titles(first)) & set(titles(second))


async def test_who_finds_nothing_is_offered_words_that_find_something(shelf: Shelf) -> None:
    await shelf.keeps("KM-1", description="The refrigerators for vaccines broke at the border.")
    await shelf.looks()
    found = await shelf.finds("vacines", language="fr")
    assert found.hits == () and found.near
    for label in found.near:
        assert (await shelf.finds(label)).total == 1


async def test_the_offices_have_the_names_that_people_use(shelf: Shelf) -> None:
    await shelf.looks()
    assert await search.offices(shelf.here.app.db) == {"co-bel": ("co-bel", "CO-BEL Belmora", "belmora")}
