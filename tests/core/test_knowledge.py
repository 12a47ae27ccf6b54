"""Knowledge items: what may be submitted and decided, and the way to SharePoint and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience
from km365.core.knowledge import (
    Effect,
    Kind,
    KnowledgeItem,
    Link,
    Maturity,
    Relation,
    and_links,
    from_fields,
    links_in,
    submit,
    to_fields,
    unconfirmed_since,
)
from km365.core.schema import KNOWLEDGE
from km365.errors import InputRefused

AT = datetime(2026, 3, 4, 10, tzinfo=UTC)
TODAY = AT.date()


def item(**changes: object) -> KnowledgeItem:
    draft = KnowledgeItem(
        id="KM-1",
        title="Ask drivers first",
        description="Deliveries arrived late until drivers were asked.",
        office="CO-BEL",
        contributors=("author",),
        language="en",
    )
    return replace(draft, **changes)


def test_a_submitted_item_is_in_review_and_dated():
    submitted = submit(item(), at=AT)
    assert (submitted.maturity, submitted.submitted_at) == (Maturity.IN_REVIEW, AT)


def test_submitting_twice_changes_nothing():
    once = submit(item(), at=AT)
    assert submit(once, at=datetime(2027, 1, 1, tzinfo=UTC)) == once


def test_a_returned_item_can_be_submitted_again():
    returned = item(maturity=Maturity.RETURNED, reason="When was this?")
    assert submit(returned, at=AT).maturity is Maturity.IN_REVIEW


@pytest.mark.parametrize("empty", [{"title": " "}, {"description": ""}])
def test_an_item_that_says_nothing_is_refused(empty):
    with pytest.raises(InputRefused, match="needs a title"):
        submit(item(**empty), at=AT)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
links = st.builds(
    Link,
    relation=st.sampled_from(Relation),
    to=st.from_regex(r"KM-[0-9a-z]{1,4}(-[0-9a-z]{1,4})?", fullmatch=True),
    words=texts.map(lambda words: " ".join(words.split())),
)


@given(
    title=texts,
    description=texts,
    kind=st.sampled_from(Kind),
    audience=st.sampled_from([a for a in Audience if a is not Audience.UNRECORDED]),
    effect=st.sampled_from(Effect),
    maturity=st.sampled_from(Maturity),
    linked=st.lists(links, max_size=3).map(tuple),
)
def test_an_item_comes_back_from_its_columns_as_it_went(
    title, description, kind, audience, effect, maturity, linked
):
    sent = item(
        title=title,
        description=description,
        kind=kind,
        audience=audience,
        effect=effect,
        maturity=maturity,
        review_by=TODAY,
        submitted_at=AT,
        contributors=("a", "b"),
        links=linked,
        action="Ask them in May.",
        action_owner="c",
        action_due=TODAY,
        sources="advice 1: KM-2",
    )
    assert from_fields(to_fields(sent)) == sent


@given(column=st.text(max_size=80), new=st.lists(links, max_size=3))
def test_links_are_added_once_below_what_people_wrote(column, new):
    after = and_links(column, new)
    assert after.startswith(column.rstrip())
    assert set(links_in(after)) == {*links_in(column), *new}
    assert and_links(after, new) == after


def test_links_written_by_hand_are_read_kindly():
    by_hand = "- Contradicts KM-1 there it floods\n\nsee also KM-2\nnuances  KM-3：在河边\nconfirms KM-4"
    assert links_in(by_hand) == (
        Link(relation=Relation.CONTRADICTS, to="KM-1", words="there it floods"),
        Link(relation=Relation.NUANCES, to="KM-3", words="在河边"),
        Link(relation=Relation.CONFIRMS, to="KM-4"),
    )


def test_a_row_edited_by_hand_falls_back_to_the_careful_values():
    odd = from_fields({"KMAudience": "everyone!", "KMMaturity": "done", "KMReviewBy": "soon"})
    assert (odd.audience, odd.maturity, odd.review_by) == (Audience.OFFICE, Maturity.DRAFT, None)


def test_a_day_is_that_of_the_midnight_at_the_site_which_is_told_in_utc():
    for told in ("2026-03-04", "2026-03-04T00:00:00Z", "2026-03-03T21:00:00Z", "2026-03-04T05:00:00Z"):
        assert from_fields({"KMReviewBy": told}).review_by == TODAY


def test_what_nobody_has_confirmed_in_time_is_unconfirmed_since_that_day():
    day, after = TODAY, TODAY + timedelta(days=1)
    shown = item(maturity=Maturity.PUBLISHED, review_by=day)
    assert (unconfirmed_since(shown, day), unconfirmed_since(shown, after)) == (None, day)
    assert unconfirmed_since(replace(shown, review_by=None), after) is None
    assert unconfirmed_since(replace(shown, maturity=Maturity.RETIRED), after) is None


def test_every_written_column_is_in_the_schema():
    known = {column.name for column in KNOWLEDGE.columns} | {"Title"}
    assert set(to_fields(item())) <= known
