"""When two lessons are alike, who may be shown one beside theirs, and what one can say of another."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import near
from km365.core.audience import Audience, Reader
from km365.core.knowledge import KnowledgeItem, Link, Maturity, Relation
from km365.errors import InputRefused

from ..benchmarks.bench_near import LANGUAGES, by_meaning, by_words, measured, pairs, shown, table, threshold
from ..services.lessons import lesson

BEN, EVE = Reader(person_id="ben", office="co-bel"), Reader(person_id="eve", office="CO-ARD")


def other(**changes: object) -> KnowledgeItem:
    return replace(lesson(), **{"id": "KM-2", "contributors": ("bob",), **changes})


@pytest.mark.parametrize("half", ["tuned", "held_out"])
def test_by_meaning_nine_of_ten_are_right_in_both_halves_and_half_of_all_are_found(half: str) -> None:
    likeness = by_meaning()
    found = [(one, likeness(one.first, one.second)) for one in pairs(half)]
    right, over, wanted = measured(found, near.CLOSE)
    assert right >= 0.9 * over and right >= 0.5 * wanted
    assert not any(value >= near.CLOSE for pair, value in found if pair.kind == "unrelated")
    if half == "tuned":
        assert threshold(found) == near.CLOSE


def test_the_figures_in_the_documentation_are_those_measured() -> None:
    page = (Path(__file__).parents[2] / "docs" / "near-duplicates.md").read_text("utf-8")
    assert "\n".join(table(by_meaning(), near.CLOSE)) in page
    assert "\n".join(shown(by_meaning(), near.CLOSE)) in page
    assert "\n".join(table(by_words, near.SAME_WORDS)[-3:]) in page


def test_every_pair_of_languages_is_labelled_and_the_halves_share_no_text() -> None:
    tuned, held_out = (list(pairs(half)) for half in ("tuned", "held_out"))
    for half in (tuned, held_out):
        assert {pair.languages for pair in half} == {(one, two) for one in LANGUAGES for two in LANGUAGES}
    assert not {pair.first for pair in tuned} & {pair.first for pair in held_out}


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_in_words_is_a_share_and_the_same_both_ways(one: str, two: str) -> None:
    assert 0 <= near.alike_in_words(one, two) == near.alike_in_words(two, one) <= 1


def test_words_in_common_are_told_as_the_other_writes_them_and_a_denied_one_is_another() -> None:
    mine = "The solar fridges saved the vaccines; they were cleaned."
    theirs = "A solar fridge was not cleaned, so vaccines spoiled."
    assert near.shared_words(mine, theirs) == ("vaccines", "fridge", "solar")


@pytest.mark.parametrize(
    ("changes", "ben", "eve"),
    [
        ({"maturity": Maturity.PUBLISHED}, True, True),
        ({"maturity": Maturity.VALIDATED, "audience": Audience.OFFICE}, True, False),
        ({"maturity": Maturity.IN_REVIEW}, True, False),
        ({"maturity": Maturity.IN_REVIEW, "office": ""}, False, False),
        ({"maturity": Maturity.RETURNED}, False, False),
        ({"maturity": Maturity.RETIRED}, False, False),
        ({"maturity": Maturity.VALIDATED, "audience": Audience.SUCCESSOR}, False, False),
        ({"maturity": Maturity.VALIDATED, "audience": Audience.NAMED}, False, False),
    ],
)
def test_shown_is_what_was_checked_or_sent_in_ones_own_office(
    changes: dict[str, object], ben: bool, eve: bool
) -> None:
    item = other(**changes)
    assert (near.stands_for(item, BEN), near.stands_for(item, EVE)) == (ben, eve)


@pytest.mark.parametrize(
    ("relation", "words", "changes", "why"),
    [
        (Relation.NUANCES, "", {"id": "KM-1"}, "nothing of itself"),
        (Relation.CONTRADICTS, " ", {}, "say what is different in its context"),
        (Relation.CONFIRMS, "", {"contributors": lesson().contributors}, "by the same person"),
    ],
)
def test_what_an_item_cannot_say_is_refused_with_the_reason(
    relation: Relation, words: str, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(InputRefused, match=why):
        near.check(lesson(), Link(relation=relation, to="KM-2", words=words), other(**changes))


def test_what_it_can_say_passes() -> None:
    near.check(lesson(), Link(relation=Relation.CONTRADICTS, to="KM-2", words="It floods."), other())
    near.check(lesson(), Link(relation=Relation.CONFIRMS, to="KM-2"), other())
