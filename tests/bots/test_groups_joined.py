"""Who comes to a group while it reflects is asked too, alone, and is shown nothing of what others said."""

import pytest
from km365_bots.chat import Reader

from km365.core.chat import EventKind
from km365.services import group_reflection as service
from km365.store import group_reflections

from .chatting import Office
from .grouping import PEOPLE, Group

EVE = Reader(person_id="eve", name="Eve Lanternfish")
SAID = "The drivers knew which road was open, and nobody had asked them before."


@pytest.fixture
def group(office: Office) -> Group:
    office.languages = {"ann": "en", "bob": "fr", "cleo": "en", "dina": "ar", "eve": "ar"}
    readers = [Reader(person_id=one, name=f"{one.title()} Paperboat") for one in PEOPLE]
    return Group(office=office, readers=readers)


async def reflects(group: Group) -> None:
    await group.says("ann", "let's reflect on the mid-term review")
    await group.time_passes()
    await group.answers("ann", SAID, "No.", "No.", "1")


async def test_a_newcomer_is_asked_alone_and_sees_nobodys_answer(group: Group) -> None:
    await reflects(group)
    group.readers = [*group.readers, EVE]
    await group._event("ann", EventKind.JOINED, "")
    assert group.replies == []
    (asked,) = await group.time_passes()
    assert (asked.person_id, asked.language) == ("eve", "ar")
    eve = group.chat("eve")
    eve.heard("تراجع مجموعتكم معاً")
    eve.not_heard("drivers")
    await eve.says("ابدأ")
    eve.not_heard("drivers")
    await group.says("bob", "how far are we")
    group.heard("1", "5")
    found = await group.office.db.run(group_reflections.open_in, group.id)
    assert found is not None
    assert EVE.name in found.names


async def test_a_newcomer_of_whom_teams_told_nothing_is_asked_at_the_next_look(group: Group) -> None:
    await reflects(group)
    group.readers = [*group.readers, EVE]
    await group.says("cleo", "how far are we")
    group.heard("Handed in: 1 of 5.")
    for _ in range(2):
        await group.says("cleo", "how far are we")
    assert [one.person_id for one in await group.time_passes()] == ["eve"]


async def test_where_nothing_is_open_or_outsiders_come_nobody_is_asked(group: Group) -> None:
    group.readers = [*group.readers, EVE]
    await group._event("ann", EventKind.JOINED, "")
    assert await group.time_passes() == []
    group.readers = group.readers[:4]
    await reflects(group)
    group.readers = [*group.readers, EVE, Reader(person_id="guest", name="Gus Otter", outsider=True)]
    await group._event("ann", EventKind.JOINED, "")
    assert await group.time_passes() == []


async def test_a_team_tells_of_newcomers_as_a_whole(group: Group) -> None:
    await reflects(group)
    assert await service.open_here(group.office.db, "19:general@thread.tacv2", group.id)
    assert not await service.open_here(group.office.db, "19:general@thread.tacv2", "19:other")
