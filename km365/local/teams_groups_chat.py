"""`/teams/PERSON/in/GROUP`: a group chat or channel as one of its members sees it.

The page is the one of a person's own chat with the bot, with the others' messages, a reply to a thread in a
channel, and the bot spoken to by its name: "@km365 help".
"""

import json
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from km365.local import teams, teams_chat, teams_delivery, teams_groups, webpages
from km365.local.routes import GraphFault, Json, not_found, pages
from km365.local.server import M365, M365_KEY
from km365.local.state import State
from km365.local.teams_groups import Group


async def page(http: web.Request) -> web.Response:
    """The group in the language of the person, and its direction."""
    state = http.app[M365_KEY].state
    try:
        who, group = _seat(http, state)
    except GraphFault:
        raise web.HTTPSeeOther("/teams") from None
    members = ", ".join(one.name for one, _ in teams_groups.members(state, group))
    return teams_chat.draw(http, state, who, group=group, members=members)


def _seat(http: web.Request, state: State) -> tuple[teams.Person, Group]:
    """Who looks at which group. Raises 404 where the person is no member."""
    who = teams.person(state, http.match_info["person"])
    group = teams_groups.get(state, http.match_info["group"])
    if not teams_groups.is_member(state, group, who.id):
        raise not_found("the group")
    return who, group


async def changes(http: web.Request, state: State, who: teams.Person, group: Group) -> Json:
    """What is new since `after`, or the messages `before` a number, as this member sees them."""
    whole = teams_chat.news(http, state, group.chat)
    whole["messages"] = [_as_seen(state, who, group, one) for one in whole["messages"]]
    if "before" in http.query:
        return whole
    waiting = teams.unread(state)
    others = [p for p in teams.people(state) if p.id in waiting and p.id != who.id]
    return {
        **whole,
        "unread": teams_groups.unread(state, group, who.id),
        "notices": [],
        "others": [{"id": p.id, "name": p.name, "unread": waiting[p.id]} for p in others],
    }


def _as_seen(state: State, who: teams.Person, group: Group, view: dict[str, Any]) -> dict[str, Any]:
    """A message with its writer's name and, in a channel, its thread."""
    row = state.one("SELECT activity FROM chat_activity WHERE seq = ?", view["seq"])
    activity = json.loads(row["activity"]) if row else {}
    writer = activity.get("from") or {}
    thread = teams_groups.thread_of(activity)
    seen = {**view, "text": teams_groups.as_typed(view["text"]), "thread": thread}
    seen["preview"] = teams_groups.as_typed(view["preview"])
    if view["from"] == "me" and writer.get("aadObjectId") != who.id:
        seen |= {"from": "other", "author": writer.get("name")}
    if thread and thread != view["id"]:
        seen["answers"] = teams_groups.root_preview(state, group, thread)
    return seen


async def say(http: web.Request, state: State, who: teams.Person, group: Group) -> Json:
    """Send a text to the group, in a channel also in the thread of `thread`."""
    asked = await teams_chat.body(http)
    thread = asked.get("thread")
    teams_groups.say(
        state, group, who.id, teams_chat.text_of(asked), thread=thread if isinstance(thread, str) else ""
    )
    return {}


async def submit(http: web.Request, state: State, who: teams.Person, group: Group) -> Json:
    """Action.Submit on a card of the group."""
    asked = await teams_chat.body(http)
    card = teams_chat.pressed(state, group.chat, asked)
    parts = {"type": "message", "value": asked.get("data"), "replyToId": card["id"]}
    base = _envelope(state, who, group, card)
    teams.tell_bot(state, group.chat, parts, card=card["seq"], base=base)
    return {}


async def execute(http: web.Request, state: State, who: teams.Person, group: Group) -> Json:
    """Action.Execute on a card of the group; the answer is this member's alone."""
    asked = await teams_chat.body(http)
    card = teams_chat.pressed(state, group.chat, asked)
    activity = teams_chat.execution(_envelope(state, who, group, card), card, asked)
    return await teams_chat.carry_out(http, state, group.chat, card, activity)


def _envelope(state: State, who: teams.Person, group: Group, card: sqlite3.Row) -> dict[str, Json]:
    """What this member's press carries: it is done in the thread in which the card stands."""
    thread = teams_groups.thread_of(json.loads(card["activity"]))
    where = group.conversation_id(thread) if thread else group.id
    return teams_groups.envelope(state, group, who.id, where)


async def read(http: web.Request, state: State, who: teams.Person, group: Group) -> Json:
    seq = teams_chat.number((await teams_chat.body(http)).get("seq"))
    teams_groups.mark_read(state, group, who.id, seq)
    return {}


async def retry(http: web.Request, state: State, who: teams.Person, group: Group) -> Json:
    seq = teams_chat.number((await teams_chat.body(http)).get("seq"))
    teams_delivery.retry(state, group.chat, seq)
    return {}


Action = Callable[[web.Request, State, teams.Person, Group], Awaitable[Json]]


def _for_member(action: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(http: web.Request) -> web.StreamResponse:
        webpages.require_own_page(http)
        state = http.app[M365_KEY].state
        try:
            who, group = _seat(http, state)
            answer = await action(http, state, who, group)
        except GraphFault as fault:
            return web.json_response({"error": fault.message}, status=fault.status)
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    return serve


@pages
def _groups(app: web.Application, _: M365) -> None:
    base = "/teams/{person}/in/{group}"
    app.router.add_get(base, page)
    app.router.add_get(f"{base}/changes", _for_member(changes))
    for action in (say, submit, execute, read, retry):
        name = "messages" if action is say else action.__name__
        app.router.add_post(f"{base}/{name}", _for_member(action))
