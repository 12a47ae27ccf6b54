"""How a file or folder is addressed: by id, or by path from the root or a folder.

The SDK writes `items/root:%2Ffolder%2Fa.docx:/content`, people write `root:/folder/a.docx:/content`.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from km365.local import files, items, lists, sites
from km365.local.routes import Call, Evidence, GraphFault, Handler, invalid, not_found, route, unknown
from km365.local.routes import Units as ResourceUnits

DRIVES = ("/drives/{drive}", "/sites/{site}/drive")
BY_ID = ("/items/{item}", "/root")
BY_PATH = ("/root:/{path...}", "/items/{item}:/{path...}")


def on_drives(
    verb: str, tail: str, *, evidence: Evidence, ru: ResourceUnits, options: str = "", status: int = 200
) -> Callable[[Handler], Handler]:
    """Serve `verb` on `tail` below a drive, whichever way the drive is addressed."""

    def declare(handler: Handler) -> Handler:
        for drive in DRIVES:
            route(verb, drive + tail, evidence=evidence, ru=ru, options=options, status=status)(handler)
        return handler

    return declare


def on_items(
    verb: str, tail: str, *, evidence: Evidence, ru: ResourceUnits, options: str = "", status: int = 200
) -> Callable[[Handler], Handler]:
    """Serve `verb` on `tail` below a file or folder, whichever way it is addressed."""

    def declare(handler: Handler) -> Handler:
        for address in BY_ID:
            on_drives(verb, address + tail, evidence=evidence, ru=ru, options=options, status=status)(handler)
        for address in BY_PATH:
            end = f":{tail}" if tail else ""
            on_drives(verb, address + end, evidence=evidence, ru=ru, options=options, status=status)(handler)
        return handler

    return declare


def library_of(call: Call) -> sqlite3.Row:
    """The library behind the drive of the path; a site's own is *Documents*."""
    if drive := call.parameters.get("drive"):
        return lists.by_drive(call.state, drive)
    site = sites.find(call.state, call["site"])
    row = call.state.one(
        "SELECT * FROM list WHERE site_id = ? AND name = 'Shared Documents' AND drive_id IS NOT NULL",
        site["id"],
    )
    if row is None:
        raise not_found("the site's library")
    return row


def target(call: Call) -> tuple[sqlite3.Row, sqlite3.Row | None]:
    """The library and the file or folder of the path; None is the root."""
    library = library_of(call)
    start = _by_id(call, library)
    below = _path(call)
    if not below:
        return library, start
    above = start["path"] if start else ""
    return library, files.at_path(call.state, library["id"], f"{above}/{below}")


def item_of(call: Call) -> tuple[sqlite3.Row, sqlite3.Row]:
    """As `target`, where the root will not do."""
    library, item = target(call)
    if item is None:
        raise invalid("This cannot be done to the root folder.")
    return library, item


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where a file is to lie: its folder's path ("" is the root) and its name."""

    library: sqlite3.Row
    folder: str
    name: str


def spot(call: Call) -> Spot:
    """Where the path says that a file is to lie, whether or not one does."""
    library = library_of(call)
    start, below = _by_id(call, library), _path(call)
    if not below:
        raise invalid("A name is missing in the path.")
    above, _, name = below.rpartition("/")
    parts = [start["path"] if start else "", above]
    return Spot(library=library, folder="/".join(p for p in parts if p), name=name)


def _by_id(call: Call, library: sqlite3.Row) -> sqlite3.Row | None:
    item_id = call.parameters.get("item", "root")
    if item_id == "root":
        return None
    guid = files.guid_of(item_id)
    if guid == library["id"]:
        return None
    row = items.by_guid(call.state, guid)
    if row["list_id"] != library["id"] or row["kind"] == "item":
        raise not_found("the item")
    return row


def _path(call: Call) -> str:
    path = call.parameters.get("path", "").removesuffix(":")
    if ":" in path:
        raise unknown(f"what follows the path in {call.request.path}")
    return "/".join(part for part in path.split("/") if part)


def resolve_conflict(
    call: Call, library: sqlite3.Row, folder: sqlite3.Row | None, name: str, behaviour: str
) -> tuple[str, sqlite3.Row | None]:
    """The name to use, and what is to be replaced under it. `fail` raises 409, `rename` finds a free name."""
    there = files.named(call.state, library["id"], folder, files.check_name(name))
    if behaviour not in ("fail", "replace", "rename"):
        raise invalid(f"'{behaviour}' is not a conflict behaviour.")
    if there is None or behaviour == "replace":
        return name, there
    if behaviour == "fail":
        raise GraphFault(
            409, "nameAlreadyExists", "An item with the same name already exists under the parent."
        )
    stem, dot, ending = name.rpartition(".")
    number = 1
    while True:
        candidate = f"{stem} {number}{dot}{ending}" if stem else f"{name} {number}"
        if files.named(call.state, library["id"], folder, candidate) is None:
            return candidate, None
        number += 1
