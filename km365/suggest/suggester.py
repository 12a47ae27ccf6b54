"""Terms for a text by its words, by meaning and by examples together; each part may be missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from km365.core.examples import counted
from km365.core.passages import Kind, Passage
from km365.suggest import fusion, lexical
from km365.suggest.fusion import EXAMPLES, MEANING, WORDS, Truth, Weights
from km365.suggest.index import Index
from km365.suggest.kept_labels import PackedLabels
from km365.suggest.learned import Learned, Votes
from km365.suggest.lexical import Features
from km365.suggest.likeness import Ints, Sample
from km365.suggest.matching import Matcher
from km365.suggest.meaning import Encoder, Floats, LabelVectors, Preparing, chunks, sentences
from km365.suggest.memory import give_back
from km365.suggest.texts import Text, language_in

_NEAR_KEPT = 80
"""So many concepts nearest in meaning become candidates."""
_VOTED_KEPT = 60
_ALL_AT_MOST = 200
"""In a vocabulary this small every concept is a candidate."""
_CHUNKS, _SENTENCES, _ENGLISH_CHUNKS = 12, 40, 6
_SHORT_TEXT_WORDS = 60
_LATIN_LETTERS = 12
_TOP = WORDS.index("top")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text as it is suggested for. `language` is known or told from the text."""

    passages: Sequence[Passage]
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class Read:
    """A document with everything that is asked of it more than once."""

    passages: Sequence[Passage]
    language: str | None
    found: Ints
    """The concepts that its words speak for, in order."""
    words: Floats
    """The measures `fusion.WORDS` of these, a row for each."""
    stands: Truth
    """For each of these, whether a label of it stands in the document as a phrase."""
    whole: Mapping[str, Floats]
    """By model: the vectors of its chunks."""
    title: Mapping[str, Floats]
    """By model: the vector of its title, where it has one."""
    sentences: Sequence[str]
    near: Floats | None
    """The vectors of its sentences by the model for all languages."""

    @property
    def standing(self) -> frozenset[int]:
        """The concepts whose labels stand in it as phrases."""
        return frozenset(self.found[self.stands].tolist())

    def sample(self) -> Sample:
        """What examples are made of."""
        return _sample(self.passages, self.whole, self.title)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What `learning` learnt: examples, how often each concept's labels were right and stood, weights."""

    learned: Learned
    hits: Mapping[int, tuple[int, int]]
    weights: Weights


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
        self._labels_in = lru_cache(maxsize=1)(lambda language: PackedLabels(labels(language)))
        self._preparing = preparing
        self._all = next((one for one in encoders if one.languages is None), None)
        self._careful = next((one for one in encoders if one.languages is not None), None)
        self._cache = cache
        self._vectors: dict[tuple[str, str], LabelVectors] = {}
        self._leaf: Truth = np.diff(np.array(index.narrower_first)) == 0
        self.known: Known | None = None
        self.first_day: Weights = fusion.FIRST_DAY if self._all else fusion.FIRST_DAY_WORDS_ONLY

    @property
    def ids(self) -> list[str]:
        """The concept ids by number."""
        return self._index.concept_ids

    @property
    def facets(self) -> Sequence[int]:
        """The number of each concept's term set."""
        return self._index.concept_facet

    # Reading --------------------------------------------------------------------------------------------

    def read(self, document: Document, text: Text | None = None) -> Read:
        """The document's words looked up and its vectors made; `text` where it has been read already."""
        text = text or Text(self._matcher, document.passages, language=document.language)
        whole, title = self._encoded(document.passages, text.language)
        said: list[str] = []
        near: Floats | None = None
        if self._all:
            body = _body(document.passages)
            said = sentences(body, most=_SENTENCES) or [body]
            near = self._all.encode(said)
        features = lexical.candidates(self._matcher, text)
        short = min(1.0, _SHORT_TEXT_WORDS / max(1, len(text.numbers)))
        found = sorted(features)
        words = [_row_of_words(features[at], short, leaf=bool(self._leaf[at])) for at in found]
        return Read(
            passages=document.passages,
            language=text.language,
            found=np.array(found, dtype=np.int64),
            words=np.array(words, dtype=np.float32).reshape(-1, len(WORDS)),
            stands=np.array([features[at].count > 0 for at in found], dtype=np.bool_),
            whole=whole,
            title=title,
            sentences=said,
            near=near,
        )

    def sample(self, document: Document, text: Text | None = None) -> Sample:
        """The document as an example, for less than what `read` costs; `text` as there."""
        language = text.language if text else document.language or language_in(document.passages)
        return _sample(document.passages, *self._encoded(document.passages, language))

    def _encoded(
        self, passages: Sequence[Passage], language: str | None
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """The vectors of the chunks of a text, and of its title, by model.

        That for English goes first: loading it takes twice the memory that it keeps.
        """
        body, title = _body(passages), _body(_titles(passages))
        models: list[tuple[Encoder, int]] = []
        if self._careful and language in (self._careful.languages or ()):
            models.append((self._careful, _ENGLISH_CHUNKS))
        if self._all:
            models.append((self._all, _CHUNKS))
        whole = {model.name: model.encode(chunks(body, most=most) or [body]) for model, most in models}
        return whole, {model.name: model.encode([title])[0] for model, _ in models if title}

    def prepare(self, language: str) -> None:
        """Loads the models for a language, and makes the vectors of its labels by the one for all languages.

        Both take more room than they keep, so it is best done before much else is held.
        """
        if self._careful and language in (self._careful.languages or ()):
            self._careful.encode([language])
        if self._all:
            self._labels(self._all, language).prepare()

    def rest(self) -> None:
        """Lets go of the model for all languages, until a document is read again."""
        if self._all:
            self._all.let_go()
        give_back()

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
        read: Read,
        votes: Votes | None = None,
        without: Mapping[int, int] | None = None,
        twins: int = 0,
    ) -> tuple[Ints, Floats]:
        """The candidates for a document and their measures (`fusion.MEASURES`), a row for each.

        `without` and `twins` are for learning: how often each concept is right among the documents left out.
        """
        found = set(read.found.tolist())
        near: Floats | None = None
        language = read.language or "en"
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

    def _words(self, numbers: Ints, read: Read) -> Floats:
        rows = np.zeros((len(numbers), len(WORDS)), dtype=np.float32)
        rows[:, _TOP] = ~self._leaf[numbers]
        rows[np.isin(numbers, read.found)] = read.words[np.isin(read.found, numbers)]
        return rows

    def _meaning(self, numbers: Ints, read: Read, near: Floats | None, language: str) -> Floats:
        rows = np.zeros((len(numbers), len(MEANING)), dtype=np.float32)
        if self._all and near is not None and read.near is not None:
            labels = self._labels(self._all, language)
            alike = labels.beside_all(read.near) @ labels.of(numbers).T
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
        self, numbers: Ints, read: Read, votes: Votes | None, without: Mapping[int, int], twins: int
    ) -> Floats:
        rows = np.zeros((len(numbers), len(EXAMPLES)), dtype=np.float32)
        if votes is None or self.known is None:
            return rows
        hits, documents_with = self.known.hits, self.known.learned.documents_with
        best, standing = max(max(votes.ridge.values(), default=0.0), 1e-3), read.standing
        trust = (sum(one for one, _ in hits.values()) + 1) / (sum(one for _, one in hits.values()) + 10)
        others = self.known.learned.count - twins
        for at, number in enumerate(numbers.tolist()):
            held = max(0, documents_with.get(number, 0) - without.get(number, 0))
            ridge = votes.ridge.get(number, 0.0) if held else 0.0
            near = votes.near.get(number, 0.0) if held else 0.0
            trusted = 0.0
            if number in standing:
                right, said = hits.get(number, (0, 0))
                said = max(0, said - twins)
                right = min(max(0, right - without.get(number, 0)), said)
                trusted = np.log((right + 3 * trust) / (said + 3)) - np.log(trust)
            usual = (held + 0.5) / (others + 1)
            rows[at] = (
                ridge,
                ridge / best,
                np.log(max(ridge, 0.0) + 0.3 * usual + 0.003),
                near,
                np.log((8 * max(near, 0.0) + usual) / 9),  # near < 0: people refused it
                np.log(usual),
                trusted,
                min(held, 5) / 5,
            )
        return rows

    # Suggesting -----------------------------------------------------------------------------------------

    @property
    def models(self) -> list[str]:
        """The names of the models that it asks."""
        return [one.name for one in (self._all, self._careful) if one]

    @property
    def weights(self) -> Weights:
        """What each measure counts."""
        return self.known.weights if self.known else self.first_day

    def suggest(self, document: Document, *, limit: int = 10) -> list[tuple[str, float]]:
        """The best concept ids with their probability, best first."""
        read = self.read(document)
        numbers, rows = self.measure(read, self.votes(read))
        scores = self.weights.score(rows)
        order = np.argsort(-scores, kind="stable")[:limit]
        return [(self.ids[int(numbers[at])], float(scores[at])) for at in order]

    def votes(self, read: Read) -> Votes | None:
        """What the examples say of a document, if there are any."""
        return self.known.learned.votes(read.sample()) if self.known else None

    def nearest_sentence(self, read: Read, number: int) -> str:
        """The sentence whose meaning is nearest to a concept's label; "" without the model."""
        if self._all is None or read.near is None:
            return ""
        labels = self._labels(self._all, read.language or "en")
        alike = labels.beside_all(read.near) @ labels.of(np.array([number], dtype=np.int64))[0]
        return read.sentences[int(alike.argmax())]


def _body(passages: Sequence[Passage]) -> str:
    return "\n".join(one.text for one in passages)


def _titles(passages: Sequence[Passage]) -> list[Passage]:
    return [one for one in passages if one.kind is Kind.TITLE]


def _sample(passages: Sequence[Passage], whole: Mapping[str, Floats], title: Mapping[str, Floats]) -> Sample:
    named = _titles(passages)
    return Sample(
        words=counted(passages),
        vectors={name: rows.mean(axis=0) for name, rows in whole.items()},
        title=Sample(words=counted(named), vectors=title) if named else None,
    )


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
