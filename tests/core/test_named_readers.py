"""Who reads the most narrow answers of a handover: named, taken away, and what they are left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience, Reader
from km365.core.departures import BANK as LEAVING
from km365.core.interviews import (
    ERASED,
    Answer,
    ConfirmKind,
    Interview,
    InterviewState,
    PromptKind,
    audience_of,
    from_json,
    to_json,
)
from km365.core.named_readers import MOST, for_named, has_expired, left_for, mentioned
from km365.core.notes import Note
from km365.core.said import Said, Verb
from km365.core.turns import Turn, step
from km365.documents.questions import Banks
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANK = Banks(Templates()).get(LEAVING, "en")
TRUST = next(one.id for one in BANK.questions if one.audience is Audience.NAMED)
CLOSE = next(one.id for one in BANK.questions if one.audience is Audience.SUCCESSOR)
WORDS = "Ask twice before you promise them a day."
EVERYBODY = ["oumar", "nomsa", "sue", "ann"]


def handover(*, state: InterviewState = InterviewState.OPEN, named: tuple[str, ...] = ()) -> Interview:
    """Two answers: one that nobody else reads, and one for successor and supervisor."""
    answers = tuple(
        Answer(question=name, text=WORDS, audience=audience, language="en", at=NOW)
        for name, audience in ((TRUST, Audience.NAMED), (CLOSE, Audience.SUCCESSOR))
    )
    return Interview(
        id="h1",
        key="departure:7:ann",
        bank=LEAVING,
        person_id="ann",
        language="en",
        state=state,
        created_at=NOW,
        changed_at=NOW,
        office="CO-BEL",
        answers=answers,
        named=named,
        sent_at=NOW if state in {InterviewState.SENDING, InterviewState.FINISHED} else None,
    )


def say(of: Interview, *said: Said | Verb, at: datetime = NOW) -> Turn:
    for one in said:
        turn = step(of, BANK, one if isinstance(one, Said) else Said(verb=one), at)
        of = turn.interview
    return turn


def names(*readers: str) -> Said:
    return Said(verb=Verb.NAME, readers=readers)


def reads(interview: Interview) -> set[str]:
    return {one for one in EVERYBODY if left_for(interview, Reader(person_id=one, office="CO-BEL"))}


def test_who_is_named_reads_what_is_there_only_after_a_second_yes() -> None:
    asked = say(handover(), names("oumar", "nomsa"))
    assert asked.prompt.kind is PromptKind.CONFIRM and asked.interview.named == ()
    assert mentioned(asked.interview) == ("oumar", "nomsa")
    assert say(asked.interview, Verb.NO).interview.named == ()
    assert say(asked.interview, Verb.YES, at=NOW + timedelta(hours=1)).interview.named == (), "too late"
    yes = say(asked.interview, Verb.YES)
    assert (yes.interview.named, yes.notes) == (("oumar", "nomsa"), (Note.READERS_NAMED,))


def test_where_no_such_answer_is_there_nothing_is_asked() -> None:
    empty = replace(handover(), answers=())
    turn = say(empty, names("oumar"))
    assert (turn.interview.named, turn.notes) == (("oumar",), (Note.READERS_NAMED,))


def test_taking_away_asks_nothing_and_one_more_asks_again() -> None:
    two = handover(named=("oumar", "nomsa"))
    fewer = say(two, names("nomsa"))
    assert (fewer.interview.named, fewer.notes) == (("nomsa",), (Note.READERS_NAMED,))
    nobody = say(two, names())
    assert (nobody.interview.named, nobody.notes) == ((), (Note.READERS_TAKEN_AWAY,))
    other = say(two, names("nomsa", "sue"))
    assert other.interview.named == two.named and other.prompt.kind is PromptKind.CONFIRM
    assert say(other.interview, Verb.YES).interview.named == ("nomsa", "sue")


def test_at_most_five_are_named_and_never_oneself() -> None:
    empty = replace(handover(), answers=())
    many = say(empty, names("ann", "a", "a", "b", "c", "d", "e", "f")).interview.named
    assert many == ("a", "b", "c", "d", "e") and len(many) == MOST


@pytest.mark.parametrize("state", [InterviewState.SENDING, InterviewState.FINISHED])
def test_once_it_was_sent_readers_can_only_be_taken_away(state: InterviewState) -> None:
    sent = handover(state=state, named=("oumar", "nomsa"))
    assert say(sent, names("oumar", "nomsa", "sue")).interview == sent
    assert say(sent, names("nomsa")).interview.named == ("nomsa",)
    assert say(sent, names()).interview.named == ()


@pytest.mark.parametrize(
    "state", [InterviewState.INVITED, InterviewState.DECLINED, InterviewState.WITHDRAWN, InterviewState.OVER]
)
def test_nobody_is_named_where_nothing_is_under_way(state: InterviewState) -> None:
    assert say(handover(state=state), names("oumar")).interview.named == ()


def test_only_in_a_handover_of_ones_own_somebody_can_be_named() -> None:
    for bank in ("post_left", "midterm_review"):
        other = Banks(Templates()).get(bank, "en")
        turn = step(replace(handover(), bank=bank, answers=()), other, names("oumar"), NOW)
        assert (turn.interview.named, turn.notes) == ((), (Note.NOT_NOW,))


def test_with_readers_named_only_me_is_asked_about_once_more() -> None:
    named = handover(named=("oumar",))
    turn = say(named, Said(verb=Verb.AUDIENCE, question=CLOSE, audience=Audience.NAMED))
    assert turn.prompt.kind is PromptKind.CONFIRM
    about = BANK.question(CLOSE)
    assert about is not None and audience_of(turn.interview, about) is Audience.SUCCESSOR
    assert audience_of(say(turn.interview, Verb.YES).interview, about) is Audience.NAMED


def test_named_readers_read_what_was_sent_once_it_is_filed_and_nobody_else_does() -> None:
    for state in InterviewState:
        filed = handover(state=state, named=("oumar", "nomsa"))
        assert reads(filed) == ({"oumar", "nomsa"} if state is InterviewState.FINISHED else set())
    filed = handover(state=InterviewState.FINISHED, named=("oumar",))
    (said,) = left_for(filed, Reader(person_id="oumar", office=""))
    assert said.question == TRUST, "what successor and supervisor read is in the note"
    assert reads(say(filed, names()).interview) == set()
    changed = replace(filed, answers=tuple(replace(a, at=NOW + timedelta(days=1)) for a in filed.answers))
    assert reads(changed) == set(), "it was not sent as it is"


def test_afterwards_it_has_expired_for_who_was_named() -> None:
    filed = handover(state=InterviewState.FINISHED, named=("oumar",))
    gone = replace(filed, answers=tuple(replace(one, text="") for one in filed.answers))
    assert reads(gone) == set()
    assert has_expired(gone, Reader(person_id="oumar", office=""))
    assert not has_expired(gone, Reader(person_id="sue", office="CO-BEL"))
    assert not has_expired(filed, Reader(person_id="oumar", office=""))


@pytest.mark.parametrize("verb", [Verb.WITHDRAW, Verb.START_OVER])
def test_with_the_answers_the_readers_go(verb: Verb) -> None:
    assert say(handover(named=("oumar",)), verb, Verb.YES).interview.named == ()


def test_who_was_erased_is_named_no_more() -> None:
    mark = f"{ERASED}1234"
    waiting = say(handover(named=("oumar",)), names("oumar", "nomsa")).interview
    assert from_json(to_json(waiting)) == waiting
    kept = to_json(waiting)
    kept["named"], kept["confirming"]["readers"] = [mark, "sue"], [mark, "nomsa"]
    read = from_json(kept)
    assert (read.named, read.confirming and read.confirming.readers) == (("sue",), ("nomsa",))


people = st.lists(st.sampled_from(["oumar", "nomsa", "sue", "ann"]), max_size=4).map(tuple)
said = st.builds(
    Said,
    verb=st.sampled_from(Verb),
    text=st.sampled_from(["", WORDS, "yes"]),
    question=st.sampled_from(["", TRUST, CLOSE]),
    audience=st.none() | st.sampled_from(Audience),
    readers=people,
)


@given(st.lists(said, max_size=8), people, st.sampled_from([InterviewState.OPEN, InterviewState.DRAFT]))
def test_nobody_more_is_named_for_an_answer_that_is_there_without_a_second_yes(
    spoken: list[Said], named: tuple[str, ...], state: InterviewState
) -> None:
    before = replace(handover(state=state), named=tuple(dict.fromkeys(named)))
    for one in spoken:
        turn = step(before, BANK, one, NOW)
        new = set(turn.interview.named) - set(before.named)
        confirm = before.confirming
        agreed = confirm is not None and confirm.kind is ConfirmKind.NAME and new <= set(confirm.readers)
        assert not new or not for_named(before) or agreed
        before = turn.interview
