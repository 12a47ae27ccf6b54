"""The term store, on the small Microsoft 365."""

from typing import Any

import pytest

from km365.errors import GraphError
from km365.graph import terms
from km365.graph.client import Graph
from km365.graph.terms import KEY, Labels
from km365.local import sites as local_sites
from km365.local.server import M365
from tests.graph.conftest import Paced, Stub

WATER = {"en-US": Labels(default="Water", synonyms=("WASH", "Sanitation")), "fr-FR": Labels(default="Eau")}


@pytest.fixture
def site_id(m365: M365) -> str:
    return local_sites.create(m365.state, "/sites/knowledge", "Knowledge")


async def a_set(graph: Graph, site_id: str, key: str = "topic") -> tuple[terms.TermGroup, terms.TermStoreSet]:
    group = await terms.create_group(graph, site_id, "km365")
    made = await terms.create_set(graph, site_id, group.id, names={"en-US": "Topic"}, properties={KEY: key})
    return group, made


async def a_term(
    graph: Graph, site_id: str, set_id: str, parent_id: str | None, **words: Any
) -> terms.StoredTerm:
    [made] = await terms.create_terms(graph, site_id, set_id, [terms.NewTerm(parent_id=parent_id, **words)])
    assert isinstance(made, terms.StoredTerm)
    return made


async def test_a_tree_is_written_and_read_back_with_languages_synonyms_and_keys(
    graph: Graph, site_id: str
) -> None:
    _, made = await a_set(graph, site_id)
    top = await a_term(graph, site_id, made.id, None, labels=WATER, properties={KEY: "topic/1", "note": "x"})
    child = await a_term(graph, site_id, made.id, top.id, labels={"en-US": Labels(default="Wells")})
    [read] = await terms.read_sets(graph, site_id, group="km365")
    assert (read.id, read.key, read.names["en-US"]) == (made.id, "topic", "Topic")
    assert [one.id for one in read.terms] == [top.id, child.id]
    first, second = read.terms
    assert first.key == "topic/1" and first.properties["note"] == "x" and first.parent_id is None
    assert first.labels["fr-FR"].default == "Eau"
    assert first.labels["en-US"].default == "Water"
    assert set(first.labels["en-US"].synonyms) == {"WASH", "Sanitation"}
    assert second.parent_id == top.id and second.key is None


async def test_labels_are_replaced_whole(graph: Graph, site_id: str) -> None:
    _, made = await a_set(graph, site_id)
    top = await a_term(graph, site_id, made.id, None, labels=WATER)
    wanted = {"en-US": Labels(default="Water", synonyms=("Wells",))}
    update = terms.TermUpdate(term_id=top.id, labels=wanted, descriptions={"fr-FR": "À boire"})
    strange = terms.TermUpdate(term_id="nobody", labels=wanted)
    done = await terms.update_terms(graph, site_id, made.id, [update, strange])
    assert done[0] is None and isinstance(done[1], GraphError)
    [read] = await terms.read_sets(graph, site_id, group="km365")
    assert read.terms[0].labels == wanted
    assert read.terms[0].descriptions == {"fr-FR": "À boire"}


async def test_what_cannot_be_made_is_told_beside_what_was(graph: Graph, site_id: str) -> None:
    _, made = await a_set(graph, site_id)
    twins = [terms.NewTerm(parent_id=None, labels=WATER)] * 2
    first, second = await terms.create_terms(graph, site_id, made.id, twins)
    assert {type(first), type(second)} == {terms.StoredTerm, GraphError}


async def test_a_term_is_reused_and_pinned_in_other_sets(graph: Graph, site_id: str) -> None:
    group, home = await a_set(graph, site_id)
    top = await a_term(graph, site_id, home.id, None, labels=WATER)
    for pinned in (False, True):
        names, key = {"en-US": f"Office {pinned}"}, {KEY: f"office-{pinned}"}
        office = await terms.create_set(graph, site_id, group.id, names=names, properties=key)
        reuse = terms.Reuse(home_id=home.id, term_id=top.id, pinned=pinned)
        assert await terms.reuse_terms(graph, site_id, office.id, [reuse]) == [None]
        (again,) = await terms.reuse_terms(graph, site_id, office.id, [reuse])
        assert isinstance(again, GraphError) and again.status == 409
        assert [one.id for one in (await terms.read_set(graph, site_id, office)).terms] == [top.id]


async def test_a_set_is_named_anew(graph: Graph, site_id: str) -> None:
    _, made = await a_set(graph, site_id)
    names = {"en-US": "Topics", "fr-FR": "Thèmes"}
    await terms.update_set(graph, site_id, made.id, names=names, properties={KEY: "topic"})
    [read] = await terms.read_sets(graph, site_id, group="km365")
    assert (read.names, read.key) == (names, "topic")


async def test_wide_levels_are_read_over_pages_and_batches(graph: Graph, site_id: str) -> None:
    _, made = await a_set(graph, site_id)
    for number in range(45):
        top = await a_term(graph, site_id, made.id, None, labels={"en-US": Labels(default=f"T{number}")})
        if number % 9 == 0:
            await a_term(graph, site_id, made.id, top.id, labels={"en-US": Labels(default="C")})
    read = await terms.read_set(graph, site_id, made)
    assert len(read.terms) == 50
    assert len({one.id for one in read.terms}) == 50


async def test_other_groups_are_left_out_when_one_is_named(graph: Graph, site_id: str) -> None:
    await a_set(graph, site_id)
    assert [one.key for one in await terms.read_sets(graph, site_id, group="km365")] == ["topic"]
    assert await terms.read_sets(graph, site_id, group="nobody's") == []
    assert "km365" in {one.name for one in await terms.list_groups(graph, site_id)}


async def test_a_group_of_that_name_is_not_made_twice(graph: Graph, site_id: str) -> None:
    await a_set(graph, site_id)
    with pytest.raises(GraphError) as caught:
        await terms.create_group(graph, site_id, "km365")
    assert caught.value.status == 409


async def test_the_store_tells_its_languages(graph: Graph, site_id: str) -> None:
    found = await terms.languages(graph, site_id)
    assert found.default in found.tags


async def test_a_tree_that_bites_its_tail_is_read_once(client: Paced, stub: Stub) -> None:
    """Reused terms can bring their parent back; reading must end."""
    from tests.graph.conftest import Seen, answer

    def children(seen: Seen):
        same = {"value": [{"id": "T1", "labels": [{"name": "A", "languageTag": "en-US", "isDefault": True}]}]}
        asked = seen.json["requests"]
        return answer(body={"responses": [{"id": one["id"], "status": 200, "body": same} for one in asked]})

    stub.always(children)
    bare = terms.TermStoreSet(id="s", names={})
    read = await terms.read_set(client.graph, "site", bare)
    assert [one.id for one in read.terms] == ["t1"] and len(stub.seen) == 2
