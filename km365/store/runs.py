"""The journal of runs over other people's documents: resume point, progress and undo in one (ENGINE §2).

What a run is about to write stands with the run, a batch of changes together, before the first of them is
sent; when their ends are known each gets a row of its own. So a change is written down twice and moved never,
for two thirds of what a row costs that is added first and marked later.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, func, insert, literal, select, update

from km365.errors import Cause, NotFound
from km365.store import rows
from km365.store.rows import Json, Prepared
from km365.store.tables import change, run

PAGE = 500
"""Rows that are read at once."""


class RunState(StrEnum):
    """Where a run is."""

    RUNNING = "running"  # begun; after a crash it can be resumed
    STOPPED = "stopped"  # a person stopped it; it can be resumed
    DONE = "done"  # every change has an outcome
    UNDONE = "undone"  # another run took back what it could


class ChangeState(StrEnum):
    """What became of one change."""

    PENDING = "pending"  # not begun
    SENDING = "sending"  # the write was begun; on resume compare before writing again
    DONE = "done"  # written and read back
    SAME = "same"  # nothing to do: the value was already there
    CONFLICT = "conflict"  # somebody changed the document since; left alone
    LOCKED = "locked"  # open, checked out, or SharePoint failed: another time it may be written
    FAILED = "failed"  # refused for the reason given
    GONE = "gone"  # the document is no longer there, which no other try changes


class Change(NamedTuple):
    """One document: the columns before and after, as JSON, and the ETag the plan was made against.

    A run makes many, and a named tuple is made in a third of the time a frozen dataclass takes.
    """

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
    cause: Cause | None = None
    """The reason as data, to be said in the language of a reader."""
    comment: str | None = None
    """What people wrote beside its terms in the plan."""


class End(NamedTuple):
    """What became of one change; an `etag_after` already noted is kept when none is given."""

    state: ChangeState
    reason: str | None = None
    cause: Cause | None = None
    etag_after: str | None = None


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
    documents: int
    """So many the run is about, those not begun included."""


def create_run(
    c: Connection,
    *,
    run_id: str,
    kind: str,
    plan_sha: str,
    who: str,
    what: Json,
    documents: int,
    at: datetime,
    undoes: str | None = None,
) -> Run:
    """The new run, in state `running`."""
    values = {"id": run_id, "kind": kind, "plan_sha": plan_sha, "who": who, "what": what, "undoes": undoes}
    c.execute(run.insert().values(**values, documents=documents, state=RunState.RUNNING, started_at=at))
    return get(c, run_id)


def begin(c: Connection, run_id: str, changes: Sequence[Change]) -> None:
    """Notes with the run that the writes of these changes are begun, instead of what it noted before.

    Comes first in its transaction: whoever settles the run at the same time waits here.
    """
    _BEGIN.run(c, [([_intent(one) for one in changes] or None, run_id)])


_BEGIN = Prepared(update(run).where(run.c.id == bindparam("of")).values(begun=bindparam("now")), "now", "of")


def _intent(one: Change) -> tuple[object, ...]:
    return one.seq, one.drive_id, one.item_id, one.name, one.old, one.new, one.etag, one.comment


def _of_intent(raw: Sequence[Any]) -> Change:
    seq, drive_id, item_id, name, old, new, etag, comment = raw
    return Change(seq, drive_id, item_id, name, old, new, etag, comment=comment)


def settle(c: Connection, run_id: str) -> None:
    """Gives rows to what was begun and has no end, as after a crash: compare before writing again."""
    begun = c.execute(select(run.c.begun).where(run.c.id == run_id).with_for_update()).scalar_one()
    if begun:
        add(c, run_id, [_of_intent(raw) for raw in begun], {}, at=None)
        begin(c, run_id, ())


def add(
    c: Connection, run_id: str, changes: Iterable[Change], ends: Mapping[int, End], *, at: datetime | None
) -> None:
    """Rows for changes that were begun, with their ends by number; without one it is not known."""
    _ADD.run(c, [_values(run_id, one, ends.get(one.seq, _NOT_KNOWN), at) for one in changes])


_ADD = Prepared(
    insert(change),
    *("run_id", "seq", "drive_id", "item_id", "name", "old", "new", "etag", "comment"),
    *("state", "reason", "cause", "etag_after", "changed_at"),
)


def _values(run_id: str, one: Change, end: End, at: datetime | None) -> tuple[object, ...]:
    state = str(end.state)  # the driver takes long to find out what to do with an enumeration
    return (run_id, *_intent(one), state, end.reason, end.cause and end.cause.as_json(), end.etag_after, at)


_RUN = [column for column in run.c if column is not run.c.begun]


def get(c: Connection, run_id: str) -> Run:
    """The run; NotFound names the id."""
    row = c.execute(select(*_RUN).where(run.c.id == run_id)).first()
    if row is None:
        raise NotFound(f"There is no run {run_id!r}; `km365 tag list` shows the runs there are.")
    return _run(row._mapping)


def list_(
    c: Connection,
    *,
    kind: str | None = None,
    plan_sha: str | None = None,
    state: RunState | None = None,
    limit: int | None = 50,
) -> list[Run]:
    """Runs that match, the newest first; None for all of them."""
    query = select(*_RUN).order_by(run.c.started_at.desc(), run.c.id).limit(limit)
    if kind is not None:
        query = query.where(run.c.kind == kind)
    if plan_sha is not None:
        query = query.where(run.c.plan_sha == plan_sha)
    if state is not None:
        query = query.where(run.c.state == state)
    return [_run(row._mapping) for row in c.execute(query)]


_NOT_KNOWN = End(state=ChangeState.SENDING)

_CHANGES = select(
    *(change.c.seq, change.c.drive_id, change.c.item_id, change.c.name, change.c.old, change.c.new),
    *(change.c.etag, change.c.etag_after, change.c.state, change.c.reason, change.c.cause),
    change.c.comment,
)
_OPEN = Prepared(
    _CHANGES.where((change.c.run_id == bindparam("run")) & (change.c.seq > bindparam("after")))
    .where(change.c.state == ChangeState.SENDING)
    .order_by(change.c.seq)
    .limit(bindparam("most", type_=Integer)),
    *("run", "after", "most"),
)


def next_open(c: Connection, run_id: str, *, after: int = -1, limit: int = 20) -> list[Change]:
    """The changes that were begun and have no end, behind number `after`, in the plan's order."""
    return [_change(row) for row in _OPEN.rows(c, run_id, after, limit)]


def changes(
    c: Connection,
    run_id: str,
    *,
    states: Collection[ChangeState] = (),
    after: int = -1,
    limit: int | None = None,
) -> list[Change]:
    """The changes of the run in the order of the plan: those behind number `after`, in these states."""
    query = _CHANGES.where((change.c.run_id == run_id) & (change.c.seq > after))
    if states:
        query = query.where(change.c.state.in_(states))
    return [_change(row) for row in c.execute(query.order_by(change.c.seq).limit(limit))]


def of_item(c: Connection, drive_id: str, item_id: str) -> list[tuple[Run, Change]]:
    """Every change of one document with its run, the newest first."""
    mine = (change.c.drive_id == drive_id) & (change.c.item_id == item_id)
    found = c.execute(
        _CHANGES.add_columns(change.c.run_id)
        .join(run, run.c.id == change.c.run_id)
        .where(mine)
        .order_by(run.c.started_at.desc(), run.c.undoes.is_(None), run.c.id)
    )
    return [(get(c, run_id), _change(row)) for *row, run_id in found.all()]


def items_like(c: Connection, path: str, item_id: str) -> list[tuple[str, str, str]]:
    """(drive id, item id, last known path) of each journaled document with this id or path.

    `path` may begin before the library's root, as in an address, or be the document's name alone.
    """
    name = change.c.name
    ends = (name == path) | name.endswith(f"/{path}", autoescape=True)
    inside = literal(f"/{path}").endswith("/" + name)
    return _items(c, ends | inside | (change.c.item_id == item_id))


def items_named(c: Connection, part: str) -> list[tuple[str, str, str]]:
    """The same of each journaled document whose path contains `part`, in capitals or not."""
    return _items(c, change.c.name.icontains(part, autoescape=True))


def _items(c: Connection, which: ColumnElement[bool]) -> list[tuple[str, str, str]]:
    name = change.c.name
    query = select(change.c.drive_id, change.c.item_id, func.max(name)).where(which)
    grouped = query.group_by(change.c.drive_id, change.c.item_id).order_by(func.max(name))
    return [(row[0], row[1], row[2]) for row in c.execute(grouped)]


def last_begun(c: Connection, run_id: str) -> int:
    """The number of the last change that has a row; -1 for none."""
    last = c.execute(select(func.max(change.c.seq)).where(change.c.run_id == run_id)).scalar()
    return -1 if last is None else int(last)


def begun_of(c: Connection, run_id: str, item_ids: Collection[str]) -> set[tuple[str, str]]:
    """Those of the documents, as (drive id, item id), that the run has begun."""
    # By the documents alone: asked for the run as well, SQLite would read all of its rows.
    found = c.execute(_DOCUMENTS.where(change.c.item_id.in_(item_ids)))
    return {(drive_id, item_id) for of, drive_id, item_id in found if of == run_id}


_DOCUMENTS = select(change.c.run_id, change.c.drive_id, change.c.item_id)


def mark(c: Connection, run_id: str, ends: Mapping[int, End], *, at: datetime) -> None:
    """Notes what became of changes that have a row, by their numbers."""
    _MARK.run(
        c,
        [
            (run_id, seq, end.state, end.reason, end.cause and end.cause.as_json(), end.etag_after, at)
            for seq, end in ends.items()
        ],
    )


_MARK = Prepared(
    update(change)
    .where((change.c.run_id == bindparam("run")) & (change.c.seq == bindparam("of")))
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        cause=bindparam("cause"),
        changed_at=bindparam("at"),
        etag_after=func.coalesce(bindparam("after"), change.c.etag_after),
    ),
    *("run", "of", "to", "why", "cause", "after", "at"),
)


def again(one: Run) -> frozenset[ChangeState]:
    """The ends after which the same command tries a document again.

    Undoing leaves nothing of ours behind for want of another try; it compares before it writes.
    """
    return frozenset({ChangeState.LOCKED, ChangeState.FAILED} if one.undoes else {ChangeState.LOCKED})


def reopen(c: Connection, run_id: str, *, at: datetime) -> bool:
    """Takes up a run that was cut off or has documents to try again; False when it is over."""
    known = get(c, run_id)
    if known.state not in {RunState.RUNNING, RunState.STOPPED}:
        return False
    settle(c, run_id)
    open_ = (change.c.run_id == run_id) & change.c.state.in_(again(known))
    c.execute(update(change).where(open_).values(state=ChangeState.SENDING, changed_at=at))
    set_state(c, run_id, RunState.RUNNING, at=at)
    return True


def set_state(c: Connection, run_id: str, state: RunState, *, at: datetime) -> None:
    """Moves the run; anything but `running` also notes when."""
    finished = None if state is RunState.RUNNING else at
    c.execute(update(run).where(run.c.id == run_id).values(state=state, finished_at=finished))


def counts(c: Connection, run_id: str) -> dict[ChangeState, int]:
    """How many changes are in each state; states without any are left out.

    Those that are just being written count as not begun, until there are rows of them.
    """
    query = select(change.c.state, func.count()).where(change.c.run_id == run_id).group_by(change.c.state)
    found = {ChangeState(state): number for state, number in c.execute(query)}
    not_begun = get(c, run_id).documents - sum(found.values())
    return found | ({ChangeState.PENDING: not_begun} if not_begun > 0 else {})


def _run(row: rows.Row) -> Run:
    return Run(**{**row, "state": RunState(row["state"])})


def _change(row: Iterable[Any]) -> Change:
    """A row of `_CHANGES`; by place, because a run reads thousands."""
    seq, drive_id, item_id, name, old, new, etag, etag_after, state, reason, cause, comment = row
    known = _STATES[state], reason, cause and Cause.from_json(cause)
    return Change(seq, drive_id, item_id, name, old, new, etag, etag_after, *known, comment)


_STATES = {state.value: state for state in ChangeState}
