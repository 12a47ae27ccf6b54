"""The knowledge items somebody may read, with ids and dates, to take along.

What is for fewer people than an office never goes into a file, whoever asks: a file is handed on, and nothing
holds it to an audience.
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
from km365.graph import lists
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.services import calendar
from km365.services.capture import Kept, knowledge_list
from km365.services.loop import captured_on
from km365.services.review import is_readable, kept_of, roles_of
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
    found = []
    async for row in lists.list_items(graph, place.site_id, place.list_id):
        kept = kept_of(row)
        one = Exported(kept=kept, columns=_columns(row, kept), captured_on=captured_on(row, kept.item, hours))
        if is_readable(kept.item, reader) and wanted.takes(one):
            found.append(one)
    going = [one for one in found if one.kept.item.audience in _GOES]
    roles = await roles_of(graph, settings, reader.office, reader)
    made = await db.run(moves.by_item)

    def with_history(one: Exported) -> Exported:
        item = one.kept.item
        sees = _sees_history(item, reader, roles)
        return replace(one, steps=history(item, made.get(item.id, ()))) if sees else one

    in_order = sorted(going, key=lambda one: one.kept.item.id)
    return [with_history(one) for one in in_order], len(found) - len(going)


def _sees_history(item: KnowledgeItem, reader: Reader, roles: frozenset[Actor]) -> bool:
    """As `services.life.history_of` has it, for all items at once."""
    if reader.person_id in item.contributors or Actor.REVIEWER in roles:
        return True
    return Actor.FOCAL_POINT in roles and item.office == reader.office


def _columns(row: Item, kept: Kept) -> dict[str, Any]:
    """What the columns of the list hold, by the title people see; terms by their labels."""
    held = {**row.fields, **to_fields(kept.item)}
    columns: dict[str, Any] = {"Title": held["Title"]}
    columns |= {one.title: held.get(one.name) for one in _COLUMNS}
    return columns | {one.title: list(kept.tags.get(one.title, ())) for one in _TERMS}
