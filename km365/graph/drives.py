"""Document libraries: files by path, their bytes, and their columns.

Permission: Sites.Selected with read or write on the site.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from urllib.parse import unquote

from km365.errors import GraphNotFound, InputRefused
from km365.graph import uploads
from km365.graph.client import Graph, Page
from km365.graph.lists import Item, delta_pages, patch_fields, read_item
from km365.graph.wire import Json, file_path, moment, part, segment, text

SELECT = (
    "id,name,size,eTag,cTag,webUrl,lastModifiedDateTime,file,folder,package,parentReference,sharepointIds"
)
"""What a `File` needs; Graph gives `sharepointIds` only where it is selected."""


@dataclass(frozen=True, kw_only=True)
class Drive:
    """A document library as Graph's drive; `list_id` is the same library as a list, "" where not told."""

    id: str
    name: str
    web_url: str
    list_id: str = ""

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The drive in Graph's answer."""
        return cls(
            id=text(raw.get("id")),
            name=text(raw.get("name")),
            web_url=text(raw.get("webUrl")),
            list_id=text(part(raw, "sharePointIds").get("listId")),
        )


@dataclass(frozen=True, kw_only=True)
class File:
    """A file in a library. `path` starts at the library's root, without a leading slash.

    `etag` moves on with any change, `ctag` with the content only: an unchanged ctag needs no download.
    """

    id: str
    drive_id: str
    name: str
    path: str
    size_bytes: int
    etag: str
    ctag: str
    mime: str
    web_url: str
    modified_at: datetime | None
    list_item_id: str = ""

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The file in Graph's answer."""
        parent = part(raw, "parentReference")
        # ".../root:/a/b": what follows the colon, percent-encoded in some answers
        folder = unquote(text(parent.get("path")).partition("root:")[2]).strip("/")
        name = text(raw.get("name"))
        return cls(
            id=text(raw.get("id")),
            drive_id=text(parent.get("driveId")),
            name=name,
            path=f"{folder}/{name}" if folder else name,
            size_bytes=int(raw.get("size") or 0),
            etag=text(raw.get("eTag")),
            ctag=text(raw.get("cTag")),
            mime=text(part(raw, "file").get("mimeType")),
            web_url=text(raw.get("webUrl")),
            modified_at=moment(raw.get("lastModifiedDateTime")),
            list_item_id=text(part(raw, "sharepointIds").get("listItemId")),
        )


@dataclass(frozen=True, kw_only=True)
class Authors:
    """Who made a file, who changed it last, by directory id, "" for an app; and when it was made."""

    made_by: str
    changed_by: str
    made_at: datetime | None


@lru_cache(maxsize=256)
def _drive(drive_id: str) -> str:
    return f"/drives/{segment(drive_id)}"


def file_item_path(drive_id: str, item_id: str) -> str:
    """Where Graph serves the file or folder with this id."""
    return f"{_drive(drive_id)}/items/{segment(item_id)}"


def _at(drive_id: str, path: str) -> str:
    inside = file_path(path)
    return f"{_drive(drive_id)}/root:/{inside}:" if inside else f"{_drive(drive_id)}/root"


async def list_drives(graph: Graph, site_id: str) -> list[Drive]:
    """The site's document libraries."""
    path = f"/sites/{segment(site_id)}/drives"
    return [
        Drive.from_json(raw)
        async for page in graph.pages(path, params={"$select": "id,name,webUrl,sharePointIds"})
        for raw in page.values
    ]


async def get_drive(graph: Graph, site_id: str, name: str) -> Drive:
    """The library people see under this name, `list_id` known. GraphNotFound lists those there are."""
    drives = await list_drives(graph, site_id)
    for one in drives:
        if one.name == name:
            return one if one.list_id else replace(one, list_id=await _list_of(graph, one.id))
    names = ", ".join(repr(one.name) for one in drives) or "none"
    raise GraphNotFound(f"The site has no library {name!r}; its libraries: {names}.")


async def _list_of(graph: Graph, drive_id: str) -> str:
    return text((await graph.get(f"{_drive(drive_id)}/list", params={"$select": "id"})).get("id"))


async def list_files(
    graph: Graph, drive_id: str, *, folder: str = "/", recursive: bool = True
) -> AsyncIterator[File]:
    """The files in the folder, and in the folders below it; notebooks and document sets are not files."""
    waiting = [f"{_at(drive_id, folder)}/children"]
    while waiting:
        async for page in graph.pages(waiting.pop(0), params={"$top": 200, "$select": SELECT}):
            for raw in page.values:
                if isinstance(raw.get("file"), dict):
                    yield File.from_json(raw)
                elif recursive and isinstance(raw.get("folder"), dict):
                    waiting.append(f"{file_item_path(drive_id, text(raw.get('id')))}/children")


async def list_folders(graph: Graph, drive_id: str) -> list[str]:
    """The names of the folders at the library's root."""
    path = f"{_at(drive_id, '/')}/children"
    return [
        text(raw.get("name"))
        async for page in graph.pages(path, params={"$top": 200, "$select": "name,folder"})
        for raw in page.values
        if isinstance(raw.get("folder"), dict)
    ]


async def get_file(graph: Graph, drive_id: str, path: str) -> File:
    """The file at this path in the library. Raises GraphNotFound, also for a folder."""
    raw = await graph.get(_at(drive_id, path), params={"$select": SELECT})
    if not isinstance(raw.get("file"), dict):
        raise GraphNotFound(f"{path!r} is no file.")
    return File.from_json(raw)


async def authors_of(graph: Graph, drive_id: str, item_id: str) -> Authors:
    """Who made the file and who changed it last. 1 resource unit. Raises GraphNotFound."""
    params = {"$select": "createdBy,lastModifiedBy,createdDateTime"}
    raw = await graph.get(file_item_path(drive_id, item_id), params=params)
    by = (text(part(part(raw, name), "user").get("id")).lower() for name in ("createdBy", "lastModifiedBy"))
    made_by, changed_by = by
    return Authors(made_by=made_by, changed_by=changed_by, made_at=moment(raw.get("createdDateTime")))


async def download(graph: Graph, drive_id: str, item_id: str, *, limit_bytes: int) -> bytes:
    """The file's content. Raises InputRefused when it is larger, before reading it.

    Graph redirects to an address that carries its own permission; our token does not go there.
    """
    request = graph.build("GET", f"{file_item_path(drive_id, item_id)}/content")
    response = await graph.follow(await graph.send(request, stream=True))
    try:
        await graph.check(response)
        announced = int(response.headers.get("Content-Length") or 0)
        if announced > limit_bytes:
            raise _too_large(announced, limit_bytes)
        content = bytearray()
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > limit_bytes:
                raise _too_large(len(content), limit_bytes)
        return bytes(content)
    finally:
        await response.aclose()


def _too_large(size: int, limit: int) -> InputRefused:
    said = f"The file has {size:,} bytes or more; {limit:,} is the most that is read. It was left out."
    return InputRefused(said, cause="too_large", most=str(limit // 2**20))


async def upload(
    graph: Graph,
    drive_id: str,
    path: str,
    data: bytes,
    *,
    on_conflict: uploads.OnConflict = "replace",
    content_type: str = "application/octet-stream",
) -> File:
    """The stored file; `path` starts at the library's root and may name folders that do not exist yet.

    `on_conflict` is replace, rename or fail (GraphError 409). Straight after an upload, writing fields can
    answer 409: `metadata.write_terms` and `update_fields` of this module try again.
    """
    if not file_path(path):
        raise InputRefused("An upload needs a file name.")
    raw = await uploads.upload(
        graph, _at(drive_id, path), data, on_conflict=on_conflict, content_type=content_type
    )
    return File.from_json(raw)


async def get_fields(graph: Graph, drive_id: str, item_id: str) -> Item:
    """The file's columns, as the list item that it also is, with that item's etag."""
    return await read_item(graph, f"{file_item_path(drive_id, item_id)}/listItem")


async def update_fields(
    graph: Graph, drive_id: str, item_id: str, fields: Mapping[str, Any], *, etag: str | None = None
) -> Item:
    """The file's columns after the change; see `lists.update_fields`."""
    path = f"{file_item_path(drive_id, item_id)}/listItem"
    return await patch_fields(graph, path, fields, etag=etag)


async def delta(graph: Graph, drive_id: str, link: str | None = None) -> AsyncIterator[Page]:
    """Pages of files and folders changed since `link`; see `lists.delta`. Deleted ones carry `deleted`."""
    async for page in delta_pages(graph, f"{_drive(drive_id)}/root/delta", link):
        yield page
