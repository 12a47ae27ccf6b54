"""The moves in the lives of knowledge items: who, when, why. Where an item stands, the list says."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from km365.core.knowledge import Maturity
from km365.core.moves import Made, Move
from km365.store.tables import move


def begin(c: Connection, rows: Iterable[Made]) -> None:
    """Adds the moves of one item behind those that are there."""
    for made in rows:
        count = select(func.coalesce(func.max(move.c.number), 0)).where(move.c.item_id == made.item_id)
        number = c.execute(count).scalar_one() + 1
        values = {name: getattr(made, name) for name in Made.__dataclass_fields__}
        c.execute(move.insert().values(number=number, **values))


def finish(c: Connection, made: Made) -> None:
    """The move, and what was begun with it, is done."""
    c.execute(update(move).where(*_begun_with(made)).values(done=True))


def drop(c: Connection, made: Made) -> None:
    """The move, and what was begun with it, was certainly not made."""
    c.execute(delete(move).where(*_begun_with(made)))


def _begun_with(made: Made) -> tuple[ColumnElement[bool], ...]:
    return (
        move.c.item_id == made.item_id,
        move.c.who == made.who,
        move.c.at == made.at,
        move.c.done.is_(False),
    )


def list_(c: Connection, item_id: str) -> list[Made]:
    """The moves of this item, the oldest first."""
    query = select(move).where(move.c.item_id == item_id).order_by(move.c.number)
    return [_made(row) for row in c.execute(query)]


def by_item(c: Connection) -> dict[str, list[Made]]:
    """The moves of every item, by its id, the oldest first."""
    found: dict[str, list[Made]] = {}
    for row in c.execute(select(move).order_by(move.c.item_id, move.c.number)):
        found.setdefault(row.item_id, []).append(_made(row))
    return found


def first_at(c: Connection, wanted: Collection[Move]) -> dict[str, dict[Move, datetime]]:
    """When each of these moves of each item was made first; a validation once it was the last one needed."""
    enough = (move.c.move != Move.VALIDATE) | (move.c.after == Maturity.VALIDATED)
    columns = (move.c.item_id, move.c.move, func.min(move.c.at))
    query = (
        select(*columns)
        .where(move.c.done, enough, move.c.move.in_(wanted))
        .group_by(move.c.item_id, move.c.move)
    )
    found: dict[str, dict[Move, datetime]] = {}
    known = {one.value: one for one in wanted}
    for item_id, name, at in c.execute(query):
        found.setdefault(item_id, {})[known[name]] = at
    return found


def _made(row: Row[Any]) -> Made:
    return Made(
        item_id=row.item_id,
        move=Move(row.move),
        before=row.before,
        after=row.after,
        who=row.who,
        at=row.at,
        words=row.words,
        detail=row.detail,
        done=row.done,
    )


def forget(c: Connection, item_id: str) -> int:
    """Deletes what is recorded of an item that its author has taken back, and counts it."""
    return c.execute(delete(move).where(move.c.item_id == item_id)).rowcount
