"""What differs between two states of a taxonomy, term by term."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from km365.core.taxonomy import Concept, Taxonomy, TermSet


class Kind(StrEnum):
    """What happened to a term or a term set."""

    SET_ADDED = "set added"
    SET_REMOVED = "set removed"
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
    """One thing that differs. `label` names the term for people; `was` and `now` are "" for nothing."""

    kind: Kind
    facet: str
    id: str
    label: str
    was: str = ""
    now: str = ""
    language: str = ""


def differences(before: Taxonomy, after: Taxonomy) -> list[Difference]:
    """All differences, the term sets in the order of `after`, then those it lacks; layers included.

    An id that became an alias is the term it means now: a merged term is no removed one.
    """
    old, new = _sets(before), _sets(after)
    found: list[Difference] = []
    for key, term_set in new.items():
        if key in old:
            found += set_differences(old[key], term_set)
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


def set_differences(before: TermSet, after: TermSet) -> Iterator[Difference]:
    """The differences of one term set, in its order; terms that are gone come last."""
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
        if was != now:
            label = new.label()
            yield Difference(
                kind=kind, facet=facet, id=new.id, label=label, was=was, now=now, language=language
            )

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
