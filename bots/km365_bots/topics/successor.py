"""What somebody takes over: their pack as a card, and questions answered from it in its own words.

Who may read the note is looked at each time. Of a question nothing is kept, unless its asker has it passed on
to who wrote the note.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from km365.app import App
from km365.core.chat import Reply
from km365.core.commands import Understood, numbered
from km365.core.keepout import KeepOut
from km365.core.languages import LANGUAGES
from km365.core.pack_answers import Quotation
from km365.core.said import is_question
from km365.core.search_question import LONGEST
from km365.core.successor_pack import Pack
from km365.documents.questions import Banks
from km365.documents.successor_pack import Entry, PackWords, Section
from km365.errors import GraphError, InputRefused, NotFound
from km365.graph import people
from km365.services import successor_pack as packs
from km365.services.filed_notes import FiledNote
from km365.services.search import SearchTerms
from km365.services.search_meaning import Meaning
from km365.services.successor_pack import PackDesk
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.topics import LEAVING, Told, Topic, refused
from km365_bots.topics.alumni import AlumniLine
from km365_bots.who import reader_of

_SHOW, _ASK, _OTHER, _WORDS = "show", "ask", "other", "words"
_MOST = 5
"""Of each section so much is shown on a card; a file holds all."""


class Successor(Topic):
    """ "My pack", and then any question about it; "ask the note …" """

    name = "successor"
    for_whom = LEAVING

    def __init__(
        self, app: App, banks: Banks, terms: SearchTerms, meaning: Meaning | None, line: AlumniLine
    ) -> None:
        self._line = line
        self._desk = PackDesk(
            graph=app.graph,
            db=app.db,
            jobs=app.jobs,
            settings=app.settings,
            templates=app.templates,
            banks=banks,
            terms=terms.now,
            meaning=meaning,
            now=app.clock.now,
        )
        self._words: dict[str, PackWords] = {}
        self._asking: frozenset[str] = frozenset()

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The pack, one of several, or a question about it; None where words are for something else."""
        try:
            if wish == _ASK:
                return await self._asked(chat, "", meant.text if meant else "")
            if wish == _OTHER:
                return await self._not_it(chat, "", meant.text if meant else "")
            return await (self._mine(chat) if wish else self._heard(chat, meant))
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _heard(self, chat: Chat, meant: Understood | None) -> Told | None:
        kept = chat.state.get("waiting") or {}
        if told := await self._line.to_offer(chat, kept, meant):
            return told
        notes, said = kept.get("notes", ()), numbered(chat.event.text)
        if said is not None and not said.text and 1 <= said.number <= len(notes):
            return await self._show(chat, notes[said.number - 1])
        if meant is not None or not kept.get("note") or not is_question(chat.event.text):
            return None
        return await self._asked(chat, kept["note"], chat.event.text)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A pack out of several, or a question written on its card."""
        try:
            if pick.verb == _ASK:
                return await self._asked(chat, pick.about, pick.inputs.get(_WORDS, ""))
            if pick.verb == _OTHER:
                return await self._not_it(chat, pick.about, pick.inputs.get(_WORDS, ""))
            return await self._show(chat, pick.inputs.get("note", "") or pick.about)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _mine(self, chat: Chat) -> Told:
        """The pack, or a choice of several."""
        found = await packs.received(self._desk, chat.event.person_id)
        if not found:
            return Told(replies=[chat.speech.say("successor.none")])
        if len(found) == 1:
            return await self._show(chat, found[0].item_id)
        say = chat.speech.messages.say
        choices = [{"value": one.item_id, "label": one.post} for one in found]
        reply = chat.speech.menu(
            self.name,
            title=say("successor.several"),
            entries=[_named(chat, one) for one in found],
            fields=[{"key": "note", "label": say("successor.which"), "choices": choices}],
            buttons=[{"verb": _SHOW, "label": say("successor.show"), "inputs": True}],
            hint=say("successor.several_hint"),
        )
        return Told(replies=[reply], waits={"notes": [one.item_id for one in found]})

    async def _show(self, chat: Chat, note_id: str) -> Told:
        """The pack of a note, for who may read it now."""
        reader = await reader_of(self._desk.graph, chat)
        try:
            note = await packs.note_for(self._desk, note_id, reader.person_id)
            pack = await packs.make(self._desk, note, reader, language=chat.language)
        except (NotFound, InputRefused):
            return Told(replies=[chat.speech.say("successor.none")])
        sign_in = (await people.get_person(self._desk.graph, reader.person_id)).upn
        return Told(replies=[self._card(chat, pack, sign_in)], waits={"note": note.item_id}, asks=False)

    def _card(self, chat: Chat, pack: Pack, sign_in: str) -> Reply:
        """What to read, whom to meet, what comes and what is open, a few of each; and a field to ask."""
        say, words = chat.speech.messages.say, self._words_in(chat.language)
        person = pack.person or say("successor.somebody")
        intro = say("successor.intro", person=person, day=chat.speech.messages.day(pack.filed_on))
        entries = [{"title": words.text("note"), "note": say("successor.all_of_it"), "link": pack.web_url}]
        lines = []
        for section in words.sections(pack):
            entries += _entries(chat, words, section)
            if not section.entries:
                lines.append(f"{section.heading}: {section.nothing}")
        who = f"{pack.person_id} -o pack.docx --as {sign_in}"
        file = say("successor.file", command=f"km365 handover pack {who}")
        return chat.speech.menu(
            self.name,
            title=say("successor.title", post=chat.speech.apart(pack.post)),
            text="\n".join([intro, *lines]),
            entries=[*entries, {"title": say("successor.file_title"), "note": file}],
            fields=[_field(chat)],
            buttons=[_button(chat)],
            about=pack.note_id,
            hint=say("successor.hint"),
        )

    async def _asked(self, chat: Chat, note_id: str, text: str) -> Told:
        """An answer in the words of the pack; without one that is said, and what else can be done."""
        text = text.strip()[:LONGEST]
        if await chat.keeps_out(text) is KeepOut.DISTRESS:
            return refused(chat, KeepOut.DISTRESS)
        reader = await reader_of(self._desk.graph, chat)
        found = [note_id] if note_id else [one.item_id for one in await self._recent(chat)]
        if not found:
            return Told(replies=[chat.speech.say("successor.none")])
        if not text:
            return Told(replies=[chat.speech.say("successor.ask_which")], waits={"note": found[0]})
        for one in found:
            try:
                pack, said = await packs.ask(
                    self._desk, one, text, reader, language=chat.language, asking=self._only_ask(chat)
                )
            except (NotFound, InputRefused):
                return Told(replies=[chat.speech.say("successor.none")])
            if said:
                waits = {"note": one}
                return Told(replies=[self._answer(chat, pack, said, text)], waits=waits, asks=False)
        return await self._nothing(chat, found[0], text)

    async def _recent(self, chat: Chat) -> Sequence[FiledNote]:
        """The note whose pack is open, else all that this person has."""
        kept = (chat.state.get("waiting") or {}).get("note")
        found = await packs.received(self._desk, chat.event.person_id)
        return [one for one in found if one.item_id == kept] or found

    async def _not_it(self, chat: Chat, note_id: str, text: str) -> Told:
        """What was quoted answers something else: as if the pack said nothing."""
        text = text.strip()[:LONGEST]
        found = note_id or next((one.item_id for one in await self._recent(chat)), "")
        if not text or not found:
            return await self._mine(chat)
        try:
            return await self._nothing(chat, found, text)
        except (NotFound, InputRefused):
            return Told(replies=[chat.speech.say("successor.none")])

    async def _nothing(self, chat: Chat, note_id: str, text: str) -> Told:
        note = await packs.note_for(self._desk, note_id, chat.event.person_id)
        if (told := await self._line.offer(chat, note, text)) is not None:
            return told
        say = chat.speech.messages.say
        reply = chat.speech.menu(
            self.name,
            title=say("successor.nothing_title"),
            text=say("successor.nothing", asked=chat.speech.apart(text)),
            fields=[_field(chat)],
            buttons=[_button(chat)],
            about=note_id,
            hint=say("successor.again"),
        )
        return Told(replies=[reply], waits={"note": note_id}, asks=False)

    def _answer(self, chat: Chat, pack: Pack, said: Sequence[Quotation], asked: str) -> Reply:
        """The quotations, each with where and when it was written; the card alone knows what was `asked`."""
        say, words = chat.speech.messages.say, self._words_in(chat.language)
        return chat.speech.menu(
            self.name,
            title=say("successor.answer_title"),
            text=say("successor.answer_text"),
            entries=[
                {
                    "title": chat.speech.apart(one.line.heading),
                    "quote": chat.speech.apart(words.quoted(one.words)),
                    "note": _placed(chat, one),
                    "link": one.line.web_url,
                }
                for one in said
            ],
            fields=[{**_field(chat), "value": asked}],
            buttons=[
                _button(chat),
                {"verb": _OTHER, "label": say("successor.other_button"), "inputs": True},
            ],
            about=pack.note_id,
            hint=say("successor.again_answered"),
        )

    def _words_in(self, language: str) -> PackWords:
        if language not in self._words:
            self._words[language] = PackWords(self._desk.templates, language)
        return self._words[language]

    def _only_ask(self, chat: Chat) -> frozenset[str]:
        """Words that only make a question of others, of every language."""
        if not self._asking:
            texts = [chat.parts.catalogue.get(tag).texts["successor.asking_words"] for tag in LANGUAGES]
            self._asking = frozenset(str(one).casefold() for words in texts for one in words)
        return self._asking


def _named(chat: Chat, note: FiledNote) -> Mapping[str, str]:
    day = chat.speech.messages.day(note.last_on) if note.last_on else ""
    return {"title": note.post, "note": ", ".join(one for one in (note.office, day) if one)}


def _entries(chat: Chat, words: PackWords, section: Section) -> list[dict[str, str]]:
    """The first few of a section: one by one where they lead somewhere, the others together."""
    shown = section.entries[:_MOST]
    found = [_entry(chat, words, section.heading, one) for one in shown if one.url]
    lines = [_line(chat, words, one) for one in shown if not one.url]
    if lines:
        found.append({"title": section.heading, "quote": "\n".join(lines)})
    if more := len(section.entries) - len(shown):
        last = found[-1]
        last["note"] = f"{last.get('note', '')} {chat.speech.messages.say('successor.more', n=more)}".strip()
    return found


def _entry(chat: Chat, words: PackWords, heading: str, one: Entry) -> dict[str, str]:
    title = f"{heading}: {chat.speech.apart(one.title)}"
    return {"title": title, "quote": _quoted(chat, words, one), "note": one.note, "link": one.url}


def _line(chat: Chat, words: PackWords, one: Entry) -> str:
    title, quote = chat.speech.apart(one.title), _quoted(chat, words, one)
    if not quote:
        return f"{title} {one.note}"
    return f"{one.note}: {' '.join(part for part in (title, quote) if part)}"


def _quoted(chat: Chat, words: PackWords, one: Entry) -> str:
    return chat.speech.apart(words.quoted(one.quote)) if one.quote else ""


def _placed(chat: Chat, one: Quotation) -> str:
    """When it was written, and in what, where that is not the note."""
    day = chat.speech.messages.day(one.line.day) if one.line.day else ""
    source = "" if one.line.source in {"", one.line.heading} else one.line.source
    in_note = "" if one.line.source else chat.speech.messages.say("successor.in_note")
    return " · ".join(part for part in (source or in_note, day) if part)


def _field(chat: Chat) -> Mapping[str, Any]:
    return {"key": _WORDS, "label": chat.speech.messages.say("successor.ask_label")}


def _button(chat: Chat) -> Mapping[str, Any]:
    return {"verb": _ASK, "label": chat.speech.messages.say("successor.ask_button"), "inputs": True}
