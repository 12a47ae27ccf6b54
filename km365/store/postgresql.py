"""Our database on a PostgreSQL server, which several machines may use at once.

Transactions are SERIALIZABLE: what SQLite gives by letting one write at a time, the server gives by refusing
one of two that would not have come out the same one after the other. The refused one is begun again, in the
end alone, so that a long one is not refused for ever because of short ones.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from km365.errors import NotAvailable, PlanRefused, StoreError
from km365.store.database import HEAD, WAIT_S, Database

try:
    import psycopg
    from psycopg.types.string import StrDumperUnknown
except ImportError:
    raise NotAvailable(
        "database_url names a PostgreSQL server, and what km365 needs for one is not installed. "
        "Type: pip install 'km365[postgresql]'"
    ) from None

CONNECTIONS = 5
"""At most so many transactions of one process run at once: more of them overtake each other for nothing."""
_OLDEST = 13
_TOGETHER, _ALONE, _PLAINLY = "together", "alone", "plainly"
_BEGIN = {  # before the first look at the data, which is what the server holds the transaction to
    _TOGETHER: "LOCK TABLE km_version IN ROW SHARE MODE",
    _ALONE: "LOCK TABLE km_version IN EXCLUSIVE MODE",
}
_SOON_ALONE = 4
"""A transaction that was refused so often is begun alone."""
_LONGEST_PAUSE_S = 0.25
_MAKE = "CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"


class PostgresqlDatabase(Database):
    """One database of a server. Each thread has a connection of its own while its transaction lasts."""

    def __init__(self, engine: Engine, *, where: str, wait_s: float) -> None:
        super().__init__(engine, path=None, where=where)
        self._wait_s = wait_s
        self._threads = ThreadPoolExecutor(CONNECTIONS, "km365-database")

    @classmethod
    def connect(cls, url: str, *, wait_s: float = WAIT_S) -> Self:
        """See `Database.open`."""
        address = _address(url)
        where = f"the database {address.database} on {address.host or 'this machine'}"
        database = cls(_engine(address, wait_s), where=where, wait_s=wait_s)
        try:
            with database.said(where):
                database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self) -> None:
        """Brings the database to the newest form; processes that start together take turns."""
        with self._plainly() as connection:
            found = _version(connection)
            if found == HEAD:
                return
            if found is None:
                _refuse_unfit(connection, self.where, str(self.engine.url.database))
            connection.commit()
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('km365 form', 0))"))
                self._migrate(connection, _version(connection))

    def _plainly(self) -> Connection:
        """A connection whose statements each see what is saved at that moment, and are never refused."""
        return self.engine.connect().execution_options(isolation_level="READ COMMITTED", km365=_PLAINLY)

    async def _saved(self, call: Callable[[Connection], Any]) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._until_saved, call)

    def _until_saved(self, call: Callable[[Connection], Any]) -> Any:
        """What `call` returns in the transaction that the server lets pass."""
        give_up_at = time.monotonic() + self._wait_s
        for tried in count():
            how = {"km365": _ALONE if tried >= _SOON_ALONE else _TOGETHER}
            try:
                with self.said(self.where), self.engine.execution_options(**how).begin() as connection:
                    return call(connection)
            except _Overtaken:
                if time.monotonic() > give_up_at:
                    raise
            pause_s = min(_LONGEST_PAUSE_S, 0.002 * 2**tried)
            time.sleep(random.uniform(0, pause_s))  # noqa: S311 - so that two do not meet again and again
        raise AssertionError("count ends never")

    @property
    def engine_version(self) -> str:
        """See `Database`."""
        with self.begin() as connection:
            return f"PostgreSQL {connection.execute(text('SHOW server_version')).scalar_one()}".split(" (")[0]

    def problems(self) -> list[str]:
        """See `Database`. Reads every row, so that a page whose checksum is wrong is found."""
        try:
            with self.said(self.where), self._plainly() as connection:
                named = text("SELECT tablename FROM pg_tables WHERE tablename LIKE 'km\\_%' ORDER BY 1")
                for table in connection.execute(named).scalars().all():
                    whole = f'SELECT count(*) FROM "{table}" AS t WHERE t IS NULL'  # noqa: S608 - our tables
                    connection.execute(text(whole))
        except StoreError as error:
            return [str(error)]
        return []

    @contextmanager
    def alone(self, home: Path, what: str) -> Iterator[None]:
        """See `Database`. A lock of the server, on a connection of its own that ends with the process."""
        with self.said(self.where), psycopg.connect(**self.connecting(), autocommit=True) as held:
            key = {"what": f"km365 {what}"}
            asked = held.execute("SELECT pg_try_advisory_lock(hashtextextended(%(what)s, 0))", key).fetchone()
            if asked is None or not asked[0]:
                raise PlanRefused(f"Another km365 is busy with {what}; wait for it to end.")
            try:
                yield
            finally:  # the server notices a moment late that a connection has ended
                with suppress(psycopg.Error):
                    held.execute("SELECT pg_advisory_unlock(hashtextextended(%(what)s, 0))", key)

    def connecting(self) -> dict[str, Any]:
        """What psycopg connects with, the password among it: for what needs a connection of its own."""
        _, named = self.engine.dialect.create_connect_args(self.engine.url)
        return {"application_name": "km365", "connect_timeout": 10, **named}

    def copy_to(self, target: Path) -> None:
        """See `Database`: a server has its own tools for that."""
        raise NotAvailable(f"km365 copies no database of a server; use pg_dump for {self.where}.")

    def close(self) -> None:
        """See `Database`."""
        self._threads.shutdown()
        super().close()

    def explained(self, error: BaseException, where: str) -> StoreError | None:
        """See `Database`. The server's own words are not repeated where they may quote a row."""
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate or ""
        if state in _AGAIN:
            return _Overtaken(f"Others changed the same in {where} at the same moment; repeat the command.")
        for start, advice in _ADVICE.items():
            if state.startswith(start):
                return StoreError(advice.format(where=where))
        if isinstance(error, psycopg.OperationalError) and not state:
            return StoreError(
                f"No way to {where} ({_reason(error)}). Check database_url, the server and the way to it."
            )
        rule = f", {error.diag.constraint_name}" if error.diag.constraint_name else ""
        return StoreError(f"{where} refused what was asked ({type(error).__name__} {state}{rule}).")


class _Overtaken(StoreError):
    """The server refused the transaction because of what others did at the same time: begin it again."""


_AGAIN = frozenset({"40001", "40P01"})  # not to be had one after the other; each waits for the other
_BUSY = "{where} was busy for too long; try again when the running command has finished."
_GONE = "The server ended the connection to {where}; try again when it runs."
_ADVICE = {
    "08": _GONE,
    "57P": _GONE,
    "25006": "{where} may only be read (a standby?); database_url must name the server that writes.",
    "28": "The server refuses the user or the password for {where}; check database_url.",
    "3D000": "There is no {where}. Make it with CREATE DATABASE, as docs/operations.md says.",
    "42501": "The user of database_url may not do that in {where}; it must own the database.",
    "53100": "The disk of the server is full: {where} could not be written, nothing half saved.",
    "53": "The server has no room for another connection to {where}, or no memory; raise max_connections.",
    "55P03": _BUSY,
    "57014": _BUSY,
    "XX": "{where} is damaged; stop km365, and restore what pg_dump saved.",
}
"""PostgreSQL's error codes (by their beginning) and our words for them."""


def _reason(error: BaseException) -> str:
    """What the server or the network says of a connection that did not come about: no password, no row."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rpartition("failed: ")[2].removeprefix("FATAL:").strip()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # it may hold a password, so it is not repeated
        raise StoreError(
            "database_url cannot be read; it looks like postgresql+psycopg://user:password@host/database, "
            "with %40 for an @ in the password."
        ) from None
    if address.drivername not in {"postgresql+psycopg", "postgresql", "postgres"}:
        raise NotAvailable(
            f"database_url must begin with postgresql+psycopg://, not with {address.drivername}://."
        )
    if not address.database:
        raise StoreError("database_url names no database: postgresql+psycopg://user@host/database.")
    return address.set(drivername="postgresql+psycopg")


class _WithoutNul(StrDumperUnknown):
    """A text without NUL characters, which SQLite keeps and PostgreSQL refuses; a document may hold some."""

    def dump(self, obj: str) -> Any:
        """See psycopg."""
        return super().dump(obj.replace("\0", ""))


def _engine(address: URL, wait_s: float) -> Engine:
    named = {"application_name": "km365", "connect_timeout": "10", "client_encoding": "utf8"}
    engine = create_engine(
        address,
        isolation_level="SERIALIZABLE",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=wait_s,
        pool_pre_ping=True,  # the server may have been started anew
        hide_parameters=True,  # answers and names must not reach an error message
        connect_args={name: value for name, value in named.items() if name not in address.query},
        json_serializer=lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode(),
        json_deserializer=orjson.loads,
    )

    def connected(connection: "psycopg.Connection[Any]", _record: object) -> None:
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = '{int(wait_s * 1000)}ms'")
        connection.execute("SET idle_in_transaction_session_timeout = '10min'")
        connection.autocommit = False
        connection.adapters.register_dumper(str, _WithoutNul)

    def beginning(connection: Connection) -> None:
        how = connection.get_execution_options().get("km365", _TOGETHER)
        if how in _BEGIN:
            connection.connection.cursor().execute(_BEGIN[how])

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", beginning)
    return engine


def _version(connection: Connection) -> str | None:
    known = connection.execute(text("SELECT to_regclass('km_version')")).scalar()
    return connection.execute(text("SELECT version_num FROM km_version")).scalar() if known else None


def _refuse_unfit(connection: Connection, where: str, name: str) -> None:
    """Raises for a server too old, and for a database that would sort or keep texts in another way."""
    version = int((connection.dialect.server_version_info or (0,))[0])
    if version < _OLDEST:
        raise NotAvailable(f"{where} is PostgreSQL {version}; km365 needs {_OLDEST} or later.")
    fit = "SELECT current_setting('server_encoding') = 'UTF8' AND 'B' < 'a' AND 'a b' < 'aB'"
    if not connection.execute(text(fit)).scalar():
        raise StoreError(
            f"{where} does not keep UTF-8 in the order of its characters, on which km365 relies. "
            "Make it anew: " + _MAKE.format(name=name)
        )
