"""When the people of each office are written to, as an office writes it down."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from km365.core.preferences import Preferences, hours_for
from km365.core.schedule import Hours, next_open
from km365.documents.duty_stations import duty_stations
from km365.errors import TemplateError
from km365.templates import Templates

USUAL = Hours(zone=UTC)
DHAKA = """[CO-BGD]
time_zone = "Asia/Dhaka"
country = "BD"
weekend = ["Friday", "saturday"]
hours = "08:00-16:30"
days_off = ["12-02", "2026-03-29"]
"""


def write(folder: Path, text: str) -> Templates:
    (folder / "duty_stations.toml").write_text(text, encoding="utf-8")
    return Templates(folder)


@pytest.fixture
def dhaka(tmp_path: Path) -> Hours:
    return duty_stations(write(tmp_path, DHAKA), USUAL)["CO-BGD"]


def test_the_offices_that_are_shipped_can_be_read_and_the_others_keep_the_usual_hours() -> None:
    hours = Hours(zone=UTC, offices=duty_stations(Templates(), USUAL))
    assert hours.of("CO-BEL").zone == ZoneInfo("Africa/Nairobi")
    assert hours.of("CO-ARD").weekend == {4, 5}
    assert hours.of("CO-XYZ") == hours == hours.of("")


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 4, 5), True),  # a Sunday
        (date(2026, 3, 27), False),  # a Friday
        (date(2026, 3, 26), False),  # Independence Day
        (date(2027, 3, 29), True),
        (date(2026, 3, 29), False),
        (date(2026, 12, 2), False),
        (date(2027, 12, 2), False),
        (date(2035, 3, 26), False),
    ],
)
def test_weekends_holidays_and_days_of_its_own_are_days_off(dhaka: Hours, day: date, works: bool) -> None:
    assert dhaka.works_on(day) is works


def test_whoever_is_due_on_a_holiday_is_written_to_when_the_office_opens_again(dhaka: Hours) -> None:
    thursday = datetime(2026, 3, 26, 5, tzinfo=UTC)
    monday = datetime(2026, 3, 30, 8, tzinfo=ZoneInfo("Asia/Dhaka"))
    assert next_open(thursday, dhaka) == monday


def test_an_office_opens_at_the_same_wall_time_before_and_after_the_clocks_change(tmp_path: Path) -> None:
    text = '[CO-ARD]\ntime_zone = "Europe/Paris"\nhours = "09:00-17:00"\n'
    paris = duty_stations(write(tmp_path, text), USUAL)["CO-ARD"]
    opens = [next_open(datetime(2026, 3, day, tzinfo=UTC), paris) for day in (27, 30)]
    assert [at.hour for at in opens] == [8, 7]


def test_what_a_person_chose_wins_over_their_office_whose_holidays_stay(dhaka: Hours) -> None:
    theirs = hours_for(Preferences(zone="Asia/Tokyo", opens=timedelta(hours=10)), dhaka)
    assert next_open(datetime(2026, 3, 26, tzinfo=UTC), theirs) == datetime(2026, 3, 30, 1, tzinfo=UTC)


def test_where_people_are_written_to_at_any_time_an_office_says_which_day_it_is(tmp_path: Path) -> None:
    usual = Hours(zone=UTC, opens=timedelta(0), closes=timedelta(days=1), weekend=frozenset())
    dhaka = duty_stations(write(tmp_path, DHAKA), usual, always=True)["CO-BGD"]
    assert dhaka == Hours(
        zone=ZoneInfo("Asia/Dhaka"), opens=timedelta(0), closes=timedelta(days=1), weekend=frozenset()
    )


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('time_zone = "Dhaka/Asia"', "line 2: [CO-X] 'time_zone'"),
        ('country = "Bangladesh"', "line 2: [CO-X] 'country'"),
        ('country = "IN-XX"', "line 2: [CO-X] 'country'"),
        ('hours = "nine to five"', "line 2: [CO-X] 'hours'"),
        ('hours = "17:00-09:00"', "line 2: [CO-X] 'hours'"),
        ('weekend = ["Freitag"]', "line 2: [CO-X] 'weekend'"),
        ('days_off = ["2 December"]', "line 2: [CO-X] 'days_off'"),
        ('days_off = ["2026-02-30"]', "line 2: [CO-X] 'days_off'"),
        ('holidays = "BD"', "line 2: [CO-X] 'holidays' is not known"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, named: str) -> None:
    with pytest.raises(TemplateError) as told:
        duty_stations(write(tmp_path, f"[CO-X]\n{line}\n"), USUAL)
    assert f"duty_stations.toml, {named}" in str(told.value)


def test_a_week_without_a_working_day_is_refused(tmp_path: Path) -> None:
    days = ", ".join(f'"{day}day"' for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun"))
    with pytest.raises(TemplateError, match="leaves a working day"):
        duty_stations(write(tmp_path, f"[CO-X]\nweekend = [{days}]\n"), USUAL)
