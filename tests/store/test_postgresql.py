"""What is particular to a database on a PostgreSQL server."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from traceback import format_exception

import pytest
from sqlalchemy import create_engine, make_url, text

from km365.errors import KM365Error, NotAvailable, StoreError
from km365.store import cursors
from km365.store.database import HEAD, Connection, Database

from ..databases import bare, fresh, needs_postgresql

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with fresh("postgresql", tmp_path) as address:
        yield address


def refusal(url: str) -> str:
    """What opening it says, and all that a log would hold of it."""
    with pytest.raises(KM365Error) as caught:
        Database.open(url, wait_s=5)
    assert "s3cr3t" not in "".join(format_exception(caught.value))
    return str(caught.value)


@needs_postgresql
def test_processes_that_open_an_empty_database_together_make_its_form_once() -> None:
    with bare() as url, ThreadPoolExecutor(4) as threads:
        for db in threads.map(lambda _: Database.open(url), range(4)):
            with closing(db), db.begin() as c:
                assert c.execute(text("SELECT version_num FROM km_version")).scalars().all() == [HEAD]


@needs_postgresql
@pytest.mark.parametrize(
    "how",
    [
        "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'",
        "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    ],
)
def test_a_database_that_sorts_or_writes_texts_otherwise_is_refused_with_what_to_type(how: str) -> None:
    with bare(how) as url:
        said = refusal(url)
    assert f'CREATE DATABASE "{make_url(url).database}" TEMPLATE template0' in said
    with bare(said.partition('" ')[2]) as url:
        Database.open(url).close()


@needs_postgresql
def test_a_database_that_is_not_there_is_named(url: str) -> None:
    missing = make_url(url).set(database="nowhere").render_as_string(hide_password=False)
    assert 'database "nowhere" does not exist' in refusal(missing)


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    said = refusal("postgresql+psycopg://km365:s3cr3t@127.0.0.1:1/km365")
    assert "No way to the database km365 on 127.0.0.1" in said
    assert "refused" in said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql+psycopg://km365:s3cr3t@host:port/km365", "cannot be read"),
        ("postgresql+psycopg://km365:s3cr3t@host/", "names no database"),
        ("postgresql+asyncpg://km365:s3cr3t@host/km365", "must begin with postgresql[+]psycopg"),
    ],
)
def test_an_address_that_cannot_be_right_is_not_repeated(url: str, says: str) -> None:
    with pytest.raises(KM365Error, match=says):
        refusal(url)
        Database.open(url)


def test_what_is_not_installed_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "km365.store.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NotAvailable, match=r"pip install 'km365\[postgresql\]'"):
        Database.open("postgresql+psycopg://km365@host/km365")


@needs_postgresql
async def test_a_connection_that_the_server_ended_is_replaced(url: str) -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    others = f"{ended} WHERE pid <> pg_backend_pid() AND datname = :name"
    engine = create_engine(url)
    with closing(Database.open(url)) as db:
        await db.run(cursors.put, "users", "link", at=NOON)
        with engine.begin() as c:
            c.execute(text(others), {"name": engine.url.database})
        assert await db.run(cursors.get, "users") == "link"
        with pytest.raises(StoreError, match="ended the connection"), db.begin() as mine, engine.begin() as c:
            c.execute(text(others), {"name": engine.url.database})
            cursors.put(mine, "users", "another", at=NOON)
        assert await db.run(cursors.get, "users") == "link"
    engine.dispose()


@needs_postgresql
async def test_a_transaction_overtaken_by_others_is_begun_again_with_what_they_wrote(url: str) -> None:
    looks = []
    with closing(Database.open(url)) as db, closing(Database.open(url)) as other:

        def add(c: Connection) -> None:
            looks.append(int(cursors.get(c, "n") or 0))
            if len(looks) == 1:
                overtaking = threading.Thread(
                    target=lambda: asyncio.run(other.run(cursors.put, "n", "7", at=NOON))
                )
                overtaking.start()
                overtaking.join()
            cursors.put(c, "n", str(looks[-1] + 1), at=NOON)

        await db.run(add)
        assert await db.run(cursors.get, "n") == "8"
    assert looks == [0, 7]


@needs_postgresql
async def test_a_long_transaction_is_saved_however_many_short_ones_there_are(url: str) -> None:
    with closing(Database.open(url)) as db, closing(Database.open(url)) as other:
        over = threading.Event()

        def short() -> None:
            while not over.is_set():
                asyncio.run(other.run(cursors.put, "n", "7", at=NOON))

        def long(c: Connection) -> None:
            cursors.get(c, "n")
            time.sleep(0.1)
            cursors.put(c, "n", "8", at=NOON)

        hammering = threading.Thread(target=short)
        hammering.start()
        try:
            await db.run(long)
        finally:
            over.set()
            hammering.join()


@needs_postgresql
async def test_a_text_from_a_document_loses_the_characters_that_no_server_keeps(url: str) -> None:
    with closing(Database.open(url)) as db:
        await db.run(cursors.put, "a page", "torn\0 off", at=NOON)
        assert await db.run(cursors.get, "a page") == "torn off"


@needs_postgresql
def test_what_a_rule_of_the_database_refuses_is_named_without_the_row(url: str) -> None:
    with (
        closing(Database.open(url)) as db,
        pytest.raises(StoreError, match="pk_km_secret") as caught,
        db.begin() as c,
    ):
        for _ in range(2):
            c.execute(text("INSERT INTO km_secret (name, value) VALUES ('ann', 's3cr3t')"))
    assert "s3cr3t" not in "".join(format_exception(caught.value))


@needs_postgresql
def test_a_server_makes_its_own_copies(url: str, tmp_path: Path) -> None:
    with closing(Database.open(url)) as db:
        assert db.problems() == []
        assert db.engine_version.startswith("PostgreSQL 1")
        with pytest.raises(NotAvailable, match="pg_dump"):
            db.copy_to(tmp_path / "copy.sqlite")


_FORM = """
SELECT 'table', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
       coalesce(pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relname LIKE '%procrastinate%' AND c.relkind IN ('r', 'c')
UNION ALL SELECT 'index', tablename, indexname, indexdef, '', ''
  FROM pg_indexes WHERE tablename LIKE 'procrastinate%'
UNION ALL SELECT 'rule', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
  FROM pg_constraint WHERE conrelid::regclass::text LIKE 'procrastinate%'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', ''
  FROM pg_trigger WHERE tgname LIKE 'procrastinate%'
UNION ALL SELECT 'function', proname, pg_get_functiondef(oid), '', '', ''
  FROM pg_proc WHERE proname LIKE 'procrastinate%'
UNION ALL SELECT 'word', t.typname, e.enumlabel, e.enumsortorder::text, '', ''
  FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
ORDER BY 1, 2, 3, 4
"""


@needs_postgresql
def test_the_tables_of_the_jobs_are_those_of_the_installed_procrastinate(url: str) -> None:
    theirs = (files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
    forms = []
    with bare() as empty:
        for address, first in ((empty, theirs), (url, "SELECT 1")):
            engine = create_engine(address)
            with engine.begin() as c:
                c.exec_driver_sql(first, execution_options={"no_parameters": True})
                forms.append(c.exec_driver_sql(_FORM, execution_options={"no_parameters": True}).all())
            engine.dispose()
    assert len(forms[0]) > 50
    assert forms[1] == forms[0]
