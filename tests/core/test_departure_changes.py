"""What an HR file changes in the Departures list: examples in words, and laws over many files."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.departure_changes import Change, Kept, Wanted, compare
from km365.core.departure_rows import FILLS, Entry, Field, Read, read
from km365.core.sheet_rows import Cell, Sheet
from km365.documents.departure_words import vocabulary
from km365.templates import Templates

TODAY = date(2026, 3, 2)
WORDS = vocabulary(Templates())


def entry(
    days: int | None = 60, *, person: str = "ann", key: str = "", off: bool = False, **fills: str
) -> Entry:
    return Entry(
        place="row 2",
        columns={},
        person=person,
        leaves_on=None if days is None else TODAY + timedelta(days=days),
        is_cancelled=off,
        key=key,
        fills={Field(name): value for name, value in fills.items()},
    )


def kept(days: int | None = 60, *, file_says: str | None = None, **more) -> Kept:
    leaves_on = None if days is None else TODAY + timedelta(days=days)
    said = (leaves_on.isoformat() if leaves_on else "") if file_says is None else file_says
    fills = {Field(name): value for name, value in more.pop("fills", {}).items()}
    return Kept(
        id="1", etag="e", leaves_on=leaves_on, file_says=said, fills=fills, **{"person": "ann"} | more
    )


def only(one: Entry, *there: Kept) -> Wanted:
    found = compare([one], there, today=TODAY)
    assert found.problems == ()
    return found.wanted[0]


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def test_who_is_not_in_the_list_is_new() -> None:
    found = only(entry(60, post="Chief of Water", key="HR-7"))
    assert found.change is Change.NEW
    assert found.fields == {
        "Title": "Chief of Water",
        "KMPerson": "ann",
        "KMPost": "Chief of Water",
        "KMLastDay": day(60),
        "KMState": "planned",
        "KMKey": "HR-7",
        "KMFileSays": day(60),
    }


@pytest.mark.parametrize("days", [70, 20, 500])
def test_what_the_file_keeps_the_file_moves_however_far(days: int) -> None:
    found = only(entry(days), kept(60))
    assert (found.change, found.fields) == (Change.MOVED, {"KMLastDay": day(days), "KMFileSays": day(days)})


def test_what_the_file_keeps_the_file_calls_off_and_on_again() -> None:
    off = only(entry(60, off=True), kept(60))
    assert (off.change, off.fields) == (Change.CANCELLED, {"KMState": "cancelled", "KMFileSays": "cancelled"})
    on = only(entry(65), kept(60, state="cancelled", file_says="cancelled"))
    assert on.change is Change.MOVED
    assert on.fields == {"KMLastDay": day(65), "KMFileSays": day(65), "KMState": "planned"}


def test_what_somebody_wrote_into_the_list_stays_and_the_files_word_is_noted() -> None:
    found = only(entry(70), kept(65, file_says=day(60)))
    assert (found.change, found.fields) == (Change.CONFLICT, {"KMFileSays": day(70)})
    assert found.notes[0].endswith("the list counts, because people keep it for this")
    by_hand = only(entry(70), kept(65, file_says=""))
    assert (by_hand.change, by_hand.fields) == (Change.CONFLICT, {"KMFileSays": day(70)})
    off = only(entry(60, off=True), kept(65, file_says=day(60)))
    assert (off.change, off.fields) == (Change.CONFLICT, {"KMFileSays": "cancelled"})
    on = only(entry(60), kept(60, state="cancelled"))
    assert (on.change, on.fields) == (Change.CONFLICT, {})


def test_once_the_list_agrees_the_file_keeps_the_entry_again() -> None:
    agreed = only(entry(65), kept(65, file_says=day(60)))
    assert (agreed.change, agreed.fields) == (Change.CHANGED, {"KMFileSays": day(65)})
    assert only(entry(70), kept(65, file_says=day(65))).change is Change.MOVED


def test_what_is_empty_is_filled_in_and_what_is_written_stays() -> None:
    there = kept(60, fills={"post": "Chief of Water"})
    found = only(entry(60, post="Chief of WASH", successor="sue"), there)
    assert (found.change, found.fields) == (Change.CHANGED, {"KMSuccessor": "sue"})
    assert found.notes == ("the list has another post: the list counts",)


def test_a_handover_that_is_over_is_not_called_off() -> None:
    found = only(entry(60, off=True), kept(60, state="note filed"))
    assert found.fields == {"KMFileSays": "cancelled"}
    assert "note filed" in found.notes[0]


def test_who_left_long_ago_is_left_out_unless_the_list_waits_for_them() -> None:
    assert only(entry(-15)).change is Change.OVER
    assert only(entry(-20), kept(60)).change is Change.MOVED


def test_a_later_departure_of_somebody_who_left_before_is_a_new_one() -> None:
    assert only(entry(60), kept(-700)).change is Change.NEW
    assert only(entry(400), kept(60, state="note filed")).change is Change.NEW


def test_rows_about_the_same_departure_and_keys_used_twice_are_told() -> None:
    twice = compare([entry(60), replace(entry(70), place="row 3")], [], today=TODAY)
    assert twice.problems == ("row 3: is about the same departure as row 2; delete one of the two.",)
    keys = compare(
        [entry(60, key="A"), replace(entry(70, key="A", person="ben"), place="row 3")], [], today=TODAY
    )
    assert keys.problems == ("row 3: has the key of row 2; delete one of the two.",)
    stolen = compare([entry(60, key="A", person="ben")], [kept(60, key="A")], today=TODAY)
    assert "'A' is the key of another person" in stolen.problems[0]
    doubled = compare([], [kept(60, key="A"), replace(kept(60, key="A"), id="2")], today=TODAY)
    assert "twice (entries 1 and 2)" in doubled.problems[0]


# Rows


def rows(
    *found: tuple[Cell, ...], headings: tuple[Cell, ...] = ("Email", "Last day", "Status", "Name")
) -> Read:
    return read([Sheet(name="", rows=list(enumerate([headings, *found], 1)))], WORDS)


def test_a_file_that_only_calls_departures_off_needs_no_last_days() -> None:
    named = ("Email", "Status")
    (one,) = rows(("ann@a.example", "cancelled"), headings=named).entries
    assert (one.person, one.leaves_on, one.is_cancelled) == ("ann@a.example", None, True)
    (problem,) = rows(("ann@a.example", "confirmed"), headings=named).problems
    assert problem == "row 2, no column “last day”: is empty."
    (problem,) = rows(("ann@a.example", "Ann Paperboat"), headings=("Email", "Post")).problems
    assert problem == "there is no column headed “last day”; give each a heading of its own."


def test_a_file_of_personnel_is_understood_and_the_mail_address_says_who_it_is() -> None:
    (one,) = rows(("ann@a.example", "3 May 2026", "confirmed", "Ann Paperboat")).entries
    assert (one.person, one.leaves_on, one.is_cancelled) == ("ann@a.example", date(2026, 5, 3), False)


def test_what_is_not_understood_is_named_by_row_and_column() -> None:
    found = rows(("", "03/04/2026", "maybe", ""), ("ben@a.example", "", "", ""))
    assert found.problems == (
        "row 2, column C (Status): 'maybe' is not known; there are planned, cancelled.",
        "row 2, column A (Email): is empty.",
        "row 2, column B (Last day): '03/04/2026' is no day, or could be two; write it as 2027-03-31.",
        "row 3, column B (Last day): is empty.",
    )
    assert "no column headed “last day”" in rows(headings=("Email", "Post")).problems[0]


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        ("Contract end", "Last working day", "last day"),
        ("Manager", "First reporting officer", "supervisor"),
        ("Replaced by", "Successor", "successor"),
    ],
)
def test_two_columns_that_mean_the_same_day_or_person_are_named_and_refused(
    first: str, second: str, what: str
) -> None:
    found = rows(("ann@a.example", "cancelled", "", ""), headings=("Email", "Status", first, second))
    assert found.entries == () and found.problems == (
        f"column C ({first}) and column D ({second}) both mean the {what}; "
        "delete one, or give it another heading.",
    )


def test_one_that_was_called_off_needs_no_day() -> None:
    (one,) = rows(("ann@a.example", "", "withdrawn", "")).entries
    assert (one.leaves_on, one.says) == (None, "cancelled")


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar", "ru", "zh", "pt"])
def test_our_own_headings_are_understood_in_every_language(language: str) -> None:
    file = Path(__file__).parents[2] / "templates" / "messages" / f"departures.{language}.toml"
    words = dict(line.split(" = ") for line in file.read_text().splitlines() if " = " in line)
    first = {name: said.strip('"').split("|")[0] for name, said in words.items()}
    headings = tuple(first[f"column_{column}"] for column in Field)
    said = (
        "ann",
        "2026-05-03",
        "P",
        "O",
        first["kind_rotation"],
        "sue",
        "sam",
        first["state_cancelled"],
        "K",
    )
    found = rows(said, headings=headings)
    assert found.problems == ()
    (one,) = found.entries
    assert one.fills == {
        Field.POST: "P",
        Field.OFFICE: "O",
        Field.KIND: "rotation",
        Field.SUCCESSOR: "sue",
        Field.SUPERVISOR: "sam",
    }
    assert (one.is_cancelled, one.key) == (True, "K")


# Laws


def written(wanted: Wanted, number: int) -> Kept:
    """The entry of the list after the change."""
    before, fields = wanted.before, wanted.fields
    start = before or Kept(id=f"new{number}", etag="", person=fields["KMPerson"], leaves_on=None, fills={})
    last_day = fields.get("KMLastDay")
    columns = {name: column for column, name in FILLS.items()}
    filled = {columns[name]: value for name, value in fields.items() if name in columns}
    return replace(
        start,
        leaves_on=date.fromisoformat(last_day) if last_day else start.leaves_on,
        state=fields.get("KMState", start.state),
        key=fields.get("KMKey", start.key),
        file_says=fields.get("KMFileSays", start.file_says),
        fills={**start.fills, **filled},
    )


entries_ = st.lists(
    st.builds(
        entry,
        st.integers(-40, 700),
        person=st.sampled_from("abcde"),
        off=st.booleans(),
        post=st.sampled_from(["P", "Q"]),
    ),
    unique_by=lambda one: one.person,
    max_size=5,
)
lists_ = st.lists(
    st.builds(
        kept,
        st.none() | st.integers(-40, 700),
        file_says=st.sampled_from(["", "cancelled", day(60), day(65)]),
        person=st.sampled_from("abcde"),
        state=st.sampled_from(["planned", "invited", "in interview", "note filed", "declined", "cancelled"]),
    ),
    unique_by=lambda one: one.person,
    max_size=5,
)


@given(entries_, lists_)
def test_a_second_import_of_the_same_file_writes_nothing(entries: list[Entry], there: list[Kept]) -> None:
    there = [replace(one, id=str(number)) for number, one in enumerate(there)]
    first = compare(entries, there, today=TODAY)
    assert first.problems == ()
    touched = {one.before.id for one in first.wanted if one.before}
    after = [one for one in there if one.id not in touched]
    after += [written(one, number) for number, one in enumerate(first.wanted) if one.before or one.fields]
    again = compare(entries, after, today=TODAY)
    assert again.problems == ()
    assert [dict(one.fields) for one in again.wanted] == [{} for _ in again.wanted]


@given(entries_, lists_)
def test_the_file_never_changes_what_somebody_wrote(entries: list[Entry], there: list[Kept]) -> None:
    for one in compare(entries, there, today=TODAY).wanted:
        if one.before is not None and one.before.says not in {"", one.before.file_says}:
            assert one.fields.keys() <= {"KMFileSays", *FILLS.values()}


@given(lists_)
def test_who_is_missing_from_the_file_is_left_alone(there: list[Kept]) -> None:
    assert compare([], there, today=TODAY).wanted == ()
