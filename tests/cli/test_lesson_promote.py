"""`km365 lesson proposals|promote` as typed."""

from dataclasses import replace

from km365.core.knowledge import Link, Maturity, Relation, to_fields
from km365.errors import ExitCode
from km365.graph import lists
from km365.services import capture

from ..conftest import Provisioned, sign_in_name
from ..services.lessons import NOW, lesson
from .conftest import Type

BEN = sign_in_name("ben")


async def test_what_agrees_is_listed_tried_and_drafted_with_the_source_of_each_sentence(
    km365: Type, provisioned: Provisioned
) -> None:
    mine = lesson(id="KM-one1", maturity=Maturity.PUBLISHED, submitted_at=NOW)
    links = (Link(relation=Relation.CONFIRMS, to="KM-one1"),)
    theirs = replace(mine, id="KM-two2", office="CO-ARD", advice="Drivers know the roads.", links=links)
    app = provisioned.app
    place = await capture.knowledge_list(app.graph, app.settings)
    for one in (mine, theirs):
        await lists.create_item(app.graph, place.site_id, place.list_id, to_fields(one))
    listed = await km365("lesson", "proposals", "--as", BEN)
    assert "in 2 offices and 2 countries" in listed.out and "no proof yet: efficiency" in listed.out
    assert f"km365 lesson promote KM-one1 KM-two2 --as {BEN}" in listed.out
    both = ("lesson", "promote", "KM-one1", "KM-two2", "--as", BEN)
    tried = await km365(*both, "--dry-run", "--json")
    assert tried.json["url"] == "" and tried.json["proposal"]["missing"][0] == "effectiveness"
    made = await km365(*both)
    assert made.code == ExitCode.DONE and "in review." in made.err
    assert "  Drivers know the roads.  [KM-two2]" in made.out
    item_id = tried.json["draft"]["id"]
    shown = await km365("lesson", "show", item_id, "--as", BEN)
    assert "  KM-two2: Drivers know the roads." in shown.out
    assert "was drafted of these before" not in made.err and "before" in (await km365(*both)).err
    alone = await km365("lesson", "promote", "KM-one1", "--as", BEN)
    assert alone.code == ExitCode.REFUSED and "It takes 2 checked lessons" in alone.err
