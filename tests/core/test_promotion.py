"""What lessons become: who agrees, what is proved, and that a draft says nothing that no source says."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience, Circle, Reader, may_read
from km365.core.knowledge import (
    WRITTEN_FIELDS,
    Effect,
    Kind,
    KnowledgeItem,
    Link,
    Maturity,
    Reach,
    Relation,
    from_fields,
    to_fields,
)
from km365.core.promotion import (
    Confirmed,
    against,
    agreements,
    country_of,
    disagreement,
    draft,
    missing,
    proofs,
    refusal,
    too_early,
    traced,
    unsupported,
)
from km365.documents.promotion import promotion
from km365.templates import Templates

RULES = promotion(Templates())
TODAY = date(2026, 3, 4)


def item(number: int = 1, **changes: object) -> KnowledgeItem:
    made = KnowledgeItem(
        id=f"KM-{number}",
        title=f"Ask drivers first {number}",
        description="Deliveries came late. Then we asked the drivers.",
        office="CO-BEL",
        contributors=(f"author{number}",),
        language="en",
        audience=Audience.EVERYONE,
        maturity=Maturity.PUBLISHED,
        submitted_at=datetime(2025, 3, 4, tzinfo=UTC),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def confirms(*ids: int) -> tuple[Link, ...]:
    return tuple(Link(relation=Relation.CONFIRMS, to=f"KM-{one}") for one in ids)


def country(office: str) -> str:
    return country_of(office, {"FO-NORTH": "BE", "CO-BEL": "BE-1"}, RULES)


def test_items_agree_by_any_chain_of_links_whichever_way_they_point() -> None:
    chain = [item(1, links=confirms(2)), item(2), item(3, links=confirms(2)), item(4, links=confirms(9))]
    found = agreements([Confirmed(item=one) for one in chain], country)
    assert [sorted(one.id for one in group.items) for group in found] == [["KM-1", "KM-2", "KM-3"], ["KM-4"]]
    assert found[0].items[0].id == "KM-2"  # the one that most confirm


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([Confirmed(item=item(1))], "It takes 2 checked lessons"),
        ([Confirmed(item=item(1, links=confirms(2))), Confirmed(item=item(2))], "1 of the 2 countries"),
        ([Confirmed(item=item(1, links=confirms(2))), Confirmed(item=item(2, office="CO-ARD"))], ""),
        ([Confirmed(item=item(1, links=confirms(2))), Confirmed(item=item(2, office="HQ-KM"))], "1 of the 2"),
        (
            [Confirmed(item=item(1, links=confirms(2))), Confirmed(item=item(2, office="FO-NORTH"))],
            "1 of the 2",
        ),
        ([Confirmed(item=item(1), offices=frozenset({"CO-ARD", "CO-CAS"}))], ""),
        ([Confirmed(item=item(1), counted=5)], "1 of the 2 countries"),
    ],
)
def test_a_good_practice_takes_several_lessons_or_offices_in_at_least_two_countries(found, says) -> None:
    said = disagreement(agreements(found, country)[0], RULES)
    assert said == "" if not says else says in said


def test_what_speaks_against_it_is_told_with_its_words() -> None:
    one = item(1, links=(Link(relation=Relation.CONTRADICTS, to="KM-8", words="there it floods"),))
    other = item(9, links=(Link(relation=Relation.CONTRADICTS, to="KM-1"), *confirms(1)))
    group = agreements([Confirmed(item=one)], country)[0]
    found = against(group, [one, other, item(8)])
    assert [(said.by, said.item, said.words) for said in found] == [
        ("KM-1", "KM-8", "there it floods"),
        ("KM-9", "KM-1", ""),
    ]


def test_a_criterion_is_proved_by_a_field_an_effect_or_a_phrase_and_the_rest_is_missing() -> None:
    source = item(
        1,
        results="",
        effect=Effect.CHANGED,
        context="Two districts in the hills.",
        advice="It saved two hours of work a week. Talk to parents.",
    )
    found = proofs([source], RULES)
    assert [(one.criterion.id, one.field) for one in found] == [
        ("effectiveness", "effect"),
        ("efficiency", "advice"),
        ("relevance", "context"),
        ("participation", "advice"),
    ]
    assert next(one.sentence for one in found if one.criterion.id == "efficiency").startswith("It saved")
    assert missing(found, RULES) == []
    lacking = missing(proofs([item(2)], RULES), RULES)
    assert lacking[:3] == ["effectiveness", "efficiency", "relevance"] and lacking[3].startswith(
        "1 of: ethical"
    )


@pytest.mark.parametrize(
    ("sources", "kind", "says"),
    [
        ([item(1, kind=Kind.INNOVATION)], Kind.GOOD_PRACTICE, "KM-1 is an innovation"),
        ([item(1)], Kind.LESSON, "a lesson learned is made of what is an innovation"),
        ([item(1)], Kind.INNOVATION, "Nothing is made into an innovation"),
        ([item(1, maturity=Maturity.IN_REVIEW)], Kind.GOOD_PRACTICE, "KM-1 is in review"),
        ([item(1, audience=Audience.NAMED)], Kind.GOOD_PRACTICE, "to fewer people than their office"),
        (
            [item(1, audience=Audience.OFFICE), item(2, audience=Audience.OFFICE, office="CO-ARD")],
            Kind.GOOD_PRACTICE,
            "Items of CO-ARD and CO-BEL are for their own office alone",
        ),
        ([item(1), item(2, audience=Audience.OFFICE)], Kind.GOOD_PRACTICE, ""),
    ],
)
def test_what_cannot_become_one_is_refused_with_the_reason(sources, kind, says) -> None:
    said = refusal(sources, kind)
    assert said == "" if not says else says in said


def test_an_innovation_takes_time_or_another_office_to_become_a_lesson() -> None:
    young = item(1, kind=Kind.INNOVATION, submitted_at=datetime(2026, 1, 4, tzinfo=UTC))
    assert "180 days later" in too_early(Confirmed(item=young), RULES, today=TODAY)
    assert too_early(Confirmed(item=young), RULES, today=TODAY + timedelta(days=180)) == ""
    assert too_early(Confirmed(item=young, offices=frozenset({"CO-ARD"})), RULES, today=TODAY) == ""
    assert too_early(Confirmed(item=young, offices=frozenset({"co-bel"})), RULES, today=TODAY) != ""


said = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=40), max_size=4
).map(lambda parts: "\n".join(f"{part}." for part in parts))
sources = st.lists(
    st.builds(
        lambda number, texts, **rest: item(number, **texts, **rest),
        number=st.integers(1, 9),
        texts=st.fixed_dictionaries({name: said for name in WRITTEN_FIELDS if name != "title"}),
        language=st.sampled_from(["en", "en-GB", "fr"]),
        office=st.sampled_from(["CO-BEL", "CO-ARD"]),
        audience=st.sampled_from([Audience.EVERYONE, Audience.OFFICE]),
        consent=st.sampled_from(Reach),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.id,
)


@given(found=sources, sentences=st.integers(0, 3))
def test_a_draft_says_nothing_that_no_source_says_and_nobody_reads_it_who_may_not_read_all(found, sentences):
    if refusal(found, Kind.GOOD_PRACTICE):
        return
    made = draft(found, kind=Kind.GOOD_PRACTICE, item_id="KM-new", drafter="eve", sentences=sentences)
    stored = from_fields(to_fields(made))
    by_id = {one.id: one for one in found}
    assert unsupported(stored, by_id) == []
    assert all(one.source for one in traced(stored))
    for reader in (Reader(person_id="x", office=office) for office in ("CO-BEL", "CO-ARD", "CO-CAS")):
        sees = [
            may_read(one.audience, reader, Circle(authors=frozenset(), office=one.office)) for one in found
        ]
        if may_read(made.audience, reader, Circle(authors=frozenset(), office=made.office)):
            assert all(sees)
    assert all(one.consent.covers(made.consent) for one in found)
    assert {"eve", *(person for one in found for person in one.contributors)} == set(made.contributors)
    assert {one.to for one in made.links} == set(by_id)
    assert (made.language, made.maturity) == (found[0].language, Maturity.DRAFT)


def test_a_sentence_that_somebody_adds_or_changes_is_found_to_have_no_source() -> None:
    source = item(1)
    made = draft([source], kind=Kind.GOOD_PRACTICE, item_id="KM-new", drafter="eve", sentences=2)
    edited = replace(made, description=made.description.replace("late", "early"), advice="Always ask.")
    assert [(one.field, one.sentence) for one in unsupported(edited, {"KM-1": source})] == [
        ("description", "Deliveries came early."),
        ("advice", "Always ask."),
    ]
