"""Presence: who is out of office. Nothing else is watched here, so availability is always unknown."""

import json

from aiohttp import web

from km365.local import users
from km365.local.routes import Call, Documented, GraphFault, Json, invalid, pages, route
from km365.local.server import M365, M365_KEY
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS out_of_office (user TEXT PRIMARY KEY, message TEXT NOT NULL) WITHOUT ROWID;
""")

MOST = 650
"""So many people at a time (cloudcommunications-getpresencesbyuserid)."""


def set_away(state: State, user: str, away: bool, *, message: str = "") -> None:
    """Puts somebody out of office until further notice, or back in. Raises GraphFault for nobody."""
    user_id = users.find(state, user)["id"]
    with state.tx() as c:
        c.execute("DELETE FROM out_of_office WHERE user = ?", (user_id,))
        if away:
            c.execute("INSERT INTO out_of_office VALUES (?, ?)", (user_id, message))


def _presence(state: State, user_id: str) -> dict[str, Json]:
    away = state.one("SELECT message FROM out_of_office WHERE user = ?", user_id.lower())
    return {
        "id": user_id,
        "availability": "PresenceUnknown",
        "activity": "PresenceUnknown",
        "outOfOfficeSettings": {
            "isOutOfOffice": away is not None,
            "message": away["message"] if away is not None else None,
        },
    }


@route("GET", "/users/{user}/presence", evidence=Documented("presence-get"))
async def get_presence(call: Call) -> Json:
    return _presence(call.state, users.find(call.state, call["user"])["id"])


@route(
    "POST",
    "/communications/getPresencesByUserId",
    evidence=Documented("cloudcommunications-getpresencesbyuserid"),
)
async def list_presences(call: Call) -> Json:
    """Of the people with these ids, at most 650. That of nobody is unknown, which is ours alone."""
    ids = call.json().get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise invalid("'ids' must be a list of user ids.")
    if not 0 < len(ids) <= MOST:
        raise invalid(f"'ids' must hold from 1 to {MOST} user ids.")
    return {"value": [_presence(call.state, one) for one in ids]}


@pages
def _controls(app: web.Application, m365: M365) -> None:
    app.router.add_put("/_local/users/{user}/away", _set_away)


async def _set_away(http: web.Request) -> web.Response:
    """`{"on": true, "message": "Back on Monday"}`: somebody is out of office; `on` may be left out."""
    try:
        body = json.loads(await http.read() or b"{}")
        on, message = bool(body.get("on", True)), str(body.get("message", ""))
    except (AttributeError, ValueError):
        return web.json_response({"error": 'say {"on": true} or {"on": false}'}, status=400)
    try:
        set_away(http.app[M365_KEY].state, http.match_info["user"], on, message=message)
    except GraphFault as fault:
        return web.json_response({"error": fault.message}, status=fault.status)
    return web.json_response({"on": on})
