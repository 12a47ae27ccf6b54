"""Sharing a lesson at any time: told, offered, pasted as a link, beside another conversation."""

from datetime import timedelta

import pytest
from km365_bots.topics.tell import Tell

from km365.core.drafting import knowledge_item
from km365.core.sorting import links
from km365.services import housekeeping
from km365.services.tell import Linked
from km365.store import conversations
from km365.store import interviews as store
from km365.store.database import Connection

from .chatting import BANKS, STORY, Chat, Office, interview

HOST = "https://childrensagency.sharepoint.example"
REPORT = f"{HOST}/sites/co-bel/Shared%20Documents/Report.docx"
LESSON = (
    "We expected forty schools and reached nine. Because the road closes in February, the lorries stood. "
    "My advice: ask the drivers before you order."
)


async def look_up(text: str, person_id: str) -> list[Linked]:
    """An office with one document of its own."""
    return [
        Linked(address=one, title="Cold chain report", link=REPORT) if one == REPORT else Linked(address=one)
        for one in links(text)
        if one.startswith(HOST)
    ]


@pytest.fixture
def office(office: Office) -> Office:
    office.topics = [Tell(look_up)]
    return office


async def drafted(office: Office) -> dict[str, str]:
    """The fields of the person's last lesson."""
    found = await interview(office)
    item = knowledge_item(found, BANKS.get(found.bank, found.language))
    names = ("title", "description", "context", "cause", "advice", "limits", "evidence")
    return {name: text for name in names if (text := str(getattr(item, name)))}


async def test_a_lesson_told_in_one_go_is_sorted_and_only_the_rest_is_asked(
    chat: Chat, office: Office
) -> None:
    await chat.says(f"Lesson: {LESSON}")
    chat.heard("What happened · Why it happened · Advice to others", "what is missing: 4 questions")
    chat.heard("Which of these is it?")
    await chat.says("a lesson")
    chat.heard("Where was this, with whom", "Who reads this: colleagues in your office")
    await chat.says("Two northern districts, with one partner.")
    chat.heard("When would that advice be wrong")
    await chat.says("skip")
    chat.heard("What supports this")
    await chat.says("skip")
    chat.heard("This is how it reads now", "colleagues in your office")
    assert await drafted(office) == {
        "title": "Ask the drivers before you order",
        "description": "We expected forty schools and reached nine.",
        "context": "Two northern districts, with one partner.",
        "cause": "Because the road closes in February, the lorries stood.",
        "advice": "My advice: ask the drivers before you order.",
    }
    await chat.says("send")
    chat.heard("I pass it on now")
    assert [what for what, _ in office.sent] == ["item"]


async def test_the_wish_to_share_is_answered_and_then_the_lesson_is_heard(chat: Chat, office: Office) -> None:
    await chat.says("I want to share a lesson.")
    chat.heard("Tell it in your own words", "To leave it, say “no”")
    await chat.says(LESSON)
    chat.heard("I put your words, unchanged, under")
    await chat.says("share a lesson")
    await chat.says("no")
    chat.heard("I kept nothing of it", "Which of these is it?")


async def test_a_lesson_by_cards_only(chat: Chat, office: Office) -> None:
    await chat.says("share a lesson")
    await chat.presses("tell", {"text": ""})
    chat.heard("Tell it in your own words")
    await chat.presses("tell", {"text": LESSON})
    assert chat.replies[0].replaces == "card"
    for _ in range(4):
        await chat.presses("skip")
    await chat.presses("send")
    chat.heard("I pass it on now")


async def test_a_story_nobody_asked_for_is_offered_to_become_a_lesson(chat: Chat, office: Office) -> None:
    await chat.says(STORY)
    chat.heard("Shall I make a lesson of this?", "Say “yes” or “no”")
    assert await office.db.run(store.open_for, "ann") == [], "nothing is begun before a yes"
    await chat.says("yes")
    chat.heard("under: What happened", "what is missing: 6 questions", "2 of 7")
    assert (await drafted(office))["description"] == STORY


async def test_an_offer_is_taken_by_its_card_and_only_once(chat: Chat, office: Office) -> None:
    await chat.says(STORY)
    offer = chat.card
    await chat.presses("make", card=offer)
    chat.heard("under: What happened")
    await chat.presses("make", card=offer)
    chat.heard("Which of these is it?")
    assert len(await office.db.run(store.open_for, "ann")) == 1
    other = Chat(office=office, person="bob")
    await other.says(STORY)
    await other.presses("drop")
    other.heard("I kept nothing of it")
    await other.presses("make")
    other.heard("I do not have those words any more")


async def test_a_story_in_two_messages_is_one_lesson(chat: Chat, office: Office) -> None:
    await chat.says(STORY, activity="first")
    more = "We recommend asking the drivers before anything is ordered."
    await chat.says(more, activity="second")
    chat.heard("I have added that.", "Shall I make a lesson of this?")
    await chat.says(more, activity="second")
    chat.not_heard("I have added that.")
    await chat.says("thanks")
    chat.heard("Shall I make a lesson of this?")
    await chat.says("yes")
    assert (await drafted(office))["advice"] == more


@pytest.mark.parametrize(
    "said", ["Why did the lorries come so late again this year, and who decided that?", "too short", "skip"]
)
async def test_a_question_or_a_few_words_are_no_lesson(chat: Chat, said: str) -> None:
    await chat.says(said)
    chat.heard("I did not keep that", "Share a lesson at any time")


async def test_lesson_without_a_colon_is_an_answer(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("skip")
    await chat.says("Lesson plans were printed in May, which was much too late for the schools.")
    chat.heard("3 of 8")
    await chat.says("leave it")
    chat.heard("4 of 8")


async def test_another_conversation_stays_open_and_is_taken_up_again(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("skip")
    await chat.says(f"note this: {LESSON}")
    chat.heard("“Ardania, mid-term review” stays open; we go on with it afterwards", "Which of these")
    for _ in range(4):
        await chat.says("skip")
    await chat.says("send")
    chat.heard("I pass it on now", "what was open: Ardania, mid-term review", "2 of 8")
    await chat.says(STORY)
    chat.heard("3 of 8")


async def test_a_pasted_document_becomes_evidence_and_is_asked_about(chat: Chat, office: Office) -> None:
    await chat.says(REPORT)
    chat.heard("I take this document as evidence", "Cold chain report", REPORT)
    await chat.says(LESSON)
    assert (await drafted(office))["evidence"] == f"Cold chain report: {REPORT}"
    chat.heard("3 questions")


async def test_a_document_among_words_is_evidence_as_well(chat: Chat, office: Office) -> None:
    await chat.says(f"lesson: {LESSON} The photos in {REPORT} show it.")
    fields = await drafted(office)
    assert fields["evidence"] == f"Cold chain report: {REPORT}"
    assert fields["description"].endswith(f"The photos in {REPORT} show it.")


async def test_a_link_that_cannot_be_opened_is_kept_as_typed_and_said_so(chat: Chat, office: Office) -> None:
    gone = f"{HOST}/sites/co-bel/Gone.docx"
    await chat.says(f"see {gone}")
    chat.heard("I cannot open this link, so I keep it as you wrote it")
    await chat.presses("tell", {"text": LESSON})
    chat.heard(f"it stays as you wrote it: {gone}")
    assert gone in "".join((await drafted(office)).values())


async def test_a_repeated_activity_starts_one_interview(chat: Chat, office: Office) -> None:
    await chat.says(f"lesson: {LESSON}", activity="same")
    await chat.says(f"lesson: {LESSON}", activity="same")
    chat.heard("Which of these is it?")
    assert len(await office.db.run(store.open_for, "ann")) == 1


async def test_a_yes_that_comes_again_after_a_crash_finds_what_it_began(chat: Chat, office: Office) -> None:
    await chat.says(STORY)
    offered = await office.db.run(conversations.get, "chat-ann")
    assert offered
    await chat.says("yes")

    def crash(c: Connection) -> None:
        """The words were forgotten, but not yet that a yes was waited for."""
        version = conversations.get(c, "chat-ann").version  # type: ignore[union-attr]  # it is there
        conversations.save(c, "chat-ann", {**offered.state, "told": None}, version, at=chat.at)

    await office.db.run(crash)
    await chat.says("yes")
    chat.heard("2 of 7")
    chat.not_heard("I do not have those words any more")
    assert len(await office.db.run(store.open_for, "ann")) == 1


async def test_what_belongs_elsewhere_is_not_kept(chat: Chat, office: Office) -> None:
    await chat.says("lesson: My supervisor bullied me in front of the whole team, again and again.")
    chat.heard("the grievance people")
    await chat.says(LESSON)
    chat.heard("under: What happened")
    found = await office.db.run(conversations.get, "chat-ann")
    assert found and "supervisor" not in str(found.state)


async def test_words_that_wait_for_a_yes_are_forgotten_within_a_day(chat: Chat, office: Office) -> None:
    await chat.says(STORY)
    told = chat.at
    await housekeeping.forget_said(office.db, now=told + timedelta(hours=22))
    found = await office.db.run(conversations.get, "chat-ann")
    assert found and STORY in str(found.state)
    await housekeeping.forget_said(office.db, now=told + timedelta(hours=24))
    found = await office.db.run(conversations.get, "chat-ann")
    assert found and STORY not in str(found.state)
    await chat.presses("make")
    chat.heard("I do not have those words any more")


async def test_a_lesson_in_french(chat: Chat, office: Office) -> None:
    chat.locale = "fr-FR"
    await chat.says("Je voudrais partager une leçon")
    chat.heard("Racontez avec vos mots")
    await chat.says(
        "Nous avons atteint neuf écoles sur quarante. La raison est simple : la route ferme en février.\n"
        "Il faut demander aux chauffeurs avant de commander."
    )
    chat.heard("Ce qui s'est passé · Pourquoi c'est arrivé · Conseil aux autres", "4 questions")
    await chat.says("passer")
    await chat.says("passer")
    await chat.says("passer")
    await chat.says(f"Voir {REPORT}")
    chat.heard("Voici le texte actuel")
    assert (await drafted(office))["cause"] == "La raison est simple : la route ferme en février."
    await chat.says("leçon : Demander d'abord.")
    chat.heard("« Une leçon à partager » reste en cours".replace("« ", "«\xa0").replace(" »", "\xa0»"))


async def test_a_lesson_in_arabic(chat: Chat, office: Office) -> None:
    chat.locale = "ar"
    told = "وصلنا إلى تسع مدارس من أربعين. والسبب أن الطريق يغلق في فبراير. ننصح بسؤال السائقين قبل الطلب."
    await chat.says(told)
    chat.heard("هل أجعل من هذا درساً؟")
    await chat.says("نعم")
    chat.heard("ما الذي حدث · لماذا حدث · نصيحة للآخرين", "4 أسئلة", "أيّ هذه هو")
    assert (await drafted(office))["advice"] == "ننصح بسؤال السائقين قبل الطلب."
    await chat.says("درس: لا بد من سؤال السائقين، فهم يعرفون الطريق أكثر من غيرهم.")
    chat.heard("يبقى «\u2068درس للمشاركة\u2069» مفتوحاً")


@pytest.mark.parametrize(
    "words", ["I want to die", "I want to die, and nobody here would even notice it now"]
)
async def test_in_distress_the_story_is_forgotten_and_nothing_more_is_asked(
    chat: Chat, office: Office, words: str
) -> None:
    await chat.says(STORY)
    await chat.says(words)
    chat.heard("I am sorry", "the distress people")
    chat.not_heard("Shall I make a lesson")
    await chat.says("They have all left and I sit here alone in this empty office tonight.")
    chat.not_heard("I have added that")
    kept = await office.db.run(conversations.get, "chat-ann")
    assert kept is not None and STORY not in str(kept.state)


async def test_in_distress_an_open_question_is_not_repeated(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("share a lesson")
    await chat.says("I want to die")
    chat.heard("the distress people")
    assert len(chat.replies) == 1


@pytest.mark.parametrize("old", [STORY, "share a lesson"])
async def test_the_no_of_an_older_card_forgets_no_newer_story(chat: Chat, office: Office, old: str) -> None:
    newer = "The radio told the mothers when the nurse came, and four of five came with their children."
    await chat.says(old)
    card = chat.card
    await chat.says("no")
    await chat.says(newer)
    await chat.presses("drop", card=card)
    chat.heard("from before, about something else, so I forgot nothing")
    await chat.says("yes")
    assert (await drafted(office))["description"] == newer


async def test_the_no_of_the_newest_card_forgets_what_waits(chat: Chat, office: Office) -> None:
    await chat.says(STORY)
    await chat.says("share a lesson")
    await chat.presses("drop")
    chat.heard("I kept nothing of it")
    kept = await office.db.run(conversations.get, "chat-ann")
    assert kept is not None and STORY not in str(kept.state)


async def test_refused_words_stand_in_the_new_card_but_no_password(chat: Chat, office: Office) -> None:
    await chat.says("share a lesson")
    refused = "My supervisor harassed me in the car, and the lorries came after the rains."
    await chat.presses("tell", {"text": refused})
    chat.heard("the allegation people", "Tell it in your own words")
    assert [field["value"] for field in chat.card.data["fields"]] == [refused]
    await chat.presses("tell", {"text": "The portal password is Blue7moon"})
    chat.heard("the password people")
    chat.not_heard("Tell it in your own words")
    await chat.says(LESSON)
    chat.heard("I put your words, unchanged, under")
