"""The journal of runs over other people's documents: resume point, progress and undo in one (ENGINE §2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from km365.errors import NotFound
from km365.store import rows
from km365.store.rows import Json
from km365.store.tables import change, run


class RunState(StrEnum):
    """Where a run is."""

    RUNNING = "running"  # begun; after a crash it can be resumed
    STOPPED = "stopped"  # a person stopped it; it can be resumed
    DONE = "done"  # every change has an outcome
    UNDONE = "undone"  # another run took back what it could


class ChangeState(StrEnum):
    """What became of one change."""

    PENDING = "pending"  # not tried, or tried with an outcome we never heard
    SENDING = "sending"  # the write was begun; on resume compare before writing again
    DONE = "done"  # written and read back
    SAME = "same"  # nothing to do: the value was already there
    CONFLICT = "conflict"  # somebody changed the document since; left alone
    LOCKED = "locked"  # open or checked out
    FAILED = "failed"  # refused for the reason given


@dataclass(frozen=True, kw_only=True)
class Change:
    """One document: the columns before and after, as JSON, and the ETag the plan was made against."""

    seq: int
    drive_id: str
    item_id: str
    name: str
    old: Json
    new: Json
    etag: str
    etag_after: str | None = None
    state: ChangeState = ChangeState.PENDING
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """One application of a plan. `undoes` names the run it takes back; `what` is free for the service."""

    id: str
    kind: str
    plan_sha: str
    undoes: str | None
    what: Json
    who: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None


def create_run(
    c: Connection,
    *,
    run_id: str,
    kind: str,
    plan_sha: str,
    who: str,
    what: Json,
    at: datetime,
    undoes: str | None = None,
) -> Run:
    """The new run, in state `running`."""
    values = {"id": run_id, "kind": kind, "plan_sha": plan_sha, "who": who, "what": what, "undoes": undoes}
    c.execute(run.insert().values(**values, state=RunState.RUNNING, started_at=at))
    return get(c, run_id)


def add_changes(c: Connection, run_id: str, changes: Iterable[Change]) -> int:
    """Journals the changes before the first is made, and counts them."""
    values = [
        {
            "run_id": run_id,
            "seq": one.seq,
            "drive_id": one.drive_id,
            "item_id": one.item_id,
            "name": one.name,
            "old": one.old,
            "new": one.new,
            "etag": one.etag,
            "state": one.state,
            "reason": one.reason,
        }
        for one in changes
    ]
    if values:
        c.execute(insert(change), values)
    return len(values)


def get(c: Connection, run_id: str) -> Run:
    """The run; NotFound names the id."""
    row = c.execute(select(run).where(run.c.id == run_id)).first()
    if row is None:
        raise NotFound(f"There is no run {run_id!r}; `km365 tag list` shows the runs there are.")
    return _run(row._mapping)


def list_(
    c: Connection, *, kind: str | None = None, plan_sha: str | None = None, limit: int = 50
) -> list[Run]:
    """Runs that match, the newest first."""
    query = select(run).order_by(run.c.started_at.desc(), run.c.id).limit(limit)
    if kind is not None:
        query = query.where(run.c.kind == kind)
    if plan_sha is not None:
        query = query.where(run.c.plan_sha == plan_sha)
    return [_run(row._mapping) for row in c.execute(query)]


def next_pending(c: Connection, run_id: str, *, limit: int = 20) -> list[Change]:
    """The next changes without an outcome, in the plan's order; those a crash left at `sending` come too."""
    open_ = change.c.state.in_([ChangeState.PENDING, ChangeState.SENDING])
    query = select(change).where((change.c.run_id == run_id) & open_).order_by(change.c.seq).limit(limit)
    return [_change(row._mapping) for row in c.execute(query)]


def changes(c: Connection, run_id: str) -> list[Change]:
    """Every change of the run, in the order of the plan."""
    query = select(change).where(change.c.run_id == run_id).order_by(change.c.seq)
    return [_change(row._mapping) for row in c.execute(query)]


def mark(
    c: Connection,
    run_id: str,
    seq: int,
    state: ChangeState,
    *,
    at: datetime,
    reason: str | None = None,
    etag_after: str | None = None,
) -> None:
    """Notes what became of one change; an `etag_after` already noted is kept when none is given."""
    values: dict[str, object] = {"state": state, "reason": reason, "changed_at": at}
    if etag_after is not None:
        values["etag_after"] = etag_after
    c.execute(update(change).where((change.c.run_id == run_id) & (change.c.seq == seq)).values(**values))


def reopen(c: Connection, run_id: str, *, at: datetime) -> bool:
    """Takes up a run that was cut off or met locked documents; False when it is over."""
    if get(c, run_id).state not in {RunState.RUNNING, RunState.STOPPED}:
        return False
    locked = (change.c.run_id == run_id) & (change.c.state == ChangeState.LOCKED)
    c.execute(update(change).where(locked).values(state=ChangeState.PENDING, changed_at=at))
    set_state(c, run_id, RunState.RUNNING, at=at)
    return True


def set_state(c: Connection, run_id: str, state: RunState, *, at: datetime) -> None:
    """Moves the run; anything but `running` also notes when."""
    finished = None if state is RunState.RUNNING else at
    c.execute(update(run).where(run.c.id == run_id).values(state=state, finished_at=finished))


def counts(c: Connection, run_id: str) -> dict[ChangeState, int]:
    """How many changes are in each state; states without any are left out."""
    query = select(change.c.state, func.count()).where(change.c.run_id == run_id).group_by(change.c.state)
    return {ChangeState(state): number for state, number in c.execute(query)}


def _run(row: rows.Row) -> Run:
    return Run(**{**row, "state": RunState(row["state"])})


def _change(row: rows.Row) -> Change:
    values = {name: value for name, value in row.items() if name not in ("run_id", "changed_at")}
    return Change(**{**values, "state": ChangeState(row["state"])})
