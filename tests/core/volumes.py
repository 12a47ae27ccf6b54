"""Items and facets to make volumes of."""

from datetime import UTC, datetime
from typing import Any

from km365.core.audience import Audience
from km365.core.compendium import Chosen, ChosenGroup, Compendium, Entry, Wanted, compose
from km365.core.knowledge import Kind, KnowledgeItem, Maturity, Reach

WANTED = Wanted(by="topic")


def item(id: str, **values: Any) -> KnowledgeItem:
    """A lesson published in the organisation, unless `values` say otherwise."""
    usual: dict[str, Any] = {
        "title": f"Title of {id}",
        "description": f"What happened at {id}.",
        "office": "CO-BEL",
        "contributors": ("ann",),
        "language": "en",
        "kind": Kind.LESSON,
        "audience": Audience.EVERYONE,
        "maturity": Maturity.PUBLISHED,
        "published_to": Reach.INTERNAL,
        "submitted_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return KnowledgeItem(id=id, **(usual | values))


def entry(id: str, *, topics: tuple[str, ...] = ("topic/water",), **values: Any) -> Entry:
    """The item, with what it is about."""
    made = item(id, **values)
    year = str(made.submitted_at.year) if made.submitted_at else ""
    return Entry(item=made, facets={"topic": topics, "office": (made.office,), "year": (year,)})


def rank(facet: str, value: str) -> tuple[int, str]:
    return (0, value)


def volume(*entries: Entry, chosen: tuple[ChosenGroup, ...] | None = None, **wanted: Any) -> Compendium:
    return compose(entries, Wanted(**({"by": "topic"} | wanted)), rank, chosen)


def group(key: str, *ids: str | Chosen) -> ChosenGroup:
    return ChosenGroup(
        key=key, items=tuple(one if isinstance(one, Chosen) else Chosen(id=one) for one in ids)
    )


def ids(made: Compendium) -> list[str]:
    return [piece.item.id for piece in made.pieces]
