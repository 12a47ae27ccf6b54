"""`km365 taxonomy push|pull` as typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from km365.errors import ExitCode
from km365.local import faults
from km365.services import term_push

from ..conftest import Provisioned
from .conftest import Type

PLANTS: dict[str, Any] = {
    "key": "plants",
    "names": {"en": "Plants", "fr": "Plantes"},
    "concepts": [
        {"id": "plants/tree", "labels": {"en": "Tree", "fr": "Arbre"}},
        {"id": "plants/fig", "labels": {"en": "Fig"}, "broader": "plants/tree"},
    ],
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes the office's own term set; `change` maps a concept's place to what differs."""
    folder = tmp_path / "own" / "taxonomies"
    folder.mkdir(parents=True)
    monkeypatch.setenv("KM365_TEMPLATES", str(folder.parent))

    def written(**change: Any) -> None:
        text = json.dumps({**PLANTS, **change}, ensure_ascii=False)
        (folder / "plants.json").write_text(text, encoding="utf-8")

    written()
    return written


async def test_a_term_set_is_planned_pushed_and_then_as_it_should_be(km365: Type, write: Any) -> None:
    planned = await km365("taxonomy", "push", "--plan", "plants")
    assert planned.code == ExitCode.DONE
    assert planned.out.splitlines() == [
        "Term sets to make or rename: 1",
        "  plants (Plants): not in the term store yet, 2 terms",
        "Terms to make: 2",
        "  plants/tree (Tree): at the top",
        "  plants/fig (Fig): under plants/tree",
    ]
    pushed = await km365("taxonomy", "push", "--yes", "plants")
    assert pushed.code == ExitCode.DONE
    assert pushed.err.splitlines()[-1] == (
        "Term sets: 1. Terms made: 2, reused: 0, changed: 0. Not written: 0. Left for you: 0."
    )
    again = await km365("taxonomy", "push", "plants")
    assert (again.code, again.out) == (ExitCode.DONE, "")
    assert "Nothing is to be written." in again.err
    write(names={"en": "All plants", "fr": "Plantes"})
    renamed = await km365("taxonomy", "push", "--yes", "--json", "plants")
    assert renamed.json["done"]["sets"] == 1


async def test_a_conflict_is_listed_with_exit_code_3_until_somebody_decides(
    km365: Type, write: Any, provisioned: Provisioned
) -> None:
    await km365("taxonomy", "push", "--yes", "plants")
    with provisioned.m365.state.tx() as c:
        c.execute("UPDATE term SET labels = replace(labels, 'Fig', 'Fig tree') WHERE name = 'Fig'")
    fig = {"id": "plants/fig", "labels": {"en": "Ficus"}, "broader": "plants/tree"}
    write(concepts=[PLANTS["concepts"][0], fig])
    ran = await km365("taxonomy", "push", "--yes", "plants")
    assert ran.code == ExitCode.PARTLY
    assert "  plants/fig (Ficus): en-US: the term store has Fig tree, the files Ficus" in ran.out
    decided = await km365("taxonomy", "push", "--yes", "--overwrite", "plants/fig", "plants")
    assert decided.code == ExitCode.DONE
    strange = await km365("taxonomy", "push", "--overwrite", "plants/oak")
    assert strange.code == ExitCode.REFUSED


async def test_a_second_person_is_not_asked_while_the_first_one_pushes(
    km365: Type, write: Any, provisioned: Provisioned
) -> None:
    with term_push.alone(provisioned.app.settings.home):
        busy = await km365("taxonomy", "push", "--yes", "plants")
        assert (busy.code, busy.out) == (ExitCode.REFUSED, "")
        assert "wait for it to end" in busy.err
        assert (await km365("taxonomy", "push", "--plan", "plants")).code == ExitCode.DONE
    assert (await km365("taxonomy", "push", "--yes", "plants")).code == ExitCode.DONE


async def test_pulling_keeps_a_copy_says_what_differs_and_writes_files(
    km365: Type, write: Any, provisioned: Provisioned, tmp_path: Path
) -> None:
    await km365("taxonomy", "push", "--yes", "plants")
    with provisioned.m365.state.tx() as c:
        c.execute("UPDATE term SET labels = replace(labels, 'Fig', 'Fig tree') WHERE name = 'Fig'")
    pulled = await km365("taxonomy", "pull", "-o", "pulled")
    assert pulled.code == ExitCode.DONE
    assert "Changed by people in the term store: 1" in pulled.out
    assert "plants/fig (Fig): en-US: the term store has Fig tree, the files Fig" in pulled.out
    file = tmp_path / "typed" / "pulled" / "plants.json"
    assert json.loads(file.read_text(encoding="utf-8"))["concepts"][1]["labels"] == {"en": "Fig tree"}
    assert (await km365("taxonomy", "pull", "-o", "pulled")).code == ExitCode.FAILED
    faults.switch(provisioned.m365.state, "term_store_people_only", on=True)
    refused = await km365("taxonomy", "pull", "--json")
    assert (refused.code, refused.json["terms"] > 2) == (ExitCode.REFUSED, True)
    assert "Compared with the copy, less than a minute old" in refused.err
    planned = await km365("taxonomy", "push", "--plan")
    assert "Compared with the copy" in planned.err
    assert (await km365("taxonomy", "push", "--yes")).code == ExitCode.REFUSED
