"""What handovers leave open, kept until it is closed and a while longer: rows of the person who leaves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select

from km365.core.departures import SAME_DEPARTURE
from km365.core.gaps import Gap, Kind, Method
from km365.store import rows
from km365.store.tables import handover_gap

_KEPT = timedelta(days=365)
_KEPT_CLOSED = timedelta(days=90)
_OF_GAP = tuple(Gap.__dataclass_fields__)


@dataclass(frozen=True, kw_only=True)
class Handover:
    """Whose gaps they are, of which post and last day, and who was around it when that was looked at last.

    People are Entra object ids, "" for nobody.
    """

    person_id: str
    last_on: date
    post: str
    office: str
    supervisor_id: str
    successor_id: str


def of_person(
    c: Connection, person_id: str, last_on: date | None = None
) -> tuple[Handover, list[Gap]] | None:
    """Their handover around that day, else their latest, with its gaps by number; None: there is none."""
    g = handover_gap.c
    query = select(handover_gap).where(g.person_id == person_id).order_by(g.number)
    found = list(c.execute(query).mappings())
    wanted = last_on or max((row["last_on"] for row in found), default=None)
    near = [row for row in found if wanted and abs(row["last_on"] - wanted) < SAME_DEPARTURE]
    return (_handover(near[-1]), [_gap(row) for row in near]) if near else None


def next_number(c: Connection, person_id: str) -> int:
    """The number of their next gap."""
    numbers = select(func.max(handover_gap.c.number)).where(handover_gap.c.person_id == person_id)
    return int(c.execute(numbers).scalar() or 0) + 1


def save(c: Connection, handover: Handover, gaps: Iterable[Gap]) -> None:
    """Keeps the gaps as they are now, and whose they are."""
    head = {name: getattr(handover, name) for name in Handover.__dataclass_fields__}
    values = [head | {name: getattr(gap, name) for name in _OF_GAP} for gap in gaps]
    if values:
        rows.put(c, handover_gap, *values)


def concerning(c: Connection, person_id: str) -> list[str]:
    """Whose gaps may be this person's to read or to close: ids of people who leave or left."""
    g = handover_gap.c
    mine = or_(*(column == person_id for column in (g.person_id, g.supervisor_id, g.successor_id, g.owner)))
    return list(c.execute(select(g.person_id).where(mine).distinct().order_by(g.person_id)).scalars())


def open_(c: Connection) -> list[str]:
    """The people who leave or left of whom something is open."""
    g = handover_gap.c
    query = select(g.person_id).where(g.closed_at.is_(None)).distinct()
    return list(c.execute(query.order_by(g.person_id)).scalars())


def learnt_by(c: Connection, person_id: str, about: Iterable[str]) -> str:
    """Who learnt by shadowing what only this person could do: the owner of such a gap, once it is closed."""
    g = handover_gap.c
    closed = (g.closed_at.is_not(None), g.method == Method.SHADOWING, g.closed_by != "km365", g.owner != "")
    query = select(g.owner).where(g.person_id == person_id, g.about.in_(list(about)), *closed)
    return str(c.execute(query.order_by(g.closed_at.desc()).limit(1)).scalar() or "")


def forget(c: Connection, *, today: date, at: datetime) -> int:
    """Deletes gaps twelve months after the last day, and those of people of whom all are long closed."""
    g = handover_gap.c
    over = g.last_on < today - _KEPT
    recent: ColumnElement[bool] = g.closed_at.is_(None) | (g.closed_at >= at - _KEPT_CLOSED)
    busy = select(g.person_id).where(recent)
    return c.execute(delete(handover_gap).where(over | g.person_id.not_in(busy))).rowcount


def _handover(row: rows.Row) -> Handover:
    return Handover(**{name: row[name] for name in Handover.__dataclass_fields__})


def _gap(row: rows.Row) -> Gap:
    values = {name: row[name] for name in _OF_GAP}
    return Gap(**values | {"kind": Kind(row["kind"]), "method": Method(row["method"])})
