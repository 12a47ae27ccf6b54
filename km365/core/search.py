"""Ranking: what of the index answers a question, best first, and the sentence that says so.

A thing that was asked for weighs as much as it is rare among what the reader may find (BM25's inverse
document frequency, over all the ways to say it); an entry is found when it holds at least half of the
question by that weight, what is only near it counting less. The same index, question and day always give the
same answer.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from km365.core.search_entries import DOCUMENT
from km365.core.search_question import Filters, Part
from km365.core.search_words import BLOCK, EVERYTHING, MARK, MOST, Words, index_words, said

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Rows = Mapping[str, Sequence[tuple[int, bytes]]]
"""The rows of the index by word: the number of the block, and what `search_words.pack` wrote."""

WINDOW = 200
"""So many of the best are put in order by more than their words; nobody reads further."""
_HALF = 0.5 - 1e-6
_FRESH = 0.15
_FADES_DAYS = 2 * 365.0
"""What was learnt today counts so much more than something old; half of that after two years."""
_SHOWN_SENTENCE = 320
_GOOD_SENTENCE = range(30, 321)
_ENDS = ".!?。！？؟…”»)"


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """What was found: how many in all, and the numbers of the best with their scores, best first."""

    total: int
    best: tuple[tuple[int, float], ...]
    weights: tuple[float, ...]
    """How much each part of the question weighs; 0 where nothing readable speaks of it."""


def words_of(parts: Iterable[Part], filters: Filters, tag_of: Callable[[str], str]) -> set[str]:
    """Every word to be looked up; `tag_of` gives the term-store id of a document type."""
    return {EVERYTHING, *facts_for(filters, tag_of), *(word for part in parts for word in part.words)}


def rank(
    rows: Rows,
    parts: Sequence[Part],
    filters: Filters,
    tag_of: Callable[[str], str] = str,
    *,
    least: float = _HALF,
) -> Ranked:
    """What the rows, which hold only what the reader may find, say to the question.

    `least` is the share of the question, by weight, that an entry must hold.
    """
    index = _Index(rows)
    all_of = index.weights(EVERYTHING) > 0
    readable = int(all_of.sum())
    scores = np.zeros(index.size, np.float32)
    held = np.zeros(index.size, np.float32)
    weights = []
    for part in parts:
        best, how = index.best(part)
        count = int((how > 0).sum())
        weight = math.log(1 + (readable - count + 0.5) / (count + 0.5)) if count else 0.0
        weights.append(weight)
        scores += weight * best
        held += weight * how
    wanted = all_of
    for word in facts_for(filters, tag_of):
        wanted = wanted & (index.weights(word) > 0)
    if parts:
        wanted = wanted & (held >= least * sum(weights)) & (held > 0)
    found = np.flatnonzero(wanted)
    order = np.lexsort((found, -scores[found]))[:WINDOW]
    best_ones = tuple((int(found[at]), float(scores[found[at]])) for at in order)
    return Ranked(total=len(found), best=best_ones, weights=tuple(weights))


def in_order(best: Iterable[tuple[int, float]], days: Mapping[int, date | None], *, today: date) -> list[int]:
    """The numbers by score, with a little for what is recent; the newer first among equals."""

    def key(one: tuple[int, float]) -> tuple[float, int, int]:
        number, score = one
        day = days.get(number)
        age = max(0, (today - day).days) if day else None
        fresh = 1.0 if age is None else 1 + _FRESH * 0.5 ** (age / _FADES_DAYS)
        return (-score * fresh, -day.toordinal() if day else 0, number)

    return [number for number, _ in sorted((one for one in best if one[0] in days), key=key)]


def facts_for(filters: Filters, tag_of: Callable[[str], str]) -> list[str]:
    """What an answer that is held to these filters is, as words of the index."""
    words = [said(name, value) for name in ("office", "language") if (value := getattr(filters, name))]
    if "/" in filters.kind:
        words += [said("tag", tag_of(filters.kind)), said("kind", DOCUMENT)]
    elif filters.kind:
        words.append(said("kind", filters.kind))
    return words


class _Index:
    """The rows as arrays: a weight, 0 to 1, at the number of each entry."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: dict[str, tuple[Places, Floats]] = {}
        blocks = [block for row in rows.values() for block, _ in row]
        self.size = (max(blocks, default=-1) + 1) * BLOCK

    def sparse(self, word: str) -> tuple[Places, Floats]:
        """The numbers of the entries that hold the word, and its weights."""
        if word not in self._known:
            numbers = [
                np.frombuffer(packed, "<u4").astype(np.int64) + (block * BLOCK << 8)
                for block, packed in self._rows.get(word, ())
            ]
            joined = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
            values: Floats = (joined & 0xFF).astype(np.float32) / np.float32(MOST)
            self._known[word] = (joined >> 8).astype(np.int64), values
        return self._known[word]

    def weights(self, word: str) -> Floats:
        """The same for every entry, 0 where the word is not."""
        dense = np.zeros(self.size, np.float32)
        places, values = self.sparse(word)
        dense[places] = values
        return dense

    def best(self, part: Part) -> tuple[Floats, Floats]:
        """How much each entry says of this part, by the way that suits it best, and how near that way is."""
        best, how = np.zeros(self.size, np.float32), np.zeros(self.size, np.float32)
        for way in part.ways:
            places, values = self._together(way.words)
            if len(places):
                best[places] = np.maximum(best[places], way.counts * values)
                how[places] = np.maximum(how[places], way.counts)
        return best, how

    def _together(self, words: Sequence[str]) -> tuple[Places, Floats]:
        """The entries that hold all the words; they say as much as the one that says least."""
        if any(not self._rows.get(word) for word in words):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        rarest, *others = sorted(set(words), key=lambda word: (len(self.sparse(word)[0]), word))
        places, values = self.sparse(rarest)
        for word in others:
            values = np.minimum(values, self.weights(word)[places])
        kept = values > 0
        return places[kept], values[kept]


# The sentence that says so -------------------------------------------------------------------------------


def best_sentence(
    sentences: Sequence[str], parts: Sequence[Part], weights: Sequence[float], known: Words | None = None
) -> str:
    """The sentence that says most of what was asked, the first of several; "" where none says any of it.

    A long one is cut to the words around what it says, each cut shown by dots.
    """
    known = Words() if known is None else known
    ways = [
        (weight, [way for way in part.ways if not way.words[0].startswith(MARK)])
        for part, weight in zip(parts, weights, strict=True)
    ]
    best, most = "", 0.0
    for sentence in sentences:
        here = set(index_words(sentence, known))
        score = sum(
            weight * max((way.counts for way in some if here.issuperset(way.words)), default=0.0)
            for weight, some in ways
        )
        score *= _reads_well(sentence)
        if score > most:
            best, most = sentence, score
    return _cut(best, {word for _, some in ways for way in some for word in way.words}, known)


def _reads_well(sentence: str) -> float:
    """Whole sentences come before headings, and both before rows of a table."""
    if " | " in sentence:
        return 0.6
    return 1.0 if len(sentence) in _GOOD_SENTENCE and sentence[-1] in _ENDS else 0.8


def _cut(sentence: str, wanted: set[str], known: Words) -> str:
    if len(sentence) <= _SHOWN_SENTENCE:
        return sentence
    spoken = sentence.split(" ")
    first = next((n for n, one in enumerate(spoken) if wanted.intersection(index_words(one, known))), 0)
    begin = max(0, len(" ".join(spoken[:first])) - _SHOWN_SENTENCE // 3)
    begin = sentence.rfind(" ", 0, begin) + 1 if begin else 0
    end = begin + _SHOWN_SENTENCE
    if end < len(sentence):
        end = max(sentence.rfind(" ", begin + 1, end), begin) or end
    cut = sentence[begin:end]
    return f"{'… ' if begin else ''}{cut}{' …' if end < len(sentence) else ''}"


def stands_in(sentence: str, texts: Iterable[str]) -> bool:
    """Whether the sentence, without the dots of a cut, stands in one of the texts word for word."""
    wanted = sentence.removeprefix("… ").removesuffix(" …")
    return bool(wanted) and any(wanted in " ".join(text.split()) for text in texts)
