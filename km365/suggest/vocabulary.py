"""The terms of a text by the rules of each term set, from its words alone.

Lexical matching in the manner of Maui (Medelyan 2009) as NatLibFi/Annif's `annif/lexical/mllm.py` does it:
labels and synonyms of all languages are looked up as phrases of word stems, longest first, and weighed by how
specific the label is, how often and where it stands, and how it compares with the rest of its term set.
The same text and taxonomy always give the same answer.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, pairwise
from typing import NamedTuple

from km365.core.passages import Kind, Passage
from km365.core.tagging import Allowed, Suggestion
from km365.core.taxonomy import Evidence, Taxonomy, TermSet
from km365.core.written_in import language_of
from km365.suggest.index import ACRONYM, Index, build
from km365.suggest.labels import LabelKind
from km365.suggest.matching import Matcher
from km365.suggest.texts import PLACE_WEIGHT, Text, heaviest, heaviest_places, place_of

SCORE_MEANS = (
    "0 to 1: how much of the document speaks of the term, given its length. 0.5 is one clear mention in a "
    "short text or a handful in a long one; above 0.8 it is a main subject. It orders terms; it is not a "
    "probability."
)
_SHORT_TEXT_WORDS = 100
"""In a text this long one clear mention is worth a suggestion; longer texts need more, by square root."""
_HEADING_WORDS = 8
"""A paragraph this short without a full stop is read as a heading, for plain texts have no other."""
_LATER_IN_TITLE = 0.5
"""What comes first in a title says what the document is: `How to write a lesson` is guidance."""
_OPENING_WORDS = 55
_TELLING_LETTERS = 60
"""A passage this long may tell that it is in another language than the rest."""
_SPREAD_WORDS = 165
"""In longer texts a subject comes up in more than one place."""
_LISTED = 3
"""A passage that names more concepts of one term set than this is an enumeration; each counts for less."""
_OUTSIDE = (Kind.NAME, Kind.PROPERTY)
_NOT_IN_TEXT = 0.85
"""What only a file's name and properties say is less sure: `Budget tracking` may hold any kind of table."""
_WEAKER = {LabelKind.SHORT: 0.85, LabelKind.VARIANT: 0.9}


@dataclass(slots=True)
class _Found:
    """The evidence for one concept so far; `spots` are first words with the last and the weight of each."""

    mass: float = 0.0
    strength: float = 0.0
    parts: int = 0
    spots: dict[int, tuple[int, float]] = field(default_factory=dict)
    via: dict[int, float] = field(default_factory=dict)

    def add(self, first: int, last: int, weight: float, strength: float, part: int) -> bool:
        """Counts words from `first` to `last`; False where the same words reached it by another way."""
        if first in self.spots:
            return False
        self.mass += weight
        self.strength = max(self.strength, strength)
        self.parts |= part
        self.spots[first] = (last, weight)
        return True


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A text with the score of each concept (by number) that its words speak for, and why."""

    text: Text
    term_sets: Sequence[tuple[int, TermSet]]
    scores: dict[int, float] = field(default_factory=dict)
    evidence: dict[int, _Found] = field(default_factory=dict)

    def first_place(self, concept: int) -> int:
        """Where it is first spoken of; after all the text where it is not."""
        found = self.evidence.get(concept)
        return min(found.spots) if found else len(self.text.numbers)


class _Meaning(NamedTuple):
    """What a reading may mean, with the languages of each concept's label."""

    facet: int
    concepts: tuple[int, ...]
    languages: tuple[frozenset[str], ...]
    any_language: bool
    """Whether it cannot be a word of another language."""
    strength: float


_Heard = tuple[_Meaning, tuple[int, ...], int, int]
"""A label in a passage: its reading, the concepts it means there, its first and last word."""


class Vocabulary:
    """A taxonomy compiled for matching. Building it takes a while; keep it and use it for many texts."""

    def __init__(self, taxonomy: Taxonomy, index: Index | None = None) -> None:
        self.taxonomy = taxonomy
        self.index = index or build(taxonomy)
        self._matcher = Matcher(self.index)
        self._meanings: dict[int, _Meaning] = {}
        self._linked = _links(self.index)

    version = ""
    """Nothing was learnt."""

    def suggest(
        self,
        passages: Sequence[Passage],
        *,
        facets: Iterable[str] | None = None,
        office: str | None = None,
        allowed: Allowed | None = None,
    ) -> list[Suggestion]:
        """Terms that the passages are about, by term set in the taxonomy's order, best first in each.

        Thresholds and numbers follow each term set's rule; deprecated terms and terms kept for people are
        never suggested. `facets` restricts the answer to those term sets, `office` to what it may be
        offered (`Taxonomy.offered_to`), `allowed` to what may take a place.
        """
        weighed = self.weigh(passages, facets=facets)
        made = partial(self.suggestion, weighed)
        return self.chosen(weighed, weighed.scores, made, office=office, allowed=allowed)

    def weigh(self, passages: Sequence[Passage], *, facets: Iterable[str] | None = None) -> "Weighed":
        """The score of every concept that the words speak for, whether it reaches its threshold or not."""
        wanted = None if facets is None else set(facets)
        text = Text(self._matcher, passages)
        layout = _Layout(text)
        by_passage = self._by_passage(text, layout)
        evidence = {
            kind: _by_facet(self.index, self._evidence(by_passage, layout, opening=kind is Evidence.OPENING))
            for kind in Evidence
        }
        sets = [
            (number, one)
            for number, one in enumerate(self.taxonomy.term_sets)
            if wanted is None or one.key in wanted
        ]
        anywhere = evidence[Evidence.ANYWHERE]
        asked = {number for number, _ in sets}
        subjects = (  # what the text is about does not depend on which columns are to be filled this time
            number
            for number, one in enumerate(self.taxonomy.term_sets)
            if one.rule.evidence is Evidence.ANYWHERE and (one.column or number in asked)
        )
        main = max((found.mass for number in subjects for _, found in anywhere.get(number, ())), default=0.0)
        weighed = Weighed(text=text, term_sets=sets)
        for number, one in sets:
            known = evidence[one.rule.evidence].get(number, [])
            self._score(one, known, layout, weighed, main_subject=main)
        return weighed

    def chosen(
        self,
        weighed: "Weighed",
        scores: Mapping[int, float],
        made: Callable[[int, float], Suggestion],
        *,
        office: str | None = None,
        allowed: Allowed | None = None,
    ) -> list[Suggestion]:
        """The concepts that the rules of their term sets let through, `made` suggestions of.

        `scores` are those of `weighed` or others made of them, of any open concepts by number.
        """
        by_set: dict[int, list[tuple[float, int, int]]] = {}
        offered = self.taxonomy.offered_to
        least = {number: one.rule.threshold for number, one in weighed.term_sets}
        for concept, score in scores.items():
            number = self.index.concept_facet[concept]
            if score < least.get(number, math.inf):
                continue
            if office is None or offered(office, self.index.concept_ids[concept]):
                by_set.setdefault(number, []).append((-score, weighed.first_place(concept), concept))
        found: list[Suggestion] = []
        for number, one in weighed.term_sets:
            best = (made(concept, -score) for score, _, concept in sorted(by_set.get(number, ())))
            found += islice(filter(allowed, best) if allowed else best, one.rule.at_most)
        return found

    def _by_passage(self, text: Text, layout: "_Layout") -> list[tuple[int, list[_Heard]]]:
        """What each passage says, by its number: the labels in it with their concepts."""
        found: list[tuple[int, list[_Heard]]] = []
        number, end = -1, -1
        for reading, first, last in text.hits:
            if first > end:
                number = text.passage_of(first)
                end = text.ends[number]
                found.append((number, []))
            meaning = self._meanings.get(reading) or self._meaning(reading)
            concepts = meaning.concepts if meaning.any_language else layout.meant(meaning, number)
            if concepts:
                found[-1][1].append((meaning, concepts, first, last))
        return found

    def _meaning(self, reading: int) -> "_Meaning":
        index = self.index
        entries = slice(index.reading_first[reading], index.reading_first[reading + 1])
        concepts = tuple(index.entry_concept[entries])
        kind = min(index.entry_kind[entries])
        self._meanings[reading] = made = _Meaning(
            facet=index.reading_facet[reading],
            concepts=concepts,
            languages=tuple(
                frozenset(one for at, one in enumerate(index.languages) if bits >> at & 1)
                for bits in index.entry_languages[entries]
            ),
            any_language=index.reading_size[reading] > 2 or index.reading_as_written[reading] > 0,
            strength=_strength(index, reading) * _WEAKER.get(LabelKind(kind), 1.0),
        )
        return made

    def _evidence(
        self, by_passage: Sequence[tuple[int, list[_Heard]]], layout: "_Layout", *, opening: bool
    ) -> dict[int, _Found]:
        """What speaks for each concept, by number; through links to other term sets too.

        A label says less where its passage lists many of the term set, and where it may mean several.
        """
        found: dict[int, _Found] = {}
        linked = self._linked
        defined = _defined(by_passage, layout) if opening else frozenset()
        for number, heard in by_passage:
            if opening and not layout.opens(number):
                continue
            listed, begins = _sets_of(heard)
            here = layout.weight(number) * (layout.says_what_it_is(number) if opening else 1.0)
            part = 1 << layout.part(number)
            for meaning, concepts, first, last in heard:
                if not defined.isdisjoint(concepts):
                    continue
                weight = here * meaning.strength / len(concepts)
                if listed[meaning.facet] > _LISTED:
                    weight *= _LISTED / listed[meaning.facet]
                if opening and first != begins[meaning.facet]:
                    weight *= _LATER_IN_TITLE
                for concept in concepts:
                    evidence = found.get(concept) or found.setdefault(concept, _Found())
                    evidence.add(first, last, weight, meaning.strength, part)
                    for other, share in linked.get(concept, ()):
                        evidence = found.get(other) or found.setdefault(other, _Found())
                        strength = meaning.strength * (0.85 + 0.15 * share)
                        if evidence.add(first, last, weight * share, strength, part):
                            evidence.via[concept] = evidence.via.get(concept, 0.0) + weight * share
        return found

    def _score(
        self,
        term_set: TermSet,
        found: Sequence[tuple[int, _Found]],
        layout: "_Layout",
        weighed: "Weighed",
        *,
        main_subject: float,
    ) -> None:
        """Scores the concepts of one term set; `main_subject` is the most evidence there is for any."""
        known = {concept: evidence for concept, evidence in found if self.index.concept_open[concept]}
        if not known:
            return
        opening = term_set.rule.evidence is Evidence.OPENING
        most = max(evidence.mass for evidence in known.values())
        if not opening:  # a passing mention is small beside what the document is about, whatever the facet
            most = (most + main_subject) / 2
        length = min(layout.words, _SHORT_TEXT_WORDS) if opening else layout.words
        scale = 0.8 * math.sqrt(max(1.0, length / _SHORT_TEXT_WORDS))
        spreads = not opening and layout.words >= _SPREAD_WORDS
        weighed.evidence.update(known)
        for concept, evidence in known.items():
            amount = 1.0 - math.exp(-evidence.mass / scale)
            beside_others = 0.5 + 0.5 * math.sqrt(evidence.mass / most)
            spread = 0.7 + 0.1 * min(3, evidence.parts.bit_count()) if spreads else 1.0
            outside = _NOT_IN_TEXT if layout.is_outside(evidence.spots) else 1.0
            weighed.scores[concept] = round(evidence.strength * amount * beside_others * spread * outside, 3)

    def suggestion(self, weighed: "Weighed", concept: int, score: float) -> Suggestion:
        """The suggestion of a concept that the words speak for, with the words and places that do."""
        text, evidence = weighed.text, weighed.evidence[concept]
        said: dict[str, float] = {}
        places: dict[str, float] = {}
        for first, (last, weight) in evidence.spots.items():
            quote, place = text.quote(first, last), place_of(text.passages[text.passage_of(first)])
            said[quote] = said.get(quote, 0.0) + weight
            places[place] = places.get(place, 0.0) + weight
        via = {self.index.concept_ids[other]: weight for other, weight in evidence.via.items()}
        return Suggestion(
            concept_id=self.index.concept_ids[concept],
            facet=self.taxonomy.term_sets[self.index.concept_facet[concept]].key,
            score=score,
            words=heaviest(said, 4),
            places=heaviest_places(places),
            count=len(evidence.spots),
            via=heaviest(via, 3),
        )


def _by_facet(index: Index, found: Mapping[int, _Found]) -> dict[int, list[tuple[int, _Found]]]:
    sets: dict[int, list[tuple[int, _Found]]] = {}
    for concept, evidence in found.items():
        sets.setdefault(index.concept_facet[concept], []).append((concept, evidence))
    return sets


def _links(index: Index) -> dict[int, list[tuple[int, float]]]:
    """The concepts for which the words of each count too, and how far."""
    found: dict[int, list[tuple[int, float]]] = {}
    for concept, (begin, end) in enumerate(pairwise(index.link_first)):
        if begin < end:
            weights = (round(weight, 3) for weight in index.link_weight[begin:end])
            found[concept] = list(zip(index.links[begin:end], weights, strict=True))
    return found


def _defined(by_passage: Sequence[tuple[int, list[_Heard]]], layout: "_Layout") -> frozenset[int]:
    """The concepts that the opening explains: a page on what an innovation is is none itself."""
    return frozenset(
        concept
        for number, heard in by_passage
        if layout.opens(number)
        for _, concepts, first, last in heard
        if layout.text.is_defined(first, last)
        for concept in concepts
    )


def _sets_of(heard: Sequence[_Heard]) -> tuple[dict[int, int], dict[int, int]]:
    """How many concepts a passage names of each term set, and its first word that names one."""
    named: dict[int, set[int]] = {}
    begins: dict[int, int] = {}
    for meaning, concepts, first, _ in heard:
        if meaning.facet in begins:
            named[meaning.facet].update(concepts)
        else:
            begins[meaning.facet] = first
            named[meaning.facet] = set(concepts)
    return {facet: len(concepts) for facet, concepts in named.items()}, begins


class _Layout:
    """The passages with what scoring asks of them: position, length, language."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self._starts: list[int] = []
        self._languages: dict[int, str | None] = {}
        total, begin = 0, 0
        for passage, end in zip(text.passages, text.ends, strict=True):
            self._starts.append(total)
            if passage.kind not in _OUTSIDE:
                total += end - begin
            begin = end + 1
        self.words = total

    def opens(self, number: int) -> bool:
        """Whether the passage says what the document is."""
        kind = self.text.passages[number].kind
        return kind in (Kind.NAME, Kind.TITLE, Kind.PROPERTY) or self._starts[number] < _OPENING_WORDS

    def says_what_it_is(self, number: int) -> float:
        """How far a passage of the opening names the document, rather than telling of something."""
        passage = self.text.passages[number]
        if passage.kind in (Kind.NAME, Kind.TITLE, Kind.PROPERTY, Kind.HEADING):
            return 1.0
        short = len(passage.text.split()) <= _HEADING_WORDS and not passage.text.rstrip().endswith(".")
        return 1.0 if short and passage.kind is Kind.BODY else 0.4

    def weight(self, number: int) -> float:
        """How much a word of the passage says."""
        early = 1.3 if self._starts[number] < _OPENING_WORDS else 1.0
        return PLACE_WEIGHT[self.text.passages[number].kind] * early

    def is_outside(self, spots: Iterable[int]) -> bool:
        """Whether the words stand only in the file's name and properties, beside a text without them."""
        text = self.text
        return self.words > 0 and all(text.passages[text.passage_of(one)].kind in _OUTSIDE for one in spots)

    def part(self, number: int) -> int:
        """Which tenth of the document the passage stands in."""
        return 10 * self._starts[number] // (self.words + 1)

    def meant(self, meaning: _Meaning, number: int) -> tuple[int, ...]:
        """The concepts that a single word means in the language of the passage.

        Words of another language are false friends too often (`data` is a date in Portuguese).
        """
        language = self._language(number)
        if language is None:
            return meaning.concepts
        known = zip(meaning.concepts, meaning.languages, strict=True)
        return tuple(concept for concept, languages in known if language in languages)

    def _language(self, number: int) -> str | None:
        if number not in self._languages:
            passage, whole = self.text.passages[number], self.text.language
            told = passage.language or whole
            if passage.language is None and len(passage.text) > _TELLING_LETTERS:
                told = language_of(passage.text, default=whole)
            self._languages[number] = told
        return self._languages[number]


def _strength(index: Index, reading: int) -> float:
    """How surely the label alone means its concept: phrases more than words, long words more than short."""
    size, letters = index.reading_size[reading] / 2, index.reading_letters[reading]
    if size >= 3:
        return 1.0
    if size >= 2:
        return 0.95
    acronym = index.reading_as_written[reading] == ACRONYM
    return 0.85 if acronym or letters >= 9 else 0.75 if letters >= 5 else 0.6
