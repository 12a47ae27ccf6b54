"""A lesson told at any time: its documents are looked up, its words begin an interview that asks the rest."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote, urlsplit

from km365.core.questions import Bank
from km365.core.said import Said, Verb
from km365.core.schema import HANDOVER_NOTES
from km365.core.search_access import Readers
from km365.core.sorting import links, sort
from km365.core.taxonomy import office_code
from km365.core.turns import Turn
from km365.documents.questions import Banks
from km365.errors import GraphError, InputRefused
from km365.graph import documents, drives, people, sites
from km365.graph.client import Graph
from km365.graph.wire import origin
from km365.jobs.port import Jobs
from km365.services import interview
from km365.services.interview import Subject
from km365.services.search_readers import Place, readers_of
from km365.settings import Settings
from km365.store import interviews as store
from km365.store.database import Connection, Database

BANK = "lesson"
"""The questions a told lesson is asked."""

_MOST_LINKS = 3
_PATIENCE_S = 5.0
"""How long somebody who pasted a link waits for its title, at most."""


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A document of ours that a text links to: `address` as typed; `title` is "" where it was not opened."""

    address: str
    title: str = ""
    link: str = ""
    """Where it lies; opening that needs SharePoint's permission, whatever the address typed allows."""


async def look_up(graph: Graph, settings: Settings, text: str, *, person_id: str) -> list[Linked]:
    """The documents on the organisation's own SharePoint that the text links to, the first three.

    No other address is looked up, and nothing is fetched but a title through Graph (see
    `documents.get_shared` for the permission). The app may open more than this person may, so a title is
    told as search finds it: of the knowledge site, of the person's own office, and of libraries open to all,
    where everyone who may read the library may read the document (`permissions` says what that needs).
    A handover note is not told of: few may know who wrote one.
    """
    addresses = links(text)
    if not addresses:
        return []
    host = settings.knowledge_site.partition(":")[0].lower()
    ours: set[tuple[str, str, int | None]] = {("https", host, 443)}
    try:
        site = await sites.get_site(graph, settings.knowledge_site)
        ours.add(origin(site.web_url))
        private = (await drives.get_drive(graph, site.id, HANDOVER_NOTES.title)).id
    except GraphError:  # then nothing can be opened, and that is said
        return [Linked(address=one) for one in addresses if _origin(one) in ours][:_MOST_LINKS]
    mine = [one for one in addresses if _origin(one) in ours][:_MOST_LINKS]
    opened = await asyncio.gather(*(_open(graph, one, private=private) for one in mine))
    if not any(one.title for one, _ in opened):
        return [one for one, _ in opened]
    told = {settings.knowledge_site, *settings.search_open_libraries} | await _own(graph, settings, person_id)
    root = site.web_url.lower().removesuffix(settings.knowledge_site.partition(":")[2].lower())
    lies = [(_site_of(settings, one.link, root=root), *key) for one, key in opened]
    open_ = await _open_to_all(graph, settings, {place for place in lies if place[0] in told})
    return [
        one if place in open_ else Linked(address=one.address)
        for (one, _), place in zip(opened, lies, strict=True)
    ]


async def _open_to_all(graph: Graph, settings: Settings, places: Collection[Place]) -> set[Place]:
    """The documents that everyone who may read their library may read; none where that cannot be asked."""
    asked = list(places)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            who = await readers_of(graph, settings, asked)
    except (GraphError, TimeoutError):
        return set()
    return {place for place, its in zip(asked, who, strict=True) if its is Readers.ALL}


async def _own(graph: Graph, settings: Settings, person_id: str) -> set[str]:
    """The site of the person's own office, if it has one; none where the directory does not say."""
    try:
        office = (await people.get_person(graph, person_id)).office.casefold()
    except (GraphError, InputRefused):
        return set()
    return {site for site in settings.office_sites if office and office_code(site) == office}


def _site_of(settings: Settings, address: str, *, root: str) -> str:
    """The site on which a document lies, as `host:/path`; "" where search would not look at it.

    `root` is what the addresses of the host's sites begin with, `https://host` in SharePoint itself.
    """
    lies, folders = unquote(address.lower()), unquote(urlsplit(address.lower()).path).split("/")
    if {folder.lower() for folder in settings.search_leave_out} & set(folders):
        return ""
    host = settings.knowledge_site.partition(":")[0]

    def begins(site: str) -> str:
        its_host, _, path = site.partition(":")
        return f"{root if its_host == host else f'https://{its_host}'}{path}/".lower()

    known = (settings.knowledge_site, *settings.office_sites)
    return max((one for one in known if lies.startswith(begins(one))), key=len, default="")


def _origin(address: str) -> tuple[str, str, int | None]:
    try:
        return origin(address)
    except ValueError:
        return ("", "", None)


async def _open(graph: Graph, address: str, *, private: str) -> tuple[Linked, tuple[str, str]]:
    """What is at the address, with the ids of its drive and item."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            found = await documents.get_shared(graph, address, columns=("Title",))
    except (GraphError, TimeoutError):
        return Linked(address=address), ("", "")
    file = found.file
    if file.drive_id == private:
        return Linked(address=address), ("", "")
    titled = str(found.item.fields.get("Title") or "") if found.item else ""
    link = _safe(file.web_url) or address
    return Linked(address=address, title=titled.strip() or file.name, link=link), (file.drive_id, file.id)


def _safe(address: str) -> str:
    return address if urlsplit(address).scheme in {"https", "http"} else ""


async def begin(
    db: Database,
    banks: Banks,
    jobs: Jobs,
    *,
    person_id: str,
    text: str,
    linked: Sequence[Linked],
    subject: Subject,
    language: str,
    activity: str,
    now: datetime,
    new_id: Callable[[], str],
) -> Turn:
    """The first turn of the interview about what was told, which asks for what the text does not say.

    However often a telling (`telling`) is repeated, there is one interview. Its office is the person's,
    looked up when it is sent. A text may also answer what somebody was invited to reflect on.
    """
    bank = banks.get(subject.bank, language)
    words = _sorted(text, banks.get(BANK, language), bank)
    evidence = _asking(bank, "knowledge.evidence")
    if evidence and (with_titles := _evidence(words.get(evidence, ""), linked)):
        words[evidence] = with_titles
    return await interview.start(
        db,
        banks,
        jobs,
        person_id=person_id,
        subject=subject,
        language=language,
        said=Said(verb=Verb.START, activity_id=activity),
        now=now,
        new_id=new_id,
        words=words,
    )


def telling(told: str, title: str) -> Subject:
    """What a lesson told unasked is about; `told` names the telling."""
    return Subject(key=_key(told), bank=BANK, title=title)


def _sorted(text: str, lesson: Bank, bank: Bank) -> dict[str, str]:
    """The sentences by the question of `bank` they answer: only the lesson's questions know the cues.

    Where the bank asks nothing of the kind, or asks it more than once, they stay with what happened.
    """
    places = {q.id: _asking(bank, q.becomes[0]) for q in lesson.questions}
    cues = replace(lesson, questions=tuple(q for q in lesson.questions if places[q.id]))
    return {places[question]: words for question, words in sort(text, cues).items()}


def _asking(bank: Bank, target: str) -> str:
    """The one question of the bank, answered in words, that becomes this; "" where it is not one.

    Of several that ask what happened it is the first.
    """
    found = [q.id for q in bank.questions if target in q.becomes and not q.choices]
    return found[0] if len(found) == 1 or (found and target == "knowledge.description") else ""


def _evidence(said: str, linked: Sequence[Linked]) -> str:
    """What was said as evidence, each document with its title in place of its bare address, else below."""
    lines = said.splitlines()
    for one in linked:
        if one.title:
            shown = f"{one.title}: {one.link}"
            bare = next((at for at, line in enumerate(lines) if line.strip() == one.address), None)
            lines = [*lines, shown] if bare is None else [*lines[:bare], shown, *lines[bare + 1 :]]
    return "\n".join(lines)


async def begun(db: Database, banks: Banks, told: str, *, person_id: str) -> Turn | None:
    """The interview of that telling, if it has begun."""

    def look(c: Connection) -> str | None:
        found = store.list_(c, person_id=person_id, bank_id=BANK)
        return next((one.id for one in found if one.key == _key(told)), None)

    found = await db.run(look)
    return await interview.find(db, banks, found, person_id=person_id) if found else None


def _key(told: str) -> str:
    return f"told:{told}"
