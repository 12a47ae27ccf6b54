"""How a campaign stands: everyone in it is counted in one place, and what happens next and when.

Who reads a message is not known: Teams does not tell a bot. Somebody has seen it who answered, declined or
put it off.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from km365.core.schedule import Hours, Outcome, Plan, day_at

REMOVED = "The person removed the app."
"""What is noted when Teams tells that somebody removed the app."""
BLOCKED = "The person has blocked or removed the bot (403)."
"""What is noted when Teams refuses to bring a message to somebody."""
FEWEST = 3
"""Where fewer people answered than this, it is not said how many, so that nobody can work out who."""


class Stand(StrEnum):
    """Where a person is counted, once."""

    ANSWERED = "answered"  # began to answer
    SILENT = "no answer yet"  # asked, and may still answer or be reminded
    DECLINED = "declined"  # said no
    NO_ANSWER = "did not answer"  # asked as often as the plan has it
    OPTED_OUT = "opted out"  # wants no such messages
    UNKNOWN = "unknown"  # the last message may or may not have arrived
    UNREACHABLE = "unreachable"  # the last message cannot arrive, or did not in time
    WAITING = "waiting"  # nothing has gone to them yet
    CALLED_OFF = "called off"  # the campaign, or their part in it, before they answered


class Reason(StrEnum):
    """Why somebody is unreachable."""

    BLOCKED = "blocked"  # blocked or removed the app
    NOT_FOUND = "not found"  # cannot be found in Teams
    LATE = "late"  # the app could not be installed, or Teams not be reached, while there was time
    FAILED = "failed"  # the message could not be sent as it is


@dataclass(frozen=True, kw_only=True)
class Row:
    """One person: where they are, and what became of the first and of the last message to them.

    `first` and `last` are the states of `store.outbox.Delivery`, None where there is no message; `note` and
    `due_at` are the last one's. `put_off` says that they asked to be asked later.
    """

    outcome: Outcome
    sent: int
    next_at: datetime | None
    first: str | None = None
    last: str | None = None
    note: str = ""
    due_at: datetime | None = None
    put_off: bool = False

    @property
    def stand(self) -> Stand:
        """Where the person is counted."""
        settled = _SETTLED.get(self.outcome)
        if settled is not None:
            return settled
        if self.last in {"unreachable", "failed"} or (self.is_over and self.last == "cancelled"):
            return Stand.UNREACHABLE
        if self.last == "unknown":
            return Stand.UNKNOWN
        if self.is_over:
            return Stand.NO_ANSWER
        return Stand.SILENT if self.was_sent else Stand.WAITING

    @property
    def is_over(self) -> bool:
        """Whether they were asked as often as the plan has it."""
        return self.outcome is Outcome.CLOSED

    @property
    def was_sent(self) -> bool:
        """Whether Teams took a message for them, as far as the first and the last one tell."""
        return "sent" in {self.first, self.last} or self.was_seen

    @property
    def was_seen(self) -> bool:
        """Whether they did something about it."""
        return self.put_off or self.outcome in {Outcome.ANSWERED, Outcome.DECLINED}

    @property
    def reason(self) -> Reason:
        """Why they are unreachable, if they are."""
        if self.last == "failed":
            return Reason.FAILED
        if self.last == "cancelled":
            return Reason.LATE
        return Reason.BLOCKED if REMOVED in self.note or BLOCKED in self.note else Reason.NOT_FOUND

    @property
    def has_a_message_waiting(self) -> bool:
        """Whether the last message is still to leave."""
        return self.outcome is Outcome.OPEN and self.last in {"waiting", "sending"}


_SETTLED = {
    Outcome.ANSWERED: Stand.ANSWERED,
    Outcome.DECLINED: Stand.DECLINED,
    Outcome.OPTED_OUT: Stand.OPTED_OUT,
    Outcome.UNREACHABLE: Stand.UNREACHABLE,
    Outcome.CANCELLED: Stand.CALLED_OFF,
    Outcome.TAKEN_OUT: Stand.CALLED_OFF,
}


def are_too_many(unreachable: int, *, asked: int) -> bool:
    """Whether focal points hear that so many cannot be reached: more than a third."""
    return 3 * unreachable > asked


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a campaign stands. `places` count everyone once; `sent` and `seen` count people beside that.

    `waits_until` is when the first of the `messages` that still wait is due.
    """

    asked: int
    places: Mapping[Stand, int]
    reasons: Mapping[Reason, int]
    sent: int
    seen: int
    messages: int
    waits_until: datetime | None

    def of(self, place: Stand) -> int:
        """How many people are in that place."""
        return self.places.get(place, 0)

    @property
    def names_somebody(self) -> bool:
        """Whether so few answered that numbers beside it could tell who."""
        return 0 < self.of(Stand.ANSWERED) < FEWEST


def count(rows: Iterable[Row]) -> Standing:
    """How the campaign of these people stands."""
    people = list(rows)
    waiting = [one for one in people if one.has_a_message_waiting]
    lost = [one.reason for one in people if one.stand is Stand.UNREACHABLE]
    return Standing(
        asked=len(people),
        places=dict(Counter(one.stand for one in people)),
        reasons=dict(Counter(lost).most_common()),
        sent=sum(one.was_sent for one in people),
        seen=sum(one.was_seen for one in people),
        messages=len(waiting),
        waits_until=min((one.due_at for one in waiting if one.due_at), default=None),
    )


def told_counts(found: Standing) -> Mapping[Stand, int | None]:
    """The numbers to be told beside `asked`, in the order of `Stand`, without those that nobody is in.

    Where fewer than three answered, None stands for how many, and it is not said who declined or was silent:
    what is left over would tell.
    """
    if not found.names_somebody:
        return {place: found.of(place) for place in Stand if found.of(place)}
    others = {Stand.UNREACHABLE, Stand.UNKNOWN, Stand.WAITING}
    counted = {place: found.of(place) for place in Stand if place in others and found.of(place)}
    return {Stand.ANSWERED: None, **counted}


@dataclass(frozen=True, kw_only=True)
class Next:
    """What happens next at `at`, and on the same day: to how many people. `closes_on` is the last day."""

    at: datetime
    invitations: int
    reminders: int
    ends: int
    closes_on: date


def next_steps(rows: Sequence[Row], plan: Plan, hours: Hours) -> Next | None:
    """What the plan has next, None when nobody is to be asked or waited for any more.

    Whoever cannot be reached is sent nothing more, and what waits is sent before it is reminded of.
    """
    waits = [
        (one.next_at, one)
        for one in rows
        if one.outcome is Outcome.OPEN and one.next_at and one.last not in {"unreachable", "failed"}
    ]
    if not waits:
        return None
    first = min(at for at, _ in waits)
    today = [
        one
        for at, one in waits
        if day_at(at, hours) == day_at(first, hours) and not one.has_a_message_waiting
    ]
    last = len(plan.days)
    return Next(
        at=first,
        invitations=sum(one.sent == 0 for one in today),
        reminders=sum(0 < one.sent < last for one in today),
        ends=sum(one.sent >= last for one in today),
        closes_on=max(_closes_on(at, one.sent, plan, hours) for at, one in waits),
    )


def _closes_on(next_at: datetime, sent: int, plan: Plan, hours: Hours) -> date:
    """The day on which a person is waited for no longer."""
    marks = (*plan.days, plan.close_after)
    left = timedelta(days=marks[-1] - marks[min(sent, len(plan.days))])
    day = day_at(next_at + left, hours)
    return day if plan.last_on is None else min(day, plan.last_on + timedelta(days=1))


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """For each id the shortest beginning that names it alone: at least eight characters of what comes after
    its kind."""
    known = sorted(ids)
    found = {}
    for place, one in enumerate(known):
        beside = [*known[max(place - 1, 0) : place], *known[place + 1 : place + 2]]
        long = one.index(":") + 9 if ":" in one else len(one)
        while long < len(one) and any(other.startswith(one[:long]) for other in beside):
            long += 1
        found[one] = one[:long]
    return found
