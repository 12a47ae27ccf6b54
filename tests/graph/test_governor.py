"""The gate that every request passes: waiting, repeating, giving up, over HTTP."""

import asyncio

import httpx
import pytest

from km365.errors import GraphError, GraphUnreachable, Throttled
from km365.graph.governor import is_bulk
from km365.graph.pacing import Service, Spending
from tests.graph.conftest import Paced, Stub, Time, answer, refused

ITEM = "/sites/a/lists/b/items/1"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_refused_request_is_sent_again_after_retry_after(
    client: Paced, stub: Stub, time: Time, status: int
) -> None:
    stub.then(status, {"error": {"code": "activityLimitReached"}}, Retry_After="7")
    stub.then(body={"id": "1"})
    assert await client.graph.patch(f"{ITEM}/fields", {"Title": "x"}) == {"id": "1"}
    assert time.slept == [7]
    assert stub.seen[0].body == stub.seen[1].body == b'{"Title":"x"}'


async def test_uploads_that_are_refused_are_sent_again_too(client: Paced, stub: Stub, time: Time) -> None:
    """The SDK never retries application/octet-stream."""
    stub.then(429, None, Retry_After="3")
    stub.then(201, {"id": "1"})
    put = await client.graph.put(
        "/drives/d/root:/x:/content", b"abc", content_type="application/octet-stream"
    )
    assert put == {"id": "1"} and time.slept == [3]


async def test_one_task_s_refusal_rests_the_others(client: Paced, stub: Stub, time: Time) -> None:
    stub.then(429, None, Retry_After="9")
    stub.always(lambda _: answer(body={}))
    await client.graph.get(ITEM)
    assert client.spending.blocked_until == 1_800_000_009.0
    time.now -= 5
    await client.graph.get(ITEM)
    assert time.slept == [9, 5]


async def test_a_rest_of_one_service_leaves_the_others_alone(client: Paced, stub: Stub, time: Time) -> None:
    client.account.spending[Service.SHAREPOINT] = Spending(blocked_until=time.now + 15)
    stub.always(lambda _: answer(body={}))
    await client.graph.get("/users/u")
    assert time.slept == []
    await client.graph.get(ITEM)
    assert time.slept == [15]


async def test_interactive_calls_give_up_soon_and_bulk_work_late(
    client: Paced, stub: Stub, time: Time
) -> None:
    stub.always(lambda _: refused(503, "serviceNotAvailable", headers={"Retry-After": "12"}))
    with pytest.raises(Throttled):
        await client.graph.get(ITEM)
    assert time.slept == [12]
    with client.graph.bulk(), pytest.raises(Throttled):
        await client.graph.get(ITEM)
    assert len(stub.seen) == 2 + client.graph.governor.limits.attempts


async def test_a_call_that_would_wait_too_long_is_not_sent(client: Paced, stub: Stub, time: Time) -> None:
    client.account.spending[Service.SHAREPOINT] = Spending(blocked_until=time.now + 300)
    with pytest.raises(Throttled) as caught:
        await client.graph.get(ITEM)
    assert caught.value.retry_after_s == 300
    assert stub.seen == []


async def test_bulk_calls_wait_their_turn_and_interactive_calls_do_not(
    client: Paced, stub: Stub, time: Time
) -> None:
    stub.always(lambda _: answer(body={}))
    for _ in range(10):
        await client.graph.get(ITEM)
    assert time.slept == []
    with client.graph.bulk():
        assert is_bulk()
        for _ in range(3):
            await client.graph.get(ITEM)
    assert not is_bulk()
    assert len(time.slept) == 2 and client.spending.spent == 13, "only one behind the other"


async def test_bulk_marks_one_task_only(client: Paced) -> None:
    seen = []

    async def other() -> None:
        seen.append(is_bulk())

    task = asyncio.ensure_future(other())
    with client.graph.bulk():
        await task
    assert seen == [False]


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_read_is_repeated_when_a_gateway_fails(
    client: Paced, stub: Stub, time: Time, status: int
) -> None:
    stub.then(status)
    stub.then(body={"id": "1"})
    assert await client.graph.get(ITEM) == {"id": "1"}
    assert time.slept == [1.5]


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_write_that_may_have_happened_is_not_repeated(client: Paced, stub: Stub, status: int) -> None:
    stub.then(status)
    with pytest.raises(GraphError):
        await client.graph.post("/sites/a/lists/b/items", {"fields": {}})
    assert len(stub.seen) == 1


async def test_gateways_that_keep_failing_are_told(client: Paced, stub: Stub) -> None:
    stub.always(lambda _: answer(504))
    with pytest.raises(GraphUnreachable, match="took too long"):
        await client.graph.get(ITEM)
    assert len(stub.seen) == 4


async def test_announced_scarcity_reaches_the_account(client: Paced, stub: Stub) -> None:
    stub.then(200, {}, RateLimit_Limit="1250", RateLimit_Remaining="100", RateLimit_Reset="20")
    await client.graph.get(ITEM)
    assert client.spending.slow_until == 1_800_000_020.0
    assert client.spending.slow_pace == pytest.approx((100 - 50) / 20)


async def test_a_kept_connection_that_was_closed_fails_no_read_and_repeats_no_write(
    client: Paced, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = client.graph._transport.inner
    really = connections.handle_async_request
    broken = [1]

    async def once_broken(request: httpx.Request) -> httpx.Response:
        if broken:
            broken.pop()
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return await really(request)

    monkeypatch.setattr(connections, "handle_async_request", once_broken)
    stub.then(body={"id": "1"})
    assert await client.graph.get(ITEM) == {"id": "1"}
    broken.append(1)
    with pytest.raises(GraphUnreachable):
        await client.graph.patch(f"{ITEM}/fields", {})
    assert len(stub.seen) == 1
