"""Interviews: a conversation as data. `core/turns.py` says what a turn makes of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from km365.core.audience import Audience
from km365.core.questions import Bank, BankKind, Question

MAX_ANSWER_LENGTH = 20_000
"""Characters; a longer answer is refused whole, in words, and stays in the person's own chat."""

PROBE_SUFFIX = "+"
"""Behind a question's id it names the follow-up to that question, as cards carry it back."""

ERASED = "erased:"
"""How the mark begins that stands for somebody who was erased (`services/personal_data.py`)."""

KNOWLEDGE = "knowledge."
"""Before a field of a knowledge item, in `Question.becomes`."""


class InterviewState(StrEnum):
    """Where an interview stands."""

    INVITED = "invited"
    """Asked whether they want to; nothing was said yet."""
    CONSENTING = "consenting"
    """Reading what it is for and who reads it; nothing is recorded before a yes."""
    OPEN = "open"
    """A question is waiting for an answer."""
    PAUSED = "paused"
    """Taking a break; goes on when the person says so, or is reminded at `wake_at`."""
    DRAFT = "draft"
    """All is asked; the person reads the draft before anyone else."""
    SENDING = "sending"
    """Sent by the person, and on its way; once begun, it can be neither changed nor withdrawn here."""
    FINISHED = "finished"
    """Sent by the person, and there."""
    DECLINED = "declined"
    """The person does not want to be asked. What was said stays theirs, unsent, until they withdraw it."""
    WITHDRAWN = "withdrawn"
    """Taken back by the person; the answers are gone."""
    OVER = "over"
    """The time for it has passed before the person sent it; the answers are gone."""


WAITING = frozenset(
    {
        InterviewState.INVITED,
        InterviewState.CONSENTING,
        InterviewState.OPEN,
        InterviewState.PAUSED,
        InterviewState.DRAFT,
    }
)
"""States in which something is still open between the person and us."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person said to one question, whole and in their own words."""

    question: str
    text: str
    """Empty where it was skipped or not to be recorded."""
    audience: Audience
    language: str
    at: datetime
    choice: str = ""
    """The value chosen, where the question offers choices; `text` is its label."""
    skipped: bool = False
    probed: bool = False
    """Whether the follow-up was asked; it is asked once."""


class ConfirmKind(StrEnum):
    """What needs a second yes."""

    WIDEN = "widen"
    """More people would read an answer."""
    UNRECORD = "unrecord"
    """An answer would be deleted, because it is not to be recorded."""
    START_OVER = "start_over"
    """All answers would be deleted, and the first question asked again."""
    WITHDRAW = "withdraw"
    """All answers would be deleted for good."""
    NAME = "name"
    """People would be named who read answers that are there already."""


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """A question of ours that waits for a yes or a no."""

    kind: ConfirmKind
    question: str = ""
    audience: Audience | None = None
    readers: tuple[str, ...] = ()
    """With `NAME`, all who would be named then."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The questions of one sitting, by id, the day it is planned for, and when that day begins there."""

    on: date
    at: datetime
    questions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Interview:
    """One person's conversation about one thing. `key` is unique: nobody is asked twice for one reason."""

    id: str
    key: str
    bank: str
    person_id: str
    language: str
    state: InterviewState
    created_at: datetime
    changed_at: datetime
    subject: str = ""
    """The id of the milestone or departure it is about."""
    subject_title: str = ""
    """The same, in words people know."""
    office: str = ""
    campaign: str = ""
    """The campaign that asked; its reminders stop once the person has begun."""
    due_on: date | None = None
    step: int = 0
    """Goes up with every change; cards carry it, so that an old card is known as old."""
    answers: tuple[Answer, ...] = ()
    audiences: Mapping[str, Audience] = field(default_factory=dict)
    """Audiences chosen before the answer was given, by question."""
    named: tuple[str, ...] = ()
    """Who reads the answers for named readers, by directory id (`core/named_readers.py`)."""
    edits: Mapping[str, str] = field(default_factory=dict)
    """The person's own wording of draft fields, by field; it goes before what the answers say."""
    lessons: Mapping[str, str] = field(default_factory=dict)
    """What the person said to each lesson found in their answers, by question (`core/found_lessons.py`)."""
    advised: bool = False
    """Whether the person has read the whole draft, with what the coach advises, and has gone on."""
    revisiting: str = ""
    """The question gone back to."""
    probing: str = ""
    """The question whose follow-up is waiting."""
    confirming: Confirm | None = None
    sitting: int = 0
    """Questions dealt with since the last break."""
    parts: tuple[Part, ...] = ()
    """What is asked in which sitting, where that is planned; else the whole bank with its breaks."""
    consented_at: datetime | None = None
    consent: str = ""
    """Which words of consent were shown last (`Consent.mark`); with `consented_at`, agreed to."""
    wake_at: datetime | None = None
    sent_at: datetime | None = None
    begun_at: datetime | None = None
    """When handing on began: from then on some of it may be there."""
    link: str = ""
    """Where it lies, once it is there."""
    heard: tuple[str, ...] = ()
    """The last activities that changed it: a repeated one changes nothing."""
    version: int = field(default=0, compare=False)
    """How often it had been saved when it was read: it is saved over no newer one."""

    def answer(self, question_id: str) -> Answer | None:
        """The answer to that question, or None while it has not been dealt with."""
        return self._by_question.get(question_id)

    @cached_property
    def _by_question(self) -> Mapping[str, Answer]:
        return {a.question: a for a in self.answers}

    @property
    def said_something(self) -> bool:
        """Whether any answer holds words."""
        return any(a.text for a in self.answers)


def audience_of(interview: Interview, question: Question) -> Audience:
    """Who reads the answer to this question: as it was given, else as chosen for it, else its default."""
    answer = interview.answer(question.id)
    if answer is not None:
        return answer.audience
    return interview.audiences.get(question.id, question.audience)


def offered(bank: Bank) -> tuple[Audience, ...]:
    """Whom a person may choose to read an answer; a reflection has no successor, and nobody is named in it.

    Of a group's answers nobody reads one, so there is nothing to choose.
    """
    if bank.kind is BankKind.GROUP:
        return ()
    if bank.kind is BankKind.REFLECTION:
        return (Audience.EVERYONE, Audience.OFFICE, Audience.UNRECORDED)
    return tuple(Audience)


def edits_of(bank: Bank, question: Question) -> tuple[str, ...]:
    """The keys of `Interview.edits` that reword this answer: the fields of an item, else its question."""
    if bank.kind is not BankKind.REFLECTION:
        return (question.id,)
    return tuple(t.removeprefix(KNOWLEDGE) for t in question.becomes if t.startswith(KNOWLEDGE))


def wording(interview: Interview, bank: Bank, question: Question) -> str:
    """The answer as worded last: in the draft, where that part is made of it alone, else as it was said."""
    answer = interview.answer(question.id)
    if answer is None:
        return ""
    shared = {key for other in bank.questions if other != question for key in edits_of(bank, other)}
    own = [key for key in edits_of(bank, question) if key in interview.edits and key not in shared]
    return interview.edits[own[0]] if len(own) == 1 else answer.text


def applies(interview: Interview, question: Question) -> bool:
    """Whether the question needs to be asked, given the answers so far."""
    rule = question.skip_if
    if rule is None:
        return True
    answered, skipped = (interview.answer(q) for q in (rule.answered, rule.skipped))
    parts = []
    if rule.answered:
        parts.append(answered is not None and not answered.skipped)
    if rule.skipped:
        parts.append(skipped is not None and skipped.skipped)
    if rule.chose:
        parts.append(_chose(interview, rule.chose))
    if rule.unless:
        parts.append(not _chose(interview, rule.unless))
    return not all(parts)


def _chose(interview: Interview, named: tuple[str, ...]) -> bool:
    """Whether one of the values named behind a question's id was chosen there."""
    question, *values = named
    answer = interview.answer(question)
    return answer is not None and answer.choice in values


def asked(interview: Interview, bank: Bank) -> tuple[Question, ...]:
    """The questions that apply to this person, in the order of the plan, else of the bank."""
    if not interview.parts:
        return bank.where(lambda question: applies(interview, question))
    planned = (bank.question(one) for part in interview.parts for one in part.questions)
    return tuple(one for one in planned if one is not None and applies(interview, one))


def unasked(interview: Interview, bank: Bank) -> tuple[Question, ...]:
    """Those of them that have not been dealt with."""
    return tuple(one for one in asked(interview, bank) if interview.answer(one.id) is None)


def begins(interview: Interview, question: Question) -> Part | None:
    """The sitting that this question would begin, where the plan has one before it; else None."""
    part = next((one for one in interview.parts[1:] if question.id in one.questions), None)
    fresh = part is not None and all(interview.answer(one) is None for one in part.questions)
    return part if fresh else None


def current(interview: Interview, bank: Bank) -> Question | None:
    """The question that waits for an answer; None once all that apply have been dealt with."""
    return _waiting(interview, bank, asked(interview, bank))


def _waiting(interview: Interview, bank: Bank, questions: Iterable[Question]) -> Question | None:
    """The one of the `questions` asked of this person that waits for an answer."""
    at_once = interview.revisiting or interview.probing
    if at_once:
        return bank.question(at_once)
    return next((one for one in questions if interview.answer(one.id) is None), None)


class PromptKind(StrEnum):
    """What to show next."""

    INVITATION = "invitation"
    CONSENT = "consent"
    QUESTION = "question"
    PROBE = "probe"
    """The follow-up to an answer, asked once."""
    CONFIRM = "confirm"
    """Yes or no to `Interview.confirming`."""
    PAUSED = "paused"
    DRAFT = "draft"
    SENDING = "sending"
    FINISHED = "finished"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    OVER = "over"


ANSWERABLE = frozenset({PromptKind.QUESTION, PromptKind.PROBE})
"""Where own words are an answer."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What to show next. `number` of `total` counts from 1 what applies; `value` is the answer so far."""

    kind: PromptKind
    question: Question | None = None
    number: int = 0
    total: int = 0
    value: str = ""
    audience: Audience | None = None
    confirm: Confirm | None = None


_PROMPTS = {
    InterviewState.INVITED: PromptKind.INVITATION,
    InterviewState.CONSENTING: PromptKind.CONSENT,
    InterviewState.PAUSED: PromptKind.PAUSED,
    InterviewState.DRAFT: PromptKind.DRAFT,
    InterviewState.SENDING: PromptKind.SENDING,
    InterviewState.FINISHED: PromptKind.FINISHED,
    InterviewState.DECLINED: PromptKind.DECLINED,
    InterviewState.WITHDRAWN: PromptKind.WITHDRAWN,
    InterviewState.OVER: PromptKind.OVER,
}


def prompt(interview: Interview, bank: Bank) -> Prompt:
    """What to show this person next; the same interview always gives the same prompt."""
    questions = asked(interview, bank)
    question = _waiting(interview, bank, questions)
    number = next((n for n, q in enumerate(questions, start=1) if q == question), len(questions))
    if interview.confirming is not None:
        about = bank.question(interview.confirming.question)
        return Prompt(
            kind=PromptKind.CONFIRM,
            question=about,
            number=number,
            total=len(questions),
            confirm=interview.confirming,
        )
    if interview.state is not InterviewState.OPEN or question is None:
        kind = _PROMPTS.get(interview.state, PromptKind.DRAFT)
        return Prompt(kind=kind, question=question, number=number, total=len(questions))
    probing = interview.probing == question.id and not interview.revisiting
    return Prompt(
        kind=PromptKind.PROBE if probing else PromptKind.QUESTION,
        question=question,
        number=number,
        total=len(questions),
        value="" if probing else wording(interview, bank, question),
        audience=audience_of(interview, question),
    )


def to_json(interview: Interview) -> dict[str, Any]:
    """The interview as JSON, answers included."""
    confirming = interview.confirming
    return {
        "id": interview.id,
        "key": interview.key,
        "bank": interview.bank,
        "person_id": interview.person_id,
        "language": interview.language,
        "state": interview.state.value,
        "created_at": interview.created_at.isoformat(),
        "changed_at": interview.changed_at.isoformat(),
        "subject": interview.subject,
        "subject_title": interview.subject_title,
        "office": interview.office,
        "campaign": interview.campaign,
        "due_on": interview.due_on.isoformat() if interview.due_on else None,
        "step": interview.step,
        "answers": [answer_to_json(answer) for answer in interview.answers],
        "audiences": {question: audience.value for question, audience in interview.audiences.items()},
        "named": list(interview.named),
        "edits": dict(interview.edits),
        "lessons": dict(interview.lessons),
        "advised": interview.advised,
        "revisiting": interview.revisiting,
        "probing": interview.probing,
        "confirming": None
        if confirming is None
        else {
            "kind": confirming.kind.value,
            "question": confirming.question,
            "audience": confirming.audience.value if confirming.audience else None,
            "readers": list(confirming.readers),
        },
        "sitting": interview.sitting,
        "parts": [
            {"on": one.on.isoformat(), "at": one.at.isoformat(), "questions": list(one.questions)}
            for one in interview.parts
        ],
        "consented_at": interview.consented_at.isoformat() if interview.consented_at else None,
        "consent": interview.consent,
        "wake_at": interview.wake_at.isoformat() if interview.wake_at else None,
        "sent_at": interview.sent_at.isoformat() if interview.sent_at else None,
        "begun_at": interview.begun_at.isoformat() if interview.begun_at else None,
        "link": interview.link,
        "heard": list(interview.heard),
    }


def from_json(value: Mapping[str, Any]) -> Interview:
    """The interview that `to_json` wrote. Raises KeyError or ValueError if it was not."""
    confirming = value["confirming"]
    return Interview(
        id=value["id"],
        key=value["key"],
        bank=value["bank"],
        person_id=value["person_id"],
        language=value["language"],
        state=InterviewState(value["state"]),
        created_at=datetime.fromisoformat(value["created_at"]),
        changed_at=datetime.fromisoformat(value["changed_at"]),
        subject=value["subject"],
        subject_title=value["subject_title"],
        office=value["office"],
        campaign=value["campaign"],
        due_on=date.fromisoformat(value["due_on"]) if value["due_on"] else None,
        step=value["step"],
        answers=tuple(answer_from_json(answer) for answer in value["answers"]),
        audiences={question: Audience(audience) for question, audience in value["audiences"].items()},
        named=_people(value.get("named", ())),
        edits=dict(value["edits"]),
        lessons=dict(value.get("lessons", {})),
        advised=value.get("advised", False),
        revisiting=value["revisiting"],
        probing=value["probing"],
        confirming=None
        if confirming is None
        else Confirm(
            kind=ConfirmKind(confirming["kind"]),
            question=confirming["question"],
            audience=Audience(confirming["audience"]) if confirming["audience"] else None,
            readers=_people(confirming.get("readers", ())),
        ),
        sitting=value["sitting"],
        parts=tuple(
            Part(
                on=date.fromisoformat(one["on"]),
                at=datetime.fromisoformat(one["at"]),
                questions=tuple(one["questions"]),
            )
            for one in value.get("parts", ())
        ),
        consented_at=_moment(value["consented_at"]),
        consent=value.get("consent", ""),
        wake_at=_moment(value["wake_at"]),
        sent_at=_moment(value.get("sent_at")),
        begun_at=_moment(value.get("begun_at")),
        link=value.get("link", ""),
        heard=tuple(value["heard"]),
    )


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """One answer as JSON, for a row of its own."""
    return {
        "question": answer.question,
        "text": answer.text,
        "audience": answer.audience.value,
        "language": answer.language,
        "at": answer.at.isoformat(),
        "choice": answer.choice,
        "skipped": answer.skipped,
        "probed": answer.probed,
    }


def answer_from_json(value: Mapping[str, Any]) -> Answer:
    """The answer that `answer_to_json` wrote."""
    return Answer(
        question=value["question"],
        text=value["text"],
        audience=Audience(value["audience"]),
        language=value["language"],
        at=datetime.fromisoformat(value["at"]),
        choice=value["choice"],
        skipped=value["skipped"],
        probed=value["probed"],
    )


def _people(ids: Iterable[str]) -> tuple[str, ...]:
    """The ids without those in whose place a mark stands, because the person was erased."""
    return tuple(one for one in ids if not one.startswith(ERASED))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
