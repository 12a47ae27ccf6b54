"""The search index kept as SharePoint is: a look every few minutes, one short job each."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from km365.app import App
from km365.errors import KM365Error, PlanRefused
from km365.services import push, search_index
from km365.store import cursors
from km365.store.database import Connection

_log = logging.getLogger("km365.flows.searching")

JOB = "search-index"
EVERY = timedelta(minutes=5)
NEXT_LOOK = "search:next look"
"""The bookmark of when the next look is due: whichever process has looked, it holds for all."""
_MOST_AT_ONCE = 200
"""Documents of one job, so that it stays short; the next one follows at once."""


class Searching:
    """What the service does about the search index."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._push = push.desk_of(app.graph, app.db, app.jobs, app.settings, app.templates, app.clock.now)
        self._untold = 0

    async def every_minute(self) -> None:
        """Enqueues a look when it is due; one that waits already is enough."""
        await self._app.db.run(self._enqueue, now=self._app.clock.now())

    def _enqueue(self, c: Connection, *, now: datetime) -> None:
        due = cursors.get(c, NEXT_LOOK)
        if due is None or now >= datetime.fromisoformat(due):
            self._app.jobs.enqueue(c, JOB, key=JOB, args={})

    async def _look_again_at(self, moment: datetime) -> None:
        await self._app.db.run(cursors.put, NEXT_LOOK, moment.isoformat(), at=self._app.clock.now())

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `search-index`, repeatable: reads on from the place that is kept."""
        app = self._app
        await self._look_again_at(app.clock.now() + EVERY)
        try:
            noticed = await push.types(self._push)
            found = await search_index.look(
                app.graph,
                app.db,
                app.settings,
                now=app.clock.now,
                most=_MOST_AT_ONCE,
                noticed=noticed,
            )
        except PlanRefused:  # another process is at it
            return
        except KM365Error as error:
            _log.warning("The search index could not be brought up to date: %s", type(error).__name__)
            return
        for _ in found.problems:
            _log.warning("A list or library could not be searched; `km365 search index` says which and why.")
        if found.untold > self._untold:
            _log.warning(
                "Documents are left out of the search, as their permissions could not be read: %d so far; "
                "`km365 search index` says where.",
                found.untold,
            )
        self._untold = found.untold
        if found.left:
            await self._look_again_at(app.clock.now())
