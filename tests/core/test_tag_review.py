"""Going through a plan: what a person may type, and rules for every document."""

import pytest

from km365.core.tag_plan import Plan, Row, decisions
from km365.core.tag_plan_edit import Editor
from km365.core.tag_review import Answer, Rules, answer, choices, decided, ruled
from km365.errors import PlanRefused

from ..plan_examples import PLAN, TAXONOMY, row

EDITOR = Editor(TAXONOMY, PLAN.libraries)
COLUMNS = EDITOR.titles("b!1")


def typed(*lines: str, document: Row | None = None) -> Answer:
    """What stands after a person typed these lines about a document, one after the other."""
    given = Answer(step="stay", choices=tuple(choices(document or row())))
    for line in lines:
        assert given.step == "stay"
        given = answer(line, given.choices, given.added, taxonomy=TAXONOMY, columns=COLUMNS)
    return given


def after(*lines: str) -> dict[str, list[str]]:
    """The terms by column that the document gets."""
    given = typed(*lines)
    assert not given.said, given.said
    done = decided(row(), [*given.choices, *given.added], EDITOR, seen=True)
    return {change.column: [one.tag.label for one in change.add] for change in done.changes}


BOTH = {"KMTopic": ["Water"], "KMDocumentType": ["Report"]}


@pytest.mark.parametrize("line", ["", "y", " Y ", "yes"])
def test_enter_keeps_all(line: str) -> None:
    assert after(line) == BOTH


def test_no_leaves_all_out_and_a_number_one_of_them() -> None:
    assert after("n") == {}
    assert after("1", "y") == {"KMDocumentType": ["Report"]}
    assert after("1 2", "2", "y") == {"KMDocumentType": ["Report"]}


def test_another_term_takes_the_place_of_one_by_its_label_in_any_language() -> None:
    assert after("e 1 Schools-fr", "y") == {"KMTopic": ["Schools"], "KMDocumentType": ["Report"]}


@pytest.mark.parametrize("column", ["topic", "Topic", "TOPIC"])
def test_a_term_is_added_to_a_column_by_name(column: str) -> None:
    assert after(f"a {column} Schools", "y") == {
        "KMTopic": ["Water", "Schools"],
        "KMDocumentType": ["Report"],
    }


def test_a_comment_is_kept_with_its_term() -> None:
    assert typed("c 1 ask Ann, twice").choices[0].comment == "ask Ann, twice"


@pytest.mark.parametrize(("line", "step"), [("s", "skip"), ("b", "back"), ("q", "quit")])
def test_one_may_skip_go_back_and_stop(line: str, step: str) -> None:
    assert typed(line).step == step


@pytest.mark.parametrize(
    "line", ["7", "0", "x", "e 1", "e 9 Water", "c nine", "a", "a colour Red", "y 1", "²"]
)
def test_what_is_not_understood_changes_nothing_and_is_said(line: str) -> None:
    given = typed(line)
    assert given.said
    assert (given.step, given.choices) == ("stay", tuple(choices(row())))


def test_an_unknown_term_is_refused_with_its_name() -> None:
    given = typed("a topic Whales")
    with pytest.raises(PlanRefused, match="Topic: Whales: 'Whales' is no term of 'Topic'"):
        decided(row(), [*given.choices, *given.added], EDITOR, seen=True)


def test_what_was_gone_through_counts_as_said() -> None:
    given = typed("1", "y")
    done = decided(row(), given.choices, EDITOR, seen=True)
    plan = Plan(made_at=PLAN.made_at, libraries=PLAN.libraries, rows=(done,))
    assert [(one.concept_id, one.verdict.value) for one in decisions(plan)] == [
        ("topic/Water", "wrong"),
        ("type/report", "right"),
    ]


def kept(rules: Rules) -> list[str]:
    return [one.concept_id for change in ruled(row(), rules).changes for one in change.add]


def test_rules_keep_what_has_the_score_and_what_has_none() -> None:
    assert kept(Rules(at_least=0.8)) == ["topic/Water", "type/report"]
    assert kept(Rules(at_least=0.81)) == ["type/report"]


def test_a_rule_is_kept_to_its_facet() -> None:
    assert kept(Rules(at_least=0.81, facets=frozenset({"document-type"}))) == ["topic/Water", "type/report"]


def test_a_term_is_kept_or_left_out_whatever_its_score() -> None:
    assert kept(Rules(at_least=0.9, accept=frozenset({"topic/Water"}))) == ["topic/Water", "type/report"]
    assert kept(Rules(reject=frozenset({"topic/Water"}))) == ["type/report"]


def test_a_score_says_nothing_of_a_single_term_but_a_rejected_term_is_wrong() -> None:
    def said(rules: Rules) -> list[tuple[str, str]]:
        plan = Plan(made_at=PLAN.made_at, libraries=PLAN.libraries, rows=(ruled(row(), rules),))
        return [(one.concept_id, one.verdict.value) for one in decisions(plan)]

    assert said(Rules(at_least=0.9)) == []
    assert ("topic/Water", "wrong") in said(Rules(reject=frozenset({"topic/Water"})))
