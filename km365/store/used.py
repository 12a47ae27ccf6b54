"""What people said of lessons they found: a row for each person and lesson; their latest word counts."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from km365.core.used import Tally, Use, tally
from km365.store import rows
from km365.store.tables import use


def say(c: Connection, item_id: str, said: Use, *, person_id: str, words: str, at: datetime) -> bool:
    """Keeps what somebody says of a lesson, over what they said before; False where that is the same.

    Who says again that it did not fit, without a reason, keeps the one they gave.
    """
    old = c.execute(select(use.c.said, use.c.words).where(*_one(item_id, person_id))).first()
    if old is not None and old.said == said and (not words or old.words == words):
        return False
    values = {"item_id": item_id, "person_id": person_id, "said": said, "words": words or None}
    rows.put(c, use, values | {"said_at": at})
    return True


def of_person(c: Connection, person_id: str, item_ids: Collection[str]) -> dict[str, Use]:
    """What this person said of these lessons, by id."""
    mine = (use.c.person_id == person_id, use.c.item_id.in_(list(item_ids)))
    return {item_id: Use(said) for item_id, said in c.execute(select(use.c.item_id, use.c.said).where(*mine))}


def tally_of(c: Connection, item_id: str) -> Tally:
    """What all said of a lesson, the oldest reason first."""
    query = select(use.c.said, use.c.words).where(use.c.item_id == item_id)
    found = c.execute(query.order_by(use.c.said_at, use.c.person_id))
    return tally((Use(said), words or "") for said, words in found)


def first_days(c: Connection) -> dict[str, date]:
    """The day on which somebody first said of a lesson that it was of use, by its id."""
    query = select(use.c.item_id, func.min(use.c.said_at)).where(use.c.said == Use.USED)
    return {item_id: at.date() for item_id, at in c.execute(query.group_by(use.c.item_id))}


def used_since(c: Connection, item_id: str, since: datetime) -> int:
    """To how many a lesson was of use who said so after that moment."""
    lately = (use.c.item_id == item_id, use.c.said == Use.USED, use.c.said_at > since)
    return c.scalar(select(func.count()).where(*lately)) or 0


def forget(c: Connection, *, before: datetime) -> int:
    """Deletes the reasons given before that moment; that it did not fit stays. Their number."""
    old = (use.c.said_at < before) & use.c.words.is_not(None)
    return c.execute(update(use).where(old).values(words=None)).rowcount


def forget_item(c: Connection, item_id: str) -> None:
    """Deletes what was said of a lesson that its author has taken back."""
    c.execute(delete(use).where(use.c.item_id == item_id))


def _one(item_id: str, person_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return use.c.item_id == item_id, use.c.person_id == person_id
