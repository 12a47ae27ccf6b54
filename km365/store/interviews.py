"""Interviews: the state of each as JSON without any answer, and every answer a row with its audience.

Keeping answers apart is what lets them expire, be narrowed or be withdrawn one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Text, bindparam, cast, delete, func, insert, select, update

from km365.errors import ChangedMeanwhile, NotFound
from km365.store import rows
from km365.store.rows import Json, Prepared
from km365.store.tables import answer, interview

_BY_ID = Prepared(select(interview).where(interview.c.id == bindparam("wanted")), "wanted")
_NEWEST_FIRST = select(interview).order_by(interview.c.changed_at.desc(), interview.c.id)
_OPEN_FOR = Prepared(
    _NEWEST_FIRST.where(interview.c.person_id == bindparam("wanted"), interview.c.is_open), "wanted"
)
_ANSWERS_OF = Prepared(
    select(answer.c.question_id, answer.c.audience, answer.c.value, answer.c.answered_at)
    .where(answer.c.interview_id == bindparam("wanted"))
    .order_by(answer.c.position),
    "wanted",
)
_FORGET_ANSWERS = delete(answer).where(answer.c.interview_id == bindparam("wanted"))
_FORGET_SOME = _FORGET_ANSWERS.where(answer.c.question_id.in_(bindparam("questions", expanding=True)))
_SAVE = Prepared(
    update(interview)
    .where(interview.c.id == bindparam("wanted"), interview.c.version == bindparam("read"))
    .values(
        state=bindparam("to"),
        is_open=bindparam("open"),
        data=bindparam("kept"),
        version=bindparam("next"),
        changed_at=bindparam("at"),
        language=func.coalesce(bindparam("spoken"), interview.c.language),
    ),
    *("wanted", "read", "to", "open", "kept", "next", "at", "spoken"),
)
_ADD = Prepared(
    insert(answer), *("interview_id", "question_id", "position", "audience", "value", "answered_at")
)
"""Made once: every turn of a chat needs them."""


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """One answer. `audience` is the letter of DOMAIN (U, O, S, R, X); with X there is no `value`."""

    question_id: str
    audience: str
    value: str | None
    answered_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredInterview:
    """One interview without its answers. `data` is what the rules go on from; `version` counts the saves."""

    id: str
    key: str
    person_id: str
    bank_id: str
    subject: str
    language: str
    state: str
    is_open: bool
    data: Json
    version: int
    started_at: datetime
    changed_at: datetime


def create(
    c: Connection,
    *,
    interview_id: str,
    key: str,
    person_id: str,
    bank_id: str,
    subject: str,
    language: str,
    state: str,
    data: Json,
    at: datetime,
) -> StoredInterview:
    """The new interview, or the one that was made for the same `key` before, unchanged.

    So a person who presses "start" twice, or on two devices, has one interview.
    """
    values = {
        "id": interview_id,
        "key": key,
        "person_id": person_id,
        "bank_id": bank_id,
        "subject": subject,
        "language": language,
        "state": state,
        "is_open": True,
        "data": data,
        "version": 1,
        "started_at": at,
        "changed_at": at,
    }
    rows.insert_new(c, interview, values)
    return _interview(c.execute(select(interview).where(interview.c.key == key)).one()._mapping)


def get(c: Connection, interview_id: str) -> StoredInterview:
    """The interview; NotFound when there is none."""
    row = _BY_ID.first(c, interview_id)
    if row is None:
        raise NotFound("This interview does not exist any more; start it again from the invitation.")
    return _interview(row)


def answers(c: Connection, interview_id: str) -> list[StoredAnswer]:
    """The answers of the interview in the order they were first saved."""
    return [StoredAnswer(**row) for row in _ANSWERS_OF.named(c, interview_id)]


def save(
    c: Connection,
    interview_id: str,
    *,
    state: str,
    is_open: bool,
    data: Json,
    answers: Sequence[StoredAnswer],
    version: int,
    at: datetime,
    language: str | None = None,
    read: Sequence[StoredAnswer] | None = None,
) -> int:
    """Stores the interview with exactly these answers and returns the new version; `version` is the one read.

    Where the answers that were `read` with it are given, only what differs from them is written.
    Raises ChangedMeanwhile when another turn saved first, and then nothing is written.
    """
    if _SAVE.run(c, [(interview_id, version, state, is_open, data, version + 1, at, language)]) != 1:
        raise ChangedMeanwhile("This interview has moved on in another turn; its newest state was kept.")
    old, new = _rows(interview_id, read or ()), _rows(interview_id, answers)
    if read is None:
        c.execute(_FORGET_ANSWERS, {"wanted": interview_id})
    elif changed := [question for question, row in old.items() if new.get(question) != row]:
        c.execute(_FORGET_SOME, {"wanted": interview_id, "questions": changed})
    if fresh := [row for question, row in new.items() if old.get(question) != row]:
        _ADD.run(c, fresh)
    return version + 1


def _rows(interview_id: str, answers: Sequence[StoredAnswer]) -> dict[str, tuple[object, ...]]:
    """The answers as rows for `_ADD`, by question."""
    return {
        one.question_id: (interview_id, one.question_id, place, one.audience, one.value, one.answered_at)
        for place, one in enumerate(answers)
    }


def by_keys(c: Connection, keys: Sequence[str]) -> list[StoredInterview]:
    """The interviews that were made for these keys, in the order of their keys."""
    query = select(interview).where(interview.c.key.in_(keys)).order_by(interview.c.key)
    return [_interview(row._mapping) for row in c.execute(query)]


def known(c: Connection, interview_ids: Sequence[str]) -> list[str]:
    """Those of the ids that are interviews of ours."""
    return list(c.execute(select(interview.c.id).where(interview.c.id.in_(interview_ids))).scalars())


def open_for(c: Connection, person_id: str) -> list[StoredInterview]:
    """The person's unfinished interviews, the one touched last first."""
    return [_interview(row) for row in _OPEN_FOR.named(c, person_id)]


def list_(
    c: Connection,
    *,
    person_id: str | None = None,
    subject: str | None = None,
    bank_id: str | None = None,
    state: str | None = None,
    is_open: bool | None = None,
    limit: int = 200,
) -> list[StoredInterview]:
    """Interviews that match, the one touched last first."""
    query = _NEWEST_FIRST.limit(limit)
    wanted = {
        "person_id": person_id,
        "subject": subject,
        "bank_id": bank_id,
        "state": state,
        "is_open": is_open,
    }
    for name, value in wanted.items():
        if value is not None:
            query = query.where(interview.c[name] == value)
    return [_interview(row._mapping) for row in c.execute(query)]


def naming(c: Connection, person_id: str, *, bank_id: str) -> list[StoredInterview]:
    """The interviews whose state mentions this person, the one touched last first: who is who, it says."""
    mentions = cast(interview.c.data, Text).contains(person_id, autoescape=True)
    query = _NEWEST_FIRST.where(interview.c.bank_id == bank_id, mentions)
    return [_interview(row._mapping) for row in c.execute(query)]


def erase_answers(c: Connection, *, untouched_since: datetime) -> int:
    """Deletes the answers of interviews nobody touched since, and counts them; the interviews stay."""
    old = select(interview.c.id).where(interview.c.changed_at < untouched_since)
    return c.execute(delete(answer).where(answer.c.interview_id.in_(old))).rowcount


def _interview(row: rows.Row) -> StoredInterview:
    return StoredInterview(**row)
