"""What could be added to the documents of a library, and why. Only reads."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from km365.core.schema import TAG_COLUMNS
from km365.core.tag_plan import Library, Mode, Plan, Refused, Row, Tag, propose
from km365.core.tagging import Vocabulary
from km365.documents.reading import LIMIT_BYTES, refuse_unread
from km365.documents.worker import Reader
from km365.errors import (
    GraphError,
    GraphNotFound,
    GraphUnreachable,
    InputRefused,
    PlanRefused,
    Throttled,
)
from km365.graph import drives, lists, metadata, sites
from km365.graph.client import Graph
from km365.graph.drives import Drive, File
from km365.graph.lists import Column, Item
from km365.graph.metadata import TermRef

Advance = Callable[[int], None]
"""Hears how many more documents are dealt with."""


async def count_files(graph: Graph, libraries: Iterable[Library], *, folder: str = "/") -> int:
    """How many files a plan will look at. Raises GraphNotFound, naming it, for a folder that is not there."""
    total = 0
    for library in libraries:
        try:
            async for _ in drives.list_files(graph, library.drive_id, folder=folder):
                total += 1
        except GraphNotFound:
            raise GraphNotFound(
                f"The library {library.name!r} of {library.site} has no folder {folder!r}."
            ) from None
    return total


async def find_libraries(graph: Graph, addresses: Sequence[str], name: str) -> list[Library]:
    """The library called `name` of each site. Raises GraphNotFound, naming those there are."""
    found = []
    for address in addresses:
        site = await sites.get_site(graph, address)
        drive = await drives.get_drive(graph, site.id, name)
        found.append(Library(site=address, name=drive.name, drive_id=drive.id))
    return found


async def plan(
    graph: Graph,
    words: Vocabulary,
    libraries: Sequence[Library],
    *,
    folder: str = "/",
    at: datetime,
    advance: Advance = lambda _: None,
) -> Plan:
    """What could be added to the documents of the libraries, and why. Reads only (Sites.Selected, read).

    A document that cannot be read is listed with its reason, and the rest goes on.
    """
    rows: list[Row] = []
    refused: list[Refused] = []
    others: list[Row] = []
    with Reader() as reader, graph.bulk():
        for library in libraries:
            columns, items = await _library(graph, library)
            async for file in drives.list_files(graph, library.drive_id, folder=folder):
                try:
                    row = await _row(graph, words, reader, file, columns, items.get(file.list_item_id))
                except (GraphUnreachable, Throttled):
                    raise  # concerns all of them
                except (GraphError, InputRefused) as refusal:
                    refused.append(Refused(path=file.path, reason=str(refusal)))
                else:
                    if row.changes:
                        rows.append(row)
                    else:
                        others.append(row)
                advance(1)
    return Plan(
        made_at=at,
        libraries=tuple(libraries),
        rows=tuple(rows),
        refused=tuple(refused),
        others=tuple(others),
    )


async def _library(graph: Graph, library: Library) -> tuple[list[Column], dict[str, Item]]:
    """The tag columns of a library and its list items by id, etags included (a page holds 200)."""
    site, drive = await open_library(graph, library)
    columns = await _tag_columns(graph, site, drive, library)
    select = tuple(column.name for column in columns)
    items = {
        item.id: item async for item in lists.list_items(graph, site, drive.list_id, select=select, top=200)
    }
    return columns, items


async def open_library(graph: Graph, library: Library) -> tuple[str, Drive]:
    """The library's site id and drive, whatever it is called now. Raises PlanRefused where it is gone."""
    site = await sites.get_site(graph, library.site)
    for drive in await drives.list_drives(graph, site.id):
        if drive.id == library.drive_id:
            return site.id, await drives.get_drive(graph, site.id, drive.name)
    raise PlanRefused(
        f"The library {library.name!r} of {library.site} is no longer there; was it moved or made anew?"
    )


async def _tag_columns(graph: Graph, site_id: str, drive: Drive, library: Library) -> list[Column]:
    ours = {column.name for column in TAG_COLUMNS}
    listed = await lists.list_columns(graph, site_id, drive.list_id)
    found = [column for column in listed if column.name in ours]
    if not found:
        raise PlanRefused(
            f"The library {library.name!r} of {library.site} has no tag columns; "
            "`km365 provision apply` adds them."
        )
    return found


async def _row(
    graph: Graph,
    words: Vocabulary,
    reader: Reader,
    file: File,
    columns: Sequence[Column],
    item: Item | None,
) -> Row:
    if item is None:
        raise InputRefused(f"{file.path} has no list item yet; plan again in a minute.")
    refuse_unread(file.name, file.size_bytes)
    data = await drives.download(graph, file.drive_id, file.id, limit_bytes=LIMIT_BYTES)
    passages = await reader.read(file.name, data)
    facets = {column.name: column.term_set for column in TAG_COLUMNS}
    wanted = {facets[column.name]: column for column in columns}
    found = words.suggest(passages, facets=[key for key in wanted if key])
    columns_of_row = []
    for term_set in words.taxonomy.term_sets:
        column = wanted.get(term_set.key)
        if column is not None:
            columns_of_row.append(
                propose(
                    [one for one in found if one.facet == term_set.key],
                    words.taxonomy,
                    _tags(metadata.decode(item.fields.get(column.name))),
                    column=column.name,
                    title=column.display_name,
                    mode=Mode.ADD,
                )
            )
    return Row(
        drive_id=file.drive_id,
        item_id=file.id,
        etag=item.etag,
        name=file.name,
        path=file.path,
        web_url=file.web_url,
        changes=tuple(one for one in columns_of_row if one),
        others=tuple(one for one in columns_of_row if not one),
    )


def _tags(terms: Iterable[TermRef]) -> tuple[Tag, ...]:
    return tuple(Tag(term_id=term.id, label=term.label) for term in terms)
