"""How an answer of the search is shown: a card with its text twin, and the question that goes with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel import Locale

from km365.core.chat import Reply
from km365.core.languages import OWN_NAMES
from km365.core.messages import Messages
from km365.core.search_entries import DOCUMENT, KNOWLEDGE
from km365.core.search_question import Concepts, Filters, Query
from km365.services.search import Found, Hit
from km365_bots.chat import Chat
from km365_bots.topics.find_words import KIND_KEYS
from km365_bots.topics.uses import Below

TOPIC = "find"
ANY = "any"
_ABOUT = 190
"""Characters that a card may carry back of what it was about, some fewer than it may."""
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
"""Around a sentence, which may run the other way than the card."""


def about_of(query: Query, start: int) -> str:
    """The question, its filters and where the next answers begin; the end of a long question is left out."""
    filters = query.filters
    words = query.words
    while True:
        kept = [words, filters.office, filters.kind, filters.language, start]
        about = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        if len(about) <= _ABOUT:
            return about
        if not words:
            return about_of(Query(words=""), start)
        words = words[: len(words) - max(1, len(about) - _ABOUT)]


def read_about(about: str) -> tuple[Query, int]:
    """What `about_of` wrote; it comes back signed."""
    try:
        words, office, kind, language, start = json.loads(about)
    except ValueError:
        return Query(words=""), 0
    return Query(words=words, filters=Filters(office=office, kind=kind, language=language)), int(start)


def pressable(chat: Chat, buttons: Sequence[str]) -> str:
    """The buttons by name, for a group, where what was found is gone on with by pressing alone."""
    messages = chat.speech.messages
    named = messages.any_of([messages.say(f"find.button_{verb}") for verb in buttons])
    return messages.say("find.hint_here", buttons=named)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An answer on its way to becoming a card."""

    chat: Chat
    query: Query
    found: Found
    start: int
    concepts: Concepts
    asking: bool
    """Whether what is typed next answers an interview's question."""
    below: Below

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
        hints = [self._say(f"hint_{verb}") for verb in buttons]
        if self.below.buttons:
            first = next(place for place, one in enumerate(found.hits, start=1) if one.record and not one.own)
            hints.append(self._messages.say("used.hint", number=str(self.start + first)))
        hint = " ".join(hints)
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
        fields = self._filters() if "filter" in buttons else self._other() if "search" in buttons else []
        return self.chat.speech.menu(
            TOPIC,
            title=title,
            text=" ".join([*lines[:1], *held, *lines[1:], *searched]),
            entries=[self._entry(one, place) for place, one in enumerate(self.found.hits, start=1)],
            fields=[*self.below.fields, *fields],
            buttons=[
                *self.below.buttons,
                *(
                    {"verb": verb, "label": self._say(f"button_{verb}"), "inputs": verb in inputs}
                    for verb in buttons
                ),
            ],
            about=about,
            hint=hint if personal else pressable(self.chat, buttons),
            first=self.start + 1,
        )

    def _entry(self, hit: Hit, place: int) -> dict[str, str]:
        day = self._messages.day(hit.day) if hit.day else ""
        since = hit.unconfirmed_since
        held = self._messages.say("notice.unconfirmed", month=self._messages.month(since)) if since else ""
        said = self.below.notes.get(place, "")
        told = [self._kind(hit.kind), hit.office, day, self._language(hit.language), held, said]
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
            "choices": [{"value": ANY, "label": self._say("any")}, *shown],
            "value": value or ANY,
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
