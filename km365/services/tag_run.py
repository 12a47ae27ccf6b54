"""Applies a tagging plan, and takes it back: each document once, journaled before, read back after.

What somebody changed in between is left alone and listed. A run that was cut off, even by `kill -9`, goes on
when the same plan is applied again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from km365.core.tag_plan import ColumnChange, Library, Plan, Row
from km365.core.tag_plan_file import refused_json
from km365.errors import Cause, GraphError, InputRefused, PlanRefused
from km365.graph import metadata, other_ways
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.services import tag_moves
from km365.services.memory import settled
from km365.services.tag_moves import CHANGED, DONE, OURS, TITLES, Move, Shelves, as_json, holds, refs
from km365.services.tag_plan import Advance
from km365.settings import Settings
from km365.store import events, runs
from km365.store.database import Connection, Database
from km365.store.runs import Change, ChangeState, End, Run, RunState

AT_ONCE = 200
"""Documents begun together, ten calls of Graph's batch. After a crash so many are compared, not written."""
LISTED = 1000
"""So many documents that are not as the run wants them are kept at hand; the journal has all."""
NOT_READ = 1000
"""So many documents that the plan could not read are noted with the run, for its report; the plan has all."""
WRITTEN = frozenset({ChangeState.DONE, ChangeState.SAME})
"""The documents that are as the run wants them."""
Begun = Callable[[Run], None]
"""Is told the run once it is journaled."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A run with what became of its documents: how many, and the first that are `left` with their reasons."""

    run: Run
    counts: Mapping[ChangeState, int]
    left: tuple[Change, ...]

    def count(self, state: ChangeState) -> int:
        """How many documents ended that way."""
        return self.counts.get(state, 0)

    @property
    def left_count(self) -> int:
        """How many documents are not as the run wants them."""
        return sum(number for state, number in self.counts.items() if state not in WRITTEN)


async def apply(
    graph: Graph,
    db: Database,
    settings: Settings,
    wanted: Plan,
    *,
    who: str,
    now: Callable[[], datetime],
    begun: Begun = lambda _: None,
    advance: Advance = lambda _: None,
) -> Outcome:
    """Writes the plan: one PATCH a document with the plan's ETag, read back. Resumes what was cut off.

    `begun` hears of the run once it is journaled, before anything is written.
    Raises PlanRefused, before anything is written or journaled, when the plan is empty, was applied before,
    is being applied by another process, or does not fit its libraries any more. GraphUnreachable and
    Throttled stop the run, which can then be resumed. Needs Sites.Selected with write.
    """
    if not wanted.rows:
        raise PlanRefused("This plan changes nothing; there is nothing to apply.")
    sha = wanted.sha
    run_id = f"tag-{sha[:10]}"
    with graph.bulk():  # a run that goes on after it was throttled has the time to wait
        shelves = await tag_moves.open_shelves(graph, wanted.libraries)
    _refuse_columns(wanted, shelves)
    with db.alone(settings.home, run_id), settled():
        run = await db.run(_begin, run_id, sha, wanted, who=who, at=now())
        begun(run)
        ready = _planned(db, run.id, wanted)
        return await _carry_out(graph, db, run, _write, shelves, ready=ready, now=now, advance=advance)


async def _planned(db: Database, run_id: str, wanted: Plan) -> AsyncIterator[list[Change]]:
    """The changes of a plan that the run has not begun, to be begun together.

    Known by their documents: a sheet may have been sorted since the run was cut off.
    """
    last = await db.run(runs.last_begun, run_id)
    goes_on = last >= 0
    rest = iter(wanted.rows)
    while some := list(islice(rest, AT_ONCE)):
        begun = await db.run(runs.begun_of, run_id, [row.item_id for row in some]) if goes_on else set()
        rows = [row for row in some if (row.drive_id, row.item_id) not in begun] if begun else some
        if rows:
            yield [_change(seq, row) for seq, row in enumerate(rows, last + 1)]
            last += len(rows)


def _change(seq: int, row: Row) -> Change:
    old = {change.column: as_json(change.before) for change in row.changes}
    new = {change.column: as_json(change.after) for change in row.changes}
    return Change(seq, row.drive_id, row.item_id, row.path, old, new, row.etag, comment=_comment(row))


def _comment(row: Row) -> str | None:
    """What people wrote beside its terms; of most documents nothing."""
    if not any(column.comments for column in (*row.changes, *row.others)):
        return None
    said = (comment for column in row.columns for comment in column.comments.values())
    return "\n".join(dict.fromkeys(said))


def _refuse_columns(wanted: Plan, shelves: Shelves) -> None:
    """Raises PlanRefused for a column without note field, or one that may only be read."""
    first: dict[tuple[str, str], tuple[Row, ColumnChange]] = {}
    for row in wanted.rows:
        for change in row.changes:
            first.setdefault((row.drive_id, change.column), (row, change))
    for row, change in first.values():
        shelf = shelves[row.drive_id]
        if change.column in shelf.closed:
            raise PlanRefused(
                f"{row.path}: the library lets nobody write {change.title}; take the column out of the plan "
                "or have it opened in the library's settings. Nothing was written."
            )
        try:
            metadata.body({change.column: ()}, shelf.notes)
        except InputRefused as refusal:
            raise PlanRefused(f"{row.path}: {refusal} Nothing was written.") from None


def _begin(c: Connection, run_id: str, sha: str, wanted: Plan, *, who: str, at: datetime) -> Run:
    """The run of this plan: a new one, or the one that was cut off."""
    known = next(iter(runs.list_(c, plan_sha=sha)), None)
    if known is not None:
        if known.state is RunState.UNDONE:
            raise PlanRefused(f"This plan was applied and undone (run {known.id}); make a new plan.")
        if not runs.reopen(c, known.id, at=at):
            raise PlanRefused(
                f"This plan was applied already; `km365 tag show {known.id}` says what came of it."
            )
        return runs.get(c, known.id)
    run = runs.create_run(
        c,
        run_id=run_id,
        kind="tag",
        plan_sha=sha,
        who=who,
        what={
            "libraries": [[one.site, one.name, one.drive_id] for one in wanted.libraries],
            "not_read": [refused_json(one) for one in islice(wanted.refused, NOT_READ)],
        },
        documents=len(wanted.rows),
        at=at,
    )
    events.append(c, kind="tag run", subject=run.id, who=who, what={"documents": run.documents}, at=at)
    return run


# Carrying out --------------------------------------------------------------------------------------------


_Step = Callable[[Graph, Sequence[Change], Shelves], Awaitable[list[End | GraphError]]]
"""Does a batch of changes; an error as the end of one leaves that one open, to be looked at again."""


async def _carry_out(
    graph: Graph,
    db: Database,
    run: Run,
    step: _Step,
    shelves: Shelves,
    *,
    ready: AsyncIterator[list[Change]],
    now: Callable[[], datetime],
    advance: Advance,
) -> Outcome:
    """Does `step` for the changes that are `ready`, then for those left open, and records each end.

    Stops, to be resumed, when not one document of a batch came to its end.
    """
    try:
        with graph.bulk():
            following: Sequence[Change] = await anext(ready, [])
            batch = await db.run(_record_and_take, run.id, (), {}, following, at=now())
            while batch:
                following = await anext(ready, [])  # now: nothing may come between the ends and their saving
                came = await step(graph, batch, shelves)
                ends = {one.seq: end for one, end in zip(batch, came, strict=True) if isinstance(end, End)}
                if not ends:
                    raise next(end for end in came if isinstance(end, GraphError))
                batch = await db.run(_record_and_take, run.id, batch, ends, following, at=now())
                advance(len(ends))
    finally:
        closing = asyncio.ensure_future(db.run(_close, run.id, at=now()))
        try:
            done = await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing  # whoever hears of the Ctrl-C reads there whether something is left to do
            raise
    return done


def _record_and_take(
    c: Connection,
    run_id: str,
    batch: Sequence[Change],
    ends: Mapping[int, End],
    ready: Sequence[Change],
    *,
    at: datetime,
) -> Sequence[Change]:
    """Records what became of the `batch`. The next one: what is `ready`, now noted as begun, else what stayed
    open; behind the last of that the first comes again.
    """
    runs.begin(c, run_id, ready)
    if batch and batch[0].state is ChangeState.PENDING:
        runs.add(c, run_id, batch, ends, at=at)
    else:
        runs.mark(c, run_id, ends, at=at)
    after = batch[-1].seq if batch else -1
    return (
        ready
        or runs.next_open(c, run_id, after=after, limit=AT_ONCE)
        or runs.next_open(c, run_id, limit=AT_ONCE)
    )


def _close(c: Connection, run_id: str, *, at: datetime) -> Outcome:
    """Ends the run, unless something of it can still be done: it was cut off, or documents were left open."""
    runs.settle(c, run_id)
    open_ = runs.again(runs.get(c, run_id)) | {ChangeState.PENDING, ChangeState.SENDING}
    counts = runs.counts(c, run_id)
    runs.set_state(c, run_id, RunState.STOPPED if open_ & counts.keys() else RunState.DONE, at=at)
    return _outcome(c, run_id, counts)


async def _write(graph: Graph, batch: Sequence[Change], shelves: Shelves) -> list[End | GraphError]:
    """Writes the documents. A write whose answer was lost is known by its value and not made again."""
    resumed = [change for change in batch if change.state is ChangeState.SENDING]
    kept = await _check_in(graph, resumed)
    begun = await tag_moves.look(graph, resumed)
    moves = [kept.get(one.seq) or _to_write(one, begun.get(one.seq)) for one in batch]
    ends = await tag_moves.make(graph, moves, shelves)
    refused = [
        change
        for change, end in zip(batch, ends, strict=True)
        if isinstance(end, End) and end.state is ChangeState.CONFLICT and change.seq not in begun
    ]
    there = await tag_moves.look(graph, refused)
    return [
        End(state=ChangeState.SAME, reason="The terms were there already.", cause=Cause(key="there"))
        if _is_there(there.get(change.seq), change)
        else end
        for change, end in zip(batch, ends, strict=True)
    ]


async def _check_in(graph: Graph, resumed: Sequence[Change]) -> dict[int, Move]:
    """Frees files that a crash or a refusal left checked out by us; what stays so has ended."""
    paths = {path: change for change in resumed if (path := tag_moves.target(change).drive_item)}
    kept = await other_ways.check_in_ours(graph, list(paths)) if paths else ()
    return {paths[path].seq: Move(change=paths[path], end=OURS) for path in kept}


def _to_write(change: Change, seen: Item | GraphError | None) -> Move:
    """What to do with a document; `seen` is what it looks like, where its write was begun before."""
    if isinstance(seen, GraphError):
        return Move(change=change, end=tag_moves.end_of(seen))
    if seen is not None and holds(seen, change.new):
        return Move(change=change, end=End(state=ChangeState.DONE, etag_after=seen.etag))
    if seen is not None and seen.etag != change.etag:
        # Perhaps ours came first and theirs on top: the etag tells undo to look.
        return Move(change=change, end=CHANGED._replace(etag_after=seen.etag))
    return Move(change=change, end=DONE, values=refs(change.new), etag=change.etag)


def _is_there(seen: Item | GraphError | None, change: Change) -> bool:
    return isinstance(seen, Item) and holds(seen, change.new)


# Undoing -------------------------------------------------------------------------------------------------


async def undo(
    graph: Graph,
    db: Database,
    settings: Settings,
    run_id: str,
    *,
    who: str,
    now: Callable[[], datetime],
    begun: Begun = lambda _: None,
    advance: Advance = lambda _: None,
) -> Outcome:
    """Puts back exactly what was there before the run, column by column, where our value still stands.

    What somebody has changed since stays and is listed. Raises NotFound for an unknown run, PlanRefused for
    one that is undone already or under way. Needs Sites.Selected with write.
    """
    undone = await db.run(runs.get, run_id)
    with graph.bulk():
        shelves = await tag_moves.open_shelves(graph, [_library(one) for one in undone.what["libraries"]])
    with db.alone(settings.home, run_id), settled():
        run = await db.run(_begin_undo, run_id, who=who, at=now())
        begun(run)
        ready = _to_take_back(db, run_id, after=await db.run(runs.last_begun, run.id))
        return await _carry_out(graph, db, run, _restore, shelves, ready=ready, now=now, advance=advance)


def _begin_undo(c: Connection, run_id: str, *, who: str, at: datetime) -> Run:
    """The run that undoes: a new one, or the one that was cut off."""
    undone = runs.get(c, run_id)
    undo_id = f"undo-{run_id}"
    if undone.undoes is not None:
        raise PlanRefused(f"{run_id} is an undo itself; make a new plan instead.")
    known = next(iter(runs.list_(c, plan_sha=undo_id)), None)
    if known is not None:
        if not runs.reopen(c, known.id, at=at):
            raise PlanRefused(f"The run {run_id} is undone already; see `km365 tag show {known.id}`.")
        return runs.get(c, known.id)
    runs.settle(c, run_id)
    count = sum(map(_perhaps_written, _pages(c, run_id)))
    if not count:
        raise PlanRefused(f"The run {run_id} has changed nothing; there is nothing to undo.")
    run = runs.create_run(
        c,
        run_id=undo_id,
        kind="undo",
        plan_sha=undo_id,
        who=who,
        what={"libraries": undone.what["libraries"]},
        documents=count,
        at=at,
        undoes=run_id,
    )
    runs.set_state(c, run_id, RunState.UNDONE, at=at)  # now, so that nobody resumes what is being undone
    events.append(c, kind="tag undo", subject=run_id, who=who, what={"documents": count}, at=at)
    return run


async def _to_take_back(db: Database, run_id: str, *, after: int) -> AsyncIterator[list[Change]]:
    """The changes that take back those of the run behind number `after`, to be begun together."""
    while some := await db.run(runs.changes, run_id, after=after, limit=AT_ONCE):
        after = some[-1].seq
        if back := [_back(change) for change in some if _perhaps_written(change)]:
            yield back


def _pages(c: Connection, run_id: str) -> Iterator[Change]:
    """The journal of a run, read in pages."""
    after = -1
    while some := runs.changes(c, run_id, after=after, limit=runs.PAGE):
        yield from some
        after = some[-1].seq


def _back(change: Change) -> Change:
    """The change that takes this one back. Its etag is that of our own write; "" where that is not known."""
    done = change.state is ChangeState.DONE
    return change._replace(
        old=change.new,
        new=change.old,
        etag=(change.etag_after or "") if done else "",
        state=ChangeState.PENDING,
        reason=None,
        cause=None,
        etag_after=None,
        comment=None,
    )


def _perhaps_written(change: Change) -> bool:
    """Whether the document may hold something of the run, wholly or in part."""
    if change.state in {ChangeState.CONFLICT, ChangeState.LOCKED}:
        return change.etag_after is not None
    return change.state in {ChangeState.DONE, ChangeState.SENDING, ChangeState.FAILED, ChangeState.GONE}


async def _restore(graph: Graph, batch: Sequence[Change], shelves: Shelves) -> list[End | GraphError]:
    """Puts the documents' columns back where they still hold what the run wrote.

    A document that nobody has touched since is known by its etag; the others are looked at, column by column.
    """
    sure = {change.seq for change in batch if change.etag and change.state is ChangeState.PENDING}
    unsure = [change for change in batch if change.seq not in sure]
    kept = await _check_in(graph, unsure)
    seen = await tag_moves.look(graph, unsure)
    moves = [
        Move(change=change, end=DONE, values=refs(change.new), etag=change.etag)
        if change.seq in sure
        else kept.get(change.seq) or _to_restore(change, seen[change.seq])
        for change in batch
    ]
    ends = dict(zip([one.seq for one in batch], await tag_moves.make(graph, moves, shelves), strict=True))
    touched = [change for change in batch if change.seq in sure and ends[change.seq] == CHANGED]
    seen = await tag_moves.look(graph, touched)
    again = [_to_restore(change, seen[change.seq]) for change in touched]
    for move, end in zip(again, await tag_moves.make(graph, again, shelves), strict=True):
        ends[move.change.seq] = end
    return [ends[change.seq] for change in batch]


def _to_restore(change: Change, seen: Item | GraphError) -> Move:
    """What to do with a document that looks like `seen`; `change.old` is what the run wrote."""
    if isinstance(seen, GraphError):
        return Move(change=change, end=tag_moves.end_of(seen))
    ours = {name: change.new[name] for name, tags in change.old.items() if holds(seen, {name: tags})}
    foreign = [
        name for name, tags in change.new.items() if name not in ours and not holds(seen, {name: tags})
    ]
    end = End(state=ChangeState.DONE, etag_after=seen.etag)
    if foreign:
        titles = ", ".join(TITLES.get(name, name) for name in foreign)
        reason = f"Changed since and left alone: {titles}."
        cause = Cause(key="changed_columns", values={"columns": ", ".join(foreign)})
        end = End(state=ChangeState.CONFLICT, reason=reason, cause=cause, etag_after=seen.etag)
    return Move(change=change, end=end, values=refs(ours), etag=seen.etag)


# Reading the journal -------------------------------------------------------------------------------------


def outcome(c: Connection, run_id: str) -> Outcome:
    """The run and what became of its documents. Raises NotFound."""
    return _outcome(c, run_id, runs.counts(c, run_id))


def _outcome(c: Connection, run_id: str, counts: Mapping[ChangeState, int]) -> Outcome:
    left = counts.keys() - WRITTEN - {ChangeState.PENDING}
    listed = runs.changes(c, run_id, states=left, limit=LISTED) if left else ()
    return Outcome(run=runs.get(c, run_id), counts=counts, left=tuple(listed))


async def journal(db: Database, run_id: str) -> AsyncIterator[Change]:
    """Every document of the run with what became of it, in the plan's order, however many there are."""
    after = -1
    while some := await db.run(runs.changes, run_id, after=after, limit=runs.PAGE):
        for change in some:
            yield change
        after = some[-1].seq


def _library(kept: Sequence[str]) -> Library:
    site, name, drive_id = kept
    return Library(site=site, name=name, drive_id=drive_id)
