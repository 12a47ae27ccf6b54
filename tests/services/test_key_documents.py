"""The documents that answers link to, over HTTP against the local server."""

from datetime import UTC, datetime
from urllib.parse import unquote

import httpx
import pytest

from km365.core.key_documents import Found, KeyDocument, Why
from km365.core.schema import HANDOVER_NOTES
from km365.graph import drives, sites
from km365.graph.drives import Drive, File
from km365.local import file_permissions
from km365.services import key_documents
from km365.services.key_documents import site_of
from km365.settings import Settings

from ..conftest import BELMORA, Provisioned, person_id

HOST = "childrensagency.sharepoint.example"


@pytest.mark.parametrize(
    ("address", "site"),
    [
        (f"https://{HOST}/sites/co-bel/Docs/x.docx", f"{HOST}:/sites/co-bel"),
        (f"https://{HOST.upper()}/Sites/CO-BEL/Docs/x.docx", f"{HOST}:/sites/co-bel"),
        (f"https://{HOST}/sites/co-ard/Docs/sites/co-bel/x.docx", f"{HOST}:/sites/co-ard"),
        (f"https://{HOST}/sites/secret/Docs/sites/co-bel/x.docx", ""),
        (f"https://{HOST}/sites/co-bel-secret/x.docx", ""),
        ("https://elsewhere.example/sites/co-bel/x.docx", ""),
    ],
)
def test_the_site_of_a_document_is_where_its_address_begins(address: str, site: str) -> None:
    assert site_of(Settings(), address, root=f"https://{HOST}") == site


@pytest.fixture
async def library(provisioned: Provisioned) -> Drive:
    site = await sites.get_site(provisioned.app.graph, BELMORA)
    return await drives.get_drive(provisioned.app.graph, site.id, "Documents")


@pytest.fixture
async def plan(provisioned: Provisioned, library: Drive) -> File:
    graph = provisioned.app.graph
    stored = await drives.upload(graph, library.id, "2026/Work plan v3.docx", b"x")
    await drives.update_fields(graph, library.id, stored.id, {"Title": "Work plan\n2026"})
    return stored


def library_name(library: Drive) -> str:
    return unquote(library.web_url).rpartition("/")[2]


async def looked_up(provisioned: Provisioned, *lines: str, who: str = "ann") -> list[KeyDocument]:
    app = provisioned.app
    return await key_documents.look_up(app.graph, app.settings, "\n".join(lines), person_id=person_id(who))


async def share(provisioned: Provisioned, file: File) -> tuple[str, str]:
    """A link made with Share, and the address at which it is taken back."""
    item = f"{provisioned.m365.graph_url}/drives/{file.drive_id}/items/{file.id}"
    async with httpx.AsyncClient(headers={"Authorization": "Bearer x"}) as client:
        made = (await client.post(f"{item}/createLink", json={"type": "view"})).json()
    return made["link"]["webUrl"], f"{item}/permissions/{made['id']}"


async def test_a_document_is_found_by_its_address_and_by_a_link_to_share(
    provisioned: Provisioned, plan: File
) -> None:
    shared, _ = await share(provisioned, plan)
    of_office = plan.web_url.replace(provisioned.m365.web_url, f"https://{HOST}/:w:/r")
    found = await looked_up(provisioned, f"The plan: {of_office}?d=w1&e=x", f"{shared}?e=1 again")
    assert [one.found for one in found] == [Found.YES, Found.YES]
    first = found[0]
    assert (first.title, first.said, first.url) == ("Work plan 2026", "The plan", plan.web_url)
    assert first.changed_on == datetime.now(UTC).date()
    assert (first.drive_id, first.item_id) == (plan.drive_id, plan.id)
    assert found[1].title == "Work plan 2026"


async def test_a_folder_is_found_as_the_browser_shows_it_and_so_is_the_library(
    provisioned: Provisioned, library: Drive, plan: File
) -> None:
    path = library.web_url.removeprefix(provisioned.m365.web_url)
    shown = f"{library.web_url}/Forms/AllItems.aspx?id={path}/2026&viewid=1"
    found = await looked_up(provisioned, shown, library.web_url)
    assert [(one.found, one.title) for one in found] == [
        (Found.YES, "2026"),
        (Found.YES, library_name(library)),
    ]


async def test_what_is_not_there_is_told_from_what_does_not_open(
    provisioned: Provisioned, plan: File
) -> None:
    shared, permission = await share(provisioned, plan)
    async with httpx.AsyncClient(headers={"Authorization": "Bearer x"}) as client:
        await client.delete(permission)
    found = await looked_up(
        provisioned, f"{plan.web_url}x", shared, f"https://{HOST}/sites/secret/Docs/a.docx"
    )
    assert [(one.found, one.why) for one in found] == [
        (Found.NO, Why.GONE),
        (Found.UNKNOWN, Why.CLOSED),
        (Found.UNKNOWN, Why.CLOSED),
    ]
    assert all(one.url == one.address for one in found)


async def test_nothing_is_told_of_what_fewer_may_read_or_of_another_office(
    provisioned: Provisioned, plan: File
) -> None:
    [of_another] = await looked_up(provisioned, plan.web_url, who="eve")
    file_permissions.set_own(provisioned.m365.state, plan.drive_id, plan.id, {"Owners": "owner"})
    [closed] = await looked_up(provisioned, plan.web_url)
    for one in (of_another, closed):
        assert (one.found, one.why, one.title, one.changed_on, one.item_id) == (
            *(Found.UNKNOWN, Why.FEWER, "", None, ""),
        )


async def test_a_handover_note_is_not_told_of(provisioned: Provisioned) -> None:
    graph = provisioned.app.graph
    site = await sites.get_site(graph, provisioned.app.settings.knowledge_site)
    notes = await drives.get_drive(graph, site.id, HANDOVER_NOTES.title)
    note = await drives.upload(graph, notes.id, "CO-BEL Chief.docx", b"x")
    [found] = await looked_up(provisioned, note.web_url)
    assert (found.found, found.why, found.title) == (Found.UNKNOWN, Why.CLOSED, "")


async def test_no_address_elsewhere_is_ever_asked_for(provisioned: Provisioned) -> None:
    asked: list[str] = []
    graph = provisioned.app.graph

    async def note(request: httpx.Request) -> None:
        asked.append(str(request.url))

    graph.http.event_hooks["request"].append(note)
    found = await looked_up(
        provisioned,
        "https://partner.example/plan.pdf",
        "https://childrensagency-my.sharepoint.example/personal/ann_childrensagency_example/Documents/a.docx",
        "https://outlook.office.com/mail/id/AAQk",
        "http://169.254.169.254/latest/meta-data",
        f"https://{HOST}@evil.example/sites/co-bel/a.docx",
    )
    assert [one.why for one in found] == [
        *(Why.ELSEWHERE, Why.OWN_DRIVE, Why.MAILBOX, Why.UNSAFE, Why.UNSAFE),
    ]
    assert [bool(one.url) for one in found] == [True, True, True, False, False]
    assert all(one.startswith(provisioned.m365.graph_url) for one in asked)


async def test_where_microsoft_365_does_not_answer_that_is_what_is_said(
    provisioned: Provisioned,
) -> None:
    provisioned.m365.state.reset()
    [found] = await looked_up(provisioned, f"https://{HOST}/sites/co-bel/Docs/a.docx")
    assert (found.found, found.why, bool(found.url)) == (Found.UNKNOWN, Why.AWAY, True)
