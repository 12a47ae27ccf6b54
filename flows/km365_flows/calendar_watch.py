"""The calendar kept up with: a look every minute at what changed in its lists and in the directory.

A scan follows if anything did: an entry, an account switched off, a leave date.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping

from km365.app import App
from km365.errors import KM365Error
from km365.services import accounts, departures
from km365.services.calendar_watch import Watched, keep
from km365.store.database import Connection

_log = logging.getLogger("km365.flows.calendar")

JOB = "calendar-look"


class CalendarWatch:
    """What the service does about changes people make in the calendar."""

    def __init__(self, app: App) -> None:
        self._app, self._watched = app, Watched()
        self._failing: set[str] = set()

    async def every_minute(self) -> None:
        """Enqueues a look; one that waits already is enough."""
        await self._app.db.run(self._app.jobs.enqueue, JOB, key=JOB, args={})

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `calendar-look`, repeatable: a bookmark is kept together with the scan it asks for."""
        await self._try("calendar", self._look_at_lists)
        await self._try("directory", self._look_at_accounts)
        await self._try("leave dates", self._look_at_leave_dates)

    async def _try(self, name: str, look: Callable[[], Awaitable[None]]) -> None:
        try:
            await look()
        except KM365Error as error:
            if name not in self._failing:  # the daily scan says so in words; once is enough here
                _log.warning("Changes in the %s could not be looked at: %s", name, type(error).__name__)
            self._failing.add(name)
            return
        self._failing.discard(name)

    async def _look_at_lists(self) -> None:
        app = self._app
        if bookmarks := await self._watched.changed(app.graph, app.db, app.settings):
            await app.db.run(self._scan, bookmarks)

    async def _look_at_accounts(self) -> None:
        app = self._app
        if news := await accounts.look(app.graph, app.db, now=app.clock.now()):
            await app.db.run(self._keep_accounts, news)

    async def _look_at_leave_dates(self) -> None:
        app = self._app
        if found := await departures.dates_changed(app.graph, app.db, now=app.clock.now()):
            await app.db.run(self._scan, {departures.LEAVE_DATES: found})

    def _scan(self, c: Connection, bookmarks: Mapping[str, str]) -> None:
        keep(c, bookmarks, at=self._app.clock.now())
        self._app.jobs.enqueue(c, "scan", key="scan", args={"day": "any"})

    def _keep_accounts(self, c: Connection, news: accounts.News) -> None:
        accounts.keep(c, news, at=self._app.clock.now())
        if news.matters:
            self._app.jobs.enqueue(c, "scan", key="scan", args={"day": "any"})
