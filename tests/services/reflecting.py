"""A milestone of CO-BEL that people have reflected on, over a small Microsoft 365."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from km365.core.audience import Audience, Reader
from km365.core.drafting import is_complete, knowledge_item
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.knowledge import from_fields
from km365.core.schedule import Outcome, Plan
from km365.core.schema import KNOWLEDGE, MILESTONES
from km365.documents.questions import Banks
from km365.graph import lists, sites
from km365.services import capture, headline_choice
from km365.services import headlines as service
from km365.services import interview as interviews
from km365.services.headline_answers import HeadlineDesk
from km365.store import campaigns, outbox
from km365.store import interviews as store
from km365.store.campaigns import Campaign
from km365.store.database import Connection
from km365.store.outbox import Message
from km365.templates import Templates

from ..conftest import Provisioned, person_id

BANKS = Banks(Templates())
NOW = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
SAM = Reader(person_id=person_id("sam"), office="CO-BEL")
SUE = Reader(person_id=person_id("sue"), office="CO-BEL")
EVE = Reader(person_id=person_id("eve"), office="CO-ARD")

CHOSE_THE_DAY = (
    "Mobile teams reached more children once health workers chose the day.",
    "Once the health workers chose the day, the mobile teams reached more children.",
    "Let health workers choose the day: mobile teams then reached far more children.",
)
DENIED = "Mobile teams did not reach more children once health workers chose the day."
STORIES = {
    "ann": "In three districts the fridges stood empty for a month because parts waited at the border.",
    "sue": "The market opened twice a week, and mothers came with their babies on those mornings.",
    "sam": "A nurse in the north wrote the dates on the school door, and other villages copied her.",
}


@dataclass
class Reflecting:
    """The milestone, its campaign, and what the desk of headlines needs."""

    here: Provisioned
    milestone: str = ""
    at: datetime = NOW

    @property
    def campaign(self) -> str:
        return f"milestone:{self.milestone}"

    def interview(self, person: str) -> str:
        """The id of this person's reflection."""
        return f"i{self.milestone}-{person}"

    @property
    def desk(self) -> HeadlineDesk:
        app = self.here.app
        return HeadlineDesk(
            graph=app.graph,
            db=app.db,
            jobs=app.jobs,
            settings=app.settings,
            banks=BANKS,
            templates=app.templates,
            now=lambda: self.at,
        )

    async def list_of(self, title: str) -> tuple[str, str]:
        app = self.here.app
        site = await sites.get_site(app.graph, app.settings.knowledge_site)
        return site.id, (await lists.get_list(app.graph, site.id, title)).id

    async def begin(self, *, state: str = "closed", ended: bool = True) -> None:
        """The milestone stands in the list, and its campaign is over."""
        fields = {
            "Title": "Mid-term review of Belmora",
            "KMKind": "mid-term review",
            "KMOffice": "CO-BEL",
            "KMDate": "2026-02-27T00:00:00Z",
            "KMState": state,
        }
        row = await lists.create_item(self.here.app.graph, *await self.list_of(MILESTONES.title), fields)
        self.milestone = row.id
        campaign = Campaign(
            id=self.campaign,
            kind="milestone",
            title="Mid-term review of Belmora",
            due_on=datetime.fromisoformat("2026-02-27").date(),
            plan=Plan(),
            data={"milestone": row.id, "office": "CO-BEL", "bank": "midterm_review"},
            state="ended" if ended else "open",
        )
        await self.here.app.db.run(campaigns.create, campaign, at=NOW)

    async def sent(self, person: str, *, everyone: tuple[str, ...] = (), **said: str) -> None:
        """This person answered these questions, and what they sent is where it belongs."""
        audiences = dict.fromkeys(everyone, Audience.EVERYONE)
        bank = BANKS.get("midterm_review", "en")
        choice = said.get("side", "operational")
        answers = tuple(
            Answer(
                question=question.id,
                text=said.get(question.id, choice),
                audience=audiences.get(question.id, Audience.OFFICE),
                language="en",
                at=NOW,
                choice=choice if question.choices else "",
            )
            for question in bank.questions
            if question.id in said or question.choices
        )
        interview = Interview(
            id=self.interview(person),
            key=f"{self.campaign}:{person_id(person)}",
            bank="midterm_review",
            person_id=person_id(person),
            language="en",
            state=InterviewState.FINISHED,
            created_at=NOW,
            changed_at=NOW,
            subject=self.milestone,
            office="CO-BEL",
            campaign=self.campaign,
            answers=answers,
            sent_at=NOW,
            begun_at=NOW,
        )
        await self.here.app.db.run(self._keep, interview)
        item = knowledge_item(interview, bank)
        if is_complete(item):
            app = self.here.app
            await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)

    def _keep(self, c: Connection, interview: Interview) -> None:
        campaigns.add_person(
            c, self.campaign, interview.person_id, key=f"k:{interview.id}", language="en", at=NOW
        )
        campaigns.stop(c, interview.person_id, self.campaign, outcome=Outcome.ANSWERED, at=NOW)
        store.create(
            c,
            interview_id=interview.id,
            key=interview.key,
            person_id=interview.person_id,
            bank_id=interview.bank,
            subject=interview.subject,
            language="en",
            state=interview.state,
            data={},
            at=NOW,
        )
        interviews.keep(c, replace(interview, version=1))

    async def agreed(self) -> None:
        """Three people send much the same, one of them with a story and one denied by a fourth."""
        for person in STORIES:
            await self.agrees(person)
        await self.sent("ben", headline=DENIED, story="The roads were closed for weeks.")

    async def agrees(self, person: str, *, everyone: tuple[str, ...] = ()) -> None:
        """One of the three: ann, sue or sam."""
        text = CHOSE_THE_DAY[list(STORIES).index(person)]
        await self.sent(person, everyone=everyone, headline=text, story=STORIES[person])

    async def looks(self) -> None:
        """What the look of every minute does, with the jobs it begins."""
        jobs = self.here.app.jobs
        service.open_desk(self.desk)
        headline_choice.open_desk(self.desk)
        for name in (service.FIND, headline_choice.CARRY_OUT):
            await jobs._ticks[name]()  # type: ignore[attr-defined]
        await self.works()

    async def works(self) -> None:
        jobs = self.here.app.jobs
        service.open_desk(self.desk)
        headline_choice.open_desk(self.desk)
        for job in await self.here.app.db.run(jobs.list_):
            if job.name in {service.FIND, headline_choice.CARRY_OUT} and job.state == "waiting":
                await jobs._work[job.name][0](job.args)  # type: ignore[attr-defined]
                await self.here.app.db.run(jobs.cancel, job.key)

    async def told(self) -> list[Message]:
        rows = await self.here.app.db.run(outbox.list_)
        return [row.message for row in rows if row.message.card == service.CARD]

    async def items(self) -> Mapping[str, Mapping[str, Any]]:
        """The rows of the list, by the id of the item."""
        place = await self.list_of(KNOWLEDGE.title)
        rows = [row async for row in lists.list_items(self.here.app.graph, *place)]
        return {from_fields(row.fields).id: {**row.fields, "id": row.id} for row in rows}

    async def edits(self, item_id: str, **fields: Any) -> None:
        row = (await self.items())[item_id]
        await lists.update_fields(
            self.here.app.graph, *await self.list_of(KNOWLEDGE.title), row["id"], fields
        )

    def later(self, **time: float) -> None:
        self.at += timedelta(**time)
