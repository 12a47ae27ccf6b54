"""The calendar kept up with: a look every minute at what changed in its lists, and a scan if anything did."""

import logging
from collections.abc import Mapping

from km365.app import App
from km365.errors import KM365Error
from km365.services.calendar_watch import Watched, keep
from km365.store.database import Connection

_log = logging.getLogger("km365.flows.calendar")

JOB = "calendar-look"


class CalendarWatch:
    """What the service does about changes people make in the calendar."""

    def __init__(self, app: App) -> None:
        self._app, self._watched = app, Watched()
        self._failing = False

    async def every_minute(self) -> None:
        """Enqueues a look; one that waits already is enough."""
        await self._app.db.run(self._app.jobs.enqueue, JOB, key=JOB, args={})

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `calendar-look`, repeatable: the bookmark is kept together with the scan it asks for."""
        app = self._app
        try:
            bookmarks = await self._watched.changed(app.graph, app.db, app.settings)
        except KM365Error as error:
            if not self._failing:  # the daily scan says so in words; once is enough here
                _log.warning("The calendar could not be looked at: %s", type(error).__name__)
            self._failing = True
            return
        self._failing = False
        if bookmarks:
            await app.db.run(self._scan, bookmarks)

    def _scan(self, c: Connection, bookmarks: Mapping[str, str]) -> None:
        keep(c, bookmarks, at=self._app.clock.now())
        self._app.jobs.enqueue(c, "scan", key="scan", args={"day": "any"})
