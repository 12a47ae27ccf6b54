"""Words that are not kept: too long, a password, what belongs elsewhere, distress."""

import threading

import km365_bots.chat
import pytest

from km365.core.interviews import InterviewState
from km365.core.keepout import KeepOut, keep_out
from km365.core.phrases import Words
from km365.core.schedule import Outcome
from km365.store import campaigns, outbox
from km365.store import interviews as store
from km365.store.outbox import Delivery

from .chatting import STORY, Chat, Office, interview


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


async def test_distress_told_by_an_edit_is_heard(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.edits("I want to die")
    chat.heard("I am sorry", "the distress people")
    await chat.edits("1")
    chat.heard("I am sorry")
    chat.not_heard("back")


async def test_a_password_in_a_draft_is_not_kept(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    for text in ["1", STORY, "show my draft"]:
        await chat.says(text)
    await chat.presses("send", {"title": "The password is Blue7moon"})
    chat.heard("looks like a password")
    assert office.sent == []
    assert (await interview(office)).edits == {}


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """The length of every text that was looked at, and whether all others had to wait for it."""
    seen: list[tuple[int, bool]] = []

    def look(text: str, words: Words) -> KeepOut | None:
        seen.append((len(text), threading.current_thread() is threading.main_thread()))
        return keep_out(text, words)

    monkeypatch.setattr(km365_bots.chat, "keep_out", look)
    return seen


async def test_after_distress_nothing_is_asked_or_kept_before_the_person_goes_on(
    chat: Chat, office: Office
) -> None:
    await chat.is_invited()
    for text in ["start", "1", "I can't go on, I want to die.", f"I do not know whom to call. {STORY}"]:
        await chat.says(text)
    chat.heard("the distress people")
    chat.not_heard("of 8", "Shall we go on")
    assert (await interview(office)).state is InterviewState.PAUSED
    assert len((await interview(office)).answers) == 1
    await chat.says("continue")
    chat.heard("2 of 8")
    await chat.says(STORY)
    assert (await interview(office)).answers[-1].text == STORY


async def test_distress_at_an_invitation_ends_its_reminders(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("I want to die")
    chat.heard("I have stopped asking")
    (mine,) = await office.db.run(campaigns.people, "milestone:7")
    assert (mine.progress.state, mine.progress.next_at) == (Outcome.CLOSED, None)
    await chat.says("I feel so alone in this place tonight, and nobody here would even notice it.")
    chat.heard("the distress people")
    chat.not_heard("mid-term review", "Is this")


async def test_distress_ends_a_reminder_that_was_asked_for(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    for text in ["start", "later", "I want to die"]:
        await chat.says(text)
    assert await office.db.run(outbox.list_, prefix="resume", state=Delivery.WAITING) == []


async def test_distress_in_a_group_is_not_sent_elsewhere(chat: Chat) -> None:
    await chat.says_in_a_group("I want to die")
    chat.heard("I am sorry", "the distress people")


async def test_distress_is_heard_in_words_that_are_too_long(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    for text in ["start", "1", "I want to die. " + "word " * 92_000]:
        await chat.says(text)
    chat.heard("I am sorry", "the distress people")
    chat.not_heard("characters", "2 of 8")
    assert (await interview(office)).state is InterviewState.PAUSED


async def test_of_words_that_are_too_long_the_beginning_is_looked_at_and_none_kept(
    chat: Chat, office: Office, looked_at: list[tuple[int, bool]]
) -> None:
    await chat.is_invited()
    for text in ["start", "1", "word " * 92_000]:
        await chat.says(text)
    chat.heard("longer than the 20\N{NO-BREAK SPACE}000 characters", "2 of 8")
    for text in [STORY, "show my draft"]:
        await chat.says(text)
    await chat.presses("send", {"title": "word " * 5_000})
    chat.heard("longer than the 20\N{NO-BREAK SPACE}000 characters")
    assert office.sent == []
    assert (await interview(office)).edits == {}
    (length, waiting) = max(looked_at)
    assert length <= 20_001
    assert not waiting


async def test_nobody_waits_while_long_words_are_looked_at(
    chat: Chat, office: Office, looked_at: list[tuple[int, bool]]
) -> None:
    await chat.is_invited()
    for text in ["start", "1", "The road was closed. " * 800 + "My supervisor harassed me in the car."]:
        await chat.says(text)
    chat.heard("the allegation people")
    (length, waiting) = max(looked_at)
    assert length > 10_000
    assert not waiting
    stranger = Chat(office=office, person="bob")
    await stranger.says("word " * 92_000)
    assert max(looked_at) == (20_000, False)
