"""A tagging plan as a file: read back as it was written, and refused by name when edited into nonsense."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from km365.core.tag_plan import Mode, Plan, Tag, decisions, propose
from km365.core.tag_plan_file import from_text, read_documents, read_head, to_text
from km365.core.tagging import Suggestion
from km365.errors import PlanRefused

from ..plan_examples import PLAN, TAXONOMY, TOPICS, guid


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
    assert [one.path for one in again.others] == ["2026/01Y.docx"]
    assert to_text(again) == to_text(PLAN)


def test_the_file_gives_the_reason_of_each_term() -> None:
    shown = topic(json.loads(to_text(PLAN)))["add"][0]
    assert shown == {
        "term": "Water",
        "id": "topic/Water",
        "score": 0.8,
        "because_of": ["wells"],
        "found_in": ["title"],
        "part": "words",
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


def remove(**entry: Any) -> Callable[[Any], None]:
    return lambda value: topic(value).update(remove=[entry])


def another(**more: Any) -> Callable[[Any], None]:
    return lambda value: first(value).update(more)


def second_type(value: Any) -> None:
    first(value)["columns"]["KMDocumentType"]["add"].append({"term": "Plan"})


def foreign_column(value: Any) -> None:
    first(value)["columns"]["KMColour"] = {"before": [], "add": []}


def planned(value: Any) -> Any:
    return first(value)["planned"]["KMTopic"]


WRONG = {
    "a term that nobody knows": (add(term="Whales"), "'Whales' is no term of 'Topic'"),
    "a term of another column": (
        add(term="Report"),
        "'Report' is no term of 'Topic'; `km365 taxonomy list --facet topic` shows them. "
        "It is a term of 'Document type'.",
    ),
    "a term and an id in conflict": (add(term="Water", id="topic/Health"), "different terms"),
    "an unknown id": (add(term="Water", id="topic/Wtaer"), "'topic/Wtaer' is no term"),
    "a label of two terms": (add(term="supply"), "may mean 'topic/Water', 'topic/Trade'"),
    "a deprecated term": (add(term="Old water"), "no longer used; 'topic/Water' took its place"),
    "a term the store lacks": (add(term="Roads"), "does not have 'Roads' yet"),
    "an empty entry": (add(), "'' is no term"),
    "an unknown column": (foreign_column, "no tag column 'KMColour'"),
    "two terms for one place": (second_type, "KMDocumentType: this column takes one term"),
    "another before": (lambda v: planned(v)["before"].clear(), "what was planned"),
    "another label before": (lambda v: planned(v)["before"][0].__setitem__(1, "Hlth"), "what was planned"),
    "another proposal": (lambda v: planned(v)["add"][0].__setitem__(3, 0.9), "what was planned"),
    "no proposal": (lambda v: planned(v).update(add=[[]]), "'planned' was changed"),
    "a score of no size": (lambda v: planned(v)["add"][0].__setitem__(3, 10**400), "'planned' was changed"),
    "another etag": (another(etag='"e,2"'), "what was planned"),
    "another item": (another(item="01C"), "what was planned"),
    "a number for a term": (add(term=7), "'term' must be a text"),
    "a term taken out that is not there": (remove(term="Schools"), "'Schools' cannot be taken out"),
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


def test_every_entry_of_a_document_that_is_not_understood_is_named_at_once() -> None:
    def edit(value: Any) -> None:
        topic(value)["add"] += [{"term": "Whales"}, {"term": "Roads"}]
        topic(value)["remove"] = [{"term": "Schools"}]
        first(value)["columns"]["KMDocumentType"]["add"] = [{"term": "Letter"}]

    with pytest.raises(PlanRefused) as refused:
        edited(edit)
    said = str(refused.value).splitlines()
    assert [line.partition("'")[2].partition("'")[0] for line in said] == [
        "Whales", "Roads", "Schools", "Letter",
    ]  # fmt: skip


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
        ('{\n"km365_plan": ' + "1" * 5000 + "}", "plan.json, line 2: a number of more than 4300 digits"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, said: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        from_text(text, TAXONOMY, source="plan.json")
    assert said in str(refused.value)


def suggestion(name: str, score: float) -> Suggestion:
    return Suggestion(facet="topic", concept_id=f"topic/{name}", score=score, words=(), places=(), count=1)


def proposed(*names: str, before: tuple[int, ...] = (), **more: Any) -> tuple[list[str], list[str]]:
    """What is added and what is taken out, where the names are suggested for a column that holds `before`."""
    labels = {concept.term_id: concept.label() for concept in TOPICS.concepts}
    change = propose(
        [suggestion(name, 0.9 - number / 100) for number, name in enumerate(names)],
        TAXONOMY,
        tuple(Tag(term_id=guid(number), label=labels.get(guid(number), "Else")) for number in before),
        column="KMTopic",
        title="Topic",
        **more,
    )
    return [one.tag.label for one in change.add], [one.tag.label for one in change.remove]


def test_only_terms_that_the_column_lacks_are_proposed_up_to_the_limit() -> None:
    assert proposed("Health", "Water", "Schools", "Trade", "Roads", before=(2,)) == (["Water", "Schools"], [])


def test_a_column_that_holds_a_term_is_not_filled() -> None:
    assert proposed("Water", before=(9,), mode=Mode.FILL) == ([], [])
    assert proposed("Water", mode=Mode.FILL) == (["Water"], [])


def test_a_replaced_column_becomes_what_is_suggested_and_shows_what_leaves() -> None:
    assert proposed("Water", "Health", before=(2, 3, 9), mode=Mode.REPLACE) == (
        ["Water"],
        ["Schools", "Else"],
    )


def test_a_replaced_column_keeps_what_it_has_where_nothing_is_suggested() -> None:
    assert proposed(before=(2, 3), mode=Mode.REPLACE) == ([], [])


def test_a_term_kept_for_people_is_never_taken_out() -> None:
    assert proposed("Water", before=(6, 3), mode=Mode.REPLACE) == (["Water"], ["Schools"])


def test_a_low_score_is_not_proposed() -> None:
    assert proposed("Water", "Health", at_least=0.895) == (["Water"], [])


def test_a_column_for_one_term_that_is_filled_gets_nothing() -> None:
    change = propose(
        [Suggestion(facet="document-type", concept_id="type/plan", score=1, words=(), places=(), count=1)],
        TAXONOMY,
        (Tag(term_id=guid(20), label="Report"),),
        column="KMDocumentType",
        title="Document type",
    )
    assert not change


# what people decided -------------------------------------------------------------------------------------


def said(plan: Plan) -> set[tuple[str, str, str]]:
    return {(one.document[1], one.concept_id, one.verdict.value) for one in decisions(plan)}


def test_a_plan_nobody_edited_says_nothing_of_the_terms() -> None:
    assert decisions(edited(lambda _: None)) == []


def test_a_term_taken_out_is_wrong_one_put_in_is_missing_and_the_rest_of_the_document_is_right() -> None:
    def edit(value: Any) -> None:
        topic(value)["add"] = [{"term": "Schools"}]

    assert said(edited(edit)) == {
        ("01A", "topic/Water", "wrong"),
        ("01A", "topic/Schools", "missing"),
        ("01A", "type/report", "right"),
    }


def test_what_had_made_a_wrong_suggestion_is_kept_with_the_decision() -> None:
    (wrong, _) = decisions(edited(lambda value: topic(value)["add"].clear()))
    assert (wrong.words, wrong.facet, wrong.path) == (("wells",), "topic", "2026/01A.docx")


def test_a_comment_goes_with_the_decision_on_its_term_also_where_the_term_was_left_out() -> None:
    def edit(value: Any) -> None:
        (water,) = topic(value)["add"]
        topic(value)["left_out"] = [water | {"comment": "One slide only"}]
        topic(value)["add"] = [{"term": "Schools", "comment": "The annex"}]

    comments = {(one.concept_id, one.verdict.value): one.comment for one in decisions(edited(edit))}
    assert comments == {
        ("topic/Water", "wrong"): "One slide only",
        ("topic/Schools", "missing"): "The annex",
        ("type/report", "right"): "",
    }


def test_a_column_taken_out_says_its_terms_are_wrong_and_a_document_taken_out_says_nothing() -> None:
    assert ("01A", "topic/Water", "wrong") in said(
        edited(lambda value: first(value)["columns"].pop("KMTopic"))
    )
    assert said(edited(lambda value: value["documents"].pop(0))) == set()


def test_a_term_of_the_document_taken_out_by_a_person_is_wrong() -> None:
    plan = edited(remove(term="Health"))
    assert ("01A", "topic/Health", "wrong") in said(plan)
    assert [tag.label for tag in plan.rows[0].changes[0].after] == ["Water"]


def test_a_document_that_was_gone_through_says_that_its_terms_are_right() -> None:
    assert said(edited(lambda value: first(value).update(seen=True))) == {
        ("01A", "topic/Water", "right"),
        ("01A", "type/report", "right"),
    }


# more than terms taken out -------------------------------------------------------------------------------


def test_a_column_and_a_document_without_proposals_can_be_filled() -> None:
    def edit(value: Any) -> None:
        value["documents"][2]["columns"] = {"KMTopic": {"add": [{"term": "Schools", "comment": "ask Ann"}]}}

    plan = edited(edit)
    assert terms(plan, "01Y") == ["Schools"]
    assert plan.rows[2].changes[0].add[0].comment == "ask Ann"


def test_a_comment_stays_with_its_term() -> None:
    plan = edited(lambda value: topic(value)["add"][0].update(comment="=1+1 says Ben"))
    again = from_text(to_text(plan), TAXONOMY, source="plan.json")
    assert again.rows[0].changes[0].add[0].comment == "=1+1 says Ben"
    assert ("01A", "topic/Water", "right") in said(again)


def test_half_a_character_in_a_comment_is_replaced() -> None:
    plan = edited(lambda value: topic(value)["add"][0].update(comment="good \ud83d"))
    assert plan.rows[0].changes[0].add[0].comment == "good \ufffd"


def test_a_plan_written_in_another_order_is_the_same_plan() -> None:
    assert edited(lambda value: value["documents"].reverse()).sha == PLAN.sha


def test_a_file_in_the_smallest_pieces_reads_the_same() -> None:
    text = to_text(PLAN)
    head = read_head(iter(text), source="plan.json")
    whole = from_text(text, TAXONOMY, source="plan.json")
    assert list(read_documents(iter(text), head, TAXONOMY, source="plan.json")) == [
        *whole.rows,
        *whole.others,
        *whole.refused,
    ]


def test_the_plan_may_be_laid_out_anew_by_an_editor() -> None:
    text = json.dumps(json.loads(to_text(PLAN)), sort_keys=True, indent=8)
    assert from_text(text, TAXONOMY, source="plan.json").sha == PLAN.sha
