"""Which milestones a group is offered to reflect on: none that anybody who reads along may not know of."""

from datetime import UTC, datetime, timedelta

import pytest
from km365_bots.chat import Reader
from km365_bots.roster import milestones_of

from km365.core.chat import Event, EventKind
from km365.core.schema import MILESTONES
from km365.documents.asking import rule_words
from km365.graph import lists
from km365.services.capture import knowledge_list
from km365.templates import Templates

from ..conftest import Provisioned, person_id, sign_in_name

ASKED = Event(
    kind=EventKind.MESSAGE,
    activity_id="1",
    conversation_id="19:group",
    person_id=person_id("ann"),
    tenant_id="tenant",
    at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    personal=False,
)
GUEST = Reader(person_id="guest", name="A Guest", outsider=True)


def readers(*names: str) -> list[Reader]:
    return [Reader(person_id=person_id(name), name=name) for name in names]


@pytest.fixture
async def calendar(provisioned: Provisioned) -> Provisioned:
    """An office with a milestone for all, one for two of them, one of another office and one long past."""
    app = provisioned.app
    place = await knowledge_list(app.graph, app.settings)
    listed = await lists.get_list(app.graph, place.site_id, MILESTONES.title)
    today = app.clock.now().date()
    few = "; ".join(sign_in_name(name) for name in ("ann", "sam"))
    for title, office, days, asked in (
        ("Mid-term review", "CO-BEL", 10, ""),
        ("Who stays after June", "CO-BEL", 12, few),
        ("Ardania evaluation", "CO-ARD", 3, ""),
        ("Long ago", "CO-BEL", -200, ""),
    ):
        on = today + timedelta(days=days)
        fields = {"Title": title, "KMDate": f"{on}T00:00:00Z", "KMState": "planned", "KMOffice": office}
        fields |= {"KMKind": "evaluation", "KMAsked": asked}
        await lists.create_item(app.graph, place.site_id, listed.id, fields)
    return provisioned


async def test_a_group_of_one_office_is_offered_what_all_of_it_may_know(calendar: Provisioned) -> None:
    milestones = milestones_of(calendar.app, rule_words(Templates()))
    assert await milestones(ASKED, readers("ann", "sam", "sue")) == ["Mid-term review"]
    assert await milestones(ASKED, readers("ann", "sam")) == ["Mid-term review", "Who stays after June"]


async def test_a_group_in_which_others_read_along_is_offered_none(calendar: Provisioned) -> None:
    milestones = milestones_of(calendar.app, rule_words(Templates()))
    assert await milestones(ASKED, [*readers("ann", "sam"), GUEST]) == ()
    assert await milestones(ASKED, readers("ann", "sam", "eve")) == (), "eve works in another office"
    nobody = Reader(person_id=person_id("zed"), name="zed")
    assert await milestones(ASKED, [*readers("ann"), nobody]) == (), "nobody knows where zed works"
    assert await milestones(ASKED, []) == ()
