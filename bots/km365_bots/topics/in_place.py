"""What a reviewer asks about the contribution of somebody who left, answered by who speaks for them.

The words of who left stay as they are: the answer stands beside the questions, in the item's history. The
chat remembers which item is asked about, by id.
"""

from km365.core.chat import Reply
from km365.core.commands import Understood
from km365.core.knowledge import KnowledgeItem, Maturity
from km365.core.moves import Move
from km365.core.refusals import MoveRefused
from km365.core.schedule import day_at
from km365.errors import GraphChangedMeanwhile, GraphError, NotFound
from km365.services import life, life_news, theirs
from km365.services.life import LifeDesk, Wanted
from km365.store.outbox import Message
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech
from km365_bots.topics import DECIDING, Told, Topic, gives_back, refused
from km365_bots.who import reader_of


class InPlace(Topic):
    """ "Answer for a colleague", and then the answer."""

    name = "in_place"
    for_whom = DECIDING

    def __init__(self, desk: LifeDesk) -> None:
        self._desk = desk

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """What is asked of this person in somebody's place; or the answer to what was shown."""
        kept = chat.state.get("waiting") or {}
        try:
            if wish:
                return await self._first(chat)
            return None if meant else await self._answer(chat, str(kept.get("item", "")), chat.event.text)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """The answer on the card."""
        try:
            return await self._answer(chat, pick.about, pick.inputs.get("words", ""))
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """That something came back with questions for somebody who left."""
        if message.card != life_news.RETURNED_IN_PLACE:
            return None
        data = {key: str(value) for key, value in message.data.items()}
        return _card(speech, data["item"], data["title"], data["reason"])

    async def _first(self, chat: Chat) -> Told:
        """What came back last and still waits for an answer."""
        today, reader = day_at(chat.event.at, chat.hours), await reader_of(self._desk.graph, chat)
        card = life_news.RETURNED_IN_PLACE
        found = await theirs.list_(self._desk, (), reader, card=card, in_place=today)
        waiting = [one.item for one in found if one.item.maturity is Maturity.RETURNED]
        return self._ask(chat, waiting[0]) if waiting else Told(replies=[chat.speech.say("in_place.none")])

    def _ask(self, chat: Chat, item: KnowledgeItem, *, value: str = "") -> Told:
        reply = _card(chat.speech, item.id, item.title, item.reason, value=value)
        return Told(replies=[reply], waits={"item": item.id}, own_words=True)

    async def _answer(self, chat: Chat, item_id: str, words: str) -> Told:
        today, reader = day_at(chat.event.at, chat.hours), await reader_of(self._desk.graph, chat)
        kept = await theirs.get(self._desk, item_id, reader, in_place=today)
        if kept is None or kept.item.maturity is not Maturity.RETURNED:
            return Told(replies=[chat.speech.say("in_place.none")])
        if not words.strip():
            return self._ask(chat, kept.item)
        if refusal := await chat.keeps_out(words):
            told = refused(chat, refusal, waits={"item": item_id}, own_words=True)
            if not gives_back(chat, refusal):
                return told
            again = self._ask(chat, kept.item, value=words)
            return Told(replies=[*told.replies, *again.replies], waits=again.waits, own_words=True)
        said = f"{kept.item.reason}\n– {words.strip()}".strip()
        try:
            wanted = Wanted(move=Move.SUBMIT, reader=reader, words=said)
            await life.make(self._desk, item_id, wanted, at=chat.event.at)
        except (MoveRefused, NotFound, GraphChangedMeanwhile):
            return Told(replies=[chat.speech.say("in_place.none")])
        return Told(replies=[chat.in_place(chat.speech.say("in_place.done"))])


def _card(speech: Speech, item_id: str, title: str, questions: str, *, value: str = "") -> Reply:
    say = speech.messages.say
    return speech.menu(
        InPlace.name,
        title=say("in_place.title", title=speech.apart(title)),
        text=f"{say('in_place.text')}\n{speech.apart(questions)}",
        fields=[{"key": "words", "label": say("in_place.label"), "value": value, "multiline": True}],
        buttons=[{"verb": "send", "label": say("in_place.send"), "inputs": True}],
        about=item_id,
        hint=say("in_place.hint"),
    )
