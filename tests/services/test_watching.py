"""Watching a library on the small Microsoft 365: what is new is tagged or queued, once, whatever happens."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from km365.core.feedback import Feedback, Proposal, ProposalKind, Verdict
from km365.core.passages import Passage
from km365.core.tag_plan import Library, Plan
from km365.core.tagging import Allowed, Suggestion
from km365.core.taxonomy import Concept, Mode, Status, Taxonomy
from km365.documents import reading
from km365.errors import GraphUnreachable, PlanRefused
from km365.graph import drives, lists, metadata, sites
from km365.graph.metadata import Target, TermRef
from km365.services import key_documents, tag_plan, tag_report, tag_run, tag_watch
from km365.services.tag_named import tag_named
from km365.services.tag_watch import Look
from km365.store import feedback, locks, runs, watches
from km365.store.runs import RunState
from km365.store.watches import FileState

from ..conftest import BELMORA, Provisioned, person_id

TOPIC = "KMTopic"
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Finds:
    """Suggests the topics whose English label stands in the text."""

    taxonomy: Taxonomy
    score: float = 0.9

    def suggest(
        self,
        passages: Sequence[Passage],
        *,
        facets: Iterable[str] | None = None,
        office: str | None = None,
        allowed: Allowed | None = None,
    ) -> list[Suggestion]:
        said = " ".join(one.text for one in passages)
        return [
            Suggestion(
                concept_id=one.id,
                facet="topic",
                score=self.score,
                words=(one.label(),),
                places=("page 1",),
                count=1,
            )
            for one in self.taxonomy.by_key["topic"].concepts
            if one.label() in said and one.status is not Status.DEPRECATED
        ]


@dataclass
class Watched:
    """The library of CO-BEL under a watch: the first topic may be applied at once, the others not."""

    here: Provisioned
    library: Library
    words: Finds
    notes: dict[str, str]
    now: datetime = MONDAY
    slept: list[float] = field(default_factory=list)
    downloads: int = 0

    @property
    def auto(self) -> Concept:
        return self.topics[0]

    @property
    def asked(self) -> Concept:
        return self.topics[1]

    @property
    def topics(self) -> tuple[Concept, ...]:
        return self.words.taxonomy.by_key["topic"].concepts

    async def begin(self, *, everything: bool = False) -> None:
        app = self.here.app
        self.here.m365.state.set_clock(self.now)
        await tag_watch.begin(app.graph, app.db, self.library, is_on=True, everything=everything, at=self.now)
        await self.look()

    async def later(self, **more: float) -> None:
        self.now += timedelta(**more)
        self.here.m365.state.set_clock(self.now)

    async def look(self, words: Finds | None = None) -> Look:
        app = self.here.app
        return await tag_watch.look(
            app.graph,
            app.db,
            app.settings,
            words or self.words,
            self.library.drive_id,
            now=lambda: self.now,
            settle=timedelta(),
        )

    async def upload(self, name: str, *topics: Concept, more: str = "") -> str:
        """The id of a file that speaks of these topics."""
        await self.later(minutes=1)
        text = ". ".join([*(one.label() for one in topics), more]) or "Nothing to speak of."
        drive = self.library.drive_id
        return (await drives.upload(self.here.app.graph, drive, name, text.encode())).id

    async def topics_of(self, item_id: str) -> list[str]:
        item = await drives.get_fields(self.here.app.graph, self.library.drive_id, item_id)
        return [term.label for term in metadata.decode(item.fields.get(TOPIC))]

    async def set_topics(self, item_id: str, *topics: Concept) -> None:
        """What a colleague does by hand."""
        refs = [TermRef(id=str(one.term_id), label=one.label()) for one in topics]
        target = Target.file(self.library.drive_id, item_id)
        await metadata.write_terms(self.here.app.graph, target, {TOPIC: refs}, notes=self.notes)

    async def says(self, *said: tuple[Verdict, Concept], of: str) -> None:
        """What a colleague says of topics of a document."""
        document = (self.library.drive_id, of)
        items = [
            Feedback(
                concept_id=one.id, facet="topic", verdict=verdict, document=document, at=self.now, who="ana"
            )
            for verdict, one in said
        ]
        await self.here.app.db.run(feedback.add, items)

    async def queued(self) -> Plan:
        return await self.here.app.db.run(tag_watch.queue, self.words.taxonomy, at=self.now)

    async def proposed(self) -> dict[str, list[str]]:
        rows = (await self.queued()).rows
        return {row.name: [one.tag.label for c in row.changes for one in c.add] for row in rows}

    async def control(self, verb: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(base_url=self.here.m365.base_url) as http:
            answer = await http.request(verb, path, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

    async def writes(self) -> int:
        entries = (await self.control("GET", "/_local/journal"))["entries"]
        return sum(one["verb"] == "PATCH" and one["path"].endswith("/fields") for one in entries)

    async def heard(self, request: httpx.Request) -> None:
        self.downloads += request.method == "GET" and request.url.path.endswith("/content")

    async def runs(self) -> list[tuple[str, str]]:
        return [(run.who, run.state.value) for run in await self.here.app.db.run(runs.list_)]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class InProcess:
    """Reads as `Reader` does, in this process: starting one takes a second, and is tested elsewhere."""

    def __init__(self, **_: Any) -> None: ...

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *_: object) -> None: ...

    async def read(self, name: str, data: bytes) -> list[Passage]:
        return reading.read(name, data)


@pytest.fixture
async def watched(provisioned: Provisioned, vocabulary: Any, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(tag_plan, "Reader", InProcess)
    graph = provisioned.app.graph
    (library,) = await tag_plan.find_libraries(graph, [BELMORA], "Documents")
    site = await sites.get_site(graph, BELMORA)
    drive = await drives.get_drive(graph, site.id, "Documents")
    notes = metadata.note_fields(await lists.list_columns(graph, site.id, drive.list_id))
    topic = vocabulary.taxonomy.by_key["topic"]
    concepts = (replace(topic.concepts[0], mode=Mode.AUTO), *topic.concepts[1:])
    words = Finds(Taxonomy(term_sets=(replace(topic, concepts=concepts),)))
    made = Watched(here=provisioned, library=library, words=words, notes=notes)
    graph.http.event_hooks["request"].append(made.heard)
    graph.governor.sleep = made.sleep
    graph.governor.clock = lambda: time.time() + sum(made.slept)
    return made


async def test_what_may_be_tagged_at_once_is_and_the_rest_waits_for_a_person(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("both.txt", watched.auto, watched.asked)
    found = await watched.look()
    assert await watched.topics_of(item) == [watched.auto.label()]
    assert await watched.proposed() == {"both.txt": [watched.asked.label()]}
    assert (found.tagged, found.queued, len(found.runs)) == (1, 1, 1)


async def test_what_waits_can_be_applied_as_it_stands(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("both.txt", watched.auto, watched.asked)
    await watched.look()
    app = watched.here.app
    await tag_run.apply(
        app.graph, app.db, app.settings, await watched.queued(), who="ben", now=lambda: watched.now
    )
    assert await watched.topics_of(item) == [watched.auto.label(), watched.asked.label()]
    await watched.later(minutes=5)
    await watched.look()
    assert await watched.proposed() == {}


async def test_documents_that_were_there_before_are_left_alone_unless_asked_for(watched: Watched) -> None:
    old = await watched.upload("old.txt", watched.auto)
    await watched.later(minutes=1)
    await watched.begin()
    assert await watched.topics_of(old) == []
    await watched.begin(everything=True)
    assert await watched.topics_of(old) == [watched.auto.label()]


async def test_a_document_that_is_moved_in_is_new_here_whatever_its_date(watched: Watched) -> None:
    await watched.begin()
    now, watched.now = watched.now, datetime(2020, 1, 1, tzinfo=UTC)  # moving a file keeps its date
    item = await watched.upload("moved.txt", watched.auto)
    watched.now = now
    await watched.later(minutes=1)
    assert (await watched.look()).read == 1
    assert await watched.topics_of(item) == [watched.auto.label()]


async def test_what_is_uploaded_between_the_order_and_the_first_look_is_new(watched: Watched) -> None:
    app = watched.here.app
    old = await watched.upload("old.txt", watched.auto)
    await tag_watch.begin(app.graph, app.db, watched.library, is_on=True, everything=False, at=watched.now)
    early = await watched.upload("early.txt", watched.auto)
    await watched.look()
    assert await watched.topics_of(old) == []
    assert await watched.topics_of(early) == [watched.auto.label()]


async def test_a_watch_keeps_its_score_unless_another_is_given(watched: Watched) -> None:
    async def begun(**more: Any) -> int:
        app = watched.here.app
        made = await tag_watch.begin(
            app.graph, app.db, watched.library, is_on=True, everything=False, at=watched.now, **more
        )
        return made.auto_percent

    assert await begun() == round(100 * tag_watch.AUTO_ABOVE)
    assert await begun(auto_above=0.99) == 99
    assert await begun() == 99


async def test_a_watch_does_not_follow_its_own_traces(watched: Watched) -> None:
    await watched.begin()
    await watched.upload("both.txt", watched.auto, watched.asked)
    await watched.look()
    before = await watched.writes(), watched.downloads
    assert before == (1, 1)
    for _ in range(3):
        await watched.later(minutes=5)
        await watched.look()
    assert (await watched.writes(), watched.downloads) == before
    assert await watched.proposed() == {"both.txt": [watched.asked.label()]}


async def test_a_document_that_changes_is_looked_at_again(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.asked)
    await watched.look()
    await watched.upload("note.txt", watched.auto)
    await watched.look()
    assert await watched.topics_of(item) == [watched.auto.label()]
    assert await watched.proposed() == {}


async def test_a_term_that_somebody_took_out_does_not_come_back(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    await watched.look()
    await watched.set_topics(item)
    await watched.upload("note.txt", watched.auto, more="Edited.")
    for _ in range(2):
        await watched.look()
        await watched.later(minutes=5)
    assert await watched.topics_of(item) == []
    (said,) = await watched.here.app.db.run(feedback.list_)
    assert (said.concept_id, said.verdict) == (watched.auto.id, Verdict.WRONG)


async def test_what_people_say_of_a_document_has_it_looked_at_again(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.asked, watched.topics[2])
    await watched.upload("other.txt", watched.asked)
    await watched.look()
    await watched.says((Verdict.WRONG, watched.asked), (Verdict.MISSING, watched.topics[3]), of=item)
    before = watched.downloads
    for _ in range(2):
        assert (await watched.look()).failed == ()
        await watched.later(minutes=5)
    assert watched.downloads == before + 1
    assert await watched.proposed() == {
        "note.txt": [watched.topics[3].label(), watched.topics[2].label()],
        "other.txt": [watched.asked.label()],
    }
    await watched.here.app.db.run(feedback.forget, (watched.library.drive_id, item))
    await watched.look()
    assert (await watched.proposed())["note.txt"] == [watched.asked.label(), watched.topics[2].label()]


async def test_a_document_in_use_keeps_its_reason_when_people_correct_it(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    await watched.control("PUT", "/_local/faults/open_file", {"name": "note.txt"})
    await watched.look()
    await watched.says((Verdict.WRONG, watched.auto), of=item)
    await watched.look()
    (waiting,) = await watched.here.app.db.run(watches.files, watched.library.drive_id)
    assert waiting.state is FileState.WAITING
    assert waiting.note
    await watched.control("DELETE", "/_local/faults")
    await watched.later(hours=1)
    await watched.look()
    assert await watched.topics_of(item) == []


async def test_what_an_undo_took_back_is_for_a_person_to_decide(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    (run_id,) = (await watched.look()).runs
    app = watched.here.app
    await tag_run.undo(app.graph, app.db, app.settings, run_id, who="ben", now=lambda: watched.now)
    await watched.upload("note.txt", watched.auto, more="Edited.")
    await watched.look()
    assert await watched.topics_of(item) == []
    assert await watched.proposed() == {"note.txt": [watched.auto.label()]}
    assert await app.db.run(feedback.list_) == []


async def test_a_document_in_use_is_tagged_when_it_is_free(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    await watched.control("PUT", "/_local/faults/open_file", {"name": "note.txt"})
    found = await watched.look()
    assert (found.tagged, found.retried) == (0, 1)
    await watched.control("DELETE", "/_local/faults")
    assert (await watched.look()).read == 0  # not before its time
    await watched.later(hours=1)
    for number in range(60):  # many runs have begun meanwhile
        more = {"run_id": f"tag-{number}", "kind": "tag", "plan_sha": str(number), "who": "km365 watch"}
        at = MONDAY + timedelta(minutes=number)
        await watched.here.app.db.run(runs.create_run, **more, what={}, documents=1, at=at)
    await watched.look()
    assert await watched.topics_of(item) == [watched.auto.label()]
    assert await watched.here.app.db.run(runs.list_, state=RunState.STOPPED) == []


@pytest.mark.parametrize("status", [423, 500])
async def test_a_document_that_cannot_be_read_for_now_is_read_later(watched: Watched, status: int) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    refused = {"verb": "GET", "path": "*/content", "status": status, "times": 20}
    await watched.control("PUT", "/_local/faults/next_requests", refused)
    found = await watched.look()
    assert (found.failed, found.retried) == ((), 1)
    await watched.control("DELETE", "/_local/faults")
    await watched.later(hours=1)
    await watched.look()
    assert await watched.topics_of(item) == [watched.auto.label()]


async def test_a_document_that_sharepoint_fails_to_write_is_written_later(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    refused = {"verb": "PATCH", "path": "*/fields", "status": 500, "times": 1, "retry_after_s": None}
    await watched.control("PUT", "/_local/faults/next_requests", refused)
    found = await watched.look()
    assert (found.failed, found.retried) == ((), 1)
    assert await watched.topics_of(item) == []
    await watched.later(hours=1)
    assert (await watched.look()).tagged == 1
    assert await watched.topics_of(item) == [watched.auto.label()]
    assert await watched.runs() == [("km365 watch", RunState.DONE)]


async def test_a_document_that_a_watch_left_checked_out_is_given_back_and_tagged(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    await watched.control("PUT", "/_local/faults/checkout_required", {})
    giving_back = {"verb": "POST", "path": "*/items/*[!/]????????", "status": 400, "times": 2}
    await watched.control("PUT", "/_local/faults/next_requests", {**giving_back, "retry_after_s": None})
    assert (await watched.look()).retried == 1
    await watched.control("PUT", "/_local/faults/next_requests", {**giving_back, "retry_after_s": None})
    await watched.later(hours=1)
    assert (await watched.look()).retried == 1, "it is still ours, and waits"
    await watched.later(hours=1)
    assert (await watched.look()).failed == ()
    assert await watched.topics_of(item) == [watched.auto.label()]
    assert watched.here.m365.state.all("SELECT * FROM file_checkout") == []


async def test_a_broken_document_called_like_an_error_is_not_read_for_ever(watched: Watched) -> None:
    await watched.begin()
    await watched.upload("Report 423.pdf", more="no pdf at all")
    found = await watched.look()
    assert ([path for path, _ in found.failed], found.retried) == (["Report 423.pdf"], 0)


async def test_what_waits_is_proposed_anew_when_one_of_its_terms_goes_out_of_use(watched: Watched) -> None:
    await watched.begin()
    await watched.upload("note.txt", watched.asked, watched.topics[2])
    await watched.upload("other.txt", watched.asked)
    await watched.look()
    watched.words = without(watched.words, watched.topics[2])
    assert await watched.proposed() == {"other.txt": [watched.asked.label()]}
    before = watched.downloads
    assert (await watched.look()).queued == 1
    assert watched.downloads == before + 1
    assert set(await watched.proposed()) == {"note.txt", "other.txt"}


async def test_what_waits_is_proposed_anew_when_its_label_is_found_to_mislead(watched: Watched) -> None:
    await watched.begin()
    await watched.upload("one.txt", watched.asked)
    await watched.upload("two.txt", watched.topics[2])
    await watched.look()
    label = watched.asked.label()
    misleading = Proposal(
        kind=ProposalKind.MISLEADING,
        concept_id=watched.asked.id,
        facet="topic",
        language="en",
        text=label,
        evidence=3,
        against=0,
        where=(),
    )
    app = watched.here.app
    await app.db.run(feedback.decide, misleading, decision=feedback.ACCEPTED, who="ana", at=watched.now)
    await watched.later(minutes=1)
    assert (await watched.look()).read == 1
    assert await watched.proposed() == {"two.txt": [watched.topics[2].label()]}
    assert (await watched.look()).read == 0


async def test_a_report_names_once_what_was_not_written_and_waits_for_a_person(watched: Watched) -> None:
    await watched.begin()
    await watched.upload("note.txt", watched.auto)
    await watched.control("PUT", "/_local/faults/open_file", {"name": "note.txt"})
    (run_id,) = (await watched.look()).runs
    await watched.control("DELETE", "/_local/faults")
    await watched.later(hours=1)
    await watched.look(replace(watched.words, score=0.7))
    assert await watched.proposed() == {"note.txt": [watched.auto.label()]}
    app = watched.here.app
    made = await tag_report.report(
        app.graph, app.db, app.settings, watched.words.taxonomy, run_id, language="en", at=watched.now
    )
    assert [(one.path, one.label, one.score) for one in made.open] == [
        ("note.txt", watched.auto.label(), 0.7)
    ]


async def test_a_report_leaves_out_what_waits_with_a_term_out_of_use(watched: Watched) -> None:
    await watched.begin()
    for name, topic in (("note.txt", watched.topics[2]), ("other.txt", watched.asked)):
        await watched.upload(name, watched.auto, topic)
    (run_id,) = (await watched.look()).runs
    app, words = watched.here.app, without(watched.words, watched.topics[2])
    made = await tag_report.report(
        app.graph, app.db, app.settings, words.taxonomy, run_id, language="en", at=watched.now
    )
    assert [(one.path, one.label) for one in made.open] == [("other.txt", watched.asked.label())]


def without(words: Finds, concept: Concept) -> Finds:
    """The words once this topic is deprecated."""
    topic = words.taxonomy.by_key["topic"]
    concepts = tuple(
        replace(one, status=Status.DEPRECATED) if one.id == concept.id else one for one in topic.concepts
    )
    return replace(words, taxonomy=Taxonomy(term_sets=(replace(topic, concepts=concepts),)))


async def test_an_unsure_term_is_never_applied_by_itself(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    await watched.look(replace(watched.words, score=0.7))
    assert await watched.topics_of(item) == []
    assert await watched.proposed() == {"note.txt": [watched.auto.label()]}


async def test_what_cannot_be_read_is_said_once(watched: Watched) -> None:
    await watched.begin()
    await watched.upload("broken.pdf", more="no pdf at all")
    found = await watched.look()
    assert [path for path, _ in found.failed] == ["broken.pdf"]
    await watched.later(hours=1)
    assert (await watched.look()).failed == ()


async def test_a_label_that_cannot_be_written_is_said_and_the_rest_is_tagged(watched: Watched) -> None:
    await watched.begin()
    topic = watched.words.taxonomy.by_key["topic"]
    broken = replace(watched.topics[2], labels={"en": "Cold | chain"}, mode=Mode.AUTO)
    concepts = (*topic.concepts[:2], broken, *topic.concepts[3:])
    words = Finds(Taxonomy(term_sets=(replace(topic, concepts=concepts),)))
    items = [await watched.upload("bad.txt", broken), await watched.upload("good.txt", watched.auto)]
    found = await watched.look(words)
    assert [path for path, _ in found.failed] == ["bad.txt"]
    assert "Cold | chain" in found.failed[0][1]
    assert [await watched.topics_of(one) for one in items] == [[], [watched.auto.label()]]
    assert (await watched.look(words)).failed == ()


async def test_a_deleted_document_is_forgotten(watched: Watched) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.asked)
    await watched.look()
    await watched.here.app.graph.delete(drives.file_item_path(watched.library.drive_id, item))
    await watched.look()
    assert await watched.proposed() == {}
    assert await watched.here.app.db.run(watches.files, watched.library.drive_id) == []


async def test_a_document_deleted_while_it_is_tagged_is_forgotten(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched.begin()
    item = await watched.upload("note.txt", watched.auto)
    write = tag_run.apply

    async def too_late(*args: Any, **options: Any) -> Any:
        await watched.here.app.graph.delete(drives.file_item_path(watched.library.drive_id, item))
        return await write(*args, **options)

    monkeypatch.setattr(tag_run, "apply", too_late)
    found = await watched.look()
    assert (found.failed, found.retried) == ((), 0)
    assert await watched.here.app.db.run(watches.files, watched.library.drive_id) == []
    assert await watched.runs() == [("km365 watch", RunState.DONE)]


async def test_when_graph_has_forgotten_the_place_nothing_is_tagged_twice(watched: Watched) -> None:
    await watched.upload("old.txt", watched.auto)
    await watched.later(minutes=1)
    await watched.begin()
    await watched.upload("one.txt", watched.auto)
    await watched.look()
    await watched.upload("two.txt", watched.auto)
    await watched.control("PUT", "/_local/faults/delta_gone", {"times": 1})
    await watched.look()
    assert await watched.writes() == 2


async def test_two_watchers_do_not_look_at_once(watched: Watched) -> None:
    await watched.begin()
    with locks.alone(watched.here.home, lock_of(watched)), pytest.raises(PlanRefused, match="busy"):
        await watched.look()


def lock_of(watched: Watched) -> str:
    (held,) = (watched.here.home / locks.FOLDER).glob("watch-*.lock")
    return held.stem


async def test_a_look_cut_off_while_writing_is_gone_on_with(watched: Watched, monkeypatch) -> None:
    """As `kill -9` leaves it: the plan is noted, its run is begun, nothing is said of its end."""
    await watched.begin()
    items = [await watched.upload(f"{n}.txt", watched.auto, watched.asked) for n in range(5)]

    async def cut_off(*_: Any, **__: Any) -> Any:
        raise GraphUnreachable("The line went dead.")

    with monkeypatch.context() as patched:
        patched.setattr(metadata, "write_many", cut_off)
        with pytest.raises(GraphUnreachable):
            await watched.look()
    assert (await watched.here.app.db.run(watches.get, watched.library.drive_id)).applying
    await watched.later(minutes=1)
    await watched.look()
    assert [await watched.topics_of(one) for one in items] == [[watched.auto.label()]] * 5
    assert sorted(await watched.proposed()) == [f"{n}.txt" for n in range(5)]
    assert await watched.writes() == 5
    assert await watched.runs() == [("km365 watch", RunState.DONE)]


async def test_a_document_is_left_alone_while_people_save_it(watched: Watched) -> None:
    await watched.begin()
    await watched.upload("note.txt", watched.auto)
    app = watched.here.app
    drive_id = watched.library.drive_id
    await tag_watch.look(app.graph, app.db, app.settings, watched.words, drive_id, now=lambda: watched.now)
    (waiting,) = await app.db.run(watches.files, drive_id, state=FileState.WAITING)
    assert waiting.due_at == watched.now + tag_watch.SETTLE


async def test_many_documents_take_several_runs_and_none_is_missed(watched: Watched, monkeypatch) -> None:
    monkeypatch.setattr(tag_watch, "AT_ONCE", 3)
    await watched.begin()
    items = await asyncio.gather(*(watched.upload(f"{n}.txt", watched.auto) for n in range(7)))
    found = await watched.look()
    assert (found.tagged, len(found.runs)) == (7, 3)
    assert [await watched.topics_of(one) for one in items] == [[watched.auto.label()]] * 7


async def test_a_document_that_a_leaver_names_is_tagged_though_it_was_there_before_the_watch(
    watched: Watched,
) -> None:
    app = watched.here.app
    await watched.upload("Old.txt", watched.auto, watched.asked)
    site = await sites.get_site(app.graph, BELMORA)
    library = await drives.get_drive(app.graph, site.id, "Documents")
    old = await drives.get_file(app.graph, library.id, "Old.txt")
    person = person_id("ann")

    async def names() -> int:
        found = await key_documents.look_up(app.graph, app.settings, old.web_url, person_id=person)
        return await tag_named(app.graph, app.db, found, now=watched.now)

    assert await names() == 0  # nobody watches the library
    await watched.later(hours=1)
    await watched.begin()
    assert await names() == 1
    look = await watched.look()
    assert (look.tagged, look.queued) == (1, 1)
    assert await names() == 0  # it bears a term now, and is dealt with
