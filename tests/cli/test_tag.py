"""`km365 tag` as typed: the plan file, the exit codes, and a run that is killed again and again."""

import asyncio
import html
import json
import random
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from km365.cli import console, tag_run
from km365.documents.causes import Causes
from km365.errors import Cause, ExitCode
from km365.graph import drives, sites
from km365.graph.drives import File
from km365.graph.metadata import Target, TermRef, decode, write_terms
from km365.local import faults
from km365.services import tag_run as running
from km365.services import term_copy
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates

from ..conftest import BELMORA, Provisioned
from .conftest import Type, start
from .terminal import CTRL_C, at_a_terminal

TEXT = b"Evaluation of the immunization campaign.\n\nVaccines reached every district; cold chain and nurses."


async def upload(here: Provisioned, *names: str, data: bytes = TEXT) -> list[File]:
    site = await sites.get_site(here.app.graph, BELMORA)
    drive = await drives.get_drive(here.app.graph, site.id, "Documents")
    return [await drives.upload(here.app.graph, drive.id, name, data) for name in names]


async def tags(here: Provisioned, file: File) -> dict[str, list[str]]:
    item = await drives.get_fields(here.app.graph, file.drive_id, file.id)
    found = {
        name: [t.label for t in decode(value)] for name, value in item.fields.items() if name[:2] == "KM"
    }
    return {name: labels for name, labels in found.items() if labels}


def field_writes(here: Provisioned) -> list[str]:
    """The files whose fields were changed, in order, from the server's own journal."""
    rows = here.m365.state.all("SELECT path FROM journal WHERE verb = 'PATCH' AND status = 200 ORDER BY seq")
    return [
        str(row["path"]).split("/items/")[1].partition("/")[0] for row in rows if "/listItem/" in row["path"]
    ]


async def test_a_library_is_planned_applied_shown_and_undone(km365: Type, provisioned: Provisioned) -> None:
    (file,) = await upload(provisioned, "2026/evaluation.txt")

    planned = await km365("tag", "plan")
    assert planned.code == ExitCode.DONE
    assert "2026/evaluation.txt" in planned.out
    assert "mmuni" in planned.out, "the reason is quoted"
    assert "Read and edit tag-plan.json, then: km365 tag apply tag-plan.json" in planned.err

    applied = await km365("tag", "apply", "tag-plan.json", "--json")
    assert applied.code == ExitCode.DONE
    run = applied.json["run"]["id"]
    assert f"km365 tag undo {run}" in applied.err
    assert await tags(provisioned, file)

    shown = await km365("tag", "show", run)
    assert shown.code == ExitCode.DONE
    assert "2026/evaluation.txt" in shown.out
    assert "done   Goal area" in shown.out and "- -> " in shown.out
    assert run in (await km365("tag", "list")).out

    undone = await km365("tag", "undo", run)
    assert undone.code == ExitCode.DONE
    assert await tags(provisioned, file) == {}
    assert [(one["kind"], one["state"]) for one in (await km365("tag", "list", "--json")).json] == [
        ("undo", "done"),
        ("tag", "undone"),
    ]
    again = await km365("tag", "undo", run)
    assert again.code == ExitCode.REFUSED
    assert again.err.count("\n") == 1, "no progress of what was refused"
    assert (await km365("tag", "apply", "tag-plan.json")).err.count("\n") == 1


async def test_what_could_not_be_read_is_listed_and_the_exit_code_says_in_part(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "good.txt")
    await upload(provisioned, "Old reports/broken.docx", data=b"PK\x03\x04 no")
    planned = await km365("tag", "plan", "--json")
    assert planned.code == ExitCode.PARTLY
    assert "Not read: Old reports/broken.docx: broken.docx" in planned.err
    broken, good = sorted(planned.json["documents"], key=lambda one: one["path"])
    assert (good["name"], broken["not_read"][:11]) == ("good.txt", "broken.docx")


async def test_a_report_tells_what_the_plan_could_not_read_and_why_in_its_reader_s_language(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "good.txt")
    await upload(provisioned, "Old reports/empty.txt", data=b" ")
    await km365("tag", "plan")
    run = (await km365("tag", "apply", "tag-plan.json", "--json")).json["run"]["id"]
    why = Causes.read(Templates()).said("fr", Cause(key="empty"), "")
    told = await km365("tag", "report", run, "-o", "report.html", "--language", "fr")
    assert "Not changed: 1." in told.out
    page = html.unescape(Path("report.html").read_text("utf-8"))  # noqa: ASYNC240
    assert "Old reports/empty.txt" in page and "illisible" in page and why in page
    await km365("tag", "report", run, "-o", "report.xlsx", "--language", "fr")
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook("report.xlsx")["Non modifiés"]]
    assert [row[1:] for row in rows[1:]] == [["Old reports/empty.txt", "illisible", why]]
    undone = (await km365("tag", "undo", run, "--json")).json["run"]["id"]
    assert (await km365("tag", "report", undone, "--json")).json["left"] == []


async def test_a_plan_with_edits_is_not_overwritten(km365: Type, provisioned: Provisioned) -> None:
    await upload(provisioned, "a.txt")
    Path("tag-plan.json").write_text("my edits", encoding="utf-8")  # noqa: ASYNC240
    refused = await km365("tag", "plan")
    assert refused.code == ExitCode.USAGE
    assert "--overwrite" in refused.err
    assert Path("tag-plan.json").read_text("utf-8") == "my edits"  # noqa: ASYNC240
    assert (await km365("tag", "plan", "--overwrite")).code == ExitCode.DONE
    assert Path("tag-plan.json").read_text("utf-8") != "my edits"  # noqa: ASYNC240


SLOW_TO_LIST: dict[str, Any] = {"path": "*/items*", "status": 503, "retry_after_s": None, "times": 2}
"""Seconds pass before the third answer, in which a key can be pressed."""


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
async def test_a_plan_says_at_a_terminal_what_it_is_about_and_that_nothing_was_read_when_it_is_stopped_there(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "a.txt", "b.txt")
    async with at_a_terminal("tag", "plan") as plan:
        await plan.shows("Reading the taxonomy …")
        await plan.shows("Looking for documents …")
        await plan.shows("Reading: 0 of 2")
        await plan.rest()
        assert await plan.code() == ExitCode.DONE
    faults.switch(provisioned.m365.state, "next_requests", on=True, **SLOW_TO_LIST)
    async with at_a_terminal("tag", "plan", "-o", "other.json") as plan:
        await plan.shows("Looking for documents …")
        await plan.type(CTRL_C)
        said = await plan.rest()
        assert await plan.code() == ExitCode.FAILED
    assert "Nothing was read yet; no plan was written." in said
    assert "Stopped." not in said
    assert not Path("other.json").exists()  # noqa: ASYNC240


async def test_a_plan_says_how_old_the_terms_are_that_it_works_with(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "a.txt")
    copy = provisioned.home / term_copy.CACHE
    copy.unlink(missing_ok=True)
    planned = await km365("tag", "plan")
    assert "The terms are" not in planned.err, "they were read for it"
    head, *terms = copy.read_text("utf-8").splitlines()
    read_at = datetime.now(UTC) - timedelta(minutes=5)
    aged = json.dumps(json.loads(head) | {"read_at": read_at.isoformat()})
    copy.write_text("\n".join([aged, *terms]), "utf-8")
    planned = await km365("tag", "plan", "--overwrite")
    assert "The terms are 5 minutes old; `km365 taxonomy pull` reads them anew." in planned.err
    await km365("taxonomy", "pull")
    planned = await km365("tag", "plan", "--overwrite")
    assert "The terms are" not in planned.err


async def test_a_search_and_what_changed_since_are_not_planned_together(km365: Type) -> None:
    refused = await km365("tag", "plan", "--search", "cold chain", "--since-last")
    assert refused.code == ExitCode.USAGE
    assert "--search goes not with --since-last" in refused.err
    assert not Path("tag-plan.json").exists()  # noqa: ASYNC240
    told = " ".join((await km365("tag", "plan", "--help")).out.split())
    assert "not with --search" in told and "not with --since-last" in told


async def test_a_plan_file_that_cannot_be_written_is_said_before_anything_is_read(km365: Type) -> None:
    refused = await km365("tag", "plan", "-o", "no/such/folder/plan.json")
    assert refused.code == ExitCode.FAILED
    assert refused.err.startswith("km365: The plan could not be written to no/such/folder/plan.json")
    assert refused.err.count("\n") == 1


async def test_a_plan_file_of_a_name_that_no_disk_takes_is_said(km365: Type) -> None:
    refused = await km365("tag", "plan", "-o", "a" * 300 + ".json")
    assert refused.code == ExitCode.FAILED
    assert refused.err.startswith("km365: The plan could not be written to aaa")


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"{", ExitCode.REFUSED, "plan.json, line 1: not JSON"),
        (b"{}", ExitCode.REFUSED, "plan.json is no plan of km365"),
        (b"\xff\xfe\x00", ExitCode.FAILED, "plan.json cannot be read"),
    ],
)
async def test_what_is_no_plan_is_refused_in_one_line(
    km365: Type, tmp_path: Path, content: bytes, code: int, said: str
) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    refused = await km365("tag", "apply", str(file))
    assert refused.code == code
    assert said in refused.err
    assert refused.err.count("\n") == 1


async def test_what_somebody_changed_is_listed_and_the_exit_code_says_in_part(
    km365: Type, provisioned: Provisioned, vocabulary: Vocabulary
) -> None:
    first, second, third = await upload(provisioned, "a.txt", "b.txt", "c.txt")
    await km365("tag", "plan")
    file = Path("tag-plan.json")  # saved by an editor on Windows, as people do
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))  # noqa: ASYNC240
    graph = provisioned.app.graph
    await drives.update_fields(graph, first.drive_id, first.id, {"Title": "Mine"})

    applied = await km365("tag", "apply", "tag-plan.json", "--json")
    assert applied.code == ExitCode.PARTLY
    assert "conflict: a.txt: It was changed in the meantime and left alone." in applied.err
    assert "Written: 2. Unchanged: 0. Left: 1." in applied.err
    (row,) = [
        line
        for line in (await km365("tag", "show", applied.json["run"]["id"])).out.splitlines()
        if line.startswith("conflict") and "Topic" in line
    ]
    assert "planned: - -> " in row

    other = TermRef(id=str(vocabulary.taxonomy.by_key["topic"].concepts[-1].term_id), label="Other")
    note = await _topic_note(provisioned)
    await write_terms(graph, Target.file(second.drive_id, second.id), {"KMTopic": [other]}, notes=note)
    undone = await km365("tag", "undo", applied.json["run"]["id"])
    assert undone.code == ExitCode.PARTLY
    assert "conflict: b.txt: Changed since and left alone: Topic." in undone.err
    assert await tags(provisioned, third) == {}

    shown = (await km365("tag", "show", f"undo-{applied.json['run']['id']}")).out.splitlines()
    rows = [line for line in shown if line.endswith("b.txt")]
    assert {(line.split()[0], "Topic " in line, "planned: " in line) for line in rows} == {
        ("conflict", True, True),
        ("done", False, False),
    }
    past = (await km365("tag", "history", "b.txt")).out.splitlines()
    rows = [line for line in past if f" {applied.json['run']['id']}" in line]
    assert {
        ("done, not undone" in line, "done, undone since" in line, "Topic " in line) for line in rows
    } == {
        (True, False, True),
        (False, True, False),
    }
    unwritten = (await km365("tag", "history", "a.txt")).out
    assert "conflict" in unwritten and "undone" not in unwritten


async def test_what_a_colleague_s_copy_wrote_already_is_unchanged_in_every_report(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "notes on a trip.txt", "b.txt")
    await km365("tag", "plan", "--facets", "topic")
    plan = json.loads(Path("tag-plan.json").read_text(encoding="utf-8"))  # noqa: ASYNC240
    plan["documents"] = [one for one in plan["documents"] if one["path"] != "b.txt"]
    Path("copy.json").write_text(json.dumps(plan), encoding="utf-8")  # noqa: ASYNC240
    first = await km365("tag", "apply", "copy.json", "--json")
    second = await km365("tag", "apply", "tag-plan.json", "--json")
    assert "Written: 1. Unchanged: 1. Left: 0." in second.err
    run = second.json["run"]["id"]

    listed = {one["id"]: one for one in (await km365("tag", "list", "--json")).json}
    assert [listed[run][name] for name in ("written", "unchanged", "left")] == [1, 1, 0]
    (line,) = [row for row in (await km365("tag", "list")).out.splitlines() if row.startswith(run)]
    assert line.split()[3:6] == ["1", "1", "0"]
    (same,) = [row for row in (await km365("tag", "show", run)).out.splitlines() if row.startswith("same")]
    assert "(there already)" in same and "->" not in same

    past = await km365("tag", "history", "On a trip")
    assert past.code == ExitCode.DONE, past.err
    assert first.json["run"]["id"] in past.out and "(written by km365)" in past.out
    await km365("tag", "undo", first.json["run"]["id"])
    assert "(as before km365)" in (await km365("tag", "history", "on a trip")).out

    nothing = await km365("tag", "apply", "copy.json")
    assert nothing.code == ExitCode.REFUSED


async def _apply_interrupted(here: Provisioned, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tag apply`, interrupted when its first documents are written."""

    def interrupted(*_: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    apply: Any = tag_run.apply.callback  # what stands below the handling of a signal
    with monkeypatch.context() as cut:
        cut.setattr(console.Progress, "advance", interrupted)
        with pytest.raises(asyncio.CancelledError):
            await apply.__wrapped__(here.app, plan_file=Path("tag-plan.json"), as_json=False)


async def test_a_run_that_is_interrupted_when_all_is_written_is_over(
    km365: Type, provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await upload(provisioned, "a.txt")
    await km365("tag", "plan")
    await _apply_interrupted(provisioned, monkeypatch)
    said = capsys.readouterr().err
    assert "had come to its end. What came of it: km365 tag show tag-" in said
    assert "To take it back: km365 tag undo tag-" in said and "cut off" not in said
    (run,) = (await km365("tag", "list", "--json")).json
    assert run["state"] == "done"


async def test_a_run_that_was_cut_off_says_what_it_has_not_reached_until_it_is_undone(
    km365: Type, provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await upload(provisioned, "a.txt", "b.txt", "c.txt")
    await km365("tag", "plan")
    monkeypatch.setattr(running, "AT_ONCE", 1)
    await _apply_interrupted(provisioned, monkeypatch)
    assert "was cut off. To go on: km365 tag apply tag-plan.json" in capsys.readouterr().err
    (run,) = (await km365("tag", "list", "--json")).json
    assert (run["state"], run["written"], run["left"]) == ("stopped", 1, 2)
    shown = (await km365("tag", "show", run["id"])).err
    assert "not known; the same command goes on.\nNot reached: 1; the same command goes on.\n" in shown
    await km365("tag", "report", run["id"], "-o", "run.html")
    assert "Not reached yet</dt><dd>1<" in Path("run.html").read_text("utf-8")  # noqa: ASYNC240

    await km365("tag", "undo", run["id"])
    shown = (await km365("tag", "show", run["id"])).err
    assert "Not reached: 1.\n" in shown and "goes on" not in shown


async def test_a_run_that_found_nothing_to_write_is_named_too(km365: Type, provisioned: Provisioned) -> None:
    (file,) = await upload(provisioned, "a.txt")
    await km365("tag", "plan", "--facets", "topic")
    await drives.update_fields(provisioned.app.graph, file.drive_id, file.id, {"Title": "Mine"})
    applied = await km365("tag", "apply", "tag-plan.json", "--json")
    assert "Written: 0. Unchanged: 0. Left: 1." in applied.err
    assert f"Run {applied.json['run']['id']}.\n" in applied.err


async def _topic_note(here: Provisioned) -> dict[str, str]:
    row = here.m365.state.one(
        "SELECT c.name FROM column_definition c JOIN list l ON l.id = c.owner JOIN site s ON s.id = l.site_id"
        " WHERE c.note_of = 'KMTopic' AND s.path = '/sites/co-bel'"
    )
    assert row is not None
    return {"KMTopic": row["name"]}


async def test_an_unknown_run_library_or_site_is_named(km365: Type) -> None:
    run = await km365("tag", "show", "tag-none")
    assert (run.code, run.err) == (
        ExitCode.FAILED,
        "km365: There is no run 'tag-none'; `km365 tag list` shows the runs there are.\n",
    )
    library = await km365("tag", "plan", "--library", "Papers")
    assert library.code == ExitCode.FAILED
    assert "no library 'Papers'; its libraries: 'Documents'" in library.err
    site = await km365("tag", "plan", "--site", "childrensagency.sharepoint.example:/sites/nowhere")
    assert site.code == ExitCode.FAILED
    assert "'childrensagency.sharepoint.example:/sites/nowhere'" in site.err


async def until_written(here: Provisioned, child: asyncio.subprocess.Process, count: int) -> None:
    """Returns once `count` documents have been written in all, or the child has ended."""
    while len(field_writes(here)) < count and child.returncode is None:  # noqa: ASYNC110 - another process's
        await asyncio.sleep(0.002)


async def test_a_run_killed_at_any_moment_ends_with_each_document_written_once(
    km365: Type,
    provisioned: Provisioned,
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = replace(provisioned.app.settings, database_url=database_url)
    provisioned = replace(provisioned, app=replace(provisioned.app, settings=settings))
    monkeypatch.setenv("KM365_DATABASE_URL", database_url)
    count = 70
    files = await upload(provisioned, *(f"{number:03}.txt" for number in range(count)))
    file = tmp_path / "plan.json"
    await km365("tag", "plan", "-o", str(file))
    plan = json.loads(file.read_bytes())
    wanted = [
        {column: [one["term"] for one in value["add"]] for column, value in document["columns"].items()}
        for document in sorted(plan["documents"], key=lambda one: one["name"])
    ]

    for number, moment in enumerate(sorted(random.sample(range(1, count - 5), 3))):
        child = await start(provisioned, tmp_path, "tag", "apply", "plan.json")
        await until_written(provisioned, child, moment)
        polite = number == 0 and sys.platform != "win32"
        if child.returncode is None:
            child.send_signal(signal.SIGINT if polite else signal.SIGKILL)
        _, err = await child.communicate()
        assert b"Traceback" not in err
        if b"Stopped." in err:
            assert b"was cut off. To go on: km365 tag apply plan.json" in err
            assert b"To take it back: km365 tag undo tag-" in err
    done = await km365("tag", "apply", str(file))
    assert done.code in {ExitCode.DONE, ExitCode.REFUSED}, done.err  # refused: the last kill came too late

    (run,) = (await km365("tag", "list", "--json")).json
    outcome = (await km365("tag", "show", run["id"], "--json")).json
    assert {change["state"] for change in outcome["changes"]} == {"done"}
    assert [await tags(provisioned, one) for one in files] == wanted
    assert sorted(field_writes(provisioned)) == sorted(one.id for one in files)

    child = await start(provisioned, tmp_path, "tag", "undo", run["id"])
    await until_written(provisioned, child, count + 30)
    if child.returncode is None:
        child.kill()
    await child.communicate()
    await km365("tag", "undo", run["id"])
    assert [await tags(provisioned, one) for one in files] == [{}] * count
    assert len(field_writes(provisioned)) == 2 * count
