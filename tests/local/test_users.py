"""People, as Entra serves them over Graph."""

from datetime import timedelta

import httpx
import pytest

from km365.local import faults, users
from km365.local.state import stamp

pytestmark = pytest.mark.graph_documented("user")


@pytest.fixture
def staff(m365):
    """A chief with two reports, one of whom leaves in a fortnight; gives their ids by name."""
    ids = {name: m365.state.stable_id(name) for name in ("chief", "ana", "bo")}
    leaves = stamp(m365.state.now() + timedelta(days=14))
    for name, user_id in ids.items():
        users.create(
            m365.state,
            id=user_id,
            upn=f"{name}@childrensagency.example",
            display_name=name.title(),
            office="CO-BEL",
            language="fr" if name == "ana" else "en",
            manager=None if name == "chief" else ids["chief"],
            leaves_at=leaves if name == "ana" else None,
        )
    return ids


async def test_people_come_with_the_usual_properties_and_others_when_selected(graph, staff):
    everybody = (await graph.get("/users")).json()["value"]
    assert {u["displayName"] for u in everybody} == {"Chief", "Ana", "Bo"}
    assert "employeeLeaveDateTime" not in everybody[0] and "accountEnabled" not in everybody[0]
    one = (await graph.get(f"/users/{staff['ana']}?$select=id,employeeLeaveDateTime")).json()
    assert set(one) == {"id", "employeeLeaveDateTime"} and one["employeeLeaveDateTime"]
    assert (await graph.get("/users/ana@childrensagency.example")).json()["id"] == staff["ana"]


async def test_somebody_unknown_is_not_found(graph, staff):
    answer = await graph.get("/users/nobody@childrensagency.example")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("startswith(displayName,'A')", ["Ana"]),
        ("accountEnabled eq true and officeLocation eq 'CO-BEL'", ["Ana", "Bo", "Chief"]),
        ("employeeLeaveDateTime ge 2001-01-01T00:00:00Z", ["Ana"]),
        ("preferredLanguage in ('fr','ar')", ["Ana"]),
    ],
)
async def test_people_are_filtered(graph, staff, wanted, names):
    found = (await graph.get("/users", params={"$filter": wanted, "$select": "displayName"})).json()["value"]
    assert sorted(u["displayName"] for u in found) == names


async def test_advanced_queries_need_eventual_consistency(graph, staff):
    query = {"$filter": "preferredLanguage ne 'fr'", "$count": "true"}
    refused = await graph.get("/users", params=query)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "Request_UnsupportedQuery")
    eventual = {"ConsistencyLevel": "eventual"}
    assert (await graph.get("/users", params=query, headers=eventual)).json()["@odata.count"] == 2
    count = await graph.get("/users/$count", headers=eventual)
    assert (count.text, count.headers["Content-Type"]) == ("3", "text/plain")


async def test_people_come_page_by_page(graph, staff):
    seen, link = [], "/users?$top=2"
    while link:
        page = (await graph.get(link)).json()
        seen += [u["id"] for u in page["value"]]
        link = page.get("@odata.nextLink")
    assert sorted(seen) == sorted(staff.values())


async def test_manager_and_reports(graph, staff):
    manager = (await graph.get(f"/users/{staff['ana']}/manager")).json()
    assert (manager["@odata.type"], manager["id"]) == ("#microsoft.graph.user", staff["chief"])
    assert (await graph.get(f"/users/{staff['chief']}/manager")).status_code == 404
    reports = (await graph.get(f"/users/{staff['chief']}/directReports")).json()["value"]
    assert sorted(r["id"] for r in reports) == sorted([staff["ana"], staff["bo"]])
    expanded = (await graph.get(f"/users/{staff['ana']}?$expand=manager($select=id)&$select=id")).json()
    assert expanded["manager"]["id"] == staff["chief"]


async def test_a_leave_date_is_set_and_checked(graph, staff):
    address = f"/users/{staff['bo']}"
    assert (
        await graph.patch(address, json={"employeeLeaveDateTime": "2030-05-01T15:00:00+03:00"})
    ).status_code == 204
    shown = (await graph.get(f"{address}?$select=employeeLeaveDateTime")).json()
    assert shown["employeeLeaveDateTime"] == "2030-05-01T12:00:00Z"
    assert (await graph.patch(address, json={"employeeLeaveDateTime": "soon"})).status_code == 400
    assert (await graph.patch(address, json={"shoeSize": 43})).status_code == 501


async def test_without_the_permission_the_leave_date_is_simply_missing(graph, m365, staff):
    faults.switch(m365.state, "leave_dates_hidden", on=True)
    shown = (await graph.get(f"/users/{staff['ana']}?$select=id,employeeLeaveDateTime")).json()
    assert "employeeLeaveDateTime" not in shown


async def test_delta_tells_who_changed_and_who_was_removed(graph, m365, staff):
    first = (await graph.get("/users/delta?$select=displayName,jobTitle")).json()
    assert {u["id"] for u in first["value"]} == set(staff.values())
    await graph.patch(f"/users/{staff['ana']}", json={"jobTitle": "Chief of Learning"})
    users.delete(m365.state, staff["bo"])
    second = (await graph.get(first["@odata.deltaLink"])).json()
    changed, removed = second["value"]
    assert changed == {"id": staff["ana"], "displayName": "Ana", "jobTitle": "Chief of Learning"}
    assert removed == {"id": staff["bo"], "@removed": {"reason": "changed"}}
    m365.state.set_clock(m365.state.now() + timedelta(days=6))
    third = (await graph.get(second["@odata.deltaLink"])).json()
    assert third["value"] == []
    for _ in range(5):
        m365.state.set_clock(m365.state.now() + timedelta(days=6))
        third = (await graph.get(third["@odata.deltaLink"])).json()
        if third["value"]:
            break
    assert third["value"] == [{"id": staff["bo"], "@removed": {"reason": "deleted"}}]


async def test_a_delta_token_lives_for_seven_days(graph, m365, staff):
    link = (await graph.get("/users/delta")).json()["@odata.deltaLink"]
    m365.state.set_clock(m365.state.now() + timedelta(days=8))
    answer = await graph.get(link)
    assert answer.status_code == 410
    assert len((await graph.get(answer.headers["Location"])).json()["value"]) == 3


async def test_latest_starts_from_now(graph, staff):
    start = (await graph.get("/users/delta?$deltatoken=latest")).json()
    assert start["value"] == []
    await graph.patch(f"/users/{staff['ana']}", json={"jobTitle": "New"})
    assert [u["id"] for u in (await graph.get(start["@odata.deltaLink"])).json()["value"]] == [staff["ana"]]


async def test_the_deleted_are_listed_by_type_for_thirty_days(graph, m365, staff):
    users.delete(m365.state, staff["bo"])
    assert (await graph.get(f"/users/{staff['bo']}")).status_code == 404
    deleted = (await graph.get("/directory/deletedItems/graph.user?$select=id,deletedDateTime")).json()[
        "value"
    ]
    assert [u["id"] for u in deleted] == [staff["bo"]] and deleted[0]["deletedDateTime"]
    m365.state.set_clock(m365.state.now() + timedelta(days=31))
    assert (await graph.get("/directory/deletedItems/graph.user")).json()["value"] == []


async def test_groups_language_and_licences(graph, m365, staff):
    users.join_group(m365.state, "Knowledge focal points", staff["ana"])
    (group,) = (await graph.get(f"/users/{staff['ana']}/memberOf")).json()["value"]
    assert group["displayName"] == "Knowledge focal points"
    members = (await graph.get(f"/groups/{group['id']}/members")).json()["value"]
    assert [u["id"] for u in members] == [staff["ana"]]
    settings = (await graph.get(f"/users/{staff['ana']}/mailboxSettings")).json()
    assert settings["language"]["locale"] == "fr"
    (sku,) = (await graph.get("/subscribedSkus")).json()["value"]
    assert sku["consumedUnits"] == 3
    assert (await graph.get("/organization")).json()["value"][0]["verifiedDomains"]


async def test_me_is_whoever_holds_the_token(graph, m365, staff):
    assert (await graph.get("/me")).status_code == 400
    async with httpx.AsyncClient() as plain:
        body = {"app": "chat", "user": staff["ana"]}
        token = (await plain.post(f"{m365.base_url}/_local/token", json=body)).json()["access_token"]
    me = await graph.get("/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["id"] == staff["ana"]


async def test_somebody_is_out_of_office_until_told_otherwise(m365, graph, staff):
    url = f"{m365.base_url}/_local/users/ana@childrensagency.example/away"
    async with httpx.AsyncClient(trust_env=False) as control:
        assert (await control.put(url, json={"message": "Back on Monday"})).json() == {"on": True}
        away = (await graph.get(f"/users/{staff['ana']}/presence")).json()["outOfOfficeSettings"]
        assert away == {"isOutOfOffice": True, "message": "Back on Monday"}
        assert (await control.put(url, json={"on": False})).json() == {"on": False}
        assert (await control.put(url, content=b"[")).status_code == 400
        assert (await control.put(url.replace("ana@", "nobody@"), json={})).status_code == 404
    back = (await graph.get(f"/users/{staff['ana']}/presence")).json()["outOfOfficeSettings"]
    assert back == {"isOutOfOffice": False, "message": None}


@pytest.mark.parametrize("ids", [[], ["x"] * 651, "x", [1]])
async def test_presences_are_asked_of_1_to_650_people_at_a_time(graph, ids):
    answer = await graph.post("/communications/getPresencesByUserId", json={"ids": ids})
    assert answer.status_code == 400
