"""Conversations from invitation to thanks, as transcripts: what a person says or presses, and hears."""

from km365_bots.conversation import compose

from km365.core.interviews import InterviewState
from km365.core.schedule import Outcome
from km365.store import campaigns, outbox

from .chatting import ANSWERS, STORY, Chat, Office, interview


async def test_a_reflection_by_typing_from_invitation_to_thanks(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    chat.heard("Ardania, mid-term review", "About 15 minutes", "By 9 March 2026", "Say “start”")
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
    chat.heard("I will come back to you on Tuesday, 3 March 2026 at 09:00")
    (reminder,) = await office.db.run(outbox.list_, prefix="resume")
    reply = compose(office.parts(), reminder.message)
    assert reply.card
    assert "Shall we go on?" in reply.text
    await chat.presses("start", card=reply.card)
    chat.heard("1 of 8")
