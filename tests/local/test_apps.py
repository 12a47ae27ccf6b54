"""Installing the bot for somebody, over Graph."""

import pytest

from km365.local import apps, teams, users

pytestmark = pytest.mark.graph_documented("userteamwork-post-installedapps")


@pytest.fixture
def person(m365):
    new = m365.state.stable_id("ana")
    return users.create(m365.state, id=new, upn="ana@childrensagency.example", display_name="Ana")


@pytest.fixture
def app(m365):
    return apps.publish(m365.state, "manifest-id", "km365")


async def install(graph, person, app):
    bound = f"https://graph.microsoft.com/v1.0/appCatalogs/teamsApps/{app}"
    return await graph.post(f"/users/{person}/teamwork/installedApps", json={"teamsApp@odata.bind": bound})


async def test_the_app_is_found_by_the_id_of_its_manifest(graph, app):
    query = {"$filter": "externalId eq 'manifest-id'"}
    (found,) = (await graph.get("/appCatalogs/teamsApps", params=query)).json()["value"]
    assert found["id"] == app
    other = {"$filter": "externalId eq 'another'"}
    assert (await graph.get("/appCatalogs/teamsApps", params=other)).json()["value"] == []


async def test_installing_opens_the_chat_and_tells_the_bot(graph, m365, person, app):
    assert (await install(graph, person, app)).status_code == 201
    address = f"/users/{person}/teamwork/installedApps"
    query = {"$expand": "teamsApp", "$filter": f"teamsApp/id eq '{app}'"}
    (installation,) = (await graph.get(address, params=query)).json()["value"]
    assert installation["teamsApp"]["externalId"] == "manifest-id"
    chat = (await graph.get(f"{address}/{installation['id']}/chat")).json()
    assert chat["id"] == teams.chat_id(person) and chat["chatType"] == "oneOnOne"
    told = [r["activity"] for r in m365.state.all("SELECT activity FROM chat_outgoing ORDER BY seq")]
    assert "installationUpdate" in told[0] and "conversationUpdate" in told[1]


async def test_installing_twice_is_a_conflict(graph, person, app):
    await install(graph, person, app)
    answer = await install(graph, person, app)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "Conflict")


async def test_an_app_can_be_taken_away(graph, m365, person, app):
    installation = (await install(graph, person, app)).json()
    address = f"/users/{person}/teamwork/installedApps"
    assert (await graph.delete(f"{address}/{installation['id']}")).status_code == 204
    assert (await graph.get(address)).json()["value"] == []
    assert not teams.is_installed(m365.state, person)


async def test_strangers_and_unknown_apps_are_not_found(graph, person, app):
    assert (await install(graph, "nobody", app)).status_code == 404
    assert (await install(graph, person, "11111111-1111-1111-1111-111111111111")).status_code == 404
    answer = await graph.post(f"/users/{person}/teamwork/installedApps", json={})
    assert answer.status_code == 400
