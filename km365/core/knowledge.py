"""Knowledge items: innovations, lessons learned and good practices, and who may read or decide them.

An item's `maturity` says how far it has been checked; its `effect` whether anything changed because of it
(two axes, DESIGN §5). Sources: the agency's own definitions of innovation, lesson and good practice;
NATO's "a lesson is learned when something has changed"; IFRC GO, which keeps checked and raw text apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from km365.core.audience import Audience
from km365.errors import InputRefused

E = TypeVar("E", bound=StrEnum)

TITLE_MAX_LENGTH = 255
"""SharePoint's limit for the Title column."""

REVIEW_AFTER = timedelta(days=2 * 365)
"""A published item is asked about again after two years ("need continual updating", ILO-IPEC)."""


class Kind(StrEnum):
    """What sort of knowledge an item is, by the proof behind it."""

    INNOVATION = "innovation"
    LESSON = "lesson learned"
    GOOD_PRACTICE = "good practice"


class Maturity(StrEnum):
    """How far an item has come on its way from a draft to the shelf."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in review"
    RETURNED = "returned"
    VALIDATED = "validated"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


class Effect(StrEnum):
    """What has happened because of an item."""

    NOTED = "noted"
    ACTION_AGREED = "action agreed"
    CHANGED = "changed"
    CONFIRMED_ELSEWHERE = "confirmed elsewhere"


class Decision(StrEnum):
    """What a reviewer may decide."""

    ACCEPT = "accept"
    RETURN = "return"
    RETIRE = "retire"


@dataclass(frozen=True, kw_only=True)
class KnowledgeItem:
    """One item as its author wrote it; `id` is stable and never reused."""

    id: str
    kind: Kind = Kind.LESSON
    title: str
    description: str
    context: str = ""
    cause: str = ""
    advice: str = ""
    limits: str = ""
    evidence: str = ""
    polarity: str = ""
    perspective: str = ""
    office: str
    milestone: str = ""
    contributors: tuple[str, ...]
    language: str
    audience: Audience = Audience.OFFICE
    maturity: Maturity = Maturity.DRAFT
    effect: Effect = Effect.NOTED
    reason: str = ""
    review_by: date | None = None
    submitted_at: datetime | None = None


WRITTEN_FIELDS = ("title", "description", "context", "cause", "advice", "limits", "evidence")
"""The fields whose words are the author's, in the order people read them."""

_DECISIONS: Mapping[tuple[Maturity, Decision], Maturity] = {
    (Maturity.IN_REVIEW, Decision.ACCEPT): Maturity.VALIDATED,
    (Maturity.IN_REVIEW, Decision.RETURN): Maturity.RETURNED,
    (Maturity.VALIDATED, Decision.RETIRE): Maturity.RETIRED,
    (Maturity.IN_REVIEW, Decision.RETIRE): Maturity.RETIRED,
}


def submit(item: KnowledgeItem, *, at: datetime) -> KnowledgeItem:
    """The item as it goes to the focal point: in review, dated. A second submission changes nothing.

    Raises InputRefused if it has no title or says nothing, or is beyond review already.
    """
    if item.maturity is Maturity.IN_REVIEW:
        return item
    if item.maturity not in {Maturity.DRAFT, Maturity.RETURNED}:
        raise InputRefused(f"This item is {item.maturity}; only a draft or a returned item can be submitted.")
    if not item.title.strip() or not item.description.strip():
        raise InputRefused("A knowledge item needs a title and what happened before it can be submitted.")
    return replace(item, maturity=Maturity.IN_REVIEW, submitted_at=at, reason="")


def decide(
    item: KnowledgeItem, decision: Decision, *, reviewer: str, may_review: bool, reason: str, today: date
) -> KnowledgeItem:
    """The item after a reviewer's decision.

    `reviewer` is an Entra object id; `may_review` says whether they are a focal point of the item's office
    or a reviewer. Nobody decides on their own item; returning or retiring needs a reason, because the
    contributor reads it. Raises InputRefused.
    """
    if reviewer in item.contributors:
        raise InputRefused("Nobody reviews their own contribution; ask a colleague to decide.")
    if not may_review:
        raise InputRefused(
            f"A knowledge focal point of {item.office or 'its office'} or a knowledge reviewer decides on "
            "this item; `km365 settings show` names their groups."
        )
    after = _DECISIONS.get((item.maturity, decision))
    if after is None:
        raise InputRefused(f"This item is {item.maturity}; it cannot be decided ({decision}).")
    if decision is not Decision.ACCEPT and not reason.strip():
        raise InputRefused(f"To {decision} an item, give the contributor a reason (--reason).")
    review_by = today + REVIEW_AFTER if after is Maturity.VALIDATED else item.review_by
    return replace(item, maturity=after, reason=reason.strip(), review_by=review_by)


def is_decided(item: KnowledgeItem, decision: Decision, *, reason: str) -> bool:
    """Whether the item already stands where this decision, with this reason, puts it."""
    return item.maturity in {after for (_, said), after in _DECISIONS.items() if said is decision} and (
        item.reason == reason.strip()
    )


def to_fields(item: KnowledgeItem) -> dict[str, Any]:
    """The item as columns of the *Knowledge* list, tags apart (they are written as managed metadata)."""
    return {
        "Title": item.title[:TITLE_MAX_LENGTH],
        "KMId": item.id,
        "KMKind": item.kind.value,
        "KMPolarity": item.polarity or None,
        "KMPerspective": item.perspective or None,
        "KMDescription": item.description,
        "KMContext": item.context,
        "KMCause": item.cause,
        "KMAdvice": item.advice,
        "KMLimits": item.limits,
        "KMEvidence": item.evidence,
        "KMOffice": item.office,
        "KMMilestone": item.milestone,
        "KMContributors": ";".join(item.contributors),
        "KMAudience": item.audience.value,
        "KMMaturity": item.maturity.value,
        "KMEffect": item.effect.value,
        "KMReason": item.reason,
        "KMReviewBy": item.review_by.isoformat() if item.review_by else None,
        "KMLanguage": item.language,
        "KMSubmittedAt": item.submitted_at.isoformat() if item.submitted_at else None,
    }


def from_fields(fields: Mapping[str, Any]) -> KnowledgeItem:
    """The item that a row of the *Knowledge* list holds.

    People edit lists by hand: an empty or odd choice falls back to the careful value (draft, own office).
    """
    return KnowledgeItem(
        id=str(fields.get("KMId") or ""),
        kind=_choice(Kind, fields.get("KMKind"), Kind.LESSON),
        title=str(fields.get("Title") or ""),
        description=str(fields.get("KMDescription") or ""),
        context=str(fields.get("KMContext") or ""),
        cause=str(fields.get("KMCause") or ""),
        advice=str(fields.get("KMAdvice") or ""),
        limits=str(fields.get("KMLimits") or ""),
        evidence=str(fields.get("KMEvidence") or ""),
        polarity=str(fields.get("KMPolarity") or ""),
        perspective=str(fields.get("KMPerspective") or ""),
        office=str(fields.get("KMOffice") or ""),
        milestone=str(fields.get("KMMilestone") or ""),
        contributors=tuple(p for p in str(fields.get("KMContributors") or "").split(";") if p),
        language=str(fields.get("KMLanguage") or "en"),
        audience=_choice(Audience, fields.get("KMAudience"), Audience.OFFICE),
        maturity=_choice(Maturity, fields.get("KMMaturity"), Maturity.DRAFT),
        effect=_choice(Effect, fields.get("KMEffect"), Effect.NOTED),
        reason=str(fields.get("KMReason") or ""),
        review_by=_day(fields.get("KMReviewBy")),
        submitted_at=_moment(fields.get("KMSubmittedAt")),
    )


def _choice(kind: type[E], value: Any, otherwise: E) -> E:
    try:
        return kind(str(value))
    except ValueError:
        return otherwise


def _day(value: Any) -> date | None:
    moment = _moment(value)
    return moment.date() if moment else None


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
