"""Who leaves, from every source that says so: the *Departures* list, Entra ID, and accounts switched off."""

import hashlib
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import date, datetime

from km365.core.departures import (
    CANCELLED,
    GONE_WITHIN,
    HORIZON,
    SAME_DEPARTURE,
    Claim,
    Leaver,
    Source,
    listed_claims,
    one_departure_each,
)
from km365.core.schema import DEPARTURES
from km365.errors import Forbidden
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.people import Person
from km365.services.calendar import Directory, day_of, items, text
from km365.settings import Settings
from km365.store import accounts, cursors
from km365.store.database import Database

LEAVE_DATES = "directory:leave-dates"
"""The bookmark of the leave dates that a scan was last asked for."""
_SETTLED = {CANCELLED, "note filed", "declined"}


@dataclass(frozen=True, kw_only=True)
class Departures:
    """Who leaves, and in words what could not be used or read.

    `complete` is False where a source did not answer, so that who is missing may leave all the same.
    """

    leavers: tuple[Leaver, ...]
    problems: tuple[str, ...] = ()
    complete: bool = True


async def known(
    graph: Graph, db: Database, settings: Settings, names: Directory, *, now: datetime, today: date
) -> Departures:
    """Everyone who leaves, once, by the rule of docs/departures.md.

    Needs Sites.Selected on the knowledge site, User.Read.All and User-LifeCycleInfo.Read.All; without the
    last, what the others say, and a problem that says so.
    """
    noticed = await db.run(accounts.noticed, after=today - GONE_WITHIN - SAME_DEPARTURE)
    listed = await in_list(graph, settings, names, today=today, gone=noticed)
    dated = await in_directory(graph, now=now)
    off = {person_id: since for person_id, since in noticed.items() if names.find(person_id) is None}
    found = one_departure_each(listed.leavers, dated.leavers, accounts=off, today=today)
    return Departures(
        leavers=tuple(_with_account(one, names) for one in found),
        problems=(*listed.problems, *dated.problems),
        complete=dated.complete,
    )


def _with_account(leaver: Leaver, names: Directory) -> Leaver:
    """The leaver with what the directory says of their account, and of a post that nobody else names."""
    person = names.find_anyone(leaver.person_id)
    if person is None:
        return replace(leaver, active=False)
    return replace(
        leaver,
        active=person.account_enabled,
        post=leaver.post or person.job_title,
        office=leaver.office or person.office,
    )


async def in_list(
    graph: Graph, settings: Settings, names: Directory, *, today: date, gone: Container[str] = ()
) -> Departures:
    """The *Departures* list, with every sign-in name turned into a person's id.

    `gone` are ids of people whom the directory need not know any more.
    """
    leavers: list[Leaver] = []
    problems: list[str] = []
    async for item in items(graph, settings, DEPARTURES.title):
        found = _leaver(item, names, today, gone)
        if isinstance(found, Leaver):
            leavers.append(found)
        elif found:
            problems.append(found)
    return Departures(leavers=tuple(leavers), problems=tuple(problems))


def _leaver(item: Item, names: Directory, today: date, gone: Container[str]) -> Leaver | str:
    """The leaver, or in words why the entry cannot be used, empty where that does not matter any more.

    No name is said: warnings are logged.
    """
    title, state = text(item, "Title"), text(item, "KMState") or "planned"
    leaves_on = day_of(item.fields.get("KMLastDay"))
    says = listed_claims(leaves_on, state=state, file_says=text(item, "KMFileSays"))
    over = state in _SETTLED or (leaves_on is not None and leaves_on < today)
    named = text(item, "KMPerson").casefold()
    person = names.find_anyone(named) or (
        Person(id=named, name="", account_enabled=False) if named in gone else None
    )
    if person is None:
        problem = f"The departure {title!r} names nobody in the directory; correct its Person in the list."
        return "" if over else problem
    leaves_on = leaves_on or (says[-1].leaves_on if says else None)
    if leaves_on is None and state != CANCELLED:
        problem = (
            f"The departure {title!r} has no last day, so nobody is asked; set it in the Departures list."
        )
        return "" if over else problem
    successor, supervisor = (
        other if other != person else None  # nobody receives, or approves, their own note
        for other in (names.find(text(item, field)) for field in ("KMSuccessor", "KMSupervisor"))
    )
    return Leaver(
        person_id=person.id,
        leaves_on=leaves_on or today,
        departure_id=item.id,
        post=text(item, "KMPost") or title,
        office=text(item, "KMOffice") or person.office,
        kind=text(item, "KMKind"),
        successor_id=successor.id if successor else "",
        supervisor_id=supervisor.id if supervisor else person.manager_id or "",
        state=state,
        active=person.account_enabled,
        says=says,
    )


async def dates_changed(graph: Graph, db: Database, *, now: datetime) -> str | None:
    """A new fingerprint of the leave dates in Entra ID, to be put at `LEAVE_DATES`; None where none changed.

    The delta of users is not said to tell of leave dates, so those of the next half year are read; a thousand
    people are one call. Needs User-LifeCycleInfo.Read.All, and raises Forbidden without it.
    """
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    near = people.list_leavers(graph, before=day + HORIZON, after=day - GONE_WITHIN)
    dates = sorted([f"{one.id} {one.leaves_at}" async for one in near])
    found = hashlib.sha256("\n".join(dates).encode()).hexdigest()
    return found if found != await db.run(cursors.get, LEAVE_DATES) else None


async def in_directory(graph: Graph, *, now: datetime) -> Departures:
    """Who has a leave date in Entra ID. Needs User-LifeCycleInfo.Read.All; without it, nobody and why.

    Days lately passed are among them: an account closed afterwards belongs to a departure that was known.
    """
    after = now - GONE_WITHIN - SAME_DEPARTURE
    try:
        found = [
            Leaver(
                person_id=person.id,
                leaves_on=person.leaves_at.date(),
                post=person.job_title,
                office=person.office,
                active=person.account_enabled,
                says=(Claim(source=Source.LEAVE_DATE, leaves_on=person.leaves_at.date()),),
            )
            async for person in people.list_leavers(graph, after=after)
            if person.leaves_at is not None
        ]
    except Forbidden as error:
        problem = f"Leave dates in Entra ID were not read: {error}"
        return Departures(leavers=(), problems=(problem,), complete=False)
    return Departures(leavers=tuple(found))
