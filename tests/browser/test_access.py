"""Nothing for axe to find, nothing wider than a telephone."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from km365.local.server import M365

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCHEMES = ("light", "dark")


async def check(page: Page) -> None:
    """Fail with axe's own words; the page must also fit a telephone."""
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


READ = (
    "/",
    "/_local/",
    "/teams",
    "/sharepoint",
    "/sharepoint/journal",
    "/sharepoint/sites/knowledge",
    "/sharepoint/sites/knowledge/Lists/Knowledge",
    "/sharepoint/sites/knowledge/Lists/Knowledge/1_.000",
)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing_on_pages_to_read(
    visitor: Any, staff: dict[str, str], knowledge_site: str, scheme: str
) -> None:
    for path in READ:
        page = await visitor.open(path, color_scheme=scheme, locale="ar" if scheme == "dark" else "en")
        await check(page)
        await page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("who", ["kofi", "yusuf"])
async def test_axe_finds_nothing_in_a_busy_chat(
    visitor: Any, bot: Any, staff: dict[str, str], m365: M365, who: str, scheme: str
) -> None:
    folded = {"type": "Action.ToggleVisibility", "title": "More", "targetElements": ["folded"]}
    more = {"type": "Input.Text", "id": "x", "label": "More text"}
    inputs = [
        {"type": "ActionSet", "actions": [folded]},
        {"type": "Container", "id": "folded", "isVisible": False, "items": [more]},
        {"type": "TextBlock", "text": "A question", "style": "heading", "wrap": True},
        {"type": "TextBlock", "text": "Subtle", "isSubtle": True, "wrap": True},
        {"type": "FactSet", "facts": [{"title": "Due", "value": "Friday"}]},
        {"type": "Input.Text", "id": "t", "label": "Text", "isRequired": True, "errorMessage": "Needed"},
        {"type": "Input.Toggle", "id": "g", "label": "Agree?", "title": "I agree"},
        {"type": "Input.Date", "id": "d", "label": "Day"},
        {
            "type": "Input.ChoiceSet",
            "id": "c",
            "label": "One of these",
            "style": "expanded",
            "choices": [{"title": "A", "value": "a"}, {"title": "B", "value": "b"}],
        },
        {
            "type": "Input.ChoiceSet",
            "id": "m",
            "label": "Any of these",
            "isMultiSelect": True,
            "choices": [{"title": "A", "value": "a"}],
        },
        {
            "type": "Input.ChoiceSet",
            "id": "k",
            "label": "From a list",
            "choices": [{"title": "A", "value": "a"}],
        },
    ]
    buttons = [
        {"type": "Action.Execute", "title": "Send", "verb": "send", "style": "positive"},
        {"type": "Action.Submit", "title": "Delete", "style": "destructive"},
    ]
    await bot.prompts(staff["amina"], "for another")
    page = await visitor.open(f"/teams/{staff[who]}", color_scheme=scheme)
    await expect(page.locator("#others")).to_be_visible()
    await bot.prompts(
        staff[who], "Look: https://example.org", attachments=[bot.card(*inputs, actions=buttons)]
    )
    await page.get_by_role("button", name="More", expanded=False).click()
    await expect(page.get_by_label("More text")).to_be_visible()
    await expect(page.get_by_role("button", name="More", expanded=True)).to_be_visible()
    await page.locator(".card").get_by_role("button", name="Send").click()  # shows an error message
    await bot.stop()
    await page.locator("#composer-text").fill("hello")
    await page.keyboard.press("Enter")
    await expect(page.locator(".note.waiting")).to_be_visible()
    await page.locator("#bell").click()
    await check(page)
