"""Who reads an answer, and what nobody but the person reads: as transcripts."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from km365.core.audience import Audience
from km365.core.drafting import knowledge_item
from km365.core.languages import LANGUAGES

from .chatting import ANSWERS, BANKS, CATALOGUE, STORY, Chat, Office, interview


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


LETTER = "The district offices wait for our letter every April, and nobody else knows whom to call."
MORE = "Every May the partner sends the figures, and somebody has to ask for them twice by telephone."


async def _hands_over(chat: Chat, language: str = "en") -> tuple[str, str]:
    """The first two questions of a handover, of which the first has been answered."""
    chat.locale = language
    await chat.is_invited("handover", language=language)
    await chat.presses("start")
    await chat.presses("agree")
    first = chat.card.question
    await chat.says(LETTER)
    return first, chat.card.question


@pytest.mark.parametrize("language", LANGUAGES)
async def test_only_me_right_after_an_answer_is_about_that_answer_and_names_its_question(
    chat: Chat, office: Office, language: str
) -> None:
    first, second = await _hands_over(chat, language)
    only_me, bank = CATALOGUE.get(language).say("audience.R"), BANKS.get("handover", language)
    asked = bank.question(first)
    assert asked is not None
    await chat.says(only_me)
    done = CATALOGUE.get(language).say("notes.earlier_readers", heading=asked.ask, who=only_me)
    assert chat.replies[0].text == done
    kept = await interview(office)
    assert kept.answers[0].audience is Audience.NAMED and not kept.audiences
    assert chat.card.question == second, "the question that was asked is asked still"

    await chat.says(only_me)
    await chat.says(MORE)
    assert [one.audience for one in (await interview(office)).answers] == [Audience.NAMED] * 2


async def test_only_me_is_about_the_question_shown_once_something_was_said_of_that(
    chat: Chat, office: Office
) -> None:
    _, second = await _hands_over(chat)
    await chat.says("who reads this")
    await chat.says("only me")
    chat.heard("Done. Who reads this answer: only you, for now.")
    kept = await interview(office)
    assert kept.answers[0].audience is Audience.SUCCESSOR
    assert dict(kept.audiences) == {second: Audience.NAMED}
    await chat.says("skip")
    await chat.says("only me")
    assert (await interview(office)).answers[0].audience is Audience.SUCCESSOR, "one was left out since"


async def test_more_readers_right_after_an_answer_take_a_yes_that_names_its_question(
    chat: Chat, office: Office
) -> None:
    first, _ = await _hands_over(chat)
    asked = BANKS.get("handover", "en").question(first)
    assert asked is not None
    await chat.says("everyone in the organisation")
    chat.heard(asked.ask, "More people would read this answer: everyone in the organisation")
    await chat.says("yes")
    chat.heard("Done. Who reads this answer: everyone in the organisation.")
    assert (await interview(office)).answers[0].audience is Audience.EVERYONE


async def test_only_me_at_the_break_after_a_sitting_is_about_the_answer_before_it(
    chat: Chat, office: Office
) -> None:
    await _hands_over(chat)
    for _ in range(7):
        await chat.says(MORE)
    chat.heard("A break")
    await chat.says("only me")
    kept = await interview(office)
    assert kept.answers[-1].audience is Audience.NAMED and not kept.audiences


@dataclass(frozen=True)
class Tongue:
    """What somebody says in one language."""

    language: str
    start: str
    who: str
    everyone: str
    nobody: str
    unclear: str
    again: str


TONGUES = [
    Tongue("en", "start", "who reads this", "everyone", "nobody", "our deputy maybe", "send it once more"),
    Tongue(
        "fr", "commencer", "qui lit ceci", "tout le monde", "personne", "notre adjointe", "encore une fois"
    ),
    Tongue("ar", "ابدأ", "من يقرأ هذا", "الجميع", "لا أحد", "نائبتنا ربما", "مرة أخرى"),
]
in_three_languages = pytest.mark.parametrize("tongue", TONGUES, ids=lambda one: one.language)


@in_three_languages
async def test_right_after_the_question_who_reads_one_word_names_them(
    chat: Chat, office: Office, tongue: Tongue
) -> None:
    await _is_asked(chat, tongue.language, tongue.start)
    before = (await interview(office)).answers
    await chat.says(tongue.who)
    await chat.says(tongue.nobody)
    assert CATALOGUE.get(tongue.language).say("audience.X") in chat.replies[0].text
    await chat.says(tongue.who)
    await chat.says(tongue.everyone)
    assert CATALOGUE.get(tongue.language).say("audience.U") in chat.replies[0].text
    assert (await interview(office)).answers == before


@in_three_languages
async def test_few_words_after_it_are_an_answer_only_when_sent_once_more(
    chat: Chat, office: Office, tongue: Tongue
) -> None:
    await _is_asked(chat, tongue.language, tongue.start)
    before = (await interview(office)).answers
    await chat.says(tongue.who)
    await chat.says(tongue.unclear)
    chat.heard(tongue.again, CATALOGUE.get(tongue.language).say("audience.O"))
    assert (await interview(office)).answers == before
    await chat.says(tongue.unclear)
    assert (await interview(office)).answers[-1].text == tongue.unclear


@pytest.mark.parametrize(
    ("language", "start", "sentence"),
    [
        ("en", "start", "I'd rather my deputy reads this than my boss"),
        ("fr", "commencer", "je préfère que seul mon successeur lise ça"),
        ("ar", "ابدأ", "لا أريد أن يقرأ مديري هذا"),
    ],
)
async def test_a_sentence_on_who_is_to_read_is_no_answer(
    chat: Chat, office: Office, language: str, start: str, sentence: str
) -> None:
    await _is_asked(chat, language, start)
    before = (await interview(office)).answers
    await chat.says(sentence)
    assert CATALOGUE.get(language).say("audience.O") in chat.replies[0].text
    assert (await interview(office)).answers == before
    await chat.says(sentence)
    assert (await interview(office)).answers[-1].text == sentence


@pytest.mark.parametrize("text", [STORY, "Everyone came, and then the rains cut the road for weeks on end."])
async def test_a_longer_text_after_it_is_the_answer(chat: Chat, office: Office, text: str) -> None:
    await _is_asked(chat, "en", "start")
    await chat.says("who reads this")
    await chat.says(text)
    assert (await interview(office)).answers[-1].text == text


async def test_a_while_later_or_elsewhere_one_word_is_an_answer_again(chat: Chat, office: Office) -> None:
    await _is_asked(chat, "en", "start")
    await chat.says("who reads this")
    chat.at += timedelta(minutes=11)
    await chat.says("everyone")
    assert (await interview(office)).answers[-1].text == "everyone"


async def test_few_words_delivered_twice_are_not_sent_once_more(chat: Chat, office: Office) -> None:
    await _is_asked(chat, "en", "start")
    before = (await interview(office)).answers
    await chat.says("who reads this")
    for _ in range(2):
        await chat.says("our deputy maybe", activity="delivered-twice")
        chat.heard("send it once more")
    assert (await interview(office)).answers == before


async def test_distress_after_it_is_heard_as_distress(chat: Chat) -> None:
    await _is_asked(chat, "en", "start")
    await chat.says("who reads this")
    await chat.says("I want to die")
    chat.heard("I am sorry that things are so hard.")


@in_three_languages
async def test_at_the_draft_who_reads_speaks_of_the_draft(chat: Chat, office: Office, tongue: Tongue) -> None:
    messages = CATALOGUE.get(tongue.language)
    await _is_asked(chat, tongue.language, tongue.start)
    await chat.says(STORY)
    await chat.presses("draft")
    before = (await interview(office)).answers
    for text in [tongue.who, tongue.nobody]:
        await chat.says(text)
        assert chat.replies[0].text == messages.say("audience_help.draft")
    assert (await interview(office)).answers == before
    for text in ["2", tongue.who, tongue.nobody]:
        await chat.says(text)
    assert messages.say("confirm.unrecord") in chat.replies[0].text


async def _is_asked(chat: Chat, language: str, start: str) -> None:
    """The question for the story, in that language."""
    chat.locale = language
    await chat.is_invited(language=language)
    await chat.says(start)
    await chat.says("1")


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
    chat.heard("“What happened” is empty")
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
