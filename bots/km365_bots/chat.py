"""One chat with one person: who speaks, in which language, what is kept of it, and how km365 answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from km365.core.around import by_name, together
from km365.core.chat import Event, EventKind, Reply
from km365.core.commands import Understood, understand
from km365.core.interviews import Interview
from km365.core.keepout import KeepOut, keep_out
from km365.core.languages import best
from km365.core.preferences import Preferences, hours_for, zone_of
from km365.core.schedule import ALWAYS, Hours
from km365.documents.coach import CoachWords
from km365.documents.messages import Catalogue
from km365.documents.questions import Banks
from km365.errors import ChangedMeanwhile
from km365.jobs.port import Jobs
from km365.services.preferences import leave_alone
from km365.store import conversations, duty_stations, preferences
from km365.store.conversations import Conversation
from km365.store.database import Connection, Database
from km365_bots.around import Surroundings
from km365_bots.speech import Speech

if TYPE_CHECKING:
    from km365_bots.topics import Topic


LEFT_ALONE = "left_alone"
"""Where the state of a chat notes since when (`at`) the person is asked nothing."""
WAITING = "waiting"
"""Where the state of a chat holds what a topic waits for: its name, what it keeps, and since when (`at`).

Whatever in a chat's state has an `at` is a person's, and is dropped within a day (`services/housekeeping`).
"""
_LOOKED_AT_HERE = 4_000
"""Characters. A longer text is looked at in a thread, so that nobody else waits meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody who reads along in a group. An `outsider` is a guest, or of another organisation."""

    person_id: str
    name: str
    outsider: bool = False


async def _nobody(_: Event) -> Sequence[Reader]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a conversation needs. `channels` says where to point people with what is not kept here."""

    db: Database
    jobs: Jobs
    banks: Banks
    catalogue: Catalogue
    secret: bytes
    """Signs cards (`store.secrets`)."""
    channels: Mapping[KeepOut, str]
    profile_language: Callable[[str], Awaitable[str | None]]
    """The language in a person's profile, by their id."""
    new_id: Callable[[], str]
    topics: Sequence["Topic"] = ()
    coach: CoachWords | None = None
    members: Callable[[Event], Awaitable[Sequence[Reader]]] = _nobody
    """Who reads along where it was said; raises KM365Error where Teams does not tell."""
    around: Surroundings = field(default_factory=Surroundings)
    """Who is around the people who are interviewed."""
    hours: Hours = ALWAYS
    """When people are written to who have chosen nothing."""


@dataclass(frozen=True, kw_only=True)
class Chat:
    """One turn of one chat, with what it needs at hand."""

    parts: Parts
    event: Event
    state: Mapping[str, Any]
    language: str
    hours: Hours
    """When this person is written to, on their own clock."""
    text_only: bool = False
    """Whether the person wants no cards."""

    @property
    def speech(self) -> Speech:
        """km365 speaking the language of this chat."""
        return self.speaking(self.language)

    def speaking(self, language: str) -> Speech:
        """km365 speaking that language."""
        messages = self.parts.catalogue.get(language)
        secret, person, coach = self.parts.secret, self.event.cards_for, self.parts.coach
        return Speech(messages=messages, secret=secret, person_id=person, coach=coach)

    def about(self, interview: Interview) -> Speech:
        """km365 speaking of an interview in its language: who reads an answer is said by name."""
        speech, around = self.speaking(interview.language), self.parts.around.of(interview)
        named = by_name(speech.messages, around, interview.named)
        waiting = interview.confirming.readers if interview.confirming else ()
        return replace(speech, messages=named, naming=together(named, around, waiting) if waiting else "")

    @property
    def activity_key(self) -> str:
        """The activity, named within its chat, where alone its id is unique; empty if it has none."""
        event = self.event
        return f"{event.conversation_id}/{event.activity_id}" if event.activity_id else ""

    def understood(self) -> Understood | None:
        """The command that was typed, or None where it is somebody's own words."""
        return understand(self.event.text, self.parts.catalogue.vocabulary, language=self.language)

    async def keeps_out(self, *texts: str) -> KeepOut | None:
        """Why these words belong to another channel, if they do.

        Whoever is in distress is left alone from now on: nothing is asked, until they say that they go on.
        """
        text, words = "\n".join(texts), self.parts.catalogue.keep_out
        here = len(text) <= _LOOKED_AT_HERE
        found = keep_out(text, words) if here else await asyncio.to_thread(keep_out, text, words)
        if found is KeepOut.DISTRESS and self.event.personal:
            await leave_alone(self.parts.db, self.event.person_id, now=self.event.at)
            await self.remember(**{LEFT_ALONE: {"at": self.event.at.isoformat()}})
        return found

    def kept_out(self, refusal: KeepOut) -> Reply:
        """Points to the right channel."""
        return self.speech.say(f"keep_out.{refusal}", channel=self.parts.channels[refusal])

    def in_place(self, reply: Reply) -> Reply:
        """The reply in the place of the card that was pressed, if one was."""
        pressed = self.event.kind is EventKind.SUBMIT
        return replace(reply, replaces=self.event.reply_to) if pressed and self.event.reply_to else reply

    async def wait_for(self, topic: str, kept: Mapping[str, Any]) -> None:
        """Offers what is typed next to the topic first, which finds `kept` again in `state[WAITING]`."""
        await self.remember(**{WAITING: {**kept, "topic": topic, "at": self.event.at.isoformat()}})

    async def remember(self, **changes: object) -> None:
        """Keeps something about this chat, over whatever another turn may have kept meanwhile."""

        def save(c: Connection) -> None:
            now = conversations.get(c, self.event.conversation_id)
            state = {**(now.state if now else {}), **changes}
            version = now.version if now else 0
            conversations.save(c, self.event.conversation_id, state, version, at=self.event.at)

        try:
            await self.parts.db.run(save)
        except ChangedMeanwhile:
            await self.parts.db.run(save)


async def open_chat(parts: Parts, event: Event) -> Chat:
    """The chat with its language: chosen here, else the profile's, else the activity's."""
    stored, chosen, hours = await parts.db.run(_known, event, parts.hours)
    language = chosen.language or best([await parts.profile_language(event.person_id), event.locale])
    return Chat(
        parts=parts,
        event=event,
        state=stored.state if stored else {},
        language=language,
        hours=_here(hours, event, chosen),
        text_only=chosen.text_only,
    )


def _here(hours: Hours, event: Event, chosen: Preferences) -> Hours:
    """The person's hours; who has named no time zone has that of the device they write on."""
    here = None if chosen.zone else zone_of(event.time_zone)
    return replace(hours, zone=here) if here else hours


def _known(c: Connection, event: Event, hours: Hours) -> tuple[Conversation | None, Preferences, Hours]:
    """The chat as it was left, what the person chose, and their hours."""
    chosen = preferences.get(c, event.person_id)
    theirs = hours_for(chosen, hours.of(duty_stations.office_of(c, event.person_id)))
    return conversations.get(c, event.conversation_id), chosen, theirs
