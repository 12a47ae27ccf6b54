"""The Bot Connector: what a bot calls to speak in Teams (`/v3/conversations/...`).

Any bearer token, or none, is accepted unless strict tokens are on. Limits and refusals are those of
teams/FACTS: 413 over 100 KB in UTF-16, 403 once uninstalled, 404 for a conversation that is not there, and,
when the quirk is on, 429 beyond the limits per conversation.
"""

import json
import math
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from km365.local import faults, journal, teams, teams_groups, tokens
from km365.local.odata import Query
from km365.local.routes import LOCAL_ONLY, Documented, Evidence, GraphFault, Json, Request, pages, unknown
from km365.local.state import State
from km365.local.teams_groups import Group

if TYPE_CHECKING:
    from km365.local.server import M365

LARGEST_MESSAGE = 100 * 1024
"""Bytes of a message's JSON as UTF-16 (msteams-docs bots/how-to/includes/agent-message-size-limit)."""

faults.quirk(
    "bot_limits",
    "a bot may send `second` messages in 1 s, `two_seconds` in 2 s, `half_minute` in 30 s and `hour` in an"
    " hour per conversation: 429 with Retry-After beyond",
    evidence=Documented("msteams-docs bots/how-to/rate-limit"),
    second=7,
    two_seconds=8,
    half_minute=60,
    hour=1800,
)
faults.quirk(
    "next_sends",
    "the next `times` sends of the bot are answered with `status` and `retry_after_s` (None sends no"
    " Retry-After); with `delivered` the person gets the message all the same",
    evidence=LOCAL_ONLY,
    status=429,
    retry_after_s=1,
    times=1,
    delivered=False,
)

Body = dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A call of the bot. `names` are the path's parameters."""

    m365: "M365"
    names: dict[str, str]
    body: bytes
    sent: dict[str, deque[float]]
    """When the bot called, per conversation, for its limits."""
    query: Mapping[str, str]

    @property
    def state(self) -> State:
        return self.m365.state

    def chat(self) -> sqlite3.Row:
        """The chat named in the path, also by a thread in it, or by a team. Raises 404."""
        if group := self.group():
            return group.chat
        row = self.state.one("SELECT * FROM chat WHERE id = ?", self.names["conversation"])
        if row is None:
            raise GraphFault(404, "ConversationNotFound", "Conversation not found.")
        return row

    def group(self) -> Group | None:
        """The group named in the path, if it is one."""
        return teams_groups.find(self.state, self.names["conversation"])

    def writable_chat(self) -> sqlite3.Row:
        """The same, if the bot is installed for its person. Raises 403."""
        return _writable(self.chat())

    def json(self) -> Body:
        """The body. Raises 400 unless it is an object, 413 when it is too large for Teams."""
        try:
            text = self.body.decode()
            value = json.loads(text or "{}")
        except ValueError:
            raise GraphFault(400, "BadSyntax", "Unable to read the JSON request payload.") from None
        if len(text.encode("utf-16-le")) > LARGEST_MESSAGE:
            raise GraphFault(413, "MessageSizeTooBig", "Message size too large.")
        if not isinstance(value, dict):
            raise GraphFault(400, "BadSyntax", "The JSON request payload must be an object.")
        return value


Handler = Callable[[Visit], Awaitable[web.Response]]
OPERATIONS: list[tuple[str, str, Evidence, Handler]] = []


def operation(verb: str, path: str, *, evidence: Evidence) -> Callable[[Handler], Handler]:
    """Serve `verb` on `path` below /v3 with the decorated handler."""

    def declare(handler: Handler) -> Handler:
        OPERATIONS.append((verb, path, evidence, handler))
        return handler

    return declare


REFERENCE = Documented("azure/bot-service/rest-api/bot-framework-rest-connector-api-reference")


@operation("POST", "/conversations", evidence=REFERENCE)
async def create_conversation(visit: Visit) -> web.Response:
    """The one-to-one chat with a person who has the bot. Teams wants the tenant and the person's `29:` id."""
    asked = visit.json()
    _limit(visit, "create")
    if asked.get("isGroup"):
        raise unknown("group conversations")
    tenant = (asked.get("channelData") or {}).get("tenant") or {}
    if not (tenant_id := tenant.get("id") or asked.get("tenantId")):
        raise GraphFault(400, "BadSyntax", "Could not parse tenant id")
    members = asked.get("members")
    if not isinstance(members, list) or len(members) != 1 or not isinstance(members[0], dict):
        raise GraphFault(400, "BadSyntax", "Incorrect conversation creation parameters")
    chat = visit.state.one("SELECT * FROM chat WHERE account = ?", str(members[0].get("id")))
    if chat is None or tenant_id != teams.TENANT_ID:
        raise GraphFault(400, "BadArgument", "Failed to decrypt pairwise id")
    answer: Body = {"id": _writable(chat)["id"]}
    if isinstance(activity := asked.get("activity"), dict):
        answer["activityId"] = _say(visit, chat, activity, reply_to=None)
    return web.json_response({**answer, "serviceUrl": visit.m365.base_url + "/"}, status=201)


@operation("POST", "/conversations/{conversation}/activities", evidence=REFERENCE)
@operation("POST", "/conversations/{conversation}/activities/{activity}", evidence=REFERENCE)
async def send(visit: Visit) -> web.Response:
    """Say something in the chat, or (second path) reply to an activity in it."""
    chat, activity = visit.writable_chat(), visit.json()
    if activity.get("type") == "typing":
        visit.m365.state.announce("chat", chat["person"], "writing")
        with visit.state.tx():
            pass  # listeners hear of it when a transaction ends
        return web.json_response({"id": teams.envelope(visit.state, chat)["id"]}, status=201)
    asked = faults.setting(visit.state, "next_sends")
    if asked is None or asked["times"] < 1:
        _limit(visit, chat["id"])
        return web.json_response({"id": _say_reply(visit, chat, activity)}, status=201)
    faults.switch(visit.state, "next_sends", on=asked["times"] > 1, **{**asked, "times": asked["times"] - 1})
    if asked["delivered"]:
        _say_reply(visit, chat, activity)
    wait = asked["retry_after_s"]
    headers = {} if wait is None else {"Retry-After": str(wait)}
    raise GraphFault(asked["status"], "ServiceError", "This fault was asked for.", headers=headers)


def _say_reply(visit: Visit, chat: sqlite3.Row, activity: Body) -> str:
    # botbuilder's continue_conversation replies to an id of its own making, so the body comes first.
    named = activity.get("replyToId") or visit.names.get("activity")
    return _say(visit, chat, activity, reply_to=str(named) if named else None)


def _say(visit: Visit, chat: sqlite3.Row, activity: Body, *, reply_to: str | None) -> str:
    said = _checked(activity)
    if visit.names.get("conversation", chat["id"]) != chat["id"]:  # in a thread of a channel
        said = {**said, "conversation": {"id": visit.names["conversation"]}}
    return teams.hear_bot(visit.state, chat, said, reply_to=reply_to)


@operation("PUT", "/conversations/{conversation}/activities/{activity}", evidence=REFERENCE)
async def update(visit: Visit) -> web.Response:
    """Put a message in the place of one of the bot's own."""
    chat = visit.writable_chat()
    activity = _checked(visit.json())
    _limit(visit, chat["id"])
    row = teams.bot_message(visit.state, chat, visit.names["activity"])
    teams.replace(visit.state, chat, row, activity, edited=True)
    return web.json_response({"id": row["id"]})


@operation("DELETE", "/conversations/{conversation}/activities/{activity}", evidence=REFERENCE)
async def delete(visit: Visit) -> web.Response:
    teams.delete(visit.state, visit.writable_chat(), visit.names["activity"])
    return web.Response(status=200)


@operation("GET", "/conversations/{conversation}/members", evidence=REFERENCE)
async def members(visit: Visit) -> web.Response:
    return web.json_response(_members(visit))


@operation("GET", "/conversations/{conversation}/pagedmembers", evidence=REFERENCE)
async def paged_members(visit: Visit) -> web.Response:
    """A page of them: `pageSize` (500 if it is not said), from `continuationToken` on."""
    whole = _members(visit)
    size, start = (
        _number(visit, name, usual) for name, usual in (("pageSize", 500), ("continuationToken", 0))
    )
    page: Body = {"members": whole[start : start + size]}
    if start + size < len(whole):
        page["continuationToken"] = str(start + size)
    return web.json_response(page)


@operation("GET", "/conversations/{conversation}/members/{member}", evidence=REFERENCE)
async def member(visit: Visit) -> web.Response:
    named = visit.names["member"]
    found = next((one for one in _members(visit) if named in (one["id"], one["aadObjectId"])), None)
    if found is None:
        raise GraphFault(404, "MemberNotFoundInConversation", "The member is not in the conversation.")
    return web.json_response(found)


def _number(visit: Visit, name: str, usual: int) -> int:
    """A number of the query. Raises 400 for what is none."""
    said = visit.query.get(name, "")
    if said and not said.isdecimal():
        raise GraphFault(400, "BadSyntax", f"{name} is not understood.")
    return int(said) if said else usual


def _members(visit: Visit) -> list[Body]:
    """Who reads along in this conversation."""
    chat = visit.writable_chat()
    if group := visit.group():
        return [_member(who, role) for who, role in teams_groups.members(visit.state, group)]
    return [_member(teams.person(visit.state, chat["person"]), "user")]


def _member(who: teams.Person, role: str) -> Body:
    given, _, family = who.name.rpartition(" ")
    return {
        "id": teams.account(who.id),
        "aadObjectId": who.id,
        "objectId": who.id,
        "name": who.name,
        "givenName": given or family,
        "surname": family if given else "",
        "email": who.mail or who.principal_name,
        "userPrincipalName": who.principal_name,
        "tenantId": teams.TENANT_ID,
        "userRole": role,
    }


def _writable(chat: sqlite3.Row) -> sqlite3.Row:
    if not chat["installed"]:
        raise GraphFault(403, "MessageWritesBlocked", "The bot is not installed for this person.")
    return chat


def _checked(activity: Body) -> Body:
    """The message, if Teams could show it."""
    kind = activity.get("type", "message")
    if kind != "message":
        raise unknown(f"activities of the type {kind!r} sent by a bot")
    text, attachments = activity.get("text"), activity.get("attachments") or []
    well_formed = isinstance(attachments, list) and all(_is_attachment(a) for a in attachments)
    if not well_formed or not isinstance(text, str | None) or not (text or attachments):
        raise GraphFault(400, "BadSyntax", "Activity must have text or well-formed attachments.")
    return activity


def _is_attachment(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("contentType"), str)
        and (value["contentType"] != teams.CARD or isinstance(value.get("content"), dict))
    )


# limits per conversation ----------------------------------------------------------------------------------

SPANS_S = {"second": 1, "two_seconds": 2, "half_minute": 30, "hour": 3600}


def _limit(visit: Visit, subject: str) -> None:
    """Raise 429 when this call would be one too many for the conversation."""
    limits = faults.setting(visit.state, "bot_limits")
    if limits is None:
        return
    times = visit.sent.setdefault(subject, deque(maxlen=2000))
    now = time.monotonic()
    for name, span_s in SPANS_S.items():
        recent = [t for t in times if t > now - span_s]
        if len(recent) >= limits[name]:
            wait = max(1, math.ceil(recent[-limits[name]] + span_s - now))
            raise GraphFault(
                429, "TooManyRequests", "API calls quota exceeded.", headers={"Retry-After": str(wait)}
            )
    times.append(now)


# HTTP -----------------------------------------------------------------------------------------------------


@pages
def _connector(app: web.Application, m365: "M365") -> None:
    sent: dict[str, deque[float]] = {}
    for verb, path, _, handler in OPERATIONS:
        app.router.add_route(verb, "/v3" + path, _served(m365, handler, sent))


def _served(
    m365: "M365", handler: Handler, sent: dict[str, deque[float]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(http: web.Request) -> web.StreamResponse:
        authorization = http.headers.get("Authorization")
        strict = m365.state.recall("strict_tokens", False)
        try:
            caller = tokens.caller_of(m365.state, authorization if strict or authorization else "Bearer none")
        except GraphFault as fault:
            return _refusal(fault)
        visit = Visit(
            m365=m365, names=dict(http.match_info), body=await http.read(), sent=sent, query=http.query
        )
        try:
            response = await handler(visit)
        except GraphFault as fault:
            response = _refusal(fault)
        noted = Request(
            verb=http.method,
            path=http.path,
            query=Query(""),
            headers=http.headers,
            body=b"",
            caller=caller,
            request_id=m365.state.new_id(),
        )
        journal.write(m365.state, noted, response.status)
        return response

    return serve


def _refusal(fault: GraphFault) -> web.Response:
    error: dict[str, Any] = {"error": {"code": fault.code, "message": fault.message}}
    return web.json_response(error, status=fault.status, headers=fault.headers)
