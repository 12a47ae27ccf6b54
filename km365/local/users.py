"""People in the directory: who they are, whom they report to, when they leave."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from km365.local import faults, identities, odata
from km365.local.routes import (
    Answer,
    Call,
    Documented,
    GraphFault,
    Json,
    invalid,
    route,
    unknown,
)
from km365.local.state import State, stamp, tables

tables("""
CREATE TABLE IF NOT EXISTS user (
    id TEXT PRIMARY KEY, upn TEXT NOT NULL COLLATE NOCASE, mail TEXT, display_name TEXT NOT NULL,
    given_name TEXT, surname TEXT, job_title TEXT, office TEXT, department TEXT, company TEXT,
    language TEXT, time_zone TEXT NOT NULL DEFAULT 'UTC', enabled INTEGER NOT NULL DEFAULT 1,
    manager TEXT, leaves_at TEXT, created_at TEXT NOT NULL, deleted_at TEXT,
    purged INTEGER NOT NULL DEFAULT 0, change INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS user_change ON user (change);
CREATE INDEX IF NOT EXISTS user_manager ON user (manager);
CREATE TABLE IF NOT EXISTS directory_group (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS directory_member (
    grp TEXT NOT NULL REFERENCES directory_group, user TEXT NOT NULL REFERENCES user, PRIMARY KEY (grp, user)
) WITHOUT ROWID;
""")

faults.quirk(
    "leave_dates_hidden",
    "employeeLeaveDateTime is left out, as for an app without User-LifeCycleInfo.Read.All",
    evidence=Documented("user"),
)

USUAL = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
"""What a user has in an answer without $select (user-list)."""

COLUMNS = {
    "accountEnabled": "enabled",
    "companyName": "company",
    "department": "department",
    "displayName": "display_name",
    "employeeLeaveDateTime": "leaves_at",
    "givenName": "given_name",
    "jobTitle": "job_title",
    "mail": "mail",
    "officeLocation": "office",
    "preferredLanguage": "language",
    "surname": "surname",
    "userPrincipalName": "upn",
}
"""Graph's property names and our columns; these can be changed by PATCH."""

PAGE = {"default_top": 100, "max_top": 999}


# people as rows ------------------------------------------------------------------------------------------


def create(state: State, *, id: str, upn: str, display_name: str, **more: str | bool | None) -> str:
    """Add somebody to the directory, or bring them up to date; the object id. Keys of `more` are columns."""
    row: dict[str, str | bool | int | None] = {
        "id": id,
        "upn": upn,
        "display_name": display_name,
        "mail": upn,
        "created_at": state.stamp(),
        **more,
    }
    with state.tx() as c:
        row["change"] = state.next_change()
        names = ", ".join(row)
        fresh = ", ".join(f"{name} = excluded.{name}" for name in row if name not in ("id", "created_at"))
        c.execute(
            f"INSERT INTO user ({names}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608 - our own column names
            f" ON CONFLICT (id) DO UPDATE SET {fresh}",
            tuple(row.values()),
        )
        state.announce("user", id)
    return id


def delete(state: State, user_id: str, *, at: datetime | None = None) -> None:
    """Move somebody to the deleted items, where they stay for 30 days; their account stops working."""
    with state.tx() as c:
        c.execute(
            "UPDATE user SET deleted_at = ?, enabled = 0, change = ? WHERE id = ? AND deleted_at IS NULL",
            (stamp(at or state.now()), state.next_change(), user_id),
        )
        state.announce("user", user_id)


def join_group(state: State, name: str, user_id: str, *, description: str = "") -> None:
    """Put somebody into the group of this name, made when absent."""
    group = state.stable_id("group", name)
    with state.tx() as c:
        values = (group, name, description, state.stamp())
        c.execute("INSERT OR IGNORE INTO directory_group VALUES (?, ?, ?, ?)", values)
        c.execute("INSERT OR IGNORE INTO directory_member VALUES (?, ?)", (group, user_id))


def find(state: State, user: str) -> sqlite3.Row:
    """The user with this object id or sign-in name. 404 when there is none, or when they were deleted."""
    row = state.one("SELECT * FROM user WHERE (id = ? OR upn = ?) AND deleted_at IS NULL", user.lower(), user)
    if row is None:
        raise missing(user)
    return row


def missing(user: str) -> GraphFault:
    return GraphFault(
        404,
        "Request_ResourceNotFound",
        f"Resource '{user}' does not exist or one of its queried reference-property objects are not present.",
    )


def _called(state: State, user_id: str) -> Mapping[str, str] | None:
    row = state.one("SELECT display_name, mail FROM user WHERE id = ?", user_id.lower())
    return None if row is None else {"displayName": row["display_name"], "email": row["mail"] or ""}


identities.people_come_from(_called)


def user_json(state: State, row: sqlite3.Row) -> dict[str, Json]:
    """Everything we know of a user, as Graph shows it."""
    shown: dict[str, Json] = {
        "id": row["id"],
        "businessPhones": [],
        "mobilePhone": None,
        **{name: row[column] for name, column in COLUMNS.items()},
        "accountEnabled": bool(row["enabled"]),
        "createdDateTime": row["created_at"],
        "userType": "Guest" if "#EXT#" in row["upn"] else "Member",
    }
    if faults.setting(state, "leave_dates_hidden"):
        del shown["employeeLeaveDateTime"]
    if row["deleted_at"]:
        shown["deletedDateTime"] = row["deleted_at"]
    return shown


def shown(call: Call, row: sqlite3.Row) -> dict[str, Json]:
    """A user with the selected properties, else the usual ones, and what was expanded."""
    return {**odata.pick(user_json(call.state, row), call.query.select or USUAL), **_expanded(call, row)}


def _expanded(call: Call, row: sqlite3.Row) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, wanted in call.query.expand.items():
        if name == "manager":
            if manager := _manager(call.state, row):
                found[name] = as_directory_object(call.state, manager, wanted.select)
        elif name == "directReports":
            reports = _reports(call.state, row)
            found[name] = [as_directory_object(call.state, r, wanted.select) for r in reports]
        else:
            raise unknown(f"$expand={name} on users")
    return found


def as_directory_object(state: State, row: sqlite3.Row, select: tuple[str, ...]) -> dict[str, Json]:
    """A user where Graph promises no more than a directoryObject: the type is said."""
    return {"@odata.type": "#microsoft.graph.user", **odata.pick(user_json(state, row), select or USUAL)}


def _manager(state: State, row: sqlite3.Row) -> sqlite3.Row | None:
    return state.one("SELECT * FROM user WHERE id = ? AND deleted_at IS NULL", row["manager"])


def _reports(state: State, row: sqlite3.Row) -> list[sqlite3.Row]:
    return state.all("SELECT * FROM user WHERE manager = ? AND deleted_at IS NULL ORDER BY id", row["id"])


def _who(call: Call) -> sqlite3.Row:
    """The user that the path names; on /me whoever holds the token."""
    if named := call.parameters.get("user"):
        return find(call.state, named)
    if call.caller.user_id is None:
        raise GraphFault(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    return find(call.state, call.caller.user_id)


# routes --------------------------------------------------------------------------------------------------

LISTED = "select expand filter orderby top skiptoken count"


def _list(call: Call, rows: list[sqlite3.Row]) -> dict[str, Json]:
    """A page of users: filtered on everything we know, shown as selected."""
    _eventual(call)
    # A filter may read what is not shown, so the page is cut first and its users shown afterwards.
    whole = odata.collection(call, [{**user_json(call.state, r), "@id": r["id"]} for r in rows], **PAGE)
    by_id = {r["id"]: r for r in rows}
    return {**whole, "value": [shown(call, by_id[u["@id"]]) for u in whole["value"]]}


def _eventual(call: Call) -> None:
    """400 for what Entra answers only to advanced queries (aad-advanced-queries)."""
    advanced = call.headers.get("ConsistencyLevel", "").lower() == "eventual"
    text = (call.query.get("filter") or "").lower()
    needs = [word for word in (" ne ", "not ", "not(", "endswith(") if word in f" {text}"]
    if not advanced and (needs or call.query.get("count")):
        raise GraphFault(
            400,
            "Request_UnsupportedQuery",
            "This query needs the header ConsistencyLevel: eventual and $count=true.",
        )


@route("GET", "/users", evidence=Documented("user-list"), options=LISTED)
async def list_users(call: Call) -> Json:
    return _list(call, call.state.all("SELECT * FROM user WHERE deleted_at IS NULL ORDER BY id"))


@route("GET", "/users/$count", evidence=Documented("user-list"), options="filter")
async def count_users(call: Call) -> Json:
    if call.headers.get("ConsistencyLevel", "").lower() != "eventual":
        raise GraphFault(400, "Request_BadRequest", "$count needs the header ConsistencyLevel: eventual.")
    rows = call.state.all("SELECT * FROM user WHERE deleted_at IS NULL")
    passes = odata.predicate(text) if (text := call.query.get("filter")) else lambda _: True
    found = sum(passes(user_json(call.state, r)) for r in rows)
    return Answer(200, str(found).encode(), {"Content-Type": "text/plain"})


@route("GET", "/users/{user}", evidence=Documented("user-get"), options="select expand")
@route("GET", "/me", evidence=Documented("user-get"), options="select expand")
async def get_user(call: Call) -> Json:
    return shown(call, _who(call))


@route("PATCH", "/users/{user}", evidence=Documented("user-update"))
async def update_user(call: Call) -> Json:
    """Change what a user says of themselves or the directory of them; 204."""
    row, changes = find(call.state, call["user"]), call.json()
    if strange := changes.keys() - COLUMNS.keys():
        raise unknown(f"changing {', '.join(sorted(strange))} of a user")
    values = {COLUMNS[name]: _column_value(name, value) for name, value in changes.items()}
    with call.state.tx() as c:
        for column, value in {**values, "change": call.state.next_change()}.items():
            c.execute(f"UPDATE user SET {column} = ? WHERE id = ?", (value, row["id"]))  # noqa: S608 - our columns
        call.state.announce("user", row["id"])


def _column_value(name: str, value: Json) -> Json:
    if name == "accountEnabled":
        if not isinstance(value, bool):
            raise invalid("accountEnabled must be true or false.")
        return value
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} must be a text.")
    if name == "employeeLeaveDateTime" and value is not None:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise invalid(f"{value!r} is not a date and time.") from None
        if moment.tzinfo is None:
            raise invalid("employeeLeaveDateTime needs an offset, such as Z.")
        return stamp(moment)
    if name in ("displayName", "userPrincipalName") and not value:
        raise invalid(f"{name} cannot be empty.")
    return value


@route("DELETE", "/users/{user}", evidence=Documented("user-delete"))
async def delete_user(call: Call) -> Json:
    delete(call.state, find(call.state, call["user"])["id"])


@route("GET", "/users/{user}/manager", evidence=Documented("user-list-manager"), options="select")
@route("GET", "/me/manager", evidence=Documented("user-list-manager"), options="select")
async def get_manager(call: Call) -> Json:
    manager = _manager(call.state, _who(call))
    if manager is None:
        raise missing("manager")
    return as_directory_object(call.state, manager, call.query.select)


@route(
    "GET",
    "/users/{user}/directReports",
    evidence=Documented("user-list-directreports"),
    options="select top skiptoken",
)
@route(
    "GET", "/me/directReports", evidence=Documented("user-list-directreports"), options="select top skiptoken"
)
async def list_direct_reports(call: Call) -> Json:
    rows = _reports(call.state, _who(call))
    return odata.collection(
        call, [as_directory_object(call.state, r, call.query.select) for r in rows], **PAGE
    )


@route(
    "GET", "/users/{user}/memberOf", evidence=Documented("user-list-memberof"), options="select top skiptoken"
)
@route("GET", "/me/memberOf", evidence=Documented("user-list-memberof"), options="select top skiptoken")
async def list_groups_of_user(call: Call) -> Json:
    rows = call.state.all(
        "SELECT g.* FROM directory_group g JOIN directory_member m ON m.grp = g.id"
        " WHERE m.user = ? ORDER BY g.name",
        _who(call)["id"],
    )
    return odata.collection(call, [_group_json(r) for r in rows], **PAGE)


@route("GET", "/groups", evidence=Documented("group-list"), options="select filter top skiptoken")
async def list_groups(call: Call) -> Json:
    rows = call.state.all("SELECT * FROM directory_group ORDER BY name")
    return odata.collection(call, [_group_json(r) for r in rows], **PAGE)


@route(
    "GET",
    "/groups/{group}/members",
    evidence=Documented("group-list-members"),
    options="select top skiptoken",
)
async def list_members(call: Call) -> Json:
    if call.state.one("SELECT 1 FROM directory_group WHERE id = ?", call["group"]) is None:
        raise missing(call["group"])
    rows = call.state.all(
        "SELECT u.* FROM user u JOIN directory_member m ON m.user = u.id"
        " WHERE m.grp = ? AND u.deleted_at IS NULL ORDER BY u.id",
        call["group"],
    )
    return odata.collection(
        call, [as_directory_object(call.state, r, call.query.select) for r in rows], **PAGE
    )


def _group_json(row: sqlite3.Row) -> Mapping[str, Json]:
    return {
        "@odata.type": "#microsoft.graph.group",
        "id": row["id"],
        "displayName": row["name"],
        "description": row["description"],
        "createdDateTime": row["created_at"],
        "mailEnabled": False,
        "securityEnabled": True,
        "groupTypes": [],
    }


LANGUAGE_NAMES = {"en": "English", "fr": "Français", "es": "Español", "ar": "العربية"} | {
    "ru": "Русский",
    "zh": "中文",
    "pt": "Português",
}


@route("GET", "/users/{user}/mailboxSettings", evidence=Documented("user-get-mailboxsettings"))
@route("GET", "/me/mailboxSettings", evidence=Documented("user-get-mailboxsettings"))
async def get_mailbox_settings(call: Call) -> Json:
    """Language, time zone and working hours. One working week for everybody is ours alone."""
    row = _who(call)
    language = row["language"] or "en"
    return {
        "timeZone": row["time_zone"],
        "language": {"locale": language, "displayName": LANGUAGE_NAMES.get(language[:2], language)},
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:30:00.0000000",
            "endTime": "17:30:00.0000000",
            "timeZone": {"name": row["time_zone"]},
        },
    }
