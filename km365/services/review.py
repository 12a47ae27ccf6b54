"""The focal point's side of a knowledge item: what waits, what it says, and the decision."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

from km365.core.audience import Circle, Reader, may_read
from km365.core.knowledge import (
    Decision,
    KnowledgeItem,
    Maturity,
    decide,
    from_fields,
    is_decided,
    to_fields,
)
from km365.core.schema import TAG_COLUMNS
from km365.errors import InputRefused, NotFound
from km365.graph import lists, metadata, people
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.wire import odata_text
from km365.jobs.port import Jobs
from km365.services.capture import Kept, find, knowledge_list
from km365.settings import Settings
from km365.store import outbox
from km365.store.database import Connection, Database
from km365.store.outbox import Message

SHORTEST = 4
"""So many characters behind `KM-` are enough of an id to look for."""
_PREFIX = "KM-"
_DECIDED = ("KMMaturity", "KMReason", "KMReviewBy")


async def list_items(
    graph: Graph, settings: Settings, *, reader: Reader | None = None, maturity: Maturity | None = None
) -> AsyncIterator[Kept]:
    """Knowledge items of that maturity (all if None), only those `reader` may read (all for the app itself).

    Needs Sites.Selected with read on the knowledge site.
    """
    place = await knowledge_list(graph, settings)
    query = f"fields/KMMaturity eq {odata_text(maturity)}" if maturity else None
    async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query):
        kept = kept_of(row)
        if reader is None or is_readable(kept.item, reader):
            yield kept


async def get_item(graph: Graph, settings: Settings, km_id: str, *, reader: Reader | None = None) -> Kept:
    """One item. Raises NotFound where it is absent or `reader` may not know of it."""
    kept = kept_of(await find(graph, await knowledge_list(graph, settings), km_id))
    if reader is not None and not is_readable(kept.item, reader):
        raise _no_such_item(km_id)
    return kept


async def whole_id(graph: Graph, settings: Settings, given: str, *, reader: Reader) -> str:
    """The id of the one item that `reader` may read and whose id begins with `given`, at least KM- and four.

    `given` itself where there is none, for what comes next to refuse. Raises InputRefused, naming them, where
    there are several. Needs Sites.Selected with read on the knowledge site.
    """
    if not given.startswith(_PREFIX) or len(given) < len(_PREFIX) + SHORTEST:
        return given
    place = await knowledge_list(graph, settings)
    query = f"startswith(fields/KMId,{odata_text(given)})"
    rows = lists.list_items(graph, place.site_id, place.list_id, filter=query)
    items = [kept_of(row).item async for row in rows]
    found = sorted({item.id for item in items if is_readable(item, reader)})
    if given in found or not found:
        return given
    if len(found) > 1:
        raise InputRefused(f"{given} is the beginning of several ids; say more of it: {', '.join(found)}.")
    return found[0]


async def decide_item(
    graph: Graph,
    db: Database,
    jobs: Jobs,
    settings: Settings,
    km_id: str,
    decision: Decision,
    *,
    reviewer: Reader,
    reason: str,
    at: datetime,
) -> Kept:
    """Carries out a reviewer's decision with the item's ETag in hand, and tells the contributors once.

    Raises NotFound where the reviewer may not read the item, InputRefused where they are no focal point of
    its office and no reviewer or where the rules of `core.knowledge.decide` do not allow it,
    GraphChangedMeanwhile where somebody changed the item since it was read. Safe to repeat: a decision whose
    answer was lost is known by what the item says, and only the telling is made up for. Needs Sites.Selected
    with write, and GroupMember.ReadBasic.All.
    """
    place = await knowledge_list(graph, settings)
    kept = kept_of(await find(graph, place, km_id))
    if not is_readable(kept.item, reviewer):
        raise _no_such_item(km_id)
    may_decide = await may_review(graph, settings, kept.item.office, reviewer)
    if not (may_decide and is_decided(kept.item, decision, reason=reason)):
        item = decide(
            kept.item,
            decision,
            reviewer=reviewer.person_id,
            may_review=may_decide,
            reason=reason,
            today=at.date(),
        )
        columns = {name: value for name, value in to_fields(item).items() if name in _DECIDED}
        row = await lists.update_fields(
            graph, place.site_id, place.list_id, kept.list_item_id, columns, etag=kept.etag
        )
        kept = replace(kept, item=item, etag=row.etag)
    await db.run(_tell_contributors, jobs, kept, at=at)
    return kept


async def may_review(graph: Graph, settings: Settings, office: str, reader: Reader) -> bool:
    """Whether the reader is a focal point of that office, or a reviewer. Needs GroupMember.ReadBasic.All."""
    own_office = bool(office) and reader.office == office
    wanted = {settings.reviewer_group} | ({settings.focal_point_group} if own_office else set())
    wanted = {group.casefold() for group in wanted if group}
    async for group in people.list_groups(graph, reader.person_id):
        if wanted & {group.id, group.name.casefold()}:
            return True
    return False


async def focal_points(graph: Graph, settings: Settings, office: str) -> AsyncIterator[people.Person]:
    """Who decides on the items of that office and works there, with an account that works.

    Needs User.Read.All and GroupMember.ReadBasic.All.
    """
    if not office:
        return
    async for person in people.list_people(graph, filter=f"officeLocation eq {odata_text(office)}"):
        reader = Reader(person_id=person.id, office=person.office)
        if person.account_enabled and await may_review(graph, settings, office, reader):
            yield person


def _tell_contributors(c: Connection, jobs: Jobs, decided: Kept, *, at: datetime) -> None:
    """Once for each submission and what came of it: an item may be returned, sent again, returned again."""
    item = decided.item
    submitted = item.submitted_at.isoformat() if item.submitted_at else ""
    for person_id in item.contributors:
        key = f"decided:{item.id}:{submitted}:{item.maturity}:{person_id}"
        message = Message(
            key=key,
            person_id=person_id,
            card="lesson_decided",
            data={
                "title": item.title,
                "decision": item.maturity.value,
                "reason": item.reason,
                "url": decided.web_url,
            },
            language=item.language,
            reason="a reviewer has decided on what you contributed",
        )
        if outbox.put(c, message, at=at):
            jobs.enqueue(c, "send_message", key=key, args={"key": key})


def _no_such_item(km_id: str) -> NotFound:
    return NotFound(f"There is no knowledge item {km_id}; `km365 lesson list` shows those there are.")


def kept_of(row: Item) -> Kept:
    """The item in a row of the *Knowledge* list, with its tags."""
    labels = {
        column.title: tuple(term.label for term in metadata.decode(row.fields.get(column.name)))
        for column in TAG_COLUMNS
    }
    return Kept(
        item=from_fields(row.fields),
        list_item_id=row.id,
        etag=row.etag,
        web_url=row.web_url,
        tags={title: terms for title, terms in labels.items() if terms},
    )


def is_readable(item: KnowledgeItem, reader: Reader) -> bool:
    """Whether the reader may know of the item."""
    circle = Circle(authors=frozenset(item.contributors), office=item.office)
    return may_read(item.audience, reader, circle)
