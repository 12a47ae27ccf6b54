"""What the small Microsoft 365 remembers: one SQLite file (or memory), its clock and its ids.

A resource file declares its tables by calling `tables(ddl)` when it is imported; `State.open` creates what
is missing. Statements must be `CREATE ... IF NOT EXISTS`, so that an older file gains newer tables.
"""

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from km365.errors import StoreError

SCHEMA: list[str] = []
NAMESPACE = uuid.UUID("6a3f6d0e-365a-4d36-9c1d-0f3b7c0a3650")


def tables(ddl: str) -> None:
    """Add `CREATE TABLE/INDEX IF NOT EXISTS` statements to what every State has."""
    SCHEMA.append(ddl)


tables("""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
""")


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something changed that a subscription or an open page may care about."""

    kind: str
    """"list", "drive", "user", "chat", ..."""
    subject: str
    """Its id."""
    change: str = "updated"


class State:
    """The tenant. One connection, used from one event loop; nothing may be awaited inside `tx()`."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self.path = path
        self.listeners: list[Callable[[Change], None]] = []
        self._connection = connection
        self._depth = 0
        self._announced: list[Change] = []
        self._offset = timedelta(seconds=float(self.recall("clock_offset_s", 0)))

    @classmethod
    def open(cls, path: Path | str = ":memory:") -> "State":
        """The state kept in `path`, created when absent. Raises StoreError when it is damaged or locked."""
        try:
            # One thread uses it; the check is off because tests may close it from another.
            connection = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False, timeout=10)
            try:
                _prepare(connection)
                return cls(connection, str(path))
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise StoreError(
                f"The small Microsoft 365 cannot open its data in {path} ({error}). "
                "If the file is damaged, move it away and start again: a new demonstration tenant is made."
            ) from error

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def tx(self) -> Iterator[sqlite3.Connection]:
        """The connection inside one transaction: all of the block or, after an exception, nothing of it.

        Blocks may nest: the outermost commits. After it, listeners hear what was announced.
        """
        outermost = self._depth == 0
        if outermost:
            self._connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield self._connection
        except BaseException:
            self._depth -= 1
            if outermost:
                self._announced.clear()
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself, e.g. when the disk is full
                    self._connection.execute("ROLLBACK")
            raise
        self._depth -= 1
        if outermost:
            self._connection.execute("COMMIT")
            announced, self._announced = self._announced, []
            for change in dict.fromkeys(announced):
                for listener in self.listeners:
                    listener(change)

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """The rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def announce(self, kind: str, subject: str, change: str = "updated") -> None:
        """Tell the listeners of a change once the transaction around it has been committed."""
        self._announced.append(Change(kind=kind, subject=subject, change=change))

    # small named values ----------------------------------------------------------------------------------

    def recall(self, key: str, default: Any = None) -> Any:
        """The JSON value kept under `key`, or `default`."""
        row = self.one("SELECT value FROM meta WHERE key = ?", key)
        return default if row is None else json.loads(row["value"])

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value under `key`, over restarts, until the next reset."""
        with self.tx() as c:
            c.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def next_change(self) -> int:
        """The next number in the one order of all changes; delta tokens are places in this order."""
        with self.tx() as c:
            c.execute(
                "INSERT INTO meta VALUES ('change', '1')"
                " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
            )
        return self.last_change()

    def last_change(self) -> int:
        return int(self.recall("change", 0))

    # clock and ids ---------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The demonstration clock: real time plus an offset that survives restarts."""
        return datetime.now(UTC) + self._offset

    def stamp(self) -> str:
        """Now, as Graph writes it: `2026-03-01T09:30:00Z`."""
        return stamp(self.now())

    def set_clock(self, moment: datetime) -> None:
        """Make it `moment` (aware) now; time runs on from there."""
        self._offset = moment - datetime.now(UTC)
        self.remember("clock_offset_s", self._offset.total_seconds())

    @property
    def clock_offset_s(self) -> float:
        return self._offset.total_seconds()

    @staticmethod
    def new_id() -> str:
        return str(uuid.uuid4())

    @staticmethod
    def stable_id(*names: str) -> str:
        """The same GUID for the same names, for the demonstration tenant and tests."""
        return str(uuid.uuid5(NAMESPACE, "/".join(names)))

    def reset(self) -> None:
        """Forget everything; the clock is real time again."""
        names = [r["name"] for r in self.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        self._connection.execute("PRAGMA foreign_keys=OFF")
        try:
            with self.tx() as c:
                for name in names:
                    if not name.startswith("sqlite_"):
                        c.execute(f'DELETE FROM "{name}"')  # noqa: S608 - names come from the schema itself
        finally:
            self._connection.execute("PRAGMA foreign_keys=ON")
        self._offset = timedelta()


def _prepare(connection: sqlite3.Connection) -> None:
    """Settings and missing tables. Raises sqlite3.Error when the file is not one of ours."""
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA foreign_keys=ON")
    # A killed process loses nothing at NORMAL; only a power cut in the wrong millisecond could.
    connection.execute("PRAGMA synchronous=NORMAL")
    for ddl in SCHEMA:
        connection.executescript(ddl)
    if strange := _tables_of_another_version(connection):
        raise sqlite3.DatabaseError(f"made by another version of km365: {', '.join(strange)}")


def _tables_of_another_version(connection: sqlite3.Connection) -> list[str]:
    """The tables whose columns are not those of our schema; `IF NOT EXISTS` leaves them as they are."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        for ddl in SCHEMA:
            fresh.executescript(ddl)
        names = [r[0] for r in fresh.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [n for n in names if _columns(fresh, n) != _columns(connection, n)]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (table,))]


def stamp(moment: datetime) -> str:
    """An aware moment as Graph writes it, in UTC and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
