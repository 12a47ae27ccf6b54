"""What the table files share: plain JSON, and the two writes that need care in SQL."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sqlalchemy import Connection, Delete, Dialect, Insert, RowMapping, Select, Table, Update
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")
Row = RowMapping | dict[str, Any]
"""One row as the database gave it, by column name."""

Json = dict[str, Any]
"""A JSON object as it is stored."""


def insert_new(c: Connection, table: Table, values: Mapping[str, object]) -> bool:
    """Adds the row; False, and nothing changed, when a row with the same key is already there."""
    return _new(c.dialect.name, table, tuple(values)).run(c, [tuple(values.values())]) == 1


def put(c: Connection, table: Table, *values: Mapping[str, object]) -> None:
    """Adds the rows, or gives those with the same primary keys these values; all name the same columns."""
    if values:
        names = tuple(values[0])
        _new_or_again(c.dialect.name, table, names).run(c, [[one[name] for name in names] for one in values])


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


@cache
def _new(dialect: str, table: Table, names: tuple[str, ...]) -> "Prepared":
    return Prepared(_insert(dialect, table).on_conflict_do_nothing(), *names)


@cache
def _new_or_again(dialect: str, table: Table, names: tuple[str, ...]) -> "Prepared":
    keys = {column.name for column in table.primary_key.columns}
    new = _insert(dialect, table)
    again = {name: new.excluded[name] for name in names if name not in keys}
    return Prepared(new.on_conflict_do_update(index_elements=sorted(keys), set_=again), *names)


def _insert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An insert that knows rows which are there already: not standard SQL, and in both databases alike."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 30 ms, only where it is used

        return postgresql.insert(table)
    return sqlite.insert(table)


_Statement = Select[Any] | Insert | Update | Delete


class Prepared:
    """A statement compiled once, for what a run does thousands of times and a turn of the chat each time.

    `c.execute` takes longer to find out which statement it has than SQLite takes to carry it out. Values
    are given in the order of the parameters `names`; they and the results are converted as their columns ask.
    """

    def __init__(self, statement: _Statement, *names: str) -> None:
        self._statement, self._names = statement, names
        self._found = tuple(statement.selected_columns.keys()) if isinstance(statement, Select) else ()
        self._ready: dict[str, _Ready] = {}

    def rows(self, c: Connection, *values: object) -> list[tuple[Any, ...]]:
        """What the statement finds."""
        ready = self._compiled(c)
        (given,) = ready.parameters([values])
        with _cursor(c) as cursor:
            cursor.execute(ready.sql, given)
            return list(zip(*_columns(cursor.fetchall(), ready.out), strict=True))

    def named(self, c: Connection, *values: object) -> list[Row]:
        """The same by the names of the columns."""
        return [dict(zip(self._found, row, strict=True)) for row in self.rows(c, *values)]

    def first(self, c: Connection, *values: object) -> Row | None:
        """The first of them."""
        return next(iter(self.named(c, *values)), None)

    def run(self, c: Connection, values: Iterable[Sequence[Any]]) -> int:
        """Runs the statement once for each of the values; how many rows it wrote."""
        ready = self._compiled(c)
        given = ready.parameters(values)
        with _cursor(c) as cursor:
            if len(given) == 1:
                cursor.execute(ready.sql, given[0])
            else:
                cursor.executemany(ready.sql, given)
            return int(cursor.rowcount)

    def _compiled(self, c: Connection) -> "_Ready":
        ready = self._ready.get(c.dialect.name)
        if ready is None:
            ready = self._ready[c.dialect.name] = _Ready.of(self._statement, self._names, c.dialect)
        return ready


@contextmanager
def _cursor(c: Connection) -> Iterator[Any]:
    """The driver's cursor; a connection that the server has ended is put away, as `c.execute` does."""
    cursor = c.connection.cursor()
    try:
        yield cursor
    except c.dialect.loaded_dbapi.Error as error:
        if c.dialect.is_disconnect(error, c.connection, cursor):
            c.invalidate(error)
        raise
    finally:
        cursor.close()


_Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A compiled statement: where each parameter comes from, and how values go in and come out."""

    sql: str
    asked: Sequence[str]
    order: Sequence[int]
    by_name: bool
    fixed: Sequence[Any]
    into: Sequence[_Convert]
    out: Sequence[_Convert]

    @classmethod
    def of(cls, statement: _Statement, names: Sequence[str], dialect: Dialect) -> Self:
        """The statement for this database."""
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        asked = compiled.positiontup or list(compiled.params)
        fixed = [name for name in asked if name not in names]
        places = {name: place for place, name in enumerate((*names, *fixed))}
        selected = statement.selected_columns if isinstance(statement, Select) else ()
        return cls(
            sql=str(compiled),
            asked=asked,
            order=[places[name] for name in asked],
            by_name=not compiled.positional,
            fixed=[compiled.params[name] for name in fixed],
            into=[
                compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
                for name in (*names, *fixed)
            ],
            out=[column.type.dialect_impl(dialect).result_processor(dialect, None) for column in selected],
        )

    def parameters(self, values: Iterable[Sequence[Any]]) -> list[Any]:
        """The values as the driver wants them, by place or by name, for each time the statement runs."""
        columns = _columns([(*row, *self.fixed) for row in values], self.into)
        if not columns:
            return []
        ready = zip(*(columns[place] for place in self.order), strict=True)
        return [dict(zip(self.asked, row, strict=True)) for row in ready] if self.by_name else list(ready)


def _columns(rows: Sequence[Sequence[Any]], convert: Sequence[_Convert]) -> list[Iterable[Any]]:
    """The rows' values by column, converted; what is the same in all rows, once."""
    return [
        column
        if change is None
        else [change(column[0])] * len(column)
        if all(value is column[0] for value in column)
        else [change(value) for value in column]
        for column, change in zip(zip(*rows, strict=True), convert, strict=False)
    ]
