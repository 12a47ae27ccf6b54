"""`/teams`: the chat page. You choose which colleague you are and talk with the bot as them.

The page asks `changes` for what is new since the revision it has; a WebSocket only tells it when to ask.
Everything a person does goes through `teams.py`, so it is kept before it is sent.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from html import escape
from itertools import groupby
from typing import Any
from urllib.parse import quote

from aiohttp import WSCloseCode, web

from km365.local import teams, teams_delivery, teams_groups, teams_links, webpages
from km365.local.routes import GraphFault, Json, pages
from km365.local.server import M365, M365_KEY
from km365.local.state import Change, State
from km365.local.teams_groups import Group

MESSAGES_AT_ONCE = 50
NOTICES = 20
LONGEST_MESSAGE = 28_000
"""Characters a person can send, as in Teams (about 28 KB per message)."""


def _m365(http: web.Request) -> M365:
    return http.app[M365_KEY]


# pages ----------------------------------------------------------------------------------------------------


async def choose(http: web.Request) -> web.Response:
    """Those for whom something waits, then all others by office.

    `?find=` narrows the list where there is no script.
    """
    state = _m365(http).state
    wanted = http.query.get("find", "").casefold().split()
    waiting = teams.unread(state)
    found: list[dict[str, Any]] = [
        {"person": p, "unread": waiting.get(p.id, 0), "initials": initials(p.name), "find": _searchable(p)}
        for p in teams.people(state)
        if all(word in _searchable(p).casefold() for word in wanted)
    ]
    others = [f for f in found if not f["unread"]]
    offices = [(office, list(group)) for office, group in groupby(others, key=lambda f: f["person"].office)]
    return webpages.page(
        http,
        "people.html",
        language=webpages.browser_language(http),
        waiting=[f for f in found if f["unread"]],
        offices=offices,
        find=http.query.get("find", ""),
    )


def _searchable(person: teams.Person) -> str:
    return f"{person.name} {person.post} {person.office} {person.language_name} {person.language}"


def initials(name: str) -> str:
    """At most two letters to know somebody by."""
    words = re.sub(r"\(.*?\)", " ", name).split() or name.split()
    return "".join(word[0] for word in (*words[:1], *words[1:][-1:])).upper()


async def chat_page(http: web.Request) -> web.Response:
    """The chat of one person, in their language and its direction."""
    state = _m365(http).state
    try:
        who = teams.person(state, http.match_info["person"])
    except GraphFault:
        raise web.HTTPSeeOther("/teams") from None
    return draw(http, state, who)


def draw(
    http: web.Request, state: State, who: teams.Person, *, group: Group | None = None, members: str = ""
) -> web.Response:
    """The page of a person's own chat with the bot, or of one of their groups."""
    language = webpages.best([who.language])
    setup = {
        "base": f"/teams/{quote(who.id)}" + (f"/in/{quote(group.id)}" if group else ""),
        "live": f"/teams/{quote(who.id)}/live",
        "group": group is not None,
        "channel": group is not None and group.kind == teams_groups.CHANNEL,
        "bot": teams.BOT_NAME,
        "language": language,
        "words": webpages.words(language),
    }
    return webpages.page(
        http,
        "chat.html",
        language=language,
        person=who,
        initials=initials(who.name),
        bot=teams.BOT_NAME,
        group=group,
        members=members,
        groups=[
            (one, teams_groups.unread(state, one, who.id)) for one in teams_groups.of_member(state, who.id)
        ],
        setup=setup,
    )


# what the page asks ---------------------------------------------------------------------------------------


async def changes(http: web.Request, state: State, chat: sqlite3.Row) -> Json:
    """What is new in a person's own chat, and what waits for others."""
    whole = news(http, state, chat)
    if "before" in http.query:
        return whole
    waiting = teams.unread(state)
    return {
        **whole,
        "unread": waiting.pop(chat["person"], 0),
        "notices": _notices(state, chat),
        "others": [
            {"id": p.id, "name": p.name, "unread": waiting[p.id]}
            for p in teams.people(state)
            if p.id in waiting
        ],
    }


def news(http: web.Request, state: State, chat: sqlite3.Row) -> dict[str, Any]:
    """What is new since `after` (an earlier answer's `revision`), or the messages `before` a number."""
    if before := http.query.get("before"):
        return _window(state, chat, before=number(before))
    generation, _, seen = http.query.get("after", "").rpartition(".")
    fresh = generation == chat["generation"]
    if fresh:
        rows = state.all(
            "SELECT * FROM chat_activity WHERE chat = ? AND shown AND revision > ? ORDER BY seq",
            chat["id"],
            number(seen),
        )
        window: dict[str, Any] = {"messages": _views(state, chat, rows)}
    else:
        window = _window(state, chat, before=None)
    return {
        **window,
        "start_over": not fresh,
        "revision": f"{chat['generation']}.{state.last_change()}",
        "installed": bool(chat["installed"]),
    }


def _window(state: State, chat: sqlite3.Row, *, before: int | None) -> dict[str, Any]:
    """The last messages before a number (or of all), oldest first, and whether there are earlier ones."""
    rows = state.all(
        "SELECT * FROM chat_activity WHERE chat = ? AND shown AND (? IS NULL OR seq < ?)"
        " ORDER BY seq DESC LIMIT ?",
        chat["id"],
        before,
        before,
        MESSAGES_AT_ONCE + 1,
    )
    shown = rows[:MESSAGES_AT_ONCE][::-1]
    return {"messages": _views(state, chat, shown), "earlier": len(rows) > MESSAGES_AT_ONCE}


def _views(state: State, chat: sqlite3.Row, rows: list[sqlite3.Row]) -> list[dict[str, Json]]:
    sending = teams_delivery.sending(state, chat)
    return [_view(row, *sending.get(row["seq"], ("sent", ""))) for row in rows]


def _view(row: sqlite3.Row, state: str, problem: str) -> dict[str, Json]:
    """A message as the page draws it. Of what the bot sent only known parts go on."""
    activity = json.loads(row["activity"])
    suggested = (activity.get("suggestedActions") or {}).get("actions") or []
    return {
        "seq": row["seq"],
        "id": row["id"],
        "from": "me" if row["sender"] == "person" else "bot",
        "at": row["at"],
        "revision": row["revision"],
        "text": teams_links.as_typed(activity),
        "preview": teams.preview(activity),
        "attachments": [
            {
                key: a.get(key)
                for key in ("contentType", "content", "contentUrl", "name")
                if a.get(key) is not None
            }
            for a in activity.get("attachments") or []
            if a.get("contentType") != "text/html"
        ],
        "choices": [
            {"title": str(a.get("title") or a.get("value")), "value": str(a.get("value") or a.get("title"))}
            for a in suggested
            if isinstance(a, dict)
        ],
        "edited": bool(row["edited"]),
        "deleted": bool(row["deleted"]),
        "state": state,
        "problem": problem,
    }


def _notices(state: State, chat: sqlite3.Row) -> list[dict[str, Json]]:
    rows = state.all(
        "SELECT * FROM chat_activity WHERE chat = ? AND prompt AND NOT deleted ORDER BY seq DESC LIMIT ?",
        chat["id"],
        NOTICES,
    )
    return [
        {
            "seq": row["seq"],
            "at": row["at"],
            "text": teams.preview(json.loads(row["activity"])),
            "unread": row["seq"] > chat["read_seq"],
        }
        for row in rows
    ]


# what a person does ---------------------------------------------------------------------------------------


async def say(http: web.Request, state: State, chat: sqlite3.Row) -> Json:
    """Send a text, or forward one that stands elsewhere. It is kept and queued before this answers."""
    asked = await body(http)
    text = text_of(asked)
    said = teams_links.parts(text)
    if asked.get("forwarded") is True:
        said = {"text": text, "attachments": [_forwarded(text)]}
    teams.tell_bot(state, chat, {"type": "message", "textFormat": "plain", **said})
    return {}


def _forwarded(text: str) -> Json:
    """How Teams marks a message as forwarded: in the HTML beside its text."""
    quote = (
        f'<blockquote itemscope itemtype="http://schema.skype.com/Forward"><p>{escape(text)}</p></blockquote>'
    )
    return {"contentType": "text/html", "content": quote}


def text_of(asked: dict[str, Any]) -> str:
    """The text that somebody sends. Raises 400 without one, 413 when it is longer than Teams takes."""
    text = asked.get("text")
    if not isinstance(text, str) or not text.strip():
        raise web.HTTPBadRequest(text="A message needs text.")
    if len(text) > LONGEST_MESSAGE:
        raise web.HTTPRequestEntityTooLarge(LONGEST_MESSAGE, len(text))
    return text


async def submit(http: web.Request, state: State, chat: sqlite3.Row) -> Json:
    """Action.Submit: the fields of a card go to the bot as a message with a value and no text."""
    asked = await body(http)
    card = pressed(state, chat, asked)
    parts = {"type": "message", "value": asked.get("data"), "replyToId": card["id"]}
    teams.tell_bot(state, chat, parts, card=card["seq"])
    return {}


async def execute(http: web.Request, state: State, chat: sqlite3.Row) -> Json:
    """Action.Execute: ask the bot, and put the card it answers with in the place of this one."""
    asked = await body(http)
    card = pressed(state, chat, asked)
    activity = execution(teams.envelope(state, chat), card, asked)
    return await carry_out(http, state, chat, card, activity)


def execution(envelope: dict[str, Json], card: sqlite3.Row, asked: dict[str, Any]) -> dict[str, Json]:
    """The press of an Action.Execute as the bot hears it."""
    action = {"type": "Action.Execute", "verb": str(asked.get("verb") or ""), "data": asked.get("data")}
    return {
        **envelope,
        "type": "invoke",
        "name": "adaptiveCard/action",
        "replyToId": card["id"],
        "value": {"action": action, "trigger": "manual"},
    }


async def carry_out(
    http: web.Request, state: State, chat: sqlite3.Row, card: sqlite3.Row, activity: dict[str, Json]
) -> Json:
    """Send the press to the bot at once, and do what it answers."""
    teams.keep_invoke(state, chat, activity)
    outcome = await teams_delivery.post(_m365(http), activity)
    if not outcome.taken:
        return {"ok": False, "reason": "away" if outcome.away else "failed"}
    return _carry_out(state, chat, card, outcome.body)


def _carry_out(state: State, chat: sqlite3.Row, card: sqlite3.Row, answer: Json) -> Json:
    """Do what the bot's answer to an Action.Execute says."""
    answer = answer if isinstance(answer, dict) else {}
    kind, value = answer.get("type"), answer.get("value")
    if answer.get("statusCode", 200) != 200 or kind == "application/vnd.microsoft.error":
        message = value.get("message") if isinstance(value, dict) else None
        return {"ok": False, "reason": "failed", "message": message if isinstance(message, str) else None}
    if kind == teams.CARD and isinstance(value, dict):
        # Read again: the bot may have updated or deleted the message while it was thinking.
        row = teams.bot_message(state, chat, card["id"])
        activity = json.loads(row["activity"])
        first = next(a for a in activity["attachments"] if a.get("contentType") == teams.CARD)
        first["content"] = value
        activity.pop("summary", None)  # it was about the card that is gone
        teams.replace(state, chat, row, activity, edited=False)
    return {"ok": True, "message": value if isinstance(value, str) else None}


def pressed(state: State, chat: sqlite3.Row, asked: dict[str, Any]) -> sqlite3.Row:
    """The message whose card was used. 400 when its data is not an object, 404 without such a card."""
    if not isinstance(asked.get("data"), dict):
        raise web.HTTPBadRequest(text="A card's data must be an object.")
    row = teams.bot_message(state, chat, str(asked.get("activity")))
    if not any(
        a.get("contentType") == teams.CARD for a in json.loads(row["activity"]).get("attachments") or []
    ):
        raise web.HTTPNotFound(text="This message has no card.")
    return row


async def read(http: web.Request, state: State, chat: sqlite3.Row) -> Json:
    teams.mark_read(state, chat, number((await body(http)).get("seq")))
    return {}


async def retry(http: web.Request, state: State, chat: sqlite3.Row) -> Json:
    teams_delivery.retry(state, chat, number((await body(http)).get("seq")))
    return {}


async def installation(http: web.Request, state: State, chat: sqlite3.Row) -> Json:
    """Add the bot for the person, or take it away."""
    if (await body(http)).get("installed"):
        teams.installed(state, chat["person"])
    else:
        teams.removed(state, chat["person"])
    return {}


async def body(http: web.Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises 400 or 415 for anything else."""
    # A type that a form cannot send: a browser asks before it lets another site's script use it.
    if http.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON.")
    try:
        value = await http.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="Send a JSON object.")
    return value


def number(value: Json) -> int:
    """The whole number that was sent. Raises 400."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise web.HTTPBadRequest(text="This is not a number.") from None


Action = Callable[[web.Request, State, sqlite3.Row], Awaitable[Json]]


def _for_person(action: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(http: web.Request) -> web.StreamResponse:
        webpages.require_own_page(http)
        state = _m365(http).state
        try:
            chat = teams.chat_of(state, http.match_info["person"])
            return web.json_response(await action(http, state, chat), headers={"Cache-Control": "no-store"})
        except GraphFault as fault:
            return web.json_response({"error": fault.message}, status=fault.status)

    return serve


# open pages -----------------------------------------------------------------------------------------------


class Pages:
    """The open chat pages: all hear that something changed, one's own that the bot is writing."""

    def __init__(self, state: State) -> None:
        self._open: set[tuple[str, asyncio.Queue[str | None]]] = set()
        state.listeners.append(self._listen)

    def _listen(self, change: Change) -> None:
        if change.kind != "chat":
            return
        for person, queue in self._open:
            if change.change != "writing":
                queue.put_nowait("changed")
            elif person == change.subject:
                queue.put_nowait("writing")

    async def live(self, http: web.Request) -> web.StreamResponse:
        """A WebSocket that says when to ask for changes. What a page sends on it is not read."""
        webpages.require_own_page(http)
        socket = web.WebSocketResponse(heartbeat=20, max_msg_size=1024)
        await socket.prepare(http)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        entry = (http.match_info["person"].lower(), queue)
        self._open.add(entry)
        writer = asyncio.create_task(_forward(queue, socket))
        try:
            async for _ in socket:
                pass
        finally:
            self._open.discard(entry)
            writer.cancel()
        return socket

    async def close(self, _: web.Application) -> None:
        for _person, queue in list(self._open):
            queue.put_nowait(None)


async def _forward(queue: "asyncio.Queue[str | None]", socket: web.WebSocketResponse) -> None:
    while (news := await queue.get()) is not None:
        try:
            await socket.send_str(news)
        except ConnectionError:
            return
    await socket.close(code=WSCloseCode.GOING_AWAY)


@pages
def _chat(app: web.Application, m365: M365) -> None:
    open_pages = Pages(m365.state)
    app.on_shutdown.append(open_pages.close)
    app.router.add_get("/teams", choose)
    app.router.add_get("/teams/{person}", chat_page)
    app.router.add_get("/teams/{person}/live", open_pages.live)
    app.router.add_get("/teams/{person}/changes", _for_person(changes))
    for action in (say, submit, execute, read, retry, installation):
        name = "messages" if action is say else action.__name__
        app.router.add_post(f"/teams/{{person}}/{name}", _for_person(action))
