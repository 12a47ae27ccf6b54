"""Bodies of the wrong shape, for files, terms, people, apps and search: refused, never a failure."""

import httpx
import pytest

from km365.local import apps, lists, users

pytestmark = pytest.mark.local_only

ODD = [None, 1, -1, 1e30, True, "x", "../..", [], [1], [{}], {}, {"id": 1}, {"id": "x"}, {"id": None}]
LABEL = {"languageTag": "en-US", "name": "T", "isDefault": True}
NAMES = [{"languageTag": "en-US", "name": "S"}]
SUBSCRIPTION = {
    "changeType": "updated",
    "notificationUrl": "http://127.0.0.1:9/nobody",
    "resource": "users",
    "expirationDateTime": "2001-01-01T00:00:00Z",
}
SEARCH = {"entityTypes": ["listItem"], "region": "EMEA", "query": {"queryString": "a"}}


@pytest.fixture
async def places(m365, site):
    """Where bodies go, with a good one each."""
    library = lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
    user = users.create(m365.state, id=m365.state.new_id(), upn="a@childrensagency.example", display_name="A")
    apps.publish(m365.state, "manifest-id", "km365")
    drive, store = f"/drives/{library['drive_id']}", f"/sites/{site}/termStore"
    anybody = {"Authorization": "Bearer x"}
    async with httpx.AsyncClient(base_url=m365.graph_url, headers=anybody) as client:
        group = (await client.post(f"{store}/groups", json={"displayName": "g"})).json()["id"]
        made = await client.post(f"{store}/groups/{group}/sets", json={"localizedNames": NAMES})
        terms = f"{store}/sets/{made.json()['id']}"
        term = (
            f"{terms}/terms/{(await client.post(f'{terms}/children', json={'labels': [LABEL]})).json()['id']}"
        )
        file = (
            f"{drive}/items/{(await client.put(f'{drive}/root:/a.txt:/content', content=b'x')).json()['id']}"
        )
        yield client, [
            ("PATCH", store, {"defaultLanguageTag": "en-US", "languageTags": ["en-US"]}),
            ("POST", f"{store}/groups", {"displayName": "h", "description": ""}),
            ("PATCH", f"{store}/groups/{group}", {"displayName": "i", "description": ""}),
            ("POST", f"{store}/sets", {"parentGroup": {"id": group}, "localizedNames": NAMES}),
            ("PATCH", terms, {"localizedNames": NAMES, "description": "", "properties": []}),
            ("POST", f"{terms}/children", {"labels": [LABEL], "descriptions": [], "properties": []}),
            ("PATCH", term, {"labels": [LABEL], "descriptions": [], "properties": []}),
            ("POST", f"{term}/relations", {"relationship": "reuse", "set": {"id": "x"}, "fromTerm": None}),
            ("PATCH", f"/users/{user}", {"accountEnabled": True, "employeeLeaveDateTime": None, "mail": "x"}),
            ("POST", f"/users/{user}/teamwork/installedApps", {"teamsApp@odata.bind": "x"}),
            ("POST", "/subscriptions", {**SUBSCRIPTION, "clientState": "x"}),
            ("POST", "/search/query", {"requests": [SEARCH]}),
            ("POST", f"{drive}/root/children", {"name": "n", "folder": {}}),
            ("PATCH", file, {"name": "b.txt", "parentReference": {"id": "root"}}),
            ("POST", f"{file}/copy", {"name": "c.txt", "parentReference": {"id": "root"}}),
            ("POST", f"{drive}/root:/n.bin:/createUploadSession", {"item": {"name": "n"}}),
            ("POST", f"{file}/checkin", {"comment": ""}),
            ("PATCH", f"{file}/listItem/fields", {"Title": "x"}),
        ]  # fmt: skip


def odd_ones(good):
    """The body with one value after another replaced by something odd, inside its objects and lists too."""
    for name, value in good.items():
        for odd in ODD:
            yield {**good, name: odd}
        if isinstance(value, dict):
            yield from ({**good, name: inside} for inside in odd_ones(value))
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            yield from ({**good, name: [inside]} for inside in odd_ones(value[0]))


async def test_no_body_makes_the_server_fail(places):
    client, all_places = places
    for verb, address, good in all_places:
        for body in odd_ones(good):
            answer = await client.request(verb, address, json=body)
            assert answer.status_code < 500 or answer.status_code == 501, (verb, address, body)
