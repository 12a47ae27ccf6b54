"""CPU of a turn and of a message sent, against botbuilder as it comes; and many people talking at once.

    python tests/benchmarks/bench_bot.py turn [--rounds 5]     C1 and B2 of the goals
    python tests/benchmarks/bench_bot.py people [--people 200] [--thinks 0] [--memory 20000]
    python tests/benchmarks/bench_bot.py product [--people 200] [--thinks 0]

Every bot is a process of its own, whose CPU it tells itself; the callers, the channel's signing keys and the
Bot Connector are in other processes. `turn` compares, one after the other in one run: a bare aiohttp handler
that posts one reply, botbuilder's CloudAdapter with a state (an echo as in its samples), km365's host with
its database and an echo, and km365 as it is, in an interview. Every caller's token is signed and validated.
`people` has so many answer the questions of a mid-term review, each thinking so long on average before an
answer (with 0 the next answer follows the reply at once), and then counts what is stored. `product` has them
do so at `km365 up`, whose bot and Microsoft 365 share a process, with Teams' limits on sending lifted; they
are colleagues of four offices, whom the directory knows.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from bots_compared import APP_ID, CALLERS, ISSUER, TENANT, bare, channel, ours, ours_echo, stock
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pretend_library import processes

from km365.core.said import Said, Verb
from km365.core.schedule import Plan
from km365.documents.questions import Banks
from km365.jobs import open_jobs
from km365.local import users
from km365.local.state import State
from km365.services import interview as service
from km365.store import campaigns
from km365.store.campaigns import Campaign
from km365.store.database import Database
from km365.templates import Templates

TURNS = 400
WARM = 40
STORY = "We expected forty schools by March and reached nine, because the lorries came after the rains."


@contextmanager
def process(target: Callable[..., None], *args: Any) -> Iterator[tuple[str, Connection]]:
    """A server in a process of its own: its address, and a line to ask it things."""
    here, there = processes.Pipe()
    started = processes.Process(target=target, args=(*args, there), daemon=True)
    started.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}", here
    finally:
        started.kill()


def ask(line: Connection, *what: Any) -> Any:
    """What the process answers."""
    line.send(what)
    return line.recv()


class Caller:
    """Teams, as far as the bot can tell: signed activities, one id each."""

    def __init__(self, session: Any, bot: str, service_url: str, key: bytes) -> None:
        self._session, self._bot, self._service_url = session, bot, service_url
        claims = {
            "iss": ISSUER,
            "aud": APP_ID,
            "serviceurl": f"{service_url}/",
            "exp": int(time.time()) + 3600,
        }
        self._token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})
        self._numbers = iter(range(1_700_000_000_000, 10**15))

    async def says(self, who: str, text: str) -> float:
        """Says something in the chat of `who`; seconds until the bot had answered."""
        activity = {
            "type": "message",
            "id": str(next(self._numbers)),
            "channelId": "msteams",
            "serviceUrl": f"{self._service_url}/",
            "from": {"id": f"29:{who}", "name": "A Person", "aadObjectId": who},
            "conversation": {"conversationType": "personal", "tenantId": TENANT, "id": who},
            "recipient": {"id": "28:bot", "name": "km365"},
            "channelData": {"tenant": {"id": TENANT}},
            "locale": "en-GB",
            "text": text,
        }
        headers = {"Authorization": f"Bearer {self._token}"}
        began = time.perf_counter()
        async with self._session.post(f"{self._bot}/api/messages", json=activity, headers=headers) as answer:
            await answer.read()
            if answer.status not in {200, 201, 202}:
                raise SystemExit(f"The bot answered {answer.status}.")
        return time.perf_counter() - began


async def talk(bot: str, service_url: str, key: bytes, *, turns: int, invited: bool) -> None:
    """`CALLERS` people at once, so many turns in all; in an interview they answer and go back for ever."""
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, bot, service_url, key)

        async def one(who: str) -> None:
            for number in range(turns // CALLERS):
                await caller.says(who, ("back" if number % 2 else STORY) if invited else f"hello {number}")

        await asyncio.gather(*(one(person(number)) for number in range(CALLERS)))


def person(number: int) -> str:
    """The object id of the one of that number."""
    return State.stable_id("chat", str(number))


def employ(home: Path, people: int) -> None:
    """Has the directory of the small Microsoft 365 know them all."""
    state = State.open(home / "m365.sqlite")
    for number in range(people):
        users.create(
            state,
            id=person(number),
            upn=f"chat{number}@example.org",
            display_name=f"Person {number}",
            office=("CO-ARD", "CO-BEL", "CO-CAS", "RO-EAST")[number % 4],
            language="en",
        )
    state.close()


def invite(home: Path, people: int) -> None:
    """A campaign that has invited everybody, and whose invitation they have taken up."""
    db = Database.open(home / "km365.sqlite")
    campaign = Campaign(
        id="milestone:7",
        kind="milestone",
        title="Ardania, mid-term review",
        due_on=date(2030, 3, 9),
        plan=Plan(),
        data={"bank": "midterm_review", "milestone": "7", "office": "CO-ARD"},
    )
    at = datetime.now(UTC)
    jobs, banks = open_jobs(db), Banks(Templates())

    async def begin() -> None:
        for number in range(people):
            who = person(number)
            await service.start(
                db,
                banks,
                jobs,
                person_id=who,
                subject=service.subject_of(campaign, who),
                language="en",
                said=Said(verb=Verb.START, activity_id=f"begin{number}"),
                now=at,
                new_id=lambda number=number: f"first{number}",  # type: ignore[misc]  # a lambda's default
            )

    with db.begin() as c:
        campaigns.create(c, campaign, at=at)
        for number in range(people):
            campaigns.add_person(c, campaign.id, person(number), key=f"k{number}", language="en", at=at)
    asyncio.run(begin())
    db.close()


def tell(line: str) -> None:
    """A line on the screen."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def private_key() -> bytes:
    """A signing key for the channel."""
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


BOTS: dict[str, Callable[..., None]] = {
    "a bare handler": bare,
    "botbuilder CloudAdapter, echo": stock,
    "km365, echo": ours_echo,
    "km365, an interview": ours,
}


def measure(rounds: int) -> None:
    """Prints CPU a turn and a send of each bot, and its multiple of the bare handler's."""
    key = private_key()
    turn: dict[str, list[float]] = {name: [] for name in BOTS}
    sends: dict[str, list[float]] = {name: [] for name in BOTS}
    with process(channel, key) as (service_url, _), tempfile.TemporaryDirectory() as folder:
        for round_ in range(rounds):
            for name, bot in BOTS.items():
                home = Path(folder) / f"{round_}-{list(BOTS).index(name)}"
                home.mkdir()
                if bot is ours:
                    invite(home, CALLERS)
                with process(bot, service_url, home) as (address, line):
                    invited = bot is ours
                    asyncio.run(talk(address, service_url, key, turns=WARM, invited=invited))
                    before = ask(line, "cpu")
                    asyncio.run(talk(address, service_url, key, turns=TURNS, invited=invited))
                    between = ask(line, "cpu")
                    ask(line, "send", TURNS)
                    turn[name].append((between - before) / TURNS)
                    sends[name].append((ask(line, "cpu") - between) / TURNS)
    tell(f"{'':34}{'turn, ms CPU':>14}{'x bare':>8}{'send, ms CPU':>14}{'x bare':>8}")
    for name in BOTS:
        a, b = statistics.median(turn[name]), statistics.median(sends[name])
        base_a, base_b = (statistics.median(of["a bare handler"]) for of in (turn, sends))
        tell(f"{name:34}{a * 1e3:>14.2f}{a / base_a:>8.1f}{b * 1e3:>14.2f}{b / base_b:>8.1f}")
    ratio_a = statistics.median(turn["botbuilder CloudAdapter, echo"]) / statistics.median(
        turn["km365, echo"]
    )
    ratio_b = statistics.median(sends["botbuilder CloudAdapter, echo"]) / statistics.median(
        sends["km365, echo"]
    )
    tell(f"km365 is ahead of botbuilder {ratio_a:.1f} times in a turn, {ratio_b:.1f} times in a send.")


ANSWERS = ["1", STORY, *(f"{STORY} Question {number}." for number in range(3, 9))]


async def warm(bot: str, service_url: str, key: bytes) -> None:
    """A few people who are asked nothing write first, as to a service that has run for a while."""
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, bot, service_url, key)
        for number in range(WARM):
            await caller.says(f"visitor{number % CALLERS}", f"{STORY} Question {number}.")


async def everybody(bot: str, service_url: str, key: bytes, people: int, thinks_s: float) -> list[float]:
    """All answer eight questions at once; seconds of each turn."""
    took: list[float] = []
    chance = random.Random(7)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        caller = Caller(session, bot, service_url, key)

        async def one(who: str) -> None:
            for answer in ANSWERS:
                await asyncio.sleep(chance.uniform(0, 2 * thinks_s))
                took.append(await caller.says(who, answer))

        await asyncio.gather(*(one(person(number)) for number in range(people)))
    return took


def stored(home: Path, people: int) -> int:
    """How many of the people have exactly the answers they gave, in the order of the questions."""
    db = Database.open(home / "km365.sqlite")
    right = 0
    for number in range(people):
        turn = asyncio.run(service.current(db, Banks(Templates()), person(number), ended=True))
        if turn and [answer.text for answer in turn.interview.answers][1:] == ANSWERS[1:]:
            right += 1
    db.close()
    return right


def people_at_once(people: int, thinks_s: float, memory_turns: int) -> None:
    """Prints how long turns took, what was stored, and how memory went."""
    key = private_key()
    with process(channel, key) as (service_url, _), tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        invite(home, people)
        with process(ours, service_url, home) as (address, line):
            talk_at_once(address, service_url, key, home, people, thinks_s)
            held = [ask(line, "memory")]
            for _ in range(4 if memory_turns else 0):
                asyncio.run(talk(address, service_url, key, turns=memory_turns // 4, invited=True))
                held.append(ask(line, "memory"))
            tell("memory, MB, every quarter: " + ", ".join(f"{mb:.0f}" for mb in held))


def talk_at_once(bot: str, service_url: str, key: bytes, home: Path, people: int, thinks_s: float) -> None:
    """Prints how long turns took and what was stored."""
    asyncio.run(warm(bot, service_url, key))
    began = time.perf_counter()
    took = sorted(asyncio.run(everybody(bot, service_url, key, people, thinks_s)))
    wall_s = time.perf_counter() - began
    tell(
        f"{people} people at once, {len(took)} turns in {wall_s:.1f} s, "
        f"{len(took) / wall_s:.0f} a second: median {took[len(took) // 2]:.2f} s, "
        f"p95 {took[int(len(took) * 0.95)]:.2f} s, slowest {took[-1]:.2f} s"
    )
    tell(f"answers stored once and in order: {stored(home, people)} of {people} people")


@contextmanager
def product(home: Path) -> Iterator[str]:
    """`km365 up` on this home folder: the bot's address."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
    ours = {
        "KM365_HOME": str(home),
        "KM365_PORT": str(ports[0]),
        "KM365_M365_PORT": str(ports[1]),
        "KM365_TEAMS_SENDS_PER_SECOND": "10000",
        "KM365_TEAMS_SENDS_PER_CONVERSATION": "10000/1",
    }
    up = subprocess.Popen(
        [sys.executable, "-m", "km365", "up", "--no-browser"],
        env={**os.environ, **ours},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert up.stderr is not None
        next(line for line in up.stderr if line.startswith("The chat page is"))
        threading.Thread(target=up.stderr.read, daemon=True).start()  # nobody reads what else it says
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


def product_at_once(people: int, thinks_s: float) -> None:
    """Prints how long turns of the whole product took, and what was stored."""
    key = private_key()
    with process(channel, key) as (service_url, _), tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with product(home):  # makes the demonstration
            pass
        employ(home, people)
        invite(home, people)
        with product(home) as address:
            talk_at_once(address, service_url, key, home, people, thinks_s)


def main() -> None:
    """Reads the arguments and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("turn", "people", "product"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--thinks", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--memory", type=int, default=20_000)
    asked = parser.parse_args()
    if asked.what == "turn":
        measure(asked.rounds)
    elif asked.what == "product":
        product_at_once(asked.people, asked.thinks)
    else:
        people_at_once(asked.people, asked.thinks, asked.memory)


if __name__ == "__main__":
    sys.exit(main())
