"""A year of an agency a twentieth of its size; `benchmarks/bench_year.py` runs all of it."""

import random

import pytest

from km365.core.schedule import Outcome

from . import year


@pytest.fixture(scope="module")
def of_a_small_agency() -> year.Year:
    chance = random.Random(2027)
    agency = year.agency(chance, offices=10, staff=600)
    people = [one for them in agency.staff.values() for one in them]
    return year.run(
        agency,
        year.milestones(chance, list(agency.offices), 90),
        year.leavers(chance, people, 90),
        chance,
    )


def test_in_a_year_nobody_is_asked_twice_too_often_at_night_or_after_the_answer(
    of_a_small_agency: year.Year,
) -> None:
    assert list(year.wrong(of_a_small_agency))[:5] == []


def test_in_a_year_people_are_asked_reminded_and_heard(of_a_small_agency: year.Year) -> None:
    of_the_year = of_a_small_agency
    assert len(of_the_year.sent) > 1_000
    assert {one.number for one in of_the_year.sent} == {1, 2, 3}
    assert min(of_the_year.outcomes[state] for state in (Outcome.ANSWERED, Outcome.CLOSED, Outcome.CANCELLED))


def test_what_goes_wrong_would_be_noticed(of_a_small_agency: year.Year) -> None:
    first, *_ = of_a_small_agency.sent
    broken = year.Year(agency=of_a_small_agency.agency, sent=[first] * 3)
    broken.stopped[first.campaign, first.person] = first.at.replace(year=2026)
    said = " ".join(year.wrong(broken))
    assert all(words in said for words in ("twice", "more than", "after the answer"))
