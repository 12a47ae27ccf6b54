"""Searching files and list items."""

import httpx
import pytest

from km365.local import lists
from km365.local.demo import sources, write_documents

pytestmark = pytest.mark.graph_documented("search-query")

NOTE = """---
title: Supply note
office: CO-BEL
folder: Supply
format: docx
language: en
---
# Supply note

The **cold** chain needs charged batteries & a mechanic.
"""


@pytest.fixture
async def drive(graph, m365, site):
    library = lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
    address = f"/drives/{library['drive_id']}"
    note = write_documents.write(sources.parse("note.md", NOTE))
    for name, content in {
        "Supply note.docx": note,
        "Cold weather.txt": b"blankets",
        "broken.docx": b"no",
    }.items():
        assert (await graph.put(f"{address}/root:/Notes/{name}:/content", content=content)).status_code == 201
    return address


@pytest.fixture
async def ask(m365, conforms):
    """Asks one question. The answer is checked in pieces: the OpenAPI subset has one list too many."""
    async with httpx.AsyncClient(base_url=m365.graph_url, headers={"Authorization": "Bearer x"}) as client:

        async def one(text, kind="driveItem", **more):
            request = {"entityTypes": [kind], "query": {"queryString": text}, "region": "EMEA", **more}
            answer = await client.post("/search/query", json={"requests": [request]})
            assert answer.status_code == 200, answer.text
            (response,) = answer.json()["value"]
            (container,) = response["hitsContainers"]
            for hit in container["hits"]:
                conforms(hit["resource"], f"microsoft.graph.{kind}")
                conforms({k: v for k, v in hit.items() if k != "resource"}, "microsoft.graph.searchHit")
            bare = {**response, "hitsContainers": [{**container, "hits": []}]}
            conforms(bare, "microsoft.graph.searchResponse")
            return container

        yield one


def names(container):
    return [h["resource"]["name"] for h in container["hits"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cold", ["Cold weather.txt", "Supply note.docx"]),
        ("cold mechanic", ["Supply note.docx"]),
        ('"cold chain"', ["Supply note.docx"]),
        ("batter*", ["Supply note.docx"]),
        ("batter", []),
        ("cold filetype:txt", ["Cold weather.txt"]),
    ],
)
async def test_words_phrases_prefixes_and_kinds(ask, drive, text, found):
    assert names(await ask(text)) == found


async def test_a_hit_has_a_rank_a_summary_and_its_file(ask, drive):
    (hit,) = (await ask("mechanic"))["hits"]
    assert hit["rank"] == 1 and "<c0>mechanic</c0>" in hit["summary"] and "&amp;" in hit["summary"]
    assert hit["resource"]["@odata.type"] == "#microsoft.graph.driveItem"


async def test_list_items_are_found_by_their_columns(graph, ask, m365, site):
    row = lists.create(m365.state, site, "Knowledge")
    fields = {"Title": "Pupil clubs keep taps working"}
    await graph.post(f"/sites/{site}/lists/{row['id']}/items", json={"fields": fields})
    (hit,) = (await ask("taps clubs", "listItem", fields=["Title"]))["hits"]
    assert hit["resource"]["fields"]["Title"] == fields["Title"]


async def test_hits_come_in_pages(ask, drive):
    first = await ask("cold", size=1)
    assert (first["total"], first["moreResultsAvailable"], len(first["hits"])) == (2, True, 1)
    second = await ask("cold", size=1, **{"from": 1})
    assert (second["moreResultsAvailable"], second["hits"][0]["rank"]) == (False, 2)


async def test_what_is_not_known_is_refused(graph, drive):
    for request, status in [
        ({"entityTypes": ["message"], "query": {"queryString": "x"}, "region": "EMEA"}, 501),
        ({"entityTypes": ["driveItem"], "query": {"queryString": "a OR b"}, "region": "EMEA"}, 501),
        ({"entityTypes": ["driveItem"], "query": {"queryString": "author:ana"}, "region": "EMEA"}, 501),
        ({"entityTypes": ["driveItem"], "query": {"queryString": "x"}, "aggregations": []}, 501),
        ({"entityTypes": ["driveItem"], "query": {"queryString": "x"}}, 400),
        ({"entityTypes": ["driveItem"], "query": {"queryString": ""}, "region": "EMEA"}, 400),
    ]:
        answer = await graph.post("/search/query", json={"requests": [request]})
        assert answer.status_code == status, request


async def test_a_library_is_searched_below_a_folder(graph, m365, drive):
    await graph.put(f"{drive}/root:/Cold.txt:/content", content=b"")
    everywhere = (await graph.get(f"{drive}/search(q='cold')")).json()["value"]
    assert {f["name"] for f in everywhere} == {"Cold.txt", "Cold weather.txt", "Supply note.docx"}
    folder = (await graph.get(f"{drive}/root:/Notes")).json()["id"]
    inside = (await graph.get(f"{drive}/items/{folder}/search(q='cold')")).json()["value"]
    assert {f["name"] for f in inside} == {"Cold weather.txt", "Supply note.docx"}


async def test_a_text_is_read_once(ask, drive, monkeypatch):
    assert len((await ask("mechanic"))["hits"]) == 1
    monkeypatch.setattr("km365.local.search._text_in", lambda *_: pytest.fail("read again"))
    assert len((await ask("mechanic"))["hits"]) == 1
