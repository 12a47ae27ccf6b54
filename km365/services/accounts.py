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
    known, mark = await db.run(_known)
    if mark is None:
        return await _everyone(graph, None, now=now)
    link, read_at = mark
    try:
        pages = [page async for page in people.delta(graph, link)]
    except (ResyncNeeded, InputRefused):  # forgotten; another Graph
        return await _everyone(graph, known, now=now)
    news = _News(known, read_at, now)
    for page in pages:
        for raw in page.values:
            news.hear(raw)
    link = pages[-1].delta_link or link
    if not news.off and not news.back and now - read_at < _KEEP_LINK:
        return None
    return News(link=link, off=news.off, back=frozenset(news.back))


class _News:
    """Hears what the feed says of people, the last word of each counting."""

    def __init__(self, known: Mapping[str, date | None], read_at: datetime, now: datetime) -> None:
        self.off: dict[str, date | None] = {}
        self.back: set[str] = set()
        self._known, self._read_at, self._today = known, read_at, now.date()

    def hear(self, raw: Json) -> None:
        person_id = text(raw.get("id")).lower()
        gone = text(part(raw, "@removed").get("reason"))
        self.off.pop(person_id, None)
        self.back.discard(person_id)
        if gone == "deleted" or (not gone and raw.get("accountEnabled") is True):
            if person_id in self._known:  # gone for good after 30 days, or able to sign in again
                self.back.add(person_id)
            return
        is_off = gone or raw.get("accountEnabled") is False
        if is_off and person_id not in self._known and raw.get("userType") != "Guest":
            made_at = moment(raw.get("createdDateTime"))
            never_worked = made_at is not None and made_at > self._read_at
            self.off[person_id] = None if never_worked else self._today


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


def _known(c: Connection) -> tuple[dict[str, date | None], tuple[str, datetime] | None]:
    return accounts.off(c), cursors.get_with_time(c, BOOKMARK)


def keep(c: Connection, news: News, *, at: datetime) -> None:
    """Remembers what happened, in the transaction that asks for what is to follow."""
    accounts.put(c, news.off)
    accounts.forget(c, news.back)
    cursors.put(c, BOOKMARK, news.link, at=at)


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
