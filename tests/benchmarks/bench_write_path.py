"""A1: client CPU per item of `km365 tag apply`, governor and journal included, against peers.

    python tests/benchmarks/bench_write_path.py [items] [rounds] [--peers PYTHON]

PYTHON is an interpreter that has the peers (pip install msgraph-sdk msgraph-core deprecated
Office365-REST-Python-Client); without it the row says why it is missing. The server is another process that
answers from memory, so only a client's CPU is counted. The peers PATCH and do nothing else. Ours is measured
three times: the whole job, which also reads every value back and compares it; the same without reading back,
so that it writes what the peers write, through governor and journal; and our `$batch` by itself. On a crowded
machine only ratios inside one run mean something.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pretend_library import open_graph, plan_of, row_of, serve, serving

from km365.core.tag_plan import Plan
from km365.errors import GraphError
from km365.graph import metadata
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.pacing import Service
from km365.services import tag_moves, tag_run
from km365.services.memory import settled
from km365.settings import Settings
from km365.store.database import Database
from km365.store.runs import Change, ChangeState, End

GOALS = {"sdk": 100, "core": 4, "office365": 2}
NAMES = {
    "sdk": "msgraph-sdk, gather(16)",
    "core": "msgraph-core $batch",
    "office365": "Office365-REST execute_batch",
}
WHOLE, WRITTEN = "tag apply, read back", "governor and journal"
FEWER = {"sdk": 20, "core": 4, "office365": 2}
"""The slow ones are measured on fewer items."""


async def written_only(
    graph: Graph, batch: Sequence[Change], shelves: tag_moves.Shelves
) -> list[End | GraphError]:
    """What a run does with its documents, without reading back what was written."""
    sent = await graph.batch(
        [
            BatchRequest(
                id=str(one.seq),
                method="PATCH",
                path=f"{tag_moves.target(one).path}/fields",
                body=metadata.body(tag_moves.refs(one.new), shelves[one.drive_id].notes),
                headers={"If-Match": one.etag},
                price=(Service.SHAREPOINT, 2),
            )
            for one in batch
        ]
    )
    return [
        one.error or End(state=ChangeState.DONE, etag_after=str(one.body.get("@odata.etag"))) for one in sent
    ]


class Ours:
    """km365 with the account and the journal in a database on disk."""

    def __init__(self, port: int, home: Path) -> None:
        self.settings = Settings(home=home)
        self.db = Database.open(home / "km365.sqlite")
        self.graph = open_graph(port, self.db)
        self.salt = 0

    def plan(self, items: int) -> Plan:
        self.salt += 1
        return plan_of(tuple(row_of(f"{self.salt}-{number}") for number in range(items)))

    async def apply(self, items: int) -> float:
        """CPU seconds of applying a plan of so many documents."""
        plan = self.plan(items)
        begun = time.process_time()
        done = await tag_run.apply(self.graph, self.db, self.settings, plan, who="bench", now=_now)
        spent = time.process_time() - begun
        assert done.count(ChangeState.DONE) == items, done.counts
        return spent

    async def write(self, items: int) -> float:
        """CPU seconds of the same without reading back."""
        plan = self.plan(items)
        begun = time.process_time()
        with self.graph.bulk():
            shelves = await tag_moves.open_shelves(self.graph, plan.libraries)
        with settled():
            sha = plan.sha
            run = await self.db.run(tag_run._begin, sha, sha, plan, who="bench", at=_now())
            done = await tag_run._carry_out(
                self.graph,
                self.db,
                run,
                written_only,
                shelves,
                ready=tag_run._planned(self.db, run.id, plan),
                now=_now,
                advance=lambda _: None,
            )
        spent = time.process_time() - begun
        assert done.count(ChangeState.DONE) == items, done.counts
        return spent

    async def patch(self, items: int) -> float:
        """CPU seconds of our `$batch` of PATCHes and nothing else."""
        requests = [
            BatchRequest(
                id=str(n), method="PATCH", path=f"/sites/s/lists/l/items/{n}/fields", body={"n": "x"}
            )
            for n in range(items)
        ]
        begun = time.process_time()
        with self.graph.bulk():
            await self.graph.batch(requests)
        return time.process_time() - begun

    async def close(self) -> None:
        await self.graph.aclose()
        self.db.close()


def _now() -> datetime:
    return datetime.now(UTC)


class Peer:
    """A peer in a process of its own; None where it cannot run."""

    def __init__(self, python: str, name: str, port: int) -> None:
        script = Path(__file__).with_name("peers_write_path.py")
        self.process = subprocess.Popen(
            [python, str(script), name, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.said = (self.process.stdout.readline() if self.process.stdout else "").strip()

    @property
    def ready(self) -> bool:
        return self.said == "ready"

    async def patch(self, items: int) -> float:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{items}\n")
        self.process.stdin.flush()
        return float(await asyncio.to_thread(self.process.stdout.readline))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


async def measure(port: int, items: int, rounds: int, python: str | None, home: Path) -> None:
    """Prints a row per way, and the goal lines."""
    ours = Ours(port, home)
    await ours.apply(100)
    peers = {name: Peer(python, name, port) for name in GOALS} if python else {}
    ways: dict[str, tuple[Callable[[int], Awaitable[float]], int]] = {
        "ours": (ours.apply, items),
        "write": (ours.write, items),
        "batch": (ours.patch, items),
    }
    ways |= {name: (peer.patch, max(40, items // FEWER[name])) for name, peer in peers.items() if peer.ready}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (way, count) in ways.items():
            taken[name].append(await way(count) / count)
    await ours.close()
    for peer in peers.values():
        peer.close()
    _print(taken, {name: peer.said for name, peer in peers.items() if not peer.ready}, python)


def _print(taken: dict[str, list[float]], absent: dict[str, str], python: str | None) -> None:
    names = {"ours": WHOLE, "write": WRITTEN, "batch": "our $batch alone", **NAMES}
    for name, seconds in taken.items():
        low, median, high = min(seconds), statistics.median(seconds), max(seconds)
        numbers = f"{low * 1e6:7.0f}/{median * 1e6:.0f}/{high * 1e6:.0f} us/item"
        sys.stdout.write(f"{names[name]:30} {numbers}\n")
    for name, goal in GOALS.items():
        if name not in taken:
            why = absent.get(name) or ("it did not start" if python else "no --peers PYTHON was given")
            sys.stdout.write(f"A1 against {NAMES[name]}: not measured ({why})\n")
            continue
        for way in ("write", "ours"):
            pairs = zip(taken[name], taken[way], strict=True)
            ratio = statistics.median(theirs / own for theirs, own in pairs)
            met = "met" if ratio >= goal else "MISSED"
            sys.stdout.write(
                f"A1 {names[way]} against {NAMES[name]}: {ratio:.1f} x ahead (goal {goal} x): {met}\n"
            )


def main() -> None:
    """Starts the server, measures, stops it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("items", nargs="?", type=int, default=2_000)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--peers", metavar="PYTHON")
    given = parser.parse_args()
    with serving(serve) as port, tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(port, given.items, given.rounds, given.peers, Path(home)))


if __name__ == "__main__":
    main()
