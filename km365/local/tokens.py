"""Bearer tokens: any is welcome on 127.0.0.1, unless only the server's own are (strict).

The token endpoint has the shape of Entra's client-credentials flow, so that azure-identity can use it.
"""

import secrets
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from km365.local.routes import Caller, GraphFault, pages
from km365.local.state import State, tables

if TYPE_CHECKING:
    from km365.local.server import M365

tables("""
CREATE TABLE IF NOT EXISTS token (
    token TEXT PRIMARY KEY, app TEXT NOT NULL, person TEXT, expires REAL NOT NULL
) WITHOUT ROWID;
""")

LIFETIME_S = 3599
ANY_APP = "any-app"
NOBODY = Caller(app_id="nobody")


def issue(state: State, app_id: str, user_id: str | None = None) -> str:
    """A token for the app, or for the person using it; good for an hour of the demonstration clock."""
    token = f"local.{secrets.token_urlsafe(32)}"
    with state.tx() as c:
        c.execute("DELETE FROM token WHERE expires < ?", (state.now().timestamp(),))
        expires = state.now().timestamp() + LIFETIME_S
        c.execute("INSERT INTO token VALUES (?, ?, ?, ?)", (token, app_id, user_id, expires))
    return token


def caller_of(state: State, header: str | None) -> Caller:
    """Who sends this Authorization header. 401 without a bearer token, or with a strange one when strict."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("Access token is empty.")
    row = state.one("SELECT * FROM token WHERE token = ?", token.strip())
    if row is not None and row["expires"] > state.now().timestamp():
        return Caller(app_id=row["app"], user_id=row["person"])
    if state.recall("strict_tokens", False):
        why = "validation failure" if row is None else "lifetime validation failed, it has expired"
        raise _unauthorized(f"Access token {why}.")
    return Caller(app_id=ANY_APP)


def _unauthorized(message: str) -> GraphFault:
    return GraphFault(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": "Bearer"})


@pages
def _token_endpoint(app: web.Application, m365: "M365") -> None:
    app.router.add_post("/_local/token", partial(_issue_any, m365.state))
    app.router.add_post("/{tenant}/oauth2/v2.0/token", partial(_issue_client_credentials, m365.state))
    app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", _discovery)


async def _issue_any(state: State, http: web.Request) -> web.Response:
    """`{"app": ..., "user": ...}` gives a token for both; only this machine can ask."""
    try:
        wanted = await http.json()
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("app"), str):
        return web.json_response({"error": "invalid_request"}, status=400)
    token = issue(state, wanted["app"], wanted.get("user"))
    return _token_answer(token)


async def _issue_client_credentials(state: State, http: web.Request) -> web.Response:
    form = await http.post()
    app_id, grant = form.get("client_id"), form.get("grant_type")
    if grant != "client_credentials" or not isinstance(app_id, str) or not app_id:
        return web.json_response(
            {
                "error": "unsupported_grant_type",
                "error_description": "client_credentials and a client_id only",
            },
            status=400,
        )
    return _token_answer(issue(state, app_id))


def _token_answer(token: str) -> web.Response:
    return web.json_response({"token_type": "Bearer", "expires_in": LIFETIME_S, "access_token": token})


async def _discovery(http: web.Request) -> web.Response:
    root = f"https://{http.host}/{http.match_info['tenant']}"
    return web.json_response(
        {
            "issuer": f"{root}/v2.0",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
        }
    )
