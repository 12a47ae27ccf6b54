"""Who is told of lessons that wait: the office first, others when nobody there decides or it is late."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from km365.core.audience import Audience
from km365.core.knowledge import KnowledgeItem, Maturity
from km365.core.preferences import Asked, Preferences
from km365.graph.lists import Item
from km365.local import users
from km365.services import deciding, review
from km365.services.capture import Kept
from km365.store import outbox, preferences

from ..conftest import Provisioned, person_id
from .lessons import NOW, lesson
from .test_life import BEN, EVE, Shelf

IN_REVIEW = lesson(maturity=Maturity.IN_REVIEW)


class Waiting(Shelf):
    """The shelf with what waits on it. Ben is a focal point of CO-BEL, Eve a reviewer of CO-ARD."""

    async def told_at(self, at: datetime) -> set[str]:
        before = {one.message.key for one in await self.app.db.run(outbox.list_)}
        await deciding.tell(self.desk, at=at)
        new = [one.message for one in await self.app.db.run(outbox.list_) if one.message.key not in before]
        return {name for name in ("ann", "ben", "eve") for one in new if one.person_id == person_id(name)}


@pytest.fixture
def shelf(provisioned: Provisioned) -> Waiting:
    return Waiting(provisioned)


async def test_the_office_hears_first_and_reviewers_elsewhere_when_it_is_late(shelf: Waiting) -> None:
    await shelf.holds(IN_REVIEW)
    assert await shelf.told_at(NOW) == {"ben"}
    assert await shelf.told_at(NOW + timedelta(days=1)) == set()  # nothing is new
    assert await shelf.told_at(NOW + timedelta(days=14)) == {"ben"}  # due, after ten working days
    assert await shelf.told_at(NOW + timedelta(days=15)) == {"ben"}  # overdue
    assert await shelf.told_at(NOW + timedelta(days=16)) == set()
    assert await shelf.told_at(NOW + timedelta(days=29)) == {"ben", "eve"}  # past twice the time


@pytest.mark.parametrize(
    ("item", "hears"),
    [
        (replace(IN_REVIEW, contributors=(person_id("ben"),)), {"eve"}),
        (replace(IN_REVIEW, contributors=(person_id("ben"),), audience=Audience.OFFICE), set()),
        (replace(IN_REVIEW, audience=Audience.NAMED), set()),
        (replace(IN_REVIEW, validated_by=(person_id("ben"),)), {"eve"}),
        (replace(IN_REVIEW, office=""), {"eve"}),
        (replace(IN_REVIEW, maturity=Maturity.PUBLISHED), set()),
    ],
)
async def test_only_who_may_decide_hears(shelf: Waiting, item: KnowledgeItem, hears: set[str]) -> None:
    await shelf.holds(item)
    assert await shelf.told_at(NOW) == hears


async def test_nobody_is_told_on_a_day_off_or_who_wants_no_messages(shelf: Waiting) -> None:
    await shelf.holds(IN_REVIEW)
    assert await shelf.told_at(NOW - timedelta(days=1)) == set()  # a Sunday
    users.join_group(shelf.here.m365.state, "Knowledge reviewers", person_id("ann"))
    silent = Preferences(asked=Asked.NONE)
    await shelf.app.db.run(preferences.put, person_id("ben"), silent, at=NOW)
    assert await shelf.told_at(NOW) == set()


async def test_a_focal_point_reads_what_waits_in_their_office_and_a_reviewer_everything(
    shelf: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, office in enumerate(("CO-BEL", "CO-ARD")):
        await shelf.holds(replace(IN_REVIEW, id=f"KM-{number}", office=office))
    read = list[str]()
    kept_of = review.kept_of

    def seen(row: Item) -> Kept:
        kept = kept_of(row)
        read.append(kept.item.id)
        return kept

    monkeypatch.setattr(review, "kept_of", seen)
    for who, expected in ((BEN, ["KM-0"]), (EVE, ["KM-0", "KM-1"])):
        read.clear()
        found = await deciding.waits_for(shelf.desk, who, at=NOW)
        assert (sorted(one.kept.item.id for one in found), sorted(read)) == (expected, expected)
