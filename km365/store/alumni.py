"""Lines that leavers keep open for their successors' questions, and what was asked over them.

A line is a row as long as it is open; closing it deletes the row, and so does its day. Of what was asked only
what has to wait is kept: the words, until some days after the answer.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, or_, select, update

from km365.store import rows
from km365.store.tables import alumni_line, alumni_question

REASON = "alumni"
"""The reason of messages that bring a leaver a question."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Somebody who may be asked about the note they left. `address` is private; "" for Teams."""

    note_id: str
    person_id: str
    until_on: date
    """The last day."""
    address: str
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question passed on, and its answer once there is one; one that was not wanted has no words."""

    id: str
    note_id: str
    person_id: str
    """Who is asked."""
    asker_id: str
    words: str
    asked_at: datetime
    answer: str = ""
    answered_at: datetime | None = None


def open_line(c: Connection, line: Line) -> None:
    """Opens the line, or changes the one that is open for this note."""
    rows.put(c, alumni_line, asdict(line))


def of_note(c: Connection, note_id: str, *, today: date) -> Line | None:
    """The line of this note, where it is open today."""
    found = alumni_line.c
    query = select(alumni_line).where(found.note_id == note_id, found.until_on >= today)
    row = c.execute(query).first()
    return Line(**row._mapping) if row else None


def of_person(c: Connection, person_id: str, *, today: date) -> list[Line]:
    """The lines of this leaver that are open today, the one opened last first."""
    mine = (alumni_line.c.person_id == person_id) & (alumni_line.c.until_on >= today)
    query = select(alumni_line).where(mine).order_by(alumni_line.c.opened_at.desc(), alumni_line.c.note_id)
    return [Line(**row._mapping) for row in c.execute(query)]


def close(c: Connection, person_id: str) -> list[str]:
    """Closes every line of this leaver, and forgets their questions that wait; the notes they were for."""
    mine = alumni_line.c.person_id == person_id
    notes = list(c.execute(select(alumni_line.c.note_id).where(mine)).scalars())
    c.execute(delete(alumni_line).where(mine))
    waiting = (alumni_question.c.person_id == person_id) & alumni_question.c.answered_at.is_(None)
    c.execute(delete(alumni_question).where(waiting))
    return notes


def ask(c: Connection, asked: Question) -> bool:
    """Keeps a question until it is answered; False, and nothing changes, where its id is known."""
    return rows.insert_new(c, alumni_question, asdict(asked))


def get(c: Connection, question_id: str) -> Question | None:
    """The question with that id, where it is still kept."""
    row = c.execute(select(alumni_question).where(alumni_question.c.id == question_id)).first()
    return Question(**row._mapping) if row else None


def waiting(c: Connection, person_id: str) -> Sequence[Question]:
    """The questions to this leaver that are not answered, the oldest first."""
    mine = (alumni_question.c.person_id == person_id) & alumni_question.c.answered_at.is_(None)
    query = select(alumni_question).where(mine).order_by(alumni_question.c.asked_at, alumni_question.c.id)
    return [Question(**row._mapping) for row in c.execute(query)]


def answer(c: Connection, question_id: str, words: str, *, at: datetime) -> bool:
    """Keeps the answer, "" for none; False where it was answered before or is gone."""
    mine = (alumni_question.c.id == question_id) & alumni_question.c.answered_at.is_(None)
    done = c.execute(update(alumni_question).where(mine).values(answer=words, answered_at=at))
    return done.rowcount == 1


def forget(c: Connection, *, today: date, before: datetime) -> int:
    """Deletes lines whose day is past with what waits for them, and what was answered or asked before."""
    past = select(alumni_line.c.note_id).where(alumni_line.c.until_on < today)
    over = list(c.execute(past).scalars())
    count = c.execute(delete(alumni_line).where(alumni_line.c.note_id.in_(over))).rowcount
    found = alumni_question.c
    unanswered = found.note_id.in_(over) & found.answered_at.is_(None)
    old = or_(found.answered_at < before, found.answered_at.is_(None) & (found.asked_at < before))
    return count + c.execute(delete(alumni_question).where(or_(unanswered, old))).rowcount
