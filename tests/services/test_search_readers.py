"""Documents that not everyone of their site may read are never found, and what changes is followed."""

import json
from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from km365.errors import GraphUnreachable
from km365.graph import drives
from km365.graph.governor import CHARGES
from km365.graph.pacing import costs
from km365.local import faults
from km365.services import search_index
from km365.services.search import EVERYONE
from km365.services.search_index import Look
from km365.store import search as store

from ..conftest import BELMORA, sign_in_name
from .shelf import BEN, Shelf, titles

OWNERS = {"Owners": "owner"}
SHARED = {"Owners": "owner", "Members": "write", "Visitors": "read", sign_in_name("eve"): "read"}


async def closes(shelf: Shelf, path: str, own: Mapping[str, str] | None) -> None:
    """Gives the file or folder at `path` permissions of its own; "" is the library."""
    drive = await shelf.drive_id()
    item = "root"
    if path:
        item = (await shelf.here.app.graph.get(f"/drives/{drive}/root:/{path}"))["id"]
    await shelf.permits(drive, item, own)


async def why(shelf: Shelf) -> list[tuple[str, str, int]]:
    return await shelf.here.app.db.run(store.left_out)


def counted(look: Look) -> tuple[int, int, int]:
    return look.documents, look.left_out, look.untold


@pytest.mark.parametrize("closed", ["HR files/Fridges.txt", "HR files"])
async def test_what_fewer_may_read_than_the_library_is_never_found(shelf: Shelf, closed: str) -> None:
    await shelf.uploads("HR files/Fridges.txt", "Forty fridges failed, and she was dismissed.")
    await shelf.uploads("Open/Fridges.txt", "Nine fridges failed.")
    await closes(shelf, closed, OWNERS)
    downloaded: list[str] = []

    async def note(request: httpx.Request) -> None:
        downloaded.extend([request.url.path] * request.url.path.endswith("/content"))

    shelf.here.app.graph.http.event_hooks["request"].append(note)
    assert counted(await shelf.looks()) == (1, 1, 0)
    found = await shelf.finds("fridges", BEN)
    assert ([hit.sentence for hit in found.hits], found.total) == (["Nine fridges failed."], 1)
    assert (await shelf.finds("dismissed", BEN)).total == 0
    assert len(downloaded) == 1, "its text is not even read"
    assert await why(shelf) == [("CO-BEL Belmora", "fewer", 1)]


async def test_what_is_shared_with_one_person_more_is_still_found(shelf: Shelf) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await closes(shelf, "Fridges.txt", SHARED)
    assert counted(await shelf.looks()) == (1, 0, 0)
    assert (await shelf.finds("fridges", BEN)).total == 1


@pytest.mark.parametrize("closed", ["HR files/Fridges.txt", "HR files", ""])
async def test_what_is_closed_after_it_was_read_is_shown_to_nobody_from_then_on(
    shelf: Shelf, closed: str
) -> None:
    await shelf.uploads("HR files/Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    assert (await shelf.finds("fridges", BEN)).total == 1
    await closes(shelf, closed, OWNERS)
    found = await shelf.finds("fridges", BEN)
    assert (found.hits, found.total) == ((), 0), "asked of SharePoint as it is read"
    assert not await shelf.indexed("fridg"), "and not in the index from then on"
    assert counted(await shelf.looks()) == (0, 1, 0)
    await closes(shelf, closed, None)
    shelf.now += search_index._LEFT_OUT_AGAIN
    assert counted(await shelf.looks()) == (1, 0, 0)
    assert (await shelf.finds("fridges", BEN)).total == 1


async def test_what_nobody_looks_for_is_asked_about_again_by_itself(shelf: Shelf) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    await closes(shelf, "Fridges.txt", OWNERS)
    assert (await shelf.looks()).left_out == 0, "delta does not tell"
    shelf.now += search_index._AGAIN
    assert counted(await shelf.looks()) == (0, 1, 0)
    assert not await shelf.indexed("fridg")


async def test_a_library_with_permissions_of_its_own_is_searched_only_where_somebody_vouches_for_it(
    shelf: Shelf,
) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.uploads("Closed.txt", "Nine fridges failed.")
    await closes(shelf, "", {"Owners": "owner", "Members": "read"})
    await closes(shelf, "Closed.txt", OWNERS)
    assert counted(await shelf.looks()) == (0, 2, 0)
    assert await why(shelf) == [("CO-BEL Belmora", "library", 2)]
    shelf.settings = replace(shelf.here.app.settings, search_own_permissions=(BELMORA,))
    shelf.now += search_index._LEFT_OUT_AGAIN
    assert counted(await shelf.looks()) == (1, 1, 0)
    assert titles(await shelf.finds("fridges", BEN)) == ["Fridges"]
    shelf.settings = shelf.here.app.settings
    assert (await shelf.finds("fridges", BEN)).hits == (), "the setting counts at once"


async def test_a_library_that_all_may_search_keeps_what_is_closed_in_it(shelf: Shelf) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.uploads("Closed.txt", "Nine fridges failed.")
    await closes(shelf, "Closed.txt", OWNERS)
    shelf.settings = replace(shelf.here.app.settings, search_open_libraries=(BELMORA,))
    await shelf.looks()
    assert titles(await shelf.finds("fridges", EVERYONE)) == ["Fridges"]


async def test_documents_whose_permissions_are_not_told_are_left_out_and_counted(shelf: Shelf) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.uploads("Old.txt", "Nine fridges failed.")
    faults.switch(shelf.here.m365.state, "permissions_hidden", on=True)
    assert counted(await shelf.looks()) == (0, 2, 2)
    assert (await shelf.finds("fridges", BEN)).hits == ()
    assert await why(shelf) == [("CO-BEL Belmora", "unknown", 2)]
    faults.switch(shelf.here.m365.state, "permissions_hidden", on=False)
    shelf.now += search_index._LEFT_OUT_AGAIN
    assert counted(await shelf.looks()) == (2, 0, 0)


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_what_cannot_be_asked_about_while_it_is_shown_is_not_shown(shelf: Shelf, status: int) -> None:
    file = await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    path = f"/drives/{file.drive_id}/items/{file.id}/permissions"
    faults.switch(
        shelf.here.m365.state, "next_requests", on=True, verb="GET", path=path, status=status, times=1
    )
    assert (await shelf.finds("fridges", BEN)).hits == ()
    assert counted(await shelf.looks()) == (1, 0, 0), "read again by the next look"
    assert (await shelf.finds("fridges", BEN)).total == 1


async def test_a_document_that_waits_for_approval_is_left_out_until_then(shelf: Shelf) -> None:
    file = await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    graph = shelf.here.app.graph
    await shelf.looks()
    faults.switch(shelf.here.m365.state, "content_approval", on=True)
    await drives.update_fields(graph, file.drive_id, file.id, {"Title": "Fridges"})
    assert counted(await shelf.looks()) == (0, 1, 0)
    assert await why(shelf) == [("CO-BEL Belmora", "draft", 1)]
    assert not await shelf.indexed("fridg")


async def test_a_long_look_at_what_is_left_out_is_cut_as_any_other(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "AT_ONCE", 2)
    for number in range(3):
        await shelf.uploads(f"{number}.txt", "Fridges failed.")
    await closes(shelf, "", OWNERS)
    look = await shelf.looks(most=2)
    assert (look.left_out, look.left) == (2, 1)


async def test_a_closed_document_is_kept_without_its_name(shelf: Shelf) -> None:
    file = await shelf.uploads("Dismissal of a driver.txt", "Forty fridges failed.")
    await closes(shelf, file.name, OWNERS)
    await shelf.looks()
    app = shelf.here.app
    (kept,) = [one for one in (await app.db.run(store.entries, range(50))).values() if one.kind == "document"]
    assert (kept.title, kept.web_url, kept.mark) == ("", "", "")
    assert (await shelf.finds("dismissal", BEN)).total == 0


async def test_asking_costs_what_the_documentation_says(shelf: Shelf) -> None:
    units: list[int] = []

    async def charge(request: httpx.Request) -> None:
        if request.extensions.get(CHARGES) == {}:  # a download's second half, paid for by the first
            return
        url = str(request.url)
        inside = json.loads(request.content)["requests"] if url.endswith("$batch") else ()
        asked = [(one["method"], one["url"]) for one in inside] or [(request.method, url)]
        units.append(sum(costs(asked).values()))

    for number in range(5):
        await shelf.uploads(f"{number}.txt", "Fridges failed.")
    await shelf.looks()
    shelf.here.app.graph.http.event_hooks["request"].append(charge)
    assert (await shelf.finds("fridges", BEN)).total == 5
    assert sum(units) == 35
    quiet = await spent(shelf, units)
    shelf.now += search_index._AGAIN
    again = await spent(shelf, units)
    for number in range(5):
        await shelf.uploads(f"{number}.txt", "Fridges failed again.")
    units.clear()
    more = await spent(shelf, units)
    assert more - again == 5, "one download each"
    opening = again - quiet - 5 * 6 - 5
    assert 0 <= opening <= 8, "the library's columns are looked up once"


async def spent(shelf: Shelf, units: list[int]) -> int:
    """The resource units of a look."""
    units.clear()
    await shelf.looks()
    return sum(units)


async def test_while_sharepoint_is_away_a_look_leaves_everything_as_it_is(shelf: Shelf) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    shelf.now += search_index._AGAIN
    await shelf.here.m365.close()
    with pytest.raises(GraphUnreachable):
        await shelf.looks()
    assert await shelf.indexed("fridg")
