"""The directory around its people: their delta feed, the deleted, the organisation, its licences."""

import sqlite3
from datetime import timedelta

from km365.local import bookmarks, odata, users
from km365.local.bookmarks import Bookmark, Feed
from km365.local.routes import Call, Documented, GraphFault, Json, invalid, route
from km365.local.state import State, stamp

DIRECTORY_TOKEN_LIVES_S = 7 * 24 * 3600
"""Tokens of directory objects live seven days (delta-query-overview)."""

DELETED_KEPT = timedelta(days=30)
"""Deleted users can be restored for so long (directory-deleteditems-list)."""

ORGANISATION = "Children's Agency (demonstration)"


@route(
    "GET",
    "/users/delta",
    evidence=Documented("user-delta"),
    options="select filter top deltatoken skiptoken",
)
async def delta_users(call: Call) -> Json:
    """Users that changed since the token. `$filter` may only name one id; `$select` is kept in the token."""
    purge_old(call.state)
    wanted = _only(call.query.get("filter"))

    def changes(after: int, limit: int) -> list[sqlite3.Row]:
        return call.state.all(
            "SELECT * FROM user WHERE change > ? AND (? IS NULL OR id = ?) ORDER BY change LIMIT ?",
            after, wanted, wanted, limit,
        )  # fmt: skip

    def show(row: sqlite3.Row, mark: Bookmark) -> Json:
        if row["deleted_at"] is None:
            return odata.pick(
                users.user_json(call.state, row), ("id", *mark.select) if mark.select else users.USUAL
            )
        reason = "deleted" if row["purged"] else "changed"
        return None if mark.first else {"id": row["id"], "@removed": {"reason": reason}}

    feed = Feed(
        what=f"users {wanted or ''}",
        changes=changes,
        show=show,
        next_option="skiptoken",
        delta_option="deltatoken",
        lives_s=DIRECTORY_TOKEN_LIVES_S,
    )
    token = call.query.get("deltatoken") or call.query.get("skiptoken")
    return bookmarks.page(call, feed, token=token, top=_page_size(call))


def _only(text: str | None) -> str | None:
    if text is None:
        return None
    name, _, value = text.partition(" eq ")
    if name.strip() != "id" or not value.strip("' "):
        raise invalid("Delta on users filters by id only: $filter=id eq '...'.")
    return value.strip("' ").lower()


def _page_size(call: Call) -> int:
    """`Prefer: odata.maxpagesize=n` or $top; 200 otherwise."""
    preferred = call.headers.get("Prefer", "")
    _, _, size = preferred.partition("odata.maxpagesize=")
    if size.isascii() and size.isdigit():
        return max(1, min(int(size), 999))
    return max(1, min(call.query.number("top", 200), 999))


def purge_old(state: State) -> None:
    """Remove for good whoever was deleted more than 30 days ago; the feed then says `deleted`."""
    limit = stamp(state.now() - DELETED_KEPT)
    for row in state.all("SELECT id FROM user WHERE deleted_at < ? AND NOT purged", limit):
        with state.tx() as c:
            c.execute("UPDATE user SET purged = 1, change = ? WHERE id = ?", (state.next_change(), row["id"]))
            state.announce("user", row["id"], "deleted")


def _deleted(state: State) -> list[sqlite3.Row]:
    purge_old(state)
    return state.all("SELECT * FROM user WHERE deleted_at IS NOT NULL AND NOT purged ORDER BY id")


@route(
    "GET",
    "/directory/deletedItems/graph.user",
    evidence=Documented("directory-deleteditems-list"),
    options="select filter top skiptoken count orderby",
)
@route(
    "GET",
    "/directory/deletedItems/microsoft.graph.user",
    evidence=Documented("directory-deleteditems-list"),
    options="select filter top skiptoken count orderby",
)
async def list_deleted_users(call: Call) -> Json:
    rows = [users.user_json(call.state, r) for r in _deleted(call.state)]
    return odata.collection(call, rows, default_top=100, max_top=999)


@route(
    "GET",
    "/directory/deletedItems/{item}",
    evidence=Documented("directory-deleteditems-get"),
    options="select",
)
@route(
    "GET",
    "/directory/deletedItems/{item}/graph.user",
    evidence=Documented("directory-deleteditems-get"),
    options="select",
)
@route(
    "GET",
    "/directory/deletedItems/{item}/microsoft.graph.user",
    evidence=Documented("directory-deleteditems-get"),
    options="select",
)
async def get_deleted_user(call: Call) -> Json:
    for row in _deleted(call.state):
        if row["id"] == call["item"].lower():
            usual = call.query.select or (*users.USUAL, "deletedDateTime")
            picked = odata.pick(users.user_json(call.state, row), usual)
            return {"@odata.type": "#microsoft.graph.user", **picked}
    raise users.missing(call["item"])


@route("GET", "/directory/deletedItems", evidence=Documented("directory-deleteditems-list"))
async def list_deleted_without_type(call: Call) -> Json:
    raise GraphFault(400, "BadRequest", "Resource not found for the segment 'deletedItems': name a type.")


@route("GET", "/organization", evidence=Documented("organization-list"), options="select")
async def get_organization(call: Call) -> Json:
    shown: dict[str, Json] = {
        "id": call.state.stable_id("tenant"),
        "displayName": ORGANISATION,
        "preferredLanguage": "en",
        "tenantType": "AAD",
        "verifiedDomains": [
            {"name": "childrensagency.example", "isDefault": True, "isInitial": True, "type": "Managed"}
        ],
    }
    return odata.collection(call, [shown])


@route("GET", "/subscribedSkus", evidence=Documented("subscribedsku-list"), options="select")
async def list_subscribed_skus(call: Call) -> Json:
    """One licence for everybody in the directory; pacing reads the count."""
    people = call.state.one("SELECT count(*) AS n FROM user WHERE deleted_at IS NULL")
    used = people["n"] if people else 0
    shown: dict[str, Json] = {
        "id": f"{call.state.stable_id('tenant')}_{call.state.stable_id('sku')}",
        "accountName": ORGANISATION,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": used,
        "prepaidUnits": {"enabled": max(50, used), "suspended": 0, "warning": 0, "lockedOut": 0},
        "servicePlans": [],
        "skuId": call.state.stable_id("sku"),
        "skuPartNumber": "DEMONSTRATION_E3",
    }
    return odata.collection(call, [shown])
