"""When people are asked: which milestones are due, and each person's next step.

Values in, values out. A moment is aware and in UTC; a day is the day at the duty station.
"""

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

_DAY = timedelta(days=1)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEK = timedelta(days=7)
PER_WEEK = 2
"""How many messages a person gets in a week, of all campaigns together, where nothing else is set."""
LEAD = timedelta(days=14)
"""How long before a milestone its people are asked."""
GRACE = timedelta(days=7)
"""How long after its date a milestone still begins to ask, when nobody looked before."""


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When people may be written to: local wall time since midnight, and the days off (Monday is 0).

    Hours that end after midnight close beyond 24 hours; they belong to the day on which they open.
    """

    zone: tzinfo
    opens: timedelta = timedelta(hours=9)
    closes: timedelta = timedelta(hours=17)
    weekend: frozenset[int] = frozenset({5, 6})
    off: Container[date] = frozenset()
    """Days off beside the weekend, such as holidays."""
    offices: Mapping[str, "Hours"] = field(default_factory=dict, compare=False, repr=False)
    """The hours of the offices that keep others, by code."""

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.opens < _DAY or not self.opens < self.closes <= self.opens + _DAY:
            raise ValueError("working hours must begin within a day and end within a day of that")
        if len(self.weekend) > 6 or not self.weekend <= set(range(7)):
            raise ValueError("a week needs a working day")

    def of(self, office: str) -> "Hours":
        """The hours of this office: its own, where it has some."""
        return self.offices.get(office.strip(), self)

    def works_on(self, day: date) -> bool:
        """Whether it is a working day."""
        return day.weekday() not in self.weekend and day not in self.off


def working_hours(text: str) -> tuple[timedelta, timedelta]:
    """The two ends of 09:00-17:00. Raises ValueError where there is anything else."""
    opens, closes = (_wall_time(part.strip()) for part in text.split("-"))
    return opens, closes


def _wall_time(text: str) -> timedelta:
    if text == "24:00":
        return _DAY
    wall = time.fromisoformat(text)
    return timedelta(hours=wall.hour, minutes=wall.minute)


def weekdays(names: Iterable[str]) -> frozenset[int]:
    """The days of the week, Monday being 0, by their English names. Raises ValueError for another word."""
    return frozenset(_WEEKDAYS.index(name.lower()) for name in names)


ALWAYS = Hours(zone=UTC, opens=timedelta(0), closes=_DAY, weekend=frozenset())
"""At any time of any day."""


def day_at(moment: datetime, hours: Hours) -> date:
    """The day it is at the duty station."""
    return moment.astimezone(hours.zone).date()


def midnight(day: date, hours: Hours) -> datetime:
    """The beginning of the day at the duty station."""
    return datetime.combine(day, time(), tzinfo=hours.zone)


def next_open(moment: datetime, hours: Hours) -> datetime:
    """The first moment at or after `moment` within working hours, in UTC."""
    day = day_at(moment, hours) - _DAY  # whose hours may go on after midnight
    while True:
        begins = midnight(day, hours)
        opens, closes = ((begins + wall).astimezone(UTC) for wall in (hours.opens, hours.closes))
        if hours.works_on(day) and moment < closes:
            return max(moment.astimezone(UTC), opens)
        day += timedelta(days=1)


class Outcome(StrEnum):
    """Where a person is in a campaign."""

    OPEN = "open"  # still to be asked or reminded
    ANSWERED = "answered"  # began to answer; nothing more is sent
    DECLINED = "declined"  # said no; nothing more is sent
    UNREACHABLE = "unreachable"  # the app is blocked or gone
    CANCELLED = "cancelled"  # the milestone or departure was called off
    CLOSED = "closed"  # asked as often as the plan allows, without an answer
    TAKEN_OUT = "taken out"  # no longer among those asked; taken up where they are put back in time
    OPTED_OUT = "opted out"  # wants no such messages; asked again if they change their mind in time


class Why(StrEnum):
    """Why somebody is not asked yet, or, once their part has closed, why not any more."""

    ASKED_LATELY = "asked something else too recently"
    ON_LEAVE = "on leave"


def message_key(key: str, number: int) -> str:
    """The outbox key of the person's first message (the invitation), second, and so on."""
    return key if number <= 1 else f"{key}:{number - 1}"


class Act(StrEnum):
    """What is to be done for a person now."""

    INVITE = "invite"
    REMIND = "remind"
    CLOSE = "close"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The invitation and its reminders, in days after the start; nothing is sent after `last_on`."""

    days: tuple[int, ...] = (0, 3, 7)
    close_after: int = 14
    last_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One person in one campaign. `sent` counts the invitation and the reminders.

    `why` says what put off the next step, or ended their part; None where the plan did.
    """

    state: Outcome
    started_at: datetime
    next_at: datetime | None
    sent: int = 0
    last_at: datetime | None = None
    why: Why | None = None


@dataclass(frozen=True, kw_only=True)
class Before:
    """What else a person is asked. `moments` are those of the week before and after, of all campaigns.

    A message that still waits stands at the moment it is due, or now.
    """

    moments: Collection[datetime] = ()
    per_week: int = PER_WEEK

    def free_at(self, now: datetime, hours: Hours) -> datetime:
        """The first moment from `now` on a day without a message and with fewer than `per_week` in a week."""
        today = day_at(now, hours)
        counted = sorted(moment for moment in self.moments if now - WEEK < moment < now + WEEK)
        if any(day_at(moment, hours) == today for moment in counted):
            return midnight(today + _DAY, hours)
        return counted[-self.per_week] + WEEK if len(counted) >= self.per_week else now


NOTHING = Before()
"""They were asked nothing else."""


def step(
    p: Progress,
    plan: Plan,
    now: datetime,
    hours: Hours,
    *,
    due_on: date,
    before: Before = NOTHING,
    away: bool = False,
) -> tuple[Act | None, Progress]:
    """What to do for the person now, and how they stand after it. At most one act, and None before its time.

    Nobody is asked twice on one day, nor more often in a week than `before` allows; whoever is `away` is
    looked at again the next day. Whoever is put off until it is of no use (`due_on` is the campaign's day) is
    asked no more. Prompts keep the distance of the plan
    even when they start late, so no burst follows a long stop.
    """
    if p.state is not Outcome.OPEN or p.next_at is None or now < p.next_at:
        return None, p
    today = day_at(now, hours)
    if p.sent >= len(plan.days) or (plan.last_on is not None and today > plan.last_on):
        return Act.CLOSE, replace(p, state=Outcome.CLOSED, next_at=None)
    free_at = before.free_at(now, hours)
    if free_at > now:
        return _put_off(p, plan, due_on, free_at, hours, Why.ASKED_LATELY)
    opens = next_open(now, hours)
    if opens > now:
        return None, replace(p, next_at=opens)
    if away:
        return _put_off(p, plan, due_on, midnight(today + _DAY, hours), hours, Why.ON_LEAVE)
    marks = (*plan.days, plan.close_after)
    planned = p.started_at + timedelta(days=marks[p.sent + 1])
    spaced = now + timedelta(days=marks[p.sent + 1] - marks[p.sent])
    next_at = next_open(max(planned, spaced), hours)
    after = replace(p, sent=p.sent + 1, last_at=now, next_at=next_at, why=None)
    return (Act.INVITE if p.sent == 0 else Act.REMIND), after


def _put_off(
    p: Progress, plan: Plan, due_on: date, until: datetime, hours: Hours, why: Why
) -> tuple[Act | None, Progress]:
    next_at = next_open(until, hours)
    if is_too_late(p, plan, due_on, next_at, hours):
        return Act.CLOSE, replace(p, state=Outcome.CLOSED, next_at=None, why=why)
    return None, replace(p, next_at=next_at, why=why)


def foresee(
    p: Progress,
    plan: Plan,
    hours: Hours,
    *,
    due_on: date,
    before: Before = NOTHING,
    away_on: date | None = None,
) -> tuple[datetime | None, Why | None]:
    """When the person's next message comes as things stand, None where none does, and what puts it off.

    `away_on` is a day on which they are known to be on leave.
    """
    why = None
    while p.next_at is not None:
        now = p.next_at
        away = day_at(now, hours) == away_on
        act, p = step(p, plan, now, hours, due_on=due_on, before=before, away=away)
        if act in {Act.INVITE, Act.REMIND}:
            return now, why
        why = p.why or why
    return None, why


def next_step_at(p: Progress, plan: Plan, now: datetime, hours: Hours) -> datetime:
    """The soonest moment of the person's next step that keeps the distance of the plan."""
    if p.sent == 0 or p.last_at is None:
        return next_open(now, hours)
    marks = (*plan.days, plan.close_after)
    last = min(p.sent, len(plan.days))
    return next_open(max(now, p.last_at + timedelta(days=marks[last] - marks[last - 1])), hours)


def is_too_late(p: Progress, plan: Plan, due_on: date, now: datetime, hours: Hours) -> bool:
    """Whether a message that could not be delivered so far is of no use any more.

    That is after the plan's last day; without one, after the plan's end or a week past `due_on`, whichever
    is later.
    """
    today = day_at(now, hours)
    if plan.last_on is not None:
        return today > plan.last_on
    return today > max(day_at(p.started_at, hours) + timedelta(days=plan.close_after), due_on + GRACE)


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """One milestone of the calendar. `asked` are sign-in names or person ids; none means the whole office.

    `key` is what an imported sheet calls it, empty for one written by hand; `etag` is SharePoint's.
    """

    id: str
    title: str
    kind: str
    office: str
    due_on: date | None
    asked: tuple[str, ...] = ()
    state: str = "planned"
    programme: str = ""
    key: str = ""
    etag: str = ""
    web_url: str = ""
    modified_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether people called it closed or cancelled."""
        return self.state in {"closed", "cancelled"}

    @property
    def subject(self) -> str:
        """What interviews and campaigns call it."""
        return f"milestone:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The milestones sorted by what is to be done with them; `undated` cannot be scheduled."""

    due: tuple[Milestone, ...]
    later: tuple[Milestone, ...]
    over: tuple[Milestone, ...]
    undated: tuple[Milestone, ...]


def sort_milestones(milestones: Iterable[Milestone], *, today: date) -> Calendar:
    """Each milestone in one of four lists, the earliest first.

    Due is one from two weeks before its date to a week after it. A closed or cancelled one is over.
    """
    due, later, over, undated = [], [], [], []
    for one in sorted(milestones, key=lambda m: (m.due_on or date.max, m.id)):
        if one.is_over:
            over.append(one)
        elif one.due_on is None:
            undated.append(one)
        elif one.due_on - LEAD > today:
            later.append(one)
        elif one.due_on + GRACE < today:
            over.append(one)
        else:
            due.append(one)
    return Calendar(due=tuple(due), later=tuple(later), over=tuple(over), undated=tuple(undated))


REFLECTION_BANK = "midterm_review"
"""The bank of a kind of milestone that no bank names, such as one added by hand in SharePoint."""


def bank_for(kind: str, by_milestone: Mapping[str, str]) -> str:
    """The bank that a milestone of this kind asks, of `Banks.by_milestone`."""
    return by_milestone.get(kind.strip().lower(), REFLECTION_BANK)
