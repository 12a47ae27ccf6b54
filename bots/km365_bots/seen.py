"""What a card was about: an item by its id, and the words of it that were read, by a mark of them."""

from dataclasses import dataclass

from km365.core.knowledge import KnowledgeItem, Reach, words_mark


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An item as somebody saw it. `mark` is "" where no words of it were shown."""

    id: str
    mark: str = ""
    reach: Reach | None = None
    """How far it was asked to go, where that was the question."""


def seen(item: KnowledgeItem, reach: Reach | None = None) -> str:
    """What comes back with an answer to a card on which this item was shown."""
    return ":".join([item.id, words_mark(item), *([reach] if reach else [])])


def read(about: str) -> Seen:
    """What `seen` says, or an id alone."""
    item_id, mark, reach = [*about.split(":"), "", ""][:3]
    return Seen(id=item_id, mark=mark, reach=Reach(reach) if reach in set(Reach) else None)
