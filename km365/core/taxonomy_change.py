"""Taking a term out of use: merging it into another, or deprecating it. Its id goes on meaning something."""

from collections.abc import Mapping
from dataclasses import replace

from km365.core.taxonomy import Concept, Status, Taxonomy, TermSet
from km365.core.text import key as label_key
from km365.errors import InputRefused, NotFound


def merged(term_set: TermSet, old_id: str, into_id: str) -> TermSet:
    """The term set with the words, links and narrower terms of `old_id` at `into_id`.

    The old term stays, deprecated and replaced by the other, so that documents which carry it are understood
    and can be tagged anew; its labels become synonyms, and who looks for its id finds the other. Raises
    NotFound where one of them is not in the term set, and InputRefused where one would be merged into itself
    or into a term below it or out of use.
    """
    old, into = _concept(term_set, old_id), _concept(term_set, into_id)
    if old.id == into.id:
        raise InputRefused(f"{old_id}: a term cannot be merged into itself.")
    if into.status is Status.DEPRECATED:
        raise InputRefused(f"{into_id} is out of use itself; merge {old_id} into a term that is in use.")
    if old.id in _above(into, term_set):
        raise InputRefused(
            f"{into_id} stands under {old_id}; merge it into {old_id} instead, or move it first."
        )
    changed = []
    for concept in term_set.concepts:
        if concept.id == into.id:
            changed.append(_enriched(concept, old))
        elif concept.id == old.id:
            changed.append(_retired(concept, into.id))
        else:
            changed.append(_repointed(concept, old.id, into.id))
    return replace(term_set, concepts=tuple(changed))


def deprecated(term_set: TermSet, concept_id: str, replaced_by: str | None, known: Taxonomy) -> TermSet:
    """The term set with one term out of use; `replaced_by` may be of any term set of `known`.

    Raises NotFound where a term does not exist, and InputRefused where the replacement is out of use, leads
    back to the term, or terms still stand under it; offices' terms too, where nothing would replace it.
    """
    old = _concept(term_set, concept_id)
    if replaced_by is not None:
        after = known.resolve(replaced_by)
        if after.id == old.id:
            raise InputRefused(f"{concept_id}: a term cannot be replaced by itself.")
        if after.status is Status.DEPRECATED:
            raise InputRefused(f"{replaced_by} is out of use itself; name a term that is in use.")
        replaced_by = after.id
    under = [
        one.id
        for concepts in (term_set.concepts, *(layer.concepts for layer in known.layers))
        for one in concepts
        if old.id == one.broader or (old.id == one.global_parent and replaced_by is None)
        if one.status is Status.CURRENT
    ]
    if under:
        raise InputRefused(
            f"{len(under)} terms in use stand under {concept_id}, first {under[0]}; deprecate or move them "
            f"first, or merge {concept_id} into another term, which takes them along."
        )
    return replace(
        term_set,
        concepts=tuple(
            _retired(concept, replaced_by) if concept.id == old.id else concept
            for concept in term_set.concepts
        ),
    )


def _concept(term_set: TermSet, concept_id: str) -> Concept:
    if concept_id not in term_set.by_id:
        raise NotFound(f"There is no term {concept_id!r} in the term set {term_set.key!r}.")
    return term_set.by_id[concept_id]


def _above(concept: Concept, term_set: TermSet) -> set[str]:
    found: set[str] = set()
    at = concept.broader
    while at and at in term_set.by_id and at not in found:
        found.add(at)
        at = term_set.by_id[at].broader
    return found


def _retired(concept: Concept, replaced_by: str | None) -> Concept:
    return replace(concept, status=Status.DEPRECATED, replaced_by=replaced_by)


def _enriched(into: Concept, old: Concept) -> Concept:
    links = (*into.mapped_to, *(link for link in old.mapped_to if link[1] != into.id))
    return replace(
        into,
        labels={**old.labels, **into.labels},
        synonyms=_words(into, old),
        definitions={**old.definitions, **into.definitions},
        mapped_to=tuple(dict.fromkeys(one for one in links if one[1] != old.id)),
        also_broader=tuple(one for one in into.also_broader if one != old.id),
    )


def _words(into: Concept, old: Concept) -> Mapping[str, tuple[str, ...]]:
    """Its own synonyms, and of the old labels and synonyms those that read differently."""
    found = {}
    labels = {**old.labels, **into.labels}
    for language in dict.fromkeys((*into.synonyms, *old.labels, *old.synonyms)):
        more = (*([old.labels[language]] if language in old.labels else []), *old.synonyms.get(language, ()))
        known = {label_key(labels[language])} if language in labels else set()
        kept = list(into.synonyms.get(language, ()))
        known.update(map(label_key, kept))
        for text in more:
            reading = label_key(text)
            if reading not in known:
                known.add(reading)
                kept.append(text)
        if kept:
            found[language] = tuple(kept)
    return found


def _repointed(concept: Concept, old_id: str, into_id: str) -> Concept:
    """With `into_id` wherever it named `old_id`."""

    def now(other: str | None) -> str | None:
        return into_id if other == old_id else other

    pointing = {concept.broader, concept.replaced_by, concept.global_parent, *concept.also_broader}
    if old_id not in pointing and all(other != old_id for _, other in concept.mapped_to):
        return concept
    also = dict.fromkeys(into_id if one == old_id else one for one in concept.also_broader)
    links = dict.fromkeys((link, into_id if other == old_id else other) for link, other in concept.mapped_to)
    return replace(
        concept,
        broader=now(concept.broader),
        also_broader=tuple(one for one in also if one != now(concept.broader)),
        replaced_by=now(concept.replaced_by),
        global_parent=now(concept.global_parent),
        mapped_to=tuple(one for one in links if one[1] != concept.id),
    )
