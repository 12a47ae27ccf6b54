"""One turn: an activity heard once, saved, acknowledged, answered. No Microsoft package is needed for it.

What was acknowledged is saved and answered: a message whose turn is cut short by a crash is not acknowledged,
so the channel brings it again, and the conversation, which knows it, only repeats its question. Two
activities of one conversation never overlap: within a process they queue (`Lines`), between processes the
desk lets one in at a time.
"""

import asyncio
import contextlib
import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol

from km365.core.chat import Card, Event, Reply
from km365.core.languages import best
from km365.documents.words import Words
from km365.errors import KM365Error, TemplateError
from km365_bots import cards
from km365_bots.activities import Incoming
from km365_bots.connector import Connector, ConversationGone, Json, TooLarge, Unreachable

_log = logging.getLogger("km365.bots.turn")

_CARD = "application/vnd.microsoft.card.adaptive"
_SAID = "application/vnd.microsoft.activity.message"

Frame = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Runs a turn inside whatever the SDK puts around one."""


class Heard(Enum):
    """What an activity is to the desk."""

    NOW = "now"  # new, and the conversation is ours until the turn has ended
    BEFORE = "before"  # answered before
    ELSEWHERE = "elsewhere"  # another process has a turn in this conversation: ask again in a moment


class Desk(Protocol):
    """What a turn asks of the rest of the bot."""

    async def received(self, incoming: Incoming, *, at: datetime) -> Heard:
        """Takes the conversation if it is free and the activity new, and notes where the person is."""

    async def respond(self, event: Event) -> list[Reply]:
        """The conversation's replies; what the person said is saved when this returns."""

    async def ended(self, incoming: Incoming, *, at: datetime, done: bool) -> None:
        """Frees the conversation; an activity that is done with is dropped when it comes again."""

    async def unreachable(self, incoming: Incoming, *, at: datetime) -> None:
        """Notes that Teams does not let us answer this person."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the HTTP request is answered with."""

    status: int
    body: Json | None = None


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """A turn under way. `safe` is set once what was said is saved, or the person told that it is not."""

    incoming: Incoming
    answer: asyncio.Future[Answer]
    safe: asyncio.Event


class Turns:
    """All turns under way."""

    def __init__(
        self,
        *,
        connector: Connector,
        desk: Desk,
        labels: Words,
        clock: Callable[[], datetime],
        acknowledge_after_s: float = 8.0,
        refuse_after_s: float = 14.0,
    ) -> None:
        self._connector = connector
        self._desk = desk
        self._labels = labels
        self._clock = clock
        self._acknowledge_after_s = acknowledge_after_s
        self._refuse_after_s = refuse_after_s
        self.lines = Lines()
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, incoming: Incoming, frame: Frame) -> Answer:
        """Begins the turn; returns when it is done (a card's button: when its card is), but in time.

        Teams brings again what is not acknowledged within 15 s. After `acknowledge_after_s` a turn goes on
        behind the answer if what was said is saved; what is not even saved after `refuse_after_s` is not
        acknowledged (503). An activity that comes again meanwhile waits for the first, and is then dropped.
        """
        taken = self._begin(incoming, frame)
        await asyncio.wait([taken.answer], timeout=self._acknowledge_after_s)
        if not taken.answer.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._refuse_after_s - self._acknowledge_after_s):
                    await taken.safe.wait()
        _settle(taken.answer, _quiet(incoming) if taken.safe.is_set() else Answer(status=503))
        return taken.answer.result()

    def _begin(self, incoming: Incoming, frame: Frame) -> _Taken:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        taken = _Taken(incoming=incoming, answer=answer, safe=asyncio.Event())

        async def logic() -> None:
            async with self.lines.of(incoming.conversation_id):
                await self._turn(taken)

        async def run() -> None:
            try:
                await frame(logic)
            except Exception as error:
                _record(error)
            finally:
                _settle(answer, Answer(status=503))

        task = asyncio.create_task(run())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return taken

    async def close(self, *, within_s: float = 20.0) -> None:
        """Lets turns under way end. What does not end in time is broken off."""
        if self._under_way:
            _, left = await asyncio.wait(self._under_way, timeout=within_s)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _turn(self, taken: _Taken) -> None:
        """One turn, holding the conversation: hear, save, reply, and only then note it as done."""
        incoming, heard, done = taken.incoming, Heard.BEFORE, False
        try:
            try:
                heard = await self._hear(incoming)
                replies = await self._replies(incoming) if heard is Heard.NOW else []
                saved = True
            except Exception as error:  # told in a sentence; the log gets no word of the person's
                reference, saved = _record(error), False
                words = self._labels.get(best([incoming.locale]), "went_wrong", reference=reference)
                replies = [Reply(text=words)]
            taken.safe.set()
            await self._say(incoming, self._answer_request(incoming, replies, taken.answer))
            done = saved
            _settle(taken.answer, Answer(status=202))
        finally:
            if heard is Heard.NOW:
                await self._desk.ended(incoming, at=self._clock(), done=done)

    async def _hear(self, incoming: Incoming) -> Heard:
        """Waits while another process has the conversation: until it has answered, or is dead a moment."""
        wait_s = 0.02
        while (heard := await self._desk.received(incoming, at=self._clock())) is Heard.ELSEWHERE:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, 0.25)
        return heard

    async def _replies(self, incoming: Incoming) -> list[Reply]:
        """What the conversation answers."""
        event = incoming.event(self._clock())
        return [] if event is None else await self._desk.respond(event)

    async def _say(self, incoming: Incoming, replies: list[Reply]) -> None:
        """Sends the replies in order. One that is not delivered is logged; what the person said is saved."""
        try:
            for reply in replies:
                await self._send(incoming, reply)
        except Unreachable:
            if incoming.is_personal:  # a group that lets nothing through says nothing about the person
                await self._desk.unreachable(incoming, at=self._clock())
        except KM365Error as error:
            _log.error("A reply was not delivered: %s", error)

    def _answer_request(
        self, incoming: Incoming, replies: list[Reply], answer: asyncio.Future[Answer]
    ) -> list[Reply]:
        """Answers a card's button with the card that takes its place; returns the replies left to send.

        The answer is seen by the one who pressed alone: so a word aside is said in it, and where others read
        along the card is replaced for them as well.
        """
        if not incoming.is_action:
            return replies
        if aside := next((reply for reply in replies if reply.aside), None):
            _settle(answer, _invoke_answer(_SAID, aside.text))
            return [reply for reply in replies if reply is not aside]
        instead = next((reply for reply in replies if reply.replaces), None)
        if instead is None or answer.done():
            _settle(answer, _quiet(incoming))
            return replies
        _settle(answer, _replaced_by(self._rendered(incoming, instead, always=True)))
        return [reply for reply in replies if reply is not instead or not incoming.is_personal]

    async def _send(self, incoming: Incoming, reply: Reply) -> None:
        """Sends one reply: a card in the place of an older one, a new card, or text when no card will do."""
        card = self._rendered(incoming, reply, always=bool(reply.replaces))
        where, tenant_id = (incoming.service_url, incoming.conversation_id), incoming.tenant_id
        language = reply.card.language if reply.card else best([incoming.locale])
        if card is not None:
            activity = message(reply.text, card, language=language)
            with contextlib.suppress(TooLarge):
                if reply.replaces:
                    with contextlib.suppress(ConversationGone):  # the older card was deleted: send a new one
                        await self._connector.update(*where, reply.replaces, activity, tenant_id=tenant_id)
                        return
                await self._connector.send(*where, activity, tenant_id=tenant_id)
                return
        for portion in portions(reply.text):
            activity = message(portion, None, language=language)
            await self._connector.send(*where, activity, tenant_id=tenant_id)

    def _rendered(self, incoming: Incoming, reply: Reply, *, always: bool) -> Json | None:
        """The reply's card; for one without, a card that only says its text if `always`, else None."""
        card = reply.card
        if card is None and always:
            card = Card(name="notice", data={"text": reply.text}, language=best([incoming.locale]))
        try:
            return cards.render(card, self._labels, text=reply.text) if card else None
        except TemplateError as error:
            _log.error("A reply went out as text: %s", error)
            return None


def message(text: str, card: Json | None, *, language: str) -> Json:
    """A message activity. With a card the text is only its summary, for notifications and screen readers."""
    activity: Json = {"type": "message", "locale": language}
    if card is None:
        return activity | {"text": text, "textFormat": "plain"}
    first = next((line for line in text.splitlines() if line.strip()), "")
    return activity | {"summary": first[:200], "attachments": [cards.attachment(card)]}


def portions(text: str, *, longest: int = 15_000) -> list[str]:
    """The text in messages that Teams takes, cut between paragraphs, else between words; nothing is lost."""
    rest, found = text, []
    while len(rest) > longest:
        at = max(rest.rfind("\n", 1, longest), 0) or max(rest.rfind(" ", 1, longest), 0) or longest
        found.append(rest[:at])
        rest = rest[at:]
    return [*found, rest]


class Lines:
    """One lock a conversation, kept only while somebody holds or waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, conversation_id: str) -> AsyncIterator[None]:
        """The conversation to oneself, first come, first served."""
        lock, waiting = self._locks.get(conversation_id, (asyncio.Lock(), 0))
        self._locks[conversation_id] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks[conversation_id]
            if waiting == 1:
                del self._locks[conversation_id]
            else:
                self._locks[conversation_id] = (lock, waiting - 1)


def _settle(answer: asyncio.Future[Answer], value: Answer) -> None:
    if not answer.done():
        answer.set_result(value)


def _quiet(incoming: Incoming) -> Answer:
    """Heard, nothing to show: duplicates, and turns that go on after the answer."""
    return _invoke_answer(_SAID, "") if incoming.is_action else Answer(status=202)


def _replaced_by(card: Json | None) -> Answer:
    return _invoke_answer(_CARD, card) if card else _invoke_answer(_SAID, "")


def _invoke_answer(kind: str, value: object) -> Answer:
    return Answer(status=200, body={"statusCode": 200, "type": kind, "value": value})


def _record(error: BaseException) -> str:
    """Logs where it happened; returns the reference."""
    reference = secrets.token_hex(4)
    _log.error("A turn failed, reference %s: %s", reference, whereabouts(error))
    return reference


def whereabouts(error: BaseException) -> str:
    """The kind of error and where it happened, without its text (it may quote a person)."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames[-6:]))
    return f"{type(error).__name__} at {where}"
