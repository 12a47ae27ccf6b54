"""What somebody agreed to do because of a lesson: done with a link, by another day, or not theirs.

The chat keeps which actions were listed and what was asked about which, by id: no word of anybody.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from km365.core.chat import Reply
from km365.core.commands import Understood
from km365.core.schedule import day_at
from km365.core.sorting import links
from km365.errors import GraphChangedMeanwhile, GraphError, InputRefused, NotFound
from km365.services import actions, life_news, review
from km365.services.capture import Kept
from km365.services.life import LifeDesk
from km365.store.outbox import Message
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.moments import Moments
from km365_bots.speech import Speech
from km365_bots.topics import Told, Topic, gives_back, refused
from km365_bots.topics.numbered import said_of
from km365_bots.who import reader_of

_DONE, _DAY, _BACK = _VERBS = ("done", "day", "back")
_SAVE, _WHICH, _LIST = "save", "which", "list"
_UNSAID = "-"
"""What is typed for no reason at all."""


class Actions(Topic):
    """ "My actions", and then "1 done https://…", "2 another day: 1 June", "not mine"."""

    name = "action"

    def __init__(self, desk: LifeDesk) -> None:
        self._desk, self._moments = desk, Moments()

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The list, what is said to an action of it, or the answer to what was asked about one."""
        try:
            return await self._list(chat) if wish else await self._heard(chat, meant)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _heard(self, chat: Chat, meant: Understood | None) -> Told | None:
        kept = chat.state.get("waiting") or {}
        if kept.get("asks"):
            words = "" if chat.event.text.strip() == _UNSAID else chat.event.text.strip()
            return None if meant else await self._answer(chat, str(kept["item"]), str(kept["asks"]), words)
        ids: Sequence[str] = kept.get("items", ())
        number, verb, words = said_of(chat, self.name, _VERBS)
        if not verb or not (1 <= number <= len(ids) or (number == 0 and len(ids) == 1)):
            return None
        item_id = ids[max(number, 1) - 1]
        return await (self._answer(chat, item_id, verb, words) if words else self._ask(chat, item_id, verb))

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of an action, of the list of them, or of the card that asked something about one."""
        try:
            item_id, _, asked = pick.about.partition("|")
            if pick.verb == _SAVE and asked in _VERBS:
                return await self._answer(chat, item_id, asked, pick.inputs.get("words", "").strip())
            item_id = pick.inputs.get(_WHICH, "") if item_id == _LIST else item_id
            if pick.verb in _VERBS and item_id:
                return await self._ask(chat, item_id, pick.verb)
            return await self._list(chat)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """An action to its owner, when it is agreed and as a reminder; that one has no owner any more."""
        say, data = speech.messages.say, {key: str(value) for key, value in message.data.items()}
        if message.card == actions.BACK:
            text = say("action.back_text", item=data["item"])
            facts = [(say("action.what"), data["action"]), (say("action.why"), data["words"])]
            return speech.notice(
                say("action.back_title", title=data["title"]), text, link=data["url"], facts=facts
            )
        if message.card != life_news.ACTION:
            return None
        when = data["when"] if data["when"] in {actions.DUE, actions.LATE} else "new"
        due = date.fromisoformat(data["due_on"]) if data["due_on"] else None
        return speech.menu(
            self.name,
            title=say("action.title"),
            text=say(f"action.told_{when}"),
            entries=[_entry(speech, data["action"], data["title"], due, data["url"])],
            buttons=_buttons(say),
            about=data["item"],
            hint=say("action.help"),
        )

    async def _list(self, chat: Chat) -> Told:
        """What this person is to do, the earliest day first."""
        found = await actions.list_mine(self._desk, await reader_of(self._desk.graph, chat))
        if not found:
            return Told(replies=[chat.speech.say("action.none")])
        say = chat.speech.messages.say
        entries = [
            _entry(chat.speech, one.item.action, one.item.title, one.item.action_due, one.web_url)
            for one in found
        ]
        choices = [
            {"value": one.item.id, "label": f"{place} · {one.item.title}"}
            for place, one in enumerate(found, start=1)
        ]
        which = {"key": _WHICH, "label": say("action.which"), "choices": choices, "value": found[0].item.id}
        reply = chat.speech.menu(
            self.name,
            title=say("action.list_title"),
            entries=entries,
            fields=[which] if len(found) > 1 else [],
            buttons=[{**one, "inputs": len(found) > 1} for one in _buttons(say)],
            about=_LIST if len(found) > 1 else found[0].item.id,
            hint=say("action.hint" if len(found) > 1 else "action.hint_one"),
        )
        return Told(replies=[reply], waits={"items": [one.item.id for one in found]})

    async def _ask(self, chat: Chat, item_id: str, verb: str, *, problem: str = "", words: str = "") -> Told:
        """Asks for the link, the day, or why it is not theirs."""
        kept = await self._theirs(chat, item_id)
        if kept is None:
            return Told(replies=[chat.speech.say("action.not_yours")])
        say = chat.speech.messages.say
        reply = chat.speech.menu(
            self.name,
            title=chat.speech.apart(kept.item.action),
            text="\n".join(filter(None, (problem and say(f"action.{problem}"), say(f"action.ask_{verb}")))),
            fields=[{"key": "words", "label": say(f"action.label_{verb}"), "value": words}],
            buttons=[{"verb": _SAVE, "label": say(f"action.save_{verb}"), "inputs": True}],
            about=f"{item_id}|{verb}",
            hint=say(f"action.hint_{verb}"),
        )
        return Told(replies=[reply], waits={"item": item_id, "asks": verb}, own_words=True)

    async def _answer(self, chat: Chat, item_id: str, verb: str, words: str) -> Told:
        """Does what was asked for; what belongs to another channel is kept nowhere."""
        if words and (refusal := await chat.keeps_out(words)):
            told = refused(chat, refusal, waits={"item": item_id, "asks": verb}, own_words=True)
            if not gives_back(chat, refusal):
                return told
            again = await self._ask(chat, item_id, verb, words=words)
            return Told(replies=[*told.replies, *again.replies], waits=again.waits, own_words=True)
        link = next(iter(links(words)), "")
        by = self._day(chat, words) if verb == _DAY else None
        if (verb == _DONE and not link) or (verb == _DAY and by is None):
            return await self._ask(chat, item_id, verb, problem=f"no_{verb}", words=words)
        if not await self._theirs(chat, item_id):
            return Told(replies=[chat.speech.say("action.not_yours")])
        reader, at = await reader_of(self._desk.graph, chat), chat.event.at
        try:
            if verb == _DONE:
                await actions.done(self._desk, item_id, reader, link, at=at)
            elif by is not None:
                await actions.put_off(self._desk, item_id, reader, by, at=at)
            else:
                await actions.hand_back(self._desk, item_id, reader, words, at=at)
        except (InputRefused, GraphChangedMeanwhile):
            return Told(replies=[chat.speech.say("action.not_now")])
        day = chat.speech.messages.day(by) if by else ""
        return Told(replies=[chat.speech.say(f"action.done_{verb}", day=day)])

    def _day(self, chat: Chat, words: str) -> date | None:
        """The day that is meant, today at the earliest."""
        found = self._moments.read(chat, words)
        day = day_at(found, chat.hours) if found else None
        return day if day and day >= day_at(chat.event.at, chat.hours) else None

    async def _theirs(self, chat: Chat, item_id: str) -> Kept | None:
        """The item as it is now, where its action is this person's; None where it is not, or is done."""
        reader = await reader_of(self._desk.graph, chat)
        try:
            kept = await review.get_item(self._desk.graph, self._desk.settings, item_id, reader=reader)
        except NotFound:
            return None
        return kept if kept.item.action_owner == reader.person_id else None


def _entry(speech: Speech, action: str, title: str, due: date | None, url: str) -> Mapping[str, str]:
    """What is to be done, of which lesson, by when."""
    say = speech.messages.say
    because = say("action.because", title=speech.apart(title))
    by = say("action.by", day=speech.messages.day(due)) if due else ""
    return {"title": speech.apart(action), "note": f"{because} {by}".strip(), "link": url}


def _buttons(say: Callable[..., str]) -> list[dict[str, Any]]:
    return [{"verb": verb, "label": say(f"action.button_{verb}")} for verb in _VERBS]
