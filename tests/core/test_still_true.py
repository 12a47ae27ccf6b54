"""Which lessons a reflection opens with, for which reasons, and what comes of what people say of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Effect, KnowledgeItem, Maturity
from km365.core.still_true import (
    LEAST,
    OTHERS,
    OWN,
    UNASKED,
    Answer,
    Lesson,
    Occasion,
    Phrases,
    Verdict,
    choose,
    held,
    one_sentence,
    record,
    score,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
ANN = Reader(person_id="ann", office="CO-BEL")
TAGS = frozenset({"pumps", "schools"})


def lesson(name: str, **changes: Any) -> Lesson:
    """A lesson of CO-BEL of an earlier mid-term review, validated and for everyone."""
    about = {k: changes.pop(k) for k in ("milestone_kind", "tags", "sectors") if k in changes}
    item = KnowledgeItem(
        id=name,
        title=name,
        description="Fridges failed. They were old.",
        office="CO-BEL",
        milestone="7",
        contributors=("bob",),
        language="en",
        audience=Audience.EVERYONE,
        maturity=Maturity.VALIDATED,
        submitted_at=LONG_AGO,
    )
    return Lesson(item=replace(item, **changes), **{"milestone_kind": "mid-term review", **about})


OCCASION = Occasion(
    office="CO-BEL",
    milestone="12",
    kind="mid-term review",
    reader=ANN,
    now=NOW,
    tags=TAGS,
    sectors=frozenset({"water"}),
)

LESSONS = st.lists(
    st.builds(
        lesson,
        st.uuids().map(str),
        office=st.sampled_from(["CO-BEL", "co-bel", "CO-ARD", "CO-CAS", "RO-EAST", "HQ", ""]),
        maturity=st.sampled_from(Maturity),
        audience=st.sampled_from(Audience),
        contributors=st.sampled_from([("bob",), ("ann",), ()]),
        milestone=st.sampled_from(["7", "12", ""]),
        submitted_at=st.sampled_from([None, NOW, LONG_AGO, LONG_AGO + timedelta(days=1)]),
        milestone_kind=st.sampled_from(["mid-term review", "closure", ""]),
        tags=st.frozensets(st.sampled_from(["pumps", "schools", "radio"])),
        sectors=st.frozensets(st.sampled_from(["water", "learning"])),
    ),
    max_size=25,
    unique_by=lambda one: one.item.id,
)
READERS = st.builds(
    Reader, person_id=st.sampled_from(["ann", "bob"]), office=st.sampled_from(["CO-BEL", "CO-ARD", ""])
)


@given(lessons=LESSONS, reader=READERS)
def test_nothing_is_shown_that_the_person_may_not_read_or_that_others_have_not_checked(
    lessons: list[Lesson], reader: Reader
) -> None:
    for one in choose(lessons, replace(OCCASION, reader=reader)):
        item = one.lesson.item
        within = bool(item.office) and item.office.casefold() == reader.office.casefold()
        assert item.audience is Audience.EVERYONE or (item.audience is Audience.OFFICE and within)
        unchecked = {Maturity.SUBMITTED, Maturity.IN_REVIEW}
        assert item.maturity in {Maturity.VALIDATED, Maturity.PUBLISHED} or (
            within and item.maturity in unchecked
        )
        assert item.milestone != OCCASION.milestone
        assert reader.person_id not in item.contributors or item.submitted_at != NOW


@given(lessons=LESSONS, answered=st.integers(0, 5))
def test_at_most_two_of_the_office_and_one_each_of_three_others_each_with_a_reason(
    lessons: list[Lesson], answered: int
) -> None:
    said = {one.item.id for one in lessons[:answered]}
    found = choose(lessons, replace(OCCASION, answered=said))
    own = [one for one in found if one.why.own]
    others = [one for one in found if not one.why.own]
    assert len(own) <= OWN
    assert len(others) <= OTHERS
    assert found == own + others
    assert len({one.lesson.item.office.casefold() for one in others}) == len(others)
    assert all(score(one.why) >= LEAST and (one.why.same_kind or one.why.tags) for one in others)
    assert not said & {one.lesson.item.id for one in found}


@given(lessons=LESSONS, seed=st.randoms(use_true_random=False))
def test_the_same_lessons_in_any_order_give_the_same_choice(lessons: list[Lesson], seed: Any) -> None:
    shuffled = list(lessons)
    seed.shuffle(shuffled)
    assert choose(shuffled, OCCASION) == choose(lessons, OCCASION)


def test_of_the_office_itself_the_same_kind_of_milestone_comes_first_and_then_the_latest() -> None:
    later = LONG_AGO + timedelta(days=300)
    lessons = [
        lesson("other kind", milestone_kind="closure", submitted_at=later),
        lesson("older"),
        lesson("newer", submitted_at=LONG_AGO + timedelta(days=9)),
        lesson("oldest", submitted_at=LONG_AGO - timedelta(days=9)),
    ]
    assert [one.lesson.item.id for one in choose(lessons, OCCASION)] == ["newer", "older"]
    assert [one.lesson.item.id for one in choose(lessons[:2], OCCASION)] == ["older", "other kind"]


def test_of_other_offices_the_most_alike_comes_first_and_the_reasons_are_named() -> None:
    lessons = [
        lesson("kind", office="CO-ARD"),
        lesson("kind and tag", office="CO-CAS", tags={"pumps", "radio"}, sectors={"water"}),
        lesson("goal area alone", office="RO-EAST", milestone_kind="", sectors=frozenset({"water"})),
    ]
    first, second = choose(lessons, OCCASION)
    assert (first.lesson.item.id, first.why.same_kind) == ("kind and tag", True)
    assert (first.why.tags, first.why.sectors) == (("pumps",), ("water",))
    assert (second.lesson.item.id, second.why.tags) == ("kind", ())


def test_what_somebody_sent_themselves_is_not_asked_about_before_a_month_is_over() -> None:
    mine = lesson("mine", contributors=("ann",), submitted_at=NOW - UNASKED + timedelta(minutes=1))
    assert choose([mine], OCCASION) == []
    assert len(choose([mine], replace(OCCASION, now=NOW + timedelta(minutes=1)))) == 1


def test_the_sentence_shown_is_the_advice_and_else_what_happened_word_for_word() -> None:
    item = lesson("x").item
    assert one_sentence(item) == "Fridges failed."
    assert one_sentence(replace(item, advice="Ask drivers. Then order.")) == "Ask drivers."
    assert one_sentence(replace(item, description="x")) == ""


PHRASES = Phrases(
    verdicts={
        Verdict.STILL_TRUE: ("still true", "仍然成立", "ما زال صحيحاً"),
        Verdict.CHANGED: ("changed", "по-другому"),
        Verdict.NO_LONGER: ("no longer",),
        Verdict.ACTED: ("we acted on it",),
    },
    everything=("all", "全部"),
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1 still true, 2 changed", {1: Verdict.STILL_TRUE, 2: Verdict.CHANGED}),
        (
            "1, 3: Still true; 2. We acted on it!",
            {1: Verdict.STILL_TRUE, 3: Verdict.STILL_TRUE, 2: Verdict.ACTED},
        ),
        ("All still true", dict.fromkeys((1, 2, 3), Verdict.STILL_TRUE)),
        ("1仍然成立，2 по-другому", {1: Verdict.STILL_TRUE, 2: Verdict.CHANGED}),
        ("١ ما زال صحيحا", {1: Verdict.STILL_TRUE}),
        ("2 changed because the road was closed", None),
        ("4 still true", None),
        ("still true", None),
        ("In 2 districts the pumps stood still", None),
        ("1", None),
        ("", None),
    ],
)
def test_verdicts_are_understood_as_a_whole_or_not_at_all(
    text: str, meant: dict[int, Verdict] | None
) -> None:
    assert PHRASES.spoken(text, most=3) == meant


def test_of_one_lesson_the_verdict_alone_will_do() -> None:
    assert PHRASES.spoken("Still true.", most=1) == {1: Verdict.STILL_TRUE}


# What comes of the answers --------------------------------------------------------------------------------

TODAY = date(2026, 11, 22)
ANSWERS = st.lists(
    st.builds(
        Answer,
        verdict=st.sampled_from(Verdict),
        office=st.sampled_from(["CO-BEL", "CO-ARD", "CO-CAS"]),
        on=st.dates(date(2025, 1, 1), TODAY),
        words=st.sampled_from(["", "We wrote to the depot."]),
        settled=st.booleans(),
    ),
    max_size=8,
)
ITEMS = st.builds(
    lambda effect, review_by: replace(lesson("x").item, effect=effect, review_by=review_by),
    st.sampled_from(Effect),
    st.none() | st.dates(date(2025, 1, 1), date(2030, 1, 1)),
)
RISING = list(Effect)


@given(item=ITEMS, answers=ANSWERS)
def test_what_is_recorded_never_falls_and_is_the_same_when_worked_out_again(
    item: KnowledgeItem, answers: list[Answer]
) -> None:
    once = record(item, answers)
    assert RISING.index(once.effect) >= RISING.index(item.effect)
    assert (once.review_by is None) == (item.review_by is None)
    assert item.review_by is None or (once.review_by or TODAY) >= item.review_by
    assert record(replace(item, effect=once.effect, review_by=once.review_by), answers) == once
    assert once.confirmed_by <= 3


@given(item=ITEMS, answers=ANSWERS)
def test_a_doubt_takes_nothing_away_and_stays_until_a_reviewer_has_looked(
    item: KnowledgeItem, answers: list[Answer]
) -> None:
    doubt = Answer(verdict=Verdict.NO_LONGER, office="CO-ARD", on=TODAY, words="The parts are here now.")
    before, after = record(item, answers), record(item, [*answers, doubt])
    assert (after.effect, after.confirmed_by) == (before.effect, before.confirmed_by)
    assert after.review_by == item.review_by
    assert doubt in held([*answers, doubt]).doubts
    settled = replace(doubt, settled=True)
    assert record(item, [*answers, settled]) == before


def test_a_confirmation_puts_the_review_off_by_two_years_in_its_own_office_and_one_from_elsewhere() -> None:
    item = replace(lesson("x").item, review_by=date(2026, 12, 1))
    said = Answer(verdict=Verdict.STILL_TRUE, office="co-bel", on=TODAY)
    assert record(item, [said]).review_by == date(2028, 11, 21)
    assert record(item, [replace(said, office="CO-ARD")]).review_by == date(2027, 11, 22)
    assert record(replace(item, review_by=None), [said]).review_by is None


def test_acting_on_a_lesson_raises_its_effect() -> None:
    item = lesson("x").item
    acted = Answer(verdict=Verdict.ACTED, office="CO-BEL", on=TODAY)
    assert record(item, [acted]).effect is Effect.ACTION_AGREED
    assert record(item, [replace(acted, words="Spare parts are kept here.")]).effect is Effect.CHANGED
    assert record(item, [replace(acted, office="CO-ARD")]).effect is Effect.CONFIRMED_ELSEWHERE
    said = Answer(verdict=Verdict.STILL_TRUE, office="CO-ARD", on=TODAY)
    stands = record(item, [acted, said, replace(said, on=date(2026, 1, 1))])
    assert (stands.confirmed_by, stands.confirmed_on) == (2, TODAY)
