"""Two processes of the bot on one database: one turn at a time in a chat, nothing heard twice."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from km365.store.database import Database

from .activities import activity
from .second_bot import Counter, hear


@dataclass
class Place:
    url: str
    db: Database
    counter: Counter

    @asynccontextmanager
    async def second_bot(self, activities: list[dict[str, Any]]) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bots.second_bot",
            self.url,
            self.counter.path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        process.stdin.write(json.dumps(activities).encode())
        process.stdin.close()
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.fixture
def place(tmp_path: Path, database_url: str):
    counter = Counter(tmp_path / "counter")
    counter.write(0)
    db = Database.open(database_url)
    yield Place(url=database_url, db=db, counter=counter)
    db.close()


def said(times: int) -> list[dict[str, Any]]:
    return [activity("http://127.0.0.1:1", text=str(number)) for number in range(times)]


async def test_turns_of_a_chat_never_overlap_and_what_both_hear_is_answered_once(place: Place):
    both, here, there = said(10), said(10), said(10)
    async with place.second_bot([*both, *there]) as second:
        assert set(await hear(place.db, place.counter, [*both, *here])) == {202}
        assert json.loads(await second.stdout.readline()) == [202] * 20
    assert place.counter.read() == 30


async def test_a_chat_whose_process_is_killed_in_the_middle_of_a_turn_goes_on(place: Place):
    hang = activity("http://127.0.0.1:1", text="hang")
    async with place.second_bot([hang]) as second:
        assert await second.stdout.readline() == b"hanging\n"
        waiting = asyncio.create_task(hear(place.db, place.counter, [hang | {"text": "not hanging"}]))
        await asyncio.wait([waiting], timeout=1.5)
        assert place.counter.read() == 0, "the other one has the chat, and longer than its lease"
        second.kill()
        assert await waiting == [202]
    assert place.counter.read() == 1
