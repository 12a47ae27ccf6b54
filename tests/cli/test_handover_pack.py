"""`km365 handover pack` and `line`: for the successor and the supervisor, and the address for nobody here."""

import io
from datetime import timedelta
from pathlib import Path

import docx
import pytest

from km365.core.search_question import Concepts
from km365.services import successor_pack
from km365.store import alumni, preferences
from km365.store.alumni import Line

from ..conftest import Provisioned, person_id, sign_in_name
from ..services.leaving import Leaving
from ..services.leaving import concepts as concepts
from ..services.shelf import InProcess
from .conftest import Type

ANN, SUE, SAM, EVE = (sign_in_name(one) for one in ("ann", "sue", "sam", "eve"))
ANSWERS = {
    "watch": "The chlorine stock at Tamber depot.",
    "people": "Halima Quillstone, head of the laboratory: she sees a contamination first.",
}


@pytest.fixture
async def leaving(provisioned: Provisioned, concepts: Concepts, monkeypatch: pytest.MonkeyPatch) -> Leaving:
    monkeypatch.setattr(successor_pack, "FileReader", InProcess)
    leaving = Leaving(here=provisioned, concepts=concepts)
    await leaving.departs()
    await leaving.hands_over("en", ANSWERS)
    return leaving


async def test_the_pack_is_shown_and_written_for_who_may_read_the_note(
    km365: Type, leaving: Leaving, tmp_path: Path
) -> None:
    ran = await km365("handover", "pack", ANN, "--as", SUE)
    assert ran.code == 0, ran.err
    assert "Handed over by: Ann Paperboat" in ran.out and "Halima Quillstone" in ran.out
    file = tmp_path / "pack.docx"
    ran = await km365("handover", "pack", ANN, "--as", SAM, "-o", str(file), "--json")
    assert ran.code == 0 and ran.json["post"] == "Chief of Water"
    text = [one.text for one in docx.Document(io.BytesIO(file.read_bytes())).paragraphs]
    assert file.stat().st_mode & 0o077 == 0
    assert "Successor pack" in text and "The chlorine stock at Tamber depot." in text
    assert not any("[2]" in one or "{" in one for one in text)


async def test_it_is_in_the_language_that_was_chosen_in_the_chat(
    km365: Type, leaving: Leaving, tmp_path: Path
) -> None:
    app = leaving.here.app
    await app.db.run(preferences.put_language, person_id("sam"), "fr", at=app.clock.now())
    ran = await km365("handover", "pack", ANN, "--as", SAM)
    assert ran.code == 0 and "Transmis par" in ran.out


async def test_it_is_refused_to_anybody_else_and_nothing_is_written(
    km365: Type, leaving: Leaving, tmp_path: Path
) -> None:
    file = tmp_path / "pack.docx"
    ran = await km365("handover", "pack", ANN, "--as", EVE, "-o", str(file))
    assert ran.code == 4 and "no handover note" in ran.err and not file.exists()
    assert (await km365("handover", "pack", ANN, "--as", SUE, "-o", "pack.pdf")).code == 2


async def test_a_line_is_told_without_the_address_and_closed_for_who_asks(
    km365: Type, leaving: Leaving
) -> None:
    app = leaving.here.app
    until = app.clock.now().date() + timedelta(days=30)
    line = Line(
        note_id="n1",
        person_id=person_id("ann"),
        until_on=until,
        address="ann.p@home.example",
        opened_at=app.clock.now(),
    )
    await app.db.run(alumni.open_line, line)
    ran = await km365("handover", "line", ANN)
    assert ran.out == f"Open until {until}, at a private address.\n"
    ran = await km365("handover", "line", ANN, "--close", "--json")
    assert ran.json == {"open": [], "closed": True} and "home.example" not in ran.out + ran.err
    assert (await km365("handover", "line", ANN)).out == "No line is open.\n"
