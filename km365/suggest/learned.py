"""What documents that were tagged before say of a new one: a ridge regression on likeness, and neighbours.

Two documents are alike by their words (TF-IDF cosine) and, where both have vectors, by their meaning.
Ridge regression in that space (kernel ridge, Saunders et al. 1998) gives every concept a score from all
documents at once; its predictions for the documents it learned from, each left out in turn, come from the
same matrix without training again, which is what `fusion` learns to weigh it by. Documents that are nearly
the same (translations, versions) are left out together.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from km365.suggest.meaning import Floats, unit

Ints = npt.NDArray[np.int64]
MOST_DOCUMENTS = 4_000
"""More would need a matrix of more than 64 MB; of a larger set as many are taken, spread evenly."""
_NEIGHBOURS = 20
_MEANING_WEIGHT = 0.7
_TWINS = 0.72
"""Documents whose vectors are nearer than this are versions or translations of one another."""
_TWINS_AT_MOST = 40
_ROWS_AT_ONCE = 512
_WRONG = -0.5
"""What a document teaches of a term that a person refused for it, beside 1 for one that it has."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A document by its counted words (stems, and pairs with a space between) and vectors by model."""

    words: Mapping[str, int]
    vectors: Mapping[str, Floats]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A document with the concepts (by number) that are right for it, and those a person refused."""

    sample: Sample
    right: frozenset[int]
    wrong: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Votes:
    """What the examples say of one document, each by concept number; a concept no example has is missing.

    `ridge` is about the share of such documents that have the concept; `near` that of its neighbours,
    weighed by likeness.
    """

    ridge: Mapping[int, float]
    near: Mapping[int, float]


class Learned:
    """See the module. `lessons` is not kept, only what predicting needs."""

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        self.count = len(lessons)
        self._space = Space([one.sample for one in lessons])
        self._seen = sorted({concept for one in lessons for concept in one.right | one.wrong})
        column = {concept: at for at, concept in enumerate(self._seen)}
        self._right = [[column[concept] for concept in sorted(one.right)] for one in lessons]
        said = [
            (at, column[concept], 1.0 if concept in one.right else _WRONG)
            for at, one in enumerate(lessons)
            for concept in sorted(one.right | one.wrong)
        ]
        self._document = np.array([at for at, _, _ in said], dtype=np.int64)
        self._column = np.array([at for _, at, _ in said], dtype=np.int64)
        self._value = np.array([value for _, _, value in said], dtype=np.float32)
        held = np.bincount(self._column[self._value > 0], minlength=len(self._seen)).astype(np.float32)
        self.documents_with = dict(zip(self._seen, held.astype(int).tolist(), strict=True))
        self._usual = held / max(1, self.count)

    @cached_property
    def _inverse(self) -> Floats:
        """Made when first asked for: until then the lessons and models may be let go, as it takes room."""
        strength = np.float32(0.3 if self.count < 200 else 1.0)
        ridge = self._space.among.astype(np.float64)
        ridge[np.diag_indices(self.count)] *= 1 + strength
        return _inverted(ridge).astype(np.float32)

    def forget_each_other(self) -> None:
        """How alike the examples are is only asked by `twins` and `votes_without`, never afterwards."""
        self._space.among = np.zeros((0, 0), dtype=np.float32)

    def votes(self, sample: Sample) -> Votes:
        """What the examples say of a new document."""
        likeness = self._space.likeness(sample)
        return self._votes(likeness @ self._inverse, nearest(likeness))

    def _votes(self, pull: Floats, near: Floats) -> Votes:
        scores = self._usual * (1 - pull.sum()) + self._gathered(pull)
        return Votes(ridge=self._by_concept(scores), near=self._by_concept(self._gathered(near)))

    def _gathered(self, weights: Floats) -> Floats:
        """The sum by concept of what each document has, weighed."""
        given = weights[self._document] * self._value
        return np.bincount(self._column, weights=given, minlength=len(self._seen)).astype(np.float32)

    def _by_concept(self, scores: Floats) -> dict[int, float]:
        return dict(zip(self._seen, scores.tolist(), strict=True))

    @cached_property
    def twins(self) -> list[Ints]:
        """For each example those that are nearly the same, itself among them."""
        return self._space.twins()

    def votes_without(self, number: int) -> Votes:
        """What the others say of an example, as if it and its twins had never been there."""
        group = self.twins[number]
        place = int(np.flatnonzero(group == number)[0])
        block = self._inverse[np.ix_(group, group)]
        # y - (G_gg)^-1 (G y)_g is the prediction for a group g that was left out of G = (K + lambda I)^-1
        row = np.linalg.solve(block.T, np.eye(len(group), dtype=np.float32)[place]) @ self._inverse[group]
        pull = (-row).astype(np.float32)
        pull[group] = 0.0
        likeness = self._space.among[number].copy()
        likeness[group] = 0.0
        return self._votes(pull, nearest(likeness))

    def holding(self, number: int) -> Counter[int]:
        """How many of an example and its twins have each concept."""
        return Counter(self._seen[column] for twin in self.twins[number] for column in self._right[twin])


def _inverted(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse of a symmetric positive definite matrix, in its own place.

    Gauss-Jordan elimination block by block: `numpy.linalg.inv` is as fast but needs room for four of them.
    """
    for begin in range(0, len(matrix), _ROWS_AT_ONCE):
        block = slice(begin, begin + _ROWS_AT_ONCE)
        pivot = np.linalg.inv(matrix[block, block])
        column = matrix[:, block].copy()
        row = pivot @ matrix[block]
        column[block] = matrix[:, block] = 0
        row[:, block] = pivot
        matrix[block] = 0
        for at in range(0, len(matrix), _ROWS_AT_ONCE):
            rows = slice(at, at + _ROWS_AT_ONCE)
            matrix[rows] -= column[rows] @ row
        matrix[block] = row
    return matrix


def nearest(likeness: Floats) -> Floats:
    """The weights of the nearest documents, their sum 1; the square of likeness, 0 for all others."""
    count = min(_NEIGHBOURS, len(likeness))
    chosen = np.argpartition(-likeness, count - 1)[:count]
    weights = np.zeros_like(likeness)
    weights[chosen] = np.maximum(likeness[chosen], 0) ** 2
    total = float(weights.sum())
    return weights / total if total > 0 else weights


class Space:
    """The documents as rows: an inverted file of their words, and their vectors by model."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._count = len(samples)
        held = Counter(word for one in samples for word in one.words)
        least = 2 if len(samples) >= 500 else 1
        self._telling = {
            word: math.log((1 + len(samples)) / (1 + n)) + 1 for word, n in held.items() if n >= least
        }
        postings: dict[str, tuple[list[int], list[float]]] = {word: ([], []) for word in self._telling}
        for at, sample in enumerate(samples):
            for word, weight in self._weighed(sample).items():
                documents, weights = postings[word]
                documents.append(at)
                weights.append(weight)
        self._postings = {
            word: (np.array(documents, dtype=np.int32), np.array(weights, dtype=np.float32))
            for word, (documents, weights) in postings.items()
        }
        self._models = {
            name: _Model([one.vectors.get(name) for one in samples])
            for name in sorted({name for one in samples for name in one.vectors})
        }
        self.among: Floats = np.empty((len(samples), len(samples)), dtype=np.float32)
        for at, one in enumerate(samples):
            self.among[at] = self._alike(one, at)

    def _weighed(self, sample: Sample) -> dict[str, float]:
        """TF-IDF by word, at length one."""
        raw = {
            word: (1 + math.log(n)) * self._telling[word]
            for word, n in sample.words.items()
            if word in self._telling
        }
        length = math.sqrt(sum(weight * weight for weight in raw.values()))
        return {word: weight / length for word, weight in raw.items()}

    def likeness(self, sample: Sample) -> Floats:
        """To each document; 1 for the same words and, for each model, another 0.7 for the same meaning."""
        return self._alike(sample, None)

    def _alike(self, sample: Sample, at: int | None) -> Floats:
        weighed = self._weighed(sample)
        found = [(self._postings[word], weight) for word, weight in weighed.items()]
        alike = np.zeros(self._count, dtype=np.float32)
        if found:
            documents = np.concatenate([posting[0] for posting, _ in found])
            products = np.concatenate([posting[1] * np.float32(weight) for posting, weight in found])
            alike += np.bincount(documents, weights=products, minlength=self._count).astype(np.float32)
        for name, model in self._models.items():
            own = model.rows[at] if at is not None else model.place(sample.vectors.get(name))
            alike += np.float32(_MEANING_WEIGHT) * model.likeness(own)
        return alike

    def twins(self) -> list[Ints]:
        """For each document itself and those nearly the same, through any number of steps; 40 at most."""
        models = sorted(self._models.values(), key=lambda model: -model.known)
        near: list[Ints] = []
        for begin in range(0, self._count, _ROWS_AT_ONCE):
            block = slice(begin, begin + _ROWS_AT_ONCE)
            alike: Floats = models[0].raw[block] @ models[0].raw.T if models else self.among[block]
            near += [np.flatnonzero(row > _TWINS) for row in alike]
        group = np.arange(self._count)
        for at in range(self._count):
            others = near[at]
            least = group[others].min(initial=group[at])
            for one in np.unique(np.append(group[others], group[at])):
                group[group == one] = least
        members: dict[int, list[int]] = {}
        for at, number in enumerate(group.tolist()):
            members.setdefault(number, []).append(at)
        found: list[Ints] = [np.array([at]) for at in range(self._count)]
        for together in members.values():
            for begin in range(0, len(together), _TWINS_AT_MOST):
                part = np.array(together[begin : begin + _TWINS_AT_MOST])
                for at in part:
                    found[at] = part
        return found


class _Model:
    """The documents' vectors by one model; a row of zeros where there is none."""

    def __init__(self, vectors: Sequence[Floats | None]) -> None:
        size = next(len(one) for one in vectors if one is not None)
        nothing = np.zeros(size, dtype=np.float32)
        self.raw = unit(np.stack([nothing if one is None else one for one in vectors]))
        known = np.array([one is not None for one in vectors])
        self.known = int(known.sum())
        self._shared: Floats = self.raw[known].mean(axis=0)
        self.rows: Floats = np.where(known[:, None], unit(self.raw - self._shared), np.float32(0))

    def place(self, vector: Floats | None) -> Floats:
        """A vector among the rows."""
        return np.zeros_like(self._shared) if vector is None else unit(unit(vector) - self._shared)

    def likeness(self, row: Floats) -> Floats:
        """To each document: half the cosine, and half a steeper curve of it; 0 where either has no vector."""
        if not row.any():
            return np.zeros(len(self.rows), dtype=np.float32)
        cosine = self.rows @ row
        alike = 0.5 * cosine + 0.5 * np.exp(3 * (cosine - 1))
        return np.where(self.rows.any(axis=1), alike, 0).astype(np.float32)
