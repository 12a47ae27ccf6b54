"""Asking what is known: "what do we know about …", held to an office, a kind or a language, five at a time.

The question goes with the card, signed, so that its buttons work at any time; typed answers to what was found
find it in the chat's state. Words that belong to another channel are looked up and kept nowhere.
"""

import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace

from babel import Locale

from km365.core.audience import Reader
from km365.core.chat import Reply
from km365.core.commands import Understood, opens_with_colon, plain
from km365.core.interviews import ANSWERABLE
from km365.core.keepout import KeepOut
from km365.core.languages import OWN_NAMES
from km365.core.messages import Messages
from km365.core.search_entries import DOCUMENT, KNOWLEDGE
from km365.core.search_question import Concepts, Filters, Phrases, Query
from km365.errors import GraphError, GraphNotFound
from km365.graph import people
from km365.graph.client import Graph
from km365.services import search
from km365.services.search import EVERYONE, Found, Hit, SearchTerms
from km365.settings import Settings
from km365.templates import Templates
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.topics import Told, Topic, refused
from km365_bots.topics.find_words import KIND_KEYS, phrases, says_only, words_of

_ABOUT = 190
"""Characters that a card may carry back of what it was about, some fewer than it may."""
_ANY = "any"
_ALL_LANGUAGES = frozenset({*OWN_NAMES, *Locale("en").languages})
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
"""Around a sentence, which may run the other way than the card."""
_LONGEST_UNASKED = 300


class Find(Topic):
    """What is known about something: what everyone, or the person's own office, may read."""

    name = "find"
    opens = "open"
    here = ("group.here_find",)

    def __init__(self, graph: Graph, settings: Settings, templates: Templates) -> None:
        self._graph, self._settings = graph, settings
        self._terms = SearchTerms(graph, settings, templates)
        self._phrases: tuple[object, Phrases] | None = None

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
        query, start = _read_about(pick.about)
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

    async def answer(self, chat: Chat, query: Query, *, start: int = 0, reader: Reader | None = None) -> Told:
        """What is known, for the person of this chat; in a channel `reader` is EVERYONE.

        Raises GraphError where SharePoint cannot be asked what may be shown.
        """
        found = await search.search(
            chat.parts.db,
            self._graph,
            self._settings,
            query,
            reader or await self._reader(chat),
            concepts=await self._terms.now(),
            today=chat.event.at.date(),
            language=chat.language,
            start=start,
        )
        concepts, asking = await self._terms.now(), await _is_asked(chat)
        shown = _Shown(chat=chat, query=query, found=found, start=start, concepts=concepts, asking=asking)
        about = _about(query, start + len(found.hits) if found.more is None else found.more)
        keeps = await chat.keeps_out(query.words) is None
        return Told(replies=[shown.reply(about)], waits={"about": about} if keeps else None, asks=False)

    async def query(self, chat: Chat, text: str) -> Query:
        """The question with the filters that are said in it."""
        return (await self._spoken(chat)).read(text)

    async def _chosen(self, chat: Chat, pick: Pick) -> Filters:
        """The filters that were chosen on the card; what is no known office, kind or language is left out."""
        chosen = {key: value for key, value in pick.inputs.items() if value != _ANY}
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
            hint="" if personal else _pressable(chat, ["search"]),
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
        if not asked and (told := await self._goes_on(chat, text)):
            return told
        narrowing = (await self._spoken(chat)).narrowing(text)
        if narrowing is None:
            return None
        query, _ = _read_about(about)
        return await self.answer(chat, replace(query, filters=narrowing.over(query.filters)))

    async def _goes_on(self, chat: Chat, text: str) -> Told | None:
        """More of an answer, or all of it; None for anything else, and where there was none."""
        said, about = plain(text), _waits_about(chat)
        if not about:
            return None
        query, start = _read_about(about)
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
            person = await people.get_person(self._graph, chat.event.person_id)
        except GraphNotFound:
            return EVERYONE
        return Reader(person_id=person.id, office=person.office)

    async def _safely(self, chat: Chat, work: Awaitable[Told | None]) -> Told | None:
        """The answer, or that nothing can be shown just now."""
        try:
            return await work
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])


async def _answers_a_question(chat: Chat) -> bool:
    """Whether the words are rather an answer: "search for partners early" is advice, "search: …" is not."""
    return not opens_with_colon(chat.event.text) and await _is_asked(chat)


async def _is_asked(chat: Chat) -> bool:
    """Whether a question of an interview waits for what this person writes."""
    turn = await interviewing.current(chat) if chat.event.personal else None
    return turn is not None and turn.prompt.kind in ANSWERABLE


def _waits_about(chat: Chat) -> str:
    """What was found last and can be gone on with; "" if nothing."""
    kept = chat.state.get("waiting")
    if not isinstance(kept, Mapping) or kept.get("topic") != Find.name:
        return ""
    return str(kept.get("about", ""))


def _pressable(chat: Chat, buttons: Sequence[str]) -> str:
    """The buttons by name, for a group, where what was found is gone on with by pressing alone."""
    messages = chat.speech.messages
    named = messages.any_of([messages.say(f"find.button_{verb}") for verb in buttons])
    return messages.say("find.hint_here", buttons=named)


# What a card carries --------------------------------------------------------------------------------------


def _about(query: Query, start: int) -> str:
    """The question, its filters and where the next answers begin; the end of a long question is left out."""
    filters = query.filters
    words = query.words
    while True:
        kept = [words, filters.office, filters.kind, filters.language, start]
        about = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        if len(about) <= _ABOUT:
            return about
        if not words:
            return _about(Query(words=""), start)
        words = words[: len(words) - max(1, len(about) - _ABOUT)]


def _read_about(about: str) -> tuple[Query, int]:
    """What `_about` wrote; it comes back signed."""
    try:
        words, office, kind, language, start = json.loads(about)
    except ValueError:
        return Query(words=""), 0
    return Query(words=words, filters=Filters(office=office, kind=kind, language=language)), int(start)


# How an answer is shown -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """An answer on its way to becoming a card."""

    chat: Chat
    query: Query
    found: Found
    start: int
    concepts: Concepts
    asking: bool
    """Whether what is typed next answers an interview's question."""

    @property
    def _messages(self) -> Messages:
        return self.chat.speech.messages

    def _say(self, key: str, *, n: int | None = None, **values: object) -> str:
        return self._messages.say(f"find.{key}", n=n, turn=0, **values)

    def reply(self, about: str) -> Reply:
        """The answer as a card and as text."""
        words = self.query.words
        title = self._say("title", asked=words) if words else self._say("title_all")
        if self.found.hits:
            return self._hits(title, about)
        if self.start:
            return self._card(
                title, [self._say("no_more")], about, buttons=["new"], hint=self._say("hint_new")
            )
        return self._nothing(title, about)

    def _hits(self, title: str, about: str) -> Reply:
        found = self.found
        lines = [self._say("found", n=found.total)]
        if found.total > len(found.hits):
            first, last = self.start + 1, self.start + len(found.hits)
            key = ("pages" if last > first else "page") + ("_last" if found.more is None else "")
            lines.append(self._say(key, first=first, last=last))
        can = {"more": found.more is not None, "filter": bool(self._filters()), "new": True}
        buttons = [verb for verb, there in can.items() if there]
        hint = " ".join(self._say(f"hint_{verb}") for verb in buttons)
        return self._card(title, lines, about, buttons=buttons, hint=hint)

    def _nothing(self, title: str, about: str) -> Reply:
        found = self.found
        if found.reading:
            again = self._say("reading")
            return self._card(title, [again], about, buttons=["again", "new"], hint=self._say("hint_new"))
        if not found.readable:
            return self._card(title, [self._say("nothing_yet")], about, buttons=["new"])
        if found.without_filters:
            lines = [self._say("nothing_held", n=found.without_filters)]
            return self._card(title, lines, about, buttons=["all", "new"], hint=self._say("hint_all"))
        lines = [self._say("nothing", asked=self.query.words), self._say("try_other")]
        if found.near:
            lines.append(self._say("near", labels=self._messages.any_of(found.near)))
        return self._card(title, lines, about, buttons=["search"], hint=self._say("hint_near"))

    def _card(self, title: str, lines: list[str], about: str, *, buttons: list[str], hint: str = "") -> Reply:
        held = (
            [self._say("held_to", filters=self._say("between").join(self._held()))]
            if self.query.filters
            else []
        )
        personal = self.chat.event.personal
        told = self.found.readable and not self.start  # once, with the first page
        searched = [self._say("only_yours" if personal else "only_everyones")] if told else []
        inputs = {"filter", "search"}
        hint = self._say("hint_beside") if hint and self.asking else hint
        return self.chat.speech.menu(
            Find.name,
            title=title,
            text=" ".join([*lines[:1], *held, *lines[1:], *searched]),
            entries=[self._entry(one) for one in self.found.hits],
            fields=self._filters() if "filter" in buttons else self._other() if "search" in buttons else (),
            buttons=[
                {"verb": verb, "label": self._say(f"button_{verb}"), "inputs": verb in inputs}
                for verb in buttons
            ],
            about=about,
            hint=hint if personal else _pressable(self.chat, buttons),
            first=self.start + 1,
        )

    def _entry(self, hit: Hit) -> dict[str, str]:
        day = self._messages.day(hit.day) if hit.day else ""
        told = [self._kind(hit.kind), hit.office, day, self._language(hit.language)]
        return {
            "title": hit.title,
            "quote": f"{_ISOLATE}“{hit.sentence}”{_END}" if hit.sentence else "",
            "note": " · ".join(self._apart(one) for one in told if one),
            "link": hit.web_url,
        }

    def _held(self) -> list[str]:
        filters = self.query.filters
        names = [
            filters.office.upper(),
            self._kind(filters.kind, many=True),
            self._language(filters.language),
        ]
        return [self._apart(one) for one in names if one]

    def _apart(self, text: str) -> str:
        """A part of a line that keeps its own direction, where the line runs from right to left."""
        return self.chat.speech.apart(text)

    def _filters(self) -> list[dict[str, object]]:
        """What the answer can be held to: what was found, and what it is held to now."""
        filters, found = self.query.filters, self.found
        several = len(set(found.kinds) - {DOCUMENT}) > 1
        kinds = [*found.kinds, *([KNOWLEDGE] if several else []), filters.kind]
        fields = {
            "kind": {one: self._kind(one, many=True) for one in kinds if one},
            "office": {one.lower(): one.upper() for one in (*found.offices, filters.office) if one},
            "language": {one: self._language(one) for one in (*found.languages, filters.language) if one},
        }
        return [
            self._choice(key, choices, getattr(filters, key))
            for key, choices in fields.items()
            if len(choices) > 1 or getattr(filters, key)
        ]

    def _choice(self, key: str, choices: Mapping[str, str], value: str) -> dict[str, object]:
        shown = [{"value": one, "label": label} for one, label in choices.items()]
        return {
            "key": key,
            "label": self._say(f"filter_{key}"),
            "choices": [{"value": _ANY, "label": self._say("any")}, *shown],
            "value": value or _ANY,
            "small": True,
        }

    def _other(self) -> list[dict[str, object]]:
        """Other words to look for: some that find something, or one's own."""
        near = [{"value": label, "label": label} for label in self.found.near]
        fields: list[dict[str, object]] = [{"key": "words", "label": self._say("ask_label")}]
        if near:
            fields.insert(0, {"key": "near", "label": self._say("near_label"), "choices": near})
        return fields

    def _kind(self, kind: str, *, many: bool = False) -> str:
        if not kind:
            return ""
        if key := KIND_KEYS.get(kind):
            return self._say(f"kinds_{key}" if many else f"kind_{key}")
        concept = self.concepts.taxonomy.by_id.get(kind)
        return concept.label(self.chat.language) if concept else kind

    def _language(self, code: str) -> str:
        if not code:
            return ""
        return OWN_NAMES.get(code) or Locale.parse(self.chat.language).languages.get(code, code)
