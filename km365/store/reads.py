"""The day on which a lesson was first put before somebody: one row a lesson.

Who it was is not kept, not even as a digest: whoever holds the salt could work out who read what. Nor is how
often, which would count somebody's curiosity rather than what became of a lesson.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, delete, func, select

from km365.store import rows
from km365.store.tables import read, still_true


def note(c: Connection, item_ids: Iterable[str], *, on: date) -> None:
    """These lessons are put before somebody; those that were before stay as they are."""
    for item_id in item_ids:
        rows.insert_new(c, read, {"item_id": item_id, "first_on": on})


def first_days(c: Connection) -> dict[str, date]:
    """The first day of each lesson, by id: in an answer, as a whole, or at the head of a reflection."""
    found = {row.item_id: row.first_on for row in c.execute(select(read))}
    shown = select(still_true.c.item_id, func.min(still_true.c.shown_at)).group_by(still_true.c.item_id)
    for item_id, at in c.execute(shown):
        found[item_id] = min(found.get(item_id, at.date()), at.date())
    return found


def forget(c: Connection, item_id: str) -> None:
    """Deletes what is kept of a lesson that its author has taken back."""
    c.execute(delete(read).where(read.c.item_id == item_id))
