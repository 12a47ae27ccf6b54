"""From a leaver's answers to a Word note in the restricted library, and to those it is for."""

import asyncio
import re
from datetime import datetime

from km365.core import contacts
from km365.core.departures import Leaver, one_departure_each
from km365.core.handover_note import (
    DOCUMENTS,
    PEOPLE,
    HandoverNote,
    NoteSection,
    note_sections,
    without_kept_out,
)
from km365.core.interviews import Interview
from km365.core.questions import Bank
from km365.core.schema import DEPARTURES
from km365.documents.handover_note import NoteWriter
from km365.documents.messages import Catalogue
from km365.errors import GraphNotFound, NotFound
from km365.graph import drives, lists, people, sites
from km365.graph.client import Graph
from km365.jobs.port import Jobs
from km365.services import calendar, departures, filed_notes, handover_readers
from km365.services.contacts import recognise
from km365.services.filed_notes import FiledNote
from km365.services.key_documents import look_up
from km365.settings import Settings
from km365.store.database import Database
from km365.templates import Templates

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_NOT_IN_A_NAME = re.compile(r'["*:<>?/\\|#%\x00-\x1f]+')
"""What SharePoint does not take in a file name (support.microsoft.com, invalid file names)."""


async def build_note(
    graph: Graph,
    settings: Settings,
    templates: Templates,
    interview: Interview,
    bank: Bank,
    *,
    at: datetime,
) -> HandoverNote:
    """The note that the answers make, with the facts of the departure around them.

    Facts come from the *Departures* list, else from the directory, else, for one who left long ago, from what
    was known when they were asked; what nobody knows stays open. Lines that must not be kept are left out and
    counted; links of its documents are looked up. Needs User.Read.All and Sites.Selected with read, and
    what `key_documents.look_up` needs.
    """
    person = await people.get_person(graph, interview.person_id)
    leaver = await _departure(graph, settings, interview, now=at)
    supervisor_id = leaver.supervisor_id or person.manager_id or ""
    names = {
        other: (await people.get_person(graph, other)).name
        for other in (leaver.successor_id, supervisor_id)
        if other
    }
    sections, withheld = await asyncio.to_thread(_sections, templates, interview, bank)
    named = "\n".join(line.text for one in sections if one.target == DOCUMENTS for line in one.lines)
    return HandoverNote(
        interview_id=interview.id,
        departure_id=leaver.departure_id,
        person_id=person.id,
        person=person.name,
        post=leaver.post or person.job_title or "",
        office=leaver.office or person.office or "",
        successor_id=leaver.successor_id or None,
        successor=names.get(leaver.successor_id, ""),
        supervisor_id=supervisor_id or None,
        supervisor=names.get(supervisor_id, ""),
        last_on=interview.due_on or leaver.leaves_on,
        written_on=calendar.today(settings, at, leaver.office or person.office),
        language=interview.language,
        sections=sections,
        withheld=withheld,
        documents=tuple(await look_up(graph, settings, named, person_id=person.id)),
        colleagues=await _colleagues(graph, sections),
    )


async def _colleagues(graph: Graph, sections: tuple[NoteSection, ...]) -> dict[str, str]:
    """Post and office of the colleagues among the people of the note, by the name it gives them."""
    named = [
        one
        for section in sections
        if section.target == PEOPLE
        for line in section.lines
        for one in contacts.read(line.text)
    ]
    known = [one for one in await recognise(graph, named) if one.person_id]
    return {one.name: ", ".join(filter(None, (one.post, one.office))) for one in known}


def _sections(templates: Templates, interview: Interview, bank: Bank) -> tuple[tuple[NoteSection, ...], int]:
    return without_kept_out(note_sections(interview, bank), Catalogue(templates).keep_out)


async def file_note(
    graph: Graph,
    db: Database,
    jobs: Jobs,
    settings: Settings,
    templates: Templates,
    note: HandoverNote,
    *,
    at: datetime,
) -> FiledNote:
    """Files the note in the restricted library; `handover_readers` then sees to its readers.

    Safe to repeat with the same `at`: the name depends on the interview alone, so a second call replaces the
    file. Whose it is to read stays as it is for a note that is filed anew. Needs Sites.Selected with write on
    the knowledge site.
    """
    library = await filed_notes.library(graph, settings)
    data = await asyncio.to_thread(NoteWriter(templates).write, note)
    file = await drives.upload(graph, library.id, file_name(note), data, content_type=WORD)
    fields = {
        "Title": note.post,
        "KMPerson": note.person_id,
        "KMToldBy": filed_notes.COLLEAGUES if note.by_colleagues else "",
        "KMPost": note.post,
        "KMOffice": note.office,
        "KMSuccessor": note.successor_id or "",
        "KMSupervisor": note.supervisor_id or "",
        "KMLastDay": note.last_on.isoformat() if note.last_on else None,
        "KMLanguage": note.language,
        "KMFiledOn": at.isoformat(),
    }
    try:
        await filed_notes.get(graph, settings, file.id)
    except NotFound:
        fields |= {"KMSuccessor": note.successor_id or "", "KMSupervisor": note.supervisor_id or ""}
    await drives.update_fields(graph, library.id, file.id, fields)
    await _mark_filed(graph, settings, note)
    filed = await filed_notes.get(graph, settings, file.id)
    await db.run(handover_readers.begin, jobs, filed, interview_id=note.interview_id, at=at)
    return filed


def file_name(note: HandoverNote) -> str:
    """The note's file name: where and which post, no person's name, the same for the same interview."""
    words = _NOT_IN_A_NAME.sub(" ", f"{note.office} {note.post}").split()
    readable = " ".join(words)[:80].strip(" .~$") or "Handover"
    return f"{readable} {note.interview_id[:8]}.docx"


async def _departures(graph: Graph, settings: Settings, *, now: datetime) -> list[Leaver]:
    names = await calendar.directory(graph)
    listed = await departures.in_list(graph, settings, names, today=now.date())
    dated = await departures.in_directory(graph, now=now)
    return one_departure_each(listed.leavers, dated.leavers, today=now.date())


async def _departure(graph: Graph, settings: Settings, interview: Interview, *, now: datetime) -> Leaver:
    """What is known of the person's departure. Raises NotFound where nothing ever said that they leave."""
    for leaver in await _departures(graph, settings, now=now):
        if leaver.person_id == interview.person_id:
            return leaver
    if interview.due_on is not None:
        return Leaver(
            person_id=interview.person_id,
            leaves_on=interview.due_on,
            departure_id=interview.subject,
            office=interview.office,
        )
    raise NotFound("No departure is recorded for this person; add it to the Departures list.")


async def _mark_filed(graph: Graph, settings: Settings, note: HandoverNote) -> None:
    """Says in the *Departures* list, where the departure stands in it, that the note is filed."""
    if note.departure_id:
        site = await sites.get_site(graph, settings.knowledge_site)
        target = await lists.get_list(graph, site.id, DEPARTURES.title)
        try:
            row = await lists.get_item(graph, site.id, target.id, note.departure_id)
        except GraphNotFound:  # taken out of the list since; the note counts all the same
            return
        if row.fields.get("KMState") != "note filed":
            await lists.update_fields(
                graph, site.id, target.id, row.id, {"KMState": "note filed"}, etag=row.etag
            )
