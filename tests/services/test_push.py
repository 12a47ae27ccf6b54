"""Lessons for whoever writes a document that was tagged: which, to whom, once, and what they may read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from km365_bots.speech import Speech
from km365_bots.topics import NotWanted
from km365_bots.topics.used import Used

from km365.core.audience import Audience
from km365.core.knowledge import Maturity, to_fields
from km365.core.preferences import Preferences
from km365.core.used import Tally
from km365.documents.messages import Catalogue
from km365.graph import drives, lists, metadata, sites
from km365.graph.metadata import Target, TermRef
from km365.local import faults
from km365.services import preferences, push, search_index
from km365.services.calendar import hours_of
from km365.services.capture import knowledge_list
from km365.services.verdicts import VerdictDesk
from km365.store import outbox, pushes
from km365.store import preferences as preference_store
from km365.store import used as used_store
from km365.store.outbox import Delivery, Message, Sent

from ..bots.chatting import Chat, Office
from ..conftest import BELMORA, Provisioned, person_id
from .lessons import lesson
from .shelf import InProcess

STRATEGY = {"KMDocumentType": "document-type/strategy"}


@dataclass
class Writing:
    """Ann of CO-BEL writes documents; Eve of CO-ARD has learned something."""

    here: Provisioned

    def __post_init__(self) -> None:
        app = self.here.app
        self.desk = push.desk_of(app.graph, app.db, app.jobs, app.settings, app.templates, app.clock.now)

    async def terms(self, tags: Mapping[str, str]) -> dict[str, list[TermRef]]:
        known = (await self.desk.terms.now()).taxonomy.by_id
        return {
            column: [TermRef(id=known[one].term_id or "", label=known[one].label("en"))]
            for column, one in tags.items()
        }

    async def learned(self, km_id: str, tags: Mapping[str, str], **changes: Any) -> str:
        """A validated lesson of CO-ARD, unless said otherwise; its list item's id."""
        values = {"office": "CO-ARD", "contributors": (person_id("eve"),), "title": km_id, **changes}
        item = lesson(**{"id": km_id, "maturity": Maturity.VALIDATED, **values})
        graph = self.here.app.graph
        place = await knowledge_list(graph, self.here.app.settings)
        row = await lists.create_item(graph, place.site_id, place.list_id, to_fields(item))
        notes = metadata.note_fields(await lists.list_columns(graph, place.site_id, place.list_id))
        target = Target.item(place.site_id, place.list_id, row.id)
        await metadata.write_terms(graph, target, await self.terms(tags), notes=notes)
        return row.id

    async def writes(self, name: str, tags: Mapping[str, str], *, by: str = "ann") -> drives.File:
        """A document in the library of CO-BEL, tagged as it is."""
        graph, state = self.here.app.graph, self.here.m365.state
        site = await sites.get_site(graph, BELMORA)
        drive = await drives.get_drive(graph, site.id, "Documents")
        file = await drives.upload(graph, drive.id, name, b"We will vaccinate every child in the north.")
        with state.tx() as c:
            who = json.dumps({"user": {"id": person_id(by)}})
            c.execute("UPDATE item SET created_by = ? WHERE name = ?", (who, name))
        notes = metadata.note_fields(await lists.list_columns(graph, site.id, drive.list_id))
        target = Target.file(drive.id, file.id)
        await metadata.write_terms(graph, target, await self.terms(tags), notes=notes)
        return file

    async def looks(self) -> None:
        """The search index reads what is there."""
        app = self.here.app
        noticed = await push.types(self.desk)
        await search_index.look(app.graph, app.db, app.settings, now=app.clock.now, noticed=noticed)

    async def messages(self) -> list[Sent]:
        return await self.here.app.db.run(outbox.list_, prefix=push.PUSH)

    @property
    def topic(self) -> Used:
        app = self.here.app
        verdicts = VerdictDesk(
            graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=app.clock.now
        )
        return Used(app, verdicts, self.desk)

    async def told(self, message: Message, language: str = "en") -> str:
        """The message in words, as it goes out now."""
        words = Catalogue(self.here.app.templates).get(language)
        reply = await self.topic.as_sent(Speech(messages=words, secret=b"s" * 32, person_id=""), message)
        assert reply is not None
        return reply.text


@pytest.fixture
def writing(provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch) -> Writing:
    monkeypatch.setattr(search_index, "Reader", InProcess)
    return Writing(provisioned)


VACCINES, ACROSS = "topic/immunization", "cross-cutting/gender"


async def test_the_author_is_sent_once_what_other_offices_learned_about_the_same(writing: Writing) -> None:
    await writing.learned("KM-both", {"KMTopic": VACCINES, "KMCrossCutting": ACROSS})
    await writing.learned("KM-topic", {"KMTopic": VACCINES})
    await writing.learned("KM-words", {"KMCrossCutting": ACROSS}, title="Vaccinate every child")
    await writing.learned("KM-other", {"KMTopic": "topic/teachers"}, title="Vaccinate every child")
    for km_id, changes in (
        ("KM-own", {"office": "CO-BEL"}),
        ("KM-hidden", {"audience": Audience.OFFICE}),
        ("KM-draft", {"maturity": Maturity.IN_REVIEW}),
        ("KM-mine", {"contributors": (person_id("ann"),)}),
    ):
        await writing.learned(km_id, {"KMTopic": VACCINES}, **changes)
    await writing.writes("Note.txt", {**STRATEGY, "KMTopic": VACCINES, "KMCrossCutting": ACROSS})
    await writing.writes("Minutes.txt", {"KMTopic": VACCINES})
    await writing.looks()
    (one,) = await push.would_send(writing.desk)
    found = [lesson.item.id for lesson in one.lessons]
    assert (one.title, found[0], set(found)) == ("Note", "KM-both", {"KM-both", "KM-topic", "KM-words"})
    assert await writing.messages() == []
    db, jobs = writing.here.app.db, writing.here.app.jobs
    await db.run(push.enqueue, jobs)
    (job,) = [one for one in await db.run(jobs.list_) if one.name == push.PUSH]
    await push.work(writing.desk, job.args)
    await push.work(writing.desk, job.args)  # killed before it was known to be done
    (sent,) = await writing.messages()
    assert (sent.message.person_id, sent.message.card) == (person_id("ann"), push.CARD)
    assert "accinate" not in json.dumps(sent.message.data), "no word of a lesson is kept"
    told = await writing.told(sent.message)
    assert "Lessons that fit “Note”" in told
    assert "The same topics: " in told
    assert "Vaccinate every child" in told
    assert "الموضوعات نفسها" in await writing.told(sent.message, "ar")
    await writing.looks()
    assert await db.run(pushes.waiting) == []


async def test_what_was_narrowed_or_is_not_wanted_any_more_is_not_sent(writing: Writing) -> None:
    row = await writing.learned("KM-1", {"KMTopic": VACCINES})
    await writing.writes("Note.txt", {**STRATEGY, "KMTopic": VACCINES})
    await writing.looks()
    assert await push.send_due(writing.desk) == 1
    (sent,) = await writing.messages()
    app = writing.here.app
    place = await knowledge_list(app.graph, app.settings)
    await lists.update_fields(app.graph, place.site_id, place.list_id, row, {"KMAudience": "O"})
    with pytest.raises(NotWanted):
        await writing.told(sent.message)
    now, hours = app.clock.now(), hours_of(app.settings)
    await preferences.change(app.db, hours, person_id("ann"), preferences.without_lessons, now=now)
    (cancelled,) = await writing.messages()
    assert cancelled.state is Delivery.CANCELLED
    await lists.update_fields(app.graph, place.site_id, place.list_id, row, {"KMAudience": "U"})
    await writing.writes("Second.txt", {**STRATEGY, "KMTopic": VACCINES})
    await writing.writes("By nobody.txt", {**STRATEGY, "KMTopic": VACCINES}, by="a stranger")
    await writing.looks()
    assert await push.send_due(writing.desk) == 0
    assert len(await writing.messages()) == 1


async def test_the_limit_of_a_week_holds_and_old_documents_are_left_alone(
    writing: Writing,
) -> None:
    await writing.learned("KM-1", {"KMTopic": VACCINES})
    for number in range(4):
        await writing.writes(f"Note {number}.txt", {**STRATEGY, "KMTopic": VACCINES})
    await writing.writes("Old.txt", {**STRATEGY, "KMTopic": VACCINES}, by="sue")
    with writing.here.m365.state.tx() as c:
        c.execute("UPDATE item SET created_at = '2020-01-01T00:00:00Z' WHERE name = 'Old.txt'")
    await writing.looks()
    assert await push.send_due(writing.desk) == writing.here.app.settings.prompts_per_week
    assert {one.message.person_id for one in await writing.messages()} == {person_id("ann")}


async def test_a_document_that_may_not_be_read_keeps_no_other_waiting(writing: Writing) -> None:
    await writing.learned("KM-1", {"KMTopic": VACCINES})
    await writing.writes("Note.txt", {**STRATEGY, "KMTopic": VACCINES})
    await writing.looks()
    closed = {"verb": "GET", "path": "*/items/*", "status": 403}
    faults.switch(writing.here.m365.state, "next_requests", on=True, **closed)
    assert await push.send_due(writing.desk) == 0
    assert await writing.here.app.db.run(pushes.waiting) == []


async def test_what_is_noticed_again_while_it_is_looked_at_waits_on(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writing.writes("Note.txt", {**STRATEGY, "KMTopic": VACCINES})
    await writing.looks()
    app, look = writing.here.app, push.wanted

    async def wanted(desk: push.PushDesk, drive_id: str, item_id: str) -> list[push.Wanted]:
        found = await look(desk, drive_id, item_id)
        await app.db.run(pushes.notice, drive_id, [item_id], at=app.clock.now())
        return found

    monkeypatch.setattr(push, "wanted", wanted)
    await push.send_due(writing.desk)
    assert len(await app.db.run(pushes.waiting)) == 1


async def test_a_focal_point_who_only_tagged_the_document_is_not_its_author(writing: Writing) -> None:
    await writing.learned("KM-1", {"KMTopic": VACCINES})
    for name, changed_by in (("Tagged.txt", "ben"), ("Edited.txt", "sue")):
        await writing.writes(name, {**STRATEGY, "KMTopic": VACCINES})
        with writing.here.m365.state.tx() as c:
            who = json.dumps({"user": {"id": person_id(changed_by)}})
            c.execute("UPDATE item SET modified_by = ? WHERE name = ?", (who, name))
    await writing.looks()
    found = {(one.title, one.person.id) for one in await push.would_send(writing.desk)}
    assert found == {("Tagged", person_id("ann")), ("Edited", person_id("ann")), ("Edited", person_id("sue"))}


async def test_a_lesson_that_was_sent_is_spoken_of_by_its_buttons_and_by_typing(writing: Writing) -> None:
    await writing.learned("KM-1", {"KMTopic": VACCINES})
    await writing.writes("Note.txt", {**STRATEGY, "KMTopic": VACCINES})
    await writing.looks()
    await push.send_due(writing.desk)
    (sent,) = await writing.messages()
    db = writing.here.app.db
    chat = Chat(office=Office(db=db, topics=[writing.topic]), person=person_id("ann"))
    await chat.hears_of(sent.message)
    await chat.says("1 did not fit: no roads")
    chat.heard("without your name")
    assert await db.run(used_store.tally_of, "KM-1") == Tally(did_not_fit=1, reasons=("no roads",))
    await chat.hears_of(sent.message)
    await chat.presses("used:0:KM-1")
    chat.heard("You used this.")
    await chat.presses("stop")
    chat.heard("I send you no lessons for your documents any more")
    assert (await db.run(preference_store.get, person_id("ann"))) == Preferences(lessons=False)
