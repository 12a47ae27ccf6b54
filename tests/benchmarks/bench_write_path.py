"""Client CPU per item of writing fields: our `$batch` against msgraph-sdk, on one local server.

    python tests/benchmarks/bench_write_path.py [items] [rounds]

The server is another process that answers from memory, so only the client's CPU is counted. Prints the median
of the rounds and the ratio to the first row; on a crowded machine only ratios inside one run mean something.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

from km365.graph import lists, metadata
from km365.graph.auth import Token
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.metadata import Change, Target, TermRef
from km365.graph.pacing import Limits

TERM = TermRef(id="11111111-1111-4111-8111-111111111111", label="Water")
STORED = {"Title": "x", "KMTopic": [{"Label": "Water", "TermGuid": TERM.id, "WssId": 1}]}


class AnyToken:
    """The server below asks for none."""

    async def get_token(self, *scopes: str, **kwargs: object) -> Token:
        return Token("any", 2**40)

    async def close(self) -> None:
        pass


def serve(tell: Connection) -> None:
    """Answers every PATCH, GET and batch at once."""
    from aiohttp import web

    item = json.dumps({"id": "1", "eTag": '"2"', "fields": STORED})
    fields = json.dumps({"@odata.etag": '"2"', **STORED})

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("$batch"):
            asked = json.loads(await request.read())["requests"]
            inner = (
                f'{{"id":"{one["id"]}","status":200,"headers":{{"Content-Type":"application/json"}},'
                f'"body":{item if one["method"] == "GET" else fields}}}'
                for one in asked
            )
            return web.Response(text=f'{{"responses":[{",".join(inner)}]}}', content_type="application/json")
        text = item if request.method == "GET" else fields
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


def unlimited() -> Limits:
    """The same governor with room for everything."""
    usual = Limits.for_licences(None)
    wide = {
        service: replace(budget, per_minute=1e9, per_day=None) for service, budget in usual.budgets.items()
    }
    return replace(usual, budgets=wide)


async def typed(graph: Graph, items: int) -> None:
    """msgraph-sdk, sixteen at a time, on our client."""
    from msgraph.generated.models.field_value_set import FieldValueSet

    gate = asyncio.Semaphore(16)
    builder = graph.sdk.sites.by_site_id("s").lists.by_list_id("l").items

    async def one(number: int) -> None:
        async with gate:
            await builder.by_list_item_id(str(number)).fields.patch(
                FieldValueSet(additional_data={"note": "-1;#Water|" + TERM.id})
            )

    await asyncio.gather(*(one(number) for number in range(items)))


async def one_by_one(graph: Graph, items: int) -> None:
    """Our plain PATCH, sixteen at a time."""
    gate = asyncio.Semaphore(16)

    async def one(number: int) -> None:
        async with gate:
            await lists.update_fields(graph, "s", "l", str(number), {"note": "-1;#Water|" + TERM.id})

    await asyncio.gather(*(one(number) for number in range(items)))


async def batched(graph: Graph, items: int) -> None:
    """Our `$batch` of PATCHes."""
    await graph.batch(
        [
            BatchRequest(
                id=str(number),
                method="PATCH",
                path=f"/sites/s/lists/l/items/{number}/fields",
                body={"note": "-1;#Water|" + TERM.id},
            )
            for number in range(items)
        ]
    )


async def written(graph: Graph, items: int) -> None:
    """`metadata.write_many`: PATCH, read back and compare."""
    with graph.bulk():
        await metadata.write_many(
            graph,
            [
                Change(
                    target=Target.item("s", "l", str(number)),
                    values={"KMTopic": [TERM]},
                    notes={"KMTopic": "note"},
                    etag='"1"',
                )
                for number in range(items)
            ],
        )


WAYS: dict[str, Callable[[Graph, int], Awaitable[None]]] = {
    "our $batch, written": batched,
    "our $batch, written and read back": written,
    "our plain PATCH, gather(16)": one_by_one,
    "msgraph-sdk, gather(16)": typed,
}


async def measure(port: int, items: int, rounds: int) -> None:
    """Prints a table."""
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    graph = Graph(base_url=f"http://127.0.0.1:{port}/v1.0", credential=AnyToken(), limits=unlimited())
    await typed(graph, 16)  # imports are not part of it
    for _ in range(rounds):
        for name, way in WAYS.items():
            count = items if "batch" in name else max(50, items // 10)
            start = time.process_time()
            await way(graph, count)
            taken[name].append((time.process_time() - start) / count)
    await graph.aclose()
    base = statistics.median(taken["our $batch, written"])
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        sys.stdout.write(f"{name:36} {median * 1e6:8.0f} us/item {median / base:7.1f} x\n")


def main() -> None:
    """Starts the server, measures, stops it."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    here, there = Pipe()
    server = Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        asyncio.run(measure(here.recv(), items, rounds))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
