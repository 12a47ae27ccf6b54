"""What is taken out of the index while a look reads it stays out: it comes back only by being read again."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from km365.core.passages import Passage
from km365.documents import reading
from km365.graph import drives, lists
from km365.graph.client import Graph, Page
from km365.services.search import EVERYONE

from .shelf import BEN, InProcess, Shelf

Happening = Callable[[], Awaitable[object]]


def happens_while_reading(monkeypatch: pytest.MonkeyPatch, happening: Happening) -> None:
    """Once, while the first document is read."""
    left = [happening]

    async def read(_: InProcess, name: str, data: bytes) -> list[Passage]:
        if left:
            await left.pop()()
        return reading.read(name, data)

    monkeypatch.setattr(InProcess, "read", read)


async def test_a_document_deleted_while_it_is_read_does_not_come_back(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    file = await shelf.uploads("Fridges.txt", "Fifty fridges failed.")

    async def deleted() -> None:
        await shelf.here.app.graph.delete(drives.file_item_path(file.drive_id, file.id))
        assert (await shelf.finds("fridges", BEN)).hits == ()

    happens_while_reading(monkeypatch, deleted)
    look = await shelf.looks()
    assert not await shelf.indexed("fridg", "fifti")
    assert (look.documents, look.removed, look.left) == (1, 1, 0)


async def test_a_document_closed_while_it_is_read_does_not_come_back(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.uploads("Fridges.txt", "Forty fridges failed.")
    await shelf.looks()
    file = await shelf.uploads("Fridges.txt", "Fifty fridges failed.")

    async def closed() -> None:
        await shelf.permits(file.drive_id, file.id, {"Owners": "owner"})
        assert (await shelf.finds("fridges", BEN)).hits == ()

    happens_while_reading(monkeypatch, closed)
    look = await shelf.looks()
    assert not await shelf.indexed("fridg", "fifti")
    assert look.left_out == 1, "the same look asked again"


def happens_before_the_page_is_written(monkeypatch: pytest.MonkeyPatch, happening: Happening) -> None:
    """Once, after Graph told of the list's changes and before they are written down."""
    told, left = lists.delta, [happening]

    async def delta(graph: Graph, site_id: str, list_id: str, link: str | None) -> AsyncIterator[Page]:
        async for page in told(graph, site_id, list_id, link):
            if left:
                await left.pop()()
            yield page

    monkeypatch.setattr(lists, "delta", delta)


async def test_a_lesson_withdrawn_while_its_change_is_read_does_not_come_back(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await shelf.keeps("KM-1")
    await shelf.looks()
    await shelf.changes(row, KMDescription="Fifty fridges failed.")

    async def withdrawn() -> None:
        await shelf.changes(row, KMMaturity="retired")
        assert (await shelf.finds("fridges", EVERYONE)).hits == ()

    happens_before_the_page_is_written(monkeypatch, withdrawn)
    await shelf.looks()
    assert not await shelf.indexed("fridg", "fifti")


async def test_a_lesson_published_again_meanwhile_is_found(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await shelf.keeps("KM-1")
    await shelf.looks()
    await shelf.changes(row, KMMaturity="retired")
    assert (await shelf.finds("fridges", EVERYONE)).hits == ()
    await shelf.changes(row, KMMaturity="validated")

    async def nothing() -> None:
        """The search may also be late: what it saw was true before the list told of its changes."""

    happens_before_the_page_is_written(monkeypatch, nothing)
    await shelf.looks()
    assert (await shelf.finds("fridges", EVERYONE)).total == 1
