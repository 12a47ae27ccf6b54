"""Reading the term store: what people see there, and a copy of it for when it cannot be asked.

The term store is the live copy of the taxonomy: its ids are what documents carry, and what people change in
it (a label, a synonym, a term of their own) counts from the next reading.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from km365.core.schema import TERM_GROUP
from km365.core.taxonomy import Taxonomy
from km365.core.term_changes import SetChanges, changes
from km365.core.term_store import as_stored, held
from km365.errors import Forbidden, Throttled
from km365.graph import terms
from km365.graph.client import Graph
from km365.graph.terms import Advance
from km365.services import term_copy
from km365.services.term_copy import AGREED, CACHE, Copy

log = logging.getLogger(__name__)

LARGE = 2_000
"""From so many terms on a term store is read once a day: each term costs a call of Graph."""
BULK = 1_000
"""From so many terms on reading or writing them is bulk work, paced by the governor."""
FRESH = timedelta(days=1)
"""How long the copy of a large one serves before it is read anew; `pull` reads it at once."""
JUST_READ = timedelta(minutes=10)
"""How long that of a small one serves the commands that follow: planning, correcting, applying, learning."""


@contextmanager
def paced(graph: Graph, advance: Advance) -> Iterator[Advance]:
    """Hears of terms for `advance`; from the thousandth on the work waits its turn behind people's."""
    done = 0
    with ExitStack() as stack:

        def heard(count: int) -> None:
            nonlocal done
            if done < BULK <= done + count:
                stack.enter_context(graph.bulk())
            done += count
            advance(count)

        yield heard


async def read(
    graph: Graph, site_id: str, *, keys: Collection[str] = (), advance: Advance = lambda _: None
) -> Copy:
    """The term store's sets in our group, with all their terms; only those of `keys` where any is given.

    Permission: TermStore.Read.All. Microsoft documents the term store for people only, although application
    roles of that name exist: raises Forbidden where it refuses the app.
    """
    at = datetime.now(UTC)
    with paced(graph, advance) as heard:
        languages = await terms.languages(graph, site_id)
        sets = await terms.read_sets(graph, site_id, group=TERM_GROUP, keys=keys, advance=heard)
    return Copy(site_id=site_id, read_at=at, languages=languages, sets=tuple(sets))


async def read_or_recall(
    graph: Graph, site_id: str, cache: Path | None, *, just_read: timedelta = timedelta()
) -> Copy:
    """The term store, or the copy of it: of a large one for a day, of any that refuses the app or is busy.

    `just_read` is how long that of a small one serves as well. Each reading leaves a copy in `cache`. Raises
    Forbidden where the term store refuses the app, or Throttled where it asks us to slow down for longer than
    we can wait, and there is no copy.
    """
    copy = term_copy.recall(cache) if cache else None
    if copy and copy.site_id not in {"", site_id}:
        copy = None  # this home served another tenant before
    if copy and copy.age() < (FRESH if copy.terms >= LARGE else just_read):
        age = term_copy.in_words(copy.age())
        log.info("The copy of the term store is used (%s); `km365 taxonomy pull` reads it anew.", age)
        return copy
    try:
        found = await read(graph, site_id)
    except (Forbidden, Throttled) as error:
        if copy is None:
            raise
        why = "refuses this app" if isinstance(error, Forbidden) else "has no room for us now"
        age = term_copy.in_words(copy.age())
        log.warning("The term store %s; the copy in %s is used (%s).", why, cache, age)
        return copy
    if cache:
        term_copy.keep(cache, found)
    return found


async def stored(graph: Graph, site_id: str, taxonomy: Taxonomy, *, cache: Path | None = None) -> Taxonomy:
    """`taxonomy` as the term store has it: with its ids, its labels, and the terms people added there.

    A concept that is not in the term store keeps `term_id` None: it may speak for others through its links,
    but cannot be written. `cache` is the file of the copy, see `read_or_recall`; one made just now serves.
    Raises Forbidden.
    """
    copy = await read_or_recall(graph, site_id, cache, just_read=JUST_READ)
    return as_stored(taxonomy, copy.sets)


def last_stored(taxonomy: Taxonomy, *, cache: Path) -> Taxonomy:
    """`taxonomy` as the term store had it when it was last read here; as it stands if it never was."""
    copy = term_copy.recall(cache)
    return as_stored(taxonomy, copy.sets) if copy else taxonomy


async def refreshed(
    graph: Graph, site_id: str, taxonomy: Taxonomy, copy: Copy, agreed: Copy | None, *, advance: Advance
) -> Copy:
    """The copy of a large term store, with its sets and the terms that a push concerns as they are now.

    Costs a call for each of these instead of one for every term. Terms that others made since are not in it.
    """
    known = {one.id: one for one in copy.sets}
    concerned = {
        one.set_id: {line.concept_id for line in one.lines} for one in compare(taxonomy, copy, agreed)
    }
    sets = []
    with paced(graph, advance) as heard:
        for group in await terms.list_groups(graph, site_id):
            if group.name != TERM_GROUP:
                continue
            for bare in await terms.list_sets(graph, site_id, group.id):
                old = known.get(bare.id)
                if old is None:
                    sets.append(await terms.read_set(graph, site_id, bare, advance=heard))
                    continue
                asked = [term for term in old.terms if term.key in concerned.get(bare.id, ())]
                now = dict(
                    zip(
                        (term.id for term in asked),
                        await terms.get_terms(graph, site_id, bare.id, asked),
                        strict=True,
                    )
                )
                heard(len(asked))
                here = tuple(one for term in old.terms if (one := now.get(term.id, term)) is not None)
                sets.append(replace(bare, terms=here))
    return replace(copy, sets=tuple(sets))


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """The term store and how it differs from our files. `refused` says why an old copy had to serve."""

    copy: Copy
    taxonomy: Taxonomy
    changes: tuple[SetChanges, ...]
    refused: str = ""


async def pull(
    graph: Graph, site_id: str, taxonomy: Taxonomy, *, home: Path, advance: Advance = lambda _: None
) -> Pulled:
    """Reads the whole term store, keeps a copy, and compares it with our files.

    Where the term store refuses the app, the copy of an earlier reading is compared; raises Forbidden where
    there is none.
    """
    refused = ""
    try:
        copy = await read(graph, site_id, advance=advance)
    except Forbidden as refusal:
        old = term_copy.recall(home / CACHE)
        if old is None:
            raise
        copy, refused = old, str(refusal)
    else:
        term_copy.keep(home / CACHE, copy)
    return Pulled(
        copy=copy,
        taxonomy=as_stored(taxonomy, copy.sets),
        changes=compare(taxonomy, copy, term_copy.recall(home / AGREED)),
        refused=refused,
    )


def compare(
    taxonomy: Taxonomy, copy: Copy, agreed: Copy | None, *, force: frozenset[str] = frozenset()
) -> tuple[SetChanges, ...]:
    """What bringing the term store to our files would do, a term set each; see `term_changes.changes`."""
    wanted = held(taxonomy)
    live = {one.key: one for one in copy.sets if one.key}
    names = {name: one for one in copy.sets if one.key is None for name in one.names.values()}
    before = {one.key: one for one in agreed.sets} if agreed else {}
    return tuple(
        changes(
            term_set,
            live.get(term_set.key) or names.get(term_set.name()),
            before.get(term_set.key),
            copy.languages,
            known=wanted.by_id,
            force=force,
        )
        for term_set in wanted.term_sets
    )
