"""Conversations, as transcripts: what a person says or presses, and what they hear."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from km365_bots.conversation import compose
from km365_bots.speech import parts as parts_of

from km365.core.audience import Audience
from km365.core.drafting import knowledge_item
from km365.core.interviews import Interview, InterviewState
from km365.core.languages import LANGUAGES
from km365.core.schedule import Outcome
from km365.errors import InputRefused
from km365.services import interview as service
from km365.store import campaigns, outbox
from km365.store import interviews as store
from km365.store.database import Database
from km365.store.outbox import Message

from .chatting import BANKS, CATALOGUE, Chat, Office

STORY = "We expected forty schools by March and reached nine, because the lorries came after the rains."
ANSWERS = {
    "story": STORY,
    "setting": "Two northern districts, in the rainy season, with one partner and little fuel.",
    "cause": "We ordered in January as always; the road closes in February, as drivers could have told us.",
    "advice": "Ask the drivers before you order, and order before the end of the year.",
    "limits": "Where roads stay open all year it would only bind money early.",
    "evidence": "The waybills of January to March and the monitor's visit of 3 March.",
    "headline": "Order before the year ends where the road closes with the rains",
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with a database of its own."""
    database = Database.open(tmp_path / "km365.sqlite")
    yield Office(db=database)
    database.close()


@pytest.fixture
def chat(office: Office) -> Chat:
    return Chat(office=office)


async def interview(office: Office, person: str = "ann") -> Interview:
    turn = await service.current(office.db, BANKS, person, ended=True)
    assert turn is not None
    return turn.interview


async def test_a_reflection_by_typing_from_invitation_to_thanks(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    chat.heard("Ardania, mid-term review", "About 15 minutes", "By March 9, 2026", "Say “start”")
    await chat.says("start")
    chat.heard("1 of 8", "Which side of the work is it about?", "1. The programme itself", "Who reads this")
    await chat.says("2")
    chat.heard("2 of 8", "what happened instead?")
    for text in ANSWERS.values():
        await chat.says(text)
    chat.heard(
        "Your draft", "1. In one sentence", ANSWERS["headline"], "2. What happened", STORY, "Say “send”"
    )
    await chat.says("1: Order early where rains close the road")
    chat.heard("Changed.", "Order early where rains close the road")
    await chat.says("send")
    chat.heard("Thank you", "knowledge focal point", "https://sharepoint.example/item")
    ((what, sent),) = office.sent
    assert (what, sent.edits) == ("item", {"title": "Order early where rains close the road"})


async def test_a_reflection_by_cards_alone(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.presses("start")
    await chat.presses("answer", {"answer": "operational"})
    for text in ANSWERS.values():
        await chat.presses("answer", {"answer": text})
    assert chat.card.name == "draft"
    fields = {field["key"]: field["value"] for field in chat.card.data["fields"]}
    assert fields["description"] == STORY
    await chat.presses("edit", {**fields, "title": "Order early"})
    await chat.presses("send", {**fields, "title": "Order early", "evidence": "Waybills."})
    chat.heard("Thank you")
    ((_, sent),) = office.sent
    assert sent.edits == {"title": "Order early", "evidence": "Waybills."}


async def test_a_handover_asks_for_consent_first_and_files_what_was_read(chat: Chat, office: Office) -> None:
    await chat.is_invited("handover")
    await chat.says("start")
    chat.heard(
        "Before we start", "your choice", "not used in performance evaluation", "deleted after twelve months"
    )
    await chat.says("The job became mostly procurement.")
    chat.heard("I did not keep that", "Before we start")
    await chat.says("yes")
    chat.heard("1 of 12", "only your successor and your supervisor")
    for number in range(6):
        await chat.says(f"Answer {number}: the district offices wait for our letter every April.")
    chat.heard("A break", "6 of 12 are done", "Say “continue”")
    await chat.presses("start")
    chat.heard("7 of 12")
    for number in range(6, 12):
        await chat.says(f"Answer {number}: the district offices wait for our letter every April.")
    chat.heard("Your handover note", "Nobody else has seen it", "1. What the job has become", "Answer 0")
    await chat.says("2")
    chat.heard("Which two or three things", "Your answer so far:", "Answer 1")
    await chat.says("The letter to the districts; without it nothing is paid in May.")
    chat.heard("The letter to the districts")
    await chat.presses("approve")
    chat.heard("library Handover notes", "https://sharepoint.example/note")
    assert [what for what, _ in office.sent] == ["note", "item"]


async def test_saying_no_to_consent_is_the_end_of_it(chat: Chat, office: Office) -> None:
    await chat.is_invited("handover")
    await chat.presses("start")
    await chat.presses("decline")
    chat.heard("I will not ask about this again")
    people = await office.db.run(campaigns.people, "departure:7")
    assert people[0].progress.state is Outcome.ANSWERED
    assert (await interview(office)).state is InterviewState.DECLINED


async def test_no_to_an_invitation_is_taken_as_no(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("no thanks")
    chat.heard("I will not ask about this again")
    people = await office.db.run(campaigns.people, "milestone:7")
    assert people[0].progress.state is Outcome.DECLINED


async def test_it_can_be_put_off_and_comes_back(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.presses("later")
    chat.heard("I will come back to you in 1 day")
    (reminder,) = await office.db.run(outbox.list_, prefix="resume")
    reply = compose(office.parts(), reminder.message)
    assert reply.card
    assert "Shall we go on?" in reply.text
    await chat.presses("start", card=reply.card)
    chat.heard("1 of 8")


async def test_skip_back_pause_and_resume_keep_every_word(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("skip")
    await chat.says(STORY)
    await chat.says("back")
    chat.heard("Your answer so far:", STORY)
    await chat.says("skip")
    chat.heard("What you said before stays as it is", "3 of 8")
    await chat.says("pause")
    chat.heard("Everything is kept", "2 of 8 are done")
    again = Chat(office=Office(db=office.db))
    await again.says("continue")
    again.heard("Welcome back", "3 of 8")
    assert (await interview(office)).answers[1].text == STORY


async def test_a_thin_answer_gets_one_more_question(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("Too late.")
    chat.heard("One example helps a reader")
    await chat.presses("answer", {"answer": "The lorries stood at the ford."})
    chat.heard("Thank you, noted.", "3 of 8")
    assert (await interview(office)).answers[1].text == "Too late.\n\nThe lorries stood at the ford."


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


async def test_the_language_is_the_profiles_then_the_chats(office: Office) -> None:
    chat = Chat(office=office, locale="ru-RU")
    await chat.is_installed()
    chat.heard("Здравствуйте")
    office.languages["ben"] = "es"
    other = Chat(office=office, person="ben", locale="ru-RU")
    await other.is_installed()
    other.heard("Hola")


async def test_the_greeting_comes_once_however_often_teams_tells(chat: Chat) -> None:
    await chat.is_installed()
    chat.heard("Hello, I am km365", "skip, back, pause")
    await chat.is_installed()
    assert chat.replies == []
    await chat.is_removed()
    assert chat.replies == []
    await chat.is_installed()
    chat.heard("Hello")


async def test_help_and_who_reads_this_at_any_moment(chat: Chat) -> None:
    await chat.says("help")
    chat.heard("show my draft", "Português")
    await chat.is_invited()
    await chat.says("start")
    await chat.says("who will read this?")
    chat.heard("colleagues in your office", "To change it, say one of these", "1 of 8")


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


async def test_words_with_nothing_open_are_not_kept_and_say_so(chat: Chat) -> None:
    await chat.says("The lorries came late again this year.")
    chat.heard("I did not keep that", "At any moment you can say")


async def test_words_instead_of_an_answer_to_the_invitation_bring_it_again(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("what is this about")
    chat.heard("Ardania, mid-term review", "Say “start”")


async def test_withdrawing_deletes_after_a_second_yes(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("withdraw")
    chat.heard("deleted for good", "Is that what you want?")
    await chat.presses("agree")
    chat.heard("It is all deleted")
    assert await office.db.run(store.answers, "i1") == []


async def test_starting_over_asks_the_first_question_again(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("start over")
    await chat.says("no")
    chat.heard("everything stays as it was", "2 of 8")
    await chat.says("start over")
    await chat.says("yes")
    chat.heard("from the first question", "1 of")


async def test_stop_asking_me_stops_and_can_be_undone(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("stop asking me")
    chat.heard("Nothing was sent")
    await chat.says("start")
    chat.heard("2 of 8")


async def test_a_draft_can_be_seen_before_the_last_question(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("show my draft")
    chat.heard("Your draft")
    await chat.says("continue")
    chat.heard("2 of 8")


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


async def test_a_card_that_holds_too_much_comes_back_with_it(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    old = chat.card
    await chat.says("1")
    await chat.says("Too late.")
    await chat.presses("answer", {"answer": "x" * 19_990, "audience": "O"})
    chat.heard("still in the card")
    assert chat.card.data["value"] == "x" * 5_000
    await chat.presses("answer", {"answer": "词" * 20_001})
    assert set(chat.card.data["value"]) == {"词"}
    assert (await interview(office)).answers[1].text == "Too late."
    await chat.says("skip")
    await chat.presses("answer", {"answer": "x" * 20_001}, card=replace(old))
    assert [reply.replaces for reply in chat.replies] == [None]


async def test_nothing_is_sent_without_what_happened(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("show my draft")
    await chat.says("send")
    chat.heard("tell me what happened")
    assert office.sent == []


async def test_a_draft_that_cannot_be_passed_on_is_kept_and_can_be_sent_again(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    await chat.says("start")
    for text in ["1", STORY, "show my draft"]:
        await chat.says(text)
    office.down = True
    await chat.says("send")
    chat.heard("I pass it on now")
    chat.not_heard("Thank you", "could not")
    await chat.says("send")
    chat.heard("on its way")
    chat.at += timedelta(minutes=2)
    await chat.says("send")
    chat.heard("could not pass on yet what you sent", "It is kept")
    await chat.says("send")
    chat.not_heard("could not pass on")
    office.down = False
    await chat.says("send")
    chat.heard("Thank you", "https://sharepoint.example/item")
    await chat.says("send")
    chat.heard("has been sent", "list of lessons", "https://sharepoint.example/item")
    await chat.says("withdraw")
    chat.heard("has been sent", "ask your knowledge focal point")
    assert len(office.sent) == 1


async def test_what_has_not_left_yet_can_be_withdrawn(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    for text in ["1", STORY, "show my draft"]:
        await chat.says(text)
    office.down = True
    for text in ["send", "withdraw", "yes"]:
        await chat.says(text)
    chat.heard("It is all deleted. Nothing was sent.")
    office.down = False
    await chat.says("help")
    assert office.sent == []
    assert await office.db.run(store.answers, "i1") == []


async def test_what_comes_back_with_a_question_can_be_changed_and_sent_again(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    await chat.says("start")
    for text in ["1", STORY, "show my draft", "send", "continue"]:
        await chat.says(text)
    chat.heard("has been sent")
    await chat.hears_of(_decided("returned", reason="When was this?"))
    chat.heard("a question before it can be accepted", "When was this?")
    returned = chat.card
    await chat.presses("start")
    chat.heard("with your changes since", STORY)
    chat.not_heard("Nobody else has seen it")
    for text in ["2: It was in June.", "send"]:
        await chat.says(text)
    chat.heard("Thank you")
    assert [knowledge_item(one, BANKS.get(one.bank, "en")).description for _, one in office.sent] == [
        STORY,
        "It was in June.",
    ]
    await chat.presses("start", card=returned)
    chat.heard("has been sent")
    await chat.hears_of(_decided("returned", reason="And where?", number=2))
    await chat.says("In the north.")
    chat.heard("I did not keep that", "with your changes since")
    await chat.says("send")
    await chat.hears_of(_decided("validated", number=3))
    await chat.says("continue")
    chat.heard("has been sent")


def _decided(decision: str, *, reason: str = "", number: int = 1) -> Message:
    return Message(
        key=f"decided:KM-i1:{number}:{decision}:ann",
        person_id="ann",
        card="lesson_decided",
        data={"title": "Late books", "decision": decision, "reason": reason, "url": "https://x"},
        language="en",
        reason="a decision",
    )


async def test_a_thirty_thousand_character_answer_is_refused_whole_and_kindly(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("word " * 6_000)
    chat.heard("longer than the 20\N{NO-BREAK SPACE}000 characters", "still in your message", "2 of 8")
    assert len((await interview(office)).answers) == 1


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("The portal password is Blue7moon", "password"),
        ("My supervisor harassed me in the car", "allegation"),
        ("I want to file a complaint against my section chief", "grievance"),
        ("I left early because of my depression", "health"),
    ],
)
async def test_what_belongs_elsewhere_is_not_kept_and_pointed_there(
    chat: Chat, office: Office, text: str, channel: str
) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says(text)
    chat.heard(
        "did not keep it" if channel == "password" else "did not keep that", f"the {channel} people", "2 of 8"
    )
    assert text not in str(await office.db.run(store.answers, "i1"))
    assert len((await interview(office)).answers) == 1


async def test_a_card_with_words_that_are_not_kept_comes_back_with_them(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.presses("answer", {"answer": "Nurses told us: he harassed me on the way"})
    assert chat.card.data["value"] == "Nurses told us: he harassed me on the way"
    await chat.presses("answer", {"answer": "Nurses told us: my password: moonlight7"})
    assert chat.card.data["value"] == ""
    assert len((await interview(office)).answers) == 1


async def test_distress_stops_the_questions(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("I want to die")
    chat.heard("I am sorry", "the distress people", "emergency number")
    chat.not_heard("1 of 8")
    assert (await interview(office)).state is InterviewState.PAUSED


async def test_a_password_in_a_draft_is_not_kept(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    for text in ["1", STORY, "show my draft"]:
        await chat.says(text)
    await chat.presses("send", {"title": "The password is Blue7moon"})
    chat.heard("looks like a password")
    assert office.sent == []
    assert (await interview(office)).edits == {}


async def test_a_card_pressed_twice_is_answered_once(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = chat.card
    await chat.presses("answer", {"answer": "partnership"}, card=card, activity="same")
    await chat.presses("answer", {"answer": "partnership"}, card=card, activity="same")
    chat.heard("I have that already", "2 of 8")
    await chat.presses("answer", {"answer": "partnership"}, card=card)
    chat.heard("I have that already", "2 of 8")
    assert len((await interview(office)).answers) == 1


async def test_an_old_card_answered_anew_changes_that_answer(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = chat.card
    await chat.presses("answer", {"answer": "partnership"})
    await chat.says(STORY)
    await chat.presses("answer", {"answer": "operational"}, card=card)
    chat.heard("I changed your earlier answer", "3 of 8")
    assert (await interview(office)).answers[0].choice == "operational"


@pytest.mark.parametrize("verb", ["agree", "decline", "send", "discard", "back", "change", "edit"])
async def test_an_old_card_decides_nothing_any_more(chat: Chat, office: Office, verb: str) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = chat.card
    await chat.says("1")
    before = await interview(office)
    await chat.presses(verb, {"title": "x"}, card=card)
    chat.heard("That card is from before", "2 of 8")
    assert await interview(office) == before


async def test_somebody_elses_card_does_nothing(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    ben = Chat(office=office, person="ben")
    await ben.presses("answer", {"answer": "partnership"}, card=chat.card)
    ben.heard("not made for this chat")
    assert (await interview(office)).answers == ()


async def test_somebody_elses_invitation_does_nothing(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    ben = Chat(office=office, person="ben")
    await ben.presses("start", card=chat.card)
    ben.heard("not made for this chat")
    assert await service.current(office.db, BANKS, "ben", ended=True) is None


async def test_a_card_with_another_question_written_in_is_forged(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    card = replace(chat.card, question="story")
    await chat.presses("answer", {"answer": STORY}, card=card)
    chat.heard("not made for this chat")
    assert (await interview(office)).answers == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
known = st.sampled_from(["verb", "interview", "question", "token", "answer", "audience", "change", "title"])
hostile = st.dictionaries(known | st.text(max_size=8), anything | st.sampled_from(["i1", "send", "start"]))


@given(st.lists(hostile, min_size=1, max_size=10))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_whatever_a_card_sends_is_answered(chat: Chat, values: list[dict[str, object]]) -> None:
    for value in values:
        await chat.sends(value)
        assert len(chat.replies) >= 1
        await chat.sends({"verb": "answer", "interview": "i1", "token": "1.0.x", **value})
        chat.heard("not made for this chat")


async def test_a_card_gives_way_to_the_answer_given_on_it(chat: Chat) -> None:
    await chat.is_invited()
    await chat.presses("start")
    assert [reply.replaces for reply in chat.replies] == ["card"]
    await chat.presses("answer", {"answer": "operational"})
    first, second = chat.replies
    assert (first.replaces, second.replaces) == ("card", None)
    assert first.card
    assert first.card.name == "notice"
    assert "Operations" in first.card.data["text"]


async def test_every_card_says_the_same_in_text(chat: Chat) -> None:
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says("yes")
    await chat.says("skip")
    await chat.says(STORY)
    await chat.says("show my draft")
    assert {card.name for card in chat.cards} == {"invitation", "consent", "question", "note"}
    (note,) = (reply for reply in chat.replies if reply.card)
    assert note.card
    for section in note.card.data["sections"]:
        assert section["heading"] in note.text
        assert all(line in note.text for line in section["lines"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("card", "data", "words"),
    [
        (
            "note_filed",
            {"post": "Nutrition officer", "person": "Ann Example", "url": "https://x"},
            "Ann Example",
        ),
        ("lesson_decided", {"title": "Order early", "decision": "returned", "reason": "When?"}, "When?"),
        ("lesson_decided", {"title": "Order early", "decision": "odd", "reason": ""}, "Order early"),
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


def test_a_draft_has_its_parts_in_the_order_of_the_item() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    blank = Interview(
        id="i",
        key="k",
        bank="midterm_review",
        person_id="ann",
        language="en",
        state=InterviewState.DRAFT,
        created_at=now,
        changed_at=now,
    )
    keys = [part.key for part in parts_of(blank, BANKS.get("midterm_review", "en"))]
    assert keys == ["title", "description", "context", "cause", "advice", "limits", "evidence"]
