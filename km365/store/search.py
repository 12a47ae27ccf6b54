"""The search index: what can be found and where it lies, its words, and how far reading has come.

A word has one row for each shelf (who may find) and block of entries, so that what a reader may not find is
not even read. Everything here is made anew from SharePoint; losing it loses nothing.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, select, update

from km365.core.search_access import Readers
from km365.core.search_entries import Entry, Indexed
from km365.core.search_words import BLOCK, pack, said, unpack
from km365.store import rows
from km365.store.tables import loop_item, search_entry, search_source, search_text, search_word

T = TypeVar("T")
_AT_ONCE = 500
"""Values in one statement; databases allow a few thousand."""


class State(StrEnum):
    """Where the reading of an entry is."""

    WAITING = "waiting"  # to be read when it is due; found as it was, if it was read before and not withdrawn
    READING = "reading"  # a look has begun to read it
    THERE = "there"  # read again when it is due
    FAILED = "failed"  # cannot be read; the note says why
    LEFT_OUT = "left out"  # not for everyone; the note is one of `Readers`; asked again when it is due


_ASKED = (State.WAITING, State.READING, State.THERE, State.LEFT_OUT)
"""Read when they are due; what is being read was, by a look that was cut off."""
_NOW, _NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


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
    """An item or document to be read."""

    item_id: str
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
    c.execute(delete(loop_item).where(loop_item.c.container == container))


def clear(c: Connection) -> None:
    """Nothing is found any more, and everything is read anew."""
    for table in (search_word, search_text, search_entry, loop_item, search_source):
        c.execute(delete(table))


# Entries --------------------------------------------------------------------------------------------------


def put(
    c: Connection, found: Sequence[Indexed], *, again_at: datetime = _NEVER, claimed: bool = False
) -> None:
    """Has these found, in the place of what was there of the same items; read again at `again_at`.

    What was withdrawn is found again only where it was read afterwards: what `claim` gave (`claimed`), and
    only if nobody withdrew or removed it meanwhile.
    """
    for some in _batches(found):
        _put(c, some, again_at=again_at, claimed=claimed)


def _put(c: Connection, found: Sequence[Indexed], *, again_at: datetime, claimed: bool) -> None:
    changes = _Changes()
    known = {
        (row["container"], row["item_id"]): row
        for container in {one.entry.container for one in found}
        for row in _known(c, container, [o.entry.item_id for o in found if o.entry.container == container])
    }
    found = [
        one for one in found if _may_put(known.get((one.entry.container, one.entry.item_id)), claimed=claimed)
    ]
    before = _words(c, [row["id"] for row in known.values()])
    texts = []
    for one in found:
        old = known.get((one.entry.container, one.entry.item_id))
        values = _values(one.entry, due_at=again_at)
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


def _may_put(old: RowMapping | None, *, claimed: bool) -> bool:
    if claimed:
        return old is not None and old["state"] == State.READING
    return old is None or old["state"] not in {State.WAITING, State.READING}


def retag(c: Connection, found: Entry, *, again_at: datetime) -> bool:
    """The claimed entry as it is now where its text is the one indexed; False where that is to be read first.

    Its title and language are those of the text, and stay.
    """
    (old,) = _known(c, found.container, [found.item_id]) or (None,)
    if old is None or old["mark"] != found.mark or not found.mark:
        return False
    kept = texts(c, [old["id"]]).get(old["id"])
    if kept is None:
        return False
    before = entries(c, [old["id"]])[old["id"]]
    new = Indexed.of(replace(found, title=before.title, language=before.language), kept)
    put(c, [new], again_at=again_at, claimed=True)
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
        _insert(c, _values(entry, due_at=at) | {"state": State.WAITING, "mark": ""})
        return
    again = {"state": State.WAITING, "attempts": 0, "due_at": at, "note": None}
    c.execute(update(search_entry).where(search_entry.c.id == old["id"]).values(**again))


def withdraw(c: Connection, container: str, item_ids: Collection[str]) -> None:
    """These are not found any more, and are read again by the next look: somebody saw that they changed."""
    for some in _batches(item_ids):
        for old in _known(c, container, some):
            _silence(c, old, state=State.WAITING, due_at=_NOW, attempts=0, note=None)


def leave_out(c: Connection, container: str, item_id: str, *, why: Readers, again_at: datetime) -> None:
    """The document is not for everyone: not found, nothing of it kept, and asked again later."""
    for old in _known(c, container, [item_id]):
        nothing = {"title": "", "web_url": "", "tags": [], "attempts": 0}
        _silence(c, old, state=State.LEFT_OUT, due_at=again_at, note=why, **nothing)


def _silence(c: Connection, old: RowMapping, **values: object) -> None:
    """Takes the entry's words and text out, and gives it these values."""
    changes = _Changes()
    changes.take_out(_words(c, [old["id"]]).get(old["id"], ()), old["shelf"], old["id"])
    changes.write(c)
    c.execute(delete(search_text).where(search_text.c.entry_id == old["id"]))
    c.execute(update(search_entry).where(search_entry.c.id == old["id"]).values(mark="", **values))


def claim(c: Connection, container: str, *, due_at: datetime, most: int) -> list[Waiting]:
    """What is to be read now, marked as being read; until it is put, what was indexed of it is found."""
    e = search_entry.c
    due = select(e.item_id, e.attempts).where(*_due(container, due_at)).order_by(e.due_at, e.id).limit(most)
    found = [Waiting(**row) for row in c.execute(due).mappings()]
    for some in _batches(found):
        chosen = (e.container == container, e.item_id.in_([one.item_id for one in some]))
        c.execute(update(search_entry).where(*chosen).values(state=State.READING))
    return found


def due(c: Connection, container: str, *, due_at: datetime) -> int:
    """How much is to be read now."""
    counted = select(func.count()).select_from(search_entry).where(*_due(container, due_at))
    return int(c.execute(counted).scalar_one())


def _due(container: str, due_at: datetime) -> tuple[ColumnElement[bool], ...]:
    e = search_entry.c
    return e.container == container, e.state.in_(_ASKED), e.due_at <= due_at


def is_first_reading(c: Connection) -> bool:
    """Whether a list or library, or a document of one, has still to be read for the first time."""
    unseen = select(search_source.c.container).where(
        search_source.c.looked_at.is_(None), search_source.c.problem.is_(None)
    )
    e = search_entry.c
    unread = select(e.id).where(e.state.in_(_ASKED), e.mark == "", e.attempts == 0)
    return any(c.execute(one.limit(1)).first() is not None for one in (unseen, unread))


def not_read(c: Connection, container: str, item_id: str, *, why: str, again_at: datetime | None) -> None:
    """Notes that a document could not be read, now or (without `again_at`) at all; it is not found.

    What was indexed of it says nothing true of what it holds now.
    """
    for old in _known(c, container, [item_id]):
        if again_at is None:
            _silence(c, old, state=State.FAILED, note=why[:500])
        else:
            later = {"state": State.WAITING, "due_at": again_at, "attempts": search_entry.c.attempts + 1}
            c.execute(
                update(search_entry).where(search_entry.c.id == old["id"]).values(note=why[:500], **later)
            )


def left_out(c: Connection) -> list[tuple[str, Readers, int]]:
    """By library: its name, why, and how many documents are left out."""
    e, o = search_entry.c, search_source.c
    found = (
        select(o.name, e.note, func.count())
        .select_from(search_entry.join(search_source, e.container == o.container))
        .where(e.state == State.LEFT_OUT)
        .group_by(o.name, e.note)
        .order_by(o.name, e.note)
    )
    return [(name, Readers(why), number) for name, why, number in c.execute(found)]


def unread(c: Connection, *, most: int) -> list[tuple[str, str]]:
    """Title and reason of what could not be read."""
    e = search_entry.c
    found = select(e.title, e.note).where(e.state == State.FAILED).order_by(e.title).limit(most)
    return [(title, note or "") for title, note in c.execute(found)]


def _known(c: Connection, container: str, item_ids: Collection[str]) -> Sequence[RowMapping]:
    e = search_entry.c
    chosen = select(e.id, e.container, e.item_id, e.shelf, e.mark, e.state).where(
        e.container == container, e.item_id.in_(list(item_ids))
    )
    return c.execute(chosen).mappings().all()


def _values(entry: Entry, *, due_at: datetime) -> dict[str, object]:
    names = ("container", "item_id", "shelf", "kind", "office", "language", "title", "web_url", "day", "mark")
    return {name: getattr(entry, name) for name in names} | {
        "tags": list(entry.tags),
        "state": State.THERE,
        "attempts": 0,
        "due_at": due_at,
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


def numbers(c: Connection, container: str, item_ids: Collection[str]) -> list[int]:
    """The numbers of the entries of these items, whoever may find them."""
    e = search_entry.c
    wanted = e.container == container, e.item_id.in_(list(item_ids))
    return list(c.execute(select(e.id).where(*wanted)).scalars())


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
