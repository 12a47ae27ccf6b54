"""How alike two lessons are, in whatever languages they are written, and who may be shown one beside theirs.

By meaning, where a model turns texts into vectors: that works across languages. Without one by the words they
share, which works within a language. Method, limits and figures: docs/near-duplicates.md.
"""

from km365.core.alike import words
from km365.core.audience import Audience, Circle, Reader, may_read
from km365.core.knowledge import KnowledgeItem, Link, Maturity, Relation
from km365.core.search_entries import SHOWN, sentences_of
from km365.core.search_words import Words, index_words
from km365.errors import InputRefused

CLOSE = 0.44
"""From here on two texts say much the same: the cosine of their vectors (tests/benchmarks/bench_near.py)."""
SAME_WORDS = 0.27
"""And by the share of words that both have, where there is no model."""
COMPARED = ("title", "description", "approach", "cause", "results", "advice")
"""What a lesson says; where and when it was said so is what may differ."""
LONGEST = 2_000
"""Characters of it that are compared."""
SENT = frozenset({Maturity.SUBMITTED, Maturity.IN_REVIEW})
_READ = frozenset({Audience.EVERYONE, Audience.OFFICE})
_MOST_WORDS = 3


def text_of(item: KnowledgeItem) -> str:
    """The text of the item that is compared with others."""
    return "\n".join(said for name in COMPARED if (said := str(getattr(item, name)).strip()))[:LONGEST]


def sentences(item: KnowledgeItem) -> list[str]:
    """Its sentences, of which one may be quoted; the title stands above them."""
    return [one for name in COMPARED[1:] for one in sentences_of(str(getattr(item, name)))]


def alike_in_words(one: str, other: str, known: Words | None = None) -> float:
    """The share of words that both texts have, 0 to 1 (Dice's coefficient over stems)."""
    first, second = (set(index_words(text, known)) for text in (one, other))
    return 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0


def shared_words(one: str, other: str) -> tuple[str, ...]:
    """The longest words that both texts have, as the other writes them; what is denied is another word."""
    here, there = words(one), words(other)
    shared = [form for stem, form in there.items() if stem in here]
    return tuple(sorted(shared, key=lambda form: (-len(form), form))[:_MOST_WORDS])


def stands_for(item: KnowledgeItem, reader: Reader) -> bool:
    """Whether the reader may be shown the item: it was checked, or sent in their own office."""
    within = bool(item.office) and item.office.casefold() == reader.office.casefold()
    if item.audience not in _READ or not (item.maturity in SHOWN or (within and item.maturity in SENT)):
        return False
    return may_read(item.audience, reader, Circle(authors=frozenset(), office=item.office))


def check(item: KnowledgeItem, link: Link, other: KnowledgeItem, *, by: str = "") -> None:
    """Raises InputRefused for what the item cannot say of the other, or the person whom it is linked `by`.

    Nothing of itself, no contradiction without what is different, and nobody confirms their own.
    """
    if other.id == item.id:
        raise InputRefused(f"{item.id} says nothing of itself; name another item.")
    if link.relation is Relation.CONTRADICTS and not link.words.strip():
        raise InputRefused(
            f"To say that {item.id} contradicts {other.id}, say what is different in its context (--words)."
        )
    if link.relation is Relation.CONFIRMS and {*item.contributors, by} & set(other.contributors):
        raise InputRefused(f"Both are by the same person; somebody else confirms {other.id}.")
