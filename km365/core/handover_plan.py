"""Which questions of a handover in which short sitting on which day, fitted to the notice there is.

Values in, values out. The days are counted back from the last day, so they stay where they are while time
passes and go along when the last day is moved; what has been dealt with is never planned again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from km365.core.departures import GONE_WITHIN, Notice, notice
from km365.core.handover_choice import NotAsked, Why
from km365.core.schedule import Hours

MOST = 8
"""Questions in a sitting: more than half an hour is too long (docs/handover.md)."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What fits one notice: days before the last day, and question ids that come first, last, or alone."""

    days_before: tuple[int, ...] = ()
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    colleagues: tuple[str, ...] = ()
    """What colleagues are asked instead of somebody who has left."""


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """The questions of one working day, by id."""

    on: date
    questions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SittingPlan:
    """The sittings, the earliest first. `not_asked` says of every other question of the bank why."""

    notice: Notice
    sittings: tuple[Sitting, ...]
    not_asked: Mapping[str, NotAsked]
    colleagues: tuple[str, ...] = ()


def lay_out(
    questions: Sequence[str],
    fits: Mapping[Notice, Fit],
    *,
    leaves_on: date,
    today: date,
    hours: Hours,
    done: Mapping[str, NotAsked],
    a_sitting: int,
    first: Sequence[str] = (),
    always: Collection[str] = (),
    wanted: Collection[str] = (),
    short: NotAsked | None = None,
    silent: NotAsked | None = None,
    met_today: bool = False,
) -> SittingPlan:
    """The sittings for the questions of a bank that still have to be asked.

    `done` says of questions why they need not be; `a_sitting` is how many a sitting has where there are days
    enough, `MOST` where not. `first` come before the others. With `short` those of the shortest notice do,
    and `always` beside them; `wanted` are asked whatever the notice is. `silent` says why the person is
    not asked, so that there is no sitting. Who was `met_today` is met again today only where no day is left.
    """
    found = notice(leaves_on, today=today)
    fit = fits[found]
    only = fit.only or (fits[Notice.DAYS].only if short else ())
    beside = {*wanted, *(always if found is not Notice.GONE else ())}
    not_asked = {one: done[one] for one in questions if one in done}
    why = NotAsked(Why.NOTICE) if fit.only else short or NotAsked(Why.BAND)
    fitting = {*only, *beside}
    not_asked |= {one: why for one in questions if only and one not in fitting and one not in done}
    open_ = [one for one in questions if one not in not_asked]
    gone = found is Notice.GONE
    colleagues = tuple(one for one in fit.colleagues if one not in done)
    if silent:
        not_asked |= dict.fromkeys(open_, silent)
        return SittingPlan(notice=found, sittings=(), not_asked=not_asked, colleagues=colleagues)
    ends_on = leaves_on + GONE_WITHIN if gone else leaves_on
    early, late = _ordered(open_, fit, first)
    starts_on = today + _DAY if met_today and today < ends_on else today
    days = _days(fit, hours, leaves_on=leaves_on, today=starts_on, ends_on=ends_on)
    if not days.all():
        days = _days(fit, hours, leaves_on=leaves_on, today=today, ends_on=ends_on)
    before, after = (_shared_out(part, min(a_sitting, MOST)) for part in (early, late))
    if len(before) + len(after) > len(days.planned):
        before, after = _shared_out(early, MOST), _shared_out(late, MOST)
    if len(before) + len(after) <= len(days.all()):
        picked = days.pick(len(before) + len(after))
        used = [*picked[: len(before)], *(picked[-len(after) :] if after else ())]
        groups = [*before, *after]
    else:
        used = days.all()
        urgent = fits[Notice.WEEKS].first or fits[Notice.DAYS].only
        in_order = [*(one for one in urgent if one in open_), *(one for one in open_ if one not in urgent)]
        room = len(used) * MOST
        not_asked |= dict.fromkeys(in_order[room:], NotAsked(Why.NO_DAY))
        groups = _shared_out(in_order[:room], MOST)
    sittings = tuple(
        Sitting(on=day, questions=tuple(group)) for day, group in zip(used, groups, strict=False)
    )
    return SittingPlan(notice=found, sittings=sittings, not_asked=not_asked, colleagues=colleagues)


def _ordered(open_: Sequence[str], fit: Fit, before: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is asked early and what late, each in order. A list of all there are keeps its own order.

    The last question of the bank closes what it stands in: it asks what else there is to say.
    """
    named = fit.only or (*before, *fit.first)
    first = [one for one in dict.fromkeys(named) if one in open_]
    late = [one for one in fit.last if one in open_ and one not in first]
    closing = [one for one in first if fit.only and one == open_[-1]]
    opening = [one for one in first if one not in closing]
    return [*opening, *(one for one in open_ if one not in first and one not in late), *closing], late


def _shared_out(questions: Sequence[str], size: int) -> list[list[str]]:
    """As few sittings as `size` allows, of nearly equal length."""
    count = -(-len(questions) // size)
    ends = [len(questions) * n // count for n in range(count + 1)] if count else []
    return [list(questions[begin:end]) for begin, end in pairwise(ends)]


@dataclass(frozen=True, kw_only=True)
class _Days:
    """The days a plan has in mind, and the other working days there are."""

    planned: tuple[date, ...]
    others: tuple[date, ...]

    def all(self) -> list[date]:
        return sorted({*self.planned, *self.others})

    def pick(self, count: int) -> list[date]:
        """The planned days, and the soonest others where these are too few."""
        missing = max(0, count - len(self.planned))
        return sorted({*self.planned, *self.others[:missing]})


def _days(fit: Fit, hours: Hours, *, leaves_on: date, today: date, ends_on: date) -> _Days:
    count = (ends_on - today).days + 1
    working = [day for n in range(count) if hours.works_on(day := today + n * _DAY)]
    planned = {
        max((day for day in working if day <= wanted), default=wanted)
        for days in fit.days_before
        if (wanted := leaves_on - timedelta(days=days)) >= today
    } & set(working)
    return _Days(planned=tuple(sorted(planned)), others=tuple(day for day in working if day not in planned))
