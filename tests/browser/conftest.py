"""Chromium, a small bot that the tests write themselves, and the pages of a server of one's own."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from km365.local import columns, items, lists, sites, teams, users
from km365.local.server import M365, start_server

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
expect.set_options(timeout=20_000)
CARD = "application/vnd.microsoft.card.adaptive"


def chromium() -> str | None:
    """KM365_TEST_CHROMIUM, else a Chromium or Chrome on PATH."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    return os.environ.get("KM365_TEST_CHROMIUM") or next((p for n in names if (p := shutil.which(n))), None)


# One loop for all of this room, because one browser serves every test in it.
shared = partial(pytest_asyncio.fixture, loop_scope="session")


@shared(scope="session")
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


@shared()
async def m365() -> AsyncIterator[M365]:
    """A small Microsoft 365 of one's own, as everywhere, on this room's loop."""
    async with await start_server() as server:
        yield server


class Visitor:
    """Opens pages, and keeps what they complain of."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self._browser = browser
        self._base_url = base_url
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Complaints a test causes on purpose."""

    async def open(self, path: str, **context: Any) -> Page:
        """A page in a browser context of its own (`locale="fr-FR"`, `color_scheme="dark"`, ...)."""
        self._contexts.append(await self._browser.new_context(**context))
        page = await self._contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self._heard("error", str(error)))
        await page.goto(path if path.startswith(("http", "file")) else self._base_url + path)
        return page

    async def leave(self) -> None:
        for context in self._contexts:
            await context.close()

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and not any(e in text for e in self.expected):
            self.complaints.append(text)


@shared()
async def visitor(browser: Browser, m365: M365) -> AsyncIterator[Visitor]:
    """Fails the test for anything a page logs as an error, such as a style that its policy refuses."""
    one = Visitor(browser, m365.base_url)
    yield one
    await one.leave()
    assert one.complaints == []


@pytest.fixture
def staff(m365: M365) -> dict[str, str]:
    """Three colleagues with the bot, by first name."""
    people = {
        "amina": ("Amina Tannouri", "Programme Officer", "Ardania Country Office", "fr-FR"),
        "yusuf": ("Yusuf Karamidi", "Deputy Representative", "Belmora Country Office", "ar-EG"),
        "kofi": ("Kofi Starbridge", "Knowledge Reviewer", "Knowledge Management Division", "en-GB"),
    }
    for key, (name, post, office, language) in people.items():
        users.create(
            m365.state,
            id=m365.state.stable_id(key),
            upn=f"{key}@childrensagency.example",
            display_name=name,
            job_title=post,
            office=office,
            language=language,
        )
        teams.installed(m365.state, m365.state.stable_id(key))
    return {key: m365.state.stable_id(key) for key in people}


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

    async def hears(self, key: str, value: Any) -> None:
        """Wait until an activity has come with this value."""
        async with asyncio.timeout(20):
            while not any(a.get(key) == value for a in self.heard):  # noqa: ASYNC110 - the browser's doing
                await asyncio.sleep(0.02)

    async def echo(self, activity: dict[str, Any]) -> Any:
        if activity["type"] == "message" and "text" in activity:
            await self.says(activity, f"You said: {activity['text']}")

    @staticmethod
    def card(*body: dict[str, Any], **parts: Any) -> dict[str, Any]:
        """An attachment with an Adaptive Card."""
        content = {"type": "AdaptiveCard", "version": "1.5", "body": list(body), **parts}
        return {"contentType": CARD, "content": content}

    async def says(self, activity: dict[str, Any], text: str = "", **parts: Any) -> str:
        """Reply to an activity; the id of the message."""
        path = f"/v3/conversations/{activity['conversation']['id']}/activities/{activity['id']}"
        return await self._send(path, {"type": "message", "text": text, **parts})

    async def prompts(self, person: str, text: str = "", **parts: Any) -> str:
        """Write of its own accord."""
        return await self._send(
            f"/v3/conversations/{teams.chat_id(person)}/activities",
            {"type": "message", "text": text, **parts},
        )

    async def _send(self, path: str, activity: dict[str, Any]) -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.m365.base_url + path, json=activity) as answer,
        ):
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])


@pytest.fixture
def knowledge_site(m365: M365) -> str:
    """A site with a list of one tagged item that has been changed once; its address."""
    state = m365.state
    site = sites.create(state, "/sites/knowledge", "Knowledge", description="What we learnt")
    row = lists.create(state, site, "Knowledge")
    columns.create(state, row["id"], {"name": "GoalArea", "displayName": "Goal area", "term": {}})
    by = {"user": {"id": "amina", "displayName": "Amina Tannouri"}}
    item = items.add(state, row["id"], {"Title": "Cold chain"}, by=by)
    term = {"Label": "Health", "TermGuid": state.stable_id("Health"), "WssId": 1}
    items.change(state, item, by=by, fields={"Title": "Cold chain, in time", "GoalArea": term})
    return "/sharepoint/sites/knowledge"


@shared()
async def bot(m365: M365) -> AsyncIterator[Bot]:
    """A bot that is up and echoes."""
    one = Bot(m365)
    await one.start()
    yield one
    await one.stop()
