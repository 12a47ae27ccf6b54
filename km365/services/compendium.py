"""A compendium of the *Knowledge* list: the editor's file to begin with, and the volume itself.

What a volume holds is decided by `core.compendium`, and never by who asks. It is read anew for each build, so
that what was taken back, narrowed or retired since the editor's file was written is not in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from km365.core import compendium
from km365.core.audience import Reader
from km365.core.compendium import Compendium, Entry, Piece, Provenance, Wanted
from km365.core.compendium_facets import KIND, YEAR, Facets
from km365.core.knowledge import KnowledgeItem, Reach
from km365.core.moves import Actor, Move
from km365.core.promotion import as_sources_allow
from km365.core.schedule import Hours, day_at
from km365.documents import compendium_docx, compendium_file, compendium_html, offices
from km365.documents.compendium_file import Plan
from km365.documents.compendium_words import WORDS, Volume, label_of, pages, title_of
from km365.documents.words import Words
from km365.errors import GraphNotFound, InputRefused
from km365.graph import lists
from km365.graph.client import Graph
from km365.graph.people import Person, get_person
from km365.services import taxonomy
from km365.services.calendar import hours_of
from km365.services.capture import knowledge_list
from km365.services.review import kept_of, roles_of
from km365.settings import Settings
from km365.store import moves
from km365.store.database import Connection, Database
from km365.templates import Templates

FORMATS = (".docx", ".html")
_FEW = 2
"""The posts of so many contributors are told; more of them are "colleagues of" the office."""


@dataclass(frozen=True, kw_only=True)
class CompendiumDesk:
    """What making a volume needs."""

    graph: Graph
    db: Database
    settings: Settings
    templates: Templates


@dataclass(frozen=True, kw_only=True)
class Built:
    """A volume as a file, and what became of what was asked for."""

    data: bytes
    title: str
    volume: Compendium


async def plan(desk: CompendiumDesk, asked: Plan, *, name: str) -> tuple[str, Compendium]:
    """The editor's file to begin with, called `name`, with every item in the usual order.

    Also what is left out of it. Raises InputRefused for a facet or value there is not. Needs Sites.Selected
    with read on the knowledge site.
    """
    shelf = await _Shelf.open(desk, asked)
    groups = compendium.proposed(shelf.entries, shelf.wanted, shelf.facets.rank)
    known = {entry.item.id: entry for entry in shelf.entries}
    words = Words.read(desk.templates, WORDS)

    def says(item_id: str) -> str:
        item = known[item_id].item
        year = str(item.submitted_at.year) if item.submitted_at else ""
        about = ", ".join(part for part in (item.kind, item.office, year, item.language) if part)
        return f"{item.title} ({about})"

    def called(key: str) -> str:
        return label_of(words, shelf.facets, asked.by, key, asked.language)

    written = compendium_file.write(replace(asked, groups=tuple(groups)), name=name, says=says, called=called)
    return written, compendium.compose(shelf.entries, shelf.wanted, shelf.facets.rank)


async def build(
    desk: CompendiumDesk, asked: Plan, *, ending: str, since: Path | None = None, today: date
) -> Built:
    """The volume as a file with this `ending`, one of `FORMATS`; `since` is the file of an earlier volume.

    Raises InputRefused where nothing may be in it, TemplateError for a wrong template. Needs Sites.Selected
    with read on the knowledge site, User.Read.All and GroupMember.ReadBasic.All.
    """
    earlier = compendium_file.record_of(since) if since else None
    shelf = await _Shelf.open(desk, asked)
    volume = compendium.compose(shelf.entries, shelf.wanted, shelf.facets.rank, asked.groups or None)
    if not volume.sections:
        raise InputRefused(
            f"No item that is asked for may be in a volume for {asked.reach} readers; nothing was written. "
            "`km365 lesson list --maturity published --as SIGN-IN` shows what is published."
        )
    title = title_of(Words.read(desk.templates, WORDS), asked)
    words = pages(
        Volume(
            compendium=volume,
            plan=asked,
            facets=shelf.facets,
            organisation=desk.settings.organisation,
            today=today,
            provenance=await _Origins(desk, asked.reach).of(volume.pieces),
            history=compendium.history(volume, shelf.entries, earlier, asked.reach) if earlier else None,
        ),
        desk.templates,
    )
    record = compendium.record(volume, title=title, built_on=today, reach=asked.reach)
    kept = compendium_file.as_json(record)
    if ending == ".html":
        data = compendium_html.write(words, kept, desk.templates).encode()
    else:
        data = compendium_docx.write(words, kept, desk.templates)
    return Built(data=data, title=title, volume=volume)


@dataclass(frozen=True, kw_only=True)
class _Shelf:
    """All items that have a record id, with the values by which they are chosen and grouped."""

    entries: Sequence[Entry]
    facets: Facets
    wanted: Wanted

    @classmethod
    async def open(cls, desk: CompendiumDesk, asked: Plan) -> "_Shelf":
        facets = Facets(taxonomy.shipped(desk.templates).everywhere(), offices.offices(desk.templates))
        _check(facets, asked)
        place = await knowledge_list(desk.graph, desk.settings)
        entries = []
        async for row in lists.list_items(desk.graph, place.site_id, place.list_id):
            kept = kept_of(row)
            if not kept.item.id:
                continue
            confirmed = row.fields.get("KMConfirmedBy")
            entries.append(
                Entry(
                    item=kept.item,
                    facets=facets.of(kept.item, kept.tags),
                    web_url=kept.web_url,
                    confirmed_by=int(confirmed) if isinstance(confirmed, int | float) else 0,
                )
            )
        there = {entry.item.id: entry.item for entry in entries}
        entries = [replace(entry, item=as_sources_allow(entry.item, there)) for entry in entries]
        return cls(entries=entries, facets=facets, wanted=_wanted(facets, asked, entries))


def _check(facets: Facets, asked: Plan) -> None:
    """Raises InputRefused where something is asked for that cannot be, before the list is read."""
    if asked.by not in facets.keys:
        raise InputRefused(f"There is no facet {asked.by!r} to group by; there are {', '.join(facets.keys)}.")
    for one in asked.only:
        facet, equals, text = one.partition("=")
        if not (facet.strip() and equals and text.strip()):
            raise InputRefused(f"{one!r} is no choice; write a facet and a value, such as {KIND}=innovation.")


def _wanted(facets: Facets, asked: Plan, entries: Sequence[Entry]) -> Wanted:
    """What is asked for, words turned into values: the same facet twice means either, two facets both."""
    only: dict[str, frozenset[str]] = {}
    known = [entry for entry in entries if compendium.is_everyones(entry.item)]
    for one in asked.only:
        facet, _, text = (part.strip() for part in one.partition("="))
        seen = {value for entry in known for value in entry.facets.get(facet, ())}
        only[facet] = only.get(facet, frozenset()) | facets.values(facet, text, seen)
    if asked.year is not None:
        only[YEAR] = frozenset({str(asked.year)})
    return Wanted(by=asked.by, reach=asked.reach, only=only)


# Where items come from -------------------------------------------------------------------------------------


class _Origins:
    """Where the items of one volume come from; each person is looked up once."""

    def __init__(self, desk: CompendiumDesk, reach: Reach) -> None:
        self._desk, self._reach = desk, reach
        self._people: dict[str, Person | None] = {}
        self._roles: dict[tuple[str, str], frozenset[Actor]] = {}

    async def of(self, pieces: Iterable[Piece]) -> dict[str, Provenance]:
        """What is told of each item, by its id."""
        items = [piece.item for piece in pieces]
        hours = hours_of(self._desk.settings)
        published = await self._desk.db.run(_published_on, [item.id for item in items], hours)
        return {
            item.id: Provenance(
                posts=await self._posts(item),
                checked_by=await self._checker(item),
                published_on=published.get(item.id),
            )
            for item in items
        }

    async def _posts(self, item: KnowledgeItem) -> tuple[str, ...]:
        """The posts of its contributors, told to colleagues alone and only where they are few."""
        if self._reach is not Reach.INTERNAL or len(item.contributors) > _FEW:
            return ()
        people = [await self._person(one) for one in item.contributors]
        return tuple(person.job_title for person in people if person and person.job_title)

    async def _checker(self, item: KnowledgeItem) -> Actor | None:
        """As what the last of those who validated it did so, as far as the directory still says it."""
        for person_id in reversed(item.validated_by):
            roles = await self._roles_of(person_id, item.office)
            for role in (Actor.REVIEWER, Actor.FOCAL_POINT):
                if role in roles:
                    return role
        return None

    async def _roles_of(self, person_id: str, office: str) -> frozenset[Actor]:
        key = (person_id, office)
        if key not in self._roles:
            person = await self._person(person_id)
            reader = Reader(person_id=person_id, office=person.office if person else "")
            known = await roles_of(self._desk.graph, self._desk.settings, office, reader) if person else ()
            self._roles[key] = frozenset(known)
        return self._roles[key]

    async def _person(self, person_id: str) -> Person | None:
        """The person; None where the directory has them no more."""
        if person_id not in self._people:
            try:
                self._people[person_id] = await get_person(self._desk.graph, person_id)
            except GraphNotFound:
                self._people[person_id] = None
        return self._people[person_id]


def _published_on(c: Connection, item_ids: Iterable[str], hours: Hours) -> dict[str, date]:
    """The day each item was first published, where that was recorded."""
    made = {
        one: [row.at for row in moves.list_(c, one) if row.move is Move.PUBLISH and row.done]
        for one in item_ids
    }
    return {one: day_at(days[0], hours) for one, days in made.items() if days}
