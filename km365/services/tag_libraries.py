"""The libraries and lists that are tagged: found by name, and opened with their tag columns."""

import difflib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from km365.core.site_addresses import site_address
from km365.core.tag_plan import FACETS, Library, list_container, list_of
from km365.errors import GraphNotFound, PlanRefused
from km365.graph import drives, lists, sites
from km365.graph.client import Graph
from km365.graph.drives import Drive
from km365.graph.lists import Column
from km365.graph.sites import Site
from km365.settings import LOOPBACK, Settings

_TEXTS = frozenset({"text", "note"})
_SITES_NAMED = 5
_NO_TEXT = frozenset({"KMId", "KMOffice", "KMContributors", "KMLanguage", "Title"})


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """An opened library or list: its tag columns that are asked for, and the columns of a list with text."""

    library: Library
    site_id: str
    drive: Drive
    columns: tuple[Column, ...]
    texts: tuple[Column, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether its items are no files."""
        return list_of(self.library.drive_id) is not None


async def find_libraries(
    graph: Graph,
    addresses: Sequence[str],
    name: str = "",
    *,
    list_name: str = "",
    settings: Settings | None = None,
) -> list[Library]:
    """The library called `name` (or every one, for "*") or the list called `list_name` of each site.

    Each comes once, however often and in whatever way its site is named.
    Raises GraphNotFound, naming those there are (of sites, those in `settings` that are called nearly so),
    and PlanRefused for a list called like a library.
    """
    found: dict[str, Library] = {}
    known = (*settings.office_sites, settings.knowledge_site) if settings else ()
    for address in (_as_set(site_address(one), known) for one in addresses):
        site = await _site(graph, address, known)
        if list_name:
            one = await lists.get_list(graph, site.id, list_name)
            if one.template != "documentLibrary":
                container = list_container(site.id, one.id)
                found.setdefault(container, Library(site=address, name=one.name, drive_id=container))
                continue
        if name == "*":
            there = await drives.list_drives(graph, site.id)
        else:
            there = [await _drive(graph, site, list_name or name)]
        for drive in there:
            found.setdefault(drive.id, Library(site=address, name=drive.name, drive_id=drive.id))
    return list(found.values())


def _as_set(address: str, known: Sequence[str]) -> str:
    """What the pages of our own small Microsoft 365 show is the site of that path in the settings."""
    host, _, path = address.partition(":")
    same = (one for one in known if host in LOOPBACK and one.partition(":")[2].casefold() == path.casefold())
    return next(same, address)


async def _site(graph: Graph, address: str, known: Sequence[str]) -> Site:
    try:
        return await sites.get_site(graph, address)
    except GraphNotFound as error:
        if not known or address in known:
            raise
        names = {one.rpartition("/")[2].casefold(): one for one in known}
        wanted = address.rstrip("/").rpartition("/")[2].casefold()
        near = [names[one] for one in difflib.get_close_matches(wanted, names, n=_SITES_NAMED)]
        called = (
            "called nearly so" if near else "among others" if len(known) > _SITES_NAMED else "all of them"
        )
        raise GraphNotFound(
            f"Graph does not find a site {address!r}, or this app may not know it exists. In the settings "
            f"there are, {called}: {', '.join(near or known[:_SITES_NAMED])}.",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        ) from None


async def _drive(graph: Graph, site: Site, name: str) -> Drive:
    try:
        return await drives.get_drive(graph, site.id, name)
    except GraphNotFound:
        if all(one.name != name for one in await lists.list_lists(graph, site.id)):
            raise
    raise PlanRefused(
        f"{name!r} of {site.web_url} is a list, not a library. Lists are not watched, and the terms of their "
        f"items are corrected in a plan: `km365 tag plan --list {shlex.quote(name)}`, with --since-last for "
        "those that are new or changed."
    )


async def open_library(graph: Graph, library: Library) -> tuple[str, Drive]:
    """The library's site id and drive, whatever it is called now. Raises PlanRefused where it is gone.

    A list without files has no drive; what comes back has its `list_id`.
    """
    site = await sites.get_site(graph, library.site)
    place = list_of(library.drive_id)
    if place is not None:
        for one in await lists.list_lists(graph, site.id):
            if one.id == place[1]:
                return site.id, Drive(id=library.drive_id, name=one.name, web_url=one.web_url, list_id=one.id)
    else:
        for drive in await drives.list_drives(graph, site.id):
            if drive.id == library.drive_id:
                return site.id, await drives.get_drive(graph, site.id, drive.name)
    raise PlanRefused(
        f"The library {library.name!r} of {library.site} is no longer there; was it moved or made anew?"
    )


async def open_shelf(graph: Graph, library: Library, *, facets: frozenset[str] | None = None) -> Shelf:
    """The library with its tag columns. Raises PlanRefused where it has none of those asked for."""
    site_id, drive = await open_library(graph, library)
    listed = await lists.list_columns(graph, site_id, drive.list_id)
    ours = [column for column in listed if column.name in FACETS]
    if not ours:
        raise PlanRefused(
            f"The library {library.name!r} of {library.site} has no tag columns; "
            "`km365 provision apply` adds them."
        )
    columns = tuple(one for one in ours if facets is None or FACETS[one.name] in facets)
    if not columns:
        raise PlanRefused(
            f"The library {library.name!r} of {library.site} has no column for {', '.join(facets or ())}."
        )
    titled = replace(library, columns=tuple((one.name, one.display_name) for one in ours))
    return Shelf(library=titled, site_id=site_id, drive=drive, columns=columns, texts=texts_of(listed))


def texts_of(columns: Iterable[Column]) -> tuple[Column, ...]:
    """The columns of a list that hold the text of its items, the title aside."""
    return tuple(
        one
        for one in columns
        if one.kind in _TEXTS and not (one.hidden or one.read_only or one.name.startswith("_"))
        if one.name not in _NO_TEXT
    )


async def open_shelves(
    graph: Graph, libraries: Iterable[Library], *, facets: frozenset[str] | None = None
) -> list[Shelf]:
    """All of them. Where several were asked for, those of a site without tag columns are left out."""
    found, without = [], None
    for library in libraries:
        try:
            found.append(await open_shelf(graph, library, facets=facets))
        except PlanRefused as refusal:
            without = refusal
    if not found and without is not None:
        raise without
    return found
