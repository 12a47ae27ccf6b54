"""The gate every request to Graph passes: it waits where `pacing` says so and repeats what was refused."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

import httpx

from km365.errors import Throttled
from km365.graph.pacing import (
    Budget,
    Limits,
    Service,
    Signal,
    Spending,
    charge,
    costs,
    give_back,
    learn,
    pace,
    read_signal,
)
from km365.graph.wire import parse

log = logging.getLogger(__name__)

CHARGES = "km365.charges"
"""Request extension: what the request costs, where its address does not tell (`$batch`); {} for nothing."""

WHOLE = "km365.whole"
"""Request extension: the body is wanted whole, so a transport may read it before it hands the answer over."""

BLOCK_S = 4.0
"""Bulk work takes at most so many seconds' worth of units at once out of an account that is shared."""

_bulk: ContextVar[bool] = ContextVar("km365_bulk", default=False)


@contextmanager
def bulk() -> Iterator[None]:
    """Marks the calls of this task as bulk work: they wait their turn, interactive calls do not."""
    token = _bulk.set(True)
    try:
        yield
    finally:
        _bulk.reset(token)


def is_bulk() -> bool:
    """Whether this task's calls are bulk work."""
    return _bulk.get()


Step = Callable[[Spending], tuple[Spending, float]]
"""Makes a new account out of an old one, and a number beside it. May run more than once."""


class Account(Protocol):
    """Where the spending of the services is kept; one in memory, or a row that processes share."""

    block: float
    """Units that bulk work may take at once, so that a row is not written for every request; 0 for none."""

    async def change(self, service: Service, step: Step) -> float:
        """Replaces the service's spending by what `step` makes of it, in one go; returns step's number."""
        ...

    def note(self, service: Service, step: Step) -> float:
        """As `change` but waits for nobody: other processes may hear of it a moment later."""
        ...

    async def close(self) -> None:
        """Tells the others what they have not heard yet."""
        ...


class MemoryAccount:
    """The account of one process. A step is a plain function, so nothing comes between."""

    block = 0.0

    def __init__(self) -> None:
        self.spending: dict[Service, Spending] = {}

    async def change(self, service: Service, step: Step) -> float:
        """See Account."""
        return self.note(service, step)

    def note(self, service: Service, step: Step) -> float:
        """See Account."""
        after, number = step(self.spending.get(service, Spending()))
        self.spending[service] = after
        return number

    async def close(self) -> None:
        """Nobody else is to hear anything."""


@dataclass
class _Block:
    """Units charged at once for bulk work, to be spent evenly from `start` to `end`."""

    units: float
    start: float
    end: float
    spent: float = 0.0

    def turn(self, units: float, now: float) -> float | None:
        """Seconds until the next `units` may leave; None when they do not fit in any more."""
        if now > self.end or self.spent + units > self.units:
            return None
        at = self.start + (self.end - self.start) * self.spent / self.units
        self.spent += units
        return max(0.0, at - now)


class Governor:
    """Pacing for all tasks of a process: admits, learns, and says how long it still has patience."""

    def __init__(
        self,
        limits: Limits,
        *,
        account: Account | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits
        self.account = account or MemoryAccount()
        self.clock = clock
        self.sleep = sleep
        self.chance = chance
        self._blocks: dict[Service, _Block] = {}
        self._taking = asyncio.Lock()

    @property
    def patience_s(self) -> float:
        """How long a call of this task may wait in all."""
        return self.limits.bulk_patience_s if is_bulk() else self.limits.patience_s

    def _budget(self, service: Service) -> Budget:
        return self.limits.budgets[service]

    async def admit(self, charges: Mapping[Service, int], *, patience_s: float) -> float:
        """Charges a request and waits until it may leave; returns the seconds waited.

        Raises Throttled, without waiting, when its turn comes only after the patience is over.
        """
        waited = 0.0
        for service, units in charges.items():
            wait_s = await self._turn(service, units)
            while wait_s > 0:
                if waited + wait_s > patience_s:
                    raise Throttled(
                        f"Graph ({service}) has no room for {wait_s:,.0f} s; try again then.",
                        status=429,
                        code="pacing",
                        retry_after_s=wait_s,
                    )
                await self.sleep(wait_s)
                waited += wait_s
                # somebody may have been refused while we waited our turn
                wait_s = self.account.note(service, self._charging(service, units, again=True))
        return waited

    async def _turn(self, service: Service, units: int) -> float:
        """Charges the units; seconds until they may leave. Only bulk work ever waits for the account."""
        if not is_bulk():
            return self.account.note(service, self._charging(service, units))
        if not self.account.block:
            return await self.account.change(service, self._charging(service, units))
        async with self._taking:
            block = self._blocks.get(service)
            wait_s = block.turn(units, self.clock()) if block else None
            if wait_s is None:
                left = self._end_block(service, keep=units)
                self._blocks[service] = block = await self._take_block(service, units, left=left)
                wait_s = block.turn(units, min(self.clock(), block.end)) or 0.0
            return wait_s

    async def _take_block(self, service: Service, units: int, *, left: float) -> _Block:
        """A block with room for the units, charged but for what is `left`; smaller where the pace is slow."""
        budget, reserve = self._budget(service), self.limits.reserve
        taken = _Block(units=units, start=0.0, end=0.0)

        def step(spending: Spending) -> tuple[Spending, float]:
            now = self.clock()
            fitting = pace(spending, budget, reserve=reserve, now=now) * BLOCK_S
            charged = max(units - left, min(self.account.block, fitting))
            after, wait_s = charge(spending, budget, units=charged, bulk=True, reserve=reserve, now=now)
            taken.units = charged + left
            taken.start, taken.end = now + wait_s, max(after.next_at, now + wait_s)
            return after, wait_s

        await self.account.change(service, step)
        return taken

    def _end_block(self, service: Service, *, keep: float = 0.0) -> float:
        """Gives back to the day what is left of a block, but for `keep` units of it; how many those are.

        Calls seldom fill a block to the brim: without them the pace would be lower than it may be.
        """
        block = self._blocks.pop(service, None)
        left = block.units - block.spent if block else 0.0
        if block and self.clock() > block.end + BLOCK_S:
            keep = 0.0
        kept = min(keep, left)
        over = left - kept

        def step(spending: Spending) -> tuple[Spending, float]:
            return give_back(spending, self._budget(service), units=over, now=self.clock()), 0.0

        if over > 0:
            self.account.note(service, step)
        return kept

    def _charging(self, service: Service, units: int, *, again: bool = False) -> Step:
        bulk = is_bulk()  # now, not when the step is taken: another task may take it

        def step(spending: Spending) -> tuple[Spending, float]:
            if again and spending.blocked_until <= self.clock():
                return spending, 0.0
            return charge(
                spending,
                self._budget(service),
                units=units,
                bulk=bulk,
                reserve=self.limits.reserve,
                now=self.clock(),
                again=again,
            )

        return step

    def learn(self, service: Service, signal: Signal) -> None:
        """Takes in what an answer said; later calls of every task know it."""

        def step(spending: Spending) -> tuple[Spending, float]:
            after = learn(
                spending, self._budget(service), signal, reserve=self.limits.reserve, now=self.clock()
            )
            return after, 0.0

        self.account.note(service, step)
        if signal.refused:
            self._end_block(service)
            log.info("Graph (%s) answered %d; resting %s s", service, signal.status, signal.retry_after_s)

    async def close(self) -> None:
        """Gives back what was taken too much, and tells the other processes."""
        for service in list(self._blocks):
            self._end_block(service)
        await self.account.close()


class PacingTransport(httpx.AsyncBaseTransport):
    """An httpx transport that lets a request through when the governor admits it.

    429, and 503 with Retry-After, were not carried out: any request we can send again is sent again
    after that time, until the patience is over; then the caller gets Graph's refusal. Without
    Retry-After, 502, 503 and 504 leave open whether it happened, so only reads are repeated.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        governor: Governor,
        *,
        for_bulk: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        """`for_bulk` makes the transport of bulk work, when it is first needed; else that is `inner` too."""
        self.inner = inner
        self.governor = governor
        self._for_bulk = for_bulk
        self._bulk: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request when it may leave; raises Throttled, or httpx's own errors."""
        governor = self.governor
        charges = request.extensions.get(CHARGES)
        if charges is None:
            charges = _charges(request)
        service = max(charges, key=lambda each: charges[each], default=Service.OTHER)
        patience_s = governor.patience_s
        attempt = 0
        while True:
            attempt += 1
            patience_s -= await governor.admit(charges, patience_s=patience_s)
            response = await self._send(request)
            signal = read_signal(response.status_code, response.headers, now=governor.clock())
            if signal.worth_learning:
                governor.learn(service, signal)
            pause_s = self._pause_s(request, signal, attempt)
            if pause_s is None or pause_s > patience_s:
                return response
            await response.aread()  # leaves the connection usable
            await response.aclose()
            if not signal.refused:  # a refusal's wait is part of the next admission
                patience_s -= pause_s
                await governor.sleep(pause_s)

    def _pause_s(self, request: httpx.Request, signal: Signal, attempt: int) -> float | None:
        """Seconds until the request may be repeated; None when it must not be."""
        if attempt >= self.governor.limits.attempts or not isinstance(request.stream, httpx.ByteStream):
            return None
        if signal.refused:
            return signal.rest_s
        if signal.status in {502, 503, 504} and request.method in {"GET", "HEAD"} and attempt <= 3:
            return float(2**attempt) * (0.5 + self.governor.chance() / 2)
        return None

    def _transport(self) -> httpx.AsyncBaseTransport:
        if not is_bulk() or self._for_bulk is None:
            return self.inner
        if self._bulk is None:
            self._bulk = self._for_bulk()
        return self._bulk

    async def _send(self, request: httpx.Request) -> httpx.Response:
        transport = self._transport()
        try:
            return await transport.handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            # most often a kept connection that the other side closed meanwhile
            if request.method not in {"GET", "HEAD"}:
                raise
            return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.inner.aclose()
        if self._bulk is not None:
            await self._bulk.aclose()


def _charges(request: httpx.Request) -> dict[Service, int]:
    """What a request costs that does not say so itself: a typed call, or the SDK's own batch."""
    url = str(request.url)
    if request.method == "POST" and url.endswith("/$batch") and isinstance(request.stream, httpx.ByteStream):
        inner = parse(request.content).get("requests") or []
        return costs((str(one.get("method")), "/v1.0" + str(one.get("url"))) for one in inner) or {
            Service.OTHER: 1
        }
    return costs([(request.method, url)])
