"""What somebody looks for: words, what they mean in the shared taxonomy, and what the answer is held to."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from km365.core.search_words import Words, index_words, said
from km365.core.taxonomy import Concept, Taxonomy, all_labels
from km365.core.text import fold, is_break, is_little, stem, tokens

LONGEST = 300
"""Characters of a question that are read."""
DOCUMENT_TYPE = "document-type"
"""The term set whose terms say what a document is."""
_LONGEST_PHRASE = 8
_MOST_PARTS = 12
_MOST_WAYS = 60
_LABEL, _SYNONYM, _TAG, _NARROWER = 0.9, 0.8, 0.9, 0.6
"""How much another way to say a thing counts beside the words that were typed."""
_LOOSELY = 0.5
"""And where a synonym was typed, which may mean less than the term does: a cold chain is one of supplies."""
_NEAR = 0.75
_NEAR_EACH = 5
"""How alike the spelling of a word must be, and how many terms each such word offers."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the answer is held to; "" for anything. `kind` is an entry's, or the id of a document type."""

    office: str = ""
    kind: str = ""
    language: str = ""

    def __bool__(self) -> bool:
        return bool(self.office or self.kind or self.language)

    def over(self, earlier: "Filters") -> "Filters":
        """These, and the earlier ones where these say nothing."""
        return Filters(
            office=self.office or earlier.office,
            kind=self.kind or earlier.kind,
            language=self.language or earlier.language,
        )


@dataclass(frozen=True, kw_only=True)
class Query:
    """A question: its words as typed, and its filters."""

    words: str
    filters: Filters = Filters()


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to say a thing: words that all stand in the entry, and how much that counts."""

    words: tuple[str, ...]
    counts: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that was asked for, and the ways to say it; any of them will do."""

    ways: tuple[Way, ...]

    @property
    def words(self) -> Iterator[str]:
        """Every word that is to be looked up."""
        return (word for way in self.ways for word in way.words)


class Concepts:
    """The terms of the taxonomy as a question may speak of them. Making it takes a while; keep it."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._words = Words()

    @cached_property
    def _by_words(self) -> Mapping[tuple[str, ...], tuple[Concept, ...]]:
        found: dict[tuple[str, ...], dict[str, Concept]] = {}
        for concept in self.taxonomy:
            current = self.taxonomy.resolve(concept.id)
            for _, label, _ in all_labels(concept):
                if key := tuple(index_words(label, self._words)):
                    found.setdefault(key, {})[current.id] = current
        return {key: tuple(some.values()) for key, some in found.items()}

    @cached_property
    def _below(self) -> Mapping[str, tuple[Concept, ...]]:
        below: dict[str, list[Concept]] = {}
        for concept in self.taxonomy:
            for above in (concept.broader, *concept.also_broader):
                if above:
                    below.setdefault(above, []).append(concept)
        return {above: tuple(some) for above, some in below.items()}

    def parts(self, text: str) -> tuple[Part, ...]:
        """What is asked for, in order: the longest terms there are in it, else its words one by one."""
        asked = list(dict.fromkeys(self._spans(index_words(text[:LONGEST], self._words))))
        return tuple(self._part(span) for span in asked[:_MOST_PARTS])

    def meant(self, text: str) -> tuple[Concept, ...]:
        """The terms that a text speaks of."""
        spans = self._spans(index_words(text[:LONGEST], self._words))
        found = {one.id: one for span in spans for one in self._by_words.get(span, ())}
        return tuple(found.values())

    def document_type(self, label: str) -> Concept | None:
        """The type of document that is called so in any language."""
        key = tuple(index_words(label, self._words))
        term_set = self.taxonomy.by_key.get(DOCUMENT_TYPE)
        known = term_set.by_id if term_set else {}
        return next((one for one in self._by_words.get(key, ()) if one.id in known), None)

    def near(self, text: str, language: str, *, most: int = 12) -> list[str]:
        """Labels near what was asked, the likeliest first: broader terms, then terms spelt nearly so."""
        found: dict[str, None] = {}
        meant = self.meant(text)
        for concept in meant:
            for other in (concept.broader, *concept.also_broader):
                if other and other in self.taxonomy.by_id:
                    found[self.taxonomy.by_id[other].label(language)] = None
        unknown = [word for word in index_words(text[:LONGEST], self._words) if len(word) > 3]
        for word in unknown:
            for close in difflib.get_close_matches(word, self._by_word, n=3, cutoff=_NEAR):
                for concept in self._by_word[close][:_NEAR_EACH]:
                    found[concept.label(language)] = None
        for concept in meant:
            found.pop(concept.label(language), None)
        return list(found)[:most]

    @cached_property
    def _by_word(self) -> Mapping[str, list[Concept]]:
        found: dict[str, list[Concept]] = {}
        for key, concepts in sorted(self._by_words.items(), key=lambda one: (len(one[0]), one[0])):
            for word in key:
                found.setdefault(word, []).extend(concepts)
        return found

    def _spans(self, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
        at = 0
        while at < len(words):
            for size in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
                span = tuple(words[at : at + size])
                if size == 1 or span in self._by_words:
                    yield span
                    at += size
                    break

    def _part(self, span: tuple[str, ...]) -> Part:
        ways: dict[tuple[str, ...], float] = {span: 1.0}
        for concept in self._by_words.get(span, ()):
            named = any(tuple(index_words(one, self._words)) == span for one in concept.labels.values())
            for way in self._ways(concept):
                counts = way.counts * (1.0 if named else _LOOSELY)
                ways[way.words] = max(counts, ways.get(way.words, 0.0))
        kept = sorted(ways.items(), key=lambda one: -one[1])[:_MOST_WAYS]
        return Part(ways=tuple(Way(words=words, counts=counts) for words, counts in kept))

    def _ways(self, concept: Concept) -> Iterator[Way]:
        """How else the concept is said, in every language, and what is tagged with it or with one below."""
        for _, label, preferred in all_labels(concept):
            if words := tuple(dict.fromkeys(index_words(label, self._words))):
                yield Way(words=words, counts=_LABEL if preferred else _SYNONYM)
        if concept.term_id:
            yield Way(words=(said("tag", concept.term_id),), counts=_TAG)
        for below in self._all_below(concept):
            if below.term_id:
                yield Way(words=(said("tag", below.term_id),), counts=_NARROWER)

    def _all_below(self, concept: Concept) -> Iterator[Concept]:
        waiting, passed = [concept.id], {concept.id}
        while waiting:
            for one in self._below.get(waiting.pop(), ()):
                if one.id not in passed:
                    passed.add(one.id)
                    waiting.append(one.id)
                    yield one


# Filters in somebody's own words -------------------------------------------------------------------------


@dataclass(frozen=True)
class Phrases:
    """How people say filters: `within` a question, and `alone` as an answer to what was found."""

    within: Mapping[tuple[str, ...], Filters]
    alone: Mapping[tuple[str, ...], Filters]

    def read(self, text: str) -> Query:
        """The question without the words that say its filters; where nothing else is left, they alone."""
        return _read(text[:LONGEST], self.within)

    def narrowing(self, text: str) -> Filters | None:
        """The filters that a text consists of; None where it says anything else."""
        read = _read(text[:LONGEST], {**self.alone, **self.within})
        rest = [one for one in _tokens(read.words) if not is_little(one[0])]
        return read.filters if read.filters and not rest else None

    def and_offices(self, names: Mapping[str, Iterable[str]], patterns: Iterable[str]) -> "Phrases":
        """With the offices as well: their names by code, and patterns such as "from {office}"."""
        within, alone = dict(self.within), dict(self.alone)
        shapes = list(patterns)
        for code, called in names.items():
            for name in called:
                alone[_key(name)] = Filters(office=code)
                for shape in shapes:
                    within[_key(shape.format(office=name))] = Filters(office=code)
        alone.pop((), None)
        return replace(self, within=within, alone=alone)


def phrases_of(
    values: Iterable[tuple[Filters, Iterable[str], Iterable[str]]], *, name: str = "{name}"
) -> Phrases:
    """Phrases from filters, each with what it is called and the patterns to say it in (`only {name}`)."""
    within: dict[tuple[str, ...], Filters] = {}
    alone: dict[tuple[str, ...], Filters] = {}
    for filters, called, patterns in values:
        shapes = list(patterns)
        for one in called:
            alone.setdefault(_key(one), filters)
            for shape in shapes:
                within.setdefault(_key(shape.replace(name, one)), filters)
    alone.pop((), None)
    return Phrases(within=within, alone=alone)


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """The words of a text with where they stand, compared by stem; breaks are left out."""
    return [(one.group(), *one.span()) for one in tokens(text) if not is_break(one.group())]


def _key(text: str) -> tuple[str, ...]:
    return tuple(stem(fold(word)) for word, _, _ in _tokens(text))


def _read(text: str, phrases: Mapping[tuple[str, ...], Filters]) -> Query:
    found = _tokens(text)
    stems = [stem(fold(word)) for word, _, _ in found]
    longest = max(map(len, phrases), default=0)
    filters = Filters()
    rest, end, at = "", 0, 0
    while at < len(found):
        for size in range(min(longest, len(found) - at), 0, -1):
            known = phrases.get(tuple(stems[at : at + size]))
            if known is not None:
                filters = known.over(filters)
                rest += text[end : found[at][1]]
                end = found[at + size - 1][2]
                at += size
                break
        else:
            at += 1
    return Query(words=" ".join((rest + text[end:]).split()).strip(" ,;:"), filters=filters)
