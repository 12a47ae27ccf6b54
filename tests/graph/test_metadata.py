"""Managed metadata: spelt, written through the note field, read back, and never believed."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.taxonomy import FORBIDDEN
from km365.errors import GraphChangedMeanwhile, GraphError, InputRefused, Locked, NotStored
from km365.graph import drives, lists, metadata
from km365.graph.client import Graph
from km365.graph.metadata import NoteStyle, Target, TermRef, decode, encode, note_fields
from km365.local import faults
from km365.local import sites as local_sites
from km365.local.server import M365, load_resources
from tests.graph.conftest import Paced, Stub

WATER = TermRef(id="11111111-1111-4111-8111-111111111111", label="Water")
SOIL = TermRef(id="22222222-2222-4222-8222-222222222222", label="Sanitation & hygiene")
COLUMNS = [
    {"name": "Topic", "displayName": "Topic", "term": {"allowMultipleValues": True}},
    {"name": "Theme", "displayName": "Knowledge theme", "term": {"allowMultipleValues": True}},
    {"name": "Kind", "displayName": "Kind", "term": {"allowMultipleValues": False}},
]


@pytest.fixture(autouse=True)
def labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A term store of two terms."""
    load_resources()  # or the first server of the process would bring its own labels
    known = {one.id: one.label for one in (WATER, SOIL)}
    monkeypatch.setattr("km365.local.taxonomy_values._lookups", [lambda _, guid, __: known.get(guid)])


@pytest.fixture
def site_id(m365: M365) -> str:
    return local_sites.create(m365.state, "/sites/knowledge", "Knowledge")


@pytest.fixture
async def tagged(graph: Graph, site_id: str) -> tuple[Target, dict[str, str], lists.Item]:
    """A fresh item of a list with three managed-metadata columns, and their note fields."""
    made = await lists.create_list(graph, site_id, title="Tagged", columns=COLUMNS)
    notes = note_fields(await lists.list_columns(graph, site_id, made.id))
    item = await lists.create_item(graph, site_id, made.id, {"Title": "A"})
    return Target.item(site_id, made.id, item.id), notes, item


Tagged = tuple[Target, dict[str, str], lists.Item]


def test_note_fields_are_found_by_their_display_name(tagged: Tagged) -> None:
    _, notes, _ = tagged
    assert set(notes) == {"Topic", "Theme", "Kind"} and len(set(notes.values())) == 3


def test_a_note_field_that_is_not_certain_is_not_guessed() -> None:
    def column(name: str, title: str, *, hidden: bool = False, kind: str = "term") -> lists.Column:
        return lists.Column(id=name, name=name, display_name=title, hidden=hidden, kind=kind)

    twice = [column("A", "Same"), column("n1", "Same_0", hidden=True), column("n2", "Same_0", hidden=True)]
    assert note_fields(twice) == {}
    renamed = [column("A", "New name"), column("n1", "Old name_0", hidden=True, kind="note")]
    assert note_fields(renamed) == {}
    untold = [column("A", "A title", kind=""), column("n1", "A title_0", hidden=True, kind="note")]
    assert note_fields(untold) == {"A": "n1"}, "Graph often does not say that a column is a term column"


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (NoteStyle.LOOKUP, f"-1;#Water|{WATER.id};#-1;#Sanitation & hygiene|{SOIL.id}"),
        (NoteStyle.PLAIN, f"Water|{WATER.id};Sanitation & hygiene|{SOIL.id}"),
    ],
)
def test_both_spellings_of_a_note_field(style: NoteStyle, text: str) -> None:
    assert encode([WATER, SOIL], style=style) == text
    assert decode(text) == (WATER, SOIL)
    assert encode([], style=style) == ""


@pytest.mark.parametrize(
    ("value", "terms"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ({"Label": "Water", "TermGuid": WATER.id.upper(), "WssId": 3}, (WATER,)),
        ([{"Label": "Water", "TermGuid": WATER.id}, {"TermGuid": SOIL.id}], (WATER, SOIL)),
        (f"-1;Water|{WATER.id}", (WATER,)),
    ],
)
def test_a_column_s_value_is_read_in_every_form(value: object, terms: tuple[TermRef, ...]) -> None:
    assert decode(value) == terms


labels_ = st.text(st.characters(exclude_characters=';|<>"', exclude_categories=["Cs", "Cc"]), min_size=1)


@given(
    st.lists(
        st.builds(
            lambda guid, label: TermRef(id=str(guid), label=label), st.uuids(), labels_.filter(str.strip)
        )
    ),
    st.sampled_from(NoteStyle),
)
def test_what_is_spelt_is_read_back(terms: list[TermRef], style: NoteStyle) -> None:
    read = decode(encode(terms, style=style))
    assert [(one.id, one.label) for one in read] == [(one.id, one.label) for one in terms]


@pytest.mark.parametrize(
    "term",
    [
        TermRef(id=WATER.id, label="a;#b"),
        TermRef(id=WATER.id, label="a|b"),
        TermRef(id=WATER.id, label="a\tb"),
        TermRef(id=WATER.id, label=" "),
        TermRef(id="7", label="Water"),
    ],
)
def test_a_term_that_would_break_the_note_field_is_refused(term: TermRef) -> None:
    with pytest.raises(InputRefused):
        encode([term])


@pytest.mark.parametrize("character", sorted(FORBIDDEN))
def test_the_note_field_refuses_what_no_label_may_have(character: str) -> None:
    with pytest.raises(InputRefused, match="cannot hold the label"):
        encode([TermRef(id=WATER.id, label=f"a{character}b")])


@pytest.mark.parametrize("style", NoteStyle)
async def test_a_label_with_a_number_sign_is_stored_and_read_back(
    graph: Graph, tagged: Tagged, monkeypatch: pytest.MonkeyPatch, style: NoteStyle
) -> None:
    target, notes, item = tagged
    refs = [TermRef(id=WATER.id, label="Cold chain #1 priority"), TermRef(id=SOIL.id, label="#2")]
    known = {one.id: one.label for one in refs}
    monkeypatch.setattr("km365.local.taxonomy_values._lookups", [lambda _, guid, __: known.get(guid)])
    written = await metadata.write_terms(
        graph, target, {"Topic": refs}, notes=notes, etag=item.etag, style=style
    )
    told = {(one.id, one.label) for one in refs}
    assert {(one.id, one.label) for one in decode(written.fields["Topic"])} == told
    asked = {"$expand": f"fields($select={notes['Topic']})"}
    note = (await graph.get(target.path, params=asked))["fields"][notes["Topic"]]
    assert {(one.id, one.label) for one in decode(note)} == told, note


async def test_all_columns_go_in_one_patch_and_are_read_back(
    graph: Graph, m365: M365, tagged: Tagged
) -> None:
    target, notes, item = tagged
    values = {"Topic": [WATER, SOIL], "Theme": [SOIL], "Kind": [WATER]}
    written = await metadata.write_terms(
        graph, target, values, notes=notes, etag=item.etag, fields={"Title": "B"}
    )
    assert written.etag not in {"", item.etag} and written.fields["Title"] == "B"
    assert set(decode(written.fields["Topic"])) == {WATER, SOIL}
    patches = [row for row in m365.state.all("SELECT * FROM journal") if row["verb"] == "PATCH"]
    assert len(patches) == 1
    cleared = await metadata.write_terms(graph, target, {"Topic": []}, notes=notes, etag=written.etag)
    assert decode(cleared.fields.get("Topic")) == ()
    assert decode(cleared.fields["Kind"]) == (WATER,)


async def test_a_column_without_note_field_is_refused_before_anything_is_written(
    graph: Graph, tagged: Tagged
) -> None:
    target, notes, item = tagged
    with pytest.raises(InputRefused, match="Title"):
        await metadata.write_terms(graph, target, {"Title": [WATER]}, notes=notes, etag=item.etag)
    assert (await lists.read_item(graph, target.path)).etag == item.etag


async def test_somebody_else_s_change_is_not_overwritten(graph: Graph, tagged: Tagged) -> None:
    target, notes, item = tagged
    await graph.patch(f"{target.path}/fields", {"Title": "theirs"})
    with pytest.raises(GraphChangedMeanwhile):
        await metadata.write_terms(graph, target, {"Topic": [WATER]}, notes=notes, etag=item.etag)


async def test_values_that_were_stored_in_part_are_written_again(
    graph: Graph, m365: M365, tagged: Tagged
) -> None:
    """Of several multi-value columns only the first is stored (VG#705); the rest gets a second PATCH."""
    target, notes, item = tagged
    faults.switch(m365.state, "partial_multi_value", on=True)
    values = {"Topic": [WATER], "Theme": [SOIL]}
    written = await metadata.write_terms(graph, target, values, notes=notes, etag=item.etag)
    assert metadata.not_stored(values, written.fields) == []


async def test_a_write_that_was_only_echoed_is_reported_by_column(client: Paced, stub: Stub) -> None:
    """200 with the new value in it, and nothing stored (MGD#16597)."""
    echo = {"Topic": [{"Label": "Water", "TermGuid": WATER.id}], "@odata.etag": '"2"'}
    stored = {"id": "1", "eTag": '"2"', "fields": {"Topic": [], "Kind": None}}
    for body in (echo, stored, echo, stored):
        stub.then(body=body)
    with pytest.raises(NotStored, match="Topic") as caught:
        await metadata.write_terms(
            client.graph, Target.item("s", "l", "1"), {"Topic": [WATER]}, notes={"Topic": "n"}, etag='"1"'
        )
    assert caught.value.code == "Topic"
    first, second = (one for one in stub.seen if one.method == "PATCH")
    assert first.headers["If-Match"] == '"1"' and second.headers["If-Match"] == '"2"'
    assert first.json != second.json, "the second try uses the other spelling"


async def test_nothing_is_written_again_over_somebody_s_newer_change(client: Paced, stub: Stub) -> None:
    stub.then(body={"@odata.etag": '"2"'})
    stub.then(body={"id": "1", "eTag": '"3"', "fields": {"Topic": []}})
    with pytest.raises(NotStored):
        await metadata.write_terms(
            client.graph, Target.item("s", "l", "1"), {"Topic": [WATER]}, notes={"Topic": "n"}
        )
    assert [one.method for one in stub.seen] == ["PATCH", "GET"]


async def test_a_guid_in_upper_case_or_another_label_is_still_the_same_term(
    client: Paced, stub: Stub
) -> None:
    stub.then(body={"@odata.etag": '"2"'})
    renamed = {"Label": "Eau", "TermGuid": WATER.id.upper(), "WssId": 7}
    stub.then(body={"id": "1", "eTag": '"2"', "fields": {"Kind": renamed}})
    written = await metadata.write_terms(
        client.graph, Target.item("s", "l", "1"), {"Kind": [WATER]}, notes={"Kind": "n"}
    )
    assert written.etag == '"2"'


@pytest.fixture
async def document(graph: Graph, m365: M365, site_id: str) -> tuple[drives.File, str, dict[str, str]]:
    """A file just uploaded to a library with a managed-metadata column."""
    library = await lists.create_list(
        graph, site_id, title="Reports", template="documentLibrary", columns=COLUMNS
    )
    drive = await drives.get_drive(graph, site_id, "Reports")
    assert drive.list_id == library.id
    notes = note_fields(await lists.list_columns(graph, site_id, library.id))
    return await drives.upload(graph, drive.id, "a.docx", b"x"), drive.id, notes


Document = tuple[drives.File, str, dict[str, str]]


async def test_a_file_just_uploaded_is_tagged_although_sharepoint_answers_409(
    graph: Graph, m365: M365, document: Document
) -> None:
    file, drive_id, notes = document
    faults.switch(m365.state, "conflict_after_upload", on=True)
    fresh = await drives.upload(graph, drive_id, "b.docx", b"y")
    written = await metadata.write_terms(
        graph, Target.file(drive_id, fresh.id), {"Topic": [WATER]}, notes=notes
    )
    assert decode(written.fields["Topic"]) == (WATER,)
    read = await drives.get_fields(graph, drive_id, fresh.id)
    assert read.etag == written.etag
    assert file.id != fresh.id


@pytest.mark.parametrize("inner", [True, False])
async def test_an_open_file_is_locked(graph: Graph, m365: M365, document: Document, inner: bool) -> None:
    file, drive_id, notes = document
    faults.switch(m365.state, "open_file", on=True, name="a.docx", inner=inner)
    with pytest.raises(Locked):
        await metadata.write_terms(graph, Target.file(drive_id, file.id), {"Topic": [WATER]}, notes=notes)


async def test_a_default_term_that_wins_is_noticed_and_overcome(
    graph: Graph, m365: M365, document: Document
) -> None:
    """The first update after an upload is silently lost to the default term (PJS#2725)."""
    _, drive_id, notes = document
    faults.switch(m365.state, "default_term_loss", on=True, column="Topic", value=f"-1;#Water|{WATER.id}")
    fresh = await drives.upload(graph, drive_id, "b.docx", b"y")
    try:
        written = await metadata.write_terms(
            graph, Target.file(drive_id, fresh.id), {"Topic": [SOIL]}, notes=notes
        )
    except NotStored as lost:
        assert lost.code == "Topic"
    else:
        assert decode(written.fields["Topic"]) == (SOIL,)


async def test_an_unknown_term_is_a_refusal_of_graph_s(graph: Graph, tagged: Tagged) -> None:
    target, notes, item = tagged
    stranger = TermRef(id="99999999-9999-4999-8999-999999999999", label="Nobody")
    with pytest.raises((GraphError, NotStored)):
        await metadata.write_terms(graph, target, {"Topic": [stranger]}, notes=notes, etag=item.etag)


async def test_many_items_are_written_and_read_back_twenty_a_call(
    graph: Graph, site_id: str, tagged: Tagged
) -> None:
    target, notes, _ = tagged
    list_id = target.path.split("/lists/")[1].split("/")[0]
    made = [await lists.create_item(graph, site_id, list_id, {"Title": str(n)}) for n in range(22)]
    sent: list[str] = []

    async def note(request: httpx.Request) -> None:
        sent.append(f"{request.method} {request.url.path}")

    graph.http.event_hooks = {"request": [note]}
    changes = [
        metadata.Change(
            target=Target.item(site_id, list_id, one.id),
            values={"Topic": [WATER], "Kind": [SOIL]},
            notes=notes,
            etag=one.etag,
        )
        for one in made
    ]
    stale = metadata.Change(target=target, values={"Topic": [WATER]}, notes=notes, etag='"old,1"')
    *written, refused = await metadata.write_many(graph, [*changes, stale])
    assert all(isinstance(one, metadata.Written) for one in written)
    assert isinstance(refused, GraphChangedMeanwhile)
    assert sent == ["POST /v1.0/$batch"] * 4, "two to write, two to read back"
    for one in made:
        stored = await lists.get_item(graph, site_id, list_id, one.id)
        assert decode(stored.fields["Topic"]) == (WATER,) and decode(stored.fields["Kind"]) == (SOIL,)


async def test_what_did_not_stick_in_a_batch_is_written_again_by_itself(
    graph: Graph, m365: M365, document: Document
) -> None:
    file, drive_id, notes = document
    faults.switch(m365.state, "conflict_after_upload", on=True)
    fresh = await drives.upload(graph, drive_id, "b.docx", b"y")
    faults.switch(m365.state, "partial_multi_value", on=True)
    values = {"Topic": [WATER], "Theme": [SOIL]}
    changes = [
        metadata.Change(target=Target.file(drive_id, one), values=values, notes=notes)
        for one in (file.id, fresh.id)
    ]
    for one in await metadata.write_many(graph, changes):
        assert isinstance(one, metadata.Written) and metadata.not_stored(values, one.fields) == []
