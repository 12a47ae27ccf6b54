"""`km365 lesson return|validate|publish|supersede|retire|effect` as typed, for one item and for several."""

import pytest

from km365.core.audience import Audience
from km365.errors import ExitCode
from km365.services import capture

from ..conftest import Provisioned, sign_in_name
from ..services.lessons import NOW, lesson
from .conftest import Type

ANN, BEN = sign_in_name("ann"), sign_in_name("ben")


@pytest.fixture
async def three(provisioned: Provisioned) -> tuple[str, str, str]:
    """Lessons of Ann in review; the third is not for Ben to read."""
    app = provisioned.app
    for item_id, audience in (
        ("KM-one1", Audience.EVERYONE),
        ("KM-two2", Audience.OFFICE),
        ("KM-mine", Audience.NAMED),
    ):
        item = lesson(id=item_id, audience=audience)
        await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)
    return "KM-one1", "KM-two2", "KM-mine"


async def test_several_are_moved_at_once_and_the_refused_are_named(
    km365: Type, three: tuple[str, str, str]
) -> None:
    tried = await km365("lesson", "validate", *three, "--as", BEN, "--dry-run")
    assert tried.code == ExitCode.PARTLY
    assert "KM-one1 would be validated (is in review)." in tried.err
    done = await km365("lesson", "validate", *three, "--as", BEN, "--json")
    assert done.code == ExitCode.PARTLY
    assert [one.get("after") for one in done.json] == ["validated", "validated", None]
    assert "There is no knowledge item KM-mine" in done.json[2]["refused"]
    assert "2 of 3 done; the others are named above." in done.err
    wider = await km365("lesson", "publish", *three[:2], "--to", "public", "--as", BEN)
    assert wider.code == ExitCode.REFUSED
    assert wider.err.count("A knowledge reviewer publishes for public") == 2
    published = await km365("lesson", "publish", *three[:2], "--as", BEN)
    assert (published.code, published.err.count("is now published.")) == (ExitCode.DONE, 2)
    narrower = await km365("lesson", "supersede", "KM-one1", "--by", "KM-two2", "--as", BEN)
    assert "Fewer people may read KM-two2 than this item" in narrower.err
    newer = await km365("lesson", "supersede", "KM-two2", "--by", "KM-one1", "--as", BEN)
    assert "KM-two2 is now superseded." in newer.err
    off = await km365("lesson", "retire", "KM-one1", "--reason", "The fund is closed.", "--as", BEN)
    assert "KM-one1 is now retired." in off.err


async def test_questions_and_what_came_of_it_stand_in_the_history_with_who_and_why(
    km365: Type, three: tuple[str, str, str]
) -> None:
    asked = ("--question", "Where?", "--question", "When?")
    returned = await km365("lesson", "return", "KM-one1", *asked, "--as", BEN)
    assert returned.code == ExitCode.DONE
    silent = await km365("lesson", "return", "KM-two2", "--as", BEN)
    assert silent.code == ExitCode.REFUSED and "--question" in silent.err
    how = ("--agreed", "--reason", "Ask drivers first.", "--due", "2050-05-01", "--owner", BEN)
    assert (await km365("lesson", "effect", "KM-one1", *how, "--as", ANN)).code == ExitCode.DONE
    assert (await km365("lesson", "effect", "KM-one1", "--as", ANN)).code == ExitCode.USAGE
    unknown = await km365("lesson", "effect", "KM-one1", *how[:-1], "nobody@x.example", "--as", ANN)
    assert unknown.code == ExitCode.FAILED and "--owner: the directory has nobody" in unknown.err
    shown = await km365("lesson", "show", "KM-one1", "--as", ANN)
    assert "in review -> returned, by Ben Paperboat: Where?; When?" in shown.out
    assert "noted -> action agreed (2050-05-01), by Ann Paperboat: Ask drivers first." in shown.out
    assert "Action by 2050-05-01, Ben Paperboat: Ask drivers first." in shown.out
    assert "draft -> in review, changed in the list" in shown.out
    told = (await km365("lesson", "show", "KM-one1", "--as", ANN, "--json")).json["history"]
    assert [one["name"] for one in told] == ["", "Ben Paperboat", "Ann Paperboat"]
    others = await km365("lesson", "show", "KM-one1", "--as", sign_in_name("eve"))
    assert "Where?" not in others.out and "returned; effect: action agreed" in others.out
