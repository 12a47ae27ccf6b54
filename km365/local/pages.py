"""`/sharepoint`: what is kept, for people: sites, lists and libraries, items with tags and versions, files.

The addresses are those in Graph's `webUrl`, so a link in a message or a command's output opens the page of
the thing. It shows everything, as somebody with all rights would see it.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from km365.local import blobs, columns, files, items, lists, webpages
from km365.local.routes import GraphFault, pages
from km365.local.server import M365, M365_KEY
from km365.local.state import State
from km365.local.values import Reader, Value

ROOT = "/sharepoint"
ITEMS_ON_PAGE = 50
COLUMNS_IN_TABLE = 4
"""So many columns at most, unless more of them hold tags."""
BUILT_IN = frozenset(row[0] for row in (*columns.BUILT_IN, *columns.OF_FILES))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an address leads: without `library` to a site, without `item` to a list or library."""

    site: sqlite3.Row
    library: sqlite3.Row | None = None
    item: sqlite3.Row | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one version did to one column."""

    column: str
    before: Value
    after: Value


def place(state: State, path: str) -> Place:
    """The thing at a server-relative address (`/sites/x/Lists/Knowledge/7_.000`). Raises 404."""
    path = "/" + path.strip("/")
    found = [s for s in state.all("SELECT * FROM site") if _within(path, s["path"])]
    if not found:
        raise _missing(path)
    site = max(found, key=lambda s: len(s["path"]))
    if _same(path, site["path"]):
        return Place(site=site)
    there = [
        row
        for row in state.all("SELECT * FROM list WHERE site_id = ?", site["id"])
        if _within(path, lists.web_path(state, row))
    ]
    if not there:
        raise _missing(path)
    library = max(there, key=lambda row: len(row["name"]))
    rest = path[len(lists.web_path(state, library)) :]
    return Place(site=site, library=library, item=_item(state, library, rest) if rest else None)


def _within(path: str, parent: str) -> bool:
    return _same(path, parent) or path.casefold().startswith(parent.rstrip("/").casefold() + "/")


def _same(path: str, other: str) -> bool:
    return path.casefold() == other.casefold()


def _missing(path: str) -> GraphFault:
    return GraphFault(404, "itemNotFound", f"There is nothing at {path}.")


def _item(state: State, library: sqlite3.Row, rest: str) -> sqlite3.Row:
    if number := re.fullmatch(r"/(\d+)_\.000", rest):
        return items.get(state, library["id"], number[1])
    return files.at_path(state, library["id"], rest)


def address(state: State, library: sqlite3.Row, item: sqlite3.Row | None = None) -> str:
    """The page of a list, or of something in it."""
    end = "" if item is None else f"/{item['id']}_.000" if item["kind"] == "item" else item["path"]
    return ROOT + quote(lists.web_path(state, library) + end)


# values ---------------------------------------------------------------------------------------------------


def who(identity: str) -> str:
    """Who did something, from the identitySet kept with it."""
    shown = json.loads(identity or "{}")
    one = shown.get("user") or shown.get("application") or {}
    return str(one.get("displayName") or one.get("id") or "")


def own_columns(state: State, list_id: str) -> list[sqlite3.Row]:
    """The columns that somebody added to the list, in their order, the title first."""
    every = [c for c in columns.of_owner(state, list_id) if not c["hidden"]]
    return [c for c in every if c["name"] == "Title"] + [c for c in every if c["name"] not in BUILT_IN]


def history(
    state: State, item: sqlite3.Row, shown: Iterable[sqlite3.Row], read: Reader
) -> list[dict[str, Any]]:
    """Every version, newest first, with what it changed in the columns shown."""
    rows = state.all(
        "SELECT version, fields, modified_at, modified_by FROM item WHERE list_id = ?1 AND id = ?2"
        " UNION ALL SELECT version, fields, modified_at, modified_by FROM item_version"
        " WHERE list_id = ?1 AND item_id = ?2 ORDER BY version DESC",
        item["list_id"],
        item["id"],
    )
    fields = [json.loads(row["fields"]) for row in rows] + [{}]
    return [
        {
            "version": f"{row['version']}.0",
            "at": row["modified_at"],
            "by": who(row["modified_by"]),
            "changes": [
                Change(
                    column=c["display_name"],
                    before=read(c["name"], old.get(c["name"])),
                    after=read(c["name"], new.get(c["name"])),
                )
                for c in shown
                if old.get(c["name"]) != new.get(c["name"])
            ],
        }
        for row, new, old in zip(rows, fields, fields[1:], strict=False)
    ]


# pages ----------------------------------------------------------------------------------------------------


def _page(http: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    language = webpages.browser_language(http)
    return webpages.page(http, template, language=language, status=status, **values)


def _reader(http: web.Request, state: State, site: sqlite3.Row) -> Reader:
    words = webpages.words(webpages.browser_language(http))
    return Reader(state, site["id"], {letter: words[f"audience_{letter.lower()}"] for letter in "UOSR"})


def _numbered(http: web.Request, total: int) -> tuple[int, int]:
    """The page asked for and how many there are; a strange number gives the nearest page."""
    last = max(1, -(-total // ITEMS_ON_PAGE))
    asked = http.query.get("page", "1")
    return min(max(int(asked) if asked.isdecimal() else 1, 1), last), last


async def all_sites(http: web.Request) -> web.Response:
    state = http.app[M365_KEY].state
    found = state.all(
        "SELECT site.*, COUNT(list.id) AS lists FROM site LEFT JOIN list ON list.site_id = site.id"
        " GROUP BY site.id ORDER BY site.display_name"
    )
    return _page(
        http, "sites.html", sites=[{**dict(row), "address": ROOT + quote(row["path"])} for row in found]
    )


async def show(http: web.Request) -> web.StreamResponse:
    """Whatever is at the address: a site, a list or folder, an item or a file."""
    state = http.app[M365_KEY].state
    try:
        found = place(state, http.match_info["path"])
    except GraphFault:
        return _page(http, "missing.html", status=404)
    if found.library is None:
        return _site(http, state, found)
    if found.item is None or found.item["kind"] == "folder":
        return folder_page(http, state, found)
    if "download" in http.query and found.item["kind"] == "file":
        return await _download(http, state, found.item)
    return _one(http, state, found.site, found.library, found.item)


async def _download(http: web.Request, state: State, item: sqlite3.Row) -> web.StreamResponse:
    """The file as it is now, to be saved and never shown in the page's own place."""
    content = files.content_of(state, item)
    response = web.StreamResponse(headers={"Content-Type": files.mime_of(item["name"])})
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(item['name'], safe='')}"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.content_length = content["size"]
    await response.prepare(http)
    for piece in blobs.pieces(state, content["blob"]):
        await response.write(piece)
    return response


def _site(http: web.Request, state: State, found: Place) -> web.Response:
    rows = state.all("SELECT * FROM list WHERE site_id = ? ORDER BY display_name", found.site["id"])
    counts = {
        row["list_id"]: row["n"]
        for row in state.all(
            "SELECT list_id, COUNT(*) AS n FROM item WHERE NOT deleted AND kind <> 'folder' GROUP BY list_id"
        )
    }
    shown = [{**dict(r), "address": address(state, r), "count": counts.get(r["id"], 0)} for r in rows]
    return _page(
        http,
        "site.html",
        trail=[],
        site=found.site,
        lists=[r for r in shown if r["template"] != lists.LIBRARY],
        libraries=[r for r in shown if r["template"] == lists.LIBRARY],
    )


def folder_page(
    http: web.Request, state: State, found: Place, *, refused: Sequence[tuple[str, str]] = ()
) -> web.Response:
    """What lies in a list, library or folder; `refused` are files that were not added, with Graph's codes."""
    site, library, folder = found.site, found.library, found.item
    assert library is not None  # noqa: S101 - a site has a page of its own
    is_library = library["template"] == lists.LIBRARY
    if is_library:
        inside = files.in_folder(state, library["id"], folder)
        every = sorted(inside, key=lambda row: row["kind"] != "folder")
        total = len(every)
        number, last = _numbered(http, total)
        rows = every[(number - 1) * ITEMS_ON_PAGE : number * ITEMS_ON_PAGE]
    else:
        counted = state.one("SELECT COUNT(*) AS n FROM item WHERE list_id = ? AND NOT deleted", library["id"])
        total = counted["n"] if counted else 0
        number, last = _numbered(http, total)
        rows = state.all(
            "SELECT * FROM item WHERE list_id = ? AND NOT deleted ORDER BY id DESC LIMIT ? OFFSET ?",
            library["id"],
            ITEMS_ON_PAGE,
            (number - 1) * ITEMS_ON_PAGE,
        )
    return _page(
        http,
        "list.html",
        trail=_trail(state, site, library, folder),
        library=library,
        folder=folder,
        is_library=is_library,
        columns=_telling(own_columns(state, library["id"])),
        read=_reader(http, state, site),
        total=total,
        page=number,
        pages=last,
        rows=[_row(state, library, row) for row in rows],
        refused=refused,
    )


def _telling(shown: list[sqlite3.Row]) -> list[sqlite3.Row]:
    """The columns that tell most in a table: all tags first, long texts never."""
    short = [
        c for c in shown if c["name"] != "Title" and not json.loads(c["facet"]).get("allowMultipleLines")
    ]
    tags = [c for c in short if c["kind"] == "term"]
    others = [c for c in short if c["kind"] != "term"]
    return tags + others[: max(0, COLUMNS_IN_TABLE - len(tags))]


def _row(state: State, library: sqlite3.Row, row: sqlite3.Row) -> dict[str, Any]:
    fields = items.stored_fields(row)
    title = str(fields.get("Title") or f"#{row['id']}") if row["kind"] == "item" else row["name"]
    return {
        "address": address(state, library, row),
        "title": title,
        "kind": row["kind"],
        "fields": fields,
        "modified_at": row["modified_at"],
        "modified_by": who(row["modified_by"]),
    }


def _one(
    http: web.Request, state: State, site: sqlite3.Row, library: sqlite3.Row, item: sqlite3.Row
) -> web.Response:
    shown, read = own_columns(state, library["id"]), _reader(http, state, site)
    row = _row(state, library, item)
    return _page(
        http,
        "item.html",
        trail=_trail(state, site, library, None, item),
        item=item,
        title=row["title"],
        fields=[(c, read(c["name"], row["fields"].get(c["name"]))) for c in shown],
        created_by=who(item["created_by"]),
        size=files.content_of(state, item)["size"] if item["kind"] == "file" else None,
        modified_by=row["modified_by"],
        versions=history(state, item, shown, read),
        library=library,
    )


def _trail(
    state: State,
    site: sqlite3.Row,
    library: sqlite3.Row,
    folder: sqlite3.Row | None,
    item: sqlite3.Row | None = None,
) -> list[tuple[str, str]]:
    """The way from the site to what is shown, itself not included."""
    way = [(site["display_name"], ROOT + quote(site["path"]))]
    last = folder or item
    if last is not None:
        way.append((library["display_name"], address(state, library)))
        if last["kind"] != "item":
            parts = last["path"].strip("/").split("/")[:-1]
            base = address(state, library)
            way += [(part, base + quote("/" + "/".join(parts[: n + 1]))) for n, part in enumerate(parts)]
    return way


async def journal(http: web.Request) -> web.Response:
    """What was written by whom, newest first."""
    state = http.app[M365_KEY].state
    total = (state.one("SELECT COUNT(*) AS n FROM journal") or {"n": 0})["n"]
    number, last = _numbered(http, total)
    rows = state.all(
        "SELECT journal.*, user.display_name AS name FROM journal LEFT JOIN user ON user.id = journal.person"
        " ORDER BY seq DESC LIMIT ? OFFSET ?",
        ITEMS_ON_PAGE,
        (number - 1) * ITEMS_ON_PAGE,
    )
    names = {
        row["id"]: row["name"]
        for row in state.all(
            "SELECT id, display_name AS name FROM site UNION ALL SELECT id, display_name FROM list"
            " UNION ALL SELECT drive_id, display_name FROM list WHERE drive_id IS NOT NULL"
        )
    }

    def readable(path: str) -> str:
        return "/".join(names.get(part, part) for part in path.split("/"))

    return _page(http, "journal.html", rows=rows, page=number, pages=last, readable=readable)


@pages
def _sharepoint(app: web.Application, _: M365) -> None:
    app.router.add_get(ROOT, all_sites)
    app.router.add_get(ROOT + "/journal", journal)
    app.router.add_get(ROOT + "/{path:.*}", show)
