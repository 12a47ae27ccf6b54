"""Whatever is sent, the answer is Graph's: refused by name, never a failure of the server's own."""

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from km365.local import sites
from km365.local.server import start_server

pytestmark = pytest.mark.local_only

WORDS = st.sampled_from(
    ["displayName", "name", "list", "template", "columns", "text", "term", "choice", "fields", "contentType",
     "id", "roles", "grantedToV2", "requests", "method", "url", "dependsOn", "headers", "body", "Title", "N",
     "Topic", "genericList", "GET", "/sites/root", "number", "indexed", "base", "description"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(WORDS, VALUES, max_size=5)
PLACES = st.sampled_from([
    ("POST", "/lists"), ("PATCH", "/lists/T"), ("POST", "/lists/T/columns"), ("PATCH", "/lists/T/columns/N"),
    ("POST", "/contentTypes"), ("POST", "/lists/T/contentTypes/addCopy"), ("POST", "/lists/T/items"),
    ("PATCH", "/lists/T/items/1"), ("PATCH", "/lists/T/items/1/fields"), ("POST", "/permissions"),
    ("POST", "/lists/T/permissions"), ("POST", "/columns"),
])  # fmt: skip
NOT_THERE = 400


async def on_a_server(try_it):
    """Run `try_it(client, site address)` on a server with a list T of one item."""
    async with await start_server() as m365:
        site = f"/sites/{sites.create(m365.state, '/sites/t', 'T')}"
        async with httpx.AsyncClient(
            base_url=m365.graph_url, headers={"Authorization": "Bearer x"}
        ) as client:
            columns = [{"name": "N", "number": {}, "indexed": True}, {"name": "Topic", "term": {}}]
            await client.post(f"{site}/lists", json={"displayName": "T", "columns": columns})
            await client.post(f"{site}/lists/T/items", json={"fields": {"Title": "x"}})
            await try_it(client, site)


async def test_no_body_makes_the_server_fail():
    async def try_all(client, site):
        @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(st.tuples(PLACES, BODIES), min_size=1, max_size=1))
        def collect(calls):
            wanted.extend(calls)

        wanted = []
        collect()  # hypothesis draws them all first, so that one server answers them
        for (verb, path), body in wanted:
            answer = await client.request(verb, site + path, content=json.dumps(body))
            assert answer.status_code != 500, (verb, path, body)
            batch = await client.post("/$batch", content=json.dumps(body))
            assert batch.status_code in (200, 400), body

    await on_a_server(try_all)


@pytest.mark.parametrize(
    "body",
    [
        b'{"fields": {"Title": "\\ud800"}}',
        b'{"fields": {"N": NaN}}',
        b'{"fields": {"N": 1e999}}',
        b'{"fields": {"N": "7"}}',
        b'{"fields": {"Title": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
async def test_text_that_is_no_text_and_numbers_that_are_no_numbers_are_refused(body):
    async def try_one(client, site):
        answer = await client.post(f"{site}/lists/T/items", content=body)
        assert answer.status_code == NOT_THERE

    await on_a_server(try_one)


@pytest.mark.parametrize(
    "query",
    [
        "$top=-1", "$top=99999999999999999999", "$skiptoken=99999999999999999999", "$filter=(((",
        "$orderby=x up", "$filter=fields/N eq", "$expand=fields($select",
        "$filter=fields/N in 7", "$filter=fields/Title/Label eq 'x'", "$filter=fields/N eq '%00'",
        "$orderby=fields/", "$filter=1 eq 1 and", "$filter='x'", "$filter=fields",
    ],
)  # fmt: skip
async def test_no_query_makes_the_server_fail(query):
    async def try_one(client, site):
        answer = await client.get(f"{site}/lists/T/items?{query}")
        assert answer.status_code in (200, 400, 501), answer.text

    await on_a_server(try_one)


@pytest.mark.parametrize(
    "item", ["0", "-1", "99999999999999999999999", "%00", "x' OR 1=1", "..%2F..", "1%3A"]
)
async def test_no_address_makes_the_server_fail(item):
    async def try_one(client, site):
        answer = await client.get(f"{site}/lists/T/items/{item}")
        assert answer.status_code in (200, 404, 501), answer.text

    await on_a_server(try_one)


async def test_a_filter_of_thousands_of_clauses_is_answered_one_way_or_the_other():
    async def try_one(client, site):
        clauses = " or ".join(["fields/N eq 1"] * 5000)
        request = {"id": "1", "method": "GET", "url": f"{site}/lists/T/items?$filter={clauses}"}
        answer = await client.post("/$batch", json={"requests": [request]})
        assert answer.json()["responses"][0]["status"] in (200, 400)

    await on_a_server(try_one)
