"""What people kept, refused and missed of earlier suggestions, and what that says of the terms of a new text.

The score of the words is moved by four measures whose weights are held to hand-set ones and fitted on the
judged documents, each seen as if it and its twins had never been judged. What results is the chance that a
person keeps the term, as far as those documents tell.
"""

import io
import json
import logging
import math
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from heapq import nlargest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from km365.suggest import fusion
from km365.suggest.fusion import Weights
from km365.suggest.index_file import write_whole
from km365.suggest.learned import Learned, Lesson, Sample, Space, Votes, nearest
from km365.suggest.meaning import Floats, evenly

_log = logging.getLogger(__name__)
FEWEST = 10
"""From fewer judged documents nothing general is learnt."""
MOST = 2_000
"""Of more, so many are learnt from, spread evenly."""
FILE = "judged.npz"
_FORMAT = 1
_UNSAID = 0.03
"""What the words of a text are worth for a term they do not speak of."""
_SURE = 0.97
_TYPICAL = 0.6
"""The score of a suggestion that was judged; which it was is not kept."""
_KNOWN = 5
"""So many documents with a term say all they can of how such documents look; fewer say less."""
_FEWEST_WITH = 3
"""A term that the words do not speak of needs so many documents that have it."""
_DOUBTS = 3
"""What a person says of a term's labels counts beside so many judgements of the usual kind."""
_LEAST_RIDGE, _LEAST_LIKE = 0.1, 0.02
"""Where examples are no surer of any term, or no more like each other, none of what they say is sure."""
_COMMONEST = 0.9
_PULLED_AT_MOST = 4

MEASURES = ("words", "suggested", "unsaid", "alike", "trusted")
_FIRST = Weights(weights=np.array([1.0, 0.0, 0.0, 5.5, 1.0], dtype=np.float32), bias=0.0)
"""`words`, the score's logit, keeps its weight, so that fitting never orders texts by it differently.

`suggested` is 1 where words alone reach the threshold: how often people keep such terms; `unsaid` is 1 where
they do not speak of it. `alike` is how far documents like this one have the term (`learned.Votes`), less
where none is much like it; `trusted` how much more often than others the term was kept where it was
suggested.
"""
_HELD = (1e9, 10.0, 10.0, 30.0, 10.0, 1e9)
"""Units of information that each weight is worth, and what is added to their sum."""
_LEAST = np.array([1.0, -np.inf, -np.inf, 0.0, 0.0], dtype=np.float32)
"""No document that is like another speaks against what that one has."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A document by its counted words (`core.examples`) and the concept ids that people judged.

    `kept` and `refused` had been suggested, `missed` had not and were added.
    """

    words: Mapping[str, int]
    kept: frozenset[str]
    missed: frozenset[str]
    refused: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """The score of a concept, 0 to 1, and how far words and examples moved it (in logits)."""

    score: float
    words: float
    examples: float


def trained(judgements: Sequence[Judgement]) -> "Judged | None":
    """What can be learnt from the judgements; None where they are too few."""
    told = [one for one in judgements if one.words and (one.kept or one.missed or one.refused)]
    judgements = evenly(told, MOST)
    if len(judgements) < FEWEST:
        return None
    ids = sorted({concept for one in judgements for concept in one.kept | one.missed | one.refused})
    number = {concept: at for at, concept in enumerate(ids)}
    lessons = [
        Lesson(
            sample=Sample(words=one.words, vectors={}),
            right=frozenset(number[concept] for concept in one.kept | one.missed),
            wrong=frozenset(number[concept] for concept in one.refused),
        )
        for one in judgements
    ]
    kept = Counter(number[concept] for one in judgements for concept in one.kept)
    refused = Counter(number[concept] for one in judgements for concept in one.refused)
    version = blake2b(repr((_FORMAT, [_plain(one) for one in judgements])).encode(), digest_size=16)
    learned = _Kept(lessons)
    made = Judged(ids, learned, kept, refused, weights=_FIRST, version=version.hexdigest())
    rows, right = zip(*(made.measured_without(at, one) for at, one in enumerate(judgements)), strict=True)
    fitted = fusion.fitted(_FIRST, rows, right, held=_HELD) if any(map(len, rows)) else _FIRST
    return Judged(
        ids,
        learned,
        kept,
        refused,
        weights=Weights(weights=np.maximum(fitted.weights, _LEAST), bias=0.0),
        version=version.hexdigest(),
    )


def _plain(one: Judgement) -> tuple[Any, ...]:
    return sorted(one.words.items()), sorted(one.kept), sorted(one.missed), sorted(one.refused)


class Judged:
    """See the module; `trained` and `opened` make it. `version` changes with whatever was learnt from."""

    def __init__(
        self,
        ids: Sequence[str],
        learned: "_Kept",
        kept: Mapping[int, int],
        refused: Mapping[int, int],
        *,
        weights: Weights,
        version: str,
    ) -> None:
        self.version = version
        self._ids, self._learned, self._weights = ids, learned, weights
        self._number = {concept: at for at, concept in enumerate(ids)}
        self._kept, self._refused = kept, refused

    @property
    def count(self) -> int:
        """How many documents it was learnt from."""
        return self._learned.count

    def opinions(
        self, words: Mapping[str, int], scores: Mapping[str, float], suggested: Iterable[str]
    ) -> dict[str, Opinion]:
        """What is to be thought of each concept id that words or examples speak for.

        `words` are the text's, counted; `scores` what they say; `suggested` the ids that reach their
        thresholds by that alone.
        """
        seen = self._learned.seen(Sample(words=words, vectors={}))
        voted = {self._ids[at] for at in seen.likely()}
        ids = sorted(scores.keys() | voted)
        said = frozenset(suggested)
        rows = np.array(
            [self._row(one, scores.get(one, 0.0), one in said, seen) for one in ids],
            dtype=np.float32,
        ).reshape(-1, len(MEASURES))
        moved = rows * self._weights.weights
        return {
            one: Opinion(
                score=min(round(float(score), 3), 0.999),
                words=float(row[0]) - _logit(_UNSAID),
                examples=float(row[1:].sum()),
            )
            for one, score, row in zip(ids, self._weights.score(rows), moved, strict=True)
        }

    def because(self, words: Mapping[str, int], concept_id: str) -> tuple[list[str], int]:
        """The text's words that pull a concept, as stems; how many documents with it are like the text."""
        return self._learned.because(Sample(words=words, vectors={}), self._number[concept_id])

    def measured_without(self, at: int, one: Judgement) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The measures of a judged document's concepts, by the others, and which of them are right.

        They are those that had been suggested and those that the examples would bring: of others, missed
        or not, nothing can be said when it comes to it.
        """
        seen = self._learned.seen_without(at)
        brought: set[str] = set()
        if one.kept or one.missed:  # somebody has looked at what it is about, not only at what it is not
            brought = {self._ids[number] for number in seen.likely()}
        ids = sorted(one.kept | one.refused | brought)
        rows = []
        for concept in ids:
            said = concept in one.kept or concept in one.refused
            mine = (int(concept in one.kept), int(concept in one.refused))
            score = _TYPICAL if said else 0.0
            rows.append(self._row(concept, score, said, seen, own=mine))
        right = np.array([concept in one.kept or concept in one.missed for concept in ids], dtype=np.bool_)
        return np.array(rows, dtype=np.float32).reshape(-1, len(MEASURES)), right

    def _row(
        self,
        concept_id: str,
        score: float,
        suggested: bool,
        seen: "_Seen",
        *,
        own: tuple[int, int] = (0, 0),
    ) -> tuple[float, ...]:
        """The `MEASURES` of one concept, `own` judgements (kept, refused) left out."""
        words = _logit(min(max(score, _UNSAID), _SURE))
        at = self._number.get(concept_id)
        if at is None:
            return (words, float(suggested), float(score <= 0), 0.0, 0.0)
        kept, refused = self._kept.get(at, 0) - own[0], self._refused.get(at, 0) - own[1]
        known = min(seen.held.get(at, 0) + refused, _KNOWN) / _KNOWN
        usual = (sum(self._kept.values()) + 8) / (sum(self._kept.values()) + sum(self._refused.values()) + 10)
        trusted = _logit((kept + _DOUBTS * usual) / (kept + refused + _DOUBTS)) - _logit(usual)
        alike = self._learned.alike(seen, at) * known
        return (words, float(suggested), float(score <= 0), alike, trusted if score > 0 else 0.0)

    def save(self, folder: Path) -> None:
        """Keeps it in the folder, whole or not at all: numbers and JSON, so that reading can run nothing."""
        head = {
            "format": _FORMAT,
            "version": self.version,
            "ids": list(self._ids),
            "kept": [self._kept.get(at, 0) for at in range(len(self._ids))],
            "refused": [self._refused.get(at, 0) for at in range(len(self._ids))],
            "words": self._learned.words,
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "head": np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8),
            "weights": self._weights.weights,
            **self._learned.arrays(),
        }
        made = io.BytesIO()
        np.savez(made, allow_pickle=False, **arrays)
        write_whole(folder / FILE, made.getvalue())


def opened(folder: Path) -> Judged | None:
    """What `Judged.save` kept there; None where there is nothing, or (with a warning) nothing usable."""
    path = folder / FILE
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
        head = json.loads(arrays.pop("head").tobytes())
        if head["format"] != _FORMAT:
            raise ValueError(head["format"])
        learned = _Kept.of(head["words"], arrays)
        return Judged(
            head["ids"],
            learned,
            dict(enumerate(head["kept"])),
            dict(enumerate(head["refused"])),
            weights=Weights(weights=arrays["weights"], bias=0.0),
            version=head["version"],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        _log.warning("What was learnt in %s cannot be used; km365 tag learn makes it anew.", path)
        return None


def forget(folder: Path) -> None:
    """Deletes what was kept."""
    (folder / FILE).unlink(missing_ok=True)


def _beyond(share: float, usual: float) -> float:
    """How far a share is above the usual one, 1 where it is whole; negative where people refused."""
    return share if share < 0 else max(0.0, (share - usual) / (1 - usual))


def _third(likeness: Floats) -> float:
    """What the third of the nearest documents comes to."""
    return float(np.partition(likeness, -3)[-3])


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What examples say of a document: their votes, how like them it is (0 to 1), how many have a concept."""

    votes: Votes
    familiar: float
    held: Mapping[int, int]

    def likely(self) -> list[int]:
        """The concepts that they would bring, by number."""
        ridge = self.votes.ridge
        return [one for one, share in ridge.items() if share > 0 and self.held[one] >= _FEWEST_WITH]


class _Kept(Learned):
    """`Learned` that tells its reasons and goes into arrays and out of them."""

    def seen(self, sample: Sample) -> _Seen:
        """What these say of a document."""
        likeness: Floats = self._space.likeness(sample) * np.float32(self._known_share(sample))
        votes = self._votes(likeness @ self._inverse, nearest(likeness))
        return _Seen(votes=votes, familiar=self._familiar(likeness), held=self.documents_with)

    def _known_share(self, sample: Sample) -> float:
        """How much of the document's length as a row is in words that these have, 0 to 1.

        Each of these has words of its own, which make it less like the others; so has a new one.
        """
        telling, own = self._space._telling, math.log((1 + self.count) / 2) + 1
        known = whole = 0.0
        for word, n in sample.words.items():
            weight = ((1 + math.log(n)) * telling.get(word, own)) ** 2
            whole += weight
            known += weight if word in telling else 0.0
        return math.sqrt(known / whole) if whole else 0.0

    def seen_without(self, number: int) -> _Seen:
        """What the others say of an example, as if it and its twins had never been there."""
        likeness = self._space.among[number].copy()
        likeness[self.twins[number]] = 0.0
        own = self.holding(number)
        held = {concept: max(0, count - own[concept]) for concept, count in self.documents_with.items()}
        return _Seen(votes=self.votes_without(number), familiar=self._familiar(likeness), held=held)

    def alike(self, seen: _Seen, concept: int) -> float:
        """How far documents like the one seen have a concept beyond what is usual, -1 to 1."""
        usual = min(seen.held.get(concept, 0) / self.count, _COMMONEST)
        near = _beyond(seen.votes.near.get(concept, 0.0), usual)
        ridge = _beyond(seen.votes.ridge.get(concept, 0.0), usual) / self._clearest
        return (near + max(-1.0, min(1.0, ridge))) / 2 * seen.familiar

    def _familiar(self, likeness: Floats) -> float:
        return min(1.0, _third(likeness) / self._typical)

    @cached_property
    def _typical(self) -> float:
        """How like one of these is to others: half of them are more so."""
        likeness = self._space.among.copy()
        for number, twins in enumerate(self.twins):
            likeness[number, twins] = 0.0
        return max(float(np.median([_third(row) for row in likeness])), _LEAST_LIKE)

    @cached_property
    def _clearest(self) -> float:
        """How sure the ridge regression is of its surest term for one of these: of half of them surer."""
        best = [max(self.votes_without(at).ridge.values(), default=0.0) for at in range(self.count)]
        return max(float(np.median(best)), _LEAST_RIDGE)

    @property
    def words(self) -> list[str]:
        """Those that it knows, in the order of the arrays."""
        return list(self._space._telling)

    def because(self, sample: Sample, concept: int) -> tuple[list[str], int]:
        """See `Judged.because`."""
        column = self._seen.index(concept)
        documents = self._document[(self._column == column) & (self._value > 0)]
        share = len(documents) / (self.count + _DOUBTS)
        pulls: dict[str, float] = {}
        alike = np.zeros(self.count, dtype=np.float32)
        for word, weight in self._space._weighed(sample).items():
            found, weights = self._space._postings[word]
            theirs = np.isin(found, documents)
            alike[found] += weights * np.float32(weight)
            if (pull := float(weights[theirs].sum() - share * weights.sum()) * weight) > 0:
                pulls[word] = pull
        chosen: list[str] = []
        for word in nlargest(3 * _PULLED_AT_MOST, pulls, key=lambda one: (round(pulls[one], 6), one)):
            parts = {part for other in chosen for part in other.split()}
            if parts.isdisjoint(word.split()):
                chosen.append(word)
        like = int((alike[documents] >= alike[documents].max(initial=0.0) / 2).sum())
        return chosen[:_PULLED_AT_MOST], like

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `of` makes it from, beside the words."""
        space = self._space
        postings = [space._postings[word] for word in space._telling]
        return {
            "telling": np.array(list(space._telling.values())),
            "lengths": np.array([len(documents) for documents, _ in postings], dtype=np.int64),
            "documents": np.concatenate([documents for documents, _ in postings]),
            "places": np.concatenate([weights for _, weights in postings]),
            "inverse": self._inverse,
            "scale": np.array([self._typical, self._clearest]),
            "seen": np.array(self._seen, dtype=np.int64),
            "document": self._document,
            "column": self._column,
            "value": self._value,
        }

    @classmethod
    def of(cls, words: Sequence[str], arrays: Mapping[str, npt.NDArray[Any]]) -> "_Kept":
        """The one that `arrays` were made of; it votes on new documents only."""
        made = cls.__new__(cls)
        made._inverse = arrays["inverse"]
        made._typical, made._clearest = arrays["scale"].tolist()
        made.count = len(made._inverse)
        made._seen = arrays["seen"].tolist()
        made._document, made._column, made._value = (arrays[one] for one in ("document", "column", "value"))
        held = np.bincount(made._column[made._value > 0], minlength=len(made._seen))
        made.documents_with = dict(zip(made._seen, held.tolist(), strict=True))
        made._usual = (held / made.count).astype(np.float32)
        ends = np.cumsum(arrays["lengths"])[:-1]
        split = (np.split(arrays[one], ends) for one in ("documents", "places"))
        made._space = space = Space.__new__(Space)
        space._count, space._models = made.count, {}
        space._telling = dict(zip(words, arrays["telling"].tolist(), strict=True))
        space._postings = dict(zip(words, zip(*split, strict=True), strict=True))
        return made
