"""What is done once a day so that the database stays small and can be put back."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from km365.core.contributions import Wish, WishKind, WishState
from km365.core.schedule import Hours
from km365.core.term_requests import Ask
from km365.core.term_requests import Wish as TermWish
from km365.errors import StoreError
from km365.services import group_reflection, housekeeping
from km365.services.group_reflection import Member, Wanted
from km365.store import campaigns, conversations, events, group_reflections, interviews, term_requests, wishes
from km365.store.database import Connection
from km365.store.interviews import StoredAnswer
from km365.store.outbox import Delivery

from ..databases import ON_SQLITE


@ON_SQLITE
async def test_the_copies_of_fourteen_days_are_kept(office) -> None:
    for _ in range(16):
        await housekeeping.tidy(office.db, office.jobs, now=office.now)
        office.now += timedelta(days=1)
    copies = sorted(file.name for file in (office.settings.home / "copies").iterdir())
    assert len(copies) == 14
    assert copies[-1] == f"km365-{office.day(15)}.sqlite"


@ON_SQLITE
async def test_after_a_long_rest_no_copy_is_left_that_holds_what_has_expired_since(office) -> None:
    await housekeeping.tidy(office.db, office.jobs, now=office.now)
    office.now += timedelta(days=14)
    await housekeeping.tidy(office.db, office.jobs, now=office.now)
    copies = [file.name for file in (office.settings.home / "copies").iterdir()]
    assert copies == [f"km365-{office.day(14)}.sqlite"]


@ON_SQLITE
async def test_a_damaged_database_does_not_push_out_the_good_copies(office, monkeypatch) -> None:
    await housekeeping.tidy(office.db, office.jobs, now=office.now)
    monkeypatch.setattr(type(office.db), "problems", lambda self: ["page 7 is torn"])
    office.now += timedelta(days=1)
    with pytest.raises(StoreError, match="was not copied"):
        await housekeeping.tidy(office.db, office.jobs, now=office.now)
    copies = [file.name for file in (office.settings.home / "copies").iterdir()]
    assert copies == [f"km365-{office.day(0)}.sqlite"]


async def test_activities_of_last_week_are_forgotten(office) -> None:
    with office.db.begin() as c:
        conversations.first_time(c, "old", office.now - timedelta(days=8))
        conversations.first_time(c, "new", office.now)
    assert (await housekeeping.tidy(office.db, office.jobs, now=office.now)).deleted == 1
    with office.db.begin() as c:
        assert not conversations.first_time(c, "new", office.now)


async def test_answers_go_after_twelve_months_and_only_their_number_is_recorded(office) -> None:
    secret = "what was said in confidence"
    with office.db.begin() as c:
        interviews.create(
            c,
            interview_id="i1",
            key="k1",
            person_id="p1",
            bank_id="handover",
            subject="departure:p1",
            language="en",
            state="finished",
            data={},
            at=office.now,
        )
        answer = StoredAnswer(question_id="q", audience="S", value=secret, answered_at=office.now)
        interviews.save(
            c, "i1", state="finished", is_open=False, data={}, answers=[answer], version=1, at=office.now
        )
    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=364))
    with office.db.begin() as c:
        assert [one.value for one in interviews.answers(c, "i1")] == [secret]
    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=366))
    with office.db.begin() as c:
        assert interviews.answers(c, "i1") == []
        recorded = events.list_(c, subject="answers")
    assert [one.what for one in recorded] == [{"count": 1}]


async def test_what_messages_said_goes_after_thirty_days_and_what_became_of_them_stays(office) -> None:
    office.hire("ann")
    await office.milestone(2)
    await office.scan()
    office.deliver()
    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=29))
    (sent,) = office.messages().values()
    assert sent.message.data["title"] == "Mid-term review"
    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=31))
    (sent,) = office.messages().values()
    assert (sent.message.data, sent.state) == ({}, Delivery.SENT)


async def test_why_people_asked_for_a_term_goes_after_twelve_months_and_the_request_stays(office) -> None:
    wish = TermWish(label="Climate anxiety", facet="topic", language="en")
    with office.db.begin() as c:
        for who, days in (("ann", 0), ("ben", 300)):
            ask = Ask(who=who, because=f"{who} needs it", language="en", at=office.now + timedelta(days=days))
            term_requests.add(c, wish, ask, new_id="r-1")
    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=364))
    assert [ask.because for ask in await office.db.run(term_requests.asks, "r-1")] == [
        "ann needs it",
        "ben needs it",
    ]
    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=366))
    assert [(ask.who, ask.because) for ask in await office.db.run(term_requests.asks, "r-1")] == [
        ("ann", ""),
        ("ben", "ben needs it"),
    ]
    assert await office.db.run(term_requests.askers) == {"r-1": 2}


async def test_what_an_author_wanted_changed_is_forgotten_once_it_is_settled(office) -> None:
    asked = Wish(
        item_id="KM-1",
        kind=WishKind.CHANGE,
        person_id="ann",
        interview_id="",
        office="CO-BEL",
        language="en",
        state=WishState.ASKED,
        words="It was two months.",
        asked_at=office.now,
        changed_at=office.now,
    )
    settled = replace(asked, item_id="KM-2", state=WishState.DONE)
    for one in (asked, settled):
        await office.db.run(wishes.put, one)
    office.now += timedelta(days=31)
    await housekeeping.tidy(office.db, office.jobs, now=office.now)
    kept = await office.db.run(wishes.list_, states=set(WishState))
    assert {one.item_id: one.words for one in kept} == {"KM-1": "It was two months.", "KM-2": ""}
    office.now += timedelta(days=365)
    await housekeeping.tidy(office.db, office.jobs, now=office.now)
    kept = await office.db.run(wishes.list_, states=set(WishState))
    assert {one.words for one in kept} == {""}


async def test_what_a_group_reflected_on_goes_twelve_months_after_it_closed(office) -> None:
    subject = "a subject that somebody typed"
    wanted = Wanted(
        conversation_id="19:c",
        service_url="https://teams.example",
        tenant_id="t",
        begun_by="ann",
        begun_with="a1",
        language="en",
        subject=subject,
        members=[Member(person_id=one, name=one, language="en") for one in ("ann", "ben", "cleo")],
    )
    begun = await group_reflection.begin(
        office.db, Hours(zone=UTC), wanted, now=office.now, new_id=lambda: "1"
    )
    with office.db.begin() as c:
        group_reflections.close(c, begun.id, at=office.now)
        interviews.create(
            c,
            interview_id="i1",
            key=f"{begun.id}:ann",
            person_id="ann",
            bank_id="group_reflection",
            subject=begun.id,
            language="en",
            state="over",
            data={"subject_title": subject},
            at=office.now,
        )

    def kept(c: Connection) -> str:
        campaign, interview = campaigns.get(c, begun.id), interviews.get(c, "i1")
        return f"{campaign} {interview}"

    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=364))
    assert subject in await office.db.run(kept)
    await housekeeping.tidy(office.db, office.jobs, now=office.now + timedelta(days=366))
    assert subject not in await office.db.run(kept)
