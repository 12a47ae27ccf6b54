"""Which milestones are looked at, what is kept of their headlines, and what a decision changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from km365.core.audience import Audience
from km365.core.headlines import Headline, Place, Quote, Why
from km365.core.schedule import Outcome, Plan
from km365.store import campaigns
from km365.store import headlines as store
from km365.store.campaigns import Campaign
from km365.store.database import Database
from km365.store.headlines import State

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
DUE = date(2026, 3, 2)
DAY = timedelta(days=1)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url)
    yield database
    database.close()


def quoted(text: str) -> Quote:
    place = Place(source="KM-1", field="title", digest=text[:4])
    return Quote(place=place, text=text, audience=Audience.OFFICE, language="en")


def headline(text: str, people: int | None = None) -> Headline:
    return Headline(
        perspective="operational",
        theme="",
        says=quoted(text),
        quotes=(),
        others=(quoted("Not so."),),
        people=people,
        against=None,
        sources=(),
        why=(Why.SIDE,),
    )


async def held(db: Database, name: str, *, kind: str = "milestone", state: str = "open") -> str:
    one = Campaign(id=name, kind=kind, title=name, due_on=DUE, plan=Plan(), data={}, state=state)
    await db.run(campaigns.create, one, at=NOW)
    return name


async def kept(db: Database, name: str, *found: Headline, at: datetime = NOW) -> bool:
    return await db.run(store.keep, found, campaign_id=name, people=4, language="en", at=at)


async def test_only_milestones_that_are_over_wait_and_only_until_they_were_looked_at(db: Database) -> None:
    await held(db, "ended", state="ended")
    await held(db, "group", kind="group", state="ended")
    await held(db, "asking")
    await db.run(campaigns.add_person, "asking", "p", key="k", language="en", at=NOW)
    await held(db, "paused", state="paused")
    await db.run(campaigns.add_person, "paused", "p", key="q", language="en", at=NOW)

    async def waiting(day: date) -> list[str]:
        return await db.run(store.waiting, today=day)

    assert await waiting(DUE) == ["ended"]
    assert await waiting(NOW.date()) == ["ended"]
    await db.run(campaigns.stop, "p", "asking", outcome=Outcome.ANSWERED, at=NOW)
    assert await waiting(DUE) == ["ended"] and await waiting(NOW.date()) == ["asking", "ended"]
    await kept(db, "ended")
    assert await waiting(NOW.date()) == ["asking"]
    await db.run(campaigns.reopen, "ended", at=NOW + DAY)
    await db.run(campaigns.stop_everyone, "ended", state="ended", note="", at=NOW + 2 * DAY)
    assert await waiting(NOW.date()) == ["asking", "ended"]


async def test_what_was_decided_on_is_not_replaced_by_a_later_look(db: Database) -> None:
    await held(db, "m")
    assert await kept(db, "m", headline("One.", 3)) and await kept(
        db, "m", headline("Two."), headline("Three.")
    )
    assert [one.people for one in await db.run(store.list_, "m")] == [None, None]

    async def decide(state: State, words: str | None) -> int:
        return await db.run(store.decide, "m", 2, state, words=words, by="ben", at=NOW)

    assert [await decide(State.CHOSEN, "Mine"), await decide(State.CHOSEN, "Mine")] == [1, 0]
    assert not await kept(db, "m", headline("Four."), at=NOW + DAY)
    one, two = await db.run(store.list_, "m")
    assert (one.state, two.state, two.words, two.decided_by) == (State.OPEN, State.CHOSEN, "Mine", "ben")
    assert (two.says, two.others, two.why) == (
        quoted("Three.").place,
        (quoted("Not so.").place,),
        (Why.SIDE,),
    )
    await db.run(store.became, "m", 2, "KM-H1")


async def test_what_was_decided_is_carried_out_and_looked_at_again_after_a_day(db: Database) -> None:
    await held(db, "m")
    await kept(db, "m", headline("One."), headline("Two."))
    since = {"changed_since": NOW - DAY, "looked_before": NOW}

    async def waits(**changes: datetime) -> bool:
        return await db.run(store.to_carry_out, **(since | changes)) == ["m"]

    async def decide(state: State, at: datetime) -> None:
        await db.run(store.decide, "m", 2, state, words=None, by="ben", at=at)

    assert not await waits()
    await decide(State.CHOSEN, NOW)
    assert await waits()
    await db.run(store.became, "m", 2, "KM-H1")
    await db.run(store.carried_out, "m", {"sha": "x"}, at=NOW)
    assert not await waits() and await waits(looked_before=NOW + DAY)
    await decide(State.OPEN, NOW + DAY)
    assert await waits()
    await db.run(store.became, "m", 2, "")
    await db.run(store.carried_out, "m", {"sha": "x"}, at=NOW + DAY)
    assert not await waits(looked_before=NOW + 2 * DAY)
    listed = await db.run(store.looked_at, "m")
    assert listed is not None and (listed.summary, listed.people) == ({"sha": "x"}, 4)
    assert await db.run(store.forget, changed_before=NOW + 2 * DAY) == 2
