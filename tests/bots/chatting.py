"""A chat with the bot, without Teams: says and presses things, and reads what it hears."""

import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft6Validator
from km365_bots.around import Surroundings
from km365_bots.cards import LARGEST_BYTES, render, size_bytes
from km365_bots.chat import Parts, Reader
from km365_bots.conversation import compose, compose_now, respond
from km365_bots.topics import Topic

from km365.core.around import Around
from km365.core.chat import Card, Event, EventKind, Reply
from km365.core.interviews import Interview
from km365.core.keepout import KeepOut
from km365.core.questions import Bank
from km365.core.schedule import Plan
from km365.documents.coach import CoachWords
from km365.documents.messages import Catalogue
from km365.documents.questions import Banks
from km365.documents.words import Words
from km365.errors import GraphUnreachable
from km365.jobs import Jobs, JobState, open_jobs
from km365.services import interview as service
from km365.services.handing_on import Begin, Desk, hand_on
from km365.services.interview import HAND_ON
from km365.store import campaigns, outbox
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.store.outbox import Message
from km365.templates import Templates

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEMPLATES = Templates()
CATALOGUE = Catalogue(TEMPLATES)
LABELS = Words.read(TEMPLATES, "cards/labels")
SCHEMA = Draft6Validator(
    json.loads((Path(__file__).parent.parent / "data" / "adaptive-card-schema.json").read_text("utf-8"))
)
_VALIDATED: set[tuple[str, str]] = set()
"""Cards held against the schema once for each kind and language, which is slow."""
_RUNS = (itertools.count(start) for start in itertools.count(0, 1000))
"""No two chats name their activities alike, as no two do in Teams."""
BANKS = Banks(TEMPLATES)
STORY = "We expected forty schools by March and reached nine, because the lorries came after the rains."
ANSWERS = {
    "story": STORY,
    "setting": "Two northern districts, in the rainy season, with one partner and little fuel.",
    "cause": "We ordered in January as always; the road closes in February, as drivers could have told us.",
    "advice": "Ask the drivers before you order, and order before the end of the year.",
    "limits": "Where roads stay open all year it would only bind money early.",
    "evidence": "The waybills of January to March and the monitor's visit of 3 March.",
    "headline": "Order before the year ends where the road closes with the rains",
}
"""What somebody answers who answers everything, by question."""


class Closed(Surroundings):
    """Nobody is known by name, and only its readers can open a filed note."""

    def of(self, interview: Interview) -> Around:
        return Around(closed=True)


@dataclass
class Office:
    """What the bot talks to behind the chat: a database, and a Microsoft 365 that keeps what it is sent."""

    db: Database
    sent: list[tuple[str, Interview]] = field(default_factory=list)
    languages: dict[str, str] = field(default_factory=dict)
    down: bool = False
    said: set[str] = field(default_factory=set)
    topics: Sequence[Topic] = ()
    members: Callable[[Event], Awaitable[Sequence[Reader]]] | None = None
    catalogue: Catalogue = CATALOGUE
    coach: CoachWords | None = None
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @cached_property
    def jobs(self) -> Jobs:
        return open_jobs(self.db)

    def parts(self) -> Parts:
        return Parts(
            db=self.db,
            jobs=self.jobs,
            banks=BANKS,
            catalogue=self.catalogue,
            secret=b"s" * 32,
            channels={kind: f"the {kind} people" for kind in KeepOut},
            profile_language=self.profile_language,
            new_id=lambda: f"i{next(self.numbers)}",
            topics=self.topics,
            coach=self.coach,
            around=Closed(),
            **({"members": self.members} if self.members else {}),
        )

    async def profile_language(self, person_id: str) -> str | None:
        return self.languages.get(person_id)

    async def submit(self, interview: Interview, bank: Bank, begin: Begin) -> str:
        return await self._keep("item", interview, begin)

    async def file_note(self, interview: Interview, bank: Bank, begin: Begin) -> str:
        return await self._keep("note", interview, begin)

    async def _keep(self, what: str, interview: Interview, begin: Begin) -> str:
        if self.down:
            raise GraphUnreachable("Nothing answers.")
        await begin()
        self.sent.append((what, interview))
        return f"https://sharepoint.example/{what}"

    async def works(self, *, at: datetime) -> list[Message]:
        """Hands on what was sent, as the runner does at once; returns what the bot then says by itself."""
        desk = Desk(
            db=self.db,
            jobs=self.jobs,
            banks=BANKS,
            submit=self.submit,
            file_note=self.file_note,
            now=lambda: at,
        )
        for job in await self.db.run(self.jobs.list_, state=JobState.WAITING):
            if job.name == HAND_ON:
                with contextlib.suppress(GraphUnreachable):
                    await hand_on(desk, job.args["interview"])
                    await self.db.run(self.jobs.cancel, job.key)
        new = [one.message for one in await self.db.run(outbox.list_) if one.message.key not in self.said]
        told = [one for one in new if one.card in {"handed_on", "not_handed_on"}]
        self.said |= {one.key for one in told}
        return told

    async def invites(
        self, person: str, *, bank: str, language: str = "en", due_on: date = date(2026, 3, 9)
    ) -> Message:
        """A campaign that has invited the person; its message."""
        return await invite(self.db, person, bank=bank, language=language, due_on=due_on)


async def invite(
    db: Database, person: str, *, bank: str, language: str = "en", due_on: date = date(2026, 3, 9)
) -> Message:
    """A campaign that has invited the person; its message."""
    kind = "departure" if bank == "handover" else "milestone"
    campaign = Campaign(
        id=f"{kind}:7",
        kind=kind,
        title="Ardania, mid-term review",
        due_on=due_on,
        plan=Plan(),
        data={"bank": bank, "milestone": "7", "office": "CO-ARD"},
    )
    message = Message(
        key=f"invite:7:{person}",
        person_id=person,
        card="invitation",
        data={**campaign.data, "subject": campaign.id, "title": campaign.title, "due_on": due_on.isoformat()},
        language=language,
        reason=kind,
    )
    await db.run(_invite, campaign, message)
    return message


def _invite(c: Connection, campaign: Campaign, message: Message) -> None:
    campaigns.create(c, campaign, at=MORNING)
    campaigns.add_person(
        c, campaign.id, message.person_id, key=message.key, language=message.language, at=MORNING
    )
    (mine,) = (p for p in campaigns.people(c, campaign.id) if p.person_id == message.person_id)
    asked = replace(mine.progress, sent=1, last_at=MORNING)
    campaigns.save(c, replace(mine, progress=asked), at=MORNING)
    outbox.put(c, message, at=MORNING)


@dataclass
class Chat:
    """One person's chat with the bot."""

    office: Office
    person: str = "ann"
    locale: str | None = None
    time_zone: str = ""
    replies: list[Reply] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    at: datetime = MORNING
    _numbers: "itertools.count[int]" = field(default_factory=lambda: next(_RUNS))

    async def says(self, text: str, *, activity: str = "") -> None:
        await self._event(EventKind.MESSAGE, activity, text=text)

    async def edits(self, text: str) -> None:
        """What was said before is made this."""
        await self._event(EventKind.MESSAGE, "", text=text, edited=True)

    async def presses(
        self, verb: str, inputs: dict[str, Any] | None = None, *, card: Card | None = None, activity: str = ""
    ) -> None:
        """A button of the newest card, or of `card`, with what was filled in."""
        pressed = card or self.cards[-1]
        value = {**pressed.action_data, "verb": verb, **(inputs or {})}
        await self._event(EventKind.SUBMIT, activity, value=value, reply_to="card")

    async def sends(self, value: dict[str, Any]) -> None:
        """Any data at all, as a card would send it."""
        await self._event(EventKind.SUBMIT, "", value=value, reply_to="card")

    async def says_in_a_group(self, text: str) -> None:
        await self._event(EventKind.MESSAGE, "", text=text, personal=False)

    async def is_installed(self) -> None:
        await self._event(EventKind.INSTALLED, "")

    async def is_removed(self) -> None:
        await self._event(EventKind.REMOVED, "")

    async def is_invited(self, bank: str = "midterm_review", language: str = "en", **more: date) -> None:
        message = await self.office.invites(self.person, bank=bank, language=language, **more)
        self._hear([compose(self.office.parts(), message)])

    async def hears_of(self, message: Message) -> None:
        """A message that the bot sends by itself."""
        self.at += timedelta(seconds=20)
        await self.office.db.run(outbox.put, message, at=self.at)
        self._hear([await compose_now(self.office.parts(), message)])

    def heard(self, *words: str) -> None:
        """The last replies hold these words."""
        said = "\n\n".join(reply.text for reply in self.replies)
        for wanted in words:
            assert wanted in said, f"not heard: {wanted!r}; heard: {said!r}"

    def not_heard(self, *words: str) -> None:
        said = "\n\n".join(reply.text for reply in self.replies)
        assert not [word for word in words if word in said]

    @property
    def card(self) -> Card:
        """The newest card with buttons."""
        return self.cards[-1]

    async def _event(self, kind: EventKind, activity: str, **what: Any) -> None:
        self.at += timedelta(seconds=20)
        event = Event(
            kind=kind,
            activity_id=activity or f"a{next(self._numbers)}",
            conversation_id=f"chat-{self.person}",
            person_id=self.person,
            tenant_id="tenant",
            at=self.at,
            locale=self.locale,
            time_zone=self.time_zone,
            **what,
        )
        replies = await respond(self.office.parts(), event)
        told = await self.office.works(at=self.at)
        self._hear([*replies, *(compose(self.office.parts(), message) for message in told)])

    def _hear(self, replies: list[Reply]) -> None:
        self.replies = replies
        for reply in replies:
            if reply.card:
                rendered = render(reply.card, LABELS, text=reply.text)
                assert size_bytes(rendered) <= LARGEST_BYTES
                if (reply.card.name, reply.card.language) not in _VALIDATED:
                    SCHEMA.validate({key: part for key, part in rendered.items() if key != "msteams"})
                    _VALIDATED.add((reply.card.name, reply.card.language))
        self.cards += [reply.card for reply in replies if reply.card and reply.card.token]


async def interview(office: Office, person: str = "ann") -> Interview:
    """The person's interview as it is kept."""
    turn = await service.current(office.db, BANKS, person, ended=True)
    assert turn is not None
    return turn.interview
