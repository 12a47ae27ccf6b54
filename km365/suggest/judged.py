"""Terms by the rules of a taxonomy, and by what people kept, refused and missed of earlier suggestions.

Two know something about a document: the rules of the term sets by its words (`vocabulary`), and what was
learnt from the judged documents by words, meaning and likeness together (`suggester`, `learning`). Their
scores are put together by five weights that are held to hand-set ones and fitted on the judged documents,
each seen as if it and its translations had never been judged. What results is the chance that a person
keeps the term.
"""

import io
import json
import logging
import math
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from km365.core.passages import Passage
from km365.core.tagging import Allowed, Part, Suggestion
from km365.core.taxonomy import Taxonomy
from km365.core.text import STOP, Stems, clean, spans
from km365.suggest import fusion
from km365.suggest.fusion import EXAMPLES, MEANING, WORDS, Weights
from km365.suggest.index_file import write_whole
from km365.suggest.learning import Learning, packed, unpacked
from km365.suggest.meaning import Floats
from km365.suggest.suggester import Document, Read, Suggester
from km365.suggest.texts import heaviest_places, place_of
from km365.suggest.vocabulary import Vocabulary, Weighed

_log = logging.getLogger(__name__)
FEWEST = 10
"""From fewer documents with terms that may be suggested nothing general is learnt."""
MOST = 2_000
"""Of more, so many are learnt from, spread evenly."""
FILE = "judged.npz"
_FORMAT = 3
_LEAST, _MOST = 0.03, 0.97
"""No score is surer than this when it is put together with another."""
_LIKELY_LEAST = 0.05
"""What is less probable by what was learnt is not looked at where the words do not speak of it."""
_LIKELY_MOST = 30
_DOUBTS = 3
"""What people say of a term where it was suggested counts beside so many judgements of the usual kind."""
_QUOTED_LETTERS = 90

_MEASURES = ("words", "suggested", "likely", "likely_alone", "alone", "trusted")
_FIRST = Weights(weights=np.array([1.0, 0.0, 0.25, 1.0, 0.0, 1.0], dtype=np.float32), bias=0.0)
"""`words`, the logit of the rules' score, keeps its weight; `suggested` is 1 where it reaches the threshold.

`likely` is the logit of what was learnt where the words speak of the term too (0 at about one in four), and
`likely_alone` where they do not, which `alone` says. `trusted` is how much more often than others the term
was kept where the words suggested it.
"""
_HELD = (1e9, 10.0, 10.0, 10.0, 10.0, 10.0, 1e9)
"""Units of information that each weight is worth, and what is added to their sum."""
_LEAST_SPREAD = 1.0
"""What one refusal in a dozen documents says of a term is not to count for everything."""
_BOUNDS = np.array([[1.0, -np.inf, 0.0, 0.0, -np.inf, 0.0], [1.0, *[np.inf] * 5]], dtype=np.float32)
"""More evidence never speaks against a term."""


@dataclass(frozen=True, kw_only=True)
class _Judgement:
    """What people said of one document, concepts by number; `scores` are those of the rules by its words.

    `kept` and `refused` had been suggested, `missed` had not and were added.
    """

    kept: frozenset[int]
    missed: frozenset[int]
    refused: frozenset[int]
    scores: Mapping[int, float]

    @property
    def right(self) -> frozenset[int]:
        return self.kept | self.missed

    @property
    def said(self) -> frozenset[int]:
        return self.right | self.refused


class Training:
    """Documents that people judged, given one by one, at most `MOST`; `finish` learns from them."""

    def __init__(self, words: Vocabulary, suggester: Suggester, count: int) -> None:
        """`suggester` has the same index as `words`; `count` is how many documents there will be at most."""
        self._words, self._suggester = words, suggester
        self._learning = Learning(suggester, count)
        self._judged: list[_Judgement] = []

    def add(
        self,
        passages: Sequence[Passage],
        *,
        kept: Iterable[str] = (),
        missed: Iterable[str] = (),
        refused: Iterable[str] = (),
        tagged: Iterable[str] = (),
    ) -> None:
        """A document with concept ids: suggested and kept, added by a person, suggested and taken out.

        `tagged` are those that somebody gave it without having seen a suggestion.
        """
        weighed = self._words.weigh(passages)
        one = _Judgement(
            kept=self._numbers(kept),
            missed=self._numbers(missed),
            refused=self._numbers(refused),
            scores=weighed.scores,
        )
        wrong, given = one.refused, self._numbers(tagged)
        if given:
            one = self._as_if_suggested(one, given)
        facets = self._words.index.concept_facet
        asked = frozenset(facets[concept] for concept in one.right)
        document = Document(passages=passages)
        self._learning.add(document, one.right, wrong, asked=asked, text=weighed.text)
        self._judged.append(one)

    def _as_if_suggested(self, one: _Judgement, given: frozenset[int]) -> _Judgement:
        """With what would have become of the words' suggestions in the term sets that somebody filled."""
        facet, sets = self._words.index.concept_facet, self._words.taxonomy.term_sets
        filled = {facet[concept] for concept in given}
        said = {
            concept
            for concept, score in one.scores.items()
            if facet[concept] in filled and score >= sets[facet[concept]].rule.threshold
        }
        return replace(
            one,
            kept=one.kept | (given & said),
            missed=one.missed | (given - said - one.kept),
            refused=one.refused | (said - given - one.right),
        )

    def _numbers(self, ids: Iterable[str]) -> frozenset[int]:
        found = (_number(self._words, one) for one in ids)
        return frozenset(one for one in found if one is not None)

    def finish(self) -> "Judged | None":
        """What `Judged.suggest` needs; None where too few documents say something of a term that is open."""
        open_ = self._words.index.concept_open
        if sum(any(open_[concept] for concept in one.said) for one in self._judged) < FEWEST:
            return None
        kept = Counter(concept for one in self._judged for concept in one.kept)
        refused = Counter(concept for one in self._judged for concept in one.refused)
        probable = self._learning.probable(self._learning.finish())
        made = Judged(self._words, self._suggester, kept, refused, weights=_FIRST, count=len(self._judged))
        rows, right = [], []
        for at, (numbers, scores) in probable.items():
            one = self._judged[at]
            likely = dict(zip(numbers.tolist(), scores.tolist(), strict=True))
            told = sorted(one.kept | one.refused | _brought(likely, one))
            rows.append(made.rows(told, one.scores, likely, own=one))
            right.append(np.isin(told, sorted(one.right)))
        fitted = fusion.fitted(_FIRST, rows, right, held=_HELD, least_spread=_LEAST_SPREAD)
        made.weights = Weights(weights=np.clip(fitted.weights, *_BOUNDS), bias=0.0)
        return made


def _number(words: Vocabulary, concept_id: str) -> int | None:
    """That of the concept an id means now, as old ids stay aliases; None where there is none."""
    return words.index.concept_number.get(words.taxonomy.id_now(concept_id))


def _brought(likely: Mapping[int, float], one: _Judgement) -> set[int]:
    """What the other documents would bring for one, and nobody had suggested."""
    unsaid = [
        concept for concept, score in likely.items() if score >= _LIKELY_LEAST and concept not in one.scores
    ]
    return set(sorted(unsaid, key=lambda concept: (-likely[concept], concept))[:_LIKELY_MOST])


class Judged:
    """See the module; `Training` and `opened` make it. Keep it and use it for many texts."""

    def __init__(
        self,
        words: Vocabulary,
        suggester: Suggester,
        kept: Mapping[int, int],
        refused: Mapping[int, int],
        *,
        weights: Weights,
        count: int,
    ) -> None:
        """`count` is how many documents it was learnt from."""
        self._words, self._suggester = words, suggester
        self._kept, self._refused = kept, refused
        all_kept, all_refused = sum(kept.values()), sum(refused.values())
        self._usual = (all_kept + 8) / (all_kept + all_refused + 10)
        self.weights, self.count = weights, count

    @property
    def taxonomy(self) -> Taxonomy:
        """The terms it chooses from."""
        return self._words.taxonomy

    @property
    def version(self) -> str:
        """Changes with whatever was learnt."""
        head, arrays = self._packed()
        digest = blake2b(json.dumps(head, ensure_ascii=False).encode(), digest_size=16)
        for name, array in sorted(arrays.items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def suggest(
        self,
        passages: Sequence[Passage],
        *,
        facets: Iterable[str] | None = None,
        office: str | None = None,
        allowed: Allowed | None = None,
    ) -> list[Suggestion]:
        """Terms that the passages are about; see `Vocabulary.suggest`. The score is as the module says."""
        weighed = self._words.weigh(passages, facets=facets)
        seen = _Seen(self._suggester, weighed)
        told = [one for one, score in seen.likely.items() if score >= _LIKELY_LEAST or one in weighed.scores]
        told = sorted(self._open(weighed, {*told, *weighed.scores}))
        scores = self.weights.score(self.rows(told, weighed.scores, seen.likely))
        rounded = dict(zip(told, (min(round(score, 3), 0.999) for score in scores.tolist()), strict=True))
        made = partial(self._suggestion, weighed, seen)
        return self._words.chosen(weighed, rounded, made, office=office, allowed=allowed)

    def _open(self, weighed: Weighed, concepts: Iterable[int]) -> list[int]:
        """Those of the term sets wanted that are open for tagging."""
        index, wanted = self._words.index, {number for number, _ in weighed.term_sets}
        return [one for one in concepts if index.concept_open[one] and index.concept_facet[one] in wanted]

    def rows(
        self,
        concepts: Sequence[int],
        scores: Mapping[int, float],
        likely: Mapping[int, float],
        *,
        own: _Judgement | None = None,
    ) -> Floats:
        """The measures of concepts by what the words and what was learnt say; `own` judgements left out."""
        sets, facet = self.taxonomy.term_sets, self._words.index.concept_facet
        found = np.zeros((len(concepts), len(_MEASURES)), dtype=np.float32)
        for at, concept in enumerate(concepts):
            score, probable = scores.get(concept, 0.0), _logit(likely.get(concept, 0.0))
            if score <= 0:
                found[at, 3:5] = probable, 1
                continue
            kept, refused = self._kept.get(concept, 0), self._refused.get(concept, 0)
            if own is not None:
                kept, refused = kept - (concept in own.kept), refused - (concept in own.refused)
            trusted = (kept + _DOUBTS * self._usual) / (kept + refused + _DOUBTS)
            suggested = score >= sets[facet[concept]].rule.threshold
            found[at] = _logit(score), suggested, probable + 1, 0, 0, _logit(trusted) - _logit(self._usual)
        return found

    def _suggestion(self, weighed: Weighed, seen: "_Seen", concept: int, score: float) -> Suggestion:
        """The suggestion with what spoke for it."""
        index = self._words.index
        facet = self.taxonomy.term_sets[index.concept_facet[concept]]
        part = seen.loudest(concept) if concept in seen.likely else Part.WORDS
        if weighed.scores.get(concept, 0.0) >= facet.rule.threshold or (
            part is Part.WORDS and concept in weighed.evidence
        ):
            return self._words.suggestion(weighed, concept, score)
        made = Suggestion(
            concept_id=index.concept_ids[concept],
            facet=facet.key,
            score=score,
            words=(),
            places=(),
            count=0,
            part=part,
        )
        if part is Part.EXAMPLES:
            stems, like = seen.because(concept)
            words, _ = written(weighed.text.passages, stems)
            return replace(made, words=words, places=(f"like {like} documents tagged so",))
        if part is Part.MEANING:
            words, places = _quoted(weighed.text.passages, seen.nearest_sentence(concept))
        else:
            words, places = written(weighed.text.passages, self._label_stems(concept, weighed.text.language))
        return replace(made, words=words, places=places) if words else self._through_broader(weighed, made)

    def _label_stems(self, concept: int, language: str | None) -> list[str]:
        """The stems of a concept's label."""
        label = clean(self.taxonomy.by_id[self._words.index.concept_ids[concept]].label(language or "en"))
        found = (Stems()[label[begin:end]] for begin, end in spans(label))
        return [stem for stem in dict.fromkeys(found) if stem and stem != STOP]

    def _through_broader(self, weighed: Weighed, made: Suggestion) -> Suggestion:
        """With the words that name a broader term, where those are what speaks for it."""
        index = self._words.index
        concept = index.concept_number[made.concept_id]
        for above in index.broader[index.broader_first[concept] : index.broader_first[concept + 1]]:
            if above in weighed.evidence:
                said = self._words.suggestion(weighed, above, made.score)
                return replace(made, words=said.words, places=said.places, via=(said.concept_id,))
        return made

    # Keeping --------------------------------------------------------------------------------------------

    def _packed(self) -> tuple[dict[str, object], dict[str, Floats]]:
        ids, known = self._suggester.ids, self._suggester.known
        if known is None:
            raise ValueError("Nothing was learnt.")
        learnt, arrays = packed(self._suggester, known)
        head = {
            "format": _FORMAT,
            "count": self.count,
            "kept": {ids[number]: count for number, count in self._kept.items()},
            "refused": {ids[number]: count for number, count in self._refused.items()},
            "learnt": learnt,
        }
        return head, {"together": self.weights.weights, **arrays}

    def save(self, folder: Path) -> None:
        """Keeps it in the folder, whole or not at all: numbers and JSON, so that reading can run nothing."""
        head, arrays = self._packed()
        made = io.BytesIO()
        text = np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8)
        np.savez(made, allow_pickle=False, head=text, **arrays)
        write_whole(folder / FILE, made.getvalue())


def opened(folder: Path, words: Vocabulary, suggester: Suggester) -> Judged | None:
    """What `Judged.save` kept there; None where there is nothing, or (with a warning) nothing usable."""
    path = folder / FILE
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
        head = json.loads(arrays.pop("head").tobytes())
        models = head["learnt"]["names"]["whole"]["models"] if head["format"] == _FORMAT else None
        if models != sorted(suggester.models):
            raise ValueError(head["format"])
        suggester.known = unpacked(head["learnt"], arrays, lambda one: _number(words, one))
        return Judged(
            words,
            suggester,
            _renumbered(words, head["kept"]),
            _renumbered(words, head["refused"]),
            weights=Weights(weights=arrays["together"], bias=0.0),
            count=head["count"],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile):
        _log.warning("What was learnt in %s cannot be used; km365 tag learn makes it anew.", path)
        return None


def forget(folder: Path) -> None:
    """Deletes what was kept."""
    (folder / FILE).unlink(missing_ok=True)


def _renumbered(words: Vocabulary, counts: Mapping[str, int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for concept_id, count in counts.items():
        if (number := _number(words, concept_id)) is not None:
            found[number] += count
    return found


class _Seen:
    """A document as what was learnt sees it: `likely` is the probability of each candidate by number."""

    def __init__(self, suggester: Suggester, weighed: Weighed) -> None:
        self._suggester = suggester
        self.read: Read = suggester.read(Document(passages=weighed.text.passages), weighed.text)
        numbers, self._rows = suggester.measure(self.read, suggester.votes(self.read))
        self._row = {number: at for at, number in enumerate(numbers.tolist())}
        scores = suggester.weights.score(self._rows).tolist()
        self.likely: dict[int, float] = dict(zip(self._row, scores, strict=True))

    def loudest(self, concept: int) -> Part:
        """Which part speaks loudest for a concept."""
        counted = self._rows[self._row[concept]] * self._suggester.weights.weights
        ends = np.cumsum([0, len(WORDS), len(MEANING), len(EXAMPLES)]).tolist()
        sums = {
            part: round(float(counted[begin:end].sum()), 6)
            for part, begin, end in zip(
                (Part.WORDS, Part.MEANING, Part.EXAMPLES), ends, ends[1:], strict=False
            )
        }
        return max(sums, key=sums.__getitem__)

    def nearest_sentence(self, concept: int) -> str:
        """The sentence whose meaning is nearest to a concept's label."""
        return self._suggester.nearest_sentence(self.read, concept)

    def because(self, concept: int) -> tuple[list[str], int]:
        """The text's words that pull a concept, as stems; how many documents with it are like the text."""
        known = self._suggester.known
        return known.learned.because(self.read.sample(), concept) if known else ([], 0)


def _logit(share: float) -> float:
    share = min(max(share, _LEAST), _MOST)
    return math.log(share / (1 - share))


def _quoted(passages: Sequence[Passage], sentence: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The beginning of a sentence, and where it stands."""
    short = " ".join(sentence[:_QUOTED_LETTERS].split())
    cut = short if len(sentence) <= _QUOTED_LETTERS else f"{short.rsplit(' ', 1)[0]}…"
    place = next((place_of(one) for one in passages if sentence[:_QUOTED_LETTERS] in one.text), None)
    return (cut,), heaviest_places({place: 1.0}) if place else ()


def written(passages: Sequence[Passage], stems: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the stems, or pairs of stems with a space between, are first written in the passages, and where."""
    known, left = Stems(), dict.fromkeys(stems, "")
    missing = set(stems)
    places: dict[str, float] = {}
    for passage in passages:
        text, before = clean(passage.text), ("", 0)
        for start, end in spans(text):
            stem = known[text[start:end]]
            for one, begin in ((stem, start), (f"{before[0]} {stem}", before[1])):
                if one in missing:
                    missing.discard(one)
                    left[one] = " ".join(text[begin:end].split())
                    places.setdefault(place_of(passage), 1.0)
            if stem:
                before = ("", 0) if stem == STOP else (stem, start)
        if not missing:
            break
    return tuple(one for one in left.values() if one), heaviest_places(places)
