"""The whole product as a person has it: `km365 up` in a process of its own, its commands, its chat page."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import httpx

from km365.graph.certificates import trusted

from .reading import readable

READY = "The chat page is "
KM365 = [sys.executable, "-m", "km365"]
T = TypeVar("T")
Json = Any


def until(look: Callable[[], T], *, seconds: float = 60) -> T:
    """What `look` sees as soon as it is something; a busy machine is given time."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.03)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


class Up:
    """`km365 up` on a home folder of its own. `kill` is `kill -9`; `start` goes on with the same data."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.m365_port = free_ports(2)
        self.lines: list[str] = []
        """What it has printed on stderr since the first start."""
        self.process: subprocess.Popen[str] | None = None
        self.http = httpx.Client(base_url=self.base, verify=trusted(), trust_env=False, timeout=60)

    @property
    def base(self) -> str:
        """The address of the small Microsoft 365."""
        return f"http://127.0.0.1:{self.m365_port}"

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "KM365_HOME": str(self.home),
            "KM365_PORT": str(self.port),
            "KM365_M365_PORT": str(self.m365_port),
        }
        return {k: v for k, v in os.environ.items() if not k.startswith("KM365_")} | ours

    def start(self, *, says: str = READY) -> None:
        """Start, and wait until it has printed a line that begins with `says`."""
        self.process = subprocess.Popen(
            [*KM365, "up", "--no-browser"],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        heard = threading.Event()
        threading.Thread(target=self._read, args=(self.process, says, heard), daemon=True).start()
        assert heard.wait(120), self.lines
        assert self.process.poll() is None, self.lines

    def _read(self, process: "subprocess.Popen[str]", says: str, heard: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr as stderr:
            for line in stderr:
                self.lines.append(line.rstrip())
                if line.startswith(says):
                    heard.set()
        heard.set()

    def kill(self) -> None:
        """`kill -9`; what was under way stops in the middle."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def close(self) -> None:
        """Leave nothing running."""
        self.http.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def km365(self, *words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        """A command's output; its exit code must be `code`."""
        run = subprocess.run(
            [*KM365, *words],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        assert run.returncode == code, (run.returncode, run.stderr)
        assert "Traceback" not in run.stderr
        return run

    def json(self, *words: str, code: int = 0) -> Json:
        """What a command prints with `--json`."""
        return json.loads(self.km365(*words, "--json", code=code).stdout)

    def graph(self, path: str) -> Json:
        """The JSON at a Graph path."""
        answer = self.http.get(f"/v1.0{path}", headers={"Authorization": "Bearer test"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, path: str) -> str:
        """A page as the browser is given it."""
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def ours(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of our database."""
        return rows(self.home / "km365.sqlite", sql, *values)

    def theirs(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the small Microsoft 365's database."""
        return rows(self.home / "m365.sqlite", sql, *values)


def rows(database: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds, read beside the running product or after it was killed.

    Not `mode=ro`: after a kill, reading may first have to take back what was half written.
    """
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True, timeout=30)) as connection:
        return connection.execute(sql, values).fetchall()


def tables_that_hold(home: Path, *wanted: str) -> list[set[str]]:
    """For each text, the tables of all databases in the folder, copies included, where it stands.

    Office files are unpacked for it.
    """
    found: list[set[str]] = [set() for _ in wanted]
    for database in home.rglob("*.sqlite"):
        for (table,) in rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'"):
            text = "\n".join(
                readable(value) for row in rows(database, f'SELECT * FROM "{table}"') for value in row
            )
            for one, tables in zip(wanted, found, strict=True):
                if one in text:
                    tables.add(table)
    return found


class Chat:
    """Somebody at the chat page, without a browser: the requests that the page itself makes."""

    def __init__(self, up: Up, name: str) -> None:
        self.up, self.name = up, name
        people = up.graph("/users?$top=100&$select=id,displayName")["value"]
        self.id = next(one["id"] for one in people if one["displayName"].startswith(name))

    @property
    def messages(self) -> list[Json]:
        """Everything in the chat, oldest first."""
        found = self.up.http.get(f"/teams/{self.id}/changes").json()
        messages: list[Json] = found["messages"]
        while found["earlier"]:
            found = self.up.http.get(f"/teams/{self.id}/changes?before={messages[0]['seq']}").json()
            messages = found["messages"] + messages
        return messages

    @property
    def cards(self) -> list[tuple[str, Json]]:
        """The bot's cards with the ids of their messages, oldest first."""
        return [(m["id"], a["content"]) for m in self.messages for a in m["attachments"] if "content" in a]

    @property
    def said(self) -> str:
        """All that the bot has said and shows now."""
        theirs = [m for m in self.messages if m["from"] == "bot"]
        return "\n".join([m["text"] for m in theirs] + [words(card) for _, card in self.cards])

    def hears(self, text: str) -> None:
        """Wait until the bot has said it."""
        until(lambda: text in self.said)

    def says(self, text: str) -> None:
        """Type it and press Enter; the server has it when this returns."""
        answer = self.up.http.post(f"/teams/{self.id}/messages", json={"text": text})
        assert answer.status_code == 200, answer.text

    def card_with(self, verb: str, *, about: str = "") -> tuple[str, Json]:
        """The newest card with such a button, once there is one: its message's id and the button's data."""

        def look() -> list[tuple[str, Json]]:
            return [
                (activity, action["data"])
                for activity, card in self.cards
                for action in card.get("actions", [])
                if action.get("verb") == verb and about in words(card)
            ]

        return until(look)[-1]

    def presses(self, verb: str, *, about: str = "", **inputs: str) -> Json:
        """Press the newest button of that verb with the card filled in; what the page is told."""
        activity, data = self.card_with(verb, about=about)
        return self.executes(activity, verb, {**data, **inputs})

    def begins(self) -> None:
        """Start, and past the lessons that a reflection opens with, if they are found at once."""
        self.presses("start")
        until(lambda: self.progress or self.offers("save"))
        if not self.progress:
            self.presses("save")

    def offers(self, verb: str) -> bool:
        """Whether the newest card has such a button."""
        newest = self.cards[-1][1] if self.cards else {}
        return any(action.get("verb") == verb for action in newest.get("actions", []))

    def executes(self, activity: str, verb: str, data: Json) -> Json:
        """Whatever a page, or somebody who pretends to be one, may send."""
        body = {"activity": activity, "verb": verb, "data": data}
        answer = self.up.http.post(f"/teams/{self.id}/execute", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def questions(self) -> list[str]:
        """The questions asked so far, in order; one that is repeated before it is answered counts once."""
        asked = [_question(c) for _, c in self.cards if _question(c)]
        return [text for n, text in enumerate(asked) if n == 0 or asked[n - 1] != text]

    @property
    def progress(self) -> str:
        """The "3 of 8" of the newest card; empty if it asks nothing."""
        cards = self.cards
        return _question(cards[-1][1]).partition("\n")[0] if cards else ""


def _question(card: Json) -> str:
    """What a card asks, as its plain twin has it: "3 of 8", "Where was this?"; or nothing."""
    asks = any(action.get("verb") == "answer" for action in card.get("actions", []))
    return str(card["fallbackText"]).partition("\n\n")[0] if asks else ""


def words(card: Json) -> str:
    """Every text on a card, a line each."""
    return "\n".join(text for text in _texts(card) if text.strip())


def _texts(part: Json) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"text", "title", "value", "label", "errorMessage"} and isinstance(value, str):
                yield value
            elif key not in {"data", "fallback"}:
                yield from _texts(value)
    elif isinstance(part, list):
        for one in part:
            yield from _texts(one)
