"""A worker to be killed: sends the outbox by writing each key into a file, as a service would."""

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from km365.jobs import Jobs
from km365.jobs.sqlite import SqliteJobs
from km365.store import outbox
from km365.store.database import Database


def opened(folder: Path, url: str | None) -> tuple[Database, Jobs]:
    db = Database.open(url or folder / "km365.sqlite")
    if db.path:
        return db, SqliteJobs(db, poll_s=0.01)
    from km365.jobs.postgresql import PostgresqlJobs

    return db, PostgresqlJobs(db, poll_s=0.05, lease_s=1.0)


async def main(folder: Path, url: str | None) -> None:
    db, jobs = opened(folder, url)
    file = os.open(folder / "sent.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    now = datetime.now(UTC)

    async def send(args: Mapping[str, str]) -> None:
        message = await db.run(outbox.claim, args["key"], at=now)
        if message is None:
            return
        await asyncio.sleep(0.001)
        os.write(file, f"{message.key}\n".encode())
        await asyncio.sleep(0.001)
        await db.run(outbox.sent, message.key, activity_id="1", at=now)

    if db.path:  # otherwise others are still sending
        await db.run(outbox.recover, at=now, begun_before=now)
    jobs.register("send_message", send, attempts=100)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await jobs.run(asyncio.Event())


asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
