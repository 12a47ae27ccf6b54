"""Lessons like the one in a draft: a card below the draft, and its text twin.

Nothing of it is needed to send. What the draft says of other lessons is kept with its words, and so goes
where they go, or away with them; the chat keeps only the titles that were shown, for a day.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from babel.lists import format_list

from km365.core.chat import EventKind, Reply
from km365.core.commands import Command, Understood, numbered, plain
from km365.core.drafting import is_complete, knowledge_item, links_of
from km365.core.interviews import Interview, InterviewState, current
from km365.core.knowledge import Link, Relation
from km365.core.languages import LANGUAGES
from km365.core.questions import BankKind
from km365.core.still_true import Phrases
from km365.core.turns import Turn
from km365.errors import KM365Error
from km365.services.near import Near as Lessons
from km365.services.near import Shown
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.meaning import bank_of
from km365_bots.speech import Speech
from km365_bots.topics import Told, Topic, gives_back, refused

NEAR = "near"
"""Where the state of a chat holds which lessons were shown for which draft."""
PATIENCE_S = 2.0
"""A draft is shown without lessons like it where they are not found within this."""
_SAVE, _ALONE, _WORDS = "save", "alone", "words"
_RELATIONS = (Relation.CONFIRMS, Relation.NUANCES, Relation.CONTRADICTS)
_ASKS_MORE = frozenset({Relation.NUANCES, Relation.CONTRADICTS})
_GOES_ON = frozenset({Command.RESUME, Command.YES, Command.NO, Command.SKIP, Command.AGREE, Command.REFUSE})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What was shown for a draft: the id and title of each lesson by its number, and when it was `heard`."""

    interview: str = ""
    heard: str = ""
    lessons: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, chat: Chat) -> "_Kept":
        kept = chat.state.get(NEAR) or {}
        lessons = {place: (one[0], one[1]) for place, one in kept.get("lessons", {}).items()}
        return cls(interview=kept.get("interview", ""), heard=kept.get("heard", ""), lessons=lessons)


class Near(Topic):
    """ "1 confirms, 2 contradicts" below a draft; "similar lessons" shows them again."""

    name = "near"

    def __init__(self, lessons: Lessons) -> None:
        self._lessons = lessons
        self._typed: Phrases[Relation] | None = None

    async def beside(self, chat: Chat, turn: Turn) -> Told | None:
        """What colleagues have learned that is like the draft, shown once and then only waited for."""
        kept = _Kept.of(chat)
        again = bool(kept.heard) and kept.heard == chat.activity_key
        if not _takes_links(chat, turn):
            return None
        if kept.interview == turn.interview.id and not again:
            return Told(replies=[], waits={}) if kept.lessons else None
        return await self._show(chat, turn)

    async def _show(self, chat: Chat, turn: Turn) -> Told | None:
        interview = turn.interview
        item = knowledge_item(interview, bank_of(chat, interview))
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await self._lessons.like(item, chat.event.person_id, language=interview.language)
        except (KM365Error, TimeoutError) as error:  # the draft is shown again, and then they are looked for
            why = str(error) or "they took too long"
            _log.warning("A draft is shown without similar lessons: %s", why)
            return None
        lessons = {str(place): (one.item_id, one.title) for place, one in enumerate(found, start=1)}
        kept = {"interview": interview.id, "heard": chat.activity_key, "lessons": lessons}
        await chat.remember(**{NEAR: {**kept, "at": chat.event.at.isoformat()}})
        if not found:
            return None
        return Told(replies=[_card(chat.speaking(interview.language), interview, found)], waits={})

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The lessons once more, or what the draft says of those shown; None for what is for the draft."""
        if wish:
            return await self._asked(chat)
        kept, waits = _Kept.of(chat), chat.state.get("waiting") or {}
        turn = await interviewing.named(chat, kept.interview)
        if turn is None or not _takes_links(chat, turn):
            return None
        chat = replace(chat, language=turn.interview.language)
        asks = waits.get("asks")
        if meant is not None and not (asks and numbered(chat.event.text)):
            return await self._done(chat, turn) if meant.command in _GOES_ON else None
        if asks:
            return await self._worded(chat, turn, asks)
        if plain(chat.event.text) in self._alone_words(chat):
            return await self._done(chat, await interviewing.link(chat, turn, ()))
        said = self._phrases(chat).spoken(chat.event.text, most=len(kept.lessons))
        return await self._said(chat, turn, said) if said else None

    async def _asked(self, chat: Chat) -> Told:
        turn = await interviewing.current(chat)
        if turn is None or not _takes_links(chat, turn):
            return Told(replies=[chat.speech.say("near.no_draft")])
        return await self._show(chat, turn) or Told(replies=[chat.speech.say("near.none")])

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """What was chosen or written on the card."""
        turn = await interviewing.named(chat, pick.about)
        kept = _Kept.of(chat)
        if turn is None or kept.interview != pick.about or not _takes_links(chat, turn):
            return Told(replies=[chat.speech.say("near.gone")])
        chat = replace(chat, language=turn.interview.language)
        if pick.verb == _ALONE:
            return await self._done(chat, await interviewing.link(chat, turn, ()))
        if pick.verb == _WORDS:
            asked = {
                place: relation
                for place in kept.lessons
                for relation in _ASKS_MORE
                if _field(relation, place) in pick.inputs
            }
            words = {place: pick.inputs[_field(one, place)].strip() for place, one in asked.items()}
            return await self._keep_words(chat, turn, {k: w for k, w in words.items() if w}, asked)
        said = {
            int(key[1:]): Relation(value)
            for key, value in pick.inputs.items()
            if key.startswith("v") and key[1:] in kept.lessons and value in _RELATIONS
        }
        return await self._said(chat, turn, said)

    async def _said(self, chat: Chat, turn: Turn, said: Mapping[int, Relation]) -> Told:
        """Keeps what the draft says of each; then one sentence is asked for, where one helps.

        A contradiction is kept with its sentence only.
        """
        turn = await _linked(chat, turn, {str(place): (relation, "") for place, relation in said.items()})
        asks = {str(place): relation for place, relation in sorted(said.items()) if relation in _ASKS_MORE}
        if not asks:
            return await self._done(chat, turn)
        return Told(replies=[_more(chat, turn.interview, asks)], waits={"asks": asks}, own_words=True)

    async def _worded(self, chat: Chat, turn: Turn, asks: Mapping[str, str]) -> Told:
        """A sentence to one of the lessons that were asked about: by its number, or to the only one."""
        said, text = numbered(chat.event.text), chat.event.text.strip()
        words = dict.fromkeys(asks, text) if len(asks) == 1 else {}
        if said is not None and str(said.number) in asks and said.text:
            words = {str(said.number): said.text}
        asked = {place: Relation(one) for place, one in asks.items()}
        if words:
            return await self._keep_words(chat, turn, words, asked)
        waits = {"asks": asks}
        if refusal := await chat.keeps_out(text):
            return refused(chat, refusal, waits=waits, own_words=True)
        return Told(replies=[chat.speech.say("near.more_hint_numbers")], waits=waits, own_words=True)

    async def _keep_words(
        self, chat: Chat, turn: Turn, words: Mapping[str, str], asks: Mapping[str, Relation]
    ) -> Told:
        """Keeps the sentences, but none that belongs to another channel."""
        if refusal := await chat.keeps_out(*words.values()):
            told = refused(chat, refusal, waits={"asks": asks}, own_words=True)
            if not gives_back(chat, refusal):
                return told
            return replace(told, replies=[*told.replies, _more(chat, turn.interview, asks, words)])
        turn = await _linked(chat, turn, {place: (asks[place], text) for place, text in words.items()})
        left = {place: one for place, one in asks.items() if place not in words}
        if left and words and chat.event.kind is EventKind.MESSAGE:
            return Told(replies=[_more(chat, turn.interview, left)], waits={"asks": left}, own_words=True)
        return await self._done(chat, turn)

    async def _done(self, chat: Chat, turn: Turn) -> Told:
        """What goes with the draft, in words, and the draft again."""
        say = chat.speech.messages.say
        titles = dict(_Kept.of(chat).lessons.values())
        links = links_of(turn.interview)
        lines = [
            say(f"near.said_{one.relation}", title=chat.speech.apart(titles[one.to]))
            for one in links
            if one.relation in _RELATIONS and one.to in titles
        ]
        lines.append(say("near.linked" if links else "near.said_alone"))
        return Told(replies=[Reply(text="\n\n".join(lines)), interviewing.prompt(chat, turn)], begun=True)

    def _phrases(self, chat: Chat) -> Phrases[Relation]:
        """What people type, in any language."""
        if self._typed is None:
            texts = [chat.parts.catalogue.get(tag).texts for tag in LANGUAGES]
            self._typed = Phrases(
                verdicts={
                    one: [str(said) for words in texts for said in words[f"near.{one}_words"]]
                    for one in _RELATIONS
                },
                everything=[str(said) for words in texts for said in words["near.all_words"]],
            )
        return self._typed

    def _alone_words(self, chat: Chat) -> set[str]:
        texts = [chat.parts.catalogue.get(tag).texts for tag in LANGUAGES]
        return {plain(str(said)) for words in texts for said in words["near.alone_words"]}


async def _linked(chat: Chat, turn: Turn, said: Mapping[str, tuple[Relation, str]]) -> Turn:
    """With what the draft says of the lessons at these places, in the place of what it said of them."""
    lessons = _Kept.of(chat).lessons
    links = {one.to: one for one in links_of(turn.interview)}
    for place, (relation, words) in said.items():
        to, _ = lessons[place]
        links.pop(to, None)
        if words or relation is not Relation.CONTRADICTS:
            links[to] = Link(relation=relation, to=to, words=words)
    return await interviewing.link(chat, turn, links.values())


def _field(relation: str, place: str) -> str:
    """The field for the sentence to the lesson at that place."""
    return f"{relation}_{place}"


def _takes_links(chat: Chat, turn: Turn) -> bool:
    """Whether this is the whole draft of a lesson, not sent yet."""
    interview, bank = turn.interview, bank_of(chat, turn.interview)
    if interview.state is not InterviewState.DRAFT or bank.kind is not BankKind.REFLECTION:
        return False
    return current(interview, bank) is None and is_complete(knowledge_item(interview, bank))


def _card(speech: Speech, interview: Interview, shown: Sequence[Shown]) -> Reply:
    """The lessons, each with a choice below it."""
    say = speech.messages.say
    choices = [{"value": one.value, "label": say(f"near.{one}")} for one in _RELATIONS]
    return speech.menu(
        Near.name,
        title=say("near.title"),
        text=say("near.intro"),
        entries=[entry_of(speech, one, place) for place, one in enumerate(shown, start=1)],
        fields=[
            {
                "entry": place,
                "key": f"v{place}",
                "label": say("near.ask", number=place),
                "choices": choices,
                "small": True,
            }
            for place in range(1, len(shown) + 1)
        ],
        buttons=[
            {"verb": _SAVE, "label": say("near.continue"), "inputs": True},
            {"verb": _ALONE, "label": say("near.alone")},
        ],
        about=interview.id,
        hint=say("near.hint"),
    )


def _more(
    chat: Chat, interview: Interview, asks: Mapping[str, str], words: Mapping[str, str] | None = None
) -> Reply:
    """What the draft adds, or what is different: a field for each lesson that it was said of."""
    speech = chat.speaking(interview.language)
    say = speech.messages.say
    lessons = _Kept.of(chat).lessons
    asked = {
        place: say(f"near.what_{one}", title=speech.apart(lessons[place][1])) for place, one in asks.items()
    }
    lines = [f"{place}. {text}" if len(asked) > 1 else text for place, text in asked.items()]
    hint = say("near.more_hint" if len(asked) == 1 else "near.more_hint_numbers")
    needed = [say("near.needs_words")] if Relation.CONTRADICTS in asks.values() else []
    return speech.menu(
        Near.name,
        title=say("near.more_title"),
        text=" ".join([say("near.more_text"), *needed]),
        fields=[
            {"key": _field(asks[place], place), "label": text, "value": (words or {}).get(place, "")}
            for place, text in asked.items()
        ],
        buttons=[{"verb": _WORDS, "label": say("near.continue"), "inputs": True}],
        about=interview.id,
        hint="\n".join([*lines, hint]),
    )


def entry_of(speech: Speech, one: Shown, place: int) -> Mapping[str, str]:
    """A lesson with the sentence that is most like the draft, its office and year, and why it is shown."""
    say = speech.messages.say
    where = ", ".join(part for part in (one.office, str(one.year or "")) if part)
    why = [
        say("near.why_about", terms=_listed(speech, one.about)) if one.about else "",
        say("near.why_words", words=_listed(speech, one.words)) if one.words else "",
        "" if one.about or one.words else say("near.why_meaning"),
        "" if one.checked else say("near.unchecked"),
    ]
    return {
        "number": str(place),
        "title": one.title,
        "quote": one.sentence,
        "note": " ".join([f"{where}.", *(reason for reason in why if reason)]),
        "link": one.web_url,
    }


def _listed(speech: Speech, some: Sequence[str]) -> str:
    return format_list(list(some), locale=speech.messages.language)
