"""What people chose of messages is kept to by the scan, the step of every minute and the sender."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from km365.core.preferences import Asked, Preferences
from km365.core.schedule import Outcome
from km365.documents.asking import rule_words
from km365.errors import InputRefused
from km365.services import messages, milestones, preferences
from km365.store import campaigns, outbox
from km365.store.outbox import Delivery, Message
from km365.templates import Templates

Choose = Callable[..., Awaitable[preferences.Overview]]


@pytest.fixture
def choose(office) -> Choose:
    async def change(person: str, **wanted: object) -> preferences.Overview:
        def to(before: Preferences) -> Preferences:
            return replace(before, **wanted)

        return await preferences.change(office.db, office.hours, person, to, now=office.now)

    return change


async def outcome(office, subject: str) -> Outcome:
    (mine,) = await office.db.run(campaigns.people, subject)
    return mine.progress.state


async def test_who_wants_no_reflections_is_not_asked_and_the_focal_point_sees_it(office, choose) -> None:
    ann = office.hire("ann")
    await choose(ann, asked=Asked.HANDOVER)
    key = await office.milestone(2, asked=ann)
    assert (await office.scan()).messages == 0
    (line,) = (await milestones.show(office.graph, office.db, office.settings, key)).people
    assert (line.outcome, line.sent, line.next_at) == (Outcome.OPTED_OUT, 0, None)
    assert (await office.scan()).messages == 0


async def test_what_waits_is_called_off_with_its_reason_and_asked_again_in_time(office, choose) -> None:
    ann = office.hire("ann")
    key = await office.milestone(2, asked=ann)
    await office.scan()
    await choose(ann, asked=Asked.NONE)
    (line,) = (await milestones.show(office.graph, office.db, office.settings, key)).people
    assert (line.outcome, line.became) == (
        Outcome.OPTED_OUT,
        "cancelled: the person wants no such messages",
    )
    with pytest.raises(InputRefused):
        await messages.resend(office.db, office.jobs, office.hours, f"invite:{key}:{ann}", now=office.now)
    assert await office.look(days=3) == 0
    seen = await choose(ann, asked=Asked.ALL)
    assert [one.campaign.id for one in seen.waiting] == [f"milestone:{key}"]
    assert await office.look(minutes=1) == 1


async def test_it_is_not_taken_up_when_it_is_of_no_use_any_more(office, choose) -> None:
    ann = office.hire("ann")
    key = await office.milestone(2, asked=ann)
    await office.scan()
    await choose(ann, asked=Asked.NONE)
    office.now += timedelta(days=60)
    assert (await choose(ann, asked=Asked.ALL)).waiting == ()
    assert await outcome(office, f"milestone:{key}") is Outcome.OPTED_OUT


async def test_a_handover_is_offered_once_to_who_wants_nothing(office, choose) -> None:
    ann = office.hire("ann")
    await choose(ann, asked=Asked.NONE)
    await office.departure(ann, 40)
    await office.scan()
    (row,) = office.messages().values()
    assert row.message.data["once"] is True
    office.deliver()
    for _ in range(6):
        assert await office.look(days=7) == 0
    assert len(office.messages()) == 1


async def test_a_message_waits_for_the_persons_own_morning(office, choose) -> None:
    ann = office.hire("ann")
    await choose(ann, zone="Pacific/Auckland", opens=timedelta(hours=8), closes=timedelta(hours=17))
    await office.milestone(2, asked=ann)
    assert (await office.scan()).messages == 0, "it is 23:00 in Auckland"
    assert await office.look(hours=8) == 0
    assert await office.look(hours=1, minutes=1) == 1


async def test_news_waits_too_and_says_why_but_is_no_trouble(office, choose) -> None:
    ann = office.hire("ann")
    await choose(ann, opens=timedelta(hours=8), closes=timedelta(hours=9))
    news = Message(key="news", person_id=ann, card="lesson_decided", data={}, language="en", reason="x")

    def held(at: datetime) -> datetime:
        with office.db.begin() as c:
            outbox.put(c, news, at=at)
            opens = preferences.opens_at(c, news, office.hours, at=at)
            outbox.hold(c, "news", at=at, due_at=opens, note=outbox.QUIET)
            return opens

    assert held(office.now) == office.now.replace(hour=8) + timedelta(days=1)
    (row,) = await messages.troubled(office.db)
    assert row.became == (
        "waiting until 2026-03-03 08:00 UTC: it is outside the hours in which the person may be written to"
    )
    assert row.advice == ""
    with office.db.begin() as c:
        assert outbox.count_troubled(c, since=office.now - timedelta(days=1)) == {}
    await choose(ann, closes=timedelta(hours=12))
    waits = office.messages()["news"]
    assert (waits.state, waits.due_at) == (Delivery.WAITING, office.now), "the new hours let it come now"


async def test_the_next_milestone_of_a_person_is_that_of_their_office_or_names_them(office) -> None:
    ann, eve = office.hire("ann"), office.hire("eve", office="CO-CAS")
    await office.milestone(3)
    later = await office.milestone(60)
    await office.milestone(50, asked="eve@childrensagency.example")
    await office.milestone(30, state="cancelled")

    async def found(person: str) -> str | None:
        words = rule_words(Templates())
        one = await preferences.next_milestone(office.graph, office.settings, words, person, now=office.now)
        return one.due_on.isoformat() if one and one.due_on else None

    assert await found(ann) == office.day(60).isoformat(), later
    assert await found(eve) == office.day(50).isoformat()
    assert await found("nobody") is None
