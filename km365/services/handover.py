"""From a leaver's answers to a Word note in the restricted library, and to those it is for."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime, tzinfo

from km365.core import contacts
from km365.core.departures import CANCELLED, Leaver, departure_of, filled_in
from km365.core.handover_note import (
    DOCUMENTS,
    PEOPLE,
    HandoverNote,
    NoteSection,
    note_sections,
    without_kept_out,
)
from km365.core.interviews import Interview
from km365.core.note_lines import comma
from km365.core.questions import Bank
from km365.core.schema import DEPARTURES
from km365.documents.handover_note import NoteWriter
from km365.documents.messages import catalogue
from km365.errors import GraphNotFound, NotFound
from km365.graph import drives, lists, people, sites
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.jobs.port import Jobs
from km365.services import calendar, departures, filed_notes, handover_readers
from km365.services.calendar import Directory
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

    Post, office and readers are those of the note where it is filed already: by now the directory may tell of
    the person's next post. Else facts come from the *Departures* list, else from the directory, else, for one
    who left long ago, from what was known when they were asked; what nobody knows stays open. Lines that must
    not be kept are left out and counted; links of its documents are looked up. Needs User.Read.All and
    Sites.Selected with read, and what `key_documents.look_up` needs.
    """
    person = await people.get_person(graph, interview.person_id)
    directory = await calendar.directory(graph)
    leaver = await _departure(graph, settings, interview, directory, now=at)
    filed = await filed_notes.of_interview(graph, settings, person_id=person.id, interview_id=interview.id)
    if filed is None:
        leaver = replace(
            leaver,
            post=leaver.post or person.job_title,
            office=leaver.office or person.office,
            supervisor_id=leaver.supervisor_id or person.manager_id or "",
        )
    else:
        leaver = replace(
            leaver,
            post=filed.post,
            office=filed.office,
            successor_id=filed.successor_id,
            supervisor_id=filed.supervisor_id,
        )
    names = {
        other: (await people.get_person(graph, other)).name
        for other in (leaver.successor_id, leaver.supervisor_id)
        if other
    }
    zone = calendar.hours_of(settings).of(leaver.office).zone
    sections, withheld = await asyncio.to_thread(_sections, templates, interview, bank, zone)
    named = "\n".join(line.text for one in sections if one.target == DOCUMENTS for line in one.lines)
    return HandoverNote(
        interview_id=interview.id,
        departure_id=leaver.departure_id,
        person_id=person.id,
        person=person.name,
        post=leaver.post,
        office=leaver.office,
        successor_id=leaver.successor_id or None,
        successor=names.get(leaver.successor_id, ""),
        supervisor_id=leaver.supervisor_id or None,
        supervisor=names.get(leaver.supervisor_id, ""),
        last_on=interview.due_on or leaver.leaves_on,
        written_on=calendar.today(settings, at, leaver.office),
        language=interview.language,
        sections=sections,
        withheld=withheld,
        documents=tuple(await look_up(graph, settings, named, person_id=person.id)),
        colleagues=await _colleagues(graph, sections, directory, interview.language),
    )


async def _colleagues(
    graph: Graph, sections: tuple[NoteSection, ...], directory: Directory, language: str
) -> dict[str, str]:
    """The colleagues among the people of the note, as `HandoverNote.colleagues` has them."""
    named = [
        one
        for section in sections
        if section.target == PEOPLE
        for line in section.lines
        for one in contacts.read(line.text)
    ]
    everybody = (*directory.people, *directory.off)
    found = zip(named, await recognise(graph, named, directory=everybody), strict=True)
    return {
        told.name or told.line: comma(language).join(
            filter(None, (known.name * (not told.name), known.post, known.office))
        )
        for told, known in found
        if known.person_id
    }


def _sections(
    templates: Templates, interview: Interview, bank: Bank, zone: tzinfo
) -> tuple[tuple[NoteSection, ...], int]:
    return without_kept_out(note_sections(interview, bank, zone=zone), catalogue(templates).keep_out)


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

    Safe to repeat with the same `at`: filed anew, the note of an interview replaces its file whatever that is
    called by now, and whose it is to read stays as it is. Needs Sites.Selected with write on the knowledge
    site.
    """
    library = await filed_notes.library(graph, settings)
    data = await asyncio.to_thread(NoteWriter(templates).write, note)
    before = await filed_notes.of_interview(
        graph, settings, person_id=note.person_id, interview_id=note.interview_id
    )
    path = before.file.path if before else file_name(note)
    file = await drives.upload(graph, library.id, path, data, content_type=WORD)
    fields = {
        "Title": note.post,
        "KMPerson": note.person_id,
        "KMInterview": note.interview_id,
        "KMToldBy": filed_notes.COLLEAGUES if note.by_colleagues else "",
        "KMPost": note.post,
        "KMOffice": note.office,
        "KMLastDay": note.last_on.isoformat() if note.last_on else None,
        "KMLanguage": note.language,
        "KMFiledOn": at.isoformat(),
    }
    if before is None:
        fields |= {"KMSuccessor": note.successor_id or "", "KMSupervisor": note.supervisor_id or ""}
    await drives.update_fields(graph, library.id, file.id, fields)
    await _mark_filed(graph, settings, note)
    filed = await filed_notes.get(graph, settings, file.id)
    await db.run(handover_readers.begin, jobs, filed, interview_id=note.interview_id, at=at)
    return filed


async def is_called_off(graph: Graph, settings: Settings, departure_id: str) -> bool:
    """Whether the *Departures* list says that this departure is cancelled.

    Needs Sites.Selected with read on the knowledge site.
    """
    found = await _entry(graph, settings, departure_id)
    return found is not None and found[1].fields.get("KMState") == CANCELLED


def file_name(note: HandoverNote) -> str:
    """The name it is first filed under: where and which post, no person's name, the interview's mark."""
    words = _NOT_IN_A_NAME.sub(" ", f"{note.office} {note.post}").split()
    readable = " ".join(words)[:80].strip(" .~$") or "Handover"
    return f"{readable}{filed_notes.ending(note.interview_id)}"


async def _departure(
    graph: Graph, settings: Settings, interview: Interview, names: Directory, *, now: datetime
) -> Leaver:
    """What is known of the departure it is about. Raises NotFound where nothing ever said that they leave."""
    who, last_on = interview.person_id, interview.due_on
    today = calendar.today(settings, now)
    listed = await departures.in_list(graph, settings, names, today=today, gone={who})
    dated = await departures.in_directory(graph, now=now)
    entry = departure_of(listed.leavers, who, last_on=last_on, departure_id=interview.subject)
    found = departure_of(dated.leavers, who, last_on=entry.leaves_on if entry else last_on)
    if entry is not None:
        return filled_in(entry, found) if found else entry
    if found is not None:
        return found
    if interview.due_on is not None:
        return Leaver(
            person_id=interview.person_id,
            leaves_on=interview.due_on,
            departure_id=interview.subject,
            office=interview.office,
        )
    raise NotFound("No departure is recorded for this person; add it to the Departures list.")


async def _mark_filed(graph: Graph, settings: Settings, note: HandoverNote) -> None:
    """Says in the *Departures* list, where the departure stands in it, that the note is filed.

    A departure that was called off stays so: it is put on again by people only.
    """
    found = await _entry(graph, settings, note.departure_id)
    if found is None:
        return
    target, row = found
    if row.fields.get("KMState") not in {"note filed", CANCELLED}:
        site = await sites.get_site(graph, settings.knowledge_site)
        await lists.update_fields(graph, site.id, target, row.id, {"KMState": "note filed"}, etag=row.etag)


async def _entry(graph: Graph, settings: Settings, departure_id: str) -> tuple[str, Item] | None:
    """The departure's entry with the id of its list; None where it has none, or has been taken out since."""
    if not departure_id:
        return None
    site = await sites.get_site(graph, settings.knowledge_site)
    target = await lists.get_list(graph, site.id, DEPARTURES.title)
    try:
        return target.id, await lists.get_item(graph, site.id, target.id, departure_id)
    except GraphNotFound:
        return None
