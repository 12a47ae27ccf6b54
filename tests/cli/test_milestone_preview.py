"""`km365 milestone preview` as it is read."""

from datetime import timedelta

import pytest

from km365.graph import lists, sites
from km365.local import users

from ..conftest import BELMORA, Provisioned
from .conftest import Type


@pytest.fixture
async def milestone_id(provisioned: Provisioned) -> str:
    """A review in a few days that asks two of seven of an office by lot, without their driver."""
    app, state = provisioned.app, provisioned.m365.state
    for number in range(6):
        upn = f"p{number}@childrensagency.example"
        users.create(
            state,
            id=state.stable_id(upn),
            upn=upn,
            display_name=f"P{number}",
            office="CO-X",
            department="WASH",
        )
    upn = "d@childrensagency.example"
    users.create(
        state, id=state.stable_id(upn), upn=upn, display_name="Dee", office="CO-X", job_title="Driver"
    )
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    target = await lists.get_list(app.graph, site.id, "Milestones")
    day = (app.clock.now() + timedelta(days=5)).date()
    fields = {
        "Title": "Review",
        "KMOffice": "CO-X",
        "KMKind": "evaluation",
        "KMState": "planned",
        "KMDate": f"{day}T00:00:00Z",
        "KMAsked": "not role: driver\nat most: 2\nnobody@childrensagency.example\noffice: CO-X",
    }
    return (await lists.create_item(app.graph, site.id, target.id, fields)).id


async def test_it_says_who_is_asked_and_why_each_other_is_not(km365: Type, milestone_id: str) -> None:
    ran = await km365("milestone", "preview", milestone_id)
    assert ran.code == 3 and "line 3 of who is asked speaks of nobody" in ran.err
    assert "2 of 6 drawn: WASH 2 of 6\n\n2 would be asked\n" in ran.out
    assert "5 would not (a line takes them out: 1; not drawn: 4)" in ran.out
    assert "a line takes them out  line 1  Dee" in ran.out


async def test_all_that_are_due_are_given_as_data(km365: Type, milestone_id: str) -> None:
    ran = await km365("milestone", "preview", "--all-due", "--office", "CO-X", "--json")
    (found,) = ran.json
    assert found["milestone"]["id"] == milestone_id
    assert found["sections"] == [{"name": "WASH", "drawn": 2, "of": 6}]
    assert {one["zone"] for one in found["asked"]} == {"UTC"}
    none = await km365("milestone", "preview", "--all-due", "--office", "CO-Y")
    assert (none.code, none.out) == (0, "No milestone asks anybody now.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name one milestone by its id, or give --all-due"),
        (("1", "--all-due"), "Name one milestone by its id, or give --all-due"),
        (("1", "--office", BELMORA), "--office goes with --all-due"),
    ],
)
async def test_half_a_question_is_wrong_usage(km365: Type, words: tuple[str, ...], said: str) -> None:
    ran = await km365("milestone", "preview", *words)
    assert ran.code == 2 and said in ran.err
