"""Notices that somebody changed the *Milestones* or *Departures* list, from what SharePoint says changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from km365.core.schema import DEPARTURES, MILESTONES
from km365.errors import GraphNotFound, InputRefused, ResyncNeeded
from km365.graph import lists, sites
from km365.graph.client import Graph
from km365.settings import Settings
from km365.store import cursors
from km365.store.database import Connection, Database

LATEST = "latest"
"""Asks Graph for what changes from now on."""


@dataclass
class Watched:
    """The two lists, looked up once in the life of a service, and how far each was read."""

    _places: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def changed(self, graph: Graph, db: Database, settings: Settings) -> dict[str, str]:
        """The new bookmarks, to `keep`, of the lists in which anything changed since the last; one call each.

        A list never looked at, or whose bookmark Graph has forgotten, has changed. Needs Sites.Selected.
        """
        found: dict[str, str] = {}
        for title in (MILESTONES.title, DEPARTURES.title):
            link = await db.run(cursors.get, bookmark(title))
            changed, after = await self._read(graph, settings, title, link)
            if changed or link is None:
                found[bookmark(title)] = after
        return found

    async def _read(self, graph: Graph, settings: Settings, title: str, link: str | None) -> tuple[bool, str]:
        if title not in self._places:
            site = await sites.get_site(graph, settings.knowledge_site)
            target = await lists.get_list(graph, site.id, title)
            self._places[title] = site.id, target.id
        changed = False
        try:
            async for page in lists.delta(graph, *self._places[title], link or LATEST):
                changed = changed or bool(page.values)
                link = page.delta_link or link
        except (ResyncNeeded, GraphNotFound, InputRefused):  # forgotten; another list; another Graph
            self._places.pop(title, None)
            if link is None:
                raise
            return True, (await self._read(graph, settings, title, None))[1]
        return changed, link or LATEST


def bookmark(title: str) -> str:
    """Where the bookmark of a list is kept."""
    return f"calendar:{title.lower()}"


def keep(c: Connection, bookmarks: Mapping[str, str], *, at: datetime) -> None:
    """Remembers them, in the transaction that asks for what is to follow."""
    for name, link in bookmarks.items():
        cursors.put(c, name, link, at=at)
