"""What the coach finds in a draft, held against labelled lessons; the figures are in docs/coach.md."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core.coach import Finding, Rule, most_useful
from km365.core.knowledge import WRITTEN_FIELDS
from km365.core.languages import LANGUAGES

from ..benchmarks.bench_coach import LANGUAGES as LABELLED_IN
from ..benchmarks.bench_coach import WORDS, labelled, measured, table

STORY = "In May 2023 the pump in Duwara broke, because nobody had spare parts. 40 families said so."


def rules(language: str = "en", **fields: str) -> list[Rule]:
    return [one.rule for one in WORDS.coach.findings(fields, language=language)]


@pytest.mark.parametrize("language", LABELLED_IN)
@pytest.mark.parametrize("rule", Rule)
def test_in_the_tuned_half_nine_of_ten_are_right_and_nine_of_ten_are_found(rule: Rule, language: str) -> None:
    m = measured("tuned")[language, rule]
    assert m.wanted >= 3
    assert m.right >= 0.9 * m.spoke and m.right >= 0.9 * m.wanted


@pytest.mark.parametrize("rule", Rule)
def test_in_the_half_held_out_most_are_right_and_most_are_found(rule: Rule) -> None:
    m = measured("held_out")["all", rule]
    assert m.right >= 0.6 * m.spoke and m.right >= 0.85 * m.wanted


def test_the_figures_in_the_documentation_are_those_measured() -> None:
    page = (Path(__file__).parents[2] / "docs" / "coach.md").read_text("utf-8")
    assert "\n".join(table()) in page


def test_the_halves_share_no_text() -> None:
    tuned, held_out = ({one.text for one in labelled(half)} for half in ("tuned", "held_out"))
    assert len(tuned) + len(held_out) == 288 and not tuned & held_out


def test_a_lesson_with_all_of_it_is_left_alone() -> None:
    assert rules(description=STORY, limits="Not where there is a water company.") == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", Rule)
def test_every_example_is_better_afterwards(rule: Rule, language: str) -> None:
    advice = WORDS.advice[language][rule]
    assert rule in rules(language, description=advice.before), advice.before
    assert rule not in rules(language, description=advice.after), advice.after


def test_what_stands_in_its_field_is_not_missed_whatever_its_words() -> None:
    bare = rules(description="The pump broke.")
    missing = {"context": Rule.NO_CONTEXT, "limits": Rule.NO_LIMITS, "evidence": Rule.NO_EVIDENCE}
    missing["cause"] = Rule.NO_CAUSE
    for field, rule in missing.items():
        assert rule in bare
        assert rule not in rules(description="The pump broke.", **{field: "Old age, a little."})
        assert rule in rules(description="The pump broke.", **{field: "n/a"})


def test_a_finding_says_which_words_it_is_about() -> None:
    text = "The tap was dry.\n A girl named Amina Bello showed us."
    one = next(f for f in WORDS.coach.findings({"description": text}, language="en") if f.rule is Rule.NAMES)
    assert text[one.start : one.end] == "A girl named Amina Bello showed us."


def test_a_school_and_a_minister_may_be_named() -> None:
    text = "The Amina Bello school opened in 2021; Dr Paul Henning, the Minister of Education, came."
    assert Rule.NAMES not in rules(description=text)


def test_the_most_useful_come_first_each_rule_once_and_nothing_that_follows_from_another() -> None:
    found = [Finding(rule=rule, field="description") for rule in (*reversed(Rule), *Rule)]
    assert [one.rule for one in most_useful(found, most=2)] == [Rule.NAMES, Rule.RECOMMENDATION]
    told = [one.rule for one in most_useful(found, most=9)]
    assert told == [Rule.NAMES, Rule.RECOMMENDATION, Rule.PLATITUDE, Rule.SEVERAL_IDEAS, Rule.NO_LIMITS]


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(WRITTEN_FIELDS), st.text(max_size=200)),
    st.sampled_from(LANGUAGES),
)
def test_any_words_can_be_looked_at_and_what_is_found_stands_in_them(
    fields: dict[str, str], language: str
) -> None:
    for one in WORDS.coach.findings(fields, language=language):
        assert 0 <= one.start <= one.end <= len(fields.get(one.field, ""))
