"""`km365 questions check` says what is wrong with a bank, with its line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from km365.cli.questions import command
from km365.errors import ExitCode, TemplateError
from km365.templates import Templates


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office with a French handover bank of its own."""
    monkeypatch.setenv("KM365_TEMPLATES", str(tmp_path))
    (tmp_path / "questions").mkdir()
    own = tmp_path / "questions" / "handover.fr.toml"
    own.write_text(Templates().text("questions/handover.fr.toml"), encoding="utf-8")
    return own


def check(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["check", *arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout


def test_the_shipped_banks_and_words_are_right() -> None:
    assert check() == (ExitCode.DONE, "")


def test_a_mistake_is_told_with_file_line_and_key(office: Path) -> None:
    text = office.read_text(encoding="utf-8")
    office.write_text(text.replace("ask = ", "aks = ", 1), encoding="utf-8")
    code, said = check()
    assert code == ExitCode.FAILED
    assert said.startswith("questions/handover.fr.toml, line ")
    assert "[questions.role] 'aks' is not known here" in said
    code, said = check(str(office), "--json")
    assert "'aks'" in json.loads(said)["problems"][0]


def test_a_file_that_is_not_there_is_named(office: Path) -> None:
    with pytest.raises(TemplateError, match=r"nothing\.toml"):
        check(str(office.parent / "nothing.toml"))
    with pytest.raises(TemplateError, match="nothing"):
        check("nothing")


def test_a_file_is_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "q").mkdir()
    for name in ("evaluation.toml", "evaluation.fr.toml"):
        text = Templates().text(f"questions/{name}").replace("ask = ", "aks = ", 1)
        (tmp_path / "q" / name.replace("evaluation", "ours")).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = Path("q") / "ours.toml"
    for file in (given, given.absolute()):
        _, said = check(str(file))
        missing, wrong, *_ = said.splitlines()
        assert missing.startswith(f"{file}: there are no words in en, es,")
        assert wrong.startswith(f"{file.with_name('ours.fr.toml')}, line ")
        assert "questions/ours" not in said
