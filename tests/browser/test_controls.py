"""The controls of the small Microsoft 365 as a person meets them."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from km365.local import faults
from km365.local.server import M365

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_clock_is_moved_and_a_quirk_switched_from_the_page(visitor: Any, m365: M365) -> None:
    page = await visitor.open("/")
    await page.get_by_role("link", name="Controls").click()
    before = m365.state.now()
    await page.get_by_role("button", name="One week on").click()
    await expect(page.get_by_text("It runs ahead")).to_be_visible()
    assert timedelta(days=7) <= m365.state.now() - before < timedelta(days=7, minutes=5)
    quirk = page.get_by_role("listitem").filter(has_text="open_file")
    await expect(quirk).to_contain_text("off")
    await quirk.get_by_role("button", name="Switch on").click()
    await expect(quirk.get_by_role("button", name="Switch off open_file")).to_be_visible()
    assert faults.setting(m365.state, "open_file") == {"name": "*", "inner": False}
    await expect(page.get_by_text("POST /_local/reset")).to_be_visible()
