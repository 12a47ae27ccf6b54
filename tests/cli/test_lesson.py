"""`km365 lesson` and `km365 handover` as typed: who asks sees what they may read, and no more."""

from dataclasses import replace

import pytest

from km365.core.audience import Audience
from km365.core.contributions import Wish, WishKind, WishState
from km365.core.still_true import Verdict
from km365.errors import ExitCode
from km365.services import capture
from km365.store import still_true, wishes
from km365.store.database import Connection

from ..conftest import Provisioned, person_id, sign_in_name
from ..services.lessons import NOW, lesson
from .conftest import Type

BEN, EVE = sign_in_name("ben"), sign_in_name("eve")


@pytest.fixture
async def item_id(provisioned: Provisioned) -> str:
    """The lesson of Ann, of CO-BEL, for her office alone."""
    app = provisioned.app
    item = lesson(audience=Audience.OFFICE)
    await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)
    return item.id


async def test_a_focal_point_lists_shows_and_accepts_a_lesson(km365: Type, item_id: str) -> None:
    listed = await km365("lesson", "list", "--maturity", "in review", "--as", BEN)
    assert listed.code == ExitCode.DONE
    assert item_id in listed.out
    shown = await km365("lesson", "show", item_id, "--as", BEN)
    assert "Fridges failed in the rains." in shown.out
    accepted = await km365("lesson", "review", item_id, "--accept", "--as", BEN)
    assert accepted.code == ExitCode.DONE
    assert f"{item_id} is now validated." in accepted.err
    assert (await km365("lesson", "list", "--as", BEN, "--json")).json[0]["item"]["maturity"] == "validated"


@pytest.fixture
async def alike(provisioned: Provisioned) -> tuple[str, str]:
    """Two lessons whose ids begin alike: for everyone, and for the office alone."""
    app = provisioned.app
    for id, audience in (("KM-8f3a01", Audience.EVERYONE), ("KM-8f3a02", Audience.OFFICE)):
        item = lesson(id=id, audience=audience)
        await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)
    return "KM-8f3a01", "KM-8f3a02"


async def test_an_id_may_be_shortened_to_what_no_other_begins_with(
    km365: Type, alike: tuple[str, str]
) -> None:
    first, second = alike
    several = await km365("lesson", "show", "KM-8f3a", "--as", BEN)
    assert several.code == ExitCode.REFUSED
    assert f"several ids; say more of it: {first}, {second}." in several.err
    one = await km365("lesson", "show", "KM-8f3a0", "--as", EVE, "--json")  # she may not know of the other
    assert one.json["item"]["id"] == first
    accepted = await km365("lesson", "review", "KM-8f3a02", "--accept", "--as", BEN)
    assert f"{second} is now validated." in accepted.err
    short = await km365("lesson", "show", "KM-8f3", "--as", EVE)
    assert short.code == ExitCode.FAILED and "There is no knowledge item KM-8f3;" in short.err


async def test_a_shortened_id_is_reviewed_and_answered_whole(km365: Type, provisioned: Provisioned) -> None:
    app, whole = provisioned.app, "KM-8f3a02"
    await capture.submit_item(app.graph, app.settings, lesson(id=whole), terms={}, at=NOW)
    wish = Wish(
        item_id=whole,
        kind=WishKind.CHANGE,
        person_id=person_id("ann"),
        interview_id="",
        office="CO-BEL",
        language="en",
        state=WishState.ASKED,
        asked_at=NOW,
        changed_at=NOW,
    )
    await app.db.run(wishes.put, wish)
    reviewed = await km365("lesson", "review", "KM-8f3a", "--accept", "--as", BEN)
    assert f"{whole} is now validated." in reviewed.err
    answered = await km365("lesson", "answer", "KM-8f3a", "--grant", "--as", BEN)
    assert f"To change {whole}: done." in answered.err


async def test_another_office_does_not_learn_that_the_lesson_exists(km365: Type, item_id: str) -> None:
    assert (await km365("lesson", "list", "--as", EVE, "--json")).json == []
    shown = await km365("lesson", "show", item_id, "--as", EVE)
    never = await km365("lesson", "show", "KM-never", "--as", EVE)
    assert shown.code == never.code == ExitCode.FAILED
    assert shown.err.replace(item_id, "KM-never") == never.err
    reviewed = await km365("lesson", "review", item_id, "--accept", "--as", EVE)
    assert reviewed.err == shown.err


async def test_returning_needs_a_reason_and_a_decision_must_be_said(km365: Type, item_id: str) -> None:
    returned = await km365("lesson", "review", item_id, "--return", "--as", BEN)
    assert returned.code == ExitCode.REFUSED
    assert "--reason" in returned.err
    silent = await km365("lesson", "review", item_id, "--as", BEN)
    assert silent.code == ExitCode.USAGE
    odd = await km365("lesson", "list", "--maturity", "ripe", "--as", BEN)
    assert odd.code == ExitCode.USAGE
    assert "in review" in odd.err


async def test_a_colleague_who_may_not_decide_hears_who_may(km365: Type, item_id: str) -> None:
    sue = sign_in_name("sue")
    assert (await km365("lesson", "show", item_id, "--as", sue)).code == ExitCode.DONE
    refused = await km365("lesson", "review", item_id, "--accept", "--as", sue)
    assert refused.code == ExitCode.REFUSED
    assert "A knowledge focal point of CO-BEL or a knowledge reviewer decides" in refused.err
    assert (await km365("lesson", "list", "--as", sue, "--json")).json[0]["item"]["maturity"] == "in review"


async def test_nobody_reviews_their_own_lesson(km365: Type, item_id: str) -> None:
    refused = await km365("lesson", "review", item_id, "--accept", "--as", sign_in_name("ann"))
    assert refused.code == ExitCode.REFUSED
    assert "own contribution" in refused.err


@pytest.mark.parametrize("name", ["nobody@childrensagency.example", "ben", "a b'c"])
async def test_an_unknown_sign_in_name_is_named_in_one_line(km365: Type, name: str) -> None:
    refused = await km365("lesson", "list", "--as", name)
    assert refused.code == ExitCode.FAILED
    assert refused.err == f"km365: --as: the directory has nobody with the sign-in name {name!r}.\n"


async def test_handovers_are_listed_without_what_was_said(km365: Type) -> None:
    listed = await km365("handover", "list", "--json")
    assert (listed.code, listed.json) == (ExitCode.DONE, [])


@pytest.fixture
async def asked(provisioned: Provisioned, item_id: str) -> str:
    """Ann asks for a change of it, and to take back a handover note."""
    wish = Wish(
        item_id=item_id,
        kind=WishKind.CHANGE,
        person_id=person_id("ann"),
        interview_id="",
        office="CO-BEL",
        language="en",
        state=WishState.ASKED,
        asked_at=NOW,
        changed_at=NOW,
        words="It was two months.",
    )
    note = replace(wish, item_id="note:i1", kind=WishKind.WITHDRAW, words="")
    await provisioned.app.db.run(wishes.put, wish)
    await provisioned.app.db.run(wishes.put, note)
    return item_id


async def test_what_an_author_asks_is_listed_shown_and_answered(km365: Type, asked: str) -> None:
    listed = await km365("lesson", "list", "--as", BEN)
    assert "change" in listed.out
    assert "note:i1 (a handover note): its author asks to withdraw it." in listed.err
    assert (await km365("lesson", "list", "--as", BEN, "--json")).json[0]["asked"] == ["change"]
    shown = await km365("lesson", "show", asked, "--as", BEN)
    assert "Its author asks, on 2026-03-02, to change it.\nIt was two months." in shown.out
    assert (await km365("lesson", "show", asked, "--as", BEN, "--json")).json["asked"][0]["kind"] == "change"
    silent = await km365("lesson", "answer", asked, "--as", BEN)
    assert silent.code == ExitCode.USAGE
    bare = await km365("lesson", "answer", asked, "--decline", "--as", BEN)
    assert bare.code == ExitCode.REFUSED
    done = await km365("lesson", "answer", asked, "--grant", "--as", BEN)
    assert f"To change {asked}: done. Its author is told." in done.err
    again = await km365("lesson", "answer", asked, "--grant", "--as", BEN)
    assert again.code == ExitCode.FAILED


async def test_a_colleague_who_is_no_focal_point_does_not_learn_what_is_asked(
    km365: Type, asked: str
) -> None:
    sue = sign_in_name("sue")
    listed = await km365("lesson", "list", "--as", sue)
    assert "note:i1" not in listed.err
    assert (await km365("lesson", "list", "--as", sue, "--json")).json[0]["asked"] == []
    assert "It was two months." not in (await km365("lesson", "show", asked, "--as", sue)).out


async def test_another_office_does_not_see_what_is_asked(km365: Type, asked: str) -> None:
    assert "note:i1" not in (await km365("lesson", "list", "--as", EVE)).err
    answered = await km365("lesson", "answer", asked, "--grant", "--as", EVE)
    assert answered.code == ExitCode.FAILED
    assert "Nothing is asked about" in answered.err
    note = await km365("lesson", "answer", "note:i1", "--grant", "--as", EVE)
    assert note.code == ExitCode.REFUSED


async def test_what_people_say_of_a_lesson_is_shown_without_names_and_settled(
    km365: Type, provisioned: Provisioned
) -> None:
    app = provisioned.app
    await capture.submit_item(app.graph, app.settings, lesson(), terms={}, at=NOW)

    def say(c: Connection) -> None:
        for person, office, verdict in (
            ("sue", "CO-BEL", Verdict.STILL_TRUE),
            ("eve", "CO-ARD", Verdict.ACTED),
            ("sam", "CO-BEL", Verdict.NO_LONGER),
        ):
            mine = {"person_id": person_id(person), "milestone": "7"}
            still_true.show(c, ["KM-1"], office=office, **mine, at=NOW)
            still_true.say(c, "KM-1", verdict, **mine, at=NOW)
        still_true.add_words(c, "KM-1", "The fridges are new.", **mine)

    await app.db.run(say)
    shown = await km365("lesson", "show", "KM-1", "--as", BEN)
    assert "Still true for 2 offices, last 2026-03; effect: noted." in shown.out
    assert "Said to be no longer: The fridges are new." in shown.out
    elsewhere = (await km365("lesson", "show", "KM-1", "--as", EVE, "--json")).json
    assert (elsewhere["still_true"], elsewhere["said"]) == ({"offices": 2, "last": "2026-03"}, [])
    listed = await km365("lesson", "list", "--questioned", "--as", BEN)
    assert "no longer" in listed.out and "The fridges are new." in listed.out
    assert person_id("sam") not in shown.out + listed.out
    assert (await km365("lesson", "list", "--questioned", "--as", EVE, "--json")).json == []
    assert (await km365("lesson", "settle", "KM-1", "--as", EVE)).code == ExitCode.REFUSED
    settled = await km365("lesson", "settle", "KM-1", "--as", BEN)
    assert "KM-1: 1 doubt settled" in settled.err
    assert (await km365("lesson", "list", "--questioned", "--as", BEN, "--json")).json == []
    again = await km365("lesson", "settle", "KM-1", "--as", BEN)
    assert again.code == ExitCode.REFUSED and "Nobody doubts KM-1" in again.err
