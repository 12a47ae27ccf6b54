"""A draft read, changed, sent, held up, withdrawn and sent again: as transcripts."""

from datetime import UTC, datetime, timedelta

from km365_bots.drafts import parts as parts_of

from km365.core.drafting import knowledge_item
from km365.core.interviews import Interview, InterviewState
from km365.core.questions import Bank
from km365.core.said import Said, Verb
from km365.services import interview as service
from km365.services.handing_on import Begin, Desk, hand_on
from km365.store import interviews as store
from km365.store.outbox import Message

from .chatting import BANKS, MORNING, STORY, Chat, Office


async def test_a_draft_can_be_seen_before_the_last_question(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("show my draft")
    chat.heard("Your draft")
    await chat.says("continue")
    chat.heard("2 of 8")


async def test_nothing_is_sent_without_what_happened(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("show my draft")
    await chat.says("send")
    chat.heard("“What happened” is empty")
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
    chat.heard("has been sent", "say “what have I contributed”")
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
    assert not any(reply.replaces for reply in chat.replies), "the question stays to be read"
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


async def test_words_taken_back_while_they_were_handed_on_stay_and_the_new_ones_go(
    chat: Chat, office: Office
) -> None:
    """Microsoft 365 is slow; meanwhile the person takes it back, tells it again and sends that."""
    office.down = True
    await chat.is_invited()
    for text in ["start", "1", "FIRST: " + STORY, "show my draft", "send"]:
        await chat.says(text)
    left: list[str] = []
    again = [Said(verb=verb) for verb in (Verb.WITHDRAW, Verb.YES, Verb.START)]
    again += [Said(verb=Verb.ANSWER, text="SECOND: " + STORY, question="story")]
    again += [Said(verb=Verb.DRAFT), Said(verb=Verb.SEND)]

    async def submit(interview: Interview, bank: Bank, begin: Begin) -> str:
        while again:
            now = MORNING + timedelta(hours=1)
            before = await office.db.run(service.load, interview.id)
            await service.take(office.db, BANKS, office.jobs, before, again.pop(0), now=now)
        await begin()
        left.append((interview.answer("story") or interview.answers[0]).text[:6])
        return "https://sharepoint.example/item"

    desk = Desk(
        db=office.db, jobs=office.jobs, banks=BANKS, submit=submit, file_note=submit, now=lambda: chat.at
    )
    (found,) = await office.db.run(store.list_, state=InterviewState.SENDING)
    await hand_on(desk, found.id)
    (found,) = await office.db.run(store.list_, state=InterviewState.SENDING)
    assert left == []
    await hand_on(desk, found.id)
    assert left == ["SECOND"]
    (found,) = await office.db.run(store.list_, state=InterviewState.FINISHED)
