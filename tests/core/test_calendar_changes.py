"""Which milestones a sheet makes, moves, changes and cancels, and that it does so once."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from km365.core.calendar_changes import Change, Wanted, compare, fields_of
from km365.core.calendar_rows import Entry
from km365.core.schedule import Milestone

DAY = date(2027, 12, 10)


def entry(title: str = "End-year review", on: date | None = DAY, **more) -> Entry:
    values = {"office": "CO-BEL", "kind": "end-year review", "place": "row 2", "columns": {}} | more
    return Entry(title=title, due_on=on, **values)


def written(*wanted: Wanted, onto: tuple[Milestone, ...] = ()) -> tuple[Milestone, ...]:
    """The list after the import."""
    items = {one.id: one for one in onto}
    for one in wanted:
        item_id = one.before.id if one.before else str(len(items) + 1)
        before = fields_of(one.before, one.before.key) if one.before else {}
        fields = before | dict(one.fields)
        day = fields.get("KMDate")
        items[item_id] = Milestone(
            id=item_id,
            title=str(fields["Title"]),
            kind=str(fields["KMKind"]),
            office=str(fields["KMOffice"]),
            due_on=date.fromisoformat(day) if day else None,
            asked=tuple((fields.get("KMAsked") or "").split()),
            state=str(fields["KMState"]),
            programme=fields.get("KMProgramme") or "",
            key=fields.get("KMKey") or "",
        )
    return tuple(items.values())


def changes(*entries: Entry, kept: tuple[Milestone, ...] = ()) -> list[Change]:
    found = compare(entries, kept)
    assert found.problems == ()
    return [one.change for one in found.wanted]


def test_a_second_import_changes_nothing() -> None:
    first = (
        entry(),
        entry("Mid-term review", kind="mid-term review", asked=("ann",)),
        entry(key="k-1", on=None, state="closed", title="Old"),
    )
    kept = (Milestone(id="9", title="Old", kind="end-year review", office="CO-BEL", due_on=DAY),)
    once = compare(first, kept)
    after = written(*once.wanted, onto=kept)
    assert [one.change for one in once.wanted] == [Change.NEW, Change.NEW, Change.CHANGED]
    assert changes(*first, kept=after) == [Change.UNCHANGED] * 3
    assert len(after) == 3


def test_a_moved_day_is_a_move_and_next_years_review_another_milestone() -> None:
    kept = written(*compare([entry()], ()).wanted)
    assert changes(entry(on=DAY + timedelta(days=40)), kept=kept) == [Change.MOVED]
    next_year = entry(on=date(2028, 12, 8))
    assert changes(next_year, kept=kept) == [Change.NEW]
    assert changes(entry(on=DAY - timedelta(days=7)), next_year, kept=kept) == [Change.MOVED, Change.NEW]


def test_only_the_columns_that_differ_are_written() -> None:
    kept = written(*compare([entry(asked=("ann",), programme="P")], ()).wanted)
    (one,) = compare([entry(on=DAY + timedelta(days=1), asked=())], kept).wanted
    assert dict(one.fields) == {"KMDate": "2027-12-11", "KMAsked": None}


def test_a_key_outlives_title_and_day() -> None:
    kept = written(*compare([entry(key="eyr-2027")], ()).wanted)
    assert changes(entry("Annual review", date(2029, 1, 1), key="eyr-2027"), kept=kept) == [Change.MOVED]
    assert changes(entry(key="eyr-2028"), kept=kept) == [Change.NEW], "another key is another milestone"


def test_a_milestone_written_by_hand_is_known_by_its_name_and_takes_the_key_of_the_sheet() -> None:
    kept = (Milestone(id="7", title="END-YEAR REVIEW", kind="end-year review", office="co-bel", due_on=DAY),)
    (one,) = compare([entry(key="eyr-2027")], kept).wanted
    assert one.before is kept[0] and one.fields["KMKey"] == "eyr-2027"
    assert changes(entry(title="END-YEAR REVIEW", office="co-bel"), kept=kept) == [Change.UNCHANGED]


def test_a_cancelled_one_is_told_as_cancelled_and_keeps_its_day() -> None:
    kept = written(*compare([entry()], ()).wanted)
    (one,) = compare([entry(on=None, state="cancelled")], kept).wanted
    assert (one.change, dict(one.fields)) == (Change.CANCELLED, {"KMState": "cancelled"})


def test_what_cannot_be_told_apart_is_refused() -> None:
    same = compare([entry(place="row 2"), entry(place="row 5")], ())
    assert same.problems == ("row 5: says the same as row 2; delete one of the two.",)
    keys = compare([entry(key="k"), entry("Other", key="k", place="row 9")], ())
    assert "row 9: has the key of row 2" in keys.problems[0]
    nothing = compare([entry(on=None, state="cancelled")], ())
    assert "there is no such milestone to cancel" in nothing.problems[0]
    twice = (
        Milestone(id="1", title="A", kind="evaluation", office="X", due_on=DAY, key="k"),
        Milestone(id="2", title="A", kind="evaluation", office="X", due_on=DAY, key="k"),
    )
    assert "(entries 1 and 2)" in compare([], twice).problems[0]


ENTRIES = st.builds(
    entry,
    title=st.sampled_from(["Review", "Evaluation", "Plan"]),
    on=st.dates(date(2026, 1, 1), date(2029, 12, 31)),
    key=st.sampled_from(["", "", "a", "b", "c"]),
    state=st.sampled_from([None, "planned", "cancelled"]),
    asked=st.sampled_from([None, (), ("ann",)]),
)


@given(st.lists(ENTRIES, max_size=8), st.lists(ENTRIES, max_size=8))
def test_importing_twice_is_importing_once_and_never_loses_or_doubles_one(first, second) -> None:
    start = compare(first, ())
    if start.problems:
        return
    kept = written(*start.wanted)
    once = compare(second, kept)
    if once.problems:
        return
    after = written(*once.wanted, onto=kept)
    again = compare(second, after)
    assert again.problems == ()
    assert {one.change for one in again.wanted} <= {Change.UNCHANGED}
    days = sorted((one.title, str(one.due_on), one.state) for one in after)
    twice = written(*again.wanted, onto=after)
    assert sorted((one.title, str(one.due_on), one.state) for one in twice) == days
    assert len(after) == len(kept) + sum(
        one.change is Change.NEW or one.before is None for one in once.wanted
    )
