"""A group's reflection survives being killed anywhere, closes once, and leaves no answer behind."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from km365.core.interviews import InterviewState
from km365.core.said import Said, Verb
from km365.core.schedule import Hours
from km365.documents.questions import Banks
from km365.jobs import open_jobs
from km365.services import group_reflection as service
from km365.services import interview, prompts
from km365.services.group_reflection import Member, Wanted
from km365.store import campaigns, events, group_reflections, interviews, outbox
from km365.store.database import Database
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOURS = Hours(zone=UTC)
BANKS = Banks(Templates())
SECRET = "the budget of the northern warehouse"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url)
    yield database
    database.close()


def wanted(**changes: Any) -> Wanted:
    members = [Member(person_id=one, name=f"{one.title()} Paperboat", language="en") for one in "abcd"]
    whole = {
        "conversation_id": "19:g@thread.v2",
        "service_url": "https://teams.example",
        "tenant_id": "t",
        "begun_by": "a",
        "begun_with": "act",
        "language": "en",
        "subject": "pumps",
        "members": members,
    }
    return Wanted(**{**whole, **changes})


async def begin(db: Database, **changes: Any) -> service.Standing:
    return await service.begin(db, HOURS, wanted(**changes), now=NOW, new_id=lambda: "r1")


async def answered(db: Database, people: str) -> None:
    """These people were asked, answer and hand in."""
    jobs = open_jobs(db)
    await prompts.send_due(db, jobs, HOURS, now=NOW)
    for person in people:
        campaign = await interview.campaign(db, "group:r1", person_id=person)
        assert campaign is not None
        turn = await interview.start(
            db,
            BANKS,
            jobs,
            person_id=person,
            subject=interview.subject_of(campaign, person),
            language="en",
            said=Said(verb=Verb.START),
            now=NOW,
            new_id=lambda person=person: f"i-{person}",
        )
        for said in (
            Said(verb=Verb.AGREE),
            Said(verb=Verb.ANSWER, text="1"),
            Said(verb=Verb.ANSWER, text=f"The drivers {person}, {SECRET if person == 'a' else 'early'}"),
            *[Said(verb=Verb.SKIP)] * 3,
            Said(verb=Verb.SEND),
        ):
            turn = await interview.take(db, BANKS, jobs, turn.interview, said, now=NOW)
        assert turn.interview.state is InterviewState.SENDING


async def look(db: Database, *, now: datetime) -> None:
    """What the look of every minute does."""
    jobs = open_jobs(db)
    service.open_desk(db, BANKS, jobs, lambda: now)
    await jobs._ticks[interview.LOOK]()  # type: ignore[attr-defined]


async def summaries(db: Database) -> list[outbox.Sent]:
    return await db.run(outbox.list_, prefix="group_summary")


async def test_killed_at_any_statement_of_its_end_it_has_ended_or_has_not(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(db)
    await answered(db, "abc")
    over = NOW + timedelta(days=5)
    for mortal in _deeds():
        with monkeypatch.context() as patched:
            mortal(patched)
            try:
                await look(db, now=over)
                survived = True
            except Killed:
                survived = False
        told, still = await summaries(db), await db.run(group_reflections.open_ids)
        assert (len(told), len(still)) in {(0, 1), (1, 0)}
        states = {one.state for one in await db.run(interviews.list_, bank_id="group_reflection")}
        assert states == ({InterviewState.SENDING} if still else {InterviewState.FINISHED})
        if survived:
            break
    assert (len(await summaries(db)), await db.run(group_reflections.open_ids)) == (1, [])
    await look(db, now=over)
    assert len(await summaries(db)) == 1


def _deeds() -> Iterator[Callable[[pytest.MonkeyPatch], None]]:
    """Deaths at each thing the end writes, and at last none."""
    for module, name in (
        (outbox, "put"),
        (interview, "keep"),
        (campaigns, "stop_everyone"),
        (group_reflections, "close"),
        (events, "append"),
    ):

        def die(*_: object, **__: object) -> None:
            raise Killed

        yield lambda patched, module=module, name=name: patched.setattr(module, name, die)
    yield lambda patched: None


async def test_what_was_answered_is_gone_once_the_group_is_told(db: Database) -> None:
    await begin(db)
    await answered(db, "abc")
    await look(db, now=NOW + timedelta(days=5))
    for person in "abc":
        assert await db.run(interviews.answers, f"i-{person}") == []
    (told,) = await summaries(db)
    assert "drivers" in str(told.message.data) and SECRET not in str(told.message.data)
    assert "Paperboat" not in str(told.message.data)
    kept = await db.run(group_reflections.get, "group:r1")
    assert kept is not None and kept.names == [], "nobody's name is needed any more"


async def test_it_closes_by_itself_when_all_are_done_and_not_before(db: Database) -> None:
    await begin(db)
    await answered(db, "abc")
    await look(db, now=NOW)
    assert await summaries(db) == []
    await answered_no(db, "d")
    await look(db, now=NOW)
    assert len(await summaries(db)) == 1


async def answered_no(db: Database, person: str) -> None:
    campaign = await interview.campaign(db, "group:r1", person_id=person)
    assert campaign is not None
    await interview.start(
        db,
        BANKS,
        open_jobs(db),
        person_id=person,
        subject=interview.subject_of(campaign, person),
        language="en",
        said=Said(verb=Verb.DECLINE),
        now=NOW,
        new_id=lambda: f"i-{person}",
    )


async def test_who_has_not_handed_in_is_not_counted_and_loses_the_draft(db: Database) -> None:
    await begin(db)
    await answered(db, "abc")
    campaign = await interview.campaign(db, "group:r1", person_id="d")
    assert campaign is not None
    jobs = open_jobs(db)
    await interview.start(
        db,
        BANKS,
        jobs,
        person_id="d",
        subject=interview.subject_of(campaign, "d"),
        language="en",
        said=Said(verb=Verb.START),
        now=NOW,
        new_id=lambda: "i-d",
    )
    for said in (Said(verb=Verb.AGREE), Said(verb=Verb.ANSWER, text="1")):
        begun = await db.run(interview.load, "i-d")
        await interview.take(db, BANKS, jobs, begun, said, now=NOW)
    await look(db, now=NOW + timedelta(days=5))
    (told,) = await summaries(db)
    assert told.message.data["summary"]["answered"] == 3
    assert await db.run(interviews.answers, "i-d") == []
    said = Said(verb=Verb.ANSWER, text="late")
    late = await interview.take(db, BANKS, jobs, begun, said, now=NOW)
    assert late.interview.state is InterviewState.OVER


async def test_nobody_is_asked_twice_however_often_it_is_begun(db: Database) -> None:
    first, again = await begin(db), await begin(db)
    other = await begin(db, begun_with="another")
    assert (first.fresh, again.fresh, other.fresh) == (True, False, False)
    assert first.id == again.id == other.id
    jobs = open_jobs(db)
    for hours in (0, 1, 2):
        await prompts.send_due(db, jobs, HOURS, now=NOW + timedelta(hours=hours))
    sent = await db.run(outbox.list_)
    assert sorted(one.message.person_id for one in sent) == list("abcd")


async def test_a_member_sees_in_the_invitation_and_before_answering_how_words_are_used(db: Database) -> None:
    bank = BANKS.get("group_reflection", "en")
    assert bank.consent is not None
    for words in ("at least three of you used", "only if you allow it", "fewer than three"):
        assert words in bank.consent.audience
    assert "deleted" in bank.consent.keeping
