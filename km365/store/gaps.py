"""What handovers leave open, kept until it is closed and a while longer: rows of the person who leaves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select

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


def last_days(c: Connection, person_id: str, number: int | None = None) -> list[date]:
    """The last days of their handovers, the latest first; of that with the gap `number` alone, if given."""
    g = handover_gap.c
    query = select(g.person_id, g.last_on).where(g.person_id == person_id)
    if number is not None:
        query = query.where(g.number == number)
    return [day for _, day in _handovers(c, query)]


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


def concerning(c: Connection, person_id: str) -> list[tuple[str, date]]:
    """Handovers whose gaps may be this person's to read or to close: who leaves or left, and the last day."""
    g = handover_gap.c
    mine = or_(*(column == person_id for column in (g.person_id, g.supervisor_id, g.successor_id, g.owner)))
    return _handovers(c, select(g.person_id, g.last_on).where(mine))


def open_(c: Connection) -> list[tuple[str, date]]:
    """The handovers of which something is open: who leaves or left, and the last day."""
    g = handover_gap.c
    return _handovers(c, select(g.person_id, g.last_on).where(g.closed_at.is_(None)))


def _handovers(c: Connection, query: Select[str, date]) -> list[tuple[str, date]]:
    """Each once, by person, the latest first: days near each other are of one departure."""
    g = handover_gap.c
    found: list[tuple[str, date]] = []
    for person_id, day in c.execute(query.distinct().order_by(g.person_id, g.last_on.desc())):
        if not found or found[-1][0] != person_id or found[-1][1] - day >= SAME_DEPARTURE:
            found.append((person_id, day))
    return found


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
