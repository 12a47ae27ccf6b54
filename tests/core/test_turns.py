"""The laws of an interview, on any conversation that people or networks can produce."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core.audience import Audience, narrower
from km365.core.drafting import in_item, knowledge_item
from km365.core.handover_note import note_sections
from km365.core.interviews import (
    MAX_ANSWER_LENGTH,
    ConfirmKind,
    Interview,
    InterviewState,
    PromptKind,
    audience_of,
    current,
    edits_of,
    from_json,
    prompt,
    to_json,
)
from km365.core.notes import Note
from km365.core.questions import Bank, BankKind, Choice, Consent, Question, SkipIf
from km365.core.said import Said, Verb, clean, is_thin
from km365.core.turns import Turn, step

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LONG = "We went to the village twice and nobody had told the nurses."


def question(name: str, **more: object) -> Question:
    return Question(
        **{
            "id": name,
            "ask": f"{name}?",
            "audience": Audience.OFFICE,
            "becomes": ("knowledge.context",),
            **more,
        }  # type: ignore[arg-type]
    )


BANK = Bank(
    id="test",
    kind=BankKind.REFLECTION,
    language="en",
    title="Test",
    invitation="About {subject}",
    minutes=5,
    sitting=3,
    questions=(
        question("side", choices=(Choice(value="a", label="Apples"), Choice(value="b", label="Pears"))),
        question("story", probe="Which one?", becomes=("knowledge.description",)),
        question("after", skip_if=SkipIf(skipped="story")),
        question("advice", audience=Audience.EVERYONE, becomes=("knowledge.advice",)),
        question("pears", skip_if=SkipIf(chose=("side", "a"))),
    ),
)
NOTE = replace(
    BANK,
    kind=BankKind.HANDOVER,
    questions=(
        *(replace(one, becomes=(f"handover.{one.id}", *one.becomes)) for one in BANK.questions),
        question("last", becomes=("handover.story",)),
    ),
    sections=tuple((f"handover.{one.id}", one.ask) for one in BANK.questions),
)
WITH_CONSENT = replace(BANK, consent=Consent(text="t", purpose="p", audience="a", keeping="k"))


def invited() -> Interview:
    return Interview(
        id="i",
        key="k",
        bank="test",
        person_id="ann",
        language="en",
        state=InterviewState.INVITED,
        created_at=NOW,
        changed_at=NOW,
    )


def after(*said: Said | Verb, bank: Bank = BANK, of: Interview | None = None) -> Turn:
    interview = of or step(invited(), bank, Said(verb=Verb.START), NOW).interview
    turn = Turn(interview=interview, prompt=prompt(interview, bank))
    for one in said:
        turn = step(turn.interview, bank, one if isinstance(one, Said) else Said(verb=one), NOW)
    return turn


def answer(text: str, **more: object) -> Said:
    return Said(verb=Verb.ANSWER, text=text, **more)  # type: ignore[arg-type]


def heart(interview: Interview) -> Interview:
    """The interview without what every turn may move."""
    return replace(interview, step=0, heard=(), changed_at=NOW)


texts = st.text(max_size=60) | st.sampled_from(["1", "Pears", LONG, "x" * (MAX_ANSWER_LENGTH + 1), "\x00\n"])
said = st.builds(
    Said,
    verb=st.sampled_from(Verb),
    text=texts,
    question=st.sampled_from(["", "side", "story", "story+", "after", "advice", "pears", "nowhere"]),
    audience=st.none() | st.sampled_from(Audience),
    fields=st.dictionaries(st.sampled_from(["title", "description", "story", "advice"]), texts, max_size=3),
    activity_id=st.sampled_from(["", *"abcdefgh"]),
)


@st.composite
def interviews(draw: st.DrawFn) -> Interview:
    interview, bank = invited(), draw(st.sampled_from([BANK, WITH_CONSENT]))
    for verb in draw(st.sampled_from([[], [Verb.START], [Verb.START, Verb.AGREE]])):
        interview = step(interview, bank, Said(verb=verb), NOW).interview
    for one in draw(st.lists(said, max_size=12)):
        interview = step(interview, bank, one, NOW).interview
    return interview


@given(interviews(), said)
def test_any_turn_of_any_interview_has_an_answer(interview: Interview, one: Said) -> None:
    turn = step(interview, BANK, one, NOW)
    assert turn.prompt == prompt(turn.interview, BANK)
    assert from_json(to_json(turn.interview)) == turn.interview


@given(interviews(), said)
def test_the_same_activity_twice_is_the_same_as_once(interview: Interview, one: Said) -> None:
    one = replace(one, activity_id="again")
    once = step(interview, BANK, one, NOW).interview
    if once != interview:
        again = step(once, BANK, one, NOW + timedelta(days=1))
        assert (again.interview, again.notes) == (once, (Note.ALREADY,))


@given(interviews(), st.text(min_size=1, max_size=200).filter(lambda text: clean(text) != ""))
def test_an_answer_that_is_said_to_be_saved_is_there_whole(interview: Interview, text: str) -> None:
    interview = replace(interview, confirming=None)
    turn = step(interview, BANK, answer(text), NOW)
    waiting = current(interview, BANK)
    if turn.notes[:1] == (Note.SAVED,) and waiting and not waiting.choices:
        kept = turn.interview.answer(waiting.id)
        assert kept is not None
        assert kept.text.endswith(clean(text))


@given(interviews(), said)
def test_only_asking_for_it_or_answering_anew_removes_words(interview: Interview, one: Said) -> None:
    turn = step(interview, BANK, one, NOW)
    for before in interview.answers:
        now = turn.interview.answer(before.question)
        if interview.confirming and one.verb in {Verb.YES, Verb.AGREE}:
            continue
        assert now is not None
        assert before.text in now.text or one.verb is Verb.ANSWER


@given(interviews(), said)
def test_nobody_reads_more_without_a_second_yes(interview: Interview, one: Said) -> None:
    turn = step(interview, BANK, one, NOW)
    if interview.confirming and one.verb in {Verb.YES, Verb.AGREE}:
        return
    for question_ in BANK.questions:
        before = audience_of(interview, question_)
        assert not narrower(before, audience_of(turn.interview, question_))


@given(interviews())
def test_going_back_and_on_again_changes_nothing(interview: Interview) -> None:
    interview = replace(interview, confirming=None)
    if interview.state is not InterviewState.OPEN or interview.revisiting:
        return
    back = step(interview, BANK, Said(verb=Verb.BACK), NOW)
    if Note.NOTHING_BEFORE in back.notes:
        return
    forward = step(back.interview, BANK, Said(verb=Verb.SKIP), NOW).interview
    if forward.state is InterviewState.OPEN:
        assert heart(forward) == heart(interview)
    else:
        assert forward.answers == interview.answers


@given(interviews())
def test_no_more_than_a_sitting_is_asked_without_a_break(interview: Interview) -> None:
    if interview.state is InterviewState.OPEN and not (interview.revisiting or interview.probing):
        assert interview.sitting < BANK.sitting


@given(interviews())
def test_nobody_is_reminded_of_a_question_they_are_answering(interview: Interview) -> None:
    assert interview.state is not InterviewState.OPEN or interview.wake_at is None


@given(interviews())
def test_nothing_is_recorded_before_consent(interview: Interview) -> None:
    fresh = replace(invited(), state=InterviewState.CONSENTING)
    assert step(fresh, WITH_CONSENT, answer(LONG), NOW).interview.answers == ()
    assert step(fresh, WITH_CONSENT, answer(LONG, question="story"), NOW).interview.answers == ()


@given(st.lists(said, max_size=25))
@settings(max_examples=60)
def test_a_conversation_comes_to_its_end_whatever_came_before(before: list[Said]) -> None:
    interview = after(*before).interview
    for _ in range(30):
        if interview.state is InterviewState.DRAFT or interview.confirming:
            interview = replace(interview, confirming=None)
        if interview.state in {InterviewState.SENDING, InterviewState.DRAFT}:
            break
        verb = Verb.SKIP if interview.state is InterviewState.OPEN else Verb.START
        interview = step(interview, BANK, Said(verb=verb), NOW).interview
    assert interview.state in {InterviewState.SENDING, InterviewState.DRAFT}


def test_questions_come_one_at_a_time_and_say_how_far() -> None:
    turn = after()
    assert (turn.prompt.kind, turn.prompt.number, turn.prompt.total) == (PromptKind.QUESTION, 1, 5)
    turn = after(answer("2"), of=turn.interview)
    assert turn.prompt.question is BANK.questions[1]
    assert turn.interview.answers[0].choice == "b"


def test_a_choice_settles_which_questions_follow() -> None:
    assert after(answer("apples")).prompt.total == 4
    assert after(answer("Pears")).prompt.total == 5


def test_a_word_that_is_no_choice_is_not_taken_for_one() -> None:
    turn = after(answer("plums"))
    assert (turn.notes, turn.interview.answers) == ((Note.CHOOSE,), ())


def test_a_thin_answer_is_followed_up_once() -> None:
    turn = after(answer("1"), answer("Late start."))
    assert turn.prompt.kind is PromptKind.PROBE
    turn = after(answer("Nurses."), of=turn.interview)
    kept = turn.interview.answer("story")
    assert kept and kept.text == "Late start.\n\nNurses."
    assert turn.prompt.question is BANK.questions[2]
    turn = after(Verb.BACK, answer("Short."), of=turn.interview)
    assert turn.prompt.kind is PromptKind.QUESTION


def test_a_full_answer_is_not_followed_up() -> None:
    assert after(answer("1"), answer(LONG)).prompt.kind is PromptKind.QUESTION


def test_going_back_shows_the_answer_given() -> None:
    turn = after(answer("1"), answer(LONG), Verb.BACK)
    assert turn.prompt.value == LONG


def test_a_sitting_ends_with_a_break_and_goes_on() -> None:
    turn = after(answer("2"), answer(LONG), answer(LONG))
    assert turn.notes == (Note.SAVED, Note.BREAK)
    assert turn.prompt.kind is PromptKind.PAUSED
    turn = after(Verb.RESUME, of=turn.interview)
    assert turn.prompt.question is BANK.questions[3]


def test_an_answer_on_an_earlier_card_changes_that_answer_and_not_the_place() -> None:
    turn = after(answer("1"), answer(LONG), answer("On the card, later, in other words", question="story"))
    assert turn.notes == (Note.EARLIER_CHANGED,)
    assert turn.prompt.question is BANK.questions[2]


def test_an_answer_on_a_card_during_a_break_is_kept() -> None:
    turn = after(answer("1"), Verb.PAUSE, answer(LONG, question="story"))
    assert turn.interview.answer("story") is not None


def test_a_skip_from_an_old_card_skips_nothing() -> None:
    turn = after(answer("1"), Said(verb=Verb.SKIP, question="side"))
    assert turn.notes == (Note.LATE,)
    assert turn.prompt.question is BANK.questions[1]


@pytest.mark.parametrize("length", [MAX_ANSWER_LENGTH, MAX_ANSWER_LENGTH + 1, 30_000])
def test_a_very_long_answer_is_kept_whole_or_not_at_all(length: int) -> None:
    turn = after(answer("1"), answer("x" * length))
    kept = turn.interview.answer("story")
    assert (len(kept.text) if kept else 0) == (length if length <= MAX_ANSWER_LENGTH else 0)


def test_an_answer_narrowed_with_the_answer_needs_no_second_yes() -> None:
    turn = after(answer("1"), answer(LONG, audience=Audience.SUCCESSOR), bank=NOTE)
    assert turn.interview.answers[-1].audience is Audience.SUCCESSOR


def test_fewer_readers_than_the_office_are_in_a_reflection_the_person_alone() -> None:
    turn = after(answer("1"), answer(LONG, audience=Audience.SUCCESSOR))
    assert turn.interview.answers[-1].audience is Audience.NAMED
    turn = after(answer("1"), Said(verb=Verb.AUDIENCE, audience=Audience.SUCCESSOR), answer(LONG))
    assert turn.interview.answers[-1].audience is Audience.NAMED


@pytest.mark.parametrize("bank", [BANK, NOTE])
def test_where_all_stays_with_the_person_there_is_nothing_to_send(bank: Bank) -> None:
    turn = after(answer("1"), answer(LONG, audience=Audience.NAMED), Verb.SKIP, bank=bank)
    hide = [Said(verb=Verb.AUDIENCE, question="side", audience=Audience.NAMED), Verb.DRAFT, Verb.SEND]
    turn = after(*hide, bank=bank, of=turn.interview)
    assert turn.notes == (Note.NOTHING_TO_SEND,)
    assert turn.interview.state is InterviewState.DRAFT
    assert turn.interview.answer("story").text == LONG  # type: ignore[union-attr]


UNSAID = "purple elephants"
REWORDED = st.sampled_from([BANK, NOTE])


@st.composite
def reworded(draw: st.DrawFn) -> tuple[Interview, Bank, Question]:
    """A draft whose answers a person has put in words of their own, one question of it unlike the rest."""
    bank = draw(REWORDED)
    asked = [one for one in bank.questions if not one.choices]
    given = [answer(f"{one.id} {LONG}", question=one.id) for one in asked if draw(st.booleans())]
    interview = after(*given, answer(f"story {LONG}", question="story"), Verb.DRAFT, bank=bank).interview
    one = draw(st.sampled_from([q for q in asked if interview.answer(q.id)]))
    shown = set(edits_of(bank, one)) | (
        {"title"} if bank is BANK and one.id in {"story", "advice"} else set()
    )
    words = Said(verb=Verb.EDIT, fields={key: f"{key} {UNSAID}" for key in shown})
    return after(words, bank=bank, of=interview).interview, bank, one


def sent_of(interview: Interview, bank: Bank) -> str:
    """All that others would read."""
    return str((knowledge_item(interview, bank), note_sections(interview, bank)))


@given(reworded(), st.sampled_from([Audience.NAMED, Audience.UNRECORDED]))
def test_what_is_taken_out_of_the_draft_is_out_in_every_wording(
    one: tuple[Interview, Bank, Question], audience: Audience
) -> None:
    interview, bank, about = one
    assert UNSAID in sent_of(interview, bank)
    narrow = Said(verb=Verb.AUDIENCE, question=about.id, audience=audience)
    turn = after(narrow, Verb.YES, bank=bank, of=interview)
    assert audience_of(turn.interview, about) is audience
    assert UNSAID not in sent_of(turn.interview, bank)
    assert f"{about.id} {LONG}" not in sent_of(turn.interview, bank)


@given(reworded(), st.sampled_from([None, Audience.NAMED, Audience.UNRECORDED]))
def test_answering_again_from_the_draft_takes_effect(
    one: tuple[Interview, Bank, Question], audience: Audience | None
) -> None:
    interview, bank, about = one
    again = answer(f"Anew: {LONG}", audience=audience)
    turn = after(Said(verb=Verb.REVISE, question=about.id), again, bank=bank, of=interview)
    title = turn.interview.edits.get("title")
    assert title is None or audience is None, "it may say what others are not to read"
    assert UNSAID not in sent_of(turn.interview, bank).replace(f"title {UNSAID}", "")
    assert (f"Anew: {LONG}" in sent_of(turn.interview, bank)) is (audience is None)


def test_a_title_of_ones_own_stays_when_an_answer_is_given_again() -> None:
    draft = after(answer("1"), answer(LONG), Verb.DRAFT).interview
    mine = after(Said(verb=Verb.EDIT, fields={"title": "Mine"}), of=draft).interview
    again = after(Said(verb=Verb.REVISE, question="story"), answer(f"Anew: {LONG}"), of=mine).interview
    assert knowledge_item(again, BANK).title == "Mine"
    assert f"Anew: {LONG}" in knowledge_item(again, BANK).description


@given(reworded())
def test_a_question_asked_again_shows_the_words_last_given(one: tuple[Interview, Bank, Question]) -> None:
    interview, bank, about = one
    turn = after(Said(verb=Verb.REVISE, question=about.id), bank=bank, of=interview)
    alone = about.id in {"story", "advice"} or bank is NOTE
    assert (UNSAID in turn.prompt.value) is alone
    assert after(Verb.SKIP, bank=bank, of=turn.interview).interview.edits == interview.edits


@given(interviews(), said)
def test_no_wording_of_an_answer_outlives_a_change_of_it(interview: Interview, one: Said) -> None:
    turn = step(interview, BANK, one, NOW)
    for about in BANK.questions:
        before, now = interview.answer(about.id), turn.interview.answer(about.id)
        if before and now and (now.text != before.text or (not in_item(now) and in_item(before))):
            assert not set(edits_of(BANK, about)) & set(turn.interview.edits)


def test_an_answer_widened_with_the_answer_is_kept_narrow_until_a_second_yes() -> None:
    turn = after(answer("1"), answer(LONG, audience=Audience.EVERYONE))
    assert turn.prompt.confirm and turn.prompt.confirm.kind is ConfirmKind.WIDEN
    assert turn.interview.answers[-1].audience is Audience.OFFICE
    assert after(Verb.YES, of=turn.interview).interview.answers[-1].audience is Audience.EVERYONE
    assert after(Verb.NO, of=turn.interview).interview.answers[-1].audience is Audience.OFFICE


def test_typing_in_a_pause_is_no_answer() -> None:
    turn = after(answer("1"), Verb.PAUSE, answer(LONG))
    assert turn.notes == (Note.NOT_NOW,)
    assert turn.interview.state is InterviewState.PAUSED


def test_a_second_yes_that_comes_much_later_is_not_one() -> None:
    turn = after(answer("1"), answer(LONG, audience=Audience.EVERYONE))
    late = step(turn.interview, BANK, Said(verb=Verb.YES), NOW + timedelta(minutes=16))
    assert late.notes == (Note.CONFIRM_DROPPED,)
    assert late.interview.answers[-1].audience is Audience.OFFICE


def test_an_answer_not_to_be_recorded_is_not() -> None:
    turn = after(answer("1"), answer(LONG, audience=Audience.UNRECORDED))
    assert (turn.notes, turn.interview.answers[-1].text) == ((Note.UNRECORDED,), "")


def test_unrecording_an_answer_asks_first() -> None:
    unrecord = Said(verb=Verb.AUDIENCE, question="story", audience=Audience.UNRECORDED)
    turn = after(answer("1"), answer(LONG), unrecord)
    assert turn.interview.answers[-1].text == LONG
    assert after(Verb.YES, of=turn.interview).interview.answers[-1].text == ""


def test_the_draft_comes_after_the_last_question_and_sending_ends_it() -> None:
    turn = after(answer("1"), Verb.SKIP, answer(LONG))
    assert turn.prompt.kind is PromptKind.DRAFT
    assert after(Verb.SEND, of=turn.interview).notes == (Note.NEEDS_STORY,)
    turn = after(Said(verb=Verb.EDIT, fields={"description": "Other words"}), Verb.SEND, of=turn.interview)
    assert turn.interview.state is InterviewState.SENDING
    assert turn.interview.edits == {"description": "Other words"}
    assert after(Verb.SEND, of=turn.interview).notes == (Note.ON_ITS_WAY,)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.LANGUAGE])
def test_what_was_sent_is_changed_no_more(verb: Verb) -> None:
    draft = after(answer("1"), answer(LONG), Verb.DRAFT).interview
    sending = after(Verb.SEND, of=draft).interview
    begun = replace(sending, begun_at=NOW)
    there = replace(begun, state=InterviewState.FINISHED)
    meant = Said(verb=verb, text=LONG * 2, question="story", audience=Audience.NAMED, fields={"title": "x"})
    assert after(meant, of=begun).notes == (Note.ON_ITS_WAY,)
    assert after(meant, of=begun).interview == begun
    if verb is not Verb.REOPEN:
        assert after(meant, of=there).notes == (Note.ALREADY_SENT,)
        assert after(meant, of=there).interview == there
    if verb is not Verb.WITHDRAW:
        assert after(meant, of=sending).interview == sending


def test_what_was_sent_can_be_withdrawn_before_its_first_word_has_left() -> None:
    sending = after(answer("1"), answer(LONG), Verb.DRAFT, Verb.SEND).interview
    asked = after(Verb.WITHDRAW, of=sending).interview
    assert after(Verb.YES, of=asked).interview.state is InterviewState.WITHDRAWN
    assert after(Verb.NO, of=asked).interview.state is InterviewState.SENDING


def test_what_came_back_is_a_draft_again_that_cannot_be_made_unsent() -> None:
    sent = after(answer("1"), answer(LONG), Verb.DRAFT, Verb.SEND).interview
    there = replace(sent, state=InterviewState.FINISHED, begun_at=NOW)
    draft = after(Verb.REOPEN, of=there)
    assert draft.prompt.kind is PromptKind.DRAFT
    assert after(Verb.START_OVER, of=draft.interview).notes == (Note.ALREADY_SENT,)
    for verb in (Verb.WITHDRAW, Verb.DECLINE):
        put_away = after(verb, of=draft.interview)
        assert put_away.notes == (Note.AS_SENT,)
        assert put_away.interview.state is InterviewState.FINISHED
    again = after(Said(verb=Verb.EDIT, fields={"title": "In June"}), Verb.SEND, of=draft.interview).interview
    assert (again.state, again.edits) == (InterviewState.SENDING, {"title": "In June"})


def test_nothing_is_sent_before_it_was_read() -> None:
    turn = after(answer("1"), answer(LONG), Verb.SEND)
    assert (turn.notes, turn.prompt.kind) == ((Note.READ_FIRST,), PromptKind.DRAFT)


def test_one_question_can_be_answered_again_from_the_draft() -> None:
    turn = after(answer("1"), answer(LONG), Verb.DRAFT, Said(verb=Verb.REVISE, question="story"))
    assert (turn.prompt.kind, turn.prompt.value) == (PromptKind.QUESTION, LONG)


def test_withdrawing_asks_first_and_then_keeps_nothing() -> None:
    turn = after(answer("1"), answer(LONG), Verb.WITHDRAW)
    assert turn.prompt.kind is PromptKind.CONFIRM
    assert turn.interview.answers
    turn = after(Verb.YES, of=turn.interview)
    assert (turn.interview.state, turn.interview.answers) == (InterviewState.WITHDRAWN, ())


def test_who_has_declined_can_change_their_mind() -> None:
    turn = after(answer("1"), Verb.DECLINE)
    assert turn.interview.state is InterviewState.DECLINED
    assert after(Verb.START, of=turn.interview).prompt.question is BANK.questions[1]


def test_later_says_when() -> None:
    turn = after(Verb.LATER)
    assert turn.interview.wake_at == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "thin"), [("Nothing.", True), (LONG, False), ("没有", True), (LONG * 2, False)]
)
def test_thin_is_a_few_words(text: str, thin: bool) -> None:
    assert is_thin(text) is thin


def test_control_characters_do_not_reach_documents() -> None:
    assert clean(" a\x00b\x0bc\r\nd\te ") == "abc\nd\te"
