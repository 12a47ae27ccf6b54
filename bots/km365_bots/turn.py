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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

from km365.core.chat import Card, Event, Reply
from km365.core.languages import best
from km365.documents.words import Words
from km365.errors import KM365Error, TemplateError
from km365.jobs import Jobs
from km365.store.replies import Place
from km365_bots import cards
from km365_bots.activities import Incoming
from km365_bots.connector import Connector, ConversationGone, Json, NotSent, Unreachable
from km365_bots.outgoing import Outgoing, message, texts
from km365_bots.replies import SAY_LATER, Replies
from km365_bots.saying import Saying, attempt

_log = logging.getLogger("km365.bots.turn")

_CARD = "application/vnd.microsoft.card.adaptive"
_SAID = "application/vnd.microsoft.activity.message"

Frame = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Runs a turn inside whatever the SDK puts around one."""


class Heard(Enum):
    """What an activity is to the desk."""

    NOW = "now"  # new, and the conversation is ours until the turn has ended
    BEHIND = "behind"  # the same, but replies to what was said before still wait
    BEFORE = "before"  # answered before
    ELSEWHERE = "elsewhere"  # another process has a turn in this conversation: ask again in a moment


_OURS = frozenset({Heard.NOW, Heard.BEHIND})
_LATER_S = 5.0
"""How long the conversation is held to say what waits in it; a person may be about to say something."""


class Desk(Protocol):
    """What a turn asks of the rest of the bot."""

    replies: Replies
    """What could not be said yet."""

    async def received(self, incoming: Incoming, *, at: datetime) -> Heard:
        """Takes the conversation if it is free and the activity new, and notes where the person is."""

    async def respond(self, event: Event) -> list[Reply]:
        """The conversation's replies; what the person said is saved when this returns."""

    async def ended(self, incoming: Incoming, *, at: datetime, done: bool) -> None:
        """Frees the conversation; an activity that is done with is dropped when it comes again."""

    def alone(self, conversation_id: str) -> AbstractAsyncContextManager[bool]:
        """The conversation between two turns; False where somebody has a turn in it."""

    async def unreachable(self, person_id: str, *, at: datetime) -> None:
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
    saying: Saying


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

    async def begin(self, jobs: Jobs) -> None:
        """Registers the job that says what waits, and the look of every minute for it; looks at once."""

        async def say(args: Mapping[str, str]) -> None:
            await self.say_later(args["conversation"])

        async def look() -> None:
            await self._desk.replies.take_up(at=self._clock())

        jobs.register(SAY_LATER, say)
        jobs.every_minute("replies", look)
        await look()

    async def take(self, incoming: Incoming, frame: Frame) -> Answer:
        """Begins the turn; returns when it is done (a card's button: when its card is), but in time.

        Teams brings again what is not acknowledged within 15 s. After `acknowledge_after_s` a turn goes on
        behind the answer if what was said is saved, what is still to be said being kept; what is not even
        saved after `refuse_after_s` is not acknowledged (503). An activity that comes again meanwhile waits
        for the first, and is then dropped.
        """
        taken = self._begin(incoming, frame)
        await asyncio.wait([taken.answer], timeout=self._acknowledge_after_s)
        if not taken.answer.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._refuse_after_s - self._acknowledge_after_s):
                    await taken.safe.wait()
            if not taken.answer.done():
                _settle(taken.answer, await self._acknowledgement(taken))
        return taken.answer.result()

    async def _acknowledgement(self, taken: _Taken) -> Answer:
        if not taken.safe.is_set():
            return Answer(status=503)
        try:
            await taken.saying.keep()
        except KM365Error as error:
            _log.error("Replies could not be kept: %s", error)
            return Answer(status=503)
        return _quiet(taken.incoming)

    def _begin(self, incoming: Incoming, frame: Frame) -> _Taken:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        saying = Saying(self._connector, self._desk.replies, _place(incoming), self._clock)
        taken = _Taken(incoming=incoming, answer=answer, safe=asyncio.Event(), saying=saying)

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
        """One turn, holding the conversation: hear, save, reply, and only then note it as done.

        Replies are kept first where the activity is answered before they are sent, or where others wait.
        """
        incoming, heard, done, saying = taken.incoming, Heard.BEFORE, False, taken.saying
        try:
            try:
                heard = await self._hear(incoming)
                replies = await self._replies(incoming, heard) if heard in _OURS else []
                saved = True
            except Exception as error:  # told in a sentence; the log gets no word of the person's
                reference, saved = _record(error), False
                words = self._labels.get(best([incoming.locale]), "went_wrong", reference=reference)
                replies = [Reply(text=words)]
            saying.key = incoming.key if saved else ""
            answer, left = self._answer_request(incoming, replies, taken.answer)
            saying.add(self._messages(incoming, left))
            if answer is not None or heard is Heard.BEHIND:
                await saying.keep()
            taken.safe.set()
            if answer is not None:
                _settle(taken.answer, answer)
            await self._say(incoming, saying)
            done = saved
            _settle(taken.answer, Answer(status=202))
        finally:
            if heard in _OURS:
                await self._desk.ended(incoming, at=self._clock(), done=done)

    async def _hear(self, incoming: Incoming) -> Heard:
        """Waits while another process has the conversation: until it has answered, or is dead a moment."""
        wait_s = 0.02
        while (heard := await self._desk.received(incoming, at=self._clock())) is Heard.ELSEWHERE:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, 0.25)
        return heard

    async def _replies(self, incoming: Incoming, heard: Heard) -> list[Reply]:
        """What the conversation answers."""
        event = incoming.event(self._clock())
        if event is None:
            return []
        return await self._desk.respond(replace(event, unheard=heard is Heard.BEHIND))

    async def _say(self, incoming: Incoming, saying: Saying) -> None:
        """Sends the replies in order, after those that waited. What the person said is saved."""
        try:
            await saying.run()
        except (Unreachable, ConversationGone) as error:
            await self._nobody_there(_place(incoming), error)
            return
        if saying.kept:
            await self._say_kept(incoming.conversation_id, present=True)

    async def say_later(self, conversation_id: str) -> None:
        """Says what waits in the conversation, unless somebody has a turn there: then that turn does."""
        async with self.lines.of(conversation_id), self._desk.alone(conversation_id) as free:
            if free:
                await self._say_kept(conversation_id, present=False)

    async def _say_kept(self, conversation_id: str, *, present: bool) -> None:
        """Says what waits, in order, until nothing is due any more or Teams asks to wait."""
        replies, until = self._desk.replies, asyncio.get_running_loop().time() + _LATER_S
        while left := await replies.next(conversation_id, at=self._clock(), present=present):
            try:
                out = Outgoing.from_json(left.said[0])
                instead = await attempt(self._connector, replies, left.place, out, at=self._clock())
            except NotSent as error:
                await replies.put_back(left, error, at=self._clock())
                return
            except (Unreachable, ConversationGone) as error:
                await self._nobody_there(left.place, error)
                return
            await replies.said(left, instead=instead)
            if not present and asyncio.get_running_loop().time() > until:
                await replies.take_up(at=self._clock())
                return

    async def _nobody_there(self, place: Place, error: KM365Error) -> None:
        """Teams lets nothing through; a group that does so says nothing about the person."""
        await self._desk.replies.drop(place.conversation_id)
        if isinstance(error, Unreachable) and place.person_id:
            await self._desk.unreachable(place.person_id, at=self._clock())
        else:
            _log.error("A reply was not delivered: %s", error)

    def _answer_request(
        self, incoming: Incoming, replies: list[Reply], answered: asyncio.Future[Answer]
    ) -> tuple[Answer | None, list[Reply]]:
        """What a card's button is answered with, such as the card that takes its place, and the replies left.

        The answer is seen by the one who pressed alone: so a word aside is said in it, and where others read
        along the card is replaced for them as well.
        """
        if not incoming.is_action:
            return None, replies
        if aside := next((reply for reply in replies if reply.aside), None):
            return _invoke_answer(_SAID, aside.text), [reply for reply in replies if reply is not aside]
        instead = next((reply for reply in replies if reply.replaces), None)
        if instead is None or answered.done():
            return _quiet(incoming), replies
        left = [reply for reply in replies if reply is not instead or not incoming.is_personal]
        return _replaced_by(self._rendered(incoming, instead, always=True)), left

    def _messages(self, incoming: Incoming, replies: Sequence[Reply]) -> Iterator[Outgoing]:
        """The replies as they are sent.

        A text and the card behind it are one message: they cannot come in another order, and Teams lets a
        bot send only so many.
        """
        above = ""
        for reply, behind in zip_longest(replies, replies[1:]):
            if behind is not None and _stands_above(reply, behind):
                above = reply.text
                continue
            yield from self._outgoing(incoming, reply, above)
            above = ""

    def _outgoing(self, incoming: Incoming, reply: Reply, above: str) -> tuple[Outgoing, ...]:
        """The reply as it is sent: a card in the place of an older one, a new card, or text."""
        card = self._rendered(incoming, reply, always=bool(reply.replaces))
        language = reply.card.language if reply.card else best([incoming.locale])
        whole = f"{above}\n\n{reply.text}" if above else reply.text
        if card is None:
            return texts(whole, language=language)
        activity = message(reply.text, card, language=language, above=above)
        return (Outgoing(activity=activity, replaces=reply.replaces or "", otherwise=whole),)

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


_LONGEST_ABOVE = 4_000
"""Characters of a text that goes with the card behind it."""


def _stands_above(reply: Reply, behind: Reply) -> bool:
    """Whether it is a text, with a new card behind it."""
    is_text = reply.card is None and not reply.replaces and len(reply.text) <= _LONGEST_ABOVE
    return is_text and behind.card is not None and not behind.replaces


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


def _place(incoming: Incoming) -> Place:
    return Place(
        conversation_id=incoming.conversation_id,
        service_url=incoming.service_url,
        tenant_id=incoming.tenant_id,
        person_id=incoming.person_id if incoming.is_personal else "",
    )


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
