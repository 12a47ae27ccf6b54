"""Each odd thing SharePoint is known to do to tags ends in a correct value or in a refusal that names it.

The table of docs/sharepoint-quirks.md, a line a test; over HTTP against the small Microsoft 365.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from km365.core.tag_plan import Plan, Removal
from km365.errors import InputRefused, NotFound, PlanRefused
from km365.graph import drives
from km365.graph.drives import File
from km365.services import tag_history
from km365.services.tag_history import Standing
from km365.store.runs import RunState

from .desk import KIND, TOPIC, Desk, Ended, states

SPREAD = ("KMTopic", "KMGoalArea", "KMKnowledgeTheme")


async def as_document_set(desk: Desk, name: str) -> None:
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE item SET content_type = '0x0120D520' WHERE name = ?", (name,))


def rest_calls(desk: Desk) -> list[str]:
    rows = desk.here.m365.state.all("SELECT path FROM journal WHERE path LIKE '%/_api/%' AND verb = 'POST'")
    return [str(row["path"]) for row in rows]


# values that do not stick --------------------------------------------------------------------------------


async def test_a_silent_loss_on_a_document_set_is_written_the_documented_other_way(desk: Desk) -> None:
    lost, plain = await desk.uploads(2)
    plan = await desk.plan([lost, plain], TOPIC, KIND)
    await as_document_set(desk, lost.name)
    await desk.quirk("document_set_loss")
    done = await desk.apply(plan)
    assert states(done) == ["done", "done"]
    assert await desk.tags(lost) == {TOPIC: [desk.term(0).label], KIND: [desk.term(0, KIND).label]}
    assert len(rest_calls(desk)) == 1, "only the one that did not stick"
    assert states(await desk.undo(done.run.id)) == ["done", "done"]
    assert await desk.tags(lost) == {}


async def test_without_a_certificate_a_silent_loss_is_named_with_what_to_do(desk: Desk) -> None:
    (lost,) = await desk.uploads(1)
    plan = await desk.plan([lost])
    await as_document_set(desk, lost.name)
    await desk.quirk("document_set_loss")
    await desk.quirk("rest_refused")
    done = await desk.apply(plan)
    assert states(done) == ["failed"]
    assert "KMTopic" in (done.left[0].reason or "")
    assert "give the app a certificate" in (done.left[0].reason or "")


async def test_of_several_columns_none_is_lost_in_part(desk: Desk) -> None:
    await desk.quirk("partial_multi_value")
    files = await desk.uploads(5)
    done = await desk.apply(await desk.plan(files, *SPREAD))
    assert states(done) == ["done"] * 5
    assert [sorted(await desk.tags(file)) for file in files] == [sorted(SPREAD)] * 5
    assert states(await desk.undo(done.run.id)) == ["done"] * 5
    assert [await desk.tags(file) for file in files] == [{}] * 5


async def test_a_default_term_does_not_win_over_the_plan(desk: Desk) -> None:
    default = desk.term(5)
    await desk.quirk("default_term_loss", column=TOPIC, value=f"-1;#{default.label}|{default.term_id}")
    files = await desk.uploads(4)
    assert states(await desk.apply(await desk.plan(files))) == ["done"] * 4
    assert [await desk.tags(file) for file in files] == [{TOPIC: [desk.term(0).label]}] * 4


async def test_a_term_that_is_closed_or_deprecated_in_the_store_is_named(desk: Desk) -> None:
    closed, open_ = await desk.uploads(2)
    plan = await desk.plan([closed], number=7)
    other = await desk.plan([open_])
    plan = replace(plan, rows=(*plan.rows, *other.rows))
    await desk.quirk("term_unavailable", terms=desk.term(7).term_id)
    done = await desk.apply(plan)
    assert states(done) == ["failed", "done"]
    assert "KMTopic" in (done.left[0].reason or "") and "deprecated terms" in (done.left[0].reason or "")
    assert await desk.tags(closed) == {}


# files that are held -------------------------------------------------------------------------------------


async def test_a_file_just_uploaded_is_tagged_although_it_answers_409(desk: Desk) -> None:
    await desk.quirk("conflict_after_upload")
    files = await desk.uploads(3)
    assert states(await desk.apply(await desk.plan(files))) == ["done"] * 3


@pytest.mark.parametrize("inner", [True, False])
async def test_a_file_open_in_word_waits_for_the_next_time(desk: Desk, inner: bool) -> None:
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file])
    await desk.quirk("open_file", name=file.name, inner=inner)
    first = await desk.apply(plan)
    assert states(first) == ["locked"] and first.run.state is RunState.STOPPED
    assert "the same command tries again" in (first.left[0].reason or "")
    await desk.quirk("open_file", on=False)
    assert states(await desk.apply(plan)) == ["done"]


async def test_a_file_that_a_colleague_has_checked_out_stays_theirs(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file])
    path = drives.file_item_path(file.drive_id, file.id)
    token = await desk.control("POST", "/_local/token", {"app": "word", "user": "ann"})
    theirs = {"Authorization": f"Bearer {token['access_token']}"}
    await desk.ask("POST", f"/v1.0{path}/checkout", theirs)
    assert states(await desk.apply(plan)) == ["locked"]
    await desk.ask("POST", f"/v1.0{path}/checkin", theirs)
    assert states(await desk.apply(plan)) == ["done"]


async def test_a_library_that_asks_for_a_check_out_gets_one_and_keeps_none(desk: Desk) -> None:
    files = await desk.uploads(2)
    plan = await desk.plan(files, TOPIC, KIND)
    await desk.quirk("checkout_required")
    done = await desk.apply(plan)
    assert states(done) == ["done", "done"]
    assert desk.here.m365.state.all("SELECT * FROM file_checkout") == [], "everybody can open them again"
    assert await desk.tags(files[0]) == {TOPIC: [desk.term(0).label], KIND: [desk.term(0, KIND).label]}
    assert states(await desk.undo(done.run.id)) == ["done", "done"]
    assert await desk.tags(files[0]) == {}


async def test_a_check_out_that_a_crash_left_behind_is_checked_in(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file])
    done = await desk.apply(plan)
    await desk.here.app.graph.post(f"{drives.file_item_path(file.drive_id, file.id)}/checkout")
    await desk.as_cut_off(done.run.id)
    assert states(await desk.apply(plan)) == ["done"]
    assert desk.here.m365.state.all("SELECT * FROM file_checkout") == []


GIVING_BACK = "*/items/*[!/]????????"
"""The paths of a check-in and of discardCheckout, not that of a checkout."""


async def refuse_posts(desk: Desk, path: str, times: int) -> None:
    await desk.quirk(
        "next_requests",
        verb="POST",
        path=path,
        status=400,
        code="invalidRequest",
        times=times,
        retry_after_s=None,
    )


def checked_out(desk: Desk) -> int:
    return len(desk.here.m365.state.all("SELECT * FROM file_checkout"))


async def test_a_file_that_cannot_be_checked_in_is_given_up_as_it_was(desk: Desk) -> None:
    files = await desk.uploads(2)
    plan = await desk.plan(files)
    await desk.quirk("checkout_required")
    await refuse_posts(desk, "*/checkin", times=1)
    done = await desk.apply(plan)
    assert states(done) == ["failed", "done"]
    assert "perhaps because a required column is empty" in (done.left[0].reason or "")
    assert checked_out(desk) == 0, "a colleague can open it"
    assert await desk.tags(files[0]) == {}
    assert states(await desk.undo(done.run.id)) == ["done", "done"]
    assert await desk.tags(files[1]) == {}


async def stuck(desk: Desk) -> tuple[File, Plan, Ended]:
    """A file that we hold after a run because both ways of giving it back were refused."""
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file])
    await desk.quirk("checkout_required")
    await refuse_posts(desk, GIVING_BACK, times=2)
    done = await desk.apply(plan)
    assert states(done) == ["locked"] and checked_out(desk) == 1
    assert "still checked out by km365" in (done.left[0].reason or "")
    return file, plan, done


async def test_a_file_that_stays_checked_out_is_named_and_checked_in_by_the_same_command(desk: Desk) -> None:
    file, plan, _ = await stuck(desk)
    await refuse_posts(desk, GIVING_BACK, times=2)
    again = await desk.apply(plan)
    assert states(again) == ["locked"] and again.left[0].reason, "still refused, still named"
    done = await desk.apply(plan)
    assert (states(done), done.run.state, checked_out(desk)) == (["done"], RunState.DONE, 0)
    assert await desk.tags(file) == {TOPIC: [desk.term(0).label]}


async def test_undo_takes_back_a_file_that_stayed_checked_out(desk: Desk) -> None:
    file, _, done = await stuck(desk)
    assert states(await desk.undo(done.run.id)) == ["done"]
    assert (await desk.tags(file), checked_out(desk)) == ({}, 0)


async def test_undo_tries_again_a_file_that_could_not_be_checked_in(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    await desk.quirk("checkout_required")
    done = await desk.apply(await desk.plan([file]))
    await refuse_posts(desk, "*/checkin", times=1)
    first = await desk.undo(done.run.id)
    assert (states(first), first.run.state, checked_out(desk)) == (["failed"], RunState.STOPPED, 0)
    second = await desk.undo(done.run.id)
    assert (states(second), second.run.state) == (["done"], RunState.DONE)
    assert await desk.tags(file) == {}


async def test_what_waits_for_approval_is_stored_and_said(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    await desk.quirk("content_approval")
    done = await desk.apply(await desk.plan([file]))
    assert states(done) == ["done"]
    assert done.changes[0].reason == "Stored; the library shows it to others once somebody has approved it."


# columns and lists ---------------------------------------------------------------------------------------


async def test_a_renamed_column_is_written_through_the_note_field_it_was_made_with(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file])
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE column_definition SET display_name = 'Thème' WHERE name = 'KMTopic'")
    assert states(await desk.apply(plan)) == ["done"]
    assert await desk.tags(file) == {TOPIC: [desk.term(0).label]}


async def test_a_note_field_under_another_name_is_told_by_sharepoint_s_rest(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file])
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE column_definition SET display_name = 'x_0' WHERE note_of = 'KMTopic'")
    assert states(await desk.apply(plan)) == ["done"]
    assert await desk.tags(file) == {TOPIC: [desk.term(0).label]}


async def test_a_read_only_column_is_refused_by_name_before_anything_is_written(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    plan = await desk.plan([file], TOPIC, KIND)
    with desk.here.m365.state.tx() as c:
        c.execute("UPDATE column_definition SET read_only = 1 WHERE name = 'KMTopic'")
    with pytest.raises(PlanRefused, match=r"the library lets nobody write KMTopic.* Nothing was written"):
        await desk.apply(plan)
    assert await desk.writes() == []


async def test_a_library_beyond_the_list_view_threshold_is_tagged_all_the_same(desk: Desk) -> None:
    files = await desk.uploads(6)
    await desk.quirk("list_view_threshold", items=3)
    assert states(await desk.apply(await desk.plan(files))) == ["done"] * 6


async def test_a_library_that_tells_its_changes_late_is_read_document_by_document(desk: Desk) -> None:
    files = await desk.uploads(6)
    plan = await desk.plan(files)
    await desk.quirk("delta_gone", times=9)
    assert states(await desk.apply(plan)) == ["done"] * 6


async def test_every_document_gets_one_version_and_reads_back_for_a_page_of_all(desk: Desk) -> None:
    files = await desk.uploads(30)
    plan = await desk.plan(files, TOPIC, KIND)
    asked: list[str] = []
    await desk.hear(asked)
    assert set(states(await desk.apply(plan))) == {"done"}
    versions = desk.here.m365.state.all("SELECT version FROM item WHERE kind = 'file'")
    assert {row["version"] for row in versions} == {2}
    assert sum("/$batch" in one for one in asked) == 2, "twenty and ten"
    assert sum("/delta" in one for one in asked) == 2, "from when, and what"
    assert not any("/listItem" in one for one in asked)


# meanwhile -----------------------------------------------------------------------------------------------


async def test_what_somebody_moved_or_deleted_meanwhile_is_listed_and_the_rest_goes_on(desk: Desk) -> None:
    gone, moved, plain = await desk.uploads(3)
    plan = await desk.plan([gone, moved, plain])
    await desk.here.app.graph.delete(drives.file_item_path(gone.drive_id, gone.id))
    await desk.here.app.graph.patch(
        drives.file_item_path(moved.drive_id, moved.id), {"name": "Renamed meanwhile.txt"}
    )
    done = await desk.apply(plan)
    assert states(done) == ["gone", "conflict", "done"]
    assert "It is gone" in (done.left[0].reason or "")
    assert "left alone" in (done.left[1].reason or "")


# terms taken out and replaced, and what is known of a document --------------------------------------------


async def test_a_plan_that_takes_terms_out_and_replaces_them_is_applied_and_undone(desk: Desk) -> None:
    (file,) = await desk.uploads(1)
    await desk.set_terms(file, TOPIC, 3, 4)
    plan = await desk.plan([file])
    (row,) = plan.rows
    (change,) = row.changes
    taken = tuple(Removal(tag=tag, comment="Not our work") for tag in change.before)
    plan = replace(plan, rows=(replace(row, changes=(replace(change, remove=taken),)),))
    done = await desk.apply(plan)
    assert await desk.tags(file) == {TOPIC: [desk.term(0).label]}
    assert done.changes[0].comment == "Not our work"
    await desk.undo(done.run.id)
    assert await desk.tags(file) == {TOPIC: [desk.term(3).label, desk.term(4).label]}


async def test_a_document_s_history_says_what_was_done_and_whether_it_stands(desk: Desk) -> None:
    app = desk.here.app
    (file,) = [await desk.upload("Supply/Cold chain.txt")]
    done = await desk.apply(await desk.plan([file], TOPIC, KIND))
    await desk.set_terms(file, TOPIC, 5)

    for which in ("Supply/Cold chain.txt", "Cold chain.txt", file.id, file.web_url):
        found = await tag_history.history(app.graph, app.db, which)
        assert found.path == "Supply/Cold chain.txt", which
        assert {one.name: one.standing for one in found.columns} == {
            TOPIC: Standing.CHANGED,
            KIND: Standing.OURS,
        }
    assert [(one.run.id, one.undone) for one in found.touches] == [(done.run.id, False)]

    await desk.undo(done.run.id)
    found = await tag_history.history(app.graph, app.db, file.id)
    assert [(one.run.kind, one.undone) for one in found.touches] == [("undo", False), ("tag", True)]

    await app.graph.delete(drives.file_item_path(file.drive_id, file.id))
    assert "does not find" in (await tag_history.history(app.graph, app.db, file.id)).unread


async def test_a_history_of_nothing_or_of_several_is_refused(desk: Desk) -> None:
    app = desk.here.app
    files = [await desk.upload("A/report.txt"), await desk.upload("B/report.txt")]
    await desk.apply(await desk.plan(files))
    with pytest.raises(InputRefused, match=r"may be 2 documents: A/report.txt \(01"):
        await tag_history.history(app.graph, app.db, "report.txt")
    assert (await tag_history.history(app.graph, app.db, "B/report.txt")).item_id == files[1].id
    assert (await tag_history.history(app.graph, app.db, files[0].web_url)).item_id == files[0].id
    with pytest.raises(NotFound, match=r"No run has touched 'other\.txt'"):
        await tag_history.history(app.graph, app.db, "other.txt")


def test_the_page_on_quirks_names_tests_that_exist() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sharepoint-quirks.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)` \|$", page, re.MULTILINE))
    beside = Path(__file__).with_name("test_tagging.py").read_text("utf-8")
    assert len(named) > 15
    assert named <= globals().keys() | set(re.findall(r"def (test_\w+)", beside))
