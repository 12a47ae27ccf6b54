"""The chat in plain text: everything a card says, answered by typing."""

from km365_bots.topics.text import Text

from .chatting import STORY, Chat, Office, interview


async def test_an_interview_is_had_without_a_single_card(chat: Chat, office: Office) -> None:
    office.topics = [Text()]
    await chat.is_invited()
    await chat.says("text only")
    chat.heard("From now on I write plain text")
    shown = len(chat.cards)
    for text in ("start", "1", STORY, "skip", "show my draft"):
        await chat.says(text)
        assert all(reply.card is None for reply in chat.replies)
    chat.heard("1. ", STORY, "Say “send”")
    await chat.says("send")
    assert len(chat.cards) == shown
    assert (await interview(office)).sent_at


async def test_cards_come_back_when_asked_for_and_the_interview_goes_on(chat: Chat, office: Office) -> None:
    office.topics, office.languages = [Text()], {"ann": "ar"}
    await chat.is_invited(language="ar")
    await chat.says("ابدأ")
    await chat.says("نص فقط")
    chat.heard("1 من 8")
    assert all(reply.card is None for reply in chat.replies)
    await chat.says("مع بطاقات")
    chat.heard("البطاقات من جديد", "1 من 8")
    await chat.says("1")
    assert chat.replies[-1].card is not None
