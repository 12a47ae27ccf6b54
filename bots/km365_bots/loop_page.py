"""What the page `/loop` shows: how far what was captured in twelve months has come, and never who.

By office alone: the same numbers by region beside them would tell those that are not told.
"""

from markupsafe import Markup

from km365.app import App
from km365.core.loop import By, a_year_to
from km365.core.schedule import day_at
from km365.documents import loop_html
from km365.documents.words import Words
from km365.services import calendar
from km365.services.loop import loop


class LoopPage:
    """The report on the loop, read anew each time somebody looks."""

    def __init__(self, app: App) -> None:
        self._app, self._words = app, Words.read(app.templates, loop_html.WORDS)

    async def report(self, language: str) -> Markup:
        """The report on the last twelve months, this one included, as HTML."""
        app = self._app
        now = app.clock.now()
        today = day_at(now, calendar.hours_of(app.settings))
        found = await loop(
            app.graph,
            app.db,
            app.settings,
            app.templates,
            by=By.OFFICE,
            first=a_year_to(today),
            last=today,
            now=now,
        )
        return loop_html.part(found, app.templates, self._words, language=language, today=today)
