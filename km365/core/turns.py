"""One turn of an interview: the interview and what the person said in, the next interview out.

`step` is a pure function, so its laws can be tested: an accepted answer is kept whole, a repeated or late
event harms nothing, going back and on again changes nothing, no more than a sitting's questions are asked
before a break is offered, and nobody's answer gets more readers without a second yes, by name or otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core.answering import (
    ask_again,
    change_readers,
    go_back,
    read_by,
    readers_meant,
    skip_question,
    take_answer,
)
from km365.core.drafting import knowledge_item, label, lacking
from km365.core.interviews import (
    Confirm,
    ConfirmKind,
    Interview,
    InterviewState,
    Prompt,
    current,
    prompt,
)
from km365.core.languages import best
from km365.core.named_readers import name_readers, named
from km365.core.notes import After, Note
from km365.core.questions import Bank, Consent, Question
from km365.core.said import Said, Verb
from km365.core.sending import ask_to_clear, draft_or_send, edit_draft, leave_sent, open_again

LATER = timedelta(days=1)
"""When "later" comes, if the person names no time."""

SURE_WITHIN = timedelta(minutes=15)
"""How long a second yes is one to what was asked; after that it may be meant for something else."""

REMEMBERED = 32
"""How many activities an interview remembers; Teams repeats one within a minute or never."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What came of a turn: the interview after it, what to show next, and what to say about it first."""

    interview: Interview
    prompt: Prompt
    notes: tuple[Note, ...] = ()
    was: str = ""
    """With `Note.REPLACED`, the answer that stood before."""
    heading: str = ""
    """With `Note.KEPT_AS`, what the words stand under; with `Note.NEEDS_STORY`, what is missing."""
    about: Question | None = None
    """The question whose answer has other readers now, or is read as before."""


def step(interview: Interview, bank: Bank, said: Said, now: datetime) -> Turn:
    """The turn that `said` makes of `interview`. Never raises; what cannot be done is a note.

    An activity that already changed the interview changes it no more. Where nothing changes, the very same
    interview comes back, so there is nothing to save.
    """
    if said.activity_id and said.activity_id in interview.heard:
        return Turn(interview=interview, prompt=prompt(interview, bank), notes=(Note.ALREADY,))
    after, notes = _decide(interview, bank, said, now)
    if after.state is InterviewState.OPEN and after.wake_at is not None:
        after = replace(after, wake_at=None)  # who answers again, from wherever, needs no reminder
    if after != interview:
        read = interview.state is InterviewState.DRAFT and current(interview, bank) is None
        after = replace(after, advised=interview.advised or read)
        heard = (*interview.heard, said.activity_id)[-REMEMBERED:] if said.activity_id else interview.heard
        after = replace(after, step=interview.step + 1, changed_at=now, heard=heard)
    return Turn(
        interview=after,
        prompt=prompt(after, bank),
        notes=notes,
        was=_was(interview) if Note.REPLACED in notes else "",
        heading=_heading(interview, after, bank, notes),
        about=_about(interview, bank, said, notes),
    )


def _about(before: Interview, bank: Bank, said: Said, notes: tuple[Note, ...]) -> Question | None:
    """The question that was named, or for whose answer a yes was waited for."""
    if not {Note.AUDIENCE_CHANGED, Note.EARLIER_READERS} & set(notes):
        return None
    confirmed = before.confirming.question if before.confirming else ""
    return bank.question(said.question or confirmed)


def _was(interview: Interview) -> str:
    """The answer that was gone back to."""
    answer = interview.answer(interview.revisiting)
    return answer.text if answer else ""


def _heading(before: Interview, after: Interview, bank: Bank, notes: tuple[Note, ...]) -> str:
    """The heading of the question that now has words and had none, or of the part that is missing."""
    if Note.NEEDS_STORY in notes:
        item = knowledge_item(after, bank)
        return label(bank, item.kind, lacking(item, bank)[0])
    if Note.KEPT_AS not in notes:
        return ""
    told = next(a.question for a in after.answers if a.text and before.answer(a.question) is None)
    question = bank.question(told)
    return bank.heading(question.becomes[0]) if question and question.becomes else ""


def _decide(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """The changed interview; a pending yes-or-no comes first, and anything else drops it."""
    said = replace(said, audience=readers_meant(bank, said.audience))
    if interview.confirming is not None:
        sure = said.verb in {Verb.YES, Verb.AGREE}
        if sure and now - interview.changed_at <= SURE_WITHIN:
            return _confirmed(interview, interview.confirming, bank)
        interview = replace(interview, confirming=None)
        if sure or said.verb in {Verb.NO, Verb.DECLINE}:
            return interview, (Note.CONFIRM_DROPPED,)
    if interview.state in _GONE and not _in_time(interview, said):
        return interview, (_GONE[interview.state],)
    return _RULES[said.verb](interview, bank, said, now)


_GONE = {
    InterviewState.SENDING: Note.ON_ITS_WAY,
    InterviewState.FINISHED: Note.ALREADY_SENT,
    InterviewState.OVER: Note.OVER,
}


def _in_time(interview: Interview, said: Said) -> bool:
    """Whether it can be done though it was sent, such as taking it back before the first word has left."""
    if said.verb is Verb.WITHDRAW:
        return interview.begun_at is None and interview.state is InterviewState.SENDING
    if said.verb is Verb.NAME:  # readers can be taken away at any time
        return set(said.readers) < set(interview.named)
    return said.verb is Verb.LANGUAGE or (
        said.verb is Verb.REOPEN and interview.state is InterviewState.FINISHED
    )


def _go_on(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """Yes, start or continue, wherever the interview stands."""
    if interview.state is InterviewState.OPEN:
        return interview, ()
    if bank.consent is not None and not _agreed(interview, bank.consent):
        says_yes = interview.state is InterviewState.CONSENTING and said.verb in {Verb.AGREE, Verb.YES}
        if not says_yes or not _were_shown(interview, bank.consent):
            return _ask_for_consent(interview, bank.consent)
        interview = replace(interview, consented_at=now, consent=bank.consent.mark)
    going = replace(interview, state=InterviewState.OPEN, sitting=0)
    if current(going, bank) is None:
        return replace(interview, state=InterviewState.DRAFT, wake_at=None), ()
    return going, (Note.RESUMED,) if interview.answers else ()


def _agreed(interview: Interview, consent: Consent) -> bool:
    """Whether the person has said yes to these words."""
    return interview.consented_at is not None and _were_shown(interview, consent)


def _were_shown(interview: Interview, consent: Consent) -> bool:
    """Whether these words were shown last, as far as that was recorded."""
    return not interview.consent or consent.is_same(interview.consent)


def _ask_for_consent(interview: Interview, consent: Consent) -> After:
    """What the person is to read; once more where other words were shown before. What was said stays."""
    changed = not _were_shown(interview, consent)
    asked = replace(interview, state=InterviewState.CONSENTING, wake_at=None, consented_at=None)
    return replace(asked, consent=consent.mark), (Note.CONSENT_CHANGED,) if changed else ()


def _decline(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    if interview.begun_at is not None:
        return leave_sent(interview)
    if interview.state in {InterviewState.WITHDRAWN, InterviewState.DECLINED}:
        return interview, (Note.NOT_NOW,)
    return replace(interview, state=InterviewState.DECLINED, wake_at=None), (Note.DECLINED,)


def _rest(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """Pause until the person speaks, or, said "later", until the moment chosen."""
    wake_at = (said.until or now + LATER) if said.verb is Verb.LATER else None
    note = Note.LATER if wake_at else Note.PAUSED
    if interview.state in {InterviewState.OPEN, InterviewState.PAUSED}:
        return replace(interview, state=InterviewState.PAUSED, wake_at=wake_at), (note,)
    if interview.state in {InterviewState.INVITED, InterviewState.CONSENTING, InterviewState.DRAFT}:
        return replace(interview, wake_at=wake_at), (note,)
    return interview, (Note.NOT_NOW,)


def _language(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    return replace(interview, language=best([said.text], default=interview.language)), ()


def _confirmed(interview: Interview, confirm: Confirm, bank: Bank) -> After:
    interview = replace(interview, confirming=None)
    if confirm.kind is ConfirmKind.NAME:
        return named(interview, confirm.readers)
    question = bank.question(confirm.question)
    if confirm.audience is not None and question is not None:
        note = Note.UNRECORDED if confirm.kind is ConfirmKind.UNRECORD else Note.AUDIENCE_CHANGED
        return read_by(interview, bank, question, confirm.audience), (note,)
    empty = replace(
        interview,
        answers=(),
        audiences={},
        named=(),
        edits={},
        lessons={},
        revisiting="",
        probing="",
        sitting=0,
        wake_at=None,
    )
    if confirm.kind is ConfirmKind.WITHDRAW:
        gone = replace(empty, state=InterviewState.WITHDRAWN, consented_at=None, consent="", sent_at=None)
        return gone, (Note.WITHDRAWN,)
    consented = bank.consent is None or _agreed(interview, bank.consent)
    state = InterviewState.OPEN if consented else InterviewState.CONSENTING
    return replace(empty, state=state), (Note.STARTED_OVER,)


_Rule = Callable[[Interview, Bank, Said, datetime], After]

_RULES: Mapping[Verb, _Rule] = {
    Verb.START: _go_on,
    Verb.AGREE: _go_on,
    Verb.YES: _go_on,
    Verb.RESUME: _go_on,
    Verb.DECLINE: _decline,
    Verb.NO: _decline,
    Verb.ANSWER: take_answer,
    Verb.SKIP: skip_question,
    Verb.BACK: go_back,
    Verb.PAUSE: _rest,
    Verb.LATER: _rest,
    Verb.AUDIENCE: change_readers,
    Verb.DRAFT: draft_or_send,
    Verb.SEND: draft_or_send,
    Verb.EDIT: edit_draft,
    Verb.REVISE: ask_again,
    Verb.START_OVER: ask_to_clear,
    Verb.WITHDRAW: ask_to_clear,
    Verb.REOPEN: open_again,
    Verb.LANGUAGE: _language,
    Verb.NAME: name_readers,
}
