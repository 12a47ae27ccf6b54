"""`km365 compendium plan` and `build` as typed."""

from pathlib import Path

import pytest

from km365.cli.compendium import _SAYS
from km365.core.compendium import Why
from km365.core.knowledge import Reach
from km365.errors import ExitCode

from ..conftest import Provisioned
from ..services.published import Shelf, published
from .conftest import Type


def read(name: str) -> str:
    return Path(name).read_text(encoding="utf-8")


def write(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")


def is_there(name: str) -> bool:
    return Path(name).exists()


@pytest.fixture
async def shelf(provisioned: Provisioned) -> Shelf:
    made = Shelf(provisioned)
    await made.holds(published("KM-1111"))
    await made.holds(published("KM-2222", title="Pay on market day", office="CO-ARD"))
    return made


async def test_an_editor_plans_edits_and_builds_and_the_next_volume_knows(km365: Type, shelf: Shelf) -> None:
    planned = await km365("compendium", "plan", "--by", "office", "-o", "volume.toml")
    assert (planned.code, "2 items in 2 groups" in planned.err) == (ExitCode.DONE, True)
    again = await km365("compendium", "plan", "-o", "volume.toml")
    assert again.code == ExitCode.FAILED and "may hold an editor's work" in again.err
    later = 'leave_out = "Later"\nid = "KM-2222"'
    write("volume.toml", read("volume.toml").replace('id = "KM-2222"', later))
    first = await km365("compendium", "build", "--volume", "volume.toml", "-o", "first.docx", "--json")
    assert first.code == ExitCode.DONE
    assert first.json["items"] == [{"number": "1.1", "id": "KM-1111"}]
    assert [(one["id"], one["detail"]) for one in first.json["left_out"]] == [("KM-2222", "Later")]
    choice = ("--by", "office", "--since", "first.docx", "-o")
    second = await km365("compendium", "build", *choice, "second.html", "--language", "fr")
    assert second.code == ExitCode.DONE
    page = read("second.html")
    assert "Depuis le volume précédent" in page and "Repris sans changement : 1" in page
    await km365("compendium", "plan", *choice, "next.toml")
    assert 'since = "first.docx"' in read("next.toml")
    third = await km365("compendium", "build", "--volume", "next.toml", "-o", "third.html")
    assert third.code == ExitCode.DONE and "Since the last volume" in read("third.html")


def test_every_reason_to_leave_something_out_has_words() -> None:
    assert set(_SAYS) == set(Why)


async def test_what_is_left_out_is_listed_and_makes_the_exit_code(km365: Type, shelf: Shelf) -> None:
    await shelf.holds(published("KM-3333", consent=Reach.PARTNERS))
    built = await km365("compendium", "build", "--to", "public", "-o", "volume.docx")
    assert built.code == ExitCode.PARTLY
    assert "KM-3333   its contributors have not allowed that: ask them" in built.out
    assert "2 items in 1 group written" in built.err and is_there("volume.docx")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "-o", "volume.docx"), ".toml"),
        (("build", "-o", "volume.pdf"), ".docx"),
        (("build", "-o", "volume.docx", "--only", "topic"), "write a facet and a value"),
        (
            ("build", "-o", "volume.docx", "--volume", "v.toml", "--by", "kind"),
            "leave --year, --by and --only out",
        ),
        (("build", "-o", "volume.docx", "--since", "v.toml"), "does not say what it held"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_written(
    km365: Type, words: tuple[str, ...], said: str
) -> None:
    write("v.toml", 'by = "topic"\n')
    ran = await km365("compendium", *words)
    assert ran.code in {ExitCode.USAGE, ExitCode.REFUSED} and said in ran.err
    assert not is_there("volume.docx")
