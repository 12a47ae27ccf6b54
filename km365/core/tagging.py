"""Which terms a text is about, and which of its words say so.

Lexical matching in the manner of Maui (Medelyan 2009) as NatLibFi/Annif's `annif/lexical/mllm.py` does it:
labels and synonyms of all languages are looked up as phrases of word stems, longest first, and weighed by how
specific the label is, how often and where it stands, and how it compares with the rest of its term set.
The same text and taxonomy always give the same answer.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

from km365.core.passages import Kind, Passage
from km365.core.taxonomy import Concept, Evidence, Link, Taxonomy, TermSet, all_labels
from km365.core.text import STOP, Stems, clean, language_of, phrases, spans, words

SCORE_MEANS = (
    "0 to 1: how much of the document speaks of the term, given its length. 0.5 is one clear mention in a "
    "short text or a handful in a long one; above 0.8 it is a main subject. It orders terms; it is not a "
    "probability."
)

_WEIGHT = {
    Kind.NAME: 3.0,
    Kind.TITLE: 4.0,
    Kind.HEADING: 2.0,
    Kind.BODY: 1.0,
    Kind.NOTE: 0.8,
    Kind.TABLE: 0.7,
    Kind.PROPERTY: 1.5,
}
_LINK_WEIGHT = {Link.EXACT: 0.9, Link.CLOSE: 0.7, Link.BROAD: 0.7}
_SHORT_TEXT_WORDS = 150
"""In a text this long one clear mention is worth a suggestion; longer texts need more, by square root."""
_OPENING_WORDS = 80
_HEADING_WORDS = 8
"""A paragraph this short without a full stop is read as a heading, for plain texts have no other."""
_TITLE_WORDS = 30
"""A first line of plain text this short, without a full stop, is read as its title."""
_WIDEST_PAGE = 120
"""A text with a longer line was not broken for width."""
_FULL_LINE = 60
"""A line of plain text at least this long, without a full stop, goes on in the next."""
_LATER_IN_TITLE = 0.5
"""What comes first in a title says what the document is: `How to write a lesson` is guidance."""
_SHOUTED_WORDS = 3
"""In a longer line of capitals an acronym cannot be told from a word: `PEOPLE WHO LEARN`."""
_SPREAD_WORDS = 250
"""In longer texts a subject comes up in more than one place."""
_LISTED = 3
"""A passage that names more concepts of one term set than this is an enumeration; each counts for less."""


class Part(StrEnum):
    """What made a suggestion."""

    WORDS = "words"
    """Labels and synonyms that stand in the text."""
    EXAMPLES = "examples"
    """Documents that were tagged before."""
    MEANING = "meaning"
    """A vector model finds text and label close."""
    CORRECTED = "corrected"
    """What people said of earlier suggestions."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A term, its score (see `SCORE_MEANS`) and the words that made it.

    `words` are quoted as written, the weightiest first; `places` say where; `via` are the concepts of other
    term sets through which it was found (`topic/immunization` speaks for `goal-area/1`). `part` is what spoke
    loudest for it.
    """

    concept_id: str
    facet: str
    score: float
    words: tuple[str, ...]
    places: tuple[str, ...]
    count: int
    via: tuple[str, ...] = ()
    part: Part = Part.WORDS


class Suggests(Protocol):
    """Whatever chooses terms for a text: words alone, or words, examples and meaning together."""

    def suggest(
        self, passages: Sequence[Passage], *, facets: Iterable[str] | None = None
    ) -> list[Suggestion]:
        """Terms that the passages are about, by term set in the taxonomy's order, best first in each."""
        ...


class _Entry(NamedTuple):
    """One label in the index. `capitals` are the acronyms in it, which must be written as such."""

    concept: int
    facet: str
    strength: float
    single: bool
    languages: frozenset[str]
    capitals: frozenset[str]


class _Hit(NamedTuple):
    entry: _Entry
    passage: int
    first: int
    last: int


@dataclass
class _Found:
    """The evidence for one concept so far."""

    mass: float = 0.0
    strength: float = 0.0
    words: dict[str, float] = field(default_factory=dict)
    places: dict[str, float] = field(default_factory=dict)
    parts: set[int] = field(default_factory=set)
    hits: set[tuple[int, int]] = field(default_factory=set)
    via: dict[str, float] = field(default_factory=dict)

    def add(self, weight: float, hit: _Hit, quote: str, place: str, part: int) -> None:
        self.mass += weight
        self.words[quote] = self.words.get(quote, 0.0) + weight
        if place:
            self.places[place] = self.places.get(place, 0.0) + weight
        self.parts.add(part)
        self.hits.add((hit.passage, hit.first))


class Vocabulary:
    """A taxonomy compiled for matching. Building it takes a while; keep it and use it for many texts."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._concepts: list[Concept] = []
        self._facets: list[TermSet] = []
        self._stems = Stems()
        self._root: dict[str, Any] = {}
        for term_set in taxonomy.term_sets:
            for concept in term_set.concepts:
                self._add(concept, term_set)

    def _add(self, concept: Concept, term_set: TermSet) -> None:
        number = len(self._concepts)
        self._concepts.append(concept)
        self._facets.append(term_set)
        labels: dict[tuple[str, ...], tuple[set[str], set[str]]] = {}
        for language, text, _ in all_labels(concept):
            capitals = {word for word in words(clean(text)) if len(word) > 1 and word.isupper()}
            for stems in phrases(text, language, self._stems):
                known = labels.setdefault(stems, (set(), capitals))
                known[0].add(language)
                known[1].intersection_update(capitals)  # one spelling without capitals is enough
        for stems, (languages, capitals) in labels.items():
            node = self._root
            for stem in stems:
                node = node.setdefault(stem, {})
            bare = [stem for stem in stems if stem != STOP]
            entry = _Entry(
                concept=number,
                facet=term_set.key,
                strength=_strength(bare, acronym=bool(capitals)),
                single=len(bare) == 1,
                languages=frozenset(languages),
                capitals=frozenset(capitals),
            )
            node.setdefault("", []).append(entry)

    def suggest(
        self, passages: Sequence[Passage], *, facets: Iterable[str] | None = None
    ) -> list[Suggestion]:
        """Terms that the passages are about, by term set in the taxonomy's order, best first in each.

        Thresholds and numbers follow each term set's rule; deprecated terms and terms kept for people are
        never suggested. `facets` restricts the answer to those term sets.
        """
        wanted = None if facets is None else set(facets)
        hits = [hit for number, passage in enumerate(passages) for hit in self._scan(passage.text, number)]
        layout = _Layout(passages)
        hits = [hit for hit in hits if _right_language(hit.entry, hit.passage, layout)]
        evidence = {kind: self._evidence(hits, layout, kind) for kind in Evidence}
        sets = [s for s in self.taxonomy.term_sets if wanted is None or s.key in wanted]
        anywhere = evidence[Evidence.ANYWHERE]
        subjects = (c.id for s in sets if s.rule.evidence is Evidence.ANYWHERE for c in s.concepts)
        main = max((anywhere[one].mass for one in subjects if one in anywhere), default=0.0)
        return [one for s in sets for one in _choose(s, evidence[s.rule.evidence], layout, main_subject=main)]

    def _scan(self, text: str, number: int) -> list[_Hit]:
        """The longest match of each term set at each place; none overlaps another of its set."""
        written = words(text)
        stems = list(map(self._stems.__getitem__, written))
        shouted = text.isupper() and len(written) > _SHOUTED_WORDS
        hits: list[_Hit] = []
        taken: dict[str, int] = {}
        root, end = self._root, len(stems)
        for at in [place for place, stem in enumerate(stems) if stem in root]:
            node = root[stems[at]]
            best: dict[str, tuple[int, list[_Entry]]] = {}
            ahead = at
            while node is not None:
                for entry in node.get("", ()):
                    if not entry.capitals or _written_in_capitals(entry, written[at : ahead + 1], shouted):
                        last, entries = best.get(entry.facet, (ahead, []))
                        best[entry.facet] = (ahead, [*entries, entry] if last == ahead else [entry])
                ahead += 1
                while ahead < end and not stems[ahead]:
                    ahead += 1
                node = node.get(stems[ahead]) if ahead < end else None
            for facet, (last, entries) in best.items():
                if taken.get(facet, -1) < at:
                    taken[facet] = last
                    hits += [_Hit(entry, number, at, last) for entry in entries]
        return hits

    def _evidence(self, hits: Sequence[_Hit], layout: "_Layout", evidence: Evidence) -> dict[str, _Found]:
        """What speaks for each concept, by id; through links to other term sets too."""
        opening = evidence is Evidence.OPENING
        hits = [hit for hit in hits if not opening or layout.opens(hit.passage)]
        listed: dict[tuple[int, str], set[int]] = {}
        shared: dict[tuple[int, int, str], int] = {}
        first: dict[tuple[int, str], int] = {}
        for hit in hits:
            facet = hit.entry.facet
            listed.setdefault((hit.passage, facet), set()).add(hit.entry.concept)
            shared[hit.passage, hit.first, facet] = shared.get((hit.passage, hit.first, facet), 0) + 1
            first.setdefault((hit.passage, facet), hit.first)
        found: dict[str, _Found] = {}
        for hit in hits:
            facet = hit.entry.facet
            weight = layout.weight(hit.passage) * hit.entry.strength
            weight *= min(1.0, _LISTED / len(listed[hit.passage, facet]))
            weight /= shared[hit.passage, hit.first, facet]
            if opening:
                weight *= layout.says_what_it_is(hit.passage)
                weight *= 1.0 if hit.first == first[hit.passage, facet] else _LATER_IN_TITLE
            self._credit(found, hit, weight, layout)
        return found

    def _credit(self, found: dict[str, _Found], hit: _Hit, weight: float, layout: "_Layout") -> None:
        concept = self._concepts[hit.entry.concept]
        passage, quote = layout.passages[hit.passage], layout.quote(hit)
        targets = [(concept.id, 1.0)]
        targets += [(other, _LINK_WEIGHT[link]) for link, other in concept.mapped_to if link in _LINK_WEIGHT]
        targets += [(concept.replaced_by, 1.0)] if concept.replaced_by else []
        for concept_id, share in targets:
            evidence = found.setdefault(concept_id, _Found())
            spot = (hit.passage, hit.first)
            if spot in evidence.hits:
                continue  # the same words reached it by another way already
            evidence.add(weight * share, hit, quote, passage.place, layout.part(hit.passage))
            evidence.strength = max(evidence.strength, hit.entry.strength * (0.85 + 0.15 * share))
            if concept_id != concept.id:
                evidence.via[concept.id] = evidence.via.get(concept.id, 0.0) + weight * share


_QUOTATION_MARKS = dict.fromkeys(map(ord, '"“”„«»'))
"""Left out of quotes, which are printed in marks of their own."""


class _Layout:
    """The passages with what scoring asks of them: position, length, language."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = passages
        self._starts: list[int] = []
        total = 0
        for passage in passages:
            self._starts.append(total)
            if passage.kind not in (Kind.NAME, Kind.PROPERTY):
                total += len(words(passage.text))
        self.words = total
        self._spans: dict[int, list[tuple[int, int]]] = {}
        self._languages: dict[int, str | None] = {}
        self._language: str | None = None
        self._language_known = False

    def opens(self, number: int) -> bool:
        """Whether the passage says what the document is."""
        kind = self.passages[number].kind
        return kind in (Kind.NAME, Kind.TITLE, Kind.PROPERTY) or self._starts[number] < _OPENING_WORDS

    def says_what_it_is(self, number: int) -> float:
        """How far a passage of the opening names the document, rather than telling of something."""
        passage = self.passages[number]
        if passage.kind in (Kind.NAME, Kind.TITLE, Kind.PROPERTY, Kind.HEADING):
            return 1.0
        short = len(passage.text.split()) <= _HEADING_WORDS and not passage.text.rstrip().endswith(".")
        return 1.0 if short and passage.kind is Kind.BODY else 0.4

    def weight(self, number: int) -> float:
        early = 1.3 if self._starts[number] < _OPENING_WORDS else 1.0
        return _WEIGHT[self.passages[number].kind] * early

    def part(self, number: int) -> int:
        """Which tenth of the document the passage stands in."""
        return 10 * self._starts[number] // (self.words + 1)

    def quote(self, hit: _Hit) -> str:
        text = self.passages[hit.passage].text
        if hit.passage not in self._spans:
            self._spans[hit.passage] = list(spans(text))
        found = self._spans[hit.passage]
        said = text[found[hit.first][0] : found[hit.last][1]].translate(_QUOTATION_MARKS)
        return " ".join(said.split())

    def language(self, number: int) -> str | None:
        if not self._language_known:
            body = " ".join(p.text for p in self.passages if p.kind not in (Kind.NAME, Kind.PROPERTY))
            self._language, self._language_known = language_of(body), True
        if number not in self._languages:
            text = self.passages[number].text
            long_enough = len(text) > 60
            found = language_of(text, default=self._language) if long_enough else self._language
            self._languages[number] = found
        return self._languages[number]


def _strength(stems: Sequence[str], *, acronym: bool) -> float:
    """How surely the label alone means its concept: phrases more than words, long words more than short."""
    letters = sum(3.0 if ord(stem[0]) >= 0x3400 else 4.0 if acronym else len(stem) for stem in stems)
    size = len(stems) / 2 if ord(stems[0][0]) >= 0x3400 else len(stems)
    if size >= 3:
        return 1.0
    if size >= 2:
        return 0.95
    return 0.85 if acronym or letters >= 9 else 0.75 if letters >= 5 else 0.6


def _written_in_capitals(entry: _Entry, written: Sequence[str], shouted: bool) -> bool:
    """Whether the acronyms of the label are written as such here (`AIDS`, not `aids`)."""
    if entry.single and shouted:
        return False
    here = {word[:-1] if word.endswith("s") and word[:-1].isupper() else word for word in written}
    return entry.capitals <= here


def _right_language(entry: _Entry, passage: int, layout: _Layout) -> bool:
    """Single words of another language are false friends too often (`data` is a date in Portuguese)."""
    if not entry.single or entry.capitals:
        return True
    language = layout.language(passage)
    return language is None or language in entry.languages


def _choose(
    term_set: TermSet, found: Mapping[str, _Found], layout: _Layout, *, main_subject: float
) -> list[Suggestion]:
    """The concepts of one term set; `main_subject` is the evidence for the strongest of all term sets."""
    known = {c.id: found[c.id] for c in term_set.concepts if c.id in found and c.open_for_tagging}
    if not known:
        return []
    opening = term_set.rule.evidence is Evidence.OPENING
    most = max(evidence.mass for evidence in known.values())
    if not opening:  # a passing mention is small beside what the document is about, whatever the facet
        most = (most + main_subject) / 2
    scored = sorted(
        (-_score(evidence, most, layout, opening=opening), min(evidence.hits), concept_id)
        for concept_id, evidence in known.items()
    )
    return [
        _suggestion(concept_id, term_set.key, -score, known[concept_id])
        for score, _, concept_id in scored[: term_set.rule.at_most]
        if -score >= term_set.rule.threshold
    ]


def _score(evidence: _Found, most: float, layout: _Layout, *, opening: bool) -> float:
    length = min(layout.words, _SHORT_TEXT_WORDS) if opening else layout.words
    scale = 0.8 * math.sqrt(max(1.0, length / _SHORT_TEXT_WORDS))
    amount = 1.0 - math.exp(-evidence.mass / scale)
    beside_others = 0.5 + 0.5 * math.sqrt(evidence.mass / most)
    spread = 1.0 if opening or layout.words < _SPREAD_WORDS else 0.7 + 0.1 * min(3, len(evidence.parts))
    return round(evidence.strength * amount * beside_others * spread, 3)


def _suggestion(concept_id: str, facet: str, score: float, evidence: _Found) -> Suggestion:
    return Suggestion(
        concept_id=concept_id,
        facet=facet,
        score=score,
        words=_heaviest(evidence.words, 4),
        places=_heaviest(evidence.places, 3),
        count=len(evidence.hits),
        via=_heaviest(evidence.via, 3),
    )


def _heaviest(weights: Mapping[str, float], limit: int) -> tuple[str, ...]:
    """The heaviest texts, those that differ in capitals only once."""
    chosen: dict[str, str] = {}
    for text, _ in sorted(weights.items(), key=lambda item: -round(item[1], 9)):
        chosen.setdefault(text.casefold(), text)
    return tuple(chosen.values())[:limit]


def from_text(text: str, *, title: str = "") -> list[Passage]:
    """Plain text as passages: a paragraph each, `title` (if any) first.

    Lines that were broken for width alone are joined, so that a term may run over the end of a line. A short
    first line without a full stop is taken for the title where none is given, and a short line before a
    longer paragraph for a heading: plain text has no other.
    """
    lines = [line.strip() for line in clean(text).split("\n")]
    wrapped = max(map(len, lines)) <= _WIDEST_PAGE
    paragraphs: list[list[str]] = []
    before = ""
    for written in lines:
        if wrapped and paragraphs and _broken_for_width(before, written):
            paragraphs[-1].append(written)
        elif written:
            paragraphs.append([written])
        before = written
    texts = [" ".join(lines) for lines in paragraphs]
    passages = [Passage(text=clean(title), kind=Kind.TITLE, place="title")] if title else []
    for number, (one, following) in enumerate(zip_longest(texts, texts[1:], fillvalue="")):
        if number == 0 and not title and following and _is_short_line(one, _TITLE_WORDS):
            passages.append(Passage(text=one, kind=Kind.TITLE, place="title"))
        elif _is_short_line(one, _HEADING_WORDS) and len(following) > 2 * len(one):
            passages.append(Passage(text=one, kind=Kind.HEADING))
        else:
            passages.append(Passage(text=one))
    return passages


def _broken_for_width(line: str, following: str) -> bool:
    full = len(line) >= _FULL_LINE and not line.endswith((".", ":", ";", "!", "?", "|"))
    return full and bool(following) and (following[0].isalpha() or following[0] in '(“"«‘')


def _is_short_line(line: str, words_at_most: int) -> bool:
    """Whether a paragraph may be a title or heading: short, no sentence, no item of a list."""
    if line[0] in "-*•–—·|(" or line.endswith((".", ";", ",", "。", "؛", "|", "…")):
        return False
    return len(words(line)) <= words_at_most and not line[0].islower()
