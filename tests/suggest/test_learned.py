"""What documents tagged before say of a new one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from km365.suggest import learned
from km365.suggest.learned import Learned
from km365.suggest.likeness import Lessons, Sample


def sample(text: str, vector: list[float] | None = None, *, title: Sample | None = None) -> Sample:
    words = text.split()
    vectors = {} if vector is None else {"model": np.array(vector, dtype=np.float32)}
    return Sample(words={word: words.count(word) for word in words}, vectors=vectors, title=title)


def taught(said: Sequence[tuple[Any, ...]]) -> Learned:
    """From samples with the concepts that are right, and those refused."""
    lessons = Lessons()
    for one in said:
        lessons.add(*one)
    return Learned(lessons)


WATER, SCHOOL, HEALTH = 0, 1, 2
LESSONS = [
    (sample("wells pumps water village"), {WATER}),
    (sample("water pipes tanks town"), {WATER}),
    (sample("teachers pupils classrooms town"), {SCHOOL}),
    (sample("pupils desks books village"), {SCHOOL}),
    (sample("nurses clinics vaccines village"), {HEALTH}),
]


def test_a_document_like_the_examples_of_a_term_is_given_that_term() -> None:
    votes = taught(LESSONS).votes(sample("pumps and pipes bring water"))
    assert max(votes.ridge, key=votes.ridge.__getitem__) == WATER
    assert votes.near[WATER] > 0.9


def test_what_a_person_refused_counts_against_a_term() -> None:
    refused = (sample("water pumps sold"), set(), {WATER})
    text = sample("pumps sold")
    assert taught([*LESSONS, refused]).votes(text).ridge[WATER] < taught(LESSONS).votes(text).ridge[WATER]


def test_vectors_bring_together_what_shares_no_word() -> None:
    lessons = [
        (sample("eau puits", [1, 0, 0.2]), {WATER}),
        (sample("école maîtres", [0, 1, 0.2]), {SCHOOL}),
    ]
    votes = taught(lessons).votes(sample("schools", [0.1, 0.9, 0.2]))
    assert votes.ridge[SCHOOL] > votes.ridge[WATER]


def test_an_example_is_predicted_as_if_it_had_never_been_there() -> None:
    chance = np.random.default_rng(5)
    words = [f"w{number}" for number in range(30)]
    lessons = [
        (
            sample(" ".join(chance.choice(words, 8)), chance.normal(size=6).tolist()),
            set(chance.choice(4, 2).tolist()),
        )
        for _ in range(12)
    ]
    learned = taught(lessons)
    likeness = np.array([learned._whole.likeness(one) for one, _ in lessons])
    right = np.array([[float(column in one) for column in learned._seen] for _, one in lessons])
    for number in range(len(lessons)):
        others = np.setdiff1d(np.arange(len(lessons)), learned.twins[number])
        usual = right[others].mean(axis=0)
        kernel = likeness[np.ix_(others, others)].copy()
        kernel[np.diag_indices(len(others))] *= 1.3
        direct = likeness[number, others] @ np.linalg.solve(kernel, right[others] - usual) + usual
        told = learned.votes_without(number).ridge
        assert [told[concept] for concept in learned._seen] == pytest.approx(direct.tolist(), abs=2e-3)


def test_translations_of_a_document_are_left_out_with_it() -> None:
    lessons = [
        (sample("water wells", [1, 0.1, 0]), {WATER}),
        (sample("eau puits", [0.99, 0.12, 0]), {WATER}),
        (sample("pupils desks", [0, 0.1, 1]), {SCHOOL}),
    ]
    learned = taught(lessons)
    assert learned.twins[0].tolist() == [0, 1]
    assert learned.holding(0) == {WATER: 2}
    assert learned.votes_without(0).near[WATER] == 0


def test_of_many_documents_only_words_that_two_of_them_have_are_known() -> None:
    lessons = [
        (sample(f"wells only{number} {'rare' * (number in (3, 499))}"), {WATER}) for number in range(500)
    ]
    assert taught(lessons).names["whole"]["words"] == ["wells", "rare"]


def test_a_document_without_words_is_like_no_other() -> None:
    learned = taught([*LESSONS, (sample(""), {WATER})])
    assert learned.names["whole"]["words"][:2] == ["wells", "pumps"]
    assert set(learned.votes_without(5).near.values()) == {0.0}


def test_a_matrix_of_several_blocks_is_inverted_in_its_place() -> None:
    rows = np.random.default_rng(1).standard_normal((1100, 1200))
    matrix = (rows @ rows.T / 1200 + np.eye(1100)).astype(np.float32)
    assert np.allclose(learned._inverted(matrix.copy()), np.linalg.inv(matrix), atol=1e-5)


def test_of_texts_alike_those_with_titles_alike_count_more() -> None:
    titled = [
        (sample("wells pumps village", title=sample("second credit", [1, 0.1])), {WATER}),
        (sample("wells pumps village", title=sample("annual report", [0.1, 1])), {HEALTH}),
    ]
    votes = taught([*titled, *LESSONS]).votes(sample("wells pumps", title=sample("third credit", [0.9, 0.2])))
    assert votes.near[WATER] > votes.near[HEALTH] and votes.ridge[WATER] > votes.ridge[HEALTH]
    untitled = taught([*titled, *LESSONS]).votes(sample("wells pumps"))
    assert untitled.near[HEALTH] > votes.near[HEALTH]


def test_titles_alike_make_no_versions_of_one_document() -> None:
    learned = taught(
        [(sample(words, title=sample("annual report")), {WATER}) for words in ("wells pumps", "pupils")]
    )
    assert [list(one) for one in learned.twins] == [[0], [1]]


def test_what_was_learnt_votes_the_same_after_it_was_packed_and_terms_may_be_gone_or_merged() -> None:
    lessons = [
        (sample("eau puits", [1, 0, 0.2], title=sample("rapport", [1, 0])), {WATER}),
        (sample("école", [0, 1, 0.2], title=sample("bilan", [0, 1])), {SCHOOL, HEALTH}),
    ]
    first, text = taught(lessons), sample("puits", [0.8, 0.1, 0.2], title=sample("rapport", [1, 0.1]))
    again = Learned.of(first.arrays(), concepts=first.concepts, names=first.names)
    assert again.votes(text) == first.votes(text)
    assert again.because(text, WATER) == first.because(text, WATER) == (["puits"], 1)
    merged = Learned.of(first.arrays(), concepts=[WATER, WATER, None], names=first.names)
    assert merged.votes(text).near == {WATER: pytest.approx(1.0)}
    assert merged.documents_with == {WATER: 2}


def test_the_only_document_with_a_vector_by_a_model_is_like_no_other_by_that_model() -> None:
    mine, *others = np.random.default_rng(2).standard_normal((21, 384)).tolist()
    learned = taught([(sample("wells pumps", mine), {WATER}), (sample("pupils desks"), {SCHOOL})])
    for other in others:
        votes = learned.votes(sample("pupils", other))
        assert votes.near[SCHOOL] > votes.near[WATER], "by the words"
