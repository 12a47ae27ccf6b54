"""Our database on SQLite, and again on the PostgreSQL server that `KM365_TEST_POSTGRESQL` names.

.ci/with_postgresql python3 start.py test tests/store     makes such a server, and takes it away after
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from km365.store.database import Database

SERVER = os.environ.get("KM365_TEST_POSTGRESQL", "")

needs_postgresql = pytest.mark.skipif(
    not SERVER and os.environ.get("KM365_REQUIRE_POSTGRESQL") != "1",
    reason="no PostgreSQL server: KM365_TEST_POSTGRESQL names none",
)
KINDS = ("sqlite", pytest.param("postgresql", marks=needs_postgresql))
"""What a fixture is parametrised with whose tests run on both."""
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For a test among them that is about SQLite, or where the server would show nothing new."""
ON_BOTH = pytest.mark.parametrize("database_url", KINDS, indirect=True)
"""For a test whose neighbours run on SQLite alone (`sqlite_unless_told`)."""


@pytest.fixture(name="database_url")
def sqlite_unless_told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """To be imported by a file of tests that are slow or timed, where a server shows nothing new."""
    with fresh(getattr(request, "param", "sqlite"), tmp_path) as url:
        yield url


@contextmanager
def fresh(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of that kind, migrated and one's own; SQLite's lies in `folder`."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'km365.sqlite'}"
        return
    name = f"km365_{uuid.uuid4().hex}"
    _tell(f"CREATE DATABASE {name} TEMPLATE {_template()}")
    try:
        yield _address(name)
    finally:
        _tell(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def copied(url: str, folder: Path) -> Iterator[str]:
    """The address of a copy of a database that nobody has open."""
    path = url.removeprefix("sqlite:///")
    if path != url:
        shutil.copy(path, folder)
        yield f"sqlite:///{folder / Path(path).name}"
        return
    with bare(f"TEMPLATE {make_url(url).database}") as address:
        yield address


@contextmanager
def bare(how: str = "") -> Iterator[str]:
    """The address of a database of the server in which nothing is yet, made as `how` says."""
    name = f"km365_{uuid.uuid4().hex}"
    _tell(f"CREATE DATABASE {name} {how}")
    try:
        yield _address(name)
    finally:
        _tell(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _template() -> str:
    """A migrated database of this process, copied for each test: making one anew takes ten times as long."""
    name = f"km365_template_{uuid.uuid4().hex}"
    _tell(f"CREATE DATABASE {name}")
    Database.open(_address(name)).close()
    return name


def _address(name: str) -> str:
    if not SERVER:
        pytest.fail("KM365_REQUIRE_POSTGRESQL is set, and KM365_TEST_POSTGRESQL names no server")
    return make_url(SERVER).set(database=name).render_as_string(hide_password=False)


def _tell(statement: Any) -> None:
    import psycopg  # only where there is a server

    address = (
        make_url(_address("postgres")).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(statement)
