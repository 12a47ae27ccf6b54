"""What a successor finds in the pack: only its own words, and only for who may read the note."""

import io
from collections.abc import Collection
from datetime import timedelta

import docx
import pytest
from docx.oxml.ns import qn

from km365.core.audience import Audience
from km365.core.knowledge import Maturity
from km365.core.search import stands_in
from km365.core.search_question import Concepts
from km365.core.successor_pack import Why
from km365.documents import reading
from km365.documents.successor_pack import PackWords, write
from km365.errors import NotFound
from km365.graph import drives
from km365.graph.governor import Governor
from km365.services import filed_notes, learnt, successor_pack
from km365.services.filed_notes import FiledNote
from km365.services.search_meaning import Meaning

from ..conftest import Provisioned
from .leaving import EVE, LAST_DAY, NOW, SAM, SUE, Leaving, asking, told
from .leaving import concepts as concepts
from .shelf import InProcess, Shelf


@pytest.fixture
async def leaving(provisioned: Provisioned, concepts: Concepts, monkeypatch: pytest.MonkeyPatch) -> Leaving:
    async def admit(*_: object, **__: object) -> float:
        return 0.0

    monkeypatch.setattr(Governor, "admit", admit)
    monkeypatch.setattr(successor_pack, "FileReader", InProcess)
    leaving = Leaving(here=provisioned, concepts=concepts)
    await leaving.departs()
    return leaving


async def text_of(leaving: Leaving, note: FiledNote) -> list[str]:
    """Every passage of the filed note, as the file has it."""
    graph = leaving.here.app.graph
    data = await drives.download(graph, note.file.drive_id, note.item_id, limit_bytes=10**7)
    return [one.text for one in reading.read(note.name, data)]


async def places(
    leaving: Leaving, note: FiledNote, questions: Collection[str], language: str
) -> list[tuple[str, list[str]]]:
    """Each question with the words that answer it."""
    desk, found = leaving.desk, []
    for question in questions:
        _, said = await successor_pack.ask(
            desk, note.item_id, question, SUE, language=language, asking=asking()
        )
        found.append((question, [one.words for one in said]))
    return found


def normal(text: str) -> str:
    return " ".join(text.replace(" | ", " ").split())


@pytest.mark.parametrize("vectors", [True, False], ids=["with vectors", "by words alone"])
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_successor_finds_what_is_hidden_in_36_answers_and_nothing_that_is_not_there(
    leaving: Leaving, language: str, vectors: bool
) -> None:
    encoder = learnt.model_of_all_languages() if vectors else None
    leaving.meaning = Meaning(leaving.here.app.db, encoder) if encoder else None
    note = await leaving.hands_over(language)
    asked = told(language)
    texts = await text_of(leaving, note)
    answered = await places(leaving, note, [one["question"] for one in asked["asked"]], language)
    found = [
        any(normal(one["holds"]) in normal(words) for words in said)
        for one, (_, said) in zip(asked["asked"], answered, strict=True)
    ]
    assert sum(found) >= 9, [q for (q, _), there in zip(answered, found, strict=True) if not there]
    assert all(stands_in(words, texts) for _, said in answered for words in said)
    if vectors and language == "ar":
        across = await places(leaving, note, [one["question"] for one in told("en")["asked"]], "en")
        found = [
            any(normal(one["holds"]) in normal(words) for words in said)
            for one, (_, said) in zip(asked["asked"], across, strict=True)
        ]
        assert sum(found) >= 8, "questions in English about a note in Arabic"
    for kind in ("unknown", "confidential"):
        for question, said in await places(leaving, note, [one["question"] for one in asked[kind]], language):
            assert not said, f"{question} is answered: {said}"


async def test_the_pack_names_what_to_read_whom_to_meet_and_what_comes(
    leaving: Leaving, shelf: Shelf
) -> None:
    graph = leaving.here.app.graph
    await drives.upload(graph, await shelf.drive_id(), "Pump inventory.txt", b"pumps")
    await shelf.keeps(
        "KM-1", title="Keep vaccines cool", description="Vaccines spoil.", maturity=Maturity.PUBLISHED
    )
    await shelf.keeps(
        "KM-2", title="Vaccines unpublished", description="Vaccines.", maturity=Maturity.VALIDATED
    )
    await shelf.keeps(
        "KM-3",
        title="Vaccines elsewhere",
        description="Vaccines run out.",
        office="CO-ARD",
        audience=Audience.OFFICE,
        maturity=Maturity.PUBLISHED,
    )
    await shelf.keeps(
        "KM-4",
        title="Searches that find nothing become synonyms",
        description="Look at them every month.",
        advice="Somebody searched for vaccines and found none.",
        maturity=Maturity.PUBLISHED,
    )
    await shelf.looks()
    await leaving.plans("Mid-term review", NOW.date() + timedelta(days=40))
    await leaving.plans("Too late", NOW.date() + timedelta(days=91))
    await leaving.plans("Elsewhere", NOW.date() + timedelta(days=10), office="CO-ARD")
    await leaving.plans("Called off", NOW.date() + timedelta(days=10), KMState="cancelled")
    (site,) = leaving.here.app.settings.office_sites
    host, _, path = site.partition(":")
    note = await leaving.hands_over(
        "en",
        {
            "watch": "The vaccines at Tamber.\nSign before 5 May 2026, or the partner refuses.",
            "people": "Halima Quillstone, who knows the lab.\nTobias Fernweather: he writes.\nBe early.",
            "documents": f"The inventory: https://{host}{path}/Shared%20Documents/Pump%20inventory.txt\n"
            f"My own list: https://{host.replace('.', '-my.', 1)}/personal/ann/list.xlsx",
            "deadlines": "The licence must be renewed by 15 April.\nThe contract ends on 15 January.",
        },
    )
    pack = await successor_pack.make(leaving.desk, note, SUE, language="en")
    assert [one.title for one in pack.ahead] == ["Mid-term review"]
    assert [(one.name, one.week) for one in pack.meetings] == [
        ("Halima Quillstone", 1),
        ("Tobias Fernweather", 1),
        ("", 2),
    ]
    licence, sign = pack.dates
    assert "15 April" in licence and sign == "Sign before 5 May 2026, or the partner refuses."
    assert "KM-2" not in str(pack) and "unpublished" not in str(pack)
    named = [(one.title, one.says) for one in pack.to_read if one.why is Why.NAMED]
    assert named == [("Pump inventory.txt", "The inventory")], "a personal OneDrive opens for nobody"
    lessons = [one for one in pack.to_read if one.why is not Why.NAMED]
    assert [one.title for one in lessons] == ["Keep vaccines cool"], "a word in passing is no subject"
    assert (pack.post, pack.last_on) == ("Chief of Water", LAST_DAY)


async def test_nobody_else_is_given_the_pack_nor_the_successor_before_it_is_theirs(leaving: Leaving) -> None:
    note = await leaving.files("en", {"watch": "The chlorine stock."})
    desk = leaving.desk
    assert [one.item_id for one in await successor_pack.received(desk, SAM.person_id)] == [note.item_id]
    for reader in (EVE, SUE):
        if reader is SUE and note.filed_at is None:
            continue
        assert await successor_pack.received(desk, reader.person_id) == []
        with pytest.raises(NotFound):
            await successor_pack.make(desk, note, reader, language="en")
        with pytest.raises(NotFound):
            await successor_pack.ask(desk, note.item_id, "How much chlorine?", reader, language="en")


async def test_what_colleagues_told_is_read_by_its_headings_and_not_by_the_numbers_of_36_questions(
    leaving: Leaving,
) -> None:
    note = await leaving.hands_over(
        "en",
        {"people": "Halima Quillstone, who knows the lab.", "deadlines": "The licence ends on 15 April."},
    )
    await filed_notes.write(leaving.here.app.graph, note, {"KMToldBy": filed_notes.COLLEAGUES})
    told = await filed_notes.get(leaving.here.app.graph, leaving.here.app.settings, note.item_id)
    pack = await successor_pack.make(leaving.desk, told, SUE, language="en")
    assert [one.name for one in pack.meetings] == ["Halima Quillstone"]
    assert pack.dates == (), "colleagues are not asked what falls due: that number is another answer's"


async def test_what_changes_in_the_note_is_answered_anew(leaving: Leaving) -> None:
    note = await leaving.hands_over("en", {"watch": "The chlorine stock at Tamber depot."})
    desk = leaving.desk
    _, said = await successor_pack.ask(desk, note.item_id, "Where is the chlorine stock?", SUE, language="en")
    assert said
    again = await leaving.files("en", {"watch": "The ledger of the old bridge."})
    assert again.item_id == note.item_id
    _, said = await successor_pack.ask(desk, note.item_id, "Where is the chlorine stock?", SUE, language="en")
    assert not said


async def test_english_words_in_an_arabic_pack_stand_as_they_were_said_between_its_marks(
    leaving: Leaving,
) -> None:
    note = await leaving.hands_over("en", {"people": "Halima Quillstone, who knows the lab (and more)."})
    pack = await successor_pack.make(leaving.desk, note, SUE, language="ar")
    templates = leaving.desk.templates
    data = write(pack, PackWords(templates, "ar"), templates)
    (quote,) = [one for one in docx.Document(io.BytesIO(data)).paragraphs if "(and more)" in one.text][:1]
    assert quote.text == "«who knows the lab (and more)»"
    assert quote.paragraph_format.element.pPr.find(qn("w:bidi")) is None
