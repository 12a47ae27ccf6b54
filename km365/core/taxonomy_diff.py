"""What differs between two states of a taxonomy, term set by term set and term by term."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from km365.core.taxonomy import Concept, Rule, Taxonomy, TermSet


class Kind(StrEnum):
    """What happened to a term or a term set."""

    SET_ADDED = "set added"
    SET_REMOVED = "set removed"
    SET_NAME = "set name"
    SET_RULE = "set rule"
    SET_MODE = "set mode"
    SET_COLUMN = "set column"
    SET_OFFICE = "set office"
    """Whose layer it is, and which global term set it extends."""
    SET_TEXT = "set text"
    """Its definition or owner."""
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    SYNONYMS = "synonyms"
    STATUS = "status"
    MODE = "mode"
    LINKS = "links"
    TEXT = "text"
    """Its definition, note or owner."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that differs. `label` names the term for people; `was` and `now` are "" for nothing.

    Where it concerns a term set as a whole, `id` is its key and `label` its name.
    """

    kind: Kind
    facet: str
    id: str
    label: str
    was: str = ""
    now: str = ""
    language: str = ""


def differences(before: Taxonomy, after: Taxonomy, *, of_sets: bool = True) -> list[Difference]:
    """All differences, the term sets in the order of `after`, then those it lacks; layers included.

    An id that became an alias is the term it means now: a merged term is no removed one. Without `of_sets`
    the names, rules, modes and columns of the term sets are not compared; a thesaurus does not say them.
    """
    old, new = _sets(before), _sets(after)
    found: list[Difference] = []
    for key, term_set in new.items():
        if key in old:
            found += _set_changes(old[key], term_set) if of_sets else ()
            found += _term_changes(old[key], term_set)
        else:
            count = f"{len(term_set.concepts)} terms"
            found.append(Difference(kind=Kind.SET_ADDED, facet=key, id=key, label=term_set.name(), now=count))
    for key, term_set in old.items():
        if key not in new:
            count = f"{len(term_set.concepts)} terms"
            found.append(
                Difference(kind=Kind.SET_REMOVED, facet=key, id=key, label=term_set.name(), was=count)
            )
    return found


def _sets(taxonomy: Taxonomy) -> dict[str, TermSet]:
    return {one.key: one for one in (*taxonomy.term_sets, *taxonomy.layers)}


def _set_changes(old: TermSet, new: TermSet) -> Iterator[Difference]:
    """What differs in the term set itself, whatever its terms."""

    def differs(kind: Kind, was: str, now: str, language: str = "") -> Iterator[Difference]:
        return _differs(kind, new.key, new.key, new.name(), was, now, language)

    for language in _languages(old.names, new.names):
        yield from differs(Kind.SET_NAME, old.names.get(language, ""), new.names.get(language, ""), language)
    changed = [(was, now) for was, now in zip(_rule(old.rule), _rule(new.rule), strict=True) if was != now]
    yield from differs(
        Kind.SET_RULE, ", ".join(was for was, _ in changed), ", ".join(now for _, now in changed)
    )
    yield from differs(Kind.SET_MODE, str(old.mode), str(new.mode))
    yield from differs(Kind.SET_COLUMN, old.column, new.column)
    yield from differs(Kind.SET_OFFICE, _office(old), _office(new))
    for language in _languages(old.definitions, new.definitions):
        was, now = old.definitions.get(language, ""), new.definitions.get(language, "")
        yield from differs(Kind.SET_TEXT, was, now, language)
    yield from differs(Kind.SET_TEXT, old.owner, new.owner)


def _term_changes(before: TermSet, after: TermSet) -> Iterator[Difference]:
    """What differs in the terms of one term set, in its order; terms that are gone come last."""
    known = {alias: concept.id for concept in after.concepts for alias in concept.aliases}
    for concept in after.concepts:
        old = before.by_id.get(concept.id)
        if old is None:
            now = concept.broader or ""
            yield Difference(kind=Kind.ADDED, facet=after.key, id=concept.id, label=concept.label(), now=now)
        elif old is not concept and old != concept:
            yield from _changes(old, concept, after.key)
    for concept in before.concepts:
        if concept.id not in after.by_id:
            yield Difference(
                kind=Kind.REMOVED,
                facet=after.key,
                id=concept.id,
                label=concept.label(),
                now=known.get(concept.id, ""),
            )


def _changes(old: Concept, new: Concept, facet: str) -> Iterator[Difference]:
    def differs(kind: Kind, was: str, now: str, language: str = "") -> Iterator[Difference]:
        return _differs(kind, facet, new.id, new.label(), was, now, language)

    for language in _languages(old.labels, new.labels):
        yield from differs(Kind.RENAMED, old.labels.get(language, ""), new.labels.get(language, ""), language)
    yield from differs(Kind.MOVED, old.broader or "", new.broader or "")
    for language in _languages(old.synonyms, new.synonyms):
        had, has = old.synonyms.get(language, ()), new.synonyms.get(language, ())
        gone = ", ".join(text for text in had if text not in has)
        came = ", ".join(text for text in has if text not in had)
        yield from differs(Kind.SYNONYMS, gone, came, language)
    yield from differs(Kind.STATUS, _status(old), _status(new))
    yield from differs(Kind.MODE, str(old.mode), str(new.mode))
    yield from differs(Kind.LINKS, _links(old), _links(new))
    for texts, others in ((old.definitions, new.definitions), (old.notes, new.notes)):
        for language in _languages(texts, others):
            yield from differs(Kind.TEXT, texts.get(language, ""), others.get(language, ""), language)
    yield from differs(Kind.TEXT, old.owner, new.owner)


def _differs(
    kind: Kind, facet: str, id: str, label: str, was: str, now: str, language: str
) -> Iterator[Difference]:
    if was != now:
        yield Difference(kind=kind, facet=facet, id=id, label=label, was=was, now=now, language=language)


def _rule(rule: Rule) -> list[str]:
    """The parts of a tagging rule, in the words of the file."""
    return [f"{part.name} {json.dumps(getattr(rule, part.name))}" for part in fields(rule)]


def _office(term_set: TermSet) -> str:
    extends = f"extends {term_set.extends}" if term_set.extends else ""
    return ", ".join(filter(None, (term_set.office, extends)))


def _languages(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return list(dict.fromkeys((*one, *other)))


def _status(concept: Concept) -> str:
    return f"{concept.status}, use {concept.replaced_by}" if concept.replaced_by else str(concept.status)


def _links(concept: Concept) -> str:
    links = [f"{link} {other}" for link, other in concept.mapped_to]
    links += [f"also under {other}" for other in concept.also_broader]
    links += [f"old id {other}" for other in concept.aliases]
    links += [f"global parent {concept.global_parent}"] if concept.global_parent else []
    return ", ".join(sorted(links))
