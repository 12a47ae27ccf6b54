"""Once a day: the looks at lessons that are due, at what was agreed because of them, and at what waits."""

from collections.abc import Mapping
from enum import StrEnum

from km365.app import App
from km365.core.schedule import Hours, day_at
from km365.services import (
    actions,
    calendar_scan,
    deciding,
    derived,
    flows,
    promotion,
    review_by,
)
from km365.services.lesson_care import LAST
from km365.services.life import LifeDesk
from km365.store import cursors
from km365.store.database import Connection

JOB = "lessons"
BEGUN = "flow:lessons:begun"
"""The bookmark of the last day on which the looks were begun."""


class Part(StrEnum):
    """A look of the day, which is a job of its own: trouble in one holds up no other."""

    DERIVED = "derived"
    ACTIONS = "actions"
    REVIEW_BY = "review_by"
    PROMOTION = "promotion"
    DECIDING = "deciding"


class LessonCare:
    """What the service does about lessons by itself."""

    def __init__(self, app: App, hours: Hours) -> None:
        self._app, self._hours = app, hours

    async def every_minute(self) -> None:
        """Begins the day's looks; one that fails as often as it may, or is lost, comes again the next day."""
        await self._app.db.run(self._begin)

    def _begin(self, c: Connection) -> None:
        if cursors.get(c, BEGUN) == self._today or self._calendar_first(c):
            return
        for part in Part:
            self._app.jobs.enqueue(c, JOB, key=f"{JOB}:{part}", args={"part": part.value})
        cursors.put(c, BEGUN, self._today, at=self._app.clock.now())

    def _calendar_first(self, c: Connection) -> bool:
        """Whether it is not known yet whom campaigns ask, which have the first claim on a person's week."""
        scanned = cursors.get(c, calendar_scan.LAST_SCAN) == self._today
        return not scanned and flows.paused_since(c, "scan") is None

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `lessons`, repeatable: every message has a key of its own."""
        app, now = self._app, self._app.clock.now()
        desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
        match args["part"]:
            case Part.DERIVED:
                await derived.look(app.graph, app.settings)
            case Part.ACTIONS:
                await actions.remind(desk, self._hours, at=now)
            case Part.REVIEW_BY:
                await review_by.ask(desk, self._hours, at=now)
            case Part.PROMOTION:
                await promotion.propose(desk, app.templates, self._hours, at=now)
            case Part.DECIDING:
                await deciding.tell(desk, at=now)
        await app.db.run(cursors.put, LAST, self._today, at=app.clock.now())

    @property
    def _today(self) -> str:
        return day_at(self._app.clock.now(), self._hours).isoformat()
