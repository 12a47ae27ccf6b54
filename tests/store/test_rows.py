"""The two writes that need care in SQL, and that both databases have a word for them."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_mock_engine

from km365.store import cursors, rows
from km365.store.database import Connection
from km365.store.tables import cursor

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def values(name: str, value: str) -> dict[str, object]:
    return {"name": name, "value": value, "changed_at": NOON}


def test_a_new_row_leaves_the_one_before_as_it_was(c: Connection) -> None:
    assert rows.insert_new(c, cursor, values("users", "first"))
    assert not rows.insert_new(c, cursor, values("users", "second"))
    assert cursors.get(c, "users") == "first"


def test_rows_that_are_put_take_the_place_of_those_before(c: Connection) -> None:
    rows.put(c, cursor)
    rows.put(c, cursor, values("users", "first"))
    rows.put(c, cursor, values("users", "second"), values("sites", "third"))
    assert [cursors.get(c, name) for name in ("users", "sites")] == ["second", "third"]


@pytest.mark.parametrize(
    ("write", "ends"),
    [
        (rows.insert_new, "ON CONFLICT DO NOTHING"),
        (
            rows.put,
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
        ),
    ],
)
def test_postgresql_is_told_the_same_in_its_own_words(write: Callable[..., Any], ends: str) -> None:
    told: list[str] = []

    class Cursor:
        rowcount = 1

        def execute(self, statement: str, _: object) -> None:
            told.append(statement)

        def close(self) -> None:
            """Has nothing to let go of."""

    dialect = create_mock_engine("postgresql+psycopg://", lambda *_: None).dialect
    write(
        SimpleNamespace(dialect=dialect, connection=SimpleNamespace(cursor=Cursor)),
        cursor,
        values("users", "first"),
    )
    (statement,) = told
    assert statement.endswith(ends)
