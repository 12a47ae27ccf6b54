"""A lock between processes of one machine that ends with the process, however it ends."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from km365.errors import PlanRefused, StoreError

FOLDER = "locks"
"""Where `alone` keeps its lock files, in the home folder."""


def lock(path: Path) -> sqlite3.Connection | None:
    """The lock on the file `path`, held until it is closed; None while another process holds it.

    SQLite locks files the same way on every system, which the standard library does not offer otherwise.
    Raises StoreError where the file cannot be made.
    """
    held = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        held.execute("BEGIN EXCLUSIVE")
    except (OSError, sqlite3.Error) as error:
        if held is not None:
            held.close()
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return None
        raise StoreError(
            f"{path} cannot be locked ({type(error).__name__}); check the rights on its folder."
        ) from error
    return held


@contextmanager
def alone(home: Path, what: str) -> Iterator[None]:
    """Only one process at a time does `what` (fit for a file name). Raises PlanRefused for a second."""
    held = lock(home / FOLDER / f"{what}.lock")
    if held is None:
        raise PlanRefused(f"Another km365 on this machine is busy with {what}; wait for it to end.")
    try:
        yield
    finally:
        held.close()
