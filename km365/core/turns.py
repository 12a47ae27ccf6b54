"""One turn of an interview: the interview and what the person said in, the next interview out.

`step` is a pure function, so its laws can be tested: an accepted answer is kept whole, a repeated or late
event harms nothing, going back and on again changes nothing, no more than a sitting's questions are asked
before a break is offered, and nobody's answer gets more readers without a second yes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from km365.core.audience import Audience, narrower
from km365.core.drafting import in_item, in_note, is_complete, is_empty, knowledge_item, left_out
from km365.core.interviews import (
    MAX_ANSWER_LENGTH,
    PROBE_SUFFIX,
    Answer,
    Confirm,
    ConfirmKind,
    Interview,
    InterviewState,
    Prompt,
    asked,
    audience_of,
    current,
    edits_of,
    offered,
    prompt,
)
from km365.core.languages import best
from km365.core.questions import Bank, BankKind, Question
from km365.core.said import Said, Verb, clean, is_story, is_thin

LATER = timedelta(days=1)
"""When "later" comes, if the person names no time."""

SURE_WITHIN = timedelta(minutes=15)
"""How long a second yes is one to what was asked; after that it may be meant for something else."""

REMEMBERED = 32
"""How many activities an interview remembers; Teams repeats one within a minute or never."""

_TALKING = frozenset({InterviewState.OPEN, InterviewState.PAUSED, InterviewState.DRAFT})
_BETWEEN = "\n\n"
"""Between an answer and what was said to its follow-up."""


class Note(StrEnum):
    """What to tell the person about what just happened; the words are in the message catalogues."""

    SAVED = "saved"
    SKIPPED = "skipped"
    KEPT = "kept"
    """Went on; the earlier answer stands as it was."""
    NOTHING_BEFORE = "nothing_before"
    PAUSED = "paused"
    LATER = "later"
    RESUMED = "resumed"
    BREAK = "break"
    """A sitting's worth of questions is done; the rest can wait."""
    DECLINED = "declined"
    ALREADY = "already"
    """Heard before; nothing changed."""
    EARLIER_CHANGED = "earlier_changed"
    """An answer to an earlier question was changed from its old card."""
    LATE = "late"
    """The card is from before; nothing changed."""
    TOO_LONG = "too_long"
    EMPTY = "empty"
    CHOOSE = "choose"
    """None of the choices was meant."""
    AUDIENCE_CHANGED = "audience_changed"
    UNRECORDED = "unrecorded"
    CONFIRM_DROPPED = "confirm_dropped"
    EDITED = "edited"
    NOTHING_YET = "nothing_yet"
    """There is no answer to make a draft of."""
    NOTHING_TO_SEND = "nothing_to_send"
    """All that was said stays with the person."""
    NEEDS_STORY = "needs_story"
    """Nobody would understand it without what happened."""
    READ_FIRST = "read_first"
    """The person reads the draft before it is sent."""
    SENDING = "sending"
    ON_ITS_WAY = "on_its_way"
    """Too late to change it, too early to say where it lies."""
    ALREADY_SENT = "already_sent"
    WITHDRAWN = "withdrawn"
    STARTED_OVER = "started_over"
    NOT_NOW = "not_now"
    """It makes no sense at this point; the prompt says what does."""
    AS_SENT = "as_sent"
    """What was sent stays as it was; the changes to it were not sent."""
    OVER = "over"
    """The time for it has passed."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What came of a turn: the interview after it, what to show next, and what to say about it first."""

    interview: Interview
    prompt: Prompt
    notes: tuple[Note, ...] = ()


_After = tuple[Interview, tuple[Note, ...]]


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
        heard = (*interview.heard, said.activity_id)[-REMEMBERED:] if said.activity_id else interview.heard
        after = replace(after, step=interview.step + 1, changed_at=now, heard=heard)
    return Turn(interview=after, prompt=prompt(after, bank), notes=notes)


def _decide(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """The changed interview; a pending yes-or-no comes first, and anything else drops it."""
    said = replace(said, audience=_readers(bank, said.audience))
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
    return said.verb is Verb.LANGUAGE or (
        said.verb is Verb.REOPEN and interview.state is InterviewState.FINISHED
    )


def _go_on(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """Yes, start or continue, wherever the interview stands."""
    if interview.state is InterviewState.OPEN:
        return interview, ()
    if bank.consent is not None and interview.consented_at is None:
        if interview.state is InterviewState.CONSENTING and said.verb in {Verb.AGREE, Verb.YES}:
            return replace(interview, state=InterviewState.OPEN, consented_at=now), ()
        return replace(interview, state=InterviewState.CONSENTING, wake_at=None), ()
    going = replace(interview, state=InterviewState.OPEN, sitting=0)
    if current(going, bank) is None:
        return replace(interview, state=InterviewState.DRAFT, wake_at=None), ()
    return going, (Note.RESUMED,) if interview.answers else ()


def _decline(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    if interview.begun_at is not None:
        return _as_sent(interview)
    if interview.state in {InterviewState.WITHDRAWN, InterviewState.DECLINED}:
        return interview, (Note.NOT_NOW,)
    return replace(interview, state=InterviewState.DECLINED, wake_at=None), (Note.DECLINED,)


def _answer(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """Keep an answer to the current question, or to the question of the card it was written on."""
    waiting = current(interview, bank) if interview.state is InterviewState.OPEN else None
    by_card = said.question.removesuffix(PROBE_SUFFIX)
    question = bank.question(by_card) if by_card else waiting
    if interview.state not in _TALKING or question is None:
        return interview, (Note.LATE if by_card else Note.NOT_NOW,)
    on_time = waiting is not None and waiting.id == question.id
    if on_time and not by_card and (told := _story(interview, bank, question, said, now)):
        return told
    earlier = interview.answer(question.id)
    new, refusal = _judge(interview, question, said, now)
    if refusal or new is None:
        return interview, (refusal or Note.ALREADY,)
    if not on_time and earlier and (earlier.text, earlier.audience) == (new.text, new.audience):
        return interview, (Note.ALREADY,)
    probe = on_time and not new.probed and not new.skipped and bool(question.probe) and is_thin(new.text)
    stays = (in_note if bank.kind is BankKind.HANDOVER else in_item)(new)
    kept = _without_edits(interview, bank, question, title=not stays)
    kept = _with_answer(kept, replace(new, probed=new.probed or probe))
    if said.audience and narrower(new.audience, said.audience):
        confirm = Confirm(kind=ConfirmKind.WIDEN, question=question.id, audience=said.audience)
        kept = replace(kept, confirming=confirm)
    note = Note.UNRECORDED if new.audience is Audience.UNRECORDED else Note.SAVED
    if not on_time:
        return kept, (Note.EARLIER_CHANGED if earlier else note,)
    return _advance(replace(kept, revisiting="", probing=question.id if probe else ""), bank, (note,))


def _story(interview: Interview, bank: Bank, question: Question, said: Said, now: datetime) -> _After | None:
    """A story told instead of a choice, kept as the answer to the question in words behind it.

    None where it is no story, or where no such question follows at once.
    """
    if not question.choices or question.choice(said.text) or not is_story(said.text) or interview.revisiting:
        return None
    skipped, notes = _skip(interview, bank, said, now)
    following = current(skipped, bank)
    if skipped.state is not InterviewState.OPEN or following is None or following.choices:
        return None
    told, kept = _answer(skipped, bank, said, now)
    return (interview, kept) if told is skipped else (told, (*notes, *kept))


def _judge(
    interview: Interview, question: Question, said: Said, now: datetime
) -> tuple[Answer | None, Note | None]:
    """The answer as it will be kept, or why it cannot be; neither, if it is a follow-up we have already.

    It never gets more readers than it had, and a text that is not to be recorded is not in it.
    """
    text = clean(said.text)
    earlier = interview.answer(question.id)
    following_up = said.question.endswith(PROBE_SUFFIX) or (
        not said.question and interview.probing == question.id and not interview.revisiting
    )
    if not text:
        return None, Note.EMPTY
    if following_up and earlier and not earlier.skipped:
        if text in earlier.text.split(_BETWEEN):
            return None, None
        text = f"{earlier.text}{_BETWEEN}{text}"
    if len(text) > MAX_ANSWER_LENGTH:
        return None, Note.TOO_LONG
    choice = question.choice(said.text)
    if question.choices and choice is None:
        return None, Note.CHOOSE
    audience = audience_of(interview, question)
    if said.audience and narrower(said.audience, audience):
        audience = said.audience
    unrecorded = audience is Audience.UNRECORDED
    return Answer(
        question=question.id,
        text="" if unrecorded else choice.label if choice else text,
        audience=audience,
        language=interview.language,
        at=now,
        choice=choice.value if choice and not unrecorded else "",
        skipped=unrecorded,
        probed=earlier is not None and earlier.probed,
    ), None


def _with_answer(interview: Interview, answer: Answer) -> Interview:
    """The interview with this answer in the place of an earlier one to the same question, else at the end."""
    if interview.answer(answer.question) is None:
        return replace(interview, answers=(*interview.answers, answer), sitting=interview.sitting + 1)
    answers = tuple(answer if a.question == answer.question else a for a in interview.answers)
    return replace(interview, answers=answers)


def _without_edits(interview: Interview, bank: Bank, question: Question, *, title: bool) -> Interview:
    """The interview without what the draft made of this question's answer, which is about to change.

    With `title` also without a title of the person's own that may say what is no longer to be read: one
    that nobody was asked for is made of what happened and of the advice.
    """
    keys = set(edits_of(bank, question))
    answer = interview.answer(question.id)
    told = answer and answer.text and keys & {"description", "advice"}
    if title and told and not _titled(interview, bank):
        keys.add("title")
    return replace(interview, edits={key: text for key, text in interview.edits.items() if key not in keys})


def _titled(interview: Interview, bank: Bank) -> bool:
    return any(
        "title" in edits_of(bank, question) and (answer := interview.answer(question.id)) and answer.text
        for question in bank.questions
    )


def _readers(bank: Bank, audience: Audience | None) -> Audience | None:
    """The readers meant: where nobody succeeds anybody, fewer than the office are the person alone."""
    hidden = audience not in {None, Audience.UNRECORDED, *offered(bank)}
    return Audience.NAMED if hidden else audience


def _advance(interview: Interview, bank: Bank, notes: tuple[Note, ...]) -> _After:
    """On to the next question, a break after a sitting's worth, or the draft after the last one."""
    if interview.probing or interview.revisiting:
        return interview, notes
    if current(interview, bank) is None:
        return replace(interview, state=InterviewState.DRAFT), notes
    if interview.sitting >= bank.sitting:
        return replace(interview, state=InterviewState.PAUSED), (*notes, Note.BREAK)
    return interview, notes


def _skip(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    question = current(interview, bank)
    if interview.state is not InterviewState.OPEN or question is None:
        return interview, (Note.NOT_NOW,)
    if said.question and said.question.removesuffix(PROBE_SUFFIX) != question.id:
        return interview, (Note.LATE,)
    if interview.revisiting:
        return _advance(replace(interview, revisiting=""), bank, (Note.KEPT,))
    if interview.probing:
        return _advance(replace(interview, probing=""), bank, (Note.KEPT,))
    answer = Answer(
        question=question.id,
        text="",
        audience=audience_of(interview, question),
        language=interview.language,
        at=now,
        skipped=True,
    )
    return _advance(_with_answer(interview, answer), bank, (Note.SKIPPED,))


def _back(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """To the question before, whose answer is shown and stands until another is given."""
    if interview.state not in _TALKING:
        return interview, (Note.NOT_NOW,)
    if interview.probing and not interview.revisiting:
        return replace(interview, revisiting=interview.probing, state=InterviewState.OPEN), ()
    question = current(interview, bank)
    questions = asked(interview, bank)
    before = questions[: questions.index(question)] if question in questions else questions
    earlier = next((q for q in reversed(before) if interview.answer(q.id)), None)
    if earlier is None:
        return interview, (Note.NOTHING_BEFORE,)
    return replace(interview, revisiting=earlier.id, state=InterviewState.OPEN), ()


def _revise(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """From the draft back to one question; the draft comes again after it."""
    question = bank.question(said.question)
    if interview.state is not InterviewState.DRAFT or question is None or not interview.answer(question.id):
        return interview, (Note.NOT_NOW,)
    return replace(interview, revisiting=question.id, state=InterviewState.OPEN), ()


def _rest(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """Pause until the person speaks, or, said "later", until the moment chosen."""
    wake_at = (said.until or now + LATER) if said.verb is Verb.LATER else None
    note = Note.LATER if wake_at else Note.PAUSED
    if interview.state in {InterviewState.OPEN, InterviewState.PAUSED}:
        return replace(interview, state=InterviewState.PAUSED, wake_at=wake_at), (note,)
    if interview.state in {InterviewState.INVITED, InterviewState.CONSENTING, InterviewState.DRAFT}:
        return replace(interview, wake_at=wake_at), (note,)
    return interview, (Note.NOT_NOW,)


def _audience(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """Narrow who reads an answer at once; widen it, or delete its text, only after a second yes."""
    last = interview.answers[-1].question if interview.answers else ""
    question = bank.question(said.question) or current(interview, bank) or bank.question(last)
    if question is None or said.audience is None:
        return interview, (Note.NOT_NOW,)
    now_read_by = audience_of(interview, question)
    if said.audience is now_read_by:
        return interview, (Note.AUDIENCE_CHANGED,)
    answer = interview.answer(question.id)
    kind = None
    if narrower(now_read_by, said.audience):
        kind = ConfirmKind.WIDEN
    elif said.audience is Audience.UNRECORDED and answer and answer.text:
        kind = ConfirmKind.UNRECORD
    if kind:
        return replace(
            interview, confirming=Confirm(kind=kind, question=question.id, audience=said.audience)
        ), ()
    return _read_by(interview, bank, question, said.audience), (Note.AUDIENCE_CHANGED,)


def _read_by(interview: Interview, bank: Bank, question: Question, audience: Audience) -> Interview:
    """The interview with that answer, given or still to come, read by `audience`.

    Where it leaves the draft, what the person made of it there goes too.
    """
    answer = interview.answer(question.id)
    if answer is None:
        return replace(interview, audiences={**interview.audiences, question.id: audience})
    narrowed = replace(answer, audience=audience)
    if not (in_note if bank.kind is BankKind.HANDOVER else in_item)(narrowed):
        interview = _without_edits(interview, bank, question, title=True)
    if audience is Audience.UNRECORDED:
        narrowed = replace(narrowed, text="", choice="", skipped=True)
    return _with_answer(interview, narrowed)


def _draft_or_send(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    if interview.state is InterviewState.DRAFT:
        return _send(interview, bank, now) if said.verb is Verb.SEND else (interview, ())
    if interview.state not in {InterviewState.OPEN, InterviewState.PAUSED}:
        return interview, (Note.NOT_NOW,)
    if not interview.said_something:
        return interview, (Note.NOTHING_YET,)
    notes = (Note.READ_FIRST,) if said.verb is Verb.SEND else ()
    return replace(interview, state=InterviewState.DRAFT, revisiting="", probing="", wake_at=None), notes


def _send(interview: Interview, bank: Bank, now: datetime) -> _After:
    if missing := lacks(interview, bank):
        return interview, (missing,)
    return replace(interview, state=InterviewState.SENDING, wake_at=None, sent_at=now), (Note.SENDING,)


def lacks(interview: Interview, bank: Bank) -> Note | None:
    """Why the draft cannot be sent as it is, or None."""
    if is_empty(interview, bank) and (bank.kind is BankKind.HANDOVER or left_out(interview, bank)):
        return Note.NOTHING_TO_SEND
    if bank.kind is BankKind.GROUP and not interview.said_something:
        return Note.NOTHING_YET
    if bank.kind is BankKind.REFLECTION and not is_complete(knowledge_item(interview, bank)):
        return Note.NEEDS_STORY
    return None


def _edit(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    if interview.state is not InterviewState.DRAFT:
        return interview, (Note.NOT_NOW,)
    words = {name: clean(text) for name, text in said.fields.items()}
    if any(len(text) > MAX_ANSWER_LENGTH for text in words.values()):
        return interview, (Note.TOO_LONG,)
    return replace(interview, edits={**interview.edits, **words}), (Note.EDITED,)


def _clear(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    """Ask for a second yes before answers are deleted; what was sent once is taken back in another place."""
    if interview.begun_at is not None:
        return _as_sent(interview) if said.verb is Verb.WITHDRAW else (interview, (Note.ALREADY_SENT,))
    if interview.state is InterviewState.WITHDRAWN:
        return interview, (Note.NOT_NOW,)
    kind = ConfirmKind.WITHDRAW if said.verb is Verb.WITHDRAW else ConfirmKind.START_OVER
    return replace(interview, confirming=Confirm(kind=kind)), ()


def _as_sent(interview: Interview) -> _After:
    """What was sent stays sent; a draft of changes to it is put away."""
    if interview.state not in _TALKING:
        return interview, (Note.ALREADY_SENT,)
    put_away = replace(interview, state=InterviewState.FINISHED, revisiting="", probing="", wake_at=None)
    return put_away, (Note.AS_SENT,)


def _reopen(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    if interview.state is not InterviewState.FINISHED:
        return interview, (Note.NOT_NOW,)
    return replace(interview, state=InterviewState.DRAFT), ()


def _language(interview: Interview, bank: Bank, said: Said, now: datetime) -> _After:
    return replace(interview, language=best([said.text], default=interview.language)), ()


def _confirmed(interview: Interview, confirm: Confirm, bank: Bank) -> _After:
    interview = replace(interview, confirming=None)
    question = bank.question(confirm.question)
    if confirm.audience is not None and question is not None:
        note = Note.UNRECORDED if confirm.kind is ConfirmKind.UNRECORD else Note.AUDIENCE_CHANGED
        return _read_by(interview, bank, question, confirm.audience), (note,)
    empty = replace(
        interview, answers=(), audiences={}, edits={}, revisiting="", probing="", sitting=0, wake_at=None
    )
    if confirm.kind is ConfirmKind.WITHDRAW:
        gone = replace(empty, state=InterviewState.WITHDRAWN, consented_at=None, sent_at=None)
        return gone, (Note.WITHDRAWN,)
    consented = bank.consent is None or interview.consented_at is not None
    state = InterviewState.OPEN if consented else InterviewState.CONSENTING
    return replace(empty, state=state), (Note.STARTED_OVER,)


_Rule = Callable[[Interview, Bank, Said, datetime], _After]

_RULES: Mapping[Verb, _Rule] = {
    Verb.START: _go_on,
    Verb.AGREE: _go_on,
    Verb.YES: _go_on,
    Verb.RESUME: _go_on,
    Verb.DECLINE: _decline,
    Verb.NO: _decline,
    Verb.ANSWER: _answer,
    Verb.SKIP: _skip,
    Verb.BACK: _back,
    Verb.PAUSE: _rest,
    Verb.LATER: _rest,
    Verb.AUDIENCE: _audience,
    Verb.DRAFT: _draft_or_send,
    Verb.SEND: _draft_or_send,
    Verb.EDIT: _edit,
    Verb.REVISE: _revise,
    Verb.START_OVER: _clear,
    Verb.WITHDRAW: _clear,
    Verb.REOPEN: _reopen,
    Verb.LANGUAGE: _language,
}
