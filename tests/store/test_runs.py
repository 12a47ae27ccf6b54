"""The journal of a run is its resume point, its progress and its undo."""

from datetime import datetime, timedelta

import pytest

from km365.errors import NotFound
from km365.store import runs
from km365.store.database import Connection
from km365.store.runs import Change, ChangeState, End, RunState


def change(seq: int) -> Change:
    return Change(
        seq=seq,
        drive_id="d",
        item_id=str(seq),
        name=f"Report {seq}.docx",
        old={"KMTopic": []},
        new={"KMTopic": ["topic/1"]},
        etag=f"e{seq}",
        comment="as agreed",
    )


def create(c: Connection, at: datetime, run_id: str = "r1", documents: int = 5) -> None:
    runs.create_run(
        c,
        run_id=run_id,
        kind="tag",
        plan_sha="abc",
        who="focal",
        what={"library": "x"},
        documents=documents,
        at=at,
    )


def begin(c: Connection, at: datetime, run_id: str = "r1", count: int = 5) -> None:
    """A run of so many documents, each begun and of no known end."""
    create(c, at, run_id, count)
    runs.begin(c, run_id, [change(seq) for seq in range(count)])
    runs.settle(c, run_id)


def test_a_run_resumes_where_it_stopped(c: Connection, at: datetime) -> None:
    create(c, at)
    first, second = [change(0), change(1)], [change(2)]
    runs.begin(c, "r1", first)
    done = End(state=ChangeState.DONE, etag_after="e0b")
    refused = End(state=ChangeState.CONFLICT, reason="changed since")
    runs.begin(c, "r1", second)
    runs.add(c, "r1", first, {0: done, 1: refused}, at=at)
    assert runs.next_open(c, "r1") == []
    runs.reopen(c, "r1", at=at)  # as after a crash
    assert runs.next_open(c, "r1") == [change(2)._replace(state=ChangeState.SENDING)]
    assert runs.last_begun(c, "r1") == 2
    assert runs.counts(c, "r1") == {
        ChangeState.DONE: 1,
        ChangeState.CONFLICT: 1,
        ChangeState.SENDING: 1,
        ChangeState.PENDING: 2,
    }
    runs.reopen(c, "r1", at=at)
    assert len(runs.next_open(c, "r1")) == 1, "what was begun gets its row once"


def test_an_end_that_is_not_known_leaves_the_change_open(c: Connection, at: datetime) -> None:
    create(c, at, documents=2)
    both = [change(0), change(1)]
    runs.begin(c, "r1", both)
    runs.begin(c, "r1", ())
    runs.add(c, "r1", both, {1: End(state=ChangeState.DONE, etag_after="e1b")}, at=at)
    assert [one.seq for one in runs.next_open(c, "r1")] == [0]
    assert runs.counts(c, "r1") == {ChangeState.SENDING: 1, ChangeState.DONE: 1}


def test_open_changes_come_in_the_plans_order(c: Connection, at: datetime) -> None:
    begin(c, at)
    runs.mark(c, "r1", {1: End(state=ChangeState.DONE)}, at=at)
    assert [one.seq for one in runs.next_open(c, "r1", limit=3)] == [0, 2, 3]
    assert [one.seq for one in runs.next_open(c, "r1", after=2, limit=3)] == [3, 4]


def test_what_undo_needs_is_kept(c: Connection, at: datetime) -> None:
    begin(c, at, count=1)
    runs.mark(c, "r1", {0: End(state=ChangeState.DONE, etag_after="e0b")}, at=at)
    runs.mark(c, "r1", {0: End(state=ChangeState.DONE, reason="read back")}, at=at)
    (found,) = runs.changes(c, "r1")
    assert (found.old, found.new, found.etag, found.etag_after) == (
        {"KMTopic": []},
        {"KMTopic": ["topic/1"]},
        "e0",
        "e0b",
    )


def test_runs_are_found_by_their_plan_the_newest_first(c: Connection, at: datetime) -> None:
    begin(c, at, "r1")
    begin(c, at, "r2")
    runs.set_state(c, "r1", RunState.DONE, at=at)
    assert {one.id: one.state for one in runs.list_(c, plan_sha="abc")} == {
        "r1": RunState.DONE,
        "r2": RunState.RUNNING,
    }
    assert runs.get(c, "r1").finished_at == at
    assert runs.list_(c, plan_sha="other") == []


def test_a_run_that_is_not_there_is_named(c: Connection) -> None:
    with pytest.raises(NotFound, match="r9"):
        runs.get(c, "r9")


def test_a_journal_is_written_and_read_in_pages(c: Connection, at: datetime) -> None:
    begin(c, at, count=1_203)
    first = runs.changes(c, "r1", limit=runs.PAGE)
    rest = runs.changes(c, "r1", after=first[-1].seq)
    assert [one.seq for one in (*first, *rest)] == list(range(1_203))
    runs.mark(c, "r1", {700: End(state=ChangeState.LOCKED)}, at=at)
    assert [one.seq for one in runs.changes(c, "r1", states=[ChangeState.LOCKED])] == [700]


def test_a_document_knows_the_runs_that_touched_it(c: Connection, at: datetime) -> None:
    begin(c, at, "r1")
    begin(c, at + timedelta(days=1), "r2")
    assert [(run.id, change.item_id) for run, change in runs.of_item(c, "d", "3")] == [
        ("r2", "3"),
        ("r1", "3"),
    ]
    assert runs.of_item(c, "d", "9") == []
