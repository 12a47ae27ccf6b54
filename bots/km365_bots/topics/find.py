"""Asking what is known: "what do we know about …", held to an office, a kind or a language, five at a time.

The question goes with the card, signed, so that its buttons work at any time; typed answers to what was found
find it in the chat's state. Words that belong to another channel are looked up and kept nowhere.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from babel import Locale

from km365.core.audience import Reader
from km365.core.chat import Reply
from km365.core.commands import Understood, opens_with_colon, plain
from km365.core.keepout import KeepOut
from km365.core.languages import OWN_NAMES
from km365.core.schedule import day_at
from km365.core.search_entries import KNOWLEDGE
from km365.core.search_question import Filters, Phrases, Query
from km365.errors import GraphError, GraphNotFound
from km365.graph.client import Graph
from km365.services import search
from km365.services.search import EVERYONE, SearchTerms
from km365.services.search_meaning import Meaning
from km365.settings import Settings
from km365.store import reads
from km365.templates import Templates
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.topics import Told, Topic, refused
from km365_bots.topics.find_shown import ANY, TOPIC, Shown, about_of, pressable, read_about
from km365_bots.topics.find_words import KIND_KEYS, phrases, says_only, words_of
from km365_bots.topics.uses import WHY, Pressed, Uses
from km365_bots.who import reader_of

_ALL_LANGUAGES = frozenset({*OWN_NAMES, *Locale("en").languages})
_LONGEST_UNASKED = 300


class Find(Topic):
    """What is known about something: what everyone, or the person's own office, may read."""

    name = TOPIC
    opens = "open"
    here = ("group.here_find",)

    def __init__(
        self, graph: Graph, settings: Settings, templates: Templates, meaning: Meaning | None = None
    ) -> None:
        self._graph, self._settings, self._meaning = graph, settings, meaning
        self._terms = SearchTerms(graph, settings, templates)
        self._phrases: tuple[object, Phrases] | None = None
        self._uses = Uses(graph, settings)

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """A question, or an answer to what was found."""
        if wish == "open":
            return self._asks(chat)
        if wish == "search" and await _answers_a_question(chat):
            return None
        if wish == "search" and meant and (told := await self._safely(chat, self._goes_on(chat, meant.text))):
            return told
        if wish and meant:
            kind = KNOWLEDGE if wish == "lessons" else ""
            return await self._safely(chat, self._asked(chat, meant.text, Filters(kind=kind)))
        return await self._safely(chat, self._follows(chat, meant))

    async def in_group(self, chat: Chat, wish: str, meant: Understood) -> Sequence[Reply]:
        """The same for a group, which is shown what everyone in the organisation may read."""
        if wish == "open":
            return self._asks(chat).replies
        kind = KNOWLEDGE if wish == "lessons" else ""
        told = await self._safely(chat, self._asked(chat, meant.text, Filters(kind=kind)))
        return (told or self._asks(chat)).replies

    async def pressed_in_group(self, chat: Chat, pick: Pick) -> Sequence[Reply]:
        return (await self.pressed(chat, pick)).replies

    async def unasked(self, chat: Chat) -> Told | None:
        """A question that nobody else understood."""
        text = chat.event.text.strip()
        if not text.endswith(("?", "؟", "？")) or len(text) > _LONGEST_UNASKED or "\n" in text:
            return None
        return await self._safely(chat, self._asked(chat, text.rstrip("?؟？ "), Filters()))

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of a card, with what was chosen on it."""
        query, start = read_about(pick.about)
        if used := Pressed.read(pick.verb):
            return await self._used(chat, query, used, pick.inputs.get(WHY, ""))
        if pick.verb == "new":
            return self._asks(chat)
        if pick.verb == "search":
            words = pick.inputs.get("near") or pick.inputs.get("words", "")
            found = await self._safely(chat, self._asked(chat, words, Filters()))
        elif pick.verb == "filter":
            found = await self._safely(
                chat, self.answer(chat, replace(query, filters=await self._chosen(chat, pick)))
            )
        elif pick.verb == "all":
            found = await self._safely(chat, self.answer(chat, replace(query, filters=Filters())))
        else:
            found = await self._safely(chat, self.answer(chat, query, start=start))
        return found or self._asks(chat)

    async def _used(self, chat: Chat, query: Query, used: Pressed, words: str) -> Told:
        """Keeps what a button below a lesson says, and shows the card with that; at first asks why not."""
        said, asks = await self._uses.pressed(chat, used, words)
        why = used.item_id if asks else ""
        again = await self._safely(chat, self.answer(chat, query, start=used.start, why=why))
        if again is None or said.begun:  # somebody in distress is shown nothing more
            return said
        return replace(again, replies=[*again.replies, *(() if why else said.replies)])

    async def answer(
        self, chat: Chat, query: Query, *, start: int = 0, reader: Reader | None = None, why: str = ""
    ) -> Told:
        """What is known, for the person of this chat; in a channel `reader` is EVERYONE.

        `why` is the id of a lesson of which is asked why it did not fit.

        Raises GraphError where SharePoint cannot be asked what may be shown.
        """
        found = await search.search(
            chat.parts.db,
            self._graph,
            self._settings,
            query,
            reader or await self._reader(chat),
            concepts=await self._terms.now(),
            today=day_at(chat.event.at, chat.hours),
            language=chat.language,
            start=start,
            meaning=self._meaning,
        )
        await chat.parts.db.run(
            reads.note, [one.record for one in found.hits if one.record], on=day_at(chat.event.at, chat.hours)
        )
        concepts, asking = await self._terms.now(), await interviewing.is_asked(chat)
        records = [one.record for one in found.hits] if chat.event.personal else []
        others = ["" if one.own else one.record for one in found.hits[: len(records)]]
        below = await self._uses.below(chat, others, start=start, why=why)
        shown = Shown(
            chat=chat, query=query, found=found, start=start, concepts=concepts, asking=asking, below=below
        )
        about = about_of(query, start + len(found.hits) if found.more is None else found.more)
        keeps = await chat.keeps_out(query.words) is None
        lessons = {str(start + place): one for place, one in enumerate(records, start=1) if one}
        waits = {"about": about, "lessons": lessons} if keeps else None
        return Told(replies=[shown.reply(about)], waits=waits, asks=False)

    async def query(self, chat: Chat, text: str) -> Query:
        """The question with the filters that are said in it."""
        return (await self._spoken(chat)).read(text)

    async def _chosen(self, chat: Chat, pick: Pick) -> Filters:
        """The filters that were chosen on the card; what is no known office, kind or language is left out."""
        chosen = {key: value for key, value in pick.inputs.items() if value != ANY}
        office, kind, language = (chosen.get(key, "") for key in ("office", "kind", "language"))
        known = kind in KIND_KEYS or kind in (await self._terms.now()).taxonomy.by_id
        return Filters(
            office=office if office in await search.known_offices(chat.parts.db) else "",
            kind=kind if known else "",
            language=language if language in _ALL_LANGUAGES else "",
        )

    # what was typed --------------------------------------------------------------------------------------

    def _asks(self, chat: Chat) -> Told:
        """Asks what is looked for; in a group, where no answer is awaited, there is only the card's field."""
        say = chat.speech.messages.say
        personal = chat.event.personal
        reply = chat.speech.menu(
            self.name,
            title=say("find.ask_title" if personal else "find.button_search"),
            text=say("find.ask_text" if personal else "find.ask_text_here"),
            fields=[{"key": "words", "label": say("find.ask_label"), "required": True}],
            buttons=[{"verb": "search", "label": say("find.button_search"), "inputs": True}],
            hint="" if personal else pressable(chat, ["search"]),
        )
        return Told(replies=[reply], waits={"about": ""})

    async def _asked(self, chat: Chat, text: str, filters: Filters) -> Told | None:
        if await chat.keeps_out(text) is KeepOut.DISTRESS:
            return refused(chat, KeepOut.DISTRESS)
        query = await self.query(chat, text)
        query = replace(query, filters=query.filters.over(filters))
        if not query.words and not query.filters:
            return self._asks(chat)
        return await self.answer(chat, query)

    async def _follows(self, chat: Chat, meant: Understood | None) -> Told | None:
        """What is said of an answer: more, all of it, or only some; None for anything else.

        Beside a question of an interview, words that may answer it do: then only "only …" is said of it.
        """
        text, about = chat.event.text, _waits_about(chat)
        if not about:
            return None if meant else await self._asked(chat, text, Filters())
        asked = await _answers_a_question(chat)
        if asked and not says_only(chat, text):
            return None
        if not asked and (said := self._uses.spoken(chat)) and (lessons := _waiting(chat).get("lessons")):
            kept = await self._uses.typed(chat, said, lessons)
            return kept if kept.begun else replace(kept, waits={"about": about, "lessons": lessons})
        if not asked and (told := await self._goes_on(chat, text)):
            return told
        narrowing = (await self._spoken(chat)).narrowing(text)
        if narrowing is None:
            return None
        query, _ = read_about(about)
        return await self.answer(chat, replace(query, filters=narrowing.over(query.filters)))

    async def _goes_on(self, chat: Chat, text: str) -> Told | None:
        """More of an answer, or all of it; None for anything else, and where there was none."""
        said, about = plain(text), _waits_about(chat)
        if not about:
            return None
        query, start = read_about(about)
        if said in words_of(chat, "more_words"):
            return await self.answer(chat, query, start=start)
        if said in words_of(chat, "all_words"):
            return await self.answer(chat, replace(query, filters=Filters()))
        return None

    async def _spoken(self, chat: Chat) -> Phrases:
        """How filters are said, in every language, and the offices' names as they are now."""
        concepts = await self._terms.now()
        offices = await search.offices(chat.parts.db)
        known = (id(chat.parts.catalogue), id(concepts), tuple(offices.items()))
        if self._phrases is None or self._phrases[0] != known:
            made = phrases(chat.parts.catalogue, concepts, offices)
            self._phrases = known, made
        return self._phrases[1]

    async def _reader(self, chat: Chat) -> Reader:
        """The person with their office; somebody the directory does not know sees what everyone may."""
        if not chat.event.personal:
            return EVERYONE
        try:
            return await reader_of(self._graph, chat)
        except GraphNotFound:
            return EVERYONE

    async def _safely(self, chat: Chat, work: Awaitable[Told | None]) -> Told | None:
        """The answer, or that nothing can be shown just now."""
        try:
            return await work
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])


async def _answers_a_question(chat: Chat) -> bool:
    """Whether the words are rather an answer: "search for partners early" is advice, "search: …" is not."""
    return not opens_with_colon(chat.event.text) and await interviewing.is_asked(chat)


def _waits_about(chat: Chat) -> str:
    """What was found last and can be gone on with; "" if nothing."""
    return str(_waiting(chat).get("about", ""))


def _waiting(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get("waiting")
    return kept if isinstance(kept, Mapping) and kept.get("topic") == Find.name else {}
