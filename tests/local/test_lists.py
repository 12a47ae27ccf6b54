"""Lists, columns and content types, as Graph serves them."""

import pytest

pytestmark = pytest.mark.graph_documented("list")


@pytest.fixture
async def knowledge(graph, site):
    """The address of a list with a column of each kind we use."""
    body = {
        "displayName": "Knowledge",
        "description": "What we learned",
        "columns": [
            {
                "name": "KMKind",
                "displayName": "Kind",
                "choice": {"choices": ["lesson", "practice"]},
                "indexed": True,
            },
            {"name": "KMDate", "displayName": "Date", "dateTime": {"format": "dateOnly"}, "indexed": True},
            {"name": "KMNote", "displayName": "Note", "text": {"allowMultipleLines": True}},
            {"name": "KMTopic", "displayName": "Topic", "term": {"allowMultipleValues": True}},
        ],
        "list": {"template": "genericList"},
    }
    created = await graph.post(f"/sites/{site}/lists", json=body)
    assert created.status_code == 201, created.text
    return f"/sites/{site}/lists/{created.json()['id']}"


async def test_a_new_list_is_found_by_id_and_by_title(graph, site, knowledge):
    by_id = (await graph.get(knowledge)).json()
    by_title = (await graph.get(f"/sites/{site}/lists/Knowledge")).json()
    assert by_id == by_title
    assert by_id["list"]["template"] == "genericList"
    assert by_id["webUrl"].endswith("/sites/knowledge/Lists/Knowledge")


async def test_every_site_has_a_document_library(graph, site):
    lists = (await graph.get(f"/sites/{site}/lists")).json()["value"]
    assert [(n["displayName"], n["list"]["template"]) for n in lists] == [("Documents", "documentLibrary")]


async def test_a_list_cannot_be_given_a_name_nor_a_title_twice(graph, site, knowledge):
    named = await graph.post(f"/sites/{site}/lists", json={"name": "x", "displayName": "x"})
    assert (named.status_code, named.json()["error"]["code"]) == (400, "invalidRequest")
    twice = await graph.post(f"/sites/{site}/lists", json={"displayName": "knowledge"})
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "nameAlreadyExists")


async def test_a_list_is_all_made_or_not_at_all(graph, site):
    body = {"displayName": "Half", "columns": [{"name": "A", "text": {}}, {"name": "B"}]}
    assert (await graph.post(f"/sites/{site}/lists", json=body)).status_code == 400
    assert (await graph.get(f"/sites/{site}/lists/Half")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"displayName": "x", "list": {"template": "survey"}},
        {"displayName": "x", "columns": [{"name": "Price", "currency": {"locale": "en-us"}}]},
        {"displayName": "x", "sharepointIds": {}},
    ],
)
async def test_what_a_list_cannot_have_here_is_named(graph, site, body):
    refused = await graph.post(f"/sites/{site}/lists", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (501, "notImplemented")


async def test_hidden_columns_show_only_when_hidden_is_selected(graph, knowledge):
    usual = (await graph.get(f"{knowledge}/columns")).json()["value"]
    assert not any(c["hidden"] for c in usual)
    everything = (await graph.get(f"{knowledge}/columns?$select=id,name,displayName,hidden")).json()["value"]
    [twin] = [c for c in everything if c["hidden"]]
    assert twin["displayName"] == "Topic_0"
    assert len(twin["name"]) == 32


async def test_nothing_in_the_answer_tells_that_a_column_is_managed_metadata(graph, knowledge):
    topic = (await graph.get(f"{knowledge}/columns/KMTopic")).json()
    assert "term" not in topic


async def test_a_column_is_added_changed_and_deleted_with_its_twin(graph, knowledge):
    made = await graph.post(f"{knowledge}/columns", json={"displayName": "Partner type", "term": {}})
    assert made.status_code == 201
    assert made.json()["name"] == "Partner_x0020_type"
    address = f"{knowledge}/columns/{made.json()['id']}"
    changed = (await graph.patch(address, json={"displayName": "Partner", "indexed": True})).json()
    assert (changed["displayName"], changed["indexed"]) == ("Partner", True)
    again = await graph.post(f"{knowledge}/columns", json={"name": "Partner_x0020_type", "text": {}})
    assert again.status_code == 409
    assert (await graph.delete(address)).status_code == 204
    left = (await graph.get(f"{knowledge}/columns?$select=name,hidden,displayName")).json()["value"]
    assert not [c for c in left if c["displayName"].startswith("Partner")]


async def test_a_content_type_of_the_site_is_copied_into_a_list_with_its_columns(graph, site, knowledge):
    column = (await graph.post(f"/sites/{site}/columns", json={"name": "KMOffice", "text": {}})).json()
    body = {"name": "Knowledge item", "description": "A lesson", "base": {"id": "0x01"}, "group": "km365"}
    made = (await graph.post(f"/sites/{site}/contentTypes", json=body)).json()
    assert made["id"].startswith("0x0100")
    bound = {
        "sourceColumn@odata.bind": f"https://graph.microsoft.com/v1.0/sites/{site}/columns/{column['id']}"
    }
    assert (
        await graph.post(f"/sites/{site}/contentTypes/{made['id']}/columns", json=bound)
    ).status_code == 201
    copied = await graph.post(f"{knowledge}/contentTypes/addCopy", json={"contentType": made["id"]})
    assert copied.status_code == 201
    assert copied.json()["id"].startswith(made["id"])
    assert "Knowledge item" in [
        t["name"] for t in (await graph.get(f"{knowledge}/contentTypes")).json()["value"]
    ]
    assert "KMOffice" in [c["name"] for c in (await graph.get(f"{knowledge}/columns")).json()["value"]]


async def test_a_list_shows_its_columns_when_asked_and_is_renamed_and_deleted(graph, knowledge):
    shown = (await graph.get(f"{knowledge}?$select=displayName&$expand=columns")).json()
    assert "KMKind" in [c["name"] for c in shown["columns"]]
    renamed = await graph.patch(knowledge, json={"displayName": "Lessons"})
    assert renamed.json()["displayName"] == "Lessons"
    assert (await graph.delete(knowledge)).status_code == 204
    assert (await graph.get(knowledge)).status_code == 404


async def test_grants_are_kept_on_sites_lists_and_items(graph, site, knowledge):
    grant = {"roles": ["write"], "grantedToV2": {"application": {"id": "app-1", "displayName": "km365"}}}
    item = (await graph.post(f"{knowledge}/items", json={"fields": {"Title": "One"}})).json()
    for subject in (f"/sites/{site}", knowledge, f"{knowledge}/items/{item['id']}"):
        made = await graph.post(f"{subject}/permissions", json=grant)
        assert made.status_code == 201
        [kept] = (await graph.get(f"{subject}/permissions")).json()["value"]
        assert kept["roles"] == ["write"]
    assert (await graph.post(f"{knowledge}/permissions", json={"roles": ["king"]})).status_code == 400
