"""A contribution that came back with a question, where that was the last thing asked in the chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from km365.core.answers import key_of, questions_of
from km365.core.chat import EventKind, Reply
from km365.core.interviews import ANSWERABLE, PromptKind
from km365.core.said import is_question
from km365.core.turns import Turn
from km365.services.life_news import DECIDED
from km365.store import moves, outbox
from km365_bots import interviewing
from km365_bots.buttons import card_of
from km365_bots.chat import Chat
from km365_bots.meaning import part_named
from km365_bots.speech import HELP

_ASKED_SINCE = "asked_since"
"""Where the state of a chat notes when something else was asked after a contribution had come back."""
_ASK_NOTHING = frozenset({"handed_on", "not_handed_on", "term_decided"})
"""Cards after which a question still is the last."""
_HEARD = frozenset({EventKind.MESSAGE, EventKind.SUBMIT})


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What came back: its interview, and the first question that has no answer; "" where none is left."""

    turn: Turn
    question: str


async def last_asked(chat: Chat) -> Returned | None:
    """What came back, if nothing else was asked in this chat since; None where it was taken up, too."""
    if chat.event.kind not in _HEARD or chat.event.edited:
        return None
    newest = await chat.parts.db.run(outbox.last_said, chat.event.person_id, beside=_ASK_NOTHING)
    if newest is None or (newest.message.card, newest.message.data.get("decision")) != (DECIDED, "returned"):
        return None
    since = chat.state.get(_ASKED_SINCE)
    if since and datetime.fromisoformat(str(since)) >= newest.changed_at:
        return None
    _, _, item = newest.message.key.partition(":KM-")
    turn = await interviewing.named(chat, item.partition(":")[0])
    if turn is None or turn.prompt.kind is not PromptKind.FINISHED:
        return None
    if turn.interview.sent_at is None or turn.interview.sent_at > newest.created_at:
        return None
    return Returned(turn=turn, question=await _question(chat, turn))


async def note_asked(chat: Chat, replies: Sequence[Reply]) -> None:
    """Notes that something else is asked from now on, if one of these replies does."""
    cards = [reply.card for reply in replies if reply.card and reply.card.token]
    if any(card.question != card_of(HELP) for card in cards):
        await chat.remember(**{_ASKED_SINCE: chat.event.at.isoformat()})


def may_answer(chat: Chat, turn: Turn | None) -> bool:
    """Whether own words may be meant for it although this `turn` is open: they choose or change nothing."""
    text = chat.event.text
    if turn is None:
        return True
    asked = turn.prompt.question
    chooses = turn.prompt.kind in ANSWERABLE and asked is not None and asked.choice(text)
    changes = turn.prompt.kind is PromptKind.DRAFT and part_named(chat, text)
    return not (chooses or changes or is_question(text))


async def _question(chat: Chat, turn: Turn) -> str:
    asked = questions_of(await chat.parts.db.run(moves.list_, f"KM-{turn.interview.id}"))
    return next((one for one in asked if not turn.interview.edits.get(key_of(one))), "")
