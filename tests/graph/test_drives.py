"""Libraries and files, on the small Microsoft 365."""

import pytest

from km365.errors import GraphError, GraphNotFound, InputRefused, ResyncNeeded
from km365.graph import drives, lists, uploads
from km365.graph.client import Graph
from km365.local import faults
from km365.local import sites as local_sites
from km365.local.server import M365


@pytest.fixture
async def library(graph: Graph, m365: M365) -> drives.Drive:
    site_id = local_sites.create(m365.state, "/sites/co-ard", "Ardania")
    await lists.create_list(graph, site_id, title="Reports", template="documentLibrary")
    return await drives.get_drive(graph, site_id, "Reports")


async def test_a_missing_library_names_those_that_are_there(graph: Graph, m365: M365) -> None:
    site_id = local_sites.create(m365.state, "/sites/co-ard", "Ardania")
    with pytest.raises(GraphNotFound, match=r"'Papers'.*'Documents'"):
        await drives.get_drive(graph, site_id, "Papers")


async def test_a_file_is_uploaded_found_and_downloaded(graph: Graph, library: drives.Drive) -> None:
    path = "Année 2026/10% & more #1/Rapport d'étape.docx"
    stored = await drives.upload(graph, library.id, path, b"the content", content_type="text/plain")
    [found] = [one async for one in drives.list_files(graph, library.id)]
    assert (found.id, found.path, found.size_bytes) == (stored.id, path, 11)
    assert found.drive_id == library.id and found.list_item_id and found.etag and found.ctag
    assert await drives.download(graph, library.id, found.id, limit_bytes=100) == b"the content"
    with pytest.raises(InputRefused, match="11 bytes"):
        await drives.download(graph, library.id, found.id, limit_bytes=10)


async def test_files_are_listed_through_folders_and_empty_pages(
    graph: Graph, m365: M365, library: drives.Drive
) -> None:
    for path in ("top.txt", "a/one.txt", "a/deep/two.txt", "b/three.txt"):
        await drives.upload(graph, library.id, path, b"x")
    faults.switch(m365.state, "empty_pages", on=True)
    listed = {one.path: one async for one in drives.list_files(graph, library.id)}
    assert set(listed) == {"top.txt", "a/one.txt", "a/deep/two.txt", "b/three.txt"}
    assert all(one.list_item_id for one in listed.values())
    flat = [one.name async for one in drives.list_files(graph, library.id, recursive=False)]
    assert flat == ["top.txt"]
    inside = {one.path async for one in drives.list_files(graph, library.id, folder="/a")}
    assert inside == {"a/one.txt", "a/deep/two.txt"}


async def test_a_name_that_is_taken_is_replaced_kept_beside_or_refused(
    graph: Graph, library: drives.Drive
) -> None:
    first = await drives.upload(graph, library.id, "a.txt", b"one")
    assert (await drives.upload(graph, library.id, "a.txt", b"two")).id == first.id
    beside = await drives.upload(graph, library.id, "a.txt", b"three", on_conflict="rename")
    assert beside.id != first.id and beside.name != "a.txt"
    with pytest.raises(GraphError) as caught:
        await drives.upload(graph, library.id, "a.txt", b"four", on_conflict="fail")
    assert caught.value.status == 409
    assert await drives.download(graph, library.id, first.id, limit_bytes=9) == b"two"


async def test_a_large_file_goes_up_in_chunks(graph: Graph, library: drives.Drive) -> None:
    data = bytes(range(256)) * (uploads.SMALL_BYTES // 256 + 4000)
    stored = await drives.upload(graph, library.id, "big.pdf", data)
    assert stored.size_bytes == len(data)
    assert await drives.download(graph, library.id, stored.id, limit_bytes=len(data)) == data
    again = await uploads.upload_session(
        graph,
        f"/drives/{library.id}/root:/small.bin:",
        data[:700_000],
        on_conflict="fail",
        chunk_bytes=327_680,
    )
    assert again["size"] == 700_000


async def test_a_content_tag_stays_when_only_columns_change(graph: Graph, library: drives.Drive) -> None:
    stored = await drives.upload(graph, library.id, "a.txt", b"x")
    before = await drives.get_fields(graph, library.id, stored.id)
    after = await drives.update_fields(graph, library.id, stored.id, {"Title": "A title"}, etag=before.etag)
    assert after.fields["Title"] == "A title"
    [file] = [one async for one in drives.list_files(graph, library.id)]
    assert file.ctag == stored.ctag and file.etag != stored.etag


async def test_a_delta_tells_what_happened_to_files(graph: Graph, library: drives.Drive) -> None:
    gone = await drives.upload(graph, library.id, "a/gone.txt", b"x")
    first = [page async for page in drives.delta(graph, library.id)]
    assert gone.id in {raw["id"] for page in first for raw in page.values}
    await graph.delete(drives.file_item_path(library.id, gone.id))
    new = await drives.upload(graph, library.id, "a/new.txt", b"x")
    changed = {
        raw["id"]: "deleted" in raw
        async for page in drives.delta(graph, library.id, first[-1].delta_link)
        for raw in page.values
    }
    assert changed[gone.id] is True and changed[new.id] is False


async def test_a_delta_link_that_graph_forgot_needs_a_resync(
    graph: Graph, m365: M365, library: drives.Drive
) -> None:
    link = [page async for page in drives.delta(graph, library.id)][-1].delta_link
    faults.switch(
        m365.state,
        "next_requests",
        on=True,
        path="*delta*",
        status=410,
        code="resyncChangesUploadDifferences",
    )
    with pytest.raises(ResyncNeeded) as caught:
        async for _ in drives.delta(graph, library.id, link):
            pass
    assert caught.value.keep_ours
