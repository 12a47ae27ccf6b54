"""What a run came to: from the journal, the feedback and the libraries as they are now. Reads only."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from km365.core.coverage import Coverage, Tagged, coverage
from km365.core.feedback import most_corrected
from km365.core.run_report import (
    NOT_READ,
    CorrectedTerm,
    DocumentReport,
    OpenSuggestion,
    RunReport,
    TermCount,
    column_report,
)
from km365.core.schema import TAG_COLUMNS
from km365.core.tag_plan import Library, Row, list_of
from km365.core.tag_plan_file import refused_of
from km365.core.taxonomy import Taxonomy
from km365.errors import Cause, KM365Error
from km365.graph import documents, lists, metadata, sites
from km365.graph.client import Graph
from km365.services import tag_watch
from km365.services.tag_plan import open_library
from km365.settings import Settings
from km365.store import feedback as feedback_store
from km365.store import runs
from km365.store.database import Connection, Database
from km365.store.runs import Change, ChangeState, Run, RunState

MOST_TERMS = 15
_WRITTEN = frozenset({ChangeState.DONE, ChangeState.SAME})
_COLUMNS = tuple(column.name for column in TAG_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class _Journal:
    run: Run
    changes: tuple[Change, ...]
    not_reached: int
    corrections: tuple[CorrectedTerm, ...]
    queued: tuple[Row, ...]


async def report(
    graph: Graph,
    db: Database,
    settings: Settings,
    taxonomy: Taxonomy,
    run_id: str,
    *,
    language: str,
    at: datetime,
) -> RunReport:
    """The report on a run, labels and titles in `language`. Raises NotFound for an unknown run.

    Coverage is that of the run's libraries and lists now, with the documents it wrote as they were before it
    and after it; it comes from list pages, no document is downloaded. Needs Sites.Selected with read; where a
    library cannot be read the report says so and has the rest.
    """
    labels = _Labels(taxonomy, language)
    journal = await db.run(_journal, run_id, taxonomy, labels)
    libraries = [_library(one) for one in journal.run.what["libraries"]]
    names = {one.drive_id: one.site for one in libraries}
    unread: KM365Error | None = None
    covered: Coverage | None = None
    try:
        for one in libraries:
            names[one.drive_id] = (await sites.get_site(graph, one.site)).display_name or one.site
        covered = await _coverage(graph, libraries, names, journal)
    except KM365Error as error:
        unread = error
    return RunReport(
        run_id=journal.run.id,
        kind=journal.run.kind,
        state=journal.run.state,
        undoes=journal.run.undoes,
        started_at=journal.run.started_at,
        finished_at=journal.run.finished_at,
        made_at=at,
        organisation=settings.organisation,
        language=language,
        libraries=tuple((names[one.drive_id], one.name) for one in libraries),
        columns=tuple((column.name, labels.title(column.name)) for column in TAG_COLUMNS),
        changed=_documents(journal.changes, {ChangeState.DONE}, names, labels),
        left=(
            *_documents(journal.changes, set(ChangeState) - _WRITTEN, names, labels),
            *_not_read(journal.run, names),
        ),
        same=sum(one.state is ChangeState.SAME for one in journal.changes),
        not_reached=journal.not_reached,
        coverage=covered,
        note=str(unread or ""),
        note_cause=unread.cause if unread else None,
        terms=_terms(journal.changes, labels),
        corrections=journal.corrections,
        open=_open(journal, names, labels),
    )


def _journal(c: Connection, run_id: str, taxonomy: Taxonomy, labels: "_Labels") -> _Journal:
    run = runs.get(c, run_id)
    drives_of_run = {one[2] for one in run.what["libraries"]}
    said = [one for one in feedback_store.list_(c) if one.document[0] in drives_of_run]
    return _Journal(
        run=run,
        changes=tuple(runs.changes(c, run_id)),
        not_reached=0 if run.state is RunState.UNDONE else runs.counts(c, run_id).get(ChangeState.PENDING, 0),
        corrections=tuple(
            CorrectedTerm(label=labels.label(one.concept_id, one.concept_id), counts=one)
            for one in most_corrected(said)
        ),
        queued=tuple(tag_watch.queue(c, taxonomy, at=run.started_at, drive_ids=drives_of_run).rows),
    )


def _library(raw: Sequence[Any]) -> Library:
    return Library(site=str(raw[0]), name=str(raw[1]), drive_id=str(raw[2]))


class _Labels:
    """Labels and titles in the reader's language."""

    def __init__(self, taxonomy: Taxonomy, language: str) -> None:
        self._taxonomy, self._language = taxonomy, language
        self._titles = {one.column: one.name(language) for one in taxonomy.term_sets if one.column}
        self._shipped = {column.name: column.title for column in TAG_COLUMNS}

    def title(self, column: str) -> str:
        return self._titles.get(column) or self._shipped.get(column, column)

    def label(self, concept_id: str, otherwise: str) -> str:
        concept = self._taxonomy.by_id.get(concept_id)
        return concept.label(self._language) if concept else otherwise

    def cause(self, cause: Cause | None) -> Cause | None:
        """The cause, columns in it by their titles."""
        if cause is None or "columns" not in cause.values:
            return cause
        titles = ", ".join(map(self.title, cause.values["columns"].split(", ")))
        return replace(cause, values={**cause.values, "columns": titles})

    def terms(self, pairs: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
        """Term ids with the label of today, or as they were written where the term is gone."""
        found = []
        for term_id, written, *_ in pairs:
            concept = self._taxonomy.by_term_id.get(term_id.lower())
            found.append((term_id, concept.label(self._language) if concept else written))
        return found


def _documents(
    changes: Iterable[Change], states: set[ChangeState], names: Mapping[str, str], labels: _Labels
) -> tuple[DocumentReport, ...]:
    return tuple(
        DocumentReport(
            office=names.get(one.drive_id, one.drive_id),
            path=one.name,
            state=one.state,
            reason=one.reason or "",
            cause=labels.cause(one.cause),
            columns=tuple(
                column_report(name, labels.terms(one.old.get(name) or ()), labels.terms(new))
                for name, new in one.new.items()
            ),
        )
        for one in changes
        if one.state in states
    )


def _not_read(run: Run, names: Mapping[str, str]) -> tuple[DocumentReport, ...]:
    """What the plan could not read, where its run noted it; of its office only the one of all is known."""
    office = next(iter(names.values())) if len(names) == 1 else ""
    found = (refused_of(one) for one in run.what.get("not_read", ()))
    return tuple(
        DocumentReport(
            office=office, path=one.path, state=NOT_READ, reason=one.reason, cause=one.cause, columns=()
        )
        for one in found
    )


def _terms(changes: Iterable[Change], labels: _Labels) -> tuple[TermCount, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in changes:
        if one.state is not ChangeState.DONE:
            continue
        for column, new in one.new.items():
            counts.update((column, label) for label in _added(column, one, new, labels))
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        TermCount(column=column, label=label, documents=number)
        for (column, label), number in order[:MOST_TERMS]
    )


def _added(column: str, change: Change, new: Any, labels: _Labels) -> tuple[str, ...]:
    return column_report(column, labels.terms(change.old.get(column) or ()), labels.terms(new)).added


def _open(journal: _Journal, names: Mapping[str, str], labels: "_Labels") -> tuple[OpenSuggestion, ...]:
    """What the run could not write, and what waits for a person where its libraries are watched."""
    waiting = [
        OpenSuggestion(
            office=names.get(row.drive_id, ""),
            path=row.path,
            column=change.column,
            label=labels.label(one.concept_id, one.tag.label),
            score=one.reason.score,
        )
        for row in journal.queued
        for change in row.changes
        for one in change.add
    ]
    known = {replace(one, score=None) for one in waiting}
    left = [
        OpenSuggestion(office=names.get(one.drive_id, ""), path=one.name, column=column, label=label)
        for one in journal.changes
        if one.state not in _WRITTEN and journal.run.undoes is None
        for column, new in one.new.items()
        for label in _added(column, one, new, labels)
    ]
    return (*(one for one in left if one not in known), *waiting)


# Coverage ------------------------------------------------------------------------------------------------


async def _coverage(
    graph: Graph, libraries: Sequence[Library], names: Mapping[str, str], journal: _Journal
) -> Coverage:
    """The coverage before the run and after it; what was taken back since counts as it stands now."""
    undone = journal.run.state is RunState.UNDONE
    written = {(one.drive_id, one.item_id): one for one in journal.changes if one.state in _WRITTEN}
    found: list[Tagged] = []
    with graph.bulk():
        for library in libraries:
            columns = await _columns(graph, library)
            async for item_id, fields in _items(graph, library, columns):
                now = frozenset(name for name in columns if metadata.decode(fields.get(name)))
                change = written.get((library.drive_id, item_id))
                found.append(
                    Tagged(
                        office=names[library.drive_id],
                        before=_as_of(now, change.old) if change else now,
                        after=_as_of(now, change.new) if change and not undone else now,
                    )
                )
    return coverage(found, columns=_COLUMNS)


async def _items(
    graph: Graph, library: Library, columns: Sequence[str]
) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """The documents of the library, or the items of the list, by id with their fields."""
    listed = list_of(library.drive_id)
    if listed is not None:
        async for item in lists.list_items(graph, *listed, select=columns):
            yield item.id, item.fields
        return
    async for one in documents.walk(graph, library.drive_id, columns=columns):
        yield one.file.id, one.item.fields if one.item else {}


async def _columns(graph: Graph, library: Library) -> list[str]:
    """The tag columns that the library has."""
    site_id, drive = await open_library(graph, library)
    there = {column.name for column in await lists.list_columns(graph, site_id, drive.list_id)}
    return [name for name in _COLUMNS if name in there]


def _as_of(now: frozenset[str], values: Mapping[str, Any]) -> frozenset[str]:
    """The filled columns, with those of the journal as the journal has them."""
    return (now - values.keys()) | {name for name, tags in values.items() if tags}
