"""The search index: what can be found and where it lies, its words, and how far reading has come.

A word has one row for each shelf (who may find) and block of entries, so that what a reader may not find is
not even read. Everything here is made anew from SharePoint; losing it loses nothing.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from km365.core.search_entries import Entry, Indexed
from km365.core.search_words import BLOCK, pack, said, unpack
from km365.store import rows
from km365.store.tables import search_entry, search_source, search_text, search_word

T = TypeVar("T")
_AT_ONCE = 500
"""Values in one statement; databases allow a few thousand."""


class State(StrEnum):
    """Where the reading of an entry is."""

    WAITING = "waiting"  # to be read when it is due; found as it was, if it was read before
    THERE = "there"
    FAILED = "failed"  # cannot be read; the note says why


@dataclass(frozen=True, kw_only=True)
class Source:
    """A list or library that is searched. `office` and `shelf` are "" for the list of knowledge items.

    `link` is where reading goes on, `problem` why the last look ended early.
    """

    container: str
    site: str
    office: str
    name: str
    shelf: str
    link: str | None = None
    looked_at: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A document to be read. `mark` is that of the text which is indexed, "" where none is."""

    item_id: str
    mark: str
    attempts: int


# Lists and libraries --------------------------------------------------------------------------------------


def sources(c: Connection) -> list[Source]:
    """Those that are searched, by name."""
    found = c.execute(select(search_source).order_by(search_source.c.name, search_source.c.container))
    return [Source(**row) for row in found.mappings()]


def source(c: Connection, container: str) -> Source | None:
    """The one, if it is searched."""
    row = c.execute(select(search_source).where(search_source.c.container == container)).mappings().first()
    return Source(**row) if row else None


def put_source(c: Connection, one: Source) -> None:
    """Adds it, or gives it these values."""
    rows.put(c, search_source, {name: getattr(one, name) for name in search_source.c.keys()})  # noqa: SIM118


def change_source(c: Connection, container: str, /, **values: object) -> None:
    """Gives these values to a source."""
    c.execute(update(search_source).where(search_source.c.container == container).values(**values))


def forget_source(c: Connection, container: str) -> None:
    """Nothing of it is found any more, and it is not searched."""
    empty(c, container)
    c.execute(delete(search_source).where(search_source.c.container == container))


def empty(c: Connection, container: str) -> None:
    """Nothing of it is found any more."""
    ids = c.execute(select(search_entry.c.id).where(search_entry.c.container == container)).scalars().all()
    _remove(c, ids)


def clear(c: Connection) -> None:
    """Nothing is found any more, and everything is read anew."""
    for table in (search_word, search_text, search_entry, search_source):
        c.execute(delete(table))


# Entries --------------------------------------------------------------------------------------------------


def put(c: Connection, found: Sequence[Indexed], *, at: datetime) -> None:
    """Has these found, in the place of what was there of the same items."""
    for some in _batches(found):
        _put(c, some, at=at)


def _put(c: Connection, found: Sequence[Indexed], *, at: datetime) -> None:
    changes = _Changes()
    known = {
        (row["container"], row["item_id"]): row
        for container in {one.entry.container for one in found}
        for row in _known(c, container, [o.entry.item_id for o in found if o.entry.container == container])
    }
    before = _words(c, [row["id"] for row in known.values()])
    texts = []
    for one in found:
        old = known.get((one.entry.container, one.entry.item_id))
        values = _values(one.entry, at=at)
        if old is None:
            number = _insert(c, values)
        else:
            number = int(old["id"])
            c.execute(update(search_entry).where(search_entry.c.id == number).values(**values))
            changes.take_out(before.get(number, ()), old["shelf"], number)
        changes.put_in(one.weights, one.entry.shelf, number)
        texts.append({"entry_id": number, "sentences": _packed(one.sentences), "words": _packed(one.weights)})
    rows.put(c, search_text, *texts)
    changes.write(c)


def retag(c: Connection, found: Entry, *, at: datetime) -> bool:
    """The entry as it is now where its text is the one indexed; False where that has to be read first.

    Its title and language are those of the text, and stay.
    """
    (old,) = _known(c, found.container, [found.item_id]) or (None,)
    if old is None or old["mark"] != found.mark or not found.mark:
        return False
    kept = texts(c, [old["id"]]).get(old["id"])
    if kept is None:
        return False
    before = entries(c, [old["id"]])[old["id"]]
    put(c, [Indexed.of(replace(found, title=before.title, language=before.language), kept)], at=at)
    return True


def remove(c: Connection, container: str, item_ids: Collection[str]) -> int:
    """These are not found any more; counts those that were there."""
    ids = [row["id"] for some in _batches(item_ids) for row in _known(c, container, some)]
    _remove(c, ids)
    return len(ids)


def _remove(c: Connection, ids: Sequence[int]) -> None:
    for some in _batches(ids):
        chosen = search_entry.c.id.in_(some)
        changes = _Changes()
        words = _words(c, some)
        for number, shelf in c.execute(select(search_entry.c.id, search_entry.c.shelf).where(chosen)):
            changes.take_out(words.get(number, ()), shelf, number)
        changes.write(c)
        c.execute(delete(search_text).where(search_text.c.entry_id.in_(some)))
        c.execute(delete(search_entry).where(chosen))


def wait(c: Connection, entry: Entry, *, at: datetime) -> None:
    """Has a new or changed document read; what was indexed of it is found meanwhile."""
    (old,) = _known(c, entry.container, [entry.item_id]) or (None,)
    if old is None:
        _insert(c, _values(entry, at=at) | {"state": State.WAITING, "mark": ""})
        return
    again = {"state": State.WAITING, "attempts": 0, "due_at": at, "note": None}
    c.execute(update(search_entry).where(search_entry.c.id == old["id"]).values(**again))


def waiting(c: Connection, container: str, *, due_at: datetime, most: int) -> list[Waiting]:
    """The documents that are to be read now."""
    e = search_entry.c
    due = select(e.item_id, e.mark, e.attempts).where(
        e.container == container, e.state == State.WAITING, e.due_at <= due_at
    )
    return [Waiting(**row) for row in c.execute(due.order_by(e.due_at, e.id).limit(most)).mappings()]


def not_read(c: Connection, container: str, item_id: str, *, why: str, again_at: datetime | None) -> None:
    """Notes that a document could not be read, now or (without `again_at`) at all; it is not found.

    What was indexed of it says nothing true of what it holds now.
    """
    (old,) = _known(c, container, [item_id]) or (None,)
    if old is None:
        return
    values: dict[str, object] = {"note": why[:500]}
    if again_at is None:
        changes = _Changes()
        changes.take_out(_words(c, [old["id"]]).get(old["id"], ()), old["shelf"], old["id"])
        changes.write(c)
        c.execute(delete(search_text).where(search_text.c.entry_id == old["id"]))
        values |= {"state": State.FAILED, "mark": ""}
    else:
        values |= {"due_at": again_at, "attempts": search_entry.c.attempts + 1}
    c.execute(update(search_entry).where(search_entry.c.id == old["id"]).values(**values))


def counts(c: Connection, container: str) -> Mapping[State, int]:
    """How many entries of a source are in each state."""
    e = search_entry.c
    found = c.execute(select(e.state, func.count()).where(e.container == container).group_by(e.state))
    return {State(state): number for state, number in found}


def unread(c: Connection, *, most: int) -> list[tuple[str, str]]:
    """Title and reason of what could not be read."""
    e = search_entry.c
    found = select(e.title, e.note).where(e.state == State.FAILED).order_by(e.title).limit(most)
    return [(title, note or "") for title, note in c.execute(found)]


def _known(c: Connection, container: str, item_ids: Collection[str]) -> Sequence[RowMapping]:
    e = search_entry.c
    chosen = select(e.id, e.container, e.item_id, e.shelf, e.mark).where(
        e.container == container, e.item_id.in_(list(item_ids))
    )
    return c.execute(chosen).mappings().all()


def _values(entry: Entry, *, at: datetime) -> dict[str, object]:
    names = ("container", "item_id", "shelf", "kind", "office", "language", "title", "web_url", "day", "mark")
    return {name: getattr(entry, name) for name in names} | {
        "tags": list(entry.tags),
        "state": State.THERE,
        "attempts": 0,
        "due_at": at,
        "note": None,
    }


def _insert(c: Connection, values: Mapping[str, object]) -> int:
    (number,) = c.execute(search_entry.insert().values(**values).returning(search_entry.c.id)).one()
    return int(number)


def _words(c: Connection, ids: Collection[int]) -> dict[int, list[str]]:
    t = search_text.c
    found = c.execute(select(t.entry_id, t.words).where(t.entry_id.in_(list(ids))))
    return {number: _unpacked(words) for number, words in found}


# Looking up -----------------------------------------------------------------------------------------------


def look_up(
    c: Connection, words: Collection[str], shelves: Collection[str]
) -> dict[str, list[tuple[int, bytes]]]:
    """The rows of the index for these words, of what lies on these shelves only."""
    w = search_word.c
    found: dict[str, list[tuple[int, bytes]]] = {}
    for some in _batches(sorted(words)):
        asked = select(w.word, w.block, w.entries).where(w.word.in_(some), w.shelf.in_(list(shelves)))
        for word, block, entries in c.execute(asked):
            found.setdefault(word, []).append((block, entries))
    return found


def entries(c: Connection, ids: Collection[int]) -> dict[int, Entry]:
    """The entries by number; those that are gone are left out."""
    names = ("container", "item_id", "shelf", "kind", "office", "language", "title", "web_url", "day", "mark")
    e = search_entry.c
    columns = [e[name] for name in ("id", "tags", *names)]
    return {
        row["id"]: Entry(**{name: row[name] for name in names}, tags=tuple(row["tags"]))
        for some in _batches(ids)
        for row in c.execute(select(*columns).where(e.id.in_(some))).mappings()
    }


def offices(c: Connection) -> frozenset[str]:
    """The codes of the offices that entries are of, in small letters."""
    found = c.execute(select(search_entry.c.office).distinct()).scalars()
    return frozenset(code.lower() for code in found if code)


def texts(c: Connection, ids: Collection[int]) -> dict[int, list[str]]:
    """The sentences of entries by number."""
    t = search_text.c
    found = c.execute(select(t.entry_id, t.sentences).where(t.entry_id.in_(list(ids))))
    return {number: _unpacked(sentences) for number, sentences in found}


def tags(c: Connection, shelves: Collection[str], *, most: int) -> list[str]:
    """The term-store ids with which most of what lies on the shelves is tagged, the commonest first."""
    w, beginning = search_word.c, said("tag", "")
    size = func.sum(func.length(w.entries))
    asked = select(w.word).where(w.word.startswith(beginning), w.shelf.in_(list(shelves))).group_by(w.word)
    found = c.execute(asked.order_by(size.desc(), w.word).limit(most)).scalars()
    return [word.removeprefix(beginning) for word in found]


# The rows of words ----------------------------------------------------------------------------------------


class _Changes:
    """What is to change in the rows of words, gathered so that each row is written once."""

    def __init__(self) -> None:
        self._by_row: dict[tuple[str, int], dict[str, dict[int, int | None]]] = {}

    def take_out(self, words: Iterable[str], shelf: str, number: int) -> None:
        """The entry holds these words no longer."""
        self._note(dict.fromkeys(words), shelf, number)

    def put_in(self, weights: Mapping[str, int], shelf: str, number: int) -> None:
        """The entry holds these words."""
        self._note(weights, shelf, number)

    def _note(self, weights: Mapping[str, int | None], shelf: str, number: int) -> None:
        by_word = self._by_row.setdefault((shelf, number // BLOCK), {})
        for word, weight in weights.items():
            by_word.setdefault(word, {})[number % BLOCK] = weight

    def write(self, c: Connection) -> None:
        """Writes the rows."""
        w = search_word.c
        for (shelf, block), by_word in self._by_row.items():
            place = (w.shelf == shelf, w.block == block)
            for some in _batches(sorted(by_word)):
                chosen = (w.word.in_(some), *place)
                there = {row.word: row.entries for row in c.execute(select(w.word, w.entries).where(*chosen))}
                after = {word: _applied(there.get(word), by_word[word]) for word in some}
                gone = [word for word in there if not after[word]]
                if gone:
                    c.execute(delete(search_word).where(w.word.in_(gone), *place))
                new = [
                    {"word": word, "shelf": shelf, "block": block, "entries": packed}
                    for word, packed in after.items()
                    if packed
                ]
                rows.put(c, search_word, *new)


def _applied(packed: bytes | None, changes: Mapping[int, int | None]) -> bytes:
    weights: dict[int, int] = unpack(packed) if packed else {}
    for place, weight in changes.items():
        if weight is None:
            weights.pop(place, None)
        else:
            weights[place] = weight
    return pack(weights) if weights else b""


def _packed(lines: Iterable[str]) -> bytes:
    return zlib.compress("\n".join(lines).encode(), 6)


def _unpacked(packed: bytes) -> list[str]:
    said = zlib.decompress(packed).decode()
    return said.split("\n") if said else []


def _batches(some: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(some)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch
