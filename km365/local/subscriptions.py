"""Change notifications: a subscription says where to tell, each change is told there.

Lists and libraries say only that something changed; who listens then asks for the delta. A notification that
nobody takes is tried again for a minute, not for Microsoft's four hours, and a restart forgets it: as there,
whoever listens must ask for the delta now and then anyway (change-notifications-delivery-webhooks).
"""

import asyncio
import ipaddress
import re
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from km365.local import lists, odata, sites, users
from km365.local.routes import (
    Call,
    Documented,
    GraphFault,
    Json,
    invalid,
    known_properties,
    not_found,
    pages,
    route,
    unknown,
)
from km365.local.server import M365
from km365.local.state import Change, State, stamp, tables

tables("""
CREATE TABLE IF NOT EXISTS subscription (
    id TEXT PRIMARY KEY, app TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    resource TEXT NOT NULL, change_types TEXT NOT NULL, url TEXT NOT NULL, lifecycle_url TEXT,
    client_state TEXT, expires_at TEXT NOT NULL
) WITHOUT ROWID;
""")

LONGEST = {
    "list": timedelta(minutes=42_300),
    "drive": timedelta(minutes=42_300),
    "user": timedelta(minutes=41_760),
}
"""How far in the future a subscription may end (change-notifications-overview)."""
SHORTEST = timedelta(minutes=45)
"""An end nearer than this is moved there."""
HANDSHAKE_S = 10
TRIES_S = (0.0, 1.0, 5.0, 15.0, 40.0)
"""Pauses before each attempt to tell."""
CLIENT_STATE_LENGTH = 128
CHANGE_TYPES = {"list": {"updated"}, "drive": {"updated"}, "user": {"updated", "deleted"}}


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a subscription's resource means in `State.announce` terms; `subject` "" is every user."""

    kind: str
    subject: str


def watched(state: State, resource: str) -> Watched:
    """What the resource names. 404 when it is not there, 501 for a kind we do not notify about."""
    path = resource.strip("/")
    if match := re.fullmatch(r"sites/([^/]+)/lists/([^/]+)", path):
        site = sites.find(state, match[1])
        row = state.one("SELECT id FROM list WHERE site_id = ? AND id = ?", site["id"], match[2].lower())
        if row is None:
            raise not_found("the list")
        return Watched(kind="list", subject=row["id"])
    if match := re.fullmatch(r"drives/([^/]+)/root", path):
        return Watched(kind="drive", subject=lists.by_drive(state, match[1])["drive_id"])
    if path == "users":
        return Watched(kind="user", subject="")
    if match := re.fullmatch(r"users/([^/]+)", path):
        return Watched(kind="user", subject=users.find(state, match[1])["id"])
    raise unknown(f"subscriptions to {resource}")


# create, renew, delete -----------------------------------------------------------------------------------


def _json(row: sqlite3.Row) -> dict[str, Json]:
    return {
        "id": row["id"],
        "resource": row["resource"],
        "applicationId": row["app"],
        "changeType": row["change_types"],
        "clientState": row["client_state"],
        "notificationUrl": row["url"],
        "lifecycleNotificationUrl": row["lifecycle_url"],
        "expirationDateTime": row["expires_at"],
    }


def _find(call: Call) -> sqlite3.Row:
    row = call.state.one(
        "SELECT * FROM subscription WHERE id = ? AND app = ? AND expires_at > ?",
        *(call["subscription"].lower(), call.caller.app_id, call.state.stamp()),
    )
    if row is None:
        raise GraphFault(404, "ResourceNotFound", "The subscription was not found.")
    return row


def _end(state: State, kind: str, text: Json) -> str:
    """When the subscription ends. 400 beyond what its kind allows, or in the past."""
    try:
        end = datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid("expirationDateTime must be a date and time.") from None
    if end.tzinfo is None:
        raise invalid("expirationDateTime needs an offset, such as Z.")
    now = state.now()
    if end <= now:
        raise invalid("expirationDateTime lies in the past.")
    if end > now + LONGEST[kind]:
        minutes = int(LONGEST[kind].total_seconds() // 60)
        raise invalid(f"Subscription expiration can only be {minutes} minutes in the future.")
    return stamp(max(end, now + SHORTEST))


@route("POST", "/subscriptions", evidence=Documented("subscription-post-subscriptions"), status=201)
async def create(call: Call) -> Json:
    """Subscribe, once the address has proved in 10 s that it wants to be told."""
    body = call.json()
    known_properties(
        body,
        "changeType notificationUrl lifecycleNotificationUrl resource expirationDateTime clientState"
        " latestSupportedTlsVersion",
        "a subscription",
    )
    what = watched(call.state, str(body.get("resource") or ""))
    changes = {c.strip() for c in str(body.get("changeType") or "").split(",")}
    if not changes <= CHANGE_TYPES[what.kind]:
        allowed = ", ".join(sorted(CHANGE_TYPES[what.kind]))
        raise invalid(f"The changeType is not supported for this resource, only {allowed}.")
    end = _end(call.state, what.kind, body.get("expirationDateTime"))
    client_state = body.get("clientState")
    if client_state is not None and len(str(client_state)) > CLIENT_STATE_LENGTH:
        raise invalid(f"clientState has at most {CLIENT_STATE_LENGTH} characters.")
    url, lifecycle = body.get("notificationUrl"), body.get("lifecycleNotificationUrl")
    await _shake_hands(call.m365, url)
    if lifecycle is not None:
        await _shake_hands(call.m365, lifecycle)
    new = call.state.new_id()
    with call.state.tx() as c:
        c.execute(
            "INSERT INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(new, call.caller.app_id, what.kind, what.subject, body["resource"]),
                *(",".join(sorted(changes)), url, lifecycle, client_state, end),
            ),
        )
        kept = c.execute("SELECT * FROM subscription WHERE id = ?", (new,)).fetchone()
    return _json(kept)


@route("GET", "/subscriptions", evidence=Documented("subscription-list"))
async def list_subscriptions(call: Call) -> Json:
    """The caller's own that have not ended."""
    rows = call.state.all(
        "SELECT * FROM subscription WHERE app = ? AND expires_at > ? ORDER BY id",
        *(call.caller.app_id, call.state.stamp()),
    )
    return odata.collection(call, [_json(r) for r in rows])


@route("GET", "/subscriptions/{subscription}", evidence=Documented("subscription-get"))
async def get(call: Call) -> Json:
    return _json(_find(call))


@route("PATCH", "/subscriptions/{subscription}", evidence=Documented("subscription-update"))
async def renew(call: Call) -> Json:
    """Another end, or another address, which shakes hands first. A lifecycle address cannot be added."""
    row, body = _find(call), call.json()
    known_properties(body, "expirationDateTime notificationUrl", "a change of a subscription")
    end = row["expires_at"]
    if "expirationDateTime" in body:
        end = _end(call.state, row["kind"], body["expirationDateTime"])
    url = body.get("notificationUrl", row["url"])
    if url != row["url"]:
        await _shake_hands(call.m365, url)
    with call.state.tx() as c:
        c.execute("UPDATE subscription SET expires_at = ?, url = ? WHERE id = ?", (end, url, row["id"]))
    return _json(_find(call))


@route("POST", "/subscriptions/{subscription}/reauthorize", evidence=Documented("subscription-reauthorize"))
async def reauthorize(call: Call) -> None:
    """Nothing to do: our authorizations do not run out, so `reauthorizationRequired` is never sent."""
    _find(call)


@route("DELETE", "/subscriptions/{subscription}", evidence=Documented("subscription-delete"))
async def delete(call: Call) -> None:
    row = _find(call)
    with call.state.tx() as c:
        c.execute("DELETE FROM subscription WHERE id = ?", (row["id"],))


# telling -------------------------------------------------------------------------------------------------


def _check_address(url: Json) -> str:
    """Only this machine is ever told, which is ours alone: Microsoft wants a public https address instead."""
    host = urlsplit(url).hostname if isinstance(url, str) else None
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        is_here = False
    if not isinstance(url, str) or not is_here or urlsplit(url).scheme not in ("http", "https"):
        raise invalid("notificationUrl must be an address on this machine (http://127.0.0.1:...).")
    return url


async def _shake_hands(m365: M365, url: Json) -> None:
    """POST a token; it must come back as plain text with 200 within 10 s. 400 otherwise."""
    address, token = _check_address(url), f"Validation: Testing client {secrets.token_urlsafe(16)}"
    try:
        async with m365.http.post(
            address,
            params={"validationToken": token},
            headers={"Content-Type": "text/plain; charset=utf-8"},
            timeout=aiohttp.ClientTimeout(total=HANDSHAKE_S),
            allow_redirects=False,
        ) as answer:
            plain = answer.content_type == "text/plain"
            proved = answer.status == 200 and plain and await answer.text() == token
    except (aiohttp.ClientError, TimeoutError):
        raise _not_proved("nothing answered in time") from None
    if not proved:
        raise _not_proved("the answer was not the validation token as text/plain with 200")


def _not_proved(why: str) -> GraphFault:
    return GraphFault(400, "ValidationError", f"Subscription validation request failed: {why}.")


@pages
def _listen(app: web.Application, m365: M365) -> None:
    m365.state.listeners.append(partial(_changed, m365))


def _changed(m365: M365, change: Change) -> None:
    """Tell every subscription that watches what has changed."""
    if change.kind not in LONGEST:
        return
    rows = m365.state.all(
        "SELECT * FROM subscription WHERE kind = ? AND subject IN (?, '') AND expires_at > ?",
        *(change.kind, change.subject, m365.state.stamp()),
    )
    for row in rows:
        if change.change in row["change_types"].split(","):
            m365.spawn(_tell(m365, row, change))


async def _tell(m365: M365, row: sqlite3.Row, change: Change) -> None:
    told: dict[str, Json] = {
        "subscriptionId": row["id"],
        "subscriptionExpirationDateTime": row["expires_at"],
        "tenantId": m365.state.stable_id("tenant"),
        "changeType": change.change,
        "resource": row["resource"],
    }
    if row["client_state"] is not None:
        told["clientState"] = row["client_state"]
    if change.kind == "user":
        told["resource"] = f"Users/{change.subject}"
        told["resourceData"] = {
            "@odata.type": "#Microsoft.Graph.User",
            "@odata.id": f"Users/{change.subject}",
            "id": change.subject,
        }
    for pause in TRIES_S:
        await asyncio.sleep(pause)
        try:
            async with m365.http.post(row["url"], json={"value": [told]}, allow_redirects=False) as answer:
                if answer.status < 500 and answer.status not in (408, 429):
                    return
        except (aiohttp.ClientError, TimeoutError):
            continue
