"""Group chats and channels: km365 answers when it is mentioned, and says only what everybody there may read.

Nothing that is typed there is stored but the subject of a reflection. What is a person's own is talked about
in their own chat.
"""

from km365.core.chat import EventKind, Reply
from km365.core.commands import Command
from km365.core.interviews import MAX_ANSWER_LENGTH
from km365.core.keepout import KeepOut
from km365.errors import KM365Error
from km365_bots import buttons
from km365_bots.chat import Chat
from km365_bots.topics import Topic, topic_named


async def respond(chat: Chat) -> list[Reply]:
    """The replies to what happened in a group; none to what was not said to us."""
    match chat.event.kind:
        case EventKind.INSTALLED:
            return await _greet(chat)
        case EventKind.REMOVED:
            await chat.remember(welcomed=False)
            return []
        case EventKind.JOINED:
            for topic in chat.parts.topics:
                await topic.joined(chat)
            return []
        case EventKind.SUBMIT:
            return await _pressed(chat)
        case EventKind.MESSAGE:
            return await _typed(chat) if chat.event.mentioned else []


async def _greet(chat: Chat) -> list[Reply]:
    """Greets once; Teams tells of an installation any number of times."""
    if chat.state.get("welcomed"):
        return []
    await chat.remember(welcomed=True)
    return [chat.speech.say("group.hello")]


async def _typed(chat: Chat) -> list[Reply]:
    """A topic's command, help, or what belongs in the person's own chat."""
    meant = chat.understood()
    if not chat.event.text or (meant and meant.command in {Command.HELP, Command.GREETING}):
        return [_help(chat)]
    topic = topic_named(chat.parts.topics, meant.topic) if meant else None
    if meant is None or topic is None:
        if await chat.keeps_out(chat.event.text[:MAX_ANSWER_LENGTH]) is KeepOut.DISTRESS:
            return [chat.kept_out(KeepOut.DISTRESS)]
        return [chat.speech.say("chat.personal_only")]
    if refused := await _outsiders_read(chat, topic):
        return [refused]
    replies = await topic.in_group(chat, meant.wish, meant)
    return [chat.speech.say("chat.personal_only")] if replies is None else list(replies)


async def _pressed(chat: Chat) -> list[Reply]:
    """A button of a card that was shown to this group, by whoever in it."""
    pick = buttons.picked(chat.event.value)
    topic = topic_named(chat.parts.topics, pick.topic) if pick else None
    if pick is None or topic is None or pick.forged(chat.parts.secret, chat.event.cards_for):
        return [aside(chat.speech.say("group.not_here"))]
    if refused := await _outsiders_read(chat, topic):
        return [refused]
    replies = await topic.pressed_in_group(chat, pick)
    return [aside(chat.speech.say("chat.personal_only"))] if replies is None else list(replies)


def aside(reply: Reply) -> Reply:
    """The reply for the eyes of the one who pressed alone, where Teams allows."""
    return Reply(text=reply.text, aside=True)


def _help(chat: Chat) -> Reply:
    """What can be said here."""
    lines = [key for topic in chat.parts.topics for key in topic.here]
    said = [chat.speech.say(key).text for key in ("group.here", *lines, "group.here_alone")]
    return Reply(text="\n\n".join(said))


async def _outsiders_read(chat: Chat, topic: Topic) -> Reply | None:
    """Why nothing from inside the organisation is said here; None where nobody from outside reads along."""
    if not topic.internal:
        return None
    try:
        readers = await chat.parts.members(chat.event)
    except KM365Error:
        return chat.speech.say("group.unknown_readers")
    if not readers:
        return chat.speech.say("group.unknown_readers")
    return chat.speech.say("group.outsiders") if any(one.outsider for one in readers) else None
