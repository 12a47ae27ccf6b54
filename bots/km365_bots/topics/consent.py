"""Contributors say whether what they wrote may be published for partners or the public, and take that back.

They are shown exactly what would be read, and by whom; a yes is one to that. The chat remembers which item
was shown, by id, and a mark of its words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from km365.core.chat import Reply
from km365.core.commands import Command, Understood, numbered
from km365.core.knowledge import Reach
from km365.core.moves import Move
from km365.core.refusals import MoveRefused, Why
from km365.core.schedule import day_at
from km365.documents.forms import Forms
from km365.errors import GraphChangedMeanwhile, NotFound
from km365.services import consent, life, life_news, theirs
from km365.services.consent import Question
from km365.services.life import LifeDesk, Wanted
from km365.store.outbox import Message
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.fields import fields_of
from km365_bots.seen import read, seen
from km365_bots.speech import Speech
from km365_bots.topics import Told, Topic
from km365_bots.topics.mine import Reading
from km365_bots.who import reader_of

_SHOW, _ALLOW, _DISALLOW = "show", "allow", "disallow"
_YES = frozenset({Command.YES, Command.AGREE})
_NO = frozenset({Command.NO, Command.REFUSE, Command.DECLINE})


class Consent(Topic):
    """ "What may be published", and then "yes" or "no"; "take back my consent"."""

    name = "consent"

    def __init__(self, reading: Reading, desk: LifeDesk) -> None:
        self._reading, self._desk, self._forms = reading, desk, Forms(reading.app.templates)

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """What is asked or allowed; a number of these; or an answer to what was shown last."""
        kept = _kept(chat)
        if wish:
            return await self._one(chat, await self._questions(chat, takes_back=wish == _DISALLOW))
        if ids := kept.get("ids"):
            said = numbered(chat.event.text)
            if said is None or said.text or not 1 <= said.number <= len(ids):
                return None
            return await self._show(chat, ids[said.number - 1])
        command = meant.command if meant else None
        if not kept.get("about") or command not in _YES | _NO:
            return None
        move = Move.ALLOW if command in _YES else Move.DISALLOW
        if kept.get("allowed"):  # asked whether it is to be taken back
            if move is Move.DISALLOW:
                return Told(replies=[chat.speech.say("consent.stays")])
            move = Move.DISALLOW
        return await self._answer(chat, str(kept["about"]), move)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of the message, or of what would be read."""
        if pick.verb in {_ALLOW, _DISALLOW}:
            return await self._answer(chat, pick.about, Move(pick.verb))
        return await self._show(chat, read(pick.about).id)

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """That a wider publication is asked for; what would be read, is shown before the answer."""
        if message.card != life_news.CONSENT_ASKED:
            return None
        say, data = speech.messages.say, message.data
        reason = f"{say('notice.reason')}: {data['reason']}" if data.get("reason") else ""
        asked = say(f"consent.told_{data.get('reach', Reach.PARTNERS)}")
        in_place = say("consent.in_place") if data.get("in_place") else ""
        return speech.menu(
            self.name,
            title=str(data.get("title", "")),
            text="\n".join(line for line in (asked, in_place, reason) if line),
            buttons=[{"verb": _SHOW, "label": say("consent.show")}],
            about=str(data.get("item", "")),
            hint=say("consent.told_hint"),
        )

    async def _questions(self, chat: Chat, *, takes_back: bool = False) -> Sequence[Question]:
        """What waits for this person's answer, before what they allow already."""
        reader = await reader_of(self._reading.app.graph, chat)
        mine = await self._reading.list_(reader.person_id)
        today = day_at(chat.event.at, chat.hours)
        items = await theirs.list_(self._desk, mine, reader, card=life_news.CONSENT_ASKED, in_place=today)
        found = await consent.questions(self._desk.db, items, reader.person_id)
        return [one for one in found if one.allowed] if takes_back else found

    async def _one(self, chat: Chat, found: Sequence[Question]) -> Told:
        if not found:
            return Told(replies=[chat.speech.say("consent.none")])
        if len(found) == 1:
            return self._card(chat, found[0])
        say = chat.speech.messages.say
        reply = chat.speech.menu(
            self.name,
            title=say("consent.title"),
            entries=[
                {
                    "title": one.kept.item.title,
                    "note": say(f"consent.{'allowed' if one.allowed else 'asked'}_{one.reach}"),
                }
                for one in found
            ],
            hint=say("consent.which_hint"),
        )
        return Told(replies=[reply], waits={"ids": [one.kept.item.id for one in found]})

    async def _show(self, chat: Chat, item_id: str, *, first: str = "") -> Told:
        reader, today = await reader_of(self._reading.app.graph, chat), day_at(chat.event.at, chat.hours)
        kept = await theirs.get(self._desk, item_id, reader, in_place=today)
        found = await consent.questions(self._desk.db, [kept] if kept else [], chat.event.person_id)
        if found:
            return self._card(chat, found[0], first=first)
        return Told(replies=[chat.speech.say("consent.not_asked" if first else "consent.none")])

    def _card(self, chat: Chat, one: Question, *, first: str = "") -> Told:
        """Exactly what would be read, and by whom."""
        say, item = chat.speech.messages.say, one.kept.item
        verbs = [_DISALLOW] if one.allowed else [_ALLOW, _DISALLOW]
        state = "allowed" if one.allowed else "asked"
        labels = {
            _ALLOW: say(f"consent.allow_{one.reach}"),
            _DISALLOW: say("consent.take_back" if one.allowed else "consent.disallow"),
        }
        asks = [say(f"consent.{state}_{one.reach}"), say("consent.seen", office=item.office)]
        if not one.allowed and chat.event.person_id not in item.contributors:
            asks.append(say("consent.in_place"))
        about = seen(item, one.reach)
        reply = chat.speech.menu(
            self.name,
            title=item.title,
            text="\n".join([first, *asks] if first else asks),
            entries=[
                {"title": heading, "quote": str(getattr(item, name))}
                for name, heading in fields_of(self._forms, item, chat.language).items()
                if name != "title" and getattr(item, name)
            ],
            buttons=[{"verb": verb, "label": labels[verb]} for verb in verbs],
            about=about,
            hint=say(f"consent.{state}_hint"),
        )
        waits = {"about": about, "allowed": one.allowed}
        return Told(replies=[chat.in_place(reply)], waits=waits)

    async def _answer(self, chat: Chat, about: str, move: Move) -> Told:
        """A yes counts for the words and the reach that were shown; a no for whatever is asked."""
        shown, changed = read(about), chat.speech.messages.say("consent.changed")
        reader = await reader_of(self._reading.app.graph, chat)
        wanted = Wanted(move=move, reader=reader)
        if move is Move.ALLOW:
            if shown.reach is None:
                return await self._show(chat, shown.id)
            wanted = Wanted(move=move, reader=reader, reach=shown.reach, seen=shown.mark)
        try:
            outcome = await life.make(self._desk, shown.id, wanted, at=chat.event.at)
        except GraphChangedMeanwhile:
            return await self._show(chat, shown.id, first=changed)
        except (MoveRefused, NotFound) as error:
            if isinstance(error, MoveRefused) and error.why is Why.ASKED_OTHERWISE:
                return await self._show(chat, shown.id, first=changed)
            return Told(replies=[chat.in_place(chat.speech.say("consent.not_asked"))])
        waits_for_others = move is Move.ALLOW and outcome.kept.item.consent is Reach.INTERNAL
        key = "consent.others" if waits_for_others else f"consent.done_{move}"
        return Told(replies=[chat.in_place(chat.speech.say(key))])


def _kept(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get("waiting")
    return kept if isinstance(kept, Mapping) and kept.get("topic") == Consent.name else {}
