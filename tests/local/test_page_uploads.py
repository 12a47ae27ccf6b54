"""Documents that people add on the page of a library."""

import httpx
import pytest

from km365.local import blobs, files, lists, page_uploads, sites
from km365.local.server import M365

SENDER = {"user": {"displayName": "Amina Tannouri"}}
PAGE = "/sharepoint/sites/co-bel/Shared%20Documents"


@pytest.fixture
def library(m365: M365) -> str:
    """The id of a library with the folder `Plans`, and beside it a list of the same site."""
    site = sites.create(m365.state, "/sites/co-bel", "Belmora")
    lists.create(m365.state, site, "Knowledge")
    row = lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
    files.ensure_folders(m365.state, row["id"], "/Plans", by=SENDER)
    return str(row["id"])


async def add(m365: M365, page: str, *chosen: tuple[str, bytes], **headers: str) -> httpx.Response:
    """What the page answers to these files."""
    async with httpx.AsyncClient(base_url=m365.base_url, trust_env=False) as http:
        return await http.post(page, files=[("files", one) for one in chosen], headers=headers)


def content(m365: M365, library: str, path: str) -> bytes:
    return blobs.read(
        m365.state, files.content_of(m365.state, files.at_path(m365.state, library, path))["blob"]
    )


async def test_files_lie_in_the_library_or_folder_whose_page_they_were_added_on(
    m365: M365, library: str
) -> None:
    done = await add(m365, PAGE, ("a.txt", b"one"), ("تقرير 1.txt", b"two"))
    assert (done.status_code, done.headers["Location"]) == (303, PAGE)
    await add(m365, f"{PAGE}/Plans", ("C:\\Users\\amina\\b.txt", b"three"))
    assert content(m365, library, "/a.txt") == b"one"
    assert content(m365, library, "/تقرير 1.txt") == b"two"
    assert content(m365, library, "/Plans/b.txt") == b"three"


async def test_a_file_of_a_name_that_is_there_is_a_new_version(m365: M365, library: str) -> None:
    await add(m365, PAGE, ("a.txt", b"one"))
    await add(m365, PAGE, ("a.txt", b"two"))
    item = files.at_path(m365.state, library, "/a.txt")
    assert (content(m365, library, "/a.txt"), item["version"]) == (b"two", 2)


async def test_what_cannot_be_added_is_named_and_the_rest_is_kept(
    m365: M365, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_uploads, "LARGEST_PUT", 3)
    chosen = [("a<b>.txt", b"1"), ("long.txt", b"1234"), ("Plans", b"1"), ("last.txt", b"123")]
    said = await add(m365, PAGE, *chosen)
    assert said.status_code == 200
    for name, why in (
        ("a&lt;b&gt;.txt", "its name is not allowed in SharePoint."),
        ("long.txt", "it is larger than 250 MB."),
        ("Plans", "a folder has this name."),
    ):
        assert f"<li><bdi>{name}</bdi> – {why}</li>" in said.text
    assert said.text.count("<li><bdi>") == 3
    assert [row["name"] for row in files.in_folder(m365.state, library, None)] == ["last.txt", "Plans"]
    assert content(m365, library, "/last.txt") == b"123"


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("/sharepoint/sites/co-bel", 405),
        ("/sharepoint/sites/co-bel/Lists/Knowledge", 405),
        (f"{PAGE}/Nowhere", 404),
    ],
)
async def test_only_a_library_takes_files(m365: M365, library: str, page: str, status: int) -> None:
    assert (await add(m365, page, ("a.txt", b"one"))).status_code == status


async def test_no_other_site_can_add_files(m365: M365, library: str) -> None:
    done = await add(m365, PAGE, ("a.txt", b"one"), Origin="http://elsewhere.example")
    assert done.status_code == 403
    assert [row["name"] for row in files.in_folder(m365.state, library, None)] == ["Plans"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("application/x-www-form-urlencoded", 415), ("multipart/form-data", 400), ("text/plain", 415)],
)
async def test_what_is_no_form_with_files_is_refused(
    m365: M365, library: str, kind: str, status: int
) -> None:
    async with httpx.AsyncClient(base_url=m365.base_url, trust_env=False) as http:
        done = await http.post(PAGE, content=b"files=a", headers={"Content-Type": kind})
    assert done.status_code == status
