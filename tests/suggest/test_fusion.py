"""One score out of all that speaks for a concept."""

import numpy as np
import pytest

from km365.suggest.fusion import (
    FIRST_DAY,
    FIRST_DAY_WORDS_ONLY,
    HELD,
    MEASURES,
    Weights,
    beside,
    fitted,
    hand_set,
    held_out,
)

NONE = np.zeros((1, len(MEASURES)), dtype=np.float32)


def rows(**measures: float) -> np.ndarray:
    made = NONE.copy()
    for name, value in measures.items():
        made[0, MEASURES.index(name)] = value
    return made


@pytest.mark.parametrize("first", [FIRST_DAY, FIRST_DAY_WORDS_ONLY])
def test_on_the_first_day_more_evidence_is_more_probable_and_nothing_is_improbable(first: Weights) -> None:
    nothing, some = first.score(NONE)[0], first.score(rows(said=1.5, often=1, spread=0.5, words=1))[0]
    assert 0 < nothing < 0.05 < some < 1


def test_few_documents_leave_the_hand_set_weights_almost_as_they_are() -> None:
    moved = fitted(FIRST_DAY, [np.concatenate([NONE, rows(said=2)])], [np.array([True, False])], held=HELD)
    assert np.abs(moved.weights - FIRST_DAY.weights).max() < 1.0


def test_many_documents_find_what_the_hand_set_weights_do_not_know() -> None:
    chance = np.random.default_rng(3)
    truth = hand_set({"ridge": 4.0, "words": 1.0}, -2.0)
    made, right = [], []
    for _ in range(400):
        some = np.zeros((20, len(MEASURES)), dtype=np.float32)
        some[:, MEASURES.index("ridge")] = chance.random(20)
        some[:, MEASURES.index("words")] = chance.random(20)
        made.append(some)
        right.append(chance.random(20) < truth.score(some))
    found = fitted(FIRST_DAY, made, right, held=HELD)
    assert found.weights[MEASURES.index("ridge")] == pytest.approx(4.0, abs=0.6)
    assert found.score(made[0]).tolist() == pytest.approx(truth.score(made[0]).tolist(), abs=0.1)


def test_a_measure_that_hardly_varies_does_not_come_to_decide_alone() -> None:
    first = Weights(weights=np.zeros(1, dtype=np.float32), bias=0.0)
    told = [np.array([[0.1], [-0.1]], dtype=np.float32)] * 20
    right = [np.array([True, False])] * 20
    free = fitted(first, told, right, held=(10.0, 10.0))
    held = fitted(first, told, right, held=(10.0, 10.0), least_spread=1.0)
    assert 0 < 10 * held.weights[0] < free.weights[0]


def test_documents_without_any_candidate_leave_the_weights_as_they_were() -> None:
    nothing, no = [NONE[:0]] * 7, [np.zeros(0, dtype=bool)] * 7
    assert fitted(FIRST_DAY, nothing, no, held=HELD) is FIRST_DAY
    found = held_out(FIRST_DAY, [*nothing, rows(said=1)], [*no, np.array([True])], held=HELD)
    assert found[7] == pytest.approx(FIRST_DAY.score(rows(said=1)))


def test_values_are_compared_with_the_best_and_the_fiftieth_of_the_document() -> None:
    values = np.arange(200, dtype=np.float32)
    found = beside(values)
    assert (found[199], found[149]) == (pytest.approx(1.0), pytest.approx(0.0, abs=0.01))
    assert found.min() == -1
    assert beside(values[:0]).size == 0


def test_what_is_held_out_is_told_by_weights_that_have_not_seen_it() -> None:
    made = [rows(ridge=1.0 if at < 5 else 0.0) for at in range(10)]
    right = [np.array([at == 0]) for at in range(10)]
    found = held_out(FIRST_DAY, made, right, held=HELD)
    others = [at for at in range(10) if at % 5]
    expected = fitted(FIRST_DAY, [made[at] for at in others], [right[at] for at in others], held=HELD)
    assert found[0] == pytest.approx(expected.score(made[0]))
    assert found[0] < fitted(FIRST_DAY, made, right, held=HELD).score(made[0])
