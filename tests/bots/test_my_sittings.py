"""A leaver sees their sittings, asks to be asked more, and lets the days stand in their calendar."""

import re
from dataclasses import replace
from datetime import UTC, date

import pytest
from km365_bots.topics.sittings import Sittings

from km365.core.schedule import Hours
from km365.store import campaigns, loss_factors, preferences
from km365.store.loss_factors import Said

from .chatting import MORNING, Chat, Office, interview

SIX_WEEKS = date(2026, 4, 13)


@pytest.fixture(autouse=True)
def topic(office: Office) -> None:
    office.topics = (Sittings(Hours(zone=UTC)),)


async def invited(chat: Chat, *, language: str = "en", post: str = "Operations Manager") -> None:
    """Ann leaves this post in six weeks, and others know the partners as well."""
    await chat.is_invited("handover", language, due_on=SIX_WEEKS)

    def call(c) -> None:
        (found,) = campaigns.list_(c)
        campaigns.change(c, replace(found, title=post), at=MORNING)
        said = Said(name="relationships", value=1, because="", who="sam", at=MORNING)
        loss_factors.append(c, "ann", said)

    await chat.office.db.run(call)


async def test_the_days_what_is_not_asked_and_why_and_a_wish_to_be_asked_all_the_same(
    chat: Chat, office: Office
) -> None:
    await invited(chat)
    await chat.says("my sittings")
    chat.heard("Your last day: 13 April 2026", "9 March 2026", "Which two or three things go badly wrong")
    chat.heard(
        "What does each main partner really bring",
        "seldom asked of a post like yours",
        "others know it as well",
    )
    await chat.presses("start")
    await chat.says("yes")
    before = (await interview(office)).parts
    await chat.says("ask me also about what main partners bring")
    chat.heard("I will ask you that too: ", "What does each main partner really bring")
    asked = [one for part in (await interview(office)).parts for one in part.questions]
    assert "partners" in asked and len(asked) == sum(len(part.questions) for part in before) + 1
    await chat.says("ask me also about football")
    chat.heard("please name it by its number")


async def test_the_calendar_is_offered_and_taken_back_with_a_button_or_in_words(
    chat: Chat, office: Office
) -> None:
    await invited(chat)
    await chat.presses("start")
    await chat.says("yes")
    await chat.says("my sittings")
    card = next(one for one in reversed(chat.cards) if one.name == "menu")
    await chat.presses("calendar_on", card=card)
    chat.heard("stand in your Outlook calendar")
    assert (await office.db.run(preferences.get, "ann")).calendar
    await chat.says("take my sittings out of my calendar")
    chat.heard("are taken out of your calendar")
    assert not (await office.db.run(preferences.get, "ann")).calendar


async def test_who_leaves_nothing_has_no_sittings(chat: Chat) -> None:
    await chat.says("my sittings")
    chat.heard("No handover of yours is planned")


@pytest.mark.parametrize("typed", [False, True])
async def test_a_draft_before_the_last_sitting_says_what_filing_it_ends_and_leads_on(
    chat: Chat, typed: bool
) -> None:
    await invited(chat)
    await chat.presses("start")
    for text in ["yes", "The dam is old.", "show my draft"]:
        await chat.says(text)
    chat.heard("planned questions have not been asked yet, and filing the note now ends your sittings")
    count = int(re.findall(r"(\d+) planned questions", chat.card.data["text"])[0])
    await (chat.says("more questions") if typed else chat.presses("start"))
    assert f" of {count + 1}" in chat.card.data["progress"]


async def test_once_the_note_is_filed_my_sittings_says_so_and_what_was_never_asked(
    chat: Chat, office: Office
) -> None:
    await invited(chat)
    await chat.presses("start")
    for text in ["yes", "The dam is old.", "show my draft"]:
        await chat.says(text)
    (count,) = re.findall(r"(\d+) planned questions", chat.card.data["text"])
    await chat.says("send")
    await office.works(at=MORNING)
    await chat.says("my sittings")
    chat.heard("your sittings are over", f"{count} planned questions were not asked", "More questions")
    chat.not_heard("No handover of yours is planned")
    await chat.says("ask me also about 1")
    chat.heard("your sittings are over")


async def test_a_draft_after_the_last_question_warns_of_nothing(chat: Chat) -> None:
    await invited(chat)
    await chat.presses("start")
    for text in ["yes", "The dam is old.", *["continue", "skip"] * 40]:
        await chat.says(text)
    await chat.says("show my draft")
    chat.heard("The dam is old.")
    chat.not_heard("not been asked yet")


async def test_an_answer_kept_to_oneself_is_named_in_the_draft_by_its_question(
    chat: Chat, office: Office
) -> None:
    await invited(chat)
    await chat.presses("start")
    for text in ["yes", "The dam is old.", "skip"]:
        await chat.says(text)
    question = chat.card.data["ask"]
    for text in ["who reads this?", "only you, for now", "Nobody trusts the register.", "show my draft"]:
        await chat.says(text)
    chat.heard("Answers that stay with you and are not in it: 1.", f"• {question}")
    chat.not_heard("Nobody trusts the register.")


async def test_in_arabic_the_days_the_reasons_and_a_wish(chat: Chat, office: Office) -> None:
    office.languages[chat.person] = "ar"
    await invited(chat, language="ar", post="مدير العمليات")
    await chat.presses("start")
    await chat.says("نعم")
    await chat.says("جلساتي")
    chat.heard("تسليم عملكم في جلسات قصيرة", "نادراً ما يُسأل عنه في وظيفة كوظيفتكم", "يومكم الأخير")
    await chat.says("اسألني أيضا عن 1")
    chat.heard("سأسألكم أيضاً هذا السؤال")
    await chat.says("ضع جلساتي في تقويمي")
    chat.heard("تظهر جلساتكم في تقويم Outlook")
    assert (await office.db.run(preferences.get, "ann")).calendar


async def test_the_sitting_that_was_begun_before_its_day_stands_under_today(chat: Chat) -> None:
    await invited(chat)
    await chat.presses("start")
    await chat.says("yes")
    await chat.says("my sittings")
    card = next(one for one in reversed(chat.cards) if one.name == "menu")
    days = [one["title"] for one in card.data["entries"]]
    assert days[0] == "2 March 2026" and len(set(days)) == len(days)
