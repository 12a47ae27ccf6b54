"""The items of a list, over Graph: read, filter, page, write, follow."""

import sqlite3
from collections.abc import Mapping
from functools import partial

from km365.local import bookmarks, columns, content_types, faults, fields, identities, items, lists, odata
from km365.local.routes import (
    Answer,
    Call,
    Documented,
    GraphFault,
    Json,
    Request,
    invalid,
    known_properties,
    part,
    route,
    text,
    unknown,
)  # fmt: skip

LIST = "/sites/{site}/lists/{list}"
ITEM = LIST + "/items/{item}"
UNINDEXED = "honornonindexedquerieswarningmayfailrandomly"
SYSTEM_INDEXED = {"id", "ID"}
SLOW_TO_SORT = ("term", "personOrGroup", "lookup")


def found(call: Call) -> tuple[sqlite3.Row, sqlite3.Row]:
    """The list and the item that the path names."""
    list_row = lists.find(call)
    return list_row, items.get(call.state, list_row["id"], call["item"])


@route(
    "GET", LIST + "/items", evidence=Documented("listitem-list"), ru=2,
    options="select expand filter orderby top skiptoken",
)  # fmt: skip
async def list_items(call: Call) -> Json:
    """A page of items by number; a filter or an order reads every item first, as SharePoint would have to."""
    if (empty := faults.empty_page(call)) is not None:
        return empty
    list_row = lists.find(call)
    query, top = call.query, min(call.query.number("top", 200), 5000)
    _refuse_unindexed(call, list_row)
    view = items.View(call, list_row)
    if query.get("filter") or query.order:
        rows = _chosen(call, list_row, view)
        start = query.number("skiptoken", 0)
        page, following = rows[start : start + top], start + top
        more = following < len(rows)
    else:
        rows = call.state.all(
            "SELECT * FROM item WHERE list_id = ? AND id > ? AND deleted = 0 ORDER BY id LIMIT ?",
            *(list_row["id"], query.number("skiptoken", 0), top + 1),
        )
        page, more = rows[:top], len(rows) > top
        following = page[-1]["id"] if page else 0
    answer: dict[str, Json] = {"value": [odata.pick(view.item(r), query.chosen) for r in page]}
    if more and top:
        answer["@odata.nextLink"] = call.link(skiptoken=following)
    return answer


def _chosen(call: Call, list_row: sqlite3.Row, view: items.View) -> list[sqlite3.Row]:
    """The rows that pass $filter, in $orderby's order (else by number)."""
    rows = call.state.all("SELECT * FROM item WHERE list_id = ? AND deleted = 0 ORDER BY id", list_row["id"])
    pairs = [(r, {"fields": view.every_field(r), "id": str(r["id"])}) for r in rows]
    if clause := call.query.get("filter"):
        passes = odata.predicate(clause)
        pairs = [p for p in pairs if passes(p[1])]
    return [r for r, _ in odata.ordered(pairs, call.query.order, lambda pair: pair[1])]


def _refuse_unindexed(call: Call, list_row: sqlite3.Row) -> None:
    """400 for a column without an index unless Prefer accepts it; in a long list refused all the same."""
    clause = call.query.get("filter")
    if clause:
        odata.predicate(clause)  # what it cannot evaluate at all is said first
    filtered = odata.names_in(odata.parse(clause)) if clause else set()
    ordered = {path for path, _ in call.query.order}
    known = {c["name"]: c for c in columns.of_owner(call.state, list_row["id"])}
    threshold = faults.setting(call.state, "list_view_threshold")
    count = call.state.one("SELECT COUNT(*) AS n FROM item WHERE list_id = ? AND deleted = 0", list_row["id"])
    is_long = bool(threshold and count and count["n"] > threshold["items"])
    accepted = UNINDEXED in call.headers.get("Prefer", "").lower()
    for path in sorted(filtered | ordered):
        top, _, name = path.partition("/")
        if top.lower() != "fields" or not name:
            raise unknown(f"filtering or sorting list items on {path} (only fields/...)")
        if name in SYSTEM_INDEXED:
            continue
        column = known.get(name) or known.get(name.removesuffix("LookupId"))
        if column is None or "/" in name:
            raise invalid(f"Field '{name}' is not recognized")
        if not column["indexed"] and not accepted:
            raise invalid(
                f"Field '{name}' cannot be referenced in filter or orderby as it is not indexed."
                " Provide the 'Prefer: HonorNonIndexedQueriesWarningMayFailRandomly' header to allow this,"
                " but be warned that such queries may fail on large lists."
            )
        if is_long and (not column["indexed"] or (path in ordered and column["kind"] in SLOW_TO_SORT)):
            raise GraphFault(
                400,
                "notSupported",
                "The attempted operation is prohibited because it exceeds the list view threshold.",
            )


@route("POST", LIST + "/items", evidence=Documented("listitem-create"), ru=2, status=201)
async def create_item(call: Call) -> Json:
    list_row, body = lists.find(call), call.json()
    known_properties(body, "fields contentType", "a new list item")
    if list_row["template"] == lists.LIBRARY:
        raise invalid("A file cannot be created as a list item; upload it.")
    with call.state.tx():
        written = fields.read(call, list_row, part(body, "fields"))
        row = items.add(
            call.state,
            list_row["id"],
            written.onto({}, fields.note_names(call, list_row)),
            by=identities.identity(call.state, call.caller),
            content_type=_content_type(call, list_row, body),
        )
    view = items.View(call, list_row)
    return {**view.item(row), "fields": view.fields(row)}


@route("GET", ITEM, evidence=Documented("listitem-get"), ru=1, options="select expand")
async def get_item(call: Call) -> Json:
    """One item with its fields; an If-None-Match that still holds is answered 304."""
    list_row, row = found(call)
    if call.headers.get("If-None-Match") == items.etag(row):
        return Answer(304)
    view = items.View(call, list_row)
    shown = view.item(row)
    if "fields" not in shown:
        shown["fields"] = view.fields(row)
    return odata.pick(shown, call.query.chosen)


def _content_type(call: Call, list_row: sqlite3.Row, body: Mapping[str, Json]) -> str | None:
    """The content type that a body asks for, which must be one of the list's."""
    wanted = text(part(body, "contentType"), "id") or None
    if wanted and wanted not in content_types.names(call.state, list_row["id"]):
        raise invalid("The content type is not one of this list.")
    return wanted


@route("PATCH", ITEM, evidence=Documented("listitem-update"), ru=2)
async def update_item(call: Call) -> Json:
    """Change an item's fields, its content type, or both at once."""
    list_row, row = found(call)
    body = call.json()
    known_properties(body, "fields contentType", "a change of a list item")
    new_type = _content_type(call, list_row, body)
    fields.update(call, list_row, row, part(body, "fields"), content_type=new_type)
    view = items.View(call, list_row)
    kept = items.get(call.state, list_row["id"], row["id"])
    return {**view.item(kept), "fields": view.fields(kept)}


@route("DELETE", ITEM, evidence=Documented("listitem-delete"), ru=2)
async def delete_item(call: Call) -> None:
    _, row = found(call)
    call.require_match(items.etag(row))
    fields.refuse_when_open(call, row)
    items.remove(call.state, row)


@route("GET", ITEM + "/fields", evidence=Documented("listitem-get"), ru=1, options="select")
async def get_fields(call: Call) -> Json:
    list_row, row = found(call)
    return items.View(call, list_row).fields(row, call.query.select)


@route("PATCH", ITEM + "/fields", evidence=Documented("listitem-update"), ru=2)
async def update_fields(call: Call) -> Json:
    """The answer is the fieldValueSet only."""
    list_row, row = found(call)
    return fields.update(call, list_row, row, call.json())


def _delta_units(request: Request) -> int:
    return 1 if request.query.get("token") else 2


DELTA_OPTIONS = "select expand top token"


@route(
    "GET",
    LIST + "/items/delta(token='{token}')",
    evidence=Documented("listitem-delta"),
    ru=1,
    options=DELTA_OPTIONS,
)
@route(
    "GET",
    LIST + "/items/delta",
    evidence=Documented("listitem-delta"),
    ru=_delta_units,
    options=DELTA_OPTIONS,
)
async def follow_items(call: Call) -> Json:
    """What was added, changed and deleted; the last state of each item, the longest unchanged first."""
    if (empty := faults.empty_page(call)) is not None:
        return empty
    list_row = lists.find(call)
    feed = bookmarks.Feed(
        what=f"list {list_row['id']}",
        changes=partial(_changes, call, list_row["id"]),
        show=partial(_shown, items.View(call, list_row), list_row),
        next_option="token",
        delta_option="token",
        lives_s=DELTA_LIVES_S,
    )
    token = call.query.get("token") or call.parameters.get("token")
    return bookmarks.page(call, feed, token=token, top=min(call.query.number("top", 200), 5000))


DELTA_LIVES_S = 90 * 24 * 3600
"""How long a list's delta token holds. No page says for SharePoint; ours is generous."""


def _changes(call: Call, list_id: str, after: int, limit: int) -> list[sqlite3.Row]:
    return call.state.all(
        "SELECT *, changed AS change FROM item WHERE list_id = ? AND changed > ? ORDER BY changed LIMIT ?",
        *(list_id, after, limit),
    )


def _shown(view: items.View, list_row: sqlite3.Row, row: sqlite3.Row, mark: bookmarks.Bookmark) -> Json:
    if not row["deleted"]:
        wanted = ("id", *mark.select, "fields") if mark.select else ()
        return odata.pick(view.item(row), wanted)
    if mark.first:
        return None
    return {
        "id": str(row["id"]),
        "parentReference": {"id": row["guid"], "siteId": list_row["site_id"]},
        "contentType": {"id": row["content_type"]},
        "deleted": {"state": "deleted"},
    }
