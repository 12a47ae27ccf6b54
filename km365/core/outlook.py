"""One event in Outlook for each milestone: what is done about it next, from what is known to stand there."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Event:
    """A whole day in a calendar, that of `time_zone` (an IANA name)."""

    title: str
    day: date
    time_zone: str
    kind: str
    about: str


class State(StrEnum):
    """Where a milestone's event stands."""

    MAKING = "making"  # asked for; whether it arrived is not known
    THERE = "there"
    DELETED = "deleted"  # by somebody in Outlook
    CALLED_OFF = "called off"  # by us, with the milestone


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What we know of a milestone's event. `number` counts from 1 how often one was made for it.

    `event` is as we last wrote it, whatever somebody made of it in Outlook since.
    """

    number: int
    state: State
    event: Event
    event_id: str = ""


@dataclass(frozen=True)
class Make:
    """Write down `kept`, which is then to be finished."""

    kept: Kept


@dataclass(frozen=True)
class Finish:
    """Ask for the event, again where it may have arrived already."""

    kept: Kept


@dataclass(frozen=True)
class Change:
    """Write `event` over what we wrote before."""

    kept: Kept
    event: Event


@dataclass(frozen=True)
class CallOff:
    """Take the event out."""

    kept: Kept


def next_step(kept: Kept | None, wanted: Event | None) -> Make | Finish | Change | CallOff | None:
    """The next step towards `wanted`; None: the milestone has no day, is cancelled or no longer in the list.

    What somebody deleted in Outlook is made again only when the milestone moves to another day.
    """
    if kept is None:
        return Make(Kept(number=1, state=State.MAKING, event=wanted)) if wanted else None
    if kept.state is State.MAKING:
        return Finish(kept)
    if wanted is None:
        return CallOff(kept) if kept.state is State.THERE else None
    if kept.state is State.THERE:
        return Change(kept, wanted) if kept.event != wanted else None
    if kept.state is State.DELETED and kept.event.day == wanted.day:
        return None
    return Make(Kept(number=kept.number + 1, state=State.MAKING, event=wanted))
