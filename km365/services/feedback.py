"""What people say of suggested terms: kept, put to use at once, and turned into proposals and examples.

Nothing of it is logged. Text of documents leaves SharePoint only as counts of words in our own database
(`core.examples`), for the documents somebody has judged.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from km365.core import examples as counting
from km365.core.feedback import (
    Corrections,
    DocumentKey,
    Feedback,
    Proposal,
    ProposalKind,
    Source,
    Verdict,
    propose,
)
from km365.core.passages import Passage
from km365.core.tag_plan import Plan, decisions, list_of
from km365.core.taxonomy import Taxonomy
from km365.documents.worker import Reader
from km365.errors import GraphError, GraphNotFound, GraphUnreachable, InputRefused, NotFound, Throttled
from km365.graph import documents
from km365.graph.client import Graph
from km365.services import file_text, synonyms
from km365.store import feedback as store
from km365.store.database import Connection, Database
from km365.store.feedback import ACCEPTED, REJECTED

Advance = Callable[[int], None]


# Keeping what is said ------------------------------------------------------------------------------------


async def record_plan(db: Database, plan: Plan, *, run_id: str, who: str, at: datetime) -> int:
    """Keeps what the editing of an applied plan says: taken out, put in, left in. Counts the corrections.

    For plans that a person has had in hand; what a watch applies by itself is nobody's opinion.
    """
    said = of_plan(plan, run_id=run_id, who=who, at=at)
    await db.run(store.add, said)
    return sum(one.verdict is not Verdict.RIGHT for one in said)


def of_plan(
    plan: Plan, *, run_id: str | None, who: str, at: datetime, source: Source = Source.PLAN
) -> list[Feedback]:
    """The decisions in an edited plan as feedback."""
    return [
        Feedback(
            concept_id=one.concept_id,
            facet=one.facet,
            verdict=Verdict(one.verdict),
            document=one.document,
            at=at,
            who=who,
            words=one.words,
            language=one.language,
            run_id=run_id,
            source=source,
            path=one.path,
        )
        for one in decisions(plan)
    ]


async def record_undo(db: Database, run_id: str, *, who: str, at: datetime) -> int:
    """Weakens what was kept as right because of a run that is taken back; corrections stand."""
    return await db.run(_undone, run_id, who=who, at=at)


def _undone(c: Connection, run_id: str, *, who: str, at: datetime) -> int:
    right = [one for one in store.list_(c, run_id=run_id) if one.verdict is Verdict.RIGHT]
    weak = [replace(one, verdict=Verdict.WRONG, source=Source.UNDO, who=who, at=at) for one in right]
    return store.add(c, weak)


def corrections(c: Connection) -> Corrections:
    """Everything people have said so far, as suggesting uses it."""
    return Corrections(by_document=store.by_document(store.list_(c)), muted=store.muted(c))


# Proposals -----------------------------------------------------------------------------------------------


def proposals(c: Connection, taxonomy: Taxonomy) -> tuple[Proposal, ...]:
    """What the feedback suggests changing, without what was decided before."""
    decided = {one.id for one, _ in store.decided(c)}
    found = propose(store.list_(c), taxonomy, store.examples(c))
    return tuple(one for one in found if one.id not in decided)


async def accept(
    db: Database, home: Path, taxonomy: Taxonomy, proposal_id: str, *, who: str, at: datetime
) -> Proposal:
    """Puts a proposal to use from the next plan on: the synonym finds its term, the label misleads no more.

    Raises NotFound for an id that is not proposed, InputRefused where the term store takes no such label.
    """
    one = await db.run(_proposed, taxonomy, proposal_id)
    if one.kind is ProposalKind.SYNONYM:
        synonyms.accept_synonym(home, one.concept_id, one.language, one.text)
    await db.run(store.decide, one, decision=ACCEPTED, who=who, at=at)
    return one


async def reject(db: Database, taxonomy: Taxonomy, proposal_id: str, *, who: str, at: datetime) -> Proposal:
    """The proposal is not made again. Raises NotFound for an id that is not proposed."""
    one = await db.run(_proposed, taxonomy, proposal_id)
    await db.run(store.decide, one, decision=REJECTED, who=who, at=at)
    return one


def _proposed(c: Connection, taxonomy: Taxonomy, proposal_id: str) -> Proposal:
    for one in proposals(c, taxonomy):
        if one.id == proposal_id:
            return one
    raise NotFound(
        f"There is no proposal {proposal_id!r}; `km365 taxonomy synonyms list` shows those there are."
    )


# Examples to learn from ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What people said of one document: the concept ids.

    `kept` and `wrong` had been suggested, `missing` had not; `tagged` were there without us.
    """

    kept: tuple[str, ...]
    missing: tuple[str, ...]
    wrong: tuple[str, ...]
    tagged: tuple[str, ...]


def lessons(c: Connection) -> dict[DocumentKey, Lesson]:
    """The documents that people judged, in the order of their ids; undone runs teach nothing."""
    said = store.by_document([one for one in store.list_(c) if one.firm])
    return {
        key: Lesson(
            kept=_ids(said[key], Verdict.RIGHT),
            missing=_ids(said[key], Verdict.MISSING),
            wrong=_ids(said[key], Verdict.WRONG),
            tagged=_ids(said[key], Verdict.TAGGED),
        )
        for key in sorted(said)
        if list_of(key[0]) is None
    }


def _ids(said: Iterable[Feedback], verdict: Verdict) -> tuple[str, ...]:
    return tuple(sorted(one.concept_id for one in said if one.verdict is verdict))


@dataclass(frozen=True, kw_only=True)
class Reread:
    """What became of the judged documents: their content new to us, known, gone, and not readable (why)."""

    read: int
    known: int
    gone: int
    refused: tuple[tuple[str, str], ...]


Heard = Callable[[DocumentKey, str, list[Passage]], Awaitable[None]]
"""Is told the passages of a document, with its path."""


async def read_examples(
    graph: Graph,
    db: Database,
    *,
    at: datetime,
    wanted: Collection[DocumentKey] = (),
    heard: Heard,
    ocr_command: str = "",
    advance: Advance = lambda _: None,
) -> Reread:
    """Reads the judged documents that are `wanted`, and those whose content is new to us.

    Counts the words of the new ones, and forgets what is kept of those that are gone. 1 resource unit for
    each that is read. Needs Sites.Selected with read.
    """
    said = await db.run(store.list_)
    known = {one.document: one.ctag for one in await db.run(store.examples)}
    paths = {one.document: one.path for one in said if list_of(one.document[0]) is None}
    keys = sorted(paths)
    read = same = gone = 0
    refused: list[tuple[str, str]] = []
    with Reader(ocr_command=ocr_command) as reader, graph.bulk():
        for key, found in zip(keys, await documents.get_many(graph, keys, columns=("id",)), strict=True):
            try:
                if isinstance(found, GraphError):
                    raise found
                file = found.file
                new = known.get(key) != file.ctag
                if new or key in wanted:
                    passages = await file_text.read(graph, reader, file)
                    if new:
                        one = counting.count(passages, document=key, path=file.path, ctag=file.ctag, at=at)
                        await db.run(store.put_example, one)
                    await heard(key, file.path, passages)
            except GraphNotFound:
                await db.run(store.forget, key)
                gone += 1
            except (GraphUnreachable, Throttled):
                raise  # concerns all of them
            except (GraphError, InputRefused) as refusal:
                refused.append((paths[key], str(refusal)))
            else:
                read, same = read + new, same + (not new)
            advance(1)
    return Reread(read=read, known=same, gone=gone, refused=tuple(refused))


# Forgetting ----------------------------------------------------------------------------------------------


def purge(c: Connection, *, document: DocumentKey | None = None, everything: bool = False) -> int:
    """Deletes the counted words of all documents, or all that is kept of one, or all feedback as well."""
    if document is not None:
        return store.forget(c, document)
    count = store.forget_examples(c)
    if everything:
        count += sum(store.forget(c, one) for one in {said.document for said in store.list_(c)})
    return count
