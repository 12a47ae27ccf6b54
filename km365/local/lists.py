"""Lists and libraries of a site."""

import base64
import hashlib
import sqlite3
from urllib.parse import quote

from km365.local import columns, content_types, identities, odata, sites
from km365.local.routes import (
    Call,
    Documented,
    GraphFault,
    Json,
    invalid,
    known_properties,
    listed,
    not_found,
    part,
    route,
    text,
    unknown,
)
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS list (
    id TEXT PRIMARY KEY,
    site_id TEXT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL COLLATE NOCASE,
    description TEXT NOT NULL,
    template TEXT NOT NULL,
    drive_id TEXT UNIQUE,
    version INTEGER NOT NULL DEFAULT 1,
    last_item INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, modified_at TEXT NOT NULL, created_by TEXT NOT NULL,
    UNIQUE (site_id, display_name)
) WITHOUT ROWID;
""")

LIBRARY = "documentLibrary"
TEMPLATES = ("genericList", LIBRARY)


def create(
    state: State,
    site_id: str,
    display_name: str,
    *,
    template: str = "genericList",
    description: str = "",
    name: str = "",
    by: str = "{}",
) -> sqlite3.Row:
    """The new list, or the one of that name already there, with its built-in columns and content types.

    `name` is the last part of its address when that differs ("Shared Documents" for *Documents*).
    """
    if (row := _titled(state, site_id, display_name)) is not None:
        return row
    list_id = state.new_id()
    drive_id = drive_id_of(list_id) if template == LIBRARY else None
    with state.tx() as c:
        now = state.stamp()
        c.execute(
            "INSERT INTO list (id, site_id, name, display_name, description, template, drive_id,"
            " created_at, modified_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(list_id, site_id, name or display_name, display_name, description, template, drive_id),
                *(now, now, by),
            ),
        )
        columns.add_built_in(state, list_id, template)
        content_types.add_built_in(state, list_id, template)
    return by_id(state, list_id)


def _titled(state: State, site_id: str, title: str) -> sqlite3.Row | None:
    return state.one("SELECT * FROM list WHERE site_id = ? AND display_name = ?", site_id, title.strip())


def drive_id_of(list_id: str) -> str:
    """The id of a library's drive, as opaque as SharePoint's."""
    return "b!" + base64.urlsafe_b64encode(hashlib.sha256(list_id.encode()).digest()).decode().rstrip("=")


def by_id(state: State, list_id: str) -> sqlite3.Row:
    row = state.one("SELECT * FROM list WHERE id = ?", list_id)
    if row is None:
        raise not_found("the list")
    return row


def by_drive(state: State, drive_id: str) -> sqlite3.Row:
    """The library behind a drive."""
    row = state.one("SELECT * FROM list WHERE drive_id = ?", drive_id)
    if row is None:
        raise not_found("the drive")
    return row


def find(call: Call) -> sqlite3.Row:
    """The list of a path `/sites/{site}/lists/{list}`, by its GUID or its title."""
    site = sites.find(call.state, call["site"])
    row = call.state.one(
        "SELECT * FROM list WHERE site_id = ? AND (id = ? OR display_name = ? OR name = ?)",
        *(site["id"], call["list"].lower(), call["list"], call["list"]),
    )
    if row is None:
        raise not_found("the list")
    return row


def next_item_number(state: State, list_id: str) -> int:
    with state.tx() as c:
        c.execute(
            "UPDATE list SET last_item = last_item + 1, modified_at = ? WHERE id = ?",
            (state.stamp(), list_id),
        )
    return int(by_id(state, list_id)["last_item"])


def web_path(state: State, row: sqlite3.Row) -> str:
    """The server-relative address of a list: libraries lie beside `Lists`, not in it."""
    site = sites.find(state, row["site_id"])["path"].rstrip("/")
    return f"{site}/{row['name']}" if row["template"] == LIBRARY else f"{site}/Lists/{row['name']}"


def etag(row: sqlite3.Row) -> str:
    return f'"{row["id"]},{row["version"]}"'


def list_json(call: Call, row: sqlite3.Row) -> dict[str, Json]:
    """A list as Graph shows it, with the columns or content types that `$expand` asks for."""
    shown: dict[str, Json] = {
        "@odata.etag": etag(row),
        "id": row["id"],
        "eTag": etag(row),
        "name": row["name"],
        "displayName": row["display_name"],
        "description": row["description"],
        "createdDateTime": row["created_at"],
        "lastModifiedDateTime": row["modified_at"],
        "webUrl": call.web(quote(web_path(call.state, row))),
        "parentReference": {"siteId": row["site_id"]},
        "list": {"contentTypesEnabled": True, "hidden": False, "template": row["template"]},
    }
    for name in call.query.expand:
        if name == "columns":
            shown[name] = [
                columns.column_json(c) for c in columns.of_owner(call.state, row["id"]) if not c["hidden"]
            ]
        elif name == "contentTypes":
            shown[name] = [content_types.type_json(t) for t in content_types.of_owner(call.state, row["id"])]
        else:
            raise unknown(f"$expand={name} on a list")
    return shown


@route(
    "GET",
    "/sites/{site}/lists",
    evidence=Documented("list-list"),
    ru=2,
    options="select expand filter orderby top skiptoken",
)
async def list_lists(call: Call) -> Json:
    site = sites.find(call.state, call["site"])
    rows = call.state.all("SELECT * FROM list WHERE site_id = ? ORDER BY display_name", site["id"])
    return odata.collection(call, [list_json(call, r) for r in rows])


@route("POST", "/sites/{site}/lists", evidence=Documented("list-create"), ru=2, status=201)
async def create_list(call: Call) -> Json:
    site, body = sites.find(call.state, call["site"]), call.json()
    if "name" in body:
        raise invalid(
            "Cannot define a 'name' for a list as it is assigned by the server."
            " Instead, provide 'displayName'"
        )
    known_properties(body, "displayName description columns list", "a new list")
    title = text(body, "displayName").strip()
    template = text(part(body, "list"), "template", "genericList")
    if not title:
        raise invalid("A list needs a displayName.")
    if template not in TEMPLATES:
        raise unknown(f"the list template {template}")
    with call.state.tx():
        if _titled(call.state, site["id"], title):
            raise GraphFault(409, "nameAlreadyExists", "The specified name is already in use.")
        row = create(
            call.state,
            site["id"],
            title,
            template=template,
            description=text(body, "description"),
            by=identities.identity_text(call.state, call.caller),
        )
        for definition in listed(body, "columns"):
            columns.create(call.state, row["id"], definition)
    return list_json(call, row)


@route("GET", "/sites/{site}/lists/{list}", evidence=Documented("list-get"), ru=1, options="select expand")
async def get_list(call: Call) -> Json:
    return odata.pick(list_json(call, find(call)), call.query.chosen)


@route("PATCH", "/sites/{site}/lists/{list}", evidence=Documented("list-update"), ru=2)
async def update_list(call: Call) -> Json:
    row, body = find(call), call.json()
    known_properties(body, "displayName description", "a change of a list")
    call.require_match(etag(row))
    if (taken := _titled(call.state, row["site_id"], text(body, "displayName"))) and taken["id"] != row["id"]:
        raise GraphFault(409, "nameAlreadyExists", "The specified name is already in use.")
    with call.state.tx() as c:
        c.execute(
            "UPDATE list SET display_name = ?, description = ?, version = version + 1, modified_at = ?"
            " WHERE id = ?",
            (
                text(body, "displayName").strip() or row["display_name"],
                text(body, "description", row["description"]),
                *(call.state.stamp(), row["id"]),
            ),
        )
    return list_json(call, by_id(call.state, row["id"]))


@route("DELETE", "/sites/{site}/lists/{list}", evidence=Documented("list-delete"), ru=2)
async def delete_list(call: Call) -> None:
    row = find(call)
    call.require_match(etag(row))
    with call.state.tx() as c:
        c.execute("DELETE FROM list WHERE id = ?", (row["id"],))
        c.execute("DELETE FROM column_definition WHERE owner = ?", (row["id"],))
        c.execute("DELETE FROM content_type WHERE owner = ?", (row["id"],))


def _default_library(state: State, site_id: str) -> None:
    create(state, site_id, "Documents", template=LIBRARY, name="Shared Documents")


sites.has_from_the_start(_default_library)
