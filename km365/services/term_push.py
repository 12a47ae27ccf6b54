"""Bringing the term store to our taxonomy: compared first, then only what differs is written.

Nothing is deleted or moved, and what people changed in the term store is not written over: see
`core/three_sides`. A push that was cut off goes on when it is repeated, since it compares anew.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from km365.core.schema import TERM_GROUP
from km365.core.taxonomy import Taxonomy
from km365.core.term_changes import LEFT, Line, NewTerm, SetChanges, Update
from km365.core.term_store import StoredTerm, TermStoreSet, held
from km365.errors import Forbidden, GraphError, InputRefused
from km365.graph import terms
from km365.graph.client import Graph
from km365.graph.terms import AT_ONCE, Advance
from km365.services import term_copy
from km365.services.term_copy import AGREED, CACHE, Copy
from km365.services.term_pull import FRESH, LARGE, compare, paced, read, read_or_recall, refreshed
from km365.store import events, locks
from km365.store.database import Database

UNITS_A_WRITE = 2
"""Resource units of a write, as SharePoint counts lists; Microsoft gives no price for the term store."""
BUSY = "taxonomy-push"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A term set that the term store lacks, in whole or in part: `terms` of it are not there."""

    key: str
    name: str
    terms: int


@dataclass(frozen=True, kw_only=True)
class PushPlan:
    """What a push would do. `silent` are languages of ours in which the term store does not work.

    `refused` says why the term store could not be read, so that an old copy was compared: then the plan is
    for reading only.
    """

    copy: Copy
    changes: tuple[SetChanges, ...]
    silent: tuple[str, ...] = ()
    refused: str = ""
    partial: bool = False
    """Whether only some of the term store's sets were read."""

    @property
    def writes(self) -> int:
        """How many term sets and terms are to be written."""
        return sum(one.writes for one in self.changes)

    @property
    def left(self) -> tuple[Line, ...]:
        """What is left for a person."""
        return tuple(line for one in self.changes for line in one.of_kind(*LEFT))


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A concept that the term store refused, and why."""

    concept_id: str
    why: str


@dataclass(kw_only=True)
class Pushed:
    """What a push did, counted as it goes on; `failed` are terms that were refused."""

    sets: int = 0
    terms: int = 0
    reused: int = 0
    changed: int = 0
    failed: list[Failure] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The counts, for the journal."""
        counted = {"sets": self.sets, "terms": self.terms, "reused": self.reused, "changed": self.changed}
        return {**counted, "failed": len(self.failed)}


# Provisioning --------------------------------------------------------------------------------------------


async def missing(
    graph: Graph, site_id: str, taxonomy: Taxonomy, *, cache: Path | None = None
) -> list[Missing]:
    """The term sets of which something is missing in the term store, in the taxonomy's order.

    Reads only (TermStore.Read.All), a large term store from its copy.
    """
    copy = await read_or_recall(graph, site_id, cache)
    return [
        Missing(key=one.key, name=one.name, terms=one.new_terms)
        for one in compare(taxonomy, copy, None)
        if one.new_terms or one.set_id is None
    ]


async def set_ids(graph: Graph, site_id: str) -> dict[str, str]:
    """The term store's id of each of our term sets, by facet key."""
    for group in await terms.list_groups(graph, site_id):
        if group.name == TERM_GROUP:
            return {one.key: one.id for one in await terms.list_sets(graph, site_id, group.id) if one.key}
    return {}


async def push_missing(graph: Graph, site_id: str, taxonomy: Taxonomy, *, home: Path | None = None) -> Pushed:
    """Creates the term sets and terms that the term store lacks, those that people took out included.

    What is there already is left as it is.

    `home` keeps the copies. Raises the first refusal after the rest was done. Needs TermStore.ReadWrite.All.
    """
    copy = await read(graph, site_id, keys=taxonomy.by_key)
    new = tuple(_only_new(one) for one in compare(taxonomy, copy, None))
    writer = _Writer(graph, site_id, PushPlan(copy=copy, changes=new, partial=True), home, lambda _: None)
    await writer.write()
    if writer.done.failed:
        raise GraphError(f"{writer.done.failed[0].concept_id}: {writer.done.failed[0].why}")
    return writer.done


def _only_new(one: SetChanges) -> SetChanges:
    names = one.names if one.set_id is None else None
    differing = {update.concept_id for update in one.updates}
    agreed = tuple(term for term in one.agreed if term.key not in differing)
    return replace(one, names=names, updates=(), agreed=agreed)


# Pushing -------------------------------------------------------------------------------------------------


async def plan(
    graph: Graph,
    site_id: str,
    taxonomy: Taxonomy,
    *,
    home: Path,
    facets: Collection[str] = (),
    force: Collection[str] = (),
    anew: bool = False,
    advance: Advance = lambda _: None,
) -> PushPlan:
    """What a push would do, of the named facets only if any are named. Reads only (TermStore.Read.All).

    Of a large term store that was read within a day only the terms concerned are read again, unless `anew`.

    Concepts in `force` are written as the files have them, whatever people changed. Where the term store
    refuses the app its copy is compared instead; raises Forbidden where there is none, and InputRefused for a
    facet or concept that does not exist.
    """
    wanted = held(taxonomy)
    for unknown in [one for one in facets if one not in wanted.by_key]:
        raise InputRefused(f"There is no term set {unknown!r}; there are {', '.join(wanted.by_key)}.")
    for unknown in [one for one in force if one not in wanted.by_id and one not in wanted.by_key]:
        raise InputRefused(f"There is no term {unknown!r}; `km365 taxonomy list --find WORD` searches them.")
    old, agreed, refused = term_copy.recall(home / CACHE), _agreed(home), ""
    partial = False
    try:
        if old and not anew and old.terms >= LARGE and old.age() < FRESH:
            copy = await refreshed(graph, site_id, wanted, old, agreed, advance=advance)
        else:
            copy, partial = (
                await read(graph, site_id, keys=_needed(wanted, facets), advance=advance),
                bool(facets),
            )
    except Forbidden as refusal:
        if old is None:
            raise
        copy, refused = old, str(refusal)
    found = compare(wanted, copy, agreed, force=frozenset(force))
    return PushPlan(
        copy=copy,
        changes=tuple(one for one in found if not facets or one.key in facets),
        silent=copy.languages.silent(wanted),
        refused=refused,
        partial=partial,
    )


def _needed(wanted: Taxonomy, facets: Collection[str]) -> set[str]:
    """The facets, and those whose terms they may reuse; none where all are asked for."""
    parents = {one.global_parent for key in facets for one in wanted.by_key[key].concepts}
    return {
        one.key
        for one in wanted.term_sets
        if facets and (one.key in facets or any(concept.id in parents for concept in one.concepts))
    }


def _agreed(home: Path | None) -> Copy | None:
    return term_copy.recall(home / AGREED) if home else None


async def push(
    graph: Graph,
    db: Database,
    site_id: str,
    wanted: PushPlan,
    *,
    home: Path,
    who: str,
    now: Callable[[], datetime],
    advance: Advance = lambda _: None,
) -> Pushed:
    """Writes the plan, a term once, twenty a call, at the pace the governor allows; counts it in the journal.

    What one term is refused is listed and the rest goes on; what concerns all of them (no permission, Graph
    does not answer) stops it. Raises Forbidden for a plan made from the copy, PlanRefused while another
    process pushes. Needs TermStore.ReadWrite.All and a contributor's role in the term store.
    """
    if wanted.refused:
        raise Forbidden(wanted.refused, status=403)
    with locks.alone(home, BUSY):
        writer = _Writer(graph, site_id, wanted, home, advance)
        subject = TERM_GROUP
        planned = {"writes": wanted.writes, "left": len(wanted.left)}
        await db.run(events.append, kind="taxonomy push", subject=subject, who=who, what=planned, at=now())
        try:
            await writer.write()
        finally:
            what = writer.done.counts()
            kind = "taxonomy pushed"
            await asyncio.shield(
                db.run(events.append, kind=kind, subject=subject, who=who, what=what, at=now())
            )
    return writer.done


class _Writer:
    """Carries out a plan and keeps the copies, also of what was done before it was cut off."""

    def __init__(
        self, graph: Graph, site_id: str, wanted: PushPlan, home: Path | None, advance: Advance
    ) -> None:
        self.graph, self.site_id, self.wanted = graph, site_id, wanted
        self.home, self.advance = home, advance
        self.done = Pushed()
        self.homes = {
            term.key: (one.id, term.id) for one in wanted.copy.sets for term in one.terms if term.key
        }
        """The set and the id of each of our terms, by concept."""
        self.written: dict[str, Update] = {}
        self.made: dict[str, list[StoredTerm]] = {}
        self.new_sets: dict[str, TermStoreSet] = {}
        self.reached: set[str] = set()

    async def write(self) -> None:
        try:
            with paced(self.graph, self.advance) as self.advance:
                for one in self.wanted.changes:
                    await self._set(one)
        finally:
            self._keep()

    async def _set(self, one: SetChanges) -> None:
        set_id = await self._ready(one)
        self.reached.add(one.key)
        for some in _chunks(one.updates):
            parts = [
                terms.TermUpdate(
                    term_id=each.term_id,
                    labels=each.labels,
                    descriptions=each.descriptions,
                    properties=each.properties,
                )
                for each in some
            ]
            errors = await terms.update_terms(self.graph, self.site_id, set_id, parts)
            for update, error in zip(some, errors, strict=True):
                if self._went_well(update.concept_id, error):
                    self.written[update.term_id] = update
                    self.done.changed += 1
            self._stop_if_all_are_forbidden(errors)
            self.advance(len(some))
        ids = dict(one.term_ids)
        for level in one.levels:
            await self._level(one, set_id, level, ids)

    async def _ready(self, one: SetChanges) -> str:
        """The set's id, made or named anew where the plan says so."""
        if one.set_id is None:
            made = await terms.create_set(
                self.graph,
                self.site_id,
                await self._group(),
                names=one.names or {},
                properties=one.properties or {},
                description=one.description,
            )
            self.new_sets[one.key] = made
            self.done.sets += 1
            self.advance(1)
            return made.id
        if one.names is not None:
            await terms.update_set(
                self.graph, self.site_id, one.set_id, names=one.names, properties=one.properties or {}
            )
            self.done.sets += 1
            self.advance(1)
        return one.set_id

    async def _group(self) -> str:
        for group in await terms.list_groups(self.graph, self.site_id):
            if group.name == TERM_GROUP:
                return group.id
        made = await terms.create_group(self.graph, self.site_id, TERM_GROUP, description="Kept by km365")
        return made.id

    async def _level(
        self, one: SetChanges, set_id: str, level: Sequence[NewTerm], ids: dict[str, str]
    ) -> None:
        """Makes or reuses the terms of one level, whose broader terms are in `ids` unless they failed."""
        ready = []
        for new in level:
            if new.broader and new.broader not in ids:
                why = f"its broader term {new.broader} is not in the term store"
                self.done.failed.append(Failure(concept_id=new.concept_id, why=why))
                self.advance(1)
            else:
                ready.append(new)
        for some in _chunks([new for new in ready if new.reuses is None]):
            await self._make(one.key, set_id, some, ids)
        for some in _chunks([new for new in ready if new.reuses is not None]):
            await self._reuse(set_id, some, ids)

    async def _make(self, key: str, set_id: str, some: Sequence[NewTerm], ids: dict[str, str]) -> None:
        parts = [
            terms.NewTerm(
                parent_id=ids[new.broader] if new.broader else None,
                labels=new.term.labels,
                properties=new.term.properties,
                descriptions=new.term.descriptions,
            )
            for new in some
        ]
        answers = await terms.create_terms(self.graph, self.site_id, set_id, parts)
        for new, part, answer in zip(some, parts, answers, strict=True):
            if isinstance(answer, GraphError):
                self._went_well(new.concept_id, answer)
                continue
            ids[new.concept_id] = answer.id
            self.homes[new.concept_id] = (set_id, answer.id)
            self.made.setdefault(key, []).append(replace(new.term, id=answer.id, parent_id=part.parent_id))
            self.done.terms += 1
        self._stop_if_all_are_forbidden([one if isinstance(one, GraphError) else None for one in answers])
        self.advance(len(some))

    async def _reuse(self, set_id: str, some: Sequence[NewTerm], ids: dict[str, str]) -> None:
        ready = [new for new in some if new.reuses in self.homes]
        for new in some:
            if new.reuses not in self.homes:
                why = f"the term of {new.reuses} is not in the term store"
                self.done.failed.append(Failure(concept_id=new.concept_id, why=why))
        parts = []
        for new in ready:
            home_id, term_id = self.homes[new.reuses or ""]
            parent_id = ids[new.broader] if new.broader else None
            parts.append(terms.Reuse(home_id=home_id, term_id=term_id, parent_id=parent_id))
        errors = await terms.reuse_terms(self.graph, self.site_id, set_id, parts) if parts else []
        for new, part, error in zip(ready, parts, errors, strict=True):
            if self._went_well(new.concept_id, error):
                ids[new.concept_id] = part.term_id
                self.done.reused += 1
        self._stop_if_all_are_forbidden(errors)
        self.advance(len(some))

    def _went_well(self, concept_id: str, error: GraphError | None) -> bool:
        if error is not None:
            self.done.failed.append(Failure(concept_id=concept_id, why=str(error)))
        return error is None

    def _stop_if_all_are_forbidden(self, errors: Sequence[GraphError | None]) -> None:
        """Where not one of a call is allowed, none of the other thousands is."""
        refused = [error for error in errors if isinstance(error, Forbidden)]
        if refused and len(refused) == len(errors):
            raise refused[0]

    # The copies ------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        if self.home is None:
            return
        live = {one.id: one for one in self.wanted.copy.sets}
        before = _agreed(self.home)
        agreed = {one.key: one for one in before.sets} if before else {}
        after: list[TermStoreSet] = []
        settled: list[TermStoreSet] = []
        for one in self.wanted.changes:
            if one.key not in self.reached:
                continue
            there = self.new_sets.get(one.key) or live.get(one.set_id or "")
            if there is not None:
                names = one.names or there.names
                after.append(replace(there, names=names, terms=self._terms(one, there)))
                settled.append(self._settled(one, there, agreed.get(one.key)))
        read = self.wanted.copy
        whole = term_copy.recall(self.home / CACHE) if self.wanted.partial else read
        if whole is not None:
            term_copy.keep(self.home / CACHE, term_copy.with_sets(whole, after))
        keys = {one.key for one in settled}
        others = [one for one in (before.sets if before else ()) if one.key not in keys]
        term_copy.keep(self.home / AGREED, replace(read, sets=(*others, *settled)))

    def _terms(self, one: SetChanges, there: TermStoreSet) -> tuple[StoredTerm, ...]:
        """The terms of the set after what was written, parents before children as before."""
        changed = tuple(
            _applied(term, self.written[term.id]) if term.id in self.written else term for term in there.terms
        )
        return (*changed, *self.made.get(one.key, ()))

    def _settled(self, one: SetChanges, there: TermStoreSet, before: TermStoreSet | None) -> TermStoreSet:
        """What both sides agree on now: where a write failed, what they agreed on before."""
        failed = {update.concept_id for update in one.updates if update.term_id not in self.written}
        known = before.terms if before and before.id == there.id else ()
        old = {term.key: term for term in known}
        kept = [term for term in one.agreed if term.key not in failed]
        now = {term.key for term in (*one.agreed, *self.made.get(one.key, ())) if term.key not in failed}
        rest = [term for key, term in old.items() if key not in now]
        return TermStoreSet(
            id=there.id,
            names=one.agreed_names,
            properties={terms.KEY: one.key},
            terms=(*rest, *kept, *self.made.get(one.key, ())),
        )


def _applied(term: StoredTerm, update: Update) -> StoredTerm:
    return replace(
        term,
        labels=term.labels if update.labels is None else update.labels,
        descriptions=term.descriptions if update.descriptions is None else update.descriptions,
        properties=term.properties if update.properties is None else update.properties,
    )


def _chunks(many: Sequence[T]) -> Iterable[Sequence[T]]:
    return (many[start : start + AT_ONCE] for start in range(0, len(many), AT_ONCE))
