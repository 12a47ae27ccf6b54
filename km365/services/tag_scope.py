"""Which documents a tagging plan looks at: libraries, folders, lists, a search, or what changed since."""

import fnmatch
import hashlib
import heapq
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote

from km365.core.passages import Kind, Passage
from km365.core.tag_plan import Library
from km365.errors import GraphError, GraphNotFound, ResyncNeeded
from km365.graph import documents, drives, lists
from km365.graph.client import Graph, Page
from km365.graph.documents import Document
from km365.graph.drives import File
from km365.graph.lists import Column, Item
from km365.graph.wire import Json, moment, text
from km365.services.tag_libraries import Shelf
from km365.services.tag_since import Since, Stand

AT_ONCE = 100
_FOLDERS_NAMED = 10
"""Files asked for together by id."""
FOR_EVERYBODY = frozenset({"", "U", "O"})
"""Audiences whose texts a plan may quote; narrower ones have no place in a file that is mailed about."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a plan looks at.

    `name` is a pattern with * and ?, `types` are endings without the dot, `search` the words of a search.
    `untagged`: only documents without a term in the columns asked for. `sample` of them, spread evenly and
    the same ones every time.
    """

    libraries: tuple[Library, ...]
    folder: str = "/"
    search: str = ""
    modified_since: datetime | None = None
    name: str = ""
    types: frozenset[str] = frozenset()
    untagged: bool = False
    language: str = ""
    sample: int | None = None

    def has(self, name: str, modified_at: datetime | None) -> bool:
        """Whether a file of that name and age is looked at."""
        if self.name and not fnmatch.fnmatch(name.casefold(), self.name.casefold()):
            return False
        if self.types and PurePosixPath(name).suffix.lower().lstrip(".") not in self.types:
            return False
        return not (self.modified_since and modified_at and modified_at < self.modified_since)

    @property
    def mark(self) -> str:
        """Tells one scope from another, the libraries aside."""
        rest = repr(replace(self, libraries=()))
        return hashlib.sha256(rest.encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A document to be looked at: its list item, and its file unless it is an item of a list.

    `known`: this content was planned before, with the same terms. `refused`: Graph does not give it.
    """

    shelf: Shelf
    item: Item | None = None
    file: File | None = None
    known: bool = False
    refused: GraphError | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Drive id, item id and content tag."""
        if self.file is not None:
            return self.shelf.library.drive_id, self.file.id, self.file.ctag
        if self.item is None:
            return self.shelf.library.drive_id, "", ""
        text = passages_of(self.item, self.shelf.texts)
        return self.shelf.library.drive_id, self.item.id, tag_of(text)

    @property
    def path(self) -> str:
        """Where it is, for people."""
        if self.file is not None:
            return self.file.path
        return f"{self.shelf.library.name}/{self.name}"

    @property
    def name(self) -> str:
        """Its file name, or the title of a list's item."""
        if self.file is not None:
            return self.file.name
        title = str(self.item.fields.get("Title") or "").strip() if self.item else ""
        return title or (f"item {self.item.id}" if self.item else "?")


def passages_of(item: Item, texts: Iterable[Column]) -> list[Passage]:
    """The `texts` of a list's item, its title first; ids and codes are left out."""
    found = []
    if title := str(item.fields.get("Title") or "").strip():
        found.append(Passage(text=title, kind=Kind.TITLE, place="title"))
    for column in texts:
        value = item.fields.get(column.name)
        if isinstance(value, str) and value.strip() and column.name != "Title":
            found += [
                Passage(text=line.strip(), place=column.display_name)
                for line in value.splitlines()
                if line.strip()
            ]
    return found


def tag_of(passages: Iterable[Passage]) -> str:
    """Tells one text of a list's item from another, as the content tag does for a file."""
    said = "\n".join(passage.text for passage in passages)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


# Going round ---------------------------------------------------------------------------------------------


class Round:
    """One going round over what a scope names; `count` first, then `candidates`."""

    def __init__(
        self,
        graph: Graph,
        shelves: Sequence[Shelf],
        scope: Scope,
        *,
        since: Since | None = None,
        only: Mapping[str, list[str]] | None = None,
    ) -> None:
        """`only` are item ids by drive: just these are looked at. `since` is for a scope without a search:
        what is new is found by one only some time later, when it is no longer new.
        """
        self.shelves = shelves
        self.scope = scope
        self.since = since
        self._graph = graph
        self._chosen = dict(only) if only is not None else None
        self._region = ""
        self._changed: dict[str, dict[str, tuple[str, Item | None]]] = {}

    async def count(self, *, region: str = "") -> int:
        """How many documents there are to look at, some of which will need no second look.

        Chooses the sample. Raises GraphNotFound, naming it, for a folder that is not there.
        """
        self._region = region
        total = 0
        sample = _Sample(self.scope.sample)
        with self._graph.bulk():  # each folder of a library is asked for
            for shelf in self.shelves:
                if self.since is not None:
                    await self._follow(shelf, self.since)
                async for item_id in self._ids(shelf):
                    total += 1
                    sample.add(shelf.library.drive_id, item_id)
        self._chosen = sample.chosen
        return sample.size if self._chosen is not None else total

    async def candidates(self) -> AsyncIterator[Candidate]:
        """The documents, library by library."""
        for shelf in self.shelves:
            batch: list[Candidate] = []
            async for one in self._candidates(shelf):
                batch.append(one)
                if len(batch) == AT_ONCE:
                    for each in await self._marked(batch):
                        yield each
                    batch = []
            for each in await self._marked(batch):
                yield each

    async def _marked(self, batch: Sequence[Candidate]) -> list[Candidate]:
        """The candidates, those marked whose content was planned before."""
        if self.since is None or not batch:
            return list(batch)
        known = await self.since.known([one.key for one in batch])
        return [replace(one, known=one.key[:2] in known) for one in batch]

    async def _ids(self, shelf: Shelf) -> AsyncIterator[str]:
        """The ids of what will be looked at, cheaply."""
        drive_id = shelf.library.drive_id
        if drive_id in self._changed:
            for item_id in self._changed[drive_id]:
                yield item_id
        elif shelf.is_list:
            async for item in lists.list_items(
                self._graph, shelf.site_id, shelf.drive.list_id, select=("Title",)
            ):
                if self._has_item(item):
                    yield item.id
        elif self.scope.search:
            async for item_id in self._hits(shelf):
                yield item_id
        else:
            async for file in self._files(shelf):
                if self.scope.has(file.name, file.modified_at):
                    yield file.id

    async def _files(self, shelf: Shelf) -> AsyncIterator[File]:
        try:
            async for file in drives.list_files(
                self._graph, shelf.library.drive_id, folder=self.scope.folder
            ):
                yield file
        except GraphNotFound:
            there = await drives.list_folders(self._graph, shelf.library.drive_id)
            names = ", ".join(f"/{one}" for one in sorted(there)[:_FOLDERS_NAMED]) or "none"
            raise GraphNotFound(
                f"The library {shelf.library.name!r} of {shelf.library.site} has no folder "
                f"{self.scope.folder!r}. Its folders: {names}"
                f"{', and more' if len(there) > _FOLDERS_NAMED else ''}."
            ) from None

    async def _hits(self, shelf: Shelf) -> AsyncIterator[str]:
        under = f"{shelf.drive.web_url.rstrip('/')}/{self.scope.folder.strip('/')}".rstrip("/")
        async for drive_id, item_id in documents.search(
            self._graph, self.scope.search, under=unquote(under), region=self._region
        ):
            if drive_id == shelf.library.drive_id:
                yield item_id

    async def _candidates(self, shelf: Shelf) -> AsyncIterator[Candidate]:
        drive_id = shelf.library.drive_id
        names = tuple(column.name for column in shelf.columns)
        if self._chosen is not None:
            wanted: list[str] | None = self._chosen.get(drive_id, [])
        elif drive_id in self._changed:
            wanted = list(self._changed[drive_id])
        elif self.scope.search and not shelf.is_list:
            wanted = [item_id async for item_id in self._hits(shelf)]
        else:
            wanted = None
        if shelf.is_list:
            async for item in self._items(shelf, wanted):
                yield Candidate(shelf=shelf, item=item)
        elif wanted is None:
            async for one in documents.walk(self._graph, drive_id, folder=self.scope.folder, columns=names):
                if self.scope.has(one.file.name, one.file.modified_at):
                    yield Candidate(shelf=shelf, file=one.file, item=one.item)
        else:
            async for candidate in self._by_id(shelf, wanted, names):
                yield candidate

    async def _by_id(
        self, shelf: Shelf, wanted: Sequence[str], names: Sequence[str]
    ) -> AsyncIterator[Candidate]:
        drive_id = shelf.library.drive_id
        for start in range(0, len(wanted), AT_ONCE):
            ids = wanted[start : start + AT_ONCE]
            found = await documents.get_many(self._graph, [(drive_id, one) for one in ids], columns=names)
            for one in found:
                if isinstance(one, GraphNotFound):
                    continue  # deleted meanwhile
                if isinstance(one, GraphError):
                    yield Candidate(shelf=shelf, refused=one)
                elif self._in_folder(one) and self.scope.has(one.file.name, one.file.modified_at):
                    yield Candidate(shelf=shelf, file=one.file, item=one.item)

    def _in_folder(self, one: Document) -> bool:
        folder = self.scope.folder.strip("/")
        return not folder or one.file.path.startswith(f"{folder}/")

    async def _items(self, shelf: Shelf, wanted: Sequence[str] | None) -> AsyncIterator[Item]:
        names = [column.name for column in (*shelf.columns, *shelf.texts)]
        select = ("Title", *dict.fromkeys(names), "KMAudience")
        changed = self._changed.get(shelf.library.drive_id)
        if changed is not None:
            for item_id, (_, item) in changed.items():
                if wanted is None or item_id in wanted:
                    found = item or await self._item(shelf, item_id, select)
                    if found is not None:
                        yield found
            return
        async for item in lists.list_items(self._graph, shelf.site_id, shelf.drive.list_id, select=select):
            if (wanted is None or item.id in wanted) and self._has_item(item):
                yield item

    async def _item(self, shelf: Shelf, item_id: str, select: Sequence[str]) -> Item | None:
        """The item, if it is still there and in the scope."""
        try:
            list_id = shelf.drive.list_id
            item = await lists.get_item(self._graph, shelf.site_id, list_id, item_id, select=select)
        except GraphNotFound:
            return None
        return item if self._has_item(item) else None

    def _has_item(self, item: Item) -> bool:
        if self.scope.types:
            return False
        return self.scope.has(str(item.fields.get("Title") or ""), item.modified_at)

    # what changed since ----------------------------------------------------------------------------------

    async def _follow(self, shelf: Shelf, since: Since) -> None:
        """Reads what changed since the last plan, and remembers where that reading ended."""
        drive_id = shelf.library.drive_id
        name = f"tag plan {drive_id} {self.scope.mark}"
        last = await since.last(name)
        changed: dict[str, tuple[str, Item | None]] = {}
        try:
            link = await self._read(shelf, last.link if last else "latest", changed)
        except ResyncNeeded:
            last = None
            link = await self._read(shelf, "latest", {})
        if link:
            since.reached[name] = Stand(link=link, marks=since.corrections.marks(drive_id))
        if last is None:
            return
        known = set()
        if not shelf.is_list:
            keys = [(drive_id, item_id, ctag) for item_id, (ctag, _) in changed.items()]
            for start in range(0, len(keys), AT_ONCE):
                known |= await since.known(keys[start : start + AT_ONCE])
        corrected = sorted(since.corrected(drive_id, last) - changed.keys())
        self._changed[drive_id] = {
            item_id: one for item_id, one in changed.items() if (drive_id, item_id) not in known
        } | dict.fromkeys(corrected, ("", None))

    async def _read(self, shelf: Shelf, link: str, changed: dict[str, tuple[str, Item | None]]) -> str:
        """Adds to `changed` what changed since the link; the link to go on from, "" if Graph gave none."""
        reached = ""
        async for page in self._pages(shelf, link):
            for raw in page.values if link != "latest" else ():
                self._take(shelf, raw, changed)
            reached = page.delta_link or reached
        return reached

    def _pages(self, shelf: Shelf, link: str) -> AsyncIterator[Page]:
        if shelf.is_list:
            return lists.delta(self._graph, shelf.site_id, shelf.drive.list_id, link)
        return drives.delta(self._graph, shelf.library.drive_id, link)

    def _take(self, shelf: Shelf, raw: Json, changed: dict[str, tuple[str, Item | None]]) -> None:
        item_id = text(raw.get("id"))
        changed.pop(item_id, None)  # the last occurrence counts
        if "deleted" in raw:
            return
        if shelf.is_list:
            item = Item.from_json(raw)
            if item.fields and self._has_item(item):
                changed[item_id] = ("", item)
        elif isinstance(raw.get("file"), dict):
            at = moment(raw.get("lastModifiedDateTime"))
            if self.scope.has(text(raw.get("name")), at):
                changed[item_id] = (text(raw.get("cTag")), None)


class _Sample:
    """So many of all that is added, the same ones every time, however they come."""

    def __init__(self, size: int | None) -> None:
        self._most = size
        self._heap: list[tuple[int, str, str]] = []

    def add(self, drive_id: str, item_id: str) -> None:
        if self._most is None:
            return
        digest = hashlib.sha256(f"{drive_id}/{item_id}".encode()).digest()
        heapq.heappush(self._heap, (-int.from_bytes(digest[:8]), drive_id, item_id))
        if len(self._heap) > self._most:
            heapq.heappop(self._heap)

    @property
    def size(self) -> int:
        return len(self._heap)

    @property
    def chosen(self) -> dict[str, list[str]] | None:
        """The item ids by drive; None where everything is wanted."""
        if self._most is None:
            return None
        found: dict[str, list[str]] = {}
        for _, drive_id, item_id in sorted(self._heap, reverse=True):
            found.setdefault(drive_id, []).append(item_id)
        return found
