"""From answers to a draft item and to the sections of a handover note."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from km365.core.audience import Audience
from km365.core.drafting import knowledge_item, left_out
from km365.core.handover_note import note_sections
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.questions import Bank, BankKind, Choice, Question

AT = datetime(2026, 3, 4, 10, tzinfo=UTC)


def question(id_: str, *becomes: str, **more: object) -> Question:
    return Question(id=id_, ask=f"{id_}?", audience=Audience.OFFICE, becomes=becomes, **more)


BANK = Bank(
    id="review",
    kind=BankKind.REFLECTION,
    language="en",
    title="Review",
    invitation="",
    minutes=5,
    questions=(
        question("story", "knowledge.description"),
        question("told", "knowledge.description", "handover.advice"),
        question("next", "knowledge.advice"),
        question(
            "kind",
            "knowledge.perspective",
            choices=(Choice(value="operational", label="How we work"),),
        ),
        question("flight", "handover.work"),
    ),
    sections=(
        ("handover.work", "Work in flight"),
        ("handover.advice", "Advice"),
        ("knowledge.advice", "To others"),
    ),
)


HANDOVER = replace(BANK, kind=BankKind.HANDOVER)


def interview(*answers: tuple[str, str], audience: Audience = Audience.OFFICE, **more: object) -> Interview:
    made = tuple(Answer(question=q, text=t, audience=audience, language="en", at=AT) for q, t in answers)
    return replace(
        Interview(
            id="i1",
            key="k",
            bank="review",
            person_id="p1",
            language="en",
            state=InterviewState.DRAFT,
            created_at=AT,
            changed_at=AT,
            subject="7",
            office="CO-BEL",
            answers=made,
        ),
        **more,
    )


def test_a_draft_holds_the_persons_words_under_the_field_each_question_names():
    draft = knowledge_item(
        interview(("story", "It rained."), ("told", "Roads broke."), ("next", "Go early.")), BANK
    )
    assert draft.description == "It rained.\n\nRoads broke."
    assert draft.advice == "Go early."
    assert (draft.title, draft.office, draft.milestone, draft.contributors) == (
        "Go early",
        "CO-BEL",
        "7",
        ("p1",),
    )


def test_drafting_twice_gives_one_item():
    said = interview(("story", "It rained."))
    assert knowledge_item(said, BANK) == knowledge_item(said, BANK)


def test_the_persons_edit_goes_before_the_answer():
    said = interview(("next", "Go early."), edits={"title": "Leave at dawn", "advice": "Go at five."})
    draft = knowledge_item(said, BANK)
    assert (draft.title, draft.advice) == ("Leave at dawn", "Go at five.")


def test_a_choice_becomes_the_fields_value_in_every_language():
    said = interview(("story", "x"))
    chosen = Answer(
        question="kind",
        text="Cómo trabajamos",
        choice="operational",
        audience=Audience.OFFICE,
        language="es",
        at=AT,
    )
    draft = knowledge_item(replace(said, answers=(*said.answers, chosen)), BANK)
    assert draft.perspective == "operational"


def with_next(audience: Audience) -> Interview:
    said = interview(("story", "x"), audience=Audience.EVERYONE)
    more = Answer(question="next", text="Only this.", audience=audience, language="en", at=AT)
    return replace(said, answers=(*said.answers, more))


def test_a_draft_is_read_by_those_who_may_read_each_answer_in_it():
    assert knowledge_item(with_next(Audience.EVERYONE), BANK).audience is Audience.EVERYONE
    assert knowledge_item(with_next(Audience.OFFICE), BANK).audience is Audience.OFFICE


@pytest.mark.parametrize("audience", [Audience.SUCCESSOR, Audience.NAMED, Audience.UNRECORDED])
def test_what_fewer_than_the_office_may_read_is_in_no_item(audience):
    item = knowledge_item(with_next(audience), BANK)
    assert "Only this." not in str(item)
    assert item.audience is Audience.EVERYONE
    assert bool(left_out(with_next(audience), BANK)) == (audience is not Audience.UNRECORDED)


def test_a_lesson_beside_a_note_is_worded_as_the_note_is():
    said = interview(("told", "Roads broke; Maya forgot the key."), edits={"told": "- Roads broke."})
    item = knowledge_item(said, HANDOVER)
    assert item.description == "- Roads broke."
    assert "Maya" not in str((item, note_sections(said, HANDOVER)))


def test_a_note_has_only_what_successor_and_supervisor_may_read():
    said = interview(("flight", "- The order waits.\n\n• Call the agent."), ("told", "Ask Maya."))
    secret = Answer(question="told", text="Only for R.", audience=Audience.NAMED, language="en", at=AT)
    assert [(s.heading, tuple(line.text for line in s.lines)) for s in note_sections(said, BANK)] == [
        ("Work in flight", ("The order waits.", "Call the agent.")),
        ("Advice", ("Ask Maya.",)),
    ]
    narrowed = replace(said, answers=(said.answers[0], secret))
    assert [s.heading for s in note_sections(narrowed, HANDOVER)] == ["Work in flight"]
    assert [one.id for one in left_out(narrowed, HANDOVER)] == ["told"]
