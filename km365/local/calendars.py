"""Calendars of mailboxes: one a person, with single events, nobody invited. Without mail there is no mailbox.

What people put there or delete, they do by the same requests; `/_local/users/{user}/events` shows it.
"""

import json
import sqlite3
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from km365.local import odata, users
from km365.local.routes import (
    Call,
    Documented,
    GraphFault,
    Json,
    flag,
    invalid,
    known_properties,
    listed,
    pages,
    part,
    route,
    text,
)
from km365.local.server import M365, M365_KEY
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS calendar_event (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES user, transaction_id TEXT, event TEXT NOT NULL,
    created_at TEXT NOT NULL, modified_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS calendar_event_user ON calendar_event (user);
""")

PROPERTIES = "subject body start end isAllDay isReminderOn showAs categories"
ONE = "/users/{user}/events/{event}"
SHOWS_AS = ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown")


def events(state: State, user: str) -> list[dict[str, Json]]:
    """The events in somebody's calendar as they were written, the earliest first. GraphFault for nobody."""
    found = state.all("SELECT id, event FROM calendar_event WHERE user = ?", users.find(state, user)["id"])
    shown = [{"id": row["id"], **json.loads(row["event"])} for row in found]
    return sorted(shown, key=lambda one: (one["start"]["dateTime"], one["id"]))


def _mailbox(call: Call) -> str:
    """The id of the person whose mailbox the path names; 404 where they have none."""
    user = users.find(call.state, call["user"])
    if not user["mail"]:
        message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise GraphFault(404, "MailboxNotEnabledForRESTAPI", message)
    return str(user["id"])


def _moment(event: dict[str, Json], name: str) -> datetime:
    """When the event begins or ends, in the time zone it was given in."""
    given = part(event, name)
    try:
        moment = datetime.fromisoformat(text(given, "dateTime"))
    except ValueError:
        raise invalid(f"{name}.dateTime must be a date and a time.") from None
    try:
        return moment.replace(tzinfo=ZoneInfo(text(given, "timeZone")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = "A valid TimeZone value must be specified."
        raise GraphFault(400, "TimeZoneNotSupportedException", message) from None


def _checked(event: dict[str, Json]) -> dict[str, Json]:
    """The event, if an appointment can be like that. Names of time zones are those of IANA."""
    known_properties(event, PROPERTIES, "an event")
    text(event, "subject"), text(part(event, "body"), "content"), listed(event, "categories")
    if text(event, "showAs", "busy") not in SHOWS_AS:
        raise invalid(f"showAs must be one of {', '.join(SHOWS_AS)}.")
    begins, ends = _moment(event, "start"), _moment(event, "end")
    if ends < begins:
        raise GraphFault(400, "ErrorPropertyValidationFailure", "The event ends before it begins.")
    midnight = all(one.time() == time() for one in (begins, ends))
    if flag(event, "isAllDay") and not (midnight and begins.tzinfo is ends.tzinfo and begins < ends):
        message = "An all-day event begins and ends at midnight, in one time zone."
        raise GraphFault(400, "ErrorPropertyValidationFailure", message)
    return event


def _find(call: Call) -> sqlite3.Row:
    row = call.state.one(
        "SELECT * FROM calendar_event WHERE id = ? AND user = ?", call["event"], _mailbox(call)
    )
    if row is None:
        raise GraphFault(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return row


def _shown(row: sqlite3.Row | dict[str, Json]) -> dict[str, Json]:
    """The event as Graph shows it: in UTC (resource event)."""
    event = json.loads(row["event"])
    utc = {name: _moment(event, name).astimezone(UTC) for name in ("start", "end")}
    return {
        "@odata.etag": f'W/"{row["modified_at"]}"',
        "id": row["id"],
        "createdDateTime": row["created_at"],
        "lastModifiedDateTime": row["modified_at"],
        "transactionId": row["transaction_id"],
        "type": "singleInstance",
        "attendees": [],
        **{"subject": "", "body": {"contentType": "text", "content": ""}, "categories": []},
        **{"isAllDay": False, "isReminderOn": True, "showAs": "busy"},
        **event,
        **{
            name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
            for name, at in utc.items()
        },
        "originalStartTimeZone": event["start"]["timeZone"],
        "originalEndTimeZone": event["end"]["timeZone"],
    }


@route("GET", "/users/{user}/calendar", evidence=Documented("calendar-get"), options="select")
async def get_calendar(call: Call) -> Json:
    user = _mailbox(call)
    calendar = {
        "id": call.state.stable_id("calendar", user),
        "name": "Calendar",
        "isDefaultCalendar": True,
        "canEdit": True,
    }
    return odata.pick(calendar, call.query.select)


@route(
    "POST",
    "/users/{user}/events",
    evidence=Documented("user-post-events, event; blog.rykoma.net/2020/10/05/1559"),
    status=201,
)
async def create_event(call: Call) -> Json:
    """A transaction id that was used already: the same event is answered again, another is refused."""
    user, body = _mailbox(call), call.json()
    transaction = text(body, "transactionId") or None
    event = _checked({name: value for name, value in body.items() if name != "transactionId"})
    written = json.dumps(event, ensure_ascii=False, sort_keys=True)
    query = "SELECT * FROM calendar_event WHERE user = ? AND transaction_id = ?"
    if (known := call.state.one(query, user, transaction)) is None:
        now = call.state.stamp()
        row = {"id": call.state.new_id(), "user": user, "transaction_id": transaction, "event": written}
        row |= {"created_at": now, "modified_at": now}
        with call.state.tx() as c:
            c.execute("INSERT INTO calendar_event VALUES (?, ?, ?, ?, ?, ?)", tuple(row.values()))
        return _shown(row)
    if known["event"] != written:
        message = (
            "Your request can't be completed. The TransactionId specified in the request has already been "
            "used to create a different event."
        )
        raise GraphFault(400, "ErrorDuplicateTransactionId", message)
    return _shown(known)


@route("PATCH", ONE, evidence=Documented("event-update"))
async def update_event(call: Call) -> Json:
    row = _find(call)
    event = _checked({**json.loads(row["event"]), **call.json()})
    with call.state.tx() as c:
        c.execute(
            "UPDATE calendar_event SET event = ?, modified_at = ? WHERE id = ?",
            (json.dumps(event, ensure_ascii=False, sort_keys=True), call.state.stamp(), row["id"]),
        )
    return _shown(_find(call))


@route("DELETE", ONE, evidence=Documented("event-delete"))
async def delete_event(call: Call) -> None:
    """To *Deleted Items*, where it has another id (outlook-immutable-id)."""
    row = _find(call)
    with call.state.tx() as c:
        c.execute("DELETE FROM calendar_event WHERE id = ?", (row["id"],))


@pages
def _controls(app: web.Application, m365: M365) -> None:
    app.router.add_get("/_local/users/{user}/events", _show)


async def _show(http: web.Request) -> web.Response:
    """The events in somebody's calendar, as JSON."""
    try:
        found = events(http.app[M365_KEY].state, http.match_info["user"])
    except GraphFault as fault:
        return web.json_response({"error": fault.message}, status=fault.status)
    indented = json.dumps(found, ensure_ascii=False, indent=2)
    return web.Response(text=indented, content_type="application/json", charset="utf-8")
