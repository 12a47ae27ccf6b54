"""One score out of all that speaks for a concept: a weighed sum, read as a probability.

On the first day the weights are those below, set by hand and the same for every vocabulary. Where documents
were tagged before they are fitted to these by logistic regression that is held to the hand-set weights: the
more documents, the further it may move away from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from km365.suggest.meaning import Floats

_SMALL = 1e-4
_STEPS = 25
_FOLDS = 5

Truth = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

WORDS = (
    "often", "title", "early", "phrase", "alone", "telling", "spread", "name",
    "words", "words_short", "covered", "above", "below", "top", "said",
)  # fmt: skip
"""Measures of `lexical.Features`; `suggester` makes them."""
MEANING = ("near", "nearest", "near_title", "english", "english_known")
"""Measures of vectors: by the model for all languages, and by the one for English where it applies."""
EXAMPLES = (
    "ridge", "ridge_beside", "ridge_log", "neighbours", "neighbours_log", "usual", "trusted", "known",
)  # fmt: skip
"""Measures of `learned.Votes`, of how often the concept's labels were right before, and how many have it.

Shares of documents count both as they are and as logarithms: what is rare among the examples stays far below
all others by the one, and by the other from 1 % to 2 % is as much as from 20 % to 40 %."""
MEASURES = (*WORDS, *MEANING, *EXAMPLES)
HELD = (*(100.0 for _ in (*WORDS, *MEANING)), *(30.0 for _ in EXAMPLES), 0.03)
"""Units of information that each hand-set weight is worth, and the bias.

Of words and meaning we know something, of examples nothing."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One weight for each of `MEASURES`, and what is added to their sum."""

    weights: Floats
    bias: float

    def score(self, rows: Floats) -> Floats:
        """The probability of each row (a candidate's measures), 0 to 1."""
        made: Floats = (1 / (1 + np.exp(-(rows @ self.weights + self.bias)))).astype(np.float32)
        return made


def hand_set(weights: Mapping[str, float], bias: float) -> Weights:
    """Weights by the names of measures; those not named are 0."""
    return Weights(
        weights=np.array([weights.get(name, 0.0) for name in MEASURES], dtype=np.float32), bias=bias
    )


FIRST_DAY = hand_set(
    {
        "said": 1.0, "often": 1.0, "spread": 2.0, "phrase": 0.3, "name": 0.7,
        "words": 1.4, "words_short": 0.9, "covered": -1.0, "above": 2.0, "below": 2.2, "top": 0.7,
        "near": 0.5, "nearest": 0.8, "near_title": 0.3, "english": 1.4,
    },
    -5.5,
)  # fmt: skip
"""Few and round, so that they cannot follow one vocabulary; docs/tagging-quality.md says how they came."""
FIRST_DAY_WORDS_ONLY = hand_set(
    {
        "said": 1.5, "often": 1.0, "spread": 2.0, "phrase": 0.8, "name": 0.5,
        "words": 1.6, "words_short": 2.0, "above": 2.5, "below": 3.0, "top": 0.4,
    },
    -5.5,
)  # fmt: skip
"""Where there is no model of meaning."""


def fitted(
    first: Weights,
    rows: Sequence[Floats],
    right: Sequence[Truth],
    *,
    held: Sequence[float],
    least_spread: float = 0.0,
) -> Weights:
    """`first` moved towards what the documents say: their candidates' measures and which of them are right.

    Ridge-penalised logistic regression around `first` (Newton's method); measures are compared at the scale
    they vary by, or at `least_spread`: the weight of one that hardly varies would be free to go anywhere, and
    decide alone where it varies later. `held` says how many units of information each weight of `first` is
    worth, and the bias. Where no document has a candidate, `first` stays.
    """
    told = [(x, y) for x, y in zip(rows, right, strict=True) if len(x)]
    if not told:
        return first
    scale = np.maximum(_spread([x for x, _ in told]), least_spread)
    start, hold = np.append(first.weights * scale, first.bias), np.array(held)

    def sums(at: Numbers) -> tuple[float, Numbers, Numbers]:
        """How badly weights explain what is right, where it gets worse and how fast; document by document,
        because all rows at once would take a hundred megabytes."""
        loss, slope = float(hold @ (at - start) ** 2 / 2), -hold * (at - start)
        curve = np.diag(hold)
        for x, y in told:
            design = np.hstack([x / scale, np.ones((len(x), 1))])
            raw = design @ at
            p = 1 / (1 + np.exp(-np.clip(raw, -30, 30)))
            loss += float(np.logaddexp(0, raw).sum() - raw @ y)
            slope += design.T @ (y - p)
            curve += (design * (p * (1 - p))[:, None]).T @ design
        return loss, slope, curve

    at = start
    least, slope, curve = sums(at)
    for _ in range(_STEPS):
        step = np.linalg.solve(curve, slope)
        now = sums(at + step)
        while now[0] > least and np.abs(step).max() > _SMALL:
            step = step / 2
            now = sums(at + step)
        if now[0] > least - _SMALL:
            break
        at, (least, slope, curve) = at + step, now
    return Weights(weights=(at[:-1] / scale).astype(np.float32), bias=float(at[-1]))


def _spread(rows: Sequence[Floats]) -> Numbers:
    """The standard deviation of each measure over all rows; 1 where it does not vary."""
    count = sum(map(len, rows))
    mean = sum(x.sum(axis=0, dtype=np.float64) for x in rows) / count
    square = sum(((x - mean) ** 2).sum(axis=0) for x in rows) / count
    made: Numbers = np.where(np.sqrt(square) < 1e-6, 1.0, np.sqrt(square))
    return made


def held_out(
    first: Weights, rows: Sequence[Floats], right: Sequence[Truth], *, held: Sequence[float]
) -> list[Floats]:
    """The probabilities of each document's rows by weights `fitted` to others, one fifth left out at a time.

    Weights look surer on what they were fitted to than on anything else; whatever is made of probabilities
    is to be fitted to these (stacking, Wolpert 1992).
    """
    found: dict[int, Floats] = {}
    for fold in range(min(_FOLDS, len(rows))):
        others = [at for at in range(len(rows)) if at % _FOLDS != fold]
        weights = fitted(first, [rows[at] for at in others], [right[at] for at in others], held=held)
        found.update({at: weights.score(rows[at]) for at in range(fold, len(rows), _FOLDS)})
    return [found[at] for at in range(len(rows))]


def beside(values: Floats, *, kept: int = 50) -> Floats:
    """Values of a document's candidates from 0 (the fiftieth) to 1 (the best), at least -1."""
    if not len(values):
        return values
    ordered = np.sort(values)[::-1]
    low, high = ordered[min(len(ordered) - 1, kept)], ordered[0]
    made: Floats = np.maximum((values - low) / (high - low + 1e-6), -1).astype(np.float32)
    return made
