"""A handover note: the leaver's words in a Word file, filed once, read by those it is for and nobody else."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import docx
import pytest

from km365.core.audience import Audience
from km365.core.handover_note import HandoverNote, NoteLine, NoteSection, Source
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.languages import LANGUAGES
from km365.core.questions import Bank
from km365.documents.handover_note import NoteWriter
from km365.documents.questions import Banks
from km365.errors import Forbidden, GraphError, NotFound
from km365.graph import drives, lists, sites
from km365.graph.drives import File
from km365.graph.lists import Item
from km365.local import faults, users
from km365.services import handover, handover_list, handover_readers
from km365.services import interview as talks
from km365.services.filed_notes import FiledNote
from km365.services.handover_readers import ReadersDesk
from km365.store import outbox
from km365.store.outbox import Message
from km365.templates import Templates

from ..conftest import Provisioned, person_id, sign_in_name

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAST_DAY = date(2026, 3, 27)
BANKS = Banks(Templates())
SAID = "Three pumps wait for parts."
SOURCE = Source(
    question="work",
    number=5,
    asked="What are you working on?",
    said_on=NOW.date(),
    audience=Audience.SUCCESSOR,
    language="en",
)
CONFIDENCE = "Only the ombudsperson knows about slate-7431."


def asked(language: str = "en") -> Bank:
    return BANKS.get("handover", language)


def interview(*said: tuple[str, Audience], language: str = "en") -> Interview:
    """Ann's interview, with these texts as answers to the questions that a note is made of."""
    into_note = [one for one in asked().questions if any(t.startswith("handover.") for t in one.becomes)]
    answers = tuple(
        Answer(question=question.id, text=text, audience=audience, language=language, at=NOW)
        for question, (text, audience) in zip(into_note, said, strict=False)
    )
    return Interview(
        id="7f3a9c21d4e84b7f9a6c0d1e2f3a4b5c",
        key="handover:ann",
        bank="handover",
        person_id=person_id("ann"),
        language=language,
        state=InterviewState.DRAFT,
        created_at=NOW,
        changed_at=NOW,
        subject="1",
        office="CO-BEL",
        due_on=LAST_DAY,
        answers=answers,
    )


@dataclass
class Desk:
    """Ann, Chief of Water in CO-BEL, leaves; Sue follows her and Sam is her supervisor."""

    here: Provisioned
    departure: str

    async def build(self, given: Interview) -> HandoverNote:
        app = self.here.app
        return await handover.build_note(
            app.graph, app.settings, app.templates, given, asked(given.language), at=NOW
        )

    async def file(self, note: HandoverNote) -> FiledNote:
        app = self.here.app
        return await handover.file_note(
            app.graph, app.db, app.jobs, app.settings, app.templates, note, at=NOW
        )

    async def library(self) -> tuple[str, str]:
        site = await sites.get_site(self.here.app.graph, self.here.app.settings.knowledge_site)
        return site.id, (await drives.get_drive(self.here.app.graph, site.id, "Handover notes")).id

    async def files(self) -> list[File]:
        _, drive = await self.library()
        return [one async for one in drives.list_files(self.here.app.graph, drive)]

    async def content(self) -> bytes:
        (file,) = await self.files()
        return await drives.download(self.here.app.graph, file.drive_id, file.id, limit_bytes=10**7)

    async def departures(self) -> list[Item]:
        site_id, _ = await self.library()
        target = await lists.get_list(self.here.app.graph, site_id, "Departures")
        return [one async for one in lists.list_items(self.here.app.graph, site_id, target.id)]

    def sees_to_readers(self) -> bool:
        """Whether the job that sees to the readers of notes is asked for."""
        with self.here.app.db.begin() as c:
            return any(job.name == handover_readers.JOB for job in self.here.app.jobs.list_(c))

    def told(self) -> list[Message]:
        with self.here.app.db.begin() as c:
            return [one.message for one in outbox.list_(c)]


@pytest.fixture
async def desk(provisioned: Provisioned) -> Desk:
    graph = provisioned.app.graph
    site = await sites.get_site(graph, provisioned.app.settings.knowledge_site)
    target = await lists.get_list(graph, site.id, "Departures")
    fields = {
        "Title": "Chief of Water",
        "KMPerson": sign_in_name("ann"),
        "KMPost": "Chief of Water",
        "KMOffice": "CO-BEL",
        "KMLastDay": f"{LAST_DAY}T00:00:00Z",
        "KMSuccessor": sign_in_name("sue"),
        "KMState": "in interview",
    }
    return Desk(provisioned, (await lists.create_item(graph, site.id, target.id, fields)).id)


def text_of(data: bytes) -> str:
    document = docx.Document(io.BytesIO(data))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


async def test_a_note_holds_the_facts_of_the_departure_and_what_was_said(desk: Desk) -> None:
    note = await desk.build(interview((SAID, Audience.SUCCESSOR)))
    assert (note.post, note.office, note.last_on) == ("Chief of Water", "CO-BEL", LAST_DAY)
    assert (note.successor_id, note.supervisor_id) == (person_id("sue"), person_id("sam"))
    text = text_of(NoteWriter(Templates()).write(note))
    for expected in (SAID, note.sections[0].heading, "Chief of Water", "Sue Paperboat", "27 March 2026"):
        assert expected in text


async def test_the_days_in_a_note_are_those_of_the_duty_station(desk: Desk) -> None:
    app, given = desk.here.app, interview((SAID, Audience.SUCCESSOR))
    late = NOW.replace(hour=22)  # past midnight in CO-BEL, which keeps the time of Nairobi
    given = replace(given, answers=tuple(replace(one, at=late) for one in given.answers))
    note = await handover.build_note(app.graph, app.settings, app.templates, given, asked(), at=late)
    tomorrow = NOW.date() + timedelta(days=1)
    assert (note.sections[0].lines[0].source.said_on, note.written_on) == (tomorrow, tomorrow)


async def test_what_only_named_people_may_read_is_nowhere_in_the_note_nor_that_there_is_such(
    desk: Desk,
) -> None:
    given = interview(
        (SAID, Audience.OFFICE), (CONFIDENCE, Audience.NAMED), (CONFIDENCE, Audience.UNRECORDED)
    )
    await desk.file(await desk.build(given))
    text = text_of(await desk.content())
    assert SAID in text
    assert "slate-7431" not in text
    without = await desk.build(interview((SAID, Audience.OFFICE)))
    assert text == text_of(NoteWriter(Templates()).write(without)), "nobody is told that something is missing"
    assert all("slate-7431" not in str(message.data) for message in desk.told())


async def test_a_link_that_leads_to_nothing_is_said_so_in_the_note(desk: Desk) -> None:
    site = await sites.get_site(desk.here.app.graph, desk.here.app.settings.knowledge_site)
    answer = Answer(
        question="documents",
        text=f"Water map: {site.web_url}/Shared%20Documents/Lost.xlsx",
        audience=Audience.SUCCESSOR,
        language="en",
        at=NOW,
    )
    note = await desk.build(replace(interview(), answers=(answer,)))
    assert "Not found: nothing is at this address" in text_of(NoteWriter(Templates()).write(note))


async def test_a_line_that_looks_like_a_password_is_in_no_note_whatever_was_kept(desk: Desk) -> None:
    given = interview((f"{SAID}\nuser: ann pass: slate-7431", Audience.SUCCESSOR))
    note = await desk.build(given)
    text = text_of(NoteWriter(Templates()).write(note))
    assert SAID in text and "slate-7431" not in text
    assert note.withheld == 1


async def test_filing_puts_one_named_file_and_its_facts_into_the_restricted_library(desk: Desk) -> None:
    filed = await desk.file(await desk.build(interview((SAID, Audience.SUCCESSOR))))
    (file,) = await desk.files()
    assert file.name == filed.name == "CO-BEL Chief of Water 7f3a9c21.docx"
    assert "paperboat" not in file.name.casefold() and "ann" not in file.name.casefold()
    fields = (await drives.get_fields(desk.here.app.graph, file.drive_id, file.id)).fields
    assert fields["KMPerson"] == person_id("ann")
    assert fields["KMSuccessor"] == person_id("sue")
    assert fields["KMLastDay"].startswith("2026-03-27")
    (departure,) = await desk.departures()
    assert departure.fields["KMState"] == "note filed"


async def test_filing_twice_is_one_file_and_its_readers_are_seen_to(desk: Desk) -> None:
    note = await desk.build(interview((SAID, Audience.SUCCESSOR)))
    first = await desk.file(note)
    again = await desk.file(note)
    assert (first.item_id, first.web_url) == (again.item_id, again.web_url)
    assert len(await desk.files()) == 1
    assert desk.sees_to_readers()


async def test_a_note_cut_off_while_it_was_filed_is_filed_the_next_time(desk: Desk) -> None:
    note = await desk.build(interview((SAID, Audience.SUCCESSOR)))
    await fail_next_patch(desk.here)
    with pytest.raises(GraphError):
        await desk.file(note)
    assert not desk.sees_to_readers(), "nobody is sent to a note that is not whole"
    await desk.file(note)
    assert len(await desk.files()) == 1
    assert desk.sees_to_readers()


async def fail_next_patch(here: Provisioned) -> None:
    faults.switch(here.m365.state, "next_requests", on=True, verb="PATCH", path="*/fields", status=500)


async def test_a_departure_taken_out_of_the_list_does_not_keep_the_note(desk: Desk) -> None:
    note = await desk.build(interview((SAID, Audience.SUCCESSOR)))
    site_id, _ = await desk.library()
    target = await lists.get_list(desk.here.app.graph, site_id, "Departures")
    await lists.delete_item(desk.here.app.graph, site_id, target.id, desk.departure)
    await desk.file(note)
    assert len(await desk.files()) == 1


async def test_a_person_of_whom_no_departure_is_known_gets_no_note(desk: Desk) -> None:
    stranger = replace(interview((SAID, Audience.SUCCESSOR)), person_id=person_id("eve"), due_on=None)
    with pytest.raises(NotFound, match="No departure is recorded"):
        await desk.build(stranger)


async def test_who_left_long_ago_still_hands_over(desk: Desk) -> None:
    app, later = desk.here.app, NOW + timedelta(days=200)
    late = interview((SAID, Audience.SUCCESSOR))
    note = await handover.build_note(app.graph, app.settings, app.templates, late, asked(), at=later)
    assert (note.last_on, note.office, note.post) == (LAST_DAY, "CO-BEL", "Chief of Water")
    assert (note.departure_id, note.supervisor_id) == (late.subject, person_id("sam"))
    await desk.file(note)
    assert len(await desk.files()) == 1
    (departure,) = await desk.departures()
    assert departure.fields["KMState"] == "note filed"


async def test_a_leave_date_in_the_directory_is_enough(desk: Desk) -> None:
    leaves = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT17:00:00Z")
    new = users.create(
        desk.here.m365.state,
        id="0f0f0f0f-0000-4000-8000-000000000001",
        upn=sign_in_name("kim"),
        display_name="Kim Paperboat",
        job_title="Driver: night | day",
        office="CO-BEL",
        leaves_at=leaves,
    )
    given = replace(interview((SAID, Audience.SUCCESSOR)), person_id=new, due_on=None)
    app = desk.here.app
    note = await handover.build_note(
        app.graph, app.settings, app.templates, given, asked(), at=datetime.now(UTC)
    )
    assert (note.departure_id, note.successor_id, note.supervisor_id) == ("", None, None)
    assert (await desk.file(note)).name == "CO-BEL Driver night day 7f3a9c21.docx"
    assert desk.told() == []


async def test_the_overview_says_how_far_each_handover_is_and_never_what_was_said(desk: Desk) -> None:
    app = desk.here.app
    readers = ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    (standing,) = await handover_list.overview(readers, now=NOW)
    assert (standing.post, standing.state, standing.answers) == ("Chief of Water", "in interview", 0)
    assert standing.leaves_on == LAST_DAY


async def test_the_overview_counts_only_answers_that_the_readers_of_the_note_may_read(desk: Desk) -> None:
    app, said = desk.here.app, interview((SAID, Audience.SUCCESSOR), (CONFIDENCE, Audience.NAMED))
    readers = ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    with app.db.begin() as c:
        made = talks.create(c, replace(said, key="handover:told"), at=NOW)
        talks.keep(c, replace(said, version=made.version))
    (standing,) = await handover_list.overview(readers, now=NOW)
    assert standing.answers == 1


async def test_a_library_that_refuses_is_said_with_the_permission(desk: Desk) -> None:
    note = await desk.build(interview((SAID, Audience.SUCCESSOR)))
    faults.switch(desk.here.m365.state, "next_requests", on=True, verb="PUT", path="*", status=403)
    with pytest.raises(Forbidden, match=r"Sites\.Selected with write"):
        await desk.file(note)
    assert desk.told() == []


# in every language ---------------------------------------------------------------------------------------


def note_in(language: str, lines: Sequence[str] = (SAID,)) -> HandoverNote:
    sections = tuple(
        NoteSection(
            target=target,
            heading=heading,
            lines=tuple(NoteLine(text=line, source=SOURCE) for line in lines),
        )
        for target, heading in asked(language).sections
        if target.startswith("handover.")
    )
    return HandoverNote(
        interview_id="7f3a9c21d4e84b7f9a6c0d1e2f3a4b5c",
        departure_id="1",
        person_id=person_id("ann"),
        person="Ann Paperboat",
        post="Chief of Water",
        office="CO-BEL",
        successor_id=None,
        successor="",
        supervisor_id=person_id("sam"),
        supervisor="Sam Paperboat",
        last_on=LAST_DAY,
        written_on=NOW.date(),
        language=language,
        sections=sections,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_note_reads_in_every_language(language: str) -> None:
    data = NoteWriter(Templates()).write(note_in(language))
    text = text_of(data)
    for section in note_in(language).sections:
        assert section.heading in text
    assert SAID in text
    assert "{" not in text
    if language == "ar":
        xml = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml")
        assert xml.count(b"<w:bCs/>") == xml.count(b"<w:b/>") > 0
    if language != "en":
        assert "Supervisor" not in text
        assert "Last day" not in text


@pytest.mark.parametrize(
    ("post", "name"),
    [
        ('Chief: "Water"/Health?', "CO-BEL Chief Water Health 7f3a9c21.docx"),
        ("  ", "CO-BEL 7f3a9c21.docx"),
        ("~$. ", "CO-BEL 7f3a9c21.docx"),
        ("P" * 300, f"CO-BEL {'P' * 73} 7f3a9c21.docx"),
        ("Línea\nÜber 水", "CO-BEL Línea Über 水 7f3a9c21.docx"),
    ],
)
def test_a_file_name_is_one_that_sharepoint_takes(post: str, name: str) -> None:
    assert handover.file_name(replace(note_in("en"), post=post)) == name


async def test_colleagues_among_the_people_stand_with_their_post_and_office(desk: Desk) -> None:
    people = next(place for place, one in enumerate(asked().questions) if one.id == "people")
    said = "Ben Paperboat — knows the terms, introduced by Sue\nMaria Lopez, UNDP — funds the pumps"
    said += f"\n{sign_in_name('sue')}"
    given = interview(*[("", Audience.SUCCESSOR)] * people, (said, Audience.SUCCESSOR))
    text = text_of(NoteWriter(Templates()).write(await desk.build(given)))
    assert "Ben Paperboat (Focal point, CO-BEL)\nknows the terms\nintroduced by Sue" in text
    assert "Maria Lopez, UNDP\nfunds the pumps" in text
    assert f"{sign_in_name('sue')} (Sue Paperboat, Water Specialist, CO-BEL)" in text


async def test_a_departure_that_was_called_off_stays_so_when_its_note_is_filed(desk: Desk) -> None:
    note = await desk.build(interview((SAID, Audience.SUCCESSOR)))
    app = desk.here.app
    assert not await handover.is_called_off(app.graph, app.settings, note.departure_id)
    site_id, _ = await desk.library()
    target = await lists.get_list(app.graph, site_id, "Departures")
    await lists.update_fields(app.graph, site_id, target.id, desk.departure, {"KMState": "cancelled"})
    assert await handover.is_called_off(app.graph, app.settings, note.departure_id)
    await desk.file(note)
    (departure,) = await desk.departures()
    assert departure.fields["KMState"] == "cancelled"
    await handover_readers.look(
        ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings), at=NOW
    )
    assert desk.told() == []
