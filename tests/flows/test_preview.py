"""What is previewed is what comes, and nothing comes of the preview."""

from dataclasses import replace
from datetime import timedelta

import pytest

from km365.core.asking import NotAsked
from km365.core.calendar_filter import Filter
from km365.core.preferences import Asked
from km365.core.schedule import Outcome, Plan, Why
from km365.errors import InputRefused, NotFound
from km365.local import presence
from km365.services import milestone_preview as service
from km365.services.milestone_preview import Preview
from km365.store import campaigns, conversations, preferences
from km365.store.preferences import Preferences


async def preview(office, key: str) -> Preview:
    (found,) = await service.preview(
        office.graph, office.db, office.settings, milestone_id=key, now=office.now
    )
    return found


async def test_everyone_of_the_office_is_named_with_the_moment_or_the_reason(office) -> None:
    ann, ben, eva, _ = (office.hire(name, department="WASH") for name in ("ann", "ben", "eva", "zoe"))
    office.hire("tom", department="Supply")
    office.hire("gus", department="WASH", job_title="Driver")
    office.hire("far", department="Supply", office="CO-ARD")
    asked = "office: CO-BEL\nsection: WASH\nnot role: driver"
    key = await office.milestone(20, asked=asked)
    presence.set_away(office.m365.state, ann, away=True)
    office.now += timedelta(days=7)
    with office.db.begin() as c:
        preferences.put(c, ben, Preferences(asked=Asked.NONE), at=office.now)
        conversations.remember_address(
            c, eva, conversation_id="a:1", service_url="", tenant_id="", locale=None, at=office.now
        )
        conversations.mark_unreachable(c, eva, "The person removed the app.", office.now)
    found = await preview(office, key)
    assert [(one.name, one.language, one.zone, one.put_off) for one in found.asked] == [
        ("Zoe", "fr", "Africa/Nairobi", None),
        ("Ann", "fr", "Africa/Nairobi", Why.ON_LEAVE),
    ]
    tomorrow_at_eight_in_nairobi = office.now + timedelta(hours=19)
    assert [one.at for one in found.asked] == [office.now, tomorrow_at_eight_in_nairobi]
    assert [(one.name, one.why, one.detail) for one in found.others] == [
        ("Tom", NotAsked.NOT_MEANT, ""),
        ("Gus", NotAsked.TAKEN_OUT, "line 3"),
        ("Ben", NotAsked.WANTS_NONE, ""),
        ("Eva", NotAsked.BLOCKED, ""),
    ]
    assert found.problems == ()
    with office.db.begin() as c:
        assert campaigns.list_(c) == []
    assert office.messages() == {}


async def test_the_moments_are_those_at_which_the_messages_come(office) -> None:
    people = {office.hire(name): name.title() for name in ("ann", "ben")}
    kinds = ("annual work plan", "evaluation", "emergency review")
    keys = [await office.milestone(20, kind=kind) for kind in kinds]
    office.now += timedelta(days=7)
    found = await service.preview(office.graph, office.db, office.settings, now=office.now)
    foreseen = {(one.milestone.id, person.name): person.at for one in found for person in one.asked}
    assert len(foreseen) == 6
    await office.scan()
    with office.db.begin() as c:
        for campaign in campaigns.list_(c):
            campaigns.change(c, replace(campaign, plan=Plan(days=(0,))), at=office.now)
    while office.now < max(foreseen.values()):
        office.deliver()
        await office.look(minutes=30)
    came = {
        (row.message.data["milestone"], people[row.message.person_id]): row.created_at
        for row in office.messages().values()
    }
    assert came.keys() == foreseen.keys()
    assert {key[0] for key in came} == set(keys)
    assert all(timedelta(0) <= came[key] - foreseen[key] <= timedelta(hours=1) for key in came)


async def test_a_lot_says_how_many_of_each_section_and_who_was_not_drawn(office) -> None:
    for number in range(8):
        office.hire(f"w{number}", department="WASH")
    for number in range(4):
        office.hire(f"h{number}", department="Health")
    found = await preview(office, await office.milestone(9, asked="at most: 6"))
    assert [(one.name, one.drawn, one.of) for one in found.sections] == [("WASH", 4, 8), ("Health", 2, 4)]
    assert {one.why for one in found.others} == {NotAsked.NOT_DRAWN}
    assert (len(found.asked), len(found.others)) == (6, 6)


async def test_whoever_was_asked_is_not_asked_again_and_waits_for_other_campaigns(office) -> None:
    office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    office.deliver()
    (again,) = (await preview(office, key)).others
    assert (again.why, again.detail) == (NotAsked.ASKED, Outcome.OPEN)
    late = await office.milestone(-7, kind="evaluation")
    office.settings = replace(office.settings, prompts_per_week=1)
    found = await preview(office, late)
    assert [one.put_off for one in found.asked] == [Why.ASKED_LATELY]


async def test_all_that_are_due_can_be_narrowed_to_an_office(office) -> None:
    office.hire("ann")
    office.hire("ada", office="CO-ARD")
    first = await office.milestone(2)
    await office.note(
        "Milestones", Title="R", KMKind="evaluation", KMOffice="CO-ARD", KMDate=f"{office.day(3)}T00:00:00Z"
    )
    await office.milestone(60)
    every = await service.preview(office.graph, office.db, office.settings, now=office.now)
    assert [one.milestone.office for one in every] == ["CO-BEL", "CO-ARD"]
    some = await service.preview(
        office.graph, office.db, office.settings, wanted=Filter(offices=("CO-B*",)), now=office.now
    )
    assert [one.milestone.id for one in some] == [first]


@pytest.mark.parametrize(("state", "why"), [("cancelled", "is cancelled"), ("planned", "has no date")])
async def test_what_asks_nobody_is_refused_with_its_reason(office, state: str, why: str) -> None:
    key = await office.milestone(2 if state == "cancelled" else None, state=state)
    with pytest.raises(InputRefused, match=why):
        await preview(office, key)
    with pytest.raises(NotFound):
        await preview(office, "99")
