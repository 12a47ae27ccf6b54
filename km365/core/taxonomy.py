"""The controlled vocabulary: concepts in term sets (facets).

A concept has a stable id (`goal-area/2`), one preferred label and any synonyms per language, a broader
concept, links to other term sets, a status and a tagging mode; SKOS in all but name. Term sets of different
plan periods are linked by `mapped_to`, so that a focus area of 2010 is found under today's goal area.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from km365.core.text import key as label_key
from km365.errors import NotFound

_NO_TEXT: Mapping[str, str] = MappingProxyType({})
_NO_SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType({})
LABEL_LIMIT = 255
"""The longest label SharePoint's term store takes."""
CONTROLS = frozenset(map(chr, (*range(32), *range(127, 160))))
"""Characters that say something to a terminal, not to a reader."""
FORBIDDEN = CONTROLS | frozenset('";<>|')
"""Characters that no label may have: the term store refuses them, or nobody sees them."""
LEVELS = 7
"""How deep a term set may be in the term store."""


class Status(StrEnum):
    """Whether a concept may still be used."""

    CURRENT = "current"
    DEPRECATED = "deprecated"
    """Kept for old documents; `replaced_by` names what to use instead."""


class Mode(StrEnum):
    """What the machine may do with a concept on its own."""

    NEVER = "never"
    """People only; never suggested."""
    SUGGEST = "suggest"
    AUTO = "auto"
    """May be applied without a person's yes (only where a job says so)."""


class Link(StrEnum):
    """How a concept relates to one in another term set (SKOS mapping relations)."""

    EXACT = "exact"
    CLOSE = "close"
    BROAD = "broad"
    """The other one contains this one: text about this is text about the other."""
    NARROW = "narrow"
    """This one contains the other; said for people, no words are taken over."""
    RELATED = "related"
    """Worth a look, in this term set or another; no words are taken over."""


SPEAKING = frozenset({Link.EXACT, Link.CLOSE, Link.BROAD})
"""The links along which the words of one concept count for the other."""


class Evidence(StrEnum):
    """Which words of a document count for a term set."""

    ANYWHERE = "anywhere"
    OPENING = "opening"
    """Only what says what the document *is*: its name, title, properties, headings and first lines. A report
    that mentions an evaluation is not an evaluation."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What tagging by one term set must respect."""

    at_most: int = 5
    required: bool = False
    """Every document should have one; where none is found a person is told."""
    threshold: float = 0.5
    """The lowest score (0 to 1) that is suggested."""
    evidence: Evidence = Evidence.ANYWHERE


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    """One term. `term_id` is its id in the term store once it is known there.

    `also_broader` are further broader terms beside `broader`, the one it stands under in the term store.
    `definitions` and `notes` (when to use it) are one text per language. `aliases` are old ids that still
    mean it. `owner` looks after it, where that is not who looks after the term set. `global_parent` is the
    global concept an office's own term is counted under.
    """

    id: str
    labels: Mapping[str, str]
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_SYNONYMS)
    broader: str | None = None
    also_broader: tuple[str, ...] = ()
    mapped_to: tuple[tuple[Link, str], ...] = ()
    status: Status = Status.CURRENT
    replaced_by: str | None = None
    mode: Mode = Mode.SUGGEST
    term_id: str | None = None
    owner: str = ""
    definitions: Mapping[str, str] = field(default_factory=lambda: _NO_TEXT)
    notes: Mapping[str, str] = field(default_factory=lambda: _NO_TEXT)
    aliases: tuple[str, ...] = ()
    global_parent: str | None = None

    def label(self, language: str = "en") -> str:
        """The preferred label in `language`, else in English, else in any language, else the id."""
        return self.labels.get(language) or self.labels.get("en") or next(iter(self.labels.values()), self.id)

    @property
    def speaks_for(self) -> tuple[str, ...]:
        """The ids of other concepts for which its words count too."""
        linked = tuple(other for link, other in self.mapped_to if link in SPEAKING)
        return (*linked, self.replaced_by) if self.replaced_by else linked

    @property
    def open_for_tagging(self) -> bool:
        """Whether it may be suggested at all."""
        return self.status is Status.CURRENT and self.mode is not Mode.NEVER


@dataclass(frozen=True, kw_only=True)
class TermSet:
    """One facet. `key` is its stable id, `column` the internal name of the column it fills, "" for none.

    `owner` looks after it. A term set of an office's layer names the `office` and, where its terms stand
    among those of a global term set, that one's key in `extends`.
    """

    key: str
    names: Mapping[str, str]
    concepts: tuple[Concept, ...]
    column: str = ""
    rule: Rule = Rule()
    mode: Mode = Mode.SUGGEST
    set_id: str | None = None
    owner: str = ""
    definitions: Mapping[str, str] = field(default_factory=lambda: _NO_TEXT)
    office: str = ""
    extends: str = ""

    def name(self, language: str = "en") -> str:
        """The facet's name for people."""
        return self.names.get(language) or self.names.get("en") or self.key

    @cached_property
    def by_id(self) -> Mapping[str, Concept]:
        """Its concepts by id."""
        return {concept.id: concept for concept in self.concepts}

    @cached_property
    def _by_label(self) -> Mapping[tuple[str, ...], tuple[str, ...]]:
        found: dict[tuple[str, ...], dict[str, None]] = {}
        for preferred in (True, False):
            for concept in self.concepts:
                for _, text, is_preferred in all_labels(concept):
                    if is_preferred is preferred:
                        found.setdefault(label_key(text), {})[concept.id] = None
        return {stems: tuple(ids) for stems, ids in found.items()}

    def find(self, text: str) -> tuple[Concept, ...]:
        """The concepts that `text` may mean (an id, a label or synonym in any language), best first."""
        text = text.strip()
        if text in self.by_id:
            return (self.by_id[text],)
        return tuple(self.by_id[i] for i in self._by_label.get(label_key(text), ()))

    def tree(self) -> Iterator[tuple[int, Concept]]:
        """Its concepts, each behind the one it stands under, with how many are above it."""
        below: dict[str | None, list[Concept]] = {}
        for concept in self.concepts:
            below.setdefault(concept.broader if concept.broader in self.by_id else None, []).append(concept)
        waiting = [(0, concept) for concept in reversed(below.get(None, []))]
        while waiting:
            depth, concept = waiting.pop()
            yield depth, concept
            waiting += [(depth + 1, one) for one in reversed(below.get(concept.id, []))]

    def matching(self, word: str) -> tuple[Concept, ...]:
        """The concepts whose id, label or synonym in any language has `word` in it, in the set's order."""
        wanted = word.strip().casefold()
        return tuple(
            concept
            for concept in self.concepts
            if wanted in concept.id.casefold()
            or any(wanted in text.casefold() for _, text, _ in all_labels(concept))
        )


@dataclass(frozen=True, kw_only=True)
class Taxonomy:
    """The global term sets, and in `layers` what single offices add; who iterates sees the global ones.

    `for_office` puts one office's layer among them, `everywhere` every layer.
    """

    term_sets: tuple[TermSet, ...]
    layers: tuple[TermSet, ...] = ()

    def __iter__(self) -> Iterator[Concept]:
        return (concept for term_set in self.term_sets for concept in term_set.concepts)

    @cached_property
    def by_key(self) -> Mapping[str, TermSet]:
        """The term sets by key."""
        return {term_set.key: term_set for term_set in self.term_sets}

    @cached_property
    def by_id(self) -> Mapping[str, Concept]:
        """All concepts by id."""
        return {concept.id: concept for concept in self}

    @cached_property
    def by_term_id(self) -> Mapping[str, Concept]:
        """The concepts that the term store knows, by its id (lower case)."""
        return {concept.term_id.lower(): concept for concept in self if concept.term_id}

    @cached_property
    def _any_id(self) -> Mapping[str, Concept]:
        """Every concept of every layer by id and by old id; an id in use wins over an old one."""
        known = [*self, *(concept for layer in self.layers for concept in layer.concepts)]
        old = {alias: concept for concept in known for alias in concept.aliases}
        return old | {concept.id: concept for concept in known}

    def resolve(self, concept_id: str) -> Concept:
        """The concept that an id, present or old, stands for today: aliases and replacements are followed.

        A deprecated concept without a replacement stands for itself. Raises NotFound.
        """
        found = self._any_id.get(concept_id)
        if found is None:
            raise NotFound(
                f"There is no term {concept_id!r}; `km365 taxonomy list --find WORD` searches them."
            )
        passed = {found.id}
        while found.replaced_by and (after := self._any_id.get(found.replaced_by)):
            if after.id in passed:
                break
            passed.add(after.id)
            found = after
        return found

    def id_now(self, concept_id: str) -> str:
        """The id that an id, present or old, stands for today; itself where nobody knows it."""
        try:
            return self.resolve(concept_id).id
        except NotFound:
            return concept_id

    def roll_up(self, concept_id: str) -> str:
        """The id of the global concept that an id, present or old, is counted under. Raises NotFound."""
        found = self.resolve(concept_id)
        passed = {found.id}
        while found.global_parent:
            found = self.resolve(found.global_parent)
            if found.id in passed:
                break
            passed.add(found.id)
        return found.id

    @property
    def offices(self) -> tuple[str, ...]:
        """The codes of the offices that have a layer, sorted."""
        return tuple(sorted({layer.office for layer in self.layers}))

    def for_office(self, code: str) -> "Taxonomy":
        """The term sets as one office uses them: its own terms among the global ones.

        A term of its own stands under its `broader` term, or under its global parent where that is in the
        same term set. An office without a layer gets the global term sets.
        """
        return self._with([layer for layer in self.layers if layer.office == code.lower()])

    def everywhere(self) -> "Taxonomy":
        """The term sets with the terms of every office, as the term store holds them."""
        return self._with(self.layers)

    @cached_property
    def _office_of(self) -> Mapping[str, str]:
        return {concept.id: layer.office for layer in self.layers for concept in layer.concepts}

    def offered_to(self, office: str, concept_id: str) -> bool:
        """Whether an office may be offered a term: a global one, or one of its own ("" has none of its own).

        A term that people of any office made in the term store is a global one.
        """
        return self._office_of.get(concept_id, office) == office

    def _with(self, layers: Iterable[TermSet]) -> "Taxonomy":
        sets = dict(self.by_key)
        for layer in layers:
            base = sets.get(layer.extends)
            if base is None:
                sets[layer.key] = layer
                continue
            sets[base.key] = replace(base, concepts=(*base.concepts, *_beneath(layer, base)))
        return replace(self, term_sets=tuple(sets.values()))

    def for_columns(self, columns: Iterable[str]) -> "Taxonomy":
        """Only the term sets whose column is among `columns`."""
        wanted = set(columns)
        return replace(self, term_sets=tuple(s for s in self.term_sets if s.column in wanted))

    def serving(self, columns: Iterable[str]) -> "Taxonomy":
        """The term sets that fill `columns`, and those whose concepts speak for them through links."""
        filled = self.for_columns(columns)
        ids = filled.by_id.keys()
        return replace(
            self,
            term_sets=tuple(
                one
                for one in self.term_sets
                if one.key in filled.by_key
                or any(other in ids for concept in one.concepts for other in concept.speaks_for)
            ),
        )


def office_code(site: str) -> str:
    """The code of the office whose site this is, as `host:/sites/co-bel`: the last part of its path."""
    return site.rstrip("/").rpartition("/")[2].lower()


def _beneath(layer: TermSet, base: TermSet) -> Iterator[Concept]:
    """An office's terms with their places among the global ones."""
    for concept in layer.concepts:
        if concept.broader is None and concept.global_parent in base.by_id:
            yield replace(concept, broader=concept.global_parent)
        else:
            yield concept


def all_labels(concept: Concept) -> Iterator[tuple[str, str, bool]]:
    """Language, text and whether it is the preferred label, for every label of `concept`."""
    for language, text in concept.labels.items():
        yield language, text, True
    for language, texts in concept.synonyms.items():
        for text in texts:
            yield language, text, False
