"""What comes of a checked lesson is agreed in Teams: an action, or a newer lesson in its place."""

import pytest
from km365_bots.conversation import compose
from km365_bots.parts import open_parts

from km365.core.audience import Audience
from km365.core.knowledge import Maturity, to_fields
from km365.core.moves import RULES, Actor, Move
from km365.graph import lists
from km365.services import capture, life_news
from km365.store import moves

from ..conftest import Provisioned, person_id, sign_in_name
from ..services.lessons import lesson
from .contributing import Contributing, speaks

CHECKED = {"maturity": Maturity.VALIDATED, "submitted_at": None}


@pytest.fixture
async def ben(provisioned: Provisioned) -> Contributing:
    """Ben is a focal point of CO-BEL, on whose shelf lie four lessons."""
    app = provisioned.app
    place = await capture.knowledge_list(app.graph, app.settings)
    for number, audience in ((1, "U"), (2, "U"), (3, "O"), (4, "S")):
        item = lesson(id=f"KM-{number}aaa", title=f"Lesson {number}", audience=Audience(audience), **CHECKED)
        await lists.create_item(app.graph, place.site_id, place.list_id, to_fields(item))
    return Contributing(provisioned, await open_parts(app), person="ben")


async def test_an_action_is_agreed_on_a_card_and_its_owner_gets_theirs(ben: Contributing) -> None:
    await ben.says("what waits for me")
    await ben.says("1")
    ben.heard("“agree: what is to be done”")
    await ben.presses("agree", {"words": ""})
    ben.heard("What is to be done because of it?", "Lesson 1")
    await ben.presses("agree", {"action": "", "owner": sign_in_name("ann"), "due": "on 1 June"})
    ben.heard("What is to be done is still missing")
    await ben.presses("agree", {"action": "Ask them", "owner": "nobody@x.example", "due": "on 1 June"})
    ben.heard("nobody of that sign-in name")
    await ben.presses("agree", {"action": "Ask them", "owner": sign_in_name("ann"), "due": "on 1 June"})
    ben.heard("Agreed:", "1 June 2026")
    item = (await ben.items())["KM-1aaa"]
    assert (item["KMEffect"], item["KMAction"]) == ("action agreed", "Ask them")
    (told,) = [one for one in await ben.told("ann") if one.card == life_news.ACTION]
    assert "Ask them" in compose(ben.parts, told).text


async def test_a_manager_types_it_and_nobody_else_does(ben: Contributing) -> None:
    sam = Contributing(ben.here, ben.parts, person="sam")
    await sam.says("action for km-1aaa")
    sam.heard("What is to be done because of it?")
    await sam.says("Ask the drivers; in two weeks")
    sam.heard("Agreed:", "16 March 2026")
    (made,) = [one for one in await ben.here.app.db.run(moves.list_, "KM-1aaa") if one.move is Move.AGREE]
    assert (made.who, made.words) == (person_id("sam"), "Ask the drivers")
    sue = Contributing(ben.here, ben.parts, person="sue")
    await sue.says("action for KM-2aaa")
    await sue.says("Ask the drivers; in two weeks")
    sue.heard("That is not done: its contributors, their managers")
    await sam.says("action for KM-4aaa")
    sam.heard("I find no such lesson")
    await sam.says("newer than KM-2aaa")
    await sam.says("KM-1aaa")
    sam.heard("That is not done")


async def test_a_manager_does_it_in_arabic(ben: Contributing) -> None:
    await ben.here.app.db.run(speaks, "sam", "ar")
    sam = Contributing(ben.here, ben.parts, person="sam", language="ar")
    await sam.says("إجراء للدرس KM-2aaa")
    sam.heard("ما الذي ينبغي عمله بسببه؟")
    await sam.says("سؤال السائقين؛ غداً")
    sam.heard("تم الاتفاق")


async def test_a_newer_lesson_takes_a_place_if_it_is_read_by_as_many(ben: Contributing) -> None:
    await ben.says("newer than KM-2aaa")
    ben.heard("Which lesson takes its place?")
    await ben.presses("supersede", {"id": "KM-9zzz"})
    ben.heard("no lesson of that number")
    await ben.presses("supersede", {"id": "KM-3aaa"})
    ben.heard("That is not done: fewer people may read that one")
    await ben.says("newer than KM-2aaa")
    await ben.says("KM-1aaa")
    ben.heard("“Lesson 1” stands in the place of “Lesson 2” now")
    item = (await ben.items())["KM-2aaa"]
    assert (item["KMMaturity"], item["KMSupersededBy"]) == ("superseded", "KM-1aaa")


async def test_what_belongs_elsewhere_is_not_kept_in_an_action(ben: Contributing) -> None:
    await ben.says("action for KM-1aaa")
    await ben.says("My password is hunter2; in two weeks")
    ben.heard("service desk")
    assert not (await ben.items())["KM-1aaa"].get("KMAction")


def test_a_manager_agrees_and_does_nothing_else() -> None:
    assert [rule.move for rule in RULES if Actor.MANAGER in rule.who] == [Move.AGREE]
