"""What SharePoint and the calendar say of departures that their plans need.

A turn of the chat asks Graph for nothing, so what the plan is made of lies in our database: what people said,
what they answered, and these facts. Whoever looks a departure up brings its interview to the plan as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from km365.core.handover_choice import NotAsked, Why
from km365.core.knowledge import KnowledgeItem, Maturity, from_fields
from km365.core.loss_risk import Known, milestone_known
from km365.core.owned_documents import Documented, OwnedDocument
from km365.core.questions import Bank
from km365.core.schedule import Milestone
from km365.core.schema import KNOWLEDGE
from km365.graph import lists, sites
from km365.graph.client import Graph
from km365.graph.wire import odata_text
from km365.services import calendar, owned_documents
from km365.settings import Settings
from km365.store import handover_facts as store
from km365.store.database import Connection
from km365.store.rows import Json

JOB = "handover-plan"
"""The job that looks departures up and brings their interviews to the plan; the scan asks for it."""
_SHELVED = {Maturity.VALIDATED, Maturity.PUBLISHED}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of one departure: which questions are answered where, and what the calendar says of its milestone.

    The documents in the libraries of `office` were looked through on `documents_on`.
    """

    told: Mapping[str, NotAsked] = field(default_factory=dict)
    milestone: Known = field(default_factory=lambda: Known(value=None))
    office: str = ""
    documents_on: date | None = None


@dataclass(kw_only=True)
class Lookup:
    """Looks departures up; what those of one office need is read once where they come one after another.

    `documented` says which questions the documents of a leaver answer; `milestones` are the calendar's.
    """

    graph: Graph
    settings: Settings
    bank: Bank
    documented: Sequence[Documented]
    today: date
    milestones: Sequence[Milestone]
    _items: dict[str, list[KnowledgeItem]] = field(default_factory=dict)
    _owned: dict[str, Mapping[str, Sequence[OwnedDocument]]] = field(default_factory=dict)
    """Of one office: of all of them it would be much."""

    @staticmethod
    async def open(
        graph: Graph, settings: Settings, bank: Bank, documented: Sequence[Documented], *, today: date
    ) -> "Lookup":
        """One that has read the calendar. Needs Sites.Selected with read on the knowledge site."""
        return Lookup(
            graph=graph,
            settings=settings,
            bank=bank,
            documented=documented,
            today=today,
            milestones=await calendar.milestones(graph, settings),
        )

    async def facts(
        self, person_id: str, office: str, *, leaves_on: date, known: Facts | None = None
    ) -> Facts:
        """What is known now; documents stay as `known` has them where it is of this day and office.

        Needs Sites.Selected with read on the knowledge site, and on the office's for what lies there.
        """
        items = await self._of_office(office) if office else []
        lessons = [one.id for one in items if person_id in one.contributors and one.maturity in _SHELVED]
        becomes_lesson = [
            question.id
            for question in self.bank.questions
            if any(target.startswith("knowledge.") for target in question.becomes)
        ]
        told = dict.fromkeys(becomes_lesson, NotAsked(Why.LESSON, lessons[0])) if lessons else {}
        if known is not None and (known.documents_on, known.office) == (self.today, office):
            documents = {one: said for one, said in known.told.items() if said.why is Why.OWNED}
        else:
            documents = await self._in_documents(person_id, office)
        return Facts(
            told=documents | told,
            milestone=milestone_known(self.milestones, office, leaves_on=leaves_on),
            office=office,
            documents_on=self.today,
        )

    async def _in_documents(self, person_id: str, office: str) -> dict[str, NotAsked]:
        """The questions that the person's own documents answer, each with the newest, and where it lies."""
        if office not in self._owned:
            self._owned = {office: await owned_documents.by_person(self.graph, self.settings, office)}
        owned = self._owned[office].get(person_id, ())
        found = await owned_documents.documented(
            self.graph, self.settings, self.documented, owned, today=self.today
        )
        return {one: NotAsked(Why.OWNED, f"{of.title} ({of.url})") for one, of in found.items()}

    async def _of_office(self, office: str) -> list[KnowledgeItem]:
        if office not in self._items:
            site = await sites.get_site(self.graph, self.settings.knowledge_site)
            target = await lists.get_list(self.graph, site.id, KNOWLEDGE.title)
            query = f"fields/KMOffice eq {odata_text(office)}"
            self._items[office] = [
                from_fields(item.fields)
                async for item in lists.list_items(self.graph, site.id, target.id, filter=query)
            ]
        return self._items[office]


def read(c: Connection, campaign_id: str) -> Facts:
    """What was found when the departure was last looked up; nothing before that."""
    data = store.get(c, campaign_id)
    return _from_json(data) if data else Facts()


def keep(c: Connection, campaign_id: str, facts: Facts, *, at: datetime) -> None:
    """Keeps what was found."""
    told = {one: {"why": said.why.name, "detail": said.detail} for one, said in facts.told.items()}
    milestone = {"value": facts.milestone.value, "because": facts.milestone.because}
    on = facts.documents_on.isoformat() if facts.documents_on else ""
    data = {"told": told, "milestone": milestone, "office": facts.office, "documents_on": on}
    store.put(c, campaign_id, data, at=at)


def _from_json(data: Json) -> Facts:
    return Facts(
        told={one: NotAsked(Why[said["why"]], said["detail"]) for one, said in data["told"].items()},
        milestone=Known(**data["milestone"]),
        office=data.get("office", ""),
        documents_on=date.fromisoformat(on) if (on := data.get("documents_on")) else None,
    )
