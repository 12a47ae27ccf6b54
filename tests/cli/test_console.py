"""What the commands print: tables that fit a terminal, no progress of work that was refused."""

import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from km365.cli import console, main
from km365.cli.settings import command as settings
from km365.errors import ExitCode, PlanRefused
from km365.templates import Templates

ROWS = [("a", "word " * 30)]


def test_a_terminal_shows_of_a_long_last_column_what_fits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console.table(ROWS, headings=("id", "text"))
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) > 150, "a pipe gets all of it"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    console.table(ROWS, headings=("id", "text"))
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 60
    assert lines[1].endswith("…")
    monkeypatch.setenv("COLUMNS", "8")
    console.table(ROWS, headings=("id", "text"))
    assert "…" not in capsys.readouterr().out, "where nothing would be left, nothing is cut"


def test_progress_says_nothing_of_work_that_was_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PlanRefused), console.Progress("Tagging", 6):
        raise PlanRefused("no")
    assert capsys.readouterr().err == ""
    with pytest.raises(PlanRefused), console.Progress("Tagging", 6) as progress:
        progress.advance()
        raise PlanRefused("no")
    assert capsys.readouterr().err.startswith("Tagging: 1 of 6")
    with console.Progress("Tagging", 0):
        pass
    assert capsys.readouterr().err == "", "nothing was to be done"


def test_the_last_line_of_progress_stands_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = iter(range(0, 1_000, 10))
    monkeypatch.setattr(console.time, "monotonic", lambda: next(moments))
    with console.Progress("Tagging", 2) as progress:
        progress.advance()
        progress.advance()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["Tagging: 1 of 2", "Tagging: 2 of 2"]


def test_the_time_left_is_of_the_pace_since_the_first_came_and_told_once_it_means_something(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = console.Progress("Reading", 400)
    progress.begin()
    said = [capsys.readouterr().err.strip()]
    now = 8.0  # models and workers have started
    for _ in range(21):
        progress.advance()
        said.append(capsys.readouterr().err.strip())
        now += 0.5
    assert said[0] == "Reading: 0 of 400"
    assert said[1:7] == [f"Reading: {number} of 400" for number in range(1, 7)]
    assert said[7] == "Reading: 7 of 400, about 3 min left"
    assert said[21] == "Reading: 21 of 400, about 3 min left"


def test_settings_are_shown_in_lines_a_person_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("KM365_"):
            monkeypatch.delenv(name)
    shown = CliRunner().invoke(settings, ["show"]).stdout
    assert max(len(line) for line in shown.splitlines()) < 110
    rows = json.loads(CliRunner().invoke(settings, ["show", "--json"]).stdout)
    for row in rows:
        assert row["name"] in shown
        assert all(word in shown for word in row["value"].split())
        assert row["meaning"] not in shown
    explained = CliRunner().invoke(settings, ["show", "--explain"]).stdout
    words = " ".join(click.unstyle(explained).split())
    assert all(row["meaning"].split()[0] in words for row in rows)
    assert "the time zone in which people work" in words


@pytest.mark.parametrize("words", [("up",), ("doctor",), ("settings", "show"), ("departure", "list")])
def test_a_setting_that_cannot_be_right_is_refused_before_anything_is_made(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("KM365_TIME_ZONE", "Nairobi")
    monkeypatch.setenv("KM365_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as left:
        main([*words])
    assert left.value.code == ExitCode.USAGE and not (tmp_path / "home").exists()
    assert "KM365_TIME_ZONE must be a time zone such as Africa/Nairobi" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("questions", "check"), ("taxonomy", "list"), ("taxonomy", "check"), ("up",)]
)
def test_a_templates_folder_that_does_not_exist_is_refused_by_name(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: object,
) -> None:
    monkeypatch.setenv("KM365_TEMPLATES", f"{tmp_path}/nowhere")
    monkeypatch.setenv("KM365_HOME", f"{tmp_path}/home")
    with pytest.raises(SystemExit) as left:
        main([*words])
    assert left.value.code == ExitCode.USAGE
    error = capsys.readouterr().err
    assert "/nowhere" in error and error.count("\n") == 1
    assert Templates().path("questions/handover.toml").is_file()
