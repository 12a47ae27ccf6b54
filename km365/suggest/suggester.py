"""Terms for a text by its words, by meaning and by examples together; each part may be missing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from km365.core.examples import counted
from km365.core.passages import Passage
from km365.suggest import fusion, lexical
from km365.suggest.fusion import EXAMPLES, MEANING, WORDS, Weights
from km365.suggest.index import Index
from km365.suggest.learned import MOST_DOCUMENTS, Ints, Learned, Lesson, Sample, Votes
from km365.suggest.lexical import Features
from km365.suggest.matching import Matcher
from km365.suggest.meaning import Encoder, Floats, LabelVectors, Preparing, chunks, evenly, sentences
from km365.suggest.texts import Text

_NEAR_KEPT = 80
"""So many concepts nearest in meaning become candidates."""
_VOTED_KEPT = 60
_ALL_AT_MOST = 200
"""In a vocabulary this small every concept is a candidate."""
_CHUNKS, _SENTENCES, _ENGLISH_CHUNKS = 12, 40, 6
_SHORT_TEXT_WORDS = 60
_LATIN_LETTERS = 12
_WEIGHED_AT_MOST = 600
"""The weights are fitted to the candidates of so many documents, spread evenly."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text as it is suggested for. `language` is known or told from the text."""

    passages: Sequence[Passage]
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A document with everything that is asked of it more than once."""

    text: Text
    features: Mapping[int, Features]
    whole: Mapping[str, Floats]
    """By model: the vectors of its chunks."""
    sentences: Floats | None


class Suggester:
    """Chooses among the concepts of an index. Keep it for many documents."""

    def __init__(
        self,
        index: Index,
        labels: Callable[[str], Mapping[int, str]],
        *,
        encoders: Sequence[Encoder] = (),
        cache: Path | None = None,
        preparing: Preparing = lambda _done, _of: None,
    ) -> None:
        """`labels` gives the preferred labels in a language by concept number, and is asked only where
        their vectors are not in the folder `cache` yet; `preparing` hears how far these are."""
        self._index, self._matcher = index, Matcher(index)
        self._labels_in, self._preparing = labels, preparing
        self._all = next((one for one in encoders if one.languages is None), None)
        self._careful = next((one for one in encoders if one.languages is not None), None)
        self._cache = cache
        self._vectors: dict[tuple[str, str], LabelVectors] = {}
        self._leaf = [not (end - begin) for begin, end in pairwise(index.narrower_first)]
        self._learned: Learned | None = None
        self._hits: dict[int, tuple[int, int]] = {}
        self.weights: Weights = fusion.FIRST_DAY if self._all else fusion.FIRST_DAY_WORDS_ONLY

    @property
    def ids(self) -> list[str]:
        """The concept ids by number."""
        return self._index.concept_ids

    # Reading --------------------------------------------------------------------------------------------

    def read(self, document: Document) -> _Read:
        """The document's words looked up and its vectors made."""
        text = Text(self._matcher, document.passages, language=document.language)
        body = "\n".join(one.text for one in document.passages)
        whole: dict[str, Floats] = {}
        near: Floats | None = None
        # the model for English first: loading it takes twice the memory that it keeps
        if self._careful and text.language in (self._careful.languages or ()):
            whole[self._careful.name] = self._careful.encode(chunks(body, most=_ENGLISH_CHUNKS) or [body])
        if self._all:
            whole[self._all.name] = self._all.encode(chunks(body, most=_CHUNKS) or [body])
            near = self._all.encode(sentences(body, most=_SENTENCES) or [body])
        features = lexical.candidates(self._matcher, text)
        return _Read(text=text, features=features, whole=whole, sentences=near)

    def sample(self, document: Document, read: _Read) -> Sample:
        """What examples are made of."""
        vectors = {name: rows.mean(axis=0) for name, rows in read.whole.items()}
        return Sample(words=counted(document.passages), vectors=vectors)

    def _labels(self, encoder: Encoder, language: str) -> LabelVectors:
        """The vectors of the labels in a language, English (or any) ones where there are none in it."""
        known = self._index.languages
        tag = language if language in known else "en" if "en" in known else known[0]
        made = self._vectors.get((encoder.name, tag))
        if made is None:
            file = self._cache / f"{encoder.name}-{tag}.vectors" if self._cache else None
            made = LabelVectors(
                lambda: self._labels_in(tag), len(self.ids), encoder, file, preparing=self._preparing
            )
            self._vectors[encoder.name, tag] = made
        return made

    # Measuring ------------------------------------------------------------------------------------------

    def measure(
        self,
        read: _Read,
        votes: Votes | None = None,
        without: Mapping[int, int] | None = None,
        twins: int = 0,
    ) -> tuple[Ints, Floats]:
        """The candidates for a document and their measures (`fusion.MEASURES`), a row for each.

        `without` and `twins` are for learning: how often each concept is right among the documents left out.
        """
        found = set(read.features)
        near: Floats | None = None
        language = read.text.language or "en"
        if self._all:
            labels = self._labels(self._all, language)
            alike = labels.alike(read.whole[self._all.name])
            near = (alike.max(axis=0) + alike.mean(axis=0)) / 2
            found.update(_best(near, _NEAR_KEPT).tolist())
        if votes is not None:
            found.update(sorted(votes.ridge, key=lambda one: (-votes.ridge[one], one))[:_VOTED_KEPT])
        if len(self.ids) <= _ALL_AT_MOST:
            found.update(range(len(self.ids)))
        open_ = self._index.concept_open
        numbers = np.array(sorted(one for one in found if open_[one]), dtype=np.int64)
        rows = [self._words(numbers, read)]
        rows.append(self._meaning(numbers, read, near, language))
        rows.append(self._examples(numbers, read, votes, without or {}, twins))
        return numbers, np.hstack(rows)

    def _words(self, numbers: Ints, read: _Read) -> Floats:
        nothing = Features()
        short = min(1.0, _SHORT_TEXT_WORDS / max(1, len(read.text.numbers)))
        rows = np.zeros((len(numbers), len(WORDS)), dtype=np.float32)
        for at, number in enumerate(numbers.tolist()):
            features = read.features.get(number, nothing)
            rows[at] = _row_of_words(features, short, leaf=self._leaf[number])
        return rows

    def _meaning(self, numbers: Ints, read: _Read, near: Floats | None, language: str) -> Floats:
        rows = np.zeros((len(numbers), len(MEANING)), dtype=np.float32)
        if self._all and near is not None and read.sentences is not None:
            labels = self._labels(self._all, language)
            alike = labels.beside_all(read.sentences) @ labels.of(numbers).T
            rows[:, 0] = fusion.beside(near[numbers])
            rows[:, 1] = fusion.beside(alike.max(axis=0))
            rows[:, 2] = fusion.beside(alike[0])
        if self._careful and self._careful.name in read.whole:
            labels = self._labels(self._careful, language)
            alike = labels.beside_all(read.whole[self._careful.name]) @ labels.of(numbers).T
            careful = (alike.max(axis=0) + alike.mean(axis=0)) / 2
            rows[:, 3] = fusion.beside(careful)
            rows[:, 4] = 1
        return rows

    def _examples(
        self, numbers: Ints, read: _Read, votes: Votes | None, without: Mapping[int, int], twins: int
    ) -> Floats:
        rows = np.zeros((len(numbers), len(EXAMPLES)), dtype=np.float32)
        if votes is None or self._learned is None:
            return rows
        best = max(max(votes.ridge.values(), default=0.0), 1e-3)
        usual = (sum(one for one, _ in self._hits.values()) + 1) / (
            sum(one for _, one in self._hits.values()) + 10
        )
        for at, number in enumerate(numbers.tolist()):
            held = max(0, self._learned.documents_with.get(number, 0) - without.get(number, 0))
            ridge = votes.ridge.get(number, 0.0) if held else 0.0
            near = votes.near.get(number, 0.0) if held else 0.0
            trusted = 0.0
            features = read.features.get(number)
            if features is not None and features.count:
                right, said = self._hits.get(number, (0, 0))
                said = max(0, said - twins)
                right = min(max(0, right - without.get(number, 0)), said)
                trusted = np.log((right + 3 * usual) / (said + 3)) - np.log(usual)
            rows[at] = (ridge, ridge / best, near, trusted, min(held, 5) / 5)
        return rows

    # Suggesting and learning ----------------------------------------------------------------------------

    def suggest(self, document: Document, *, limit: int = 10) -> list[tuple[str, float]]:
        """The best concept ids with their probability, best first."""
        read = self.read(document)
        votes = None
        if self._learned:
            votes = self._learned.votes(self.sample(document, read))
        numbers, rows = self.measure(read, votes)
        scores = self.weights.score(rows)
        order = np.argsort(-scores, kind="stable")[:limit]
        return [(self.ids[int(numbers[at])], float(scores[at])) for at in order]

    def learn(
        self,
        documents: Sequence[tuple[Document, Iterable[str]]],
        *,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Learns from documents with their concept ids; ids that the vocabulary lacks are left out."""
        number = self._index.concept_number
        documents = evenly(documents, MOST_DOCUMENTS)
        weighed = range(0, len(documents), -(-len(documents) // _WEIGHED_AT_MOST) or 1)
        reads: dict[int, _Read] = {}
        lessons: list[Lesson] = []
        for at, (document, right) in enumerate(documents):
            read = self.read(document)
            known = frozenset(number[one] for one in right if one in number)
            lessons.append(Lesson(sample=self.sample(document, read), right=known))
            if at in weighed:
                reads[at] = read
            advance(1)
        known_right = [one.right for one in lessons]
        self._learned = learned = Learned(lessons)
        lessons.clear()
        if self._careful:
            self._careful.rest()
        self._hits = _hits({at: read.features for at, read in reads.items()}, known_right)
        rows, right_ones = [], []
        for at, read in reads.items():
            numbers, measured = self.measure(
                read, learned.votes_without(at), learned.holding(at), len(learned.twins[at])
            )
            rows.append(measured)
            right_ones.append(np.isin(numbers, sorted(known_right[at])))
        learned.forget_each_other()
        self.weights = fusion.fitted(self.weights, rows, right_ones, held=fusion.HELD)


def _hits(
    found: Mapping[int, Mapping[int, Features]], right_ones: Sequence[frozenset[int]]
) -> dict[int, tuple[int, int]]:
    """In how many documents a concept's labels stood and it was right, and in how many they stood."""
    hits: dict[int, tuple[int, int]] = {}
    for at, concepts in found.items():
        for number, features in concepts.items():
            if features.count:
                right, said = hits.get(number, (0, 0))
                hits[number] = (right + (number in right_ones[at]), said + 1)
    return hits


def _best(values: Floats, count: int) -> Ints:
    if len(values) <= count:
        return np.arange(len(values), dtype=np.int64)
    return np.argpartition(-values, count)[:count].astype(np.int64)


def _row_of_words(features: Features, short: float, *, leaf: bool) -> tuple[float, ...]:
    """The measures of `fusion.WORDS`."""
    hit = float(features.count > 0)
    return (
        features.often,
        float(features.titles > 0),
        hit * (1.0 - features.first) ** 2,
        float(features.size >= 2),
        hit * (1.0 - 1.0 / max(1, features.sharing)),
        hit * min(1.0, features.letters / _LATIN_LETTERS),
        features.spread * (1.0 - short),
        float(features.capitals),
        features.words,
        features.words * short,
        features.coverage * short,
        features.over * short,
        features.below * short,
        float(not leaf),
        lexical.phrase_score(features),
    )
