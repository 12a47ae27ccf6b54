"""How fast all processes of the bot together may send: windows per chat, a rate per tenant, pauses.

Limits from learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit (per bot: 7 in 1 s, 8 in 2 s,
60 in 30 s and 1800 in 3600 s for each conversation; 50 a second for a tenant).

A tenant's rate is an account. As long as little is sent, a process sends at once and tells the account after;
when it gets busy, each asks for the next few moments and keeps to them, which follow each other evenly.
"""

import asyncio
import bisect
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from km365.settings import Settings

Begin = Callable[[], Awaitable[None]]
"""Told right before something leaves."""

Window = tuple[int, float]
"""At most so many sends in so many seconds."""

_REMEMBERED = 5_000
"""Conversations whose recent sends are kept before idle ones are forgotten, so that memory stays flat."""
_HEAD_ROOM = 1.04
"""Moments lie this much further apart than they must, for sends are not all equally long on their way."""
_LATE = 1.0
"""Who comes so many intervals late lets the moment pass: it may be another process's by now."""
_LEAD_S = 0.4
"""So long before it leaves what is to be sent is written down as being sent."""
_CATCHING_UP = 0.98
"""How close sends leave to each other after the machine held them up, as part of the interval."""
_AT_ONCE_S = 0.25
"""So many seconds' worth of moments are asked for at once, so that there is no write for every send."""
_PROCESSES = 3
"""Each process may use this part of a limit unasked; more processes may meet a 429 where all wake at once."""
_TOLD_S = 60.0
"""Of longer windows processes tell each other nothing: nobody is sent 1800 messages in an hour."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What the sender keeps to. The defaults are Microsoft's limits."""

    per_conversation: tuple[Window, ...] = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
    per_tenant: Window = (50, 1.0)
    attempts: int = 3
    """How often a call that was certainly refused (429, 412) is made before it is given back."""
    longest_wait_s: float = 20.0
    """A longer wait is not sat out: the send is given back as not sent, with the seconds to wait."""
    timeout_s: float = 15.0

    @property
    def every_s(self) -> float:
        """How far apart the sends to a tenant leave while many wait."""
        count, seconds = self.per_tenant
        return seconds * _HEAD_ROOM / count


def pace_of(settings: Settings) -> Pace:
    """The pace that is set."""
    counts = (window.split("/") for window in settings.teams_sends_per_conversation)
    return Pace(
        per_conversation=tuple((int(count), float(seconds)) for count, seconds in counts),
        per_tenant=(settings.teams_sends_per_second, 1.0),
    )


class Allowance:
    """Sends lately, against `windows`. Times are seconds on any one clock."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = tuple(windows)
        self._sent: deque[float] = deque(maxlen=max((count for count, _ in windows), default=1))
        self.not_before = 0.0

    def free_at(self, now: float) -> float:
        """The earliest moment, `now` or later, at which one more send keeps to every window."""
        moments = [now, self.not_before]
        for count, seconds in self._windows:
            if len(self._sent) >= count:
                moments.append(self._sent[-count] + seconds)
        return max(moments)

    def take(self, at: float) -> None:
        """Counts one send at the moment `at`."""
        self._sent.append(at)

    def move(self, at: float, to: float | None) -> None:
        """The send counted for `at` leaves at `to` instead, or not at all."""
        self._sent.remove(at)
        if to is not None:
            bisect.insort(self._sent, to)

    def idle(self, now: float) -> bool:
        """True when no short window remembers a send any more, and no long one is near its end."""
        if self.not_before > now or any(at > now - _TOLD_S for at in self._sent):
            return False
        return all(len(self._sent) * 10 < count for count, seconds in self._windows if seconds > _TOLD_S)

    def lately(self, now: float) -> list[float]:
        """The sends others must know of; none while they are so few that nobody comes near a limit."""
        short = [window for window in self._windows if window[1] <= _TOLD_S]
        if not any(
            sum(at > now - seconds for at in self._sent) * _PROCESSES >= count for count, seconds in short
        ):
            return []
        longest = max(seconds for _, seconds in short)
        return [at for at in self._sent if at > now - longest]

    def hear(self, sent: Sequence[float]) -> None:
        """Counts the sends of others that were not counted yet."""
        known = sorted((Counter(self._sent) | Counter(sent)).elements())
        self._sent.clear()
        self._sent.extend(known)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What of a tenant's rate was given out. Times are seconds of the machine's clock."""

    next_at: float = 0.0
    """When the next send that waits its turn may leave; further off the more was sent unasked."""
    asked_at: float = 0.0
    """The last moment that somebody waited for."""
    paused_until: float = 0.0
    """After a 429 nobody sends before then: one answer teaches every sender."""

    def busy(self, now: float, pace: Pace) -> bool:
        """Whether everybody must ask."""
        seconds = pace.per_tenant[1] * _HEAD_ROOM
        return (
            now < self.paused_until
            or now < self.asked_at + seconds
            or max(self.next_at, now) + pace.every_s > now + seconds + pace.every_s / 2
        )

    def spend(self, now: float, pace: Pace) -> "Given":
        """One was sent unasked."""
        return replace(self, next_at=max(self.next_at, now) + pace.every_s)

    def pause(self, until: float) -> "Given":
        """Nobody sends before then."""
        return replace(
            self,
            paused_until=max(self.paused_until, until),
            next_at=max(self.next_at, until),
        )

    def give(self, now: float, pace: Pace, until: Sequence[float]) -> tuple["Given", list[float]]:
        """The next moments, one for each of those who wait no longer than `until`; the others get none.

        Who gets none is told, as a negative number, how many seconds are missing to their turn.
        """
        given, moments = self, []
        for last in until:
            at = max(given.next_at, now)
            if at > max(last, now):
                moments.append(now - at)
                continue
            moments.append(at)
            given = replace(given, next_at=at + pace.every_s, asked_at=at)
        return given, moments


Step = Callable[[Given], Given]
"""Makes a new account out of an old one. May run more than once."""


class Account(Protocol):
    """Where it is kept what was given out: one in memory, or a row that processes share."""

    shared: bool

    def alone(self, tenant: str) -> bool:
        """Whether no other process has been given anything lately."""
        ...

    def seen(self, tenant: str) -> Given:
        """The account as this process knows it."""
        ...

    async def change(self, tenant: str, step: Step) -> None:
        """Replaces the account by what `step` makes of it, in one go."""
        ...

    def note(self, tenant: str, step: Step) -> None:
        """As `change` but waits for nobody: other processes hear of it a moment later."""
        ...


class MemoryAccount:
    """The account of a process that is alone."""

    shared = False

    def __init__(self) -> None:
        self._given: dict[str, Given] = {}

    def alone(self, tenant: str) -> bool:
        """See Account."""
        return True

    def seen(self, tenant: str) -> Given:
        """See Account."""
        return self._given.get(tenant, Given())

    async def change(self, tenant: str, step: Step) -> None:
        """See Account."""
        self.note(tenant, step)

    def note(self, tenant: str, step: Step) -> None:
        """See Account."""
        self._given[tenant] = step(self.seen(tenant))


@dataclass(frozen=True)
class _Waiting:
    """Somebody who waits to be given a moment, until their patience ends."""

    until: float
    moment: "asyncio.Future[float]"


class Governor:
    """Decides when the next send to a conversation may leave; one for the whole process."""

    def __init__(
        self,
        pace: Pace,
        *,
        account: Account | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.pace = pace
        self._account = account or MemoryAccount()
        self.clock = clock
        self._sleep = sleep
        self._unasked: dict[str, Allowance] = {}
        self._conversations: dict[str, Allowance] = {}
        self._most = _REMEMBERED
        self._left: dict[str, float] = {}
        self._doors: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def admit(
        self,
        *,
        tenant: str,
        conversation: str,
        patience_s: float,
        bulk: bool = False,
        begin: Begin | None = None,
    ) -> float:
        """Waits until a send may leave; returns the seconds waited. `bulk` always asks for its moment.

        `begin` is called once, when the moment is near; what it raises ends the wait.

        Negative, without waiting it out, where its turn comes later than that: by so many seconds from now.
        """
        began = self.clock()
        until = began + patience_s
        while True:
            now = self.clock()
            chat = self._chat(conversation)
            free_at = chat.free_at(now)
            if free_at > max(now, until):
                return now - free_at
            if free_at > now:
                await self._sleep(free_at - now)
                continue
            chat.take(now)
            unasked = not bulk and self._may_leave_unasked(tenant, now)
            leaves_at = now if unasked else await self._ask_for_turn(tenant, until)
            if leaves_at < 0:
                chat.move(now, None)
                return leaves_at
            chat.move(now, leaves_at)
            ready_at = max(self.clock(), leaves_at - (_LEAD_S if begin else 0.0))
            await self._sleep_until(ready_at)
            if not unasked and self._is_late(tenant, ready_at):
                continue
            if begin:
                await begin()
                begin = None
            if not unasked:
                await self._sleep_until(leaves_at)
                if self._is_late(tenant, leaves_at):
                    continue
                await self._leave_apart(tenant)
            if self._account.seen(tenant).paused_until > self.clock():
                continue  # somebody was refused
            return max(0.0, self.clock() - began)

    def _is_late(self, tenant: str, ready_at: float) -> bool:
        """Whether a busy machine woke us so late that the moment may be another process's by now."""
        late_s = self.clock() - ready_at
        return late_s > _LATE * self.pace.every_s and not self._account.alone(tenant)

    async def _leave_apart(self, tenant: str) -> None:
        """Leaves room after the one before: who is woken late is woken together with others."""
        async with self._doors.setdefault(tenant, asyncio.Lock()):
            await self._sleep_until(self._left.get(tenant, 0.0) + _CATCHING_UP * self.pace.every_s)
            self._left[tenant] = self.clock()

    async def _sleep_until(self, moment: float) -> None:
        left_s = moment - self.clock()
        if left_s > 0:
            await self._sleep(left_s)

    async def _ask_for_turn(self, tenant: str, until: float) -> float:
        """The moment at which one more may leave for the tenant; negative as in `admit`."""
        queue = self._waiting.setdefault(tenant, deque())
        asks = not queue
        mine = _Waiting(until, asyncio.get_running_loop().create_future())
        queue.append(mine)
        if asks:
            task = asyncio.create_task(self._ask(tenant, queue))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return await mine.moment

    def _may_leave_unasked(self, tenant: str, now: float) -> bool:
        unasked = self._unasked.get(tenant)
        if unasked is None:
            count, seconds = self.pace.per_tenant
            share = max(1, count // _PROCESSES) if self._account.shared else count
            unasked = self._unasked[tenant] = Allowance([(share, seconds * _HEAD_ROOM)])
        waits = bool(self._waiting.get(tenant)) or unasked.free_at(now) > now
        if waits or self._account.seen(tenant).busy(now, self.pace):
            return False
        unasked.take(now)
        self._account.note(tenant, lambda given: given.spend(now, self.pace))
        return True

    async def _ask(self, tenant: str, queue: deque[_Waiting]) -> None:
        """Has moments given to all who wait, a few at once, until nobody does."""
        most = max(1, int(_AT_ONCE_S / self.pace.every_s))
        while queue:
            until, moments = [one.until for one in list(queue)[:most]], list[float]()

            def step(given: Given, until: Sequence[float], moments: list[float]) -> Given:
                after, moments[:] = given.give(self.clock(), self.pace, until)
                return after

            try:
                await self._account.change(tenant, partial(step, until=until, moments=moments))
            except BaseException as error:
                for one in queue:
                    if not one.moment.done():
                        one.moment.set_exception(error)
                queue.clear()
                return
            for moment in moments:
                one = queue.popleft()
                if not one.moment.done():
                    one.moment.set_result(moment)

    def paused_s(self, tenant: str) -> float:
        """How long the pause after a 429 still is, as this process knows."""
        return max(0.0, self._account.seen(tenant).paused_until - self.clock())

    def pause(self, tenant: str, wait_s: float) -> None:
        """After a 429 nobody sends to the tenant for so long: one answer teaches every sender."""
        until = self.clock() + wait_s
        self._account.note(tenant, lambda given: given.pause(until))

    def pause_chat(self, conversation: str, wait_s: float) -> None:
        """Nobody sends to this conversation for so long."""
        chat = self._chat(conversation)
        chat.not_before = max(chat.not_before, self.clock() + wait_s)

    def lately(self, conversation: str) -> list[float]:
        """What this process sent there that another which takes it over must know of."""
        chat = self._conversations.get(conversation)
        return chat.lately(self.clock()) if chat else []

    def hear(self, conversation: str, sent: Sequence[float]) -> None:
        """What another process sent there, as `lately` told it."""
        self._chat(conversation).hear(sent)

    def _chat(self, conversation: str) -> Allowance:
        chat = self._conversations.get(conversation)
        if chat is None:
            self._forget_idle()
            chat = self._conversations[conversation] = Allowance(self.pace.per_conversation)
        return chat

    def _forget_idle(self) -> None:
        if len(self._conversations) >= self._most:
            now = self.clock()
            self._conversations = {
                key: allowance for key, allowance in self._conversations.items() if not allowance.idle(now)
            }
            self._most = max(_REMEMBERED, 2 * len(self._conversations))
