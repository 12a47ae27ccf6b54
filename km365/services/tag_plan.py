"""What could be added to documents, and why: read several at a time, proposed in their order. Only reads."""

import asyncio
import contextlib
import hashlib
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from km365.core.feedback import Corrections
from km365.core.passages import Passage
from km365.core.tag_plan import ColumnChange, Library, Mode, Plan, Refused, Row, Tag, propose
from km365.core.tagging import Suggests
from km365.core.taxonomy import Taxonomy, office_code
from km365.core.written_in import main_language
from km365.documents.worker import Reader
from km365.errors import Cause, GraphError, GraphUnreachable, InputRefused, Locked, Throttled
from km365.graph import metadata
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.metadata import TermRef
from km365.services import file_text, tag_scope
from km365.services.tag_libraries import find_libraries, open_library, open_shelf
from km365.services.tag_scope import Candidate, Round, Scope, passages_of

__all__ = [
    "Advance",
    "Asked",
    "Chooses",
    "Passed",
    "PutThere",
    "examine",
    "find_libraries",
    "in_order",
    "mark_of",
    "open_library",
    "plan",
]

Advance = Callable[[int], None]
"""Hears how many more documents are dealt with."""
AT_ONCE = 8
"""Documents on their way at a time; so many are held in memory."""
READERS = max(1, min(4, os.cpu_count() or 1))
"""Processes that read files."""

T = TypeVar("T")
R = TypeVar("R")


class Chooses(Suggests, Protocol):
    """What suggests terms, and of which taxonomy."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The terms it chooses from."""

    @property
    def version(self) -> str:
        """Changes with what was learnt."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a plan proposes: which facets (None: all), from which score, and what becomes of terms there.

    `modes` are the facets with a mode of their own.
    """

    facets: frozenset[str] | None = None
    mode: Mode = Mode.ADD
    modes: Mapping[str, Mode] = field(default_factory=dict)
    at_least: float = 0.0

    def mode_of(self, facet: str) -> Mode:
        """What becomes of the terms that a column of this facet holds."""
        return self.modes.get(facet, self.mode)


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A document that was passed over: planned before, tagged already, or in another language."""

    path: str
    why: str


PutThere = Callable[[str, str], Awaitable[set[str]]]
"""Tells which terms runs of ours have put on a document, by drive and item id."""


def mark_of(
    taxonomy: Taxonomy,
    asked: Asked,
    scope: Scope,
    *,
    version: str = "",
    corrections: Corrections | None = None,
) -> str:
    """Tells what a plan's answer depends on besides the documents: terms, rules, and what is asked.

    `version` is that of the suggesting. Of the `corrections` only those that concern every document count;
    `tag_since.Since` sees to the rest.
    """
    digest = hashlib.sha256(version.encode())
    for term_set in taxonomy.term_sets:
        digest.update(repr((term_set.key, term_set.column, term_set.rule)).encode())
        for one in term_set.concepts:
            said = (one.id, dict(one.labels), dict(one.synonyms), one.mapped_to, one.replaced_by)
            digest.update(repr((*said, str(one.status), str(one.mode), one.term_id)).encode())
    facets = sorted(asked.facets) if asked.facets is not None else None
    digest.update(repr((facets, asked.mode, sorted(asked.modes.items()), asked.at_least)).encode())
    digest.update(repr((scope.language, scope.untagged)).encode())
    muted = corrections.muted if corrections else {}
    digest.update(repr(sorted((concept, sorted(labels)) for concept, labels in muted.items())).encode())
    return digest.hexdigest()[:32]


async def plan(
    graph: Graph,
    words: Chooses,
    libraries: Sequence[Library],
    *,
    folder: str = "/",
    at: datetime,
    asked: Asked | None = None,
    advance: Advance = lambda _: None,
) -> Plan:
    """What could be added to the documents of the libraries, and why, in memory. Reads only.

    A document that cannot be read is listed with its reason, and the rest goes on. Needs Sites.Selected with
    read. Raises PlanRefused for a library without tag columns.
    """
    asked = asked or Asked()
    scope = Scope(libraries=tuple(libraries), folder=folder)
    shelves = [await open_shelf(graph, one, facets=asked.facets) for one in libraries]
    rows: list[Row] = []
    refused: list[Refused] = []
    async with contextlib.aclosing(examine(graph, words, Round(graph, shelves, scope), asked)) as found:
        async for one in found:
            if isinstance(one, Row):
                rows.append(one)
            elif isinstance(one, Refused):
                refused.append(one)
            advance(1)
    return Plan(
        made_at=at,
        libraries=tuple(shelf.library for shelf in shelves),
        rows=tuple(row for row in rows if row.changes),
        others=tuple(row for row in rows if not row.changes),
        refused=tuple(refused),
        mode=asked.mode,
    )


async def examine(
    graph: Graph,
    words: Chooses,
    round_: Round,
    asked: Asked,
    *,
    put_there: PutThere | None = None,
    corrections: Corrections | None = None,
    ocr_command: str = "",
) -> AsyncGenerator[Row | Refused | Passed, None]:
    """Each document of the round, in its order: what is proposed, why not, or why it was passed over.

    `corrections` is what people have said of earlier suggestions, `ocr_command` what reads scans (a
    setting). 1 resource unit for the download of a
    document, none for one that is passed over. GraphUnreachable and Throttled concern all of them and are
    raised. Close it (`contextlib.aclosing`), also when it is cut off.
    """
    said = corrections.today(words.taxonomy) if corrections else None
    with Reader(workers=READERS, ocr_command=ocr_command) as reader, graph.bulk():
        examiner = _Examiner(graph, words, reader, round_.scope, asked, put_there, said)
        noted: list[tuple[str, str, str]] = []
        try:
            async with contextlib.aclosing(in_order(round_.candidates(), examiner.look)) as looked:
                async for candidate, found in looked:
                    if round_.since is not None and not isinstance(found, Refused):
                        noted += [] if candidate.known else [candidate.key]
                        if len(noted) >= tag_scope.AT_ONCE:
                            await round_.since.note(noted)
                            noted.clear()
                    yield found
        finally:
            if round_.since is not None:
                await asyncio.shield(round_.since.note(noted))


async def in_order(
    things: AsyncIterator[T], work: Callable[[T], Awaitable[R]], *, at_once: int = AT_ONCE
) -> AsyncGenerator[tuple[T, R], None]:
    """Each thing with what came of its work, in order, so many at a time."""
    waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
    try:
        async for thing in things:
            waiting.append((thing, asyncio.ensure_future(work(thing))))
            if len(waiting) >= at_once:
                first, task = waiting[0]
                result = await task
                waiting.popleft()
                yield first, result
        while waiting:
            first, task = waiting[0]
            result = await task
            waiting.popleft()
            yield first, result
    finally:
        left = [task for _, task in waiting]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@dataclass(frozen=True)
class _Examiner:
    graph: Graph
    words: Chooses
    reader: Reader
    scope: Scope
    asked: Asked
    put_there: PutThere | None
    corrections: Corrections | None
    one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, candidate: Candidate) -> Row | Refused | Passed:
        """What is to be said of one document."""
        if candidate.known:
            return Passed(path=candidate.path, why="planned before, and not changed since")
        try:
            return await self._look(candidate)
        except (GraphUnreachable, Throttled):
            raise
        except GraphError as error:
            passing = isinstance(error, Locked) or (error.status or 0) >= 500
            return Refused(path=candidate.path, reason=str(error), cause=error.cause, passing=passing)
        except InputRefused as refusal:
            return Refused(path=candidate.path, reason=str(refusal), cause=refusal.cause)

    async def _look(self, candidate: Candidate) -> Row | Refused | Passed:
        if candidate.refused is not None:
            raise candidate.refused
        item = candidate.item
        if item is None:
            said = f"{candidate.path} has no list item yet; plan again in a minute."
            cause = Cause(key="no_item")
            return Refused(path=candidate.path, reason=said, cause=cause, passing=True)
        if str(item.fields.get("KMAudience") or "") not in tag_scope.FOR_EVERYBODY:
            where = f"{candidate.shelf.library.name}/item {item.id}"
            said = "It is for named readers only, whom a plan cannot keep to."
            return Refused(path=where, reason=said, cause=Cause(key="named_readers"))
        before = {
            column.name: _tags(metadata.decode(item.fields.get(column.name)))
            for column in candidate.shelf.columns
        }
        if self.scope.untagged and any(before.values()):
            return Passed(path=candidate.path, why="tagged already")
        passages = await self._passages(candidate, item)
        language = main_language(passages)
        if self.scope.language and language != self.scope.language:
            return Passed(path=candidate.path, why=f"in another language ({language or 'not known'})")
        return await self._row(candidate, item, before, passages, language)

    async def _passages(self, candidate: Candidate, item: Item) -> list[Passage]:
        file = candidate.file
        if file is None:
            passages = passages_of(item, candidate.shelf.texts)
            if not passages:
                raise InputRefused(f"{candidate.path} has no text.", cause="empty")
            return passages
        return await file_text.read(self.graph, self.reader, file)

    async def _row(
        self,
        candidate: Candidate,
        item: Item,
        before: Mapping[str, tuple[Tag, ...]],
        passages: Sequence[Passage],
        language: str | None,
    ) -> Row:
        titles = {column.name: column.display_name for column in candidate.shelf.columns}
        taxonomy = self.words.taxonomy
        wanted = [one for one in taxonomy.term_sets if one.column in titles]
        office = office_code(candidate.shelf.library.site)
        drive_id, item_id, _ = candidate.key
        allowed = self.corrections.allowed((drive_id, item_id)) if self.corrections else None
        async with self.one_by_one:  # apart: the same process may be answering people
            facets = [one.key for one in wanted]
            suggest = partial(self.words.suggest, facets=facets, office=office, allowed=allowed)
            found = await asyncio.to_thread(suggest, passages)
        if self.corrections is not None:
            found = self.corrections.applied((drive_id, item_id), found, taxonomy=taxonomy)
        columns = [
            propose(
                [one for one in found if one.facet == term_set.key],
                taxonomy,
                before[term_set.column],
                column=term_set.column,
                title=titles[term_set.column],
                mode=self.asked.mode_of(term_set.key),
                at_least=self.asked.at_least,
            )
            for term_set in wanted
        ]
        columns = await self._whose(drive_id, item_id, columns)
        file = candidate.file
        return Row(
            drive_id=drive_id,
            item_id=item_id,
            etag=item.etag,
            name=candidate.name,
            path=candidate.path,
            web_url=file.web_url if file else item.web_url,
            changes=tuple(one for one in columns if one),
            others=tuple(one for one in columns if not one and one.before),
            language=language,
        )

    async def _whose(
        self, drive_id: str, item_id: str, columns: Iterable[ColumnChange]
    ) -> list[ColumnChange]:
        """The columns, where each term to be taken out says whether a person or a run of ours had put it."""
        columns = list(columns)
        if self.put_there is None or not any(one.remove for one in columns):
            return columns
        ours = await self.put_there(drive_id, item_id)
        return [
            replace(
                column,
                remove=tuple(replace(one, by_people=one.tag.term_id not in ours) for one in column.remove),
            )
            for column in columns
        ]


def _tags(terms: Iterable[TermRef]) -> tuple[Tag, ...]:
    return tuple(Tag(term_id=term.id, label=term.label) for term in terms)
