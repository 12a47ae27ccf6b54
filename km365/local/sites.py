"""Sites: the root, by id, by address, listed and searched. Graph v1.0 cannot create one; the seed does."""

import re
import sqlite3
from collections.abc import Callable

from km365.local import odata
from km365.local.routes import Call, Documented, Json, Request, invalid, not_found, route
from km365.local.state import State, tables

HOST = "childrensagency.sharepoint.example"

tables("""
CREATE TABLE IF NOT EXISTS site (
    id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,
    display_name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL, modified_at TEXT NOT NULL
) WITHOUT ROWID;
""")


_FROM_THE_START: list[Callable[[State, str], object]] = []


def has_from_the_start(add: Callable[[State, str], object]) -> None:
    """Call `add(state, site_id)` for every new site: what SharePoint gives each one."""
    _FROM_THE_START.append(add)


def create(state: State, path: str, display_name: str, *, description: str = "") -> str:
    """The id of the site at the server-relative `path` ("/sites/knowledge", root "/"), made when absent."""
    row = state.one("SELECT id FROM site WHERE path = ?", path)
    if row is not None:
        return str(row["id"])
    site_id = f"{HOST},{state.stable_id('site', path)},{state.stable_id('web', path)}"
    name = path.rsplit("/", 1)[-1] or "root"
    with state.tx() as c:
        now = state.stamp()
        c.execute(
            "INSERT INTO site VALUES (?, ?, ?, ?, ?, ?, ?)",
            (site_id, path, name, display_name, description, now, now),
        )
        for add in _FROM_THE_START:
            add(state, site_id)
    return site_id


def root(state: State) -> str:
    """The id of the root site, which every tenant has."""
    return create(state, "/", "Communication site")


def find(state: State, site: str) -> sqlite3.Row:
    """The site with this id: the whole `host,guid,guid`, its first GUID, `root` or the host name."""
    if site.lower() in ("root", HOST):
        site = root(state)
    row = state.one("SELECT * FROM site WHERE id = ? OR instr(id, ?)", site, f",{site},")
    if row is None:
        raise not_found("the site")
    return row


def find_at(state: State, host: str, path: str) -> sqlite3.Row:
    """The site at `host:/path`."""
    row = state.one("SELECT * FROM site WHERE path = ?", "/" + path.strip("/"))
    if row is None or host.lower() != HOST:
        raise not_found("the site")
    return row


def without_address(state: State, request: Request) -> str:
    """The path with `/sites/host:/path:/...` replaced by `/sites/{id}/...`; other paths as they are.

    Addressed so, a site refuses `$expand=fields($select=...)` (issue microsoft-graph-docs-contrib#765).
    """
    match = re.fullmatch(r"/sites/([^/:]+):/(.+?):(/.+)", request.path)
    if match is None:
        return request.path
    if any(e.select for e in request.query.expand.values()):
        raise invalid("The query specified in the URI is not valid for a site addressed by its path.")
    return f"/sites/{find_at(state, match[1], match[2])['id']}{match[3]}"


def site_json(call: Call, row: sqlite3.Row) -> dict[str, Json]:
    """A site as Graph shows it."""
    shown: dict[str, Json] = {
        "id": row["id"],
        "name": row["name"],
        "displayName": row["display_name"],
        "description": row["description"],
        "createdDateTime": row["created_at"],
        "lastModifiedDateTime": row["modified_at"],
        "webUrl": call.web(row["path"]),
        "siteCollection": {"hostname": HOST},
    }
    if row["path"] == "/":
        shown["root"] = {}
    return shown


@route("GET", "/sites/root", evidence=Documented("site-get"), ru=1, options="select")
async def get_root(call: Call) -> Json:
    return odata.pick(site_json(call, find(call.state, "root")), call.query.select)


@route("GET", "/sites/{site}", evidence=Documented("site-get"), ru=1, options="select")
async def get_site(call: Call) -> Json:
    return odata.pick(site_json(call, find(call.state, call["site"])), call.query.select)


@route("GET", "/sites/{host}:/{path...}", evidence=Documented("site-getbypath"), ru=1, options="select")
async def get_site_by_address(call: Call) -> Json:
    return odata.pick(site_json(call, find_at(call.state, call["host"], call["path"])), call.query.select)


@route(
    "GET",
    "/sites/{site}/getByPath(path='{path...}')",
    evidence=Documented("site-getbypath"),
    ru=1,
    options="select",
)
async def get_site_by_path(call: Call) -> Json:
    find(call.state, call["site"])
    return odata.pick(site_json(call, find_at(call.state, HOST, call["path"])), call.query.select)


@route(
    "GET",
    "/sites",
    evidence=Documented("site-search"),
    ru=2,
    options="search select top skiptoken filter count",
)
async def list_sites(call: Call) -> Json:
    """`search=*` lists all sites; words must all appear in the names, description or address."""
    words = (call.query.get("search") or "*").strip('"').casefold().replace("*", " ").split()
    root(call.state)
    rows = [
        r
        for r in call.state.all("SELECT * FROM site ORDER BY path")
        if all(
            w in f"{r['display_name']} {r['name']} {r['description']} {r['path']}".casefold() for w in words
        )
    ]
    return odata.collection(call, [site_json(call, r) for r in rows])


@route(
    "GET",
    "/sites/{site}/sites",
    evidence=Documented("site-list-subsites"),
    ru=2,
    options="select top skiptoken",
)
async def list_subsites(call: Call) -> Json:
    parent = find(call.state, call["site"])["path"].rstrip("/")
    rows = call.state.all(
        "SELECT * FROM site WHERE path LIKE ? AND path NOT LIKE ?", f"{parent}/%", f"{parent}/%/%"
    )
    # Site collections under /sites are no subsites of the root.
    return odata.collection(call, [site_json(call, r) for r in rows if parent])
