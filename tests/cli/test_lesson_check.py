"""`km365 lesson check`: advice on a text or an item, with its reason and an example, and never a wall."""

from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.errors import ExitCode
from km365.services import capture

from ..conftest import Provisioned, sign_in_name
from ..services.lessons import NOW, lesson
from .conftest import Type

BARE = "La communication est la clé de tout projet réussi."


async def test_a_file_is_checked_in_its_own_language_with_an_example(km365: Type, tmp_path: Path) -> None:
    file = tmp_path / "draft.txt"
    file.write_text(BARE, encoding="utf-8")
    said = await km365("lesson", "check", str(file))
    assert said.code == ExitCode.DONE
    assert "platitude: Personne ne dirait le contraire" in said.out
    assert f'    in description: "{BARE}"' in said.out
    assert "    before: " in said.out and "    after: " in said.out
    told = (await km365("lesson", "check", str(file), "--json")).json
    assert told["language"] == "fr" and told["kept_out"] is None
    one = next(one for one in told["findings"] if one["rule"] == "platitude")
    assert one["words"] == BARE and "PNUE" in one["why"]


async def test_what_the_chat_would_not_keep_is_told_by_the_exit_code(km365: Type, tmp_path: Path) -> None:
    file = tmp_path / "draft.txt"
    file.write_text("In Kolda a girl named Fatou Sarr was raped by her uncle.", encoding="utf-8")
    said = await km365("lesson", "check", str(file), "--json")
    assert (said.code, said.json["kept_out"]) == (ExitCode.REFUSED, "identifiable")
    assert "docs/security.md" in said.err
    assert said.json["findings"][0]["rule"] == "names"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no text in it"),
        ("Été".encode("latin-1"), "no text in UTF-8"),
        (b"word " * 5_000, "more than one"),
    ],
)
async def test_a_file_that_is_no_lesson_is_refused(
    km365: Type, tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "draft.txt"
    file.write_bytes(content)
    refused = await km365("lesson", "check", str(file))
    assert refused.code == ExitCode.REFUSED and why in refused.err


async def test_an_item_is_checked_by_who_may_read_it(km365: Type, provisioned: Provisioned) -> None:
    app = provisioned.app
    item = lesson(id="KM-8f3a01", audience=Audience.OFFICE)
    await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)
    ben, eve = sign_in_name("ben"), sign_in_name("eve")
    found = (await km365("lesson", "check", "KM-8f3a", "--as", ben, "--json")).json["findings"]
    assert "no_evidence" in [one["rule"] for one in found]
    assert (await km365("lesson", "check", "KM-8f3a", "--as", eve)).code == ExitCode.FAILED
    alone = await km365("lesson", "check", "KM-8f3a")
    assert alone.code == ExitCode.USAGE and "There is no file 'KM-8f3a'" in alone.err
