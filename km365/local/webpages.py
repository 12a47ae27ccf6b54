"""What all pages for people share: templates, words in seven languages, security headers, static files."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from km365.local.routes import pages

HERE = Path(__file__).parent
RIGHT_TO_LEFT = frozenset({"ar"})

TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "html"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@cache
def _all_words() -> dict[str, dict[str, str]]:
    files = sorted((HERE / "html" / "words").glob("*.json"))
    return {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in files}


def words(language: str) -> dict[str, str]:
    """What the pages say in this language, which must be one of `best`'s answers."""
    return _all_words()[language]


def best(preferred: Iterable[str]) -> str:
    """The first of these language tags that the pages speak ("fr" serves "fr-CA"); English otherwise."""
    for tag in preferred:
        language = tag.strip().partition("-")[0].lower()
        if language in _all_words():
            return language
    return "en"


def browser_language(http: web.Request) -> str:
    """The language the browser asks for."""
    ranked = []
    for part in http.headers.get("Accept-Language", "").split(","):
        tag, _, quality = part.partition(";q=")
        try:
            ranked.append((-float(quality or 1), tag))
        except ValueError:
            continue
    return best(tag for _, tag in sorted(ranked, key=lambda r: r[0]))


def page(
    http: web.Request, template: str, *, language: str, status: int = 200, **values: Any
) -> web.Response:
    """A page in `language`. No script or style runs but our own files; nobody may frame it."""
    text = TEMPLATES.get_template(template).render(
        words=words(language),
        language=language,
        direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
        path=http.path,
        **values,
    )
    response = web.Response(text=text, content_type="text/html", charset="utf-8", status=status)
    # Browsers differ on whether 'self' covers a WebSocket, so its address is named.
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self' ws://{http.host}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language"
    return response


def require_own_page(http: web.Request) -> None:
    """Raise 403 unless one of our own pages (or no browser at all) sends this: no other site may.

    The server lets in this machine only; this also keeps out pages that other programs here serve.
    """
    origin = http.headers.get("Origin")
    site = http.headers.get("Sec-Fetch-Site", "same-origin")
    if (origin is not None and origin != f"{http.scheme}://{http.host}") or site not in (
        "same-origin",
        "none",
    ):
        raise web.HTTPForbidden(text="Only the pages of this server may do this.")


@pages
def _shared(app: web.Application, _: object) -> None:
    app.router.add_static("/static/", HERE / "static")
    app.router.add_get("/", _start)
    app.on_response_prepare.append(_no_sniffing)


async def _no_sniffing(http: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if http.path.startswith("/static/"):  # after an upgrade nobody should meet yesterday's script
        response.headers["Cache-Control"] = "no-cache"


async def _start(http: web.Request) -> web.Response:
    return page(http, "start.html", language=browser_language(http))
