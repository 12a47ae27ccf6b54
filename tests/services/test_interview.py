"""An interview is kept turn by turn: nothing said is lost, nothing heard twice counts twice."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete

from km365.core.audience import Audience
from km365.core.interviews import InterviewState, PromptKind
from km365.core.notes import Note
from km365.core.said import Said, Verb
from km365.core.schedule import Outcome, Plan, Progress
from km365.core.turns import Turn
from km365.documents.questions import Banks
from km365.errors import NotFound
from km365.jobs import open_jobs
from km365.services import interview as service
from km365.services.interview import Subject
from km365.store import campaigns, outbox
from km365.store import interviews as store
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.store.tables import interview
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANKS = Banks(Templates())
REVIEW = Subject(key="review:ann", bank="midterm_review", title="Review", campaign="milestone:7")
LONG = "We went to the village twice and nobody had told the nurses."


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A database of one's own."""
    database = Database.open(database_url)
    yield database
    database.close()


async def started(db: Database, subject: Subject = REVIEW, verb: Verb = Verb.START) -> Turn:
    return await service.start(
        db,
        BANKS,
        open_jobs(db),
        person_id="ann",
        subject=subject,
        language="en",
        said=Said(verb=verb),
        now=NOW,
        new_id=lambda: "i1",
    )


async def say(db: Database, verb: Verb, text: str = "", **more: object) -> Turn:
    said = replace(Said(verb=verb, text=text), **more)  # type: ignore[arg-type]
    turn = await service.get(db, BANKS, "i1", person_id="ann")
    return await service.take(db, BANKS, open_jobs(db), turn.interview, said, now=NOW)


def ask(c: Connection) -> None:
    """A campaign that has invited ann."""
    campaign = Campaign(
        id="milestone:7", kind="milestone", title="Review", due_on=date(2026, 3, 9), plan=Plan(), data={}
    )
    campaigns.create(c, campaign, at=NOW)
    campaigns.add_person(c, campaign.id, "ann", key="invite:7:ann", language="en", at=NOW)


def outcome(c: Connection) -> Progress:
    return campaigns.people(c, "milestone:7")[0].progress


async def test_starting_twice_is_one_interview(db: Database) -> None:
    first, second = await started(db), await started(db)
    assert first.interview == second.interview
    assert second.prompt.kind is PromptKind.QUESTION


async def test_an_answer_survives_a_restart_whole(db: Database, database_url: str) -> None:
    await started(db)
    await say(db, Verb.SKIP)
    await say(db, Verb.ANSWER, LONG)
    db.close()
    again = Database.open(database_url)
    turn = await service.current(again, BANKS, "ann")
    again.close()
    assert turn is not None
    assert turn.interview.answers[1].text == LONG
    assert turn.prompt.number == 3


async def test_words_are_only_in_rows_that_can_expire(db: Database) -> None:
    await started(db)
    await say(db, Verb.SKIP)
    await say(db, Verb.ANSWER, LONG)
    await say(db, Verb.DRAFT)
    await say(db, Verb.EDIT, fields={"title": "My own title"})
    row = await db.run(store.get, "i1")
    assert "nurses" not in str(row.data)
    assert "My own" not in str(row.data)
    rows = await db.run(store.answers, "i1")
    assert [(r.question_id, r.audience) for r in rows] == [("story", "O"), ("edit:title", "O")]
    await db.run(store.erase_answers, untouched_since=NOW + timedelta(seconds=1))
    turn = await service.get(db, BANKS, "i1", person_id="ann")
    assert [a.text for a in turn.interview.answers] == ["", ""]
    assert turn.interview.edits == {}


async def test_what_was_chosen_is_forgotten_with_the_answer(db: Database) -> None:
    await started(db)
    turn = await say(db, Verb.ANSWER, "operational")
    assert (await service.get(db, BANKS, "i1", person_id="ann")).interview == turn.interview
    assert turn.interview.answers[0].choice == "operational"
    assert "perational" not in str((await db.run(store.get, "i1")).data)
    await db.run(store.erase_answers, untouched_since=NOW + timedelta(seconds=1))
    (answer,) = (await service.get(db, BANKS, "i1", person_id="ann")).interview.answers
    assert (answer.text, answer.choice) == ("", "")


async def test_the_same_activity_twice_is_kept_once(db: Database) -> None:
    await started(db)
    await say(db, Verb.ANSWER, "1", activity_id="a1")
    turn = await say(db, Verb.ANSWER, "1", activity_id="a1")
    assert turn.notes == (Note.ALREADY,)
    assert len(turn.interview.answers) == 1


async def test_turns_at_the_same_moment_are_all_kept(db: Database) -> None:
    await started(db)
    names = ["side", "story", "setting", "cause", "advice", "limits", "evidence"]
    await asyncio.gather(
        *(
            say(db, Verb.ANSWER, "1" if n == "side" else f"{n} {LONG}", question=n, activity_id=n)
            for n in names
        )
    )
    turn = await service.get(db, BANKS, "i1", person_id="ann")
    assert {a.question for a in turn.interview.answers} == set(names)


async def test_a_turn_is_applied_to_what_was_saved_since_it_was_read(db: Database) -> None:
    read = (await started(db)).interview
    await say(db, Verb.ANSWER, "1", question="side")
    await say(db, Verb.ANSWER, LONG, question="story")
    said = Said(verb=Verb.ANSWER, text=f"cause {LONG}", question="cause")
    turn = await service.take(db, BANKS, open_jobs(db), read, said, now=NOW)
    assert {a.question for a in turn.interview.answers} == {"side", "story", "cause"}
    assert await db.run(service.load, "i1") == turn.interview


async def test_a_turn_of_what_was_erased_since_it_was_read_is_refused(db: Database) -> None:
    read = (await started(db)).interview
    with db.begin() as c:
        c.execute(delete(interview).where(interview.c.id == "i1"))
    with pytest.raises(NotFound):
        await service.take(db, BANKS, open_jobs(db), read, Said(verb=Verb.SKIP), now=NOW)


async def test_nobody_reaches_into_another_persons_interview(db: Database) -> None:
    await started(db)
    with pytest.raises(NotFound):
        await service.get(db, BANKS, "i1", person_id="ben")
    assert await service.find(db, BANKS, "i1", person_id="ben") is None
    assert await service.current(db, BANKS, "ben") is None


async def test_beginning_ends_the_reminders(db: Database) -> None:
    await db.run(ask)
    await started(db)
    assert (await db.run(outcome)).state is Outcome.ANSWERED


async def test_saying_no_ends_the_reminders(db: Database) -> None:
    await db.run(ask)
    turn = await started(db, verb=Verb.DECLINE)
    assert turn.interview.state is InterviewState.DECLINED
    assert (await db.run(outcome)).state is Outcome.DECLINED


async def test_later_becomes_a_message_that_going_on_takes_back(db: Database) -> None:
    await started(db)
    await say(db, Verb.LATER)
    (waiting,) = await db.run(outbox.list_, prefix="resume:i1")
    assert waiting.due_at == NOW + timedelta(days=1)
    assert (waiting.message.card, waiting.message.data["interview"]) == ("resume", "i1")
    await say(db, Verb.RESUME)
    (waiting,) = await db.run(outbox.list_, prefix="resume:i1")
    assert waiting.state is outbox.Delivery.CANCELLED


async def test_a_change_of_language_asks_in_it_and_keeps_the_answers_as_given(db: Database) -> None:
    await started(db)
    await say(db, Verb.ANSWER, "1")
    turn = await say(db, Verb.LANGUAGE, "ar")
    assert turn.prompt.question == BANKS.get("midterm_review", "ar").questions[1]
    assert turn.interview.answers[0].language == "en"


async def test_withdrawn_words_are_gone_from_the_database(db: Database) -> None:
    await started(db)
    await say(db, Verb.SKIP)
    await say(db, Verb.ANSWER, LONG)
    await say(db, Verb.WITHDRAW)
    await say(db, Verb.YES)
    assert await db.run(store.answers, "i1") == []


async def test_an_answer_not_to_be_recorded_never_reaches_the_database(db: Database) -> None:
    await started(db)
    await say(db, Verb.SKIP)
    await say(db, Verb.ANSWER, LONG, audience=Audience.UNRECORDED)
    assert await db.run(store.answers, "i1") == []
