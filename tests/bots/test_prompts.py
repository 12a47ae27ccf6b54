"""A person sees and changes what they are asked and when: as transcripts, by typing and by card."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from km365_bots.topics.prompts import Prompts

from km365.core.languages import LANGUAGES
from km365.core.preferences import Asked, Preferences
from km365.core.schedule import Hours, Milestone, Outcome
from km365.store import campaigns, outbox, preferences
from km365.store.outbox import Delivery

from .chatting import CATALOGUE, MORNING, Chat, Office

HOURS = Hours(zone=UTC)


@pytest.fixture(autouse=True)
def topic(office: Office) -> None:
    office.topics = [Prompts(HOURS)]


async def kept(office: Office) -> Preferences:
    return await office.db.run(preferences.get, "ann")


async def standing(office: Office, kind: str = "milestone") -> Outcome:
    (mine,) = await office.db.run(campaigns.people, f"{kind}:7")
    return mine.progress.state


async def test_what_is_asked_when_and_what_waits_is_shown(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("When will you ask me?")
    chat.heard(
        "I ask you at milestones of your office",
        "between 09:00 and 17:00 (UTC time)",
        "Saturday and Sunday",
        "I write in English",
        "1. Ardania, mid-term review",
    )
    assert chat.card.name == "menu"


async def test_the_next_milestone_that_will_ask_is_named_where_one_may(chat: Chat, office: Office) -> None:
    async def upcoming(person: str, now: datetime) -> Milestone | None:
        return Milestone(
            id="9",
            title="End-year review",
            kind="end-year review",
            office="CO-BEL",
            due_on=date(2026, 11, 30),
        )

    office.topics = [Prompts(HOURS, upcoming)]
    await chat.says("my prompts")
    chat.heard("End-year review, on 30 November 2026; I write about it from 16 November 2026.")
    await chat.says("no more reflections")
    await chat.says("my prompts")
    chat.not_heard("End-year review")


async def test_with_nothing_waiting_it_says_so(chat: Chat) -> None:
    await chat.says("my prompts")
    chat.heard("Nothing waits for you")


async def test_hours_are_typed_and_kept(chat: Chat, office: Office) -> None:
    await chat.says("Not before 9")
    chat.heard("Done.", "between 09:00 and 17:00")
    await chat.says("quiet between 18:00 and 8:00")
    chat.heard("between 08:00 and 18:00")
    assert (await kept(office)).opens == timedelta(hours=8)
    await chat.says("my time zone is Nairobi")
    chat.heard("Africa/Nairobi time")
    await chat.says("my time zone is the moon")
    chat.heard("I do not know that time zone")
    await chat.says("usual hours")
    assert await kept(office) == Preferences(zone="Africa/Nairobi")


async def test_hours_that_begin_or_end_at_midnight_are_said_so(chat: Chat, office: Office) -> None:
    await chat.says("quiet between 18:00 and 0:00")
    chat.heard("from midnight until 18:00 (UTC time)")
    chat.not_heard("00:00")
    await chat.says("quiet between 0:00 and 9:00")
    chat.heard("from 09:00 until midnight")
    office.languages["ann"] = "fr"
    await chat.says("pas avant 8h")
    chat.heard("de 08:00 à minuit (fuseau horaire UTC)")


async def test_hours_count_on_the_clock_that_teams_tells(chat: Chat, office: Office) -> None:
    chat.time_zone = "Asia/Kathmandu"
    await chat.says("not after 6 pm")
    chat.heard("between 09:00 and 18:00 (Asia/Kathmandu time)")
    chat.time_zone = "No/Where"
    await chat.says("not before 10")
    assert (await kept(office)).zone == "Asia/Kathmandu"


async def test_words_that_only_begin_like_a_setting_are_an_answer(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("Not before the rains end did any lorry reach the northern districts, so we lost March.")
    chat.heard("3 of 8")


async def test_stopping_for_good_calls_off_what_was_planned_and_can_be_undone(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    await chat.says("stop asking me for good")
    chat.heard("Done. I do not ask you anything by myself", "Nothing waits", "ask me again")
    assert await standing(office) is Outcome.OPTED_OUT
    (row,) = await office.db.run(outbox.list_)
    assert (row.state, row.note) == (Delivery.CANCELLED, "the person wants no such messages")
    await chat.says("ask me again")
    chat.heard("Done. I ask you again", "1. Ardania, mid-term review")
    assert await standing(office) is Outcome.OPEN
    await chat.says("ask me again")
    assert await standing(office) is Outcome.OPEN


async def test_without_reflections_the_handover_still_comes(chat: Chat, office: Office) -> None:
    await chat.is_invited("handover")
    await chat.says("no more reflections")
    chat.heard("I ask you nothing at milestones")
    assert await standing(office, "departure") is Outcome.OPEN
    assert (await kept(office)).asked is Asked.HANDOVER


async def test_the_same_by_card(chat: Chat, office: Office) -> None:
    await chat.says("my settings")
    filled = {"asked": "handover", "opens": "8.30", "closes": "6 pm", "zone": "nairobi", "language": "en"}
    await chat.presses("save", filled)
    chat.heard("Saved.", "between 08:30 and 18:00 (Africa/Nairobi time)")
    assert await kept(office) == Preferences(
        asked=Asked.HANDOVER,
        zone="Africa/Nairobi",
        opens=timedelta(hours=8, minutes=30),
        closes=timedelta(hours=18),
    )
    await chat.presses("save", {**filled, "opens": "soon"})
    chat.heard("I did not understand the time")
    await chat.presses("save", {**filled, "zone": "Atlantis"})
    chat.heard("I do not know that time zone")
    await chat.presses("save", {"asked": "everything", "opens": "", "closes": "", "zone": ""})
    assert await kept(office) == Preferences(asked=Asked.HANDOVER)


async def test_another_language_by_card_is_the_open_interviews_too(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("my settings")
    await chat.presses("save", {"language": "fr", "asked": "all"}, card=chat.cards[-2])
    chat.heard("C'est enregistré.", "1 sur 8")
    await chat.says("mes réglages")
    chat.heard("Commencé et pas encore envoyé")


async def test_a_setting_repeated_changes_nothing_twice(chat: Chat, office: Office) -> None:
    await chat.says("not before 10", activity="same")
    first = await kept(office)
    await chat.says("not before 10", activity="same")
    assert await kept(office) == first


async def test_the_one_invitation_says_why_it_comes(chat: Chat, office: Office) -> None:
    invitation = await office.invites("ann", bank="handover")
    data = {**invitation.data, "once": True}
    await chat.hears_of(replace(invitation, key="once", card="handover_invitation", data=data))
    chat.heard("You asked me not to write", "you can say no")


async def test_en_francais(office: Office) -> None:
    office.languages["ann"] = "fr"
    chat = Chat(office=office)
    await chat.says("silence entre 18 h et 8 h 30")
    chat.heard("C'est fait.", "entre 08:30 et 18:00", "Jamais ces jours-là : samedi et dimanche.")
    await chat.says("Ne me demandez plus jamais rien !")
    chat.heard("ce qui était prévu est annulé", "demandez-moi de nouveau")
    await chat.says("demandez-moi de nouveau")
    assert (await kept(office)).asked is Asked.ALL


async def test_in_arabic(office: Office) -> None:
    office.languages["ann"] = "ar"
    chat = Chat(office=office)
    await chat.says("متى ستسألني؟")
    chat.heard("ما أسألكم عنه، ومتى", "السبت والأحد")
    await chat.says("هدوء بين ٦ مساءً و ٨ صباحاً")
    chat.heard("تم.", "بين 08:00 و 18:00")
    await chat.says("لا تسألني أبداً")
    chat.heard("لن أسألكم عن شيء", "اسألني من جديد")
    assert (await kept(office)).asked is Asked.NONE
    assert chat.card.language == "ar"


QUIET = {
    "en": "not before 9 am",
    "fr": "pas avant 9 h",
    "es": "no antes de las 9 de la mañana",
    "ar": "ليس قبل الساعة 9 صباحاً",
    "ru": "не раньше 9 часов утра",
    "zh": "不要早于早上9点",
    "pt": "não antes das 9 da manhã",
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_examples_in_the_hint_work_in_every_language(office: Office, language: str) -> None:
    office.languages["ann"] = language
    chat = Chat(office=office)
    await chat.says(QUIET[language])
    assert (await kept(office)).opens == timedelta(hours=9)
    texts = CATALOGUE.get(language).texts
    shown = examples(str(texts["prompts.hint"]), between="[;；؛]")
    assert len(shown) == 7
    for example in shown:
        await chat.says(example)
        chat.not_heard(str(texts["chat.nothing_open"]))
    assert (await kept(office)).asked is Asked.ALL


def examples(text: str, *, between: str) -> list[str]:
    """The commands that a text gives as examples behind its last "for instance:"."""
    first = re.split(r"[:：](?!\d)", text)[-1] if "：" in text else re.split(r":(?!\d)", text, maxsplit=1)[1]
    return [one.strip() for one in re.split(between, re.split(r"[.。](?!\d)", first)[0])]


async def test_nothing_is_planned_in_quiet_hours(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("quiet between 10 and 14")
    chat.heard("between 14:00 and 10:00")
    (mine,) = await office.db.run(campaigns.people, "milestone:7")
    assert mine.progress.next_at == MORNING
    chat.heard("My next message comes on 2 March 2026, 14:00.")
