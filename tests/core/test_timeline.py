"""The picture of the calendar, laid out."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from km365.core.calendar_filter import Filter
from km365.core.schedule import Milestone
from km365.core.timeline import GAP, MARK, WIDTH, Scale, Timeline, cut, lay_out, width_of

TODAY = date(2027, 6, 1)


def milestone(on: date | None, office: str = "CO-BEL", title: str = "Review", **more: str) -> Milestone:
    return Milestone(
        id=f"{office}{on}{title}",
        title=title,
        kind=more.pop("kind", "evaluation"),
        office=office,
        due_on=on,
        **more,
    )


def drawn(*them: Milestone, today: date = TODAY) -> Timeline:
    found = lay_out(them, name_of=lambda one: one.office, today=today)
    assert found is not None
    return found


def test_rows_are_in_order_and_those_without_a_date_counted() -> None:
    found = drawn(milestone(TODAY, "b"), milestone(TODAY, ""), milestone(TODAY, "A"), milestone(None, "c"))
    assert [row.name for row in found.rows] == ["A", "b", ""]
    assert (found.undated, found.count) == (1, 3)
    assert lay_out([milestone(None)], name_of=str, today=TODAY) is None


def test_the_scale_is_of_months_quarters_or_years_by_how_long_it_is() -> None:
    def scale(days: int) -> tuple[Scale, int]:
        found = drawn(milestone(TODAY), milestone(TODAY + timedelta(days=days)))
        return found.scale, len(found.ticks)

    assert scale(0) == (Scale.MONTH, 3), "three months at least"
    assert scale(370) == (Scale.MONTH, 13)
    assert scale(365 * 3) == (Scale.QUARTER, 13)
    assert scale(365 * 9)[0] is Scale.YEAR


def test_today_is_shown_where_it_is_in_the_picture() -> None:
    assert drawn(milestone(TODAY)).today == drawn(milestone(TODAY)).rows[0].marks[0].x
    assert drawn(milestone(TODAY), today=TODAY + timedelta(days=400)).today is None


def test_many_milestones_have_one_lane_a_row_and_those_at_one_place_are_counted() -> None:
    them = [milestone(TODAY + timedelta(days=n % 7), f"CO-{n // 7}", title=str(n)) for n in range(210)]
    found = drawn(*them)
    assert len(found.rows) == 30 and found.count == 210
    assert all(row.lanes == 1 and not any(mark.name for mark in row.marks) for row in found.rows)
    crowded = drawn(*them, milestone(TODAY + timedelta(days=3000), "CO-0"))
    assert [len(mark.milestones) for mark in crowded.rows[0].marks] == [7, 1]


MILESTONES = st.builds(
    milestone,
    st.dates(date(2024, 1, 1), date(2032, 12, 31)),
    st.sampled_from(["CO-A", "CO-B"]),
    st.text(min_size=1, max_size=60),
)


@given(st.lists(MILESTONES, min_size=1, max_size=40))
def test_no_mark_or_title_lies_upon_another_or_leaves_the_picture(them) -> None:
    found = drawn(*them)
    assert found.count == len(them)
    for row in found.rows:
        ends: dict[int, float] = {}
        for mark in sorted(row.marks, key=lambda one: one.x):
            begins, stops = mark.x - MARK / 2, mark.x + MARK / 2
            room = GAP + width_of(mark.name)
            begins, stops = (begins - room, stops) if mark.name_before else (begins, stops + room)
            assert begins >= ends.get(mark.lane, -400)
            assert stops <= WIDTH
            ends[mark.lane] = stops
        assert max(ends) + 1 == row.lanes


def test_a_long_title_is_cut_with_a_mark_of_it() -> None:
    assert cut("Mid-term review", 15) == "Mid-term review"
    assert cut("Mid-term review", 10) == "Mid-term…"
    assert width_of("中期审查") > width_of("review")


def test_a_filter_takes_what_fits_all_of_it() -> None:
    def taken(**wanted) -> list[bool]:
        them = (
            milestone(TODAY),
            milestone(None, "RO-EAST", kind="closure", state="cancelled", programme="Floods"),
        )
        return [Filter(**wanted).takes(one) for one in them]

    assert taken() == [True, True]
    assert taken(offices=("co-*",)) == [True, False]
    assert taken(offices=("co-*", "ro-east")) == [True, True]
    assert taken(kinds=frozenset({"closure"}), states=frozenset({"planned"})) == [False, False]
    assert taken(programmes=("flood*",)) == [False, True]
    assert taken(from_on=TODAY, to_on=TODAY) == [True, False]
    assert taken(to_on=TODAY - timedelta(days=1)) == [False, False]
