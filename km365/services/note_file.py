"""The file of a handover note, for those who may read it: as it is filed, or as it would be if sent."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from km365.core.departures import BANK
from km365.core.interviews import WAITING, Interview
from km365.documents.handover_note import NoteWriter
from km365.documents.questions import Banks
from km365.errors import Forbidden, NotFound
from km365.graph import drives
from km365.graph.client import Graph
from km365.services import filed_notes, handover
from km365.services import interview as talks
from km365.services.filed_notes import FiledNote
from km365.settings import Settings
from km365.store import interviews
from km365.store.database import Connection, Database
from km365.templates import Templates

_LARGEST_BYTES = 50 * 1024 * 1024
"""A note is some hundred kilobytes; somebody may have put pictures into it since."""


@dataclass(frozen=True, kw_only=True)
class NoteFile:
    """A note as a Word file. `annexes` are the headings of what did not fit on its first five pages.

    `url` is where it lies; empty for a draft, of which nobody knows what its annexes hold but its author.
    """

    name: str
    data: bytes
    url: str = ""
    annexes: tuple[str, ...] = ()

    @property
    def filed(self) -> bool:
        """Whether it is the note in the library, and no draft."""
        return bool(self.url)


async def file_of(
    graph: Graph,
    db: Database,
    settings: Settings,
    templates: Templates,
    *,
    person_id: str,
    reader_id: str,
    now: datetime,
) -> NoteFile:
    """The note of this person: to themself as it would be while they have not sent it, else as it is filed.

    Raises Forbidden where it is not the reader's to read, whether there is one or not, and NotFound where
    the person has said nothing yet. Needs what `handover.build_note` needs.
    """
    own = person_id == reader_id
    talk = await db.run(_talk, person_id) if own else None
    filed = await filed_notes.last_of(graph, settings, person_id=person_id, reader_id=reader_id)
    if talk is not None and talk.said_something and (talk.state in WAITING or filed is None):
        return await _draft(graph, settings, templates, talk, now=now)
    if filed is not None:
        return await _filed(graph, filed)
    if own:
        raise NotFound(
            "There is no handover note of yours: nothing has been answered, or it is withdrawn. "
            "`km365 handover list` shows how far it is."
        )
    raise Forbidden(
        "There is no handover note of this person that the reader may read: the supervisor may once it is "
        "filed, the successor once it is handed to them, and until then only who writes it."
    )


async def _filed(graph: Graph, note: FiledNote) -> NoteFile:
    data = await drives.download(graph, note.file.drive_id, note.item_id, limit_bytes=_LARGEST_BYTES)
    return NoteFile(name=note.name, data=data, url=note.web_url)


async def _draft(
    graph: Graph, settings: Settings, templates: Templates, talk: Interview, *, now: datetime
) -> NoteFile:
    bank = Banks(templates).get(talk.bank, talk.language)
    note = await handover.build_note(graph, settings, templates, talk, bank, at=now)
    writer = NoteWriter(templates)
    data = await asyncio.to_thread(writer.write, note)
    annexes = tuple(one.heading for one in writer.pages(note).annexes)
    return NoteFile(name=handover.file_name(note), data=data, annexes=annexes)


def _talk(c: Connection, person_id: str) -> Interview | None:
    """The person's handover interview, the one touched last."""
    found = interviews.list_(c, person_id=person_id, bank_id=BANK, limit=1)
    return talks.load(c, found[0].id) if found else None
