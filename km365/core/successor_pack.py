"""What somebody is given who takes over a post: the note, what to read first, whom to meet, what comes when.

All of it is read from the note as it is filed, from the calendar and from lessons; nothing is worded here, so
that every sentence stands word for word in what it is from.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from babel.dates import format_skeleton

from km365.core import contacts
from km365.core.days_in_text import days_in
from km365.core.handover_note import HANDOVER
from km365.core.knowledge import KnowledgeItem
from km365.core.languages import best, dates_of
from km365.core.numbers_in_order import without_marks
from km365.core.pack_answers import Line
from km365.core.questions import Bank, Question
from km365.core.schedule import Milestone
from km365.core.search_entries import item_sentences
from km365.core.search_question import Concepts
from km365.core.sorting import bare_links
from km365.core.taxonomy import Concept
from km365.core.written_in import language_of

_MEET = (contacts.MEET, "", contacts.OUTSIDE)
"""Whose answers name people to meet, in this order; without one is what somebody added to the file."""
READ_FIRST = 5
"""So many things are to be read first, the note itself apart."""
LESSONS = 2
"""So many of them are lessons at least, where there are as many."""
AHEAD = timedelta(days=90)
PEOPLE, DATES = "handover.people", "handover.deadlines"
"""Where a note says whom to meet, and what falls due."""
CELL = " | "
"""Between the cells of a table's row."""
_FROM_ANSWER = re.compile(r"\s*(?:\|\s*–?\s*)*\[(\d{1,3})\]\s*$")
"""How a note ends a line, or a row behind its empty cells: with the number of the answer it is from."""
_BROKEN_OFF = " …"
"""Ends a line of the body that stands whole in an annex."""
_NUMBER = re.compile(r"\[\d{1,3}\]")
_AROUND = " \t\xa0-–—:：,،;；.。()（）[]<>"
"""What stands between the words of a line and a web address."""


class Why(StrEnum):
    """Why something is to be read first."""

    NAMED = "named"  # the note names it
    OFFICE = "office"  # a lesson of the same office
    TOPIC = "topic"  # a lesson of another office on what the note is about


@dataclass(frozen=True, kw_only=True)
class ToRead:
    """A document or lesson. `says` is a sentence of the note about it, or of the lesson, word for word."""

    title: str
    web_url: str
    why: Why
    says: str = ""
    language: str = ""
    """Of what it says; "" for that of the note."""


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Somebody to meet in one of the first two weeks: `says` is the note's line. `name` may be ""."""

    name: str
    says: str
    week: int


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that is open: what, who sees to it, by when, and how, in words."""

    what: str
    owner: str
    due_on: date
    method: str


@dataclass(frozen=True, kw_only=True)
class Pack:
    """All of it. `lines` are what questions about it are answered from."""

    note_id: str
    person_id: str
    person: str
    post: str
    office: str
    last_on: date | None
    filed_on: date
    language: str
    web_url: str
    to_read: tuple[ToRead, ...] = ()
    meetings: tuple[Meeting, ...] = ()
    dates: tuple[str, ...] = ()
    """What the note says of the days ahead."""
    ahead: tuple[Milestone, ...] = ()
    gaps: tuple[Gap, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Said:
    """A line of the note: the section of the bank it stands in, and the question; "" where not known."""

    line: Line
    target: str
    question: str


def said_in(
    sections: Iterable[tuple[str, Sequence[str]]],
    banks: Sequence[Bank],
    columns: frozenset[str],
    *,
    language: str,
    day: date,
    by_colleagues: bool = False,
) -> list[Said]:
    """The lines of a note by its headings, without its facts, the numbers, and the table these lead to.

    `banks` holds the bank in every language, `columns` what the columns of its tables are called. What was
    asked is known of a line by its number, else by its heading; it helps to find it in other words. Where
    several colleagues told the note, its numbers count their answers and say nothing of the question.
    """
    named = {heading: target for bank in banks for target, heading in bank.sections}
    longest_first = sorted(named, key=len, reverse=True)
    found = []
    for heading, lines in sections:
        under = next((one for one in longest_first if heading.endswith(one)), "")  # "Annex 1: Work"
        for text in map(without_marks, lines):
            cells = text.split(CELL)
            if _NUMBER.fullmatch(cells[0]) or columns.issuperset(cells):
                continue
            number = _FROM_ANSWER.search(text)
            words = _once(_FROM_ANSWER.sub("", text).strip(), language)
            questions = _questions(banks, int(number[1]) if number and not by_colleagues else 0)
            target = _section_of(questions) or named.get(under, "")
            asked_as = questions[0].id if questions else ""
            if not questions:
                questions = [one for bank in banks for one in bank.questions if target in one.becomes]
            asked = [*(bank.heading(target) for bank in banks if target)]
            asked += [f"{one.ask} {one.hint}" for one in questions]
            line = Line(text=words, heading=heading, language=language, day=day, asked=" ".join(asked))
            found.append(Said(line=line, target=target, question=asked_as))
    first = next((place for place, one in enumerate(found) if one.target), 0)
    return [one for one in found[first:] if one.line.text and not _is_broken_off(one, found)]


def _once(text: str, language: str) -> str:
    """A row without the cells that are only a day which the others name in full, as notes begin them."""
    cells = text.split(CELL)
    kept = []
    for place, cell in enumerate(cells):
        others = " ".join(cells[:place] + cells[place + 1 :])
        days = days_in(others, language, after=date.min)
        if cell not in {format_skeleton("yMMMd", day, locale=dates_of(language)) for day in days}:
            kept.append(cell)
    return CELL.join(kept or cells)


def _is_broken_off(one: Said, said: Iterable[Said]) -> bool:
    """Whether the line only begins what stands whole further on."""
    if not one.line.text.endswith(_BROKEN_OFF):
        return False
    begins = one.line.text.removesuffix(_BROKEN_OFF)
    return any(other is not one and other.line.text.startswith(begins) for other in said)


def _questions(banks: Sequence[Bank], number: int) -> list[Question]:
    """The question of that number in every language."""
    return [bank.questions[number - 1] for bank in banks if 0 < number <= len(bank.questions)]


def _section_of(questions: Sequence[Question]) -> str:
    targets = (target for one in questions[:1] for target in one.becomes)
    return next((target for target in targets if target.startswith(HANDOVER)), "")


def meetings(said: Iterable[Said]) -> list[Meeting]:
    """Whom to meet: first who was named for the first weeks, then those from outside the usual list.

    In the order of the note: the first half in the first week, the others in the second.
    """
    there = [one for one in said if one.target == PEOPLE and one.question in _MEET]
    found = [_who(one.line.text) for one in sorted(there, key=lambda one: _MEET.index(one.question))]
    first = (len(found) + 1) // 2
    return [
        Meeting(name=name, says=says, week=1 if place < first else 2)
        for place, (name, says) in enumerate(found)
    ]


def _who(text: str) -> tuple[str, str]:
    """Whom a line names, "" where that is not plain, and the line; of a row without the first cell."""
    first, *others = text.split(CELL)
    if others:
        return first, CELL.join(others)
    return next((one.name for one in contacts.read(text)), ""), text


def falls_due(said: Iterable[Said], *, today: date) -> list[str]:
    """The lines of the note that name one of the next ninety days, by the first of these, each once.

    Behind them come those on what falls due that name no day at all.
    """
    found: dict[str, date] = {}
    for one in said:
        since = (one.line.day or today) - timedelta(days=1)
        coming = [day for day in _days(one.line, after=since) if today <= day <= today + AHEAD]
        if coming or (one.target == DATES and not _days(one.line, after=date.min)):
            found.setdefault(one.line.text, min(coming, default=date.max))
    return sorted(found, key=found.__getitem__)


def _days(line: Line, *, after: date) -> set[date]:
    """The days that a line names in its own language or its note's."""
    own = best([language_of(line.text), line.language])
    return {day for tag in {own, line.language} for day in days_in(line.text, tag, after=after)}


_SUBJECTS = frozenset({"goal-area", "topic", "emergency-type", "child-labour"})
"""The term sets that say what people work on; others say what kind of thing it is, where, or with whom."""


def topics(said: Iterable[Said], concepts: Concepts, *, most: int = 5) -> list[Concept]:
    """What the note is about: the subjects that most of its answers' lines speak of."""
    known = concepts.taxonomy
    sets = (one for one in (*known.term_sets, *known.layers) if (one.extends or one.key) in _SUBJECTS)
    subjects = {concept.id for one in sets for concept in one.concepts}
    counted: Counter[str] = Counter()
    terms: dict[str, Concept] = {}
    for one in said:
        for term in concepts.meant(one.line.text) if one.target else ():
            if term.id in subjects:
                counted[term.id] += 1
                terms[term.id] = term
    return [terms[key] for key, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:most]]


def is_on(text: str, about: Iterable[Concept], concepts: Concepts) -> bool:
    """Whether the text speaks of one of these terms or of a narrower one; a word in passing is not enough.

    `text` is what says what the whole is about: a title, a summary, the terms it carries.
    """
    wanted = {one.id for one in about}
    return any(
        not wanted.isdisjoint((term.id, term.broader, *term.also_broader)) for term in concepts.meant(text)
    )


def without_addresses(text: str) -> str:
    """A line's words for a quotation, with dots where a web address stood between them."""
    edges = [0, *(edge for place in bare_links(text) for edge in place), len(text)]
    between = (text[begin:end].strip(_AROUND) for begin, end in zip(edges[::2], edges[1::2], strict=True))
    return " … ".join(one for one in between if one)


def read_first(documents: Sequence[ToRead], lessons: Sequence[ToRead]) -> tuple[ToRead, ...]:
    """At most five: what the note names before lessons, of which some find room in any case."""
    room = READ_FIRST - min(LESSONS, len(lessons))
    named = documents[:room]
    return (*named, *lessons[: READ_FIRST - len(named)])


def ahead(milestones: Iterable[Milestone], *, office: str, today: date) -> tuple[Milestone, ...]:
    """The office's milestones of the next ninety days, the earliest first."""
    last, own = today + AHEAD, office.casefold()
    found = [
        (one.due_on, one.id, one)
        for one in milestones
        if one.due_on and today <= one.due_on <= last and one.office.casefold() == own and not one.is_over
    ]
    return tuple(one for _, _, one in sorted(found, key=lambda row: row[:2]))


def lesson_lines(item: KnowledgeItem, web_url: str) -> list[Line]:
    """The sentences of a lesson, to be asked about."""
    day = item.submitted_at.date() if item.submitted_at else None
    return [
        Line(
            text=sentence,
            heading=item.title,
            language=item.language,
            day=day,
            source=item.title,
            web_url=web_url,
        )
        for sentence in item_sentences(item)
    ]


def calendar_lines(pack: Pack, *, ahead: str, gaps: str, language: str) -> list[Line]:
    """Milestones and gaps, to be asked about; `ahead` and `gaps` are their headings in that language."""
    coming = [(one.title, ahead, one.due_on, one.web_url) for one in pack.ahead]
    open_ = [(one.what, gaps, one.due_on, pack.web_url) for one in pack.gaps]
    return [
        Line(text=text, heading=heading, language=language, day=day, source=heading, web_url=url)
        for text, heading, day, url in (*coming, *open_)
    ]
