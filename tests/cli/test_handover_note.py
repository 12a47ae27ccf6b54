"""`km365 handover note`: the Word file, for those who may read it and nobody else."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import docx
import pytest

from km365.core.audience import Audience
from km365.core.departures import BANK
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.schema import DEPARTURES
from km365.documents.questions import Banks
from km365.graph import lists, sites
from km365.services import handover
from km365.services import interview as service
from km365.store import interviews

from ..conftest import Provisioned, person_id, sign_in_name
from .conftest import Type

NOW = datetime.now(UTC)
LAST_DAY = date.today() + timedelta(days=30)
SAID, CONFIDENCE = "Three pumps wait for parts.", "Only the ombudsperson knows about slate-7431."
SECRET = "Pump register, user: ann pass: sunflower"


def told() -> Interview:
    """Ann's interview, kept in the database."""
    said = {
        "work": (SAID, Audience.SUCCESSOR),
        "trust": (CONFIDENCE, Audience.NAMED),
        "systems": (f"The register of pumps: Maya takes it over.\n{SECRET}", Audience.SUCCESSOR),
    }
    answers = tuple(
        Answer(question=question, text=text, audience=audience, language="en", at=NOW)
        for question, (text, audience) in said.items()
    )
    return Interview(
        id="7f3a9c21d4e84b7f9a6c0d1e2f3a4b5c",
        key="handover:ann",
        bank=BANK,
        person_id=person_id("ann"),
        language="en",
        state=InterviewState.DRAFT,
        created_at=NOW,
        changed_at=NOW,
        due_on=LAST_DAY,
        answers=answers,
    )


@pytest.fixture
async def here(provisioned: Provisioned) -> Provisioned:
    """Ann has answered and not sent; Sam is her supervisor and Sue follows her."""
    app = provisioned.app
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    target = await lists.get_list(app.graph, site.id, DEPARTURES.title)
    fields = {
        "Title": "Chief of Water",
        "KMPerson": sign_in_name("ann"),
        "KMPost": "Chief of Water",
        "KMOffice": "CO-BEL",
        "KMLastDay": f"{LAST_DAY}T00:00:00Z",
        "KMSuccessor": sign_in_name("sue"),
    }
    await lists.create_item(app.graph, site.id, target.id, fields)
    keep(provisioned, told())
    return provisioned


def keep(here: Provisioned, talk: Interview) -> None:
    with here.app.db.begin() as c:
        if known := interviews.list_(c, person_id=talk.person_id):
            version = known[0].version
        else:
            version = service.create(c, talk, at=NOW).version
        service.keep(c, replace(talk, version=version))


def text_of(file: Path) -> str:
    document = docx.Document(io.BytesIO(file.read_bytes()))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def asked(who: str, *more: str) -> list[str]:
    return ["handover", "note", sign_in_name("ann"), "--as", sign_in_name(who), *more]


async def test_who_leaves_reads_the_note_as_it_would_be_and_nobody_else_does(
    km365: Type, here: Provisioned, tmp_path: Path
) -> None:
    file = tmp_path / "note.docx"
    for other in ("sam", "sue", "ben"):
        done = await km365(*asked(other, "-o", str(file)))
        assert (done.code, file.exists()) == (4, False)
    done = await km365(*asked("ann", "-o", str(file), "--json"))
    assert (done.code, done.json["filed"], done.json["annexes"]) == (0, False, [])
    assert file.stat().st_mode & 0o077 == 0
    text = text_of(file)
    assert SAID in text and "Maya takes it over" in text
    assert "slate-7431" not in text and "stay with the person" not in text
    assert "sunflower" not in text and "not kept (a password, health, a complaint): 1." in text
    assert SAID not in done.out + done.err
    assert (await km365(*asked("ann", "-o", str(file)))).code == 4, "a file that is there is left alone"


async def test_once_filed_it_is_for_its_author_and_supervisor_and_then_for_the_successor(
    km365: Type, here: Provisioned, tmp_path: Path
) -> None:
    app, bank = here.app, Banks(here.app.templates).get(BANK, "en")
    note = await handover.build_note(app.graph, app.settings, app.templates, told(), bank, at=NOW)
    await handover.file_note(app.graph, app.db, app.jobs, app.settings, app.templates, note, at=NOW)
    keep(here, replace(told(), state=InterviewState.FINISHED, link="https://filed.example"))
    for reader in ("ann", "sam"):
        file = tmp_path / f"{reader}.docx"
        done = await km365(*asked(reader, "-o", str(file), "--json"))
        assert (done.code, done.json["filed"]) == (0, True)
        assert SAID in text_of(file) and "sunflower" not in text_of(file)
    for reader in ("sue", "ben"):
        assert (await km365(*asked(reader, "-o", str(tmp_path / "none.docx")))).code == 4
    assert not (tmp_path / "none.docx").exists()


async def test_who_has_said_nothing_is_told_so(km365: Type, provisioned: Provisioned) -> None:
    done = await km365(*asked("ann"))
    assert done.code == 1
    assert "nothing has been answered" in done.err


async def test_another_ending_than_docx_is_wrong_usage(km365: Type, here: Provisioned) -> None:
    assert (await km365(*asked("ann", "-o", "note.pdf"))).code == 2
