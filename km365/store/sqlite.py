"""Our database in a file of this machine: SQLite, which lets one transaction write at a time."""

import asyncio
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, create_mock_engine, event, text
from sqlalchemy.dialects import sqlite as dialects
from sqlalchemy.pool import QueuePool

from km365.errors import StoreError
from km365.store import locks
from km365.store.database import HEAD, WAIT_S, Database
from km365.store.tables import metadata

_TOGETHER = 32
"""At most so many transactions share one."""


class SqliteDatabase(Database):
    """One file, or one database in memory. Threads take turns.

    A transaction holds the write lock from its first statement (`BEGIN IMMEDIATE`), so what was read cannot
    change before it is written.
    """

    def __init__(self, engine: Engine, *, path: Path | None) -> None:
        super().__init__(engine, path=path, where=str(path) if path else "the database in memory")
        self._asked: deque[_Asked] = deque()
        self._working = False
        self._door = threading.Lock()

    @classmethod
    def connect(cls, url: str | Path, *, wait_s: float = WAIT_S) -> Self:
        """See `Database.open`. The folder is made if it is missing."""
        path = _path_of(url)
        database = cls(_engine(path, wait_s), path=path)
        with database.said(database.where):
            if path is not None:
                _make_file(path)
            try:
                with database.engine.begin() as connection:
                    found = _version(connection)
                    if found is None:
                        _make_tables(connection)
                    else:
                        database._migrate(connection, found)
            except BaseException:
                database.close()
                raise
        return database

    async def _saved(self, call: Callable[[Connection], Any]) -> Any:
        """See `Database`. What is asked while another transaction is being saved shares the next one.

        Each is undone alone if it raises: waiting for the disk takes longer than all the rest.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(call=call, answer=loop.create_future(), loop=loop)
        with self._door:
            self._asked.append(asked)
            begin, self._working = not self._working, True
        if begin:
            loop.run_in_executor(None, self._work)
        return await asked.answer

    def _work(self) -> None:
        """Does what is asked, together what came together, until nothing more is."""
        while True:
            with self._door:
                together = [self._asked.popleft() for _ in range(min(len(self._asked), _TOGETHER))]
                self._working = bool(together)
            if not together:
                return
            _answer(together, self._together([one.call for one in together]))

    def _together(self, calls: Sequence[Callable[[Connection], Any]]) -> list["_Outcome"]:
        """What came of each call: all in one transaction, and each undone alone when it raises."""
        try:
            with self.begin() as connection:
                if len(calls) == 1:
                    return [_Outcome(value=calls[0](connection))]
                return [self._apart(connection, call) for call in calls]
        except BaseException as error:  # of the one call, or of the transaction all of them were in
            return [_Outcome(error=error)] * len(calls)

    def _apart(self, connection: Connection, call: Callable[[Connection], Any]) -> "_Outcome":
        """What came of one call; raises where the database undid the others with it, as for a full disk.

        The savepoint is the driver's: with SQLAlchemy's it takes a tenth of a turn in the chat.
        """
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the only kind _engine makes
        driver.execute("SAVEPOINT apart")
        try:
            with self.said(self.where):
                value = call(connection)
        except Exception as error:
            if not driver.in_transaction:
                raise
            driver.execute("ROLLBACK TO apart")
            driver.execute("RELEASE apart")
            return _Outcome(error=error)
        driver.execute("RELEASE apart")
        return _Outcome(value=value)

    @property
    def engine_version(self) -> str:
        """See `Database`."""
        return f"SQLite {sqlite3.sqlite_version}"

    def problems(self) -> list[str]:
        """See `Database`. Reads the whole file."""
        try:
            with self.begin() as connection:
                found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(20)"))]
                if found != ["ok"]:
                    return found
                orphans = connection.execute(text("PRAGMA foreign_key_check"))
                return [f"a row of {row[0]} points at a missing row of {row[2]}" for row in orphans]
        except StoreError as error:  # so damaged that the check itself cannot go on
            return [str(error)]

    def copy_to(self, target: Path) -> None:
        """See `Database`."""
        with self.said(str(target)):
            unfinished = target.with_suffix(".part")
            _make_file(unfinished, anew=True)
            with closing(sqlite3.connect(unfinished)) as copy, self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the only kind _engine makes
                driver.backup(copy)
            unfinished.replace(target)

    def alone(self, home: Path, what: str) -> AbstractContextManager[None]:
        """See `Database`."""
        return locks.alone(home, what)

    def explained(self, error: BaseException, where: str) -> StoreError | None:
        """See `Database`."""
        name = getattr(error, "sqlite_errorname", "") or ""
        for start, advice in _ADVICE.items():
            if name.startswith(start):
                return StoreError(advice.format(where=where))
        return None


@dataclass(frozen=True)
class _Asked:
    """A transaction that somebody waits for."""

    call: Callable[[Connection], Any]
    answer: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What came of it."""

    value: Any = None
    error: BaseException | None = None


def _answer(asked: Sequence[_Asked], outcomes: Sequence[_Outcome]) -> None:
    """Tells those who wait, each loop at once; one that is closed has nobody waiting any more."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Asked, _Outcome]]] = {}
    for one, outcome in zip(asked, outcomes, strict=True):
        by_loop.setdefault(one.loop, []).append((one, outcome))
    for loop, told in by_loop.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, told)


def _tell(told: Sequence[tuple[_Asked, _Outcome]]) -> None:
    for one, outcome in told:
        if one.answer.done():  # cancelled meanwhile
            continue
        if outcome.error is None:
            one.answer.set_result(outcome.value)
        else:
            one.answer.set_exception(outcome.error)


def _path_of(url: str | Path) -> Path | None:
    address = str(url)
    if isinstance(url, Path) or "://" not in address:
        return Path(address).expanduser().absolute()
    tail = re.sub(r"^sqlite(\+\w+)?://", "", address)
    return Path(tail[1:]).expanduser().absolute() if tail.strip("/") else None


def _make_file(path: Path, *, anew: bool = False) -> None:
    """An empty file that only its owner reads, unless it is there: interviews are not for every user."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if anew:
            path.unlink(missing_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made: {error.strerror}. Choose another folder with the setting home."
        ) from error


def _engine(path: Path | None, wait_s: float) -> Engine:
    """One connection a process. Threads queue for it: fairer and quicker than SQLite's own polling."""
    engine = create_engine(
        URL.create("sqlite", database=str(path) if path else None),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=wait_s,
        connect_args={"check_same_thread": False, "timeout": wait_s},
        hide_parameters=True,  # answers and names must not reach an error message
        json_serializer=lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode(),
        json_deserializer=orjson.loads,
    )

    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, see below
        for pragma in (
            "foreign_keys=ON",
            "journal_mode=DELETE",  # a WAL can be damaged by two writers before SQLite 3.51.3 (ENGINE §3)
            "synchronous=FULL",  # an intent to send must survive a power cut
            "secure_delete=ON",  # what expires or is erased must not be read in the file either
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    def beginning(connection: Connection) -> None:
        connection.connection.cursor().execute("BEGIN IMMEDIATE").close()

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", beginning)
    return engine


def _version(connection: Connection) -> str | None:
    known = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'km_version'")).first()
    return connection.execute(text("SELECT version_num FROM km_version")).scalar() if known else None


def _make_tables(connection: Connection) -> None:
    """All tables in their newest form at once, as the migrations would make them one after the other."""
    for statement in _ddl():
        connection.exec_driver_sql(statement)
    connection.execute(text("CREATE TABLE km_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO km_version VALUES (:head)"), {"head": HEAD})


@cache
def _ddl() -> tuple[str, ...]:
    """What makes all tables and their indexes, compiled once."""
    dialect = dialects.dialect()
    made: list[str] = []
    metadata.create_all(
        create_mock_engine("sqlite://", lambda sql, *_, **__: made.append(str(sql.compile(dialect=dialect)))),
        checkfirst=False,
    )
    return tuple(made)


_DAMAGED = (
    "{where} is damaged or is no km365 database; nothing was changed. "
    "Stop km365 and put back a copy from the folder `copies` beside it, or move the file away and begin anew "
    "(published knowledge is in SharePoint)."
)
_ADVICE = {
    "SQLITE_FULL": "The disk is full: {where} could not be written, nothing half saved. Free space, repeat.",
    "SQLITE_BUSY": "{where} is held by another process; try again when it has finished.",
    "SQLITE_LOCKED": "{where} is held by another process; try again when it has finished.",
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_READONLY": "{where} may not be written; check the rights on the file and its folder.",
    "SQLITE_CANTOPEN": "{where} cannot be opened; check the path and the rights on its folder.",
    "SQLITE_PERM": "{where} cannot be opened; check the rights on the file and its folder.",
    "SQLITE_IOERR": "The disk failed under {where}; nothing was half saved. Check the disk and its space.",
}
"""SQLite's error names (by their beginning) and our words for them."""
