"""Knowledge items: innovations, lessons learned and good practices, and who may read or decide them.

An item's `maturity` says how far it has been checked; its `effect` whether anything changed because of it
(two axes, DESIGN §5); the moves between them are in `core.moves`. Sources: the agency's own definitions of
innovation, lesson and good practice; NATO's "a lesson is learned when something has changed"; IFRC GO, which
keeps checked and raw text apart.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
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


class Format(StrEnum):
    """In which form an item is told, where it is not the short one; an item of any kind can have it."""

    CASE_STUDY = "case study"


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


class Reach(StrEnum):
    """How far an item is published, from the narrowest."""

    INTERNAL = "internal"
    """Those whom its audience says: everyone in the organisation, or the office."""
    PARTNERS = "partners"
    PUBLIC = "public"

    def covers(self, other: "Reach") -> bool:
        """Whether what may go this far may go as far as `other`."""
        reaches = list(Reach)
        return reaches.index(self) >= reaches.index(other)


class Relation(StrEnum):
    """What an item says of another."""

    CONFIRMS = "confirms"
    NUANCES = "nuances"
    CONTRADICTS = "contradicts"
    """The link's words name what is different in the context."""
    DERIVED_FROM = "derived from"


@dataclass(frozen=True, kw_only=True)
class Link:
    """What an item says of the item `to`, in a sentence of its contributors or none."""

    relation: Relation
    to: str
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class KnowledgeItem:
    """One item as its author wrote it; `id` is stable and never reused."""

    id: str
    kind: Kind = Kind.LESSON
    title: str
    description: str
    context: str = ""
    beneficiaries: str = ""
    approach: str = ""
    cause: str = ""
    results: str = ""
    advice: str = ""
    limits: str = ""
    application: str = ""
    next_steps: str = ""
    evidence: str = ""
    project: str = ""
    """The project or programme it comes from, by name."""
    format: Format | None = None
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
    validated_by: tuple[str, ...] = ()
    """Who has found it sound, as Entra object ids."""
    consent: Reach = Reach.INTERNAL
    """How far its contributors allow it to be published."""
    published_to: Reach | None = None
    superseded_by: str = ""
    """The id of the item that took its place."""
    proof: str = ""
    """Where one sees what changed because of it."""
    own_words: str = ""
    """What its contributors wrote, where somebody edited it (`core.own_words`)."""
    links: tuple[Link, ...] = ()
    action: str = ""
    """What was agreed to be done because of it."""
    action_owner: str = ""
    """Who does that, as an Entra object id; "" while it is nobody's."""
    action_due: date | None = None
    sources: str = ""
    """Where each of its sentences stands word for word, where it was drafted of others (`core.promotion`)."""


WRITTEN_FIELDS = (
    "title",
    "description",
    "context",
    "beneficiaries",
    "approach",
    "cause",
    "results",
    "advice",
    "limits",
    "application",
    "next_steps",
    "evidence",
)
"""The fields whose words are the author's, in the order people read them; which a kind has, its form says."""


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
    return replace(item, maturity=Maturity.IN_REVIEW, submitted_at=at, reason="", validated_by=())


def unconfirmed_since(item: KnowledgeItem, today: date) -> date | None:
    """The day by which an item on the shelf was to be confirmed, where nobody has; else None.

    A confirmation moves that day on (`core.still_true`).
    """
    on_shelf = item.maturity in {Maturity.VALIDATED, Maturity.PUBLISHED}
    return item.review_by if on_shelf and item.review_by and item.review_by < today else None


def rewritten(item: KnowledgeItem, words: Mapping[str, str]) -> KnowledgeItem:
    """The item with these texts, by the names of its fields."""
    return replace(item, **words)  # type: ignore[arg-type] # the fields named are all texts


def words_mark(item: KnowledgeItem) -> str:
    """What tells whether the author's words are others; a field that is empty says nothing."""
    words = {name: " ".join(str(getattr(item, name)).split()) for name in WRITTEN_FIELDS}
    said = "\x1f".join([item.kind, *(f"{name}:{text}" for name, text in words.items() if text)])
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


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
        "KMBeneficiaries": item.beneficiaries,
        "KMApproach": item.approach,
        "KMCause": item.cause,
        "KMResults": item.results,
        "KMAdvice": item.advice,
        "KMLimits": item.limits,
        "KMApplication": item.application,
        "KMNextSteps": item.next_steps,
        "KMEvidence": item.evidence,
        "KMProject": item.project,
        "KMFormat": item.format.value if item.format else None,
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
        "KMValidatedBy": ";".join(item.validated_by),
        "KMConsent": item.consent.value,
        "KMPublishedTo": item.published_to.value if item.published_to else None,
        "KMSupersededBy": item.superseded_by,
        "KMProof": item.proof,
        "KMOwnWords": item.own_words,
        "KMLinks": and_links("", item.links),
        "KMAction": item.action,
        "KMActionOwner": item.action_owner,
        "KMActionDue": item.action_due.isoformat() if item.action_due else None,
        "KMSources": item.sources,
    }


def from_fields(fields: Mapping[str, Any]) -> KnowledgeItem:
    """The item that a row of the *Knowledge* list holds.

    People edit lists by hand: an empty or odd choice falls back to the careful value (draft, own office).
    """
    reach = fields.get("KMPublishedTo")
    return KnowledgeItem(
        id=str(fields.get("KMId") or ""),
        kind=_choice(Kind, fields.get("KMKind"), Kind.LESSON),
        title=str(fields.get("Title") or ""),
        description=str(fields.get("KMDescription") or ""),
        context=str(fields.get("KMContext") or ""),
        beneficiaries=str(fields.get("KMBeneficiaries") or ""),
        approach=str(fields.get("KMApproach") or ""),
        cause=str(fields.get("KMCause") or ""),
        results=str(fields.get("KMResults") or ""),
        advice=str(fields.get("KMAdvice") or ""),
        limits=str(fields.get("KMLimits") or ""),
        application=str(fields.get("KMApplication") or ""),
        next_steps=str(fields.get("KMNextSteps") or ""),
        evidence=str(fields.get("KMEvidence") or ""),
        project=str(fields.get("KMProject") or ""),
        format=Format.CASE_STUDY if fields.get("KMFormat") == Format.CASE_STUDY else None,
        polarity=str(fields.get("KMPolarity") or ""),
        perspective=str(fields.get("KMPerspective") or ""),
        office=str(fields.get("KMOffice") or ""),
        milestone=str(fields.get("KMMilestone") or ""),
        contributors=_ids(fields.get("KMContributors")),
        language=str(fields.get("KMLanguage") or "en"),
        audience=_choice(Audience, fields.get("KMAudience"), Audience.OFFICE),
        maturity=_choice(Maturity, fields.get("KMMaturity"), Maturity.DRAFT),
        effect=_choice(Effect, fields.get("KMEffect"), Effect.NOTED),
        reason=str(fields.get("KMReason") or ""),
        review_by=_day(fields.get("KMReviewBy")),
        submitted_at=_moment(fields.get("KMSubmittedAt")),
        validated_by=_ids(fields.get("KMValidatedBy")),
        consent=_choice(Reach, fields.get("KMConsent"), Reach.INTERNAL),
        published_to=_choice(Reach, reach, Reach.INTERNAL)
        if (reach := fields.get("KMPublishedTo"))
        else None,
        superseded_by=str(fields.get("KMSupersededBy") or ""),
        proof=str(fields.get("KMProof") or ""),
        own_words=str(fields.get("KMOwnWords") or ""),
        links=links_in(str(fields.get("KMLinks") or "")),
        action=str(fields.get("KMAction") or ""),
        action_owner=str(fields.get("KMActionOwner") or ""),
        action_due=_day(fields.get("KMActionDue")),
        sources=str(fields.get("KMSources") or ""),
    )


_LINK = re.compile(
    rf"[\s•*-]*({'|'.join(Relation)})\s+(KM-[\w-]*\w)(?:\s*[:：]|\s|$)(.*)", re.IGNORECASE | re.ASCII
)


def links_in(column: str) -> tuple[Link, ...]:
    """The links that the column *Links* holds, one a line; a line that is none is passed over."""
    found = (_LINK.fullmatch(line) for line in column.splitlines())
    return tuple(
        Link(relation=Relation(one[1].lower()), to=one[2], words=_in_one_line(one[3])) for one in found if one
    )


def and_links(column: str, links: Iterable[Link]) -> str:
    """The column *Links* with those `links` that it does not hold yet; what people wrote into it stays."""
    there = links_in(column)
    lines = [_line(one) for one in links if replace(one, words=_in_one_line(one.words)) not in there]
    return "\n".join([one for one in (column.rstrip(), *lines) if one]) if lines else column


def _line(link: Link) -> str:
    words = _in_one_line(link.words)
    return f"{link.relation} {link.to}: {words}" if words else f"{link.relation} {link.to}"


def _in_one_line(words: str) -> str:
    return " ".join(words.split())


def _ids(value: Any) -> tuple[str, ...]:
    return tuple(one for one in str(value or "").split(";") if one)


def _choice(kind: type[E], value: Any, otherwise: E) -> E:
    try:
        return kind(str(value))
    except ValueError:
        return otherwise


def _day(value: Any) -> date | None:
    """The day of the nearest midnight: SharePoint keeps that of the site, and tells it in UTC."""
    moment = _moment(value)
    if moment is None or moment.tzinfo is None:
        return moment.date() if moment else None
    return (moment.astimezone(UTC) + timedelta(hours=12)).date()


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
