"""Who may open files, folders and libraries, as Graph tells it."""

import httpx
import pytest

from km365.local import faults, users

pytestmark = pytest.mark.graph_documented(
    "driveitem-list-permissions", "driveitem-invite", "permission-delete"
)


SUE = "0e0e0e0e-0000-4000-8000-000000000001"


@pytest.fixture
async def drive(graph, site):
    [one] = (await graph.get(f"/sites/{site}/drives")).json()["value"]
    return one["id"]


@pytest.fixture
def sue(m365):
    upn = "sue@childrensagency.example"
    return users.create(m365.state, id=SUE, upn=upn, display_name="Sue Paperboat")


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


def invitation(*people, **changes):
    body = {"requireSignIn": True, "sendInvitation": False, "roles": ["read"]}
    return body | {"recipients": [{"objectId": one} for one in people]} | changes


async def test_who_is_invited_to_a_file_reads_it_beside_those_it_had_until_that_is_taken_back(
    graph, m365, drive, sue
):
    file = await put(graph, drive, "a.txt")
    await own(m365, drive, "root", {"own": {"Owners": "owner"}})
    at = f"/drives/{drive}/items/{file['id']}"
    for _ in range(2):
        answer = await graph.post(f"{at}/invite", json=invitation(sue))
        assert answer.status_code == 200
        assert [one["roles"] for one in answer.json()["value"]] == [["read"]]
    invited = {"Knowledge Owners": (["owner"], False), "Sue Paperboat": (["read"], False)}
    assert await grants(graph, drive, file["id"]) == invited
    assert await grants(graph, drive, "root") == {"Knowledge Owners": (["owner"], False)}
    told = (await graph.get(f"{at}/permissions")).json()["value"]
    mine = next(one["id"] for one in told if "user" in one["grantedToV2"])
    assert (await graph.delete(f"{at}/permissions/{mine}")).status_code == 204
    assert await grants(graph, drive, file["id"]) == {"Knowledge Owners": (["owner"], False)}
    assert (await graph.delete(f"{at}/permissions/{mine}")).status_code == 404


async def test_what_is_inherited_is_not_taken_back_and_odd_invitations_are_refused(graph, m365, drive, sue):
    file = await put(graph, drive, "a.txt")
    at = f"/drives/{drive}/items/{file['id']}"
    inherited = (await graph.get(f"{at}/permissions")).json()["value"][0]["id"]
    assert (await graph.delete(f"{at}/permissions/{inherited}")).status_code == 400
    for odd, status in (
        (invitation(), 400),
        (invitation("nobody"), 400),
        (invitation(sue, roles=["owner"]), 400),
        (invitation(sue, sendInvitation=True), 501),
        (invitation(sue, retainInheritedPermissions=False), 501),
    ):
        assert (await graph.post(f"{at}/invite", json=odd)).status_code == status
    root = f"/drives/{drive}/items/root/invite"
    assert (await graph.post(root, json=invitation(sue))).status_code == 400
    faults.switch(m365.state, "permissions_hidden", on=True)
    assert (await graph.post(f"{at}/invite", json=invitation(sue))).status_code == 403
