"""`km365 milestone plan`: a cycle proposed, looked over, imported."""

import openpyxl

from km365.services import calendar

from .conftest import Type

ASKED = ("milestone", "plan", "--office", "CO-BEL", "--programme", "Belmora", "--ends", "2040-12-31")


async def test_a_plan_is_proposed_written_corrected_and_imported(km365: Type, provisioned) -> None:
    ran = await km365(*ASKED, "--language", "fr", "-o", "plan.xlsx")
    assert ran.code == 0, ran.err
    assert "2038-07-01" in ran.out and "Revue à mi-parcours : Belmora" in ran.out
    first = await km365("milestone", "import", "plan.xlsx", "--yes")
    assert (first.code, first.out.splitlines()[-1]) == (0, "19 written")

    book = openpyxl.load_workbook("plan.xlsx")
    sheet = book.active
    row = next(n for n in range(2, 30) if "mi-parcours" in sheet.cell(n, 3).value)
    sheet.cell(row, 1).value, sheet.cell(row, 3).value = "2038-10-04", "Revue, plus tard"
    book.save("plan.xlsx")
    again = await km365("milestone", "import", "plan.xlsx", "--yes")
    assert "1 moved, 18 unchanged" in again.out
    kept = await calendar.milestones(provisioned.app.graph, provisioned.app.settings)
    assert len(kept) == 19
    assert [str(one.due_on) for one in kept if one.title == "Revue, plus tard"] == ["2038-10-04"]


async def test_what_has_passed_is_left_out_unless_it_is_asked_for(km365: Type) -> None:
    said = ("milestone", "plan", "--office", "CO-BEL", "--ends", "2020-12-31")
    assert (await km365(*said, "--json")).json == []
    assert "19 milestones whose day has passed" in (await km365(*said)).err
    assert len((await km365(*said, "--past", "--json")).json) == 19


async def test_the_weekend_that_is_set_is_heeded(km365: Type, monkeypatch) -> None:
    monkeypatch.setenv("KM365_WEEKEND", "friday,saturday")
    days = {one["title"]: one["due_on"] for one in (await km365(*ASKED, "--json")).json}
    assert days["End-year review 2038: Belmora"] == "2038-12-09", "10 December 2038 is a Friday"


async def test_cycles_are_listed_with_what_is_wrong_with_them(km365: Type, tmp_path, monkeypatch) -> None:
    ran = await km365("milestone", "cycles")
    assert ran.code == 0 and "country-programme" in ran.out and "19" in ran.out
    wrong = tmp_path / "own" / "cycles" / "x.toml"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("years = 0\n", encoding="utf-8")
    monkeypatch.setenv("KM365_TEMPLATES", str(tmp_path / "own"))
    ran = await km365("milestone", "cycles")
    assert ran.code == 1 and "cycles/x.toml, line 1" in ran.err
