"""A draft changed by typing: a part asked again, worded anew, or emptied."""

import pytest

from .chatting import ANSWERS, STORY, Chat, Office, interview


async def drafts(chat: Chat, office: Office, language: str = "en") -> None:
    office.languages["ann"] = language
    await chat.is_invited(language=language)
    begin = {"en": "start", "fr": "commencer", "ar": "ابدأ"}[language]
    for text in (begin, "1", STORY, *list(ANSWERS.values())[1:]):
        await chat.says(text)


@pytest.mark.parametrize("said", ["3", "change 3", "Edit part 3"])
async def test_a_part_is_asked_again(chat: Chat, office: Office, said: str) -> None:
    await drafts(chat, office)
    await chat.says(said)
    chat.heard("particular about the situation", "takes the place of this answer")
    await chat.says("Two southern districts, in the dry season, with three partners and enough fuel.")
    chat.heard(
        "in the place of what you had said: “Two northern districts", "3. Where", "Two southern districts"
    )


@pytest.mark.parametrize("said", ["6: -", "delete part 6", "leave 6 empty", "6: empty"])
async def test_a_part_is_emptied(chat: Chat, office: Office, said: str) -> None:
    await drafts(chat, office)
    chat.heard("To empty one: 6: -", ANSWERS["limits"])
    await chat.says(said)
    chat.heard("Changed.")
    chat.not_heard(ANSWERS["limits"])
    assert (await interview(office)).edits == {"limits": ""}


async def test_a_number_that_no_part_has_is_said_to_be_none(chat: Chat, office: Office) -> None:
    await drafts(chat, office)
    await chat.says("change 12")
    chat.heard("The draft has parts 1 to 7, so I changed nothing.")


async def test_en_francais(chat: Chat, office: Office) -> None:
    await drafts(chat, office, "fr")
    await chat.says("modifier la partie 3")
    chat.heard("prend la place de cette réponse")
    await chat.says("suivant")
    await chat.says("supprimer la partie 6")
    chat.heard("C'est modifié.")
    chat.not_heard(ANSWERS["limits"])


async def test_in_arabic(chat: Chat, office: Office) -> None:
    await drafts(chat, office, "ar")
    await chat.says("احذفوا الجزء ٦")
    chat.heard("تم التغيير.")
    chat.not_heard(ANSWERS["limits"])
