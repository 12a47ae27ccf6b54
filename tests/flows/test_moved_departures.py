"""What is pending about a departure follows its day, and stops when nobody leaves after all."""

from datetime import datetime, timedelta

import pytest

from km365.core.departures import Source
from km365.core.schedule import Outcome, Progress
from km365.errors import Forbidden
from km365.graph import people
from km365.local import users
from km365.services import accounts, calendar, departures
from km365.store import campaigns
from km365.store.campaigns import Campaign
from km365.store.outbox import Delivery


def leaves(office, days: int) -> str:
    return f"{office.day(days)}T00:00:00Z"


def campaign(office) -> Campaign:
    with office.db.begin() as c:
        (only,) = campaigns.list_(c, kind="departure")
    return only


def progress(office) -> Progress:
    subject = campaign(office).id
    with office.db.begin() as c:
        (prompt,) = campaigns.people(c, subject)
    return prompt.progress


def next_at(office) -> datetime | None:
    return progress(office).next_at


async def asked_days(office, days: int) -> list[int]:
    """The days, from now, on which something was sent, with a look and a delivery every day."""
    begins, found = office.now.date(), []
    for _ in range(days):
        sent = await office.look(days=1)
        office.deliver()
        if sent:
            found.append((office.now.date() - begins).days)
    return found


async def test_a_last_day_brought_near_asks_at_the_pace_of_little_notice(office) -> None:
    ruth = office.hire("ruth")
    key = await office.departure(ruth, 150)
    await office.scan()
    office.deliver()
    assert campaign(office).plan.days == (0, 14, 42)
    office.now += timedelta(days=1)
    await office.edit("Departures", key, KMLastDay=leaves(office, 6))
    assert (await office.scan()).messages == 1, "the next reminder is a day after the invitation"
    office.deliver()
    assert campaign(office).plan.days == (0, 1, 3)
    assert await asked_days(office, 8) == [], "two in a week are the most, and then the last day is over"
    _, reminder = sorted(office.messages().values(), key=lambda one: one.message.key)
    assert reminder.message.data["reminder"] == 1
    assert reminder.message.data["leaves_on"] == str(office.day(6))


async def test_a_last_day_put_off_slows_the_reminders_down(office) -> None:
    ruth = office.hire("ruth")
    key = await office.departure(ruth, 6)
    await office.scan()
    office.deliver()
    await office.edit("Departures", key, KMLastDay=leaves(office, 120))
    await office.scan()
    assert await asked_days(office, 20) == [14]


async def test_a_contract_prolonged_by_a_year_is_quiet_until_the_new_day_is_near(office) -> None:
    ruth = office.hire("ruth")
    key = await office.departure(ruth, 30)
    await office.scan()
    office.deliver()
    await office.edit("Departures", key, KMLastDay=leaves(office, 395))
    await office.scan()
    moved = campaign(office)
    assert (moved.due_on, moved.plan.last_on) == (office.day(395), office.day(395))
    waits_for = next_at(office)
    assert waits_for is not None and waits_for.date() >= office.day(395 - 183)
    office.now = waits_for
    await office.scan()
    assert sorted(one.message.data["reminder"] for one in office.messages().values()) == [0, 1]
    assert len({campaign(office).id}) == 1, "it is the same departure, and nobody is invited twice"


async def test_an_invitation_that_waits_says_the_new_day(office) -> None:
    ruth = office.hire("ruth")
    key = await office.departure(ruth, 30)
    await office.scan()
    await office.edit("Departures", key, KMLastDay=leaves(office, 33))
    await office.scan()
    (waiting,) = office.messages().values()
    assert waiting.message.data["leaves_on"] == str(office.day(33))


async def test_a_departure_moved_and_then_cancelled_stops_and_goes_on_if_it_is_on_again(office) -> None:
    ruth = office.hire("ruth", leaves_at=leaves(office, 30))
    key = await office.departure(ruth, 30)
    await office.scan()
    await office.edit("Departures", key, KMLastDay=leaves(office, 40))
    await office.scan()
    await office.edit("Departures", key, KMState="cancelled")
    report = await office.scan()
    assert report.ended == (campaign(office).id,)
    assert [one.state for one in office.messages().values()] == [Delivery.CANCELLED]
    assert await asked_days(office, 10) == []
    await office.edit("Departures", key, KMState="planned", KMLastDay=leaves(office, 80))
    await office.scan()
    reminders = [one for one in office.messages().values() if one.state is Delivery.WAITING]
    assert [one.message.data["reminder"] for one in reminders] == [0], "it was never delivered"


async def test_a_departure_taken_out_of_the_list_asks_nobody_any_more(office) -> None:
    ruth = office.hire("ruth")
    await office.departure(ruth, 30, KMPerson="ruth@childrensagency.example")
    await office.scan()
    users.create(
        office.m365.state, id=ruth, upn="ruth.new@childrensagency.example", display_name="Ruth", mail=None
    )
    report = await office.scan()
    assert report.ended == (campaign(office).id,)
    assert len(report.warnings) == 1, "and the entry that names nobody is told"


@pytest.mark.parametrize("readable", [True, False])
async def test_a_leave_date_taken_out_ends_it_unless_dates_cannot_be_read(
    office, readable: bool, monkeypatch
) -> None:
    ruth = office.hire("ruth", leaves_at=leaves(office, 30))
    await office.scan()
    users.create(
        office.m365.state, id=ruth, upn="ruth@childrensagency.example", display_name="Ruth", leaves_at=None
    )

    def refuse(*_: object, **__: object) -> object:
        raise Forbidden("Graph refused to read leave dates.")

    if not readable:
        monkeypatch.setattr(people, "list_leavers", refuse)
    report = await office.scan()
    assert report.ended == ((campaign(office).id,) if readable else ())


async def test_nobody_is_reminded_whose_account_is_switched_off(office) -> None:
    ruth = office.hire("ruth")
    await office.departure(ruth, 30)
    await office.scan()
    users.create(
        office.m365.state, id=ruth, upn="ruth@childrensagency.example", display_name="Ruth", enabled=False
    )
    assert (await office.scan()).ended == (campaign(office).id,)
    assert [one.state for one in office.messages().values()] == [Delivery.CANCELLED]
    users.create(
        office.m365.state, id=ruth, upn="ruth@childrensagency.example", display_name="Ruth", enabled=True
    )
    await office.scan()
    assert [one.state for one in office.messages().values()][-1] is Delivery.WAITING


async def test_an_account_switched_off_by_itself_asks_nobody(office) -> None:
    ruth = office.hire("ruth")
    news = accounts.News(link="x", off={ruth: office.now.date()})
    await office.db.run(accounts.keep, news, at=office.now)
    for enabled in (False, True):
        users.create(
            office.m365.state,
            id=ruth,
            upn="ruth@childrensagency.example",
            display_name="Ruth",
            enabled=enabled,
        )
        report = await office.scan()
        assert (report.opened, office.messages()) == ((), {})


async def test_an_account_deleted_is_confirmed_by_an_entry_with_its_id(office) -> None:
    ruth = office.hire("ruth")
    users.delete(office.m365.state, ruth)
    news = accounts.News(link="x", off={ruth: office.now.date()})
    await office.db.run(accounts.keep, news, at=office.now)
    await office.departure(ruth, -3)
    names = await calendar.directory(office.graph)
    found = await departures.known(
        office.graph, office.db, office.settings, names, now=office.now, today=office.now.date()
    )
    (leaver,) = found.leavers
    assert leaver.decision is not None and leaver.decision.counts.source is Source.LIST
    assert (leaver.leaves_on, leaver.active, found.problems) == (office.day(-3), False, ())


async def test_who_answered_is_not_asked_again_when_the_day_moves(office) -> None:
    ruth = office.hire("ruth")
    key = await office.departure(ruth, 30)
    await office.scan()
    office.deliver()
    subject = campaign(office).id
    with office.db.begin() as c:
        assert campaigns.stop(c, ruth, subject, at=office.now)
    for days in (60, 395, 20):
        await office.edit("Departures", key, KMLastDay=leaves(office, days))
        assert (await office.scan()).messages == 0
    assert progress(office).state is Outcome.ANSWERED
