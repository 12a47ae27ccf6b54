"""Who reads an answer, asked or said in the chat; what is said next is then no answer by mistake."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from km365.core.answering import just_said
from km365.core.audience import Audience
from km365.core.chat import Reply
from km365.core.commands import Command, Understood, plain, reply_on_readers
from km365.core.interviews import ANSWERABLE, PromptKind, offered
from km365.core.said import Said, Verb, is_story
from km365.core.turns import Turn
from km365.services import interview as service
from km365_bots.chat import Chat

ASKED = "readers_asked"
"""Where the state of a chat notes when (`at`), at which step and in which words readers were spoken of."""
_HEEDED = timedelta(minutes=10)
_HEEDING = ANSWERABLE | {PromptKind.DRAFT}


def meant_of_readers(chat: Chat, turn: Turn, meant: Understood | None) -> Understood | None:
    """What was typed means, when it follows the question of who reads: "everyone", "nobody".

    The same words sent once more are the answer they were not taken for.
    """
    asked = _asked(chat, turn)
    if asked is None or turn.prompt.kind not in _HEEDING or _is_choice(chat, turn):
        return meant
    if _once_more(chat, asked):
        return None
    audience = reply_on_readers(chat.event.text, chat.parts.catalogue.vocabulary)
    return Understood(audience=audience) if audience and (meant is None or not meant.command) else meant


def answer_meant(chat: Chat, turn: Turn, said: Said) -> Said:
    """What was said, with the question whose answer was just given, where "only me" is about that one.

    Where readers were spoken of since then, it is about the question that is shown.
    """
    if said.verb is not Verb.AUDIENCE or said.question or _asked(chat, turn):
        return said
    bank = service.bank_of(chat.parts.banks, turn.interview)
    question = just_said(turn.interview, bank, said.audience, within=_HEEDED, now=chat.event.at)
    return replace(said, question=question)


async def replies(chat: Chat, turn: Turn, meant: Understood | None) -> Reply | None:
    """Who reads and how to change it, where that was asked or said, or may have been; None where not."""
    drafting = turn.prompt.kind is PromptKind.DRAFT
    if meant and meant.command is Command.WHO:
        if meant.text and await chat.keeps_out(chat.event.text):
            return None
        await _remember(chat, turn, said=bool(meant.text))
        return _help(chat, turn)
    if drafting and meant and meant.audience and _offered(chat, turn):
        return _help(chat, turn)
    if not await _may_be_readers(chat, turn, meant):
        return None
    await _remember(chat, turn, said=True)
    labels = chat.speech.messages.any_of(_offered(chat, turn))
    return chat.speech.say("audience_help.or_answer", labels=labels)


async def _may_be_readers(chat: Chat, turn: Turn, meant: Understood | None) -> bool:
    """Whether a few words that follow the question of who reads are said for the first time."""
    asked = _asked(chat, turn)
    if asked is None or turn.prompt.kind not in ANSWERABLE or _is_choice(chat, turn):
        return False
    own_words = meant is None or meant.command in {Command.YES, Command.NO}
    if not own_words or not plain(chat.event.text) or is_story(chat.event.text) or _once_more(chat, asked):
        return False
    return await chat.keeps_out(chat.event.text) is None


def _help(chat: Chat, turn: Turn) -> Reply:
    if turn.prompt.kind is PromptKind.DRAFT and _offered(chat, turn):
        return chat.speech.say("audience_help.draft")
    bank = service.bank_of(chat.parts.banks, turn.interview)
    consenting = turn.prompt.kind is PromptKind.CONSENT
    if consenting and bank.consent:
        return Reply(text=bank.consent.audience)
    if turn.prompt.kind not in ANSWERABLE and not offered(bank):
        return chat.speech.say("audience_help.now_all", who=chat.speech.messages.say("group.who"))
    if turn.prompt.kind not in ANSWERABLE:
        return chat.speech.say("chat.who")
    question = turn.prompt.question or bank.questions[0]
    return chat.about(turn.interview).readers(turn.interview, question, _offered(chat, turn))


def _offered(chat: Chat, turn: Turn) -> list[str]:
    """The readers one may choose, in words; none in a group."""
    bank = service.bank_of(chat.parts.banks, turn.interview)
    say, letters = chat.speech.messages.say, offered(bank)
    if not turn.interview.named:
        return [say(f"audience.{one}") for one in letters]
    return [say("preview.to_say" if one is Audience.NAMED else f"audience.{one}") for one in letters]


def _once_more(chat: Chat, asked: Mapping[str, Any]) -> bool:
    """Whether the same words are sent again by the person, not only delivered again by Teams."""
    same = bool(asked.get("text")) and asked["text"] == plain(chat.event.text)
    return same and asked.get("activity") != chat.activity_key


def _is_choice(chat: Chat, turn: Turn) -> bool:
    question = turn.prompt.question
    return bool(turn.prompt.kind in ANSWERABLE and question and question.choice(chat.event.text))


async def _remember(chat: Chat, turn: Turn, *, said: bool) -> None:
    """That readers were spoken of here; what was said is kept only to know it when it is sent once more."""
    if not _offered(chat, turn):
        return
    text = {"text": plain(chat.event.text), "activity": chat.activity_key} if said else {}
    here = {"interview": turn.interview.id, "step": turn.interview.step}
    await chat.remember(**{ASKED: {"at": chat.event.at.isoformat(), **here, **text}})


def _asked(chat: Chat, turn: Turn) -> Mapping[str, Any] | None:
    """What was noted when readers were last spoken of, a few minutes ago and at this very step; else None."""
    kept = chat.state.get(ASKED)
    if not isinstance(kept, Mapping):
        return None
    here = (kept.get("interview"), kept.get("step")) == (turn.interview.id, turn.interview.step)
    recent = chat.event.at - datetime.fromisoformat(str(kept["at"])) <= _HEEDED
    return kept if here and recent else None
