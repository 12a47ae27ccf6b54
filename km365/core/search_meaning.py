"""What means the same in other words: the vectors nearest to a question's, and their place in what was found.

The nearest of many are found in two steps: by the signs of their numbers alone, which are compared as bits,
and then exactly among the best of those.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from km365.core.search import WINDOW, Ranked

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

LEAST = 0.2
"""The cosine from which something may answer a question though it has none of its words."""
MOST = 20
"""So many of those at most; what is found by its words is not limited."""
COMPARED = 1_000
"""So many of the nearest by their signs are compared exactly."""
_STEPS = 508
"""So many to 1: few numbers of a vector of 512 are beyond a quarter, and most are below a twentieth."""
_WORDS = 0.2
"""How much the share of the question that something holds in words counts beside the cosine."""


@dataclass(frozen=True)
class Vectors:
    """The vectors of the entries of one shelf, in the order of their numbers.

    `rows` are whole numbers of 8 bits, `lengths` theirs; `signs` are the signs of all rows as bits, those of
    their first 64 numbers together, then those of the next.
    """

    numbers: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int8]
    lengths: Floats
    signs: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, numbers: Sequence[int], packed: bytes, size: int) -> "Vectors":
        """The vectors, `size` bytes each."""
        rows = np.frombuffer(packed, np.int8).reshape(-1, size)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float32))
        signs = np.ascontiguousarray(_signs(rows).T)
        return cls(np.array(numbers, np.int64), rows, np.maximum(lengths, 1).astype(np.float32), signs)

    def cosines(self, wanted: Floats, also: Collection[int] = ()) -> dict[int, float]:
        """How near those nearest to `wanted` are, and those of `also` that are here, by number: -1 to 1.

        `wanted` has length one.
        """
        places = np.union1d(self._nearest(wanted), self._places(also))
        # einsum, as BLAS has all its threads wait for work as short as this
        found = np.einsum("ij,j->i", self.rows[places], wanted) / self.lengths[places]
        return dict(zip(self.numbers[places].tolist(), found.tolist(), strict=True))

    def _nearest(self, wanted: Floats) -> Places:
        """The places of those whose signs differ least from those of `wanted`."""
        count = len(self.numbers)
        if count <= COMPARED:
            return np.arange(count, dtype=np.int64)
        differ = np.zeros(count, np.uint16)
        for ours, its in zip(self.signs, _signs(wanted), strict=True):
            differ += np.bitwise_count(ours ^ its)
        return np.argpartition(differ, COMPARED)[:COMPARED].astype(np.int64)

    def _places(self, numbers: Collection[int]) -> Places:
        wanted = np.array(sorted(numbers), np.int64)
        found: Places = np.flatnonzero(np.isin(self.numbers, wanted, assume_unique=True))
        return found


def _signs(rows: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """A bit for each number, filled up to whole groups of 64."""
    bits = np.packbits(rows > 0, axis=-1)
    missing = [(0, 0)] * (bits.ndim - 1) + [(0, -bits.shape[-1] % 8)]
    found: npt.NDArray[np.uint64] = np.ascontiguousarray(np.pad(bits, missing)).view(np.uint64)
    return found


def packed(vector: Floats) -> bytes:
    """A vector of length one in whole numbers of 8 bits; its few large numbers are cut to what fits."""
    found: bytes = np.clip(np.rint(vector * _STEPS), -127, 127).astype(np.int8).tobytes()
    return found


def near(cosine_of: Mapping[int, float]) -> list[int]:
    """The numbers of those near enough to answer a question, the nearest first."""
    found = sorted(cosine_of, key=lambda number: (-cosine_of[number], number))
    return [number for number in found if cosine_of[number] >= LEAST][:MOST]


def fused(ranked: Ranked, cosine_of: Mapping[int, float], also: Collection[int]) -> Ranked:
    """What was found by words and, of what was not, `also`: in the order of both together.

    What has no vector, as documents have none, stands as if it were just near enough.
    """
    share = sum(ranked.weights) or 1.0
    words = dict(ranked.best)
    scores = {
        number: cosine_of.get(number, LEAST) + _WORDS * words.get(number, 0.0) / share
        for number in {*words, *also}
    }
    best = sorted(scores, key=lambda number: (-scores[number], number))
    total = max(ranked.total, len(best))
    return replace(ranked, total=total, best=tuple((number, scores[number]) for number in best[:WINDOW]))


def nearest_sentence(vectors: Floats, wanted: Floats, sentences: Sequence[str]) -> str:
    """The sentence whose vector is nearest to `wanted`; "" where there is none."""
    return sentences[int(np.argmax(vectors @ wanted))] if len(sentences) else ""
