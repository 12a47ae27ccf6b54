"""A tagging plan from the first question to the file: what was read is kept, however the reading ends."""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from km365.core.feedback import Corrections
from km365.core.tag_plan import Refused, Row
from km365.documents.plan_files import Writer
from km365.errors import Cause, GraphUnreachable, Throttled
from km365.graph.client import Graph
from km365.services.tag_plan import Asked, Chooses, Passed, PutThere, examine
from km365.services.tag_scope import Round
from km365.services.tag_since import Since
from km365.store import planned
from km365.store.database import Database

FIRST = 12
"""Documents, and terms of people, that are kept to be shown; the file holds all."""
INTERRUPTED = "You stopped it"


@dataclass(kw_only=True)
class Tally:
    """What a plan came to, in numbers, and its beginning to be shown."""

    documents: int = 0
    terms: int = 0
    removals: int = 0
    unchanged: int = 0
    refused: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)
    not_read: list[Refused] = field(default_factory=list)
    people_lose: list[tuple[str, str, str]] = field(default_factory=list)
    """Document, column and term, where a term that a person gave would be taken out."""
    people_lose_count: int = 0
    partial: str = ""
    cause: Cause | None = None
    """Why it is `partial`."""

    def add(self, one: Row | Refused | Passed) -> None:
        """Counts one document."""
        if isinstance(one, Passed):
            self.passed[one.why] += 1
        elif isinstance(one, Refused):
            self.refused += 1
            self.not_read += [one][: FIRST - len(self.not_read)]
        elif not one.changes:
            self.unchanged += 1
        else:
            self._add_row(one)

    def _add_row(self, row: Row) -> None:
        self.documents += 1
        self.rows += [row][: FIRST - len(self.rows)]
        for change in row.changes:
            self.terms += len(change.add)
            self.removals += len(change.remove)
            lost = [out for out in change.remove if out.by_people]
            self.people_lose_count += len(lost)
            room = max(0, FIRST - len(self.people_lose))
            self.people_lose += [(row.path, change.title, out.tag.label) for out in lost[:room]]


async def write(
    graph: Graph,
    words: Chooses,
    round_: Round,
    asked: Asked,
    writer: Writer,
    *,
    at: datetime,
    put_there: PutThere | None = None,
    corrections: Corrections | None = None,
    ocr_command: str = "",
    heard: Callable[[Row | Refused | Passed], None] = lambda _: None,
) -> Tally:
    """Reads the round into the plan file, document by document.

    Interrupted (the task is cancelled), or where Graph is gone before the end, the file holds what was read
    and says so, and `partial` of what comes back says why; with nothing read there is no file and the error
    is raised. What was read up to is remembered once the file is written.
    """
    tally = Tally()
    try:
        try:
            found = examine(
                graph,
                words,
                round_,
                asked,
                put_there=put_there,
                corrections=corrections,
                ocr_command=ocr_command,
            )
            async with contextlib.aclosing(found):
                async for one in found:
                    if not isinstance(one, Passed):
                        writer.add(one)
                    tally.add(one)
                    heard(one)
        except asyncio.CancelledError:
            tally.partial, tally.cause = INTERRUPTED, Cause(key="interrupted")
            if not (tally.documents or tally.unchanged or tally.refused):
                raise
            if (task := asyncio.current_task()) is not None:
                task.uncancel()  # it was heard, and the work is brought to an end in order
        except (GraphUnreachable, Throttled) as error:
            tally.partial, tally.cause = str(error), error.cause
            if not (tally.documents or tally.unchanged or tally.refused):
                raise
        writer.close(tally.partial, tally.cause)
    except BaseException:
        writer.abandon()
        if round_.since is not None:
            await asyncio.shield(round_.since.drop())
        raise
    if round_.since is not None:
        await asyncio.shield(round_.since.keep(whole=not tally.partial, at=at))
    return tally


def since_last(db: Database, terms: str, corrections: Corrections, *, at: datetime) -> Since:
    """What is remembered from the last plan with these terms; `terms` is from `tag_plan.mark_of`."""
    plan = hashlib.sha256(f"{at.isoformat()} {terms}".encode()).hexdigest()[:16]
    return Since(db=db, terms=terms, plan=plan, corrections=corrections)


def journal(db: Database) -> PutThere:
    """Tells from our journal which terms runs of ours have put on a document."""

    async def put_there(drive_id: str, item_id: str) -> set[str]:
        return await db.run(planned.put_there_by_us, drive_id, item_id)

    return put_there
