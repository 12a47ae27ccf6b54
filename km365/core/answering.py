"""The rules of a turn about one answer: giving it, leaving it out, going back to it, who reads it."""

from dataclasses import replace
from datetime import datetime, timedelta

from km365.core.audience import Audience, narrower
from km365.core.drafting import in_item, in_note
from km365.core.interviews import (
    MAX_ANSWER_LENGTH,
    PROBE_SUFFIX,
    Answer,
    Confirm,
    ConfirmKind,
    Interview,
    InterviewState,
    asked,
    audience_of,
    begins,
    current,
    edits_of,
    offered,
)
from km365.core.notes import After, Note
from km365.core.questions import Bank, BankKind, Question
from km365.core.said import Said, clean, is_story, is_thin

TALKING = frozenset({InterviewState.OPEN, InterviewState.PAUSED, InterviewState.DRAFT})
_ASKING = frozenset({InterviewState.OPEN, InterviewState.PAUSED})
_BETWEEN = "\n\n"
"""Between an answer and what was said to its follow-up."""


def take_answer(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """Keep an answer to the current question, or to the question of the card it was written on."""
    waiting = current(interview, bank) if interview.state is InterviewState.OPEN else None
    by_card = said.question.removesuffix(PROBE_SUFFIX)
    question = bank.question(by_card) if by_card else waiting
    if interview.state not in TALKING or question is None:
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
    kept = put_answer(kept, replace(new, probed=new.probed or probe))
    if said.audience and narrower(new.audience, said.audience):
        confirm = Confirm(kind=ConfirmKind.WIDEN, question=question.id, audience=said.audience)
        kept = replace(kept, confirming=confirm)
    note = Note.UNRECORDED if new.audience is Audience.UNRECORDED else Note.SAVED
    if note is Note.SAVED and interview.revisiting and not by_card and earlier and earlier.text:
        note = Note.KEPT if earlier.text == new.text else Note.REPLACED
    if not on_time:
        return kept, (Note.EARLIER_CHANGED if earlier else note,)
    return _advance(replace(kept, revisiting="", probing=question.id if probe else ""), bank, (note,), now)


def _story(interview: Interview, bank: Bank, question: Question, said: Said, now: datetime) -> After | None:
    """A story told instead of a choice, kept as the answer to the next question in words.

    None where it is no story, or where all questions in words have been dealt with.
    """
    if not question.choices or question.choice(said.text) or not is_story(said.text):
        return None
    back = bool(interview.revisiting)
    left = (
        replace(interview, revisiting="") if back else put_answer(interview, _none(interview, question, now))
    )
    fits = next((q for q in asked(left, bank) if not q.choices and left.answer(q.id) is None), None)
    if fits is None:
        return None
    told, notes = take_answer(left, bank, replace(said, question=fits.id), now)
    if told is left:
        return interview, notes
    return told, tuple(Note.KEPT_AS if note is Note.SAVED else note for note in notes)


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


def put_answer(interview: Interview, answer: Answer) -> Interview:
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


def readers_meant(bank: Bank, audience: Audience | None) -> Audience | None:
    """The readers meant: where nobody succeeds anybody, fewer than the office are the person alone."""
    hidden = audience not in {None, Audience.UNRECORDED, *offered(bank)}
    return Audience.NAMED if hidden else audience


def _advance(interview: Interview, bank: Bank, notes: tuple[Note, ...], now: datetime) -> After:
    """On to the next question, a break after a sitting's worth, or the draft after the last one.

    A sitting that was planned for a later day is offered on that day; who wants to goes on before.
    """
    if interview.probing or interview.revisiting:
        return interview, notes
    question = current(interview, bank)
    if question is None:
        return replace(interview, state=InterviewState.DRAFT), notes
    if interview.parts:
        part = begins(interview, question)
        if part is None:
            return interview, notes
        wake_at = part.at if part.at > now else None
        return replace(interview, state=InterviewState.PAUSED, wake_at=wake_at), (*notes, Note.BREAK)
    if interview.sitting >= bank.sitting:
        return replace(interview, state=InterviewState.PAUSED), (*notes, Note.BREAK)
    return interview, notes


def skip_question(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """On without an answer; one that was given before stands."""
    question = current(interview, bank)
    if interview.state is not InterviewState.OPEN or question is None:
        return interview, (Note.NOT_NOW,)
    if said.question and said.question.removesuffix(PROBE_SUFFIX) != question.id:
        return interview, (Note.LATE,)
    if interview.revisiting:
        return _advance(replace(interview, revisiting=""), bank, (Note.KEPT,), now)
    if interview.probing:
        return _advance(replace(interview, probing=""), bank, (Note.KEPT,), now)
    return _advance(put_answer(interview, _none(interview, question, now)), bank, (Note.SKIPPED,), now)


def _none(interview: Interview, question: Question, now: datetime) -> Answer:
    """That the question was left out."""
    return Answer(
        question=question.id,
        text="",
        audience=audience_of(interview, question),
        language=interview.language,
        at=now,
        skipped=True,
    )


def go_back(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """To the question before, whose answer is shown and stands until another is given."""
    if interview.state not in TALKING:
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


def ask_again(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """From the draft back to one question; the draft comes again after it."""
    question = bank.question(said.question)
    if interview.state is not InterviewState.DRAFT or question is None or not interview.answer(question.id):
        return interview, (Note.NOT_NOW,)
    return replace(interview, revisiting=question.id, state=InterviewState.OPEN), ()


def change_readers(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """Narrow who reads an answer at once; widen it, or delete its text, only after a second yes.

    Where readers are named, that they read it needs one too: "only me" may not have meant them.
    """
    last = interview.answers[-1].question if interview.answers else ""
    question = bank.question(said.question) or current(interview, bank) or bank.question(last)
    if question is None or said.audience is None:
        return interview, (Note.NOT_NOW,)
    now_read_by = audience_of(interview, question)
    elsewhere = bool(said.question) and question != current(interview, bank)
    changed = Note.EARLIER_READERS if elsewhere else Note.AUDIENCE_CHANGED
    if said.audience is now_read_by:
        return interview, (changed,)
    answer = interview.answer(question.id)
    kind = None
    to_named = said.audience is Audience.NAMED and bool(interview.named)
    if to_named or narrower(now_read_by, said.audience):
        kind = ConfirmKind.WIDEN
    elif said.audience is Audience.UNRECORDED and answer and answer.text:
        kind = ConfirmKind.UNRECORD
    if kind:
        return replace(
            interview, confirming=Confirm(kind=kind, question=question.id, audience=said.audience)
        ), ()
    return read_by(interview, bank, question, said.audience), (changed,)


def just_said(
    interview: Interview, bank: Bank, audience: Audience | None, *, within: timedelta, now: datetime
) -> str:
    """The question whose answer "only me" is about, where it follows that answer; "" where it is not.

    It is about the question asked now where something was said of that one already, and where the answer
    is read so already; what was chosen holds no words of the person's own.
    """
    last = max(reversed(interview.answers), key=lambda one: one.at, default=None)
    asked_now = current(interview, bank)
    if last is None or not last.text or last.choice or last.audience is readers_meant(bank, audience):
        return ""
    if asked_now is not None and (asked_now.id in interview.audiences or interview.answer(asked_now.id)):
        return ""
    at_once = last.at == interview.changed_at or now - last.at <= within
    return last.question if at_once and interview.state in _ASKING else ""


def read_by(interview: Interview, bank: Bank, question: Question, audience: Audience) -> Interview:
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
    return put_answer(interview, narrowed)
