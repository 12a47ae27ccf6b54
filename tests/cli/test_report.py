"""`km365 report loop` and `km365 lesson export` as typed, and what their files hold."""

import csv
import io
import json
from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.core.csv_text import write
from km365.core.knowledge import Maturity, from_fields, to_fields
from km365.core.schema import KNOWLEDGE
from km365.errors import ExitCode
from km365.services import capture

from ..conftest import Provisioned, sign_in_name
from ..services.lessons import NOW, lesson
from .conftest import Type

ANN, BEN, EVE = (sign_in_name(name) for name in ("ann", "ben", "eve"))
FORMULA = '=HYPERLINK("https://x.example","Pay")\nsecond line; with, marks'


@pytest.fixture
async def lessons(provisioned: Provisioned) -> Provisioned:
    """Three of Ann, of Belmora: for everyone, for her office, and for herself."""
    for number, audience in enumerate((Audience.EVERYONE, Audience.OFFICE, Audience.NAMED)):
        item = lesson(id=f"KM-{number}", title="@Ask", description=FORMULA, audience=audience)
        app = provisioned.app
        await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)
    return provisioned


def read_back(path: Path) -> list[dict[str, str]]:
    """The rows of a file as a program reads them, which takes the apostrophe away."""
    text = path.read_bytes().decode("utf-8-sig")
    rows = [[cell.removeprefix("'") for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


async def test_an_export_holds_what_that_person_may_read_and_reads_back(
    km365: Type, lessons: Provisioned, tmp_path: Path
) -> None:
    file = tmp_path / "lessons.csv"
    done = await km365("lesson", "export", "-o", str(file), "--as", BEN)
    assert done.code == ExitCode.DONE and "2 items written" in done.err
    assert b"\n=" not in file.read_bytes() and b",=" not in file.read_bytes()
    rows = read_back(file)
    assert [row["Record id"] for row in rows] == ["KM-0", "KM-1"]
    names = {column.title: column.name for column in KNOWLEDGE.columns} | {"Title": "Title"}
    first = from_fields({names[title]: cell for title, cell in rows[0].items() if title in names})
    sent = lesson(id="KM-0", title="@Ask", description=FORMULA, maturity=Maturity.IN_REVIEW, submitted_at=NOW)
    assert to_fields(first) == to_fields(sent)
    assert rows[0]["Captured on"] == "2026-03-02" and rows[0]["Address"].startswith("http")


async def test_what_is_for_few_never_goes_into_a_file_even_of_its_author(
    km365: Type, lessons: Provisioned, tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    done = await km365("lesson", "export", "-o", str(file), "--as", ANN)
    items = json.loads(file.read_text("utf-8"))["items"]
    assert [one["id"] for one in items] == ["KM-0", "KM-1"] and "KM-2" not in file.read_text("utf-8")
    assert items[0]["columns"]["What happened"] == FORMULA
    assert [step["after"] for step in items[0]["history"]] == ["in review"], "she wrote it"
    assert "1 more that you may read" in done.err


async def test_another_office_gets_what_is_for_everyone_without_its_history_and_only_what_is_chosen(
    km365: Type, lessons: Provisioned, tmp_path: Path
) -> None:
    file = tmp_path / "theirs.json"
    unchecked = await km365("lesson", "export", "-o", str(file), "--office", "CO-B*", "--as", EVE)
    assert "0 items written" in unchecked.err and "1 more that you may read" in unchecked.err
    await km365("lesson", "review", "KM-0", "--accept", "--as", BEN)
    await km365("lesson", "export", "-o", str(file), "--office", "CO-B*", "--as", EVE)
    (item,) = json.loads(file.read_text("utf-8"))["items"]
    assert (item["id"], item["history"]) == ("KM-0", [])
    assert {
        item["columns"][title] for title in ("Contributors", "Validated by", "In the author's words")
    } == {""}
    for option, value in (("--maturity", "published"), ("--from", "2026-04-01"), ("--language", "fr")):
        none = await km365("lesson", "export", "-o", str(file), option, value, "--as", EVE)
        assert "0 items written" in none.err


async def test_the_loop_is_told_in_words_and_as_files(
    km365: Type, lessons: Provisioned, tmp_path: Path
) -> None:
    told = await km365("report", "loop", "--from", "2026-03", "--to", "2026-03")
    assert told.code == ExitCode.DONE
    assert "CO-BEL" in told.out and "<5" in told.out
    as_json = (await km365("report", "loop", "--from", "2026-03", "--to", "2026-03", "--json")).json
    assert as_json["all"]["items"]["captured"] == "…", "the sum of one small number would tell it"
    page, sheet = tmp_path / "loop.html", tmp_path / "loop.csv"
    for file in (page, sheet):
        span = ("--from", "2026-03", "--to", "2026-03", "--by", "month", "--language", "ar")
        assert (await km365("report", "loop", *span, "-o", str(file))).code == ExitCode.DONE
    assert 'dir="rtl"' in page.read_text("utf-8") and "Ann" not in page.read_text("utf-8")
    assert read_back(sheet)[0]["month"] == "2026-03"


async def test_a_loop_that_ends_before_it_begins_or_goes_nowhere_is_wrong_usage(km365: Type) -> None:
    assert (await km365("report", "loop", "--from", "2026-03", "--to", "2026-02")).code == ExitCode.USAGE
    assert (await km365("report", "loop", "-o", "loop.docx")).code == ExitCode.USAGE


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "'quoted", "＝1", "plain", ""])
def test_a_text_is_no_formula_and_loses_only_the_apostrophe(text: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(write([[text]]), newline="")))
    assert cell.removeprefix("'") == text if cell.startswith("'") else cell == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "＝"))
