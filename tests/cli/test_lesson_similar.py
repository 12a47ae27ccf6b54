"""`km365 lesson similar` and `km365 lesson link` as typed, and what `km365 lesson show` tells of it."""

from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.core.knowledge import Maturity, to_fields
from km365.errors import ExitCode
from km365.graph import lists
from km365.services.capture import knowledge_list
from km365.store import still_true

from ..conftest import Provisioned, person_id, sign_in_name
from ..services.lessons import lesson
from .conftest import Type

ANN, BEN, EVE = sign_in_name("ann"), sign_in_name("ben"), sign_in_name("eve")


@pytest.fixture
async def here(provisioned: Provisioned) -> Provisioned:
    """A lesson of Ann for her office, and one of Eve in another language for everyone; both checked."""
    hers = {"contributors": (person_id("eve"),), "office": "CO-ARD", "language": "fr", "advice": ""}
    words = {
        "title": "Demander d'abord aux chauffeurs",
        "description": "Les frigos sont tombés en panne pendant les pluies ; demandez aux chauffeurs avant.",
    }
    for item in (
        lesson(id="KM-ann1", audience=Audience.OFFICE, maturity=Maturity.VALIDATED),
        lesson(id="KM-eve1", maturity=Maturity.VALIDATED, **hers, **words),
    ):
        place = await knowledge_list(provisioned.app.graph, provisioned.app.settings)
        await lists.create_item(provisioned.app.graph, place.site_id, place.list_id, to_fields(item))
    return provisioned


async def test_what_is_like_an_item_or_a_text_is_listed_across_languages(
    km365: Type, here: Provisioned, tmp_path: Path
) -> None:
    await km365("search", "index")
    of_item = await km365("lesson", "similar", "KM-ann1", "--as", ANN)
    assert of_item.code == ExitCode.DONE
    assert "KM-eve1" in of_item.out and "“Les frigos sont tombés en panne" in of_item.out
    draft = tmp_path / "draft.txt"
    draft.write_text("Fridges failed in the rains. Ask drivers first, before the rains.", encoding="utf-8")
    (found,) = (await km365("lesson", "similar", str(draft), "--as", ANN, "--json")).json
    assert (found["item_id"], found["checked"]) == ("KM-eve1", True)
    assert found["likeness"] >= 0.44


async def test_a_contributor_links_an_item_and_show_tells_of_it_at_both_ends(
    km365: Type, here: Provisioned
) -> None:
    done = await km365("lesson", "link", "KM-ann1", "--confirms", "KM-eve1", "--as", ANN)
    assert (done.code, "KM-ann1 confirms KM-eve1" in done.err) == (ExitCode.DONE, True)
    await km365("search", "index")
    mine = (await km365("lesson", "show", "KM-ann1", "--as", BEN)).out
    assert "It confirms KM-eve1 “Demander d'abord aux chauffeurs” (CO-ARD)" in mine
    back = (await km365("lesson", "show", "KM-eve1", "--as", BEN)).out
    assert "KM-ann1 “Ask drivers first” (CO-BEL) confirms this" in back
    assert (await km365("lesson", "show", "KM-eve1", "--as", EVE, "--json")).json["linked"] == []
    answers = await here.app.db.run(still_true.answers, ["KM-eve1"])
    assert [one.office for one in answers["KM-eve1"]] == ["CO-BEL"]


async def test_a_link_is_refused_with_the_reason(km365: Type) -> None:
    both = await km365("lesson", "link", "KM-ann1", "--confirms", "a", "--nuances", "b", "--as", ANN)
    assert both.code == ExitCode.USAGE
    kept_out = "My supervisor touched me and I am afraid of him."
    said = await km365("lesson", "link", "KM-ann1", "--nuances", "KM-eve1", "--words", kept_out, "--as", ANN)
    assert said.code == ExitCode.REFUSED and "not kept" in said.err
