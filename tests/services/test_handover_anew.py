"""A note filed anew: the same file, the same readers, the same departure, whatever has happened since."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from km365.core.audience import Audience
from km365.graph import drives, lists
from km365.local import users
from km365.services import filed_notes, handover, handover_readers
from km365.services.filed_notes import FiledNote, readable_by
from km365.services.handover_readers import ReadersDesk

from ..conftest import person_id, sign_in_name
from .test_handover import NOW, SAID, Desk, asked, interview, text_of
from .test_handover import desk as desk

CUT = "The old supplier is slow."
SAM, SUE, EVE, BEN = map(person_id, ("sam", "sue", "eve", "ben"))


async def files(desk: Desk, *said: str, at: datetime = NOW) -> None:
    """Ann sends what she has said, as it is by then."""
    app, given = desk.here.app, interview(*((one, Audience.SUCCESSOR) for one in said))
    note = await handover.build_note(app.graph, app.settings, app.templates, given, asked(), at=at)
    await handover.file_note(app.graph, app.db, app.jobs, app.settings, app.templates, note, at=at)


async def notes(desk: Desk) -> list[FiledNote]:
    return await filed_notes.list_(desk.here.app.graph, desk.here.app.settings)


def readers(desk: Desk) -> ReadersDesk:
    app = desk.here.app
    return ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)


async def writes(desk: Desk, row: str = "", **columns: Any) -> None:
    """Changes an entry of the *Departures* list, or adds one."""
    site_id, _ = await desk.library()
    target = await lists.get_list(desk.here.app.graph, site_id, "Departures")
    if row:
        await lists.update_fields(desk.here.app.graph, site_id, target.id, row, columns)
    else:
        await lists.create_item(desk.here.app.graph, site_id, target.id, columns)


@pytest.mark.parametrize("stays", [True, False], ids=["in the list", "taken out of the list"])
async def test_a_note_filed_anew_after_a_rotation_is_not_for_the_next_manager(
    desk: Desk, stays: bool
) -> None:
    await files(desk, SAID)
    await handover_readers.look(readers(desk), at=NOW)
    await handover_readers.look(readers(desk), at=NOW + timedelta(days=26))
    moved = {"office": "CO-ARD", "manager": EVE, "job_title": "Chief of Education"}
    upn = sign_in_name("ann")
    users.create(desk.here.m365.state, id=person_id("ann"), upn=upn, display_name="Ann", **moved)
    if not stays:
        site_id, _ = await desk.library()
        target = await lists.get_list(desk.here.app.graph, site_id, "Departures")
        await lists.delete_item(desk.here.app.graph, site_id, target.id, desk.departure)
    later = NOW + timedelta(days=60)
    await files(desk, SAID, at=later)
    await handover_readers.look(readers(desk), at=later)
    (note,) = await notes(desk)
    assert (note.post, note.office) == ("Chief of Water", "CO-BEL")
    assert [readable_by(note, one) for one in (SAM, SUE, EVE)] == [True, True, False]
    assert EVE not in {message.person_id for message in desk.told()}


async def test_a_note_first_filed_after_the_last_day_is_of_the_post_that_was_left(desk: Desk) -> None:
    moved = {"office": "CO-ARD", "manager": EVE, "job_title": "Chief of Education"}
    upn = sign_in_name("ann")
    users.create(desk.here.m365.state, id=person_id("ann"), upn=upn, display_name="Ann", **moved)
    await writes(desk, desk.departure, KMSupervisor=sign_in_name("sam"))
    await files(desk, SAID, at=NOW + timedelta(days=60))
    (note,) = await notes(desk)
    assert (note.post, note.office) == ("Chief of Water", "CO-BEL")
    assert (note.supervisor_id, note.successor_id) == (SAM, SUE)


async def test_a_corrected_post_leaves_no_second_copy_with_what_was_cut(desk: Desk) -> None:
    await files(desk, SAID, CUT)
    (first,) = await notes(desk)
    await writes(desk, desk.departure, KMPost="Chief of WASH", KMOffice="CO-ARD")
    await files(desk, SAID)
    (again,) = await notes(desk)
    assert again.item_id == first.item_id
    assert CUT not in text_of(await desk.content())


async def test_a_note_that_was_renamed_or_is_from_before_its_interview_was_kept_is_replaced(
    desk: Desk,
) -> None:
    await files(desk, SAID, CUT)
    (first,) = await notes(desk)
    await filed_notes.write(desk.here.app.graph, first, {"KMInterview": ""})
    await files(desk, SAID)
    path = drives.file_item_path(first.file.drive_id, first.item_id)
    await desk.here.app.graph.patch(path, {"name": "Water.docx"})
    await files(desk, SAID)
    (again,) = await notes(desk)
    assert (again.item_id, again.name) == (first.item_id, "Water.docx")


async def test_an_old_note_filed_anew_leaves_the_next_departure_of_the_person_alone(desk: Desk) -> None:
    await files(desk, SAID)
    await writes(
        desk,
        Title="Chief of Education",
        KMPerson=sign_in_name("ann"),
        KMPost="Chief of Education",
        KMOffice="CO-ARD",
        KMLastDay="2027-03-27T00:00:00Z",
        KMSuccessor=sign_in_name("ben"),
        KMState="in interview",
    )
    await files(desk, SAID, at=NOW + timedelta(days=60))
    (note,) = await notes(desk)
    assert (note.post, note.successor_id) == ("Chief of Water", SUE)
    assert [one.fields["KMState"] for one in await desk.departures()] == ["note filed", "in interview"]


async def test_whose_a_note_filed_anew_is_to_read_only_the_look_changes(desk: Desk) -> None:
    await files(desk, SAID)
    await handover_readers.look(readers(desk), at=NOW)
    (first,) = await notes(desk)
    await handover_readers.has_read(readers(desk), first.item_id, SAM, at=NOW)
    await handover_readers.look(readers(desk), at=NOW)
    await writes(desk, desk.departure, KMSuccessor=sign_in_name("ben"))
    later = NOW + timedelta(days=1)
    await files(desk, SAID, at=later)
    (again,) = await notes(desk)
    assert (readable_by(again, SUE), readable_by(again, BEN)) == (True, False)
    await handover_readers.look(readers(desk), at=later)
    (followed,) = await notes(desk)
    assert (followed.successor_id, readable_by(followed, SUE), followed.received_at) == (BEN, False, None)


async def test_without_a_successor_in_the_list_a_note_filed_anew_keeps_its_own(desk: Desk) -> None:
    await files(desk, SAID)
    await writes(desk, desk.departure, KMSuccessor="")
    await files(desk, SAID, at=NOW + timedelta(days=1))
    (note,) = await notes(desk)
    assert note.successor_id == SUE
