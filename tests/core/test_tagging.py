"""Plain text as passages."""

import pytest

from km365.core.passages import Kind
from km365.core.tagging import from_text


def test_lines_broken_for_width_are_read_as_one():
    text = (
        "This paper shows how offices in the region work on multi-stakeholder\n"
        "partnerships for children.\n\n- one\n- two"
    )
    assert [p.text for p in from_text(text, title="On partners")] == [
        "On partners",
        "This paper shows how offices in the region work on multi-stakeholder partnerships for children.",
        "- one",
        "- two",
    ]


LONGER = "Health workers told us in every district that the boxes had been too heavy for one person. "


def test_a_short_first_line_is_the_title_and_a_short_line_before_a_paragraph_a_heading():
    text = f"Cold chain in the lowlands\n{LONGER * 3}\nWhat we learnt\n{LONGER * 3}"
    assert [(p.kind, p.place) for p in from_text(text)] == [
        (Kind.TITLE, "title"),
        (Kind.BODY, ""),
        (Kind.HEADING, ""),
        (Kind.BODY, ""),
    ]
    assert [p.kind for p in from_text(text, title="Lessons")][:2] == [Kind.TITLE, Kind.HEADING]


@pytest.mark.parametrize(
    "line", ["- one of a list", "It ends as a sentence does.", "and goes on in small letters", "• point"]
)
def test_a_sentence_or_an_item_of_a_list_is_no_heading(line: str):
    assert {p.kind for p in from_text(f"{LONGER}\n{line}\n{LONGER * 3}")} == {Kind.BODY}


def test_a_text_of_one_line_has_no_title():
    assert [p.kind for p in from_text("Cold chain")] == [Kind.BODY]


def test_lines_of_a_text_with_long_lines_are_paragraphs():
    title = "A long title that nobody broke, since the paragraph below is long as well"
    assert from_text(f"{title}\nthe rest. {LONGER * 2}")[0].text == title
