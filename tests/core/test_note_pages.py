"""The lines of a note as rows and lists, and what of them fits on five pages: nothing is invented or lost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.languages import LANGUAGES
from km365.core.note_lines import NOTHING, Cell, Entry, Part, Reading, Shown, Table, shown
from km365.core.note_pages import PAGES, Page, Paper, lay_out, page_of
from km365.documents.questions import Banks
from km365.templates import Templates

from .noted import section, source

LABELS = {"next step": Part.NEXT, "by whom": Part.WHO, "deadline": Part.WHEN, "下一步": Part.NEXT}
READING = Reading(language="en", labels=LABELS, introduces=("… can introduce you",))
A4 = Paper(width_pt=465, height_pt=723, letters_pt=10.5)


def rows(name: str, *lines: str) -> list[tuple[Cell, ...]]:
    return [one.cells for one in shown(section(name, lines), READING).entries]


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (
            "Tender: bids are in; next step: award letter; by whom: Amal; deadline: end of May",
            ("Tender: bids are in", "award letter", "Amal", "end of May"),
        ),
        ("Tender, bids are in. Next step: award letter", ("Tender, bids are in.", "award letter", "–", "–")),
        ("Tender → award by 3 March 2027", ("Tender", "award by 3 March 2027", "–", date(2027, 3, 3))),
        ("招标；下一步：授标", ("招标", "授标", "–", "–")),
        ("Tender, with Amal", ()),
        ("next step: award letter", ()),
        ("A; next step: b. C; next step: d", ()),
    ],
)
def test_a_line_of_work_is_a_row_of_what_it_clearly_says(line: str, cells: tuple[Cell, ...]) -> None:
    assert cells in rows("work", line, "X → y")


def test_what_falls_due_is_sorted_by_day_and_what_names_none_follows_as_it_was_said() -> None:
    found = shown(section("deadlines", ["Radio licence", "Report, 15 January", "Visa 2 Dec 2026"]), READING)
    assert [(one.cells[:1], one.text) for one in found.entries] == [
        ((date(2026, 12, 2),), "Visa 2 Dec 2026"),
        ((date(2027, 1, 15),), "Report, 15 January"),
        ((), "Radio licence"),
    ]


def test_people_are_who_they_are_why_and_who_introduces() -> None:
    said = ["Amal Stone, Ministry of Water – signs fast, Maya can introduce you", "The youth council"]
    assert rows("people", *said) == [
        ("Amal Stone, Ministry of Water", "signs fast", "Maya can introduce you"),
        (),
    ]


def test_a_line_that_is_only_a_name_or_a_sign_in_name_of_a_colleague_says_who_that_is() -> None:
    known = {"Ben Paperboat": "Focal point, CO-BEL", "sue@agency.example": "Sue, Water Specialist"}
    said = section("people", ["Ben Paperboat", "sue@agency.example", "Maria Lopez (UNDP)"])
    found = shown(said, replace(READING, colleagues=known)).entries
    assert [one.cells for one in found] == [
        ("Ben Paperboat (Focal point, CO-BEL)", "–", "–"),
        ("sue@agency.example (Sue, Water Specialist)", "–", "–"),
        (),
    ]


def test_where_somebody_works_stands_behind_a_comma_of_the_language() -> None:
    arabic = replace(READING, language="ar")
    (row,) = shown(section("people", ["مايا حداد، وزارة المياه – تعرف المضخات"]), arabic).entries
    assert row.cells == ("مايا حداد، وزارة المياه", "تعرف المضخات", NOTHING)


def test_systems_are_parted_at_a_dash_or_a_colon() -> None:
    said = ["Pump register – Maya takes it over", "VISION: ask ICT", "The WhatsApp group"]
    assert rows("systems", *said) == [
        ("Pump register", "Maya takes it over"),
        ("VISION", "ask ICT"),
        (),
    ]


@pytest.mark.parametrize("name", Table)
def test_where_no_line_has_parts_there_is_no_table(name: str) -> None:
    found = shown(section(name, ["One", "Two"]), READING)
    assert (found.table, [one.cells for one in found.entries]) == (None, [(), ()])


def test_a_story_is_no_row() -> None:
    story = "VISION: " + "it is slow when the rains come. " * 12
    assert rows("systems", "Register: Maya", story) == [("Register", "Maya"), ()]


# what fits -----------------------------------------------------------------------------------------------


def listed(name: str, *lines: str, number: int = 5) -> Shown:
    entries = tuple(Entry(text=line, source=source(number)) for line in lines)
    return Shown(target=f"handover.{name}", heading=name, table=None, entries=entries)


def words_of(entries: Sequence[Entry]) -> Counter[str]:
    return Counter(word for one in entries if not one.torn for word in one.text.split())


def test_what_fits_stands_in_the_body_and_there_are_no_annexes() -> None:
    pages = lay_out([listed("work", "One", "Two"), listed("more", "Three")], page_of(A4, "en"))
    assert [[one.text for one in part.entries] for part in pages.body] == [["One", "Two"], ["Three"]]
    assert pages.annexes == ()


SECTIONS = st.lists(
    st.lists(st.text("ab W中م.\u0301 ", min_size=1, max_size=60).map(str.strip).filter(bool), max_size=9),
    min_size=1,
    max_size=6,
)


@given(SECTIONS, st.integers(0, 80))
def test_every_word_is_in_the_body_or_in_an_annex_and_none_twice(said: list[list[str]], room: int) -> None:
    given_ = [listed(f"s{n}", *lines, number=n + 1) for n, lines in enumerate(said)]
    pages = lay_out(given_, Page(lines=float(room), em=44.0))
    there = [entry for part in (*pages.body, *pages.annexes) for entry in part.entries]
    assert words_of(there) == words_of([entry for one in given_ for entry in one.entries])
    assert [part.heading for part in pages.body] == [one.heading for one in given_]
    assert [part.annex for part in pages.body if part.annex] == [part.annex for part in pages.annexes]
    assert all(part.moved == len(part.entries) > 0 for part in pages.annexes)


def test_of_a_line_too_long_its_first_sentences_stand_in_the_body_and_all_of_it_in_the_annex() -> None:
    long = "The pumps stop within a week. " + "The fuel comes from the north. " * 600
    pages = lay_out([listed("watch", "Short.", long.strip())], page_of(A4, "en"))
    (body,), (annex,) = pages.body, pages.annexes
    assert body.entries[-1].torn
    assert long.startswith(body.entries[-1].text)
    assert body.entries[-1].text.endswith(".")
    assert [one.text for one in annex.entries] == [long.strip()]
    assert (body.annex, body.moved) == (1, 1)


def test_what_nobody_can_start_without_gets_more_room_and_every_section_some() -> None:
    text = "The fuel comes from the north, and the road is cut when it rains. " * 300
    bank = Banks(Templates()).get("handover", "en")
    names = [target.removeprefix("handover.") for target, _ in bank.sections if "handover." in target]
    pages = lay_out([listed(name, text.strip()) for name in names], page_of(A4, "en"))
    length = {part.target: sum(len(one.text) for one in part.entries) for part in pages.body}
    assert min(length.values()) > 100
    assert length["handover.watch"] > 1.5 * length["handover.history"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_larger_letters_and_smaller_paper_leave_less_room(language: str) -> None:
    usual = page_of(A4, language)
    large = page_of(Paper(width_pt=465, height_pt=723, letters_pt=14), language)
    small = page_of(Paper(width_pt=465, height_pt=600, letters_pt=10.5), language)
    assert usual.lines > large.lines > 0
    assert usual.em > large.em
    assert usual.lines > small.lines
    assert usual.lines < PAGES * A4.height_pt / (A4.letters_pt * 1.3)
