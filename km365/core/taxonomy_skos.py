"""Term sets as SKOS statements, in and out; how they are written (Turtle, JSON-LD, RDF/XML) is not seen here.

Reading takes the SKOS and SKOS-XL that thesauri are published in; an IRI is the concept's id as it stands.
Writing puts what SKOS has no word for (tagging mode, rule, owner) into properties of our own, so that our
term sets come back unchanged.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from km365.core.languages import is_language, primary
from km365.core.taxonomy import Concept, Evidence, Link, Mode, Rule, Status, TermSet
from km365.core.taxonomy_reading import TERMS_AT_MOST, Reading, Says, slug

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
SKOSXL = "http://www.w3.org/2008/05/skos-xl#"
DCT = "http://purl.org/dc/terms/"
OWL = "http://www.w3.org/2002/07/owl#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
OURS = "urn:km365:def:"
PREFIXES = MappingProxyType({"skos": SKOS, "dcterms": DCT, "owl": OWL, "km": OURS})
"""The prefixes of the files we write."""
_TERM, _SET = "urn:km365:term:", "urn:km365:set:"
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
CONCEPTS_AT_MOST = 500_000
LABEL_AT_MOST = 5_000
"""A longer text is no label; it is said and left out."""


class Text(NamedTuple):
    """A literal; `language` is "" where none is given."""

    text: str
    language: str = ""


class Statement(NamedTuple):
    """One statement of a graph; an `object` that is a plain string is an IRI or, with `_:`, a blank node."""

    subject: str
    predicate: str
    object: str | Text


_LINKS = {
    "exactMatch": Link.EXACT,
    "closeMatch": Link.CLOSE,
    "broadMatch": Link.BROAD,
    "narrowMatch": Link.NARROW,
    "relatedMatch": Link.RELATED,
    "related": Link.RELATED,
}
_OF_LINK = {link: name for name, link in _LINKS.items() if name != "related"}
_SKOS_NAMES = (
    *_LINKS,
    *("prefLabel", "altLabel", "hiddenLabel", "broader", "narrower", "definition", "scopeNote"),
    *("inScheme", "topConceptOf", "hasTopConcept"),
)
_OUR_NAMES = (
    *("mode", "owner", "alias", "globalParent", "column", "atMost", "required", "threshold", "evidence"),
    *("office", "extends"),
)
_KNOWN = {
    RDF + "type": "type",
    **{SKOS + name: name for name in _SKOS_NAMES},
    SKOSXL + "prefLabel": "xlPref",
    SKOSXL + "altLabel": "xlAlt",
    SKOSXL + "hiddenLabel": "xlAlt",
    SKOSXL + "literalForm": "literalForm",
    OWL + "deprecated": "deprecated",
    DCT + "isReplacedBy": "isReplacedBy",
    DCT + "title": "title",
    DCT + "description": "description",
    RDFS + "label": "label",
    **{OURS + name: name for name in _OUR_NAMES},
}
_TO_IRIS = frozenset(
    (*_LINKS, "type", "xlPref", "xlAlt", "broader", "narrower", "inScheme", "topConceptOf", "hasTopConcept")
) | {"isReplacedBy", "alias", "globalParent"}
"""The properties whose object is a thing; those of the others are texts."""


def iri(concept_id: str) -> str:
    """The IRI of a concept: its id where that is one, else the id behind `urn:km365:term:`."""
    own = concept_id.startswith((_TERM, _SET)) or not _IRI.fullmatch(concept_id)
    return _TERM + quote(concept_id, safe="/:") if own else concept_id


def own_id(address: str) -> str:
    """The id behind an IRI; `iri` in reverse."""
    return unquote(address.removeprefix(_TERM)) if address.startswith(_TERM) else address


class _Draft:
    """What is said of one subject, by our short name of the property, in the order it was said.

    `links` to other concepts stand together, whatever their kind, so that they keep their order.
    """

    __slots__ = ("links", "said")

    def __init__(self) -> None:
        self.said: dict[str, list[str | Text]] = {}
        self.links: list[tuple[str, str]] = []

    def iris(self, *names: str) -> list[str]:
        return list(dict.fromkeys(v for name in names for v in self.said.get(name, ()) if isinstance(v, str)))

    def texts(self, *names: str) -> list[Text]:
        return [v for name in names for v in self.said.get(name, ()) if isinstance(v, Text)]

    def word(self, name: str) -> str:
        texts = self.texts(name)
        return texts[0].text.strip() if texts else ""


class SkosReader:
    """Collects statements one by one, then makes term sets of them."""

    def __init__(self, *, language: str = "en") -> None:
        self.problems: list[str] = []
        self.whole = True
        """False where something could not be read at all."""
        self._language = language
        self._drafts: dict[str, _Draft] = {}
        self._left_out: dict[str, int] = {}
        self._other_languages: Counter[str] = Counter()
        self._unread: frozenset[str] = frozenset()

    def add(self, subject: str, predicate: str, value: str | Text) -> None:
        """Takes one statement. An object of the wrong kind is said; an unknown property is counted."""
        name = _KNOWN.get(predicate)
        if name is None:
            self._left_out[predicate] = self._left_out.get(predicate, 0) + 1
            return
        if isinstance(value, Text) is (name in _TO_IRIS):
            wanted = "an IRI" if name in _TO_IRIS else "a text"
            self.problems.append(f"{own_id(subject)}: {name} must be {wanted}.")
            return
        draft = self._drafts.get(subject)
        if draft is None:
            draft = self._drafts[subject] = _Draft()
        if name in _LINKS and isinstance(value, str):
            draft.links.append((name, value))
        else:
            draft.said.setdefault(name, []).append(value)

    def finish(self, *, key: str | None = None) -> Reading:
        """The term sets: one per concept scheme, or a single one with `key` for everything."""
        schemes = {s: d for s, d in self._drafts.items() if SKOS + "ConceptScheme" in d.iris("type")}
        found = dict(self._concept_drafts(schemes))
        if len(found) > CONCEPTS_AT_MOST:
            self.problems.append(f"There are more than {CONCEPTS_AT_MOST:,} concepts; the rest is left out.")
            self.whole = False
            found = dict(list(found.items())[:CONCEPTS_AT_MOST])
        of_scheme = self._schemes_of(found, schemes, single=key is not None)
        self._reverse_narrower(found)
        members: dict[str, list[str]] = {}
        for subject, scheme in of_scheme.items():
            members.setdefault(scheme, []).append(subject)
        keys = dict.fromkeys(members, key) if key else _keys(members)
        sets = [
            self._term_set(scheme, schemes.get(scheme, _Draft()), inside, of_scheme, keys[scheme])
            for scheme, inside in members.items()
        ]
        sets = [one for one in sets if one.concepts]
        for language, count in self._other_languages.items():
            self.problems.append(
                f"Labels and texts in {language!r} ({count}): they are left out, since terms are kept in "
                "languages that have a code of two letters (ISO 639-1)."
            )
        if not sets:
            self.problems.append("There is no concept in it (skos:Concept with a skos:prefLabel).")
        ours = any(draft.said.get("mode") for draft in schemes.values())
        return Reading(
            term_sets=tuple(sets),
            problems=tuple(self.problems),
            left_out=dict(sorted(self._left_out.items())),
            whole=self.whole,
            says=Says.EVERYTHING if ours else Says.MEANING,
            unread={"": self._unread} if self._unread else {},
        )

    def _concept_drafts(self, schemes: Mapping[str, _Draft]) -> Iterator[tuple[str, _Draft]]:
        for subject, draft in self._drafts.items():
            said = draft.said
            if subject in schemes or "literalForm" in said or not ("type" in said or "prefLabel" in said):
                continue
            if "type" in said and SKOS + "Concept" not in said["type"]:
                if "prefLabel" in said:
                    self.problems.append(f"{own_id(subject)}: it is not a skos:Concept.")
                continue
            if subject.startswith("_:"):
                label = next((f" ({t.text!r})" for t in draft.texts("prefLabel")), "")
                self.problems.append(f"A concept{label} has no IRI of its own, so nothing can refer to it.")
            else:
                yield subject, draft

    def _schemes_of(
        self, found: Mapping[str, _Draft], schemes: Mapping[str, _Draft], *, single: bool
    ) -> dict[str, str]:
        """The scheme of each concept, "" for none."""
        if single:
            return dict.fromkeys(found, next(iter(schemes), ""))
        tops = {top: s for s, draft in schemes.items() for top in draft.iris("hasTopConcept")}
        of_scheme = {}
        for subject, draft in found.items():
            said = draft.iris("inScheme", "topConceptOf")
            named = [scheme for scheme in said if scheme in schemes] or said
            of_scheme[subject] = named[0] if named else tops.get(subject, "")
        return of_scheme

    def _reverse_narrower(self, found: Mapping[str, _Draft]) -> None:
        known = {(s, other) for s, draft in found.items() for other in draft.said.get("broader", ())}
        for subject, draft in found.items():
            for narrower in draft.iris("narrower"):
                other = found.get(narrower)
                if other is None:
                    self._lost(subject, "narrower", narrower)
                elif (narrower, subject) not in known:
                    other.said.setdefault("broader", []).append(subject)

    def _lost(self, subject: str, name: str, other: str) -> None:
        self.problems.append(f"{own_id(subject)}: its {name} term {own_id(other)!r} is not in the file.")

    def _term_set(
        self,
        scheme: str,
        draft: _Draft,
        members: Iterable[str],
        of_scheme: Mapping[str, str],
        key: str,
    ) -> TermSet:
        mode = self._mode(draft, scheme, Mode.SUGGEST)
        names, _ = self._labels(draft.texts("title") or draft.texts("prefLabel") or draft.texts("label"), ())
        concepts = (self._concept(subject, self._drafts[subject], of_scheme, mode) for subject in members)
        return TermSet(
            key=key,
            names=names or {"en": key},
            concepts=tuple(concept for concept in concepts if concept is not None),
            column=draft.word("column"),
            rule=self._rule(draft, scheme),
            mode=mode,
            owner=draft.word("owner"),
            definitions=self._first_by_language(draft.texts("description")),
            office=draft.word("office").lower(),
            extends=draft.word("extends"),
        )

    def _concept(
        self, subject: str, draft: _Draft, of_scheme: Mapping[str, str], mode: Mode
    ) -> Concept | None:
        if "xlPref" in draft.said or "xlAlt" in draft.said:
            self._unfold(draft)
        preferred = draft.texts("prefLabel") or draft.texts("label")
        labels, synonyms = self._labels(preferred, draft.texts("altLabel", "hiddenLabel"), subject)
        if not labels:
            self.problems.append(f"{own_id(subject)}: it has no preferred label.")
            return None
        said = draft.said
        if said.keys() <= _PLAIN and not draft.links:  # nothing but words, as most concepts of a big list
            return Concept(id=own_id(subject), labels=labels, synonyms=synonyms, mode=mode)
        broader, links = self._relations(subject, draft, of_scheme)
        deprecated = draft.word("deprecated").lower() in {"true", "1"} or "isReplacedBy" in said
        replaced = draft.iris("isReplacedBy")
        return Concept(
            id=own_id(subject),
            labels=labels,
            synonyms=synonyms,
            broader=own_id(broader[0]) if broader else None,
            also_broader=tuple(own_id(other) for other in broader[1:]),
            mapped_to=links,
            status=Status.DEPRECATED if deprecated else Status.CURRENT,
            replaced_by=own_id(replaced[0]) if replaced else None,
            mode=self._mode(draft, subject, mode),
            owner=draft.word("owner"),
            definitions=self._first_by_language(draft.texts("definition")),
            notes=self._first_by_language(draft.texts("scopeNote")),
            aliases=tuple(own_id(alias) for alias in draft.iris("alias")),
            global_parent=next((own_id(parent) for parent in draft.iris("globalParent")), None),
        )

    def _unfold(self, draft: _Draft) -> None:
        """SKOS-XL: labels that are things of their own."""
        for name, plain in (("xlPref", "prefLabel"), ("xlAlt", "altLabel")):
            known = set(draft.texts(plain))
            for node in draft.iris(name):
                of_node = self._drafts.get(node)
                forms = of_node.texts("literalForm") if of_node else []
                draft.said.setdefault(plain, []).extend(text for text in forms if text not in known)

    def _relations(
        self, subject: str, draft: _Draft, of_scheme: Mapping[str, str]
    ) -> tuple[list[str], tuple[tuple[Link, str], ...]]:
        broader, links = [], []
        for other in draft.iris("broader"):
            if other not in of_scheme:
                self._lost(subject, "broader", other)
            elif of_scheme[other] == of_scheme[subject]:
                broader.append(other)
            else:
                links.append((Link.BROAD, own_id(other)))
        for name, other in draft.links:
            if name == "related" and other not in of_scheme:
                self._lost(subject, name, other)
            else:
                links.append((_LINKS[name], own_id(other)))
        return broader, tuple(dict.fromkeys(links))

    def _labels(
        self, preferred: Sequence[Text], others: Iterable[Text], subject: str = ""
    ) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """One preferred label for each language, that without a region if any; all others as synonyms."""
        labels: dict[str, str] = {}
        synonyms: dict[str, list[str]] = {}
        for found, is_preferred in ((_exact_first(preferred), True), (others, False)):
            for text, tag in found:
                label = " ".join(text.split())
                if not label or len(label) > LABEL_AT_MOST:
                    what = "is empty" if not label else f"is longer than {LABEL_AT_MOST:,} characters"
                    self.problems.append(f"{own_id(subject)}: a label {what} and is left out.")
                    continue
                language = self._kept_as(tag)
                if not language:
                    continue
                if is_preferred and language not in labels:
                    labels[language] = label
                    continue
                if is_preferred and label != labels[language] and primary(tag) == tag:
                    self.problems.append(
                        f"{own_id(subject)}: it has more than one preferred label in {language}; {label!r} "
                        "becomes a synonym."
                    )
                synonyms.setdefault(language, []).append(label)
        return labels, {
            language: kept
            for language, texts in synonyms.items()
            if (kept := tuple(dict.fromkeys(t for t in texts if t != labels.get(language))))
        }

    def _first_by_language(self, texts: Sequence[Text]) -> dict[str, str]:
        found: dict[str, str] = {}
        for text, tag in _exact_first(texts):
            if language := self._kept_as(tag):
                found.setdefault(language, text.strip())
        return {language: text for language, text in found.items() if text}

    def _kept_as(self, tag: str) -> str:
        """The language that a text so tagged is kept in; "" for one without a place here, and counts it."""
        language = primary(tag) if tag else self._language
        if is_language(language):
            return language
        self._other_languages[language] += 1
        return ""

    def _mode(self, draft: _Draft, subject: str, default: Mode) -> Mode:
        word = draft.word("mode")
        if word and word not in set(Mode):
            self.problems.append(f"{own_id(subject)}: mode {word!r} is not one of {', '.join(Mode)}.")
        return Mode(word) if word in set(Mode) else default

    def _rule(self, draft: _Draft, scheme: str) -> Rule:
        found: dict[str, Any] = {}
        for name, (field, read, wanted) in _RULE.items():
            if word := draft.word(name):
                try:
                    found[field] = read(word)
                except ValueError:
                    self.problems.append(
                        f"{own_id(scheme)}: its tagging rule cannot be read: {name} is {word[:40]!r} "
                        f"and must be {wanted}."
                    )
                    self._unread = frozenset({"rule"})
        return Rule(**found)


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:  # so it is for "nan", too
        raise ValueError(value)
    return value


_RULE: Mapping[str, tuple[str, Callable[[str], Any], str]] = {
    "atMost": (
        "at_most",
        lambda word: _within(int(word), 1, TERMS_AT_MOST),
        f"a whole number from 1 to {TERMS_AT_MOST}",
    ),
    "required": ("required", lambda word: word == "true", "true or false"),
    "threshold": ("threshold", lambda word: _within(float(word), 0, 1), "a number from 0 to 1"),
    "evidence": ("evidence", Evidence, f"one of {', '.join(Evidence)}"),
}
"""Our properties of a tagging rule: the field of each, how its word is read, what that must be."""


def _keys(schemes: Iterable[str]) -> dict[str, str]:
    """A key for each scheme: its own if it is one of ours, else the end of its IRI.

    Of two that end alike each gets as much before the end as tells them apart, as far as anything does.
    """
    keys = {one: unquote(one.removeprefix(_SET)) if one.startswith(_SET) else slug(one) for one in schemes}
    keys = {one: key or "vocabulary" for one, key in keys.items()}
    for parts in range(2, _PARTS_AT_MOST + 1):
        taken = Counter(keys.values())
        alike = [one for one, key in keys.items() if taken[key] > 1 and not one.startswith(_SET)]
        keys |= {one: slug(one, parts=parts) or keys[one] for one in alike}
    return keys


_PARTS_AT_MOST = 8


def _exact_first(texts: Sequence[Text]) -> Sequence[Text]:
    """The texts in their order, but `en` before `en-GB`, and simplified Chinese before traditional."""
    if not any(len(language) > 3 for _, language in texts):  # no region or script in most files
        return texts
    return sorted(texts, key=lambda one: (primary(one.language) != one.language.lower(), _traditional(one)))


def _traditional(text: Text) -> bool:
    return not _TRADITIONAL.isdisjoint(text.language.lower().split("-"))


_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
_PLAIN = frozenset({"type", "inScheme", "topConceptOf", "prefLabel", "altLabel", "hiddenLabel", "narrower"})


def statements(term_sets: Iterable[TermSet]) -> Iterator[Statement]:
    """Every statement of the term sets, those of one concept together, in the set's order."""
    for term_set in term_sets:
        scheme = _SET + quote(term_set.key, safe="/")
        yield from _set_statements(scheme, term_set)
        for concept in term_set.concepts:
            yield from _concept_statements(iri(concept.id), scheme, concept, term_set)


def _set_statements(scheme: str, term_set: TermSet) -> Iterator[Statement]:
    yield Statement(scheme, RDF + "type", SKOS + "ConceptScheme")
    yield from _texts(scheme, DCT + "title", term_set.names)
    yield from _texts(scheme, DCT + "description", term_set.definitions)
    rule = term_set.rule
    words = {
        "mode": str(term_set.mode),
        "column": term_set.column,
        "atMost": str(rule.at_most),
        "required": str(rule.required).lower(),
        "threshold": str(rule.threshold),
        "evidence": str(rule.evidence),
        "owner": term_set.owner,
        "office": term_set.office,
        "extends": term_set.extends,
    }
    for name, word in words.items():
        if word:
            yield Statement(scheme, OURS + name, Text(word))


def _concept_statements(
    subject: str, scheme: str, concept: Concept, term_set: TermSet
) -> Iterator[Statement]:
    yield Statement(subject, RDF + "type", SKOS + "Concept")
    yield Statement(subject, SKOS + "inScheme", scheme)
    yield from _texts(subject, SKOS + "prefLabel", concept.labels)
    for language, texts in concept.synonyms.items():
        for text in texts:
            yield Statement(subject, SKOS + "altLabel", Text(text, language))
    for broader in (*([concept.broader] if concept.broader else []), *concept.also_broader):
        yield Statement(subject, SKOS + "broader", iri(broader))
    for link, other in concept.mapped_to:
        beside = link is Link.RELATED and other in term_set.by_id
        yield Statement(subject, SKOS + ("related" if beside else _OF_LINK[link]), iri(other))
    yield from _texts(subject, SKOS + "definition", concept.definitions)
    yield from _texts(subject, SKOS + "scopeNote", concept.notes)
    if concept.status is Status.DEPRECATED:
        yield Statement(subject, OWL + "deprecated", Text("true"))
    if concept.replaced_by:
        yield Statement(subject, DCT + "isReplacedBy", iri(concept.replaced_by))
    if concept.mode is not term_set.mode:
        yield Statement(subject, OURS + "mode", Text(str(concept.mode)))
    if concept.owner:
        yield Statement(subject, OURS + "owner", Text(concept.owner))
    for alias in concept.aliases:
        yield Statement(subject, OURS + "alias", iri(alias))
    if concept.global_parent:
        yield Statement(subject, OURS + "globalParent", iri(concept.global_parent))


def _texts(subject: str, predicate: str, texts: Mapping[str, str]) -> Iterator[Statement]:
    for language, text in texts.items():
        yield Statement(subject, predicate, Text(text, language))
