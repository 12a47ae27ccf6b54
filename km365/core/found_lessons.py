"""Lessons found in a leaver's answers, to be proposed to them as items of their own: by rule, in their words.

The words are those of one answer, sorted as those of a told lesson are (`core/sorting.py`); the coach says
whether something happened in them, and why, or what to do. What the person keeps to themselves, or what is
political, about protection or about staff, is never proposed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from km365.core.audience import Audience, narrower
from km365.core.coach import Coach, Rule
from km365.core.drafting import in_item, is_complete, knowledge_item
from km365.core.interviews import KNOWLEDGE, Interview, InterviewState, Part, current
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem
from km365.core.languages import best
from km365.core.questions import SENSITIVE, Bank, BankKind, Question
from km365.core.said import is_thin
from km365.core.sorting import given, sentences, sort
from km365.core.written_in import language_of

MOST = 3
"""Lessons proposed to one leaver; more would be a form to fill in on the last days."""


class Answered(StrEnum):
    """What a person said to a lesson that was found."""

    PROPOSED = "proposed"  # it is an item of its own, or its draft is
    CONFIRMED = "confirmed"  # it confirms a lesson there is
    LEFT = "left"  # not this one


@dataclass(frozen=True, kw_only=True)
class Found:
    """A lesson as it would be: the item, and its words by the question of the lesson bank they answer.

    `wider` says that more people would read it than the answer, which takes a second yes.
    """

    question: str
    item: KnowledgeItem
    words: Mapping[str, str]
    wider: bool


def found(interview: Interview, bank: Bank, lessons: Bank, coach: Coach) -> tuple[Found, ...]:
    """What could be a lesson of its own and was not decided yet, the fullest first; nothing too early.

    Of all that could be, also of those decided, the first `MOST` are proposed.
    """
    if not is_time(interview, bank):
        return ()
    told = [
        (lacks, place, one)
        for place, question in enumerate(_asked(interview, bank))
        for lacks, one in _made(interview, question, lessons, coach)
    ]
    first = sorted(told, key=lambda one: one[:2])[:MOST]
    return tuple(one for *_, one in first if one.question not in interview.lessons)


def is_time(interview: Interview, bank: Bank) -> bool:
    """Whether the last sitting is over: the draft is whole, or was sent."""
    if bank.kind is not BankKind.HANDOVER:
        return False
    if interview.state is InterviewState.DRAFT:
        return current(interview, bank) is None
    return interview.state in {InterviewState.SENDING, InterviewState.FINISHED}


def _asked(interview: Interview, bank: Bank) -> list[Question]:
    """The questions whose answers are looked at; what goes with the note as its lesson is one already."""
    with_note = is_complete(knowledge_item(interview, bank))
    return [
        question
        for question in bank.questions
        if question.lesson
        and question.sensitivity < SENSITIVE
        and (answer := interview.answer(question.id)) is not None
        and not narrower(answer.audience, Audience.SUCCESSOR)
        and not (with_note and in_item(answer) and any(one.startswith(KNOWLEDGE) for one in question.becomes))
    ]


_NEVER = frozenset({Rule.NAMES, Rule.RECOMMENDATION, Rule.NO_EVENT, Rule.PLATITUDE})


def _made(
    interview: Interview, question: Question, lessons: Bank, coach: Coach
) -> Iterator[tuple[int, Found]]:
    """The lesson in the answer, if there is one, with how much it lacks."""
    answer = interview.answer(question.id)
    text = interview.edits.get(question.id, answer.text) if answer else ""
    if answer is None or is_thin(text):
        return
    words, wider = _sorted(text, question, lessons), narrower(answer.audience, Audience.OFFICE)
    audience = Audience.OFFICE if wider else answer.audience
    item = _item(interview, lessons, words, audience)
    fields = {name: str(getattr(item, name)) for name in WRITTEN_FIELDS[1:]}
    language = best([language_of(text), interview.language])
    rules = {one.rule for one in coach.findings(fields, language=language)}
    reasons = (Rule.NO_CAUSE not in rules) + bool(item.advice)
    if reasons and is_complete(item) and not rules & _NEVER:
        yield len(rules) - reasons, Found(question=question.id, item=item, words=words, wider=wider)


def _sorted(text: str, question: Question, lessons: Bank) -> dict[str, str]:
    """The sentences by the question of the lesson bank they answer.

    Of an answer that is advice, the first sentence is, where none begins like advice.
    """
    words = sort(text, lessons)
    advice, story = (_asking(lessons, name) for name in ("advice", "description"))
    said = sentences(text)
    if f"{KNOWLEDGE}advice" in question.becomes and advice not in words and len(said) > 1:
        rest = text[len(said[0].before) + len(said[0].text) :]
        words = {advice: said[0].text, **sort(rest, lessons)}
    return words if story in words else {}


def _asking(lessons: Bank, name: str) -> str:
    """The question that is answered by this field of a lesson."""
    return next((one.id for one in lessons.questions if f"{KNOWLEDGE}{name}" in one.becomes), "")


def _item(interview: Interview, lessons: Bank, words: Mapping[str, str], audience: Audience) -> KnowledgeItem:
    told = begun(interview, lessons, words, audience, interview_id="", key="", at=interview.changed_at)
    return knowledge_item(told, lessons)


def begun(
    handover: Interview,
    lessons: Bank,
    words: Mapping[str, str],
    audience: Audience,
    *,
    interview_id: str,
    key: str,
    at: datetime,
) -> Interview:
    """The draft of the lesson: an interview of its own, in which nothing leads back to the handover.

    Nothing else is asked in it, so that it can be read and sent at once.
    """
    fresh = Interview(
        id=interview_id,
        key=key,
        bank=lessons.id,
        person_id=handover.person_id,
        language=handover.language,
        state=InterviewState.DRAFT,
        created_at=at,
        changed_at=at,
        subject_title=lessons.title,
        office=handover.office,
        parts=(Part(on=at.date(), at=at, questions=tuple(words)),),
    )
    told = given(fresh, lessons, words, at=at)
    return replace(told, answers=tuple(replace(one, audience=audience) for one in told.answers))
