"""Who may open files, folders and libraries, as Graph tells it."""

import httpx
import pytest

from km365.local import faults

pytestmark = pytest.mark.graph_documented("driveitem-list-permissions")


@pytest.fixture
async def drive(graph, site):
    [one] = (await graph.get(f"/sites/{site}/drives")).json()["value"]
    return one["id"]


async def grants(graph, drive, item):
    told = (await graph.get(f"/drives/{drive}/items/{item}/permissions")).json()["value"]
    shown = {}
    for one in told:
        who = one["grantedToV2"].get("siteGroup") or one["grantedToV2"]["user"]
        shown[who["displayName"]] = (one["roles"], "inheritedFrom" in one)
    return shown


async def own(m365, drive, item, granted):
    async with httpx.AsyncClient(base_url=m365.base_url) as control:
        where = f"/_local/drives/{drive}/items/{item}/permissions"
        return await control.put(where, json=granted)


async def put(graph, drive, path):
    return (await graph.put(f"/drives/{drive}/root:/{path}:/content", content=b"x")).json()


async def test_everything_has_its_sites_permissions_until_something_has_its_own(graph, m365, drive):
    inside = await put(graph, drive, "Closed/a.txt")
    outside = await put(graph, drive, "b.txt")
    site = {
        "Knowledge Owners": (["owner"], True),
        "Knowledge Visitors": (["read"], True),
        "Knowledge Members": (["write"], True),
    }
    for item in ("root", inside["id"], outside["id"]):
        assert await grants(graph, drive, item) == site
    folder = inside["parentReference"]["id"]
    assert (await own(m365, drive, folder, {"own": {"Owners": "owner"}})).status_code == 200
    assert await grants(graph, drive, folder) == {"Knowledge Owners": (["owner"], False)}
    assert await grants(graph, drive, inside["id"]) == {"Knowledge Owners": (["owner"], True)}
    assert await grants(graph, drive, outside["id"]) == site
    await own(m365, drive, folder, {"own": None})
    assert await grants(graph, drive, inside["id"]) == site


async def test_permissions_of_ones_own_name_who_is_there(graph, m365, drive):
    file = await put(graph, drive, "a.txt")
    for odd in ({}, {"own": []}, {"own": {"Owners": "king"}}, {"own": 3}, [1]):
        assert (await own(m365, drive, file["id"], odd)).status_code == 400
    assert (await own(m365, drive, file["id"], {"own": {"nobody": "read"}})).status_code == 404
    assert (await own(m365, drive, "01nothing", {"own": None})).status_code == 404
    assert (await own(m365, "b!nothing", "root", {"own": None})).status_code == 404


async def test_an_app_that_does_not_own_the_site_is_told_nothing(graph, m365, drive):
    faults.switch(m365.state, "permissions_hidden", on=True)
    assert await grants(graph, drive, "root") == {}
