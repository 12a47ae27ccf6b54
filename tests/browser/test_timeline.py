"""The picture of the calendar as Chromium shows it."""

from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe

from km365.core.cycles import lay_out as lay_out_cycle
from km365.core.schedule import Milestone
from km365.core.timeline import lay_out
from km365.documents import cycles, timeline_svg
from km365.documents.calendar_words import CalendarWords
from km365.templates import Templates

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

COLLISIONS = """() => {
  const all = document.documentElement.getBoundingClientRect();
  const boxes = [...document.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  const outside = ([, b]) => b.left < all.left || b.right > all.right;
  const found = boxes.filter(outside).map(([t]) => 'outside: ' + t);
  for (const [i, [one, a]] of boxes.entries())
    for (const [other, b] of boxes.slice(i + 1))
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
        found.push(one + ' / ' + other);
  return found;
}"""


def picture(language: str, years: int) -> str:
    """Three offices, of which each is in another year of its cycle."""
    cycle = cycles.cycle(Templates(), "country-programme")
    planned = [
        Milestone(id=one.key, title=one.title, kind=one.kind, office=office, due_on=one.due_on)
        for office, ends in (("CO-BEL", 2030), ("RO-EAST", 2029), ("CO-ARD", 2028))
        for one in lay_out_cycle(
            cycle, office=office, programme="Belmora", ends_on=date(ends, 12, 31), language=language
        )
        if 2027 <= one.due_on.year < 2027 + years
    ]
    found = lay_out(planned, name_of=lambda one: one.office, today=date(2027, 12, 20))
    assert found is not None
    return timeline_svg.write(found, CalendarWords(Templates()), language=language)


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_axe_finds_nothing_in_it(visitor, tmp_path: Path, language: str) -> None:
    file = tmp_path / "page.html"
    head = f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>T</title>'
    page = f"{head}<main><h1>T</h1>{picture(language, 3)}</main></html>"
    file.write_text(page, encoding="utf-8")
    found = await Axe().run(await visitor.open(file.as_uri()))
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("language", ["en", "ar", "ru", "zh"])
@pytest.mark.parametrize("years", [1, 3, 5])
async def test_no_text_lies_upon_another_or_outside(
    visitor, tmp_path: Path, language: str, years: int
) -> None:
    file = tmp_path / "timeline.svg"
    file.write_text(picture(language, years), encoding="utf-8")
    page = await visitor.open(file.as_uri(), viewport={"width": 1600, "height": 900})
    assert await page.evaluate(COLLISIONS) == []
