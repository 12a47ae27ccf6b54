"""The search index kept as SharePoint is: a look every few minutes, one short job each."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from km365.app import App
from km365.errors import KM365Error, PlanRefused
from km365.services import search_index

_log = logging.getLogger("km365.flows.searching")

JOB = "search-index"
EVERY = timedelta(minutes=5)
_MOST_AT_ONCE = 200
"""Documents of one job, so that it stays short; the next one follows at once."""


class Searching:
    """What the service does about the search index."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._next = app.clock.now()
        self._untold = 0

    async def every_minute(self) -> None:
        """Enqueues a look when it is due; one that waits already is enough."""
        if self._app.clock.now() >= self._next:
            await self._app.db.run(self._app.jobs.enqueue, JOB, key=JOB, args={})

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `search-index`, repeatable: reads on from the place that is kept."""
        app = self._app
        self._next = app.clock.now() + EVERY
        try:
            found = await search_index.look(
                app.graph, app.db, app.settings, now=app.clock.now, most=_MOST_AT_ONCE
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
            self._next = app.clock.now()
