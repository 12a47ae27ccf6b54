"""Cards that the bot sent by itself and that have been answered since: they lose their buttons.

Only these are known by their ids, kept with the message; a card that was pressed is replaced anyway,
and one that was a reply and then answered in words stays as it is, and does no harm.
"""

from dataclasses import replace

from km365.core.chat import Reply
from km365.services.interview import RESUME
from km365.store import outbox
from km365.store.outbox import Delivery, Message
from km365_bots.chat import Chat

_INVITATIONS = frozenset({"invitation", "handover_invitation"})


async def cards(chat: Chat, *, campaign: str = "", interview: str = "") -> list[Reply]:
    """The cards of this campaign, and of this interview's reminders, as they are to stand from now on.

    Each once: the one that was pressed has become a question, which is to be read for good.
    """
    if chat.text_only:
        return []
    sent = await chat.parts.db.run(outbox.list_, state=Delivery.SENT, person_id=chat.event.person_id)
    stand = [
        one
        for one in sent
        if one.note != outbox.ANSWERED and _is_about(one.message, campaign=campaign, interview=interview)
    ]
    await chat.parts.db.run(outbox.answered, [one.message.key for one in stand])
    return [
        replace(_without_buttons(chat, one.message), replaces=one.activity_id)
        for one in stand
        if one.activity_id and one.activity_id != chat.event.reply_to
    ]


def _is_about(message: Message, *, campaign: str, interview: str) -> bool:
    if message.card in _INVITATIONS:
        return bool(campaign) and message.data.get("subject") == campaign
    return bool(interview) and message.card == RESUME and message.data.get("interview") == interview


def _without_buttons(chat: Chat, message: Message) -> Reply:
    speech = chat.speaking(message.language)
    subject = str(message.data.get("title", ""))
    if message.card == RESUME:
        say = speech.messages.say
        return speech.notice(say("prompt.resume_title"), say("prompt.resume_text", subject=subject))
    bank = chat.parts.banks.get(str(message.data["bank"]), message.language)
    return speech.notice(bank.title, bank.invitation.format(subject=subject))
