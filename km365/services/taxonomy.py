"""The taxonomy where it lives: files that an office edits, and the term store that everybody sees.

The files say what should be there (`templates/taxonomies/`). The term store is the live copy: its ids are
what documents carry, and what people change in it (a label, a synonym, a term of their own) counts from the
next run. Only the tagging rules, links and statuses, which the term store cannot hold, come from the files.
"""

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from km365.core.languages import LANGUAGES, primary
from km365.core.schema import TERM_GROUP
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.core.taxonomy_check import check, check_set, unusable
from km365.core.taxonomy_file import Found, read
from km365.errors import Forbidden, TemplateError
from km365.graph import terms
from km365.graph.client import Graph
from km365.graph.terms import Labels, NewTerm, StoredTerm, TermStoreSet
from km365.templates import Templates

log = logging.getLogger(__name__)

CACHE = "term-store.json"
"""The name of the copy of the term store that is kept in the home folder."""


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A term set that the term store lacks, in whole or in part: `terms` of it are not there."""

    key: str
    name: str
    terms: int


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """How many term sets and terms were created."""

    sets: int
    terms: int


# Files ---------------------------------------------------------------------------------------------------


def load(templates: Templates) -> tuple[Taxonomy, list[str]]:
    """Every usable term set of `taxonomies/*.json`, and one line for each problem found.

    A file that cannot be read, or whose term set cannot work (broader terms in a circle, an id twice), is
    said and left out, or replaced by the shipped file of that name; the others go on.
    """
    taxonomy, unusable = _load(templates, slight=True)
    return taxonomy, unusable + [f"{problem}." for problem in check(taxonomy)]


def _load(templates: Templates, *, slight: bool = False) -> tuple[Taxonomy, list[str]]:
    """The usable term sets by file name, and what is wrong with the other files.

    Without `slight` only what makes them unusable, which is found faster.

    Shipped files come first, so that an office's file which takes their ids or keys is the one to give way.
    """
    own = Templates()
    names = templates.names("taxonomies/*.json")
    offices = {
        name for name in names if name not in own.names(name) or templates.path(name) != own.path(name)
    }
    lines: list[str] = []
    sets: dict[str, TermSet] = {}
    for name in sorted(names, key=lambda name: name in offices):
        term_set, fatal = _usable(templates, name, beside=sets.values())
        if fatal:
            term_set, _ = _usable(own, name, beside=sets.values())
            outcome = "The shipped one is used instead." if term_set else "It is left out."
            lines += [f"{line} {outcome}" for line in fatal]
            if slight:
                lines += [line for line in _problems(templates, name) if line not in fatal]
        if term_set:
            sets[name] = term_set
    return Taxonomy(term_sets=tuple(sets[name] for name in names if name in sets)), lines


def _usable(
    templates: Templates, name: str, *, beside: Iterable[TermSet]
) -> tuple[TermSet | None, list[str]]:
    """The term set in the file, or what makes it unusable."""
    try:
        text = templates.text(name)
    except TemplateError as error:
        return None, [str(error)]
    found = read(text, source=name)
    if found.term_set is None:
        return None, list(found.wrong)
    fatal = [*found.wrong, *(f"{name}, {problem}." for problem in unusable(found.term_set))]
    for other in beside:
        if other.key == found.term_set.key:
            fatal.append(f"{name}, {other.key}: another file has this key already.")
        elif shared := sorted(other.by_id.keys() & found.term_set.by_id.keys()):
            fatal += [f"{name}, {one}: this id is used in {other.key!r} already." for one in shared]
    return (None, fatal) if fatal else (found.term_set, [])


def _problems(templates: Templates, name: str) -> list[str]:
    try:
        return _all_problems(read(templates.text(name), source=name), name)
    except TemplateError as error:
        return [str(error)]


def problems_of(file: Path) -> list[str]:
    """Everything wrong with one file, a line each; links to other term sets are not followed."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return [f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8."]
    except OSError as error:
        return [f"{file}: it cannot be read ({error.strerror})."]
    return _all_problems(read(text, source=str(file)), str(file))


def _all_problems(found: Found, source: str) -> list[str]:
    """How the file is written, then what its concepts say; of a concept half read only what is certain."""
    lines = list(found.wrong)
    if found.term_set is not None:
        lines += [
            f"{source}, {problem}."
            for problem in check_set(found.term_set)
            if problem.fatal or problem.where not in found.doubtful
        ]
    return lines


def shipped(templates: Templates) -> Taxonomy:
    """The term sets of the files; what had to be left out is said in the log (on stderr by default).

    Raises TemplateError when not one is usable.
    """
    taxonomy, lines = _load(templates)
    if not taxonomy.term_sets:
        raise TemplateError(lines[0] if lines else "There is no term set in taxonomies/*.json.")
    for line in lines:
        log.warning("%s", line)
    return taxonomy


# The term store ------------------------------------------------------------------------------------------


async def missing(graph: Graph, site_id: str, taxonomy: Taxonomy) -> list[Missing]:
    """The term sets of which something is missing in the term store, in the taxonomy's order.

    Reads only (TermStore.Read.All).
    """
    present = {one.key: one for one in await terms.read_sets(graph, site_id, group=TERM_GROUP)}
    found = []
    for term_set in taxonomy.term_sets:
        there = present.get(term_set.key)
        known = {term.key for term in there.terms} if there else set()
        absent = [concept for concept in term_set.concepts if concept.id not in known]
        if absent or there is None:
            found.append(Missing(key=term_set.key, name=term_set.name(), terms=len(absent)))
    return found


async def set_ids(graph: Graph, site_id: str) -> dict[str, str]:
    """The term store's id of each of our term sets, by facet key."""
    group_id = await _group_id(graph, site_id)
    if group_id is None:
        return {}
    return {one.key: one.id for one in await terms.list_sets(graph, site_id, group_id) if one.key}


async def _group_id(graph: Graph, site_id: str) -> str | None:
    return next((one.id for one in await terms.list_groups(graph, site_id) if one.name == TERM_GROUP), None)


async def push(graph: Graph, site_id: str, taxonomy: Taxonomy) -> Pushed:
    """Creates the term sets and terms that the term store lacks; what is there already is left as it is.

    A term is known by its property `km365.id`, so that renaming it in the term store makes no second one, and
    a push that was cut off goes on when repeated. Labels go out in the working languages of the term store.
    Needs TermStore.ReadWrite.All.
    """
    default, tags = await terms.languages(graph, site_id)
    group_id = await _group_id(graph, site_id)
    if group_id is None:
        made = await terms.create_group(graph, site_id, TERM_GROUP, description="Kept by km365")
        group_id = made.id
    present = {one.key: one for one in await terms.list_sets(graph, site_id, group_id) if one.key}
    new_sets = new_terms = 0
    for term_set in taxonomy.term_sets:
        there = present.get(term_set.key)
        if there is None:
            names = _spoken({language: (name,) for language, name in term_set.names.items()}, default, tags)
            there = await terms.create_set(
                graph,
                site_id,
                group_id,
                names={tag: one.default for tag, one in names.items()},
                properties={terms.KEY: term_set.key},
            )
            new_sets += 1
        else:
            there = await terms.read_set(graph, site_id, there)
        new_terms += await _push_terms(graph, site_id, term_set, there, default, tags)
    return Pushed(sets=new_sets, terms=new_terms)


async def _push_terms(
    graph: Graph, site_id: str, term_set: TermSet, there: TermStoreSet, default: str, tags: Sequence[str]
) -> int:
    """Level by level, since a term needs its parent's id."""
    ids = {term.key: term.id for term in there.terms if term.key}
    waiting = [concept for concept in term_set.concepts if concept.id not in ids]
    created = 0
    while waiting:
        ready = [concept for concept in waiting if concept.broader is None or concept.broader in ids]
        if not ready:
            raise TemplateError(f"{waiting[0].id}: its broader term {waiting[0].broader!r} does not exist.")
        made = await terms.create_terms(
            graph,
            site_id,
            there.id,
            [
                NewTerm(
                    parent_id=ids[concept.broader] if concept.broader else None,
                    labels=_spoken(_labels(concept), default, tags),
                    properties={terms.KEY: concept.id},
                )
                for concept in ready
            ],
        )
        ids |= {concept.id: term.id for concept, term in zip(ready, made, strict=True)}
        created += len(made)
        waiting = [concept for concept in waiting if concept.id not in ids]
    return created


def _labels(concept: Concept) -> dict[str, tuple[str, ...]]:
    """The labels of a concept by language, the preferred one first."""
    return {
        language: (label, *concept.synonyms.get(language, ())) for language, label in concept.labels.items()
    }


def _spoken(texts: Mapping[str, Sequence[str]], default: str, tags: Sequence[str]) -> dict[str, Labels]:
    """The texts by the term store's own language tags.

    A language the store does not work in is left out. Its default language must have a label: where we have
    none, it gets the English one.
    """
    found = {}
    for tag in dict.fromkeys([default, *tags]):
        given = texts.get(primary(tag))
        if given is None and tag == default:
            given = texts.get("en") or next(iter(texts.values()))
        if given is not None:
            found[tag] = Labels(default=given[0], synonyms=_each_once(given)[1:])
    return found


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    """The names without those that differ in capitals only, which the term store refuses."""
    chosen: dict[str, str] = {}
    for name in names:
        chosen.setdefault(name.strip().casefold(), name.strip())
    return tuple(chosen.values())


# Both together -------------------------------------------------------------------------------------------


async def stored(graph: Graph, site_id: str, taxonomy: Taxonomy, *, cache: Path | None = None) -> Taxonomy:
    """`taxonomy` as the term store has it: with its ids, its labels, and the terms people added there.

    A concept that is not in the term store keeps `term_id` None: it may speak for others through its links,
    but cannot be written. A term made in the term store gets the id `<facet>/<guid>`.
    `cache` is a file: each reading leaves a copy there, which serves where the term store refuses the app
    (Graph documents it for people only). Raises Forbidden where there is no copy.
    """
    try:
        sets = await terms.read_sets(graph, site_id, group=TERM_GROUP)
    except Forbidden:
        sets = _recall(cache) if cache else []
        if not sets:
            raise
        log.warning("The term store refuses this app; the copy in %s is used.", cache)
    else:
        if cache:
            _keep(cache, sets)
    return _with(taxonomy, sets)


def last_stored(taxonomy: Taxonomy, *, cache: Path) -> Taxonomy:
    """`taxonomy` as the term store had it when it was last read here; as it stands if it never was."""
    return _with(taxonomy, _recall(cache))


def _with(taxonomy: Taxonomy, sets: Iterable[TermStoreSet]) -> Taxonomy:
    present = {one.key: one for one in sets if one.key}
    return Taxonomy(
        term_sets=tuple(
            _as_stored(term_set, present[term_set.key]) if term_set.key in present else term_set
            for term_set in taxonomy.term_sets
        )
    )


def _as_stored(term_set: TermSet, there: TermStoreSet) -> TermSet:
    by_key = {term.key: term for term in there.terms if term.key}
    known = tuple(
        _with_labels_of(concept, by_key[concept.id]) if concept.id in by_key else concept
        for concept in term_set.concepts
    )
    return replace(term_set, set_id=there.id, concepts=(*known, *_added(term_set, there)))


def _added(term_set: TermSet, there: TermStoreSet) -> Iterator[Concept]:
    """The concepts that only the term store has."""
    ids = {
        term.id: term.key if term.key in term_set.by_id else f"{term_set.key}/{term.id}"
        for term in there.terms
    }
    for term in there.terms:
        if term.key not in term_set.by_id:
            broader = ids.get(term.parent_id) if term.parent_id else None
            bare = Concept(id=ids[term.id] or term.id, labels={}, broader=broader, mode=term_set.mode)
            yield _with_labels_of(bare, term)


def _with_labels_of(concept: Concept, term: StoredTerm) -> Concept:
    """The concept with the term's id, and its labels in each language the term store has."""
    labels, synonyms = dict(concept.labels), dict(concept.synonyms)
    for tag, live in term.labels.items():
        if (language := primary(tag)) in LANGUAGES:
            labels[language], synonyms[language] = live.default, live.synonyms
    return replace(
        concept,
        labels=labels,
        synonyms={language: texts for language, texts in synonyms.items() if texts},
        term_id=term.id,
    )


def _keep(file: Path, sets: Sequence[TermStoreSet]) -> None:
    """Replaces the copy in one step; a disk that is full costs the copy, not the work."""
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        beside.write_text(json.dumps([asdict(one) for one in sets], ensure_ascii=False), encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        log.warning("No copy of the term store could be kept in %s (%s).", file, error.strerror)


def _recall(file: Path) -> list[TermStoreSet]:
    """The copy, or nothing where it is absent or damaged."""
    try:
        return [_set_from(raw) for raw in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _set_from(raw: dict[str, Any]) -> TermStoreSet:
    return TermStoreSet(
        id=raw["id"],
        names=raw["names"],
        properties=raw["properties"],
        terms=tuple(
            StoredTerm(
                id=term["id"],
                labels={
                    tag: Labels(default=one["default"], synonyms=tuple(one["synonyms"]))
                    for tag, one in term["labels"].items()
                },
                parent_id=term["parent_id"],
                properties=term["properties"],
            )
            for term in raw["terms"]
        ),
    )
