"""What offices add to the global terms: where they stand, whom they count for, what may be wrong; old ids."""

from dataclasses import replace

import pytest

from km365.core.taxonomy import Concept, Link, Status, Taxonomy, TermSet, office_code
from km365.core.taxonomy_change import deprecated
from km365.core.taxonomy_check import check
from km365.errors import InputRefused, NotFound


def concept(name: str, label: str | None = None, **more) -> Concept:
    return Concept(id=name, labels={"en": label or name}, **more)


TOPICS = TermSet(
    key="topic",
    names={"en": "Topic"},
    column="KMTopic",
    concepts=(
        concept("topic/water", "Water"),
        concept("topic/wells", "Wells", broader="topic/water", aliases=("topic/boreholes", "old/7")),
        concept("topic/pits", status=Status.DEPRECATED, replaced_by="topic/holes"),
        concept("topic/holes", status=Status.DEPRECATED, replaced_by="topic/wells"),
        concept("topic/taps", status=Status.DEPRECATED),
    ),
)
OFFICE = TermSet(
    key="co-bel-water",
    names={"en": "Water on the delta"},
    office="co-bel",
    extends="topic",
    concepts=(
        concept("bel/floating", "Floating wells", global_parent="topic/wells"),
        concept("bel/bamboo", "Bamboo wells", broader="bel/floating", global_parent="topic/pits"),
    ),
)
DISTRICTS = TermSet(
    key="districts",
    names={"en": "Districts"},
    office="co-ard",
    concepts=(concept("ard/north", "North", global_parent="topic/water"),),
)
ALL = Taxonomy(term_sets=(TOPICS,), layers=(OFFICE, DISTRICTS))


def problems(*layers: TermSet, **changed) -> list[str]:
    known = Taxonomy(term_sets=(TOPICS,), layers=layers)
    return [str(one) for one in check(known, languages=["en"])]


def test_an_office_sees_its_own_terms_among_the_global_ones_and_no_others():
    own = ALL.for_office("CO-BEL").by_key["topic"]
    assert own.by_id["bel/floating"].broader == "topic/wells"
    assert own.by_id["bel/bamboo"].broader == "bel/floating"
    assert own.column == "KMTopic"
    assert "ard/north" not in ALL.for_office("co-bel").by_id
    assert set(ALL.for_office("co-ard").by_key) == {"topic", "districts"}
    assert ALL.for_office("hq") == ALL
    assert "bel/floating" not in ALL.by_id
    assert {"bel/floating", "ard/north"} <= set(ALL.everywhere().by_id)
    assert ALL.offices == ("co-ard", "co-bel")


def test_a_term_of_an_office_is_offered_to_that_office_alone():
    known = ALL.everywhere()
    for office, concept_id, offered in (
        ("co-bel", "bel/floating", True),
        ("co-ard", "bel/floating", False),
        ("", "bel/floating", False),
        ("co-ard", "topic/wells", True),
        ("", "topic/made-in-the-term-store", True),
    ):
        assert known.offered_to(office, concept_id) is offered
    assert office_code("childrensagency.sharepoint.example:/sites/CO-BEL/") == "co-bel"


def test_terms_of_offices_are_counted_under_global_ones():
    assert ALL.roll_up("bel/floating") == "topic/wells"
    assert ALL.roll_up("bel/bamboo") == "topic/wells", "its global parent is replaced by that"
    assert ALL.roll_up("topic/water") == "topic/water"
    assert ALL.for_office("co-bel").roll_up("bel/floating") == "topic/wells"
    assert ALL.for_columns(["KMTopic"]).roll_up("ard/north") == "topic/water"


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("topic/wells", "topic/wells"),
        ("topic/boreholes", "topic/wells"),
        ("old/7", "topic/wells"),
        ("topic/pits", "topic/wells"),
        ("topic/taps", "topic/taps"),
    ],
)
def test_an_old_id_means_the_term_of_today(old: str, now: str):
    assert ALL.resolve(old).id == now


def test_an_unknown_id_is_named_and_replacements_in_a_circle_end():
    with pytest.raises(NotFound, match="'topic/nothing'"):
        ALL.resolve("topic/nothing")
    circle = TermSet(
        key="x",
        names={},
        concepts=(
            concept("a", status=Status.DEPRECATED, replaced_by="b"),
            concept("b", status=Status.DEPRECATED, replaced_by="a"),
            concept("c", global_parent="d"),
            concept("d", global_parent="c"),
        ),
    )
    known = Taxonomy(term_sets=(circle,))
    assert known.resolve("a").id in {"a", "b"}
    assert known.roll_up("c") in {"c", "d"}


def test_a_layer_in_order_has_nothing_wrong():
    assert problems() == problems(OFFICE, DISTRICTS) == []


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (replace(OFFICE, extends="themes"), "co-bel-water: it extends 'themes', which is no global term set"),
        (replace(OFFICE, concepts=(concept("bel/x"),)), "bel/x: it names no global parent"),
        (
            replace(OFFICE, concepts=(concept("bel/x", global_parent="topic/x"),)),
            "bel/x: its global parent 'topic/x' is no term of the global term sets",
        ),
        (
            replace(OFFICE, concepts=(concept("topic/wells", global_parent="topic/water"),)),
            "topic/wells: this id is used in the global term sets as well",
        ),
        (
            replace(OFFICE, concepts=(concept("bel/x", "Wells", global_parent="topic/water"),)),
            "bel/x: it has the label 'Wells' of 'topic/wells' beside it",
        ),
        (
            replace(OFFICE, concepts=(concept("bel/x", broader="bel/y", global_parent="topic/water"),)),
            "bel/x: its broader term 'bel/y' is not in the term set 'topic'",
        ),
    ],
)
def test_what_is_wrong_with_a_layer_is_told(layer: TermSet, told: str):
    assert told in problems(layer)


def test_a_global_term_that_offices_count_under_goes_out_of_use_only_for_another():
    with pytest.raises(InputRefused, match="1 terms in use stand under topic/wells, first bel/floating"):
        deprecated(TOPICS, "topic/wells", None, ALL)
    after = deprecated(TOPICS, "topic/wells", "topic/water", ALL)
    known = replace(ALL, term_sets=(after,))
    assert known.roll_up("bel/floating") == "topic/water"
    dead = replace(OFFICE, concepts=(concept("bel/x", global_parent="topic/taps"),))
    assert problems(dead) == [
        "bel/x: its global parent 'topic/taps' is no longer used, and nothing replaces it"
    ]


def test_one_label_in_one_place_by_two_offices_is_told():
    twin = concept("ard/floating", "floating wells", global_parent="topic/wells")
    other = replace(DISTRICTS, extends="topic", concepts=(twin,))
    assert problems(OFFICE, other) == [
        "ard/floating: it has the label 'floating wells' of 'bel/floating' beside it"
    ]


def test_a_layer_may_not_make_a_term_set_too_deep():
    chain = [concept("bel/1", global_parent="topic/wells")]
    chain += [concept(f"bel/{n}", broader=f"bel/{n - 1}", global_parent="topic/wells") for n in range(2, 7)]
    deep = replace(OFFICE, concepts=tuple(chain))
    assert problems(replace(deep, concepts=deep.concepts[:5])) == []
    assert problems(deep) == ["bel/6: it stands 8 levels deep; the term store takes 7"]


def test_links_out_of_km365_are_left_to_others_and_links_into_nothing_are_told():
    links = (
        (Link.EXACT, "https://data.example/9"),
        (Link.CLOSE, "topic/nothing"),
        (Link.NARROW, "topic/boreholes"),
        (Link.RELATED, "x/a"),
    )
    own = TermSet(key="x", names={}, concepts=(concept("x/a", "Thing", mapped_to=links, aliases=("x/a",)),))
    found = check(Taxonomy(term_sets=(TOPICS, own)), languages=["en"])
    assert [one.what for one in found if one.where == "x/a"] == [
        "it is mapped to 'topic/nothing', which does not exist",
        "it is mapped to itself",
        "its old id 'x/a' is that of another term",
    ]
    assert {one.kind for one in found} == {"link"}


def test_only_links_that_carry_words_speak_for_other_terms():
    one = concept("a", mapped_to=tuple((link, str(link)) for link in Link))
    assert one.speaks_for == ("exact", "close", "broad")


def test_a_term_set_is_walked_as_a_tree():
    assert [(depth, one.id) for depth, one in OFFICE.tree()] == [(0, "bel/floating"), (1, "bel/bamboo")]
