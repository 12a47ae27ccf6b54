"""`km365 handover gaps`: what a handover leaves open, for who may know of it."""

from datetime import UTC, date, datetime, timedelta

from km365.core.gaps import Found, Kind
from km365.services import gaps
from km365.services.gaps import GapDesk
from km365.store.gaps import Handover

from ..conftest import Provisioned, person_id, sign_in_name
from .conftest import Type

ANN, BEN, EVE, SAM = (sign_in_name(one) for one in ("ann", "ben", "eve", "sam"))


async def leaves(here: Provisioned) -> None:
    """Ann leaves in six weeks, and her note leaves three things open; Sam is her supervisor."""
    app = here.app
    handover = Handover(
        person_id=person_id("ann"),
        last_on=date.today() + timedelta(weeks=6),
        post="Chief of Water",
        office="CO-BEL",
        supervisor_id=person_id("sam"),
        successor_id="",
    )
    found = (
        Found(about="section:people", kind=Kind.NOT_ASKED),
        Found(about="work", kind=Kind.UNCLEAR, detail="2"),
        Found(about="risk", kind=Kind.UNKNOWN, detail="uniqueness, milestone"),
    )
    desk = GapDesk.of(app.graph, app.db, app.jobs, app.settings, app.templates)
    await gaps.keep(desk, handover, found, at=datetime.now(UTC))


async def test_the_supervisor_lists_changes_closes_and_opens_gaps(
    km365: Type, provisioned: Provisioned
) -> None:
    await leaves(provisioned)
    ran = await km365("handover", "gaps", "--as", SAM)
    assert ran.code == 0, ran.err
    assert "Ann Paperboat, Chief of Water, CO-BEL\n" in ran.out and "3 open, 0 closed" in ran.out
    assert "“Work in progress”, line 2: no next step" in ran.out
    due = f"{date.today() + timedelta(days=90)}"
    ran = await km365(
        "handover", "gaps", ANN, "--as", SAM, "--set", "2", "--owner", BEN, "--due", due, "--json"
    )
    assert ran.code == 0, ran.err
    (shown,) = ran.json
    people = next(one for one in shown["gaps"] if one["number"] == 2)
    assert (people["about"], people["owner"], people["due"]) == ("section:people", "Ben Paperboat", due)
    assert people["why"] and "STI/PUB/1248" in shown["source"]
    ran = await km365("handover", "gaps", ANN, "--as", BEN, "--close", "2", "--because", "They met.")
    assert "0 open, 1 closed" in ran.out
    ran = await km365("handover", "gaps", ANN, "--as", SAM, "--open", "2")
    assert "3 open, 0 closed" in ran.out


async def test_others_see_none_and_options_that_do_not_go_together_are_refused(
    km365: Type, provisioned: Provisioned
) -> None:
    await leaves(provisioned)
    assert "No handover that you may see" in (await km365("handover", "gaps", "--as", EVE)).out
    ran = await km365("handover", "gaps", ANN, "--as", EVE)
    assert ran.code != 0 and "no open gaps of this person that you may see" in ran.err
    for wrong in (
        ("--set", "1"),
        ("--owner", BEN),
        ("--close", "1"),
        ("--set", "1", "--due", "2099-01-01", "--open", "1"),
    ):
        assert (await km365("handover", "gaps", ANN, "--as", SAM, *wrong)).code == 2, wrong
    ran = await km365("handover", "gaps", ANN, "--as", ANN, "--set", "1", "--method", "screen")
    assert ran.code != 0 and "Only the supervisor says" in ran.err
