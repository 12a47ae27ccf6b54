"""Carrying out a plan for the term store: what differs is written, twenty terms a call.

Graph has no condition on a write of a term, and a write is the whole list of labels. So terms are read again
just before they are written, and what people changed since the comparison is left for the next one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from km365.core.schema import TERM_GROUP
from km365.core.term_changes import LEFT, Line, NewTerm, SetChanges, Update, differ
from km365.core.term_store import KEY, StoredTerm, TermStoreSet
from km365.errors import ChangedMeanwhile, Forbidden, GraphError
from km365.graph import terms
from km365.graph.client import Graph
from km365.graph.terms import AT_ONCE, Advance
from km365.services import term_copy
from km365.services.term_copy import AGREED, CACHE, Copy
from km365.services.term_pull import paced

T = TypeVar("T")
UNITS_A_READ, UNITS_A_WRITE = 1, 2
"""Resource units, as SharePoint counts lists; Microsoft gives no price for the term store."""
MOVED = "somebody changed it in the term store since it was compared; it is left so, compare again"


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
    def units(self) -> int:
        """About how many resource units that costs; a term that is changed is read again before."""
        return self.writes * UNITS_A_WRITE + sum(len(one.updates) for one in self.changes) * UNITS_A_READ

    @property
    def left(self) -> tuple[Line, ...]:
        """What is left for a person."""
        return tuple(line for one in self.changes for line in one.of_kind(*LEFT))


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A concept that was not written, and why."""

    concept_id: str
    why: str


@dataclass(kw_only=True)
class Pushed:
    """What a push did, counted as it goes on; `failed` are terms that were not written."""

    sets: int = 0
    terms: int = 0
    reused: int = 0
    changed: int = 0
    failed: list[Failure] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The counts, for the journal."""
        counted = {"sets": self.sets, "terms": self.terms, "reused": self.reused, "changed": self.changed}
        return {**counted, "failed": len(self.failed)}


class Writer:
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
        self.compared = {term.id: term for one in wanted.copy.sets for term in one.terms}
        self.moved: dict[str, StoredTerm | None] = {}
        """Terms as they were found just before they would have been written, where that is another way."""
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
        for chunk in _chunks(one.updates):
            some = await self._as_compared(set_id, chunk)
            parts = [
                terms.TermUpdate(
                    term_id=each.term_id,
                    labels=each.labels,
                    descriptions=each.descriptions,
                    properties=each.properties,
                )
                for each in some
            ]
            errors = await terms.update_terms(self.graph, self.site_id, set_id, parts) if parts else []
            for update, error in zip(some, errors, strict=True):
                if self._went_well(update.concept_id, error):
                    self.homes[update.concept_id] = (set_id, update.term_id)  # it may have had an old id
                    self.written[update.term_id] = update
                    self.done.changed += 1
            self._stop_if_all_are_forbidden(errors)
            self.advance(len(chunk))
        ids = dict(one.term_ids)
        for level in one.levels:
            await self._level(one, set_id, level, ids)

    async def _as_compared(self, set_id: str, some: Sequence[Update]) -> list[Update]:
        """Those whose terms are as they were compared; the others are listed and left."""
        before = [self.compared[one.term_id] for one in some]
        found = []
        now = await terms.get_terms(self.graph, self.site_id, set_id, before)
        for update, old, new in zip(some, before, now, strict=True):
            if new is not None and not differ(old, new):
                found.append(update)
            else:
                self.moved[old.id] = new
                self.done.failed.append(Failure(concept_id=update.concept_id, why=MOVED))
        return found

    async def _check_set(self, one: SetChanges) -> None:
        """Raises ChangedMeanwhile where a set to be made or named was made, named or taken out since."""
        there = await terms.list_sets(self.graph, self.site_id, await self._group())
        now = next((each for each in there if each.id == one.set_id or each.key == one.key), None)
        before = next((each for each in self.wanted.copy.sets if each.id == one.set_id), None)
        if now != (before and replace(before, terms=())):
            raise ChangedMeanwhile(f"The term set {one.key!r}: {MOVED}. What was written before stays.")

    async def _ready(self, one: SetChanges) -> str:
        """The set's id, made or named anew where the plan says so."""
        if one.names is not None:
            await self._check_set(one)
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
        before = term_copy.recall(self.home / AGREED)
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
        present = [self.moved.get(term.id, term) for term in there.terms]
        changed = tuple(
            _applied(term, self.written[term.id]) if term.id in self.written else term
            for term in present
            if term is not None
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
            properties={KEY: one.key},
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
