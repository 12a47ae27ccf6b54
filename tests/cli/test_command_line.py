"""The command line as a whole: quick, documented, one line for an error, the exit codes of the README."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from km365.cli import NOUNS, main, root
from km365.errors import ExitCode, KM365Error, PartlyDone, SettingsError

HEAVY = (
    "aiohttp",
    "azure",
    "botbuilder",
    "docx",
    "httpx",
    "lxml",
    "msgraph",
    "openpyxl",
    "sqlalchemy",
    "kiota_http",
)


def inside(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return []
    context = click.Context(command)
    found = []
    for verb in command.list_commands(context):
        inner = command.get_command(context, verb)
        assert inner is not None, f"{name} {verb} leads nowhere"
        found += [(f"{name} {verb}", inner), *inside(f"{name} {verb}", inner)]
    return found


def commands() -> list[tuple[str, click.Command]]:
    found = []
    for noun in NOUNS:
        command = importlib.import_module(f"km365.cli.{noun}").command
        found.append((noun, command))
        found += inside(noun, command)
    return found


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["tag", "--help"], ["up", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from km365.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "[]"


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_ends_its_help_with_an_example_of_itself(name, command):
    help_text = command.help or ""
    example = help_text.split("Example:")[-1]
    assert "Example:" in help_text
    assert f"km365 {name}" in example


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_option_says_what_it_does(name, command):
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


@pytest.mark.parametrize(("name", "command"), [c for c in commands() if not isinstance(c[1], click.Group)])
def test_every_command_is_in_the_administrators_page(name, command):
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    assert f"`km365 {name}" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "code"),
    [(KM365Error("x"), 1), (SettingsError("x"), 2), (PartlyDone("x"), 3)],
)
def test_an_error_is_one_line_and_an_exit_code(error, code, monkeypatch, capsys):
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(root, "main", fail)
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == code
    assert capsys.readouterr().err == "km365: x\n"


def test_an_unknown_command_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as left:
        main(["tags"])
    assert left.value.code == ExitCode.USAGE
    assert re.search(r"No such command 'tags'", capsys.readouterr().err)


def test_settings_show_prints_json_alone_on_stdout(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KM365_CLIENT_SECRET", "s3cr3t")
    with pytest.raises(SystemExit) as left:
        main(["settings", "show", "--json"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "s3cr3t" not in shown
    rows = {row["name"]: row for row in json.loads(shown)}
    assert rows["client_secret"]["origin"] == "KM365_CLIENT_SECRET"


def test_a_graph_that_is_not_there_is_named_in_one_line(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KM365_HOME", str(tmp_path))
    monkeypatch.setenv("KM365_GRAPH_URL", "http://127.0.0.1:9/v1.0")
    with pytest.raises(SystemExit) as left:
        main(["provision", "plan"])
    assert left.value.code == ExitCode.FAILED
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "127.0.0.1:9" in error and "km365 up" in error
