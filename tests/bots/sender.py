"""Sends what waits in an outbox until nothing does: a process to be killed by a test."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from km365_bots.connector import open_connector
from km365_bots.delivery import Post, deliver
from km365_bots.mailing import begin
from km365_bots.pacing import Pace
from km365_bots.turn import Lines

from km365.core.chat import Reply
from km365.documents.words import Words
from km365.jobs import open_jobs
from km365.store import outbox
from km365.store.database import Database
from km365.store.outbox import Message
from km365.templates import Templates


async def no_token() -> None:
    return None


async def language(message: Message) -> str:
    return message.language


async def compose(message: Message) -> Reply:
    return Reply(text=message.key)


async def install(person_id: str) -> str:
    raise AssertionError("everybody's chat is known")


async def main(url: str, service_url: str) -> None:
    db = Database.open(url)
    fast = ((10_000, 1.0),)
    async with open_connector(no_token, Pace(per_conversation=fast, per_tenant=fast[0])) as connector:
        post = Post(
            db=db,
            jobs=open_jobs(db),
            connector=connector,
            labels=Words.read(Templates(), "cards/labels"),
            language=language,
            compose=compose,
            install=install,
            lines=Lines(),
            now=lambda: datetime.now(UTC),
            service_url=service_url,
            tenant_id="t",
            sending_takes=timedelta(),
        )
        await begin(post)
        while waiting := await db.run(outbox.due, at=datetime.now(UTC), limit=8):
            await asyncio.gather(*(deliver(post, row.message.key) for row in waiting))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
