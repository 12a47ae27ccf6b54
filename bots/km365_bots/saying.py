"""What one turn says: sent in order, and kept where Teams does not take it now or hears of the turn first."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from km365.errors import KM365Error
from km365.store.replies import Left, Place
from km365_bots.connector import Connector, ConversationGone, DeliveryUnknown, NotSent, Unreachable
from km365_bots.outgoing import Outgoing, transmit
from km365_bots.replies import Replies

_log = logging.getLogger("km365.bots.saying")


class Saying:
    """The replies of a turn. `key` names its activity, once what was said is saved."""

    def __init__(
        self, connector: Connector, replies: Replies, place: Place, clock: Callable[[], datetime]
    ) -> None:
        self.key = ""
        self.kept = False
        """Whether what is left is in a row, from where it is said when its time has come."""
        self._connector = connector
        self._replies = replies
        self._place = place
        self._clock = clock
        self._left: deque[Outgoing] = deque()
        self._row: Left | None = None
        self._sending = False
        self._lock = asyncio.Lock()

    def add(self, more: Iterable[Outgoing]) -> None:
        """This is to be said as well, after the rest."""
        self._left.extend(more)

    async def keep(self, *, wait_s: float = 0.0) -> None:
        """Keeps what is still to be said, if that was not done yet. Raises StoreError."""
        async with self._lock:
            if self._left and not self.kept:
                await self._keep(wait_s)

    async def _keep(self, wait_s: float) -> None:
        at, left = self._clock(), tuple(self._left)
        row_id = await self._replies.keep(
            self._place, left, heard=self.key, at=at, wait_s=wait_s, under_way=self._sending
        )
        if self._sending:
            said = [one.to_json() for one in left]
            self._row = Left(id=row_id, place=self._place, said=said, attempts=1, created_at=at)
        self.kept = True

    async def run(self) -> None:
        """Sends what is left, until it is kept instead. Raises Unreachable, ConversationGone, StoreError."""
        while self._left and not self.kept:
            self._sending = True
            try:
                instead = await attempt(
                    self._connector, self._replies, self._place, self._left[0], at=self._clock()
                )
            except NotSent as error:
                self._sending = False
                await self._wait(error)
                return
            async with self._lock:
                self._sending = False
                if self._row is not None:
                    await self._replies.said(self._row, instead=instead)
                    return
                self._left.popleft()
                self._left.extendleft(reversed(instead))

    async def _wait(self, error: NotSent) -> None:
        async with self._lock:
            if self._row is not None:
                await self._replies.put_back(self._row, error, at=self._clock())
            else:
                await self._keep(error.retry_after_s)


async def attempt(
    connector: Connector, replies: Replies, place: Place, out: Outgoing, *, at: datetime
) -> tuple[Outgoing, ...]:
    """As `transmit`, but what may have arrived, or never will, is only noted.

    Raises NotSent, Unreachable and ConversationGone.
    """
    try:
        return await transmit(connector, place, out)
    except (NotSent, Unreachable, ConversationGone):
        raise
    except KM365Error as error:
        _log.error("A reply was not delivered: %s", error)
        if isinstance(error, DeliveryUnknown):
            await replies.lost(place, at=at)
        return ()
