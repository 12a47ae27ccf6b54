"""In which office each person works, as the directory said when it was last read."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, func, select

from km365.store import rows
from km365.store.rows import Prepared
from km365.store.tables import duty_station

_OFFICE_OF = Prepared(
    select(duty_station.c.office).where(duty_station.c.person_id == bindparam("wanted")), "wanted"
)
"""Made once: every turn of a chat needs it."""


def office_of(c: Connection, person_id: str) -> str:
    """The code of the person's office; empty where none is known."""
    found = _OFFICE_OF.first(c, person_id)
    return found["office"] if found else ""


def offices_of(c: Connection, people: Collection[str]) -> dict[str, str]:
    """The same of each of these people."""
    found = c.execute(select(duty_station).where(duty_station.c.person_id.in_(people)))
    return dict.fromkeys(people, "") | {row.person_id: row.office for row in found}


def count(c: Connection, office: str) -> int:
    """How many people work in the office."""
    here = select(func.count()).select_from(duty_station).where(duty_station.c.office == office)
    return c.execute(here).scalar_one()


def offices(c: Connection) -> frozenset[str]:
    """The offices where somebody works, but for empty ones."""
    found = c.execute(select(duty_station.c.office).distinct()).scalars()
    return frozenset(office.strip() for office in found if office.strip())


def put(c: Connection, offices: Mapping[str, str]) -> None:
    """Keeps where everybody works, by person; whoever is not named any more is forgotten."""
    known = {row.person_id: row.office for row in c.execute(select(duty_station))}
    changed = [
        {"person_id": person_id, "office": office}
        for person_id, office in offices.items()
        if known.get(person_id) != office
    ]
    rows.put(c, duty_station, *changed)
    for person_id in known.keys() - offices.keys():
        c.execute(delete(duty_station).where(duty_station.c.person_id == person_id))
