"""The SharePoint pages as a person meets them."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from km365.local import blobs, columns, files, items, lists, sites
from km365.local.server import M365

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AMINA = {"user": {"id": "amina", "displayName": "Amina Tannouri"}}


@pytest.fixture
def knowledge(m365: M365) -> str:
    """The address of a list with tags and long texts, in several scripts."""
    state = m365.state
    site = sites.create(state, "/sites/knowledge", "Knowledge", description="What we learnt")
    row = lists.create(state, site, "Knowledge", description="Lessons of all offices")
    columns.create(
        state,
        row["id"],
        {"name": "GoalArea", "displayName": "Goal area", "term": {"allowMultipleValues": True}},
    )
    columns.create(state, row["id"], {"name": "Problem", "text": {"allowMultipleLines": True}})
    for n in range(51):
        items.add(state, row["id"], {"Title": f"Lesson {n}", "Problem": "Roads close in June."}, by=AMINA)
    item = items.add(state, row["id"], {"Title": "Cold chain", "Problem": "Roads close."}, by=AMINA)
    terms = [
        {"Label": label, "TermGuid": state.stable_id(label), "WssId": 1} for label in ("Health", "تغذية")
    ]
    fields = {"Title": "Cold chain <b>", "Problem": "تُغلق الطرق في يونيو.", "GoalArea": terms}
    items.change(state, item, by={"application": {"id": "km365", "displayName": "km365"}}, fields=fields)
    library = lists.create(state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
    folder = files.ensure_folders(state, library["id"], "/2026/Reviews", by=AMINA)
    files.add_file(
        state, library["id"], folder, "Révision à mi-parcours.txt", blobs.create(state, b"done"), by=AMINA
    )
    return "/sharepoint/sites/knowledge"


async def test_from_the_start_page_to_what_a_version_changed(visitor: Any, knowledge: str) -> None:
    page = await visitor.open("/")
    await page.get_by_role("main").get_by_role("link", name="SharePoint").click()
    await page.get_by_role("link", name="Knowledge").click()
    await page.get_by_role("link", name="Knowledge").last.click()
    await expect(page.get_by_role("table").get_by_text("Items: 52")).to_be_visible()
    row = page.get_by_role("row", name="Cold chain <b>")
    await expect(row.locator(".terms li")).to_have_text(["Health", "تغذية"])
    await row.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Cold chain <b>")
    newest, oldest = await page.locator(".history > li").all()
    await expect(newest).to_contain_text("km365")
    await expect(newest).to_contain_text("after: تُغلق الطرق في يونيو.")
    await expect(newest.locator("del").first).to_contain_text("Cold chain")
    await expect(oldest).to_contain_text("Amina Tannouri")


async def test_a_document_of_ones_own_is_added_on_the_page_of_a_folder(
    visitor: Any, knowledge: str, tmp_path: Path
) -> None:
    own = tmp_path / "rapport.txt"
    own.write_text("La chaîne du froid a tenu.", encoding="utf-8")
    page = await visitor.open(f"{knowledge}/Shared%20Documents/2026", locale="fr-FR")
    await page.get_by_label("Ajouter vos propres documents").set_input_files(own)
    await page.get_by_role("button", name="Ajouter", exact=True).press("Enter")
    await page.get_by_role("link", name="rapport.txt").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("rapport.txt")


async def test_ids_are_shown_as_the_people_and_things_they_stand_for(
    visitor: Any, m365: M365, staff: dict[str, str]
) -> None:
    state = m365.state
    site = sites.create(state, "/sites/knowledge", "Knowledge")
    milestones = lists.create(state, site, "Milestones")
    milestone = items.add(state, milestones["id"], {"Title": "Mid-term review"}, by=AMINA)
    knowledge = lists.create(state, site, "Knowledge")
    values = {
        "KMContributors": f"{staff['amina']};{staff['kofi'].upper()};{state.stable_id('stranger')}",
        "KMSupervisor": "yusuf@childrensagency.example",
        "KMAudience": "S",
        "KMMilestone": str(milestone["id"]),
        "KMContact": "somebody@elsewhere.example",
    }
    for name in values:
        columns.create(state, knowledge["id"], {"name": name, "displayName": name[2:], "text": {}})
    items.add(state, knowledge["id"], {"Title": "Cold chain", **values}, by=AMINA)
    page = await visitor.open("/sharepoint/sites/knowledge/Lists/Knowledge/1_.000")
    shown = dict(
        zip(
            await page.locator("dt").all_inner_texts(),
            await page.locator("dd").all_inner_texts(),
            strict=True,
        )
    )
    assert shown["Contributors"].splitlines() == [
        "Amina Tannouri",
        "Kofi Starbridge",
        state.stable_id("stranger"),
    ]
    assert shown["Supervisor"] == "Yusuf Karamidi"
    assert shown["Audience"] == "the successor and the supervisor only"
    assert shown["Milestone"] == "Mid-term review"
    assert shown["Contact"] == "somebody@elsewhere.example"
    await expect(page.locator("dd").get_by_title(staff["amina"])).to_have_text("Amina Tannouri")


async def test_on_a_telephone_a_table_stands_in_rows_and_stays_a_table(visitor: Any, knowledge: str) -> None:
    page = await visitor.open(f"{knowledge}/Lists/Knowledge", viewport={"width": 360, "height": 740})
    table = page.get_by_role("region", name="Knowledge").first
    assert await table.evaluate("e => e.scrollWidth <= e.clientWidth")
    row = page.get_by_role("row", name="Cold chain <b>")
    await expect(row.get_by_role("rowheader")).to_be_visible()
    assert "Goal area" in await row.get_by_role("cell").first.evaluate(
        "e => getComputedStyle(e, '::before').content"
    )


async def test_a_library_shows_all_its_tags(visitor: Any, m365: M365) -> None:
    site = sites.create(m365.state, "/sites/office", "Office")
    library = lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
    columns.create(m365.state, library["id"], {"name": "Audience", "displayName": "Audience", "text": {}})
    for name in "ABCDEFGH":
        columns.create(m365.state, library["id"], {"name": name, "displayName": f"Facet {name}", "term": {}})
    blob = blobs.create(m365.state, b"done")
    files.add_file(m365.state, library["id"], None, "note.txt", blob, by=AMINA)
    page = await visitor.open("/sharepoint/sites/office/Shared%20Documents")
    heads = await page.get_by_role("columnheader").all_inner_texts()
    assert heads == ["Name", *(f"Facet {name}" for name in "ABCDEFGH"), "Modified"]


async def test_long_lists_are_paged(visitor: Any, knowledge: str) -> None:
    page = await visitor.open(f"{knowledge}/Lists/Knowledge")
    await expect(page.get_by_role("rowheader")).to_have_count(50)
    await page.get_by_role("link", name="Next").click()
    await expect(page.get_by_role("rowheader")).to_have_text(["Lesson 1", "Lesson 0"])
    await expect(page.get_by_text("Page 2 of 2")).to_be_visible()


async def test_a_file_in_a_folder_is_downloaded_under_its_name(
    visitor: Any, knowledge: str, tmp_path: Path
) -> None:
    page = await visitor.open(f"{knowledge}/Shared%20Documents")
    for name in ("2026", "Reviews", "Révision à mi-parcours.txt"):
        await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("navigation", name="Where you are").get_by_role("listitem")).to_have_text(
        ["Sites", "Knowledge", "Documents", "2026", "Reviews"]
    )
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download").click()
    download = await started.value
    await download.save_as(tmp_path / "file")
    assert (download.suggested_filename, (tmp_path / "file").read_bytes()) == (
        "Révision à mi-parcours.txt",
        b"done",
    )


async def test_what_is_not_there_is_said_kindly(visitor: Any, knowledge: str) -> None:
    visitor.expected = ("404",)
    for path in (
        f"{knowledge}/Lists/Nothing",
        f"{knowledge}/Lists/Knowledge/999_.000",
        "/sharepoint/sites/x",
    ):
        page = await visitor.open(path)
        await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


async def test_the_journal_says_who_wrote_where(visitor: Any, knowledge: str, m365: M365) -> None:
    page = await visitor.open("/sharepoint")
    site = sites.find_at(m365.state, sites.HOST, "/sites/knowledge")["id"]
    answer = await page.request.post(
        f"{m365.graph_url}/sites/{site}/lists/Knowledge/items",
        data={"fields": {"Title": "By hand"}},
        headers={"Authorization": "Bearer any"},
    )
    assert answer.status == 201
    await page.get_by_role("link", name="What was written").click()
    await expect(page.get_by_role("row").nth(1)).to_contain_text(
        "POST /sites/Knowledge/lists/Knowledge/items"
    )
