"""Lessons like another, each as its reader may see it.

What may be like a draft is found in the search index; whether it is, and whether this person may read it, is
decided of the item as SharePoint has it now.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from km365.core import near as rules
from km365.core.audience import Reader
from km365.core.knowledge import KnowledgeItem
from km365.core.languages import primary
from km365.core.search import rank, words_of
from km365.core.search_entries import KNOWLEDGE, sentences_of, shelves_of
from km365.core.search_meaning import packed
from km365.core.search_question import Concepts, Filters
from km365.core.tag_plan import list_of
from km365.errors import Forbidden, GraphNotFound, TemplateError
from km365.graph import lists, people
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.wire import odata_text
from km365.jobs.port import Jobs
from km365.services.capture import Kept, Place, knowledge_list
from km365.services.review import kept_of
from km365.services.search import SearchTerms
from km365.services.search_meaning import Meaning
from km365.settings import Settings
from km365.store import search as index
from km365.store import search_meaning
from km365.store.database import Database
from km365.suggest.meaning import Encoder

SHOWN = 3
_READ = 20
"""So many of what the index finds are read anew and compared."""
_MOST_SENT = 100
_AT_ONCE = 100
"""Vectors made every minute; at 7 ms each, nobody waits for them."""
_LEAST = 0.2
"""The share of a draft's words, by their weight, that an item holds which is compared with it."""
_NAMED = 2
VECTORS = "near_vectors"
"""The look of every minute for what in the index has no vector yet."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An item that is like another. `sentence` is what of it is nearest, word for word; may be "".

    `about` are labels of terms that both speak of, `words` those that both have, where the language is the
    same. What is not `checked` is of the reader's own office.
    """

    item_id: str
    title: str
    sentence: str
    office: str
    year: int | None
    language: str
    web_url: str
    likeness: float
    checked: bool
    about: tuple[str, ...]
    words: tuple[str, ...]


class Near:
    """Finds what is like a lesson. Without an `encoder` by words alone, within a language."""

    def __init__(
        self, graph: Graph, db: Database, settings: Settings, terms: SearchTerms, encoder: Encoder | None
    ) -> None:
        self._graph, self._db, self._settings, self._terms = graph, db, settings, terms
        self._place: Place | None = None
        self.meaning = Meaning(db, encoder) if encoder else None

    async def like(self, item: KnowledgeItem, person_id: str, *, language: str) -> list[Shown]:
        """The items most like this one that the person may read and did not write, the best three.

        Labels are in `language`. Raises GraphError. Needs User.Read.All and Sites.Selected with read on the
        knowledge site. 1 resource unit an item that is compared, 20 at most, and those of a page of the list.
        """
        reader, text = (await people.get_person(self._graph, person_id)).reader, rules.text_of(item)
        found, sent = await asyncio.gather(self._found(text, reader), self._sent_in(reader.office))
        kept = {one.item.id: one for one in map(kept_of, (*found, *sent)) if one.item.id != item.id}
        others = [
            one
            for one in kept.values()
            if rules.stands_for(one.item, reader) and reader.person_id not in one.item.contributors
        ]
        best = await self._best(text, others)
        concepts = await self._concepts() if best else None
        return [await self._shown(item, text, likeness, one, concepts, language) for likeness, one in best]

    async def _best(self, text: str, others: Sequence[Kept]) -> list[tuple[float, Kept]]:
        """The most like of those that are like it, with how much they are."""
        scores = await self._likeness(text, [rules.text_of(one.item) for one in others])
        least = rules.CLOSE if self.meaning else rules.SAME_WORDS
        found = [(score, one) for score, one in zip(scores, others, strict=True) if score >= least]
        return sorted(found, key=lambda one: (-one[0], one[1].item.id))[:SHOWN]

    async def _likeness(self, text: str, others: Sequence[str]) -> list[float]:
        if self.meaning is None or not others:
            return [rules.alike_in_words(text, one) for one in others]
        wanted, *rest = await self.meaning.vectors([text, *others])
        return [float(one @ wanted) for one in rest]

    async def _shown(
        self,
        item: KnowledgeItem,
        text: str,
        likeness: float,
        other: Kept,
        concepts: Concepts | None,
        language: str,
    ) -> Shown:
        one, told = other.item, rules.text_of(other.item)
        sentences = rules.sentences(one)
        scores = await self._likeness(text, sentences)
        nearest = max(zip(scores, sentences, strict=True), key=lambda both: both[0], default=(0.0, ""))
        return Shown(
            item_id=one.id,
            title=one.title,
            sentence=nearest[1],
            office=one.office,
            year=one.submitted_at.year if one.submitted_at else None,
            language=one.language,
            web_url=other.web_url,
            likeness=round(likeness, 2),
            checked=one.maturity not in rules.SENT,
            about=_about(text, told, concepts, language) if concepts else (),
            words=rules.shared_words(text, told) if primary(one.language) == primary(item.language) else (),
        )

    # Where they are found -------------------------------------------------------------------------------

    async def _found(self, text: str, reader: Reader) -> list[Item]:
        """What the index has that may be like it, as SharePoint has it now."""
        shelves = shelves_of(reader)
        numbers = await (self._by_meaning if self.meaning else self._by_words)(text, shelves)
        entries = await self._db.run(index.entries, numbers)
        places = [(list_of(one.container), one.item_id) for one in entries.values()]
        return [
            *(await lists.get_items(self._graph, [(*place, one) for place, one in places if place])).values()
        ]

    async def _sent_in(self, office: str) -> list[Item]:
        """What `sent_in` finds, in the list as it was found once, which stays unless it is made anew."""
        self._place = place = self._place or await knowledge_list(self._graph, self._settings)
        try:
            return await sent_in(self._graph, place, office)
        except GraphNotFound:
            self._place = None
            raise

    async def _by_meaning(self, text: str, shelves: Sequence[str]) -> list[int]:
        wanted = await self.meaning.of(text) if self.meaning else None
        if self.meaning is None or wanted is None:
            return []
        found = await self.meaning.cosines(wanted, shelves)
        return sorted(found, key=lambda number: (-found[number], number))[:_READ]

    async def _by_words(self, text: str, shelves: Sequence[str]) -> list[int]:
        concepts, only = await self._concepts(), Filters(kind=KNOWLEDGE)
        if concepts is None:
            return []
        parts = list(dict.fromkeys(part for one in sentences_of(text) for part in concepts.parts(one)))
        rows = await self._db.run(index.look_up, words_of(parts, only, str), shelves)
        ranked = await asyncio.to_thread(rank, rows, parts, only, least=_LEAST)
        return [number for number, _ in ranked.best[:_READ]]

    async def _concepts(self) -> Concepts | None:
        """The terms, None where they cannot be read: lessons are alike without them."""
        try:
            return await self._terms.now()
        except (Forbidden, TemplateError):
            return None

    # The vectors ----------------------------------------------------------------------------------------

    async def keep_up(self) -> int:
        """Makes vectors of what is new in the search index, a hundred at most; counts them."""
        if self.meaning is None:
            return 0
        await self._db.run(search_meaning.forget)
        new = await self._db.run(search_meaning.unread, most=_AT_ONCE)
        if not new:
            return 0
        texts = await self._db.run(index.texts, [one.entry_id for one in new])
        told = ["\n".join((one.title, *texts.get(one.entry_id, ())))[: rules.LONGEST] for one in new]
        vectors = [packed(one) for one in await self.meaning.vectors(told)]
        await self._db.run(search_meaning.put, dict(zip(new, vectors, strict=True)))
        self.meaning.forget()
        return len(new)


def open_desk(near: Near, jobs: Jobs) -> None:
    """Has the vectors made every minute, of what is new."""

    async def look() -> None:
        await near.keep_up()

    jobs.every_minute(VECTORS, look)


def _about(text: str, told: str, concepts: Concepts, language: str) -> tuple[str, ...]:
    """The labels of the terms that both texts speak of."""
    first, second = (
        {one.id: one for sentence in sentences_of(some) for one in concepts.meant(sentence)}
        for some in (text, told)
    )
    return tuple(one.label(language) for key, one in first.items() if key in second)[:_NAMED]


async def sent_in(graph: Graph, place: Place, office: str) -> list[Item]:
    """What the office has sent and nobody has checked yet, which the index does not hold; 100 at most."""
    if not office:
        return []
    waits = " or ".join(f"fields/KMMaturity eq {odata_text(one)}" for one in sorted(rules.SENT))
    query = f"fields/KMOffice eq {odata_text(office)} and ({waits})"
    found: list[Item] = []
    async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query):
        found.append(row)
        if len(found) == _MOST_SENT:
            break
    return found
