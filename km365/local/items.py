"""List items as they are kept: fields, versions, ETags, changes. Files and folders are items too.

For `drives.py`: every file and folder has its row here (`kind`, `name`, `path` in the library such as
"/2025/Report.docx", `guid`); what only files have (content, size, parent) lies in tables of its own, keyed by
`guid`. Use `add`, `change`, `remove`. A field update through a drive goes through `fields.update`.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from urllib.parse import quote

from km365.local import columns, content_types, lists
from km365.local.odata import Expand
from km365.local.routes import Call, Json, not_found, unknown
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS item (
    list_id TEXT NOT NULL REFERENCES list (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    guid TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('item', 'file', 'folder')),
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    content_type TEXT NOT NULL,
    fields TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL, created_by TEXT NOT NULL,
    modified_at TEXT NOT NULL, modified_by TEXT NOT NULL,
    changed INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (list_id, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_changed ON item (list_id, changed);
CREATE INDEX IF NOT EXISTS item_path ON item (list_id, path COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS item_version (
    list_id TEXT NOT NULL, item_id INTEGER NOT NULL, version INTEGER NOT NULL,
    fields TEXT NOT NULL, modified_at TEXT NOT NULL, modified_by TEXT NOT NULL,
    PRIMARY KEY (list_id, item_id, version),
    FOREIGN KEY (list_id, item_id) REFERENCES item (list_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
""")

Fields = Mapping[str, Json]
Expander = Callable[[Call, sqlite3.Row], Json]
EXPANDERS: dict[str, Expander] = {}
"""What `$expand` can add to an item besides its fields, e.g. `EXPANDERS["driveItem"] = ...` in drives.py."""


def add(
    state: State,
    list_id: str,
    fields: Fields,
    *,
    by: Json,
    kind: str = "item",
    name: str = "",
    path: str = "",
    content_type: str | None = None,
) -> sqlite3.Row:
    """The new item, version 1. `by` is an identitySet; `fields` are checked values by internal name."""
    with state.tx() as c:
        number = lists.next_item_number(state, list_id)
        now, who = state.stamp(), json.dumps(by)
        c.execute(
            "INSERT INTO item (list_id, id, guid, kind, name, path, content_type, fields, version,"
            " created_at, created_by, modified_at, modified_by, changed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)",
            (
                *(list_id, number, state.new_id(), kind, name, path),
                content_type or content_types.default_for(state, list_id, kind),
                *(_dump(fields), now, who, now, who, state.next_change()),
            ),
        )
        _announce(state, list_id)
    return get(state, list_id, number)


def change(
    state: State,
    item: sqlite3.Row,
    *,
    by: Json,
    fields: Fields | None = None,
    name: str | None = None,
    path: str | None = None,
    content_type: str | None = None,
) -> sqlite3.Row:
    """The item with all its fields replaced, renamed or merely touched (new content): a new version."""
    with state.tx() as c:
        c.execute(
            "INSERT INTO item_version SELECT list_id, id, version, fields, modified_at, modified_by"
            " FROM item WHERE list_id = ? AND id = ?",
            (item["list_id"], item["id"]),
        )
        c.execute(
            "UPDATE item SET fields = ?, name = ?, path = ?, content_type = ?, version = version + 1,"
            " modified_at = ?, modified_by = ?, changed = ? WHERE list_id = ? AND id = ?",
            (
                item["fields"] if fields is None else _dump(fields),
                item["name"] if name is None else name,
                item["path"] if path is None else path,
                item["content_type"] if content_type is None else content_type,
                *(state.stamp(), json.dumps(by), state.next_change(), item["list_id"], item["id"]),
            ),
        )
        _announce(state, item["list_id"])
    return get(state, item["list_id"], item["id"])


BEFORE_REMOVAL: list[Callable[[State, sqlite3.Row], None]] = []
"""What must go before an item goes: `files.py` adds a folder's contents and a file's bytes."""


def remove(state: State, item: sqlite3.Row) -> None:
    """Delete the item; what is left of it tells delta readers that it went."""
    with state.tx() as c:
        for clear in BEFORE_REMOVAL:
            clear(state, item)
        c.execute("DELETE FROM item_version WHERE list_id = ? AND item_id = ?", (item["list_id"], item["id"]))
        c.execute(
            "UPDATE item SET deleted = 1, fields = '{}', path = '', changed = ? WHERE list_id = ? AND id = ?",
            (state.next_change(), item["list_id"], item["id"]),
        )
        _announce(state, item["list_id"])


def get(state: State, list_id: str, item_id: str | int) -> sqlite3.Row:
    """The item with this number (or GUID) in the list. 404 when it is not there."""
    if re.fullmatch(r"[0-9]{1,9}", str(item_id)):  # with "or guid" SQLite would look through the whole list
        row = state.one(
            "SELECT * FROM item WHERE list_id = ? AND id = ? AND deleted = 0", list_id, int(item_id)
        )
    else:
        row = state.one(
            "SELECT * FROM item WHERE list_id = ? AND guid = ? AND deleted = 0", list_id, str(item_id).lower()
        )
    if row is None:
        raise not_found("the list item")
    return row


def by_guid(state: State, guid: str) -> sqlite3.Row:
    """The item with this GUID, in whatever list. 404 when it is not there."""
    row = state.one("SELECT * FROM item WHERE guid = ? AND deleted = 0", guid)
    if row is None:
        raise not_found("the item")
    return row


def etag(item: sqlite3.Row) -> str:
    """`"guid,version"` with its quotes, as SharePoint writes it."""
    return f'"{item["guid"]},{item["version"]}"'


def stored_fields(item: sqlite3.Row) -> dict[str, Json]:
    """The values of the item's columns, hidden note fields included."""
    fields: dict[str, Json] = json.loads(item["fields"])
    return fields


def _dump(fields: Fields) -> str:
    return json.dumps({k: v for k, v in fields.items() if v is not None}, ensure_ascii=False)


def _announce(state: State, list_id: str) -> None:
    state.announce("list", list_id)
    if drive_id := lists.by_id(state, list_id)["drive_id"]:
        state.announce("drive", drive_id)


class View:
    """Shows the items of one list; what all of them share is looked up once.

    `expand` is what to show besides; what the request asks for unless given.
    """

    def __init__(self, call: Call, list_row: sqlite3.Row, expand: Mapping[str, Expand] | None = None) -> None:
        self._expand = call.query.expand if expand is None else expand
        if strange := self._expand.keys() - EXPANDERS.keys() - {"fields"}:
            raise unknown(f"$expand={min(strange)} on a list item")
        self._call = call
        self._list = list_row
        self._hidden = {c["name"] for c in columns.of_owner(call.state, list_row["id"]) if c["hidden"]}
        self._types = content_types.names(call.state, list_row["id"])

    def item(self, row: sqlite3.Row) -> dict[str, Json]:
        """The item with what `$expand` asks for."""
        created, modified = json.loads(row["created_by"]), json.loads(row["modified_by"])
        kind = {"id": row["content_type"], "name": self._types.get(row["content_type"], "Item")}
        shown: dict[str, Json] = {
            "@odata.etag": etag(row),
            "id": str(row["id"]),
            "eTag": etag(row),
            "createdDateTime": row["created_at"],
            "lastModifiedDateTime": row["modified_at"],
            "createdBy": created,
            "lastModifiedBy": modified,
            "webUrl": self._call.web(quote(lists.web_path(self._call.state, self._list) + self._end(row))),
            "parentReference": {"id": row["guid"], "siteId": self._list["site_id"]},
            "contentType": kind,
        }
        for name, expand in self._expand.items():
            if name == "fields":
                shown["fields"] = self.fields(row, expand.select)
            else:
                shown[name] = EXPANDERS[name](self._call, row)
        return shown

    def _end(self, row: sqlite3.Row) -> str:
        return f"/{row['id']}_.000" if row["kind"] == "item" else row["path"]

    def fields(
        self, row: sqlite3.Row, select: tuple[str, ...] = (), *, shown: Fields | None = None
    ) -> dict[str, Json]:
        """The fieldValueSet, hidden columns only when selected; `shown` are other values than the stored."""
        values = self.every_field(row, shown)
        if select:
            values = {k: v for k, v in values.items() if k in select or k in ("id", "@odata.etag")}
        else:
            values = {k: v for k, v in values.items() if k not in self._hidden}
        return values

    def every_field(self, row: sqlite3.Row, fields: Fields | None = None) -> dict[str, Json]:
        """All values, hidden note fields included; `fields` are other values than the stored ones."""
        own = stored_fields(row) if fields is None else dict(fields)
        system = {
            "@odata.etag": etag(row),
            "id": str(row["id"]),
            "ContentType": self._types.get(row["content_type"], "Item"),
            "Created": row["created_at"],
            "Modified": row["modified_at"],
            "_UIVersionString": f"{row['version']}.0",
        }
        if row["kind"] == "item":
            system |= {"LinkTitle": own.get("Title"), "Attachments": False}
        else:
            system |= {"FileLeafRef": row["name"], "LinkFilename": row["name"]}
        return {**system, **own}
