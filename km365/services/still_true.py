"""The lessons a reflection opens with: found in the *Knowledge* list and our index, and read anew when shown.

What could be shown is the same for all who reflect on a milestone from one section, so it is gathered once
and kept for some minutes; whether this person may read it is decided each time, of the item as it is then.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from km365.core.knowledge import from_fields, unconfirmed_since
from km365.core.schema import MILESTONES
from km365.core.search_entries import EVERYBODY, KNOWLEDGE
from km365.core.search_words import BLOCK, said, unpack
from km365.core.still_true import UNASKED, Lesson, Occasion, Why, choose, is_shown, one_sentence
from km365.core.tag_plan import list_of
from km365.errors import Forbidden, GraphNotFound, TemplateError
from km365.graph import lists, metadata, people, sites
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.wire import odata_text
from km365.services.calendar import day_of, today
from km365.services.capture import Place, knowledge_list
from km365.services.search import SearchTerms
from km365.settings import Settings
from km365.store import search as index
from km365.store import still_true as store
from km365.store.database import Database

SECTOR = "KMGoalArea"
ABOUT = ("KMTopic", "KMIntervention", "KMCrossCutting", "KMKnowledgeTheme", "KMPartnerType")
"""The columns that say what a lesson is about; the others say what sort of document it is."""
_FOCUS = 8
"""So many of the terms that an office's lessons bear most are what it works on."""
_MOST = 20
"""Of other offices so many lessons are read because of their tags, and those of so many milestones."""
_KEPT_S = 600.0
_MOST_KEPT = 500
_NAMED = 2


@dataclass(frozen=True, kw_only=True)
class About:
    """The milestone that is reflected on: its id in the list, its kind, office and title."""

    milestone: str
    kind: str
    office: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A lesson as it is shown. `about` are the labels of what both are about, `year` that of its sending.

    `language` is that of its words.
    """

    item_id: str
    title: str
    sentence: str
    office: str
    year: int | None
    language: str
    why: Why
    about: tuple[str, ...]
    web_url: str
    unconfirmed_since: date | None = None


@dataclass(frozen=True, kw_only=True)
class _Pool:
    """What could be shown for one milestone to a section, by item id, and what the office works on."""

    rows: Mapping[str, Item]
    lessons: tuple[Lesson, ...]
    tags: frozenset[str]
    labels: Mapping[str, str]


class Lessons:
    """Finds what reflections open with. One for a process: it keeps what it gathered."""

    def __init__(self, graph: Graph, db: Database, settings: Settings, terms: SearchTerms) -> None:
        self._graph, self._db, self._settings, self._terms = graph, db, settings, terms
        self._pools: dict[tuple[About, str], tuple[float, asyncio.Task[_Pool]]] = {}

    async def opening(self, about: About, person_id: str, *, language: str, now: datetime) -> list[Shown]:
        """The lessons this person is shown, each as SharePoint has it now; kept as shown to them.

        Labels are in `language`. Being cancelled does not stop what is gathered for the next person. Raises
        GraphError. Needs User.Read.All and Sites.Selected with read on the knowledge site.
        """
        person, answered = await asyncio.gather(
            people.get_person(self._graph, person_id),
            self._db.run(store.answered, person_id, milestone=about.milestone, since=now - UNASKED),
        )
        pool = await asyncio.shield(self._pool(about, person.department))
        occasion = Occasion(
            office=about.office,
            milestone=about.milestone,
            kind=about.kind,
            reader=person.reader,
            now=now,
            answered=answered,
            tags=pool.tags,
            sectors=pool.tags,
        )
        chosen = choose(pool.lessons, occasion)
        current = await self._current([pool.rows[one.lesson.item.id] for one in chosen])
        labels = await self._labels(pool.labels, language)
        shown = [
            _shown(row, one.why, labels, today(self._settings, now, about.office))
            for one in chosen
            if (row := current.get(one.lesson.item.id)) and is_shown(from_fields(row.fields), occasion)
        ]
        ids = [one.item_id for one in shown]
        kept = {"person_id": person_id, "office": person.office, "milestone": about.milestone}
        if ids:
            await self._db.run(store.show, ids, **kept, at=now)
        return shown

    def _pool(self, about: About, section: str) -> "asyncio.Task[_Pool]":
        """What could be shown, gathered by one call for all who ask meanwhile."""
        key = (about, section.casefold())
        known = self._pools.get(key)
        if known is None or time.monotonic() - known[0] > _KEPT_S or _failed(known[1]):
            if len(self._pools) >= _MOST_KEPT:
                self._pools.clear()
            known = time.monotonic(), asyncio.create_task(self._gather(about, section))
            known[1].add_done_callback(_failed)  # what nobody waits for any more is nobody's error
            self._pools[key] = known
        return known[1]

    async def _gather(self, about: About, section: str) -> _Pool:
        place = await knowledge_list(self._graph, self._settings)
        own, same_kind, meant = await asyncio.gather(
            self._rows(place, f"fields/KMOffice eq {odata_text(about.office)}"),
            self._same_kind(about),
            self._meant(f"{section}. {about.title}"),
        )
        counted = Counter(tag for row in own for tag in _ids(row, (*ABOUT, SECTOR)))
        usual = [tag for tag, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]
        tags = frozenset({*meant, *usual[:_FOCUS]})
        latest = [milestone for milestone, office in same_kind.items() if office != about.office.casefold()]
        alike, tagged = await asyncio.gather(
            self._of_milestones(place, latest[:_MOST]), self._tagged(tags, about.office)
        )
        rows = {str(row.fields.get("KMId")): row for row in (*own, *alike, *tagged) if row.fields.get("KMId")}
        return _Pool(
            rows=rows,
            lessons=tuple(_lesson(row, about.kind, same_kind) for row in rows.values()),
            tags=tags,
            labels={
                term.id.lower(): term.label for row in rows.values() for term in _terms(row, (*ABOUT, SECTOR))
            },
        )

    async def _rows(self, place: Place, query: str) -> list[Item]:
        found = lists.list_items(self._graph, place.site_id, place.list_id, filter=query)
        return [row async for row in found]

    async def _same_kind(self, about: About) -> Mapping[str, str]:
        """The offices of the milestones of that kind by id, the latest first."""
        if not about.kind:
            return {}
        site = await sites.get_site(self._graph, self._settings.knowledge_site)
        target = await lists.get_list(self._graph, site.id, MILESTONES.title)
        rows = lists.list_items(
            self._graph,
            site.id,
            target.id,
            filter=f"fields/KMKind eq {odata_text(about.kind)}",
            select=("KMKind", "KMOffice", "KMDate"),
        )
        found = [(day_of(row.fields.get("KMDate")) or date.min, row) async for row in rows]
        found.sort(key=lambda one: (one[0], one[1].id), reverse=True)
        return {row.id: str(row.fields.get("KMOffice") or "").casefold() for _, row in found}

    async def _of_milestones(self, place: Place, milestones: Sequence[str]) -> list[Item]:
        if not milestones:
            return []
        asked = (f"fields/KMMilestone eq {odata_text(one)}" for one in milestones)
        return await self._rows(place, " or ".join(asked))

    async def _tagged(self, tags: frozenset[str], office: str) -> list[Item]:
        """Lessons of other offices that bear most of these tags, as everyone finds them."""
        words = [said("tag", tag) for tag in tags]
        found = await self._db.run(index.look_up, [said("kind", KNOWLEDGE), *words], [EVERYBODY])
        lessons = set(_numbers(found.pop(said("kind", KNOWLEDGE), ())))
        counted = Counter(n for packed in found.values() for n in _numbers(packed) if n in lessons)
        best = sorted(counted, key=lambda number: (-counted[number], -number))[: 3 * _MOST]
        entries = await self._db.run(index.entries, best)
        others = [
            entries[n] for n in best if n in entries and entries[n].office.casefold() != office.casefold()
        ]
        places = [(list_of(one.container), one.item_id) for one in others[:_MOST]]
        return await self._read([(*place, item_id) for place, item_id in places if place])

    async def _meant(self, text: str) -> frozenset[str]:
        """The terms that the section and the milestone's title speak of; none where terms cannot be read."""
        try:
            concepts = await self._terms.now()
        except (Forbidden, TemplateError):
            return frozenset()
        return frozenset(one.term_id.lower() for one in concepts.meant(text) if one.term_id)

    async def _labels(self, labels: Mapping[str, str], language: str) -> Mapping[str, str]:
        """The labels in the language, where the terms are known."""
        try:
            known = (await self._terms.now()).taxonomy.by_term_id
        except (Forbidden, TemplateError):
            return labels
        return {tag: known[tag].label(language) if tag in known else label for tag, label in labels.items()}

    async def _current(self, rows: Sequence[Item]) -> Mapping[str, Item]:
        """These rows as they are now, by item id; those that are gone are left out."""
        place = await knowledge_list(self._graph, self._settings)
        read = await self._read([(place.site_id, place.list_id, row.id) for row in rows])
        return {str(row.fields.get("KMId")): row for row in read}

    async def _read(self, places: Iterable[tuple[str, str, str]]) -> list[Item]:
        asked = [
            BatchRequest(
                id=str(number), method="GET", path=lists.item_path(*place), params={"$expand": "fields"}
            )
            for number, place in enumerate(dict.fromkeys(places))
        ]
        answers = await self._graph.batch(asked) if asked else []
        return [Item.from_json(one.json()) for one in answers if not isinstance(one.error, GraphNotFound)]


def _failed(task: "asyncio.Task[_Pool]") -> bool:
    return task.done() and (task.cancelled() or isinstance(task.exception(), Exception))


def _numbers(rows: Iterable[tuple[int, bytes]]) -> Iterable[int]:
    return (block * BLOCK + place for block, packed in rows for place in unpack(packed))


def _terms(row: Item, columns: Iterable[str]) -> list[metadata.TermRef]:
    return [term for column in columns for term in metadata.decode(row.fields.get(column))]


def _ids(row: Item, columns: Iterable[str]) -> frozenset[str]:
    return frozenset(term.id.lower() for term in _terms(row, columns))


def _lesson(row: Item, kind: str, same_kind: Mapping[str, str]) -> Lesson:
    item = from_fields(row.fields)
    return Lesson(
        item=item,
        milestone_kind=kind if item.milestone in same_kind else "",
        tags=_ids(row, ABOUT),
        sectors=_ids(row, (SECTOR,)),
    )


def _shown(row: Item, why: Why, labels: Mapping[str, str], today: date) -> Shown:
    item = from_fields(row.fields)
    named = [labels[tag] for tag in (why.tags or why.sectors) if tag in labels]
    return Shown(
        item_id=item.id,
        title=item.title,
        sentence=one_sentence(item),
        office=item.office,
        year=item.submitted_at.year if item.submitted_at else None,
        language=item.language,
        why=why,
        about=tuple(named[:_NAMED]),
        web_url=row.web_url,
        unconfirmed_since=unconfirmed_since(item, today),
    )
