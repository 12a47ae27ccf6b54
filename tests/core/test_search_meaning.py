"""What is nearest in meaning, and its place among what was found by its words."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core import search_meaning as rules
from km365.core.search import Ranked

SIZE = 512


def unit_rows(count: int, seed: int) -> rules.Floats:
    made = np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32)
    rows: rules.Floats = made / np.linalg.norm(made, axis=1, keepdims=True)
    return rows


def kept(rows: rules.Floats) -> rules.Vectors:
    return rules.Vectors.of(range(len(rows)), b"".join(map(rules.packed, rows)), SIZE)


@given(st.integers(1, 40), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_packing_a_vector_moves_no_cosine_by_much(count: int, seed: int) -> None:
    rows, wanted = unit_rows(count, seed), unit_rows(1, seed + 100)[0]
    found = kept(rows).cosines(wanted)
    assert np.allclose([found[number] for number in range(count)], rows @ wanted, atol=0.01)


def test_of_many_the_nearest_are_compared_and_those_that_are_asked_for() -> None:
    wanted = unit_rows(1, 1)[0]
    rows = unit_rows(3_000, 2)
    rows[::100] = rows[::100] + 1.5 * wanted  # thirty that are near
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    farthest = int(np.argmin(rows @ wanted))
    found = kept(rows).cosines(wanted, [farthest, 9_999])
    assert {*range(0, 3_000, 100), farthest} <= found.keys()
    assert len(found) <= rules.COMPARED + 1


def test_only_what_is_near_enough_answers_and_not_too_much_of_it() -> None:
    assert rules.near({1: 0.9, 2: 0.1, 3: rules.LEAST}) == [1, 3]
    assert len(rules.near(dict.fromkeys(range(100), 0.5))) == rules.MOST


def test_words_and_meaning_together_put_what_is_found_in_order() -> None:
    ranked = Ranked(total=3, best=((1, 2.0), (2, 1.0), (3, 1.0)), weights=(1.0, 1.0))
    found = rules.fused(ranked, {1: 0.3, 2: 0.05, 4: 0.45}, [4])
    assert [number for number, _ in found.best] == [1, 4, 3, 2], "3 has no vector, 2 is about something else"
    assert (found.total, found.weights) == (4, ranked.weights)


def test_without_anything_near_the_words_alone_decide() -> None:
    ranked = Ranked(total=500, best=((7, 2.0), (9, 1.0)), weights=(2.0,))
    found = rules.fused(ranked, {}, [])
    assert ([number for number, _ in found.best], found.total) == ([7, 9], 500)
