"""`km365 up`: stopping, starting again, being in the way of somebody else, and what the doctor says."""

import json
import re
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from .product import KM365, Chat, Up, until


def test_ctrl_c_stops_it_and_the_next_start_goes_on_with_the_same_data(new_home: Callable[[], Path]) -> None:
    up = Up(new_home())
    try:
        up.start()
        chat = Chat(up, "Claire Petitvent")
        chat.begins()
        until(lambda: len(_invited(up)) == 11)
        before = _tenant(up)
        assert up.stop() == 0
        assert up.lines[-1] == "Stopping ..."
        assert not _complaints(up)

        up.start()
        assert _tenant(up) == before
        assert chat.progress == "1 sur 8"
        chat.presses("answer", answer="operational")
        until(lambda: chat.progress == "2 sur 8")
        assert len(_invited(up)) == 11
        assert up.process is not None
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(30) == 0
        assert not _complaints(up)
    finally:
        up.close()


def test_nobody_waits_for_the_units_that_laying_out_lists_and_terms_took(
    new_home: Callable[[], Path],
) -> None:
    with closing(sqlite3.connect(new_home() / "km365.sqlite")) as db:
        found = db.execute("SELECT value FROM km_ru_account").fetchall()
    assert sum(json.loads(value)["day_spent"] for (value,) in found) < 100


@pytest.mark.parametrize("which", ["port", "m365_port"])
def test_a_port_in_use_is_named_in_one_line(which: str, new_home: Callable[[], Path]) -> None:
    up = Up(new_home())
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        setattr(up, which, taken)
        command = [*KM365, "up", "--no-browser"]
        ended = subprocess.run(
            command, env=up.environment, capture_output=True, encoding="utf-8", timeout=60, check=False
        )
    up.close()
    assert ended.returncode == 4
    (line,) = [one for one in ended.stderr.splitlines() if one.startswith("km365: ")]
    assert re.search(rf"[Pp]ort {taken} ", line)
    assert ended.stderr.splitlines()[-1] == line
    assert "Traceback" not in ended.stderr


def test_the_doctor_says_what_is_missing(up: Up, tmp_path: Path) -> None:
    assert {one["about"]: one["well"] for one in up.json("doctor")} == dict.fromkeys(
        (
            "disk",
            "database",
            "Microsoft Graph",
            "permissions",
            "lists, columns and terms",
            "handover notes",
            "office sites",
            "bot",
            "people",
            "who decides",
            "front offices",
            "people on leave",
            "Outlook",
            "offices' hours",
            "messages",
            "jobs",
            "watched libraries",
            "search",
        ),
        True,
    )
    away = Up(tmp_path / "away")
    away.home.mkdir()
    found = {one["about"]: one for one in away.json("doctor", code=1)}
    away.close()
    assert found["database"]["well"]
    for about in ("Microsoft Graph", "lists, columns and terms", "office sites"):
        assert f"127.0.0.1:{away.m365_port}" in found[about]["words"]
    assert "start it with `km365 up`" in found["bot"]["words"]


def _invited(up: Up) -> list[str]:
    """Whom the demonstration's milestones and departures have invited, once for each time."""
    found = up.theirs("SELECT chat, activity FROM chat_activity WHERE sender = 'bot' AND prompt")
    return [chat for chat, activity in found if '"attachments"' in activity and "topic:help" not in activity]


def _tenant(up: Up) -> dict[str, int]:
    """How many of everything there is in the small Microsoft 365."""
    tables = ("site", "user", "list", "item", "file_content", "term", "term_set", "column_definition")
    return {table: up.theirs(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}


def _complaints(up: Up) -> list[str]:
    return [line for line in up.lines if "Traceback" in line or "rror" in line]
