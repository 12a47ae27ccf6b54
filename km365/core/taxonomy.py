"""The controlled vocabulary: concepts in term sets (facets), and what may be wrong with them.

A concept has a stable id (`goal-area/2`), one preferred label and any synonyms per language, a broader
concept, links to other term sets, a status and a tagging mode; SKOS in all but name. Term sets of different
plan periods are linked by `mapped_to`, so that a focus area of 2010 is found under today's goal area.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from km365.core.languages import LANGUAGES
from km365.core.text import Stems, phrases
from km365.core.text import key as label_key

_NO_TEXT: Mapping[str, str] = MappingProxyType({})
_NO_SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType({})
LABEL_LIMIT = 255
"""The longest label SharePoint's term store takes."""
FORBIDDEN = frozenset('";<>|\t')
"""Characters the term store takes in no label."""
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


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One term. `term_id` is its id in the term store once it is known there."""

    id: str
    labels: Mapping[str, str]
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_SYNONYMS)
    broader: str | None = None
    mapped_to: tuple[tuple[Link, str], ...] = ()
    status: Status = Status.CURRENT
    replaced_by: str | None = None
    mode: Mode = Mode.SUGGEST
    term_id: str | None = None

    def label(self, language: str = "en") -> str:
        """The preferred label in `language`, else in English, else in any language, else the id."""
        return self.labels.get(language) or self.labels.get("en") or next(iter(self.labels.values()), self.id)

    @property
    def speaks_for(self) -> tuple[str, ...]:
        """The ids of other concepts for which its words count too."""
        linked = tuple(other for _, other in self.mapped_to)
        return (*linked, self.replaced_by) if self.replaced_by else linked

    @property
    def open_for_tagging(self) -> bool:
        """Whether it may be suggested at all."""
        return self.status is Status.CURRENT and self.mode is not Mode.NEVER


@dataclass(frozen=True, kw_only=True)
class TermSet:
    """One facet. `key` is its stable id, `column` the internal name of the column it fills, "" for none."""

    key: str
    names: Mapping[str, str]
    concepts: tuple[Concept, ...]
    column: str = ""
    rule: Rule = Rule()
    mode: Mode = Mode.SUGGEST
    set_id: str | None = None

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
    """All term sets together."""

    term_sets: tuple[TermSet, ...]

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

    def for_columns(self, columns: Iterable[str]) -> "Taxonomy":
        """Only the term sets whose column is among `columns`."""
        wanted = set(columns)
        return Taxonomy(term_sets=tuple(s for s in self.term_sets if s.column in wanted))

    def serving(self, columns: Iterable[str]) -> "Taxonomy":
        """The term sets that fill `columns`, and those whose concepts speak for them through links."""
        filled = self.for_columns(columns)
        ids = filled.by_id.keys()
        return Taxonomy(
            term_sets=tuple(
                one
                for one in self.term_sets
                if one.key in filled.by_key
                or any(other in ids for concept in one.concepts for other in concept.speaks_for)
            )
        )


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with a taxonomy. `where` names the concept; a `fatal` one makes its set unusable."""

    where: str
    what: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def all_labels(concept: Concept) -> Iterator[tuple[str, str, bool]]:
    """Language, text and whether it is the preferred label, for every label of `concept`."""
    for language, text in concept.labels.items():
        yield language, text, True
    for language, texts in concept.synonyms.items():
        for text in texts:
            yield language, text, False


def check(taxonomy: Taxonomy, *, languages: Sequence[str] = LANGUAGES) -> list[Problem]:
    """Everything wrong with `taxonomy`, in its own order, the fatal problems of a term set first."""
    problems: list[Problem] = []
    known = set(taxonomy.by_id)
    for term_set in taxonomy.term_sets:
        problems += check_set(term_set, languages=languages, known=known)
    owners: dict[str, str] = {}
    for term_set in taxonomy.term_sets:
        for concept in term_set.concepts:
            other = owners.setdefault(concept.id, term_set.key)
            if other != term_set.key:
                problems.append(
                    Problem(where=concept.id, what=f"this id is used in {other!r} as well", fatal=True)
                )
    return problems


def check_set(
    term_set: TermSet, *, languages: Sequence[str] = LANGUAGES, known: set[str] | None = None
) -> list[Problem]:
    """Everything wrong with one term set, what is fatal first.

    Links to other sets are checked against `known` ids if given.
    """
    problems = unusable(term_set)
    stems = Stems()
    for concept in term_set.concepts:
        problems += _check_links(concept, term_set, known)
        problems += _check_labels(concept, languages, stems)
    return problems + _double_labels(term_set)


def unusable(term_set: TermSet) -> list[Problem]:
    """Only what keeps the term set from working. No label is read for its words, so every start can ask."""
    problems = [*_repeated_ids(term_set), *_cycles(term_set), *_twin_siblings(term_set)]
    for concept in term_set.concepts:
        if concept.broader and concept.broader not in term_set.by_id:
            what = f"its broader term {concept.broader!r} is not in the term set {term_set.key!r}"
            problems.append(Problem(where=concept.id, what=what, fatal=True))
        problems += _refused_labels(concept)
    return problems


def _repeated_ids(term_set: TermSet) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for concept in term_set.concepts:
        if concept.id in seen:
            problems.append(
                Problem(where=concept.id, what="this id stands twice in the term set", fatal=True)
            )
        seen.add(concept.id)
    return problems


def _cycles(term_set: TermSet) -> list[Problem]:
    """Broader terms that go round in a circle, and those that go too deep."""
    broader: dict[str, str | None] = {}
    for concept in term_set.concepts:
        broader.setdefault(concept.id, concept.broader)  # an id that stands twice must not hide a circle
    problems, done = [], set[str]()
    for concept in term_set.concepts:
        path: list[str] = []
        at: str | None = concept.id
        while at and at in broader and at not in path:
            path.append(at)
            at = broader[at]
        if at and at in path:
            if at not in done:
                loop = " > ".join([*path[path.index(at) :], at])
                what = f"the broader terms go round in a circle: {loop}"
                problems.append(Problem(where=at, what=what, fatal=True))
            done.update(path)
        elif len(path) > LEVELS:
            what = f"it stands {len(path)} levels deep; the term store takes {LEVELS}"
            problems.append(Problem(where=concept.id, what=what, fatal=True))
    return problems


def _twin_siblings(term_set: TermSet) -> list[Problem]:
    """Terms under one parent with one label, which the term store refuses."""
    seen: dict[tuple[str | None, str], str] = {}
    problems = []
    for concept in term_set.concepts:
        other = seen.setdefault((concept.broader, concept.label().casefold()), concept.id)
        if other != concept.id:
            what = f"it has the label {concept.label()!r} of {other!r} beside it"
            problems.append(Problem(where=concept.id, what=what, fatal=True))
    return problems


def _check_links(concept: Concept, term_set: TermSet, known: set[str] | None) -> list[Problem]:
    problems = []
    replacement = concept.replaced_by
    if replacement and replacement not in (known or set(term_set.by_id)):
        problems.append(
            Problem(where=concept.id, what=f"it is replaced by {replacement!r}, which does not exist")
        )
    if replacement and concept.status is Status.CURRENT:
        problems.append(Problem(where=concept.id, what="it names a replacement but is not deprecated"))
    if known is not None:
        problems += [
            Problem(where=concept.id, what=f"it is mapped to {other!r}, which does not exist")
            for _, other in concept.mapped_to
            if other not in known
        ]
    return problems


def _refused_labels(concept: Concept) -> list[Problem]:
    """Labels that the term store would not take."""
    problems = []
    for language, text, _ in all_labels(concept):
        if len(text) > LABEL_LIMIT:
            what = f"the {language} label is longer than {LABEL_LIMIT} characters: {text[:40]}…"
            problems.append(Problem(where=concept.id, what=what, fatal=True))
        elif bad := sorted(FORBIDDEN & set(text)):
            what = f"the {language} label {text!r} contains {bad[0]!r}, which the term store refuses"
            problems.append(Problem(where=concept.id, what=what, fatal=True))
    return problems


def _check_labels(concept: Concept, languages: Sequence[str], stems: Stems) -> list[Problem]:
    """Missing labels, and labels that no text can be found by.

    A preferred label may be one where a synonym serves: `Côte d'Ivoire` is a name, in English as well.
    """
    problems = []
    missing = [language for language in languages if not concept.labels.get(language)]
    if missing:
        problems.append(Problem(where=concept.id, what=f"no label in {', '.join(missing)}"))
    for language, text, preferred in all_labels(concept):
        synonyms = concept.synonyms.get(language, ()) if preferred else ()
        if not any(phrases(one, language, stems) for one in (text, *synonyms)):
            what = f"the {language} label {text!r} matches no text: little is left of it without little words"
            problems.append(Problem(where=concept.id, what=what))
    return problems


def _double_labels(term_set: TermSet) -> list[Problem]:
    """Labels that two concepts of one set share in one language: nobody can tell them apart."""
    seen: dict[tuple[str, tuple[str, ...]], str] = {}
    problems = []
    stems = Stems()
    for concept in term_set.concepts:
        for language, text, _ in all_labels(concept):
            other = seen.setdefault((language, label_key(text, stems)), concept.id)
            if other != concept.id:
                what = f"the {language} label {text!r} also belongs to {other!r}"
                problems.append(Problem(where=concept.id, what=what))
    return problems
