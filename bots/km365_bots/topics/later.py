"""Later, and when: "later on Friday", "remind me in three days", and the card that offers other times."""

from datetime import datetime

from km365.core.commands import Understood
from km365.core.later import TOO_FAR, offered
from km365_bots import interviewing, putting_off
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.moments import Moments
from km365_bots.topics import Told, Topic

_LONGEST = 80
"""Characters. What is longer was not said to be reminded, whatever it begins with."""


class Later(Topic):
    """Puts off the interview that is open, or the invitation that waits."""

    name = putting_off.TOPIC

    def __init__(self) -> None:
        self._moments = Moments()

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """None for what names no moment: "later in the year the floods came" is somebody's answer."""
        until = self._moments.read(chat, meant.text if meant else "")
        if until is None:
            asked = wish == "remind" and len(chat.event.text) <= _LONGEST
            return Told(replies=[chat.speech.say("later.not_understood")]) if asked else None
        problem = _problem(chat, until)
        if problem:
            return Told(replies=[chat.speech.say(problem, days=str(TOO_FAR.days))])
        replies = await interviewing.put_off(chat, until)
        if replies is None:
            return Told(replies=[chat.speech.say("later.nothing")])
        return Told(replies=replies, begun=True)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """Another time than the one the card names, or none: on at once."""
        turn = await interviewing.named(chat, pick.about)
        if turn is None:
            return Told(replies=[chat.speech.say("chat.forged")])
        if pick.verb == putting_off.GO_ON:
            return Told(replies=await interviewing.go_on(chat, turn), begun=True)
        until = self._picked(chat, pick)
        problem = "later.not_understood" if until is None else _problem(chat, until)
        if until is None or problem:
            said = chat.speech.messages.say(problem, days=str(TOO_FAR.days))
            return Told(replies=[putting_off.card(chat, turn, problem=said)], begun=True)
        return Told(replies=await interviewing.put_off(chat, until, turn) or [], begun=True)

    def _picked(self, chat: Chat, pick: Pick) -> datetime | None:
        if pick.verb == putting_off.CHOOSE:
            return self._moments.read(chat, pick.inputs.get(putting_off.WHEN, ""))
        return offered(pick.verb, chat.event.at, chat.hours)


def _problem(chat: Chat, until: datetime) -> str:
    """The text that says why not then; empty where nothing speaks against it."""
    if until <= chat.event.at:
        return f"{Later.name}.past"
    return f"{Later.name}.too_far" if until > chat.event.at + TOO_FAR else ""
