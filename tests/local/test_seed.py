"""The demonstration tenant: what is in it, and that seeding twice is seeding once."""

import io
import json
import re
from datetime import timedelta
from functools import cache

import pytest
from docx import Document
from openpyxl import load_workbook
from pptx import Presentation

from km365.errors import InputRefused, TemplateError
from km365.local import columns, control, files, items, lists, seed, sites, term_rows
from km365.local.demo import sources, write_documents

pytestmark = pytest.mark.local_only

LONG = {"allowMultipleLines": True}

LIBRARY = sources.read_library()
render = cache(write_documents.write)


@pytest.fixture(autouse=True)
def _rendered_once(monkeypatch):
    """Every test that fills a tenant gets the same files, rendered once."""
    monkeypatch.setattr(write_documents, "write", render)


async def fill(m365, name="tenant"):
    return [line async for line in control.seed(m365, name)]


def provisioned(m365):
    """The lists and terms that the calendar goes into, as provisioning makes them."""
    site = sites.create(m365.state, seed.KNOWLEDGE_SITE, "Knowledge")
    group = term_rows.add_group(m365.state, "km365", "")
    for title, entries in seed.entries().items():
        row = lists.create(m365.state, site, title)
        for name in sorted({name for entry in entries for name in entry} - {"Title"}):
            values = [entry[name] for entry in entries if name in entry]
            labels = [label for one in values if isinstance(one, dict) for label in one.get("$terms", ())]
            kind = {"term": _terms(m365, group, name, labels)} if labels else {"text": LONG}
            columns.create(m365.state, row["id"], {"name": name, **kind})


def _terms(m365, group, name, labels):
    found = term_rows.add_set(m365.state, group["id"], [{"languageTag": "en-US", "name": name}], "", None)
    for label in dict.fromkeys(labels):
        names = [{"languageTag": "en-US", "name": label, "isDefault": True}]
        term_rows.add_term(m365.state, found["id"], "", {"labels": names})
    return {"allowMultipleValues": True, "termSet": {"id": found["id"]}}


def items_of(m365, title):
    rows = m365.state.all(
        "SELECT i.fields FROM item i JOIN list l ON l.id = i.list_id WHERE l.display_name = ?", title
    )
    return [json.loads(r["fields"]) for r in rows]


def names_of_files(m365):
    rows = m365.state.all("SELECT name FROM item WHERE kind = 'file' AND NOT deleted")
    return sorted(r["name"] for r in rows)


async def test_the_tenant_has_its_sites_people_documents_and_app(graph, m365):
    assert (await fill(m365))[-1] == f"{len(LIBRARY)} of {len(LIBRARY)} documents"
    names = {s["name"] for s in (await graph.get("/sites?search=*")).json()["value"]}
    assert names == {"root", "knowledge", "HQ-KM", "RO-EAST", "CO-ARD", "CO-BEL", "CO-CAS"}
    people = (await graph.get("/users?$select=id,preferredLanguage,mail,officeLocation")).json()["value"]
    assert len(people) == 40 and {u["preferredLanguage"] for u in people} >= {"en", "fr", "es", "ar"}
    assert all(u["mail"].endswith("@childrensagency.example") for u in people)
    query = {"$filter": "externalId eq 'km365-demonstration'"}
    assert (await graph.get("/appCatalogs/teamsApps", params=query)).json()["value"]
    files = m365.state.all("SELECT name FROM item WHERE kind = 'file'")
    assert len(files) == len(LIBRARY) >= 30


async def test_two_colleagues_leave_in_five_and_twenty_one_days(graph, m365):
    await fill(m365)
    query = {
        "$select": "id,employeeLeaveDateTime",
        "$filter": "employeeLeaveDateTime ge 2000-01-01T00:00:00Z",
    }
    leavers = (await graph.get("/users", params=query)).json()["value"]
    today = m365.state.now().date()
    days = {(today + timedelta(days=n)).isoformat() for n in (5, 21)}
    assert {u["employeeLeaveDateTime"][:10] for u in leavers} == days
    for leaver in leavers:
        assert (await graph.get(f"/users/{leaver['id']}/manager")).status_code == 200
    assert len((await graph.get("/directory/deletedItems/graph.user")).json()["value"]) == 1


async def test_seeding_twice_is_seeding_once_and_says_nothing(m365):
    provisioned(m365)
    for name in ("tenant", "calendar"):
        assert await fill(m365, name)
        before = m365.state.last_change()
        assert await fill(m365, name) == []
        assert m365.state.last_change() == before


async def test_what_was_renamed_is_not_doubled_and_what_was_deleted_stays_away(m365):
    provisioned(m365)
    await fill(m365)
    await fill(m365, "calendar")
    state = m365.state
    by = {"application": {"id": "somebody", "displayName": "Somebody"}}
    renamed = [
        state.one("SELECT i.* FROM item i JOIN list l ON l.id = i.list_id WHERE l.display_name = ?", title)
        for title in ("Milestones", "Departures")
    ]
    document, other = state.all("SELECT * FROM item WHERE kind = 'file' ORDER BY id LIMIT 2")
    for row in renamed:
        items.change(state, row, by=by, fields={"Title": "As we call it"})
    files.move(state, document, None, "as-we-call-it.bin", by=by)
    items.remove(state, other)
    before = items_of(m365, "Milestones"), items_of(m365, "Departures"), names_of_files(m365)
    await fill(m365)
    await fill(m365, "calendar")
    assert (items_of(m365, "Milestones"), items_of(m365, "Departures"), names_of_files(m365)) == before


async def test_the_calendar_needs_its_lists(m365):
    with pytest.raises(InputRefused, match="'Milestones' is not there yet"):
        await fill(m365, "calendar")
    site = sites.create(m365.state, seed.KNOWLEDGE_SITE, "Knowledge")
    lists.create(m365.state, site, "Milestones")
    with pytest.raises(InputRefused, match="no column KMAsked, KMDate"):
        await fill(m365, "calendar")


async def test_the_calendar_has_a_mid_term_review_this_week(m365):
    provisioned(m365)
    await fill(m365, "calendar")
    await fill(m365, "calendar")
    milestones, today = items_of(m365, "Milestones"), m365.state.now().date()
    assert len(milestones) >= 10 and len(items_of(m365, "Departures")) == 2
    (review,) = [m for m in milestones if m["KMKind"] == "mid-term review" and m["KMState"] == "planned"]
    assert review["KMOffice"] == "CO-BEL" and len(review["KMAsked"].split("\n")) == 7
    week = [(today + timedelta(days=n)).isoformat() for n in range(7)]
    assert review["KMDate"][:10] in week


async def test_the_older_lessons_belong_to_milestones_that_are_over(m365):
    provisioned(m365)
    await fill(m365, "calendar")
    rows = m365.state.all(
        "SELECT i.id, i.fields FROM item i JOIN list l ON l.id = i.list_id"
        " WHERE l.display_name = 'Milestones'"
    )
    over = {str(r["id"]) for r in rows if json.loads(r["fields"])["KMState"] == "closed"}
    lessons = items_of(m365, "Knowledge")
    assert len(over & {one.get("KMMilestone") for one in lessons}) == 3
    assert {one["KMMilestone"] for one in lessons if "KMMilestone" in one} <= over
    assert {term["Label"] for one in lessons for term in one.get("KMTopic", ())} >= {"Water supply"}


def test_everybody_named_in_the_calendar_works_there():
    staff = {person["key"]: person for person in seed.read("staff.json")["people"]}
    named = re.findall(r'"\$who": \[(.*?)\]', json.dumps(seed.read("calendar.json")))
    keys = {key for group in named for key in re.findall(r'"([^"]+)"', group)}
    assert keys and keys <= staff.keys()
    for person in staff.values():
        assert person["manager"] is None or person["manager"] in staff
        assert person.get("successor") in {None, *staff}
    for office in seed.read("staff.json")["offices"]:
        roles = [p.get("roles", []) for p in staff.values() if p["office"] == office["code"]]
        assert ["focal point"] in roles, office["code"]


@pytest.mark.parametrize("source", LIBRARY, ids=lambda s: s.name)
def test_a_document_reads_well_and_is_the_same_every_time(source):
    words = " ".join(str(block) for block in source.blocks).split()
    assert 250 <= len(words) <= 900
    assert source.office in {office["code"] for office in seed.read("staff.json")["offices"]}
    data = render(source)
    assert data == write_documents.WRITERS[source.format](source)
    assert data.startswith(b"%PDF" if source.format == "pdf" else b"PK")


def test_the_library_has_four_kinds_of_file_and_four_languages():
    assert {s.format for s in LIBRARY} == {"docx", "pptx", "xlsx", "pdf"}
    assert {s.language for s in LIBRARY} == {"en", "fr", "es", "ar"}
    assert not [s.name for s in LIBRARY if (s.language, s.format) == ("ar", "pdf")]
    assert len({(s.office, s.folder, s.file_name.casefold()) for s in LIBRARY}) == len(LIBRARY)


def one(kind, language):
    return next(s for s in LIBRARY if (s.format, s.language) == (kind, language))


def test_a_word_file_has_headings_lists_tables_and_runs_right_to_left():
    arabic = Document(io.BytesIO(render(one("docx", "ar"))))
    styles = {p.style.name for p in arabic.paragraphs}
    assert styles >= {"Title", "Heading 1", "List Bullet", "List Number"} and arabic.tables
    assert all(p._p.xpath("./w:pPr/w:bidi") for p in arabic.paragraphs if p.text)
    assert arabic.core_properties.language == "ar"


def test_a_presentation_has_speaker_notes():
    slides = Presentation(io.BytesIO(render(one("pptx", "en")))).slides
    assert all(slide.shapes.title.text for slide in slides)
    assert sum(slide.has_notes_slide for slide in slides) == len(slides)


def test_a_spreadsheet_has_sheets_with_numbers_in_them():
    book = load_workbook(io.BytesIO(render(one("xlsx", "en"))))
    assert len(book.sheetnames) == 3
    cells = [cell for row in book.worksheets[0].values for cell in row]
    assert any(isinstance(cell, int) for cell in cells)


def test_a_document_without_front_matter_is_refused_by_name():
    with pytest.raises(TemplateError, match=r"broken\.md"):
        sources.parse("broken.md", "# Only text")
