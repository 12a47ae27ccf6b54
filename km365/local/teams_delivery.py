"""The way to the bot: activities wait in a queue until it has taken them; an invoke is answered at once.

Order is kept within a chat. While the bot is away an activity stays and is tried again; what the bot answers
with an error that trying again cannot mend is shown to the person, who may try it again.
"""

import asyncio
import json
import logging
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from km365.local import teams
from km365.local.routes import Json, pages
from km365.local.state import Change, State

if TYPE_CHECKING:
    from km365.local.server import M365

log = logging.getLogger("km365.local")

TEAMS_WAITS_S = 15
"""After so long Teams sends an activity again (msteams-docs issue 6084)."""
LONGEST_PAUSE_S = 5.0
AWAY = frozenset({429, 502, 503, 504})
FAILURES_FORGIVEN = 5
"""How often a bot may answer an activity with 500 before we stop repeating it."""


class Courier:
    """Carries the queue to the bot. One per server."""

    def __init__(self, m365: "M365") -> None:
        self._m365 = m365
        self._news = asyncio.Event()
        self._under_way: set[str] = set()
        m365.state.listeners.append(self._listen)

    def _listen(self, change: Change) -> None:
        if change.kind == "chat":
            self._news.set()

    async def run(self) -> None:
        """Deliver what waits, for as long as the server runs."""
        while True:
            self._news.clear()
            now = time.time()
            heads = [h for h in waiting(self._m365.state) if h["chat"] not in self._under_way]
            for head in heads:
                if head["next_at"] <= now:
                    self._under_way.add(head["chat"])
                    self._m365.spawn(self._deliver(head))
            later = [h["next_at"] - now for h in heads if h["next_at"] > now]
            try:
                async with asyncio.timeout(min(later, default=None)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _deliver(self, head: sqlite3.Row) -> None:
        try:
            outcome = await post(self._m365, json.loads(head["activity"]))
            record(self._m365.state, head, outcome)
        except sqlite3.Error:  # a full disk, say: it stays in the queue, and the bot knows a repeated id
            log.warning("what became of an activity could not be written down; it will be sent again")
            await asyncio.sleep(LONGEST_PAUSE_S)
        finally:
            self._under_way.discard(head["chat"])
            self._news.set()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the bot answered. `status` is None when nothing answered."""

    status: int | None
    body: Json = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def away(self) -> bool:
        return self.status is None or self.status in AWAY


async def post(m365: "M365", activity: dict[str, Any]) -> Outcome:
    """Send an activity to the bot."""
    if m365.bot_url is None:
        return Outcome(status=None)
    activity = {**activity, "serviceUrl": m365.base_url + "/"}
    try:
        async with m365.http.post(
            m365.bot_url,
            json=activity,
            timeout=aiohttp.ClientTimeout(total=TEAMS_WAITS_S),
            allow_redirects=False,
        ) as answer:
            try:
                body = await answer.json(content_type=None)
            except ValueError:
                body = None
            return Outcome(status=answer.status, body=body)
    except (aiohttp.ClientError, TimeoutError):
        return Outcome(status=None)


def waiting(state: State) -> list[sqlite3.Row]:
    """The first waiting activity of each chat."""
    return state.all(
        "SELECT * FROM chat_outgoing WHERE seq IN"
        " (SELECT MIN(seq) FROM chat_outgoing WHERE NOT refused GROUP BY chat) ORDER BY next_at, seq"
    )


def record(state: State, head: sqlite3.Row, outcome: Outcome) -> None:
    """Write down how a delivery went: done, to be tried again, or refused."""
    attempts = head["attempts"] + 1
    with state.tx() as c:
        if outcome.taken:
            c.execute("DELETE FROM chat_outgoing WHERE seq = ?", (head["seq"],))
            if head["attempts"]:  # it is back: what else waits need not sit out its pause
                c.execute("UPDATE chat_outgoing SET next_at = 0 WHERE NOT refused")
                _redraw(state, head)
            return
        again = outcome.away or (outcome.status == 500 and attempts < FAILURES_FORGIVEN)
        pause = min(0.25 * 2 ** min(attempts, 10), LONGEST_PAUSE_S)
        c.execute(
            "UPDATE chat_outgoing SET attempts = ?, problem = ?, refused = ?, next_at = ? WHERE seq = ?",
            (attempts, str(outcome.status or ""), not again, time.time() + pause, head["seq"]),
        )
        if attempts == 1 or not again:
            _redraw(state, head)


def sending(state: State, chat: sqlite3.Row) -> dict[int, tuple[str, str]]:
    """Messages that have not reached the bot: number -> ("waiting" or "refused", the problem).

    A message that is on its first way is in neither state; one behind another that waits is waiting too.
    """
    found: dict[int, tuple[str, str]] = {}
    held = False
    for row in state.all("SELECT * FROM chat_outgoing WHERE chat = ? ORDER BY seq", chat["id"]):
        held = held or (row["attempts"] > 0 and not row["refused"])
        if row["message"] is not None and (row["refused"] or held):
            found[row["message"]] = ("refused" if row["refused"] else "waiting", row["problem"])
    return found


def _redraw(state: State, head: sqlite3.Row) -> None:
    for row in state.all("SELECT message FROM chat_outgoing WHERE chat = ?", head["chat"]):
        teams.touch(state, row["message"])
    teams.touch(state, head["message"])
    person = state.one("SELECT person FROM chat WHERE id = ?", head["chat"])
    if person is not None:
        state.announce("chat", person["person"])


def retry(state: State, chat: sqlite3.Row, message: int) -> None:
    """Try what belongs to this message again, now."""
    with state.tx() as c:
        c.execute(
            "UPDATE chat_outgoing SET refused = 0, next_at = 0, attempts = 0 WHERE chat = ? AND message = ?",
            (chat["id"], message),
        )
        teams.touch(state, message)
        state.announce("chat", chat["person"])


@pages
def _courier(app: web.Application, m365: "M365") -> None:
    courier = Courier(m365)

    async def start(_: web.Application) -> None:
        m365.spawn(courier.run())

    app.on_startup.append(start)
