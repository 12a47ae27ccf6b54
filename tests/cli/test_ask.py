"""`km365 ask`, as typed."""

from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.services import search_index

from ..conftest import Provisioned, sign_in_name
from ..services.shelf import InProcess
from .conftest import Type
from .test_search import known


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "Reader", InProcess)


def text_of(name: str) -> str:
    return Path(name).read_text("utf-8")


def writes(name: str, text: str) -> None:
    Path(name).write_text(text, "utf-8")


async def test_what_is_known_is_printed_kept_as_a_file_and_checked_later(
    km365: Type, provisioned: Provisioned
) -> None:
    await known(provisioned, "Fridges in the rains")
    await known(
        provisioned, "Fridges of Belmora", audience=Audience.OFFICE, description="Fridges rust at the coast."
    )
    await km365("search", "index")
    everyone = await km365("ask", "fridges")
    assert "“Fridges failed in the rains.”  CO-BEL · " in everyone.out and "[1]" in everyone.out
    assert "rust" not in everyone.out and "CO-BEL: knowledge focal point" in everyone.out
    assert "Quoted: 1 of 1 sources. Searched: what everyone may read." in everyone.err
    ben = ("--as", sign_in_name("ben"))
    kept = await km365("ask", "fridges", *ben, "-o", "fridges.html")
    assert kept.out == "" and "Written to fridges.html." in kept.err
    assert "Fridges rust at the coast." in text_of("fridges.html")
    same = await km365("ask", "--check", "fridges.html", *ben)
    assert (same.code, same.out) == (0, "") and "Nothing it rests on has changed" in same.err
    await known(provisioned, "Fridges by boat", description="Fridges came by boat in the end.")
    await km365("search", "index")
    changed = await km365("ask", "--check", "fridges.html", *ben)
    assert (changed.code, changed.out) == (3, "new: Fridges by boat\n")
    others = await km365("ask", "--check", "fridges.html", "--json")
    assert [one["standing"] for one in others.json["sources"]].count("not found") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Say what to ask"),
        (("fridges", "--check", "wrong.html"), "Say what to ask"),
        (("fridges", "-o", "fridges.pdf"), "-o writes .docx, .html, .json"),
        (("--check", "wrong.html"), "wrong.html is no snapshot"),
    ],
)
async def test_what_cannot_be_asked_says_why(km365: Type, words: tuple[str, ...], says: str) -> None:
    writes("wrong.html", "<p>Fridges</p>")
    ran = await km365("ask", *words)
    assert ran.code in {2, 4} and says in ran.err
