"""Creates what km365 needs in SharePoint: lists, columns, content types, indexes and term sets.

Reads first, then does only what is missing, so a second run does nothing. Nothing is ever deleted or
renamed: what an office added stays, and a column that cannot be used as it is, is reported, not touched.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from km365.core.schema import (
    LESSON_TAG_COLUMNS,
    LISTS,
    OFFICE_LIBRARY,
    TAG_COLUMNS,
    Column,
    ColumnKind,
    ListSpec,
)
from km365.core.taxonomy import Taxonomy
from km365.core.term_store import held
from km365.errors import NotFound, NotStored, PartlyDone
from km365.graph import columns, lists, sites
from km365.graph.client import Graph
from km365.graph.lists import SharePointList
from km365.graph.metadata import note_fields
from km365.services import term_push as terms
from km365.services.term_copy import CACHE
from km365.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that is missing. `what` is a kind of thing, `where` the site or list it belongs in."""

    what: str
    name: str
    where: str


Doing = tuple[Step, Callable[[], Awaitable[None]]]


async def plan(graph: Graph, settings: Settings, taxonomy: Taxonomy) -> list[Step]:
    """What `apply` would create, in order; empty where all is there. Reads only (Sites.Read.All)."""
    return [step async for step, _ in _missing(graph, settings, taxonomy)]


async def apply(
    graph: Graph, settings: Settings, taxonomy: Taxonomy, *, done: Callable[[Step], None] = lambda _: None
) -> list[Step]:
    """Creates what is missing and returns it; `done` hears of each step as it is finished.

    Needs Sites.Manage.All and TermStore.ReadWrite.All, or the same by Sites.Selected. Interrupted, it goes on
    where it stopped when run again. Raises PlanRefused while another process here pushes terms, and
    PartlyDone, after all the rest was created, naming the columns that a person has to mend in SharePoint.
    """
    steps = []
    for_people = []
    async for step, create in _missing(graph, settings, taxonomy):
        try:
            await create()
        except NotStored as error:
            for_people.append(str(error))
            continue
        done(step)
        steps.append(step)
    if for_people:
        raise PartlyDone(f"Created: {len(steps)}. " + " ".join(for_people))
    return steps


async def _missing(graph: Graph, settings: Settings, taxonomy: Taxonomy) -> AsyncIterator[Doing]:
    """Each missing thing with the way to create it; every list is read after what came before was created."""
    site = await sites.get_site(graph, settings.knowledge_site)
    used = held(taxonomy).for_columns(column.name for column in LESSON_TAG_COLUMNS)
    for missing in await terms.missing(graph, site.id, used, cache=settings.home / CACHE):

        async def push(key: str = missing.key) -> None:
            one = Taxonomy(term_sets=(used.by_key[key],))
            await terms.push_missing(graph, site.id, one, home=settings.home)

        yield Step(what="term set", name=missing.name, where=f"{missing.terms} terms"), push
    for spec in LISTS.values():
        async for doing in _missing_list(graph, site.id, spec):
            yield doing
    for address in settings.office_sites:
        office = await sites.get_site(graph, address)
        library = await lists.get_list(graph, office.id, OFFICE_LIBRARY)
        async for doing in _missing_columns(
            graph, office.id, library, TAG_COLUMNS, where=f"{office.display_name}/{OFFICE_LIBRARY}"
        ):
            yield doing


async def _missing_list(graph: Graph, site_id: str, spec: ListSpec) -> AsyncIterator[Doing]:
    async def create_type() -> None:
        base = "0x0101" if spec.template == "documentLibrary" else "0x01"  # Document, Item
        await lists.create_content_type(graph, site_id, name=spec.content_type, base={"id": base})

    async def create_list() -> None:
        await lists.create_list(
            graph, site_id, title=spec.title, description=spec.description, template=spec.template
        )

    async def add_type() -> None:
        target = await lists.get_list(graph, site_id, spec.title)
        of_site = {kind.name: kind.id for kind in await lists.list_content_types(graph, site_id)}
        await lists.add_content_type(graph, site_id, target.id, of_site[spec.content_type])

    if spec.content_type not in {kind.name for kind in await lists.list_content_types(graph, site_id)}:
        yield Step(what="content type", name=spec.content_type, where="site"), create_type
    found = await _found(graph, site_id, spec.title)
    if found is None:
        yield Step(what="list", name=spec.title, where="site"), create_list
        found = await _found(graph, site_id, spec.title)
    async for doing in _missing_columns(graph, site_id, found, spec.columns, where=spec.title):
        yield doing
    used = await lists.list_content_types(graph, site_id, found.id) if found else []
    if spec.content_type not in {kind.name for kind in used}:
        yield Step(what="content type in use", name=spec.content_type, where=spec.title), add_type


async def _found(graph: Graph, site_id: str, title: str) -> SharePointList | None:
    """The list, or None while only planning has "created" it."""
    try:
        return await lists.get_list(graph, site_id, title)
    except NotFound:
        return None


async def _missing_columns(
    graph: Graph, site_id: str, target: SharePointList | None, wanted: Iterable[Column], *, where: str
) -> AsyncIterator[Doing]:
    present = {}
    if target is not None:
        present = {column.name: column for column in await lists.list_columns(graph, site_id, target.id)}
    twins = note_fields(present.values())
    set_ids: Mapping[str, str] | None = None
    for column in wanted:
        if column.name in present:
            if unfit := _unfit(column, present[column.name], twins, where=where):

                async def refuse(what: str = unfit) -> None:
                    raise NotStored(what)

                yield Step(what="usable column", name=column.title, where=where), refuse
            elif column.indexed and not present[column.name].indexed:

                async def index(column_id: str = present[column.name].id) -> None:
                    assert target is not None  # noqa: S101 - a present column has a list
                    await lists.update_column(graph, site_id, target.id, column_id, {"indexed": True})

                yield Step(what="index", name=column.title, where=where), index
            continue

        async def create(column: Column = column) -> None:
            nonlocal set_ids
            if column.kind is ColumnKind.TERMS and set_ids is None:
                set_ids = await terms.set_ids(graph, site_id)
            await _create_column(graph, site_id, target, column, set_ids or {}, where=where)

        yield Step(what="column", name=column.title, where=where), create


def _unfit(column: Column, found: lists.Column, twins: Mapping[str, str], *, where: str) -> str:
    """Why the column that is there cannot be used as it is, and what to do; "" where it can."""
    if found.kind not in {"", _KINDS[column.kind]}:
        return (
            f"The column {column.name} of {where} is there as {found.kind}, but km365 needs "
            f"{_KINDS[column.kind]}: take it out in SharePoint, and `km365 provision apply` makes it anew."
        )
    if column.kind is ColumnKind.TERMS and column.name not in twins:
        return (
            f"The hidden note field of the managed-metadata column {column.title!r} of {where} is not found: "
            "give the column its first title again, or make it anew in SharePoint."
        )
    return ""


_KINDS: Mapping[ColumnKind, str] = {
    ColumnKind.TEXT: "text",
    ColumnKind.NOTE: "note",
    ColumnKind.CHOICE: "choice",
    ColumnKind.DATE: "dateTime",
    ColumnKind.MOMENT: "dateTime",
    ColumnKind.NUMBER: "number",
    ColumnKind.TERMS: "term",
}
"""What Graph calls each kind of column; it may also tell none."""


async def _create_column(
    graph: Graph,
    site_id: str,
    target: SharePointList | None,
    column: Column,
    set_ids: Mapping[str, str],
    *,
    where: str,
) -> None:
    assert target is not None  # noqa: S101 - apply creates the list before its columns
    term_set_id = set_ids.get(column.term_set) if column.term_set else None
    await lists.create_column(graph, site_id, target.id, columns.definition(column, term_set_id=term_set_id))
    if column.kind is not ColumnKind.TERMS:
        return
    if column.name not in note_fields(await lists.list_columns(graph, site_id, target.id)):
        raise NotStored(
            f"Graph took the managed-metadata column {column.title!r} of {where} but did not make its hidden "
            "note field. Create the column in SharePoint (or through CreateFieldAsXml) and run "
            "`km365 provision apply` again."
        )
