"""Teams apps: the organisation's catalogue, and installing the bot for somebody, which opens their chat.

Whether it is installed is the Teams side's to know (`teams.py`), so that the chat page and Graph agree.
"""

import base64
import sqlite3

from km365.local import odata, teams, users
from km365.local.routes import Call, Documented, GraphFault, Json, invalid, not_found, route, unknown
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS teams_app (
    id TEXT PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL
) WITHOUT ROWID;
""")

INSTALLED = "/users/{user}/teamwork/installedApps"


def publish(state: State, external_id: str, name: str) -> str:
    """The catalogue id of the bot's app, published when it is not. `external_id` is the manifest's id."""
    app = state.stable_id("teams app", external_id)
    with state.tx() as c:
        c.execute("INSERT OR IGNORE INTO teams_app VALUES (?, ?, ?)", (app, external_id, name))
    return app


def _app(state: State, app_id: str) -> sqlite3.Row:
    row = state.one("SELECT * FROM teams_app WHERE id = ?", app_id.lower())
    if row is None:
        raise not_found("the app in the catalogue")
    return row


def _app_json(row: sqlite3.Row) -> dict[str, Json]:
    return {
        "id": row["id"],
        "externalId": row["external_id"],
        "displayName": row["name"],
        "distributionMethod": "organization",
    }


@route(
    "GET",
    "/appCatalogs/teamsApps",
    evidence=Documented("appcatalogs-list-teamsapps"),
    options="filter select",
)
async def list_apps(call: Call) -> Json:
    rows = call.state.all("SELECT * FROM teams_app ORDER BY name, id")
    return odata.collection(call, [_app_json(r) for r in rows])


@route(
    "GET", "/appCatalogs/teamsApps/{app}", evidence=Documented("appcatalogs-list-teamsapps"), options="select"
)
async def get_app(call: Call) -> Json:
    return odata.pick(_app_json(_app(call.state, call["app"])), call.query.select)


# installed for a person ----------------------------------------------------------------------------------


def _installation_id(user_id: str, app_id: str) -> str:
    return base64.b64encode(f"{user_id}##{app_id}".encode()).decode()


def _installations(call: Call, user_id: str) -> list[dict[str, Json]]:
    """The bot's installation for the person, expanded with the app; none when it is not installed."""
    if not teams.is_installed(call.state, user_id):
        return []
    rows = call.state.all("SELECT * FROM teams_app ORDER BY id")
    return [{"id": _installation_id(user_id, r["id"]), "teamsApp": _app_json(r)} for r in rows]


def _shown(call: Call, installation: dict[str, Json]) -> dict[str, Json]:
    if strange := call.query.expand.keys() - {"teamsApp"}:
        raise unknown(f"$expand={', '.join(sorted(strange))} on an installed app")
    kept = {"id"} | call.query.expand.keys()
    return {k: v for k, v in installation.items() if k in kept}


@route("GET", INSTALLED, evidence=Documented("userteamwork-list-installedapps"), options="expand filter")
async def list_installed(call: Call) -> Json:
    """The installed apps; `$filter=teamsApp/id eq '...'` or `teamsApp/externalId eq '...'` reads the app."""
    user = users.find(call.state, call["user"])
    whole = odata.collection(call, _installations(call, user["id"]))
    return {**whole, "value": [_shown(call, i) for i in whole["value"]]}


@route("POST", INSTALLED, evidence=Documented("userteamwork-post-installedapps"), status=201)
async def install(call: Call) -> Json:
    """Install the bot's app and tell the bot (installationUpdate, conversationUpdate); 409 if it is."""
    user = users.find(call.state, call["user"])
    bound = call.json().get("teamsApp@odata.bind")
    if not isinstance(bound, str) or "/appCatalogs/teamsApps/" not in bound:
        raise invalid("teamsApp@odata.bind must be the address of an app in the catalogue.")
    app = _app(call.state, bound.rpartition("/")[2])
    if teams.is_installed(call.state, user["id"]):
        raise GraphFault(409, "Conflict", "Teams app already exists in the conversation.")
    teams.installed(call.state, user["id"])
    return {"id": _installation_id(user["id"], app["id"])}


def _one(call: Call) -> tuple[str, dict[str, Json]]:
    """The person and the installation that the path names."""
    user = users.find(call.state, call["user"])
    for installation in _installations(call, user["id"]):
        if installation["id"] == call["installation"]:
            return user["id"], installation
    raise GraphFault(404, "NotFound", "The app is not installed for this person.")


@route(
    "GET",
    INSTALLED + "/{installation}",
    evidence=Documented("userteamwork-get-installedapps"),
    options="expand",
)
async def get_installed(call: Call) -> Json:
    return _shown(call, _one(call)[1])


@route("DELETE", INSTALLED + "/{installation}", evidence=Documented("userteamwork-delete-installedapps"))
async def uninstall(call: Call) -> None:
    user_id, _ = _one(call)
    teams.removed(call.state, user_id)


@route(
    "GET",
    INSTALLED + "/{installation}/teamsApp",
    evidence=Documented("userteamwork-get-installedapps"),
)
async def get_app_of_installed(call: Call) -> Json:
    return _one(call)[1]["teamsApp"]


@route(
    "GET",
    INSTALLED + "/{installation}/chat",
    evidence=Documented("userscopeteamsappinstallation-get-chat"),
)
async def get_chat(call: Call) -> Json:
    """The person's chat with the bot; its id is the conversation id of the Bot Framework."""
    user_id, _ = _one(call)
    return {
        "id": teams.chat_id(user_id),
        "chatType": "oneOnOne",
        "tenantId": teams.TENANT_ID,
        "webUrl": f"{call.m365.base_url}/teams",
    }
