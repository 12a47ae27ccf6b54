"""A draft becomes an item of the *Knowledge* list, once, with its tags."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from km365.core.knowledge import KnowledgeItem, Maturity, and_links, from_fields, submit, to_fields
from km365.core.schema import KNOWLEDGE
from km365.errors import InputRefused, NotFound, NotStored
from km365.graph import lists, metadata, sites
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.metadata import TermRef
from km365.graph.wire import odata_text
from km365.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Place:
    """The *Knowledge* list on the knowledge site."""

    site_id: str
    list_id: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A knowledge item as SharePoint holds it."""

    item: KnowledgeItem
    list_item_id: str
    etag: str
    web_url: str
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Term labels by column title, as the list shows them."""


async def knowledge_list(graph: Graph, settings: Settings) -> Place:
    """Where knowledge items are kept. Raises GraphNotFound where `km365 provision apply` has not run."""
    site = await sites.get_site(graph, settings.knowledge_site)
    target = await lists.get_list(graph, site.id, KNOWLEDGE.title)
    return Place(site_id=site.id, list_id=target.id)


async def find(graph: Graph, place: Place, km_id: str) -> Item:
    """The row that holds the item `km_id`. Raises NotFound. Needs Sites.Read.All or Sites.Selected."""
    query = f"fields/KMId eq {odata_text(km_id)}"
    async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query, top=2):
        return row
    raise NotFound(f"There is no knowledge item {km_id}; `km365 lesson list` shows those there are.")


async def submit_item(
    graph: Graph,
    settings: Settings,
    draft: KnowledgeItem,
    *,
    terms: Mapping[str, Sequence[TermRef]],
    at: datetime,
) -> Kept:
    """Puts the draft into the *Knowledge* list for review, with the suggested `terms` by column.

    Safe to repeat, with the same `at`: the item is looked up by its id first, so that a lost reply or a crash
    makes no second one, and what was decided or corrected in the list since stays. An item submitted later
    takes the place of what was there before, as long as nobody has accepted or retired that. Needs
    Sites.Selected with write.
    """
    place = await knowledge_list(graph, settings)
    item = submit(draft, at=at)
    try:
        row = await find(graph, place, item.id)
    except NotFound:
        row = await lists.create_item(graph, place.site_id, place.list_id, to_fields(item))
    else:
        there = from_fields(row.fields)
        if _is_newer(item, there):
            item = replace(  # the other axis, which moves apart
                item,
                effect=there.effect,
                proof=there.proof,
                action=there.action,
                action_owner=there.action_owner,
                action_due=there.action_due,
            )
            row = await _replace(graph, place, row, item)
        else:
            item = there
    etag = await _tag(graph, place, row, terms)
    return Kept(item=item, list_item_id=row.id, etag=etag, web_url=row.web_url)


def _is_newer(item: KnowledgeItem, there: KnowledgeItem) -> bool:
    """Whether the item was submitted after what is there, on which nobody has decided for good.

    SharePoint keeps whole seconds.
    """
    if item.submitted_at is None or there.maturity not in {Maturity.IN_REVIEW, Maturity.RETURNED}:
        return False
    return there.submitted_at is None or there.submitted_at < item.submitted_at.replace(microsecond=0)


async def _replace(graph: Graph, place: Place, row: Item, item: KnowledgeItem) -> Item:
    """The row with the item's words in place of those it held, and its links beside those it held."""
    columns = to_fields(item)
    columns["KMLinks"] = and_links(str(row.fields.get("KMLinks") or ""), item.links)
    changed = await lists.update_fields(graph, place.site_id, place.list_id, row.id, columns, etag=row.etag)
    return replace(row, etag=changed.etag, fields=row.fields | changed.fields)


async def _tag(graph: Graph, place: Place, row: Item, terms: Mapping[str, Sequence[TermRef]]) -> str:
    """The row's etag after the terms were written into columns that are still empty.

    Terms that SharePoint will not hold are left out and said in the log: a lesson is worth more than tags.
    """
    empty = {column: refs for column, refs in terms.items() if refs and not row.fields.get(column)}
    if not empty:
        return row.etag
    notes = metadata.note_fields(await lists.list_columns(graph, place.site_id, place.list_id))
    target = metadata.Target.item(place.site_id, place.list_id, row.id)
    try:
        return (await metadata.write_terms(graph, target, empty, etag=row.etag, notes=notes)).etag
    except (InputRefused, NotStored) as error:
        _log.warning("A lesson goes without some of its suggested terms: %s", error)
        return row.etag
