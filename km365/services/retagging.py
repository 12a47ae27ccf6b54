"""Tagging anew what carries terms that are out of use: a plan that puts what replaces them in their place."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from km365.core.tag_plan import (
    SINGLE,
    Addition,
    ColumnChange,
    Library,
    Plan,
    Reason,
    Refused,
    Removal,
    Row,
    Tag,
)
from km365.core.taxonomy import Concept, Status, Taxonomy
from km365.errors import Cause
from km365.graph import metadata
from km365.graph.client import Graph
from km365.services.tag_libraries import Shelf, open_shelves
from km365.services.tag_scope import FOR_EVERYBODY, Candidate, Round, Scope

Advance = Callable[[int], None]


def out_of_use(taxonomy: Taxonomy, ids: Collection[str] = ()) -> dict[str, Concept]:
    """The terms that have a replacement in their own term set, by id, and what replaces them.

    Only those of `ids` where any is given. Both must stand in the term store to be known in documents.
    """
    found = {}
    for term_set in taxonomy.term_sets:
        for concept in term_set.concepts:
            if concept.status is not Status.DEPRECATED or (ids and concept.id not in ids):
                continue
            after = taxonomy.resolve(concept.id)
            if after.id in term_set.by_id and after.id != concept.id and after.term_id and concept.term_id:
                found[concept.id] = after
    return found


async def plan(
    graph: Graph,
    taxonomy: Taxonomy,
    libraries: Sequence[Library],
    *,
    at: datetime,
    ids: Collection[str] = (),
    advance: Advance = lambda _: None,
) -> Plan:
    """For each document or list item that carries a term out of use: that one out, its replacement in.

    `taxonomy` is as the term store has it, with the terms of every office. Reads columns only, no document's
    text. What is for named readers is refused, since the plan would name it. Needs Sites.Selected with read.
    Raises PlanRefused where no library has tag columns.
    """
    replacements = out_of_use(taxonomy, ids)
    shelves = await open_shelves(graph, libraries)
    rows, refused = [], []
    with graph.bulk():
        round_ = Round(graph, shelves, Scope(libraries=tuple(libraries)))
        async for candidate in round_.candidates():
            changes = tuple(_changes(candidate, taxonomy, replacements))
            if changes and _for_everybody(candidate):
                rows.append(_row(candidate, changes))
            elif changes:
                refused.append(_refused(candidate))
            advance(1)
    return Plan(
        made_at=at,
        libraries=tuple(shelf.library for shelf in shelves),
        rows=tuple(rows),
        refused=tuple(refused),
    )


def _for_everybody(candidate: Candidate) -> bool:
    audience = candidate.item.fields.get("KMAudience") if candidate.item else None
    return str(audience or "") in FOR_EVERYBODY


def _refused(candidate: Candidate) -> Refused:
    where = f"{candidate.shelf.library.name}/item {candidate.item.id if candidate.item else '?'}"
    reason = "It is for named readers only, whom a plan cannot keep to; change its terms by hand."
    return Refused(path=where, reason=reason, cause=Cause(key="named_readers"))


def _row(candidate: Candidate, changes: tuple[ColumnChange, ...]) -> Row:
    item, file = candidate.item, candidate.file
    drive_id, item_id, _ = candidate.key
    return Row(
        drive_id=drive_id,
        item_id=item_id,
        etag=item.etag if item else "",
        name=candidate.name,
        path=candidate.path,
        web_url=file.web_url if file else item.web_url if item else "",
        changes=changes,
    )


def _changes(
    candidate: Candidate, taxonomy: Taxonomy, replacements: dict[str, Concept]
) -> Iterator[ColumnChange]:
    shelf: Shelf = candidate.shelf
    for column in shelf.columns if candidate.item else ():
        held = metadata.decode(candidate.item.fields.get(column.name)) if candidate.item else ()
        before = tuple(Tag(term_id=one.id, label=one.label) for one in held)
        known = {tag.term_id: taxonomy.by_term_id.get(tag.term_id.lower()) for tag in before}
        remove, add = [], {}
        for tag in before:
            old = known[tag.term_id]
            if old is None or old.id not in replacements:
                continue
            new = replacements[old.id]
            remove.append(Removal(tag=tag, concept_id=old.id))
            if all(one is None or one.id != new.id for one in known.values()):
                add[new.id] = _addition(new, old)
        if remove:
            added = tuple(add.values())[:1] if column.name in SINGLE else tuple(add.values())
            yield ColumnChange(
                column=column.name, title=column.display_name, before=before, add=added, remove=tuple(remove)
            )


def _addition(new: Concept, old: Concept) -> Addition:
    return Addition(
        tag=Tag(term_id=str(new.term_id), label=new.label()),
        concept_id=new.id,
        reason=Reason(words=(old.label(),), places=("the term it replaces",), part="corrected"),
    )
