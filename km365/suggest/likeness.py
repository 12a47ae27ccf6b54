"""How like documents are to one another: by their words (TF-IDF cosine) and by their meaning.

The documents are rows of a `Space`, made of `Lessons` or of arrays that were kept. Their titles are rows of
another: two projects of one programme have half their title in common, and little else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

import numpy as np
import numpy.typing as npt

from km365.suggest.meaning import Floats, unit
from km365.suggest.memory import give_back

Ints = npt.NDArray[np.int64]
Arrays = Mapping[str, npt.NDArray[Any]]
TWINS_AT_MOST = 40
ROWS_AT_ONCE = 512
_MANY_WORDS = 100_000
"""From so many on it is worth the time to give back what counting them took."""
_MEANING_WEIGHT = 0.7
_TWINS = 0.72
"""Documents whose vectors are nearer than this are versions or translations of one another."""
_PLACES_AT_ONCE = 50_000
"""A text of common words has a million places in the inverted file, and each takes 40 bytes to sum up."""
_PULLED_AT_MOST = 4
_DOUBTS = 3
"""A word pulls a concept where it stands in more of its documents than of all, so many more counted in."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A text by its counted words (stems, and pairs with a space between) and vectors by model."""

    words: Mapping[str, int]
    vectors: Mapping[str, Floats]
    title: "Sample | None" = None
    """What a document calls itself, where it has a title."""


_NO_TITLE = Sample(words={}, vectors={})


class Lessons:
    """Documents with the concepts (by number) that are right for them, and those a person refused.

    Given one by one; of each only numbers are kept.
    """

    def __init__(self) -> None:
        self.right: list[frozenset[int]] = []
        self.wrong: list[frozenset[int]] = []
        self.whole, self.titles = Texts(), Texts()

    def add(self, sample: Sample, right: Iterable[int], wrong: Iterable[int] = ()) -> None:
        """One document more."""
        self.right.append(frozenset(right))
        self.wrong.append(frozenset(wrong))
        self.whole.add(sample)
        self.titles.add(sample.title or _NO_TITLE)


class Texts:
    """The words and vectors of one text after the other, until a `Space` is made of them."""

    def __init__(self) -> None:
        self.vectors: list[Mapping[str, Floats]] = []
        self.said: list[str] = []
        """The words of each document, one a line: as so many texts of their own they would take five times
        the room, and leave holes in it."""
        self.counted: list[npt.NDArray[np.int32]] = []
        """How often each of them comes."""

    def add(self, sample: Sample) -> None:
        """One text more."""
        self.vectors.append(dict(sample.vectors))
        self.said.append("\n".join(sample.words))
        self.counted.append(np.fromiter(sample.words.values(), dtype=np.int32, count=len(sample.words)))


class Space:
    """The documents as rows: an inverted file of their words (TF-IDF), and their vectors by model."""

    def __init__(self, arrays: Arrays, words: Sequence[str], models: Sequence[str]) -> None:
        """`first` tells where each word's documents begin, `documents` which they are, `places` how far."""
        self.words = dict(zip(words, range(len(words)), strict=True))
        self._telling, self._first = arrays["telling"], arrays["first"]
        self._documents, self._places = arrays["documents"], arrays["places"]
        self.models = {one: _Model(arrays[f"vectors-{one}"]) for one in models}
        self.count = int(arrays["count"])

    @classmethod
    def of(cls, texts: Texts, among: Floats, *, weight: float = 1.0) -> "Space":
        """The texts as rows, which are emptied.

        How like each is to each is added to `among`, `weight` times: a matrix of its own could take 64 MB.
        """
        count = len(texts.said)
        word, first = _numbered(texts.said)
        document = np.repeat(np.arange(count, dtype=np.int32), [len(one) for one in texts.counted])
        counted = np.concatenate(texts.counted)
        texts.counted.clear()
        held = np.bincount(word, minlength=len(first))
        kept = held >= (2 if count >= 500 else 1)
        telling = (np.log((1 + count) / (1 + held)) + 1).astype(np.float32)
        words = list(_lines_at(texts.said, first[kept].tolist()))
        texts.said.clear()
        there = kept[word]
        document, word, counted = document[there], word[there], counted[there]
        place = (1 + np.log(counted.astype(np.float32))) * telling[word]
        place /= np.sqrt(np.bincount(document, weights=place * place, minlength=count))[document]
        order = np.argsort(word, kind="stable")
        vectors = _stacked(texts.vectors)
        texts.vectors.clear()
        made = cls(
            {
                "count": np.array(count),
                "telling": telling[kept],
                "first": np.concatenate([[0], np.cumsum(held[kept])]),
                "documents": document[order],
                "places": place[order],
                **{f"vectors-{name}": rows for name, rows in vectors.items()},
            },
            words,
            list(vectors),
        )
        number = (np.cumsum(kept) - 1)[word]
        del word, counted, order
        if len(place) > _MANY_WORDS:
            give_back()
        begins = np.searchsorted(document, np.arange(count + 1))
        for at in range(count):
            own = slice(begins[at], begins[at + 1])
            among[at] += np.float32(weight) * made._alike(at, number[own], place[own])
        return made

    def _alike(self, at: int, words: npt.NDArray[Any], places: Floats) -> Floats:
        """How like row `at`, which has these words, is to each."""
        alike = self._shared(words, places)
        for model in self.models.values():
            alike += np.float32(_MEANING_WEIGHT) * model.likeness(model.row(at))
        return alike

    @property
    def names(self) -> dict[str, list[str]]:
        """Its words and its models."""
        return {"words": list(self.words), "models": list(self.models)}

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What it is made from again, beside the names of words and models."""
        return {
            "count": np.array(self.count),
            "telling": self._telling,
            "first": self._first,
            "documents": self._documents,
            "places": self._places,
            **{f"vectors-{name}": model.raw for name, model in self.models.items()},
        }

    def likeness(self, sample: Sample) -> Floats:
        """To each document; 1 for the same words and, for each model, another 0.7 for the same meaning."""
        alike = self._shared(*self._weighed(sample))
        for name, model in self.models.items():
            own = model.place(sample.vectors.get(name))
            alike += np.float32(_MEANING_WEIGHT) * model.likeness(own)
        return alike

    def _weighed(self, sample: Sample) -> tuple[npt.NDArray[Any], Floats]:
        """The known words of a document by number, and their TF-IDF at length one."""
        known = [(self.words[word], n) for word, n in sample.words.items() if word in self.words]
        numbers = np.array([number for number, _ in known], dtype=np.int64)
        counted = np.array([n for _, n in known], dtype=np.float32)
        return numbers, unit((1 + np.log(counted)) * self._telling[numbers])

    def _shared(self, numbers: npt.NDArray[Any], weights: Floats) -> Floats:
        """The cosine of each document's words with these."""
        begins = self._first[numbers]
        lengths = self._first[numbers + 1] - begins
        ends = np.cumsum(lengths)
        found = np.zeros(self.count)
        for words in _portions(ends):
            many = lengths[words]
            start = ends[words] - many - (ends[words.start] - many[0])
            places = np.arange(int(many.sum())) + np.repeat(begins[words] - start, many)
            products = self._places[places] * np.repeat(weights[words], many)
            found += np.bincount(self._documents[places], weights=products, minlength=self.count)
        return found.astype(np.float32)

    def because(self, sample: Sample, documents: Ints) -> tuple[list[str], int]:
        """See `Learned.because`; `documents` are those that have the concept."""
        share = len(documents) / (self.count + _DOUBTS)
        numbers, weights = self._weighed(sample)
        names = [word for word in sample.words if word in self.words]
        pulls: dict[str, float] = {}
        for name, number, weight in zip(names, numbers.tolist(), weights.tolist(), strict=True):
            own = slice(self._first[number], self._first[number + 1])
            places = self._places[own]
            theirs = np.isin(self._documents[own], documents)
            if (pull := float(places[theirs].sum() - share * places.sum()) * weight) > 0:
                pulls[name] = pull
        chosen: list[str] = []
        for word in nlargest(3 * _PULLED_AT_MOST, pulls, key=lambda one: (round(pulls[one], 6), one)):
            parts = {part for other in chosen for part in other.split()}
            if parts.isdisjoint(word.split()):
                chosen.append(word)
        alike = self.likeness(sample)
        like = int((alike[documents] >= alike[documents].max(initial=0.0) / 2).sum())
        return chosen[:_PULLED_AT_MOST], like

    def twins(self, among: Floats) -> list[Ints]:
        """For each document itself and those nearly the same, through any number of steps; 40 at most.

        `among` is how like each is to each, and decides where there are no vectors.
        """
        models = sorted(self.models.values(), key=lambda model: -model.known)
        near: list[Ints] = []
        for begin in range(0, self.count, ROWS_AT_ONCE):
            block = slice(begin, begin + ROWS_AT_ONCE)
            alike = models[0].raw[block] @ models[0].raw.T if models else among[block]
            near += [np.flatnonzero(row > _TWINS) for row in alike]
        group = np.arange(self.count)
        for at in range(self.count):
            others = near[at]
            least = group[others].min(initial=group[at])
            for one in np.unique(np.append(group[others], group[at])):
                group[group == one] = least
        members: dict[int, list[int]] = {}
        for at, number in enumerate(group.tolist()):
            members.setdefault(number, []).append(at)
        found: list[Ints] = [np.array([at]) for at in range(self.count)]
        for together in members.values():
            for begin in range(0, len(together), TWINS_AT_MOST):
                part = np.array(together[begin : begin + TWINS_AT_MOST])
                for at in part:
                    found[at] = part
        return found


def _portions(ends: Ints) -> Iterator[slice]:
    """Words in a row that stand in some 50,000 documents together, of which `ends` are the sums so far."""
    begin = 0
    while begin < len(ends):
        before = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + _PLACES_AT_ONCE, side="right")))
        yield slice(begin, end)
        begin = end


def _numbered(said: Sequence[str]) -> tuple[Ints, Ints]:
    """The lines of all texts by number, in the order in which they come up, and where each comes up first.

    Told apart by their hashes: 250,000 words are never held as texts of their own.
    """
    hashes = np.fromiter((hash(line) for text in said for line in _lines(text)), dtype=np.int64)
    _, first, number = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return np.argsort(order)[number], first[order]


def _lines_at(said: Sequence[str], places: Iterable[int]) -> Iterator[str]:
    """The lines that stand at these places, in rising order, among those of all texts."""
    wanted = iter(places)
    place, begin = next(wanted, None), 0
    for text in said:
        lines = _lines(text)
        while place is not None and place < begin + len(lines):
            yield lines[place - begin]
            place = next(wanted, None)
        begin += len(lines)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _stacked(vectors: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """The vectors by model, a row for each document; zeros where it has none."""
    found: dict[str, Floats] = {}
    for at, by_model in enumerate(vectors):
        for name, vector in by_model.items():
            if name not in found:
                found[name] = np.zeros((len(vectors), len(vector)), dtype=np.float32)
            found[name][at] = unit(vector)
    return dict(sorted(found.items()))


_ALL_ALIKE = np.float32(1e-3)
"""What is left of a vector without what all share is only rounding below this."""


class _Model:
    """The documents' vectors by one model; a row of zeros where there is none.

    One that is nothing but what all share, as the only one there is, is like no other.
    """

    def __init__(self, raw: Floats) -> None:
        self.raw = raw
        known: npt.NDArray[np.bool_] = np.any(raw, axis=1)
        self.known = int(known.sum())
        self._shared: Floats = raw[known].mean(axis=0)
        lengths = _lengths(raw, self._shared)
        self._known = known & (lengths > _ALL_ALIKE)
        self._lengths = np.maximum(lengths, _ALL_ALIKE)

    def row(self, number: int) -> Floats:
        """A document's vector less what all share, at length one; zeros where it has none."""
        return self.place(self.raw[number] if self._known[number] else None)

    def place(self, vector: Floats | None) -> Floats:
        """A vector less what all share, at length one."""
        return np.zeros_like(self._shared) if vector is None else unit(unit(vector) - self._shared)

    def likeness(self, row: Floats) -> Floats:
        """To each document: half the cosine, and half a steeper curve of it; 0 where either has no vector."""
        if not row.any():
            return np.zeros(len(self.raw), dtype=np.float32)
        cosine = (self.raw @ row - self._shared @ row) / self._lengths
        alike = 0.5 * cosine + 0.5 * np.exp(3 * (cosine - 1))
        return np.where(self._known, alike, 0).astype(np.float32)


def _lengths(rows: Floats, shared: Floats) -> Floats:
    """How long each row is less what all share."""
    parts = [
        np.linalg.norm(rows[begin : begin + ROWS_AT_ONCE] - shared, axis=1)
        for begin in range(0, len(rows), ROWS_AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float32)
