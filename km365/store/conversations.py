"""Chats with people: where each person is reached, the state of each chat, and which activities were seen."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, bindparam, cast, delete, func, select, update

from km365.errors import ChangedMeanwhile
from km365.store import rows
from km365.store.rows import Json, Prepared
from km365.store.tables import activity, address, conversation, group_reflection

_BY_ID = Prepared(select(conversation).where(conversation.c.id == bindparam("wanted")), "wanted")
_SEEN = Prepared(select(activity.c.id).where(activity.c.id == bindparam("wanted")), "wanted")
"""Made once: every turn of a chat needs them."""


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """The state of one chat; `version` counts the saves."""

    id: str
    state: Json
    version: int


@dataclass(frozen=True, kw_only=True)
class Address:
    """How the bot reaches a person. With `unreachable_reason` set it must not try."""

    person_id: str
    conversation_id: str
    service_url: str
    tenant_id: str
    locale: str | None
    heard_at: datetime
    unreachable_reason: str | None = None
    unreachable_at: datetime | None = None


def get(c: Connection, conversation_id: str) -> Conversation | None:
    """The chat as last saved, or None before its first save."""
    row = _BY_ID.first(c, conversation_id)
    return Conversation(id=row["id"], state=row["state"], version=row["version"]) if row else None


UNHEARD = "unheard"
"""Where the state of a chat notes since when (`at`) our last words may not have arrived."""


def note_unheard(c: Connection, conversation_id: str, *, at: datetime) -> None:
    """Our last words may not have arrived there, and are not said again by themselves."""
    now = get(c, conversation_id)
    state = now.state if now else {}
    if not state.get(UNHEARD):
        noted = {**state, UNHEARD: {"at": at.isoformat()}}
        save(c, conversation_id, noted, now.version if now else 0, at=at)


def save(c: Connection, conversation_id: str, state: Json, version: int, *, at: datetime) -> int:
    """Stores the state and returns the new version. `version` is the one that was read, 0 for a new chat.

    Raises ChangedMeanwhile when another turn saved first; read again and apply the turn again.
    """
    if version == 0:
        fresh = {"id": conversation_id, "state": state, "version": 1, "changed_at": at}
        done = rows.insert_new(c, conversation, fresh)
    else:
        mine = (conversation.c.id == conversation_id) & (conversation.c.version == version)
        change = update(conversation).where(mine).values(state=state, version=version + 1, changed_at=at)
        done = c.execute(change).rowcount == 1
    if not done:
        raise ChangedMeanwhile("This chat has moved on in another turn; its newest state was kept.")
    return version + 1


def forget_said(c: Connection, *, before: datetime) -> int:
    """Drops from every chat's state what carries an `at` before that moment, and counts it.

    A chat that is saved meanwhile keeps its own until the next time.
    """
    dated = cast(conversation.c.state, String).like('%"at"%')
    count = 0
    for row in c.execute(select(conversation).where(dated)).all():
        old = {name for name, kept in row.state.items() if _said_before(kept, before)}
        if old:
            state = {name: kept for name, kept in row.state.items() if name not in old}
            mine = (conversation.c.id == row.id) & (conversation.c.version == row.version)
            change = update(conversation).where(mine).values(state=state, version=row.version + 1)
            count += len(old) * c.execute(change).rowcount
    return count


def _said_before(kept: object, before: datetime) -> bool:
    return isinstance(kept, dict) and "at" in kept and datetime.fromisoformat(str(kept["at"])) < before


def remember_address(
    c: Connection,
    person_id: str,
    *,
    conversation_id: str,
    service_url: str,
    tenant_id: str,
    locale: str | None,
    at: datetime,
) -> None:
    """Keeps where the person was last heard from, and forgets that they were unreachable."""
    values = {
        "person_id": person_id,
        "conversation_id": conversation_id,
        "service_url": service_url,
        "tenant_id": tenant_id,
        "heard_at": at,
        "unreachable_reason": None,
        "unreachable_at": None,
    }
    rows.put(c, address, values | ({"locale": locale} if locale else {}))


def address_of(c: Connection, person_id: str) -> Address | None:
    """Where the person is reached, or None for someone the bot has no chat with yet.

    A group is reached, under the id of its reflection, where that was begun; it hears when it closes.
    """
    row = c.execute(select(address).where(address.c.person_id == person_id)).first()
    return Address(**row._mapping) if row else _address_of_group(c, person_id)


def _address_of_group(c: Connection, reflection_id: str) -> Address | None:
    row = c.execute(select(group_reflection).where(group_reflection.c.id == reflection_id)).first()
    if row is None:
        return None
    return Address(
        person_id=row.id,
        conversation_id=row.conversation_id,
        service_url=row.service_url,
        tenant_id=row.tenant_id,
        locale=None,
        heard_at=row.closed_at or row.begun_at,
    )


def addresses(c: Connection, *, everybody: bool, limit: int) -> list[Address]:
    """Who cannot be reached, the latest first; then, with `everybody`, the others as last heard from."""
    query = select(address).order_by(address.c.unreachable_at.desc().nulls_last(), address.c.heard_at.desc())
    if not everybody:
        query = query.where(address.c.unreachable_reason.is_not(None))
    return [Address(**row._mapping) for row in c.execute(query.limit(limit))]


def count_addresses(c: Connection) -> tuple[int, int]:
    """How many people the bot reaches, and how many it cannot reach any more."""
    gone = func.count(address.c.unreachable_reason)
    known, unreachable = c.execute(select(func.count(), gone).select_from(address)).one()
    return known - unreachable, unreachable


def mark_unreachable(c: Connection, person_id: str, reason: str, at: datetime) -> None:
    """Notes that the app is blocked or gone for the person; the next message from them clears it."""
    mine = address.c.person_id == person_id
    c.execute(update(address).where(mine).values(unreachable_reason=reason, unreachable_at=at))


def first_time(c: Connection, activity_id: str, at: datetime) -> bool:
    """True once for each activity id: Teams delivers an activity again when it believes we were slow."""
    return rows.insert_new(c, activity, {"id": activity_id, "at": at})


def was_seen(c: Connection, activity_id: str) -> bool:
    """Whether `first_time` was called for this activity."""
    return _SEEN.first(c, activity_id) is not None


def forget_activities(c: Connection, *, before: datetime) -> int:
    """Drops the ids of activities seen before that moment, and counts them."""
    return c.execute(delete(activity).where(activity.c.at < before)).rowcount
