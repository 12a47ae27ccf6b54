"""The daily scan, for colleagues who leave."""

from datetime import timedelta

import pytest

from km365.core.schedule import Outcome
from km365.store import campaigns
from km365.store.outbox import Delivery


def leaves(office, days: int) -> str:
    return f"{office.day(days)}T00:00:00Z"


async def test_a_leave_date_in_the_directory_is_enough(office) -> None:
    ruth = office.hire("ruth", leaves_at=leaves(office, 21), job_title="Chief of Water")
    await office.scan()
    (sent,) = office.messages().values()
    assert sent.message.key == f"handover:{ruth}:{office.day(21)}"
    assert sent.message.card == "handover_invitation"
    assert sent.message.data == {
        "departure": "",
        "subject": f"departure:{ruth}:{office.day(21)}",
        "leaves_on": str(office.day(21)),
        "due_on": str(office.day(21)),
        "title": "Chief of Water",
        "office": "CO-BEL",
        "leaving": "",
        "successor": "",
        "supervisor": "",
        "notice": "6 weeks",
        "bank": "handover",
        "reminder": 0,
    }


async def test_who_has_left_is_invited_as_somebody_who_has(office) -> None:
    await office.departure(office.hire("omar"), -2)
    await office.departure(office.hire("ruth"), 2)
    await office.scan()
    said = {one.message.data["due_on"]: one.message.data.get("gone") for one in office.messages().values()}
    assert said == {str(office.day(-2)): True, str(office.day(2)): None}


async def test_the_departures_list_decides_and_names_successor_and_supervisor(office) -> None:
    omar = office.hire("omar", leaves_at=leaves(office, 40))
    sue, sam = office.hire("sue"), office.hire("sam")
    key = await office.departure(
        "omar@childrensagency.example",
        5,
        KMPost="Chief of Education",
        KMSuccessor="sue@childrensagency.example",
        KMSupervisor=sam,
    )
    await office.scan()
    (sent,) = office.messages().values()
    assert sent.message.key == f"handover:{omar}:{office.day(5)}"
    wanted = {"departure": key, "title": "Chief of Education", "notice": "5 days"}
    wanted |= {"successor": sue, "supervisor": sam}
    assert {name: sent.message.data[name] for name in wanted} == wanted


async def test_a_moved_last_day_asks_nobody_again(office) -> None:
    ruth = office.hire("ruth")
    key = await office.departure(ruth, 21)
    await office.scan()
    office.deliver()
    await office.edit("Departures", key, KMLastDay=leaves(office, 35))
    office.now += timedelta(days=1)
    assert (await office.scan()).messages == 0
    assert list(office.messages()) == [f"handover:{ruth}:{office.day(21)}"]
    with office.db.begin() as c:
        (campaign,) = campaigns.list_(c)
    assert campaign.due_on == office.day(35)
    assert campaign.plan.last_on == office.day(35)


@pytest.mark.parametrize("state", ["cancelled", "declined", "note filed"])
async def test_a_departure_settled_in_the_list_reminds_nobody(office, state) -> None:
    ruth = office.hire("ruth", leaves_at=leaves(office, 21))
    key = await office.departure(ruth, 21)
    await office.scan()
    await office.edit("Departures", key, KMState=state)
    report = await office.scan()
    assert report.ended == (f"departure:{ruth}:{office.day(21)}",)
    assert [one.state for one in office.messages().values()] == [Delivery.CANCELLED]


async def test_a_departure_is_asked_about_before_a_milestone(office) -> None:
    ruth = office.hire("ruth")
    await office.milestone(2)
    await office.departure(ruth, 21)
    await office.scan()
    assert list(office.messages()) == [f"handover:{ruth}:{office.day(21)}"]
    office.deliver()
    assert await office.look(days=1) == 1


async def test_entries_that_cannot_be_used_are_named_without_a_name(office) -> None:
    ruth = office.hire("ruth")
    await office.departure("nobody@childrensagency.example", 21)
    await office.departure(ruth, None)
    report = await office.scan()
    assert office.messages() == {}
    assert len(report.warnings) == 2
    assert not any("nobody@" in line or "ruth" in line for line in report.warnings)


async def test_nothing_is_sent_after_the_last_day(office) -> None:
    ruth = office.hire("ruth")
    await office.departure(ruth, 5)
    await office.scan()
    for _ in range(12):
        office.deliver()
        await office.look(days=1)
    last = max(one.created_at for one in office.messages().values())
    assert last.date() <= office.day(5)
    with office.db.begin() as c:
        assert campaigns.counts(c, f"departure:{ruth}:{office.day(5)}") == {Outcome.CLOSED: 1}
