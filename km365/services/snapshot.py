"""Everything that is known on a topic and may be read by who asks: found, read anew, and put together.

What speaks of the topic is found as any search finds it, with the reader's rights; then every lesson and
document is read once more from SharePoint, and only what it says now can be quoted.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from km365.core.audience import Reader
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, Reach, from_fields, words_mark
from km365.core.search_entries import DOCUMENT, KNOWLEDGE, Entry, may_find, shelves_of
from km365.core.search_question import Concepts, Filters, Part, Query
from km365.core.search_words import said, unpack
from km365.core.snapshot import (
    LINKS,
    TEXT,
    Contact,
    Shelf,
    Snapshot,
    Source,
    Topic,
    Why,
)
from km365.core.snapshot_compose import compose
from km365.core.snapshot_kept import Asked, Change, Kept
from km365.core.tag_plan import list_of
from km365.core.taxonomy import Status
from km365.documents import duty_stations
from km365.graph import documents, lists, people
from km365.graph.client import Graph
from km365.graph.documents import Document
from km365.graph.lists import Item
from km365.graph.people import Person
from km365.services import review, search
from km365.services.derived import as_allowed
from km365.services.search import EVERYONE, Found, Hit
from km365.services.search_shelving import tags_of
from km365.services.who_now import who_now
from km365.settings import Settings
from km365.store import search as store
from km365.store.database import Connection, Database
from km365.templates import Templates

LESSONS, DOCUMENTS = 100, 40
"""So many lessons and documents are read at most, offices and years in turn: 1 and 8 resource units each."""
_PEOPLE, _OFFICES = 5, 3
"""So many people, and focal points of so many offices, are named."""


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What a question means, what was read for it, and how much there is."""

    topic: Topic
    sources: tuple[Source, ...]
    shelf: Shelf


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What answers a question: our index, SharePoint, and the terms questions are understood by."""

    graph: Graph
    db: Database
    settings: Settings
    templates: Templates
    terms: Callable[[], Awaitable[Concepts]]

    async def snapshot(self, asked: Asked, reader: Reader, *, today: date, language: str) -> Snapshot:
        """What is known of it that `reader` may read (EVERYONE: that all may), without whom to ask.

        `language` is that of the narrower topics' labels. Raises GraphError where SharePoint cannot be asked.
        Needs what `services.search` needs.
        """
        concepts = await self.terms()
        read = await self._read(asked, reader, concepts, today)
        return await asyncio.to_thread(
            compose,
            read.topic,
            read.sources,
            read.shelf,
            today=today,
            reader_office=reader.office,
            narrower=_narrower(concepts, asked.words, language),
        )

    async def changes(self, kept: Kept, reader: Reader, *, today: date) -> list[Change]:
        """What became of the sources of a kept snapshot, and what is new: the question asked once more."""
        read = await self._read(kept.asked, reader, await self.terms(), today)
        now = await asyncio.to_thread(compose, read.topic, read.sources, read.shelf, today=today)
        return kept.held_against(read.sources, now.read)

    async def _read(self, asked: Asked, reader: Reader, concepts: Concepts, today: date) -> _Read:
        topic = Topic(
            words=asked.words,
            parts=await asyncio.to_thread(concepts.parts, asked.words),
            office=asked.office.upper(),
            language=asked.language,
            since=asked.since,
            until=asked.until,
        )
        lessons = await self._found(topic, reader, concepts, today, kind=KNOWLEDGE, most=LESSONS)
        papers = await self._found(topic, reader, concepts, today, kind=DOCUMENT, most=DOCUMENTS)
        sources = [
            *await self._lessons(_within(lessons, topic), reader),
            *await self._documents(_within(papers, topic), reader),
        ]
        shelf = await self._shelf(topic, reader, _left(lessons), _left(papers))
        return _Read(topic=topic, sources=tuple(sources), shelf=shelf)

    async def _found(
        self, topic: Topic, reader: Reader, concepts: Concepts, today: date, *, kind: str, most: int
    ) -> Found:
        filters = Filters(office=topic.office.lower(), kind=kind, language=topic.language)
        return await search.search(
            self.db,
            self.graph,
            self.settings,
            Query(words=topic.words, filters=filters),
            reader,
            concepts=concepts,
            today=today,
            most=most,
            fair=True,
        )

    async def _lessons(self, hits: Sequence[Hit], reader: Reader) -> list[Source]:
        """The lessons as they are now; those that are gone, or not for the reader any more, are left out."""
        places = {(*place, hit.item_id): hit for hit in hits if (place := list_of(hit.container))}
        rows = await lists.get_items(self.graph, places)
        return [
            _lesson(places[place], row)
            for place, row in rows.items()
            if may_find(await as_allowed(self.graph, self.settings, from_fields(row.fields)), reader)
        ]

    async def _documents(self, hits: Sequence[Hit], reader: Reader) -> list[Source]:
        """The documents with what was read of them, where their content still has the tag it had then."""
        keys = [(hit.container, hit.item_id) for hit in hits]
        now = await documents.get_many(self.graph, keys, columns=("id",)) if keys else []
        found = []
        for hit, current in zip(hits, now, strict=True):
            known = await self.db.run(_indexed, hit, shelves_of(reader))
            if known and isinstance(current, Document):
                found.append(_document(*known, version=current.file.ctag))
        return found

    async def _shelf(self, topic: Topic, reader: Reader, lessons: int, papers: int) -> Shelf:
        """How much there is for this reader, and of which offices; `lessons` and `papers` were not read."""
        shelves = shelves_of(reader)
        readable = await self.db.run(_count, said("kind", KNOWLEDGE), shelves)
        libraries = await search.offices(self.db)
        regions = {code.upper(): region for code, region in duty_stations.regions(self.templates).items()}
        offices = {code.upper() for code in (*libraries, *await search.known_offices(self.db))}
        return Shelf(
            lessons=readable,
            lessons_left=lessons,
            documents_left=papers,
            offices={one: regions.get(one, "") for one in ({topic.office} if topic.office else offices)},
        )

    # whom to ask -----------------------------------------------------------------------------------------

    async def with_contacts(self, snapshot: Snapshot, reader: Reader, *, by_name: bool) -> Snapshot:
        """The snapshot with whom to ask: contributors who allow it, and the offices' focal points.

        Somebody who left the post is named with who is asked now (`services.who_now`). EVERYONE is told
        offices and nobody's name; focal points are named only `by_name`, which takes a call for each
        colleague of an office. Needs User.Read.All and GroupMember.ReadBasic.All.
        """
        speaking = [*snapshot.sources, *snapshot.read]
        found = [] if reader == EVERYONE else await self._contributors(speaking, today=snapshot.as_of)
        offices = list(dict.fromkeys(one.office for one in speaking if one.office))[:_OFFICES]
        for office in offices:
            named = await self._focal_points(office) if by_name and reader != EVERYONE else []
            found += named or [Contact(office=office, why=Why.FOCAL_POINT)]
        first: dict[tuple[str, str], Contact] = {}
        for one in found:
            first.setdefault((one.office, one.name or one.why), one)
        return replace(snapshot, contacts=tuple(first.values()))

    async def _contributors(self, sources: Sequence[Source], *, today: date) -> list[Contact]:
        offices = {person: source.office for source in sources for person in source.people}
        asked = (self._whom(one, office, today=today) for one, office in list(offices.items())[:_PEOPLE])
        return [contact for contact in await asyncio.gather(*asked) if contact is not None]

    async def _whom(self, person_id: str, office: str, *, today: date) -> Contact | None:
        """The contributor, or who is asked now that they have left the post."""
        now = await who_now(self.graph, self.db, self.settings, person_id, office, today=today)
        if now is None:
            return _contact(await people.get_person(self.graph, person_id), Why.WROTE)
        why = Why.LEARNT if now.learnt else Why.FOLLOWS
        return replace(_contact(now.person, why), was=now.was, until=now.until) if now.person else None

    async def _focal_points(self, office: str) -> list[Contact]:
        found = review.focal_points(self.graph, self.settings, office)
        return [_contact(one, Why.FOCAL_POINT) async for one in found]


def _indexed(c: Connection, hit: Hit, shelves: Collection[str]) -> tuple[Entry, list[str]] | None:
    """What the index holds of a document, and its sentences; None where it lies on none of these shelves."""
    numbers = store.numbers(c, hit.container, [hit.item_id])
    entries, sentences = store.entries(c, numbers), store.texts(c, numbers)
    found = [(entries[n], sentences.get(n, [])) for n in numbers if entries[n].shelf in shelves]
    return found[0] if found else None


def _count(c: Connection, word: str, shelves: Collection[str]) -> int:
    """How many entries on these shelves hold the word."""
    rows = store.look_up(c, [word], shelves)
    return sum(len(unpack(packed)) for _, packed in rows.get(word, ()))


def _left(found: Found) -> int:
    """How many were found and not read."""
    return found.total - len(found.hits)


def _within(found: Found, topic: Topic) -> list[Hit]:
    return [hit for hit in found.hits if topic.takes(hit.day)]


def _lesson(hit: Hit, row: Item) -> Source:
    item = from_fields(row.fields)
    links = str(row.fields.get("KMLinks") or "")
    return Source(
        key=f"{hit.container}/{row.id}",
        version=_version(item, links),
        title=item.title,
        web_url=row.web_url or hit.web_url,
        kind=item.kind.value,
        office=item.office.upper(),
        language=item.language,
        day=hit.day,
        texts={name: str(getattr(item, name)) for name in WRITTEN_FIELDS} | {LINKS: links},
        id=item.id,
        polarity=item.polarity,
        tags=frozenset(tags_of(row.fields)),
        people=item.contributors if item.consent.covers(Reach.PARTNERS) else (),
        links=item.links,
    )


def _version(item: KnowledgeItem, links: str) -> str:
    """Other when it says something else; not when somebody used it, which SharePoint counts as a change."""
    said = "\x1f".join([words_mark(item), item.polarity, item.office, item.language, links])
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _document(entry: Entry, sentences: Sequence[str], *, version: str) -> Source:
    """A document of that version; without its words where these are of another."""
    return Source(
        key=f"{entry.container}/{entry.item_id}",
        version=version,
        title=entry.title,
        web_url=entry.web_url,
        kind=entry.kind,
        office=entry.office.upper(),
        language=entry.language,
        day=entry.day,
        texts={TEXT: "\n".join(sentences)} if version and version == entry.mark else {},
        tags=frozenset(entry.tags),
    )


def _narrower(concepts: Concepts, words: str, language: str) -> list[tuple[str, Part]]:
    """The topics right below those that are asked about, each with its label."""
    above = {one.id for one in concepts.meant(words)}
    below = (one for one in concepts.taxonomy if one.broader in above and one.status is Status.CURRENT)
    parts = ((one.label(language), concepts.parts(one.label())) for one in below)
    return [(label, part[0]) for label, part in parts if len(part) == 1]


def _contact(person: Person, why: Why) -> Contact:
    return Contact(office=person.office, why=why, name=person.name, post=person.job_title)
