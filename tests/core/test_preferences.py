"""When a person may be written to and what they may be asked, as laws; times of day as people type them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import schedule
from km365.core.preferences import (
    Asked,
    ClockWords,
    Preferences,
    clock_times,
    hours_for,
    may_ask,
    zone_named,
)
from km365.core.schedule import ALWAYS, Act, Before, Hours, Outcome, Plan, Progress

WORDS = ClockWords(
    morning=("am", "a.m.", "du matin", "утра", "صباحاً", "早上"),
    afternoon=("pm", "p.m.", "de la tarde", "вечера", "مساءً", "下午", "晚上"),
    around=("and", "et", "y", "и", "до", "و", "到", "点", "o'clock", "h", "las"),
)
ZONES = ("Africa/Nairobi", "Asia/Kathmandu", "America/New_York", "Pacific/Apia", "Pacific/Chatham")
OFFICE = Hours(zone=ZoneInfo("Europe/Zurich"))

times = st.none() | st.integers(0, 1439).map(lambda minutes: timedelta(minutes=minutes))
wanted = st.builds(
    Preferences,
    asked=st.sampled_from(Asked),
    zone=st.none() | st.sampled_from(ZONES),
    opens=times,
    closes=times,
)
usual = st.sampled_from([OFFICE, ALWAYS, Hours(zone=UTC, weekend=frozenset({4, 5}))])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def time_of(moment: datetime, hours: Hours) -> timedelta:
    """The time of day on the person's clock."""
    wall = moment.astimezone(hours.zone)
    return timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)


def is_quiet(moment: datetime, one: Preferences, hours: Hours) -> bool:
    """Whether the clock stands between `closes` and `opens`, told in the plainest way."""
    assert one.opens is not None
    assert one.closes is not None
    now, opens, closes = time_of(moment, hours), one.opens, one.closes
    if opens == closes:
        return False
    return not (opens <= now < closes) if opens < closes else closes <= now < opens


@given(moments, wanted, usual)
def test_nothing_comes_between_the_last_and_the_first_moment_chosen(
    moment: datetime, one: Preferences, where: Hours
) -> None:
    hours = hours_for(one, where)
    found = schedule.next_open(moment, hours)
    assert found >= moment
    assert schedule.next_open(found, hours) == found
    assert found - moment <= timedelta(days=5), "everyone can be written to some time"
    if one.opens is not None and one.closes is not None:
        assert not is_quiet(found, one, hours) or found.astimezone(hours.zone).utcoffset() != (
            (found - timedelta(days=1)).astimezone(hours.zone).utcoffset()
        ), "but for the night in which clocks are changed"
    elif one.opens is not None:
        assert time_of(found, hours) >= one.opens
    elif one.closes is not None:
        assert time_of(found, hours) < one.closes or one.closes == timedelta(0)


@given(moments, usual)
def test_who_chose_nothing_has_the_usual_hours(moment: datetime, where: Hours) -> None:
    assert schedule.next_open(moment, hours_for(Preferences(), where)) == schedule.next_open(moment, where)


@given(moments, wanted, st.lists(st.integers(1, 60 * 24 * 9), min_size=1, max_size=30))
def test_a_campaign_keeps_to_what_a_person_wants_however_it_is_looked_at(
    start: datetime, one: Preferences, gaps: list[int]
) -> None:
    hours, plan, sent = hours_for(one, OFFICE), Plan(days=(0, 3, 7), close_after=60), []
    person, now = Progress(state=Outcome.OPEN, started_at=start, next_at=start), start
    for gap in gaps:
        if may_ask("departure", one.asked, sent=person.sent):
            before = Before(moments=sent[-1:])
            act, person = schedule.step(person, plan, now, hours, due_on=date(2029, 1, 1), before=before)
            if act in {Act.INVITE, Act.REMIND}:
                sent.append(now)
        now += timedelta(minutes=gap)
    assert all(schedule.next_open(moment, hours) == moment for moment in sent)
    assert all(later - earlier >= timedelta(days=2) for earlier, later in pairwise(sent))
    assert one.asked is not Asked.NONE or len(sent) <= 1, "a handover's invitation comes once, if at all"


@pytest.mark.parametrize(
    ("asked", "milestone", "invitation", "reminder"),
    [
        (Asked.ALL, True, True, True),
        (Asked.HANDOVER, False, True, True),
        (Asked.NONE, False, True, False),
    ],
)
def test_what_each_choice_lets_km365_ask(
    asked: Asked, milestone: bool, invitation: bool, reminder: bool
) -> None:
    assert may_ask("milestone", asked, sent=0) is milestone
    assert may_ask("departure", asked, sent=0) is invitation
    assert may_ask("departure", asked, sent=1) is reminder


def test_not_before_the_evening_leaves_the_rest_of_the_day() -> None:
    late = hours_for(Preferences(opens=timedelta(hours=18)), Hours(zone=UTC))
    assert (late.opens, late.closes) == (timedelta(hours=18), timedelta(hours=24))
    early = hours_for(Preferences(closes=timedelta(hours=8)), Hours(zone=UTC))
    assert (early.opens, early.closes) == (timedelta(0), timedelta(hours=8))


def test_the_night_shift_is_written_to_at_night() -> None:
    night = hours_for(Preferences(opens=timedelta(hours=22), closes=timedelta(hours=6)), Hours(zone=UTC))
    friday_night = datetime(2026, 3, 7, 3, tzinfo=UTC)
    assert schedule.next_open(friday_night, night) == friday_night, "it began on Friday"
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert schedule.next_open(noon, night) == datetime(2026, 3, 4, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("9", [9]),
        ("9:30", [9.5]),
        ("9h30", [9.5]),
        ("21.15", [21.25]),
        ("9 am", [9]),
        ("9 p.m.", [21]),
        ("12 am", [0]),
        ("las 6 de la tarde", [18]),
        ("18 h et 8 h", [18, 8]),
        ("6 вечера до 8 утра", [18, 8]),
        ("٦ مساءً و ٨ صباحاً", [18, 8]),
        ("晚上6点到早上8点半", [18, 8.5]),
        ("24:00", [0]),
    ],
)
def test_times_are_understood_as_people_type_them(said: str, hours: list[float]) -> None:
    assert clock_times(said, WORDS) == tuple(timedelta(hours=hour) for hour in hours)


@pytest.mark.parametrize(
    "said", ["", "the rains end", "25", "9:75", "14 pm", "2026", "5 schools had opened", "9 or so", "Ⅸ", "²"]
)
def test_what_is_no_time_is_none(said: str) -> None:
    assert clock_times(said, WORDS) == ()


@given(st.text(max_size=40))
def test_any_text_at_all_is_judged(said: str) -> None:
    for time in clock_times(said, WORDS):
        assert timedelta(0) <= time < timedelta(days=1)
    zone_named(said[:20])


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("Africa/Nairobi", "Africa/Nairobi"),
        ("nairobi", "Africa/Nairobi"),
        ("New York", "America/New_York"),
        ("Kathmandu", "Asia/Kathmandu"),
        ("UTC", "UTC"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_a_time_zone_is_known_by_its_name_or_its_city(said: str, zone: str | None) -> None:
    assert zone_named(said) == zone
