"""Files and folders of a library as they are kept. Each is a list item too: `items.py`; here is the rest.

A file's or folder's id in its drive is made of its list item's GUID, so that one leads to the other.
"""

import base64
import binascii
import json
import mimetypes
import re
import sqlite3
from contextlib import suppress
from pathlib import PurePosixPath
from urllib.parse import quote
from uuid import UUID

from km365.local import blobs, faults, fields, identities, items, lists
from km365.local.items import EXPANDERS
from km365.local.routes import Call, Caller, GraphFault, Json, invalid, not_found
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS file_place (
    guid TEXT PRIMARY KEY REFERENCES item (guid) ON DELETE CASCADE,
    parent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_place_under ON file_place (parent);
CREATE TABLE IF NOT EXISTS file_content (
    guid TEXT NOT NULL REFERENCES item (guid) ON DELETE CASCADE, version INTEGER NOT NULL,
    blob TEXT NOT NULL REFERENCES blob, size INTEGER NOT NULL, PRIMARY KEY (guid, version)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_content_of ON file_content (blob);
CREATE TABLE IF NOT EXISTS file_checkout (
    guid TEXT PRIMARY KEY REFERENCES item (guid) ON DELETE CASCADE, by TEXT NOT NULL, version INTEGER NOT NULL
) WITHOUT ROWID;
""")

LONGEST_NAME = 255
LONGEST_PATH = 400
"""Characters of a decoded path (support.microsoft.com, restrictions in OneDrive and SharePoint)."""
FORBIDDEN = frozenset('"*:<>?/\\|')
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|_vti_.*|\.lock|desktop\.ini)", re.IGNORECASE)

for ending, kind in {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}.items():
    mimetypes.add_type(kind, f".{ending}")


# ids and names -------------------------------------------------------------------------------------------


def drive_item_id(guid: str) -> str:
    """`01` and a GUID's bits in 26 letters, as long and as opaque as SharePoint's."""
    return "01" + base64.b32encode(UUID(guid).bytes).decode().rstrip("=")


def guid_of(item_id: str) -> str:
    """The GUID in a drive item's id. 404 for what is no such id."""
    with suppress(ValueError, binascii.Error):
        if item_id.startswith("01") and len(item_id) == 28:
            return str(UUID(bytes=base64.b32decode(item_id[2:].upper() + "======")))
    raise not_found("the item")


def check_name(name: Json) -> str:
    """A name SharePoint accepts. 400 naming what is wrong with it."""
    if not isinstance(name, str) or not name.strip() or name != name.strip() or name.endswith("."):
        raise _bad_name("a name cannot be empty, or begin or end with a space, or end with a dot")
    if FORBIDDEN & set(name) or any(ord(c) < 32 for c in name):
        raise _bad_name('a name cannot have any of " * : < > ? / \\ |')
    if len(name) > LONGEST_NAME:
        raise _bad_name(f"a name has at most {LONGEST_NAME} characters")
    if RESERVED.fullmatch(PurePosixPath(name).stem) or name.startswith("~$"):
        raise _bad_name("this name is reserved")
    return name


def _bad_name(why: str) -> GraphFault:
    return GraphFault(400, "invalidRequest", f"The provided name is not valid: {why}.")


def mime_of(name: str) -> str:
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


# finding -------------------------------------------------------------------------------------------------


def find_path(state: State, list_id: str, path: str) -> sqlite3.Row | None:
    """The file or folder at `/Folder/name` in the library; None when nothing is there."""
    return state.one(
        "SELECT * FROM item WHERE list_id = ? AND path = ? COLLATE NOCASE AND deleted = 0 AND kind <> 'item'",
        *(list_id, path),
    )


def at_path(state: State, list_id: str, path: str) -> sqlite3.Row:
    """As `find_path`; 404 when nothing is there."""
    row = find_path(state, list_id, path)
    if row is None:
        raise not_found("the item")
    return row


def in_folder(state: State, list_id: str, folder: sqlite3.Row | None) -> list[sqlite3.Row]:
    """What lies directly in the folder (None: in the root), by name."""
    return state.all(
        "SELECT i.* FROM item i JOIN file_place p ON p.guid = i.guid"
        " WHERE p.parent = ? AND i.deleted = 0 ORDER BY i.name COLLATE NOCASE",
        list_id if folder is None else folder["guid"],
    )


def named(state: State, list_id: str, folder: sqlite3.Row | None, name: str) -> sqlite3.Row | None:
    """The file or folder of this name in the folder; None when there is none."""
    return find_path(state, list_id, (folder["path"] if folder else "") + "/" + name)


def parent_of(state: State, item: sqlite3.Row) -> sqlite3.Row | None:
    """The folder the item lies in; None for the root."""
    return state.one(
        "SELECT i.* FROM item i JOIN file_place p ON p.parent = i.guid WHERE p.guid = ?", item["guid"]
    )


def content_of(state: State, item: sqlite3.Row, version: int | None = None) -> sqlite3.Row:
    """The content (`blob`, `size`, `version` it came with) that the file has now, or had in `version`."""
    row = state.one(
        "SELECT * FROM file_content WHERE guid = ? AND version <= ? ORDER BY version DESC LIMIT 1",
        *(item["guid"], item["version"] if version is None else version),
    )
    if row is None:
        raise invalid("A folder has no content.")
    return row


# making and changing -------------------------------------------------------------------------------------


def add_folder(state: State, list_id: str, folder: sqlite3.Row | None, name: str, *, by: Json) -> sqlite3.Row:
    """The new folder in `folder` (None: the root)."""
    return _add(state, list_id, folder, name, by=by, kind="folder", values={})


def add_file(
    state: State,
    list_id: str,
    folder: sqlite3.Row | None,
    name: str,
    blob: str,
    *,
    by: Json,
    fields: items.Fields | None = None,
) -> sqlite3.Row:
    """The new file with this content, and with these values in its columns."""
    with state.tx():
        item = _add(state, list_id, folder, name, by=by, kind="file", values=fields or {})
        _keep_content(state, item, blob)
    return item


def _add(
    state: State,
    list_id: str,
    folder: sqlite3.Row | None,
    name: str,
    *,
    by: Json,
    kind: str,
    values: items.Fields,
) -> sqlite3.Row:
    path = (folder["path"] if folder else "") + "/" + check_name(name)
    if len(path) > LONGEST_PATH:
        raise _bad_name(f"a path has at most {LONGEST_PATH} characters")
    with state.tx() as c:
        item = items.add(state, list_id, values, by=by, kind=kind, name=name, path=path)
        parent = list_id if folder is None else folder["guid"]
        c.execute("INSERT INTO file_place VALUES (?, ?)", (item["guid"], parent))
    return item


def ensure_folders(state: State, list_id: str, path: str, *, by: Json) -> sqlite3.Row | None:
    """The folder at this path ("" or "/": None, the root), made with those above it where missing."""
    folder: sqlite3.Row | None = None
    for name in filter(None, path.split("/")):
        there = named(state, list_id, folder, name)
        if there is not None and there["kind"] != "folder":
            raise invalid("A file stands where the path needs a folder.")
        folder = there or add_folder(state, list_id, folder, name, by=by)
    return folder


def replace_content(state: State, item: sqlite3.Row, blob: str, *, by: Json) -> sqlite3.Row:
    """The file with other content: a new version."""
    with state.tx():
        item = items.change(state, item, by=by)
        _keep_content(state, item, blob)
    return item


def _keep_content(state: State, item: sqlite3.Row, blob: str) -> None:
    values = (item["guid"], item["version"], blob, blobs.size(state, blob))
    with state.tx() as c:
        c.execute("INSERT INTO file_content VALUES (?, ?, ?, ?)", values)


def restore(state: State, item: sqlite3.Row, version: int, *, by: Json) -> sqlite3.Row:
    """The file with the fields and the content of an earlier version: a new version."""
    old = state.one(
        "SELECT fields FROM item_version WHERE list_id = ? AND item_id = ? AND version = ?",
        *(item["list_id"], item["id"], version),
    )
    if old is None:
        raise not_found("the version")
    content = content_of(state, item, version) if item["kind"] == "file" else None
    with state.tx():
        item = items.change(state, item, by=by, fields=json.loads(old["fields"]))
        if content is not None:
            _keep_content(state, item, content["blob"])
    return item


def move(state: State, item: sqlite3.Row, folder: sqlite3.Row | None, name: str, *, by: Json) -> sqlite3.Row:
    """The item under another name, in another folder of its library, or both. Its contents go with it."""
    path = (folder["path"] if folder else "") + "/" + check_name(name)
    if item["kind"] == "folder" and path.casefold().startswith(f"{item['path']}/".casefold()):
        raise invalid("A folder cannot be moved into itself.")
    with state.tx() as c:
        parent = item["list_id"] if folder is None else folder["guid"]
        c.execute("UPDATE file_place SET parent = ? WHERE guid = ?", (parent, item["guid"]))
        if item["kind"] == "folder":
            # What lies deeper keeps its version and ETag: only where it lies has changed.
            c.execute(
                "UPDATE item SET path = ? || substr(path, ?) WHERE list_id = ? AND substr(path, 1, ?) = ?",
                (path, len(item["path"]) + 1, item["list_id"], len(item["path"]) + 1, item["path"] + "/"),
            )
        return items.change(state, item, by=by, name=name, path=path)


def _clear(state: State, item: sqlite3.Row) -> None:
    """Before an item goes: everything in the folder, the file's contents."""
    if item["kind"] == "item":
        return
    with state.tx() as c:
        for inside in in_folder(state, item["list_id"], item):
            items.remove(state, inside)
        c.execute("DELETE FROM file_content WHERE guid = ?", (item["guid"],))
        c.execute("DELETE FROM file_checkout WHERE guid = ?", (item["guid"],))
        blobs.drop_unused(state)


items.BEFORE_REMOVAL.append(_clear)


# checked out ---------------------------------------------------------------------------------------------


def checked_out(state: State, item: sqlite3.Row) -> sqlite3.Row | None:
    return state.one("SELECT * FROM file_checkout WHERE guid = ?", item["guid"])


def publication(state: State, item: sqlite3.Row) -> dict[str, Json]:
    """Whether the file is checked out, and by whom."""
    held = checked_out(state, item)
    shown: dict[str, Json] = {
        "level": "checkout" if held else "published",
        "versionId": f"{item['version']}.0",
    }
    if held is not None:
        by = json.loads(held["by"])
        shown["checkedOutBy"] = identities.identity(state, Caller(app_id=by["app"], user_id=by["user"]))
    return shown


def refuse_when_locked(call: Call, item: sqlite3.Row) -> None:
    """423 when somebody else has checked the file out (driveitem-checkout)."""
    held = checked_out(call.state, item)
    if held is not None and json.loads(held["by"]) != holder(call):
        raise GraphFault(423, "resourceLocked", "The file is checked out by somebody else.")


def refuse_unless_checked_out(call: Call, item: sqlite3.Row) -> None:
    """423 where the quirk says that a library asks for a check-out first, and nobody holds one."""
    if item["kind"] != "file" or faults.setting(call.state, "checkout_required") is None:
        return
    if checked_out(call.state, item) is None:
        message = "You must first check out this document before making changes."
        raise GraphFault(423, "notAllowed", message, inner={"code": "resourceLocked"})


def holder(call: Call) -> Json:
    """Who holds what this call checks out."""
    return {"app": call.caller.app_id, "user": call.caller.user_id}


fields.LOCKS.append(refuse_when_locked)
fields.UPDATES.append(refuse_unless_checked_out)


# how they look -------------------------------------------------------------------------------------------


def download_url(call: Call, item: sqlite3.Row, content: sqlite3.Row) -> str:
    """An address from which the content can be taken for an hour without a bearer token."""
    until = int(call.state.now().timestamp()) + 3600
    seal = blobs.sign(call.state, f"{content['blob']} {until}")
    return f"{call.m365.base_url}/_content/{content['blob']}/{until}/{seal}/{quote(item['name'])}"


def item_json(call: Call, library: sqlite3.Row, item: sqlite3.Row | None) -> dict[str, Json]:
    """A file or folder as Graph shows it; None is the library's root."""
    if item is None:
        return root_json(call, library)
    state = call.state
    created, modified = item["created_at"], item["modified_at"]
    shown: dict[str, Json] = {
        "id": drive_item_id(item["guid"]),
        "name": item["name"],
        "eTag": items.etag(item),
        "createdDateTime": created,
        "lastModifiedDateTime": modified,
        "createdBy": json.loads(item["created_by"]),
        "lastModifiedBy": json.loads(item["modified_by"]),
        "webUrl": call.web(quote(lists.web_path(state, library) + item["path"])),
        "parentReference": _parent_json(state, library, item),
        "fileSystemInfo": {"createdDateTime": created, "lastModifiedDateTime": modified},
    }
    if item["kind"] == "folder":
        inside = in_folder(state, library["id"], item)
        shown |= {
            "folder": {"childCount": len(inside)},
            "size": size_under(state, library["id"], item["path"]),
        }
        shown["cTag"] = f'"c:{{{item["guid"].upper()}}},0"'
    else:
        content = content_of(state, item)
        shown |= {"file": {"mimeType": mime_of(item["name"])}, "size": content["size"]}
        shown["cTag"] = f'"c:{{{item["guid"].upper()}}},{content["version"]}"'
        shown["@microsoft.graph.downloadUrl"] = download_url(call, item, content)
    return shown


def root_json(call: Call, library: sqlite3.Row) -> dict[str, Json]:
    """The root folder of a library."""
    return {
        "id": drive_item_id(library["id"]),
        "name": "root",
        "createdDateTime": library["created_at"],
        "lastModifiedDateTime": library["modified_at"],
        "webUrl": call.web(quote(lists.web_path(call.state, library))),
        "size": size_under(call.state, library["id"], ""),
        "parentReference": {
            "driveId": library["drive_id"],
            "driveType": "documentLibrary",
            "siteId": library["site_id"],
        },
        "folder": {"childCount": len(in_folder(call.state, library["id"], None))},
        "root": {},
    }


def size_under(state: State, list_id: str, path: str) -> int:
    """The bytes of all files below a folder."""
    row = state.one(
        "SELECT COALESCE(SUM(c.size), 0) AS size FROM item i JOIN file_content c ON c.guid = i.guid"
        " WHERE i.list_id = ? AND i.deleted = 0 AND substr(i.path, 1, ?) = ?"
        " AND c.version = (SELECT MAX(version) FROM file_content WHERE guid = i.guid)",
        *(list_id, len(path) + 1, path + "/"),
    )
    return int(row["size"]) if row else 0


def _parent_json(state: State, library: sqlite3.Row, item: sqlite3.Row) -> dict[str, Json]:
    folder = parent_of(state, item)
    above = item["path"].rpartition("/")[0]
    return {
        "driveId": library["drive_id"],
        "driveType": "documentLibrary",
        "id": drive_item_id(folder["guid"] if folder else library["id"]),
        "name": folder["name"] if folder else "root",
        "path": f"/drives/{library['drive_id']}/root:{quote(above)}",
        "siteId": library["site_id"],
    }


def sharepoint_ids(library: sqlite3.Row, item: sqlite3.Row) -> dict[str, Json]:
    return {
        "listId": library["id"],
        "listItemId": str(item["id"]),
        "listItemUniqueId": item["guid"],
        "siteId": library["site_id"].split(",")[1],
        "webId": library["site_id"].split(",")[2],
    }


def _expand_drive_item(call: Call, item: sqlite3.Row) -> Json:
    if item["kind"] == "item":
        return None
    return item_json(call, lists.by_id(call.state, item["list_id"]), item)


EXPANDERS["driveItem"] = _expand_drive_item
