"""Learns from what people have said: reads the documents they judged, trains anew, says what differs now."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from km365.core.feedback import Corrections, DocumentKey, Verdict
from km365.core.passages import Passage
from km365.graph.client import Graph
from km365.services import feedback
from km365.services.feedback import Advance, Reread
from km365.services.tag_plan import Chooses
from km365.store import cursors
from km365.store import feedback as store
from km365.store.database import Connection, Database

if TYPE_CHECKING:
    from km365.suggest.judged import Judged, Training

COMPARED = 20
"""Documents judged last whose suggestions are compared before and after."""
LAST = "tag learn"
"""The bookmark of when it was last done."""


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
    open_training: Callable[[int], Awaitable["Training"]],
    keep: Callable[["Judged | None"], str],
    most: int,
    at: datetime,
    ocr_command: str = "",
    advance: Advance = lambda _: None,
) -> Learnt:
    """Learns from all feedback, and compares what is suggested for the documents judged last.

    `open_words` gives what suggests terms as it is kept now; it is asked before and after the training,
    which is opened for at most `most` documents; `keep` keeps what comes of it and says so in a line.
    Needs Sites.Selected with read.
    """
    words = await open_words()
    lessons = await db.run(feedback.lessons, words.taxonomy)
    taught = set(list(lessons)[:: -(-len(lessons) // most) or 1])
    latest = await db.run(_latest)
    training = await open_training(len(taught))
    texts: _Texts = {}
    count = 0

    async def heard(key: DocumentKey, path: str, passages: list[Passage]) -> None:
        nonlocal count
        if key in latest:
            texts[key] = (path, passages)
        if key in taught:
            one = lessons[key]
            add = partial(training.add, passages, kept=one.kept, missed=one.missing, refused=one.wrong)
            await asyncio.to_thread(add, tagged=one.tagged)
            count += 1

    wanted = taught | latest
    read = await feedback.read_examples(
        graph, db, at=at, wanted=wanted, heard=heard, ocr_command=ocr_command, advance=advance
    )
    corrections = Corrections(muted=await db.run(store.muted)).today(words.taxonomy)
    before = await asyncio.to_thread(_chosen, words, texts, corrections)
    trained = keep(await asyncio.to_thread(training.finish))
    words = await open_words()
    after = await asyncio.to_thread(_chosen, words, texts, corrections)
    return Learnt(
        lessons=count,
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
        synonyms=await db.run(_since_last, at=at),
        proposals=len(await db.run(feedback.proposals, words.taxonomy)),
    )


_Texts = dict[DocumentKey, tuple[str, list[Passage]]]


def _latest(c: Connection) -> set[DocumentKey]:
    """The documents judged last; before those that people had only tagged."""
    said = sorted(store.list_(c), key=lambda one: one.verdict is Verdict.TAGGED)
    return set(islice(dict.fromkeys(one.document for one in said), COMPARED))


def _chosen(words: Chooses, texts: _Texts, corrections: Corrections) -> dict[DocumentKey, set[str]]:
    """The concept ids suggested for each document."""
    facets = [one.key for one in words.taxonomy.term_sets if one.column]
    return {
        key: {
            one.concept_id
            for one in corrections.applied(
                key,
                words.suggest(passages, facets=facets, allowed=corrections.allowed(key)),
                taxonomy=words.taxonomy,
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
