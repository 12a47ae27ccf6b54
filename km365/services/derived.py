"""What was drafted of a lesson, when its author takes it back or narrows it: its sentences leave it."""

from collections.abc import AsyncIterator
from contextlib import suppress

from km365.core.audience import Audience
from km365.core.knowledge import Kind, KnowledgeItem, Relation, to_fields
from km365.core.promotion import id_of, without
from km365.errors import NotFound
from km365.graph import lists
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.wire import odata_text
from km365.services.capture import Place, find, knowledge_list
from km365.services.review import kept_of
from km365.settings import Settings


async def take_out(graph: Graph, settings: Settings, source: KnowledgeItem, *, stays_in: str = "") -> int:
    """Takes the source's sentences out of what was drafted of it, and puts that in review; counts the items.

    What only the office `stays_in` reads keeps them. Repeatable. To be done before the source itself is
    changed, so that it can be gone on with. Raises GraphChangedMeanwhile. Needs Sites.Selected with write.
    """
    place = await knowledge_list(graph, settings)
    lines, count = {source.id}, 0
    async for row in _drafted(graph, place, source):
        item = kept_of(row).item
        if not any(one.relation is Relation.DERIVED_FROM and one.to in lines for one in item.links):
            continue
        lines.add(item.id)
        if stays_in and item.audience is not Audience.EVERYONE and item.office == stays_in:
            continue
        before, after = to_fields(item), to_fields(without(item, source))
        if change := {name: value for name, value in after.items() if value != before[name]}:
            await lists.update_fields(graph, place.site_id, place.list_id, row.id, change, etag=row.etag)
            count += 1
    return count


async def _drafted(graph: Graph, place: Place, source: KnowledgeItem) -> AsyncIterator[Item]:
    """What may be drafted of it: the lesson of an innovation, and then all good practices."""
    if source.kind is Kind.INNOVATION:
        with suppress(NotFound):
            yield await find(graph, place, id_of([source.id], Kind.LESSON))
    query = f"fields/KMKind eq {odata_text(Kind.GOOD_PRACTICE)}"
    async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query):
        yield row
