"""Earlier versions of list items, and going back to one."""

import json
import sqlite3

from km365.local import fields, files, identities, items, odata
from km365.local.list_items import ITEM, found
from km365.local.routes import Call, Documented, Json, not_found, route


def of_item(call: Call, item: sqlite3.Row) -> list[sqlite3.Row]:
    """All versions, the current one first."""
    return call.state.all(
        "SELECT version, fields, modified_at, modified_by FROM item WHERE list_id = ?1 AND id = ?2"
        " UNION ALL SELECT version, fields, modified_at, modified_by FROM item_version"
        " WHERE list_id = ?1 AND item_id = ?2 ORDER BY version DESC",
        *(item["list_id"], item["id"]),
    )


def _found(call: Call) -> tuple[sqlite3.Row, sqlite3.Row, sqlite3.Row]:
    list_row, item = found(call)
    for row in of_item(call, item):
        if call["version"] in (f"{row['version']}.0", str(row["version"])):
            return list_row, item, row
    raise not_found("the version")


def version_json(call: Call, list_row: sqlite3.Row, item: sqlite3.Row, row: sqlite3.Row) -> dict[str, Json]:
    """A version, with its fields when `$expand` asks for them."""
    shown: dict[str, Json] = {
        "id": f"{row['version']}.0",
        "lastModifiedDateTime": row["modified_at"],
        "lastModifiedBy": json.loads(row["modified_by"]),
        "publication": {"level": "published", "versionId": f"{row['version']}.0"},
    }
    if "fields" in call.query.expand:
        shown["fields"] = _fields(call, list_row, item, row)
    return shown


def _fields(call: Call, list_row: sqlite3.Row, item: sqlite3.Row, row: sqlite3.Row) -> Json:
    shown = items.View(call, list_row).fields(item, shown=json.loads(row["fields"]))
    # The fields of an old version carry no ETag: there is nothing to guard.
    return {k: v for k, v in shown.items() if k != "@odata.etag"} | {
        "_UIVersionString": f"{row['version']}.0"
    }


@route(
    "GET",
    ITEM + "/versions",
    evidence=Documented("listitem-list-versions"),
    ru=2,
    options="expand select top skiptoken",
)
async def list_versions(call: Call) -> Json:
    list_row, item = found(call)
    return odata.collection(call, [version_json(call, list_row, item, r) for r in of_item(call, item)])


@route(
    "GET",
    ITEM + "/versions/{version}",
    evidence=Documented("listitemversion-get"),
    ru=1,
    options="expand select",
)
async def get_version(call: Call) -> Json:
    return version_json(call, *_found(call))


@route("GET", ITEM + "/versions/{version}/fields", evidence=Documented("listitemversion-get"), ru=1)
async def get_version_fields(call: Call) -> Json:
    return _fields(call, *_found(call))


@route(
    "POST", ITEM + "/versions/{version}/restoreVersion", evidence=Documented("listitemversion-restore"), ru=2
)
async def restore_version(call: Call) -> None:
    """Make a new version with the old one's fields; 204."""
    _, item, row = _found(call)
    fields.refuse_when_open(call, item)
    by = identities.identity(call.state, call.caller)
    if item["kind"] == "item":
        items.change(call.state, item, by=by, fields=json.loads(row["fields"]))
    else:
        files.restore(call.state, item, row["version"], by=by)
