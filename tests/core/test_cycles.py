"""A cycle laid out from its last day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.cycles import Anchor, Cycle, Step, add_months, lay_out


def cycle(*steps: tuple[Anchor, int, int], years: int = 5) -> Cycle:
    return Cycle(
        key="c",
        names={"en": "C"},
        years=years,
        steps=tuple(
            Step(
                key=f"s{n}",
                kind="evaluation",
                anchor=a,
                months=m,
                days=d,
                titles={"en": "{programme} {year}"},
                source="",
            )
            for n, (a, m, d) in enumerate(steps)
        ),
    )


def days(*steps: tuple[Anchor, int, int], ends: date = date(2030, 12, 31), **more) -> list[str]:
    found = lay_out(cycle(*steps), office="CO-BEL", programme="P", ends_on=ends, **more)
    return [str(one.due_on) for one in found]


def test_steps_count_from_the_start_the_middle_the_end_and_each_year() -> None:
    assert days((Anchor.START, 0, 0), (Anchor.MIDDLE, 0, 0), (Anchor.END, -6, 1)) == [
        "2026-01-01",
        "2028-07-01",
        "2030-07-01",
    ]
    assert days((Anchor.YEAR, 11, 9), years=2) == ["2029-12-10", "2030-12-10"]
    assert days((Anchor.START, 0, 0), ends=date(2028, 2, 29), years=1) == ["2027-03-01"]


def test_a_day_off_becomes_the_last_working_day_before_it() -> None:
    assert days((Anchor.YEAR, 11, 8), years=1, works_on=lambda day: day.weekday() < 5) == ["2030-12-09"]
    assert days((Anchor.YEAR, 11, 7), years=1, works_on=lambda day: day.weekday() < 5) == ["2030-12-06"]
    off = {date(2030, 12, 6), date(2030, 12, 5)}
    working = days(
        (Anchor.YEAR, 11, 6), years=1, works_on=lambda day: day.weekday() not in {5, 6} and day not in off
    )
    assert working == ["2030-12-04"], "a holiday of the office is a day off as well"


def test_titles_are_filled_in_and_keys_say_which_milestone_it_is() -> None:
    found = lay_out(
        cycle((Anchor.YEAR, 0, 0), (Anchor.END, 0, 0)),
        office="CO-BEL",
        programme="",
        ends_on=date(2030, 12, 31),
        years=1,
    )
    assert [(one.title, one.key) for one in found] == [
        ("CO-BEL 2030", "CO-BEL:c:2030:s0:2030"),
        ("CO-BEL 2030", "CO-BEL:c:2030:s1"),
    ]


@pytest.mark.parametrize(
    ("day", "months", "found"),
    [("2028-02-29", 12, "2029-02-28"), ("2027-08-31", -6, "2027-02-28"), ("2027-01-15", -13, "2025-12-15")],
)
def test_months_end_where_they_end(day: str, months: int, found: str) -> None:
    assert str(add_months(date.fromisoformat(day), months)) == found


@given(
    st.dates(date(2010, 1, 1), date(2060, 1, 1)), st.integers(1, 15), st.sets(st.integers(0, 6), max_size=6)
)
def test_every_day_is_a_working_day_near_the_programme_and_keys_never_repeat(ends, years, weekend) -> None:
    steps = ((Anchor.START, -18, 0), (Anchor.YEAR, 3, 2), (Anchor.MIDDLE, 0, 0), (Anchor.END, 0, 0))

    def works_on(day: date) -> bool:
        return day.weekday() not in weekend

    found = lay_out(cycle(*steps), office="X", programme="P", ends_on=ends, years=years, works_on=works_on)
    assert len(found) == years + 3 == len({one.key for one in found})
    starts = add_months(ends + timedelta(days=1), -12 * years)
    for one in found:
        assert one.due_on.weekday() not in weekend
        assert add_months(starts, -19) <= one.due_on <= ends
