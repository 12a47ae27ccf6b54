"""Who may read the documents of the offices' libraries, asked of SharePoint as they are read and shown."""

from collections.abc import Sequence

from km365.core.search_access import Access, Readers, readers, readers_of_library
from km365.graph import permissions
from km365.graph.client import Graph
from km365.settings import Settings

WHY_LEFT_OUT = {
    Readers.DRAFT: "that are drafts or wait for approval",
    Readers.FEWER: "that fewer people may read than the library",
    Readers.LIBRARY: "because the library has permissions of its own; if whoever may read it is of the "
    "office, name the site in search_own_permissions",
    Readers.UNKNOWN: "whose permissions could not be read; the app needs Sites.Selected with fullcontrol "
    "there",
}
"""What follows "12 documents" where they are left out of the search."""

Place = tuple[str, str, str]
"""The site's address, and the drive and item ids."""


def vouched_for(settings: Settings, site: str) -> bool:
    """Whether an administrator says who may read the library, whatever its permissions are."""
    return site in {*settings.search_open_libraries, *settings.search_own_permissions}


async def readers_of(
    graph: Graph, settings: Settings, places: Sequence[Place], known: dict[str, Access | None] | None = None
) -> list[Readers]:
    """Who may read each document, in order. 5 resource units a document and a library.

    `known` keeps what was told of libraries, for a series of calls; documents of one that may not be searched
    are not asked about. Raises GraphUnreachable or Throttled. For the permission see `permissions`.
    """
    libraries = {} if known is None else known
    vouched = {drive: vouched_for(settings, site) for site, drive, _ in places}
    new = [drive for drive in vouched if drive not in libraries]
    keys = [
        (drive, item)
        for _, drive, item in places
        if drive in new or readers_of_library(libraries[drive], vouched=vouched[drive]) is Readers.ALL
    ]
    asked = [*((drive, permissions.ROOT) for drive in new), *keys]
    told = dict(zip(asked, await permissions.get_many(graph, asked) if asked else (), strict=True))
    libraries |= {drive: told[drive, permissions.ROOT] for drive in new}
    return [
        readers(told.get((drive, item)), libraries[drive], vouched=vouched[drive])
        for _, drive, item in places
    ]
