"""Who is told of a move in the life of a knowledge item, in the transaction that says that it is made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from km365.core.knowledge import Effect, KnowledgeItem, Maturity, Reach
from km365.core.languages import best
from km365.core.moves import Made, Move
from km365.graph.people import Person
from km365.jobs.port import Jobs
from km365.services.capture import Kept
from km365.services.prompts import SEND_MESSAGE
from km365.store import outbox
from km365.store.database import Connection
from km365.store.outbox import Message
from km365.store.rows import Json

DECIDED, ANSWERED = "lesson_decided", "lesson_answered"
"""The cards that tell contributors what was decided, and whoever asked something that it was sent again."""
EDITED, OBJECTED = "lesson_edited", "lesson_objected"
"""The cards that tell contributors that their words were edited, and whoever did that they meant others."""
RETURNED_IN_PLACE = "lesson_returned_in_place"
"""The card that asks who speaks for contributors who have all left what a reviewer asks of them."""
CONSENT_ASKED, CONSENT_ANSWERED = "consent_asked", "consent_answered"
"""The cards that ask contributors how far an item may go, and tell whoever asked what they say."""
ACTION = "action"
"""The card with an action for its owner."""
_KEYS = (
    "decided",
    "answered",
    RETURNED_IN_PLACE,
    EDITED,
    OBJECTED,
    CONSENT_ASKED,
    CONSENT_ANSWERED,
    ACTION,
    "action_back",
)
"""What the keys of messages about an item begin with."""
_DECISIONS = frozenset({Move.RETURN, Move.VALIDATE, Move.PUBLISH, Move.SUPERSEDE, Move.RETIRE})


def tell(
    c: Connection,
    jobs: Jobs,
    kept: Kept,
    row: Made,
    hears: Sequence[Person],
    *,
    stand_ins: Mapping[str, str],
    at: datetime,
) -> None:
    """Tells contributors what was done with their item, and those in `hears` what its contributors say.

    Each once, however often the move is made again. What somebody who left is asked, those are asked who
    speak for them: `stand_ins`, by the id of who left.
    """
    if row.move in _DECISIONS:
        if kept.item.maturity is not Maturity.IN_REVIEW:  # more people are to find it sound
            _tell_decided(c, jobs, kept, kept.item.maturity, at=at)
        if row.move is Move.RETURN and set(kept.item.contributors) <= stand_ins.keys():
            why = "a reviewer asks something of somebody who left"
            _tell_contributors(c, jobs, kept, row, RETURNED_IN_PLACE, why, stand_ins=stand_ins, at=at)
    elif row.move is Move.CHANGE:
        _tell_decided(c, jobs, kept, kept.item.effect, at=at, but=row.who)
    elif row.move is Move.AGREE:
        if kept.item.action_owner != row.who:
            tell_owner(c, jobs, kept, f"{row.at:%Y%m%d%H%M%S}", at=at)
    elif row.move is Move.EDIT:
        _tell_contributors(c, jobs, kept, row, EDITED, "somebody edited what you contributed", at=at)
    elif row.move is Move.ASK:
        why = "it is to be published wider"
        _tell_contributors(c, jobs, kept, row, CONSENT_ASKED, why, stand_ins=stand_ins, at=at)
    elif row.move is Move.SUBMIT:
        for person in hears:
            tell_sent_again(c, jobs, kept, person, row.words, sent_at=row.at, at=at)
    else:
        for person in hears:
            _tell_answered(c, jobs, kept, row, person, at=at)


def _tell_decided(
    c: Connection, jobs: Jobs, decided: Kept, now: Maturity | Effect, *, at: datetime, but: str = ""
) -> None:
    """Once for each submission and what came of it: an item may be returned, sent again, returned again."""
    item = decided.item
    submitted = item.submitted_at.isoformat() if item.submitted_at else ""
    what = f"{now}-{item.published_to}" if now is Maturity.PUBLISHED else now
    seen_at = item.proof if now is Effect.CHANGED and item.proof.startswith("http") else decided.web_url
    for person_id in (one for one in item.contributors if one != but):
        data = {
            "title": item.title,
            "decision": now.value,
            "reason": item.reason if isinstance(now, Maturity) else "",
            "url": seen_at,
        }
        message = Message(
            key=f"decided:{item.id}:{submitted}:{what}:{person_id}",
            person_id=person_id,
            card=DECIDED,
            data=data,
            language=item.language,
            reason="a reviewer has decided on what you contributed",
        )
        send(c, jobs, message, at=at)


def tell_owner(c: Connection, jobs: Jobs, kept: Kept, when: str, *, at: datetime) -> None:
    """Puts the action of an item before its owner, once for each `when`: a moment, or what reminds of it."""
    item = kept.item
    data = {
        "item": item.id,
        "title": item.title,
        "action": item.action,
        "due_on": item.action_due.isoformat() if item.action_due else "",
        "when": when,
        "url": kept.web_url,
    }
    message = Message(
        key=action_key(item, when),
        person_id=item.action_owner,
        card=ACTION,
        data=data,
        language=item.language,
        reason=ACTION,
    )
    send(c, jobs, message, at=at)


def action_key(item: KnowledgeItem, when: str) -> str:
    """The key of what an owner is told of their action; another owner or another day is told anew."""
    return f"{ACTION}:{item.id}:{item.action_due}:{when}:{item.action_owner}"


def _tell_contributors(
    c: Connection,
    jobs: Jobs,
    kept: Kept,
    row: Made,
    card: str,
    reason: str,
    *,
    stand_ins: Mapping[str, str] = MappingProxyType({}),
    at: datetime,
) -> None:
    item = kept.item
    for person_id in dict.fromkeys(stand_ins.get(one, one) for one in item.contributors):
        in_place = {"in_place": True} if person_id not in item.contributors else {}
        message = Message(
            key=f"{card}:{item.id}:{row.at.isoformat()}:{person_id}",
            person_id=person_id,
            card=card,
            data=_about(kept) | {"reason": row.words, "reach": row.detail} | in_place,
            language=item.language,
            reason=reason,
        )
        send(c, jobs, message, at=at)


def _tell_answered(c: Connection, jobs: Jobs, kept: Kept, row: Made, person: Person, *, at: datetime) -> None:
    item, objected = kept.item, row.move is Move.OBJECT
    card = OBJECTED if objected else CONSENT_ANSWERED
    allowed = item.consent if row.move is Move.ALLOW else Reach.INTERNAL
    message = Message(
        key=f"{card}:{item.id}:{row.at.isoformat()}:{person.id}",
        person_id=person.id,
        card=card,
        data=_about(kept) | {"reason": row.words, "allowed": allowed.value},
        language=best([person.language, item.language]),
        reason="a contributor answers what you did with their item",
    )
    send(c, jobs, message, at=at)


def tell_sent_again(
    c: Connection,
    jobs: Jobs,
    kept: Kept,
    reader: Person,
    asked: str,
    *,
    sent_at: datetime | None,
    at: datetime,
) -> None:
    """Tells whoever asked something of the author that it was sent again."""
    item = kept.item
    sent = sent_at.isoformat() if sent_at else ""
    message = Message(
        key=f"answered:{item.id}:{sent}:{reader.id}",
        person_id=reader.id,
        card=ANSWERED,
        data=_about(kept) | {"asked": asked},
        language=best([reader.language, item.language]),
        reason="you asked something about this contribution",
    )
    send(c, jobs, message, at=at)


def cancel(c: Connection, item_id: str, *, at: datetime) -> None:
    """What waits to be told of an item that its author has taken back is not told: it bears its title."""
    for key in _KEYS:
        outbox.cancel(c, f"{key}:{item_id}", note="the item was taken back", at=at)


def _about(kept: Kept) -> Json:
    return {"title": kept.item.title, "item": kept.item.id, "url": kept.web_url}


def send(c: Connection, jobs: Jobs, message: Message, *, at: datetime) -> None:
    """Puts the message into the outbox and queues its sending; nothing where its key was used before."""
    if outbox.put(c, message, at=at):
        jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
