"""Libraries as drives: files and folders found, listed, followed, moved, copied and deleted."""

import sqlite3
from functools import partial

from km365.local import bookmarks, faults, fields, files, identities, items, lists, odata, sites
from km365.local.drive_paths import item_of, library_of, on_drives, on_items, resolve_conflict, target
from km365.local.routes import (
    Answer,
    Call,
    Documented,
    Json,
    Request,
    invalid,
    known_properties,
    not_found,
    route,
    unknown,
)

DELTA_LIVES_S = 90 * 24 * 3600
"""How long a delta token holds. No page says for SharePoint; ours is generous."""


# drives --------------------------------------------------------------------------------------------------


def drive_json(call: Call, library: sqlite3.Row) -> dict[str, Json]:
    """A library as a drive."""
    return {
        "id": library["drive_id"],
        "name": library["display_name"],
        "description": library["description"],
        "driveType": "documentLibrary",
        "createdDateTime": library["created_at"],
        "lastModifiedDateTime": library["modified_at"],
        "webUrl": call.web(lists.web_path(call.state, library).replace(" ", "%20")),
    }


@route(
    "GET",
    "/sites/{site}/drives",
    evidence=Documented("drive-list"),
    ru=2,
    options="select top skiptoken filter",
)
async def list_drives(call: Call) -> Json:
    site = sites.find(call.state, call["site"])
    rows = call.state.all(
        "SELECT * FROM list WHERE site_id = ? AND drive_id IS NOT NULL ORDER BY display_name", site["id"]
    )
    return odata.collection(call, [drive_json(call, r) for r in rows])


@on_drives("GET", "", evidence=Documented("drive-get"), ru=1, options="select")
async def get_drive(call: Call) -> Json:
    return odata.pick(drive_json(call, library_of(call)), call.query.select)


@route("GET", "/sites/{site}/lists/{list}/drive", evidence=Documented("drive-get"), ru=1, options="select")
async def get_drive_of_list(call: Call) -> Json:
    row = lists.find(call)
    if row["drive_id"] is None:
        raise not_found("the drive: this list is no library")
    return odata.pick(drive_json(call, row), call.query.select)


@on_drives("GET", "/list", evidence=Documented("list-get"), ru=1, options="select expand")
async def get_list_of_drive(call: Call) -> Json:
    return odata.pick(lists.list_json(call, library_of(call)), call.query.chosen)


# files and folders ---------------------------------------------------------------------------------------


def shown(call: Call, library: sqlite3.Row, item: sqlite3.Row | None) -> dict[str, Json]:
    """A file or folder with what $select and $expand ask for."""
    whole = files.item_json(call, library, item)
    for name, wanted in call.query.expand.items():
        if name == "listItem":
            inside = {e.name: e for e in wanted.expand}
            whole[name] = None if item is None else items.View(call, library, inside).item(item)
        elif name == "children":
            below = files.in_folder(call.state, library["id"], item)
            whole[name] = [files.item_json(call, library, i) for i in below]
        else:
            raise unknown(f"$expand={name} on a file or folder")
    if item is not None and "sharepointIds" in call.query.select:
        whole["sharepointIds"] = files.sharepoint_ids(library, item)
    if item is not None and "publication" in call.query.select:
        whole["publication"] = files.publication(call.state, item)
    return odata.pick(whole, call.query.chosen)


@on_items("GET", "", evidence=Documented("driveitem-get"), ru=1, options="select expand")
async def get_item(call: Call) -> Json:
    """A file or folder; 304 when the ETag in If-None-Match still holds."""
    library, item = target(call)
    if item is None:
        return shown(call, library, item)
    if call.headers.get("If-None-Match") in (items.etag(item), items.etag(item).strip('"')):
        return Answer(304)
    return Answer(200, shown(call, library, item), {"ETag": items.etag(item)})


@on_items(
    "GET",
    "/children",
    evidence=Documented("driveitem-list-children"),
    ru=2,
    options="select expand filter orderby top skiptoken",
)
async def list_children(call: Call) -> Json:
    """What lies directly in a folder, by name."""
    if (empty := faults.empty_page(call)) is not None:
        return empty
    library, folder = target(call)
    if folder is not None and folder["kind"] != "folder":
        raise invalid("A file has no children.")
    rows, query = files.in_folder(call.state, library["id"], folder), call.query
    if query.get("filter") or query.order:
        return odata.collection(call, [shown(call, library, r) for r in rows])
    # Cut the page before showing it: a folder may hold thousands of files.
    start, top = query.number("skiptoken", 0), min(query.number("top", 200), 1000)
    answer: dict[str, Json] = {"value": [shown(call, library, r) for r in rows[start : start + top]]}
    if top and start + top < len(rows):
        answer["@odata.nextLink"] = call.link(skiptoken=start + top)
    return answer


@on_items("POST", "/children", evidence=Documented("driveitem-post-children"), ru=2, status=201)
async def create_folder(call: Call) -> Json:
    """Make a folder; files are made by uploading their content."""
    library, parent = target(call)
    body = call.json()
    known_properties(body, "name folder @microsoft.graph.conflictBehavior", "a new folder")
    if not isinstance(body.get("folder"), dict):
        raise invalid("Only folders are made here: 'folder' is missing.")
    behaviour = str(body.get("@microsoft.graph.conflictBehavior", "fail"))
    with call.state.tx():
        name, there = resolve_conflict(call, library, parent, body.get("name") or "", behaviour)
        if there is None:
            by = identities.identity(call.state, call.caller)
            there = files.add_folder(call.state, library["id"], parent, name, by=by)
    return files.item_json(call, library, there)


@on_items("PATCH", "", evidence=Documented("driveitem-update"), ru=2)
async def update_item(call: Call) -> Json:
    """Rename, or move within the library (driveitem-move)."""
    library, item = item_of(call)
    body = call.json()
    known_properties(
        body, "name parentReference @microsoft.graph.conflictBehavior", "a change of a file or folder"
    )
    call.require_match(items.etag(item))
    fields.refuse_when_open(call, item)
    folder = files.parent_of(call.state, item)
    if "parentReference" in body:
        folder = _folder_named(call, library, body["parentReference"])
    with call.state.tx():
        name = body.get("name", item["name"])
        there = files.named(call.state, library["id"], folder, files.check_name(name))
        if there is not None and there["guid"] != item["guid"]:
            name, _ = resolve_conflict(call, library, folder, name, _refused_when_replacing(body))
        by = identities.identity(call.state, call.caller)
        item = files.move(call.state, item, folder, name, by=by)
    return Answer(200, files.item_json(call, library, item), {"ETag": items.etag(item)})


def _refused_when_replacing(body: dict[str, Json]) -> str:
    behaviour = str(body.get("@microsoft.graph.conflictBehavior", "fail"))
    if behaviour == "replace":
        raise unknown("replacing another file by moving one onto it")
    return behaviour


def _folder_named(call: Call, library: sqlite3.Row, reference: Json) -> sqlite3.Row | None:
    """The folder that a parentReference means, in this library."""
    if not isinstance(reference, dict):
        raise invalid("parentReference must be an object.")
    if reference.get("driveId", library["drive_id"]) != library["drive_id"]:
        raise unknown("moving or copying to another library")
    if isinstance(reference.get("id"), str):
        if reference["id"] == "root" or files.guid_of(reference["id"]) == library["id"]:
            return None
        row = items.by_guid(call.state, files.guid_of(reference["id"]))
    elif isinstance(reference.get("path"), str):
        path = "/" + reference["path"].partition("root:")[2].strip("/")
        if path == "/":
            return None
        row = files.at_path(call.state, library["id"], path)
    else:
        raise invalid("parentReference names no folder.")
    if row["kind"] != "folder" or row["list_id"] != library["id"]:
        raise not_found("the folder")
    return row


@on_items("DELETE", "", evidence=Documented("driveitem-delete"), ru=2)
async def delete_item(call: Call) -> None:
    """Delete a file, or a folder with all that is in it. We keep no recycle bin."""
    _, item = item_of(call)
    call.require_match(items.etag(item))
    fields.refuse_when_open(call, item)
    items.remove(call.state, item)


@on_items("POST", "/copy", evidence=Documented("driveitem-copy"), ru=2)
async def copy_item(call: Call) -> Json:
    """Copy a file within its library; 202, and an address in Location that says how it went."""
    library, item = item_of(call)
    body = call.json()
    known_properties(body, "name parentReference @microsoft.graph.conflictBehavior", "a copy")
    if item["kind"] != "file":
        raise unknown("copying a folder")
    folder = files.parent_of(call.state, item)
    if "parentReference" in body:
        folder = _folder_named(call, library, body["parentReference"])
    behaviour = call.query.raw.get("@microsoft.graph.conflictBehavior", _refused_when_replacing(body))
    with call.state.tx():
        name, _ = resolve_conflict(call, library, folder, body.get("name") or item["name"], behaviour)
        by = identities.identity(call.state, call.caller)
        blob = files.content_of(call.state, item)["blob"]
        values = items.stored_fields(item)
        copied = files.add_file(call.state, library["id"], folder, name, blob, by=by, fields=values)
    location = f"{call.m365.base_url}/_content/copied/{files.drive_item_id(copied['guid'])}"
    return Answer(202, None, {"Location": location})


# changes -------------------------------------------------------------------------------------------------


def _delta_units(request: Request) -> int:
    return 1 if request.query.get("token") or "token='" in request.path else 2


@on_drives(
    "GET", "/root/delta", evidence=Documented("driveitem-delta"), ru=_delta_units, options="select top token"
)
@on_drives(
    "GET",
    "/root/delta(token='{token}')",
    evidence=Documented("driveitem-delta"),
    ru=_delta_units,
    options="select top token",
)
@on_drives(
    "GET",
    "/items/{item}/delta",
    evidence=Documented("driveitem-delta"),
    ru=_delta_units,
    options="select top token",
)
@on_drives(
    "GET",
    "/items/{item}/delta(token='{token}')",
    evidence=Documented("driveitem-delta"),
    ru=_delta_units,
    options="select top token",
)
async def follow_drive(call: Call) -> Json:
    """Files and folders as they are now, the longest unchanged first; SharePoint follows the root only."""
    if (empty := faults.empty_page(call)) is not None:
        return empty
    library, item = target(call)
    if item is not None:
        raise invalid("SharePoint follows changes of the root folder only.")
    token = call.query.get("token") or call.parameters.get("token")
    feed = bookmarks.Feed(
        what=f"drive {library['drive_id']}",
        changes=partial(_changes, call, library["id"]),
        show=partial(_changed, call, library),
        next_option="token",
        delta_option="token",
        lives_s=DELTA_LIVES_S,
    )
    page = bookmarks.page(call, feed, token=token, top=max(1, min(call.query.number("top", 200), 1000)))
    if token is None:
        page["value"].insert(0, odata.pick(files.root_json(call, library), call.query.select))
    return page


def _changes(call: Call, list_id: str, after: int, limit: int) -> list[sqlite3.Row]:
    return call.state.all(
        "SELECT *, changed AS change FROM item"
        " WHERE list_id = ? AND changed > ? AND kind <> 'item' ORDER BY changed LIMIT ?",
        *(list_id, after, limit),
    )


def _changed(call: Call, library: sqlite3.Row, row: sqlite3.Row, mark: bookmarks.Bookmark) -> Json:
    if not row["deleted"]:
        return odata.pick(files.item_json(call, library, row), mark.select and (*mark.select, "id"))
    if mark.first:
        return None
    where = call.state.one("SELECT parent FROM file_place WHERE guid = ?", row["guid"])
    gone: dict[str, Json] = {"id": files.drive_item_id(row["guid"]), "deleted": {"state": "deleted"}}
    gone[("folder" if row["kind"] == "folder" else "file")] = {}
    if where is not None:
        parent = {"driveId": library["drive_id"], "id": files.drive_item_id(where["parent"])}
        gone["parentReference"] = {**parent, "driveType": "documentLibrary"}
    return gone
