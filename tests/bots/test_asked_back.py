"""What people ask before they answer anything: what is this, why me, who reads it; then what waits again."""

import pytest
from km365_bots.cards import render
from km365_bots.topics.later import Later

from .chatting import LABELS, STORY, Chat, Office, interview


@pytest.mark.parametrize("said", ["what is this?", "What's this about?", "who are you"])
async def test_at_an_invitation_it_says_what_it_is_and_asks_again(chat: Chat, said: str) -> None:
    await chat.is_invited()
    await chat.says(said)
    chat.heard("I am km365", "You decide what you say", "Mid-term review: what we learned", "Say “start”")


async def test_why_one_is_asked_is_said_at_every_step(chat: Chat) -> None:
    await chat.says("why me?")
    chat.heard("Just now I ask you nothing")
    await chat.is_invited()
    await chat.says("Why me?")
    chat.heard("Because of Ardania, mid-term review", "You may say no", "Say “start”")
    await chat.says("start")
    await chat.says("why are you asking me this?")
    chat.heard("Because of Ardania", "1 of 8")


async def test_a_leaver_is_told_that_it_is_for_who_follows(chat: Chat) -> None:
    await chat.is_invited("handover")
    await chat.says("why me")
    chat.heard("about to leave your post")


@pytest.mark.parametrize("said", ["How long is it kept?", "Will my boss see it?", "Do I have to?"])
async def test_a_question_at_the_consent_is_answered_and_consent_asked_again(
    chat: Chat, office: Office, said: str
) -> None:
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says(said)
    chat.heard("how long it is kept stands here", "only after your yes", "Before we start", "twelve months")
    assert (await interview(office)).consented_at is None
    await chat.says("who reads this?")
    chat.heard("Most are for your successor and your supervisor only", "Before we start")
    await chat.says("yes")
    chat.heard("1 of ")


async def test_distress_in_a_question_at_the_consent_is_heard(chat: Chat) -> None:
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says("I want to kill myself, do you understand?")
    chat.heard("I am sorry that things are so hard")
    chat.not_heard("Before we start")


async def test_en_francais(chat: Chat, office: Office) -> None:
    office.languages["ann"] = "fr"
    await chat.is_invited("handover", language="fr")
    await chat.says("C'est quoi ?")
    chat.heard("je suis km365", "Dites «\xa0commencer\xa0»")
    await chat.says("Pourquoi moi ?")
    chat.heard("vous allez quitter votre poste")
    await chat.says("commencer")
    await chat.says("Combien de temps est-ce gardé ?")
    chat.heard("Je ne commence qu'après votre oui", "douze mois")


async def test_in_arabic(chat: Chat, office: Office) -> None:
    office.languages["ann"] = "ar"
    await chat.is_invited(language="ar")
    await chat.says("ما هذا؟")
    chat.heard("أنا km365", "قولوا «ابدأ»")
    await chat.says("لماذا أنا؟")
    chat.heard("وقد عدّتكم منهم")


async def test_who_puts_off_beyond_the_day_it_is_due_is_told_that_day(chat: Chat, office: Office) -> None:
    office.topics = [Later()]
    await chat.is_invited()
    await chat.says("start")
    await chat.says("later on 20 March")
    chat.heard("come back to you on Friday", "answers are due by 9 March 2026, which is before that")
    await chat.says("later on Friday")
    chat.not_heard("due by")


async def test_a_draft_that_lacks_its_story_says_which_part_and_why(chat: Chat) -> None:
    await chat.is_invited()
    for text in ("start", "1", STORY, "show my draft", "2: -", "send"):
        await chat.says(text)
    chat.heard("It cannot be sent yet: “What happened” is empty, and nobody would understand the rest")


async def test_the_choices_of_a_card_bear_the_numbers_that_can_be_typed(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    field = next(part for part in render(chat.card, LABELS)["body"] if part["type"] == "Input.ChoiceSet")
    assert [choice["title"][:3] for choice in field["choices"]] == ["1 ·", "2 ·", "3 ·", "4 ·"]
    for text in ("1", STORY, "show my draft"):
        await chat.says(text)
    fields = {part["id"]: part for part in render(chat.card, LABELS)["body"] if "errorMessage" in part}
    assert fields["description"]["errorMessage"].startswith("“What happened” is empty, and is needed to send")


async def test_at_a_groups_draft_all_answers_are_spoken_of(chat: Chat) -> None:
    await chat.is_invited("group_reflection")
    for text in ("start", "yes", STORY, "show my draft", "who reads this?"):
        await chat.says(text)
    chat.heard("Your answers are read by: nobody, as you wrote it")
    chat.not_heard("This answer")
