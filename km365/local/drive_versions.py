"""A file's list item, its versions, and checking it out and in."""

import json
import sqlite3

from km365.local import fields, files, identities, items, lists, odata, versions
from km365.local.drive_paths import item_of, on_items
from km365.local.drives import shown
from km365.local.routes import Call, Documented, GraphFault, Json, known_properties, not_found, route
from km365.local.uploads import sent_elsewhere

# the list item -------------------------------------------------------------------------------------------


@on_items("GET", "/listItem", evidence=Documented("driveitem-get"), ru=1, options="select expand")
async def get_list_item(call: Call) -> Json:
    library, item = item_of(call)
    return odata.pick(items.View(call, library).item(item), call.query.chosen)


@on_items("GET", "/listItem/fields", evidence=Documented("listitem-get"), ru=1, options="select")
async def get_fields(call: Call) -> Json:
    library, item = item_of(call)
    return items.View(call, library).fields(item, call.query.select)


@on_items("PATCH", "/listItem/fields", evidence=Documented("listitem-update"), ru=2)
async def update_fields(call: Call) -> Json:
    """The same as on the list's item: one ETag, one row of versions."""
    library, item = item_of(call)
    return fields.update(call, library, item, call.json())


ITEM = "/sites/{site}/lists/{list}/items/{item}/driveItem"


def _file_of_item(call: Call) -> tuple[sqlite3.Row, sqlite3.Row]:
    library = lists.find(call)
    item = items.get(call.state, library["id"], call["item"])
    if item["kind"] == "item":
        raise not_found("the file: this item has none")
    return library, item


@route("GET", ITEM, evidence=Documented("listitem-get"), ru=1, options="select expand")
async def get_file_of_item(call: Call) -> Json:
    return shown(call, *_file_of_item(call))


@route("GET", ITEM + "/content", evidence=Documented("driveitem-get-content"), ru=1)
async def download_file_of_item(call: Call) -> Json:
    _, item = _file_of_item(call)
    return sent_elsewhere(call, item, files.content_of(call.state, item))


# versions ------------------------------------------------------------------------------------------------


def _version_json(call: Call, item: sqlite3.Row, row: sqlite3.Row) -> dict[str, Json]:
    return {
        "id": f"{row['version']}.0",
        "lastModifiedDateTime": row["modified_at"],
        "lastModifiedBy": json.loads(row["modified_by"]),
        "size": files.content_of(call.state, item, row["version"])["size"],
    }


def _version(call: Call) -> tuple[sqlite3.Row, sqlite3.Row]:
    _, item = item_of(call)
    for row in versions.of_item(call, item):
        if call["version"] == f"{row['version']}.0":
            return item, row
    raise not_found("the version")


@on_items(
    "GET", "/versions", evidence=Documented("driveitem-list-versions"), ru=2, options="select top skiptoken"
)
async def list_versions(call: Call) -> Json:
    """All versions, the current one first; one for every change of content or of a column."""
    _, item = item_of(call)
    return odata.collection(call, [_version_json(call, item, r) for r in versions.of_item(call, item)])


@on_items("GET", "/versions/{version}", evidence=Documented("driveitemversion-get"), ru=1, options="select")
async def get_version(call: Call) -> Json:
    return odata.pick(_version_json(call, *_version(call)), call.query.select)


@on_items("GET", "/versions/{version}/content", evidence=Documented("driveitemversion-get-contents"), ru=1)
async def download_version(call: Call) -> Json:
    item, row = _version(call)
    if row["version"] == item["version"]:
        raise GraphFault(
            400, "invalidRequest", "You cannot get the content of the current version; ask the file itself."
        )
    return sent_elsewhere(call, item, files.content_of(call.state, item, row["version"]))


@on_items("POST", "/versions/{version}/restoreVersion", evidence=Documented("driveitemversion-restore"), ru=2)
async def restore_version(call: Call) -> None:
    """Make a new version with what the old one had; 204."""
    item, row = _version(call)
    fields.refuse_when_open(call, item)
    if row["version"] != item["version"]:
        by = identities.identity(call.state, call.caller)
        files.restore(call.state, item, row["version"], by=by)


# checked out ---------------------------------------------------------------------------------------------


@on_items("POST", "/checkout", evidence=Documented("driveitem-checkout"), ru=2)
async def check_out(call: Call) -> None:
    """From now on others get 423; 204. What the holder changes is seen by everybody, which is ours alone."""
    _, item = item_of(call)
    fields.refuse_when_open(call, item)
    with call.state.tx() as c:
        values = (item["guid"], json.dumps(files.holder(call)), item["version"])
        c.execute("INSERT OR IGNORE INTO file_checkout VALUES (?, ?, ?)", values)


def _held(call: Call) -> tuple[sqlite3.Row, sqlite3.Row]:
    """The file and its check-out, which is the caller's own: others get 423."""
    _, item = item_of(call)
    fields.refuse_when_open(call, item)
    held = files.checked_out(call.state, item)
    if held is None:
        raise GraphFault(400, "invalidRequest", "The file is not checked out.")
    return item, held


def _release(call: Call, item: sqlite3.Row) -> None:
    with call.state.tx() as c:
        c.execute("DELETE FROM file_checkout WHERE guid = ?", (item["guid"],))


@on_items("POST", "/checkin", evidence=Documented("driveitem-checkin"), ru=2)
async def check_in(call: Call) -> None:
    """Give the file back; 204. We keep no comment: versions over Graph do not show one."""
    known_properties(call.json(), "comment checkInAs", "a check-in")
    item, _ = _held(call)
    _release(call, item)


@on_items("POST", "/discardCheckout", evidence=Documented("driveitem-discardcheckout"), ru=2)
async def discard_checkout(call: Call) -> None:
    """Give the file back as it was when it was checked out; 204."""
    item, held = _held(call)
    with call.state.tx():
        if item["version"] != held["version"]:
            by = identities.identity(call.state, call.caller)
            files.restore(call.state, item, held["version"], by=by)
        _release(call, item)
