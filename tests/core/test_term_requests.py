"""What can be asked for, and the term it would become."""

import pytest

from km365.core.taxonomy import Concept, TermSet
from km365.core.term_requests import Wish, checked, concept
from km365.errors import InputRefused

WATER = Concept(id="topic/water", labels={"en": "Water", "fr": "Eau"}, synonyms={"en": ("boreholes",)})
TOPICS = TermSet(key="topic", names={"en": "Topics"}, concepts=(WATER,))


def wish(label: str, **more: str) -> Wish:
    return Wish(**{"label": label, "facet": "topic", "language": "en", **more})  # type: ignore[arg-type]


def test_a_wish_is_tidied():
    assert checked(wish("  Climate   anxiety "), "many reports", TOPICS).label == "Climate anxiety"


@pytest.mark.parametrize(
    ("asked", "because", "words"),
    [
        (wish("borehole"), "x", r"'borehole' is there: Water \(topic/water\)"),
        (wish("eau"), "x", "is there"),
        (wish(" "), "x", "1 to 255"),
        (wish("a;b"), "x", "';'"),
        (wish("New"), " ", "what the term is needed for"),
        (wish("New", language="xx"), "x", "'xx' is none of"),
        (wish("New", broader="topic/none"), "x", "nothing can stand under it"),
    ],
)
def test_what_cannot_become_a_term_is_refused_with_the_reason(asked: Wish, because: str, words: str):
    with pytest.raises(InputRefused, match=words):
        checked(asked, because, TOPICS)


def test_an_unknown_term_set_is_refused():
    with pytest.raises(InputRefused, match="no term set 'topic'"):
        checked(wish("New"), "x", None)


def test_wishes_that_read_the_same_are_one():
    assert wish("Climate anxieties").reads == wish("climate ANXIETY").reads


def test_the_term_gets_an_id_of_its_own():
    assert concept(wish("Water!"), TOPICS).id == "topic/water-2"
    made = concept(wish("مياه", language="ar", broader="topic/water"), TOPICS)
    assert (made.id, made.labels, made.broader) == ("topic/term", {"ar": "مياه"}, "topic/water")
