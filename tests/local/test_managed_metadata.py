"""Managed-metadata columns: written through their hidden note fields, read back, and lost in known ways."""

import pytest

from km365.local import content_types, items, lists
from km365.local.server import load_resources

pytestmark = pytest.mark.graph_documented("columndefinition, issue microsoft-graph-docs#16597")

WATER, SANITATION = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture(autouse=True)
def labels(monkeypatch):
    """A term store of two terms."""
    load_resources()  # else the first server would put the real term store in its place
    known = {WATER: "Water", SANITATION: "Sanitation"}
    monkeypatch.setattr("km365.local.taxonomy_values._lookups", [lambda _, guid, __: known.get(guid)])


@pytest.fixture
async def tagged(graph, site):
    """The address of a list with two multi-value columns and a single one, and their note fields."""
    columns = [
        {"name": "Topic", "term": {"allowMultipleValues": True}},
        {"name": "Theme", "term": {"allowMultipleValues": True}},
        {"name": "Kind", "term": {"allowMultipleValues": False}},
    ]
    made = await graph.post(f"/sites/{site}/lists", json={"displayName": "Tagged", "columns": columns})
    address = f"/sites/{site}/lists/{made.json()['id']}"
    everything = (await graph.get(f"{address}/columns?$select=name,displayName,hidden")).json()["value"]
    return address, {c["displayName"].removesuffix("_0"): c["name"] for c in everything if c["hidden"]}


async def fields_of(graph, address):
    return (await graph.get(f"{address}/fields")).json()


async def item(graph, tagged):
    made = await graph.post(f"{tagged[0]}/items", json={"fields": {"Title": "A"}})
    return f"{tagged[0]}/items/{made.json()['id']}"


async def test_the_visible_column_cannot_be_written(graph, tagged):
    address = await item(graph, tagged)
    refused = await graph.patch(f"{address}/fields", json={"Kind": {"Label": "Water", "TermGuid": WATER}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalidRequest")


async def test_with_that_quirk_off_the_visible_column_is_written(graph, tagged, quirks):
    await quirks("note_field_only", on=False)
    address = await item(graph, tagged)
    written = await graph.patch(f"{address}/fields", json={"Kind": {"Label": "x", "TermGuid": WATER}})
    assert written.json()["Kind"]["Label"] == "Water"


async def test_the_note_field_sets_the_column_and_an_empty_text_clears_it(graph, tagged):
    address, notes = await item(graph, tagged), tagged[1]
    text = f"-1;#old label|{WATER};#-1;#Sanitation|{SANITATION}"
    await graph.patch(f"{address}/fields", json={notes["Topic"]: text, notes["Kind"]: f"-1;#Water|{WATER}"})
    read = await fields_of(graph, address)
    assert [(t["Label"], t["TermGuid"]) for t in read["Topic"]] == [
        ("Water", WATER),
        ("Sanitation", SANITATION),
    ]
    assert read["Kind"] == {"Label": "Water", "TermGuid": WATER, "WssId": 1}
    assert notes["Topic"] not in read
    hidden = (await graph.get(f"{address}/fields?$select={notes['Topic']}")).json()
    assert hidden[notes["Topic"]] == f"Water|{WATER};Sanitation|{SANITATION}"
    await graph.patch(f"{address}/fields", json={notes["Topic"]: ""})
    assert "Topic" not in await fields_of(graph, address)


@pytest.mark.parametrize(
    "text",
    [
        f"-1;#Water|{WATER};#-1;#Sanitation|{SANITATION}",
        f"-1;Water|{WATER};-1;Sanitation|{SANITATION}",
        f"Water|{WATER};Sanitation|{SANITATION}",
        f"4;#Water|{WATER.upper()};#5;#Sanitation|{SANITATION};#",
    ],
)
async def test_the_reported_spellings_all_work(graph, tagged, text):
    address = await item(graph, tagged)
    await graph.patch(f"{address}/fields", json={tagged[1]["Topic"]: text})
    assert [t["TermGuid"] for t in (await fields_of(graph, address))["Topic"]] == [WATER, SANITATION]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("Kind", f"-1;#Water|{WATER};#-1;#Sanitation|{SANITATION}"),
        ("Topic", "-1;#Fire|33333333-3333-4333-8333-333333333333"),
        ("Topic", "Water"),
        ("Topic", 7),
    ],
)
async def test_one_term_too_many_a_strange_term_or_no_term_at_all_is_refused(graph, tagged, column, text):
    address = await item(graph, tagged)
    refused = await graph.patch(f"{address}/fields", json={tagged[1][column]: text})
    assert refused.status_code == 400
    assert column not in await fields_of(graph, address)


async def test_of_several_multi_value_columns_only_the_first_may_be_stored(graph, tagged, quirks):
    await quirks("partial_multi_value")
    address, notes = await item(graph, tagged), tagged[1]
    values = {notes["Topic"]: f"-1;#Water|{WATER}", notes["Theme"]: f"-1;#Water|{WATER}"}
    echoed = (await graph.patch(f"{address}/fields", json=values)).json()
    assert {"Topic", "Theme"} <= echoed.keys()
    read = await fields_of(graph, address)
    assert "Topic" in read
    assert "Theme" not in read


async def test_a_document_set_echoes_what_it_does_not_store(graph, m365, tagged, quirks):
    await quirks("document_set_loss")
    address, notes = tagged
    list_id = address.rsplit("/", 1)[-1]
    row = items.add(
        m365.state, list_id, {"Title": "Set"}, by={}, kind="folder", name="Set", path="/Set",
        content_type=content_types.child_id(content_types.DOCUMENT_SET),
    )  # fmt: skip
    own = f"{address}/items/{row['id']}"
    echoed = await graph.patch(f"{own}/fields", json={notes["Kind"]: f"-1;#Water|{WATER}"})
    assert echoed.json()["Kind"]["TermGuid"] == WATER
    assert "Kind" not in await fields_of(graph, own)


@pytest.fixture
def upload(m365, tagged):
    """Puts a file's row into the list, as an upload would."""

    def put(name):
        list_row = lists.by_id(m365.state, tagged[0].rsplit("/", 1)[-1])
        row = items.add(m365.state, list_row["id"], {}, by={}, kind="file", name=name, path=f"/{name}")
        return f"{tagged[0]}/items/{row['id']}"

    return put


async def test_the_first_update_after_an_upload_may_conflict(graph, tagged, quirks, upload):
    await quirks("conflict_after_upload")
    address = upload("Report.docx")
    first = await graph.patch(f"{address}/fields", json={"Title": "A"})
    assert (first.status_code, first.json()["error"]["code"]) == (409, "resourceModified")
    assert (await graph.patch(f"{address}/fields", json={"Title": "A"})).status_code == 200


@pytest.mark.parametrize("inner", [False, True])
async def test_an_open_file_is_locked_in_either_of_two_wordings(graph, tagged, quirks, upload, inner):
    await quirks("open_file", name="Open*", inner=inner)
    address = upload("Open.docx")
    for answer in (
        await graph.patch(f"{address}/fields", json={"Title": "A"}),
        await graph.delete(address),
    ):
        assert answer.status_code == 423
        error = answer.json()["error"]
        assert "resourceLocked" in (error["code"], error["innerError"].get("code"))
    assert (await graph.patch(f"{upload('Free.docx')}/fields", json={"Title": "A"})).status_code == 200


async def test_right_after_an_upload_the_default_term_may_win(graph, tagged, quirks, upload):
    await quirks("default_term_loss", column="Kind", value=f"-1;#Sanitation|{SANITATION}")
    address, note = upload("New.docx"), tagged[1]["Kind"]
    echoed = await graph.patch(f"{address}/fields", json={note: f"-1;#Water|{WATER}"})
    assert echoed.json()["Kind"]["TermGuid"] == WATER
    assert (await fields_of(graph, address))["Kind"]["TermGuid"] == SANITATION
    await graph.patch(f"{address}/fields", json={note: f"-1;#Water|{WATER}"})
    assert (await fields_of(graph, address))["Kind"]["TermGuid"] == WATER
