"""Private numbers and addresses of others: left out of an answer, and put back once they have agreed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from km365.core.answering import TALKING
from km365.core.interviews import MAX_ANSWER_LENGTH, Interview
from km365.errors import NotFound
from km365.services import interview as service
from km365.store.database import Connection


def put_back(
    c: Connection, interview_id: str, person_id: str, wholes: Mapping[str, tuple[str, str]], *, at: datetime
) -> bool:
    """Puts back what was left out of answers, by question: what was kept, and the whole.

    False, and nothing changed, where what was kept stands there no more, or the interview has been sent.
    Safe to repeat. Raises ChangedMeanwhile.
    """
    try:
        before = service.load(c, interview_id)
    except NotFound:
        return False
    if before.person_id != person_id or before.state not in TALKING:
        return False
    after: Interview | None = before
    for question, (kept, whole) in wholes.items():
        after = after and _with(after, question, kept, whole)
    if after is None:
        return False
    if after != before:
        service.keep(c, replace(after, changed_at=at))
    return True


def _with(interview: Interview, question: str, kept: str, whole: str) -> Interview | None:
    """The interview with the whole in the place of what was kept; None where that stands nowhere."""
    answer, edit = interview.answer(question), interview.edits.get(question)
    said = edit if edit is not None else answer.text if answer else ""
    if whole in said:
        return interview
    new = said.replace(kept, whole, 1)
    if not kept or kept not in said or len(new) > MAX_ANSWER_LENGTH:
        return None
    if edit is not None:
        return replace(interview, edits={**interview.edits, question: new})
    answers = tuple(replace(one, text=new) if one.question == question else one for one in interview.answers)
    return replace(interview, answers=answers)
