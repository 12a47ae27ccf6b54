"""Which contents have been planned, with which terms: the same content needs no second look.

`terms` stands for everything the answer depends on besides the content: the vocabulary and what was asked.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select, update

from km365.store import rows
from km365.store.runs import ChangeState
from km365.store.tables import change, planned


def known(c: Connection, keys: Sequence[tuple[str, str, str]], *, terms: str) -> set[tuple[str, str]]:
    """Of documents given as drive id, item id and content tag, those planned with just that content."""
    found = set()
    for drive_id in {drive for drive, _, _ in keys}:
        ctags = {item: ctag for drive, item, ctag in keys if drive == drive_id}
        query = select(planned.c.item_id, planned.c.ctag).where(
            (planned.c.drive_id == drive_id)
            & planned.c.item_id.in_(ctags)
            & (planned.c.terms == terms)
            & planned.c.plan.is_(None)
        )
        found |= {(drive_id, item) for item, ctag in c.execute(query) if ctag and ctags[item] == ctag}
    return found


def note(c: Connection, keys: Iterable[tuple[str, str, str]], *, terms: str, plan: str) -> None:
    """Remembers contents that a plan being made has looked at; they count once it is settled."""
    values = [
        {"drive_id": drive, "item_id": item, "ctag": ctag, "terms": terms, "plan": plan}
        for drive, item, ctag in keys
    ]
    rows.put(c, planned, *values)


def settle(c: Connection, plan: str) -> None:
    """The plan was written: what it has looked at is known from now on."""
    c.execute(update(planned).where(planned.c.plan == plan).values(plan=None))


def drop(c: Connection, plan: str) -> None:
    """The plan was not written."""
    c.execute(delete(planned).where(planned.c.plan == plan))


def put_there_by_us(c: Connection, drive_id: str, item_id: str) -> set[str]:
    """The ids of the terms that runs of ours have added to the document, whatever became of them since."""
    query = select(change.c.old, change.c.new).where(
        (change.c.drive_id == drive_id) & (change.c.item_id == item_id) & (change.c.state == ChangeState.DONE)
    )
    found: set[str] = set()
    for old, new in c.execute(query):
        for column, tags in new.items():
            before = {one[0] for one in old.get(column) or ()}
            found |= {one[0] for one in tags if one[0] not in before}
    return found
