"""What the demonstration's offices have learned: sixty items that the product could have made itself."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from km365.core.forms import missing
from km365.core.knowledge import (
    TITLE_MAX_LENGTH,
    WRITTEN_FIELDS,
    Kind,
    KnowledgeItem,
    Maturity,
    Reach,
    from_fields,
    to_fields,
)
from km365.core.moves import Actor, Attempt, Move
from km365.core.refusals import who_may_not
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.documents.forms import Forms
from km365.local import seed
from km365.services import taxonomy
from km365.templates import Templates

pytestmark = pytest.mark.local_only

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
LESSONS = seed.lessons()
ENTRIES = {one["KMId"]: one for one in seed.entries()["Knowledge"]}
STAFF = {person["key"]: person for person in seed.read("staff.json")["people"]}


def as_item(data: dict[str, object]) -> KnowledgeItem:
    """The item that the list holds once it is seeded."""
    entry = ENTRIES[seed.record_id(str(data["key"]))]
    days = {
        name: (NOW + timedelta(days=value["$day"])).isoformat()
        for name, value in entry.items()
        if isinstance(value, dict) and "$day" in value
    }
    return from_fields(entry | days)


ITEMS = [as_item(one) for one in LESSONS]


def test_there_are_sixty_in_four_languages_of_every_kind_and_perspective() -> None:
    assert Counter(one.language for one in ITEMS) == {"en": 24, "fr": 14, "es": 12, "ar": 10}
    assert {one.kind for one in ITEMS} == set(Kind)
    assert len({one.perspective for one in ITEMS}) == 4
    assert {one.polarity for one in ITEMS} == {"", "positive", "negative", "mixed"}
    assert {one.maturity for one in ITEMS} == set(Maturity) - {Maturity.DRAFT}
    assert {one.audience for one in ITEMS} == {"U", "O", "S", "R"}
    assert len({one.id for one in ITEMS}) == len({one.title for one in ITEMS}) == 60
    themes = Counter(theme for one in LESSONS for theme in one.get("knowledge_theme", ()))
    assert themes["Exit interviews"] >= 12 and themes["Taxonomy and tagging"] >= 12
    assert sum("goal_area" in one for one in LESSONS) >= 36, "the others are about no programme"


@pytest.mark.parametrize("data", LESSONS, ids=lambda one: one["key"])
def test_an_item_is_one_the_product_could_have_made(data) -> None:
    item = as_item(data)
    form = Forms(Templates()).get(item.language)[item.kind]
    assert not missing(item, form)
    asked = {*form.fields, *(form.case_study if item.format else ())}
    assert {name for name in WRITTEN_FIELDS if getattr(item, name)} <= asked
    assert len(item.title) < TITLE_MAX_LENGTH and item.description and item.project == data.get("project", "")
    known = {"Title", "KMConfirmedOn", "KMConfirmedBy", *(column.name for column in LESSON_TAG_COLUMNS)}
    assert ENTRIES[item.id].keys() <= to_fields(item).keys() | known
    authors, checkers = (
        [STAFF[key] for key in data.get(name, ())] for name in ("contributors", "validated_by")
    )
    assert {person["office"] for person in authors} == {item.office}
    for person in checkers:
        roles = {Actor(role) for role in person.get("roles", ())}
        if person["office"] != item.office:
            roles -= {Actor.FOCAL_POINT}
        who = Attempt(
            move=Move.VALIDATE,
            person_id=seed.person_id(person["key"]),
            roles=frozenset(roles),
            on=NOW.date(),
        )
        assert not who_may_not(item, who)
    shown = item.maturity in {Maturity.VALIDATED, Maturity.PUBLISHED}
    assert bool(item.review_by) == bool(item.validated_by) and (not shown or item.validated_by)
    if item.maturity is Maturity.PUBLISHED:
        assert item.published_to is Reach.INTERNAL or item.consent.covers(item.published_to)
        assert item.audience == "U"
    assert bool(item.reason) == (item.maturity in {Maturity.RETURNED, Maturity.RETIRED})


def test_they_speak_of_each_other_and_of_terms_there_are() -> None:
    ids = {one.id for one in ITEMS}
    linked = [link for one in ITEMS for link in one.links]
    assert {link.to for link in linked} <= ids and len({link.relation for link in linked}) == 4
    assert {one.superseded_by for one in ITEMS} <= {"", *ids}
    contradictions = [link for link in linked if link.relation == "contradicts"]
    assert len(contradictions) >= 4 and all(link.words for link in contradictions)
    shipped = taxonomy.shipped(Templates())
    labels = {one.column: {concept.label() for concept in one.concepts} for one in shipped.term_sets}
    for entry in ENTRIES.values():
        for name, value in entry.items():
            if isinstance(value, dict) and "$terms" in value:
                assert set(value["$terms"]) <= labels[name], entry["Title"]
