"""What a handover note says, and where each of its lines comes from.

Every word is the leaver's own, under the heading its question names (`Question.becomes`). A line of the file
ends with the number of the answer it is from, in square brackets; the last table of the file says for each
number what was asked, on which day it was said, and who may read it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo

from km365.core.audience import Audience
from km365.core.drafting import answered, in_note
from km365.core.interviews import Interview
from km365.core.keepout import keep_out
from km365.core.key_documents import KeyDocument
from km365.core.phrases import Words
from km365.core.questions import Bank

HANDOVER = "handover."
"""Before a section of the note, in `Question.becomes`."""
DOCUMENTS, PEOPLE = f"{HANDOVER}documents", f"{HANDOVER}people"

_BULLET = re.compile(r"\s*(?:[-•*–—·▪◦‣]\s+|[•▪◦‣]\s*)*")
"""A sign that a person begins a line of a list with; "-5 °C" begins with none."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The answer that a line is from."""

    question: str
    number: int
    """Its place in the bank, from 1, which is how a note names it."""
    asked: str
    said_on: date
    audience: Audience
    language: str
    """What the answer was given in, as far as is known."""
    reworded: bool = False
    """Whether the person changed the words in the draft."""
    told_by: str = ""
    """The name of the colleague who told it instead of the leaver, with their yes."""


@dataclass(frozen=True, kw_only=True)
class NoteLine:
    """One line of a note, as it was written, and the answer it is from."""

    text: str
    source: Source


@dataclass(frozen=True, kw_only=True)
class NoteSection:
    """One heading of a note and the lines under it."""

    target: str
    heading: str
    lines: tuple[NoteLine, ...]

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that its lines answer, each once, in order."""
        return tuple(dict.fromkeys(line.source.question for line in self.lines))

    def said_to(self, question: str) -> tuple[str, ...]:
        """The lines that answer this question."""
        return tuple(line.text for line in self.lines if line.source.question == question)


@dataclass(frozen=True, kw_only=True)
class HandoverNote:
    """What a colleague hands over. Read by the successor and the supervisor, by the person before both."""

    interview_id: str
    departure_id: str
    """The item of the *Departures* list; empty where the departure is known from the directory alone."""
    person_id: str
    person: str
    post: str
    office: str
    successor_id: str | None
    successor: str
    supervisor_id: str | None
    supervisor: str
    last_on: date | None
    written_on: date
    language: str
    sections: tuple[NoteSection, ...]
    by_colleagues: bool = False
    """Whether colleagues told it, because the person had left."""
    withheld: int = 0
    """Lines that look like what is not kept (`core/keepout.py`), and so are not in the note."""
    documents: tuple[KeyDocument, ...] = ()
    """What its documents link to, and whether that is there."""
    colleagues: Mapping[str, str] = field(default_factory=dict)
    """Post and office of those whom it names and the directory knows, by the name in the note.

    Where a line is only a sign-in name, with their name in front, by the line.
    """


def note_sections(interview: Interview, bank: Bank, *, zone: tzinfo = UTC) -> tuple[NoteSection, ...]:
    """The sections of the note in the bank's order; only what successor and supervisor may read is in it.

    The days on which answers were given are those of the duty station's time zone.
    """
    numbers = {question.id: number for number, question in enumerate(bank.questions, start=1)}
    sections = []
    for target, heading in bank.sections:
        if not target.startswith(HANDOVER):
            continue
        lines = []
        for question, answer in answered(interview, bank):
            if target not in question.becomes or not in_note(answer):
                continue
            source = Source(
                question=question.id,
                number=numbers[question.id],
                asked=question.ask,
                said_on=answer.at.astimezone(zone).date(),
                audience=answer.audience,
                language=answer.language,
                reworded=question.id in interview.edits,
            )
            text = interview.edits.get(question.id, answer.text)
            lines += [NoteLine(text=line, source=source) for line in _lines(text)]
        if lines:
            sections.append(NoteSection(target=target, heading=heading, lines=tuple(lines)))
    return tuple(sections)


def sources(sections: Iterable[NoteSection]) -> list[Source]:
    """The answers that these sections are made of, each once, by number."""
    found = {line.source.number: line.source for section in sections for line in section.lines}
    return [found[number] for number in sorted(found)]


def without_kept_out(sections: Iterable[NoteSection], words: Words) -> tuple[tuple[NoteSection, ...], int]:
    """The sections without lines that must not be kept, and how many those were.

    Answers were looked at when they were given; this is for those given before a word was looked for. Where
    only the lines of an answer together are found out, all of them go.
    """
    kept, withheld = [], 0
    for section in sections:
        left: list[NoteLine] = []
        for question in section.questions:
            lines = [line for line in section.lines if line.source.question == question]
            if keep_out("\n".join(line.text for line in lines), words):
                clean = [line for line in lines if not keep_out(line.text, words)]
                clean = clean if len(clean) < len(lines) else []
                withheld += len(lines) - len(clean)
                lines = clean
            left += lines
        if left:
            kept.append(replace(section, lines=tuple(left)))
    return tuple(kept), withheld


def _lines(text: str) -> list[str]:
    """A text as the lines of a list: what the person wrote as lines, without their own bullets."""
    return [line for raw in text.splitlines() if (line := _BULLET.sub("", raw, count=1).strip())]
