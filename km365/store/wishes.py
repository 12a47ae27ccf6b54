"""What authors want done with what they contributed: one row for each contribution and kind of wish."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from km365.core.contributions import OPEN_WISHES, Wish, WishKind, WishState
from km365.store import rows
from km365.store.tables import wish


def put(c: Connection, wanted: Wish) -> None:
    """Keeps the wish in place of an earlier one of its kind."""
    values = {name: getattr(wanted, name) for name in wish.columns.keys()}  # noqa: SIM118 - no mapping
    rows.put(c, wish, values)


def get(c: Connection, item_id: str, kind: WishKind) -> Wish | None:
    """The latest wish of that kind about the contribution, or None."""
    row = c.execute(select(wish).where((wish.c.item_id == item_id) & (wish.c.kind == kind))).first()
    return _wish(row._mapping) if row else None


def list_(
    c: Connection,
    *,
    item_id: str | None = None,
    person_id: str | None = None,
    states: Collection[WishState] = OPEN_WISHES,
) -> list[Wish]:
    """The wishes in these states, the oldest first."""
    query = select(wish).where(wish.c.state.in_(states)).order_by(wish.c.asked_at, wish.c.item_id)
    if item_id is not None:
        query = query.where(wish.c.item_id == item_id)
    if person_id is not None:
        query = query.where(wish.c.person_id == person_id)
    return [_wish(row._mapping) for row in c.execute(query)]


def erase_words(c: Connection, *, settled_before: datetime, asked_before: datetime) -> int:
    """Forgets what was to be changed where that is settled or was asked long ago, and counts it."""
    open_ = wish.c.state.in_(OPEN_WISHES)
    old = (~open_ & (wish.c.changed_at < settled_before)) | (wish.c.asked_at < asked_before)
    return c.execute(update(wish).where(old & (wish.c.words != "")).values(words="")).rowcount


def _wish(row: rows.Row) -> Wish:
    return Wish(
        item_id=row["item_id"],
        kind=WishKind(row["kind"]),
        person_id=row["person_id"],
        interview_id=row["interview_id"],
        office=row["office"],
        language=row["language"],
        state=WishState(row["state"]),
        words=row["words"] or "",
        reason=row["reason"],
        asked_at=row["asked_at"],
        changed_at=row["changed_at"],
    )
