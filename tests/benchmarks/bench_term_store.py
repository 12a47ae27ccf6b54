"""A taxonomy of 40,000 terms in seven languages: pushed, pulled, recalled from its copy, pushed again.

    python tests/benchmarks/bench_term_store.py [terms]

The small Microsoft 365 is another process, so CPU and memory are the client's alone. Calls are HTTP requests,
units what the governor charges for them, and minutes what they take at 2,500 units a minute.
"""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from km365.core.languages import LANGUAGES
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.graph.auth import LocalCredential
from km365.graph.client import Graph
from km365.graph.governor import MemoryAccount
from km365.graph.pacing import Limits, Service
from km365.services import term_copy, term_pull, term_push
from km365.store.database import Database

T = TypeVar("T")
SETS = 2
UNITS_A_MINUTE = 2_500


def serve(tell: Connection) -> None:
    """The small Microsoft 365, kept in memory."""
    from km365.local.server import start_server

    async def run() -> None:
        async with await start_server() as m365:
            tell.send(m365.graph_url)
            await asyncio.Event().wait()

    asyncio.run(run())


def large(count: int) -> Taxonomy:
    """`count` concepts in two sets, each level ten times as wide as the one above, with synonyms."""
    sets = []
    for number in range(SETS):
        key = f"bench-{number}"
        concepts = []
        for one in range(count // SETS):
            broader = f"{key}/{(one - 10) // 10}" if one >= 10 else None
            labels = {language: f"Term {number} {one} {language}" for language in LANGUAGES}
            synonyms = {language: (f"Other name {one} {language}",) for language in LANGUAGES[:4]}
            concepts.append(Concept(id=f"{key}/{one}", labels=labels, synonyms=synonyms, broader=broader))
        sets.append(TermSet(key=key, names={"en": f"Bench {number}"}, concepts=tuple(concepts)))
    return Taxonomy(term_sets=tuple(sets))


class Meter:
    """Says what a step cost."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.calls = graph, 0
        graph.http.event_hooks["request"].append(self._count)

    async def _count(self, request: object) -> None:
        self.calls += 1

    def _units(self) -> float:
        account = self.graph.governor.account
        assert isinstance(account, MemoryAccount)
        spending = account.spending.get(Service.SHAREPOINT)
        return spending.day_spent if spending else 0.0

    async def step(self, name: str, work: Awaitable[T]) -> T:
        calls, units = self.calls, self._units()
        cpu, wall = time.process_time(), time.perf_counter()
        result = await work
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        spent = self._units() - units
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(
            f"{name:<34} {cpu:7.1f} s CPU {wall:7.1f} s wall {self.calls - calls:7,} calls "
            f"{spent:9,.0f} units {spent / UNITS_A_MINUTE:6.1f} min  peak {peak:5.0f} MB\n"
        )
        sys.stdout.flush()
        return result


def unlimited() -> Limits:
    usual = Limits.for_licences(None)
    wide = {
        service: replace(budget, per_minute=1e9, per_day=1e12) for service, budget in usual.budgets.items()
    }
    return replace(usual, budgets=wide)


async def measure(url: str, home: Path, count: int) -> None:
    graph = Graph(base_url=url, credential=LocalCredential(url), limits=unlimited(), account=MemoryAccount())
    db = Database.open("sqlite://")
    meter = Meter(graph)
    wanted = large(count)

    async def push(taxonomy: Taxonomy) -> term_push.Pushed:
        made = await term_push.plan(graph, "root", taxonomy, home=home)
        return await term_push.push(
            graph, db, "root", made, home=home, who="bench", now=lambda: datetime.now(UTC)
        )

    async def recalled() -> Taxonomy:
        return term_pull.last_stored(wanted, cache=home / term_copy.CACHE)

    sys.stdout.write(f"{count} concepts, 7 languages\n")
    done = await meter.step("push into an empty term store", push(wanted))
    assert done.terms == count and not done.failed, done.failed[:3]
    pulled = await meter.step(
        "pull, compare and build a Taxonomy", term_pull.pull(graph, "root", wanted, home=home)
    )
    assert all(one.term_id for one in pulled.taxonomy)
    del pulled
    built = await meter.step("build a Taxonomy from the copy", recalled())
    assert all(one.term_id for one in built)
    del built
    first = wanted.term_sets[0]
    renamed = replace(first.concepts[7], labels={**first.concepts[7].labels, "en": "Renamed"})
    changed = replace(first, concepts=(*first.concepts[:7], renamed, *first.concepts[8:]))
    done = await meter.step(
        "push one renamed label", push(Taxonomy(term_sets=(changed, *wanted.term_sets[1:])))
    )
    assert done.changed == 1
    size = (home / term_copy.CACHE).stat().st_size / 2**20
    sys.stdout.write(f"the copy is {size:.0f} MB\n")
    db.close()
    await graph.aclose()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Pipe()
        server = Process(target=serve, args=(theirs,), daemon=True)
        server.start()
        asyncio.run(measure(ours.recv(), Path(folder), count))
        server.terminate()


if __name__ == "__main__":
    main()
