"""Keeps the documents of a library tagged: hears what is new or changed, tags what it may, queues the rest.

Reading goes by delta with the link kept in our database, whoever told us to look: a notification, the clock
or a person. What was heard and how far reading has come are written together, and a plan is written down
before it is applied, so that a look cut off anywhere is gone on with by the next. Only one process looks at a
library at a time.
"""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from km365.core import tag_plan_file
from km365.core.feedback import Corrections, Feedback, Source, Verdict
from km365.core.tag_plan import Library, Plan, Refused, Row, list_of
from km365.core.taxonomy import Taxonomy
from km365.core.watching import split, taken_out, try_again_at
from km365.errors import PlanRefused
from km365.graph import drives, other_ways
from km365.graph.client import Graph
from km365.services import feedback, tag_hearing, tag_plan, tag_run
from km365.services.tag_libraries import Shelf, open_shelf
from km365.services.tag_moves import OURS
from km365.services.tag_plan import Chooses
from km365.services.tag_run import Outcome
from km365.services.tag_scope import Candidate, Round, Scope
from km365.settings import Settings
from km365.store import feedback as feedback_store
from km365.store import runs, watches
from km365.store.database import Connection, Database
from km365.store.runs import ChangeState, RunState
from km365.store.watches import FileState, Watch, WatchedFile

SETTLE = timedelta(minutes=2)
"""A document is left alone for so long after it was heard of, since people save several times in a row."""
AT_ONCE = 20
"""Documents read, applied and queued together."""
AUTO_ABOVE = 0.8
"""The score from which terms of mode auto are applied, unless a watch says otherwise."""
_WHO = "km365 watch"

R = TypeVar("R")

Now = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look at a library came to. `runs` are the runs that were applied, to be undone by name."""

    library: str
    heard: int = 0
    read: int = 0
    tagged: int = 0
    runs: tuple[str, ...] = ()
    queued: int = 0
    retried: int = 0
    failed: tuple[tuple[str, str], ...] = ()


async def begin(
    graph: Graph,
    db: Database,
    library: Library,
    *,
    auto_above: float | None = None,
    is_on: bool,
    everything: bool,
    at: datetime,
) -> Watch:
    """The watch of this library, made if it is new: from now on, or with `everything` that is there already.

    One that is turned on is due at once, whenever it was looked at last. Without `auto_above` a watch keeps
    what it has; a new one gets AUTO_ABOVE.
    Raises PlanRefused for a library without tag columns, and for a list.
    """
    if list_of(library.drive_id) is not None:
        raise PlanRefused(f"{library.name!r} of {library.site} is a list, and lists cannot be watched.")
    await open_shelf(graph, library)
    known = await db.run(watches.find, library.drive_id)
    if auto_above is None:
        auto_above = known.auto_percent / 100 if known is not None else AUTO_ABOVE
    # The first look may come a minute later, and what is uploaded until then is new.
    link = await _from_now_on(graph, library.drive_id) if known is None and not everything else None
    found = await db.run(
        watches.begin,
        drive_id=library.drive_id,
        site=library.site,
        library=library.name,
        auto_percent=round(100 * auto_above),
        is_on=is_on,
        delta_link=link,
        at=at,
    )
    if everything:
        await db.run(watches.change, library.drive_id, delta_link=None, created_at=_LONG_AGO, look_at=at)
    return await db.run(watches.get, found.drive_id)


async def _from_now_on(graph: Graph, drive_id: str) -> str:
    """The delta link behind everything that is in the library now. Needs Sites.Selected with read."""
    link = "latest"
    async for page in drives.delta(graph, drive_id, link):
        link = page.delta_link or link
    return link


_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def look(
    graph: Graph,
    db: Database,
    settings: Settings,
    words: Chooses,
    drive_id: str,
    *,
    now: Now,
    settle: timedelta = SETTLE,
    most: int | None = None,
) -> Look:
    """Reads what changed in a watched library and deals with what is due, with `most` documents if given.

    Raises PlanRefused while another process looks at it, NotFound for a library that is not watched.
    Throttled and GraphUnreachable end the look; the next goes on. Needs Sites.Selected with write.
    """
    name = hashlib.sha256(drive_id.encode()).hexdigest()[:16]
    with db.alone(settings.home, f"watch-{name}"):
        watch = await db.run(watches.get, drive_id)
        one = _Watcher(graph, db, settings, words, watch, now, settle)
        return await one.look(most)


class _Watcher:
    """One look at one library."""

    def __init__(
        self,
        graph: Graph,
        db: Database,
        settings: Settings,
        words: Chooses,
        watch: Watch,
        now: Now,
        settle: timedelta,
    ) -> None:
        self._graph, self._db, self._settings, self._words = graph, db, settings, words
        self._watch, self._now, self._settle = watch, now, settle
        self._done = Look(library=f"{watch.library} of {watch.site}")

    async def _run(self, fn: Callable[..., R], *args: Any) -> R:
        """`Database.run` for what adds to `_done`: a transaction that is begun again adds once."""
        before = self._done

        def anew(c: Connection) -> R:
            self._done = before
            return fn(c, *args)

        return await self._db.run(anew)

    async def look(self, most: int | None) -> Look:
        watch = self._watch
        if watch.applying:
            await self._go_on(watch.applying)
        terms = self._words.taxonomy
        heard = await tag_hearing.hear(
            self._graph, self._db, watch, terms, now=self._now, settle=self._settle
        )
        self._done = replace(self._done, heard=heard)
        library = Library(site=watch.site, name=watch.library, drive_id=watch.drive_id)
        shelf = await open_shelf(self._graph, library)
        dealt = 0
        while (due := await self._due()) and (most is None or dealt < most):
            await self._deal_with(shelf, due)
            dealt += len(due)
        await self._db.run(self._looked)
        return self._done

    async def _due(self) -> list[WatchedFile]:
        return await self._db.run(
            watches.files,
            self._watch.drive_id,
            state=FileState.WAITING,
            due_at=self._now(),
            limit=AT_ONCE,
        )

    def _looked(self, c: Connection) -> None:
        """The look is over, and so is each run of a watch whose locked documents were dealt with since."""
        watches.change(c, self._watch.drive_id, looked_at=self._now(), problem=None)
        for run in runs.list_(c, kind="tag", state=RunState.STOPPED, limit=None):
            if run.who == _WHO and not self._still_locked(c, run.id):
                runs.set_state(c, run.id, RunState.DONE, at=self._now())

    def _still_locked(self, c: Connection, run_id: str) -> bool:
        locked = runs.changes(c, run_id, states={ChangeState.LOCKED})
        files = [watches.file(c, one.drive_id, one.item_id) for one in locked]
        return any(one is not None and one.state is FileState.WAITING for one in files)

    # dealing with what is due ----------------------------------------------------------------------------

    async def _deal_with(self, shelf: Shelf, due: Sequence[WatchedFile]) -> None:
        due = await self._given_back(due)
        if not due:
            return
        corrections = await self._db.run(feedback.corrections)
        round_ = _These(self._graph, shelf, due)
        rows, refused = await self._proposed(round_, corrections)
        heeded = {one.item_id: corrections.mark((one.drive_id, one.item_id)) or None for one in due}
        by_id = {one.item_id: replace(one, corrected=heeded[one.item_id]) for one in due}
        self._done = replace(self._done, read=self._done.read + len(rows))
        unread = [(by_id[round_.ids[one.path]], one) for one in refused if one.path in round_.ids]
        gone = by_id.keys() - {row.item_id for row in rows} - {one.item_id for one, _ in unread} - round_.same
        await self._run(self._not_read, unread, [by_id[one] for one in gone], len(refused) > len(unread))
        await self._db.run(self._as_before, [by_id[one] for one in round_.same])
        await self._tag(shelf.library, rows, by_id)

    async def _given_back(self, due: Sequence[WatchedFile]) -> list[WatchedFile]:
        """Without those that an earlier try has left checked out by us and that cannot be checked in yet."""
        tried = {drives.file_item_path(one.drive_id, one.item_id): one for one in due if one.attempts}
        kept = await other_ways.check_in_ours(self._graph, list(tried)) if tried else ()
        held = [tried[path] for path in sorted(kept)]
        for one in held:
            await self._run(self._later, one, str(OURS.reason))
        return [one for one in due if one not in held]

    async def _proposed(self, round_: "_These", corrections: Corrections) -> tuple[list[Row], list[Refused]]:
        rows: list[Row] = []
        refused: list[Refused] = []
        found = tag_plan.examine(
            self._graph,
            self._words,
            round_,
            tag_plan.Asked(),
            corrections=corrections,
            ocr_command=self._settings.ocr_command,
        )
        async with contextlib.aclosing(found):
            async for one in found:
                if isinstance(one, Row):
                    rows.append(one)
                elif isinstance(one, Refused):
                    refused.append(one)
        return rows, refused

    def _not_read(
        self,
        c: Connection,
        unread: Iterable[tuple[WatchedFile, Refused]],
        missing: Iterable[WatchedFile],
        unsure: bool,
    ) -> None:
        """What cannot be read is said and left until it changes; what Graph does not give any more is gone.

        `unsure`: Graph refused one without saying which, so the missing ones are tried again.
        """
        for one, refused in unread:
            if refused.passing:
                self._later(c, one, refused.reason)
            else:
                put = replace(one, state=FileState.FAILED, note=refused.reason, queued=None)
                watches.put(c, put, at=self._now())
                self._done = replace(self._done, failed=(*self._done.failed, (one.path, refused.reason)))
        for one in missing:
            if unsure:
                self._later(c, one, "Graph did not give it.")
            else:
                watches.forget_file(c, one.drive_id, one.item_id)

    def _as_before(self, c: Connection, files: Iterable[WatchedFile]) -> None:
        """What waits for a person goes on waiting: the change was our own."""
        for one in files:
            watches.put(c, replace(one, state=FileState.QUEUED), at=self._now())

    def _later(self, c: Connection, one: WatchedFile, why: str) -> None:
        attempts = one.attempts + 1
        due_at = try_again_at(attempts, now=self._now())
        watches.put(
            c,
            replace(one, state=FileState.WAITING, attempts=attempts, due_at=due_at, note=why),
            at=self._now(),
        )
        self._done = replace(self._done, retried=self._done.retried + 1)

    async def _tag(self, library: Library, rows: Sequence[Row], files: dict[str, WatchedFile]) -> None:
        """Applies at once what may be applied, and queues the rest as it stands after that."""
        at_least = self._watch.auto_percent / 100
        auto: list[Row] = []
        rest: dict[str, Row | None] = {}
        for row in rows:
            gone = await self._db.run(self._taken_out, row)
            if files[row.item_id].queued is not None:  # only its columns changed: a person is at it
                rest[row.item_id] = row if row.changes else None
                continue
            parts = split(row, self._words.taxonomy, at_least=at_least, taken_out=gone)
            rest[row.item_id] = parts.rest
            auto += [parts.auto] if parts.auto else []
        etags = await self._apply(library, auto, files) if auto else {}
        await self._run(self._queue, library, rows, rest, etags, files)

    def _taken_out(self, c: Connection, row: Row) -> set[str]:
        """The terms that runs had written here and that are gone; where a person took them out, it is kept.

        The undoing of a run is nobody's word on each of its terms.
        """
        written: dict[str, set[str]] = {}
        undone: set[str] = set()
        for run, change in runs.of_item(c, row.drive_id, row.item_id):
            if change.state not in {ChangeState.DONE, ChangeState.SAME} or run.undoes is not None:
                continue
            for column, tags in change.new.items():
                before = {tag[0] for tag in change.old.get(column) or ()}
                ours = {tag[0] for tag in tags} - before
                written.setdefault(column, set()).update(ours)
                if run.state is RunState.UNDONE:
                    undone |= ours
        now = {change.column: [tag.term_id for tag in change.before] for change in row.columns}
        gone = taken_out(written, now)
        feedback_store.add(c, self._removed(row, gone - undone))
        return gone

    def _removed(self, row: Row, term_ids: Iterable[str]) -> list[Feedback]:
        known = [self._words.taxonomy.by_term_id.get(one.lower()) for one in sorted(term_ids)]
        facets = {c.id: s.key for s in self._words.taxonomy.term_sets for c in s.concepts if c in known}
        return [
            Feedback(
                concept_id=one.id,
                facet=facets[one.id],
                verdict=Verdict.WRONG,
                document=(row.drive_id, row.item_id),
                at=self._now(),
                who=_WHO,
                language=row.language,
                source=Source.LIBRARY,
                path=row.path,
            )
            for one in known
            if one is not None
        ]

    # applying --------------------------------------------------------------------------------------------

    async def _apply(
        self, library: Library, rows: Sequence[Row], files: dict[str, WatchedFile]
    ) -> dict[str, str]:
        """Writes the rows as a run of their own; the etag afterwards of each document that is as wanted."""
        plan = Plan(made_at=self._now(), libraries=(library,), rows=tuple(rows))
        text = tag_plan_file.to_text(plan)
        await self._db.run(watches.change, self._watch.drive_id, applying=text)
        return await self._run(self._applied, await self._write(plan), files)

    async def _write(self, plan: Plan) -> Outcome:
        return await tag_run.apply(self._graph, self._db, self._settings, plan, who=_WHO, now=self._now)

    def _applied(self, c: Connection, outcome: Outcome, files: dict[str, WatchedFile]) -> dict[str, str]:
        """Notes what the run came to; what it could not write is tried again later."""
        etags: dict[str, str] = {}
        for change in runs.changes(c, outcome.run.id):
            file = files.get(change.item_id) or watches.file(c, change.drive_id, change.item_id)
            if change.state in {ChangeState.DONE, ChangeState.SAME}:
                etags[change.item_id] = change.etag_after or ""
            elif file is None:
                continue
            elif change.state is ChangeState.GONE:
                watches.forget_file(c, change.drive_id, change.item_id)
            elif change.state is ChangeState.FAILED:
                reason = change.reason or "refused"
                watches.put(c, replace(file, state=FileState.FAILED, note=reason), at=self._now())
                self._done = replace(self._done, failed=(*self._done.failed, (file.path, reason)))
            else:
                self._later(c, file, change.reason or "It was changed in the meantime.")
        watches.change(c, self._watch.drive_id, applying=None)
        self._done = replace(
            self._done, tagged=self._done.tagged + len(etags), runs=(*self._done.runs, outcome.run.id)
        )
        return etags

    async def _go_on(self, text: str) -> None:
        """Ends the plan that an earlier look was cut off in; its documents are then looked at again."""
        try:
            plan = tag_plan_file.from_text(text, self._words.taxonomy, source="the plan of the watch")
            outcome = await self._write(plan)
        except PlanRefused:  # it came to its end, or its terms are gone: what it left is proposed anew
            await self._db.run(watches.change, self._watch.drive_id, applying=None)
        else:
            await self._run(self._applied, outcome, {})

    # queueing --------------------------------------------------------------------------------------------

    def _queue(
        self,
        c: Connection,
        library: Library,
        rows: Sequence[Row],
        rest: dict[str, Row | None],
        etags: dict[str, str],
        files: dict[str, WatchedFile],
    ) -> None:
        """Puts what is left of each document before a person; documents that are to be tried again wait."""
        for row in rows:
            known = watches.file(c, row.drive_id, row.item_id)
            untouched = files[row.item_id]
            if known is None or (known.due_at, known.state) != (untouched.due_at, untouched.state):
                continue  # it was locked, changed or refused meanwhile
            left = rest[row.item_id]
            text = None
            if left is not None:
                now = replace(left, etag=etags.get(row.item_id) or left.etag)
                plan = Plan(made_at=self._now(), libraries=(library,), rows=(now,))
                text = tag_plan_file.to_text(plan)
                self._done = replace(self._done, queued=self._done.queued + 1)
            state = FileState.QUEUED if text else FileState.DONE
            done = replace(untouched, path=row.path, state=state, queued=text, note=None, attempts=0)
            watches.put(c, done, at=self._now())


class _These(Round):
    """Just these files of one library.

    Remembers which id each path has, and passes over those that stand as they were queued.
    """

    def __init__(self, graph: Graph, shelf: Shelf, files: Sequence[WatchedFile]) -> None:
        drive_id = shelf.library.drive_id
        only = {drive_id: [one.item_id for one in files]}
        super().__init__(graph, [shelf], Scope(libraries=(shelf.library,)), only=only)
        self.ids: dict[str, str] = {}
        self.same: set[str] = set()
        self._queued = {one.item_id: _etag(one.queued) for one in files if one.queued}

    async def candidates(self) -> AsyncIterator[Candidate]:
        async for one in super().candidates():
            if one.file is not None:
                self.ids[one.path] = one.file.id
                if one.item is not None and one.item.etag == self._queued.get(one.file.id):
                    self.same.add(one.file.id)
                    continue
            yield one


def _etag(queued: str) -> str:
    return str(json.loads(queued)["documents"][0]["etag"])


# The queue -----------------------------------------------------------------------------------------------


def queue(c: Connection, taxonomy: Taxonomy, *, at: datetime, drive_ids: Collection[str] = ()) -> Plan:
    """Everything that waits for a person, as one plan to review and apply."""
    libraries: dict[str, Library] = {}
    rows: list[Row] = []
    for file in watches.files(c, state=FileState.QUEUED):
        if file.queued is None or (drive_ids and file.drive_id not in drive_ids):
            continue
        with contextlib.suppress(PlanRefused):  # a term is no longer used: the next look proposes anew
            plan = tag_plan_file.from_text(file.queued, taxonomy, source=file.path)
            libraries |= {one.drive_id: one for one in plan.libraries}
            rows += plan.rows
    return Plan(made_at=at, libraries=tuple(libraries.values()), rows=tuple(rows))
