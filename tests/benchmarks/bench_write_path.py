"""A1: client CPU per item of `km365 tag apply`, governor, journal and read-back included, against peers.

    python tests/benchmarks/bench_write_path.py [items] [rounds] [--peers PYTHON]

PYTHON is an interpreter that has the peers (pip install msgraph-sdk msgraph-core deprecated
Office365-REST-Python-Client); without it the row says why it is missing. The server is another process that
answers from memory, so only a client's CPU is counted: ours writes, journals to disk, reads back and
compares; the peers only write. On a crowded machine only ratios inside one run mean something.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path

from km365.core.tag_plan import Addition, ColumnChange, Library, Plan, Row, Tag
from km365.graph.account import SharedAccount
from km365.graph.auth import Token
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.governor import Governor
from km365.graph.pacing import Limits
from km365.services import tag_run
from km365.settings import Settings
from km365.store.database import Database

TERM = Tag(term_id="11111111-1111-4111-8111-111111111111", label="Water")
STORED = {
    "Title": "Final report",
    "FileLeafRef": "Final report.docx",
    "KMTopic": [{"Label": "Water", "TermGuid": TERM.term_id, "WssId": 1}],
}
SITE, DRIVE = "contoso.sharepoint.example:/sites/a", "b!drive"
GOALS = {"sdk": 100, "core": 4, "office365": 2}
NAMES = {
    "sdk": "msgraph-sdk, gather(16)",
    "core": "msgraph-core $batch",
    "office365": "Office365-REST execute_batch",
}
FEWER = {"sdk": 20, "core": 4, "office365": 2}
"""The slow ones are measured on fewer items."""


class AnyToken:
    """The server below asks for none."""

    async def get_token(self, *scopes: str, **kwargs: object) -> Token:
        return Token("any", 2**40)

    async def close(self) -> None:
        pass


def serve(tell: Connection) -> None:
    """A library that takes every PATCH and tells by delta what was written."""
    from aiohttp import web

    written: list[str] = []
    kept = json.dumps(STORED)
    fields = f'{{"@odata.etag":"\\"%s,2\\"",{kept[1:]}'
    item = f'{{"id":"%s","eTag":"\\"%s,2\\"","fields":{kept}}}'
    plain: dict[str, object] = {
        "/v1.0/sites/contoso.sharepoint.example:/sites/a": {"id": "s", "webUrl": "http://x"},
        "/v1.0/sites/s/drives": {
            "value": [{"id": DRIVE, "name": "Documents", "sharePointIds": {"listId": "l"}}]
        },
        "/v1.0/sites/s/lists/l/columns": {
            "value": [
                {"id": "1", "name": "KMTopic", "displayName": "Topic"},
                {"id": "2", "name": "note", "displayName": "Topic_0", "hidden": True},
            ]
        },
    }

    def one(asked: dict[str, str]) -> str:
        number = asked["url"].split("/items/")[1].partition("/")[0]
        if asked["method"] == "PATCH":
            written.append(number)
        body = fields % number if asked["method"] == "PATCH" else item % (number, number)
        head = '"headers":{"Content-Type":"application/json"}'
        return f'{{"id":"{asked["id"]}","status":200,{head},"body":{body}}}'

    async def answer(request: web.Request) -> web.Response:
        path = request.path
        if path.endswith("$batch"):
            asked = json.loads(await request.read())["requests"]
            return _json(f'{{"responses":[{",".join(one(each) for each in asked)}]}}')
        if path.endswith("/delta"):
            told = [] if request.query["token"] == "latest" else written[:200]
            del written[: len(told) or len(written)]
            link = f"http://{request.host}{path}?token=next"
            items = ",".join(item % (each, each) for each in told)
            return _json(f'{{"value":[{items}],"@odata.deltaLink":"{link}"}}')
        if path in plain:
            return _json(json.dumps(plain[path]))
        return _json(fields % "1")

    def _json(text: str) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tell.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


class Time:
    """A clock that moves when somebody sleeps: the pacing of the largest tier, without the waiting."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def plan_of(items: int, salt: int) -> Plan:
    """A term more for each of so many documents."""
    change = ColumnChange(
        column="KMTopic", title="Topic", before=(), add=(Addition(tag=TERM, concept_id="water"),)
    )
    rows = tuple(
        Row(
            drive_id=DRIVE,
            item_id=f"{salt}-{number}",
            etag=f'"{salt}-{number},1"',
            name=f"Report {number}.docx",
            path=f"Reports/Report {number}.docx",
            web_url="",
            changes=(change,),
        )
        for number in range(items)
    )
    library = Library(site=SITE, name="Documents", drive_id=DRIVE)
    return Plan(made_at=datetime.now(UTC), libraries=(library,), rows=rows)


class Ours:
    """`tag_run.apply` with the account and the journal in a database on disk."""

    def __init__(self, port: int, home: Path) -> None:
        self.settings = Settings(home=home)
        self.db = Database.open(home / "km365.sqlite")
        clock = Time()
        largest = replace(Limits.for_licences(100_000), bulk_patience_s=1e9)
        account = SharedAccount(self.db)
        self.graph = Graph(
            base_url=f"http://127.0.0.1:{port}/v1.0",
            credential=AnyToken(),
            limits=largest,
            governor=Governor(largest, account=account, clock=clock, sleep=clock.sleep),
        )
        self.salt = 0

    async def apply(self, items: int) -> float:
        """CPU seconds of applying a plan of so many documents."""
        self.salt += 1
        plan = plan_of(items, self.salt)
        begun = time.process_time()
        done = await tag_run.apply(
            self.graph, self.db, self.settings, plan, who="bench", now=lambda: datetime.now(UTC)
        )
        spent = time.process_time() - begun
        assert not done.left, done.left[0]
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
    names = {"ours": "km365 tag apply, read back", "batch": "our $batch, written only", **NAMES}
    for name, seconds in taken.items():
        low, median, high = min(seconds), statistics.median(seconds), max(seconds)
        numbers = f"{low * 1e6:7.0f}/{median * 1e6:.0f}/{high * 1e6:.0f} us/item"
        sys.stdout.write(f"{names[name]:30} {numbers}\n")
    for name, goal in GOALS.items():
        if name not in taken:
            why = absent.get(name) or ("it did not start" if python else "no --peers PYTHON was given")
            sys.stdout.write(f"A1 against {NAMES[name]}: not measured ({why})\n")
            continue
        ratios = [theirs / own for theirs, own in zip(taken[name], taken["ours"], strict=True)]
        ratio = statistics.median(ratios)
        met = "met" if ratio >= goal else "MISSED"
        sys.stdout.write(f"A1 against {NAMES[name]}: {ratio:.1f} x ahead (goal {goal} x): {met}\n")


def main() -> None:
    """Starts the server, measures, stops it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("items", nargs="?", type=int, default=2_000)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--peers", metavar="PYTHON")
    given = parser.parse_args()
    here, there = Pipe()
    server = Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as home:
            asyncio.run(measure(here.recv(), given.items, given.rounds, given.peers, Path(home)))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
