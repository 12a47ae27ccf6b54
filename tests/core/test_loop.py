"""The loop in numbers: what was reached and when, and that no small number can be worked out."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.knowledge import Effect, KnowledgeItem, Maturity, Reach
from km365.core.loop import (
    FEWEST,
    By,
    Captured,
    Counted,
    Followed,
    Hidden,
    People,
    Step,
    a_year_to,
    follow,
    months,
    period,
    table,
    told,
)
from km365.core.moves import Made, Move

from ..services.lessons import lesson

CAPTURED = date(2026, 1, 10)
YEAR = {"first": date(2026, 1, 1), "last": date(2026, 12, 31)}


def made(move: Move, day: date, *, after: str = "", done: bool = True) -> Made:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    after = after or {Move.VALIDATE: "validated", Move.PUBLISH: "published"}.get(move, "changed")
    return Made(item_id="KM-1", move=move, before="", after=after, who="ben", at=at, done=done)


def followed(item: KnowledgeItem, *moves: Made, **known) -> Followed:
    days = {"read_on": None, "used_on": None} | known
    captured = Captured.of(item, on=CAPTURED, used=days.pop("used", 0))
    assert captured is not None
    return follow(captured, {one.move: one.at.date() for one in moves}, **days)


def items(count: int, office: str, *steps: Step, after: int = 3) -> list[Followed]:
    day = CAPTURED + timedelta(days=after)
    reached = {Step.CAPTURED: CAPTURED} | dict.fromkeys(steps, day)
    return [Followed(office=office, captured_on=CAPTURED, reached=reached)] * count


def test_the_list_says_what_was_reached_and_the_records_when() -> None:
    published = lesson(
        maturity=Maturity.PUBLISHED, published_to=Reach.INTERNAL, effect=Effect.CONFIRMED_ELSEWHERE
    )
    lost = followed(published)
    assert lost.reached == {
        Step.CAPTURED: CAPTURED,
        Step.VALIDATED: None,
        Step.PUBLISHED: None,
        Step.CHANGED: None,
    }
    moves = [made(Move.VALIDATE, date(2026, 1, 20)), made(Move.PUBLISH, date(2026, 2, 1))]
    known = followed(published, *moves, used_on=date(2026, 3, 1))
    assert known.reached[Step.VALIDATED] == date(2026, 1, 20)
    assert known.reached[Step.READ] == known.reached[Step.USED] == date(2026, 3, 1), "used, so read"


def test_what_was_retired_counts_up_to_where_it_came() -> None:
    retired = lesson(maturity=Maturity.RETIRED)
    assert Step.VALIDATED not in followed(retired).reached
    assert Step.VALIDATED in followed(retired, made(Move.VALIDATE, date(2026, 1, 20))).reached


def test_that_it_was_of_use_outlives_our_records() -> None:
    used = lesson(maturity=Maturity.PUBLISHED)
    assert {Step.READ, Step.USED} < set(followed(used, used=1).reached)


def test_a_draft_is_not_captured_yet() -> None:
    assert Captured.of(lesson(), on=CAPTURED, used=0) is None


def test_rows_tell_what_became_of_the_items_of_each_office() -> None:
    found = table(
        [
            *items(12, "CO-BEL", Step.VALIDATED, Step.PUBLISHED),
            *items(8, "CO-BEL"),
            *items(7, "CO-ARD", Step.VALIDATED, after=9),
        ],
        [Counted(what=People.ANSWERED, office="CO-BEL", on=CAPTURED)] * 6,
        by=By.OFFICE,
        **YEAR,
        regions={"CO-ARD": "EAST", "CO-BEL": "EAST", "CO-CAS": "WEST"},
    )
    ard, bel, cas = found.rows
    assert [row.name for row in found.rows] == ["CO-ARD", "CO-BEL", "CO-CAS"]
    assert (bel.cells[Step.CAPTURED], bel.cells[Step.VALIDATED], bel.cells[People.ANSWERED]) == (20, 12, 6)
    assert bel.shares == {Step.VALIDATED: 0.6, Step.PUBLISHED: 1.0, Step.READ: 0.0}
    assert (ard.days, bel.days) == ({Step.VALIDATED: 9}, {Step.VALIDATED: 3, Step.PUBLISHED: 3})
    assert cas.cells[Step.CAPTURED] == 0, "an office that captured nothing has a row"
    assert (found.total.cells[Step.CAPTURED], found.total.days[Step.VALIDATED]) == (27, 3)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (By.REGION, ["", "EAST"]),
        (By.QUARTER, ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]),
        (By.YEAR, ["2026"]),
    ],
)
def test_rows_may_stand_for_regions_and_periods(by: By, names: list[str]) -> None:
    found = table(
        [*items(5, "CO-BEL"), *items(5, "elsewhere")], [], by=by, **YEAR, regions={"CO-BEL": "EAST"}
    )
    assert [row.name for row in found.rows] == names
    assert found.total.cells[Step.CAPTURED] == 10


def test_what_was_captured_before_or_after_is_in_no_row() -> None:
    late = {"first": date(2026, 2, 1), "last": date(2026, 2, 28)}
    found = table(items(9, "CO-BEL"), [], by=By.MONTH, **late, regions={})
    assert [row.name for row in found.rows] == ["2026-02"] and found.total.cells[Step.CAPTURED] == 0


def test_tables_are_of_whole_months() -> None:
    assert months(date(2026, 2, 14), date(2026, 12, 3)) == (date(2026, 2, 1), date(2026, 12, 31))
    assert a_year_to(date(2026, 11, 22)) == date(2025, 12, 1)
    assert a_year_to(date(2026, 12, 31)) == date(2026, 1, 1)
    assert period(date(2026, 4, 1), By.QUARTER) == "2026-Q2"


def test_the_median_and_the_share_of_few_are_not_told() -> None:
    row = table(items(4, "CO-BEL", Step.VALIDATED), [], by=By.OFFICE, **YEAR, regions={}).rows[0]
    assert row.cells[Step.VALIDATED] is Hidden.SMALL and (row.shares, row.days) == ({}, {})


@pytest.mark.parametrize(
    ("numbers", "cells", "total"),
    [
        ([7, 0, 9], [7, 0, 9], 16),
        ([2, 9, 30], ["<5", "…", 30], 41),
        ([1, 6, 30], ["<5", 6, "…"], 37),
        ([3, 2, 3, 9], ["<5", "<5", "<5", 9], 17),
        ([1, 1, 9], ["<5", "<5", "…"], 11),
        ([3, 0], ["<5", 0], "…"),
        ([1, 5], ["<5", 5], "…"),
    ],
)
def test_a_small_number_takes_another_with_it_where_the_sum_would_tell(
    numbers: list[int], cells: list[int | str], total: int | str
) -> None:
    assert told(numbers) == (cells, total)


@given(st.lists(st.integers(min_value=0, max_value=15), max_size=6))
def test_whoever_subtracts_what_is_told_learns_of_no_small_number_which_it_is(numbers: list[int]) -> None:
    cells, total = told(numbers)
    small = [place for place, cell in enumerate(cells) if cell is Hidden.SMALL]
    assert small == [place for place, number in enumerate(numbers) if 0 < number < FEWEST]
    shown = [cell for cell in cells if isinstance(cell, int)]
    assert all(
        cell in {number, Hidden.SMALL, Hidden.KEPT} for cell, number in zip(cells, numbers, strict=True)
    )
    if not isinstance(total, int):
        return
    kept, left = cells.count(Hidden.KEPT), total - sum(shown)
    could_be = [
        guess
        for guess in product(range(1, FEWEST), repeat=len(small))
        if (left - sum(guess) >= FEWEST * kept if kept else left == sum(guess))
    ]
    for place in range(len(small)):
        assert {guess[place] for guess in could_be} == {1, 2, 3, 4}
