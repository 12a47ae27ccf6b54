"""A contributor reads what somebody made of their words, beside their own, and may object.

The chat remembers which item was shown, by id, and no word of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from km365.core import own_words
from km365.core.chat import Reply
from km365.core.commands import Understood, numbered
from km365.core.knowledge import KnowledgeItem
from km365.core.moves import Move
from km365.core.refusals import MoveRefused
from km365.documents.forms import Forms
from km365.errors import GraphChangedMeanwhile, NotFound
from km365.services import life, life_news, theirs
from km365.services.life import LifeDesk, Wanted
from km365.store.outbox import Message
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.fields import fields_of
from km365_bots.speech import Speech
from km365_bots.topics import Told, Topic, gives_back, refused
from km365_bots.topics.mine import Reading
from km365_bots.who import reader_of

_SHOW, _OBJECT, _FINE = "show", "object", "fine"


class Edited(Topic):
    """ "What was edited", and then "not what I meant: …"."""

    name = "edited"

    def __init__(self, reading: Reading, desk: LifeDesk) -> None:
        self._reading, self._desk, self._forms = reading, desk, Forms(reading.app.templates)

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """Both wordings, or what is said to them; of several items that were edited, which one."""
        kept = _kept(chat)
        if wish:
            return await self._wished(chat, wish, meant.text if meant else "", str(kept.get("about", "")))
        if kept.get("asks"):
            return None if meant else await self._object(chat, str(kept["about"]), chat.event.text)
        said, ids = numbered(chat.event.text), kept.get("ids", ())
        if said is None or said.text or not 1 <= said.number <= len(ids):
            return None
        return await self._show(chat, ids[said.number - 1])

    async def _wished(self, chat: Chat, wish: str, words: str, about: str) -> Told | None:
        """What was wished of the item shown last, else of the only one that was edited."""
        if wish == _FINE:
            return Told(replies=[chat.speech.say("edited.thanks")]) if about else None
        found = [] if about else await self._mine(chat)
        if not about and len(found) != 1:
            return self._which(chat, found)
        item_id = about or found[0].id
        return await (self._object(chat, item_id, words) if wish == _OBJECT else self._show(chat, item_id))

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of the message, or of the card with both wordings."""
        if pick.verb == _OBJECT:
            return await self._object(chat, pick.about, pick.inputs.get("words", ""))
        if pick.verb == _FINE:
            return Told(replies=[chat.speech.say("edited.thanks")])
        return await self._show(chat, pick.about)

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """That an item's words were edited; which, is shown when it is asked for."""
        if message.card != life_news.EDITED:
            return None
        say, data = speech.messages.say, message.data
        reason = f"{say('notice.reason')}: {data['reason']}" if data.get("reason") else ""
        title = str(data.get("title", ""))
        return speech.menu(
            self.name,
            title=title,
            text="\n".join(line for line in (say("edited.told"), reason) if line),
            buttons=[{"verb": _SHOW, "label": say("edited.show")}],
            about=str(data.get("item", "")),
            hint=say("edited.told_hint"),
        )

    async def _mine(self, chat: Chat) -> Sequence[KnowledgeItem]:
        reader = await reader_of(self._reading.app.graph, chat)
        mine = await self._reading.list_(reader.person_id)
        found = await theirs.list_(self._desk, mine, reader, card=life_news.EDITED)
        return [one.item for one in found if one.item.own_words]

    def _which(self, chat: Chat, found: Sequence[KnowledgeItem]) -> Told:
        if not found:
            return Told(replies=[chat.speech.say("edited.none")])
        say = chat.speech.messages.say
        reply = chat.speech.menu(
            self.name,
            title=say("edited.title"),
            entries=[{"title": one.title} for one in found],
            hint=say("edited.which_hint"),
        )
        return Told(replies=[reply], waits={"ids": [one.id for one in found]})

    async def _item(self, chat: Chat, item_id: str) -> KnowledgeItem | None:
        """The item, where it is theirs and its words were edited."""
        kept = await theirs.get(self._desk, item_id, await reader_of(self._reading.app.graph, chat))
        return kept.item if kept and kept.item.own_words else None

    async def _show(self, chat: Chat, item_id: str, *, words: str = "", first: str = "") -> Told:
        item = await self._item(chat, item_id)
        if item is None:
            return Told(replies=[chat.speech.say("edited.none")])
        say = chat.speech.messages.say
        fields, own = fields_of(self._forms, item, chat.language), own_words.beside(item)
        entries: list[Mapping[str, str]] = []
        for name, heading in fields.items():
            if name not in own:
                continue
            entries.append({"title": heading, "quote": str(getattr(item, name)) or say("edited.nothing")})
            entries.append(
                {"title": say("edited.yours", heading=heading), "quote": own[name] or say("edited.nothing")}
            )
        reply = chat.speech.menu(
            self.name,
            title=say("edited.title"),
            text="\n".join(line for line in (first, item.title) if line),
            entries=entries,
            fields=[{"key": "words", "label": say("edited.meant"), "value": words, "multiline": True}],
            buttons=[
                {"verb": _FINE, "label": say("edited.fine")},
                {"verb": _OBJECT, "label": say("edited.object"), "inputs": True},
            ],
            about=item_id,
            hint=say("edited.hint"),
        )
        return Told(replies=[chat.in_place(reply)], waits={"about": item_id})

    async def _object(self, chat: Chat, item_id: str, words: str) -> Told:
        """The item has its contributor's own words again; why is asked for where it was not said."""
        if await self._item(chat, item_id) is None:
            return Told(replies=[chat.speech.say("edited.none")])
        asks = {"about": item_id, "asks": True}
        if not words.strip():
            return Told(replies=[chat.speech.say("edited.what")], waits=asks, own_words=True)
        if refusal := await chat.keeps_out(words):
            told = refused(chat, refusal, waits=asks, own_words=True)
            if not gives_back(chat, refusal):
                return told
            card = await self._show(chat, item_id, words=words)
            return Told(replies=[*told.replies, *card.replies], waits=card.waits)
        return await self._objected(chat, item_id, words)

    async def _objected(self, chat: Chat, item_id: str, words: str) -> Told:
        reader = await reader_of(self._reading.app.graph, chat)
        wanted = Wanted(move=Move.OBJECT, reader=reader, words=words)
        try:
            await life.make(self._desk, item_id, wanted, at=chat.event.at)
        except GraphChangedMeanwhile:
            first = chat.speech.messages.say("edited.changed")
            return await self._show(chat, item_id, words=words, first=first)
        except (MoveRefused, NotFound):
            return Told(replies=[chat.speech.say("edited.none")])
        return Told(replies=[chat.in_place(chat.speech.say("edited.objected"))])


def _kept(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get("waiting")
    return kept if isinstance(kept, Mapping) and kept.get("topic") == Edited.name else {}
