"""Resource units: charged per app, told in headers from 80 %, refused beyond, and free again later."""

import httpx
import pytest

from km365.local import sites

pytestmark = pytest.mark.graph_documented("how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online")


@pytest.fixture
async def budget(m365):
    """Sets the units of a minute."""

    async def switch(units):
        async with httpx.AsyncClient(base_url=m365.base_url) as control:
            answer = await control.put("/_local/throttle", json={"units": units})
            assert answer.status_code == 200

    return switch


async def test_without_the_switch_nothing_is_counted(graph):
    for _ in range(30):
        assert "RateLimit-Limit" not in (await graph.get("/sites/root")).headers


async def test_headers_from_80_percent_then_429_until_the_minute_is_over(graph, m365, site, budget):
    await budget(10)
    for _ in range(7):
        assert "RateLimit-Limit" not in (await graph.get("/sites/root")).headers
    eighth = await graph.get("/sites/root")
    assert (eighth.headers["RateLimit-Limit"], eighth.headers["RateLimit-Remaining"]) == ("10", "2")
    assert 0 < int(eighth.headers["RateLimit-Reset"]) <= 60
    assert (await graph.get(f"/sites/{site}/lists")).status_code == 200  # a list costs 2
    over = await graph.get("/sites/root")
    assert (over.status_code, over.json()["error"]["code"]) == (429, "activityLimitReached")
    assert 0 < int(over.headers["Retry-After"]) <= 60
    async with httpx.AsyncClient(base_url=m365.base_url) as control:
        await control.post("/_local/clock", json={"advance_s": 61})
    assert (await graph.get("/sites/root")).status_code == 200


async def test_each_app_has_its_own_budget(graph, m365, budget):
    await budget(1)
    async with httpx.AsyncClient(base_url=m365.base_url) as control:
        token = (await control.post("/_local/token", json={"app": "other"})).json()["access_token"]
    assert (await graph.get("/sites/root")).status_code == 200
    assert (await graph.get("/sites/root")).status_code == 429
    other = await graph.get("/sites/root", headers={"Authorization": f"Bearer {token}"})
    assert other.status_code == 200


async def test_a_batch_is_charged_for_each_request_and_refused_one_by_one(graph, m365, budget):
    sites.root(m365.state)
    await budget(2)
    requests = [{"id": str(n), "method": "GET", "url": "/sites/root"} for n in range(4)]
    answer = await graph.post("/$batch", json={"requests": requests})
    assert answer.status_code == 200
    inner = {r["id"]: r for r in answer.json()["responses"]}
    assert [inner[str(n)]["status"] for n in range(4)] == [200, 200, 429, 429]
    assert int(inner["3"]["headers"]["Retry-After"]) > 0


async def test_a_tier_is_chosen_by_name(m365):
    async with httpx.AsyncClient(base_url=m365.base_url) as control:
        assert (await control.put("/_local/throttle", json={"tier": "5-15k"})).json()["units"] == 3750
        assert (await control.put("/_local/throttle", json={"tier": "huge"})).status_code == 400
        assert (await control.get("/_local/throttle")).json()["units"] == 3750
