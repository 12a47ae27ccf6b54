"""A group of people who chat with the bot, together and each alone, without Teams."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from km365_bots.cards import render
from km365_bots.chat import Parts, Reader
from km365_bots.conversation import compose, respond
from km365_bots.group_speech import to_group
from km365_bots.topics.group import GroupReflections

from km365.core.chat import Card, Event, EventKind, Reply
from km365.core.schedule import Hours
from km365.jobs import JobState
from km365.services import prompts
from km365.services.group_reflection import GROUP, open_desk
from km365.services.interview import LOOK
from km365.store import outbox
from km365.store.outbox import Delivery, Message

from .chatting import BANKS, LABELS, MORNING, SCHEMA, Chat, Office

HOURS = Hours(zone=UTC)
PEOPLE = ("ann", "bob", "cleo", "dina")


@dataclass
class Group:
    """A group chat, what was posted to it, and everybody's own chat."""

    office: Office
    readers: Sequence[Reader]
    id: str = "19:group@thread.v2"
    at: datetime = MORNING
    replies: list[Reply] = field(default_factory=list)
    posts: list[Reply] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    chats: dict[str, Chat] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(5_000))

    def __post_init__(self) -> None:
        self.office.topics = [*self.office.topics, GroupReflections(HOURS)]
        self.office.members = self.members
        open_desk(self.office.db, BANKS, self.office.jobs, lambda: self.at)

    async def members(self, _: Event) -> Sequence[Reader]:
        return self.readers

    def parts(self) -> Parts:
        return self.office.parts()

    def chat(self, person: str) -> Chat:
        """The person's own chat with the bot."""
        return self.chats.setdefault(person, Chat(office=self.office, person=person))

    async def says(self, person: str, text: str, *, mentioned: bool = True, activity: str = "") -> None:
        """Somebody types something in the group."""
        await self._event(person, EventKind.MESSAGE, activity, text=text, mentioned=mentioned)

    async def presses(self, person: str, verb: str, inputs: dict[str, str] | None = None) -> None:
        """Somebody presses a button of the group's newest card."""
        value = {**self.cards[-1].action_data, "verb": verb, **(inputs or {})}
        await self._event(person, EventKind.SUBMIT, "", value=value, reply_to="card")

    async def _event(self, person: str, kind: EventKind, activity: str, **what: Any) -> None:
        self.at += timedelta(seconds=20)
        event = Event(
            kind=kind,
            activity_id=activity or f"g{next(self.numbers)}",
            conversation_id=self.id,
            person_id=person,
            tenant_id="tenant",
            at=self.at,
            personal=False,
            service_url="https://teams.example",
            roster=self.id,
            **what,
        )
        self.replies = await respond(self.parts(), event)
        for reply in self.replies:
            self._look_at(reply)

    def _look_at(self, reply: Reply) -> None:
        if reply.card:
            rendered = render(reply.card, LABELS, text=reply.text)
            SCHEMA.validate({key: part for key, part in rendered.items() if key != "msteams"})
            if reply.card.data.get("buttons"):
                self.cards.append(reply.card)

    def heard(self, *words: str) -> None:
        """The last replies in the group hold these words."""
        said = "\n\n".join(reply.text for reply in self.replies)
        for wanted in words:
            assert wanted in said, f"not heard: {wanted!r}; heard: {said!r}"

    async def time_passes(self, to: datetime | None = None) -> list[Message]:
        """The runner does what is due: people are asked, what was closed is posted. What was sent."""
        self.at = to or self.at + timedelta(minutes=1)
        db, jobs = self.office.db, self.office.jobs
        await prompts.send_due(db, jobs, HOURS, now=self.at)
        await jobs._ticks[LOOK]()  # type: ignore[attr-defined]
        for job in await db.run(jobs.list_, state=JobState.WAITING):
            if job.name == LOOK:
                await jobs._work[LOOK][0](job.args)  # type: ignore[attr-defined]
                await db.run(jobs.cancel, job.key)
        sent = []
        for row in await db.run(outbox.list_, state=Delivery.WAITING):
            if row.due_at <= self.at:
                await db.run(outbox.claim, row.message.key, at=self.at)
                await db.run(outbox.sent, row.message.key, activity_id=None, at=self.at)
                sent.append(row.message)
                await self._hear(row.message)
        return sent

    async def _hear(self, message: Message) -> None:
        if message.person_id.startswith(GROUP):
            reply = await to_group(self.parts(), message, self.at)
            self.posts.append(reply)
            self._look_at(reply)
        else:
            self.chat(message.person_id)._hear([compose(self.parts(), message)])

    async def answers(self, person: str, *said: str) -> None:
        """Somebody takes the invitation, agrees and answers in their own chat; then hands in."""
        chat = self.chat(person)
        chat.at = max(chat.at, self.at)
        await chat.says("start")
        await chat.says("yes")
        for text in said:
            await chat.says(text)
        await chat.says("send")
