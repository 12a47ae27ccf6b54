"""The successor's pack: made anew of the note as it is filed, and asked questions, which nothing keeps.

Whoever asks is looked at first, every time: the author, the supervisor, and the successor once the note is
theirs. Lessons and documents are those that this reader may read.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from km365.core import successor_pack as rules
from km365.core.audience import Reader
from km365.core.departures import BANK
from km365.core.key_documents import Found
from km365.core.knowledge import Maturity
from km365.core.languages import LANGUAGES
from km365.core.pack_answers import Answers, Question, Quotation
from km365.core.questions import POST_LEFT
from km365.core.schedule import day_at
from km365.core.search_entries import KNOWLEDGE
from km365.core.search_meaning import Floats
from km365.core.search_question import Concepts, Filters, Query
from km365.core.still_true import one_sentence
from km365.core.successor_pack import Gap, Pack, Said, ToRead, Why
from km365.core.written_in import language_of
from km365.documents.gap_words import GapWords
from km365.documents.handover_note import of_the_note_itself
from km365.documents.questions import Banks
from km365.documents.successor_pack import PackWords, note_columns
from km365.documents.worker import Reader as FileReader
from km365.errors import Forbidden, GraphNotFound, NotFound
from km365.graph import people
from km365.graph.client import Graph
from km365.jobs.port import Jobs
from km365.services import calendar, filed_notes, gaps, key_documents, review, search
from km365.services.capture import Kept
from km365.services.filed_notes import FiledNote
from km365.services.gaps import GapDesk
from km365.services.search import SearchTerms
from km365.services.search_meaning import Meaning
from km365.settings import Settings
from km365.store.database import Database
from km365.templates import Templates

_READY, _READY_FOR = 20, timedelta(minutes=10)
"""So many packs a process keeps ready to be asked, and how long; who may ask is looked at each time."""
_OF_A_TOPIC = 4
"""Lessons looked at for each topic of a note; some are not published, or speak of it in passing."""


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A pack that can be asked at once."""

    pack: Pack
    answers: Answers
    vectors: Floats | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PackDesk:
    """What making packs needs. `terms` are those that questions are understood by."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    templates: Templates
    banks: Banks
    terms: Callable[[], Awaitable[Concepts]]
    meaning: Meaning | None
    now: Callable[[], datetime]
    ready: "OrderedDict[tuple[str, str, str], _Ready]" = field(default_factory=OrderedDict)


def desk_of(
    graph: Graph,
    db: Database,
    jobs: Jobs,
    settings: Settings,
    templates: Templates,
    now: Callable[[], datetime],
    *,
    meaning: Meaning | None,
) -> PackDesk:
    """A desk with the terms that are in force."""
    terms = SearchTerms(graph, settings, templates)
    return PackDesk(
        graph=graph,
        db=db,
        jobs=jobs,
        settings=settings,
        templates=templates,
        banks=Banks(templates),
        terms=terms.now,
        meaning=meaning,
        now=now,
    )


async def received(desk: PackDesk, person_id: str) -> list[FiledNote]:
    """The notes that this person has as successor or supervisor, the newest first.

    Needs Sites.Selected with read.
    """
    found = await filed_notes.around(desk.graph, desk.settings, person_id)
    theirs = [one for one in found if one.person_id != person_id and filed_notes.readable_by(one, person_id)]
    return theirs[::-1]


async def note_of(desk: PackDesk, leaver_id: str, person_id: str) -> FiledNote:
    """The note that this leaver filed last and this person may read. Raises Forbidden where there is none."""
    note = await filed_notes.last_of(desk.graph, desk.settings, person_id=leaver_id, reader_id=person_id)
    if note is not None:
        return note
    raise Forbidden(
        "There is no handover note of this person that the reader may read: the supervisor may once it is "
        "filed, the successor once it is handed to them."
    )


async def note_for(desk: PackDesk, note_id: str, person_id: str) -> FiledNote:
    """The note with that file id, as it is now. Raises NotFound where this person may not read it."""
    note = await filed_notes.get(desk.graph, desk.settings, note_id)
    if not filed_notes.readable_by(note, person_id):
        raise NotFound("There is no handover note for you.")
    return note


async def make(desk: PackDesk, note: FiledNote, reader: Reader, *, language: str) -> Pack:
    """The pack of a note that `reader` may read, its fixed words in `language`.

    Raises InputRefused where the file cannot be read any more, GraphError where SharePoint cannot be asked.
    Needs Sites.Selected with read, User.Read.All, and for documents what `key_documents.look_up` needs.
    """
    if not filed_notes.readable_by(note, reader.person_id):
        raise NotFound("There is no handover note for you.")
    now = desk.now()
    today = day_at(now, calendar.hours_of(desk.settings).of(note.office))
    said = await _said(desk, note)
    lessons, documents, milestones, open_, person = await asyncio.gather(
        _lessons(desk, note, said, reader),
        _documents(desk, said, reader),
        calendar.milestones(desk.graph, desk.settings),
        _gaps(desk, note, reader, language),
        _name_of(desk.graph, note.person_id),
    )
    words = PackWords(desk.templates, language)
    pack = Pack(
        note_id=note.item_id,
        person_id=note.person_id,
        person=person,
        post=note.post,
        office=note.office,
        last_on=note.last_on,
        filed_on=_filed_on(desk, note),
        language=note.language,
        web_url=note.web_url,
        to_read=rules.read_first(documents, [one for one, _ in lessons]),
        meetings=tuple(rules.meetings(said)),
        dates=tuple(rules.falls_due(said, today=today)),
        ahead=rules.ahead(milestones, office=note.office, today=today),
        gaps=tuple(open_),
    )
    shown = {one.web_url for one in pack.to_read}
    lines = [replace(one.line, web_url=note.web_url) for one in said]
    for read, kept in lessons:
        if read.web_url in shown:
            lines += rules.lesson_lines(kept.item, kept.web_url)
    lines += rules.calendar_lines(pack, ahead=words.text("ahead"), gaps=words.text("gaps"), language=language)
    return replace(pack, lines=tuple(lines))


async def ask(
    desk: PackDesk,
    note_id: str,
    text: str,
    reader: Reader,
    *,
    language: str,
    asking: Collection[str] = (),
) -> tuple[Pack, list[Quotation]]:
    """The pack, and its own sentences that answer the question, at most three; none where none does.

    `asking` are words that only make a question of others. Raises what `make` raises.
    """
    note = await note_for(desk, note_id, reader.person_id)
    ready = await _ready(desk, note, reader, language)
    concepts = await desk.terms()
    parts = await asyncio.to_thread(concepts.parts, text)
    asked = Question.of(text, parts, language=language_of(text, default=language) or language, asking=asking)
    cosines = None
    if desk.meaning is not None and ready.vectors is not None and asked.words:
        cosines = await desk.meaning.vectors(asked.words) @ ready.vectors.T
    return ready.pack, await asyncio.to_thread(ready.answers.to, asked, cosines)


async def _ready(desk: PackDesk, note: FiledNote, reader: Reader, language: str) -> _Ready:
    """The pack ready to be asked: as it was made minutes ago, where the note has not changed since."""
    key = (note.item_id, f"{note.file.ctag} {note.etag} {language}", reader.person_id)
    kept = desk.ready.get(key)
    if kept is None or desk.now() - kept.at > _READY_FOR:
        pack = await make(desk, note, reader, language=language)
        answers = await asyncio.to_thread(Answers, pack.lines)
        vectors = await desk.meaning.vectors(answers.words) if desk.meaning and answers.words else None
        kept = _Ready(pack=pack, answers=answers, vectors=vectors, at=desk.now())
    desk.ready[key] = kept
    desk.ready.move_to_end(key)
    while len(desk.ready) > _READY:
        desk.ready.popitem(last=False)
    return kept


async def _said(desk: PackDesk, note: FiledNote) -> list[Said]:
    """The lines of the note, its own language's bank first."""
    with FileReader(workers=1, ocr_command=desk.settings.ocr_command) as files:
        sections = await filed_notes.read(desk.graph, files, note)
    tags = sorted(LANGUAGES, key=lambda tag: tag != note.language)
    banks = [desk.banks.get(POST_LEFT if note.by_colleagues else BANK, tag) for tag in tags]
    ours = of_the_note_itself(desk.templates)
    texts = [
        (one.heading, [line.text for line in one.lines if not ours.fullmatch(line.text)]) for one in sections
    ]
    columns = note_columns(desk.templates)
    return rules.said_in(
        texts,
        banks,
        columns,
        language=note.language,
        day=_filed_on(desk, note),
        by_colleagues=note.by_colleagues,
    )


def _filed_on(desk: PackDesk, note: FiledNote) -> date:
    at = note.filed_at or note.file.modified_at or desk.now()
    return calendar.today(desk.settings, at, note.office)


async def _name_of(graph: Graph, person_id: str) -> str:
    """Somebody's name; "" where the directory does not know them any more."""
    try:
        return (await people.get_person(graph, person_id)).name
    except GraphNotFound:
        return ""


async def _gaps(desk: PackDesk, note: FiledNote, reader: Reader, language: str) -> list[Gap]:
    """What the handover leaves open, as far as this reader may know of it."""
    following = GapDesk(
        graph=desk.graph, db=desk.db, jobs=desk.jobs, settings=desk.settings, banks=desk.banks
    )
    try:
        shown = await gaps.get(following, note.person_id, reader.person_id, last_on=note.last_on)
    except NotFound:
        return []
    words = await asyncio.to_thread(GapWords.of, desk.banks, following.rules(), language)
    return [
        Gap(
            what=words.what(one),
            owner=shown.names.get(shown.circle.owner_of(one), ""),
            due_on=one.due_on,
            method=words.method(one.method),
        )
        for one in shown.open
    ]


async def _documents(desk: PackDesk, said: Sequence[Said], reader: Reader) -> list[ToRead]:
    """The documents that the note names and this reader can open, with the words of the line that does."""
    found: dict[str, ToRead] = {}
    cells = [cell for one in said for cell in one.line.text.split(rules.CELL)]
    lines = [one for one in cells if "://" in one]
    told = await key_documents.look_up(
        desk.graph, desk.settings, "\n".join(lines), person_id=reader.person_id
    )
    for one in told:
        if one.url and one.found is Found.YES:
            line = next((text for text in lines if one.address in text), "")
            says = rules.without_addresses(line)
            found.setdefault(one.url, ToRead(title=one.name, web_url=one.url, why=Why.NAMED, says=says))
    return list(found.values())


async def _lessons(
    desk: PackDesk, note: FiledNote, said: Sequence[Said], reader: Reader
) -> list[tuple[ToRead, Kept]]:
    """Published lessons on what the note is about that this reader may read, those of its office first."""
    concepts = await desk.terms()
    about = await asyncio.to_thread(rules.topics, said, concepts)
    labels = [term.label(note.language) for term in about]
    lessons: list[tuple[ToRead, Kept]] = []
    looked_at: set[str] = set()
    for office, why in ((note.office, Why.OFFICE), ("", Why.TOPIC)):
        for record in await _speaking_of(desk, labels, reader, concepts, office=office):
            if record in looked_at or len(lessons) == rules.READ_FIRST:
                continue
            looked_at.add(record)
            kept = await review.get_item(desk.graph, desk.settings, record, reader=reader)
            item, tags = kept.item, (tag for some in kept.tags.values() for tag in some)
            if item.maturity is not Maturity.PUBLISHED:
                continue
            if rules.is_on("\n".join((item.title, item.description, *tags)), about, concepts):
                says = one_sentence(item)
                read = ToRead(
                    title=item.title, web_url=kept.web_url, why=why, says=says, language=item.language
                )
                lessons.append((read, kept))
    return lessons


async def _speaking_of(
    desk: PackDesk, labels: Collection[str], reader: Reader, concepts: Concepts, *, office: str
) -> list[str]:
    """The ids of lessons, of one office or ("") of all, in which these labels are found, the best first."""
    today = calendar.today(desk.settings, desk.now(), reader.office)
    filters = Filters(office=office.lower(), kind=KNOWLEDGE)
    found: dict[str, None] = {}
    for label in labels:
        hits = await search.search(
            desk.db,
            desk.graph,
            desk.settings,
            Query(words=label, filters=filters),
            reader,
            concepts=concepts,
            today=today,
            most=_OF_A_TOPIC,
        )
        found |= dict.fromkeys(hit.record for hit in hits.hits)
    return list(found)
