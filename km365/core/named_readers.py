"""Named readers of a handover: who, beside its author, reads the answers that nobody else may read.

One set for the interview, by directory id. Naming somebody widens answers that are there, so that it needs a
second yes; taking somebody away needs none. They read once the note is filed, and what was sent with it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from km365.core.answering import TALKING
from km365.core.audience import Audience, Circle, Reader, may_read
from km365.core.departures import BANK
from km365.core.interviews import Answer, Confirm, ConfirmKind, Interview, InterviewState
from km365.core.notes import After, Note
from km365.core.questions import Bank
from km365.core.said import Said

MOST = 5
"""So many readers are named at most."""
_SENT = frozenset({InterviewState.SENDING, InterviewState.FINISHED})


def name_readers(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """The named readers are `said.readers` from now on, all of them and nobody else.

    Once the note was sent they can only become fewer, until it is opened again.
    """
    wanted = tuple(dict.fromkeys(one for one in said.readers if one != interview.person_id))[:MOST]
    new = set(wanted) - set(interview.named)
    if bank.id != BANK or interview.state not in (TALKING if new else TALKING | _SENT):
        return interview, (Note.NOT_NOW,)
    if new and for_named(interview):
        return replace(interview, confirming=Confirm(kind=ConfirmKind.NAME, readers=wanted)), ()
    return named(interview, wanted)


def named(interview: Interview, readers: Sequence[str]) -> After:
    """The interview with these named readers."""
    note = Note.READERS_NAMED if readers else Note.READERS_TAKEN_AWAY
    return replace(interview, named=tuple(readers)), (note,)


def for_named(interview: Interview) -> tuple[Answer, ...]:
    """The answers that named readers read, with words, in the order in which they were given."""
    return tuple(one for one in interview.answers if one.audience is Audience.NAMED and one.text)


def mentioned(interview: Interview) -> tuple[str, ...]:
    """Who is named, or would be after a yes that is waited for, by id."""
    waiting = interview.confirming.readers if interview.confirming else ()
    return tuple(dict.fromkeys((*interview.named, *waiting)))


def left_for(interview: Interview, reader: Reader) -> tuple[Answer, ...]:
    """What this reader may read of it now: nothing before it is filed, nor what was said since."""
    if not _is_for(interview, reader) or interview.sent_at is None:
        return ()
    return tuple(one for one in for_named(interview) if one.at <= interview.sent_at)


def has_expired(interview: Interview, reader: Reader) -> bool:
    """Whether something was left for this reader whose words are not kept any more."""
    gone = any(
        one.audience is Audience.NAMED and not one.skipped and not one.text for one in interview.answers
    )
    return gone and _is_for(interview, reader)


def _is_for(interview: Interview, reader: Reader) -> bool:
    """Whether it is filed, and this is one of its named readers; what is its author's own is not left."""
    circle = Circle(
        authors=frozenset({interview.person_id}),
        office=interview.office,
        named=frozenset(interview.named),
    )
    filed = interview.state is InterviewState.FINISHED and reader.person_id not in circle.authors
    return filed and may_read(Audience.NAMED, reader, circle)
