"""What people type instead of pressing: the words of buttons do what the button does, or are asked back."""

import tomllib

import pytest

from km365.core.audience import Audience
from km365.core.interviews import InterviewState
from km365.core.languages import LANGUAGES
from km365.store import interviews as store

from .chatting import TEMPLATES, Chat, Office, interview

STORY = "We expected the cold boxes in May, but the road was closed and nurses carried them by boat."


def labels(language: str) -> dict[str, str]:
    return tomllib.loads(TEMPLATES.text(f"cards/labels.{language}.toml"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_words_of_a_button_are_never_kept_as_an_answer(
    chat: Chat, office: Office, language: str
) -> None:
    office.languages["ann"] = language
    words = labels(language)
    await chat.is_invited(language=language)
    await chat.says(words["start"])
    await chat.says("1")
    for button in ("send_answer", "agree", "decline", "approve", "discard", "edit", "change"):
        await chat.says(words[button])
        assert (await interview(office)).state is InterviewState.OPEN, button
    assert [answer.question for answer in (await interview(office)).answers] == ["side"]


async def test_no_thank_you_to_a_question_asks_it_again(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("No, thank you!")
    chat.heard("say “skip”", "2 of 8")
    assert len((await interview(office)).answers) == 1


async def test_no_thank_you_to_an_invitation_is_a_no(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("no, thank you")
    assert (await interview(office)).state is InterviewState.DECLINED


async def test_i_agree_is_a_yes_to_what_one_has_read(chat: Chat, office: Office) -> None:
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says("I agree")
    assert (await interview(office)).state is InterviewState.OPEN


async def test_my_successor_and_my_supervisor_are_readers_and_no_answer(chat: Chat, office: Office) -> None:
    await chat.is_invited("handover")
    for said in ["start", "I agree", "only me, for now"]:
        await chat.says(said)
    chat.heard("Done.", "1 of 12")
    await chat.says("only my successor and my supervisor")
    chat.heard("More people would read this answer", "only your successor and your supervisor")
    await chat.says("I agree")
    await chat.says(STORY)
    assert [answer.audience for answer in (await interview(office)).answers] == [Audience.SUCCESSOR]


async def test_a_story_told_at_the_first_question_is_kept(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    chat.heard("1. The programme itself", "2. Operations")
    await chat.says(STORY)
    chat.heard("3 of 8")
    assert [answer.text for answer in (await interview(office)).answers] == ["", STORY]


async def test_the_first_word_of_a_choice_chooses_it(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("operations")
    assert (await interview(office)).answers[0].choice == "operational"


@pytest.mark.parametrize(
    "text",
    [
        "كلمة المرور الخاصة بي هي Summer2026!",
        "Mon chef me harcèle depuis un an et je veux porter plainte",
        "Call Maria on +44 7700 900123, her child Amina aged 6 was abused in Kolda camp",
        "Je suis en dépression",
    ],
)
async def test_nothing_that_belongs_elsewhere_enters_by_a_draft(
    chat: Chat, office: Office, text: str
) -> None:
    await chat.is_invited()
    await chat.says("start")
    for said in ["1", STORY, "show my draft", f"1: {text}", f"2: {text}"]:
        await chat.says(said)
    await chat.presses("edit", {"evidence": text})
    await chat.presses("send", {"title": "Order early", "evidence": text})
    kept = await interview(office)
    assert kept.state is InterviewState.DRAFT
    assert text not in str(kept)
    assert text not in str(await office.db.run(store.answers, kept.id))


async def test_what_only_shows_in_the_whole_draft_is_not_sent(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    for said in ["1", STORY, "show my draft"]:
        await chat.says(said)
    await chat.says("1: Amina, 6 years old, told the nurses")
    await chat.says("2: A child was abused on the way, and the nurses carried on by boat")
    await chat.says("send")
    chat.heard("could be recognised", "the identifiable people")
    assert (await interview(office)).state is InterviewState.DRAFT
    assert office.sent == []
