"""The conversation: an event in, replies out, everything said saved in between. No Microsoft package here.

Typed text and card buttons become the same `Said`; `core/turns` decides, `services/interview` keeps, `speech`
puts it into words. What belongs to another channel is pointed there and not kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from km365.core.chat import Event, EventKind, Reply
from km365.core.commands import Command, Understood, numbered, understand
from km365.core.interviews import PROBE_SUFFIX, Interview, PromptKind
from km365.core.keepout import KeepOut, keep_out
from km365.core.languages import best
from km365.core.questions import Question
from km365.core.turns import Note, Said, Turn, Verb
from km365.documents.messages import Catalogue
from km365.documents.questions import Banks
from km365.errors import ChangedMeanwhile, InputRefused
from km365.jobs.port import Jobs
from km365.services import interview as service
from km365.store import conversations
from km365.store.database import Connection, Database
from km365.store.outbox import Message
from km365_bots import buttons, speech
from km365_bots.buttons import Press
from km365_bots.speech import Speech


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a conversation needs. `channels` says where to point people with what is not kept here."""

    db: Database
    jobs: Jobs
    banks: Banks
    catalogue: Catalogue
    secret: bytes
    """Signs cards (`store.secrets`)."""
    channels: Mapping[KeepOut, str]
    profile_language: Callable[[str], Awaitable[str | None]]
    """The language in a person's profile, by their id."""
    new_id: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class _Chat:
    """One turn of one chat, with what it needs at hand."""

    parts: Parts
    event: Event
    state: Mapping[str, Any]
    version: int
    language: str

    @property
    def speech(self) -> Speech:
        return self.speaking(self.language)

    def speaking(self, language: str) -> Speech:
        messages = self.parts.catalogue.get(language)
        return Speech(messages=messages, secret=self.parts.secret, person_id=self.event.person_id)

    def said(self, verb: Verb, **what: Any) -> Said:
        """What the person said; the activity is named within its chat, where alone its id is unique."""
        activity = self.event.activity_id
        return Said(
            verb=verb, activity_id=f"{self.event.conversation_id}/{activity}" if activity else "", **what
        )


async def respond(parts: Parts, event: Event) -> list[Reply]:
    """The replies to an event, in order. What the person said is saved when this returns.

    Hearing the same activity again changes nothing and repeats the prompt.
    """
    chat = await _open(parts, event)
    if not event.personal:
        return [chat.speech.say("chat.personal_only")] if event.kind is EventKind.MESSAGE else []
    match event.kind:
        case EventKind.INSTALLED:
            return await _welcome(chat)
        case EventKind.REMOVED:
            await _remember(chat, welcomed=False)
            return []
        case EventKind.SUBMIT:
            return await _pressed(chat, buttons.read(event.value))
        case EventKind.MESSAGE:
            return await _typed(chat)


def compose(parts: Parts, message: Message) -> Reply:
    """The words and the card of a message the bot sends by itself. Raises InputRefused for an odd one."""
    messages = parts.catalogue.get(best([message.language]))
    bank_id, due_on = message.data.get("bank"), message.data.get("due_on")
    bank = parts.banks.get(bank_id, messages.language) if isinstance(bank_id, str) else None
    due = messages.day(date.fromisoformat(due_on)) if isinstance(due_on, str) and due_on else ""
    reply = speech.compose(message, messages=messages, bank=bank, secret=parts.secret, due=due)
    if reply is None:
        raise InputRefused(f"There is no message of the kind {message.card!r}.")
    return reply


async def _open(parts: Parts, event: Event) -> _Chat:
    """The chat with its language: chosen here, else the profile's, else the activity's."""
    stored = await parts.db.run(conversations.get, event.conversation_id)
    state = stored.state if stored else {}
    chosen = state.get("language")
    if isinstance(chosen, str):
        language = best([chosen])
    else:
        language = best([await parts.profile_language(event.person_id), event.locale])
    return _Chat(
        parts=parts, event=event, state=state, version=stored.version if stored else 0, language=language
    )


async def _remember(chat: _Chat, **changes: object) -> None:
    """Keeps something about this chat, over whatever another turn may have kept meanwhile."""

    def save(c: Connection) -> None:
        now = conversations.get(c, chat.event.conversation_id)
        state = {**(now.state if now else {}), **changes}
        conversations.save(c, chat.event.conversation_id, state, now.version if now else 0, at=chat.event.at)

    try:
        await chat.parts.db.run(save)
    except ChangedMeanwhile:
        await chat.parts.db.run(save)


async def _welcome(chat: _Chat) -> list[Reply]:
    """Greets once; Teams tells of an installation any number of times."""
    if chat.state.get("welcomed"):
        return []
    await _remember(chat, welcomed=True)
    return [chat.speech.say("chat.welcome"), _help(chat)]


def _help(chat: _Chat) -> Reply:
    return chat.speech.say("chat.help", languages=chat.speech.messages.languages())


async def _typed(chat: _Chat) -> list[Reply]:
    """Typed text: a command, an answer, or neither."""
    text = chat.event.text
    turn = await service.current(chat.parts.db, chat.parts.banks, chat.event.person_id)
    meant = understand(text, chat.parts.catalogue.vocabulary, language=chat.language)
    if meant and meant.language:
        return await _change_language(chat, turn, meant.language)
    if meant and meant.command is Command.HELP:
        return [_help(chat), *([_prompt(chat, turn)] if turn else [])]
    if turn is None:
        return await _nothing_open(chat, meant)
    chat = replace(chat, language=turn.interview.language)
    question = turn.prompt.question
    if meant and meant.command is Command.WHO:
        bank = service.bank_of(chat.parts.banks, turn.interview)
        about = question or bank.questions[0]
        return [chat.speech.readers(turn.interview, bank, about), _prompt(chat, turn)]
    said = _said(chat, turn, meant)
    if said is None or (said.verb is Verb.EDIT and not said.fields):
        return [chat.speech.say(_asked_back(turn)), _prompt(chat, turn)]
    return await _go(chat, turn.interview, said)


def _said(chat: _Chat, turn: Turn, meant: Understood | None) -> Said | None:
    """What typed text says to this interview. A choice offered comes before a command of the same words.

    None for the words of a button that mean nothing here: they are no answer.
    """
    text, prompt = chat.event.text, turn.prompt
    answering = prompt.kind in {PromptKind.QUESTION, PromptKind.PROBE}
    if answering and prompt.question and prompt.question.choice(text):
        return chat.said(Verb.ANSWER, text=text)
    if prompt.kind is PromptKind.DRAFT and (part := numbered(text)):
        return _part(chat, turn, part)
    if meant and meant.audience:
        return chat.said(Verb.AUDIENCE, audience=meant.audience)
    command = meant.command if meant else None
    if command in _BUTTON_WORDS:
        verb = _BUTTON_WORDS[command].get(prompt.kind)
        return chat.said(verb) if verb else None
    if command in {Command.YES, Command.NO} and (answering or prompt.kind is PromptKind.DRAFT):
        command = None
    if command is not None:
        return chat.said(Verb(command.value))
    return chat.said(Verb.ANSWER, text=text)


_ASKED = {PromptKind.INVITATION, PromptKind.CONSENT, PromptKind.CONFIRM, PromptKind.PAUSED}
_BUTTON_WORDS: Mapping[Command | None, Mapping[PromptKind, Verb]] = {
    Command.AGREE: dict.fromkeys(_ASKED, Verb.YES),
    Command.REFUSE: dict.fromkeys(_ASKED, Verb.NO),
    Command.RIGHT: {PromptKind.DRAFT: Verb.SEND},
    Command.DISCARD: {PromptKind.DRAFT: Verb.WITHDRAW},
    Command.BUTTON: {},
}
"""Where the words of a button, typed, do what the button does."""


def _asked_back(turn: Turn) -> str:
    waits = turn.prompt.kind in {PromptKind.QUESTION, PromptKind.PROBE}
    return "notes.empty" if waits else "notes.not_now"


def _part(chat: _Chat, turn: Turn, part: Understood) -> Said:
    """A numbered part of the draft: with words, the words change; alone, its question is asked again."""
    bank = service.bank_of(chat.parts.banks, turn.interview)
    shown = speech.parts(turn.interview, bank)
    if not 1 <= part.number <= len(shown):
        return chat.said(Verb.EDIT)
    found = shown[part.number - 1]
    if not part.text:
        return chat.said(Verb.REVISE, question=found.question)
    return chat.said(Verb.EDIT, fields={found.key: part.text})


async def _nothing_open(chat: _Chat, meant: Understood | None) -> list[Reply]:
    """No interview waits: perhaps an invitation does, or one that was declined is taken up again."""
    verb = _OPENING.get(meant.command) if meant and meant.command else None
    campaign = await service.waiting_campaign(chat.parts.db, chat.event.person_id)
    if campaign is not None:
        if verb:
            return await _begin(chat, campaign.id, verb)
        subject = service.subject_of(campaign, chat.event.person_id)
        bank = chat.parts.banks.get(subject.bank, chat.language)
        due = chat.speech.messages.day(campaign.due_on)
        return [
            chat.speech.invitation(bank, campaign=campaign.id, subject=subject.title, due=due, reminder=False)
        ]
    last = await service.current(chat.parts.db, chat.parts.banks, chat.event.person_id, ended=True)
    if last and meant and meant.command in _TAKING_UP:
        chat = replace(chat, language=last.interview.language)
        return await _go(chat, last.interview, chat.said(Verb(meant.command.value)))
    if refusal := keep_out(chat.event.text, chat.parts.catalogue.keep_out):
        return [_kept_out(chat, refusal), _help(chat)]
    if last and meant is None and last.prompt.kind is PromptKind.FINISHED:
        turn = await _take(chat, last.interview.id, chat.said(Verb.START))
        if turn.prompt.kind is PromptKind.DRAFT:  # it had come back with a question, which this may answer
            chat = replace(chat, language=turn.interview.language)
            return [chat.speech.say("notes.not_now"), _prompt(chat, turn)]
    return [chat.speech.say("chat.nothing_open"), _help(chat)]


_TAKING_UP = frozenset(
    {Command.START, Command.RESUME, Command.YES, Command.DRAFT, Command.SEND, Command.WITHDRAW}
)
_OPENING = {
    Command.START: Verb.START,
    Command.RESUME: Verb.START,
    Command.YES: Verb.START,
    Command.AGREE: Verb.START,
    Command.LATER: Verb.LATER,
    Command.NO: Verb.DECLINE,
    Command.REFUSE: Verb.DECLINE,
    Command.DECLINE: Verb.DECLINE,
}


async def _change_language(chat: _Chat, turn: Turn | None, language: str) -> list[Reply]:
    """From now on in that language; the answers given stay in theirs."""
    await _remember(chat, language=language)
    chat = replace(chat, language=language)
    replies = [chat.speech.say("chat.language_changed")]
    if turn is not None:
        replies += await _go(chat, turn.interview, chat.said(Verb.LANGUAGE, text=language))
    return replies


async def _begin(chat: _Chat, campaign_id: str, verb: Verb) -> list[Reply]:
    """Takes up an invitation, puts it off or says no to it."""
    person = chat.event.person_id
    campaign = await service.campaign(chat.parts.db, campaign_id, person_id=person)
    if campaign is None:
        return [_in_place(chat, chat.speech.say("chat.forged"))]
    turn = await service.start(
        chat.parts.db,
        chat.parts.banks,
        chat.parts.jobs,
        person_id=person,
        subject=service.subject_of(campaign, person),
        language=chat.language,
        said=chat.said(verb),
        now=chat.event.at,
        new_id=chat.parts.new_id,
    )
    return _tell(chat, turn, None)


async def _pressed(chat: _Chat, press: Press | None) -> list[Reply]:
    """A card's button. Cards that are not ours are refused; those from before are answered kindly."""
    person, secret = chat.event.person_id, chat.parts.secret
    if press is not None and press.question == speech.INVITATION:
        if press.verb in _INVITED and not press.forged(secret, person, step=0):
            return await _begin(chat, press.interview, press.verb)
        press = None
    found = press and await service.find(chat.parts.db, chat.parts.banks, press.interview, person_id=person)
    if not press or not found or press.forged(secret, person, step=found.interview.step):
        return [_in_place(chat, chat.speech.say("chat.forged"))]
    chat = replace(chat, language=found.interview.language)
    if press.late(found.interview.step) and not press.harmless_when_late(found.interview.state):
        return [_in_place(chat, chat.speech.say("notes.late")), _prompt(chat, found)]
    if press.fields:
        return await _edited(chat, found, press)
    return await _go(chat, found.interview, _meant(chat, press), press)


_INVITED = frozenset({Verb.START, Verb.LATER, Verb.DECLINE})


def _meant(chat: _Chat, press: Press) -> Said:
    named = press.question if press.verb in {Verb.ANSWER, Verb.SKIP} else press.change
    return chat.said(press.verb, text=press.text, question=named, audience=press.audience)


async def _edited(chat: _Chat, found: Turn, press: Press) -> list[Reply]:
    """A draft's fields as they came back: what differs is kept, and only then is the draft sent."""
    changed = _changed(chat, found.interview, press.fields)
    said = chat.said(Verb.EDIT, fields=changed)
    if press.verb is Verb.EDIT or keep_out("\n".join(changed.values()), chat.parts.catalogue.keep_out):
        return await _go(chat, found.interview, said, press)
    # two steps of one activity: the second marks it as heard
    turn = await _take(chat, found.interview.id, replace(said, activity_id=""))
    return await _go(chat, turn.interview, _meant(chat, press), press)


def _changed(chat: _Chat, interview: Interview, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of the draft whose words differ from what was shown; fields that it has not are ignored."""
    bank = service.bank_of(chat.parts.banks, interview)
    shown = {part.key: part.value for part in speech.parts(interview, bank)}
    return {key: text for key, text in fields.items() if key in shown and text.strip() != shown[key].strip()}


async def _take(chat: _Chat, interview_id: str, said: Said) -> Turn:
    """One turn of an interview of this person, kept."""
    parts, event = chat.parts, chat.event
    return await service.take(
        parts.db, parts.banks, parts.jobs, interview_id, said, person_id=event.person_id, now=event.at
    )


async def _go(chat: _Chat, interview: Interview, said: Said, press: Press | None = None) -> list[Reply]:
    """One turn, kept, and its replies."""
    words = [said.text, *said.fields.values()] if said.verb in {Verb.ANSWER, Verb.EDIT} else []
    if said.verb is Verb.SEND:
        bank = service.bank_of(chat.parts.banks, interview)
        words = [part.value for part in speech.parts(interview, bank)]
    if words and (refusal := keep_out("\n".join(words), chat.parts.catalogue.keep_out)):
        return await _not_kept(chat, interview, said, refusal)
    turn = await _take(chat, interview.id, said)
    if press and said.verb is Verb.ANSWER and Note.TOO_LONG in turn.notes:
        return _too_long(chat, turn, said)
    return _tell(chat, turn, press)


def _too_long(chat: _Chat, turn: Turn, said: Said) -> list[Reply]:
    """A card that holds too much gives way to one that holds it still, as far as it fits.

    One of an earlier question stays, so that its words do not stand under another question.
    """
    note = chat.speech.say("notes.too_long_card", limit=speech.limit())
    asked = turn.prompt.question
    if asked is None or asked.id != said.question.removesuffix(PROBE_SUFFIX):
        return [note]
    return [_in_place(chat, note), _prompt(chat, turn, value=speech.beginning(said.text))]


def _tell(chat: _Chat, turn: Turn, press: Press | None) -> list[Reply]:
    """The replies to a turn: what just happened, then what comes next.

    An answered question's card gives way to the answer; any other card gives way to what is said first.
    """
    chat = replace(chat, language=turn.interview.language)
    ended = turn.prompt.kind in _ENDED
    question = _question_of(chat, turn, press)
    notes = chat.speech.notes(turn, chat.event.at)
    if question and turn.notes and turn.notes[0] in _DEALT_WITH:
        done = chat.speech.answered(turn, question, chat.event.at)
        return [_in_place(chat, done), *([] if ended else [_prompt(chat, turn)])]
    said = [Reply(text=notes)] if notes else []
    if ended:
        where_it_lies = turn.prompt.kind is PromptKind.FINISHED or not said
        return [_in_place(chat, _prompt(chat, turn) if where_it_lies else said[0])]
    if turn.prompt.kind is PromptKind.INVITATION and said:
        return [_in_place(chat, said[0])]
    first, *rest = [*said, _prompt(chat, turn)]
    return [_in_place(chat, first), *rest]


_ENDED = frozenset({PromptKind.SENDING, PromptKind.FINISHED, PromptKind.DECLINED, PromptKind.WITHDRAWN})
_DEALT_WITH = frozenset({Note.SAVED, Note.SKIPPED, Note.KEPT, Note.UNRECORDED, Note.EARLIER_CHANGED})


def _question_of(chat: _Chat, turn: Turn, press: Press | None) -> Question | None:
    """The question whose card was answered or skipped, if it was one."""
    if press is None or press.verb not in {Verb.ANSWER, Verb.SKIP}:
        return None
    bank = service.bank_of(chat.parts.banks, turn.interview)
    return bank.question(press.question.removesuffix(PROBE_SUFFIX))


def _prompt(chat: _Chat, turn: Turn, *, value: str | None = None) -> Reply:
    bank = service.bank_of(chat.parts.banks, turn.interview)
    return chat.speaking(turn.interview.language).prompt(turn, bank, value=value)


def _in_place(chat: _Chat, reply: Reply) -> Reply:
    """The reply in the place of the card that was pressed, if one was."""
    pressed = chat.event.kind is EventKind.SUBMIT
    return replace(reply, replaces=chat.event.reply_to) if pressed and chat.event.reply_to else reply


async def _not_kept(chat: _Chat, interview: Interview, said: Said, refusal: KeepOut) -> list[Reply]:
    """Points to the right channel. After a card, the words stand in the new card, to be said differently.

    In distress nothing more is asked.
    """
    parts, person = chat.parts, chat.event.person_id
    reply = _in_place(chat, _kept_out(chat, refusal))
    if refusal is KeepOut.DISTRESS:
        rest = replace(said, verb=Verb.PAUSE, text="", fields={})
        await _take(chat, interview.id, rest)
        return [reply]
    turn = await service.get(parts.db, parts.banks, interview.id, person_id=person)
    value = said.text if chat.event.kind is EventKind.SUBMIT and refusal is not KeepOut.PASSWORD else None
    return [reply, _prompt(chat, turn, value=value)]


def _kept_out(chat: _Chat, refusal: KeepOut) -> Reply:
    return chat.speech.say(f"keep_out.{refusal}", channel=chat.parts.channels[refusal])
