"""Change notifications: the handshake, and what is told to whom."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from km365.local import lists, users
from km365.local.state import stamp

pytestmark = pytest.mark.graph_documented("change-notifications-delivery-webhooks")


class Listener:
    """A small web server that subscribes: `told` gets what it is told."""

    def __init__(self):
        self.told = asyncio.Queue()
        self.answers_with = None

    async def take(self, request):
        if (token := request.query.get("validationToken")) is not None:
            return self.answers_with or web.Response(text=token)
        body = await request.json()
        await self.told.put(body["value"])
        return web.Response(status=202)


@pytest.fixture
async def listener():
    it = Listener()
    app = web.Application()
    app.router.add_post("/listen", it.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/listen"
    yield it
    await runner.cleanup()


@pytest.fixture
def library(m365, site):
    return lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")


def wish(m365, listener, resource, **more):
    ends = stamp(m365.state.now() + timedelta(days=2))
    body = {"changeType": "updated", "notificationUrl": listener.url, "expirationDateTime": ends}
    return {**body, "resource": resource, "clientState": "secret", **more}


async def test_a_change_of_a_list_is_told_without_saying_which(graph, m365, site, listener):
    row = lists.create(m365.state, site, "Milestones")
    resource = f"sites/{site}/lists/{row['id']}"
    made = await graph.post("/subscriptions", json=wish(m365, listener, resource))
    assert made.status_code == 201, made.text
    await graph.post(f"/{resource}/items", json={"fields": {"Title": "Mid-term review"}})
    (told,) = await asyncio.wait_for(listener.told.get(), 10)
    assert told["clientState"] == "secret" and told["subscriptionId"] == made.json()["id"]
    assert told["resource"] == resource and "resourceData" not in told


async def test_a_new_file_is_told_to_who_watches_the_drive(graph, m365, library, listener):
    drive = f"drives/{library['drive_id']}"
    assert (
        await graph.post("/subscriptions", json=wish(m365, listener, f"/{drive}/root"))
    ).status_code == 201
    await graph.put(f"/{drive}/root:/a.txt:/content", content=b"x")
    (told,) = await asyncio.wait_for(listener.told.get(), 10)
    assert told["changeType"] == "updated"


async def test_a_changed_person_is_named(graph, m365, listener):
    ana = m365.state.stable_id("ana")
    users.create(m365.state, id=ana, upn="ana@childrensagency.example", display_name="Ana")
    await graph.post("/subscriptions", json=wish(m365, listener, "users", changeType="updated,deleted"))
    await graph.patch(f"/users/{ana}", json={"jobTitle": "Chief"})
    (told,) = await asyncio.wait_for(listener.told.get(), 10)
    assert told["resourceData"]["id"] == ana


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(text="something else"),
        lambda: web.json_response("token"),
        lambda: web.Response(status=202, text="token"),
        lambda: web.Response(status=500),
    ],
    ids=["wrong token", "not plain text", "not 200", "failing"],
)
async def test_who_does_not_shake_hands_is_not_subscribed(graph, m365, listener, answer):
    listener.answers_with = answer()
    refused = await graph.post("/subscriptions", json=wish(m365, listener, "users"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ValidationError")
    assert (await graph.get("/subscriptions")).json()["value"] == []


async def test_what_is_wrong_with_a_subscription_is_said(graph, m365, listener):
    for wrong, status in [
        ({"notificationUrl": "https://elsewhere.example/listen"}, 400),
        ({"notificationUrl": "http://127.0.0.1:9/nobody"}, 400),
        ({"expirationDateTime": stamp(m365.state.now() + timedelta(days=30))}, 400),
        ({"expirationDateTime": stamp(m365.state.now() - timedelta(days=1))}, 400),
        ({"changeType": "created"}, 400),
        ({"clientState": "x" * 129}, 400),
        ({"resource": "/me/messages"}, 501),
        ({"includeResourceData": True}, 501),
    ]:
        answer = await graph.post("/subscriptions", json={**wish(m365, listener, "users"), **wrong})
        assert answer.status_code == status, wrong


async def test_a_short_subscription_is_made_longer_renewed_and_ended(graph, m365, listener):
    soon = stamp(m365.state.now() + timedelta(minutes=5))
    made = (
        await graph.post("/subscriptions", json=wish(m365, listener, "users", expirationDateTime=soon))
    ).json()
    assert made["expirationDateTime"] > soon
    later = stamp(m365.state.now() + timedelta(days=20))
    address = f"/subscriptions/{made['id']}"
    assert (await graph.patch(address, json={"expirationDateTime": later})).json()[
        "expirationDateTime"
    ] == later
    assert (await graph.post(f"{address}/reauthorize")).status_code == 204
    m365.state.set_clock(m365.state.now() + timedelta(days=21))
    assert (await graph.get(address)).status_code == 404
    assert (await graph.get("/subscriptions")).json()["value"] == []


async def test_a_deleted_subscription_is_silent(graph, m365, library, listener):
    drive = f"drives/{library['drive_id']}"
    made = (await graph.post("/subscriptions", json=wish(m365, listener, f"{drive}/root"))).json()
    assert (await graph.delete(f"/subscriptions/{made['id']}")).status_code == 204
    again = (await graph.post("/subscriptions", json=wish(m365, listener, f"{drive}/root"))).json()
    await graph.put(f"/{drive}/root:/a.txt:/content", content=b"x")
    (told,) = await asyncio.wait_for(listener.told.get(), 10)
    assert told["subscriptionId"] == again["id"] and listener.told.empty()
