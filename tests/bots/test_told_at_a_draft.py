"""Own words typed while a draft lies before the person: more of it, another lesson, or nothing."""

import pytest
from km365_bots.topics.tell import Tell

from km365.core.interviews import InterviewState
from km365.core.languages import LANGUAGES
from km365.services.tell import Linked

from .chatting import CATALOGUE, STORY, Chat, Office, interview

MORE = "I forgot: the drivers' union had warned us in November."


async def no_documents(text: str, person_id: str) -> list[Linked]:
    return []


@pytest.fixture
def office(office: Office) -> Office:
    office.topics = [Tell(no_documents)]
    return office


async def drafts(chat: Chat) -> None:
    await chat.is_invited()
    for text in ["start", "1", STORY, "show my draft"]:
        await chat.says(text)


@pytest.mark.parametrize("said", ["yes", "add it"])
async def test_what_was_forgotten_is_added_to_what_happened(chat: Chat, office: Office, said: str) -> None:
    await drafts(chat)
    await chat.says(MORE)
    chat.heard("Shall I add this to your draft?", "“another lesson” or “leave it”")
    chat.not_heard("I did not keep that")
    await chat.says("And nobody asked them again before the rains came.")
    chat.heard("I have added that", "Shall I add this to your draft?")
    await chat.says(said)
    chat.heard("Changed.", MORE, "before the rains came")
    assert (await interview(office)).edits["description"].startswith(f"{STORY}\n\n{MORE}\n\n")


async def test_it_may_be_another_lesson_or_nothing_by_cards(chat: Chat, office: Office) -> None:
    await drafts(chat)
    await chat.says(MORE)
    await chat.presses("drop")
    chat.heard("I kept nothing of it")
    assert (await interview(office)).edits == {}
    await chat.says(MORE)
    await chat.presses("make")
    chat.heard("I put your words, unchanged, under", "stays open")


async def test_after_the_draft_was_sent_it_can_only_be_another_lesson(chat: Chat, office: Office) -> None:
    await drafts(chat)
    await chat.says(MORE)
    offer = chat.card
    await chat.says("send")
    await chat.presses("add", card=offer)
    chat.heard("Shall I make a lesson of this?")
    assert (await interview(office)).state is not InterviewState.DRAFT


async def test_a_few_words_and_what_belongs_elsewhere_are_no_part_of_it(chat: Chat) -> None:
    await drafts(chat)
    await chat.says("It is good.")
    chat.heard("I did not keep that")
    await chat.says("My supervisor harassed me in the car on the way to the schools in March.")
    chat.heard("the allegation people")
    chat.not_heard("Shall I add")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_is_added_in_every_language(chat: Chat, office: Office, language: str) -> None:
    office.languages["ann"] = language
    await chat.is_invited(language=language)
    for text in ["start", "1", STORY, "show my draft", MORE]:
        await chat.says(text)
    say = CATALOGUE.get(language).say
    chat.heard(say("tell.draft_title", n=None, turn=0))
    await chat.says(say("tell.button_add", n=None, turn=0))
    assert MORE in (await interview(office)).edits["description"]


@pytest.mark.parametrize("bank", ["handover", "group_reflection"])
async def test_at_another_draft_a_story_is_offered_and_a_few_words_say_where_they_go(
    chat: Chat, office: Office, bank: str
) -> None:
    await chat.is_invited(bank)
    for text in ["start", "yes", STORY, "show my draft", "One more thing."]:
        await chat.says(text)
    chat.heard("I did not keep that. To put it into the draft", "2: new words")
    await chat.says(MORE)
    chat.heard("Shall I make a lesson of this?")
    await chat.says("no")
    chat.heard("I kept nothing of it", "1. ")


async def test_en_francais_quelques_mots_au_brouillon(chat: Chat, office: Office) -> None:
    office.languages["ann"] = "fr"
    await chat.is_invited("handover", language="fr")
    for text in ["commencer", "oui", STORY, "montrer mon projet", "Encore une chose."]:
        await chat.says(text)
    chat.heard("Je ne l'ai pas gardé. Pour l'ajouter au projet")
