"""Which accounts were switched off or deleted: from what the directory says changed, once each."""

import uuid
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from km365.local import users
from km365.services import accounts
from km365.store import accounts as kept
from km365.store import cursors

from ..conftest import Provisioned

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TODAY = MONDAY.date()


class Look:
    """Looks at the directory of the small Microsoft 365, and keeps what is new."""

    def __init__(self, here: Provisioned) -> None:
        self.here, self.now = here, MONDAY

    def hire(self, name: str, **more: str | bool) -> str:
        upn = f"{name}@childrensagency.example"
        return users.create(
            self.here.m365.state, id=str(uuid.uuid4()), upn=upn, display_name=name.title(), **more
        )

    async def switch(self, person_id: str, on: bool) -> None:
        users.create(
            self.here.m365.state,
            id=person_id,
            upn=f"{person_id[:8]}@childrensagency.example",
            display_name="Ann",
            enabled=on,
        )

    async def __call__(self) -> bool:
        """Whether anything happened that matters."""
        app = self.here.app
        news = await accounts.look(app.graph, app.db, now=self.now)
        if news is not None:
            await app.db.run(accounts.keep, news, at=self.now)
        return news is not None and news.matters

    async def off(self) -> dict[str, date | None]:
        return await self.here.app.db.run(kept.off)


@pytest.fixture
async def look(provisioned: Provisioned) -> Look:
    made = Look(provisioned)
    provisioned.m365.state.set_clock(MONDAY - timedelta(days=1))
    made.hire("old", enabled=False)
    assert not await made(), "who was switched off before we looked did not leave now"
    return made


async def test_who_is_switched_off_is_noticed_once_and_forgotten_when_back(look: Look) -> None:
    (old,) = await look.off()
    ann = look.hire("ann")
    assert not await look()
    await look.switch(ann, False)
    assert await look()
    assert await look.off() == {old: None, ann: TODAY}
    look.now += timedelta(days=2)
    await look.switch(ann, False)
    assert not await look(), "another change to the same account is no second departure"
    await look.switch(ann, True)
    assert await look()
    assert await look.off() == {old: None}


async def test_who_is_deleted_is_noticed_and_forgotten_with_the_directory(look: Look) -> None:
    ann = look.hire("ann")
    await look()
    users.delete(look.here.m365.state, ann)
    assert await look()
    assert (await look.off())[ann] == TODAY
    found = await accounts.who(look.here.app.graph, ann)
    assert found is not None and found.name == "Ann"
    look.here.m365.state.set_clock(MONDAY + timedelta(days=40))
    look.now += timedelta(days=40)
    await look()
    assert ann not in await look.off()


async def test_an_account_made_switched_off_never_was_a_colleague(look: Look) -> None:
    look.here.m365.state.set_clock(MONDAY + timedelta(hours=1))
    room = look.hire("room", enabled=False)
    assert not await look()
    assert (await look.off())[room] is None


async def test_guests_are_left_out(look: Look) -> None:
    eve, kim = look.hire("eve_elsewhere.example#EXT#"), look.hire("kim_elsewhere.example#EXT#")
    await look()
    async with httpx.AsyncClient(base_url=look.here.m365.graph_url) as http:
        token = {"Authorization": "Bearer x"}
        assert (await http.delete(f"users/{eve}", headers=token)).status_code == 204
        off = await http.patch(f"users/{kim}", headers=token, json={"accountEnabled": False})
        assert off.status_code == 204
    assert not await look()
    assert (await look.off())[eve] is None


async def test_after_the_directory_forgot_the_bookmark_nobody_is_missed_or_told_twice(look: Look) -> None:
    ann, ben = look.hire("ann"), look.hire("ben")
    await look()
    await look.switch(ann, False)
    await look()
    look.now += timedelta(days=9)
    await look.switch(ben, False)
    async with httpx.AsyncClient(base_url=look.here.m365.base_url) as http:
        await http.put("/_local/faults/delta_gone", json={"times": 1})
    assert await look()
    found = await look.off()
    assert (found[ann], found[ben]) == (TODAY, TODAY + timedelta(days=9))


async def test_the_bookmark_is_renewed_before_the_directory_forgets_it(look: Look) -> None:
    before = await look.here.app.db.run(cursors.get_with_time, accounts.BOOKMARK)
    look.now += timedelta(hours=2)
    assert not await look()
    assert await look.here.app.db.run(cursors.get_with_time, accounts.BOOKMARK) == before
    look.now += timedelta(days=1)
    assert not await look()
    after = await look.here.app.db.run(cursors.get_with_time, accounts.BOOKMARK)
    assert before and after and after[1] > before[1]
