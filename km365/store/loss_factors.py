"""What people said of how much goes with a leaver, and of questions that need not be asked: who, when, why.

Rows are only added; of one name the newest counts. They belong to the person and not to a day, so they
stay whatever becomes of the last day.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from km365.store.tables import loss_factor


@dataclass(frozen=True, kw_only=True)
class Said:
    """That `who` gave `name`, a factor or a question, this value; None takes back what was said before."""

    name: str
    value: int | None
    because: str
    who: str
    at: datetime


def append(c: Connection, person_id: str, said: Said) -> None:
    """Adds it behind what was said of this leaver before."""
    count = select(func.coalesce(func.max(loss_factor.c.number), 0)).where(
        loss_factor.c.person_id == person_id
    )
    values = {name: getattr(said, name) for name in Said.__dataclass_fields__}
    c.execute(
        loss_factor.insert().values(person_id=person_id, number=c.execute(count).scalar_one() + 1, **values)
    )


def list_(c: Connection, person_id: str) -> list[Said]:
    """All that was said of this leaver, the oldest first."""
    query = select(loss_factor).where(loss_factor.c.person_id == person_id).order_by(loss_factor.c.number)
    return [
        Said(name=row.name, value=row.value, because=row.because, who=row.who, at=row.at)
        for row in c.execute(query)
    ]


def forget(c: Connection, *, before: datetime) -> int:
    """Deletes all of leavers of whom nothing was said since, and counts it."""
    old = select(loss_factor.c.person_id).group_by(loss_factor.c.person_id)
    silent = old.having(func.max(loss_factor.c.at) < before)
    return c.execute(delete(loss_factor).where(loss_factor.c.person_id.in_(silent))).rowcount
