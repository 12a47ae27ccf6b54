"""Finds documents that people tagged without km365, as examples to learn from.

Terms that a run of ours has written count only where a person kept them in a plan, which is known already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from km365.core.feedback import DocumentKey, Feedback, Source, Verdict
from km365.core.taxonomy import Taxonomy
from km365.graph import metadata
from km365.services import tag_scope
from km365.services.tag_scope import Candidate, Round
from km365.store import feedback as store
from km365.store import planned
from km365.store.database import Connection, Database


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """How many documents carry terms of people's own, and how many terms those are."""

    documents: int
    terms: int


async def gather(
    db: Database,
    round_: Round,
    taxonomy: Taxonomy,
    *,
    at: datetime,
    advance: Callable[[int], None] = lambda _: None,
) -> Gathered:
    """Keeps what people gave the documents of the round, in place of what was kept of them so before.

    Documents for named readers are left out. Reads lists and no document. Needs Sites.Selected with read.
    """
    documents = terms = 0
    async for candidate in round_.candidates():
        advance(1)
        if candidate.file is None or candidate.item is None or not _for_everybody(candidate):
            continue
        key = (candidate.shelf.library.drive_id, candidate.file.id)
        found = await db.run(_keep, key, _given(candidate, taxonomy), path=candidate.path, at=at)
        documents, terms = documents + bool(found), terms + found
    return Gathered(documents=documents, terms=terms)


def _for_everybody(candidate: Candidate) -> bool:
    audience = candidate.item.fields.get("KMAudience") if candidate.item else None
    return str(audience or "") in tag_scope.FOR_EVERYBODY


def _given(candidate: Candidate, taxonomy: Taxonomy) -> dict[str, tuple[str, str]]:
    """The terms in its tag columns: by term id the concept's id and term set."""
    if candidate.item is None:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for term_set in taxonomy.term_sets:
        for term in metadata.decode(candidate.item.fields.get(term_set.column)) if term_set.column else ():
            concept = taxonomy.by_term_id.get(term.id.lower())
            if concept is not None:
                found[term.id.lower()] = (concept.id, term_set.key)
    return found


def _keep(
    c: Connection, key: DocumentKey, given: dict[str, tuple[str, str]], *, path: str, at: datetime
) -> int:
    """Keeps the terms that are not ours, and counts them."""
    ours = {one.lower() for one in planned.put_there_by_us(c, *key)} if given else set()
    own = {concept: facet for term, (concept, facet) in given.items() if term not in ours}
    for one in store.list_(c, document=key):
        if one.verdict is Verdict.TAGGED and one.concept_id not in own:
            store.take_back(c, key, one.concept_id)
    said = (
        Feedback(
            concept_id=concept,
            facet=facet,
            verdict=Verdict.TAGGED,
            document=key,
            at=at,
            who="",
            source=Source.LIBRARY,
            path=path,
        )
        for concept, facet in own.items()
    )
    store.add(c, said)
    return len(own)
