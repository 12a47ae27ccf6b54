"""Group chats and channels with the bot in them: who is there, what was said, and what the bot hears of it.

The bot hears what mentions it, and nothing else: no permission to read all messages is given. A channel's
messages stand in threads, each named by the message that began it. A group has a row among the chats, as
whose `person` and `account` its own id stands, so that it is kept and sent like any other chat.
"""

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from km365.local import teams, teams_links
from km365.local.routes import Json, not_found
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS group_chat (
    id TEXT PRIMARY KEY REFERENCES chat, kind TEXT NOT NULL, name TEXT NOT NULL, team TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS group_member (
    chat TEXT NOT NULL REFERENCES group_chat, person TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'user',
    read_seq INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (chat, person)
) WITHOUT ROWID;
""")

GROUP_CHAT = "groupChat"
CHANNEL = "channel"
_MENTION = re.compile(rf"@{teams.BOT_NAME}\b", re.IGNORECASE)
_TAGGED = f"<at>{teams.BOT_NAME}</at>"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group chat or a channel. `chat` is its row among the chats, `team` the team of a channel."""

    chat: sqlite3.Row
    kind: str
    name: str
    team: str | None

    @property
    def id(self) -> str:
        return str(self.chat["id"])

    def conversation_id(self, thread: str) -> str:
        """What the bot knows it by: in a channel with the message that began the thread."""
        return f"{self.id};messageid={thread}" if self.kind == CHANNEL else self.id


def create(
    state: State, name: str, members: Iterable[str], *, kind: str = GROUP_CHAT, guests: Iterable[str] = ()
) -> str:
    """A group of these people (by directory id) with the bot, which the first of them added; its id."""
    there = list(dict.fromkeys(members))
    ending = "thread.tacv2" if kind == CHANNEL else "thread.v2"
    group_id = f"19:{State.stable_id('group', name).replace('-', '')}@{ending}"
    team = f"19:{State.stable_id('team', name).replace('-', '')}@thread.tacv2" if kind == CHANNEL else None
    with state.tx() as c:
        c.execute(
            "INSERT INTO chat (id, person, account, generation, installed) VALUES (?, ?, ?, ?, 1)",
            (group_id, group_id, group_id, state.new_id()),
        )
        c.execute("INSERT INTO group_chat VALUES (?, ?, ?, ?)", (group_id, kind, name, team))
        roles = dict.fromkeys(there, "user") | dict.fromkeys(guests, "guest")
        for person, role in roles.items():
            c.execute(
                "INSERT INTO group_member (chat, person, role) VALUES (?, ?, ?)", (group_id, person, role)
            )
        group = get(state, group_id)
        by = envelope(state, group, there[0], group_id)
        teams.tell_bot(state, group.chat, {"type": "installationUpdate", "action": "add"}, base=by)
    return group_id


def get(state: State, group_id: str) -> Group:
    """The group of that id, of a channel also by its team's, or by a thread's. Raises 404."""
    found = find(state, group_id)
    if found is None:
        raise not_found("the group")
    return found


def find(state: State, group_id: str) -> Group | None:
    """The same, or None."""
    bare = group_id.partition(";")[0]
    row = state.one("SELECT * FROM group_chat WHERE id = ? OR team = ?", bare, bare)
    if row is None:
        return None
    chat = state.one("SELECT * FROM chat WHERE id = ?", row["id"])
    assert chat is not None  # noqa: S101 - the foreign key says so
    return Group(chat=chat, kind=row["kind"], name=row["name"], team=row["team"])


def of_member(state: State, person_id: str) -> list[Group]:
    """The groups this person is in, by name."""
    rows = state.all(
        "SELECT chat FROM group_member JOIN group_chat ON id = chat WHERE person = ? ORDER BY name, id",
        person_id.lower(),
    )
    return [get(state, row["chat"]) for row in rows]


def is_member(state: State, group: Group, person_id: str) -> bool:
    row = state.one("SELECT 1 FROM group_member WHERE chat = ? AND person = ?", group.id, person_id.lower())
    return row is not None


def members(state: State, group: Group) -> list[tuple[teams.Person, str]]:
    """Who is in the group, by name, each with their role."""
    rows = state.all("SELECT person, role FROM group_member WHERE chat = ?", group.id)
    known = [(teams.person(state, row["person"]), str(row["role"])) for row in rows]
    return sorted(known, key=lambda one: (one[0].name, one[0].id))


def envelope(state: State, group: Group, person_id: str, conversation_id: str) -> dict[str, Json]:
    """What every activity of this member in the group carries."""
    who = teams.person(state, person_id)
    data: dict[str, Json] = {"tenant": {"id": teams.TENANT_ID}}
    if group.kind == CHANNEL:
        data |= {"team": {"id": group.team}, "channel": {"id": group.id}}
    return {
        **teams.head(state, group.chat, who),
        "conversation": {
            "conversationType": group.kind,
            "isGroup": True,
            "tenantId": teams.TENANT_ID,
            "id": conversation_id,
        },
        "channelData": data,
    }


def say(state: State, group: Group, person_id: str, text: str, *, thread: str = "") -> str:
    """Somebody says something; the bot hears it if it is mentioned. Returns the message's id."""
    with state.tx():
        activity_id = teams.next_activity_id(state, group.chat)
        conversation_id = group.conversation_id(thread or activity_id)
        base = {**envelope(state, group, person_id, conversation_id), "id": activity_id}
        parts: dict[str, Json] = {"type": "message", "textFormat": "plain", **teams_links.parts(text)}
        if _MENTION.search(text):
            mention = {
                "type": "mention",
                "text": _TAGGED,
                "mentioned": {"id": teams.BOT_ACCOUNT, "name": teams.BOT_NAME},
            }
            tagged = _MENTION.sub(_TAGGED, str(parts["text"]))
            parts |= {"text": tagged, "entities": [*_entities(base), mention]}
            teams.tell_bot(state, group.chat, parts, base=base)
        else:
            teams.keep(state, group.chat, {**base, **parts}, sender="person", shown=True)
            teams.note_spoke(state, group.chat)
            state.announce("chat", group.id)
    return activity_id


def _entities(base: dict[str, Json]) -> list[Json]:
    found = base.get("entities")
    return list(found) if isinstance(found, list) else []


def thread_of(activity: dict[str, Json]) -> str:
    """The id of the message that began the thread this one stands in; empty outside channels."""
    conversation = activity.get("conversation")
    where = conversation.get("id") if isinstance(conversation, dict) else None
    return where.partition(";messageid=")[2] if isinstance(where, str) else ""


def as_typed(text: str) -> str:
    """The text as its writer saw it."""
    return text.replace(_TAGGED, f"@{teams.BOT_NAME}")


def root_preview(state: State, group: Group, thread: str) -> str:
    """One line of the message that began the thread."""
    row = state.one("SELECT activity FROM chat_activity WHERE chat = ? AND id = ?", group.id, thread)
    return as_typed(teams.preview(json.loads(row["activity"]))) if row else ""


def unread(state: State, group: Group, person_id: str) -> int:
    """How many messages of the bot this member has not seen."""
    row = state.one(
        "SELECT COUNT(*) AS count FROM chat_activity JOIN group_member USING (chat)"
        " WHERE chat = ? AND person = ? AND shown AND NOT deleted AND sender = 'bot' AND seq > read_seq",
        group.id,
        person_id.lower(),
    )
    return int(row["count"]) if row else 0


def mark_read(state: State, group: Group, person_id: str, seq: int) -> None:
    """This member has seen everything up to message number `seq`."""
    with state.tx() as c:
        c.execute(
            "UPDATE group_member SET read_seq = MAX(read_seq, ?) WHERE chat = ? AND person = ?",
            (seq, group.id, person_id.lower()),
        )
        state.announce("chat", group.id)
