"""A question and the lines that answer it, or none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from km365.core.pack_answers import LONGEST, MOST, Answers, Line, Question
from km365.core.search_question import Concepts
from km365.core.taxonomy import Taxonomy

NO_TERMS = Concepts(Taxonomy(term_sets=()))


def line(text: str, heading: str = "What needs an eye on it", asked: str = "") -> Line:
    return Line(text=text, heading=heading, language="en", asked=asked)


def question(text: str, asking: tuple[str, ...] = ()) -> Question:
    return Question.of(text, NO_TERMS.parts(text), language="en", asking=asking)


NOTE = Answers(
    [
        line("The chlorine stock at Tamber depot ends in June."),
        line("The salaries of the pump attendants are paid late."),
        line("Halima knows the laboratory.", heading="People to meet first", asked="Whom should one meet?"),
        line("A bridge is closed when the river rises."),
    ]
)


def said(text: str, asking: tuple[str, ...] = ()) -> list[str]:
    return [one.words for one in NOTE.to(question(text, asking))]


def test_the_line_that_holds_most_of_what_is_asked_answers() -> None:
    assert said("When does the stock of chlorine end?") == [
        "The chlorine stock at Tamber depot ends in June."
    ]


def test_one_word_of_several_is_no_answer() -> None:
    assert said("What is the salary scale of interpreters?") == []
    assert said("Which vaccines expire?") == []
    assert said("") == [] and said("???") == []


def test_what_was_asked_under_a_heading_helps_and_words_that_only_ask_count_for_nothing() -> None:
    assert said("Whom should I meet at the laboratory?") == ["Halima knows the laboratory."]
    assert said("anybody laboratory", ("anybody",)) == ["Halima knows the laboratory."]


def test_a_word_that_is_near_in_meaning_stands_for_another() -> None:
    asked = question("ford flood")
    near = np.array([[0.85 if word == near else 0.1 for word in NOTE.words] for near in ("bridge", "river")])
    assert [one.words for one in NOTE.to(asked, near.astype(np.float32))] == [
        "A bridge is closed when the river rises."
    ]
    assert NOTE.to(asked) == []


def test_of_a_long_line_the_sentence_is_quoted_that_says_most() -> None:
    filler = "Nothing of this matters much to anybody who reads it today. " * 12
    answers = Answers([line(f"{filler}The key hangs behind the blue door."), line("Other things.")])
    (found,) = answers.to(question("Where is the key of the blue door?"))
    assert found.words == "The key hangs behind the blue door." and len(filler) > LONGEST


@given(st.lists(st.text(max_size=40), max_size=6), st.text(max_size=60))
def test_whatever_is_asked_of_whatever_only_words_of_the_lines_come_back(lines: list[str], text: str) -> None:
    found = Answers(map(line, lines)).to(question(text))
    assert len(found) <= MOST
    assert all(one.words in lines for one in found)
