"""What was drafted of a lesson, when its author takes it back or narrows it: its sentences leave it."""

from collections.abc import AsyncIterator
from contextlib import suppress

from km365.core.audience import Audience
from km365.core.knowledge import Kind, KnowledgeItem, Reach, Relation, to_fields
from km365.core.promotion import as_sources_allow, id_of, traced, without
from km365.core.search_entries import SHOWN
from km365.errors import NotFound
from km365.graph import lists
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.wire import odata_text
from km365.services.capture import Place, find, knowledge_list
from km365.services.review import kept_of
from km365.settings import Settings


async def take_out(
    graph: Graph,
    settings: Settings,
    source: KnowledgeItem,
    *,
    stays_in: str = "",
    stays_within: Reach | None = None,
) -> int:
    """Takes the source's sentences out of what was drafted of it, and puts that in review; counts the items.

    What only the office `stays_in` reads keeps them, and what may go no further than `stays_within`.
    Repeatable. To be done before the source itself is changed, so that it can be gone on with. Raises
    GraphChangedMeanwhile. Needs Sites.Selected with write.
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
        if stays_within and stays_within.covers(item.consent):
            continue
        count += await _change(graph, place, row, item, without(item, source))
    return count


async def as_allowed(graph: Graph, settings: Settings, item: KnowledgeItem) -> KnowledgeItem:
    """The item as its sources allow it now (`core.promotion.as_sources_allow`); nothing is written.

    Needs Sites.Selected with read.
    """
    wanted = {one.source for one in traced(item) if one.source}
    if not wanted:
        return item
    place = await knowledge_list(graph, settings)
    sources = {}
    for one in wanted:
        with suppress(NotFound):
            sources[one] = kept_of(await find(graph, place, one)).item
    return as_sources_allow(item, sources)


async def look(graph: Graph, settings: Settings, *, dry_run: bool = False) -> int:
    """Takes out of all that is shown what its sources do not allow any more, and puts it in review; counts.

    So what somebody narrowed or deleted in SharePoint by hand leaves within a day. Who decides is told of it
    as of all that waits for them; its reason names the source. Needs Sites.Selected with write.
    """
    place = await knowledge_list(graph, settings)
    rows = [row async for row in lists.list_items(graph, place.site_id, place.list_id)]
    kept = [(row, kept_of(row).item) for row in rows]
    sources = {item.id: item for _, item in kept}
    count = 0
    for row, item in kept:
        allowed = as_sources_allow(item, sources) if item.sources and item.maturity in SHOWN else item
        if allowed != item:
            count += 1 if dry_run else await _change(graph, place, row, item, allowed)
    return count


async def _change(graph: Graph, place: Place, row: Item, item: KnowledgeItem, after: KnowledgeItem) -> int:
    """Writes what is different; 1, or 0 where nothing is. Raises GraphChangedMeanwhile."""
    before, wanted = to_fields(item), to_fields(after)
    change = {name: value for name, value in wanted.items() if value != before[name]}
    if change:
        await lists.update_fields(graph, place.site_id, place.list_id, row.id, change, etag=row.etag)
    return 1 if change else 0


async def _drafted(graph: Graph, place: Place, source: KnowledgeItem) -> AsyncIterator[Item]:
    """What may be drafted of it: the lesson of an innovation, and then all good practices."""
    if source.kind is Kind.INNOVATION:
        with suppress(NotFound):
            yield await find(graph, place, id_of([source.id], Kind.LESSON))
    query = f"fields/KMKind eq {odata_text(Kind.GOOD_PRACTICE)}"
    async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query):
        yield row
