"""Grants on sites, lists and items: what `*.Selected` permissions need. Any bearer may do anything here."""

import json

from km365.local import list_items, lists, odata, sites
from km365.local.routes import (
    Call,
    Documented,
    Json,
    invalid,
    known_properties,
    listed,
    not_found,
    part,
    route,
)
from km365.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS permission (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, roles TEXT NOT NULL, granted_to TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS permission_subject ON permission (subject);
""")

ROLES = ("read", "write", "owner", "fullcontrol")
SITE, LIST, ITEM = "/sites/{site}", list_items.LIST, list_items.ITEM


def _subject(call: Call) -> str:
    """What the path names: the site, the list or the item."""
    if "item" in call.parameters:
        return str(list_items.found(call)[1]["guid"])
    if "list" in call.parameters:
        return str(lists.find(call)["id"])
    return str(sites.find(call.state, call["site"])["id"])


def _json(row: Json) -> dict[str, Json]:
    granted = json.loads(row["granted_to"])
    return {
        "id": row["id"],
        "roles": json.loads(row["roles"]),
        "grantedToIdentities": granted,
        "grantedToIdentitiesV2": granted,
    }


@route(
    "GET", ITEM + "/permissions", evidence=Documented("listitem-list-permissions"), ru=5, options="select top"
)
@route("GET", LIST + "/permissions", evidence=Documented("list-list-permissions"), ru=5, options="select top")
@route("GET", SITE + "/permissions", evidence=Documented("site-list-permissions"), ru=5, options="select top")
async def list_permissions(call: Call) -> Json:
    rows = call.state.all("SELECT * FROM permission WHERE subject = ? ORDER BY rowid", _subject(call))
    return odata.collection(call, [_json(r) for r in rows])


@route("POST", ITEM + "/permissions", evidence=Documented("listitem-post-permissions"), ru=5, status=201)
@route("POST", LIST + "/permissions", evidence=Documented("list-post-permissions"), ru=5, status=201)
@route("POST", SITE + "/permissions", evidence=Documented("site-post-permissions"), ru=5, status=201)
async def grant(call: Call) -> Json:
    body = call.json()
    known_properties(body, "roles grantedTo grantedToV2 grantedToIdentities", "a permission")
    one = part(body, "grantedToV2") or part(body, "grantedTo")
    granted, roles = listed(body, "grantedToIdentities") or [one], listed(body, "roles")
    if not roles or any(r not in ROLES for r in roles) or not all(isinstance(g, dict) and g for g in granted):
        raise invalid(f"A permission needs an identity and roles out of {', '.join(ROLES)}.")
    row = {
        "id": call.state.new_id(),
        "subject": _subject(call),
        "roles": json.dumps(roles),
        "granted_to": json.dumps(granted),
    }
    with call.state.tx() as c:
        c.execute("INSERT INTO permission VALUES (:id, :subject, :roles, :granted_to)", row)
    return _json(row)


@route("GET", SITE + "/permissions/{permission}", evidence=Documented("site-get-permission"), ru=5)
async def get_permission(call: Call) -> Json:
    row = call.state.one(
        "SELECT * FROM permission WHERE subject = ? AND id = ?", _subject(call), call["permission"]
    )
    if row is None:
        raise not_found("the permission")
    return _json(row)


@route("DELETE", SITE + "/permissions/{permission}", evidence=Documented("site-delete-permission"), ru=5)
async def revoke(call: Call) -> None:
    with call.state.tx() as c:
        c.execute("DELETE FROM permission WHERE subject = ? AND id = ?", (_subject(call), call["permission"]))
