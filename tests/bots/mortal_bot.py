"""A bot that is killed, with signal 9, just before or after the n-th thing it does that leaves a trace.

    python -m tests.bots.mortal_bot SERVICE_URL FOLDER KIND EVERY < the activities, as JSON

KIND is that of the database. For every n (or every so many) in turn, from the first to where nothing kills it
any more: a process has a chat on a database of its own and dies; the next one hears again what was not
acknowledged, as Teams would have it, and lives. Told of each n is what is kept at the end, a line of JSON.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from km365_bots.activities import read_activity
from km365_bots.connector import Connector, open_connector
from km365_bots.conversation import respond
from km365_bots.desk import Desk
from km365_bots.pacing import Pace
from km365_bots.topics.later import Later
from km365_bots.topics.prompts import Prompts
from km365_bots.topics.tell import Tell
from km365_bots.turn import Turns

from km365.core.keepout import keep_out
from km365.core.schedule import ALWAYS
from km365.services import interview as service
from km365.services.interview import HAND_ON, RESUME
from km365.services.tell import Linked
from km365.store import conversations, interviews, outbox, preferences, turns
from km365.store.database import Database
from km365.store.sqlite import SqliteDatabase

from ..databases import copied, fresh
from .activities import PERSON, activity
from .chatting import BANKS, CATALOGUE, LABELS, Office

Json = dict[str, Any]
FILE = "km365.sqlite"
FAST = ((10_000, 1.0),)
CHAT = activity("")["conversation"]["id"]


class Life:
    """Ends at the `left`-th deed; 0 is for ever."""

    def __init__(self, left: int) -> None:
        self._left = left

    def deed(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: type, name: str) -> None:
        """Every call of the method has one such moment before it and one after."""
        plain = getattr(owner, name)

        def calling(*args: Any, **kwargs: Any) -> Any:
            self.deed()
            found = plain(*args, **kwargs)
            self.deed()
            return found

        async def awaiting(*args: Any, **kwargs: Any) -> Any:
            self.deed()
            found = await plain(*args, **kwargs)
            self.deed()
            return found

        setattr(owner, name, awaiting if asyncio.iscoroutinefunction(plain) else calling)


async def no_token() -> None:
    return None


async def no_documents(text: str, person_id: str) -> list[Linked]:
    return []


async def frame(logic: Callable[[], Any]) -> None:
    await logic()


async def hear(url: str, activities: list[Json], acknowledge: Callable[[], None]) -> None:
    """Has the turns one after the other."""
    topics = [Tell(no_documents), Prompts(ALWAYS), Later()]
    office = Office(db=Database.open(url), topics=topics)
    parts = office.parts()
    async with open_connector(no_token, Pace(per_conversation=FAST, per_tenant=FAST[0])) as connector:
        desk = Desk(office.db, office.jobs, lambda event: respond(parts, event))
        bot = Turns(connector=connector, desk=desk, labels=LABELS, clock=lambda: datetime.now(UTC))
        for one in activities:
            answer = await bot.take(read_activity(json.dumps(one).encode()), frame)
            if answer.status in {200, 202}:
                acknowledge()
        await bot.close()
    office.db.close()


def heard_at(service_url: str, activities: list[Json]) -> list[Json]:
    """The activities with the address at which they are answered, which tells the lives apart."""
    return [{**one, "serviceUrl": f"{service_url}/"} for one in activities]


def process(url: str, activities: list[Json], life: Life) -> tuple[int, bool]:
    """How many of the activities a process of its own acknowledged, and whether it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        if url.startswith("sqlite"):
            life.around(SqliteDatabase, "_together")
        else:
            from km365.store.postgresql import PostgresqlDatabase

            life.around(PostgresqlDatabase, "_until_saved")
        life.around(Connector, "_once")
        asyncio.run(hear(url, activities, lambda: os.write(writing, b".") and None))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        acknowledged = len(pipe.read())
    _, status = os.waitpid(child, 0)
    return acknowledged, os.WIFSIGNALED(status)


async def kept(url: str) -> Json:
    """What there is at the end."""
    office = Office(db=Database.open(url))
    turn = await service.current(office.db, BANKS, PERSON, ended=True)
    jobs = await office.db.run(office.jobs.list_)
    mine = await office.db.run(interviews.list_, person_id=PERSON)
    reminders = [one for one in await office.db.run(outbox.list_) if one.message.card == RESUME]
    chat = await office.db.run(conversations.get, CHAT)
    chosen = await office.db.run(preferences.get, PERSON)
    office.db.close()
    interview = turn.interview if turn else None
    return {
        "interviews": sorted(one.bank_id for one in mine),
        "reminded": [one.due_at.isoformat() for one in reminders],
        "waits": sorted(key for key, found in (chat.state if chat else {}).items() if found),
        "chosen": str(chosen),
        "state": interview.state if interview else "",
        "answers": [[one.question, one.text, one.skipped] for one in interview.answers] if interview else [],
        "handing on": sum(job.name == HAND_ON for job in jobs),
    }


async def invited(url: str) -> None:
    office = Office(db=Database.open(url))
    await office.invites(PERSON, bank="midterm_review")
    office.db.close()


def main(service_url: str, home: Path, kind: str, every: int) -> None:
    """Tells what came of every n."""
    with fresh(kind, home) as url:
        have_lives(service_url, home, url, every)


def have_lives(service_url: str, home: Path, url: str, every: int) -> None:
    activities = json.loads(sys.stdin.read())
    asyncio.run(invited(url))
    keep_out("", CATALOGUE.keep_out)  # makes ready what every process would make ready for itself
    killed, n = True, 0
    while killed:
        n += every
        folder = home / str(n)
        folder.mkdir()
        with copied(url, folder) as its_own:
            done, killed = process(its_own, heard_at(f"{service_url}/{n}/first", activities), Life(n))
            process(its_own, heard_at(f"{service_url}/{n}/second", activities[done:]), Life(0))
            end = {"n": n, "killed": killed, "done": done, **asyncio.run(kept(its_own))}
            sys.stdout.write(json.dumps(end) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    turns.LEASE = timedelta(milliseconds=50)
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
