"""`km365 handover export` and `erase`: everything of one person, given to them or erased, and on record."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.knowledge import to_fields
from km365.core.preferences import Asked
from km365.core.questions import Bank
from km365.core.schema import DEPARTURES, KNOWLEDGE
from km365.documents.questions import Banks
from km365.graph import lists, sites
from km365.services import handing_on, personal_data
from km365.services import interview as service
from km365.store import conversations, events, interviews, outbox, preferences
from km365.store.database import Connection

from ..conftest import Provisioned, person_id, sign_in_name
from ..services.lessons import lesson
from .conftest import Type

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SAID = {"ann": "The pumps of slate-7431 leak.", "ben": "Ben's own words."}


def answered(c: Connection, who: str) -> None:
    """This person has answered one question, for themself alone, and writes to the bot."""
    answer = Answer(question="risk", text=SAID[who], audience=Audience.NAMED, language="en", at=NOW)
    told = Interview(
        id=f"interview-{who}",
        key=f"handover:{person_id(who)}",
        bank="handover",
        person_id=person_id(who),
        language="en",
        state=InterviewState.DRAFT,
        created_at=NOW,
        changed_at=NOW,
        subject_title="Chief of Water",
        due_on=date(2026, 3, 27),
        answers=(answer,),
    )
    made = interviews.create(
        c,
        interview_id=told.id,
        key=told.key,
        person_id=told.person_id,
        bank_id=told.bank,
        subject="1",
        language="en",
        state=told.state,
        data={},
        at=NOW,
    )
    service.keep(c, replace(told, version=made.version))
    conversations.save(c, f"chat-{who}", {"language": "en"}, 0, at=NOW)
    conversations.remember_address(
        c,
        person_id(who),
        conversation_id=f"chat-{who}",
        service_url="https://smba.example",
        tenant_id="t",
        locale="en",
        at=NOW,
    )


@pytest.fixture
async def told(provisioned: Provisioned) -> Provisioned:
    """Ann and Ben have answered; a lesson of each and Ann's departure are in SharePoint."""
    app = provisioned.app
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    for title, fields in (
        (KNOWLEDGE.title, to_fields(lesson())),
        (KNOWLEDGE.title, to_fields(lesson(id="KM-2", contributors=(person_id("ben"),)))),
        (DEPARTURES.title, {"Title": "Chief of Water", "KMPerson": sign_in_name("ann").upper()}),
    ):
        target = await lists.get_list(app.graph, site.id, title)
        await lists.create_item(app.graph, site.id, target.id, fields)
    with app.db.begin() as c:
        for who in SAID:
            answered(c, who)
    return provisioned


def whole_database(here: Provisioned) -> bytes:
    assert here.app.db.path is not None
    return here.app.db.path.read_bytes()


def private(name: str) -> str:
    """What is in the file, which nobody else may read."""
    assert Path(name).stat().st_mode & 0o077 == 0
    return Path(name).read_text(encoding="utf-8")


async def test_an_export_is_a_private_file_with_every_word_of_one_person_and_is_on_record(
    km365: Type, told: Provisioned
) -> None:
    done = await km365("handover", "export", sign_in_name("ann"), "-o", "ann.json")
    assert done.code == 0 and "2 in SharePoint" in done.err and SAID["ann"] not in done.out + done.err
    found = json.loads(private("ann.json"))
    assert [one["place"] for one in found["held"]] == ["answers", "interviews", "chats", "address"]
    assert found["held"][0]["rows"][0]["value"] == SAID["ann"]
    assert [one["where"] for one in found["sharepoint"]] == ["Knowledge", "Departures"]
    assert SAID["ben"] not in str(found) and person_id("ben") not in str(found)

    assert (await km365("handover", "export", sign_in_name("ann"), "-o", "ann.json")).code == 4
    with told.app.db.begin() as c:
        (event,) = events.list_(c, subject=personal_data.digest(person_id("ann")))
    assert (event.kind, event.who, event.what) == ("personal data exported", "command line", {"rows": 4})


async def test_erasing_says_first_what_it_would_do_then_does_it_and_asks_nothing_more(
    km365: Type, told: Provisioned
) -> None:
    dry = await km365("handover", "erase", sign_in_name("ann"), "--json")
    assert dry.code == 0 and not dry.json["applied"]
    assert [(one["place"], one["rows"], one["becomes"]) for one in dry.json["lines"]] == [
        ("answers", 1, "deleted"),
        ("interviews", 1, "deleted"),
        ("chats", 1, "deleted"),
        ("address", 1, "deleted"),
    ]
    assert SAID["ann"].encode() in whole_database(told)
    assert "ask me again" in dry.json["from_then_on"]
    assert "asks them nothing by itself" in (await km365("handover", "erase", sign_in_name("ann"))).err

    done = await km365("handover", "erase", sign_in_name("ann"), "--apply")
    assert done.code == 3 and "copies of the database" in done.err and "take it back" in done.err
    assert "asks them nothing by itself" in done.err and "ask me again" in done.err
    assert SAID["ann"] not in done.out + done.err
    left = whole_database(told)
    assert SAID["ann"].encode() not in left and SAID["ben"].encode() in left

    with told.app.db.begin() as c:
        assert interviews.list_(c, person_id=person_id("ann")) == []
        assert preferences.get(c, person_id("ann")).asked is Asked.NONE
        (event,) = events.list_(c, subject=personal_data.digest(person_id("ann")))
    assert event.what == {"answers": 1, "interviews": 1, "chats": 1, "address": 1}

    again = await km365("handover", "erase", person_id("ann"), "--apply", "--json")
    assert [(one["place"], one["becomes"]) for one in again.json["lines"]] == [("preferences", "kept")]


async def test_of_somebody_whose_account_is_gone_the_id_will_do_and_a_name_will_not(
    km365: Type, told: Provisioned
) -> None:
    gone = "0f0e0d0c-0b0a-4090-8807-060504030201"
    with told.app.db.begin() as c:
        preferences.put_language(c, gone, "fr", at=NOW)
    done = await km365("handover", "erase", gone.upper(), "--json")
    assert [one["place"] for one in done.json["lines"]] == ["preferences"]
    unknown = await km365("handover", "erase", "nobody@childrensagency.example")
    assert unknown.code == 1 and "give the object id" in unknown.err


async def test_what_is_erased_while_it_is_handed_on_goes_no_further_and_nobody_is_written_to(
    km365: Type, told: Provisioned
) -> None:
    app = told.app
    with app.db.begin() as c:
        found = service.load(c, "interview-ann")
        service.keep(c, replace(found, state=InterviewState.SENDING, sent_at=NOW))

    async def deliver(_: Interview, __: Bank, begin: handing_on.Begin) -> str:
        done = await km365("handover", "erase", sign_in_name("ann"), "--apply")
        assert done.code == 3
        await begin()
        raise AssertionError("a word of it left")

    desk = handing_on.Desk(
        db=app.db,
        jobs=app.jobs,
        banks=Banks(app.templates),
        submit=deliver,
        file_note=deliver,
        now=lambda: NOW,
    )
    await handing_on.hand_on(desk, "interview-ann")
    await handing_on.hand_on(desk, "interview-ann")
    with app.db.begin() as c:
        assert outbox.list_(c) == []
