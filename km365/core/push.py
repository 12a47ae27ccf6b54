"""Which lessons go to whoever writes a document, unasked: those about the same topics, from other offices."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from km365.core.audience import Reader
from km365.core.knowledge import KnowledgeItem
from km365.core.search import Rows, rank
from km365.core.search_entries import KNOWLEDGE, may_find
from km365.core.search_question import Filters, Part, Way
from km365.core.search_words import said

ABOUT = ("KMTopic", "KMIntervention", "KMCrossCutting", "KMKnowledgeTheme", "KMPartnerType")
"""The columns of which a lesson must share a term. One goal area or country is no likeness."""
WORDS_COUNT = 0.5
"""How much the words of the document count beside its tags."""
WAITS = timedelta(days=3)
"""Where somebody may not be written to so soon they are not: lessons help while one writes."""
LATELY = timedelta(days=7)
"""A document is noticed as newly tagged so long after it was changed."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Types of documents by concept id, how old a document may be, and how many lessons are sent."""

    types: frozenset[str]
    days: int
    lessons: int

    def is_new(self, made_at: datetime | None, *, now: datetime) -> bool:
        """Whether a document made at that moment is still being written, as far as can be told."""
        return made_at is not None and now - made_at <= timedelta(days=self.days)


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """Entries of the search index that fit a document, best first, and how rare each of its terms is."""

    numbers: tuple[int, ...]
    rarity: Mapping[str, float]

    def shared(self, tags: Collection[str]) -> list[str]:
        """The terms of the document that are among `tags`, the rarest first."""
        return sorted(self.rarity.keys() & set(tags), key=lambda tag: (-self.rarity[tag], tag))


def parts_of(tags: Collection[str]) -> tuple[Part, ...]:
    """What is looked up for the terms of a document, in the order of their ids."""
    return tuple(Part(ways=(Way(words=(said("tag", tag),), counts=1.0),)) for tag in sorted(tags))


def fitting(rows: Rows, tags: Collection[str], words: Sequence[Part]) -> Fitting:
    """The knowledge items in the rows that share a term with a document.

    A term counts as much as it is rare among what the rows hold; what an item says of the document's words
    comes on top.
    """
    lessons = Filters(kind=KNOWLEDGE)
    by_tags = rank(rows, parts_of(tags), lessons, least=0.0)
    by_words = dict(rank(rows, words, lessons, least=0.0).best) if words else {}
    scores = {number: score + WORDS_COUNT * by_words.get(number, 0.0) for number, score in by_tags.best}
    return Fitting(
        numbers=tuple(sorted(scores, key=lambda number: (-scores[number], number))),
        rarity=dict(zip(sorted(tags), by_tags.weights, strict=True)),
    )


def may_get(item: KnowledgeItem, reader: Reader) -> bool:
    """Whether the item, as it stands now, is sent to this reader: not their own, nor their office's."""
    own = item.office.casefold() == reader.office.casefold()
    return may_find(item, reader) and not own and reader.person_id not in item.contributors
