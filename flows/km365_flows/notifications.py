"""Where Microsoft Graph tells of changes: `POST /notifications`, and `GET /healthz` for our keepers.

Anybody can call it. What comes in is believed only with the secret of one of our subscriptions, is never
shown or logged, and does no more than have us look at a library sooner.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from km365.app import App
from km365.errors import NotAvailable, StoreError
from km365.services import tag_listen
from km365.settings import Settings
from km365.store import cursors

_log = logging.getLogger("km365.flows.notifications")

PATH = "/notifications"
_LARGEST = 256 * 1024
_LONGEST_TOKEN = 4_096
_SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}


def application(app: App) -> web.Application:
    """The web application."""
    doors = _Doors(app)
    made = web.Application(client_max_size=_LARGEST)
    made.router.add_post(PATH, doors.notified)
    made.router.add_get("/healthz", doors.health)
    return made


class _Doors:
    def __init__(self, app: App) -> None:
        self._app = app

    async def notified(self, request: web.Request) -> web.Response:
        """Answers Graph's handshake, or notes what is to be looked at and answers 202."""
        token = request.query.get("validationToken")
        if token is not None:
            if len(token) > _LONGEST_TOKEN:
                return web.Response(status=400, headers=_SAFE)
            return web.Response(text=token, content_type="text/plain", headers=_SAFE)
        try:
            body = json.loads(await request.text())
            said = tag_listen.notices(body)
        except (ValueError, LookupError, RecursionError):
            return web.Response(status=400, headers=_SAFE)
        strangers = await self._app.db.run(tag_listen.heard, said, at=self._app.clock.now())
        if strangers:
            _log.warning("%s notifications did not come from a subscription of ours.", strangers)
        return web.Response(status=202, headers=_SAFE)

    async def health(self, _: web.Request) -> web.Response:
        """200 when it can do its work, 503 and why when not."""
        try:
            async with asyncio.timeout(10):
                await self._app.db.run(cursors.get, "healthz")
        except (StoreError, TimeoutError) as error:
            why = str(error) or "the database does not answer"
            return web.json_response({"status": "failed", "database": why}, status=503, headers=_SAFE)
        return web.json_response({"status": "ok"}, headers=_SAFE)


def address(settings: Settings) -> str | None:
    """The address that is set for Graph to tell us at, None where none is."""
    url = settings.notifications_url
    return f"{url.rstrip('/')}{PATH}" if url else None


@asynccontextmanager
async def listening(app: App) -> AsyncIterator[str | None]:
    """Listens while the block runs; yields the address Graph is to tell, None where there is none.

    On one machine that is any free port of it; in a tenant it is `notifications_url`, which must lead to
    `flows_port`. Raises NotAvailable when that port is taken.
    """
    settings = app.settings
    local = settings.told_here
    if not local and not settings.notifications_url:
        yield None
        return
    runner = web.AppRunner(application(app), access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        try:
            host, port = ("127.0.0.1", 0) if local else (settings.host, settings.flows_port)
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise NotAvailable(
                f"The automations cannot listen on {settings.host}, port {settings.flows_port} "
                f"({error.strerror}); choose another with KM365_FLOWS_PORT or `flows_port` in km365.toml."
            ) from None
        yield address(settings) or f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    finally:
        await runner.cleanup()
