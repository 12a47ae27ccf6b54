"""Everything known on a topic, as a card: quotations, how far they reach, what is missing, whom to ask.

It is made anew each time and nothing of it is kept; the whole of it, as a file, is `km365 ask`.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from km365.app import App
from km365.core.chat import Reply
from km365.core.commands import Understood, opens_with_colon
from km365.core.keepout import KeepOut
from km365.core.schedule import day_at
from km365.core.snapshot import Point, Quote, Snapshot
from km365.core.snapshot_kept import Asked
from km365.documents.snapshot_words import Fact, SnapshotWords
from km365.errors import GraphError, GraphNotFound
from km365.graph import people
from km365.graph.people import Person
from km365.services.search import EVERYONE, SearchTerms
from km365.services.snapshot import Asking
from km365_bots import interviewing
from km365_bots.chat import Chat
from km365_bots.topics import Told, Topic, refused
from km365_bots.topics.find import Find

_MOST = 8
"""Points on a card; a file holds all."""
_EACH = 2
"""Of those that offices agree on, and of those they differ on."""


class Snapshots(Topic):
    """ "Everything we know about …": what everyone, or the person's own office, may read."""

    name = "snapshot"
    here = ("snapshot.here",)

    def __init__(self, app: App, terms: SearchTerms, find: Find) -> None:
        self._templates, self._find = app.templates, find
        self._asking = Asking(
            graph=app.graph, db=app.db, settings=app.settings, templates=app.templates, terms=terms.now
        )
        self._words: dict[str, SnapshotWords] = {}

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The topic, in the person's words; None where these rather answer an interview's question."""
        if not opens_with_colon(chat.event.text) and await interviewing.is_asked(chat):
            return None
        return await self._answer(chat, meant.text if meant else "")

    async def in_group(self, chat: Chat, wish: str, meant: Understood) -> Sequence[Reply]:
        """The same for a group, of what everyone in the organisation may read; nobody is named."""
        return (await self._answer(chat, meant.text)).replies

    async def _answer(self, chat: Chat, text: str) -> Told:
        if not text.strip():
            return Told(replies=[chat.speech.say("snapshot.which")])
        if await chat.keeps_out(text) is KeepOut.DISTRESS:
            return refused(chat, KeepOut.DISTRESS)
        try:
            return Told(replies=[await self._shown(chat, text)], asks=False)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _shown(self, chat: Chat, text: str) -> Reply:
        query, person = await self._find.query(chat, text), await self._person(chat)
        reader = person.reader if person else EVERYONE
        asked = Asked(words=query.words or text, office=query.filters.office, language=query.filters.language)
        snapshot = await self._asking.snapshot(
            asked, reader, today=day_at(chat.event.at, chat.hours), language=chat.language
        )
        snapshot = await self._asking.with_contacts(snapshot, reader, by_name=False)
        return self._card(chat, snapshot, sign_in=person.upn if person else "")

    async def _person(self, chat: Chat) -> Person | None:
        """Who asks; None in a group, and for somebody who is not in the directory."""
        if not chat.event.personal:
            return None
        try:
            return await people.get_person(self._asking.graph, chat.event.person_id)
        except GraphNotFound:
            return None

    def _card(self, chat: Chat, snapshot: Snapshot, *, sign_in: str) -> Reply:
        say, words = chat.speech.messages.say, self._words_of(chat.language)
        topic = snapshot.topic.words
        entries = [_entry(words, heading, point) for heading, point in _chosen(snapshot, words)]
        text = words.text("nothing")
        if entries:
            shown = say("snapshot.shown", shown=len(entries), all=len(snapshot.points))
            text = words.listed([shown, *_lines(words.facts(snapshot))])
            reach = {"heading": words.text("coverage"), "lines": _lines(words.coverage(snapshot.coverage))}
            for one in (reach, *words.lists(snapshot)):
                entries.append({"title": one["heading"], "note": "\n".join(one["lines"])})
            whole = say("snapshot.file", command=_command(topic, sign_in))
            entries.append({"title": say("snapshot.file_title"), "note": whole})
        return chat.speech.menu(
            self.name, title=say("snapshot.title", asked=topic), text=text, entries=entries
        )

    def _words_of(self, language: str) -> SnapshotWords:
        if language not in self._words:
            self._words[language] = SnapshotWords(self._templates, language)
        return self._words[language]


def _chosen(snapshot: Snapshot, words: SnapshotWords) -> list[tuple[str, Point]]:
    """The points for a card with their headings: agreement and difference, then the sections in turn."""
    named = [(words.text("agreed"), one) for one in snapshot.agreed[:_EACH]]
    named += [(words.text("disputed"), one) for one in snapshot.disputed[:_EACH]]
    sections = [[(words.heading(some.aspect), one) for one in some.points] for some in snapshot.sections]
    named += [one for row in zip_longest(*sections) for one in row if one]
    return named[:_MOST]


def _entry(words: SnapshotWords, heading: str, point: Point) -> Mapping[str, str]:
    """A point: its sentence, who else says so and who differs, and the source of the sentence."""
    said = [_placed(words, point.says)]
    for label, quotes in words.beside(point):
        said += [label, *(_placed(words, one) for one in quotes)]
    return {
        "title": heading,
        "quote": "\n".join(said),
        "note": point.says.source.title,
        "link": point.says.source.web_url,
    }


def _command(topic: str, sign_in: str) -> str:
    """What writes all of it into a file, with the eyes of the same person."""
    words = topic.replace('"', "")
    return " ".join(["km365 ask", f'"{words}"', *(("--as", sign_in) if sign_in else ()), "-o snapshot.docx"])


def _placed(words: SnapshotWords, quote: Quote) -> str:
    return f"{words.quoted(quote)} {words.place(quote)}"


def _lines(facts: Sequence[Fact]) -> list[str]:
    return [f"{fact['label']}: {fact['value']}" for fact in facts]
