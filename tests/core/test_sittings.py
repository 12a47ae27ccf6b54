"""An interview whose sittings were planned: what is asked when, and when it rests until the next."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core.interviews import Interview, InterviewState, Part, asked, from_json, to_json
from km365.core.notes import Note
from km365.core.questions import Bank
from km365.core.said import Said, Verb
from km365.core.turns import Turn, step
from km365.documents.questions import Banks
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANK: Bank = Banks(Templates()).get("handover", "en")
LONG = "The district offices wait for our letter every April, and nobody else knows whom to call."
PLAN = (("lesson", "watch"), ("role", "more"), ("people",))


def interview(*, days: int = 7, parts: tuple[tuple[str, ...], ...] = PLAN) -> Interview:
    return Interview(
        id="i1",
        key="k",
        bank="handover",
        person_id="ann",
        language="en",
        state=InterviewState.OPEN,
        created_at=NOW,
        changed_at=NOW,
        consented_at=NOW,
        parts=tuple(
            Part(on=(NOW + timedelta(days=n * days)).date(), at=NOW + timedelta(days=n * days), questions=ids)
            for n, ids in enumerate(parts)
        ),
    )


def said(before: Interview, verb: Verb = Verb.ANSWER, *, at: datetime = NOW) -> Turn:
    return step(before, BANK, Said(verb=verb, text=LONG if verb is Verb.ANSWER else ""), at)


def test_only_what_was_planned_is_asked_and_in_that_order() -> None:
    assert [one.id for one in asked(interview(), BANK)] == ["lesson", "watch", "role", "more", "people"]


def test_after_a_sitting_it_rests_until_the_day_of_the_next() -> None:
    first = said(interview())
    assert first.interview.state is InterviewState.OPEN
    second = said(first.interview)
    assert second.interview.state is InterviewState.PAUSED and Note.BREAK in second.notes
    assert second.interview.wake_at == NOW + timedelta(days=7)
    went_on = said(second.interview, Verb.RESUME)
    assert went_on.prompt.question and went_on.prompt.question.id == "role", "who wants to goes on before"
    assert went_on.interview.wake_at is None
    third = said(went_on.interview)
    assert third.interview.state is InterviewState.OPEN, "the sitting has begun"


def test_who_is_late_is_offered_a_break_and_reminded_of_nothing() -> None:
    late = NOW + timedelta(days=40)
    found = said(said(interview(), at=late).interview, at=late)
    assert (found.interview.state, found.interview.wake_at) == (InterviewState.PAUSED, None)


def test_a_question_that_was_skipped_ends_a_sitting_as_well_and_the_last_one_leads_to_the_draft() -> None:
    found = said(interview(parts=(("role",), ("more",))), Verb.SKIP)
    assert found.interview.state is InterviewState.PAUSED
    found = said(said(found.interview, Verb.RESUME).interview)
    assert found.interview.state is InterviewState.DRAFT


@settings(max_examples=25)
@given(st.permutations([one.id for one in BANK.questions]), st.integers(1, 8))
def test_whatever_the_plan_each_question_is_asked_once_and_no_sitting_is_longer_than_planned(
    order: list[str], size: int
) -> None:
    planned = tuple(tuple(order[n : n + size]) for n in range(0, len(order), size))
    going, heard, sittings = interview(parts=planned), [], [0]
    while going.state is not InterviewState.DRAFT:
        if going.state is InterviewState.PAUSED:
            going, _ = said(going, Verb.RESUME).interview, sittings.append(0)
        turn = step(going, BANK, Said(verb=Verb.SKIP), NOW)
        heard.append(turn.interview.answers[-1].question)
        sittings[-1] += 1
        going = turn.interview
    assert heard == order and sittings == [len(part) for part in planned]


def test_a_plan_is_kept_with_the_interview_and_one_of_before_has_none() -> None:
    found = interview()
    assert from_json(to_json(found)) == found
    before = to_json(found)
    del before["parts"]
    assert from_json(before) == replace(found, parts=())
    assert found.parts[1].on == date(2026, 3, 9)
