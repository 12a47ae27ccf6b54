"""Who may open a file, a folder or a library: a site's three groups, until it has permissions of its own.

Permissions of one's own are made in SharePoint's pages, so here by `/_local/`. Delta does not tell of them
(issues microsoft-graph-docs#7254, onedrive-api-docs#1248 and #1250).
"""

import json
import sqlite3

from aiohttp import web

from km365.local import faults, files, items, lists, odata, sites, users
from km365.local.drive_paths import on_items, target
from km365.local.routes import Call, Documented, GraphFault, Json, pages
from km365.local.server import M365, M365_KEY
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS own_permissions (subject TEXT PRIMARY KEY, granted TEXT NOT NULL) WITHOUT ROWID;
""")

GROUPS = {"Owners": ("3", "owner"), "Visitors": ("4", "read"), "Members": ("5", "write")}
"""What SharePoint gives each site: the group's number and what it may do."""

faults.quirk(
    "permissions_hidden",
    "who may open a file or library is not told (an empty list), as to an app that does not own the site",
    evidence=Documented("driveitem-list-permissions"),
)


@on_items(
    "GET",
    "/permissions",
    evidence=Documented("driveitem-list-permissions"),
    ru=5,
    options="select top skiptoken",
)
async def list_permissions(call: Call) -> Json:
    """Those in force; inherited ones carry `inheritedFrom`, empty (issue microsoft-graph-devx-api#223)."""
    library, item = target(call)
    if faults.setting(call.state, "permissions_hidden") is not None:
        return odata.collection(call, [])
    return odata.collection(call, in_force(call.state, library, item))


def in_force(state: State, library: sqlite3.Row, item: sqlite3.Row | None) -> list[Json]:
    """The permissions of the nearest that has its own: the item, a folder above, the library, the site."""
    subjects, above = [], item
    while above is not None:
        subjects.append(str(above["guid"]))
        above = files.parent_of(state, above)
    for number, subject in enumerate((*subjects, str(library["id"]))):
        row = state.one("SELECT granted FROM own_permissions WHERE subject = ?", subject)
        if row is not None:
            return [
                _json(state, library, one, inherited=number > 0) for one in json.loads(row["granted"]).items()
            ]
    return [_json(state, library, (name, role), inherited=True) for name, (_, role) in GROUPS.items()]


def _json(state: State, library: sqlite3.Row, grant: tuple[str, str], *, inherited: bool) -> dict[str, Json]:
    name, role = grant
    shown: dict[str, Json] = {"id": state.stable_id("permission", name), "roles": [role]}
    if name in GROUPS:
        called = f"{sites.find(state, library['site_id'])['display_name']} {name}"
        group = {"id": GROUPS[name][0], "displayName": called, "loginName": called}
        shown["grantedToV2"] = {"siteGroup": group}
    else:
        user = users.find(state, name)
        shown["grantedToV2"] = {"user": {"id": user["id"], "displayName": user["display_name"]}}
    return shown | ({"inheritedFrom": {}} if inherited else {})


def set_own(state: State, drive_id: str, item_id: str, granted: dict[str, str] | None) -> None:
    """Gives the file, folder or library (`root`) permissions of its own; None lets it inherit again.

    `granted` says who (a group of the site: Owners, Members, Visitors; or a person's id or sign-in name) may
    do what (read, write, owner). Raises GraphFault for what is not there.
    """
    library = lists.by_drive(state, drive_id)
    subject = library["id"] if item_id == "root" else items.by_guid(state, files.guid_of(item_id))["guid"]
    for name in granted or ():
        if name not in GROUPS:
            users.find(state, name)
    with state.tx() as c:
        c.execute("DELETE FROM own_permissions WHERE subject = ?", (subject,))
        if granted is not None:
            c.execute("INSERT INTO own_permissions VALUES (?, ?)", (subject, json.dumps(granted)))


@pages
def _controls(app: web.Application, m365: M365) -> None:
    app.router.add_put("/_local/drives/{drive}/items/{item}/permissions", _set)


async def _set(http: web.Request) -> web.Response:
    """`{"own": {"Owners": "owner", "ben@…": "read"}}`: a file's, folder's or `root`'s own; null inherits."""
    try:
        own = json.loads(await http.read())["own"]
        roles = () if own is None else own.values()
        if not all(one in ("read", "write", "owner") for one in roles):
            raise ValueError
    except (AttributeError, KeyError, TypeError, ValueError):
        refused = 'say {"own": {"Members": "read"}} with read, write or owner, or {"own": null}'
        return web.json_response({"error": refused}, status=400)
    try:
        set_own(http.app[M365_KEY].state, http.match_info["drive"], http.match_info["item"], own)
    except GraphFault as fault:
        return web.json_response({"error": fault.message}, status=fault.status)
    return web.json_response({"own": own})
