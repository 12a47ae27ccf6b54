"""What a focal point's sheet says, and what is said of a sheet that cannot be understood."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.calendar_rows import Field, Read, read
from km365.core.languages import LANGUAGES
from km365.core.schema import MILESTONE_KINDS
from km365.core.sheet_rows import Sheet, day_in, letter, plain
from km365.documents.calendar_words import STATES, CalendarWords
from km365.templates import Templates

WORDS = CalendarWords(Templates())
VOCABULARY = WORDS.vocabulary()
HEADINGS = ("Office", "Programme", "Kind", "Title", "Date", "Who is asked", "State", "Key")
GOOD = ("CO-BEL", "Belmora", "MTR", "Mid-term review", "2027-03-31", "", "", "")


def sheet(*rows: tuple, headings: tuple = HEADINGS, name: str = "") -> Sheet:
    return Sheet(name=name, rows=tuple(enumerate((headings, *rows), 1)))


def taken(*rows: tuple, **more) -> Read:
    return read([sheet(*rows, **more)], VOCABULARY)


def test_a_row_is_a_milestone() -> None:
    found = taken((*GOOD[:5], "ann@agency.example; bob@agency.example\nann@agency.example", "Done", "x-1"))
    (entry,) = found.entries
    assert (entry.office, entry.kind, entry.title) == ("CO-BEL", "mid-term review", "Mid-term review")
    assert entry.due_on == date(2027, 3, 31)
    assert entry.asked == ("ann@agency.example", "bob@agency.example")
    assert (entry.state, entry.key, entry.programme) == ("closed", "x-1", "Belmora")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sheet_may_be_in_any_language(language: str) -> None:
    headings = tuple(WORDS.heading(language, column) for column in Field)
    for kind in MILESTONE_KINDS:
        for state in STATES:
            said = {
                Field.OFFICE: "CO-BEL",
                Field.KIND: WORDS.kind(language, kind).upper(),
                Field.TITLE: "T",
                Field.DATE: WORDS.day(language, date(2027, 3, 31)),
                Field.STATE: WORDS.state(language, state),
                Field.ASKED: WORDS.say(language, "everyone"),
            }
            found = taken(tuple(said.get(column, "") for column in Field), headings=headings)
            assert found.problems == ()
            (entry,) = found.entries
            assert (entry.kind, entry.state, entry.asked) == (kind, state, ())
            assert entry.due_on == date(2027, 3, 31)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_two_columns_or_kinds_are_not_confused(language: str) -> None:
    for column in Field:
        assert VOCABULARY.headings[plain(WORDS.heading(language, column))][0] is column
    assert len({WORDS.kind(language, kind) for kind in MILESTONE_KINDS}) == len(MILESTONE_KINDS)


def test_lines_of_a_rule_stay_as_they_are_written() -> None:
    said = "section: WASH, hygiene\nnot ann@agency.example; at most: 40"
    (entry,) = taken((*GOOD[:5], said, "", "")).entries
    assert entry.asked == ("section: WASH, hygiene", "not ann@agency.example", "at most: 40")
    (entry,) = taken(
        (*GOOD[:5], "ann@agency.example, bob@agency.example، eve@agency.example", "", "")
    ).entries
    assert len(entry.asked or ()) == 3


def test_an_empty_cell_says_nothing_and_a_dash_empties() -> None:
    (silent, clear) = taken(GOOD, (*GOOD[:1], "-", *GOOD[2:4], "2028-03-31", "—", "", "")).entries
    assert (silent.asked, silent.state) == (None, None)
    assert (clear.programme, clear.asked) == ("", ())


def test_everything_that_is_wrong_is_named_by_row_and_column() -> None:
    found = read(
        [
            sheet(
                GOOD,
                ("CO-BEL", "", "party", "", 2027.0, "", "maybe", ""),
                ("=HYPERLINK(1)", "", "MTR", "#REF!", "03/04/2027", "", "", ""),
                ("", "", "MTR", "x" * 300, "", "", "", "a\x07b"),
                name="2027",
            )
        ],
        VOCABULARY,
    )
    assert len(found.entries) == 1
    wrong = [problem.split(": ", 1)[0] for problem in found.problems]
    at = {
        column: f"column {letter(number)} ({name})"
        for number, (column, name) in enumerate(zip(Field, HEADINGS, strict=True))
    }
    assert wrong == [
        f"sheet “2027”, row {row}, {at[column]}"
        for row, columns in (
            (3, (Field.STATE, Field.KIND, Field.TITLE, Field.DATE)),
            (4, (Field.OFFICE, Field.TITLE, Field.DATE)),
            (5, (Field.OFFICE, Field.TITLE, Field.DATE, Field.KEY)),
        )
        for column in columns
    ]
    assert "would be in 1905" in found.problems[3]
    assert "begins like a formula" in found.problems[4]
    assert "write it as 2027-03-31" in found.problems[6]


def test_a_cancelled_milestone_needs_no_date() -> None:
    found = taken(("CO-BEL", "", "MTR", "T", "", "", "cancelled", ""))
    assert found.problems == () and found.entries[0].due_on is None


def test_headings_may_stand_below_a_title_and_other_columns_between_them() -> None:
    rows = ((1, ("Calendar of CO-BEL",)), (3, ("No.", "Date", "Country", "Milestone", "Type", "Budget")))
    rows += ((4, (1.0, 46_112.0, "Belmora", "Review", "MTR", 17.5)),)
    found = read([Sheet(name="", rows=rows)], VOCABULARY, office="CO-BEL")
    assert [(one.office, one.title, str(one.due_on)) for one in found.entries] == [
        ("CO-BEL", "Review", "2026-03-31")
    ]


def test_of_two_columns_that_may_be_the_title_the_plainer_counts_and_equals_are_refused() -> None:
    headings = ("Office", "Kind", "Description", "Title", "Date")
    (entry,) = taken(("CO-BEL", "MTR", "long", "short", "2027-03-31"), headings=headings).entries
    assert entry.title == "short"
    twice = taken(
        ("CO-BEL", "MTR", "a", "b", "2027-03-31"), headings=("Office", "Kind", "Title", "Title", "Date")
    )
    assert twice.problems == ("columns C and D are both headed 'Title'; delete one.",)


def test_a_missing_column_is_named_and_a_sheet_without_headings_left_out() -> None:
    lists = Sheet(name="Lists", rows=((1, ("red", "green")),))
    found = read([lists, sheet(("CO-BEL", "MTR"), headings=("Office", "Kind"), name="A")], VOCABULARY)
    assert found.ignored == ("Lists",)
    assert found.problems == (
        "sheet “A”: there is no column headed “title”, “date”; give each a heading of its own.",
    )


def test_days_since_1904_are_counted_from_there() -> None:
    one = sheet((*GOOD[:4], 44_650.0, "", "", ""))
    old = Sheet(name="", rows=one.rows, day_zero=date(1904, 1, 1))
    assert read([old], VOCABULARY).entries[0].due_on == date(2026, 3, 31)


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)), st.sampled_from(LANGUAGES))
def test_every_day_written_out_is_understood(day: date, language: str) -> None:
    assert day_in(WORDS.day(language, day), VOCABULARY.months) == day
    assert day_in(day.isoformat(), VOCABULARY.months) == day


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_days_and_rows(text: str) -> None:
    day_in(text, VOCABULARY.months)
    taken((text,) * len(HEADINGS))
    taken(GOOD, headings=(text,) * len(HEADINGS))
