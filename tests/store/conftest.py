"""A transaction on a database of one's own, and a moment."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from km365.store.database import Connection, Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def at() -> datetime:
    return NOON


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    with closing(Database.open(database_url)) as opened:
        yield opened


@pytest.fixture
def c(db: Database) -> Iterator[Connection]:
    with db.begin() as connection:
        yield connection
