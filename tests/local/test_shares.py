"""Documents by their address, as Graph's shares open them."""

import base64

import httpx
import pytest

from km365.local import lists

pytestmark = pytest.mark.graph_documented("shares-get")


def token(address: str) -> str:
    return "u!" + base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")


@pytest.fixture
async def bare(m365):
    """A client that is not held against the OpenAPI description, whose part in the tests has no shares."""
    async with httpx.AsyncClient(base_url=m365.graph_url, headers={"Authorization": "Bearer x"}) as client:
        yield client


@pytest.fixture
async def report(graph, m365, site):
    """A file two folders deep, as Graph shows it."""
    library = lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
    path = f"/drives/{library['drive_id']}/root:/2026/Cold chain/Report é.docx:/content"
    return (await graph.put(path, content=b"x")).json()


async def test_a_file_is_opened_by_each_way_its_address_is_written(bare, m365, report):
    there = report["webUrl"]
    path = there.removeprefix(m365.web_url)
    guid = report["eTag"].strip('"').split(",")[0].strip("{}")
    for address in (
        there,
        f"{there}?web=1",
        f"https://childrensagency.sharepoint.example{path}",
        f"https://childrensagency.sharepoint.example/:w:/r{path}?d=w1&csf=1&e=abc",
        f"https://childrensagency.sharepoint.example/sites/x/_layouts/15/Doc.aspx?sourcedoc=%7B{guid.upper()}%7D",
    ):
        answer = await bare.get(f"/shares/{token(address)}/driveItem?$select=id,name")
        assert (answer.status_code, answer.json()["id"]) == (200, report["id"]), address


async def test_its_list_item_comes_with_it(bare, report):
    query = "?$select=id,name&$expand=listItem($expand=fields($select=Title))"
    answer = await bare.get(f"/shares/{token(report['webUrl'])}/driveItem{query}")
    assert "fields" in answer.json()["listItem"]


async def test_what_leads_nowhere_or_elsewhere_is_refused_alike(bare, m365, report):
    for address in (f"{m365.web_url}/sites/knowledge/No/none.docx", "https://elsewhere.example/a.docx", "a"):
        answer = await bare.get(f"/shares/{token(address)}/driveItem")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "accessDenied")


async def test_no_token_at_all_is_malformed(bare):
    assert (await bare.get("/shares/u!%C3%A9/driveItem")).status_code == 400


@pytest.mark.graph_documented("driveitem-createlink")
async def test_a_link_made_with_share_opens_the_file_until_it_is_taken_back(bare, graph, report):
    item = f"/drives/{report['parentReference']['driveId']}/items/{report['id']}"
    wanted = {"type": "view", "scope": "organization"}
    made = await bare.post(f"{item}/createLink", json=wanted)
    again = await bare.post(f"{item}/createLink", json=wanted)
    assert (made.status_code, again.status_code) == (201, 200)
    assert again.json() == made.json()
    address = made.json()["link"]["webUrl"]
    opened = await bare.get(f"/shares/{token(f'{address}?e=4xY')}/driveItem")
    assert opened.json()["id"] == report["id"]
    assert (await bare.delete(f"{item}/permissions/{made.json()['id']}")).status_code == 204
    assert (await bare.get(f"/shares/{token(address)}/driveItem")).status_code == 403
