"""Notes of lines and answers, for tests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from km365.core.audience import Audience
from km365.core.handover_note import HandoverNote, NoteLine, NoteSection, Source, note_sections
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.questions import Bank

SAID_AT = datetime(2026, 11, 12, 9, tzinfo=UTC)


def source(number: int = 5, *, language: str = "en", audience: Audience = Audience.SUCCESSOR) -> Source:
    return Source(
        question=f"q{number}",
        number=number,
        asked=f"What about {number}?",
        said_on=SAID_AT.date(),
        audience=audience,
        language=language,
    )


def section(name: str, lines: Sequence[str], *, number: int = 5) -> NoteSection:
    made = tuple(NoteLine(text=line, source=source(number)) for line in lines)
    return NoteSection(target=f"handover.{name}", heading=name.title(), lines=made)


def interview(bank: Bank, words: Mapping[str, str], **more: object) -> Interview:
    """An interview in which each of these questions was answered, for successor and supervisor."""
    answers = tuple(
        Answer(question=q, text=text, audience=Audience.SUCCESSOR, language=bank.language, at=SAID_AT)
        for q, text in words.items()
    )
    return Interview(
        id="7f3a9c21d4e84b7f9a6c0d1e2f3a4b5c",
        key="handover:ann",
        bank="handover",
        person_id="p1",
        language=bank.language,
        state=InterviewState.DRAFT,
        created_at=SAID_AT,
        changed_at=SAID_AT,
        answers=answers,
        **more,
    )


def note(sections: Sequence[NoteSection], language: str = "en") -> HandoverNote:
    return HandoverNote(
        interview_id="7f3a9c21d4e84b7f9a6c0d1e2f3a4b5c",
        departure_id="1",
        person_id="p1",
        person="Ann Paperboat",
        post="Chief of Water",
        office="CO-BEL",
        successor_id="p2",
        successor="Sue Paperboat",
        supervisor_id=None,
        supervisor="",
        last_on=date(2026, 12, 18),
        written_on=date(2026, 11, 20),
        language=language,
        sections=tuple(sections),
    )


def long_note(bank: Bank, text: str) -> HandoverNote:
    """The note of an interview in which this text answers every question."""
    said = interview(bank, {question.id: text for question in bank.questions})
    return note(note_sections(said, bank), bank.language)
