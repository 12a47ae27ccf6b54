"""What turns need of our database: is it new, is the conversation free, where is the person, is it done."""

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from km365.core.chat import Event, EventKind, Reply
from km365.core.schedule import ALWAYS, Hours
from km365.core.standing import BLOCKED, REMOVED
from km365.errors import StoreError
from km365.jobs import Jobs
from km365.store import conversations, replies, turns
from km365.store.database import Connection, Database
from km365_bots import delivery
from km365_bots.pacing import Governor
from km365_bots.replies import Replies
from km365_bots.turn import Heard

if TYPE_CHECKING:
    from km365_bots.activities import Incoming

_log = logging.getLogger("km365.bots.desk")

Respond = Callable[[Event], Awaitable[list[Reply]]]
"""The conversation's replies to an event."""


class Desk:
    """The desk of one process of the bot. Several may share a database.

    To have a turn to oneself costs no transaction of its own: it is taken and ended in those that are
    needed anyway.
    """

    def __init__(
        self,
        db: Database,
        jobs: Jobs,
        respond: Respond,
        *,
        governor: Governor | None = None,
        hours: Hours = ALWAYS,
    ) -> None:
        self._governor = governor
        self.replies = Replies(db, jobs, hours=hours)
        self._db = db
        self._jobs = jobs
        self._respond = respond
        self._holder = secrets.token_hex(8)
        self._held: Counter[str] = Counter()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Prolongs the turns under way until the block ends; those of a process that dies run out."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(turns.LEASE.total_seconds() / 3)
            if self._held:
                try:
                    await self._db.run(turns.prolong, list(self._held), self._holder, at=_clock())
                except StoreError as error:  # what a turn has saved meanwhile has its version
                    _log.warning("Turns under way could not be prolonged: %s", error)

    async def received(self, incoming: "Incoming", *, at: datetime) -> Heard:
        """Takes the conversation and keeps where the person is; after an installation sends what waits."""
        heard = await self._db.run(self._receive, incoming, at=at)
        if heard in {Heard.NOW, Heard.BEHIND}:
            self._held[incoming.conversation_id] += 1
        return heard

    def _receive(self, c: Connection, incoming: "Incoming", *, at: datetime) -> Heard:
        if incoming.key and conversations.was_seen(c, incoming.key):
            return Heard.BEFORE
        if not self._take(c, incoming.conversation_id):
            return Heard.ELSEWHERE
        if incoming.person_id and incoming.is_personal:
            self._remember(c, incoming, at=at)
        return Heard.BEHIND if replies.wait(c, incoming.conversation_id) else Heard.NOW

    def _take(self, c: Connection, conversation_id: str) -> bool:
        """The conversation to ourselves, if it is free, and what others sent there lately."""
        if not turns.take(c, conversation_id, self._holder, at=_clock()):
            return False
        if self._governor and (sent := turns.sent(c, conversation_id)):
            self._governor.hear(conversation_id, sent)
        return True

    def _free(self, c: Connection, conversation_id: str) -> None:
        sent = self._governor.lately(conversation_id) if self._governor else ()
        turns.end(c, conversation_id, self._holder, sent=sent)

    def _remember(self, c: Connection, incoming: "Incoming", *, at: datetime) -> None:
        conversations.remember_address(
            c,
            incoming.person_id,
            conversation_id=incoming.conversation_id,
            service_url=incoming.service_url,
            tenant_id=incoming.tenant_id,
            locale=incoming.locale,
            at=at,
        )
        if incoming.kind is EventKind.REMOVED:
            conversations.mark_unreachable(c, incoming.person_id, REMOVED, at)
        if incoming.kind is EventKind.INSTALLED:
            delivery.enqueue_for_newcomer(c, self._jobs, at=at, person_id=incoming.person_id)

    async def respond(self, event: Event) -> list[Reply]:
        """The conversation's replies."""
        return await self._respond(event)

    async def ended(self, incoming: "Incoming", *, at: datetime, done: bool) -> None:
        """Frees the conversation. An activity that is done with is dropped when it comes again."""
        self._held -= Counter([incoming.conversation_id])
        await self._db.run(self._end, incoming, at=at, done=done)

    def _end(self, c: Connection, incoming: "Incoming", *, at: datetime, done: bool) -> None:
        self._free(c, incoming.conversation_id)
        if done and incoming.key:
            conversations.first_time(c, incoming.key, at)

    @asynccontextmanager
    async def alone(self, conversation_id: str) -> AsyncIterator[bool]:
        """The conversation between two turns; False, and nothing is held, where somebody has a turn in it."""
        free = await self._db.run(self._take, conversation_id)
        if not free:
            yield False
            return
        self._held[conversation_id] += 1
        try:
            yield True
        finally:
            self._held -= Counter([conversation_id])
            await self._db.run(self._free, conversation_id)

    async def unreachable(self, person_id: str, *, at: datetime) -> None:
        """Remembers that Teams lets nothing through to this person."""
        await self._db.run(conversations.mark_unreachable, person_id, BLOCKED, at)


def _clock() -> datetime:
    """The machine's clock, which other processes share; the app's may be moved."""
    return datetime.now(UTC)
