"""What a pack is made of: the lines of a note, whom to meet, what comes."""

from datetime import date, timedelta

import pytest
from babel.dates import format_date, format_skeleton

from km365.core import successor_pack as rules
from km365.core.languages import LANGUAGES, dates_of
from km365.core.numbers_in_order import LRM
from km365.core.questions import POST_LEFT
from km365.core.schedule import Milestone
from km365.core.successor_pack import PEOPLE, Said, ToRead, Why
from km365.documents.questions import Banks
from km365.templates import Templates

TODAY = date(2026, 3, 2)
BANKS = Banks(Templates())
EVERY = [BANKS.get("handover", tag) for tag in LANGUAGES]
COLUMNS = frozenset({"Who", "Why", "No."})


def said(heading: str, *lines: str) -> list[Said]:
    return rules.said_in([(heading, lines)], EVERY, COLUMNS, language="en", day=TODAY)


def test_numbers_headings_of_columns_and_the_table_of_answers_are_not_said() -> None:
    found = said("Annex A", "Who | Why | No.", "Halima | She knows. | [9]", "Tobias | – | – | [9]", "Mine.")
    assert [one.line.text for one in found] == ["Halima | She knows.", "Tobias", "Mine."]
    assert [one.target for one in found] == [PEOPLE, PEOPLE, ""]
    assert said("Sources", "[9] | Which five people? | 2 March | everyone") == []


def test_the_marks_around_a_number_in_the_file_are_none_of_its_words() -> None:
    (found,) = said("Anything", f"هاتف ليلى: {LRM}+963 944 123 456{LRM} [10]")
    assert found.line.text == "هاتف ليلى: +963 944 123 456"


def test_a_line_broken_off_in_the_body_is_said_once_as_it_stands_whole_in_the_annex() -> None:
    found = said(
        "Annex", "The pumps leak. … [5]", "The pumps leak. The fuel is late. [5]", "So it goes … [6]"
    )
    assert [one.line.text for one in found] == ["The pumps leak. The fuel is late.", "So it goes …"]


def test_what_was_asked_is_known_in_every_language_by_number_or_by_heading() -> None:
    (by_number,) = said("Anything", "Call Marek. [10]")
    (by_heading,) = said("People to meet first", "Call Marek.")
    for found in (by_number, by_heading):
        assert "Whom do you call" in found.line.asked
        assert BANKS.get("handover", "ar").question("stuck").ask in found.line.asked
    assert "five people" in by_heading.line.asked and "five people" not in by_number.line.asked


def test_of_what_colleagues_told_the_heading_says_what_was_asked_and_never_the_number() -> None:
    banks = [BANKS.get(POST_LEFT, tag) for tag in LANGUAGES]
    sections = [
        ("Work in progress", ["The well at Borun waits for a pump. [7]"]),
        ("Annex 1: People to meet first", ["Ben Paperboat, Ministry – permits [2]"]),
    ]
    found = rules.said_in(sections, banks, COLUMNS, language="en", day=TODAY, by_colleagues=True)
    assert [one.target for one in found] == ["handover.work", PEOPLE]
    assert BANKS.get(POST_LEFT, "ar").question("work").ask in found[0].line.asked
    assert [one.name for one in rules.meetings(found)] == ["Ben Paperboat"]
    assert rules.falls_due(found, today=TODAY) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_day_of_a_row_that_the_line_names_in_full_is_not_said_twice(language: str) -> None:
    day, locale = date(2027, 1, 20), dates_of(language)
    cell = format_skeleton("yMMMd", day, locale=locale)
    line = f"{format_date(day, format='long', locale=locale)}: Visa"
    assert line_of(f"{cell} | {line} [7]", language) == line
    assert line_of(f"Visa | {cell} [5]", language) == f"Visa | {cell}"
    assert line_of(f"{line} | – | {cell} [5]", language) == f"{line} | –"
    assert line_of(f"{cell} [7]", language) == cell


def line_of(text: str, language: str) -> str:
    (found,) = rules.said_in([("x", [text])], EVERY, COLUMNS, language=language, day=TODAY)
    return found.line.text


def due(*sections: tuple[str, str], language: str = "en", day: date = TODAY) -> list[str]:
    some = [(heading, [line]) for heading, line in sections]
    found = rules.said_in(some, EVERY, COLUMNS, language=language, day=day)
    return rules.falls_due(found, today=TODAY)


def test_what_any_section_says_of_the_next_ninety_days_comes_by_day_and_once() -> None:
    watch, work, dates = "What needs an eye on it", "Work in progress", "Dates in the next six months"
    eye, audit = "Sign before 5 May 2026 or the partner refuses the payments.", "Audit: 2026-03-02"
    found = due(
        (work, "The tender; deadline: 10 April 2026 [5]"),
        (watch, f"{eye} [8]"),
        (dates, f"{audit} [7]"),
        (dates, "The lease, once a year. [7]"),
        (watch, f"{audit} [8]"),
        (work, "Filed on 1 March 2026; due again on 1 June 2026. [5]"),
    )
    assert found == [audit, "The tender; deadline: 10 April 2026", eye, "The lease, once a year."]


def test_a_day_without_a_year_is_the_next_after_it_was_said_and_what_is_over_is_not_ahead() -> None:
    long_ago = date(2025, 1, 15)
    assert due(("Work in progress", "The licence ends on 15 April."))
    assert due(("Work in progress", "The licence ends on 15 April."), day=long_ago) == []
    assert due(("Dates in the next six months", "The contract ended on 15 January 2026.")) == []


def test_days_are_read_in_the_language_of_the_line_too() -> None:
    line = "The partner refuses the payments that come after 15 April 2026, which is the end of it."
    assert due(("ما يحتاج إلى متابعة", line), language="ar") == [line]


def test_whoever_was_named_for_the_first_weeks_comes_first_and_whom_to_call_is_not_met() -> None:
    found = said("x", "An old teacher. [11]", "Halima Quillstone: she knows. [9]", "Marek, when stuck. [10]")
    met = rules.meetings(found)
    assert [(one.name, one.week) for one in met] == [("Halima Quillstone", 1), ("", 2)]


def test_a_line_that_names_a_document_is_quoted_without_its_address() -> None:
    assert rules.without_addresses("The inventory: https://x.example/a%20b.xlsx") == "The inventory"
    assert rules.without_addresses("See https://x.example/a (tab two).") == "See … tab two"
    assert rules.without_addresses("https://x.example/a") == ""


def test_of_five_to_read_two_are_lessons_where_there_are_as_many() -> None:
    papers = [ToRead(title=f"p{n}", web_url=f"p{n}", why=Why.NAMED) for n in range(6)]
    lessons = [ToRead(title=f"l{n}", web_url=f"l{n}", why=Why.TOPIC) for n in range(6)]

    def titles(named: int, told: int) -> str:
        return " ".join(one.title for one in rules.read_first(papers[:named], lessons[:told]))

    assert titles(6, 6) == "p0 p1 p2 l0 l1"
    assert titles(6, 0) == "p0 p1 p2 p3 p4"
    assert titles(1, 6) == "p0 l0 l1 l2 l3"


def test_what_comes_is_of_the_office_within_ninety_days_and_not_called_off() -> None:
    def milestone(number: int, days: int, office: str = "CO-BEL", state: str = "planned") -> Milestone:
        on = TODAY + timedelta(days=days)
        return Milestone(id=str(number), title="", kind="", office=office, due_on=on, state=state)

    found = rules.ahead(
        [
            milestone(1, 90),
            milestone(2, 0),
            milestone(3, 91),
            milestone(4, -1),
            milestone(5, 5, office="CO-ARD"),
            milestone(6, 5, state="cancelled"),
        ],
        office="co-bel",
        today=TODAY,
    )
    assert [one.id for one in found] == ["2", "1"]
