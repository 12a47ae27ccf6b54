"""Installing the bot and subscribing, on the small Microsoft 365; throttling as it does it."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from km365.errors import GraphNotFound
from km365.graph import apps, lists, subscriptions
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.governor import MemoryAccount
from km365.graph.pacing import Service
from km365.local import apps as local_apps
from km365.local import faults, users
from km365.local import sites as local_sites
from km365.local.server import M365
from tests.graph.conftest import Seen, Stub, Time

ADA = "aaaaaaaa-0000-4000-8000-000000000001"


async def test_the_bot_is_installed_once_for_a_person(graph: Graph, m365: M365) -> None:
    users.create(m365.state, id=ADA, upn="ada@childrensagency.example", display_name="Ada")
    local_apps.publish(m365.state, "km365-demonstration", "km365")
    chat = await apps.install_bot(graph, ADA, "km365-demonstration")
    assert chat
    assert await apps.install_bot(graph, ADA, "km365-demonstration") == chat
    with pytest.raises(GraphNotFound, match="Teams administrator"):
        await apps.install_bot(graph, ADA, "another-app")


async def test_a_subscription_is_made_renewed_listed_and_deleted(
    graph: Graph, m365: M365, stub: Stub
) -> None:
    site_id = local_sites.create(m365.state, "/sites/knowledge", "Knowledge")
    made = await lists.create_list(graph, site_id, title="Milestones")

    def shake_hands(seen: Seen) -> web.Response:
        token = parse_qs(urlsplit(seen.path).query)["validationToken"][0]
        return web.Response(text=token, content_type="text/plain")

    stub.always(shake_hands)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    subscription = await subscriptions.create(
        graph,
        resource=f"/sites/{site_id}/lists/{made.id}",
        notification_url=f"{stub.url}/notify",
        client_state="state",
        expires_at=until,
    )
    assert subscription.expires_at == until
    later = until + timedelta(days=1)
    assert (await subscriptions.renew(graph, subscription.id, expires_at=later)).expires_at == later
    assert [one.id for one in await subscriptions.list_(graph)] == [subscription.id]
    for _ in range(2):
        await subscriptions.delete(graph, subscription.id)
    with pytest.raises(GraphNotFound):
        await subscriptions.renew(graph, subscription.id, expires_at=later)


async def test_what_the_server_throttles_is_waited_for_inside_a_batch_too(
    graph: Graph, m365: M365, time: Time
) -> None:
    users.create(m365.state, id=ADA, upn="ada@childrensagency.example", display_name="Ada")
    faults.switch(m365.state, "next_requests", on=True, path="/users/*", status=429, retry_after_s=3, times=2)
    asked = [BatchRequest(id=str(n), method="GET", path=f"/users/{ADA}") for n in range(5)]
    answers = await graph.batch(asked)
    assert [one.json()["id"] for one in answers] == [ADA] * 5
    assert time.slept == [3]


async def test_the_server_s_headers_reach_our_account(graph: Graph, m365: M365) -> None:
    site_id = local_sites.create(m365.state, "/sites/knowledge", "Knowledge")
    with m365.state.tx():
        m365.state.remember("throttle", {"on": True, "units": 100, "window_s": 60})
    for _ in range(90):
        await graph.get(f"/sites/{site_id}")
    account = graph.governor.account
    assert isinstance(account, MemoryAccount)
    assert account.spending[Service.SHAREPOINT].learned == 100
    assert account.spending[Service.SHAREPOINT].slow_until > 0
