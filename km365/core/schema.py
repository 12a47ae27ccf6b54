"""The SharePoint lists, libraries and columns that km365 keeps its records in, as data.

`km365 provision` creates them; services read and write them by the internal names given here and
nowhere else. Internal names are prefixed `KM` so that they cannot meet a column an office made itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ColumnKind(StrEnum):
    """The kinds of column km365 needs, by the name Graph's `columnDefinition` gives them."""

    TEXT = "text"
    """One line, at most 255 characters."""
    NOTE = "note"
    """Plain text over several lines."""
    CHOICE = "choice"
    DATE = "date"
    MOMENT = "moment"
    NUMBER = "number"
    TERMS = "terms"
    """Managed metadata; `term_set` names the facet."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: `name` is internal and never changes, `title` is what people see."""

    name: str
    title: str
    kind: ColumnKind = ColumnKind.TEXT
    indexed: bool = False
    choices: tuple[str, ...] = ()
    term_set: str | None = None
    multiple: bool = False
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class ListSpec:
    """One list or library. `template` is Graph's: `genericList` or `documentLibrary`."""

    title: str
    description: str
    content_type: str
    columns: tuple[Column, ...]
    template: str = "genericList"
    restricted: bool = False
    """Not for everybody on the site; who may read it is set in SharePoint (`docs/operations.md`)."""


KINDS = ("innovation", "lesson learned", "good practice")
PERSPECTIVES = ("operational", "programmatic", "partnership", "programme management")
AUDIENCES = ("U", "O", "S", "R")
MATURITIES = (
    "draft",
    "submitted",
    "in review",
    "returned",
    "validated",
    "published",
    "superseded",
    "retired",
)
REACHES = ("internal", "partners", "public")
EFFECTS = ("noted", "action agreed", "changed", "confirmed elsewhere")
MILESTONE_KINDS = (
    "situation analysis",
    "strategy note",
    "country programme document",
    "annual work plan",
    "mid-term review",
    "end-year review",
    "evaluation",
    "moment of reflection",
    "emergency review",
    "partnership review",
    "closure",
)
DEPARTURE_KINDS = ("rotation", "retirement", "end of contract", "resignation")


def _terms(name: str, title: str, term_set: str, *, multiple: bool = True) -> Column:
    return Column(name=name, title=title, kind=ColumnKind.TERMS, term_set=term_set, multiple=multiple)


TAG_COLUMNS: tuple[Column, ...] = (
    _terms("KMGoalArea", "Goal area", "goal-area"),
    _terms("KMTopic", "Topic", "topic"),
    _terms("KMCrossCutting", "Cross-cutting issue", "cross-cutting"),
    _terms("KMIntervention", "Intervention", "intervention"),
    _terms("KMProgrammeStep", "Programme-cycle step", "programme-step"),
    _terms("KMDocumentType", "Document type", "document-type", multiple=False),
    _terms("KMPartnerType", "Partner type", "partner-type"),
    _terms("KMKnowledgeTheme", "Knowledge theme", "knowledge-theme"),
)
"""Managed-metadata columns on *Knowledge* and on every document library that km365 tags."""

LESSON_TAG_COLUMNS: tuple[Column, ...] = (
    *TAG_COLUMNS,
    _terms("KMContribution", "Partnership contribution", "partnership-contribution"),
    _terms("KMPartneringStep", "Partnering step", "partnering-step"),
    _terms("KMPartnershipTheme", "Partnership lesson theme", "partnership-lesson-theme"),
    _terms("KMChildLabour", "Child-labour type", "child-labour"),
    _terms("KMEmergencyType", "Emergency type", "emergency-type"),
)
"""Those of *Knowledge* alone behind them: by these people look for lessons, seldom for documents."""

KNOWLEDGE = ListSpec(
    title="Knowledge",
    description="Innovations, lessons learned and good practices",
    content_type="Knowledge item",
    columns=(
        Column(name="KMId", title="Record id", indexed=True, description="Stable id; never reused"),
        Column(name="KMKind", title="Kind", kind=ColumnKind.CHOICE, choices=KINDS, indexed=True),
        Column(
            name="KMPolarity",
            title="Polarity",
            kind=ColumnKind.CHOICE,
            choices=("positive", "negative", "mixed"),
        ),
        Column(name="KMPerspective", title="Perspective", kind=ColumnKind.CHOICE, choices=PERSPECTIVES),
        Column(name="KMDescription", title="What happened", kind=ColumnKind.NOTE),
        Column(name="KMContext", title="Context", kind=ColumnKind.NOTE),
        Column(name="KMBeneficiaries", title="Whom it was for", kind=ColumnKind.NOTE),
        Column(name="KMApproach", title="How it was done", kind=ColumnKind.NOTE),
        Column(name="KMCause", title="Why it happened", kind=ColumnKind.NOTE),
        Column(name="KMResults", title="Results", kind=ColumnKind.NOTE),
        Column(name="KMAdvice", title="Advice to others", kind=ColumnKind.NOTE),
        Column(name="KMLimits", title="When it would not hold", kind=ColumnKind.NOTE),
        Column(name="KMApplication", title="Where else it could be used", kind=ColumnKind.NOTE),
        Column(name="KMNextSteps", title="Next steps", kind=ColumnKind.NOTE),
        Column(name="KMEvidence", title="Evidence", kind=ColumnKind.NOTE),
        Column(name="KMProject", title="Project", description="Project or programme it comes from, by name"),
        Column(name="KMFormat", title="Format", kind=ColumnKind.CHOICE, choices=("case study",)),
        Column(name="KMOffice", title="Office", indexed=True),
        Column(name="KMMilestone", title="Milestone", indexed=True),
        Column(name="KMContributors", title="Contributors", description="Entra object ids, separated by ;"),
        Column(name="KMAudience", title="Audience", kind=ColumnKind.CHOICE, choices=AUDIENCES, indexed=True),
        Column(name="KMMaturity", title="Maturity", kind=ColumnKind.CHOICE, choices=MATURITIES, indexed=True),
        Column(name="KMEffect", title="Effect", kind=ColumnKind.CHOICE, choices=EFFECTS),
        Column(name="KMReason", title="Last decision's reason", kind=ColumnKind.NOTE),
        Column(name="KMReviewBy", title="Review by", kind=ColumnKind.DATE, indexed=True),
        Column(
            name="KMConfirmedOn",
            title="Last confirmed",
            kind=ColumnKind.DATE,
            description="When somebody last said that it is still true, or that they acted on it",
        ),
        Column(
            name="KMConfirmedBy",
            title="Offices that confirm it",
            kind=ColumnKind.NUMBER,
            description="In how many offices somebody said so; km365 writes it",
        ),
        Column(
            name="KMUsed",
            title="Used by so many colleagues",
            kind=ColumnKind.NUMBER,
            description="How many said that it was of use to them; km365 writes it",
        ),
        Column(name="KMLanguage", title="Language"),
        Column(name="KMSubmittedAt", title="Submitted", kind=ColumnKind.MOMENT, indexed=True),
        Column(name="KMValidatedBy", title="Validated by", description="Entra object ids, separated by ;"),
        Column(name="KMConsent", title="Contributors allow", kind=ColumnKind.CHOICE, choices=REACHES),
        Column(name="KMPublishedTo", title="Published for", kind=ColumnKind.CHOICE, choices=REACHES),
        Column(name="KMSupersededBy", title="Superseded by", description="Record id of what took its place"),
        Column(name="KMProof", title="What changed", kind=ColumnKind.NOTE, description="A link to it"),
        Column(
            name="KMOwnWords",
            title="In the author's words",
            kind=ColumnKind.NOTE,
            description="What its contributors wrote, where somebody edited it; km365 writes it once",
        ),
        Column(
            name="KMLinks",
            title="Links",
            kind=ColumnKind.NOTE,
            description="What it says of other items, one a line: “contradicts KM-8f3a: why”, or confirms, "
            "nuances, derived from",
        ),
        Column(name="KMAction", title="Action agreed", kind=ColumnKind.NOTE),
        Column(
            name="KMActionOwner",
            title="Action owner",
            indexed=True,
            description="Entra object id of who does it",
        ),
        Column(name="KMActionDue", title="Action due", kind=ColumnKind.DATE, indexed=True),
        Column(
            name="KMSources",
            title="Sources",
            kind=ColumnKind.NOTE,
            description="Where its sentences stand word for word, one a line: “advice 2: KM-8f3a”",
        ),
        *LESSON_TAG_COLUMNS,
    ),
)

MILESTONES = ListSpec(
    title="Milestones",
    description="Programme milestones at which staff are asked what they learned",
    content_type="Milestone",
    columns=(
        Column(name="KMKind", title="Kind", kind=ColumnKind.CHOICE, choices=MILESTONE_KINDS, indexed=True),
        Column(name="KMOffice", title="Office", indexed=True),
        Column(name="KMProgramme", title="Programme"),
        Column(name="KMDate", title="Date", kind=ColumnKind.DATE, indexed=True),
        Column(
            name="KMAsked",
            title="Who is asked",
            kind=ColumnKind.NOTE,
            description="Sign-in names or rules such as “section: WASH”, one a line; empty: the whole office",
        ),
        Column(
            name="KMState",
            title="State",
            kind=ColumnKind.CHOICE,
            choices=("planned", "open", "closed", "cancelled"),
            indexed=True,
        ),
        Column(
            name="KMKey",
            title="Key",
            indexed=True,
            description="What an imported sheet calls it, so that it is known again",
        ),
    ),
)

DEPARTURES = ListSpec(
    title="Departures",
    description="Colleagues who leave a post, and who follows them",
    content_type="Departure",
    columns=(
        Column(name="KMPerson", title="Person", indexed=True, description="Entra object id or sign-in name"),
        Column(name="KMPost", title="Post"),
        Column(name="KMOffice", title="Office", indexed=True),
        Column(name="KMKind", title="Kind", kind=ColumnKind.CHOICE, choices=DEPARTURE_KINDS),
        Column(name="KMLastDay", title="Last day", kind=ColumnKind.DATE, indexed=True),
        Column(name="KMSuccessor", title="Successor", description="Entra object id or sign-in name"),
        Column(name="KMSupervisor", title="Supervisor", description="Entra object id or sign-in name"),
        Column(
            name="KMState",
            title="State",
            kind=ColumnKind.CHOICE,
            choices=("planned", "invited", "in interview", "note filed", "declined", "cancelled"),
            indexed=True,
        ),
        Column(
            name="KMKey",
            title="Key",
            indexed=True,
            description="What an HR file calls it, so that it is known again",
        ),
        Column(
            name="KMFileSays",
            title="HR file says",
            description="The last day in the HR file imported last, or “cancelled”; km365 writes it",
        ),
    ),
)

HANDOVER_NOTES = ListSpec(
    title="Handover notes",
    description="Handover notes, for the successor and the supervisor",
    content_type="Handover note",
    template="documentLibrary",
    restricted=True,
    columns=(
        Column(name="KMPerson", title="Written by", indexed=True, description="Entra object id"),
        Column(
            name="KMToldBy",
            title="Told by",
            description="“colleagues” where they told it because the person had left; else empty",
        ),
        Column(
            name="KMInterview",
            title="Interview",
            description="Id of the interview that it is from; filed anew it stays the same file",
        ),
        Column(name="KMPost", title="Post"),
        Column(name="KMOffice", title="Office", indexed=True),
        Column(name="KMSuccessor", title="Successor", indexed=True, description="Entra object id"),
        Column(name="KMSupervisor", title="Supervisor", indexed=True, description="Entra object id"),
        Column(name="KMLastDay", title="Last day", kind=ColumnKind.DATE),
        Column(name="KMLanguage", title="Language"),
        Column(name="KMFiledOn", title="Filed", kind=ColumnKind.MOMENT),
        Column(
            name="KMAcknowledgedOn",
            title="Acknowledged",
            kind=ColumnKind.MOMENT,
            description="When the supervisor said that they have read it; no clearance of what it says",
        ),
        Column(name="KMAcknowledgedBy", title="Acknowledged by", description="Entra object id"),
        Column(
            name="KMReceivedOn",
            title="Received",
            kind=ColumnKind.MOMENT,
            description="Since when it is the successor's to read",
        ),
        Column(
            name="KMReadOn",
            title="Read",
            kind=ColumnKind.MOMENT,
            description="When the successor said that they have read it",
        ),
    ),
)

LISTS: Mapping[str, ListSpec] = {
    spec.title: spec for spec in (KNOWLEDGE, MILESTONES, DEPARTURES, HANDOVER_NOTES)
}
"""Every list and library on the knowledge site, by title."""

OFFICE_LIBRARY = "Documents"
"""The library of every office site that receives `TAG_COLUMNS`."""

TERM_GROUP = "km365"
"""The term-store group that holds km365's term sets, one per facet."""
