"""Sites, as Graph serves them."""

import pytest

from km365.local import sites

pytestmark = pytest.mark.graph_documented("site-get")


async def test_the_root_site_is_there_from_the_start(graph):
    answer = await graph.get("/sites/root")
    assert answer.status_code == 200
    assert answer.json()["id"].startswith("childrensagency.sharepoint.example,")
    assert answer.headers["request-id"]


async def test_a_site_is_found_by_id_address_and_path(graph, site):
    by_id = (await graph.get(f"/sites/{site}")).json()
    by_address = (await graph.get(f"/sites/{sites.HOST}:/sites/knowledge")).json()
    by_path = (await graph.get(f"/sites/{sites.HOST}/getByPath(path='/sites/knowledge')")).json()
    assert by_id == by_address == by_path
    assert by_id["displayName"] == "Knowledge"


async def test_a_site_that_is_not_there_is_not_found(graph):
    answer = await graph.get(f"/sites/{sites.HOST}:/sites/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "itemNotFound")


async def test_what_follows_an_address_is_found_but_not_with_selected_fields(graph, site):
    address = f"/sites/{sites.HOST}:/sites/knowledge:/lists/Documents"
    assert (await graph.get(address)).json()["displayName"] == "Documents"
    refused = await graph.get(f"{address}/items?$expand=fields($select=Title)")
    assert refused.status_code == 400


async def test_search_star_lists_all_sites_and_words_narrow_it(graph, m365, site):
    sites.create(m365.state, "/sites/CO-ARD", "Ardania country office")
    everything = (await graph.get("/sites?search=*")).json()["value"]
    assert {s["name"] for s in everything} == {"root", "knowledge", "CO-ARD"}
    some = (await graph.get("/sites", params={"search": "ardania"})).json()["value"]
    assert [s["name"] for s in some] == ["CO-ARD"]


async def test_only_selected_properties_come(graph, site):
    answer = (await graph.get(f"/sites/{site}?$select=displayName")).json()
    assert answer == {"displayName": "Knowledge"}
