"""What a watch applies by itself, and what it leaves to a person."""

from datetime import UTC, datetime, timedelta

from km365.core.tag_plan import Addition, ColumnChange, Reason, Row, Tag
from km365.core.taxonomy import Concept, Mode, Status, Taxonomy, TermSet
from km365.core.watching import split, taken_out, try_again_at

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def concept(name: str, mode: Mode = Mode.AUTO, status: Status = Status.CURRENT) -> Concept:
    return Concept(id=name, labels={"en": name}, mode=mode, status=status, term_id=f"id-{name}")


def taxonomy(*concepts: Concept, mode: Mode = Mode.SUGGEST) -> Taxonomy:
    term_set = TermSet(key="topic", names={"en": "Topic"}, column="KMTopic", concepts=concepts, mode=mode)
    return Taxonomy(term_sets=(term_set,))


def addition(name: str, score: float = 0.9) -> Addition:
    return Addition(
        tag=Tag(term_id=f"id-{name}", label=name), concept_id=name, reason=Reason(score=score, words=(name,))
    )


def row(*add: Addition, column: str = "KMTopic", before: tuple[Tag, ...] = ()) -> Row:
    change = ColumnChange(column=column, title=column, before=before, add=add)
    return Row(
        drive_id="d", item_id="i", etag="1", name="n", path="p", web_url="", changes=(change,) if add else ()
    )


def labels(found: Row | None) -> list[str]:
    return [one.tag.label for change in (found.changes if found else ()) for one in change.add]


def test_sure_terms_of_mode_auto_are_applied_and_the_rest_stands_behind_them() -> None:
    terms = taxonomy(concept("a"), concept("b", Mode.SUGGEST), concept("c"))
    found = split(row(addition("a"), addition("b"), addition("c", 0.6)), terms, at_least=0.8)
    assert labels(found.auto) == ["a"]
    assert labels(found.rest) == ["b", "c"]
    assert found.rest and [tag.label for tag in found.rest.changes[0].before] == ["a"]


def test_nothing_is_applied_that_the_rules_keep_for_people() -> None:
    assert split(row(addition("a")), taxonomy(concept("a"), mode=Mode.NEVER), at_least=0.5).auto is None
    gone = taxonomy(concept("a", status=Status.DEPRECATED))
    assert split(row(addition("a")), gone, at_least=0.5).auto is None
    assert split(row(addition("x")), taxonomy(concept("a")), at_least=0.5).auto is None


def test_a_term_that_was_taken_out_is_for_a_person() -> None:
    found = split(row(addition("a")), taxonomy(concept("a")), at_least=0.5, taken_out={"id-a"})
    assert found.auto is None
    assert labels(found.rest) == ["a"]


def test_a_column_for_one_term_gets_one_or_none() -> None:
    terms = taxonomy(concept("a"), concept("b"))
    both = row(addition("a"), addition("b"), column="KMDocumentType")
    found = split(both, terms, at_least=0.5)
    assert labels(found.auto) == ["a"]
    assert found.rest is None


def test_taken_out_is_what_was_written_and_is_gone() -> None:
    assert taken_out({"KMTopic": {"a", "b"}, "KMGoalArea": {"c"}}, {"KMTopic": ["b"]}) == {"a", "c"}


def test_a_document_in_use_is_tried_ever_later_but_within_hours() -> None:
    waits = [try_again_at(attempts, now=NOON) - NOON for attempts in (1, 2, 3, 50)]
    assert waits == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20), timedelta(hours=6)]
