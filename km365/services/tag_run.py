"""Applies a tagging plan, and takes it back: each document once, journaled before, read back after.

What somebody changed in between is left alone and listed. A run that was cut off, even by `kill -9`, goes on
when the same plan is applied again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from km365.core.schema import TAG_COLUMNS
from km365.core.tag_plan import Library, Plan, Tag
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
from km365.graph.metadata import Target, TermRef
from km365.services.tag_plan import Advance, open_library
from km365.settings import Settings
from km365.store import events, locks, runs
from km365.store.database import Connection, Database
from km365.store.runs import Change, ChangeState, Run, RunState

AT_ONCE = 16
"""Documents written at the same time; the pacing of the Graph client decides how fast they really go."""


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

    Raises PlanRefused when the plan is empty, was applied before, or is being applied by another process;
    GraphUnreachable and Throttled stop the run, which can then be resumed. Needs Sites.Selected with write.
    """
    if not wanted.rows:
        raise PlanRefused("This plan adds nothing; there is nothing to apply.")
    run_id = f"tag-{wanted.sha[:10]}"
    with locks.alone(settings.home, run_id):
        run = await db.run(_begin, run_id, wanted, who=who, at=now())
        return await _carry_out(graph, db, run, _write, now=now, advance=advance)


def _begin(c: Connection, run_id: str, wanted: Plan, *, who: str, at: datetime) -> Run:
    """The run of this plan: a new one with its journal, or the one that was cut off."""
    known = next((run for run in runs.list_(c, plan_sha=wanted.sha)), None)
    if known is not None and known.state is RunState.UNDONE:
        raise PlanRefused(f"This plan was applied and undone (run {known.id}); make a new plan.")
    if known is not None:
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
    changes = [
        Change(
            seq=seq,
            drive_id=row.drive_id,
            item_id=row.item_id,
            name=row.path,
            old={change.column: _json(change.before) for change in row.changes},
            new={change.column: _json(change.after) for change in row.changes},
            etag=row.etag,
        )
        for seq, row in enumerate(wanted.rows)
    ]
    runs.add_changes(c, run.id, changes)
    events.append(c, kind="tag run", subject=run.id, who=who, what={"documents": len(changes)}, at=at)
    return run


@dataclass(frozen=True, kw_only=True)
class _End:
    """How one change ended."""

    state: ChangeState
    reason: str | None = None
    etag_after: str | None = None


_Notes = Mapping[str, Mapping[str, str]]
"""The hidden note field of each tag column, by drive."""

_Step = Callable[[Graph, Change, _Notes], Awaitable[_End]]


async def _carry_out(
    graph: Graph,
    db: Database,
    run: Run,
    step: _Step,
    *,
    now: Callable[[], datetime],
    advance: Advance,
) -> Outcome:
    """Does `step` for every change without an outcome, and records each end."""
    finished = False
    try:
        notes = await _notes(graph, run)
        with graph.bulk():
            while chunk := await db.run(_take, run.id, at=now()):
                ends = await asyncio.gather(
                    *(_one(graph, change, notes, step) for change in chunk), return_exceptions=True
                )
                await db.run(_record, run.id, chunk, ends, at=now())
                for end in ends:
                    if isinstance(end, BaseException):
                        raise end
                advance(len(chunk))
        finished = True
    finally:
        await asyncio.shield(db.run(_close, run.id, finished=finished, at=now()))
    return await db.run(outcome, run.id)


def _take(c: Connection, run_id: str, *, at: datetime) -> list[Change]:
    """The next changes, now marked as begun; each comes as it was, so that one begun before is known."""
    chunk = runs.next_pending(c, run_id, limit=AT_ONCE)
    for change in chunk:
        runs.mark(c, run_id, change.seq, ChangeState.SENDING, at=at)
    return chunk


def _record(
    c: Connection, run_id: str, chunk: Sequence[Change], ends: Sequence[_End | BaseException], *, at: datetime
) -> None:
    for change, end in zip(chunk, ends, strict=True):
        if isinstance(end, _End):
            runs.mark(c, run_id, change.seq, end.state, at=at, reason=end.reason, etag_after=end.etag_after)


def _close(c: Connection, run_id: str, *, finished: bool, at: datetime) -> None:
    """Ends the run, unless something of it can still be done: it was cut off, or documents were locked."""
    whole = finished and not runs.counts(c, run_id).get(ChangeState.LOCKED)
    runs.set_state(c, run_id, RunState.DONE if whole else RunState.STOPPED, at=at)


async def _one(graph: Graph, change: Change, notes: _Notes, step: _Step) -> _End:
    """The step's end. What concerns one document ends that document; what concerns all is raised."""
    try:
        return await step(graph, change, notes)
    except (GraphUnreachable, Throttled):
        raise
    except Locked:
        reason = "It is open or checked out; the same command tries again."
        return _End(state=ChangeState.LOCKED, reason=reason)
    except GraphChangedMeanwhile:
        return _End(state=ChangeState.CONFLICT, reason="It was changed in the meantime and left alone.")
    except (GraphError, InputRefused) as error:
        return _End(state=ChangeState.FAILED, reason=str(error))


async def _write(graph: Graph, change: Change, notes: _Notes) -> _End:
    """Writes one document. A write whose answer was lost is known by its value and not made again."""
    target = Target.file(change.drive_id, change.item_id)
    if change.state is ChangeState.SENDING:
        item = await lists.read_item(graph, target.path)
        if _holds(item, change.new):
            return _End(state=ChangeState.DONE, etag_after=item.etag)
    try:
        written = await metadata.write_terms(
            graph, target, _refs(change.new), notes=notes[change.drive_id], etag=change.etag
        )
    except GraphChangedMeanwhile:
        if _holds(await lists.read_item(graph, target.path), change.new):
            return _End(state=ChangeState.SAME, reason="The terms were there already.")
        raise
    return _End(state=ChangeState.DONE, etag_after=written.etag)


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
    with locks.alone(settings.home, run_id):
        run = await db.run(_begin_undo, run_id, who=who, at=now())
        result = await _carry_out(graph, db, run, _restore, now=now, advance=advance)
        if result.run.state is RunState.DONE:
            await db.run(runs.set_state, run_id, RunState.UNDONE, at=now())
        return result


def _begin_undo(c: Connection, run_id: str, *, who: str, at: datetime) -> Run:
    undone = runs.get(c, run_id)
    undo_id = f"undo-{run_id}"
    if undone.undoes is not None:
        raise PlanRefused(f"{run_id} is an undo itself; make a new plan instead.")
    known = next((run for run in runs.list_(c, plan_sha=undo_id)), None)
    if known is not None:
        if not runs.reopen(c, known.id, at=at):
            raise PlanRefused(f"The run {run_id} is undone already; see `km365 tag show {known.id}`.")
        return runs.get(c, known.id)
    touched = {ChangeState.DONE, ChangeState.SENDING, ChangeState.FAILED}
    changes = [change for change in runs.changes(c, run_id) if change.state in touched]
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
    events.append(c, kind="tag undo", subject=run_id, who=who, what={"documents": len(back)}, at=at)
    return run


async def _restore(graph: Graph, change: Change, notes: _Notes) -> _End:
    """Puts one document's columns back where they still hold what the run wrote (`change.old`)."""
    target = Target.file(change.drive_id, change.item_id)
    item = await lists.read_item(graph, target.path)
    if _holds(item, change.new):
        return _End(state=ChangeState.DONE, etag_after=item.etag)
    ours = [name for name, tags in change.old.items() if _holds(item, {name: tags})]
    foreign = [name for name in change.new if name not in ours and not _holds(item, {name: change.new[name]})]
    etag_after = item.etag
    if ours:
        values = _refs({name: change.new[name] for name in ours})
        written = await metadata.write_terms(
            graph, target, values, notes=notes[change.drive_id], etag=item.etag
        )
        etag_after = written.etag
    if foreign:
        titles = ", ".join(one.title for one in TAG_COLUMNS if one.name in foreign)
        return _End(state=ChangeState.CONFLICT, reason=f"Changed since and left alone: {titles}.")
    return _End(state=ChangeState.DONE, etag_after=etag_after)


# Reading the journal -------------------------------------------------------------------------------------


def outcome(c: Connection, run_id: str) -> Outcome:
    """The run and what became of each document. Raises NotFound."""
    return Outcome(run=runs.get(c, run_id), changes=tuple(runs.changes(c, run_id)))


async def _notes(graph: Graph, run: Run) -> _Notes:
    """The hidden note fields of the libraries that the run writes to."""
    found = {}
    for site, name, drive_id in run.what["libraries"]:
        library = Library(site=site, name=name, drive_id=drive_id)
        site_id, drive = await open_library(graph, library)
        listed = await lists.list_columns(graph, site_id, drive.list_id)
        found[drive_id] = metadata.note_fields(listed)
    return found


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
