"""Looks at everything km365 stands on and says in words what works, what does not, and what to do."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from km365.core.search_access import Readers
from km365.core.taxonomy import Taxonomy
from km365.errors import Forbidden, GraphNotFound, KM365Error
from km365.graph import events, people, presence, sites
from km365.graph.certificates import trusted
from km365.graph.client import Graph
from km365.jobs import Jobs
from km365.services import calendar, doctor_access, messages, provision, restricted, tag_listen
from km365.services.search_readers import WHY_LEFT_OUT
from km365.settings import Settings
from km365.store import conversations, duty_stations, outbox, search
from km365.store.database import Database
from km365.store.outbox import Delivery

LITTLE_SPACE_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at. `words` say what is so and, where it is not well, what to do."""

    about: str
    well: bool
    words: str


async def examine(
    graph: Graph, db: Database, jobs: Jobs, settings: Settings, taxonomy: Taxonomy, *, now: datetime
) -> AsyncIterator[Finding]:
    """Every finding, from the ground up. Reads only (Sites.Read.All or Sites.Selected)."""
    looks: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
        ("disk", lambda: _disk(settings)),
        ("database", lambda: _database(db)),
        ("Microsoft Graph", lambda: _graph(graph, settings)),
        ("permissions", lambda: doctor_access.permissions(graph)),
        ("lists, columns and terms", lambda: _provisioned(graph, settings, taxonomy)),
        ("handover notes", lambda: restricted.examine(graph, db, settings, now=now)),
        ("office sites", lambda: _offices(graph, settings)),
        ("bot", lambda: _bot(settings)),
        ("people", lambda: _people(db)),
        ("who decides", lambda: doctor_access.deciders(graph, settings)),
        ("front offices", lambda: doctor_access.front_office(settings)),
        ("people on leave", lambda: _on_leave(graph)),
        ("Outlook", lambda: _outlook(graph, settings)),
        ("offices' hours", lambda: _hours(db, settings)),
        ("messages", lambda: _messages(db, now)),
        ("jobs", lambda: _jobs(db, jobs)),
        ("watched libraries", lambda: _watched(db, now)),
        ("search", lambda: _search(db)),
    )
    for about, look in looks:
        try:
            yield Finding(about=about, well=True, words=await look())
        except KM365Error as error:
            yield Finding(about=about, well=False, words=str(error))


async def _disk(settings: Settings) -> str:
    try:
        free = shutil.disk_usage(settings.home).free
    except OSError as error:
        raise KM365Error(f"The folder {settings.home} cannot be used ({error.strerror}).") from None
    if free < LITTLE_SPACE_BYTES:
        raise KM365Error(
            f"Only {free // 2**20} MB are free in {settings.home}; make room before answers are lost."
        )
    return f"{free // 2**30} GB free in {settings.home}."


async def _database(db: Database) -> str:
    problems = await asyncio.to_thread(db.problems)
    if problems:
        raise KM365Error(f"The database is damaged ({problems[0]}); stop km365 and restore a backup.")
    return f"Sound; {db.engine_version}.{'' if db.path else ' Its copies are yours to make, with pg_dump.'}"


async def _graph(graph: Graph, settings: Settings) -> str:
    site = await sites.get_site(graph, settings.knowledge_site)
    return f"Answers at {settings.graph}; the knowledge site is {site.web_url}."


async def _provisioned(graph: Graph, settings: Settings, taxonomy: Taxonomy) -> str:
    steps = await provision.plan(graph, settings, taxonomy)
    if steps:
        first = f"{steps[0].what} {steps[0].name!r}"
        raise KM365Error(f"Missing: {len(steps)}, the first is the {first}; run `km365 provision apply`.")
    return "All there."


async def _offices(graph: Graph, settings: Settings) -> str:
    for address in settings.office_sites:
        await sites.get_site(graph, address)
    return f"{len(settings.office_sites)} answer."


async def _bot(settings: Settings) -> str:
    address = f"http://{settings.host}:{settings.port}/healthz"
    try:
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=10) as http:
            answer = await http.get(address)
    except httpx.HTTPError:
        raise KM365Error(f"Nothing answers at {address}; start it with `km365 up`.") from None
    if answer.status_code != 200:
        raise KM365Error(f"{address} says it cannot work ({answer.status_code}): {answer.text[:200]}")
    return f"Well, at {address}."


async def _people(db: Database) -> str:
    """Who removed the app did what they may: no problem, but somebody should know."""
    reached, unreachable = await db.run(conversations.count_addresses)
    words = f"The bot reaches {reached}."
    return f"{words} {unreachable} cannot be reached: `km365 bot people` says why." if unreachable else words


async def _on_leave(graph: Graph) -> str:
    """Without the permission people on leave are asked like others: a problem, if a small one."""
    async for anybody in people.list_people(graph, top=1):
        await presence.out_of_office(graph, [anybody.id])
        break
    return "Told by Teams, so that they are asked when they are back."


async def _outlook(graph: Graph, settings: Settings) -> str:
    mailbox = settings.calendar_mailbox.strip()
    if not mailbox:
        return "No calendar shows the milestones; calendar_mailbox is not set."
    try:
        name = await events.calendar_name(graph, mailbox)
    except GraphNotFound as error:
        raise KM365Error(f"There is no mailbox {mailbox!r}; correct calendar_mailbox. {error}") from None
    except Forbidden as error:
        raise KM365Error(
            f"The mailbox {mailbox!r} is not open to km365, so its calendar does not show the milestones. "
            f"{error} What Exchange Online was told of late holds after some two hours."
        ) from None
    return f"The milestones are kept in the calendar {name!r} of {mailbox}."


async def _hours(db: Database, settings: Settings) -> str:
    """An entry for an office where nobody works is a problem: most likely its code is spelt otherwise."""
    own = set(calendar.hours_of(settings).offices)
    known = await db.run(duty_stations.offices)
    if not known:
        return f"{len(own)} offices have hours of their own; where people work is read with the calendar."
    if strange := sorted(own - known):
        raise KM365Error(
            f"Nobody works in {', '.join(strange)} of duty_stations.toml; write the codes as in Entra ID."
        )
    usual = sorted(known - own)
    some = ", ".join(usual[:10]) + (" …" if len(usual) > 10 else "")
    others = f"; as in the settings: {some}" if usual else ""
    return f"{len(known & own)} of {len(known)} offices have hours of their own{others}."


async def _messages(db: Database, now: datetime) -> str:
    """Held up and failed ones are a problem; whether an unknown one arrived is for a person to find out."""
    found = await db.run(outbox.count_troubled, since=now - messages.RECENT)
    if not found:
        return "All of the last 7 days arrived or wait for their time."
    names = {Delivery.UNKNOWN: "unknown (may have arrived)", Delivery.WAITING: "held up"}
    counts = ", ".join(f"{found[state]} {names.get(state, state)}" for state in Delivery if state in found)
    words = f"Of the last 7 days: {counts}; `km365 message list` says which, why and what to do."
    if found.keys() & {Delivery.WAITING, Delivery.FAILED}:
        raise KM365Error(words)
    return words


async def _jobs(db: Database, jobs: Jobs) -> str:
    failed = await db.run(jobs.unmended)
    if failed:
        first = f"the last is {failed[0].name!r} ({failed[0].error})"
        raise KM365Error(f"Failed: {len(failed)}, {first}; `km365 flow run NAME` repeats a flow now.")
    return "None has failed."


async def _watched(db: Database, now: datetime) -> str:
    troubles = await db.run(tag_listen.troubles, at=now)
    if troubles:
        raise KM365Error(" ".join(troubles))
    return await db.run(tag_listen.waiting)


async def _search(db: Database) -> str:
    """That fewer people may read a document is no problem; that nobody can tell, or must say, is one."""
    left_out = await db.run(search.left_out)
    said = [f"{name}: {number} documents {WHY_LEFT_OUT[why]}." for name, why, number in left_out]
    words = " ".join(["Left out:", *said]) if said else "Nothing is left out."
    if {why for _, why, _ in left_out} & {Readers.UNKNOWN, Readers.LIBRARY}:
        raise KM365Error(words)
    return words
