"""What people say of suggested terms: kept, put to use at once, and turned into proposals and examples.

Nothing of it is logged. Text of documents leaves SharePoint only as counts of words in our own database
(`core.examples`), for the documents somebody has judged.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
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
    today,
)
from km365.core.passages import Passage
from km365.core.tag_plan import Plan, decisions, list_of
from km365.core.taxonomy import Taxonomy
from km365.documents.worker import Reader
from km365.errors import GraphError, GraphNotFound, GraphUnreachable, InputRefused, NotFound, Throttled
from km365.graph import documents, lists, metadata
from km365.graph.client import Graph
from km365.graph.metadata import Target
from km365.services import file_text, synonyms
from km365.services.tag_libraries import texts_of
from km365.services.tag_scope import FOR_EVERYBODY, passages_of, tag_of
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
            comment=one.comment,
        )
        for one in decisions(plan)
    ]


async def record_undo(db: Database, run_id: str, *, at: datetime) -> int:
    """Weakens what was kept as right because of a run that is taken back; corrections stand.

    Who takes back a run says of none of its terms that it is wrong.
    """
    return await db.run(_undone, run_id, at=at)


def _undone(c: Connection, run_id: str, *, at: datetime) -> int:
    right = [one for one in store.list_(c, run_id=run_id) if one.verdict is Verdict.RIGHT and one.firm]
    return store.add(c, [replace(one, source=Source.UNDO, at=at) for one in right])


def corrections(c: Connection) -> Corrections:
    """Everything people have said so far, as suggesting uses it."""
    return Corrections(by_document=store.by_document(store.list_(c)), muted=store.muted(c))


# Proposals -----------------------------------------------------------------------------------------------


def proposals(c: Connection, taxonomy: Taxonomy) -> tuple[Proposal, ...]:
    """What the feedback suggests changing, without what was decided before; undone runs suggest nothing."""
    decided = {replace(one, concept_id=taxonomy.id_now(one.concept_id)).id for one, _ in store.decided(c)}
    found = propose([one for one in store.list_(c) if one.firm], taxonomy, store.examples(c))
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


def lessons(c: Connection, taxonomy: Taxonomy) -> dict[DocumentKey, Lesson]:
    """The documents that people judged, in the order of their ids; undone runs teach nothing.

    The terms are under the ids that they have now.
    """
    said = store.by_document(today([one for one in store.list_(c) if one.firm], taxonomy))
    return {
        key: Lesson(
            kept=_ids(said[key], Verdict.RIGHT),
            missing=_ids(said[key], Verdict.MISSING),
            wrong=_ids(said[key], Verdict.WRONG),
            tagged=_ids(said[key], Verdict.TAGGED),
        )
        for key in sorted(said)
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
    """Reads the judged documents and items of lists that are `wanted`, and those whose text is new to us.

    Counts the words of the new ones, and forgets what is kept of those that are gone, or whose readers are
    named now. 1 resource unit for
    each that is read. Needs Sites.Selected with read.
    """
    said = await db.run(store.list_)
    known = {one.document: one.ctag for one in await db.run(store.examples)}
    paths = {one.document: one.path for one in said}
    read = same = gone = 0
    refused: list[tuple[str, str]] = []
    with Reader(ocr_command=ocr_command) as reader, graph.bulk():
        async for key, found in _there(graph, reader, sorted(paths)):
            try:
                if isinstance(found, GraphError):
                    raise found
                path = found.path or paths[key]
                new = known.get(key) != found.tag
                if new or key in wanted:
                    passages = await found.read()
                    if new:
                        one = counting.count(passages, document=key, path=path, ctag=found.tag, at=at)
                        await db.run(store.put_example, one)
                    await heard(key, path, passages)
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


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A document as it is now: its content tag, and what reads it. `path` is "" where it has none."""

    tag: str
    read: Callable[[], Awaitable[list[Passage]]]
    path: str = ""


async def _there(
    graph: Graph, reader: Reader, keys: Iterable[DocumentKey]
) -> AsyncIterator[tuple[DocumentKey, _Found | GraphError]]:
    """Each of these documents and items of lists, or why it cannot be read; those of a library together."""
    for container, group in groupby(keys, key=itemgetter(0)):
        some, listed = list(group), list_of(container)
        if listed is not None:
            for key, item in zip(some, await _items(graph, *listed, some), strict=True):
                yield key, item
            continue
        for key, one in zip(some, await documents.get_many(graph, some, columns=("id",)), strict=True):
            if isinstance(one, GraphError):
                yield key, one
            else:
                read = partial(file_text.read, graph, reader, one.file)
                yield key, _Found(path=one.file.path, tag=one.file.ctag, read=read)


async def _items(
    graph: Graph, site_id: str, list_id: str, keys: Sequence[DocumentKey]
) -> list[_Found | GraphError]:
    """The items of a list; one for named readers counts as gone, since its words are not to be kept."""
    try:
        texts = texts_of(await lists.list_columns(graph, site_id, list_id))
    except GraphError as error:
        return [error for _ in keys]
    found: list[_Found | GraphError] = []
    for item in await metadata.read_many(graph, [Target.item(site_id, list_id, key[1]) for key in keys]):
        if isinstance(item, GraphError):
            found.append(item)
        elif str(item.fields.get("KMAudience") or "") not in FOR_EVERYBODY:
            found.append(GraphNotFound("It is for named readers only."))
        else:
            found.append(_item(passages_of(item, texts)))
    return found


def _item(passages: list[Passage]) -> _Found:
    async def read() -> list[Passage]:
        return passages

    return _Found(tag=tag_of(passages), read=read)


# Forgetting ----------------------------------------------------------------------------------------------


def purge(c: Connection, *, document: DocumentKey | None = None, everything: bool = False) -> int:
    """Deletes the counted words of all documents, or all that is kept of one, or all feedback as well."""
    if document is not None:
        return store.forget(c, document)
    count = store.forget_examples(c)
    if everything:
        count += sum(store.forget(c, one) for one in {said.document for said in store.list_(c)})
    return count
