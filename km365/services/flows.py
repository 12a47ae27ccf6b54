"""Pausing an automation: a row that every process reads before it does anything for that automation."""

from collections.abc import Callable
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from km365.errors import InputRefused
from km365.jobs import Jobs
from km365.store import cursors, events
from km365.store.database import Connection, Database

P = ParamSpec("P")
R = TypeVar("R")


def paused_since(c: Connection, name: str) -> str | None:
    """When a person paused the automation `name`, in UTC; None while it runs."""
    return cursors.get(c, _row(name))


def pause(c: Connection, name: str, *, who: str, now: datetime, dry_run: bool = False) -> None:
    """No process begins anything for it from now on. Raises InputRefused where it is paused already."""
    if since := paused_since(c, name):
        raise InputRefused(f"{name} is paused since {since}; `km365 flow resume {name}` lets it go on.")
    if dry_run:
        return
    cursors.put(c, _row(name), now.isoformat(timespec="minutes"), at=now)
    events.append(c, kind="flow paused", subject=name, who=who, what={}, at=now)


def resume(c: Connection, jobs: Jobs, name: str, *, who: str, now: datetime, dry_run: bool = False) -> None:
    """It goes on within a minute, with what is due then. Raises InputRefused where it is not paused."""
    if paused_since(c, name) is None:
        raise InputRefused(f"{name} is not paused; nothing was changed.")
    if dry_run:
        return
    cursors.forget(c, _row(name))
    if name in {"scan", "outlook", "handover"}:  # one that was asked for meanwhile did nothing
        jobs.enqueue(c, name, key=name, args={"day": "any"})
    events.append(c, kind="flow resumed", subject=name, who=who, what={}, at=now)


def rehearse(
    c: Connection, work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """What `work` would return, with everything it wrote taken back."""
    undo = c.begin_nested()
    try:
        return work(c, *args, **kwargs)
    finally:
        undo.rollback()


async def run(db: Database, work: Callable[[Connection], R], *, dry_run: bool) -> R:
    """Does `work` in a transaction, and takes back what it wrote where it is a `dry_run`."""
    return await (db.run(rehearse, work) if dry_run else db.run(work))


def _row(name: str) -> str:
    return f"paused:{name}"
