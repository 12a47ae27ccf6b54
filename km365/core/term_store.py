"""The term store as values: what stands there, what our term sets would have stand there, both together."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from km365.core.languages import LANGUAGES, primary
from km365.core.taxonomy import Concept, Mode, Status, Taxonomy, TermSet

KEY = "km365.id"
"""The property of a set or term that holds its id in our taxonomy files."""
STATUS = "km365.status"
"""`deprecated` where the files say so. Graph has no call that deprecates a term (CSOM has `IsDeprecated`)."""
REPLACED_BY = "km365.replaced-by"
ALIASES = "km365.aliases"
"""Old ids that still mean the term, with blanks between."""
MODE = "km365.mode"
"""`never` where people alone choose the term; it stays available for tagging."""
OURS = frozenset({KEY, ALIASES, STATUS, REPLACED_BY, MODE})
"""The properties km365 keeps; those of others are left as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """A term's labels in one language."""

    default: str
    synonyms: tuple[str, ...] = ()


_NO_TEXTS: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTerm:
    """A term; `labels` and `descriptions` by language tag as the store writes it (`en-US`).

    `parent_id` is None at the top of the set.
    """

    id: str
    labels: Mapping[str, Labels]
    parent_id: str | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    descriptions: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)

    @property
    def key(self) -> str | None:
        """Its id in our taxonomy files, None for a term km365 did not make."""
        return self.properties.get(KEY)


@dataclass(frozen=True, kw_only=True)
class TermStoreSet:
    """A term set, `names` by language tag; `terms` parents before children."""

    id: str
    names: Mapping[str, str]
    properties: Mapping[str, str] = field(default_factory=dict)
    terms: tuple[StoredTerm, ...] = ()

    @property
    def key(self) -> str | None:
        """Its id in our taxonomy files, None for a set km365 did not make."""
        return self.properties.get(KEY)


@dataclass(frozen=True, kw_only=True)
class Languages:
    """The term store's default language tag and all that it works in (`en-US`)."""

    default: str
    tags: tuple[str, ...]

    def spoken(self, texts: Mapping[str, Sequence[str]]) -> dict[str, Labels]:
        """Labels by the term store's tags, out of texts by our languages, the preferred one first.

        A language the store does not work in is left out. Its default language must have a label: where we
        have none, it gets the English one.
        """
        found = {}
        for tag in dict.fromkeys([self.default, *self.tags]):
            given = texts.get(primary(tag))
            if given is None and tag == self.default:
                given = texts.get("en") or next(iter(texts.values()), None)
            if given:
                names = _each_once(given)
                found[tag] = Labels(default=names[0], synonyms=names[1:])
        return found

    def names(self, texts: Mapping[str, str]) -> dict[str, str]:
        """One text each by the term store's tags; see `spoken`."""
        each = {language: (text,) for language, text in texts.items()}
        return {tag: one.default for tag, one in self.spoken(each).items()}

    def silent(self, taxonomy: Taxonomy) -> tuple[str, ...]:
        """The languages of our labels that the store does not work in."""
        spoken = {primary(tag) for tag in (self.default, *self.tags)}
        ours = {language for concept in taxonomy for language in concept.labels}
        return tuple(language for language in LANGUAGES if language in ours - spoken)


def normal(text: str) -> str:
    """The text as the term store compares it: it trims, joins blanks and writes `&` and `"` in full width.

    Source: TaxonomyItem.NormalizeName (Microsoft.SharePoint.Taxonomy).
    """
    return " ".join(text.split()).replace("&", "\uff06").replace('"', "\uff02")


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    """The names without those that differ in capitals only, which the term store refuses."""
    chosen: dict[str, str] = {}
    for name in names:
        chosen.setdefault(normal(name).casefold(), name.strip())
    return tuple(chosen.values())


def wanted(concept: Concept, languages: Languages) -> StoredTerm:
    """The concept as a term; `id` is its term id, "" where it has none yet, and `parent_id` is left out."""
    texts = {
        language: (label, *concept.synonyms.get(language, ())) for language, label in concept.labels.items()
    }
    labels = languages.spoken(texts)
    told = {primary(tag): tag for tag in reversed((languages.default, *languages.tags))}
    descriptions = {
        told[language]: text for language, text in concept.definitions.items() if language in told and text
    }
    return StoredTerm(
        id=concept.term_id or "", labels=labels, descriptions=descriptions, properties=_properties(concept)
    )


def _properties(concept: Concept) -> dict[str, str]:
    found = {KEY: concept.id}
    if concept.aliases:
        found[ALIASES] = " ".join(concept.aliases)
    if concept.status is Status.DEPRECATED:
        found[STATUS] = str(concept.status)
        if concept.replaced_by:
            found[REPLACED_BY] = concept.replaced_by
    elif concept.mode is Mode.NEVER:
        found[MODE] = str(concept.mode)
    return found


def reused(concept: Concept, term_set: TermSet, known: Mapping[str, Concept]) -> Concept | None:
    """The global concept that an office's concept is the same as, so that its term is reused; None for a term
    of its own.

    It is the same where the office's term set stands by itself (its terms are not among the global ones) and
    the concept has the labels of its global parent.
    """
    parent = known.get(concept.global_parent or "")
    if not term_set.office or term_set.extends or parent is None:
        return None
    same = all(normal(label) == normal(parent.labels.get(tag, "")) for tag, label in concept.labels.items())
    return parent if same else None


def renamed(keys: Collection[str], concepts: Iterable[Concept], known: Container[str]) -> dict[str, str]:
    """The ids of the concepts whose terms stand in the term store under an old id of theirs, by that one.

    `keys` are the ids that terms have there, `known` those that the files have. A concept that has a term
    under its own id has no other one: what stands under its old id was merged into it.
    """
    return {
        old: concept.id
        for concept in concepts
        if concept.aliases and concept.id not in keys
        for old in [one for one in concept.aliases if one in keys and one not in known][:1]
    }


def held(taxonomy: Taxonomy) -> Taxonomy:
    """What the term store is to hold of `taxonomy`: the global term sets with the terms of every office."""
    return Taxonomy(term_sets=taxonomy.everywhere().term_sets)


# Both together -------------------------------------------------------------------------------------------


def as_stored(taxonomy: Taxonomy, sets: Iterable[TermStoreSet]) -> Taxonomy:
    """`taxonomy` as the term store has it: with its ids, its labels, and the terms people added there.

    A concept that is not there keeps `term_id` None. A term made in the term store gets the id
    `<facet>/<guid>`; one that is reused from another set stays what it is there. A term whose id the files
    know as an old one is that of the concept, or, where this has its own, a deprecated one, so that documents
    which carry it are understood.
    """
    present = {one.key: one for one in sets if one.key}
    everything = (*taxonomy.term_sets, *taxonomy.layers)
    known = {concept.id: concept for one in everything for concept in one.concepts}
    keys = _keys(everything, present, known)
    terms = {keys[term.id]: term for one in present.values() for term in one.terms if term.id in keys}
    old = {alias: concept.id for concept in known.values() for alias in concept.aliases}
    seen: set[str] = set()
    found = []
    for term_set in everything:
        concepts = [_stored(concept, term_set, known, terms) for concept in term_set.concepts]
        there = None if term_set.extends else present.get(term_set.key)
        if there is not None:
            added = [term for term in there.terms if keys.get(term.id) not in known and term.id not in seen]
            ids = {
                term.id: key if key in known or key in old else f"{term_set.key}/{term.id}"
                for term in there.terms
                for key in [keys.get(term.id)]
            }
            concepts += [_added(term, ids, old, mode=term_set.mode) for term in added]
            seen.update(term.id for term in there.terms)
        home = present.get(term_set.extends or term_set.key)
        found.append(replace(term_set, set_id=home.id if home else None, concepts=tuple(concepts)))
    count = len(taxonomy.term_sets)
    return replace(taxonomy, term_sets=tuple(found[:count]), layers=tuple(found[count:]))


def _keys(
    everything: Iterable[TermSet], present: Mapping[str, TermStoreSet], known: Container[str]
) -> dict[str, str]:
    """The concept id of each term that km365 made, by its id in the term store.

    An old id counts in its own term set only: a column takes no term of another one.
    """
    anew: dict[str, str] = {}
    for term_set in everything:
        if there := present.get(term_set.extends or term_set.key):
            keys = {term.key for term in there.terms if term.key}
            anew |= renamed(keys, term_set.concepts, known)
    found = (term for one in present.values() for term in one.terms)
    return {term.id: anew.get(term.key, term.key) for term in found if term.key}


def _stored(
    concept: Concept, term_set: TermSet, known: Mapping[str, Concept], terms: Mapping[str, StoredTerm]
) -> Concept:
    term = terms.get(concept.id)
    if term is None and (parent := reused(concept, term_set, known)):
        term = terms.get(parent.id)
    return concept if term is None else _with_labels_of(concept, term)


def _added(term: StoredTerm, ids: Mapping[str, str | None], old: Mapping[str, str], *, mode: Mode) -> Concept:
    """A concept that only the term store has."""
    means = old.get(term.key or "")
    concept = Concept(
        id=ids[term.id] or term.id,
        labels={},
        broader=ids.get(term.parent_id) if term.parent_id else None,
        status=Status.DEPRECATED if means else Status.CURRENT,
        replaced_by=means,
        mode=mode,
    )
    return _with_labels_of(concept, term)


def _with_labels_of(concept: Concept, term: StoredTerm) -> Concept:
    """The concept with the term's id, and its labels in each language the term store has."""
    labels, synonyms = dict(concept.labels), dict(concept.synonyms)
    definitions = dict(concept.definitions)
    for tag, live in term.labels.items():
        if (language := primary(tag)) in LANGUAGES:
            labels[language], synonyms[language] = live.default, live.synonyms
    for tag, text in term.descriptions.items():
        if (language := primary(tag)) in LANGUAGES:
            definitions[language] = text
    return replace(
        concept,
        labels=labels,
        synonyms={language: texts for language, texts in synonyms.items() if texts},
        definitions=definitions,
        term_id=term.id,
    )
