"""kill -9 between any two steps of a turn: no answer is lost, none is kept twice, it is handed on once."""

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from ..databases import needs_postgresql
from .activities import activity
from .chatting import STORY
from .fake_connector import fake_connector

SAID = ["start", "1", STORY, "show my draft", "send"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for every kill")
@pytest.mark.parametrize(
    ("kind", "every"), [("sqlite", 1), pytest.param("postgresql", 7, marks=needs_postgresql)]
)
async def test_killed_anywhere_in_a_turn_no_answer_is_lost_or_kept_twice(
    tmp_path: Path, kind: str, every: int
) -> None:
    async with fake_connector() as teams:
        bot = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bots.mortal_bot",
            teams.url,
            tmp_path,
            kind,
            str(every),
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for every kill")
async def test_killed_anywhere_while_teams_is_busy_every_reply_arrives_later_once_and_in_order(
    tmp_path: Path,
) -> None:
    async with fake_connector() as teams, fake_connector() as busy:
        busy.script = [(429, {"Retry-After": "600"})] * 10_000
        bot = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bots.mortal_replies",
            teams.url,
            busy.url,
            tmp_path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        told, _ = await bot.communicate(json.dumps([activity("x", text=text) for text in "AB"]).encode())
        assert bot.returncode == 0
        ends = [json.loads(line) for line in told.splitlines()]
        arrived = {
            end["chat"]: [call.body["text"] for call in teams.calls if f"/{quote(end['chat'])}/" in call.path]
            for end in ends
        }
    whole = ["A, first", "A, second", "B, first", "B, second"]
    assert ends[-1]["killed"] == [False, False]
    assert len(ends) > 10, "several steps in every turn"
    for end in ends:
        texts = arrived[end["chat"]]
        assert len(set(texts)) == len(texts), f"{end}: nothing is said twice"
        assert texts == [text for text in whole if text in texts], f"{end}: in order"
        missing = [text for text in whole if text not in texts]
        assert len(missing) <= (1 if end["killed"][1] else 0), f"{end}: only what was being sent may be lost"
