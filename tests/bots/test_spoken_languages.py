"""In which language the bot speaks, and that it says the whole way in each; what it sends by itself."""

import pytest
from km365_bots.conversation import compose

from km365.core.languages import LANGUAGES
from km365.errors import InputRefused
from km365.store.outbox import Message

from .chatting import ANSWERS, CATALOGUE, STORY, Chat, Office, interview


async def test_a_language_can_be_changed_in_the_middle(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("العربية")
    chat.heard("من الآن فصاعداً أكتب بالعربية", "1 من 8")
    assert chat.card.language == "ar"
    await chat.says("تخطٍّ")
    chat.heard("2 من 8")
    assert (await interview(office)).language == "ar"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_whole_way_is_spoken_in_every_language(office: Office, language: str) -> None:
    chat = Chat(office=office)
    office.languages["ann"] = f"{language}-XX"
    commands = CATALOGUE.vocabulary.commands[language]
    await chat.is_invited(language=language)
    await chat.says(commands["start"][0])
    await chat.says("1")
    for text in ANSWERS.values():
        await chat.says(text)
    chat.heard(str(CATALOGUE.get(language).texts["prompt.draft_title"]))
    await chat.says(commands["send"][0])
    chat.heard(str(CATALOGUE.get(language).texts["prompt.finished_title"]))
    assert len(office.sent) == 1
    assert {card.language for card in chat.cards} == {language}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_edited_answer_stays_as_it_was_and_the_way_to_change_it_is_told(
    office: Office, language: str
) -> None:
    chat = Chat(office=office)
    office.languages["ann"] = language
    commands = CATALOGUE.vocabulary.commands[language]
    await chat.is_invited(language=language)
    await chat.says(commands["start"][0])
    await chat.says("1")
    await chat.says(STORY)
    before = await interview(office)
    await chat.edits(f"{STORY} Or ten.")
    chat.heard(str(CATALOGUE.get(language).texts["chat.edited"]), commands["back"][0])
    assert await interview(office) == before


async def test_the_language_is_the_profiles_then_the_chats(office: Office) -> None:
    chat = Chat(office=office, locale="ru-RU")
    await chat.is_installed()
    chat.heard("Здравствуйте")
    office.languages["ben"] = "es"
    other = Chat(office=office, person="ben", locale="ru-RU")
    await other.is_installed()
    other.heard("Hola")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("card", "data", "words"),
    [
        ("lesson_decided", {"title": "Order early", "decision": "returned", "reason": "When?"}, "When?"),
        ("lesson_decided", {"title": "Order early", "decision": "odd", "reason": ""}, "Order early"),
        ("lesson_decided", {"title": "Order early", "decision": "published", "reason": ""}, "Order early"),
        ("lesson_decided", {"title": "Order early", "decision": "superseded", "reason": "Old"}, "Old"),
        ("lesson_answered", {"title": "Order early", "item": "KM-1", "asked": "When?"}, "return KM-1"),
        ("term_decided", {"title": "Floods", "decision": "accepted", "reason": ""}, "Floods"),
        ("term_decided", {"title": "Floods", "decision": "declined", "reason": "Too wide"}, "Too wide"),
        (
            "invitation",
            {"bank": "midterm_review", "title": "Review", "subject": "m:1", "reminder": 1},
            "Review",
        ),
    ],
)
def test_what_the_bot_sends_by_itself_is_put_into_words(
    office: Office, language: str, card: str, data: dict[str, object], words: str
) -> None:
    message = Message(key="k", person_id="ann", card=card, data=data, language=language, reason="r")
    reply = compose(office.parts(), message)
    assert words in reply.text
    assert reply.card
    assert reply.card.language == language


def test_a_message_of_no_known_kind_is_refused_by_name(office: Office) -> None:
    message = Message(key="k", person_id="ann", card="surprise", data={}, language="en", reason="r")
    with pytest.raises(InputRefused, match="surprise"):
        compose(office.parts(), message)
