"""An interview in the chat: typed text and card buttons become the same `Said`, and its turn becomes replies.

`core/turns` decides, `services/interview` keeps, `speech` puts it into words. What belongs to another channel
is pointed there and not kept.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from functools import partial

from km365.core.chat import EventKind, Reply
from km365.core.commands import Command, Understood
from km365.core.drafting import LINKS, links_of
from km365.core.interviews import (
    ANSWERABLE,
    MAX_ANSWER_LENGTH,
    PROBE_SUFFIX,
    Interview,
    InterviewState,
    PromptKind,
)
from km365.core.keepout import KeepOut
from km365.core.knowledge import Link, and_links
from km365.core.notes import Note
from km365.core.questions import Question
from km365.core.said import Said, Verb, clean
from km365.core.schedule import day_at
from km365.core.turns import Turn
from km365.services import handover_plan
from km365.services import interview as service
from km365.store.campaigns import Campaign
from km365_bots import answered, drafts, put_by, putting_off, readers, speech
from km365_bots.buttons import Press
from km365_bots.chat import Chat
from km365_bots.meaning import asked_back, bank_of, said_to, uttered, worded


async def current(chat: Chat) -> Turn | None:
    """The interview of this person that is open, if one is."""
    return await _learnt(chat, await service.current(chat.parts.db, chat.parts.banks, chat.event.person_id))


async def _learnt(chat: Chat, turn: Turn | None) -> Turn | None:
    """The same, with who is around the person known."""
    if turn is not None:
        await chat.parts.around.learn(turn.interview)
    return turn


async def is_asked(chat: Chat) -> bool:
    """Whether a question of an interview waits for what this person writes."""
    turn = await current(chat) if chat.event.personal else None
    return turn is not None and turn.prompt.kind in ANSWERABLE


async def typed(chat: Chat, turn: Turn, meant: Understood | None) -> list[Reply]:
    """Typed text while an interview is open: a command to it, an answer, or neither."""
    chat = replace(chat, language=turn.interview.language)
    meant = readers.meant_of_readers(chat, turn, meant)
    if told := await readers.replies(chat, turn, meant):
        return [told, prompt(chat, turn)]
    said = said_to(chat, turn, meant)
    if said is None:
        if refusal := await chat.keeps_out(chat.event.text[:MAX_ANSWER_LENGTH]):
            return await _not_kept(chat, turn.interview, uttered(chat, Verb.ANSWER), refusal)
        return [chat.speech.say(asked_back(turn)), prompt(chat, turn)]
    if said.verb is Verb.EDIT and not said.fields:
        most = str(len(worded(chat, turn.interview)))
        return [chat.speech.say("notes.no_such_part", most=most), prompt(chat, turn)]
    return await _go(chat, turn.interview, readers.answer_meant(chat, turn, said))


async def speak(chat: Chat, turn: Turn, language: str) -> list[Reply]:
    """The interview goes on in that language; the answers given stay in theirs."""
    return await _go(chat, turn.interview, uttered(chat, Verb.LANGUAGE, text=language))


async def put_off(chat: Chat, until: datetime, turn: Turn | None = None) -> list[Reply] | None:
    """This person's interview rests until then: the one given, the open one, or the invitation that waits.

    None where there is none.
    """
    turn = turn or await current(chat)
    if turn is not None:
        return await _go(chat, turn.interview, uttered(chat, Verb.LATER, until=until))
    campaign = await service.waiting_campaign(chat.parts.db, chat.event.person_id)
    return await _begin(chat, campaign.id, Verb.LATER, until=until) if campaign else None


async def named(chat: Chat, interview_id: str) -> Turn | None:
    """The interview of that id, if it is this person's."""
    person = chat.event.person_id
    found = await service.find(chat.parts.db, chat.parts.banks, interview_id, person_id=person)
    return await _learnt(chat, found)


async def go_on(chat: Chat, turn: Turn) -> list[Reply]:
    """The interview goes on where it stands."""
    return await _go(chat, turn.interview, uttered(chat, Verb.RESUME))


async def nothing_open(chat: Chat, meant: Understood | None) -> list[Reply] | None:
    """No interview waits: perhaps an invitation does, or one that was declined is taken up again.

    None where it is neither, and where somebody tells something in answer to an invitation.
    """
    verb = _OPENING.get(meant.command) if meant and meant.command else None
    campaign = await service.waiting_campaign(chat.parts.db, chat.event.person_id)
    if campaign is not None and verb:
        return await _begin(chat, campaign.id, verb)
    if campaign is not None and meant is not None:
        return [_invitation(chat, campaign)]
    last = await service.current(chat.parts.db, chat.parts.banks, chat.event.person_id, ended=True)
    if last and meant and meant.command in _TAKING_UP:
        chat = replace(chat, language=last.interview.language)
        return await _go(chat, last.interview, uttered(chat, Verb(meant.command.value)))
    if refusal := await chat.keeps_out(chat.event.text[:MAX_ANSWER_LENGTH]):  # none of it is kept
        return [chat.kept_out(refusal)]
    if campaign is None and last and meant is None and last.prompt.kind is PromptKind.FINISHED:
        return await answer_returned(chat, last)
    return None


async def answer_returned(chat: Chat, ended: Turn) -> list[Reply] | None:
    """What was typed answers the question with which this had come back; None where it had not."""
    turn = await open_returned(chat, ended)
    if turn.prompt.kind is not PromptKind.DRAFT:
        return None
    chat = replace(chat, language=turn.interview.language)
    asked = await reopened(chat, turn, chat.event.text)
    return asked or [chat.speech.say("notes.not_in_draft"), prompt(chat, turn)]


async def open_returned(chat: Chat, ended: Turn) -> Turn:
    """The draft open again of what had come back; anything else as it stands."""
    return await _take(chat, ended.interview, uttered(chat, Verb.START))


async def reopened(chat: Chat, turn: Turn, text: str = "") -> list[Reply]:
    """What a topic asks where a draft is open again, which it then waits for; nothing where none does."""
    for topic in chat.parts.topics:
        if (told := await topic.reopened(chat, turn, text)) is not None:
            await chat.wait_for(topic.name, {**(told.waits or {}), "own_words": told.own_words})
            return list(told.replies)
    return []


async def name_readers(chat: Chat, turn: Turn, readers: Iterable[str]) -> list[Reply]:
    """These are the named readers, by directory id, or will be after a yes; then what comes next."""
    return await _go(chat, turn.interview, uttered(chat, Verb.NAME, readers=tuple(readers)))


async def keep(chat: Chat, turn: Turn, fields: Mapping[str, str]) -> Turn:
    """Other words for parts of the draft, kept; none where they are too long (`Note.TOO_LONG`).

    The activity may have opened the draft before, so that it is not known by this.
    """
    said = replace(uttered(chat, Verb.EDIT, fields=fields), activity_id="")
    return await _take(chat, turn.interview, said)


async def invitation(chat: Chat) -> Reply | None:
    """The invitation that waits for an answer, once more; None where none does."""
    campaign = await service.waiting_campaign(chat.parts.db, chat.event.person_id)
    return _invitation(chat, campaign) if campaign else None


async def why(chat: Chat, turn: Turn | None) -> Reply:
    """Why this person is asked what is open, or what they are invited to."""
    if turn is not None:
        key = "chat.why_own"
        if turn.interview.campaign:
            key = speech.own_text(bank_of(chat, turn.interview), "why")
        return chat.speech.say(key, subject=chat.speech.apart(turn.interview.subject_title))
    campaign = await service.waiting_campaign(chat.parts.db, chat.event.person_id)
    if campaign is None:
        return chat.speech.say("chat.why_nothing")
    subject = service.subject_of(campaign, chat.event.person_id)
    key = speech.own_text(chat.parts.banks.get(subject.bank, chat.language), "why")
    return chat.speech.say(key, subject=chat.speech.apart(subject.title))


def _invitation(chat: Chat, campaign: Campaign) -> Reply:
    subject = service.subject_of(campaign, chat.event.person_id)
    bank = chat.parts.banks.get(subject.bank, chat.language)
    return chat.speech.invitation(
        bank,
        campaign=campaign.id,
        subject=subject.title,
        due=chat.speech.messages.day(campaign.due_on),
        reminder=False,
        gone=campaign.after_leaving(day_at(chat.event.at, chat.hours)),
    )


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


async def _begin(chat: Chat, campaign_id: str, verb: Verb, *, until: datetime | None = None) -> list[Reply]:
    """Takes up an invitation, puts it off or says no to it."""
    person = chat.event.person_id
    campaign = await service.campaign(chat.parts.db, campaign_id, person_id=person)
    if campaign is None:
        return [chat.in_place(chat.speech.say("chat.forged"))]
    if campaign.kind == "group" and campaign.state != "open":
        return [chat.in_place(chat.speech.say("notes.over"))]
    turn = await service.start(
        chat.parts.db,
        chat.parts.banks,
        chat.parts.jobs,
        person_id=person,
        subject=service.subject_of(campaign, person),
        language=chat.language,
        said=uttered(chat, verb, until=until),
        now=chat.event.at,
        new_id=chat.parts.new_id,
        plan=partial(
            handover_plan.parts, chat.parts.banks, campaign, person, chat.parts.hours, now=chat.event.at
        ),
    )
    await _learnt(chat, turn)
    waits = turn.prompt.kind is PromptKind.INVITATION
    replies = await _opened(chat, turn, _tell(chat, turn, None))
    return [*replies, *([] if waits else await put_by.cards(chat, campaign=campaign_id))]


async def _opened(chat: Chat, turn: Turn, replies: list[Reply]) -> list[Reply]:
    """The replies to what may have started an interview, which a topic may open before its first question."""
    interview = turn.interview
    started = interview.state is InterviewState.OPEN and interview.changed_at == chat.event.at
    if not started or interview.answers:
        return replies
    for topic in chat.parts.topics:
        if (told := await topic.before(chat, turn)) is not None:
            await chat.wait_for(topic.name, told.waits or {})
            *said, asked = replies
            first, *rest = told.replies
            return [*said, replace(first, replaces=asked.replaces), *rest]
    return replies


async def pressed(chat: Chat, press: Press | None) -> list[Reply]:
    """A card's button. Cards that are not ours are refused; those from before are answered kindly."""
    person, secret = chat.event.person_id, chat.parts.secret
    if press is not None and press.question == speech.INVITATION:
        if press.verb in _INVITED and not press.forged(secret, person):
            return await _begin(chat, press.interview, press.verb)
        press = None
    found = await named(chat, press.interview) if press else None
    if not press or not found or press.forged(secret, person):
        return [chat.in_place(chat.speech.say("chat.forged"))]
    chat = replace(chat, language=found.interview.language)
    if press.question == speech.RETURNED:  # what was asked stays to be read while it is answered
        chat = replace(chat, event=replace(chat.event, reply_to=""))
    state = found.interview.state
    late = press.late(found.interview.step) and not press.harmless_when_late(state)
    if late and not (press.fields and state is InterviewState.DRAFT):
        return [chat.in_place(chat.speech.say("notes.late")), prompt(chat, found)]
    if press.fields:
        return await _edited(chat, found, press)
    replies = await _go(chat, found.interview, _meant(chat, press), press)
    if press.question == speech.PAUSED and press.verb is Verb.START:
        replies += await put_by.cards(chat, interview=found.interview.id)
    return replies


_INVITED = frozenset({Verb.START, Verb.LATER, Verb.DECLINE})


def _meant(chat: Chat, press: Press) -> Said:
    named = press.question if press.verb in {Verb.ANSWER, Verb.SKIP} else press.change
    return uttered(chat, press.verb, text=press.text, question=named, audience=press.audience)


def takes_more(chat: Chat, turn: Turn) -> bool:
    """Whether this is a draft that tells what happened, to which more can be added."""
    return turn.prompt.kind is PromptKind.DRAFT and _STORY in worded(chat, turn.interview)


async def add(chat: Chat, turn: Turn, text: str) -> list[Reply]:
    """More of what happened, at the end of it in a draft that `takes_more`."""
    chat = replace(chat, language=turn.interview.language)
    words = f"{worded(chat, turn.interview)[_STORY]}\n\n{text}".strip()
    return await _go(chat, turn.interview, uttered(chat, Verb.EDIT, fields={_STORY: words}))


_STORY = "description"


async def link(chat: Chat, turn: Turn, links: Iterable[Link]) -> Turn:
    """The draft says this of other items, and nothing else."""
    column = and_links("", links)
    if column == and_links("", links_of(turn.interview)):
        return turn
    return await _take(chat, turn.interview, uttered(chat, Verb.EDIT, fields={LINKS: column}))


async def _edited(chat: Chat, found: Turn, press: Press) -> list[Reply]:
    """A draft's fields as they came back: what differs is kept, and only then is the draft sent.

    Of a card from before, what was changed on it is kept, and nothing is sent. Words that belong elsewhere
    stand in the new card, to be said differently, but for passwords.
    """
    interview = found.interview
    bank = bank_of(chat, interview)
    if interview.state is not InterviewState.DRAFT or chat.activity_key in interview.heard:
        return await _go(chat, interview, uttered(chat, Verb.EDIT), press)
    late = press.late(interview.step)
    changed = drafts.changed(interview, bank, press.fields, shown_as=press.question if late else "")
    if late and not changed:
        return [chat.in_place(chat.speech.say("notes.late")), prompt(chat, found)]
    said = uttered(chat, Verb.EDIT, fields=changed)
    refused = await _kept_out(chat, {key: text[:MAX_ANSWER_LENGTH] for key, text in changed.items()})
    if KeepOut.DISTRESS in refused.values():
        return await _go(chat, interview, said, press)
    too_long = {key for key, text in changed.items() if _are_too_long([text])} - set(refused)
    if not late and not refused and not too_long:
        return await _edited_whole(chat, interview, said, press)
    kept = {key: text for key, text in changed.items() if key not in refused and key not in too_long}
    said = replace(said, fields=kept)
    turn = await _take(chat, interview, said) if kept else found
    told = await answered.told(chat, turn, said) if kept else None
    lines = [chat.kept_out(refusal).text for refusal in dict.fromkeys(refused.values())]
    lines += _said_too_long(chat, interview, too_long)
    if kept:
        lines.append(chat.speech.messages.say("notes.late_kept" if late else "notes.rest_kept"))
    back = {key: changed[key] for key, refusal in refused.items() if refusal is not KeepOut.PASSWORD}
    back |= {key: speech.beginning(changed[key]) for key in too_long}
    shown = drafts.with_words(prompt(chat, turn), back)
    return [chat.in_place(Reply(text="\n\n".join(lines))), shown, *(told.replies if told else [])]


async def _edited_whole(chat: Chat, interview: Interview, said: Said, press: Press) -> list[Reply]:
    """The changes are kept; with the button that sends, the draft goes, unless more is to be said first."""
    if press.verb is Verb.EDIT:
        return await _go(chat, interview, said, press)
    # two steps of one activity: the second marks it as heard
    turn = await _take(chat, interview, replace(said, activity_id=""))
    if told := await answered.told(chat, turn, said):
        first, *rest = told.replies
        return [chat.in_place(first), *rest, *([] if told.waits is not None else [prompt(chat, turn)])]
    return await _go(chat, turn.interview, _meant(chat, press), press)


def _said_too_long(chat: Chat, interview: Interview, keys: AbstractSet[str]) -> list[str]:
    """That these parts are longer than can be kept, each by name."""
    said = chat.speech.messages.say("notes.too_long_card", limit=speech.limit())
    shown = drafts.parts(interview, bank_of(chat, interview))
    return [f"{part.label}: {said}" for part in shown if part.key in keys]


async def _kept_out(chat: Chat, changed: Mapping[str, str]) -> dict[str, KeepOut]:
    """The fields whose words belong to another channel; all of them where they do so only together."""
    found = {key: await chat.keeps_out(text) for key, text in changed.items()}
    refused = {key: refusal for key, refusal in found.items() if refusal}
    together = None if refused else await chat.keeps_out(*changed.values())
    return dict.fromkeys(changed, together) if together else refused


async def _take(chat: Chat, interview: Interview, said: Said) -> Turn:
    """One turn of an interview of this person, kept."""
    parts = chat.parts
    said = await answered.kept(chat, interview.id, said)
    return await service.take(parts.db, parts.banks, parts.jobs, interview, said, now=chat.event.at)


async def _go(chat: Chat, interview: Interview, said: Said, press: Press | None = None) -> list[Reply]:
    """One turn, kept, and its replies."""
    words = [said.text, *said.fields.values()] if said.verb in {Verb.ANSWER, Verb.EDIT} else []
    if said.verb is Verb.SEND:
        words = [*worded(chat, interview).values()]
    too_long = said.verb is not Verb.SEND and _are_too_long(words)
    beginnings = [one[:MAX_ANSWER_LENGTH] for one in words] if too_long else words
    refusal = await chat.keeps_out(*beginnings) if words else None
    if refusal and (not too_long or refusal is KeepOut.DISTRESS):
        return await _not_kept(chat, interview, said, refusal)
    turn = await _take(chat, interview, said)
    if said.verb is Verb.NAME:
        await chat.parts.around.learn(turn.interview)
    if press and said.verb is Verb.ANSWER and Note.TOO_LONG in turn.notes:
        return _too_long(chat, turn, said)
    replies = await answered.with_it(chat, turn, said, _tell(chat, turn, press))
    if interview.state is InterviewState.INVITED:
        replies = await _opened(chat, turn, replies)
    if interview.state is InterviewState.FINISHED and turn.prompt.kind is PromptKind.DRAFT:
        replies = await reopened(chat, turn) or replies
    return [*replies, *await _taken_up(chat, turn)]


def _are_too_long(words: Iterable[str]) -> bool:
    """Whether the interview will refuse them for their length, so that nothing of them is kept."""
    return any(len(clean(one)) > MAX_ANSWER_LENGTH for one in words)


async def _taken_up(chat: Chat, ended: Turn) -> list[Reply]:
    """What was left open for the one that has just ended."""
    if not _JUST_ENDED & set(ended.notes):
        return []
    other = await current(chat)
    if other is None or other.interview.state not in {InterviewState.OPEN, InterviewState.DRAFT}:
        return []
    subject = other.interview.subject_title
    speech = chat.speaking(other.interview.language)
    return [speech.say("notes.taken_up", subject=subject), prompt(chat, other)]


_JUST_ENDED = frozenset({Note.SENDING, Note.WITHDRAWN, Note.AS_SENT})


def _too_long(chat: Chat, turn: Turn, said: Said) -> list[Reply]:
    """A card that holds too much gives way to one that holds it still, as far as it fits.

    One of an earlier question stays, so that its words do not stand under another question.
    """
    note = chat.speech.say("notes.too_long_card", limit=speech.limit())
    asked = turn.prompt.question
    if asked is None or asked.id != said.question.removesuffix(PROBE_SUFFIX):
        return [note]
    return [chat.in_place(note), prompt(chat, turn, value=speech.beginning(said.text))]


def _tell(chat: Chat, turn: Turn, press: Press | None) -> list[Reply]:
    """The replies to a turn: what just happened, then what comes next.

    An answered question's card gives way to the answer; any other card gives way to what is said first.
    """
    chat = replace(chat, language=turn.interview.language)
    if Note.LATER in turn.notes:
        return [chat.in_place(putting_off.card(chat, turn))]
    ended = turn.prompt.kind in _ENDED
    question = _question_of(chat, turn, press)
    speech = chat.about(turn.interview)
    notes = speech.notes(turn)
    if question and turn.notes and turn.notes[0] in _DEALT_WITH:
        done = speech.answered(turn, question)
        return [chat.in_place(done), *([] if ended else [prompt(chat, turn)])]
    said = [Reply(text=notes)] if notes else []
    if ended:
        told = bool(_STAYS_SENT & set(turn.notes))
        where_it_lies = not said or (turn.prompt.kind is PromptKind.FINISHED and not told)
        return [chat.in_place(prompt(chat, turn) if where_it_lies else said[0])]
    if turn.prompt.kind is PromptKind.INVITATION and said:
        return [chat.in_place(said[0])]
    first, *rest = [*said, prompt(chat, turn)]
    return [chat.in_place(first), *rest]


_ENDED = frozenset(
    {PromptKind.SENDING, PromptKind.FINISHED, PromptKind.DECLINED, PromptKind.WITHDRAWN, PromptKind.OVER}
)
_STAYS_SENT = frozenset({Note.AS_SENT, Note.READERS_NAMED, Note.READERS_TAKEN_AWAY})
_DEALT_WITH = frozenset({Note.SAVED, Note.SKIPPED, Note.KEPT, Note.UNRECORDED, Note.EARLIER_CHANGED})


def _question_of(chat: Chat, turn: Turn, press: Press | None) -> Question | None:
    """The question whose card was answered or skipped, if it was one."""
    if press is None or press.verb not in {Verb.ANSWER, Verb.SKIP}:
        return None
    bank = bank_of(chat, turn.interview)
    return bank.question(press.question.removesuffix(PROBE_SUFFIX))


def prompt(chat: Chat, turn: Turn, *, value: str | None = None) -> Reply:
    """What the interview asks now. `value` stands for the answer without being stored."""
    bank = bank_of(chat, turn.interview)
    return chat.about(turn.interview).prompt(turn, bank, value=value)


async def _not_kept(chat: Chat, interview: Interview, said: Said, refusal: KeepOut) -> list[Reply]:
    """Points to the right channel. After a card, the words stand in the new card, to be said differently.

    In distress nothing more is asked.
    """
    parts, person = chat.parts, chat.event.person_id
    reply = chat.in_place(chat.kept_out(refusal))
    if refusal is KeepOut.DISTRESS:
        rest = replace(said, verb=Verb.PAUSE, text="", fields={})
        await _take(chat, interview, rest)
        return [reply]
    turn = await service.get(parts.db, parts.banks, interview.id, person_id=person)
    value = said.text if chat.event.kind is EventKind.SUBMIT and refusal is not KeepOut.PASSWORD else None
    return [reply, prompt(chat, turn, value=value)]
