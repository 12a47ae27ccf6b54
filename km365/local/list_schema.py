"""The columns and content types of sites and lists, over Graph."""

import sqlite3

from km365.local import columns, content_types, lists, odata, sites
from km365.local.routes import Call, Documented, Json, invalid, known_properties, not_found, part, route, text

SITE, LIST = "/sites/{site}", "/sites/{site}/lists/{list}"


def _owner(call: Call) -> str:
    """The id of the list, or of the site, that the path names."""
    row = lists.find(call) if "list" in call.parameters else sites.find(call.state, call["site"])
    return str(row["id"])


@route(
    "GET",
    LIST + "/columns",
    evidence=Documented("list-list-columns"),
    ru=2,
    options="select filter top skiptoken",
)
@route(
    "GET",
    SITE + "/columns",
    evidence=Documented("site-list-columns"),
    ru=2,
    options="select filter top skiptoken",
)
async def list_columns(call: Call) -> Json:
    return columns.shown_to(call, _owner(call))


@route("POST", LIST + "/columns", evidence=Documented("list-post-columns"), ru=2, status=201)
@route("POST", SITE + "/columns", evidence=Documented("site-post-columns"), ru=2, status=201)
async def create_column(call: Call) -> Json:
    """A `term` column is in the schema only; that it can be made, with its note twin, is local only."""
    return columns.column_json(columns.create(call.state, _owner(call), call.json()))


@route("GET", LIST + "/columns/{column}", evidence=Documented("columndefinition-get"), ru=1, options="select")
@route("GET", SITE + "/columns/{column}", evidence=Documented("columndefinition-get"), ru=1, options="select")
async def get_column(call: Call) -> Json:
    row = columns.find(call.state, _owner(call), call["column"])
    return odata.pick(columns.column_json(row), call.query.select)


@route("PATCH", LIST + "/columns/{column}", evidence=Documented("columndefinition-update"), ru=2)
@route("PATCH", SITE + "/columns/{column}", evidence=Documented("columndefinition-update"), ru=2)
async def update_column(call: Call) -> Json:
    return columns.update(call, columns.find(call.state, _owner(call), call["column"]))


@route("DELETE", LIST + "/columns/{column}", evidence=Documented("columndefinition-delete"), ru=2)
@route("DELETE", SITE + "/columns/{column}", evidence=Documented("columndefinition-delete"), ru=2)
async def delete_column(call: Call) -> None:
    columns.delete(call, columns.find(call.state, _owner(call), call["column"]))


@route(
    "GET",
    LIST + "/contentTypes",
    evidence=Documented("list-list-contenttypes"),
    ru=2,
    options="select filter top",
)
@route(
    "GET",
    SITE + "/contentTypes",
    evidence=Documented("site-list-contenttypes"),
    ru=2,
    options="select filter top",
)
async def list_content_types(call: Call) -> Json:
    rows = content_types.of_owner(call.state, _owner(call))
    return odata.collection(call, [content_types.type_json(r) for r in rows])


@route("POST", SITE + "/contentTypes", evidence=Documented("site-post-contenttypes"), ru=2, status=201)
async def create_content_type(call: Call) -> Json:
    body = call.json()
    known_properties(body, "name description group base id", "a new content type")
    base, name = text(part(body, "base"), "id"), text(body, "name").strip()
    if not name or not base:
        raise invalid("A content type needs a name and a base.")
    site = _owner(call)
    content_types.find(call.state, site, base)
    row = content_types.add(
        call.state, site, content_types.child_id(base), name,
        description=text(body, "description"), group=text(body, "group"),
    )  # fmt: skip
    return content_types.type_json(row)


@route("POST", LIST + "/contentTypes/addCopy", evidence=Documented("contenttype-addcopy"), ru=2, status=201)
async def add_copy(call: Call) -> Json:
    """Bring a site content type into the list, its columns too."""
    body, target = call.json(), _owner(call)
    # The documentation's example gives an address; only its last part says which content type.
    source_id = text(body, "contentType").rsplit("/", 1)[-1]
    if not source_id:
        raise invalid("contentType must name a site content type.")
    site_id = sites.find(call.state, call["site"])["id"]
    original = content_types.find(call.state, site_id, source_id)
    with call.state.tx():
        row = content_types.add(
            call.state, target, content_types.child_id(source_id), original["name"],
            description=original["description"], group=original["group_name"],
        )  # fmt: skip
        for column in columns.of_owner(call.state, source_id):
            if not column["note_of"]:
                columns.copy(call.state, column, target)
    return content_types.type_json(row)


def _type(call: Call) -> sqlite3.Row:
    return content_types.find(call.state, _owner(call), call["type"])


@route("GET", LIST + "/contentTypes/{type}", evidence=Documented("contenttype-get"), ru=1, options="select")
@route("GET", SITE + "/contentTypes/{type}", evidence=Documented("contenttype-get"), ru=1, options="select")
async def get_content_type(call: Call) -> Json:
    return odata.pick(content_types.type_json(_type(call)), call.query.select)


@route("PATCH", LIST + "/contentTypes/{type}", evidence=Documented("contenttype-update"), ru=2)
@route("PATCH", SITE + "/contentTypes/{type}", evidence=Documented("contenttype-update"), ru=2)
async def update_content_type(call: Call) -> Json:
    row, body = _type(call), call.json()
    known_properties(body, "name description group", "a change of a content type")
    with call.state.tx() as c:
        c.execute(
            "UPDATE content_type SET name = ?, description = ?, group_name = ? WHERE owner = ? AND id = ?",
            (
                text(body, "name").strip() or row["name"],
                text(body, "description", row["description"]),
                text(body, "group") or row["group_name"],
                *(row["owner"], row["id"]),
            ),
        )
    return content_types.type_json(_type(call))


@route("DELETE", LIST + "/contentTypes/{type}", evidence=Documented("contenttype-delete"), ru=2)
@route("DELETE", SITE + "/contentTypes/{type}", evidence=Documented("contenttype-delete"), ru=2)
async def delete_content_type(call: Call) -> None:
    row = _type(call)
    if row["built_in"]:
        raise invalid("A built-in content type cannot be deleted.")
    with call.state.tx() as c:
        c.execute("DELETE FROM content_type WHERE owner = ? AND id = ?", (row["owner"], row["id"]))


@route(
    "GET",
    SITE + "/contentTypes/{type}/columns",
    evidence=Documented("contenttype-list-columns"),
    ru=2,
    options="select",
)
async def list_content_type_columns(call: Call) -> Json:
    return columns.shown_to(call, _type(call)["id"])


@route(
    "POST",
    SITE + "/contentTypes/{type}/columns",
    evidence=Documented("contenttype-post-columns"),
    ru=2,
    status=201,
)
async def add_content_type_column(call: Call) -> Json:
    """Link a site column (`sourceColumn@odata.bind` names its address) to the content type."""
    row, address = _type(call), text(call.json(), "sourceColumn@odata.bind")
    if not address:
        raise invalid("sourceColumn@odata.bind must name a site column.")
    source = columns.find(call.state, _owner(call), address.rsplit("/", 1)[-1])
    columns.copy(call.state, source, row["id"])
    copied = next((c for c in columns.of_owner(call.state, row["id"]) if c["name"] == source["name"]), None)
    if copied is None:
        raise not_found("the column")
    return columns.column_json(copied)
