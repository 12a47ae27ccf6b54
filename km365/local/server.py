"""The small Microsoft 365: takes HTTP, finds the route, answers as Graph does.

How a resource file (any module in this folder; it is found and imported by itself) takes part:

    from km365.local.routes import Answer, Call, Documented, GraphFault, LOCAL_ONLY, not_found, pages, route
    from km365.local.state import tables

    tables("CREATE TABLE IF NOT EXISTS colour (id TEXT PRIMARY KEY, name TEXT NOT NULL);")   # several allowed

    @route("GET", "/colours/{colour}", evidence=Documented("colour-get"), ru=1, options="select expand")
    async def get_colour(call: Call) -> Json:          # JSON, an Answer, or None (204)
        row = call.state.one("SELECT * FROM colour WHERE id = ?", call["colour"])
        if row is None:
            raise not_found("the colour")              # or GraphFault(status, code, message, headers=...)
        return {"id": row["id"], "name": row["name"], "webUrl": call.web("/colours/x")}

- Templates: `{name}` one segment, `{path...}` several; the request path is decoded before it is matched and a
  trailing `()` is dropped, so write `/users/delta` and `/drives/{drive}/root:/{path...}:/content`.
- `options` names the query options it understands, without `$`; others are answered 501. For a plain
  collection return `odata.collection(call, rows)`: it filters, sorts, counts, pages and selects.
- `call.json()` body, `call.body` bytes, `call.query`, `call.caller` (app_id, user_id), `call.link(...)` for
  next links, `call.require_match(etag)` for If-Match, `call.m365` the running server (bot_url, `spawn`).
- Writes: `with call.state.tx() as c:`; never await inside it. `call.state.announce("drive", id)` tells
  subscriptions after the commit. `state.now()`/`state.stamp()` is the demonstration clock, `state.new_id()`.
- Outside /v1.0 (chat page, connector, `/_local/...`): `@pages def setup(app, m365): app.router.add_get(...)`.
- A quirk of your own: `faults.quirk(name, about, evidence=..., on=False)`; ask `faults.setting(state, name)`.
- Seeds: `control.seeds_with("demo", function(state) -> AsyncIterator[str])`. Managed-metadata labels:
  `taxonomy_values.labels_come_from(find)`.
"""

import asyncio
import importlib
import ipaddress
import logging
import pkgutil
import sqlite3
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp import web

import km365.local
from km365.errors import SettingsError
from km365.local import faults, journal, sites, tokens
from km365.local.odata import Query
from km365.local.routes import PAGES, Answer, Call, GraphFault, Request, find_route, unknown
from km365.local.state import State
from km365.local.throttle import Throttle

log = logging.getLogger("km365.local")

LARGEST_BODY = 260 * 1024 * 1024
"""A little more than the 250 MB that one PUT may carry (driveitem-put-content)."""

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"


class M365:
    """A running small Microsoft 365."""

    def __init__(self, state: State, *, bot_url: str | None) -> None:
        self.state = state
        self.bot_url = bot_url
        """Where a bot takes activities (`http://127.0.0.1:3978/api/messages`); may be set later."""
        self.throttle = Throttle(state)
        self.base_url = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def graph_url(self) -> str:
        return f"{self.base_url}/v1.0"

    @property
    def web_url(self) -> str:
        """Where the SharePoint pages are; a site's own path follows."""
        return f"{self.base_url}/sharepoint"

    @property
    def http(self) -> aiohttp.ClientSession:
        """For calls out: notifications, activities to the bot. Closed with the server."""
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self._http

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` beside the requests; cancelled when the server closes, a failure is logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("work beside the requests failed: %s", type(error).__name__)

    async def listen(self, host: str, port: int) -> None:
        """Serve every route and page on this address."""
        app = web.Application(
            client_max_size=LARGEST_BODY, middlewares=[_only_from_here, _while_the_disk_lasts]
        )
        app[M365_KEY] = self
        for setup in PAGES:
            setup(app, self)
        app.router.add_route("*", "/v1.0/{tail:.*}", _graph)
        app.router.add_route("*", "/{tail:.*}", _nothing_there)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.base_url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening, cancel what was spawned, close the file."""
        if self._runner is not None:
            await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
        self.state.close()

    async def __aenter__(self) -> "M365":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def dispatch(self, request: Request) -> Answer:
        """The answer to one request, faults and throttling included. Never raises for a bad request."""
        try:
            answer = await self._served(request)
        except GraphFault as fault:
            answer = self.refuse(request, fault)
        except RecursionError:
            answer = self.refuse(request, GraphFault(400, "BadRequest", "The request is nested too deeply."))
        except sqlite3.OperationalError as error:
            log.error("the small Microsoft 365 cannot use its data in %s: %s", self.state.path, error)
            answer = self.refuse(
                request, GraphFault(507, "quotaLimitReached", f"The data cannot be kept: {error}.")
            )
        except Exception as error:
            # The exception's own text could quote what somebody wrote, so only where it happened is told.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("the small Microsoft 365 failed, %s:\n%s", type(error).__name__, where)
            answer = self.refuse(
                request, GraphFault(500, "generalException", "General exception while processing.")
            )
        with suppress(sqlite3.OperationalError):  # said already
            journal.write(self.state, request, answer.status)
        return self._named(request, answer)

    def refuse(self, request: Request, fault: GraphFault) -> Answer:
        """The fault as an answer in Graph's error format."""
        inner = {
            **fault.inner,
            "date": self.state.now().strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request.request_id,
            "client-request-id": request.headers.get("client-request-id", request.request_id),
        }
        error = {"code": fault.code, "message": fault.message, "innerError": inner}
        return self._named(request, Answer(fault.status, {"error": error}, fault.headers))

    def _named(self, request: Request, answer: Answer) -> Answer:
        answer.headers["request-id"] = request.request_id
        if client_id := request.headers.get("client-request-id"):
            answer.headers["client-request-id"] = client_id
        return answer

    async def _served(self, request: Request) -> Answer:
        request = replace(request, path=sites.without_address(self.state, request))
        route, parameters = find_route(request.verb, request.path)
        units = route.units if isinstance(route.units, int) else route.units(request)
        limits = self.throttle.charge(request.caller.app_id, units)
        faults.inject(self.state, request)
        request.query.check(route.options, f"{route.verb} {route.template}")
        call = Call(m365=self, request=request, route=route, parameters=parameters)
        result = await route.handler(call)
        if not isinstance(result, Answer):
            result = Answer(204) if result is None else Answer(route.status, result)
        result.headers.update(limits)
        if isinstance(result.body, dict) and (etag := result.body.get("@odata.etag")):
            result.headers.setdefault("ETag", etag)
        return result


M365_KEY = web.AppKey("m365", M365)
"""`request.app[M365_KEY]` is the running server, for pages outside /v1.0."""


async def start_server(
    *,
    path: Path | str = ":memory:",
    host: str = "127.0.0.1",
    port: int = 0,
    bot_url: str | None = None,
) -> M365:
    """A server that listens on `host` (loopback) and `port` (0: any free one), on the state in `path`.

    Raises SettingsError for an address that others could reach, OSError for a port in use, StoreError for
    a damaged file.
    """
    if host not in ("127.0.0.1", "localhost"):
        raise SettingsError(f"The small Microsoft 365 listens on 127.0.0.1 only, not on {host}.")
    load_resources()
    m365 = M365(State.open(path), bot_url=bot_url)
    try:
        await m365.listen(host, port)
    except BaseException:
        await m365.close()
        raise
    return m365


def load_resources() -> None:
    """Import every module of this folder, so that its routes, tables and pages are known."""
    for module in pkgutil.iter_modules(km365.local.__path__):
        importlib.import_module(f"km365.local.{module.name}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@web.middleware
async def _only_from_here(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse what a page of another program could make a browser send: other host names, other origins."""
    host = request.headers.get("Host", "")
    origin = request.headers.get("Origin", f"http://{host}")
    if not _is_loopback(urlsplit(f"//{host}").hostname or "") or origin.lower() != f"http://{host}".lower():
        refused = {"code": "accessDenied", "message": "Only from this machine."}
        return web.json_response({"error": refused}, status=403)
    response: web.StreamResponse = await handler(request)
    return response


@web.middleware
async def _while_the_disk_lasts(request: web.Request, handler: Any) -> web.StreamResponse:
    """Say in one line that what a page or the connector was told cannot be kept; Graph's routes do so too."""
    try:
        response: web.StreamResponse = await handler(request)
    except sqlite3.OperationalError as error:
        path = request.app[M365_KEY].state.path
        log.error("the small Microsoft 365 cannot use its data in %s: %s", path, error)
        full = {"code": "quotaLimitReached", "message": f"The data cannot be kept: {error}."}
        return web.json_response({"error": full}, status=507)
    return response


async def _graph(http: web.Request) -> web.StreamResponse:
    """One HTTP request to Graph, in and out."""
    m365 = http.app[M365_KEY]
    path, query = split_url(http.raw_path)
    request = Request(
        verb=http.method,
        path=path.removeprefix("/v1.0"),
        query=query,
        headers=http.headers,
        body=b"",
        caller=tokens.NOBODY,
        request_id=m365.state.new_id(),
    )
    try:
        caller = tokens.caller_of(m365.state, http.headers.get("Authorization"))
        body = await http.read()
    except GraphFault as fault:
        return to_http(m365.refuse(request, fault))
    except web.HTTPRequestEntityTooLarge:
        too_large = GraphFault(413, "requestEntityTooLarge", "One request carries at most 250 MB.")
        return to_http(m365.refuse(request, too_large))
    return to_http(await m365.dispatch(replace(request, caller=caller, body=body)))


def split_url(url: str) -> tuple[str, Query]:
    """The decoded path and the query of a request target; the SDK encodes freely (`root%3A%2Fa.docx%3A`)."""
    # Not urlsplit: it would take the colon of an unencoded "root:/a.docx:" for a scheme.
    path, _, query = url.partition("?")
    return unquote(path), Query(query)


def to_http(answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    if isinstance(answer.body, bytes):
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    headers.setdefault("Content-Type", JSON_TYPE)
    body = web.json_response(answer.body).body
    return web.Response(status=answer.status, body=body, headers=headers)


async def _nothing_there(http: web.Request) -> web.StreamResponse:
    fault = unknown(f"the path {http.path}")
    return web.json_response({"error": {"code": fault.code, "message": fault.message}}, status=501)
