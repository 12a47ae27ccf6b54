"""Sends everything that is due, as fast as the pace allows: one job for a campaign, however many it asks."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from datetime import timedelta

from km365.errors import KM365Error
from km365.services.prompts import SEND_DUE, SEND_MESSAGE
from km365.store import outbox
from km365.store.database import Connection
from km365_bots.delivery import Post, deliver
from km365_bots.turn import whereabouts

_log = logging.getLogger("km365.bots.mailing")

AT_ONCE = 32
"""Messages under way together: at 50 a second, and with a Teams that answers in half a second, 25 are."""
_LENT = timedelta(seconds=15)
"""How long a message is this process's to send; after that, and unless it was claimed, it is anybody's."""
_LONGEST_S = 600.0
"""A mailing ends after that, so that its job is never broken off; what is left is found a minute later."""
_SOON_S = 60.0
_PAUSE_S = 10.0
"""A longer pause ends the mailing, and the next one begins after it."""


async def begin(post: Post) -> "Mailing":
    """Registers the jobs that send, and the look of every minute for what waits; looks at once."""
    mailing = Mailing(post)

    async def send(args: Mapping[str, str]) -> None:
        await deliver(post, args["key"])

    async def send_due(_: Mapping[str, str]) -> None:
        await mailing.send_due()

    post.jobs.register(SEND_MESSAGE, send)
    post.jobs.register(SEND_DUE, send_due)
    post.jobs.every_minute("outbox", lambda: take_up(post))
    await take_up(post)
    return mailing


async def take_up(post: Post) -> None:
    """Queues a mailing if the moment of a message has come.

    What a process that died left in the middle of sending is marked as unknown first.
    """
    at = post.now()
    await post.db.run(outbox.recover, at=at, begun_before=at - post.sending_takes)
    if await post.db.run(outbox.due, at=at, limit=1):
        await _queue(post)


async def _queue(post: Post, *, wait_s: float = 0.0) -> None:
    def enqueue(c: Connection) -> None:
        post.jobs.enqueue(c, SEND_DUE, key=SEND_DUE, args={}, wait_s=wait_s)

    await post.db.run(enqueue)


class Mailing:
    """The mailing of one process; several processes share what is due among them."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._under_way = False
        self._more = False
        self._stopping = False
        self._lent: deque[str] = deque()
        self._sending: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Begins no more messages; what is under way ends."""
        self._stopping = True

    async def send_due(self) -> None:
        """Sends what is due until nothing is, or Teams asks for a pause; at once over if it does already."""
        self._more = True
        if self._under_way:
            return
        self._under_way = True
        try:
            wait_s = await self._send()
        finally:
            self._under_way = False
        if wait_s is not None and wait_s <= _SOON_S:
            await _queue(self._post, wait_s=wait_s)

    async def _send(self) -> float | None:
        """None when nothing is due any more; else the seconds until it is of use to go on."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _LONGEST_S
        try:
            while not self._stopping and loop.time() < until:
                if wait_s := self._post.connector.paused_s(self._post.tenant_id):
                    if wait_s > _PAUSE_S:
                        return wait_s
                    await asyncio.sleep(wait_s)
                    continue
                if not self._lent:
                    await self._borrow()
                while self._lent and len(self._sending) < AT_ONCE:
                    self._begin(self._lent.popleft())
                if self._sending:
                    await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
                elif not self._lent and not self._more:
                    return None
            return 0.0
        finally:
            lent = [self._lent.popleft() for _ in range(len(self._lent))]
            if self._sending:
                await asyncio.wait(self._sending)
            at = self._post.now()
            await self._post.db.run(outbox.give_back, lent, at=at, until=at + _LENT)

    async def _borrow(self) -> None:
        """The next messages that are due become ours to send."""
        post, at = self._post, self._post.now()
        self._more = False
        keys = await post.db.run(outbox.lend, at=at, until=at + _LENT, limit=2 * AT_ONCE)
        self._lent.extend(keys)
        self._more |= bool(keys)

    def _begin(self, key: str) -> None:
        task = asyncio.create_task(self._deliver(key))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, key: str) -> None:
        try:
            await deliver(self._post, key, lent=True)
        except KM365Error as error:  # the message waits as before
            _log.warning("A message waits: %s", error)
        except Exception as error:  # a defect of ours must not end the mailing of the others
            _log.error("A message was not sent: %s", whereabouts(error))
