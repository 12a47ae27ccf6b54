"""How fast the bot may send: sliding windows per conversation and tenant, and one shared pause after a 429.

Limits from learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit (per bot: 7 in 1 s, 8 in 2 s,
60 in 30 s and 1800 in 3600 s for each conversation; 50 a second for a tenant, of which we plan for 20).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from km365.settings import Settings

Window = tuple[int, float]
"""At most so many sends in so many seconds."""

_REMEMBERED = 5_000
"""Conversations whose recent sends are kept before idle ones are forgotten, so that memory stays flat."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What the sender keeps to. The defaults are Microsoft's limits, the tenant's with room to spare."""

    per_conversation: tuple[Window, ...] = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
    per_tenant: tuple[Window, ...] = ((20, 1.0),)
    attempts: int = 3
    """How often a call that was certainly refused (429, 412) is made before it is given back."""
    longest_wait_s: float = 20.0
    """A longer wait is not sat out: the send is given back as not sent, with the seconds to wait."""
    timeout_s: float = 15.0


def pace_of(settings: Settings) -> Pace:
    """The pace that is set."""
    counts = (window.split("/") for window in settings.teams_sends_per_conversation)
    return Pace(
        per_conversation=tuple((int(count), float(seconds)) for count, seconds in counts),
        per_tenant=((settings.teams_sends_per_second, 1.0),),
    )


class Allowance:
    """Sends lately, against `windows`. Times are seconds on any one clock that only goes forward."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = tuple(windows)
        self._sent: deque[float] = deque(maxlen=max((count for count, _ in windows), default=1))

    def free_at(self, now: float) -> float:
        """The earliest moment, `now` or later, at which one more send keeps to every window."""
        moments = [now]
        for count, seconds in self._windows:
            if len(self._sent) >= count:
                moments.append(self._sent[-count] + seconds)
        return max(moments)

    def take(self, at: float) -> None:
        """Counts one send at the moment `at`."""
        self._sent.append(at)

    def idle(self, now: float) -> bool:
        """True when no window remembers a send any more."""
        longest = max((seconds for _, seconds in self._windows), default=0.0)
        return not self._sent or self._sent[-1] + longest <= now


class Governor:
    """Decides when the next send to a conversation may leave; one for the whole process."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._tenants: dict[str, Allowance] = {}
        self._conversations: dict[str, Allowance] = {}
        self._paused_until: dict[str, float] = {}

    def wait_s(self, *, host: str, tenant: str, conversation: str, now: float) -> float:
        """Seconds to wait before sending, the slot being taken; negative when the wait would be too long.

        A negative answer takes no slot: its amount is the wait that would have been needed.
        """
        of_tenant = self._tenants.setdefault(tenant, Allowance(self.pace.per_tenant))
        of_conversation = self._conversations.setdefault(conversation, Allowance(self.pace.per_conversation))
        earliest = max(now, self._paused_until.get(host, 0.0))
        at = max(of_tenant.free_at(earliest), of_conversation.free_at(earliest))
        if at - now > self.pace.longest_wait_s:
            return now - at
        of_tenant.take(at)
        of_conversation.take(at)
        self._forget_idle(now)
        return at - now

    def pause(self, host: str, until: float) -> None:
        """After a 429 nobody sends to `host` before `until`: one answer teaches every sender."""
        self._paused_until[host] = max(until, self._paused_until.get(host, 0.0))

    def _forget_idle(self, now: float) -> None:
        if len(self._conversations) > _REMEMBERED:
            self._conversations = {
                key: allowance for key, allowance in self._conversations.items() if not allowance.idle(now)
            }
