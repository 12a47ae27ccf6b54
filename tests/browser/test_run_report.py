"""The report on a tagging run as it looks on a telephone."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser

from km365.core.coverage import Coverage, Share
from km365.core.run_report import ColumnReport, DocumentReport, OpenSuggestion, RunReport, TermCount
from km365.documents import report_html
from km365.templates import Templates

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG = "Partnerships/Partnership agreement with a network of women in the lowlands (model text).docx"


def report(language: str) -> RunReport:
    column = ColumnReport(
        column="KMTopic", before=(), added=("Child protection case management",), removed=()
    )
    share = Share(name="KMTopic", documents=1000, before=10, after=990)
    office = Share(name="CO-BEL Belmora Country Office", documents=1000, before=10, after=990)
    document = DocumentReport(
        office=office.name,
        path=LONG,
        state="failed",
        reason="x" * 90,
        cause=None,
        columns=(column, column),
    )
    return RunReport(
        run_id="tag-0f3c9a1b2d",
        kind="tag",
        state="done",
        undoes=None,
        started_at=NOON,
        finished_at=NOON,
        made_at=NOON,
        organisation="Children's Agency",
        language=language,
        libraries=(("CO-BEL", "Documents"),),
        columns=(("KMTopic", "Programme-cycle step"),),
        changed=(document,),
        left=(document,),
        same=1,
        not_reached=0,
        coverage=Coverage(documents=1000, by_facet=(share,), by_office=(office,), cells=()),
        note="",
        note_cause=None,
        terms=(TermCount(column="KMTopic", label="Child protection case management", documents=1000),),
        corrections=(),
        open=(OpenSuggestion(office="CO-BEL", path=LONG, column="KMTopic", label="Child protection"),),
    )


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar", "ru", "zh", "pt"])
async def test_a_report_fits_a_telephone_and_stays_a_table(browser: Browser, language: str) -> None:
    page = await browser.new_page(viewport={"width": 320, "height": 700})
    await page.set_content(report_html.page(report(language), Templates()))
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    assert await page.get_by_role("table").count() == 6
    assert await page.get_by_role("columnheader").count() == 22
    await page.close()
