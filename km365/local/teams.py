"""Teams: each colleague's one-to-one chat with the bot, message by message, kept over restarts.

The bot's side (what a bot may call) is `teams_connector.py`, the way to the bot `teams_delivery.py`, the page
for people `teams_chat.py`. Other resources install and remove the bot with `installed` and `removed`.
"""

import base64
import hashlib
import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from km365.local.routes import Json, not_found
from km365.local.state import State, tables
from km365.local.users import LANGUAGE_NAMES

tables("""
CREATE TABLE IF NOT EXISTS chat (
    id TEXT PRIMARY KEY, person TEXT NOT NULL UNIQUE, account TEXT NOT NULL UNIQUE, generation TEXT NOT NULL,
    installed INTEGER NOT NULL DEFAULT 0, read_seq INTEGER NOT NULL DEFAULT 0,
    spoke_at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chat_activity (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, chat TEXT NOT NULL REFERENCES chat, id TEXT NOT NULL,
    sender TEXT NOT NULL, shown INTEGER NOT NULL, activity TEXT NOT NULL, at TEXT NOT NULL,
    revision INTEGER NOT NULL, edited INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0, prompt INTEGER NOT NULL DEFAULT 0,
    UNIQUE (chat, id)
);
CREATE TABLE IF NOT EXISTS chat_outgoing (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, chat TEXT NOT NULL REFERENCES chat, activity TEXT NOT NULL,
    message INTEGER, refused INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '', next_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS chat_activity_of ON chat_activity (chat, revision);
""")

TENANT_ID = State.stable_id("tenant")
BOT_APP_ID = State.stable_id("app", "km365")
BOT_ACCOUNT = f"28:{BOT_APP_ID}"
BOT_NAME = "km365"
CARD = "application/vnd.microsoft.card.adaptive"

SPOKE_JUST_NOW_S = 10
"""A message this soon after the person said something is taken for its answer, not for a prompt."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A colleague as the chat knows them."""

    id: str
    name: str
    post: str
    office: str
    """Its name if it has a site, else what the directory says."""
    language: str
    """A language tag such as "fr-FR"; "en" when the directory has none."""
    mail: str
    principal_name: str

    @property
    def language_name(self) -> str:
        """The language in its own words: "Français"; its tag when we have no name for it."""
        return LANGUAGE_NAMES.get(self.language[:2].lower(), self.language)


PEOPLE = """
SELECT user.id AS id, user.display_name AS name, COALESCE(job_title, '') AS post,
       COALESCE(site.display_name, office, '') AS office, COALESCE(language, '') AS language,
       COALESCE(mail, '') AS mail, upn AS principal_name
FROM user LEFT JOIN site ON site.path = '/sites/' || office WHERE enabled AND deleted_at IS NULL
"""


def people(state: State) -> list[Person]:
    """Everybody who can sign in, by office and name."""
    return [_person(row) for row in state.all(PEOPLE + " ORDER BY office, name, id")]


def person(state: State, person_id: str) -> Person:
    """Raises 404 for somebody who is not there or cannot sign in."""
    row = state.one(PEOPLE + " AND user.id = ?", person_id.lower())
    if row is None:
        raise not_found("the person")
    return _person(row)


def _person(row: sqlite3.Row) -> Person:
    return Person(**{**dict(row), "language": row["language"] or "en"})


# chats and the bot's installation -------------------------------------------------------------------------


def chat_id(person_id: str) -> str:
    """The one id of a person's chat with the bot, in Graph and for the bot alike."""
    return f"19:{person_id.lower()}_{BOT_APP_ID}@unq.gbl.spaces"


def chat_of(state: State, person_id: str) -> sqlite3.Row:
    """The person's chat with the bot, made when absent. Raises 404 for an unknown person."""
    row = state.one("SELECT * FROM chat WHERE person = ?", person_id.lower())
    if row is not None:
        return row
    known = person(state, person_id)
    with state.tx() as c:
        c.execute(
            "INSERT INTO chat (id, person, account, generation) VALUES (?, ?, ?, ?)",
            (chat_id(known.id), known.id, account(known.id), state.new_id()),
        )
    return chat_of(state, person_id)


def account(person_id: str) -> str:
    """The person's `29:` id for this bot. As in Teams it says nothing about them."""
    digest = hashlib.sha256(f"{TENANT_ID}/{BOT_APP_ID}/{person_id}".encode()).digest()
    return "29:1" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_installed(state: State, person_id: str) -> bool:
    row = state.one("SELECT installed FROM chat WHERE person = ?", person_id.lower())
    return row is not None and bool(row["installed"])


def installed(state: State, person_id: str) -> str:
    """Install the bot for the person and tell it so; the id of their chat. Twice is no fault."""
    with state.tx() as c:
        chat = chat_of(state, person_id)
        if not chat["installed"]:
            c.execute("UPDATE chat SET installed = 1 WHERE id = ?", (chat["id"],))
            tell_bot(state, chat, {"type": "installationUpdate", "action": "add"})
            members = [{"id": BOT_ACCOUNT}, {"id": chat["account"], "aadObjectId": chat["person"]}]
            tell_bot(state, chat, {"type": "conversationUpdate", "membersAdded": members})
            state.announce("chat", chat["person"])
        return str(chat["id"])


def removed(state: State, person_id: str) -> None:
    """Take the bot away from the person and tell it so; its messages are refused until it is back."""
    with state.tx() as c:
        chat = chat_of(state, person_id)
        if chat["installed"]:
            c.execute("UPDATE chat SET installed = 0 WHERE id = ?", (chat["id"],))
            tell_bot(state, chat, {"type": "installationUpdate", "action": "remove"})
            state.announce("chat", chat["person"])


# what was said --------------------------------------------------------------------------------------------


def envelope(state: State, chat: sqlite3.Row) -> dict[str, Json]:
    """What every activity from Teams carries. `serviceUrl` is added when it is sent: the port may change."""
    return {
        **head(state, chat, person(state, chat["person"])),
        "conversation": {"conversationType": "personal", "tenantId": TENANT_ID, "id": chat["id"]},
        "channelData": {"tenant": {"id": TENANT_ID}},
    }


def head(state: State, chat: sqlite3.Row, who: Person) -> dict[str, Json]:
    """What does not depend on where it is said."""
    country = who.language.partition("-")[2]
    return {
        "id": next_activity_id(state, chat),
        "timestamp": state.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "channelId": "msteams",
        "from": {"id": account(who.id), "name": who.name, "aadObjectId": who.id},
        "recipient": {"id": BOT_ACCOUNT, "name": BOT_NAME},
        "entities": [{"type": "clientInfo", "locale": who.language, "country": country, "platform": "Web"}],
        "locale": who.language,
    }


def next_activity_id(state: State, chat: sqlite3.Row) -> str:
    """Milliseconds, as Teams numbers messages; one more than the last when the clock has not moved on."""
    last = state.one("SELECT MAX(CAST(id AS INTEGER)) AS id FROM chat_activity WHERE chat = ?", chat["id"])
    return str(max(int(state.now().timestamp() * 1000), int((last and last["id"]) or 0) + 1))


def tell_bot(
    state: State,
    chat: sqlite3.Row,
    parts: dict[str, Json],
    *,
    card: int | None = None,
    base: dict[str, Json] | None = None,
) -> None:
    """Keep an activity of the person (or of Teams itself) and queue it for the bot.

    A message with text is shown in the chat. `card` is the message whose button was pressed; how the sending
    went is shown there. `base` is what it carries beside, where that is not the chat's envelope.
    """
    with state.tx() as c:
        activity = {**(base or envelope(state, chat)), **parts}
        said = activity["type"] == "message"
        seq = keep(
            state, chat, activity, sender="person" if said else "teams", shown=said and "value" not in parts
        )
        c.execute(
            "INSERT INTO chat_outgoing (chat, activity, message) VALUES (?, ?, ?)",
            (chat["id"], json.dumps(activity), (card or seq) if said else None),
        )
        if said:
            note_spoke(state, chat)
        state.announce("chat", chat["person"])


def note_spoke(state: State, chat: sqlite3.Row) -> None:
    """The person is here and talking to the bot."""
    with state.tx() as c:
        c.execute("UPDATE chat SET spoke_at = ? WHERE id = ?", (time.time(), chat["id"]))


def hear_bot(state: State, chat: sqlite3.Row, activity: dict[str, Json], *, reply_to: str | None) -> str:
    """Show a message of the bot; its id. It is a prompt unless it answers something the person just did."""
    channel_data = activity.get("channelData")
    alert = isinstance(channel_data, dict) and bool((channel_data.get("notification") or {}).get("alert"))
    answered = reply_to is not None and state.one(
        "SELECT 1 FROM chat_activity WHERE chat = ? AND id = ? AND sender = 'person'", chat["id"], reply_to
    )
    prompt = alert or not (answered or time.time() - chat["spoke_at"] < SPOKE_JUST_NOW_S)
    with state.tx():
        activity = {**activity, "id": next_activity_id(state, chat)}
        keep(state, chat, activity, sender="bot", shown=True, prompt=prompt)
        state.announce("chat", chat["person"])
    return str(activity["id"])


def keep_invoke(state: State, chat: sqlite3.Row, activity: dict[str, Json]) -> None:
    """Remember that the person pressed an Action.Execute; it is sent at once and never queued."""
    with state.tx():
        keep(state, chat, activity, sender="person", shown=False)
        note_spoke(state, chat)


def keep(
    state: State,
    chat: sqlite3.Row,
    activity: dict[str, Json],
    *,
    sender: str,
    shown: bool,
    prompt: bool = False,
) -> int:
    """Keep an activity of the chat; its number."""
    with state.tx() as c:
        added = c.execute(
            "INSERT INTO chat_activity (chat, id, sender, shown, activity, at, revision, prompt)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                chat["id"],
                activity["id"],
                sender,
                shown,
                json.dumps(activity),
                state.now().isoformat(),
                state.next_change(),
                prompt,
            ),
        )
        return int(added.lastrowid or 0)


def bot_message(state: State, chat: sqlite3.Row, activity_id: str) -> sqlite3.Row:
    """A message of the bot that is still there. Raises 404."""
    row = state.one(
        "SELECT * FROM chat_activity WHERE chat = ? AND id = ? AND sender = 'bot' AND NOT deleted",
        chat["id"],
        activity_id,
    )
    if row is None:
        raise not_found("the activity")
    return row


def replace(
    state: State, chat: sqlite3.Row, row: sqlite3.Row, activity: dict[str, Json], *, edited: bool
) -> None:
    """Put `activity` in the place of a message, in its thread. `edited` tells the reader so."""
    before = json.loads(row["activity"])
    kept = {"conversation": before["conversation"]} if "conversation" in before else {}
    with state.tx() as c:
        c.execute(
            "UPDATE chat_activity SET activity = ?, edited = MAX(edited, ?), revision = ? WHERE seq = ?",
            (json.dumps({**kept, **activity, "id": row["id"]}), edited, state.next_change(), row["seq"]),
        )
        state.announce("chat", chat["person"])


def delete(state: State, chat: sqlite3.Row, activity_id: str) -> None:
    """Delete a message of the bot; deleting twice is no fault."""
    with state.tx() as c:
        c.execute(
            "UPDATE chat_activity SET deleted = 1, activity = '{}', revision = ?"
            " WHERE chat = ? AND id = ? AND sender = 'bot'",
            (state.next_change(), chat["id"], activity_id),
        )
        state.announce("chat", chat["person"])


def touch(state: State, seq: int | None) -> None:
    """Have a message drawn again, because the way it was sent has changed."""
    with state.tx() as c:
        c.execute("UPDATE chat_activity SET revision = ? WHERE seq = ?", (state.next_change(), seq))


# what a reader sees ---------------------------------------------------------------------------------------


def preview(activity: dict[str, Any]) -> str:
    """One line about a message: its summary, its text, or the first words of its card."""
    cards = [
        a.get("content") or {} for a in activity.get("attachments") or [] if a.get("contentType") == CARD
    ]
    texts = [activity.get("summary"), activity.get("text")]
    texts += [text for card in cards for text in (_first_text(card.get("body")), card.get("fallbackText"))]
    line = " ".join(next((t for t in texts if isinstance(t, str) and t.strip()), "").split())
    return line if len(line) <= 140 else line[:139].rstrip() + "…"


def _first_text(elements: Json) -> str | None:
    if not isinstance(elements, list):
        return None
    for element in elements:
        if not isinstance(element, dict):
            continue
        if element.get("type") == "TextBlock" and isinstance(element.get("text"), str):
            return str(element["text"])
        inner = _first_text(element.get("items")) or _first_text(element.get("columns"))
        if inner:
            return inner
    return None


UNREAD = """
SELECT chat.person AS person, COUNT(*) AS unread FROM chat_activity JOIN chat ON chat.id = chat_activity.chat
WHERE sender = 'bot' AND NOT deleted AND chat_activity.seq > chat.read_seq GROUP BY chat.person
"""


def unread(state: State) -> dict[str, int]:
    """How many messages of the bot each person has not seen; nobody without any."""
    return {row["person"]: row["unread"] for row in state.all(UNREAD)}


def mark_read(state: State, chat: sqlite3.Row, seq: int) -> None:
    """Everything up to message number `seq` has been seen."""
    with state.tx() as c:
        c.execute("UPDATE chat SET read_seq = MAX(read_seq, ?) WHERE id = ?", (seq, chat["id"]))
        state.announce("chat", chat["person"])
