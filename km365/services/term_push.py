"""Bringing the term store to our taxonomy: compared first, then only what differs is written.

Nothing is deleted or moved, and what people changed in the term store is not written over: see
`core/three_sides`. A push that was cut off goes on when it is repeated, since it compares anew.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from km365.core.schema import TERM_GROUP
from km365.core.taxonomy import Taxonomy
from km365.core.term_changes import SetChanges
from km365.core.term_store import held
from km365.errors import Forbidden, GraphError, InputRefused
from km365.graph import terms
from km365.graph.client import Graph
from km365.graph.terms import Advance
from km365.services import term_copy
from km365.services.term_copy import AGREED, CACHE
from km365.services.term_pull import FRESH, LARGE, compare, read, read_or_recall, refreshed
from km365.services.term_writing import Pushed, PushPlan, Writer
from km365.store import events, locks
from km365.store.database import Database

BUSY = "taxonomy-push"


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A term set that the term store lacks, in whole or in part: `terms` of it are not there."""

    key: str
    name: str
    terms: int


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


async def push_missing(graph: Graph, site_id: str, taxonomy: Taxonomy, *, home: Path) -> Pushed:
    """Creates the term sets and terms that the term store lacks, those that people took out included.

    What is there already is left as it is.

    `home` keeps the copies. Raises the first refusal after the rest was done, and PlanRefused while somebody
    pushes. Needs TermStore.ReadWrite.All.
    """
    with alone(home):
        copy = await read(graph, site_id, keys=taxonomy.by_key)
        new = tuple(_only_new(one) for one in compare(taxonomy, copy, None))
        writer = Writer(graph, site_id, PushPlan(copy=copy, changes=new, partial=True), home, lambda _: None)
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


def alone(home: Path) -> AbstractContextManager[None]:
    """To be held from `plan` to the end of `push`, so that nobody here writes what was compared before.

    Raises PlanRefused while another process of this machine holds it.
    """
    return locks.alone(home, BUSY)


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
    old, agreed, refused = term_copy.recall(home / CACHE), term_copy.recall(home / AGREED), ""
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

    Hold `alone` around the comparison and this. What one term is refused, or what people changed since the
    comparison, is listed and the rest goes on; what concerns all of them (no permission, Graph does not
    answer) stops it. Raises Forbidden for a plan made from the copy, ChangedMeanwhile where a term set to be
    made or named was touched since. Needs TermStore.ReadWrite.All and a contributor's role in the term store.
    """
    if wanted.refused:
        raise Forbidden(wanted.refused, status=403)
    writer = Writer(graph, site_id, wanted, home, advance)
    subject = TERM_GROUP
    planned = {"writes": wanted.writes, "left": len(wanted.left)}
    await db.run(events.append, kind="taxonomy push", subject=subject, who=who, what=planned, at=now())
    try:
        await writer.write()
    finally:
        what = writer.done.counts()
        kind = "taxonomy pushed"
        await asyncio.shield(db.run(events.append, kind=kind, subject=subject, who=who, what=what, at=now()))
    return writer.done
