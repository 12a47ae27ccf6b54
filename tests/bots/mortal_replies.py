"""A bot that is killed, with signal 9, at the n-th deed while Teams is busy and while it says what waited.

    python -m tests.bots.mortal_replies SERVICE_URL BUSY_URL FOLDER < the activities, as JSON

For every n in turn: a process hears the activities in a chat named after n while Teams refuses all of them,
and dies; the next one hears what was not acknowledged. Then a process says what waits and dies at its n-th
deed, and the next one says the rest. Told of each n is whether anything was killed.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from km365_bots.activities import read_activity
from km365_bots.connector import Connector, open_connector
from km365_bots.desk import Desk
from km365_bots.pacing import Pace
from km365_bots.turn import Turns

from km365.core.chat import Event, Reply
from km365.jobs import open_jobs
from km365.store import turns
from km365.store.database import Database
from km365.store.sqlite import SqliteDatabase

from .chatting import LABELS
from .mortal_bot import FAST, FILE, Json, Life, frame, no_token

LATER = timedelta(minutes=20)


async def respond(event: Event) -> list[Reply]:
    return [Reply(text=f"{event.text}, first"), Reply(text=f"{event.text}, second")]


async def live(folder: Path, activities: list[Json], acknowledge: Callable[[], None], chat: str) -> None:
    """Hears the activities; where there are none, says what waits in the chat."""
    db = Database.open(folder / FILE)
    moved = timedelta() if activities else LATER
    async with open_connector(no_token, Pace(per_conversation=FAST, per_tenant=FAST[0])) as connector:
        desk = Desk(db, open_jobs(db), respond)
        bot = Turns(connector=connector, desk=desk, labels=LABELS, clock=lambda: datetime.now(UTC) + moved)
        for one in activities:
            answer = await bot.take(read_activity(json.dumps(one).encode()), frame)
            if answer.status in {200, 202}:
                acknowledge()
        if not activities:
            while not await is_free(desk, chat):  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)  # the turn of the dead has not run out yet
            await bot.say_later(chat)
        await bot.close()
    db.close()


async def is_free(desk: Desk, chat: str) -> bool:
    async with desk.alone(chat) as free:
        return free


def process(folder: Path, activities: list[Json], life: Life, chat: str) -> tuple[int, bool]:
    """How many of the activities a process of its own acknowledged, and whether it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        life.around(SqliteDatabase, "_together")
        life.around(Connector, "_once")
        asyncio.run(live(folder, activities, lambda: os.write(writing, b".") and None, chat))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        acknowledged = len(pipe.read())
    _, status = os.waitpid(child, 0)
    return acknowledged, os.WIFSIGNALED(status)


def in_chat(activities: list[Json], chat: str) -> list[Json]:
    return [one | {"conversation": {**one["conversation"], "id": chat}} for one in activities]


def main(service_url: str, busy_url: str, home: Path) -> None:
    """Has a life and a death for every n."""
    activities: list[Any] = json.loads(sys.stdin.read())
    Database.open(home / FILE).close()
    killed, n = True, 0
    while killed:
        n += 1
        chat, folder = f"chat {n}", home / str(n)
        folder.mkdir()
        shutil.copy(home / FILE, folder)
        heard = in_chat([one | {"serviceUrl": f"{busy_url}/"} for one in activities], chat)
        done, hearing = process(folder, heard, Life(n), chat)
        if done < len(heard):
            process(folder, heard[done:], Life(0), chat)
        with Database.open(folder / FILE).begin() as c:
            c.exec_driver_sql("UPDATE km_reply SET service_url = ?", (service_url,))
        _, saying = process(folder, [], Life(n), chat)
        process(folder, [], Life(0), chat)
        killed = hearing or saying
        sys.stdout.write(json.dumps({"n": n, "chat": chat, "killed": [hearing, saying]}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    turns.LEASE = timedelta(milliseconds=50)
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
