"""A small plan and its taxonomy, for the tests of both faces."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from km365.core.tag_plan import Addition, ColumnChange, Library, Plan, Reason, Refused, Row, Tag
from km365.core.taxonomy import Concept, Rule, Status, Taxonomy, TermSet
from km365.core.taxonomy import Mode as TermMode


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def concept(name: str, number: int, **more: Any) -> Concept:
    return Concept(id=f"topic/{name}", labels={"en": name, "fr": f"{name}-fr"}, term_id=guid(number), **more)


TOPICS = TermSet(
    key="topic",
    names={"en": "Topic"},
    column="KMTopic",
    rule=Rule(at_most=3),
    concepts=(
        concept("Water", 1, synonyms={"en": ("supply",)}),
        concept("Health", 2),
        concept("Schools", 3),
        concept("Old water", 4, status=Status.DEPRECATED, replaced_by="topic/Water"),
        Concept(id="topic/Roads", labels={"en": "Roads"}),
        concept("Trade", 5, synonyms={"en": ("logistics", "supply")}),
        concept("Ours", 6, mode=TermMode.NEVER),
    ),
)
KINDS = TermSet(
    key="document-type",
    names={"en": "Document type"},
    column="KMDocumentType",
    concepts=(
        Concept(id="type/report", labels={"en": "Report"}, term_id=guid(20)),
        Concept(id="type/plan", labels={"en": "Plan"}, term_id=guid(21)),
    ),
)
TAXONOMY = Taxonomy(term_sets=(TOPICS, KINDS))
WATER = Addition(
    tag=Tag(term_id=guid(1), label="Water"),
    concept_id="topic/Water",
    reason=Reason(score=0.8, words=("wells",), places=("title",), part="words"),
)
REPORT = Addition(tag=Tag(term_id=guid(20), label="Report"), concept_id="type/report")


def row(item: str = "01A", *changes: ColumnChange) -> Row:
    before = (Tag(term_id=guid(2), label="Health"),)
    return Row(
        drive_id="b!1",
        item_id=item,
        etag='"e,1"',
        name=f"{item}.docx",
        path=f"2026/{item}.docx",
        web_url="https://sharepoint.example/a.docx",
        changes=changes
        or (
            ColumnChange(column="KMTopic", title="Topic", before=before, add=(WATER,)),
            ColumnChange(column="KMDocumentType", title="Document type", before=(), add=(REPORT,)),
        ),
    )


PLAN = Plan(
    made_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    libraries=(Library(site="host:/sites/a", name="Documents", drive_id="b!1"),),
    rows=(row("01A"), row("01B")),
    refused=(Refused(path="x.pdf", reason="x.pdf is protected by a password; it cannot be read."),),
    others=(replace(row("01Y"), changes=(), others=()),),
)
