"""When a filed note goes on by itself: after five working days, and no later than on the last day."""

from datetime import UTC, date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from km365.core.note_readers import Deadline, deadline
from km365.core.schedule import Hours

MONDAY = date(2026, 3, 2)
HOURS = Hours(zone=UTC)
SUNDAY_TO_THURSDAY = Hours(zone=UTC, weekend=frozenset({4, 5}))


def after(days: int) -> date:
    return MONDAY + timedelta(days=days)


def test_five_working_days_and_a_reminder_half_way() -> None:
    assert deadline(MONDAY, None, HOURS) == Deadline(goes_on=after(7), remind_on=after(3))
    assert deadline(MONDAY, after(90), HOURS) == Deadline(goes_on=after(7), remind_on=after(3))


def test_weekends_and_holidays_of_the_supervisor_do_not_count() -> None:
    assert deadline(MONDAY, None, SUNDAY_TO_THURSDAY).goes_on == after(7)
    holidays = Hours(zone=UTC, off=frozenset({after(1), after(2)}))
    assert deadline(MONDAY, None, holidays) == Deadline(goes_on=after(9), remind_on=after(7))


def test_on_the_last_day_it_goes_on_and_a_day_before_there_is_nothing_to_remind_of() -> None:
    assert deadline(MONDAY, after(2), HOURS) == Deadline(goes_on=after(2), remind_on=after(1))
    assert deadline(MONDAY, after(1), HOURS) == Deadline(goes_on=after(1), remind_on=None)
    for last_day in (MONDAY, after(-1), after(-200)):
        assert deadline(MONDAY, last_day, HOURS) == Deadline(goes_on=MONDAY, remind_on=None)


@given(
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.none() | st.integers(-30, 60),
    st.sets(st.integers(0, 6), max_size=6),
)
def test_it_never_waits_longer_than_the_last_day_nor_reminds_after_it_went(
    filed_on: date, days: int | None, weekend: set[int]
) -> None:
    hours = Hours(zone=UTC, weekend=frozenset(weekend))
    last_on = None if days is None else filed_on + timedelta(days=days)
    found = deadline(filed_on, last_on, hours)
    assert filed_on <= found.goes_on <= max(filed_on, last_on or date.max)
    assert found.remind_on is None or filed_on < found.remind_on < found.goes_on
    assert found.remind_on is None or hours.works_on(found.remind_on)
