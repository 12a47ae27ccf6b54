"""Our own $batch: order, throttling inside, failures beside successes."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.errors import Forbidden, GraphChangedMeanwhile, GraphError, InputRefused, Locked, Throttled
from km365.graph.batch import SIZE, BatchRequest, groups
from km365.graph.pacing import Service
from tests.graph.conftest import Paced, Seen, Stub, Time, answer

ITEM = "/sites/a/lists/b/items"


def get(id: str, *, after: tuple[str, ...] = ()) -> BatchRequest:
    return BatchRequest(id=id, method="GET", path=f"{ITEM}/{id}", depends_on=after)


def patch(id: str, *, after: tuple[str, ...] = ()) -> BatchRequest:
    return BatchRequest(
        id=id, method="PATCH", path=f"{ITEM}/{id}/fields", body={"Title": id}, depends_on=after
    )


def ok(id: str, /, **body: Any) -> dict[str, Any]:
    return {"id": id, "status": 200, "headers": {"Content-Type": "application/json"}, "body": body}


def no(id: str, status: int, code: str, /, **headers: str) -> dict[str, Any]:
    return {"id": id, "status": status, "headers": headers, "body": {"error": {"code": code}}}


def all_well(seen: Seen):
    return answer(
        body={"responses": [ok(one["id"], id=one["id"]) for one in reversed(seen.json["requests"])]}
    )


async def test_many_requests_go_twenty_at_a_time_and_answers_come_in_order(client: Paced, stub: Stub) -> None:
    stub.always(all_well)
    answers = await client.graph.batch([get(str(n)) for n in range(45)])
    assert [one.json()["id"] for one in answers] == [str(n) for n in range(45)]
    assert [len(one.json["requests"]) for one in stub.seen] == [20, 20, 5]
    assert client.account.spending[Service.SHAREPOINT].spent == 45


async def test_the_order_key_is_spelt_depends_on_in_camel_case(client: Paced, stub: Stub) -> None:
    """msgraph-core writes `depends_on`, which Graph ignores (CORE PR#996)."""
    stub.always(all_well)
    await client.graph.batch([patch("1"), patch("2", after=("1",))])
    first, second = stub.seen[0].json["requests"]
    assert second["dependsOn"] == ["1"] and "depends_on" not in second and "dependsOn" not in first


async def test_bodies_go_and_come_as_json_objects(client: Paced, stub: Stub) -> None:
    """msgraph-core loses the bodies of the answers (kiota-python#737)."""
    stub.then(body={"responses": [ok("1", Title="2026-01-31")]})
    [only] = await client.graph.batch([patch("1")])
    assert only.json() == {"Title": "2026-01-31"}
    [sent] = stub.seen[0].json["requests"]
    assert sent == {
        "id": "1",
        "method": "PATCH",
        "url": f"{ITEM}/1/fields",
        "headers": {"Content-Type": "application/json"},
        "body": {"Title": "1"},
    }


async def test_ids_stay_as_given_and_links_become_relative(client: Paced, stub: Stub) -> None:
    """msgraph-core ignores the id it is given."""
    stub.always(all_well)
    link = f"{stub.url}/v1.0{ITEM}?$skiptoken=a%20b"
    await client.graph.batch([BatchRequest(id="my id", method="GET", path=link, params={"$top": 5})])
    assert stub.seen[0].json["requests"] == [
        {"id": "my id", "method": "GET", "url": f"{ITEM}?$skiptoken=a%20b&$top=5"}
    ]


async def test_answers_that_are_not_json_come_as_bytes(client: Paced, stub: Stub) -> None:
    picture = {"id": "1", "status": 200, "body": base64.b64encode(b"\x89PNG").decode()}
    stub.then(body={"responses": [picture, {"id": "2", "status": 204}]})
    one, two = await client.graph.batch([get("1"), get("2")])
    assert one.content == b"\x89PNG" and two.body == {} and two.error is None


async def test_only_what_was_throttled_inside_is_sent_again_after_its_own_time(
    client: Paced, stub: Stub, time: Time
) -> None:
    stub.then(
        body={
            "responses": [
                ok("1"),
                no("2", 429, "activityLimitReached", **{"Retry-After": "3"}),
                no("3", 429, "activityLimitReached", **{"retry-after": "5"}),
            ]
        }
    )
    stub.then(body={"responses": [ok("3"), ok("2")]})
    answers = await client.graph.batch([patch("1"), patch("2"), patch("3")])
    assert [one.status for one in answers] == [200, 200, 200]
    assert [one["id"] for one in stub.seen[1].json["requests"]] == ["2", "3"]
    assert time.slept == [5]


async def test_what_depended_on_a_throttled_request_goes_again_with_it(client: Paced, stub: Stub) -> None:
    stub.then(
        body={
            "responses": [
                ok("1"),
                no("2", 429, "activityLimitReached", **{"Retry-After": "1"}),
                {"id": "3", "status": 424},
                {"id": "4", "status": 424},
            ]
        }
    )
    stub.then(body={"responses": [ok("2"), ok("3"), ok("4")]})
    chain = [patch("1"), patch("2", after=("1",)), patch("3", after=("2",)), patch("4", after=("3",))]
    answers = await client.graph.batch(chain)
    assert [one.status for one in answers] == [200] * 4
    again = stub.seen[1].json["requests"]
    assert [(one["id"], one.get("dependsOn")) for one in again] == [("2", None), ("3", ["2"]), ("4", ["3"])]


async def test_a_failed_prerequisite_is_told_and_not_repeated(client: Paced, stub: Stub) -> None:
    stub.then(body={"responses": [no("1", 403, "accessDenied"), {"id": "2", "status": 424}]})
    one, two = await client.graph.batch([patch("1"), patch("2", after=("1",))])
    assert isinstance(one.error, Forbidden) and two.error is not None and two.error.status == 424
    with pytest.raises(GraphError, match="depends on failed"):
        two.json()


async def test_inner_refusals_are_our_errors_beside_what_went_well(client: Paced, stub: Stub) -> None:
    locked = {"error": {"code": "notAllowed", "innerError": {"code": "resourceLocked"}}}
    stub.then(
        body={
            "responses": [
                ok("1"),
                no("2", 412, "notSupported"),
                {"id": "3", "status": 423, "body": locked},
            ]
        }
    )
    one, two, three, four = await client.graph.batch([patch(id) for id in "1234"])
    assert one.error is None
    assert isinstance(two.error, GraphChangedMeanwhile) and isinstance(three.error, Locked)
    assert four.error is not None and "no answer" in str(four.error)


async def test_a_batch_that_stays_throttled_keeps_what_was_done(client: Paced, stub: Stub) -> None:
    def take(seen: Seen):
        refusals = [
            no(one["id"], 429, "activityLimitReached", **{"Retry-After": "8"})
            for one in seen.json["requests"]
            if one["id"] != "1"
        ]
        return answer(body={"responses": [ok("1"), *refusals]})

    stub.always(take)
    one, two = await client.graph.batch([patch("1"), patch("2")])
    assert one.error is None and isinstance(two.error, Throttled) and two.error.retry_after_s == 8
    assert len(stub.seen) == 3


async def test_a_batch_refused_whole_is_sent_again_whole(client: Paced, stub: Stub, time: Time) -> None:
    stub.then(503, None, Retry_After="2")
    stub.then(body={"responses": [ok("1")]})
    assert (await client.graph.batch([get("1")]))[0].status == 200
    assert time.slept == [2]


@pytest.mark.parametrize(
    ("requests", "why"),
    [
        ([get("a"), get("A")], "unique"),
        ([get("")], "unique"),
        ([get("1", after=("2",)), get("2")], "not before it"),
        ([get("0"), *(get(str(n), after=(str(n - 1),)) for n in range(1, 21))], "21 batch requests"),
    ],
)
async def test_a_batch_graph_would_refuse_whole_is_refused_before_it_is_sent(
    client: Paced, stub: Stub, requests: list[BatchRequest], why: str
) -> None:
    with pytest.raises(InputRefused, match=why):
        await client.graph.batch(requests)
    assert stub.seen == []


async def test_no_requests_ask_nothing(client: Paced, stub: Stub) -> None:
    assert await client.graph.batch([]) == []
    assert stub.seen == []


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_groups_hold_every_request_once_and_dependencies_before_dependants(data: st.DataObject) -> None:
    requests: list[BatchRequest] = []
    for n in range(data.draw(st.integers(0, 60))):
        same_ten = st.integers(n - n % 10, n - 1)
        before = data.draw(st.sets(same_ten, max_size=2)) if n % 10 else set()
        requests.append(get(str(n), after=tuple(str(one) for one in before)))
    made = list(groups(requests))
    assert sorted(one.id for group in made for one in group) == sorted(one.id for one in requests)
    for group in made:
        assert len(group) <= SIZE
        seen: set[str] = set()
        for one in group:
            assert seen.issuperset(one.depends_on)
            seen.add(one.id)
