"""Who is out of office, as Teams shows it: in the times set in Outlook or Teams, or by an event of theirs.

Permission: Presence.Read.All.
"""

from collections.abc import Collection

from km365.graph.client import Graph
from km365.graph.wire import Json, part, text

PATH = "/communications/getPresencesByUserId"
MOST = 650
"""So many people can be asked about at a time."""


async def out_of_office(graph: Graph, people: Collection[str]) -> frozenset[str]:
    """Those of these people (object ids) who are out of office now; whoever has no Teams is not."""
    ids = list(people)
    found: list[Json] = []
    for begin in range(0, len(ids), MOST):
        answer = await graph.post(PATH, {"ids": ids[begin : begin + MOST]})
        found += answer.get("value") or []
    away = (one for one in found if part(one, "outOfOfficeSettings").get("isOutOfOffice") is True)
    return frozenset(text(one.get("id")).lower() for one in away)
