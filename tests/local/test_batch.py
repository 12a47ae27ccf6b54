"""`$batch`: its rules, and that its requests meet everything that single ones meet."""

import pytest

pytestmark = pytest.mark.graph_documented("json-batching")


def get(name, url="/sites/root", **more):
    return {"id": name, "method": "GET", "url": url, **more}


async def post(graph, requests):
    return await graph.post("/$batch", json={"requests": requests})


async def answers(graph, requests):
    answer = await post(graph, requests)
    assert answer.status_code == 200, answer.text
    return {r["id"]: r for r in answer.json()["responses"]}


async def test_requests_are_answered_by_id_each_with_its_own_status(graph, site):
    found = await answers(
        graph, [get("a"), get("b", "/sites/nowhere"), get("c", "sites?search=*"), get("d", "/x")]
    )
    assert {name: r["status"] for name, r in found.items()} == {"a": 200, "b": 404, "c": 200, "d": 501}
    assert len(found["c"]["body"]["value"]) == 2
    assert found["b"]["body"]["error"]["code"] == "itemNotFound"


@pytest.mark.parametrize(
    "requests",
    [
        [],
        "all",
        [get(str(n)) for n in range(21)],
        [get("a"), get("A")],
        [{"method": "GET", "url": "/sites/root"}],
        [{"id": "a", "url": "/sites/root"}],
        [get("a", "https://graph.microsoft.com/v1.0/sites/root")],
        [get("a", "/$batch")],
        [{"id": "a", "method": "POST", "url": "/sites/root/lists", "body": {"displayName": "x"}}],
        [get("a", dependsOn=["b"])],
        [get("a", dependsOn=["b"]), get("b", dependsOn=["a"])],
        [get("a", headers=["x"])],
    ],
)
async def test_a_malformed_batch_is_refused_as_a_whole(graph, requests):
    refused = await post(graph, requests)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")


async def test_what_depends_on_a_failure_fails_and_the_order_is_kept(graph, site):
    make = {
        "method": "POST", "url": f"/sites/{site}/lists", "headers": {"Content-Type": "application/json"},
    }  # fmt: skip
    found = await answers(
        graph,
        [
            get("3", f"/sites/{site}/lists/Lessons", dependsOn=["1"]),
            {"id": "1", "body": {"displayName": "Lessons"}, **make},
            {
                "id": "2",
                "url": f"/sites/{site}/lists",
                "body": {"displayName": "lessons"},
                "dependsOn": ["1"],
                **make,
            },
            get("4", dependsOn=["2"]),
            get("5", dependsOn=["4"]),
        ],
    )
    assert {n: r["status"] for n, r in found.items()} == {"1": 201, "2": 409, "3": 200, "4": 424, "5": 424}


async def test_etags_faults_and_the_journal_reach_into_a_batch(graph, m365, site, quirks):
    await graph.post(f"/sites/{site}/lists", json={"displayName": "Lessons"})
    address = f"/sites/{site}/lists/Lessons/items"
    item = (await graph.post(address, json={"fields": {"Title": "A"}})).json()
    patch = {"method": "PATCH", "url": f"{address}/{item['id']}/fields", "body": {"Title": "B"}}
    headers = {"Content-Type": "application/json", "If-Match": '"old,1"'}
    assert (await answers(graph, [{"id": "1", "headers": headers, **patch}]))["1"]["status"] == 412
    await quirks("next_requests", verb="PATCH", path="*/fields", status=429, retry_after_s=3)
    right = {**headers, "If-Match": item["eTag"]}
    refused = (await answers(graph, [{"id": "1", "headers": right, **patch}]))["1"]
    assert (refused["status"], refused["headers"]["Retry-After"]) == (429, "3")
    done = (await answers(graph, [{"id": "1", "headers": right, **patch}]))["1"]
    assert (done["status"], done["body"]["Title"]) == (200, "B")
    assert done["headers"]["ETag"] == done["body"]["@odata.etag"]
    written = [(r["verb"], r["status"]) for r in m365.state.all("SELECT * FROM journal ORDER BY seq")]
    assert written[-3:] == [("PATCH", 412), ("PATCH", 429), ("PATCH", 200)]
