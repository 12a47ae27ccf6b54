"""Whom to ask and when: examples in words, and laws over many people, days and interruptions."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import schedule
from km365.core.schedule import Act, Before, Hours, Milestone, Outcome, Plan, Progress

FRIDAY_SATURDAY = frozenset({4, 5})
UTC_HOURS = Hours(zone=UTC)
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
TODAY = MONDAY.date()


def begin(at: datetime = MONDAY) -> Progress:
    return Progress(state=Outcome.OPEN, started_at=at, next_at=at)


FAR = date(2029, 1, 1)


def step(
    p: Progress, plan: Plan, now: datetime, hours: Hours, *asked: datetime | None
) -> tuple[Act | None, Progress]:
    """The next step for a campaign of a far day, for somebody asked at these moments."""
    before = Before(moments=[one for one in asked if one is not None])
    return schedule.step(p, plan, now, hours, due_on=FAR, before=before)


def milestone(due_on: date | None, *, key: str = "7", state: str = "planned") -> Milestone:
    return Milestone(
        id=key, title="Mid-term review", kind="mid-term review", office="CO-BEL", due_on=due_on, state=state
    )


# Examples


def test_the_invitation_comes_at_once_and_the_first_reminder_three_days_later() -> None:
    act, after = step(begin(), Plan(), MONDAY, UTC_HOURS)
    assert act is Act.INVITE
    assert after.next_at == MONDAY + timedelta(days=3)
    act, after = step(after, Plan(), MONDAY + timedelta(days=3), UTC_HOURS, MONDAY)
    assert act is Act.REMIND


def test_before_the_time_nothing_happens() -> None:
    waiting = begin(MONDAY + timedelta(hours=1))
    assert step(waiting, Plan(), MONDAY, UTC_HOURS) == (None, waiting)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.OPEN])
def test_whoever_is_not_open_is_left_in_peace(outcome: Outcome) -> None:
    ended = replace(begin(), state=outcome)
    assert step(ended, Plan(), MONDAY, UTC_HOURS) == (None, ended)


def test_on_a_free_day_the_invitation_waits_for_the_next_morning_of_work() -> None:
    saturday = datetime(2026, 3, 7, 10, tzinfo=UTC)
    act, after = step(begin(saturday), Plan(), saturday, UTC_HOURS)
    assert act is None
    assert after.next_at == datetime(2026, 3, 9, 9, tzinfo=UTC)


def test_a_friday_saturday_weekend_is_kept() -> None:
    hours = Hours(zone=ZoneInfo("Asia/Dhaka"), weekend=FRIDAY_SATURDAY)
    thursday_evening = datetime(2026, 3, 5, 15, tzinfo=UTC)
    assert schedule.next_open(thursday_evening, hours) == datetime(2026, 3, 8, 3, tzinfo=UTC)


def test_nobody_is_asked_by_two_campaigns_on_one_day() -> None:
    act, after = step(begin(), Plan(), MONDAY, UTC_HOURS, MONDAY - timedelta(hours=1))
    assert act is None
    assert after.next_at == datetime(2026, 3, 3, 9, tzinfo=UTC)


def test_after_a_month_of_standstill_reminders_keep_their_distance() -> None:
    _, asked = step(begin(), Plan(days=(0, 3, 7)), MONDAY, UTC_HOURS)
    back = MONDAY + timedelta(days=28)
    act, after = step(asked, Plan(days=(0, 3, 7)), back, UTC_HOURS, MONDAY)
    assert act is Act.REMIND
    assert after.next_at == back + timedelta(days=4)


@pytest.mark.parametrize(
    ("last_in", "due_in", "last_useful_day"), [(30, 30, 30), (None, 3, 14), (None, 10, 17), (None, 90, 97)]
)
def test_what_was_not_delivered_is_of_use_until_the_last_day_or_a_week_past_the_date(
    last_in: int | None, due_in: int, last_useful_day: int
) -> None:
    last_on = TODAY + timedelta(days=last_in) if last_in else None
    plan, due_on = Plan(last_on=last_on), TODAY + timedelta(days=due_in)
    late = [
        schedule.is_too_late(begin(), plan, due_on, MONDAY + timedelta(days=day), UTC_HOURS)
        for day in (last_useful_day, last_useful_day + 1)
    ]
    assert late == [False, True]


def test_after_the_last_day_nothing_is_sent() -> None:
    plan = Plan(last_on=TODAY)
    act, after = step(begin(), plan, MONDAY + timedelta(days=1), UTC_HOURS)
    assert (act, after.state) == (Act.CLOSE, Outcome.CLOSED)


@pytest.mark.parametrize(
    ("days", "place"),
    [(-8, "over"), (-7, "due"), (0, "due"), (2, "due"), (14, "due"), (15, "later"), (None, "undated")],
)
def test_a_milestone_is_due_from_two_weeks_before_to_a_week_after(days: int | None, place: str) -> None:
    due_on = None if days is None else TODAY + timedelta(days=days)
    calendar = schedule.sort_milestones([milestone(due_on)], today=TODAY)
    assert {name: len(getattr(calendar, name)) for name in ("due", "later", "over", "undated")} == {
        name: int(name == place) for name in ("due", "later", "over", "undated")
    }


@pytest.mark.parametrize("state", ["closed", "cancelled"])
def test_a_closed_milestone_is_over_even_without_a_date(state: str) -> None:
    both = [milestone(TODAY, key="1", state=state), milestone(None, key="2", state=state)]
    assert schedule.sort_milestones(both, today=TODAY).over == tuple(both)


def test_a_kind_of_milestone_uses_its_own_questions_where_there_are_some() -> None:
    banks = {"mid-term review": "midterm_review", "end-year review": "our_year"}
    assert schedule.bank_for("mid-term review", banks) == "midterm_review"
    assert schedule.bank_for("End-year review", banks) == "our_year"
    assert schedule.bank_for("something of our own", banks) == "midterm_review"


@pytest.mark.parametrize("bad", [{"weekend": frozenset(range(7))}, {"opens": timedelta(hours=17)}])
def test_hours_that_never_open_are_refused(bad) -> None:
    with pytest.raises(ValueError, match="work"):
        Hours(zone=UTC, **bad)


# Laws

ZONES = ["UTC", "Africa/Nairobi", "America/Bogota", "Europe/Paris", "Asia/Kathmandu", "Pacific/Kiritimati"]
WEEK_OFF = frozenset(date(2026, month, day) for month in (3, 10) for day in range(23, 30))
"""Around the days on which clocks change in Europe."""
hours = st.builds(
    Hours,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    opens=st.sampled_from([timedelta(0), timedelta(hours=9), timedelta(hours=8, minutes=30)]),
    closes=st.sampled_from([timedelta(hours=17), timedelta(hours=24)]),
    weekend=st.sampled_from([frozenset({5, 6}), FRIDAY_SATURDAY, frozenset[int]()]),
    off=st.sampled_from([frozenset[date](), WEEK_OFF]),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
plans = st.builds(
    Plan,
    days=st.sampled_from([(0,), (0, 3, 7), (0, 1, 3), (0, 14, 42)]),
    close_after=st.sampled_from([60, 90]),
    last_on=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
looks = st.lists(st.integers(min_value=1, max_value=60 * 24 * 40), min_size=1, max_size=60)
"""Minutes between one look and the next: every minute, or weeks of standstill."""


def local(moment: datetime, where: Hours) -> datetime:
    return moment.astimezone(where.zone)


def is_working(moment: datetime, where: Hours) -> bool:
    wall = local(moment, where)
    since = timedelta(
        hours=wall.hour, minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond
    )
    return where.works_on(wall.date()) and where.opens <= since < where.closes


@given(moments, hours)
def test_the_next_opening_is_within_working_hours_and_the_first(moment: datetime, where: Hours) -> None:
    found = schedule.next_open(moment, where)
    assert found >= moment
    assert is_working(found, where)
    assert schedule.next_open(found, where) == found
    if found > moment:
        assert not is_working(moment, where)
        assert not is_working(found - timedelta(minutes=1), where)


@given(moments, hours, plans, looks)
def test_however_it_is_looked_at_a_person_is_asked_rarely_and_in_working_hours(
    start: datetime, where: Hours, plan: Plan, gaps: list[int]
) -> None:
    person, now, sent = begin(start), start, []
    for gap in gaps:
        act, after = step(person, plan, now, where, person.last_at)
        assert step(after, plan, now, where, after.last_at)[0] is None, "twice in one look"
        assert (act is Act.INVITE) == (person.sent == 0 and after.sent == 1)
        if act in {Act.INVITE, Act.REMIND}:
            sent.append(now)
        person, now = after, now + timedelta(minutes=gap)
    assert len(sent) == person.sent <= len(plan.days)
    assert all(is_working(moment, where) for moment in sent)
    assert all(plan.last_on is None or local(moment, where).date() <= plan.last_on for moment in sent)
    for (before, after), (first, second) in zip(pairwise(sent), pairwise(plan.days), strict=False):
        assert after - before >= timedelta(days=second - first)


@given(moments, hours, plans)
def test_everyone_comes_to_an_end(start: datetime, where: Hours, plan: Plan) -> None:
    person, now = begin(start), start
    for _ in range(200):
        if person.next_at is None:
            break
        now = max(now, person.next_at)
        _, person = step(person, plan, now, where, person.last_at)
    assert person.state is Outcome.CLOSED
    assert now <= start + timedelta(days=plan.close_after + 30)


def test_ten_thousand_people_over_sixty_one_days_with_a_week_of_standstill() -> None:
    where = Hours(zone=ZoneInfo("Africa/Nairobi"), weekend=FRIDAY_SATURDAY)
    plan, start = Plan(days=(0, 3, 7)), datetime(2026, 3, 1, 6, tzinfo=UTC)
    everyone = {number: begin(start + timedelta(minutes=number % 600)) for number in range(10_000)}
    sent: Counter[int] = Counter()
    for day in range(61):
        if 10 <= day < 17:
            continue
        now = start + timedelta(days=day, hours=5)
        today: Counter[int] = Counter()
        for number, person in everyone.items():
            if number % 3 == 0 and person.sent == 1 and person.state is Outcome.OPEN:
                everyone[number] = replace(person, state=Outcome.ANSWERED, next_at=None)
                continue
            act, everyone[number] = step(person, plan, now, where, person.last_at)
            today[number] += act in {Act.INVITE, Act.REMIND}
        assert max(today.values(), default=0) <= 1
        sent.update(today)
    assert {sent[number] for number in everyone if number % 3 == 0} == {1}
    assert {sent[number] for number in everyone if number % 3} == {3}
    assert {person.state for person in everyone.values()} == {Outcome.ANSWERED, Outcome.CLOSED}
