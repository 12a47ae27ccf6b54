"""By what a volume is grouped: the tags of items, what these are linked with, and where their office is."""

from datetime import UTC, datetime

import pytest

from km365.core.compendium_facets import Facets
from km365.core.offices import Office
from km365.errors import InputRefused
from km365.services import taxonomy
from km365.templates import Templates

from .volumes import item

OFFICES = (
    Office(
        code="CO-BEL",
        names={"en": "Belmora Office"},
        places={"en": "Belmora", "ar": "بلمورا"},
        region="RO-EAST",
    ),
    Office(code="CO-BGD", country="BD", region="South Asia"),
    Office(code="RO-EAST", names={"en": "Regional Office East"}),
)


@pytest.fixture(scope="module")
def facets() -> Facets:
    return Facets(taxonomy.shipped(Templates()), {one.code: one for one in OFFICES})


def test_an_item_has_what_it_is_tagged_with_and_what_that_is_linked_with(facets):
    found = facets.of(item("KM-1"), {"Topic": ["Cold chain"], "Document type": []})
    assert found["topic"] == ("topic/cold-chain",)
    assert found["goal-area"] == ("goal-area/1",) and "focus-area/1" not in found["topic"]
    tagged = facets.of(
        item("KM-1"), {"Topic": ["Cold chain"], "Goal area": ["Every child learns and acquires skills"]}
    )
    assert tagged["goal-area"] == ("goal-area/2",) and "focus-area/2" in tagged["focus-area"]


def test_a_tag_that_is_no_term_of_ours_stands_for_itself(facets):
    assert facets.of(item("KM-1"), {"Topic": ["Kites"]})["topic"] == ("Kites",)
    assert facets.label("topic", "Kites", "fr") == "Kites"


def test_an_office_says_the_country_and_the_region_and_others_have_none(facets):
    of = {code: facets.of(item("KM-1", office=code), {}) for code in ("CO-BEL", "CO-BGD", "CO-X")}
    told = {
        code: [facets.label(key, v, "ar") for key in ("country", "region") for v in one.get(key, ())]
        for code, one in of.items()
    }
    assert told == {
        "CO-BEL": ["بلمورا", "Regional Office East"],
        "CO-BGD": ["بنغلاديش", "جنوب آسيا"],
        "CO-X": [],
    }


def test_kind_year_language_and_perspective_are_facets_too(facets):
    one = item(
        "KM-1", perspective="programmatic", language="fr", submitted_at=datetime(2025, 1, 1, tzinfo=UTC)
    )
    found = facets.of(one, {})
    assert (found["kind"], found["year"], found["language"]) == (
        ("lesson learned",),
        ("2025",),
        ("language/fr",),
    )
    assert facets.label("perspective", found["perspective"][0], "en") == "Technical and programmatic"


SEEN = {
    "office": ("CO-BEL", "CO-NEW"),
    "country": ("Belmora", "country/bgd"),
    "kind": ("innovation",),
    "year": ("2026",),
    "region": ("RO-EAST",),
    "topic": ("topic/cold-chain", "Kites"),
}


@pytest.mark.parametrize(
    ("facet", "text", "values"),
    [
        ("topic", "Vaccination", {"topic/immunization", "topic/cold-chain"}),
        ("topic", "kites", {"Kites"}),
        ("office", "co-*", {"CO-BEL", "CO-NEW"}),
        ("office", "Belmora Office", {"CO-BEL"}),
        ("country", "بلمورا", {"Belmora"}),
        ("country", "Bangladesh", {"country/bgd"}),
        ("kind", "Innovation", {"innovation"}),
        ("year", "2026", {"2026"}),
        ("region", "Regional Office East", {"RO-EAST"}),
    ],
)
def test_a_word_in_any_language_means_values_and_narrower_ones(facets, facet, text, values):
    assert values <= facets.values(facet, text, SEEN[facet])


@pytest.mark.parametrize(
    ("facet", "text"), [("colour", "red"), ("topic", "Balloons"), ("kind", "rumour"), ("year", "2027")]
)
def test_what_nothing_goes_by_is_refused(facets, facet, text):
    with pytest.raises(InputRefused):
        facets.values(facet, text, SEEN.get(facet, ()))


def test_terms_stand_in_the_order_of_their_set_and_words_by_the_alphabet(facets):
    areas = [f"goal-area/{n}" for n in (5, 1, 3)]
    assert sorted(areas, key=lambda one: facets.rank("goal-area", one))[0] == "goal-area/1"
    assert (
        facets.rank("goal-area", "goal-area/5")
        < facets.rank("goal-area", "Étude")
        < facets.rank("goal-area", "Foo")
    )
