"""Who leaves and when they are asked: examples in words, and laws over many entries."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import departures
from km365.core.departures import Leaver, Notice

TODAY = date(2026, 3, 2)


def leaver(days: int, *, who: str = "ann", **more) -> Leaver:
    return Leaver(person_id=who, leaves_on=TODAY + timedelta(days=days), **more)


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (-1, Notice.GONE),
        (0, Notice.DAYS),
        (5, Notice.DAYS),
        (7, Notice.DAYS),
        (8, Notice.WEEKS),
        (21, Notice.WEEKS),
        (84, Notice.WEEKS),
        (85, Notice.MONTHS),
        (180, Notice.MONTHS),
    ],
)
def test_the_plan_follows_the_notice(days: int, found: Notice) -> None:
    assert departures.notice(TODAY + timedelta(days=days), today=TODAY) is found


def test_the_first_to_leave_is_asked_first_and_the_far_future_waits() -> None:
    leavers = [leaver(184, who="far"), leaver(21, who="ruth"), leaver(5, who="omar"), leaver(-30, who="past")]
    assert [one.person_id for one in departures.due_leavers(leavers, today=TODAY)] == ["omar", "ruth"]


def test_who_has_gone_is_asked_only_while_the_account_works() -> None:
    leavers = [leaver(-3, who="here"), leaver(-3, who="closed", active=False)]
    assert [one.person_id for one in departures.due_leavers(leavers, today=TODAY)] == ["here"]


@pytest.mark.parametrize("state", ["in interview", "note filed", "declined", "cancelled"])
def test_a_settled_departure_asks_nobody(state: str) -> None:
    assert departures.due_leavers([leaver(5, state=state)], today=TODAY) == []


def test_the_list_decides_and_the_directory_fills_in() -> None:
    listed = [leaver(21, departure_id="3", post="Chief"), leaver(-400, departure_id="1")]
    directory = [leaver(40, office="CO-BEL", post="Officer"), leaver(9, who="entra-only")]
    found = {one.person_id: one for one in departures.one_departure_each(listed, directory, today=TODAY)}
    assert found["ann"] == leaver(21, departure_id="3", post="Chief", office="CO-BEL")
    assert found["entra-only"] == leaver(9, who="entra-only")


def test_a_departure_cancelled_in_the_list_overrules_the_directory() -> None:
    both = departures.one_departure_each([leaver(20, state="cancelled")], [leaver(20)], today=TODAY)
    assert departures.due_leavers(both, today=TODAY) == []


@given(st.lists(st.tuples(st.integers(-40, 300), st.sampled_from("abcde")), max_size=20))
def test_nobody_is_due_twice_and_the_earliest_comes_first(entries: list[tuple[int, str]]) -> None:
    listed = [leaver(days, who=who, departure_id=str(n)) for n, (days, who) in enumerate(entries)]
    due = departures.due_leavers(departures.one_departure_each(listed, listed, today=TODAY), today=TODAY)
    assert len({one.person_id for one in due}) == len(due)
    assert [one.leaves_on for one in due] == sorted(one.leaves_on for one in due)
