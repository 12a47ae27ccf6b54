"""Actions agreed because of a lesson: before their owner, done, moved, handed back, reminded of."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Effect, KnowledgeItem, Maturity
from km365.core.moves import Move
from km365.core.preferences import Asked, Preferences
from km365.core.schedule import ALWAYS
from km365.errors import InputRefused
from km365.graph import lists
from km365.local import users
from km365.services import actions, capture, life, life_news, review
from km365.services.life import LifeDesk, Wanted
from km365.store import campaigns, outbox, preferences
from km365.store.outbox import Message

from ..conftest import Provisioned, person_id
from .lessons import NOW, all_sent, lesson

ANN = Reader(person_id=person_id("ann"), office="CO-BEL")
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
SUE = Reader(person_id=person_id("sue"), office="CO-BEL")
DUE = date(2026, 3, 20)


class Desk:
    """Ann's lesson in the list; Ben, a focal point, agrees that Sue does something because of it."""

    def __init__(self, here: Provisioned) -> None:
        self.app, self.m365, self.at = here.app, here.m365, NOW
        self.desk = LifeDesk(
            graph=here.app.graph, db=here.app.db, jobs=here.app.jobs, settings=here.app.settings
        )

    async def holds(self, item: KnowledgeItem) -> None:
        place = await capture.knowledge_list(self.app.graph, self.app.settings)
        fields = capture.to_fields(replace(item, submitted_at=NOW))
        await lists.create_item(self.app.graph, place.site_id, place.list_id, fields)

    async def agreed(self, owner: Reader = SUE, **changes: object) -> None:
        await self.holds(lesson(maturity=Maturity.VALIDATED, **changes))
        wanted = Wanted(move=Move.AGREE, reader=BEN, words="Ask drivers first.", owner=owner, due=DUE)
        await life.make(self.desk, "KM-1", wanted, at=self.at)
        await self.app.db.run(all_sent, at=self.at)

    async def item(self) -> KnowledgeItem:
        return (await review.get_item(self.app.graph, self.app.settings, "KM-1")).item

    async def looks(self, days: int) -> None:
        self.at = NOW + timedelta(days=days)
        await actions.remind(self.desk, ALWAYS, at=self.at)
        await self.app.db.run(all_sent, at=self.at)

    async def told(self, who: Reader, card: str) -> list[Message]:
        rows = [row.message for row in await self.app.db.run(outbox.list_)]
        return [one for one in rows if (one.person_id, one.card) == (who.person_id, card)]


@pytest.fixture
def desk(provisioned: Provisioned) -> Desk:
    return Desk(provisioned)


async def test_the_owner_is_told_at_once_and_what_is_done_reaches_the_contributors(desk: Desk) -> None:
    await desk.agreed()
    told = await desk.told(SUE, life_news.ACTION)
    assert [(one.data["action"], one.data["due_on"]) for one in told] == [
        ("Ask drivers first.", "2026-03-20")
    ]
    assert [one.item.id for one in await actions.list_mine(desk.desk, SUE)] == ["KM-1"]
    for _ in range(2):
        await actions.done(desk.desk, "KM-1", SUE, "https://x.example/plan", at=desk.at)
    item = await desk.item()
    assert (item.effect, item.proof) == (Effect.CHANGED, "https://x.example/plan")
    heard = await desk.told(ANN, life_news.DECIDED)
    assert [(one.data["decision"], one.data["url"]) for one in heard] == [
        ("changed", "https://x.example/plan")
    ]
    assert await actions.list_mine(desk.desk, SUE) == []


async def test_the_owner_is_reminded_on_the_day_and_once_a_week_later(desk: Desk) -> None:
    await desk.agreed()
    counts = {}
    for days in (1, 17, 18, 19, 24, 25, 26, 70):
        await desk.looks(days)
        told = {one.data["when"] for one in await desk.told(SUE, life_news.ACTION)}
        counts[days] = sorted(told & {actions.DUE, actions.LATE})
    assert counts[17] == [] and counts[18] == counts[24] == ["due"]
    assert counts[25] == counts[70] == ["due", "late"]


async def test_by_another_day_it_is_reminded_of_on_that_day(desk: Desk) -> None:
    await desk.agreed()
    await actions.put_off(desk.desk, "KM-1", SUE, DUE + timedelta(days=10), at=desk.at)
    await desk.looks(18)
    assert len(await desk.told(SUE, life_news.ACTION)) == 1
    await desk.looks(28)
    assert len(await desk.told(SUE, life_news.ACTION)) == 2
    assert (await desk.item()).action == "Ask drivers first."


async def test_what_is_not_theirs_goes_back_to_whoever_agreed_it_with_why(desk: Desk) -> None:
    await desk.agreed()
    await actions.hand_back(desk.desk, "KM-1", SUE, "Sam plans the season.", at=desk.at)
    await desk.looks(1)
    back = await desk.told(BEN, actions.BACK)
    assert [(one.data["action"], one.data["words"]) for one in back] == [
        ("Ask drivers first.", "Sam plans the season.")
    ]
    assert (await desk.item()).action_owner == ""
    with pytest.raises(InputRefused, match="Only its owner"):
        await actions.hand_back(desk.desk, "KM-1", SUE, "", at=desk.at)
    again = Wanted(move=Move.AGREE, reader=BEN, words="Ask drivers first.", owner=ANN, due=DUE)
    await life.make(desk.desk, "KM-1", again, at=desk.at)
    assert len(await desk.told(ANN, life_news.ACTION)) == 1


async def test_an_owner_who_left_or_may_not_read_it_any_more_is_not_told_and_it_goes_back(desk: Desk) -> None:
    eve = Reader(person_id=person_id("eve"), office="CO-ARD")
    await desk.agreed(owner=eve)
    place = await capture.knowledge_list(desk.app.graph, desk.app.settings)
    row = await capture.find(desk.app.graph, place, "KM-1")
    narrow = {"KMAudience": Audience.OFFICE.value}
    await lists.update_fields(desk.app.graph, place.site_id, place.list_id, row.id, narrow)
    await desk.looks(18)
    assert len(await desk.told(eve, life_news.ACTION)) == 1
    assert len(await desk.told(BEN, actions.BACK)) == 1
    assert await actions.list_mine(desk.desk, eve) == []


async def test_a_reminder_waits_on_a_day_with_another_message_and_leaves_alone_who_wants_none(
    desk: Desk,
) -> None:
    await desk.agreed()
    asked = Message(
        key="k", person_id=SUE.person_id, card="invitation", data={}, language="en", reason=campaigns.KINDS[0]
    )
    await desk.app.db.run(outbox.put, asked, at=NOW + timedelta(days=18))
    await desk.looks(18)
    assert len(await desk.told(SUE, life_news.ACTION)) == 1
    none = Preferences(asked=Asked.NONE)
    await desk.app.db.run(preferences.put, SUE.person_id, none, at=NOW)
    await desk.looks(30)
    assert len(await desk.told(SUE, life_news.ACTION)) == 1
    await desk.app.db.run(preferences.put, SUE.person_id, Preferences(), at=NOW)
    await desk.looks(31)
    assert len(await desk.told(SUE, life_news.ACTION)) == 2


async def test_nobody_is_reminded_of_an_item_that_is_off_the_shelf(desk: Desk) -> None:
    await desk.agreed()
    retire = Wanted(move=Move.RETIRE, reader=BEN, words="The fund is closed.")
    await life.make(desk.desk, "KM-1", retire, at=desk.at)
    await desk.looks(18)
    assert len(await desk.told(SUE, life_news.ACTION)) == 1 and await actions.list_mine(desk.desk, SUE) == []


async def test_one_who_has_left_is_no_owner_of_anything(desk: Desk) -> None:
    await desk.agreed()
    users.delete(desk.m365.state, SUE.person_id)
    await desk.looks(18)
    assert len(await desk.told(SUE, life_news.ACTION)) == 1 and len(await desk.told(BEN, actions.BACK)) == 1
