"""A second process of the bot on a database: hears what it is told on its standard input, a line each."""

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from km365_bots.activities import read_activity
from km365_bots.connector import open_connector
from km365_bots.desk import Desk
from km365_bots.pacing import Pace
from km365_bots.turn import Turns

from km365.core.chat import Event, Reply
from km365.documents.words import Words
from km365.jobs import open_jobs
from km365.store import turns
from km365.store.database import Database
from km365.templates import Templates


@dataclass
class Counter:
    """A number in a file, added to as carelessly as can be: two at once would lose one."""

    path: Path

    def read(self) -> int:
        return int(self.path.read_text())

    def write(self, number: int) -> None:
        self.path.write_text(str(number))

    async def respond(self, event: Event) -> list[Reply]:
        """Adds one. `hang` never ends."""
        before = self.read()
        if event.text == "hang":
            tell("hanging")
            await asyncio.sleep(3600)
        await asyncio.sleep(0.01)
        self.write(before + 1)
        return []


def tell(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def no_token() -> None:
    return None


async def frame(logic) -> None:
    await logic()


async def hear(db: Database, counter: Counter, activities: list[str]) -> list[int]:
    """What each activity is answered with, all of them begun at once."""
    desk = Desk(db, open_jobs(db), counter.respond)
    async with desk.open(), open_connector(no_token, Pace()) as connector:
        labels = Words.read(Templates(), "cards/labels")
        taken = Turns(connector=connector, desk=desk, labels=labels, clock=lambda: datetime.now(UTC))
        incoming = [read_activity(json.dumps(one).encode()) for one in activities]
        answers = await asyncio.gather(*(taken.take(one, frame) for one in incoming))
        await taken.close()
    return [answer.status for answer in answers]


if __name__ == "__main__":
    turns.LEASE = timedelta(seconds=1)
    told = json.loads(sys.stdin.read())
    tell(asyncio.run(hear(Database.open(sys.argv[1]), Counter(Path(sys.argv[2])), told)))
