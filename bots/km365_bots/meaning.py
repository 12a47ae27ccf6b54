"""What typed text says to an interview: an answer, a command, an edit of the draft, or nothing to it."""

from collections.abc import Mapping
from typing import Any

from km365.core.commands import Command, Understood
from km365.core.draft_words import part_named as named_in
from km365.core.interviews import ANSWERABLE, Interview, PromptKind
from km365.core.questions import Bank
from km365.core.said import Said, Verb, is_question, is_story
from km365.core.schedule import next_open
from km365.core.turns import LATER, Turn
from km365.services import interview as service
from km365_bots import drafts
from km365_bots.chat import Chat


def uttered(chat: Chat, verb: Verb, **what: Any) -> Said:
    """What was said; "later" alone is the next day, within the person's hours."""
    if verb is Verb.LATER and not what.get("until"):
        what["until"] = next_open(chat.event.at + LATER, chat.hours)
    return Said(verb=verb, activity_id=chat.activity_key, **what)


def said_to(chat: Chat, turn: Turn, meant: Understood | None) -> Said | None:
    """What typed text says to this interview. A choice offered comes before a command of the same words;
    yes and no in any language are the choices of these ids.

    None for the words of a button that mean nothing here, and for a question where an answer stands.
    """
    text, prompt = chat.event.text, turn.prompt
    answering = prompt.kind in ANSWERABLE
    if answering and prompt.question and prompt.question.choice(text):
        return uttered(chat, Verb.ANSWER, text=text)
    if prompt.kind is PromptKind.DRAFT and (part := part_named(chat, text)):
        return _part(chat, turn, part)
    if meant and meant.audience:
        return uttered(chat, Verb.AUDIENCE, audience=meant.audience)
    command = meant.command if meant else None
    if answering and prompt.question and command in _YES_NO and prompt.question.choice(str(command)):
        return uttered(chat, Verb.ANSWER, text=str(command))
    if command in _BUTTON_WORDS:
        verb = _BUTTON_WORDS[command].get(prompt.kind)
        return uttered(chat, verb) if verb else None
    return _in_words(chat, turn, None if command is Command.WHO else command)  # `WHO`: not kept here


def _in_words(chat: Chat, turn: Turn, command: Command | None) -> Said | None:
    """A command or own words; None for what is only asked, where an answer stands or a yes is waited for."""
    text, kind = chat.event.text, turn.prompt.kind
    back = kind in ANSWERABLE and bool(turn.interview.revisiting)
    if back and command is Command.YES:
        return uttered(chat, Verb.SKIP)
    asks = command is None and is_question(text) and not is_story(text)
    if (asks and (back or kind is PromptKind.CONSENT)) or (back and command is Command.NO):
        return None
    if command in _YES_NO and (kind in ANSWERABLE or kind is PromptKind.DRAFT):
        command = None
    return uttered(chat, Verb(command.value)) if command else uttered(chat, Verb.ANSWER, text=text)


_YES_NO = frozenset({Command.YES, Command.NO})
"""Words that answer where one answers; to an answer that stands, yes leaves it and no says nothing new."""
_ASKED = {PromptKind.INVITATION, PromptKind.CONSENT, PromptKind.CONFIRM, PromptKind.PAUSED}
_BUTTON_WORDS: Mapping[Command | None, Mapping[PromptKind, Verb]] = {
    Command.AGREE: dict.fromkeys(_ASKED, Verb.YES),
    Command.REFUSE: dict.fromkeys(_ASKED, Verb.NO),
    Command.RIGHT: {PromptKind.DRAFT: Verb.SEND},
    Command.DISCARD: {PromptKind.DRAFT: Verb.WITHDRAW},
    Command.BUTTON: {},
}
"""Where the words of a button, typed, do what the button does."""


def asked_back(turn: Turn) -> str:
    """The text for what says nothing to the interview as it stands."""
    if turn.prompt.kind is PromptKind.CONSENT:
        return "notes.consent_asked"
    if turn.prompt.kind is PromptKind.DRAFT:
        return "notes.not_in_draft"
    waits = turn.prompt.kind in ANSWERABLE
    if waits and turn.interview.revisiting:
        return "notes.stands"
    return "notes.empty" if waits else "notes.not_now"


def part_named(chat: Chat, text: str) -> Understood | None:
    """The part of a draft that the text names, in any language."""
    return named_in(text, chat.parts.catalogue.vocabulary)


def _part(chat: Chat, turn: Turn, part: Understood) -> Said:
    """A numbered part of the draft: with words, the words change; alone, its question is asked again."""
    bank = bank_of(chat, turn.interview)
    shown = drafts.parts(turn.interview, bank)
    if not 1 <= part.number <= len(shown):
        return uttered(chat, Verb.EDIT)
    found = shown[part.number - 1]
    asked = bank.question(found.question)
    if not (part.text or part.empties) or (asked is not None and asked.choices):
        return uttered(chat, Verb.REVISE, question=found.question)
    return uttered(chat, Verb.EDIT, fields={found.key: part.text})


def worded(chat: Chat, interview: Interview) -> dict[str, str]:
    """The words of the draft, by the key of each part."""
    return {part.key: part.value for part in drafts.parts(interview, bank_of(chat, interview))}


def bank_of(chat: Chat, interview: Interview) -> Bank:
    """The questions that the interview asks, in its language."""
    return service.bank_of(chat.parts.banks, interview)
