"""A lock between processes of one machine that ends with the process, however it ends."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from km365.errors import PlanRefused


def lock(path: Path) -> sqlite3.Connection | None:
    """The lock on `path`, held until it is closed; None while another process holds it.

    SQLite locks files the same way on every system, which the standard library does not offer otherwise.
    """
    held = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        held.close()
        return None
    return held


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Only one process at a time does `what` (fit for a file name). Raises PlanRefused for a second."""
    folder.mkdir(parents=True, exist_ok=True)
    held = lock(folder / f"{what}.lock")
    if held is None:
        raise PlanRefused(f"Another km365 on this machine is busy with {what}; wait for it to end.")
    try:
        yield
    finally:
        held.close()
