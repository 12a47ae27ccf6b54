"""Opening our database, and what it says when it cannot."""

import asyncio
import sqlite3
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text

from km365.errors import NotAvailable, PlanRefused, StoreError
from km365.store import cursors, events, migrate, runs, secrets, sqlite
from km365.store.database import HEAD, Database
from km365.store.runs import ChangeState
from km365.store.tables import metadata

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder 100%" / "km365.sqlite"


def test_the_first_opening_makes_the_folder_and_the_newest_form(path: Path) -> None:
    with closing(Database.open(f"sqlite:///{path}")) as db, db.begin() as c:
        assert c.execute(text("SELECT version_num FROM km_version")).scalar() == HEAD
    assert path.is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights in the user's folder")
def test_only_the_owner_may_read_the_file_and_its_copies(path: Path, tmp_path: Path) -> None:
    with closing(Database.open(path)) as db:
        db.copy_to(tmp_path / "copy.sqlite")
    assert [file.stat().st_mode & 0o777 for file in (path, tmp_path / "copy.sqlite")] == [0o600, 0o600]


def test_what_was_written_is_there_after_reopening(database_url: str) -> None:
    with closing(Database.open(database_url)) as db, db.begin() as c:
        cursors.put(c, "users", "link", at=NOON)
    with closing(Database.open(database_url)) as db, db.begin() as c:
        assert cursors.get(c, "users") == "link"


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(migrate.configuration()).get_current_head() == HEAD


def test_the_migrations_make_exactly_the_tables_we_describe(db: Database) -> None:
    def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
        # procrastinate keeps the jobs on PostgreSQL, and a test of its own compares its tables
        theirs = {"km_version"} if db.path else {"km_version", "km_job"}
        return kind != "table" or ((name or "").startswith("km_") and name not in theirs)

    opts = {"version_table": "km_version", "compare_type": True, "include_object": ours}
    with db.begin() as c:
        assert compare_metadata(MigrationContext.configure(c, opts=opts), metadata) == []


def test_a_new_file_has_the_form_that_the_migrations_lead_to(path: Path) -> None:
    with closing(Database.open(path)) as db, db.begin() as c:
        new = form(c)
    engine = create_engine("sqlite://")
    with engine.begin() as c:
        migrate.upgrade(c)
        assert form(c) == new
    engine.dispose()


def test_of_a_run_that_an_older_km365_left_unfinished_stands_what_it_had_begun() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as c:
        config = migrate.configuration()
        config.attributes["connection"] = c
        command.upgrade(config, "0034")
        run = "'r1', 'tag', 'abc', '{}', 'focal', 'running', '2026-03-02 12:00:00', 2"
        names = "id, kind, plan_sha, what, who, state, started_at, begun_to"
        c.execute(text(f"INSERT INTO km_run ({names}) VALUES ({run})"))
        for number, state in enumerate(("done", "sending", "pending", "pending", "pending")):
            row = f"'r1', {number}, 'd', '{number}', 'x.docx', '{{}}', '{{}}', 'e', '{state}'"
            names = "run_id, seq, drive_id, item_id, name, old, new, etag, state"
            c.execute(text(f"INSERT INTO km_change ({names}) VALUES ({row})"))
        migrate.upgrade(c)
        counts = {ChangeState.DONE: 1, ChangeState.SENDING: 2, ChangeState.PENDING: 2}
        assert runs.counts(c, "r1") == counts
        assert [one.seq for one in runs.next_open(c, "r1")] == [1, 2], "compared before it is written again"
    engine.dispose()


def form(c: Connection) -> dict[str, object]:
    """Columns, foreign keys and indexes of every table, and the version.

    Nothing of the order of columns, and of the values with which a migration filled the rows there were.
    """

    def rows(what: str, of: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in c.execute(text(f"PRAGMA {what}('{of}')"))]

    found: dict[str, object] = {"version": c.execute(text("SELECT * FROM km_version")).scalar()}
    for (table,) in c.execute(
        text("SELECT name FROM sqlite_master WHERE name LIKE 'km_%' AND type = 'table'")
    ):
        found[table] = (
            {(*row[1:4], row[5]) for row in rows("table_info", table)},
            {row[2:] for row in rows("foreign_key_list", table)},
            {
                (*one[2:], *(row[2] for row in rows("index_info", str(one[1]))))
                for one in rows("index_list", table)
            },
        )
    return found


def test_a_transaction_that_fails_leaves_nothing_behind(db: Database) -> None:
    with pytest.raises(RuntimeError), db.begin() as c:
        cursors.put(c, "users", "link", at=NOON)
        raise RuntimeError
    with db.begin() as c:
        assert cursors.get(c, "users") is None


async def test_run_returns_what_the_function_returns_and_commits(db: Database) -> None:
    await db.run(cursors.put, "users", "link", at=NOON)
    assert await db.run(cursors.get, "users") == "link"


async def test_transactions_at_the_same_moment_come_out_as_if_one_after_the_other(db: Database) -> None:
    def add_one(c: Connection) -> None:
        cursors.put(c, "n", str(int(cursors.get(c, "n") or 0) + 1), at=NOON)

    await asyncio.gather(*(db.run(add_one) for _ in range(40)))
    assert await db.run(cursors.get, "n") == "40"


async def test_two_who_look_before_they_write_do_not_both_find_nothing(db: Database) -> None:
    def first_of(c: Connection, name: str) -> bool:
        free = not any(cursors.get(c, other) for other in ("ann", "ben", "eve"))
        if free:
            cursors.put(c, name, "mine", at=NOON)
        return free

    assert sum(await asyncio.gather(*(db.run(first_of, name) for name in ("ann", "ben", "eve")))) == 1


async def test_only_one_process_at_a_time_does_what_is_done_alone(db: Database, tmp_path: Path) -> None:
    with (
        db.alone(tmp_path, "search"),
        db.alone(tmp_path, "watch"),
        pytest.raises(PlanRefused, match="search"),
        db.alone(tmp_path, "search"),
    ):
        raise AssertionError("a second one")
    with db.alone(tmp_path, "search"):
        pass


@pytest.mark.parametrize(
    "content", [b"this is no database, but text " * 99, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_named_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as caught:
        Database.open(path)
    assert str(path) in str(caught.value)
    assert "put back a copy" in str(caught.value)
    assert path.read_bytes() == content


def test_damage_in_the_middle_is_found_by_the_full_check(path: Path) -> None:
    with closing(Database.open(path)) as db:
        assert db.problems() == []
        with db.begin() as c:
            for number in range(500):
                events.append(c, kind="k", subject=f"s{number}", who="w", what={}, at=NOON)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 3 * 4096)
        file.write(b"\xa5" * 2 * 4096)
    with closing(Database.open(path)) as db:
        assert db.problems()


def test_a_database_of_a_newer_km365_is_refused(database_url: str) -> None:
    with closing(Database.open(database_url)) as db, db.begin() as c:
        c.execute(text("UPDATE km_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer km365"):
        Database.open(database_url)


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StoreError, match="home"):
        Database.open(tmp_path / "home" / "km365.sqlite")


def test_a_database_held_by_another_process_is_waited_for_and_then_named(path: Path) -> None:
    Database.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="held by another process"):
            Database.open(path, wait_s=0.05)


def test_threads_take_turns(path: Path) -> None:
    with closing(Database.open(path)) as db:

        def count() -> None:
            for _ in range(20):
                with db.begin() as c:
                    cursors.put(c, "n", str(int(cursors.get(c, "n") or 0) + 1), at=NOON)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with db.begin() as c:
            assert cursors.get(c, "n") == "80"


def test_a_full_disk_is_one_line_and_nothing_is_half_written(path: Path) -> None:
    with closing(Database.open(path)) as db:
        with db.begin() as c:
            pages = c.execute(text("PRAGMA page_count")).scalar()
            c.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
        with pytest.raises(StoreError, match="disk is full") as caught, db.begin() as c:
            cursors.put(c, "small", "first", at=NOON)
            cursors.put(c, "large", "a secret answer " * 10_000, at=NOON)
        assert "secret answer" not in str(caught.value)
        assert "\n" not in str(caught.value)
        with db.begin() as c:
            assert cursors.get(c, "small") is None
            cursors.put(c, "small", "again", at=NOON)


def test_a_full_disk_at_the_first_opening_leaves_a_file_that_opens_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = sqlite._make_tables

    def no_space(connection):
        connection.execute(text("PRAGMA max_page_count = 10"))
        original(connection)

    monkeypatch.setattr(sqlite, "_make_tables", no_space)
    with pytest.raises(StoreError, match="disk is full"):
        Database.open(path)
    monkeypatch.undo()
    with closing(Database.open(path)) as db:
        assert db.problems() == []


def test_a_copy_is_a_whole_database_and_replaces_the_one_before(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "km365-2026-03-02.sqlite"
    copy.parent.mkdir()
    copy.with_suffix(".part").write_bytes(b"left by a crash" * 99)
    with closing(Database.open(path)) as db:
        for value in ("first", "second"):
            with db.begin() as c:
                cursors.put(c, "users", value, at=NOON)
            db.copy_to(copy)
    with closing(Database.open(copy)) as db, db.begin() as c:
        assert cursors.get(c, "users") == "second"
    assert [file.name for file in copy.parent.iterdir()] == [copy.name]


def test_a_copy_that_cannot_be_written_is_one_line(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.part").mkdir()
    with closing(Database.open(path)) as db, pytest.raises(StoreError, match="copy"):
        db.copy_to(tmp_path / "copy.sqlite")


def test_another_kind_of_database_is_refused_by_name() -> None:
    with pytest.raises(NotAvailable, match="mysql"):
        Database.open("mysql://km365@db.example/km365")


def test_a_moment_without_its_time_zone_is_refused_and_others_come_back_in_utc(db: Database) -> None:
    with db.begin() as c:
        events.append(c, kind="k", subject="s", who="w", what={"n": "é"}, at=NOON)
        (found,) = events.list_(c, subject="s")
        assert found.at == NOON
        assert found.at.tzinfo is UTC
        assert found.what == {"n": "é"}
        with pytest.raises(Exception, match="time zone"):
            events.append(c, kind="k", subject="s", who="w", what={}, at=NOON.replace(tzinfo=None))


def test_a_secret_is_made_once_and_kept(database_url: str) -> None:
    with closing(Database.open(database_url)) as db, db.begin() as c:
        first = secrets.secret_of(c, "cards")
        assert len(first) == 32
        assert secrets.secret_of(c, "other") != first
    with closing(Database.open(database_url)) as db, db.begin() as c:
        assert secrets.secret_of(c, "cards") == first


async def test_what_is_asked_together_is_saved_together_and_undone_apart(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "km365.sqlite")
    commits = 0

    def committed(_: Connection) -> None:
        nonlocal commits
        commits += 1

    event.listen(database.engine, "commit", committed)

    def write(c: Connection, number: int) -> int:
        cursors.put(c, f"n{number}", "x", at=NOON)
        if number % 10 == 3:
            raise ValueError(str(number))
        return number

    found = await asyncio.gather(*(database.run(write, n) for n in range(60)), return_exceptions=True)
    assert [one for one in found if not isinstance(one, ValueError)] == [n for n in range(60) if n % 10 != 3]
    assert commits < 60, "waiting for the disk is shared"
    kept = [n for n in range(60) if await database.run(cursors.get, f"n{n}")]
    assert kept == [n for n in range(60) if n % 10 != 3]
    database.close()


async def test_a_transaction_that_cannot_be_saved_fails_for_everybody_in_it(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "km365.sqlite")

    def full(_: Connection) -> None:
        raise sqlite3.OperationalError("disk full")

    event.listen(database.engine, "commit", full)
    found = await asyncio.gather(
        *(database.run(lambda c, n=n: cursors.put(c, f"n{n}", "x", at=NOON)) for n in range(5)),
        return_exceptions=True,
    )
    assert all(isinstance(one, Exception) for one in found)
    event.remove(database.engine, "commit", full)
    assert [await database.run(cursors.get, f"n{n}") for n in range(5)] == [None] * 5
    database.close()


async def test_what_the_database_undid_with_a_failing_call_is_saved_for_nobody(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "km365.sqlite")

    def write(c: Connection, number: int) -> None:
        cursors.put(c, f"n{number}", "x", at=NOON)
        if number == 3:  # as SQLite does by itself when the disk is full
            c.connection.cursor().execute("ROLLBACK").close()
            raise sqlite3.OperationalError("disk full")

    found = await asyncio.gather(*(database.run(write, n) for n in range(6)), return_exceptions=True)
    said_saved = {number for number, one in enumerate(found) if one is None}
    kept = {number for number in range(6) if await database.run(cursors.get, f"n{number}")}
    assert 3 not in said_saved
    assert said_saved == kept
    database.close()


async def test_who_stops_waiting_does_not_stop_the_others(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "km365.sqlite")
    gate = threading.Event()
    first = asyncio.ensure_future(database.run(lambda _: gate.wait(10)))
    given_up = asyncio.ensure_future(database.run(lambda _: 2))
    third = asyncio.ensure_future(database.run(lambda _: 3))
    await asyncio.sleep(0)
    given_up.cancel()
    gate.set()
    assert (await first, await third) == (True, 3)
    database.close()
