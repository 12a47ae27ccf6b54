"""The plans of handovers, made anew after every scan, and their sittings in people's own calendars."""

import logging
from collections.abc import Mapping

from km365.app import App
from km365.documents.messages import catalogue
from km365.services import handover_plan, sitting_events

_log = logging.getLogger("km365.flows")


class Sittings:
    """What the service does about sittings by itself."""

    def __init__(self, app: App) -> None:
        self._app, self._words = app, catalogue(app.templates)

    async def plan(self, args: Mapping[str, str]) -> None:
        """Job `handover-plan`, repeatable: every departure has a row of its own, and a plan for its own."""
        app = self._app
        await handover_plan.refresh(app.graph, app.db, app.settings, app.templates, now=app.clock.now())

    async def every_minute(self) -> None:
        """Begins to show sittings where somebody wishes it and a calendar does not show them yet."""
        app = self._app
        if await app.db.run(sitting_events.is_due, app.settings, self._words, now=app.clock.now()):
            await app.db.run(app.jobs.enqueue, sitting_events.JOB, key=sitting_events.JOB, args={})

    async def show(self, args: Mapping[str, str]) -> None:
        """Job `sittings`, repeatable: as the events of milestones."""
        app = self._app
        for problem in await sitting_events.keep(app.graph, app.db, app.settings, now=app.clock.now()):
            _log.warning("%s", problem)
