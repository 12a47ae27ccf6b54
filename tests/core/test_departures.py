"""Who leaves and when they are asked: examples in words, and laws over many entries."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import departures
from km365.core.departures import Claim, Leaver, Notice, Source

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


# Which source counts

MAY, APRIL = date(2026, 5, 3), date(2026, 4, 30)


def claim(source: Source, day: date | None = MAY) -> Claim:
    return Claim(source=source, leaves_on=day)


def test_a_decision_explains_itself() -> None:
    found = departures.decide([claim(Source.HR_FILE, APRIL), claim(Source.LIST)])
    assert str(found) == (
        "list says 3 May 2026, HR file says 30 April 2026: the list counts, because people keep it for this"
    )
    assert str(departures.decide([claim(Source.ACCOUNT)])) == (
        "account off since 3 May 2026: nothing else is known"
    )
    assert str(departures.decide([claim(Source.LEAVE_DATE), claim(Source.LIST)])) == (
        "list says 3 May 2026, leave date says 3 May 2026: they agree"
    )
    assert departures.decide([]) is None


@pytest.mark.parametrize(
    ("state", "file_says", "said"),
    [
        ("planned", "", [claim(Source.LIST)]),
        ("planned", "2026-05-03", [claim(Source.HR_FILE)]),
        ("invited", "2026-04-30", [claim(Source.LIST), claim(Source.HR_FILE, APRIL)]),
        ("planned", "cancelled", [claim(Source.LIST), claim(Source.HR_FILE, None)]),
        ("cancelled", "cancelled", [claim(Source.HR_FILE, None)]),
        ("cancelled", "2026-05-03", [claim(Source.LIST, None), claim(Source.HR_FILE)]),
        ("cancelled", "", [claim(Source.LIST, None)]),
    ],
)
def test_an_entry_is_the_files_until_somebody_writes_something_else(state, file_says, said) -> None:
    assert list(departures.listed_claims(MAY, state=state, file_says=file_says)) == said


def test_an_entry_without_a_day_says_what_the_file_says_and_else_nothing() -> None:
    assert departures.listed_claims(None, state="planned", file_says="") == ()
    assert departures.listed_claims(None, state="planned", file_says="2026-05-03") == (claim(Source.HR_FILE),)


def test_an_account_switched_off_is_a_departure_only_where_nothing_is_known() -> None:
    off = {"ann": TODAY, "ben": TODAY, "cleo": TODAY, "dan": TODAY - timedelta(days=15)}
    listed = [leaver(-40, who="ben", says=(claim(Source.LIST),)), leaver(30, who="cleo")]
    found = {
        one.person_id: one for one in departures.one_departure_each(listed, [], accounts=off, today=TODAY)
    }
    assert found.keys() == {"ann", "cleo"}, "ben left, and then the account was closed"
    assert (found["ann"].leaves_on, found["ann"].active) == (TODAY, False)
    assert (found["cleo"].leaves_on, found["cleo"].active) == (TODAY + timedelta(days=30), False)
    assert departures.due_leavers([found["ann"]], today=TODAY) == []


def test_of_two_entries_the_one_that_was_called_off_does_not_count() -> None:
    both = [leaver(5, state="cancelled"), leaver(40, departure_id="2")]
    (found,) = departures.one_departure_each(both, [], today=TODAY)
    assert found.departure_id == "2"


days_said = st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31))
claims = st.lists(
    st.builds(Claim, source=st.sampled_from(Source), leaves_on=days_said), unique_by=lambda one: one.source
)


@given(claims, st.randoms())
def test_the_strongest_source_counts_whatever_the_order(said: list[Claim], chance) -> None:
    mixed = list(said)
    chance.shuffle(mixed)
    found = departures.decide(mixed)
    assert found == departures.decide(said)
    if found is None:
        assert not said
        return
    first = min(said, key=lambda one: list(Source).index(one.source))
    assert found.counts == first
    assert {first, *found.others} == set(said)
    assert all(str(one) in str(found) for one in said)
    disagree = any(one.leaves_on != first.leaves_on for one in said)
    assert ("because" in str(found)) is disagree


@given(claims)
def test_a_weaker_source_never_changes_the_day(said: list[Claim]) -> None:
    found = departures.decide(said)
    if found is None:
        return
    weaker = [one for one in Source if list(Source).index(one) > list(Source).index(found.counts.source)]
    for source in weaker:
        again = departures.decide([*said, claim(source, date(2030, 1, 1))])
        assert again is not None and again.counts == found.counts


@given(days_said, days_said, st.sampled_from(["planned", "invited", "cancelled"]))
def test_what_a_person_wrote_into_the_list_always_counts(
    ours: date | None, theirs: date | None, state: str
) -> None:
    file_says = theirs.isoformat() if theirs else "cancelled"
    found = departures.decide(departures.listed_claims(ours, state=state, file_says=file_says))
    assert found is not None
    wanted = None if state == "cancelled" else ours
    if wanted is not None or state == "cancelled":
        assert found.counts.leaves_on == wanted


@given(st.lists(st.tuples(st.integers(-60, 200), st.sampled_from("abcd")), max_size=12), st.data())
def test_what_is_asked_follows_the_decision(entries: list[tuple[int, str]], data: st.DataObject) -> None:
    def said(days: int, source: Source) -> tuple[Claim, ...]:
        return (claim(source, TODAY + timedelta(days=days)),)

    cut = data.draw(st.integers(0, len(entries)))
    listed = [leaver(days, who=who, says=said(days, Source.LIST)) for days, who in entries[:cut]]
    known = {who: days for days, who in entries[cut:]}.items()
    others = [leaver(days, who=who, says=said(days, Source.LEAVE_DATE)) for who, days in known]
    off = dict.fromkeys(data.draw(st.sets(st.sampled_from("abcdef"))), TODAY)
    for one in departures.one_departure_each(listed, others, accounts=off, today=TODAY):
        assert one.decision is not None and one.decision.counts.leaves_on == one.leaves_on
        assert one.active is (one.person_id not in off)


def test_of_several_departures_of_a_person_a_note_is_about_its_own_however_long_past() -> None:
    old, new = leaver(-400, departure_id="1"), leaver(20, departure_id="2")
    off = leaver(-390, departure_id="3", state="cancelled")
    known = [new, off, leaver(-400, who="ben", departure_id="4"), old]

    def of(days: int, departure_id: str = "") -> Leaver | None:
        last_on = TODAY + timedelta(days=days)
        return departures.departure_of(known, "ann", last_on=last_on, departure_id=departure_id)

    assert [of(-400), of(-385), of(30), of(900), of(900, "2")] == [old, old, new, None, new]
    assert departures.departure_of([off], "ann", last_on=off.leaves_on) is off
    assert departures.departure_of(known, "ann", last_on=None) is old
