"""What a watch hears of a library: what is new, changed, deleted or corrected, and is to be read once due.

Documents whose proposed terms went out of use, or rest on labels that mislead, are to be read again as well.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from km365.core import tag_plan_file
from km365.core.feedback import Corrections
from km365.core.taxonomy import Taxonomy
from km365.errors import PlanRefused, ResyncNeeded
from km365.graph import drives
from km365.graph.client import Graph, Page
from km365.graph.drives import File
from km365.services import feedback
from km365.services.tag_plan import Asked, mark_of
from km365.services.tag_scope import Scope
from km365.store import cursors, watches
from km365.store import feedback as feedback_store
from km365.store.database import Connection, Database
from km365.store.watches import FileState, Watch, WatchedFile


async def hear(
    graph: Graph,
    db: Database,
    watch: Watch,
    taxonomy: Taxonomy,
    *,
    now: Callable[[], datetime],
    settle: timedelta,
) -> int:
    """Notes what is to be read, from `settle` after now on; counts what the delta brought.

    After 410 everything is listed again, and known contents pass, and what is older than the watch. Needs
    Sites.Selected with read.
    """
    hearing = _Hearing(graph, watch, taxonomy, now, settle)
    try:
        count = await hearing.read(db, watch.delta_link)
    except ResyncNeeded as forgotten:
        since = watch.created_at.replace(microsecond=0)  # SharePoint tells whole seconds
        count = await hearing.read(db, forgotten.url, since=since)
    await db.run(hearing.corrected)
    await hearing.out_of_use(db, await db.run(feedback.corrections))
    return count


@dataclass(frozen=True)
class _Hearing:
    graph: Graph
    watch: Watch
    taxonomy: Taxonomy
    now: Callable[[], datetime]
    settle: timedelta

    async def read(self, db: Database, link: str | None, *, since: datetime | None = None) -> int:
        """Notes what the delta brings from the link on; of unknown files those changed `since` then."""
        count = 0
        pages: AsyncIterator[Page] = drives.delta(self.graph, self.watch.drive_id, link)
        async for page in pages:
            count += await db.run(self._heard, page, since)
        return count

    def _heard(self, c: Connection, page: Page, since: datetime | None) -> int:
        """One page and the place it leads to, in one transaction; counts the documents to be looked at."""
        count = 0
        for raw in page.values:
            item_id = str(raw.get("id") or "")
            if "deleted" in raw:
                watches.forget_file(c, self.watch.drive_id, item_id)
                feedback_store.forget(c, (self.watch.drive_id, item_id))
            elif isinstance(raw.get("file"), dict):
                count += self._note(c, File.from_json(raw), since)
        if page.delta_link:
            watches.change(c, self.watch.drive_id, delta_link=page.delta_link)
        return count

    def _note(self, c: Connection, file: File, since: datetime | None) -> bool:
        known = watches.file(c, self.watch.drive_id, file.id)
        older = since is not None and file.modified_at is not None and file.modified_at < since
        if known is None and older:
            return False  # it was there before anybody asked for a watch
        if known is not None and known.ctag == file.ctag and known.state is not FileState.QUEUED:
            return False  # its columns changed, by us or by somebody; its text did not
        new = WatchedFile(
            drive_id=self.watch.drive_id,
            item_id=file.id,
            path=file.path,
            ctag=file.ctag,
            state=FileState.WAITING,
            attempts=0,
            due_at=self.now() + self.settle,
            note=None,
            queued=known.queued if known is not None and known.ctag == file.ctag else None,
            corrected=known.corrected if known is not None else None,
        )
        watches.put(c, new, at=self.now())
        return True

    def corrected(self, c: Connection) -> None:
        """Has those documents read again of which people have said something else since."""
        marks = feedback.corrections(c).marks(self.watch.drive_id)
        for one in watches.corrected_otherwise(c, self.watch.drive_id, marks):
            self._again(c, one)

    async def out_of_use(self, db: Database, corrections: Corrections) -> None:
        """Has those documents read again for which a term is proposed that would not be any more.

        It is no longer used, or only labels speak for it that were found to mislead. Looked for once after
        each change of the terms or of these labels, since many may wait.
        """
        name = f"watch terms {self.watch.drive_id}"
        terms = partial(mark_of, self.taxonomy, Asked(), Scope(libraries=()), corrections=corrections)
        mark = await asyncio.to_thread(terms)
        if await db.run(cursors.get, name) == mark:
            return
        for state in (FileState.QUEUED, FileState.WAITING):
            files = await db.run(watches.files, self.watch.drive_id, state=state)
            for one in await asyncio.to_thread(self._outdated, files, corrections.today(self.taxonomy)):
                await db.run(self._again, one)
        await db.run(cursors.put, name, mark, at=self.now())

    def _outdated(self, files: Iterable[WatchedFile], corrections: Corrections) -> list[WatchedFile]:
        found = []
        for one in (file for file in files if file.queued is not None):
            try:
                plan = tag_plan_file.from_text(str(one.queued), self.taxonomy, source=one.path)
            except PlanRefused:
                found.append(one)
                continue
            waiting = (new for row in plan.rows for change in row.changes for new in change.add)
            if any(corrections.misled(new.concept_id, new.reason.words) for new in waiting):
                found.append(one)
        return found

    def _again(self, c: Connection, one: WatchedFile) -> None:
        """It is due, and what was proposed for it is proposed no longer."""
        due = one
        if one.state is not FileState.WAITING:
            due = replace(one, state=FileState.WAITING, attempts=0, due_at=self.now(), note=None)
        watches.put(c, replace(due, queued=None), at=self.now())
