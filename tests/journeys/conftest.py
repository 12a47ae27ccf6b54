"""One seeded home for all journeys, a running product for each module, and colleagues in Chromium."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from ..browser.conftest import FLAGS, chromium
from ..conftest import made_once
from .product import Chat, Up, until

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def seeded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of a first start that was cut short before anybody was invited."""

    def make(home: Path) -> None:
        first = Up(home)
        first.start(says="Calendar: 2 departures")
        first.kill()
        first.close()

    return made_once(tmp_path_factory, "seeded", make)


@pytest.fixture(scope="session")
def new_home(seeded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """`new_home()` is a copy of the seeded home."""

    def copy() -> Path:
        home = tmp_path_factory.mktemp("journey") / "home"
        shutil.copytree(seeded_home, home)
        return home

    return copy


@pytest.fixture(scope="module")
def up(new_home: Callable[[], Path]) -> Iterator[Up]:
    """The product, running for the tests of one module, each of which has colleagues of its own."""
    running = Up(new_home())
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def searchable(up: Up) -> None:
    """The product has read the libraries of the two offices, and the terms that lessons bear."""
    Chat(up, "Claire Petitvent").begins()
    for sign_in, words in (("zodwa.thimblesea", "التغذية"), ("layla.al-hibr", "écoles")):
        query = ("search", "query", words, "--as", f"{sign_in}@childrensagency.example")
        until(lambda query=query: up.json(*query)["total"] > 5)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """A headless browser; skips without one, unless KM365_REQUIRE_BROWSER=1.

    Not for the session: while it runs, Playwright keeps an event loop that no asynchronous test can share.
    """
    executable = chromium()
    if executable is None:
        if os.environ.get("KM365_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium")
        pytest.skip("no Chromium: put `chromium` or `google-chrome` on PATH")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started
        started.close()


class Colleague:
    """Somebody at the chat page."""

    def __init__(self, context: BrowserContext, up: Up, name: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.up, self.name = up, name
        self.sit_down()

    def sit_down(self) -> None:
        """Open the chat page as this person (again)."""
        self.page.goto(f"{self.up.base}/teams")
        self.page.locator("main").get_by_text(self.name).first.click()
        expect(self.log.locator("> li.message").first).to_be_visible()

    @property
    def log(self) -> Locator:
        """Everything in the chat."""
        return self.page.locator("#messages")

    @property
    def card(self) -> Locator:
        """The newest message that still has a button."""
        return self.log.locator("> li.message").filter(has=self.page.locator(".ac-pushButton")).last

    def says(self, text: str) -> None:
        """Type it and press Enter."""
        self.page.locator("#composer-text").fill(text)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#composer-text")).to_have_value("")

    def presses(self, button: str | re.Pattern[str]) -> None:
        """Press a button of the newest card."""
        self.card.get_by_role("button", name=button, exact=True).click()

    def writes(self, text: str, *, label: str = "") -> None:
        """Fill in a field of the newest card: the first, or the one called so."""
        fields = self.card.get_by_label(label) if label else self.card.get_by_role("textbox")
        fields.first.fill(text)

    def is_asked(self, text: str) -> None:
        """The newest card says it."""
        expect(self.card).to_contain_text(text)

    def reads_last(self, text: str) -> None:
        """The newest message of all says it, so nothing is about to push it away."""
        expect(self.log.locator("> li.message").last).to_contain_text(text)

    def hears(self, text: str) -> None:
        """It stands somewhere in the chat."""
        expect(self.log).to_contain_text(text)


Sit = Callable[[str], Colleague]


@pytest.fixture
def sit(chrome: Browser, up: Up) -> Iterator[Sit]:
    """`sit("Nomsa Paperboat")` opens the chat page as that colleague; pages must not fail."""
    contexts: list[BrowserContext] = []
    seated: list[Colleague] = []

    def one(name: str) -> Colleague:
        contexts.append(chrome.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True))
        seated.append(Colleague(contexts[-1], up, name))
        return seated[-1]

    yield one
    for context in contexts:
        context.close()
    assert [one.complaints for one in seated if one.complaints] == []
