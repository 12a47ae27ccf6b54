"""Milestones moved, called off, taken out and put back: what is pending follows at once."""

from datetime import date, timedelta

import pytest

from km365.core.schedule import Outcome
from km365.graph import lists, sites
from km365.store import campaigns, events, outbox
from km365.store.outbox import Delivery


async def remove(office, key: str) -> None:
    site = await sites.get_site(office.graph, office.settings.knowledge_site)
    target = await lists.get_list(office.graph, site.id, "Milestones")
    await lists.delete_item(office.graph, site.id, target.id, key)


async def move(office, key: str, days: int) -> date:
    day = office.day(days)
    await office.edit("Milestones", key, KMDate=f"{day}T00:00:00Z")
    return day


def standing(office, key: str) -> dict[Outcome, int]:
    with office.db.begin() as c:
        return campaigns.counts(c, f"milestone:{key}")


def notes(office, kind: str) -> list[dict]:
    with office.db.begin() as c:
        return [one.what for one in events.list_(c, kind=kind)]


async def test_an_invitation_that_waits_for_the_morning_waits_for_summer_instead(office) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    with office.db.begin() as c:
        outbox.hold(c, f"invite:{key}:{ann}", at=office.now, due_at=office.now, note=outbox.QUIET)
    day = await move(office, key, 60)
    await office.scan()
    with office.db.begin() as c:
        assert outbox.release(c, ann, at=office.now) == 0, "she writes to the bot, which frees what was held"
        assert outbox.due(c, at=office.now + timedelta(days=30)) == []
        (waits,) = outbox.due(c, at=office.now + timedelta(days=60))
    assert waits.message.data["due_on"] == day.isoformat()
    assert waits.due_at.date() == day - timedelta(days=14)
    assert await office.look(days=30) == 0


async def test_a_milestone_put_off_and_brought_forward_again_asks_at_once(office) -> None:
    office.hire("ann")
    office.hire("bob")
    key = await office.milestone(2)
    await office.scan()
    office.deliver()
    await move(office, key, 200)
    await office.scan()
    office.now += timedelta(days=7)
    await move(office, key, 5)
    assert (await office.scan()).messages == 2, "the reminder that was due meanwhile"
    reminders = [one for one in office.messages().values() if one.message.data["reminder"] == 1]
    assert len(reminders) == 2
    assert {one.message.data["due_on"] for one in reminders} == {office.day(5).isoformat()}


async def test_an_invitation_put_off_before_it_went_out_goes_out_when_the_day_comes_back(office) -> None:
    office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    await move(office, key, 200)
    await office.scan()
    await move(office, key, 4)
    await office.scan()
    office.now += timedelta(days=1)
    with office.db.begin() as c:
        (waits,) = outbox.due(c, at=office.now)
    assert (waits.message.data["reminder"], waits.message.data["due_on"]) == (
        0,
        office.day(3 + 1).isoformat(),
    )


async def test_a_day_moved_by_a_little_is_what_the_waiting_message_says(office) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    day = await move(office, key, 4)
    await office.edit("Milestones", key, Title="Mid-term review, in Arden")
    await office.scan()
    data = office.messages()[f"invite:{key}:{ann}"].message.data
    assert (data["due_on"], data["title"]) == (day.isoformat(), "Mid-term review, in Arden")
    assert notes(office, "campaign moved") == [{"from": office.day(2).isoformat(), "to": day.isoformat()}]


async def test_a_milestone_that_was_deleted_asks_nobody_any_more(office) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    other = await office.milestone(12)
    await office.scan()
    await remove(office, key)
    dry = await office.scan(dry_run=True)
    assert dry.ended == (f"milestone:{key}",)
    assert standing(office, key) == {Outcome.OPEN: 1}
    await office.scan()
    held = office.messages()[f"invite:{key}:{ann}"]
    assert (held.state, held.note) == (Delivery.CANCELLED, "the milestone is no longer in the list")
    assert standing(office, key) == {Outcome.CANCELLED: 1}
    assert standing(office, other) == {Outcome.OPEN: 1}


async def test_a_milestone_whose_date_was_taken_out_waits_for_one(office) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    office.deliver()
    await office.edit("Milestones", key, KMDate="")
    report = await office.scan()
    assert report.ended == (f"milestone:{key}",)
    assert await office.look(days=4) == 0
    await move(office, key, 6)
    assert (await office.scan()).messages == 1
    assert office.messages()[f"invite:{key}:{ann}:1"].message.data["reminder"] == 1


async def test_a_day_moved_far_into_the_past_ends_it_and_one_that_merely_passed_does_not(office) -> None:
    office.hire("ann")
    moved, passing = await office.milestone(2), await office.milestone(-7)
    await office.scan()
    office.deliver()
    office.now += timedelta(days=1)
    await move(office, moved, -40)
    assert (await office.scan()).ended == (f"milestone:{moved}",)
    assert standing(office, passing) == {Outcome.OPEN: 1}
    office.deliver()
    assert await office.look(days=6) == 1, "the reminder of the one that passed, when the week has room"


@pytest.mark.parametrize("back", [0, 1])
async def test_one_called_off_before_anybody_was_reached_invites_when_it_is_on_again(office, back) -> None:
    ann, key = office.hire("ann"), await office.milestone(5)
    await office.scan()
    await office.edit("Milestones", key, KMState="cancelled")
    await office.scan()
    assert notes(office, "campaign ended") == [{"why": "the milestone is cancelled"}]
    office.now += timedelta(days=back)
    await office.edit("Milestones", key, KMState="planned")
    await office.scan()
    await office.look(days=1)
    sent = [one.message for one in office.messages().values() if one.state is not Delivery.CANCELLED]
    assert [(one.key, one.data["reminder"]) for one in sent] == [(f"invite:{key}:{ann}:1", 0)]


async def test_scanning_again_after_a_move_changes_nothing_more(office) -> None:
    office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    for days in (90, 3):
        await move(office, key, days)
        await office.scan()
        before = office.messages()
        await office.scan()
        assert {k: v.due_at for k, v in office.messages().items()} == {k: v.due_at for k, v in before.items()}
    assert len(notes(office, "campaign moved")) == 2
