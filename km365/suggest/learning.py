"""Learning from documents with their terms: examples, and the weights of the fusion fitted to them.

Every document is measured as the others see it, as if it and its translations were not among them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from km365.suggest import fusion
from km365.suggest.fusion import Weights
from km365.suggest.learned import Learned
from km365.suggest.likeness import Arrays, Ints, Lessons
from km365.suggest.meaning import Floats
from km365.suggest.memory import give_back
from km365.suggest.suggester import Document, Known, Read, Suggester
from km365.suggest.texts import Text

_WEIGHED_AT_MOST = 600
"""The weights are fitted to the candidates of so many documents, spread evenly."""

_GIVE_BACK_AFTER = 32
"""Documents measured until what the models used for labels goes back to the system."""

Measured = dict[int, tuple[Ints, Floats]]
"""By document: candidates, and the measures or the probability of each as the other documents see it."""


class Learning:
    """Documents to learn from, given one by one; `finish` makes the suggester know them."""

    def __init__(self, suggester: Suggester, count: int) -> None:
        """`count` is how many documents there will be, at most `learned.MOST_DOCUMENTS`."""
        self._suggester, self._lessons = suggester, Lessons()
        self._weighed = range(0, count, -(-count // _WEIGHED_AT_MOST) or 1)
        self._reads: dict[int, Read] = {}
        self._asked: dict[int, frozenset[int] | None] = {}

    def add(
        self,
        document: Document,
        right: Iterable[int],
        wrong: Iterable[int] = (),
        *,
        asked: frozenset[int] | None = None,
        text: Text | None = None,
    ) -> None:
        """A document with the concepts (by number) that are right for it and those a person refused.

        `asked` are the term sets (by number) in which a person looked for all that is right, None for all;
        `text` is what the suggester's matcher read of the document already.
        """
        at = len(self._lessons.right)
        if at in self._weighed and asked != frozenset():
            self._reads[at] = self._suggester.read(document, text)
            self._asked[at] = asked
            sample = self._reads[at].sample()
        else:
            sample = self._suggester.sample(document, text)
        self._lessons.add(sample, right, wrong)

    def finish(self) -> Measured:
        """Fits what the suggester knows from now on; the measures of the documents it was fitted to."""
        suggester, right = self._suggester, self._lessons.right
        suggester.rest()
        learned = Learned(self._lessons)
        give_back()
        hits = _hits({at: read.standing for at, read in self._reads.items()}, right)
        suggester.known = Known(learned=learned, hits=hits, weights=suggester.first_day)
        measured: Measured = {}
        for at in list(self._reads):
            read = self._reads.pop(at)
            numbers, rows = suggester.measure(
                read, learned.votes_without(at), learned.holding(at), len(learned.twins[at])
            )
            there = self._looked_for(numbers, self._asked[at])
            measured[at] = numbers[there], rows[there]
            if not len(measured) % _GIVE_BACK_AFTER:
                give_back()
        weights = suggester.first_day
        if measured:
            weights = fusion.fitted(weights, *_told(measured, right), held=fusion.HELD)
        give_back()
        suggester.known = Known(learned=learned, hits=hits, weights=weights)
        return measured

    def probable(self, measured: Measured) -> Measured:
        """The probability of each candidate, by examples and weights that know nothing of its document."""
        first, right = self._suggester.first_day, self._lessons.right
        if not measured:
            return {}
        scores = fusion.held_out(first, *_told(measured, right), held=fusion.HELD)
        return {at: (measured[at][0], score) for at, score in zip(measured, scores, strict=True)}

    def _looked_for(self, numbers: Ints, asked: frozenset[int] | None) -> Ints:
        if asked is None:
            return np.arange(len(numbers))
        facets = self._suggester.facets
        return np.array(
            [at for at, one in enumerate(numbers.tolist()) if facets[one] in asked], dtype=np.int64
        )


def _told(measured: Measured, right: Sequence[frozenset[int]]) -> tuple[list[Floats], list[fusion.Truth]]:
    """The measures of each document's candidates, and which of them are right."""
    rows = [rows for _, rows in measured.values()]
    return rows, [np.isin(numbers, sorted(right[at])) for at, (numbers, _) in measured.items()]


def _hits(
    standing: Mapping[int, frozenset[int]], right: Sequence[frozenset[int]]
) -> dict[int, tuple[int, int]]:
    """In how many documents a concept's labels stood and it was right, and in how many they stood."""
    hits: dict[int, tuple[int, int]] = {}
    for at, concepts in standing.items():
        for number in sorted(concepts):
            good, said = hits.get(number, (0, 0))
            hits[number] = (good + (number in right[at]), said + 1)
    return hits


# Keeping -------------------------------------------------------------------------------------------------


def packed(suggester: Suggester, known: Known) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is known as JSON and as arrays, the concepts by their ids."""
    ids = suggester.ids
    head = {
        "ids": [ids[number] for number in known.learned.concepts],
        "names": known.learned.names,
        "hits": {ids[number]: list(counts) for number, counts in known.hits.items()},
        "bias": known.weights.bias,
    }
    return head, {"weights": known.weights.weights, **known.learned.arrays()}


def unpacked(head: Mapping[str, Any], arrays: Arrays, number: Callable[[str], int | None]) -> Known:
    """What was `packed`; `number` tells that of a concept id now, None where it is there no more.

    Raises ValueError, KeyError or TypeError for anything else.
    """
    weights = arrays["weights"]
    if weights.shape != (len(fusion.MEASURES),):
        raise ValueError(weights.shape)
    hits: dict[int, tuple[int, int]] = {}
    for concept_id, (right, said) in head["hits"].items():
        now = number(concept_id)
        if now is not None:
            before = hits.get(now, (0, 0))
            hits[now] = (before[0] + right, before[1] + said)
    return Known(
        learned=Learned.of(
            arrays,
            names=head["names"],
            concepts=[number(one) for one in head["ids"]],
        ),
        hits=hits,
        weights=Weights(weights=weights, bias=head["bias"]),
    )
