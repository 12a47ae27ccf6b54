"""What a group is told of what is known: never more than everyone in the organisation may read."""

import asyncio
from typing import Any

import pytest
from km365_bots import connector
from km365_bots.chat import Reader
from km365_bots.connector import Connector, Json
from km365_bots.roster import members_of
from km365_bots.topics.find import Find

from km365.core.audience import Audience

from ..conftest import Provisioned, person_id
from .chatting import Office
from .grouping import Group
from .test_find import COLD, Staff

PEOPLE = ("ann", "ben", "sam", "sue")


@pytest.fixture
async def group(provisioned: Provisioned) -> Group:
    """Colleagues of CO-BEL, whose office has a lesson of its own beside one for everybody."""
    app = provisioned.app
    office = Office(db=app.db)
    office.topics = [Find(app.graph, app.settings, app.templates)]
    office.languages = {person_id("ann"): "en", person_id("ben"): "fr", person_id("sam"): "ar"}
    await Staff(here=provisioned, office=office).knows(
        {"description": f"It was a long season. {COLD}"},
        {"title": "Cold boxes of Belmora", "description": COLD, "audience": Audience.OFFICE},
    )
    readers = [Reader(person_id=person_id(one), name=f"{one.title()} Paperboat") for one in PEOPLE]
    return Group(office=office, readers=readers)


async def test_what_an_office_alone_may_read_is_never_said_in_a_group_of_it(group: Group) -> None:
    for person, question in (
        ("ann", "what do we know about the cold chain"),
        ("ben", "que savons-nous sur cold chain"),
        ("sam", "search for cold chain"),
    ):
        await group.says(person_id(person), question)
        group.heard("Ask drivers first", COLD)
        assert "Belmora" not in group.replies[0].text
    group.cards.append(group.replies[0].card)
    await group.presses(person_id("sue"), "search", {"words": "cold boxes"})
    assert all("Cold boxes of Belmora" not in reply.text for reply in group.replies)
    own = group.chat(person_id("ann"))
    await own.says("what do we know about the cold chain")
    own.heard("Cold boxes of Belmora")


async def test_where_it_is_not_known_who_reads_along_nothing_is_said(group: Group) -> None:
    group.readers = []
    await group.says(person_id("ann"), "what do we know about the cold chain")
    group.heard("I could not see who reads along here")
    assert COLD not in group.replies[0].text
    group.readers = [Reader(person_id="x", name="A Guest", outsider=True)]
    await group.says(person_id("ann"), "any lessons on the cold chain")
    group.heard("People from outside the organisation read along here")


async def test_its_help_in_a_group_names_the_search(group: Group) -> None:
    await group.says(person_id("ann"), "help")
    group.heard("what do we know about …", "what everyone in the organisation may read")


class Listing(Connector):
    """Lists 500 members, a hundred at a time, the last of them a guest."""

    def __init__(self, *, stuck: bool = False) -> None:
        self._stuck = stuck

    async def _call(self, method: str, url: str, body: Json | None, **_: Any) -> Json:
        if self._stuck:
            await asyncio.Event().wait()
        page = int(url.partition("continuationToken=")[2] or 0)
        some: list[Json] = [{"aadObjectId": f"p{page}-{one}", "userRole": "user"} for one in range(100)]
        if page == 4:
            some[-1]["userRole"] = "guest"
        return {"members": some, **({"continuationToken": str(page + 1)} if page < 4 else {})}


async def test_the_last_of_many_who_read_along_is_looked_at_too(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.office.members = members_of(Listing())
    await group.says(person_id("ann"), "what do we know about the cold chain")
    group.heard("People from outside the organisation read along here")
    monkeypatch.setattr(connector, "_MEMBERS_S", 0.01)
    group.office.members = members_of(Listing(stuck=True))
    await group.says(person_id("ann"), "what do we know about the cold chain")
    group.heard("I could not see who reads along here")


async def test_in_a_group_it_offers_only_what_works_there(group: Group) -> None:
    await group.says(person_id("ann"), "what do we know about the cold chain")
    group.heard(
        "I searched only what everyone in the organisation may read.",
        "Here you can press: “Search for something else”.",
    )
    assert "Say “" not in group.replies[0].text
    await group.says(person_id("ann"), "search")
    group.heard("Here you can press: “Search”.")
    assert "What are you looking for" not in group.replies[0].text
