"""Replies that cannot be said at once: kept as rows, and said in order when Teams takes them again.

A reply is kept before its activity is acknowledged without it, so what was acknowledged is answered even if
the process dies. What certainly did not arrive (429, nothing listening) is said later; what may have arrived
is not said again.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from km365.core.schedule import ALWAYS, Hours, next_open
from km365.jobs import Jobs
from km365.services.preferences import PRESENT, hours_of_person
from km365.store import conversations, replies
from km365.store.database import Connection, Database
from km365.store.replies import Left, Place
from km365_bots.connector import NotSent
from km365_bots.outgoing import Outgoing

_log = logging.getLogger("km365.bots.replies")

SAY_LATER = "say_later"
"""The job that says what waits in one conversation."""
_SOON_S = 60.0
"""What waits no longer than this has its own job; the rest is found by the look of every minute."""
_ATTEMPTS = 30
"""Refusals for certain of one reply after which it is given up."""


class Replies:
    """The rows of one process of the bot. Whoever calls has the conversation to themselves."""

    def __init__(self, db: Database, jobs: Jobs, *, hours: Hours = ALWAYS) -> None:
        self._db = db
        self._jobs = jobs
        self._hours = hours

    async def keep(
        self,
        place: Place,
        left: Sequence[Outgoing],
        *,
        heard: str,
        at: datetime,
        wait_s: float = 0.0,
        under_way: bool = False,
    ) -> int:
        """Keeps what is left of a turn behind what waits already; the row's id.

        In the same transaction the activity `heard` (empty for none) is noted as done, so that it is not
        answered a second time. `under_way` says that the first reply is being sent.
        """
        return await self._db.run(
            self._keep, place, left, heard=heard, at=at, wait_s=wait_s, under_way=under_way
        )

    def _keep(
        self,
        c: Connection,
        place: Place,
        left: Sequence[Outgoing],
        *,
        heard: str,
        at: datetime,
        wait_s: float,
        under_way: bool,
    ) -> int:
        if heard:
            conversations.first_time(c, heard, at)
        _supersede(c, place.conversation_id, {one.replaces for one in left if one.replaces})
        said = [one.to_json() for one in left]
        due_at = at + timedelta(seconds=wait_s)
        row_id = replies.put(c, place, said, at=at, due_at=due_at, under_way=under_way)
        self._enqueue(c, place.conversation_id, wait_s)
        return row_id

    async def next(self, conversation_id: str, *, at: datetime, present: bool) -> Left | None:
        """What is to be said next, now noted as being sent; None where nothing is, or not yet.

        Unless the person is `present`, what is late waits for the hours in which they may be written to.
        """
        return await self._db.run(self._next, conversation_id, at=at, present=present)

    def _next(self, c: Connection, conversation_id: str, *, at: datetime, present: bool) -> Left | None:
        found = replies.first(c, conversation_id, at=at)
        if found is None or found[1] > at:
            return None
        left = found[0]
        if not present and at - left.created_at > PRESENT and self._is_closed(c, left.place.person_id, at):
            return None
        return replies.claim(c, left)

    def _is_closed(self, c: Connection, person_id: str, at: datetime) -> bool:
        hours = hours_of_person(c, person_id, self._hours) if person_id else ALWAYS
        return next_open(at, hours) > at

    async def said(self, left: Left, *, instead: Sequence[Outgoing] = ()) -> None:
        """The first of it is over and done with; `instead` is to be said in its place."""
        rest = [*(one.to_json() for one in instead), *left.said[1:]]
        await self._db.run(replies.keep, left.id, rest)

    async def put_back(self, left: Left, error: NotSent, *, at: datetime) -> None:
        """It certainly did not arrive, and waits."""
        if left.attempts >= _ATTEMPTS:
            _log.error("A reply was given up after %d attempts: %s", _ATTEMPTS, error)
            await self.said(left)
            return
        wait_s = max(error.retry_after_s, min(2.0 ** (left.attempts - 1), 300.0))
        await self._db.run(self._put_back, left, at=at, wait_s=wait_s)

    def _put_back(self, c: Connection, left: Left, *, at: datetime, wait_s: float) -> None:
        replies.put_back(c, left.id, due_at=at + timedelta(seconds=wait_s))
        self._enqueue(c, left.place.conversation_id, wait_s)

    async def lost(self, place: Place, *, at: datetime) -> None:
        """A reply may not have arrived; of a person's own chat that is noted, for what is said next there."""
        if place.person_id:
            await self._db.run(conversations.note_unheard, place.conversation_id, at=at)

    async def drop(self, conversation_id: str) -> None:
        """Nothing is let through to this conversation any more."""
        await self._db.run(replies.drop, conversation_id)

    async def take_up(self, *, at: datetime) -> None:
        """Queues every conversation in which something is to be said within a minute."""
        await self._db.run(self._take_up, at=at)

    def _take_up(self, c: Connection, *, at: datetime) -> None:
        for conversation_id, due_at in replies.due(c, before=at + timedelta(seconds=_SOON_S)):
            self._enqueue(c, conversation_id, max(0.0, (due_at - at).total_seconds()))

    def _enqueue(self, c: Connection, conversation_id: str, wait_s: float) -> None:
        if wait_s <= _SOON_S:
            args = {"conversation": conversation_id}
            self._jobs.enqueue(c, SAY_LATER, key=conversation_id, args=args, wait_s=wait_s)


def _supersede(c: Connection, conversation_id: str, replaced: set[str]) -> None:
    """A card that is replaced once more need not be replaced first by what nobody would see."""
    if not replaced:
        return
    for left in replies.waiting(c, conversation_id):
        said = [one for one in left.said if one.get("replaces") not in replaced]
        if len(said) < len(left.said):
            replies.keep(c, left.id, said)
