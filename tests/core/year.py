"""A pretended agency and a year of its calendar, run by the rules of `km365.core` with a clock that is moved.

Milestones are moved and called off, colleagues leave, answer, refuse and choose hours of their own, and for
a week nothing runs. What was sent is returned, to be looked at.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from km365.core import schedule
from km365.core.asking import Colleague, RuleWords, Staff, Trait, choose, rank, read_rule
from km365.core.departures import Leaver, due_leavers, handover_plan
from km365.core.preferences import Asked, Preferences, hours_for, may_ask
from km365.core.schedule import Act, Before, Hours, Milestone, Outcome, Plan, Progress

FIRST = date(2027, 1, 1)
DAYS = 365
STANDSTILL = range(100, 107)
"""Days on which nothing runs."""
KINDS = ("emergency review", "evaluation", "mid-term review", "end-year review", "annual work plan")
WORDS = RuleWords(
    traits={Trait.OFFICE: ("office",), Trait.SECTION: ("section",), Trait.ROLE: ("role",)},
    out=("not",),
    at_most=("at most",),
)
RULES = ("", "", "section: WASH", "section: Health\nrole: *officer*", "not role: driver", "at most: 20")
ZONES = (
    *(
        "Africa/Nairobi",
        "Africa/Casablanca",
        "America/Bogota",
        "America/Santiago",
        "Asia/Dhaka",
        "Asia/Kathmandu",
    ),
    *("Asia/Gaza", "Europe/Paris", "Pacific/Apia", "Australia/Lord_Howe"),
)


@dataclass(frozen=True)
class Sent:
    """One message that went out."""

    at: datetime
    person: str
    campaign: str
    number: int


@dataclass
class Agency:
    """Offices with their hours, staff by office, and what they chose."""

    offices: Mapping[str, Hours]
    staff: Mapping[str, list[Colleague]]
    wanted: Mapping[str, Preferences]

    def hours(self, one: Colleague) -> Hours:
        return hours_for(self.wanted.get(one.id, Preferences()), self.offices[one.office])


@dataclass
class _Part:
    """One person in one campaign."""

    person: Colleague
    campaign: str
    kind: str
    plan: Plan
    due_on: date
    rank: int
    progress: Progress


@dataclass
class Year:
    """What happened."""

    agency: Agency
    sent: list[Sent] = field(default_factory=list)
    stopped: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When a person answered a campaign, or it was called off; nothing is to follow."""
    outcomes: dict[Outcome, int] = field(default_factory=lambda: defaultdict(int))


def agency(chance: random.Random, *, offices: int, staff: int) -> Agency:
    """An agency; every tenth colleague has chosen something about messages."""
    weekends = (frozenset({5, 6}), frozenset({4, 5}), frozenset({6}))
    made = {
        f"CO-{number:03}": Hours(
            zone=ZoneInfo(ZONES[number % len(ZONES)]),
            weekend=weekends[number % 3],
            opens=timedelta(hours=8 + number % 2),
            off=frozenset(FIRST + timedelta(days=chance.randrange(DAYS)) for _ in range(12)),
        )
        for number in range(offices)
    }
    people = [
        Colleague(
            id=f"p{number}",
            names=frozenset({f"p{number}@x.example"}),
            office=f"CO-{number % offices:03}",
            section=chance.choice(("WASH", "Health", "Education", "Supply")),
            role=chance.choice(("Water officer", "Chief", "Driver", "Nutrition officer")),
        )
        for number in range(staff)
    ]
    by_office = defaultdict(list)
    for one in people:
        by_office[one.office].append(one)
    choices = (
        Preferences(asked=Asked.NONE),
        Preferences(asked=Asked.HANDOVER),
        Preferences(zone="Asia/Tokyo"),
        Preferences(opens=timedelta(hours=18)),
        Preferences(opens=timedelta(hours=20), closes=timedelta(hours=2)),
    )
    wanted = {one.id: chance.choice(choices) for one in people if chance.random() < 0.1}
    return Agency(offices=made, staff=by_office, wanted=wanted)


def milestones(chance: random.Random, offices: Sequence[str], count: int) -> list[Milestone]:
    """Milestones all over the year, some of one office close together."""
    return [
        Milestone(
            id=str(number),
            title=f"Review {number}",
            kind=chance.choice(KINDS),
            office=chance.choice(offices),
            due_on=FIRST + timedelta(days=chance.randrange(DAYS)),
            asked=tuple(filter(None, chance.choice(RULES).split("\n"))),
        )
        for number in range(count)
    ]


def leavers(chance: random.Random, people: Sequence[Colleague], count: int) -> list[Leaver]:
    """Colleagues who leave in this year or the next half-year."""
    return [
        Leaver(
            person_id=one.id,
            leaves_on=FIRST + timedelta(days=chance.randrange(DAYS + 120)),
            office=one.office,
        )
        for one in chance.sample(people, count)
    ]


def run(
    agency: Agency, calendar: Sequence[Milestone], leaving: Sequence[Leaver], chance: random.Random
) -> Year:
    """The year, day by day; every day the calendar is read, and between whoever is due is looked at."""
    return _Run(agency, calendar, leaving, chance).year()


def _is_near(one: Milestone, today: date) -> bool:
    return one.due_on is not None and abs(one.due_on - today) < timedelta(days=40)


class _Run:
    def __init__(
        self,
        agency: Agency,
        calendar: Sequence[Milestone],
        leaving: Sequence[Leaver],
        chance: random.Random,
    ) -> None:
        self._agency, self._chance = agency, chance
        self._calendar = {one.id: one for one in calendar}
        self._leaving = {one.person_id: one for one in leaving}
        self._people = {one.id: one for them in agency.staff.values() for one in them}
        self._parts: dict[tuple[str, str], _Part] = {}
        self._chosen: dict[str, date] = {}
        self._queue: list[tuple[datetime, int, str, str, bool]] = []
        self._asked: dict[str, list[datetime]] = defaultdict(list)
        self._year = Year(agency=agency)

    def year(self) -> Year:
        for number in range(DAYS):
            day = FIRST + timedelta(days=number)
            begins = datetime.combine(day, time(0, 30), tzinfo=UTC)
            self._people_change_their_minds(begins)
            if number in STANDSTILL:
                continue
            self._scan(day, begins)
            self._until(begins, begins + timedelta(days=1))
        for part in self._parts.values():
            self._year.outcomes[part.progress.state] += 1
        return self._year

    def _people_change_their_minds(self, now: datetime) -> None:
        """Here and there a milestone is moved or called off, and a departure is moved."""
        near = [one for one in self._calendar.values() if not one.is_over and _is_near(one, now.date())]
        for one in near:
            if self._chance.random() < 0.01 and one.due_on is not None:
                shift = timedelta(days=self._chance.randint(-30, 60))
                state = "cancelled" if self._chance.random() < 0.3 else one.state
                self._calendar[one.id] = replace(one, due_on=one.due_on + shift, state=state)
        if self._leaving and self._chance.random() < 0.5:
            leaver = self._chance.choice(list(self._leaving.values()))
            shift = timedelta(days=self._chance.randint(-20, 40))
            self._leaving[leaver.person_id] = replace(leaver, leaves_on=leaver.leaves_on + shift)

    def _scan(self, today: date, now: datetime) -> None:
        planned = schedule.sort_milestones(self._calendar.values(), today=today)
        for one in planned.due:
            self._take_in(one, now)
        for one in planned.later:
            self._put_off(one, now)
        for one in (*planned.over, *planned.undated):
            if one.is_over:
                self._call_off(one.subject, now)
        for leaver in due_leavers(self._leaving.values(), today=today):
            self._take_in_leaver(leaver, today, now)

    def _take_in(self, one: Milestone, now: datetime) -> None:
        if one.due_on is None or self._chosen.get(one.id) == one.due_on:
            return
        self._chosen[one.id] = one.due_on
        rule = read_rule("\n".join(one.asked), words=WORDS, office=one.office)
        for person in choose(rule, Staff(self._agency.staff[one.office]), seed=one.subject).asked:
            part = self._parts.get((one.subject, person.id))
            if part is None:
                self._add(one.subject, "milestone", Plan(), one.due_on, rank(one.kind, KINDS), person, now)
            else:
                part.due_on = one.due_on
                self._again(part, now)

    def _take_in_leaver(self, leaver: Leaver, today: date, now: datetime) -> None:
        campaign = f"departure:{leaver.person_id}"
        part = self._parts.get((campaign, leaver.person_id))
        if part is None:
            plan = handover_plan(leaver.leaves_on, today=today)
            self._add(campaign, "departure", plan, leaver.leaves_on, -1, self._people[leaver.person_id], now)
        elif part.due_on != leaver.leaves_on:
            part.due_on = leaver.leaves_on
            part.plan = replace(part.plan, last_on=leaver.leaves_on if part.plan.last_on else None)
            self._again(part, now)

    def _add(
        self, campaign: str, kind: str, plan: Plan, due_on: date, rank: int, person: Colleague, now: datetime
    ) -> None:
        progress = Progress(state=Outcome.OPEN, started_at=now, next_at=now)
        part = _Part(person, campaign, kind, plan, due_on, rank, progress)
        self._parts[campaign, person.id] = part
        self._wait(part)

    def _again(self, part: _Part, now: datetime) -> None:
        if part.progress.state is Outcome.OPEN and part.progress.next_at is not None:
            soonest = schedule.next_step_at(part.progress, part.plan, now, self._agency.hours(part.person))
            if soonest < part.progress.next_at:
                part.progress = replace(part.progress, next_at=soonest)
                self._wait(part)

    def _put_off(self, one: Milestone, now: datetime) -> None:
        if one.due_on is None or self._chosen.get(one.id) in {None, one.due_on}:
            return
        self._chosen[one.id] = one.due_on - timedelta(days=1)  # chosen anew when it is near again
        for part in self._of(one.subject):
            hours = self._agency.hours(part.person)
            until = schedule.next_open(schedule.midnight(one.due_on - schedule.LEAD, hours), hours)
            part.due_on = one.due_on
            if part.progress.state is Outcome.OPEN:
                part.progress = replace(part.progress, next_at=until)
                self._wait(part)

    def _call_off(self, campaign: str, now: datetime) -> None:
        for part in self._of(campaign):
            if part.progress.state is Outcome.OPEN:
                part.progress = replace(part.progress, state=Outcome.CANCELLED, next_at=None)
                self._year.stopped[campaign, part.person.id] = now

    def _of(self, campaign: str) -> Iterable[_Part]:
        office = self._calendar[campaign.partition(":")[2]].office
        for person in self._agency.staff[office]:
            if part := self._parts.get((campaign, person.id)):
                yield part

    def _wait(self, part: _Part) -> None:
        if part.progress.next_at is not None:
            self._push(part.progress.next_at, part, answers=False)

    def _push(self, at: datetime, part: _Part, *, answers: bool) -> None:
        heappush(self._queue, (at, part.rank, part.campaign, part.person.id, answers))

    def _until(self, now: datetime, end: datetime) -> None:
        """Everyone who is due before `end`, each at the minute they are due, or now if that has passed."""
        while self._queue and self._queue[0][0] < end:
            due_at, _, campaign, person, answers = heappop(self._queue)
            now = max(now, due_at)
            part = self._parts[campaign, person]
            if answers:
                self._answer(part, now)
            elif part.progress.next_at == due_at:
                self._step(part, now)

    def _answer(self, part: _Part, now: datetime) -> None:
        if part.progress.state is Outcome.OPEN:
            state = self._chance.choice((Outcome.ANSWERED, Outcome.ANSWERED, Outcome.DECLINED))
            part.progress = replace(part.progress, state=state, next_at=None)
            self._year.stopped[part.campaign, part.person.id] = now

    def _step(self, part: _Part, now: datetime) -> None:
        who = part.person.id
        wanted = self._agency.wanted.get(who, Preferences())
        if not may_ask(part.kind, wanted.asked, sent=part.progress.sent):
            part.progress = replace(part.progress, state=Outcome.OPTED_OUT, next_at=None)
            return
        hours = self._agency.hours(part.person)
        before = Before(moments=self._asked[who])
        act, part.progress = schedule.step(
            part.progress, part.plan, now, hours, due_on=part.due_on, before=before
        )
        if act in {Act.INVITE, Act.REMIND}:
            self._asked[who] = [*self._asked[who][-9:], now]
            self._year.sent.append(Sent(now, who, part.campaign, part.progress.sent))
            if self._chance.random() < 0.4:
                later = now + timedelta(minutes=self._chance.randrange(6 * 24 * 60))
                self._push(later, part, answers=True)
        self._wait(part)


def wrong(year: Year) -> Iterator[str]:
    """Everything that was not to happen, in words; computed apart from the rules."""
    yield from _asked_twice(year)
    yield from _too_many(year)
    yield from _out_of_hours(year)
    yield from _after_the_end(year)


def _asked_twice(year: Year) -> Iterator[str]:
    seen = set()
    for one in year.sent:
        key = (one.person, one.campaign, one.number)
        if key in seen:
            yield f"{key} was sent twice"
        seen.add(key)


def _too_many(year: Year) -> Iterator[str]:
    moments = defaultdict(list)
    for one in year.sent:
        moments[one.person].append(one.at)
    for person, them in moments.items():
        for first, third in zip(them, them[schedule.PER_WEEK :], strict=False):
            if third - first < timedelta(days=7):
                yield f"{person} was asked more than {schedule.PER_WEEK} times from {first} to {third}"


def _out_of_hours(year: Year) -> Iterator[str]:
    people = {one.id: one for them in year.agency.staff.values() for one in them}
    for one in year.sent:
        hours = year.agency.hours(people[one.person])
        local = one.at.astimezone(hours.zone)
        minutes = local.hour * 60 + local.minute
        days = [(local.date(), minutes), (local.date() - timedelta(days=1), minutes + 24 * 60)]
        if not any(
            hours.opens <= timedelta(minutes=at) < hours.closes
            and day.weekday() not in hours.weekend
            and day not in hours.off
            for day, at in days
        ):
            yield f"{one} is out of hours: {local}"


def _after_the_end(year: Year) -> Iterator[str]:
    for one in year.sent:
        stopped = year.stopped.get((one.campaign, one.person))
        if stopped is not None and one.at > stopped:
            yield f"{one} came after the answer at {stopped}"
