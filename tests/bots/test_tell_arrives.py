"""A told lesson arrives in the Knowledge list with tags and its office; its links are looked up by Graph."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from km365_bots.chat import Parts
from km365_bots.conversation import respond
from km365_bots.parts import open_parts

from km365.core.chat import Event, EventKind
from km365.graph import drives, lists, sites
from km365.jobs.port import JobState
from km365.local import faults, file_permissions
from km365.services import capture, review, tell
from km365.services.interview import HAND_ON
from km365.settings import Settings
from km365.store.database import Connection

from ..conftest import BELMORA, Provisioned, person_id

LESSON = (
    "We expected forty schools to have clean water and reached nine. Because the road closes in February, "
    "the pumps stood at the ford. My advice: ask the drivers early, also for sanitation and hygiene."
)
Says = Callable[[str], Awaitable[str]]


@pytest.fixture
async def parts(provisioned: Provisioned) -> Parts:
    return await open_parts(provisioned.app)


@pytest.fixture
def says(parts: Parts) -> Says:
    """Ann types something; what she then hears."""
    count = iter(range(1000))

    async def say(text: str) -> str:
        event = Event(
            kind=EventKind.MESSAGE,
            activity_id=str(next(count)),
            conversation_id="chat-ann",
            person_id=person_id("ann"),
            tenant_id="tenant",
            at=datetime(2026, 3, 2, 9, tzinfo=UTC),
            text=text,
        )
        return "\n\n".join(reply.text for reply in await respond(parts, event))

    return say


async def works(here: Provisioned) -> None:
    """Hands on what was sent."""
    stop, app = asyncio.Event(), here.app

    def idle(c: Connection) -> bool:
        mine = [job for job in app.jobs.list_(c) if job.name == HAND_ON]
        return all(job.state is JobState.DONE or job.error for job in mine)

    running = asyncio.create_task(app.jobs.run(stop))
    async with asyncio.timeout(30):
        while not await app.db.run(idle):  # noqa: ASYNC110 - the job's own table is what is waited for
            await asyncio.sleep(0.02)
    stop.set()
    await running


async def the_item(here: Provisioned) -> dict[str, Any]:
    graph = here.app.graph
    place = await capture.knowledge_list(graph, here.app.settings)
    (row,) = [row async for row in lists.list_items(graph, place.site_id, place.list_id)]
    return dict(row.fields)


async def the_report(here: Provisioned) -> drives.File:
    """A document with a title, on the office's site."""
    graph = here.app.graph
    site = await sites.get_site(graph, here.app.settings.knowledge_site)
    library = next(one for one in await drives.list_drives(graph, site.id) if one.name != "Handover notes")
    stored = await drives.upload(graph, library.id, "2026/pumps.docx", b"x")
    await drives.update_fields(graph, library.id, stored.id, {"Title": "Pumps in Belmora"})
    return stored


async def test_a_told_lesson_arrives_with_tags_evidence_and_office(
    provisioned: Provisioned, says: Says
) -> None:
    report = await the_report(provisioned)
    assert "Pumps in Belmora" in await says(report.web_url)
    heard = await says(LESSON)
    assert "3 questions" in heard
    for answer in ("skip", "In two northern districts.", "Where the road stays open it binds money early."):
        await says(answer)
    assert "I pass it on now" in await says("send")
    await works(provisioned)
    item = await the_item(provisioned)
    assert (item["KMOffice"], item["KMAudience"]) == ("CO-BEL", "O")
    assert item["KMEvidence"] == f"Pumps in Belmora: {report.web_url}"
    assert item["KMDescription"].startswith("We expected forty schools")
    app = provisioned.app
    tags = (await review.get_item(app.graph, app.settings, item["KMId"])).tags
    labels = [label for found in tags.values() for label in found]
    assert any("ater" in label or "anitation" in label for label in labels), labels
    assert "Enterprise content management" not in labels, "the address of a document is no subject"


async def test_only_the_organisations_own_links_are_looked_up(provisioned: Provisioned) -> None:
    report = await the_report(provisioned)
    asked = f"{report.web_url} https://elsewhere.example/a.docx http://[odd {report.web_url}x"
    found = await tell.look_up(
        provisioned.app.graph, provisioned.app.settings, asked, person_id=person_id("ann")
    )
    assert [(one.title, one.address) for one in found] == [
        ("Pumps in Belmora", report.web_url),
        ("", f"{report.web_url}x"),
    ]


async def test_a_handover_note_is_not_told_of(provisioned: Provisioned) -> None:
    graph, settings = provisioned.app.graph, provisioned.app.settings
    site = await sites.get_site(graph, settings.knowledge_site)
    library = await drives.get_drive(graph, site.id, "Handover notes")
    note = await drives.upload(graph, library.id, "Ann Paperboat.docx", b"x")
    (found,) = await tell.look_up(graph, settings, note.web_url, person_id=person_id("ann"))
    assert found.title == ""


async def test_the_title_of_an_offices_document_is_told_to_its_people(provisioned: Provisioned) -> None:
    graph, settings = provisioned.app.graph, provisioned.app.settings
    site = await sites.get_site(graph, BELMORA)
    library = (await drives.list_drives(graph, site.id))[0]
    report = await drives.upload(graph, library.id, "Wells of 2026.docx", b"x")

    async def title(who: str, settings: Settings = settings) -> str:
        (found,) = await tell.look_up(graph, settings, report.web_url, person_id=person_id(who))
        return found.title

    assert await title("ann") == "Wells of 2026.docx"
    assert await title("eve") == ""
    assert await title("ann", replace(settings, search_leave_out=("Shared Documents",))) == ""
    assert await title("eve", replace(settings, search_open_libraries=(BELMORA,))) == "Wells of 2026.docx"
    file_permissions.set_own(provisioned.m365.state, report.drive_id, report.id, {"Owners": "owner"})
    assert await title("ann") == "", "not everyone of the office may read it"
    file_permissions.set_own(provisioned.m365.state, report.drive_id, report.id, None)
    faults.switch(provisioned.m365.state, "permissions_hidden", on=True)
    assert await title("ann") == "", "SharePoint does not tell"
