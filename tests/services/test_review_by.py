"""Lessons that are due to be confirmed: who is asked, once, and what the record then says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from km365.core.audience import Audience
from km365.core.knowledge import KnowledgeItem, Maturity, unconfirmed_since
from km365.core.preferences import Asked, Preferences
from km365.core.schedule import ALWAYS, Plan
from km365.core.schema import DEPARTURES
from km365.core.still_true import Verdict
from km365.graph import lists, sites
from km365.local import users
from km365.services import capture, review, review_by, verdicts
from km365.services.life import LifeDesk
from km365.services.verdicts import VerdictDesk
from km365.store import campaigns, outbox, preferences
from km365.store.campaigns import Campaign

from ..conftest import Provisioned, person_id, sign_in_name
from .lessons import NOW, all_sent, lesson

TODAY = NOW.date()
ANN, BEN, EVE, SUE = (person_id(name) for name in ("ann", "ben", "eve", "sue"))
DUE = lesson(maturity=Maturity.PUBLISHED, review_by=TODAY + timedelta(days=20))


class Looking:
    """The look of a day, and what people are asked by it."""

    def __init__(self, here: Provisioned) -> None:
        self.here, self.app, self.at = here, here.app, NOW
        app = here.app
        self.desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
        self.verdicts = VerdictDesk(
            graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=lambda: self.at
        )

    async def holds(self, *items: KnowledgeItem) -> None:
        place = await capture.knowledge_list(self.app.graph, self.app.settings)
        for item in items:
            fields = capture.to_fields(replace(item, submitted_at=NOW - timedelta(days=700)))
            await lists.create_item(self.app.graph, place.site_id, place.list_id, fields)

    async def left(self, person: str, successor: str, *, supervisor: str = "") -> None:
        """They are gone, and the Departures list says who follows them, and who their supervisor was."""
        site = await sites.get_site(self.app.graph, self.app.settings.knowledge_site)
        target = await lists.get_list(self.app.graph, site.id, DEPARTURES.title)
        fields: dict[str, Any] = {"KMPerson": person_id(person), "KMSuccessor": sign_in_name(successor)}
        if supervisor:
            fields["KMSupervisor"] = sign_in_name(supervisor)
        await lists.create_item(
            self.app.graph, site.id, target.id, {"Title": "Chief", "KMState": "note filed", **fields}
        )
        users.delete(self.here.m365.state, person_id(person))

    async def looks(self, days: int = 0) -> dict[str, int]:
        """How many lessons each person has been asked about so far, in all."""
        self.at = NOW + timedelta(days=days)
        await review_by.ask(self.desk, ALWAYS, at=self.at)
        await self.app.db.run(all_sent, at=self.at)
        rows = [row.message for row in await self.app.db.run(outbox.list_)]
        counts: dict[str, int] = {}
        for one in rows:
            if one.card == review_by.CARD:
                counts[one.person_id] = counts.get(one.person_id, 0) + one.data["count"]
        return counts

    async def says(self, verdict: Verdict, item_id: str = "KM-1", person: str = ANN) -> None:
        round_id = await review_by.latest_round(self.verdicts, person)
        await review_by.open_round(self.verdicts, person, round_id, at=self.at)
        await verdicts.say(
            self.verdicts, {item_id: verdict}, person_id=person, milestone=round_id, at=self.at
        )
        await verdicts.bring_up(self.verdicts, item_id)

    async def item(self) -> KnowledgeItem:
        return (await review.get_item(self.app.graph, self.app.settings, "KM-1")).item


@pytest.fixture
def looking(provisioned: Provisioned) -> Looking:
    return Looking(provisioned)


async def test_the_contributor_is_asked_once_in_time_and_a_yes_moves_the_day_on(looking: Looking) -> None:
    later = lesson(id="KM-2", maturity=Maturity.PUBLISHED, review_by=TODAY + timedelta(days=40))
    await looking.holds(DUE, later, lesson(id="KM-3", maturity=Maturity.RETIRED, review_by=TODAY))
    assert await looking.looks() == {ANN: 1}
    assert await looking.looks(1) == await looking.looks(3) == {ANN: 1}
    await looking.says(Verdict.STILL_TRUE)
    item = await looking.item()
    assert item.review_by == looking.at.date() + timedelta(days=730)
    assert await looking.looks(12) == {ANN: 2}  # the other one's time has come


async def test_what_nobody_confirms_is_unconfirmed_since_that_day_and_a_doubt_does_not_help(
    looking: Looking,
) -> None:
    await looking.holds(DUE)
    await looking.looks()
    await looking.says(Verdict.CHANGED)
    after = (DUE.review_by or TODAY) + timedelta(days=1)
    assert unconfirmed_since(await looking.item(), after) == DUE.review_by
    assert await looking.looks(25) == {ANN: 1}


async def test_where_the_contributor_left_their_successor_is_asked(looking: Looking) -> None:
    await looking.holds(DUE)
    await looking.left("ann", "sue")
    assert await looking.looks() == {SUE: 1}


async def test_where_the_successor_left_as_well_and_nobody_follows_the_supervisor_is_asked(
    looking: Looking,
) -> None:
    await looking.holds(DUE)
    await looking.left("ann", "sue", supervisor="sam")
    users.delete(looking.here.m365.state, SUE)
    assert await looking.looks() == {person_id("sam"): 1}


@pytest.mark.parametrize(("audience", "asked"), [(Audience.EVERYONE, EVE), (Audience.OFFICE, BEN)])
async def test_a_successor_who_may_not_read_it_is_not_asked_but_the_focal_point(
    looking: Looking, audience: Audience, asked: str
) -> None:
    await looking.holds(replace(DUE, audience=audience))
    await looking.left("ann", "eve")
    assert await looking.looks() == {asked: 1}


async def test_nobody_is_asked_who_wants_no_messages_or_was_asked_today_already(looking: Looking) -> None:
    await looking.holds(DUE)
    await looking.app.db.run(preferences.put, ANN, Preferences(asked=Asked.HANDOVER), at=NOW)
    assert await looking.looks() == {}
    await looking.app.db.run(preferences.put, ANN, Preferences(), at=NOW)
    asked = outbox.Message(
        key="k", person_id=ANN, card="invitation", data={}, language="en", reason="milestone"
    )
    await looking.app.db.run(outbox.put, asked, at=NOW + timedelta(days=1))
    assert await looking.looks(1) == {}
    assert await looking.looks(2) == {ANN: 1}


async def test_who_is_about_to_be_asked_by_a_campaign_keeps_that_day_and_week_for_it(
    looking: Looking,
) -> None:
    await looking.holds(DUE)
    wanted = Campaign(
        id="departure:ann", kind="departure", title="Ann leaves", due_on=TODAY, plan=Plan(), data={}
    )
    await looking.app.db.run(campaigns.create, wanted, at=NOW)
    await looking.app.db.run(campaigns.add_person, wanted.id, ANN, key="handover:ann", language="en", at=NOW)
    assert await looking.looks() == {}
    await looking.app.db.run(campaigns.stop, ANN, wanted.id, at=NOW)
    assert await looking.looks(1) == {ANN: 1}


async def test_a_card_has_five_at_most_and_the_rest_follow_another_day(looking: Looking) -> None:
    await looking.holds(*(replace(DUE, id=f"KM-{number}") for number in range(1, 8)))
    assert await looking.looks() == {ANN: 5}
    assert await looking.looks(1) == {ANN: 7}


async def test_what_somebody_confirmed_meanwhile_or_was_taken_off_the_shelf_is_not_shown(
    looking: Looking,
) -> None:
    await looking.holds(DUE, *(replace(DUE, id=f"KM-{number}") for number in (2, 3)))
    await looking.looks()
    place = await capture.knowledge_list(looking.app.graph, looking.app.settings)
    for item_id, fields in (("KM-1", {"KMReviewBy": "2030-01-01"}), ("KM-3", {"KMMaturity": "retired"})):
        row = await capture.find(looking.app.graph, place, item_id)
        await lists.update_fields(looking.app.graph, place.site_id, place.list_id, row.id, fields)
    round_id = await review_by.latest_round(looking.verdicts, ANN)
    shown = await review_by.open_round(looking.verdicts, ANN, round_id, at=looking.at)
    assert [one.item_id for one in shown] == ["KM-2"]
    assert [one.place for one in await verdicts.shown(looking.app.db, ANN, round_id)] == [1]


async def test_however_many_lessons_are_due_the_directory_is_asked_a_few_times(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [f"00000000-0000-4000-8000-{number:012}" for number in range(30)]
    due = replace(DUE, office="CO-BEL")
    await looking.holds(
        *(replace(due, id=f"KM-{number}", contributors=(one,)) for number, one in enumerate(gone)), due
    )
    sent: list[str] = []
    send = type(looking.app.graph).send

    async def counts(graph: Any, request: Any, **more: Any) -> Any:
        sent.append(request.url.path)
        return await send(graph, request, **more)

    monkeypatch.setattr(type(looking.app.graph), "send", counts)
    assert await looking.looks() == {ANN: 1, BEN: 5}
    people = [path for path in sent if "/users" in path or "/groups" in path or "batch" in path]
    assert len(people) < 15
