"""What people said of terms of documents, what is kept of those documents, and what was decided of proposals.

The words counted in a document are text of that document: they lie here and nowhere else, expire, and go with
the document or on request.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, select

from km365.core.examples import Example
from km365.core.feedback import (
    DocumentKey,
    Feedback,
    Proposal,
    ProposalKind,
    Source,
    Verdict,
    last_word,
)
from km365.core.text import key as label_key
from km365.store import rows
from km365.store.tables import example, feedback, proposal

# What was said -------------------------------------------------------------------------------------------


def add(c: Connection, items: Iterable[Feedback]) -> int:
    """Keeps the last word on each term of each document, and counts what changed."""
    changed = 0
    for new in items:
        known = c.execute(select(feedback).where(_same(new.document, new.concept_id))).first()
        before = _feedback(known._mapping) if known else None
        after = last_word(before, new)
        if after != before:
            rows.put(c, feedback, _values(after))
            changed += 1
    return changed


def _same(document: DocumentKey, concept_id: str) -> ColumnElement[bool]:
    return _of(document) & (feedback.c.concept_id == concept_id)


def _of(document: DocumentKey) -> ColumnElement[bool]:
    return (feedback.c.drive_id == document[0]) & (feedback.c.item_id == document[1])


def list_(
    c: Connection,
    *,
    since: datetime | None = None,
    document: DocumentKey | None = None,
    concept_id: str | None = None,
    run_id: str | None = None,
    limit: int | None = None,
) -> list[Feedback]:
    """Feedback that matches, the newest first."""
    query = select(feedback).order_by(feedback.c.at.desc(), feedback.c.path, feedback.c.concept_id)
    if since is not None:
        query = query.where(feedback.c.at >= since)
    if document is not None:
        query = query.where(_of(document))
    if concept_id is not None:
        query = query.where(feedback.c.concept_id == concept_id)
    if run_id is not None:
        query = query.where(feedback.c.run_id == run_id)
    if limit is not None:
        query = query.limit(limit)
    return [_feedback(row._mapping) for row in c.execute(query)]


def totals(c: Connection) -> dict[Verdict, int]:
    """How many times each verdict stands; verdicts without any are left out."""
    query = select(feedback.c.verdict, func.count()).group_by(feedback.c.verdict)
    return {Verdict(verdict): number for verdict, number in c.execute(query)}


def kept(c: Connection, /, **where: str) -> set[DocumentKey]:
    """The documents of which something is kept, by `item_id`, or by `drive_id` and the last known `path`."""
    found = set()
    for table in (feedback, example):
        asked = [table.c[column] == value for column, value in where.items()]
        found |= {
            (row[0], row[1]) for row in c.execute(select(table.c.drive_id, table.c.item_id).where(*asked))
        }
    return found


def forget(c: Connection, document: DocumentKey) -> int:
    """Deletes what was said of a document and what is kept of it, and counts the rows."""
    kept = (example.c.drive_id == document[0]) & (example.c.item_id == document[1])
    return (
        c.execute(delete(feedback).where(_of(document))).rowcount
        + c.execute(delete(example).where(kept)).rowcount
    )


def take_back(c: Connection, document: DocumentKey, concept_id: str) -> bool:
    """Deletes one word; False when nothing was said."""
    return c.execute(delete(feedback).where(_same(document, concept_id))).rowcount == 1


def _values(one: Feedback) -> rows.Json:
    return {
        "drive_id": one.document[0],
        "item_id": one.document[1],
        "concept_id": one.concept_id,
        "facet": one.facet,
        "verdict": one.verdict,
        "source": one.source,
        "words": list(one.words),
        "language": one.language,
        "path": one.path,
        "comment": one.comment or None,
        "who": one.who,
        "run_id": one.run_id,
        "at": one.at,
    }


def _feedback(row: rows.Row) -> Feedback:
    return Feedback(
        concept_id=row["concept_id"],
        facet=row["facet"],
        verdict=Verdict(row["verdict"]),
        document=(row["drive_id"], row["item_id"]),
        at=row["at"],
        who=row["who"],
        words=tuple(row["words"]),
        language=row["language"],
        run_id=row["run_id"],
        source=Source(row["source"]),
        path=row["path"],
        comment=row["comment"] or "",
    )


# What is kept of judged documents ------------------------------------------------------------------------


def put_example(c: Connection, one: Example) -> None:
    """Keeps the counts of a document in place of those before."""
    values = {
        "drive_id": one.document[0],
        "item_id": one.document[1],
        "path": one.path,
        "language": one.language,
        "ctag": one.ctag,
        "words": dict(one.words),
        "phrases": dict(one.phrases),
        "read_at": one.read_at,
    }
    rows.put(c, example, values)


def examples(c: Connection) -> list[Example]:
    """What is kept of every document, in the order of their ids."""
    query = select(example).order_by(example.c.drive_id, example.c.item_id)
    return [
        Example(
            document=(row.drive_id, row.item_id),
            path=row.path,
            language=row.language,
            ctag=row.ctag,
            words=row.words,
            phrases=row.phrases,
            read_at=row.read_at,
        )
        for row in c.execute(query)
    ]


def forget_examples(c: Connection, *, read_before: datetime | None = None) -> int:
    """Deletes what was read before that moment, or all of it, and counts the documents."""
    query = delete(example)
    if read_before is not None:
        query = query.where(example.c.read_at < read_before)
    return c.execute(query).rowcount


# What was decided ----------------------------------------------------------------------------------------

ACCEPTED, REJECTED = "accepted", "rejected"


def decide(c: Connection, one: Proposal, *, decision: str, who: str, at: datetime) -> None:
    """Keeps what the focal point decided of a proposal; it is not proposed again."""
    values = {
        "id": one.id,
        "kind": one.kind,
        "concept_id": one.concept_id,
        "language": one.language,
        "text": one.text,
        "decision": decision,
        "who": who,
        "at": at,
    }
    rows.put(c, proposal, values)


def decided(c: Connection) -> list[tuple[Proposal, str]]:
    """Every proposal that was decided, with the decision, the newest first; without its evidence."""
    query = select(proposal).order_by(proposal.c.at.desc(), proposal.c.id)
    return [(_proposal(row._mapping), row.decision) for row in c.execute(query)]


def accepted_synonyms(c: Connection, *, since: datetime | None) -> list[Proposal]:
    """The synonyms accepted after that moment, the oldest first."""
    query = select(proposal).where(
        (proposal.c.kind == ProposalKind.SYNONYM) & (proposal.c.decision == ACCEPTED)
    )
    if since is not None:
        query = query.where(proposal.c.at > since)
    return [_proposal(row._mapping) for row in c.execute(query.order_by(proposal.c.at, proposal.c.id))]


def _proposal(row: rows.Row) -> Proposal:
    return Proposal(
        kind=ProposalKind(row["kind"]),
        concept_id=row["concept_id"],
        facet="",
        language=row["language"],
        text=row["text"],
        evidence=0,
        against=0,
        where=(),
    )


def muted(c: Connection) -> dict[str, frozenset[tuple[str, ...]]]:
    """The labels that count for nothing with a concept any more, by concept."""
    query = select(proposal.c.concept_id, proposal.c.text).where(
        (proposal.c.kind == ProposalKind.MISLEADING) & (proposal.c.decision == ACCEPTED)
    )
    found: dict[str, frozenset[tuple[str, ...]]] = {}
    for concept_id, text in c.execute(query):
        found[concept_id] = found.get(concept_id, frozenset()) | {label_key(text)}
    return found


def by_document(said: Sequence[Feedback]) -> dict[DocumentKey, list[Feedback]]:
    """The same feedback by document."""
    found: dict[DocumentKey, list[Feedback]] = {}
    for one in said:
        found.setdefault(one.document, []).append(one)
    return found
