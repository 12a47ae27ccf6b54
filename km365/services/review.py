"""The focal point's side of a knowledge item: what waits, what it says, and who decides on it."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from km365.core.audience import Circle, Reader, may_read
from km365.core.knowledge import KnowledgeItem, Maturity, from_fields
from km365.core.moves import Actor
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.errors import Forbidden, GraphNotFound, InputRefused, NotFound
from km365.graph import lists, metadata, people
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.wire import odata_text
from km365.services.capture import Kept, find, knowledge_list
from km365.settings import Settings

SHORTEST = 4
"""So many characters behind `KM-` are enough of an id to look for."""
_PREFIX = "KM-"
_NAMED = 15
"""Ids in one question to the list."""


async def list_items(
    graph: Graph,
    settings: Settings,
    *,
    reader: Reader | None = None,
    maturity: Maturity | None = None,
    office: str = "",
) -> AsyncIterator[Kept]:
    """Knowledge items of that maturity and office (all without), only those `reader` may read (all for None).

    Needs Sites.Selected with read on the knowledge site.
    """
    place = await knowledge_list(graph, settings)
    wanted = {"KMMaturity": maturity, "KMOffice": office}
    query = " and ".join(f"fields/{name} eq {odata_text(one)}" for name, one in wanted.items() if one) or None
    async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query):
        kept = kept_of(row)
        if reader is None or is_readable(kept.item, reader):
            yield kept


async def get_item(graph: Graph, settings: Settings, km_id: str, *, reader: Reader | None = None) -> Kept:
    """One item. Raises NotFound where it is absent or `reader` may not know of it."""
    kept = kept_of(await find(graph, await knowledge_list(graph, settings), km_id))
    if reader is not None and not is_readable(kept.item, reader):
        raise no_such_item(km_id)
    return kept


async def named(graph: Graph, settings: Settings, ids: Sequence[str]) -> dict[str, Kept]:
    """The items of these ids that are there."""
    place = await knowledge_list(graph, settings)
    wanted = list(dict.fromkeys(ids))
    found: dict[str, Kept] = {}
    for first in range(0, len(wanted), _NAMED):
        some = wanted[first : first + _NAMED]
        query = " or ".join(f"fields/KMId eq {odata_text(one)}" for one in some)
        async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query):
            kept = kept_of(row)
            found[kept.item.id] = kept
    return found


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


async def may_review(graph: Graph, settings: Settings, office: str, reader: Reader) -> bool:
    """Whether the reader is a focal point of that office, or a reviewer. Needs GroupMember.ReadBasic.All."""
    return bool(await roles_of(graph, settings, office, reader))


async def roles_of(graph: Graph, settings: Settings, office: str, reader: Reader) -> frozenset[Actor]:
    """What the directory makes of the reader for that office. Needs GroupMember.ReadBasic.All."""
    groups = {Actor.REVIEWER: settings.reviewer_group}
    if office and reader.office == office:
        groups[Actor.FOCAL_POINT] = settings.focal_point_group
    wanted = {role: group.casefold() for role, group in groups.items() if group}
    found = set()
    async for group in people.list_groups(graph, reader.person_id):
        found |= {role for role, name in wanted.items() if name in {group.id, group.name.casefold()}}
    return frozenset(found)


async def manages(graph: Graph, item: KnowledgeItem, reader: Reader) -> bool:
    """Whether the directory names the reader as manager of one who contributed. Needs User.Read.All."""
    for one in item.contributors:
        with suppress(GraphNotFound):
            if (await people.get_person(graph, one)).manager_id == reader.person_id:
                return True
    return False


async def focal_points(graph: Graph, settings: Settings, office: str) -> AsyncIterator[people.Person]:
    """Who decides on the items of that office and works there, with an account that works.

    Needs User.Read.All and GroupMember.Read.All; GroupMember.ReadBasic.All is enough, at a call a colleague.
    """
    if not office:
        return
    try:
        for person in await _members(graph, settings):
            if person.account_enabled and person.office == office:
                yield person
    except Forbidden:
        async for person in people.list_people(graph, filter=f"officeLocation eq {odata_text(office)}"):
            reader = person.reader
            if person.account_enabled and await may_review(graph, settings, office, reader):
                yield person


async def focal_points_by_office(
    graph: Graph, settings: Settings, offices: Collection[str]
) -> dict[str, list[people.Person]]:
    """The same for several offices, at the price of one where the groups may be read."""
    found: dict[str, list[people.Person]] = {office: [] for office in sorted(offices) if office}
    try:
        members = [one for one in await _members(graph, settings) if one.account_enabled]
    except Forbidden:
        return {office: [one async for one in focal_points(graph, settings, office)] for office in found}
    for person in members:
        if person.office in found:
            found[person.office].append(person)
    return found


async def _members(graph: Graph, settings: Settings) -> Iterable[people.Person]:
    """Everybody in the two groups, each once; nobody in one that is not there."""
    found: dict[str, people.Person] = {}
    for group in (settings.focal_point_group, settings.reviewer_group):
        with suppress(GraphNotFound):
            found |= {one.id: one async for one in people.list_members(graph, group)}
    return found.values()


def no_such_item(km_id: str) -> NotFound:
    """What is said where there is none, or the reader may not know of it."""
    return NotFound(f"There is no knowledge item {km_id}; `km365 lesson list` shows those there are.")


def kept_of(row: Item) -> Kept:
    """The item in a row of the *Knowledge* list, with its tags."""
    labels = {
        column.title: tuple(term.label for term in metadata.decode(row.fields.get(column.name)))
        for column in LESSON_TAG_COLUMNS
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


def sees_history(item: KnowledgeItem, reader: Reader, roles: frozenset[Actor]) -> bool:
    """Whether they are one of its contributors or decide on it; `roles` are those at the reader's office."""
    if reader.person_id in item.contributors or Actor.REVIEWER in roles:
        return True
    return Actor.FOCAL_POINT in roles and item.office == reader.office


def as_shown(kept: Kept, reader: Reader, roles: frozenset[Actor]) -> Kept:
    """The item, to others than those who see its history without what an editor took out, reasons and people.

    A child's name that was edited away is still in the contributors' own words.
    """
    if sees_history(kept.item, reader, roles):
        return kept
    item = replace(kept.item, own_words="", reason="", contributors=(), validated_by=(), action_owner="")
    return replace(kept, item=item)
