"""The workspace's pages and the service's doors: `/`, `/campaigns`, `/loop`, `/healthz`, `/api/messages`.

Pages are made on the server, need no script, and show what the functions passed in return. Without sign-in
they answer on this machine only, and only to a browser that asked for this machine by name.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.resources import files
from typing import Any, Protocol, TypeVar

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from babel.dates import format_date

from km365.core.languages import LANGUAGES, OWN_NAMES, best, dates_of, is_rtl
from km365.documents.words import Words
from km365.errors import KM365Error, NotFound
from km365.settings import LOOPBACK

_log = logging.getLogger("km365.bots.web")

PANELS = ("waiting", "milestones", "departures", "runs")
"""What the first page shows, in this order; each has its words in `messages/workspace`."""

R = TypeVar("R")

_PATIENCE_S = 10.0
"""How long a page waits for one panel, and `/healthz` for one check."""

_LARGEST_REQUEST = 512 * 1024
"""Bytes; 30,000 characters of Arabic are 180 KB as escaped JSON."""

_TEAMS = "https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft"
"""Where Teams shows a tab (learn.microsoft.com/microsoftteams/platform/tabs/how-to/tab-requirements)."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'self' {_TEAMS}"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a panel."""

    title: str
    detail: str = ""
    on: date | None = None
    link: str = ""


Fact = tuple[str, str]
"""What is counted, and how many."""


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What a milestone asks of people, and how that stands, worded; `brief` is the little a list shows."""

    title: str
    office: str
    on: date
    state: str
    link: str
    brief: Sequence[Fact]
    next: Sequence[Fact] = ()
    people: Sequence[Fact] = ()
    reasons: Sequence[Fact] = ()


class Campaigns(Protocol):
    """Where the pages read campaigns, worded in the language given."""

    async def all(self, language: str) -> Sequence[Campaign]:
        """Those that ask somebody, and those that lately did."""

    async def one(self, campaign_id: str, language: str) -> Campaign:
        """The one with that id. Raises NotFound."""


class LoopReport(Protocol):
    """Where the page reads how far knowledge comes, worded in the language given."""

    async def report(self, language: str) -> str:
        """The report as HTML; markup that a template takes as it is."""


Panel = Callable[[str], Coroutine[Any, Any, Sequence[Entry]]]
"""The lines of a panel, worded in the language given."""

Check = Callable[[], Awaitable[None]]
"""Raises KM365Error when the thing does not work, saying why."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What the pages show. `open_to_all` is true where only this machine is served and nobody signs in."""

    organisation: str
    words: Words
    app_words: Words
    """Those of the app in Teams: what it keeps, and how it is meant to be used."""
    panels: Mapping[str, Panel]
    campaigns: Campaigns
    loop: LoopReport
    checks: Mapping[str, Check]
    open_to_all: bool


def application(workspace: Workspace, messages: Handler) -> web.Application:
    """The web application; `messages` answers POST /api/messages."""
    pages = _Pages(workspace)
    middlewares = [_hardened] + ([_this_machine_only] if workspace.open_to_all else [])
    app = web.Application(middlewares=middlewares, client_max_size=_LARGEST_REQUEST)
    app.router.add_get("/", pages.home)
    app.router.add_get("/campaigns", pages.campaigns)
    app.router.add_get("/campaigns/{id}", pages.campaign)
    app.router.add_get("/loop", pages.loop)
    app.router.add_get("/privacy", pages.privacy)
    app.router.add_get("/workspace.css", _file("workspace.css", "text/css"))
    app.router.add_get("/icon.svg", _file("icon.svg", "image/svg+xml"))
    app.router.add_get("/healthz", pages.health)
    app.router.add_post("/api/messages", _json_only(messages))
    return app


def _file(name: str, content_type: str) -> Handler:
    """Serves one file of `pages/`."""
    body = files("km365_bots").joinpath("pages", name).read_bytes()

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return serve


class _Pages:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("km365_bots", "pages"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def home(self, request: web.Request) -> web.Response:
        """What is waiting, what is near, who leaves and what was tagged; in the reader's language."""
        language = _language(request)
        panels = await asyncio.gather(*(self._panel(name, language) for name in PANELS))
        return self._page("home.html", language, panels=panels)

    async def campaigns(self, request: web.Request) -> web.Response:
        """How the campaigns of milestones stand: how many people, and nobody by name."""
        language = _language(request)
        found = await self._read("campaigns", self._workspace.campaigns.all(language))
        return self._page("campaigns.html", language, campaigns=found)

    async def campaign(self, request: web.Request) -> web.Response:
        """One of them: what is next, where people stand, why some cannot be reached."""
        language, missing = _language(request), False
        try:
            wanted = self._workspace.campaigns.one(request.match_info["id"], language)
            found = await self._read("campaign", wanted, but=NotFound)
        except NotFound:
            found, missing = None, True
        status = 404 if missing else 200
        return self._page("campaign.html", language, status=status, campaign=found, missing=missing)

    async def loop(self, request: web.Request) -> web.Response:
        """How far what was captured has come, by office: numbers, and nobody by name."""
        language = _language(request)
        report = await self._read("loop", self._workspace.loop.report(language))
        return self._page("loop.html", language, report=report)

    async def privacy(self, request: web.Request) -> web.Response:
        """What km365 keeps and how it is meant to be used, as the Teams app's manifest links to it."""
        return self._page("privacy.html", _language(request))

    def _page(self, name: str, language: str, *, status: int = 200, **shown: object) -> web.Response:
        page = self._templates.get_template(name).render(
            language=language,
            direction="rtl" if is_rtl(language) else "ltr",
            languages=[(tag, OWN_NAMES[tag]) for tag in LANGUAGES],
            organisation=self._workspace.organisation,
            word=partial(self._workspace.words.get, language),
            app_word=partial(self._workspace.app_words.get, language),
            day=partial(format_date, format="long", locale=dates_of(language)),
            open_to_all=self._workspace.open_to_all,
            **shown,
        )
        headers = {"Cache-Control": "no-store"}
        return web.Response(text=page, status=status, content_type="text/html", headers=headers)

    async def _panel(self, name: str, language: str) -> tuple[str, Sequence[Entry] | None]:
        """The panel's lines; None if they cannot be read now, which the page says."""
        read = self._workspace.panels.get(name)
        if read is None or not self._workspace.open_to_all:
            return name, ()
        return name, await self._read(name, read(language))

    async def _read(
        self, name: str, reading: Coroutine[Any, Any, R], *, but: type[KM365Error] | tuple[()] = ()
    ) -> R | None:
        """What is read; None where nobody may see it, or it cannot be read now. Raises `but`."""
        if not self._workspace.open_to_all:
            reading.close()
            return None
        try:
            return await asyncio.wait_for(reading, _PATIENCE_S)
        except but:
            raise
        except (KM365Error, TimeoutError) as error:
            _log.warning("%r cannot be shown: %s", name, error or type(error).__name__)
            return None

    async def health(self, request: web.Request) -> web.Response:
        """200 when the service can do its work, 503 and why when it cannot."""
        results = await asyncio.gather(*(_checked(check) for check in self._workspace.checks.values()))
        found = dict(zip(self._workspace.checks, results, strict=True))
        well = all(result == "ok" for result in found.values())
        body = {"status": "ok" if well else "unwell", **found}
        return web.json_response(body, status=200 if well else 503)


async def _checked(check: Check) -> str:
    try:
        await asyncio.wait_for(check(), _PATIENCE_S)
    except TimeoutError:
        return f"no answer within {_PATIENCE_S:.0f} s"
    except KM365Error as error:
        return str(error)
    return "ok"


def _language(request: web.Request) -> str:
    """The language asked for in the address, else the first the browser prefers that we speak."""
    header = request.headers.get("Accept-Language", "")
    preferred = [part.partition(";")[0].strip() for part in header.split(",")]
    return best([request.query.get("language"), *preferred])


def _json_only(messages: Handler) -> Handler:
    """Refuses what a web page elsewhere could send without asking: forms and plain text."""

    async def checked(request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        return await messages(request)

    return checked


@web.middleware
async def _hardened(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response


@web.middleware
async def _this_machine_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Without sign-in a name that merely points here (DNS rebinding) gets nothing."""
    host = request.url.host or ""
    if host not in LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="This service answers on this machine only: use 127.0.0.1.")
    return await handler(request)
