"""Sites, lists, columns and items, on the small Microsoft 365."""

import pytest

from km365.errors import GraphChangedMeanwhile, GraphError, GraphNotFound, InputRefused
from km365.graph import lists, sites
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.local import faults
from km365.local import sites as local_sites
from km365.local.server import M365
from tests.graph.conftest import Paced, Stub

HOST = "childrensagency.sharepoint.example"
COLUMNS = [
    {"name": "KMId", "displayName": "Record id", "indexed": True, "text": {}},
    {"name": "KMAdvice", "displayName": "Advice", "text": {"allowMultipleLines": True}},
    {"name": "KMKind", "displayName": "Kind", "choice": {"choices": ["good practice", "lesson learned"]}},
    {"name": "KMTopic", "displayName": "Topic", "term": {"allowMultipleValues": True}},
]


@pytest.fixture
def site_id(m365: M365) -> str:
    return local_sites.create(m365.state, "/sites/knowledge", "Knowledge")


@pytest.fixture
async def knowledge(graph: Graph, site_id: str) -> lists.SharePointList:
    return await lists.create_list(graph, site_id, title="Knowledge", description="x", columns=COLUMNS)


async def test_a_site_is_found_by_address_and_by_id(graph: Graph, site_id: str) -> None:
    site = await sites.get_site(graph, f"{HOST}:/sites/knowledge")
    assert (site.id, site.display_name) == (site_id, "Knowledge")
    assert await sites.get_site(graph, site.id) == site
    assert site in [one async for one in sites.list_sites(graph)]


async def test_a_site_that_is_not_there_is_not_found(graph: Graph) -> None:
    with pytest.raises(GraphNotFound, match="a site"):
        await sites.get_site(graph, f"{HOST}:/sites/nowhere")


@pytest.mark.parametrize("address", ["https://host/sites/x", "host:sites/x", ":/sites/x", ""])
async def test_an_address_that_graph_cannot_know_is_refused(graph: Graph, address: str) -> None:
    with pytest.raises(InputRefused):
        await sites.get_site(graph, address)


async def test_a_list_is_made_with_its_columns_and_found_by_title(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    found = await lists.get_list(graph, site_id, "Knowledge")
    assert (found.id, found.name, found.template) == (knowledge.id, "Knowledge", "genericList")
    columns = {one.name: one for one in await lists.list_columns(graph, site_id, found.id)}
    assert columns["KMId"].indexed and columns["KMId"].kind == "text"
    assert columns["KMAdvice"].kind == "note"
    assert columns["KMKind"].choices == ("good practice", "lesson learned")
    with pytest.raises(GraphError) as caught:
        await lists.create_list(graph, site_id, title="Knowledge")
    assert caught.value.status == 409


async def test_hidden_columns_are_listed_too(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    columns = await lists.list_columns(graph, site_id, knowledge.id)
    assert [one.display_name for one in columns if one.hidden and one.display_name.endswith("_0")] == [
        "Topic_0"
    ]


async def test_a_missing_list_names_those_that_are_there(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    with pytest.raises(GraphNotFound, match=r"'Lessons'.*'Knowledge'"):
        await lists.get_list(graph, site_id, "Lessons")


async def test_columns_and_content_types_are_added_later(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    made = await lists.create_column(graph, site_id, knowledge.id, {"name": "KMOffice", "text": {}})
    assert not made.indexed
    changed = await lists.update_column(graph, site_id, knowledge.id, made.id, {"indexed": True})
    assert changed.indexed
    kind = await lists.create_content_type(graph, site_id, name="Knowledge item")
    await lists.add_content_type(graph, site_id, knowledge.id, kind.id)
    names = {one.name for one in await lists.list_content_types(graph, site_id, knowledge.id)}
    assert "Knowledge item" in names
    assert kind in await lists.list_content_types(graph, site_id)


async def test_items_are_made_read_changed_and_deleted(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    made = await lists.create_item(graph, site_id, knowledge.id, {"Title": "2026-01-31", "KMId": "k1"})
    read = await lists.get_item(graph, site_id, knowledge.id, made.id)
    assert read.fields["Title"] == "2026-01-31", "a text that looks like a date stays one"
    assert read.etag == made.etag and read.created_at is not None and read.created_at.tzinfo is not None
    changed = await lists.update_fields(graph, site_id, knowledge.id, made.id, {"Title": "B"}, etag=read.etag)
    assert changed.fields["Title"] == "B" and changed.etag not in {"", read.etag}
    only = await lists.get_item(graph, site_id, knowledge.id, made.id, select=["KMId"])
    assert only.fields["KMId"] == "k1" and "Title" not in only.fields
    for _ in range(2):
        await lists.delete_item(graph, site_id, knowledge.id, made.id)
    with pytest.raises(GraphNotFound):
        await lists.get_item(graph, site_id, knowledge.id, made.id)


async def test_nobody_s_change_is_overwritten(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    made = await lists.create_item(graph, site_id, knowledge.id, {"Title": "A"})
    await lists.update_fields(graph, site_id, knowledge.id, made.id, {"Title": "theirs"})
    with pytest.raises(GraphChangedMeanwhile):
        await lists.update_fields(graph, site_id, knowledge.id, made.id, {"Title": "ours"}, etag=made.etag)
    assert (await lists.get_item(graph, site_id, knowledge.id, made.id)).fields["Title"] == "theirs"


async def test_items_are_listed_over_all_pages_empty_ones_included(
    m365: M365, graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    for number in range(5):
        await lists.create_item(graph, site_id, knowledge.id, {"Title": str(number), "KMId": f"k{number}"})
    faults.switch(m365.state, "empty_pages", on=True)
    listed = [one async for one in lists.list_items(graph, site_id, knowledge.id, top=2)]
    assert [one.fields["Title"] for one in listed] == ["0", "1", "2", "3", "4"]
    chosen = lists.list_items(
        graph, site_id, knowledge.id, filter="fields/KMId eq 'k3'", select=["KMId", "Title"]
    )
    assert [one.fields["KMId"] async for one in chosen] == ["k3"]


async def test_an_unindexed_filter_needs_to_be_asked_for(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    await lists.create_item(graph, site_id, knowledge.id, {"Title": "A", "KMKind": "good practice"})
    wanted = "fields/KMKind eq 'good practice'"
    with pytest.raises(GraphError, match=r"'KMKind' .*not indexed"):
        async for _ in lists.list_items(graph, site_id, knowledge.id, filter=wanted):
            pass
    found = lists.list_items(graph, site_id, knowledge.id, filter=wanted, unindexed=True)
    assert [one.fields["Title"] async for one in found] == ["A"]


async def test_a_delta_tells_what_changed_since(
    graph: Graph, site_id: str, knowledge: lists.SharePointList
) -> None:
    first = await lists.create_item(graph, site_id, knowledge.id, {"Title": "A"})
    pages = [page async for page in lists.delta(graph, site_id, knowledge.id)]
    assert [raw["id"] for page in pages for raw in page.values if "fields" in raw] == [first.id]
    second = await lists.create_item(graph, site_id, knowledge.id, {"Title": "B"})
    await lists.delete_item(graph, site_id, knowledge.id, first.id)
    link = pages[-1].delta_link
    assert link
    changed = [raw async for page in lists.delta(graph, site_id, knowledge.id, link) for raw in page.values]
    assert {raw["id"]: "deleted" in raw for raw in changed} == {first.id: True, second.id: False}
    latest = [page async for page in lists.delta(graph, site_id, knowledge.id, "latest")]
    assert [page.values for page in latest] == [[]] and latest[-1].delta_link


async def test_a_file_that_still_settles_is_written_again(client: Paced, stub: Stub) -> None:
    stub.then(409, {"error": {"code": "resourceModified"}})
    stub.then(body={"id": "1", "eTag": '"e1"', "fields": {}})
    stub.then(body={"Title": "x", "@odata.etag": '"e2"'})
    item = await lists.update_fields(client.graph, "s", "l", "1", {"Title": "x"}, etag='"e1"')
    assert item.etag == '"e2"' and [one.method for one in stub.seen] == ["PATCH", "GET", "PATCH"]
    stub.then(409, {"error": {"code": "resourceModified"}})
    stub.then(body={"id": "1", "eTag": '"e3"', "fields": {}})
    with pytest.raises(GraphChangedMeanwhile):
        await lists.update_fields(client.graph, "s", "l", "1", {"Title": "x"}, etag='"e2"')


def test_an_item_keeps_graph_s_annotations_out_of_its_fields() -> None:
    raw = {
        "id": "7",
        "eTag": '"e"',
        "createdBy": {"user": {"id": "ABC", "displayName": "Ada"}},
        "lastModifiedBy": {"application": {"id": "x"}},
        "createdDateTime": "2026-01-31T10:00:00.1234567Z",
        "fields": {"@odata.etag": '"f"', "Title": "x", "KMOffice@odata.type": "y"},
    }
    item = Item.from_json(raw)
    assert item.fields == {"Title": "x", "KMOffice@odata.type": "y"}
    assert (item.created_by, item.modified_by) == ("abc", None)
    assert item.created_at is not None and item.created_at.microsecond == 123456
