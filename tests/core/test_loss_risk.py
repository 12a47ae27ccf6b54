"""What goes with somebody who leaves: examples in words, and laws over all values there are."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.loss_risk import AHEAD, Factor, Known, Risk, assess, milestone_known, position
from km365.core.schedule import Milestone
from km365.documents.loss_risk import loss_risk
from km365.documents.questions import Banks
from km365.templates import Templates

TODAY = date(2026, 3, 2)
RULES = loss_risk(Templates(), Banks(Templates()).get("handover", "en")).rules
values = st.dictionaries(st.sampled_from(Factor), st.integers(1, 5))
days = st.integers(-30, 800)


def risk(known: dict[Factor, int], *, left: int) -> Risk:
    said = {factor: Known(value=value) for factor, value in known.items()}
    return assess(RULES, said, leaves_on=TODAY + timedelta(days=left), today=TODAY)


def of(value: int) -> dict[Factor, int]:
    return dict.fromkeys(Factor, value)


@pytest.mark.parametrize(
    ("value", "left", "score", "name"),
    [
        (5, 3, 25, "act now"),
        (5, 80, 20, "act now"),
        (4, 80, 16, "plan now"),
        (3, 30, 15, "look ahead"),
        (5, 300, 10, "look ahead"),
        (3, 150, 9, "note"),
        (1, 500, 1, "note"),
        (5, -3, 25, "act now"),
    ],
)
def test_time_times_position_lies_in_the_bands_of_the_source(
    value: int, left: int, score: int, name: str
) -> None:
    found = risk(of(value), left=left)
    assert (found.least, found.most, found.low.name, found.high.name) == (score, score, name, name)
    assert str(found) == f"{score} of 25: {name}"


def test_what_nobody_knows_makes_a_range_and_is_named() -> None:
    found = risk({Factor.UNIQUENESS: 5, Factor.UNDOCUMENTED: 5}, left=40)
    assert (found.least, found.most) == (5 * 3, 25)
    assert found.unknown == ("replacement", "relationships", "milestone")
    assert str(found) == (
        "15 to 25 of 25: look ahead or up to act now, not known: replacement, relationships, milestone"
    )
    unknown = found.factors[2]
    assert unknown.value is None and unknown.means == "How long until somebody new does the work as well?"


def test_each_factor_says_what_its_value_means() -> None:
    found = risk(of(5), left=45)
    assert found.time.means == "6 weeks to the last day"
    assert [one.means for one in found.factors] == [RULES.scales[one].levels[4] for one in Factor]


@given(values, days, st.sampled_from(Factor), st.integers(1, 5))
def test_more_of_any_factor_never_lowers_the_score(
    known: dict[Factor, int], left: int, factor: Factor, more: int
) -> None:
    before = risk(known | {factor: min(more, known.get(factor, more))}, left=left)
    after = risk(known | {factor: max(more, known.get(factor, more))}, left=left)
    assert before.least <= after.least and before.most <= after.most


@given(values, days, st.integers(0, 400))
def test_less_time_never_lowers_the_score(known: dict[Factor, int], left: int, passed: int) -> None:
    before, after = risk(known, left=left), risk(known, left=left - passed)
    assert before.least <= after.least and before.most <= after.most


@given(values, days, st.sampled_from(Factor), st.integers(1, 5))
def test_whatever_becomes_known_lies_within_what_was_said_before(
    known: dict[Factor, int], left: int, factor: Factor, value: int
) -> None:
    known.pop(factor, None)
    before, after = risk(known, left=left), risk(known | {factor: value}, left=left)
    assert 1 <= before.least <= after.least <= after.most <= before.most <= 25
    assert (before.least == before.most) or before.unknown


@given(st.lists(st.integers(1, 5), min_size=1, max_size=9))
def test_a_position_is_a_step_between_its_lowest_and_highest_factor(found: list[int]) -> None:
    assert min(found) <= position(found) <= max(found)
    assert abs(position(found) - sum(found) / len(found)) <= 0.5


def milestone(days: int, *, office: str = "CO-BEL", state: str = "planned") -> Milestone:
    due_on = TODAY + timedelta(days=days)
    return Milestone(id="1", title="x", kind="evaluation", office=office, due_on=due_on, state=state)


def test_the_calendar_says_when_no_milestone_is_near_and_never_guesses_the_successor() -> None:
    def known(*found: Milestone) -> Known:
        return milestone_known(found, "CO-BEL", leaves_on=TODAY)

    assert known(milestone(AHEAD.days + 1)).value == 1
    near = known(milestone(AHEAD.days + 1), milestone(30))
    assert near.value is None and "2026-04-01: will the successor be at work" in near.because
    nothing = (milestone(-3), milestone(9, office="CO-ARD"), milestone(9, state="cancelled"))
    assert known(*nothing).value is None
