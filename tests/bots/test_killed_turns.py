"""kill -9 between any two steps of a turn: no answer is lost, none is kept twice, it is handed on once."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from .activities import activity
from .chatting import STORY
from .fake_connector import fake_connector

SAID = ["start", "1", STORY, "show my draft", "send"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for every kill")
async def test_killed_anywhere_in_a_turn_no_answer_is_lost_or_kept_twice(tmp_path: Path) -> None:
    async with fake_connector() as teams:
        bot = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bots.mortal_bot",
            teams.url,
            tmp_path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        told, _ = await bot.communicate(json.dumps([activity("x", text=text) for text in SAID]).encode())
    assert bot.returncode == 0
    ends = [json.loads(line) for line in told.splitlines()]
    *deaths, alive = ends
    assert not alive.pop("killed")
    assert alive.pop("n") > 10 * len(SAID), "several steps in every turn"
    assert alive["state"] == "sending"
    assert alive["handing on"] == 1
    assert [text for question, text, _ in alive["answers"] if question == "story"] == [STORY]
    for death in deaths:
        assert death.pop("killed")
        n = death.pop("n")
        assert death == alive, f"killed at step {n}"
