"""Everyone in a campaign is counted once, and what comes next is said."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.schedule import Hours, Outcome, Plan
from km365.core.standing import (
    BLOCKED,
    Next,
    Reason,
    Row,
    Stand,
    are_too_many,
    count,
    next_steps,
    short_ids,
    told_counts,
)

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOURS = Hours(zone=UTC)
STATES = [None, "waiting", "sending", "sent", "unknown", "unreachable", "failed", "cancelled"]


def person(outcome: Outcome = Outcome.OPEN, sent: int = 1, **more: object) -> Row:
    next_at = MONDAY if outcome is Outcome.OPEN else None
    return Row(**{"outcome": outcome, "sent": sent, "next_at": next_at, **more})


@pytest.mark.parametrize(
    ("one", "stand"),
    [
        (person(sent=0), Stand.WAITING),
        (person(last="waiting"), Stand.WAITING),
        (person(first="sent", last="sent"), Stand.SILENT),
        (person(sent=2, first="sent", last="waiting"), Stand.SILENT),
        (person(last="unknown"), Stand.UNKNOWN),
        (person(last="unreachable"), Stand.UNREACHABLE),
        (person(last="failed"), Stand.UNREACHABLE),
        (person(Outcome.UNREACHABLE, last="unreachable"), Stand.UNREACHABLE),
        (person(Outcome.CLOSED, 3, first="sent", last="sent"), Stand.NO_ANSWER),
        (person(Outcome.CLOSED, last="cancelled"), Stand.UNREACHABLE),
        (person(Outcome.ANSWERED, last="unknown"), Stand.ANSWERED),
        (person(Outcome.CANCELLED, last="sent"), Stand.CALLED_OFF),
    ],
)
def test_each_person_has_one_place(one: Row, stand: Stand) -> None:
    assert one.stand is stand


@given(
    st.lists(
        st.builds(
            Row,
            outcome=st.sampled_from(Outcome),
            sent=st.integers(0, 3),
            next_at=st.just(MONDAY),
            first=st.sampled_from(STATES),
            last=st.sampled_from(STATES),
            put_off=st.booleans(),
        )
    )
)
def test_the_places_add_up_and_nobody_has_seen_what_was_not_sent(rows: list[Row]) -> None:
    found = count(rows)
    assert sum(found.places.values()) == found.asked == len(rows)
    assert sum(found.reasons.values()) == found.of(Stand.UNREACHABLE)
    assert found.seen <= found.sent <= found.asked


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (person(last="unreachable", note=f"1 of 2 parts arrived. {BLOCKED}"), Reason.BLOCKED),
        (person(last="unreachable", note="Nobody has that id."), Reason.NOT_FOUND),
        (person(last="failed", note="Teams refused the message (400)."), Reason.FAILED),
        (person(Outcome.CLOSED, last="cancelled", note="not delivered while there was time."), Reason.LATE),
    ],
)
def test_a_reason_is_told_without_anybodys_words(one: Row, reason: Reason) -> None:
    assert count([one]).reasons == {reason: 1}


def test_seen_are_those_who_did_something_about_it() -> None:
    rows = [person(last="sent"), person(last="sent", put_off=True), person(Outcome.DECLINED, last="sent")]
    assert (count(rows).sent, count(rows).seen) == (3, 2)


def test_what_comes_next_counts_those_of_the_same_day_and_says_when_it_closes() -> None:
    thursday = MONDAY + timedelta(days=3)
    rows = [
        person(sent=0),
        person(sent=1, first="sent", last="sent"),
        person(sent=1, first="sent", last="sent", next_at=MONDAY + timedelta(hours=5)),
        person(sent=1, last="waiting", due_at=MONDAY),
        person(sent=3, first="sent", last="sent"),
        person(sent=1, last="unreachable"),
        person(sent=1, first="sent", last="sent", next_at=thursday),
        person(Outcome.ANSWERED, last="sent"),
    ]
    assert next_steps(rows, Plan(days=(0, 3, 7), close_after=14), HOURS) == Next(
        at=MONDAY, invitations=1, reminders=2, ends=1, closes_on=date(2026, 3, 16)
    )
    assert next_steps(rows[-1:], Plan(), HOURS) is None
    assert (count(rows).messages, count(rows).waits_until) == (1, MONDAY)


def test_nobody_is_waited_for_beyond_the_last_day() -> None:
    found = next_steps([person(sent=0)], Plan(days=(0, 14), close_after=90, last_on=date(2026, 3, 20)), HOURS)
    assert found is not None and found.closes_on == date(2026, 3, 21)


def test_too_many_unreachable_is_more_than_a_third() -> None:
    assert not are_too_many(1, asked=3)
    assert are_too_many(2, asked=5)


def test_where_one_or_two_answered_no_number_beside_it_tells_who() -> None:
    rows = [person(Outcome.ANSWERED), person(Outcome.DECLINED), person(sent=0)]
    assert told_counts(count(rows)) == {Stand.ANSWERED: None, Stand.WAITING: 1}
    assert told_counts(count(rows[1:])) == {Stand.DECLINED: 1, Stand.WAITING: 1}


@given(st.sets(st.text("ab12", min_size=1, max_size=20).map("departure:{}".format)))
def test_a_short_id_is_the_beginning_of_no_other(ids: set[str]) -> None:
    for one, short in short_ids(ids).items():
        assert one.startswith(short)
        assert [other for other in ids if other.startswith(short)] == [one] or short == one
