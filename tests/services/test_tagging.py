"""Tagging a library on the small Microsoft 365: planned, applied once whatever happens, shown, taken back."""

import asyncio
import contextlib
import io
import shutil
from collections.abc import Sequence
from dataclasses import replace

import docx
import pypdf
import pytest

from km365.core.tag_plan import Addition, Plan, Row
from km365.errors import Cause, GraphNotFound, GraphUnreachable, NotFound, PlanRefused, StoreError
from km365.graph import drives
from km365.graph.drives import File
from km365.graph.governor import is_bulk
from km365.services import tag_plan, tag_run
from km365.services.tag_libraries import open_shelves
from km365.services.tag_scope import Round, Scope
from km365.store import locks, runs
from km365.store.runs import Change, ChangeState, RunState
from km365.suggest.vocabulary import Vocabulary

from .desk import KIND, NOW, TOPIC, Desk, Ended, states

# planning ------------------------------------------------------------------------------------------------


def word(*paragraphs: str) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def encrypted_pdf() -> bytes:
    writer, data = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(data)
    return data.getvalue()


async def plan_library(desk: Desk, vocabulary: Vocabulary, folder: str = "/") -> Plan:
    return await tag_plan.plan(desk.here.app.graph, vocabulary, [desk.library], folder=folder, at=NOW)


async def test_a_plan_reads_what_can_be_read_and_names_what_cannot(
    desk: Desk, vocabulary: Vocabulary
) -> None:
    text = word("Evaluation of the immunization campaign", "Vaccines reached every district of Belmora.")
    good = await desk.upload("2026/evaluation.docx", text)
    await desk.upload("broken.docx", b"PK\x03\x04 this was a Word file")
    await desk.upload("locked.pdf", encrypted_pdf())
    await desk.upload("empty.docx", b"")
    await desk.upload("photo.jpg", b"\xff\xd8")
    await desk.upload("nothing.txt", b"Qwerty uiop.")
    before = len(await desk.writes())

    plan = await plan_library(desk, vocabulary)

    assert [row.path for row in plan.rows] == [good.path]
    topics = {one.tag.label: one.reason for change in plan.rows[0].changes for one in change.add}
    assert topics, "an evaluation of immunization is about something"
    assert any("mmuni" in word or "accin" in word for reason in topics.values() for word in reason.words)
    assert plan.unchanged == ("nothing.txt",)
    said = {one.path: one.reason for one in plan.refused}
    assert sorted(said) == ["broken.docx", "empty.docx", "locked.pdf", "photo.jpg"]
    assert "password" in said["locked.pdf"]
    assert "empty" in said["empty.docx"]
    assert len(await desk.writes()) == before, "a plan only reads"


async def test_a_file_of_200_mb_is_refused_without_a_download(desk: Desk, vocabulary: Vocabulary) -> None:
    await desk.upload("big/film.docx")
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE file_content SET size = ?", (200 * 2**20,))
    await desk.quirk("next_requests", verb="GET", path="*/content", status=500)

    plan = await plan_library(desk, vocabulary, folder="/big")

    assert [one.reason for one in plan.refused] == [
        "film.docx is 200 MB large; files over 100 MB are not read."
    ]


async def test_a_file_that_graph_does_not_give_is_named_and_the_rest_goes_on(
    desk: Desk, vocabulary: Vocabulary
) -> None:
    await desk.upload("a.txt")
    await desk.upload("b.txt")
    await desk.quirk("next_requests", verb="GET", path="*/content", status=403)
    plan = await plan_library(desk, vocabulary)
    assert len(plan.refused) == 1
    assert len(plan.unchanged) == 1


async def test_a_plan_stops_when_graph_is_gone(desk: Desk, vocabulary: Vocabulary) -> None:
    await desk.upload("a.txt")
    await desk.quirk("next_requests", verb="GET", path="*/content", status=504, times=10)
    with pytest.raises(GraphUnreachable):
        await plan_library(desk, vocabulary)


async def test_a_folder_that_is_not_there_is_named(desk: Desk) -> None:
    graph = desk.here.app.graph
    await desk.upload("Supply/a.txt")
    scope = Scope(libraries=(desk.library,), folder="/2031")
    round_ = Round(graph, await open_shelves(graph, scope.libraries), scope)
    with pytest.raises(
        GraphNotFound, match=r"'Documents' of .* has no folder '/2031'. Its folders: .*/Supply"
    ):
        await round_.count()


async def test_looking_for_documents_waits_its_turn_behind_people(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = desk.here.app.graph
    await desk.upload("Supply/a.txt")
    scope = Scope(libraries=(desk.library,))
    round_ = Round(graph, await open_shelves(graph, scope.libraries), scope)
    turns: set[bool] = set()

    async def admit(*_: object, **__: object) -> float:
        turns.add(is_bulk())
        return 0.0

    monkeypatch.setattr(graph.governor, "admit", admit)
    assert await round_.count() > 0
    assert turns == {True}


async def test_a_library_without_tag_columns_is_refused(desk: Desk, vocabulary: Vocabulary) -> None:
    graph = desk.here.app.graph
    (bare,) = await tag_plan.find_libraries(
        graph, ["childrensagency.sharepoint.example:/sites/knowledge"], "Documents"
    )
    with pytest.raises(PlanRefused, match="has no tag columns; `km365 provision apply`"):
        await tag_plan.plan(graph, vocabulary, [bare], at=NOW)


# applying ------------------------------------------------------------------------------------------------


async def test_each_document_is_written_once_in_one_version_and_keeps_what_it_had(desk: Desk) -> None:
    files = await desk.uploads(25)
    await desk.set_terms(files[0], TOPIC, 3)
    plan = await desk.plan(files, TOPIC, KIND)
    before = await desk.writes()

    outcome = await desk.apply(plan)

    assert set(states(outcome)) == {"done"}
    assert outcome.run.state is RunState.DONE
    assert await desk.tags(files[0]) == {
        TOPIC: [desk.term(3).label, desk.term(0).label],
        KIND: [desk.term(0, KIND).label],
    }
    assert await desk.tags(files[24]) == {TOPIC: [desk.term(0).label], KIND: [desk.term(0, KIND).label]}
    assert sorted((await desk.writes())[len(before) :]) == sorted(file.id for file in files)


async def test_a_document_that_somebody_changed_since_is_left_alone(desk: Desk) -> None:
    edited, untouched = await desk.uploads(2)
    plan = await desk.plan([edited, untouched])
    await desk.retitle(edited)
    outcome = await desk.apply(plan)
    assert states(outcome) == ["conflict", "done"]
    assert [change.name for change in outcome.left] == [edited.path]
    assert await desk.tags(edited) == {}


async def test_terms_that_somebody_else_gave_meanwhile_count_as_there(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file])
    await desk.set_terms(file, TOPIC, 0)
    outcome = await desk.apply(plan)
    assert states(outcome) == ["same"]
    assert outcome.left == ()
    with pytest.raises(PlanRefused, match="has changed nothing"):
        await desk.undo(outcome.run.id)


async def test_an_open_document_waits_until_the_same_command_comes_again(desk: Desk) -> None:
    files = [await desk.upload("open.docx"), await desk.upload("closed.docx")]
    plan = await desk.plan(files)
    await desk.quirk("open_file", name="open.docx", inner=True)
    first = await desk.apply(plan)
    assert states(first) == ["locked", "done"]
    assert first.run.state is RunState.STOPPED

    await desk.quirk("open_file", on=False)
    second = await desk.apply(plan)
    assert states(second) == ["done", "done"]
    assert second.run.state is RunState.DONE
    assert (await desk.writes()).count(files[1].id) == 1


async def test_a_document_that_sharepoint_still_works_on_is_tried_again(desk: Desk) -> None:
    await desk.quirk("conflict_after_upload")
    files = await desk.uploads(2)
    assert states(await desk.apply(await desk.plan(files))) == ["done", "done"]


async def test_a_silent_loss_is_named_with_its_column_and_undone(desk: Desk) -> None:
    await desk.quirk("rest_refused")
    files = await desk.uploads(2)
    plan = await desk.plan(files)
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE item SET content_type = '0x0120D520' WHERE name = ?", (files[0].name,))
    await desk.quirk("document_set_loss")
    outcome = await desk.apply(plan)
    assert states(outcome) == ["failed", "done"]
    assert "KMTopic" in (outcome.changes[0].reason or "")
    assert outcome.changes[0].cause == Cause(key="not_stored")
    assert states(await desk.undo(outcome.run.id)) == ["done", "done"]


async def test_what_was_stored_in_part_is_written_again(desk: Desk) -> None:
    await desk.quirk("partial_multi_value")
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file], TOPIC, "KMGoalArea")
    assert states(await desk.apply(plan)) == ["done"]
    assert sorted(await desk.tags(file)) == ["KMGoalArea", TOPIC]


async def test_a_deleted_document_fails_alone(desk: Desk) -> None:
    gone, there = await desk.uploads(2)
    plan = await desk.plan([gone, there])
    await desk.here.app.graph.delete(drives.file_item_path(gone.drive_id, gone.id))
    outcome = await desk.apply(plan)
    assert states(outcome) == ["gone", "done"]
    assert outcome.run.state is RunState.DONE
    assert outcome.left[0].cause == Cause(key="gone")


async def test_an_uncertain_answer_is_looked_at_before_it_is_repeated(desk: Desk) -> None:
    files = await desk.uploads(3)
    plan = await desk.plan(files)
    await desk.quirk("next_requests", verb="PATCH", path="*/fields", status=504, times=2)
    assert states(await desk.apply(plan)) == ["done"] * 3
    assert sorted(await desk.writes()) == sorted(file.id for file in files)


async def test_a_run_stops_when_graph_is_gone_and_goes_on_when_it_is_back(desk: Desk) -> None:
    files = await desk.uploads(3)
    plan = await desk.plan(files)
    await desk.quirk("next_requests", verb="PATCH", path="*/fields", status=504, times=3)
    with pytest.raises(GraphUnreachable):
        await desk.apply(plan)
    assert await desk.runs() == [("tag", "stopped")]
    assert states(await desk.apply(plan)) == ["done"] * 3


class _Cut(Exception):
    """What cuts a run off."""


async def _cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch, files: Sequence[File]) -> tuple[Plan, str]:
    """A run of two documents at a time that ends when the second two were begun: its plan, its id."""

    def cut(_: int) -> None:
        raise _Cut

    monkeypatch.setattr(tag_run, "AT_ONCE", 2)
    plan = await desk.plan(files)
    with pytest.raises(_Cut):
        await desk.apply(plan, advance=cut)
    (run,) = await desk.here.app.db.run(runs.list_)
    assert run.state is RunState.STOPPED
    return plan, run.id


async def test_a_run_that_was_cut_off_knows_what_is_left_and_goes_on_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = await desk.uploads(5)
    plan, run_id = await _cut_off(desk, monkeypatch, files)
    cut_off = await desk.here.app.db.run(tag_run.outcome, run_id)
    assert (cut_off.count(ChangeState.DONE), cut_off.count(ChangeState.PENDING)) == (2, 1)
    assert [one.name for one in cut_off.left] == [files[2].path, files[3].path], "begun, and of no known end"
    assert cut_off.left_count == 3

    assert states(await desk.apply(plan)) == ["done"] * 5
    assert sorted(await desk.writes()) == sorted(file.id for file in files)


async def test_a_run_goes_on_though_its_sheet_was_sorted_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = await desk.uploads(5)
    plan, _ = await _cut_off(desk, monkeypatch, files)
    done = await desk.apply(replace(plan, rows=tuple(reversed(tuple(plan.rows)))))
    assert states(done) == ["done"] * 5
    assert {one.item_id for one in done.changes} == {file.id for file in files}
    assert sorted(await desk.writes()) == sorted(file.id for file in files)


async def test_a_plan_that_cannot_be_read_on_loses_no_end_of_what_was_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = await desk.uploads(3)
    plan = await desk.plan(files)
    read = tag_run._change

    def read_two(seq: int, row: Row) -> Change:
        if seq == 2:
            raise PlanRefused("It was changed while it was being read.")
        return read(seq, row)

    with monkeypatch.context() as broken:
        broken.setattr(tag_run, "AT_ONCE", 1)
        broken.setattr(tag_run, "_change", read_two)
        with pytest.raises(PlanRefused):
            await desk.apply(plan)
    (run,) = await desk.here.app.db.run(runs.list_)
    known = [one.state async for one in tag_run.journal(desk.here.app.db, run.id)]
    assert known.count(ChangeState.DONE) == len(await desk.writes())
    assert states(await desk.apply(plan)) == ["done"] * 3


async def test_undo_of_a_run_that_was_cut_off_leaves_alone_what_it_never_began(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = await desk.uploads(5)
    _, run_id = await _cut_off(desk, monkeypatch, files)
    undone = await desk.undo(run_id)
    assert [one.item_id for one in undone.changes] == [file.id for file in files[:4]]
    assert states(undone) == ["done"] * 4
    assert [await desk.tags(file) for file in files] == [{}] * 5


async def test_throttling_costs_time_and_nothing_else(desk: Desk) -> None:
    files = await desk.uploads(22)
    plan = await desk.plan(files)
    await desk.quirk("next_requests", verb="PATCH", path="*/fields", status=429, times=30, retry_after_s=1)
    assert states(await desk.apply(plan)) == ["done"] * 22
    assert sorted(await desk.writes()) == sorted(file.id for file in files)


async def test_a_run_and_its_undoing_have_the_time_to_be_throttled_from_the_first_call_on(desk: Desk) -> None:
    async def busy() -> None:
        """For longer than anybody would wait who looks at a page."""
        await desk.quirk("next_requests", verb="GET", path="*/columns", status=429, times=1, retry_after_s=60)

    plan = await desk.plan(await desk.uploads(1))
    await busy()
    done = await desk.apply(plan)
    assert states(done) == ["done"]
    await busy()
    assert states(await desk.undo(done.run.id)) == ["done"]
    assert sum(desk.slept) >= 120


async def test_the_same_plan_twice_is_refused(desk: Desk) -> None:
    plan = await desk.plan(await desk.uploads(1))
    done = await desk.apply(plan)
    with pytest.raises(PlanRefused, match=f"applied already; `km365 tag show {done.run.id}`"):
        await desk.apply(plan)


async def test_a_plan_is_applied_by_one_process_at_a_time(desk: Desk) -> None:
    plan = await desk.plan(await desk.uploads(1))
    with (
        locks.alone(desk.here.home, f"tag-{plan.sha[:10]}"),
        pytest.raises(PlanRefused, match="busy with tag-"),
    ):
        await desk.apply(plan)
    assert await desk.runs() == []
    assert states(await desk.apply(plan)) == ["done"]


async def test_a_plan_that_adds_nothing_is_refused(desk: Desk) -> None:
    with pytest.raises(PlanRefused, match="changes nothing"):
        await desk.apply(replace(await desk.plan([]), rows=()))


async def test_a_library_that_is_gone_leaves_no_run_behind(desk: Desk) -> None:
    plan = await desk.plan(await desk.uploads(1))
    moved = replace(desk.library, drive_id="b!gone")
    rows = tuple(replace(row, drive_id="b!gone") for row in plan.rows)
    with pytest.raises(PlanRefused, match=r"'Documents' of .* no longer there"):
        await desk.apply(replace(plan, libraries=(moved,), rows=rows))
    assert await desk.runs() == []


async def test_a_renamed_library_is_the_same_library(desk: Desk) -> None:
    files = await desk.uploads(1)
    done = await desk.apply(await desk.plan(files))
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE list SET display_name = 'Archive' WHERE drive_id = ?", (desk.library.drive_id,))
    assert states(await desk.undo(done.run.id)) == ["done"]


async def test_a_column_that_lost_its_note_field_leaves_no_run_behind(desk: Desk) -> None:
    plan = await desk.plan(await desk.uploads(1))
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE column_definition SET display_name = 'Renamed_0' WHERE note_of = 'KMTopic'")
    await desk.quirk("rest_refused")
    with pytest.raises(PlanRefused, match=r"KMTopic.* Nothing was written"):
        await desk.apply(plan)
    assert await desk.runs() == []


def relabelled(plan: Plan, number: int, **changed: object) -> Plan:
    """The plan with something else in the one column of a document."""
    rows = list(plan.rows)
    rows[number] = replace(rows[number], changes=(replace(rows[number].changes[0], **changed),))
    return replace(plan, rows=tuple(rows))


async def test_a_label_that_cannot_be_written_fails_its_document_alone(desk: Desk) -> None:
    files = await desk.uploads(3)
    await desk.set_terms(files[2], TOPIC, 3)
    plan = await desk.plan(files)
    broken = replace(desk.term(0), label="Vaccines; cold | chain")
    plan = relabelled(plan, 1, add=(Addition(tag=broken, concept_id="any"),))
    plan = relabelled(plan, 2, before=(replace(desk.term(3), label=""),))
    outcome = await desk.apply(plan)
    assert states(outcome) == ["done", "failed", "failed"], "what could not be put back is not written either"
    assert "'Vaccines; cold | chain'" in (outcome.changes[1].reason or "")
    assert outcome.changes[1].cause == Cause(key="label", values={"label": "Vaccines; cold | chain"})
    assert (await desk.writes()).count(files[2].id) == 1, "the colleague's own"
    assert states(await desk.undo(outcome.run.id)) == ["done"] * 3
    assert [await desk.tags(file) for file in files] == [{}, {}, {TOPIC: [desk.term(3).label]}]


async def test_a_label_with_a_number_sign_is_written_and_taken_back(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    tag = replace(desk.term(0), label="Cold chain #1 priority")
    plan = relabelled(await desk.plan([file]), 0, add=(Addition(tag=tag, concept_id="any"),))
    outcome = await desk.apply(plan)
    assert states(outcome) == ["done"]
    assert states(await desk.undo(outcome.run.id)) == ["done"]


async def test_a_cancelled_run_keeps_what_it_did_and_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_run, "AT_ONCE", 20)
    files = await desk.uploads(45)
    plan = await desk.plan(files)
    task: asyncio.Task[Ended] | None = None

    def cancel(_: int) -> None:
        assert task is not None
        task.cancel()

    task = asyncio.create_task(desk.apply(plan, cancel))
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await desk.runs() == [("tag", "stopped")]
    assert len(await desk.writes()) < 45

    assert states(await desk.apply(plan)) == ["done"] * 45
    assert sorted(await desk.writes()) == sorted(file.id for file in files)


# undoing -------------------------------------------------------------------------------------------------


async def test_undo_restores_exactly_what_was_there(desk: Desk) -> None:
    files = await desk.uploads(22)
    await desk.set_terms(files[0], TOPIC, 3, 4)
    await desk.set_terms(files[1], "KMGoalArea", 0)
    before = [await desk.tags(file) for file in files]
    done = await desk.apply(await desk.plan(files, TOPIC, KIND))
    undone = await desk.undo(done.run.id)
    assert [await desk.tags(file) for file in files] == before
    assert set(states(undone)) == {"done"}
    assert await desk.runs() == [("tag", "undone"), ("undo", "done")]


async def test_undo_leaves_alone_what_somebody_changed_since_and_says_so(desk: Desk) -> None:
    changed, retitled, plain = await desk.uploads(3)
    done = await desk.apply(await desk.plan([changed, retitled, plain], TOPIC, KIND))
    await desk.set_terms(changed, TOPIC, 5)
    await desk.retitle(retitled)
    undone = await desk.undo(done.run.id)
    assert states(undone) == ["conflict", "done", "done"]
    assert undone.left[0].reason == "Changed since and left alone: Topic."
    assert undone.left[0].cause == Cause(key="changed_columns", values={"columns": TOPIC})
    assert await desk.tags(changed) == {TOPIC: [desk.term(5).label]}, "the column nobody touched is restored"
    assert await desk.tags(retitled) == {}


async def test_undo_twice_is_refused_and_so_is_undoing_an_undo(desk: Desk) -> None:
    done = await desk.apply(await desk.plan(await desk.uploads(1)))
    undone = await desk.undo(done.run.id)
    with pytest.raises(PlanRefused, match="is undone already"):
        await desk.undo(done.run.id)
    with pytest.raises(PlanRefused, match="is an undo itself"):
        await desk.undo(undone.run.id)


async def test_undo_again_takes_up_what_could_not_be_written(desk: Desk) -> None:
    files = await desk.uploads(7)
    done = await desk.apply(await desk.plan(files))
    await desk.quirk("next_requests", verb="PATCH", path="*/fields", status=500, times=2, retry_after_s=None)
    first = await desk.undo(done.run.id)
    assert states(first).count("locked") == 2
    assert await desk.runs() == [("tag", "undone"), ("undo", "stopped")]
    await desk.set_terms(files[6], TOPIC, 5)

    assert set(states(await desk.undo(done.run.id))) == {"done"}
    assert [await desk.tags(file) for file in files[:6]] == [{}] * 6
    assert await desk.tags(files[6]) == {TOPIC: [desk.term(5).label]}
    with pytest.raises(PlanRefused, match="is undone already"):
        await desk.undo(done.run.id)


async def test_the_same_command_writes_again_what_sharepoint_failed_to_write(desk: Desk) -> None:
    files = await desk.uploads(2)
    plan = await desk.plan(files)
    await desk.quirk("next_requests", verb="PATCH", path="*/fields", status=500, times=1, retry_after_s=None)
    first = await desk.apply(plan)
    assert (sorted(states(first)), first.run.state) == (["done", "locked"], RunState.STOPPED)
    assert "The same command tries again." in (first.left[0].reason or "")
    assert states(await desk.apply(plan)) == ["done", "done"]
    assert sorted(await desk.writes()) == sorted(file.id for file in files)


async def test_undo_tells_once_of_a_deleted_document_and_comes_to_its_end(desk: Desk) -> None:
    files = await desk.uploads(3)
    done = await desk.apply(await desk.plan(files))
    await desk.here.app.graph.delete(drives.file_item_path(files[0].drive_id, files[0].id))
    await desk.quirk("open_file", name=files[1].name)
    undone = await desk.undo(done.run.id)
    assert states(undone) == ["gone", "locked", "done"]
    assert undone.left[0].cause == Cause(key="gone")

    await desk.quirk("open_file", on=False)
    again = await desk.undo(done.run.id)
    assert states(again) == ["gone", "done", "done"]
    assert again.run.state is RunState.DONE
    with pytest.raises(PlanRefused, match="is undone already"):
        await desk.undo(done.run.id)


async def test_undo_tries_again_what_a_permission_was_missing_for(desk: Desk) -> None:
    files = await desk.uploads(2)
    done = await desk.apply(await desk.plan(files))
    await desk.quirk("next_requests", verb="PATCH", path="*/fields", status=403, times=1)
    assert sorted(states(await desk.undo(done.run.id))) == ["done", "failed"]
    assert states(await desk.undo(done.run.id)) == ["done", "done"]


async def test_a_plan_is_not_resumed_once_its_undo_has_begun(desk: Desk) -> None:
    files = await desk.uploads(2)
    plan = await desk.plan(files)
    await desk.quirk("open_file", name=files[0].name)
    done = await desk.apply(plan)
    await desk.quirk("open_file", name=files[1].name)
    assert states(await desk.undo(done.run.id)) == ["locked"]
    with pytest.raises(PlanRefused, match="applied and undone"):
        await desk.apply(plan)

    await desk.quirk("open_file", on=False)
    assert states(await desk.undo(done.run.id)) == ["done"]
    assert [await desk.tags(file) for file in files] == [{}, {}]


async def test_undo_takes_back_a_write_of_which_nobody_heard(desk: Desk) -> None:
    """The crash came between the write and the note of it; then a colleague edited on top."""
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file], TOPIC, KIND)
    done = await desk.apply(plan)
    await desk.as_cut_off(done.run.id)
    await desk.set_terms(file, TOPIC, 5)

    resumed = await desk.apply(plan)
    assert states(resumed) == ["conflict"]
    assert states(await desk.undo(done.run.id)) == ["conflict"]
    assert await desk.tags(file) == {TOPIC: [desk.term(5).label]}


async def test_undo_of_an_unknown_run_is_refused_and_touches_no_file(desk: Desk) -> None:
    with pytest.raises(NotFound, match=r"no run '\.\./\.\./x'"):
        await desk.undo("../../x")
    assert not (desk.here.home.parent / "x.lock").exists()


async def test_the_outcome_of_a_run_can_be_read_again(desk: Desk) -> None:
    done = await desk.apply(await desk.plan(await desk.uploads(2)))
    assert await desk.ended(await desk.here.app.db.run(tag_run.outcome, done.run.id)) == done


async def test_a_lock_that_cannot_be_made_is_said(desk: Desk) -> None:
    shutil.rmtree(desk.here.home / locks.FOLDER, ignore_errors=True)
    (desk.here.home / locks.FOLDER).write_text("in the way", encoding="utf-8")
    plan = await desk.plan(await desk.uploads(1))
    with pytest.raises(StoreError, match="cannot be locked"):
        await desk.apply(plan)
