"""Lessons that km365 sends by itself: those that fit what somebody writes; and thanks for those of use."""

from collections.abc import Sequence

from babel.lists import format_list

from km365.app import App
from km365.core.chat import Reply
from km365.core.commands import Understood
from km365.errors import GraphError, NotFound
from km365.services import preferences, push, used
from km365.services.calendar import hours_of
from km365.services.push import PushDesk, Shown
from km365.services.used import Thanked
from km365.services.verdicts import VerdictDesk
from km365.store.outbox import Message
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech
from km365_bots.topics import NotWanted, Told, Topic
from km365_bots.topics.uses import WHY, Pressed, Uses, below

_STOP = "stop"
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
"""Around a title, which may run the other way than the line it stands in."""


class Used(Topic):
    """ "Used 2", "2 did not fit: …" of lessons that were sent; those that were searched are for `Find`."""

    name = "used"

    def __init__(self, app: App, desk: VerdictDesk, pushing: PushDesk) -> None:
        self._app, self._desk, self._push = app, desk, pushing
        self._uses = Uses(app.graph, app.settings)

    def heeds(self, chat: Chat) -> str:
        """Words about a lesson by its number."""
        return "said" if self._uses.spoken(chat) else ""

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """What is said of the lessons that were sent last; None where there are none, or a question waits."""
        said = self._uses.spoken(chat)
        if said is None or await interviewing.is_asked(chat):
            return None
        try:
            message = await push.message_of(chat.parts.db, chat.event.person_id)
            shown = await push.shown(self._push, message, chat.language)
        except (NotFound, GraphError):
            return None
        lessons = {str(place): one.item_id for place, one in enumerate(shown, start=1)}
        return await self._uses.typed(chat, said, lessons) if lessons else None

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button below a lesson, or the one that ends such messages."""
        if pick.verb == _STOP:
            return await stop_lessons(chat, self._app)
        pressed = Pressed.read(pick.verb)
        if pressed is None:
            return Told(replies=[chat.speech.say("chat.forged")])
        said, asks = await self._uses.pressed(chat, pressed, pick.inputs.get(WHY, ""))
        why = pressed.item_id if asks else ""
        try:
            message = await push.message_of(chat.parts.db, chat.event.person_id, pick.about)
            shown = await push.shown(self._push, message, chat.language)
        except (NotFound, GraphError):
            return said
        if not shown or said.begun:
            return said
        return Told(replies=[_card(chat.speech, message, shown, why=why), *(() if why else said.replies)])

    async def as_sent(self, speech: Speech, message: Message) -> Reply | None:
        """The lessons, or the thanks, as they are to be told now."""
        if message.card == push.CARD:
            shown = await push.shown(self._push, message, speech.messages.language)
            if not shown:
                raise NotWanted("none of its lessons is for its reader any more")
            return _card(speech, message, shown)
        if message.card == used.THANKS:
            thanked = await used.thanked(self._desk, message)
            if not thanked:
                raise NotWanted("nobody says any more that a lesson was of use")
            return _thanks(speech, thanked)
        return None


async def stop_lessons(chat: Chat, app: App) -> Told:
    """Sends this person no lessons any more that they did not ask for."""
    db, event = chat.parts.db, chat.event
    await preferences.change(
        db, hours_of(app.settings), event.person_id, preferences.without_lessons, now=event.at
    )
    return Told(replies=[chat.speech.say("prompts.stop_lessons")])


def _card(speech: Speech, message: Message, shown: Sequence[Shown], *, why: str = "") -> Reply:
    """The lessons, each with the reason why it comes and the buttons to say whether it was of use."""
    say = speech.messages.say
    said = {one.item_id: one.said for one in shown if one.said is not None}
    under = below(speech.messages, [one.item_id for one in shown], said, why=why)
    entries = [_entry(speech, one, under.notes.get(place, "")) for place, one in enumerate(shown, start=1)]
    return speech.menu(
        Used.name,
        title=say("used.push_title", title=str(message.data.get("title", ""))),
        text=say("used.push_text"),
        entries=entries,
        fields=under.fields,
        buttons=[*under.buttons, {"verb": _STOP, "label": say("used.button_stop")}],
        about=message.key,
        hint=" ".join([say("used.hint", number="1"), say("used.push_hint")]),
    )


def _entry(speech: Speech, one: Shown, said: str) -> dict[str, str]:
    listed = format_list([speech.apart(topic) for topic in one.topics], locale=speech.messages.language)
    why = speech.messages.say("used.why_topics", topics=listed) if one.topics else ""
    where = " · ".join(speech.apart(part) for part in (one.office, str(one.year or "")) if part)
    return {
        "title": one.title,
        "quote": one.sentence,
        "note": "\n".join(part for part in (why, " · ".join(filter(None, (where, said)))) if part),
        "link": one.web_url,
    }


def _thanks(speech: Speech, thanked: Sequence[Thanked]) -> Reply:
    say = speech.messages.say
    lines = [say("used.thanked", n=one.count, title=f"{_ISOLATE}{one.title}{_END}") for one in thanked]
    return speech.notice(say("used.thanked_title"), "\n".join([*lines, say("used.thanked_text")]))
