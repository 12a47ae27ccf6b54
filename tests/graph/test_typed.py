"""msgraph-sdk on our client: the same gate, the same token, no second retrying, our errors."""

from datetime import UTC, datetime

import pytest

from km365.errors import Forbidden, GraphNotFound, GraphUnreachable, Throttled
from km365.graph import apps, subscriptions, typed
from km365.graph.client import USER_AGENT, Graph
from km365.graph.pacing import Limits, Service
from tests.graph.conftest import Paced, StaticCredential, Stub, Time, answer, refused

UNTIL = datetime(2026, 12, 1, tzinfo=UTC)
SUBSCRIPTION = {
    "id": "s1",
    "resource": "sites/a/lists/b",
    "changeType": "updated",
    "notificationUrl": "https://km.example/n",
    "expirationDateTime": "2026-12-01T00:00:00Z",
}


async def create(client: Paced) -> subscriptions.Subscription:
    return await subscriptions.create(
        client.graph,
        resource="sites/a/lists/b",
        notification_url="https://km.example/n",
        client_state="state",
        expires_at=UNTIL,
    )


async def test_a_typed_call_carries_our_token_and_user_agent(client: Paced, stub: Stub) -> None:
    stub.then(201, SUBSCRIPTION)
    made = await create(client)
    assert (made.id, made.resource, made.expires_at) == ("s1", "sites/a/lists/b", UNTIL)
    [seen] = stub.seen
    assert seen.path == "/v1.0/subscriptions", "the base address is ours, not graph.microsoft.com"
    assert seen.headers["Authorization"] == "Bearer a-token"
    assert seen.headers["User-Agent"] == USER_AGENT, "SharePoint reads the decoration: nothing is appended"
    assert seen.json["clientState"] == "state" and seen.json["changeType"] == "updated"


async def test_a_throttled_typed_call_waits_in_our_governor_and_nowhere_else(
    client: Paced, stub: Stub, time: Time
) -> None:
    stub.then(429, {"error": {"code": "activityLimitReached"}}, Retry_After="6")
    stub.then(body=SUBSCRIPTION)
    renewed = await subscriptions.renew(client.graph, "s1", expires_at=UNTIL)
    assert renewed.id == "s1" and time.slept == [6]
    assert client.account.spending[Service.OTHER].spent == 2


async def test_the_sdk_does_not_retry_what_our_governor_gave_up(
    client: Paced, stub: Stub, time: Time
) -> None:
    stub.always(lambda _: refused(429, "activityLimitReached", headers={"Retry-After": "120"}))
    with pytest.raises(Throttled) as caught:
        await create(client)
    assert len(stub.seen) == 1 and time.slept == [] and caught.value.retry_after_s == 120
    with pytest.raises(Throttled):
        await create(client)
    assert len(stub.seen) == 1, "the next one is not even sent"


async def test_typed_refusals_become_our_errors(client: Paced, stub: Stub) -> None:
    stub.then(403, {"error": {"code": "accessDenied", "message": "no", "innerError": {"request-id": "r1"}}})
    with pytest.raises(Forbidden, match="what is watched") as caught:
        await create(client)
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (403, "accessDenied", "r1")
    stub.always(lambda _: refused(404, "ResourceNotFound"))
    with pytest.raises(GraphNotFound):
        await subscriptions.renew(client.graph, "s1", expires_at=UNTIL)
    await subscriptions.delete(client.graph, "s1")


async def test_typed_pages_go_on_after_an_empty_one(client: Paced, stub: Stub) -> None:
    """The SDK's PageIterator stops at the first empty page."""
    stub.then(body={"value": [], "@odata.nextLink": f"{stub.url}/v1.0/subscriptions?$skiptoken=2"})
    stub.then(body={"value": [SUBSCRIPTION]})
    assert [one.id for one in await subscriptions.list_(client.graph)] == ["s1"]
    assert stub.asked[1] == "GET /v1.0/subscriptions?$skiptoken=2"


async def test_plain_calls_after_typed_ones_stay_plain(client: Paced, stub: Stub) -> None:
    stub.always(lambda _: answer(body=SUBSCRIPTION))
    await client.graph.get("/sites/root")
    await create(client)
    await client.graph.get("/sites/root")
    first, _, last = stub.seen
    assert first.headers == last.headers


async def test_me_is_written_as_me(client: Paced, stub: Stub) -> None:
    """The adapter's own rewrite of `/users/me-token-to-replace` is kept."""
    stub.then(body={"id": "x", "@odata.type": "#microsoft.graph.user"})
    sdk = await typed.prepare(client.graph)
    await sdk.me.get()
    assert stub.asked == ["GET /v1.0/me"]


async def test_the_sdk_s_own_batch_costs_what_is_in_it(client: Paced, stub: Stub) -> None:
    stub.then(body={"responses": []})
    inner = [{"id": str(n), "method": "PATCH", "url": f"/sites/a/lists/b/items/{n}/fields"} for n in range(3)]
    await client.graph.post("/$batch", {"requests": inner})
    assert client.spending.spent == 6


async def test_an_unreachable_graph_is_told_by_typed_calls_too(unused_tcp_port: int) -> None:
    graph = Graph(
        base_url=f"http://127.0.0.1:{unused_tcp_port}/v1.0",
        credential=StaticCredential(),
        limits=Limits.for_licences(1),
    )
    with pytest.raises(GraphUnreachable):
        await subscriptions.list_(graph)
    await graph.aclose()


# installing the bot, in plain JSON -----------------------------------------------------------------------


@pytest.mark.parametrize("before", [False, True])
async def test_a_bot_is_installed_once_and_its_chat_found(client: Paced, stub: Stub, before: bool) -> None:
    stub.then(body={"value": [{"id": "catalog-1", "externalId": "manifest"}]})
    stub.then(409 if before else 201, {"error": {"code": "Conflict"}} if before else None)
    stub.then(body={"value": []} | {"@odata.nextLink": f"{stub.url}/v1.0/more"})
    stub.then(body={"value": [{"id": "install=1", "teamsApp": {"id": "catalog-1"}}]})
    stub.then(body={"id": "19:chat", "chatType": "oneOnOne"})
    assert await apps.install_bot(client.graph, "p1", "manifest") == "19:chat"
    assert stub.seen[0].path.endswith("$filter=externalId%20eq%20'manifest'")
    assert stub.seen[1].json == {"teamsApp@odata.bind": f"{stub.url}/v1.0/appCatalogs/teamsApps/catalog-1"}
    assert stub.seen[4].path == "/v1.0/users/p1/teamwork/installedApps/install%3D1/chat"
    assert await apps.get_catalog_id(client.graph, "manifest") == "catalog-1"
    assert len(stub.seen) == 5, "the catalogue is asked once"


async def test_an_app_that_is_not_in_the_store_is_told(client: Paced, stub: Stub) -> None:
    stub.then(body={"value": []})
    with pytest.raises(GraphNotFound, match="Teams administrator"):
        await apps.install_bot(client.graph, "p1", "manifest")
