"""Which of a leaver's answers are proposed as lessons, and how they would read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core.audience import Audience, narrower
from km365.core.drafting import knowledge_item
from km365.core.found_lessons import MOST, Found, begun, found
from km365.core.interviews import Answer, Interview, InterviewState, current
from km365.core.questions import SENSITIVE
from km365.documents.coach import CoachWords
from km365.documents.questions import Banks
from km365.errors import TemplateError
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANKS = Banks(Templates())
COACH = CoachWords.read(Templates()).coach
CASH = (
    "In 2024 we paid teachers through the phone company, and half of them got nothing for three months, "
    "because the agents had no cash in the villages. My advice: ask the agents before you sign."
)
FERRY = (
    "In March 2025 the ford was closed and two lorries stood at the river. I called the ferry owner, because "
    "he knows the water. Next time I would call him in February."
)
ORDER = "Ask the drivers before you order. In 2023 we ordered in January, and the road closed in February."
ARABIC = (
    "في عام 2024 حاولنا دفع رواتب المعلمين عبر شركة الهاتف، ولم يستلم نصفهم رواتبهم ثلاثة أشهر، لأن الوكلاء "
    "لم يكن لديهم نقد. نصيحتي: اسألوا الوكلاء قبل توقيع العقد."
)
ALL, OFFICE, FEW = Audience.EVERYONE, Audience.OFFICE, Audience.SUCCESSOR


def handover(
    said: Mapping[str, tuple[Audience, str]], *, language: str = "en", state: str = "draft"
) -> Interview:
    """A handover in which this was answered, and the rest passed over."""
    bank = BANKS.get("handover", language)
    return Interview(
        id="h1",
        key="departure:7:ann",
        bank=bank.id,
        person_id="ann",
        language=language,
        state=InterviewState(state),
        created_at=NOW,
        changed_at=NOW,
        subject="7",
        office="CO-BEL",
        answers=tuple(
            Answer(
                question=question.id,
                text=said[question.id][1] if question.id in said else "",
                audience=said[question.id][0] if question.id in said else question.audience,
                language=language,
                at=NOW,
                skipped=question.id not in said,
            )
            for question in bank.questions
        ),
    )


def looked_at(interview: Interview) -> dict[str, Found]:
    language = interview.language
    some = found(interview, BANKS.get("handover", language), BANKS.get("lesson", language), COACH)
    return {one.question: one for one in some}


def test_what_happened_why_and_what_to_do_is_found_and_reads_like_a_told_lesson() -> None:
    one = looked_at(handover({"failed": (OFFICE, CASH)}))["failed"]
    assert one.item.title == "Ask the agents before you sign"
    assert one.item.description.startswith("In 2024 we paid") and one.item.advice.startswith("My advice")
    assert (one.item.audience, one.item.office, one.wider) == (OFFICE, "CO-BEL", False)


def test_it_is_found_in_arabic_too() -> None:
    assert looked_at(handover({"failed": (OFFICE, ARABIC)}, language="ar"))["failed"].item.advice.startswith(
        "نصيحتي"
    )


def test_an_answer_that_is_advice_gives_its_first_sentence_as_advice() -> None:
    item = looked_at(handover({"lesson": (FEW, ORDER)}))["lesson"].item
    assert item.advice == "Ask the drivers before you order."
    assert item.description == "In 2023 we ordered in January, and the road closed in February."


@pytest.mark.parametrize(
    "text",
    [
        "I check the stamp.",
        "Everybody should plan earlier and coordinate better with all partners in the district.",
        "The ministry brings staff, the bank brings money, and we bring the training of teachers.",
        "In 2024 Mariam Sall, a girl of 13, told us of the latrines, because nobody asked. My advice: ask.",
    ],
)
def test_where_nothing_happened_or_a_child_is_named_nothing_is_proposed(text: str) -> None:
    assert looked_at(handover({"own_checks": (OFFICE, text)})) == {}


@pytest.mark.parametrize("state", ["open", "paused", "withdrawn", "declined"])
def test_nothing_is_looked_for_before_the_last_sitting_is_over(state: str) -> None:
    whole = handover({"failed": (OFFICE, CASH)}, state=state)
    assert looked_at(whole) == {}
    early = replace(handover({"failed": (OFFICE, CASH)}), answers=whole.answers[:-1])
    assert looked_at(early) == {}, "a draft before the last question is not the last sitting"
    assert looked_at(handover({"failed": (OFFICE, CASH)}, state="finished")) != {}


def test_what_successor_and_supervisor_read_would_be_wider_as_a_lesson() -> None:
    one = looked_at(handover({"unusual": (FEW, FERRY)}))["unusual"]
    assert (one.wider, one.item.audience) == (True, OFFICE)


@given(
    st.dictionaries(
        st.sampled_from([q.id for q in BANKS.get("handover", "en").questions]),
        st.sampled_from(list(Audience)),
    )
)
@settings(max_examples=40, deadline=None)
def test_what_is_kept_close_is_never_proposed_and_nobody_reads_more_without_being_asked(
    readers: Mapping[str, Audience],
) -> None:
    bank = BANKS.get("handover", "en")
    proposed = looked_at(handover({name: (one, CASH) for name, one in readers.items()}))
    assert len(proposed) <= MOST
    for name, one in proposed.items():
        question = bank.question(name)
        assert question is not None and question.sensitivity < SENSITIVE
        assert readers[name] in {ALL, OFFICE, FEW}
        assert one.wider or not narrower(readers[name], one.item.audience)


def test_the_lesson_that_goes_with_the_note_is_not_proposed_a_second_time() -> None:
    assert looked_at(handover({"proud": (ALL, CASH)})) == {}
    assert set(looked_at(handover({"proud": (FEW, CASH)}))) == {"proud"}, "it is in no lesson"


def test_what_was_said_to_one_ends_its_proposal_and_brings_no_fourth() -> None:
    told = dict.fromkeys(
        ("failed", "own_checks", "wrong_steps", "surprised", "turning_points"), (OFFICE, CASH)
    )
    first = list(looked_at(handover(told)))
    assert len(first) == MOST
    decided = replace(handover(told), lessons={first[0]: "left"})
    assert list(looked_at(decided)) == first[1:]


def test_its_draft_leads_back_to_no_handover_and_asks_nothing_else() -> None:
    told = handover({"failed": (OFFICE, CASH)})
    one, lessons = looked_at(told)["failed"], BANKS.get("lesson", "en")
    draft = begun(told, lessons, one.words, one.item.audience, interview_id="i9", key="k", at=NOW)
    item = knowledge_item(draft, lessons)
    assert (item.id, item.milestone, item.contributors) == ("KM-i9", "", ("ann",))
    assert current(draft, lessons) is None
    assert "h1" not in str(item)


@pytest.mark.parametrize("wrong", ['audience = "R"', 'audience = "S"\nsensitivity = 3'])
def test_a_bank_cannot_have_lessons_found_in_what_is_kept_close(tmp_path, wrong: str) -> None:
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "handover.toml").write_text(
        f'kind = "handover"\nminutes = 5\n[[question]]\nid = "role"\n{wrong}\n'
        'becomes = ["handover.role"]\nlesson = true\n'
    )
    with pytest.raises(TemplateError, match="'lesson' is not for what is kept close"):
        Banks(Templates(tmp_path)).get("handover", "en")
