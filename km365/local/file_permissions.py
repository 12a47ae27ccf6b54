"""Who may open a file, a folder or a library: a site's three groups, until it has permissions of its own.

Permissions of one's own are made in SharePoint's pages, so here by `/_local/`; and by inviting somebody to a
file, which from then on keeps those it had inherited as its own. Delta does not tell of them
(issues microsoft-graph-docs#7254, onedrive-api-docs#1248 and #1250).
"""

import json
import sqlite3

from aiohttp import web

from km365.local import faults, files, items, lists, odata, sites, users
from km365.local.drive_paths import item_of, on_items, target
from km365.local.routes import (
    Call,
    Documented,
    GraphFault,
    Json,
    invalid,
    known_properties,
    listed,
    not_found,
    pages,
    unknown,
)
from km365.local.server import M365, M365_KEY
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS own_permissions (subject TEXT PRIMARY KEY, granted TEXT NOT NULL) WITHOUT ROWID;
""")

GROUPS = {"Owners": ("3", "owner"), "Visitors": ("4", "read"), "Members": ("5", "write")}
"""What SharePoint gives each site: the group's number and what it may do."""

faults.quirk(
    "permissions_hidden",
    "who may open a file or library is not told (an empty list), and nobody is let in, as for an app "
    "that does not own the site",
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


@on_items("POST", "/invite", evidence=Documented("driveitem-invite"), ru=5)
async def invite(call: Call) -> Json:
    """Lets people of the directory read or edit a file or folder, without a letter; 200 with what they have.

    What was inherited stays, as the item's own (`retainInheritedPermissions` is true where it is not said).
    """
    library, item = _owned(call)
    body = call.json()
    named = "recipients requireSignIn sendInvitation roles message retainInheritedPermissions"
    known_properties(body, named, "an invitation")
    if body.get("sendInvitation") is not False or body.get("requireSignIn") is not True:
        raise unknown("an invitation that is sent by mail or needs no sign-in")
    if body.get("retainInheritedPermissions", True) is not True:
        raise unknown("retainInheritedPermissions: false")
    roles, recipients = listed(body, "roles"), listed(body, "recipients")
    if len(roles) != 1 or roles[0] not in ("read", "write") or not recipients:
        raise invalid("An invitation needs recipients and one role, read or write.")
    granted, _ = _nearest(call.state, library, item)
    invited = [_recipient(call, one) for one in recipients]
    for person in invited:
        granted[person] = "write" if "write" in (granted.get(person), roles[0]) else "read"
    _keep(call.state, str(item["guid"]), granted)
    shown = [_json(call.state, library, (person, granted[person]), inherited=False) for person in invited]
    return odata.collection(call, shown)


def _owned(call: Call) -> tuple[sqlite3.Row, sqlite3.Row]:
    """The library and the file or folder, whose permissions only an owner of the site manages."""
    if faults.setting(call.state, "permissions_hidden") is not None:
        raise GraphFault(403, "accessDenied", "Access denied")
    return item_of(call)


def _recipient(call: Call, raw: Json) -> str:
    named = [raw.get(key) for key in ("objectId", "email")] if isinstance(raw, dict) else []
    person = next((one for one in named if isinstance(one, str) and one), None)
    if person is None:
        raise invalid("A recipient needs an objectId or an email.")
    try:
        return str(users.find(call.state, person)["id"])
    except GraphFault:
        raise invalid("The recipient could not be resolved.") from None


def take_back(call: Call) -> None:
    """Removes the permission of the path from the file or folder; what it inherits is taken back above."""
    library, item = _owned(call)
    granted, inherited = _nearest(call.state, library, item)
    left = {
        name: role
        for name, role in granted.items()
        if call.state.stable_id("permission", name) != call["permission"]
    }
    if len(left) == len(granted):
        raise not_found("the permission")
    if inherited:
        raise invalid("Only permissions that are not inherited can be deleted.")
    _keep(call.state, str(item["guid"]), left)


def in_force(state: State, library: sqlite3.Row, item: sqlite3.Row | None) -> list[Json]:
    """The permissions of the nearest that has its own: the item, a folder above, the library, the site."""
    granted, inherited = _nearest(state, library, item)
    return [_json(state, library, one, inherited=inherited) for one in granted.items()]


def _nearest(state: State, library: sqlite3.Row, item: sqlite3.Row | None) -> tuple[dict[str, str], bool]:
    """Who may do what, people by id, and whether that is inherited."""
    subjects, above = [], item
    while above is not None:
        subjects.append(str(above["guid"]))
        above = files.parent_of(state, above)
    for number, subject in enumerate((*subjects, str(library["id"]))):
        row = state.one("SELECT granted FROM own_permissions WHERE subject = ?", subject)
        if row is not None:
            found = {
                name if name in GROUPS else str(users.find(state, name)["id"]): role
                for name, role in json.loads(row["granted"]).items()
            }
            return found, number > 0
    return {name: role for name, (_, role) in GROUPS.items()}, True


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
    _keep(state, str(subject), granted)


def _keep(state: State, subject: str, granted: dict[str, str] | None) -> None:
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
