"""By name who would read what somebody answers, asked of the directory once an hour and not once a turn."""

import asyncio
import logging
from datetime import datetime, timedelta

from km365.app import App
from km365.core.around import Around
from km365.core.departures import BANK
from km365.core.interviews import Interview
from km365.core.named_readers import mentioned
from km365.core.offices import by_code
from km365.core.questions import POST_LEFT
from km365.documents.offices import offices
from km365.errors import GraphError, KM365Error
from km365.graph.people import get_people, get_person
from km365.services import restricted
from km365.store import campaigns, duty_stations
from km365.store.database import Connection

_log = logging.getLogger("km365.bots.around")

_KEPT = timedelta(hours=1)
_PATIENCE_S = 3.0
"""How long a question waits for names; without them it says who reads in general words."""
_MOST_KEPT = 5_000
_FILED = frozenset({BANK, POST_LEFT})
"""The banks whose answers become a note in the library."""


class Surroundings:
    """Who is around the people who are interviewed; nobody is known here."""

    async def learn(self, interview: Interview) -> None:
        """From now on `of` knows it, if it can be known."""

    def of(self, interview: Interview) -> Around:
        """Who is around this person, as far as it was learnt."""
        return Around()


class InDirectory(Surroundings):
    """As our calendar and the directory have it. Needs User.Read.All.

    That only its readers can open a filed note is told with Sites.Selected with fullcontrol.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._offices = offices(app.templates)
        self._known: dict[str, tuple[datetime, Around]] = {}

    async def learn(self, interview: Interview) -> None:
        now = self._app.clock.now()
        known = self._known.get(interview.id)
        if known and now - known[0] < _KEPT and known[1].names.keys() >= {*mentioned(interview)}:
            return
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                self._known[interview.id] = (now, await self._look(interview))
        except (KM365Error, TimeoutError) as error:
            _log.warning("Who reads an answer could not be told by name: %s", type(error).__name__)

    def of(self, interview: Interview) -> Around:
        known = self._known.get(interview.id)
        return known[1] if known else Around()

    async def _look(self, interview: Interview) -> Around:
        follows, above, colleagues = await self._app.db.run(_ours, interview)
        if interview.bank == BANK and not above:
            above = (await get_person(self._app.graph, interview.person_id)).manager_id or ""
        successor, supervisor = [
            (await get_person(self._app.graph, one)).name if one else "" for one in (follows, above)
        ]
        named = dict.fromkeys(mentioned(interview), "")
        if named:
            named |= {one.id: one.name for one in await get_people(self._app.graph, named)}
        office = by_code(self._offices, interview.office)
        return Around(
            successor=successor,
            supervisor=supervisor,
            office=office.names or {"en": office.code},
            colleagues=colleagues,
            names=named,
            words=POST_LEFT if interview.bank == POST_LEFT else Around.words,
            closed=interview.bank not in _FILED or await self._library_is_closed(),
        )

    async def _library_is_closed(self) -> bool:
        """Whether SharePoint says so: what it does not tell is not taken for closed."""
        try:
            return await restricted.is_closed(self._app.graph, self._app.settings)
        except GraphError:
            return False


def _ours(c: Connection, interview: Interview) -> tuple[str, str, int]:
    """The ids of successor and supervisor as the calendar last said, and how many work in the office."""
    campaign = campaigns.get(c, interview.campaign) if interview.campaign else None
    data = campaign.data if campaign else {}
    colleagues = duty_stations.count(c, interview.office) if interview.office else 0
    return str(data.get("successor") or ""), str(data.get("supervisor") or ""), colleagues
