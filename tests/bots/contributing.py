"""A person who contributes, their office's list and the focal point in it, over a small Microsoft 365."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from km365_bots.chat import Parts
from km365_bots.conversation import compose, respond

from km365.core.audience import Audience, Reader
from km365.core.chat import Card, Event, EventKind, Reply
from km365.core.contributions import Wish
from km365.core.moves import Move
from km365.core.said import Said, Verb
from km365.graph import lists
from km365.services import capture, life
from km365.services import interview as service
from km365.services.handing_on import HAND_ON
from km365.services.interview import Subject
from km365.services.life import LifeDesk, Wanted
from km365.services.wishes import CARRY_OUT, WishDesk
from km365.store import outbox, preferences
from km365.store import wishes as kept_wishes
from km365.store.outbox import Message

from ..conftest import Provisioned, person_id
from .chatting import MORNING

STORY = "Three pumps stood still for a month, because the parts waited at the border."
ROLE = "The job became mostly procurement, with a letter to the districts every April."
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")


@dataclass
class Contributing:
    """Ann's chat, her office's list, and the focal point in it."""

    here: Provisioned
    parts: Parts
    person: str = "ann"
    language: str = "en"
    replies: list[Reply] = field(default_factory=list)
    card: Card | None = None
    number: int = 0

    @property
    def at(self) -> Any:
        return MORNING + timedelta(seconds=20 * self.number)

    async def says(self, text: str, *, activity: str = "") -> None:
        await self._hears(EventKind.MESSAGE, activity, text=text)

    async def presses(self, verb: str, inputs: dict[str, str] | None = None) -> None:
        assert self.card is not None
        value = {**self.card.action_data, "verb": verb, **(inputs or {})}
        await self._hears(EventKind.SUBMIT, "", value=value, reply_to="card")

    async def sends(self, value: dict[str, str]) -> None:
        await self._hears(EventKind.SUBMIT, "", value=value, reply_to="card")

    async def _hears(self, kind: EventKind, activity: str, **what: Any) -> None:
        self.number += 1
        event = Event(
            kind=kind,
            activity_id=activity or f"{self.person}{self.number}",
            conversation_id=f"chat-{self.person}",
            person_id=person_id(self.person),
            tenant_id="t",
            at=self.at,
            locale=self.language,
            **what,
        )
        self.replies = await respond(self.parts, event)
        self.card = next((reply.card for reply in reversed(self.replies) if reply.card), None)

    def heard(self, *words: str) -> None:
        said = "\n\n".join(reply.text for reply in self.replies)
        for wanted in words:
            assert wanted in said, f"not heard: {wanted!r}; heard: {said!r}"

    def not_heard(self, *words: str) -> None:
        said = "\n\n".join(reply.text for reply in self.replies)
        assert not [word for word in words if word in said]

    async def contributes(
        self,
        name: str = "i1",
        *,
        bank: str = "midterm_review",
        send: bool = True,
        everyone: bool = False,
        **answers: str,
    ) -> None:
        """An interview of this person, sent and where it belongs; for `everyone` in the organisation."""
        app = self.here.app
        subject = Subject(
            key=f"{bank}:{name}", bank=bank, title="Pumps", office="CO-BEL", due_on=MORNING.date()
        )
        await service.start(
            app.db,
            self.parts.banks,
            app.jobs,
            person_id=person_id(self.person),
            subject=subject,
            language=self.language,
            said=Said(verb=Verb.START),
            now=self.at,
            new_id=lambda: name,
        )
        if bank == "handover":
            await self._turn(name, Verb.AGREE)
        for question, text in (answers or {"story": STORY, "headline": "Send parts early"}).items():
            await self._turn(name, Verb.ANSWER, text=text, question=question)
        if everyone:
            await self._turn(name, Verb.AUDIENCE, question="story", audience=Audience.EVERYONE)
            await self._turn(name, Verb.YES)
        if send:
            await self._turn(name, Verb.DRAFT)
            await self._turn(name, Verb.SEND)
            await self.works()

    async def _turn(self, name: str, verb: Verb, **what: Any) -> None:
        self.number += 1
        said = Said(verb=verb, **what)
        app = self.here.app
        turn = await service.get(app.db, self.parts.banks, name, person_id=person_id(self.person))
        await service.take(app.db, self.parts.banks, app.jobs, turn.interview, said, now=self.at)

    async def works(self) -> None:
        """Runs the jobs that hand on and carry out; what the bot then says to this person was heard."""
        jobs = self.here.app.jobs
        before = {one.key for one in await self.told()}
        for job in await self.here.app.db.run(jobs.list_):
            if job.name in {HAND_ON, CARRY_OUT} and job.state == "waiting":
                await jobs._work[job.name][0](job.args)  # type: ignore[attr-defined]
                await self.here.app.db.run(jobs.cancel, job.key)
        mine = person_id(self.person)
        new = [one for one in await self.told() if one.key not in before and one.person_id == mine]
        if new:
            self.replies = [compose(self.parts, one) for one in new]

    async def told(self, person: str = "") -> list[Message]:
        rows = await self.here.app.db.run(outbox.list_)
        return [row.message for row in rows if not person or row.message.person_id == person_id(person)]

    async def settled(self) -> list[Message]:
        """What this person was told of their wishes."""
        return [one for one in await self.told(self.person) if one.card == "wish_settled"]

    async def items(self) -> dict[str, dict[str, Any]]:
        app = self.here.app
        place = await capture.knowledge_list(app.graph, app.settings)
        rows = lists.list_items(app.graph, place.site_id, place.list_id)
        return {row.fields["KMId"]: row.fields async for row in rows}

    async def edits(self, item_id: str = "KM-i1", **fields: str) -> None:
        """Somebody else edits the list by hand."""
        app = self.here.app
        place = await capture.knowledge_list(app.graph, app.settings)
        row = await capture.find(app.graph, place, item_id)
        await lists.update_fields(app.graph, place.site_id, place.list_id, row.id, fields)

    async def decides(self, decision: Move, reason: str = "") -> None:
        app = self.here.app
        desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
        await life.make(desk, "KM-i1", Wanted(move=decision, reader=BEN, words=reason), at=self.at)

    async def wish(self, kind: str, item_id: str = "KM-i1") -> Wish | None:
        return await self.here.app.db.run(kept_wishes.get, item_id, kind)

    @property
    def desk(self) -> WishDesk:
        app = self.here.app
        return WishDesk(
            graph=app.graph,
            db=app.db,
            jobs=app.jobs,
            settings=app.settings,
            banks=self.parts.banks,
            now=lambda: self.at,
        )


def speaks(c: Any, person: str, language: str) -> None:
    """The person chooses this language."""
    preferences.put_language(c, person_id(person), language, at=MORNING)
