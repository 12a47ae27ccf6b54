"""A lesson, an innovation or a good practice: each is asked what its form has, and no more."""

import pytest
from km365_bots.topics.tell import Tell

from km365.core.drafting import knowledge_item
from km365.core.knowledge import Kind, KnowledgeItem
from km365.services.tell import Linked

from .chatting import BANKS, Chat, Office, interview

TOLD = "We hung a small solar lamp over the latrine doors of twelve schools."


async def no_documents(text: str, person_id: str) -> list[Linked]:
    return []


@pytest.fixture
def office(office: Office) -> Office:
    office.topics = [Tell(no_documents)]
    return office


async def drafted(office: Office) -> KnowledgeItem:
    found = await interview(office)
    return knowledge_item(found, BANKS.get(found.bank, found.language))


async def test_an_innovation_is_asked_for_its_first_results_and_not_sent_without(
    chat: Chat, office: Office
) -> None:
    await chat.says(f"Lesson: {TOLD}")
    chat.heard("Which of these is it?")
    await chat.says("innovation")
    for asked in ("Where was this", "Whom was it for", "How was it done", "What are the first results"):
        chat.heard(asked)
        await chat.says("skip")
    for asked in ("When would that advice be wrong", "What comes next", "What supports this"):
        chat.heard(asked)
        await chat.says("skip")
    chat.heard("What is new", "Initial results", "Kind\nAn innovation: something new")
    chat.not_heard("Advice to others", "Why it happened")
    await chat.says("send")
    chat.heard("“Initial results” is empty")
    await chat.says("6: Girls missed four days fewer in the term after.")
    await chat.says("send")
    chat.heard("I pass it on now")
    item = await drafted(office)
    assert (item.kind, item.description) == (Kind.INNOVATION, TOLD)
    assert item.results == "Girls missed four days fewer in the term after."


async def test_what_turns_out_to_be_a_lesson_is_called_one_in_the_draft(chat: Chat, office: Office) -> None:
    await chat.says(f"Lesson: {TOLD}")
    await chat.says("2")
    for _ in range(7):
        await chat.says("skip")
    chat.heard("11. Kind")
    await chat.says("11")
    chat.heard("Which of these is it?")
    await chat.says("a lesson")
    await chat.says("continue")
    chat.heard("Why did it go that way?")
    for _ in range(2):
        await chat.says("skip")
    await chat.says("send")
    chat.heard("I pass it on now")
    assert (await drafted(office)).kind is Kind.LESSON


async def test_a_good_practice_in_french_by_cards(chat: Chat, office: Office) -> None:
    chat.locale = "fr"
    await chat.says("Leçon : Un rayon de pièces au chef-lieu : onze semaines sont devenues six jours.")
    chat.heard("De quoi s'agit-il")
    await chat.presses("answer", {"answer": "good practice"})
    for _ in range(4):
        await chat.presses("skip")
    chat.heard("Quels résultats ont été mesurés")
    await chat.presses("answer", {"answer": "De onze semaines à six jours dans deux provinces."})
    for _ in range(2):
        await chat.presses("skip")
    chat.heard("Une pause")
    await chat.says("continuer")
    for _ in range(2):
        await chat.presses("skip")
    chat.heard("La pratique en bref", "Résultats mesurés")
    fields = chat.card.data["fields"]
    needed = {one["key"] for one in fields if one["required"]}
    assert needed == {"title", "description", "results", "evidence"}
    assert "kind" not in {one["key"] for one in fields}
    assert "Une bonne pratique" in str(chat.card.data["text"])
    await chat.presses("send")
    chat.heard("« Éléments de preuve » est vide".replace("« ", "«\xa0").replace(" »", "\xa0»"))


async def test_who_passes_over_the_question_tells_a_lesson(chat: Chat, office: Office) -> None:
    chat.locale = "ar"
    await chat.says("درس: وصلنا إلى تسع مدارس من أربعين لأن الطريق يغلق في فبراير.")
    chat.heard("أيّ هذه هو؟")
    await chat.says("تخطَّ")
    chat.heard("أين كان ذلك")
    assert (await drafted(office)).kind is Kind.LESSON
