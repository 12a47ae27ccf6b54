"""What documents tagged before say of a new one."""

import numpy as np
import pytest

from km365.suggest import learned
from km365.suggest.learned import Learned, Lesson, Sample


def sample(text: str, vector: list[float] | None = None) -> Sample:
    words = text.split()
    vectors = {} if vector is None else {"model": np.array(vector, dtype=np.float32)}
    return Sample(words={word: words.count(word) for word in words}, vectors=vectors)


WATER, SCHOOL, HEALTH = 0, 1, 2
LESSONS = [
    Lesson(sample=sample("wells pumps water village"), right=frozenset({WATER})),
    Lesson(sample=sample("water pipes tanks town"), right=frozenset({WATER})),
    Lesson(sample=sample("teachers pupils classrooms town"), right=frozenset({SCHOOL})),
    Lesson(sample=sample("pupils desks books village"), right=frozenset({SCHOOL})),
    Lesson(sample=sample("nurses clinics vaccines village"), right=frozenset({HEALTH})),
]


def test_a_document_like_the_examples_of_a_term_is_given_that_term() -> None:
    votes = Learned(LESSONS).votes(sample("pumps and pipes bring water"))
    assert max(votes.ridge, key=votes.ridge.__getitem__) == WATER
    assert votes.near[WATER] > 0.9


def test_what_a_person_refused_counts_against_a_term() -> None:
    refused = Lesson(sample=sample("water pumps sold"), right=frozenset(), wrong=frozenset({WATER}))
    text = sample("pumps sold")
    assert Learned([*LESSONS, refused]).votes(text).ridge[WATER] < Learned(LESSONS).votes(text).ridge[WATER]


def test_vectors_bring_together_what_shares_no_word() -> None:
    lessons = [
        Lesson(sample=sample("eau puits", [1, 0, 0.2]), right=frozenset({WATER})),
        Lesson(sample=sample("école maîtres", [0, 1, 0.2]), right=frozenset({SCHOOL})),
    ]
    votes = Learned(lessons).votes(sample("schools", [0.1, 0.9, 0.2]))
    assert votes.ridge[SCHOOL] > votes.ridge[WATER]


def test_an_example_is_predicted_as_if_it_had_never_been_there() -> None:
    chance = np.random.default_rng(5)
    words = [f"w{number}" for number in range(30)]
    lessons = [
        Lesson(
            sample=sample(" ".join(chance.choice(words, 8)), chance.normal(size=6).tolist()),
            right=frozenset(chance.choice(4, 2).tolist()),
        )
        for _ in range(12)
    ]
    learned = Learned(lessons)
    likeness, usual = learned._space.among, learned._usual
    right = np.array([[float(column in one.right) for column in learned._seen] for one in lessons])
    for number in range(len(lessons)):
        others = np.setdiff1d(np.arange(len(lessons)), learned.twins[number])
        kernel = likeness[np.ix_(others, others)].copy()
        kernel[np.diag_indices(len(others))] *= 1.3
        direct = likeness[number, others] @ np.linalg.solve(kernel, right[others] - usual) + usual
        told = learned.votes_without(number).ridge
        assert [told[concept] for concept in learned._seen] == pytest.approx(direct.tolist(), abs=2e-3)


def test_translations_of_a_document_are_left_out_with_it() -> None:
    lessons = [
        Lesson(sample=sample("water wells", [1, 0.1, 0]), right=frozenset({WATER})),
        Lesson(sample=sample("eau puits", [0.99, 0.12, 0]), right=frozenset({WATER})),
        Lesson(sample=sample("pupils desks", [0, 0.1, 1]), right=frozenset({SCHOOL})),
    ]
    learned = Learned(lessons)
    assert learned.twins[0].tolist() == [0, 1]
    assert learned.holding(0) == {WATER: 2}
    assert learned.votes_without(0).near[WATER] == 0


def test_a_matrix_of_several_blocks_is_inverted_in_its_place() -> None:
    rows = np.random.default_rng(1).standard_normal((1100, 1200))
    matrix = rows @ rows.T / 1200 + np.eye(1100)
    assert np.allclose(learned._inverted(matrix.copy()), np.linalg.inv(matrix), atol=1e-10)
