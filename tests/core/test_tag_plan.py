"""A tagging plan as a file: read back as it was written, and refused by name when edited into nonsense."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from km365.core.tag_plan import (
    Addition,
    ColumnChange,
    Library,
    Plan,
    Reason,
    Refused,
    Row,
    Tag,
    additions,
    from_text,
    to_text,
)
from km365.core.tagging import Suggestion
from km365.core.taxonomy import Concept, Rule, Status, Taxonomy, TermSet
from km365.errors import PlanRefused


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
    reason=Reason(score=0.8, words=("wells",), places=("title",)),
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
    unchanged=("y.docx",),
)


def edited(edit: Callable[[Any], None]) -> Plan:
    value = json.loads(to_text(PLAN))
    edit(value)
    return from_text(json.dumps(value), TAXONOMY, source="plan.json")


def first(value: Any) -> Any:
    return value["documents"][0]


def topic(value: Any) -> Any:
    return first(value)["columns"]["KMTopic"]


def terms(plan: Plan, item: str = "01A", column: str = "KMTopic") -> list[str]:
    found = next(one for one in plan.rows if one.item_id == item)
    return [one.tag.label for change in found.changes if change.column == column for one in change.add]


def test_a_plan_that_nobody_edited_is_the_same_plan() -> None:
    again = edited(lambda _: None)
    assert again.sha == PLAN.sha
    assert [one.path for one in again.rows] == [one.path for one in PLAN.rows]
    assert again.terms == 4


def test_the_file_gives_the_reason_of_each_term() -> None:
    shown = topic(json.loads(to_text(PLAN)))["add"][0]
    assert shown == {
        "term": "Water",
        "id": "topic/Water",
        "score": 0.8,
        "because_of": ["wells"],
        "found_in": ["title"],
    }


def test_a_term_taken_out_is_not_added_and_makes_another_plan() -> None:
    plan = edited(lambda value: topic(value)["add"].clear())
    assert terms(plan) == []
    assert terms(plan, column="KMDocumentType") == ["Report"]
    assert plan.sha != PLAN.sha


def test_a_column_taken_out_is_left_alone() -> None:
    plan = edited(lambda value: first(value)["columns"].pop("KMTopic"))
    assert terms(plan, column="KMDocumentType") == ["Report"]


def test_a_document_taken_out_is_left_alone() -> None:
    assert [one.item_id for one in edited(lambda value: value["documents"].pop(0)).rows] == ["01B"]


def test_a_document_without_anything_to_add_is_no_row() -> None:
    def nothing(value: Any) -> None:
        for column in first(value)["columns"].values():
            column["add"].clear()

    assert [one.item_id for one in edited(nothing).rows] == ["01B"]


@pytest.mark.parametrize("said", ["Schools", "Schools-fr", "topic/Schools", "  schools "])
def test_a_term_is_added_by_its_label_in_any_language_or_its_id(said: str) -> None:
    plan = edited(lambda value: topic(value)["add"].append({"term": said}))
    assert terms(plan) == ["Water", "Schools"]


def test_a_term_that_is_there_already_or_said_twice_is_added_once() -> None:
    plan = edited(lambda value: topic(value)["add"].extend([{"term": "Health"}, {"term": "Water"}]))
    assert terms(plan) == ["Water"]


def add(**entry: Any) -> Callable[[Any], None]:
    return lambda value: topic(value)["add"].append(entry)


def another(**more: Any) -> Callable[[Any], None]:
    return lambda value: first(value).update(more)


def second_type(value: Any) -> None:
    first(value)["columns"]["KMDocumentType"]["add"].append({"term": "Plan"})


def foreign_column(value: Any) -> None:
    first(value)["columns"]["KMColour"] = {"before": [], "add": []}


def new_column(value: Any) -> None:
    del first(value)["columns"]["KMDocumentType"]["seal"]


WRONG = {
    "a term that nobody knows": (add(term="Whales"), "'Whales' is no term of 'Topic'"),
    "a term and an id in conflict": (add(term="Water", id="topic/Health"), "different terms"),
    "an unknown id": (add(term="Water", id="topic/Wtaer"), "'topic/Wtaer' is no term"),
    "a label of two terms": (add(term="supply"), "may mean 'topic/Water', 'topic/Trade'"),
    "a deprecated term": (add(term="Old water"), "no longer used; 'topic/Water' took its place"),
    "a term the store lacks": (add(term="Roads"), "does not have 'Roads' yet"),
    "an empty entry": (add(), "'' is no term"),
    "an unknown column": (foreign_column, "no tag column 'KMColour'"),
    "two terms for one place": (second_type, "KMDocumentType: this column takes one term"),
    "another before": (lambda v: topic(v)["before"].clear(), "'before', 'etag'"),
    "another label before": (lambda v: topic(v)["before"][0].update(term="Hlth"), "'before', 'etag'"),
    "another etag": (another(etag='"e,2"'), "'before', 'etag'"),
    "another item": (another(item="01C"), "'before', 'etag'"),
    "a column made by hand": (new_column, "not in the plan"),
    "no etag": (another(etag=None), "'etag' is missing"),
    "a text for columns": (another(columns="all"), "columns must be an object"),
    "a text for additions": (lambda v: topic(v).update(add="Water"), "add must be a list"),
    "a text for a term": (lambda v: topic(v).update(add=["Water"]), "add must be an object"),
    "a document twice": (lambda v: v["documents"].append(v["documents"][0]), "twice"),
    "a library taken out": (lambda v: v["libraries"].clear(), "not among the plan's"),
    "a library without a drive": (lambda v: v["libraries"][0].pop("drive"), "a library lacks"),
    "no documents": (lambda v: v.pop("documents"), "documents must be a list"),
    "no moment": (lambda v: v.update(made_at="yesterday"), "'made_at' is not a moment"),
    "another format": (lambda v: v.update(km365_plan=99), "is no plan of km365"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_plan_edited_into_nonsense_is_refused_by_name(what: str) -> None:
    edit, said = WRONG[what]
    with pytest.raises(PlanRefused, match=r"^plan\.json") as refused:
        edited(edit)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{,}", "plan.json, line 1: not JSON"),
        ("[]", "must be an object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"hello": 1}', "is no plan of km365"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, said: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        from_text(text, TAXONOMY, source="plan.json")
    assert said in str(refused.value)


def suggestion(name: str, score: float) -> Suggestion:
    return Suggestion(facet="topic", concept_id=f"topic/{name}", score=score, words=(), places=(), count=1)


def test_only_terms_that_the_column_lacks_are_proposed_up_to_the_limit() -> None:
    found = [suggestion(name, 0.9) for name in ("Health", "Water", "Schools", "Trade", "Roads")]
    before = (Tag(term_id=guid(2), label="Health"),)
    proposed = additions(found, TOPICS, before, multiple=True)
    assert [one.tag.label for one in proposed] == ["Water", "Schools"]


def test_a_column_for_one_term_that_is_filled_gets_nothing() -> None:
    found = [suggestion("Water", 0.9)]
    assert additions(found, TOPICS, (Tag(term_id=guid(9), label="Else"),), multiple=False) == ()
