"""Who reads the most narrow answers of a handover: named by the leaver, and told when the note is filed.

Nothing of the answers is kept in the chat; what was left is read anew each time, for who may read it then.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from km365.core.chat import Reply
from km365.core.commands import Understood, opens_with_colon
from km365.core.departures import BANK
from km365.core.interviews import Interview
from km365.core.named_readers import MOST
from km365.documents.questions import Banks
from km365.errors import GraphError
from km365.graph import people
from km365.services import named_readers
from km365.services.departure_moves import last_interview
from km365.services.named_readers import LEFT, Left, NamedDesk, Why
from km365.store.outbox import Message
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech
from km365_bots.topics import LEAVING, NotWanted, Told, Topic, gives_back, refused

_NAME, _NOBODY, _LEFT = "name", "nobody", "left"
_NAMES = "names"
_LONGEST = 1_000
"""Characters of what is read for names."""


class NamedReaders(Topic):
    """ "Named readers: …" and "named readers: nobody"; "what was left for me" for who is named."""

    name = "named_readers"
    for_whom = LEAVING

    def __init__(self, desk: NamedDesk, banks: Banks) -> None:
        self._desk, self._banks = desk, banks

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """Names or takes away readers, shows who they are, or what was left; None for what is an answer."""
        try:
            if wish == _LEFT:
                return await self._shown(chat)
            if wish == _NAME:  # "named readers are important" may be an answer
                words = meant.text if meant and opens_with_colon(chat.event.text) else ""
                return await self._name(chat, words) if words else None
            return await (self._taken_away(chat) if wish == _NOBODY else self._asked(chat)) if wish else None
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """The names in the field of the card, or nobody."""
        try:
            if pick.verb == _NAME:
                return await self._name(chat, pick.inputs.get(_NAMES, ""), about=pick.about)
            if pick.verb == _NOBODY:
                return await self._taken_away(chat, about=pick.about)
            return await self._asked(chat)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    # Naming -------------------------------------------------------------------------------------------------

    async def _handover(self, chat: Chat, about: str = "") -> Interview | None:
        """This person's handover: the last one, and no other than the card was about."""
        found = await self._desk.db.run(last_interview, chat.event.person_id)
        return found if found and about in {"", found.id} else None

    async def _asked(self, chat: Chat, names: str | None = None) -> Told:
        """Who is named, what that means, and the field that names others; `names` stand in it."""
        interview = await self._handover(chat)
        if interview is None:
            return Told(replies=[chat.speech.say("named_readers.no_handover")])
        await chat.parts.around.learn(interview)
        speech = chat.about(interview)
        say = speech.messages.say
        if names is None:
            there = await people.get_people(self._desk.graph, interview.named)
            names = ", ".join(one.upn for one in there)
        field = {"key": _NAMES, "label": say("named_readers.label"), "value": names, "multiline": True}
        buttons = [{"verb": _NAME, "label": say("named_readers.save"), "inputs": True}]
        if interview.named:
            buttons.append({"verb": _NOBODY, "label": say("named_readers.nobody")})
        card = speech.menu(
            self.name,
            title=say("named_readers.title"),
            text="\n".join(
                [say("named_readers.now", who=say("audience.R")), say("named_readers.text", most=MOST)]
            ),
            fields=[field],
            buttons=buttons,
            about=interview.id,
            hint=say("named_readers.hint"),
        )
        return Told(replies=[card])

    async def _name(self, chat: Chat, words: str, *, about: str = "") -> Told:
        """These are the named readers; who cannot be named is refused by name, and the rest kept."""
        interview = await self._handover(chat, about)
        if interview is None:
            return Told(replies=[chat.speech.say("named_readers.no_handover")])
        chat = replace(chat, language=interview.language)
        words = words[:_LONGEST]
        if refusal := await chat.keeps_out(words):
            told = refused(chat, refusal)
            again = await self._asked(chat, words) if gives_back(chat, refusal) else None
            return replace(told, replies=[*told.replies, *again.replies]) if again else told
        person = chat.event.person_id
        sought = await named_readers.seek(self._desk.graph, _each(chat, words), leaver_id=person)
        lines = [_refused(chat.speech, said, why) for said, why in sought.refused]
        if not sought.people:
            again = await self._asked(chat, words)
            said = "\n".join(lines) or chat.speech.messages.say("named_readers.no_names")
            return Told(replies=[Reply(text=said), *again.replies])
        return await self._go(chat, interview, [one.id for one in sought.people], first=lines)

    async def _taken_away(self, chat: Chat, *, about: str = "") -> Told:
        interview = await self._handover(chat, about)
        if interview is None:
            return Told(replies=[chat.speech.say("named_readers.no_handover")])
        return await self._go(chat, interview, [])

    async def _go(
        self, chat: Chat, interview: Interview, readers: Sequence[str], *, first: Sequence[str] = ()
    ) -> Told:
        turn = await interviewing.named(chat, interview.id)
        if turn is None:
            return Told(replies=[chat.speech.say("named_readers.no_handover")])
        replies = await interviewing.name_readers(chat, turn, readers)
        lines = [Reply(text="\n".join(first))] if first else []
        return Told(replies=[*lines, *replies], begun=True)

    # What was left ------------------------------------------------------------------------------------------

    async def _shown(self, chat: Chat) -> Told:
        """All that was left for this person and is still kept; that the rest has expired."""
        found = await named_readers.left(self._desk, chat.event.person_id)
        if not found:
            return Told(replies=[chat.speech.say("named_readers.none")])
        return Told(
            replies=[
                self._card(chat.speech, one) if one.answers else _expired(chat.speech, one) for one in found
            ]
        )

    async def as_sent(self, speech: Speech, message: Message) -> Reply | None:
        """What was left, in the reader's language. Raises NotWanted where they may read nothing any more."""
        if message.card != LEFT:
            return None
        for one in await named_readers.left(self._desk, message.person_id):
            if one.interview_id == message.data.get("interview") and one.answers:
                return self._card(speech, one)
        raise NotWanted("nothing is left for this person any more")

    def _card(self, speech: Speech, left: Left) -> Reply:
        """The answers with their questions; who left them, and of which post."""
        say, bank = speech.messages.say, self._banks.get(BANK, speech.messages.language)
        said = {one.question: one.text for one in left.answers}
        return speech.menu(
            self.name,
            title=say("named_readers.left_title"),
            text=_said_of(speech, "left_text", left),
            entries=[
                {"title": one.ask, "quote": said[one.id], "number": ""}
                for one in bank.questions
                if one.id in said
            ],
            hint=say("named_readers.left_hint"),
        )


def _each(chat: Chat, words: str) -> list[str]:
    """The names one by one, without repetition: between them are commas, lines, or "and"."""
    ands = "|".join(re.escape(one) for one in chat.speech.messages.texts["named_readers.and_words"])
    found = re.split(rf"[,;،؛、，；\n]+|\s(?:{ands})\s", words, flags=re.IGNORECASE)
    names = (" ".join(one.split()).strip(" .:") for one in found)
    return list(dict.fromkeys(one for one in names if one))[: 2 * MOST]


def _expired(speech: Speech, left: Left) -> Reply:
    return Reply(text=_said_of(speech, "expired", left))


def _said_of(speech: Speech, key: str, left: Left) -> str:
    """A sentence on whose handover it is, and of which post."""
    person = left.person or speech.messages.say("named_readers.somebody")
    return speech.messages.say(
        f"named_readers.{key}", person=speech.apart(person), post=speech.apart(left.post)
    )


def _refused(speech: Speech, said: str, why: Why) -> str:
    return speech.messages.say(f"named_readers.{why}", name=speech.apart(said), most=MOST)
