"""A term set brought up to date by a file from outside: what the file says counts, the rest stays."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from km365.core.taxonomy import Concept, Mode, Status, TermSet
from km365.core.taxonomy_reading import Says
from km365.core.text import key as label_key

_Known = TypeVar("_Known", bound=Hashable)


def updated(
    present: TermSet | None, new: TermSet, *, says: Says, key: str = "", retire: bool = False
) -> TermSet:
    """`present` with what `new` says, under its own key and ids, in its own order with new terms last.

    Terms that `new` lacks stay; with `retire` they are deprecated instead (ids are never taken away). What a
    file of that kind cannot say (`says`) stays as it is: tagging rule, modes, owners, term-store ids.
    """
    if present is None:
        return replace(new, key=key or new.key)
    if says is Says.LABELS:
        new = _with_known_ids(present, new)
    given = new.by_id
    concepts = [
        _joined(concept, given[concept.id], says) if concept.id in given else _left(concept, retire=retire)
        for concept in present.concepts
    ]
    concepts += [concept for concept in new.concepts if concept.id not in present.by_id]
    if says is Says.EVERYTHING:
        return replace(new, key=present.key, concepts=tuple(concepts), set_id=present.set_id)
    definitions = {**present.definitions, **new.definitions}
    return replace(present, concepts=tuple(concepts), definitions=definitions)


def completed(present: TermSet | None, new: TermSet, unread: Mapping[str, frozenset[str]]) -> TermSet:
    """`new` with the fields that could not be read (by concept id) as `present` has them.

    A term that has no label even so, or no id, is left out.
    """
    known = present.by_id if present else {}
    concepts = (
        replace(one, **{name: getattr(known[one.id], name) for name in unread[one.id]})
        if one.id in unread and one.id in known
        else one
        for one in new.concepts
    )
    kept = (one for one in concepts if one.labels and "id" not in unread.get(one.id, ()))
    return replace(new, concepts=tuple(kept))


def _left(concept: Concept, *, retire: bool) -> Concept:
    return replace(concept, status=Status.DEPRECATED) if retire else concept


def _joined(old: Concept, new: Concept, says: Says) -> Concept:
    if says is Says.EVERYTHING:
        return replace(new, term_id=old.term_id or new.term_id)
    joined = replace(
        old,
        labels={**old.labels, **new.labels},
        definitions={**old.definitions, **new.definitions},
        broader=new.broader,
        term_id=old.term_id or new.term_id,
    )
    if says is Says.LABELS:
        barred = new.mode is Mode.NEVER and old.status is Status.CURRENT
        return replace(joined, mode=Mode.NEVER if barred else old.mode)
    return replace(
        joined,
        synonyms=_synonyms(old, new, joined.labels),
        notes={**old.notes, **new.notes},
        also_broader=new.also_broader,
        mapped_to=tuple(dict.fromkeys((*old.mapped_to, *new.mapped_to))),
        status=Status.DEPRECATED if Status.DEPRECATED in {old.status, new.status} else Status.CURRENT,
        replaced_by=new.replaced_by or old.replaced_by,
    )


def _synonyms(old: Concept, new: Concept, labels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Those of both: an office's own synonyms outlive the next edition of a thesaurus."""
    found = {}
    for language in (*old.synonyms, *(one for one in new.synonyms if one not in old.synonyms)):
        both = (*old.synonyms.get(language, ()), *new.synonyms.get(language, ()))
        found[language] = tuple(dict.fromkeys(text for text in both if text != labels.get(language)))
    return {language: texts for language, texts in found.items() if texts}


def _with_known_ids(present: TermSet, new: TermSet) -> TermSet:
    """The terms of a file without ids under the ids they have here.

    A term is known by its id in the term store, else by its labels from the top, else by a label that no
    other term has, here or among those of the file still unknown. Each way is asked for all terms before the
    next: a term of the same label elsewhere must not take the id of one that stands where it stood, and with
    it the documents that carry it.
    """
    language = next((tag for concept in new.concepts for tag in concept.labels), "en")
    by_term_id = {one.term_id.lower(): one.id for one in present.concepts if one.term_id}

    def by_path(reading: Callable[[str], Hashable]) -> Callable[[Concept], str | None]:
        there = _of_one((_path(one, present, language, reading), one.id) for one in present.concepts)
        return lambda one: there.get(_path(one, new, language, reading))

    def by_label(concept: Concept) -> str | None:
        alike = present.find(concept.label(language))
        return alike[0].id if len(alike) == 1 else None

    ids: dict[str, str] = {}
    for known in (
        lambda one: by_term_id.get((one.term_id or "").lower()),
        by_path(str),  # before the matcher's reading, to which "School" and "Schools" are one
        by_path(label_key),
        by_label,
    ):
        unknown = [one for one in new.concepts if one.id not in ids]
        taken = frozenset(ids.values())
        claims = _of_one((found, one.id) for one in unknown if (found := known(one)) is not None)
        ids |= {mine: found for found, mine in claims.items() if found not in taken}
    used = {*present.by_id, *ids.values()}
    for concept in new.concepts:
        if concept.id not in ids:
            ids[concept.id] = _free(concept.id, used)
            used.add(ids[concept.id])
    return replace(
        new,
        concepts=tuple(
            replace(one, id=ids[one.id], broader=ids.get(one.broader) if one.broader else None)
            for one in new.concepts
        ),
    )


def _of_one(pairs: Iterable[tuple[_Known, str]]) -> dict[_Known, str]:
    """The ids by what only one of them has."""
    found: dict[_Known, list[str]] = {}
    for known, one in pairs:
        found.setdefault(known, []).append(one)
    return {known: ids[0] for known, ids in found.items() if known and len(ids) == 1}


def _free(wanted: str, used: Collection[str]) -> str:
    found, number = wanted, 2
    while found in used:
        found, number = f"{wanted}-{number}", number + 1
    return found


def _path(
    concept: Concept, term_set: TermSet, language: str, reading: Callable[[str], Hashable]
) -> tuple[Hashable, ...]:
    """The labels from the top as `reading` has them; nothing where one is missing or goes round."""
    path: list[Hashable] = []
    at: Concept | None = concept
    while at is not None:
        if language not in at.labels or len(path) > len(term_set.concepts):
            return ()
        path.append(reading(at.labels[language]))
        at = term_set.by_id.get(at.broader) if at.broader else None
    return tuple(path)
