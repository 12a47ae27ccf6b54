"""The watched libraries, looked at when Graph tells us to and by the clock; one short job each."""

import logging
from collections.abc import Mapping
from datetime import datetime

from km365.app import App
from km365.errors import GraphError, KM365Error, PlanRefused
from km365.services import tag_listen, tag_watch
from km365.services.tag_words import Words
from km365.store import cursors, watches
from km365.store.database import Connection
from km365.store.watches import Watch

_log = logging.getLogger("km365.flows.watching")

JOB = "tag-watch"
LAST_LOOK = "flow:watch"
"""The bookmark of the last time libraries were looked at."""
_MOST_AT_ONCE = 200
"""Documents of one job, so that it stays short; what is left is the next one's."""


class Watching:
    """What the service does about watched libraries. `url` is where Graph tells us, None: it does not."""

    def __init__(self, app: App, *, url: str | None) -> None:
        self._app, self._url = app, url
        self._words = Words(app.graph, app.settings, app.templates)

    async def every_minute(self) -> None:
        """Enqueues a look at each library that is due; a look that is waiting or lost costs a minute."""
        await self._app.db.run(self._enqueue)

    def _enqueue(self, c: Connection) -> None:
        for one in watches.list_(c, due_at=self._app.clock.now()):
            self._app.jobs.enqueue(c, JOB, key=f"watch:{one.drive_id}", args={"drive": one.drive_id})

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `tag-watch`, repeatable: reads on from the place that is kept, and writes with ETags."""
        app, drive_id = self._app, args["drive"]
        watch = await app.db.run(watches.get, drive_id)
        if not watch.is_on:
            return
        await self._subscribe(watch)
        try:
            found = await tag_watch.look(
                app.graph,
                app.db,
                app.settings,
                await self._words.now(),
                drive_id,
                now=app.clock.now,
                most=_MOST_AT_ONCE,
            )
        except PlanRefused as refusal:  # another process is at it, or the library lost its columns
            await app.db.run(tag_listen.in_trouble, drive_id, refusal, at=app.clock.now())
        except KM365Error as error:
            await app.db.run(tag_listen.in_trouble, drive_id, error, at=app.clock.now())
            _log.warning("A watched library could not be looked at: %s", type(error).__name__)
        else:
            await app.db.run(self._looked, drive_id, watch.look_at)
            if found.runs or found.queued:
                _log.info("%s documents tagged, %s queued for a person", found.tagged, found.queued)

    async def _subscribe(self, watch: Watch) -> None:
        """Has Graph tell us; where it will not, the clock has us look."""
        app = self._app
        if self._url is None:
            return
        try:
            await tag_listen.subscribe(app.graph, app.db, watch, url=self._url, at=app.clock.now())
        except GraphError as error:
            _log.warning("Graph will not tell of a watched library (%s); the clock does.", error.status)

    def _looked(self, c: Connection, drive_id: str, planned: datetime) -> None:
        now = self._app.clock.now()
        tag_listen.next_look(c, drive_id, planned=planned, at=now)
        cursors.put(c, LAST_LOOK, now.isoformat(timespec="seconds"), at=now)
