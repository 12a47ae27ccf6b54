"""What a plan looks at, what it costs, and what is kept when it is cut off."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from km365.core.feedback import Feedback, Proposal, ProposalKind, Verdict
from km365.core.tag_plan import Mode, Plan
from km365.core.tag_plan_file import Head, from_text
from km365.core.taxonomy_change import merged
from km365.documents.plan_files import Writer
from km365.errors import GraphUnreachable
from km365.graph import drives, lists, metadata, sites
from km365.graph.drives import File
from km365.graph.governor import Governor
from km365.graph.metadata import Target, TermRef
from km365.services import feedback, tag_libraries, tag_plan, tag_planning, tag_run
from km365.services.tag_plan import Asked, Passed
from km365.services.tag_planning import Tally
from km365.services.tag_scope import Round, Scope
from km365.store import feedback as feedback_store
from km365.suggest.vocabulary import Vocabulary

from ..conftest import BELMORA, KNOWLEDGE, Provisioned

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
VACCINES = b"Evaluation of the immunization campaign.\n\nVaccines and nurses reached every district."
WATER = b"Water supply and latrines in schools.\n\nHandwashing, wells and pumps in every district."
FRENCH = (
    "Évaluation de la campagne de vaccination. Les vaccins et les infirmières ont atteint tous les districts "
    "du pays, et la chaîne du froid a tenu pendant toute la saison des pluies."
).encode()


@dataclass
class Desk:
    """Somebody who plans, and what their plans cost."""

    here: Provisioned
    words: Vocabulary
    folder: Path
    asked_of_graph: list[tuple[str, str]] = field(default_factory=list)
    _number: int = 0

    async def upload(self, name: str, data: bytes = VACCINES) -> File:
        site = await sites.get_site(self.here.app.graph, BELMORA)
        drive = await drives.get_drive(self.here.app.graph, site.id, "Documents")
        return await drives.upload(self.here.app.graph, drive.id, name, data)

    async def tag(self, file: File, column: str, term: str) -> None:
        """What a colleague does by hand."""
        taxonomy = self.words.taxonomy
        concept = next(one for one in taxonomy if one.id == term)
        site = await sites.get_site(self.here.app.graph, BELMORA)
        drive = await drives.get_drive(self.here.app.graph, site.id, "Documents")
        notes = metadata.note_fields(await lists.list_columns(self.here.app.graph, site.id, drive.list_id))
        ref = TermRef(id=str(concept.term_id), label=concept.label())
        await metadata.write_terms(
            self.here.app.graph, Target.file(file.drive_id, file.id), {column: [ref]}, notes=notes
        )

    async def plan(
        self,
        *,
        since: bool = False,
        asked: Asked | None = None,
        heard: Any = lambda _: None,
        list_name: str = "",
        sites_: Sequence[str] = (BELMORA,),
        **scope: Any,
    ) -> tuple[Plan, Tally, int]:
        """The plan as its file has it, its tally, and how many documents were counted before."""
        app, asked = self.here.app, asked or Asked()
        libraries = await tag_libraries.find_libraries(app.graph, sites_, "Documents", list_name=list_name)
        wanted = Scope(libraries=tuple(libraries), **scope)
        corrections = await app.db.run(feedback.corrections)
        mark = tag_plan.mark_of(self.words.taxonomy, asked, wanted, corrections=corrections)
        self._number += 1
        at = NOW.replace(second=self._number)
        remembered = tag_planning.since_last(app.db, mark, corrections, at=at) if since else None
        shelves = await tag_libraries.open_shelves(app.graph, libraries, facets=asked.facets)
        round_ = Round(app.graph, shelves, wanted, since=remembered)
        self.asked_of_graph.clear()
        count = await round_.count(region="NAM")
        path = self.folder / f"{self._number}.json"
        head = Head(made_at=NOW, libraries=tuple(one.library for one in shelves), mode=asked.mode)
        tally = await tag_planning.write(
            app.graph,
            self.words,
            round_,
            asked,
            Writer(path, head),
            at=at,
            put_there=tag_planning.journal(app.db),
            corrections=corrections,
            heard=heard,
        )
        return from_text(path.read_text("utf-8"), self.words.taxonomy, source=path.name), tally, count

    async def says(self, *said: tuple[Verdict, str], document: tuple[str, str]) -> None:
        """What somebody says of topics of a document."""
        items = [
            Feedback(concept_id=term, facet="topic", verdict=verdict, document=document, at=NOW, who="ana")
            for verdict, term in said
        ]
        await self.here.app.db.run(feedback_store.add, items)

    @property
    def downloads(self) -> int:
        """Documents fetched by the last plan."""
        return sum(path.endswith("/content") for _, path in self.asked_of_graph)


@pytest.fixture
async def desk(
    provisioned: Provisioned, vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    async def admit(*_: object, **__: object) -> float:
        return 0.0

    monkeypatch.setattr(Governor, "admit", admit)
    made = Desk(here=provisioned, words=vocabulary, folder=tmp_path)

    async def heard(request: Any) -> None:
        made.asked_of_graph.append((request.method, request.url.path))

    provisioned.app.graph.http.event_hooks["request"].append(heard)
    return made


def paths(plan: Plan) -> list[str]:
    return sorted(row.path for row in (*plan.rows, *plan.others))


def added(plan: Plan, column: str = "KMTopic") -> dict[str, list[str]]:
    return {
        row.path: [one.concept_id for change in row.changes if change.column == column for one in change.add]
        for row in plan.rows
    }


# what is looked at ---------------------------------------------------------------------------------------


async def test_a_plan_keeps_to_folder_name_type_and_day(desk: Desk) -> None:
    for name in ("a/report.txt", "a/b/Report 2.md", "a/b/notes.txt", "c/report.txt"):
        await desk.upload(name)
    assert paths((await desk.plan(folder="/a"))[0]) == ["a/b/Report 2.md", "a/b/notes.txt", "a/report.txt"]
    assert paths((await desk.plan(name="*REPORT*"))[0]) == ["a/b/Report 2.md", "a/report.txt", "c/report.txt"]
    assert paths((await desk.plan(types=frozenset({"md"})))[0]) == ["a/b/Report 2.md"]
    assert paths((await desk.plan(modified_since=datetime(2099, 1, 1, tzinfo=UTC)))[0]) == []


async def test_a_plan_keeps_to_what_a_search_finds_in_the_library(desk: Desk) -> None:
    await desk.upload("a/one.txt")
    await desk.upload("b/two.txt")
    await desk.upload("b/three.txt", WATER)
    plan, _, count = await desk.plan(search="immunization campaign")
    assert (paths(plan), count) == (["a/one.txt", "b/two.txt"], 2)
    assert paths((await desk.plan(search="immunization", folder="/b"))[0]) == ["b/two.txt"]


async def test_only_documents_without_terms_in_the_facets_asked_for(desk: Desk) -> None:
    await desk.upload("bare.txt")
    tagged = await desk.upload("tagged.txt")
    await desk.tag(tagged, "KMTopic", "topic/immunization")
    plan, tally, _ = await desk.plan(untagged=True, asked=Asked(facets=frozenset({"topic"})))
    assert list(added(plan)) == ["bare.txt"]
    assert {change.column for change in plan.rows[0].columns} == {"KMTopic"}
    assert tally.passed == {"tagged already": 1}
    other, _, _ = await desk.plan(untagged=True, asked=Asked(facets=frozenset({"document-type"})))
    assert paths(other) == ["bare.txt", "tagged.txt"]


async def test_only_documents_of_a_language(desk: Desk) -> None:
    await desk.upload("en.txt")
    await desk.upload("fr.txt", FRENCH)
    plan, tally, _ = await desk.plan(language="fr")
    assert [row.path for row in plan.rows] == ["fr.txt"]
    assert plan.rows[0].language == "fr"
    assert tally.passed == {"in another language (en)": 1}


async def test_a_sample_is_the_same_every_time_and_comes_from_everywhere(desk: Desk) -> None:
    for number in range(12):
        await desk.upload(f"{number % 3}/{number}.txt")
    first, _, count = await desk.plan(sample=5)
    assert (len(paths(first)), count, desk.downloads) == (5, 5, 5)
    assert paths((await desk.plan(sample=5))[0]) == paths(first)
    assert len({path.partition("/")[0] for path in paths(first)}) > 1


async def test_items_of_a_list_are_read_by_their_texts_and_tagged(desk: Desk) -> None:
    app = desk.here.app
    site = await sites.get_site(app.graph, KNOWLEDGE)
    knowledge = await lists.get_list(app.graph, site.id, "Knowledge")
    for title, audience in (("Vaccines by boat", "U"), ("A quarrel about immunization", "R")):
        fields = {"Title": title, "KMDescription": VACCINES.decode(), "KMAudience": audience, "KMId": title}
        await lists.create_item(app.graph, site.id, knowledge.id, fields)

    plan, tally, count = await desk.plan(list_name="Knowledge", sites_=(KNOWLEDGE,))

    assert (count, [row.path for row in plan.rows]) == (2, ["Knowledge/Vaccines by boat"])
    assert "topic/immunization" in added(plan)["Knowledge/Vaccines by boat"]
    reason = next(one.reason for change in plan.rows[0].changes for one in change.add)
    assert set(reason.places) <= {"title", "What happened"}
    assert tally.not_read[0].path == "Knowledge/item 2", "no word of it"
    outcome = await tag_run.apply(app.graph, app.db, app.settings, plan, who="test", now=lambda: NOW)
    item = await lists.get_item(app.graph, site.id, knowledge.id, plan.rows[0].item_id)
    written = [term.label for term in metadata.decode(item.fields["KMTopic"])]
    assert "Immunization" in written, outcome


# what becomes of terms that are there --------------------------------------------------------------------


async def test_replacing_shows_what_people_gave_first_and_tells_it_from_what_km365_gave(desk: Desk) -> None:
    app = desk.here.app
    file = await desk.upload("a.txt", WATER)
    plan, _, _ = await desk.plan(asked=Asked(facets=frozenset({"topic"})))
    await tag_run.apply(app.graph, app.db, app.settings, plan, who="test", now=lambda: NOW)
    hand = await desk.upload("b.txt")
    await desk.tag(hand, "KMTopic", "topic/child-labour")
    await drives.upload(app.graph, file.drive_id, "a.txt", VACCINES)

    asked = Asked(facets=frozenset({"topic"}), mode=Mode.REPLACE)
    plan, tally, _ = await desk.plan(asked=asked)

    removed = {
        row.path: {(one.concept_id, one.by_people) for change in row.changes for one in change.remove}
        for row in plan.rows
    }
    assert removed["b.txt"] == {("topic/child-labour", True)}
    assert removed["a.txt"] and not any(by_people for _, by_people in removed["a.txt"])
    assert [(path, title) for path, title, _ in tally.people_lose] == [("b.txt", "Topic")]
    assert tally.removals == len(removed["a.txt"]) + 1
    filled, _, _ = await desk.plan(asked=Asked(facets=frozenset({"topic"}), mode=Mode.FILL))
    assert filled.rows == ()


async def test_a_facet_may_have_a_mode_of_its_own(desk: Desk) -> None:
    file = await desk.upload("b.txt")
    await desk.tag(file, "KMTopic", "topic/child-labour")
    asked = Asked(mode=Mode.REPLACE, modes={"topic": Mode.FILL})
    plan, _, _ = await desk.plan(asked=asked)
    assert "KMTopic" not in {change.column for change in plan.rows[0].changes}


# since the last plan -------------------------------------------------------------------------------------


async def test_since_the_last_plan_only_what_changed_is_downloaded(desk: Desk) -> None:
    files = [await desk.upload(f"{number}.txt") for number in range(5)]
    first, _, _ = await desk.plan(since=True)
    assert (len(first.rows), desk.downloads) == (5, 5)

    nothing, tally, count = await desk.plan(since=True)
    assert (paths(nothing), count, tally.documents) == ([], 0, 0)
    assert len(desk.asked_of_graph) == 1, "one page of changes"

    await desk.tag(files[0], "KMTopic", "topic/immunization")
    await drives.upload(desk.here.app.graph, files[1].drive_id, "1.txt", WATER)
    await desk.upload("new.txt")
    changed, _, count = await desk.plan(since=True)
    assert paths(changed) == ["1.txt", "new.txt"], "a tag is no new content"
    assert (count, desk.downloads) == (2, 2)


async def test_other_terms_or_other_wishes_make_everything_worth_a_look(desk: Desk) -> None:
    await desk.upload("a.txt")
    await desk.plan(since=True)
    plan, _, _ = await desk.plan(since=True, asked=Asked(at_least=0.1))
    assert paths(plan) == ["a.txt"]
    assert paths((await desk.plan(since=True))[0]) == ["a.txt"], "the last plan was another one"


async def test_what_people_said_of_a_document_has_it_looked_at_again(desk: Desk) -> None:
    one, two, other = [await desk.upload(f"{name}/note.txt") for name in ("one", "two", "other")]
    await desk.plan(since=True)
    await desk.says((Verdict.WRONG, "topic/immunization"), document=(one.drive_id, one.id))
    await desk.says((Verdict.MISSING, "topic/child-labour"), document=(two.drive_id, two.id))
    await desk.says((Verdict.RIGHT, "topic/immunization"), document=(other.drive_id, other.id))
    plan, _, count = await desk.plan(since=True)
    assert (paths(plan), count, desk.downloads) == (["one/note.txt", "two/note.txt"], 2, 2)
    assert "topic/immunization" not in added(plan).get("one/note.txt", [])
    assert "topic/child-labour" in added(plan)["two/note.txt"]
    assert paths((await desk.plan(since=True))[0]) == [], "once"

    await desk.here.app.db.run(feedback.purge, document=(one.drive_id, one.id))
    plan, _, _ = await desk.plan(since=True)
    assert "topic/immunization" in added(plan)["one/note.txt"], "what was said was taken back"


async def test_what_was_said_of_a_term_counts_for_the_one_it_was_merged_into(desk: Desk) -> None:
    file = await desk.upload("vaccines.txt")
    about = (file.drive_id, file.id)
    await desk.says((Verdict.MISSING, "topic/sanitation"), document=about)
    plan, _, _ = await desk.plan()
    assert "topic/sanitation" in added(plan)["vaccines.txt"]

    taxonomy = desk.words.taxonomy
    topic = merged(taxonomy.by_key["topic"], "topic/sanitation", "topic/hygiene")
    sets = tuple(topic if one.key == "topic" else one for one in taxonomy.term_sets)
    desk.words = Vocabulary(replace(taxonomy, term_sets=sets))
    plan, _, _ = await desk.plan()
    assert "topic/hygiene" in added(plan)["vaccines.txt"]
    lesson = (await desk.here.app.db.run(feedback.lessons, desk.words.taxonomy))[about]
    assert lesson.missing == ("topic/hygiene",)


async def test_a_plan_of_another_folder_does_not_take_away_what_people_said(desk: Desk) -> None:
    file = await desk.upload("a/note.txt")
    for folder in ("/", "/a"):
        await desk.plan(since=True, folder=folder)
    await desk.says((Verdict.WRONG, "topic/immunization"), document=(file.drive_id, file.id))
    assert paths((await desk.plan(since=True, folder="/a"))[0]) == ["a/note.txt"]
    again, tally, _ = await desk.plan(since=True)
    assert (paths(again), tally.passed.total()) == ([], 1), "planned with just these words already"


async def test_a_label_that_people_found_misleading_makes_everything_worth_a_look(desk: Desk) -> None:
    file = await desk.upload("a.txt")
    await desk.plan(since=True)
    proposal = Proposal(
        kind=ProposalKind.MISLEADING,
        concept_id="topic/immunization",
        facet="topic",
        language="en",
        text="vaccines",
        evidence=3,
        against=0,
        where=(file.path,),
    )
    decided = {"decision": feedback_store.ACCEPTED, "who": "ana", "at": NOW}
    await desk.here.app.db.run(feedback_store.decide, proposal, **decided)
    assert paths((await desk.plan(since=True))[0]) == ["a.txt"]


async def test_what_people_said_of_an_item_of_a_list_has_it_looked_at_again(desk: Desk) -> None:
    app = desk.here.app
    site = await sites.get_site(app.graph, KNOWLEDGE)
    knowledge = await lists.get_list(app.graph, site.id, "Knowledge")
    for title in ("Vaccines by boat", "Vaccines by mule"):
        fields = {"Title": title, "KMDescription": VACCINES.decode(), "KMAudience": "U", "KMId": title}
        await lists.create_item(app.graph, site.id, knowledge.id, fields)
    wanted: dict[str, Any] = {"since": True, "list_name": "Knowledge", "sites_": (KNOWLEDGE,)}
    first, _, _ = await desk.plan(**wanted)
    assert paths((await desk.plan(**wanted))[0]) == []
    boat = next(row for row in first.rows if "boat" in row.path)
    await desk.says((Verdict.WRONG, "topic/immunization"), document=(boat.drive_id, boat.item_id))
    plan, _, count = await desk.plan(**wanted)
    assert (paths(plan), count) == ([boat.path], 1)
    assert "topic/immunization" not in added(plan).get(boat.path, [])


async def test_a_delta_that_graph_has_forgotten_is_read_from_the_start(desk: Desk) -> None:
    await desk.upload("a.txt")
    await desk.plan(since=True)
    await desk.upload("b.txt")
    state = desk.here.m365.state
    state.set_clock(state.now() + timedelta(days=90))
    plan, tally, _ = await desk.plan(since=True)
    assert paths(plan) == ["b.txt"]
    assert tally.passed == {"planned before, and not changed since": 1}
    assert desk.downloads == 1


# cut off -------------------------------------------------------------------------------------------------


async def test_an_interrupted_plan_keeps_what_was_read_and_says_so(desk: Desk) -> None:
    for number in range(20):
        await desk.upload(f"{number:02}.txt")
    read: list[Any] = []

    def heard(one: Any) -> None:
        read.append(one)
        if len(read) == 3:
            task.cancel()

    task = asyncio.ensure_future(desk.plan(since=True, heard=heard))
    plan, tally, count = await task
    assert (len(paths(plan)), tally.partial, count) == (len(read), tag_planning.INTERRUPTED, 20)
    assert 3 <= len(read) < 20
    assert plan.partial == tag_planning.INTERRUPTED

    rest, tally, _ = await desk.plan(since=True)
    assert sorted(paths(rest) + paths(plan)) == [f"{number:02}.txt" for number in range(20)]
    assert tally.passed.total() == len(read)


async def test_a_plan_that_graph_leaves_alone_in_the_middle_is_kept(desk: Desk) -> None:
    await desk.upload("a.txt")
    await desk.upload("b.docx", b"PK\x03\x04 no Word file")
    state = {"left": 2}

    async def gone(request: Any) -> None:
        if request.url.path.endswith("/content"):
            state["left"] -= 1
            if state["left"] < 0:
                raise GraphUnreachable("Nothing answers.")

    for number in range(20):
        await desk.upload(f"c/{number}.txt")
    desk.here.app.graph.http.event_hooks["request"].append(gone)
    plan, tally, _ = await desk.plan()
    assert tally.partial == "Nothing answers."
    assert [one.path for one in plan.refused] == ["b.docx"]
    assert paths(plan) == ["a.txt"]
    with pytest.raises(GraphUnreachable):
        await desk.plan()


async def test_passed_over_documents_are_not_in_the_plan(desk: Desk) -> None:
    await desk.upload("a.txt")
    await desk.plan(since=True)
    heard: list[Any] = []
    plan, _, _ = await desk.plan(since=True, heard=heard.append)
    assert not any(isinstance(one, Passed) for one in heard)
    text = json.loads((desk.folder / "2.json").read_text("utf-8"))
    assert text["documents"] == [] and plan.rows == ()
