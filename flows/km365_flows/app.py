"""What runs when: the scan of the calendar every day and at start-up, everything that is due every minute."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from km365.app import App
from km365.core.schedule import day_at
from km365.jobs import Jobs
from km365.services import campaigns, housekeeping, prompts
from km365.services.calendar import hours_of
from km365.store import cursors
from km365_flows import calendar_watch, searching
from km365_flows.calendar_watch import CalendarWatch
from km365_flows.notifications import listening
from km365_flows.searching import Searching
from km365_flows.watching import JOB, Watching

_log = logging.getLogger("km365.flows")
_PAUSE_S = 5.0


@asynccontextmanager
async def serve(app: App) -> AsyncIterator[str]:
    """Runs the flows, and the jobs of every other service, until the block ends. Yields a line about it.

    Raises SettingsError when the working hours that are set make no sense.
    """
    hours = hours_of(app.settings)

    async def scan(args: Mapping[str, str]) -> None:
        """Job `scan`, repeatable: everything it writes has a key of its own."""
        now = app.clock.now()
        today = day_at(now, hours).isoformat()
        if args["day"] == "any" or await app.db.run(cursors.get, prompts.LAST_SCAN) != today:
            report = await prompts.scan(app.graph, app.db, app.jobs, app.settings, now=now)
            for warning in report.warnings:
                _log.warning("%s", warning)

    async def every_minute() -> None:
        """Sends what is due and begins the day's scan; jobs only carry, so losing them loses nothing."""
        await app.clock.refresh()
        now = app.clock.now()
        today = day_at(now, hours).isoformat()
        await app.db.run(campaigns.keep_paused, now=now)
        await prompts.send_due(app.db, app.jobs, hours, per_week=app.settings.prompts_per_week, now=now)
        if await app.db.run(cursors.get, prompts.LAST_SCAN) != today:
            await app.db.run(app.jobs.enqueue, "scan", key="scan", args={"day": today})
        if await app.db.run(cursors.get, housekeeping.LAST_TIDY) != now.date().isoformat():
            await housekeeping.tidy(app.db, app.jobs, now=now)
        await housekeeping.forget_said(app.db, now=now)

    app.jobs.register("scan", scan, attempts=12)
    app.jobs.every_minute("prompts", every_minute)
    await app.db.run(app.jobs.enqueue, "scan", key="scan", args={"day": "any"})
    async with listening(app) as url:
        watching = Watching(app, url=url)
        app.jobs.register(JOB, watching.look)
        app.jobs.every_minute("watch", watching.every_minute)
        index = Searching(app)
        app.jobs.register(searching.JOB, index.look)
        app.jobs.every_minute("search", index.every_minute)
        calendar = CalendarWatch(app)
        app.jobs.register(calendar_watch.JOB, calendar.look)
        app.jobs.every_minute("calendar", calendar.every_minute)
        stop = asyncio.Event()
        running = asyncio.create_task(_keep_running(app.jobs, stop))
        try:
            yield (
                "flows: the calendar is read every day, invitations and reminders go out when they are due, "
                "watched libraries are kept tagged, what is known can be searched"
            )
        finally:
            stop.set()
            await running


async def _keep_running(jobs: Jobs, stop: asyncio.Event) -> None:
    """Runs the jobs until `stop`; what ends the runner is recorded and the runner begins again."""
    while not stop.is_set():
        try:
            await jobs.run(stop)
        except Exception:
            _log.exception("the job runner ended and begins again in %s s", _PAUSE_S)
            await asyncio.sleep(_PAUSE_S)
