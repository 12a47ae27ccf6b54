"""Whoever is on leave is asked when they are back."""

import logging
from datetime import timedelta

from km365.core.schedule import Outcome, Why
from km365.local import faults, presence
from km365.services import milestones
from km365.store import campaigns


async def test_who_is_on_leave_is_looked_at_again_every_day_until_they_are_back(office) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    key = await office.milestone(9)
    presence.set_away(office.m365.state, ann, away=True, message="Back in spring")
    assert (await office.scan()).messages == 1
    assert set(office.messages()) == {f"invite:{key}:{ben}"}
    with office.db.begin() as c:
        ((waiting, _),) = campaigns.of(c, ann)
    assert waiting.progress.why is Why.ON_LEAVE
    (line, _) = (await milestones.show(office.graph, office.db, office.settings, key)).people
    assert (line.name, line.outcome, line.why) == ("Ann", Outcome.OPEN, Why.ON_LEAVE)
    assert waiting.progress.next_at is not None
    assert (waiting.progress.next_at - office.now).days == 0
    office.now = waiting.progress.next_at
    assert (await office.scan()).messages == 0
    presence.set_away(office.m365.state, ann, away=False)
    office.now += timedelta(days=1)
    assert (await office.scan()).messages == 1


async def test_a_leave_longer_than_the_milestone_matters_ends_with_its_reason(office) -> None:
    ann = office.hire("ann")
    key = await office.milestone(2)
    presence.set_away(office.m365.state, ann, away=True)
    for _ in range(20):
        await office.scan()
        office.now += timedelta(days=1)
    with office.db.begin() as c:
        (left,) = campaigns.people(c, f"milestone:{key}")
    assert (left.progress.state, left.progress.why, left.progress.sent) == (Outcome.CLOSED, Why.ON_LEAVE, 0)


async def test_who_leaves_within_the_week_is_invited_on_leave_and_reminded_only_when_back(office) -> None:
    ruth = office.hire("ruth")
    presence.set_away(office.m365.state, ruth, away=True)
    await office.departure(ruth, 5)
    assert (await office.scan()).messages == 1


async def test_without_the_permission_everybody_is_asked_and_it_is_said_once(office, caplog) -> None:
    office.hire("ann")
    await office.milestone(9)
    presences = {"verb": "POST", "path": "*/getPresencesByUserId"}
    faults.switch(office.m365.state, "next_requests", on=True, **presences, status=403, times=10)
    with caplog.at_level(logging.WARNING, logger="km365.services.leave"):
        assert (await office.scan()).messages == 1
        office.hire("ben")
        assert (await office.scan()).messages == 1
    (said,) = caplog.messages
    assert "Presence.Read.All" in said
