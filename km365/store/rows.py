"""What the table files share: plain JSON, and the two writes that need care in SQL."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Table
from sqlalchemy.dialects.sqlite import insert

Row = RowMapping
"""One row as the database gave it, by column name."""

Json = dict[str, Any]
"""A JSON object as it is stored."""


def insert_new(c: Connection, table: Table, values: Mapping[str, object]) -> bool:
    """Adds the row; False, and nothing changed, when a row with the same key is already there."""
    return c.execute(insert(table).values(**values).on_conflict_do_nothing()).rowcount == 1


def put(c: Connection, table: Table, values: Mapping[str, object]) -> None:
    """Adds the row, or gives the row with the same primary key these values."""
    keys = {column.name for column in table.primary_key.columns}
    rest = {name: value for name, value in values.items() if name not in keys}
    c.execute(insert(table).values(**values).on_conflict_do_update(index_elements=sorted(keys), set_=rest))
