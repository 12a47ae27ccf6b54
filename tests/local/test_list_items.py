"""Items of a list: written, read back, filtered, paged, followed."""

import pytest

from km365.local import items

pytestmark = pytest.mark.graph_documented("listitem")

UNINDEXED = {"Prefer": "HonorNonIndexedQueriesWarningMayFailRandomly"}


@pytest.fixture
async def lessons(graph, site):
    """The address of a list with indexed and unindexed columns."""
    columns = [
        {"name": "KMKind", "choice": {"choices": ["lesson", "practice"]}, "indexed": True},
        {"name": "KMDate", "dateTime": {"format": "dateOnly"}, "indexed": True},
        {"name": "KMCount", "number": {}, "indexed": True},
        {"name": "KMOpen", "boolean": {}},
        {"name": "KMNote", "text": {"allowMultipleLines": True}},
    ]
    made = await graph.post(f"/sites/{site}/lists", json={"displayName": "Lessons", "columns": columns})
    return f"/sites/{site}/lists/{made.json()['id']}"


async def add(graph, address, **fields):
    made = await graph.post(f"{address}/items", json={"fields": fields})
    assert made.status_code == 201, made.text
    return made.json()


async def titles(graph, address, query, headers=None):
    answer = await graph.get(f"{address}/items?$expand=fields&{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [i["fields"]["Title"] for i in answer.json()["value"]]


async def test_an_item_is_read_back_as_it_was_written(graph, lessons):
    values = {"Title": "A", "KMDate": "2026-03-01", "KMCount": 3, "KMOpen": True, "KMNote": "x\ny"}
    made = await add(graph, lessons, **values)
    read = (await graph.get(f"{lessons}/items/{made['id']}?$expand=fields")).json()
    kept = {k: v for k, v in read["fields"].items() if k in values}
    assert kept == {**values, "KMDate": "2026-03-01T00:00:00Z"}
    assert read["fields"]["ContentType"] == read["contentType"]["name"] == "Item"
    assert read["eTag"] == read["@odata.etag"] == made["eTag"]


@pytest.mark.parametrize(
    "fields",
    [
        {"Nothing": "x"}, {"Created": "2026-01-01"}, {"KMCount": "many"}, {"KMOpen": "yes"},
        {"KMDate": "soon"},
        {"Title": "x" * 256}, {"Title": 7},
    ],
)  # fmt: skip
async def test_a_value_that_does_not_fit_its_column_is_refused_by_name(graph, lessons, fields):
    refused = await graph.post(f"{lessons}/items", json={"fields": fields})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalidRequest")
    assert next(iter(fields)) in refused.json()["error"]["message"]


async def test_a_null_or_empty_text_clears_a_field(graph, lessons):
    made = await add(graph, lessons, Title="A", KMNote="note", KMCount=1)
    kept = await graph.patch(f"{lessons}/items/{made['id']}/fields", json={"KMNote": "", "KMCount": None})
    assert "KMNote" not in kept.json()
    assert "KMCount" not in kept.json()


async def test_the_second_writer_with_an_old_etag_gets_412_and_changes_nothing(graph, lessons):
    made = await add(graph, lessons, Title="A")
    address = f"{lessons}/items/{made['id']}"
    first = await graph.patch(f"{address}/fields", json={"Title": "B"}, headers={"If-Match": made["eTag"]})
    assert first.status_code == 200
    assert first.headers["ETag"] == first.json()["@odata.etag"] != made["eTag"]
    second = await graph.patch(f"{address}/fields", json={"Title": "C"}, headers={"If-Match": made["eTag"]})
    assert second.status_code == 412
    late = await graph.delete(address, headers={"If-Match": made["eTag"]})
    assert late.status_code == 412
    assert (await graph.get(f"{address}/fields")).json()["Title"] == "B"
    anyone = await graph.patch(f"{address}/fields", json={"Title": "D"}, headers={"If-Match": "*"})
    assert anyone.status_code == 200


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("fields/KMKind eq 'LESSON'", ["a", "c"]),
        ("fields/KMCount gt 1 and fields/KMKind ne 'practice'", ["c"]),
        ("fields/KMDate lt '2026-02-01'", ["a"]),
        ("fields/KMDate ge 2026-02-01T00:00:00Z", ["b", "c"]),
        ("not (fields/KMCount eq 2)", ["a", "c"]),
        ("startswith(fields/KMKind,'prac') or fields/KMCount eq 1", ["a", "b"]),
    ],
)
async def test_items_are_filtered(graph, lessons, clause, expected):
    await add(graph, lessons, Title="a", KMKind="lesson", KMCount=1, KMDate="2026-01-01")
    await add(graph, lessons, Title="b", KMKind="practice", KMCount=2, KMDate="2026-02-01")
    await add(graph, lessons, Title="c", KMKind="lesson", KMCount=3, KMDate="2026-03-01")
    assert await titles(graph, lessons, f"$filter={clause}") == expected


async def test_a_filter_on_an_unindexed_column_needs_the_prefer_header(graph, lessons):
    await add(graph, lessons, Title="a")
    refused = await graph.get(f"{lessons}/items?$filter=fields/Title eq 'a'")
    assert refused.status_code == 400
    assert "HonorNonIndexedQueriesWarningMayFailRandomly" in refused.json()["error"]["message"]
    assert await titles(graph, lessons, "$filter=fields/Title eq 'a'", UNINDEXED) == ["a"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("$filter=createdDateTime ge 2026-01-01", "createdDateTime"),
        ("$filter=geo.intersects(fields/X,1)", "geo.intersects"),
        ("$filter=fields/KMCount add 1 eq 2", "BinOp"),
        ("$search=x", "$search"),
        ("$expand=analytics", "analytics"),
        ("$expand=fields($filter=a eq 1)", "$filter"),
    ],
)
async def test_a_query_it_has_not_learnt_is_answered_501_by_name(graph, lessons, query, named):
    await add(graph, lessons, Title="a")
    refused = await graph.get(f"{lessons}/items?{query}")
    assert refused.status_code in (400, 501), refused.text
    assert named in refused.json()["error"]["message"]


async def test_items_come_in_the_order_asked_for_and_page_by_page(graph, lessons):
    for number in (3, 1, 5, 2, 4):
        await add(graph, lessons, Title=f"t{number}", KMCount=number)
    found, link = [], f"{lessons}/items?$expand=fields($select=Title)&$orderby=fields/KMCount desc&$top=2"
    while link:
        page = (await graph.get(link)).json()
        assert len(page["value"]) <= 2
        found += [i["fields"]["Title"] for i in page["value"]]
        link = page.get("@odata.nextLink")
    assert found == ["t5", "t4", "t3", "t2", "t1"]


async def test_only_selected_fields_come_with_their_id_and_etag(graph, lessons):
    await add(graph, lessons, Title="a", KMCount=1)
    [item] = (await graph.get(f"{lessons}/items?$select=id&$expand=fields($select=KMCount)")).json()["value"]
    assert item.keys() == {"@odata.etag", "id", "fields"}
    assert item["fields"].keys() == {"@odata.etag", "id", "KMCount"}


async def test_an_item_keeps_its_versions_and_goes_back_to_one(graph, lessons):
    made = await add(graph, lessons, Title="first")
    address = f"{lessons}/items/{made['id']}"
    await graph.patch(f"{address}/fields", json={"Title": "second"})
    versions = (await graph.get(f"{address}/versions?$expand=fields")).json()["value"]
    assert [(v["id"], v["fields"]["Title"]) for v in versions] == [("2.0", "second"), ("1.0", "first")]
    assert (await graph.post(f"{address}/versions/1.0/restoreVersion")).status_code == 204
    assert (await graph.get(f"{address}/fields")).json()["Title"] == "first"
    assert len((await graph.get(f"{address}/versions")).json()["value"]) == 3
    assert (await graph.get(f"{address}/versions/2.0/fields")).json()["Title"] == "second"


async def test_delta_tells_what_was_added_changed_and_deleted(graph, lessons):
    kept, gone = await add(graph, lessons, Title="kept"), await add(graph, lessons, Title="gone")
    first = (await graph.get(f"{lessons}/items/delta?$expand=fields")).json()
    assert [i["fields"]["Title"] for i in first["value"]] == ["kept", "gone"]
    link = first["@odata.deltaLink"]
    assert (await graph.get(link)).json()["value"] == []
    await graph.patch(f"{lessons}/items/{kept['id']}/fields", json={"Title": "changed"})
    await graph.patch(f"{lessons}/items/{kept['id']}/fields", json={"Title": "changed again"})
    await graph.delete(f"{lessons}/items/{gone['id']}")
    changed, deleted = (await graph.get(link)).json()["value"]
    assert changed["fields"]["Title"] == "changed again"
    assert (deleted["id"], deleted["deleted"]) == (gone["id"], {"state": "deleted"})


async def test_delta_pages_can_start_from_now_and_a_fresh_start_has_no_deletions(graph, lessons):
    for number in range(5):
        await add(graph, lessons, Title=f"t{number}")
    await graph.delete(f"{lessons}/items/1")
    pages, link = [], f"{lessons}/items/delta()?$top=2"
    while link:
        page = (await graph.get(link)).json()
        pages.append([i["id"] for i in page["value"]])
        link, end = page.get("@odata.nextLink"), page.get("@odata.deltaLink")
    assert sorted(i for page in pages for i in page) == ["2", "3", "4", "5"]
    assert end
    latest = (await graph.get(f"{lessons}/items/delta?token=latest")).json()
    assert latest["value"] == []
    await add(graph, lessons, Title="new")
    assert len((await graph.get(latest["@odata.deltaLink"])).json()["value"]) == 1


async def test_a_strange_delta_token_is_gone_and_says_where_to_start_again(graph, lessons):
    gone = await graph.get(f"{lessons}/items/delta?token=nonsense")
    assert gone.status_code == 410
    assert gone.json()["error"]["code"] == "resyncChangesApplyDifferences"
    assert (await graph.get(gone.headers["Location"])).status_code == 200


async def test_after_every_empty_page_there_is_another_link(graph, m365, lessons, quirks):
    await quirks("empty_pages")
    for number in range(3):
        await add(graph, lessons, Title=f"t{number}")
    for start in ("items?$top=2", "items/delta?$top=2"):
        sizes, link = [], f"{lessons}/{start}"
        while link:
            page = (await graph.get(link)).json()
            sizes.append(len(page["value"]))
            link = page.get("@odata.nextLink")
        assert sizes == [0, 2, 0, 1]


async def test_a_long_list_is_filtered_by_indexed_columns_only(graph, m365, site, lessons):
    list_id = lessons.rsplit("/", 1)[-1]
    with m365.state.tx():
        for number in range(5001):
            fields = {"Title": f"t{number}", "KMCount": number, "KMNote": "n" * 50}
            items.add(m365.state, list_id, fields, by={})
    refused = await graph.get(f"{lessons}/items?$filter=fields/Title eq 't7'", headers=UNINDEXED)
    assert refused.status_code == 400
    assert "list view threshold" in refused.json()["error"]["message"]
    assert await titles(graph, lessons, "$filter=fields/KMCount eq 4999") == ["t4999"]
    count, link = 0, f"{lessons}/items?$top=2000"
    while link:
        page = (await graph.get(link)).json()
        count += len(page["value"])
        link = page.get("@odata.nextLink")
    assert count == 5001
