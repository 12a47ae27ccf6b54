"""Handover notes as they lie in the restricted library: the file, what its columns say, and its text.

What is read after filing is read from here, because SharePoint is the record and answers expire with us.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from km365.core.passages import Kind, Passage
from km365.core.schema import HANDOVER_NOTES
from km365.documents.worker import Reader
from km365.errors import GraphError, NotFound
from km365.graph import documents, drives, sites
from km365.graph.client import Graph
from km365.graph.documents import Document
from km365.graph.drives import Drive, File
from km365.graph.wire import moment, odata_text
from km365.services import file_text
from km365.services.calendar import day_of, text
from km365.settings import Settings

COLLEAGUES = "colleagues"
"""In the column *Told by*: they told it, because the person had left."""
_ROLES = ("KMPerson", "KMSuccessor", "KMSupervisor")
_COLUMNS = tuple(column.name for column in HANDOVER_NOTES.columns)


@dataclass(frozen=True, kw_only=True)
class FiledNote:
    """A note in the library. People are Entra object ids, empty where there is nobody."""

    file: File
    etag: str
    """Of the columns; it moves on with any change."""
    person_id: str
    post: str
    office: str
    successor_id: str
    supervisor_id: str
    last_on: date | None
    language: str
    filed_at: datetime | None
    """None for a note filed before this was kept: its readers were told when it was filed."""
    acknowledged_at: datetime | None
    """When the supervisor said that they have read it."""
    acknowledged_by: str
    received_at: datetime | None
    """Since when it is the successor's to read."""
    read_at: datetime | None
    """When the successor said that they have read it."""
    by_colleagues: bool = False
    """Whether colleagues told it; then it is not for the person, who had left."""
    interview_id: str = ""
    """The interview it is from; empty in a note filed before this was kept, which has it in its name."""

    @property
    def item_id(self) -> str:
        """The file's id in the library, the same for as long as it lies there."""
        return self.file.id

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def web_url(self) -> str:
        """Where it opens, for who may open it there."""
        return self.file.web_url


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading of a note, empty before the first, and what stands under it in order.

    The cells of a table's row are separated by " | ".
    """

    heading: str
    lines: tuple[Passage, ...]


def readable_by(note: FiledNote, person_id: str) -> bool:
    """Whether this person may read it now: its author, the supervisor, the successor once it is theirs."""
    author = "" if note.by_colleagues else note.person_id
    if person_id in {author, note.supervisor_id}:
        return bool(person_id)
    received = note.received_at is not None or note.filed_at is None
    return bool(person_id) and person_id == note.successor_id and received


async def library(graph: Graph, settings: Settings) -> Drive:
    """Where notes are filed. Raises GraphNotFound where `km365 provision apply` has not run."""
    site = await sites.get_site(graph, settings.knowledge_site)
    return await drives.get_drive(graph, site.id, HANDOVER_NOTES.title)


async def list_(graph: Graph, settings: Settings) -> list[FiledNote]:
    """Every note in the library, the one filed first first. Needs Sites.Selected with read; 2 units for 200.

    Files that km365 did not file are left out.
    """
    drive = await library(graph, settings)
    found = [_note(one) async for one in documents.walk(graph, drive.id, columns=_COLUMNS)]
    notes = [one for one in found if one is not None]
    return _in_order(notes)


def _in_order(notes: Iterable[FiledNote]) -> list[FiledNote]:
    return sorted(notes, key=lambda one: (one.filed_at is not None, one.filed_at or one.file.modified_at))


async def around(
    graph: Graph, settings: Settings, person_id: str, *, roles: Sequence[str] = _ROLES
) -> list[FiledNote]:
    """The notes of which this person is author, successor or supervisor, the one filed first first.

    Asked for column by column: SharePoint's indexes are of no use to an "or". Needs Sites.Selected with read.
    """
    site = await sites.get_site(graph, settings.knowledge_site)
    drive = await drives.get_drive(graph, site.id, HANDOVER_NOTES.title)
    notes: dict[str, FiledNote] = {}
    for role in roles:
        query = f"fields/{role} eq {odata_text(person_id)}"
        async for one in documents.filtered(graph, site.id, drive.list_id, query, columns=_COLUMNS):
            if (note := _note(one)) is not None:
                notes[note.item_id] = note
    return _in_order(notes.values())


async def last_of(graph: Graph, settings: Settings, *, person_id: str, reader_id: str) -> FiledNote | None:
    """The note that this person filed last and the reader may read; None where there is none."""
    for note in reversed(await around(graph, settings, person_id, roles=["KMPerson"])):
        if readable_by(note, reader_id):
            return note
    return None


async def of_interview(
    graph: Graph, settings: Settings, *, person_id: str, interview_id: str
) -> FiledNote | None:
    """The note that was filed from this interview, under whatever name; None where there is none yet."""
    for note in reversed(await around(graph, settings, person_id, roles=["KMPerson"])):
        named = not note.interview_id and note.name.endswith(ending(interview_id))
        if named or note.interview_id == interview_id:
            return note
    return None


def ending(interview_id: str) -> str:
    """What the name of a note from this interview ends with when it is first filed."""
    return f" {interview_id[:8]}.docx"


async def get(graph: Graph, settings: Settings, item_id: str) -> FiledNote:
    """The note with that file id. Raises NotFound."""
    drive = await library(graph, settings)
    (found,) = await documents.get_many(graph, [(drive.id, item_id)], columns=_COLUMNS)
    if isinstance(found, GraphError) and not isinstance(found, NotFound):
        raise found
    note = _note(found) if isinstance(found, Document) else None
    if note is None:
        raise NotFound(f"The library {HANDOVER_NOTES.title!r} holds no such note any more.")
    return note


async def write(graph: Graph, note: FiledNote, fields: Mapping[str, Any]) -> None:
    """Changes columns of the note. Raises ChangedMeanwhile where somebody else has changed any since."""
    await drives.update_fields(graph, note.file.drive_id, note.item_id, fields, etag=note.etag)


async def read(graph: Graph, reader: Reader, note: FiledNote) -> list[Section]:
    """The note's text by heading, as it is in the file now. Raises InputRefused where it cannot be read.

    Who asks must be `readable_by` it: this looks at nobody.
    """
    return sections(await file_text.read(graph, reader, note.file))


def sections(passages: Iterable[Passage]) -> list[Section]:
    """The passages of a note by the heading they stand under."""
    found: list[tuple[str, list[Passage]]] = [("", [])]
    for one in passages:
        if one.kind is Kind.HEADING:
            found.append((one.text, []))
        elif one.kind in {Kind.BODY, Kind.TABLE}:
            found[-1][1].append(one)
    return [Section(heading=heading, lines=tuple(lines)) for heading, lines in found if heading or lines]


def _note(found: Document) -> FiledNote | None:
    if found.item is None or not (person_id := text(found.item, "KMPerson")):
        return None
    item = found.item
    return FiledNote(
        file=found.file,
        etag=item.etag,
        person_id=person_id,
        post=text(item, "KMPost"),
        office=text(item, "KMOffice"),
        successor_id=text(item, "KMSuccessor"),
        supervisor_id=text(item, "KMSupervisor"),
        last_on=day_of(item.fields.get("KMLastDay")),
        language=text(item, "KMLanguage"),
        filed_at=moment(item.fields.get("KMFiledOn")),
        acknowledged_at=moment(item.fields.get("KMAcknowledgedOn")),
        acknowledged_by=text(item, "KMAcknowledgedBy"),
        received_at=moment(item.fields.get("KMReceivedOn")),
        read_at=moment(item.fields.get("KMReadOn")),
        by_colleagues=text(item, "KMToldBy") == COLLEAGUES,
        interview_id=text(item, "KMInterview"),
    )
