"""What the benchmarks of tagging share: a library that takes every write, plans, a Graph without waits.

Import this from a script beside it. The server is a process of its own, so its CPU is not a client's.
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from km365.core.tag_plan import Addition, ColumnChange, Library, Plan, Row, Tag
from km365.graph.account import SharedAccount
from km365.graph.auth import Token
from km365.graph.client import Graph
from km365.graph.governor import Governor
from km365.graph.pacing import Limits
from km365.store.database import Database

processes = get_context("spawn")

TERM = Tag(term_id="11111111-1111-4111-8111-111111111111", label="Water")
STORED = {
    "Title": "Final report",
    "FileLeafRef": "Final report.docx",
    "KMTopic": [{"Label": "Water", "TermGuid": TERM.term_id, "WssId": 1}],
}
SITE, DRIVE = "contoso.sharepoint.example:/sites/a", "b!drive"
CHANGE = ColumnChange(
    column="KMTopic", title="Topic", before=(), add=(Addition(tag=TERM, concept_id="water"),)
)


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

    listen(answer, tell)


def listen(answer: Callable[..., Any], tell: Connection) -> None:
    """Answers whatever is asked, for good, and tells on which port."""
    from aiohttp import web

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


@contextmanager
def serving(server: Callable[[Connection], None]) -> Iterator[int]:
    """The port of the server, which runs in a process of its own until the block ends."""
    here, there = processes.Pipe()
    process = processes.Process(target=server, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()


def row_of(name: str) -> Row:
    """A document of that name that gets a term more."""
    return Row(
        drive_id=DRIVE,
        item_id=name,
        etag=f'"{name},1"',
        name=f"Report {name}.docx",
        path=f"Reports/Report {name}.docx",
        web_url="",
        changes=(CHANGE,),
    )


def plan_of(rows: Collection[Row]) -> Plan:
    """A plan for these documents."""
    library = Library(site=SITE, name="Documents", drive_id=DRIVE)
    return Plan(made_at=datetime.now(UTC), libraries=(library,), rows=rows)


def open_graph(port: int, db: Database) -> Graph:
    """A Graph with its account in the database, paced as in the largest tier but without the waiting."""
    clock = Time()
    largest = replace(Limits.for_licences(100_000), bulk_patience_s=1e9)
    return Graph(
        base_url=f"http://127.0.0.1:{port}/v1.0",
        credential=AnyToken(),
        limits=largest,
        governor=Governor(largest, account=SharedAccount(db), clock=clock, sleep=clock.sleep),
    )
