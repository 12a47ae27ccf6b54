"""What documents that were tagged before say of a new one: a ridge regression on likeness, and neighbours.

Two documents are alike by their words and, where both have vectors, by their meaning (`likeness`).
Ridge regression in that space (kernel ridge, Saunders et al. 1998) gives every concept a score from all
documents at once; its predictions for the documents it learned from, each left out in turn, come from the
same matrix without training again, which is what `fusion` learns to weigh it by. Documents that are nearly
the same (translations, versions) are left out together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from km365.suggest.likeness import ROWS_AT_ONCE, TWINS_AT_MOST, Arrays, Ints, Lessons, Sample, Space
from km365.suggest.meaning import Floats

Names = Mapping[str, Mapping[str, Sequence[str]]]
"""The words and models of whole texts and of titles."""
MOST_DOCUMENTS = 4_000
"""More would need a matrix of more than 64 MB; of a larger set as many are taken, spread evenly."""
_NEIGHBOURS = 20
_TITLE_WEIGHT = 0.2
"""What it counts that two titles are alike, beside 1 for the whole texts."""
_WRONG = -0.5
"""What a document teaches of a term that a person refused for it, beside 1 for one that it has."""


@dataclass(frozen=True, kw_only=True)
class Votes:
    """What the examples say of one document, each by concept number; a concept no example has is missing.

    `ridge` is about the share of such documents that have the concept; `near` that of its neighbours,
    weighed by likeness.
    """

    ridge: Mapping[int, float]
    near: Mapping[int, float]


class Learned:
    """See the module. Of the lessons only what predicting needs is kept; words and vectors are emptied."""

    def __init__(self, lessons: Lessons) -> None:
        said = [
            (at, concept, 1.0 if concept in right else _WRONG)
            for at, (right, wrong) in enumerate(zip(lessons.right, lessons.wrong, strict=True))
            for concept in sorted(right | wrong)
        ]
        self._told(
            np.array([at for at, _, _ in said], dtype=np.int64),
            np.array([concept for _, concept, _ in said], dtype=np.int64),
            np.array([value for _, _, value in said], dtype=np.float32),
            count=len(lessons.right),
        )
        self._right = lessons.right
        alike = np.zeros((self.count, self.count), dtype=np.float32)
        self._whole = Space.of(lessons.whole, alike)
        self.twins = self._whole.twins(alike)
        """For each example those that are nearly the same, itself among them."""
        self._titles = Space.of(lessons.titles, alike, weight=_TITLE_WEIGHT)
        self._closest = [_best(row, _NEIGHBOURS + TWINS_AT_MOST) for row in alike]
        own = np.maximum(alike.diagonal(), np.float32(1e-3))  # 0 where nothing is known of a document
        alike[np.diag_indices(self.count)] = own * np.float32(1.3 if self.count < 200 else 2.0)
        self._inverse = _inverted(alike)

    def _told(self, document: Ints, concept: Ints, value: Floats, *, count: int) -> None:
        """What was said of the concepts (by number) of the documents."""
        self.count = count
        self._document, self._value = document, value
        seen, self._column = np.unique(concept, return_inverse=True)
        self._seen: list[int] = seen.tolist()
        held = np.bincount(self._column[value > 0], minlength=len(self._seen)).astype(np.float32)
        self.documents_with = dict(zip(self._seen, held.astype(int).tolist(), strict=True))
        self._usual: Floats = held / np.float32(max(1, count))

    def votes(self, sample: Sample) -> Votes:
        """What the examples say of a new document."""
        likeness = self._whole.likeness(sample)
        if sample.title:
            likeness += np.float32(_TITLE_WEIGHT) * self._titles.likeness(sample.title)
        return self._votes(likeness @ self._inverse, _nearest(likeness), self._usual)

    def _votes(self, pull: Floats, near: Floats, usual: Floats) -> Votes:
        scores = usual * (1 - pull.sum()) + self._gathered(pull)
        return Votes(ridge=self._by_concept(scores), near=self._by_concept(self._gathered(near)))

    def _gathered(self, weights: Floats) -> Floats:
        """The sum by concept of what each document has, weighed."""
        given = weights[self._document] * self._value
        return np.bincount(self._column, weights=given, minlength=len(self._seen)).astype(np.float32)

    def _by_concept(self, scores: Floats) -> dict[int, float]:
        return dict(zip(self._seen, scores.tolist(), strict=True))

    def votes_without(self, number: int) -> Votes:
        """What the others say of an example, as if it and its twins had never been there."""
        group = self.twins[number]
        place = int(np.flatnonzero(group == number)[0])
        block = self._inverse[np.ix_(group, group)]
        # y - (G_gg)^-1 (G y)_g is the prediction for a group g that was left out of G = (K + lambda I)^-1
        row = np.linalg.solve(block.T, np.eye(len(group), dtype=np.float32)[place]) @ self._inverse[group]
        pull = (-row).astype(np.float32)
        pull[group] = 0.0
        likeness = np.zeros(self.count, dtype=np.float32)
        closest, values = self._closest[number]
        likeness[closest] = values
        likeness[group] = 0.0
        others = (self._value > 0) & ~np.isin(self._document, group)
        held = np.bincount(self._column[others], minlength=len(self._seen)).astype(np.float32)
        usual: Floats = held / np.float32(max(1, self.count - len(group)))
        return self._votes(pull, _nearest(likeness), usual)

    def holding(self, number: int) -> Counter[int]:
        """How many of an example and its twins have each concept."""
        return Counter(concept for twin in self.twins[number] for concept in self._right[twin])

    def because(self, sample: Sample, concept: int) -> tuple[list[str], int]:
        """The document's words that pull a concept, as stems; how many documents with it are like it."""
        column = self._seen.index(concept)
        documents = self._document[(self._column == column) & (self._value > 0)]
        return self._whole.because(sample, documents)

    # Keeping --------------------------------------------------------------------------------------------

    @property
    def concepts(self) -> list[int]:
        """Those that `arrays` counts in, by number."""
        return self._seen

    @property
    def names(self) -> Names:
        """The words and models that whole texts and titles are compared by, in the order of the arrays."""
        return {"whole": self._whole.names, "titles": self._titles.names}

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `of` makes it from, beside the names and concepts."""
        return {
            "inverse": self._inverse,
            "document": self._document,
            "column": self._column,
            "value": self._value,
            **{f"whole-{name}": values for name, values in self._whole.arrays().items()},
            **{f"titles-{name}": values for name, values in self._titles.arrays().items()},
        }

    @classmethod
    def of(cls, arrays: Arrays, *, names: Names, concepts: Sequence[int | None]) -> "Learned":
        """The one that `arrays` were made of; it votes on new documents only.

        `concepts` are the numbers now, None for a concept that is there no more.
        """
        made = cls.__new__(cls)
        now = np.array([-1 if one is None else one for one in concepts], dtype=np.int64)
        concept = now[arrays["column"]]
        there = concept >= 0
        made._inverse = arrays["inverse"]
        made._told(
            arrays["document"][there], concept[there], arrays["value"][there], count=len(made._inverse)
        )
        made._whole, made._titles = (
            Space(_below(arrays, f"{part}-"), **names[part]) for part in ("whole", "titles")
        )
        return made


def _below(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def _inverted(matrix: Floats) -> Floats:
    """The inverse of a symmetric positive definite matrix, in its own place.

    Gauss-Jordan elimination block by block: `numpy.linalg.inv` is as fast but needs room for four of them.
    """
    for begin in range(0, len(matrix), ROWS_AT_ONCE):
        block = slice(begin, begin + ROWS_AT_ONCE)
        pivot = np.linalg.inv(matrix[block, block])
        column = matrix[:, block].copy()
        row = pivot @ matrix[block]
        column[block] = matrix[:, block] = 0
        row[:, block] = pivot
        matrix[block] = 0
        for at in range(0, len(matrix), ROWS_AT_ONCE):
            rows = slice(at, at + ROWS_AT_ONCE)
            matrix[rows] -= column[rows] @ row
        matrix[block] = row
    return matrix


def _nearest(likeness: Floats) -> Floats:
    """The weights of the nearest documents, their sum 1; the square of likeness, 0 for all others."""
    chosen, values = _best(likeness, _NEIGHBOURS)
    weights = np.zeros_like(likeness)
    weights[chosen] = np.maximum(values, 0) ** 2
    total = float(weights.sum())
    return weights / total if total > 0 else weights


def _best(values: Floats, count: int) -> tuple[Ints, Floats]:
    """Where the highest values stand, and these, in any order."""
    count = min(count, len(values))
    chosen = np.argpartition(-values, count - 1)[:count].copy()
    return chosen, values[chosen]
