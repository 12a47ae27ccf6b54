"""Synonyms accepted from feedback, laid over the taxonomy."""

from dataclasses import replace

import pytest

from km365.core.synonyms import accept, drop, from_text, to_text, with_synonyms
from km365.core.taxonomy import Concept, Status, Taxonomy, TermSet
from km365.errors import InputRefused, TemplateError

WATER = Concept(id="x/water", labels={"en": "Water"}, synonyms={"en": ("WASH",)})
TREE = Concept(id="x/tree", labels={"en": "Tree"})
KNOWN = Taxonomy(term_sets=(TermSet(key="x", names={"en": "Things"}, concepts=(WATER, TREE)),))


def test_an_accepted_synonym_stands_behind_the_concepts_own():
    wider = with_synonyms(KNOWN, {"x/water": {"en": ("Boreholes",), "fr": ("Forages",)}})
    assert wider.by_id["x/water"].synonyms == {"en": ("WASH", "Boreholes"), "fr": ("Forages",)}
    assert wider.by_id["x/tree"] is TREE
    assert [one.id for one in wider.term_sets[0].find("boreholes")] == ["x/water"]


def test_what_the_concept_is_called_already_is_not_added_twice():
    wider = with_synonyms(KNOWN, {"x/water": {"en": ("wash", "WATER")}})
    assert wider.by_id["x/water"].synonyms == {"en": ("WASH",)}


def test_an_unknown_concept_is_passed_over():
    assert with_synonyms(KNOWN, {"x/gone": {"en": ("Anything",)}}) is KNOWN


def test_a_synonym_of_a_term_that_was_merged_goes_to_the_one_it_means_now():
    merged = replace(WATER, aliases=("x/wells",))
    old = replace(TREE, status=Status.DEPRECATED, replaced_by="x/water")
    terms = Taxonomy(term_sets=(TermSet(key="x", names={"en": "Things"}, concepts=(merged, old)),))
    overlay = {"x/wells": {"en": ("Boreholes",)}, "x/tree": {"en": ("Trunks",), "fr": ("Troncs",)}}
    wider = with_synonyms(terms, overlay)
    assert wider.by_id["x/water"].synonyms == {"en": ("WASH", "Boreholes", "Trunks"), "fr": ("Troncs",)}


def test_accepting_and_dropping_come_back_to_where_they_began():
    one = accept({}, "x/water", "en", "  Bore   holes ")
    assert one == {"x/water": {"en": ("Bore holes",)}}
    assert accept(one, "x/water", "en", "bore HOLES") is one
    assert drop(one, "x/water", "en", "bore holes") == {}
    assert drop(one, "x/water", "fr", "bore holes") == one


@pytest.mark.parametrize(("language", "text"), [("en", " "), ("en", "a;b"), ("en", "x" * 256), ("xx", "ok")])
def test_what_no_label_can_be_is_refused(language: str, text: str):
    with pytest.raises(InputRefused):
        accept({}, "x/water", language, text)


def test_the_file_comes_back_as_it_was_written():
    overlay = accept(accept({}, "x/water", "fr", "Forages"), "x/tree", "ar", "شجرة")
    assert from_text(to_text(overlay), source="synonyms.json") == overlay


@pytest.mark.parametrize("text", ["[", "[]", '{"x": []}', '{"x": {"en": "a"}}', '{"x": {"en": ["a|b"]}}'])
def test_a_file_edited_into_nonsense_is_refused_by_name(text: str):
    with pytest.raises(TemplateError, match=r"^synonyms\.json"):
        from_text(text, source="synonyms.json")
