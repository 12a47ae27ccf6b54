"""Once a day: the look at lessons that are due, at what was agreed because of them, and at what waits."""

from collections.abc import Mapping

from km365.app import App
from km365.core.schedule import Hours, day_at
from km365.services import deciding, lesson_care
from km365.services.lesson_care import LAST
from km365.services.life import LifeDesk
from km365.store import cursors

JOB = "lessons"


class LessonCare:
    """What the service does about lessons by itself."""

    def __init__(self, app: App, hours: Hours) -> None:
        self._app, self._hours = app, hours

    async def every_minute(self) -> None:
        """Begins the day's look; the job only carries, so losing it loses nothing."""
        app = self._app
        if await app.db.run(cursors.get, LAST) != self._today:
            await app.db.run(app.jobs.enqueue, JOB, key=JOB, args={})

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `lessons`, repeatable: every message has a key of its own."""
        app, today = self._app, self._today
        if await app.db.run(cursors.get, LAST) == today:
            return
        desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
        await lesson_care.look(desk, app.templates, self._hours, at=app.clock.now())
        await deciding.tell(desk, at=app.clock.now())
        await app.db.run(cursors.put, LAST, today, at=app.clock.now())

    @property
    def _today(self) -> str:
        return day_at(self._app.clock.now(), self._hours).isoformat()
