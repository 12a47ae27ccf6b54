"""What the words of a text say of each concept, as numbers, and the words that say it."""

import pytest

from km365.core.passages import Kind, Passage
from km365.core.tagging import from_text
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.suggest.index import build
from km365.suggest.lexical import Features, candidates, explain, score
from km365.suggest.matching import Matcher
from km365.suggest.texts import Text

LONG = "Ensure that all learners acquire the knowledge and skills needed to promote sustainable development"
CONCEPTS = (
    Concept(id="edu", labels={"en": "Education", "fr": "Éducation"}),
    Concept(id="edu/primary", labels={"en": "Primary education"}, broader="edu"),
    Concept(id="edu/adult", labels={"en": "Adult education"}, broader="edu"),
    Concept(
        id="edu/4.7", labels={"en": LONG, "zh": "确保所有学习者获得可持续发展所需的知识和技能"}, broader="edu"
    ),
    Concept(id="bank/river", labels={"en": "Bank (river)"}),
    Concept(id="bank/money", labels={"en": "Bank (money)"}),
    Concept(id="date", labels={"pt": "data", "en": "calendar date"}),
)
MATCHER = Matcher(build(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=CONCEPTS),))))


def read(passages: list[Passage] | str, language: str | None = "en") -> tuple[Text, dict[str, Features]]:
    passages = from_text(passages) if isinstance(passages, str) else passages
    text = Text(MATCHER, passages, language=language)
    ids = MATCHER.index.concept_ids
    return text, {ids[number]: features for number, features in candidates(MATCHER, text).items()}


def why(text: Text, concept_id: str) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    found = explain(MATCHER, text, MATCHER.index.concept_number[concept_id])
    return found.words, found.places, found.count


def test_phrases_are_counted_by_place():
    text, found = read(
        [
            Passage(text="Primary education", kind=Kind.TITLE, place="title"),
            Passage(text="Primary education in the north", kind=Kind.HEADING, place="page 1"),
            *[Passage(text="Many words on other things stood here. " * 10)] * 3,
            Passage(text="We speak of primary education.", place="page 9"),
        ]
    )
    one = found["edu/primary"]
    assert (one.count, one.titles, one.headings, one.weight) == (3, 1, 1, 7.0)
    assert (one.first, one.size, one.kind, one.sharing, one.often, one.language) == (0.0, 2, 0, 1, 1.0, 1.0)
    assert one.spread > 0.1
    assert why(text, "edu/primary") == (
        ("Primary education", "Primary education in")[:1],
        ("title", "page 1", "page 9"),
        3,
    )


def test_a_long_label_is_found_by_the_words_it_shares():
    text, found = read("Skills and knowledge that learners acquired for sustainable development, by age.")
    assert found["edu/4.7"].count == 0
    assert found["edu/4.7"].words == 1.0
    assert 0.4 < found["edu/4.7"].coverage < 0.9
    words, _, count = why(text, "edu/4.7")
    assert count == 0
    assert set(words) < {"Skills", "knowledge", "learners", "acquired", "sustainable", "development"}


def test_a_long_chinese_label_is_found_by_pairs_of_characters():
    _, found = read("学习者的可持续发展知识", language="zh")
    assert found["edu/4.7"].coverage > 0.3


def test_relatives_are_told():
    _, found = read("Primary education and adult education: education for learners")
    assert (found["edu"].narrower, found["edu/primary"].broader, found["edu/adult"].beside) == (2, 1, 1)
    assert found["edu"].below == max(found[one].words for one in ("edu/primary", "edu/adult", "edu/4.7"))
    assert found["edu/primary"].over == found["edu"].words


def test_a_label_that_may_mean_two_says_less_of_each():
    _, found = read("The bank was high.")
    assert {one: (found[one].sharing, found[one].kind) for one in ("bank/river", "bank/money")} == {
        "bank/river": (2, 2),
        "bank/money": (2, 2),
    }


def test_a_single_word_of_another_language_is_a_false_friend():
    assert "date" not in read("The data were clean")[1] or not read("The data were clean")[1]["date"].count
    assert read("A data foi marcada", language="pt")[1]["date"].count == 1


@pytest.mark.parametrize("empty", ["", "…", "42 %"])
def test_a_text_without_words_has_no_candidates(empty: str):
    assert read(empty)[1] == {}


def test_the_score_rises_with_what_speaks_for_a_concept():
    least = Features(count=1, often=0.3, size=1, letters=6, kind=1, sharing=2, words=0.2, coverage=0.5)
    for more in (
        {"often": 1.0},
        {"titles": 1},
        {"first": 0.0},
        {"size": 2},
        {"kind": 0},
        {"sharing": 1},
        {"words": 1.0},
    ):
        fields = {name: getattr(least, name) for name in Features.__slots__}
        assert score(Features(**fields | more)) > score(least)
    assert score(Features()) == 0
