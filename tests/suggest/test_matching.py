"""Where labels stand in a text: the longest in each term set, as they are written in seven languages."""

from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.core.text import END, STOP, Stems, many_words, words
from km365.suggest.index import Index, build
from km365.suggest.matching import Matcher


def taxonomy(*term_sets: dict[str, list[str]], language: str = "en") -> Taxonomy:
    """Term sets of concepts with their labels, the first of which is preferred."""
    return Taxonomy(
        term_sets=tuple(
            TermSet(
                key=f"set{number}",
                names={},
                concepts=tuple(
                    Concept(id=one, labels={language: labels[0]}, synonyms={language: tuple(labels[1:])})
                    for one, labels in concepts.items()
                ),
            )
            for number, concepts in enumerate(term_sets)
        )
    )


def meant(index: Index, reading: int) -> set[str]:
    begin, end = index.reading_first[reading], index.reading_first[reading + 1]
    return {index.concept_ids[concept] for concept in index.entry_concept[begin:end]}


def found(known: Taxonomy, *texts: str) -> list[set[str]]:
    """What stands in the texts, by place."""
    matcher = Matcher(build(known))
    return [meant(matcher.index, reading) for reading, _, _ in matcher.hits(matcher.numbers(texts))]


def test_a_label_is_found_in_every_form_of_its_words():
    known = taxonomy({"ct": ["cash transfer"], "p": ["policy on children"]})
    assert found(known, "Cash-transfers, CASH TRANSFER and children's policies: a policy for the child") == [
        {"ct"},
        {"ct"},
    ]
    assert found(known, "policies of children") == [{"p"}]


def test_a_name_in_brackets_is_found_without_what_tells_it_apart():
    known = taxonomy({"planet": ["Mercury (planet)"], "metal": ["Mercury (element)"]})
    assert found(known, "Mercury shines") == [{"planet", "metal"}]
    assert found(known, "Mercury (planet)") == [{"planet"}]


def test_a_label_is_found_written_together_apart_and_the_other_way_round():
    known = taxonomy(
        {"e": ["e-learning"], "g": ["groundwater"], "w": ["ground", "water"], "s": ["Education, primary"]}
    )
    assert found(known, "elearning") == [{"e"}]
    assert found(known, "ground water") == [{"g"}]
    assert found(known, "primary education") == [{"s"}]


def test_an_acronym_is_found_in_capitals_and_a_word_in_any():
    known = taxonomy({"wash": ["WASH"], "clean": ["wash"], "ngo": ["NGO"]})
    assert found(known, "wash") == [{"clean"}]
    assert found(known, "WASH") == [{"wash"}, {"clean"}] or found(known, "WASH") == [{"clean"}, {"wash"}]
    assert found(known, "NGOs and ngos") == [{"ngo"}]


def test_a_set_of_names_is_read_with_capitals_only():
    countries = [
        "Côte d'Ivoire",
        "Corée du Sud",
        "Guinée Bissau",
        "Afrique du Sud",
        "Costa Rica",
        "Togo",
        "Tchad",
    ]
    known = taxonomy({name: [name] for name in countries}, language="fr")
    assert found(known, "au Togo, au togo et en corée du Sud") == [{"Togo"}, {"Corée du Sud"}]


def test_labels_that_are_all_in_capitals_are_no_acronyms():
    known = taxonomy({"a": ["FOOD SECURITY"], "b": ["CASH TRANSFERS"]})
    assert found(known, "food security and cash transfers") == [{"a"}, {"b"}]


def test_chinese_is_read_without_spaces():
    known = taxonomy({"cp": ["儿童保护"], "c": ["儿童"]}, language="zh")
    assert found(known, "我们讨论儿童保护和儿童。") == [{"cp"}, {"c"}]


def test_no_label_crosses_from_one_passage_to_the_next():
    assert found(taxonomy({"cc": ["cold chain"]}), "It was cold", "Chain stores") == []


# Laws ----------------------------------------------------------------------------------------------------

WORDS = ["cold", "chain", "child", "water", "of", "AIDS", "aids", "儿", "童", ",", "."]
PHRASES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
SETS = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.lists(PHRASES, min_size=1, max_size=2), max_size=8),
    min_size=1,
    max_size=3,
)


def slowly(index: Index, numbers: list[int]) -> list[tuple[int, int, int]]:
    """The same as `Matcher.hits`, by looking for every phrase at every place."""
    phrases: dict[int, tuple[int, ...]] = {0: ()}
    for node in range(len(index.node_word)):
        for child in range(index.node_first[node], index.node_first[node + 1]):
            phrases[child] = (*phrases[node], index.node_word[child])
    otherwise = {index.string_base + at: other for at, other in enumerate(index.otherwise) if other}

    def may_be(number: int, wanted: int) -> bool:
        while number and number != wanted:
            number = otherwise.get(number, 0)
        return number == wanted

    hits = []
    free: dict[int, int] = {}
    for at in range(len(numbers)):
        longest: dict[int, list[tuple[int, int]]] = {}
        for node, phrase in phrases.items():
            here = numbers[at : at + len(phrase)]
            if phrase and len(here) == len(phrase) and all(map(may_be, here, phrase)):
                for reading in range(index.node_readings[node], index.node_readings[node + 1]):
                    longest.setdefault(index.reading_facet[reading], []).append((len(phrase), reading))
        for facet, ways in longest.items():
            if free.get(facet, 0) <= at:
                size = max(ways)[0]
                free[facet] = at + size
                hits += [(reading, at, at + size - 1) for length, reading in ways if length == size]
    return sorted(hits)


@given(SETS, st.lists(st.lists(st.sampled_from([*WORDS, "xyz"]), max_size=12).map(" ".join), max_size=3))
@settings(deadline=None, max_examples=150)
def test_what_is_found_is_what_a_slow_and_simple_search_finds(
    sets: list[dict[str, list[str]]], texts: list[str]
):
    matcher = Matcher(build(taxonomy(*sets)))
    numbers = matcher.numbers(texts)
    assert sorted(matcher.hits(numbers)) == slowly(matcher.index, numbers)


@given(st.lists(st.text(max_size=60), max_size=5))
@settings(deadline=None)
def test_many_texts_have_the_words_of_each(texts: list[str]):
    stems = Stems()
    expected = [stems[word] for text in texts for word in [*words(text.replace(END, " ")), END]]
    assert [stems[word] for word in many_words(texts)] == expected
    assert STOP not in {END}


# Cost ----------------------------------------------------------------------------------------------------


def test_the_work_for_many_labels_grows_with_the_text_alone():
    def opened(labels: int, repeat: int) -> int:
        known = {str(n): [f"term{n % 97} kind{n % 89} part{n}"] for n in range(labels)}
        matcher = Matcher(build(taxonomy(known)))
        hits = matcher.hits(matcher.numbers(["We saw term5 kind5 part5 and term6 kind7. " * repeat]))
        assert len(hits) == repeat
        return sum(1 for node in matcher._opened if node)

    assert opened(8_000, 10) <= opened(400, 10) + 2
    assert opened(400, 10) == opened(400, 100)
