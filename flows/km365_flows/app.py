"""What runs when: the scan of the calendar every day and at start-up, everything that is due every minute."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import ParamSpec

from km365.app import App
from km365.core.schedule import Hours, day_at
from km365.jobs import Jobs
from km365.services import (
    calendar_scan,
    campaign_reports,
    campaigns,
    flows,
    gaps_followed,
    handover_facts,
    handover_readers,
    housekeeping,
    outlook,
    prompts,
    push,
    restricted,
    sitting_events,
)
from km365.services.calendar import hours_of
from km365.store import cursors
from km365_flows import calendar_watch, lessons, searching
from km365_flows.calendar_watch import CalendarWatch
from km365_flows.lessons import LessonCare
from km365_flows.notes import Notes
from km365_flows.notifications import address, listening
from km365_flows.pushing import Pushing
from km365_flows.searching import Searching
from km365_flows.sittings import Sittings
from km365_flows.watching import JOB, Watching

_log = logging.getLogger("km365.flows")
_PAUSE_S = 5.0
P = ParamSpec("P")


@asynccontextmanager
async def serve(app: App, *, doors: bool = True) -> AsyncIterator[str]:
    """Runs the flows, and the jobs of every other service, until the block ends. Yields a line about it.

    Without `doors` another process listens to what Graph tells of changes. Raises SettingsError when the
    working hours that are set make no sense.
    """
    listen = listening(app) if doors else nullcontext(address(app.settings))
    async with listen as url, _running(app, url=url):
        yield (
            "flows: the calendar is read every day, invitations and reminders go out when they are due, "
            "watched libraries are kept tagged, what is known can be searched and is asked about in time"
        )


@asynccontextmanager
async def _running(app: App, *, url: str | None) -> AsyncIterator[None]:
    """Everything that runs by itself; `url` is where Graph tells us of changes, None: it does not."""
    hours = hours_of(app.settings)
    _register_prompts(app, hours)
    care = LessonCare(app, hours)
    app.jobs.register(lessons.JOB, _unless_paused(app, "lessons", care.look), attempts=12)
    app.jobs.every_minute("lessons", _unless_paused(app, "lessons", care.every_minute))
    notes = Notes(app)
    app.jobs.register(handover_readers.JOB, _unless_paused(app, "handover", notes.look), attempts=12)
    app.jobs.register(gaps_followed.JOB, _unless_paused(app, "handover", notes.follow), attempts=12)
    sittings = Sittings(app)
    app.jobs.register(handover_facts.JOB, _unless_paused(app, "scan", sittings.plan), attempts=12)
    app.jobs.register(sitting_events.JOB, _unless_paused(app, "outlook", sittings.show), attempts=3)
    app.jobs.every_minute("sittings", _unless_paused(app, "outlook", sittings.every_minute))
    watching, index, calendar = Watching(app, url=url), Searching(app), CalendarWatch(app)
    pushing = Pushing(app)
    app.jobs.register(JOB, _unless_paused(app, "watch", watching.look))
    app.jobs.every_minute("watch", _unless_paused(app, "watch", watching.every_minute))
    app.jobs.register(searching.JOB, _unless_paused(app, "search", index.look))
    app.jobs.every_minute("search", _unless_paused(app, "search", index.every_minute))
    app.jobs.register(push.PUSH, _unless_paused(app, "push", pushing.work))
    app.jobs.every_minute("push", _unless_paused(app, "push", pushing.every_minute))
    app.jobs.register(calendar_watch.JOB, _unless_paused(app, "scan", calendar.look))
    app.jobs.every_minute("calendar", _unless_paused(app, "scan", calendar.every_minute))
    await app.db.run(app.jobs.enqueue, "scan", key="scan", args={"day": "any"})
    stop = asyncio.Event()
    running = asyncio.create_task(_keep_running(app.jobs, stop))
    try:
        yield
    finally:
        stop.set()
        await running


def _register_prompts(app: App, hours: Hours) -> None:
    """The scan of the calendar, what goes out every minute, and the day's tidying."""

    async def scan(args: Mapping[str, str]) -> None:
        """Job `scan`, repeatable: everything it writes has a key of its own."""
        now = app.clock.now()
        today = day_at(now, hours).isoformat()
        if args["day"] == "any" or await app.db.run(cursors.get, calendar_scan.LAST_SCAN) != today:
            report = await calendar_scan.scan(app.graph, app.db, app.jobs, app.settings, now=now)
            for warning in report.warnings:
                _log.warning("%s", warning)
            for job in (outlook.JOB, handover_facts.JOB, handover_readers.JOB, gaps_followed.JOB):
                await app.db.run(app.jobs.enqueue, job, key=job, args={})
            if drift := await restricted.drift(app.graph, app.db, app.settings, now=now):
                _log.warning("%s", drift)

    async def begin_scan() -> None:
        """Begins the day's scan; the job only carries, so losing it loses nothing."""
        today = day_at(app.clock.now(), hours).isoformat()
        if await app.db.run(cursors.get, calendar_scan.LAST_SCAN) != today:
            await app.db.run(app.jobs.enqueue, "scan", key="scan", args={"day": today})

    async def tidy() -> None:
        now = app.clock.now()
        if await app.db.run(cursors.get, housekeeping.LAST_TIDY) != now.date().isoformat():
            await housekeeping.tidy(app.db, app.jobs, now=now)

    async def every_minute() -> None:
        """Sends what is due and begins what a new day brings."""
        await app.clock.refresh()
        now = app.clock.now()
        await app.db.run(campaigns.keep_paused, now=now)
        per_week = app.settings.prompts_per_week
        await prompts.send_due(app.db, app.jobs, hours, graph=app.graph, per_week=per_week, now=now)
        await app.db.run(campaign_reports.look, app.jobs, now=now)
        await _unless_paused(app, "scan", begin_scan)()
        await _unless_paused(app, "tidy", tidy)()
        await housekeeping.forget_said(app.db, now=now)

    async def report(args: Mapping[str, str]) -> None:
        """Job `campaign-report`: that the focal points were told is kept together with what they are told."""
        now = app.clock.now()
        await campaign_reports.report(app.graph, app.db, app.jobs, app.settings, args["campaign"], now=now)

    async def show_in_outlook(args: Mapping[str, str]) -> None:
        """Job `outlook`, repeatable: what is to be made is written down before, with a key of its own."""
        if app.settings.calendar_mailbox:
            shown = await outlook.keep(app.graph, app.db, app.settings, now=app.clock.now())
            for problem in shown.problems:
                _log.warning("%s", problem)

    app.jobs.register(outlook.JOB, _unless_paused(app, "outlook", show_in_outlook), attempts=12)
    app.jobs.register(campaign_reports.JOB, report)
    app.jobs.register("scan", _unless_paused(app, "scan", scan), attempts=12)
    app.jobs.every_minute("prompts", every_minute)


def _unless_paused(app: App, name: str, do: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Does nothing while a person has paused the automation `name`, whichever process asks."""

    async def done(*args: P.args, **kwargs: P.kwargs) -> None:
        if await app.db.run(flows.paused_since, name) is None:
            await do(*args, **kwargs)

    return done


async def _keep_running(jobs: Jobs, stop: asyncio.Event) -> None:
    """Runs the jobs until `stop`; what ends the runner is recorded and the runner begins again."""
    while not stop.is_set():
        try:
            await jobs.run(stop)
        except Exception:
            _log.exception("the job runner ended and begins again in %s s", _PAUSE_S)
            await asyncio.sleep(_PAUSE_S)
