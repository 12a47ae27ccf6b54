"""What the table files share: plain JSON, and the two writes that need care in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, RowMapping, Table, Update
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


def many(
    c: Connection, statement: Insert | Update, names: Sequence[str], values: Iterable[Sequence[Any]]
) -> None:
    """Runs the statement once for each of the values, which are in the order of its parameters `names`.

    As `c.execute(statement, [...])`, for a third of its CPU: what is the same for every row is done once.
    """
    compiled = statement.compile(dialect=c.dialect, column_keys=list(names))
    into = [compiled.binds[name].type.bind_processor(c.dialect) for name in names]
    ready = [
        [value if convert is None else convert(value) for convert, value in zip(into, row, strict=True)]
        for row in values
    ]
    if not ready:
        return
    if compiled.positional:
        order = [list(names).index(name) for name in compiled.positiontup or ()]
        c.exec_driver_sql(str(compiled), [tuple(row[place] for place in order) for row in ready])
    else:
        c.exec_driver_sql(str(compiled), [dict(zip(names, row, strict=True)) for row in ready])
