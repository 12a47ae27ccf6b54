"""Activities as they come from the wire: hostile until read here, plain and checked after."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from km365.core.chat import Event, EventKind
from km365.errors import InputRefused
from km365_bots.forwards import beside

_LONGEST_ID = 500
_ACTION = "adaptiveCard/action"
_EDIT = "messageUpdate"


class Malformed(InputRefused):
    """The request is not an activity; the message says what is wrong with it and quotes nothing."""


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One activity, read and checked. Ids are as Teams gave them; `person_id` is the directory's."""

    type: str
    name: str
    activity_id: str
    channel_id: str
    service_url: str
    claimed_service_url: str
    """As it came, slash and all: the caller's token must name exactly this."""
    conversation_id: str
    is_personal: bool
    """Nobody but the person and the bot reads this conversation."""
    sender_id: str
    person_id: str
    bot_id: str
    tenant_id: str
    locale: str | None
    time_zone: str
    kind: EventKind | None
    """What it means to the conversation; None for what the bot only notes (typing, reactions)."""
    edited: bool
    """A message that was heard before has been edited by whoever wrote it."""
    is_action: bool
    """A card's Action.Execute, whose HTTP answer replaces the card."""
    reply_to: str | None
    mentioned: bool = True
    """Whether the bot was spoken to: always in a chat of its own, elsewhere by a mention."""
    roster: str = ""
    """What names those who read along: the conversation, or the team whose channel it is."""
    value: Mapping[str, Any] = field(default_factory=dict)
    whole: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The activity as it came."""

    @cached_property
    def text(self) -> str:
        """What was typed or forwarded.

        Read only when it is asked for: its HTML may be long, and nobody may make us read it who has not
        signed in.
        """
        return _spoken(self.whole) if self.kind is EventKind.MESSAGE else ""

    @property
    def key(self) -> str:
        """What tells this activity from every other: its id counts within its conversation only. Or empty.

        That a message was edited is told with the message's own id, each time anew.
        """
        what = "/edited" if self.edited else ""
        return f"{self.conversation_id}/{self.activity_id}{what}" if self.activity_id else ""

    def event(self, at: datetime) -> Event | None:
        """The activity as the conversation hears it, at the moment `at`; None if it means nothing to it."""
        if self.kind is None or not self.person_id:
            return None
        return Event(
            kind=self.kind,
            activity_id=self.activity_id,
            conversation_id=self.conversation_id,
            person_id=self.person_id,
            tenant_id=self.tenant_id,
            at=at,
            text=self.text,
            edited=self.edited,
            value=self.value,
            locale=self.locale,
            time_zone=self.time_zone,
            reply_to=self.reply_to,
            personal=self.is_personal,
            mentioned=self.mentioned,
            service_url=self.service_url,
            roster=self.roster,
        )


def read_activity(body: bytes) -> Incoming:
    """The activity in `body`. Raises Malformed if it is none, or names no conversation, sender or service."""
    activity = _json(body)
    conversation, sender = _object(activity, "conversation"), _object(activity, "from")
    claimed = _required(activity, "serviceUrl")
    kind, is_action, value = _meaning(activity)
    return Incoming(
        type=_required(activity, "type"),
        name=_text(activity.get("name")),
        activity_id=_id(activity, "id"),
        channel_id=_text(activity.get("channelId")),
        service_url=claimed.rstrip("/"),
        claimed_service_url=claimed,
        conversation_id=_required(conversation, "id"),
        is_personal=_is_personal(conversation),
        sender_id=_required(sender, "id"),
        person_id=_id(sender, "aadObjectId").lower(),
        bot_id=_id(_object(activity, "recipient", required=False), "id"),
        tenant_id=_tenant(activity, conversation).lower(),
        locale=_text(activity.get("locale"))[:35] or None,
        time_zone=_text(activity.get("localTimezone"))[:64],
        kind=kind,
        edited=activity["type"] == _EDIT,
        is_action=is_action,
        reply_to=_id(activity, "replyToId") or None,
        mentioned=_is_personal(conversation) or bool(_mentions(activity)),
        roster=_roster(activity, conversation),
        value=value,
        whole=activity,
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
        if b"\\u" in body:  # half of a surrogate pair is valid JSON but not text that anything can store
            value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Malformed("The body is not an activity.")
    return value


def _meaning(activity: Mapping[str, Any]) -> tuple[EventKind | None, bool, Mapping[str, Any]]:
    """What happened, whether the HTTP answer replaces a card, and the flat data of a button."""
    value = activity.get("value")
    match activity.get("type"):
        case "message" if isinstance(value, dict) and not _text(activity.get("text")).strip():
            return EventKind.SUBMIT, False, value
        case "message" | "messageUpdate" as said if said != _EDIT or _is_own_edit(activity):
            return EventKind.MESSAGE, False, {}
        case "invoke" if activity.get("name") == _ACTION:
            return EventKind.SUBMIT, True, _executed(value)
        case "installationUpdate" | "conversationUpdate":
            return _come_or_gone(activity), False, {}
        case _:
            return None, False, {}


def _is_own_edit(activity: Mapping[str, Any]) -> bool:
    """Somebody edited what they wrote to us alone. Teams tells of a message undeleted with the same type."""
    edited = _object(activity, "channelData", required=False).get("eventType") == "editMessage"
    bot = _object(activity, "recipient", required=False).get("id")
    personal = _is_personal(_object(activity, "conversation"))
    return (
        edited
        and personal
        and _object(activity, "from").get("id") != bot
        and bool(_text(activity.get("text")).strip())
    )


def _come_or_gone(activity: Mapping[str, Any]) -> EventKind | None:
    """The bot was added or taken away, or somebody else has come to a group; None for anything else."""
    if activity.get("type") == "installationUpdate" and activity.get("action") in ("add", "add-upgrade"):
        return EventKind.INSTALLED
    if _removed(activity):
        return EventKind.REMOVED
    return EventKind.JOINED if _joined(activity) else None


def _removed(activity: Mapping[str, Any]) -> bool:
    """The bot was taken away: Teams tells it in one of two ways, or in both."""
    bot = _object(activity, "recipient", required=False).get("id")
    gone = activity.get("membersRemoved")
    listed = gone if isinstance(gone, list) else []
    named = any(isinstance(member, dict) and member.get("id") == bot for member in listed)
    return activity.get("action") == "remove" or (bot is not None and named)


def _joined(activity: Mapping[str, Any]) -> bool:
    """Somebody beside the bot has come to a group chat or a team."""
    bot = _object(activity, "recipient", required=False).get("id")
    come = activity.get("membersAdded")
    others = (
        [one for one in come if isinstance(one, dict) and one.get("id") != bot]
        if isinstance(come, list)
        else []
    )
    return bool(others) and not _is_personal(_object(activity, "conversation"))


def _executed(value: object) -> dict[str, Any]:
    """The data and inputs of an Action.Execute, with its verb."""
    action = value.get("action") if isinstance(value, dict) else None
    if not isinstance(action, dict):
        raise Malformed("The card's action is missing.")
    data = action.get("data")
    return {**(data if isinstance(data, dict) else {}), "verb": _text(action.get("verb"))}


def _spoken(activity: Mapping[str, Any]) -> str:
    """The typed or forwarded text without the bot's own name, which Teams puts there in channels.

    The addresses behind titles in it follow it, one a line.
    """
    html = beside(activity)
    text = _text(activity.get("text")) if html.forwarded is None else html.forwarded
    for mention in _mentions(activity):
        text = text.replace(mention, " ")
    text = "\n".join([text.strip(), *(one for one in html.links if not _stands_in(text, one))])
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text).strip()


def _stands_in(text: str, address: str) -> bool:
    """Whether the address can be read in the text, be it without its scheme or not escaped."""
    bare = unquote(address).partition("://")[2].rstrip("/")
    ends = r"/?(?![\w?#&=%-]|[./]\w)"  # else it is the beginning of another
    return re.search(re.escape(bare) + ends, unquote(text), re.IGNORECASE) is not None


def _mentions(activity: Mapping[str, Any]) -> list[str]:
    """The bot's own name as it stands in the text, for each time it is mentioned there."""
    bot = _object(activity, "recipient", required=False).get("id")
    entities = activity.get("entities")
    found = []
    for entity in entities if isinstance(entities, list) else []:
        if isinstance(entity, dict) and entity.get("type") == "mention":
            mentioned = entity.get("mentioned")
            if isinstance(mentioned, dict) and mentioned.get("id") == bot and _text(entity.get("text")):
                found.append(_text(entity.get("text")))
    return found


def _roster(activity: Mapping[str, Any], conversation: Mapping[str, Any]) -> str:
    """Of a channel the team; of a private or shared channel, which has members of its own, the channel."""
    data = _object(activity, "channelData", required=False)
    channel = _object(data, "channel", required=False)
    own = channel if channel.get("type") in {"private", "shared"} else _object(data, "team", required=False)
    return _id(own, "id") or _id(conversation, "id").partition(";")[0]


def _is_personal(conversation: Mapping[str, Any]) -> bool:
    """Whatever does not say that it is private is not."""
    return conversation.get("conversationType") == "personal"


def _tenant(activity: Mapping[str, Any], conversation: Mapping[str, Any]) -> str:
    """The directory's id, which `channelData` has in every activity."""
    data = _object(activity, "channelData", required=False)
    return _id(_object(data, "tenant", required=False), "id") or _id(conversation, "tenantId")


def _object(holder: Mapping[str, Any], key: str, *, required: bool = True) -> Mapping[str, Any]:
    value = holder.get(key)
    if isinstance(value, dict):
        return value
    if required:
        raise Malformed(f"The activity has no {key}.")
    return {}


def _required(holder: Mapping[str, Any], key: str) -> str:
    value = _id(holder, key)
    if not value:
        raise Malformed(f"The activity has no {key}.")
    return value


def _id(holder: Mapping[str, Any], key: str) -> str:
    value = _text(holder.get(key))
    if len(value) > _LONGEST_ID:
        raise Malformed(f"The activity's {key} is too long.")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
