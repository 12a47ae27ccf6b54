"""The chat without cards, for whoever reads or hears plain text better: every card has its text."""

from dataclasses import replace

from km365.core.chat import Reply
from km365.core.commands import Understood
from km365.store import preferences
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.topics import Told, Topic


class Text(Topic):
    """ "Text only", and "with cards" to have them back."""

    name = "text"

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """From now on so; what waits is asked again."""
        event, only = chat.event, wish == "only"
        await chat.parts.db.run(preferences.put_text_only, event.person_id, only, at=event.at)
        replies = [chat.speech.say(f"text.{wish}")]
        if turn := await interviewing.current(chat):
            replies.append(without_card(interviewing.prompt(chat, turn)))
        return Told(replies=replies, begun=True)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """It has no card."""
        return Told(replies=[chat.speech.say("chat.forged")])


def without_card(reply: Reply) -> Reply:
    """The same, all of it in words."""
    return replace(reply, card=None)
