"""An answer gone back to is replaced knowingly or not at all, and a story told at a choice is kept."""

import pytest
from km365_bots.cards import render

from .chatting import LABELS, STORY, Chat, Office, interview

NEWER = "The lorries came in April, after the rains, and only nine of the forty schools got their books."


async def goes_back(chat: Chat) -> None:
    await chat.is_invited()
    for text in ("start", "1", STORY, "back"):
        await chat.says(text)


async def story(office: Office) -> str:
    return (await interview(office)).answers[1].text


async def test_what_is_written_after_back_takes_the_place_of_the_answer_and_it_is_said(
    chat: Chat, office: Office
) -> None:
    await goes_back(chat)
    chat.heard("Your answer so far:", STORY, "What you write now takes the place of this answer", "“next”")
    rendered = render(chat.card, LABELS, text="")
    assert "takes the place" in str(rendered["body"])
    await chat.says(NEWER)
    chat.heard("in the place of what you had said: “We expected forty schools", "say “back”", "3 of 8")
    assert await story(office) == NEWER
    await chat.says("back")
    chat.heard(NEWER)
    await chat.says(NEWER)
    chat.heard("What you said before stays as it is")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("What does that mean?", "I did not take that for a new answer"),
        ("no", "I did not take that for a new answer"),
        ("hello", "Hello!"),
        ("Thank you!", "You are welcome."),
        ("yes", "stays as it is"),
        ("next", "stays as it is"),
    ],
)
async def test_a_question_or_a_kind_word_replaces_no_answer(
    chat: Chat, office: Office, said: str, heard: str
) -> None:
    await goes_back(chat)
    await chat.says(said)
    chat.heard(heard)
    assert await story(office) == STORY


async def test_a_greeting_is_greeted_and_what_waits_is_shown(chat: Chat, office: Office) -> None:
    await chat.says("good morning")
    chat.heard("Hello!", "What I can do")
    await chat.is_invited()
    await chat.says("hi")
    chat.heard("Hello!", "Mid-term review")
    await chat.says("start")
    await chat.says("thanks")
    chat.heard("You are welcome.", "1 of 8")
    assert (await interview(office)).answers == ()


async def test_in_arabic(chat: Chat, office: Office) -> None:
    office.languages["ann"] = "ar"
    await chat.is_invited(language="ar")
    for text in ("ابدأ", "1", "كنا ننتظر أربعين مدرسة في آذار ووصلنا إلى تسع لأن الشاحنات تأخرت", "رجوع"):
        await chat.says(text)
    chat.heard("يحلّ محل هذه الإجابة")
    await chat.says("ماذا يعني هذا؟")
    chat.heard("تبقى إجابتكم كما كانت")
    await chat.says("جاءت الشاحنات في نيسان بعد المطر ولم تصل الكتب إلا إلى تسع مدارس فقط")
    chat.heard("مكان ما كنتم قد قلتموه: «كنا ننتظر أربعين مدرسة")


async def test_a_story_told_at_a_choice_is_kept_and_said_to_be(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says(STORY)
    chat.heard("I keep this as: What happened.", "3 of 8")
    chat.not_heard("we leave that one", "on to the next")
    assert await story(office) == STORY


async def test_en_francais_une_histoire_au_lieu_dun_choix(chat: Chat, office: Office) -> None:
    office.languages["ann"] = "fr"
    await chat.is_invited(language="fr")
    await chat.says("commencer")
    await chat.says("Nous attendions les glacières en mai, mais la route était fermée et rien n'est venu.")
    chat.heard("Merci. Je garde ceci sous\xa0: Ce qui s'est passé")
