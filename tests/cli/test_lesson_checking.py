"""`km365 lesson edit|ask-consent|sla|list --overdue` as typed."""

from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.errors import ExitCode
from km365.services import capture

from ..conftest import Provisioned, person_id, sign_in_name
from ..services.lessons import NOW, lesson
from .conftest import Type

ANN, BEN, EVE = sign_in_name("ann"), sign_in_name("ben"), sign_in_name("eve")


@pytest.fixture
async def sent(provisioned: Provisioned) -> None:
    """Five lessons of Ann, sent long ago; the last is not for Ben to read."""
    app = provisioned.app
    for number in range(1, 6):
        audience = Audience.EVERYONE if number < 5 else Audience.NAMED
        item = lesson(id=f"KM-long{number}", audience=audience)
        await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW.replace(year=2020))


async def test_edited_words_stand_above_the_authors_own(km365: Type, sent: None) -> None:
    set_ = ("--set", "advice=Ask the drivers two weeks before.")
    tried = await km365("lesson", "edit", "KM-long1", *set_, "--as", BEN, "--dry-run")
    assert "would have other words, and is in review" in tried.err
    done = await km365("lesson", "edit", "KM-long1", *set_, "--reason", "Clearer.", "--as", BEN, "--json")
    assert done.json == {
        "id": "KM-long1",
        "before": "in review",
        "after": "in review",
        "fields": ["advice"],
    }
    shown = await km365("lesson", "show", "KM-long1", "--as", ANN)
    assert "Advice to others: Ask the drivers two weeks before." in shown.out
    assert "Advice to others, in the author's words: Ask the drivers before the season." in shown.out
    assert "edit, in review (advice), by Ben Paperboat: Clearer." in shown.out
    own = (await km365("lesson", "show", "KM-long1", "--as", BEN, "--json")).json["own_words"]
    assert own["advice"] == "Ask the drivers before the season."


async def test_what_was_edited_away_is_shown_only_to_who_wrote_it_or_decides(
    km365: Type, sent: None, tmp_path: Path
) -> None:
    set_ = ("--set", "advice=Ask the drivers two weeks before.", "--reason", "Names a child.")
    await km365("lesson", "edit", "KM-long1", *set_, "--as", BEN)
    await km365("lesson", "review", "KM-long1", "--accept", "--as", BEN)
    file = tmp_path / "theirs.json"
    await km365("lesson", "export", "-o", str(file), "--as", EVE)
    said = [file.read_text("utf-8")]
    for words in (("show", "KM-long1"), ("show", "KM-long1", "--json"), ("list", "--json")):
        said.append((await km365("lesson", *words, "--as", EVE)).out)
    assert all("two weeks before" in text for text in said)
    assert not any("before the season" in text.partition("KM-long2")[0] for text in said)
    assert not any(
        "Names a child" in text or person_id("ann") in text.partition("KM-long2")[0] for text in said
    )


async def test_an_edit_is_refused_with_the_reason(km365: Type, sent: None) -> None:
    for words, by, code, says in (
        ("advice=My password is hunter2", BEN, ExitCode.REFUSED, "not kept (password)"),
        ("office=CO-ARD", BEN, ExitCode.REFUSED, "has no field 'office'"),
        ("title=", BEN, ExitCode.REFUSED, "needs a title"),
        ("advice=Ask the drivers before the season.", BEN, ExitCode.REFUSED, "differently"),
        ("advice", BEN, ExitCode.USAGE, "--set is written"),
        ("advice=Mine", ANN, ExitCode.REFUSED, "Nobody decides on their own"),
        ("advice=Mine", EVE, ExitCode.REFUSED, "or a knowledge reviewer decides"),
    ):
        refused = await km365("lesson", "edit", "KM-long1", "--set", words, "--as", by)
        assert (refused.code, says in refused.err) == (code, True), refused.err


async def test_contributors_are_asked_once_and_only_about_what_everyone_may_read(
    km365: Type, sent: None
) -> None:
    asked = await km365("lesson", "ask-consent", "KM-long1", "--to", "partners", "--as", BEN)
    assert asked.code == ExitCode.DONE and "are asked" in asked.err
    wider = await km365("lesson", "ask-consent", "KM-long5", "--to", "public", "--as", BEN)
    assert "There is no knowledge item" in wider.err


async def test_what_waits_too_long_is_listed_for_who_decides(km365: Type, sent: None) -> None:
    listed = await km365("lesson", "list", "--overdue", "--as", BEN, "--json")
    assert [one["item"]["id"] for one in listed.json] == [f"KM-long{number}" for number in range(1, 5)]
    assert {one["waiting"]["awaits"] for one in listed.json} == {"decision"}
    assert "was due" in (await km365("lesson", "list", "--overdue", "--as", BEN)).out
    assert (await km365("lesson", "list", "--overdue", "--as", ANN, "--json")).json == []
    both = await km365("lesson", "list", "--overdue", "--questioned", "--as", BEN)
    assert both.code == ExitCode.USAGE


async def test_figures_are_shown_to_who_decides_and_never_of_fewer_than_five(
    km365: Type, sent: None, provisioned: Provisioned
) -> None:
    few = await km365("lesson", "sla", "--as", BEN)
    assert "Fewer than 5 lessons were sent" in few.err
    app = provisioned.app
    await capture.submit_item(app.graph, app.settings, lesson(id="KM-more1"), terms={}, at=NOW)
    ids = [f"KM-long{number}" for number in range(1, 5)] + ["KM-more1"]
    await km365("lesson", "validate", *ids, "--as", BEN)
    told = (await km365("lesson", "sla", "--as", BEN, "--json")).json
    assert [(one["office"], one["sent"], one["decided"]["count"]) for one in told["offices"]] == [
        ("", 5, 5),
        ("CO-BEL", 5, 5),
    ]
    assert told["offices"][0]["published"] == {"count": None, "median": None, "ninetieth": None}
    assert "CO-BEL" in (await km365("lesson", "sla", "--as", BEN)).out
    assert "Fewer than" in (await km365("lesson", "sla", "--from", "2026-01-01", "--as", BEN)).err
    other = await km365("lesson", "sla", "--office", "CO-ARD", "--as", BEN)
    assert other.code == ExitCode.REFUSED
