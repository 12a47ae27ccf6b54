"""A change somebody makes in the calendar is followed within a minute."""

from datetime import timedelta

import pytest
from km365_flows.calendar_watch import JOB, CalendarWatch

from km365.app import App
from km365.errors import GraphUnreachable
from km365.graph import lists, people, sites
from km365.jobs.port import JobState
from km365.services.calendar_watch import bookmark
from km365.store import accounts, cursors

from ..conftest import Provisioned, person_id


async def place(app: App, title: str = "Milestones") -> tuple[str, str]:
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    return site.id, (await lists.get_list(app.graph, site.id, title)).id


async def scans(app: App) -> int:
    """The scans that wait, which are taken out."""
    waiting = [one for one in await app.db.run(app.jobs.list_, state=JobState.WAITING) if one.name == "scan"]
    await app.db.run(app.jobs.cancel, "scan")
    return len(waiting)


@pytest.fixture
async def watch(provisioned: Provisioned) -> CalendarWatch:
    """One that has begun to watch."""
    made = CalendarWatch(provisioned.app)
    await made.look({})
    assert await scans(provisioned.app) == 1, "what happened before is looked at once"
    return made


async def test_a_look_is_queued_once_a_minute(provisioned: Provisioned) -> None:
    watch = CalendarWatch(provisioned.app)
    await watch.every_minute()
    await watch.every_minute()
    jobs = await provisioned.app.db.run(provisioned.app.jobs.list_, state=JobState.WAITING)
    assert [one.name for one in jobs] == [JOB]


@pytest.mark.parametrize("title", ["Milestones", "Departures"])
async def test_what_is_added_changed_or_deleted_brings_a_scan_and_nothing_else_does(
    provisioned: Provisioned, watch: CalendarWatch, title: str
) -> None:
    app = provisioned.app
    where = await place(app, title)
    item = await lists.create_item(app.graph, *where, {"Title": "A"})
    seen = []
    for act in (
        lambda: lists.update_fields(app.graph, *where, item.id, {"KMState": "cancelled"}),
        lambda: lists.delete_item(app.graph, *where, item.id),
        None,
    ):
        await watch.look({})
        seen.append(await scans(app))
        await watch.look({})
        assert await scans(app) == 0
        if act:
            await act()
    assert seen == [1, 1, 1]


async def test_an_account_switched_off_brings_a_scan_once_and_other_changes_to_it_none(
    provisioned: Provisioned, watch: CalendarWatch
) -> None:
    app = provisioned.app
    seen = []
    for change in ({"jobTitle": "A"}, {"accountEnabled": False}, {"jobTitle": "B"}):
        await app.graph.patch(f"/users/{person_id('ann')}", change)
        await watch.look({})
        seen.append(await scans(app))
    assert seen == [0, 1, 0]
    assert list(await app.db.run(accounts.off)) == [person_id("ann")]


async def test_a_new_moved_or_removed_leave_date_brings_a_scan(
    provisioned: Provisioned, watch: CalendarWatch
) -> None:
    app, seen = provisioned.app, []
    soon, later = (app.clock.now() + timedelta(days=days) for days in (20, 30))
    for day in (soon.isoformat(), soon.isoformat(), later.isoformat(), None):
        await app.graph.patch(f"/users/{person_id('ann')}", {"employeeLeaveDateTime": day})
        await watch.look({})
        seen.append(await scans(app))
    assert seen == [1, 0, 1, 1]


async def test_a_directory_that_does_not_answer_holds_up_no_change_in_the_lists(
    provisioned: Provisioned, watch: CalendarWatch, monkeypatch
) -> None:
    app = provisioned.app
    await lists.create_item(app.graph, *await place(app), {"Title": "A"})

    def away(*_: object, **__: object) -> object:
        raise GraphUnreachable("Nothing answered.")

    monkeypatch.setattr(people, "delta", away)
    await watch.look({})
    assert await scans(app) == 1


async def test_a_restart_misses_nothing(provisioned: Provisioned, watch: CalendarWatch) -> None:
    app = provisioned.app
    await lists.create_item(app.graph, *await place(app), {"Title": "A"})
    await CalendarWatch(app).look({})
    assert await scans(app) == 1


async def test_a_bookmark_graph_has_forgotten_counts_as_a_change(
    provisioned: Provisioned, watch: CalendarWatch
) -> None:
    app = provisioned.app
    for link in (
        f"{app.settings.graph}/sites/x/lists/y/items/delta?token=gone",
        "https://elsewhere.example/delta",
    ):
        await app.db.run(cursors.put, bookmark("Milestones"), link, at=app.clock.now())
        await watch.look({})
        assert await scans(app) == 1
        await watch.look({})
        assert await scans(app) == 0


async def test_while_sharepoint_is_away_nothing_is_lost_and_it_is_said_once(
    provisioned: Provisioned, watch: CalendarWatch, caplog, monkeypatch
) -> None:
    app = provisioned.app
    where = await place(app)
    await lists.create_item(app.graph, *where, {"Title": "A"})
    look = lists.delta

    def away(*_: object) -> object:
        raise GraphUnreachable("Nothing answered.")

    monkeypatch.setattr(lists, "delta", away)
    await watch.look({})
    await watch.look({})
    assert [record.message for record in caplog.records if record.name == "km365.flows.calendar"] == [
        "Changes in the calendar could not be looked at: GraphUnreachable"
    ]
    monkeypatch.setattr(lists, "delta", look)
    await watch.look({})
    assert await scans(app) == 1
