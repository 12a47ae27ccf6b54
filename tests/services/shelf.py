"""What is known, and somebody who looks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

import httpx

from km365.core.audience import Reader
from km365.core.knowledge import Maturity, to_fields
from km365.core.passages import Passage
from km365.core.search_question import Concepts, Filters, Query
from km365.documents import reading
from km365.graph import drives, lists, sites
from km365.graph.certificates import trusted
from km365.services import search, search_index
from km365.services.capture import knowledge_list
from km365.services.search import EVERYONE, Found
from km365.services.search_index import Look
from km365.settings import Settings
from km365.store import search as store

from ..conftest import BELMORA, Provisioned
from .lessons import lesson

TODAY = date(2026, 3, 2)
BEN = Reader(person_id="ben", office="CO-BEL")
EVE = Reader(person_id="eve", office="CO-ARD")


@dataclass
class Shelf:
    """What is known, and somebody who looks for it."""

    here: Provisioned
    concepts: Concepts
    now: datetime = datetime(2026, 3, 2, 9, tzinfo=UTC)
    settings: Settings | None = None

    async def keeps(self, km_id: str, **changes: Any) -> str:
        """Puts a validated lesson of CO-BEL into the list; its list item's id."""
        item = lesson(**{"id": km_id, "maturity": Maturity.VALIDATED, **changes})
        place = await knowledge_list(self.here.app.graph, self.here.app.settings)
        row = await lists.create_item(self.here.app.graph, place.site_id, place.list_id, to_fields(item))
        return row.id

    async def changes(self, row_id: str, **fields: object) -> None:
        """Somebody changes the item in SharePoint."""
        graph = self.here.app.graph
        place = await knowledge_list(graph, self.here.app.settings)
        await lists.update_fields(graph, place.site_id, place.list_id, row_id, fields)

    async def uploads(self, path: str, text: str) -> drives.File:
        """A document for the library of CO-BEL."""
        graph = self.here.app.graph
        return await drives.upload(graph, await self.drive_id(), path, text.encode())

    async def drive_id(self) -> str:
        site = await sites.get_site(self.here.app.graph, BELMORA)
        return (await drives.get_drive(self.here.app.graph, site.id, "Documents")).id

    async def looks(self, **options: Any) -> Look:
        app = self.here.app
        self.now += timedelta(minutes=10)
        settings = self.settings or app.settings
        return await search_index.look(app.graph, app.db, settings, now=lambda: self.now, **options)

    async def finds(self, words: str, reader: Reader = EVERYONE, **more: Any) -> Found:
        app = self.here.app
        filters = more.pop("filters", Filters())
        return await search.search(
            app.db,
            app.graph,
            self.settings or app.settings,
            Query(words=words, filters=filters),
            reader,
            concepts=self.concepts,
            today=TODAY,
            **more,
        )

    async def permits(self, drive_id: str, item_id: str, own: Mapping[str, str] | None) -> None:
        """Somebody gives a file, folder or library (`root`) permissions of its own in SharePoint's pages."""
        async with httpx.AsyncClient(base_url=self.here.m365.base_url, verify=trusted()) as control:
            where = f"/_local/drives/{drive_id}/items/{item_id}/permissions"
            answer = await control.put(where, json={"own": own})
            assert answer.status_code == 200, answer.text

    async def indexed(self, *words: str) -> bool:
        """Whether any of these stems is in the index, whoever may find it."""
        found = await self.here.app.db.run(store.look_up, words, ("", "co-bel", "co-ard"))
        return bool(found)


class InProcess:
    """Reads as `Reader` does, in this process: starting one takes a second, and is tested elsewhere."""

    def __init__(self, **_: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def read(self, name: str, data: bytes) -> list[Passage]:
        return reading.read(name, data)


def titles(found: Found) -> list[str]:
    return [hit.title for hit in found.hits]
