"""The bot's own cards as Teams shows them: by the official renderer, in three languages and three schemes.

With KM365_SCREENSHOTS=FOLDER each page is kept there as a picture, to be looked at.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from km365_bots.cards import attachment, render
from km365_bots.topics.later import Later
from playwright.async_api import Page, expect

from km365.core.chat import Card
from km365.store.database import Database

from ..bots.cards_for_tests import DATA, card
from ..bots.chatting import ANSWERS, LABELS, Chat, Office

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SPEAKERS = {"en": "kofi", "fr": "amina", "ar": "yusuf"}
SCHEMES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "high contrast": {"forced_colors": "active", "contrast": "more"},
}


async def said_in_conversations(folder: Path, language: str) -> list[Card]:
    """The cards of a mid-term review and of a handover, as somebody meets them who answers everything."""
    shown: list[Card] = []
    for bank in ("midterm_review", "handover"):
        database = Database.open(folder / f"{bank}.sqlite")
        office = Office(db=database, languages={"ann": language}, topics=[Later()])
        chat = Chat(office=office)
        await chat.is_invited(bank, language)
        await chat.presses("start")
        if bank == "handover":
            await chat.presses("agree")
        await chat.presses(
            "answer", {"answer": "programmatic" if bank == "midterm_review" else ANSWERS["story"]}
        )
        await chat.presses("answer", {"answer": "…"})
        await chat.presses("answer", {"answer": ANSWERS["advice"], "audience": "O"})
        await chat.presses("pause")
        await chat.presses("later")
        await chat.presses("go_on")
        await chat.says(office.catalogue.get(language).language)
        await chat.says("show my draft")
        await chat.says("withdraw")
        shown += chat.cards
        database.close()
    kinds = {one.name for one in shown}
    return shown + [card(name, language) for name in DATA if name not in kinds]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cards")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", SPEAKERS)
async def test_every_card_is_readable_and_axe_finds_nothing(
    visitor: Any, bot: Any, staff: dict[str, str], folder: Path, language: str, scheme: str
) -> None:
    own = folder / f"{language} {scheme}"
    own.mkdir()
    cards = await said_in_conversations(own, language)
    assert {one.name for one in cards} >= DATA.keys()
    person = staff[SPEAKERS[language]]
    for one in cards:
        await bot.prompts(person, attachments=[attachment(render(one, LABELS))])
    page = await visitor.open(f"/teams/{person}", viewport={"width": 1000, "height": 900}, **SCHEMES[scheme])
    await expect(page.locator(".card .ac-adaptiveCard")).to_have_count(len(cards))
    direction = await page.locator(".card .ac-adaptiveCard").first.evaluate(
        "e => getComputedStyle(e).direction"
    )
    assert direction == ("rtl" if language == "ar" else "ltr")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await keep_picture(page, f"{language} {scheme} wide")
    assert await too_wide(page) == []
    await page.set_viewport_size({"width": 360, "height": 800})
    assert await too_wide(page) == []
    await keep_picture(page, f"{language} {scheme} telephone")


async def too_wide(page: Page) -> list[str]:
    """What of a card lies outside it or has its text cut off."""
    script = """() => [...document.querySelectorAll('.card')].flatMap(card => {
        const edge = card.getBoundingClientRect();
        return [...card.querySelectorAll('*')].filter(e => {
            const box = e.getBoundingClientRect();
            if (!box.width || !box.height || e.closest('[hidden]')) return false;
            const out = box.left < edge.left - 1 || box.right > edge.right + 1;
            const cut = e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'hidden';
            return out || cut;
        }).map(e => `${e.tagName} ${e.className} ${(e.textContent || '').slice(0, 60)}`);
    })"""
    return list(await page.evaluate(script))


async def keep_picture(page: Page, name: str) -> None:
    """A picture of all the cards, where one is asked for."""
    if folder := os.environ.get("KM365_SCREENSHOTS"):
        await page.evaluate(
            "document.querySelectorAll('*').forEach(e => { if (e.querySelector('.card')) "
            "Object.assign(e.style, {maxHeight: 'none', height: 'auto', overflow: 'visible'}); })"
        )
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
