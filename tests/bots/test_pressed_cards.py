"""Cards pressed twice, late, in another chat or forged, and the text beside each."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from km365_bots.cards import render

from km365.core.interviews import ConfirmKind, InterviewState
from km365.core.languages import LANGUAGES
from km365.services import interview as service

from .chatting import BANKS, LABELS, STORY, Chat, Office, interview


async def test_a_card_that_holds_too_much_comes_back_with_it(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    old = chat.card
    await chat.says("1")
    await chat.says("Too late.")
    await chat.presses("answer", {"answer": "x" * 19_990, "audience": "O"})
    chat.heard("still in the card")
    assert chat.card.data["value"] == "x" * 5_000
    await chat.presses("answer", {"answer": "词" * 20_001})
    assert set(chat.card.data["value"]) == {"词"}
    assert (await interview(office)).answers[1].text == "Too late."
    await chat.says("skip")
    await chat.presses("answer", {"answer": "x" * 20_001}, card=replace(old))
    assert [reply.replaces for reply in chat.replies] == [None]


async def test_a_card_pressed_twice_is_answered_once(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = chat.card
    await chat.presses("answer", {"answer": "partnership"}, card=card, activity="same")
    await chat.presses("answer", {"answer": "partnership"}, card=card, activity="same")
    chat.heard("I have that already", "2 of 8")
    await chat.presses("answer", {"answer": "partnership"}, card=card)
    chat.heard("I have that already", "2 of 8")
    assert len((await interview(office)).answers) == 1


async def test_an_old_card_answered_anew_changes_that_answer(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = chat.card
    await chat.presses("answer", {"answer": "partnership"})
    await chat.says(STORY)
    await chat.presses("answer", {"answer": "operational"}, card=card)
    chat.heard("I changed your earlier answer", "3 of 8")
    assert (await interview(office)).answers[0].choice == "operational"


@pytest.mark.parametrize("verb", ["agree", "decline", "send", "discard", "back", "change", "edit"])
async def test_an_old_card_decides_nothing_any_more(chat: Chat, office: Office, verb: str) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = chat.card
    await chat.says("1")
    before = await interview(office)
    await chat.presses(verb, {"title": "x"}, card=card)
    chat.heard("That card is from before", "2 of 8")
    assert await interview(office) == before


async def test_somebody_elses_card_does_nothing(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    ben = Chat(office=office, person="ben")
    await ben.presses("answer", {"answer": "partnership"}, card=chat.card)
    ben.heard("not made for this chat")
    assert (await interview(office)).answers == ()


async def test_somebody_elses_invitation_does_nothing(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    ben = Chat(office=office, person="ben")
    await ben.presses("start", card=chat.card)
    ben.heard("not made for this chat")
    assert await service.current(office.db, BANKS, "ben", ended=True) is None


async def test_a_card_with_another_question_written_in_is_forged(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = replace(chat.card, question="story")
    await chat.presses("answer", {"answer": STORY}, card=card)
    chat.heard("not made for this chat")
    assert (await interview(office)).answers == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
known = st.sampled_from(["verb", "interview", "question", "token", "answer", "audience", "change", "title"])
hostile = st.dictionaries(known | st.text(max_size=8), anything | st.sampled_from(["i1", "send", "start"]))


@given(st.lists(hostile, min_size=1, max_size=10))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_whatever_a_card_sends_is_answered(chat: Chat, values: list[dict[str, object]]) -> None:
    for value in values:
        await chat.sends(value)
        assert len(chat.replies) >= 1
        await chat.sends({"verb": "answer", "interview": "i1", "token": "1.0.x", **value})
        chat.heard("not made for this chat")


async def test_a_card_gives_way_to_the_answer_given_on_it(chat: Chat) -> None:
    await chat.is_invited()
    await chat.presses("start")
    assert [reply.replaces for reply in chat.replies] == ["card"]
    await chat.presses("answer", {"answer": "operational"})
    first, second = chat.replies
    assert (first.replaces, second.replaces) == ("card", None)
    assert first.card
    assert first.card.name == "notice"
    assert "Operations" in first.card.data["text"]


async def test_every_card_says_the_same_in_text(chat: Chat) -> None:
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says("yes")
    await chat.says("skip")
    await chat.says(STORY)
    await chat.says("show my draft")
    assert {card.name for card in chat.cards} == {"invitation", "consent", "question", "note"}
    (note,) = (reply for reply in chat.replies if reply.card)
    assert note.card
    for section in note.card.data["sections"]:
        assert section["heading"] in note.text
        assert all(line in note.text for line in section["lines"])


async def test_in_a_break_the_draft_is_shown_before_the_last_question(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.presses("answer", {"answer": "partnership"})
    await chat.presses("answer", {"answer": STORY})
    await chat.presses("pause")
    await chat.presses("draft")
    chat.heard("Your draft", STORY)
    assert (await interview(office)).state is InterviewState.DRAFT
    (go_on,) = (one for one in render(chat.card, LABELS)["actions"] if one["title"] == "More questions")
    await chat.presses(go_on["verb"])
    chat.heard("3 of 8")
    for _ in range(10):
        await chat.says("skip")
    chat.heard("Your draft")
    assert not [one for one in render(chat.card, LABELS)["actions"] if one["title"] == "More questions"]


async def test_in_a_break_starting_over_asks_for_a_second_yes(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.presses("answer", {"answer": "partnership"})
    await chat.presses("pause")
    card = chat.card
    await chat.presses("start_over")
    chat.heard("would be deleted")
    await chat.presses("decline")
    assert (await interview(office)).answers
    await chat.presses("start_over", card=card)
    chat.heard("That card is from before")
    await chat.presses("start_over")
    await chat.presses("agree")
    chat.heard("1 of 8")
    assert (await interview(office)).answers == ()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_card_of_a_break_has_at_most_six_buttons(chat: Chat, office: Office, language: str) -> None:
    office.languages["ann"] = language
    await chat.is_invited(language=language)
    await chat.presses("start")
    await chat.presses("pause")
    assert chat.card.data["more"] == [], "nothing was said yet"
    await chat.presses("start")
    await chat.presses("answer", {"answer": "partnership"})
    await chat.says(LABELS.get(language, "pause"))
    actions = render(chat.card, LABELS)["actions"]
    verbs = ["start", "later", "draft", "start_over", "decline"]
    assert [one["verb"] for one in actions] == verbs
    await chat.says(actions[2]["title"])
    assert (await interview(office)).state is InterviewState.DRAFT
    await chat.says(actions[3]["title"])
    confirming = (await interview(office)).confirming
    assert confirming is not None and confirming.kind is ConfirmKind.START_OVER
