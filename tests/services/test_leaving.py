"""A leaver's plan while the clock moves, the last day moves, and the departure is called off."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

from km365.core.interviews import Interview, InterviewState
from km365.core.said import Said, Verb
from km365.core.schema import DEPARTURES
from km365.core.sittings import left
from km365.documents.questions import Banks
from km365.graph import lists, sites
from km365.local import calendars
from km365.services import calendar_scan, handover_plan, sitting_events
from km365.services import interview as service
from km365.services.calendar import hours_of
from km365.services.departure_moves import campaign_of
from km365.services.handover_plan import HandoverPlan, Wanted
from km365.store import campaigns, outbox, preferences
from km365.store.outbox import Delivery

from ..conftest import Provisioned, person_id, sign_in_name

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANN, SAM = person_id("ann"), sign_in_name("sam")
LONG = "The district offices wait for our letter every April, and nobody else knows whom to call there."


@dataclass
class Leaving:
    """Ann, Chief of Water, who leaves; a day of km365 is a `scan` with the jobs that follow it."""

    here: Provisioned
    now: datetime = MONDAY
    entry: str = ""

    def __post_init__(self) -> None:
        self.app = self.here.app
        self.banks = Banks(self.app.templates)

    def day(self, days: int) -> date:
        return (MONDAY + timedelta(days=days)).date()

    async def leaves(self, days: int, **fields: str) -> None:
        written = {"Title": "Chief of Water", "KMPerson": sign_in_name("ann"), "KMState": "planned"}
        site, target = await self._list()
        moved = written | {"KMLastDay": f"{self.day(days)}T00:00:00Z"} | fields
        self.entry = (await lists.create_item(self.app.graph, site, target, moved)).id
        await self.scan()

    async def edit(self, **fields: str) -> None:
        site, target = await self._list()
        await lists.update_fields(self.app.graph, site, target, self.entry, fields)
        await self.scan()

    async def move(self, days: int) -> None:
        await self.edit(KMLastDay=f"{self.day(days)}T00:00:00Z")

    async def _list(self) -> tuple[str, str]:
        site = await sites.get_site(self.app.graph, self.app.settings.knowledge_site)
        return site.id, (await lists.get_list(self.app.graph, site.id, DEPARTURES.title)).id

    async def scan(self, **later: float) -> None:
        self.now += timedelta(**later)
        app = self.app
        await calendar_scan.scan(app.graph, app.db, app.jobs, app.settings, now=self.now)
        await self.refresh()
        assert await sitting_events.keep(app.graph, app.db, app.settings, now=self.now) == ()

    async def refresh(self) -> None:
        app = self.app
        await handover_plan.refresh(app.graph, app.db, app.settings, app.templates, now=self.now)

    async def begins(self) -> Interview:
        def find(c):
            return campaign_of(c, ANN, self.day(0), today=self.now.date())

        campaign = await self.app.db.run(find)
        turn = await service.start(
            self.app.db,
            self.banks,
            self.app.jobs,
            person_id=ANN,
            subject=service.subject_of(campaign, ANN),
            language="en",
            said=Said(verb=Verb.START),
            now=self.now,
            new_id=lambda: "i1",
            plan=partial(
                handover_plan.parts, self.banks, campaign, ANN, hours_of(self.app.settings), now=self.now
            ),
        )
        return (await self.says(Verb.AGREE)) if turn.interview.state is not InterviewState.OPEN else turn

    async def says(self, verb: Verb = Verb.ANSWER, *, times: int = 1) -> Interview:
        for _ in range(times):
            said = Said(verb=verb, text=LONG if verb is Verb.ANSWER else "")
            talk = await self.talk()
            turn = await service.take(self.app.db, self.banks, self.app.jobs, talk, said, now=self.now)
        return turn.interview

    async def talk(self) -> Interview:
        return (await service.get(self.app.db, self.banks, "i1", person_id=ANN)).interview

    async def plan(self, **more: object) -> HandoverPlan:
        app = self.app
        return await handover_plan.show(
            app.graph, app.db, app.settings, app.templates, sign_in_name("ann"), now=self.now, **more
        )

    async def reminders(self) -> list[datetime]:
        waiting = await self.app.db.run(outbox.list_, prefix="resume", state=Delivery.WAITING)
        return [one.due_at for one in waiting]

    async def in_calendar(self) -> list[dict]:
        """The events in Ann's calendar, as Outlook has them."""
        return calendars.events(self.here.m365.state, ANN)


@pytest.fixture
async def ann(provisioned: Provisioned) -> AsyncIterator[Leaving]:
    yield Leaving(provisioned)


def asked(talk: Interview) -> list[str]:
    return [one for part in talk.parts for one in part.questions]


async def test_the_chat_asks_what_the_command_shows_while_the_last_day_moves_both_ways(ann: Leaving) -> None:
    await ann.leaves(42)
    begun = await ann.begins()
    first = begun.parts[0].questions
    rested = await ann.says(times=len(first))
    assert rested.state is InterviewState.PAUSED and await ann.reminders() == [rested.parts[1].at]

    for days in (70, 21):
        await ann.move(days)
        now, shown = await ann.talk(), (await ann.plan()).plan
        to_come = left(now, now.parts)
        assert [(one.on, one.questions) for one in to_come] == [
            (one.on, one.questions) for one in shown.sittings
        ]
        assert now.parts[0].questions == first and not set(first) & {
            q for one in to_come for q in one.questions
        }
        assert sorted(asked(now)) == sorted(asked(begun)), "nothing is lost and nothing is asked twice"
        assert now.due_on == ann.day(days) and await ann.reminders() == [to_come[0].at]
        assert all(ann.now.date() < one.on <= ann.day(days) for one in to_come)


async def test_a_sitting_in_progress_stays_when_six_weeks_become_five_days(ann: Leaving) -> None:
    await ann.leaves(42)
    begun = await ann.begins()
    await ann.says(times=2)
    await ann.move(4)
    now = await ann.talk()
    assert len({one.on for one in now.parts}) == len(now.parts), "never two sittings on one day"
    assert now.state is InterviewState.OPEN and now.parts[0].questions == begun.parts[0].questions
    assert all(one.on <= ann.day(4) for one in now.parts)
    shown = (await ann.plan()).plan
    assert str(shown.not_asked["trust"]) == "too little notice" and "trust" not in asked(now)


async def test_who_misses_a_sitting_is_reminded_again_and_not_every_day(ann: Leaving) -> None:
    await ann.leaves(42)
    begun = await ann.begins()
    await ann.says(times=len(begun.parts[0].questions))
    days = []
    for _ in range(42):
        ann.now += timedelta(days=1)
        await ann.refresh()
        due = await ann.app.db.run(outbox.due, at=ann.now)
        for one in due:
            if one.message.card == "resume":
                days.append(ann.now.date())
            await ann.app.db.run(outbox.claim, one.message.key, at=ann.now)
            await ann.app.db.run(outbox.sent, one.message.key, activity_id="1", at=ann.now)
    pauses = [(after - before).days for before, after in pairwise(days)]
    early = [pause for pause, day in zip(pauses, days[1:], strict=True) if day < ann.day(35)]
    assert 3 <= len(days) <= 12 and all(pause >= 7 for pause in early), days


@pytest.mark.parametrize("stage", ["invited", "paused", "draft"])
async def test_a_departure_that_is_cancelled_lets_all_rest_and_goes_on_where_it_was(
    ann: Leaving, stage: str
) -> None:
    await ann.leaves(42)
    if stage != "invited":
        begun = await ann.begins()
        await ann.app.db.run(preferences.put_calendar, ANN, True, at=ann.now)
        await ann.says(times={"open": 2, "paused": len(begun.parts[0].questions), "draft": 3}[stage])
        if stage == "draft":
            await ann.says(Verb.DRAFT)
        await ann.scan(minutes=5)
        assert len(await ann.in_calendar()) >= 4
    await ann.edit(KMState="cancelled")
    waiting = await ann.app.db.run(outbox.list_, state=Delivery.WAITING)
    assert waiting == [] and await ann.in_calendar() == []
    assert await ann.app.db.run(campaigns.asking, kind="departure") == []
    if stage == "invited":
        return
    before = await ann.talk()
    assert before.state in {InterviewState.PAUSED, InterviewState.DRAFT} and before.answers
    await ann.scan(days=2)
    await ann.edit(KMState="planned")
    after = await ann.talk()
    assert after.answers == before.answers and len(await ann.in_calendar()) >= 4
    assert len(await ann.reminders()) == (after.state is InterviewState.PAUSED)


async def test_a_kind_of_departure_a_factor_and_a_wish_change_what_is_asked_at_once(ann: Leaving) -> None:
    await ann.leaves(42, KMPost="Consultant, water", KMKind="end of contract")
    await ann.begins()
    short = asked(await ann.talk())
    assert "trust" not in short and "ask_later" not in short
    await ann.edit(KMKind="rotation")
    assert {"first_days", "ask_later"} <= set(asked(await ann.talk()))
    found = await ann.plan(sign_in=SAM, wanted=Wanted(factors={}, ask=["trust"], because="She built it"))
    assert "trust" in {q for one in found.plan.sittings for q in one.questions}
    assert "trust" in asked(await ann.talk()), "a supervisor may ask for what was left out"
    await ann.app.db.run(
        handover_plan.ask_also, ann.banks, ANN, "partners", hours_of(ann.app.settings), now=ann.now
    )
    assert "partners" in asked(await ann.talk())


async def test_sittings_stand_in_the_calendar_only_with_a_yes_and_move_with_the_plan(ann: Leaving) -> None:
    await ann.leaves(42)
    await ann.begins()
    await ann.scan(minutes=5)
    assert await ann.in_calendar() == []
    await ann.app.db.run(preferences.put_calendar, ANN, True, at=ann.now)
    await ann.scan(minutes=5)
    days = {part.on.isoformat() for part in (await ann.talk()).parts}
    assert {one["start"]["dateTime"][:10] for one in await ann.in_calendar()} == days
    assert all(
        "watch" not in str(one) and "Handing over, sitting" in one["subject"]
        for one in await ann.in_calendar()
    )
    await ann.move(70)
    moved = {part.on.isoformat() for part in (await ann.talk()).parts}
    assert {one["start"]["dateTime"][:10] for one in await ann.in_calendar()} == moved
    await ann.app.db.run(preferences.put_calendar, ANN, False, at=ann.now)
    await ann.scan(minutes=5)
    assert await ann.in_calendar() == []
