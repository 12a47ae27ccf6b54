"""`$batch`: twenty requests in one round trip, each judged alone.

Ours, because the released SDK writes `depends_on` for `dependsOn`, loses the JSON of the answers and
never retries what was throttled inside (graph/FACTS §3). learn.microsoft.com/graph/json-batching.
"""

import asyncio
import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from km365.errors import GraphError, InputRefused, Throttled
from km365.graph.pacing import Service, Signal, cost, read_signal
from km365.graph.refusals import refusal
from km365.graph.wire import Json, parse

if TYPE_CHECKING:
    from km365.graph.client import Graph

SIZE = 20
IN_FLIGHT = 4
"""Calls under way together: SharePoint takes seconds for twenty writes, and the budget does not wait."""
_NONE: Mapping[str, Any] = MappingProxyType({})


class BatchRequest(NamedTuple):
    """One request: `path` as in `Graph.get`. Ids are unique in any case, and `depends_on` names earlier ones.

    `body` is JSON. A request with dependencies travels in one call with what it depends on, so at most 20
    can hang together. `price` spares working out what it costs, where many are alike.
    """

    id: str
    method: str
    path: str
    body: Json | None = None
    params: Mapping[str, str | int | None] = _NONE
    headers: Mapping[str, str] = _NONE
    depends_on: tuple[str, ...] = ()
    price: tuple[Service, int] | None = None


class BatchResponse(NamedTuple):
    """One answer: `body` where it is JSON, `content` where it is not; `error` where it was refused."""

    id: str
    status: int
    body: Json
    content: bytes = b""
    error: GraphError | None = None

    def json(self) -> Json:
        """The body; raises the error instead where the request was refused."""
        if self.error is not None:
            raise self.error
        return self.body


async def send(graph: "Graph", requests: Sequence[BatchRequest]) -> list[BatchResponse]:
    """The answers in the order of the requests; a refused request is an answer with its `error`.

    What was throttled inside is sent again alone, after its own Retry-After, until our patience is over;
    what depended on it goes with it. Raises InputRefused for a batch that Graph would refuse whole (ids not
    unique, a dependency that does not precede, more than 20 hanging together), and what stopped all of it
    (Throttled, GraphUnreachable) where not one call got through.
    """
    answers: dict[str, BatchResponse] = {}
    parts = list(groups(requests))
    waiting = iter(parts)
    failed: list[GraphError] = []

    async def one_by_one() -> None:
        for group in waiting:
            try:
                await _send_group(graph, group, answers)
            except GraphError as error:
                failed.append(error)
                lost = (BatchResponse(id=each.id, status=0, body={}, error=error) for each in group)
                answers.update((each.id, each) for each in lost if each.id not in answers)

    async with asyncio.TaskGroup() as together:
        for _ in range(min(IN_FLIGHT, len(parts))):
            together.create_task(one_by_one())
    if failed and len(failed) == len(parts):
        raise failed[0]
    return [answers[request.id] for request in requests]


def groups(requests: Sequence[BatchRequest]) -> Iterator[list[BatchRequest]]:
    """The requests in calls of at most 20: lone ones together, each chain by itself.

    Graph documents calls that are fully parallel or fully sequential, so the two are not mixed.
    """
    if not any(one.depends_on for one in requests):
        if len({one.id.lower() for one in requests if one.id}) < len(requests):
            _chains(requests)  # says which
        for start in range(0, len(requests), SIZE):
            yield list(requests[start : start + SIZE])
        return
    chains = _chains(requests)
    lone = [chain[0] for chain in chains if len(chain) == 1]
    for start in range(0, len(lone), SIZE):
        yield lone[start : start + SIZE]
    for chain in chains:
        if len(chain) > SIZE:
            raise InputRefused(f"{len(chain)} batch requests hang together; Graph takes {SIZE} in one call.")
        if len(chain) > 1:
            yield chain


def _chains(requests: Sequence[BatchRequest]) -> list[list[BatchRequest]]:
    """Requests that hang together, in order; a lone request is a chain of one."""
    chain_of: dict[str, list[BatchRequest]] = {}
    for request in requests:
        if not request.id or request.id.lower() in chain_of:
            raise InputRefused(f"Batch ids are unique, in upper and lower case alike; {request.id!r} is not.")
        chain: list[BatchRequest] = []
        for earlier in request.depends_on:
            joined = chain_of.get(earlier.lower())
            if joined is None:
                raise InputRefused(
                    f"Batch request {request.id!r} depends on {earlier!r}, which is not before it."
                )
            if joined is not chain:
                chain.extend(joined)
                chain_of.update({one.id.lower(): chain for one in joined})
        chain.append(request)
        chain_of[request.id.lower()] = chain
    order = {request.id: place for place, request in enumerate(requests)}
    unique = {id(chain): chain for chain in chain_of.values()}
    return [sorted(chain, key=lambda one: order[one.id]) for chain in unique.values()]


async def _send_group(graph: "Graph", group: list[BatchRequest], answers: dict[str, BatchResponse]) -> None:
    governor = graph.governor
    patience_s = governor.patience_s
    waiting = group
    for attempt in range(governor.limits.attempts):
        try:
            got = await _call(graph, waiting)
        except Throttled:
            if attempt == 0:
                raise
            return  # what was carried out stays known; the rest keeps its refusal
        answers.update((one.id, _incoming(graph, one, got.get(one.id.lower()))) for one in waiting)
        throttled = [one for one in waiting if answers[one.id].status in {429, 503}]
        if not throttled:
            return
        signals = {one.id: _signal(graph, got[one.id.lower()]) for one in throttled}
        refused = [one for one in throttled if signals[one.id].refused]
        for one in refused:
            governor.learn(cost(one.method, one.path)[0], signals[one.id])
        # the next call is admitted when the longest of these rests is over
        wait_s = max((signals[one.id].rest_s for one in refused), default=0.0)
        if not refused or wait_s > patience_s:
            return
        patience_s -= wait_s
        waiting = _with_followers(refused, waiting, answers)


def _signal(graph: "Graph", raw: Json) -> Signal:
    return read_signal(raw["status"], _headers(raw), now=graph.governor.clock())


def _headers(raw: Json) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in (raw.get("headers") or {}).items()}


def _with_followers(
    refused: list[BatchRequest], sent: list[BatchRequest], got: Mapping[str, BatchResponse]
) -> list[BatchRequest]:
    """The refused requests and those that failed with 424 because of them, dependencies cut to these."""
    again = {one.id.lower() for one in refused}
    chosen: list[BatchRequest] = []
    for one in sent:
        waits_for = tuple(earlier for earlier in one.depends_on if earlier.lower() in again)
        if one.id.lower() in again or (got[one.id].status == 424 and waits_for):
            again.add(one.id.lower())
            chosen.append(one._replace(depends_on=waits_for))
    return chosen


async def _call(graph: "Graph", requests: list[BatchRequest]) -> dict[str, Json]:
    """The answers of one `$batch` call by their ids in lower case; raises when Graph refuses it whole."""
    charges: dict[Service, int] = {}
    for one in requests:
        service, units = one.price or cost(one.method, _address(graph, one))
        charges[service] = charges.get(service, 0) + units
    answer = await graph.request(
        "POST",
        "/$batch",
        body={"requests": [_outgoing(graph, one) for one in requests]},
        charges=charges,
    )
    responses = parse(answer.content).get("responses") or []
    return {str(raw.get("id")).lower(): raw for raw in responses if isinstance(raw, dict)}


def _address(graph: "Graph", request: BatchRequest) -> str:
    """The address relative to the version, as a batch wants it."""
    if request.path.startswith("/") and not request.params:
        return request.path
    return graph.url(request.path, request.params).removeprefix(graph.base_url)


def _outgoing(graph: "Graph", request: BatchRequest) -> Json:
    """The request in a batch; `dependsOn` in that spelling."""
    raw: Json = {"id": request.id, "method": request.method, "url": _address(graph, request)}
    if request.body is not None:
        raw["headers"] = {"Content-Type": "application/json", **request.headers}
        raw["body"] = request.body
    elif request.headers:
        raw["headers"] = dict(request.headers)
    if request.depends_on:
        raw["dependsOn"] = list(request.depends_on)
    return raw


def _incoming(graph: "Graph", request: BatchRequest, raw: Json | None) -> BatchResponse:
    if raw is None:
        missing = GraphError(f"Graph's batch holds no answer to request {request.id!r}.")
        return BatchResponse(id=request.id, status=0, body={}, error=missing)
    status = raw["status"] = int(raw.get("status") or 0)
    body, content = _body(raw.get("body"))
    error = None
    if status == 424:
        error = GraphError("Not tried, because the request it depends on failed.", status=424)
    elif status >= 400:
        error = refusal(
            status=status,
            headers=_headers(raw),
            body=body,
            method=request.method,
            url=_address(graph, request),
        )
    return BatchResponse(request.id, status, body, content, error)


def _body(raw: Any) -> tuple[Json, bytes]:
    """JSON bodies come as objects, all others as base64 text."""
    if isinstance(raw, dict):
        return raw, b""
    if not isinstance(raw, str) or not raw:
        return {}, b""
    try:
        return {}, base64.b64decode(raw, validate=True)
    except binascii.Error:
        return {}, raw.encode()
