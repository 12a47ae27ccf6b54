"""A database of one's own in memory, and a moment."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from km365.store.database import Connection, Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def at() -> datetime:
    return NOON


@pytest.fixture
def c() -> Iterator[Connection]:
    db = Database.open("sqlite://")
    with db.begin() as connection:
        yield connection
    db.close()
