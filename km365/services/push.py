"""Sends lessons to those who write a document, once it is tagged: which ones, to whom, and why.

A document is noticed where the search index reads it, whoever tagged it and however; looking for lessons is a
job of its own. What is sent and that it was sent are kept in one transaction, so that it happens once. The
message holds ids alone: what it says is read as it goes out, and only what its reader may read then.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from km365.core.knowledge import KnowledgeItem
from km365.core.languages import best
from km365.core.push import ABOUT, WAITS, Rules, fitting, may_get, parts_of
from km365.core.schedule import Before, Hours
from km365.core.schema import TAG_COLUMNS
from km365.core.search import words_of
from km365.core.search_entries import KNOWLEDGE, shelves_of, title_of
from km365.core.search_question import Concepts, Filters
from km365.core.still_true import one_sentence
from km365.core.tag_plan import list_container
from km365.core.used import Use
from km365.documents.push import push_rules
from km365.errors import Forbidden, GraphError, GraphNotFound, NotFound, TemplateError
from km365.graph import documents, drives, lists, metadata, people
from km365.graph.client import Graph
from km365.graph.documents import Document
from km365.graph.wire import odata_text
from km365.jobs.port import Args, Jobs
from km365.services.calendar import hours_of
from km365.services.capture import Kept, knowledge_list
from km365.services.preferences import hours_of_person
from km365.services.prompts import SEND_MESSAGE
from km365.services.review import kept_of, may_review
from km365.services.search import SearchTerms
from km365.settings import Settings
from km365.store import campaigns, cursors, outbox, preferences, pushes, used
from km365.store import search as index
from km365.store.database import Connection, Database
from km365.store.outbox import Message
from km365.templates import Templates

PUSH = "push"
"""The job that looks for lessons for one document, and what the keys of its messages begin with."""
CARD = "lessons_for_document"
LAST_PUSH = "flow:push"
"""The bookmark of the last document that was looked at."""
_COLUMNS = ("id", *(column.name for column in TAG_COLUMNS))
_TYPE = "KMDocumentType"
_PASSAGES = 3
"""So many sentences from the beginning of a document are looked up beside its title."""
_READ = 12
"""So many of the best are read, of which some may not be shown."""
_TOPICS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PushDesk:
    """What looking for lessons needs."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    templates: Templates
    terms: SearchTerms
    now: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson for a document: `tags` are the term-store ids of what both are about, the rarest first."""

    kept: Kept
    tags: tuple[str, ...]

    @property
    def item(self) -> KnowledgeItem:
        """The lesson itself."""
        return self.kept.item


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Somebody who writes a document, and the lessons for them."""

    drive_id: str
    item_id: str
    title: str
    person: people.Person
    lessons: tuple[Lesson, ...]


def desk_of(
    graph: Graph,
    db: Database,
    jobs: Jobs,
    settings: Settings,
    templates: Templates,
    now: Callable[[], datetime],
) -> PushDesk:
    """A desk with the terms that are in force."""
    terms = SearchTerms(graph, settings, templates)
    return PushDesk(
        graph=graph, db=db, jobs=jobs, settings=settings, templates=templates, terms=terms, now=now
    )


async def types(desk: PushDesk) -> frozenset[str]:
    """The term-store ids of the types of documents that lessons are looked for.

    None, and a warning, where the rules or the terms cannot be read: the search goes on without.
    """
    try:
        rules, concepts = push_rules(desk.templates), await desk.terms.now()
    except (Forbidden, TemplateError) as error:
        _log.warning("No documents are noticed that lessons could be sent for: %s", error)
        return frozenset()
    return _types(rules, concepts)


def _types(rules: Rules, concepts: Concepts) -> frozenset[str]:
    known = (concepts.taxonomy.by_id.get(one) for one in rules.types)
    return frozenset(one.term_id.lower() for one in known if one and one.term_id)


# Looking ---------------------------------------------------------------------------------------------------


def enqueue(c: Connection, jobs: Jobs) -> None:
    """A job for each document that was noticed."""
    for drive_id, item_id in pushes.waiting(c):
        args = {"drive": drive_id, "item": item_id}
        jobs.enqueue(c, PUSH, key=f"{PUSH}:{drive_id}:{item_id}", args=args)


async def work(desk: PushDesk, args: Args) -> None:
    """Job `push`, repeatable: the message's key and that the document was told of are written together."""
    drive_id, item_id, begun_at = args["drive"], args["item"], desk.now()
    found = await wanted(desk, drive_id, item_id)
    await desk.db.run(_keep, desk, found, drive_id, item_id, at=begun_at)


async def send_due(desk: PushDesk) -> int:
    """Looks for lessons for everything that was noticed now; how many messages that made."""
    count = 0
    for drive_id, item_id in await desk.db.run(pushes.waiting):
        begun_at = desk.now()  # what is noticed while it is looked at waits on
        found = await wanted(desk, drive_id, item_id)
        count += await desk.db.run(_keep, desk, found, drive_id, item_id, at=begun_at)
    return count


async def would_send(desk: PushDesk) -> list[Wanted]:
    """Whom lessons would be sent to now, and which; nothing is changed."""
    waiting = await desk.db.run(pushes.waiting)
    found = [one for drive_id, item_id in waiting for one in await wanted(desk, drive_id, item_id)]
    hours = hours_of(desk.settings)
    at = desk.now()
    return [one for one in found if await desk.db.run(_free_at, desk, one.person.id, hours, at=at)]


async def wanted(desk: PushDesk, drive_id: str, item_id: str) -> list[Wanted]:
    """Who writes the document and which lessons fit it, for each what they may read; none who has no lesson.

    Nobody either where the document is gone or not ours to read, or it would wait before the others for ever.
    1 resource unit each for the document, its authors and every lesson that is read. Raises GraphError, and
    TemplateError for a rule that is wrong. Needs Sites.Selected with read, and User.Read.All.
    """
    rules, concepts = push_rules(desk.templates), await desk.terms.now()
    (answer,) = await documents.get_many(desk.graph, [(drive_id, item_id)], columns=_COLUMNS)
    if isinstance(answer, GraphNotFound | Forbidden):
        return []
    if isinstance(answer, GraphError):
        raise answer
    tags = _tags(answer, ABOUT)
    authors = await drives.authors_of(desk.graph, drive_id, item_id)
    if not tags or not rules.is_new(authors.made_at, now=desk.now()):
        return []
    if _tags(answer, (_TYPE,)).isdisjoint(_types(rules, concepts)):
        return []
    title, text = await desk.db.run(_text, drive_id, item_id, answer)
    found = []
    for person_id in sorted({authors.made_by, authors.changed_by} - {""}):
        person = await _person(desk, person_id)
        if person is None or (person_id != authors.made_by and await _only_tags(desk, person)):
            continue
        lessons = await _lessons(desk, concepts, tags, text, person, rules)
        if lessons:
            one = Wanted(
                drive_id=drive_id, item_id=item_id, title=title, person=person, lessons=tuple(lessons)
            )
            found.append(one)
    return found


async def _person(desk: PushDesk, person_id: str) -> people.Person | None:
    """The author, where they work here and take lessons they did not ask for."""
    try:
        person = await people.get_person(desk.graph, person_id)
    except GraphNotFound:
        return None
    takes = (await desk.db.run(preferences.get, person_id)).takes_lessons
    return person if takes and person.account_enabled else None


async def _only_tags(desk: PushDesk, person: people.Person) -> bool:
    """Whether who changed a document last is taken to have tagged it, as who decides on lessons does."""
    reader = person.reader
    try:
        return await may_review(desk.graph, desk.settings, person.office, reader)
    except Forbidden:
        return False


def _text(c: Connection, drive_id: str, item_id: str, document: Document) -> tuple[str, str]:
    """What the document is called, and that with its first sentences, as far as they are indexed."""
    known = index.numbers(c, drive_id, [item_id])
    sentences = [one for said in index.texts(c, known).values() for one in said[:_PASSAGES]]
    titles = [entry.title for entry in index.entries(c, known).values() if entry.title]
    title = titles[0] if titles else title_of((), document.file.name)
    return title, " ".join([title, *sentences])


async def _lessons(
    desk: PushDesk,
    concepts: Concepts,
    tags: frozenset[str],
    text: str,
    person: people.Person,
    rules: Rules,
) -> list[Lesson]:
    """The lessons that fit, as SharePoint has them now, best first."""
    reader = person.reader
    words = await asyncio.to_thread(concepts.parts, text)
    asked = words_of([*words, *parts_of(tags)], Filters(kind=KNOWLEDGE), str)
    rows = await desk.db.run(index.look_up, asked, shelves_of(reader))
    fit = await asyncio.to_thread(fitting, rows, tags, words)
    entries = await desk.db.run(index.entries, fit.numbers)
    own = person.office.casefold()
    others = [entries[n] for n in fit.numbers if n in entries and entries[n].office.casefold() != own]
    place = await knowledge_list(desk.graph, desk.settings)
    container = list_container(place.site_id, place.list_id)
    ids = [one.item_id for one in others if one.container == container][:_READ]
    rows_now = await lists.get_items(desk.graph, [(place.site_id, place.list_id, one) for one in ids])
    kept = [kept_of(row) for row in rows_now.values()]
    by_id = {one.item_id: one for one in others}
    return [
        Lesson(kept=one, tags=tuple(fit.shared(by_id[one.list_item_id].tags)))
        for one in kept
        if may_get(one.item, reader)
    ][: rules.lessons]


def _tags(document: Document, columns: Sequence[str]) -> frozenset[str]:
    fields = document.item.fields if document.item else {}
    return frozenset(term.id.lower() for column in columns for term in metadata.decode(fields.get(column)))


def _keep(
    c: Connection, desk: PushDesk, found: Sequence[Wanted], drive_id: str, item_id: str, *, at: datetime
) -> int:
    """Puts the messages, and notes that the document was looked at; how many were put."""
    hours, count = hours_of(desk.settings), 0
    for one in found:
        due_at = _free_at(c, desk, one.person.id, hours, at=at)
        if due_at is None:
            continue
        message = _message(one)
        if outbox.put(c, message, at=at, due_at=due_at):
            count += 1
            if due_at <= at:
                desk.jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
    pushes.looked(c, drive_id, item_id, told=count > 0, at=at)
    cursors.put(c, LAST_PUSH, at.isoformat(timespec="minutes"), at=at)
    return count


def _free_at(c: Connection, desk: PushDesk, person_id: str, usual: Hours, *, at: datetime) -> datetime | None:
    """When the person may be written to, within the limit of a week; None where that is too late."""
    hours = hours_of_person(c, person_id, usual)
    moments = campaigns.asked(c, [person_id], at=at)[person_id]
    before = Before(moments=moments, per_week=desk.settings.prompts_per_week)
    moment = at
    while (later := before.free_at(moment, hours)) > moment and later - at <= WAITS:
        moment = later
    return moment if later <= moment else None


def _message(one: Wanted) -> Message:
    return Message(
        key=f"{PUSH}:{one.drive_id}:{one.item_id}:{one.person.id}",
        person_id=one.person.id,
        card=CARD,
        data={
            "title": one.title,
            "lessons": [lesson.item.id for lesson in one.lessons],
            "tags": [list(lesson.tags) for lesson in one.lessons],
        },
        language=best([one.person.language]),
        reason=pushes.REASON,
    )


# As it goes out --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A lesson as its reader sees it. `topics` are labels in their language, `said` what they said of it."""

    item_id: str
    title: str
    sentence: str
    office: str
    year: int | None
    web_url: str
    topics: tuple[str, ...]
    said: Use | None


async def shown(desk: PushDesk, message: Message, language: str) -> list[Shown]:
    """The lessons of a message as SharePoint has them now, those alone that its reader may read now.

    Empty where its values were deleted. Needs Sites.Selected with read, and User.Read.All.
    """
    wanted: Mapping[str, Sequence[str]] = dict(
        zip(message.data.get("lessons", ()), message.data.get("tags", ()), strict=True)
    )
    if not wanted:
        return []
    person = await people.get_person(desk.graph, message.person_id)
    reader = person.reader
    place = await knowledge_list(desk.graph, desk.settings)
    query = " or ".join(f"fields/KMId eq {odata_text(one)}" for one in wanted)
    rows = lists.list_items(desk.graph, place.site_id, place.list_id, filter=query)
    kept = {one.item.id: one for one in [kept_of(row) async for row in rows]}
    labels = (await desk.terms.now()).taxonomy.by_term_id
    said = await desk.db.run(used.of_person, person.id, list(wanted))
    return [
        Shown(
            item_id=item_id,
            title=kept[item_id].item.title,
            sentence=one_sentence(kept[item_id].item),
            office=kept[item_id].item.office,
            year=at.year if (at := kept[item_id].item.submitted_at) else None,
            web_url=kept[item_id].web_url,
            topics=tuple(labels[tag].label(language) for tag in tags if tag in labels)[:_TOPICS],
            said=said.get(item_id),
        )
        for item_id, tags in wanted.items()
        if item_id in kept and may_get(kept[item_id].item, reader)
    ]


async def message_of(db: Database, person_id: str, key: str = "") -> Message:
    """A message of this person by its key, or the last one that went out. Raises NotFound."""
    prefix = key or PUSH
    rows = await db.run(outbox.list_, prefix=prefix, person_id=person_id, limit=1)
    mine = [one.message for one in rows if one.message.card == CARD]
    if not mine:
        raise NotFound("No lessons were sent to this person.")
    return mine[0]
