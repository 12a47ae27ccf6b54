"""`km365 milestone import`: all of a sheet or nothing, once, and again after a kill."""

import asyncio
import io
import zipfile
from datetime import date, timedelta
from pathlib import Path

import openpyxl

from km365.core.schedule import Milestone
from km365.documents.calendar_words import CalendarWords
from km365.graph import lists, sites
from km365.services import calendar, calendar_import
from km365.store import locks

from ..conftest import Provisioned, sign_in_name
from .conftest import Type, start

SOON = date.today() + timedelta(days=40)
HEADINGS = ("Office", "Programme", "Kind", "Title", "Date", "Who is asked", "State")


def book(file: Path, *rows: tuple, headings: tuple = HEADINGS) -> Path:
    made = openpyxl.Workbook()
    made.active.title = "2027"
    for row in (headings, *rows):
        made.active.append(row)
    made.save(file)
    return file


def put(name: str, data: bytes) -> None:
    Path(name).write_bytes(data)


async def kept(here: Provisioned) -> list[Milestone]:
    found = await calendar.milestones(here.app.graph, here.app.settings)
    return sorted(found, key=lambda one: int(one.id))


REVIEW = ("CO-BEL", "Belmora", "MTR", "Mid-term review", SOON, sign_in_name("ann"), "")
CLOSURE = ("co-bel", "Belmora", "Clôture", "Closure", SOON + timedelta(days=1), "", "")


async def test_a_dry_run_lists_what_would_be_done_and_changes_nothing(km365: Type, provisioned) -> None:
    book(Path("a.xlsx"), REVIEW, CLOSURE)
    ran = await km365("milestone", "import", "a.xlsx", "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert "new" in ran.out and "sheet “2027”, row 3" in ran.out and "2 new" in ran.out
    assert await kept(provisioned) == []


async def test_a_sheet_is_taken_in_once_and_what_moves_is_moved(km365: Type, provisioned) -> None:
    book(Path("a.xlsx"), REVIEW, CLOSURE)
    assert (await km365("milestone", "import", "a.xlsx", "--yes")).out.endswith("2 written\n")
    first, second = await kept(provisioned)
    assert (first.title, first.kind, first.due_on) == ("Mid-term review", "mid-term review", SOON)
    assert first.asked == (sign_in_name("ann"),) and first.programme == "Belmora"
    assert (second.office, second.kind, second.state) == ("CO-BEL", "closure", "planned")

    again = await km365("milestone", "import", "a.xlsx")
    assert (again.code, again.out) == (0, "2 unchanged\n")
    later = SOON + timedelta(days=9)
    book(Path("b.xlsx"), (*REVIEW[:4], later, "", ""), (*CLOSURE[:6], "annulée"))
    ran = await km365("milestone", "import", "b.xlsx", "--yes", "--json")
    assert [one["change"] for one in ran.json["milestones"]] == ["moved", "cancelled"]
    assert ran.json["milestones"][0]["fields"] == {"KMDate": later.isoformat()}
    first, second = await kept(provisioned)
    assert (first.due_on, second.state, len(await kept(provisioned))) == (later, "cancelled", 2)
    with provisioned.app.db.begin() as c:
        (job, *_) = provisioned.app.jobs.list_(c)
    assert job.name == "scan", "what is pending follows"


async def test_one_wrong_cell_and_nothing_is_imported(km365: Type, provisioned) -> None:
    book(
        Path("a.xlsx"),
        REVIEW,
        ("CO-BLE", "", "MTR", "A", SOON, "", ""),
        ("CO-BEL", "", "MTR", "B", SOON, f"{sign_in_name('ann')}\nnobody@agency.example", ""),
        ("CO-BEL", "", "MTR", "C", "03/04/2027", "", ""),
    )
    ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert ran.code == 4
    assert "row 5, column E (Date)" in ran.err and "nothing was changed" in ran.err
    book(Path("a.xlsx"), *(REVIEW, ("CO-BLE", "", "MTR", "A", SOON, "", "")))
    ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert "row 3, column A (Office): nobody works in an office 'CO-BLE'; is it CO-BEL?" in ran.err
    book(
        Path("a.xlsx"), ("CO-BEL", "", "MTR", "B", SOON, f"{sign_in_name('ann')}\nnobody@agency.example", "")
    )
    ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert "row 2, column F (Who is asked): name 2 is nobody's" in ran.err and "nobody@" not in ran.err
    assert await kept(provisioned) == []


async def test_a_csv_file_of_one_office_in_french(km365: Type, provisioned) -> None:
    asked = f'"{sign_in_name("ann")}\n{sign_in_name("sue")}"'
    text = f"Intitulé;Type;Date;Participants\nRevue;MTR;{SOON};{asked}\n\nBilan;Revue annuelle;{SOON};\n"
    put("a.csv", text.encode("utf-8-sig"))
    ran = await km365("milestone", "import", "a.csv", "--office", "co-bel", "--yes")
    assert ran.code == 0, ran.err
    assert [(one.office, one.kind, len(one.asked)) for one in await kept(provisioned)] == [
        ("CO-BEL", "mid-term review", 2),
        ("CO-BEL", "end-year review", 0),
    ]
    assert "row 5" in (await km365("milestone", "import", "a.csv", "--office", "nowhere")).err


async def test_a_hostile_file_is_refused_by_name(km365: Type, provisioned) -> None:
    put("a.xlsx", b"PK\x03\x04 torn")
    ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert ran.code == 4
    assert "a.xlsx is damaged" in ran.err


async def test_a_formula_counts_as_what_it_was_last_computed_to(km365: Type, provisioned) -> None:
    book(Path("a.xlsx"), (*REVIEW[:4], f"=DATE({SOON.year},{SOON.month},{SOON.day})", "", ""))
    ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert "column E (Date): begins like a formula" in ran.err, "nobody has computed it"
    serial = (SOON - date(1899, 12, 30)).days
    out = io.BytesIO()
    with zipfile.ZipFile("a.xlsx") as read, zipfile.ZipFile(out, "w") as write:
        for part in read.namelist():
            data = read.read(part)
            write.writestr(
                part, data.replace(b"<v></v>", b"<v>%d</v>" % serial).replace(b"<v />", b"<v>%d</v>" % serial)
            )
    put("a.xlsx", out.getvalue())
    ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert ran.code == 0, ran.err
    assert [one.due_on for one in await kept(provisioned)] == [SOON]


async def test_what_somebody_changed_in_sharepoint_meanwhile_is_left_alone(km365: Type, provisioned) -> None:
    book(Path("a.xlsx"), REVIEW, CLOSURE)
    await km365("milestone", "import", "a.xlsx", "--yes")
    moved = [(*one[:4], one[4] + timedelta(days=3), *one[5:]) for one in (REVIEW, CLOSURE)]
    file = book(Path("a.xlsx"), *moved)
    graph, settings = provisioned.app.graph, provisioned.app.settings
    words = CalendarWords(provisioned.app.templates).vocabulary()
    found = await calendar_import.plan(graph, settings, file, words, today=date.today())
    site = await sites.get_site(graph, settings.knowledge_site)
    target = await lists.get_list(graph, site.id, "Milestones")
    await lists.update_fields(graph, site.id, target.id, "1", {"Title": "Renamed"})
    done = await calendar_import.apply(graph, settings, found)
    assert done.written == 1
    assert "row 2: somebody changed the entry in SharePoint meanwhile" in done.problems[0]
    assert [one.due_on for one in await kept(provisioned)] == [SOON, SOON + timedelta(days=4)]


async def test_an_import_that_was_killed_goes_on_where_it_was(km365: Type, provisioned, tmp_path) -> None:
    days = [date(2027, 1, 1) + timedelta(days=n) for n in range(120)]
    book(tmp_path / "a.xlsx", *((*REVIEW[:3], f"Review {n}", day, "", "") for n, day in enumerate(days)))
    process = await start(provisioned, tmp_path, "milestone", "import", "a.xlsx", "--yes")
    written = "SELECT count(*) AS count FROM item WHERE json_extract(fields, '$.KMKind') = 'mid-term review'"
    while not provisioned.m365.state.one(written)["count"]:  # noqa: ASYNC110 - another process's
        await asyncio.sleep(0.002)
    process.kill()
    await process.communicate()
    ran = await km365("milestone", "import", str(tmp_path / "a.xlsx"), "--yes")
    assert ran.code == 0, ran.err
    titles = [one.title for one in await kept(provisioned)]
    assert sorted(titles) == sorted(f"Review {n}" for n in range(120))


async def test_two_imports_at_once_are_one_after_the_other(km365: Type, provisioned) -> None:
    book(Path("a.xlsx"), REVIEW)
    with locks.alone(provisioned.home, "milestone-import"):
        ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert ran.code == 4 and "busy with milestone-import" in ran.err


async def test_a_list_without_its_key_column_is_named(km365: Type, provisioned) -> None:
    book(Path("a.xlsx"), REVIEW)
    graph = provisioned.app.graph
    site = await sites.get_site(graph, provisioned.app.settings.knowledge_site)
    target = await lists.get_list(graph, site.id, "Milestones")
    (key,) = [one for one in await lists.list_columns(graph, site.id, target.id) if one.name == "KMKey"]
    await graph.delete(f"{lists.list_path(site.id, target.id)}/columns/{key.id}")
    ran = await km365("milestone", "import", "a.xlsx", "--yes")
    assert ran.code == 4 and "has no column Key; `km365 provision apply`" in ran.err
