"""Who is on leave: asked of Teams when somebody is due, and never stored."""

import logging
from collections.abc import Collection
from datetime import datetime

from km365.errors import Forbidden, GraphError
from km365.graph import presence
from km365.graph.client import Graph
from km365.store import cursors
from km365.store.database import Database

_log = logging.getLogger(__name__)
_REFUSED = "leave:refused"
"""The bookmark of the moment since which Graph does not say who is on leave."""


async def on_leave(graph: Graph, db: Database, people: Collection[str], *, now: datetime) -> frozenset[str]:
    """Those of these people who are out of office now. Needs Presence.Read.All.

    Without it nobody is, which is said once; nobody is either while Graph cannot be reached.
    """
    if not people:
        return frozenset()
    try:
        away = await presence.out_of_office(graph, people)
    except Forbidden as error:
        if await db.run(cursors.get, _REFUSED) is None:
            _log.warning("People on leave are asked like others: %s", error)
            await db.run(cursors.put, _REFUSED, now.isoformat(), at=now)
        return frozenset()
    except GraphError as error:
        _log.info("Who is on leave could not be read now: %s", error)
        return frozenset()
    if await db.run(cursors.get, _REFUSED) is not None:
        await db.run(cursors.forget, _REFUSED)
    return away
