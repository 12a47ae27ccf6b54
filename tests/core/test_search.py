"""The rules of search: what is found, in which order, and which sentence is shown."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience, Reader
from km365.core.knowledge import KnowledgeItem, Maturity
from km365.core.search import best_sentence, in_order, rank, stands_in, words_of
from km365.core.search_entries import left_out, may_find, sentences_of, shelf_of, shelves_of
from km365.core.search_question import Concepts, Filters, Phrases, Query, phrases_of
from km365.core.search_words import BLOCK, index_words, pack, said, unpack, weights
from km365.core.taxonomy import Concept, Taxonomy, TermSet

TODAY = date(2026, 3, 2)
COLD = Concept(
    id="topic/cold-chain",
    labels={"en": "Cold chain", "fr": "Chaîne du froid", "zh": "冷链"},
    synonyms={"en": ("vaccine fridges",)},
    broader="topic/supply",
    term_id="T1",
)
SUPPLY = Concept(id="topic/supply", labels={"en": "Supply", "fr": "Approvisionnement"}, term_id="T2")
TERMS = Taxonomy(term_sets=(TermSet(key="topic", names={}, concepts=(SUPPLY, COLD)),))
CONCEPTS = Concepts(TERMS)
WORD = st.sampled_from(("rains", "road", "lorry", "school", "water", "nurse", "border"))
TEXT = st.lists(WORD, min_size=1, max_size=8).map(" ".join)


def index(texts: Mapping[int, str], facts: Sequence[str] = ()) -> dict[str, list[tuple[int, bytes]]]:
    """The rows of an index of these texts, by the number of their entries."""
    by_row: dict[tuple[str, int], dict[int, int]] = {}
    for number, text in texts.items():
        for word, weight in weights("", [text], facts).items():
            by_row.setdefault((word, number // BLOCK), {})[number % BLOCK] = weight
    rows: dict[str, list[tuple[int, bytes]]] = {}
    for (word, block), places in by_row.items():
        rows.setdefault(word, []).append((block, pack(places)))
    return rows


def found(texts: Mapping[int, str], question: str) -> list[int]:
    parts = CONCEPTS.parts(question)
    return [number for number, _ in rank(index(texts), parts, Filters()).best]


# Order ----------------------------------------------------------------------------------------------------


@given(texts=st.lists(TEXT, min_size=1, max_size=12), question=TEXT)
def test_what_is_found_holds_a_word_of_the_question_and_the_answer_is_always_the_same(
    texts: list[str], question: str
) -> None:
    there = dict(enumerate(texts))
    first = found(there, question)
    assert first == found(dict(reversed(there.items())), question)
    for number in first:
        assert set(index_words(question)) & set(index_words(texts[number]))


@given(texts=st.lists(TEXT, min_size=1, max_size=8), text=TEXT)
def test_an_entry_is_found_by_its_own_words(texts: list[str], text: str) -> None:
    assert len(texts) in found(dict(enumerate([*texts, text])), text)


@given(texts=st.lists(TEXT, min_size=1, max_size=6), at=st.integers(1, 3 * BLOCK))
def test_where_an_entry_lies_in_the_index_changes_nothing(texts: list[str], at: int) -> None:
    here = found(dict(enumerate(texts)), "rains road")
    there = found({number + at: text for number, text in enumerate(texts)}, "rains road")
    assert [number + at for number in here] == there


def test_what_says_it_more_often_or_in_fewer_words_comes_first() -> None:
    texts = {1: "rains and a school", 2: "rains, rains and rains", 3: f"rains {'and a nurse ' * 40}"}
    assert found(texts, "rains") == [2, 1, 3]


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    texts = dict.fromkeys(range(20), "school water") | {20: "school border", 21: "border"}
    assert found(texts, "school border") == [20, 21], "the others hold less than half of the question"


def test_the_newer_of_two_equals_comes_first_and_a_better_one_before_both() -> None:
    days = {1: TODAY - timedelta(days=900), 2: TODAY, 3: TODAY - timedelta(days=3000), 4: None}
    assert in_order([(1, 1.0), (2, 1.0), (3, 1.5), (4, 1.0)], days, today=TODAY) == [3, 2, 1, 4]


def test_filters_are_words_of_the_index() -> None:
    rows = index({1: "rains"}, [said("office", "CO-BEL"), said("language", "fr")])
    for filters, count in (
        (Filters(office="co-bel", language="fr"), 1),
        (Filters(office="CO-BEL"), 1),
        (Filters(language="en"), 0),
    ):
        assert rank(rows, CONCEPTS.parts("rains"), filters).total == count
        assert rank(rows, (), filters).total == count


# Meaning --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["cold chains", "la chaîne du froid", "冷链", "Cold-chain"])
@pytest.mark.parametrize("text", ["The cold chain broke.", "La chaîne du froid est rompue.", "冷链断了。"])
def test_a_term_is_found_in_every_language_by_every_language(question: str, text: str) -> None:
    assert found({1: text, 2: "Nothing of it."}, question) == [1]


def test_a_synonym_finds_its_own_words_and_the_term_only_beside_others() -> None:
    assert found({1: "Vaccine fridges failed.", 2: "The cold chain broke."}, "vaccine fridges") == [1]


def test_tags_speak_for_a_term_and_for_the_broader_one() -> None:
    rows = index({1: "rains"}, [said("tag", "T1")])
    assert rank(rows, CONCEPTS.parts("cold chain"), Filters()).total == 1
    assert rank(rows, CONCEPTS.parts("supply"), Filters()).total == 1
    assert rank(index({1: "rains"}, [said("tag", "T2")]), CONCEPTS.parts("cold chain"), Filters()).total == 0


def test_near_words_are_broader_terms_and_terms_spelt_nearly_so() -> None:
    assert CONCEPTS.near("cold chain", "fr") == ["Approvisionnement"]
    assert CONCEPTS.near("suply", "en") == ["Supply"]
    assert CONCEPTS.near("xyzzy", "en") == []


def test_every_word_of_a_question_is_looked_up() -> None:
    wanted = words_of(CONCEPTS.parts("cold chain"), Filters(kind="document"), str)
    assert {"cold", "chain", "=tag:t1", "=kind:document", "=all"} <= wanted


# Filters in words -----------------------------------------------------------------------------------------

SPOKEN: Phrases = phrases_of(
    [
        (Filters(language="fr"), ["French"], ["in {name}", "only {name}"]),
        (Filters(kind="lesson learned"), ["lessons"], ["only {name}", "{name} only"]),
    ]
).and_offices({"co-ard": ("CO-ARD", "Ardania")}, ["in {office}", "only from {office}"])


@pytest.mark.parametrize(
    ("text", "words", "filters"),
    [
        ("Water points in Ardania", "Water points", Filters(office="co-ard")),
        ("in French: water, only from co-ard", "water", Filters(office="co-ard", language="fr")),
        ("lessons only, on water in french", "on water", Filters(kind="lesson learned", language="fr")),
        ("French lessons in school", "French lessons in school", Filters()),
    ],
)
def test_filters_are_read_out_of_a_question(text: str, words: str, filters: Filters) -> None:
    assert SPOKEN.read(text) == Query(words=words, filters=filters)


def test_an_answer_of_filters_alone_is_told_from_anything_else() -> None:
    assert SPOKEN.narrowing("Ardania") == Filters(office="co-ard")
    assert SPOKEN.narrowing("only lessons, in French") == Filters(kind="lesson learned", language="fr")
    assert SPOKEN.narrowing("We met in Ardania in May") is None
    assert SPOKEN.narrowing("") is None


# Sentences ------------------------------------------------------------------------------------------------


def test_the_sentence_that_says_most_of_the_question_is_shown_and_stands_in_the_text() -> None:
    text = "Rains came. The road to the border closed with the rains. The border is far."
    parts = CONCEPTS.parts("rains at the border")
    sentence = best_sentence(list(sentences_of(text)), parts, [1.0] * len(parts))
    assert sentence == "The road to the border closed with the rains."
    assert stands_in(sentence, [text])


@given(text=st.text(max_size=2_000), question=TEXT)
def test_whatever_is_shown_stands_in_the_text_word_for_word(text: str, question: str) -> None:
    long = f"{text} rains {text} border {text}"
    parts = CONCEPTS.parts(question)
    sentence = best_sentence(list(sentences_of(long)), parts, [1.0] * len(parts))
    assert not sentence or (stands_in(sentence, [long]) and len(sentence) <= 330)


def test_a_sentence_that_nobody_wrote_does_not_stand_in_the_text() -> None:
    assert not stands_in("The border was open.", ["The border was\nnot open."])
    assert not stands_in("", ["Anything"])


def test_sentences_end_where_people_end_them() -> None:
    text = "Order early, e.g. in May. Why? 我们知道。你好！\nAsk 3.5 times"
    assert list(sentences_of(text)) == [
        "Order early, e.g. in May.",
        "Why?",
        "我们知道。",
        "你好！",
        "Ask 3.5 times",
    ]


@pytest.mark.parametrize("gap", [" ", "\t \u00a0", "\r\n", ". ", "\u2003"])
def test_a_million_blanks_are_read_as_fast_as_a_million_letters(gap: str) -> None:
    """By the square of its length this would take an hour; a table pasted as text is full of such runs."""
    text = f"The road closed. {gap * (1_000_000 // len(gap))}Ask in May"
    found = list(sentences_of(text))
    assert (found[0], found[-1]) == ("The road closed.", "Ask in May")


def test_an_abbreviation_stays_one_however_wide_the_gap_after_it() -> None:
    assert list(sentences_of("Order early, e.g.   in May.  Why?")) == ["Order early, e.g. in May.", "Why?"]


# Who may find ---------------------------------------------------------------------------------------------


@given(
    audience=st.sampled_from(Audience),
    maturity=st.sampled_from(Maturity),
    office=st.sampled_from(("", "CO-BEL", "CO-ARD")),
    reader=st.sampled_from(("", "CO-BEL", "co-bel", "CO-ARD")),
)
def test_what_lies_on_a_readers_shelves_is_what_they_may_find(
    audience: Audience, maturity: Maturity, office: str, reader: str
) -> None:
    item = KnowledgeItem(
        id="KM-1",
        title="t",
        description="d",
        office=office,
        contributors=("ann",),
        language="en",
        audience=audience,
        maturity=maturity,
    )
    somebody = Reader(person_id="ben", office=reader)
    assert (shelf_of(item) in shelves_of(somebody)) is may_find(item, somebody)
    if audience not in {Audience.EVERYONE, Audience.OFFICE} or maturity is Maturity.DRAFT:
        assert shelf_of(item) is None


def test_folders_are_left_out_at_any_depth_and_files_of_that_name_are_not() -> None:
    assert left_out("A/confidential/b/c.docx", ["Confidential"])
    assert not left_out("A/b/Confidential", ["Confidential"])


@given(st.dictionaries(st.integers(0, BLOCK - 1), st.integers(1, 255), max_size=50))
def test_a_row_comes_back_as_it_was_written(places: dict[int, int]) -> None:
    assert unpack(pack(places)) == places
