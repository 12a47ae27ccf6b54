"""`km365 up` as typed: what keeps it from starting is one line, and nothing that was there is lost."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from km365.cli import running, up
from km365.errors import ExitCode
from km365.store import locks

DAMAGED = b"This is no database. " * 500
READY = re.compile(r"The chat page is (http\S+)/teams")


def typed(*words: str, home: Path, before: str = "") -> "subprocess.Popen[str]":
    """`km365 up` on free ports; `before` is Python that runs first in its process."""
    code = f"import sys\n{before}\nfrom km365.cli import main\nmain(sys.argv[1:])"
    ours = {"KM365_HOME": str(home), "KM365_PORT": "0", "KM365_M365_PORT": "0"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KM365_")}
    return subprocess.Popen(
        [sys.executable, "-c", code, "up", "--no-browser", *words],
        env=kept | ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    """The exit code and what was said, progress apart."""
    _, err = process.communicate(timeout=240)
    said = [line for line in err.splitlines() if line.startswith("km365: ") or "Traceback" in line]
    return process.returncode, said


def refused(home: Path, *words: str, before: str = "") -> str:
    """The one line it ends with; the exit code says that it failed or was refused."""
    code, lines = ended(typed(*words, home=home, before=before))
    assert code in {ExitCode.FAILED, ExitCode.REFUSED}
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening.getsockname()[1]


def test_a_port_in_use_is_named_before_anything_is_made(taken: int, tmp_path: Path) -> None:
    for option in ("--port", "--m365-port"):
        line = refused(tmp_path / "home", option, str(taken))
        question = "is km365 running already?"
        assert line == f"km365: Port {taken} is in use; {question} Choose another with {option}."
    seeded = tmp_path / "home" / "m365.sqlite"
    assert not seeded.exists() or seeded.stat().st_size < 10**6


def test_a_port_that_is_not_ours_to_use_is_named_with_the_reason() -> None:
    refused_port = up._no_port(80, PermissionError(errno.EACCES, "bind on 127.0.0.1"), option="--port")
    assert str(refused_port) == "Port 80 cannot be used (Permission denied); choose another with --port."


def test_a_home_that_is_a_file_or_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    assert "choose one with --home" in refused(file)
    assert "choose one with --home" in refused(file / "below")
    assert file.read_text("utf-8") == "mine"


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the rights of a folder do not bind us"
)
def test_a_home_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    assert str(home) in refused(home)


@pytest.mark.parametrize("name", ["m365.sqlite", "km365.sqlite"])
def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(DAMAGED)
    line = refused(tmp_path)
    assert str(tmp_path / name) in line
    assert "move" in line
    assert (tmp_path / name).read_bytes() == DAMAGED


def test_a_second_one_on_the_same_data_is_refused(tmp_path: Path) -> None:
    held = locks.lock(tmp_path / locks.FOLDER / "up.lock")
    assert held is not None
    with closing(held):
        assert f"running already with the data in {tmp_path}" in refused(tmp_path)


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, and no other setting."""
    for name in [name for name in os.environ if name.startswith("KM365_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KM365_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_with_the_same_home_find_its_ports_while_it_runs(at_home: Path, taken: int) -> None:
    with running.left(at_home, port=4001, m365_port=taken):
        settings, sources = running.in_force()
        assert (settings.port, settings.m365_port) == (4001, taken)
        told = {one.name: (one.value, one.origin) for one in sources}
        assert told["m365_port"] == (str(taken), "km365 up")
    assert running.in_force()[0].m365_port == 8365


def test_a_port_that_is_set_goes_before_the_one_left(
    at_home: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KM365_M365_PORT", "4002")
    with running.left(at_home, port=4001, m365_port=taken):
        settings = running.in_force()[0]
    assert (settings.port, settings.m365_port) == (4001, 4002)


def test_ports_left_by_one_that_was_killed_are_ignored(at_home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        gone = listening.getsockname()[1]
    for text in (f'{{"port": 4001, "m365_port": {gone}}}', "{", "[]", '{"port": 4001, "m365_port": 99999}'):
        (at_home / "up.json").write_text(text, encoding="utf-8")
        assert running.in_force()[0].m365_port == 8365


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_is_said_in_one_line_and_the_next_start_goes_on(tmp_path: Path) -> None:
    small = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))"
    line = refused(tmp_path, before=small)
    assert "disk" in line and str(tmp_path / "m365.sqlite") in line

    process = typed(home=tmp_path)
    base = until_ready(process)
    try:
        with urllib.request.urlopen(f"{base}/_local/clock", timeout=30) as answer:
            assert answer.status == 200
        left = json.loads((tmp_path / "up.json").read_text("utf-8"))
        assert base == f"http://127.0.0.1:{left['m365_port']}" and left["port"] > 0
    finally:
        process.send_signal(signal.SIGINT)
        code, said = ended(process)
    assert (code, said) == (ExitCode.DONE, [])
    assert not (tmp_path / "up.json").exists()


def test_for_a_tenant_it_serves_without_a_microsoft_365_of_its_own(tmp_path: Path) -> None:
    of_the_tenant = {"KM365_MODE": "tenant", "KM365_TENANT_ID": "contoso", "KM365_CLIENT_ID": "ours"}
    before = f"import os; os.environ.update({of_the_tenant})\nfrom km365.cli import up; up.services = list"
    process = typed(home=tmp_path, before=before)
    assert process.stderr is not None
    try:
        assert process.stderr.readline().startswith("Serving the tenant contoso ")
    finally:
        process.send_signal(signal.SIGINT)
        code, said = ended(process)
    assert (code, said) == (ExitCode.DONE, [])
    assert not (tmp_path / "m365.sqlite").exists()


def until_ready(process: "subprocess.Popen[str]") -> str:
    """The address of the small Microsoft 365, once the chat page is there."""
    assert process.stderr is not None
    watchdog = threading.Timer(240, process.kill)
    watchdog.start()
    try:
        for line in process.stderr:
            if found := READY.search(line):
                return found[1]
    finally:
        watchdog.cancel()
    raise AssertionError("it ended before it was ready")
