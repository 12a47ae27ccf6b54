"""Applies a tagging plan, and takes it back: each document once, journaled before, read back after.

What somebody changed in between is left alone and listed. A run that was cut off, even by `kill -9`, goes on
when the same plan is applied again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from km365.core.schema import TAG_COLUMNS
from km365.core.tag_plan import Library, Plan, Row, Tag
from km365.errors import (
    GraphChangedMeanwhile,
    GraphError,
    GraphUnreachable,
    InputRefused,
    Locked,
    PlanRefused,
    Throttled,
)
from km365.graph import lists, metadata
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.metadata import Target, TermRef, Written
from km365.services.tag_plan import Advance, open_library
from km365.settings import Settings
from km365.store import events, locks, runs
from km365.store.database import Connection, Database
from km365.store.runs import Change, ChangeState, Run, RunState

AT_ONCE = 20
"""Documents begun together: one call of Graph's batch. After a crash so many are compared, not written."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A run with what became of each document."""

    run: Run
    changes: tuple[Change, ...]

    def count(self, state: ChangeState) -> int:
        """How many documents ended that way."""
        return sum(change.state is state for change in self.changes)

    @property
    def left(self) -> tuple[Change, ...]:
        """The documents that are not as the run wants them, each with its reason."""
        return tuple(c for c in self.changes if c.state not in {ChangeState.DONE, ChangeState.SAME})


async def apply(
    graph: Graph,
    db: Database,
    settings: Settings,
    wanted: Plan,
    *,
    who: str,
    now: Callable[[], datetime],
    advance: Advance = lambda _: None,
) -> Outcome:
    """Writes the plan: one PATCH a document with the plan's ETag, read back. Resumes what was cut off.

    Raises PlanRefused, before anything is written or journaled, when the plan is empty, was applied before,
    is being applied by another process, or does not fit its libraries any more. GraphUnreachable and
    Throttled stop the run, which can then be resumed. Needs Sites.Selected with write.
    """
    if not wanted.rows:
        raise PlanRefused("This plan adds nothing; there is nothing to apply.")
    run_id = f"tag-{wanted.sha[:10]}"
    notes = await _notes(graph, wanted.libraries)
    changes = [_planned(seq, row) for seq, row in enumerate(wanted.rows)]
    for change in changes:
        _refuse_unwritable(change, notes)
    with locks.alone(settings.home, run_id):
        run = await db.run(_begin, run_id, wanted, changes, who=who, at=now())
        return await _carry_out(graph, db, run, _write, notes, now=now, advance=advance)


def _planned(seq: int, row: Row) -> Change:
    return Change(
        seq=seq,
        drive_id=row.drive_id,
        item_id=row.item_id,
        name=row.path,
        old={change.column: _json(change.before) for change in row.changes},
        new={change.column: _json(change.after) for change in row.changes},
        etag=row.etag,
    )


def _refuse_unwritable(change: Change, notes: "_Notes") -> None:
    """Raises PlanRefused where a column lost its note field, or a label is one SharePoint cannot hold."""
    for values in (change.new, change.old):
        try:
            metadata.body(_refs(values), notes[change.drive_id])
        except InputRefused as refusal:
            raise PlanRefused(f"{change.name}: {refusal} Nothing was written.") from None


def _begin(
    c: Connection, run_id: str, wanted: Plan, changes: Sequence[Change], *, who: str, at: datetime
) -> Run:
    """The run of this plan: a new one with its journal, or the one that was cut off."""
    known = next(iter(runs.list_(c, plan_sha=wanted.sha)), None)
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
        plan_sha=wanted.sha,
        who=who,
        what={"libraries": [[one.site, one.name, one.drive_id] for one in wanted.libraries]},
        at=at,
    )
    runs.add_changes(c, run.id, changes)
    events.append(c, kind="tag run", subject=run.id, who=who, what={"documents": len(changes)}, at=at)
    return run


# Carrying out --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _End:
    """How one change ended."""

    state: ChangeState
    reason: str | None = None
    etag_after: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Move:
    """What to do with one document: write `values` against `etag`, which makes `end` true.

    Without values there is nothing to write, and it has ended so.
    """

    change: Change
    end: _End | GraphError
    values: Mapping[str, Any] = field(default_factory=dict)
    etag: str = ""


_Notes = Mapping[str, Mapping[str, str]]
"""The hidden note field of each tag column, by drive."""

_Step = Callable[[Graph, Sequence[Change], _Notes], Awaitable[list[_End | GraphError]]]
"""Does a batch of changes; an error as the end of one leaves that one open, to be looked at again."""


async def _carry_out(
    graph: Graph,
    db: Database,
    run: Run,
    step: _Step,
    notes: _Notes,
    *,
    now: Callable[[], datetime],
    advance: Advance,
) -> Outcome:
    """Does `step` for every change without an outcome, and records each end.

    Stops, to be resumed, when not one document of a batch came to its end.
    """
    finished = False
    try:
        with graph.bulk():
            while batch := await db.run(_take, run.id, at=now()):
                ends = await step(graph, batch, notes)
                await db.run(_record, run.id, batch, ends, at=now())
                still_open = [end for end in ends if isinstance(end, GraphError)]
                if len(still_open) == len(batch):
                    raise still_open[0]
                advance(len(batch) - len(still_open))
        finished = True
    finally:
        await asyncio.shield(db.run(_close, run.id, finished=finished, at=now()))
    return await db.run(outcome, run.id)


def _take(c: Connection, run_id: str, *, at: datetime) -> list[Change]:
    """The next changes, now marked as begun; each comes as it was, so that one begun before is known."""
    batch = runs.next_pending(c, run_id, limit=AT_ONCE)
    for change in batch:
        runs.mark(c, run_id, change.seq, ChangeState.SENDING, at=at)
    return batch


def _record(
    c: Connection, run_id: str, batch: Sequence[Change], ends: Sequence[_End | GraphError], *, at: datetime
) -> None:
    for change, end in zip(batch, ends, strict=True):
        if isinstance(end, _End):
            runs.mark(c, run_id, change.seq, end.state, at=at, reason=end.reason, etag_after=end.etag_after)


def _close(c: Connection, run_id: str, *, finished: bool, at: datetime) -> None:
    """Ends the run, unless something of it can still be done: it was cut off, or documents were locked."""
    whole = finished and not runs.counts(c, run_id).get(ChangeState.LOCKED)
    runs.set_state(c, run_id, RunState.DONE if whole else RunState.STOPPED, at=at)


async def _write(graph: Graph, batch: Sequence[Change], notes: _Notes) -> list[_End | GraphError]:
    """Writes the documents. A write whose answer was lost is known by its value and not made again."""
    begun = await _look(graph, [change for change in batch if change.state is ChangeState.SENDING])
    ends = await _make(graph, [_to_write(change, begun.get(change.seq)) for change in batch], notes)
    refused = [
        change
        for change, end in zip(batch, ends, strict=True)
        if isinstance(end, _End) and end.state is ChangeState.CONFLICT and change.seq not in begun
    ]
    there = await _look(graph, refused)
    return [
        _End(state=ChangeState.SAME, reason="The terms were there already.")
        if _is_there(there.get(change.seq), change.new)
        else end
        for change, end in zip(batch, ends, strict=True)
    ]


def _to_write(change: Change, seen: Item | GraphError | None) -> _Move:
    """What to do with a document; `seen` is what it looks like, where its write was begun before."""
    if isinstance(seen, GraphError):
        return _Move(change=change, end=_end_of(seen))
    if seen is not None and _holds(seen, change.new):
        return _Move(change=change, end=_End(state=ChangeState.DONE, etag_after=seen.etag))
    if seen is not None and seen.etag != change.etag:
        # Perhaps ours came first and theirs on top: the etag tells undo to look.
        return _Move(change=change, end=replace(_CHANGED, etag_after=seen.etag))
    return _Move(change=change, end=_End(state=ChangeState.DONE), values=_refs(change.new), etag=change.etag)


async def _make(graph: Graph, moves: Sequence[_Move], notes: _Notes) -> list[_End | GraphError]:
    """The end of each move, after what has to be written was written and read back in one batch."""
    writing = [move for move in moves if move.values]
    written = iter(
        await metadata.write_many(
            graph,
            [
                metadata.Change(
                    target=Target.file(move.change.drive_id, move.change.item_id),
                    values=move.values,
                    notes=notes[move.change.drive_id],
                    etag=move.etag,
                )
                for move in writing
            ],
        )
    )
    return [_end_after(move, next(written)) if move.values else move.end for move in moves]


def _end_after(move: _Move, written: Written | GraphError) -> _End | GraphError:
    if isinstance(written, GraphError):
        return _end_of(written)
    return replace(move.end, etag_after=written.etag) if isinstance(move.end, _End) else move.end


_CHANGED = _End(state=ChangeState.CONFLICT, reason="It was changed in the meantime and left alone.")


def _end_of(error: GraphError) -> _End | GraphError:
    """What concerns one document ends that document; what may pass leaves it open."""
    if isinstance(error, GraphUnreachable | Throttled):
        return error
    if isinstance(error, Locked):
        return _End(
            state=ChangeState.LOCKED, reason="It is open or checked out; the same command tries again."
        )
    if isinstance(error, GraphChangedMeanwhile):
        return _CHANGED
    return _End(state=ChangeState.FAILED, reason=str(error))


async def _look(graph: Graph, batch: Sequence[Change]) -> dict[int, Item | GraphError]:
    """What the documents look like now, or why they cannot be read."""

    async def one(change: Change) -> Item | GraphError:
        try:
            return await lists.read_item(graph, Target.file(change.drive_id, change.item_id).path)
        except GraphError as error:
            return error

    found = await asyncio.gather(*(one(change) for change in batch))
    return {change.seq: seen for change, seen in zip(batch, found, strict=True)}


# Undoing -------------------------------------------------------------------------------------------------


async def undo(
    graph: Graph,
    db: Database,
    settings: Settings,
    run_id: str,
    *,
    who: str,
    now: Callable[[], datetime],
    advance: Advance = lambda _: None,
) -> Outcome:
    """Puts back exactly what was there before the run, column by column, where our value still stands.

    What somebody has changed since stays and is listed. Raises NotFound for an unknown run, PlanRefused for
    one that is undone already or under way. Needs Sites.Selected with write.
    """
    undone = await db.run(runs.get, run_id)
    notes = await _notes(graph, [_library(one) for one in undone.what["libraries"]])
    with locks.alone(settings.home, run_id):
        run = await db.run(_begin_undo, run_id, who=who, at=now())
        return await _carry_out(graph, db, run, _restore, notes, now=now, advance=advance)


def _begin_undo(c: Connection, run_id: str, *, who: str, at: datetime) -> Run:
    """The run that undoes: a new one with its journal, or the one that was cut off."""
    undone = runs.get(c, run_id)
    undo_id = f"undo-{run_id}"
    if undone.undoes is not None:
        raise PlanRefused(f"{run_id} is an undo itself; make a new plan instead.")
    known = next(iter(runs.list_(c, plan_sha=undo_id)), None)
    if known is not None:
        if not runs.reopen(c, known.id, at=at):
            raise PlanRefused(f"The run {run_id} is undone already; see `km365 tag show {known.id}`.")
        return runs.get(c, known.id)
    changes = [change for change in runs.changes(c, run_id) if _perhaps_written(change)]
    if not changes:
        raise PlanRefused(f"The run {run_id} has changed nothing; there is nothing to undo.")
    run = runs.create_run(
        c, run_id=undo_id, kind="undo", plan_sha=undo_id, who=who, what=undone.what, at=at, undoes=run_id
    )
    back = [
        replace(
            change, old=change.new, new=change.old, state=ChangeState.PENDING, reason=None, etag_after=None
        )
        for change in changes
    ]
    runs.add_changes(c, run.id, back)
    runs.set_state(c, run_id, RunState.UNDONE, at=at)  # now, so that nobody resumes what is being undone
    events.append(c, kind="tag undo", subject=run_id, who=who, what={"documents": len(back)}, at=at)
    return run


def _perhaps_written(change: Change) -> bool:
    """Whether the document may hold something of the run, wholly or in part."""
    if change.state is ChangeState.CONFLICT:
        return change.etag_after is not None
    return change.state in {ChangeState.DONE, ChangeState.SENDING, ChangeState.FAILED}


async def _restore(graph: Graph, batch: Sequence[Change], notes: _Notes) -> list[_End | GraphError]:
    """Puts the documents' columns back where they still hold what the run wrote."""
    seen = await _look(graph, batch)
    return await _make(graph, [_to_restore(change, seen[change.seq]) for change in batch], notes)


def _to_restore(change: Change, seen: Item | GraphError) -> _Move:
    """What to do with a document that looks like `seen`; `change.old` is what the run wrote."""
    if isinstance(seen, GraphError):
        return _Move(change=change, end=_end_of(seen))
    ours = {name: change.new[name] for name, tags in change.old.items() if _holds(seen, {name: tags})}
    foreign = [
        name for name, tags in change.new.items() if name not in ours and not _holds(seen, {name: tags})
    ]
    end = _End(state=ChangeState.DONE, etag_after=seen.etag)
    if foreign:
        titles = ", ".join(one.title for one in TAG_COLUMNS if one.name in foreign)
        reason = f"Changed since and left alone: {titles}."
        end = _End(state=ChangeState.CONFLICT, reason=reason, etag_after=seen.etag)
    return _Move(change=change, end=end, values=_refs(ours), etag=seen.etag)


# Reading the journal -------------------------------------------------------------------------------------


def outcome(c: Connection, run_id: str) -> Outcome:
    """The run and what became of each document. Raises NotFound."""
    return Outcome(run=runs.get(c, run_id), changes=tuple(runs.changes(c, run_id)))


async def _notes(graph: Graph, libraries: Iterable[Library]) -> _Notes:
    """The hidden note fields of the libraries. Raises PlanRefused where one is gone."""
    found = {}
    for library in libraries:
        site_id, drive = await open_library(graph, library)
        found[library.drive_id] = metadata.note_fields(
            await lists.list_columns(graph, site_id, drive.list_id)
        )
    return found


def _library(kept: Sequence[str]) -> Library:
    site, name, drive_id = kept
    return Library(site=site, name=name, drive_id=drive_id)


def _json(tags: Iterable[Tag]) -> list[list[str]]:
    return [[tag.term_id, tag.label] for tag in tags]


def _refs(values: Mapping[str, Any]) -> dict[str, tuple[TermRef, ...]]:
    return {
        name: tuple(TermRef(id=term_id, label=label) for term_id, label in tags)
        for name, tags in values.items()
    }


def _holds(item: Item, values: Mapping[str, Any]) -> bool:
    """Whether the document's columns hold exactly these terms."""
    return not metadata.not_stored(_refs(values), item.fields)


def _is_there(seen: Item | GraphError | None, values: Mapping[str, Any]) -> bool:
    return isinstance(seen, Item) and _holds(seen, values)
