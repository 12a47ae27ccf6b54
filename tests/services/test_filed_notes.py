"""Notes as they lie in the restricted library: found by columns, read by heading, by whom they are for."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from km365.core.audience import Audience
from km365.core.passages import Kind
from km365.documents.worker import Reader
from km365.errors import NotFound
from km365.graph import drives
from km365.services import filed_notes

from ..conftest import Provisioned, person_id
from .test_handover import LAST_DAY, NOW, SAID, Desk, desk, interview

__all__ = ["desk"]


async def test_a_filed_note_is_found_by_its_columns_and_read_by_heading(desk: Desk) -> None:
    app = desk.here.app
    filed = await desk.file(await desk.build(interview((SAID, Audience.SUCCESSOR))))
    library = await filed_notes.library(app.graph, app.settings)
    await drives.upload(app.graph, library.id, "How to use this library.docx", b"PK")
    (note,) = await filed_notes.list_(app.graph, app.settings)
    assert note == await filed_notes.get(app.graph, app.settings, filed.item_id) == filed
    assert (note.person_id, note.successor_id) == (person_id("ann"), person_id("sue"))
    assert (note.supervisor_id, note.last_on, note.filed_at) == (person_id("sam"), LAST_DAY, NOW)
    with Reader() as reader:
        facts, said, *_ = await filed_notes.read(app.graph, reader, note)
    assert any("Chief of Water" in row.text for row in facts.lines if row.kind is Kind.TABLE)
    assert said.heading
    assert f"{SAID} [1]" in {line.text for line in said.lines}


async def test_the_notes_around_a_person_are_asked_for_and_the_library_is_not_walked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = desk.here.app
    filed = await desk.file(await desk.build(interview((SAID, Audience.SUCCESSOR))))
    monkeypatch.delattr("km365.graph.documents.walk")
    for one in ("ann", "sue", "sam"):
        assert await filed_notes.around(app.graph, app.settings, person_id(one)) == [filed]
    assert await filed_notes.around(app.graph, app.settings, person_id("eve")) == []


async def test_a_note_that_is_gone_is_said_to_be_gone(provisioned: Provisioned) -> None:
    with pytest.raises(NotFound, match="holds no such note"):
        await filed_notes.get(provisioned.app.graph, provisioned.app.settings, "01NOSUCHFILE")


async def test_the_successor_reads_it_once_it_is_theirs_and_nobody_else_does(desk: Desk) -> None:
    note = await desk.file(await desk.build(interview((SAID, Audience.SUCCESSOR))))

    def readers(one: filed_notes.FiledNote) -> set[str]:
        who = ("ann", "sam", "sue", "eve")
        return {name for name in who if filed_notes.readable_by(one, person_id(name))}

    assert readers(note) == {"ann", "sam"}
    assert readers(replace(note, received_at=datetime(2026, 3, 9, tzinfo=UTC))) == {"ann", "sam", "sue"}
    assert readers(replace(note, filed_at=None)) == {"ann", "sam", "sue"}
    assert not filed_notes.readable_by(replace(note, supervisor_id=""), "")
