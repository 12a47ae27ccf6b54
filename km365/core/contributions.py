"""What somebody contributed: where it stands, and what its author may do with it alone.

Until others build on it, it is the author's (DOMAIN (c), consent): they change it until it is accepted, and
narrow or take it back until it is published. After that, and where others wrote it too, a focal point is
asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from km365.core.audience import Audience
from km365.core.drafting import knowledge_item
from km365.core.interviews import KNOWLEDGE, Interview, InterviewState
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, Maturity, rewritten
from km365.core.questions import Bank, BankKind


class WishKind(StrEnum):
    """What an author may want done with a contribution."""

    CHANGE = "change"
    WITHDRAW = "withdraw"
    NARROW = "narrow"
    """Colleagues of the office read it, and nobody else."""


class WishState(StrEnum):
    """How far a wish has come."""

    DOING = "doing"  # being carried out; a job goes on until it is done
    ASKING = "asking"  # it is for a focal point, who is about to be told
    ASKED = "asked"  # with the focal point
    DONE = "done"
    DECLINED = "declined"  # by the focal point, with a reason


OPEN_WISHES = frozenset({WishState.DOING, WishState.ASKING, WishState.ASKED})


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One wish about one contribution; there is one of a kind for each. `words` say what is to be changed."""

    item_id: str
    kind: WishKind
    person_id: str
    interview_id: str
    """Empty where the item did not come of an interview of ours."""
    office: str
    language: str
    state: WishState
    asked_at: datetime
    changed_at: datetime
    words: str = ""
    reason: str = ""
    """Why a focal point declined it."""


class Standing(StrEnum):
    """Where a contribution stands, as its author is told."""

    UNSENT = "unsent"
    SENDING = "sending"
    HANDED_IN = "handed_in"
    """For a group that was asked together, whose summary is not posted yet."""
    WAITING = "waiting"
    """For a check."""
    RETURNED = "returned"
    VALIDATED = "validated"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    RETIRED = "retired"
    FILED = "filed"
    """A handover note that its readers have."""
    TOLD = "told"
    """Said to a group that was asked together; only the summary was passed on."""
    ABSENT = "absent"
    """Sent, and not in the list any more."""
    UNKNOWN = "unknown"
    """Microsoft 365 does not answer."""


class Course(StrEnum):
    """What a wish comes to."""

    NOW = "now"  # it is done at once
    ASK = "ask"  # a focal point is asked
    NO = "no"  # there is nothing to do, or it cannot be said now


_STANDINGS: Mapping[Maturity, Standing] = {
    Maturity.DRAFT: Standing.WAITING,
    Maturity.SUBMITTED: Standing.WAITING,
    Maturity.IN_REVIEW: Standing.WAITING,
    Maturity.RETURNED: Standing.RETURNED,
    Maturity.VALIDATED: Standing.VALIDATED,
    Maturity.PUBLISHED: Standing.PUBLISHED,
    Maturity.SUPERSEDED: Standing.SUPERSEDED,
    Maturity.RETIRED: Standing.RETIRED,
}

IN_OUR_HANDS = frozenset({Standing.UNSENT, Standing.HANDED_IN, Standing.ABSENT, Standing.TOLD})
"""Where nobody but us holds the answers: taken back, they are gone at once."""
_BEFORE_ACCEPTED = frozenset({Standing.WAITING, Standing.RETURNED})
_PUBLISHED = frozenset({Standing.PUBLISHED, Standing.SUPERSEDED})


def standing_of(item: KnowledgeItem) -> Standing:
    """Where an item of the list stands."""
    return _STANDINGS[item.maturity]


def course(
    standing: Standing, kind: WishKind, *, alone: bool = True, for_everyone: bool = False, words: bool = True
) -> Course:
    """What becomes of an author's wish.

    `alone` says that nobody else wrote it, `for_everyone` that everyone in the organisation reads it, `words`
    that we still hold the answers it was made of.
    """
    if standing in {Standing.SENDING, Standing.UNKNOWN}:
        return Course.NO
    if standing in IN_OUR_HANDS:
        ours = kind is WishKind.WITHDRAW or (kind is WishKind.CHANGE and standing is Standing.UNSENT)
        return Course.NOW if ours and words else Course.NO
    if standing is Standing.FILED:
        rewrites = kind is WishKind.CHANGE and words
        return Course.NOW if rewrites else Course.ASK
    return _course_of_item(standing, kind, alone=alone, for_everyone=for_everyone, words=words)


def _course_of_item(
    standing: Standing, kind: WishKind, *, alone: bool, for_everyone: bool, words: bool
) -> Course:
    if kind is WishKind.NARROW and not for_everyone:
        return Course.NO
    if kind is WishKind.CHANGE and standing is Standing.RETIRED:
        return Course.NO
    if kind is WishKind.CHANGE:
        return Course.NOW if standing in _BEFORE_ACCEPTED and alone and words else Course.ASK
    return Course.NOW if alone and standing not in _PUBLISHED else Course.ASK


def reopened(interview: Interview, bank: Bank, item: KnowledgeItem | None) -> Interview:
    """The interview with its draft open again, as it is read now.

    What was corrected in the list since is in the draft, and what was narrowed there stays narrow.
    """
    if interview.state is InterviewState.FINISHED:
        interview = replace(interview, state=InterviewState.DRAFT)
    if item is None:
        return interview
    if item.audience is not Audience.EVERYONE:
        interview = narrowed(interview, bank, Audience.OFFICE)
    if bank.kind is not BankKind.REFLECTION:
        return interview
    for _ in range(2):  # a title that nobody wrote is made of other words, which may just have changed
        draft = knowledge_item(interview, bank)
        words = {
            name: str(getattr(item, name))
            for name in WRITTEN_FIELDS
            if str(getattr(item, name)).strip() != str(getattr(draft, name)).strip()
        }
        interview = replace(interview, edits={**interview.edits, **words})
    return interview


def narrowed(interview: Interview, bank: Bank, to: Audience) -> Interview:
    """The interview whose answers that make the item are read by `to` at most; nobody gets to read more."""
    feeding = {
        question.id
        for question in bank.questions
        if any(target.startswith(KNOWLEDGE) for target in question.becomes)
    }
    wider = {Audience.EVERYONE} if to is Audience.OFFICE else {Audience.EVERYONE, Audience.OFFICE}
    answers = tuple(
        replace(answer, audience=to) if answer.question in feeding and answer.audience in wider else answer
        for answer in interview.answers
    )
    return replace(interview, answers=answers)


def forgotten(interview: Interview) -> Interview:
    """The interview taken back: nothing of what was said is left in it."""
    return replace(
        interview,
        state=InterviewState.WITHDRAWN,
        answers=(),
        audiences={},
        named=(),
        edits={},
        lessons={},
        revisiting="",
        probing="",
        confirming=None,
        sitting=0,
        consented_at=None,
        wake_at=None,
        sent_at=None,
        begun_at=None,
        link="",
    )


def blanked(item: KnowledgeItem) -> KnowledgeItem:
    """The item without its author's words."""
    empty = dict.fromkeys(WRITTEN_FIELDS, "") | {"title": item.id, "reason": "", "proof": "", "own_words": ""}
    without = replace(item, project="", links=(), action="", sources="", maturity=Maturity.RETIRED)
    return rewritten(without, empty)


def difference(before: KnowledgeItem, after: KnowledgeItem) -> str:
    """The words of `after` that `before` does not have, field by field."""
    changed = (
        str(getattr(after, name))
        for name in WRITTEN_FIELDS
        if str(getattr(after, name)).strip() != str(getattr(before, name)).strip()
    )
    return "\n\n".join(text for text in changed if text.strip())
