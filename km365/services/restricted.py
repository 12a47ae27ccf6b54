"""Who may open the library of handover notes: as an administrator set it in SharePoint, or no longer.

Graph has no call that takes readers away from a library, so km365 does not set it: it looks whether it is
set, keeps what an administrator says is meant (by digests of groups and people), and reports what is beyond.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from km365.core.schema import HANDOVER_NOTES
from km365.core.search_access import Access
from km365.errors import GraphNotFound, KM365Error
from km365.graph import drives, permissions, sites
from km365.graph.client import Graph
from km365.settings import Settings
from km365.store import cursors
from km365.store.database import Database

_MEANT = "library:handover notes"
"""The bookmark of who may open it as was meant."""
_HOW = "docs/operations.md, *Who may read the handover notes*, says how to restrict it"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the library stands. `beyond` counts groups and people that may do more than was meant.

    `told`: whether SharePoint says who may open it. `inherits`: whoever may read the site may. `others`
    counts who may open it besides owners and apps. `meant`: whether somebody has said what is meant.
    """

    told: bool
    inherits: bool = False
    others: int = 0
    meant: bool = False
    beyond: int = 0

    @property
    def has_drifted(self) -> bool:
        """Whether more may open it than was meant."""
        return self.meant and self.told and (self.inherits or self.beyond > 0)

    @property
    def words(self) -> str:
        """The same in words, and what to do; names nobody."""
        name = f"The library {HANDOVER_NOTES.title!r}"
        if not self.told:
            return (
                f"{name}: SharePoint does not tell km365 who may open it, which takes fullcontrol on the "
                f"knowledge site. km365 does not set it; {_HOW}."
            )
        if self.has_drifted and self.inherits:
            return (
                f"{name} is open again to whoever may read the knowledge site, which was not meant; {_HOW}."
            )
        if self.has_drifted:
            return (
                f"{name}: {self.beyond} groups or people may do more in it than was meant; take that back in "
                "SharePoint, or say with `km365 provision apply --accept-readers` that it is meant."
            )
        if self.inherits:
            return f"{name} is open to whoever may read the knowledge site. km365 cannot set it; {_HOW}."
        besides = f"{name} has permissions of its own: {self.others} groups or people besides its owners."
        if self.meant:
            return f"{besides} As was meant."
        return f"{besides} `km365 provision apply --accept-readers` keeps that as meant; then drift is told."


async def look(graph: Graph, db: Database, settings: Settings) -> Standing:
    """How the library stands now. Raises GraphNotFound where it is not there.

    Needs Sites.Selected with fullcontrol on the knowledge site to be told; 5 resource units.
    """
    access = await _access(graph, settings)
    kept = await db.run(cursors.get, _MEANT)
    return standing(access, json.loads(kept) if kept else None)


async def keep_as_meant(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> Standing:
    """Keeps who may open the library now as what is meant, if it has permissions of its own."""
    access = await _access(graph, settings)
    found = standing(access, None)
    if access is None or not found.told or found.inherits:
        return await look(graph, db, settings)
    await db.run(cursors.put, _MEANT, json.dumps(_digests(access)), at=now)
    return standing(access, _digests(access))


async def drift(graph: Graph, db: Database, settings: Settings) -> str:
    """In words that more may open the library than was meant, or nothing; asks nobody where nothing was."""
    if await db.run(cursors.get, _MEANT) is None:
        return ""
    try:
        found = await look(graph, db, settings)
    except GraphNotFound:
        return ""
    return found.words if found.has_drifted else ""


async def examine(graph: Graph, db: Database, settings: Settings) -> str:
    """How it stands, in words. Raises KM365Error where more may open it than was meant."""
    try:
        found = await look(graph, db, settings)
    except GraphNotFound:
        return f"There is no library {HANDOVER_NOTES.title!r} yet."
    if found.has_drifted:
        raise KM365Error(found.words)
    return found.words


async def _access(graph: Graph, settings: Settings) -> Access | None:
    site = await sites.get_site(graph, settings.knowledge_site)
    library = await drives.get_drive(graph, site.id, HANDOVER_NOTES.title)
    (found,) = await permissions.get_many(graph, [(library.id, permissions.ROOT)])
    return found


def standing(access: Access | None, meant: Mapping[str, list[str]] | None) -> Standing:
    """How a library with these permissions stands beside what was meant, None where nobody has said."""
    if access is None or not access.audience:
        return Standing(told=False, meant=meant is not None)
    now = _digests(access)
    beyond = sum(not set(roles) <= set((meant or {}).get(who, ())) for who, roles in now.items())
    people = [who for who in access.audience if not who.startswith("application ")]
    return Standing(
        told=True,
        inherits=access.inherited,
        others=sum("owner" not in access.audience[who] for who in people),
        meant=meant is not None,
        beyond=0 if meant is None else beyond,
    )


def _digests(access: Access) -> dict[str, list[str]]:
    """What each may do, by a digest: who they are is SharePoint's to say. Unnamed levels count as one."""
    return {
        hashlib.sha256(who.encode()).hexdigest()[:32]: sorted(roles) or ["unnamed"]
        for who, roles in access.audience.items()
        if not who.startswith("application ")
    }
