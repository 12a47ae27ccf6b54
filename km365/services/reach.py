"""Whom the bot reaches in Teams, and whom not any more."""

import contextlib
from dataclasses import dataclass
from datetime import datetime

from km365.errors import GraphError
from km365.graph.client import Graph
from km365.graph.people import list_people
from km365.graph.wire import odata_text
from km365.store import conversations
from km365.store.conversations import Address
from km365.store.database import Database

LIMIT = 200
_AT_ONCE = 15
"""Expressions that Graph takes in one filter (learn.microsoft.com/graph/filter-query-parameter)."""


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A person the bot knows a chat of. `name` is the directory's, "" where it does not tell it."""

    id: str
    name: str
    heard_at: datetime
    reached: bool
    words: str


async def people(graph: Graph, db: Database, *, everybody: bool = False) -> list[Reached]:
    """Whom the bot cannot reach, the latest first, and with `everybody` the others too; at most 200.

    Without Graph (User.Read.All) the names are left out.
    """
    found = await db.run(conversations.addresses, everybody=everybody, limit=LIMIT)
    names: dict[str, str] = {}
    with contextlib.suppress(GraphError):
        for start in range(0, len(found), _AT_ONCE):
            ids = (odata_text(one.person_id) for one in found[start : start + _AT_ONCE])
            any_of_them = " or ".join(f"id eq {one}" for one in ids)
            names |= {one.id: one.name async for one in list_people(graph, filter=any_of_them)}
    return [
        Reached(
            id=one.person_id,
            name=names.get(one.person_id, ""),
            heard_at=one.heard_at,
            reached=one.unreachable_reason is None,
            words=_words(one),
        )
        for one in found
    ]


def _words(one: Address) -> str:
    if one.unreachable_at is None:
        return "reached"
    return f"not since {one.unreachable_at:%Y-%m-%d %H:%M} UTC: {one.unreachable_reason}"
