"""The moves in the lives of knowledge items: who, when, why. Where an item stands, the list says."""

from sqlalchemy import Connection, delete, func, select

from km365.core.life import Made, Move
from km365.store.tables import move


def append(c: Connection, made: Made) -> None:
    """Adds the move behind those that are there."""
    count = select(func.coalesce(func.max(move.c.number), 0)).where(move.c.item_id == made.item_id)
    number = c.execute(count).scalar_one() + 1
    values = {name: getattr(made, name) for name in Made.__dataclass_fields__}
    c.execute(move.insert().values(number=number, **values))


def list_(c: Connection, item_id: str) -> list[Made]:
    """The moves of this item, the oldest first."""
    query = select(move).where(move.c.item_id == item_id).order_by(move.c.number)
    return [
        Made(
            item_id=row.item_id,
            move=Move(row.move),
            before=row.before,
            after=row.after,
            who=row.who,
            at=row.at,
            words=row.words,
            detail=row.detail,
        )
        for row in c.execute(query)
    ]


def forget(c: Connection, item_id: str) -> int:
    """Deletes what is recorded of an item that its author has taken back, and counts it."""
    return c.execute(delete(move).where(move.c.item_id == item_id)).rowcount
