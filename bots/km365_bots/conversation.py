"""The conversation: an event in, replies out, everything said saved in between. No Microsoft package here.

An interview takes what is said while it is open; beside it stand the topics, each of which knows its own
commands and cards. What belongs to another channel is pointed there and not kept.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from km365.core.chat import Event, EventKind, Reply
from km365.core.commands import KINDNESS, Command, Understood, opens_with_colon
from km365.core.interviews import MAX_ANSWER_LENGTH, PromptKind
from km365.core.keepout import KeepOut
from km365.core.languages import best
from km365.core.turns import Turn
from km365.errors import InputRefused
from km365.services.group_reflection import SUMMARY
from km365.store import preferences
from km365.store.conversations import UNHEARD
from km365.store.outbox import Message
from km365_bots import buttons, drafts, group_speech, groups, interviewing, news, put_by, speech
from km365_bots.chat import LEFT_ALONE, WAITING, Chat, Parts, open_chat
from km365_bots.meaning import part_named
from km365_bots.speech import Speech
from km365_bots.topics import EVERYBODY, Told, Topic, mine_returned, topic_named
from km365_bots.topics.mine import Mine, offer
from km365_bots.topics.mine_returned import Returned
from km365_bots.topics.text import without_card


async def respond(parts: Parts, event: Event) -> list[Reply]:
    """The replies to an event, in order. What the person said is saved when this returns.

    Hearing the same activity again changes nothing and repeats the prompt.
    """
    chat = await open_chat(parts, event)
    if not event.personal:
        return await groups.respond(chat)
    replies = await _respond(chat)
    return [without_card(reply) for reply in replies] if chat.text_only else replies


async def _respond(chat: Chat) -> list[Reply]:
    returned = await mine_returned.last_asked(chat)
    replies = await _replies(chat, returned)
    if returned is not None:
        await mine_returned.note_asked(chat, replies)
    return replies


async def _replies(chat: Chat, returned: Returned | None) -> list[Reply]:
    match chat.event.kind:
        case EventKind.INSTALLED:
            return await _welcome(chat)
        case EventKind.REMOVED | EventKind.JOINED as told:
            if told is EventKind.REMOVED:
                await chat.remember(welcomed=False)
            return []
        case EventKind.SUBMIT:
            await _heard_again(chat)
            if chat.state.get(UNHEARD):  # what is pressed was seen
                await chat.remember(**{UNHEARD: None})
            return await _beside(chat, await _pressed(chat))
        case EventKind.MESSAGE if chat.event.edited:
            return [await _edited(chat)]
        case EventKind.MESSAGE:
            meant = _meant(chat)
            if chat.state.get(LEFT_ALONE) and (meant is None or meant.command in KINDNESS):
                return [chat.kept_out(KeepOut.DISTRESS)]
            await _heard_again(chat)
            went_on = await _went_on(chat, meant, returned)
            return await _beside(chat, went_on or await _typed(chat, meant, returned))


def compose(parts: Parts, message: Message) -> Reply:
    """The words and the card of a message the bot sends by itself. Raises InputRefused for an odd one."""
    messages = parts.catalogue.get(best([message.language]))
    bank_id, due_on = message.data.get("bank"), message.data.get("due_on")
    bank = parts.banks.get(bank_id, messages.language) if isinstance(bank_id, str) else None
    due = messages.day(date.fromisoformat(due_on)) if isinstance(due_on, str) and due_on else ""
    if message.card == SUMMARY:
        return group_speech.summary(message, parts.banks, messages=messages, secret=parts.secret)
    reply = news.compose(message, messages=messages, bank=bank, secret=parts.secret, due=due)
    if reply is None:
        speaking = Speech(messages=messages, secret=parts.secret, person_id=message.person_id)
        reply = next((told for one in parts.topics if (told := one.tells(speaking, message))), None)
    if reply is None:
        raise InputRefused(f"There is no message of the kind {message.card!r}.")
    return reply


async def compose_now(parts: Parts, message: Message) -> Reply:
    """The same as it goes out, where a topic reads only now what it says. Raises NotWanted too."""
    messages = parts.catalogue.get(best([message.language]))
    speaking = Speech(messages=messages, secret=parts.secret, person_id=message.person_id)
    for topic in parts.topics:
        if (reply := await topic.as_sent(speaking, message)) is not None:
            return reply
    return compose(parts, message)


async def _welcome(chat: Chat) -> list[Reply]:
    """Greets once; Teams tells of an installation any number of times."""
    if chat.state.get("welcomed"):
        return []
    await chat.remember(welcomed=True)
    return [chat.speech.say("chat.welcome"), _help(chat)]


def _help(chat: Chat, *, whole: bool = False) -> Reply:
    """What most people need, which the topics with a button are, or the `whole` of what can be said."""
    opened = [one.name for one in chat.parts.topics if one.opens]
    groups: dict[str, list[str]] = {EVERYBODY: []}
    for topic in chat.parts.topics:
        if whole or topic.opens:
            groups.setdefault(topic.for_whom if whole else EVERYBODY, []).append(f"{topic.name}.help")
    groups[EVERYBODY] += ["chat.help"] if whole else ["chat.help", "chat.help_more"]
    return chat.speech.help(groups, buttons=opened, more=not whole)


async def _typed(chat: Chat, meant: Understood | None, returned: Returned | None) -> list[Reply]:
    """Typed text: something every chat understands, a topic's, the open interview's, or nobody's."""
    turn = await interviewing.current(chat)
    if meant and (said := await _any_time(chat, turn, meant)):
        return said
    for topic, wish in _spoken_to(chat, meant, turn):
        told = await topic.typed(chat, wish, meant)
        if told is not None:
            return await _tell(chat, topic, told, turn)
    if meant and meant.command and meant.command in KINDNESS:
        return await _greeted(chat, meant.command, turn)
    if turn is not None and (again := await _unheard(chat, turn)):
        return again
    await _wait_no_more(chat)
    answered = await _to_returned(chat, returned, turn) if returned and meant is None else None
    if answered is None and turn is not None and not await _told_before_starting(chat, turn, meant):
        offered = await _told_at_the_draft(chat, turn, meant)
        return offered or [*await interviewing.typed(chat, turn, meant), *await _put_by(chat, turn)]
    return answered or await interviewing.nothing_open(chat, meant) or await _unasked(chat)


async def _went_on(chat: Chat, meant: Understood | None, returned: Returned | None) -> list[Reply]:
    """ "Continue" where the last that was asked came with something that was returned; nothing else."""
    if returned is None or meant is None or meant.command is not Command.RESUME:
        return []
    await _wait_no_more(chat)
    return await interviewing.go_on(chat, returned.turn)


async def _to_returned(chat: Chat, returned: Returned, turn: Turn | None) -> list[Reply] | None:
    """Own words after something came back answer its question; where more is open, that is asked first."""
    mine = topic_named(chat.parts.topics, Mine.name)
    if await chat.keeps_out(chat.event.text[:MAX_ANSWER_LENGTH]) is not None:
        return None
    if turn is None and await interviewing.invitation(chat) is None:
        return await interviewing.answer_returned(chat, returned.turn)
    if not returned.question or mine is None or not mine_returned.may_answer(chat, turn):
        return None
    told = offer(chat, returned.turn.interview.id, returned.question, chat.event.text)
    return await _tell(chat, mine, told, turn)


async def _any_time(chat: Chat, turn: Turn | None, meant: Understood) -> list[Reply]:
    """The replies to what every chat understands before all else; none to anything else."""
    if meant.language:
        return await _change_language(chat, turn, meant.language)
    if meant.command in {Command.HELP, Command.HELP_MORE}:
        whole = meant.command is Command.HELP_MORE
        return [_help(chat, whole=whole), *([interviewing.prompt(chat, turn)] if turn else [])]
    if meant.command is Command.WHO and turn is None:
        return [chat.speech.say("chat.who")]
    if meant.command not in {Command.WHAT, Command.WHY}:
        return []
    why = await interviewing.why(chat, turn) if meant.command is Command.WHY else None
    waits = interviewing.prompt(chat, turn) if turn else await interviewing.invitation(chat)
    return [why or chat.speech.say("chat.welcome"), *([waits] if waits else [])]


async def _greeted(chat: Chat, said: Command, turn: Turn | None) -> list[Reply]:
    """Says it back, and shows what waits; to a greeting where nothing does, all that can be said."""
    back = chat.speech.say(f"chat.{said}")
    waits = interviewing.prompt(chat, turn) if turn else await interviewing.invitation(chat)
    if waits is None:
        return [back, _help(chat)] if said is Command.GREETING else [back]
    return [back, waits]


async def _unheard(chat: Chat, turn: Turn) -> list[Reply]:
    """What waits, once more, where our last words may not have arrived: nobody answers what they never saw.

    Once only, so that a person who can be heard and not answered is heard all the same.
    """
    noted = chat.state.get(UNHEARD) or {}
    repeated = bool(noted.get("with")) and noted["with"] == chat.activity_key
    if noted.get("with") and not repeated:
        await chat.remember(**{UNHEARD: None})
        return []
    if not (noted or chat.event.unheard) or await chat.keeps_out(chat.event.text[:MAX_ANSWER_LENGTH]):
        return []
    await chat.remember(**{UNHEARD: {"at": chat.event.at.isoformat(), "with": chat.activity_key or "-"}})
    return [chat.speech.say("chat.unheard"), interviewing.prompt(chat, turn)]


async def _edited(chat: Chat) -> Reply:
    """An edit changes nothing that was kept; who is in distress is told of nothing else."""
    refusal = await chat.keeps_out(chat.event.text[:MAX_ANSWER_LENGTH])
    if refusal is KeepOut.DISTRESS or chat.state.get(LEFT_ALONE):
        return chat.kept_out(KeepOut.DISTRESS)
    return chat.speech.say("chat.edited")


async def _put_by(chat: Chat, before: Turn) -> list[Reply]:
    """The card of an invitation or a break that words have answered, without its buttons."""
    kind = before.prompt.kind
    if kind not in {PromptKind.INVITATION, PromptKind.PAUSED}:
        return []
    after = await interviewing.current(chat)
    if after and (after.interview.id, after.prompt.kind) == (before.interview.id, kind):
        return []
    campaign = before.interview.campaign if kind is PromptKind.INVITATION else ""
    return await put_by.cards(chat, campaign=campaign, interview=before.interview.id)


async def _told_before_starting(chat: Chat, turn: Turn, meant: Understood | None) -> bool:
    """Whether these are own words to an invitation that was put off: no question waits for them yet."""
    waits = meant is None and turn.prompt.kind is PromptKind.INVITATION
    return waits and await chat.keeps_out(chat.event.text[:MAX_ANSWER_LENGTH]) is None


async def _told_at_the_draft(chat: Chat, turn: Turn, meant: Understood | None) -> list[Reply]:
    """Own words at a draft, where no question waits: a topic may know what to make of them."""
    text = chat.event.text
    if meant or part_named(chat, text) or turn.prompt.kind is not PromptKind.DRAFT:
        return []
    if await chat.keeps_out(text[:MAX_ANSWER_LENGTH]) is not None:
        return []
    for topic in chat.parts.topics:
        if told := await topic.unasked(chat):
            return await _tell(chat, topic, told, turn)
    return []


async def _heard_again(chat: Chat) -> None:
    """Somebody who was left alone says what they want, or presses it."""
    if chat.state.get(LEFT_ALONE):
        await chat.remember(**{LEFT_ALONE: None})


def _meant(chat: Chat) -> Understood | None:
    """What was typed means; a story that begins like "look for …" is one where a story is waited for."""
    meant = chat.understood()
    text = chat.event.text
    telling = _waiting(chat).get("own_words") and meant and meant.text and not opens_with_colon(text)
    return None if telling else meant


def _spoken_to(chat: Chat, meant: Understood | None, turn: Turn | None) -> list[tuple[Topic, str]]:
    """The topic whose command was typed, else the one that waits for an answer and those that heed the words.

    A card that the bot sends by itself may be answered while something else waits.
    """
    named = topic_named(chat.parts.topics, meant.topic) if meant else None
    found = [(named, meant.wish)] if meant and named else []
    waiting = topic_named(chat.parts.topics, str(_waiting(chat).get("topic", "")))
    found += [(waiting, "")] if waiting else []
    if named or (turn and turn.prompt.kind is PromptKind.DRAFT and part_named(chat, chat.event.text)):
        return found
    others = [topic for topic in chat.parts.topics if topic is not waiting]
    return [*found, *((topic, wish) for topic in others if (wish := topic.heeds(chat)))]


def _waiting(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get(WAITING)
    return kept if isinstance(kept, Mapping) else {}


async def _wait_no_more(chat: Chat) -> None:
    if chat.state.get(WAITING):
        await chat.remember(**{WAITING: None})


async def _tell(chat: Chat, topic: Topic, told: Told, turn: Turn | None) -> list[Reply]:
    """A topic's replies; then, unless it asked something itself, what the interview was asking."""
    if told.waits is not None:
        kept = {**told.waits, "own_words": True} if told.own_words else told.waits
        await chat.wait_for(told.by or topic.name, kept)
        pressed = chat.event.kind is EventKind.SUBMIT  # the question still stands below the card
        if told.asks or pressed:
            return list(told.replies)
    else:
        await _wait_no_more(chat)
    if turn is None or told.begun:
        return list(told.replies)
    return [*told.replies, interviewing.prompt(chat, turn)]


async def _beside(chat: Chat, replies: list[Reply]) -> list[Reply]:
    """Below a draft that is shown, what a topic has to say of it."""
    card = replies[-1].card if replies else None
    draft = card is not None and card.name in {drafts.DRAFT, drafts.NOTE}
    turn = await interviewing.named(chat, card.interview) if card and draft else None
    if turn is None:
        return replies
    for topic in chat.parts.topics:
        if (told := await topic.beside(chat, turn)) is not None:
            await chat.wait_for(topic.name, told.waits or {})
            return [*replies, *told.replies]
    return replies


async def _unasked(chat: Chat) -> list[Reply]:
    """Words that nobody asked for, while nothing is open."""
    for topic in chat.parts.topics:
        told = await topic.unasked(chat)
        if told is not None:
            return await _tell(chat, topic, told, None)
    if invitation := await interviewing.invitation(chat):
        return [chat.speech.say("chat.not_begun"), invitation]
    return [chat.speech.say("chat.nothing_open"), _help(chat)]


async def _pressed(chat: Chat) -> list[Reply]:
    """A card's button: a topic's, or an interview's."""
    pick = buttons.picked(chat.event.value)
    if pick is None:
        await _wait_no_more(chat)
        return await interviewing.pressed(chat, buttons.read(chat.event.value))
    topic = topic_named(chat.parts.topics, pick.topic)
    forged = pick.forged(chat.parts.secret, chat.event.person_id)
    if pick.topic == speech.HELP and not forged:
        return await _opened(chat, pick.verb)
    if topic is None or forged:
        return [chat.in_place(chat.speech.say("chat.forged"))]
    turn = await interviewing.current(chat)
    told = await topic.pressed(chat, pick)
    first, *rest = await _tell(chat, topic, told, turn)
    return [chat.in_place(first), *rest]


async def _opened(chat: Chat, verb: str) -> list[Reply]:
    """A button of the help, which stays: it is the way to everything for who types nothing."""
    topic, turn = topic_named(chat.parts.topics, verb), await interviewing.current(chat)
    if verb == speech.MORE:
        return [_help(chat, whole=True), *([interviewing.prompt(chat, turn)] if turn else [])]
    if topic is None or not topic.opens:
        return [chat.speech.say("chat.who"), *([interviewing.prompt(chat, turn)] if turn else [])]
    told = await topic.typed(chat, topic.opens, Understood(topic=topic.name, wish=topic.opens))
    return [_help(chat)] if told is None else await _tell(chat, topic, told, turn)


async def _change_language(chat: Chat, turn: Turn | None, language: str) -> list[Reply]:
    """From now on in that language; the answers given stay in theirs."""
    parts, event = chat.parts, chat.event
    await parts.db.run(preferences.put_language, event.person_id, language, at=event.at)
    chat = replace(chat, language=language)
    replies = [chat.speech.say("chat.language_changed")]
    return replies if turn is None else [*replies, *await interviewing.speak(chat, turn, language)]
