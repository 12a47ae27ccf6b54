"""The knowledge items somebody may read, with ids and dates, to take along.

What is for fewer people than an office never goes into a file, whoever asks: a file is handed on, and nothing
holds it to an audience. Of another office goes what was checked; what was edited away, reasons and people go
only to who sees the history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from km365.core.audience import Audience, Reader
from km365.core.calendar_filter import fits
from km365.core.knowledge import Kind, KnowledgeItem, Maturity, to_fields
from km365.core.life import history
from km365.core.moves import Actor, Step
from km365.core.schema import KNOWLEDGE, ColumnKind
from km365.core.search_entries import SHOWN
from km365.graph import lists
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.services import calendar
from km365.services.capture import Kept, knowledge_list
from km365.services.review import as_shown, is_readable, kept_of, roles_of, sees_history
from km365.services.search_shelving import captured_on
from km365.settings import Settings
from km365.store import moves
from km365.store.database import Database

_GOES = frozenset({Audience.EVERYONE, Audience.OFFICE})
_COLUMNS = tuple(one for one in KNOWLEDGE.columns if one.kind is not ColumnKind.TERMS)
_TERMS = tuple(one for one in KNOWLEDGE.columns if one.kind is ColumnKind.TERMS)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which items; empty parts take everything. Both days are of the capture, and count."""

    offices: tuple[str, ...] = ()
    maturity: Maturity | None = None
    kind: Kind | None = None
    language: str = ""
    first: date | None = None
    last: date | None = None

    def takes(self, one: "Exported") -> bool:
        """Whether it is wanted."""
        item = one.kept.item
        return (
            (not self.offices or fits(item.office, self.offices))
            and self.maturity in {None, item.maturity}
            and self.kind in {None, item.kind}
            and self.language in {"", item.language}
            and (self.first or date.min) <= (one.captured_on or date.min) <= (self.last or date.max)
        )


@dataclass(frozen=True, kw_only=True)
class Exported:
    """One item as it goes out: `columns` of the list by title; `steps` where the reader may see them."""

    kept: Kept
    columns: Mapping[str, Any]
    captured_on: date | None
    steps: Sequence[Step] = ()


async def export(
    graph: Graph, db: Database, settings: Settings, wanted: Wanted, *, reader: Reader
) -> tuple[list[Exported], int]:
    """The wanted items that `reader` may read, in the order of their ids, and how many stay behind.

    How an item came to stand where it stands goes with those the reader wrote or decides on. Needs
    Sites.Selected with read, and GroupMember.ReadBasic.All.
    """
    place = await knowledge_list(graph, settings)
    hours = calendar.hours_of(settings)
    roles = await roles_of(graph, settings, reader.office, reader)
    found = []
    async for row in lists.list_items(graph, place.site_id, place.list_id):
        kept = kept_of(row)
        columns = _columns(row, as_shown(kept, reader, roles))
        one = Exported(kept=kept, columns=columns, captured_on=captured_on(row, kept.item, hours))
        if is_readable(kept.item, reader) and wanted.takes(one):
            found.append(one)
    going = [one for one in found if _goes(one.kept.item, reader, roles)]
    made = await db.run(moves.by_item)

    def with_history(one: Exported) -> Exported:
        item = one.kept.item
        sees = sees_history(item, reader, roles)
        return replace(one, steps=history(item, made.get(item.id, ()))) if sees else one

    in_order = sorted(going, key=lambda one: one.kept.item.id)
    return [with_history(one) for one in in_order], len(found) - len(going)


def _goes(item: KnowledgeItem, reader: Reader, roles: frozenset[Actor]) -> bool:
    """Whether it may stand in a file: for an office at least, and of another office only what was checked."""
    own = item.office == reader.office or sees_history(item, reader, roles)
    return item.audience in _GOES and (own or item.maturity in SHOWN)


def _columns(row: Item, kept: Kept) -> dict[str, Any]:
    """What the columns of the list hold, by the title people see; terms by their labels."""
    held = {**row.fields, **to_fields(kept.item)}
    columns: dict[str, Any] = {"Title": held["Title"]}
    columns |= {one.title: held.get(one.name) for one in _COLUMNS}
    return columns | {one.title: list(kept.tags.get(one.title, ())) for one in _TERMS}
