"""The alumni line in the chat: opened and closed by who left, used by their successor.

A question, and its answer, wait in a chat's state only between being shown and being sent.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from km365.core.chat import Reply
from km365.core.commands import Command, Understood
from km365.core.days_in_text import days_in
from km365.core.languages import LANGUAGES
from km365.core.schedule import day_at
from km365.errors import GraphError, GraphNotFound, InputRefused, NotFound
from km365.graph import people
from km365.services import alumni, filed_notes
from km365.services.alumni import AlumniDesk
from km365.services.filed_notes import FiledNote
from km365.store.alumni import Line, Question
from km365.store.outbox import Message
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.moments import Moments
from km365_bots.speech import Speech
from km365_bots.topics import LEAVING, NotWanted, Told, Topic, refused

_MONTHS = {"1": 30, "3": 91, "6": 182, "12": 365}
"""What is offered, in days."""
_YES = frozenset({Command.YES, Command.AGREE, Command.SEND})
_NO = frozenset({Command.NO, Command.REFUSE, Command.DECLINE})
_LONGEST = 4_000


class AlumniLine(Topic):
    """ "My line" and "close my line" for who has left; "questions to me", and their answers."""

    name = "alumni"
    for_whom = LEAVING

    def __init__(self, desk: AlumniDesk) -> None:
        self._desk, self._moments = desk, Moments()

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """Opens, closes or shows the line, or shows what was asked; else an answer to what was shown last."""
        try:
            if wish == "close":
                return await self._close(chat)
            if wish == "questions":
                return await self._questions(chat)
            return await (self._mine(chat) if wish else self._heard(chat, meant))
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _heard(self, chat: Chat, meant: Understood | None) -> Told | None:
        kept = chat.state.get("waiting") or {}
        says = _says(meant)
        if kept.get("answer") and says is not None:
            return await self._to_preview(chat, kept, says)
        if says is False and kept.get("opens"):
            return await self._close(chat)
        if says is False and kept.get("question"):
            return await self._answer(chat, kept["question"], "")
        return None if meant else await self._told(chat, kept)

    async def _to_preview(self, chat: Chat, kept: Mapping[str, Any], says: bool) -> Told:
        """Yes or no to an answer that was shown to its author."""
        if says:
            return await self._answer(chat, kept["question"], kept["answer"])
        return Told(replies=[chat.speech.say("alumni.not_answered")])

    async def _told(self, chat: Chat, kept: Mapping[str, Any]) -> Told | None:
        """Own words: an answer, or until when."""
        if kept.get("question"):
            return await self._preview(chat, kept["question"], chat.event.text)
        return await self._open(chat, chat.event.text) if kept.get("opens") else None

    async def to_offer(self, chat: Chat, kept: Mapping[str, Any], meant: Understood | None) -> Told | None:
        """Yes or no to a question that was shown to its asker; None for anything else."""
        says = _says(meant) if kept.get("send") else None
        if says:
            return await self._pass_on(chat, kept["note"], kept["send"])
        return None if says is None else Told(replies=[chat.speech.say("alumni.not_sent")])

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of one of its cards."""
        try:
            return await self._pressed(chat, pick, pick.inputs.get("words", "").strip()[:_LONGEST])
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _pressed(self, chat: Chat, pick: Pick, words: str) -> Told:
        match pick.verb:
            case "open":
                days = _MONTHS.get(pick.inputs.get("months", ""), 0)
                until = self._desk.today + timedelta(days=days)
                told = self._opened(chat, until, pick.inputs.get("address", "").strip())
            case "close":
                told = self._close(chat)
            case "send":
                told = self._pass_on(chat, pick.about, words)
            case "answer":
                told = self._preview(chat, pick.about, words)
            case "sure" | "skip" as verb:
                told = self._answer(chat, pick.about, words if verb == "sure" else "")
            case _:
                return Told(replies=[chat.in_place(chat.speech.say("alumni.not_sent"))])
        return await told

    # the leaver's line -----------------------------------------------------------------------------------

    async def _note(self, chat: Chat) -> FiledNote | None:
        """The note this person filed last; one that colleagues told is not theirs to know of."""
        person, found = (
            chat.event.person_id,
            await filed_notes.around(self._desk.graph, self._desk.settings, chat.event.person_id),
        )
        return next((one for one in found[::-1] if one.person_id == person and not one.by_colleagues), None)

    async def _mine(self, chat: Chat) -> Told:
        """How the line stands, and what opens or closes it."""
        if await self._note(chat) is None:
            return Told(replies=[chat.speech.say("alumni.no_note")])
        lines = await alumni.mine(self._desk, chat.event.person_id)
        return Told(replies=[_opening(chat.speech, lines[0] if lines else None)], waits={"opens": True})

    async def _open(self, chat: Chat, text: str) -> Told | None:
        """ "Until 30 June", perhaps with a private address; None where it may answer an interview."""
        address = alumni.address_in(text)
        said = text.replace(address, " ").strip(" ,;،؛") if address else text
        until = self._day(chat, said)
        if until is None and not address and await interviewing.is_asked(chat):
            return None
        return await self._opened(chat, until, address)

    def _day(self, chat: Chat, said: str) -> date | None:
        """The day that is named, or how long from now, in whichever language."""
        today = self._desk.today
        for language in dict.fromkeys((chat.language, *LANGUAGES)):
            if days := days_in(said, language, after=today):
                return days[0]
        moment = self._moments.read(chat, said)
        return day_at(moment, chat.hours) if moment else None

    async def _opened(self, chat: Chat, until: date | None, address: str) -> Told:
        note = await self._note(chat)
        if note is None:
            return Told(replies=[chat.speech.say("alumni.no_note")])
        if address and alumni.address_in(address) != address:
            return Told(replies=[chat.speech.say("alumni.no_address")], waits={"opens": True})
        try:
            if until is None or until <= self._desk.today:
                raise InputRefused("No day that is still to come.")
            line = await alumni.open_line(self._desk, note, until, address)
        except InputRefused:
            return Told(replies=[chat.speech.say("alumni.no_day")], waits={"opens": True})
        key = "alumni.opened_address" if address else "alumni.opened_teams"
        day = chat.speech.messages.day(line.until_on)
        said = chat.speech.say(key, day=day, address=chat.speech.apart(address))
        return Told(replies=[chat.in_place(said)])

    async def _close(self, chat: Chat) -> Told:
        """Closed from now on; what waits is not sent."""
        open_ = await alumni.close(self._desk, chat.event.person_id, by=chat.event.person_id)
        return Told(
            replies=[chat.in_place(chat.speech.say("alumni.closed" if open_ else "alumni.stays_closed"))]
        )

    # a question, from the one to the other ------------------------------------------------------------------

    async def offer(self, chat: Chat, note: FiledNote, words: str) -> Told | None:
        """Shows what would be passed on, and to whom; None where there is no open line for this person."""
        line = await alumni.line_to(self._desk, note, chat.event.person_id)
        if line is None or await chat.keeps_out(words):
            return None
        say, person = chat.speech.messages.say, await self._name(line.person_id)
        until = chat.speech.messages.day(line.until_on)
        nothing = say("successor.nothing", asked=chat.speech.apart(words))
        if line.address:
            reply = chat.speech.menu(
                self.name,
                title=say("successor.nothing_title"),
                text=f"{nothing}\n{say('alumni.write', person=person, day=until)}",
                entries=[{"title": line.address, "link": f"mailto:{line.address}"}],
            )
            return Told(replies=[reply], waits={"note": note.item_id}, by="successor", asks=False)
        reply = chat.speech.menu(
            self.name,
            title=say("successor.nothing_title"),
            text=f"{nothing}\n{say('alumni.offer', person=person, day=until)}",
            fields=[{"key": "words", "label": say("alumni.offer_label"), "value": words, "multiline": True}],
            buttons=[
                {"verb": "send", "label": say("alumni.send"), "inputs": True},
                {"verb": "keep", "label": say("alumni.keep")},
            ],
            about=note.item_id,
            hint=say("alumni.offer_hint"),
        )
        return Told(replies=[reply], waits={"note": note.item_id, "send": words}, by="successor")

    async def _pass_on(self, chat: Chat, note_id: str, words: str) -> Told:
        """Sends what was shown, or as it was changed on the card."""
        if refusal := await chat.keeps_out(words):
            return refused(chat, refusal)
        say = chat.speech.messages.say
        try:
            note = await filed_notes.get(self._desk.graph, self._desk.settings, note_id)
            if not words or not filed_notes.readable_by(note, chat.event.person_id):
                raise NotFound("Nothing is passed on.")
            key = hashlib.sha256(f"{chat.activity_key}\n{words}".encode()).hexdigest()[:32]
            due_at = await alumni.pass_on(self._desk, note, chat.event.person_id, words, key=key)
        except (InputRefused, NotFound):
            return Told(replies=[chat.in_place(chat.speech.say("alumni.not_open"))])
        if due_at is None:
            return Told(replies=[chat.in_place(chat.speech.say("alumni.full"))])
        person, day = await self._name(note.person_id), day_at(due_at, chat.hours)
        later = day > day_at(chat.event.at, chat.hours)
        key = "alumni.sent_later" if later else "alumni.sent"
        text = say(key, person=person, day=chat.speech.messages.day(day))
        return Told(replies=[chat.in_place(Reply(text=text))], waits={"note": note_id}, by="successor")

    async def _questions(self, chat: Chat) -> Told:
        """The oldest question to this leaver that is not answered."""
        found = await alumni.questions(self._desk, chat.event.person_id)
        if not found:
            return Told(replies=[chat.speech.say("alumni.no_questions")])
        reply = _question(chat.speech, found[0], await self._name(found[0].asker_id))
        return Told(replies=[reply], waits={"question": found[0].id}, own_words=True)

    async def _preview(self, chat: Chat, question_id: str, words: str) -> Told:
        """The answer as it would go, before it goes."""
        words = words.strip()[:_LONGEST]
        waits: Mapping[str, Any] = {"question": question_id}
        if refusal := await chat.keeps_out(words):
            return refused(chat, refusal, waits=waits, own_words=True)
        asked = await self._theirs(chat, question_id)
        if asked is None or not words:
            return Told(replies=[chat.speech.say("alumni.no_questions")])
        say, person = chat.speech.messages.say, await self._name(asked.asker_id)
        reply = chat.speech.menu(
            self.name,
            title=say("alumni.preview_title", person=person),
            text=say("alumni.preview_text"),
            entries=[{"title": say("alumni.your_answer"), "quote": chat.speech.messages.quoted(words)}],
            fields=[{"key": "words", "label": say("alumni.your_answer"), "value": words, "multiline": True}],
            buttons=[
                {"verb": "sure", "label": say("alumni.send"), "inputs": True},
                {"verb": "keep", "label": say("alumni.keep")},
            ],
            about=question_id,
            hint=say("alumni.preview_hint"),
        )
        return Told(replies=[chat.in_place(reply)], waits={**waits, "answer": words})

    async def _answer(self, chat: Chat, question_id: str, words: str) -> Told:
        if words and (refusal := await chat.keeps_out(words)):
            return refused(chat, refusal)
        asked = await self._theirs(chat, question_id)
        if asked is None or not await alumni.answer(self._desk, asked, words):
            return Told(replies=[chat.in_place(chat.speech.say("alumni.no_questions"))])
        person = await self._name(asked.asker_id)
        key = "alumni.answered" if words else "alumni.skipped"
        return Told(replies=[chat.in_place(chat.speech.say(key, person=person))])

    async def _theirs(self, chat: Chat, question_id: str) -> Question | None:
        """The question, where this person is asked it over a line that is open."""
        found = await alumni.questions(self._desk, chat.event.person_id)
        return next((one for one in found if one.id == question_id), None)

    # what goes out by itself --------------------------------------------------------------------------------

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """Whether they may be asked later: once, after the note was filed."""
        return _opening(speech, None, first=True) if message.card == alumni.OPENING else None

    async def as_sent(self, speech: Speech, message: Message) -> Reply | None:
        """A question to who left, and the answer to it, as they are now."""
        if message.card not in {alumni.QUESTION, alumni.ANSWER}:
            return None
        asked = await alumni.get(self._desk, str(message.data.get("question", "")))
        if message.card == alumni.QUESTION:
            open_ = await alumni.questions(self._desk, message.person_id)
            if asked is None or asked.id not in {one.id for one in open_}:
                raise NotWanted("the line was closed, or it was answered")
            return _question(speech, asked, await self._name(asked.asker_id))
        if asked is None or asked.answered_at is None or asked.asker_id != message.person_id:
            raise NotWanted("it is not kept any more")
        day = await self._desk.day_for(asked.asker_id, asked.answered_at)
        return _answered(speech, asked, await self._name(asked.person_id), day)

    async def _name(self, person_id: str) -> str:
        try:
            return (await people.get_person(self._desk.graph, person_id)).name
        except GraphNotFound:
            return ""


def _says(meant: Understood | None) -> bool | None:
    """Whether that is a yes or a no; None for neither."""
    command = meant.command if meant else None
    return True if command in _YES else False if command in _NO else None


def _opening(speech: Speech, line: Line | None, *, first: bool = False) -> Reply:
    """Whether, until when and how one may be asked; or what was said to that."""
    say = speech.messages.say
    now = ""
    if line is not None:
        how = "address" if line.address else "teams"
        day = speech.messages.day(line.until_on)
        now = say(f"alumni.open_{how}", day=day, address=speech.apart(line.address))
    months = [{"value": key, "label": say("alumni.months", n=int(key))} for key in _MONTHS]
    return speech.menu(
        AlumniLine.name,
        title=say("alumni.title"),
        text="\n".join(part for part in (say("alumni.first") if first else now, say("alumni.text")) if part),
        fields=[
            {"key": "months", "label": say("alumni.until"), "choices": months, "value": "3"},
            {
                "key": "address",
                "label": say("alumni.address"),
                "value": line.address if line else "",
            },
        ],
        buttons=[
            {"verb": "open", "label": say("alumni.yes"), "inputs": True},
            {"verb": "close", "label": say("alumni.close" if line else "alumni.no")},
        ],
        hint=say("alumni.first_hint" if first else "alumni.hint"),
    )


def _question(speech: Speech, asked: Question, person: str) -> Reply:
    """A question to who left, with a field for the answer."""
    say = speech.messages.say
    return speech.menu(
        AlumniLine.name,
        title=say("alumni.question_title", person=person),
        text=say("alumni.question_text"),
        entries=[{"title": say("alumni.question"), "quote": speech.messages.quoted(asked.words)}],
        fields=[{"key": "words", "label": say("alumni.your_answer"), "multiline": True}],
        buttons=[
            {"verb": "answer", "label": say("alumni.preview"), "inputs": True},
            {"verb": "skip", "label": say("alumni.skip")},
            {"verb": "close", "label": say("alumni.close")},
        ],
        about=asked.id,
        hint=say("alumni.question_hint"),
    )


def _answered(speech: Speech, asked: Question, person: str, day: date) -> Reply:
    """What came back, in its author's words."""
    say = speech.messages.say
    entries = [{"title": say("alumni.your_question"), "quote": speech.messages.quoted(asked.words)}]
    if asked.answer:
        said = speech.messages.quoted(asked.answer)
        entries.append(
            {"title": say("alumni.answer"), "quote": said, "note": f"{person} · {speech.messages.day(day)}"}
        )
    key = "alumni.answer_title" if asked.answer else "alumni.no_answer_title"
    return speech.menu(AlumniLine.name, title=say(key, person=person), entries=entries)
