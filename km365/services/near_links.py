"""What items say of each other: written into the list, counted where it confirms, shown from both ends."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from km365.core import near as rules
from km365.core.audience import Reader
from km365.core.knowledge import KnowledgeItem, Link, Relation, and_links
from km365.core.search_entries import SHOWN, shelves_of
from km365.core.search_words import BLOCK, said, unpack
from km365.core.tag_plan import list_of
from km365.errors import InputRefused, NotFound
from km365.graph import lists
from km365.graph.client import Graph
from km365.jobs.port import Args, Jobs
from km365.services import verdicts
from km365.services.capture import Kept, find, knowledge_list
from km365.services.life import CONFIRMATIONS
from km365.services.near import sent_in
from km365.services.review import get_item, is_readable, kept_of, named, roles_of
from km365.services.verdicts import VerdictDesk
from km365.settings import Settings
from km365.store import events
from km365.store import search as index
from km365.store import still_true as store
from km365.store.database import Connection, Database

LINKED = "lesson linked"
"""The event that says who linked an item."""
_TRIES = 200


@dataclass(frozen=True, kw_only=True)
class Linked:
    """The item at the other end of a link. With `back` it says so of the one that was asked about."""

    relation: Relation
    words: str
    back: bool
    item_id: str
    title: str
    office: str
    web_url: str


async def link(desk: VerdictDesk, item_id: str, new: Link, *, reader: Reader) -> Kept:
    """Has the item say this of another, and counts what it confirms. Safe to repeat.

    Raises NotFound where the reader may not read one of them; InputRefused where they neither contributed to
    it nor decide on it, or an item cannot say so; GraphChangedMeanwhile. Needs Sites.Selected with write, and
    GroupMember.ReadBasic.All.
    """
    place = await knowledge_list(desk.graph, desk.settings)
    kept = await get_item(desk.graph, desk.settings, item_id, reader=reader)
    other = (await get_item(desk.graph, desk.settings, new.to, reader=reader)).item
    mine = reader.person_id in kept.item.contributors
    if not mine and not await roles_of(desk.graph, desk.settings, kept.item.office, reader):
        raise InputRefused(f"Its contributors link {item_id} to another item, or who decides on it.")
    rules.check(kept.item, new, other, by=reader.person_id)
    row = await find(desk.graph, place, item_id)
    before = str(row.fields.get("KMLinks") or "")
    column = and_links(before, [new])
    if column != before:
        await lists.update_fields(
            desk.graph, place.site_id, place.list_id, row.id, {"KMLinks": column}, etag=row.etag
        )
        await desk.db.run(_note, item_id, new, who=reader.person_id, at=desk.now())
    await count(desk, item_id)
    return kept_of(await find(desk.graph, place, item_id))


def _note(c: Connection, item_id: str, new: Link, *, who: str, at: datetime) -> None:
    what = {"relation": new.relation.value, "to": new.to}
    events.append(c, kind=LINKED, subject=item_id, who=who, what=what, at=at)


def open_desk(desk: VerdictDesk) -> None:
    """Registers the job that counts what an item confirms, whenever it moves."""

    async def work(args: Args) -> None:
        await count(desk, args["item"])

    desk.jobs.register(CONFIRMATIONS, work, attempts=_TRIES)


async def count(desk: VerdictDesk, item_id: str) -> None:
    """What the item confirms is still true, says whoever linked it, as long as the item itself is checked.

    Returned, retired or gone, or without the link, it counts no more. Again it changes nothing: the job of
    `services.verdicts` brings the records to it. Needs Sites.Selected with read.
    """
    try:
        item = kept_of(await find(desk.graph, await knowledge_list(desk.graph, desk.settings), item_id)).item
    except NotFound:
        item = None
    wanted = _confirmed(item) if item and item.maturity in SHOWN else ()
    office = item.office if item else ""
    await desk.db.run(_count, desk.jobs, item_id, wanted, office=office, at=desk.now())


def _confirmed(item: KnowledgeItem) -> tuple[tuple[str, str], ...]:
    """What it confirms, and whose word that is where nobody is on record as having linked it."""
    confirmed = [one.to for one in item.links if one.relation is Relation.CONFIRMS and one.to != item.id]
    return tuple((to, author) for to in dict.fromkeys(confirmed) for author in item.contributors[:1])


def _count(
    c: Connection,
    jobs: Jobs,
    item_id: str,
    wanted: Iterable[tuple[str, str]],
    *,
    office: str,
    at: datetime,
) -> None:
    linked = {one.what["to"]: one.who for one in reversed(events.list_(c, subject=item_id, kind=LINKED))}
    said = {to: linked.get(to, author) for to, author in wanted}
    for gone in store.take_back(c, item_id, but=said):
        verdicts.enqueue(c, jobs, gone, fewer=True)
    for to, who in said.items():
        if store.confirm(c, to, person_id=who, office=office, milestone=item_id, at=at):
            verdicts.enqueue(c, jobs, to)


async def links_of(
    graph: Graph, db: Database, settings: Settings, item: KnowledgeItem, reader: Reader
) -> list[Linked]:
    """What the item says of others and others of it, as far as the reader may read those.

    Others are known from the search index, and from what the reader's office has sent. Needs Sites.Selected
    with read on the knowledge site.
    """
    place = await knowledge_list(graph, settings)
    out, back, sent = await asyncio.gather(
        named(graph, settings, [one.to for one in item.links]),
        _that_link(graph, db, item.id, reader),
        sent_in(graph, place, reader.office),
    )
    others = {one.item.id: one for one in (*back, *map(kept_of, sent)) if one.item.id != item.id}
    return [
        *(_linked(one, out[one.to], back=False) for one in item.links if _may_see(out.get(one.to), reader)),
        *(
            _linked(one, other, back=True)
            for other in others.values()
            if _may_see(other, reader)
            for one in other.item.links
            if one.to == item.id
        ),
    ]


def _may_see(other: Kept | None, reader: Reader) -> bool:
    if other is None:
        return False
    mine = reader.person_id in other.item.contributors
    return (mine and is_readable(other.item, reader)) or rules.stands_for(other.item, reader)


def _linked(one: Link, other: Kept, *, back: bool) -> Linked:
    return Linked(
        relation=one.relation,
        words=one.words,
        back=back,
        item_id=other.item.id,
        title=other.item.title,
        office=other.item.office,
        web_url=other.web_url,
    )


async def _that_link(graph: Graph, db: Database, item_id: str, reader: Reader) -> list[Kept]:
    """Checked items that say something of this one, as SharePoint has them now."""
    word = said("link", item_id)
    rows = (await db.run(index.look_up, [word], shelves_of(reader))).get(word, [])
    entries = await db.run(index.entries, list(_numbers(rows)))
    places = [(list_of(one.container), one.item_id) for one in entries.values()]
    rows_now = await lists.get_items(graph, [(*place, one) for place, one in places if place])
    return [kept_of(row) for row in rows_now.values()]


def _numbers(rows: Iterable[tuple[int, bytes]]) -> Iterable[int]:
    return (block * BLOCK + place for block, packed in rows for place in unpack(packed))
