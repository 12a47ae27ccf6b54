"""`start.py`: what it says of the programs it runs, and where they stand."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`start.py` with an environment of its own, set up already, that holds what `program` puts there."""
    spec = importlib.util.spec_from_file_location("start", Path(__file__).parents[1] / "start.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PYTHON", tmp_path / "bin" / "python")
    monkeypatch.setattr(module, "set_up", lambda extras="": None)
    return module


def program(start: ModuleType, name: str, text: str) -> None:
    file = start.PYTHON.parent / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o700)


@pytest.mark.parametrize("ends", ["exit 1", "kill -9 $$"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_check_that_fails_or_is_killed_fails_all(start: ModuleType, ends: str, which: int) -> None:
    start.CHECKS = (("first",), ("second",))
    for number, name in enumerate(("first", "second")):
        program(start, name, ends if number == which else "exit 0")
    assert start.main(["check"]) > 0


def test_checks_and_tests_run_in_the_folder_of_the_project(start: ModuleType, tmp_path: Path) -> None:
    start.CHECKS = (("pytest",),)
    for words in (["check"], ["test"]):
        program(start, "pytest", f'test "$PWD" = "{start.HERE}"')
        assert start.main(words) == 0


def test_a_path_means_the_file_where_the_user_stands(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    program(start, "km365", 'test "$1 $2" = "tag apply" && test -f "$3"')
    assert start.main(["tag", "apply", "plan.json"]) == 0


def test_bytecode_is_kept_where_the_environment_forbids_it(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    program(start, "km365", 'test -z "$PYTHONDONTWRITEBYTECODE"')
    assert start.main(["up"]) == 0


def test_without_words_it_starts_everything(start: ModuleType) -> None:
    program(start, "km365", 'test "$*" = up')
    assert start.main([]) == 0
