"""Keeps the search index as SharePoint is: reads what is new or changed, forgets what is gone or narrowed.

Each list and library is read by delta, and how far reading has come is written together with what was read,
so that a look cut off anywhere is gone on with by the next. Delta does not tell of permissions, so who may
read a document is asked as it is read, and again from time to time.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from km365.core.knowledge import from_fields
from km365.core.push import LATELY
from km365.core.schema import OFFICE_LIBRARY, TAG_COLUMNS
from km365.core.search_access import APPROVAL, VERSION, Access, Readers, is_draft
from km365.core.search_entries import (
    EVERYBODY,
    Indexed,
    document_sentences,
    item_sentences,
    left_out,
    title_of,
)
from km365.core.search_words import FORM, Words
from km365.core.tag_plan import list_container, list_of
from km365.core.taxonomy import office_code
from km365.core.watching import try_again_at
from km365.core.written_in import main_language
from km365.documents.reading import READABLE
from km365.documents.worker import Reader
from km365.errors import GraphError, GraphNotFound, GraphUnreachable, InputRefused, ResyncNeeded, Throttled
from km365.graph import documents, drives, lists, metadata, sites
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph, Page
from km365.graph.documents import Document
from km365.graph.drives import File
from km365.graph.lists import Item
from km365.services import file_text
from km365.services.calendar import hours_of
from km365.services.capture import knowledge_list
from km365.services.search_readers import readers_of
from km365.services.search_shelving import captured, document_entry, item_entry, shelf_for, tags_of
from km365.settings import Settings
from km365.store import cursors, loop_items, pushes
from km365.store import search as store
from km365.store.database import Connection, Database
from km365.store.search import Source, Waiting

LAST_LOOK = "flow:search"
"""The bookmark of the last look."""
AT_ONCE = 20
"""Documents read and written together."""
LIST_READ = "search:list"
"""The bookmark of the last look at the *Knowledge* list, with its place; none while it is read anew."""
_FORM = "search form"
_TYPE = "KMDocumentType"
_LAST_TRY = 5
"""So often a document is tried that Graph does not give; then it is left until it changes."""
_AGAIN, _LEFT_OUT_AGAIN = timedelta(days=7), timedelta(days=1)
"""When it is asked again who may read a document that is found, and one that is left out."""

R = TypeVar("R")
Advance = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a look came to. `left` documents are still to be read; `problems` are a line for each source.

    `left_out` documents are not searched, as not everyone of their site may read them; `untold` are those of
    them whose permissions could not be read. Both count what stands, and not this look's alone.
    """

    items: int = 0
    documents: int = 0
    removed: int = 0
    not_read: int = 0
    left: int = 0
    left_out: int = 0
    untold: int = 0
    problems: tuple[str, ...] = ()

    def plus(self, **counts: int) -> "Look":
        """With these counted as well."""
        return replace(self, **{name: getattr(self, name) + count for name, count in counts.items()})


async def look(
    graph: Graph,
    db: Database,
    settings: Settings,
    *,
    now: Callable[[], datetime],
    most: int | None = None,
    advance: Advance = lambda _: None,
    found: Advance = lambda _: None,
    noticed: frozenset[str] = frozenset(),
) -> Look:
    """Brings the index up to date, asking about `most` documents if given. Safe to cut off and to repeat.

    `found` hears how many documents are to be read, `advance` of each that was. Documents of the types
    `noticed` (term-store ids) that were changed lately are noted for `services.push`. Trouble with one
    library is said in the answer, and the others go on. Raises PlanRefused while another process looks,
    GraphUnreachable and Throttled, which concern all. Needs Sites.Selected with read, and with fullcontrol
    for documents: who may read them is told to no other app (see `permissions`). 7 resource units a document,
    6 to ask again.
    """
    with db.alone(settings.home, "search"):
        one = _Looker(graph, db, settings, now, advance, noticed)
        return await one.look(most, found)


async def begin_anew(db: Database, settings: Settings) -> None:
    """Empties the index; the next look reads everything. Raises PlanRefused while another process looks."""
    with db.alone(settings.home, "search"):
        await db.run(store.clear)


class _Looker:
    """One look at everything that is searched."""

    def __init__(
        self,
        graph: Graph,
        db: Database,
        settings: Settings,
        now: Callable[[], datetime],
        advance: Advance,
        noticed: frozenset[str],
    ) -> None:
        self._graph, self._db, self._settings, self._now = graph, db, settings, now
        self._hours = hours_of(settings)
        self._advance, self._noticed = advance, noticed
        self._done = Look()
        self._words = Words()
        self._libraries: dict[str, Access | None] = {}
        self._most: int | None = None
        self._asked = 0

    async def _run(self, fn: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """`Database.run` for what adds to `_done`: a transaction that is begun again adds once."""
        before = self._done

        def anew(c: Connection) -> R:
            self._done = before
            return fn(c, *args, **kwargs)

        return await self._db.run(anew)

    async def look(self, most: int | None, found: Advance) -> Look:
        self._most = most
        await self._db.run(self._form)
        sources = await self._sources()
        for one in sources:
            await self._safely(one, self._follow(one))
        found(sum([await self._db.run(self._left, one) for one in sources]))
        with Reader(ocr_command=self._settings.ocr_command) as reader, self._graph.bulk():
            for one in sources:
                reading = self._read_items(one) if _is_list(one) else self._read_documents(one, reader)
                await self._safely(one, reading)
        left = sum([await self._db.run(self._left, one) for one in sources])
        out = await self._db.run(store.left_out)
        self._done = self._done.plus(
            left_out=sum(number for _, _, number in out),
            untold=sum(number for _, why, number in out if why == Readers.UNKNOWN),
        )
        await self._db.run(cursors.put, LAST_LOOK, f"{self._now():%Y-%m-%dT%H:%M:%S}", at=self._now())
        return self._done.plus(left=left)

    def _form(self, c: Connection) -> None:
        """An index whose words were made otherwise is of no use, nor one of other folders."""
        form = " ".join([FORM, *sorted(self._settings.search_leave_out)])
        if cursors.get(c, _FORM) != form:
            cursors.forget(c, LIST_READ)
            store.clear(c)
            cursors.put(c, _FORM, form, at=self._now())

    def _left(self, c: Connection, one: Source) -> int:
        return store.due(c, one.container, due_at=self._now())

    async def _safely(self, one: Source, work: Any) -> None:
        """Does the work on one source; what goes wrong with it alone is noted."""
        try:
            await work
        except (GraphUnreachable, Throttled):
            raise
        except GraphError as error:
            said = f"{one.name}: {error}"
            self._done = replace(self._done, problems=(*self._done.problems, said))
            if isinstance(error, GraphNotFound):  # it is gone, or another is in its place: opened anew
                await self._db.run(store.forget_source, one.container)
            else:
                await self._db.run(store.change_source, one.container, problem=str(error)[:500])

    # which lists and libraries ---------------------------------------------------------------------------

    async def _sources(self) -> list[Source]:
        """Those that the settings name, opened; what is no longer among them is forgotten."""
        wanted = [one async for one in self._opened()]
        return await self._db.run(self._keep, wanted)

    async def _opened(self) -> AsyncIterator[Source]:
        """The list of knowledge items and the offices' libraries; one not there is said and passed over.

        Those known from an earlier look are taken as they are: opening two hundred libraries every few
        minutes would cost more than reading what changed in them.
        """
        known = {_place(one): one for one in await self._db.run(store.sources)}
        for address in (None, *self._settings.office_sites):
            there = known.get((address or self._settings.knowledge_site, address is None))
            try:
                if there is not None:
                    shelf = shelf_for(self._settings, address) if address else EVERYBODY
                    yield replace(there, shelf=shelf)
                else:
                    yield await (self._knowledge() if address is None else self._library(address))
            except GraphNotFound as error:
                said = f"{address or self._settings.knowledge_site}: {error}"
                self._done = replace(self._done, problems=(*self._done.problems, said))

    async def _knowledge(self) -> Source:
        place = await knowledge_list(self._graph, self._settings)
        site = self._settings.knowledge_site
        container = list_container(place.site_id, place.list_id)
        return Source(container=container, site=site, office="", name="Knowledge", shelf=EVERYBODY)

    async def _library(self, address: str) -> Source:
        site = await sites.get_site(self._graph, address)
        drive = await drives.get_drive(self._graph, site.id, OFFICE_LIBRARY)
        return Source(
            container=drive.id,
            site=address,
            office=office_code(address),
            name=site.display_name or office_code(address),
            shelf=shelf_for(self._settings, address),
        )

    def _keep(self, c: Connection, wanted: Sequence[Source]) -> list[Source]:
        """Puts down what is searched; empties what others may find now, forgets what the settings lost."""
        known = {one.container: one for one in store.sources(c)}
        kept = {one.container for one in wanted}
        opened = {_place(one) for one in wanted}
        for one in known.values():
            named = self._settings.knowledge_site if _is_list(one) else one.site
            lost = one.site != named or not (_is_list(one) or one.site in self._settings.office_sites)
            if one.container not in kept and (lost or _place(one) in opened):
                store.forget_source(c, one.container)
        for one in wanted:
            old = known.get(one.container)
            moved = old is not None and old.shelf != one.shelf
            if moved:
                store.empty(c, one.container)
            store.put_source(c, replace(one, link=None) if moved else one)
        return [one for one in store.sources(c) if one.container in kept]

    # hearing what changed --------------------------------------------------------------------------------

    async def _follow(self, one: Source) -> None:
        try:
            await self._pages(one, one.link)
        except ResyncNeeded:  # what is no longer there would stay, so nothing does
            await self._db.run(self._again, one)
            await self._pages(one, None)

    def _again(self, c: Connection, one: Source) -> None:
        store.empty(c, one.container)
        store.change_source(c, one.container, link=None)
        if _is_list(one):
            cursors.forget(c, LIST_READ)

    async def _pages(self, one: Source, link: str | None) -> None:
        place = list_of(one.container)
        take: Callable[[Connection, Source, list[Any]], None] = self._files
        if place is not None:
            pages, take = lists.delta(self._graph, *place, link), self._items
        else:
            pages = drives.delta(self._graph, one.container, link)
        async for page in pages:
            await self._run(self._page, one, page, take)

    def _page(
        self, c: Connection, one: Source, page: Page, take: Callable[[Connection, Source, list[Any]], None]
    ) -> None:
        """What one page says, and where reading goes on, in one transaction; an item's last word counts."""
        last = {str(raw.get("id") or ""): raw for raw in page.values}
        gone = [item_id for item_id, raw in last.items() if "deleted" in raw]
        self._done = self._done.plus(removed=store.remove(c, one.container, gone))
        if _is_list(one):
            loop_items.remove(c, one.container, gone)
        take(c, one, [raw for item_id, raw in last.items() if item_id and "deleted" not in raw])
        link = page.next_link or page.delta_link
        if link:
            store.change_source(c, one.container, link=link, looked_at=self._now(), problem=None)
        if page.delta_link and _is_list(one):
            cursors.put(c, LIST_READ, one.container, at=self._now())

    def _items(self, c: Connection, one: Source, raws: list[Any], *, claimed: bool = False) -> None:
        """Knowledge items: those that may be found are indexed at once, the others are not found any more."""
        rows = [Item.from_json(raw) for raw in raws]
        counted = {row.id: captured(row, from_fields(row.fields), self._hours) for row in rows}
        loop_items.put(c, one.container, counted)
        entries = {row.id: item_entry(one.container, row) for row in rows}
        out = [item_id for item_id, entry in entries.items() if entry is None]
        self._done = self._done.plus(removed=store.remove(c, one.container, out))
        found = [
            Indexed.of(entry, item_sentences(from_fields(row.fields)), self._words)
            for row in rows
            if (entry := entries[row.id]) is not None
        ]
        store.put(c, found, claimed=claimed)
        self._done = self._done.plus(items=len(found))

    def _files(self, c: Connection, one: Source, raws: list[Any]) -> None:
        """Documents: noted, to be read."""
        for raw in raws:
            if not isinstance(raw.get("file"), dict):
                continue
            file = File.from_json(raw)
            if self._is_read(file):
                store.wait(c, document_entry(one, file, ()), at=self._now())
            else:
                self._done = self._done.plus(removed=store.remove(c, one.container, [file.id]))

    def _is_read(self, file: File) -> bool:
        ending = f".{file.name.rpartition('.')[2].lower()}"
        return ending in READABLE and not left_out(file.path, self._settings.search_leave_out)

    # reading what changed --------------------------------------------------------------------------------

    async def _read_items(self, one: Source) -> None:
        """The items that were withdrawn since somebody found them changed: as they are now."""
        site_id, list_id = list_of(one.container) or ("", "")
        while due := await self._due(one):
            asked = [
                BatchRequest(
                    id=waiting.item_id,
                    method="GET",
                    path=lists.item_path(site_id, list_id, waiting.item_id),
                    params={"$expand": "fields"},
                )
                for waiting in due
            ]
            answers = await self._graph.batch(asked)
            gone = [answer.id for answer in answers if isinstance(answer.error, GraphNotFound)]
            there = [answer.json() for answer in answers if answer.id not in gone]
            self._done = self._done.plus(removed=await self._db.run(store.remove, one.container, gone))
            await self._run(self._items, one, there, claimed=True)

    async def _due(self, one: Source) -> list[Waiting]:
        """The next that are to be read, none where this look has read as many as it should."""
        if self._most is not None and self._asked >= self._most:
            return []
        due = await self._db.run(store.claim, one.container, due_at=self._now(), most=AT_ONCE)
        self._asked += len(due)
        return due

    async def _read_documents(self, one: Source, reader: Reader) -> None:
        columns: tuple[str, ...] | None = None
        while due := await self._due(one):
            if columns is None:
                columns = await self._columns(one)
            keys = [(one.container, waiting.item_id) for waiting in due]
            answers = await documents.get_many(self._graph, keys, columns=columns)
            places = [(one.site, *key) for key in keys]
            who = await readers_of(self._graph, self._settings, places, self._libraries)
            for waiting, answer, its in zip(due, answers, who, strict=True):
                await self._read_one(one, reader, waiting, answer, its)
                self._advance(1)

    async def _columns(self, one: Source) -> tuple[str, ...]:
        """The tag columns that the library has, and those that say whether a document is a draft."""
        site = await sites.get_site(self._graph, one.site)
        drive = await drives.get_drive(self._graph, site.id, OFFICE_LIBRARY)
        there = {column.name for column in await lists.list_columns(self._graph, site.id, drive.list_id)}
        return ("id", VERSION, APPROVAL, *(column.name for column in TAG_COLUMNS if column.name in there))

    async def _read_one(
        self, one: Source, reader: Reader, waiting: Waiting, answer: Document | GraphError, who: Readers
    ) -> None:
        if isinstance(answer, GraphNotFound):
            await self._db.run(store.remove, one.container, [waiting.item_id])
            self._done = self._done.plus(removed=1)
            return
        if isinstance(answer, Document) and self._is_noticed(answer):
            await self._db.run(pushes.notice, one.container, [waiting.item_id], at=self._now())
        if isinstance(answer, Document) and answer.item and is_draft(answer.item.fields):
            who = Readers.DRAFT if who is Readers.ALL else who
        if who is not Readers.ALL:
            again_at = self._now() + _LEFT_OUT_AGAIN
            await self._db.run(store.leave_out, one.container, waiting.item_id, why=who, again_at=again_at)
            return
        try:
            if isinstance(answer, GraphError):
                raise answer
            await self._index(one, reader, answer)
        except InputRefused as refusal:
            await self._not_read(one, waiting, str(refusal), try_again=False)
        except (GraphUnreachable, Throttled):
            raise
        except GraphError as error:
            await self._not_read(one, waiting, str(error), try_again=waiting.attempts < _LAST_TRY)

    def _is_noticed(self, document: Document) -> bool:
        """Whether it is of a type that is noticed, and was changed lately, be it that it was tagged."""
        changed_at = document.file.modified_at
        if document.item is None or changed_at is None or self._now() - changed_at > LATELY:
            return False
        terms = metadata.decode(document.item.fields.get(_TYPE))
        return not self._noticed.isdisjoint(term.id.lower() for term in terms)

    async def _not_read(self, one: Source, waiting: Waiting, why: str, *, try_again: bool) -> None:
        again_at = try_again_at(waiting.attempts + 1, now=self._now()) if try_again else None
        await self._db.run(store.not_read, one.container, waiting.item_id, why=why, again_at=again_at)
        self._done = self._done.plus(not_read=1)

    async def _index(self, one: Source, reader: Reader, document: Document) -> None:
        """Its tags alone where its text is known, else its text as well."""
        file, fields = document.file, document.item.fields if document.item else {}
        if not self._is_read(file):
            await self._db.run(store.remove, one.container, [file.id])
            self._done = self._done.plus(removed=1)
            return
        tags = tags_of(fields)
        again_at = self._now() + _AGAIN
        if not await self._db.run(store.retag, document_entry(one, file, tags), again_at=again_at):
            passages = await file_text.read(self._graph, reader, file)
            entry = document_entry(
                one, file, tags, language=main_language(passages) or "", title=title_of(passages, file.name)
            )
            said = (one for one in document_sentences(passages) if one != entry.title)
            new = Indexed.of(entry, said, self._words)
            await self._db.run(store.put, [new], again_at=again_at, claimed=True)
        self._done = self._done.plus(documents=1)


def _is_list(one: Source) -> bool:
    return list_of(one.container) is not None


def _place(one: Source) -> tuple[str, bool]:
    """Where a source is; another one there has taken its place."""
    return one.site, _is_list(one)
