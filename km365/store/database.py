"""Our own database: opened once a process, every access one transaction, every failure one clear line.

What is particular to SQLite is in `sqlite.py`, to PostgreSQL in `postgresql.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from km365.errors import NotAvailable, StoreError

__all__ = ["HEAD", "Connection", "Database"]

P = ParamSpec("P")
R = TypeVar("R")

HEAD = "0035"
"""The newest migration in `migrations/versions` (a test compares): spares commands the import of Alembic."""

WAIT_S = 30.0
"""How long a transaction waits for others before it gives up."""


class Database(ABC):
    """One open database, which threads may share."""

    def __init__(self, engine: Engine, *, path: Path | None, where: str) -> None:
        self.engine = engine
        self.path = path
        """The file, or None for a database in memory or on a server."""
        self.where = where
        """What the database is called in what is said to people; holds no password."""

    @staticmethod
    def open(url: str | Path, *, wait_s: float = WAIT_S) -> "Database":
        """The database at `url`, migrated to the newest form.

        `url` is `sqlite:///path` (taken as it stands, no percent signs decoded), a bare path, `sqlite://` for
        one in memory, or `postgresql+psycopg://user:password@host/database`. Raises StoreError, naming the
        file or server, when it is no database, damaged, from a newer km365, on a full or read-only disk, not
        to be reached, or held by others for `wait_s`; NotAvailable for any other kind, and for PostgreSQL
        where what it needs is not installed.
        """
        scheme = "" if isinstance(url, Path) or "://" not in url else urlsplit(url).scheme
        kind = scheme.partition("+")[0]
        if kind in {"", "sqlite"}:
            from km365.store.sqlite import SqliteDatabase  # noqa: PLC0415 - only the one that is used

            return SqliteDatabase.connect(url, wait_s=wait_s)
        if kind in {"postgresql", "postgres"}:
            from km365.store.postgresql import PostgresqlDatabase  # noqa: PLC0415 - likewise

            return PostgresqlDatabase.connect(str(url), wait_s=wait_s)
        raise NotAvailable(
            f"km365 keeps its data in SQLite or PostgreSQL; it knows no database of kind {scheme!r}. "
            "Use sqlite:///path/to/km365.sqlite, postgresql+psycopg://user@host/database, or leave the "
            "setting database_url out."
        )

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back entirely when it raises.

        What was read in it is still so when it is saved, whatever others do. Keep it short and never await,
        call Graph or begin another inside it. On a server it may fail because of what others did; `run`
        begins it again.
        """
        with self.said(self.where), self.engine.begin() as connection:
            yield connection

    async def run(self, fn: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `fn(connection, *args, **kwargs)` returns, run in a thread inside one transaction.

        It is saved when this returns. On a server `fn` may be called more than once, because others came
        first; only the last call is saved, so it must change nothing else, and use up none of its arguments.
        """
        return cast(R, await self._saved(lambda c: fn(c, *args, **kwargs)))

    @abstractmethod
    async def _saved(self, call: Callable[[Connection], Any]) -> Any:
        """What `call` returns in the transaction of its own that was saved."""

    @property
    @abstractmethod
    def engine_version(self) -> str:
        """Which database keeps it, as `km365 doctor` says it."""

    @abstractmethod
    def problems(self) -> list[str]:
        """What a full check finds wrong, a line each; none when it is sound."""

    @abstractmethod
    def alone(self, home: Path, what: str) -> AbstractContextManager[None]:
        """Only one process that uses this database does `what` at a time.

        Raises PlanRefused for a second. `what` is fit for a file name; SQLite's lock file lies in `home`.
        """

    @abstractmethod
    def copy_to(self, target: Path) -> None:
        """Writes a copy of the whole database, as it is at one moment, to the file `target`; replaces it.

        Raises NotAvailable where the database's own tools do that.
        """

    def close(self) -> None:
        """Lets go of the file or the server."""
        self.engine.dispose()

    @abstractmethod
    def explained(self, error: BaseException, where: str) -> StoreError | None:
        """The error in our words, with what to do; None for what we have no words for."""

    @contextmanager
    def said(self, where: str) -> Iterator[None]:
        """Turns what the database says into a StoreError that names `where` and what to do."""
        try:
            yield
        except PoolTimeout as error:
            raise StoreError(
                f"{where} was busy for too long; try again when the running command has finished."
            ) from error
        except Exception as error:
            ours = self.explained(
                error.orig if isinstance(error, DBAPIError) and error.orig else error, where
            )
            if ours is None:
                raise
            raise ours from (error if self.path else None)

    def _migrate(self, connection: Connection, found: str | None) -> None:
        """Brings the database from the form `found` (None for an empty one) to the newest."""
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise StoreError(
                f"{self.where} was last used by a newer km365 (its form is {found}, this one knows {HEAD}); "
                "install that version, or restore a copy from before the upgrade."
            )
        from km365.store import migrate  # noqa: PLC0415  Alembic is slow to import and seldom needed

        migrate.upgrade(connection)
