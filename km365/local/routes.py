"""The words a resource file uses: routes, calls, answers, Graph's errors and how we know a behaviour.

See the top of `server.py` for how a resource file adds routes, tables and pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from km365.local.odata import Query
    from km365.local.server import M365
    from km365.local.state import State

Json = Any


@dataclass(frozen=True)
class Evidence:
    """How we know that Microsoft 365 behaves so: exactly one mark per route and quirk."""

    mark: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.mark}: {self.source}" if self.source else self.mark


def Documented(page: str) -> Evidence:  # noqa: N802 - reads as a mark
    """On a documentation page (`listitem-list` of learn.microsoft.com/graph/api) or in an issue."""
    return Evidence("documented", page)


def Recorded(what: str) -> Evidence:  # noqa: N802 - reads as a mark
    """Recorded from a tenant; `what` names the dated snapshot."""
    return Evidence("recorded", what)


LOCAL_ONLY = Evidence("local only")


class GraphFault(Exception):
    """An answer in Graph's error format."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        inner: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.inner = inner or {}


def not_found(what: str) -> GraphFault:
    return GraphFault(404, "itemNotFound", f"The resource could not be found: {what}.")


def invalid(message: str) -> GraphFault:
    return GraphFault(400, "invalidRequest", message)


def unknown(what: str) -> GraphFault:
    """501: we have not learnt this; never answer an empty success instead."""
    return GraphFault(501, "notImplemented", f"The small Microsoft 365 does not know {what}.")


def _no_such_number(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def part(body: Mapping[str, Json], name: str) -> dict[str, Json]:
    """The object that the property `name` holds, empty when it is absent or null. 400 for anything else."""
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise invalid(f"{name} must be an object.")
    return value or {}


def text(body: Mapping[str, Json], name: str, default: str = "") -> str:
    """The text that the property `name` holds, `default` when it is absent or null. 400 for anything else."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} must be text.")
    return default if value is None else value


def flag(body: Mapping[str, Json], name: str, default: bool = False) -> bool:
    """The yes or no that the property `name` holds. 400 for anything else."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"{name} must be true or false.")
    return default if value is None else value


def listed(body: Mapping[str, Json], name: str) -> list[Json]:
    """The list that the property `name` holds, empty when it is absent or null. 400 for anything else."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise invalid(f"{name} must be a list.")
    return value or []


def known_properties(body: Mapping[str, Json], names: str, what: str) -> None:
    """501 naming the first property of `body` that is not among `names` (separated by spaces); notes pass."""
    for name in body:
        if name not in names.split() and "@odata." not in name:
            raise unknown(f"the property {name} of {what}")


@dataclass
class Answer:
    """What goes back. `body`: JSON value, bytes (with their Content-Type in `headers`) or None."""

    status: int = 200
    body: Json | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


EMPTY_PAGE = "afteremptypage"
"""In a next link: the empty page of the quirk `empty_pages` has been shown."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever holds the bearer token. `user_id` is None for an application."""

    app_id: str
    user_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to Graph, alone or out of a $batch. `path` is decoded and begins with '/'."""

    verb: str
    path: str
    query: Query
    headers: CIMultiDictProxy[str] | CIMultiDict[str]
    body: bytes
    caller: Caller
    request_id: str
    inside_batch: bool = False


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that found its route."""

    m365: M365
    request: Request
    route: Route
    parameters: dict[str, str]

    @property
    def state(self) -> State:
        return self.m365.state

    @property
    def query(self) -> Query:
        return self.request.query

    @property
    def headers(self) -> CIMultiDictProxy[str] | CIMultiDict[str]:
        return self.request.headers

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def caller(self) -> Caller:
        return self.request.caller

    def __getitem__(self, name: str) -> str:
        """The path parameter `name`, percent-decoded."""
        return self.parameters[name]

    def json(self) -> dict[str, Json]:
        """The body as a JSON object. 400 when it is not one."""
        try:
            value = json.loads(self.body or b"{}", parse_constant=_no_such_number)
            if b"\\u" in self.body:
                json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError):
            raise GraphFault(400, "BadRequest", "Unable to read JSON request payload.") from None
        if not isinstance(value, dict):
            raise GraphFault(400, "BadRequest", "The JSON request payload must be an object.")
        return value

    def link(self, **query: Json) -> str:
        """This request's absolute address with these query options (`top=5` becomes `$top=5`) put in place.

        Give names that are not OData's own, such as `token`, through `**{"token": t}`; None removes one.
        """
        options = {k: v for k, v in self.query.raw.items() if k != EMPTY_PAGE}
        for name, value in query.items():
            key = f"${name}" if name in ODATA_OPTIONS else name
            if value is None:
                options.pop(key, None)
            else:
                options[key] = str(value)
        encoded = urlencode(options, safe="$,()'/")
        path = quote(self.request.path, safe="/:,()'!$@=")
        return f"{self.m365.graph_url}{path}" + (f"?{encoded}" if encoded else "")

    def web(self, path: str) -> str:
        """The address of a SharePoint page, e.g. for `webUrl`; `path` is server-relative (`/sites/x/...`)."""
        return self.m365.web_url + path

    def require_match(self, etag: str) -> None:
        """412 when the request's If-Match is not `etag`. Without the header the last writer wins."""
        wanted = self.headers.get("If-Match")
        if wanted is None or wanted.strip() == "*":
            return
        if etag.strip('"') not in {w.strip().removeprefix("W/").strip('"') for w in _etags(wanted)}:
            raise GraphFault(412, "preconditionFailed", "ETag does not match current item's value.")


def _etags(header: str) -> list[str]:
    # Our own ETags hold a comma inside quotes ("guid,3"), so a plain split would tear them apart.
    return re.findall(r'(?:W/)?"[^"]*"', header) or [header]


Handler = Callable[[Call], Awaitable[Json]]
Units = int | Callable[[Request], int]

ODATA_OPTIONS = frozenset(
    [
        "select",
        "expand",
        "filter",
        "orderby",
        "top",
        "skip",
        "skiptoken",
        "deltatoken",
        "count",
        "search",
        "format",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One verb on one path. `units` is what SharePoint charges for it; 0 where it charges nothing."""

    verb: str
    template: str
    pattern: re.Pattern[str]
    options: frozenset[str]
    evidence: Evidence
    units: Units
    status: int
    handler: Handler


ROUTES: list[Route] = []


def route(
    verb: str,
    template: str,
    *,
    evidence: Evidence,
    ru: Units = 0,
    options: str = "",
    status: int = 200,
) -> Callable[[Handler], Handler]:
    """Serve `verb` on `template` (below /v1.0) with the decorated handler.

    `{name}` stands for one segment, `{name...}` for several. `options` are the query options it understands,
    without the dollar (`"select expand top"`); any other is answered 501 by name. A handler returns the JSON
    to send, an `Answer`, or None for 204; `status` is what plain JSON is sent with.
    """

    def declare(handler: Handler) -> Handler:
        ROUTES.append(
            Route(
                verb=verb,
                template=template,
                pattern=_pattern(template),
                options=frozenset(f"${o}" if o in ODATA_OPTIONS else o for o in options.split()),
                evidence=evidence,
                units=ru,
                status=status,
                handler=handler,
            )
        )
        ROUTES.sort(key=lambda r: -len(re.sub(r"\{[^}]*\}", "", r.template)))
        return handler

    return declare


def _pattern(template: str) -> re.Pattern[str]:
    # A parameter may hold ':' (chat ids) but does not end in one: that is how path addressing begins.
    parts = re.split(r"(\{[^}]+\})", template)
    pattern = "".join(
        re.escape(p)
        if not p.startswith("{")
        else f"(?P<{p[1:-4]}>.+?)"
        if p.endswith("...}")
        else f"(?P<{p[1:-1]}>[^/]*[^/:])"
        for p in parts
    )
    return re.compile(pattern + "/?", re.IGNORECASE)


def find_route(verb: str, path: str) -> tuple[Route, dict[str, str]]:
    """The most literal route for this request and its parameters. 501 naming the path or the verb."""
    path = path.removesuffix("()").removesuffix(":")  # a path address may be closed by a colon
    other: set[str] = set()
    for candidate in ROUTES:
        if match := candidate.pattern.fullmatch(path):
            if candidate.verb == verb:
                return candidate, match.groupdict()
            other.add(candidate.verb)
    if other:
        raise unknown(f"{verb} on {path} (it knows {', '.join(sorted(other))})")
    raise unknown(f"the path {path}")


PageSetup = Callable[[web.Application, Any], None]
PAGES: list[PageSetup] = []


def pages(setup: PageSetup) -> PageSetup:
    """Let `setup(app, m365)` add aiohttp routes outside /v1.0 (chat page, Bot Connector, `/_local`)."""
    PAGES.append(setup)
    return setup
