"""The milestones in the Outlook calendar of one mailbox."""

from dataclasses import replace

import pytest

from km365.core.outlook import State
from km365.errors import Forbidden, GraphNotFound
from km365.local import calendars, faults
from km365.services import outlook
from km365.services.outlook import Report
from km365.store import outlook as store

DESK = "desk@childrensagency.example"
EVENTS = f"/users/{DESK}/events"


@pytest.fixture
def desk(office):
    office.hire("desk")
    office.settings = replace(office.settings, calendar_mailbox=DESK.title(), time_zone="Africa/Nairobi")
    return office


async def keep(office, *, dry_run: bool = False) -> Report:
    return await outlook.keep(office.graph, office.db, office.settings, now=office.now, dry_run=dry_run)


def shown(office) -> list[tuple[str, str]]:
    return [
        (one["start"]["dateTime"][:10], one["subject"]) for one in calendars.events(office.m365.state, DESK)
    ]


def nothing(**but) -> Report:
    return Report(**{"made": 0, "changed": 0, "called_off": 0, "deleted": 0, "problems": ()} | but)


async def test_events_are_made_moved_renamed_and_taken_out_as_the_list_says(desk) -> None:
    first, second = await desk.milestone(9), await desk.milestone(20)
    await desk.milestone(None)
    await desk.milestone(9, state="cancelled")
    theirs = (await desk.graph.post(EVENTS, {"subject": "Theirs", **_hour()}))["id"]
    assert await keep(desk, dry_run=True) == nothing(made=2)
    assert await keep(desk) == nothing(made=2)
    assert await keep(desk) == nothing()
    assert shown(desk)[1:] == [(desk.day(days).isoformat(), "Mid-term review") for days in (9, 20)]
    one = calendars.events(desk.m365.state, DESK)[1]
    assert one["categories"] == ["Revue à mi-parcours"], "in the language of the mailbox"
    assert "CO-BEL" in one["body"]["content"] and "http" in one["body"]["content"]
    assert one["start"]["timeZone"] == "Africa/Nairobi" and one["isAllDay"] and not one["isReminderOn"]

    await desk.edit("Milestones", first, KMDate=f"{desk.day(11)}T00:00:00Z", Title="Renamed")
    await desk.edit("Milestones", second, KMState="cancelled")
    assert await keep(desk) == nothing(changed=1, called_off=1)
    assert (desk.day(11).isoformat(), "Renamed") in shown(desk) and len(shown(desk)) == 2
    await desk.edit("Milestones", second, KMState="planned")
    await desk.edit("Milestones", first, KMDate=None)
    assert await keep(desk) == nothing(made=1, called_off=1)
    assert theirs in {one["id"] for one in calendars.events(desk.m365.state, DESK)}


async def test_what_somebody_deleted_in_outlook_comes_back_only_with_another_day(desk) -> None:
    key = await desk.milestone(9)
    await keep(desk)
    (one,) = calendars.events(desk.m365.state, DESK)
    await desk.graph.delete(f"{EVENTS}/{one['id']}")
    await desk.edit("Milestones", key, Title="Renamed")
    assert await keep(desk) == await keep(desk) == nothing(deleted=1)
    await desk.edit("Milestones", key, KMDate=f"{desk.day(12)}T00:00:00Z")
    assert await keep(desk) == nothing(made=1)
    assert shown(desk) == [(desk.day(12).isoformat(), "Renamed")]


async def test_a_process_killed_after_an_event_was_made_makes_no_second(desk) -> None:
    key = await desk.milestone(9)
    await keep(desk)
    (known,) = (await desk.db.run(store.list_, DESK)).values()
    before = replace(known, state=State.MAKING, event_id="")  # what stood in the table at that moment
    await desk.db.run(store.put, DESK, key, before)
    await desk.edit("Milestones", key, Title="Renamed")
    assert await keep(desk) == nothing(made=1, changed=1)
    assert shown(desk) == [(desk.day(9).isoformat(), "Renamed")]


async def test_what_graph_finds_wrong_with_one_event_does_not_stop_the_others(desk) -> None:
    await desk.milestone(9)
    await desk.milestone(10)
    refused = {"verb": "POST", "path": "*/events", "status": 400, "times": 1, "retry_after_s": None}
    faults.switch(desk.m365.state, "next_requests", on=True, **refused)
    report = await keep(desk)
    assert report.made == 1 and "milestone 1" in report.problems[0]
    assert await keep(desk) == nothing(made=1)


async def test_a_mailbox_that_is_gone_or_closed_is_no_deleted_event(desk) -> None:
    key = await desk.milestone(9)
    await keep(desk)
    await desk.edit("Milestones", key, Title="Renamed")
    for status, error in ((404, GraphNotFound), (403, Forbidden)):
        refused = {"verb": "PATCH", "path": "*/events/*", "status": status, "times": 1, "retry_after_s": None}
        faults.switch(desk.m365.state, "next_requests", on=True, **refused)
        with pytest.raises(error, match="mailbox's calendar"):
            await keep(desk)
    assert await keep(desk) == nothing(changed=1)


def _hour() -> dict[str, dict[str, str]]:
    return {
        name: {"dateTime": f"2026-03-{day}T09:00:00", "timeZone": "UTC"}
        for name, day in (("start", "05"), ("end", "06"))
    }
