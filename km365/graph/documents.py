"""Files together with the columns they have as list items: one page where two would do, and by search.

Permission: Sites.Selected with read; a search as an application needs Sites.Read.All or Files.Read.All, and a
region.
"""

import base64
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from km365.errors import GraphError
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.drives import SELECT, File, file_item_path
from km365.graph.lists import UNINDEXED, Item, list_path
from km365.graph.wire import file_path, part, segment, text

PAGE = 200
HITS = 200
"""Hits a page of a search has; Microsoft Search allows 500 (search-query)."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file and its list item; None while SharePoint has not made that yet."""

    file: File
    item: Item | None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Document":
        """The file in an answer with its list item expanded."""
        file, inside = File.from_json(dict(raw)), part(dict(raw), "listItem")
        item = Item.from_json(inside) if inside else None
        if item is not None and not file.list_item_id:
            file = replace(file, list_item_id=item.id)
        return cls(file=file, item=item)


def _expanded(columns: Sequence[str]) -> dict[str, str | int | None]:
    """2 resource units for up to 200 files, their columns with them."""
    return {"$select": SELECT, "$expand": f"listItem($expand=fields($select={','.join(columns)}))"}


async def walk(
    graph: Graph, drive_id: str, *, folder: str = "/", columns: Sequence[str]
) -> AsyncIterator[Document]:
    """The files in a folder and below, with these columns; notebooks and document sets are not files."""
    inside = file_path(folder)
    drive = f"/drives/{segment(drive_id)}"
    waiting = [f"{drive}/root:/{inside}:/children" if inside else f"{drive}/root/children"]
    while waiting:
        async for page in graph.pages(waiting.pop(0), params={"$top": PAGE, **_expanded(columns)}):
            for raw in page.values:
                if isinstance(raw.get("file"), dict):
                    yield Document.from_json(raw)
                elif isinstance(raw.get("folder"), dict):
                    waiting.append(f"{file_item_path(drive_id, text(raw.get('id')))}/children")


async def filtered(
    graph: Graph, site_id: str, list_id: str, filter: str, *, columns: Sequence[str]
) -> AsyncIterator[Document]:
    """The files of a library whose columns are so (`fields/X eq 'y'`), with these columns.

    By indexed columns; by others only up to 5,000 items. 2 resource units for up to 200 files.
    """
    expand = f"fields($select={','.join(columns)}),driveItem"
    params: dict[str, str | int | None] = {"$expand": expand, "$filter": filter, "$top": PAGE}
    async for page in graph.pages(f"{list_path(site_id, list_id)}/items", params=params, headers=UNINDEXED):
        for raw in page.values:
            inside = part(raw, "driveItem")
            if isinstance(inside.get("file"), dict):
                item = Item.from_json(raw)
                yield Document(file=replace(File.from_json(inside), list_item_id=item.id), item=item)


async def get_many(
    graph: Graph, keys: Iterable[tuple[str, str]], *, columns: Sequence[str]
) -> list[Document | GraphError]:
    """The files with these drive and item ids, in order; each that Graph does not give as its error.

    1 resource unit a file.
    """
    asked = [
        BatchRequest(
            id=str(number), method="GET", path=file_item_path(drive, item), params=_expanded(columns)
        )
        for number, (drive, item) in enumerate(keys)
    ]
    return [answer.error or Document.from_json(answer.json()) for answer in await graph.batch(asked)]


async def search(graph: Graph, words: str, *, under: str, region: str) -> AsyncIterator[tuple[str, str]]:
    """The drive and item ids of files below the web address `under` that Microsoft Search finds, best first.

    2 resource units a page. Raises GraphError, with Graph's words, for a query or region it refuses.
    """
    start = 0
    while True:
        asked: dict[str, Any] = {
            "entityTypes": ["driveItem"],
            "query": {"queryString": f'{words} path:"{under}"'},
            "from": start,
            "size": HITS,
        }
        if region:
            asked["region"] = region
        answer = await graph.post("/search/query", {"requests": [asked]})
        found = [box for one in answer.get("value") or [] for box in one.get("hitsContainers") or []]
        hits = [hit for box in found for hit in box.get("hits") or []]
        for hit in hits:
            resource = part(hit, "resource")
            drive_id = text(part(resource, "parentReference").get("driveId"))
            if drive_id and (item_id := text(resource.get("id"))):
                yield drive_id, item_id
        if not hits or not any(box.get("moreResultsAvailable") for box in found):
            return
        start += len(hits)


async def get_shared(graph: Graph, address: str) -> Document:
    """The file or folder at a web address: its own, or a link made with *Share*. Only Graph is asked.

    Raises GraphError where Graph does not open it (403 also for an address that leads nowhere). Graph
    documents Files.ReadWrite.All for this (shares-get); without `Prefer: redeemSharingLink` it only reads.
    Tenants report that Files.Read.All is enough (microsoft-graph-docs#17015). 1 resource unit.
    """
    coded = base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")
    return Document.from_json(
        await graph.get(f"/shares/{segment(f'u!{coded}')}/driveItem", params=_ALL_COLUMNS)
    )


async def get_at(graph: Graph, drive_id: str, path: str) -> Document:
    """The file or folder at this path in a library; the library itself for "". Raises GraphNotFound."""
    inside, root = file_path(path), f"/drives/{segment(drive_id)}/root"
    if not inside:
        return Document.from_json(await graph.get(root, params={"$select": SELECT}))
    return Document.from_json(await graph.get(f"{root}:/{inside}:", params=_ALL_COLUMNS))


_ALL_COLUMNS = {"$select": SELECT, "$expand": "listItem($expand=fields)"}
