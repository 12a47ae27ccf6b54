"""Learns from what people have said: reads the documents they judged, trains anew, says what differs now.

Only documents whose content is new are downloaded for learning; the comparison reads some of the latest
again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from km365.core.feedback import Corrections, DocumentKey
from km365.core.passages import Passage
from km365.core.tag_plan import list_of
from km365.documents.worker import Reader
from km365.errors import GraphError, GraphUnreachable, InputRefused, Throttled
from km365.graph import documents
from km365.graph.client import Graph
from km365.services import feedback, file_text
from km365.services.feedback import Advance, Lesson, Reread
from km365.services.tag_plan import Chooses
from km365.store import cursors
from km365.store import feedback as store
from km365.store.database import Connection, Database

COMPARED = 20
"""Documents judged last whose suggestions are compared before and after."""
LAST = "tag learn"
"""The bookmark of when it was last done."""

Train = Callable[[Sequence[Lesson]], Awaitable[str]]
"""Trains on the lessons and keeps the result; says in a line what it did."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What is suggested for one document now and was not before, and the other way round: concept ids.

    As if nothing had been said of this document itself, which would hide what is learnt for others like it.
    """

    path: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What learning came to. `synonyms` are words and concept ids accepted since it was last done."""

    lessons: int
    read: Reread
    trained: str
    compared: int
    differences: tuple[Difference, ...]
    synonyms: tuple[tuple[str, str], ...]
    proposals: int


async def learn(
    graph: Graph,
    db: Database,
    *,
    open_words: Callable[[], Awaitable[Chooses]],
    train: Train | None,
    at: datetime,
    ocr_command: str = "",
    advance: Advance = lambda _: None,
) -> Learnt:
    """Learns from all feedback, and compares what is suggested for the documents judged last.

    `open_words` gives what suggests terms as it is kept now; it is asked before and after `train`.
    Needs Sites.Selected with read.
    """
    read = await feedback.read_examples(graph, db, at=at, ocr_command=ocr_command, advance=advance)
    lessons = await db.run(feedback.examples)
    texts = await _latest(graph, db, ocr_command)
    corrections = Corrections(muted=await db.run(store.muted))
    words = await open_words()
    before = after = _chosen(words, texts, corrections)
    trained = ""
    if train is not None:
        trained = await train(lessons)
        words = await open_words()
        after = _chosen(words, texts, corrections)
    synonyms = await db.run(_since_last, at=at)
    return Learnt(
        lessons=len(lessons),
        read=read,
        trained=trained,
        compared=len(texts),
        differences=tuple(
            Difference(
                path=texts[key][0],
                gained=tuple(sorted(after[key] - before[key])),
                lost=tuple(sorted(before[key] - after[key])),
            )
            for key in texts
            if after[key] != before[key]
        ),
        synonyms=synonyms,
        proposals=len(await db.run(feedback.proposals, words.taxonomy)),
    )


_Texts = dict[DocumentKey, tuple[str, list[Passage]]]


async def _latest(graph: Graph, db: Database, ocr_command: str) -> _Texts:
    """The passages of the documents judged last; those that cannot be read are left out."""
    said = await db.run(store.list_)
    keys = [one for one in dict.fromkeys(one.document for one in said) if list_of(one[0]) is None][:COMPARED]
    found: _Texts = {}
    with Reader(ocr_command=ocr_command) as reader, graph.bulk():
        for key, one in zip(keys, await documents.get_many(graph, keys, columns=("id",)), strict=True):
            try:
                if isinstance(one, GraphError):
                    raise one
                found[key] = (one.file.path, await file_text.read(graph, reader, one.file))
            except (GraphUnreachable, Throttled):
                raise  # concerns all of them
            except (GraphError, InputRefused):
                continue
    return found


def _chosen(words: Chooses, texts: _Texts, corrections: Corrections) -> dict[DocumentKey, set[str]]:
    """The concept ids suggested for each document."""
    facets = [one.key for one in words.taxonomy.term_sets if one.column]
    return {
        key: {
            one.concept_id
            for one in corrections.applied(
                key, words.suggest(passages, facets=facets), taxonomy=words.taxonomy
            )
        }
        for key, (_, passages) in texts.items()
    }


def _since_last(c: Connection, *, at: datetime) -> tuple[tuple[str, str], ...]:
    """The synonyms accepted since the last time, which is from now on this one."""
    last = cursors.get(c, LAST)
    since = datetime.fromisoformat(last) if last else None
    cursors.put(c, LAST, at.isoformat(), at=at)
    return tuple((one.text, one.concept_id) for one in store.accepted_synonyms(c, since=since))
