"""What is known about something: found in our index, and held against SharePoint before anybody reads it.

The index says what may be found and in which order; whether it is still there, and still for this reader, is
asked of SharePoint for the few that are shown.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from km365.core.audience import Reader
from km365.core.fair import in_turn
from km365.core.knowledge import WRITTEN_FIELDS, from_fields, unconfirmed_since
from km365.core.languages import primary
from km365.core.search import Ranked, best_sentence, facts_for, in_order, rank, stands_in, words_of
from km365.core.search_access import Readers
from km365.core.search_entries import (
    Entry,
    item_sentences,
    left_out,
    may_find,
    shelves_of,
    title_of,
)
from km365.core.search_meaning import Floats, fused, near
from km365.core.search_question import Concepts, Filters, Part, Query
from km365.core.search_words import Words
from km365.core.tag_plan import list_of
from km365.errors import GraphError, GraphNotFound, GraphUnreachable, Throttled
from km365.graph import drives, lists
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.drives import File
from km365.graph.lists import Item
from km365.services import suggest
from km365.services.search_meaning import Meaning
from km365.services.search_readers import readers_of
from km365.services.search_shelving import shelf_for
from km365.settings import Settings
from km365.store import search as store
from km365.store.database import Connection, Database
from km365.store.search import Source
from km365.templates import Templates

BEST = 5
"""So many are shown at a time."""
EVERYONE = Reader(person_id="", office="")
"""Stands for anybody in the organisation: finds only what is for all, as a channel must."""
_NEAR = 3
_KEPT_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One thing that was found, as SharePoint has it now. `sentence` stands in it word for word; may be "".

    `office` is a code as people write it, `kind` that of an `Entry`; `record` is the id of a knowledge item,
    "" of a document, and the reader's `own` where they contributed it.
    """

    title: str
    sentence: str
    kind: str
    office: str
    language: str
    day: date | None
    web_url: str
    container: str
    item_id: str
    record: str = ""
    own: bool = False
    unconfirmed_since: date | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """The answer to a question.

    `total` were found in all; `more` is where the next ones begin, None after the last. `without_filters` is
    how many there are without the filters, told where with them there is none; `near` are terms that would
    find something, told where nothing does. `readable` is whether the reader could find anything at all;
    where nothing was found, `reading` is whether something has still to be read for the first time.
    The choices are the offices, kinds and languages of what was found.
    """

    hits: tuple[Hit, ...]
    total: int
    more: int | None = None
    without_filters: int = 0
    near: tuple[str, ...] = ()
    readable: bool = True
    reading: bool = False
    offices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class SearchTerms:
    """The terms that questions are understood by, read anew now and then."""

    def __init__(self, graph: Graph, settings: Settings, templates: Templates) -> None:
        self._graph, self._settings, self._templates = graph, settings, templates
        self._kept: Concepts | None = None
        self._read_at = 0.0

    async def now(self) -> Concepts:
        """The terms in force, 15 minutes old at most. Needs TermStore.Read.All, or the cached copy."""
        if self._kept is None or time.monotonic() - self._read_at > _KEPT_S:
            self._kept = Concepts(await suggest.terms(self._graph, self._settings, self._templates))
            self._read_at = time.monotonic()
        return self._kept


async def search(
    db: Database,
    graph: Graph,
    settings: Settings,
    query: Query,
    reader: Reader,
    *,
    concepts: Concepts,
    today: date,
    language: str = "en",
    start: int = 0,
    most: int = BEST,
    fair: bool = False,
    meaning: Meaning | None = None,
) -> Found:
    """The best answers that `reader` may read (EVERYONE: that all may), from the `start`th on.

    `language` is that of the labels in `near`. With `fair` offices and years come in turn, and not the best
    first. With `meaning` what says the same in other words is found too. What is gone or was narrowed
    meanwhile is left out, not found any more, and read again by the next look. Raises GraphUnreachable or
    Throttled where SharePoint cannot be asked: then nothing is shown. Needs Sites.Selected with read, and for
    documents what `permissions` needs.
    1 resource unit an item shown, 6 a document and 5 a library.
    """
    searching = _Searching(db, graph, settings, concepts, reader, today, fair, meaning)
    return await searching.answer(query, language, start, most)


async def offices(db: Database) -> Mapping[str, tuple[str, ...]]:
    """What the offices that are searched are called, by code: `CO-BEL`, and the name of its site."""
    known = await db.run(store.sources)
    return {one.office: tuple(dict.fromkeys((one.office, *_names(one)))) for one in known if one.office}


async def known_offices(db: Database) -> frozenset[str]:
    """The offices that something found may be of, as filters name them."""
    return await db.run(store.offices)


async def is_empty(db: Database) -> bool:
    """Whether the index holds nothing at all, whoever asks."""
    return not await db.run(store.offices)  # every entry is of one, be it ""


def _names(one: Source) -> Iterable[str]:
    """`CO-BEL Belmora` is CO-BEL and Belmora."""
    yield one.name
    rest = one.name.casefold().removeprefix(one.office).strip(" -–:")
    if rest and rest != one.name.casefold():
        yield rest


@dataclass(frozen=True)
class _Searching:
    db: Database
    graph: Graph
    settings: Settings
    concepts: Concepts
    reader: Reader
    today: date
    fair: bool
    meaning: Meaning | None

    async def answer(self, query: Query, language: str, start: int, most: int) -> Found:
        parts = await asyncio.to_thread(self.concepts.parts, query.words)
        meaning = self.meaning if query.words else None
        wanted = await meaning.of(query.words) if meaning else None
        ranked = await self._ranked(parts, query.filters)
        if meaning is not None and wanted is not None:
            ranked = await self._and_near(ranked, meaning, wanted, query.filters)
        entries = await self.db.run(store.entries, [number for number, _ in ranked.best])
        shelves = shelves_of(self.reader)  # looked at again: an entry may have moved since it was found
        entries = {number: entry for number, entry in entries.items() if entry.shelf in shelves}
        days = {number: entry.day for number, entry in entries.items()}
        order = in_order(ranked.best, days, today=self.today)
        if self.fair:
            years = {number: day.year if day else 0 for number, day in days.items()}
            order = in_turn(order, office=lambda n: entries[n].office, year=lambda n: years[n])
        hits, at, dropped = await self._shown(
            order, entries, _Asked(parts, ranked.weights, wanted), start, most
        )
        found = Found(
            hits=tuple(hits),
            total=ranked.total - dropped,
            more=at if at < len(order) else None,
            offices=_choices(entry.office.upper() for entry in entries.values()),
            kinds=_choices(entry.kind for entry in entries.values()),
            languages=_choices(primary(entry.language) for entry in entries.values()),
        )
        if hits or start:
            return found
        found = replace(found, reading=await self.db.run(store.is_first_reading))
        return await self._nothing(found, query, parts, language)

    async def _ranked(self, parts: Sequence[Part], filters: Filters) -> Ranked:
        words = words_of(parts, filters, self._tag_of)
        rows = await self.db.run(store.look_up, words, shelves_of(self.reader))
        return await asyncio.to_thread(rank, rows, parts, filters, self._tag_of)

    async def _and_near(self, ranked: Ranked, meaning: Meaning, wanted: Floats, filters: Filters) -> Ranked:
        """With what is near the question in meaning, of what the filters let through."""
        found = {number for number, _ in ranked.best}
        cosines = await meaning.cosines(wanted, shelves_of(self.reader), found)
        others = [number for number in near(cosines) if number not in found]
        held_to = set(facts_for(filters, self._tag_of))
        entries = await self.db.run(store.entries, others)
        also = [number for number, entry in entries.items() if held_to <= {*entry.facts}]
        return fused(ranked, cosines, also)

    def _tag_of(self, concept_id: str) -> str:
        known = self.concepts.taxonomy.by_id.get(concept_id)
        return known.term_id or concept_id if known else concept_id

    async def _nothing(self, found: Found, query: Query, parts: Sequence[Part], language: str) -> Found:
        """What to say where nothing was found: more without the filters, else terms that find something."""
        if query.filters and (count := (await self._ranked(parts, Filters())).total):
            return replace(found, without_filters=count)
        shelves = shelves_of(self.reader)
        anything = (await self._ranked((), Filters())).total
        if not anything:
            return replace(found, readable=False)
        asked = await asyncio.to_thread(self.concepts.near, query.words, language)
        tags = await self.db.run(store.tags, shelves, most=_NEAR)
        known = self.concepts.taxonomy.by_term_id
        usual = [known[tag].label(language) for tag in tags if tag in known]
        near: list[str] = []
        for label in dict.fromkeys((*asked, *usual)):
            if len(near) < _NEAR and (await self._ranked(self.concepts.parts(label), Filters())).total:
                near.append(label)
        return replace(found, near=tuple(near))

    # what is shown, held against SharePoint --------------------------------------------------------------

    async def _shown(
        self,
        order: Sequence[int],
        entries: Mapping[int, Entry],
        asked_for: "_Asked",
        start: int,
        most: int,
    ) -> tuple[list[Hit], int, int]:
        """The hits, where the next ones begin, and how many turned out to be gone."""
        hits: list[Hit] = []
        at, dropped, known = start, 0, Words()
        while len(hits) < most and at < len(order):
            some = order[at : at + most - len(hits)]
            at += len(some)
            sources, texts = await self.db.run(self._kept, some)
            asked = [_request(entries[number]) for number in some]
            answers, closed = await asyncio.gather(
                self.graph.batch([one._replace(id=str(n)) for n, one in enumerate(asked)]),
                self._closed({number: entries[number] for number in some}, sources),
            )
            for number, answer in zip(some, answers, strict=True):
                entry = entries[number]
                current = None if number in closed else self._current(entry, answer, sources)
                if current is None:
                    await self.db.run(store.withdraw, entry.container, [entry.item_id])
                    dropped += 1
                else:
                    says = _says(entry, current, texts.get(number, ()))
                    hit = _hit(current, says, await self._sentence(says, asked_for, known))
                    own = self.reader.person_id in says.contributors
                    hits.append(replace(hit, own=own, unconfirmed_since=self._unconfirmed_since(current)))
        return hits, at - dropped, dropped

    async def _sentence(self, says: "_Says", asked: "_Asked", known: Words) -> str:
        """The sentence that says most of what was asked, in its words or else in meaning."""
        found = best_sentence(says.sentences, asked.parts, asked.weights, known)
        if not found and self.meaning is not None and asked.wanted is not None:
            found = await self.meaning.nearest_sentence(asked.wanted, says.sentences)
        return found or (says.sentences[0] if says.sentences else "")

    async def _closed(self, some: Mapping[int, Entry], sources: Mapping[str, Source]) -> set[int]:
        """The documents among these that not everyone of their site may read."""
        places = {
            number: (sources[entry.container].site, entry.container, entry.item_id)
            for number, entry in some.items()
            if list_of(entry.container) is None and entry.container in sources
        }
        told = await readers_of(self.graph, self.settings, list(places.values()))
        return {number for number, who in zip(places, told, strict=True) if who is not Readers.ALL}

    @staticmethod
    def _kept(c: Connection, numbers: Sequence[int]) -> tuple[dict[str, Source], dict[int, list[str]]]:
        return {one.container: one for one in store.sources(c)}, store.texts(c, numbers)

    def _current(
        self, entry: Entry, answer: BatchResponse, sources: Mapping[str, Source]
    ) -> "Item | File | None":
        """What the entry is in SharePoint now; None where it is gone, or lies on another shelf.

        It lay on one of the reader's: where it may not be shown to them now, it has been moved.

        Raises what keeps SharePoint from telling.
        """
        if isinstance(answer.error, GraphNotFound):
            return None
        if answer.error is not None:
            raise _no_answer(answer.error)
        source = sources.get(entry.container)
        if source is None:
            return None
        if list_of(entry.container) is not None:
            row = Item.from_json(answer.json())
            return row if may_find(from_fields(row.fields), self.reader) else None
        file = File.from_json(answer.json())
        if "deleted" in answer.json() or left_out(file.path, self.settings.search_leave_out):
            return None
        if source.site not in self.settings.office_sites:
            return None
        shelf = shelf_for(self.settings, source.site)
        return file if shelf in shelves_of(self.reader) else None

    def _unconfirmed_since(self, current: "Item | File") -> date | None:
        item = from_fields(current.fields) if isinstance(current, Item) else None
        return unconfirmed_since(item, self.today) if item else None


def _no_answer(error: GraphError) -> GraphError:
    if isinstance(error, GraphUnreachable | Throttled):
        return error
    return GraphUnreachable(
        f"SharePoint does not say whether what was found may be shown: {error}", status=error.status
    )


def _request(entry: Entry) -> BatchRequest:
    place = list_of(entry.container)
    if place is not None:
        path, params = lists.item_path(*place, entry.item_id), {"$expand": "fields"}
    else:
        path, params = drives.file_item_path(entry.container, entry.item_id), {"$select": drives.SELECT}
    return BatchRequest(id="", method="GET", path=path, params=params)


@dataclass(frozen=True)
class _Asked:
    """What was asked: its parts with their weights, and its vector where meaning is compared."""

    parts: Sequence[Part]
    weights: Sequence[float]
    wanted: Floats | None


@dataclass(frozen=True, kw_only=True)
class _Says:
    """What is shown of an entry, as it is now: one of the `sentences`, word for word out of the `source`."""

    entry: Entry
    sentences: Sequence[str]
    source: Sequence[str]
    record: str = ""
    contributors: Sequence[str] = ()


def _says(entry: Entry, current: Item | File, kept: Sequence[str]) -> _Says:
    """An item in its present words; of a document only what it still says.

    Where that was changed since we read it, that is its name alone.
    """
    if isinstance(current, Item):
        item = from_fields(current.fields)
        return _Says(
            entry=replace(entry, title=item.title, kind=item.kind.value, office=item.office),
            sentences=item_sentences(item),
            source=[str(getattr(item, name)) for name in WRITTEN_FIELDS],
            record=item.id,
            contributors=item.contributors,
        )
    if current.ctag != entry.mark:
        return _Says(entry=replace(entry, title=title_of((), current.name)), sentences=(), source=())
    return _Says(entry=entry, sentences=kept, source=kept)


def _hit(current: Item | File, says: _Says, sentence: str) -> Hit:
    entry = says.entry
    return Hit(
        title=entry.title,
        sentence=sentence if stands_in(sentence, says.source) else "",
        kind=entry.kind,
        office=entry.office.upper(),
        language=primary(entry.language),
        day=entry.day,
        web_url=current.web_url or entry.web_url,
        container=entry.container,
        item_id=entry.item_id,
        record=says.record,
    )


def _choices(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))
