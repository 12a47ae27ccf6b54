"""Which libraries are watched, how far reading has come, and what waits there for us or for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from km365.errors import NotFound
from km365.store import rows
from km365.store.tables import watch, watched_file


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A library that is watched.

    `auto_percent` is the score, in hundredths, from which terms of mode auto are applied at once. `applying`
    is the plan that is being written: after a crash it is gone on with before anything else. `problem` is
    why the last look ended early, `not_told` why Graph does not tell us of changes; None where all is well.
    """

    drive_id: str
    site: str
    library: str
    is_on: bool
    auto_percent: int
    delta_link: str | None
    subscription_id: str | None
    client_state: str | None
    subscribed_until: datetime | None
    look_at: datetime
    looked_at: datetime | None
    applying: str | None
    problem: str | None
    not_told: str | None
    created_at: datetime


class FileState(StrEnum):
    """What is to be done with a file of a watched library."""

    WAITING = "waiting"  # new or changed: to be read when it is due
    QUEUED = "queued"  # terms are proposed and a person decides
    DONE = "done"  # nothing to do until it changes
    FAILED = "failed"  # it cannot be read or written; the note says why


@dataclass(frozen=True, kw_only=True)
class WatchedFile:
    """A file of a watched library. `queued` is a plan of this one document, as text.

    `corrected` stands for what people had said of it when it was read (`Corrections.mark`).
    """

    drive_id: str
    item_id: str
    path: str
    ctag: str
    state: FileState
    attempts: int
    due_at: datetime
    note: str | None
    queued: str | None
    corrected: str | None = None


# Libraries -----------------------------------------------------------------------------------------------


def begin(
    c: Connection,
    *,
    drive_id: str,
    site: str,
    library: str,
    auto_percent: int,
    is_on: bool,
    delta_link: str | None = None,
    at: datetime,
) -> Watch:
    """The watch of this library: a new one from `delta_link` on, or the one there is with these settings.

    One that was off and is on now is due at once.
    """
    known = find(c, drive_id)
    if known is None:
        values = {
            "drive_id": drive_id,
            "site": site,
            "library": library,
            "is_on": is_on,
            "auto_percent": auto_percent,
            "delta_link": delta_link,
            "look_at": at,
            "created_at": at,
        }
        rows.insert_new(c, watch, values)
    else:
        change(c, drive_id, site=site, library=library, auto_percent=auto_percent, is_on=is_on)
        if is_on and not known.is_on:
            change(c, drive_id, look_at=at)
    return get(c, drive_id)


def find(c: Connection, drive_id: str) -> Watch | None:
    """The watch of the library, if it was ever watched."""
    row = c.execute(select(watch).where(watch.c.drive_id == drive_id)).first()
    return Watch(**row._mapping) if row else None


def get(c: Connection, drive_id: str) -> Watch:
    """The watch of the library. Raises NotFound."""
    found = find(c, drive_id)
    if found is None:
        raise NotFound("That library is not watched; `km365 tag watch` begins it.")
    return found


def by_subscription(c: Connection, subscription_id: str) -> Watch | None:
    """The watch that Graph's subscription belongs to, if it is one of ours."""
    row = c.execute(select(watch).where(watch.c.subscription_id == subscription_id)).first()
    return Watch(**row._mapping) if row else None


def list_(c: Connection, *, only_on: bool = False, due_at: datetime | None = None) -> list[Watch]:
    """The watches, by site and library; with `due_at` those that are to be looked at by then."""
    query = select(watch).order_by(watch.c.site, watch.c.library)
    if only_on or due_at is not None:
        query = query.where(watch.c.is_on)
    if due_at is not None:
        query = query.where(watch.c.look_at <= due_at)
    return [Watch(**row._mapping) for row in c.execute(query)]


def change(c: Connection, drive_id: str, /, **values: object) -> None:
    """Gives the watch these values, by the names of `Watch`."""
    c.execute(update(watch).where(watch.c.drive_id == drive_id).values(**values))


def look_soon(c: Connection, drive_id: str, *, at: datetime) -> None:
    """The library is looked at by then, or sooner if it was to be anyway."""
    later = (watch.c.drive_id == drive_id) & (watch.c.look_at > at)
    c.execute(update(watch).where(later).values(look_at=at))


def look_now(c: Connection, *, at: datetime) -> int:
    """Every library that the service watches is due; counts them."""
    return c.execute(update(watch).where(watch.c.is_on).values(look_at=at)).rowcount


# Files ---------------------------------------------------------------------------------------------------


def file(c: Connection, drive_id: str, item_id: str) -> WatchedFile | None:
    """What is known of the file."""
    row = c.execute(select(watched_file).where(_this(drive_id, item_id))).first()
    return _file(row._mapping) if row else None


def files(
    c: Connection,
    drive_id: str | None = None,
    *,
    state: FileState | None = None,
    due_at: datetime | None = None,
    limit: int | None = None,
) -> list[WatchedFile]:
    """Files that match, those due first."""
    query = select(watched_file).order_by(watched_file.c.due_at, watched_file.c.path, watched_file.c.item_id)
    if drive_id is not None:
        query = query.where(watched_file.c.drive_id == drive_id)
    if state is not None:
        query = query.where(watched_file.c.state == state)
    if due_at is not None:
        query = query.where(watched_file.c.due_at <= due_at)
    if limit is not None:
        query = query.limit(limit)
    return [_file(row._mapping) for row in c.execute(query)]


def corrected_otherwise(c: Connection, drive_id: str, marks: Mapping[str, str]) -> list[WatchedFile]:
    """The files that were read with other corrections than these, given by item id; failed ones are left."""
    query = select(watched_file.c.item_id, watched_file.c.corrected).where(
        (watched_file.c.drive_id == drive_id) & (watched_file.c.state != FileState.FAILED)
    )
    ids = [item_id for item_id, before in c.execute(query) if (before or "") != marks.get(item_id, "")]
    found = (file(c, drive_id, item_id) for item_id in sorted(ids))
    return [one for one in found if one is not None]


def put(c: Connection, one: WatchedFile, *, at: datetime) -> None:
    """Keeps the file as given."""
    values = {
        "drive_id": one.drive_id,
        "item_id": one.item_id,
        "path": one.path,
        "ctag": one.ctag,
        "state": one.state,
        "attempts": one.attempts,
        "due_at": one.due_at,
        "note": one.note,
        "queued": one.queued,
        "corrected": one.corrected,
        "changed_at": at,
    }
    rows.put(c, watched_file, values)


def forget_file(c: Connection, drive_id: str, item_id: str) -> None:
    """Nothing is known of the file any more."""
    c.execute(delete(watched_file).where(_this(drive_id, item_id)))


def counts(c: Connection, drive_id: str) -> dict[FileState, int]:
    """How many files of the library are in each state; states without any are left out."""
    mine = watched_file.c.drive_id == drive_id
    query = select(watched_file.c.state, func.count()).where(mine).group_by(watched_file.c.state)
    return {FileState(state): number for state, number in c.execute(query)}


def next_due(c: Connection, drive_id: str) -> datetime | None:
    """When the next file of the library is to be read."""
    waiting = (watched_file.c.drive_id == drive_id) & (watched_file.c.state == FileState.WAITING)
    return c.execute(select(func.min(watched_file.c.due_at)).where(waiting)).scalar()


def _this(drive_id: str, item_id: str) -> ColumnElement[bool]:
    return (watched_file.c.drive_id == drive_id) & (watched_file.c.item_id == item_id)


def _file(row: rows.Row) -> WatchedFile:
    values = {name: value for name, value in row.items() if name != "changed_at"}
    return WatchedFile(**{**values, "state": FileState(row["state"])})
