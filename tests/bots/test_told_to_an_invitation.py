"""A story typed while an invitation waits: nothing of it is lost, and the person says where it belongs."""

import pytest
from km365_bots.topics.tell import Tell

from km365.core.interviews import Interview
from km365.services import interview as service
from km365.services.tell import Linked
from km365.store import conversations

from .chatting import BANKS, STORY, Chat, Office, interview

STORY_AR = "كنا نتوقع أربعين مدرسة بحلول مارس وبلغنا تسعاً لأن الشاحنات وصلت بعد الأمطار."


async def no_documents(text: str, person_id: str) -> list[Linked]:
    return []


@pytest.fixture
def office(office: Office) -> Office:
    office.topics = [Tell(no_documents)]
    return office


def said(found: Interview) -> dict[str, str]:
    return {answer.question: answer.text for answer in found.answers if answer.text}


async def test_a_story_is_taken_for_the_answer_once_the_person_says_so(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says(STORY)
    chat.heard("Is this your answer on “Ardania, mid-term review”?", "Say “yes”, “another lesson”")
    await chat.says("yes")
    chat.heard("unchanged, under: What happened", "7 questions", "1 of 8", "Which side of the work")
    found = await interview(office)
    assert (found.bank, said(found)) == ("midterm_review", {"story": STORY})
    await chat.says("1")
    chat.heard("3 of 8")
    kept = await office.db.run(conversations.get, "chat-ann")
    assert kept and STORY not in str(kept.state)


async def test_what_it_says_of_causes_and_advice_is_not_asked_again(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says(f"{STORY} Because we ordered late, the road was closed. My advice: ask the drivers.")
    await chat.says("my answer")
    chat.heard("What happened · Why it happened · Advice to others", "5 questions")
    assert set(said(await interview(office))) == {"story", "cause", "advice"}


async def test_a_story_may_be_another_lesson_and_the_invitation_waits_on(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says(STORY)
    await chat.says("another lesson")
    chat.heard("under: What happened", "“Ardania, mid-term review” still waits", "2 of 7")
    assert (await interview(office)).bank == "lesson"
    assert await service.waiting_campaign(office.db, "ann")


async def test_no_answer_may_still_be_a_lesson_and_is_dropped_only_then(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says(STORY)
    await chat.says("no")
    chat.heard("Shall I make a lesson of this?")
    await chat.says("no")
    chat.heard("I kept nothing of it", "This is about: Ardania, mid-term review", "Say “start”")
    kept = await office.db.run(conversations.get, "chat-ann")
    assert kept and STORY not in str(kept.state)


async def test_the_same_by_cards(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says(STORY)
    card = chat.card
    assert [row["label"] for row in card.data["buttons"]] == [  # type: ignore[index,attr-defined]  # a menu
        "Yes, it is my answer",
        "It is another lesson",
        "Leave it",
    ]
    await chat.presses("answer")
    chat.heard("unchanged, under: What happened", "1 of 8")
    await chat.presses("answer", card=card)
    chat.heard("1 of 8")
    chat.not_heard("I do not have those words any more")
    assert said(await interview(office)) == {"story": STORY}


async def test_it_is_still_an_answer_where_the_invitation_was_taken_up_first(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    invitation = chat.card
    await chat.says(STORY)
    offer = chat.card
    await chat.presses("start", card=invitation)
    await chat.presses("answer", card=offer)
    chat.heard("3 of 8")
    assert said(await interview(office)) == {"story": STORY}


async def test_an_invitation_put_off_takes_a_story_as_well(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("later")
    await chat.says(STORY)
    chat.heard("Is this your answer on “Ardania, mid-term review”?")
    await chat.says("yes")
    chat.heard("1 of 8")
    assert said(await interview(office)) == {"story": STORY}


@pytest.mark.parametrize(
    ("word", "heard"), [("later", "I will come back to you"), ("stop asking me", "Understood")]
)
async def test_what_is_said_to_the_invitation_is_not_said_to_the_story(
    chat: Chat, office: Office, word: str, heard: str
) -> None:
    await chat.is_invited()
    await chat.says(STORY)
    await chat.says(word)
    chat.heard(heard)


async def test_a_few_words_are_not_kept_and_that_is_said(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("The seals ran out")
    chat.heard("I did not keep that, because we have not begun yet", "This is about: Ardania")
    await chat.says("The lorries came late this year")
    chat.heard("Is this your answer")


async def test_what_belongs_elsewhere_is_pointed_there(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("My supervisor bullied me in front of the whole team, again and again.")
    chat.heard("the grievance people")
    kept = await office.db.run(conversations.get, "chat-ann")
    assert kept is None or "supervisor" not in str(kept.state)


async def test_who_hands_over_agrees_before_anything_is_kept_for_it(chat: Chat, office: Office) -> None:
    await chat.is_invited(bank="handover")
    await chat.says(STORY)
    chat.heard("Shall I make a lesson of this?")
    await chat.says("yes")
    chat.heard("still waits", "2 of 7")


async def test_in_arabic(office: Office) -> None:
    chat = Chat(office=office, locale="ar")
    await chat.is_invited(language="ar")
    await chat.says(STORY_AR)
    chat.heard("هل هذه إجابتكم عن «\u2068Ardania, mid-term review\u2069»؟", "درس آخر")
    await chat.says("نعم")
    chat.heard("1 من 8")
    assert said(await interview(office)) == {"story": STORY_AR}
    other = Chat(office=office, person="bob", locale="ar")
    await other.says(STORY_AR)
    other.heard("هل أجعل من هذا درساً؟")


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar", "ru", "zh", "pt"])
async def test_every_bank_has_a_place_for_a_story(language: str) -> None:
    for name in BANKS.names():
        bank = BANKS.get(name, language)
        asking = [q for q in bank.questions if "knowledge.description" in q.becomes and not q.choices]
        assert asking or bank.kind != "reflection"  # which alone takes what is told to its invitation
