"""The page of a volume as Chromium shows it."""

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe

from km365.documents import compendium_html
from km365.templates import Templates

from ..documents.volumes import kept, words

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_axe_finds_nothing_in_it_and_it_fits_a_telephone(visitor, tmp_path: Path) -> None:
    file = tmp_path / "volume.html"
    file.write_text(compendium_html.write(words("ar"), kept(), Templates()), encoding="utf-8")
    page = await visitor.open(file.as_uri(), viewport={"width": 360, "height": 740})
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
