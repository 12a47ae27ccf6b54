"""What people chose of km365's messages: a row for whoever chose anything."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from km365.core.preferences import Asked, Preferences
from km365.store import rows
from km365.store.rows import Prepared
from km365.store.tables import preference

_MINUTE = timedelta(minutes=1)
_OF = Prepared(select(preference).where(preference.c.person_id == bindparam("wanted")), "wanted")
"""Made once: every turn of a chat needs it."""


def get(c: Connection, person_id: str) -> Preferences:
    """What the person chose; the default for whoever chose nothing."""
    row = _OF.first(c, person_id)
    if row is None:
        return Preferences()
    return Preferences(
        asked=Asked(row["asked"]),
        language=row["language"],
        zone=row["zone"],
        opens=_time(row["opens_minutes"]),
        closes=_time(row["closes_minutes"]),
        text_only=row["text_only"],
        lessons=row["lessons"],
        calendar=row["calendar"],
    )


def put(c: Connection, person_id: str, wanted: Preferences, *, at: datetime) -> None:
    """Keeps what the person wants from now on."""
    values = {
        "person_id": person_id,
        "asked": wanted.asked,
        "language": wanted.language,
        "zone": wanted.zone,
        "opens_minutes": _minutes(wanted.opens),
        "closes_minutes": _minutes(wanted.closes),
        "text_only": wanted.text_only,
        "lessons": wanted.lessons,
        "calendar": wanted.calendar,
        "changed_at": at,
    }
    rows.put(c, preference, values)


def put_language(c: Connection, person_id: str, language: str, *, at: datetime) -> None:
    """Keeps the language the person wants to be spoken to in; the rest stays."""
    put(c, person_id, replace(get(c, person_id), language=language), at=at)


def put_text_only(c: Connection, person_id: str, only: bool, *, at: datetime) -> None:
    """Keeps whether the person wants no cards; the rest stays."""
    put(c, person_id, replace(get(c, person_id), text_only=only), at=at)


def put_calendar(c: Connection, person_id: str, wanted: bool, *, at: datetime) -> None:
    """Keeps whether sittings may stand in the person's calendar; the rest stays."""
    put(c, person_id, replace(get(c, person_id), calendar=wanted), at=at)


def with_calendar(c: Connection) -> frozenset[str]:
    """The ids of those whose sittings may stand in their calendars."""
    return frozenset(c.execute(select(preference.c.person_id).where(preference.c.calendar)).scalars())


def _time(minutes: int | None) -> timedelta | None:
    return None if minutes is None else minutes * _MINUTE


def _minutes(time: timedelta | None) -> int | None:
    return None if time is None else time // _MINUTE
