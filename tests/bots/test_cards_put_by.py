"""What the bot sent by itself loses its buttons once it was answered, also in words."""

from dataclasses import replace

import pytest
from km365_bots.topics.tell import Tell
from km365_bots.topics.text import Text

from km365.core.chat import Reply
from km365.services.tell import Linked
from km365.store import outbox
from km365.store.outbox import Message

from .chatting import Chat, Office


async def arrived(chat: Chat, message: Message, activity: str) -> None:
    db = chat.office.db
    await db.run(outbox.put, message, at=chat.at)
    await db.run(outbox.claim, message.key, at=chat.at)
    await db.run(outbox.sent, message.key, activity_id=activity, at=chat.at)


@pytest.fixture
async def invited(chat: Chat) -> Chat:
    """Somebody whose invitation and its reminder stand in the chat."""
    await chat.is_invited()
    (row,) = await chat.office.db.run(outbox.list_)
    await arrived(chat, row.message, "card-1")
    reminder = replace(row.message, key="reminder", data={**row.message.data, "reminder": 1})
    await arrived(chat, reminder, "card-2")
    return chat


def put_by(chat: Chat) -> dict[str, Reply]:
    """What takes the place of older cards, by their ids; none of it has a button."""
    found = {reply.replaces: reply for reply in chat.replies if reply.replaces}
    assert all(reply.card and not reply.card.token for reply in found.values())
    return found


@pytest.mark.parametrize("word", ["start", "stop asking me"])
async def test_an_invitation_answered_in_words_loses_its_buttons(invited: Chat, word: str) -> None:
    await invited.says(word)
    assert set(put_by(invited)) == {"card-1", "card-2"}
    assert "This is about: Ardania, mid-term review" in invited.replies[-1].text
    await invited.says("skip")
    assert put_by(invited) == {}


async def test_an_invitation_put_off_keeps_them_until_it_is_answered(invited: Chat) -> None:
    await invited.says("later")
    assert put_by(invited) == {}
    await invited.says("who reads this")
    assert put_by(invited) == {}
    await invited.says("start")
    assert set(put_by(invited)) == {"card-1", "card-2"}


async def test_where_one_is_pressed_the_other_is_put_by(invited: Chat) -> None:
    await invited.presses("start")
    assert {reply.replaces for reply in invited.replies if reply.replaces} == {"card", "card-1", "card-2"}


async def test_a_reminder_somebody_asked_for_is_put_by_as_well(invited: Chat) -> None:
    await invited.says("start")
    await invited.says("later")
    (row,) = await invited.office.db.run(outbox.list_, prefix="resume")
    await arrived(invited, row.message, "card-3")
    await invited.says("continue")
    assert "card-3" in put_by(invited)


async def test_a_card_that_became_a_question_stays_one(invited: Chat) -> None:
    await invited.presses("start")  # takes the place of the last of them
    await invited.says("later")
    await invited.says("continue")
    assert put_by(invited) == {}


async def test_a_reminder_that_became_a_question_stays_one(invited: Chat) -> None:
    await invited.says("start")
    await invited.says("later")
    (row,) = await invited.office.db.run(outbox.list_, prefix="resume")
    await arrived(invited, row.message, "card")
    await invited.says("who reads this")
    await invited.presses("start")
    await invited.says("later")
    await invited.says("continue")
    assert put_by(invited) == {}


async def test_whoever_reads_plain_text_has_no_cards_to_be_put_by(office: Office, invited: Chat) -> None:
    office.topics = [Text()]
    await invited.says("text only")
    await invited.says("start")
    assert put_by(invited) == {}


async def test_a_story_that_answers_the_invitation_puts_it_by(office: Office, invited: Chat) -> None:
    async def no_documents(text: str, person_id: str) -> list[Linked]:
        return []

    office.topics = [Tell(no_documents)]
    await invited.says("The lorries came after the rains, and nine of forty schools got their books.")
    await invited.says("yes")
    assert set(put_by(invited)) == {"card-1", "card-2"}
