"""B1: a campaign against a Bot Connector that keeps to its published limits, sent by several processes.

    python tests/benchmarks/bench_campaign.py [--people 3000] [--processes 3] [--latency 0.15] [--trouble]
        [--kills 0]

The connector takes 50 calls in any second and, of each chat, 7 in 1 s, 8 in 2 s and 60 in 30 s, and answers
429 with Retry-After beyond; an answer takes `latency` seconds. The senders are processes that share one
database, as `mailing` sends; `--people 20000` takes seven minutes. `--trouble` answers one call in two
hundred each with 429, 403, 500 (delivered, and not) and a time-out; `--kills` kills a sender so often, with
signal 9, and starts another. Told is the share of the limit while much waits, the seconds left out for which
such a 429 asked everybody to wait, how many calls were refused (the first with when, and the calls in that
second), and what became of everybody.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from pretend_library import processes
from sqlalchemy import Connection as Transaction

from km365.core.chat import Reply
from km365.store import conversations, outbox
from km365.store.database import Database
from km365.store.outbox import Delivery, Message

PER_SECOND = 50
CHAT = ((7, 1.0), (8, 2.0), (60, 30.0))
TENANT = "t"
WARM_S = 3.0
PAUSE_S = 1.0
"""What a 429 asks for."""


class Limits:
    """What Teams allows, counted as calls come in."""

    def __init__(self) -> None:
        self._all: deque[float] = deque()
        self._chats: dict[str, deque[float]] = {}

    def refuse(self, chat: str, now: float) -> bool:
        """Whether the call is over a limit; refused calls count too."""
        mine = self._chats.setdefault(chat, deque(maxlen=60))
        over = any(sum(at > now - seconds for at in mine) >= count for count, seconds in CHAT)
        while self._all and self._all[0] <= now - 1.0:
            self._all.popleft()
        over |= len(self._all) >= PER_SECOND
        self._all.append(now)
        mine.append(now)
        return over


def connector(latency_s: float, trouble: bool, tell: Connection) -> None:
    """Answers as Teams does, and says at the end what it was asked and what arrived where."""
    from aiohttp import web

    limits, chance = Limits(), random.Random(7)
    came: list[float] = []
    refused: list[tuple[float, int]] = []
    pauses: list[float] = []
    arrived: Counter[str] = Counter()

    async def post(request: web.Request) -> web.Response:
        now, chat = time.monotonic(), request.match_info["conversation"]
        body = await request.json()
        came.append(now)
        if limits.refuse(chat, now):
            refused.append((round(now - came[0], 2), sum(at > now - 1.0 for at in came)))
            return web.json_response({}, status=429, headers={"Retry-After": "1"})
        await asyncio.sleep(latency_s * chance.uniform(0.5, 1.5))
        draw = chance.random() * 200 if trouble else 99.0
        if draw < 1:
            pauses.append(time.monotonic())
            return web.json_response({}, status=429, headers={"Retry-After": "1"})
        if draw < 2:
            return web.json_response({}, status=403)
        if draw < 3:
            return web.json_response({}, status=500)
        arrived[body["text"]] += 1
        if draw < 4:
            return web.json_response({}, status=502)
        if draw < 5:
            await asyncio.sleep(60)
        return web.json_response({"id": f"m{len(came)}"}, status=201)

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v3/conversations/{conversation}/activities", post)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        tell.send(runner.addresses[0][1])
        while await asyncio.to_thread(tell.recv) == "so far":
            tell.send((list(came), pauses, refused, dict(arrived)))

    asyncio.run(main())


def sender(path: str, service_url: str, tell: Connection) -> None:
    """Sends what is due until nothing waits; tells its CPU seconds."""
    from km365_bots.connector import open_connector
    from km365_bots.delivery import Post
    from km365_bots.mailing import Mailing
    from km365_bots.pacing import Pace
    from km365_bots.shared_pace import open_account
    from km365_bots.turn import Lines

    from km365.documents.words import Words
    from km365.jobs import open_jobs
    from km365.templates import Templates

    async def no_token() -> None:
        return None

    async def language(message: Message) -> str:
        return message.language

    async def compose(message: Message) -> Reply:
        return Reply(text=message.key)

    async def install(person_id: str) -> str:
        raise AssertionError(f"the chat of {person_id} is known")

    async def main() -> None:
        db = Database.open(path)
        async with (
            open_account(db) as account,
            open_connector(no_token, Pace(timeout_s=3.0), account=account) as connector,
        ):
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
                tenant_id=TENANT,
            )
            mailing = Mailing(post)
            tell.send("ready")
            await asyncio.to_thread(tell.recv)
            began = time.process_time()
            while await db.run(outbox.list_, state=Delivery.WAITING, limit=1):
                await mailing.send_due()
                await asyncio.sleep(0.2)
            tell.send(time.process_time() - began)

    asyncio.run(main())


def fill(c: Transaction, people: int, service_url: str) -> None:
    """Everybody's chat is known, and a message waits for each."""
    at = datetime.now(UTC)
    for number in range(people):
        who = f"p{number}"
        conversations.remember_address(
            c,
            who,
            conversation_id=f"c{number}",
            service_url=service_url,
            tenant_id=TENANT,
            locale="en",
            at=at,
        )
        wanted = Message(key=f"k:{number}", person_id=who, card="x", data={}, language="en", reason="bench")
        outbox.put(c, wanted, at=at)


def share(came: list[float], pauses: list[float]) -> tuple[float, float]:
    """Calls a second over what is allowed, the first and last seconds aside; and the seconds left out.

    Those are the ones that a 429 which was not for the pace asked for, with the calls that came in them.
    """
    begun, ended = came[0] + WARM_S, came[-1] - WARM_S
    steady, open_s, at = 0, 0.0, begun
    for pause in [*sorted(one for one in pauses if begun - PAUSE_S < one < ended), ended]:
        if pause > at:
            open_s += pause - at
            steady += sum(at <= call < pause for call in came)
        at = max(at, pause + PAUSE_S)
    return steady / open_s / PER_SECOND, ended - begun - open_s


def main() -> None:
    """Reads the arguments, has it sent, and prints what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.15)
    parser.add_argument("--trouble", action="store_true")
    parser.add_argument("--kills", type=int, default=0)
    asked = parser.parse_args()
    here, there = processes.Pipe()
    teams = processes.Process(target=connector, args=(asked.latency, asked.trouble, there), daemon=True)
    teams.start()
    service_url = f"http://127.0.0.1:{here.recv()}"
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "km365.sqlite")
        db = Database.open(path)
        with db.begin() as c:
            fill(c, asked.people, service_url)
        cpu_s = send(path, service_url, asked.processes, asked.kills, asked.people)
        here.send("so far")
        came, pauses, refused, arrived = here.recv()
        with db.begin() as c:
            outbox.recover(c, at=datetime.now(UTC), begun_before=datetime.now(UTC))
            rows = outbox.list_(c, limit=asked.people)
        db.close()
    teams.kill()
    report(asked, came, pauses, refused, arrived, rows, cpu_s)


def send(path: str, service_url: str, count: int, kills: int, people: int) -> float:
    """CPU seconds of the senders that came to their end; `kills` of them do not."""

    def start() -> tuple[object, Connection]:
        line, other = processes.Pipe()
        one = processes.Process(target=sender, args=(path, service_url, other), daemon=True)
        one.start()
        line.recv()
        return one, line

    senders = [start() for _ in range(count)]
    for _, line in senders:
        line.send("go")
    chance, every_s = random.Random(3), people / PER_SECOND / (kills + 1)
    for _ in range(kills):
        time.sleep(every_s * chance.uniform(0.5, 1.0))
        number = chance.randrange(count)
        one, _ = senders[number]
        os.kill(one.pid, 9)  # type: ignore[attr-defined]  # a process of multiprocessing
        senders[number] = start()
        senders[number][1].send("go")
    return sum(line.recv() for _, line in senders)


def report(
    asked: argparse.Namespace,
    came: list[float],
    pauses: list[float],
    refused: list[tuple[float, int]],
    arrived: dict[str, int],
    rows: list[outbox.Sent],
    cpu_s: float,
) -> None:
    """Prints what came of it."""
    states = Counter(row.state.value for row in rows)
    twice = sum(number > 1 for number in arrived.values())
    sent = {row.message.key for row in rows if row.state is Delivery.SENT}
    lost = len(sent - set(arrived))
    reached, left_out_s = share(came, pauses)
    took = timedelta(seconds=round(came[-1] - came[0]))
    sys.stdout.write(
        f"{asked.people} people, {asked.processes} processes, {asked.kills} kills, {took}\n"
        f"share of the limit: {reached:.3f}, {left_out_s:.0f} s of pauses left out\n"
        f"refused for the pace: {len(refused)} of {len(came)} calls ({len(refused) / len(came):.2%}) "
        f"{refused[:20]}\n"
        f"arrived twice: {twice}; sent and not arrived: {lost}; what became of all: {dict(states)}\n"
        f"CPU a message: {cpu_s / max(1, len(sent)) * 1e3:.1f} ms\n"
    )


if __name__ == "__main__":
    main()
