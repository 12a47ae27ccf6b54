"""Chromium, a small bot that the tests write themselves, and the pages of a server of one's own."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from km365.local.server import M365

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
CARD = "application/vnd.microsoft.card.adaptive"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


def chromium() -> str | None:
    """KM365_TEST_CHROMIUM, else a Chromium or Chrome on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    return os.environ.get("KM365_TEST_CHROMIUM") or next((p for n in names if (p := shutil.which(n))), None)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless browser; skips without one, unless KM365_REQUIRE_BROWSER=1."""
    executable = chromium()
    if executable is None:
        reason = "no Chromium: put `chromium` or `google-chrome` on PATH, or name it in KM365_TEST_CHROMIUM"
        if os.environ.get("KM365_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started
        await started.close()


OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def open_page(browser: Browser, m365: M365) -> OpenPage:
    """`await open_page("/teams", locale="fr-FR")`: a page in a browser context of its own.

    Anything the page logs as an error, and any script or style its policy refuses, fails the test.
    """

    async def open_(path: str, *, expected_errors: tuple[str, ...] = (), **context: Any) -> Page:
        page = await (await browser.new_context(**context)).new_page()
        page.set_default_timeout(20_000)

        def heard(kind: str, text: str) -> None:
            if kind == "error" and not any(e in text for e in expected_errors):
                complaints.append(text)

        page.on("console", lambda message: heard(message.type, message.text))
        page.on("pageerror", lambda error: heard("error", str(error)))
        await page.goto(m365.base_url + path)
        return page

    complaints: list[str] = []
    open_.complaints = complaints  # type: ignore[attr-defined]  # read by the fixture below
    return open_


@pytest.fixture(autouse=True)
async def nothing_complained(open_page: OpenPage) -> AsyncIterator[None]:
    yield
    assert open_page.complaints == []  # type: ignore[attr-defined]  # set above


class Bot:
    """Answers activities as each test tells it, and remembers what it was sent."""

    def __init__(self, m365: M365) -> None:
        self.m365 = m365
        self.heard: list[dict[str, Any]] = []
        self.answers: Callable[[dict[str, Any]], Awaitable[Any]] = self.echo
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        """Come up, on the same port as before."""
        app = web.Application()
        app.router.add_post("/api/messages", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.m365.bot_url = f"http://127.0.0.1:{self._port}/api/messages"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, http: web.Request) -> web.Response:
        activity = await http.json()
        self.heard.append(activity)
        return web.json_response(await self.answers(activity))

    async def echo(self, activity: dict[str, Any]) -> Any:
        if activity["type"] == "message" and "text" in activity:
            await self.says(activity, f"You said: {activity['text']}")

    async def says(self, activity: dict[str, Any], text: str = "", **parts: Any) -> str:
        """Reply to an activity; the id of the message."""
        path = f"/v3/conversations/{activity['conversation']['id']}/activities/{activity['id']}"
        return await self._send(path, {"type": "message", "text": text, **parts})

    async def prompts(self, chat: str, text: str = "", **parts: Any) -> str:
        """Write of its own accord."""
        return await self._send(
            f"/v3/conversations/{chat}/activities", {"type": "message", "text": text, **parts}
        )

    async def _send(self, path: str, activity: dict[str, Any]) -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.m365.base_url + path, json=activity) as answer,
        ):
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])


@pytest.fixture
async def bot(m365: M365) -> AsyncIterator[Bot]:
    """A bot that is up and echoes."""
    one = Bot(m365)
    await one.start()
    yield one
    await one.stop()


def card(*body: dict[str, Any], actions: list[dict[str, Any]] | None = None, **parts: Any) -> dict[str, Any]:
    """An attachment with an Adaptive Card."""
    content = {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": list(body),
        "actions": actions or [],
        **parts,
    }
    return {"contentType": CARD, "content": content}
