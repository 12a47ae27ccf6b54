"""Handover notes for somebody to read, and how far one's own has come: cards, and the same by typing.

What a card says is read from the library as it goes out, and whoever is no reader any more gets none. The
chat keeps which notes were listed, by id.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from km365.core.chat import Reply
from km365.core.commands import Understood, plain
from km365.core.languages import LANGUAGES
from km365.errors import ChangedMeanwhile, GraphError, NotFound
from km365.graph import people
from km365.services import calendar, filed_notes, handover_readers
from km365.services.filed_notes import FiledNote
from km365.services.handover_readers import RECEIVED, TO_ACKNOWLEDGE, Heard, ReadersDesk
from km365.store.outbox import Message
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech
from km365_bots.topics import LEAVING, NotWanted, Told, Topic, topic_named

_READ, _WHICH, _LIST = "read", "which", "list"
"""The button, and the wish, of who has read a note; which of several; and what stands for the list."""
_PACK, _SUCCESSOR = "show", "successor"
"""The button that shows what is taken over, and the topic that does."""
_COLLEAGUES = "colleagues_"
"""Begins the name of a text about a note that colleagues told."""
_NUMBER = re.compile(r"\d{1,2}")


class HandedOver(Topic):
    """ "Handover notes", and then "I have read it" or "1 read"."""

    name = "handed_over"
    for_whom = LEAVING

    def __init__(self, desk: ReadersDesk) -> None:
        self._desk = desk

    # Cards the bot sends by itself --------------------------------------------------------------------------

    async def as_sent(self, speech: Speech, message: Message) -> Reply | None:
        """A note to its supervisor or successor. Raises NotWanted where it is not theirs to read now."""
        if message.card not in {TO_ACKNOWLEDGE, RECEIVED}:
            return None
        try:
            note = await filed_notes.get(
                self._desk.graph, self._desk.settings, str(message.data.get("note", ""))
            )
        except NotFound:
            raise NotWanted("the note is not in the library any more") from None
        if message.card == TO_ACKNOWLEDGE:
            if message.person_id != note.supervisor_id or handover_readers.is_acknowledged(note):
                raise NotWanted("the note is not to be acknowledged any more")
            return self._card(speech, note, await self._to_acknowledge(speech, note, message), message)
        if message.person_id != note.successor_id or note.received_at is None:
            raise NotWanted("the note is not for this person any more")
        return self._card(speech, note, await self._received(speech, note), message)

    async def _to_acknowledge(self, speech: Speech, note: FiledNote, message: Message) -> tuple[str, str]:
        """The title, and what to do by when."""
        say = speech.messages.say
        goes_on = date.fromisoformat(str(message.data["goes_on"]))
        by = say("handed_over.goes_on", day=speech.messages.day(goes_on))
        if note.received_at is not None or (
            note.filed_at and goes_on <= calendar.today(self._desk.settings, note.filed_at, note.office)
        ):
            by = say("handed_over.gone_on")
        reminds = bool(message.data.get("reminder"))
        key = "reminder" if reminds else "acknowledge"
        text = f"{key}_again" if not reminds and note.acknowledged_at is not None else f"{key}_text"
        who = speech.apart(await self._name(speech, note.person_id))
        said = say(f"handed_over.{_told_by(note)}{text}", person=who, post=speech.apart(note.post))
        return say(f"handed_over.{key}_title"), f"{said} {by}"

    async def _received(self, speech: Speech, note: FiledNote) -> tuple[str, str]:
        """The title, and what it is."""
        say = speech.messages.say
        again = note.received_at is not None and not handover_readers.is_since_filed(note, note.received_at)
        who = speech.apart(await self._name(speech, note.person_id))
        key = "received_again" if again else "received_text"
        lines = [say(f"handed_over.{_told_by(note)}{key}", person=who, post=speech.apart(note.post))]
        if handover_readers.is_acknowledged(note) and note.acknowledged_at:
            day = self._day(speech, note, note.acknowledged_at)
            lines.append(say("handed_over.acknowledged", day=day))
        elif note.supervisor_id and note.supervisor_id != note.successor_id:
            lines.append(say("handed_over.not_acknowledged"))
        return say("handed_over.received_title"), " ".join(lines)

    def _card(self, speech: Speech, note: FiledNote, words: tuple[str, str], message: Message) -> Reply:
        """The successor's leads to what there is to read first besides the note."""
        say, received = speech.messages.say, message.card == RECEIVED
        pack = {"verb": _PACK, "label": say("successor.show")}
        title, text = words
        locked = "" if message.data.get("opens", True) else say("handed_over.locked")
        return speech.menu(
            self.name,
            title=title,
            text="\n".join(filter(None, (text, locked))),
            entries=[self._entry(speech, note)],
            buttons=[{"verb": _READ, "label": say("handed_over.read")}, *([pack] if received else [])],
            about=note.item_id,
            hint=" ".join([say("handed_over.hint_one"), say("successor.help") if received else ""]).strip(),
        )

    # What people say ----------------------------------------------------------------------------------------

    def heeds(self, chat: Chat) -> str:
        """ "I have read it", right below the card."""
        return _READ if _said_read(chat) == 0 else ""

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The notes for them and their own, or that they have read one of those listed."""
        try:
            if wish and wish != _READ:
                return await self._list(chat)
            ids: Sequence[str] = (chat.state.get("waiting") or {}).get("notes", ())
            number = _said_read(chat)
            if wish or (number == 0 and len(ids) > 1):
                return await self._read_below(chat)
            if number is None or not (1 <= number <= len(ids) or (number == 0 and len(ids) == 1)):
                return None
            return await self._noted(chat, ids[max(number, 1) - 1])
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """ "I have read it", on a card or on the list; or what is taken over, which another topic shows."""
        successor = topic_named(chat.parts.topics, _SUCCESSOR)
        if pick.verb == _PACK and successor is not None:
            return replace(await successor.pressed(chat, pick), by=_SUCCESSOR)
        try:
            return await self._noted(chat, pick.inputs.get(_WHICH, "") if pick.about == _LIST else pick.about)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _read_below(self, chat: Chat) -> Told | None:
        """Notes the one that waits for this person's word, and asks which where several do.

        Where none does, it may be an answer to what an interview asks; else what was said before is.
        """
        person = chat.event.person_id
        notes = await filed_notes.around(self._desk.graph, self._desk.settings, person)
        theirs = [one for one in notes if one.person_id != person and filed_notes.readable_by(one, person)]
        waiting = [one for one in theirs if not _has_read(one, person)]
        if not waiting and not await interviewing.is_asked(chat):
            waiting = theirs[-1:]
        if len(waiting) > 1:
            return await self._list(chat)
        return await self._noted(chat, waiting[0].item_id) if waiting else None

    async def _noted(self, chat: Chat, item_id: str) -> Told:
        try:
            heard = await handover_readers.has_read(
                self._desk, item_id, chat.event.person_id, at=chat.event.at
            )
        except ChangedMeanwhile:
            return Told(replies=[chat.speech.say("handed_over.not_now")])
        key = heard if heard is Heard.NOT_THEIRS else f"done_{heard}"
        if heard is Heard.READ and await self._is_told_by_colleagues(item_id):
            key = f"{_COLLEAGUES}{key}"
        return Told(replies=[chat.in_place(chat.speech.say(f"handed_over.{key}"))])

    async def _is_told_by_colleagues(self, item_id: str) -> bool:
        """Whether colleagues told it, who do not see who has read it; also while that cannot be seen."""
        try:
            return (await filed_notes.get(self._desk.graph, self._desk.settings, item_id)).by_colleagues
        except GraphError:
            return True

    async def _list(self, chat: Chat) -> Told:
        """The notes this person may read, and how far their own have come."""
        person, say = chat.event.person_id, chat.speech.messages.say
        notes = await filed_notes.around(self._desk.graph, self._desk.settings, chat.event.person_id)
        theirs = [one for one in notes if one.person_id != person and filed_notes.readable_by(one, person)]
        own = [
            await self._own(chat, one) for one in notes if one.person_id == person and not one.by_colleagues
        ]
        if not theirs:
            return Told(replies=own or [chat.speech.say("handed_over.none")])
        choices = [
            {"value": one.item_id, "label": f"{place} · {one.post}"}
            for place, one in enumerate(theirs, start=1)
        ]
        which = {
            "key": _WHICH,
            "label": say("handed_over.which"),
            "choices": choices,
            "value": theirs[0].item_id,
        }
        several, unread = len(theirs) > 1, any(not _has_read(one, person) for one in theirs)
        said = say("handed_over.hint" if several else "handed_over.hint_one")
        button = {"verb": _READ, "label": say("handed_over.read"), "inputs": several}
        reply = chat.speech.menu(
            self.name,
            title=say("handed_over.list_title"),
            entries=[self._entry(chat.speech, one, reader=person) for one in theirs],
            fields=[which] if several and unread else [],
            buttons=[button] if unread else [],
            about=_LIST if several else theirs[0].item_id,
            hint=said if unread else "",
        )
        return Told(replies=[*own, reply], waits={"notes": [one.item_id for one in theirs]})

    async def _own(self, chat: Chat, note: FiledNote) -> Reply:
        title = chat.speech.messages.say("handed_over.own_title", post=chat.speech.apart(note.post))
        lines = [*await self._standing(chat, note), chat.speech.messages.say("handed_over.own_help")]
        return chat.speech.notice(title, "\n".join(lines), link=note.web_url)

    async def of_link(self, chat: Chat, link: str) -> list[str]:
        """How far this person's own note at that address has come; nothing where that cannot be read now."""
        try:
            notes = await filed_notes.around(self._desk.graph, self._desk.settings, chat.event.person_id)
            mine = [one for one in notes if one.web_url == link and one.person_id == chat.event.person_id]
            return [line for one in mine for line in await self._standing(chat, one)]
        except GraphError:
            return []

    async def _standing(self, chat: Chat, note: FiledNote) -> list[str]:
        """Who has received and read this person's note, as they are told."""
        circle = await handover_readers.circle_of(self._desk, note, at=chat.event.at)
        say, speech = chat.speech.messages.say, chat.speech
        on = self._day(speech, note, note.filed_at) if note.filed_at else ""
        lines = [say("handed_over.filed", day=on)] if on else []
        if note.supervisor_id:
            supervisor = chat.speech.apart(await self._name(chat.speech, note.supervisor_id))
            if handover_readers.is_acknowledged(note) and note.acknowledged_at:
                on = self._day(speech, note, note.acknowledged_at)
                lines.append(say("handed_over.own_acknowledged", person=supervisor, day=on))
            elif circle.waits_for_supervisor and note.received_at is None:
                on = speech.messages.day(circle.deadline.goes_on)
                lines.append(say("handed_over.own_waits", person=supervisor, day=on))
            else:
                lines.append(say("handed_over.own_not_acknowledged", person=supervisor))
        if note.received_at is not None:
            successor = chat.speech.apart(await self._name(chat.speech, note.successor_id))
            on = self._day(speech, note, note.received_at)
            lines.append(say("handed_over.own_received", person=successor, day=on))
            if note.read_at is not None and handover_readers.is_read(note):
                on = self._day(speech, note, note.read_at)
                lines.append(say("handed_over.own_read", person=successor, day=on))
        elif not note.successor_id:
            lines.append(say("handed_over.own_no_successor"))
        return lines

    def _entry(self, speech: Speech, note: FiledNote, *, reader: str = "") -> dict[str, str]:
        """The post, where it opens, and to a `reader` since when it lies there and whether they read it."""
        say, lines = speech.messages.say, []
        if reader and note.filed_at:
            lines.append(say("handed_over.filed", day=self._day(speech, note, note.filed_at)))
        if reader and _has_read(note, reader):
            lines.append(say("handed_over.you_read"))
        title = say("handed_over.about_post", post=speech.apart(note.post))
        return {"title": title, "note": " ".join(lines), "link": note.web_url}

    def _day(self, speech: Speech, note: FiledNote, moment: datetime) -> str:
        """The day it was in the office of the post."""
        return speech.messages.day(calendar.today(self._desk.settings, moment, note.office))

    async def _name(self, speech: Speech, person_id: str) -> str:
        try:
            return (await people.get_person(self._desk.graph, person_id)).name
        except NotFound:
            return speech.messages.say("handed_over.a_colleague")


def _told_by(note: FiledNote) -> str:
    """What the name of a text begins with where colleagues told the note, and not the one who left."""
    return _COLLEAGUES if note.by_colleagues else ""


def _has_read(note: FiledNote, reader: str) -> bool:
    """Whether this reader has said that they have read the note as it is."""
    return (reader == note.supervisor_id and handover_readers.is_acknowledged(note)) or (
        reader == note.successor_id and handover_readers.is_read(note)
    )


def _said_read(chat: Chat) -> int | None:
    """Which note was read, by its number, 0 without one; None where something else was said."""
    text = chat.event.text
    number = _NUMBER.search(text)
    rest = plain(text[: number.start()] + " " + text[number.end() :] if number else text)
    said = {plain(one) for tag in LANGUAGES for one in _read_words(chat, tag)}
    return (int(number[0]) if number else 0) if rest in said else None


def _read_words(chat: Chat, language: str) -> Sequence[str]:
    words = chat.parts.catalogue.get(language)
    return [*words.texts["handed_over.read_words"], words.say("handed_over.read")]
