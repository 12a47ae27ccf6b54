"""The form of each kind: what is open, and which facets are for an item."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.forms import FacetRule, Form, empty, fitting, missing
from km365.core.knowledge import WRITTEN_FIELDS, Format, KnowledgeItem
from km365.core.tagging import Suggestion

FORM = Form(
    fields=("title", "description", "results"),
    case_study=("context", "results"),
    needs=("title", "description", "results"),
    labels={name: name for name in WRITTEN_FIELDS},
)
RULES = {
    "partnering-step": FacetRule(
        perspectives=frozenset({"partnership"}), concepts=frozenset({"topic/partnerships"})
    )
}


def item(**words: str) -> KnowledgeItem:
    told = {"title": "", "description": "", **words}
    return KnowledgeItem(id="KM-1", office="CO-BEL", contributors=("a",), language="en", **told)


def found(*concepts: str) -> list[Suggestion]:
    return [
        Suggestion(concept_id=one, facet=one.split("/")[0], score=1.0, words=(), places=(), count=1)
        for one in concepts
    ]


@given(st.dictionaries(st.sampled_from(WRITTEN_FIELDS), st.sampled_from(["", " ", "words"])))
def test_what_is_needed_and_not_there_is_open_too_and_what_is_written_is_neither(words):
    told = item(**words)
    open_, lacking = empty(told, FORM), missing(told, FORM)
    assert set(lacking) <= set(open_) <= set(FORM.fields)
    assert not {name for name, text in words.items() if text.strip()} & {*open_, *lacking}


def test_a_case_study_says_more() -> None:
    told = item(title="One village", description="It was dry.", results="Nine taps.")
    assert empty(told, FORM) == ()
    study = KnowledgeItem(**{**vars(told), "format": Format.CASE_STUDY})
    assert empty(study, FORM) == ("context",)


@pytest.mark.parametrize(
    ("perspective", "concepts", "stays"),
    [
        ("partnership", ["partnering-step/9"], True),
        ("", ["topic/partnerships", "partnering-step/9"], True),
        ("operational", ["topic/water-supply", "partnering-step/9"], False),
        ("", ["partnering-step/9"], False),
    ],
)
def test_a_facet_with_a_rule_is_for_those_items_alone(perspective, concepts, stays):
    kept = fitting(found(*concepts), RULES, perspective=perspective)
    assert ("partnering-step" in {one.facet for one in kept}) is stays
    assert [one for one in kept if one.facet == "topic"] == [
        one for one in found(*concepts) if one.facet == "topic"
    ]
