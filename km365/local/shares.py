"""Documents by their address: `/shares/u!…/driveItem`, where `…` is the address in base64url.

Addresses of files are opened as they stand, also as Office writes them (`/:w:/r/…`), and so are links made
with *Share*, which `createLink` makes here, as long as they are not taken back.
"""

import base64
import binascii
import re
import secrets
import sqlite3
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from km365.local import drives, file_permissions, files, items, lists, sites
from km365.local.drive_paths import item_of, on_items
from km365.local.routes import (
    Answer,
    Call,
    Documented,
    GraphFault,
    Json,
    invalid,
    known_properties,
    not_found,
    route,
    text,
)
from km365.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS sharing_link (
    token TEXT PRIMARY KEY, item_guid TEXT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL,
    path TEXT NOT NULL
) WITHOUT ROWID;
""")

_SHOWN_BY_OFFICE = re.compile(r"/:\w:/r(/.*)")
_MADE_WITH_SHARE = re.compile(r"/:\w:/s/[^/]+/(?P<token>[\w-]+)")
_LETTERS = {"docx": "w", "doc": "w", "xlsx": "x", "xls": "x", "pptx": "p", "ppt": "p", "pdf": "b", "": "f"}
"""What stands in a link for the kind of file it opens; folders have no ending here."""
_ROLES = {"view": "read", "edit": "write"}


@on_items("POST", "/createLink", evidence=Documented("driveitem-createlink"), ru=2, status=201)
async def create_link(call: Call) -> Json:
    """A link as *Share* makes it; the one there is (200), if it lets the same people do the same."""
    library, item = item_of(call)
    body = call.json()
    known_properties(body, "type scope", "a link")
    kind, scope = text(body, "type") or "view", text(body, "scope") or "organization"
    if kind not in _ROLES or scope not in ("anonymous", "organization", "users"):
        raise invalid(f"A link of the type {kind!r} for {scope!r} cannot be made.")
    same = (item["guid"], kind, scope)
    query = "SELECT * FROM sharing_link WHERE item_guid = ? AND kind = ? AND scope = ?"
    there = call.state.one(query, *same)
    if there is None:
        token = f"E{secrets.token_urlsafe(33)}"
        ending = PurePosixPath(item["name"]).suffix.lstrip(".").lower() if item["kind"] == "file" else ""
        site = sites.find(call.state, library["site_id"])["path"].rstrip("/").rpartition("/")[2]
        path = f"/:{_LETTERS.get(ending, 'u')}:/s/{site}/{token}"
        with call.state.tx() as c:
            c.execute("INSERT INTO sharing_link VALUES (?, ?, ?, ?, ?)", (token, *same, path))
    row = call.state.one(query, *same)
    if row is None:
        raise not_found("the link")
    shown: Json = {
        "id": row["token"],
        "roles": [_ROLES[kind]],
        "link": {"type": kind, "scope": scope, "webUrl": call.web(row["path"])},
    }
    return Answer(201 if there is None else 200, shown)


@on_items("DELETE", "/permissions/{permission}", evidence=Documented("permission-delete"), ru=5)
async def delete_permission(call: Call) -> None:
    """Takes back a link, or what somebody may do with the file or folder itself."""
    _, item = item_of(call)
    with call.state.tx() as c:
        gone = c.execute(
            "DELETE FROM sharing_link WHERE token = ? AND item_guid = ?", (call["permission"], item["guid"])
        )
    if not gone.rowcount:
        file_permissions.take_back(call)


@route("GET", "/shares/{share}/driveItem", evidence=Documented("shares-get"), ru=1, options="select expand")
async def get_shared_item(call: Call) -> Json:
    """The file or folder at an address of this tenant."""
    library, item = _at(call, _address(call["share"]))
    return Answer(200, drives.shown(call, library, item), {"ETag": items.etag(item)})


def _address(share: str) -> str:
    """The address in a sharing token (shares-get, "Encoding sharing URLs")."""
    coded = share.removeprefix("u!")
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except (binascii.Error, ValueError):
        raise invalid("The sharing token is not a coded address.") from None


def _at(call: Call, address: str) -> tuple[sqlite3.Row, sqlite3.Row]:
    parts = urlsplit(address)
    ours = urlsplit(call.m365.web_url)
    path = unquote(parts.path)
    path = path.removeprefix(unquote(ours.path)) if parts.netloc == ours.netloc else path
    if parts.netloc not in {ours.netloc, sites.HOST}:
        raise _gone()
    if made := _MADE_WITH_SHARE.fullmatch(path):
        link = call.state.one("SELECT item_guid FROM sharing_link WHERE token = ?", made["token"])
        return _by_guid(call, link["item_guid"] if link else "")
    by_office = _SHOWN_BY_OFFICE.fullmatch(path)
    if (guid := parse_qs(parts.query).get("sourcedoc")) and path.lower().endswith("/doc.aspx"):
        return _by_guid(call, guid[0].strip("{}").lower())
    return _by_path(call, by_office[1] if by_office else path)


def _by_guid(call: Call, guid: str) -> tuple[sqlite3.Row, sqlite3.Row]:
    item = call.state.one("SELECT * FROM item WHERE guid = ? AND deleted = 0 AND kind <> 'item'", guid)
    library = item and call.state.one("SELECT * FROM list WHERE id = ?", item["list_id"])
    if item is None or library is None:
        raise _gone()
    return library, item


def _by_path(call: Call, path: str) -> tuple[sqlite3.Row, sqlite3.Row]:
    for library in call.state.all("SELECT * FROM list WHERE drive_id IS NOT NULL"):
        above = lists.web_path(call.state, library)
        if path.lower().startswith(f"{above.lower()}/"):
            item = files.find_path(call.state, library["id"], path[len(above) :])
            if item is not None:
                return library, item
    raise _gone()


def _gone() -> GraphFault:
    """What SharePoint answers for an address that leads nowhere or is not ours to open.

    In these words: issue microsoftgraph/microsoft-graph-docs#15023.
    """
    message = "The sharing link no longer exists, or you do not have permission to access it."
    return GraphFault(403, "accessDenied", message)
