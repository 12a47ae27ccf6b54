"""An organisation with a calendar, on the small Microsoft 365, and the parts the flows use."""

import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from km365.core.schedule import Hours
from km365.core.schema import DEPARTURES, MILESTONES
from km365.graph import columns, lists, sites
from km365.graph.auth import LocalCredential
from km365.graph.client import Graph
from km365.graph.pacing import Limits
from km365.jobs import Jobs, open_jobs
from km365.local import sites as local_sites
from km365.local import users
from km365.local.server import M365
from km365.services import calendar_scan, prompts
from km365.services.calendar import hours_of
from km365.services.calendar_scan import Report
from km365.settings import Settings
from km365.store import outbox
from km365.store.database import Database
from km365.store.outbox import Sent

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


@dataclass
class Office:
    """The parts, a clock that moves when told, and the calendar in SharePoint."""

    m365: M365
    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    now: datetime = MONDAY

    @property
    def hours(self) -> Hours:
        return hours_of(self.settings)

    def day(self, days: int) -> date:
        return (MONDAY + timedelta(days=days)).date()

    def hire(self, name: str, **more: str | bool) -> str:
        """The id of a new colleague with the sign-in name `NAME@childrensagency.example`."""
        upn = f"{name}@childrensagency.example"
        details = {"office": "CO-BEL", "language": "fr"} | more
        return users.create(
            self.m365.state, id=str(uuid.uuid4()), upn=upn, display_name=name.title(), **details
        )

    async def note(self, title: str, **fields: str) -> str:
        """The id of a new item of the list `title`."""
        site = await sites.get_site(self.graph, self.settings.knowledge_site)
        target = await lists.get_list(self.graph, site.id, title)
        return (await lists.create_item(self.graph, site.id, target.id, fields)).id

    async def edit(self, title: str, item_id: str, **fields: str) -> None:
        site = await sites.get_site(self.graph, self.settings.knowledge_site)
        target = await lists.get_list(self.graph, site.id, title)
        await lists.update_fields(self.graph, site.id, target.id, item_id, fields)

    async def milestone(
        self,
        days: int | None = 2,
        *,
        asked: str = "",
        state: str = "planned",
        kind: str = "mid-term review",
    ) -> str:
        fields = {
            "Title": kind.capitalize(),
            "KMKind": kind,
            "KMOffice": "CO-BEL",
            "KMState": state,
        }
        if days is not None:
            fields["KMDate"] = f"{self.day(days)}T00:00:00Z"
        return await self.note("Milestones", **fields, KMAsked=asked)

    async def departure(self, person: str, days: int | None, **more: str) -> str:
        fields = {
            "Title": "Chief of Water",
            "KMPerson": person,
            "KMOffice": "CO-BEL",
            "KMState": "planned",
        } | more
        if days is not None:
            fields["KMLastDay"] = f"{self.day(days)}T00:00:00Z"
        return await self.note("Departures", **fields)

    async def scan(self, *, dry_run: bool = False) -> Report:
        return await calendar_scan.scan(
            self.graph, self.db, self.jobs, self.settings, now=self.now, dry_run=dry_run
        )

    async def look(self, **later: float) -> int:
        """Moves the clock and looks who is due."""
        self.now += timedelta(**later)
        return await prompts.send_due(self.db, self.jobs, self.hours, now=self.now)

    def messages(self) -> dict[str, Sent]:
        with self.db.begin() as c:
            return {one.message.key: one for one in outbox.list_(c)}

    def deliver(self) -> None:
        """Sends everything that waits."""
        with self.db.begin() as c:
            for row in outbox.due(c, at=self.now):
                outbox.claim(c, row.message.key, at=self.now)
                outbox.sent(c, row.message.key, activity_id="1", at=self.now)


@pytest.fixture
async def office(m365: M365, tmp_path: Path, database_url: str) -> AsyncIterator[Office]:
    settings = Settings(
        home=tmp_path, database_url=database_url, graph_url=m365.graph_url, working_hours="09:00-17:00"
    )
    local_sites.create(m365.state, "/sites/knowledge", "Knowledge")
    graph = Graph(
        base_url=m365.graph_url,
        credential=LocalCredential(m365.graph_url),
        limits=Limits.for_licences(50_000),
    )
    async with aclosing(graph):
        site = await sites.get_site(graph, settings.knowledge_site)
        for spec in (MILESTONES, DEPARTURES):
            definitions = [columns.definition(column) for column in spec.columns]
            await lists.create_list(graph, site.id, title=spec.title, columns=definitions)
        with closing(Database.open(settings.database)) as db:
            yield Office(m365=m365, graph=graph, db=db, jobs=open_jobs(db), settings=settings)
