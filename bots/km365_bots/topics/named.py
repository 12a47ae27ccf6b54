"""People and documents that a leaver names: what was understood is played back, and may be corrected.

Private numbers and addresses of others are left out of an answer, and put back only when its writer says that
they agreed. Until then the chat keeps the answer as it was written, for a day at most.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from km365.app import App
from km365.core import contacts as people_named
from km365.core.chat import Reply
from km365.core.commands import Command, Understood
from km365.core.contacts import QUESTIONS, Contact
from km365.core.drafting import in_note
from km365.core.interviews import PROBE_SUFFIX, Interview
from km365.core.key_documents import LEAVES_WITH_OWNER, Found, KeyDocument
from km365.core.messages import Messages
from km365.core.notes import Note
from km365.core.private_details import LeftOut, leave_out, leave_out_these
from km365.core.questions import BankKind
from km365.core.said import Said, Verb, clean
from km365.core.turns import Turn
from km365.documents.contacts import contact_words
from km365.errors import GraphError
from km365.services import contact_consent, contacts, interview, key_documents
from km365.services.tag_named import tag_named
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import WAITING, Chat
from km365_bots.meaning import bank_of
from km365_bots.topics import LEAVING, Told, Topic

_AGREED, _LEFT_OUT = "agreed", "left_out"
_YES = frozenset({Command.YES, Command.AGREE})
_NO = frozenset({Command.NO, Command.REFUSE, Command.DECLINE, Command.SKIP})
_DOCUMENTS = "handover.documents"
_REFUSED = frozenset(
    {Note.NOT_NOW, Note.LATE, Note.TOO_LONG, Note.CHOOSE, Note.UNRECORDED, Note.ALREADY_SENT, Note.ON_ITS_WAY}
)
"""With these nothing of what was said was kept."""
_NUMBERS = re.compile(r"\d{1,2}(?:[\s,،、]{1,3}\d{1,2})*")
_MOST_TICKED = 10
_PATIENCE_S = 6.0
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class _Understood:
    """What an answer was read as."""

    people: Sequence[Contact] = ()
    documents: Sequence[KeyDocument] = ()


class Named(Topic):
    """ "People I named" and "documents I named"; and, after such an answer, what was understood of it."""

    name = "named"
    for_whom = LEAVING

    def __init__(self, app: App) -> None:
        self._app = app
        self._words = contact_words(app.templates)

    # what is kept of an answer -----------------------------------------------------------------------------

    async def kept(self, chat: Chat, interview_id: str, said: Said) -> Said:
        """The answer without private numbers and addresses that were not agreed to."""
        if not any(leave_out(text, self._words, ()) for text in (said.text, *said.fields.values())):
            return said
        turn = await interviewing.named(chat, interview_id)
        if turn is None or bank_of(chat, turn.interview).kind is not BankKind.HANDOVER:
            return said
        left = await self._left_out(chat, turn, said)
        if said.verb is Verb.ANSWER:
            return replace(said, text=next(iter(left.values())).kept) if left else said
        return replace(
            said, fields={key: left[key].kept if key in left else text for key, text in said.fields.items()}
        )

    async def _left_out(self, chat: Chat, turn: Turn, said: Said) -> dict[str, LeftOut]:
        """By question what is left out of what was said; an answer is that of the question it answers."""
        texts = dict(said.fields) if said.verb is Verb.EDIT else {_asked(turn, said, chat): said.text}
        mails = any("@" in text for text in texts.values())
        domains = await contacts.own_domains(self._app.graph, chat.event.person_id) if mails else set()
        found = {}
        agreed = "\n".join((*(one.text for one in turn.interview.answers), *turn.interview.edits.values()))
        for question, text in texts.items():
            if left := leave_out(clean(text), self._words, domains, agreed=agreed):
                found[question] = left
        return found

    async def answered(self, chat: Chat, turn: Turn, said: Said) -> Told | None:
        """What was left out and whether they agreed; else what was read of people or documents."""
        if bank_of(chat, turn.interview).kind is not BankKind.HANDOVER or _REFUSED & set(turn.notes):
            return None
        chat = replace(chat, language=turn.interview.language)
        never = []
        if any(leave_out(text, self._words, ()) for text in (said.text, *said.fields.values())):
            left = await self._left_out(chat, turn, said)
            if any(one.asked for one in left.values()):
                return self._ask(chat, turn, left)
            never = self._never(chat, left)
        new = [one for one in turn.interview.answers if one.at == chat.event.at and one.text]
        read = said.verb is Verb.ANSWER and new
        lines = [*never, *(await self._read_back(chat, turn, new[-1].question) if read else [])]
        return Told(replies=[Reply(text="\n".join(lines))]) if lines else None

    # whether they agreed -----------------------------------------------------------------------------------

    def _never(self, chat: Chat, left: Mapping[str, LeftOut]) -> list[str]:
        never = [one for some in left.values() for one in some.never]
        return [chat.speech.messages.say("named.never", details=_shown(chat, never))] if never else []

    def _ask(self, chat: Chat, turn: Turn, left: Mapping[str, LeftOut]) -> Told:
        say, lines = chat.speech.messages.say, self._never(chat, left)
        asked = list(dict.fromkeys(one for some in left.values() for one in some.asked))
        places = [str(place) for place, _ in enumerate(asked, start=1)]
        several = 1 < len(asked) <= _MOST_TICKED
        numbered = ", ".join(
            f"{place}. {chat.speech.apart(one)}" for place, one in zip(places, asked, strict=True)
        )
        ticks = {
            "key": "which",
            "label": say("named.ask_which"),
            "choices": [{"value": place, "label": one} for place, one in zip(places, asked, strict=True)],
            "value": ",".join(places),
            "many": True,
        }
        lines.append(say("named.ask", n=len(asked), details=_shown(chat, asked)))
        reply = chat.speech.menu(
            self.name,
            title=say("named.ask_title"),
            text="\n".join(lines),
            fields=[ticks] if several else [],
            buttons=[
                {"verb": verb, "label": say(f"named.{verb}"), "inputs": several}
                for verb in (_AGREED, _LEFT_OUT)
            ],
            about=turn.interview.id,
            hint=say("named.ask_hint_some", details=numbered) if several else say("named.ask_hint"),
        )
        wholes = {question: [one.kept, one.whole] for question, one in left.items() if one.asked}
        about = {"about": turn.interview.id, "key": chat.activity_key, "asked": asked if several else []}
        return Told(replies=[reply], waits={**about, "wholes": wholes})

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """All whom, or all that, they named; or whether somebody agreed."""
        if wish:
            return await self._all(chat, wish)
        kept = _kept(chat)
        command = meant.command if meant else None
        if not kept or (meant and command not in _YES | _NO) or kept["key"] == chat.activity_key:
            return None
        if meant is None:
            said = _NUMBERS.fullmatch(chat.event.text.strip())
            ticked = {int(one) for one in re.findall(r"\d+", said[0])} if said else set()
            if ticked and ticked <= set(range(1, len(kept.get("asked", ())) + 1)):
                return await self._settle(chat, self._ticked(kept, ticked), agreed=True)
            return Told(
                replies=[chat.speech.say("named.again")],
                waits={name: kept[name] for name in ("about", "key", "asked", "wholes") if name in kept},
            )
        return await self._settle(chat, kept, agreed=command in _YES)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of the question whether they agreed, as long as that is open."""
        kept = _kept(chat)
        if not kept or kept["about"] != pick.about:
            return Told(replies=[chat.speech.say("named.not_open")])
        agreed = pick.verb == _AGREED
        if agreed and kept.get("asked"):
            some = pick.inputs.get("which", "").split(",")
            ticked = {int(one) for one in some if one.strip().isdecimal()}
            kept, agreed = self._ticked(kept, ticked), bool(ticked)
        return await self._settle(chat, kept, agreed=agreed)

    def _ticked(self, kept: Mapping[str, Any], ticked: Collection[int]) -> Mapping[str, Any]:
        """What was asked about, without those that were not ticked."""
        refused = [one for place, one in enumerate(kept["asked"], start=1) if place not in ticked]
        wholes = {
            question: [some[0], leave_out_these(some[1], self._words, refused)]
            for question, some in kept["wholes"].items()
        }
        return {**kept, "wholes": {question: some for question, some in wholes.items() if some[1]}}

    async def _settle(self, chat: Chat, kept: Mapping[str, Any], *, agreed: bool) -> Told:
        """They agreed, or did not; then what the interview asks."""
        about, key = str(kept["about"]), "left_out_stays"
        if agreed:
            key = "put_back" if await self._put_back(chat, about, kept["wholes"]) else "changed"
        turn = await interviewing.named(chat, about)
        lines = [chat.speech.messages.say(f"named.{key}")]
        if turn is None:
            return Told(replies=[Reply(text=lines[0])], begun=True)
        for question in kept["wholes"]:
            lines += await self._read_back(chat, turn, question)
        return Told(replies=[Reply(text="\n".join(lines)), interviewing.prompt(chat, turn)], begun=True)

    async def _put_back(self, chat: Chat, about: str, wholes: Mapping[str, Sequence[str]]) -> bool:
        """What was left out is in the answers again; one that was nothing else is given now."""
        parts, person, at = chat.parts, chat.event.person_id, chat.event.at
        turn = await interviewing.named(chat, about)
        if turn is None:
            return False
        for question, (_, whole) in ((one, some) for one, some in wholes.items() if not some[0]):
            said = Said(verb=Verb.ANSWER, text=whole, question=question, activity_id=chat.activity_key)
            turn = await interview.take(parts.db, parts.banks, parts.jobs, turn.interview, said, now=at)
            if _stored(turn.interview, question) != whole:
                return False
        partly = {question: (some[0], some[1]) for question, some in wholes.items() if some[0]}
        return await parts.db.run(lambda c: contact_consent.put_back(c, about, person, partly, at=at))

    # what was read -----------------------------------------------------------------------------------------

    async def _understood(self, chat: Chat, turn: Turn, question: str, text: str) -> _Understood:
        """The people and documents of an answer, as far as its question asks for them."""
        asked = bank_of(chat, turn.interview).question(question)
        graph, settings = self._app.graph, self._app.settings
        if question in QUESTIONS:
            found = people_named.read(text, self._words.introduces, question=question)
            with suppress(GraphError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    found = await contacts.recognise(graph, found)
            return _Understood(people=found)
        if asked is not None and _DOCUMENTS in asked.becomes:
            person = chat.event.person_id
            return _Understood(documents=await key_documents.look_up(graph, settings, text, person_id=person))
        return _Understood()

    async def _read_back(self, chat: Chat, turn: Turn, question: str) -> list[str]:
        """What was understood of an answer, in a line or two; nothing where that is nothing.

        Documents that others will read of, and nobody has tagged, are handed on to be tagged.
        """
        messages, answer = chat.speech.messages, turn.interview.answer(question)
        read = await self._understood(chat, turn, question, _stored(turn.interview, question))
        if answer is not None and in_note(answer):
            with suppress(GraphError):
                await tag_named(self._app.graph, self._app.db, read.documents, now=chat.event.at)
        people = [one for one in read.people if one.name]
        lines = []
        if people:
            lines.append(
                messages.say("named.people", n=len(people), names=_shown(chat, (one.name for one in people)))
            )
            known = [one.name for one in people if one.person_id]
            if known:
                lines.append(messages.say("named.colleagues", n=len(known), names=_shown(chat, known)))
            if whole := len(read.people) - len(people):
                lines.append(messages.say("named.whole", n=whole))
        if read.documents:
            lines += _of_documents(chat, messages, read.documents)
        return [*lines, messages.say("named.wrong")] if lines else []

    async def _all(self, chat: Chat, wish: str) -> Told:
        """The people or documents named so far, in the order in which a successor needs them."""
        turn = await interview.current(chat.parts.db, chat.parts.banks, chat.event.person_id, ended=True)
        say = chat.speech.messages.say
        if turn is None or bank_of(chat, turn.interview).kind is not BankKind.HANDOVER:
            return Told(replies=[chat.speech.say("named.nobody")])
        read = [
            await self._understood(chat, turn, one.question, one.text)
            for one in turn.interview.answers
            if one.text
        ]
        if wish == "documents":
            found = {one.address: one for some in read for one in some.documents}
            entries = [_document_entry(chat, one) for one in found.values()]
        else:
            people = [one for some in read for one in some.people]
            whole = [one for one in people if not one.name]
            entries = [_person_entry(one) for one in (*people_named.to_meet(people), *whole)]
        if not entries:
            return Told(replies=[chat.speech.say("named.nobody")])
        return Told(
            replies=[chat.speech.menu(self.name, title=say(f"named.{wish}_title"), entries=entries)],
            asks=False,
        )


def _of_documents(chat: Chat, messages: Messages, documents: Sequence[KeyDocument]) -> list[str]:
    lines = [messages.say("named.documents", n=len(documents))]
    gone = [one.name for one in documents if one.found is Found.NO]
    if gone:
        lines.append(messages.say("named.not_found", n=len(gone), names=_shown(chat, gone)))
    for one in documents:
        if one.why in LEAVES_WITH_OWNER:
            lines.append(
                messages.say(
                    "named.move", name=chat.speech.apart(one.name), why=messages.say(f"named.{one.why}")
                )
            )
    unknown = [one for one in documents if one.found is Found.UNKNOWN and one.why not in LEAVES_WITH_OWNER]
    for why in dict.fromkeys(one.why for one in unknown):
        some = [one.name for one in unknown if one.why is why]
        lines.append(f"{_shown(chat, some)}: {messages.say(f'named.{why}')}")
    return lines


def _document_entry(chat: Chat, one: KeyDocument) -> dict[str, str]:
    messages = chat.speech.messages
    note = messages.say(f"named.{one.why}") if one.why else ""
    if one.changed_on:
        note = messages.say("named.last_changed", day=messages.day(one.changed_on))
    tags = " · ".join(one.tags)
    link = one.url if one.found is not Found.NO else ""
    return {"title": one.name, "note": "\n".join(filter(None, (note, tags))), "link": link}


def _person_entry(one: Contact) -> dict[str, str]:
    known = ", ".join(filter(None, (one.post, one.office)))
    who = ", ".join(filter(None, (one.name, one.organisation)))
    title = f"{who} ({known})" if known else who
    return {"title": title or one.line, "quote": one.why, "note": one.introduction}


def _shown(chat: Chat, names: Iterable[str]) -> str:
    """The first few, each apart from the line's own direction."""
    some = list(dict.fromkeys(names))
    more = " …" if len(some) > _MOST_NAMED else ""
    return ", ".join(chat.speech.apart(one) for one in some[:_MOST_NAMED]) + more


def _asked(turn: Turn, said: Said, chat: Chat) -> str:
    """The question that was answered: the card's, else the one just answered, else the one that waits."""
    if said.question:
        return said.question.removesuffix(PROBE_SUFFIX)
    given = max(turn.interview.answers, key=lambda one: one.at, default=None)
    if given and (given.at == chat.event.at or said.activity_id in turn.interview.heard):
        return given.question
    return turn.prompt.question.id if turn.prompt.question else ""


def _stored(interview: Interview, question: str) -> str:
    answer = interview.answer(question)
    return interview.edits.get(question) or (answer.text if answer else "")


def _kept(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get(WAITING)
    return kept if isinstance(kept, Mapping) and kept.get("topic") == Named.name and "wholes" in kept else {}
