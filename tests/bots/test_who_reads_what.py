"""Who reads an answer, and what nobody but the person reads: as transcripts."""

import pytest

from km365.core.audience import Audience
from km365.core.drafting import knowledge_item

from .chatting import ANSWERS, BANKS, STORY, Chat, Office, interview


async def test_who_reads_an_answer_is_narrowed_at_once_and_widened_after_a_second_yes(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("only you, for now")
    chat.heard("Done.")
    await chat.says(STORY)
    assert (await interview(office)).answers[1].audience is Audience.NAMED
    await chat.says("back")
    await chat.says("everyone in the organisation")
    chat.heard("More people would read this answer", "Is that what you want?")
    await chat.says("yes")
    assert (await interview(office)).answers[1].audience is Audience.EVERYONE


@pytest.mark.parametrize(
    ("language", "start", "said", "audience"),
    [
        ("en", "start", "only me", Audience.NAMED),
        ("en", "start", "My office only.", Audience.OFFICE),
        ("fr", "commencer", "mon bureau seulement", Audience.OFFICE),
        ("fr", "commencer", "Seulement moi", Audience.NAMED),
        ("ar", "ابدأ", "أنا فقط", Audience.NAMED),
        ("ar", "ابدأ", "مكتبي فقط", Audience.OFFICE),
    ],
)
async def test_readers_as_people_say_them_of_themselves_are_no_answer(
    chat: Chat, office: Office, language: str, start: str, said: str, audience: Audience
) -> None:
    await chat.is_invited(language=language)
    chat.locale = language
    await chat.says(start)
    await chat.says("1")
    await chat.says(said)
    await chat.says(STORY)
    kept = (await interview(office)).answers[1]
    assert (kept.text, kept.audience) == (STORY, audience)


async def test_a_group_hears_nothing_of_what_is_private(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    for text in ["start", "1", STORY]:
        await chat.says(text)
    before = await interview(office)
    for text in ["show my draft", "back", "send", "yes", STORY]:
        await chat.says_in_a_group(text)
        chat.heard("in our own chat only")
        chat.not_heard(STORY)
    assert await interview(office) == before


async def test_what_only_the_person_reads_goes_into_no_list(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    for text in ["1", "only you, for now", STORY, *list(ANSWERS.values())[1:]]:
        await chat.says(text)
    chat.heard("Answers that stay with you and are not in it: 1.", ANSWERS["cause"])
    chat.not_heard(STORY)
    await chat.says("send")
    chat.heard("tell me what happened")
    await chat.presses("edit", {"description": "Schools got their books late."})
    await chat.presses("send", {})
    ((_, sent),) = office.sent
    item = knowledge_item(sent, BANKS.get("midterm_review", "en"))
    assert item.description == "Schools got their books late."
    assert STORY not in str(item)


async def test_where_nothing_may_be_read_nothing_is_sent(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    for text in ["skip", "only you, for now", STORY, "show my draft", "send"]:
        await chat.says(text)
    chat.heard("There is nothing to pass on")
    assert office.sent == []
    assert (await interview(office)).answers[1].text == STORY


@pytest.mark.parametrize(
    ("bank", "letters"), [("midterm_review", ["U", "O", "X"]), ("handover", ["U", "O", "S", "R", "X"])]
)
async def test_only_readers_that_there_can_be_are_offered(chat: Chat, bank: str, letters: list[str]) -> None:
    await chat.is_invited(bank)
    await chat.says("start")
    await chat.says("yes" if bank == "handover" else "skip")
    assert [one["value"] for one in chat.card.data["audiences"]] == letters
    await chat.says("who reads this")
    assert ("successor" in chat.replies[0].text) is (bank == "handover")


async def test_a_leaver_reads_the_lesson_too_before_anyone_else(chat: Chat, office: Office) -> None:
    await _handover(chat, proud="The mothers read every evening; Maya hid the key.")
    chat.heard("A lesson for others", "everyone in the organisation", "under “What worked, and why”")
    number = next(n for n, one in enumerate(chat.card.data["questions"], start=1) if one["value"] == "proud")
    await chat.says(f"{number}: The mothers read every evening.")
    chat.not_heard("Maya")
    *_, lesson = chat.card.data["sections"]
    assert "The mothers read every evening." in lesson["lines"]
    await chat.says("send")
    for _, sent in office.sent:
        assert "Maya" not in str(knowledge_item(sent, BANKS.get("handover", "en")))


async def test_a_lesson_that_fewer_may_read_is_kept_out_of_the_list(chat: Chat, office: Office) -> None:
    await _handover(chat, proud="The mothers read every evening in every village.")
    await chat.presses("change", {"change": "proud"})
    await chat.presses("answer", {"answer": chat.card.data["value"], "audience": "S"})
    chat.not_heard("A lesson for others")
    await chat.says("send")
    assert [what for what, _ in office.sent] == ["note"]


async def _handover(chat: Chat, *, proud: str) -> None:
    """Up to the note, with two answers that are in it."""
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says("yes")
    await chat.says("The district offices wait for our letter every April.")
    while "Your handover note" not in chat.replies[-1].text:
        await chat.says("continue" if "A break" in chat.replies[-1].text else "skip")
        if "10 of 12" in chat.replies[-1].text:
            await chat.says(proud)
