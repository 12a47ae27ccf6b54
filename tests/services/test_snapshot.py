"""Everything known on a topic, on the small Microsoft 365: only what a source says, only for its readers."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import WRITTEN_FIELDS, Maturity, Reach
from km365.core.schema import DEPARTURES
from km365.core.search_entries import may_find
from km365.core.search_question import Concepts
from km365.core.snapshot import Snapshot, Why
from km365.core.snapshot_kept import Asked, Kept, Standing
from km365.documents import snapshot_files
from km365.documents.snapshot_words import SnapshotWords
from km365.graph import lists
from km365.graph.governor import Governor
from km365.local import users
from km365.services.capture import knowledge_list
from km365.services.search import EVERYONE
from km365.services.snapshot import Asking

from ..conftest import person_id, sign_in_name
from ..local.test_demo_knowledge import LESSONS, as_item
from .quoted import in_word, on_page, unsupported
from .shelf import EVE, TODAY, Shelf

SEEDS = sorted((Path(__file__).parents[3] / "shared" / "seeds").glob("003*"))
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
SECRET = "Exit interviews of March named a driver who was dismissed."


@dataclass
class Answers:
    """Somebody who asks for all that is known."""

    shelf: Shelf

    @property
    def asking(self) -> Asking:
        app = self.shelf.here.app
        settings = self.shelf.settings or app.settings

        async def terms() -> Concepts:
            return self.shelf.concepts

        return Asking(graph=app.graph, db=app.db, settings=settings, templates=app.templates, terms=terms)

    async def asks(self, words: str, reader: Reader = EVERYONE, **more: Any) -> Snapshot:
        return await self.asking.snapshot(Asked(words=words, **more), reader, today=TODAY, language="en")

    def files(self, snapshot: Snapshot, language: str = "en") -> Mapping[str, bytes]:
        templates = self.shelf.here.app.templates
        kept = Kept.of(Asked(words=snapshot.topic.words), snapshot)
        words = SnapshotWords(templates, language)
        return {
            ending: snapshot_files.write(snapshot, kept, words, templates, ending=ending)
            for ending in snapshot_files.ENDINGS
        }


@pytest.fixture
def answers(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Answers:
    async def admit(*_: object, **__: object) -> float:
        return 0.0

    monkeypatch.setattr(Governor, "admit", admit)  # the waits of bulk work, which `tests/graph` looks at
    return Answers(shelf)


async def lessons_on_exit_interviews(shelf: Shelf) -> None:
    """Some lessons, for all and for CO-BEL."""
    asking = "Ask leavers six weeks before their last day, in exit interviews that a colleague holds."
    rows: list[dict[str, Any]] = [
        {"title": "Exit interviews by a colleague", "advice": asking, "cause": "A supervisor hears less."},
        {
            "title": "Hold exit interviews early",
            "advice": f"Please {asking.lower()} Be brief.",
            "office": "CO-ARD",
        },
        {
            "title": "Entretiens",
            "description": "Les « exit interviews » ont été <trop> tard.",
            "language": "fr",
        },
        {"title": "Exit interviews in Belmora", "limits": "Not for visitors.", "audience": Audience.OFFICE},
    ]
    for number, one in enumerate(rows):
        await shelf.keeps(f"KM-{number}", **{"description": "Told by many.", **one})


async def everything_written(shelf: Shelf) -> list[str]:
    """Every text in the list, as SharePoint has it."""
    graph = shelf.here.app.graph
    place = await knowledge_list(graph, shelf.here.app.settings)
    rows = lists.list_items(graph, place.site_id, place.list_id)
    return [str(value) for row in [row async for row in rows] for value in row.fields.values()]


async def test_every_sentence_of_every_file_stands_in_its_source(answers: Answers) -> None:
    await lessons_on_exit_interviews(answers.shelf)
    report = "The year was long. Exit interviews were held in four of nine sections. We moved house."
    await answers.shelf.uploads("Annual report.txt", report)
    await answers.shelf.looks()
    snapshot = await answers.asks("exit interviews", BEN)
    assert (snapshot.coverage.lessons, snapshot.coverage.all_lessons, snapshot.coverage.documents) == (
        4,
        4,
        1,
    )
    (agreed,) = snapshot.agreed
    assert agreed.offices == ("CO-ARD", "CO-BEL")
    files, sources = answers.files(snapshot), await everything_written(answers.shelf)
    for sentences in (in_word(files[".docx"], until="How far this reaches"), on_page(files[".html"])):
        assert len(sentences) >= 6 and unsupported(sentences, [*sources, report]) == []
    told = json.loads(files[".json"])["snapshot"]
    assert told["facts"][-1]["value"] == "For colleagues of the office CO-BEL"


@pytest.mark.skipif(not SEEDS, reason="the strategy paper lies only where km365 is written")
async def test_a_strategy_of_sixty_pages_is_quoted_from_its_last_ones_too(answers: Answers) -> None:
    text = SEEDS[0].read_text("utf-8")
    await answers.shelf.uploads("Strategy.txt", text)
    await answers.shelf.looks()
    sentences = in_word(
        answers.files(await answers.asks("taxonomy", BEN))[".docx"], until="How far this reaches"
    )
    assert "global taxonomy" in " ".join(sentences) and unsupported(sentences, [text]) == []


@pytest.mark.parametrize("words", ["exit interviews", "taxonomy"])
async def test_of_what_the_demonstration_knows_every_reader_is_told_their_own_part_word_for_word(
    answers: Answers, words: str
) -> None:
    theme = {"exit interviews": "Exit interviews", "taxonomy": "Taxonomy and tagging"}[words]
    items = [as_item(one) for one in LESSONS if theme in one.get("knowledge_theme", ())]
    for item in items:
        await answers.shelf.keeps(item.id, **{one.name: getattr(item, one.name) for one in fields(item)})
    if SEEDS:
        await answers.shelf.uploads("Strategy.txt", SEEDS[0].read_text("utf-8"))
    await answers.shelf.looks()
    for reader in (EVERYONE, BEN):
        files = answers.files(await answers.asks(words, reader))
        read = [item for item in items if may_find(item, reader)]
        texts = [str(getattr(item, name)) for item in read for name in WRITTEN_FIELDS]
        texts += [link.words for item in read for link in item.links]
        texts += [SEEDS[0].read_text("utf-8")] if SEEDS and reader is BEN else []
        sentences = [*in_word(files[".docx"], until="How far this reaches"), *on_page(files[".html"])]
        assert len(sentences) > 10 and unsupported(sentences, texts) == []
        hidden = [item.title for item in items if item not in read]
        assert hidden and not any(title in files[".json"].decode() for title in hidden)


HIDDEN: list[dict[str, Any]] = [
    {"audience": Audience.SUCCESSOR},
    {"audience": Audience.NAMED},
    {"maturity": Maturity.DRAFT},
    {"maturity": Maturity.RETURNED},
    {"maturity": Maturity.IN_REVIEW},
    {"maturity": Maturity.RETIRED},
    {"audience": Audience.OFFICE, "office": "CO-CAS"},
]


async def test_a_restricted_sentence_appears_nowhere_whoever_asks(
    answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shelf = answers.shelf
    await lessons_on_exit_interviews(shelf)
    for number, hidden in enumerate(HIDDEN):
        await shelf.keeps(f"KM-x{number}", title=f"Hidden title {number}", description=SECRET, **hidden)
    closed = await shelf.uploads("Hidden title 9.txt", SECRET)
    await shelf.permits(closed.drive_id, closed.id, {"Owners": "owner"})
    await shelf.uploads("HR/Hidden title 10.txt", SECRET)
    later = await shelf.keeps("KM-l", title="Hidden title 11", description=SECRET)
    await shelf.looks()
    await shelf.changes(later, KMAudience="S")
    for reader in (EVERYONE, BEN, EVE):
        snapshot = await answers.asks("exit interviews", reader)
        snapshot = await answers.asking.with_contacts(snapshot, reader, by_name=True)
        assert snapshot.points
        shown = [*answers.files(snapshot).values(), repr(snapshot).encode(), caplog.text.encode()]
        for one in shown:
            assert b"dismissed" not in one and b"Hidden title" not in one, reader
        office_only = any(one.title == "Exit interviews in Belmora" for one in snapshot.read)
        assert office_only is (reader.office == "CO-BEL")


async def test_what_was_changed_since_it_was_indexed_is_quoted_as_it_is_now(answers: Answers) -> None:
    shelf = answers.shelf
    row = await shelf.keeps("KM-1", title="Exit interviews by radio", description="Nobody came.")
    await shelf.uploads("Report.txt", "Exit interviews were held in May.")
    await shelf.looks()
    await shelf.changes(row, Title="Exit interviews by telephone")
    await shelf.uploads("Report.txt", "Exit interviews were never held.")
    shown = str(answers.files(await answers.asks("exit interviews", BEN))[".json"])
    assert "by telephone" in shown and "by radio" not in shown
    assert "held in May" not in shown, "what it said before is not quoted"


async def test_an_answer_is_held_to_an_office_a_language_and_days(answers: Answers) -> None:
    await lessons_on_exit_interviews(answers.shelf)
    await answers.shelf.looks()
    for held, titles in (
        ({"office": "co-ard"}, {"Hold exit interviews early"}),
        ({"language": "fr"}, {"Entretiens"}),
        ({"until": TODAY.replace(year=2001)}, set()),
    ):
        snapshot = await answers.asks("exit interviews", **held)
        assert {one.title for one in snapshot.read} == titles


async def test_a_kept_file_says_what_its_sources_have_become(answers: Answers, tmp_path: Path) -> None:
    shelf = answers.shelf
    rows = [
        await shelf.keeps(f"KM-{n}", title=f"Exit interviews {n} at the {field} station", description="-")
        for n, field in enumerate(("river", "border", "northern", "harbour"))
    ]
    await shelf.uploads("Report.txt", "Exit interviews were held in four sections of nine.")
    await shelf.looks()
    files = answers.files(await answers.asks("exit interviews", BEN))
    await shelf.changes(rows[0], KMPolarity="positive")
    await shelf.changes(rows[1], Title="Exit interviews were given up")
    await shelf.changes(rows[2], KMAudience="R")
    await shelf.changes(rows[3], KMUsed=2, KMConfirmedBy=3)
    await shelf.uploads("Report.txt", "Exit interviews were never held.")
    await shelf.keeps("KM-9", title="Exit interviews are back")
    await shelf.looks()
    kept = []
    for ending, data in files.items():
        path = tmp_path / f"kept{ending}"
        path.write_bytes(data)
        kept.append(snapshot_files.kept_in(path))
    assert kept[0] == kept[1] == kept[2]
    renamed = tmp_path / "saved by Word.docx"
    renamed.write_bytes(files[".docx"].replace(b"km365-snapshot.xml", b"item1234567890.xml"))
    assert snapshot_files.kept_in(renamed) == kept[0]
    changes = await answers.asking.changes(kept[0], BEN, today=TODAY)
    assert {one.title: one.standing for one in changes} == {
        "Exit interviews 0 at the river station": Standing.CHANGED,
        "Exit interviews 1 at the border station": Standing.OTHERWISE,
        "Exit interviews 2 at the northern station": Standing.GONE,
        "Exit interviews 3 at the harbour station": Standing.SAME,
        "Report": Standing.OTHERWISE,
        "Exit interviews are back": Standing.NEW,
    }


@pytest.mark.parametrize("gone", [True, False], ids=["deleted, by id", "closed, by sign-in name"])
async def test_who_can_be_asked_is_named_to_who_asks_and_only_where_they_allow_it(
    answers: Answers, gone: bool
) -> None:
    shelf, state = answers.shelf, answers.shelf.here.m365.state
    allowed = {"consent": Reach.PARTNERS}
    await shelf.keeps("KM-1", title="Exit interviews one", contributors=(person_id("sam"),), **allowed)
    await shelf.keeps("KM-2", title="Exit interviews two", contributors=(person_id("eve"),), **allowed)
    await shelf.keeps("KM-3", title="Exit interviews three", contributors=(person_id("ann"),))
    await shelf.looks()
    left = person_id("eve") if gone else sign_in_name("eve")
    if gone:
        users.delete(state, person_id("eve"))
    else:
        users.create(state, id=person_id("eve"), upn=left, display_name="Eve Paperboat", enabled=False)
    graph, place = shelf.here.app.graph, await knowledge_list(shelf.here.app.graph, shelf.here.app.settings)
    departures = await lists.get_list(graph, place.site_id, DEPARTURES.title)
    off = {"Title": "Nurse", "KMPerson": left, "KMSuccessor": sign_in_name("ben"), "KMState": "cancelled"}
    row = {"Title": "Nurse", "KMPerson": left, "KMSuccessor": sign_in_name("sue")}
    for one in (off, row):
        await lists.create_item(graph, place.site_id, departures.id, one)
    snapshot = await answers.asks("exit interviews", BEN)
    told = await answers.asking.with_contacts(snapshot, BEN, by_name=True)
    named = {(one.name, one.why) for one in told.contacts}
    assert named == {
        ("Sam Paperboat", Why.WROTE),
        ("Sue Paperboat", Why.FOLLOWS),
        ("Ben Paperboat", Why.FOCAL_POINT),
    }
    everyone = await answers.asking.with_contacts(snapshot, EVERYONE, by_name=True)
    assert [(one.office, one.name) for one in everyone.contacts] == [("CO-BEL", "")]


async def test_who_moved_to_another_post_is_named_with_who_is_asked_now(answers: Answers) -> None:
    shelf = answers.shelf
    allowed = {"consent": Reach.PARTNERS, "contributors": (person_id("sam"),)}
    await shelf.keeps("KM-1", title="Exit interviews one", **allowed)
    await shelf.looks()
    graph, place = shelf.here.app.graph, await knowledge_list(shelf.here.app.graph, shelf.here.app.settings)
    departures = await lists.get_list(graph, place.site_id, DEPARTURES.title)
    row = {"Title": "Deputy", "KMPerson": sign_in_name("sam"), "KMSuccessor": sign_in_name("sue")}
    row |= {"KMOffice": "CO-BEL", "KMLastDay": f"{TODAY - timedelta(days=1)}T00:00:00Z"}
    await lists.create_item(graph, place.site_id, departures.id, row)
    snapshot = await answers.asks("exit interviews", BEN)
    (told, _) = (await answers.asking.with_contacts(snapshot, BEN, by_name=False)).contacts
    assert (told.was, told.until, told.why) == ("Sam Paperboat", TODAY - timedelta(days=1), Why.FOLLOWS)
    for language, words in (("en", "was Sam Paperboat (until"), ("ar", "كان المرجع Sam Paperboat")):
        said = SnapshotWords(shelf.here.app.templates, language).contact(told)
        assert words in said and "Sue Paperboat, Water Specialist, CO-BEL" in said
