"""What the knowledge items of the search index mean, as vectors: made of what it holds, a while after it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, select

from km365.core.search_entries import DOCUMENT
from km365.store import rows
from km365.store.search import State
from km365.store.tables import search_entry, search_meaning


@dataclass(frozen=True, kw_only=True)
class Unread:
    """An entry whose vector is missing, or is that of another text or shelf."""

    entry_id: int
    title: str
    shelf: str
    mark: str


def unread(c: Connection, *, most: int) -> list[Unread]:
    """Knowledge items without the vector of what they say now, the oldest first."""
    e, m = search_entry.c, search_meaning.c
    same = and_(m.entry_id == e.id, m.mark == e.mark, m.shelf == e.shelf)
    asked = (
        select(e.id.label("entry_id"), e.title, e.shelf, e.mark)
        .select_from(search_entry.outerjoin(search_meaning, same))
        .where(e.state == State.THERE, e.kind != DOCUMENT, m.entry_id.is_(None))
        .order_by(e.id)
        .limit(most)
    )
    return [Unread(**row) for row in c.execute(asked).mappings()]


def put(c: Connection, vectors: Mapping[Unread, bytes]) -> None:
    """Keeps these vectors, in the place of those that were there; not of entries that are gone."""
    there = select(search_entry.c.id).where(search_entry.c.id.in_([one.entry_id for one in vectors]))
    known = set(c.execute(there).scalars())
    values = [
        {"entry_id": one.entry_id, "shelf": one.shelf, "mark": one.mark, "vector": vector}
        for one, vector in vectors.items()
        if one.entry_id in known
    ]
    rows.put(c, search_meaning, *values)


def forget(c: Connection) -> int:
    """Deletes the vectors of what is not found any more, or was moved to another shelf; counts them."""
    e, m = search_entry.c, search_meaning.c
    found = select(e.id).where(e.id == m.entry_id, e.state == State.THERE, e.shelf == m.shelf)
    return c.execute(delete(search_meaning).where(~found.exists())).rowcount


@dataclass(frozen=True, kw_only=True)
class Vector:
    """The vector of an entry, and the shelf it lies on."""

    entry_id: int
    shelf: str
    vector: bytes


def after(c: Connection, entry_id: int, *, most: int = 5_000) -> list[Vector]:
    """The vectors of entries with a higher number, in their order."""
    m = search_meaning.c
    found = select(m.entry_id, m.shelf, m.vector).where(m.entry_id > entry_id).order_by(m.entry_id)
    return [Vector(**row) for row in c.execute(found.limit(most)).mappings()]
