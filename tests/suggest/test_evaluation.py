"""The measures of `annif eval`."""

import importlib.util
import random
from pathlib import Path

import pytest

from km365.suggest.evaluation import interval, mean, measures, ranked

PEER = Path(__file__).parents[3] / "shared" / "tagging" / "eval_tagging.py"


def test_terms_are_ranked_once_and_without_those_that_do_not_count() -> None:
    assert ranked([("a", 0.2), ("b", 0.9), ("a", 0.95), ("c", 0.0), ("d", 0.9)]) == ["a", "b", "d"]


def test_one_document_is_measured_as_defined() -> None:
    found = measures(["a", "x", "b"], {"a", "b", "c"})
    assert found["P@5"] == pytest.approx(2 / 3)
    assert found["R@5"] == pytest.approx(2 / 3)
    assert found["F1@5"] == pytest.approx(2 / 3)
    assert found["NDCG@10"] == pytest.approx((1 + 0.5) / (1 + 0.6309297535714575 + 0.5))
    assert set(measures([], {"a"}).values()) == {0.0}


def test_the_bounds_of_a_mean_hold_it_and_are_always_the_same() -> None:
    rows = [measures(["a"], {"a"} if number % 3 else {"b"}) for number in range(60)]
    low, high = interval(rows, "F1@5", rounds=200)
    assert low < mean(rows)["F1@5"] < high
    assert (low, high) == interval(rows, "F1@5", rounds=200)


@pytest.mark.skipif(not PEER.is_file(), reason="the shared evaluator is not beside the project")
def test_the_shared_evaluator_measures_the_same() -> None:
    spec = importlib.util.spec_from_file_location("eval_tagging", PEER)
    assert spec is not None
    assert spec.loader is not None
    peer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peer)
    chance = random.Random(1)
    terms = [f"t{number}" for number in range(20)]
    for _ in range(200):
        suggested = [(chance.choice(terms), chance.choice([0, 0.3, chance.random()])) for _ in range(12)]
        gold = set(chance.sample(terms, 4))
        theirs = peer.score_doc(peer.ranked(suggested), gold)
        ours = measures(ranked(suggested), gold)
        assert ours == pytest.approx({name: theirs[name] for name in ours})
