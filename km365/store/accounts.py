"""Accounts of the directory that are switched off or deleted, and since when we know."""

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, delete, select

from km365.store import rows
from km365.store.tables import account


def off(c: Connection) -> dict[str, date | None]:
    """Who cannot sign in, by object id, and since which day; None for what was so before we looked."""
    return {row.person_id: row.off_since for row in c.execute(select(account))}


def noticed(c: Connection, *, after: date) -> dict[str, date]:
    """Who was switched off or deleted after that day, by object id, with the day it was noticed."""
    found = c.execute(select(account).where(account.c.off_since > after))
    return {row.person_id: row.off_since for row in found}


def put(c: Connection, found: Mapping[str, date | None]) -> None:
    """Remembers these as switched off since those days."""
    rows.put(c, account, *({"person_id": one, "off_since": since} for one, since in found.items()))


def forget(c: Connection, people: Iterable[str]) -> None:
    """These work again, or are gone for good."""
    for one in people:
        c.execute(delete(account).where(account.c.person_id == one))
