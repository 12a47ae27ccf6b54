"""Notices which accounts of the directory were switched off or deleted, from what Entra ID says changed.

That somebody cannot sign in does not say why: they left, are on long leave, or had two accounts. So it is
kept in our own database, shown to focal points, and never written into the *Departures* list, which a whole
site reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from km365.errors import GraphNotFound, InputRefused, ResyncNeeded
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.graph.wire import Json, moment, part, text
from km365.store import accounts, cursors
from km365.store.database import Connection, Database

BOOKMARK = "directory:accounts"
_FIELDS = ("id", "accountEnabled", "userType", "createdDateTime")
_OFF = "accountEnabled eq false and userType eq 'Member'"
_KEEP_LINK = timedelta(days=1)
"""How long a bookmark is good enough while nothing happens; the directory forgets them after seven days."""


@dataclass(frozen=True, kw_only=True)
class News:
    """What happened to accounts since the last look. `off` gives None for what was so before we looked."""

    link: str
    off: Mapping[str, date | None] = field(default_factory=dict)
    back: frozenset[str] = frozenset()

    @property
    def matters(self) -> bool:
        """Whether anybody who could sign in cannot any more, or the other way round."""
        return bool(self.back) or any(since is not None for since in self.off.values())


async def look(graph: Graph, db: Database, *, now: datetime) -> News | None:
    """What is to be kept of the accounts that changed; None where nothing is. One call when nothing did.

    The first look, and one after the directory has forgotten our bookmark, reads everyone who cannot sign
    in. Guests are left out. Needs User.Read.All.
    """
    mark = await db.run(cursors.get_with_time, BOOKMARK)
    if mark is None:
        return await _everyone(graph, None, now=now)
    link, read_at = mark
    try:
        pages = [page async for page in people.delta(graph, link)]
    except (ResyncNeeded, InputRefused):  # forgotten; another Graph
        return await _everyone(graph, await db.run(accounts.off), now=now)
    link = pages[-1].delta_link or link
    last = {text(raw.get("id")).lower(): raw for page in pages for raw in page.values}  # the last word counts
    known = await db.run(accounts.off) if last else {}
    off: dict[str, date | None] = {}
    back = set()
    for person_id, raw in last.items():
        gone = text(part(raw, "@removed").get("reason"))
        if gone == "deleted" or (not gone and raw.get("accountEnabled") is True):
            back |= {person_id} & known.keys()  # gone for good after 30 days, or able to sign in again
        elif person_id not in known and (gone or raw.get("accountEnabled") is False):
            was_ours = await _was_ours(graph, person_id, raw, read_at)
            off[person_id] = now.date() if was_ours else None
    if not last and now - read_at < _KEEP_LINK:
        return None
    return News(link=link, off=off, back=frozenset(back))


async def _was_ours(graph: Graph, person_id: str, raw: Json, read_at: datetime) -> bool:
    """Whether the account was a colleague's: not a guest's, nor one made switched off, such as a room's."""
    if "@removed" not in raw:
        made_at = moment(raw.get("createdDateTime"))
        return raw.get("userType") != "Guest" and (made_at is None or made_at <= read_at)
    try:
        return not (await people.get_deleted_person(graph, person_id)).is_guest
    except GraphNotFound:  # gone for good meanwhile
        return False


async def _everyone(graph: Graph, known: Mapping[str, date | None] | None, *, now: datetime) -> News:
    """Who cannot sign in now, from a bookmark taken before. Without `known` all have been so for long."""
    pages = [page async for page in people.delta(graph, "latest", fields=_FIELDS)]
    link = pages[-1].delta_link or ""
    off = {one.id async for one in people.list_people(graph, filter=_OFF, top=999)}
    if known is None:
        return News(link=link, off=dict.fromkeys(off))
    return News(
        link=link, off=dict.fromkeys(off - known.keys(), now.date()), back=frozenset(known.keys() - off)
    )


def keep(c: Connection, news: News, *, at: datetime) -> None:
    """Remembers what happened, in the transaction that asks for what is to follow."""
    accounts.put(c, news.off)
    accounts.forget(c, news.back)
    cursors.put(c, BOOKMARK, news.link, at=at)


async def at_work(graph: Graph, person_id: str) -> Person | None:
    """The person, where their account works; None for "" and for somebody who left. Needs User.Read.All."""
    try:
        person = await people.get_person(graph, person_id) if person_id else None
    except GraphNotFound:
        return None
    return person if person and person.account_enabled else None


async def who(graph: Graph, person_id: str) -> Person | None:
    """Somebody whose account is switched off or was deleted lately; None for one the directory forgot."""
    try:
        return await people.get_person(graph, person_id)
    except GraphNotFound:
        pass
    try:
        return await people.get_deleted_person(graph, person_id)
    except GraphNotFound:
        return None
