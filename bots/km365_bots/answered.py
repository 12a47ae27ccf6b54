"""What topics make of an answer: what of it is kept, and what they say to it before the next question."""

from km365.core.chat import Reply
from km365.core.said import Said, Verb
from km365.core.turns import Turn
from km365_bots.chat import Chat
from km365_bots.topics import Told

_SAYS = frozenset({Verb.ANSWER, Verb.EDIT})


async def kept(chat: Chat, interview_id: str, said: Said) -> Said:
    """What is kept of what was said to an interview."""
    if said.verb in _SAYS:
        for topic in chat.parts.topics:
            said = await topic.kept(chat, interview_id, said)
    return said


async def told(chat: Chat, turn: Turn, said: Said) -> Told | None:
    """What a topic says to what was just kept; what it waits for it waits for from now on."""
    if said.verb not in _SAYS:
        return None
    for topic in chat.parts.topics:
        if (found := await topic.answered(chat, turn, said)) is not None:
            if found.waits is not None:
                await chat.wait_for(topic.name, found.waits)
            return found
    return None


async def with_it(chat: Chat, turn: Turn, said: Said, replies: list[Reply]) -> list[Reply]:
    """The replies to an answer with what a topic says to it, which may come instead of the next question."""
    found = await told(chat, turn, said)
    if found is None:
        return replies
    *first, last = replies
    return [*first, *found.replies] if found.waits is not None else [*first, *found.replies, last]
