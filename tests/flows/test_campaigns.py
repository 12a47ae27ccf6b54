"""How campaigns stand, and pausing, resuming and cancelling one."""

import json
from datetime import timedelta

from km365.core.schedule import Outcome
from km365.core.standing import REMOVED, Stand
from km365.services import campaigns as service
from km365.store import campaigns, events, outbox
from km365.store.outbox import Delivery

from ..databases import ON_BOTH
from .test_commands import ends
from .test_commands import km365 as km365


def progress(office, key: str) -> dict[str, tuple[str, int]]:
    with office.db.begin() as c:
        return {
            one.person_id: (one.progress.state.value, one.progress.sent)
            for one in campaigns.people(c, f"milestone:{key}")
        }


async def test_a_paused_campaign_sends_nothing_and_goes_on_as_much_later(office, km365) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    key = await office.milestone(9)
    await office.scan()
    with office.db.begin() as c:
        outbox.claim(c, f"invite:{key}:{ben}", at=office.now)
        outbox.sent(c, f"invite:{key}:{ben}", activity_id="1", at=office.now)
    code, out, _ = await km365("campaign", "pause", key, "--dry-run", "--json")
    assert (code, json.loads(out)["messages"], json.loads(out)["people"]) == (0, 1, 2)
    assert office.messages()[f"invite:{key}:{ann}"].state is Delivery.WAITING, "a dry run changes nothing"
    assert (await km365("campaign", "pause", key))[0] == 0
    assert set(office.messages()) == {f"invite:{key}:{ben}"}, "what waited is taken back"
    assert await office.look(days=8) == 0
    await office.scan()
    assert progress(office, key) == {ann: ("open", 0), ben: ("open", 1)}, "the daily scan leaves it paused"
    code, _, err = await km365("campaign", "pause", key)
    assert code == 4 and "is paused" in err

    office.m365.state.set_clock(office.now)
    assert (await km365("campaign", "resume", key))[0] == 0
    assert await office.look(minutes=5) == 1, "the invitation, at once"
    assert progress(office, key) == {ann: ("open", 1), ben: ("open", 1)}
    assert await office.look(days=1) == 0, "the reminder keeps its three days"
    office.deliver()
    assert await office.look(days=2) == 2, "on Friday, as after the pause"
    with office.db.begin() as c:
        found = [one.kind for one in events.list_(c, subject=f"milestone:{key}")]
    assert found == ["campaign resumed", "campaign paused", "campaign opened"]


async def test_what_was_on_its_way_when_the_campaign_was_paused_is_taken_back(office) -> None:
    ann = office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    with office.db.begin() as c:
        outbox.claim(c, f"invite:{key}:{ann}", at=office.now)
        service.pause(c, key, who="test", now=office.now)
        outbox.put_back(c, f"invite:{key}:{ann}", at=office.now, due_at=office.now, note="slow down")
        service.keep_paused(c, now=office.now)
    assert office.messages() == {}
    assert progress(office, key) == {ann: ("open", 0)}


@ON_BOTH
async def test_a_milestone_that_is_closed_ends_a_paused_campaign(office) -> None:
    office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    with office.db.begin() as c:
        service.pause(c, key, who="test", now=office.now)
    await office.edit("Milestones", key, KMState="closed")
    await office.scan()
    with office.db.begin() as c:
        found = campaigns.get(c, f"milestone:{key}")
    assert found is not None and found.state == "ended"


async def test_a_cancelled_campaign_stays_so_whatever_the_calendar_says(office, km365) -> None:
    ann = office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    code, out, _ = await km365("campaign", "cancel", f"milestone:{key}", "--yes")
    assert code == 0 and "1 people are asked no more; 1 messages" in out
    office.hire("ben")
    await office.edit("Milestones", key, KMDate=f"{office.day(5)}T00:00:00Z")
    await office.scan()
    assert await office.look(days=4) == 0
    assert [one.state for one in office.messages().values()] == [Delivery.CANCELLED]
    assert progress(office, key) == {ann: (Outcome.CANCELLED, 1)}
    code, _, err = await km365("campaign", "resume", key)
    assert code == 4 and "add the milestone anew" in err


@ON_BOTH
async def test_a_campaign_says_how_it_stands_and_what_comes_next(office, km365) -> None:
    people = {name: office.hire(name) for name in ("ann", "ben", "cleo", "dan")}
    key = await office.milestone(9)
    await office.scan()
    invitation = {name: f"invite:{key}:{person}" for name, person in people.items()}
    ends(office, invitation["ben"], "unreachable", REMOVED)
    for name in ("cleo", "dan"):
        with office.db.begin() as c:
            outbox.claim(c, invitation[name], at=office.now)
            outbox.sent(c, invitation[name], activity_id="1", at=office.now)
    with office.db.begin() as c:
        campaigns.stop(c, people["dan"], f"milestone:{key}", at=office.now)
    code, out, err = await km365("campaign", "show", key)
    assert (code, err) == (0, "")
    for line in (
        "milestone, CO-BEL, 2026-03-11, asking",
        "sent                      2",
        "seen, as far as is known  1",
        "- no answer yet           1",
        "  unreachable: blocked    1",
        "1 messages wait to be sent, the first until Monday 2026-03-02 13:00.",
        "Next: 1 reminder on Thursday 2026-03-05 13:00; closes on 2026-03-16",
    ):
        assert line in out
    assert "ann" not in out.lower(), "nobody is named"
    code, out, _ = await km365("campaign", "list", "--json")
    (found,) = json.loads(out)
    assert found["standing"]["places"] == {
        Stand.WAITING: 1,
        Stand.UNREACHABLE: 1,
        Stand.SILENT: 1,
        Stand.ANSWERED: 1,
    }
    assert found["next"]["reminders"] == 1
    _, out, _ = await km365("campaign", "list")
    assert f"2026-03-11  milestone:{key}  CO-BEL  asking" in out


async def test_a_campaign_is_found_by_the_beginning_of_its_id_where_only_one_begins_so(office, km365) -> None:
    ann, ben = office.hire("ann"), office.hire("ben")
    for person in (ann, ben):
        await office.departure(f"{'ann' if person == ann else 'ben'}@childrensagency.example", 60)
    await office.scan()
    code, out, _ = await km365("campaign", "show", f"departure:{ann[:8]}", "--json")
    assert (code, json.loads(out)["id"].split(":")[1]) == (0, ann)
    code, _, err = await km365("campaign", "show", "departure:")
    assert code == 4 and "begins several ids" in err
    code, _, err = await km365("campaign", "show", "99")
    assert code == 1 and "campaign list --all" in err


async def test_what_ended_long_ago_is_listed_only_when_asked_for(office) -> None:
    office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    with office.db.begin() as c:
        service.cancel(c, key, who="test", now=office.now)
        later = office.now + timedelta(days=60)
        assert service.overview(c, office.hours, now=later) == []
        assert len(service.overview(c, office.hours, now=later, everything=True)) == 1
