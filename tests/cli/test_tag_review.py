"""A plan gone through at the terminal, written with its other face, and applied."""

import asyncio
import io
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from km365.cli import main
from km365.core.feedback import Verdict
from km365.errors import ExitCode
from km365.store import feedback

from ..conftest import Provisioned
from .conftest import Ran, Type
from .terminal import CTRL_C, at_a_terminal
from .test_tag import tags, upload


@pytest.fixture
def answering(km365: Type, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`await answering("y", "n")("tag", "review", ...)`: the lines a person types, then the end of input."""

    def lines(*typed: str) -> Any:
        async def run(*words: str) -> Ran:
            monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
            return await km365(*words)

        return run

    return lines


def terms(plan: Any) -> dict[str, list[str]]:
    return {
        one["name"]: [term["id"] for column in one["columns"].values() for term in column["add"]]
        for one in plan["documents"]
    }


async def read(km365: Type, name: str = "tag-plan.json") -> Any:
    """The plan as JSON, whatever face it has."""
    copy = Path("copy.json")
    copy.unlink(missing_ok=True)  # noqa: ASYNC240
    assert (await km365("tag", "convert", name, "copy.json")).code == ExitCode.DONE
    return Ran(0, copy.read_text("utf-8"), "").json  # noqa: ASYNC240


async def test_answers_are_kept_at_once_and_the_review_goes_on_where_it_stopped(
    km365: Type, answering: Any, provisioned: Provisioned
) -> None:
    await upload(provisioned, "a.txt", "b.txt", "c.txt")
    await km365("tag", "plan", "--facets", "topic")
    before = terms(await read(km365))

    first = await answering("1", "c 1 not here", "a topic Child labour", "y", "q")(
        "tag", "review", "tag-plan.json"
    )
    assert first.code == ExitCode.DONE
    assert "[1/3] a.txt" in first.out and "[2/3] b.txt" in first.out and "mmuni" in first.out
    assert "Not gone through: 2." in first.err
    plan = await read(km365)
    assert terms(plan)["a.txt"] == [*before["a.txt"][1:], "topic/child-labour"]
    assert plan["documents"][0]["columns"]["KMTopic"]["left_out"][0]["comment"] == "not here"

    second = await answering("whales", "b", "y", "e 1 Whales", "n")("tag", "review", "tag-plan.json")
    assert "[1/3]" not in second.out
    assert "'whales' is no number from 1" in second.out
    assert "'Whales' is no term of 'Topic'" in second.out
    assert terms(await read(km365)) == {**terms(plan), "c.txt": []}
    assert list(Path().glob("*.answers")) == []  # noqa: ASYNC240

    applied = await km365("tag", "apply", "tag-plan.json")
    assert applied.code == ExitCode.DONE
    said = {(one.path, one.concept_id, one.verdict) for one in await provisioned.app.db.run(feedback.list_)}
    assert ("a.txt", before["a.txt"][0], Verdict.WRONG) in said
    assert ("a.txt", "topic/child-labour", Verdict.MISSING) in said
    assert ("b.txt", before["b.txt"][0], Verdict.RIGHT) in said
    listed = await km365("tag", "feedback", "list")
    assert ": not here\n" in listed.out, "a comment on a rejected term is kept"
    as_json = (await km365("tag", "feedback", "list", "--json")).json
    assert [one["concept_id"] for one in as_json if one["comment"] == "not here"] == [before["a.txt"][0]]
    assert "a.txt: not here" in (await km365("tag", "show", applied.err.split("tag undo ")[1].split()[0])).out


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
async def test_the_first_ctrl_c_ends_a_review_and_what_was_answered_is_kept(
    km365: Type, answering: Any, provisioned: Provisioned
) -> None:
    await upload(provisioned, "a.txt", "b.txt")
    await km365("tag", "plan", "--facets", "topic")
    async with at_a_terminal("tag", "review", "tag-plan.json") as review:
        await review.shows("Keep [y]: ")
        await review.type("y\n")
        await review.shows("Keep [y]: ")
        await asyncio.sleep(0.5)  # nobody is so fast that the reading has not begun behind the question
        await review.type(CTRL_C)
        assert "Not gone through: 1." in await review.rest()
        assert await review.code() == ExitCode.DONE
    assert "[1/2]" not in (await answering("q")("tag", "review", "tag-plan.json")).out


async def test_terms_are_kept_by_score_by_term_and_by_facet_without_a_question(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "a.txt")
    await km365("tag", "plan")
    before = await read(km365)
    scores = {
        one["id"]: one["score"]
        for column in before["documents"][0]["columns"].values()
        for one in column["add"]
    }
    best = max((one for one in scores if one.startswith("topic/")), key=lambda one: scores[one])
    done = await km365(
        *("tag", "review", "tag-plan.json", "--facet", "topic", "--accept-above", str(scores[best])),
        *("--reject-term", best, "--yes"),
    )
    assert done.code == ExitCode.DONE
    kept = terms(await read(km365))["a.txt"]
    assert not [one for one in kept if one.startswith("topic/")]
    assert [one for one in scores if not one.startswith("topic/")] == kept
    assert (await km365("tag", "review", "tag-plan.json", "--reject-term", "topic/x")).code == ExitCode.USAGE
    refused = await km365("tag", "convert", "tag-plan.json", "copy.json")
    assert refused.code == ExitCode.USAGE
    assert "is there, perhaps with edits" in refused.err
    odd = await km365("tag", "convert", "tag-plan.json", "plan.docx")
    assert (odd.code, "plan.docx: a plan file ends in .json" in odd.err) == (ExitCode.USAGE, True)


async def test_a_plan_for_excel_is_reviewed_edited_and_applied(
    km365: Type, answering: Any, provisioned: Provisioned
) -> None:
    file, bare = await upload(provisioned, "a.txt") + await upload(
        provisioned, "=bare.txt", data=b"Qwerty uiop."
    )
    planned = await km365("tag", "plan", "-o", "plan.xlsx", "--labels", "fr", "--facets", "topic,goal-area")
    assert planned.code == ExitCode.DONE
    assert (await answering("1", "y")("tag", "review", "plan.xlsx")).code == ExitCode.DONE
    book = openpyxl.load_workbook("plan.xlsx")
    sheet = book.worksheets[1]
    assert sheet.title == "Changements"
    columns = {cell.value: cell.column for cell in sheet[1]}
    assert [sheet.cell(3, columns["decision"]).value, sheet.cell(4, columns["decision"]).value] == [
        "non",
        "oui",
    ]
    last = sheet.max_row + 1
    for name, value in {"document": "=bare.txt", "column": "topic", "term": "Travail des enfants"}.items():
        sheet.cell(last, columns[name]).value = value
        sheet.cell(last, columns[name]).data_type = "s"
    book.save("plan.xlsx")

    applied = await km365("tag", "apply", "plan.xlsx")
    assert applied.code == ExitCode.DONE, applied.err
    assert await tags(provisioned, bare) == {"KMTopic": ["Child labour"]}
    assert await tags(provisioned, file)

    await asyncio.to_thread(_break, Path("plan.xlsx"))
    refused = await km365("tag", "apply", "plan.xlsx")
    assert refused.code == ExitCode.REFUSED
    assert f"“Changements” row {last}, Terme: 'Baleines' is no term of 'Thème'" in refused.err


def _break(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[1]
    term = next(cell.column for cell in sheet[1] if cell.value == "term")
    sheet.cell(sheet.max_row, term).value = "Baleines"
    book.save(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--facets", "topics"), "there is no facet 'topics'; there are goal-area, topic"),
        (
            ("--mode", "topics=fill"),
            "'topics=fill' is neither one of add, fill, replace nor",
        ),
        (("--list", "Knowledge", "--type", "pdf"), "--list goes with neither"),
        (("--json", "-o", "plan.xlsx"), "--json prints the plan as JSON"),
        (("-o", "plan.xls"), "plan.xls: a plan file ends in .json, or in .xlsx for Excel"),
        (("--sample", "0"), "0 is not in the range x>=1"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KM365_HOME", str(tmp_path))
    monkeypatch.setenv("KM365_GRAPH_URL", "http://127.0.0.1:9/v1.0")
    with pytest.raises(SystemExit) as left:
        main(["tag", "plan", *words])
    assert left.value.code == ExitCode.USAGE
    assert said in capsys.readouterr().err
