"""Who may open the library of handover notes: as an administrator set it in SharePoint, or no longer.

Graph has no call that takes readers away from a library, so km365 does not set it: it looks whether it is
set, keeps what an administrator says is meant (by digests of groups and people), and reports what is beyond.
So it does with the files that readers were let in to one by one (`note_access`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core.schema import HANDOVER_NOTES
from km365.core.search_access import Access
from km365.errors import GraphNotFound, KM365Error
from km365.graph import drives, permissions, sites
from km365.graph.client import Graph
from km365.services import filed_notes, note_access
from km365.settings import Settings
from km365.store import cursors
from km365.store.database import Database

_MEANT = "library:handover notes"
"""The bookmark of who may open it as was meant."""
_MEANT_FILES = "library:handover notes:files"
"""The same of who may open a single note besides its readers."""
LOOKED_BACK = timedelta(days=365)
"""How long after it was filed a note is looked at; each takes 5 resource units."""
_HOW = "docs/operations.md, *Who may read the handover notes*, says how to restrict it"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the library stands. `beyond` counts groups and people that may do more than was meant.

    `told`: whether SharePoint says who may open it. `inherits`: whoever may read the site may. `others`
    counts who may open it besides owners and apps. `meant`: whether somebody has said what is meant.
    `strangers` counts notes that somebody may open who neither reads them nor the library, and was not meant;
    `locked_out` those that one of their readers cannot open; `open_notes` those that lie in a library which
    inherits.
    """

    told: bool
    inherits: bool = False
    others: int = 0
    meant: bool = False
    beyond: int = 0
    strangers: int = 0
    locked_out: int = 0
    open_notes: int = 0

    @property
    def has_drifted(self) -> bool:
        """Whether more may open it, or a note in it, than was meant."""
        return self.meant and self.told and (self.inherits or self.beyond > 0 or self.strangers > 0)

    @property
    def is_trouble(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.has_drifted or (self.meant and self.locked_out > 0) or self.open_notes > 0

    @property
    def words(self) -> str:
        """The same in words, and what to do; names nobody."""
        name = f"The library {HANDOVER_NOTES.title!r}"
        if not self.told:
            return (
                f"{name}: SharePoint does not tell km365 who may open it, which takes fullcontrol on the "
                f"knowledge site, as does letting readers in: an owner has to share each note. {_HOW}."
            )
        if self.has_drifted and self.inherits:
            return (
                f"{name} is open again to whoever may read the knowledge site, which was not meant; {_HOW}."
            )
        if self.inherits:
            held = f", and with it the notes in it: {self.open_notes}" if self.open_notes else ""
            return (
                f"{name} is open to whoever may read the knowledge site{held}. km365 cannot set it; {_HOW}."
            )
        if self.is_trouble:
            return f"{name}: {'; '.join(self._troubles)}."
        besides = f"{name} has permissions of its own: {self.others} groups or people besides its owners."
        if self.meant:
            return f"{besides} As was meant."
        return f"{besides} `km365 provision apply --accept-readers` keeps that as meant; then drift is told."

    @property
    def _troubles(self) -> list[str]:
        accept = "`km365 provision apply --accept-readers` says that it is meant"
        said = {
            f"{self.beyond} groups or people may do more in it than was meant": self.beyond,
            f"notes that somebody may open who is not their reader (any more): {self.strangers}": (
                self.strangers
            ),
            "notes that one of their readers cannot open, so that an owner has to share them "
            f"(`km365 handover show` says which): {self.locked_out}": self.locked_out,
            f"take back in SharePoint what is too much, or {accept}": self.has_drifted,
        }
        return [words for words, count in said.items() if count]


async def look(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> Standing:
    """How the library and the notes of the last year stand now. Raises GraphNotFound where it is not there.

    Needs Sites.Selected with fullcontrol on the knowledge site to be told; 5 resource units, and as many for
    each note.
    """
    access = await _access(graph, settings)
    kept = await db.run(cursors.get, _MEANT)
    found = standing(access, json.loads(kept) if kept else None)
    if found.inherits:
        return replace(found, open_notes=len(await filed_notes.list_(graph, settings)))
    if access is None or not found.meant:
        return found
    kept = await db.run(cursors.get, _MEANT_FILES)
    accepted = set(json.loads(kept)) if kept else set()
    files = await _files(graph, settings, access, now=now)
    return replace(
        found,
        strangers=sum(bool(strangers - accepted) for strangers, _ in files),
        locked_out=sum(locked_out for _, locked_out in files),
    )


async def keep_as_meant(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> Standing:
    """Keeps who may open the library now as what is meant, if it has permissions of its own."""
    access = await _access(graph, settings)
    found = standing(access, None)
    if access is None or not found.told or found.inherits:
        return await look(graph, db, settings, now=now)
    files = await _files(graph, settings, access, now=now)
    await db.run(cursors.put, _MEANT, json.dumps(_digests(access)), at=now)
    accepted = sorted({one for strangers, _ in files for one in strangers})
    await db.run(cursors.put, _MEANT_FILES, json.dumps(accepted), at=now)
    return await look(graph, db, settings, now=now)


async def drift(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> str:
    """In words that more may open the library than was meant, or that a reader cannot; else nothing.

    Asks nobody where nobody has said what is meant.
    """
    if await db.run(cursors.get, _MEANT) is None:
        return ""
    try:
        found = await look(graph, db, settings, now=now)
    except GraphNotFound:
        return ""
    return found.words if found.is_trouble else ""


async def examine(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> str:
    """How it stands, in words. Raises KM365Error where somebody has to do something about it."""
    try:
        found = await look(graph, db, settings, now=now)
    except GraphNotFound:
        return f"There is no library {HANDOVER_NOTES.title!r} yet."
    if found.is_trouble:
        raise KM365Error(found.words)
    return found.words


async def is_closed(graph: Graph, settings: Settings) -> bool:
    """Whether the library is known to have permissions of its own, so that the site's readers read no note.

    Raises GraphNotFound where it is not there. Needs Sites.Selected with fullcontrol; 5 resource units.
    """
    found = standing(await _access(graph, settings), None)
    return found.told and not found.inherits


async def _access(graph: Graph, settings: Settings) -> Access | None:
    site = await sites.get_site(graph, settings.knowledge_site)
    library = await drives.get_drive(graph, site.id, HANDOVER_NOTES.title)
    (found,) = await permissions.get_many(graph, [(library.id, permissions.ROOT)])
    return found


async def _files(
    graph: Graph, settings: Settings, library: Access, *, now: datetime
) -> list[tuple[set[str], bool]]:
    """Of each note of the last year digests of who may open it unmeant, and whether a reader cannot."""
    found = []
    for note in await filed_notes.list_(graph, settings):
        if note.filed_at is None or now - note.filed_at > LOOKED_BACK:
            continue
        access = await note_access.look(graph, note)
        if access.known:
            strangers = note_access.strangers(note, access, library.audience)
            digests = {_digest(f"{note.item_id} {who}") for who in strangers}
            found.append((digests, bool(note_access.locked_out(note, access))))
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
        _digest(who): sorted(roles) or ["unnamed"]
        for who, roles in access.audience.items()
        if not who.startswith("application ")
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
