"""kill -9 between any two steps of a turn: no answer is lost, none is kept twice, it is handed on once."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ..databases import needs_postgresql
from .activities import activity
from .chatting import STORY
from .fake_connector import FakeConnector, fake_connector

LESSON = (
    "We trained school committees to repair pumps. It happened in the dry season, when parts take a month."
    " Because they kept a stock of seals, pumps were down for two days."
)
SAID: dict[str, tuple[list[str], dict[str, Any]]] = {
    "an interview": (
        ["start", "1", STORY, "show my draft", "send"],
        {"state": "sending", "handing on": 1, "interviews": ["midterm_review"]},
    ),
    "a story": ([LESSON, "another lesson"], {"interviews": ["lesson"], "waits": [], "state": "open"}),
    "later": (["later on friday"], {"interviews": ["midterm_review"], "state": "invited"}),
    "prompts": (["quiet between 18:00 and 8:00"], {"interviews": []}),
}
"""What is said, and some of what is then kept."""

EVERYWHERE = "KM365_TEST_KILLS" in os.environ
"""Killing after each step takes minutes; the suite does so after some, others every time the steps change."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for every kill")
@pytest.mark.parametrize(
    ("said", "kind", "every"),
    [
        ("an interview", "sqlite", 1 if EVERYWHERE else 5),
        *((said, "sqlite", 1 if EVERYWHERE else 7) for said in ("a story", "later", "prompts")),
        pytest.param("an interview", "postgresql", 1 if EVERYWHERE else 17, marks=needs_postgresql),
        pytest.param("a story", "postgresql", 1 if EVERYWHERE else 17, marks=needs_postgresql),
    ],
)
async def test_killed_anywhere_in_a_turn_nothing_is_lost_or_kept_or_said_twice(
    tmp_path: Path, said: str, kind: str, every: int
) -> None:
    texts, then = SAID[said]
    activities = [activity("x", text=text) for text in texts]
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
        told, _ = await bot.communicate(json.dumps(activities).encode())
    assert bot.returncode == 0
    *deaths, alive = [json.loads(line) for line in told.splitlines()]
    assert not alive.pop("killed")
    last, done = alive.pop("n"), alive.pop("done")
    assert last > 5 * len(texts), "several steps in every turn"
    assert done == len(texts)
    assert alive.items() >= then.items()
    words = [text for _, text, _ in alive["answers"]]
    for text in texts:
        assert words.count(text) == (text in {STORY, LESSON})
    whole = heard(teams, last, "first")
    assert len(whole) >= len(texts), "every one is answered"
    for death in deaths:
        assert death.pop("killed")
        n, done = death.pop("n"), death.pop("done")
        assert death == alive, f"killed at step {n}"
        first, second = heard(teams, n, "first"), heard(teams, n, "second")
        assert first == whole[: len(first)], f"killed at step {n}: said in order"
        assert second or done == len(texts) or len(first) == len(whole), f"killed at step {n}: silence"
        assert len(set(second)) == len(second), f"killed at step {n}: said twice"
        assert not second or done < len(texts), f"killed at step {n}: said again though acknowledged"


def heard(teams: FakeConnector, n: int, life: str) -> list[str]:
    """What the n-th bot said in its first or its second life."""
    bodies = [call.body for call in teams.calls if call.path.startswith(f"/{n}/{life}/")]
    return [one.get("text") or one["attachments"][0]["content"]["fallbackText"] for one in bodies]


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
