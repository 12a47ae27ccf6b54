"""In which office each person works, as the directory said when it was last read."""

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from km365.store import rows
from km365.store.tables import duty_station


def office_of(c: Connection, person_id: str) -> str:
    """The code of the person's office; empty where none is known."""
    query = select(duty_station.c.office).where(duty_station.c.person_id == person_id)
    return c.execute(query).scalar() or ""


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
