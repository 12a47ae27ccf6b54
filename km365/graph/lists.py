"""SharePoint lists and libraries: their columns, items and fields.

Permission: Sites.Selected with read or write; Sites.Manage.All (or fullcontrol) to make lists and columns.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from km365.errors import GraphChangedMeanwhile, GraphNotFound
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph, Page
from km365.graph.wire import Json, moment, part, person_id, segment, text

UNINDEXED = {"Prefer": "HonorNonIndexedQueriesWarningMayFailRandomly"}
"""Lets a filter run on a column without index; SharePoint may still refuse above 5,000 items (MGD#2279)."""

SETTLING_TRIES = 4
SETTLING_PAUSE_S = 1.0

KINDS = (
    *("boolean", "calculated", "choice", "currency", "dateTime", "geolocation", "hyperlinkOrPicture"),
    *("lookup", "number", "personOrGroup", "term", "text", "thumbnail", "contentApprovalStatus"),
)
"""The facets of a column definition that say what kind of column it is."""


ItemPlace = tuple[str, str, str]
"""Where an item is: the ids of its site, its list and itself."""


@dataclass(frozen=True, kw_only=True)
class SharePointList:
    """A list or library; `name` is its title as people see it."""

    id: str
    name: str
    web_url: str
    template: str
    etag: str = ""

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The list in Graph's answer."""
        return cls(
            id=text(raw.get("id")),
            name=text(raw.get("displayName")) or text(raw.get("name")),
            web_url=text(raw.get("webUrl")),
            template=text(part(raw, "list").get("template")),
            etag=text(raw.get("eTag")),
        )


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column. `name` is internal and the key in `fields`; `display_name` is what people see.

    `kind` is Graph's own word (text, choice, dateTime, term …), "note" for text over several lines, and ""
    where Graph does not tell, as it often does for managed metadata (MGD#20202).
    """

    id: str
    name: str
    display_name: str
    hidden: bool = False
    kind: str = ""
    indexed: bool = False
    choices: tuple[str, ...] = ()
    read_only: bool = False
    required: bool = False

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The column in Graph's answer."""
        kind = next((one for one in KINDS if isinstance(raw.get(one), dict)), "")
        if kind == "text" and raw["text"].get("allowMultipleLines"):
            kind = "note"
        return cls(
            id=text(raw.get("id")),
            name=text(raw.get("name")),
            display_name=text(raw.get("displayName")),
            hidden=bool(raw.get("hidden")),
            kind=kind,
            indexed=bool(raw.get("indexed")),
            choices=tuple(part(raw, "choice").get("choices") or ()),
            read_only=bool(raw.get("readOnly")),
            required=bool(raw.get("required")),
        )


@dataclass(frozen=True, kw_only=True)
class ContentType:
    """A content type of a site or a list."""

    id: str
    name: str

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The content type in Graph's answer."""
        return cls(id=text(raw.get("id")), name=text(raw.get("name")))


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item and its fields by internal column name. People are Entra object ids."""

    id: str
    etag: str
    fields: dict[str, Any] = field(default_factory=dict)
    web_url: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None
    created_by: str | None = None
    modified_by: str | None = None
    content_type: str = ""

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The item in Graph's answer; texts that look like dates or ids stay texts."""
        fields = part(raw, "fields")
        return cls(
            id=text(raw.get("id")) or text(fields.get("id")),
            etag=text(raw.get("eTag")) or text(raw.get("@odata.etag")) or text(fields.get("@odata.etag")),
            fields={key: value for key, value in fields.items() if not key.startswith("@odata.")},
            web_url=text(raw.get("webUrl")),
            created_at=moment(raw.get("createdDateTime")),
            modified_at=moment(raw.get("lastModifiedDateTime")),
            created_by=person_id(raw, "createdBy"),
            modified_by=person_id(raw, "lastModifiedBy"),
            content_type=text(part(raw, "contentType").get("name")),
        )


def _site(site_id: str) -> str:
    return f"/sites/{segment(site_id)}"


def list_path(site_id: str, list_id: str) -> str:
    """Where Graph serves the list."""
    return f"{_site(site_id)}/lists/{segment(list_id)}"


def item_path(site_id: str, list_id: str, item_id: str) -> str:
    """Where Graph serves the item."""
    return f"{list_path(site_id, list_id)}/items/{segment(item_id)}"


# Lists ---------------------------------------------------------------------------------------------------


async def list_lists(graph: Graph, site_id: str) -> list[SharePointList]:
    """The site's lists and libraries, without SharePoint's own hidden ones."""
    found = []
    async for page in graph.pages(f"{_site(site_id)}/lists", params={"$top": 200}):
        found += [SharePointList.from_json(raw) for raw in page.values if not part(raw, "list").get("hidden")]
    return found


async def get_list(graph: Graph, site_id: str, title: str) -> SharePointList:
    """The list people see under this title. Raises GraphNotFound, naming the titles there are."""
    lists = await list_lists(graph, site_id)
    for one in lists:
        if one.name == title:
            return one
    titles = ", ".join(repr(one.name) for one in lists) or "none"
    raise GraphNotFound(f"The site has no list {title!r}; its lists: {titles}. See `km365 provision plan`.")


async def create_list(
    graph: Graph,
    site_id: str,
    *,
    title: str,
    description: str = "",
    template: str = "genericList",
    columns: Sequence[Json] = (),
) -> SharePointList:
    """The new list, with `columns` as Graph's column definitions. GraphError 409 when the title is taken."""
    body: Json = {"displayName": title, "description": description, "list": {"template": template}}
    if columns:
        body["columns"] = list(columns)
    return SharePointList.from_json(await graph.post(f"{_site(site_id)}/lists", body))


# Columns and content types -------------------------------------------------------------------------------


async def list_columns(graph: Graph, site_id: str, list_id: str) -> list[Column]:
    """All columns, hidden ones included, because the note twins of managed metadata are hidden.

    Graph leaves hidden columns out unless they are selected by name (columndefinition resource).
    """
    select = "id,name,displayName,hidden,indexed,readOnly,required," + ",".join(KINDS)
    return [
        Column.from_json(raw)
        async for page in graph.pages(f"{list_path(site_id, list_id)}/columns", params={"$select": select})
        for raw in page.values
    ]


async def create_column(graph: Graph, site_id: str, list_id: str, definition: Json) -> Column:
    """The new column, from Graph's column definition. See `columns.definition`."""
    return Column.from_json(await graph.post(f"{list_path(site_id, list_id)}/columns", definition))


async def update_column(graph: Graph, site_id: str, list_id: str, column_id: str, changes: Json) -> Column:
    """The column after the changes (display name, indexed, choices …)."""
    path = f"{list_path(site_id, list_id)}/columns/{segment(column_id)}"
    return Column.from_json(await graph.patch(path, changes))


async def list_content_types(graph: Graph, site_id: str, list_id: str | None = None) -> list[ContentType]:
    """The content types of the list, or of the site where no list is given."""
    home = list_path(site_id, list_id) if list_id else _site(site_id)
    return [
        ContentType.from_json(raw)
        async for page in graph.pages(f"{home}/contentTypes", params={"$select": "id,name"})
        for raw in page.values
    ]


async def create_content_type(
    graph: Graph, site_id: str, *, name: str, description: str = "", base: Json | None = None
) -> ContentType:
    """A new content type of the site; `base` is the parent, {"id": "0x01"} (an item) by default."""
    body = {"name": name, "description": description, "base": base or {"id": "0x01"}, "group": "km365"}
    return ContentType.from_json(await graph.post(f"{_site(site_id)}/contentTypes", body))


async def add_content_type(graph: Graph, site_id: str, list_id: str, content_type_id: str) -> None:
    """The list offers a copy of the site's content type. GraphError 409 when it has one already."""
    path = f"{list_path(site_id, list_id)}/contentTypes/addCopy"
    address = graph.url(f"{_site(site_id)}/contentTypes/{segment(content_type_id)}")
    await graph.post(path, {"contentType": address})


# Items ---------------------------------------------------------------------------------------------------


async def list_items(
    graph: Graph,
    site_id: str,
    list_id: str,
    *,
    filter: str | None = None,
    order_by: str | None = None,
    select: Sequence[str] = (),
    top: int = 200,
    unindexed: bool = False,
) -> AsyncIterator[Item]:
    """Items with their fields, page by page. `select` names columns; `filter` is written `fields/X eq 'y'`.

    Filter and order by indexed columns: others are refused, unless `unindexed` lets them (may fail at any
    time, and always above 5,000 items). At most 12 lookup, person and metadata columns per query.
    """
    expand = f"fields($select={','.join(select)})" if select else "fields"
    params = {"$expand": expand, "$filter": filter, "$orderby": order_by, "$top": top}
    async for page in graph.pages(
        f"{list_path(site_id, list_id)}/items", params=params, headers=UNINDEXED if unindexed else None
    ):
        for raw in page.values:
            yield Item.from_json(raw)


async def get_item(
    graph: Graph, site_id: str, list_id: str, item_id: str, *, select: Sequence[str] = ()
) -> Item:
    """The item with its fields. Raises GraphNotFound."""
    expand = f"fields($select={','.join(select)})" if select else "fields"
    path = item_path(site_id, list_id, item_id)
    return Item.from_json(await graph.get(path, params={"$expand": expand}))


async def get_items(graph: Graph, places: Iterable[ItemPlace]) -> dict[ItemPlace, Item]:
    """The items at these places with their fields; those that are gone are left out. 1 resource unit each."""
    wanted = list(dict.fromkeys(places))
    asked = [
        BatchRequest(id=str(number), method="GET", path=item_path(*place), params={"$expand": "fields"})
        for number, place in enumerate(wanted)
    ]
    answers = await graph.batch(asked) if asked else []
    return {
        wanted[int(one.id)]: Item.from_json(one.json())
        for one in answers
        if not isinstance(one.error, GraphNotFound)
    }


async def create_item(graph: Graph, site_id: str, list_id: str, fields: Mapping[str, Any]) -> Item:
    """The new item. A repeated call makes a second one: look by your own key first."""
    body = {"fields": dict(fields)}
    return Item.from_json(await graph.post(f"{list_path(site_id, list_id)}/items", body))


async def update_fields(
    graph: Graph,
    site_id: str,
    list_id: str,
    item_id: str,
    fields: Mapping[str, Any],
    *,
    etag: str | None = None,
) -> Item:
    """The item's fields after the change, in one PATCH (each PATCH makes a version).

    With `etag`, GraphChangedMeanwhile when somebody else changed the item; without, the last writer wins.
    Graph answers fields only: `web_url` and people are empty. Metadata columns: see `metadata.write_terms`.
    """
    return await patch_fields(graph, item_path(site_id, list_id, item_id), fields, etag=etag)


async def patch_fields(graph: Graph, path: str, fields: Mapping[str, Any], *, etag: str | None) -> Item:
    """The fields after the change of the list item served at `path`.

    A file just uploaded answers 409 while SharePoint still works on it, although nobody else wrote
    (onedrive-api-docs#1414): the change is sent again after reading, unless the `etag` did move on.
    """
    headers = {"If-Match": etag} if etag else None
    attempt = 0
    while True:
        attempt += 1
        try:
            raw = await graph.patch(f"{path}/fields", dict(fields), headers=headers)
        except GraphChangedMeanwhile as refused:
            if refused.status != 409 or attempt == SETTLING_TRIES:
                raise
            await graph.governor.sleep(SETTLING_PAUSE_S * attempt)
            if etag and (await read_item(graph, path)).etag != etag:
                raise
        else:
            return Item.from_json({"fields": raw})


async def read_item(graph: Graph, path: str) -> Item:
    """The list item served at `path`, with all its fields and its etag."""
    return Item.from_json(await graph.get(path, params={"$expand": "fields"}))


async def delete_item(graph: Graph, site_id: str, list_id: str, item_id: str) -> None:
    """The item is gone afterwards, also when it was before."""
    try:
        await graph.delete(item_path(site_id, list_id, item_id))
    except GraphNotFound:
        return


async def delta(graph: Graph, site_id: str, list_id: str, link: str | None = None) -> AsyncIterator[Page]:
    """Pages of items changed since `link`; of all items without one. Keep the last page's `delta_link`.

    The last occurrence of an item counts; deleted ones carry `deleted`. `link="latest"` starts from now.
    Raises ResyncNeeded when Graph has forgotten the link.
    """
    async for page in delta_pages(graph, f"{list_path(site_id, list_id)}/items/delta", link, expand="fields"):
        yield page


async def delta_pages(
    graph: Graph, path: str, link: str | None, *, expand: str | None = None
) -> AsyncIterator[Page]:
    """The pages of a SharePoint delta; see `delta`."""
    if link and link != "latest":
        pages = graph.pages(link)
    else:
        pages = graph.pages(path, params={"token": link, "$expand": expand})
    async for page in pages:
        yield page
