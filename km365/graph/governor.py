"""The gate every request to Graph passes: it waits where `pacing` says so and repeats what was refused."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
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
    learn,
    read_signal,
)
from km365.graph.wire import parse

log = logging.getLogger(__name__)

CHARGES = "km365.charges"
"""Request extension: what the request costs, where its address does not tell (`$batch`); {} for nothing."""

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


class Account(Protocol):
    """Where the spending of the services is kept; one in memory, or a row that processes share."""

    async def change(self, service: Service, step: Callable[[Spending], tuple[Spending, float]]) -> float:
        """Replaces the service's spending by what `step` makes of it, in one go; returns step's number."""
        ...


class MemoryAccount:
    """The account of one process. A step is a plain function, so nothing comes between."""

    def __init__(self) -> None:
        self.spending: dict[Service, Spending] = {}

    async def change(self, service: Service, step: Callable[[Spending], tuple[Spending, float]]) -> float:
        """See Account."""
        after, number = step(self.spending.get(service, Spending()))
        self.spending[service] = after
        return number


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
            wait_s = await self.account.change(service, self._charge_step(service, units))
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
                wait_s = await self.account.change(service, self._charge_step(service, units, again=True))
        return waited

    def _charge_step(
        self, service: Service, units: int, *, again: bool = False
    ) -> Callable[[Spending], tuple[Spending, float]]:
        def step(spending: Spending) -> tuple[Spending, float]:
            if again and spending.blocked_until <= self.clock():
                return spending, 0.0
            return charge(
                spending,
                self._budget(service),
                units=units,
                bulk=is_bulk(),
                reserve=self.limits.reserve,
                now=self.clock(),
                again=again,
            )

        return step

    async def learn(self, service: Service, signal: Signal) -> None:
        """Takes in what an answer said; later calls of every task know it."""

        def step(spending: Spending) -> tuple[Spending, float]:
            after = learn(
                spending, self._budget(service), signal, reserve=self.limits.reserve, now=self.clock()
            )
            return after, 0.0

        await self.account.change(service, step)
        if signal.refused:
            log.info("Graph (%s) answered %d; resting %s s", service, signal.status, signal.retry_after_s)


class PacingTransport(httpx.AsyncBaseTransport):
    """An httpx transport that lets a request through when the governor admits it.

    429, and 503 with Retry-After, were not carried out: any request we can send again is sent again
    after that time, until the patience is over; then the caller gets Graph's refusal. Without
    Retry-After, 502, 503 and 504 leave open whether it happened, so only reads are repeated.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, governor: Governor) -> None:
        self.inner = inner
        self.governor = governor

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
                await governor.learn(service, signal)
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

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self.inner.handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            # most often a kept connection that the other side closed meanwhile
            if request.method not in {"GET", "HEAD"}:
                raise
            return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.inner.aclose()


def _charges(request: httpx.Request) -> dict[Service, int]:
    """What a request costs that does not say so itself: a typed call, or the SDK's own batch."""
    url = str(request.url)
    if request.method == "POST" and url.endswith("/$batch") and isinstance(request.stream, httpx.ByteStream):
        inner = parse(request.content).get("requests") or []
        return costs((str(one.get("method")), "/v1.0" + str(one.get("url"))) for one in inner) or {
            Service.OTHER: 1
        }
    return costs([(request.method, url)])
