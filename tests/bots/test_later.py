"""Putting off what was asked, until a moment one chooses: as transcripts, by typing and by card."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from km365_bots.conversation import compose
from km365_bots.topics.later import Later

from km365.core.languages import LANGUAGES
from km365.core.schedule import ALWAYS
from km365.services.preferences import opens_at
from km365.store import outbox
from km365.store.outbox import Delivery

from .chatting import CATALOGUE, MORNING, STORY, Chat, Office, interview

EXAMPLE = re.compile("[,،、;；؛]")


@pytest.fixture(autouse=True)
def topic(office: Office) -> None:
    office.topics = [Later()]


async def reminded_at(office: Office) -> list[datetime]:
    rows = await office.db.run(outbox.list_, prefix="resume", state=Delivery.WAITING)
    return [row.due_at for row in rows]


async def test_an_invitation_is_put_off_until_a_day_of_ones_own(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("Later on Friday, please")
    chat.heard("I will come back to you on Friday, 6 March 2026 at 09:00", "remind me in three days")
    assert await reminded_at(office) == [datetime(2026, 3, 6, 9, tzinfo=UTC)]
    (reminder,) = await office.db.run(outbox.list_, prefix="resume")
    await chat.presses("start", card=compose(office.parts(), reminder.message).card)
    chat.heard("1 of 8")


async def test_later_is_the_next_day_and_the_card_offers_other_times(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.presses("later")
    assert [at - chat.at for at in await reminded_at(office)] == [timedelta(days=1)]
    await chat.presses("monday")
    chat.heard("Monday, 9 March 2026 at 09:00")
    await chat.presses("choose", {"when": "in two weeks at 15:00"})
    chat.heard("Monday, 16 March 2026 at 15:00")
    assert await reminded_at(office) == [datetime(2026, 3, 16, 15, tzinfo=UTC)]
    await chat.presses("go_on")
    chat.heard("1 of 8")
    assert await reminded_at(office) == []


async def test_a_moment_that_is_not_understood_leaves_the_one_that_was_chosen(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    await chat.presses("later")
    before = await reminded_at(office)
    for said, heard in (
        ("when the rains end", "I did not understand when"),
        ("", "I did not understand when"),
        ("today at 9:00", "That moment has passed"),
        ("in 300 days", "more than 60 days away"),
    ):
        await chat.presses("choose", {"when": said})
        chat.heard(heard, "I will come back to you on Tuesday, 3 March")
        assert await reminded_at(office) == before


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("remind me when the rains end", "I did not understand when"),
        ("remind me today at 8:00", "That moment has passed"),
        ("remind me in 10 weeks", "more than 60 days away"),
    ],
)
async def test_what_cannot_be_is_said_and_the_question_stands(chat: Chat, said: str, heard: str) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says(said)
    chat.heard(heard, "1 of 8")


async def test_an_answer_that_begins_with_later_is_an_answer(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says(f"Later in the year the floods came. {STORY}")
    assert (await interview(office)).answers[-1].text.startswith("Later in the year")


async def test_in_the_middle_of_an_interview_what_was_said_is_kept(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says(STORY)
    await chat.says("remind me tomorrow at 15:00")
    chat.heard("Tuesday, 3 March 2026 at 15:00")
    assert (await interview(office)).answers
    await chat.says("continue")
    chat.heard("3 of 8")


async def test_the_clock_is_that_of_the_device_and_then_the_chosen_one(office: Office) -> None:
    chat = Chat(office=office, time_zone="Africa/Nairobi")
    await chat.is_invited()
    await chat.says("remind me tomorrow at 15:00")
    chat.heard("at 15:00 (Africa/Nairobi time)")
    assert await reminded_at(office) == [datetime(2026, 3, 3, 12, tzinfo=UTC)]


async def test_it_is_understood_with_the_words_people_put_around_it(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("Not today, maybe Thursday afternoon")
    assert await reminded_at(office) == [datetime(2026, 3, 5, 14, tzinfo=UTC)]


async def test_said_twice_by_teams_it_is_heard_once(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("later on friday", activity="same")
    await chat.says("later on friday", activity="same")
    assert len(await office.db.run(outbox.list_, prefix="resume")) == 1


async def test_with_nothing_to_put_off_it_says_so(chat: Chat) -> None:
    await chat.says("remind me on Friday")
    chat.heard("Nothing waits for you that could be put off")


async def test_somebody_elses_card_puts_nothing_off(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.presses("later")
    other = Chat(office=office, person="bob")
    await other.presses("monday", card=chat.card)
    other.heard("was not made for this chat")


async def test_the_moment_a_person_chose_is_kept_outside_their_hours(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("remind me on saturday at 20:00")
    (row,) = await office.db.run(outbox.list_, prefix="resume")
    assert row.due_at == datetime(2026, 3, 7, 20, tzinfo=UTC)
    assert await office.db.run(opens_at, row.message, ALWAYS, at=row.due_at) == row.due_at


@pytest.mark.parametrize(
    ("language", "said", "heard"),
    [
        ("fr", "Plus tard vendredi", "vendredi 6 mars 2026 à 09:00"),
        ("es", "Recuérdemelo el viernes", "viernes, 6 de marzo de 2026 a las 09:00"),
        ("ar", "ذكرني يوم الجمعة", "الجمعة، 6 مارس 2026"),
        ("ru", "Напомните в пятницу", "пятница, 6 марта 2026"),
        ("zh", "提醒我星期五", "2026年3月6日星期五"),
        ("pt", "Lembre-me na sexta-feira", "sexta-feira, 6 de março de 2026"),
        ("fr", "remind me on friday", "vendredi 6 mars 2026 à 09:00"),
    ],
)
async def test_it_is_understood_and_confirmed_in_every_language(
    office: Office, language: str, said: str, heard: str
) -> None:
    office.languages["ann"] = language
    chat = Chat(office=office)
    await chat.is_invited(language=language)
    await chat.says(said)
    chat.heard(heard)
    assert await reminded_at(office) == [datetime(2026, 3, 6, 9, tzinfo=UTC)]
    assert chat.at > MORNING


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_examples_it_gives_work_in_every_language(office: Office, language: str) -> None:
    office.languages["ann"] = language
    texts = CATALOGUE.get(language).texts
    examples = [
        *EXAMPLE.split(re.split("[:：]", str(texts["later.help"]))[-1]),
        *EXAMPLE.split(re.split(r"[:：](?!\d)", str(texts["later.not_understood"]))[-1]),
    ]
    assert len(examples) == 6
    for number, example in enumerate(examples):
        chat = Chat(office=office, person=f"ann{number}", locale=language)
        await chat.is_invited(language=language)
        await chat.says(example.strip(" .。"))
        chat.heard(str(texts["later.hint"]))
