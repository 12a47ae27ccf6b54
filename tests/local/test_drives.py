"""Files and folders of a library, as Graph serves them."""

import asyncio

import httpx
import pytest

from km365.local import faults, lists, sites
from km365.local.server import start_server

pytestmark = pytest.mark.graph_documented("driveitem")

KIB = 1024


@pytest.fixture
async def library(m365, site):
    """The library row of the knowledge site."""
    return lists.create(m365.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")


@pytest.fixture
async def drive(library):
    """The address of its drive."""
    return f"/drives/{library['drive_id']}"


@pytest.fixture
async def bare(m365):
    """A client that is not held against the OpenAPI description, for what lies outside it."""
    async with httpx.AsyncClient(base_url=m365.graph_url, headers={"Authorization": "Bearer x"}) as client:
        yield client


async def put(client, drive, path, content, **options):
    answer = await client.put(f"{drive}/root:/{path}:/content", content=content, **options)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def read(client, drive, path):
    answer = await client.get(f"{drive}/root:/{path}:/content", follow_redirects=True)
    assert answer.status_code == 200
    return answer.content


async def test_a_library_is_a_drive_of_its_site(graph, site, library, drive):
    listed = (await graph.get(f"/sites/{site}/drives")).json()["value"]
    assert [d["name"] for d in listed] == ["Documents"]
    for address in (drive, f"/sites/{site}/drive", f"/sites/{site}/lists/{library['id']}/drive"):
        assert (await graph.get(address)).json()["id"] == library["drive_id"]
    assert (await graph.get(f"{drive}/list")).json()["id"] == library["id"]


async def test_what_was_uploaded_comes_down_again(graph, drive):
    filed = await put(graph, drive, "Reviews/Mid-term review.docx", b"PK not really")
    assert (filed["name"], filed["size"]) == ("Mid-term review.docx", 13)
    assert filed["parentReference"]["path"].endswith("/root:/Reviews")
    answer = await graph.get(f"{drive}/items/{filed['id']}/content")
    assert answer.status_code == 302
    async with httpx.AsyncClient() as stranger:  # the address is pre-authenticated
        assert (await stranger.get(answer.headers["Location"])).content == b"PK not really"
        part = await stranger.get(answer.headers["Location"], headers={"Range": "bytes=3-5"})
        assert (part.status_code, part.content) == (206, b"not")


async def test_a_download_address_cannot_be_made_up_and_expires(graph, m365, drive):
    await put(graph, drive, "a.txt", b"a")
    good = (await graph.get(f"{drive}/root:/a.txt:/content")).headers["Location"]
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(good.replace("/_content/", "/_content/0"))).status_code == 404
        m365.state.set_clock(m365.state.now().replace(year=m365.state.now().year + 1))
        assert (await stranger.get(good)).status_code == 401


async def test_names_in_other_scripts_survive_the_address(graph, drive):
    filed = await put(graph, drive, "المياه/تقرير البعثة 100%25.docx", b"x")
    assert filed["name"] == "تقرير البعثة 100%.docx"
    assert (await read(graph, drive, "المياه/تقرير البعثة 100%25.docx")) == b"x"


async def test_replacing_is_the_default_and_makes_a_version(graph, drive):
    first = await put(graph, drive, "a.txt", b"one")
    second = await put(graph, drive, "a.txt", b"two!")
    assert first["id"] == second["id"] and first["eTag"] != second["eTag"] and first["cTag"] != second["cTag"]
    listed = (await graph.get(f"{drive}/items/{first['id']}/versions")).json()["value"]
    assert [(v["id"], v["size"]) for v in listed] == [("2.0", 4), ("1.0", 3)]
    old = await graph.get(f"{drive}/items/{first['id']}/versions/1.0/content", follow_redirects=True)
    assert old.content == b"one"
    restored = await graph.post(f"{drive}/items/{first['id']}/versions/1.0/restoreVersion")
    assert restored.status_code == 204
    assert await read(graph, drive, "a.txt") == b"one"


@pytest.mark.parametrize(
    ("behaviour", "status", "names"),
    [("fail", 409, ["a.txt"]), ("rename", 201, ["a 1.txt", "a.txt"]), ("replace", 200, ["a.txt"])],
)
async def test_conflicts_are_settled_as_asked(graph, drive, behaviour, status, names):
    await put(graph, drive, "a.txt", b"one")
    address = f"{drive}/root:/a.txt:/content?@microsoft.graph.conflictBehavior={behaviour}"
    assert (await graph.put(address, content=b"two")).status_code == status
    assert [c["name"] for c in (await graph.get(f"{drive}/root/children")).json()["value"]] == names


async def test_a_stale_etag_stops_an_upload(graph, drive):
    filed = await put(graph, drive, "a.txt", b"one")
    await put(graph, drive, "a.txt", b"two")
    address = f"{drive}/items/{filed['id']}/content"
    answer = await graph.put(address, content=b"three", headers={"If-Match": filed["eTag"]})
    assert answer.status_code == 412
    assert await read(graph, drive, "a.txt") == b"two"


@pytest.mark.parametrize("name", ["a*b.txt", " a.txt", "con.txt", "a.", "~$a.docx", "x" * 256])
async def test_names_sharepoint_refuses_are_refused(graph, drive, name):
    answer = await graph.post(f"{drive}/root/children", json={"name": name, "folder": {}})
    assert answer.status_code == 400, name


async def test_children_come_page_by_page(graph, drive):
    for number in range(5):
        await put(graph, drive, f"Folder/{number}.txt", b"x")
    first = (await graph.get(f"{drive}/root:/Folder:/children?$top=2")).json()
    second = (await graph.get(first["@odata.nextLink"])).json()
    assert [c["name"] for c in first["value"] + second["value"]] == ["0.txt", "1.txt", "2.txt", "3.txt"]
    folder = (await graph.get(f"{drive}/root:/Folder")).json()
    assert (folder["folder"]["childCount"], folder["size"]) == (5, 5)


async def test_a_file_and_its_list_item_share_etag_fields_and_versions(graph, m365, site, library, drive):
    filed = await put(graph, drive, "a.docx", b"x")
    m = f"{drive}/items/{filed['id']}/listItem"
    column = {"name": "Subject", "text": {}}
    await graph.post(f"/sites/{site}/lists/{library['id']}/columns", json=column)
    changed = await graph.patch(f"{m}/fields", json={"Subject": "Water"}, headers={"If-Match": filed["eTag"]})
    assert changed.json()["Subject"] == "Water"
    item = (await graph.get(f"{m}?$expand=fields")).json()
    again = (await graph.get(f"/sites/{site}/lists/{library['id']}/items/{item['id']}")).json()
    assert item["eTag"] == again["eTag"] == (await graph.get(f"{drive}/items/{filed['id']}")).json()["eTag"]
    assert again["fields"]["FileLeafRef"] == "a.docx"
    same = await graph.get(f"/sites/{site}/lists/{library['id']}/items/{item['id']}/driveItem")
    assert same.json()["id"] == filed["id"]
    assert len((await graph.get(f"{drive}/items/{filed['id']}/versions")).json()["value"]) == 2


async def test_fields_come_with_the_files_of_a_folder(graph, drive):
    filed = await put(graph, drive, "a.docx", b"x")
    await graph.patch(f"{drive}/items/{filed['id']}/listItem/fields", json={"Title": "A note"})
    query = {"$expand": "listItem($expand=fields($select=Title))", "$select": "name"}
    (child,) = (await graph.get(f"{drive}/root/children", params=query)).json()["value"]
    assert child["name"] == "a.docx" and child["listItem"]["fields"]["Title"] == "A note"
    for wrong, status in (("listItem(", 400), ("listItem($expand=versions)", 501), ("children($top=1)", 501)):
        answer = await graph.get(f"{drive}/root/children", params={"$expand": wrong})
        assert answer.status_code == status, wrong


async def test_next_links_lead_on_whatever_the_folder_is_called(graph, drive):
    for number in range(3):
        await put(graph, drive, f"50%25 done %23é/{number}.txt", b"x")
    page = (await graph.get(f"{drive}/root:/50%25 done %23é:/children?$top=2")).json()
    rest = (await graph.get(page["@odata.nextLink"])).json()["value"]
    assert [c["name"] for c in rest] == ["2.txt"]


async def test_a_fresh_file_can_answer_409_to_its_first_update(graph, m365, drive):
    faults.switch(m365.state, "conflict_after_upload", on=True)
    filed = await put(graph, drive, "a.docx", b"x")
    address = f"{drive}/items/{filed['id']}/listItem/fields"
    assert (await graph.patch(address, json={"Title": "A"})).status_code == 409
    assert (await graph.patch(address, json={"Title": "A"})).status_code == 200


async def test_a_checked_out_file_is_locked_for_others(graph, m365, drive, bare):
    token = await bare.post(f"{m365.base_url}/_local/token", json={"app": "somebody else"})
    other = {"Authorization": f"Bearer {token.json()['access_token']}"}
    item = f"{drive}/items/{(await put(graph, drive, 'a.docx', b'x'))['id']}"
    assert (await graph.post(f"{item}/checkout")).status_code == 204
    assert (await graph.get(f"{item}?$select=publication")).json()["publication"]["level"] == "checkout"
    for attempt in (
        graph.patch(f"{item}/listItem/fields", json={"Title": "A"}, headers=other),
        graph.put(f"{item}/content", content=b"y", headers=other),
        graph.delete(item, headers=other),
        graph.post(f"{item}/checkin", json={}, headers=other),
    ):
        answer = await attempt
        assert (answer.status_code, answer.json()["error"]["code"]) == (423, "resourceLocked")
    assert (await graph.put(f"{item}/content", content=b"mine")).status_code == 200
    assert (await graph.post(f"{item}/discardCheckout")).status_code == 204
    assert await read(graph, drive, "a.docx") == b"x"
    assert (await graph.delete(item, headers=other)).status_code == 204


async def test_an_open_file_is_locked(graph, m365, drive):
    await put(graph, drive, "open.docx", b"x")
    faults.switch(m365.state, "open_file", on=True, name="open.docx")
    assert (await graph.put(f"{drive}/root:/open.docx:/content", content=b"y")).status_code == 423
    assert (await graph.delete(f"{drive}/root:/open.docx")).status_code == 423


async def test_moving_a_folder_moves_what_is_in_it(graph, drive):
    filed = await put(graph, drive, "Old/Deep/a.txt", b"x")
    folder = (await graph.get(f"{drive}/root:/Old")).json()
    target = (await graph.post(f"{drive}/root/children", json={"name": "Archive", "folder": {}})).json()
    moved = await graph.patch(
        f"{drive}/items/{folder['id']}", json={"name": "New", "parentReference": {"id": target["id"]}}
    )
    assert moved.json()["parentReference"]["path"].endswith("/root:/Archive")
    found = (await graph.get(f"{drive}/root:/Archive/New/Deep/a.txt")).json()
    assert (found["id"], found["eTag"]) == (filed["id"], filed["eTag"])
    inside_itself = {"parentReference": {"id": found["parentReference"]["id"]}}
    assert (await graph.patch(f"{drive}/items/{folder['id']}", json=inside_itself)).status_code == 400


async def test_copying_answers_with_where_to_ask_how_it_went(graph, drive):
    made = await put(graph, drive, "a.txt", b"x")
    answer = await graph.post(f"{drive}/items/{made['id']}/copy", json={"name": "b.txt"})
    assert answer.status_code == 202
    async with httpx.AsyncClient() as stranger:
        told = (await stranger.get(answer.headers["Location"])).json()
    assert told["status"] == "completed"
    assert (await graph.get(f"{drive}/items/{told['resourceId']}")).json()["name"] == "b.txt"


async def test_deleting_a_folder_frees_what_was_in_it(graph, m365, drive):
    await put(graph, drive, "Folder/a.txt", b"x")
    await put(graph, drive, "Folder/Deep/b.txt", b"x")
    assert (await graph.delete(f"{drive}/root:/Folder")).status_code == 204
    assert (await graph.get(f"{drive}/root:/Folder/a.txt")).status_code == 404
    assert m365.state.all("SELECT * FROM blob_part") == []


async def test_delta_tells_what_came_changed_and_went(graph, drive):
    kept = await put(graph, drive, "kept.txt", b"x")
    gone = await put(graph, drive, "gone.txt", b"x")
    first = (await graph.get(f"{drive}/root/delta()?$top=1")).json()
    assert [i["name"] for i in first["value"]] == ["root", "kept.txt"]
    second = (await graph.get(first["@odata.nextLink"])).json()
    assert [i["name"] for i in second["value"]] == ["gone.txt"]
    nothing = (await graph.get(second["@odata.deltaLink"])).json()
    assert nothing["value"] == []
    await graph.delete(f"{drive}/items/{gone['id']}")
    await graph.patch(f"{drive}/items/{kept['id']}", json={"name": "renamed.txt"})
    page = (await graph.get(nothing["@odata.deltaLink"])).json()
    changed = page["value"] + (await graph.get(page["@odata.nextLink"])).json()["value"]
    assert [(i["id"], "deleted" in i) for i in changed] == [(gone["id"], True), (kept["id"], False)]


async def test_latest_starts_from_now(graph, bare, drive):
    await put(graph, drive, "old.txt", b"x")
    start = (await bare.get(f"{drive}/root/delta?token=latest")).json()
    assert start["value"] == []
    await put(graph, drive, "new.txt", b"x")
    assert [i["name"] for i in (await bare.get(start["@odata.deltaLink"])).json()["value"]] == ["new.txt"]


async def test_a_delta_token_that_is_gone_says_where_to_start_again(graph, m365, drive):
    await put(graph, drive, "a.txt", b"x")
    link = (await graph.get(f"{drive}/root/delta()")).json()["@odata.deltaLink"]
    faults.switch(m365.state, "delta_gone", on=True)
    answer = await graph.get(link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "resyncChangesApplyDifferences")
    assert [i["name"] for i in (await graph.get(answer.headers["Location"])).json()["value"]] == [
        "root",
        "a.txt",
    ]
    m365.state.reset()
    assert (await graph.get(link)).status_code in (404, 410)


async def test_what_is_not_known_is_refused_by_name(bare, graph, drive):
    filed = await put(graph, drive, "a.txt", b"x")
    for verb, tail in (("POST", "follow"), ("GET", "thumbnails")):
        answer = await bare.request(
            verb, f"{drive}/items/{filed['id']}/{tail}", json={} if verb == "POST" else None
        )
        assert answer.status_code == 501 and tail in answer.json()["error"]["message"]
        by_path = await bare.request(verb, f"{drive}/root:/a.txt:/{tail}")
        assert by_path.status_code == 501


# upload sessions -----------------------------------------------------------------------------------------


async def session(graph, drive, path, **item):
    answer = await graph.post(f"{drive}/root:/{path}:/createUploadSession", json={"item": item})
    assert answer.status_code == 200, answer.text
    return answer.json()["uploadUrl"]


def fragment(data, first, size, total=None):
    part = data[first : first + size]
    return {
        "content": part,
        "headers": {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{total or len(data)}"},
    }


DATA = bytes(range(256)) * (KIB * 3)  # 768 KiB


async def test_a_large_file_goes_up_in_fragments(graph, drive, conforms):
    url = await session(graph, drive, "big.bin")
    async with httpx.AsyncClient() as plain:
        first = await plain.put(url, **fragment(DATA, 0, 320 * KIB))
        assert first.status_code == 202 and first.json()["nextExpectedRanges"] == ["327680-"]
        conforms(first.json(), "microsoft.graph.uploadSession")
        assert (await plain.get(url)).json()["nextExpectedRanges"] == [
            "327680-"
        ]  # as after a lost connection
        assert (await plain.put(url, **fragment(DATA, 320 * KIB, 320 * KIB))).status_code == 202
        last = await plain.put(url, **fragment(DATA, 640 * KIB, 320 * KIB))
        assert last.status_code == 201
        conforms(last.json(), "microsoft.graph.driveItem")
        assert (await plain.get(url)).status_code == 404
    assert await read(graph, drive, "big.bin") == DATA


async def test_an_upload_address_refuses_a_bearer_token(graph, bare, drive):
    url = await session(graph, drive, "big.bin")
    assert (await bare.put(url, **fragment(DATA, 0, 320 * KIB))).status_code == 401


@pytest.mark.parametrize(
    ("first", "size", "status"), [(320 * KIB, 320 * KIB, 416), (0, 1000, 400)], ids=["not next", "odd length"]
)
async def test_fragments_must_follow_and_fit(graph, drive, first, size, status):
    url = await session(graph, drive, "big.bin")
    async with httpx.AsyncClient() as plain:
        assert (await plain.put(url, **fragment(DATA, first, size))).status_code == status
        assert (await plain.get(url)).json()["nextExpectedRanges"] == ["0-"]


async def test_a_fragment_that_breaks_off_leaves_nothing_behind(graph, m365, drive):
    url = await session(graph, drive, "big.bin")
    host, port = m365.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT {url.removeprefix(m365.base_url)} HTTP/1.1\r\nHost: {host}:{port}\r\n"
    writer.write(
        f"{head}Content-Range: bytes 0-327679/786432\r\nContent-Length: 327680\r\n\r\n".encode()
        + b"x" * 70_000
    )
    await writer.drain()
    writer.close()
    async with httpx.AsyncClient() as plain:
        # Until the server has noticed, the fragment that broke off is still on its way.
        while (answer := await plain.put(url, **fragment(DATA, 0, 320 * KIB))).status_code == 409:
            pass
        assert answer.status_code == 202
    assert m365.state.one("SELECT size FROM blob")["size"] == 320 * KIB


async def test_a_cancelled_session_is_over(graph, m365, drive):
    url = await session(graph, drive, "big.bin")
    async with httpx.AsyncClient() as plain:
        assert (await plain.put(url, **fragment(DATA, 0, 320 * KIB))).status_code == 202
        assert (await plain.delete(url)).status_code == 204
        assert (await plain.get(url)).status_code == 404
    assert m365.state.all("SELECT * FROM blob") == []


async def test_a_name_taken_meanwhile_is_a_conflict_at_the_end(graph, drive):
    url = await session(graph, drive, "a.bin")
    await put(graph, drive, "a.bin", b"first")
    async with httpx.AsyncClient() as plain:
        assert (await plain.put(url, **fragment(b"late", 0, 4))).status_code == 409
    assert await read(graph, drive, "a.bin") == b"first"
    taken = await graph.post(f"{drive}/root:/a.bin:/createUploadSession", json={})
    assert taken.status_code == 409
    replacing = await session(graph, drive, "a.bin", **{"@microsoft.graph.conflictBehavior": "replace"})
    async with httpx.AsyncClient() as plain:
        assert (await plain.put(replacing, **fragment(b"late", 0, 4))).status_code == 200
    assert await read(graph, drive, "a.bin") == b"late"


async def test_files_survive_a_restart(tmp_path):
    anybody = {"Authorization": "Bearer x"}
    path = tmp_path / "m365.sqlite"
    async with await start_server(path=path) as first, httpx.AsyncClient(headers=anybody) as client:
        site = sites.create(first.state, "/sites/x", "X")
        library = lists.create(
            first.state, site, "Documents", template=lists.LIBRARY, name="Shared Documents"
        )
        await put(client, f"{first.graph_url}/drives/{library['drive_id']}", "a.txt", b"kept")
    async with await start_server(path=path) as second, httpx.AsyncClient(headers=anybody) as client:
        assert await read(client, f"{second.graph_url}/drives/{library['drive_id']}", "a.txt") == b"kept"
