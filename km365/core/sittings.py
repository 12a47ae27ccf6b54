"""An interview kept to its plan while the plan changes: sittings that have begun stay, the others move.

Values in, values out. What was answered is in no sitting to come, so nothing is asked twice.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta

from km365.core.interviews import WAITING, Interview, InterviewState, Part, begins, current
from km365.core.questions import Bank

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)


def staying(interview: Interview, bank: Bank) -> tuple[Part, ...]:
    """The sittings that stay: of which a question was dealt with, or is being asked just now."""
    asking = current(interview, bank) if interview.state is InterviewState.OPEN else None
    return tuple(
        part
        for part in interview.parts
        if (asking is not None and asking.id in part.questions)
        or any(interview.answer(one) is not None for one in part.questions)
    )


def left(interview: Interview, parts: Collection[Part]) -> tuple[Part, ...]:
    """These sittings with only what has not been dealt with; those of which all has are left out."""
    open_ = (
        replace(part, questions=tuple(one for one in part.questions if interview.answer(one) is None))
        for part in parts
    )
    return tuple(part for part in open_ if part.questions)


def relaid(
    interview: Interview, bank: Bank, planned: Collection[Part], *, due_on: date, today: date, now: datetime
) -> Interview:
    """The interview with `planned` behind the sittings that stay, and its reminder on the new day.

    A sitting that was begun before its day is one of today. The same interview where nothing changes, and
    where it is over.
    """
    if interview.state not in WAITING or not interview.parts:
        return interview
    held = (replace(one, on=today, at=now) if one.on > today else one for one in staying(interview, bank))
    parts = (*held, *planned) or interview.parts  # without any, all would be asked
    after = replace(interview, parts=parts, due_on=due_on)
    before, coming = _next(interview, bank), _next(after, bank)
    if after.state is not InterviewState.PAUSED or before is None or coming == before:
        return after
    return replace(after, wake_at=_moved(interview.wake_at, before, coming, due_on=due_on, now=now))


def _moved(
    wake_at: datetime | None, before: Part, coming: Part | None, *, due_on: date, now: datetime
) -> datetime | None:
    """When the person is reminded, now that another sitting is the next; one they asked for earlier stays.

    A reminder that was not heeded comes again a week later, in the last week a day later.
    """
    if wake_at is None or wake_at < before.at:
        return wake_at
    at = max(coming.at, now) if coming else now
    if wake_at <= now:
        return max(at, wake_at + (_DAY if due_on - now.date() <= _WEEK else _WEEK))
    return max(at, wake_at) if wake_at > before.at and wake_at.date() <= due_on else at


def rested(interview: Interview) -> Interview:
    """The interview at rest until somebody takes it up: nobody is reminded of it, what was said stays."""
    if interview.state is InterviewState.OPEN:
        return replace(interview, state=InterviewState.PAUSED, wake_at=None)
    return replace(interview, wake_at=None) if interview.state in WAITING else interview


def woken(interview: Interview, *, at: datetime) -> Interview:
    """An interview that rested, of which the person is reminded then."""
    if interview.state is not InterviewState.PAUSED or interview.wake_at is not None:
        return interview
    return replace(interview, wake_at=at)


def _next(interview: Interview, bank: Bank) -> Part | None:
    """The sitting that the question asked next begins."""
    question = current(interview, bank)
    return begins(interview, question) if question else None
